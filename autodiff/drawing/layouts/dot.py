"""A picture in the DOT language of Graphviz.

The text depends on the picture alone, so the same graph gives the same bytes in every process.
Labels are *records* (boxes with dividing lines): HTML-like labels need a part that the
WebAssembly build of Graphviz does not have.

Each box, arrow and frame has its id from the picture and a class from its kind, which Graphviz
hands on to the SVG: there they can be addressed and styled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from autodiff.drawing.picture import Arrow, Box, Frame, Picture
from autodiff.drawing.style import (
    ARROW,
    BOX,
    CAPTION_SIZE,
    FONT,
    Style,
    arrow_class,
    arrow_style,
    box_class,
    box_style,
    frame_class,
    frame_style,
)
from autodiff.support.extras import install

__all__ = ["NO_TEXT", "dot_text"]

# The name of a frame stands where no arrow comes in: in the corner towards the root.
FRAME_NAME = {
    "LR": {"labeljust": "r", "labelloc": "t"},
    "RL": {"labeljust": "l", "labelloc": "t"},
    "TB": {"labeljust": "l", "labelloc": "b"},
    "BT": {"labeljust": "l", "labelloc": "t"},
}
UNSEEN = {"peripheries": "0", "margin": "0", "style": "", "label": "", "class": "unseen"}
LOOKS = {"line": "color", "width": "penwidth", "text": "fontcolor", "size": "fontsize"}
GRAPHVIZ = Style(width=1.0, size=14.0)  # how it draws where nothing is said
# What is only text, and an oval, are no records: dividing lines do not go with their shapes.
SHAPES = {"square": "record", "rounded": "Mrecord", "oval": "ellipse"}
MARGINS = {"record": "0.1,0.05", "Mrecord": "0.1,0.05", "ellipse": "0.05,0.03", "box": "0.08,0.04"}

DENSE = {"ranksep": "3", "splines": "line"}

# Of a box on a wire: its margin, and where arrows come in, and the wire leaves it.
WIRED_MARGIN = "0.06,0.01"
FRONT = {"LR": ":w", "RL": ":e", "TB": ":n", "BT": ":s"}
WIRE_END = {"LR": ":e", "RL": ":w", "TB": ":s", "BT": ":n"}

LINE_END = r"\l"  # and the line is set to the left

# A line with nothing in it crashes the layout.
NO_TEXT = "\u00a0"

# Characters with a meaning in a record label.
SPECIAL = re.compile(r"[\\{}|<>]")


def dot_text(picture: Picture, rankdir: str) -> str:
    """Return the picture as DOT, its root towards the end of ``rankdir``.

    Raises ImportError if the package graphviz is not installed.
    """
    try:
        from graphviz import Digraph
    except ImportError as error:
        raise ImportError(
            f"drawing needs the Python package graphviz: {install('draw')}"
        ) from error
    wired = {box.id for box in picture.boxes if box.wired}
    # Operands enter a box on one side, where their order is seen.
    computed = {box.id for box in picture.boxes if box.kind in ("operation", "result")}
    digraph = Digraph(
        "computation graph",
        # Edges first: then boxes follow each other in the file as in the graph, and hide lines.
        graph_attr={
            **{"rankdir": rankdir, "outputorder": "edgesfirst"},
            # Many boxes lie in a frame: the closer they are, the larger is the text on a slide.
            "nodesep": "0.1" if picture.frames else "0.2",
            **(DENSE if picture.is_dense else {"ranksep": "0.2" if wired else "0.5"}),
        },
        node_attr={"fontname": FONT, "margin": MARGINS["record"], **attributes_of(BOX, GRAPHVIZ)},
        edge_attr={"fontname": FONT, "arrowsize": "0.9", **attributes_of(ARROW, GRAPHVIZ)},
    )
    if picture.frames:
        # Ranks then follow the arrows through all frames: none leads backwards.
        digraph.attr(newrank="true")
    if picture.caption:
        caption = "".join(escaped(line) + LINE_END for line in picture.caption)
        digraph.attr(
            label=caption, labelloc="b", labeljust="l", fontname=FONT, fontsize=f"{CAPTION_SIZE:g}"
        )
    add_inside("", digraph, picture, rankdir)
    frames = {box.id: box.frame for box in picture.boxes}
    framed = {box.kind for box in picture.boxes if box.frame}
    inner_heads = {
        arrow.head for arrow in picture.arrows if frames[arrow.tail] == frames[arrow.head] != ""
    }
    for arrow in picture.arrows:
        attributes = arrow_attributes(arrow, () if picture.is_dense else arrow.label)
        if arrow.head in inner_heads and frames[arrow.tail] != frames[arrow.head]:
            # What comes from outside a frame is beside all of it, not beside its first boxes.
            attributes["minlen"] = "2"
        if arrow is picture.arrows[-1] and framed == {"module"}:
            # With a label anywhere, even a blank one, Graphviz keeps the order within frames.
            attributes.setdefault("label", " ")
        tail = arrow.tail + WIRE_END[rankdir] * (arrow.tail in wired)
        head = arrow.head + ":o" * (arrow.head in wired)
        digraph.edge(tail, head + FRONT[rankdir] * (arrow.head in computed), **attributes)
    return str(digraph.source)


def add_inside(frame: str, digraph: Any, picture: Picture, rankdir: str) -> None:
    """Add the boxes and frames directly inside a frame ('' for the whole picture)."""
    for box in picture.boxes:
        if box.frame == frame:
            if frame and box.kind == "module":
                # Frames keep their order, so each neuron gets one, though none is seen.
                with digraph.subgraph(name=f"cluster_around_{box.id}") as cluster:
                    cluster.attr(id=f"around-{box.id}", **UNSEEN)
                    cluster.node(box.id, **box_attributes(box, rankdir))
            else:
                digraph.node(box.id, **box_attributes(box, rankdir))
    for inner in picture.frames:
        if inner.outer == frame:
            with digraph.subgraph(name=f"cluster_{inner.id}") as cluster:
                name = {"label": escaped(inner.title), "id": inner.id, **FRAME_NAME[rankdir]}
                cluster.attr(**name, **frame_attributes(inner))
                add_inside(inner.id, cluster, picture, rankdir)


def box_attributes(box: Box, rankdir: str) -> dict[str, str]:
    """Return what DOT says of a box."""
    style = box_style(box)
    shape = "box" if box.kind == "reference" else SHAPES[style.shape]
    if box.wired:
        label = wired_label(box, rankdir)
    else:
        plain = shape in ("box", "ellipse")  # without dividing lines
        label = r"\n".join(map(escaped, box.title)) if plain else record_label(box, rankdir)
    margin = WIRED_MARGIN if box.wired else MARGINS[shape]
    return {
        **{"label": label, "id": box.id, "class": box_class(box), "shape": shape},
        **({} if margin == MARGINS["record"] else {"margin": margin}),
        **{"style": ",".join(filter(None, [style.dash, "filled"])), "fillcolor": style.fill},
        **attributes_of(style, BOX),
    }


def arrow_attributes(arrow: Arrow, lines: Sequence[str]) -> dict[str, str]:
    """Return what DOT says of an arrow with some lines of text on it."""
    style = arrow_style(arrow)
    attributes = {
        "id": arrow.id,
        "label": "".join(escaped(line) + LINE_END for line in lines),
        "class": arrow_class(arrow),
        "style": style.dash,
        "dir": "none" * arrow.headless,
        **attributes_of(style, ARROW),
    }
    return {name: text for name, text in attributes.items() if text}


def frame_attributes(frame: Frame) -> dict[str, str]:
    """Return what DOT says of the look of a frame."""
    style = frame_style(frame)
    return {
        **{"class": frame_class(frame), "style": "rounded,filled", "fillcolor": style.fill},
        **{"fontname": FONT, "margin": "6", **attributes_of(style)},
    }


def attributes_of(style: Style, usual: Style = GRAPHVIZ) -> dict[str, str]:
    """Return what DOT says of lines and text, as far as it is not the usual."""
    found = [getattr(style, name) for name in LOOKS]
    others = [getattr(usual, name) for name in LOOKS]
    return {
        name: each if isinstance(each, str) else f"{each:g}"
        for name, each, other in zip(LOOKS.values(), found, others, strict=True)
        if each != other
    }


def record_label(box: Box, rankdir: str) -> str:
    r"""Return the title over the numbers or the table, with lines between them.

    >>> record_label(Box("v1", "variable", "x", ("x",), ("value 3", "grad –")), "LR")
    'x|value 3\\lgrad –\\l'
    >>> table = (("", "value"), ("output", "0.5"), ("bias", "2"))
    >>> record_label(Box("m1", "module", "hidden", ("hidden",), table=table), "LR")
    'hidden|{\xa0\\loutput\\lbias\\l|value\\l0.5\\l2\\l}'
    """
    fields = [lines_label(box.title) if len(box.title) > 1 else escaped(box.title[0]) or NO_TEXT]
    if box.numbers:
        fields.append(lines_label(box.numbers))
    if box.table:
        columns = "|".join(map(lines_label, zip(*box.table, strict=True)))
        fields.append("{" + columns + "}")
    label = "|".join(fields)
    # The fields of a record lie across rankdir, and braces turn them.
    return label if rankdir in ("LR", "RL") or len(fields) == 1 else "{" + label + "}"


def wired_label(box: Box, rankdir: str) -> str:
    r"""Return the title, then value and gradient on both sides of the wire.

    >>> print(wired_label(Box("v3", "operation", "v3", ("×",), ("12", "+1"), wired=True), "LR"))
    {<o> × |{12|+1}}
    """
    numbers = box.numbers
    if rankdir in ("TB", "BT"):  # the wire is in the middle
        numbers = (max(numbers, key=len),) * 2
    value, gradient = (escaped(number or NO_TEXT) for number in numbers)
    title = escaped(box.title[0]) or NO_TEXT
    if len(box.title[0]) < 2:  # so that a circle is round
        title = f"{NO_TEXT}{title}{NO_TEXT}"
    return f"{{<o>{title}|{{{value}|{gradient}}}}}"


def lines_label(lines: tuple[str, ...]) -> str:
    """Return lines, each set to the left."""
    return "".join(escaped(line or NO_TEXT) + LINE_END for line in lines)


def escaped(text: str) -> str:
    r"""Return text that Graphviz shows as it is.

    >>> print(escaped(r"<b> & \N"))
    \<b\> &amp; \\N
    """
    return SPECIAL.sub(r"\\\g<0>", text).replace("&", "&amp;")
