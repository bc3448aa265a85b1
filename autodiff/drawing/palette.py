"""The colours that have a meaning, the same in every drawing, plot, page and terminal.

Warm is more and cold is less, as on a weather map: red is a positive number or a high output,
blue a negative number or a low one.  They are told apart with every kind of colour vision, and
a sign is never shown by colour alone: it is written out, or a line is dashed, or a marker square.
Bright yellow is what has a new number now.  So no kind of box is red, blue or bright yellow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autodiff.drawing.picture import Kind

__all__ = ["DARK", "LIGHT", "LIT", "ON_LIT", "Palette", "Tones"]

# What has a new number, and text on it; the same on a light and on a dark background.
LIT, ON_LIT = "#FFD83A", "#15202B"


@dataclass(frozen=True, slots=True)
class Tones:
    """The tones of one sign: ``strong`` of text, lines and markers.

    ``tint`` lies behind text; ``field`` fills an area, such as the outputs over a plane.
    """

    strong: str
    tint: str
    field: str


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours on one background: of both signs, and what fills each kind of box.

    ``middle`` is the colour of a field halfway between the signs.
    """

    positive: Tones
    negative: Tones
    middle: str
    boxes: Mapping[Kind, str]


LIGHT = Palette(
    positive=Tones("#B32D12", "#FBC2A0", "#EE6A48"),
    negative=Tones("#0A5A9C", "#A9D3F2", "#5AA9E0"),
    middle="#FBFAF7",
    boxes={
        "variable": "#D6EFE4",  # green
        "operation": "#FFFFFF",
        "result": "#FFF4C2",  # pale yellow
        "input": "#E8E8E8",
        "constant": "#F4F4F4",
        "module": "#E4DFF3",  # violet
        "call": "#E4DFF3",  # the same: none is beside a module
        "rows": "#F3E1EC",  # pink
        "reference": "#FFFFFF",
        "neuron": "#FFFFFF",
        "matrix": "#FFFFFF",
        "text": "#FFFFFF",
    },
)
DARK = Palette(
    positive=Tones("#FF8563", "#7E3A1C", "#C2472A"),
    negative=Tones("#4FB3FF", "#1D5180", "#1C6BA8"),
    middle="#1B222A",
    boxes={
        "variable": "#123F32",
        "operation": "#23272E",
        "result": "#473A10",
        "input": "#3A3A3A",
        "constant": "#2A2A2A",
        "module": "#3A2F63",
        "call": "#3A2F63",
        "rows": "#4A2540",
        "reference": "#15181C",
        "neuron": "#23272E",
        "matrix": "#15181C",
        "text": "#15181C",
    },
)
