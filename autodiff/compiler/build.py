"""From a graph to registers: forward, gradient and updates, with names and comments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autodiff import ops
from autodiff.compiler.linear import Kind, Linear
from autodiff.gradient import gradient_steps
from autodiff.graph import leaves_and_interior, topological_order
from autodiff.naming import Names
from autodiff.ops import describe
from autodiff.value import Value, constant, lift

__all__ = ["Parts", "Updates", "build", "expanded", "update_results"]

Updates = Callable[[Mapping[Value, Value]], Mapping[Value, Any]]


@dataclass(slots=True)
class Parts:
    """The registers of a program, and which of them are what.

    ``gradients`` are d output / d leaf for one row (or for the whole program, without inputs);
    ``means`` the registers that hold their means over a batch; ``updates`` the variables' new
    numbers; ``penalty`` the penalty's number.
    """

    linear: Linear
    inputs: tuple[Value, ...]
    variables: list[Value] = field(default_factory=list)
    output: int = 0
    gradients: dict[Value, int] = field(default_factory=dict)
    means: dict[Value, int] = field(default_factory=dict)
    updates: dict[Value, int] = field(default_factory=dict)
    penalty: int | None = None
    forward_end: int = 0
    backward_end: int = 0


def build(
    output: Value, inputs: Sequence[Value], updates: Updates | None, penalty: Value | None
) -> Parts:
    """Return the registers of a program; see :func:`autodiff.compile` for the arguments."""
    _check(output, inputs, penalty)
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
    parts.output = linear.of_value[output]
    parts.forward_end = len(linear.registers)
    totals = _backward(linear, output, leaves, names)
    parts.gradients = {leaf: linear.lower(totals[leaf]) for leaf in leaves if leaf in totals}

    gradients = _gradients_for_updates(parts, totals, names)
    if penalty is not None:
        penalty_names = Names(penalty)
        _forward(linear, penalty, penalty_names)
        parts.penalty = linear.of_value[penalty]
        reached = [variable for variable in parts.variables if variable in penalty_names]
        for leaf, total in _backward(linear, penalty, reached, penalty_names).items():
            gradients[leaf] = gradients[leaf] + total if leaf in totals else total
            linear.lower(gradients[leaf], f"the gradient of {_called(leaf)}, and the penalty's")
    parts.backward_end = len(linear.registers)
    if updates is not None:
        _updates(parts, updates(gradients), names)
    linear.check()
    return parts


def _check(output: Value, inputs: Sequence[Value], penalty: Value | None) -> None:
    if not isinstance(output, Value):
        raise TypeError(f"compile needs a Value as its output, but got {describe(output)}")
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
    if penalty is not None:
        shared = set(inputs) & set(topological_order(penalty))
        if shared:
            raise ValueError(f"compile: the penalty depends on the input {_called(shared.pop())}")


def _called(value: Value) -> str:
    return value.label or repr(value)


def _add_variables(parts: Parts, root: Value, names: Names) -> None:
    """Add a register for each variable below root that has none yet."""
    for leaf in leaves_and_interior(root)[0]:
        if not leaf.is_constant and leaf not in parts.linear.of_value:
            parts.linear.leaf(Kind.VARIABLE, leaf, names[leaf], f"variable {names[leaf]}")
            parts.variables.append(leaf)


def _forward(linear: Linear, root: Value, names: Names) -> None:
    for node in topological_order(root):
        if node not in linear.of_value:
            before = len(linear.registers)
            place = linear.lower(node)
            if place >= before:
                register = linear.registers[place]
                register.name = names[node]
                register.comment = f"{names[node]} = {names.formula(node)}"
    linear.forward.update(topological_order(root))


def _backward(linear: Linear, root: Value, leaves: list[Value], names: Names) -> dict[Value, Value]:
    """Lower the reverse pass step by step; return each leaf's gradient."""
    of = f"d {names[root]}"
    totals: dict[Value, Value] = {}
    seed = constant(1.0)
    if root in leaves:
        totals[root] = seed
    wanted = set(leaves)
    linear.of_value[seed] = linear.number(1.0)
    uses: dict[Value, int] = {}
    for step in gradient_steps(root, leaves):
        node, parent = names[step.node], names[step.parent]
        rule = step.node.op.partials.__name__ if step.node.op is not None else ""
        linear.lower(step.local, f"for d {node}/d {parent}, by {rule}")
        uses[step.parent] = use = uses.get(step.parent, 0) + 1
        gradient, chain = f"{of}/d {parent}", f"{of}/d {node} × d {node}/d {parent}"
        if use == 1:
            _named(linear, step.contribution, f"{gradient} = {chain}", f"d_{parent}")
        else:
            _named(linear, step.contribution, chain, f"d_{parent}_from_{node}")
            _named(linear, step.total, f"{gradient} += the line above", f"d_{parent}_{use}")
        if step.parent in wanted:
            totals[step.parent] = step.total
    return totals


