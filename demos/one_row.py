"""One row of the lab as a graph, with a name on every node: to draw, and to step through."""

from __future__ import annotations

from collections.abc import Sequence

import nn
from autodiff import Value
from autodiff.value import constant
from demos.lab import LAB

__all__ = ["lab_model", "one_row_loss"]


def lab_model() -> nn.MLP:
    """Return the lab's 2-4-1 network with the lab's initial weights."""
    model = nn.MLP(2, [4, 1], activation="sigmoid", output_activation="sigmoid")
    model.load_state_dict(LAB.initial_weights)
    return model


def one_row_loss(model: nn.MLP, row: Sequence[float], target: float) -> Value:
    """Return the squared error of a single row; its nodes are called as in a calculation by hand.

    ``z`` is a neuron's sum, ``h`` the activation of a hidden one.

    >>> loss = one_row_loss(lab_model(), LAB.x[1], LAB.y[1])
    >>> loss, [parent.label for parent in loss.parents]
    (Value(0.346821, 'loss', op=square), ['error'])
    """
    x = [constant(number, f"x{place}") for place, number in enumerate(row, 1)]
    hidden = model.layers[0](x)
    for place, activation in enumerate(hidden, 1):
        activation.label = f"h{place}"
        activation.parents[0].label = f"z{place}"
    (prediction,) = model.layers[1](hidden)
    prediction.label = "prediction"
    prediction.parents[0].label = "z"
    error = prediction - constant(target, "target")
    error.label = "error"
    loss = error**2
    loss.label = "loss"
    return loss
