"""Trigonometry, in radians."""

from __future__ import annotations

import math
from typing import Any

from autodiff.ops.operation import Operation

nan = math.nan


def sin(x: Any) -> Any:
    """The sine of x radians; nan at an infinity.

    >>> sin(0.0)
    0.0
    """
    if type(x) is not float:
        return SIN.apply(x)
    return nan if math.isinf(x) else math.sin(x)


def sin_partials(out: Any, x: Any) -> tuple[Any]:
    return (cos(x),)


SIN = Operation("sin", "sin", 1, sin, sin_partials, c_form="sin(x)")


def cos(x: Any) -> Any:
    """The cosine of x radians; nan at an infinity.

    >>> cos(0.0)
    1.0
    """
    if type(x) is not float:
        return COS.apply(x)
    return nan if math.isinf(x) else math.cos(x)


def cos_partials(out: Any, x: Any) -> tuple[Any]:
    return (-sin(x),)


COS = Operation("cos", "cos", 1, cos, cos_partials, c_form="cos(x)")


def tan(x: Any) -> Any:
    """The tangent of x radians; nan at an infinity.

    >>> tan(0.0)
    0.0
    """
    if type(x) is not float:
        return TAN.apply(x)
    return nan if math.isinf(x) else math.tan(x)


def tan_partials(out: Any, x: Any) -> tuple[Any]:
    return (1.0 + out * out,)


TAN = Operation("tan", "tan", 1, tan, tan_partials, c_form="tan(x)")
