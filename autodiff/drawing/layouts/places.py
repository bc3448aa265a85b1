"""Places in a picture: of boxes and frames, of wires, and of lines of text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

__all__ = ["HIDDEN", "Place", "Point", "Rectangle", "Spot", "moved", "points_moved"]

Point: TypeAlias = tuple[float, float]
Rectangle: TypeAlias = tuple[float, float, float, float]  # four sides, or a corner and two sizes


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a line of text stands: a point of its baseline, and which one (``"l"``, ``"c"``)."""

    x: float
    y: float
    align: str


HIDDEN: Final = Spot(0.0, 0.0, "")  # of a text that is not shown


@dataclass(frozen=True, slots=True)
class Place:
    """Where a box, a frame or an arrow lies, in points from the top left.

    ``x``, ``y``, ``width`` and ``height`` are those of a box or frame; ``lines`` are a box's
    dividing lines, or the wire that leaves it, or an arrow's line as the points of a Bézier curve,
    and ``head`` is its head.  ``cells`` are those of a matrix: left, top, width and height of each,
    row by row; *hatched*, those of negative numbers are crossed by a line.
    """

    spots: tuple[Spot, ...] = ()
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0
    lines: tuple[tuple[Point, ...], ...] = ()
    head: tuple[Point, ...] = ()
    cells: tuple[Rectangle, ...] = ()
    hatched: bool = False

    @property
    def outline(self) -> Rectangle:
        """The left, top, right and bottom of a box or frame."""
        return self.x, self.y, self.x + self.width, self.y + self.height


def moved(place: Place, right: float, down: float) -> Place:
    """Return a box, a frame or an arrow, with its text and its lines, elsewhere.

    >>> moved(Place(x=1.0, head=((2.0, 3.0),)), 10.0, 20.0).head
    ((12.0, 23.0),)
    """
    return replace(
        place,
        x=place.x + right,
        y=place.y + down,
        spots=tuple(replace(spot, x=spot.x + right, y=spot.y + down) for spot in place.spots),
        lines=tuple(points_moved(line, right, down) for line in place.lines),
        head=points_moved(place.head, right, down),
    )


def points_moved(points: tuple[Point, ...], right: float, down: float) -> tuple[Point, ...]:
    """Return points elsewhere."""
    return tuple((x + right, y + down) for x, y in points)
