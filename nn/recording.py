"""What is trained, and what its code does with one row, as a graph that a program repeats."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from autodiff import Value
from autodiff.compiler import recording
from autodiff.compiler.recording import RecordingError, recorded, refuse_made_by_hand
from autodiff.support.watch import hooks_of
from nn.module import Module
from nn.optim import Optimizer
from nn.rows import Penalty, Rows, value_of

__all__ = ["Job", "Recording", "is_same", "record"]


@dataclass(frozen=True, slots=True)
class Job:
    """What is trained, on what, how: the arguments of ``fit``, checked; ``size`` is a batch's."""

    model: Module
    rows: Rows
    optimizer: Optimizer
    penalty: Penalty | None
    size: int

    def penalty_now(self) -> Value | None:
        """Return what the penalty costs, if there is one; raise TypeError if that is no Value."""
        if self.penalty is None:
            return None
        return value_of(self.penalty(self.model.parameters()), "penalty")


@dataclass(frozen=True, slots=True)
class Recording:
    """The graph of one row's loss, the variables that are the row, and the penalty's graph."""

    loss: Value
    inputs: list[Value]
    penalty: Value | None

    @property
    def roots(self) -> list[Value]:
        return [self.loss] if self.penalty is None else [self.loss, self.penalty]


def record(job: Job, place: int = 0) -> Recording:
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
    found = Recording(loss, [*x, *y], cost)
    refuse_made_by_hand(found.roots)
    loss.label = loss.label or "loss"
    return found


def is_same(first: Recording, second: Recording, job: Job) -> bool:
    """Return whether two recordings do the same operations on the same variables and constants."""
    own = job.model.parameters()
    twins = dict(zip((*first.inputs, *own), (*second.inputs, *own), strict=True))
    return recording.is_same(first.roots, second.roots, twins)
