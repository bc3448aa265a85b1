"""A long picture in lines, one below the other, as text is: so it fits a slide."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from autodiff.drawing.picture import Box, Frame, Picture

__all__ = ["in_lines"]

# A picture of no more boxes one behind the other is one line.
MOST_RANKS: Final = 8

# With so many lines for each box of a line, it is as wide beside its height as a slide.
LINES_FOR_BOX: Final = 1.3


def in_lines(picture: Picture) -> Picture:
    """Return a picture whose boxes have lines, if it is so long that nobody could read it whole.

    A frame that goes over several lines is one in each.  What is used in another line is shown
    there again, as a small *reference* box.
    """
    ranks = ranks_of(picture)
    longest = max(ranks.values(), default=0) + 1
    if longest <= MOST_RANKS:
        return picture
    length = math.ceil(longest / round(math.sqrt(LINES_FOR_BOX * longest)))
    boxes = {box.id: replace(box, line=ranks[box.id] // length) for box in picture.boxes}
    arrows = []
    for arrow in picture.arrows:
        tail, head = boxes[arrow.tail], boxes[arrow.head]
        if tail.line == head.line:
            arrows.append(arrow)
        else:
            id = f"{tail.id}_at_{head.id}"
            boxes[id] = again(tail, id, head)
            arrows.append(replace(arrow, tail=id))
    return with_frames_in_lines(replace(picture, boxes=list(boxes.values()), arrows=arrows))


def again(box: Box, id: str, user: Box) -> Box:
    """Return the small box that stands for another beside its user."""
    title = box.title if box.kind == "call" else (box.name,)
    return Box(id, "reference", box.name, title, frame=user.frame, line=user.line)


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
    """Return each box's place along the picture: after its operands; a leaf's before its first use.

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
    for arrow in picture.arrows:  # of references, which come last
        if places[arrow.tail] > places[arrow.head]:
            users[arrow.tail].append(arrow.head)
    for id, used_by in users.items():
        if id not in has_operands and used_by:
            ranks[id] = max(0, min(ranks[user] for user in used_by) - 1)
    return ranks
