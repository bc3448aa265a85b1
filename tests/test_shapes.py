"""Rows of different lengths: one program a shape, and the bits of the eager engine."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autodiff import Program, Value, exp, log, pick, where
from autodiff.compiler import ShapedProgram, native_shapes
from autodiff.compiler.guard import GuardedRunner
from autodiff.compiler.native import is_installed
from autodiff.compiler.native_shapes import NativeShapes
from autodiff.ops import Operation
from autodiff.value import constant
from nn.fit import NonFiniteLossError
from nn.rows import Rows
from nn.trainers import EagerTrainer, Job, ProgramTrainer, trainer_of
from tests.bits import all_bits
from tests.engines import each_engine, each_program, needs_llvmlite
from tests.reference import OPTIMIZERS

TOKENS, WIDTH = 4, 2


class Reader(nn.Module):
    """Reads tokens one after the other, and says after each what may come next.

    Its embedding is picked, its last layer is there for rows of three tokens and more alone.
    """

    def __init__(self) -> None:
        rng = random.Random(1)
        self.table = [[Value(rng.gauss(0.0, 0.5)) for _ in range(WIDTH)] for _ in range(TOKENS)]
        self.step = nn.Layer(2 * WIDTH, WIDTH, activation="tanh", rng=rng)
        self.logits = nn.Layer(WIDTH, TOKENS, activation=None, rng=rng)
        self.longer = nn.Layer(WIDTH, WIDTH, activation="relu", rng=rng)

    def __call__(self, tokens: Sequence[Any]) -> list[list[Value]]:
        state: list[Any] = [0.0] * WIDTH
        said = []
        for token in tokens:
            embedded = [pick(token, column) for column in zip(*self.table, strict=True)]
            state = self.step([*embedded, *state])
            if len(tokens) > 2:
                state = self.longer(state)
            said.append(self.logits(state))
        return said


def surprise(logits: Sequence[Value], following: Any) -> Value:
    return log(sum(exp(logit) for logit in logits)) - pick(following, logits)


def mean_surprise(predictions: Any, targets: Any) -> Value:
    (said,), (tokens,) = predictions, targets
    total = sum(surprise(logits, token) for logits, token in zip(said, tokens, strict=True))
    return total / len(tokens)  # type: ignore[no-any-return]


def documents(count: int = 11, seed: int = 4) -> tuple[list[list[int]], list[list[int]]]:
    """Return documents of 1 to 4 tokens, and what follows after each."""
    rng = random.Random(seed)
    drawn = [[rng.randrange(TOKENS) for _ in range(2 + place % 4)] for place in range(count)]
    rng.shuffle(drawn)
    return [document[:-1] for document in drawn], [document[1:] for document in drawn]


def ridge(parameters: list[Value]) -> Value:
    return 0.01 * sum(parameter * parameter for parameter in parameters)  # type: ignore[no-any-return]


def fitted(
    model: nn.Module, engine: str, rows: Any, lr: float = 0.01, **settings: Any
) -> nn.History:
    """Return the history of one epoch of gradient descent over rows and targets."""
    optimizer = nn.SGD(model.parameters(), lr=lr)
    return nn.fit(model, *rows, engine=engine, **{"optimizer": optimizer, "epochs": 1, **settings})


def numbers_of(model: nn.Module, optimizer: nn.Optimizer) -> list[bytes]:
    return all_bits([v.data for v in [*model.parameters(), *optimizer.state]])


def read(engine: str, name: str = "Adam", **settings: Any) -> tuple[list[bytes], list[bytes]]:
    """Train a reader; return the bits of its losses, and of its weights and what is remembered."""
    model = Reader()
    optimizer = OPTIMIZERS[name](model.parameters())
    arguments = {"loss": mean_surprise, "optimizer": optimizer, "epochs": 3, **settings}
    history = nn.fit(model, *documents(), engine=engine, **arguments)
    assert (history.engine, history.reason) == (engine, "")
    return all_bits(history.losses), numbers_of(model, optimizer)


eager = cache(partial(read, "eager"))


# --------------------------------------------------------------------------------------------
# Engines agree
# --------------------------------------------------------------------------------------------


@pytest.mark.unmeasured
@each_program
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_has_the_eager_bits_on_rows_of_different_lengths(
    name: str, engine: str
) -> None:
    arguments: dict[str, Any] = {"batch_size": 3, "shuffle": 7, "penalty": ridge}
    assert read(engine, name, **arguments) == eager(name, **arguments)


def first(parameters: list[Value]) -> Value:
    return parameters[0]


def nothing_of(parameters: list[Value]) -> Value:
    return where(parameters[0] - 1e3, parameters[1], 0.5)  # the first is smaller


@each_program
@pytest.mark.parametrize("penalty", [first, sum, nothing_of])
def test_any_penalty_has_the_eager_bits(penalty: Callable[..., Value], engine: str) -> None:
    arguments: dict[str, Any] = {"batch_size": 3, "penalty": penalty}
    assert read(engine, **arguments) == eager(**arguments)


@pytest.mark.unmeasured
@each_program
@pytest.mark.parametrize("batch_size", [None, 1, 4, 2**64 + 1])
@pytest.mark.parametrize("shuffle", [None, 3])
@pytest.mark.parametrize("penalty", [None, ridge])
def test_batches_that_mix_shapes_have_the_eager_bits(
    batch_size: int | None, shuffle: int | None, penalty: Any, engine: str
) -> None:
    arguments = {"batch_size": batch_size, "shuffle": shuffle, "penalty": penalty}
    assert read(engine, **arguments) == eager(**arguments)


class Sum(nn.Module):
    """A chain over a row: w * w * ... with each number added on the way; it may have none."""

    def __init__(self, weight: float = 0.75) -> None:
        self.w = [Value(weight, "w")]

    def __call__(self, x: Sequence[Any]) -> Value:
        total = self.w[0] * 1.5
        for number in x:
            total = where(number, (total * self.w[0] + number).relu(), total - number)
        return total


@each_program
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_rows_of_any_lengths_in_any_batches_have_the_eager_bits(
    data: st.DataObject, engine: str
) -> None:
    number = st.floats(-2.0, 2.0) | st.sampled_from([0.0, -0.0, 1e200, 5e-324])
    rows = data.draw(st.lists(st.lists(number, max_size=3), min_size=2, max_size=8))
    target = number | st.lists(number, min_size=1, max_size=2)
    targets = data.draw(st.lists(target, min_size=len(rows), max_size=len(rows)))
    batch_size = data.draw(st.integers(1, 9))
    found = []
    for each in ("eager", engine):
        model = Sum()
        optimizer = nn.SGD(model.parameters(), lr=0.01, momentum=0.5)
        made = Rows(model, rows, targets, squares)
        trainer = trainer_of(Job(model, made, optimizer, None, batch_size), each)
        assert isinstance(trainer, EagerTrainer if each == "eager" else ProgramTrainer)
        losses = trainer.run(2, random.Random(1))
        if not all(map(math.isfinite, losses)):
            return  # the eager loop stops there
        found.append((all_bits(losses), numbers_of(model, optimizer)))
    assert found[0] == found[1]


def squares(predictions: Any, targets: Any) -> Value:
    """The squared distances of a prediction from one target, or from several."""
    (prediction,), (target,) = predictions, targets
    wanted = target if isinstance(target, list) else [target]
    return sum((prediction - each) ** 2 for each in wanted)  # type: ignore[no-any-return]


@each_engine
def test_the_mean_gradient_is_that_of_a_sum_over_rows(engine: str) -> None:
    """Of (w x1 - y)**2 and (w x1 x2 - y)**2 at w = 1, worked out by hand.

    With rows [2], 1 and [2, 3], 4: losses 1 and 4, gradients 2 * 1 * 2 and 2 * 2 * 6, mean 14.
    """

    class Product(nn.Module):
        def __init__(self) -> None:
            self.w = [Value(1.0, "w")]

        def __call__(self, x: Sequence[Any]) -> Value:
            return math.prod(x, start=self.w[0])

    model = Product()
    history = fitted(model, engine, ([[2.0], [2.0, 3.0]], [1.0, 4.0]), lr=0.125)
    assert (history.losses, model.w[0].data) == ([2.5], 1.0 - 0.125 * 14.0)


class Either(nn.Module):
    """Uses its second weight for rows of two numbers alone."""

    def __init__(self) -> None:
        self.w = [Value(1.0, "w[0]"), Value(-0.0, "w[1]")]

    def __call__(self, x: Sequence[Any]) -> Value:
        return self.w[len(x) - 1] * x[0]


@each_engine
def test_what_no_row_of_a_batch_reaches_has_a_gradient_of_0_and_the_penalty_s(engine: str) -> None:
    """A weight of -0.0 and a penalty's gradient of -0.0: 0.0 + -0.0 is 0.0, and -0.0 stays."""
    model = Either()
    arguments: Any = {"penalty": ridge, "lr": 0.1, "batch_size": 1}
    fitted(model, engine, ([[1.0], [2.0, 1.0]], [1.0, 0.0]), **arguments)
    assert all_bits([model.w[1].data]) == all_bits([-0.0])
    # So it is in the program of one shape, where that never reaches it.
    fitted(model, engine, ([[1.0], [2.0]], [1.0, 0.0]), **arguments)
    assert all_bits([model.w[1].data]) == all_bits([-0.0])


