"""Where the numbers of packs are in memory, and the loops that compute them.

A pack's nodes are cut into *blocks*, as wide as the processor's vectors.  What a block reads for
one operand is a *column*: numbers side by side, or one number for all lanes.  What is neither is
copied side by side first; blocks that read the same numbers share the copy, as all tokens do that
of a transposed matrix.  Blocks of one kernel, one after the other, are a *stretch*: one call of the
kernel, which is a loop.  Their addresses progress evenly, or stand in a table.

The order of a pack's lanes is free: a few are tried, and the one with the fewest breaks is taken.
Packs that share their lanes can be one kernel, see :mod:`autodiff.compiler.fusion`.
Over rows, a register is one number for each row of a vector, and a block is one register.

Languages without vectors have loops over lanes: there a block may be of any width, and a column of
any even step from lane to lane.

All numbers are in one memory of doubles; an address is a place in it.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, pairwise
from operator import itemgetter
from typing import TypeVar

from autodiff.compiler.packs import OPERAND, Pack, Part, Shape, Tree, operands_in
from autodiff.ops import Operation

__all__ = [
    "COPY",
    "LOOP",
    "ROWS",
    "TRANSPOSE",
    "Addresses",
    "Call",
    "Formula",
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

# What a kernel does: its formulas; or copies: numbers from anywhere, side by side; or squares of
# numbers, transposed.
LOOP, COPY, TRANSPOSE = "loop", "copy", "transpose"

Addresses = tuple[int, ...]
Row = TypeVar("Row", Addresses, "array[int]")

# A sum's runs: what their terms are, and how many terms, if that is known (or ROWS).
Terms = tuple[tuple[Part, int | None], ...]


@dataclass(frozen=True, slots=True)
class Formula:
    """What a kernel computes for each lane: an expression tree, or the sum of ``terms``.

    ``places`` are its operands: those of a tree in the order in which it is written, those of a sum
    in that of the runs.  Each is a column's number, or ``~k``: the result of formula k, an earlier
    one.  A tree that is None is the one operand.  Results that nothing else reads are not
    ``written``.  Of an operation ``by_place`` the terms are those of its shape; where it adds at
    places, one more run is where its numbers are, and it has no other result.
    """

    tree: Tree | None = None
    places: tuple[int, ...] = (0,)
    terms: Terms = ()
    written: bool = True
    by_place: Operation | None = None

    def runs(self) -> Iterator[tuple[Part, int | None, tuple[int, ...]]]:
        """Yield each run of a sum with the columns that its terms read."""
        first = 0
        for part, terms in self.terms:
            stop = first + operands_in(part)
            yield part, terms, self.places[first:stop]
            first = stop


COPIED = Formula()


@dataclass(frozen=True, slots=True)
class Kernel:
    """A loop over blocks of so many lanes: what it computes, and how it finds its numbers.

    ``columns`` has a letter for each column: C for numbers side by side, B for one number for all
    lanes, a small letter if all blocks read the same, L for the result of the block before.
    ``evenly`` says of each column, if there are sums, whether its terms are evenly spaced, ``even``
    whether the blocks are; so many of these are computed ``together``, in one turn of the loop.
    Where a language has loops over lanes, ``strides`` are the columns' steps from lane to lane.
    """

    what: str
    width: int
    columns: str = ""
    formulas: tuple[Formula, ...] = (COPIED,)
    evenly: tuple[bool, ...] = ()
    even: bool = True
    together: int = 1
    strides: tuple[int, ...] = ()

    @property
    def results(self) -> int:
        """How many addresses of results a block has."""
        return sum([formula.written for formula in self.formulas])

    @property
    def addresses(self) -> int:
        """How many addresses a block has: its results' and its columns'."""
        if self.what != LOOP:
            return 1 + self.width
        return self.results + len(self.columns)

    @property
    def has_term_loops(self) -> bool:
        """Whether it adds up so many terms that they are a loop."""
        return any(
            terms is None or terms == ROWS
            for formula in self.formulas
            if formula.by_place is None
            for _, terms in formula.terms
        )

    @property
    def is_by_place(self) -> bool:
        """Whether it reads or writes at places that are known only when it runs."""
        return any(formula.by_place is not None for formula in self.formulas)


@dataclass(frozen=True, slots=True, eq=False)
class Spacing:
    """Where a column's terms are, relative to the first; ``step`` apart, if evenly."""

    offsets: tuple[int, ...]
    step: int | None


