"""From a graph to registers: forward, gradient and updates, with or without names and comments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from autodiff.compiler.languages import function_called, function_name
from autodiff.compiler.linear import Kind, Linear
from autodiff.compiler.reverse import InRegisters, ReversePass, reverse_pass
from autodiff.graph import leaves_and_interior
from autodiff.support.by_hand import refuse_given
from autodiff.support.changed import recomputed
from autodiff.support.convert import describe
from autodiff.support.naming import Names
from autodiff.support.node import number_of
from autodiff.support.noticing import Notes, noticing
from autodiff.value import Value, constant, lift

__all__ = [
    "Parts",
    "Recording",
    "RowsPlan",
    "Updates",
    "build",
    "in_memory",
    "listing",
    "needed_means",
    "new_numbers",
    "plan_rows",
    "record_program",
    "update_results",
]

Updates = Callable[[Mapping[Value, Value]], Mapping[Value, Any]]


@dataclass(slots=True)
class Recording:
    """A program as Values: all that its registers are made from.

    ``graphs`` has the leaves and the interior nodes below output and penalty, ``passes`` their
    reverse passes; ``gradients`` what ``updates`` was given, ``means`` those of them that are means
    over rows, ``assignments`` what it returned, whose interior nodes are ``others``, and ``notes``
    at which numbers its code looked.
    """

    output: Value
    inputs: tuple[Value, ...]
    penalty: Value | None
    variables: list[Value] = field(default_factory=list)
    leaves: list[Value] = field(default_factory=list)
    graphs: dict[Value, tuple[list[Value], list[Value]]] = field(default_factory=dict)
    passes: dict[Value, ReversePass] = field(default_factory=dict)
    means: dict[Value, Value] = field(default_factory=dict)
    gradients: dict[Value, Value] = field(default_factory=dict)
    assignments: dict[Value, Value] = field(default_factory=dict)
    others: list[Value] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)


@dataclass(slots=True)
class Parts:
    """The registers of a program, and which of them are what.

    ``gradients`` are d output / d leaf for one row (or for the whole program, without inputs), also
    of the ``unreached``, of which it is known that no contribution reaches them;
    ``means`` the registers that hold their means over a batch; ``updates`` the variables' new
    numbers; ``penalty`` the penalty's number.  ``sums`` has the registers that are, or become, a
    gradient of the output.  ``has_guards`` says whether contributions of one row are to be chosen
    by whether their node is reached.
    """

    linear: Linear
    inputs: tuple[Value, ...]
    variables: list[Value] = field(default_factory=list)
    output: int = 0
    gradients: dict[Value, int] = field(default_factory=dict)
    unreached: Set[Value] = frozenset()
    means: dict[Value, int] = field(default_factory=dict)
    updates: dict[Value, int] = field(default_factory=dict)
    penalty: int | None = None
    sums: dict[int, Value] = field(default_factory=dict)
    has_guards: bool = False
    forward_end: int = 0
    gradient_end: int = 0
    backward_end: int = 0


# --------------------------------------------------------------------------------------------
# A program as Values
# --------------------------------------------------------------------------------------------


def record_program(
    output: Value, inputs: Sequence[Value], updates: Updates | None, penalty: Value | None
) -> Recording:
    """Return a program's forward, gradient and updates; see :func:`autodiff.compile`."""
    _check(output, inputs, updates, penalty)
    found, given = Recording(output, tuple(inputs), penalty), set(inputs)
    for root in (output, *([] if penalty is None else [penalty])):
        found.graphs[root] = leaves, interior = leaves_and_interior(root)
        refuse_given([*leaves, *interior], "compile")
        own = [leaf for leaf in leaves if not leaf.is_constant and leaf not in given]
        found.variables = [*dict.fromkeys([*found.variables, *own])]
        if root is output:
            below = set(leaves)
            found.leaves = [*own, *[value for value in inputs if value in below]]
    if penalty is not None:
        shared = given.intersection(found.graphs[penalty][0])
        if shared:
            raise ValueError(f"compile: the penalty depends on the input {_called(shared.pop())}")
    # The updates may ask for numbers, or for grad, which takes none of different times.
    order = list(dict.fromkeys(chain.from_iterable(chain(*found.graphs.values()))))
    for node in order:
        number_of(node)  # raises for what is none
    with recomputed(order if updates is not None else ()):
        _add_gradients(found)
        if updates is not None:
            with noticing([*found.gradients, *found.gradients.values()]) as found.notes:
                assignments = updates(dict(found.gradients))
            _add_updates(found, assignments)
    return found


