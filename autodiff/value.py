"""Value: a float that remembers how it was made.

Arithmetic on Values computes at once, and each result keeps its operation and its operands
(``op`` and ``parents``).  ``backward()`` then applies the chain rule from the result back to the
leaves.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from autodiff import ops
from autodiff.support import watch
from autodiff.support.convert import describe, to_float
from autodiff.graph import leaves_and_interior
from autodiff.support.hooks import Event, GradientHook
from autodiff.ops import Operation
from autodiff.support.origin import CONSTANT, Origin
from autodiff.support.pickling import reduce_node
from autodiff.pullback import PULLBACKS

__all__ = ["NOT_COMPUTED", "Operand", "Value", "constant", "weighted_sum"]

# The gradient of a Value that no backward pass has reached: 0.0, but known by identity, so that
# a picture can say "not computed" where a plain 0.0 would mislead.
NOT_COMPUTED: Final = float("0.0")


class Value:
    """A number in a computation graph.

    ``Value(data, label="")`` makes a *variable* leaf from any real number.  A number met in an
    expression (the 2 of ``2 * x``) becomes a *constant* leaf, which gets no gradient.

    ============  ==========================================================================
    ``data``      the number, a float
    ``grad``      d root / d self after ``root.backward()``; 0.0 before
    ``op``        the :class:`~autodiff.ops.Operation` that made it; None for a leaf
    ``parents``   its operands, in order (``x * x`` has two); () for a leaf
    ``label``     a name for pictures and messages
    ``origin``    where it came from, an :class:`~autodiff.support.origin.Origin`, if that is known
    ============  ==========================================================================

    Raises TypeError if ``data`` is not a real number.

    >>> x = Value(3.0, "x")
    >>> y = x * x + 2
    >>> y.backward()
    >>> y.data, x.grad
    (11.0, 6.0)
    """

    __slots__ = ("data", "grad", "label", "op", "origin", "parents")

    # NumPy then leaves `array * value` to Value, which refuses it by name.
    __array_ufunc__ = None

    data: float
    grad: float
    op: Operation | None
    parents: tuple[Value, ...]
    label: str
    origin: Origin | None

    def __init__(self, data: Any, label: str = "") -> None:
        check_label(label)
        self.data = data if type(data) is float else to_float(data, "Value")
        self.grad = NOT_COMPUTED
        self.op = None
        self.parents = ()
        self.label = label
        self.origin = None
        if watch.on_new_value is not None:
            watch.on_new_value(self)

    # ---- what it is ------------------------------------------------------------------------

    @property
    def is_leaf(self) -> bool:
        """True if no operation made it."""
        return self.op is None

    @property
    def is_constant(self) -> bool:
        """True for a number met in an expression, which gets no gradient."""
        return self.origin is not None and self.origin.constant

    @property
    def name(self) -> str:
        """Its label, or else the name that ``record_source`` saw it assigned to; '' if neither."""
        return self.label or ("" if self.origin is None else self.origin.name)

    @property
    def has_grad(self) -> bool:
        """True once a backward pass has reached it, or its gradient was assigned."""
        # None is what PyTorch has for it, and what its users assign.
        return self.grad is not NOT_COMPUTED and self.grad is not None

    def __repr__(self) -> str:
        place = self.origin.short_place if self.origin is not None else ""
        place = f", {place}" if place else ""
        if self.is_constant:
            return f"Constant({self.data:.6g}{place})"
        name = f", {self.name!r}" if self.name else ""
        op = f", op={self.op}" if self.op is not None else ""
        grad = f", grad={self.grad:.6g}" if self.has_grad else ""
        return f"Value({self.data:.6g}{name}{op}{grad}{place})"

    def __float__(self) -> float:
        return self.data

    def __format__(self, specification: str) -> str:
        """Return the number in a format, as in ``f"{loss:.4f}"``; without one, the repr."""
        return format(self.data, specification) if specification else repr(self)

    # ---- the reverse pass ------------------------------------------------------------------

    def backward(self, gradient: float = 1.0) -> None:
        """Compute d self / d node for every node that self depends on, into ``node.grad``.

        Interior nodes get their gradient afresh; variables add it to what they had, so
        gradients of several roots accumulate until they are zeroed.  ``gradient`` is where the
        chain rule starts: d self / d self.

        :func:`autodiff.backward_steps` is the same pass, one step at a time.

        Raises ValueError if self is a constant or if an operation's rule is malformed, TypeError if
        the ``data`` of a variable is a Value, and what a hook raises; the variables' gradients are
        then as they were.

        >>> x, y = Value(3.0), Value(4.0)
        >>> (x * y + x).backward()
        >>> x.grad, y.grad
        (5.0, 3.0)
        """
        if watch.on_backward is not None and watch.on_backward(self, gradient):
            return
        interior, earlier = begin_backward(self, gradient)
        node, pullbacks = self, PULLBACKS
        try:
            for node in reversed(interior):
                pullbacks[node.op, len(node.parents)](node)
        except BaseException:
            abandon_backward(interior, earlier)
            local_derivatives(node)  # names the operation if its rule is what failed
            raise
        finish_backward(earlier)

    def zero_grad(self) -> None:
        """Clear the gradient: 0.0, as at birth."""
        self.grad = NOT_COMPUTED

    # ---- hooks and breakpoints -------------------------------------------------------------

    def register_hook(self, function: GradientHook) -> watch.Handle:
        """Call a function with the gradient whenever a backward pass has completed it.

        The function gets this pass's gradient, a float, before a variable adds it to what it had,
        and before it flows on to the parents.  A number that it returns replaces it.  Several are
        called in the order of their registration.  If one raises, the pass stops with its error,
        and every gradient of the graph is as it was before the pass.

        Returns a handle: ``handle.remove()`` ends it.  A copy of the Value has no hooks.  While
        there is any hook, backward passes of other graphs have to look whether they have some.

        Raises TypeError if it is no function, ValueError if self is a constant.

        >>> x = Value(3.0)
        >>> with x.register_hook(lambda gradient: gradient / 2):
        ...     (x * x).backward()
        >>> x.grad
        3.0
        """
        return watch.register_hook(self, function)

    def break_on(self, event: Event = "backward") -> watch.Handle:
        """Open the debugger (Python's ``breakpoint()``) whenever that happens to the Value.

        ==================  ==================================================================
        ``"backward"``      a backward pass has completed its gradient, after any hooks
        ``"backward-nan"``  the same, if the gradient is not finite
        ``"forward"``       an operation has used it
        ``"forward-nan"``   the same, if the operation's result is not finite
        ==================  ==================================================================

        The debugger opens in a frame with the names ``node``, ``parents``, ``upstream`` (d root /
        d node) and ``local`` (d node / d parent, for each parent); in a forward pass ``node``,
        ``op`` and ``parents``.  Returns a handle: ``handle.remove()`` ends it.

        Raises ValueError for another event, and for a gradient's event if self is a constant.
        """
        return watch.break_on(self, event)

    # ---- arithmetic ------------------------------------------------------------------------

    @staticmethod
    def make_node(op: Operation, *operands: Operand) -> Value:
        """Return the node of an operation on Values and numbers.

        Raises TypeError if an operand is neither.
        """
        parents = tuple([lift(operand, op.name) for operand in operands])
        return new_node(op, op.forward(*[parent.data for parent in parents]), parents)

    def __add__(self, other: Operand) -> Value:
        return binary(ops.ADD, self, other)

    def __radd__(self, other: Operand) -> Value:
        return binary(ops.ADD, other, self)

    def __sub__(self, other: Operand) -> Value:
        return binary(ops.SUB, self, other)

    def __rsub__(self, other: Operand) -> Value:
        return binary(ops.SUB, other, self)

    def __mul__(self, other: Operand) -> Value:
        return binary(ops.MUL, self, other)

    def __rmul__(self, other: Operand) -> Value:
        return binary(ops.MUL, other, self)

    def __truediv__(self, other: Operand) -> Value:
        return binary(ops.DIV, self, other)

    def __rtruediv__(self, other: Operand) -> Value:
        return binary(ops.DIV, other, self)

    def __pow__(self, other: Operand) -> Value:
        if isinstance(other, (int, float)) and other == 2:
            return unary(ops.SQUARE, self)
        return binary(ops.POW, self, other)

    def __rpow__(self, other: Operand) -> Value:
        return binary(ops.POW, other, self)

    def __neg__(self) -> Value:
        return unary(ops.NEG, self)

    def __abs__(self) -> Value:
        return unary(ops.ABS, self)

    def exp(self) -> Value:
        """Return e to the power of self; inf where that overflows."""
        return unary(ops.EXP, self)

    def log(self) -> Value:
        """Return the natural logarithm; -inf at 0, nan below."""
        return unary(ops.LOG, self)

    def sqrt(self) -> Value:
        """Return the square root; nan below 0."""
        return unary(ops.SQRT, self)

    def sin(self) -> Value:
        """Return the sine of self, in radians; nan at an infinity."""
        return unary(ops.SIN, self)

    def cos(self) -> Value:
        """Return the cosine of self, in radians; nan at an infinity."""
        return unary(ops.COS, self)

    def tan(self) -> Value:
        """Return the tangent of self, in radians; nan at an infinity."""
        return unary(ops.TAN, self)

    def tanh(self) -> Value:
        """Return the hyperbolic tangent, between -1 and 1."""
        return unary(ops.TANH, self)

    def sigmoid(self) -> Value:
        """Return 1 / (1 + e**-self), between 0 and 1; it never overflows."""
        return unary(ops.SIGMOID, self)

    def softplus(self) -> Value:
        """Return log(1 + e**self), a smooth relu; it never overflows."""
        return unary(ops.SOFTPLUS, self)

    def log_sigmoid(self) -> Value:
        """Return log(sigmoid(self)), right even where sigmoid has rounded to 0 or 1."""
        return unary(ops.LOG_SIGMOID, self)

    def relu(self) -> Value:
        """Return self where it is positive, else 0; the derivative at 0 is 0."""
        return unary(ops.RELU, self)

    def leaky_relu(self, negative_slope: Operand = 0.01) -> Value:
        """Return self where it is positive, else negative_slope * self, a Value or a number.

        Raises TypeError if the slope is neither.
        """
        return self.make_node(ops.LEAKY_RELU, self, negative_slope)

    def maximum(self, other: Operand) -> Value:
        """Return the larger of two; nan if either is nan. A tie gives each half the gradient.

        Raises TypeError if the other is neither a Value nor a number.
        """
        return self.make_node(ops.MAXIMUM, self, other)

    def minimum(self, other: Operand) -> Value:
        """Return the smaller of two; nan if either is nan. A tie gives each half the gradient.

        Raises TypeError if the other is neither a Value nor a number.
        """
        return self.make_node(ops.MINIMUM, self, other)

    # ---- comparison of the numbers; == and hash stay those of the object -------------------

    def __lt__(self, other: Operand) -> bool:
        return compare(operator.lt, self, other)

    def __le__(self, other: Operand) -> bool:
        return compare(operator.le, self, other)

    def __gt__(self, other: Operand) -> bool:
        return compare(operator.gt, self, other)

    def __ge__(self, other: Operand) -> bool:
        return compare(operator.ge, self, other)

    # ---- copies ----------------------------------------------------------------------------

    def __reduce__(self) -> tuple[Any, ...]:
        return reduce_node(self, restore, self._state())

    def __copy__(self) -> Value:
        return restore(*self._state())

    def _state(self) -> tuple[Any, ...]:
        grad = self.grad if self.has_grad else None
        origin = None if self.origin is None else self.origin.without_hooks()
        return self.data, grad, self.op, self.parents, self.label, origin

    # ---- micrograd's names, for programs that draw a graph ---------------------------------

    @property
    def _prev(self) -> tuple[Value, ...]:
        return self.parents

    @property
    def _op(self) -> str:
        return "" if self.op is None else self.op.symbol


# --------------------------------------------------------------------------------------------
# Making nodes
# --------------------------------------------------------------------------------------------

Operand: TypeAlias = Value | float

_allocate: Callable[[type[Value]], Value] = object.__new__

# The origin of new nodes: the module whose call is running (see autodiff.support.made_by).  It is one for
# all threads, as a look at each thread's own would cost as much as the node.  Where two threads
# call modules at the same time, a node may get the other's; pictures alone show it.
running_origin: Origin | None = None


def new_node(op: Operation, data: float, parents: tuple[Value, ...]) -> Value:
    """Return a new interior node. Every operation ends here."""
    node = _allocate(Value)
    node.data = data
    node.grad = NOT_COMPUTED
    node.op = op
    node.parents = parents
    node.label = ""
    node.origin = running_origin
    if watch.on_new_value is not None:
        watch.on_new_value(node)
    return node


def constant(number: float, label: str = "") -> Value:
    """Return a number as a constant leaf, which gets no gradient.

    >>> constant(2)
    Constant(2)
    """
    node = _allocate(Value)
    node.data = number if type(number) is float else to_float(number, "constant")
    node.grad = NOT_COMPUTED
    node.op = None
    node.parents = ()
    node.label = label
    node.origin = CONSTANT
    if label != "":
        check_label(label)
    if watch.on_new_value is not None:
        watch.on_new_value(node)
    return node


def check_label(label: str) -> None:
    """Raise TypeError unless it is a str."""
    if not isinstance(label, str):
        raise TypeError(f"Value needs a str as its label, but got {describe(label)}")


def lift(operand: Any, user: str) -> Value:
    """Return a Value as it is and a number as a constant; raise TypeError for anything else."""
    if isinstance(operand, Value):
        return operand
    return constant(to_float(operand, user))


def unary(op: Operation, operand: Value) -> Value:
    """Return the node of an operation on one Value."""
    return new_node(op, op.forward(operand.data), (operand,))


def binary(op: Operation, left: Any, right: Any) -> Value:
    """Return the node of an operator; NotImplemented if an operand is no number."""
    if type(left) is not Value or type(right) is not Value:
        try:
            left, right = lift(left, op.name), lift(right, op.name)
        except TypeError:
            return NotImplemented  # type: ignore[no-any-return]
    return new_node(op, op.forward(left.data, right.data), (left, right))


def compare(comparison: Callable[[float, float], bool], left: Value, right: Any) -> bool:
    """Return how two numbers compare; NotImplemented if the right one is no number."""
    if isinstance(right, Value):
        return comparison(left.data, right.data)
    try:
        return comparison(left.data, to_float(right, "comparison"))
    except TypeError:
        return NotImplemented  # type: ignore[no-any-return]


def weighted_sum(bias: Operand, weights: Sequence[Operand], inputs: Sequence[Operand]) -> Value:
    """Return ``bias + weight * input + weight * input + ...``, added in that order, as one node.

    Its parents are the bias, then the weights, then the inputs; a number becomes a constant.
    Raises ValueError if there are not as many inputs as weights, TypeError for what is neither
    Value nor number.

    >>> bias, weights, inputs = Value(1.0), [Value(2.0), Value(3.0)], [Value(10.0), Value(20.0)]
    >>> weighted_sum(bias, weights, inputs)
    Value(81, op=weighted_sum)
    """
    if len(weights) != len(inputs):
        raise ValueError(f"weighted_sum got {len(weights)} weights, but {len(inputs)} inputs")
    # The same sum as the table's, without collecting the operands' numbers first: a network
    # spends most of its forward pass here.
    parents: tuple[Any, ...] = (bias, *weights, *inputs)
    try:
        total = bias.data  # type: ignore[union-attr]
        for weight, x in zip(weights, inputs):  # noqa: B905 (checked above; strict costs time)
            total += weight.data * x.data  # type: ignore[union-attr]
    except (AttributeError, TypeError):  # not all are Values
        return Value.make_node(ops.WEIGHTED_SUM, *parents)
    return new_node(ops.WEIGHTED_SUM, total, parents)


def restore(
    data: float,
    grad: float | None,
    op: Operation | None,
    parents: tuple[Value, ...],
    label: str,
    origin: Origin | None,
) -> Value:
    """Return a copy of a node from its parts."""
    node = Value(data, label)
    node.grad = NOT_COMPUTED if grad is None else grad
    node.op = op
    node.parents = parents
    node.origin = origin
    return node


# --------------------------------------------------------------------------------------------
# What every reverse pass begins and ends with
# --------------------------------------------------------------------------------------------


def begin_backward(root: Value, gradient: float) -> tuple[list[Value], list[tuple[Value, float]]]:
    """Empty every gradient below root, and give root its own.

    Returns the interior nodes in topological order, and each leaf with the gradient it had.

    The order is that of :func:`autodiff.topological_order`.  This walk is on the way of every
    training step, so it keeps no set of visited nodes: it empties a gradient when it first
    meets the node, with a zero that is its own, and so knows it again.
    """
    if root.is_constant:
        raise ValueError(f"backward() from {root!r}: a constant depends on no variable")
    check_data(root)
    gradient = to_float(gradient, "backward")
    entered, done = -float("0"), -float("0")  # two objects, told apart by identity
    interior: list[Value] = []
    earlier: list[tuple[Value, float]] = []
    stack = [root]
    while stack:
        node = stack.pop()
        if node.grad is entered:
            node.grad = done
            interior.append(node)
        elif node.grad is not done:
            if node.op is None:
                earlier.append((node, node.grad))
                node.grad = done
            else:
                node.grad = entered
                stack.append(node)
                stack += node.parents[::-1]
    root.grad = gradient
    return interior, earlier


def check_data(root: Value) -> None:
    """Raise TypeError if a Value was assigned to some leaf's ``data``: root's is one then, too."""
    if isinstance(root.data, Value):
        leaves, _ = leaves_and_interior(root)
        wrong = next((leaf for leaf in leaves if isinstance(leaf.data, Value)), root)
        name = wrong.name or "a variable"
        raise TypeError(
            f"the data of {name} is a Value, not a number: was .data left out where it was "
            "assigned? Write w.data = w.data - 0.1 * w.grad, or float(...) around a Value"
        )


def finish_backward(earlier: list[tuple[Value, float]]) -> None:
    """Add the gradients that the variables had before this pass; constants keep none.

    Added last, as one number: a second pass then doubles a gradient exactly.
    """
    for leaf, gradient in earlier:
        if leaf.origin is not None and leaf.origin.constant:
            leaf.grad = NOT_COMPUTED
        elif gradient is not NOT_COMPUTED and gradient is not None:
            leaf.grad = gradient + leaf.grad


def abandon_backward(interior: list[Value], earlier: list[tuple[Value, float]]) -> None:
    """Give the leaves their earlier gradients back; the interior nodes' are not computed."""
    for node in interior:
        node.grad = NOT_COMPUTED
    for leaf, gradient in earlier:
        leaf.grad = gradient


def local_derivatives(node: Value) -> tuple[float, ...]:
    """Return the local derivatives of an interior node, one for each parent.

    Raises ValueError, naming the operation, if its rule returns no tuple or another number of them.
    """
    op = node.op
    assert op is not None, "a leaf has no rule"
    partials = op.partials(node.data, *[parent.data for parent in node.parents])
    if not isinstance(partials, (tuple, list)):
        raise ValueError(
            f"the rule of {op.name} returned {describe(partials)}, "
            f"not a tuple of {len(node.parents)} local derivatives"
        )
    if len(partials) != len(node.parents):
        raise ValueError(
            f"the rule of {op.name} returned {len(partials)} local derivatives "
            f"for {len(node.parents)} operands"
        )
    return partials
