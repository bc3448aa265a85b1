"""Whether code does the same whenever it is called: then a program can do it instead.

What code keeps of a call, a count or a number that it was not seen to look at, shows when it is
called again, and with other numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from autodiff.compiler.recording import RecordingError, functions_of, is_same, moved
from autodiff.support.kept import Kept
from autodiff.value import Value

__all__ = ["RowRecording", "check_does_the_same", "check_numbers", "check_takes_no_number"]


@dataclass(frozen=True, slots=True)
class RowRecording:
    """The graph of one row's loss, the variables that are the row, and the penalty's graph.

    ``parameters`` are the variables that all rows have in common.
    """

    loss: Value
    inputs: Sequence[Value]
    penalty: Value | None
    parameters: Sequence[Value]

    @property
    def roots(self) -> list[Value]:
        """The loss, and the penalty if there is one."""
        return [self.loss] if self.penalty is None else [self.loss, self.penalty]

    def is_same(self, other: RowRecording) -> bool:
        """Return whether another does the same operations on the same variables and constants."""
        ours, theirs = (*self.inputs, *self.parameters), (*other.inputs, *other.parameters)
        return is_same(self.roots, other.roots, dict(zip(ours, theirs, strict=True)))


def check_does_the_same(
    recording: RowRecording, record: Callable[[], RowRecording], code: Sequence[Any]
) -> None:
    """Raise RecordingError unless what is called, ``code``, does the same when it is again.

    Code that counts, or draws where that is not noticed, does something else the next time.  It may
    not use its count yet.  What it keeps of the first call alone is kept by now.
    """
    kept = Kept([*code, *functions_of(recording.roots)])
    again = record()
    change = kept.change()
    if change:
        raise RecordingError(f"the model or the loss {change} whenever it is called")
    if not recording.is_same(again):
        raise RecordingError("the model or the loss does not do the same whenever it is called")


def check_takes_no_number(recording: RowRecording, record: Callable[[], RowRecording]) -> None:
    """Raise RecordingError unless the code does the same with other numbers.

    It may know one that it was not seen to look at: from a text, from a ``state_dict``.
    """
    with moved(recording.parameters):
        other = record()
    if not recording.is_same(other):
        raise RecordingError("the model or the loss takes a Value's number out of the graph")


def check_numbers(of_floats: float, of_values: float) -> None:
    """Raise RecordingError unless a loss is the same of numbers and of Values.

    Code may ask for types.  Plain floats may round otherwise: ``x ** 2`` is C's ``pow`` for them.
    """
    both_nan = math.isnan(of_floats) and math.isnan(of_values)
    if not (both_nan or math.isclose(of_floats, of_values, rel_tol=1e-9)):
        raise RecordingError("the model or the loss treats Values otherwise than numbers")
