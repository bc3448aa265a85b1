"""Straight-line code as LLVM assembly: numbers that stay in the processor's registers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from autodiff.compiler.layout import Layout
from autodiff.compiler.linear import Kind, Linear
from autodiff.compiler.llvm_operations import FEWEST_TOGETHER, Externals, Operations, uses_exp
from autodiff.ops import Operation

__all__ = ["STRAIGHT_ARGUMENTS", "Straight"]

STRAIGHT_ARGUMENTS = "ptr {}%memory, ptr {}%output"


class Straight(Operations):
    """Writes one function of registers, of numbers or, with ``lanes``, of vectors of rows."""

    def __init__(self, linear: Linear, layout: Layout, externals: Externals, width: int) -> None:
        super().__init__(externals, width)
        self.linear = linear
        self.layout = layout
        self.here: dict[int, str] = {}

    def function(self, name: str) -> list[str]:
        """Return the text of the function."""
        arguments = STRAIGHT_ARGUMENTS.format("noalias ", "noalias ")
        return [
            f"define internal void @{name}({arguments}) #0 {{",
            *self.body,
            "  ret void",
            "}",
            "",
        ]

    def registers(self, places: Sequence[int], kept: Collection[int]) -> None:
        """Write operations, and keep these results in memory."""
        in_order = self.by_depth(places) if self.width == 1 else [(place,) for place in places]
        for group in in_order:
            if len(group) > 1:
                self.together(group)
            else:
                register = self.linear.registers[group[0]]
                assert register.op is not None, "only operations are written"
                operands = [self.operand(place) for place in register.operands]
                self.here[group[0]] = self.operation(register.op, operands)
        for place in places:
            if place in kept:
                self.store(self.here[place], self.layout.addresses[place])

    def together(self, places: Sequence[int]) -> None:
        """Write one operation of several registers in the lanes of a vector."""
        registers = [self.linear.registers[place] for place in places]
        op = registers[0].op
        assert op is not None
        scalars = [[self.operand(place) for place in register.operands] for register in registers]
        self.set_width(self.externals.exp_width)
        operands = [self.packed(column) for column in zip(*scalars, strict=True)]
        results = self.lanes(self.operation(op, operands))
        self.set_width(1)
        self.here.update(zip(places, results, strict=False))

    def output(self, total: int | None, register: int | None) -> None:
        """Write the output: the number at an address, or a register's, or the sum of both."""
        number = self.operand(register) if register is not None else ""
        if total is not None:
            mean = self.loaded(total)
            number = self.emit(f"fadd {self.type} {mean}, {number}") if number else mean
        self.body.append(f"  store {self.type} {number}, ptr %output, align 8")

    def add(self, sums: Sequence[tuple[int, int]]) -> None:
        """Add registers, given as (to, register), to the numbers at addresses."""
        for address, register in sums:
            total = self.emit(f"fadd {self.type} {self.loaded(address)}, {self.operand(register)}")
            self.store(total, address)

    def assign(self, numbers: Sequence[tuple[int, int]]) -> None:
        """Write registers to addresses, given as (to, register), after all have been read."""
        found = [self.operand(register) for _, register in numbers]
        for (address, _), number in zip(numbers, found, strict=True):
            self.store(number, address)

    def operand(self, place: int) -> str:
        """Return a register as an operand here, loaded if it was computed elsewhere."""
        if place not in self.here:
            register = self.linear.registers[place]
            if register.kind is Kind.NUMBER:
                return self.constant(register.number)
            address = self.layout.addresses[place]
            if place in self.layout.of_rows:
                self.here[place] = self.loaded(address)
            else:
                self.here[place] = self.everywhere(self.loaded(address, 1))
        return self.here[place]

    def by_depth(self, places: Sequence[int]) -> list[tuple[int, ...]]:
        """Return registers with those first that wait for the fewest others.

        Equal operations of different rows then stand side by side, and those with an ``exp`` can
        be done in lanes.
        """
        depth: dict[int, int] = {}
        levels: dict[int, list[int]] = {}
        for place in places:
            operands = self.linear.registers[place].operands
            depth[place] = 1 + max((depth.get(operand, 0) for operand in operands), default=0)
            levels.setdefault(depth[place], []).append(place)
        return [group for level in sorted(levels) for group in self.in_lanes(levels[level])]

    def in_lanes(self, places: Sequence[int]) -> list[tuple[int, ...]]:
        """Return registers of one depth, with equal operations that use ``exp`` put together."""
        groups: list[tuple[int, ...]] = []
        alike: dict[Operation, list[int]] = {}
        width = self.externals.exp_width
        for place in places:
            op = self.linear.registers[place].op
            if op is not None and width and uses_exp(op):
                alike.setdefault(op, []).append(place)
            else:
                groups.append((place,))
        for group in alike.values():
            for start in range(0, len(group), width):
                chunk = tuple(group[start : start + width])
                groups += [(p,) for p in chunk] if len(chunk) < FEWEST_TOGETHER else [chunk]
        return groups