def _add_gradients(recording: Recording) -> None:
    """Add the reverse passes, and the gradients that updates are given."""
    output, inputs, penalty = recording.output, recording.inputs, recording.penalty
    # Sums over rows start from 0.0: what nothing reaches in one row needs no 0 of its own.
    graph = recording.graphs[output]
    of_output = reverse_pass(output, graph[1], recording.leaves, is_complete=not inputs)
    recording.passes[output] = of_output
    for variable in recording.variables:
        if variable not in of_output.totals:
            recording.gradients[variable] = constant(0.0)
        elif inputs:
            recording.means[variable] = recording.gradients[variable] = Value(0.0)
        else:
            recording.gradients[variable] = of_output.totals[variable]
    if penalty is None:
        return
    leaves, interior = recording.graphs[penalty]
    below = set(leaves).intersection(recording.variables)
    reached = [variable for variable in recording.variables if variable in below]
    if penalty not in recording.passes:
        recording.passes[penalty] = reverse_pass(penalty, interior, reached, is_complete=True)
    for leaf, total in recording.passes[penalty].totals.items():
        # Over rows it is a sum in any case, as theirs starts from 0.0.
        before = recording.gradients[leaf] if inputs or leaf in of_output.totals else None
        recording.gradients[leaf] = total if before is None else before + total


def _add_updates(recording: Recording, assignments: Mapping[Value, Any]) -> None:
    if not isinstance(assignments, Mapping):
        raise TypeError(
            "compile: updates must return a dict of variables and expressions, "
            f"but returned {describe(assignments)}"
        )
    inputs = set(recording.inputs)
    for variable in assignments:
        if not isinstance(variable, Value):
            raise TypeError(f"compile: an update is for {describe(variable)}, which is no Value")
        if not variable.is_leaf or variable.is_constant or variable in inputs:
            kind = "an input" if variable in inputs else "not a variable"
            raise ValueError(f"compile: an update is for {_called(variable)}, which is {kind}")
    # What is below these has been seen: the walk ends there.
    known = {*inputs, *recording.variables}
    visited = set(recording.means.values())
    for root, each in recording.passes.items():
        visited.update(recording.graphs[root][1], each.totals.values())
    for variable, assigned in assignments.items():
        expression = lift(assigned, f"the update of {_called(variable)}")
        recording.assignments[variable] = expression
        pending = [expression, variable]
        while pending:
            node = pending.pop()
            if node in visited:
                continue
            visited.add(node)
            if not node.is_leaf:
                recording.others.append(node)
                pending += reversed(node.parents)
            elif not node.is_constant and node not in known:
                known.add(node)
                recording.variables.append(node)


def _check(
    output: Value, inputs: Sequence[Value], updates: Updates | None, penalty: Value | None
) -> None:
    if not isinstance(output, Value):
        raise TypeError(f"compile needs a Value as its output, but got {describe(output)}")
    if isinstance(inputs, Value) or not isinstance(inputs, Sequence):
        raise TypeError(f"compile needs a list of inputs, but got {describe(inputs)}")
    if updates is not None and not callable(updates):
        is_optimizer = callable(getattr(updates, "updates", None))
        cure = ". Of an optimizer give that function: updates=optimizer.updates" * is_optimizer
        raise TypeError(f"compile needs a function as updates, but got {describe(updates)}{cure}")
    if penalty is not None and not isinstance(penalty, Value):
        raise TypeError(f"compile needs a Value as its penalty, but got {describe(penalty)}")
    for place, value in enumerate(inputs):
        if not isinstance(value, Value):
            raise TypeError(f"compile: input {place} must be a Value, but got {describe(value)}")
        if not value.is_leaf or value.is_constant:
            raise ValueError(
                f"compile: input {place}, {value!r}, must be a variable: a leaf made by Value(...)"
            )
    if len(set(inputs)) != len(inputs):
        raise ValueError("compile: an input is given twice")


