"""Make ``ops_reference.json``: the true value and local derivatives of every operation's cases.

Run ``python -m tests.golden.make_ops_reference`` (it needs mpmath) after changing the operands in
``tests/op_cases.py``.  Nothing of the engine is imported here, so a fault of the engine cannot
become its own reference.

*   **Values** are computed with 60 significant digits and rounded once, to the nearest float.
    At zeros, infinities and nan they are as IEEE 754-2019 says (sections 6 and 9.2.1).
*   **Local derivatives** are those of real analysis, likewise.  At an infinity they are what the
    textbook formula gives under IEEE 754, or the limit where there is one.  The sign of a
    derivative that is zero says nothing and is not compared.
*   **null**: mathematics has no answer and the rule has a choice, tested by name elsewhere.
*   At the kinks (0 of abs and relu, ties, 0**0) the derivatives are the ones PyTorch documents.

Each row of the file is ``[operands, value, derivatives]``; infinities and nan are strings.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import mpmath
from mpmath import mp, mpf

from tests.op_cases import OP_CASES

REFERENCE_FILE = Path(__file__).with_name("ops_reference.json")

inf, nan = math.inf, math.nan
mp.dps = 60

FAR = mpf(10) ** 5  # e**FAR and e**-FAR are far beyond any float, and quick to find

Real = mpf | Fraction
Partials = tuple[float | None, ...]


# ---- From a real number to the nearest float ------------------------------------------------


def nearest(number: Real, sign_of_zero: float = 1.0) -> float:
    """Return the float nearest to a real number, ties to even, as IEEE 754 rounds.

    By way of an exact fraction: mpmath's own conversion rounds subnormals twice.
    """
    if number == 0:
        return math.copysign(0.0, sign_of_zero)
    sign = 1.0 if number > 0 else -1.0
    if isinstance(number, mpf):
        size = mpmath.mag(number)  # abs(number) <= 2**size
        if size > 1025:
            return sign * inf
        if size < -1080:
            return sign * 0.0
        mantissa, exponent = number.man_exp
        number = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    try:
        return math.copysign(float(abs(number)), sign)
    except OverflowError:
        return sign * inf


def clipped(x: float) -> mpf:
    """Return x, or FAR with its sign where x is farther out."""
    return max(-FAR, min(FAR, mpf(x)))


def is_integer(number: float) -> bool:
    return math.isfinite(number) and number == math.floor(number)


def is_odd(number: float) -> bool:
    return is_integer(number) and math.fmod(number, 2.0) != 0.0


def sign_of(number: float) -> float:
    return math.copysign(1.0, number)


def any_nan(*numbers: float) -> bool:
    return any(math.isnan(number) for number in numbers)


# ---- Arithmetic -----------------------------------------------------------------------------


def add(a: float, b: float) -> tuple[float, Partials]:
    if any_nan(a, b) or (math.isinf(a) and math.isinf(b) and a != b):
        value = nan
    elif math.isinf(a) or math.isinf(b):
        value = a if math.isinf(a) else b
    else:
        both_minus_zero = a == b == 0.0 and sign_of(a) == sign_of(b) == -1.0
        value = nearest(Fraction(a) + Fraction(b), -1.0 if both_minus_zero else 1.0)
    return value, (1.0, 1.0)


def sub(a: float, b: float) -> tuple[float, Partials]:
    value, _ = add(a, math.copysign(b, -sign_of(b)))
    return value, (1.0, -1.0)


def product(a: float, b: float) -> float:
    if any_nan(a, b):
        return nan
    sign = sign_of(a) * sign_of(b)
    if math.isinf(a) or math.isinf(b):
        return nan if a == 0.0 or b == 0.0 else sign * inf
    return nearest(Fraction(a) * Fraction(b), sign)


def mul(a: float, b: float) -> tuple[float, Partials]:
    return product(a, b), (b, a)


def quotient(a: float, b: float) -> float:
    if any_nan(a, b) or (math.isinf(a) and math.isinf(b)) or a == b == 0.0:
        return nan
    sign = sign_of(a) * sign_of(b)
    if math.isinf(a) or b == 0.0:
        return sign * inf
    if math.isinf(b):
        return sign * 0.0
    return nearest(Fraction(a) / Fraction(b), sign)


def div(a: float, b: float) -> tuple[float, Partials]:
    if any_nan(a, b) or math.isinf(a) or math.isinf(b) or b == 0.0:
        by_divisor = -quotient(quotient(a, b), b)
    else:
        by_divisor = nearest(-Fraction(a) / Fraction(b) ** 2)
    return quotient(a, b), (quotient(1.0, b), by_divisor)


def neg(a: float) -> tuple[float, Partials]:
    return math.copysign(a, -sign_of(a)), (-1.0,)


def absolute(x: float) -> tuple[float, Partials]:
    slope = None if any_nan(x) else 0.0 if x == 0.0 else sign_of(x)
    return math.copysign(x, 1.0), (slope,)


# ---- Powers, exponentials, logarithms -------------------------------------------------------


def square(x: float) -> tuple[float, Partials]:
    return product(x, x), (product(2.0, x),)


def real_power(a: float, b: mpf) -> mpf:
    """Return abs(a)**b for a finite a other than 0, or a size as far beyond any float."""
    logarithm = b * mp.log(abs(mpf(a)))
    return mp.exp(max(-FAR, min(FAR, logarithm)))


def ieee_power(a: float, b: float) -> float:
    """Return a**b as section 9.2.1 of IEEE 754-2019 has it."""
    if b == 0.0 or a == 1.0:
        return 1.0
    if any_nan(a, b):
        return nan
    if a == 0.0:
        size = inf if b < 0.0 else 0.0
        return math.copysign(size, a) if is_odd(b) else size
    if math.isinf(b):
        if abs(a) == 1.0:
            return 1.0
        return inf if (abs(a) > 1.0) == (b > 0.0) else 0.0
    if math.isinf(a):
        size = inf if b > 0.0 else 0.0
        return math.copysign(size, a) if is_odd(b) else size
    if a < 0.0 and not is_integer(b):
        return nan
    size = nearest(real_power(a, mpf(b)))
    return -size if a < 0.0 and is_odd(b) else size


def pow_by_base(a: float, b: float) -> float:
    """Return b * a**(b-1)."""
    if b == 0.0:
        return 0.0  # a**0 is 1 for every a
    if any_nan(a, b) or math.isinf(a) or math.isinf(b) or a == 0.0:
        # an even b beyond 2**53 makes b - 1 odd, which a float cannot be
        odd = not is_odd(b) and is_integer(b)
        if a == 0.0 and odd and b - 1.0 == b:
            return product(b, math.copysign(inf if b < 0.0 else 0.0, a))
        return product(b, ieee_power(a, b - 1.0))
    if a < 0.0 and not is_integer(b):
        return nan
    sign = -1 if a < 0.0 and not is_odd(b) else 1
    return nearest(sign * mpf(b) * real_power(a, mpf(b) - 1))


def pow_by_exponent(a: float, b: float) -> float:
    """Return a**b * ln(a); 0 for 0**b with b >= 0, the limit (and at b = 0 PyTorch's choice)."""
    if a == 0.0:
        return 0.0 if b >= 0.0 else product(ieee_power(a, b), -inf)
    if any_nan(a) or a < 0.0:
        return nan
    if any_nan(b) or math.isinf(a) or math.isinf(b):
        return product(ieee_power(a, b), inf if math.isinf(a) else math.log(a))
    return nearest(real_power(a, mpf(b)) * mp.log(mpf(a)))


def power(a: float, b: float) -> tuple[float, Partials]:
    return ieee_power(a, b), (pow_by_base(a, b), pow_by_exponent(a, b))


def true_exp(x: float) -> float:
    if any_nan(x):
        return nan
    return nearest(mp.exp(clipped(x)))


def exp(x: float) -> tuple[float, Partials]:
    return true_exp(x), (true_exp(x),)


def log(x: float) -> tuple[float, Partials]:
    if any_nan(x):
        return nan, (nan,)
    if x < 0.0:
        return nan, (None,)  # outside the domain; the rule says 1 / x there too
    if x == 0.0:
        return -inf, (quotient(1.0, x),)
    if math.isinf(x):
        return inf, (0.0,)
    return nearest(mp.log(mpf(x))), (quotient(1.0, x),)


def sqrt(x: float) -> tuple[float, Partials]:
    if any_nan(x) or x < 0.0:
        return nan, (nan,)
    if x == 0.0:
        return x, (quotient(0.5, x),)  # IEEE 754: the square root of -0.0 is -0.0
    if math.isinf(x):
        return inf, (0.0,)
    return nearest(mp.sqrt(mpf(x))), (nearest(1 / (2 * mp.sqrt(mpf(x)))),)


# ---- Trigonometry ---------------------------------------------------------------------------


def sin(x: float) -> tuple[float, Partials]:
    if not math.isfinite(x):
        return nan, (nan,)
    return nearest(mp.sin(mpf(x)), x), (nearest(mp.cos(mpf(x))),)


def cos(x: float) -> tuple[float, Partials]:
    if not math.isfinite(x):
        return nan, (nan,)
    return nearest(mp.cos(mpf(x))), (nearest(-mp.sin(mpf(x))),)


def tan(x: float) -> tuple[float, Partials]:
    if not math.isfinite(x):
        return nan, (nan,)
    return nearest(mp.tan(mpf(x)), x), (nearest(mp.sec(mpf(x)) ** 2),)


# ---- Activations ----------------------------------------------------------------------------


def tanh(x: float) -> tuple[float, Partials]:
    if any_nan(x):
        return nan, (nan,)
    return nearest(mp.tanh(clipped(x)), x), (nearest(mp.sech(clipped(x)) ** 2),)


def true_sigmoid(x: float) -> float:
    return nan if any_nan(x) else nearest(1 / (1 + mp.exp(-clipped(x))))


def sigmoid(x: float) -> tuple[float, Partials]:
    if any_nan(x):
        return nan, (nan,)
    slope = 1 / ((1 + mp.exp(-clipped(x))) * (1 + mp.exp(clipped(x))))
    return true_sigmoid(x), (nearest(slope),)


def true_softplus(x: float) -> float:
    if any_nan(x):
        return nan
    if abs(x) > FAR:
        return x if x > 0.0 else 0.0
    return nearest(mp.log1p(mp.exp(-abs(mpf(x)))) + max(mpf(x), mpf(0)))


def softplus(x: float) -> tuple[float, Partials]:
    return true_softplus(x), (true_sigmoid(x),)


def log_sigmoid(x: float) -> tuple[float, Partials]:
    # For every finite x it is below 0, so where it underflows it is -0.0; log(1) at inf is 0.0.
    value = 0.0 if x == inf else -true_softplus(-x)
    return value, (true_sigmoid(-x),)


def erf(x: float) -> tuple[float, Partials]:
    if any_nan(x):
        return nan, (nan,)
    slope = 2 * mp.exp(-(clipped(x) ** 2)) / mp.sqrt(mp.pi)
    return nearest(mp.erf(clipped(x)), x), (nearest(slope),)


def gelu(x: float) -> tuple[float, Partials]:
    # PyTorch's documentation: x * Phi(x), which at -inf is inf * 0; so is x times the density.
    if not math.isfinite(x):
        return (inf if x == inf else nan), (nan,)
    if abs(x) > FAR:
        return (x, (1.0,)) if x > 0.0 else (-0.0, (0.0,))
    real = mpf(x)
    share, density = mp.ncdf(real), mp.npdf(real)
    return nearest(real * share, x), (nearest(share + real * density),)


def relu(x: float) -> tuple[float, Partials]:
    if any_nan(x):
        return nan, (None,)
    return (x, (1.0,)) if x > 0.0 else (0.0, (0.0,))


def leaky_relu(x: float, negative_slope: float) -> tuple[float, Partials]:
    if any_nan(x):
        return nan, (None, None)
    if x > 0.0:
        return x, (1.0, 0.0)
    return product(x, negative_slope), (negative_slope, x)


def weighted_sum(*operands: float) -> tuple[float, Partials]:
    half = len(operands) // 2 + 1
    weights, inputs = operands[1:half], operands[half:]
    total = operands[0]
    for weight, x in zip(weights, inputs, strict=True):
        total, _ = add(total, product(weight, x))
    return total, (1.0, *inputs, *weights)


# ---- Choices --------------------------------------------------------------------------------


def maximum(a: float, b: float) -> tuple[float, Partials]:
    if any_nan(a, b):
        return nan, (None, None)
    if a == b:
        # IEEE 754-2019 section 9.6: the maximum of 0.0 and -0.0 is 0.0
        return (a if sign_of(a) == 1.0 else b), (0.5, 0.5)
    return (a, (1.0, 0.0)) if a > b else (b, (0.0, 1.0))


def minimum(a: float, b: float) -> tuple[float, Partials]:
    value, partials = maximum(math.copysign(a, -sign_of(a)), math.copysign(b, -sign_of(b)))
    return math.copysign(value, -sign_of(value)), partials


def clip(x: float, low: float, high: float) -> tuple[float, Partials]:
    if any_nan(x, low, high):
        return nan, (None, None, None)
    if low > high or x > high:  # PyTorch: where low is above high, the result is high
        return high, (0.0, 0.0, 1.0)
    if x < low:
        # Where both bounds are one number, which has the slope is PyTorch's choice.
        return low, (0.0, 1.0, 0.0) if low < high else (0.0, None, None)
    return x, (1.0, 0.0, 0.0)


def where(condition: float, a: float, b: float) -> tuple[float, Partials]:
    return (a, (0.0, 1.0, 0.0)) if condition > 0.0 else (b, (0.0, 0.0, 1.0))


def pick(index: float, *values: float) -> tuple[float, Partials]:
    partials = [0.0] * len(values)
    if index not in range(len(values)):
        return nan, (0.0, *partials)
    partials[int(index)] = 1.0
    return values[int(index)], (0.0, *partials)


TRUTH: dict[str, Callable[..., tuple[float, Partials]]] = {
    **{"add": add, "sub": sub, "mul": mul, "div": div, "neg": neg, "abs": absolute},
    **{"square": square, "pow": power, "exp": exp, "log": log, "sqrt": sqrt},
    **{"sin": sin, "cos": cos, "tan": tan, "tanh": tanh, "sigmoid": sigmoid},
    **{"softplus": softplus, "log_sigmoid": log_sigmoid, "relu": relu},
    **{"erf": erf, "gelu": gelu, "clip": clip},
    **{"leaky_relu": leaky_relu, "weighted_sum": weighted_sum},
    **{"maximum": maximum, "minimum": minimum, "where": where, "pick": pick},
}


def written(number: float | None) -> float | str | None:
    """Return a number as JSON can hold it."""
    return number if number is None or math.isfinite(number) else str(number)


def row(operands: tuple[float, ...], value: float, partials: Partials) -> str:
    return json.dumps(
        [
            [written(operand) for operand in operands],
            written(value),
            [written(partial) for partial in partials],
        ]
    )


def reference_text() -> str:
    """Return the reference file's content: every case of every operation, one row a line."""
    operations = []
    for name, case in OP_CASES.items():
        rows = [row(operands, *TRUTH[name](*operands)) for operands in case.operands()]
        operations.append(f'"{name}": [\n' + ",\n".join(rows) + "\n]")
    return "{\n" + ",\n".join(operations) + "\n}\n"


if __name__ == "__main__":
    REFERENCE_FILE.write_text(reference_text(), encoding="utf-8")
