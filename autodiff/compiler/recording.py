"""What some code does, as graphs; and whether a program can repeat it.

A program has the operations of these graphs, not the code.  It is the code if that does the same
operations whenever it is called: if it looks at no number, draws none, and keeps no count.
"""

from __future__ import annotations

import functools
import itertools
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from autodiff.graph import topological_order
from autodiff.support.by_hand import refuse_given
from autodiff.support.kept import Kept
from autodiff.support.noticing import noticing
from autodiff.support.snapshots import Numbers
from autodiff.value import Value, lift

__all__ = [
    "RecordingError",
    "functions_of",
    "is_same",
    "moved",
    "recorded",
    "recorded_updates",
    "refuse_made_by_hand",
]

Result = TypeVar("Result")


class RecordingError(ValueError):
    """The code does something that a program does not; ``cure`` says what else to do."""

    def __init__(self, reason: str, cure: str = "") -> None:
        super().__init__(reason)
        self.cure = cure


def recorded(
    code: Callable[[], Result],
    variables: Iterable[Value],
    *,
    counts_texts: bool = False,
    counts_errors: bool = True,
) -> Result:
    """Return what some code returns, if it neither looks at a number of variables nor draws one.

    Raises RecordingError, with the line where it is known, if it does, or makes a text of one (with
    ``counts_texts``), or fails (with ``counts_errors``: where it gets Values in the place of
    numbers).  What it has drawn from generators of ``random``, they will give again.

    >>> x = Value(2.0, "x")
    >>> recorded(lambda: x * x, [x])
    Value(4, op=mul)
    """
    result = None
    with noticing(variables, counts_texts=counts_texts) as notes:
        try:
            result = code()
        except Exception as error:
            if not counts_errors:
                raise
            notes.failed(error)
        finally:
            notes.rewind()
    for look in notes.looks:
        raise RecordingError(str(look), ", or choose with where(), maximum(), minimum() or pick()")
    return result  # type: ignore[return-value]


def refuse_made_by_hand(roots: Iterable[Value]) -> None:
    """Raise RecordingError if a graph has a node that was made by hand."""
    for root in roots:
        try:
            refuse_given(topological_order(root), "a program")
        except ValueError as error:
            raise RecordingError(str(error)) from None


@contextmanager
def moved(variables: Sequence[Value]) -> Iterator[None]:
    """Let variables have other numbers in a ``with`` block.

    What code computes of them outside of the graph is another constant then.
    """
    before = Numbers(variables)
    try:
        for variable, number in zip(variables, before.numbers, strict=True):
            variable.data = 0.75 * number + 0.0625
        yield
    finally:
        before.restore()


def recorded_updates(optimizer: Any, gradients: Mapping[Value, Value]) -> dict[Value, Any]:
    """Return what ``optimizer.updates`` returns: what its rule does, as expressions.

    Raises RecordingError, with the line where it is known, if they would not do what the rule does.
    What it has drawn from generators of ``random``, they will give again.
    """
    rule = f"the rule of {type(optimizer).__name__}"
    kept = Kept([optimizer])
    code = functools.partial(optimizer.updates, gradients)
    found = [recorded(code, [*gradients, *gradients.values()]) for _ in range(2)]
    change = kept.change()
    if change:
        kept.restore()
        raise RecordingError(f"{rule} {change} whenever it is called")
    first, second = [[lift(each, rule) for each in updates.values()] for updates in found]
    if not is_same(first, second, {}):
        raise RecordingError(f"{rule} does not do the same whenever it is called")
    updates: dict[Value, Any] = found[0]
    return updates


def functions_of(roots: Iterable[Value]) -> list[Callable[..., Any]]:
    """Return the functions and rules of the operations in graphs."""
    nodes = itertools.chain(*map(topological_order, roots))
    operations = dict.fromkeys(node.op for node in nodes if node.op is not None)
    return [function for op in operations for function in (op.forward, op.partials)]


def is_same(first: Sequence[Value], second: Sequence[Value], twins: dict[Value, Value]) -> bool:
    """Return whether graphs do the same operations on the same variables and constants.

    ``twins`` has the counterpart of each node of the first that is known, and gets all others.
    """
    return len(first) == len(second) and all(
        _is_same_graph(*roots, twins) for roots in zip(first, second, strict=True)
    )


def _is_same_graph(first: Value, second: Value, twins: dict[Value, Value]) -> bool:
    nodes, others = topological_order(first), topological_order(second)
    if len(nodes) != len(others):
        return False
    known = set(twins.values())
    for node, other in zip(nodes, others, strict=True):
        if node in twins or other in known:
            is_same_node = twins.get(node) is other
        elif node is other:
            is_same_node = True
        elif node.is_leaf:  # a constant, or made by the call
            is_same_node = (
                other.is_leaf
                and node.is_constant is other.is_constant
                and _bits(node.data) == _bits(other.data)
            )
        else:
            is_same_node = node.op is other.op and [twins[parent] for parent in node.parents] == [
                *other.parents
            ]
        if not is_same_node:
            return False
        twins[node] = other
    return True


def _bits(number: float) -> bytes:
    return struct.pack("<d", number)
