"""How large a picture's text is in a frame, and the arrangement that makes it largest.

A picture is fitted into its frame as a whole, so text is the larger the less room its boxes take,
and the better their outline fits the frame.  Both are estimated here without a layout program: the
same picture is arranged the same way everywhere, and at once.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from autodiff.drawing.lines import in_lines, ranks_of
from autodiff.drawing.picture import LEGEND, Box, Picture

__all__ = [
    "FRAME",
    "GAIN",
    "LAST_ROW",
    "READABLE",
    "Arrangement",
    "Size",
    "arrangement_of",
    "note_on",
]

Size: TypeAlias = tuple[int, int]

FRAME: Final = 1280, 720  # a slide, in pixels

# Of text, in pixels on a slide: what is read in the last row, and what is read at all.
LAST_ROW: Final = 24.0
READABLE: Final = 16.0
SEEN: Final = 22.5  # is LAST_ROW as it is drawn: small pictures are estimated that much smaller

# A plainer picture is taken if another's text is less than so many times as high.
GAIN: Final = 1.08
MOST_LINES: Final = 16

# In points, as Graphviz has them: the size of text, a character's usual width and the greatest, its
# usual one in a label, the height of a line, and the room around the text of a field.
TEXT, CHARACTER, WIDEST_CHARACTER, LABEL_CHARACTER, LINE = 20.0, 11.5, 12.5, 10.0, 24.0
AROUND: Final = 14.4, 7.2
BESIDE_FRAME: Final = 16.0
FRAMED: Final = 60.0  # where arrows enter a frame: it begins a rank later
CAPTION: Final = 30.0
LEGEND_AROUND: Final = 50.0
SPREAD, WIRED_SPREAD, MOST_SPREAD = 0.05, 0.1, 5
MOST_PASSED: Final = 50  # ranks that an arrow takes room in
AGAIN: Final = 60.0, 38.0  # what is shown again where it is used


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where the root lies, and in how many lines the picture is."""

    rankdir: str = "LR"
    lines: int = 1

    def of(self, picture: Picture) -> Picture:
        """Return a picture so arranged."""
        return in_lines(picture, self.lines)


def arrangement_of(picture: Picture, rankdir: str | None, frame: Size) -> tuple[Arrangement, float]:
    """Return the arrangement of a picture in which its text is largest, and about how high that is.

    It is the plainest that is about as good, or that the last row reads.  ``rankdir`` may be given.

    >>> boxes = [Box(f"v{place}", "operation", "", ("x" * 20,)) for place in range(2)]
    >>> arrangement, height = arrangement_of(Picture(boxes, []), None, (1280, 720))
    >>> arrangement, round(height)
    (Arrangement(rankdir='LR', lines=1), 91)
    """
    measure = Measure(picture)
    found = {}
    for each in measure.arrangements(rankdir):
        width, height = measure.size(each)
        found[each] = TEXT * min(frame[0] / width, frame[1] / height)
        if found[each] >= SEEN:
            break
    enough = min(SEEN, max(found.values()) / GAIN)
    return next((each, height) for each, height in found.items() if height >= enough)


def note_on(height: float, frame: Size, cure: str) -> str:
    """Return what to say of text of that height in a frame; '' if it can be read.

    >>> note_on(9.4, (1280, 720), "draw a node inside it")
    'Text is about 9 pixels high at 1280×720: draw a node inside it'
    """
    if height >= READABLE:
        return ""
    return f"Text is about {height:.0f} pixels high at {frame[0]}×{frame[1]}: {cure}"


