"""The graph of one row: what the page shows, steps through, and compiles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeGuard

import nn
from autodiff import Value, topological_order
from autodiff.ops import WEIGHTED_SUM
from nn.rows import Rows

__all__ = ["Record", "is_plain_mlp", "record"]


@dataclass
class Record:
    """The graph of one row's loss, and which of its nodes are what.

    ``neurons`` are the hidden neurons' outputs, from the first layer on; empty for a model whose
    layers are not known.
    """

    inputs: list[Value]
    targets: list[Value]
    outputs: list[Value] = field(default_factory=list)
    neurons: list[Value] = field(default_factory=list)
    loss: Value = field(init=False)

    @property
    def nodes(self) -> list[Value]:
        """The graph in topological order, the order of names in every picture and trace."""
        return topological_order(self.loss)


def record(model: nn.Module, rows: Rows) -> Record:
    """Return the graph of the first row's loss, its inputs and targets being variables.

    Nodes of an ``nn.MLP`` are labelled as in a textbook: z before the activation, h behind it.
    """
    x = [Value(number, f"x{place}") for place, number in enumerate(rows.x[0], 1)]
    target = rows.y[0]
    if isinstance(target, list):
        y = [Value(number, f"target{place}") for place, number in enumerate(target, 1)]
    else:
        y = [Value(target, "target")]
    found = Record(x, y)
    prediction = _labelled(model, found) if is_plain_mlp(model) else model(x)
    found.outputs = prediction if isinstance(prediction, list) else [prediction]
    _label(found.outputs, "prediction")
    found.loss = rows.loss([prediction], [y] if isinstance(target, list) else y)
    found.loss.label = found.loss.label or "loss"
    return found


def is_plain_mlp(model: nn.Module) -> TypeGuard[nn.MLP]:
    """Return whether the model is an ``nn.MLP`` that does no more than call its layers."""
    return isinstance(model, nn.MLP) and type(model).__call__ is nn.MLP.__call__


def _labelled(model: nn.MLP, found: Record) -> Value | list[Value]:
    signal = found.inputs
    layers = list(model.children().items())[: len(model.layers)]
    for name, layer in layers:
        signal = layer(signal)
        last = name == layers[-1][0]
        number = name.removeprefix("hidden")
        if not last:
            _label(signal, f"h{number}_" if number else "h", always_number=True)
            found.neurons += signal
        sums = [node.parents[0] for node in signal if node.op is not WEIGHTED_SUM]
        sums = [node for node in sums if node.op is WEIGHTED_SUM]
        sign = "z" if len(layers) == 1 else "z_out" if last else f"z{number}_" if number else "z"
        _label(sums, sign, always_number=not last)
    return signal[0] if len(signal) == 1 else signal


def _label(nodes: list[Value], name: str, always_number: bool = False) -> None:
    for place, node in enumerate(nodes, 1):
        if not node.label:
            node.label = f"{name}{place}" if always_number or len(nodes) > 1 else name
