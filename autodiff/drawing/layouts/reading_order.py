"""Operands in the order of their formula, and neurons, rows and inputs in their own.

Graphviz sets the boxes of a rank in the order in which the fewest arrows cross, and does not mind
which side is up.  So here boxes with the same neighbours change places, what stands upside down is
mirrored, and arrows enter a box in the order of its operands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from autodiff.drawing.layouts.places import Place, Point, moved, points_moved
from autodiff.drawing.picture import Picture

__all__ = ["in_reading_order"]

TITLE_HEIGHT: Final = 14.0  # of the letters of a frame's title, in points
APART: Final = 12.0  # of arrows that enter a box, in points
COMPUTED: Final = "operation", "result"

# Of two operands that are computed, when it is asked which side is up; of others, 1.
COMPUTED_WEIGHT: Final = 10

Places = dict[str, Place]


def in_reading_order(picture: Picture, rankdir: str, places: Places) -> Places:
    """Return the places with everything in the order in which it is read."""
    axis = 1 if rankdir in ("LR", "RL") else 0
    found = dict(places)
    alike = siblings(picture)
    places_among = {id: place for place, ids in enumerate(alike) for id in ids}
    if is_upside_down(picture, found, axis, places_among):
        mirror(picture, found, axis)
    modules = {box.id for box in picture.boxes if box.kind == "module"}
    for ids in alike:
        if axis and modules.issuperset(ids):
            evened(ids, picture, found)
        exchange(ids, picture, found, axis, 1.0 if rankdir in ("LR", "TB") else -1.0)
    enter_in_order(picture, found, axis)
    return found


# ---- boxes with the same neighbours ------------------------------------------------------------


def siblings(picture: Picture) -> list[list[str]]:
    """Return boxes of the same height that have the same operands and users, in their order.

    Their arrows have labels of as many lines.
    """
    tails: dict[str, list[tuple[str, int]]] = {box.id: [] for box in picture.boxes}
    heads: dict[str, list[tuple[str, int]]] = {box.id: [] for box in picture.boxes}
    for arrow in picture.arrows:
        tails[arrow.head].append((arrow.tail, len(arrow.label)))
        heads[arrow.tail].append((arrow.head, len(arrow.label)))
    alike: dict[object, list[str]] = {}
    for box in picture.boxes:
        neighbours = tuple(sorted(tails[box.id])), tuple(sorted(heads[box.id]))
        if any(neighbours):
            looks = box.kind, box.frame, box.wired, len(box.lines)
            alike.setdefault((neighbours, looks), []).append(box.id)
    return [ids for ids in alike.values() if len(ids) > 1]


def exchange(
    ids: Sequence[str], picture: Picture, places: Places, axis: int, forwards: float
) -> None:
    """Give boxes the places of each other, with their arrows, so that they are in their order."""
    slots = sorted(ids, key=lambda id: middle_of(places[id])[axis])
    if slots == list(ids):
        return
    arrows = {id: arrows_of(id, picture) for id in ids}
    before = {each: places[each] for id in ids for each in (id, *arrows[id][0], *arrows[id][1])}
    start = ends_of(before[slots[0]], axis)[0]
    gaps = [
        ends_of(before[other], axis)[0] - ends_of(before[one], axis)[1]
        for one, other in pairwise(slots)
    ]
    for id, slot, gap in zip(ids, slots, [*gaps, 0.0], strict=True):
        (entering, leaving), (theirs_entering, theirs_leaving) = arrows[id], arrows[slot]
        longer = forwards * (length_of(before[id], axis) - length_of(before[slot], axis))
        # The side stays that arrows enter; of what has no operands, the one that they leave.
        along = longer / 2 if entering else -longer / 2
        first, last = ends_of(before[id], axis)
        across = start - first
        start += last - first + gap
        wanted, own = middle_of(before[slot]), middle_of(before[id])
        moves = [wanted[0] - own[0], wanted[1] - own[1]]
        moves[axis] = across
        moves[1 - axis] += along
        places[id] = moved(before[id], *moves)
        aside = middle_of(places[id])[axis] - wanted[axis]
        for arrow, other in zip(entering, theirs_entering, strict=True):
            places[arrow] = with_end_moved(before[other], *step(aside, 0.0, axis))
        for arrow, other in zip(leaving, theirs_leaving, strict=True):
            further = longer if entering else 0.0
            places[arrow] = with_start_moved(before[other], *step(aside, further, axis))


def step(across: float, along: float, axis: int) -> Point:
    """Return a step to the right and down, of so much across the arrows and along them."""
    return (along, across) if axis else (across, along)


def evened(ids: Sequence[str], picture: Picture, places: Places) -> None:
    """Make boxes as wide as the widest of them, which has the same middle; arrows with them."""
    widest = max((places[id] for id in ids), key=lambda place: place.width)
    left, right = widest.x, widest.x + widest.width
    for id in ids:
        place = places[id]
        away, ends = left - place.x, {place.x: left, place.x + place.width: right}
        places[id] = replace(
            place,
            x=left,
            width=widest.width,
            spots=tuple(
                replace(spot, x=spot.x + (0.0 if spot.align == "c" else away))
                for spot in place.spots
            ),
            lines=tuple(
                tuple(
                    (next((ends[end] for end in ends if abs(end - x) < 1.0), x + away), y)
                    for x, y in line
                )
                for line in place.lines
            ),
        )
        entering, leaving = arrows_of(id, picture)
        grown = (place.width - widest.width) / 2
        for arrow in entering:
            end = places[arrow].lines[0][-1][0]
            sign = 1.0 if end < left + widest.width / 2 else -1.0
            places[arrow] = with_end_moved(places[arrow], sign * grown, 0.0)
        for arrow in leaving:
            sign = 1.0 if places[arrow].lines[0][0][0] < left + widest.width / 2 else -1.0
            places[arrow] = with_start_moved(places[arrow], sign * grown, 0.0)


def arrows_of(id: str, picture: Picture) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the arrows that enter a box and those that leave it, each by their other ends."""
    entering = sorted((arrow.tail, arrow.id) for arrow in picture.arrows if arrow.head == id)
    leaving = sorted((arrow.head, arrow.id) for arrow in picture.arrows if arrow.tail == id)
    return tuple(arrow for _, arrow in entering), tuple(arrow for _, arrow in leaving)


