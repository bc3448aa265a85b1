"""The graph of one row: what the page shows, steps through, and compiles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeGuard

import nn
from autodiff import Value, topological_order
from demos.one_row import name_layer, name_loss, name_outputs
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

    Nodes have the names that :mod:`demos.one_row` gives them.
    """
    x, y, target = rows.variables()
    found = Record(x, y)
    if is_plain_mlp(model):
        signal = x
        for name, layer in list(model.children().items())[: len(model.layers)]:
            signal = layer(signal)
            name_layer(name, signal)
            found.neurons += signal if name != "output" else ()
        prediction = signal[0] if len(signal) == 1 else signal
    else:
        prediction = model(x)
    found.outputs = prediction if isinstance(prediction, list) else [prediction]
    name_outputs(found.outputs)
    found.loss = rows.loss([prediction], [target])
    name_loss(found.loss, found.outputs, found.targets)
    return found


def is_plain_mlp(model: nn.Module) -> TypeGuard[nn.MLP]:
    """Return whether the model is an ``nn.MLP`` that does no more than call its layers."""
    return isinstance(model, nn.MLP) and type(model).__call__ is nn.MLP.__call__