@dataclass(slots=True)
class Call:
    """Blocks that one kernel computes.

    ``numbers`` has the addresses of each block: its results', and its columns'.  If there are sums,
    ``spacings`` say where the terms of each column are, and so how many.
    """

    kernel: Kernel
    numbers: array[int]
    spacings: tuple[Spacing, ...] = ()

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
        return Column(
            [self.registers[k] for k in order],
            [self.addresses[k] for k in order],
            [self.spacings[k] for k in order],
        )

    def runs(self, steps: Container[int]) -> list[int]:
        """Return, for each lane, how many from there on are evenly spaced, by one of the steps."""
        addresses, spacings = self.addresses, self.spacings
        count = len(addresses)
        found = [1] * count
        run, by = 1, None
        for lane in range(count - 2, -1, -1):
            apart = addresses[lane + 1] - addresses[lane]
            if spacings[lane] is not spacings[lane + 1] or apart not in steps:
                run, by = 1, None
            else:
                run = run + 1 if by is None or apart == by else 2
                by = apart
            found[lane] = run
        return found

    def breaks(self, steps: Container[int]) -> int:
        """Return how many runs the column is made of; one more if it goes down, evenly or not."""
        runs = self.runs(steps)
        lane = count = 0
        while lane < len(runs):
            lane += runs[lane]
            count += 1
        return count + any(after < before for before, after in pairwise(self.addresses))


@dataclass(frozen=True, slots=True)
class Block:
    """A block, but for its addresses: how wide it is and what kinds of columns it has."""

    width: int
    columns: str
    spacings: tuple[Spacing, ...]
    strides: tuple[int, ...] = ()


def put_at(
    blocks: dict[Block, list[Addresses]],
    block: Block,
    read: Sequence[int],
    to: Sequence[int],
    apart: Spacing | None,
) -> None:
    """Add a block's addresses to those of its kind; the numbers of its results may be apart.

    Then where they are is one more column.
    """
    if apart is None:
        blocks.setdefault(block, []).append((*to, *read))
        return
    strides = (*block.strides, 1) if block.strides else ()
    block = Block(block.width, f"{block.columns}C", (*block.spacings, apart), strides)
    blocks.setdefault(block, []).append((*read, *to))


