"""Who trains for fit(): the readable eager loop, or a compiled program.

Both do the same arithmetic in the same order, so both leave the same bits: row by row, gradients
added in row order and divided by the number of rows, then the penalty's gradient.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Sequence
from typing import Any

from autodiff.compiler import (
    Program,
    ShapedProgram,
    batches_of,
    epoch_means,
    record_program,
    row_order,
)
from autodiff.compiler.native import is_installed as native_is_installed
from autodiff.compiler.recording import RecordingError, functions_of, moved, recorded_updates
from autodiff.support.kept import Kept
from autodiff.support.snapshots import Attributes, Numbers
from autodiff.support.watch import watchers
from nn.optim import Optimizer
from nn.recording import Job, Recording, is_same, record

__all__ = ["EagerTrainer", "Job", "ProgramTrainer", "Settings", "Trainer", "trainer_of"]


class EagerTrainer:
    """Trains with the graph built anew for each row: the loop to read and to step through."""

    engine = "eager"

    def __init__(self, job: Job, reason: str = "") -> None:
        self.job = job
        self.reason = reason

    def run(self, epochs: int, rng: random.Random | None) -> list[float]:
        """Train and return the loss of each epoch; stop behind one that is not finite."""
        losses: list[float] = []
        while len(losses) < epochs and all(map(math.isfinite, losses[-1:])):
            losses.append(self.epoch(rng))
        return losses

    def epoch(self, rng: random.Random | None) -> float:
        """Train one epoch and return its loss."""
        batches = batches_of(row_order(len(self.job.rows.x), rng), self.job.size)
        outputs = [self.batch(batch) for batch in batches]
        return epoch_means(outputs, [len(batch) for batch in batches])[0]

    def batch(self, batch: Sequence[int]) -> float:
        """Make one step of the optimizer and return the batch's loss before it."""
        self.job.optimizer.zero_grad()
        total = 0.0
        for place in batch:
            row_loss = self.job.rows.loss_of(self.job.model, place)
            row_loss.backward()
            total += row_loss.data
        for parameter in self.job.optimizer.parameters:
            # Sums over rows start from 0.0, in programs too: -0.0 becomes 0.0.
            parameter.grad = (0.0 + parameter.grad) / len(batch)
        output = total / len(batch)
        penalty = self.job.penalty_now()
        if penalty is not None:
            penalty.backward()
            output += penalty.data
        self.job.optimizer.step()
        return output


class ProgramTrainer:
    """Trains with a compiled program of one row, or with programs of one row of each shape."""

    def __init__(self, job: Job, recording: Recording, engine: str) -> None:
        self.job = job
        self.recording = recording
        self.settings = Settings(job.optimizer)
        self.updates = job.optimizer.updates
        if not job.optimizer.is_of_the_library:
            self.updates = functools.partial(recorded_updates, job.optimizer)
        self.rows: list[Any] = job.rows.as_numbers()
        self.program: Program | ShapedProgram
        # What the program repeats, and whose numbers are constants of it.
        self.code: list[Any] = functions_of(recording.roots)
        if len(job.rows.firsts) == 1:
            program = record_program(
                recording.loss, recording.inputs, self.updates, recording.penalty
            )
            self.program = Program(recording.loss, program, engine)
        else:
            self.rows = list(zip(job.rows.shapes, self.rows, strict=True))
            self.program = self.shaped_program(engine)
            self.code += code_of(job)
        if not self.settings.is_same(Settings(job.optimizer)):
            self.settings.restore()
            raise RecordingError(f"the rule of {type(job.optimizer).__name__} changes its settings")
        self.engine = self.program.engine
        self.reason = self.program.reason
        self.kept = Kept(self.code)

    def shaped_program(self, engine: str) -> ShapedProgram:
        """Return the programs of all shapes; "auto" takes Python where machine code cannot do all.

        One graph is in memory at a time, besides that of the first row.
        """
        kind = "native" if engine == "auto" and native_is_installed() else engine
        job, penalty = self.job, self.recording.penalty
        try:
            program = ShapedProgram(job.optimizer.parameters, self.updates, penalty, kind)
            for place in job.rows.firsts:
                recording = record(job, place) if place else self.recording
                self.code += functions_of(recording.roots)
                program.add(recording.loss, recording.inputs)
        except RecordingError:
            raise
        except ValueError as error:  # a function that only Python can call, or it is too long
            if kind == engine:
                raise
            program = self.shaped_program("python")
            program.reason = str(error)
        return program

    def run(self, epochs: int, rng: random.Random | None) -> list[float]:
        """Train and return the loss of each epoch."""
        return self.program.run(epochs, self.rows, self.job.size, rng)

    def is_as_recorded(self, recording: Recording) -> bool:
        """Return whether a program of the code and the settings of now would be the same.

        ``recording`` is that of the first row.  Of several shapes the others are not recorded anew,
        which would take longer than the training: what the code keeps must be the same.
        """
        return (
            self.settings.constants.is_same(Attributes(self.job.optimizer))
            and is_same(self.recording, recording, self.job)
            and not self.kept.change()
        )


