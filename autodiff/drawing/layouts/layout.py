"""Where everything lies: what Graphviz found, as numbers.

It has all places of text, so a picture can be written in the layout of another that has the same
boxes and arrows with longer text: from moment to moment of a pass nothing moves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autodiff.drawing.layouts.dot import dot_text
from autodiff.drawing.layouts.labels import with_text_placed
from autodiff.drawing.layouts.places import Place, Point, Rectangle, Spot
from autodiff.drawing.layouts.reading_order import in_reading_order
from autodiff.drawing.layouts.render import run_graphviz
from autodiff.drawing.picture import Picture, sign_of

__all__ = ["Layout", "laid_out", "lines_across"]

PADDING = 4.0  # around the picture, in points
INCH = 72.0  # in points
WIRED_HEIGHT = 36.0  # of a small box on a wire that runs across
WIRED_CHARACTER = 12.0
CROSSES = {"negative": 1, "broken": 2}  # the lines across a cell without its number

# Graphviz sets the label of a straight arrow so close that its descenders touch the line.
LABEL_GAP = 5.0
AWAY = {"LR": (0.0, -LABEL_GAP), "RL": (0.0, -LABEL_GAP)}
AWAY |= {"TB": (LABEL_GAP, 0.0), "BT": (LABEL_GAP, 0.0)}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything in a picture lies: ``places`` by id, and the spots of its caption."""

    width: float
    height: float
    places: Mapping[str, Place]
    caption: tuple[Spot, ...]


def lines_across(cell: Rectangle, shade: float | None) -> list[tuple[Point, Point]]:
    """Return the lines that tell the sign of a hatched cell's number without its colour."""
    x, y, width, height = cell
    lines = [((x, y + height), (x + width, y)), ((x, y), (x + width, y + height))]
    return lines[: 0 if shade is None else CROSSES.get(sign_of(shade), 0)]


def laid_out(picture: Picture, rankdir: str) -> Layout:
    """Return where Graphviz puts the parts of a picture.

    Raises like :func:`autodiff.drawing.layouts.render.run_graphviz`.
    """
    found = json.loads(run_graphviz(dot_text(picture, rankdir), "json"))
    _, _, width, height = numbers(found["bb"])
    reader = Reader(height)
    places = {each["id"]: reader.box(each) for each in found.get("objects", ()) if "id" in each}
    for each in found.get("edges", ()):
        if "id" in each:
            places[each["id"]] = reader.arrow(each, *AWAY[rankdir])
    places = in_reading_order(picture, rankdir, places)
    sides = width + 2 * PADDING, height + 2 * PADDING
    places = with_text_placed(picture, places, sides)
    for box in picture.boxes:
        if box.wired:
            places[box.id] = on_wire(places[box.id], len(box.title[0]))
    return Layout(*sides, places, reader.spots(found))


def on_wire(place: Place, length: int) -> Place:
    """Return where a small box lies, with a name of that length, and the wire that leaves it.

    Graphviz laid out a box with a divided half: the line between the halves is left out.
    """
    (border, other), wire = place.lines[0], place.lines[1]
    x, y, width, height = place.x, place.y, place.width, place.height
    spots = place.spots
    if border[0] == other[0]:  # the wire runs across
        y, height = y + height / 2 - WIRED_HEIGHT / 2, WIRED_HEIGHT
        at_left = spots[0].x < border[0]
        x, width = (x, border[0] - x) if at_left else (border[0], x + width - border[0])
    else:
        on_top = spots[0].y < border[1]
        y, height = (y, border[1] - y) if on_top else (border[1], y + height - border[1])
        middle, width = x + width / 2, max(height, WIRED_CHARACTER * (length + 2))
        x = middle - width / 2
        wire = tuple((middle, down) for _, down in wire)
        beside = [Spot(middle + away, spots[1].y, side) for away, side in ((-6.0, "r"), (6.0, "l"))]
        spots = (spots[0], *beside)
    return Place(spots, x, y, width, height, (wire,))


class Reader:
    """Reads Graphviz's coordinates, which begin at the bottom of a picture of that height."""

    def __init__(self, height: float) -> None:
        self.height = height

    def point(self, place: list[float]) -> Point:
        """Return a point in the coordinates of an SVG."""
        return place[0] + PADDING, self.height - place[1] + PADDING

    def points(self, drawn: list[dict[str, Any]], kinds: str) -> tuple[tuple[Point, ...], ...]:
        """Return the points of what is drawn by some kinds of instructions."""
        return tuple(
            tuple(map(self.point, each["points"])) for each in drawn if each["op"] in kinds
        )

    def spots(self, element: dict[str, Any], right: float = 0.0, down: float = 0.0) -> Any:
        """Return where an element's lines of text stand, moved by a distance."""
        texts = [each for each in element.get("_ldraw_", ()) if each["op"] == "T"]
        moved = [(*self.point(each["pt"]), each["align"]) for each in texts]
        return tuple(Spot(x + right, y + down, align) for x, y, align in moved)

    def box(self, element: dict[str, Any]) -> Place:
        """Return where a box or a frame lies."""
        if "bb" in element:
            left, bottom, right, top = numbers(element["bb"])
            lines: tuple[tuple[Point, ...], ...] = ()
        else:
            x, y = numbers(element["pos"])
            across, up = INCH * float(element["width"]) / 2, INCH * float(element["height"]) / 2
            left, bottom, right, top = x - across, y - up, x + across, y + up
            lines = self.points(element.get("_draw_", []), "L")
        corner = self.point([left, top])
        return Place(self.spots(element), *corner, right - left, top - bottom, lines)

    def arrow(self, element: dict[str, Any], right: float, down: float) -> Place:
        """Return where an arrow lies, its label moved by a distance."""
        (head,) = self.points(element["_hdraw_"], "P")
        lines = self.points(element["_draw_"], "b")
        return Place(self.spots(element, right, down), lines=lines, head=head)


def numbers(text: str) -> list[float]:
    """Return the numbers between commas."""
    return [float(number) for number in text.split(",")]
