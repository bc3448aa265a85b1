"""The pages that the tests open, and the same training in Python."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import nn
from autodiff import Value
from demos.lab import LAB
from demos.moons_data import make_moons
from demos.page import page

HOSTILE = (
    "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>{{data}}"
)


def lab_model() -> nn.MLP:
    """Return the lab's network with its initial weights."""
    model = nn.MLP(2, [4, 1], activation="sigmoid", output_activation="sigmoid", rng=0)
    model.load_state_dict(LAB.initial_weights)
    return model


def lab_page(path: Path) -> Path:
    model = lab_model()
    optimizer = nn.SGD(model.parameters(), lr=LAB.learning_rate)
    return page(model, LAB.x, LAB.y, nn.mse_loss, optimizer, path, title="XOR")


def small_model() -> nn.MLP:
    """Return a 2-2-1 network that learns XOR."""
    return nn.MLP(2, [2, 1], activation="tanh", output_activation="tanh", rng=11)


def small_page(path: Path) -> Path:
    model = small_model()
    optimizer = nn.SGD(model.parameters(), lr=0.2, momentum=0.5)
    return page(model, LAB.x, LAB.y, nn.mse_loss, optimizer, path, title="XOR, 2-2-1")


class Moons:
    """Two moons, a 2-8-1 network, and Adam with a penalty: all that the small pages have not."""

    def __init__(self) -> None:
        self.x, self.y = make_moons(40, 0.1, random.Random(5))
        self.model = nn.MLP(2, [8, 1], rng=5)
        self.optimizer = nn.Adam(self.model.parameters(), lr=0.03)
        self.settings: dict[str, Any] = {"loss": nn.hinge_loss, "penalty": penalty}


def penalty(parameters: list[Value]) -> Value:
    """Return a little of the sum of the squared parameters."""
    total = parameters[0] ** 2
    for parameter in parameters[1:]:
        total = total + parameter**2
    return 1e-3 * total


def moons_page(path: Path) -> Path:
    moons = Moons()
    return page(
        *(moons.model, moons.x, moons.y, nn.hinge_loss, moons.optimizer, path),
        penalty=penalty,
        title="Two moons",
    )


class Hostile(nn.Module):
    """A model whose parameters have names that are markup, scripts and worse."""

    def __init__(self) -> None:
        self.weights = [Value(0.5), Value(-0.25)]
        self.bias = Value(0.1)

    def __call__(self, x: Any) -> Value:
        return (self.weights[0] * x[0] + self.weights[1] * x[1] + self.bias).sigmoid()


def hostile_model() -> Hostile:
    """Return the model with its names."""
    model = Hostile()
    for place, parameter in enumerate(model.parameters()):
        parameter.label = f"{place}{HOSTILE}"
    return model


def hostile_page(path: Path) -> Path:
    model = hostile_model()
    optimizer = nn.SGD(model.parameters(), lr=0.5)
    return page(model, LAB.x, LAB.y, nn.mse_loss, optimizer, path, title=f"XOR {HOSTILE}")
