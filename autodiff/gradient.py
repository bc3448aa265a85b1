"""The reverse pass, contribution by contribution, and gradients that are graphs themselves.

A Value's gradient is a sum over its uses.  Each use contributes

    upstream gradient of the user  x  local derivative of the user by this operand

``contributions`` gives them one by one.  Of numbers, it is the pass that ``Value.backward()``
does with the chain rules written out, bit for bit, for all who want to see each step.  Run on
Values, the same rules build a graph of the gradient: from it come second derivatives and compiled
programs.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, overload

from autodiff.graph import leaves_and_interior, topological_order
from autodiff.ops import NOTHING, Operation, Role, local_derivatives, where
from autodiff.ops.called_rule import call_of_rule, may_give_nothing, why_no_graph
from autodiff.ops.operation import checked
from autodiff.support.by_hand import refuse_given
from autodiff.support.changed import CURE, Changes, are_up_to_date
from autodiff.support.convert import describe
from autodiff.support.naming import Names
from autodiff.support.node import restore
from autodiff.support.noticing import noticing
from autodiff.support.passes import check_data
from autodiff.value import Value, constant

__all__ = ["Contribution", "GradientSteps", "contributions", "grad", "hessian"]


@dataclass(frozen=True, slots=True)
class Contribution:
    """One contribution to one gradient, in numbers or in Values.

    ================  ======================================================================
    ``node``          the interior node whose rule is applied
    ``parent``        the operand that receives the contribution
    ``position``      which operand of ``node`` it is, from 0 (``x * x`` has two)
    ``local``         local derivative: d node / d operand
    ``upstream``      upstream gradient: d root / d node, complete by now
    ``contribution``  ``local * upstream``; None if the operand was not taken
    ``before``        the parent's sum before it; None if this is the first
    ``total``         the parent's sum with it
    ================  ======================================================================
    """

    node: Value
    parent: Value
    position: int
    local: Any
    upstream: Any
    contribution: Any
    before: Any
    total: Any


class Arithmetic(Protocol):
    """What a pass calculates in, numbers or Values, and what holds the gradients meanwhile."""

    def gradient(self, node: Value) -> Any:
        """Return a Value's gradient so far; None if no contribution has reached it."""

    def local_derivatives(self, node: Value) -> Sequence[Any]:
        """Return what a node's rule gives, one for each parent."""

    def receives(self, parent: Value) -> bool:
        """Return whether a Value gets a gradient at all."""

    def contribute(self, node: Value, parent: Value, local: Any, upstream: Any, /) -> Any:
        """Add ``local * upstream`` to the parent's gradient, and return it; None if not taken."""


def contributions(interior: Sequence[Value], arithmetic: Arithmetic) -> Iterator[Contribution]:
    """Yield each contribution of a reverse pass once it is added.

    ``interior`` are the nodes with parents before their users; root has its gradient already.  A
    node that no contribution has reached passes none on.
    """
    for node in reversed(interior):
        upstream = arithmetic.gradient(node)
        if upstream is None:
            continue
        locals_ = arithmetic.local_derivatives(node)
        for position, (parent, local) in enumerate(zip(node.parents, locals_, strict=True)):
            if arithmetic.receives(parent):
                before = arithmetic.gradient(parent)
                added = arithmetic.contribute(node, parent, local, upstream)
                total = arithmetic.gradient(parent)
                yield Contribution(node, parent, position, local, upstream, added, before, total)


# ---- in Values ---------------------------------------------------------------------------------

# What a contribution is where it is not taken: a sum with it is the same to the last bit.
NEUTRAL = -0.0


Number = TypeVar("Number")


