"""The loops of a program as LLVM assembly: a function for each kernel.

A kernel takes the memory, the part of the table with its numbers, and how many rows of the vector
count.  Its numbers are: how many blocks there are; for each run of a sum's terms, their number (if
it is no other part of the kernel) and for each column the step from term to term, or where in the
table the terms' places begin; then, if the blocks are evenly spaced, the address and the step of
each result and each column; otherwise these addresses for each block.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

from autodiff.compiler.by_place import adds
from autodiff.compiler.layout import COPY, LOOP, ROWS, Call, Formula, Kernel, Spacing
from autodiff.compiler.llvm_operations import Externals, Operations, literal, vector_type
from autodiff.compiler.packs import Part

__all__ = ["KERNEL_ARGUMENTS", "Blocks", "Table", "loop_function"]

KERNEL_ARGUMENTS = "ptr %memory, ptr %table, ptr %numbers, i64 %rows"


class Table:
    """The numbers of all calls of loops, as these read them."""

    def __init__(self) -> None:
        self.numbers = array("i")
        self.listed: dict[Spacing, int] = {}

    def put(self, call: Call) -> int:
        """Append a call's numbers, and return where they begin."""
        kernel = call.kernel
        found = array("i", [len(call)])
        for formula in kernel.formulas:
            for _, terms, columns in formula.runs():
                spacings = [call.spacings[column] for column in columns]
                found.extend([len(spacings[0].offsets)] if terms is None else [])
                found.extend(
                    self.terms_of(each) if each.step is None else each.step for each in spacings
                )
        if kernel.even:
            pairs = zip(call.numbers[: kernel.addresses], call.steps(), strict=True)
            found.extend(chain.from_iterable(pairs))
        else:
            found.extend(call.numbers)
        return self.append(found)

    def terms_of(self, spacing: Spacing) -> int:
        """Return where the offsets of a column's terms are listed."""
        if spacing not in self.listed:
            self.listed[spacing] = self.append(spacing.offsets)
        return self.listed[spacing]

    def append(self, numbers: Iterable[int]) -> int:
        """Append numbers and return where they begin."""
        start = len(self.numbers)
        self.numbers.extend(numbers)
        return start


def loop_function(kernel: Kernel, name: str, externals: Externals) -> list[str]:
    """Return the text of a kernel's function."""
    writer = _Loop(externals, kernel)
    writer.function()
    return [
        f"define internal void @{name}(ptr noalias %memory, ptr noalias %table, "
        "ptr noalias %numbers, i64 %rows) #0 {",
        "entry:",
        *writer.body,
        "  ret void",
        "}",
        "",
    ]


