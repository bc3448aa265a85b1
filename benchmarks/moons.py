"""One full-batch step on two moons, beside its peers: ``python -m benchmarks.moons``.

Every contender does the same job in float64 on one thread: a 2-16-16-1 ReLU network forward over
100 rows, the mean hinge loss and an L2 penalty, gradients of the 337 parameters, one step of
gradient descent.  A peer that is not installed is named and left out.
"""

from __future__ import annotations

import ctypes
import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import autodiff
import nn
from autodiff import Value
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
from demos.moons_data import make_moons

__all__ = [
    "CONTENDERS",
    "MOONS",
    "STEPS",
    "Job",
    "c_by_hand",
    "c_of_program",
    "compiled",
    "program",
]

LEARNING_RATE, L2 = 0.05, 1e-4
STEPS = 1_000


class Job:
    """A network of ReLUs of two hidden layers of one width, and so many rows."""

    def __init__(self, width: int, count: int) -> None:
        self.width = width
        self.widths = (width, width, 1)
        self.x, self.y = make_moons(count, 0.1, random.Random(0))
        # For each layer its weights, a row a neuron, and its biases.
        self.weights = list(self.model().state_dict().values())
        self.rows = [(*row, target) for row, target in zip(self.x, self.y, strict=True)]

    def model(self) -> nn.MLP:
        """Return the network, always with the same initial weights."""
        return nn.MLP(2, list(self.widths), rng=random.Random(1))


MOONS = Job(16, 100)
X, Y, WIDTHS, WEIGHTS = MOONS.x, MOONS.y, MOONS.widths, MOONS.weights


def penalty_of(parameters: Sequence[Value]) -> Value:
    """Return the penalty on the parameters."""
    return L2 * sum((parameter * parameter for parameter in parameters[1:]), parameters[0] ** 2)


def eager() -> Run:
    """Return the loop of a demo: all rows in one graph."""
    model = MOONS.model()
    optimizer = nn.SGD(model.parameters(), lr=LEARNING_RATE)

    def loss_of() -> Value:
        scores = [model(row) for row in X]
        return nn.hinge_loss(scores, Y) + penalty_of(model.parameters())

    return loop(loss_of, optimizer.zero_grad, optimizer.step)


def program(engine: str, job: Job = MOONS) -> autodiff.Program:
    """Return the program of one row, to be run over the rows, compiled."""
    model = job.model()
    optimizer = nn.SGD(model.parameters(), lr=LEARNING_RATE)
    inputs = [Value(0.0, "x[0]"), Value(0.0, "x[1]"), Value(1.0, "y")]
    return autodiff.compile(
        nn.hinge_loss([model(inputs[:2])], inputs[2:]),
        inputs=inputs,
        updates=optimizer.updates,
        penalty=penalty_of(model.parameters()),
        engine=engine,
    )


def compiled(engine: str, job: Job = MOONS) -> Run:
    """Return the compiled program, run over the rows."""
    return partial(program(engine, job).run, rows=job.rows)


def micrograd() -> Run:
    """Return micrograd's loop, as in its own demo."""
    from micrograd.nn import MLP

    model = MLP(2, list(WIDTHS))
    for layer, weights, biases in zip(model.layers, WEIGHTS[::2], WEIGHTS[1::2], strict=True):
        for neuron, row, bias in zip(layer.neurons, weights, biases, strict=True):
            neuron.b.data = bias
            for weight, number in zip(neuron.w, row, strict=True):
                weight.data = number

    def loss_of() -> Any:
        scores = [model(row) for row in X]
        losses = [(1 + -y * score).relu() for y, score in zip(Y, scores, strict=True)]
        return sum(losses) * (1.0 / len(losses)) + L2 * sum(p * p for p in model.parameters())

    def step() -> None:
        for parameter in model.parameters():
            parameter.data -= LEARNING_RATE * parameter.grad

    return loop(loss_of, model.zero_grad, step)


def pytorch_eager() -> Run:
    """Return PyTorch's loop, on tensors of all rows."""
    import torch

    layers: list[Any] = []
    for inputs, outputs in zip((2, *WIDTHS), WIDTHS, strict=False):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1]).double()
    start = zip(model.state_dict(), WEIGHTS, strict=True)
    model.load_state_dict({name: torch_tensor(numbers) for name, numbers in start})
    x, y = torch_tensor(X), torch_tensor(Y).reshape(len(Y), 1)

    def loss_of() -> Any:
        hinge = (1.0 - y * model(x)).relu().mean()
        return hinge + L2 * sum((p * p).sum() for p in model.parameters())

    return pytorch(model, loss_of, LEARNING_RATE)


