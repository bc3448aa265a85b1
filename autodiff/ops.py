"""The table of operations: one entry each, and everything else reads it.

An entry is an :class:`Operation`: its name, how it computes forward, and its local
derivatives.  Backward, the step-by-step trace, drawings, second derivatives and the compiler
all use the same entry, so adding an operation means adding one function, one rule, and one line
to ``OPERATIONS`` below.

Two conventions carry the design:

*   **A function works on numbers and on Values.**  ``exp(0.5)`` is a float; ``exp(x)`` for a
    Value ``x`` is a node of the graph.  Nothing here knows the Value class: an operand that is
    not a number is asked to make the node itself (``operand.make_node``).
*   **A rule is ordinary arithmetic.**  ``mul_partials(out, a, b)`` gets the node's own value
    ``out`` and its operands and returns one local derivative for each operand.  On floats it
    runs backward; on Values the same lines build the gradient's own graph.  A rule never
    multiplies by the upstream gradient: only the engine does.

Numbers behave as IEEE 754 says: overflow is ``inf``, an invalid operation is ``nan``, ``1/0`` is
``inf``, and no Python exception escapes from arithmetic.  ``+ - *`` do so by themselves; the
rules write ``divide`` and ``power`` where Python's ``/`` and ``**`` would raise.

Where a derivative has a choice it is PyTorch's: ``relu'(0) = abs'(0) = 0``, a tie in ``maximum``
gives each side one half, and ``d(0**0) = 0``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pickle import PicklingError, UnpicklingError
from typing import Any

from autodiff.support.convert import short_repr, to_float

__all__ = [
    "OPERATIONS",
    "Operation",
    "absolute",
    "bias_weights_inputs",
    "cos",
    "divide",
    "exp",
    "leaky_relu",
    "log",
    "log_sigmoid",
    "maximum",
    "minimum",
    "power",
    "relu",
    "sigmoid",
    "sin",
    "softplus",
    "sqrt",
    "tan",
    "tanh",
    "weighted_sum",
    "where",
]

inf = math.inf
nan = math.nan


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One entry of the table.

    ``forward(*operands)`` returns the result; ``partials(out, *operands)`` returns a tuple with
    one local derivative for each operand; ``symbol`` is how a person writes the operation.
    ``arity`` is the number of operands, or None where it varies.

    >>> OPERATIONS["mul"].forward(3.0, 4.0)
    12.0
    >>> OPERATIONS["mul"].partials(12.0, 3.0, 4.0)
    (4.0, 3.0)
    """

    name: str
    symbol: str
    arity: int | None
    forward: Callable[..., Any]
    partials: Callable[..., tuple[Any, ...]]

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Callable[[str], Operation], tuple[str]]:
        """Pickle it by its name.

        Raises PicklingError if the table has another entry of that name, or none.
        """
        if OPERATIONS.get(self.name) is not self:
            raise PicklingError(
                f"cannot pickle the operation {self.name!r}: a pickle holds its name alone, by "
                "which autodiff.ops.OPERATIONS does not have it; add it there, and there too "
                "where the pickle is read"
            )
        return operation_named, (self.name,)

    def __copy__(self) -> Operation:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Operation:
        return self

    def formula(self, *operands: str) -> str:
        """Return the operation as a person writes it, given its operands' names.

        >>> OPERATIONS["mul"].formula("w", "x"), OPERATIONS["sigmoid"].formula("z")
        ('w * x', 'sigmoid(z)')
        """
        if self is WEIGHTED_SUM:
            bias, weights, inputs = bias_weights_inputs(operands)
            return " + ".join([bias, *map(" * ".join, zip(weights, inputs, strict=True))])
        if self.symbol.isidentifier() or len(operands) > 2:
            return f"{self.symbol}({', '.join(operands)})"
        if len(operands) == 2:
            return f"{operands[0]} {self.symbol} {operands[1]}"
        return f"-{operands[0]}" if self.symbol == "-" else f"{operands[0]}{self.symbol}"

    def apply(self, *operands: Any) -> Any:
        """Return the operation of operands that are not all floats.

        If any of them is a node of a graph, that operand makes the new node; otherwise all are
        converted to floats.
        """
        for operand in operands:
            if hasattr(operand, "make_node"):
                return operand.make_node(self, *operands)
        return self.forward(*[to_float(operand, self.name) for operand in operands])


