"""A graph as straight-line code: each register is assigned once, before it is used.

A :class:`Linear` program is a list of registers.  Each holds a number known at compile time, a
leaf's number, or the result of one operation on earlier registers.  Building one from Values
does three things, all exact: it computes what depends on numbers alone, it computes equal
expressions once, and it drops operations that change nothing (``x * 1``; never ``x * 0``, which
is nan for an infinite x).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from itertools import compress
from typing import Any

from autodiff.ops import Operation, Role
from autodiff.ops.symbols import Symbol
from autodiff.value import Value

__all__ = ["Kind", "Linear", "Register"]


NEGATION = (Role.NEGATED,)
CHOOSING = (Role.CONDITION, Role.INDEX)
CONDITION = Role.CONDITION  # which takes longer to look up than to compare


class Kind(Enum):
    """Where a register's number comes from."""

    NUMBER = "a number known at compile time"
    VARIABLE = "a variable of the graph, read when the program runs"
    INPUT = "one number of the row that the program runs on"
    MEAN = "a gradient's mean over the rows of a batch"
    OPERATION = "an operation on earlier registers"
    COPY = "another name for an earlier register"
    PART = "one of the numbers of an earlier register that has several"


OPERATION = Kind.OPERATION


@dataclass(slots=True)
class Register:
    """One single assignment; ``name`` and ``comment`` are for the reader of the code.

    ``number`` is that of a NUMBER, and of a PART which it is, counted from 0.
    """

    kind: Kind
    op: Operation | None = None
    operands: tuple[int, ...] = ()
    number: float = 0.0
    value: Value | None = None
    name: str = ""
    comment: str = ""


