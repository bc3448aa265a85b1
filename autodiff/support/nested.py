"""Nested lists of Values: parameters and their numbers, predictions and their targets.

Such a tree is a Value, or a list of trees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from autodiff.support.convert import describe, short_repr, to_float
from autodiff.support.node import number_of
from autodiff.value import Value, constant, lift

__all__ = [
    "assignments_of",
    "detached_tree",
    "is_variables",
    "joined",
    "listed",
    "named",
    "numbers_of",
    "pairs_of",
    "values_of",
]


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


def values_of(x: Iterable[Value | float], count: int | None, user: str) -> list[Value]:
    """Return a list (or tuple, array, ...) of Values or numbers as Values, numbers as constants.

    Raises TypeError, naming the user, for anything else; ValueError unless there are ``count``,
    where that is given.

    >>> values_of([Value(1.0)], 2, "neuron")
    Traceback (most recent call last):
    ...
    ValueError: neuron takes 2 inputs, but got 1
    """
    if type(x) is not list and (isinstance(x, (Value, str)) or not isinstance(x, Iterable)):
        needed = "inputs" if count is None else f"{count} inputs"
        raise TypeError(f"{user} needs a list of {needed}, but got {describe(x)}")
    values = [
        item
        if type(item) is Value
        else constant(item)
        if type(item) is float
        else lift(item, f"{user}'s input")
        for item in x
    ]
    if count is not None and len(values) != count:
        raise ValueError(f"{user} takes {count} inputs, but got {len(values)}")
    return values


def assignments_of(
    trees: Mapping[str, Any], state: Mapping[Any, Any]
) -> tuple[list[tuple[Value, float]], list[str]]:
    """Return the Values of trees with their numbers in a state dict, and what is wrong with it.

    >>> assignments_of({"bias": [Value(0.0)]}, {"bias": [2.0]})
    ([(Value(0), 2.0)], [])
    >>> assignments_of({"bias": [Value(0.0)]}, {"bias": 2.0})
    ([], ['bias needs a list of 1, but got the float 2.0'])
    """
    faults = [f"{path} is missing" for path in trees if path not in state]
    faults += [f"{_shown(path)} is unknown" for path in state if path not in trees]
    assignments: list[tuple[Value, float]] = []
    for path, tree in trees.items():
        if path in state:
            entry = state[path]
            entry = entry.tolist() if hasattr(entry, "tolist") else entry
            try:
                assignments += _matched(path, tree, entry)
            except (TypeError, ValueError, OverflowError) as error:
                faults.append(str(error))
    return assignments, faults


def _shown(path: Any) -> str:
    """Return a foreign entry's name for a message: as it is, if that can be printed."""
    is_plain = isinstance(path, str) and path.isprintable() and len(path) <= 60
    return path if is_plain else short_repr(path)


def _matched(path: str, tree: Any, entry: Any) -> Iterator[tuple[Value, float]]:
    """Yield each Value of a tree with its number of the entry; raise if the shapes differ."""
    if isinstance(tree, Value):
        yield tree, to_float(entry, path)
    elif not isinstance(entry, (list, tuple)):
        raise ValueError(f"{path} needs a list of {len(tree)}, but got {describe(entry)}")
    elif len(entry) != len(tree):
        raise ValueError(f"{path} needs a list of {len(tree)}, but got one of {len(entry)}")
    else:
        for place, (branch, item) in enumerate(zip(tree, entry, strict=True)):
            yield from _matched(f"{path}[{place}]", branch, item)


def pairs_of(predictions: Any, targets: Any, loss: str) -> list[tuple[Value, Any]]:
    """Return the predictions of a nested list with their targets: numbers or Values.

    Raises ValueError, naming the loss, if there are none or the shapes differ; TypeError if a
    target is neither, or if there is no list.

    >>> pairs_of([Value(1.0)], [2], "mse_loss")
    [(Value(1), 2.0)]
    """
    pairs = _pairs(predictions, targets, loss)
    if not pairs:
        raise ValueError(f"{loss} needs at least one prediction")
    return pairs


def _pairs(predictions: Any, targets: Any, loss: str) -> list[tuple[Value, Any]]:
    if isinstance(predictions, Value):
        if type(targets) is not float and not isinstance(targets, Value):
            targets = to_float(targets, f"{loss}'s target")
        return [(predictions, targets)]
    rows = listed(predictions, f"{loss} needs a list of Values as predictions")
    wanted = listed(targets, f"{loss} needs a list of targets")
    if len(rows) != len(wanted):
        raise ValueError(
            f"{loss} needs as many targets as predictions, but got {len(rows)} predictions "
            f"and {len(wanted)} targets"
        )
    pairs = []
    for row, target in zip(rows, wanted, strict=True):
        pairs += _pairs(row, target, loss)
    return pairs


def listed(items: Any, need: str) -> list[Any]:
    """Return the items as a list; raise TypeError, saying the need, if they are no sequence."""
    if type(items) is list:
        return items
    if isinstance(items, str) or not isinstance(items, Iterable):
        raise TypeError(f"{need}, but got {describe(items)}")
    return list(items)


def detached_tree(tree: Any) -> Any:
    """Return a tree, of numbers or of iterables too, as variables with the same numbers.

    >>> detached_tree([Value(1.0) * 2.0, (3.0,)])
    [Value(2), [Value(3)]]
    """
    if isinstance(tree, Value):
        return Value(tree.data)
    return [detached_tree(each) for each in tree] if isinstance(tree, Iterable) else Value(tree)


def joined(owner: Any, own: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return what a class calls its own and what a subclass has besides.

    Raises ValueError if two of them have the same name: one would be neither trained nor saved.
    """
    for name in more:
        if name in own:
            raise ValueError(
                f"{type(owner).__name__} cannot have an attribute {name!r}: its base class calls "
                "what it has itself so; give it another name"
            )
    return own | more
