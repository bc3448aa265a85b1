"""Memory stays flat however long a training runs: nothing is kept of what was done before.

Each job is done many times, and the blocks of memory that Python has in use are counted before
and after.  A job that keeps a single block each time is found; what Python itself keeps now and
then, it does not keep in each of several rounds.
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
)
from autodiff.compiler.native import is_installed
from autodiff.ops import Operation
from autodiff.support import watch
from demos.lab import LAB

# The measurement itself remembers every compiled program.
pytestmark = pytest.mark.unmeasured

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


def twice(x: Any) -> Any:
    return x + x


def twice_partials(out: Any, x: Any) -> tuple[Any]:
    return (2.0,)


def make_operations(_model: nn.MLP, _optimizer: nn.Optimizer) -> None:
    for place in range(100):
        op = Operation(f"twice{place}", f"twice{place}", 1, twice, twice_partials)
        x = Value(3.0)
        Value.make_node(op, x).backward()
        assert x.grad == 2.0


def run_into_an_error(model: nn.MLP, optimizer: nn.Optimizer) -> None:
    parameter = model.parameters()[0]
    parameter.data, number = float("nan"), parameter.data
    with pytest.raises(nn.NonFiniteLossError):
        nn.fit(model, LAB.x, LAB.y, optimizer=optimizer, epochs=1, engine="eager")
    parameter.data = number


def blocks_in_use() -> int:
    if sys.version_info < (3, 12):
        # `match` then looks "__match_args__" up as a new string each time; Python's own cache of
        # 4,096 attributes keeps it.
        sys._clear_type_cache()
    gc.collect()
    return sys.getallocatedblocks()


@pytest.fixture(autouse=True)
def nothing_is_left_over() -> Iterator[None]:
    yield
    gc.collect()
    assert not watch._alive
    assert watch.on_new_value is None


# A leak is kept in every round; pickle's tables take some rounds to be as large as they get.
ROUNDS = 10


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("job", "times"),
    [
        (train_eager, 100),
        (second_derivatives, 30),
        (step_by_step, 30),
        (abandon_a_pass, 30),
        (remove_a_hook, 30),
        (leave_a_hook, 30),
        (look_for_anomalies, 30),
        (record, 30),
        (travel, 30),
        (ask_why, 30),
        (draw_it, 30),
        (copy_it, 30),
        (fit_it("eager"), 30),
        (fit_it("python"), 20),
        pytest.param(fit_it("native"), 20, marks=needs_llvmlite),
        (compile_it, 20),
        (make_operations, 20),
        (run_into_an_error, 30),
    ],
)
def test_memory_is_flat(job: Callable[[nn.MLP, nn.Optimizer], Any], times: int) -> None:
    model, optimizer = network()
    growths = []
    for _ in range(1 + ROUNDS):  # what is made once is made in the first
        before = blocks_in_use()
        for _ in range(times):
            job(model, optimizer)
        growths.append(blocks_in_use() - before)
        if growths[-1] < times / 2:
            return
    pytest.fail(f"{times} times more kept {growths} blocks of memory")


@pytest.mark.thorough
def test_a_job_that_keeps_a_block_each_time_is_found() -> None:
    kept: list[float] = []

    def keep(model: nn.MLP, _optimizer: nn.Optimizer) -> None:
        kept.append(model.parameters()[0].data + len(kept))

    with pytest.raises(pytest.fail.Exception, match="20 times more kept"):
        test_memory_is_flat(keep, 20)


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ["eager", "python"])
def test_a_training_keeps_one_number_for_each_epoch(engine: str) -> None:
    def blocks_after(epochs: int) -> int:
        model, optimizer = network()
        before = blocks_in_use()
        history = nn.fit(model, LAB.x, LAB.y, optimizer=optimizer, epochs=epochs, engine=engine)
        assert len(history.losses) == epochs
        return blocks_in_use() - before

    blocks_after(10)
    fewer, more = blocks_after(500), blocks_after(1500)
    assert more - fewer == pytest.approx(1000, abs=100)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["eager", "python"])
def test_memory_is_flat_over_ten_thousand_epochs(engine: str) -> None:
    model, optimizer = network()
    blocks = []
    for _ in range(11):
        nn.fit(model, LAB.x, LAB.y, optimizer=optimizer, epochs=1000, engine=engine)
        blocks.append(blocks_in_use())
    assert blocks[-1] - blocks[0] < 1000


@pytest.mark.thorough
def test_sources_of_programs_that_are_gone_are_forgotten() -> None:
    model, optimizer = network()
    compile_it(model, optimizer)
    gc.collect()
    # The last program's are taken out when the next one comes.
    kept = len(sources_of_programs())
    for _ in range(30):
        compile_it(model, optimizer)
    gc.collect()
    compile_it(model, optimizer)
    gc.collect()
    assert len(sources_of_programs()) <= kept  # those of another test may go, too


def sources_of_programs() -> list[str]:
    """Return the names of the sources of programs."""
    return [name for name in linecache.cache if name.startswith("<program")]


def test_operations_of_ones_own_leave_no_sources() -> None:
    model, optimizer = network()
    kept = set(linecache.cache)
    make_operations(model, optimizer)
    assert set(linecache.cache) == kept
