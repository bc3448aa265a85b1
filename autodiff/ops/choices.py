"""Choices: one operand is passed on; what is not taken gets ``NOTHING``.

Where a derivative has a choice it is PyTorch's: ``relu'(0) = abs'(0) = 0``, and a tie in
``maximum`` gives each side one half.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autodiff.ops.operation import NOTHING, Operation, Role
from autodiff.support.convert import describe, to_float


def where(condition: Any, a: Any, b: Any) -> Any:
    """a where the condition's number is above 0, else b.

    Unlike an ``if`` in Python code, the choice is part of the graph: it is made anew whenever
    the graph is computed.  The gradient goes to the side taken; the other one and the
    condition get nothing, so ``where(x, log(x), 0.0)`` has the gradient 0 at 0.

    >>> where(0.5, 10.0, 20.0), where(0.0, 10.0, 20.0)
    (10.0, 20.0)
    """
    if type(condition) is not float or type(a) is not float or type(b) is not float:
        return WHERE.apply(condition, a, b)
    return a if condition > 0.0 else b


def where_partials(out: Any, condition: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    return NOTHING, where(condition, 1.0, NOTHING), where(condition, NOTHING, 1.0)


WHERE = Operation(
    *("where", "where", 3, where, where_partials),
    roles=(Role.CONDITION, Role.CHOICE, Role.CHOICE),
)


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


def picked_by_choices(index: Any, *values: Any) -> Any:
    """Return what ``picked`` does, as a chain of choices between two."""
    result: Any = math.nan
    for place, value in reversed([*enumerate(values)]):
        result = where(is_at(index, place), value, result)
    return result


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
    by_two=picked_by_choices,
)


def absolute(x: Any) -> Any:
    """The absolute value; its derivative at 0 is 0.

    >>> absolute(-2.0)
    2.0
    """
    if type(x) is not float:
        return ABS.apply(x)
    return math.fabs(x)


def abs_partials(out: Any, x: Any) -> tuple[Any]:
    return (where(x, 1.0, where(-x, -1.0, 0.0)),)


ABS = Operation("abs", "abs", 1, absolute, abs_partials)


def relu(x: Any) -> Any:
    """x where x is positive, else 0; its derivative at 0 is 0.

    >>> relu(2.0), relu(-2.0)
    (2.0, 0.0)
    """
    if type(x) is not float:
        return RELU.apply(x)
    return 0.0 if x <= 0.0 else x


def relu_partials(out: Any, x: Any) -> tuple[Any]:
    return (where(x, 1.0, NOTHING),)


RELU = Operation("relu", "relu", 1, relu, relu_partials, roles=(Role.RECTIFIED,))


def leaky_relu(x: Any, negative_slope: Any = 0.01) -> Any:
    """x where x is positive, else negative_slope * x.

    The slope is an operand like any other: give a Value to learn it.

    >>> leaky_relu(2.0), leaky_relu(-2.0), leaky_relu(-2.0, 0.5)
    (2.0, -0.02, -1.0)
    """
    if type(x) is not float or type(negative_slope) is not float:
        return LEAKY_RELU.apply(x, negative_slope)
    return x if x > 0.0 else x * negative_slope


def leaky_relu_partials(out: Any, x: Any, negative_slope: Any) -> tuple[Any, Any]:
    return where(x, 1.0, negative_slope), where(x, NOTHING, x)


LEAKY_RELU = Operation("leaky_relu", "leaky_relu", 2, leaky_relu, leaky_relu_partials)


def maximum(a: Any, b: Any) -> Any:
    """The larger of two; nan if either is nan; a tie gives each half the gradient.

    >>> maximum(1.0, 2.0)
    2.0
    """
    if type(a) is not float or type(b) is not float:
        return MAXIMUM.apply(a, b)
    return a if a >= b or a != a else b


def maximum_partials(out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return (
        where(a - b, 1.0, where(b - a, NOTHING, 0.5)),
        where(b - a, 1.0, where(a - b, NOTHING, 0.5)),
    )


MAXIMUM = Operation(
    *("maximum", "maximum", 2, maximum, maximum_partials),
    roles=(Role.CHOICE, Role.CHOICE),
)


def minimum(a: Any, b: Any) -> Any:
    """The smaller of two; nan if either is nan; a tie gives each half the gradient.

    >>> minimum(1.0, 2.0)
    1.0
    """
    if type(a) is not float or type(b) is not float:
        return MINIMUM.apply(a, b)
    return a if a <= b or a != a else b


def minimum_partials(out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return (
        where(b - a, 1.0, where(a - b, NOTHING, 0.5)),
        where(a - b, 1.0, where(b - a, NOTHING, 0.5)),
    )


MINIMUM = Operation(
    *("minimum", "minimum", 2, minimum, minimum_partials),
    roles=(Role.CHOICE, Role.CHOICE),
)
