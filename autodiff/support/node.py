"""What a Value can say of itself: its name, its text, how it compares, copies, and hooks."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Self

from autodiff.graph import topological_order
from autodiff.ops.operation import Operation, local_derivatives
from autodiff.support import noticing, watch
from autodiff.support.breakpoints import Event
from autodiff.support.by_hand import made_by_hand, made_with_derivatives
from autodiff.support.convert import describe, short_repr, to_float
from autodiff.support.gradients import NOT_COMPUTED, OF_A_CONSTANT, NotComputed
from autodiff.support.hooks import GradientHook
from autodiff.support.operands import Operands
from autodiff.support.origin import CONSTANT, VARIABLE, Origin
from autodiff.support.pickling import reduce_node

__all__ = ["Node", "number_of"]

# Other engines' names for what a Value has, and how it keeps what it shows by itself.
NOT_LISTED = {
    *("_backward", "_children", "_local_grads", "_op", "_prev", "_repr_mimebundle_"),
    *("_state", "origin"),
}


class Node:
    """What ``Value`` inherits, and what a newcomer need not know to understand the engine."""

    __slots__ = ()

    data: float
    grad: float
    parents: tuple[Any, ...]
    origin: Origin

    def __init_subclass__(cls, **named: Any) -> None:
        """Let a subclass's own sum and product serve where a number is on the left, too."""
        super().__init_subclass__(**named)
        for own, reflected, function in (
            ("__add__", "__radd__", added_on_the_right),
            ("__mul__", "__rmul__", multiplied_on_the_right),
        ):
            if own in vars(cls) and reflected not in vars(cls):
                setattr(cls, reflected, function)

    # ---- what it is ------------------------------------------------------------------------

    @property
    def op(self) -> Operation | None:
        """The operation that made it; None for a leaf."""
        op: Operation | None = self.origin.op
        return op

    @property
    def label(self) -> str:
        """A name for pictures and messages; '' without one.

        Raises TypeError if what is assigned is no str.
        """
        return self.origin.label

    @label.setter
    def label(self, label: str) -> None:
        self.origin = labelled(self.origin, label)  # type: ignore[misc]

    @property
    def is_leaf(self) -> bool:
        """True if no operation made it."""
        return self.origin.op is None

    @property
    def is_constant(self) -> bool:
        """True for a number met in an expression, which gets no gradient."""
        return self.origin.constant

    @property
    def name(self) -> str:
        """Its label, or else the name that ``record_source`` saw it assigned to; '' if neither."""
        return self.origin.label or self.origin.name

    @property
    def has_grad(self) -> bool:
        """True once a backward pass has reached it, or its gradient was assigned."""
        # None is what PyTorch has for it, and what its users assign.
        return type(self.grad) is not NotComputed and self.grad is not None

    def __repr__(self) -> str:
        place = f", {self.origin.short_place}" if self.origin.line else ""
        if self.is_constant:
            return f"Constant({in_repr(self.data)}{place})"
        name = f", {self.name!r}" if self.name else ""
        op = f", op={self.op}" if self.op is not None else ""
        grad = f", grad={in_repr(self.grad)}" if self.has_grad else ""
        return f"Value({in_repr(self.data)}{name}{op}{grad}{place})"

    def __dir__(self) -> list[str]:
        """Return the names that a person wants: what a debugger lists where a Value is opened."""
        return [name for name in super().__dir__() if name not in NOT_LISTED]

    def describe(self, label: Any, *more: Any, **named: Any) -> None:
        """Take what a constructor is given besides the number: a label, or how it was made."""
        if type(label) is tuple and label and len(more) == 1 and not named:
            made_with_derivatives(self, label, *more)
        elif not isinstance(label, str):
            made_by_hand(self, label, *more, **named)
        elif more or named:
            made_by_hand(self, *((), *more) if more else (), **{"label": label, **named})
        else:
            self.label = label

    # ---- its number ------------------------------------------------------------------------

    def item(self) -> float:
        """Return the number, outside of the graph."""
        return number_of(self)

    def detach(self) -> Any:
        """Return a constant with the number, through which no gradient flows."""
        return restore(type(self), number_of(self), None, (), CONSTANT)

    def __bool__(self) -> bool:
        """Return whether the number is not 0."""
        if noticing.blocks or not self.origin.compared:
            noticing.is_compared((self,), sys._getframe(1))
        return number_of(self) != 0.0

    def __float__(self) -> float:
        raise TypeError(refused(self, "float"))

    def __int__(self) -> int:
        raise TypeError(refused(self, "int"))

    def __round__(self, digits: int | None = None) -> float:
        raise TypeError(refused(self, "round"))

    def __complex__(self) -> complex:
        raise TypeError(refused(self, "complex"))

    def __format__(self, specification: str) -> str:
        """Return the number in a format, as in ``f"{loss:.4f}"``; without one, the repr."""
        return format(number_of(self), specification) if specification else repr(self)

    def zero_grad(self) -> None:
        """Clear the gradient: 0.0, as at birth."""
        self.grad = OF_A_CONSTANT if self.is_constant else NOT_COMPUTED  # type: ignore[misc]

    # ---- hooks and breakpoints -------------------------------------------------------------

    def register_hook(self, function: GradientHook) -> watch.Handle:
        """Call a function with the gradient whenever a backward pass has completed it.

        The function gets this pass's gradient, a float, before a variable adds it to what it had,
        and before it flows on to the parents.  A number that it returns replaces it.  Several are
        called in the order of their registration.  If one raises, the pass stops with its error,
        and every gradient of the graph is as it was before the pass.  Where nothing reaches the
        Value, as every use took another operand, there is no gradient and nothing is called.

        Returns a handle: ``handle.remove()`` ends it.  A copy of the Value has no hooks.  While
        there is any hook, backward passes of other graphs have to look whether they have some.

        Raises TypeError if it is no function, ValueError if self is a constant.

        >>> from autodiff import Value
        >>> x = Value(3.0)
        >>> with x.register_hook(lambda gradient: gradient / 2):
        ...     (x * x).backward()
        >>> x.grad
        3.0
        """
        return watch.register_hook(self, function)

    def break_on(
        self, event: Event = "backward", when: str | None = None, log: bool = False
    ) -> watch.Handle:
        """Open the debugger (Python's ``breakpoint()``) whenever that happens to the Value.

        ==================  ==================================================================
        ``"backward"``      a backward pass has completed its gradient, after any hooks
        ``"backward-nan"``  the same, if the gradient is not finite
        ``"contribution"``  a backward pass has added something to its gradient
        ``"forward"``       an operation has used it
        ``"forward-nan"``   the same, if the operation's result is not finite
        ==================  ==================================================================

        It opens at the user's line: of the node's making, if that is recorded, or else the one that
        called this.  The names there are ``node``, ``parents``, ``upstream`` (d root / d node) and
        ``local`` (d node / d parent, for each parent); for a contribution ``node``, ``parent``
        (this Value), ``upstream``, ``local``, ``contribution``, ``sum`` and ``step``; in a forward
        pass ``node``, ``op`` and ``parents``.

        ``when`` is a condition in Python, in these names and those of the functions that run; one
        that fails stops the pass with a ValueError, and every gradient is as it was.  With ``log``
        a line is printed in place of a stop.

        Returns a handle: ``handle.remove()`` ends it.

        Raises ValueError for another event, and for a gradient's event if self is a constant,
        TypeError if the condition is no text, SyntaxError if it is no Python.

        >>> from autodiff import Value
        >>> w = Value(3.0, "w")
        >>> with w.break_on("contribution", when="sum > 4", log=True):
        ...     (w * w * 2).backward()
        contribution: d v4/d w += d v4/d v3 × d v3/d w = 2 × 3 = 6  (sum 6; v3 = w * w)
        contribution: d v4/d w += d v4/d v3 × d v3/d w = 2 × 3 = 6  (sum 12; v3 = w * w)
        """
        return watch.break_on(self, event, when, log)

    # ---- comparison of the numbers; == and hash stay those of the object -------------------

    def __lt__(self, other: Any) -> bool:
        return compare(operator.lt, self, other)

    def __le__(self, other: Any) -> bool:
        return compare(operator.le, self, other)

    def __gt__(self, other: Any) -> bool:
        return compare(operator.gt, self, other)

    def __ge__(self, other: Any) -> bool:
        return compare(operator.ge, self, other)

    # ---- copies ----------------------------------------------------------------------------

    def __reduce__(self) -> tuple[Any, ...]:
        return reduce_node(self, restore, self._state())

    def __copy__(self) -> Self:
        copy: Self = restore(*self._state())
        return copy

    def _state(self) -> tuple[Any, ...]:
        grad = self.grad if self.has_grad else None
        state = type(self), number_of(self), grad, self.parents, self.origin.of_a_copy()
        own = attributes_of(self)
        return (*state, own) if own else state

    # ---- micrograd's names, for programs that draw a graph ---------------------------------

    @property
    def _prev(self) -> Operands:
        return Operands(self.parents)

    @property
    def _op(self) -> str:
        return self.origin.symbol if self.op is None else self.op.symbol

    # ---- and microgpt's --------------------------------------------------------------------

    @property
    def _children(self) -> tuple[Any, ...]:
        return self.parents

    @property
    def _local_grads(self) -> tuple[float, ...]:
        return local_derivatives(self) if self.parents else ()

    @property
    def _backward(self) -> Callable[[], Any]:
        """What adds the node's share to its operands' gradients; for a leaf it does nothing."""
        given = self.origin.given
        if given is not None and given.function is not None:
            return given.function  # type: ignore[no-any-return]
        return partial(pass_on, self) if self.parents else nothing

    @_backward.setter
    def _backward(self, function: Callable[[], Any]) -> None:
        if self.origin.given is not None:
            self.origin.given.function = function
        elif self.parents or not can_do_nothing(function):
            raise AttributeError(
                f"{self!r} takes no _backward: only a node made by hand, "
                "Value(number, operands, symbol), needs one"
            )


