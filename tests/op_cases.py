"""The cases of every operation: one table, from which forward and gradient tests alike are made.

Each entry says on which operands an operation is tried and how far its value and its local
derivatives may be from the true ones.  The true ones are in ``golden/ops_reference.json``, made
by ``golden/make_ops_reference.py`` from these same operands.

Distances are counted in *steps*, the floats from ours to the correctly rounded truth, so one
step is less than 1.5 units in the last place.  Where a rule subtracts two nearly equal numbers,
or works through a number that underflows, no count of steps holds; there a *slack*, an absolute
error derived from the rule, is allowed as well.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.bits import steps_between

inf, nan = math.inf, math.nan
HUGE = sys.float_info.max
SMALLEST_NORMAL = sys.float_info.min
SUBNORMAL = 5e-324
HALF_STEP_AT_ONE = 2.0**-53

UNARY_GRID = (
    *(0.0, -0.0, inf, -inf, nan),
    *(SUBNORMAL, -SUBNORMAL, 1e-310, -1e-310, SMALLEST_NORMAL, -SMALLEST_NORMAL),
    *(HUGE, -HUGE, 1e200, -1e200, 1e22, -1e16),
    *(1e-200, -1e-200, 1e-17, -1e-17, 1e-8, -1e-8, 1e-4, -1e-4),
    *(0.1, -0.1, 0.25, 0.5, -0.5, 0.7, 1.0, -1.0, 1.5, -1.5, 2.0, -2.0, 3.0, -3.0, 10.0, -10.0),
    *(math.pi, -math.pi, math.pi / 2, -math.pi / 2, math.pi / 4, math.e),
    # where tanh and sigmoid round to 1, and PyTorch's softplus to its operand
    *(18.0, 19.0, -19.5, 20.0, 20.5, -20.5, 36.0, -36.0, 37.0, 40.0, -40.0),
    # where exp overflows, becomes subnormal, and vanishes
    *(700.0, -700.0, 709.7, 709.8, -708.4, -720.0, -745.1, -745.2, 800.0, -800.0),
    # beside zeros and extremes of the functions
    *(1.0 + 2.0**-52, 1.0 - 2.0**-53, 1e5, -1e5, 12345.678),
)

BINARY_GRID = (
    *(0.0, -0.0, inf, -inf, nan, SUBNORMAL, -SMALLEST_NORMAL, HUGE, -1e200, 1e-200),
    *(1.0, -1.0, 2.0, -3.0, 0.5, -0.1, 3.7),
)

CONDITION_GRID = (0.0, -0.0, inf, -inf, nan, SUBNORMAL, -SUBNORMAL, HUGE, -HUGE, 0.5, -0.5)

# Places among two, and what is none: beside one by as little as can be, between two, beyond.
INDEX_GRID = (
    *(0.0, -0.0, 1.0, 2.0, -1.0, 0.5, 1.0 + 2.0**-52, 1.0 - 2.0**-53),
    *(SUBNORMAL, -SUBNORMAL, inf, -inf, nan, HUGE, 1e300),
)

Operands = tuple[float, ...]
Slack = Callable[[Operands], float]


def none(operands: Operands) -> float:
    return 0.0


@dataclass(frozen=True)
class Bound:
    """How far a result may be from the correctly rounded truth, and why."""

    steps: int
    why: str
    slack: Slack = none

    def holds(self, ours: float, truth: float, operands: Operands) -> bool:
        """Return whether our result is close enough to the true one."""
        if steps_between(ours, truth) <= self.steps:
            return True
        slack = self.slack(operands)
        if slack == 0.0 or not math.isfinite(truth):
            return False
        return abs(ours - truth) <= slack + self.steps * math.ulp(truth)


@dataclass(frozen=True)
class OpCase:
    """Where one operation is tried, and how exact it must be.

    An operation that takes any number of operands has one bound for all its local derivatives;
    every operation has one for all its second derivatives.
    """

    name: str
    grids: tuple[tuple[float, ...], ...]
    value: Bound
    partials: tuple[Bound, ...]
    second: Bound
    further: tuple[Operands, ...] = field(default=())

    @property
    def arity(self) -> int:
        """The number of operands in the grids."""
        return len(self.grids)

    def partial(self, position: int) -> Bound:
        """Return the bound of the local derivative by the operand at that position."""
        return self.partials[min(position, len(self.partials) - 1)]

    def operands(self) -> Iterator[Operands]:
        """Return every combination of the grids, and the further cases."""
        return itertools.chain(itertools.product(*self.grids), self.further)


@dataclass(frozen=True)
class Difference:
    """Cases in which an operation is known to differ from a reference, and why it does.

    ``quantity`` is "value", "second" (some second derivative), or the position of the operand
    whose local derivative differs.
    """

    name: str
    quantity: str | int
    covers: Callable[..., bool]
    why: str


def is_listed(
    differences: Iterable[Difference], name: str, quantity: str | int, operands: Operands
) -> bool:
    """Return whether an operation's quantity is known to differ there."""
    return any(
        known.name == name and known.quantity == quantity and known.covers(*operands)
        for known in differences
    )


