"""compile() and Program: a graph that runs again without being built again."""

from __future__ import annotations

import random
from array import array
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import chain
from types import FunctionType
from typing import Any

from autodiff.compiler.batches import Passes, batches_of
from autodiff.compiler.build import Parts, Recording, Updates, build, record_program
from autodiff.compiler.decisions import warn_of_decisions
from autodiff.compiler.guard import GuardedRunner, guards_can_wait
from autodiff.compiler.linear import Linear
from autodiff.compiler.native import NativeRunner, key_of, load_code, store_code
from autodiff.compiler.native import is_installed as native_is_installed
from autodiff.compiler.pack_names import Loops, named_loops
from autodiff.compiler.python import PythonRunner, function_of, readable_source, run_source
from autodiff.compiler.slices import slices
from autodiff.compiler.standalone import OWN, Functions, Writable, to_c, to_javascript
from autodiff.support.arguments import count_of
from autodiff.support.convert import describe, floats_of
from autodiff.support.gradients import NOT_COMPUTED
from autodiff.support.memory import collector_paused
from autodiff.support.naming import name_of
from autodiff.support.node import number_of
from autodiff.value import Value

__all__ = ["Program", "compile", "epoch_means"]

Row = tuple[float, ...]

Runner = NativeRunner | PythonRunner

ENGINES = ("auto", "python", "native")


