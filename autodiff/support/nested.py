"""Nested lists of Values: how a module holds its parameters, and ``state_dict`` its numbers.

Such a tree is a Value, or a list of trees.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autodiff.support.convert import describe, to_float
from autodiff.support.node import number_of
from autodiff.value import Value

__all__ = ["is_variables", "matched", "named", "numbers_of"]


def is_variables(tree: Any) -> bool:
    """Return whether it is a variable, or a nested list with nothing but variables."""
    if isinstance(tree, Value):
        return tree.is_leaf and not tree.is_constant
    return isinstance(tree, list) and bool(tree) and all(map(is_variables, tree))


def named(path: str, tree: Any) -> Iterator[tuple[str, Value]]:
    """Yield the Values of a tree with their paths.

    >>> [path for path, _ in named("weight", [[Value(1.0), Value(2.0)]])]
    ['weight[0][0]', 'weight[0][1]']
    """
    if isinstance(tree, Value):
        yield path, tree
    else:
        for place, branch in enumerate(tree):
            yield from named(f"{path}[{place}]", branch)


def numbers_of(tree: Any) -> Any:
    """Return a tree's numbers in the same shape.

    >>> numbers_of([[Value(1.0), Value(2.0)], Value(3.0)])
    [[1.0, 2.0], 3.0]
    """
    return number_of(tree) if isinstance(tree, Value) else [numbers_of(branch) for branch in tree]


def matched(path: str, tree: Any, entry: Any) -> Iterator[tuple[Value, float]]:
    """Yield each Value of a tree with its number of a nested list of numbers.

    Raises ValueError, naming the place, if the shapes differ; what ``to_float`` raises for what is
    no number.
    """
    if isinstance(tree, Value):
        yield tree, to_float(entry, path)
    elif not isinstance(entry, (list, tuple)):
        raise ValueError(f"{path} needs a list of {len(tree)}, but got {describe(entry)}")
    elif len(entry) != len(tree):
        raise ValueError(f"{path} needs a list of {len(tree)}, but got one of {len(entry)}")
    else:
        for place, (branch, item) in enumerate(zip(tree, entry, strict=True)):
            yield from matched(f"{path}[{place}]", branch, item)
