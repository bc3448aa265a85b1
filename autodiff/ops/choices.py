"""Choices: one operand is passed on; what is not taken gets ``NOTHING``.

Where a derivative has a choice it is PyTorch's: ``relu'(0) = abs'(0) = 0``, and a tie in
``maximum`` gives each side one half.
"""

from __future__ import annotations

import math
from typing import Any

from autodiff.ops.operation import NOTHING, Operation, Role


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


def clip(x: Any, low: Any, high: Any) -> Any:
    """x, but low where it is below low, and high where it is above high; PyTorch's ``clip``.

    The gradient goes to the one that is taken: at a bound itself that is x.  ``inf`` is no bound.
    Where the result is nan, x gets nothing, as in PyTorch.

    >>> clip(0.5, 0.0, 1.0), clip(-2.0, 0.0, 1.0), clip(3.0, 0.0, 1.0)
    (0.5, 0.0, 1.0)
    """
    if type(x) is not float or type(low) is not float or type(high) is not float:
        return CLIP.apply(x, low, high)
    return minimum(maximum(x, low), high)


def clip_partials(out: Any, x: Any, low: Any, high: Any) -> tuple[Any, Any, Any]:
    # As PyTorch's: x has the tie with a bound, and a low bound above the high one is passed over.
    is_number = maximum(out, 0.0) + 1.0  # above 0 but for nan
    return (
        where(low - x, NOTHING, where(x - high, NOTHING, where(is_number, 1.0, NOTHING))),
        where(minimum(low - x, high - low), 1.0, NOTHING),
        where(x - high, 1.0, where(low - high, 1.0, NOTHING)),
    )


CLIP = Operation(
    *("clip", "clip", 3, clip, clip_partials),
    roles=(Role.CHOICE, Role.CHOICE, Role.CHOICE),
)
