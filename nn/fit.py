"""fit(): train a model, with the readable eager loop or with a compiled program."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from autodiff.compiler import slices
from autodiff.support.arguments import count_of, random_generator
from autodiff.support.convert import describe
from autodiff.support.frames import warn_user
from autodiff.support.snapshots import Generators, Numbers, Snapshot, draws_of
from nn.blocks import Dropout
from nn.early_stopping import BestWeights
from nn.losses import mse_loss
from nn.module import Module, check_is_module
from nn.optim import Optimizer
from nn.rows import Loss, Penalty, Rows
from nn.trainers import Job, Trainer, trainer_of

__all__ = ["ENGINES", "History", "NonFiniteLossError", "fit"]

ENGINES = ("auto", "eager", "python", "native")

Progress = Callable[[int, float], None]


class NonFiniteLossError(ArithmeticError):
    """Training met a loss that is infinite or nan; the model is as it was at the last finite one.

    ``epoch`` counts from 0, ``loss`` is its loss, ``losses`` are those of the epochs before it.
    """

    def __init__(self, epoch: int, loss: float, losses: list[float]) -> None:
        remedy = (
            "A smaller learning rate is the usual remedy"
            if epoch
            else "The numbers of the data or of the start are not finite or too large, or pick() "
            "has no value for an index"
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


@dataclass(frozen=True, slots=True, repr=False)
class History:
    """What ``fit`` returns: every epoch's loss, and the engine that trained.

    >>> History([0.25, 0.125, 0.0625], "python")
    History(3 epochs, loss 0.25 to 0.0625, engine 'python')

    ``reason`` says why "auto" did not take a faster engine that is installed: what the code does
    that a program does not, and where.  It is "" if there is none.  ``validation_losses`` are those
    of the rows of ``validation`` after each epoch.
    """

    losses: list[float]
    engine: str
    reason: str = ""
    validation_losses: list[float] = field(default_factory=list)

    def __repr__(self) -> str:
        """Return one line, however many epochs there were."""
        kinds = {"loss": self.losses, "validation loss": self.validation_losses}
        of = [f"{name} {each[0]:.4g} to {each[-1]:.4g}" for name, each in kinds.items() if each]
        reason = [f"as {self.reason}"] * bool(self.reason)
        parts = [f"{len(self.losses)} epochs", *of, f"engine {self.engine!r}", *reason]
        return f"History({', '.join(parts)})"


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
    validation: tuple[Sequence[Any], Sequence[Any]] | None = None,
    patience: int | None = None,
    restore_best: bool = False,
) -> History:
    """Train the model for a number of epochs and return the history of its losses.

    ``x`` is a list of rows of inputs, ``y`` a target for each: a number, a list of numbers, or
    a class number for ``cross_entropy``.  Rows may have different lengths, and so may lists of
    targets.  ``loss(predictions, targets)`` is asked for one row at a time; an epoch's loss is the
    mean over its rows, plus ``penalty(model.parameters())``, which counts once a batch.  After each
    batch of ``batch_size`` rows (default: all) the optimizer makes a step.  ``shuffle`` (a
    ``random.Random``, or an int to seed one) puts the rows in a new order each epoch.
    ``progress(epochs_done, loss)`` is called now and then.  The gradients are cleared at the end.

    ``engine`` is "eager" (the graph is built anew for each row), "python" (a compiled program),
    "native" (the same program as machine code; needs llvmlite) or "auto", the fastest that is
    installed and does what the code does.  A program has the operations that the code does with
    the first row; where rows have other lengths, there is a program for each.  So it is none of
    code that looks at a Value's number (``if x[0] > 0``, Python's ``max``, ``.data``; a table is
    indexed with ``autodiff.pick``), makes a text of one, draws (dropout), keeps a count or has an
    iterator; nor of an optimizer with a ``step()`` or ``updates()`` of its own, nor of parameters
    with hooks.  For these "auto" takes "eager", and the history's ``reason`` says why.  What
    ``progress`` changes, the optimizer's settings or the model, holds from then on.

    ``validation`` is a pair of other rows and targets, whose mean loss is measured after each
    epoch, eagerly, in ``eval()`` mode, without the penalty.  Training stops when that loss has not
    become lower for ``patience`` epochs, and with ``restore_best`` the model ends with the weights
    of the lowest one; one that is not finite is never lower.  Without ``validation`` both go by the
    epoch's own loss, that of the weights it began with.  With any of these, a program is called
    epoch by epoch: some 50 µs each.  Where training does not come to its end, by an error or an
    interruption, no weights are brought back but those that follow.

    Raises NonFiniteLossError at the first loss that is not finite, ValueError or TypeError for
    data or settings that do not fit, and, with the line where it is known, for what is no program
    with "python" or "native".  When it is interrupted (Ctrl-C, or an exception of ``progress``),
    the model is as it was at the end of some epoch, and the attribute ``losses`` of the exception
    has the losses up to there.

    >>> from nn import MLP, SGD
    >>> model = MLP(2, [4, 1], activation="tanh", rng=7)
    >>> x, y = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0]
    >>> history = fit(model, x, y, optimizer=SGD(model.parameters(), lr=0.1), epochs=2000)
    >>> history.losses[-1] < 0.001
    True
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, but got {describe(engine)}")
    check_is_module(model, "fit")
    dropouts = [each for each in model.modules() if isinstance(each, Dropout)]
    if dropouts and not any(each.training for each in dropouts):
        warn_user("fit: dropout is in eval() mode and drops nothing: call model.train() first")
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
    job = Job(model, rows, optimizer, penalty, size)
    best = _best_weights(job, loss, validation, patience, restore_best)
    losses: list[float] = []
    try:
        trainer = _train(job, engine, epochs, rng, losses, progress, best)
    except NonFiniteLossError:
        raise
    except BaseException as error:
        error.losses = losses  # type: ignore[attr-defined]
        raise
    finally:
        model.zero_grad()
        optimizer.zero_grad()
    if best is not None and restore_best:
        best.restore()
    return History(losses, trainer.engine, trainer.reason, [] if best is None else best.losses)


