"""Pickling and deep copies of graphs of any depth.

``pickle`` and ``copy.deepcopy`` follow references by recursion, which ends at a depth of about
1,000.  So the first node of a graph that they meet hands them the *whole* graph as a list,
parents before their users: each node in the list then finds its parents already done, and
nothing recurses.  Identity is kept: nodes shared by several roots stay shared.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from autodiff.graph import Node, topological_order

__all__ = ["reduce_node"]


class _Listing(threading.local):
    """The list of nodes that this thread is now pickling or copying, if any."""

    current: Callable[[], NodeList | None] | None = None

    def has(self, node: Node) -> bool:
        nodes = self.current() if self.current is not None else None
        return nodes is not None and node in nodes.members


_listing = _Listing()


class NodeList:
    """A graph's nodes, parents before their users, then a mark that the list has ended."""

    def __init__(self, root: Node) -> None:
        self.nodes = topological_order(root)
        self.members = set(self.nodes)

    def __reduce__(self) -> tuple[Callable[[], list[Any]], tuple[()], None, Iterator[Any]]:
        # A weak reference: where pickling fails half-way, the listing ends by itself.
        _listing.current = weakref.ref(self)
        return list, (), None, iter([*self.nodes, _EndOfList()])


class _EndOfList:
    """Pickled after the nodes, so nodes met from then on are no longer in a listing."""

    def __reduce__(self) -> tuple[type[_EndOfList], tuple[()]]:
        _listing.current = None
        return _EndOfList, ()


def root_of(nodes: list[Any]) -> Any:
    """Return the root of a listed graph: the last node before the end mark."""
    return nodes[-2]


def reduce_node(
    node: Node, restore: Callable[..., Any], state: tuple[Any, ...]
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return what ``__reduce__`` of a node should: ``restore(*state)``, or its listed graph."""
    if not node.parents or _listing.has(node):
        return restore, state
    return root_of, (NodeList(node),)