def _named(linear: Linear, value: Value, comment: str, name: str) -> None:
    """Lower a Value and name its register; if it is one that had a name, name a copy of it."""
    before = len(linear.registers)
    place = linear.lower(value, comment)
    register = linear.registers[place]
    if place >= before and register.kind is Kind.OPERATION:
        register.name, register.comment = name, comment
    else:
        copied = linear.copy(place, name, comment)
        # A gradient that is a Value of the forward pass, a weight say, keeps its name there.
        if value not in linear.forward:
            linear.of_value[value] = copied


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
            name = names[variable] if variable in names else _called(variable)
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
    for variable in assignments:
        if not isinstance(variable, Value):
            raise TypeError(f"compile: an update is for {describe(variable)}, which is no Value")
        if not variable.is_leaf or variable.is_constant or variable in parts.inputs:
            kind = "an input" if variable in parts.inputs else "not a variable"
            raise ValueError(f"compile: an update is for {_called(variable)}, which is {kind}")
    for variable, assigned in assignments.items():
        expression = lift(assigned, f"the update of {_called(variable)}")
        for root in (variable, expression):
            for leaf in leaves_and_interior(root)[0]:
                if not leaf.is_constant and leaf not in linear.of_value:
                    linear.leaf(Kind.VARIABLE, leaf, leaf.label or "state", "state of the updates")
                    parts.variables.append(leaf)
        called = names[variable] if variable in names else _called(variable)
        _named(linear, expression, f"{called} after the update", f"new_{called}")
        parts.updates[variable] = linear.of_value[expression]
    of_the_row = linear.depending_on(linear.of_value[value] for value in parts.inputs)
    for variable, place in parts.updates.items():
        if place in of_the_row:
            raise ValueError(
                f"compile: the update of {_called(variable)} depends on an input, whose row is "
                "gone by then: use the gradients, which are means over the rows"
            )


def update_results(parts: Parts) -> list[int]:
    """Return the registers of the penalty, if there is one, and of the variables' new numbers."""
    penalty = [] if parts.penalty is None else [parts.penalty]
    return [*penalty, *parts.updates.values()]


def expanded(parts: Parts) -> Parts:
    """Return the same program for machines: no copies, and each sum of a neuron in single steps.

    A person reads ``z = b + w0 * x0 + w1 * x1`` as one line; as five operations, its parts can
    be shared with other rows'.  Every number stays the same.
    """
    old, new = parts.linear, Linear()
    moved: list[int] = []
    for register in old.registers:
        operands = tuple([moved[place] for place in register.operands])
        if register.kind is Kind.COPY:
            moved.append(operands[0])
        elif register.kind is Kind.NUMBER:
            moved.append(new.number(register.number))
        elif register.op is None:
            moved.append(new.add(replace(register)))
        elif register.op is ops.WEIGHTED_SUM:
            half = len(operands) // 2 + 1
            total = operands[0]
            for weight, x in zip(operands[1:half], operands[half:], strict=True):
                term = new.operation(ops.MUL, (weight, x), register.value, "")
                total = new.operation(ops.ADD, (total, term), register.value, "")
            moved.append(total)
        else:
            moved.append(new.operation(register.op, operands, register.value, ""))
    for leaf, place in old.of_value.items():
        if old.registers[place].kind in (Kind.VARIABLE, Kind.INPUT, Kind.MEAN):
            new.of_value[leaf] = moved[place]
    return replace(
        parts,
        linear=new,
        output=moved[parts.output],
        gradients={leaf: moved[place] for leaf, place in parts.gradients.items()},
        means={leaf: moved[place] for leaf, place in parts.means.items()},
        updates={leaf: moved[place] for leaf, place in parts.updates.items()},
        penalty=None if parts.penalty is None else moved[parts.penalty],
    )
