"""The arithmetic of Values: each operator makes a node that remembers its operands.

Written by ``python -m autodiff.ops.writer`` from the table of operations: change that.  Each is
written out, as making nodes is half of the work of every training step.
"""

# mypy: disable-error-code="union-attr, assignment, no-any-return"
# ruff: noqa: F403, F405 (so that the writer can import this file where it is older than the table)

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

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

if TYPE_CHECKING:
    from autodiff.value import Value
else:
    Value = None  # autodiff.value, which imports this file, puts its class here


class Operators:
    """What ``Value`` inherits: ``+ - * / **`` with Values and numbers, and functions as methods."""

    __slots__ = ()

    data: float
    grad: float
    parents: tuple[Any, ...]
    origin: Origin

    @staticmethod
    def make_node(op: Operation, *operands: Any) -> Any:
        """Return the node of an operation on Values and numbers."""
        raise NotImplementedError

    def as_operand(self, operand: Any) -> Any:
        """Return a Value as it is and a number as a constant; NotImplemented for anything else."""
        raise NotImplementedError

    def __add__(self, other: Operand) -> Value:
        if type(other) is not Value:
            other = self.as_operand(other)
            if other is NotImplemented:
                return NotImplemented
        node = new(Value)
        try:
            node.data = self.data + other.data
        except (TypeError, OverflowError):
            return self.make_node(ADD, self, other)
        if type(node.data) is not float:
            return self.make_node(ADD, self, other)
        node.grad = NOT_COMPUTED
        node.parents = (self, other)
        node.origin = ADD.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def __radd__(self, other: Operand) -> Value:
        other = self.as_operand(other)
        return NotImplemented if other is NotImplemented else other + self

    def __sub__(self, other: Operand) -> Value:
        if type(other) is not Value:
            other = self.as_operand(other)
            if other is NotImplemented:
                return NotImplemented
        node = new(Value)
        try:
            node.data = self.data - other.data
        except (TypeError, OverflowError):
            return self.make_node(SUB, self, other)
        if type(node.data) is not float:
            return self.make_node(SUB, self, other)
        node.grad = NOT_COMPUTED
        node.parents = (self, other)
        node.origin = SUB.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def __rsub__(self, other: Operand) -> Value:
        other = self.as_operand(other)
        return NotImplemented if other is NotImplemented else other - self

    def __mul__(self, other: Operand) -> Value:
        if type(other) is not Value:
            other = self.as_operand(other)
            if other is NotImplemented:
                return NotImplemented
        node = new(Value)
        try:
            node.data = self.data * other.data
        except (TypeError, OverflowError):
            return self.make_node(MUL, self, other)
        if type(node.data) is not float:
            return self.make_node(MUL, self, other)
        node.grad = NOT_COMPUTED
        node.parents = (self, other)
        node.origin = MUL.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def __rmul__(self, other: Operand) -> Value:
        other = self.as_operand(other)
        return NotImplemented if other is NotImplemented else other * self

    def __truediv__(self, other: Operand) -> Value:
        if type(other) is not Value:
            other = self.as_operand(other)
            if other is NotImplemented:
                return NotImplemented
        node = new(Value)
        try:
            node.data = divide(self.data, other.data)
        except (TypeError, OverflowError):
            return self.make_node(DIV, self, other)
        if type(node.data) is not float:
            return self.make_node(DIV, self, other)
        node.grad = NOT_COMPUTED
        node.parents = (self, other)
        node.origin = DIV.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def __rtruediv__(self, other: Operand) -> Value:
        other = self.as_operand(other)
        return NotImplemented if other is NotImplemented else other / self

    def __neg__(self) -> Value:
        node = new(Value)
        try:
            node.data = -self.data
        except (TypeError, OverflowError):
            return self.make_node(NEG, self)
        if type(node.data) is not float:
            return self.make_node(NEG, self)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = NEG.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def __abs__(self) -> Value:
        node = new(Value)
        try:
            node.data = absolute(self.data)
        except (TypeError, OverflowError):
            return self.make_node(ABS, self)
        if type(self.data) is not float:
            return self.make_node(ABS, self)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = ABS.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def square(self) -> Value:
        """Return x * x, rounded once, unlike the C library's pow(x, 2.0)."""
        node = new(Value)
        try:
            node.data = self.data * self.data
        except (TypeError, OverflowError):
            return self.make_node(SQUARE, self)
        if type(node.data) is not float:
            return self.make_node(SQUARE, self)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = SQUARE.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def __pow__(self, other: Operand) -> Value:
        if type(other) is not Value:
            if isinstance(other, (int, float)) and other == 2.0:
                return self.square()
            other = self.as_operand(other)
            if other is NotImplemented:
                return NotImplemented
        node = new(Value)
        try:
            node.data = power(self.data, other.data)
        except (TypeError, OverflowError):
            return self.make_node(POW, self, other)
        if type(self.data) is not float or type(other.data) is not float:
            return self.make_node(POW, self, other)
        node.grad = NOT_COMPUTED
        node.parents = (self, other)
        node.origin = POW.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def __rpow__(self, other: Operand) -> Value:
        other = self.as_operand(other)
        return NotImplemented if other is NotImplemented else other**self

    def exp(self) -> Value:
        """Return e to the power x; inf where that overflows."""
        node = new(Value)
        try:
            node.data = exp(self.data)
        except (TypeError, OverflowError):
            return self.make_node(EXP, self)
        if type(node.data) is not float:
            return self.make_node(EXP, self)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = EXP.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def log(self) -> Value:
        """Return the natural logarithm; -inf at 0, nan below."""
        node = new(Value)
        try:
            node.data = log(self.data)
        except (TypeError, OverflowError):
            return self.make_node(LOG, self)
        if type(node.data) is not float:
            return self.make_node(LOG, self)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = LOG.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def sqrt(self) -> Value:
        """Return the square root; nan below 0."""
        node = new(Value)
        try:
            node.data = sqrt(self.data)
        except (TypeError, OverflowError):
            return self.make_node(SQRT, self)
        if type(node.data) is not float:
            return self.make_node(SQRT, self)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = SQRT.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def sin(self) -> Value:
        """Return the sine of x radians; nan at an infinity."""
        node = new(Value)
        try:
            node.data = sin(self.data)
        except (TypeError, OverflowError):
            return self.make_node(SIN, self)
        if type(node.data) is not float:
            return self.make_node(SIN, self)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = SIN.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def cos(self) -> Value:
        """Return the cosine of x radians; nan at an infinity."""
        node = new(Value)
        try:
            node.data = cos(self.data)
        except (TypeError, OverflowError):
            return self.make_node(COS, self)
        if type(node.data) is not float:
            return self.make_node(COS, self)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = COS.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def tan(self) -> Value:
        """Return the tangent of x radians; nan at an infinity."""
        node = new(Value)
        try:
            node.data = tan(self.data)
        except (TypeError, OverflowError):
            return self.make_node(TAN, self)
        if type(node.data) is not float:
            return self.make_node(TAN, self)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = TAN.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def tanh(self) -> Value:
        """Return the hyperbolic tangent, between -1 and 1."""
        node = new(Value)
        try:
            node.data = tanh(self.data)
        except (TypeError, OverflowError):
            return self.make_node(TANH, self)
        if type(node.data) is not float:
            return self.make_node(TANH, self)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = TANH.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def sigmoid(self) -> Value:
        """Return the logistic function 1 / (1 + e**-x), between 0 and 1; it never overflows."""
        node = new(Value)
        try:
            node.data = sigmoid(self.data)
        except (TypeError, OverflowError):
            return self.make_node(SIGMOID, self)
        if type(node.data) is not float:
            return self.make_node(SIGMOID, self)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = SIGMOID.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def softplus(self) -> Value:
        """Return log(1 + e**x), a smooth relu; it never overflows."""
        node = new(Value)
        try:
            node.data = softplus(self.data)
        except (TypeError, OverflowError):
            return self.make_node(SOFTPLUS, self)
        if type(node.data) is not float:
            return self.make_node(SOFTPLUS, self)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = SOFTPLUS.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def log_sigmoid(self) -> Value:
        """Return log(sigmoid(x)), right even where sigmoid(x) has rounded to 0 or 1."""
        node = new(Value)
        try:
            node.data = log_sigmoid(self.data)
        except (TypeError, OverflowError):
            return self.make_node(LOG_SIGMOID, self)
        if type(self.data) is not float:
            return self.make_node(LOG_SIGMOID, self)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = LOG_SIGMOID.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def relu(self) -> Value:
        """Return x where x is positive, else 0; its derivative at 0 is 0."""
        node = new(Value)
        try:
            node.data = relu(self.data)
        except (TypeError, OverflowError):
            return self.make_node(RELU, self)
        if type(node.data) is not float:
            return self.make_node(RELU, self)
        node.grad = NOT_COMPUTED
        node.parents = (self,)
        node.origin = RELU.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node

    def leaky_relu(self, negative_slope: Operand = 0.01) -> Value:
        """Return x where x is positive, else negative_slope * x."""
        return self.make_node(LEAKY_RELU, self, negative_slope)

    def maximum(self, other: Operand) -> Value:
        """Return the larger of two; nan if either is nan; a tie gives each half the gradient."""
        return self.make_node(MAXIMUM, self, other)

    def minimum(self, other: Operand) -> Value:
        """Return the smaller of two; nan if either is nan; a tie gives each half the gradient."""
        return self.make_node(MINIMUM, self, other)


Operand: TypeAlias = Operators | float
