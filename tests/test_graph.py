"""The topological order: every node once, parents first, the same every time, at any depth."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from autodiff import Value, topological_order
from autodiff.graph import leaves_and_interior

# For each node, which earlier nodes it is computed from.
Shape = list[tuple[int, ...]]


class PlainNode:
    """What the walks need of a node, and nothing more."""

    def __init__(self, *parents: PlainNode) -> None:
        self.parents = parents


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Return a random graph: leaves, then nodes with one to three operands, repeats allowed."""
    shape: Shape = [()] * draw(st.integers(1, 4))
    for _ in range(draw(st.integers(0, 25))):
        earlier = st.integers(0, len(shape) - 1)
        shape.append(tuple(draw(st.lists(earlier, min_size=1, max_size=3))))
    return shape


def built(shape: Shape) -> list[PlainNode]:
    nodes: list[PlainNode] = []
    for parents in shape:
        nodes.append(PlainNode(*[nodes[place] for place in parents]))
    return nodes


def naive_order(root: Any) -> list[Any]:
    """Return the order by its definition, recursively: parents from the left, then the node."""
    order: list[Any] = []

    def visit(node: Any) -> None:
        if node not in order:
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)
    return order


@given(shape=shapes())
def test_leaves_come_first_and_each_kind_in_the_order_of_a_recursive_walk(shape: Shape) -> None:
    root = built(shape)[-1]
    naive = naive_order(root)
    leaves, interior = leaves_and_interior(root)
    assert leaves == [node for node in naive if not node.parents]
    assert interior == [node for node in naive if node.parents]
    assert topological_order(root) == leaves + interior


def test_the_left_operand_comes_before_the_right() -> None:
    a, b, c = Value(1.0, "a"), Value(2.0, "b"), Value(3.0, "c")
    left, right = b * c, c * a
    root = left + right
    assert topological_order(root) == [b, c, a, left, right, root]


def test_constants_are_nodes_of_the_graph() -> None:
    x = Value(1.0)
    node = x * 3
    assert topological_order(node) == [x, node.parents[1], node]


def test_a_walk_changes_nothing() -> None:
    x = Value(2.0, "x")
    root = (x * x).tanh()
    root.backward()
    before = [(node.data, node.grad, node.label, node.parents) for node in (x, root)]
    topological_order(root)
    assert [(node.data, node.grad, node.label, node.parents) for node in (x, root)] == before


def test_a_ladder_with_two_to_the_500_paths_is_walked_once_a_node() -> None:
    node = Value(1.0)
    for _ in range(500):
        node = node + node
    assert len(topological_order(node)) == 501


def test_a_deep_chain_of_anything_with_parents_is_walked() -> None:
    depth = 10_000
    node = first = PlainNode()
    for _ in range(depth):
        node = PlainNode(node, first)
    order = topological_order(node)
    assert len(order) == depth + 1
    assert order[0] is first
