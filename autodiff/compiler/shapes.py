"""Rows of different lengths: a program for each shape of a row's graph, and one for the update.

A row's program adds its loss and its gradients to sums.  After the rows of a batch the update's
program takes their means, lets the optimizer move the variables, and sets the sums back to 0.0.
All of them work on the same numbers, which stay where they are from row to row.  Sums are made row
after row, so they have the bits of the eager pass, whatever shapes the rows of a batch have.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from operator import itemgetter
from typing import Any

from autodiff.compiler.batches import batches_of, row_order
from autodiff.compiler.build import Parts, Recording, Updates, build, record_program
from autodiff.compiler.native import is_installed as native_is_installed
from autodiff.compiler.native_shapes import NativeShapes
from autodiff.compiler.program import epoch_means
from autodiff.compiler.python import PythonRunner
from autodiff.support.memory import collector_paused
from autodiff.support.node import number_of
from autodiff.value import Value

__all__ = ["ShapedProgram", "ShapedRow"]

# A row: the number of its shape, and its numbers.
ShapedRow = tuple[int, Sequence[float]]

# A shape: a row's loss, and the variables that are the row's numbers.
Shape = tuple[Value, Sequence[Value]]


class ShapedProgram:
    """Trains variables on rows of several shapes.

    ``shapes`` has the graph of a row of each; ``updates`` and ``penalty`` are what
    :func:`autodiff.compile` takes; ``updates`` gets the gradients of ``parameters``.

    >>> w, (a, b, c) = Value(1.0, "w"), [Value(0.0, name) for name in "abc"]
    >>> def downhill(gradients):
    ...     return {w: w - 0.5 * gradients[w]}
    >>> program = ShapedProgram([(w * a, [a]), (w * b * c, [b, c])], [w], downhill)
    >>> program.run(1, [(0, [2.0]), (1, [2.0, 3.0])], batch_size=2), w.data
    ([4.0], -1.0)
    """

    def __init__(
        self,
        shapes: Sequence[Shape],
        parameters: Sequence[Value],
        updates: Updates,
        penalty: Value | None = None,
        engine: str = "python",
    ) -> None:
        self.wanted_engine = engine
        self.reason = ""
        self.total, self.count = Value(0.0, "sum of losses"), Value(1.0, "number of rows")
        with collector_paused():
            self.rows = [record_program(loss, inputs, None, None) for loss, inputs in shapes]
            reached = {leaf for row in self.rows for leaf in row.passes[row.output].totals}
            self.sums = {
                parameter: Value(0.0, f"sum of {parameter.label or 'gradients'}")
                for parameter in parameters
                if parameter in reached
            }
            mean, updated = self.total / self.count, partial(self._updated, updates)
            self.update = record_program(mean, (), updated, penalty)
        of_rows = [variable for row in self.rows for variable in row.variables]
        ours = {*self.sums.values(), self.total, self.count}
        every = dict.fromkeys([*self.update.variables, *of_rows])
        self.variables = [variable for variable in every if variable not in ours]

    def _updated(self, updates: Updates, gradients: Mapping[Value, Value]) -> dict[Value, Any]:
        """Return what the updates make of the mean gradients, and the sums set back.

        ``gradients`` are those of the penalty.
        """
        means = {variable: total / self.count for variable, total in self.sums.items()}
        for variable, gradient in gradients.items():
            if variable not in (self.total, self.count) and not gradient.is_constant:
                means[variable] = means[variable] + gradient if variable in means else gradient
        return {**updates(means), **dict.fromkeys([*self.sums.values(), self.total], 0.0)}

    def row_programs(self) -> Iterator[Parts]:
        """Yield, for each shape, the registers that add a row's loss and gradients to the sums."""
        for row in self.rows:
            totals = row.passes[row.output].totals
            added = {
                total: total + totals[variable]
                for variable, total in self.sums.items()
                if variable in totals
            }
            added[self.total] = self.total + row.output
            variables = [*row.inputs, *row.variables, *added]
            recording = Recording(row.output, (), None, variables, row.leaves, row.passes)
            recording.assignments = added
            yield build(recording, named=False)

    @property
    def engine(self) -> str:
        """The engine that ``run`` uses: "python" or "native"."""
        return self.runner.engine

    @cached_property
    def runner(self) -> NativeShapes | PythonShapes:
        """What ``run`` runs on.

        Raises ImportError if the native engine is asked for and llvmlite is missing, and ValueError
        if machine code cannot do all that the programs do.
        """
        if self.wanted_engine == "native":
            return self._runner_of(NativeShapes)
        if self.wanted_engine == "auto" and native_is_installed():
            try:
                return self._runner_of(NativeShapes)
            except ValueError as error:  # a function that only Python can call, or it is too long
                self.reason = str(error)
        return self._runner_of(PythonShapes)

    def _runner_of(self, kind: type[NativeShapes | PythonShapes]) -> NativeShapes | PythonShapes:
        with collector_paused():
            runner = kind(build(self.update, named=False), self.count, self.variables)
            for row, parts in zip(self.rows, self.row_programs(), strict=True):
                runner.add(parts, row.inputs)
        return runner

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
        numbers, size = (
            [number_of(variable) for variable in self.variables],
            min(batch_size, len(rows)),
        )
        outputs, numbers = self.runner.run_rows(n, rows, size, numbers, shuffle)
        for variable, number in zip(self.variables, numbers, strict=True):
            variable.data = number
        return epoch_means(outputs, [len(batch) for batch in batches_of(rows, size)])


class PythonShapes:
    """Runs the programs' dense Python: it gives each the numbers that it uses, and takes them back.

    ``update`` is the program after each batch, ``count`` the variable with its number of rows;
    ``variables`` are those that callers give numbers for.
    """

    engine = "python"

    def __init__(self, update: Parts, count: Value, variables: Sequence[Value]) -> None:
        self.places = {variable: place for place, variable in enumerate(variables)}
        self.variables = len(variables)
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
        self,
        n: int,
        rows: Sequence[ShapedRow],
        batch_size: int,
        numbers: Sequence[float],
        shuffle: random.Random | None,
    ) -> tuple[list[float], list[float]]:
        """Return the outputs of n passes' batches and the variables' last numbers."""
        memory = [*numbers, *[0.0] * (len(self.places) - self.variables)]
        outputs = []
        for _ in range(n):
            for batch in batches_of(row_order(len(rows), shuffle), batch_size):
                for place in batch:
                    shape, row = rows[place]
                    program, inputs = self.rows[shape]
                    for to, number in zip(inputs, row, strict=True):
                        memory[to] = number
                    program.run(memory)
                memory[self.count] = float(len(batch))
                outputs.append(self.update.run(memory))
        return outputs, memory[: self.variables]


class _PythonProgram:
    """One program, and where in memory its variables are."""

    def __init__(self, parts: Parts, places: Mapping[Value, int]) -> None:
        self.runner = PythonRunner(parts, "program of a shape")
        here = [places[variable] for variable in parts.variables]
        self.taken = itemgetter(*here)  # there are two variables at least: sums, a count
        position = {variable: place for place, variable in enumerate(parts.variables)}
        self.changed = [(places[variable], position[variable]) for variable in parts.updates]

    def run(self, memory: list[float]) -> float:
        """Run it once, and return its output."""
        (output,), numbers = self.runner.run(1, self.taken(memory))
        for to, place in self.changed:
            memory[to] = numbers[place]
        return output