def _called(value: Value) -> str:
    return value.label or repr(value)


# --------------------------------------------------------------------------------------------
# A program as registers
# --------------------------------------------------------------------------------------------


def build(recording: Recording, named: bool, unguarded: bool = False) -> Parts:
    """Return the registers of a program.

    With names, they are for a person: each contribution and each gradient is a line of its own, if
    only as another name for one that was computed before, and a neuron's sum is one operation.
    Without, they are for machines: every number is computed once, and the sum's single steps can
    be shared with other rows'.  All numbers are the same.

    ``unguarded`` leaves out the choice of each guard of the rows (see ``guard.py``).

    Raises ValueError if an update depends on an input.
    """
    builder = _Builder(recording, named)
    parts, linear = builder.parts, builder.linear
    parts.output = builder.forward(recording.output)
    parts.forward_end = len(linear.registers)
    found = builder.backward(recording.output, not unguarded)
    parts.sums, totals = found.sums, found.recorded.totals
    parts.has_guards = not found.recorded.is_complete and found.recorded.has_guards()
    parts.gradients = {
        leaf: found.if_reached(leaf, linear.lower(totals[leaf]))
        for leaf in recording.leaves
        if leaf in totals
    }
    parts.unreached = totals.keys() - found.gradients
    parts.gradient_end = len(linear.registers)
    for variable, mean in recording.means.items():
        parts.means[variable] = linear.leaf(Kind.MEAN, mean, f"mean_{builder.called(variable)}")
    if recording.penalty is not None:
        parts.penalty = builder.forward(recording.penalty)
        builder.backward(recording.penalty)
        for leaf, gradient in recording.gradients.items():
            linear.lower(gradient, f"the gradient of {_called(leaf)}, and the penalty's")
    parts.backward_end = len(linear.registers)
    for variable, expression in recording.assignments.items():
        name = builder.called(variable)
        place = builder.lowered(expression, f"{name} after the update", f"new_{name}")
        parts.updates[variable] = place
    _check_updates(parts)
    _check_operations(linear)
    return parts


class _Builder:
    """Makes registers; those for a person have ``names``, by root."""

    def __init__(self, recording: Recording, named: bool) -> None:
        self.recording = recording
        self.names = {root: Names(root) for root in recording.graphs} if named else {}
        self.linear = linear = Linear(single_steps=not named)
        self.parts = Parts(linear, recording.inputs, recording.variables)
        for place, value in enumerate(recording.inputs):
            linear.leaf(Kind.INPUT, value, value.label or f"x[{place}]")
        for value in recording.variables:
            linear.leaf(Kind.VARIABLE, value, self.called(value))

    def called(self, variable: Value) -> str:
        """Return the name of a variable; the updates alone may have it."""
        found = [names[variable] for names in self.names.values() if variable in names]
        return found[0] if found else variable.label or "state"

    def forward(self, root: Value) -> int:
        """Add the operations of a forward pass, and return the root's register."""
        of_value, names = self.linear.of_value, self.names.get(root)
        for node in self.recording.graphs[root][1]:
            if names is None:
                self.linear.lower(node)
            elif node not in of_value:
                name = names[node]
                of_value[node] = self.lowered(node, f"{name} = {names.formula(node)}", name)
        return self.linear.lower(root)

    def backward(self, root: Value, guarded: bool = True) -> InRegisters:
        """Add the operations of the reverse pass from root."""
        recorded, names = self.recording.passes[root], self.names.get(root)
        found = InRegisters(root, recorded, self.linear, names, guarded)
        found.add_all()
        return found

    def lowered(self, value: Value, comment: str, name: str) -> int:
        """Return the register of a Value, for a person under that name."""
        count = len(self.linear.registers)
        place = self.linear.lower(value, comment)
        return self.linear.named(place, count, comment, name) if self.names else place


