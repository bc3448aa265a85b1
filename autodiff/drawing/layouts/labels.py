"""Text beside the wire that it belongs to, and what in a picture lies on what.

Graphviz keeps room for an arrow's label, but its curve may pass elsewhere.  So of several places
along the wire, on both of its sides, each label gets the first that is clear of boxes, of other
text and of other wires, and that no other wire is nearer to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise, product
from operator import mul
from typing import Final, TypeAlias

from autodiff.drawing.layouts.places import Place, Point, Rectangle, Spot
from autodiff.drawing.picture import Arrow, Picture
from autodiff.drawing.style import ARROW, frame_style

__all__ = [
    "Collisions",
    "bounds",
    "collisions",
    "drawn_line",
    "enclosing",
    "is_cut",
    "label_of",
    "overlap",
    "text_at",
    "with_text_placed",
]

# Of text, beside its size: a character's usual width, and how far it goes above and below its line.
WIDTH, ABOVE, BELOW = 0.62, 0.78, 0.2
PIECES: Final = 8  # of each part of a curve, as it is measured
BESIDE_TITLE: Final = 8.0  # of a frame, in points
ROUNDS: Final = 4
STEPS: Final = 12  # in which a place is looked for along each side of what is about a wire
GAP: Final = 4.0  # between a label and a box, in points
GAPS: Final = 2.0, 5.0, 9.0, 16.0, 24.0, 36.0  # and between it and its wire
# Where along a wire its label may stand, the middle first.
ALONG: Final = sorted((place / 20 for place in range(1, 20)), key=lambda part: abs(part - 0.5))
# What is worse than what: text on a box or on text, a wire through it, a wire that is nearer, or
# little room.
ON_A_BOX, ON_A_WIRE, NEARER, TIGHT = 100, 10, 4, 1

Line: TypeAlias = Sequence[Point]


@dataclass(frozen=True, slots=True)
class Collisions:
    """What wires lie on, each a pair of ids: wire and box, wire and text, text and nearer wire.

    ``texts`` are labels and the titles of frames.
    """

    boxes: tuple[tuple[str, str], ...]
    texts: tuple[tuple[str, str], ...]
    strays: tuple[tuple[str, str], ...]


def with_text_placed(picture: Picture, places: Mapping[str, Place]) -> dict[str, Place]:
    """Return the places with each label beside its own wire, and titles where no wire is."""
    lines = {arrow.id: drawn_line(places[arrow.id]) for arrow in picture.arrows}
    boxes = [places[box.id].outline for box in picture.boxes]
    found = dict(places)
    texts = titles_of(picture, places)
    for id, title in texts.items():
        frame = places[id]
        found[id], texts[id] = moved(frame, title, best_title(title, frame, lines, boxes))
    labelled = [] if picture.is_dense else [arrow for arrow in picture.arrows if arrow.label]
    for number in range(ROUNDS):  # in which a label may take a place that another has left
        where = (beside, about) if number == ROUNDS - 1 else (beside,)
        for arrow in labelled:
            others = [*boxes, *[text for id, text in texts.items() if id != arrow.id]]
            text = label_of(arrow, found[arrow.id])
            best = best_place(text, arrow.id, lines, others, where)
            found[arrow.id], texts[arrow.id] = moved(found[arrow.id], text, best)
    return found


def moved(place: Place, text: Rectangle, to: Rectangle) -> tuple[Place, Rectangle]:
    """Return a place with its lines of text moved from one rectangle to another, and that one."""
    right, down = to[0] - text[0], to[1] - text[1]
    spots = tuple(Spot(each.x + right, each.y + down, each.align) for each in place.spots)
    return replace(place, spots=spots), to


def best_title(
    title: Rectangle, frame: Place, lines: Mapping[str, Line], boxes: Sequence[Rectangle]
) -> Rectangle:
    """Return where along its side of a frame the title is crossed by least: where it is, if any."""
    left, top, right, bottom = title
    room = frame.width - (right - left) - 2 * BESIDE_TITLE
    starts = [left, *(frame.x + BESIDE_TITLE + part * room for part in (1.0, 0.0, 0.5))]
    candidates = [(start, top, start + right - left, bottom) for start in starts]
    costs = [
        sum(passes(line, each) for line in lines.values())
        + sum(overlap(each, box) for box in boxes)
        for each in candidates
    ]
    return candidates[costs.index(min(costs))]


def best_place(
    text: Rectangle,
    own: str,
    lines: Mapping[str, Line],
    taken: Sequence[Rectangle],
    where: Sequence[Callable[[Line, float, float], Iterable[Rectangle]]],
) -> Rectangle:
    """Return the place for a label at which it collides with least."""
    line, width, height = lines[own], text[2] - text[0], text[3] - text[1]
    left, top, right, bottom = bounds(line)
    around = enclosing([text, (left - width, top - height, right + width, bottom + height)])
    near = Near(
        line,
        [each for id, each in lines.items() if id != own and overlap(around, bounds(each))],
        [each for each in taken if overlap(around, each)],
    )
    best, least = text, near.cost(text, math.inf)
    for places in where:
        for candidate in places(line, width, height):
            if least >= NEARER:
                cost = near.cost(candidate, least)
                if cost < least:
                    best, least = candidate, cost
    return best


class Near:
    """What is near a wire: other wires, and what is taken by boxes and other text."""

    def __init__(self, own: Line, others: Sequence[Line], taken: Sequence[Rectangle]) -> None:
        self.own, self.others, self.taken = own, others, taken
        self.wires = [(line, bounds(line)) for line in (own, *others)]
        self.wider = [
            (left - GAP, top - GAP, right + GAP, bottom + GAP) for left, top, right, bottom in taken
        ]

    def cost(self, text: Rectangle, most: float) -> float:
        """Return how bad a place for a label is; if it is worse than ``most``, at least that."""
        cost = ON_A_BOX * sum(overlap(text, each) for each in self.taken)
        cost += TIGHT * any(overlap(text, each) for each in self.wider)
        if cost < most:
            cost += ON_A_WIRE * sum(
                passes(line, text) for line, extent in self.wires if overlap(extent, text)
            )
        if cost < most:
            distance = distance_to(text, self.own)
            cost += NEARER * any(distance_to(text, line) <= distance for line in self.others)
        return cost


def beside(line: Line, width: float, height: float) -> Iterator[Rectangle]:
    """Yield places for a text along a line, on both of its sides."""
    for gap, part in product(GAPS, ALONG):
        place, rest = divmod(part * (len(line) - 1), 1.0)
        (start_x, start_y), (next_x, next_y) = line[int(place)], line[int(place) + 1]
        x, y = start_x + rest * (next_x - start_x), start_y + rest * (next_y - start_y)
        length = math.hypot(next_x - start_x, next_y - start_y) or 1.0
        across, up = (next_y - start_y) / length, -(next_x - start_x) / length
        away = abs(across) * width / 2 + abs(up) * height / 2 + gap
        for side in (away, -away) if up < 0.0 else (-away, away):
            middle_x, middle_y = x + side * across, y + side * up
            yield (
                *(middle_x - width / 2, middle_y - height / 2),
                *(middle_x + width / 2, middle_y + height / 2),
            )


def about(line: Line, width: float, height: float) -> list[Rectangle]:
    """Return places for a text anywhere about a line, the nearest first."""
    left, top, right, bottom = bounds(line)
    across = [left - width + (right - left + width) * part / STEPS for part in range(STEPS + 1)]
    down = [top - height + (bottom - top + height) * part / STEPS for part in range(STEPS + 1)]
    places = [(x, y, x + width, y + height) for x, y in product(across, down)]
    return sorted(places, key=partial(distance_to, line=line))


def collisions(picture: Picture, places: Mapping[str, Place]) -> Collisions:
    """Return what lies on what in a picture."""
    lines = {arrow.id: drawn_line(places[arrow.id]) for arrow in picture.arrows}
    boxes = {box.id: places[box.id].outline for box in picture.boxes}
    titles = titles_of(picture, places)
    labels = {
        arrow.id: label_of(arrow, places[arrow.id])
        for arrow in picture.arrows
        if arrow.label and not picture.is_dense
    }
    on_boxes: list[tuple[str, str]] = []
    on_texts: list[tuple[str, str]] = []
    strays: list[tuple[str, str]] = []
    for arrow in picture.arrows:
        line = lines[arrow.id]
        own = arrow.tail, arrow.head
        around = bounds(line)
        for kind, found in (
            (on_boxes, {id: box for id, box in boxes.items() if id not in own}),
            *((on_texts, texts) for texts in (labels, titles)),
        ):
            kind += [
                (arrow.id, id)
                for id, each in found.items()
                if overlap(around, each) and passes(line, each)
            ]
    for id, text in labels.items():
        distances = {other: distance_to(text, line) for other, line in lines.items()}
        nearest = min(distances, key=distances.__getitem__)
        if distances[nearest] < distances[id]:
            strays.append((id, nearest))
    return Collisions(tuple(on_boxes), tuple(on_texts), tuple(strays))


# ---- where things are --------------------------------------------------------------------------


def titles_of(picture: Picture, places: Mapping[str, Place]) -> dict[str, Rectangle]:
    """Return where the title of each frame stands."""
    return {
        frame.id: text_at(spot, frame.title, frame_style(frame).size)
        for frame in picture.frames
        for spot in places[frame.id].spots
    }


def label_of(arrow: Arrow, place: Place) -> Rectangle:
    """Return where the label of an arrow stands, all of its lines together."""
    size = ARROW.size
    lines = zip(place.spots, arrow.label, strict=False)
    return enclosing([text_at(spot, text, size) for spot, text in lines])


def text_at(spot: Spot, text: str, size: float) -> Rectangle:
    """Return the room that a line of text takes."""
    width = WIDTH * size * len(text)
    left = spot.x - {"l": 0.0, "c": width / 2, "r": width}[spot.align]
    return left, spot.y - ABOVE * size, left + width, spot.y + BELOW * size


def drawn_line(arrow: Place) -> list[Point]:
    """Return points along an arrow's curve, and the tip of its head.

    >>> curve = ((0.0, 0.0), (0.0, 8.0), (8.0, 8.0), (8.0, 0.0))
    >>> drawn_line(Place(lines=(curve,)))[PIECES // 2]
    (4.0, 6.0)
    """
    (curve,) = arrow.lines
    points = [curve[0]]
    for start in range(0, len(curve) - 1, 3):
        piece = curve[start : start + 4]
        for place in range(1, PIECES + 1):
            t = place / PIECES
            weights = ((1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3)
            xs, ys = zip(*piece, strict=True)
            points.append((sum(map(mul, weights, xs)), sum(map(mul, weights, ys))))
    return points


# ---- rectangles and lines ----------------------------------------------------------------------


def enclosing(rectangles: Sequence[Rectangle]) -> Rectangle:
    """Return the smallest rectangle around some."""
    lefts, tops, rights, bottoms = zip(*rectangles, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def bounds(line: Line) -> Rectangle:
    """Return the smallest rectangle around a line."""
    xs, ys = zip(*line, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def overlap(one: Rectangle, other: Rectangle) -> bool:
    """Return whether two rectangles have more than an edge in common.

    >>> overlap((0, 0, 2, 2), (1, 1, 3, 3)), overlap((0, 0, 2, 2), (2, 0, 3, 2))
    (True, False)
    """
    across = one[0] < other[2] and other[0] < one[2]
    return across and one[1] < other[3] and other[1] < one[3]


def passes(line: Line, rectangle: Rectangle) -> bool:
    """Return whether a line goes through a rectangle: each piece is cut to what is inside.

    >>> passes([(0, 0), (10, 10)], (4, 4, 6, 6)), passes([(0, 0), (10, 10)], (4, 0, 6, 2))
    (True, False)
    """
    left, top, right, bottom = rectangle
    for start, end in pairwise(line):
        (x, y), (to_x, to_y) = start, end
        # Nearly all pieces lie on one side of it, which is seen soonest so.
        if (x <= left and to_x <= left) or (x >= right and to_x >= right):
            continue
        if (y <= top and to_y <= top) or (y >= bottom and to_y >= bottom):
            continue
        if is_cut(start, end, rectangle):
            return True
    return False


def is_cut(start: Point, end: Point, rectangle: Rectangle) -> bool:
    """Return whether a straight line has a piece inside a rectangle (Liang and Barsky, 1984)."""
    first, last = 0.0, 1.0
    for axis in (0, 1):
        low, high = rectangle[axis], rectangle[axis + 2]
        length = end[axis] - start[axis]
        if length == 0.0:
            if not low < start[axis] < high:
                return False
            continue
        enters, leaves = sorted(((low - start[axis]) / length, (high - start[axis]) / length))
        first, last = max(first, enters), min(last, leaves)
    return first < last


def distance_to(rectangle: Rectangle, line: Line) -> float:
    """Return how far a line that does not pass through a rectangle is from it.

    >>> distance_to((0.0, 0.0, 2.0, 2.0), [(5.0, 6.0), (9.0, 9.0)])
    5.0
    >>> distance_to((0.0, 0.0, 2.0, 2.0), [(-9.0, 3.0), (9.0, 3.0)])
    1.0
    """
    left, top, right, bottom = rectangle
    least = min(
        math.hypot(max(left - x, 0.0, x - right), max(top - y, 0.0, y - bottom)) for x, y in line
    )
    corners = (left, top), (right, top), (left, bottom), (right, bottom)
    for (x, y), (to_x, to_y) in pairwise(line):
        along, down = to_x - x, to_y - y
        length = along * along + down * down
        for corner_x, corner_y in corners:
            part = (corner_x - x) * along + (corner_y - y) * down
            if 0.0 < part < length:  # beside the piece, not before it or behind it
                across = abs((corner_x - x) * down - (corner_y - y) * along) / math.sqrt(length)
                least = min(least, across)
    return least
