"""The network as a person draws it: of each neuron its node, its sum, its weights and its bias."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nn
from autodiff import Value
from demos.live.record import Record, is_plain_mlp

__all__ = ["layers_data"]


def layers_data(model: nn.Module, found: Record) -> list[list[dict[str, Any]]]:
    """Return the layers with their neurons, all as places in the graph; [] for another model.

    ``node`` is a neuron's output, ``sum`` what its activation is applied to: the same node where it
    has none.
    """
    if not is_plain_mlp(model):
        return []
    nodes = found.nodes
    places = {node: place for place, node in enumerate(nodes, 1)}
    sums = {parent: node for node in reversed(nodes) for parent in node.parents}
    results = iter([*found.neurons, *found.outputs])
    return [
        [neuron_data(neuron, next(results), places, sums) for neuron in layer.neurons]
        for layer in model.layers
    ]


def neuron_data(
    neuron: nn.Neuron, result: Value, places: Mapping[Value, int], sums: Mapping[Value, Value]
) -> dict[str, Any]:
    """Return what the page knows of one neuron."""
    return {
        "node": places[result],
        "sum": places[sums[neuron.b]],
        "bias": places[neuron.b],
        "weights": [places[weight] for weight in neuron.w],
    }