def compile(
    output: Value,
    inputs: Sequence[Value] = (),
    updates: Updates | None = None,
    penalty: Value | None = None,
    engine: str = "python",
) -> Program:
    """Return a program that computes output, its gradient and the updates.

    What is recorded is the graph: the operations that were done, not the Python code that did
    them.  An ``if`` on a Value's number was decided when the graph was built, of which a
    :class:`~autodiff.DecisionWarning` warns; ``where`` is part of the graph and is decided anew at
    every run.  So is a number taken out of the graph (``.data``, ``.item()``, ``.detach()``): of a
    result a warning says so, of a parameter none can.

    ``inputs`` are variables that get their numbers from the caller: a row of a data set.
    Other variables (the parameters) are read from their ``data`` whenever the program runs.
    ``updates`` gets ``{variable: gradient}``, all Values, and returns ``{variable:
    expression}``: the variables' new numbers, an optimizer's ``updates`` for example.
    ``penalty`` is an expression of the parameters that counts once a batch, not once a row.

    ``engine`` is what ``run`` uses: "python", "native" (machine code; needs llvmlite) or "auto",
    the fastest that is installed and can be told every operation.  All give the same bits.

    Raises TypeError or ValueError, naming it, for an input that is no variable or given twice,
    an update of what is no variable, an update that depends on an input, and a penalty that
    does.  An input that the output does not depend on is allowed; its gradient is 0.

    >>> w, x = Value(3.0, "w"), Value(0.0, "x")
    >>> square = compile((w * x) ** 2, inputs=[x])
    >>> square(2.0), w.grad
    (36.0, 24.0)
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, but got {describe(engine)}")
    with collector_paused():
        recording = record_program(output, inputs, updates, penalty)
        warn_of_decisions(recording.graphs, inputs, recording.notes.looks, stacklevel=2)
        return Program(output, recording, engine)


class Program:
    """A compiled graph: see :func:`autodiff.compile`.

    ``source`` is Python to read and to step through, the code that ``program()`` runs.
    """

    def __init__(self, output: Value, recording: Recording, engine: str = "python") -> None:
        self.output = output
        self.recording = recording
        self._wanted_engine = engine
        self._key = "" if engine == "python" else key_of(recording)
        self._code = load_code(self._key)
        if self._code is None:
            _ = self._unguarded  # which refuses what cannot be a program
        self._why_python = ""
        self.title = f"program for {name_of(output)}"

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The variables that the caller gives numbers to, in order."""
        return self.recording.inputs

    @property
    def variables(self) -> list[Value]:
        """The parameters, and what the updates remember, in the order of the program."""
        return self.recording.variables

    def __len__(self) -> int:
        """Return the number of operations."""
        return sum(register.op is not None for register in self.parts.linear.registers)

    def __repr__(self) -> str:
        return f"<{self.title}: {len(self)} operations, {len(self.variables)} variables>"

    @cached_property
    def parts(self) -> Parts:
        """The program's registers as a person reads them, with names and comments."""
        with collector_paused():
            return build(self.recording, named=True)

    @cached_property
    def _unguarded(self) -> Parts:
        with collector_paused():
            return build(self.recording, named=False, unguarded=True)

    @cached_property
    def expanded(self) -> Parts:
        """The program's registers for machines."""
        if not self._unguarded.has_guards:
            return self._unguarded
        with collector_paused():
            return build(self.recording, named=False)

    @property
    def loops(self) -> Loops:
        """The operations that are alike, a text for each kind: the loops of machine code.

        It is a list, and prints a line for each.

        >>> x = [Value(0.5, f"x[{k}]") for k in range(4)]
        >>> w = [[Value(1.0, f"w[{i}][{k}]") for k in range(4)] for i in range(3)]
        >>> sums = [sum(wk * xk for wk, xk in zip(row, x)) for row in w]
        >>> compile(sums[0] * sums[1] * sums[2]).loops[0]
        'sums: 3 × sum of 0.0 and 4 × w * x'
        """
        return Loops(map(str, named_loops(self.recording, self.expanded)))

    # ---- Python ----------------------------------------------------------------------------

    @cached_property
    def source(self) -> str:
        """Readable Python: one operation a line, each saying what it is."""
        return readable_source(self.parts, self.title)

    @cached_property
    def step(self) -> FunctionType:
        """The function of ``source``; a debugger can step into it."""
        return function_of(self.source, "step", self.title, self.parts.linear)

    @cached_property
    def update(self) -> FunctionType:
        """The update of a program over rows, as a function of ``source``.

        Raises AttributeError if the program is none.
        """
        if not self.inputs or not self.parts.updates:
            raise AttributeError("only a program with inputs and updates has its update apart")
        return function_of(self.source, "update", self.title, self.parts.linear)

    @cached_property
    def run_source(self) -> str:
        """Dense Python: what ``run`` runs on the Python engine."""
        return run_source(self.expanded)

    @cached_property
    def runner(self) -> Runner | GuardedRunner:
        """What ``run`` runs on, compiled when first needed.

        Raises ImportError if the native engine is asked for and llvmlite is missing.
        """
        if self._code is None:
            return self._made_runner(many=False)
        parts = Parts(Linear(), self.inputs, self.variables)
        return self._until_nan(NativeRunner(parts, self._code), self._code.waits)

    @cached_property
    def _networks_runner(self) -> Runner | GuardedRunner:
        return self._made_runner(many=True)

    def _made_runner(self, many: bool) -> Runner | GuardedRunner:
        """Return what runs the program; its machine code is kept under its key, if it has one."""
        waits, has_key = guards_can_wait(self._unguarded), bool(self._key) and not many
        parts = self._unguarded if waits else self.expanded
        first = self._runner_of(parts, many, keep=not has_key)
        if has_key and isinstance(first, NativeRunner):
            store_code(self._key, replace(first.code, waits=waits))
        return self._until_nan(first, waits, many)

    def _until_nan(self, first: Runner, waits: bool, many: bool = False) -> Runner | GuardedRunner:
        """Return a runner; if it ``waits``, one that takes the guards once they matter."""
        return GuardedRunner(first, partial(self._with_guards, many)) if waits else first

    def _with_guards(self, many: bool) -> Runner:
        return self._runner_of(self.expanded, many)

    def _runner_of(self, parts: Parts, many: bool, keep: bool = True) -> Runner:
        """Return what runs registers; ``keep`` the machine code of their assembly."""
        if self._wanted_engine == "native":
            return NativeRunner(parts, keep=keep, many=many)
        if self._wanted_engine == "auto" and native_is_installed():
            try:
                return NativeRunner(parts, keep=keep, many=many)
            except ValueError as error:  # a function that only Python can call, or it is too long
                self._why_python = str(error)
        return PythonRunner(parts, self.title)

    @property
    def engine(self) -> str:
        """The engine that ``run`` uses: "python" or "native"."""
        return self.runner.engine

    @property
    def reason(self) -> str:
        """Why "auto" took Python although machine code could be made here; "" otherwise."""
        return self._why_python if self.engine == "python" else ""

    def __call__(self, *inputs: float) -> float:
        """Compute output and gradients, and return the output's number.

        Leaves ``data`` and ``grad`` of the leaves and of the output as evaluating the expression
        and ``output.backward()`` would.  Nothing is updated, and a penalty does not count.

        Raises ValueError unless there is one number for each input.
        """
        numbers = self._row(inputs, "the program")
        output, gradients, _ = self.step(self._parameters(), numbers)
        for value, number in zip(self.inputs, numbers, strict=True):
            value.data = number
        for leaf, gradient in zip(self.parts.gradients, gradients, strict=True):
            if gradient is not NOT_COMPUTED and leaf not in self.parts.unreached:
                leaf.grad = gradient if leaf.grad is NOT_COMPUTED else leaf.grad + gradient
        if not self.output.is_leaf:
            self.output.data, self.output.grad = output, 1.0
        return float(output)

    def run(
        self,
        n: int,
        rows: Iterable[Sequence[float]] | None = None,
        batch_size: int | None = None,
        shuffle: random.Random | None = None,
        *,
        each_batch: bool = False,
    ) -> list[float]:
        """Do n iterations with updates and return the n outputs; variables keep the result.

        A program with inputs runs over ``rows``, in order: an iteration is a pass over all of
        them, in batches of ``batch_size`` (default: all in one).  After each batch the updates
        are made with the mean gradients of its rows; the iteration's output is the mean over its
        rows, with the penalty; with ``each_batch`` the output of each batch is returned in its
        place.  Otherwise an iteration is one evaluation and one update.
        ``shuffle`` puts the rows in a new order for each iteration.  A run that is interrupted
        leaves the variables as they were after some whole iteration.

        Raises ValueError if n or the batch size is no count, or the rows do not fit the inputs;
        TypeError if ``shuffle`` is no random.Random.
        """
        if shuffle is not None and not isinstance(shuffle, random.Random):
            raise TypeError(f"shuffle must be a random.Random, but got {describe(shuffle)}")
        job = self._job(n, rows, batch_size, shuffle)
        job.numbers = self._parameters()
        try:
            job.run(self.runner)
        finally:
            self._assign(job.numbers)
        outputs = job.outputs.tolist()
        return outputs if each_batch else epoch_means(outputs, job.sizes)

    def run_many(
        self,
        n: int,
        starts: Iterable[Sequence[float]],
        rows: Iterable[Sequence[float]] | None = None,
        batch_size: int | None = None,
    ) -> list[tuple[Sequence[float], tuple[float, ...]]]:
        """Do n iterations from each of the starts: many networks, each as if it ran alone.

        A start has a number for each of ``variables``, in that order, which is not that of
        ``model.parameters()``.  For each start, in order, there are the n outputs (an ``array`` of
        doubles: a list of so many floats would take as long as the run) and the variables' last
        numbers, which ``run`` gives bit for bit; ``rows`` and ``batch_size`` are those of ``run``.
        Machine code runs as many at once as the processor has lanes.  The variables' own numbers
        stay as they are.

        Raises TypeError if starts are no lists of numbers, ValueError if one has another number of
        numbers, and what ``run`` raises.

        >>> w = Value(0.0, "w")
        >>> downhill = compile((w - 3.0) ** 2, updates=lambda gradients: {w: w - gradients[w] / 4})
        >>> downhill.run_many(2, [[1.0], [5.0]])
        [(array('d', [4.0, 1.0]), (2.5,)), (array('d', [4.0, 1.0]), (3.5,))]
        """
        if not isinstance(starts, Iterable):
            raise TypeError(
                "run_many needs a list of starts, each with a number for every variable, "
                f"but got {describe(starts)}"
            )
        checked = [self._start(place, start) for place, start in enumerate(starts)]
        first = self._job(n, rows, batch_size, None)
        runner = self.runner if len(checked) == 1 else self._networks_runner
        networks = runner.networks
        found: list[tuple[Sequence[float], tuple[float, ...]]] = []
        for group in batches_of(checked, networks):
            # The last lanes of the last vector repeat its last network.
            together = [*group, *[group[-1]] * (networks - len(group))]
            job = replace(first, numbers=tuple(chain.from_iterable(together)), outputs=array("d"))
            job.run(runner)
            count = len(self.variables)
            for place in range(len(group)):
                outputs = job.outputs[place::networks]
                if len(job.sizes) > 1:
                    outputs = array("d", epoch_means(outputs, job.sizes))
                last = job.numbers[place * count : (place + 1) * count]
                found.append((outputs, tuple(last)))
        return found

    # ---- other languages -------------------------------------------------------------------

    def to_c(self) -> str:
        """Return the program as one C file with a function for a step and one for a run.

        Built with ``-ffp-contract=off`` it computes the same bits.  Raises NotTranslatableError
        if an operation's forward does more than C can be told.
        """
        with collector_paused():
            return to_c(self._writable)

    def to_javascript(
        self, functions: Functions | None = None, *, own: Collection[str] = OWN
    ) -> str:
        """Return the program as one JavaScript file with functions ``step`` and ``run``.

        ``functions`` adds more: ``{name: {description: Value, ...}}`` makes ``name(parameters,
        inputs, outputs)``, which evaluates these Values for the given numbers of the program's
        variables and inputs, and writes them into outputs in that order.  Any expression of them
        will do: a node of the graph, a local derivative, a second derivative.
        ``own`` says which of ``step`` and ``run`` are wanted, in a file that should be short.

        JavaScript's ``Math`` may differ in the last places of ``exp`` and its kin.  Raises
        NotTranslatableError or ValueError if an operation's forward cannot be written in it,
        ValueError if a function's name is no name or its Values depend on other variables, or if
        ``own`` names another function.

        >>> w, x = Value(3.0, "w"), Value(0.0, "x")
        >>> program = compile((w * x) ** 2, inputs=[x])
        >>> print(program.to_javascript({"twice": {"2 w": 2 * w}}).partition("function twice")[2])
        (parameters, inputs, outputs) {
          const memory = new Float64Array(4);
          const w = 0;
          const row_of_inputs = 1;
          memory[0] = parameters[0];
          memory[row_of_inputs + 0] = inputs[0];
          const v4 = 2.0 * memory[w + 0];
          outputs[0] = v4;  // 2 w
        }
        <BLANKLINE>
        if (typeof module !== "undefined") module.exports = { step, run, twice };
        <BLANKLINE>
        """
        with collector_paused():
            return to_javascript(self._writable, functions, own)

    @property
    def _writable(self) -> Writable:
        unguarded = self._unguarded if guards_can_wait(self._unguarded) else None
        return Writable(self.recording, self.expanded, self.title, unguarded)

    # ---- numbers in and out ----------------------------------------------------------------

    def _job(
        self,
        n: int,
        rows: Iterable[Sequence[float]] | None,
        batch_size: int | None,
        shuffle: random.Random | None,
    ) -> _Job:
        """Return what ``run`` is asked for; raise ValueError or TypeError for what is wrong."""
        n = count_of(n, "iterations", least=0)
        if self.inputs:
            return _Job(n, *self._checked(rows, batch_size), shuffle)
        if rows is not None or batch_size is not None or shuffle is not None:
            raise ValueError("run got rows, but the program has no inputs")
        return _Job(n, [], 1, None)

    def _start(self, place: int, start: Sequence[Any]) -> Row:
        numbers = tuple(floats_of(start, f"start {place}"))
        if len(numbers) != len(self.variables):
            raise ValueError(
                f"start {place} needs a number for each of the {len(self.variables)} variables, in "
                f"the order of the program's variables, but has {len(numbers)}"
            )
        return numbers

    def _parameters(self) -> tuple[float, ...]:
        return tuple([number_of(variable) for variable in self.variables])

    def _row(self, row: Sequence[Any], user: str) -> Row:
        numbers = tuple(floats_of(row, user))
        if len(numbers) != len(self.inputs):
            raise ValueError(f"{user} needs {len(self.inputs)} inputs, but got {len(numbers)}")
        return numbers

    def _assign(self, numbers: Sequence[float]) -> None:
        for variable, number in zip(self.variables, numbers, strict=True):
            variable.data = number

    def _checked(
        self, rows: Iterable[Sequence[float]] | None, batch_size: int | None
    ) -> tuple[list[Row], int]:
        if rows is None:
            raise ValueError(f"run needs rows of {len(self.inputs)} inputs")
        if not isinstance(rows, Iterable):
            raise TypeError(f"run needs a list of rows, but got {describe(rows)}")
        checked = [self._row(row, f"rows[{place}]") for place, row in enumerate(rows)]
        if not checked:
            raise ValueError("run needs at least one row")
        size = len(checked) if batch_size is None else count_of(batch_size, "rows in a batch")
        return checked, min(size, len(checked))