# ---- what stands upside down -------------------------------------------------------------------


def is_upside_down(picture: Picture, places: Places, axis: int, groups: Mapping[str, int]) -> bool:
    """Return whether more pairs of operands stand in the other order than in theirs.

    Those that are in one group can change places and do not count; leaves count little.
    """
    operands: dict[str, list[str]] = {}
    for arrow in picture.arrows:
        operands.setdefault(arrow.head, []).append(arrow.tail)
    balance = 0
    for tails in operands.values():
        ids = list(dict.fromkeys(tails))
        for one, other in pairwise(ids):
            if one not in groups or groups[one] != groups.get(other):
                first, second = (middle_of(places[id])[axis] for id in (one, other))
                weight = COMPUTED_WEIGHT if one in operands and other in operands else 1
                balance += weight * ((first < second) - (first > second))
    return balance < 0


def mirror(picture: Picture, places: Places, axis: int) -> None:
    """Turn a picture over, but for the text in it."""
    shapes = [box.id for box in picture.boxes] + [frame.id for frame in picture.frames]
    ends = [end for id in shapes for end in ends_of(places[id], axis)]
    total = min(ends) + max(ends)
    for id in shapes:
        away = total - 2 * middle_of(places[id])[axis]
        places[id] = moved(places[id], *step(away, 0.0, axis))
    for frame in picture.frames if axis else ():  # the room for its title is at the other end now
        place = places[frame.id]
        both = 2 * place.y + place.height + TITLE_HEIGHT
        title = tuple(replace(spot, y=both - spot.y) for spot in place.spots)
        places[frame.id] = replace(place, spots=title)
    for arrow in picture.arrows:
        place = places[arrow.id]
        spots = [(spot.x, spot.y)[axis] for spot in place.spots]
        away = total - 2 * sum(spots) / (len(spots) or 1)
        lines = tuple(turned_over(each, total, axis) for each in place.lines)
        head = turned_over(place.head, total, axis)
        place = moved(place, *step(away, 0.0, axis))
        places[arrow.id] = replace(place, lines=lines, head=head)


def turned_over(points: Sequence[Point], total: float, axis: int) -> tuple[Point, ...]:
    """Return points mirrored along an axis."""
    return tuple((x, total - y) if axis else (total - x, y) for x, y in points)


# ---- arrows that enter a box -------------------------------------------------------------------


def enter_in_order(picture: Picture, places: Places, axis: int) -> None:
    """Let operands enter each box in the order of its formula, from the top or from the left.

    Graphviz leads them to one point.
    """
    computed = {box.id for box in picture.boxes if box.kind in COMPUTED}
    entering: dict[str, list[str]] = {}
    leaving: dict[tuple[str, str], list[str]] = {}
    for arrow in picture.arrows:
        entering.setdefault(arrow.head, []).append(arrow.id)
        leaving.setdefault((arrow.tail, arrow.head), []).append(arrow.id)
    for ids in leaving.values():  # of x * x, the upper arrow is the first
        curves = sorted(map(places.__getitem__, ids), key=lambda place: height_of(place, axis))
        places.update(zip(ids, curves, strict=True))
    for head, ids in entering.items():
        ends = [places[id].lines[0][-1] for id in ids]
        if len(ids) > 1 and head in computed:
            entries = spread(ends[0][axis], len(ids), places[head], axis)
            for id, end, entry in zip(ids, ends, entries, strict=True):
                away = step(entry - end[axis], 0.0, axis)
                places[id] = with_end_moved(places[id], *away)


def height_of(arrow: Place, axis: int) -> float:
    """Return the mean place of an arrow's curve along an axis."""
    (line,) = arrow.lines
    return sum(point[axis] for point in line) / len(line)


def spread(middle: float, count: int, box: Place, axis: int) -> list[float]:
    """Return where so many arrows enter a box that Graphviz led to one point of it."""
    gap = min(APART, (box.width, box.height)[axis] / (count + 1))
    return [middle + gap * (place - (count - 1) / 2) for place in range(count)]


# ---- places ------------------------------------------------------------------------------------


def middle_of(place: Place) -> Point:
    """Return the middle of a box or frame."""
    return place.x + place.width / 2, place.y + place.height / 2


def length_of(place: Place, axis: int) -> float:
    """Return how long a box is along the arrows, which run across an axis."""
    return place.width if axis else place.height


def ends_of(place: Place, axis: int) -> tuple[float, float]:
    """Return where a box or frame begins and ends along an axis."""
    start, length = (place.y, place.height) if axis else (place.x, place.width)
    return start, start + length


def with_end_moved(arrow: Place, right: float, down: float) -> Place:
    """Return an arrow whose line ends elsewhere; it begins where it began."""
    (line,) = arrow.lines
    end = points_moved(line[-2:], right, down)
    head = points_moved(arrow.head, right, down)
    return replace(arrow, lines=((*line[:-2], *end),), head=head)


def with_start_moved(arrow: Place, right: float, down: float) -> Place:
    """Return an arrow whose line begins elsewhere; it ends where it ended."""
    (((x, y), *others),) = arrow.lines
    return replace(arrow, lines=(((x + right, y + down), *others),))
