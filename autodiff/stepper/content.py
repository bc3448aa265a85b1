"""What a stepper's scripts are told about a graph, in a form that JSON can hold."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from linecache import getline
from typing import Any, TypeAlias

from autodiff.stepper.arithmetic import Arithmetic
from autodiff.stepper.packing import packed_counts, packed_floats
from autodiff.value import Value

__all__ = ["graph_data", "json_number", "source_data"]

# What a node is, which is the class of its box.
KINDS = ("operation", "parameter", "constant", "data", "result")


def graph_data(
    nodes: Sequence[Value],
    names: Mapping[Value, str],
    kinds: Mapping[str, str],
    arithmetic: Arithmetic,
) -> dict[str, Any]:
    """Return the graph with its numbers; nodes are called by their places in order, from 1.

    ============  ===========================================================================
    ``kinds``     of each node twice its kind's place in KINDS, and 1 more if it is a constant
    ``made``      of each node 1 more than its operation's place in ``table``; 0 for a leaf
    ``operands``  of each operation's operands how far before it they are
    ``names``     the names by place, without those that a page makes itself: ``v7`` and numbers
    ``values``    the nodes' numbers
    ============  ===========================================================================

    ``table`` and ``given`` are those of :class:`~autodiff.stepper.arithmetic.Arithmetic`.
    """
    places = {node: place for place, node in enumerate(nodes, 1)}
    made = arithmetic.made
    own_names = {
        place: names[node]
        for node, place in places.items()
        if names[node] != f"v{place}" and (node.name or not node.is_constant)
    }
    return {
        "kinds": packed_counts(
            2 * KINDS.index(kinds[f"v{place}"]) + node.is_constant for node, place in places.items()
        ),
        "made": packed_counts(made[node] + 1 if node in made else 0 for node in nodes),
        "operands": packed_counts(
            place - places[parent] for node, place in places.items() for parent in node.parents
        ),
        "names": own_names,
        "values": packed_floats([node.data for node in nodes]),
        "table": arithmetic.table,
        "given": arithmetic.given,
        "note": arithmetic.note,
    }


Line: TypeAlias = tuple[str, int]  # a file, and a number from 1; 0 where none was recorded


def source_data(nodes: Sequence[Value], calls: Sequence[Line]) -> dict[str, Any]:
    """Return the recorded lines of code, file by file, and which of all each node and call has.

    They are counted from 1; 0 is none.
    """
    of_nodes = [(node.origin.file, node.origin.line) for node in nodes]
    recorded = sorted({(file, line) for file, line in (*of_nodes, *calls) if line})
    files = sorted({file for file, _ in recorded})
    texts: list[list[list[Any]]] = [[] for _ in files]
    for file, line in recorded:
        texts[files.index(file)].append([line, getline(file, line).rstrip()])
    places = {line: place for place, line in enumerate(recorded, 1)}
    return {
        "files": [
            {"name": os.path.basename(file), "lines": lines}
            for file, lines in zip(files, texts, strict=True)
        ],
        "lines": packed_counts(places.get(line, 0) for line in of_nodes),
        "calls": packed_counts(places.get(line, 0) for line in calls),
    }


def json_number(number: float) -> float | str:
    """Return a number as JSON can hold it: infinities and nan as text."""
    return number if number - number == 0.0 else repr(number)
