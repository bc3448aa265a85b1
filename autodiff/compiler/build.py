"""From a graph to registers: forward, gradient and updates, with names and comments."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autodiff.compiler.languages import function_called, function_name
from autodiff.compiler.linear import Kind, Linear
from autodiff.gradient import GradientSteps
from autodiff.graph import leaves_and_interior, topological_order
from autodiff.ops import Operation
from autodiff.ops.symbols import Symbol
from autodiff.support.by_hand import refuse_given
from autodiff.support.changed import recomputed
from autodiff.support.convert import describe
from autodiff.support.naming import Names
from autodiff.support.noticing import Notes, noticing
from autodiff.value import Value, constant, lift

__all__ = [
    "Parts",
    "RowsPlan",
    "Updates",
    "build",
    "expanded",
    "needed_means",
    "plan_rows",
    "update_results",
]

Updates = Callable[[Mapping[Value, Value]], Mapping[Value, Any]]


@dataclass(slots=True)
class Parts:
    """The registers of a program, and which of them are what.

    ``gradients`` are d output / d leaf for one row (or for the whole program, without inputs);
    ``means`` the registers that hold their means over a batch; ``updates`` the variables' new
    numbers; ``penalty`` the penalty's number.  ``notes`` are the looks at numbers of the code that
    made the updates.

    ``guards`` are registers of one row that choose a contribution by whether its node is reached.
    """

    linear: Linear
    inputs: tuple[Value, ...]
    variables: list[Value] = field(default_factory=list)
    output: int = 0
    gradients: dict[Value, int] = field(default_factory=dict)
    means: dict[Value, int] = field(default_factory=dict)
    updates: dict[Value, int] = field(default_factory=dict)
    penalty: int | None = None
    guards: set[int] = field(default_factory=set)
    forward_end: int = 0
    gradient_end: int = 0
    backward_end: int = 0
    notes: Notes = field(default_factory=Notes)


def build(
    output: Value, inputs: Sequence[Value], updates: Updates | None, penalty: Value | None
) -> Parts:
    """Return the registers of a program; see :func:`autodiff.compile` for the arguments."""
    _check(output, inputs, updates, penalty)
    order = topological_order(output) if penalty is None else _both(output, penalty)
    # The updates may ask for numbers, or for grad, which takes none of different times.
    with recomputed(order if updates is not None else ()):
        return _built(output, inputs, updates, penalty)


def _both(output: Value, penalty: Value) -> list[Value]:
    """Return the nodes of two graphs, each once, operands before their users."""
    return list(dict.fromkeys([*topological_order(output), *topological_order(penalty)]))


def _built(
    output: Value, inputs: Sequence[Value], updates: Updates | None, penalty: Value | None
) -> Parts:
    parts = Parts(Linear(), tuple(inputs))
    linear = parts.linear
    for place, value in enumerate(inputs, 1):
        linear.leaf(Kind.INPUT, value, value.label or f"x{place}", f"input {place}")
    names = Names(output)
    _add_variables(parts, output, names)
    if penalty is not None:
        _add_variables(parts, penalty, Names(penalty))
    leaves = [value for value in (*parts.variables, *inputs) if value in names]

    _forward(linear, output, names)
    parts.output = linear.lower(output)
    parts.forward_end = len(linear.registers)
    guards = parts.guards if inputs else None
    totals = _backward(linear, output, leaves, names, guards)
    parts.gradients = {leaf: linear.lower(totals[leaf]) for leaf in leaves if leaf in totals}
    parts.gradient_end = len(linear.registers)

    gradients = _gradients_for_updates(parts, totals, names)
    if penalty is not None:
        penalty_names = Names(penalty)
        _forward(linear, penalty, penalty_names)
        parts.penalty = linear.lower(penalty)
        reached = [variable for variable in parts.variables if variable in penalty_names]
        for leaf, total in _backward(linear, penalty, reached, penalty_names, None).items():
            gradients[leaf] = gradients[leaf] + total if leaf in totals else total
            linear.lower(gradients[leaf], f"the gradient of {_called(leaf)}, and the penalty's")
    parts.backward_end = len(linear.registers)
    if updates is not None:
        with noticing([*gradients, *gradients.values()]) as notes:
            assignments = updates(gradients)
        parts.notes = notes
        _updates(parts, assignments, names)
    linear.check()
    _check_operations(linear)
    parts.guards -= _used_outside(parts)
    return parts


def _check(
    output: Value, inputs: Sequence[Value], updates: Updates | None, penalty: Value | None
) -> None:
    if not isinstance(output, Value):
        raise TypeError(f"compile needs a Value as its output, but got {describe(output)}")
    if isinstance(inputs, Value) or not isinstance(inputs, Sequence):
        raise TypeError(f"compile needs a list of inputs, but got {describe(inputs)}")
    if updates is not None and not callable(updates):
        raise TypeError(f"compile needs a function as updates, but got {describe(updates)}")
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
    refuse_given(topological_order(output), "compile")
    if penalty is not None:
        shared = set(inputs) & set(topological_order(penalty))
        if shared:
            raise ValueError(f"compile: the penalty depends on the input {_called(shared.pop())}")


def _check_operations(linear: Linear) -> None:
    """Raise ValueError if two operations would have the same name in the code."""
    functions: dict[str, Callable[..., Any]] = {}
    for register in linear.registers:
        op = register.op
        if op is not None:
            function = function_called(op)
            if functions.setdefault(function_name(op), function) is not function:
                raise ValueError(
                    f"compile: two different operations are called {op.name!r}: "
                    "give each a name of its own"
                )


def _used_outside(parts: Parts) -> set[int]:
    """Return what the penalty and the updates use, where they equal a part of the rows' work."""
    later = parts.linear.registers[parts.gradient_end :]
    used = [place for register in later for place in register.operands]
    return set(map(parts.linear.resolve, [*used, *update_results(parts)]))


