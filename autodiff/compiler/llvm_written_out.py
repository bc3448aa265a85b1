"""Loops of few blocks as straight-line LLVM assembly: their numbers stay in registers.

Where each number is in memory is known here, so what one block computes is handed on to those that
read it.  It is written to memory where that is needed: what other functions read, what a loop is
about to read, and what is read side by side with numbers that are not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from autodiff.compiler.layout import COPY, MOVE, ROWS, TRANSPOSE, Call, Layout, Spacing
from autodiff.compiler.llvm_loops import Blocks
from autodiff.compiler.llvm_operations import Externals, literal, vector_type
from autodiff.compiler.packs import Part, operands_in

__all__ = ["WrittenOut", "instructions"]


def instructions(call: Call) -> int:
    """Return about how many instructions the blocks of a call take, written out."""
    kernel = call.kernel
    if call.parts:
        return sum(map(instructions, call.parts))
    if kernel.what in (COPY, TRANSPOSE):
        return len(call) * (kernel.width + 1)
    if kernel.what == MOVE:
        return 2 * sum([length for _, _, length in call.blocks()])
    terms = [
        abs(count) * (1 + operands_in(part) + operations_in(part))
        for (part, _), count in zip(kernel.terms, call.counts, strict=True)
    ]
    return len(call) * (1 + len(kernel.columns) + operations_in(kernel.tree) + sum(terms))


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
        for part in call.parts:
            self.blocks_of(part)
        if call.parts:
            return
        self.begin(call.kernel)
        self.spacings = call.spacings
        self.terms = [str(spacing.step) for spacing in call.spacings]
        self.counts = ["%rows" if count == ROWS else str(count) for count in call.counts]
        blocks = [[str(address) for address in block] for block in call.blocks()]
        if any(terms == ROWS for _, terms in call.kernel.terms):
            self.write_back(self.read_by_rows(blocks))
        for start in range(0, len(blocks), call.kernel.together):
            self.stored(blocks[start : start + call.kernel.together], {})

    def term_offset(self, column: int, term: int | str) -> str:
        return str(self.spacings[column].offsets[int(term)])

    def known_count(self, number: int, terms: int | None) -> int | None:
        return int(self.counts[number]) if terms is None else super().known_count(number, terms)

    def read_by_rows(self, blocks: Sequence[Sequence[str]]) -> Iterator[int]:
        """Yield the addresses of the terms that loops over rows read."""
        width = self.kernel.width
        for _, *starts in blocks:
            for start, step in zip(starts, self.terms, strict=True):
                yield from range(int(start), int(start) + (width - 1) * int(step) + width)

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

    def move(self, to: str, source: str, count: str) -> None:
        start, last = int(source), int(source) + int(count)
        moved = []
        while start < last:
            found = self.known.get(start)
            if found is None or found.start != start or start + found.width > last:
                found = _Vector(start, 1, self.number_at(start))
            moved.append(_Vector(start - int(source) + int(to), found.width, found.name))
            start += found.width
        for vector in moved:
            self.remember(vector)

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
