"""Backward passes with the mistakes that are usual in a first engine of one's own.

A student's gradients that are wrong are compared with what each of these passes leaves: the one
that leaves the same numbers is the mistake that was made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from autodiff import Value

__all__ = ["MISTAKES", "Mistake", "right_pass"]

Gradients = dict[Value, float]
Edges = Callable[[Value], list[tuple[Value, float]]]


@dataclass(frozen=True, slots=True)
class Mistake:
    """``passes`` each return what a backward pass with that mistake leaves; ``says`` names it."""

    says: str
    passes: tuple[Callable[[Value], Gradients], ...]


# ---- what passes are made of -------------------------------------------------------------------


def edges(node: Value) -> list[tuple[Value, float]]:
    """Return each operand of a node with the local derivative by it."""
    if node.op is None:
        return []
    numbers = [parent.data for parent in node.parents]
    return list(zip(node.parents, node.op.partials(node.data, *numbers), strict=True))


def kind_of(node: Value) -> str:
    """Return what a node is, in expressions of sums, products and one bend, by its slopes."""
    slopes = [local for _, local in edges(node)]
    if len(slopes) == 1:
        return "bend"
    return "sum" if all(slope == 1.0 for slope in slopes) else "product"


def post_order(root: Value, seen: set[Value], mirrored: bool = False) -> Iterator[Value]:
    """Yield the nodes as the textbook's recursion does: each after its operands."""
    seen.add(root)
    for parent in reversed(root.parents) if mirrored else root.parents:
        if parent not in seen:
            yield from post_order(parent, seen, mirrored)
    yield root


def backward_order(root: Value, mirrored: bool = False) -> list[Value]:
    """Return the nodes, each before its operands."""
    return [*post_order(root, set(), mirrored)][::-1]


def accumulated(order: Sequence[Value], root: Value, edges_of: Edges = edges) -> Gradients:
    """Return what a pass leaves that takes the nodes in that order and adds up."""
    gradients = dict.fromkeys(order, 0.0)
    gradients[root] = 1.0
    for node in order:
        for parent, local in edges_of(node):
            gradients[parent] += local * gradients[node]
    return gradients


def right_pass(root: Value, edges_of: Edges = edges) -> Gradients:
    """Return the gradients as they are, unless a node has other edges."""
    return accumulated(backward_order(root), root, edges_of)


# ---- mistakes of the pass ----------------------------------------------------------------------


def assigned_by(root: Value, kinds: Sequence[str], mirrored: bool = False) -> Gradients:
    """Return what is left by `=` where there should be `+=`, in nodes of these kinds."""
    order = backward_order(root, mirrored)
    gradients = dict.fromkeys(order, 0.0)
    gradients[root] = 1.0
    for node in order:
        for parent, local in edges(node):
            before = 0.0 if kind_of(node) in kinds else gradients[parent]
            gradients[parent] = before + local * gradients[node]
    return gradients


def unseeded(root: Value) -> Gradients:
    return dict.fromkeys(backward_order(root), 0.0)


def forward_order(root: Value) -> Gradients:
    return accumulated(backward_order(root)[::-1], root)


def without_upstream(root: Value) -> Gradients:
    order = backward_order(root)
    gradients = dict.fromkeys(order, 0.0)
    gradients[root] = 1.0
    for node in order:
        for parent, local in edges(node):
            gradients[parent] += local
    return gradients


def first_use_alone(node: Value) -> list[tuple[Value, float]]:
    """Return the edges that are left where the operands are kept in a set."""
    kept: dict[Value, float] = {}
    for parent, local in edges(node):
        kept.setdefault(parent, local)
    return list(kept.items())


def repeated_post_order(root: Value) -> Iterator[Value]:
    """Yield the nodes as the recursion does that never asks whether it has been there."""
    for parent in root.parents:
        yield from repeated_post_order(parent)
    yield root


def visiting_twice(root: Value) -> Gradients:
    return accumulated([*repeated_post_order(root)][::-1], root)


def along_every_path(root: Value) -> Gradients:
    """Return what is left where each use passes on all that has come so far, recursively."""
    gradients = dict.fromkeys(backward_order(root), 0.0)
    gradients[root] = 1.0
    pass_on(root, gradients)
    return gradients


def pass_on(node: Value, gradients: Gradients) -> None:
    for parent, local in edges(node):
        gradients[parent] += local * gradients[node]
        pass_on(parent, gradients)


