"""fit(): engines that agree bit for bit, errors that lose nothing, and interruptions."""

from __future__ import annotations

import dataclasses
import inspect
import math
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import nn
from autodiff import Value
from autodiff.ops import Operation
from demos.lab import LAB
from nn.fit import NonFiniteLossError
from nn.rows import Rows
from nn.trainers import EagerTrainer, Job, ProgramTrainer, trainer_of
from tests.bits import all_bits
from tests.reference import OPTIMIZERS, lab_model

inf, nan = math.inf, math.nan

ENGINES = ("eager", "python")

X = [[0.1 * k, math.cos(2.0 * k)] for k in range(7)]
Y = [float(k % 2) for k in range(7)]
SIGNS = [2.0 * y - 1.0 for y in Y]


def network(outputs: int = 1, **settings: Any) -> nn.MLP:
    return nn.MLP(2, [3, outputs], **{"activation": "tanh", "rng": 5, **settings})


def trained(model: nn.Module, lr: float, epochs: int, **settings: Any) -> nn.History:
    """Return the history of gradient descent on X and Y."""
    optimizer = nn.SGD(model.parameters(), lr=lr)
    return nn.fit(model, X, Y, optimizer=optimizer, epochs=epochs, **settings)


def numbers_of(model: nn.Module, optimizer: nn.Optimizer) -> list[bytes]:
    return all_bits([v.data for v in [*model.parameters(), *optimizer.state]])


def ridge(parameters: list[Value]) -> Value:
    total = parameters[0] * parameters[0]
    for parameter in parameters[1:]:
        total = total + parameter * parameter
    return 0.01 * total


# ---- Engines agree --------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("shuffle", [None, 3])
@pytest.mark.parametrize("batch_size", [None, 1, 3])
@pytest.mark.parametrize("penalty", [None, ridge])
def test_the_engines_agree_bit_for_bit(
    name: str, shuffle: int | None, batch_size: int | None, penalty: Any
) -> None:
    found = []
    for engine in ENGINES:
        model = network()
        optimizer = OPTIMIZERS[name](model.parameters())
        history = nn.fit(
            model,
            X,
            Y,
            optimizer=optimizer,
            epochs=6,
            batch_size=batch_size,
            penalty=penalty,
            shuffle=shuffle,
            engine=engine,
        )
        assert history.engine == engine
        assert len(history.losses) == 6
        found.append((all_bits(history.losses), numbers_of(model, optimizer)))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("loss", "targets", "settings"),
    [
        (nn.mse_loss, Y, {}),
        (nn.hinge_loss, SIGNS, {"activation": "relu"}),
        (nn.binary_cross_entropy, Y, {"output_activation": "sigmoid"}),
        (nn.binary_cross_entropy_with_logits, Y, {}),
        (nn.cross_entropy, [k % 3 for k in range(7)], {"outputs": 3}),
        (nn.mse_loss, [[y, -y] for y in Y], {"outputs": 2}),
    ],
    ids=["mse", "hinge", "bce", "bce with logits", "cross-entropy", "mse of two outputs"],
)
def test_the_engines_agree_on_every_loss(
    loss: Callable[..., Value], targets: list[Any], settings: dict[str, Any]
) -> None:
    found = []
    for engine in ENGINES:
        model = network(**settings)
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        history = nn.fit(
            model, X, targets, loss=loss, optimizer=optimizer, epochs=8, batch_size=3, engine=engine
        )
        found.append((all_bits(history.losses), numbers_of(model, optimizer)))
        assert history.losses[-1] < history.losses[0]
    assert found[0] == found[1]


def test_fit_does_what_the_loop_of_a_textbook_does() -> None:
    model, twin = network(), network()
    history = trained(model, 0.1, 5)
    optimizer = nn.SGD(twin.parameters(), lr=0.1)
    losses = []
    for _ in range(5):
        loss = nn.mse_loss([twin(x) for x in X], Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.data)
    # The textbook's mean is one expression, fit's is summed row by row: other roundings.
    assert history.losses == pytest.approx(losses, rel=1e-13)
    ours, theirs = ([p.data for p in m.parameters()] for m in (model, twin))
    assert ours == pytest.approx(theirs, rel=1e-13)


@pytest.mark.parametrize("engine", [*ENGINES, "auto"])
def test_the_lab_prints_its_digits_with_fit(engine: str) -> None:
    model = lab_model()
    optimizer = nn.SGD(model.parameters(), lr=LAB.learning_rate)
    epochs = 2_001 if engine == "eager" else LAB.epochs
    history = nn.fit(model, LAB.x, LAB.y, optimizer=optimizer, epochs=epochs, engine=engine)
    printed = [f"{loss:.4f}" for loss in history.losses[:: LAB.log_every]]
    assert printed == [f"{loss:.4f}" for loss in LAB.losses[: len(printed)]]


