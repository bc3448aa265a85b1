"""Optimizers: their formulas from the papers, in exact or 50-digit arithmetic, and their errors."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest

import nn
from autodiff import Value
from tests.bits import all_bits, bits

inf, nan = math.inf, math.nan
STEPS, START, RATE = 60, 0.75, 0.05

# What the gradients are does not matter: any numbers show whether the formula is the paper's.
GRADIENTS = [random.Random(step).uniform(-2.0, 2.0) for step in range(STEPS)]


def path_of(build: Callable[[list[Value]], nn.Optimizer], start: float) -> list[float]:
    """Return the weight after each step, for the gradients above."""
    weight = Value(start)
    optimizer = build([weight])
    path = []
    for gradient in GRADIENTS:
        weight.grad = gradient
        optimizer.step()
        path.append(weight.data)
    return path


# ---- stochastic gradient descent -----------------------------------------------------------


@pytest.mark.parametrize(
    ("momentum", "nesterov", "weight_decay"),
    [(0.0, False, 0.0), (0.9, False, 0.0), (0.9, True, 0.0), (0.0, False, 0.1), (0.5, True, 0.1)],
)
def test_sgd_is_its_formula_in_exact_arithmetic(
    momentum: float, nesterov: bool, weight_decay: float
) -> None:
    path = path_of(lambda p: nn.SGD(p, RATE, momentum, nesterov, weight_decay), START)
    lr, mu, decay = Fraction(RATE), Fraction(momentum), Fraction(weight_decay)
    weight, velocity = Fraction(START), Fraction(0)
    expected = []
    for number in GRADIENTS:
        gradient = Fraction(number) + decay * weight
        velocity = mu * velocity + gradient
        weight -= lr * (gradient + mu * velocity if nesterov else velocity)
        expected.append(float(weight))
    # Each of 60 steps rounds a few numbers of size 1 by 2**-53 at most.
    assert path == pytest.approx(expected, rel=0.0, abs=1e-14)


def test_one_step_of_plain_sgd_is_w_minus_lr_times_the_gradient_to_the_bit() -> None:
    weights = [Value(0.1), Value(-0.7), Value(3.0)]
    gradients = [0.3, 1e-20, -2.0]
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient
    nn.SGD(weights, lr=0.1).step()
    assert all_bits(weight.data for weight in weights) == all_bits(
        [0.1 - 0.1 * 0.3, -0.7 - 0.1 * 1e-20, 3.0 - 0.1 * -2.0]
    )


def test_a_learning_rate_of_zero_leaves_the_weights_to_the_bit() -> None:
    start = bits(0.1)
    for build in (
        lambda p: nn.SGD(p, lr=0.0, momentum=0.9, weight_decay=0.1),
        lambda p: nn.Adam(p, lr=0.0, weight_decay=0.1),
        lambda p: nn.AdamW(p, lr=0.0),
    ):
        assert {bits(weight) for weight in path_of(build, 0.1)} == {start}


# ---- Adam ----------------------------------------------------------------------------------


@pytest.fixture
def _fifty_digits() -> Iterator[None]:
    with localcontext() as context:
        context.prec = 50
        yield


@pytest.mark.usefixtures("_fifty_digits")
@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.9), (0.0, 0.0)])
@pytest.mark.parametrize("eps", [1e-8, 0.01])
def test_adam_and_adamw_are_the_papers_algorithms(
    decoupled: bool, weight_decay: float, betas: tuple[float, float], eps: float
) -> None:
    kind = nn.AdamW if decoupled else nn.Adam
    path = path_of(lambda p: kind(p, RATE, betas, eps, weight_decay), START)

    # Algorithm 1 of Kingma and Ba (2015), with bias-corrected estimates; decay as in
    # Algorithm 2 of Loshchilov and Hutter (2019), scaled by the learning rate.
    lr, decay, epsilon = Decimal(RATE), Decimal(weight_decay), Decimal(eps)
    beta1, beta2 = map(Decimal, betas)
    weight, first, second = Decimal(START), Decimal(0), Decimal(0)
    expected = []
    for step, number in enumerate(GRADIENTS, 1):
        gradient = Decimal(number)
        shrink = Decimal(0)
        if decoupled:
            shrink = lr * decay * weight
        else:
            gradient += decay * weight
        first = beta1 * first + (1 - beta1) * gradient
        second = beta2 * second + (1 - beta2) * gradient * gradient
        corrected_first = first / (1 - beta1**step)
        corrected_second = second / (1 - beta2**step)
        weight -= shrink + lr * corrected_first / (corrected_second.sqrt() + epsilon)
        expected.append(float(weight))
    # 1 - 0.999 has lost ten bits: it is right to 2**-43, 1e-13, and a step is 0.05 in size.
    assert path == pytest.approx(expected, rel=0.0, abs=1e-13)


def test_the_first_step_of_adam_is_the_learning_rate_against_the_sign() -> None:
    for gradient in (1e-3, 5.0, -1e6):
        weight = Value(0.0)
        weight.grad = gradient
        nn.Adam([weight], lr=0.25).step()
        # eps makes it a little less: |g| / (|g| + eps).
        assert weight.data == pytest.approx(
            -math.copysign(0.25, gradient) / (1.0 + 1e-8 / abs(gradient)), rel=1e-12
        )


def test_adamw_decays_by_0_01_unless_told_otherwise_and_adam_not_at_all() -> None:
    for kind, expected in ((nn.AdamW, 1.0 - 0.5 * 0.01), (nn.Adam, 1.0)):
        weight = Value(1.0)
        kind([weight], lr=0.5).step()
        assert weight.data == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("kind", [nn.Adam, nn.AdamW])
def test_adam_has_the_papers_default_settings(kind: Any) -> None:
    optimizer = kind([Value(1.0)])
    assert (optimizer.lr, optimizer.betas, optimizer.eps) == (0.001, (0.9, 0.999), 1e-8)


def test_zero_gradients_without_eps_are_nan_and_no_exception() -> None:
    weight = Value(1.0)
    nn.Adam([weight], eps=0.0).step()
    assert math.isnan(weight.data)


@pytest.mark.parametrize("gradient", [inf, -inf, nan, 1e308, 5e-324, -0.0])
def test_any_gradient_at_all_raises_nothing(gradient: float) -> None:
    for build in (
        lambda p: nn.SGD(p, 0.1, 0.9, True, 0.1),
        lambda p: nn.Adam(p, weight_decay=0.1),
        nn.AdamW,
    ):
        weight = Value(1.0)
        optimizer = build([weight])
        for _ in range(3):
            weight.grad = gradient
            optimizer.step()
        assert isinstance(weight.data, float)


# ---- one rule, numbers and expressions -----------------------------------------------------

BUILDS: dict[str, Callable[[list[Value]], nn.Optimizer]] = {
    "sgd": lambda p: nn.SGD(p, 0.1),
    "momentum": lambda p: nn.SGD(p, 0.1, momentum=0.9),
    "nesterov": lambda p: nn.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: nn.Adam(p, 0.1),
    "adam with decay": lambda p: nn.Adam(p, 0.1, weight_decay=0.1),
    "adamw": lambda p: nn.AdamW(p, 0.1, weight_decay=0.1),
}


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS.keys())
def test_updates_are_the_expressions_of_what_step_does_bit_for_bit(
    build: Callable[[list[Value]], nn.Optimizer],
) -> None:
    parameters = [Value(0.75, "a"), Value(-1.5, "b")]
    optimizer = build(parameters)
    for step in range(5):
        gradients = {parameter: Value(GRADIENTS[step] * parameter.data) for parameter in parameters}
        updates = optimizer.updates(gradients)
        variables = [*parameters, *optimizer.state]
        assert list(updates) == variables
        expected = all_bits(updates[variable].data for variable in variables)
        for parameter in parameters:
            parameter.grad = gradients[parameter].data
        optimizer.step()
        assert all_bits(variable.data for variable in variables) == expected


def test_a_parameter_that_the_gradients_leave_out_has_the_gradient_zero() -> None:
    known, unknown = Value(0.75), Value(-1.5)
    updates = nn.SGD([known, unknown], lr=0.5).updates({known: Value(2.0)})
    assert [updates[known].data, updates[unknown].data] == [0.75 - 0.5 * 2.0, -1.5]


def test_an_optimizer_without_a_rule_cannot_be_made() -> None:
    with pytest.raises(TypeError, match=r"abstract method '?rule'?"):
        nn.Optimizer([Value(1.0)], lr=0.1)  # type: ignore[abstract]


class Forgetful(nn.Optimizer):
    """Its rule leaves out the last weight, or the last of the state."""

    def __init__(self, parameters: list[Value], weights: int, state: int) -> None:
        super().__init__(parameters, lr=0.1)
        self.state = [Value(0.0), Value(0.0)]
        self.counts = weights, state

    def rule(
        self,
        weights: Any,
        gradients: Any,  # noqa: ARG002
        state: Any,
    ) -> tuple[list[Any], list[Any]]:
        kept_weights, kept_state = self.counts
        return list(weights[:kept_weights]), list(state[:kept_state])


@pytest.mark.parametrize(("weights", "state"), [(1, 2), (2, 1), (1, 1)])
def test_a_rule_that_forgets_a_number_is_an_error(weights: int, state: int) -> None:
    parameters = [Value(1.0), Value(2.0)]
    optimizer = Forgetful(parameters, weights, state)
    with pytest.raises(ValueError, match="is shorter"):
        optimizer.step()
    with pytest.raises(ValueError, match="is shorter"):
        optimizer.updates({parameter: Value(1.0) for parameter in parameters})


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS.keys())
def test_each_parameter_moves_by_its_own_gradient_alone(
    build: Callable[[list[Value]], nn.Optimizer],
) -> None:
    together = [Value(0.75), Value(-1.5)]
    both = build(together)
    apart = [Value(0.75), Value(-1.5)]
    singles = [build([parameter]) for parameter in apart]
    for gradient in GRADIENTS[:5]:
        for parameters in (together, apart):
            parameters[0].grad, parameters[1].grad = gradient, gradient * gradient
        both.step()
        for single in singles:
            single.step()
    assert all_bits(p.data for p in together) == all_bits(p.data for p in apart)


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS.keys())
def test_each_optimizer_finds_the_bottom_of_a_parabola(
    build: Callable[[list[Value]], nn.Optimizer],
) -> None:
    x = Value(4.0)
    optimizer = build([x])
    for _ in range(1000):
        loss = (x - 0.0) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert abs(x.data) < 1e-6


def test_zero_grad_clears_every_parameter() -> None:
    parameters = [Value(1.0), Value(2.0)]
    (parameters[0] * parameters[1]).backward()
    nn.SGD(parameters, lr=0.1).zero_grad()
    assert [(p.grad, p.has_grad) for p in parameters] == [(0.0, False), (0.0, False)]


def test_what_an_optimizer_remembers_is_named_by_its_parameter() -> None:
    (velocity,) = nn.SGD([Value(1.0, "slope")], lr=0.1, momentum=0.9).state
    assert velocity.label == "velocity of slope"
    steps, mean, square = nn.Adam([Value(1.0)]).state
    assert [steps.label, mean.label, square.label] == [
        *("steps", "mean of a parameter", "mean square of a parameter"),
    ]


def test_parameters_may_come_from_a_generator() -> None:
    parameters = [Value(1.0), Value(2.0)]
    assert nn.SGD((p for p in parameters), lr=0.1).parameters == parameters


# ---- what they refuse ----------------------------------------------------------------------

KINDS = [nn.SGD, nn.Adam, nn.AdamW]


def test_a_momentum_that_is_switched_off_leaves_plain_descent() -> None:
    w = Value(1.0)
    optimizer = nn.SGD([w], lr=0.5, momentum=0.5)
    w.grad = 1.0
    optimizer.step()
    optimizer.momentum = 0.0
    optimizer.step()
    assert (w.data, [variable.data for variable in optimizer.state]) == (0.0, [1.0])


def test_a_momentum_that_comes_too_late_is_refused_and_moves_nothing() -> None:
    w = Value(1.0)
    optimizer = nn.SGD([w], lr=0.5)
    w.grad = 1.0
    optimizer.momentum = 0.5
    with pytest.raises(ValueError, match=r"^SGD got its momentum after it was made"):
        optimizer.step()
    assert w.data == 1.0


def test_a_parameter_whose_gradient_was_set_to_none_stays() -> None:
    w, v = Value(1.0), Value(1.0)
    w.grad, v.grad = 1.0, None  # type: ignore[assignment]
    nn.SGD([w, v], lr=0.5).step()
    assert (w.data, v.data) == (0.5, 1.0)
