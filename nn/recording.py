"""What a model and its loss do with one row, as a graph; and whether a program can repeat it.

A program has the operations of that graph, not the code.  It is the code if that does the same
operations for every row and every epoch: if it looks at no number, draws none, and keeps no count.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from autodiff import Value, topological_order
from autodiff.support.by_hand import refuse_given
from autodiff.support.noticing import Look, noticing
from autodiff.support.watch import hooks_of
from autodiff.value import lift
from nn.kept import Kept
from nn.module import Module
from nn.optim import Optimizer
from nn.rows import Penalty, Rows, value_of

__all__ = ["Recording", "RecordingError", "is_same", "moved", "record", "recorded_updates"]


class RecordingError(ValueError):
    """The code does something that a program does not; ``cure`` says what else to do."""

    def __init__(self, reason: str, cure: str = "") -> None:
        super().__init__(reason)
        self.cure = cure


@dataclass(frozen=True, slots=True)
class Recording:
    """The graph of one row's loss, the variables that are the row, and the penalty's graph."""

    loss: Value
    inputs: list[Value]
    penalty: Value | None

    @property
    def roots(self) -> list[Value]:
        return [self.loss] if self.penalty is None else [self.loss, self.penalty]


def record(
    model: Module, rows: Rows, optimizer: Optimizer, penalty: Penalty | None, place: int = 0
) -> Recording:
    """Return what the model's and the loss's code does with a row.

    Raises RecordingError, with the line where it is known, if a program of it would not do what the
    code does.  What the code has drawn from generators of ``random``, they will give again.
    """
    for method in ("step", "zero_grad", "updates"):
        if getattr(getattr(optimizer, method), "__func__", None) is not vars(Optimizer)[method]:
            raise RecordingError(f"{type(optimizer).__name__} has its own {method}()")
    for parameter in optimizer.parameters:
        if hooks_of(parameter) is not None:
            raise RecordingError(f"{parameter.label or 'a parameter'} has a hook")
    x, y, target = rows.variables(place)
    loss = None
    with noticing([*x, *y, *model.parameters()], counts_texts=True) as notes:
        try:
            loss = value_of(rows.loss([model(x)], [target]), "loss")
        except Exception as error:  # which a row of numbers did not raise
            notes.failed(error)
        finally:
            notes.rewind()
    refuse_looks(notes.looks)
    with noticing(model.parameters()) as notes:
        try:
            cost = None if penalty is None else value_of(penalty(model.parameters()), "penalty")
        finally:
            notes.rewind()
    refuse_looks(notes.looks)
    assert loss is not None, "otherwise an error was noted"
    loss.label = loss.label or "loss"
    recording = Recording(loss, [*x, *y], cost)
    for root in recording.roots:
        try:
            refuse_given(topological_order(root), "a program")
        except ValueError as error:
            raise RecordingError(str(error)) from None
    return recording


def refuse_looks(looks: Iterable[Look]) -> None:
    """Raise RecordingError for the first look at a number, or draw."""
    for look in looks:
        raise RecordingError(str(look), ", or choose with where(), maximum(), minimum() or pick()")


@contextmanager
def moved(parameters: Sequence[Value]) -> Iterator[None]:
    """Let parameters have other numbers in a ``with`` block.

    What code computes of them outside of the graph is another constant then.
    """
    numbers = [parameter.data for parameter in parameters]
    try:
        for parameter, number in zip(parameters, numbers, strict=True):
            parameter.data = 0.75 * number + 0.0625
        yield
    finally:
        for parameter, number in zip(parameters, numbers, strict=True):
            parameter.data = number


def recorded_updates(optimizer: Optimizer, gradients: Mapping[Value, Value]) -> dict[Value, Any]:
    """Return what an optimizer's rule does, as expressions.

    Raises RecordingError, with the line where it is known, if they would not do what the rule does.
    What it has drawn from generators of ``random``, they will give again.
    """
    if type(optimizer).__module__ == Optimizer.__module__:
        return optimizer.updates(gradients)
    rule = f"the rule of {type(optimizer).__name__}"
    kept = Kept([optimizer])
    found = [_updates_once(optimizer, gradients) for _ in range(2)]
    change = kept.change()
    if change:
        kept.restore()
        raise RecordingError(f"{rule} {change} whenever it is called")
    first, second = [[lift(each, rule) for each in updates.values()] for updates in found]
    twins: dict[Value, Value] = {}
    if not all(_is_same_graph(*roots, twins) for roots in zip(first, second, strict=True)):
        raise RecordingError(f"{rule} does not do the same whenever it is called")
    return found[0]


def _updates_once(optimizer: Optimizer, gradients: Mapping[Value, Value]) -> dict[Value, Any]:
    updates: dict[Value, Any] = {}
    with noticing([*gradients, *gradients.values()]) as notes:
        try:
            updates = optimizer.updates(gradients)
        except Exception as error:  # which a rule that works on numbers need not raise
            notes.failed(error)
        finally:
            notes.rewind()
    refuse_looks(notes.looks)
    return updates


def is_same(first: Recording, second: Recording, parameters: Sequence[Value]) -> bool:
    """Return whether two recordings do the same operations on the same variables and constants."""
    if len(first.inputs) != len(second.inputs) or len(first.roots) != len(second.roots):
        return False
    twins = dict(zip((*first.inputs, *parameters), (*second.inputs, *parameters), strict=True))
    return all(
        _is_same_graph(*roots, twins) for roots in zip(first.roots, second.roots, strict=True)
    )


def _is_same_graph(first: Value, second: Value, twins: dict[Value, Value]) -> bool:
    """Return whether two graphs are the same.

    ``twins`` has the counterpart of each node of the first that is known, and gets all others.
    """
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
