"""Places in a picture: of boxes and frames, of wires, and of lines of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Place", "Point", "Spot"]

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a line of text stands: a point of its baseline, and which one (``"l"``, ``"c"``)."""

    x: float
    y: float
    align: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a box, a frame or an arrow lies, in points from the top left.

    ``x``, ``y``, ``width`` and ``height`` are those of a box or frame; ``lines`` are a box's
    dividing lines, or an arrow's line as the points of a Bézier curve, and ``head`` is its head.
    """

    spots: tuple[Spot, ...] = ()
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0
    lines: tuple[tuple[Point, ...], ...] = ()
    head: tuple[Point, ...] = ()
