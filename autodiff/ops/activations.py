"""Smooth activations, and the logarithms of them that losses need."""

from __future__ import annotations

import math
from typing import Any

from autodiff.ops.operation import Operation, Role


def tanh(x: Any) -> Any:
    """The hyperbolic tangent, between -1 and 1.

    It is the C library's own: GNU's is within 2 units in the last place.

    >>> tanh(0.0)
    0.0
    """
    if type(x) is not float:
        return TANH.apply(x)
    return math.tanh(x)


def tanh_partials(out: Any, x: Any) -> tuple[Any]:
    # As PyTorch's: off by at most 3 * 2**-53.  That is the last places of 1 - tanh² near 0, a
    # tenth of it at |x| = 18, and all of it past 19.06, where tanh rounds to 1.
    return (1.0 - out * out,)


TANH = Operation("tanh", "tanh", 1, tanh, tanh_partials, roles=(Role.SATURATING,))


def sigmoid(x: Any) -> Any:
    """The logistic function 1 / (1 + e**-x), between 0 and 1; it never overflows.

    It is within 1.8 units in the last place of the true value, where ``exp`` is within 0.511 (as
    GNU's is).

    >>> sigmoid(0.0), sigmoid(-1000.0), sigmoid(1000.0)
    (0.5, 0.0, 1.0)
    """
    if type(x) is not float:
        return SIGMOID.apply(x)
    small = math.exp(-math.fabs(x))
    out = (1.0 if x >= 0.0 else small) / (1.0 + small)
    # s / (1 + s) = s - s * s / (1 + s): for a small s, the rounding of 1 + s counts for less.
    return out if x >= -1.4 else small - small * out


def sigmoid_partials(out: Any, x: Any) -> tuple[Any]:
    # As PyTorch's: off by at most 2**-52.  That is the last places of e**-x where x < 2, a tenth of
    # it at x = 34, and all of it past 36.7, where out rounds to 1.  ``softplus`` and
    # ``log_sigmoid``, whose derivatives are sigmoids, keep all digits there.
    return (out * (1.0 - out),)


SIGMOID = Operation("sigmoid", "sigmoid", 1, sigmoid, sigmoid_partials, roles=(Role.SATURATING,))


def softplus(x: Any) -> Any:
    """log(1 + e**x), a smooth relu; it never overflows.

    It is within 2 units in the last place of the true value, as is ``log_sigmoid``.

    >>> softplus(0.0), softplus(1000.0), softplus(-1000.0)
    (0.6931471805599453, 1000.0, 0.0)
    """
    if type(x) is not float:
        return SOFTPLUS.apply(x)
    return math.log1p(math.exp(-math.fabs(x))) + (0.0 if x <= 0.0 else x)


def softplus_partials(out: Any, x: Any) -> tuple[Any]:
    return (sigmoid(x),)


SOFTPLUS = Operation("softplus", "softplus", 1, softplus, softplus_partials)


def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x)), right even where sigmoid(x) has rounded to 0 or 1.

    >>> log_sigmoid(-1000.0), sigmoid(-1000.0)
    (-1000.0, 0.0)
    """
    if type(x) is not float:
        return LOG_SIGMOID.apply(x)
    return -softplus(-x)


def log_sigmoid_partials(out: Any, x: Any) -> tuple[Any]:
    return (sigmoid(-x),)


LOG_SIGMOID = Operation("log_sigmoid", "log_sigmoid", 1, log_sigmoid, log_sigmoid_partials)
