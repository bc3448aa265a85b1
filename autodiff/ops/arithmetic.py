"""Arithmetic by IEEE 754: ``+ - *`` are Python's; ``divide`` does not raise where ``/`` would."""

from __future__ import annotations

import math
from typing import Any

from autodiff.ops.operation import Operation, Role

inf = math.inf
nan = math.nan


def add(a: Any, b: Any) -> Any:
    return a + b


def add_partials(out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return 1.0, 1.0


ADD = Operation(
    *("add", "+", 2, add, add_partials),
    roles=(Role.TERM, Role.TERM),
    neutral=(-0.0, -0.0),  # 0.0 makes 0.0 of -0.0
    arithmetic=True,
)


def sub(a: Any, b: Any) -> Any:
    return a - b


def sub_partials(out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return 1.0, -1.0


SUB = Operation(
    *("sub", "-", 2, sub, sub_partials),
    roles=(Role.TERM, Role.NEGATED),
    neutral=(None, 0.0),
    arithmetic=True,
)


def mul(a: Any, b: Any) -> Any:
    return a * b


def mul_partials(out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return b, a


MUL = Operation(
    *("mul", "*", 2, mul, mul_partials),
    roles=(Role.FACTOR, Role.FACTOR),
    neutral=(1.0, 1.0),
    arithmetic=True,
)


def divide(a: Any, b: Any) -> Any:
    """a / b; a number over zero is an infinity, 0/0 is nan.

    >>> divide(1.0, 4.0), divide(-1.0, 0.0), divide(0.0, 0.0)
    (0.25, -inf, nan)
    """
    if type(a) is not float or type(b) is not float:
        return DIV.apply(a, b)
    if b != 0.0:
        return a / b
    if a == 0.0 or a != a:
        return nan
    return math.copysign(inf, a) * math.copysign(1.0, b)


def div_partials(out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return divide(1.0, b), divide(-out, b)


DIV = Operation(
    *("div", "/", 2, divide, div_partials), neutral=(None, 1.0), carries_nan=True, c_form="a / b"
)


def neg(a: Any) -> Any:
    return -a


def neg_partials(out: Any, a: Any) -> tuple[Any]:
    return (-1.0,)


NEG = Operation("neg", "-", 1, neg, neg_partials, roles=(Role.NEGATED,), arithmetic=True)
