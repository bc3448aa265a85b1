"""Small graphs as the page computes them: an optimizer's rule, a penalty."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from autodiff import Value
from autodiff.graph import leaves_and_interior
from autodiff.stepper.arithmetic import Arithmetic
from autodiff.stepper.packing import packed_counts, packed_floats

__all__ = ["circuit", "nodes_of", "rules"]


def nodes_of(roots: Sequence[Value]) -> list[Value]:
    """Return all that several results depend on, operands before their users, each once.

    >>> x, y = Value(1.0), Value(2.0)
    >>> z = x * y
    >>> [node.data for node in nodes_of([z + x, z])]
    [1.0, 2.0, 2.0, 3.0]
    """
    leaves: dict[Value, None] = {}
    interior: dict[Value, None] = {}
    for root in roots:
        own_leaves, own_interior = leaves_and_interior(root)
        leaves |= dict.fromkeys(own_leaves) if root.parents else {root: None}
        interior |= dict.fromkeys(own_interior) if root.parents else {}
    return [*leaves, *interior]


def circuit(
    roots: Sequence[Value], sources: Mapping[Value, Any], operations: Arithmetic
) -> dict[str, Any]:
    """Return the graph of several results, its nodes called by their places, from 1.

    ============  ===========================================================================
    ``made``      of each node 1 more than its operation's place in the table; 0 for a leaf
    ``operands``  of each operation's operands how far before it they are
    ``values``    the numbers of the leaves, which come first; 0 for those that have a source
    ``sources``   of each leaf what ``sources`` has of it; null if its number stays
    ``results``   the places of the results
    ============  ===========================================================================
    """
    nodes = nodes_of(roots)
    places = {node: place for place, node in enumerate(nodes, 1)}
    leaves = [node for node in nodes if node.op is None]
    return {
        "made": packed_counts(
            operations.made[node] + 1 if node.op is not None else 0 for node in nodes
        ),
        "operands": packed_counts(
            places[node] - places[parent] for node in nodes for parent in node.parents
        ),
        "values": packed_floats([0.0 if leaf in sources else leaf.data for leaf in leaves]),
        "sources": [sources.get(leaf) for leaf in leaves],
        "results": [places[root] for root in roots],
    }


def rules(
    news: Mapping[Value, Value],
    gradients: Collection[Value],
    places: Mapping[Value, Any],
    operations: Arithmetic,
) -> list[dict[str, Any]]:
    """Return how a step gives variables new numbers: a circuit for all that do so alike.

    What depends on one gradient alone is computed together: a weight, and what is remembered of
    it.  ``places`` are the variables' and the gradients' in the state.  In a circuit here, the
    ``sources`` of a leaf and the ``targets`` of a result are lists: a place for each that is alike.
    """
    together: dict[Any, list[Value]] = {}
    for variable, new in news.items():
        used = [node for node in nodes_of([new]) if node in gradients]
        together.setdefault(used[0] if len(used) == 1 else variable, []).append(variable)
    alike: dict[str, dict[str, Any]] = {}
    for variables in together.values():
        found = circuit([news[variable] for variable in variables], places, operations)
        sources = found.pop("sources")
        isolated = [source is None for source in sources]
        rule = alike.setdefault(
            json.dumps([found, isolated]),
            {**found, "sources": [[] for _ in sources], "targets": [[] for _ in variables]},
        )
        for listed, place in zip(rule["sources"], sources, strict=True):
            if place is not None:
                listed.append(place)
        for listed, variable in zip(rule["targets"], variables, strict=True):
            listed.append(places[variable])
    return list(alike.values())
