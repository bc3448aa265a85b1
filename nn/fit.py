"""fit(): train a model, with the readable eager loop or with a compiled program.

Every engine does the same arithmetic in the same order, so all leave the same bits: row by row,
gradients added in row order and divided by the number of rows, then the penalty's gradient.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

from autodiff import Program, Value, compile
from autodiff.compiler import batches_of, epoch_means, row_order, slices
from autodiff.graph import leaves_and_interior
from autodiff.support.convert import describe, to_float
from autodiff.support.watch import hooks_of
from nn.arguments import count_of, random_generator
from nn.losses import cross_entropy, indicated_cross_entropy, mse_loss
from nn.module import Module
from nn.optim import Optimizer

__all__ = ["History", "NonFiniteLossError", "fit"]

ENGINES = ("auto", "eager", "python", "native")

Loss = Callable[[Any, Any], Value]
Penalty = Callable[[list[Value]], Value]
Progress = Callable[[int, float], None]


class NonFiniteLossError(ArithmeticError):
    """Training met a loss that is infinite or nan; the model is as it was at the last finite one.

    ``epoch`` counts from 0, ``loss`` is its loss, ``losses`` are those of the epochs before it.
    """

    def __init__(self, epoch: int, loss: float, losses: list[float]) -> None:
        remedy = (
            "A smaller learning rate is the usual remedy"
            if epoch
            else "The numbers of the data or of the start are not finite, or too large"
        )
        super().__init__(
            f"the loss of epoch {epoch} is {loss}: training stopped, and the model is as it was "
            f"at the last finite loss. {remedy}"
        )
        self.epoch = epoch
        self.loss = loss
        self.losses = losses

    def __reduce__(self) -> tuple[type[NonFiniteLossError], tuple[int, float, list[float]]]:
        return type(self), (self.epoch, self.loss, self.losses)


@dataclass(frozen=True, slots=True)
class History:
    """What ``fit`` returns: every epoch's loss, and the engine that trained."""

    losses: list[float]
    engine: str


