"""The arithmetic of Values: each operator makes a node that remembers its operands.

Written by ``python -m autodiff.ops.writer`` from the table of operations: change that.  Each is
written out, as making nodes is half of the work of every training step.
"""

# mypy: disable-error-code="union-attr, misc"
# ruff: noqa: F403, F405 (so that the writer can import this file where it is older than the table)

from __future__ import annotations

from typing import Any, Protocol, Self, TypeAlias, TypeVar

from autodiff.ops import *
from autodiff.support import watch
from autodiff.support.gradients import NOT_COMPUTED
from autodiff.support.origin import Origin

__all__ = ["Operators"]

Kind = TypeVar("Kind")


class Allocate(Protocol):
    """Returns a new instance of a class, without calling its ``__init__``."""

    def __call__(self, kind: type[Kind], /) -> Kind: ...


new: Allocate = object.__new__


class Operators:
    """What ``Value`` inherits: ``+ - * / **`` with Values and numbers, and functions as methods."""

    __slots__ = ()

    data: float
    grad: float
    parents: tuple[Any, ...]
    origin: Origin

    @classmethod
    def make_node(cls, op: Operation, *operands: Any) -> Self:
        """Return the node of an operation on Values and numbers."""
        raise NotImplementedError

    def as_operand(self, operand: Any) -> Any:
        """Return a Value as it is and a number as a constant; NotImplemented for anything else."""
        raise NotImplementedError

    def __add__(self, other: Operand) -> Self:
        if type(other) is not type(self):
            other = self.as_operand(other)
            if other is NotImplemented:
                return NotImplemented
        node = new(type(self))
        node.data = self.data + other.data
        node.grad = NOT_COMPUTED
        node.parents = (self, other)
        node.origin = ADD.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def __radd__(self, other: Operand) -> Self:
        other = self.as_operand(other)
        return NotImplemented if other is NotImplemented else other + self

    def __sub__(self, other: Operand) -> Self:
        if type(other) is not type(self):
            other = self.as_operand(other)
            if other is NotImplemented:
                return NotImplemented
        node = new(type(self))
        node.data = self.data - other.data
        node.grad = NOT_COMPUTED
        node.parents = (self, other)
        node.origin = SUB.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def __rsub__(self, other: Operand) -> Self:
        other = self.as_operand(other)
        return NotImplemented if other is NotImplemented else other - self

    def __mul__(self, other: Operand) -> Self:
        if type(other) is not type(self):
            other = self.as_operand(other)
            if other is NotImplemented:
                return NotImplemented
        node = new(type(self))
        node.data = self.data * other.data
        node.grad = NOT_COMPUTED
        node.parents = (self, other)
        node.origin = MUL.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def __rmul__(self, other: Operand) -> Self:
        other = self.as_operand(other)
        return NotImplemented if other is NotImplemented else other * self

    def __truediv__(self, other: Operand) -> Self:
        if type(other) is not type(self):
            other = self.as_operand(other)
            if other is NotImplemented:
                return NotImplemented
        node = new(type(self))
        node.data = divide(self.data, other.data)
        node.grad = NOT_COMPUTED
        node.parents = (self, other)
        node.origin = DIV.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def __rtruediv__(self, other: Operand) -> Self:
        other = self.as_operand(other)
        return NotImplemented if other is NotImplemented else other / self

    def __neg__(self) -> Self:
        node = new(type(self))
        node.data = -self.data
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = NEG.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def __abs__(self) -> Self:
        node = new(type(self))
        node.data = absolute(self.data)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = ABS.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def square(self) -> Self:
        """Return x * x, rounded once, unlike the C library's pow(x, 2.0)."""
        node = new(type(self))
        node.data = self.data * self.data
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = SQUARE.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def __pow__(self, other: Operand) -> Self:
        if type(other) is not type(self):
            if isinstance(other, (int, float)) and other == 2.0:
                return self.square()
            other = self.as_operand(other)
            if other is NotImplemented:
                return NotImplemented
        node = new(type(self))
        node.data = power(self.data, other.data)
        node.grad = NOT_COMPUTED
        node.parents = (self, other)
        node.origin = POW.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def __rpow__(self, other: Operand) -> Self:
        other = self.as_operand(other)
        return NotImplemented if other is NotImplemented else other**self

    def exp(self) -> Self:
        """Return e to the power x; inf where that overflows."""
        node = new(type(self))
        node.data = exp(self.data)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = EXP.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def log(self) -> Self:
        """Return the natural logarithm; -inf at 0, nan below."""
        node = new(type(self))
        node.data = log(self.data)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = LOG.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def sqrt(self) -> Self:
        """Return the square root; nan below 0."""
        node = new(type(self))
        node.data = sqrt(self.data)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = SQRT.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def sin(self) -> Self:
        """Return the sine of x radians; nan at an infinity."""
        node = new(type(self))
        node.data = sin(self.data)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = SIN.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def cos(self) -> Self:
        """Return the cosine of x radians; nan at an infinity."""
        node = new(type(self))
        node.data = cos(self.data)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = COS.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def tan(self) -> Self:
        """Return the tangent of x radians; nan at an infinity."""
        node = new(type(self))
        node.data = tan(self.data)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = TAN.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def tanh(self) -> Self:
        """Return the hyperbolic tangent, between -1 and 1."""
        node = new(type(self))
        node.data = tanh(self.data)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = TANH.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def sigmoid(self) -> Self:
        """Return the logistic function 1 / (1 + e**-x), between 0 and 1; it never overflows."""
        node = new(type(self))
        node.data = sigmoid(self.data)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = SIGMOID.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def softplus(self) -> Self:
        """Return log(1 + e**x), a smooth relu; it never overflows."""
        node = new(type(self))
        node.data = softplus(self.data)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = SOFTPLUS.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def log_sigmoid(self) -> Self:
        """Return log(sigmoid(x)), right even where sigmoid(x) has rounded to 0 or 1."""
        node = new(type(self))
        node.data = log_sigmoid(self.data)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = LOG_SIGMOID.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def relu(self) -> Self:
        """Return x where x is positive, else 0; its derivative at 0 is 0."""
        node = new(type(self))
        node.data = relu(self.data)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = RELU.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def leaky_relu(self, negative_slope: Operand = 0.01) -> Self:
        """Return x where x is positive, else negative_slope * x."""
        return self.make_node(LEAKY_RELU, self, negative_slope)

    def maximum(self, other: Operand) -> Self:
        """Return the larger of two; nan if either is nan; a tie gives each half the gradient."""
        return self.make_node(MAXIMUM, self, other)

    def minimum(self, other: Operand) -> Self:
        """Return the smaller of two; nan if either is nan; a tie gives each half the gradient."""
        return self.make_node(MINIMUM, self, other)


Operand: TypeAlias = Operators | float
