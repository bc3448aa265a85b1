"""Where the numbers of packs are in memory, and the loops that compute them.

A pack's nodes are cut into *blocks*, as wide as the processor's vectors.  What a block reads for
one operand is a *column*: numbers side by side, or one number for all lanes.  What is neither is
copied side by side first; blocks that read the same numbers share the copy, as all tokens do that
of a transposed matrix.  Blocks of one kernel, one after the other, are a *stretch*: one call of the
kernel, which is a loop.  Their addresses progress evenly, or stand in a table.

The order of a pack's lanes is free: a few are tried, and the one with the fewest breaks is taken.
Over rows, a register is one number for each row of a vector, and a block is one register.

All numbers are in one memory of doubles; an address is a place in it.
"""

from __future__ import annotations

from array import array
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from operator import itemgetter
from typing import TypeVar

from autodiff.compiler.packs import Pack, Part, Shape, Tree, operands_in

__all__ = [
    "COPY",
    "FUSED",
    "MOVE",
    "ROWS",
    "SUM",
    "TRANSPOSE",
    "TREE",
    "Addresses",
    "Block",
    "Call",
    "Column",
    "Kernel",
    "Layout",
    "Spacing",
    "Terms",
    "even_runs",
    "terms_of",
]

# In the place of a number of terms: as many as the vector has rows that are in the batch.
ROWS = -1

# Sums of so few terms are written out, those of more are loops.
TERMS_WRITTEN_OUT = 8

# So many blocks of a sum are added up side by side: an addition takes as long as several start.
SUMS_TOGETHER = 8

# Evenly spaced blocks, at least, that are worth a stretch of their own.
FEWEST_BLOCKS = 3

# A column whose runs of neighbours are shorter on the mean is copied wherever it is read.
SHORTEST_RUN = 3

# What a kernel computes: an expression tree; a sum of terms; or copies: numbers from anywhere, side
# by side; squares of numbers, transposed; numbers side by side, to another place; several of them.
TREE, SUM, COPY, TRANSPOSE, MOVE = "tree", "sum", "copy", "transpose", "move"
FUSED = "fused"

Addresses = tuple[int, ...]
Row = TypeVar("Row", Addresses, "array[int]")

# A sum's runs: what their terms are, and how many terms, if that is known (or ROWS).
Terms = tuple[tuple[Part, int | None], ...]


@dataclass(frozen=True, slots=True)
class Kernel:
    """A loop over blocks of so many lanes: what it computes, and how it finds its numbers.

    ``columns`` has a letter for each column: C for numbers side by side, B for one number for all
    lanes, a small letter if all blocks read the same, L for the result of the block before.  The
    operands of a ``tree`` are the columns ``places``; a tree that is None is the one operand.
    ``steps`` says of each column of a sum whether its ``terms`` are evenly spaced, ``even`` whether
    the blocks are; so many of these are computed ``together``, in one turn of the loop.

    A fused one has ``parts``, and their columns, terms and steps one after the other.  A column
    that is the result of an earlier part has its digit for a letter.  Results that nothing else
    reads are not ``written``.

    Where a language has loops over lanes, ``strides`` are the columns' steps from lane to lane.
    """

    what: str
    width: int
    columns: str = ""
    tree: Tree | None = None
    places: tuple[int, ...] = (0,)
    terms: Terms = ()
    steps: tuple[bool, ...] = ()
    even: bool = True
    together: int = 1
    strides: tuple[int, ...] = ()
    parts: tuple[Kernel, ...] = ()
    written: bool = True

    @property
    def addresses(self) -> int:
        """How many addresses a block has: its result's and its columns'."""
        if self.what == MOVE:
            return 3
        if self.what == FUSED:
            return len(self.parts) + len(self.columns)
        return 1 + (self.width if self.what in (COPY, TRANSPOSE) else len(self.columns))

    @property
    def has_term_loops(self) -> bool:
        """Whether it adds up so many terms that they are a loop."""
        return any(terms is None or terms == ROWS for _, terms in self.terms)


@dataclass(frozen=True, slots=True, eq=False)
class Spacing:
    """Where a column's terms are, relative to the first; ``step`` apart, if evenly."""

    offsets: tuple[int, ...]
    step: int | None


