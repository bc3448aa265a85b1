"""How large a picture's text is in a frame, and the arrangement that makes it largest.

A picture is fitted into its frame as a whole, so text is the larger the less room its boxes take,
and the better their outline fits the frame.  Both are estimated here without a layout program: the
same picture is arranged the same way everywhere, and at once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import add
from typing import Final, TypeAlias

from autodiff.drawing.lines import in_lines, ranks_of
from autodiff.drawing.picture import Box, Picture

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

# A plainer picture is taken if another's text is less than so many times as high.
GAIN: Final = 1.08
MOST_LINES: Final = 16
TRIES: Final = 16  # halvings of what is too wide or too narrow

# In points, as Graphviz has them: the size of text, a character's usual width and the greatest, its
# usual one in a label, the height of a line, and the room around the text of a field.
TEXT, CHARACTER, WIDEST_CHARACTER, LABEL_CHARACTER, LINE = 20.0, 11.5, 12.5, 10.0, 24.0
AROUND: Final = 14.4, 7.2
BETWEEN, WIRED_BETWEEN = 36.0, 18.0  # ranks
BESIDE_FRAME: Final = 12.0
FRAMED: Final = 60.0  # where arrows enter a frame: it begins a rank later
CAPTION: Final = 30.0
LEGEND_AROUND: Final = 50.0
MOST_PASSED: Final = 50  # ranks that an arrow takes room in
ASIDE: Final = 5.0  # by which boxes make way for it
AGAIN: Final = 60.0, 38.0  # what is shown again where it is used


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where the root lies, and the ranks of boxes at which another line of the picture starts."""

    rankdir: str = "LR"
    starts: tuple[int, ...] = ()

    def of(self, picture: Picture) -> Picture:
        return in_lines(picture, self.starts)