def fit(
    model: Module,
    x: Sequence[Any],
    y: Sequence[Any],
    *,
    loss: Loss = mse_loss,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None = None,
    penalty: Penalty | None = None,
    shuffle: random.Random | int | None = None,
    engine: str = "auto",
    progress: Progress | None = None,
) -> History:
    """Train the model for a number of epochs and return the history of its losses.

    ``x`` is a list of rows of inputs, ``y`` a target for each: a number, a list of numbers, or
    a class number for ``cross_entropy``.  ``loss(predictions, targets)`` is asked for one row
    at a time; an epoch's loss is the mean over its rows, plus ``penalty(model.parameters())``,
    which counts once a batch.  After each batch of ``batch_size`` rows (default: all) the
    optimizer makes a step.  ``shuffle`` (a ``random.Random``, or an int to seed one) puts the rows
    in a new order each epoch.  ``progress(epochs_done, loss)`` is called now and then.  The
    gradients are cleared at the end.

    ``engine`` is "eager" (the graph is built anew for each row), "python" (a compiled program),
    "native" (the same program as machine code; needs llvmlite) or "auto", the fastest that is
    installed.  For a program the model's code runs once, on the first row: an ``if`` on a Value's
    number is decided then, what is random is drawn then, and the optimizer's settings are those of
    then.  A loss that looks at its target's number (``if target == 1``), an optimizer with a
    ``step()`` of its own and parameters with hooks are no program: "auto" takes "eager" for them.

    Raises NonFiniteLossError at the first loss that is not finite, ValueError or TypeError for
    data or settings that do not fit, and for what is no program with "python" or "native".  When it
    is interrupted (Ctrl-C, or an exception of ``progress``), the model is as it was at the end of
    some epoch, and the attribute ``losses`` of the exception has the losses up to there.

    >>> from nn import MLP, SGD
    >>> model = MLP(2, [4, 1], activation="tanh", rng=7)
    >>> x, y = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0]
    >>> history = fit(model, x, y, optimizer=SGD(model.parameters(), lr=0.1), epochs=2000)
    >>> history.losses[-1] < 0.001
    True
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, but got {describe(engine)}")
    if not isinstance(model, Module):
        raise TypeError(f"fit needs a Module as its model, but got {describe(model)}")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"fit needs an optimizer, but got {describe(optimizer)}")
    if set(optimizer.parameters).isdisjoint(model.parameters()):
        raise ValueError(
            "fit: the optimizer has none of the model's parameters: make it with model.parameters()"
        )
    for function, what in ((loss, "loss"), (penalty, "penalty"), (progress, "progress")):
        if not callable(function) and (function is not None or function is loss):
            raise TypeError(f"fit needs a function as {what}, but got {describe(function)}")
    epochs = count_of(epochs, "epochs", least=0)
    if batch_size is not None:
        batch_size = count_of(batch_size, "rows in a batch")
    rng = random_generator(shuffle, "shuffle")
    rows = Rows(model, x, y, loss)
    size = len(rows.x) if batch_size is None else batch_size
    engine = engine_that_trains(engine, rows, optimizer)
    trainer: EagerTrainer | ProgramTrainer
    if engine == "eager":
        trainer = EagerTrainer(model, rows, optimizer, penalty, size)
    else:
        trainer = ProgramTrainer(model, rows, optimizer, penalty, size, engine)
    losses: list[float] = []
    try:
        _train(trainer, optimizer, epochs, rng, losses, progress)
    except NonFiniteLossError:
        raise
    except BaseException as error:
        error.losses = losses  # type: ignore[attr-defined]
        raise
    finally:
        model.zero_grad()
        optimizer.zero_grad()
    return History(losses, trainer.engine)


def engine_that_trains(engine: str, rows: Rows, optimizer: Optimizer) -> str:
    """Return the engine, but "eager" for "auto" if a program would train something else.

    Raises ValueError if that is so and the engine is one of programs.
    """
    reason = "" if engine == "eager" else why_no_program(rows, optimizer)
    if reason and engine != "auto":
        raise ValueError(f'fit: {reason}, which a program cannot do; pass engine="eager"')
    return "eager" if reason else engine


class Rows:
    """The data set, checked: rows of floats, and targets as the loss takes them."""

    def __init__(self, model: Module, x: Sequence[Any], y: Sequence[Any], loss: Loss) -> None:
        for given, what in ((x, "rows as x"), (y, "targets as y")):
            if not isinstance(given, Iterable):
                raise TypeError(f"fit needs a list of {what}, but got {describe(given)}")
        self.x = [_row(row, f"row {place} of x") for place, row in enumerate(x)]
        self.y: list[Any] = list(y)
        self.loss = loss
        if len(self.x) != len(self.y):
            raise ValueError(
                f"fit needs a target a row, but got {len(self.x)} rows of x and {len(self.y)} of y"
            )
        if not self.x:
            raise ValueError("fit needs at least one row")
        for place, row in enumerate(self.x):
            if len(row) != len(self.x[0]):
                raise ValueError(
                    f"row {place} of x has {len(row)} inputs, but row 0 has {len(self.x[0])}"
                )
        prediction = model(self.x[0])
        if loss is cross_entropy:
            if isinstance(prediction, Value):
                raise ValueError(
                    "fit: cross_entropy needs an output for each class, but the model has one; "
                    "binary_cross_entropy_with_logits tells two classes by one output"
                )
            if not any(isinstance(target, Iterable) for target in self.y):
                self.loss = indicated_cross_entropy
            self.y = [one_hot(target, len(prediction)) for target in self.y]
        # The losses check their targets: each kind is shown to them once, before any training.
        self.prediction = _detached(prediction)
        self.kinds: dict[str, tuple[Any, float]] = {}
        for place, target in enumerate(self.y):
            self.y[place] = wanted = _floats(target, f"target {place} of y")
            key = repr(wanted)
            if key not in self.kinds:
                found = value_of(self.loss([self.prediction], [wanted]), "loss")
                self.kinds[key] = wanted, found.data

    def loss_of(self, model: Module, place: int) -> Value:
        """Return the loss of one row."""
        return self.loss([model(self.x[place])], [self.y[place]])

    def loss_of_one(self, prediction: Any, target: Any) -> tuple[Value, list[Value]]:
        """Return the loss of a prediction as a graph, and the variables that are its target."""
        if not isinstance(target, list):
            variable = Value(target, "y")
            return self.loss([prediction], [variable]), [variable]
        y = [Value(number, f"y{place}") for place, number in enumerate(target, 1)]
        return self.loss([prediction], [y]), y


def why_no_program(rows: Rows, optimizer: Optimizer) -> str:
    """Return what a compiled program would not do as the eager loop does it; "" if it does all."""
    if type(optimizer).step is not Optimizer.step:
        return f"{type(optimizer).__name__} has a step() of its own"
    for parameter in optimizer.parameters:
        if hooks_of(parameter) is not None:
            return f"{parameter.label or 'a parameter'} has a hook"
    return why_no_graph(rows)


def why_no_graph(rows: Rows) -> str:
    """Return what the loss does with a target's number that its graph does not; "" if nothing."""
    try:
        loss, y = rows.loss_of_one(rows.prediction, rows.y[0])
    except Exception as error:  # whatever it does with a Value that it cannot
        return f"the loss looks at its target's number ({type(error).__name__}: {error})"
    interior = leaves_and_interior(loss)[1]
    for target, expected in rows.kinds.values():
        for variable, number in zip(y, _numbers_of(target), strict=True):
            variable.data = number
        for node in interior:
            assert node.op is not None
            node.data = node.op.forward(*[parent.data for parent in node.parents])
        if loss.data != expected and not (math.isnan(loss.data) and math.isnan(expected)):
            return f"the loss looks at its target's number: {target} is treated in another way"
    return ""