EXACT = Bound(0, "one operation of IEEE 754, correctly rounded, or a choice of an operand")
ONE_CALL = Bound(1, "one call of the C library, which is within one unit in the last place")

UNARY = (UNARY_GRID,)
BINARY = (BINARY_GRID, BINARY_GRID)


def lost_in_one_less_sigmoid(operands: Operands) -> float:
    """In 1 - out, out is near 1 and wrong by up to 1.5 of its half-steps; 1 - out rounds too."""
    (x,) = operands
    return 2.0 * HALF_STEP_AT_ONE if x > 0.0 else 0.0


def lost_in_one_less_tanh_squared(operands: Operands) -> float:
    """In 1 - out * out, out is near 1 and wrong by a half-step or two, which counts twice."""
    (x,) = operands
    return 3.0 * HALF_STEP_AT_ONE if abs(x) > 0.5 else 0.0


def quotient_underflows(operands: Operands) -> float:
    """a/b is wrong by half the smallest subnormal, then divided by b."""
    _, b = operands
    return SUBNORMAL / abs(b) if b != 0.0 else 0.0


def second_quotient_underflows(operands: Operands) -> float:
    """As above, divided by b again, and twice of it."""
    _, b = operands
    return 4.0 * SUBNORMAL * (1.0 / abs(b)) * max(1.0, 1.0 / abs(b)) if b != 0.0 else 0.0


def exponent_less_one_rounds(operands: Operands) -> float:
    """b - 1 is rounded by d, so a**(b-1) is wrong by d * ln(a) of itself; it may underflow too."""
    a, b = operands
    if not (math.isfinite(a) and math.isfinite(b)) or a == 0.0:
        return 0.0
    rounding = max(1.0, abs(b - 1.0)) * HALF_STEP_AT_ONE
    try:
        result = abs(b * math.pow(abs(a), b - 1.0))
    except OverflowError:
        return 0.0
    return result * rounding * abs(math.log(abs(a))) + SUBNORMAL * abs(b)


def exponent_less_two_rounds(operands: Operands) -> float:
    """As above, for a second derivative: two roundings, and two terms of ln(a) that may cancel."""
    a, b = operands
    if not (math.isfinite(a) and math.isfinite(b)) or a == 0.0:
        return 0.0
    logarithm = abs(math.log(abs(a)))
    try:
        largest = max(
            abs(b * (b - 1.0)) * math.pow(abs(a), b - 2.0),
            (1.0 + abs(b) * logarithm) * math.pow(abs(a), b - 1.0),
        )
    except OverflowError:
        return 0.0
    rounding = max(1.0, abs(b) + 2.0) * HALF_STEP_AT_ONE
    return largest * rounding * (4.0 + 2.0 * logarithm) + SUBNORMAL * (abs(b) + logarithm) ** 2


def tanh_slope_lost_again(operands: Operands) -> float:
    """2 * out * (1 - out * out): what is lost in the slope, twice."""
    return 2.0 * lost_in_one_less_tanh_squared(operands)


def sigmoid_slope_lost_again(operands: Operands) -> float:
    """slope * (1 - 2 * out): what the slope lost, and 2 * out is wrong by 4 half-steps of 1."""
    (x,) = operands
    slope = min(0.25, math.exp(-abs(x))) if x == x else 0.0
    return lost_in_one_less_sigmoid(operands) + 5.0 * HALF_STEP_AT_ONE * slope


def sigmoid_slope_lost(operands: Operands) -> float:
    """The slope of a sigmoid of x or of -x, which PyTorch has in another form."""
    (x,) = operands
    return lost_in_one_less_sigmoid((abs(x),))


def power_underflows(operands: Operands) -> float:
    """a**b is wrong by the smallest subnormal, then multiplied by ln(a)."""
    a, _ = operands
    return SUBNORMAL * abs(math.log(a)) if 0.0 < a < inf else 0.0


SIGMOID_SLOPE = Bound(4, "a sigmoid, a difference and a product", sigmoid_slope_lost)

