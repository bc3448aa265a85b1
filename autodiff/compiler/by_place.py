"""Operations by place: a pick, and in the reverse pass the addition at the place that was picked.

A pick is a load, by a number that is known when the program runs.  Its gradient goes to the value
picked alone; so the gradients of all values that several picks choose from are one register, which
has a number for each value, and each pick adds to one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from autodiff.ops import Operation, Role
from autodiff.ops.picking import place_of

__all__ = ["adding_at", "adds", "is_by_place", "no_rule", "picks", "values_of"]


@dataclass(frozen=True, slots=True)
class AddedAt:
    """Numbers, ``count`` of them, with others added at some places.

    The operands are pairs of a place, counted from 0, and what is added there, in order, and then
    the numbers.  What is no place adds nothing.

    >>> AddedAt(3)(1.0, 0.5, 7.0, 0.25, 10.0, 20.0, 30.0)
    [10.0, 20.5, 30.0]
    """

    count: int

    def __call__(self, *operands: float) -> list[float]:
        """Return the numbers after all additions."""
        first = len(operands) - self.count
        numbers = [*operands[first:]]
        for index, added in zip(operands[:first:2], operands[1:first:2], strict=True):
            place = place_of(index, self.count)
            if place is not None:
                numbers[place] += added
        return numbers


def no_rule(*_: float) -> tuple[float, ...]:
    """Stand for the rule of an operation that no graph has."""
    raise NotImplementedError("it is part of a reverse pass, in a program alone")


@cache
def adding_at(count: int) -> Operation:
    """Return the operation that adds at places, among so many."""
    return Operation(f"add_at_{count}", "add_at", None, AddedAt(count), no_rule)


def picks(op: Operation) -> bool:
    """Return whether an operation takes one of its operands, by a number."""
    return op.roles[:1] == (Role.INDEX,)


def adds(op: Operation) -> bool:
    """Return whether an operation adds at places."""
    return isinstance(op.forward, AddedAt)


def values_of(op: Operation, operands: int) -> int:
    """Return among how many values an operation by place of so many operands has its places."""
    return op.forward.count if isinstance(op.forward, AddedAt) else operands - 1


@cache
def is_by_place(op: Operation) -> bool:
    """Return whether an operation is one of these."""
    return picks(op) or adds(op)
