"""A peer: the scalar engine that keeps each local derivative from the forward pass on.

This is how microgpt does it.  A node has its number, its parents and the derivative by each parent;
the backward pass then needs no rule of any operation: it multiplies and adds.  Unlike microgpt,
subtraction, division and tanh are nodes of their own here, which is in the peer's favour.

The order is found by recursion, so a graph deeper than ``sys.getrecursionlimit()`` needs a higher
one.
"""

from __future__ import annotations

import math

__all__ = ["Value"]


class Value:
    """A number, the numbers that it was made from, and its derivative by each of them."""

    __slots__ = ("data", "grad", "local_derivatives", "parents")

    def __init__(
        self,
        data: float,
        parents: tuple[Value, ...] = (),
        local_derivatives: tuple[float, ...] = (),
    ) -> None:
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.local_derivatives = local_derivatives

    def backward(self) -> None:
        """Add d self / d node to the gradient of every node that self depends on."""
        order: list[Value] = []
        visited: set[Value] = set()

        def visit(node: Value) -> None:
            if node not in visited:
                visited.add(node)
                for parent in node.parents:
                    visit(parent)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            for parent, local in zip(node.parents, node.local_derivatives):  # noqa: B905 (slower)
                parent.grad += local * node.grad

    def __add__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __sub__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data - other.data, (self, other), (1.0, -1.0))

    def __mul__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __truediv__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        result = self.data / other.data
        return Value(result, (self, other), (1.0 / other.data, -result / other.data))

    def __pow__(self, power: float) -> Value:
        return Value(self.data**power, (self,), (power * self.data ** (power - 1),))

    def __neg__(self) -> Value:
        return Value(-self.data, (self,), (-1.0,))

    def __radd__(self, other: float) -> Value:
        return self + other

    def __rsub__(self, other: float) -> Value:
        return Value(other) - self

    def __rmul__(self, other: float) -> Value:
        return self * other

    def __rtruediv__(self, other: float) -> Value:
        return Value(other) / self

    def exp(self) -> Value:
        """Return e to the power of self."""
        result = math.exp(self.data)
        return Value(result, (self,), (result,))

    def log(self) -> Value:
        """Return the natural logarithm."""
        return Value(math.log(self.data), (self,), (1.0 / self.data,))

    def tanh(self) -> Value:
        """Return the hyperbolic tangent."""
        result = math.tanh(self.data)
        return Value(result, (self,), (1.0 - result * result,))

    def relu(self) -> Value:
        """Return self where it is positive, else 0."""
        return Value(max(0.0, self.data), (self,), (float(self.data > 0.0),))
