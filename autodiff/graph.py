"""Walks over a graph. They need only ``node.parents`` and change nothing.

Gradients flow from the output back to the leaves, and a node's gradient is complete only when
all its uses have contributed.  Visiting nodes in **reverse topological order** (every node after
all the nodes that use it) guarantees that, and visits each node once however often it is used.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

__all__ = ["leaves_and_interior", "topological_order"]


class Node(Protocol):
    """Anything with an ordered tuple of parents: the nodes that it was computed from."""

    @property
    def parents(self) -> tuple[Any, ...]: ...


NodeType = TypeVar("NodeType", bound=Node)


def leaves_and_interior(root: NodeType) -> tuple[list[NodeType], list[NodeType]]:
    """Return the graph's leaves, and its interior nodes with parents before their users.

    A depth-first walk, left operand first, so the order depends on the graph alone.  It keeps
    its own path of half-visited nodes where a recursive walk would use Python's stack, which
    ends at a depth of about 1,000.
    """
    if not root.parents:
        return [root], []
    leaves: list[NodeType] = []
    visited, interior, path = {root}, [], []
    mark, note, node, operands = visited.add, leaves.append, root, iter(root.parents)
    while True:
        for parent in operands:
            # mark and note return None: into a leaf there is no way on.
            if parent not in visited and (mark(parent) or parent.parents or note(parent)):
                path.append((node, operands))
                node, operands = parent, iter(parent.parents)
                break
        else:
            interior.append(node)
            if not path:
                return leaves, interior
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
