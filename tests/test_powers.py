"""The second derivatives of a power, which are those of real analysis, to 60 digits by mpmath.

Of f = a**b they are b (b - 1) a**(b-2), a**(b-1) (1 + b ln a), twice, and a**b (ln a)**2.
"""

from __future__ import annotations

import math

import pytest

from autodiff import Value, check_gradients, compile, grad, hessian
from autodiff.ops import POW, power
from tests.bits import same_bits, steps_between
from tests.op_cases import OP_CASES

inf, nan = math.inf, math.nan

BASES = (1e-308, 1e-200, 1e-16, 0.1, 0.5, 0.9999999, 1.0, 1.0000001, 2.0, 3.7, 1e16, 1e200, 1e308)
EXPONENTS = (0.0, -0.0, 1e-12, 0.1, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 17.25, -0.5, -1.0, -2.0, -3.7)


def hessian_of_power(a: float, b: float) -> list[float]:
    """Return our four second derivatives, row by row."""
    variables = [Value(a, "a"), Value(b, "b")]
    return [
        entry.data for row in hessian(Value.make_node(POW, *variables), variables) for entry in row
    ]


@pytest.mark.parametrize("b", EXPONENTS)
def test_of_a_positive_base_they_are_the_true_ones(b: float) -> None:
    mpmath = pytest.importorskip("mpmath", reason="is the truth")
    make_reference = pytest.importorskip("tests.golden.make_ops_reference", reason="needs mpmath")
    bound = OP_CASES["pow"].second
    for a in BASES:
        with mpmath.workdps(60):
            base, exponent = mpmath.mpf(a), mpmath.mpf(b)
            log, power_less_one = mpmath.log(base), base ** (exponent - 1)
            truths = [
                exponent * (exponent - 1) * power_less_one / base,
                power_less_one * (1 + exponent * log),
                power_less_one * (1 + exponent * log),
                power_less_one * base * log * log,
            ]
            truths = [make_reference.nearest(truth) for truth in truths]
        # The powers of a on their way are in the range of floats.
        if not all(1e-290 < power(a, b - less) < 1e290 for less in (0.0, 1.0, 2.0)) and b != 0.0:
            continue
        # b - 1 is rounded, and with it a**(b-1), by so much of itself.
        rounding = 4.0 * (4.0 + (2.0 + abs(b)) * abs(math.log(a))) * 2.0**-53
        for ours, truth in zip(hessian_of_power(a, b), truths, strict=True):
            near = steps_between(ours, truth) <= bound.steps
            allowed = rounding * max(abs(truth), power(a, b - 1.0) * rounding)
            assert near or abs(ours - truth) <= allowed, (a, b, ours, truth)


@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize("a", [5e-324, 1e-310, 1e-300, 0.25, 1.0, 3.0, 1e300, 1.7e308])
def test_where_the_exponent_is_0_the_mixed_ones_are_1_over_the_base(a: float, zero: float) -> None:
    by_base_twice, mixed, mixed_other_way, by_exponent_twice = hessian_of_power(a, zero)
    one_over_a = 1.0 / a if a > 1e-308 else inf
    assert by_base_twice == 0.0
    assert mixed == mixed_other_way == one_over_a
    assert by_exponent_twice == math.log(a) ** 2


@pytest.mark.parametrize(
    ("b", "truth"),
    [
        (1.5, [inf, 0.0, 0.0, 0.0]),
        (2.0, [2.0, 0.0, 0.0, 0.0]),
        (2.5, [0.0, 0.0, 0.0, 0.0]),
        (3.0, [0.0, 0.0, 0.0, 0.0]),
        # Mixed, they do not exist from 0 to 1; what is left is that of a line, and of a root.
        (1.0, [0.0, None, None, 0.0]),
        (0.5, [-inf, None, None, 0.0]),
        # 1 for every base
        (0.0, [0.0, None, None, None]),
    ],
)
def test_of_the_base_0_they_are_the_limits_from_above(b: float, truth: list[float | None]) -> None:
    for ours, expected in zip(hessian_of_power(0.0, b), truth, strict=True):
        assert expected is None or ours == expected


@pytest.mark.parametrize("a", [-0.5, -3.0])
@pytest.mark.parametrize("b", [0.0, 1.0, 2.0, 3.0, -1.0, -2.0])
def test_of_a_negative_base_there_is_one_by_the_base_alone(a: float, b: float) -> None:
    variable = Value(a)
    twice = grad(grad(Value.make_node(POW, variable, Value(b)), variable), variable)
    assert twice.data == b * (b - 1.0) * a ** (b - 2.0)
    *_, other_way, by_exponent = hessian_of_power(a, b)
    assert math.isnan(other_way)
    assert math.isnan(by_exponent)


@pytest.mark.parametrize("a", [2.0, 0.0, -2.0, inf])
def test_of_an_exponent_that_is_nan_all_are(a: float) -> None:
    assert all(map(math.isnan, hessian_of_power(a, nan)))


@pytest.mark.parametrize("a", [0.0, -0.0, 5e-324, 2.0, -2.0, inf, -inf, nan])
@pytest.mark.parametrize("b", [0.0, -0.0])
def test_the_slope_where_the_exponent_is_0_is_that_0(a: float, b: float) -> None:
    variable = Value(a)
    Value.make_node(POW, variable, Value(b)).backward()
    assert same_bits(variable.grad, b)


@pytest.mark.parametrize("a", [0.25, 3.0, 1e300])
def test_a_program_of_a_slope_has_the_mixed_derivative(a: float) -> None:
    base, exponent = Value(a), Value(0.0)
    program = compile(grad(base**exponent, base))
    assert program() == 0.0
    assert exponent.grad == 1.0 / a


def test_differences_confirm_them() -> None:
    check_gradients(lambda a, b: a**b, [2.5, 0.0], order=2)
    check_gradients(lambda a, b: a**b, [0.3, 0.0], order=2)