def jax_loss(state: Any) -> Any:
    """Return the loss in JAX, on arrays of all rows."""
    import jax

    numpy = jax.numpy
    weights1, biases1, weights2, biases2, weights3, biases3 = state
    hidden = jax.nn.relu(numpy.array(X) @ weights1.T + biases1)
    hidden = jax.nn.relu(hidden @ weights2.T + biases2)
    scores = (hidden @ weights3.T + biases3)[:, 0]
    hinge = numpy.mean(jax.nn.relu(1.0 - numpy.array(Y) * scores))
    return hinge + L2 * sum(numpy.sum(entry * entry) for entry in state)


def jax_step() -> Run:
    """Return JAX with each step compiled."""
    return jax_jit(jax_loss, [jax_numpy().array(entry) for entry in WEIGHTS], LEARNING_RATE)


def jax_loop() -> Run:
    """Return JAX with the whole loop compiled; unrolling it brings nothing here."""
    start = [jax_numpy().array(entry) for entry in WEIGHTS]
    return jax_scan(jax_loss, start, LEARNING_RATE, unroll=1)


def ddx_llvm() -> Run:
    """Return ddx-ad's compiled loss and gradient of one row, on a batch of all rows.

    The means over the rows and the update are made in NumPy, in its own buffers.  The whole data
    set as one equation is slower, and takes half a minute to compile.
    """
    import ddx
    import numpy as np

    start = np.array(flattened(WEIGHTS))

    def loss_of() -> Any:
        parameters = [ddx.var(f"p{place}") for place in range(len(start))]
        numbers = iter(parameters)
        signal = [ddx.param("x1"), ddx.param("x2")]
        for width in WIDTHS:
            weights = [[next(numbers) for _ in signal] for _ in range(width)]
            sums = [next(numbers) for _ in range(width)]
            for neuron, row in enumerate(weights):
                for weight, x in zip(row, signal, strict=True):
                    sums[neuron] += weight * x
            signal = [ddx.max(total, 0.0) for total in sums] if width > 1 else sums
        hinge = ddx.max(1.0 - ddx.param("y") * signal[0], 0.0)
        return hinge + L2 * sum(parameter * parameter for parameter in parameters)

    batch = np.empty((len(start) + 3, len(X)))
    batch[: len(start)] = start[:, None]
    batch[len(start) :] = np.array(MOONS.rows).T
    call = ddx.equation(loss_of).compile(points=len(X)).buffer(batch)
    weights = call.x[: len(start)]
    share = np.full(len(X), 1.0 / len(X))

    def step() -> float:
        nonlocal start
        call()
        start = start - LEARNING_RATE * (call.jacobian @ share)
        weights[:] = start[:, None]
        return float(call.value @ share)

    return each(step)


def c_by_hand(flags: tuple[str, ...], job: Job = MOONS) -> Run:
    """Return ``moons.c``, built with these flags."""
    source = Path(__file__).with_name("moons.c").read_text(encoding="utf-8")
    library = build(source, (*flags, f"-DWIDTH={job.width}"))
    x, y, weights = doubles(flattened(job.x)), doubles(job.y), doubles(flattened(job.weights))
    rate, l2 = ctypes.c_double(LEARNING_RATE), ctypes.c_double(L2)

    def run(steps: int) -> Any:
        losses = (ctypes.c_double * steps)()
        counts = ctypes.c_long(steps), ctypes.c_long(len(job.y))
        library.run(*counts, x, y, rate, l2, weights, losses)
        return losses

    return run


def c_of_program(flags: tuple[str, ...], job: Job = MOONS) -> Run:
    """Return the compiled program's own C, built with these flags."""
    compiled = program("python", job)
    library = build(compiled.to_c(), flags)
    weights = doubles([variable.data for variable in compiled.variables])
    cells, count = doubles(flattened(job.rows)), ctypes.c_long(len(job.rows))

    def run(steps: int) -> Any:
        losses = (ctypes.c_double * steps)()
        library.autodiff_run(ctypes.c_long(steps), count, count, cells, weights, losses)
        return losses

    return run


CONTENDERS = (
    Contender("eager Value", eager),
    Contender("compiled Python", partial(compiled, "python"), epochs=10),
    Contender("native", partial(compiled, "native"), "llvmlite", STEPS),
    Contender("micrograd", micrograd, "micrograd"),
    Contender("PyTorch eager", pytorch_eager, "torch"),
    Contender("JAX jit", jax_step, "jax", 100),
    Contender("JAX jit + scan", jax_loop, "jax", STEPS),
    Contender("ddx-ad LLVM", ddx_llvm, "ddx-ad"),
    *[
        Contender(f"{kind}, {how}", partial(make, flags), "gcc", STEPS)
        for kind, make in (("C by hand", c_by_hand), ("C of to_c()", c_of_program))
        for how, flags in FLAGS.items()
    ],
)


def main() -> None:
    """Print the tables."""
    compare("moons step", CONTENDERS, check_epochs=3, tolerance=1e-9)


if __name__ == "__main__":
    main()