class Sums(ABC, Generic[Number]):
    """Gradients whose numbers are not known yet: Values, or what stands for a number in a program.

    Whether a side of a choice is taken shows only when such a graph is computed.  So each Value
    that may not be reached has a condition, a number above 0 where it is; a contribution from there
    is chosen by it, and no infinity of a side that was not taken gets out.
    """

    def __init__(self, root: Value) -> None:
        self.gradients = {root: self.number(1.0)}
        self.reached: dict[Value, Number] = {}

    @abstractmethod
    def number(self, number: float) -> Number:
        """Return what stands for a number."""

    @abstractmethod
    def chosen(self, condition: Number, first: Number, second: Number) -> Number:
        """Return the first where the condition is above 0, else the second."""

    @abstractmethod
    def total(self, parent: Value, before: Number | None, added: Number) -> Number:
        """Return the gradient of a parent with one more contribution."""

    def add(self, node: Value, parent: Value, is_taken: Number | None, added: Number) -> Number:
        """Add a node's contribution to a parent's gradient, and return it.

        It is taken where ``is_taken`` is above 0, and if that is None always.
        """
        condition = self.reached.get(node)
        if condition is None:
            condition = is_taken
        elif is_taken is not None:
            condition = self.chosen(condition, is_taken, self.number(0.0))
        if condition is not None:
            added = self.chosen(condition, added, self.number(NEUTRAL))
        before = self.gradients.get(parent)
        self.gradients[parent] = self.total(parent, before, added)
        if condition is None:
            self.reached.pop(parent, None)
        elif before is None or parent in self.reached:
            self.reach(parent, condition)
        return added

    def reach(self, parent: Value, condition: Number) -> None:
        """Note that a contribution reaches a parent where a condition is above 0."""
        if parent in self.reached:
            condition = self.chosen(self.reached[parent], self.number(1.0), condition)
        self.reached[parent] = condition

    def complete(self, value: Value) -> Number:
        """Return a Value's gradient: 0 where nothing has reached it."""
        gradient = self.gradients.get(value)
        if gradient is not None and value in self.reached:
            return self.chosen(self.reached[value], gradient, self.number(0.0))
        return self.number(0.0) if gradient is None else gradient


class InValues(Sums[Value]):
    """The arithmetic of a pass whose gradients are graphs."""

    def __init__(self, output: Value, on_path: Container[Value]) -> None:
        super().__init__(output)
        self.receives = on_path.__contains__
        self.gradient = self.gradients.get

    def number(self, number: float) -> Value:
        return constant(number)

    def chosen(self, condition: Value, first: Value, second: Value) -> Value:
        side: Value = where(condition, first, second)
        return side

    def total(self, parent: Value, before: Value | None, added: Value) -> Value:  # noqa: ARG002
        return added if before is None else before + added

    def local_derivatives(self, node: Value) -> list[Value]:
        return local_derivatives_as_values(node)

    def contribute(self, node: Value, parent: Value, local: Value, upstream: Value) -> Value | None:
        is_taken = condition_of(local)
        if is_taken is NEVER:
            return None
        return self.add(node, parent, is_taken, product(taken_side(local), upstream))


NEVER = constant(0.0)


def condition_of(local: Value) -> Value | None:
    """Return what is above 0 where an operand is taken; None if it always is, NEVER if never."""
    if local.is_constant:
        return NEVER if local.data is NOTHING else None
    if not is_choice(local):
        return None
    condition, *sides = local.parents
    first, second = map(condition_of, sides)
    if first is second is None:
        return None
    if first is None and second is NEVER:
        return condition
    either: Value = where(
        condition, 1.0 if first is None else first, 1.0 if second is None else second
    )
    return either


def is_taken(contribution: Value) -> Value:
    """Return what is above 0 where a contribution in Values is taken."""
    if is_choice(contribution) and contribution.parents[2].data is NEUTRAL:
        return contribution.parents[0]
    return constant(1.0)


def taken_side(local: Value) -> Value:
    """Return a local derivative without the sides of its choices that give nothing."""
    if not is_choice(local):
        return local
    condition, first, second = local.parents
    if condition_of(first) is NEVER:
        return taken_side(second)
    if condition_of(second) is NEVER:
        return taken_side(first)
    if condition_of(local) is None:
        return local
    side: Value = where(condition, taken_side(first), taken_side(second))
    return side


def is_choice(value: Value) -> bool:
    return value.op is not None and Role.CONDITION in value.op.roles