def pass_on(node: Any) -> None:
    """Add to the operands' gradients what the chain rule gives them."""
    node.origin.op.chain_rule(node)


def nothing() -> None:
    """Do nothing: what a leaf passes on."""


def can_do_nothing(function: Any) -> bool:
    """Return whether a function reaches nothing, as ``lambda: None``: it has no names at all."""
    code = getattr(function, "__code__", None)
    return code is not None and not (code.co_names or code.co_freevars or code.co_varnames)


def added_on_the_right(self: Any, other: Any) -> Any:
    return self + other


def multiplied_on_the_right(self: Any, other: Any) -> Any:
    return self * other


def refused(value: Node, what: str) -> str:
    """Return why a Value does not become a plain number, and what to write."""
    name = value.name or "the Value"
    cure = "autodiff.exp(...) and the like in the place of math's functions"
    if what == "int":
        cure = f"autodiff.pick({name}, values) in the place of values[int({name})]"
    return (
        f"{what}() of {value!r} would take it out of the graph, and its gradient would be lost "
        f"without a word. For the number alone write {name}.data; to stay in the graph, {cure}"
    )


def labelled(origin: Origin, label: str) -> Origin:
    """Return an origin with that label; raise TypeError unless it is a str."""
    if not isinstance(label, str):
        raise TypeError(f"Value needs a str as its label, but got {describe(label)}")
    return origin if origin.label == label else origin.changed(label=label)


