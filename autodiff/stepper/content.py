"""What a stepper's scripts are told about a graph, in a form that JSON can hold."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from linecache import getline
from typing import Any

from autodiff.debug.steps import Step
from autodiff.gradient import Contribution, is_taken
from autodiff.stepper.expression import expression_of, formula_of
from autodiff.value import Value

__all__ = ["graph_data", "json_number", "numbers_of", "source_data", "trace_results"]


def graph_data(
    nodes: Sequence[Value],
    steps: Sequence[Contribution],
    names: Mapping[Value, str],
    kinds: Mapping[str, str],
) -> dict[str, Any]:
    """Return the nodes, by place in the topological order from 1, and the backward steps."""
    places = {node: place for place, node in enumerate(nodes, 1)}
    references = {node: f"v{place}" for node, place in places.items()}
    return {
        "nodes": [
            {
                "name": names[node],
                "kind": kinds[f"v{place}"],
                "parents": [places[parent] for parent in node.parents],
                "formula": formula_of(node, references),
            }
            for node, place in places.items()
        ],
        "steps": [
            {
                "node": places[step.node],
                "parent": places[step.parent],
                "position": step.position,
                "local": (
                    expression_of(step.local, references) if isinstance(step.local, Value) else None
                ),
            }
            for step in steps
        ],
    }


def trace_results(
    nodes: Sequence[Value], steps: Sequence[Contribution], names: Mapping[Value, str]
) -> dict[str, Value]:
    """Return all numbers of a pass: each node's value, then five for each backward step.

    The fifth is above 0 where the step's operand is taken.
    """
    results = {f"value of {names[node]} (v{place})": node for place, node in enumerate(nodes, 1)}
    for place, step in enumerate(steps, 1):
        chain = f"step {place}, {names[step.node]} to {names[step.parent]}"
        results[f"{chain}: local derivative"] = step.local
        results[f"{chain}: upstream gradient"] = step.upstream
        results[f"{chain}: contribution"] = step.contribution
        results[f"{chain}: sum so far"] = step.total
        results[f"{chain}: taken"] = is_taken(step.contribution)
    return results


def numbers_of(nodes: Sequence[Value], steps: Sequence[Step]) -> list[float]:
    """Return the same, in the same order, of a pass in numbers."""
    numbers = [node.data for node in nodes]
    for step in steps:
        numbers += (step.local, step.upstream, step.contribution, step.total, float(step.taken))
    return numbers


def source_data(nodes: Sequence[Value]) -> dict[str, Any]:
    """Return the recorded lines of code, file by file, and each node's line.

    A line is its file's place in the list and its number; None where none was recorded.
    """
    recorded = {(node.origin.file, node.origin.line) for node in nodes if node.origin.line}
    files = sorted({file for file, _ in recorded})
    texts: list[list[list[Any]]] = [[] for _ in files]
    for file, line in sorted(recorded):
        texts[files.index(file)].append([line, getline(file, line).rstrip()])
    return {
        "files": [
            {"name": os.path.basename(file), "lines": lines}
            for file, lines in zip(files, texts, strict=True)
        ],
        "lines": [
            [files.index(node.origin.file), node.origin.line] if node.origin.line else None
            for node in nodes
        ],
    }


def json_number(number: float) -> float | str:
    """Return a number as JSON can hold it: infinities and nan as text."""
    return number if number - number == 0.0 else repr(number)
