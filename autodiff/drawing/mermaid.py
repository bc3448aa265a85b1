"""A picture as a Mermaid flowchart, which code hosts show in Markdown files.

What Mermaid cannot show is left out: dividing lines, and tables set in columns, whose heads stand
before each number.
"""

from __future__ import annotations

from autodiff.drawing.palette import LIGHT, LIT
from autodiff.drawing.picture import Arrow, Box, Kind, Mark, Picture, Sign, arrow_width

__all__ = ["mermaid_text"]

SHAPES: dict[Kind, tuple[str, str]] = {
    "variable": ("[", "]"),
    "operation": ("(", ")"),
    "result": ("([", "])"),
    "input": ("([", "])"),
    "constant": ("((", "))"),
    "module": ("[[", "]]"),
    "call": ("[[", "]]"),
    "rows": ("[[", "]]"),
    "reference": ("[", "]"),
}
# The text is dark on every box, on a page of any colour.
BORDER, TEXT = "stroke:#333333", "color:#111111"
LINES: dict[Kind, str] = {
    "variable": f"{BORDER},{TEXT}",
    "operation": f"{BORDER},{TEXT}",
    "result": f"{BORDER},{TEXT},stroke-width:4px",
    "input": f"{BORDER},{TEXT}",
    "constant": "stroke:#8C8C8C,color:#4D4D4D",
    "module": f"{BORDER},{TEXT},stroke-width:3px",
    "call": f"{BORDER},{TEXT},stroke-width:3px",
    "rows": f"{BORDER},{TEXT},stroke-dasharray:6",
    "reference": f"stroke:#555555,{TEXT},stroke-dasharray:4",
}
FRAME = "fill:#F3F6F8,stroke:#8C8C8C,color:#333333"
HEAVIEST = "stroke-width:7px,stroke:#333333"
MARKED: dict[Mark, str] = {"": "", "giver": HEAVIEST, "changed": f"fill:{LIT},{HEAVIEST}"}
SIGNED: dict[Sign, str] = {
    "": "stroke:#555555",
    "positive": f"stroke:{LIGHT.positive.strong}",
    "negative": f"stroke:{LIGHT.negative.strong},stroke-dasharray:8",
    "zero": "stroke:#555555",
    "broken": "stroke:#000000,stroke-dasharray:2",
}


def mermaid_text(picture: Picture, rankdir: str) -> str:
    """Return the picture as a Mermaid flowchart, its root towards the end of ``rankdir``."""
    lines = [f"flowchart {rankdir}"]
    lines += inside("", picture, "    ")
    for place, arrow in enumerate(picture.arrows):
        lines += [f"    {line}" for line in arrow_lines(arrow, place)]
    kinds = dict.fromkeys(box.kind for box in picture.boxes)
    lines += [f"    classDef {kind} fill:{LIGHT.boxes[kind]},{LINES[kind]}" for kind in kinds]
    lines += [f"    style {name_of(frame.id)} {FRAME}" for frame in picture.frames]
    for box in picture.boxes:
        if box.mark:
            lines.append(f"    style {name_of(box.id)} {MARKED[box.mark]}")
    return "\n".join(lines) + "\n"


def inside(frame: str, picture: Picture, indent: str) -> list[str]:
    """Return the lines of the boxes and frames directly inside a frame ('' for the picture)."""
    lines = [indent + box_line(box) for box in picture.boxes if box.frame == frame]
    for inner in picture.frames:
        if inner.outer == frame:
            lines.append(f'{indent}subgraph {name_of(inner.id)}["{escaped(inner.title)}"]')
            lines += inside(inner.id, picture, indent + "    ")
            lines.append(f"{indent}end")
    return lines


def box_line(box: Box) -> str:
    """Return the line that declares a box."""
    opening, closing = SHAPES[box.kind]
    heads = box.table[0][1:] if box.table else ()
    cells = [
        f"{row[0]}: {', '.join(map(' '.join, zip(heads, row[1:], strict=True)))}"
        for row in box.table[1:]
    ]
    corner = [row[0] for row in box.table[:1] if row[0]]
    text = "<br>".join(map(escaped, (*box.title, *corner, *box.numbers, *cells)))
    return f'{name_of(box.id)}{opening}"{text}"{closing}:::{box.kind}'


def arrow_lines(arrow: Arrow, place: int) -> list[str]:
    """Return the line of an arrow, and that of its style if it has one."""
    label = "<br>".join(map(escaped, arrow.label))
    dotted = arrow.sign == "zero"
    line = "-.->" if dotted else "-->"
    text = f'|"{label}"|' if label else ""
    lines = [f"{name_of(arrow.tail)} {line}{text} {name_of(arrow.head)}"]
    if arrow.size is not None:
        width = f"stroke-width:{arrow_width(arrow.size):.1f}px"
        lines.append(f"linkStyle {place} {width},{SIGNED[arrow.sign]}")
    if arrow.marked:
        lines.append(f"linkStyle {place} {HEAVIEST}")
    return lines


def name_of(key: str) -> str:
    """Return an id that Mermaid takes: letters, digits and underscores."""
    return key.replace("-", "_")


def escaped(text: str) -> str:
    """Return text that Mermaid shows as it is: no markup, no Markdown, no end of a string.

    >>> escaped('<b> "a" `c` #1; w[0] * x')
    '#lt;b#gt; #quot;a#quot; #96;c#96; #35;1#59; w[0] * x'
    """
    codes = {"&": "amp", "<": "lt", ">": "gt", '"': "quot"}
    marks = "#;`\\"
    return "".join(
        f"#{codes[c]};" if c in codes else f"#{ord(c)};" if c in marks else c for c in text
    )