class Blocks(Operations, ABC):
    """Writes the blocks of kernels; how their numbers are found is left open.

    ``terms`` has, for columns of sums, the step from term to term, or what finds them; ``counts``
    the number of terms of runs that are loops, by the first of their columns.
    """

    def __init__(self, externals: Externals) -> None:
        super().__init__(externals, 1)
        self.block = "entry"
        self.labels = 0  # of loops over terms

    def begin(self, kernel: Kernel) -> None:
        """Go on with another kernel."""
        self.kernel = kernel
        self.set_width(kernel.width)
        self.terms: dict[int, str] = {}
        self.counts: dict[int, str] = {}

    @abstractmethod
    def term_offset(self, column: int, term: int | str) -> str:
        """Return how far a term is from the first of a column."""

    @abstractmethod
    def pointer(self, address: str) -> str:
        """Return what :meth:`read` reads from that address on."""

    @abstractmethod
    def read(self, pointer: str, offset: str, width: int) -> str:
        """Return the numbers there, so far from a pointer."""

    @abstractmethod
    def write(self, vector: str, address: str, offset: int = 0) -> None:
        """Write a vector to memory."""

    def label(self, name: str) -> None:
        """Begin a block of instructions."""
        self.body.append(f"{name}:")
        self.block = name

    def opaque(self, kind: str, number: str) -> str:
        """Return what counts, or where things are, in the next turn of a loop.

        Assembly of no instruction hides from LLVM how it progresses: to look for better ways takes
        a seventh of all its time, and finds none that is.
        """
        return self.emit(f'call {kind} asm "", "=r,0"({kind} {number})')

    def stored(self, blocks: Sequence[Sequence[str]], fixed: dict[int, str]) -> str:
        """Write blocks of these addresses, store their results, and return the last one.

        ``fixed`` has the numbers of columns that are known.
        """
        if self.kernel.what != LOOP:
            for to, *sources in blocks:
                self.copied(to, sources)
            return ""
        columns = [block[self.kernel.results :] for block in blocks]
        results: list[list[str]] = []
        written = 0
        for formula in self.kernel.formulas:
            if formula.by_place is not None:
                if adds(formula.by_place):
                    for addresses in columns:
                        self.added_at(formula, addresses)
                    return ""
                results.append([self.picked(formula, addresses) for addresses in columns])
            elif formula.terms:
                results.append(self.sums(formula, columns))
            else:
                before = list(zip(*results, strict=True)) or [()] * len(blocks)
                results.append(
                    [
                        self.computed(formula, addresses, earlier, fixed)
                        for addresses, earlier in zip(columns, before, strict=True)
                    ]
                )
            for result, block in zip(results[-1], blocks, strict=True):
                if formula.written:
                    self.write(result, block[written])
            written += formula.written
        return results[-1][-1]

    def copied(self, to: str, sources: Sequence[str]) -> None:
        """Copy numbers side by side, or a square of them, transposed."""
        if self.kernel.what == COPY:
            self.write(self.packed([self.read(self.pointer(s), "0", 1) for s in sources]), to)
            return
        square = [self.read(self.pointer(source), "0", self.width) for source in sources]
        for lane, vector in enumerate(self.transposed(square)):
            self.write(vector, to, lane * self.width)

    def computed(
        self,
        formula: Formula,
        addresses: Sequence[str],
        earlier: Sequence[str],
        fixed: dict[int, str],
    ) -> str:
        """Return the result of a block's tree; ``earlier`` are those of the formulas before."""
        known = dict(fixed) | {~number: result for number, result in enumerate(earlier)}
        for place in formula.places:
            if place not in known:
                known[place] = self.column(place, self.pointer(addresses[place]))
        return self.part(formula.tree, iter([known[place] for place in formula.places]))

    def column(self, number: int, pointer: str, offset: str = "0") -> str:
        """Return what a column has there."""
        if self.kernel.columns[number] in "Cc":
            return self.read(pointer, offset, self.width)
        return self.everywhere(self.read(pointer, offset, 1))

    def part(self, part: Part, operands: Iterator[str]) -> str:
        """Return the result of an expression tree; it takes its operands in order."""
        if part is None:
            return next(operands)
        if isinstance(part, str):
            return self.constant(float(part))
        op, parts = part
        return self.operation(op, [self.part(inner, operands) for inner in parts])

    # ---- by place --------------------------------------------------------------------------

    def place_of(self, index: str, count: str) -> tuple[str, str]:
        """Return the place that an index says, among so many, and whether it is one."""
        most = self.emit(f"sitofp i64 {count} to double")
        least_bit = self.emit(f"fcmp oge double {index}, 0.0")
        most_bit = self.emit(f"fcmp olt double {index}, {most}")
        within = self.emit(f"and i1 {least_bit}, {most_bit}")
        safe = self.emit(f"select i1 {within}, double {index}, double 0.0")
        place = self.emit(f"fptosi double {safe} to i64")
        whole = self.emit(f"sitofp i64 {place} to double")
        is_whole = self.emit(f"fcmp oeq double {whole}, {index}")
        return place, self.emit(f"and i1 {within}, {is_whole}")

    def picked(self, formula: Formula, addresses: Sequence[str]) -> str:
        """Return what a block picks: of all lanes the same value, or of each its own."""
        index, values = formula.places
        start, at = self.pointer(addresses[values]), self.pointer(addresses[index])
        nan = literal(math.nan)
        if self.kernel.columns[index] in "Bb":
            place, valid = self.place_of(self.read(at, "0", 1), self.counts[values])
            found = self.column(values, start, self.term_offset(values, place))
            nans = self.constant(math.nan)
            return self.emit(f"select i1 {valid}, {self.type} {found}, {self.type} {nans}")
        picked = []
        for lane, number in enumerate(self.lanes(self.read(at, "0", self.width))):
            place, valid = self.place_of(number, self.counts[values])
            offset = self.of_lane(values, self.term_offset(values, place), lane)
            found = self.read(start, offset, 1)
            picked.append(self.emit(f"select i1 {valid}, double {found}, double {nan}"))
        return self.packed(picked)

    def of_lane(self, column: int, offset: str, lane: int) -> str:
        """Return where a lane's number is, given where the block's are."""
        if lane and self.kernel.columns[column] in "Cc":
            return self.emit(f"add i64 {offset}, {lane}")
        return offset

    def added_at(self, formula: Formula, addresses: Sequence[str]) -> None:
        """Write a block's numbers, and add at their places."""
        index, added, before, to = formula.places
        pointers = [self.pointer(address) for address in addresses]
        with self.counted(self.counts[before]) as number:
            start = self.column(before, pointers[before], self.term_offset(before, number))
            self.put(start, pointers[to], self.term_offset(to, number), self.width)
        with self.counted(self.counts[index]) as term:
            offsets = {column: self.term_offset(column, term) for column in (index, added)}
            if self.kernel.columns[index] in "Bb":
                at = self.read(pointers[index], offsets[index], 1)
                more = self.column(added, pointers[added], offsets[added])
                self.add_at(at, more, pointers[to], (before, to), 0, self.width)
            else:
                at = self.read(pointers[index], offsets[index], self.width)
                more = self.column(added, pointers[added], offsets[added])
                lanes = zip(self.lanes(at), self.lanes(more), strict=True)
                for lane, (place, number) in enumerate(lanes):
                    self.add_at(place, number, pointers[to], (before, to), lane, 1)

    def add_at(
        self, index: str, added: str, start: str, columns: tuple[int, int], lane: int, width: int
    ) -> None:
        """Add at the place of an index; what has no place is added behind the numbers."""
        count, to = self.counts[columns[0]], columns[1]
        place, valid = self.place_of(index, count)
        somewhere = self.emit(f"select i1 {valid}, i64 {place}, i64 {count}")
        offset = self.of_lane(to, self.term_offset(to, somewhere), lane)
        kind = vector_type(width)
        total = self.emit(f"fadd {kind} {self.read(start, offset, width)}, {added}")
        self.put(total, start, offset, width)

    def put(self, vector: str, pointer: str, offset: str, width: int) -> None:
        """Write numbers to memory, so far from a pointer."""
        place = self.emit(f"getelementptr double, ptr {pointer}, i64 {offset}")
        self.body.append(f"  store {vector_type(width)} {vector}, ptr {place}, align 8")

    @contextmanager
    def counted(self, count: str) -> Iterator[str]:
        """Write a loop of so many turns, one at least, around what is written meanwhile."""
        self.labels += 1
        loop, end, index = f"turn_{self.labels}", f"turned_{self.labels}", f"%number_{self.labels}"
        before = self.block
        self.body.append(f"  br label %{loop}")
        self.label(loop)
        line = len(self.body)
        yield index
        following = self.opaque("i64", self.emit(f"add i64 {index}, 1"))
        more = self.emit(f"icmp slt i64 {following}, {count}")
        self.body.append(f"  br i1 {more}, label %{loop}, label %{end}")
        phi = f"  {index} = phi i64 [ 0, %{before} ], [ {following}, %{self.block} ]"
        self.body.insert(line, phi)
        self.label(end)

    # ---- sums ------------------------------------------------------------------------------

    def sums(self, formula: Formula, blocks: Sequence[Sequence[str]]) -> list[str]:
        """Return the sums of several blocks."""
        totals = [""] * len(blocks)
        starts = [{c: self.pointer(block[c]) for c in formula.places} for block in blocks]
        for part, terms, columns in formula.runs():
            known = self.known_count(columns[0], terms)
            if known is None:
                totals = self.term_loop(part, totals, starts, columns)
                continue
            for term in range(known):
                offsets = [self.term_offset(c, term) if term else "0" for c in columns]
                totals = self.added(part, totals, starts, columns, offsets)
        return totals

    def known_count(self, column: int, terms: int | None) -> int | None:
        """Return how many terms a run has, if that is known here."""
        del column
        return None if terms == ROWS else terms

    def added(
        self,
        part: Part,
        totals: Sequence[str],
        starts: list[dict[int, str]],
        columns: Sequence[int],
        offsets: Sequence[str],
    ) -> list[str]:
        """Return the totals of several blocks with one more term; "" is a total of nothing."""
        shared: dict[int, str] = {}
        found = []
        for total, block in zip(totals, starts, strict=True):
            operands = []
            for column, offset in zip(columns, offsets, strict=True):
                if column in shared:
                    operands.append(shared[column])
                    continue
                operands.append(self.column(column, block[column], offset))
                if self.kernel.columns[column].islower():
                    shared[column] = operands[-1]
            term = self.part(part, iter(operands))
            found.append(self.emit(f"fadd {self.type} {total}, {term}") if total else term)
        return found

    def term_loop(
        self,
        part: Part,
        totals: list[str],
        starts: list[dict[int, str]],
        columns: Sequence[int],
    ) -> list[str]:
        """Write a loop over the terms of a run."""
        self.labels += 1
        loop, end = f"terms_{self.labels}", f"added_{self.labels}"
        before, number = self.block, self.labels
        # -0.0 + x is x for every x.
        begun = [total or self.constant(-0.0) for total in totals]
        self.body.append(f"  br label %{loop}")
        self.label(loop)
        line = len(self.body)
        index = f"%term_{number}"
        now = [f"%total_{number}_{k}" for k in range(len(totals))]
        offsets, phis = [], []
        for column in columns:
            if self.kernel.evenly[column]:
                offset = f"%offset_{number}_{column}"
                following = self.emit(f"add i64 {offset}, {self.terms[column]}")
                following = self.opaque("i64", following)
                phis.append((offset, "i64", "0", following))
            else:
                offset = self.term_offset(column, index)
            offsets.append(offset)
        added = self.added(part, now, starts, columns, offsets)
        next_index = self.opaque("i64", self.emit(f"add i64 {index}, 1"))
        more = self.emit(f"icmp slt i64 {next_index}, {self.counts[columns[0]]}")
        self.body.append(f"  br i1 {more}, label %{loop}, label %{end}")
        phis.append((index, "i64", "0", next_index))
        phis += [(a, self.type, b, c) for a, b, c in zip(now, begun, added, strict=True)]
        self.body[line:line] = [
            f"  {name} = phi {kind} [ {first}, %{before} ], [ {following}, %{loop} ]"
            for name, kind, first, following in phis
        ]
        self.label(end)
        return added


