"""One row's loss as a graph, with a name on every node: to draw, to step through, to compile.

What the nodes are called is said here, for all that is shown of a network: pictures, programs, the
live page, ``demos.step``.  They are counted from 0, as the weights are: neuron ``hidden[2]`` has
``hidden.weight[2]``, its sum is ``z[2]``, what it passes on is ``h[2]``.
"""

from __future__ import annotations

from collections.abc import Sequence

import nn
from autodiff import Value
from autodiff.value import constant
from demos.lab import LAB

__all__ = ["lab_model", "name_layer", "name_loss", "name_outputs", "one_row_loss"]


def lab_model() -> nn.MLP:
    """Return the lab's 2-4-1 network with the lab's initial weights."""
    model = nn.MLP(2, [4, 1], activation="sigmoid", output_activation="sigmoid")
    model.load_state_dict(LAB.initial_weights)
    return model


def one_row_loss(model: nn.MLP, row: Sequence[float], target: float) -> Value:
    """Return the squared error of a single row by a network with one hidden layer and one output.

    >>> loss = one_row_loss(lab_model(), LAB.x[1], LAB.y[1])
    >>> loss, [parent.label for parent in loss.parents]
    (Value(0.346821, 'loss', op=square), ['error'])
    """
    x = [constant(number, f"x[{place}]") for place, number in enumerate(row)]
    h = model.hidden(x)
    (prediction,) = model.output(h)
    wanted = constant(target, "target")
    error = prediction - wanted
    loss = error**2
    name_layer("hidden", h)
    name_layer("output", [prediction])
    name_loss(loss, [prediction], [wanted])
    return loss


def name_layer(name: str, outputs: Sequence[Value]) -> None:
    """Name what a layer's neurons have computed: their sums, and what they pass on.

    >>> sums = [Value(1.0) * 2.0, Value(3.0) * 2.0]
    >>> outputs = [each.tanh() for each in sums]
    >>> name_layer("hidden2", outputs)
    >>> [each.label for each in (*sums, *outputs)]
    ['z2[0]', 'z2[1]', 'h2[0]', 'h2[1]']
    """
    sums = [_sum_of(node) for node in outputs]
    if name == "output":
        name_outputs(outputs)
        _name("z_out", sums)
    else:
        number = name.removeprefix("hidden")
        _name(f"h{number}", outputs, always_number=True)
        _name(f"z{number}", sums, always_number=True)


def _sum_of(node: Value) -> Value:
    """Return the sum that a neuron's activation is of; the node itself if it is the sum."""
    # An activation has one operand, beside a slope that is a constant; a sum has its weights.
    variable = [parent for parent in node.parents if not parent.is_constant]
    return variable[0] if len(variable) == 1 else node


def name_outputs(outputs: Sequence[Value]) -> None:
    """Name what a network predicts for a row."""
    _name("prediction", outputs)


def name_loss(loss: Value, outputs: Sequence[Value], targets: Sequence[Value]) -> None:
    """Name a row's loss, and the error that it is made of alone: of one output and its target."""
    if len(loss.parents) == 1 and {*loss.parents[0].parents} == {*outputs, *targets}:
        _name("error", loss.parents)
    _name("loss", [loss])


def _name(name: str, nodes: Sequence[Value], always_number: bool = False) -> None:
    # What is a variable of the network's, or was named before, has that name.
    is_list = always_number or len(nodes) > 1
    for place, node in enumerate(nodes):
        node.label = node.label or (f"{name}[{place}]" if is_list else name)
