"""Schedules and what optimizers remember: by mathematics, and the same bits on every engine."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

import nn
from autodiff import Value, compile, where
from autodiff.compiler.native import is_installed
from tests.bits import all_bits

ENGINES = ["eager", "python", *(["native"] if is_installed() else [])]
X, Y = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0]


def warm_up(step: Any) -> Any:
    """Up to 1 in four steps."""
    return where(4.0 - step, (step + 1.0) / 4.0, 1.0)


def by_an_if(step: Any) -> Any:
    return 1.0 if step < 3 else 0.5


BUILD: dict[str, Callable[..., nn.Optimizer]] = {
    "SGD": lambda p, **more: nn.SGD(p, 0.1, 0.9, **more),
    "plain SGD": lambda p, **more: nn.SGD(p, 0.1, **more),
    "Adam": lambda p, **more: nn.Adam(p, 0.05, **more),
    "AdamW": lambda p, **more: nn.AdamW(p, 0.05, **more),
    "RMSprop": lambda p, **more: nn.RMSprop(p, 0.01, **more),
    "RMSprop with momentum": lambda p, **more: nn.RMSprop(p, 0.01, momentum=0.5, **more),
}


def test_a_step_has_the_rate_times_the_factor_of_the_steps_before() -> None:
    w = Value(0.0)
    optimizer = nn.SGD([w], lr=0.5, schedule=nn.LinearDecay(4))
    path = []
    for _ in range(6):
        w.grad = -1.0
        optimizer.step()
        path.append(w.data)
    assert path == [0.5, 0.875, 1.125, 1.25, 1.25, 1.25]
    assert optimizer.lr == 0.5
    assert optimizer.steps.data == 6.0


@pytest.mark.parametrize("step", range(10))
def test_the_schedules_are_their_formulas(step: int) -> None:
    assert nn.LinearDecay(8)(float(step)) == max(0.0, 1.0 - step / 8.0)
    wave = 0.5 * (1.0 + math.cos(math.pi * min(step / 8.0, 1.0)))
    assert nn.CosineDecay(8)(float(step)) == pytest.approx(wave, abs=1e-15)
    assert nn.ExponentialDecay(0.5)(float(step)) == 0.5**step


@pytest.mark.parametrize(
    "schedule", [nn.LinearDecay(30), nn.CosineDecay(30), nn.ExponentialDecay(0.95), warm_up]
)
@pytest.mark.parametrize("name", BUILD)
def test_every_engine_trains_by_a_schedule_with_the_same_bits(name: str, schedule: Any) -> None:
    found = []
    for engine in ENGINES:
        model = nn.MLP(2, [3, 1], "tanh", rng=2)
        optimizer = BUILD[name](model.parameters(), schedule=schedule)
        history = nn.fit(model, X, Y, optimizer=optimizer, epochs=40, batch_size=3, engine=engine)
        assert history.engine == engine
        assert optimizer.steps.data == 80.0
        found.append(all_bits([*history.losses, *[v.data for v in optimizer.variables]]))
    assert all(each == found[0] for each in found)


def test_a_schedule_that_looks_at_the_number_trains_eagerly_and_fit_says_why() -> None:
    model = nn.MLP(2, [2, 1], "tanh", rng=2)
    optimizer = nn.SGD(model.parameters(), 0.1, schedule=by_an_if)
    history = nn.fit(model, X, Y, optimizer=optimizer, epochs=5)
    assert history.engine == "eager"
    assert history.reason


def test_a_loss_that_is_not_finite_brings_the_count_of_steps_back() -> None:
    w = nn.Neuron(1, nonlin=False, rng=1)
    optimizer = nn.SGD(w.parameters(), lr=1e160, schedule=nn.ExponentialDecay(1.0))
    with pytest.raises(nn.NonFiniteLossError):
        nn.fit(w, [[1.0]], [1.0], optimizer=optimizer, epochs=9)
    assert optimizer.steps.data == 0.0


@pytest.mark.parametrize("schedule", [None, nn.CosineDecay(20)])
@pytest.mark.parametrize("name", BUILD)
def test_a_training_goes_on_from_a_state_dict_as_if_it_had_not_stopped(
    name: str, schedule: Any
) -> None:
    def training(model: nn.Module) -> nn.Optimizer:
        return BUILD[name](model.parameters(), schedule=schedule)

    whole = nn.MLP(2, [3, 1], "tanh", rng=2)
    optimizer = training(whole)
    nn.fit(whole, X, Y, optimizer=optimizer, epochs=7)
    weights, memory = json.loads(json.dumps([whole.state_dict(), optimizer.state_dict()]))
    wanted = nn.fit(whole, X, Y, optimizer=optimizer, epochs=9).losses
    half = nn.MLP(2, [3, 1], "tanh", rng=5)
    half.load_state_dict(weights)
    other = training(half)
    other.load_state_dict(memory)
    assert all_bits(nn.fit(half, X, Y, optimizer=other, epochs=9).losses) == all_bits(wanted)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (3, TypeError, "load_state_dict needs a dict"),
        ({}, ValueError, "this is no state of SGD"),
        ({"optimizer": "Adam", "lr": 0.1, "state": [0.0]}, ValueError, "this is no state of SGD"),
        ({"optimizer": "SGD", "lr": 0.1, "state": []}, ValueError, "the state of this SGD is a"),
        ({"optimizer": "SGD", "lr": 0.1, "state": 1.0}, ValueError, "the state of this SGD is a"),
        ({"optimizer": "SGD", "lr": 0.1, "state": ["a"]}, TypeError, "the state of SGD"),
        ({"optimizer": "SGD", "lr": -1, "state": [2.0]}, ValueError, "the learning rate must be"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(
    state: Any, error: type[Exception], message: str
) -> None:
    optimizer = nn.SGD([Value(1.0)], lr=0.5, momentum=0.9)
    before = optimizer.state_dict()
    with pytest.raises(error, match=f"^{message}"):
        optimizer.load_state_dict(state)
    assert optimizer.state_dict() == before


def test_a_momentum_that_came_later_is_refused() -> None:
    optimizer = nn.RMSprop([Value(1.0)])
    optimizer.momentum = 0.5
    with pytest.raises(ValueError, match=r"^RMSprop got its momentum after it was made"):
        optimizer.step()


@pytest.mark.parametrize("factor", [None, "a", Value(1.0)])
def test_a_factor_that_is_no_number_is_refused_and_moves_nothing(factor: Any) -> None:
    w = Value(1.0)
    optimizer = nn.SGD([w], lr=0.1, schedule=lambda _: factor)
    w.grad = 1.0
    with pytest.raises(TypeError, match=r"^a schedule's factor needs a real number, but got"):
        optimizer.step()
    assert (w.data, optimizer.steps.data, optimizer.lr) == (1.0, 0.0, 0.1)


def test_in_a_program_too() -> None:
    w = Value(1.0)
    optimizer = nn.SGD([w], lr=0.1, schedule=lambda _: None)
    with pytest.raises(TypeError, match=r"^a schedule's factor needs a real number, but got None"):
        compile(w * w, updates=optimizer.updates)


@pytest.mark.parametrize("engine", ENGINES[1:])
@pytest.mark.parametrize("name", BUILD)
def test_a_program_of_ones_own_has_the_bits_of_a_loop_by_hand(name: str, engine: str) -> None:
    found = []
    for by_hand in (True, False):
        w = Value(0.75)
        optimizer = BUILD[name]([w], schedule=nn.CosineDecay(7))
        loss = (w * w + w).sin()
        if by_hand:
            for _ in range(9):
                loss = (w * w + w).sin()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        else:
            compile(loss, updates=optimizer.updates, engine=engine).run(9)
        found.append(all_bits([v.data for v in optimizer.variables]))
    assert found[0] == found[1]