def _numbers_of(target: Any) -> list[float]:
    """Return a checked target's numbers: itself, or the one that it is."""
    return target if isinstance(target, list) else [target]


def _detached(prediction: Any) -> Any:
    """Return a prediction, or a list of them, as variables with the same numbers."""
    if isinstance(prediction, Value):
        return Value(prediction.data)
    return [Value(output.data) for output in prediction]


def value_of(result: Any, function: str) -> Value:
    """Return what the loss or the penalty returned; raise TypeError if that is no Value."""
    if not isinstance(result, Value):
        raise TypeError(
            f"fit: the {function} must return a Value, but returned {describe(result)}; "
            "a number that has left the graph has no gradient"
        )
    return result


def _row(row: Any, what: str) -> list[float]:
    """Return a list (or tuple, array, ...) of numbers as a list of floats."""
    if isinstance(row, str) or not isinstance(row, Iterable):
        raise TypeError(f"{what} must be a list of numbers, but is {describe(row)}")
    return [to_float(number, what) for number in row]


def _floats(target: Any, what: str) -> Any:
    """Return a number as a float, and a list of numbers as a list of floats."""
    return _row(target, what) if isinstance(target, Iterable) else to_float(target, what)


def one_hot(target: Any, classes: int) -> list[float]:
    """Return a class number as a list with a 1 at its place.

    >>> one_hot(1, 3)
    [0.0, 1.0, 0.0]
    """
    if isinstance(target, Iterable):
        return _row(target, "a target")
    if (
        isinstance(target, bool)
        or not isinstance(target, Integral)
        or not 0 <= int(target) < classes
    ):
        raise ValueError(
            f"a target must be a class from 0 to {classes - 1}, but got {describe(target)}"
        )
    return [float(place == target) for place in range(classes)]


@dataclass
class Snapshot:
    """The numbers of a model's parameters and its optimizer's memory, and the shuffle's state."""

    variables: list[Value]
    rng: random.Random | None
    numbers: list[float] = field(init=False)
    state: Any = field(init=False)

    def __post_init__(self) -> None:
        self.numbers = [variable.data for variable in self.variables]
        self.state = None if self.rng is None else self.rng.getstate()

    def restore(self) -> None:
        """Bring all of it back."""
        for variable, number in zip(self.variables, self.numbers, strict=True):
            variable.data = number
        if self.rng is not None:
            self.rng.setstate(self.state)


