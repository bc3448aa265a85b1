"""The live page trains any network to the bits that Python's engine has with the same Math."""

from __future__ import annotations

from typing import Any

import pytest

import nn
from autodiff import Names, Value
from demos.lab import LAB
from demos.live.content import network_data, rows_data, state_data
from demos.live.programs import trained
from demos.live.record import record
from nn.rows import Rows
from tests.bits import bits
from tests.engines import javascripts_math
from tests.page_training import NODE, in_node

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no node to run JavaScript with")

MSE, HINGE = nn.mse_loss, nn.hinge_loss
BCE, LOGITS = nn.binary_cross_entropy, nn.binary_cross_entropy_with_logits
SIGNS = [-1.0, 1.0, 1.0, -1.0]


def small_penalty(parameters: list[Value]) -> Value:
    total = parameters[0] ** 2
    for parameter in parameters[1:]:
        total = total + parameter**2
    return 1e-3 * total


CASES: dict[str, tuple[Any, ...]] = {
    # widths, activation, of the output, loss, targets, optimizer, its settings
    "lab": ([2, 4, 1], "sigmoid", "sigmoid", MSE, LAB.y, nn.SGD, {"lr": 0.5}),
    "momentum": ([2, 3, 1], "tanh", "tanh", MSE, SIGNS, nn.SGD, {"lr": 0.1, "momentum": 0.9}),
    "dead relus": ([2, 6, 5, 1], "relu", None, HINGE, SIGNS, nn.SGD, {"lr": 0.7}),
    "two layers": ([2, 8, 8, 1], "leaky_relu", "sigmoid", BCE, LAB.y, nn.Adam, {"lr": 0.05}),
    "gelu": ([2, 4, 1], "gelu", None, LOGITS, LAB.y, nn.AdamW, {"lr": 0.05}),
    "softplus": ([2, 2, 1], "softplus", None, LOGITS, LAB.y, nn.RMSprop, {"lr": 0.05}),
    "classes": ([2, 3, 3], "tanh", None, nn.cross_entropy, [0, 1, 2, 0], nn.SGD, {"lr": 0.3}),
    "overflow": ([2, 4, 1], "relu", None, MSE, LAB.y, nn.SGD, {"lr": 1e30}),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("penalty", [None, small_penalty], ids=["", "penalty"])
def test_a_network_trains_to_pythons_bits(name: str, penalty: Any) -> None:
    widths, activation, output, loss, y, kind, settings = CASES[name]
    epochs = 3 if name == "overflow" else 40
    with javascripts_math():
        model = nn.MLP(widths[0], widths[1:], activation, output, rng=3)
        optimizer = kind(model.parameters(), **settings)
        rows = Rows(model, LAB.x, y, loss)
        found = record(model, rows)
        names = Names(found.loss)
        called = {node: names[node] for node in found.nodes}
        made = trained(found, optimizer, penalty, called)
        data = {
            **network_data(found, made, called),
            **state_data(model, found, made),
            **rows_data(rows, found, loss, called),
        }
        wanted = eager_training(model, rows, optimizer, penalty, epochs)
    told = in_node(
        made.javascript,
        data,
        f"const state = Float64Array.from(data.state), losses = new Float64Array({epochs});"
        f"training.train({epochs}, data.rows.length, data.rows.flat(), state, losses);"
        "told({ losses, weights: data.weights.map((weight) => state[weight.place]) });",
    )
    assert list(map(bits, told["losses"])) == list(map(bits, wanted["losses"]))
    assert list(map(bits, told["weights"])) == list(map(bits, wanted["weights"]))


def eager_training(
    model: nn.Module, rows: Rows, optimizer: nn.Optimizer, penalty: Any, epochs: int
) -> dict[str, list[float]]:
    """Train as ``fit`` does, and without stopping at a loss that is not finite."""
    losses = []
    for _ in range(epochs):
        total = 0.0
        optimizer.zero_grad()
        for place in range(len(rows.x)):
            loss = rows.loss_of(model, place)
            loss.backward()
            total += loss.data
        for parameter in optimizer.parameters:
            if parameter.has_grad:
                parameter.grad /= len(rows.x)
        total /= len(rows.x)
        if penalty is not None:
            term = penalty(optimizer.parameters)
            term.backward()
            total += term.data
        optimizer.step()
        losses.append(total)
    return {"losses": losses, "weights": [p.data for p in optimizer.parameters]}