def number_of(node: Any) -> float:
    """Return a Value's number, which is a float from then on.

    ``data`` is a slot, which takes what it is given: whoever uses it may ask here.

    Raises TypeError, naming the Value that it was assigned to, if it is no real number, and
    OverflowError if it is an int beyond the range of a float.
    """
    if type(node.data) is not float:
        for each in topological_order(node):  # a result may have it from a leaf
            each.data = float_assigned_to(each)
    return node.data  # type: ignore[no-any-return]


def float_assigned_to(node: Any) -> float:
    """Return a node's data as a float; raise TypeError or OverflowError if it cannot be one."""
    name = f"the data of {node.name or 'a variable'}"
    if isinstance(node.data, Node):
        raise TypeError(
            f"{name} is a Value, not a number: was .data left out where it was "
            "assigned? Write w.data = w.data - 0.1 * w.grad"
        )
    try:
        return to_float(node.data, name)
    except TypeError:
        raise TypeError(
            f"{name} is {describe(node.data)}, not a number: assign a float, as in w.data = 0.5"
        ) from None


def in_repr(number: Any) -> str:
    """Return a number with six digits, and what is none as it is: a repr must not fail."""
    try:
        return "a Value" if isinstance(number, Node) else f"{number:.6g}"
    except (TypeError, ValueError, OverflowError):
        return short_repr(number)


def compare(comparison: Callable[[float, float], bool], left: Node, right: Any) -> bool:
    """Return how two numbers compare; NotImplemented if the right one is no number."""
    if isinstance(right, Node):
        if noticing.blocks or not (left.origin.compared and right.origin.compared):
            noticing.is_compared((left, right), sys._getframe(2))
        return comparison(number_of(left), number_of(right))
    if noticing.blocks or not left.origin.compared:
        noticing.is_compared((left,), sys._getframe(2))
    try:
        number = to_float(right, "comparison")
    except TypeError:
        return NotImplemented  # type: ignore[no-any-return]
    return comparison(number_of(left), number)


def restore(
    kind: type[Any],
    data: float,
    grad: float | None,
    parents: tuple[Any, ...],
    origin: Origin,
    attributes: dict[str, Any] | None = None,
) -> Any:
    """Return a node from its parts; a subclass's constructor is not called."""
    node = object.__new__(kind)
    node.data = data
    node.grad = grad if grad is not None else OF_A_CONSTANT if origin.constant else NOT_COMPUTED
    node.parents = parents
    node.origin = VARIABLE
    if watch.on_new_value is not None:
        watch.on_new_value(node)
    node.origin = origin  # a copy keeps where it came from
    for name, value in (attributes or {}).items():
        object.__setattr__(node, name, value)
    return node


def attributes_of(node: Any) -> dict[str, Any]:
    """Return what a subclass's instance has besides a Value's slots: a dict's items, own slots."""
    slots: dict[str, Any] = object.__getstate__(node)[1]  # type: ignore[index]
    own = {name: each for name, each in slots.items() if name not in Node.__annotations__}
    return own | getattr(node, "__dict__", {})
