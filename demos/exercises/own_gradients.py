"""Expressions that are computed with a student's class and with the engine, and their gradients.

Gradients that differ are looked up among the usual mistakes of ``wrong_passes.py``: the hint
is the mistake, and not the number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from autodiff import Value
from demos.exercises.answers import NotYetError
from demos.exercises.asking import DONE, STOP, expect_data, expect_own, returned, tried
from demos.exercises.wrong_passes import MISTAKES, right_pass

__all__ = [
    "SUMS_AND_PRODUCTS",
    "WITH_TANH",
    "A",
    "B",
    "C",
    "Expression",
    "chain",
    "check_gradients_of",
    "close",
]

A, B, C = 2.0, -3.0, 10.0


@dataclass(frozen=True, slots=True)
class Expression:
    """What a student would write, and the function that computes it from a, b and c."""

    text: str
    build: Callable[[Any, Any, Any], Any]
    inputs: tuple[float, float, float] = (A, B, C)


def chain(a: Any, b: Any, c: Any) -> Any:
    return a * b + c


def doubled(a: Any, b: Any, c: Any) -> Any:
    return a + a


def squared(a: Any, b: Any, c: Any) -> Any:
    return a * a


def used_twice(a: Any, b: Any, c: Any) -> Any:
    return (a * b + c) * a


def diamond(a: Any, b: Any, c: Any) -> Any:
    d = a * b
    e = d * c
    return d + e


def late_use(a: Any, b: Any, c: Any) -> Any:
    """``d`` is used by the result first, and by ``f`` last: its place in the order matters."""
    d = a * b
    e = d * c
    f = e * d
    return d * f


def bent(a: Any, b: Any, c: Any) -> Any:
    return (a * b + c).tanh() * c


SUMS_AND_PRODUCTS = (
    Expression("L = a * b + c", chain),
    Expression("L = a + a", doubled),
    Expression("L = a * a", squared),
    Expression("L = (a * b + c) * a", used_twice),
    Expression("d = a * b; L = d + d * c", diamond),
    Expression("d = a * b; e = d * c; L = d * (e * d)", late_use),
)
WITH_TANH = (Expression("L = (a * b + c).tanh() * c", bent, (0.5, -1.0, 1.25)),)


def check_gradients_of(own: type, expressions: Sequence[Expression]) -> None:
    """Raise NotYetError unless the class has the engine's numbers and gradients."""
    compared = [compare(own, expression) for expression in expressions]
    wrong = next((each for each in compared if each.wrong), None)
    if wrong is None:
        return
    name, found, right = wrong.wrong
    hint = f"For {wrong.text} the gradient of {name} should be {right:g}, and yours is {found:g}"
    for mistake in MISTAKES:
        if any(all(each.has_gradients_of(one) for each in compared) for one in mistake.passes):
            raise NotYetError(f"{hint}: {mistake.says}.")
    raise NotYetError(
        f"{hint}. Go along its arrows by hand: which contribution is it that differs?"
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """An expression's gradients by a, b and c, as a student's class has them, and its graph."""

    text: str
    root: Value
    inputs: tuple[Value, ...]
    found: tuple[float, ...]

    @property
    def wrong(self) -> tuple[str, float, float] | None:
        """The first gradient that is wrong: its name, what it is and what it should be."""
        right = right_pass(self.root)
        for node, found in zip(self.inputs, self.found, strict=True):
            if not close(found, right.get(node, 0.0)):
                return node.label, found, right.get(node, 0.0)
        return None

    def has_gradients_of(self, one_pass: Callable[[Value], dict[Value, float]]) -> bool:
        """Return whether they are those that a pass leaves."""
        left = one_pass(self.root)
        return all(
            close(found, left.get(node, 0.0))
            for node, found in zip(self.inputs, self.found, strict=True)
        )


def close(found: float, right: float) -> bool:
    return math.isclose(found, right, rel_tol=1e-9, abs_tol=1e-12)


def compare(own: type, expression: Expression) -> Compared:
    """Compute an expression with both classes, and go backward with the student's."""
    values = [own(number) for number in expression.inputs]
    twins = [Value(number, name) for number, name in zip(expression.inputs, "abc", strict=True)]
    result = tried(expression.text, expression.build, *values)
    root = expression.build(*twins)
    expect_own(result, own, expression.text)
    expect_data(result, root.data, "L")
    backward = getattr(result, "backward", None)
    if backward is None:
        raise NotYetError("your class has no backward yet.")
    what = f"L.backward() for {expression.text}"
    if tried(what, returned, backward, endless=STOP) is not DONE:
        raise NotYetError("backward should return nothing: it leaves its work in .grad.")
    found = tuple(value.grad for value in values)
    for name, number in zip("abc", found, strict=True):
        if not isinstance(number, (int, float)):
            raise NotYetError(f"the gradient of {name} should be a number: use .data and .grad.")
    return Compared(expression.text, root, tuple(twins), found)
