"""Gradients that are graphs themselves, so that they can be differentiated again.

``backward()`` runs each operation's rule on floats.  Run on Values, the same rules build a graph
of the gradient: ``grad`` returns its roots.  From such graphs come second derivatives and
compiled programs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from autodiff.support.convert import describe
from autodiff.graph import leaves_and_interior
from autodiff.value import Value, check_data, constant, local_derivatives

__all__ = ["GradientStep", "grad", "gradient_steps", "hessian"]


@dataclass(frozen=True, slots=True)
class GradientStep:
    """One contribution to one gradient, as :class:`autodiff.Step`, but of Values.

    ``total`` is the parent's gradient so far: the last step of a parent has all of it.
    """

    node: Value
    parent: Value
    position: int
    local: Value
    upstream: Value
    contribution: Value
    total: Value


def product(local: Value, upstream: Value) -> Value:
    """Return ``local * upstream``, or the other factor where one is the constant 1."""
    if local.is_constant and local.data == 1.0:
        return upstream
    if upstream.is_constant and upstream.data == 1.0:
        return local
    return local * upstream


def gradient_steps(
    output: Value,
    inputs: Sequence[Value],
    multiply: Callable[[Value, Value], Value] = product,
) -> Iterator[GradientStep]:
    """Yield the reverse pass from output to the inputs, as Values.

    The steps are those of ``backward_steps``, in its order, without those on no path from an
    input; the numbers are the same, bit for bit.  ``multiply`` makes a contribution of the local
    derivative and the upstream gradient.
    """
    check_data(output)
    _, interior = leaves_and_interior(output)
    on_path = set(inputs)
    for node in interior:
        if not on_path.isdisjoint(node.parents):
            on_path.add(node)
    gradients: dict[Value, Value] = {output: constant(1.0)}
    for node in reversed(interior):
        if on_path.isdisjoint(node.parents):
            continue
        upstream = gradients[node]
        assert node.op is not None, "an interior node has an operation"
        locals_ = node.op.partials(node, *node.parents)
        if not isinstance(locals_, (tuple, list)) or len(locals_) != len(node.parents):
            local_derivatives(node)  # names the operation whose rule is malformed
        for position, (parent, partial) in enumerate(zip(node.parents, locals_, strict=True)):
            if parent not in on_path:
                continue
            local = partial if isinstance(partial, Value) else constant(partial)
            contribution = multiply(local, upstream)
            earlier = gradients.get(parent)
            total = contribution if earlier is None else earlier + contribution
            gradients[parent] = total
            yield GradientStep(node, parent, position, local, upstream, contribution, total)


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
