"""Powers, exponentials and logarithms."""

from __future__ import annotations

import math
from typing import Any

from autodiff.ops.arithmetic import divide
from autodiff.ops.choices import absolute, where
from autodiff.ops.operation import Operation

inf = math.inf
nan = math.nan


def square(x: Any) -> Any:
    """x * x, rounded once, unlike the C library's pow(x, 2.0).

    >>> square(3.0)
    9.0
    """
    return x * x


def square_partials(out: Any, x: Any) -> tuple[Any]:
    return (2.0 * x,)


SQUARE = Operation("square", "**2", 1, square, square_partials, arithmetic=True)


def power(a: Any, b: Any) -> Any:
    """a ** b: nan for a negative base with a fractional exponent; inf where it overflows.

    >>> power(2.0, 3.0), power(0.0, -1.0), power(-8.0, 0.5), power(10.0, 400.0)
    (8.0, inf, nan, inf)
    """
    if type(a) is not float or type(b) is not float:
        return POW.apply(a, b)
    if b == 2.0:
        return a * a
    try:
        return math.pow(a, b)
    except OverflowError:
        return -inf if a < 0.0 and b % 2.0 == 1.0 else inf
    except ValueError:
        if a == 0.0:
            return math.copysign(inf, a) if b % 2.0 == 1.0 else inf
        return nan


def pow_partials(out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    # d(a**0)/da is 0 even at a = 0, where b * a**(b-1) would be 0 * inf.  Its slope by b is 1 / a,
    # so there it is written as b / a; where a**b is not defined beside b = 0, that slope is 0.
    is_zero = where(absolute(b), 0.0, 1.0 + b)
    d_base = where(is_zero, where(a, divide(b, a), 0.0 * b), b * power(a, b - 1.0))
    # d(0**b)/db is 0 for b >= 0, where out * log(a) would be 0 * -inf.
    d_exponent = out * log(where(absolute(a), a, where(-b, a, 1.0)))
    return d_base, d_exponent


def power_written(a: str, b: str) -> str:
    """Return the formula, as that of a square is written.

    >>> power_written("x", "3")
    'x**3'
    """
    return f"{a}**{b}"


POW = Operation(
    *("pow", "**", 2, power, pow_partials, power_written),
    cases={2.0: SQUARE},
    neutral=(None, 1.0),
    c_form="a * a if b == 2.0 else pow(a, b)",
)


def exp(x: Any) -> Any:
    """e to the power x; inf where that overflows.

    >>> exp(0.0), exp(1000.0)
    (1.0, inf)
    """
    if type(x) is not float:
        return EXP.apply(x)
    try:
        return math.exp(x)
    except OverflowError:
        return inf


def exp_partials(out: Any, x: Any) -> tuple[Any]:
    return (out,)


EXP = Operation("exp", "exp", 1, exp, exp_partials, c_form="exp(x)")


def log(x: Any) -> Any:
    """The natural logarithm; -inf at 0, nan below.

    >>> log(1.0), log(0.0), log(-1.0)
    (0.0, -inf, nan)
    """
    if type(x) is not float:
        return LOG.apply(x)
    if x > 0.0:
        return math.log(x)
    return -inf if x == 0.0 else nan


def log_partials(out: Any, x: Any) -> tuple[Any]:
    return (divide(1.0, x),)


LOG = Operation("log", "log", 1, log, log_partials, c_form="log(x)")


def sqrt(x: Any) -> Any:
    """The square root; nan below 0.

    >>> sqrt(9.0), sqrt(-1.0)
    (3.0, nan)
    """
    if type(x) is not float:
        return SQRT.apply(x)
    return math.sqrt(x) if x >= 0.0 else nan


def sqrt_partials(out: Any, x: Any) -> tuple[Any]:
    return (divide(0.5, out),)


SQRT = Operation("sqrt", "sqrt", 1, sqrt, sqrt_partials, carries_nan=True, c_form="sqrt(x)")
