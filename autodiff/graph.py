"""Walks over a graph. They need only ``node.parents`` and change nothing.

Gradients flow from the output back to the leaves, and a node's gradient is complete only when
all its uses have contributed.  Visiting nodes in **reverse topological order** (every node after
all the nodes that use it) guarantees that, and visits each node once however often it is used.
"""

from __future__ import annotations

from itertools import filterfalse
from operator import attrgetter
from typing import Any, Protocol, TypeVar

__all__ = ["leaves_and_interior", "topological_order"]


class Node(Protocol):
    """Anything with an ordered tuple of parents: the nodes that it was computed from."""

    @property
    def parents(self) -> tuple[Any, ...]: ...


NodeType = TypeVar("NodeType", bound=Node)

parents_of = attrgetter("parents")


def leaves_and_interior(root: NodeType) -> tuple[list[NodeType], list[NodeType]]:
    """Return the graph's leaves, and its interior nodes with parents before their users.

    A depth-first walk, left operand first, so the order depends on the graph alone.  It keeps
    its own path of half-visited nodes where a recursive walk would use Python's stack, which
    ends at a depth of about 1,000.
    """
    if not root.parents:
        return [root], []
    visited: dict[NodeType, None] = {root: None}
    node, operands, path, interior = root, iter(root.parents), [], []
    while True:
        for parent in operands:
            # setdefault marks the parent, and returns None; into a leaf there is no way on.
            if parent not in visited and (visited.setdefault(parent) or parent.parents):
                path.append((node, operands))
                node, operands = parent, iter(parent.parents)
                break
        else:
            interior.append(node)
            if not path:
                return list(filterfalse(parents_of, visited)), interior
            node, operands = path.pop()


def topological_order(root: NodeType) -> list[NodeType]:
    """Return every node that root depends on, and root itself, parents before their users.

    The leaves come first, then the interior nodes, root last.

    >>> from autodiff import Value
    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> c = a * b
    >>> [node.label or node.op.name for node in topological_order(c + a)]
    ['a', 'b', 'mul', 'add']
    """
    leaves, interior = leaves_and_interior(root)
    return leaves + interior
