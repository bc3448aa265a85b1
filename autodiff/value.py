"""Value: a float that remembers how it was made.

Arithmetic on Values computes at once, and each result keeps its operands (``parents``) and which
operation made it.  ``backward()`` then applies the chain rule from the result back to the leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from autodiff import chain_rules, operators  # noqa: F401 (the chain rules join their operations)
from autodiff.operators import Operators, new
from autodiff.ops import WEIGHTED_SUM, Operation
from autodiff.support import passes, watch
from autodiff.support.convert import to_float
from autodiff.support.gradients import NOT_COMPUTED, OF_A_CONSTANT
from autodiff.support.node import Node, labelled, number_of
from autodiff.support.origin import CONSTANT, VARIABLE, Origin

__all__ = ["Operand", "Value", "constant", "lift", "weighted_sum"]


class Value(Operators, Node):
    """A number in a computation graph.

    ``Value(data, label="")`` makes a *variable* leaf from any real number, else raises TypeError.
    (Other engines' forms: ``support/by_hand.py``.)  The 2 of ``2 * x`` becomes a *constant* leaf,
    without gradient.  ``x < 3.0`` compares numbers, ``x == 3.0`` objects: write ``x.data == 3.0``.

    ============  ==========================================================================
    ``data``      the number, a float
    ``grad``      d root / d self after ``root.backward()``; 0.0 before
    ``parents``   its operands, in order (``x * x`` has two); () for a leaf
    ``origin``    where it came from, an :class:`~autodiff.support.origin.Origin`
    ``op``        the :class:`~autodiff.ops.Operation` that made it; None for a leaf
    ``label``     a name for pictures and messages
    ============  ==========================================================================

    >>> x = Value(3.0, "x")
    >>> y = x * x + 2
    >>> y.backward()
    >>> y.data, x.grad
    (11.0, 6.0)
    """

    __slots__ = ("data", "grad", "origin", "parents")

    data: float
    grad: float
    parents: tuple[Value, ...]
    origin: Origin

    def __init__(self, data: Any, label: Any = "", *more: Any, **named: Any) -> None:
        self.data = data if type(data) is float else to_float(data, "Value")
        self.grad = NOT_COMPUTED
        self.parents = ()
        self.origin = VARIABLE
        if label != "" or more or named:
            self.describe(label, *more, **named)
        if watch.on_new_value is not None:
            watch.on_new_value(self)

    def backward(self, gradient: float = 1.0) -> None:
        """Compute d self / d node for every node that self depends on, into ``node.grad``.

        Interior nodes get their gradient afresh; variables add it to what they had, so
        gradients of several roots accumulate until they are zeroed.  ``gradient`` is where the
        chain rule starts: d self / d self.

        Raises ValueError if self is a constant or if an operation's rule is malformed, TypeError if
        the ``data`` of a node is no number, and what a hook raises; the variables' gradients are
        then as they were.

        >>> x, y = Value(3.0), Value(4.0)
        >>> (x * y + x).backward()
        >>> x.grad, y.grad
        (5.0, 3.0)
        """
        if watch.on_backward or not self.parents or not type(self.data) is type(gradient) is float:
            gradient = passes.starting_gradient(self, gradient)
            if passes.is_done_otherwise(self, gradient):
                return
        (interior, set_aside), self.grad = passes.begin_pass(self), gradient
        try:
            passes.set_aside_gradients(set_aside)
            for node in reversed(interior):
                # What no contribution has reached passes none on.
                node.grad is NOT_COMPUTED or node.origin.op.chain_rule(node)
            passes.finish_pass(set_aside)
        except BaseException:
            passes.abandon_pass(self, set_aside)
            raise

    @staticmethod
    def make_node(op: Operation, *operands: Any) -> Value:
        """Return the node of an operation on Values and numbers; raise TypeError for others."""
        parents = tuple([lift(operand, op.name) for operand in operands])
        node = new(Value)
        result = op.forward(*map(number_of, parents))
        node.data = result if type(result) is float else to_float(result, f"a node of {op.name}")
        node.grad = NOT_COMPUTED
        node.parents = parents
        node.origin = op.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def as_operand(self, operand: Any) -> Any:
        """Return a Value as it is and a number as a constant; NotImplemented for anything else."""
        if isinstance(operand, Value):
            return operand
        try:
            return constant(operand)
        except TypeError:
            return NotImplemented


operators.Value = Value  # type: ignore[attr-defined]

Operand: TypeAlias = Value | float


def constant(number: Any, label: str = "") -> Value:
    """Return a number as a constant leaf, which gets no gradient.

    >>> constant(2)
    Constant(2)
    """
    node = new(Value)
    node.data = number if type(number) is float else to_float(number, "constant")
    node.grad = OF_A_CONSTANT
    node.parents = ()
    node.origin = CONSTANT if label == "" else labelled(CONSTANT, label)
    if watch.on_new_value is not None:
        watch.on_new_value(node)
    return node


def lift(operand: Any, user: str) -> Value:
    """Return a Value as it is and a number as a constant; raise TypeError for anything else."""
    if isinstance(operand, Value):
        return operand
    return constant(to_float(operand, user))


def weighted_sum(
    bias: Operand,
    weights: Sequence[Operand],
    inputs: Sequence[Operand],
    origin: Origin = WEIGHTED_SUM.origin,
) -> Value:
    """Return ``bias + weight * input + weight * input + ...``, added in that order, as one node.

    Its parents are the bias, the weights, the inputs; a number becomes a constant.  Raises
    ValueError if there are not as many inputs as weights, TypeError for what is no Value or number.

    >>> bias, weights, inputs = Value(1.0), [Value(2.0), Value(3.0)], [Value(10.0), Value(20.0)]
    >>> weighted_sum(bias, weights, inputs)
    Value(81, op=weighted_sum)
    """
    if len(weights) != len(inputs):
        raise ValueError(f"weighted_sum got {len(weights)} weights, but {len(inputs)} inputs")
    parents: tuple[Any, ...] = (bias, *weights, *inputs)
    try:
        total = bias.data  # type: ignore[union-attr]
        for weight, x in zip(weights, inputs):  # noqa: B905 (checked above; strict costs time)
            total += weight.data * x.data  # type: ignore[union-attr]
    except (AttributeError, TypeError, OverflowError):  # not all are Values, or have floats
        return Value.make_node(WEIGHTED_SUM, *parents)
    if type(total) is not float:
        return Value.make_node(WEIGHTED_SUM, *parents)
    node = new(Value)
    node.data = total
    node.grad = NOT_COMPUTED
    node.parents = parents
    node.origin = origin
    if watch.on_new_value is not None:
        watch.on_new_value(node)
    return node
