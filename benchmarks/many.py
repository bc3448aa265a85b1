"""Many networks at once, beside JAX's vmap: ``python -m benchmarks.many``.

256 networks of 2-4-1 sigmoids learn XOR, each from weights of its own: an epoch of all of them is
the job, full-batch gradient descent in float64 on one thread.
"""

from __future__ import annotations

import random
from typing import Any

import nn
from autodiff import Value, compile
from benchmarks.compare import Contender, compare
from benchmarks.interleave import Run
from benchmarks.peers import jax_numpy, loop
from demos.lab import LAB
from demos.one_row import lab_model

__all__ = ["CONTENDERS", "NETWORKS"]

NETWORKS = 256
EPOCHS = 5_000

# Numbers of a network: of each of four neurons two weights and a bias, then four weights and one.
COUNT = 4 * 3 + 5


def starts() -> list[list[float]]:
    """Return the first numbers of each network, in the order of its parameters."""
    rng = random.Random(1)
    return [[rng.uniform(-1.0, 1.0) for _ in range(COUNT)] for _ in range(NETWORKS)]


def loss_of(model: nn.Module) -> Value:
    """Return the loss of a network."""
    return nn.mse_loss([model(row) for row in LAB.x], LAB.y)


def eager() -> Run:
    """Return the loop of Values, one network after the other."""
    runs = []
    for start in starts():
        model = lab_model()
        for parameter, number in zip(model.parameters(), start, strict=True):
            parameter.data = number
        optimizer = nn.SGD(model.parameters(), lr=LAB.learning_rate)
        runs.append(loop(_loss_of(model), optimizer.zero_grad, optimizer.step))

    def run(epochs: int) -> list[float]:
        return [each(epochs)[-1] for each in runs]

    return run


def _loss_of(model: nn.Module) -> Any:
    def loss() -> Value:
        return loss_of(model)

    return loss


def native(at_once: bool) -> Run:
    """Return the compiled program's run of many networks, or of one after the other."""
    model = lab_model()
    optimizer = nn.SGD(model.parameters(), lr=LAB.learning_rate)
    program = compile(loss_of(model), updates=optimizer.updates, engine="native")
    order = {parameter: place for place, parameter in enumerate(model.parameters())}
    numbers = [
        tuple([start[order[v]] if v in order else v.data for v in program.variables])
        for start in starts()
    ]

    def run(epochs: int) -> list[float]:
        nonlocal numbers
        jobs = [numbers] if at_once else [[each] for each in numbers]
        found = [result for job in jobs for result in program.run_many(epochs, job)]
        numbers = [last for _, last in found]
        return [losses[-1] for losses, _ in found]

    return run


def native_at_once() -> Run:
    """Return the compiled program, a network in each lane."""
    return native(at_once=True)


def native_one_by_one() -> Run:
    """Return the compiled program, one network after the other."""
    return native(at_once=False)


def jax_vmap() -> Run:
    """Return JAX's loop of all networks at once, compiled as a whole."""
    numpy = jax_numpy()
    import jax

    def loss(state: Any) -> Any:
        hidden, hidden_bias, output, output_bias = state
        activations = jax.nn.sigmoid(numpy.array(LAB.x) @ hidden.T + hidden_bias)
        predictions = jax.nn.sigmoid(activations @ output + output_bias)
        return numpy.mean((predictions - numpy.array(LAB.y)) ** 2)

    def step(state: Any, _: None) -> Any:
        losses, gradients = jax.vmap(jax.value_and_grad(loss))(state)
        return jax.tree.map(lambda w, g: w - LAB.learning_rate * g, state, gradients), losses

    def epochs_from(state: Any, epochs: int) -> Any:
        return jax.lax.scan(step, state, None, length=epochs)

    compiled = jax.jit(epochs_from, static_argnums=1)
    table = numpy.array(starts())
    hidden = table[:, :12].reshape(NETWORKS, 4, 3)
    state = hidden[:, :, :2], hidden[:, :, 2], table[:, 12:16], table[:, 16]

    def run(epochs: int) -> Any:
        nonlocal state
        state, losses = jax.block_until_ready(compiled(state, epochs))
        return losses[-1]

    return run


CONTENDERS = (
    Contender("eager Value", eager),
    Contender("native", native_at_once, "llvmlite", EPOCHS),
    Contender("native, one by one", native_one_by_one, "llvmlite", EPOCHS),
    Contender("JAX vmap + scan", jax_vmap, "jax", EPOCHS),
)


def main() -> None:
    """Print the tables."""
    print(f"{NETWORKS} networks at once; the last loss of each is compared")
    compare("epoch of 256 networks", CONTENDERS, check_epochs=20, tolerance=1e-12)


if __name__ == "__main__":
    main()
