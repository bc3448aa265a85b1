"""Memory stays flat however long a training runs: nothing is kept of what was done before.

Each job is done more and more often, and the blocks of memory that Python has in use are counted.
A job that kept a single block each time would be found.
"""

from __future__ import annotations

import copy
import gc
import linecache
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import nn
from autodiff import (
    Trace,
    Value,
    backward_steps,
    compile,
    detect_anomaly,
    draw,
    explain,
    grad,
    record_source,
    watch,
)
from autodiff.compiler.native import is_installed
from autodiff.pullback import PULLBACKS
from demos.lab import LAB

needs_llvmlite = pytest.mark.skipif(not is_installed(), reason="the native engine needs llvmlite")


def network() -> tuple[nn.MLP, nn.Optimizer]:
    model = nn.MLP(2, [2, 1], activation="tanh", rng=1)
    return model, nn.Adam(model.parameters(), lr=0.01)


def loss_of(model: nn.MLP) -> Value:
    return nn.mse_loss([model(row) for row in LAB.x], LAB.y)


def train_eager(model: nn.MLP, optimizer: nn.Optimizer) -> None:
    optimizer.zero_grad()
    loss_of(model).backward()
    optimizer.step()


def second_derivatives(model: nn.MLP, _optimizer: nn.Optimizer) -> None:
    first, *_ = grad(loss_of(model), model.parameters())
    first.backward()


def step_by_step(model: nn.MLP, _optimizer: nn.Optimizer) -> None:
    for _ in backward_steps(loss_of(model)):
        pass


def abandon_a_pass(model: nn.MLP, _optimizer: nn.Optimizer) -> None:
    next(iter(backward_steps(loss_of(model))))


def remove_a_hook(model: nn.MLP, _optimizer: nn.Optimizer) -> None:
    with model.parameters()[0].register_hook(float):
        loss_of(model).backward()


def leave_a_hook(model: nn.MLP, _optimizer: nn.Optimizer) -> None:
    loss = loss_of(model)
    loss.register_hook(float)
    loss.backward()


def look_for_anomalies(model: nn.MLP, _optimizer: nn.Optimizer) -> None:
    with detect_anomaly():
        loss_of(model).backward()


def record(model: nn.MLP, _optimizer: nn.Optimizer) -> None:
    with record_source():
        loss_of(model).backward()


def travel(model: nn.MLP, _optimizer: nn.Optimizer) -> None:
    trace = Trace(loss_of(model))
    trace.goto(len(trace))
    trace.back()


def ask_why(model: nn.MLP, _optimizer: nn.Optimizer) -> None:
    str(explain(model.parameters()[0], of=loss_of(model), paths=True))


def draw_it(model: nn.MLP, _optimizer: nn.Optimizer) -> None:
    assert draw(model([0.0, 1.0])).source


def copy_it(model: nn.MLP, _optimizer: nn.Optimizer) -> None:
    pickle.loads(pickle.dumps(copy.deepcopy(loss_of(model))))


def fit_it(engine: str) -> Callable[[nn.MLP, nn.Optimizer], None]:
    def fit(model: nn.MLP, optimizer: nn.Optimizer) -> None:
        nn.fit(model, LAB.x, LAB.y, optimizer=optimizer, epochs=3, engine=engine)

    return fit


def compile_it(model: nn.MLP, _optimizer: nn.Optimizer) -> None:
    program = compile(loss_of(model), engine="python")
    program()
    program.run(1)
    assert program.source


def run_into_an_error(model: nn.MLP, optimizer: nn.Optimizer) -> None:
    parameter = model.parameters()[0]
    parameter.data, number = float("nan"), parameter.data
    with pytest.raises(nn.NonFiniteLossError):
        nn.fit(model, LAB.x, LAB.y, optimizer=optimizer, epochs=1, engine="eager")
    parameter.data = number


def blocks_in_use() -> int:
    gc.collect()
    return sys.getallocatedblocks()


@pytest.fixture(autouse=True)
def nothing_is_left_over() -> Iterator[None]:
    yield
    gc.collect()
    assert not watch._alive
    assert watch.on_new_value is None


@pytest.mark.parametrize(
    ("job", "times"),
    [
        (train_eager, 1000),
        (second_derivatives, 100),
        (step_by_step, 200),
        (abandon_a_pass, 200),
        (remove_a_hook, 200),
        (leave_a_hook, 200),
        (look_for_anomalies, 200),
        (record, 200),
        (travel, 200),
        (ask_why, 100),
        (draw_it, 60),
        (copy_it, 100),
        (fit_it("eager"), 200),
        (fit_it("python"), 50),
        pytest.param(fit_it("native"), 30, marks=needs_llvmlite),
        (compile_it, 50),
        (run_into_an_error, 60),
    ],
)
def test_memory_is_flat(job: Callable[[nn.MLP, nn.Optimizer], Any], times: int) -> None:
    model, optimizer = network()
    for _ in range(times):  # what is made once is made now
        job(model, optimizer)
    before = blocks_in_use()
    for _ in range(2 * times):
        job(model, optimizer)
    assert blocks_in_use() - before < times


def test_one_training_of_many_epochs_keeps_their_losses_alone() -> None:
    for engine in ("eager", "python"):
        model, optimizer = network()
        counts = []
        for epochs in (1000, 3000):
            before = blocks_in_use()
            losses = nn.fit(
                model, LAB.x, LAB.y, optimizer=optimizer, epochs=epochs, engine=engine
            ).losses
            assert len(losses) == epochs
            counts.append(blocks_in_use() - before)
        # One float for each loss.
        assert counts[1] - counts[0] < 1.05 * 2000


def test_sources_of_programs_that_are_gone_are_forgotten() -> None:
    model, optimizer = network()
    compile_it(model, optimizer)
    gc.collect()
    before = set(linecache.cache)
    kept = len(PULLBACKS)
    for _ in range(100):
        compile_it(model, optimizer)
        nn.fit(model, LAB.x, LAB.y, optimizer=optimizer, epochs=1, engine="python")
    gc.collect()
    assert {name for name in linecache.cache if name not in before} == set()
    assert len(PULLBACKS) == kept
