"""What is trained, and what its code does with one row, as a graph that a program repeats."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from autodiff import Value
from autodiff.compiler.recording import RecordingError, recorded, refuse_made_by_hand
from autodiff.compiler.repeats import RowRecording
from autodiff.support.snapshots import Settings
from autodiff.support.watch import hooks_of
from nn.module import Module
from nn.optim import Optimizer
from nn.rows import Penalty, Rows, value_of

__all__ = ["Job", "record"]


@dataclass(frozen=True, slots=True)
class Job:
    """What is trained, on what, how: the arguments of ``fit``, checked; ``size`` is a batch's."""

    model: Module
    rows: Rows
    optimizer: Optimizer
    penalty: Penalty | None
    size: int

    def settings(self) -> Settings:
        """Return the optimizer's settings as they are now."""
        return Settings(self.optimizer, [self.optimizer.lr_variable])

    def penalty_now(self) -> Value | None:
        """Return what the penalty costs, if there is one; raise TypeError if that is no Value."""
        if self.penalty is None:
            return None
        return value_of(self.penalty(self.model.parameters()), "penalty")


def record(job: Job, place: int = 0) -> RowRecording:
    """Return what the model's and the loss's code does with a row.

    Raises RecordingError, with the line where it is known, if a program of it would not do what the
    code does.  What the code has drawn from generators of ``random``, they will give again.
    """
    optimizer, parameters = job.optimizer, job.model.parameters()
    for method in ("step", "zero_grad", "updates"):
        if getattr(getattr(optimizer, method), "__func__", None) is not vars(Optimizer)[method]:
            raise RecordingError(f"{type(optimizer).__name__} has its own {method}()")
    for parameter in optimizer.parameters:
        if hooks_of(parameter) is not None:
            raise RecordingError(f"{parameter.label or 'a parameter'} has a hook")
    x, y, target = job.rows.variables(place)
    code = functools.partial(job.rows.loss_with, job.model, x, target, place)
    loss = recorded(code, [*x, *y, *parameters], counts_texts=True)
    cost = recorded(job.penalty_now, parameters, counts_errors=False)
    found = RowRecording(loss, [*x, *y], cost, parameters)
    refuse_made_by_hand(found.roots)
    loss.label = loss.label or "loss"
    return found
