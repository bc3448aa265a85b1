"""A reverse pass as a textbook has it, on plain dictionaries: an oracle for random programs.

It shares nothing with the engine: the formulas and the derivatives are written here anew, from
``math``, and the pass is a loop over nodes.  What is specified is done as specified, so that bits
can be compared: IEEE 754 for every number, sums over uses in reverse topological order from the
first contribution on, and a variable's earlier gradient added last, as one number.  A local
derivative is None for an operand that was not taken: it gets nothing, and a node that nothing
reached passes nothing on.
"""

# ruff: noqa: ARG005 (every derivative gets the result and all operands)

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

inf, nan = math.inf, math.nan

Hook = Callable[[float], float | None]


# ---- numbers -----------------------------------------------------------------------------------


def quotient(a: float, b: float) -> float:
    """a / b by IEEE 754, which has a result for every b."""
    if b:
        return a / b
    return nan if math.isnan(a) or a == 0.0 else math.copysign(inf, math.copysign(1.0, b) * a)


def quiet(function: Callable[..., float], *numbers: float) -> float:
    """Return what a function of ``math`` does, without its exceptions for what IEEE 754 has."""
    try:
        return function(*numbers)
    except OverflowError:
        return inf
    except ValueError:
        return nan


def to_the(a: float, b: float) -> float:
    """a ** b, an odd power of a negative number negative even where it overflows."""
    if b == 2.0:
        return a * a
    sign = math.copysign(1.0, a) if b % 2.0 == 1.0 else 1.0
    if a == 0.0 and b < 0.0:
        return sign * inf
    found = quiet(math.pow, a, b)
    return sign * inf if found == inf and math.isfinite(a) else found


def logarithm(x: float) -> float:
    return -inf if x == 0.0 else quiet(math.log, x)


def logistic(x: float) -> float:
    """1 / (1 + e**-x), so written for each sign that nothing overflows."""
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    small = math.exp(-math.fabs(x))  # a nan too
    share = small / (1.0 + small)
    return share if x >= -1.4 else small - small * share  # s / (1 + s) = s - s * s / (1 + s)


def soft(x: float) -> float:
    """log(1 + e**x), so written that nothing overflows."""
    return math.log1p(math.exp(-math.fabs(x))) + (0.0 if x <= 0.0 else x)


