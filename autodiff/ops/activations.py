"""Smooth activations, and the logarithms of them that losses need."""

from __future__ import annotations

import math
from typing import Any

from autodiff.ops.operation import Operation, Role
from autodiff.ops.powers import exp

inf = math.inf


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


def erf(x: Any) -> Any:
    """The error function, between -1 and 1.

    It is 2 / sqrt(pi) times the integral of e**-t² from 0 to x, by the C library's own function:
    GNU's is within 1 unit in the last place.

    >>> erf(0.0), erf(inf)
    (0.0, 1.0)
    """
    if type(x) is not float:
        return ERF.apply(x)
    return math.erf(x)


def erf_partials(out: Any, x: Any) -> tuple[Any]:
    return (1.1283791670955126 * exp(-(x * x)),)  # 2 / sqrt(pi)


ERF = Operation("erf", "erf", 1, erf, erf_partials, roles=(Role.SATURATING,), c_form="erf(x)")


def gelu(x: Any) -> Any:
    """x times the standard normal distribution Phi(x).

    D. Hendrycks and K. Gimpel, "Gaussian error linear units", 2016.  As in PyTorch, Phi(x) is
    (1 + erf(x / sqrt(2))) / 2, which is off by up to 2**-53.

    >>> gelu(0.0), gelu(100.0)
    (0.0, 100.0)
    """
    if type(x) is not float:
        return GELU.apply(x)
    return x * (0.5 + 0.5 * math.erf(0.7071067811865476 * x))


def gelu_partials(out: Any, x: Any) -> tuple[Any]:
    # Phi(x), and x times its slope; the numbers are 1 / sqrt(2) and 1 / sqrt(2 pi).
    share = 0.5 + 0.5 * erf(0.7071067811865476 * x)
    return (share + 0.3989422804014327 * x * exp(-0.5 * x * x),)


GELU = Operation("gelu", "gelu", 1, gelu, gelu_partials)