def arrangement_of(picture: Picture, rankdir: str | None, frame: Size) -> tuple[Arrangement, float]:
    """Return the arrangement of a picture in which its text is largest, and about how high that is.

    It is the plainest that is about as good, or that the last row reads.  ``rankdir`` may be given.

    >>> boxes = [Box(f"v{place}", "operation", "", ("x" * 20,)) for place in range(2)]
    >>> arrangement, height = arrangement_of(Picture(boxes, []), None, (1280, 720))
    >>> arrangement, round(height)
    (Arrangement(rankdir='LR', starts=()), 91)
    """
    measure = Measure(picture)
    found = {}
    for each in measure.arrangements(rankdir):
        width, height = measure.size(each)
        found[each] = TEXT * min(frame[0] / width, frame[1] / height)
        if found[each] >= LAST_ROW:
            break
    enough = min(LAST_ROW, max(found.values()) / GAIN)
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
        self.aside = [size_of_box(box, True) for box in picture.boxes if box.is_aside]
        picture = replace(picture, boxes=[box for box in picture.boxes if not box.is_aside])
        self.picture = picture
        self.ranks = ranks_of(picture)
        self.length = max(self.ranks.values(), default=0) + 1
        self.entered = entered_at(picture, self.ranks)
        pairs = {(arrow.tail, arrow.head) for arrow in picture.arrows}
        self.uses = [(self.ranks[tail], self.ranks[head]) for tail, head in pairs]
        self.wired = [box.wired for box in picture.boxes]
        frames = {frame.id: frame for frame in picture.frames}
        self.around = [
            BESIDE_FRAME * (1 + bool(frames[box.frame].outer)) if box.frame else 0.0
            for box in picture.boxes
        ]
        self.beside = 8.0 if picture.frames else 15.0
        self.ranked = {is_across: self.sizes_of_ranks(is_across) for is_across in (True, False)}

    def sizes_of_ranks(self, is_across: bool) -> tuple[list[float], list[float]]:
        """Return how much room each rank takes along the arrows, with what is before the next,
        and across them.
        """
        between = WIRED_BETWEEN if any(self.wired) else BETWEEN
        labels = labels_at(self.picture, self.ranks, is_across)
        long, high = [0.0] * self.length, [0.0] * self.length
        for box, around in zip(self.picture.boxes, self.around, strict=True):
            along, across = size_of_box(box, is_across)
            rank = self.ranks[box.id]
            long[rank] = max(long[rank], along)
            high[rank] += across + around + self.beside
        extra = [
            between + labels.get(rank, 0.0) + FRAMED * self.entered.get(rank, 0)
            for rank in range(self.length)
        ]
        return list(map(add, long, extra)), high

    def arrangements(self, rankdir: str | None) -> Iterator[Arrangement]:
        """Yield the arrangements to try, the plainest first."""
        directions = (rankdir,) if rankdir else ("LR", "TB")
        for lines in range(1, max(1, min(MOST_LINES, self.length // 2)) + 1):
            for direction in directions:
                # Lines of small boxes are read as text is, from left to right.
                if lines == 1 or direction == directions[0] or not all(self.wired):
                    lengths, _ = self.ranked[direction in ("LR", "RL")]
                    yield Arrangement(direction, starts_of(lengths, lines))

    def size(self, arrangement: Arrangement) -> tuple[float, float]:
        """Return about how wide and high the picture is in an arrangement, in points."""
        is_across = arrangement.rankdir in ("LR", "RL")
        lengths, heights = self.ranked[is_across]
        high = heights.copy()
        starts = (0, *arrangement.starts)
        before: dict[int, tuple[float, float]] = {}  # what is shown again at the start of a line
        along, across = AGAIN if is_across else AGAIN[::-1]
        length = height = 0.0
        for tail, head in self.uses:
            line = bisect_right(starts, head) - 1
            if tail >= starts[line]:
                passed = range(tail + 1, min(head, tail + MOST_PASSED))
                height += ASIDE * len(passed)
                for rank in passed:
                    high[rank] += self.beside
            elif head > starts[line]:
                high[head - 1] += across + self.beside
            else:
                before[line] = along, before.get(line, (0.0, 0.0))[1] + across + self.beside
        for line, (start, end) in enumerate(pairwise((*starts, self.length))):
            first, its_height = before.get(line, (0.0, 0.0))
            length = max(length, first + sum(lengths[start:end]))
            height += max([its_height, *high[start:end]])
        height += CAPTION * len(self.picture.caption)
        return self.with_aside(*((length, height) if is_across else (height, length)))

    def with_aside(self, width: float, height: float) -> tuple[float, float]:
        """Return the sides of a picture with what lies below it or beside it."""
        if not self.aside:
            return width, height
        widths, heights = zip(*self.aside, strict=True)
        below = max(width, sum(widths)), height + max(heights) + LEGEND_AROUND
        beside = width + max(widths) + LEGEND_AROUND, max(height, sum(heights))
        return min(below, beside, key=lambda sides: max(sides[0] / FRAME[0], sides[1] / FRAME[1]))


def starts_of(lengths: Sequence[float], count: int) -> tuple[int, ...]:
    """Return where lines start, but for the first, if so many have room in the least width.

    >>> starts_of([5.0, 1.0, 1.0, 1.0, 1.0, 1.0], 2), starts_of([1.0, 2.0], 1)
    ((1,), ())
    """
    low, high = max(lengths, default=0.0), sum(lengths)
    found: tuple[int, ...] = ()
    for _ in range(TRIES):
        width = (low + high) / 2
        starts = filled(lengths, width)
        if len(starts) < count:
            found, high = starts, width
        else:
            low = width
    return found


def filled(lengths: Sequence[float], width: float) -> tuple[int, ...]:
    """Return where lines of a width start, but for the first, if each is as full as can be."""
    starts = []
    length = 0.0
    for place, each in enumerate(lengths):
        length += each
        if length > width and place:
            starts.append(place)
            length = each
    return tuple(starts)


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