def test_a_run_in_two_parts_is_the_run_in_one() -> None:
    whole, parts = network(), network()
    optimizers = [nn.Adam(model.parameters(), lr=0.02) for model in (whole, parts)]
    rng = random.Random(9)
    losses = nn.fit(
        whole, X, Y, optimizer=optimizers[0], epochs=9, batch_size=2, shuffle=random.Random(9)
    ).losses
    found: list[float] = []
    for epochs in (4, 5):
        found += nn.fit(
            parts, X, Y, optimizer=optimizers[1], epochs=epochs, batch_size=2, shuffle=rng
        ).losses
    assert all_bits(found) == all_bits(losses)
    assert numbers_of(parts, optimizers[1]) == numbers_of(whole, optimizers[0])


@pytest.mark.parametrize("engine", ENGINES)
def test_parameters_that_the_optimizer_does_not_have_stay_as_they_are(engine: str) -> None:
    model = network()
    frozen, trained = model.layers[0].parameters(), model.layers[1].parameters()
    before = [parameter.data for parameter in frozen]
    nn.fit(model, X, Y, optimizer=nn.SGD(trained, lr=0.1), epochs=3, engine=engine)
    assert [parameter.data for parameter in frozen] == before


@pytest.mark.parametrize("engine", ENGINES)
def test_gradients_are_cleared_at_the_end(engine: str) -> None:
    model = network()
    trained(model, 0.1, 3, engine=engine)
    assert not any(parameter.has_grad for parameter in model.parameters())


@pytest.mark.parametrize("engine", ENGINES)
def test_no_epochs_change_nothing(engine: str) -> None:
    model = network()
    optimizer = nn.Adam(model.parameters())
    before = numbers_of(model, optimizer)
    history = nn.fit(model, X, Y, optimizer=optimizer, epochs=0, engine=engine)
    assert (history.losses, numbers_of(model, optimizer)) == ([], before)


@pytest.mark.parametrize("engine", ENGINES)
def test_progress_hears_of_whole_epochs_up_to_the_last(engine: str) -> None:
    model = network()
    heard: list[tuple[int, float]] = []
    history = trained(
        model, 0.1, 40, engine=engine, progress=lambda done, loss: heard.append((done, loss))
    )
    assert heard[0][0] == 1
    assert heard[-1][0] == 40
    assert [loss for _, loss in heard] == [history.losses[done - 1] for done, _ in heard]


# ---- A loss that is not finite --------------------------------------------------------------


def explosive(engine: str, lr: float, **settings: Any) -> tuple[nn.MLP, NonFiniteLossError]:
    """Train a linear model at far too high a rate; return it and the error."""
    model = nn.MLP(2, [1], rng=1)
    optimizer = nn.SGD(model.parameters(), lr=lr, momentum=0.5)
    with pytest.raises(NonFiniteLossError) as caught:
        nn.fit(model, X, Y, optimizer=optimizer, epochs=5_000, engine=engine, **settings)
    return model, caught.value


@pytest.mark.parametrize("settings", [{}, {"batch_size": 2}, {"batch_size": 2, "shuffle": 4}])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("lr", [3.0, 1e3, 1e60])
def test_the_model_is_left_as_it_was_at_the_last_finite_loss(
    engine: str, settings: dict[str, Any], lr: float
) -> None:
    model, error = explosive(engine, lr, **settings)
    assert not math.isfinite(error.loss)
    assert all(map(math.isfinite, error.losses))
    assert error.epoch == len(error.losses)
    assert error.epoch > 0 or lr == 1e60
    assert f"the loss of epoch {error.epoch} is {error.loss}" in str(error)
    # The last finite loss was measured before its epoch's update: one epoch less than it says.
    twin = nn.MLP(2, [1], rng=1)
    optimizer = nn.SGD(twin.parameters(), lr=lr, momentum=0.5)
    epochs = max(0, error.epoch - 1)
    history = nn.fit(twin, X, Y, optimizer=optimizer, epochs=epochs, **settings)
    assert all_bits(history.losses) == all_bits(error.losses[:-1])
    assert all_bits([p.data for p in model.parameters()]) == all_bits(
        [p.data for p in twin.parameters()]
    )


