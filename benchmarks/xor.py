"""One full-batch epoch of the XOR lab, beside its peers: ``python -m benchmarks.xor``.

Every contender does the same job in float64 on one thread: forward over four rows, mean squared
error, gradients of the 17 parameters, one step of gradient descent.  A peer that is not
installed is named and left out.
"""

from __future__ import annotations

import ctypes
import math
from functools import partial
from pathlib import Path
from typing import Any

import autodiff
import nn
from benchmarks.c import FLAGS, build, doubles
from benchmarks.compare import Contender, compare
from benchmarks.interleave import Run
from benchmarks.peers import (
    each,
    flattened,
    jax_jit,
    jax_numpy,
    jax_scan,
    loop,
    pytorch,
    torch_tensor,
)
from demos.lab import LAB
from demos.one_row import lab_model

__all__ = ["CONTENDERS", "program"]

# Hidden weights (4 x 2) and biases, output weights (1 x 4) and bias.
WEIGHTS = list(LAB.initial_weights.values())
EPOCHS = 20_000


def eager() -> Run:
    """Return the demo's own loop."""
    model = lab_model()
    optimizer = nn.SGD(model.parameters(), lr=LAB.learning_rate)

    def loss_of() -> autodiff.Value:
        return nn.mse_loss([model(row) for row in LAB.x], LAB.y)

    return loop(loss_of, optimizer.zero_grad, optimizer.step)


def program(engine: str) -> autodiff.Program:
    """Return the program of a whole epoch, compiled."""
    model = lab_model()
    optimizer = nn.SGD(model.parameters(), lr=LAB.learning_rate)
    loss = nn.mse_loss([model(row) for row in LAB.x], LAB.y)
    return autodiff.compile(loss, updates=optimizer.updates, engine=engine)


def compiled_python() -> Run:
    """Return the compiled program in Python."""
    return program("python").run


def native() -> Run:
    """Return the compiled program as machine code."""
    return program("native").run


def micrograd() -> Run:
    """Return micrograd's loop, written as its own demo is.

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
            numbers = LAB.initial_weights[f"{name}.weight"][place]
            for weight, number in zip(neuron.w, numbers, strict=True):
                weight.data = number
            neuron.b.data = LAB.initial_weights[f"{name}.bias"][place]
    hidden, output = model.layers

    def loss_of() -> Any:
        predictions = []
        for row in LAB.x:
            activations = [sigmoid(neuron(row)) for neuron in hidden.neurons]
            predictions.append(sigmoid(output.neurons[0](activations)))
        errors = [(p - y) ** 2 for p, y in zip(predictions, LAB.y, strict=True)]
        return sum(errors) * (1 / len(errors))

    def step() -> None:
        for parameter in model.parameters():
            parameter.data -= LAB.learning_rate * parameter.grad

    return loop(loss_of, model.zero_grad, step)


def pytorch_eager() -> Run:
    """Return PyTorch's loop, on tensors of all four rows."""
    import torch

    layers = [torch.nn.Linear(2, 4), torch.nn.Sigmoid(), torch.nn.Linear(4, 1), torch.nn.Sigmoid()]
    model = torch.nn.Sequential(*layers).double()
    start = zip(model.state_dict(), WEIGHTS, strict=True)
    model.load_state_dict({name: torch_tensor(numbers) for name, numbers in start})
    x, y = torch_tensor(LAB.x), torch_tensor(LAB.y).reshape(4, 1)
    mean_squared_error = torch.nn.MSELoss()

    def loss_of() -> Any:
        return mean_squared_error(model(x), y)

    return pytorch(model, loss_of, LAB.learning_rate)


def jax_loss(state: Any) -> Any:
    """Return the loss in JAX, on arrays of all four rows."""
    import jax

    hidden, hidden_bias, output, output_bias = state
    activations = jax.nn.sigmoid(jax.numpy.array(LAB.x) @ hidden.T + hidden_bias)
    predictions = jax.nn.sigmoid(activations @ output.T + output_bias)
    return jax.numpy.mean((predictions[:, 0] - jax.numpy.array(LAB.y)) ** 2)