class EagerTrainer:
    """Trains with the graph built anew for each row: the loop to read and to step through."""

    engine = "eager"

    def __init__(
        self, model: Module, rows: Rows, optimizer: Optimizer, penalty: Penalty | None, size: int
    ) -> None:
        self.model, self.rows, self.optimizer = model, rows, optimizer
        self.penalty, self.size = penalty, size

    def run(self, epochs: int, rng: random.Random | None) -> list[float]:
        """Train and return the loss of each epoch; stop behind one that is not finite."""
        losses: list[float] = []
        while len(losses) < epochs and all(map(math.isfinite, losses[-1:])):
            losses.append(self.epoch(rng))
        return losses

    def epoch(self, rng: random.Random | None) -> float:
        """Train one epoch and return its loss."""
        batches = batches_of(row_order(len(self.rows.x), rng), self.size)
        outputs = [self.batch(batch) for batch in batches]
        return epoch_means(outputs, [len(batch) for batch in batches])[0]

    def batch(self, batch: Sequence[int]) -> float:
        """Make one step of the optimizer and return the batch's loss before it."""
        self.optimizer.zero_grad()
        total = 0.0
        for place in batch:
            row_loss = self.rows.loss_of(self.model, place)
            row_loss.backward()
            total += row_loss.data
        for parameter in self.optimizer.parameters:
            if parameter.has_grad:
                # Sums over rows start from 0.0, in programs too: -0.0 becomes 0.0.
                parameter.grad = (0.0 + parameter.grad) / len(batch)
        output = total / len(batch)
        if self.penalty is not None:
            penalty = value_of(self.penalty(self.model.parameters()), "penalty")
            penalty.backward()
            output += penalty.data
        self.optimizer.step()
        return output


class ProgramTrainer:
    """Trains with a compiled program of one row."""

    def __init__(
        self,
        model: Module,
        rows: Rows,
        optimizer: Optimizer,
        penalty: Penalty | None,
        size: int,
        engine: str,
    ) -> None:
        self.size = size
        x = [Value(number, f"x{place}") for place, number in enumerate(rows.x[0], 1)]
        row_loss, y = rows.loss_of_one(model(x), rows.y[0])
        row_loss.label = row_loss.label or "loss"
        self.rows = [
            (*row, *_numbers_of(wanted)) for row, wanted in zip(rows.x, rows.y, strict=True)
        ]
        self.program: Program = compile(
            row_loss,
            inputs=[*x, *y],
            updates=optimizer.updates,
            penalty=None if penalty is None else value_of(penalty(model.parameters()), "penalty"),
            engine=engine,
        )
        self.engine = self.program.engine

    def run(self, epochs: int, rng: random.Random | None) -> list[float]:
        """Train and return the loss of each epoch."""
        return self.program.run(epochs, self.rows, self.size, rng)


def _train(
    trainer: EagerTrainer | ProgramTrainer,
    optimizer: Optimizer,
    epochs: int,
    rng: random.Random | None,
    losses: list[float],
    progress: Progress | None,
) -> None:
    """Train in slices of epochs, append the losses, and stop at one that is not finite."""
    variables = [*optimizer.parameters, *optimizer.state]
    earlier: tuple[Snapshot, int] | None = None  # the slice before: its start, its epochs but one
    for count in slices(epochs):
        start = Snapshot(variables, rng)
        try:
            found = trainer.run(count, rng)
            bad = next((place for place, loss in enumerate(found) if not math.isfinite(loss)), None)
            if bad is not None:
                # The loss of an epoch is measured before its update, so the last finite loss is
                # that of the numbers one update before: train up to there once more.
                snapshot, again = (start, bad - 1) if bad else earlier or (start, 0)
                snapshot.restore()
                trainer.run(again, rng)
        except BaseException:
            start.restore()
            raise
        if bad is not None:
            raise NonFiniteLossError(len(losses) + bad, found[bad], losses + found[:bad])
        losses += found
        earlier = start, count - 1
        if progress is not None:
            progress(len(losses), losses[-1])