@dataclass(slots=True)
class Call:
    """Blocks that one kernel computes.

    ``numbers`` has the addresses of each block: its result's, and its columns'.  ``counts`` are the
    numbers of terms of a sum's runs, and ``spacings`` say where the terms of each column are.
    ``parts`` are the calls that a fused one is made of.
    """

    kernel: Kernel
    numbers: array[int]
    counts: tuple[int, ...] = ()
    spacings: tuple[Spacing, ...] = ()
    parts: tuple[Call, ...] = ()

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self.numbers) // self.kernel.addresses

    def blocks(self) -> list[array[int]]:
        """Return the addresses of each block."""
        size = self.kernel.addresses
        return [self.numbers[start : start + size] for start in range(0, len(self.numbers), size)]

    def steps(self) -> list[int]:
        """Return how far apart evenly spaced blocks are, by address."""
        size = self.kernel.addresses
        first, second = self.numbers[:size], self.numbers[size : 2 * size]
        if not second:
            return [0] * size
        return [after - before for before, after in zip(first, second, strict=True)]


@dataclass(frozen=True, slots=True)
class Column:
    """What a pack's lanes read for one operand: registers, one or those of all terms of a sum.

    ``addresses`` says where the first is, ``spacings`` how the terms go on.
    """

    registers: list[Sequence[int]]
    addresses: list[int]
    spacings: list[Spacing]

    def taken(self, order: Sequence[int]) -> Column:
        """Return the column with its lanes in that order."""
        return type(self)(
            [self.registers[k] for k in order],
            [self.addresses[k] for k in order],
            [self.spacings[k] for k in order],
        )

    def runs(self) -> list[int]:
        """Return, for each lane, how many lanes from there on read neighbours, or the same."""
        count = len(self.addresses)
        found = [1] * count
        beside = same = 1
        for lane in range(count - 2, -1, -1):
            apart = self.addresses[lane + 1] - self.addresses[lane]
            if self.spacings[lane] is not self.spacings[lane + 1]:
                beside = same = 1
            else:
                beside = beside + 1 if apart == 1 else 1
                same = same + 1 if apart == 0 else 1
            found[lane] = beside if beside > same else same
        return found

    def breaks(self) -> int:
        """Return how many runs the column is made of."""
        runs = self.runs()
        lane = count = 0
        while lane < len(runs):
            lane += runs[lane]
            count += 1
        return count


@dataclass(frozen=True, slots=True)
class Block:
    """A block, but for its addresses: how wide it is and what kinds of columns it has."""

    width: int
    columns: str
    spacings: tuple[Spacing, ...]
    strides: tuple[int, ...] = ()