@dataclass(slots=True)
class Linear:
    """Registers in the order of their assignment, and the way from Values to them.

    ``origin`` has the register that each copy is another name for, ``known`` the numbers that are
    known, ``wholes`` the register that each part is of, and which number there.  With
    ``single_steps``, a neuron's sum becomes its additions and multiplications.
    """

    single_steps: bool = False

    registers: list[Register] = field(default_factory=list)
    of_value: dict[Value, int] = field(default_factory=dict)
    shared: dict[tuple[object, ...], int] = field(default_factory=dict)
    numbers: dict[float | str, int] = field(default_factory=dict)
    known: dict[int, float] = field(default_factory=dict)
    origin: dict[int, int] = field(default_factory=dict)
    wholes: dict[int, tuple[int, int]] = field(default_factory=dict)

    def add(self, register: Register) -> int:
        """Append a register and return its place."""
        self.registers.append(register)
        return len(self.registers) - 1

    def number(self, number: float) -> int:
        """Return the register of a number; -0.0 is not 0.0, and every nan is the same."""
        key = number if number and number == number else repr(number)
        place = self.numbers.get(key)
        if place is None:
            place = self.numbers[key] = self.add(Register(Kind.NUMBER, number=number))
            self.known[place] = number
        return place

    def leaf(self, kind: Kind, value: Value, name: str) -> int:
        """Return a new register that holds a leaf's number."""
        place = self.add(Register(kind, value=value, name=name))
        self.of_value[value] = place
        return place

    def part(self, whole: int, number: int) -> int:
        """Return the register of one of the numbers of another."""
        key = Kind.PART, whole, number
        place = self.shared.get(key)
        if place is None:
            place = self.add(Register(Kind.PART, operands=(whole,), number=float(number)))
            self.shared[key], self.wholes[place] = place, (whole, number)
        return place

    def copy(self, place: int, name: str, comment: str) -> int:
        """Return a new name for a register, for the reader; it costs nothing where it runs."""
        copied = self.add(Register(Kind.COPY, operands=(place,), name=name, comment=comment))
        self.origin[copied] = self.resolve(place)
        return copied

    def named(self, place: int, count: int, comment: str, name: str) -> int:
        """Return a register under that name: itself, or a copy of one of the first ``count``."""
        register = self.registers[place]
        if place < count or register.kind is not Kind.OPERATION:
            return self.copy(place, name, comment)
        register.name, register.comment = name, comment
        return place

    def lower(self, root: Value, comment: str = "") -> int:
        """Return the register of a Value, with whatever it depends on lowered first.

        Leaves that are no constants must be known already: KeyError names one that is not.
        """
        of_value = self.of_value
        pending = [] if root in of_value else [root]
        while pending:
            value = pending.pop()
            op, parents = value.origin.op, value.parents
            operands = tuple(map(of_value.get, parents))
            if None in operands:
                pending.append(value)
                pending += [parent for parent in reversed(parents) if parent not in of_value]
            elif value in of_value:
                continue
            elif op is None:
                if not value.is_constant:
                    raise KeyError(value)
                of_value[value] = self.number(value.data)
            elif self.single_steps and op.arity is None and op.arithmetic:
                numbers = [_Number(self, of_value[parent]) for parent in parents]
                of_value[value] = op.forward(*numbers).place
            else:
                of_value[value] = self.operation(op, operands, comment)
        return of_value[root]

    def operation(self, op: Operation, operands: tuple[Any, ...], comment: str = "") -> int:
        """Return the register of an operation: a number, an existing register or a new one."""
        roles = op.roles
        if roles and roles[0] is CONDITION:
            operands = self.chosen_once(op, operands)
        # What a copy stands for decides; its name is for the reader of the line.
        origin = self.origin
        actual = tuple([origin.get(place, place) for place in operands]) if origin else operands
        key = op, actual
        found = self.shared.get(key)
        if found is not None:
            return found
        numbers = self.known
        if (len(actual) == 1 and roles == NEGATION) or not numbers.keys().isdisjoint(actual):
            known = [numbers[place] for place in actual if place in numbers]
            if len(known) == len(actual):
                number: float = op.forward(*known)
                return self.number(number)
            same = self.unchanged_operand(op, actual)
            if same is not None:
                return operands[actual.index(same)] if same in actual else same
            if self.known.get(actual[-1]) in op.cases:
                return self.operation(op.cases[known[-1]], operands[:-1], comment)
        register = Register(OPERATION, op, operands, 0.0, None, "", comment)
        found = self.shared[key] = len(self.registers)
        self.registers.append(register)
        return found

    def is_number(self, place: int, number: float) -> bool:
        """Return whether a register holds that number, with its sign, at compile time."""
        known = self.known.get(place)
        return known == number and (number != 0.0 or repr(known) == repr(number))

    def unchanged_operand(self, op: Operation, operands: tuple[int, ...]) -> int | None:
        """Return the operand that the operation gives back whatever its number is, if any."""
        for place, neutral in enumerate(op.neutral):
            if neutral is not None and self.is_number(operands[place], neutral):
                return operands[1 - place]
        if not op.roles:
            return None
        first = self.registers[operands[0]]
        if op.roles == NEGATION and first.op is op:
            return self.resolve(first.operands[0])
        if op.roles[0] in CHOOSING and first.kind is Kind.NUMBER:
            # Of its choices' places, it chooses the place of its choice; nan if it chooses none.
            places = [float(place) for place in range(1, len(operands))]
            chosen = op.forward(first.number, *places)
            return operands[int(chosen)] if chosen == chosen else None
        return None

    def chosen_once(self, op: Operation, operands: tuple[int, ...]) -> tuple[int, ...]:
        """Return a choice's operands without choices by the same condition in them."""
        registers, found = self.registers, list(operands)
        for position, operand in enumerate(operands):
            register = registers[self.origin.get(operand, operand)]
            if register.op is op and position:
                repeats = self.resolve(register.operands[0]) == self.resolve(operands[0])
                found[position] = register.operands[position] if repeats else operand
        return tuple(found)

    def resolve(self, place: int) -> int:
        """Return the register that a copy is another name for; any other as it is."""
        return self.origin.get(place, place)

    def live(self, results: Iterable[int]) -> list[int]:
        """Return the registers that the results need, in order."""
        registers = self.registers
        needed = bytearray(len(registers))
        for place in results:
            needed[place] = 1
        for place in reversed(range(len(registers))):
            if needed[place]:
                for operand in registers[place].operands:
                    needed[operand] = 1
        return list(compress(range(len(registers)), needed))

    def depending_on(self, sources: Iterable[int]) -> set[int]:
        """Return the registers that depend on any of the sources, and the sources themselves."""
        found = set(sources)
        for place, register in enumerate(self.registers):
            operands = register.operands
            if operands and not found.isdisjoint(operands):
                found.add(place)
        return found


class _Number(Symbol):
    """A register's number: arithmetic on it adds registers."""

    __slots__ = ("linear", "place")

    def __init__(self, linear: Linear, place: int) -> None:
        self.linear = linear
        self.place = place

    def make_node(self, op: Operation, *operands: Any) -> _Number:
        """Return the number of the register of an operation on numbers of registers and others."""
        places = tuple(
            [
                part.place if isinstance(part, _Number) else self.linear.number(part)
                for part in operands
            ]
        )
        return _Number(self.linear, self.linear.operation(op, places))


def numbered(names: Iterable[str], reserved: Iterable[str] = ()) -> list[str]:
    """Return the names, each that came before, or is reserved, with a number behind it.

    >>> numbered(["w", "b", "w"])
    ['w', 'b', 'w_2']
    """
    taken = set(reserved)
    unique = []
    counts: dict[str, int] = {}
    for name in names:
        fresh = name
        while fresh in taken:
            counts[name] = counts.get(name, 1) + 1
            fresh = f"{name}_{counts[name]}"
        taken.add(fresh)
        unique.append(fresh)
    return unique