OP_CASES: dict[str, OpCase] = {
    case.name: case
    for case in (
        OpCase("add", BINARY, EXACT, (EXACT, EXACT), EXACT, further=((0.1, 0.2), (1e16, 1.0))),
        OpCase("sub", BINARY, EXACT, (EXACT, EXACT), EXACT, further=((0.3, 0.1), (1e16, 1.0))),
        OpCase("mul", BINARY, EXACT, (EXACT, EXACT), EXACT, further=((0.1, 0.1), (1e-162, 1e-162))),
        OpCase(
            "div",
            BINARY,
            EXACT,
            (
                EXACT,
                Bound(1, "two correctly rounded divisions", quotient_underflows),
            ),
            Bound(
                2,
                "three correctly rounded divisions, and a product with 2",
                second_quotient_underflows,
            ),
            further=((1.0, 3.0), (SUBNORMAL, 0.3), (1e-320, 1e-5), (HUGE, 0.9), (-1.0, 49.0)),
        ),
        OpCase("neg", UNARY, EXACT, (EXACT,), EXACT),
        OpCase("abs", UNARY, EXACT, (EXACT,), EXACT),
        OpCase("square", UNARY, EXACT, (EXACT,), EXACT),
        OpCase(
            "pow",
            BINARY,
            ONE_CALL,
            (
                Bound(2, "a power, then a product", exponent_less_one_rounds),
                Bound(3, "a power and a logarithm, then a product", power_underflows),
            ),
            Bound(4, "powers and logarithms, then products and a sum", exponent_less_two_rounds),
            further=(
                *itertools.product((0.0, -0.0, -1.0, -2.0, inf, -inf), (-1.0, -2.0, 3.0, 0.25)),
                *((2.0, 0.5), (2.0, -0.5), (10.0, 308.0), (10.0, 309.0), (-10.0, 309.0)),
                *((10.0, -320.0), (1.0000001, 1e9), (0.9999999, 1e9), (0.1, 2.0), (1e-10, 33.0)),
                *((1.7, 1e-12), (3.3, 17.25), (-1.7, 5.0), (-1.7, -4.0), (1e-300, 1.5)),
            ),
        ),
        OpCase("exp", UNARY, ONE_CALL, (ONE_CALL,), ONE_CALL),
        OpCase("log", UNARY, ONE_CALL, (EXACT,), Bound(1, "two correctly rounded divisions")),
        OpCase(
            "sqrt",
            UNARY,
            EXACT,
            (Bound(1, "two correctly rounded operations"),),
            Bound(3, "four correctly rounded operations"),
        ),
        OpCase("sin", UNARY, ONE_CALL, (ONE_CALL,), ONE_CALL),
        OpCase("cos", UNARY, ONE_CALL, (ONE_CALL,), ONE_CALL),
        OpCase(
            "tan",
            UNARY,
            ONE_CALL,
            (Bound(3, "1 + out * out: out's error counts twice, then two roundings"),),
            Bound(5, "2 * out * slope: the errors of both, then a rounding"),
        ),
        OpCase(
            "tanh",
            UNARY,
            Bound(2, "one call of the C library, whose tanh is within two units, as GNU's says"),
            (Bound(2, "a square and a difference", lost_in_one_less_tanh_squared),),
            Bound(4, "a square, a difference and two products", tanh_slope_lost_again),
        ),
        OpCase(
            "sigmoid",
            UNARY,
            Bound(2, "an exponential, a sum and a quotient"),
            (Bound(3, "a sigmoid, a difference and a product", lost_in_one_less_sigmoid),),
            Bound(5, "a slope, a difference and a product", sigmoid_slope_lost_again),
        ),
        OpCase(
            "softplus",
            UNARY,
            Bound(2, "an exponential, a logarithm and a sum"),
            (Bound(2, "a sigmoid"),),
            SIGMOID_SLOPE,
        ),
        OpCase(
            "log_sigmoid",
            UNARY,
            Bound(2, "an exponential, a logarithm and a sum"),
            (Bound(2, "a sigmoid"),),
            SIGMOID_SLOPE,
        ),
        OpCase("relu", UNARY, EXACT, (EXACT,), EXACT),
        OpCase(
            "leaky_relu",
            (UNARY_GRID, (0.01, 0.0, -0.5, 1.0, inf, nan)),
            EXACT,
            (EXACT, EXACT),
            EXACT,
        ),
        OpCase(
            "weighted_sum",
            (
                *((0.1, -0.0, inf), (-3.0, HUGE, -0.0), (0.1, nan, SUBNORMAL)),
                *((0.7, 1e200, -inf), (0.2, -1e200, 0.0)),
            ),
            Bound(0, "correctly rounded products and sums, in the order of the operands"),
            (EXACT,),
            EXACT,
            further=((0.5,), (0.3, 0.1, 0.7), (1e16, 1.0, 1.0, -1e16, 1.0, 1.0, 1.0)),
        ),
        OpCase("maximum", BINARY, EXACT, (EXACT, EXACT), EXACT),
        OpCase("minimum", BINARY, EXACT, (EXACT, EXACT), EXACT),
        OpCase(
            "where",
            (CONDITION_GRID, (1.0, -0.0, nan, inf), (2.0, -HUGE, nan, SUBNORMAL)),
            EXACT,
            (EXACT, EXACT, EXACT),
            EXACT,
        ),
        OpCase(
            "pick",
            (INDEX_GRID, (1.0, -0.0, nan, inf), (2.0, -HUGE, nan, SUBNORMAL)),
            EXACT,
            (EXACT,),
            EXACT,
            further=(
                *((0.0, 3.5), (1.0, 3.5), (-0.0, -0.0), (1e16, 0.5)),
                *((index, 0.1, 0.2, 0.3, 0.4) for index in (0.0, 1.0, 2.0, 3.0, 4.0, 2.5, -4.0)),
            ),
        ),
    )
}


def many_operands(name: str) -> st.SearchStrategy[list[Operands]]:
    """Return lists of operands, each of any floats, for an operation."""
    floats = st.floats() | st.sampled_from(UNARY_GRID)
    return st.lists(st.tuples(*[floats] * OP_CASES[name].arity), min_size=1, max_size=20)
