"""A picture as a Mermaid flowchart, which code hosts show in Markdown files.

What Mermaid cannot show is left out: dividing lines, and tables set in columns, whose heads stand
before each number.
"""

from __future__ import annotations

from autodiff.drawing.picture import Arrow, Box, Kind, Picture
from autodiff.drawing.style import Style, arrow_style, box_class, box_style, frame_style

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
    "neuron": ("((", "))"),
    "matrix": ("[", "]"),
    "text": ("[", "]"),
}
DASHES = {"dashed": "8", "dotted": "2"}


def mermaid_text(picture: Picture, rankdir: str) -> str:
    """Return the picture as a Mermaid flowchart, its root towards the end of ``rankdir``."""
    lines = [f"flowchart {rankdir}"]
    lines += inside("", picture, "    ")
    for place, arrow in enumerate(picture.arrows):
        lines += [f"    {line}" for line in arrow_lines(arrow, place)]
    looks = {class_of(box): filled(box_style(box)) for box in picture.boxes}
    lines += [f"    classDef {name} {look}" for name, look in looks.items()]
    lines += [
        f"    style {name_of(frame.id)} {filled(frame_style(frame))}" for frame in picture.frames
    ]
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
    opening, closing = SHAPES[box.kind]
    heads = box.table[0][1:] if box.table else ()
    cells = [
        f"{row[0]}: {', '.join(map(' '.join, zip(heads, row[1:], strict=True)))}"
        for row in box.table[1:]
    ]
    corner = [row[0] for row in box.table[:1] if row[0]]
    text = "<br>".join(map(escaped, (*box.title, *corner, *box.numbers, *cells)))
    return f'{name_of(box.id)}{opening}"{text}"{closing}:::{class_of(box)}'


def arrow_lines(arrow: Arrow, place: int) -> list[str]:
    label = "<br>".join(map(escaped, arrow.label))
    style = arrow_style(arrow)
    line = "-.->" if style.dash == "dotted" else "-->"
    text = f'|"{label}"|' if label else ""
    lines = [f"{name_of(arrow.tail)} {line}{text} {name_of(arrow.head)}"]
    if arrow.size is not None or arrow.marked:
        lines.append(f"linkStyle {place} {stroke(style)}")
    return lines


def filled(style: Style) -> str:
    """Return how a box or frame looks; its text is dark, on a page of any colour."""
    return f"fill:{style.fill},color:{style.text},{stroke(style)}"


def stroke(style: Style) -> str:
    """Return how a line looks."""
    dashes = f",stroke-dasharray:{DASHES[style.dash]}" if style.dash else ""
    return f"stroke:{style.line},stroke-width:{style.width:g}px{dashes}"


def class_of(box: Box) -> str:
    """Return the name of the look that a box has."""
    return box_class(box).replace(" ", "_")


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