def _called(value: Value) -> str:
    return value.label or repr(value)


def _add_variables(parts: Parts, root: Value, names: Names) -> None:
    """Add a register for each variable below root that has none yet."""
    for leaf in leaves_and_interior(root)[0]:
        if not leaf.is_constant and leaf not in parts.linear.of_value:
            parts.linear.leaf(Kind.VARIABLE, leaf, names[leaf], f"variable {names[leaf]}")
            parts.variables.append(leaf)


def _forward(linear: Linear, root: Value, names: Names) -> None:
    for node in leaves_and_interior(root)[1]:
        if node not in linear.of_value:
            name = names[node]
            place = _named(linear, node, f"{name} = {names.formula(node)}", name)
            linear.of_value[node] = place


def _backward(
    linear: Linear, root: Value, leaves: list[Value], names: Names, guards: set[int] | None
) -> dict[Value, Value]:
    """Lower the reverse pass step by step; return each leaf's gradient.

    If it is one row's, to be added to those of others, ``guards`` takes its guards.
    """
    of = f"d {names[root]}"
    totals: dict[Value, Value] = {}
    seed = constant(1.0)
    if root in leaves:
        totals[root] = seed
    wanted = set(leaves)
    linear.of_value[seed] = linear.number(seed.data)
    uses: dict[Value, int] = {}
    # A plain product makes a new Value of each contribution, so that each can have its name.
    steps = GradientSteps(root, leaves, operator.mul)
    for step in steps:
        node, parent = names[step.node], names[step.parent]
        linear.lower(step.local, f"for d {node}/d {parent}, by {_rule_of(step.node)}")
        uses[step.parent] = use = uses.get(step.parent, 0) + 1
        gradient, chain = f"{of}/d {parent}", f"{of}/d {node} × d {node}/d {parent}"
        name = f"d_{parent}" if use == 1 else f"d_{parent}_from_{node}"
        comment = f"{gradient} = {chain}" if use == 1 else chain
        place = _named(linear, step.contribution, comment, name)
        linear.of_value[step.contribution] = place
        if guards is not None and _is_guard(linear, steps, step.contribution):
            guards.add(place)
        if use > 1:
            comment, name = f"{gradient} += the line above", f"d_{parent}_{use}"
            linear.of_value[step.total] = _named(linear, step.total, comment, name)
        if step.parent in wanted:
            totals[step.parent] = step.total
    if guards is None:
        for leaf, total in totals.items():
            totals[leaf] = complete = steps.complete(leaf)
            if complete is not total and leaf is not root:
                comment = f"{of}/d {names[leaf]}: 0 where no contribution has reached it"
                place = _named(linear, complete, comment, f"d_{names[leaf]}_or_0")
                linear.of_value[complete] = place
    return totals


def _is_guard(linear: Linear, steps: GradientSteps, contribution: Value) -> bool:
    """Return whether a contribution's register is its guard: neither a copy nor folded away."""
    register = linear.registers[linear.of_value[contribution]]
    operands = tuple([linear.of_value[parent] for parent in contribution.parents])
    as_written = (register.op, register.operands) == (contribution.op, operands)
    return as_written and steps.is_guard(contribution)


def _rule_of(node: Value) -> str:
    """Return what a comment calls a node's rule: by the operation's name if it has none itself."""
    assert node.op is not None
    name: str = getattr(node.op.partials, "__name__", f"the rule of {node.op.name}")
    return name


def _named(linear: Linear, value: Value, comment: str, name: str) -> int:
    """Return the register of a Value under that name: a new one, or a copy of an earlier one."""
    before = len(linear.registers)
    place = linear.lower(value, comment)
    register = linear.registers[place]
    if place < before or register.kind is not Kind.OPERATION:
        return linear.copy(place, name, comment)
    register.name, register.comment = name, comment
    return place


def _gradients_for_updates(
    parts: Parts, totals: dict[Value, Value], names: Names
) -> dict[Value, Value]:
    """Return the gradients that ``updates`` is given: the totals, or their means over rows."""
    gradients: dict[Value, Value] = {}
    for variable in parts.variables:
        total = totals.get(variable)
        if total is None:
            gradients[variable] = constant(0.0)
        elif not parts.inputs:
            gradients[variable] = total
        else:
            mean = Value(0.0)
            name = names[variable]
            parts.means[variable] = parts.linear.leaf(
                Kind.MEAN, mean, f"mean_{name}", f"mean of d {names[names.root]}/d {name}"
            )
            gradients[variable] = mean
    return gradients


