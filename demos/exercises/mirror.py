"""A student's graph as one of the engine, for its pictures."""

from __future__ import annotations

from typing import Any

from autodiff import Value

__all__ = ["as_engine"]


def as_engine(root: Any, **names: Any) -> Value:
    """Return a student's graph as one of the engine, to draw and to show; names are labels.

    Its numbers and its slopes are the student's own.
    """
    labels = {id(value): name for name, value in names.items()}
    made: dict[int, Value] = {}
    waiting = [root]
    while waiting:
        node = waiting[-1]
        missing = [parent for parent in node.parents if id(parent) not in made]
        if missing:
            waiting += missing
            continue
        waiting.pop()
        if id(node) not in made:
            parents = tuple([made[id(parent)] for parent in node.parents])
            twin = Value(node.data, parents, tuple(node.slopes)) if parents else Value(node.data)
            twin.label = labels.get(id(node), "")
            made[id(node)] = twin
    return made[id(root)]