Trainer = EagerTrainer | ProgramTrainer


def trainer_of(job: Job, engine: str, before: Trainer | None = None) -> Trainer:
    """Return who trains with the code and the settings as they are now.

    It is who did so ``before``, if that one still does as the code does.  "auto" takes "eager" for
    what no program does.  Raises ValueError if that is so and the engine is one of programs.
    """
    if engine == "eager" or isinstance(before, EagerTrainer):
        return before or EagerTrainer(job)
    if engine == "auto" and any(watcher.sees_passes for watcher in watchers()):
        return EagerTrainer(job, "record_epochs() records its passes, and sees no program's")
    kept = Kept(code_of(job))
    try:
        if kept.iterators:
            raise RecordingError(f"the model or the loss has an iterator, {kept.iterators[0]}")
        recording = record(job)
        if before is not None and before.is_as_recorded(recording) and not kept.change():
            return before
        check_repeats(job, recording, 0)
        for place in job.rows.firsts[1:]:
            check_repeats(job, record(job, place), place)
        return ProgramTrainer(job, recording, engine)
    except RecordingError as error:
        kept.restore()  # as if nothing had been called
        if engine == "auto":
            return EagerTrainer(job, str(error))
        message = f'fit: {error}, which a program cannot do; pass engine="eager"{error.cure}'
        raise ValueError(message) from None


def code_of(job: Job) -> list[Any]:
    """Return what is called for a row and for a batch."""
    return [job.model, job.rows.loss, job.penalty]


def check_repeats(job: Job, recording: Recording, first: int) -> None:
    """Raise RecordingError unless the code does the same again, and for other numbers too.

    ``recording`` is that of the row ``first``, the first of its shape.
    """
    if first == 0:
        # Code that counts, or draws where that is not noticed, does something else the next time.
        # It may not use its count yet. What it keeps of the first call alone is kept by now.
        kept = Kept([*code_of(job), *functions_of(recording.roots)])
        again = record(job)
        change = kept.change()
        if change:
            raise RecordingError(f"the model or the loss {change} whenever it is called")
        if not is_same(recording, again, job):
            raise RecordingError("the model or the loss does not do the same whenever it is called")
    # It may know a number that it was not seen to look at: from a text, from a state_dict.
    for place in job.rows.unlike(first):
        with moved(job.model.parameters()):
            other = record(job, place)
        if not is_same(recording, other, job):
            raise RecordingError("the model or the loss takes a Value's number out of the graph")
    # Code may ask for types. Plain floats may round otherwise: x ** 2 is C's pow for them.
    of_floats, of_values = job.rows.loss_of(job.model, first).data, recording.loss.data
    both_nan = math.isnan(of_floats) and math.isnan(of_values)
    if not (both_nan or math.isclose(of_floats, of_values, rel_tol=1e-9)):
        raise RecordingError("the model or the loss treats Values otherwise than numbers")


class Settings:
    """An optimizer's attributes, and its learning rate.

    A program has them as constants, but its learning rate and state as variables.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.constants = Attributes(optimizer)
        self.rate = Numbers([optimizer.lr_variable])

    def is_same(self, other: Settings) -> bool:
        """Return whether all are the same."""
        same_rate = self.rate.numbers == other.rate.numbers
        return same_rate and self.constants.is_same(other.constants)

    def restore(self) -> None:
        """Give the optimizer these settings, and the learning rate, again."""
        self.constants.restore()
        self.rate.restore()
