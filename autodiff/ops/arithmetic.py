"""Arithmetic: ``+ - * /`` and the change of sign.

``+ - *`` follow IEEE 754 by themselves; ``divide`` does where Python's ``/`` would raise.
"""

from __future__ import annotations

import math
from typing import Any

from autodiff.ops.operation import Operation

inf = math.inf
nan = math.nan


def add(a: Any, b: Any) -> Any:
    return a + b


def add_partials(out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return 1.0, 1.0


ADD = Operation("add", "+", 2, add, add_partials)


def sub(a: Any, b: Any) -> Any:
    return a - b


def sub_partials(out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return 1.0, -1.0


SUB = Operation("sub", "-", 2, sub, sub_partials)


def mul(a: Any, b: Any) -> Any:
    return a * b


def mul_partials(out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return b, a


MUL = Operation("mul", "*", 2, mul, mul_partials)


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


DIV = Operation("div", "/", 2, divide, div_partials)


def neg(a: Any) -> Any:
    return -a


def neg_partials(out: Any, a: Any) -> tuple[Any]:
    return (-1.0,)


NEG = Operation("neg", "-", 1, neg, neg_partials)