class _Loop(Blocks):
    """Writes one kernel's function, a loop that finds its numbers in the table."""

    def __init__(self, externals: Externals, kernel: Kernel) -> None:
        super().__init__(externals)
        self.begin(kernel)
        self.headings = 0

    def pointer(self, address: str) -> str:
        return self.emit(f"getelementptr double, ptr %memory, i64 {address}")

    def read(self, pointer: str, offset: str, width: int) -> str:
        if offset != "0":
            pointer = self.emit(f"getelementptr double, ptr {pointer}, i64 {offset}")
        return self.emit(f"load {vector_type(width)}, ptr {pointer}, align 8")

    def write(self, vector: str, address: str, offset: int = 0) -> None:
        if offset:
            address = self.emit(f"add i64 {address}, {offset}")
        self.body.append(f"  store {self.type} {vector}, ptr {self.pointer(address)}, align 8")

    def heading(self) -> str:
        """Return the next number of the call's part of the table."""
        self.headings += 1
        return self.entry_of("%numbers", self.headings - 1)

    def term_headings(self) -> None:
        """Read the numbers of the terms of each run."""
        for formula in self.kernel.formulas:
            for _, terms, columns in formula.runs():
                self.counts[columns[0]] = self.heading() if terms is None else "%rows"
                self.terms.update({column: self.heading() for column in columns})

    def entry_of(self, pointer: str, index: str | int) -> str:
        """Return a number of the table as an i64."""
        place = self.emit(f"getelementptr i32, ptr {pointer}, i64 {index}")
        return self.emit(f"sext i32 {self.emit(f'load i32, ptr {place}, align 4')} to i64")

    def term_offset(self, column: int, term: int | str) -> str:
        if self.kernel.evenly[column]:
            return self.emit(f"mul i64 {self.terms[column]}, {term}")
        place = self.emit(f"add i64 {self.terms[column]}, {term}")
        return self.entry_of("%table", place)

    def function(self) -> None:
        """Write the whole function."""
        kernel, first = self.kernel, self.kernel.results
        count = self.heading()
        self.term_headings()
        if kernel.even:
            pairs = [(self.heading(), self.heading()) for _ in range(kernel.addresses)]
            starts, steps = [start for start, _ in pairs], [step for _, step in pairs]
        else:
            starts = [self.emit(f"getelementptr i32, ptr %numbers, i64 {self.headings}")]
            steps = [str(kernel.addresses)]
        fixed: dict[int, str] = {}
        carried = ""
        for column, letter in enumerate(kernel.columns):
            if letter == "L":
                before = self.entry_of(starts[0], first + column)
                carried = self.read(self.pointer(before), "0", 1)
                fixed[column] = "%last"
            elif letter.islower() and column not in self.terms:
                fixed[column] = self.column(column, self.pointer(starts[first + column]))
        self.loop(count, starts, steps, fixed, carried)

    def loop(
        self, count: str, starts: list[str], steps: list[str], fixed: dict[int, str], carried: str
    ) -> None:
        """Write the loop over blocks, of which there is at least one.

        ``carried`` is the result before the first, if each block reads that of the block before.
        """
        self.body.append("  br label %loop")
        self.label("loop")
        line = len(self.body)
        kernel = self.kernel
        letters = "C" * kernel.results + kernel.columns
        moving = [n for n, _ in enumerate(starts) if not kernel.even or letters[n].isupper()]
        here = [f"%column_{n}" if n in moving else start for n, start in enumerate(starts)]
        addresses = []
        following = here
        for _ in range(kernel.together):
            block, following = self.block_at(following, steps, moving)
            addresses.append(block)
        result = self.stored(addresses, fixed)
        kind = "i64" if kernel.even else "ptr"
        following = [self.opaque(kind, n) if k in moving else n for k, n in enumerate(following)]
        next_index = self.opaque("i64", self.emit(f"add i64 %index, {kernel.together}"))
        more = self.emit(f"icmp slt i64 {next_index}, {count}")
        self.body.append(f"  br i1 {more}, label %loop, label %end")
        phis = [("%index", "i64", "0", next_index)]
        phis += [(here[n], kind, starts[n], following[n]) for n in moving]
        if carried:
            phis.append(("%last", self.type, carried, result))
        self.body[line:line] = [
            f"  {name} = phi {kind} [ {first}, %entry ], [ {next_}, %{self.block} ]"
            for name, kind, first, next_ in phis
        ]
        self.label("end")

    def block_at(
        self, here: list[str], steps: list[str], moving: Sequence[int]
    ) -> tuple[list[str], list[str]]:
        """Return the addresses of a block, and what is ``here`` for the next."""
        if self.kernel.even:
            return here, [
                self.emit(f"add i64 {address}, {step}") if n in moving else address
                for n, (address, step) in enumerate(zip(here, steps, strict=True))
            ]
        (row,) = here
        addresses = [self.entry_of(row, k) for k in range(self.kernel.addresses)]
        return addresses, [self.emit(f"getelementptr i32, ptr {row}, i64 {steps[0]}")]