@each_engine
def test_targets_may_have_different_lengths_too(engine: str) -> None:
    """The means of the squares: ((1-2)**2 + (1-4)**2)/... of targets [2, 4] and [3] at w = 1."""
    model = Sum(1.0)
    model.w[0].data = 2.0 / 3.0  # times 1.5
    history = fitted(model, engine, ([[], []], [[2.0, 4.0], [3.0]]), lr=0.0, loss=squares)
    assert history.losses == [((1.0 + 9.0) + 4.0) / 2.0]


class NothingOfNothing(Sum):
    """Says 0 of a row without numbers, whatever its weight is."""

    def __call__(self, x: Sequence[Any]) -> Value:
        return super().__call__(x) if x else constant(0.0)


@each_engine
def test_a_row_may_have_no_numbers_and_reach_no_weight(engine: str) -> None:
    """At w = 1 a row of one 0 gives 1.5 w - 0, and the losses are (0 - 3)**2 and (1.5 - 1)**2."""
    model = NothingOfNothing(1.0)
    history = fitted(model, engine, ([[], [0.0]], [3.0, 1.0]), lr=0.0, loss=squares)
    assert history.losses == [(9.0 + 0.25) / 2.0]


@each_program
def test_rows_of_one_length_are_one_program_over_rows(engine: str) -> None:
    model = Sum()
    rows = Rows(model, [[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0], nn.mse_loss)
    job = Job(model, rows, nn.SGD(model.parameters(), lr=0.1), None, 2)
    trainer = trainer_of(job, engine)
    assert isinstance(trainer, ProgramTrainer)
    assert isinstance(trainer.program, Program)


@each_program
def test_there_is_a_program_for_each_shape_that_rows_have(engine: str) -> None:
    model = Sum()
    x, y = [[1.0], [], [2.0], [1.0, 2.0], [0.5]], [1.0, 1.0, 2.0, [1.0, 2.0], [3.0]]
    rows = Rows(model, x, y, squares)
    assert (rows.shapes, rows.firsts) == ([0, 1, 0, 2, 3], [0, 1, 3, 4])
    trainer = trainer_of(Job(model, rows, nn.SGD(model.parameters(), lr=0.1), None, 2), engine)
    assert isinstance(trainer, ProgramTrainer)
    assert isinstance(trainer.program, ShapedProgram)
    assert trainer.program.shapes == 4


@pytest.mark.thorough
@each_program
def test_parameters_that_the_optimizer_does_not_have_stay_as_they_are(engine: str) -> None:
    found = []
    for each in ("eager", engine):
        model = Reader()
        frozen = model.step.parameters()
        before = [parameter.data for parameter in frozen]
        trained = [*model.logits.parameters(), *model.table[0]]
        optimizer = nn.SGD(trained, lr=0.1, momentum=0.5)
        arguments: Any = {"loss": mean_surprise, "optimizer": optimizer, "penalty": ridge}
        history = nn.fit(model, *documents(), epochs=2, batch_size=2, engine=each, **arguments)
        assert [parameter.data for parameter in frozen] == before
        found.append((all_bits(history.losses), numbers_of(model, optimizer)))
    assert found[0] == found[1]


@needs_llvmlite
def test_all_programs_have_a_variable_at_the_same_place_of_one_memory() -> None:
    model = Reader()
    optimizer = nn.Adam(model.parameters())
    rows = Rows(model, *documents(), mean_surprise)
    trainer = trainer_of(Job(model, rows, optimizer, None, 2), "native")
    assert isinstance(trainer, ProgramTrainer)
    assert isinstance(trainer.program, ShapedProgram)
    guarded = trainer.program.runner
    assert isinstance(guarded, GuardedRunner)
    runner = guarded.runner
    assert isinstance(runner, NativeShapes)
    places = [runner.places[variable] for variable in (*model.parameters(), *optimizer.state)]
    assert len(set(places)) == len(places)
    assert len(runner.functions) == 1 + len(rows.firsts)
    trainer.run(1, None)
    memory = runner.memory
    assert memory is not None
    trainer.run(3, None)
    assert runner.memory is memory
    assert [memory[place] for place in places] == [
        variable.data for variable in (*model.parameters(), *optimizer.state)
    ]


# --------------------------------------------------------------------------------------------
# What happens on the way
# --------------------------------------------------------------------------------------------


@pytest.mark.thorough
@each_engine
def test_a_run_in_two_parts_is_the_run_in_one(engine: str) -> None:
    whole, parts, rng = Reader(), Reader(), random.Random(9)
    optimizers = [nn.Adam(model.parameters(), lr=0.02) for model in (whole, parts)]
    arguments: Any = {"loss": mean_surprise, "batch_size": 2, "engine": engine}
    losses = nn.fit(
        whole, *documents(), optimizer=optimizers[0], epochs=5, shuffle=9, **arguments
    ).losses
    found = []
    for epochs in (2, 3):
        found += nn.fit(
            parts, *documents(), optimizer=optimizers[1], epochs=epochs, shuffle=rng, **arguments
        ).losses
    assert all_bits(found) == all_bits(losses)
    assert numbers_of(parts, optimizers[1]) == numbers_of(whole, optimizers[0])


@each_program
def test_a_loss_that_is_not_finite_leaves_the_last_finite_model(engine: str) -> None:
    found = []
    for each in ("eager", engine):
        model = Sum()
        optimizer = nn.SGD(model.parameters(), lr=0.5, momentum=0.5)
        with pytest.raises(NonFiniteLossError) as caught:
            nn.fit(
                *(model, [[1.0], [2.0, 3.0], []], [1.0, 1.0, 3.0]),
                optimizer=optimizer, epochs=2000, batch_size=2, shuffle=5, engine=each,
            )  # fmt: skip
        error = caught.value
        found.append((error.epoch, all_bits(error.losses), numbers_of(model, optimizer)))
    assert found[0] == found[1]
    assert found[0][0] > 0


@pytest.mark.thorough
@each_engine
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_exception_of_progress_leaves_a_whole_epoch(
    engine: str, error: type[BaseException]
) -> None:
    model, twin = Reader(), Reader()
    arguments: Any = {"loss": mean_surprise, "batch_size": 2}

    def stop(done: int, loss: float) -> None:
        raise error("enough")

    optimizer = nn.Adam(model.parameters())
    with pytest.raises(error) as caught:
        nn.fit(
            *(model, *documents()),
            optimizer=optimizer, epochs=500, engine=engine, progress=stop, **arguments,
        )  # fmt: skip
    losses = caught.value.losses  # type: ignore[attr-defined]
    other = nn.Adam(twin.parameters())
    history = nn.fit(twin, *documents(), optimizer=other, epochs=len(losses), **arguments)
    assert all_bits(losses) == all_bits(history.losses)
    assert numbers_of(model, optimizer) == numbers_of(twin, other)


class Scaled(Sum):
    """Multiplies rows of two numbers and more by a setting."""

    scale = 1.0

    def __call__(self, x: Sequence[Any]) -> Value:
        total = super().__call__(x)
        return total * self.scale if len(x) > 1 else total


@each_program
def test_what_is_set_between_epochs_holds_from_then_on_for_every_shape(engine: str) -> None:
    found = []
    for each in ("eager", engine):
        model = Scaled()
        optimizer = nn.SGD(model.parameters(), lr=0.01)
        rows = Rows(model, [[1.0], [1.0, 0.5], [2.0, 1.0]], [1.0, 2.0, 3.0], nn.mse_loss)
        job, trainer, losses = Job(model, rows, optimizer, None, 2), None, []
        kept = []
        for scale, lr in ((1.0, 0.01), (1.0, 0.02), (0.5, 0.02), (0.5, 0.03)):
            model.scale, optimizer.lr = scale, lr
            before, trainer = trainer, trainer_of(job, each, trainer)
            kept.append(trainer is before)
            losses += trainer.run(1, None)
        if each != "eager":
            assert kept == [False, True, False, True]  # compiled anew for the other scale alone
        found.append((all_bits(losses), numbers_of(model, optimizer)))
    assert found[0] == found[1]


SCALE = [1.0]


def scaled(x: float) -> float:
    return SCALE[0] * x


def scaled_partials(out: Any, x: Any) -> Any:
    return (SCALE[0],)


SCALED = Operation("scaled", "scaled", 1, scaled, scaled_partials)


class ScaledByAnOperation(Sum):
    """Has an operation of its own, for rows of two numbers and more."""

    def __call__(self, x: Sequence[Any]) -> Value:
        total = super().__call__(x)
        return Value.make_node(SCALED, total) if len(x) > 1 else total


def test_a_number_that_an_operation_of_one_shape_takes_from_elsewhere_may_change() -> None:
    found = []
    for each in ("eager", "python"):
        model = ScaledByAnOperation()
        optimizer = nn.SGD(model.parameters(), lr=0.01)
        rows = Rows(model, [[1.0], [1.0, 0.5]], [1.0, 2.0], nn.mse_loss)
        job, trainer, losses = Job(model, rows, optimizer, None, 2), None, []
        for SCALE[0] in (1.0, 0.5, 0.25):
            trainer = trainer_of(job, each, trainer)
            losses += trainer.run(1, None)
        found.append((all_bits(losses), numbers_of(model, optimizer)))
    SCALE[0] = 1.0
    assert found[0] == found[1]


# --------------------------------------------------------------------------------------------
# What is refused
# --------------------------------------------------------------------------------------------


class ByInt(Reader):
    """Indexes its table as Python does."""

    def __call__(self, tokens: Sequence[Any]) -> list[list[Value]]:
        return [self.logits(self.table[int(token)]) for token in tokens]


class LongRowsDecide(Sum):
    """Has an ``if`` that rows of one number never come to."""

    def __call__(self, x: Sequence[Any]) -> Value:
        total = super().__call__(x)
        if len(x) > 1 and x[1] > 0.5:
            total = total * 2.0
        return total


@each_program
def test_a_table_that_is_indexed_by_pythons_int_is_refused_and_pick_is_named(engine: str) -> None:
    model = ByInt()
    with pytest.raises(ValueError, match=r"fails on Values.*autodiff\.pick\(x\[0\], values\)"):
        fitted(model, engine, documents(), loss=mean_surprise)
    history = fitted(model, "auto", documents(), loss=mean_surprise)
    assert history.engine == "eager"
    assert "autodiff.pick(x[0], values)" in history.reason


ONE_AND_TWO = [[1.0], [1.0, 0.25], [1.0, 0.75]], [1.0, 2.0, 3.0]


@each_program
def test_code_that_looks_at_numbers_of_some_lengths_alone_is_refused(engine: str) -> None:
    model = LongRowsDecide()
    with pytest.raises(ValueError, match=r"compares a Value's number.*x\[1\] > 0.5"):
        fitted(model, engine, ONE_AND_TWO)
    assert fitted(model, "auto", ONE_AND_TWO).engine == "eager"


class CountsLongRows(Sum):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __call__(self, x: Sequence[Any]) -> Value:
        self.count += len(x) > 1
        return super().__call__(x) * (1.0 + self.count)


class KnowsANumber(Sum):
    """Takes a number out of a text, for rows of two."""

    def __call__(self, x: Sequence[Any]) -> Value:
        number = float(f"{x[1]:.3f}") if len(x) > 1 else 1.0
        return super().__call__(x) * number


@each_program
@pytest.mark.parametrize("kind", [CountsLongRows, KnowsANumber])
def test_code_that_is_another_one_for_the_next_row_of_a_length_is_refused(
    kind: Callable[[], Sum], engine: str
) -> None:
    with pytest.raises(ValueError, match=r"^fit: .*, which a program cannot do"):
        fitted(kind(), engine, ONE_AND_TWO)


def test_a_model_for_rows_of_one_length_says_which_row_has_another() -> None:
    with pytest.raises(ValueError, match="takes 2 inputs, but got 3") as caught:
        fitted(nn.MLP(2, [1]), "auto", ([[1, 2], [3, 4], [5, 6, 7]], [0, 1, 0]))
    assert caught.value.__notes__ == [
        "fit: that was x[2], which has 3 inputs, where x[0] has 2: is the model for rows of "
        "different lengths?"
    ]


@each_engine
def test_a_token_that_is_none_of_the_table_is_an_error_in_eager_code_and_nan_in_programs(
    engine: str,
) -> None:
    model = Reader()
    optimizer = nn.Adam(model.parameters())
    before = numbers_of(model, optimizer)
    x, y = [[1], [1, 2], [3], [2], [TOKENS]], [[2], [0, 1], [1], [3], [0]]
    error, message = NonFiniteLossError, "the loss of epoch 0 is nan"
    if engine == "eager":
        error, message = IndexError, "there is no value 4 among 4"  # type: ignore[assignment]
    with pytest.raises(error, match=message):
        fitted(model, engine, (x, y), loss=mean_surprise, optimizer=optimizer)
    assert numbers_of(model, optimizer) == before


def identity(x: float) -> float:
    return float(str(x))


def slope_of_one(out: Any, x: Any) -> Any:
    return (1.0,)


IDENTITY = Operation("identity", "identity", 1, identity, slope_of_one)


def in_python_alone(predictions: Any, targets: Any) -> Value:
    return nn.mse_loss([Value.make_node(IDENTITY, *predictions)], targets)


def test_what_python_alone_can_call_in_one_shape_takes_python_for_all() -> None:
    model, rows = Sum(), ([[1.0], [1.0, 2.0]], [1.0, 2.0])
    history = fitted(model, "auto", rows, loss=in_python_alone)
    assert history.engine == "python"
    if is_installed():
        assert "identity" in history.reason
        with pytest.raises(ValueError, match="identity"):
            fitted(model, "native", rows, loss=in_python_alone)


def test_auto_takes_machine_code_where_that_is_installed() -> None:
    model = Sum()
    optimizer = nn.SGD(model.parameters(), lr=0.01)
    rows = Rows(model, [[1.0], []], [1.0, 2.0], nn.mse_loss)
    trainer = trainer_of(Job(model, rows, optimizer, None, 2), "auto")
    assert isinstance(trainer, ProgramTrainer)
    assert isinstance(trainer.program, ShapedProgram)
    assert trainer.program.engine == ("native" if is_installed() else "python")


def test_the_loop_over_rows_is_made_once_and_is_machine_code() -> None:
    pytest.importorskip("llvmlite", reason="it makes the machine code")
    function, engine = native_shapes.rows_loop.__wrapped__()
    assert callable(function)
    assert engine.get_function_address("run") != 0


class Deciding(nn.SGD):
    """Gradient descent whose rule looks at a number, which no program can repeat."""

    def rule(self, weights: Any, gradients: Any, state: Any) -> tuple[list[Any], list[Any]]:
        moved, state = super().rule(weights, gradients, state)
        return [
            w if g > 0.0 else m for w, g, m in zip(weights, gradients, moved, strict=True)
        ], state


def test_a_rule_that_decides_by_a_number_trains_eagerly_on_rows_of_different_lengths() -> None:
    model = Reader()
    optimizer = Deciding(model.parameters(), lr=0.1)
    arguments: Any = {"loss": mean_surprise, "optimizer": optimizer}
    history = fitted(model, "auto", documents(4), **arguments)
    assert history.engine == "eager"
    assert "Deciding" in history.reason or "line" in history.reason or ".py" in history.reason
    with pytest.raises(ValueError, match='pass engine="eager"'):
        fitted(model, "python", documents(4), **arguments)
