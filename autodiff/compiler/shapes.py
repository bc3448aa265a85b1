"""Rows of different lengths: a program for each shape of a row's graph, and one for the update.

A row's program adds its loss and its gradients to sums.  After the rows of a batch the update's
program takes their means, lets the optimizer move the variables, and makes the sums 0.0 again.
All of them work on the same numbers, which stay where they are from row to row.  Sums are made row
after row, so they have the bits of the eager pass, whatever shapes the rows of a batch have.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any

from autodiff.compiler.batches import Passes, batches_of, row_order
from autodiff.compiler.build import Parts, Recording, Updates, build, record_program
from autodiff.compiler.guard import GuardedRunner, keeps_nan
from autodiff.compiler.native import is_installed as native_is_installed
from autodiff.compiler.native_shapes import NativeShapes
from autodiff.compiler.program import epoch_means
from autodiff.compiler.python import PythonRunner
from autodiff.compiler.recording import RecordingError
from autodiff.compiler.repeats import RowRecording
from autodiff.support.memory import collector_paused
from autodiff.support.node import number_of
from autodiff.value import Value

__all__ = ["ShapedProgram", "ShapedRow", "program_of_shapes"]

# A row: the number of its shape, and its numbers.
ShapedRow = tuple[int, Sequence[float]]


class ShapedProgram:
    """Trains variables on rows of several shapes, each of which is added.

    ``updates`` and ``penalty`` are what :func:`autodiff.compile` takes; ``updates`` gets the
    gradients of ``parameters``.  Where ``engine`` is "native" machine code runs it, else Python;
    ``reason`` has room for why.

    Unless it is ``guarded`` from the start, guards are left out until they matter: see
    :meth:`guard`.

    Raises ImportError if the native engine is asked for and llvmlite is missing, and ValueError if
    machine code cannot do all that the update does.

    >>> w, (a, b, c) = Value(1.0, "w"), [Value(0.0, name) for name in "abc"]
    >>> def downhill(gradients):
    ...     return {w: w - 0.5 * gradients[w]}
    >>> program = ShapedProgram([w], downhill)
    >>> program.add(w * a, [a])
    >>> program.add(w * b * c, [b, c])
    >>> program.run(1, [(0, [2.0]), (1, [2.0, 3.0])], batch_size=2), w.data
    ([4.0], -1.0)
    """

    def __init__(
        self,
        parameters: Sequence[Value],
        updates: Updates,
        penalty: Value | None = None,
        engine: str = "python",
        guarded: bool = True,
    ) -> None:
        self.total, self.count = Value(0.0, "sum of losses"), Value(1.0, "number of rows")
        self.sums = {
            parameter: Value(0.0, f"sum of {parameter.label or 'gradients'}")
            for parameter in parameters
        }
        kind = NativeShapes if engine == "native" else PythonShapes
        with collector_paused():
            mean, updated = self.total / self.count, partial(self._updated, updates)
            update = record_program(mean, (), updated, penalty)
            parts = build(update, named=False)
            self.new_runner = partial(kind, parts, self.count)
            runner: NativeShapes | PythonShapes = self.new_runner()
            self.runner: NativeShapes | PythonShapes | GuardedRunner = runner
        of_value = parts.linear.of_value
        read = [of_value[each] for each in self.sums.values() if each in of_value]
        self.guarded = guarded or not keeps_nan(parts, read)
        self.has_guards = False
        self.engine = runner.engine
        self.reason = ""
        self.shapes = 0
        ours = {*self.sums.values(), self.total, self.count}
        self.variables = {variable: None for variable in update.variables if variable not in ours}

    def _updated(self, updates: Updates, gradients: Mapping[Value, Value]) -> dict[Value, Any]:
        """Return what the updates make of the mean gradients; the sums begin anew.

        ``gradients`` are those of the penalty, a constant 0.0 where that reaches nothing.
        """
        means = {variable: total / self.count for variable, total in self.sums.items()}
        for variable, gradient in gradients.items():
            reaches = not gradient.is_constant or gradient.data != 0.0
            if variable in means and reaches:
                means[variable] = means[variable] + gradient
        return {**updates(means), **dict.fromkeys([*self.sums.values(), self.total], 0.0)}

    def add(self, loss: Value, inputs: Sequence[Value]) -> None:
        """Compile one more shape: a row's loss, and the variables that are the row's numbers.

        Of the graph nothing is kept.  Raises ValueError if machine code cannot do all of it.
        """
        assert not isinstance(self.runner, GuardedRunner), "all shapes are there"
        with collector_paused():
            row = self.parts_of(loss, inputs, self.guarded)
            self.runner.add(row, inputs)
        self.shapes += 1
        self.has_guards |= row.has_guards
        ours = {*inputs, *self.sums.values(), self.total, self.count}
        self.variables |= dict.fromkeys([each for each in row.variables if each not in ours])

    def guard(self, recordings: Callable[[], Iterable[RowRecording]]) -> None:
        """Take programs with guards once these matter: they are made then, of these recordings.

        What holds for programs of rows alike holds here: see :mod:`autodiff.compiler.guard`.
        """
        if self.has_guards and not self.guarded:
            self.runner = GuardedRunner(self.runner, partial(self._with_guards, recordings))

    def _with_guards(
        self, recordings: Callable[[], Iterable[RowRecording]]
    ) -> NativeShapes | PythonShapes:
        runner = self.new_runner()
        for recording in recordings():
            with collector_paused():
                parts = self.parts_of(recording.loss, recording.inputs, guarded=True)
                runner.add(parts, recording.inputs)
        return runner

    def parts_of(self, loss: Value, inputs: Sequence[Value], guarded: bool) -> Parts:
        """Return the program of one row, which adds to the sums."""
        row = record_program(loss, inputs, None, None)
        totals = row.passes[loss].totals
        added = {
            total: total + totals[variable]
            for variable, total in self.sums.items()
            if variable in totals
        }
        added[self.total] = self.total + loss
        # With the count there are two at least.
        variables = [*inputs, *row.variables, *added, self.count]
        recording = Recording(loss, (), None, variables, row.leaves, row.graphs, row.passes)
        recording.assignments = added
        return build(recording, named=False, unguarded=not guarded)

    def run(
        self,
        n: int,
        rows: Sequence[ShapedRow],
        batch_size: int,
        shuffle: random.Random | None = None,
    ) -> list[float]:
        """Do n passes over the rows, and return the mean loss of each; variables keep the result.

        It is what :meth:`autodiff.Program.run` does, but for rows of these shapes.
        """
        numbers = {variable: number_of(variable) for variable in self.variables}
        size = min(batch_size, len(rows))
        outputs, numbers = self.runner.run_rows(Passes(n, rows, size, shuffle), numbers)
        for variable, number in numbers.items():
            variable.data = number
        return epoch_means(outputs, [len(batch) for batch in batches_of(rows, size)])


def program_of_shapes(
    parameters: Sequence[Value],
    updates: Updates,
    penalty: Value | None,
    recordings: Callable[[], Iterable[RowRecording]],
    engine: str,
) -> ShapedProgram:
    """Return the programs of all shapes; "auto" takes Python where machine code cannot do all.

    ``recordings`` gives one of each shape, so that one graph is in memory at a time.
    """
    kind = "native" if engine == "auto" and native_is_installed() else engine
    try:
        program = ShapedProgram(parameters, updates, penalty, kind, guarded=False)
        for recording in recordings():
            program.add(recording.loss, recording.inputs)
        program.guard(recordings)
    except RecordingError:
        raise
    except ValueError as error:  # a function that only Python can call, or it is too long
        if kind == engine:
            raise
        program = program_of_shapes(parameters, updates, penalty, recordings, "python")
        program.reason = str(error)
    return program


class PythonShapes:
    """Runs the programs' dense Python: it gives each the numbers that it uses, and takes them back.

    ``update`` is the program after each batch, ``count`` the variable with its number of rows.
    """

    engine = "python"
    networks = 1

    def __init__(self, update: Parts, count: Value) -> None:
        self.places: dict[Value, int] = {}
        self.update = self._program(update)
        self.count = self.places[count]
        self.rows: list[tuple[_PythonProgram, list[int]]] = []

    def add(self, row: Parts, inputs: Sequence[Value]) -> None:
        """Add a shape: the program of a row, and the variables that are the row's numbers."""
        program = self._program(row)
        self.rows.append((program, [self.places[value] for value in inputs]))

    def _program(self, parts: Parts) -> _PythonProgram:
        for variable in parts.variables:
            self.places.setdefault(variable, len(self.places))
        return _PythonProgram(parts, self.places)

    def run_rows(
        self, passes: Passes, numbers: Mapping[Value, float]
    ) -> tuple[list[float], dict[Value, float]]:
        """Return the batches' outputs and the variables' last numbers."""
        memory = list(map(number_of, self.places))
        known = [variable for variable in numbers if variable in self.places]
        for variable in known:
            memory[self.places[variable]] = numbers[variable]
        outputs = []
        for _ in range(passes.n):
            order = row_order(len(passes.rows), passes.shuffle)
            for batch in batches_of(order, passes.batch_size):
                for place in batch:
                    shape, row = passes.rows[place]
                    program, inputs = self.rows[shape]
                    for to, number in zip(inputs, row, strict=True):
                        memory[to] = number
                    program.run(memory)
                memory[self.count] = float(len(batch))
                outputs.append(self.update.run(memory))
        return outputs, {variable: memory[self.places[variable]] for variable in known}


class _PythonProgram:
    """One program, and where in memory its variables are."""

    def __init__(self, parts: Parts, places: Mapping[Value, int]) -> None:
        self.runner = PythonRunner(parts, "program of a shape")
        here = [places[variable] for variable in parts.variables]
        self.taken = itemgetter(*here)  # of two at least, which makes a tuple
        position = {variable: place for place, variable in enumerate(parts.variables)}
        self.changed = [(places[variable], position[variable]) for variable in parts.updates]

    def run(self, memory: list[float]) -> float:
        """Run it once, and return its output."""
        (output,), numbers = self.runner.run(1, self.taken(memory))
        for to, place in self.changed:
            memory[to] = numbers[place]
        return output