@dataclass(slots=True)
class _Job:
    """So many iterations over rows, if there are any, from the variables' numbers."""

    n: int
    rows: list[Row]
    size: int
    shuffle: random.Random | None
    numbers: Sequence[float] = ()
    outputs: array[float] = field(default_factory=lambda: array("d"))

    def run(self, runner: Runner | GuardedRunner) -> None:
        """Do it in slices; ``numbers`` are those after the last whole one."""
        for count in slices(self.n):
            if self.rows:
                passes = Passes(count, self.rows, self.size, self.shuffle)
                outputs, self.numbers = runner.run_rows(passes, self.numbers)
            else:
                assert not isinstance(runner, GuardedRunner), "it runs over rows"
                outputs, self.numbers = runner.run(count, self.numbers)
            self.outputs.extend(outputs)

    @property
    def sizes(self) -> list[int]:
        """The batches' sizes in each iteration."""
        count = max(len(self.rows), 1)
        return [min(self.size, count - start) for start in range(0, count, self.size)]


def epoch_means(outputs: Sequence[float], counts: Sequence[int]) -> list[float]:
    """Return the mean output of each epoch, given every batch's and the batches' sizes.

    Raises ValueError unless they are the batches of whole epochs.
    """
    if len(counts) == 1:
        return list(outputs)
    means = []
    for start in range(0, len(outputs), len(counts)):
        total = 0.0
        for count, output in zip(counts, outputs[start : start + len(counts)], strict=True):
            total += count * output
        means.append(total / sum(counts))
    return means
