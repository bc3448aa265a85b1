"""Stable forms over the whole range of floats: how far they are from the truth, in real units.

A unit in the last place (ulp) is the distance between the floats at the true value.  Distances are
those from mpmath's 60 digits, not from the rounded truth, so 0.5 is the least that can be had.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autodiff import Value
from autodiff.ops import OPERATIONS

mpmath = pytest.importorskip("mpmath", reason="the true values are computed with mpmath")

mpf = mpmath.mpf
HUGE, SUBNORMAL = sys.float_info.max, 5e-324
HALF_STEP_AT_ONE = 2.0**-53
LN2 = math.log(2.0)

FAR = 1e5  # e**FAR is far beyond any float, and quick to find


def grid() -> list[float]:
    """Return numbers of both signs: every exponent, dense where the forms bend, at random."""
    rng = random.Random(9)
    sizes = [math.ldexp(rng.uniform(1.0, 2.0), exponent) for exponent in range(-1074, 1024, 4)]
    sizes += [10.0 ** (place / 40.0) for place in range(-720, 118)]
    sizes += [rng.uniform(0.0, 760.0) for _ in range(500)]
    # Where the exponential, or the result, passes a power of two: a unit is halved there.
    sizes += [k * LN2 - rng.random() * math.log1p(2.0**-k) for k in range(1, 40) for _ in range(8)]
    # Where the forms change, where exp becomes subnormal and vanishes, where a result rounds to 1.
    branches = [0.0, 1.4, LN2, 708.3964185322641, 709.782712893384, 745.1332191019411, 36.7, 19.06]
    for branch in branches:
        sizes += [branch, math.nextafter(branch, 0.0), math.nextafter(branch, math.inf)]
    sizes += [SUBNORMAL, sys.float_info.min, HUGE]
    # Of 150,000 numbers, the worst for s / (1 + s): 2.4 units; for ours; and for softplus.
    sizes += [6.236757824478878, 9.70402850914161, 10.397177607397197, 1.3765607976219913]
    sizes += [11.783501949898735, 9.704047097664466]
    return [sign * size for size in sizes for sign in (1.0, -1.0)]


GRID = grid()


def clipped(x: float) -> mpf:
    return mpf(max(-FAR, min(FAR, x)))


def true_exp(x: float) -> mpf:
    return mpmath.exp(clipped(x))


def true_tanh(x: float) -> mpf:
    return mpmath.tanh(clipped(x))


def true_sigmoid(x: float) -> mpf:
    return 1 / (1 + mpmath.exp(-clipped(x)))


def true_softplus(x: float) -> mpf:
    return mpf(x) if x > FAR else mpmath.log1p(mpmath.exp(-abs(clipped(x)))) + max(mpf(x), 0)


def true_log_sigmoid(x: float) -> mpf:
    return -true_softplus(-x)


def true_sigmoid_of_minus(x: float) -> mpf:
    return true_sigmoid(-x)


def units_between(ours: float, truth: mpf) -> float:
    """Return how far ours is from the truth, in units in the last place of the truth."""
    with mpmath.workdps(60):
        rounded = float(min(abs(truth), mpf(HUGE)))
        return float(abs(mpf(min(ours, HUGE)) - min(truth, mpf(HUGE))) / mpf(math.ulp(rounded)))


def forward(name: str) -> Callable[[float], float]:
    return OPERATIONS[name].forward


def slope_of(name: str) -> Callable[[float], float]:
    def slope(x: float) -> float:
        operation = OPERATIONS[name]
        return float(operation.partials(operation.forward(x), x)[0])

    return slope


def cross_entropy_of_a_logit(target: float) -> Callable[[float], float]:
    def loss(logit: float) -> float:
        return nn.binary_cross_entropy_with_logits([Value(logit)], [target]).data

    return loss


def its_slope(target: float) -> Callable[[float], float]:
    def slope(logit: float) -> float:
        value = Value(logit)
        nn.binary_cross_entropy_with_logits([value], [target]).backward()
        return value.grad

    return slope


def of_two_classes(lead: float) -> float:
    return nn.cross_entropy([Value(lead), Value(0.0)], 1).data


def its_slope_by_the_other(lead: float) -> float:
    other, target = Value(lead), Value(0.0)
    nn.cross_entropy([other, target], 1).backward()
    return other.grad


def minus_true_sigmoid_of_minus(x: float) -> mpf:
    return -true_sigmoid(-x)


# What it is, ours, the truth, and the most units that it may be off.
FORMS: list[tuple[str, Callable[[float], float], Callable[[float], mpf], float]] = [
    ("exp", forward("exp"), true_exp, 1.0),
    ("tanh, the C library's", forward("tanh"), true_tanh, 2.0),
    ("sigmoid", forward("sigmoid"), true_sigmoid, 1.8),
    ("softplus", forward("softplus"), true_softplus, 2.0),
    ("slope of softplus", slope_of("softplus"), true_sigmoid, 1.8),
    ("log_sigmoid", forward("log_sigmoid"), true_log_sigmoid, 2.0),
    ("slope of log_sigmoid", slope_of("log_sigmoid"), true_sigmoid_of_minus, 1.8),
    ("cross-entropy of a logit, 0", cross_entropy_of_a_logit(0.0), true_softplus, 2.0),
    ("its slope by the logit, 0", its_slope(0.0), true_sigmoid, 1.8),
    ("its slope by the logit, 1", its_slope(1.0), minus_true_sigmoid_of_minus, 1.8),
    ("cross-entropy of two classes", of_two_classes, true_softplus, 2.0),
    ("its slope by the other logit", its_slope_by_the_other, true_sigmoid, 1.8),
]


@pytest.mark.parametrize(("name", "ours", "truth", "most"), FORMS, ids=[form[0] for form in FORMS])
def test_a_stable_form_is_within_two_units_over_the_whole_range(
    name: str, ours: Callable[[float], float], truth: Callable[[float], mpf], most: float
) -> None:
    with mpmath.workdps(60):
        worst = max((units_between(ours(x), truth(x)), x) for x in GRID)
    assert worst[0] <= most, f"{name} is {worst[0]:.3f} units off at {worst[1]!r}"


# ---- slopes that PyTorch computes from the result ------------------------------------------


def test_the_slope_of_sigmoid_is_off_by_what_one_less_the_result_loses() -> None:
    slope = slope_of("sigmoid")
    with mpmath.workdps(60):
        for x in GRID:
            truth = true_sigmoid(x) * true_sigmoid(-x)
            # Below 0 nothing is lost; above, out is wrong by 3/4 of 2**-52 and 1 - out by as much.
            lost = 2.0 * HALF_STEP_AT_ONE if x > 0.0 else 0.0
            assert abs(mpf(slope(x)) - truth) <= lost + 4 * mpf(math.ulp(float(truth)))


def test_the_slope_of_tanh_is_off_by_what_one_less_the_square_loses() -> None:
    slope = slope_of("tanh")
    with mpmath.workdps(60):
        for x in GRID:
            truth = mpmath.sech(clipped(x)) ** 2
            assert abs(mpf(slope(x)) - truth) <= 4.0 * HALF_STEP_AT_ONE


def test_near_zero_the_slope_of_tanh_is_right_to_the_last_places() -> None:
    slope = slope_of("tanh")
    with mpmath.workdps(60):
        for x in GRID:
            if abs(x) < 0.1:
                assert units_between(slope(x), mpmath.sech(mpf(x)) ** 2) <= 2.0


# ---- log-sum-exp and cross-entropy ---------------------------------------------------------


def largest_and_log_of_sum(row: list[float]) -> tuple[mpf, mpf]:
    """Return the largest number and log(sum(exp(z - largest))), to 60 digits at any size."""
    largest = max(map(mpf, row))
    return largest, mpmath.log(sum(mpmath.exp(max(mpf(z) - largest, mpf(-FAR))) for z in row))


def softplus_of(lead: mpf) -> mpf:
    return lead if lead > FAR else mpmath.log1p(mpmath.exp(max(lead, mpf(-FAR))))


def sigmoid_of(lead: mpf) -> mpf:
    return 1 / (1 + mpmath.exp(max(min(-lead, mpf(FAR)), mpf(-FAR))))


def assert_cross_entropy_is_right(row: list[float], target: int) -> None:
    """Check the loss and its gradient, relative to their own size.

    With u = 2**-53: an exponential of z - largest = -d is off by at most (d + 1.03) u of itself,
    which is 1.03 u of 1 at the most; each sum of two by u of the sum, so the sum of n - 1 is off by
    2.03 (n - 2) u of itself, and its logarithm by as much, and a rounding.  largest - z[target] and
    the lead are rounded, each by u of itself.  Where the lead is off by e, softplus and sigmoid are
    off by at most e of themselves, and by two units more.
    """
    variables = [Value(number) for number in row]
    loss = nn.cross_entropy(variables, target)
    loss.backward()
    classes = len(row)
    others = row[:target] + row[target + 1 :]
    with mpmath.workdps(60):
        largest, log_of_sum = largest_and_log_of_sum(others)
        # The loss is softplus of the others' lead.
        lead, apart = largest - mpf(row[target]) + log_of_sum, abs(largest - mpf(row[target]))
        lead_is_off = HALF_STEP_AT_ONE * (2.1 * (classes - 2) + 1.03 * (apart + abs(lead)))
        truth = softplus_of(lead)
        if truth > HUGE:
            assert loss.data == math.inf
        else:
            allowed = (lead_is_off + 4.0 * HALF_STEP_AT_ONE) * truth + SUBNORMAL
            assert abs(mpf(loss.data) - truth) <= allowed, (row, target)
            promised = HALF_STEP_AT_ONE * (2.1 * classes + 2.1 * apart + 5.0)
            assert allowed <= promised * truth + SUBNORMAL
        all_others = sigmoid_of(lead)
        allowed = (lead_is_off + 4.0 * HALF_STEP_AT_ONE) * all_others + SUBNORMAL
        assert abs(mpf(variables[target].grad) + all_others) <= allowed, (row, target)
        for place, variable in enumerate(variables):
            if place == target:
                continue
            behind = mpf(row[place]) - largest - log_of_sum
            share = all_others * mpmath.exp(max(behind, mpf(-FAR)))
            # An exponential and the sum of them, a quotient and two products.
            of_itself = lead_is_off + HALF_STEP_AT_ONE * (2.1 * classes - 1.03 * behind + 10.0)
            # What the largest is given and gives back.
            of_all = HALF_STEP_AT_ONE * 2.0 * classes if row[place] == max(others) else 0.0
            allowed = of_itself * share + of_all * all_others + 2.0 * SUBNORMAL
            assert abs(mpf(variable.grad) - share) <= allowed, (row, target, place)


LOGITS = (0.0, -0.0, SUBNORMAL, 1e-8, -0.7, 1.5, 36.0, -40.0, 745.2, -1e5, 1e200, HUGE, -HUGE)


@pytest.mark.parametrize("target", [0, 1])
def test_cross_entropy_of_two_classes_is_right_over_the_whole_range(target: int) -> None:
    for row in product(LOGITS, repeat=2):
        assert_cross_entropy_is_right(list(row), target)


@pytest.mark.parametrize("target", [0, 1, 2])
def test_cross_entropy_of_three_classes_is_right_over_the_whole_range(target: int) -> None:
    for row in product(LOGITS, repeat=3):
        assert_cross_entropy_is_right(list(row), target)


@settings(max_examples=60)
@given(
    st.lists(
        st.floats(-50.0, 50.0) | st.floats(allow_nan=False, allow_infinity=False),
        min_size=2,
        max_size=6,
    ),
    st.integers(0, 5),
)
def test_cross_entropy_of_any_logits_is_right(row: list[float], target: int) -> None:
    assert_cross_entropy_is_right(row, target % len(row))


# ---- finite gradients ----------------------------------------------------------------------


@pytest.mark.parametrize("target", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    "loss", [nn.binary_cross_entropy, nn.binary_cross_entropy_with_logits, nn.mse_loss]
)
def test_gradients_of_losses_are_finite_wherever_the_true_ones_are(
    loss: Callable[..., Value], target: float
) -> None:
    for x in GRID:
        if loss is nn.binary_cross_entropy and not 0.0 <= x <= 1.0:
            continue
        if loss is nn.mse_loss and abs(x) > HUGE / 2.0:
            continue  # twice the difference is beyond the floats
        value = Value(x)
        loss([value], [target]).backward()
        assert math.isfinite(value.grad), x