def operation_named(name: str) -> Operation:
    """Return the table's entry of that name (an operation is pickled by its name).

    Raises UnpicklingError if there is none.
    """
    try:
        return OPERATIONS[name]
    except KeyError:
        raise UnpicklingError(
            f"the pickle has an operation {short_repr(name)}, which autodiff.ops.OPERATIONS does "
            "not have: read it with the version of autodiff that wrote it, or add the operation "
            "there first"
        ) from None


# --------------------------------------------------------------------------------------------
# Arithmetic
# --------------------------------------------------------------------------------------------


def add(a: Any, b: Any) -> Any:
    return a + b


def add_partials(out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return 1.0, 1.0


def sub(a: Any, b: Any) -> Any:
    return a - b


def sub_partials(out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return 1.0, -1.0


def mul(a: Any, b: Any) -> Any:
    return a * b


def mul_partials(out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return b, a


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


def neg(a: Any) -> Any:
    return -a


def neg_partials(out: Any, a: Any) -> tuple[Any]:
    return (-1.0,)


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


# --------------------------------------------------------------------------------------------
# Powers, exponentials, logarithms
# --------------------------------------------------------------------------------------------


def square(x: Any) -> Any:
    # Rounds once, where the C library's pow(x, 2.0) may be one unit in the last place away.
    return x * x


def square_partials(out: Any, x: Any) -> tuple[Any]:
    return (2.0 * x,)


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
    # d(a**0)/da is 0 even at a = 0, where b * a**(b-1) would be 0 * inf.  The price: where b is 0,
    # this slope's own derivative by b is 1, not 1 / a (PyTorch's is 0).
    d_base = b * power(a, where(absolute(b), b - 1.0, 0.0))
    # d(0**b)/db is 0 for b >= 0, where out * log(a) would be 0 * -inf.
    d_exponent = out * log(where(absolute(a), a, where(-b, a, 1.0)))
    return d_base, d_exponent


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


# --------------------------------------------------------------------------------------------
# Trigonometry
# --------------------------------------------------------------------------------------------


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


# --------------------------------------------------------------------------------------------
# Activations
# --------------------------------------------------------------------------------------------


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


def log_sigmoid(x: Any) -> Any:
    """log(sigmoid(x)), right even where sigmoid(x) has rounded to 0 or 1.

    >>> log_sigmoid(-1000.0), log(sigmoid(-1000.0))
    (-1000.0, -inf)
    """
    if type(x) is not float:
        return LOG_SIGMOID.apply(x)
    return -softplus(-x)


def log_sigmoid_partials(out: Any, x: Any) -> tuple[Any]:
    return (sigmoid(-x),)


def relu(x: Any) -> Any:
    """x where x is positive, else 0; its derivative at 0 is 0.

    >>> relu(2.0), relu(-2.0)
    (2.0, 0.0)
    """
    if type(x) is not float:
        return RELU.apply(x)
    return 0.0 if x <= 0.0 else x


def relu_partials(out: Any, x: Any) -> tuple[Any]:
    return (where(x, 1.0, 0.0),)


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
    return where(x, 1.0, negative_slope), where(x, 0.0, x)


# --------------------------------------------------------------------------------------------
# A neuron's sum
# --------------------------------------------------------------------------------------------


def weighted_sum(*operands: Any) -> Any:
    """bias + weight[0] * input[0] + weight[1] * input[1] + ..., added in that order.

    The operands are the bias, then all weights, then all inputs.  It is one operation, not a
    chain of ``*`` and ``+``, because that is how a neuron is drawn and differentiated by hand:
    d sum/d weight is the input.

    >>> weighted_sum(1.0, 2.0, 3.0, 10.0, 20.0)
    81.0
    """
    total, weights, inputs = bias_weights_inputs(operands)
    for weight, x in zip(weights, inputs, strict=True):
        total = total + weight * x
    return total


def weighted_sum_partials(out: Any, *operands: Any) -> tuple[Any, ...]:
    _, weights, inputs = bias_weights_inputs(operands)
    return (1.0, *inputs, *weights)


def bias_weights_inputs(operands: Sequence[Any]) -> tuple[Any, Sequence[Any], Sequence[Any]]:
    """Return the three parts of a weighted sum's operands.

    >>> bias_weights_inputs(("b", "w0", "w1", "x0", "x1"))
    ('b', ('w0', 'w1'), ('x0', 'x1'))
    """
    half = len(operands) // 2 + 1
    return operands[0], operands[1:half], operands[half:]


# --------------------------------------------------------------------------------------------
# Choices
# --------------------------------------------------------------------------------------------


def maximum(a: Any, b: Any) -> Any:
    """The larger of two; nan if either is nan. A tie gives each side half the gradient.

    >>> maximum(1.0, 2.0)
    2.0
    """
    if type(a) is not float or type(b) is not float:
        return MAXIMUM.apply(a, b)
    return a if a >= b or a != a else b


def maximum_partials(out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return (
        where(a - b, 1.0, where(b - a, 0.0, 0.5)),
        where(b - a, 1.0, where(a - b, 0.0, 0.5)),
    )


def minimum(a: Any, b: Any) -> Any:
    """The smaller of two; nan if either is nan. A tie gives each side half the gradient.

    >>> minimum(1.0, 2.0)
    1.0
    """
    if type(a) is not float or type(b) is not float:
        return MINIMUM.apply(a, b)
    return a if a <= b or a != a else b


def minimum_partials(out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return (
        where(b - a, 1.0, where(a - b, 0.0, 0.5)),
        where(a - b, 1.0, where(b - a, 0.0, 0.5)),
    )


def where(condition: Any, a: Any, b: Any) -> Any:
    """a where the condition's number is above 0, else b.

    Unlike an ``if`` in Python code, the choice is part of the graph: it is made anew whenever
    the graph is computed.  The gradient goes to the side taken; the condition's is 0.

    >>> where(0.5, 10.0, 20.0), where(0.0, 10.0, 20.0)
    (10.0, 20.0)
    """
    if type(condition) is not float or type(a) is not float or type(b) is not float:
        return WHERE.apply(condition, a, b)
    return a if condition > 0.0 else b


def where_partials(out: Any, condition: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    return 0.0, where(condition, 1.0, 0.0), where(condition, 0.0, 1.0)


# --------------------------------------------------------------------------------------------
# The table
# --------------------------------------------------------------------------------------------

ADD = Operation("add", "+", 2, add, add_partials)
SUB = Operation("sub", "-", 2, sub, sub_partials)
MUL = Operation("mul", "*", 2, mul, mul_partials)
DIV = Operation("div", "/", 2, divide, div_partials)
NEG = Operation("neg", "-", 1, neg, neg_partials)
ABS = Operation("abs", "abs", 1, absolute, abs_partials)
SQUARE = Operation("square", "**2", 1, square, square_partials)
POW = Operation("pow", "**", 2, power, pow_partials)
EXP = Operation("exp", "exp", 1, exp, exp_partials)
LOG = Operation("log", "log", 1, log, log_partials)
SQRT = Operation("sqrt", "sqrt", 1, sqrt, sqrt_partials)
SIN = Operation("sin", "sin", 1, sin, sin_partials)
COS = Operation("cos", "cos", 1, cos, cos_partials)
TAN = Operation("tan", "tan", 1, tan, tan_partials)
TANH = Operation("tanh", "tanh", 1, tanh, tanh_partials)
SIGMOID = Operation("sigmoid", "sigmoid", 1, sigmoid, sigmoid_partials)
SOFTPLUS = Operation("softplus", "softplus", 1, softplus, softplus_partials)
LOG_SIGMOID = Operation("log_sigmoid", "log_sigmoid", 1, log_sigmoid, log_sigmoid_partials)
RELU = Operation("relu", "relu", 1, relu, relu_partials)
LEAKY_RELU = Operation("leaky_relu", "leaky_relu", 2, leaky_relu, leaky_relu_partials)
WEIGHTED_SUM = Operation("weighted_sum", "Σ", None, weighted_sum, weighted_sum_partials)
MAXIMUM = Operation("maximum", "maximum", 2, maximum, maximum_partials)
MINIMUM = Operation("minimum", "minimum", 2, minimum, minimum_partials)
WHERE = Operation("where", "where", 3, where, where_partials)

OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        *(ADD, SUB, MUL, DIV, NEG, ABS, SQUARE, POW),
        *(EXP, LOG, SQRT, SIN, COS, TAN, TANH),
        *(SIGMOID, SOFTPLUS, LOG_SIGMOID, RELU, LEAKY_RELU),
        *(WEIGHTED_SUM, MAXIMUM, MINIMUM, WHERE),
    )
}
