"""What a Value can say of itself: its name, its text, how it compares, copies, and hooks."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

from autodiff.ops.operation import Operation
from autodiff.support import watch
from autodiff.support.convert import describe, to_float
from autodiff.support.gradients import NOT_COMPUTED, OF_A_CONSTANT, NotComputed
from autodiff.support.hooks import Event, GradientHook
from autodiff.support.noticing import is_compared
from autodiff.support.origin import VARIABLE, Origin
from autodiff.support.pickling import reduce_node

__all__ = ["Node"]


class Node:
    """What ``Value`` inherits, and what a newcomer need not know to understand the engine."""

    __slots__ = ()

    data: float
    grad: float
    parents: tuple[Any, ...]
    origin: Origin

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

    def zero_grad(self) -> None:
        """Clear the gradient: 0.0, as at birth."""
        self.grad = OF_A_CONSTANT if self.is_constant else NOT_COMPUTED  # type: ignore[misc]

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

        >>> from autodiff import Value
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
        return type(self), self.data, grad, self.parents, self.origin.without_hooks()

    # ---- micrograd's names, for programs that draw a graph ---------------------------------

    @property
    def _prev(self) -> tuple[Any, ...]:
        return self.parents

    @property
    def _op(self) -> str:
        return "" if self.op is None else self.op.symbol


def labelled(origin: Origin, label: str) -> Origin:
    """Return an origin with that label; raise TypeError unless it is a str."""
    if not isinstance(label, str):
        raise TypeError(f"Value needs a str as its label, but got {describe(label)}")
    if origin is VARIABLE and not label:
        return VARIABLE
    return replace(origin, label=label)


def compare(comparison: Callable[[float, float], bool], left: Node, right: Any) -> bool:
    """Return how two numbers compare; NotImplemented if the right one is no number."""
    nodes = (left, right) if isinstance(right, Node) else (left,)
    is_compared(nodes, sys._getframe(2))
    if len(nodes) == 2:
        return comparison(left.data, right.data)
    try:
        return comparison(left.data, to_float(right, "comparison"))
    except TypeError:
        return NotImplemented  # type: ignore[no-any-return]


def restore(
    kind: type[Any], data: float, grad: float | None, parents: tuple[Any, ...], origin: Origin
) -> Any:
    """Return a copy of a node from its parts."""
    node = kind(data)
    if grad is not None:
        node.grad = grad
    elif origin.constant:
        node.grad = OF_A_CONSTANT
    node.parents = parents
    node.origin = origin
    return node
