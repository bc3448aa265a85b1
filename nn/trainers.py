"""Who trains for fit(): the readable eager loop, or a compiled program.

Both do the same arithmetic in the same order, so both leave the same bits: row by row, gradients
added in row order and divided by the number of rows, then the penalty's gradient.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

from autodiff.compiler import (
    Program,
    ShapedProgram,
    batches_of,
    epoch_means,
    program_of_shapes,
    record_program,
    repeats,
    row_order,
)
from autodiff.compiler.recording import RecordingError, functions_of, recorded_updates
from autodiff.compiler.repeats import RowRecording
from autodiff.support.kept import Kept
from autodiff.support.watch import watchers
from nn.recording import Job, record

__all__ = ["EagerTrainer", "Job", "ProgramTrainer", "Trainer", "trainer_of"]


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

    def __init__(self, job: Job, recording: RowRecording, engine: str) -> None:
        self.job = job
        self.recording = recording
        self.settings = job.settings()
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
            variables = job.optimizer.parameters, self.updates, recording.penalty
            self.program = program_of_shapes(*variables, self.recordings, engine)
            self.code += code_of(job)
        if not self.settings.is_same(job.settings()):
            self.settings.restore()
            raise RecordingError(f"the rule of {type(job.optimizer).__name__} changes its settings")
        self.engine = self.program.engine
        self.reason = self.program.reason
        self.kept = Kept(self.code)

    def recordings(self) -> Iterator[RowRecording]:
        """Yield a recording of each shape; besides the first row's, one is in memory at a time."""
        for place in self.job.rows.firsts:
            recording = record(self.job, place) if place else self.recording
            self.code += functions_of(recording.roots)
            yield recording

    def run(self, epochs: int, rng: random.Random | None) -> list[float]:
        """Train and return the loss of each epoch."""
        return self.program.run(epochs, self.rows, self.job.size, rng)

    def is_as_recorded(self, recording: RowRecording) -> bool:
        """Return whether a program of the code and the settings of now would be the same.

        ``recording`` is that of the first row.  Of several shapes the others are not recorded anew,
        which would take longer than the training: what the code keeps must be the same.
        """
        return (
            self.settings.constants.is_same(self.job.settings().constants)
            and self.recording.is_same(recording)
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
        for place in job.rows.firsts:
            check_repeats(job, record(job, place) if place else recording, place)
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


def check_repeats(job: Job, recording: RowRecording, first: int) -> None:
    """Raise RecordingError unless the code does the same again, and for other numbers too.

    ``recording`` is that of the row ``first``, the first of its shape.
    """
    if first == 0:
        repeats.check_does_the_same(recording, functools.partial(record, job), code_of(job))
    for place in job.rows.unlike(first):
        repeats.check_takes_no_number(recording, functools.partial(record, job, place))
    repeats.check_numbers(job.rows.loss_of(job.model, first).data, recording.loss.data)