def pre_order(root: Value, seen: set[Value]) -> Iterator[Value]:
    seen.add(root)
    yield root
    for parent in root.parents:
        if parent not in seen:
            yield from pre_order(parent, seen)


def depth_first(root: Value) -> Gradients:
    return accumulated([*pre_order(root, set())], root)


def breadth_first(root: Value) -> Gradients:
    order = [root]
    for node in order:
        order += [parent for parent in dict.fromkeys(node.parents) if parent not in order]
    return accumulated(order, root)


# ---- mistakes of a local derivative ------------------------------------------------------------


def not_swapped(node: Value) -> list[tuple[Value, float]]:
    if kind_of(node) != "product":
        return edges(node)
    return [(parent, parent.data) for parent in node.parents]


def tanh_by(root: Value, slope: Callable[[float, float], float]) -> Gradients:
    """Return what is left where tanh's slope is computed like this from its x and its result."""

    def edges_of(node: Value) -> list[tuple[Value, float]]:
        if kind_of(node) != "bend":
            return edges(node)
        (x,) = node.parents
        return [(x, slope(x.data, node.data))]

    return right_pass(root, edges_of)


def one_minus_x_squared(x: float, out: float) -> float:
    return 1.0 - x * x


def one_minus_out(x: float, out: float) -> float:
    return 1.0 - out


def out_squared(x: float, out: float) -> float:
    return out * out


def slope_of_sigmoid(x: float, out: float) -> float:
    return out * (1.0 - out)


def out_itself(x: float, out: float) -> float:
    return out


def slope_at_out(x: float, out: float) -> float:
    return 1.0 - math.tanh(out) ** 2


# Slopes that are taken for tanh's, of its x and its result.
SLOPES = {
    one_minus_x_squared: "the slope of tanh is computed from x: it is 1 - out * out, with the "
    "result out = tanh(x)",
    one_minus_out: "the slope of tanh is 1 - out * out: square the result",
    out_squared: "the slope of tanh is 1 - out * out: the 1 - is missing",
    slope_of_sigmoid: "out * (1 - out) is the slope of the sigmoid; that of tanh is 1 - out * out",
    out_itself: "that is tanh itself; its slope is 1 - out * out",
    slope_at_out: "out is tanh(x) already: its slope is 1 - out * out",
}
INCOMPLETE = "a node passes its gradient on before all of its uses have contributed"

# Those that explain more come later: the first that leaves the student's numbers is told.
MISTAKES = (
    Mistake(
        "every gradient is 0: the result's own is 1 at the start (dL/dL = 1); set it before "
        "the loop",
        (unseeded,),
    ),
    Mistake(
        "that comes out where a contribution is assigned (=) in place of being added (+=): what "
        "is used twice then has the contribution of one use alone",
        (
            partial(assigned_by, kinds=("sum", "product", "bend")),
            partial(assigned_by, kinds=("sum", "product", "bend"), mirrored=True),
            partial(assigned_by, kinds=("sum",)),
            partial(assigned_by, kinds=("product",)),
        ),
    ),
    Mistake(
        "that comes out where a node's operands are kept in a set, or each is taken once: a + a "
        "then has one arrow, and it has two; keep a tuple",
        (partial(right_pass, edges_of=first_use_alone),),
    ),
    Mistake(
        "that comes out where the nodes are taken in the order of the forward pass: begin at the "
        "result, with reversed(...)",
        (forward_order,),
    ),
    Mistake(
        "that is the sum of local derivatives alone: multiply each by the gradient of the node "
        "that uses it (the upstream gradient)",
        (without_upstream,),
    ),
    Mistake(
        "that comes out where a node that is used twice is in the order twice, and so passes its "
        "gradient on twice: remember which nodes you have visited",
        (visiting_twice,),
    ),
    Mistake(
        f"that comes out where backward goes along every path: {INCOMPLETE}, and then again; take "
        "each node once, in reverse topological order",
        (along_every_path,),
    ),
    Mistake(
        f"{INCOMPLETE}: take the nodes in reverse topological order, not as they come to mind",
        (depth_first, breadth_first),
    ),
    Mistake(
        "the local derivatives of a product are not swapped: that of a * b by a is b's number",
        (partial(right_pass, edges_of=not_swapped),),
    ),
    *[Mistake(says, (partial(tanh_by, slope=slope),)) for slope, says in SLOPES.items()],
)
