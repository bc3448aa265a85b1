"""A long picture in lines, one below the other, as text is; and arrows that are too long to draw.

What is used in another line, or far away, is shown there again, as a small *reference* box: what
wires do in a circuit diagram.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count as count_from
from typing import Final

from autodiff.drawing.picture import Box, Frame, Picture

__all__ = ["in_lines", "ranks_of"]

# A layout program breaks an arrow into one piece for each rank of boxes that it crosses.  With
# many more pieces than this it needs minutes, or runs out of stack.
MOST_ARROW_PIECES = 2000

LEAVES: Final = "variable", "input", "constant", "reference"

# What to call a result without a name that is used in another line.
FIRST_MARK, MOST_MARKS = ord("①"), 20


def in_lines(picture: Picture, starts: Sequence[int] = ()) -> Picture:
    """Return a picture in lines, the first of which starts at rank 0, the others at some.

    A frame that goes over several lines is one in each.  What is used in another line, or so far
    away that there would be too much to lay out, is shown again where it is used.
    """
    ranks = ranks_of(picture)
    lines = {id: bisect_right(starts, rank) for id, rank in ranks.items()}
    first = first_uses(picture, lines)
    for box in picture.boxes:  # a leaf is seen where it is used, not at the end of the line before
        if box.kind in LEAVES:
            lines[box.id] = first.get(box.id, lines[box.id])
    limit = longest_within_budget(
        ranks[arrow.head] - ranks[arrow.tail]
        for arrow in picture.arrows
        if lines[arrow.tail] == lines[arrow.head]
    )
    boxes = {box.id: replace(box, line=lines[box.id]) for box in picture.boxes}
    arrows = []
    marks = count_from(0)
    for arrow in picture.arrows:
        tail, head = boxes[arrow.tail], boxes[arrow.head]
        if tail.line != head.line or ranks[head.id] - ranks[tail.id] > limit:
            if tail.wired and not tail.named:
                boxes[tail.id] = tail = with_mark(tail, next(marks))
            id = f"{tail.id}_at_{head.id}"
            boxes[id] = again(tail, id, head)
            arrows.append(replace(arrow, tail=id))
        else:
            arrows.append(arrow)
    return with_frames_in_lines(replace(picture, boxes=list(boxes.values()), arrows=arrows))


def first_uses(picture: Picture, lines: Mapping[str, int]) -> dict[str, int]:
    """Return the first line in which each box is used."""
    found: dict[str, int] = {}
    for arrow in picture.arrows:
        line = lines[arrow.head]
        found[arrow.tail] = min(found.get(arrow.tail, line), line)
    return found


def again(box: Box, id: str, user: Box) -> Box:
    """Return the small box that stands for another beside its user; a number is itself."""
    if box.kind == "constant":
        return replace(box, id=id, frame=user.frame, line=user.line)
    title = box.title if box.kind == "call" else (box.named or box.name,)
    return Box(id, "reference", box.name, title, frame=user.frame, line=user.line)


def with_mark(box: Box, place: int) -> Box:
    """Return a box on a wire with a number in a circle for its name."""
    mark = chr(FIRST_MARK + place) if place < MOST_MARKS else f"({place + 1})"
    value, gradient = box.numbers
    return replace(box, numbers=(f"{mark} = {value}", gradient), named=mark)


def with_frames_in_lines(picture: Picture) -> Picture:
    """Return a picture with a frame of its own for what each line has of a frame."""
    frames = {frame.id: frame for frame in picture.frames}
    found: dict[tuple[str, int], Frame] = {}
    pieces = Counter[str]()
    boxes = []
    for box in picture.boxes:
        inside = ""
        for frame in frames_around(box, frames):
            key = frame.id, box.line
            if key not in found:
                pieces[frame.id] += 1
                more = f"_{pieces[frame.id]}" if pieces[frame.id] > 1 else ""
                found[key] = replace(frame, id=frame.id + more, outer=inside, line=box.line)
            inside = found[key].id
        boxes.append(replace(box, frame=inside))
    return replace(picture, boxes=boxes, frames=list(found.values()))


def frames_around(box: Box, frames: Mapping[str, Frame]) -> list[Frame]:
    """Return the frames around a box, the outermost first."""
    found = []
    id = box.frame
    while id:
        found.append(frames[id])
        id = frames[id].outer
    return found[::-1]


def ranks_of(picture: Picture) -> dict[str, int]:
    """Return each box's place along the picture: after its operands, before its first use.

    Where boxes use each other, as in a recurrence, what comes later does not count as an operand.
    """
    users: dict[str, list[str]] = {box.id: [] for box in picture.boxes}
    ranks = dict.fromkeys(users, 0)
    places = {id: place for place, id in enumerate(users)}
    has_operands = set()
    for arrow in picture.arrows:
        if places[arrow.tail] < places[arrow.head]:
            users[arrow.tail].append(arrow.head)
            has_operands.add(arrow.head)
    for id, used_by in users.items():
        for user in used_by:
            ranks[user] = max(ranks[user], ranks[id] + 1)
    for id in reversed(users):
        if users[id]:
            ranks[id] = min(ranks[user] for user in users[id]) - 1
    for arrow in picture.arrows:  # of references, which come last
        if places[arrow.tail] > places[arrow.head] and arrow.tail not in has_operands:
            users[arrow.tail].append(arrow.head)
            ranks[arrow.tail] = max(0, min(ranks[user] for user in users[arrow.tail]) - 1)
    return ranks


def longest_within_budget(lengths: Iterable[int]) -> int:
    """Return the greatest length such that the arrows up to it fit the budget together."""
    limit = pieces = 0
    for length, count in sorted(Counter(lengths).items()):
        pieces += length * count
        # An arrow to the next rank costs nothing extra.
        if length > 1 and pieces > MOST_ARROW_PIECES:
            break
        limit = length
    return limit