def product(local: Value, upstream: Value) -> Value:
    """Return ``local * upstream``, or the other factor where one is the constant 1."""
    if local.is_constant and local.data == 1.0:
        return upstream
    if upstream.is_constant and upstream.data == 1.0:
        return local
    return local * upstream


def local_derivatives_as_values(node: Value) -> list[Value]:
    """Return a node's local derivatives as graphs of their own.

    A rule of a user's own may look at numbers.  Then its graph would be right for these alone, and
    each local derivative is a node that calls the rule.  Whether it does is noticed, and tried.
    """
    refuse_given([node], "grad")
    op = node.op
    assert op is not None, "an interior node has an operation"
    is_ours, why = is_of_the_library(op.partials), ""
    if is_ours:
        partials = op.partials(node, *node.parents)
    else:
        partials, why = noticed_partials(op, node)
    if why:
        return calls_of_rule(op, node, why)
    if not isinstance(partials, (tuple, list)) or len(partials) != len(node.parents):
        local_derivatives(node)  # raises, naming the operation
    graphs = [each if isinstance(each, Value) else constant(each) for each in partials]
    if is_ours and any(parent.is_constant for parent in node.parents):
        given = {node, *node.parents}
        graphs = [without_constants(each, given) for each in graphs]
    why = "" if is_ours else why_no_graph(op, node, graphs)
    return calls_of_rule(op, node, why) if why else graphs


def without_constants(graph: Value, given: Container[Value]) -> Value:
    """Return a local derivative with what is known of constants alone as one: ``3 * x**2``.

    The numbers are the same, bit for bit. ``given`` are the node and its operands.
    """
    op = graph.op
    if op is None or graph in given:
        return graph
    if is_choice(graph) and (condition := without_constants(graph.parents[0], given)).is_constant:
        return without_constants(graph.parents[1 if condition.data > 0.0 else 2], given)
    operands = [without_constants(parent, given) for parent in graph.parents]
    if all(operand.is_constant for operand in operands):
        return constant(graph.data)
    if operands == list(graph.parents):
        return graph
    *others, last = operands
    number = last.data if last.is_constant else math.nan
    if op.neutral[-1:] == (number,):
        return others[0]
    made: Value = op.cases[number].apply(*others) if number in op.cases else op.apply(*operands)
    return made


def is_of_the_library(rule: Callable[..., Any]) -> bool:
    """Return whether a rule is one of ``autodiff.ops``, which look at no number."""
    module: str = getattr(rule, "__module__", "")
    return module.startswith("autodiff.ops.")


def noticed_partials(op: Operation, node: Value) -> tuple[Any, str]:
    """Return what a rule makes of Values, and why that is no graph; "" if it is one."""
    partials: Any = None
    with noticing([node, *node.parents], counts_texts=True) as notes:
        try:
            partials = op.partials(node, *node.parents)
        except Exception as error:  # whatever it does with a Value that works on numbers alone
            notes.failed(error)
    return partials, str(notes.looks[0]) if notes.looks else ""


def calls_of_rule(op: Operation, node: Value, why: str) -> list[Value]:
    """Return a node for each local derivative that calls the rule for it.

    Its number is nan where the rule has none, as at a placeholder's.
    """
    operands, count = (node, *node.parents), len(node.parents)
    try:
        partials = op.partials(*[operand.data for operand in operands])
    except (ArithmeticError, ValueError):
        partials = (math.nan,) * count
    local: list[Value] = []
    for position, number in enumerate(checked(op, partials, count)):
        call = call_of_rule(op, position, count, why)
        local.append(restore(Value, float(number), None, operands, call.origin))
        if may_give_nothing(op.partials):
            asks = call_of_rule(op, position, count, why, asks=True)
            is_taken = float(number is not NOTHING)
            condition = restore(Value, is_taken, None, operands, asks.origin)
            local[position] = where(condition, local[position], NOTHING)
    return local


def depending_on(inputs: Iterable[Value], interior: Iterable[Value]) -> set[Value]:
    """Return the inputs, and the nodes of a graph's interior that depend on any."""
    found = set(inputs)
    for node in interior:
        if not found.isdisjoint(node.parents):
            found.add(node)
    return found