def neuron(bias: Any, *rest: Any) -> Any:
    """A neuron's sum, of floats or of another library's numbers: the weights, then the inputs."""
    total = bias
    for place in range(len(rest) // 2):
        total = total + rest[place] * rest[len(rest) // 2 + place]
    return total


def larger(a: float, b: float) -> float:
    return nan if a != a or b != b else a if a >= b else b


def smaller(a: float, b: float) -> float:
    return nan if a != a or b != b else a if a <= b else b


def side(a: float, b: float) -> float | None:
    """Return what an operand that is greater than the other has of a choice's derivative.

    Half of it if they cannot be told apart: their difference is 0 or nan.
    """
    difference = a - b
    return 1.0 if difference > 0.0 else None if b - a > 0.0 else 0.5


# Each operation: its number, of its operands; and its derivative by each of them, of all and it.
def bell(square: float) -> float:
    return math.exp(-square)


Locals = Sequence[float | None]
FORMULAS: dict[str, tuple[Callable[..., float], Callable[..., Locals]]] = {
    "add": (lambda a, b: a + b, lambda y, a, b: (1.0, 1.0)),
    "sub": (lambda a, b: a - b, lambda y, a, b: (1.0, -1.0)),
    "mul": (lambda a, b: a * b, lambda y, a, b: (b, a)),
    "div": (quotient, lambda y, a, b: (quotient(1.0, b), quotient(-y, b))),
    "neg": (lambda a: -a, lambda y, a: (-1.0,)),
    "abs": (abs, lambda y, a: (1.0 if a > 0.0 else -1.0 if a < 0.0 else 0.0,)),
    "square": (lambda a: a * a, lambda y, a: (2.0 * a,)),
    "pow": (
        to_the,
        lambda y, a, b: (
            b * to_the(a, b - 1.0 if abs(b) > 0.0 else 0.0),
            y * logarithm(a if abs(a) > 0.0 or b < 0.0 else 1.0),
        ),
    ),
    "exp": (lambda x: quiet(math.exp, x), lambda y, x: (y,)),
    "log": (logarithm, lambda y, x: (quotient(1.0, x),)),
    "sqrt": (lambda x: quiet(math.sqrt, x), lambda y, x: (quotient(0.5, y),)),
    "sin": (lambda x: quiet(math.sin, x), lambda y, x: (quiet(math.cos, x),)),
    "cos": (lambda x: quiet(math.cos, x), lambda y, x: (-quiet(math.sin, x),)),
    "tan": (lambda x: quiet(math.tan, x), lambda y, x: (1.0 + y * y,)),
    "tanh": (math.tanh, lambda y, x: (1.0 - y * y,)),
    "sigmoid": (logistic, lambda y, x: (y * (1.0 - y),)),
    "softplus": (soft, lambda y, x: (logistic(x),)),
    "log_sigmoid": (lambda x: -soft(-x), lambda y, x: (logistic(-x),)),
    "erf": (math.erf, lambda y, x: (2.0 / math.sqrt(math.pi) * bell(x * x),)),
    "gelu": (
        lambda x: x * (0.5 + 0.5 * math.erf(x * math.sqrt(0.5))),
        lambda y, x: (
            0.5
            + 0.5 * math.erf(x * math.sqrt(0.5))
            + 1.0 / math.sqrt(2.0 * math.pi) * x * bell(0.5 * x * x),
        ),
    ),
    "relu": (lambda x: 0.0 if x <= 0.0 else x, lambda y, x: (1.0 if x > 0.0 else None,)),
    "leaky_relu": (
        lambda x, slope: x if x > 0.0 else slope * x,
        lambda y, x, slope: (1.0 if x > 0.0 else slope, None if x > 0.0 else x),
    ),
    "weighted_sum": (
        neuron,
        lambda y, *operands: (
            1.0,
            *operands[len(operands) // 2 + 1 :],
            *operands[1 : len(operands) // 2 + 1],
        ),
    ),
    "maximum": (larger, lambda y, a, b: (side(a, b), side(b, a))),
    "minimum": (smaller, lambda y, a, b: (side(b, a), side(a, b))),
    "clip": (
        lambda x, low, high: smaller(larger(x, low), high),
        lambda y, x, low, high: (
            None if x < low or x > high or math.isnan(y) else 1.0,
            1.0 if x < low < high else None,
            1.0 if x > high or low > high else None,
        ),
    ),
    "where": (
        lambda c, a, b: a if c > 0.0 else b,
        lambda y, c, a, b: (None, 1.0, None) if c > 0.0 else (None, None, 1.0),
    ),
    "pick": (
        lambda index, *values: dict(enumerate(values)).get(index, nan),
        lambda y, index, *values: (
            None,
            *[1.0 if place == index else None for place in range(len(values))],
        ),
    ),
}


CHOOSE = ("where", "pick")


# ---- graphs ------------------------------------------------------------------------------------


@dataclass
class Node:
    """A node by its numbers; ``gradient`` is None where none has been computed.

    ``op`` is "" for a leaf; ``operands`` are the keys of other nodes.
    """

    data: float
    op: str = ""
    operands: tuple[int, ...] = ()
    constant: bool = False
    gradient: float | None = None
    hooks: dict[int, Hook] = field(default_factory=dict)

    @property
    def is_variable(self) -> bool:
        return not self.op and not self.constant


@dataclass(frozen=True)
class Contribution:
    """One use's part of a gradient; its numbers are 0 where the operand was not taken."""

    node: int
    operand: int
    position: int
    local: float
    upstream: float
    number: float
    total: float


class Naive:
    """A graph as a dictionary of nodes, and what can be done with it."""

    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {}

    def below(self, root: int) -> tuple[list[int], list[int]]:
        """Return the leaves and the interior nodes that root depends on, operands first."""
        leaves: list[int] = []
        interior: list[int] = []

        def visit(key: int) -> None:
            if key in leaves or key in interior:
                return
            for operand in self.nodes[key].operands:
                visit(operand)
            (interior if self.nodes[key].op else leaves).append(key)

        visit(root)
        return leaves, interior

    def variables(self, root: int) -> list[int]:
        return [key for key in self.below(root)[0] if not self.nodes[key].constant]

    def numbers(self, root: int) -> dict[int, float]:
        """Return every number below root, computed anew from the leaves of now."""
        leaves, interior = self.below(root)
        found = {key: self.nodes[key].data for key in leaves}
        for key in interior:
            node = self.nodes[key]
            forward, _ = FORMULAS[node.op]
            found[key] = forward(*[found[operand] for operand in node.operands])
        return found

    def gradients(
        self,
        root: int,
        start: float,
        numbers: dict[int, float],
        hooks: bool,
    ) -> tuple[dict[int, float], list[Contribution]]:
        """Return one pass's gradients, and its contributions in their order."""
        leaves, interior = self.below(root)
        sums = {root: start}
        contributions: list[Contribution] = []

        def complete(key: int) -> None:
            for hook in self.nodes[key].hooks.values() if hooks else ():
                replacement = hook(sums[key])
                sums[key] = sums[key] if replacement is None else replacement

        for key in reversed(interior):
            if key not in sums:
                continue
            complete(key)
            node = self.nodes[key]
            _, derivatives = FORMULAS[node.op]
            slopes = derivatives(numbers[key], *[numbers[n] for n in node.operands])
            for position, (operand, local) in enumerate(zip(node.operands, slopes, strict=True)):
                if self.nodes[operand].constant:
                    continue
                number = 0.0
                if local is not None:
                    number = local * sums[key]
                    sums[operand] = sums[operand] + number if operand in sums else number
                total, shown = sums.get(operand, 0.0), 0.0 if local is None else local
                contributions.append(
                    Contribution(key, operand, position, shown, sums[key], number, total)
                )
        for key in leaves:
            if key in sums:
                complete(key)
        return sums, contributions

    def backward(self, root: int, start: float) -> list[Contribution]:
        """Do a pass; interior gradients are afresh, variables add theirs to what they had."""
        numbers = {key: node.data for key, node in self.nodes.items()}
        sums, contributions = self.gradients(root, start, numbers, hooks=True)
        for key in self.below(root)[1]:
            self.nodes[key].gradient = None  # afresh, if anything reaches it
        self.add(sums)
        return contributions

    def replay(self, root: int) -> float:
        """Compute root and its gradients from the leaves of now; the interior stays as it is."""
        numbers = self.numbers(root)
        sums, _ = self.gradients(root, 1.0, numbers, hooks=False)
        # What nothing reaches is left as it was, as by a pass.
        self.add({key: sums[key] for key in {root, *self.variables(root)} if key in sums})
        self.nodes[root].data = numbers[root]
        return numbers[root]

    def descend(self, root: int, rate: float) -> float:
        """Do a step of gradient descent, which changes the variables' numbers alone."""
        numbers = self.numbers(root)
        sums, _ = self.gradients(root, 1.0, numbers, hooks=False)
        for key in self.variables(root):
            self.nodes[key].data -= rate * sums.get(key, 0.0)
        return numbers[root]

    def add(self, sums: dict[int, float]) -> None:
        for key, number in sums.items():
            node = self.nodes[key]
            adds = node.is_variable and node.gradient is not None
            node.gradient = node.gradient + number if adds else number  # type: ignore[operator]

    def forget_hooks(self) -> None:
        self.nodes = {key: replace(node, hooks={}) for key, node in self.nodes.items()}