def _updates(parts: Parts, assignments: Mapping[Value, Any], names: Names) -> None:
    linear = parts.linear
    if not isinstance(assignments, Mapping):
        raise TypeError(
            "compile: updates must return a dict of variables and expressions, "
            f"but returned {describe(assignments)}"
        )
    inputs = set(parts.inputs)
    for variable in assignments:
        if not isinstance(variable, Value):
            raise TypeError(f"compile: an update is for {describe(variable)}, which is no Value")
        if not variable.is_leaf or variable.is_constant or variable in inputs:
            kind = "an input" if variable in inputs else "not a variable"
            raise ValueError(f"compile: an update is for {_called(variable)}, which is {kind}")
    for variable, assigned in assignments.items():
        expression = lift(assigned, f"the update of {_called(variable)}")
        _add_states(parts, [variable, expression])
        called = names[variable] if variable in names else _called(variable)
        comment, name = f"{called} after the update", f"new_{called}"
        parts.updates[variable] = _named(linear, expression, comment, name)
    of_the_row = linear.depending_on(linear.of_value[value] for value in parts.inputs)
    for variable, place in parts.updates.items():
        if place in of_the_row:
            raise ValueError(
                f"compile: the update of {_called(variable)} depends on an input, whose row is "
                "gone by then: use the gradients, which are means over the rows"
            )


def _add_states(parts: Parts, roots: Sequence[Value]) -> None:
    """Add a register for each variable below the roots that has none: what the updates remember.

    The walk ends where the program knows a Value: what is below it has its registers.
    """
    linear = parts.linear
    visited: set[Value] = set()
    pending = [*reversed(roots)]
    while pending:
        node = pending.pop()
        if node in visited or node in linear.of_value:
            continue
        visited.add(node)
        if not node.is_leaf:
            pending += reversed(node.parents)
        elif not node.is_constant:
            linear.leaf(Kind.VARIABLE, node, node.label or "state", "state of the updates")
            parts.variables.append(node)


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
    them, what the updates need besides.  ``means`` are those that are needed.
    """

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
        means,
        before=[place for place in live if place not in of_the_row],
        rows=[place for place in live if place in of_the_row],
        after=[place for place in linear.live(update_results(parts)) if place not in computed],
    )


class _Number(Symbol):
    """A register's number: arithmetic on it adds registers, all for the same Value."""

    __slots__ = ("linear", "place", "value")

    def __init__(self, linear: Linear, place: int, value: Value | None) -> None:
        self.linear = linear
        self.place = place
        self.value = value

    def make_node(self, op: Operation, *operands: Any) -> _Number:
        """Return the number of the register of an operation on numbers of registers and others."""
        places = tuple(
            [
                part.place if isinstance(part, _Number) else self.linear.number(part)
                for part in operands
            ]
        )
        place = self.linear.operation(op, places, self.value, "")
        return _Number(self.linear, place, self.value)


def expanded(parts: Parts, unguarded: bool = False) -> Parts:
    """Return the same program for machines: no copies, and each sum of a neuron in single steps.

    A person reads ``z = b + w0 * x0 + w1 * x1`` as one line; as five operations, its parts can
    be shared with other rows'.  Every number stays the same.

    ``unguarded`` leaves out the choice of each guard (see ``guard.py``).
    """
    old, new = parts.linear, Linear()
    moved: list[int] = []
    for register in old.registers:
        operands = tuple([moved[place] for place in register.operands])
        if register.kind is Kind.COPY:
            moved.append(operands[0])
        elif unguarded and len(moved) in parts.guards:
            moved.append(operands[1])  # of where(is_reached, contribution, NEUTRAL)
        elif register.kind is Kind.NUMBER:
            moved.append(new.number(register.number))
        elif register.op is None:
            moved.append(new.add(replace(register)))
        elif register.op.arity is None and register.op.arithmetic:
            numbers = [_Number(new, place, register.value) for place in operands]
            moved.append(register.op.forward(*numbers).place)
        else:
            moved.append(new.operation(register.op, operands, register.value, ""))
    new.shared.clear()  # it is large, and hardly an operation is added from here on
    for leaf, place in old.of_value.items():
        if old.registers[place].kind in (Kind.VARIABLE, Kind.INPUT, Kind.MEAN):
            new.of_value[leaf] = moved[place]
    return replace(
        parts,
        linear=new,
        guards=set(),
        output=moved[parts.output],
        gradients={leaf: moved[place] for leaf, place in parts.gradients.items()},
        means={leaf: moved[place] for leaf, place in parts.means.items()},
        updates={leaf: moved[place] for leaf, place in parts.updates.items()},
        penalty=None if parts.penalty is None else moved[parts.penalty],
    )