class GradientSteps:
    """The contributions from output to the inputs, as Values, one by one.

    They are those of ``backward_steps``, in its order, without those on no path from an input; the
    numbers are the same, bit for bit.
    """

    def __init__(self, output: Value, inputs: Sequence[Value]) -> None:
        check_data(output)
        _, self.interior = leaves_and_interior(output)
        on_path = depending_on(inputs, self.interior)
        self.on_path = [node for node in self.interior if not on_path.isdisjoint(node.parents)]
        self.arithmetic = InValues(output, on_path)

    def __iter__(self) -> Iterator[Contribution]:
        """Yield the contributions that may be taken."""
        for each in contributions(self.on_path, self.arithmetic):
            if each.contribution is not None:
                yield each

    def complete(self, value: Value) -> Value:
        """Return a Value's gradient, after the last contribution; 0 where nothing reaches it."""
        return self.arithmetic.complete(value)


@overload
def grad(output: Value, inputs: Value) -> Value: ...


@overload
def grad(output: Value, inputs: Sequence[Value]) -> list[Value]: ...


def grad(output: Value, inputs: Value | Sequence[Value]) -> Value | list[Value]:
    """Return d output / d input as a Value, or one for each of a list of inputs.

    Unlike ``backward()`` it leaves every ``.grad`` alone, and its results are nodes: apply
    ``grad`` again for second derivatives.  An input that the output does not depend on has the
    constant gradient 0.  An input may also be an interior node; it then counts as a variable.

    Raises TypeError if output or an input is not a Value; ValueError if an input is a constant, and
    if numbers have changed since the graph was computed (``w.data -= ...``).

    >>> x = Value(3.0, "x")
    >>> first = grad(x**3, x)
    >>> first.data, grad(first, x).data
    (27.0, 18.0)
    """
    wanted = _checked_inputs(output, [inputs] if isinstance(inputs, Value) else inputs)
    found = _gradients(output, wanted)
    return found[0] if isinstance(inputs, Value) else found


def _gradients(output: Value, inputs: Sequence[Value]) -> list[Value]:
    steps = GradientSteps(output, inputs)
    _refuse_changes(output, steps.interior)
    for _ in steps:
        pass
    return [steps.complete(value) for value in inputs]


def _refuse_changes(output: Value, interior: Sequence[Value]) -> None:
    """Raise ValueError if numbers of a graph have changed since it was computed."""
    if are_up_to_date(interior):
        return
    changes = Changes(topological_order(output))
    sentence = changes.sentence(Names(output))
    raise ValueError(f"grad through numbers of different times: {sentence}. {CURE.capitalize()}")


def hessian(output: Value, inputs: Sequence[Value]) -> list[list[Value]]:
    """Return the second derivatives d² output / d input[i] d input[j], one row for each i.

    For n inputs they are n rows of n Values.  It takes n + 1 reverse passes.  Raises what ``grad``
    raises.

    >>> x, y = Value(2.0), Value(5.0)
    >>> [[entry.data for entry in row] for row in hessian(x * x * y, [x, y])]
    [[10.0, 4.0], [4.0, 0.0]]
    """
    variables = _checked_inputs(output, inputs)
    return [_gradients(first, variables) for first in grad(output, variables)]


def _checked_inputs(output: Value, inputs: Iterable[Value]) -> list[Value]:
    """Return the inputs as a list; raise if they, or the output, are not what ``grad`` takes."""
    if not isinstance(output, Value):
        raise TypeError(f"grad needs a Value as its output, but got {describe(output)}")
    if not isinstance(inputs, Iterable):
        raise TypeError(f"grad needs a list of Values as inputs, but got {describe(inputs)}")
    checked = list(inputs)
    for place, value in enumerate(checked):
        if not isinstance(value, Value):
            raise TypeError(f"grad needs Values as inputs, but input {place} is {describe(value)}")
        if value.is_constant:
            raise ValueError(f"grad: input {place}, {value!r}, is a constant and has no gradient")
    return checked
