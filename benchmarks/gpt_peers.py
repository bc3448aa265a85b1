"""The GPT of ``benchmarks.gpt`` beside tensors and C by hand: ``python -m benchmarks.gpt_peers``.

A step is one document of 8 tokens: forward, backward and Adam.  PyTorch and JAX have matrices of
doubles, the C is in single precision, where the compiler may reorder sums (``gpt.c``).
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import nn
from autodiff import compile
from benchmarks.c import build
from benchmarks.compare import Contender, compare
from benchmarks.gpt import HEADS, WIDTH, document_loss, parameters_of, weights
from benchmarks.interleave import Run
from benchmarks.peers import each, flattened, jax_numpy, loop, torch_tensor

__all__ = ["CONTENDERS", "TOKENS", "main"]

TOKENS = [26, 4, 12, 12, 0, 17, 8, 13, 26]
LEARNING_RATE = 0.001
STEPS_AT_ONCE = 1_000


def eager() -> Run:
    """Return the loop of Values."""
    matrices = weights()
    optimizer = nn.Adam(parameters_of(matrices), lr=LEARNING_RATE)

    def loss_of() -> Any:
        return document_loss(matrices, TOKENS)

    return loop(loss_of, optimizer.zero_grad, optimizer.step)


def native() -> Run:
    """Return the compiled program."""
    matrices = weights()
    optimizer = nn.Adam(parameters_of(matrices), lr=LEARNING_RATE)
    loss = document_loss(matrices, TOKENS)
    return compile(loss, updates=optimizer.updates, engine="native").run


# ---- tensors ---------------------------------------------------------------------------------


def numbers() -> dict[str, list[list[float]]]:
    """Return the weights as numbers."""
    return {
        name: [[weight.data for weight in row] for row in matrix]
        for name, matrix in weights().items()
    }


def norm(library: Any, x: Any) -> Any:
    """Return rows with a mean square of 1."""
    return x * (library.mean(x * x, axis=-1, keepdims=True) + 1e-5) ** -0.5


def tensor_loss(library: Any, matrices: Any, inputs: Any, targets: Any, causal: Any) -> Any:
    """Return the loss of the document, in PyTorch or in JAX's NumPy; ``causal`` hides the future.

    Shapes: (tokens,) for ``inputs`` and ``targets``, (tokens, tokens) for ``causal``.
    """
    count = len(TOKENS) - 1
    before = norm(library, matrices["token"][inputs] + matrices["position"][:count])
    x = norm(library, before)
    query, key, value = [
        (x @ matrices[name].T).reshape(count, HEADS, WIDTH // HEADS)
        for name in ("query", "key", "value")
    ]
    scores = library.einsum("ihd,jhd->hij", query, key) / (WIDTH // HEADS) ** 0.5
    shares = library.exp(scores) * causal
    shares = shares / library.sum(shares, axis=-1, keepdims=True)
    attended = library.einsum("hij,jhd->ihd", shares, value).reshape(count, WIDTH)
    before = attended @ matrices["output"].T + before
    x = norm(library, before) @ matrices["wide"].T
    x = library.where(x > 0.0, x, 0.0) @ matrices["narrow"].T + before
    exponentials = library.exp(x @ matrices["logits"].T)
    shares = exponentials / library.sum(exponentials, axis=-1, keepdims=True)
    return -library.mean(library.log(shares[library.arange(count), targets]))


def pytorch() -> Run:
    """Return PyTorch's loop."""
    import torch

    torch.set_num_threads(1)
    matrices = {name: torch_tensor(matrix).requires_grad_() for name, matrix in numbers().items()}
    optimizer = torch.optim.Adam(matrices.values(), lr=LEARNING_RATE)
    inputs, targets = torch.tensor(TOKENS[:-1]), torch.tensor(TOKENS[1:])
    causal = torch.tril(torch.ones(len(inputs), len(inputs), dtype=torch.float64))

    def step() -> float:
        loss = tensor_loss(torch, matrices, inputs, targets, causal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return each(step)


def jax_scan() -> Run:
    """Return JAX's loop, compiled as a whole."""
    library = jax_numpy()
    import jax

    inputs, targets = library.array(TOKENS[:-1]), library.array(TOKENS[1:])
    causal = library.tril(library.ones((len(inputs), len(inputs))))

    def loss_of(matrices: Any) -> Any:
        return tensor_loss(library, matrices, inputs, targets, causal)

    def step(state: Any, _: None) -> Any:
        matrices, means, squares, count = state
        loss, gradients = jax.value_and_grad(loss_of)(matrices)
        count = count + 1.0
        means = jax.tree.map(lambda m, g: m + 0.1 * (g - m), means, gradients)
        squares = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, squares, gradients)
        size = LEARNING_RATE / (1.0 - 0.9**count)
        scale = library.sqrt(1.0 - 0.999**count)
        matrices = jax.tree.map(
            lambda w, m, v: w - size * m / (library.sqrt(v) / scale + 1e-8),
            matrices,
            means,
            squares,
        )
        return (matrices, means, squares, count), loss

    def steps_from(state: Any, steps: int) -> Any:
        return jax.lax.scan(step, state, None, length=steps)

    compiled = jax.jit(steps_from, static_argnums=1)
    matrices = {name: library.array(matrix) for name, matrix in numbers().items()}
    zeros = jax.tree.map(library.zeros_like, matrices)
    state = (matrices, zeros, zeros, 0.0)

    def run(steps: int) -> Any:
        nonlocal state
        state, losses = jax.block_until_ready(compiled(state, steps))
        return losses

    return run


# ---- C ---------------------------------------------------------------------------------------


def c_by_hand() -> Run:
    """Return ``gpt.c``."""
    source = Path(__file__).with_name("gpt.c").read_text(encoding="utf-8")
    library = build(source, ("-O3", "-march=native", "-ffast-math"))
    flat = flattened(list(numbers().values()))
    start = (ctypes.c_float * len(flat))(*flat)
    tokens = (ctypes.c_int * len(TOKENS))(*TOKENS)
    done = 0

    def run(steps: int) -> Any:
        nonlocal done
        losses = (ctypes.c_double * steps)()
        counts = ctypes.c_long(done), ctypes.c_long(steps), ctypes.c_long(len(TOKENS) - 1)
        library.run(*counts, tokens, start, losses)
        done += steps
        return losses

    return run


CONTENDERS = (
    Contender("eager Value", eager),
    Contender("native", native, "llvmlite", STEPS_AT_ONCE),
    Contender("PyTorch eager", pytorch, "torch"),
    Contender("JAX jit + scan", jax_scan, "jax", STEPS_AT_ONCE),
    Contender("C by hand, float32, -ffast-math", c_by_hand, "gcc", STEPS_AT_ONCE),
)


def main() -> None:
    """Print the tables."""
    compare("GPT document", CONTENDERS, check_epochs=3, tolerance=1e-5)


if __name__ == "__main__":
    main()
