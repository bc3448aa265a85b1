"""Where everything lies: what Graphviz found, as numbers.

It has all places of text, so a picture can be written in the layout of another that has the same
boxes and arrows with longer text: from moment to moment of a pass nothing moves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autodiff.drawing.layouts.dot import dot_text
from autodiff.drawing.layouts.labels import (
    bounds,
    drawn_line,
    enclosing,
    label_of,
    text_at,
    with_text_placed,
)
from autodiff.drawing.layouts.places import Place, Point, Rectangle, Spot, moved
from autodiff.drawing.layouts.reading_order import in_reading_order
from autodiff.drawing.layouts.render import run_graphviz
from autodiff.drawing.picture import Box, Picture, sign_of
from autodiff.drawing.style import BOX, CAPTION_SIZE

__all__ = ["Layout", "laid_out", "lines_across", "rooms_of"]

PADDING = 4.0  # around the picture, in points
BETWEEN_LINES = 16.0  # of a picture, and to its legend
BETWEEN_PIECES = 10.0  # of a line
CAPTION_LINE, CAPTION_BELOW = 30.0, 8.0  # the height of a line of it, and what is below letters
AROUND = 14.0  # a part, for its line: twice its width, as far as the tip of a sharp head goes
ASPECT = 16.0, 9.0  # of a slide
SPOT = Spot(0.0, 0.0, "l")
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
    """Return where the parts of a picture lie: each line, and the legend, as Graphviz sets it.

    Lines follow each other as those of a text do; the legend is below them or beside them, where
    it leaves more room.

    Raises like :func:`autodiff.drawing.layouts.render.run_graphviz`.
    """
    is_down, at_end = rankdir in ("LR", "RL"), rankdir in ("RL", "BT")
    lines = []
    for line in lines_of(picture):
        pieces = [part_laid_out(piece, rankdir) for piece in pieces_of(line)]
        lines.append(stacked(pieces, is_down, BETWEEN_PIECES, at_end))
    found = stacked(lines, is_down, BETWEEN_LINES, at_end)
    aside = picture_of([box for box in picture.boxes if box.is_aside], picture)
    if aside.boxes:
        choices = [
            stacked([found, part_laid_out(aside, way)], way == "TB", BETWEEN_LINES)
            for way in ("TB", "LR")
        ]
        found = max(choices, key=lambda each: min(ASPECT[0] / each.right, ASPECT[1] / each.down))
    caption = [
        Spot(PADDING, found.down + PADDING + CAPTION_LINE * (place + 1) - CAPTION_BELOW, "l")
        for place in range(len(picture.caption))
    ]
    widths = [text_at(SPOT, line, CAPTION_SIZE)[2] for line in picture.caption]
    width = max([found.right, *widths]) + 2 * PADDING
    height = found.down + CAPTION_LINE * len(caption) + 2 * PADDING
    places = {id: moved(place, PADDING, PADDING) for id, place in found.places.items()}
    for box in picture.boxes:
        if box.wired:
            places[box.id] = on_wire(places[box.id], len(box.title[0]))
    return Layout(width, height, places, tuple(caption))


@dataclass(frozen=True, slots=True)
class Part:
    """Where a part of a picture lies, from 0 to right and from 0 down."""

    places: Mapping[str, Place]
    right: float
    down: float


def lines_of(picture: Picture) -> list[Picture]:
    lines: dict[int, list[Box]] = {}
    for box in picture.boxes:
        if not box.is_aside:
            lines.setdefault(box.line, []).append(box)
    return [picture_of(boxes, picture) for _, boxes in sorted(lines.items())]


def pieces_of(picture: Picture) -> list[Picture]:
    """Return the pieces of a picture that no arrow and no frame connects, in their order."""
    outer = {frame.id: frame.outer or frame.id for frame in picture.frames}
    joined: dict[str, set[str]] = {}
    for one, other in (
        *((box.id, box.frame or box.id) for box in picture.boxes),
        *((arrow.tail, arrow.head) for arrow in picture.arrows),
        *outer.items(),
    ):
        together = joined.setdefault(one, {one}) | joined.setdefault(other, {other})
        joined.update(dict.fromkeys(together, together))
    pieces: dict[int, list[Box]] = {}
    for box in picture.boxes:
        pieces.setdefault(id(joined[box.id]), []).append(box)
    return [picture_of(boxes, picture) for boxes in pieces.values()]


def picture_of(boxes: Sequence[Box], picture: Picture) -> Picture:
    """Return a part of a picture: these boxes, with their arrows and the frames around them."""
    inside = {box.id for box in boxes}
    outer = {frame.id: frame.outer for frame in picture.frames}
    around = {box.frame for box in boxes}
    for id in list(around):
        while id := outer.get(id, ""):
            around.add(id)
    arrows = [arrow for arrow in picture.arrows if arrow.tail in inside and arrow.head in inside]
    if picture.is_dense:
        arrows = [replace(arrow, label=()) for arrow in arrows]
    frames = [frame for frame in picture.frames if frame.id in around]
    return Picture(boxes, arrows, frames)


def part_laid_out(picture: Picture, rankdir: str) -> Part:
    """Return where Graphviz puts the parts of a picture that is one line."""
    found = json.loads(run_graphviz(dot_text(picture, rankdir), "json"))
    reader = Reader(numbers(found["bb"])[3])
    places = {each["id"]: reader.box(each) for each in found.get("objects", ()) if "id" in each}
    for each in found.get("edges", ()):
        places[each["id"]] = reader.arrow(each, *AWAY[rankdir])
    places = with_text_placed(picture, in_reading_order(picture, rankdir, places))
    left, top, right, down = bounds_of(picture, places)
    places = {id: moved(place, -left, -top) for id, place in places.items()}
    return Part(places, right - left, down - top)


def bounds_of(picture: Picture, places: Mapping[str, Place]) -> Rectangle:
    """Return the smallest rectangle around all boxes, frames, arrows and their labels."""
    shapes = [box.id for box in picture.boxes] + [frame.id for frame in picture.frames]
    found = [places[id].outline for id in shapes]
    for arrow in picture.arrows:
        found.append(bounds(drawn_line(places[arrow.id])))
        if arrow.label and places[arrow.id].spots:
            found.append(label_of(arrow, places[arrow.id]))
    return enclosing(found)


def rooms_of(picture: Picture, places: Mapping[str, Place]) -> dict[str, Rectangle]:
    """Return, by its id, where each part of a picture is drawn: its lines, heads and text."""
    texts: dict[str, Sequence[str]] = {frame.id: (frame.title,) for frame in picture.frames}
    texts |= {arrow.id: arrow.label for arrow in picture.arrows}
    texts |= {box.id: box.lines for box in picture.boxes}
    rooms = {}
    for id, lines in texts.items():
        place = places[id]
        found = [place.outline] * bool(place.width) + [
            *(bounds(points) for points in (*place.lines, place.head) if points),
            *(text_at(*text, BOX.size) for text in zip(place.spots, lines, strict=False)),
        ]
        left, top, right, bottom = enclosing(found)
        rooms[id] = (left - AROUND, top - AROUND, right + AROUND, bottom + AROUND)
    return rooms


def stacked(parts: Sequence[Part], is_down: bool, gap: float, at_end: bool = False) -> Part:
    """Return parts one below the other, or beside each other, all at the same start or end."""
    places: dict[str, Place] = {}
    right, down = max(part.right for part in parts), max(part.down for part in parts)
    start = 0.0
    for part in parts:
        across, along = (part.right, part.down) if is_down else (part.down, part.right)
        away = ((right if is_down else down) - across) * at_end
        shift = (away, start) if is_down else (start, away)
        places |= {id: moved(place, *shift) for id, place in part.places.items()}
        start += along + gap
    return Part(places, right, start - gap) if is_down else Part(places, start - gap, down)


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
        return place[0], self.height - place[1]

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