class Layout:
    """The memory of one program.

    ``addresses`` has the place of each register's number; those in ``of_rows`` have one for each
    of ``lanes`` rows there.  ``listing`` is the order of the variables, for their gradients and new
    numbers; ``in_place`` has the places of those of these that overwrite the old ones.
    """

    has_vectors = True
    steps = range(2)  # that a column may have from lane to lane
    shortest_run = 3  # of neighbours, on the mean: other columns are copied wherever they are read
    most_written_out = TERMS_WRITTEN_OUT
    sums_together = SUMS_TOGETHER

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.shortest = lanes // 2  # evenly spaced lanes that are not copied
        self.size = 0
        self.addresses: dict[int, int] = {}
        self.numbers: dict[int, float] = {}
        self.of_rows: set[int] = set()
        self.spacings: dict[tuple[int, ...], Spacing] = {}
        self.alone_spacing = self.spacing((0,))
        self.copies: dict[tuple[object, ...], int] = {}
        self.everywhere: dict[int, int] = {}
        self.listing: dict[int, int] = {}
        self.in_place: dict[int, int] = {}
        self.last: Call | None = None
        self.next_one = 0
        self.for_one: dict[tuple[Shape, str], Kernel] = {}

    def begin(self) -> None:
        """Begin a section, which may be computed where the last one was not."""
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

    def place(self, *group: Pack, kept: Collection[int] = frozenset()) -> list[Call]:
        """Give the results of packs their places, and return the calls that compute them.

        Several are one kernel; lane k of each reads lane k of those before.  Of these, the results
        in ``kept`` are read by others, too.
        """
        last, count = group[-1], len(group[-1].results)
        if count == 1 and last.shape.tree is not None:
            return self.place_one(last)
        formulas, columns = self.formulas(group, kept)
        order = best_order(columns, self.as_listed(last.results), self.steps)
        columns = [column.taken(order) for column in columns]
        pieces = list(self.pieces(columns, count))
        placed = [
            [pack.results[lane] for lane in order]
            for pack, formula in zip(group, formulas, strict=True)
            if formula.written or pack.parts
        ]
        starts = [self.starts_of(results, pieces, last.numbers_each) for results in placed]
        apart = self.parts_apart(last, sum([self.padded(length) for _, length in pieces]))
        blocks: dict[Block, list[Addresses]] = {}
        copies: dict[int, list[Addresses]] = {}
        for (first, length), *to in zip(pieces, *starts, strict=True):
            for lane in range(0, length, self.lanes):
                lanes = min(self.lanes, length - lane)
                block, read = self.block(columns, first + lane, lanes, copies)
                put_at(blocks, block, read, [start + lane for start in to], apart)
        calls = [call for width, rows in copies.items() for call in self.copying(width, rows)]
        return calls + self.calls(formulas, blocks)

    def parts_apart(self, pack: Pack, distance: int) -> Spacing | None:
        """Place the numbers of nodes that have several so far apart, and return where they are.

        Behind them is room for what is added at no place.
        """
        if not pack.parts:
            return None
        for result, parts in zip(pack.results, pack.parts, strict=True):
            start = self.addresses[result]
            self.addresses.update({part: start + k * distance for k, part in parts.items()})
        return self.spacing(tuple(range(0, pack.numbers_each * distance, distance)))

    def formulas(
        self, group: Sequence[Pack], kept: Collection[int]
    ) -> tuple[tuple[Formula, ...], list[Column]]:
        """Return what packs compute of which columns."""
        formulas: list[Formula] = []
        columns: list[Column] = []
        for pack in group:
            made = [earlier.results for earlier in group[: len(formulas)]]
            places: list[int] = []
            for column in self.columns(pack):
                registers = [terms[0] for terms in column] if made and pack.shape.tree else []
                if registers in made:
                    places.append(~made.index(registers))
                else:
                    places.append(len(columns))
                    columns.append(self.column(column))
            written = pack is group[-1] or any(result in kept for result in pack.results)
            formulas.append(self.formula(pack, places, written))
        return tuple(formulas), columns

    def formula(self, pack: Pack, places: Sequence[int], written: bool = True) -> Formula:
        """Return what a pack computes of the columns at these places."""
        shape, terms = pack.shape, self.terms(pack.shape)
        if shape.tree is not None:
            places = [places[place] for place in shape.places]
        if pack.parts:
            places, written = [*places, len(places)], False
        return Formula(shape.tree, tuple(places), terms, written, shape.by_place)

    def columns(self, pack: Pack) -> Iterator[list[Sequence[int]]]:
        """Yield what the pack's lanes read for each operand, in the order of its nodes."""
        by_node = [terms_of(pack.shape, operands) for operands in pack.operands]
        return map(list, zip(*by_node, strict=True))

    def column(self, registers: list[Sequence[int]]) -> Column:
        """Return the column of these registers, with their addresses."""
        addresses, spacings = self.addresses, []
        for terms in registers:
            if len(terms) == 1:
                spacings.append(self.alone_spacing)
                continue
            first = addresses[terms[0]]
            spacings.append(self.spacing(tuple([addresses[term] - first for term in terms])))
        return Column(registers, [addresses[terms[0]] for terms in registers], spacings)

    def terms(self, shape: Shape) -> Terms:
        """Return the runs of a sum's terms: how many, if they are written out."""
        if shape.by_place is not None:
            part, one = shape.runs[0]
            if part is OPERAND:
                return (OPERAND, one), (OPERAND, None)
            return (part, None), (OPERAND, None), (OPERAND, None)
        most = self.most_written_out
        return tuple([(part, count if count <= most else None) for part, count in shape.runs])

    def copying(self, width: int, rows: Sequence[Addresses]) -> list[Call]:
        """Return the calls that copy numbers side by side; a square of them is transposed."""
        squares, others = [], []
        row = 0
        while row < len(rows):
            if self.has_vectors and width > 1 and is_square(rows[row : row + width]):
                squares.append(rows[row])
                row += width
            else:
                others.append(rows[row])
                row += 1
        calls = self.table_call(Kernel(TRANSPOSE, width, even=False), squares)
        return calls + self.table_call(Kernel(COPY, width, even=False), others)

    def overwrite(self, groups: Sequence[Sequence[Pack]], updates: Mapping[int, int]) -> None:
        """Let the variables' new numbers take the place of old ones that nothing reads any more.

        ``updates`` has each variable's register by that of its new number.
        """
        olds = set(updates.values())
        packs = [(pack, group) for group in groups for pack in group]
        last = {
            old: number
            for number, (pack, _) in enumerate(packs)
            for operands in pack.operands
            for old in olds.intersection(operands)
        }
        for number, (pack, group) in enumerate(packs):
            if not all(result in updates for result in pack.results):
                continue
            mine = [updates[result] for result in pack.results]
            lane_of = {old: lane for lane, old in enumerate(mine)}
            by_lane = all(
                lane_of.get(operand, lane) == lane
                for each in group
                for lane, operands in enumerate(each.operands)
                for operand in operands
            )
            if by_lane and all(last.get(old, 0) <= number for old in mine):
                self.in_place.update(
                    zip(pack.results, [self.addresses[old] for old in mine], strict=True)
                )

    def starts_of(
        self, results: Sequence[int], pieces: Sequence[tuple[int, int]], times: int
    ) -> list[int]:
        """Give a pack's results their places, and return where its pieces begin.

        Those that are not in place are side by side, and there is room for so many ``times`` these.
        """
        sizes = [self.padded(length) for _, length in pieces]
        found = [self.start_in_place(results[first : first + n]) for first, n in pieces]
        for number, (_, length) in enumerate(pieces):
            if sizes[number] != length:  # a block would write beyond it
                found[number] = None
        fresh = [size for size, start in zip(sizes, found, strict=True) if start is None]
        following = accumulate(fresh, initial=self.reserve(sum(fresh) * times) if fresh else 0)
        starts = [next(following) if start is None else start for start in found]
        for start, (first, length) in zip(starts, pieces, strict=True):
            here = range(start, start + length)
            self.addresses.update(zip(results[first : first + length], here, strict=True))
        return starts

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
        """Return how many places so many lanes take: those of blocks 2**k wide."""
        rest = lanes % self.lanes
        return lanes - rest + (1 << (rest - 1).bit_length() if rest else 0)

    def pieces(self, columns: Sequence[Column], count: int) -> Iterator[tuple[int, int]]:
        """Yield the first lane and the length of pieces in which columns go on evenly.

        Short ones that follow each other are one piece, and columns are copied.
        """
        steps, shortest = self.steps, min(self.shortest, count)
        mostly = [c for c in columns if c.breaks(steps) * self.shortest_run <= count]
        runs = [column.runs(steps) for column in mostly]
        lengths = [min(of_lane) for of_lane in zip([count] * count, *runs, strict=True)]
        lane = 0
        while lane < count:
            first = lane
            while lane < count and lengths[lane] < shortest:
                lane += lengths[lane]
            lane = min(lane, count)
            if lane == first:
                lane += min(lengths[lane], count - lane)
            yield first, lane - first

    def place_one(self, pack: Pack) -> list[Call]:
        """Do the same for a pack of one tree, of which irregular programs have very many."""
        addresses, shape = self.addresses, pack.shape
        to = addresses[pack.results[0]] = self.reserve_one()
        read = [addresses[operand] for operand in pack.operands[0]]
        columns = "B" * len(read)
        last = self.last
        before_it = last.kernel.formulas[-1] if last else COPIED
        if last and (before_it.tree, before_it.places) == (shape.tree, shape.places):
            before = last.numbers[-last.kernel.addresses]
            columns = "".join(["L" if address == before else "B" for address in read])
        kernel = self.for_one.get((shape, columns))
        if kernel is None:
            formulas = (Formula(shape.tree, shape.places),)
            kernel = self.for_one[shape, columns] = Kernel(LOOP, 1, columns, formulas, even=False)
        return self.table_call(kernel, ((to, *read),))

    def place_rows(self, pack: Pack) -> list[Call]:
        """Do the same for registers of the rows: each is a block."""
        distance = self.lanes * len(pack.results)
        start = self.reserve(distance * pack.numbers_each)
        places = range(start, start + distance, self.lanes)
        self.addresses.update(zip(pack.results, places, strict=True))
        apart = self.parts_apart(pack, distance)
        self.of_rows.update(pack.results, pack.numbers)
        blocks: dict[Block, list[Addresses]] = {}
        for to, operands in zip(places, pack.operands, strict=True):
            columns = [self.row_terms(terms) for terms in terms_of(pack.shape, operands)]
            kinds, spacings, read = zip(*columns, strict=True)
            put_at(blocks, Block(self.lanes, "".join(kinds), spacings), read, [to], apart)
        return self.calls((self.formula(pack, range(len(columns))),), blocks)

    def row_terms(self, terms: Sequence[int]) -> tuple[str, Spacing, int]:
        """Return the kind of a column of registers, all for rows or none, and where they are."""
        if self.of_rows.isdisjoint(terms):
            kind, places = "B", [self.addresses[term] for term in terms]
        else:
            kind, places = "C", [self.row_address(term) for term in terms]
        return kind, self.spacing(tuple([place - places[0] for place in places])), places[0]

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
        return self.table_call(Kernel(LOOP, self.lanes, "B", even=False), rows)

    def moved(self, moves: Sequence[tuple[int, int]], width: int = 1) -> list[Call]:
        """Return the calls that copy numbers, each given as (to, from), all read before.

        Each has so many numbers beside it.
        """
        targets = {to for to, _ in moves}
        first = sorted({source for _, source in moves if source in targets})
        apart = {source: self.reserve(width) for source in first}
        aside: list[Addresses] = [(apart[source], source) for source in first]
        after: list[Addresses] = [(to, apart.get(source, source)) for to, source in sorted(moves)]
        kernel = Kernel(LOOP, width, "C")
        return [call for rows in (aside, after) if rows for call in self.progress(kernel, rows)]

    def block(
        self, columns: list[Column], first: int, lanes: int, copies: dict[int, list[Addresses]]
    ) -> tuple[Block, list[int]]:
        """Return a block and the addresses that it reads; what it needs copied is noted."""
        width = self.padded(lanes)
        strides: list[int] = []
        spacings: list[Spacing] = []
        read: list[int] = []
        for column in columns:
            addresses = column.addresses[first : first + lanes]
            of_lanes = column.spacings[first : first + lanes]
            base, spacing = addresses[0], of_lanes[0]
            step = addresses[1] - base if lanes > 1 else 0
            even = step in self.steps and addresses == [base + step * k for k in range(lanes)]
            if not even or of_lanes.count(spacing) != lanes:
                base, spacing = self.copied(column.registers[first : first + lanes], width, copies)
                step = 1
            strides.append(step)
            spacings.append(spacing)
            read.append(base)
        kinds = "".join(["C" if step else "B" for step in strides])
        kept = () if self.has_vectors else tuple(strides)  # the letters say as much
        return Block(width, kinds, tuple(spacings), kept), read

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

    def calls(
        self, formulas: tuple[Formula, ...], blocks: dict[Block, list[Addresses]]
    ) -> list[Call]:
        """Return the calls that compute these blocks."""
        sums = any(formula.terms for formula in formulas)
        found: list[Call] = []
        for block, addresses in blocks.items():
            spacings = block.spacings if sums else ()
            evenly = tuple([spacing.step is not None for spacing in spacings])
            kernel = Kernel(
                LOOP, block.width, block.columns, formulas, evenly, strides=block.strides
            )
            found += self.progress(kernel, addresses, spacings)
        return found

    def progress(
        self, kernel: Kernel, addresses: list[Addresses], spacings: tuple[Spacing, ...] = ()
    ) -> list[Call]:
        """Return the calls of a kernel for all these blocks: evenly spaced ones, and the others."""
        found: list[Call] = []
        apart: list[Addresses] = []
        for run in best_progress(addresses):
            if len(run) < FEWEST_BLOCKS:
                apart += run
                continue
            first, second = run[0][kernel.results :], run[1][kernel.results :]
            columns = [
                kind if one != other else kind.lower()
                for kind, one, other in zip(kernel.columns, first, second, strict=True)
            ]
            for together, part in self.groups(kernel, run):
                numbers = array("i", chain.from_iterable(part))
                evenly = replace(kernel, columns="".join(columns), together=together)
                found.append(Call(evenly, numbers, spacings))
            self.last = None
        for together, part in self.groups(kernel, apart):
            by_table = replace(kernel, even=False, together=together)
            found += self.table_call(by_table, part, spacings)
        return found

    def groups(
        self, kernel: Kernel, blocks: list[Addresses]
    ) -> Iterator[tuple[int, list[Addresses]]]:
        """Yield blocks in groups: how many are to be computed together, and which."""
        together = self.sums_together if kernel.has_term_loops else 1
        rest = len(blocks) % together
        if len(blocks) > rest:
            yield together, blocks[: len(blocks) - rest]
        if rest:
            yield rest, blocks[len(blocks) - rest :]

    def table_call(
        self, kernel: Kernel, rows: Sequence[Addresses], spacings: tuple[Spacing, ...] = ()
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
            last = self.last = Call(kernel, array("i"), spacings)
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


def best_order(
    columns: Sequence[Column], made: Sequence[int], steps: Container[int]
) -> Sequence[int]:
    """Return the order of the lanes in which the columns have the fewest breaks, of a few."""
    if len(made) == 1:
        return made
    fewest, best = sum([column.taken(made).breaks(steps) for column in columns]), made
    orders: list[Sequence[int]] = [made[::-1]]
    orders += [sorted(made, key=column.addresses.__getitem__) for column in columns[:4]]
    for order in orders:
        if fewest == len(columns):
            break
        breaks = sum([column.taken(order).breaks(steps) for column in columns])
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