class Measure:
    """Measures a picture as it would be arranged."""

    def __init__(self, picture: Picture) -> None:
        self.legend = [size_of_box(box, True) for box in picture.boxes if box.frame == LEGEND]
        picture = replace(picture, boxes=[box for box in picture.boxes if box.frame != LEGEND])
        self.picture = picture
        self.ranks = ranks_of(picture)
        self.length = max(self.ranks.values(), default=0) + 1
        self.entered = entered_at(picture, self.ranks)
        self.labels = {
            is_across: labels_at(picture, self.ranks, is_across) for is_across in (True, False)
        }
        pairs = {(arrow.tail, arrow.head) for arrow in picture.arrows}
        self.uses = [(self.ranks[tail], self.ranks[head]) for tail, head in pairs]
        self.wired = [box.wired for box in picture.boxes]
        frames = {frame.id: frame for frame in picture.frames}
        self.around = [
            BESIDE_FRAME * (1 + bool(frames[box.frame].outer)) if box.frame else 0.0
            for box in picture.boxes
        ]
        self.sizes = {
            is_across: [size_of_box(box, is_across) for box in picture.boxes]
            for is_across in (True, False)
        }

    def arrangements(self, rankdir: str | None) -> Iterator[Arrangement]:
        """Yield the arrangements to try, the plainest first."""
        directions = (rankdir,) if rankdir else ("LR", "TB")
        for lines in range(1, max(1, min(MOST_LINES, self.length // 2)) + 1):
            for direction in directions:
                # Lines of small boxes are read as text is, from left to right.
                if lines == 1 or direction == directions[0] or not all(self.wired):
                    yield Arrangement(direction, lines)

    def size(self, arrangement: Arrangement) -> tuple[float, float]:
        """Return about how wide and high the picture is in an arrangement, in points."""
        is_across = arrangement.rankdir in ("LR", "RL")
        between = 14.4 if any(self.wired) else 36.0
        beside = 8.0 if self.picture.frames else 15.0
        long: dict[int, float] = {}
        high: dict[int, float] = {}
        boxes = zip(self.picture.boxes, self.sizes[is_across], self.around, strict=True)
        for box, (along, across), around in boxes:
            rank = self.ranks[box.id]
            long[rank] = max(long.get(rank, 0.0), along)
            high[rank] = high.get(rank, 0.0) + across + around + beside
        line = math.ceil(self.length / arrangement.lines)
        along, across = AGAIN if is_across else AGAIN[::-1]
        for tail, head in self.uses:
            if tail // line != head // line:  # the operand is shown again, before its user
                place = head - 1 if head % line else -1 - head // line
                long[place] = max(long.get(place, 0.0), along)
                high[place] = high.get(place, 0.0) + across + beside
            else:
                for rank in range(tail + 1, min(head, tail + MOST_PASSED)):
                    high[rank] += beside
        length = height = 0.0
        each_rank = WIRED_SPREAD if any(self.wired) else SPREAD
        for start in range(0, self.length, line):
            places = [-1 - start // line, *range(start, start + line)]
            here = sum(long[each] + between for each in places if each in long)
            here += sum(self.labels[is_across].get(each, 0.0) for each in places[:-1])
            here += sum(FRAMED * self.entered.get(each, 0) for each in places)
            length = max(length, here)
            # Outside of frames, boxes are set to make arrows straight rather than close together.
            spread = 1.0 if self.picture.frames else 1.0 + each_rank * min(line - 1, MOST_SPREAD)
            height += spread * max(high.get(each, 0.0) for each in places)
        height += CAPTION * len(self.picture.caption)
        return self.with_legend(*((length, height) if is_across else (height, length)))

    def with_legend(self, width: float, height: float) -> tuple[float, float]:
        """Return the sides of a picture with its legend below it or beside it."""
        if not self.legend:
            return width, height
        widths, heights = zip(*self.legend, strict=True)
        below = max(width, sum(widths)), height + max(heights) + LEGEND_AROUND
        beside = width + max(widths) + LEGEND_AROUND, max(height, sum(heights))
        return min(below, beside, key=lambda sides: max(sides[0] / FRAME[0], sides[1] / FRAME[1]))


def labels_at(picture: Picture, ranks: Mapping[str, int], is_across: bool) -> dict[int, float]:
    """Return how much room labels take between each rank and the next."""
    found: dict[int, float] = {}
    for arrow in picture.arrows if not picture.is_dense else ():
        if arrow.label:
            size = (
                LABEL_CHARACTER * max(map(len, arrow.label))
                if is_across
                else LINE * len(arrow.label)
            )
            rank = ranks[arrow.tail]
            found[rank] = max(found.get(rank, 0.0), size)
    return found


def entered_at(picture: Picture, ranks: Mapping[str, int]) -> dict[int, int]:
    """Return in how many frames of modules arrows end at each rank that come from outside."""
    frames = {box.id: box.frame for box in picture.boxes}
    inside = {
        arrow.head for arrow in picture.arrows if frames[arrow.tail] == frames[arrow.head] != ""
    }
    return Counter(
        {
            ranks[arrow.head]: 1
            for arrow in picture.arrows
            if arrow.head in inside and frames[arrow.tail] != frames[arrow.head]
        }
    )


def size_of_box(box: Box, is_across: bool) -> tuple[float, float]:
    """Return about how long a box is along the arrows, and how wide, in points."""
    across, down = AROUND
    if box.wired:
        numbers = max(map(len, box.numbers))
        if not is_across:
            return 2 * LINE, 2 * (CHARACTER * numbers + down)
        return CHARACTER * (len(box.title[0]) + numbers) + 2.5 * across, 2 * LINE + down
    columns = [max(map(len, column)) for column in zip(*box.table, strict=True)]
    widths = [
        max([len(line) for line in (*box.title, *box.numbers)], default=1) * CHARACTER + across,
        sum(column * CHARACTER + across for column in columns),
    ]
    lines = len(box.title) + len(box.numbers) + len(box.table)
    fields = 1 + bool(box.numbers) + bool(box.table)
    width, height = max(widths), lines * LINE + fields * down
    return (width, height) if is_across else (height, width)
