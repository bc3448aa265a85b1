"""The loops of a program as LLVM assembly: a function for each kernel.

A kernel takes the memory, the part of the table with its numbers, and how many rows of the vector
count.  Its numbers are: how many blocks there are; for each run of a sum's terms, their number (if
it is no other part of the kernel) and for each column the step from term to term, or where in the
table the terms' places begin; then, if the blocks are evenly spaced, the address and the step of
the result and of each column; otherwise these addresses for each block.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from autodiff.compiler.layout import COPY, MOVE, ROWS, SUM, TRANSPOSE, Call, Kernel, Spacing
from autodiff.compiler.llvm_operations import Externals, Operations, vector_type
from autodiff.compiler.packs import Part, operands_in

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
        columns = iter(call.spacings)
        for (part, terms), count in zip(kernel.terms, call.counts, strict=True):
            found.extend([count] if terms is None else [])
            for spacing in islice(columns, operands_in(part)):
                found.append(self.terms_of(spacing) if spacing.step is None else spacing.step)
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

    ``terms`` has, for each column of a sum, its step from term to term, or what finds them;
    ``counts`` the number of terms of each run that is a loop.
    """

    def __init__(self, externals: Externals) -> None:
        super().__init__(externals, 1)
        self.block = "entry"
        self.labels = 0  # of loops over terms
        self.result = ""  # of the last block

    def begin(self, kernel: Kernel) -> None:
        """Go on with another kernel."""
        self.kernel = kernel
        self.set_width(kernel.width)
        self.terms: list[str] = []
        self.counts: list[str] = []

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

    def stored(self, addresses: list[list[str]], fixed: dict[int, str]) -> list[str]:
        """Write blocks that read there, store their results, and return these."""
        results = self.results(addresses, fixed)
        self.result = results[-1]
        for result, (to, *_) in zip(results, addresses, strict=True):
            if result and self.kernel.written:
                self.write(result, to)
        return results

    def results(self, addresses: list[list[str]], fixed: dict[int, str]) -> list[str]:
        """Return the results of blocks that read there."""
        kernel = self.kernel
        if kernel.what == SUM:
            return self.sums(addresses)
        ((to, *sources),) = addresses
        if kernel.what == COPY:
            return [self.packed([self.read(self.pointer(s), "0", 1) for s in sources])]
        if kernel.what == TRANSPOSE:
            square = [self.read(self.pointer(source), "0", self.width) for source in sources]
            for lane, vector in enumerate(self.transposed(square)):
                self.write(vector, to, lane * self.width)
            return [""]
        if kernel.what == MOVE:
            self.move(to, *sources)
            return [""]
        operands = [
            fixed[number] if number in fixed else self.column(number - 1, self.pointer(source))
            for number, source in enumerate(sources, 1)
        ]
        if kernel.tree is None:
            return operands
        return [self.part(kernel.tree, iter([operands[place] for place in kernel.places]))]

    @abstractmethod
    def move(self, to: str, source: str, count: str) -> None:
        """Copy numbers that are side by side."""

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

    # ---- sums ------------------------------------------------------------------------------

    def sums(self, addresses: list[list[str]]) -> list[str]:
        """Return the sums of several blocks."""
        totals = [""] * len(addresses)
        starts = [[self.pointer(source) for source in sources] for _, *sources in addresses]
        column = 0
        for number, (part, terms) in enumerate(self.kernel.terms):
            columns = range(column, column + operands_in(part))
            known = self.known_count(number, terms)
            if known is None:
                totals = self.term_loop(part, totals, starts, columns, self.counts[number])
            else:
                for term in range(known):
                    offsets = [self.term_offset(c, term) if term else "0" for c in columns]
                    totals = self.added(part, totals, starts, columns, offsets)
            column += len(columns)
        return totals

    def known_count(self, number: int, terms: int | None) -> int | None:
        """Return how many terms a run has, if that is known here."""
        del number
        return None if terms == ROWS else terms

    def added(
        self,
        part: Part,
        totals: Sequence[str],
        starts: list[list[str]],
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
        starts: list[list[str]],
        columns: Sequence[int],
        count: str,
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
            if self.kernel.steps[column]:
                offset = f"%offset_{number}_{column}"
                following = self.emit(f"add i64 {offset}, {self.terms[column]}")
                phis.append((offset, "i64", "0", following))
            else:
                offset = self.term_offset(column, index)
            offsets.append(offset)
        added = self.added(part, now, starts, columns, offsets)
        next_index = self.emit(f"add i64 {index}, 1")
        more = self.emit(f"icmp slt i64 {next_index}, {count}")
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
        self.carried = ""  # the result before the first

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

    def move(self, to: str, source: str, count: str) -> None:
        pointers = f"ptr align 8 {self.pointer(to)}, ptr align 8 {self.pointer(source)}"
        size = self.emit(f"shl i64 {count}, 3")
        self.body.append(f"  call void @llvm.memcpy.p0.p0.i64({pointers}, i64 {size}, i1 false)")

    def heading(self) -> str:
        """Return the next number of the call's part of the table."""
        self.headings += 1
        return self.entry_of("%numbers", self.headings - 1)

    def term_headings(self) -> None:
        """Read the numbers of the terms of each run."""
        for part, terms in self.kernel.terms:
            self.counts.append(self.heading() if terms is None else "%rows")
            self.terms += [self.heading() for _ in range(operands_in(part))]

    def entry_of(self, pointer: str, index: str | int) -> str:
        """Return a number of the table as an i64."""
        place = self.emit(f"getelementptr i32, ptr {pointer}, i64 {index}")
        return self.emit(f"sext i32 {self.emit(f'load i32, ptr {place}, align 4')} to i64")

    def term_offset(self, column: int, term: int | str) -> str:
        if self.kernel.steps[column]:
            return self.emit(f"mul i64 {self.terms[column]}, {term}")
        place = self.emit(f"add i64 {self.terms[column]}, {term}")
        return self.entry_of("%table", place)

    def function(self) -> None:
        """Write the whole function."""
        kernel = self.kernel
        count = self.heading()
        self.term_headings()
        columns = kernel.addresses
        if kernel.even:
            pairs = [(self.heading(), self.heading()) for _ in range(columns)]
            starts, steps = [first for first, _ in pairs], [step for _, step in pairs]
        else:
            places = self.emit(f"getelementptr i32, ptr %numbers, i64 {self.headings}")
            starts, steps = [places], [str(columns)]
        fixed: dict[int, str] = {}
        if "L" in kernel.columns:
            number = 1 + kernel.columns.index("L")
            self.carried = self.read(self.pointer(self.entry_of(places, number)), "0", 1)
            fixed[number] = "%last"
        for first in self.parts():
            for number, kind in enumerate(self.kernel.columns, 1):
                if kind.islower() and self.kernel.what != SUM:
                    start = starts[first + number]
                    fixed[first + number] = self.column(number - 1, self.pointer(start))
        self.kernel = kernel
        self.loop(count, starts, steps, fixed)

    def parts(self) -> Iterator[int]:
        """Make each part the kernel, and yield the number of its first address."""
        whole, terms, counts = self.kernel, self.terms, self.counts
        first = column = run = 0
        for part in whole.parts or (whole,):
            self.kernel = part
            self.terms, self.counts = terms[column:], counts[run:]
            yield first
            first += part.addresses
            column += len(part.steps)
            run += len(part.terms)
        self.kernel, self.terms, self.counts = whole, terms, counts

    def loop(self, count: str, starts: list[str], steps: list[str], fixed: dict[int, str]) -> None:
        """Write the loop over blocks, of which there is at least one."""
        self.body.append("  br label %loop")
        self.label("loop")
        line = len(self.body)
        even = self.kernel.even
        fixed_ones = self.fixed_addresses() if even else set()
        moving = [n for n, _ in enumerate(starts) if n not in fixed_ones]
        here = [f"%column_{n}" if n in moving else start for n, start in enumerate(starts)]
        following = self.blocks(here, steps, fixed)
        next_index = self.emit(f"add i64 %index, {self.kernel.together}")
        more = self.emit(f"icmp slt i64 {next_index}, {count}")
        self.body.append(f"  br i1 {more}, label %loop, label %end")
        kind = "i64" if even else "ptr"
        phis = [("%index", "i64", "0", next_index)]
        phis += [(here[n], kind, starts[n], following[n]) for n in moving]
        if self.carried:
            phis.append(("%last", self.type, self.carried, self.result))
        self.body[line:line] = [
            f"  {name} = phi {kind} [ {first}, %entry ], [ {next_}, %{self.block} ]"
            for name, kind, first, next_ in phis
        ]
        self.label("end")

    def fixed_addresses(self) -> set[int]:
        """Return the numbers of addresses that are the same for all blocks, or not used."""
        return {
            first + number
            for first in self.parts()
            for number, kind in enumerate(f"C{self.kernel.columns}")
            if not kind.isupper() or (number == 0 and not self.kernel.written)
        }

    def blocks(self, here: list[str], steps: list[str], fixed: dict[int, str]) -> list[str]:
        """Write the blocks of one turn of the loop; return the addresses of the next."""
        addresses = []
        not_moved = self.fixed_addresses()
        for _ in range(self.kernel.together):
            if self.kernel.even:
                addresses.append(here)
                here = [
                    a if number in not_moved else self.emit(f"add i64 {a}, {step}")
                    for number, (a, step) in enumerate(zip(here, steps, strict=True))
                ]
            else:
                addresses.append([self.entry_of(here[0], k) for k in range(int(steps[0]))])
                here = [self.emit(f"getelementptr i32, ptr {here[0]}, i64 {steps[0]}")]
        results: list[list[str]] = []
        for first in self.parts():
            stop = first + self.kernel.addresses
            places = [each[first:stop] for each in addresses]
            if self.kernel.what == SUM:
                results.append(self.stored(places, {}))
                continue
            results.append([])
            for number, place in enumerate(places):
                known = {
                    k: results[int(kind)][number] if kind.isdigit() else fixed[first + k]
                    for k, kind in enumerate(self.kernel.columns, 1)
                    if kind.isdigit() or first + k in fixed
                }
                results[-1] += self.stored([place], known)
        return here