def jax_step() -> Run:
    """Return JAX with each step compiled."""
    return jax_jit(jax_loss, [jax_numpy().array(entry) for entry in WEIGHTS], LAB.learning_rate)


def jax_loop() -> Run:
    """Return JAX with the whole loop compiled."""
    start = [jax_numpy().array(entry) for entry in WEIGHTS]
    return jax_scan(jax_loss, start, LAB.learning_rate, unroll=1)


def jax_unrolled_loop() -> Run:
    """Return JAX with the whole loop compiled, four epochs at a time: its best here."""
    start = [jax_numpy().array(entry) for entry in WEIGHTS]
    return jax_scan(jax_loss, start, LAB.learning_rate, unroll=4)


def ddx_llvm() -> Run:
    """Return ddx-ad's compiled loss and gradient with the update in NumPy, in its own buffers.

    It has no updates inside a program.
    """
    import ddx
    import numpy as np

    def sigmoid(z: Any) -> Any:
        return 1.0 / (1.0 + ddx.exp(-z))

    def loss_of() -> Any:
        p = [ddx.var(f"p{place}") for place in range(17)]
        total = 0.0
        for (x1, x2), y in zip(LAB.x, LAB.y, strict=True):
            score = p[16]
            for i in range(4):
                score += p[12 + i] * sigmoid(p[8 + i] + p[2 * i] * x1 + p[2 * i + 1] * x2)
            error = sigmoid(score) - y
            total += error * error
        return total / 4.0

    call = ddx.equation(loss_of).compile(points=1).buffer(np.array(flattened(WEIGHTS)))
    point, gradient, change = call.x, call.jacobian, np.empty(17)

    def epoch() -> float:
        call()
        np.multiply(gradient, LAB.learning_rate, out=change)
        np.subtract(point, change, out=point)
        return float(call.value)

    return each(epoch)


def c_by_hand(flags: tuple[str, ...]) -> Run:
    """Return ``xor.c``, built with these flags."""
    library = build(Path(__file__).with_name("xor.c").read_text(encoding="utf-8"), flags)
    x, y = doubles(flattened(LAB.x)), doubles(LAB.y)
    weights, rate = doubles(flattened(WEIGHTS)), ctypes.c_double(LAB.learning_rate)

    def run(epochs: int) -> Any:
        losses = (ctypes.c_double * epochs)()
        library.run(ctypes.c_long(epochs), x, y, rate, weights, losses)
        return losses

    return run


def c_of_program(flags: tuple[str, ...]) -> Run:
    """Return the compiled program's own C, built with these flags."""
    compiled = program("python")
    library = build(compiled.to_c(), flags)
    weights = doubles([variable.data for variable in compiled.variables])

    def run(epochs: int) -> Any:
        losses = (ctypes.c_double * epochs)()
        library.autodiff_run(ctypes.c_long(epochs), weights, losses)
        return losses

    return run


CONTENDERS = (
    Contender("eager Value", eager),
    Contender("compiled Python", compiled_python, epochs=EPOCHS),
    Contender("native", native, "llvmlite", EPOCHS),
    Contender("micrograd", micrograd, "micrograd"),
    Contender("PyTorch eager", pytorch_eager, "torch"),
    Contender("JAX jit", jax_step, "jax", 500),
    Contender("JAX jit + scan", jax_loop, "jax", EPOCHS),
    Contender("JAX jit + scan, unroll=4", jax_unrolled_loop, "jax", EPOCHS),
    Contender("ddx-ad LLVM", ddx_llvm, "ddx-ad"),
    *[
        Contender(f"{kind}, {how}", partial(make, flags), "gcc", EPOCHS)
        for kind, make in (("C by hand", c_by_hand), ("C of to_c()", c_of_program))
        for how, flags in FLAGS.items()
    ],
)


def main() -> None:
    """Print the tables."""
    compare("XOR epoch", CONTENDERS, check_epochs=50, tolerance=1e-12)


if __name__ == "__main__":
    main()
