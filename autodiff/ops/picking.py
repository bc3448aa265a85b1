"""Picking: one of several operands, by a number; the others get ``NOTHING``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autodiff.ops.choices import absolute, where
from autodiff.ops.operation import NOTHING, Operation, Role
from autodiff.support.convert import describe, to_float


def pick(index: Any, values: Sequence[Any]) -> Any:
    """The value at a place, counted from 0: of a table's column, a token's number in an embedding.

    Unlike ``values[index]``, it is part of the graph, so the index may be a Value: a number of the
    row that a program runs on.  The gradient goes to the value picked; the others and the index
    get nothing.  Where a program, or a graph computed anew, has an index that is no place, the
    result is nan and no value gets a gradient.

    Raises IndexError if there is no such place, ValueError if the index is no whole number,
    TypeError if it is no number or if ``values`` is no list of Values and numbers.

    >>> pick(2, [10.0, 20.0, 30.0])
    30.0
    """
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise TypeError(f"pick needs a list of values, but got {describe(values)}")
    given = index.data if hasattr(index, "make_node") else index
    number = to_float(given, "the index of pick")
    if not number.is_integer():
        raise ValueError(f"pick needs a whole number as its index, but got {describe(index)}")
    if not 0.0 <= number < len(values):
        raise IndexError(
            f"pick: there is no value {int(number)} among {len(values)}, which count from 0"
        )
    return PICK.apply(index, *values)


def picked(index: Any, *values: Any) -> Any:
    """The value at the place that an index says; nan where that is no place.

    >>> picked(1.0, 10.0, 20.0), picked(2.0, 10.0, 20.0)
    (20.0, nan)
    """
    if any(type(operand) is not float for operand in (index, *values)):
        return PICK.apply(index, *values)
    place = place_of(index, len(values))
    return math.nan if place is None else values[place]


def place_of(index: float, count: int) -> int | None:
    """Return the place that an index says, among so many; None if that is no place."""
    return int(index) if 0.0 <= index < count and index.is_integer() else None


# What is less than this, and not below 0, is 0: no two floats are nearer to each other.
SMALLEST = 5e-324


def is_at(index: Any, place: int) -> Any:
    """Return what is above 0 where an index is that place, and nowhere else."""
    return SMALLEST - absolute(index - float(place))


def pick_partials(out: Any, index: Any, *values: Any) -> tuple[Any, ...]:
    taken = [where(is_at(index, place), 1.0, NOTHING) for place, _ in enumerate(values)]
    return NOTHING, *taken


def pick_formula(index: str, *values: str) -> str:
    return f"pick({index}, [{', '.join(values)}])"


def backward_pick(node: Any) -> None:
    place = place_of(node.parents[0].data, len(node.parents) - 1)
    if place is not None:
        node.parents[1 + place].grad += node.grad


PICK = Operation(
    *("pick", "pick", None, picked, pick_partials),
    written=pick_formula,
    chain_rule=backward_pick,
    roles=(Role.INDEX, Role.CHOICE),
)
