"""Two scalar engines, of some 40 and 60 lines, as people write them for themselves.

They are what the programs beside them were written for, and what autodiff is compared with.  Both
do only what their models do, microgpt and micrograd: a division is a product with a power, a
difference a sum with a negative, and a pass adds to the gradients that it finds.
"""

import math


class StoredDerivatives:
    """As in microgpt: a node keeps its local derivatives, which are known on the way forward."""

    def __init__(self, data, children=(), local_grads=()):
        self.data, self.grad = data, 0
        self._children, self._local_grads = children, local_grads

    def __add__(self, other):
        other = other if isinstance(other, StoredDerivatives) else StoredDerivatives(other)
        return StoredDerivatives(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other):
        other = other if isinstance(other, StoredDerivatives) else StoredDerivatives(other)
        products = (other.data, self.data)
        return StoredDerivatives(self.data * other.data, (self, other), products)

    def __pow__(self, power):
        slope = power * self.data ** (power - 1)
        return StoredDerivatives(self.data**power, (self,), (slope,))

    def exp(self):
        e = math.exp(self.data)
        return StoredDerivatives(e, (self,), (e,))

    def log(self):
        return StoredDerivatives(math.log(self.data), (self,), (1 / self.data,))

    def relu(self):
        return StoredDerivatives(max(0, self.data), (self,), (float(self.data > 0),))

    # fmt: off
    def __radd__(self, other): return self + other
    def __rmul__(self, other): return self * other
    def __neg__(self): return self * -1
    def __sub__(self, other): return self + -other
    def __rsub__(self, other): return other + -self
    def __truediv__(self, other): return self * other**-1
    def __rtruediv__(self, other): return other * self**-1
    # fmt: on

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for child in node._children:
                    visit(child)
                order.append(node)

        visit(self)
        self.grad = 1
        for node in reversed(order):
            for child, local in zip(node._children, node._local_grads, strict=True):
                child.grad += local * node.grad


class Closures:
    """As in micrograd: a node keeps a function that passes its gradient on to its operands.

    micrograd keeps the operands in a set, which has another order in each run of Python, and with
    it the sums of the gradients have other last bits.  Here they stay in their order.
    """

    def __init__(self, data, _children=(), _op="", label=""):
        self.data, self.grad, self.label = data, 0, label
        self._prev, self._op, self._backward = tuple(_children), _op, lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Closures) else Closures(other)
        out = Closures(self.data + other.data, (self, other), "+")

        def pass_on():
            self.grad += out.grad
            other.grad += out.grad

        out._backward = pass_on
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Closures) else Closures(other)
        out = Closures(self.data * other.data, (self, other), "*")

        def pass_on():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = pass_on
        return out

    def __pow__(self, power):
        out = Closures(self.data**power, (self,), f"**{power}")

        def pass_on():
            self.grad += power * self.data ** (power - 1) * out.grad

        out._backward = pass_on
        return out

    def relu(self):
        out = Closures(max(0, self.data), (self,), "ReLU")

        def pass_on():
            self.grad += (out.data > 0) * out.grad

        out._backward = pass_on
        return out

    # fmt: off
    def __lt__(self, other): return self.data < getattr(other, "data", other)
    def __gt__(self, other): return self.data > getattr(other, "data", other)
    def __radd__(self, other): return self + other
    def __rmul__(self, other): return self * other
    def __neg__(self): return self * -1
    def __sub__(self, other): return self + -other
    def __rsub__(self, other): return other + -self
    def __truediv__(self, other): return self * other**-1
    def __rtruediv__(self, other): return other * self**-1
    # fmt: on

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for child in node._prev:
                    visit(child)
                order.append(node)

        visit(self)
        self.grad = 1
        for node in reversed(order):
            node._backward()
