"""Notebooks 1 and 2: slopes, and the chain rule on a graph."""

from __future__ import annotations

from typing import Any

from autodiff import Value, topological_order
from demos.exercises.answers import (
    Exercise,
    NotYetError,
    expect_function,
    expect_number,
    expect_something,
    number_of,
)

__all__ = ["SLOPES"]


def slope_by_hand(attempt: Any) -> None:
    expect_number(attempt, 11.0, "The slope of x² is 2x, and that of x is 1.")


def cube(x: float) -> float:
    return x * x * x


# What comes of x³ at 2 with h = 0.5: 2.5³ = 15.625, 2³ = 8, 1.5³ = 3.375.
DIFFERENCES = (
    (15.25, "that is the forward difference, from x to x + h: go from x − h to x + h."),
    (9.25, "that is the backward difference, from x − h to x: go from x − h to x + h."),
    (24.5, "divide by 2h: it is the way from x − h to x + h."),
    (3.0625, "that is divided by 2 and multiplied by h: write / (2 * h), with brackets."),
    (-12.25, "the sign: it is f(x + h) − f(x − h)."),
)


def central_difference(attempt: Any) -> None:
    expect_function(attempt)
    h = 0.5  # so large that each way of going leaves a number of its own
    found = attempt(cube, 2.0, h)
    expect_something(found)
    for number, mistake in DIFFERENCES:
        if number_of(found) == number:
            raise NotYetError(mistake)
    hint = "With h = 0.5 the slope of x³ at 2 comes out as 12.25: (2.5³ − 1.5³) / 1."
    expect_number(found, 12.25, hint)
    for x, right in ((2.0, 12.0), (-1.0, 3.0)):
        expect_number(attempt(cube, x), right, f"The slope of x³ at {x:g} is {right:g}.", 1e-3)


def first_graph(attempt: Any) -> None:
    if not isinstance(attempt, Value):
        raise NotYetError("this needs a Value: an expression of a, b and c.")
    variables = {node.label: node for node in topological_order(attempt) if node.is_leaf}
    if not {"a", "b", "c"} <= set(variables):
        raise NotYetError("use all three of a, b and c.")
    expect_number(attempt.data, 4.0, "With a = 2, b = −1, c = 4 it is (2 · (−1) + 4)² = 4.")
    if not variables["a"].has_grad:
        raise NotYetError("the value is right; now call backward() on it.")
    grads = [variables[name].grad for name in "abc"]
    if grads != [-4.0, 8.0, 4.0]:
        raise NotYetError(
            f"the gradients of a, b, c are {grads}. Did backward() run twice? "
            "Make a, b and c anew, and call it once."
        )


# ---- notebook 2: the chain rule ----------------------------------------------------------------


def local_derivatives(attempt: Any) -> None:
    if not isinstance(attempt, (tuple, list)) or len(attempt) != 2:
        raise NotYetError("this needs two numbers: (dd/da, dd/db).")
    if tuple(map(float, attempt)) == (2.0, -3.0):
        raise NotYetError("the other way round: the derivative of a · b by a is b.")
    for number, right in zip(attempt, (-3.0, 2.0), strict=True):
        expect_number(number, right, "The derivative of a · b by a is b, and by b it is a.")


def used_twice(attempt: Any) -> None:
    if attempt in (4, 3):
        raise NotYetError("that is the contribution of one use. x is used twice: add both.")
    if attempt == 9:
        raise NotYetError("the slope of x · w by x is w, not x.")
    expect_number(attempt, 7.0, "One use is in x · w, the other in + 4x. Add what each brings.")


class Diamond:
    """The graph of the exercise: x is used by a, and a by b (twice) and by c."""

    def __init__(self) -> None:
        self.x = Value(1.0, "x")
        self.a = 2 * self.x
        self.b = self.a * self.a
        self.c = self.a + self.b
        for node, label in ((self.a, "a"), (self.b, "b"), (self.c, "c")):
            node.label = label


def right_order(attempt: Any) -> None:
    if not isinstance(attempt, (list, tuple, str)):
        raise NotYetError('this needs a list of names, such as ["x", "a", "b", "c"].')
    if sorted(attempt) != ["a", "b", "c", "x"]:
        raise NotYetError("name each of a, b, c and x once.")
    graph = Diamond()
    given = [getattr(graph, name) for name in attempt]
    for node in given:
        for parent in node.parents:
            if not parent.is_constant and given.index(parent) < given.index(node):
                raise NotYetError(
                    f"{parent.label} comes before {node.label}, which uses it: the gradient of "
                    f"{parent.label} is not complete then."
                )


SLOPES = {
    "slope by hand": Exercise(slope_by_hand, "The slope of 3x² − x is 6x − 1, and 6 · 2 − 1 = 11."),
    "central difference": Exercise(
        central_difference, "Going both ways, the error shrinks with h² instead of h."
    ),
    "first graph": Exercise(first_graph, "One backward() found all three slopes at once."),
    "local derivatives": Exercise(
        local_derivatives, "Each factor's derivative is the other factor."
    ),
    "used twice": Exercise(used_twice, "3 from x · w and 4 from 4x: contributions add up."),
    "right order": Exercise(right_order, "Every node comes after all the nodes that use it."),
}