def _best_weights(
    job: Job, loss: Loss, given: Any, patience: Any, restore_best: bool
) -> BestWeights | None:
    """Return who goes by the lowest loss, if that is asked for; raise for what does not fit."""
    if patience is not None:
        patience = count_of(patience, "epochs of patience")
    if not isinstance(restore_best, bool):
        raise TypeError(f"restore_best must be True or False, but got {describe(restore_best)}")
    if given is None:
        return BestWeights(job, None, patience) if patience or restore_best else None
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise TypeError(f"validation must be a pair of rows and targets, not {describe(given)}")
    try:
        rows = Rows(job.model, given[0], given[1], loss)
    except Exception as error:
        error.add_note("This is about the rows and targets of validation.")
        raise
    given_lengths, lengths = ({*map(len, each.x)} for each in (rows, job.rows))
    if len(lengths) == 1 and given_lengths != lengths:
        raise ValueError(
            f"validation has rows of {max(given_lengths - lengths)} inputs, but x of {max(lengths)}"
        )
    return BestWeights(job, rows, patience)


def _train(
    job: Job,
    engine: str,
    epochs: int,
    rng: random.Random | None,
    losses: list[float],
    progress: Progress | None,
    best: BestWeights | None,
) -> Trainer:
    """Train in slices of epochs, append the losses, and return who trained at last.

    It stops at a loss that is not finite.
    """
    trainer = trainer_of(job, engine)
    # The slice before: its start, its epochs but one, and who trained.
    earlier: tuple[Snapshot, int, Trainer] | None = None
    settings = job.settings()  # at the end of that slice
    for count in slices(epochs):
        numbers, shuffle = Numbers(job.optimizer.variables), Generators(filter(None, [rng]))
        set_before = job.settings()
        start = Snapshot(numbers, job.settings(), draws_of(job.model), shuffle)
        try:
            run = trainer.run if best is None else functools.partial(best.run, trainer)
            found = run(count, rng)
            bad = next((place for place, loss in enumerate(found) if not math.isfinite(loss)), None)
            if bad is not None:
                # The loss of an epoch is measured before its update, so the last finite loss is
                # that of the numbers one update before: train up to there once more.
                here = start, bad - 1, trainer
                snapshot, again, who = here if bad else earlier or (start, 0, trainer)
                snapshot.restore()
                who.run(again, rng)
                if snapshot is not start and not settings.is_same(set_before):
                    set_before.restore()  # as they were set meanwhile
        except BaseException:
            start.restore()
            raise
        if bad is not None:
            raise NonFiniteLossError(len(losses) + bad, found[bad], losses + found[:bad])
        losses += found
        earlier, settings = (start, count - 1, trainer), job.settings()
        is_over = best is not None and best.stops
        if progress is not None:
            progress(len(losses), losses[-1])
            if len(losses) < epochs and not is_over:
                trainer = trainer_of(job, engine, trainer)
        if is_over:
            break
    return trainer
