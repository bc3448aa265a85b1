"""What the page is told about the model, its graph and its data, in a form that JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import nn
from autodiff import Value
from autodiff.stepper.content import graph_data, json_number
from demos.live.programs import Trained
from demos.live.record import Record, is_plain_mlp
from nn.rows import Loss, Rows

__all__ = ["RANGES", "kinds_of", "layers_data", "network_data", "rows_data", "state_data"]

# Of activations whose outputs are bounded.
RANGES = {"sigmoid": [0.0, 1.0], "tanh": [-1.0, 1.0]}


def kinds_of(found: Record) -> dict[str, str]:
    """Return what each node is, by the id of its box in a drawing."""
    return {f"v{place}": kind_of(node, found) for place, node in enumerate(found.nodes, 1)}


def kind_of(node: Value, found: Record) -> str:
    """Return what a node is: the class of its box."""
    if node.is_constant:
        return "constant"
    if node in found.inputs or node in found.targets:
        return "data"
    if node.is_leaf:
        return "parameter"
    return "result" if node is found.loss else "operation"


def network_data(found: Record, trained: Trained, names: Mapping[Value, str]) -> dict[str, Any]:
    """Return the graph, with the places of its outputs and its neurons."""
    places = {node: place for place, node in enumerate(found.nodes, 1)}
    return {
        "graph": graph_data(found.nodes, names, kinds_of(found), trained.operations),
        "folds": None,
        "outputs": [places[output] for output in found.outputs],
        "neurons": [
            {**neuron_data(neuron, names), "node": places[neuron]} for neuron in found.neurons
        ],
    }


def neuron_data(neuron: Value, names: Mapping[Value, str]) -> dict[str, Any]:
    """Return a hidden neuron's name, and the range of its output where that is bounded."""
    operation = neuron.op.name if neuron.op is not None else ""
    return {"name": names[neuron], "range": RANGES.get(operation)}


def layers_data(model: nn.Module, found: Record) -> list[list[dict[str, Any]]]:
    """Return the network as a person draws it: layers with their neurons; [] for another model.

    All are places in the graph.  ``node`` is a neuron's output, ``sum`` what its activation is
    applied to: the same node where it has none.
    """
    if not is_plain_mlp(model):
        return []
    nodes = found.nodes
    places = {node: place for place, node in enumerate(nodes, 1)}
    sums = {parent: node for node in reversed(nodes) for parent in node.parents}
    results = iter([*found.neurons, *found.outputs])
    return [
        [
            {
                "node": places[next(results)],
                "sum": places[sums[neuron.b]],
                "bias": places[neuron.b],
                "weights": [places[weight] for weight in neuron.w],
            }
            for neuron in layer.neurons
        ]
        for layer in model.layers
    ]


def state_data(model: nn.Module, found: Record, trained: Trained) -> dict[str, Any]:
    """Return the program's state, and where all is in it, and in the graph: 0 if it is not."""
    order = {weight: place for place, weight in enumerate(trained.weights)}
    nodes = {node: place for place, node in enumerate(found.nodes, 1)}
    return {
        "state": [json_number(number) for number in trained.state],
        "weights": [
            {
                "name": name,
                "place": place,
                "mean": trained.mean(place),
                "node": nodes.get(weight, 0),
            }
            for place, (weight, name) in enumerate(zip(trained.weights, trained.names, strict=True))
        ],
        "columns": [nodes.get(value, 0) for value in (*found.inputs, *found.targets)],
        "learningRate": trained.learning_rate,
        "update": trained.update,
        "penalty": trained.penalty,
        "updates": trained.formulas,
        "tree": weight_tree(model.parameter_trees(), order),
        "draws": draws(model, order),
    }


def weight_tree(tree: Any, order: Mapping[Value, int]) -> Any:
    """Return parameters arranged as in ``state_dict``, each as its place among the weights.

    A parameter that the optimizer does not have is its number, in a list of its own: ``{"fixed":
    0.5}``.
    """
    if isinstance(tree, Value):
        return order[tree] if tree in order else {"fixed": json_number(tree.data)}
    if isinstance(tree, Mapping):
        return {path: weight_tree(branch, order) for path, branch in tree.items()}
    return [weight_tree(branch, order) for branch in tree]


def draws(model: nn.Module, order: Mapping[Value, int]) -> list[list[float]] | None:
    """Return the weights in the order in which ``nn.MLP`` draws them, each with its limit.

    None for another model, or if the optimizer does not train all of the weights.
    """
    if not is_plain_mlp(model) or set(order) != set(model.parameters()):
        return None
    drawn = []
    for layer in model.layers:
        for neuron in layer.neurons:
            limit = 1.0 / math.sqrt(len(neuron.w))
            drawn += [[order[parameter], limit] for parameter in neuron.parameters()]
    return drawn


def rows_data(rows: Rows, found: Record, loss: Loss, names: Mapping[Value, str]) -> dict[str, Any]:
    """Return the data set, and how the boundary shows it."""
    targets = [target if isinstance(target, list) else [target] for target in rows.y]
    for place, row in enumerate(zip(rows.x, targets, strict=True)):
        if not all(math.isfinite(number) for part in row for number in part):
            at = f"x[{place}], y[{place}]"
            raise ValueError(f"the page needs finite numbers, but {at} is {row}")
    kinds = sorted({tuple(target) for target in targets})
    low, high = (min(map(min, targets)), max(map(max, targets)))
    threshold = (low + high) / 2.0
    if loss is nn.binary_cross_entropy_with_logits:
        low, high, threshold = -4.0, 4.0, 0.0
    return {
        "inputs": [names.get(value, value.label) for value in found.inputs],
        "targets": [names.get(value, value.label) for value in found.targets],
        "rows": [[*row, *target] for row, target in zip(rows.x, targets, strict=True)],
        "classes": kinds if 2 <= len(kinds) <= 10 else [],
        "scale": {"low": low, "high": high if high > low else low + 1.0, "threshold": threshold},
        "domain": domain(rows.x) if len(found.inputs) == 2 else None,
    }


def domain(x: Sequence[Sequence[float]]) -> list[float]:
    """Return left, right, bottom and top of a square with some room around the points.

    >>> domain([[0.0, 0.0], [1.0, 1.0]])
    [-0.5, 1.5, -0.5, 1.5]
    """
    middles = [(min(column) + max(column)) / 2.0 for column in zip(*x, strict=True)]
    widest = max(max(column) - min(column) for column in zip(*x, strict=True)) or 1.0
    half = widest * (1.0 if len(x) <= 8 else 0.65)
    (x1, x2) = middles
    return [x1 - half, x1 + half, x2 - half, x2 + half]