def test_the_engines_agree_on_the_error_and_what_it_leaves() -> None:
    found = []
    for engine in ENGINES:
        model, error = explosive(engine, 3.0, batch_size=3, shuffle=7, penalty=ridge)
        found.append(
            (error.epoch, all_bits(error.losses), all_bits(p.data for p in model.parameters()))
        )
    assert found[0] == found[1]
    assert found[0][0] > 20  # behind several slices of epochs


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("bad", [inf, nan])
def test_a_loss_that_is_not_finite_in_the_first_epoch_leaves_the_model_as_it_was(
    engine: str, bad: float
) -> None:
    model = network()
    optimizer = nn.Adam(model.parameters())
    before = numbers_of(model, optimizer)
    rng = random.Random(3)
    state = rng.getstate()
    with pytest.raises(NonFiniteLossError, match=r"the loss of epoch 0 is ") as caught:
        nn.fit(
            model, [*X, [bad, 0.0]], [*Y, 0.0],
            optimizer=optimizer, epochs=5, engine=engine, shuffle=rng, batch_size=2,
            loss=lambda p, t: nn.mse_loss(p, t) * p[0] * 1e308 * 1e308,
        )  # fmt: skip
    assert (caught.value.epoch, caught.value.losses) == (0, [])
    assert numbers_of(model, optimizer) == before
    assert rng.getstate() == state


class Failing(nn.SGD):
    """Gradient descent that jumps to infinity at a given step."""

    def __init__(self, parameters: list[Value], at: int) -> None:
        super().__init__(parameters, lr=0.01)
        self.at = at
        self.state = [Value(0.0, "steps")]

    def rule(self, weights: Any, gradients: Any, state: Any) -> tuple[list[Any], list[Any]]:
        from autodiff import where

        moved, _ = super().rule(weights, gradients, state)
        done = state[0] + 1.0
        return [where(done - (self.at - 0.5), inf, w) for w in moved], [done]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("at", range(1, 14))
def test_wherever_in_a_slice_the_loss_fails_the_last_finite_numbers_come_back(
    engine: str, at: int
) -> None:
    model, twin = network(), network()
    optimizer = Failing(model.parameters(), at)
    with pytest.raises(NonFiniteLossError) as caught:
        nn.fit(model, X, Y, optimizer=optimizer, epochs=200, engine=engine)
    assert caught.value.epoch == at
    assert optimizer.state[0].data == at - 1
    nn.fit(twin, X, Y, optimizer=nn.SGD(twin.parameters(), lr=0.01), epochs=at - 1)
    assert all_bits(p.data for p in model.parameters()) == all_bits(
        p.data for p in twin.parameters()
    )


def test_the_error_survives_a_process_boundary() -> None:
    error = NonFiniteLossError(3, inf, [1.0, 2.0, 4.0])
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.epoch, again.loss, again.losses) == (str(error), 3, inf, error.losses)


# ---- Interruptions --------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_exception_of_progress_leaves_a_whole_epoch_and_its_losses(
    engine: str, error: type[BaseException]
) -> None:
    model, twin = network(), network()
    optimizer = nn.Adam(model.parameters())
    heard = []

    def stop(done: int, loss: float) -> None:
        heard.append(done)
        if len(heard) == 3:
            raise error("enough")

    with pytest.raises(error) as caught:
        nn.fit(
            model, X, Y, optimizer=optimizer, epochs=10_000, shuffle=2, batch_size=3,
            engine=engine, progress=stop,
        )  # fmt: skip
    again = nn.Adam(twin.parameters())
    history = nn.fit(twin, X, Y, optimizer=again, epochs=heard[-1], shuffle=2, batch_size=3)
    assert all_bits(caught.value.losses) == all_bits(history.losses)  # type: ignore[attr-defined]
    assert numbers_of(model, optimizer) == numbers_of(twin, again)


def test_an_exception_in_the_middle_of_an_eager_epoch_leaves_the_epoch_before() -> None:
    model, twin = network(), network()
    optimizer, rng = nn.Adam(model.parameters()), random.Random(2)
    calls = 0

    def loss(predictions: Any, targets: Any) -> Value:
        nonlocal calls
        calls += 1
        if calls == 300:
            raise KeyboardInterrupt
        return nn.mse_loss(predictions, targets)

    with pytest.raises(KeyboardInterrupt) as caught:
        nn.fit(
            model, X, Y, loss=loss, optimizer=optimizer, epochs=10_000, shuffle=rng, batch_size=3,
            engine="eager",
        )  # fmt: skip
    losses = caught.value.losses  # type: ignore[attr-defined]
    again, twin_rng = nn.Adam(twin.parameters()), random.Random(2)
    history = nn.fit(
        twin, X, Y, optimizer=again, epochs=len(losses), shuffle=twin_rng, batch_size=3
    )
    assert 0 < len(losses) < 43
    assert all_bits(losses) == all_bits(history.losses)
    assert numbers_of(model, optimizer) == numbers_of(twin, again)
    assert rng.getstate() == twin_rng.getstate()


