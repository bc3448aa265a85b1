"""Loops of few blocks as straight-line LLVM assembly: their numbers stay in registers.

Where each number is in memory is known here, so what one block computes is handed on to those that
read it.  It is written to memory where that is needed: what other functions read, what a loop is
about to read, and what is read side by side with numbers that are not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from autodiff.compiler.layout import LOOP, ROWS, Call, Layout, Spacing
from autodiff.compiler.llvm_loops import Blocks
from autodiff.compiler.llvm_operations import Externals, literal, vector_type
from autodiff.compiler.packs import Part

__all__ = ["WrittenOut", "instructions"]


def instructions(call: Call) -> int:
    """Return about how many instructions the blocks of a call take, written out."""
    kernel = call.kernel
    if kernel.what != LOOP:
        return len(call) * (kernel.width + 1)
    found = 1 + len(kernel.columns)
    for formula in kernel.formulas:
        found += operations_in(formula.tree)
        for part, _, columns in formula.runs():
            terms = len(call.spacings[columns[0]].offsets)
            found += terms * (1 + len(columns) + operations_in(part))
    return len(call) * found


def operations_in(part: Part) -> int:
    """Return how many operations a tree has."""
    return 1 + sum([operations_in(inner) for inner in part[1]]) if isinstance(part, tuple) else 0


@dataclass(frozen=True, slots=True, eq=False)
class _Vector:
    """Numbers side by side, in a register: from which address on, and how many."""

    start: int
    width: int
    name: str


class WrittenOut(Blocks):
    """Writes the blocks of calls one by one; their addresses are in the code."""

    def __init__(self, externals: Externals, layout: Layout) -> None:
        super().__init__(externals)
        self.numbers = layout.numbers
        self.spacings: tuple[Spacing, ...] = ()
        self.known: dict[int, _Vector] = {}
        self.unwritten: dict[int, _Vector] = {}
        self.emitted: dict[str, str] = {}

    # ---- blocks ----------------------------------------------------------------------------

    def blocks_of(self, call: Call) -> None:
        """Write the blocks of a call."""
        kernel = call.kernel
        self.begin(kernel)
        self.spacings = call.spacings
        blocks = [[str(address) for address in block] for block in call.blocks()]
        for formula in kernel.formulas:
            for _, terms, columns in formula.runs():
                self.counts[columns[0]] = "%rows"
                self.terms.update({c: str(call.spacings[c].step) for c in columns})
                if terms == ROWS:
                    self.write_back(self.read_by_rows(blocks))
        for start in range(0, len(blocks), kernel.together):
            self.stored(blocks[start : start + kernel.together], {})

    def term_offset(self, column: int, term: int | str) -> str:
        return str(self.spacings[column].offsets[int(term)])

    def known_count(self, column: int, terms: int | None) -> int | None:
        found = super().known_count(column, terms)
        return len(self.spacings[column].offsets) if terms is None else found

    def read_by_rows(self, blocks: Sequence[Sequence[str]]) -> Iterator[int]:
        """Yield the addresses of the terms that loops over rows read."""
        width, first = self.kernel.width, self.kernel.results
        for block in blocks:
            for column, step in self.terms.items():
                start = int(block[first + column])
                yield from range(start, start + (width - 1) * int(step) + width)

    # ---- memory ----------------------------------------------------------------------------

    def pointer(self, address: str) -> str:
        return address

    def read(self, pointer: str, offset: str, width: int) -> str:
        if offset.startswith("%"):  # in a loop
            place = self.emit(f"getelementptr double, ptr %memory, i64 {pointer}")
            place = self.emit(f"getelementptr double, ptr {place}, i64 {offset}")
            return self.emit(f"load {vector_type(width)}, ptr {place}, align 8")
        start = int(pointer) + int(offset)
        if width == 1:
            return self.number_at(start)
        places = range(start, start + width)
        found = self.known.get(start)
        if found and found.width == width and all(self.known.get(p) is found for p in places):
            return found.name
        if not self.unwritten.keys().isdisjoint(places):
            if self.known.keys() >= set(places):
                return self.packed([self.number_at(place) for place in places])
            self.write_back(places)
        return self.loaded(start, width)

    def number_at(self, address: int) -> str:
        """Return the number at an address."""
        if address in self.numbers:
            return literal(self.numbers[address])
        found = self.known.get(address)
        if found is None:
            return self.loaded(address, 1)
        if found.width == 1:
            return found.name
        kind, lane = vector_type(found.width), address - found.start
        return self.emit_once(f"extractelement {kind} {found.name}, i32 {lane}")

    def loaded(self, start: int, width: int) -> str:
        """Return numbers of memory, and keep them in mind."""
        place = self.emit(f"getelementptr double, ptr %memory, i64 {start}")
        name = self.emit(f"load {vector_type(width)}, ptr {place}, align 8")
        places = range(start, start + width)
        if self.known.keys().isdisjoint(places):
            self.known.update(dict.fromkeys(places, _Vector(start, width, name)))
        return name

    def write(self, vector: str, address: str, offset: int = 0) -> None:
        self.remember(_Vector(int(address) + offset, self.width, vector))

    def remember(self, vector: _Vector) -> None:
        """Let a vector be what is in memory."""
        places = range(vector.start, vector.start + vector.width)
        for place in places:
            old = self.unwritten.get(place)
            if old is not None and not {old.start, old.start + old.width - 1} <= {*places}:
                self.write_back([place])  # it is overwritten in part: as a whole, before
        for place in places:
            self.known[place] = self.unwritten[place] = vector

    def write_back(self, addresses: Iterable[int] | None) -> None:
        """Write what belongs into memory there, or anywhere."""
        unwritten = self.unwritten
        places = list(unwritten) if addresses is None else addresses
        for vector in dict.fromkeys([unwritten[place] for place in places if place in unwritten]):
            place = self.emit(f"getelementptr double, ptr %memory, i64 {vector.start}")
            kind = vector_type(vector.width)
            self.body.append(f"  store {kind} {vector.name}, ptr {place}, align 8")
            for lane in range(vector.start, vector.start + vector.width):
                del unwritten[lane]  # none was overwritten: it had been written before

    def call_loop(self, instruction: str) -> None:
        """Call a loop, which reads and writes memory."""
        self.write_back(None)
        self.known.clear()
        self.body.append(instruction)

    # ---- lanes -----------------------------------------------------------------------------

    def emit_once(self, expression: str) -> str:
        """Return the result of an instruction, which is the same wherever it stands."""
        if expression not in self.emitted:
            self.emitted[expression] = self.emit(expression)
        return self.emitted[expression]

    def everywhere(self, scalar: str) -> str:
        if scalar.startswith("0x"):
            return scalar if self.width == 1 else f"splat (double {scalar})"
        key = f"{self.width} of {scalar}"
        if key not in self.emitted:
            self.emitted[key] = super().everywhere(scalar)
        return self.emitted[key]
