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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, overload

from autodiff.graph import leaves_and_interior
from autodiff.ops import Operation, local_derivatives
from autodiff.ops.called_rule import call_of_rule
from autodiff.ops.operation import checked
from autodiff.support.convert import describe
from autodiff.support.noticing import noticing
from autodiff.support.passes import check_data
from autodiff.value import Value, constant, new_node

__all__ = ["Contribution", "contributions", "grad", "gradient_steps", "hessian"]


@dataclass(frozen=True, slots=True)
class Contribution:
    """One contribution to one gradient, in numbers or in Values.

    ================  ======================================================================
    ``node``          the interior node whose rule is applied
    ``parent``        the operand that receives the contribution
    ``position``      which operand of ``node`` it is, from 0 (``x * x`` has two)
    ``local``         local derivative: d node / d operand
    ``upstream``      upstream gradient: d root / d node, complete by now
    ``contribution``  ``local * upstream``
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


class Gradients(Protocol):
    """What holds the gradients of a pass while it runs: a dict, or the Values themselves."""

    def get(self, node: Value) -> Any:
        """Return a Value's gradient so far; None if no contribution has reached it."""

    def __setitem__(self, node: Value, gradient: Any) -> None: ...


def contributions(
    interior: Sequence[Value],
    gradients: Gradients,
    rule: Callable[[Value], Sequence[Any]],
    receives: Callable[[Value], bool],
    multiply: Callable[[Any, Any], Any],
) -> Iterator[Contribution]:
    """Yield each contribution of a reverse pass, and add it to ``gradients`` before.

    ``gradients`` begins with root's; ``interior`` are the nodes with parents before their users.
    ``rule`` returns a node's local derivatives, ``receives`` whether a Value gets a gradient, and
    ``multiply`` a local derivative times an upstream gradient.
    """
    for node in reversed(interior):
        upstream = gradients.get(node)
        if upstream is None:
            continue
        for position, (parent, local) in enumerate(zip(node.parents, rule(node), strict=True)):
            if not receives(parent):
                continue
            contribution = multiply(local, upstream)
            before = gradients.get(parent)
            total = contribution if before is None else before + contribution
            gradients[parent] = total
            yield Contribution(
                *(node, parent, position, local), *(upstream, contribution, before, total)
            )


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
    each local derivative is a node that calls the rule.
    """
    op = node.op
    assert op is not None, "an interior node has an operation"
    if is_of_the_library(op.partials):
        partials = op.partials(node, *node.parents)
    else:
        partials, why = noticed_partials(op, node)
        if why:
            return calls_of_rule(op, node, why)
    if not isinstance(partials, (tuple, list)) or len(partials) != len(node.parents):
        local_derivatives(node)  # raises, naming the operation
    return [partial if isinstance(partial, Value) else constant(partial) for partial in partials]


def is_of_the_library(rule: Callable[..., Any]) -> bool:
    """Return whether a rule is one of ``autodiff.ops``, which look at no number."""
    module: str = getattr(rule, "__module__", "")
    return module.startswith("autodiff.ops.")


def noticed_partials(op: Operation, node: Value) -> tuple[Any, str]:
    """Return what a rule makes of Values, and why that is no graph; "" if it is one."""
    partials: Any = None
    with noticing([node, *node.parents]) as notes:
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
    return [
        new_node(Value, call_of_rule(op, position, count, why), float(number), operands)
        for position, number in enumerate(checked(op, partials, count))
    ]


def gradient_steps(
    output: Value,
    inputs: Sequence[Value],
    multiply: Callable[[Value, Value], Value] = product,
) -> Iterator[Contribution]:
    """Yield the contributions from output to the inputs, as Values.

    They are those of ``backward_steps``, in its order, without those on no path from an input; the
    numbers are the same, bit for bit.
    """
    check_data(output)
    _, interior = leaves_and_interior(output)
    on_path = set(inputs)
    for node in interior:
        if not on_path.isdisjoint(node.parents):
            on_path.add(node)
    reached = [node for node in interior if not on_path.isdisjoint(node.parents)]
    gradients = {output: constant(1.0)}
    return contributions(
        reached, gradients, local_derivatives_as_values, on_path.__contains__, multiply
    )


@overload
def grad(output: Value, inputs: Value) -> Value: ...


@overload
def grad(output: Value, inputs: Sequence[Value]) -> list[Value]: ...


def grad(output: Value, inputs: Value | Sequence[Value]) -> Value | list[Value]:
    """Return d output / d input as a Value, or one for each of a list of inputs.

    Unlike ``backward()`` it leaves every ``.grad`` alone, and its results are nodes: apply
    ``grad`` again for second derivatives.  An input that the output does not depend on has the
    constant gradient 0.  An input may also be an interior node; it then counts as a variable.

    Raises TypeError if output or an input is not a Value, ValueError if an input is a constant.

    >>> x = Value(3.0, "x")
    >>> first = grad(x**3, x)
    >>> first.data, grad(first, x).data
    (27.0, 18.0)
    """
    wanted = _checked_inputs(output, [inputs] if isinstance(inputs, Value) else inputs)
    gradients = {output: constant(1.0)}
    for step in gradient_steps(output, wanted):
        gradients[step.parent] = step.total
    found = [gradients.get(value) or constant(0.0) for value in wanted]
    return found[0] if isinstance(inputs, Value) else found


def hessian(output: Value, inputs: Sequence[Value]) -> list[list[Value]]:
    """Return the second derivatives d² output / d input[i] d input[j], one row for each i.

    For n inputs they are n rows of n Values.  It takes n + 1 reverse passes.  Raises what ``grad``
    raises.

    >>> x, y = Value(2.0), Value(5.0)
    >>> [[entry.data for entry in row] for row in hessian(x * x * y, [x, y])]
    [[10.0, 4.0], [4.0, 0.0]]
    """
    variables = _checked_inputs(output, inputs)
    return [grad(first, variables) for first in grad(output, variables)]


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
