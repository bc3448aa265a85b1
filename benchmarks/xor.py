"""One full-batch epoch of the XOR lab, beside its peers: ``python -m benchmarks.xor``.

Every contender does the same job in float64 on one thread: forward over four rows, mean squared
error, gradients of the 17 parameters, one step of gradient descent.  A peer that is not
installed is named and left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import nn
from benchmarks.interleave import machine, median_seconds, table, version_of
from demos.lab import LAB

Epoch = Callable[[], float]


def lab_model() -> nn.MLP:
    """Return the lab's network with the lab's initial weights."""
    model = nn.MLP(2, [4, 1], activation="sigmoid", output_activation="sigmoid")
    model.load_state_dict(LAB.initial_weights)
    return model


def eager() -> Epoch:
    """Return the epoch of the demo's own loop."""
    model = lab_model()
    optimizer = nn.SGD(model.parameters(), lr=LAB.learning_rate)

    def epoch() -> float:
        loss = nn.mse_loss([model(row) for row in LAB.x], LAB.y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.data

    return epoch


def micrograd() -> Epoch:
    """Return the epoch in micrograd, written as its own demo is.

    micrograd has no sigmoid, so one is added the way its operations are written.
    """
    from micrograd.engine import Value
    from micrograd.nn import MLP

    def sigmoid(x: Any) -> Any:
        out = Value(1 / (1 + math.exp(-x.data)), (x,), "sigmoid")

        def _backward() -> None:
            x.grad += out.data * (1 - out.data) * out.grad

        out._backward = _backward
        return out

    model = MLP(2, [4, 1])
    for layer, name in zip(model.layers, ("hidden", "output"), strict=True):
        for place, neuron in enumerate(layer.neurons):
            neuron.nonlin = False
            for weight, number in zip(
                neuron.w, LAB.initial_weights[f"{name}.weight"][place], strict=True
            ):
                weight.data = number
            neuron.b.data = LAB.initial_weights[f"{name}.bias"][place]
    hidden, output = model.layers

    def predict(row: list[float]) -> Any:
        activations = [sigmoid(neuron(row)) for neuron in hidden.neurons]
        return sigmoid(output.neurons[0](activations))

    def epoch() -> float:
        predictions = [predict(row) for row in LAB.x]
        errors = [(p - y) ** 2 for p, y in zip(predictions, LAB.y, strict=True)]
        loss = sum(errors) * (1 / len(errors))
        model.zero_grad()
        loss.backward()
        for parameter in model.parameters():
            parameter.data -= LAB.learning_rate * parameter.grad
        return float(loss.data)

    return epoch


def pytorch() -> Epoch:
    """Return the epoch in PyTorch, on tensors of all four rows."""
    import torch

    torch.set_num_threads(1)
    model = torch.nn.Sequential(
        torch.nn.Linear(2, 4), torch.nn.Sigmoid(), torch.nn.Linear(4, 1), torch.nn.Sigmoid()
    ).double()
    start = zip(model.state_dict(), LAB.initial_weights.values(), strict=True)
    model.load_state_dict(
        {name: torch.tensor(numbers, dtype=torch.float64) for name, numbers in start}
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=LAB.learning_rate)
    x = torch.tensor(LAB.x, dtype=torch.float64)
    y = torch.tensor(LAB.y, dtype=torch.float64).reshape(4, 1)
    mean_squared_error = torch.nn.MSELoss()

    def epoch() -> float:
        loss = mean_squared_error(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return epoch


OURS: dict[str, Callable[[], Epoch]] = {"eager Value": eager}
PEERS: dict[str, tuple[str, Callable[[], Epoch]]] = {
    "micrograd": ("micrograd", micrograd),
    "PyTorch eager": ("torch", pytorch),
}


def contenders() -> dict[str, Epoch]:
    """Return a fresh epoch of each contender that is installed, and name the others."""
    epochs = {name: make() for name, make in OURS.items()}
    for name, (package, make) in PEERS.items():
        if version_of(package) is None:
            print(f"{name} is not installed: left out (pip install {package})")
        else:
            epochs[f"{name} {version_of(package)}"] = make()
    return epochs


def check_same_job(epochs: dict[str, Epoch]) -> None:
    """Raise AssertionError unless all contenders get the same losses in 50 epochs."""
    losses = {name: [epoch() for _ in range(50)] for name, epoch in epochs.items()}
    reference = losses["eager Value"]
    for name, numbers in losses.items():
        worst = max(abs(a - b) for a, b in zip(numbers, reference, strict=True))
        assert worst < 1e-12, f"{name} does another job: its losses differ by {worst}"


def main() -> None:
    """Print the table."""
    check_same_job(contenders())
    seconds = median_seconds(contenders())
    ours = seconds["eager Value"]
    rows = [["XOR epoch", "µs", "eager Value is"]]
    rows += [
        [name, f"{1e6 * taken:.1f}", f"{taken / ours:.2f}x faster" if name not in OURS else ""]
        for name, taken in seconds.items()
    ]
    print(f"{machine()}; float64, one thread, medians of interleaved turns\n\n{table(rows)}")


if __name__ == "__main__":
    main()
