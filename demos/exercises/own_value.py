"""Notebook 1: the checks of a student's own Value, part by part, beside the engine."""

from __future__ import annotations

import math
from typing import Any

from demos.exercises.answers import Exercise, NotYetError, expect_function
from demos.exercises.asking import STOP, expect_class, expect_data, expect_own, parents_of, tried
from demos.exercises.own_gradients import (
    SUMS_AND_PRODUCTS,
    WITH_TANH,
    A,
    B,
    C,
    chain,
    check_gradients_of,
)
from demos.exercises.own_training import own_neuron, own_training

__all__ = ["OWN_VALUE"]


def own_sum(attempt: Any) -> None:
    check_operation(attempt, "a + b", "__add__", A + B, (1.0, 1.0))


def own_product(attempt: Any) -> None:
    check_operation(attempt, "a * b", "__mul__", A * B, (B, A))


def check_operation(
    attempt: Any, what: str, method: str, right: float, slopes: tuple[float, float]
) -> None:
    """Raise NotYetError unless the class computes it, and remembers parents and slopes."""
    own = expect_class(attempt)
    a, b = own(A), own(B)
    if not hasattr(own, method):
        raise NotYetError(f"your class has no {method} yet.")
    result = tried(what, getattr(own, method), a, b)
    expect_own(result, own, what)
    expect_data(result, right, what)
    if (a.data, b.data) != (A, B):
        raise NotYetError(
            f"{what} has changed a or b: make a new Value, and leave these as they are."
        )
    parents = parents_of(result, what)
    if not parents:
        raise NotYetError(f"{what} is right, but remembers no parents: hand over (self, other).")
    if len(parents) == 2 and parents[0] is b and parents[1] is a:
        raise NotYetError(f"the parents of {what} are the other way round: (self, other).")
    if len(parents) != 2 or parents[0] is not a or parents[1] is not b:
        raise NotYetError(f"the parents of {what} should be a and b themselves: (self, other).")
    twice = tried(what.replace("b", "a"), getattr(own, method), a, a)
    if len(parents_of(twice, what)) != 2:
        raise NotYetError(f"{what.replace('b', 'a')} uses a twice, so it has two parents: (a, a).")
    check_slopes(getattr(result, "slopes", ()), slopes, what)


def check_slopes(found: Any, right: tuple[float, float], what: str) -> None:
    """Raise NotYetError unless an operation remembers its local derivatives."""
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        raise NotYetError(
            f"{what} should remember two slopes, one for each parent, but it has {found!r}."
        )
    first, second = found
    if any(not isinstance(slope, (int, float)) for slope in found):
        raise NotYetError(f"the slopes of {what} should be numbers: use .data.")
    if (first, second) == right:
        return
    if right == (1.0, 1.0):
        raise NotYetError(
            f"the slopes of {what} are ({first:g}, {second:g}). Nudge a by h: by how much does the "
            "sum move?"
        )
    if (second, first) == right:
        raise NotYetError(
            f"the slopes of {what} are ({first:g}, {second:g}): the other way round. Nudge a by h, "
            "and the product moves by h times the number of b."
        )
    raise NotYetError(
        f"the slopes of {what} are ({first:g}, {second:g}); with a = {A:g} and b = {B:g} they are "
        "(b's number, a's number)."
    )


def own_graph(attempt: Any) -> None:
    own = expect_class(attempt)
    a, b, c = own(A), own(B), own(C)
    for what, result, right in (
        ("a * b + c", tried("a * b + c", chain, a, b, c), A * B + C),
        ("a + 1", tried("a + 1", lambda: a + 1), A + 1.0),
        ("1 + a", tried("1 + a", lambda: 1 + a), A + 1.0),
        ("a * 3", tried("a * 3", lambda: a * 3), A * 3.0),
        ("3 * a", tried("3 * a", lambda: 3 * a), A * 3.0),
    ):
        expect_own(result, own, what)
        expect_data(result, right, what)
        if any(not isinstance(parent, own) for parent in parents_of(result, what)):
            raise NotYetError(
                f"a parent of {what} is a plain number: make a Value of other before you use it."
            )


class Node:
    """What the student's function orders: a node with a name and parents, and nothing else."""

    def __init__(self, name: str, *parents: Node) -> None:
        self.name = name
        self.parents = parents

    def __repr__(self) -> str:
        return self.name


def own_order(attempt: Any) -> None:
    expect_function(attempt)
    x = Node("x")
    a = Node("a", x)
    b = Node("b", a, a)
    c = Node("c", a, b)
    about = "With a made of x, b = a * a and c = a + b"
    found = tried("topological_order(c)", attempt, c, endless=STOP)
    if not isinstance(found, (list, tuple)):
        raise NotYetError(f"this should return a list, but it is {type(found).__name__}.")
    strangers = [node for node in found if not any(node is each for each in (x, a, b, c))]
    if strangers:
        raise NotYetError("the list should have the nodes themselves, and nothing else.")
    names = ", ".join(node.name for node in found)
    for node in (x, a, b, c):
        times = sum(node is each for each in found)
        if times == 0:
            lost = " The result itself belongs to it, too." if node is c else ""
            raise NotYetError(
                f"{about}, your order is {names or 'empty'}: {node} is missing.{lost}"
            )
        if times > 1:
            raise NotYetError(
                f"{about}, your order is {names}: {node} is there {times} times. It is used more "
                "than once; remember whom you have visited."
            )
    place = {node: found.index(node) for node in found}
    if place[c] == 0:
        raise NotYetError(
            f"{about}, your order is {names}: the result comes first, and has to be last. Append a "
            "node after all of its parents; backward will reverse the list."
        )
    for node in found:
        for parent in node.parents:
            if place[parent] > place[node]:
                raise NotYetError(
                    f"{about}, your order is {names}: {node} comes before {parent}, from which it "
                    "is computed. Append a node after all of its parents."
                )


def own_backward(attempt: Any) -> None:
    check_gradients_of(expect_class(attempt), SUMS_AND_PRODUCTS)


def own_tanh(attempt: Any) -> None:
    own = expect_class(attempt)
    result = tried("Value(0.5).tanh()", lambda: own(0.5).tanh())
    expect_own(result, own, "Value(0.5).tanh()")
    expect_data(result, math.tanh(0.5), "Value(0.5).tanh()")
    check_gradients_of(own, WITH_TANH)


def own_class(attempt: Any) -> None:
    own_graph(attempt)
    check_gradients_of(attempt, (*SUMS_AND_PRODUCTS, *WITH_TANH))


OWN_VALUE = {
    "own sum": Exercise(own_sum, "A new Value that knows its parents, and how it follows each."),
    "own product": Exercise(own_product, "By a it is b's number, and by b it is a's."),
    "own graph": Exercise(own_graph, "Numbers and Values mix, on either side."),
    "own order": Exercise(own_order, "Each node once, and behind all that it is computed from."),
    "own backward": Exercise(
        own_backward, f"The engine's gradients, for all {len(SUMS_AND_PRODUCTS)} graphs."
    ),
    "own tanh": Exercise(own_tanh, "1 - out * out: the result is all that its slope needs."),
    "own neuron": Exercise(own_neuron, "A weighted sum and a bend, with the engine's gradients."),
    "own training": Exercise(
        own_training, "Forward, clear, backward, step: all training is this loop."
    ),
    "own class": Exercise(own_class, "This is an autograd engine, and it is yours."),
}