class Layout:
    """The memory of one program.

    ``addresses`` has the place of each register's number; those in ``of_rows`` have one for each
    of ``lanes`` rows there.  ``listing`` is the order of the variables, for their gradients and new
    numbers; ``in_place`` has the places of those of these that overwrite the old ones.
    """

    column_type = Column
    terms_written_out = TERMS_WRITTEN_OUT

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.size = 0
        self.addresses: dict[int, int] = {}
        self.numbers: dict[int, float] = {}
        self.of_rows: set[int] = set()
        self.spacings: dict[tuple[int, ...], Spacing] = {}
        self.copies: dict[tuple[object, ...], int] = {}
        self.everywhere: dict[int, int] = {}
        self.listing: dict[int, int] = {}
        self.in_place: dict[int, int] = {}
        self.last: Call | None = None
        self.next_one = 0
        self.for_one: dict[tuple[Shape, str], Kernel] = {}
        self.small = False
        self.alone: set[int] = set()

    def begin(self, small: bool) -> None:
        """Begin a section; the numbers of a small one will stay in the processor's registers.

        There, numbers side by side are only worth a vector if they are the results of one, or
        were in memory before, or are operands of ``exp``.
        """
        self.small = small
        self.last = None
        self.copies.clear()

    def reserve(self, doubles: int) -> int:
        """Return the start of a new part of the memory."""
        start = self.size
        self.size += -(-doubles // 8) * 8
        return start

    def reserve_one(self) -> int:
        """Return a place of one number, beside the last one."""
        if self.next_one % 64 == 0:
            self.next_one = self.reserve(64)
        self.next_one += 1
        return self.next_one - 1

    def put_numbers(self, known: Mapping[int, float]) -> None:
        """Give the registers of numbers that are known a place, which has the number."""
        for register, number in known.items():
            if register not in self.addresses:
                address = self.addresses[register] = self.reserve_one()
                self.numbers[address] = number

    def places_of(self, registers: Iterable[int]) -> Iterator[int]:
        """Yield the addresses of registers: of those of rows, of each row."""
        for register in registers:
            start = self.addresses[register]
            yield from range(start, start + (self.lanes if register in self.of_rows else 1))

    def spacing(self, offsets: tuple[int, ...]) -> Spacing:
        """Return the one object for terms at these places."""
        known = self.spacings.get(offsets)
        if known is None:
            step = offsets[1] if len(offsets) > 1 else 0
            even = offsets == tuple([step * term for term in range(len(offsets))])
            known = self.spacings[offsets] = Spacing(offsets, step if even else None)
        return known

    # ---- packs -----------------------------------------------------------------------------

    def place(self, pack: Pack) -> list[Call]:
        """Give a pack's results their places, and return the calls that compute them."""
        if len(pack.results) == 1 and pack.shape.tree is not None:
            return self.place_one(pack)
        columns = self.columns(pack)
        count = len(pack.results)
        order = best_order(columns, self.as_listed(pack.results))
        columns = [column.taken(order) for column in columns]
        pieces = list(self.pieces(columns, count))
        starts = self.starts_of([pack.results[lane] for lane in order], pieces)
        blocks: dict[Block, list[Addresses]] = {}
        copies: dict[int, list[Addresses]] = {}
        for start, (first, length) in zip(starts, pieces, strict=True):
            for lane in range(length):
                self.addresses[pack.results[order[first + lane]]] = start + lane
            lane = 0
            while lane < length:
                lanes = self.width_at(pack, columns, first + lane, length - lane)
                if lanes == 1:
                    self.alone.add(start + lane)
                block, read = self.block(columns, first + lane, lanes, copies)
                blocks.setdefault(block, []).append((start + lane, *read))
                lane += lanes
        calls = [call for width, rows in copies.items() for call in self.copying(width, rows)]
        return calls + self.calls(pack.shape, blocks)

    def width_at(self, pack: Pack, columns: list[Column], lane: int, left: int) -> int:
        """Return how many lanes the next block of a pack has, of those that are left."""
        if not self.small:
            return min(self.lanes, left)
        width = min(self.lanes, 1 << (left.bit_length() - 1))
        if width == 1 or (pack.shape.calls_exp and width > 2) or pack.results[0] in self.in_place:
            return width
        return width if all(self.is_vector(column, lane, width) for column in columns) else 1

    def is_vector(self, column: Column, lane: int, width: int) -> bool:
        """Return whether none of the numbers of lanes of a column was computed alone."""
        alone, addresses = self.alone, self.addresses
        return not any(
            addresses[register] in alone
            for registers in column.registers[lane : lane + width]
            for register in registers
        )

    def copying(self, width: int, rows: Sequence[Addresses]) -> list[Call]:
        """Return the calls that copy numbers side by side; a square of them is transposed."""
        squares, others = [], []
        row = 0
        while row < len(rows):
            if width > 1 and is_square(rows[row : row + width]):
                squares.append(rows[row])
                row += width
            else:
                others.append(rows[row])
                row += 1
        calls = self.table_call(Kernel(TRANSPOSE, width, even=False), squares)
        return calls + self.table_call(Kernel(COPY, width, even=False), others)

    def overwrite(self, packs: Sequence[Pack], updates: Mapping[int, int]) -> None:
        """Let the variables' new numbers take the place of old ones that nothing reads any more.

        ``updates`` has each variable's register by that of its new number.
        """
        olds = set(updates.values())
        last = {
            old: number
            for number, pack in enumerate(packs)
            for operands in pack.operands
            for old in olds.intersection(operands)
        }
        for number, pack in enumerate(packs):
            if not all(result in updates for result in pack.results):
                continue
            mine = [updates[result] for result in pack.results]
            by_others = {
                operand
                for old, operands in zip(mine, pack.operands, strict=True)
                for operand in operands
                if operand != old
            }
            if all(last.get(old, 0) <= number for old in mine) and by_others.isdisjoint(mine):
                self.in_place.update(
                    zip(pack.results, [self.addresses[old] for old in mine], strict=True)
                )

    def starts_of(self, results: Sequence[int], pieces: Sequence[tuple[int, int]]) -> list[int]:
        """Return where the pieces of a pack begin; those that are not in place, side by side."""
        sizes = [self.padded(length) for _, length in pieces]
        found = [self.start_in_place(results[first : first + n]) for first, n in pieces]
        for number, (_, length) in enumerate(pieces):
            if sizes[number] != length:  # a block would write beyond it
                found[number] = None
        fresh = [size for size, start in zip(sizes, found, strict=True) if start is None]
        following = accumulate(fresh, initial=self.reserve(sum(fresh)) if fresh else 0)
        return [next(following) if start is None else start for start in found]

    def start_in_place(self, results: Sequence[int]) -> int | None:
        """Return where the old numbers of these are, if side by side and to be overwritten."""
        start = self.in_place.get(results[0])
        if start is None:
            return None
        places = range(start, start + len(results))
        return start if [self.in_place.get(result) for result in results] == list(places) else None

    def as_listed(self, results: Sequence[int]) -> Sequence[int]:
        """Return an order of the lanes: the variables', for their gradients; else as they are."""
        made = range(len(results))
        if not all(result in self.listing for result in results):
            return made
        return sorted(made, key=lambda lane: self.listing[results[lane]])

    def padded(self, lanes: int) -> int:
        """Return how many places so many lanes take: those of blocks 2**k wide.

        In a small section each block is as wide as it can be, down to one lane.
        """
        if self.small:
            return lanes
        rest = lanes % self.lanes
        return lanes - rest + (1 << (rest - 1).bit_length() if rest else 0)

    def pieces(self, columns: Sequence[Column], count: int) -> Iterator[tuple[int, int]]:
        """Yield the first lane and the length of pieces in which columns go on evenly.

        Where such a piece would be too short, it is as long as a vector, and columns are copied.
        """
        runs = [column.runs() for column in columns if column.breaks() * SHORTEST_RUN <= count]
        lane = 0
        while lane < count:
            length = min([count - lane, *[run[lane] for run in runs]])
            if length < self.lanes // 2:
                length = min(self.lanes, count - lane)
            yield lane, length
            lane += length

    def place_one(self, pack: Pack) -> list[Call]:
        """Do the same for a pack of one tree, of which irregular programs have very many."""
        addresses, shape = self.addresses, pack.shape
        to = addresses[pack.results[0]] = self.reserve_one()
        self.alone.add(to)
        read = [addresses[operand] for operand in pack.operands[0]]
        columns = "B" * len(read)
        last = self.last
        if last and (last.kernel.tree, last.kernel.places) == (shape.tree, shape.places):
            before = last.numbers[-last.kernel.addresses]
            columns = "".join(["L" if address == before else "B" for address in read])
        kernel = self.for_one.get((shape, columns))
        if kernel is None:
            kernel = Kernel(TREE, 1, columns, shape.tree, shape.places, even=False)
            self.for_one[shape, columns] = kernel
        return self.table_call(kernel, ((to, *read),))

    def place_rows(self, pack: Pack) -> list[Call]:
        """Do the same for registers of the rows: each is a block."""
        start = self.reserve(self.lanes * len(pack.results))
        groups: dict[Block, list[Addresses]] = {}
        for number, operands in enumerate(pack.operands):
            kinds, spacings, read = "", [], []
            for terms in terms_of(pack.shape, operands):
                kind, places = self.row_terms(terms)
                kinds += kind
                read.append(places[0])
                spacings.append(self.spacing(tuple([place - places[0] for place in places])))
            block = Block(self.lanes, kinds, tuple(spacings))
            groups.setdefault(block, []).append((start + number * self.lanes, *read))
        for number, result in enumerate(pack.results):
            self.addresses[result] = start + number * self.lanes
        self.of_rows.update(pack.results)
        return self.calls(pack.shape, groups)

    def row_terms(self, terms: Sequence[int]) -> tuple[str, list[int]]:
        """Return the kind of a column of registers, and where they are: all for rows, or none."""
        of_rows = [term in self.of_rows for term in terms]
        if not any(of_rows):
            return "B", [self.addresses[term] for term in terms]
        return "C", [self.row_address(term) for term in terms]

    def row_address(self, register: int) -> int:
        """Return where a register has one number for each row, be it the same for all."""
        if register in self.of_rows:
            return self.addresses[register]
        if register not in self.everywhere:
            self.everywhere[register] = self.reserve(self.lanes)
        return self.everywhere[register]

    def spread(self, made: Container[int] = (), after: bool = False) -> list[Call]:
        """Return the call that gives each row its copy of the registers that need one.

        These are all but those that are ``made`` yet, or ``after`` that they alone.
        """
        rows = [
            (to, self.addresses[register])
            for register, to in self.everywhere.items()
            if (register in made) is after
        ]
        kernel = Kernel(TREE, self.lanes, "B", even=False)
        return self.table_call(kernel, rows)

    def moved(self, moves: Sequence[tuple[int, int]]) -> list[Call]:
        """Return the call that copies numbers, each given as (to, from), all read before."""
        to = {target for target, _ in moves}
        first = sorted({source for _, source in moves if source in to})
        apart = {source: self.reserve(1) for source in first}
        aside = [(apart[source], source) for source in first]
        calls = self.table_call(Kernel(COPY, 1, even=False), aside)
        rows: list[list[int]] = []
        for target, original in sorted(moves):
            source = apart.get(original, original)
            if rows and rows[-1][0] + rows[-1][2] == target and sum(rows[-1][1:]) == source:
                rows[-1][2] += 1
            else:
                rows.append([target, source, 1])
        kernel = Kernel(MOVE, 1, even=False)
        return [*calls, *self.table_call(kernel, [(*row,) for row in rows])]

    def columns(self, pack: Pack) -> list[Column]:
        """Return what the pack's lanes read, in the order in which its nodes were made."""
        addresses = self.addresses
        if pack.shape.tree is not None:
            alone = [self.spacing((0,))] * len(pack.results)
            return [
                self.column_type(
                    [(operand,) for operand in operands],
                    [addresses[operand] for operand in operands],
                    alone,
                )
                for operands in zip(*pack.operands, strict=True)
            ]
        found = [self.column_type([], [], []) for _ in terms_of(pack.shape, pack.operands[0])]
        for operands in pack.operands:
            for column, terms in zip(found, terms_of(pack.shape, operands), strict=True):
                places = [addresses[term] for term in terms]
                first = places[0]
                column.registers.append(terms)
                column.addresses.append(first)
                column.spacings.append(self.spacing(tuple([place - first for place in places])))
        return found

    def block(
        self, columns: list[Column], first: int, lanes: int, copies: dict[int, list[Addresses]]
    ) -> tuple[Block, list[int]]:
        """Return a block and the addresses that it reads; what it needs copied is noted."""
        width = self.padded(lanes)
        kinds, spacings, read = "", [], []
        for column in columns:
            addresses = column.addresses[first : first + lanes]
            of_lanes = column.spacings[first : first + lanes]
            base, spacing = addresses[0], of_lanes[0]
            alike = of_lanes.count(spacing) == lanes
            kind = "B" if alike and addresses.count(base) == lanes else "C"
            if kind == "C" and not (alike and addresses == list(range(base, base + lanes))):
                base, spacing = self.copied(column.registers[first : first + lanes], width, copies)
            kinds += kind
            read.append(base)
            spacings.append(spacing)
        return Block(width, kinds, tuple(spacings)), read

    def copied(
        self, registers: Sequence[Sequence[int]], width: int, copies: dict[int, list[Addresses]]
    ) -> tuple[int, Spacing]:
        """Return where a block's numbers are side by side, term by term, and that spacing."""
        terms = len(registers[0])
        key = width, *map(tuple, registers)
        found = self.copies.get(key)
        if found is None:
            found = self.copies[key] = self.reserve(width * terms)
            lanes = [*registers, *[registers[-1]] * (width - len(registers))]
            rows = copies.setdefault(width, [])
            for term, sources in enumerate(zip(*lanes, strict=True)):
                to = found + term * width
                rows.append((to, *[self.addresses[source] for source in sources]))
        return found, self.spacing(tuple(range(0, width * terms, width)))

    # ---- calls -----------------------------------------------------------------------------

    def calls(self, shape: Shape, blocks: dict[Block, list[Addresses]]) -> list[Call]:
        """Return the calls that compute these blocks."""
        found: list[Call] = []
        for block, addresses in blocks.items():
            kernel = Kernel(TREE, block.width, block.columns, strides=block.strides)
            if shape.tree is not None:
                kernel = replace(kernel, tree=shape.tree, places=shape.places)
                found += self.progress(kernel, addresses)
                continue
            most = self.terms_written_out
            terms = [(part, count if count <= most else None) for part, count in shape.runs]
            steps = [spacing.step is not None for spacing in block.spacings]
            kernel = replace(kernel, what=SUM, terms=tuple(terms), steps=tuple(steps))
            counts = tuple([count for _, count in shape.runs])
            found += self.progress(kernel, addresses, counts, block.spacings)
        return found

    def progress(
        self,
        kernel: Kernel,
        addresses: list[Addresses],
        counts: tuple[int, ...] = (),
        spacings: tuple[Spacing, ...] = (),
    ) -> list[Call]:
        """Return the calls of a kernel for all these blocks: evenly spaced ones, and the others."""
        found: list[Call] = []
        apart: list[Addresses] = []
        for run in best_progress(addresses):
            if len(run) < FEWEST_BLOCKS:
                apart += run
                continue
            columns = [
                kind if first != second else kind.lower()
                for kind, first, second in zip(kernel.columns, run[0][1:], run[1][1:], strict=True)
            ]
            evenly = replace(kernel, columns="".join(columns))
            for together, part in self.groups(evenly, run):
                numbers = array("i", chain.from_iterable(part))
                kernel_here = replace(evenly, together=together)
                found.append(Call(kernel_here, numbers, counts, spacings))
            self.last = None
        for together, part in self.groups(kernel, apart):
            by_table = replace(kernel, even=False, together=together)
            found += self.table_call(by_table, part, counts, spacings)
        return found

    def groups(
        self, kernel: Kernel, blocks: list[Addresses]
    ) -> Iterator[tuple[int, list[Addresses]]]:
        """Yield blocks in groups: how many are to be computed together, and which."""
        if not kernel.has_term_loops:
            if blocks:
                yield 1, blocks
            return
        rest = len(blocks) % SUMS_TOGETHER
        if len(blocks) > rest:
            yield SUMS_TOGETHER, blocks[: len(blocks) - rest]
        if rest:
            yield rest, blocks[len(blocks) - rest :]

    def table_call(
        self,
        kernel: Kernel,
        rows: Sequence[Addresses],
        counts: tuple[int, ...] = (),
        spacings: tuple[Spacing, ...] = (),
    ) -> list[Call]:
        """Return the call of a kernel for blocks that are not evenly spaced.

        It may be the last call, which goes on: then none is returned.
        """
        if not rows:
            return []
        last = self.last
        follows = (
            last is not None
            and (last.kernel is kernel or last.kernel == kernel)
            and last.spacings == spacings
            and not kernel.has_term_loops
        )
        if last is None or not follows:
            last = self.last = Call(kernel, array("i"), counts, spacings)
        for row in rows:
            last.numbers.extend(row)
        return [] if follows else [last]


def terms_of(shape: Shape, operands: Sequence[int]) -> list[Sequence[int]]:
    """Return the registers that a node reads, column by column: one, or those of all terms."""
    if shape.tree is not None:
        return [(operand,) for operand in operands]
    found: list[Sequence[int]] = []
    start = 0
    for part, terms in shape.runs:
        count = operands_in(part)
        stop = start + count * terms
        found += [operands[first:stop:count] for first in range(start, start + count)]
        start = stop
    return found


def is_square(rows: Sequence[Addresses]) -> bool:
    """Return whether copies are as many as they are wide, and go on number by number."""
    to, *sources = rows[0]
    width = len(sources)
    return len(rows) == width and all(
        row == (to + step * width, *[source + step for source in sources])
        for step, row in enumerate(rows)
    )


def best_order(columns: Sequence[Column], made: Sequence[int]) -> Sequence[int]:
    """Return the order of the lanes in which the columns have the fewest breaks, of a few."""
    if len(made) == 1:
        return made
    fewest, best = sum([column.taken(made).breaks() for column in columns]), made
    orders: list[Sequence[int]] = [made[::-1]]
    orders += [sorted(made, key=column.addresses.__getitem__) for column in columns[:4]]
    for order in orders:
        if fewest == len(columns):
            break
        breaks = sum([column.taken(order).breaks() for column in columns])
        if breaks < fewest:
            fewest, best = breaks, order
    return best


def best_progress(addresses: list[Addresses]) -> list[list[Addresses]]:
    """Return blocks in an order, of a few, in which they make the fewest even runs."""
    best: list[list[Addresses]] = even_runs(addresses)
    for column in range(1, min(4, len(addresses[0]))):
        if len(best) * FEWEST_BLOCKS <= len(addresses):
            break
        found = even_runs(sorted(addresses, key=itemgetter(column)))
        if len(found) < len(best):
            best = found
    return best


def even_runs(addresses: Sequence[Row]) -> list[list[Row]]:
    """Return blocks cut into runs whose addresses progress evenly."""
    runs: list[list[Row]] = []
    run, by = [addresses[0]], None
    for row in addresses[1:]:
        step = [second - first for first, second in zip(run[-1], row, strict=True)]
        if by is None or step == by:
            by = step
            run.append(row)
        else:
            runs.append(run)
            run, by = [row], None
    runs.append(run)
    return runs
