"""Where numbers are in memory, for languages whose loops work on one number at a time.

There a block may be of any width, and a column may have any even step from lane to lane.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from autodiff.compiler.layout import COPY, Addresses, Block, Call, Column, Kernel, Layout, Spacing

__all__ = ["SHORTEST_LOOP", "LoopLayout"]

# A block that is shorter is no loop of its own: its numbers are copied from a table of places.
SHORTEST_LOOP = 3


class EvenColumn(Column):
    """A column that may have any even step from lane to lane."""

    def runs(self) -> list[int]:
        """Return, for each lane, how many lanes from there on are evenly spaced."""
        count = len(self.addresses)
        found = [1] * count
        run, by = 1, None
        for lane in range(count - 2, -1, -1):
            apart = self.addresses[lane + 1] - self.addresses[lane]
            if self.spacings[lane] is not self.spacings[lane + 1]:
                run, by = 1, None
            else:
                run = run + 1 if apart == by or by is None else 2
                by = apart
            found[lane] = run
        return found

    def breaks(self) -> int:
        """Return how many runs the column is made of; one more if it goes down."""
        falls = any(b < a for a, b in pairwise(self.addresses))
        return Column.breaks(self) + falls


class LoopLayout(Layout):
    """The memory of a program whose loops work on one number at a time, in named parts."""

    column_type = EvenColumn
    terms_written_out = 1

    def __init__(self) -> None:
        super().__init__(1 << 30)
        self.starts: list[int] = []
        self.parts: list[str] = []
        self.naming = ""

    def reserve(self, doubles: int) -> int:
        """Return the start of a new part of the memory, which has the name of the moment."""
        start = self.size
        self.size += doubles
        self.starts.append(start)
        self.parts.append(self.naming)
        return start

    def padded(self, lanes: int) -> int:
        """Return how many places so many lanes take: none more."""
        return lanes

    def pieces(self, columns: Sequence[Column], count: int) -> Iterator[tuple[int, int]]:
        """Yield pieces of any length; short ones that follow each other are one, to be copied."""
        runs = [column.runs() for column in columns]
        lengths = [min([count, *of_lane]) for of_lane in zip(*runs, strict=True)] or [count]
        lane = 0
        while lane < count:
            first = lane
            while lane < count and lengths[lane] < min(SHORTEST_LOOP, count):
                lane += lengths[lane]
            lane = min(lane, count)
            if lane == first:
                lane = min(lane + lengths[lane], count)
            yield first, lane - first

    def copying(self, width: int, rows: Sequence[Addresses]) -> list[Call]:
        """Return the call that copies numbers side by side."""
        return self.table_call(Kernel(COPY, width, even=False), rows)

    def groups(
        self, kernel: Kernel, blocks: list[Addresses]
    ) -> Iterator[tuple[int, list[Addresses]]]:
        """Yield all blocks at once, to be computed one by one."""
        del kernel  # sums, too
        if blocks:
            yield 1, blocks

    def block(
        self,
        columns: Sequence[Column],
        first: int,
        lanes: int,
        copies: dict[int, list[Addresses]],
    ) -> tuple[Block, list[int]]:
        """Return a block and the addresses that it reads; what it needs copied is noted."""
        strides: list[int] = []
        spacings: list[Spacing] = []
        read: list[int] = []
        for column in columns:
            addresses = column.addresses[first : first + lanes]
            of_lanes = column.spacings[first : first + lanes]
            base, spacing = addresses[0], of_lanes[0]
            step = addresses[1] - base if lanes > 1 else 0
            even = addresses == [base + step * lane for lane in range(lanes)]
            if not even or of_lanes.count(spacing) != lanes:
                base, spacing = self.copied(column.registers[first : first + lanes], lanes, copies)
                step = 1
            strides.append(step)
            spacings.append(spacing)
            read.append(base)
        kinds = "".join(["C" if step else "B" for step in strides])
        return Block(lanes, kinds, tuple(spacings), tuple(strides)), read