INTERRUPTED = """
    import sys
    import nn
    from tests.test_fit import X, Y, network, numbers_of

    model = network()
    optimizer = nn.Adam(model.parameters())

    def ready(done, loss):
        if done > 1 and not told:
            told.append(print("training", flush=True))

    told = []
    try:
        nn.fit(
            model, X, Y, optimizer=optimizer, epochs=10**9, shuffle=2, batch_size=3,
            engine=sys.argv[1], progress=ready,
        )
    except KeyboardInterrupt as interrupt:
        losses = interrupt.losses
    twin = network()
    again = nn.Adam(twin.parameters())
    history = nn.fit(twin, X, Y, optimizer=again, epochs=len(losses), shuffle=2, batch_size=3)
    assert len(losses) > 1
    assert history.losses == losses
    assert numbers_of(model, optimizer) == numbers_of(twin, again)
    print("whole")
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signal that only one process gets")
@pytest.mark.parametrize("engine", ENGINES)
def test_ctrl_c_leaves_a_whole_epoch_and_its_losses(engine: str) -> None:
    root = Path(__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED), engine],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "training\n"
            time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (output, errors) == ("whole\n", "")


def times_zero(predictions: Any, targets: Any) -> Value:
    return predictions[0] * 0.0


@pytest.mark.parametrize("engine", ENGINES)
def test_losses_of_minus_zero_have_the_mean_zero(engine: str) -> None:
    model = nn.Neuron(2, nonlin=False)
    model.load_state_dict({"weight": [0.0, 0.0], "bias": -1.0})
    history = trained(model, 0.1, 2, loss=times_zero, engine=engine)
    assert all_bits(history.losses) == all_bits([0.0, 0.0])


def halved_where_the_target_is_positive(predictions: Any, targets: Any) -> Value:
    difference: Value = predictions[0] - targets[0]
    return difference * 0.5 if targets[0] > 0.0 else difference


def squared_to_one_or_zero(predictions: Any, targets: Any) -> Value:
    # == between a Value and a number compares objects.
    loss: Value = (predictions[0] - 1.0) ** 2 if targets[0] == 1.0 else predictions[0] ** 2
    return loss


def weighted_by_class(predictions: Any, targets: Any) -> Value:
    loss: Value = {0.0: 1.0, 1.0: 5.0}[targets[0]] * (predictions[0] - targets[0]) ** 2
    return loss


def times_e_to_the_target(predictions: Any, targets: Any) -> Value:
    loss: Value = math.exp(targets[0]) * (predictions[0] - targets[0]) ** 2
    return loss


def weighted_by_its_text(predictions: Any, targets: Any) -> Value:
    loss: Value = {"0": 1.0, "1": 5.0}[f"{targets[0]:.0f}"] * (predictions[0] - targets[0]) ** 2
    return loss


def weighted_by_its_name(predictions: Any, targets: Any) -> Value:
    loss: Value = (5.0 if "1" in str(targets[0]) else 1.0) * (predictions[0] - targets[0]) ** 2
    return loss


def weighted_if_the_class_is_known(predictions: Any, targets: Any) -> Value:
    loss: Value = {1.0: 5.0}.get(targets[0], 1.0) * (predictions[0] - targets[0]) ** 2
    return loss


def times_the_targets_number(predictions: Any, targets: Any) -> Value:
    target = targets[0].data if isinstance(targets[0], Value) else targets[0]
    loss: Value = target * (predictions[0] - target) ** 2
    return loss


@pytest.mark.parametrize(
    ("loss", "targets", "looks"),
    [
        (halved_where_the_target_is_positive, [2.0, -2.0], "compares a Value's number"),
        (halved_where_the_target_is_positive, [-2.0, 2.0], "compares a Value's number"),
        (squared_to_one_or_zero, [1.0, 1.0], "compares a Value's number"),
        (weighted_by_class, [1.0, 0.0], "uses a Value as a key"),
        (weighted_if_the_class_is_known, [0.0, 1.0], "uses a Value as a key"),
        (weighted_by_its_text, [1.0, 0.0], "makes a text of a Value"),
        (weighted_by_its_name, [1.0, 0.0], "makes a text of a Value"),
        (times_e_to_the_target, [1.0, 0.0], "turns a Value into a float"),
        (times_the_targets_number, [1.0, 3.0], "reads a Value's number"),
    ],
)
def test_a_loss_that_looks_at_its_targets_number_is_no_program(
    loss: Callable[..., Value], targets: list[float], looks: str
) -> None:
    found, reasons = {}, []
    for engine in ("auto", "eager"):
        model = nn.Neuron(1, nonlin=False, rng=1)
        optimizer = nn.SGD(model.parameters(), 0.01)
        history = nn.fit(
            model, [[0.0], [1.0]], targets,
            loss=loss, optimizer=optimizer, epochs=5, engine=engine,
        )  # fmt: skip
        assert history.engine == "eager"
        found[engine] = all_bits(history.losses), numbers_of(model, optimizer)
        reasons.append(history.reason)
    assert found["auto"] == found["eager"]
    lines, first = inspect.getsourcelines(loss)
    (line,) = [
        first + k
        for k, text in enumerate(lines)
        if re.search(r"if targ|\[targ|\(targ|{targ|0\].data", text)
    ]
    assert reasons[0].startswith(f"tests/test_fit.py:{line} {looks}")
    assert reasons[1] == ""
    message = (
        rf"^fit: {re.escape(reasons[0])}, which a program cannot do; pass engine=\"eager\", or ch"
    )
    with pytest.raises(ValueError, match=message):
        nn.fit(
            model, [[0.0], [1.0]], targets,
            loss=loss, optimizer=optimizer, epochs=5, engine="python",
        )  # fmt: skip


def warming_up() -> Iterator[float]:
    """Yield a weight that stays 0 for so long that no call or two would show it."""
    yield from [0.0] * 8
    while True:
        yield 1.0


def test_a_schedule_by_an_iterator_trains_as_the_eager_loop_does() -> None:
    found = {}
    for engine in ("auto", "eager"):
        model = nn.Neuron(1, nonlin=False, rng=1)
        optimizer = nn.SGD(model.parameters(), 0.01)
        weight = warming_up()

        def loss(predictions: Any, targets: Any, weight: Iterator[float] = weight) -> Value:
            total: Value = next(weight) * (predictions[0] - targets[0]) ** 2
            return total

        history = nn.fit(
            model, [[0.0], [1.0]], [1.0, 2.0],
            loss=loss, optimizer=optimizer, epochs=10, engine=engine,
        )  # fmt: skip
        found[engine] = all_bits(history.losses), numbers_of(model, optimizer)
        if engine == "auto":
            assert history.engine == "eager"
            assert history.reason == "the model or the loss has an iterator, [0]"
    assert found["auto"] == found["eager"]


class Doubled(nn.SGD):
    """An optimizer whose expressions are not what its rule does."""

    def updates(self, gradients: Any) -> Any:
        """Return the updates, twice as large."""
        return {each: 2.0 * new for each, new in super().updates(gradients).items()}


def test_an_optimizer_with_updates_of_its_own_is_no_program() -> None:
    model = nn.Neuron(1, nonlin=False, rng=1)
    optimizer = Doubled(model.parameters(), 0.01)
    history = nn.fit(model, [[0.0]], [1.0], optimizer=optimizer, epochs=1)
    assert (history.engine, history.reason) == ("eager", "Doubled has its own updates()")


SCALE = [1.0]


def scaled_square(x: float) -> float:
    return SCALE[0] * x * x


def scaled_square_partials(out: Any, x: Any) -> Any:
    return (2.0 * SCALE[0] * x,)


SCALED_SQUARE = Operation(
    "scaled_square", "scaled_square", 1, scaled_square, scaled_square_partials
)


def scaled_square_loss(predictions: Any, targets: Any) -> Value:
    return Value.make_node(SCALED_SQUARE, predictions[0] - targets[0])


@pytest.mark.parametrize("engine", ["auto", "python"])
def test_a_number_that_an_operation_takes_from_elsewhere_may_change_while_it_trains(
    engine: str,
) -> None:
    found = []
    for each in ("eager", engine):
        model = nn.Neuron(1, nonlin=False, rng=1)
        optimizer = nn.SGD(model.parameters(), 0.01)
        rows = Rows(model, [[0.0], [1.0]], [1.0, 2.0], scaled_square_loss)
        job, trainer, losses = Job(model, rows, optimizer, None, 2), None, []
        for scale in (1.0, 1.0, 0.5, 0.25):
            SCALE[0] = scale
            trainer = trainer_of(job, each, trainer)
            losses += trainer.run(1, None)
        assert isinstance(trainer, EagerTrainer if each == "eager" else ProgramTrainer)
        found.append((all_bits(losses), numbers_of(model, optimizer)))
    SCALE[0] = 1.0
    assert found[0] == found[1]


calls = [0]


def doubled_later(x: float) -> float:
    calls[0] += 1
    return x * (1.0 if calls[0] < 50 else 2.0)


def slope_of_one(out: Any, x: Any) -> Any:
    return (1.0,)


DOUBLED_LATER = Operation("doubled_later", "doubled_later", 1, doubled_later, slope_of_one)


def loss_doubled_later(predictions: Any, targets: Any) -> Value:
    return Value.make_node(DOUBLED_LATER, (predictions[0] - targets[0]) ** 2)


def test_an_operation_that_counts_its_calls_is_no_program() -> None:
    model = nn.Neuron(1, nonlin=False, rng=1)
    optimizer = nn.SGD(model.parameters(), 0.01)
    history = nn.fit(model, [[0.0]], [1.0], loss=loss_doubled_later, optimizer=optimizer, epochs=2)
    assert history.engine == "eager"
    assert history.reason == "the model or the loss changes calls[0] whenever it is called"


def test_a_loss_that_is_nan_for_a_target_is_a_program_all_the_same() -> None:
    model = nn.Neuron(1, nonlin=False, rng=1)
    optimizer = nn.SGD(model.parameters(), 0.01)
    with pytest.raises(NonFiniteLossError):
        nn.fit(model, [[1.0]], [nan], optimizer=optimizer, epochs=1, engine="python")


class Clipped(nn.SGD):
    """Gradient descent with gradients of 0.01 at most."""

    def step(self) -> None:
        for parameter in self.parameters:
            parameter.grad = max(-0.01, min(0.01, parameter.grad))
        super().step()


def test_an_optimizer_with_a_step_of_its_own_is_no_program() -> None:
    model = network()
    optimizer = Clipped(model.parameters(), 0.1)
    before = [parameter.data for parameter in model.parameters()]
    assert nn.fit(model, X, Y, optimizer=optimizer, epochs=1).engine == "eager"
    moved = [
        abs(parameter.data - number)
        for parameter, number in zip(model.parameters(), before, strict=True)
    ]
    assert 0.0 < max(moved) <= 0.001 * (1.0 + 1e-9)
    with pytest.raises(ValueError, match=r"^fit: Clipped has its own step\(\)"):
        nn.fit(model, X, Y, optimizer=optimizer, epochs=1, engine="python")


def nothing_of(gradient: float) -> float:
    return 0.0


def test_parameters_with_hooks_are_no_program() -> None:
    model = network()
    frozen = model.parameters()[0]
    before = frozen.data
    optimizer = nn.SGD(model.parameters(), 0.1)
    with frozen.register_hook(nothing_of):
        assert nn.fit(model, X, Y, optimizer=optimizer, epochs=3).engine == "eager"
        assert frozen.data == before
        with pytest.raises(ValueError, match=r"^fit: hidden.weight.* has a hook, which a program"):
            nn.fit(model, X, Y, optimizer=optimizer, epochs=3, engine="python")
    nn.fit(model, X, Y, optimizer=optimizer, epochs=3, engine="python")
    assert frozen.data != before


@pytest.mark.parametrize("engine", ENGINES)
def test_a_batch_that_is_larger_than_the_data_is_all_of_it(engine: str) -> None:
    found = []
    for batch_size in (None, 7, 8, 2**63, 2**64 + 1):
        model = network()
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        history = nn.fit(
            model, X, Y, optimizer=optimizer, epochs=2, batch_size=batch_size, engine=engine
        )
        found.append((all_bits(history.losses), numbers_of(model, optimizer)))
    assert found == found[:1] * 5


def test_a_history_cannot_be_changed_by_accident() -> None:
    model = network()
    history = trained(model, 0.1, 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        history.losses = []  # type: ignore[misc]


def test_auto_is_a_compiled_program() -> None:
    model = network()
    assert trained(model, 0.1, 1).engine in ("python", "native")


def test_the_eager_loop_stops_behind_a_first_loss_that_is_not_finite() -> None:
    model = network()
    rows = Rows(model, X, [inf] * len(X), nn.mse_loss)
    job = Job(model, rows, nn.SGD(model.parameters(), lr=0.1), None, len(X))
    trainer = EagerTrainer(job)
    assert trainer.run(5, None) == [inf]


# ---- Names ----------------------------------------------------------------------------------


def named_loss(predictions: Any, targets: Any) -> Value:
    loss = nn.mse_loss(predictions, targets)
    loss.label = "error"
    return loss


@pytest.mark.parametrize(("loss", "name"), [(nn.mse_loss, "loss"), (named_loss, "error")])
@pytest.mark.parametrize(
    ("target", "targets"), [(1.0, "target"), ([1.0, 0.0], "target_0, target_1")]
)
def test_the_program_names_its_inputs_its_targets_and_its_loss(
    loss: Any, name: str, target: Any, targets: str
) -> None:
    model = network(1 if targets == "target" else 2)
    rows = Rows(model, [[0.5, 0.25]], [target], loss)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    trainer = trainer_of(Job(model, rows, optimizer, None, 1), "python")
    assert isinstance(trainer, ProgramTrainer)
    program = trainer.program
    assert f"(x_0, x_1, {targets}) = inputs" in program.source
    assert program.title == f"program for {name}"


# ---- Arguments ------------------------------------------------------------------------------


def a_number(*_: Any) -> float:
    return 0.5


def nothing(_: Any) -> None:
    return None


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"model": lambda x: x}, TypeError, "needs a Module as its model, but got the function"),
        ({"optimizer": "adam"}, TypeError, "fit needs an optimizer, but got the str 'adam'"),
        ({"optimizer": nn.SGD([Value(1.0)], 0.1)}, ValueError, "none of the model's parameters"),
        ({"loss": "mse"}, TypeError, "needs a function as loss, but got the str 'mse'"),
        ({"loss": None}, TypeError, "needs a function as loss, but got None"),
        ({"penalty": 0.01}, TypeError, "needs a function as penalty, but got the float 0.01"),
        ({"progress": True}, TypeError, "needs a function as progress, but got the bool True"),
        ({"epochs": -1}, ValueError, "the number of epochs must be an int, 0 or more"),
        ({"epochs": 2.0}, ValueError, "the number of epochs must be an int, 0 or more"),
        ({"epochs": True}, ValueError, "the number of epochs must be an int, 0 or more"),
        ({"batch_size": 0}, ValueError, "number of rows in a batch must be an int, 1 or more"),
        (
            {"batch_size": 2.5},
            ValueError,
            "number of rows in a batch must be an int, 1 or more",
        ),
        ({"engine": "gpu"}, ValueError, "engine must be one of auto, eager, python"),
        ({"shuffle": True}, TypeError, "shuffle must be an int as seed.*but got the bool True"),
        ({"shuffle": False}, TypeError, "shuffle must be an int as seed.*but got the bool False"),
        ({"shuffle": "yes"}, TypeError, "shuffle must be an int as seed"),
        ({"x": []}, ValueError, "7 of y"),
        ({"x": [], "y": []}, ValueError, "at least one row"),
        ({"x": X[:-1]}, ValueError, "a target a row, but got 6 rows of x and 7 of y"),
        ({"y": Y[:-1]}, ValueError, "a target a row, but got 7 rows of x and 6 of y"),
        ({"x": [*X[:-1], [1.0]]}, ValueError, "got 1\nfit: that was x\\[6\\]"),
        ({"x": [*X[:-1], [1.0] * 3]}, ValueError, "got 3\nfit: that was x\\[6\\]"),
        ({"x": [X[0], [1.0], *X[2:]]}, ValueError, "got 1\nfit: that was x\\[1\\]"),
        ({"x": [[1.0]] * 7}, ValueError, "hidden takes 2 inputs, but got 1"),
        ({"x": [1.0] * 7}, TypeError, r"x\[0\] must be a list of numbers, but is the float 1.0"),
        ({"x": [["a", "b"]] * 7}, TypeError, r"x\[0\] needs a real number, but got the str 'a'"),
        ({"x": ["ab"] * 7}, TypeError, r"x\[0\] must be a list of numbers, but is the str"),
        ({"y": [*Y[:-1], "a"]}, TypeError, r"y\[6\]"),
        ({"y": [*Y[:-1], None]}, TypeError, r"y\[6\] needs a real number, but got None"),
        ({"y": [*Y[:-1], [1.0, 2.0]]}, TypeError, "target needs a real number, but got the list"),
        ({"y": Y, "loss": nn.hinge_loss}, ValueError, "hinge_loss needs targets of -1 and 1"),
        ({"y": Y, "loss": nn.cross_entropy}, ValueError, "each class, but the model has one"),
        ({"x": None}, TypeError, "fit needs a list of rows as x, but got None"),
        ({"y": 1.0}, TypeError, "fit needs a list of targets as y, but got the float 1.0"),
        ({"loss": a_number}, TypeError, "the loss must return a Value, but returned the float 0.5"),
        ({"penalty": a_number}, TypeError, "the penalty must return a Value, but returned the fl"),
        ({"penalty": nothing}, TypeError, "the penalty must return a Value, but returned None"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_and_change_nothing(
    changed: dict[str, Any], error: type[Exception], message: str
) -> None:
    model = network()
    arguments: dict[str, Any] = {"model": model, "x": X, "y": Y, "epochs": 1}
    arguments |= {"optimizer": nn.SGD(model.parameters(), lr=0.1)} | changed
    before = all_bits(parameter.data for parameter in model.parameters())
    for engine in ENGINES:
        with pytest.raises(error, match=message):
            nn.fit(**{"engine": engine, **arguments})
        assert all_bits(parameter.data for parameter in model.parameters()) == before
        assert not any(parameter.has_grad for parameter in model.parameters())


@pytest.mark.parametrize(
    "targets",
    [
        [k % 3 for k in range(7)],
        [[0.25, 0.5, 0.25] for _ in range(7)],
        # Classes as lists cost a last digit more or less than as numbers.
        [[1.0, 0.0, 0.0], *[1 for _ in range(6)]],
    ],
    ids=["classes", "lists", "both"],
)
def test_cross_entropy_is_that_of_the_targets_as_they_are_given(targets: list[Any]) -> None:
    for engine in ENGINES:
        model = network(3)
        for parameter in model.parameters():
            parameter.data *= 10.0
        lists = any(isinstance(target, list) for target in targets)
        total = 0.0
        for row, target in zip(X, targets, strict=True):
            wanted = [0.0, 1.0, 0.0] if lists and target == 1 else target
            total += nn.cross_entropy([model(row)], [wanted]).data
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        history = nn.fit(
            model, X, targets, loss=nn.cross_entropy, optimizer=optimizer, epochs=1, engine=engine
        )
        assert all_bits(history.losses) == all_bits([total / 7])


@pytest.mark.parametrize("target", [-1, 3, 4, 0.5, 3.0, True, "a"])
def test_a_class_that_there_is_not_is_refused(target: Any) -> None:
    model = network(3)
    message = "^y\\[0\\] must be (a class from 0 to 2, but got|a list of numbers, but is the st)"
    with pytest.raises((ValueError, TypeError), match=message):
        nn.fit(
            model, X[:1], [target],
            loss=nn.cross_entropy, optimizer=nn.SGD(model.parameters(), lr=0.1), epochs=1,
        )  # fmt: skip


def test_numpys_arrays_may_be_rows_and_targets() -> None:
    numpy = pytest.importorskip("numpy", reason="its arrays are what is tested")
    found = []
    for x, y in ((X, Y), (numpy.array(X), numpy.array(Y))):
        model = network()
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        found.append(nn.fit(model, x, y, optimizer=optimizer, epochs=3).losses)
    assert all_bits(found[0]) == all_bits(found[1])
    classes = [[0, 2, 1], numpy.array([0, 2, 1])]
    losses = []
    for y in classes:
        model = network(3)
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        losses.append(
            nn.fit(model, X[:3], y, loss=nn.cross_entropy, optimizer=optimizer, epochs=3).losses
        )
    assert losses[0] == losses[1]
    pairs = numpy.array([[y, -y] for y in Y])
    model = network(2)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    assert len(nn.fit(model, X, pairs, optimizer=optimizer, epochs=2).losses) == 2


def test_a_fit_whose_dropout_drops_nothing_says_so() -> None:
    """PyTorch says nothing: such a model trains as if it had no dropout."""

    class Dropping(nn.Module):
        def __init__(self, p: float) -> None:
            self.dropout = nn.Dropout(p, rng=3)
            self.outer = nn.Neuron(2, nonlin=False, rng=1)

        def __call__(self, x: Any) -> Any:
            return self.outer(self.dropout(x))

    def losses(model: nn.Module) -> list[float]:
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        return nn.fit(model, [[1.0, 2.0]], [1.0], optimizer=optimizer, epochs=3).losses

    evaluating = Dropping(0.5)
    evaluating.eval()
    with pytest.warns(
        UserWarning, match=r"in eval\(\) mode and drops nothing: call model.train\(\)"
    ):
        found = losses(evaluating)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert found == losses(Dropping(0.0))
        assert found != losses(Dropping(0.5))
        assert losses(nn.Neuron(2, rng=1).eval())