def _check_updates(parts: Parts) -> None:
    """Raise ValueError if an update depends on an input."""
    linear = parts.linear
    if not parts.inputs or not parts.updates:
        return
    inputs = {linear.of_value[value] for value in parts.inputs}
    if not inputs.isdisjoint(linear.live(parts.updates.values())):
        of_the_row = linear.depending_on(inputs)
        first = next(each for each, place in parts.updates.items() if place in of_the_row)
        raise ValueError(
            f"compile: the update of {_called(first)} depends on an input, whose row is "
            "gone by then: use the gradients, which are means over the rows"
        )


def _check_operations(linear: Linear) -> None:
    """Raise ValueError if two operations would have the same name in the code."""
    functions: dict[str, Callable[..., Any]] = {}
    for op in dict.fromkeys([register.op for register in linear.registers]):
        if op is not None:
            function = function_called(op)
            if functions.setdefault(function_name(op), function) is not function:
                raise ValueError(
                    f"compile: two different operations are called {op.name!r}: "
                    "give each a name of its own"
                )


def in_memory(parts: Parts) -> list[Value]:
    """Return the variables in the order of machines: those of one matrix are side by side."""
    ordered = dict.fromkeys([*parts.updates, *parts.variables])
    groups: dict[str, list[Value]] = {}
    for variable in ordered:
        groups.setdefault(variable.label.partition("[")[0], []).append(variable)
    return [variable for group in groups.values() for variable in group]


def listing(parts: Parts, variables: Iterable[Value]) -> dict[int, int]:
    """Return the place in the order of the variables of each one's gradient and new number."""
    ordered = [
        registers[variable]
        for variable in variables
        for registers in (parts.gradients, parts.updates)
        if variable in registers
    ]
    return {register: place for place, register in enumerate(ordered)}


def new_numbers(parts: Parts) -> dict[int, int]:
    """Return each variable's register by that of its new number, if that may take its place.

    A variable whose number is read after all updates must keep its place.
    """
    of_value, results = parts.linear.of_value, {parts.output, *update_results(parts)}
    return {
        new: of_value[variable]
        for variable, new in parts.updates.items()
        if of_value[variable] not in results
    }


def update_results(parts: Parts) -> list[int]:
    """Return the registers of the penalty, if there is one, and of the variables' new numbers."""
    penalty = [] if parts.penalty is None else [parts.penalty]
    return [*penalty, *parts.updates.values()]


def needed_means(parts: Parts) -> dict[Value, int]:
    """Return those of a program's means that its updates need."""
    needed = set(parts.linear.live(update_results(parts)))
    return {leaf: place for leaf, place in parts.means.items() if place in needed}


@dataclass(frozen=True, slots=True)
class RowsPlan:
    """When a program over rows computes which registers, each part in order.

    ``before`` the rows of a batch, what depends on no input; for each row, ``rows``; ``after``
    them, what the updates need besides.  ``means`` are those that are needed, ``of_the_row`` all
    registers that depend on an input.
    """

    of_the_row: set[int]
    means: dict[Value, int]
    before: list[int]
    rows: list[int]
    after: list[int]


def plan_rows(parts: Parts) -> RowsPlan:
    """Return when a program over rows computes which registers."""
    linear, means = parts.linear, needed_means(parts)
    live = linear.live([parts.output, *[parts.gradients[leaf] for leaf in means]])
    computed = set(live)
    of_the_row = linear.depending_on(linear.of_value[value] for value in parts.inputs)
    return RowsPlan(
        of_the_row,
        means,
        before=[place for place in live if place not in of_the_row],
        rows=[place for place in live if place in of_the_row],
        after=[place for place in linear.live(update_results(parts)) if place not in computed],
    )
