"""How boxes, frames and arrows look, in every file format.

Colours are those of :mod:`autodiff.drawing.palette`.  Each kind of box differs in shape or border
too, and each sign in its line, so a picture also reads in black and white.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from autodiff.drawing.palette import LIGHT, LIT
from autodiff.drawing.picture import Arrow, Box, Change, Frame, Kind, Mark, Sign, arrow_width

__all__ = [
    "ARROW",
    "BOX",
    "CAPTION_SIZE",
    "CELL",
    "FONT",
    "HEAVIEST",
    "ROUNDING",
    "Style",
    "arrow_class",
    "arrow_style",
    "box_class",
    "box_style",
    "cell_fill",
    "frame_class",
    "frame_style",
]

# Layout needs one font whose widths Graphviz knows.  The ones that stand in for it (see
# autodiff.drawing.layouts.render) are no wider, so text never runs out of its box.
FONT: Final = "Verdana"
CAPTION_SIZE: Final = 24.0
ROUNDING: Final = 12.0  # of a rounded box's corners, in points

Shape: TypeAlias = Literal["square", "rounded", "oval"]
Dash: TypeAlias = Literal["", "dashed", "dotted"]


@dataclass(frozen=True, slots=True)
class Style:
    """A shape, the colours of inside, line and text, and the sizes of line and text in points.

    ``opacity`` is that of a line.
    """

    shape: Shape = "square"
    fill: str = "#FFFFFF"
    line: str = "black"
    width: float = 2.0
    dash: Dash = ""
    text: str = "black"
    size: float = 20.0
    opacity: float = 1.0


BOX: Final = Style()
ARROW: Final = Style(line="#555555", size=18.0)
FRAME: Final = Style("rounded", "#F3F6F8", "#8C8C8C", text="#333333")
FAINTEST: Final = 0.4  # the opacity of a line between neurons whose weight is 0
CELL: Final = Style(line="#555555", width=1.0)
HEAVIEST: Final = {"line": "black", "width": 7.0}
# Of nan and infinity, as the arrows have it that lead there.
BROKEN: Final = {"line": "black", "width": 5.0, "dash": "dashed"}

KINDS: dict[Kind, Style] = {
    "variable": BOX,
    "operation": Style("rounded"),
    "result": Style("rounded", width=4.0),
    "input": Style("oval"),
    "constant": Style("oval", line="#8C8C8C", width=1.0, text="#4D4D4D", size=16.0),
    "module": Style(width=4.0),
    "call": Style(width=4.0),
    "rows": Style(width=3.0, dash="dashed"),
    "reference": Style(line="#555555", dash="dashed"),
    "neuron": Style("rounded"),
    "matrix": Style(line="#FFFFFF", width=0.0),
    "text": Style(line="#FFFFFF", width=0.0),
}
MARKED: dict[Mark, dict[str, Any]] = {
    "": {},
    "giver": HEAVIEST,
    "changed": {"fill": LIT, **HEAVIEST},
}
CHANGED: dict[Change, dict[str, Any]] = {
    "": {},
    "equal": {"fill": "#E8E8E8", "line": "#8C8C8C", "text": "#4D4D4D"},
    "more": {"fill": LIGHT.positive.tint, "line": LIGHT.positive.strong},
    "less": {"fill": LIGHT.negative.tint, "line": LIGHT.negative.strong, "dash": "dashed"},
    "other": {"fill": "#FFFFFF"},
}
SIGNED: dict[Sign, dict[str, Any]] = {
    "": {},
    "positive": {"line": LIGHT.positive.strong, "text": LIGHT.positive.strong},
    "negative": {
        **{"line": LIGHT.negative.strong, "text": LIGHT.negative.strong},
        **{"dash": "dashed"},
    },
    "zero": {"dash": "dotted", "width": 2.0},
    "broken": {"dash": "dashed", "line": "black", "text": "black"},
}


def box_style(box: Box) -> Style:
    """Return how a box looks; an input on a wire is square."""
    shape: dict[str, Any] = {"shape": "square"} if box.wired and box.kind == "input" else {}
    marked = HEAVIEST if box.lit else MARKED[box.mark]  # the row that is new is lit, not all of it
    broken = BROKEN if box.is_broken else {}
    own = {"fill": LIGHT.boxes[box.kind], **shape, **CHANGED[box.change], **broken, **marked}
    return replace(KINDS[box.kind], **own)


def arrow_style(arrow: Arrow) -> Style:
    """Return how an arrow looks."""
    own: dict[str, Any] = {}
    if arrow.size is not None:
        own = {"width": round(arrow_width(arrow.size), 1), **SIGNED[arrow.sign]}
        if arrow.headless:  # of many lines, those of the greatest weights are seen first
            own["opacity"] = round(FAINTEST + (1.0 - FAINTEST) * math.sqrt(arrow.size), 2)
    return replace(ARROW, **(own | (HEAVIEST if arrow.marked else {})))


def cell_fill(shade: float | None) -> str:
    """Return the colour of a matrix's cell: the stronger the greater its number is.

    >>> cell_fill(None), cell_fill(0.0), cell_fill(1.0) == LIGHT.positive.field
    ('#FFFFFF', '#FFFFFF', True)
    """
    if shade is None or not math.isfinite(shade):
        return "#FFFFFF"
    field = LIGHT.positive.field if shade > 0.0 else LIGHT.negative.field
    channels = [int(field[place : place + 2], 16) for place in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - abs(shade) * (255 - each)):02X}" for each in channels)


def frame_style(frame: Frame) -> Style:
    """Return how a frame looks; one inside another is white."""
    return replace(FRAME, fill="#FFFFFF") if frame.outer else FRAME


def box_class(box: Box) -> str:
    """Return the class of a box's element in an SVG."""
    return " ".join(filter(None, [box.kind, box.change, "lit" if box.lit else box.mark]))


def arrow_class(arrow: Arrow) -> str:
    """Return the class of an arrow's element in an SVG."""
    return f"{arrow.sign if arrow.size is not None else ''} {'now' * arrow.marked}".strip()


def frame_class(frame: Frame) -> str:
    """Return the class of a frame's element in an SVG."""
    return "frame inner" if frame.outer else "frame"
