"""The training loop of each library, for any model and loss: what a user of it would write.

All train in float64 on one thread, by gradient descent over the whole data set, and every run goes
on where its last call stopped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.interleave import Run

__all__ = [
    "each",
    "flattened",
    "jax_jit",
    "jax_numpy",
    "jax_scan",
    "loop",
    "pytorch",
    "torch_tensor",
]

State = tuple[Any, ...]


def each(epoch: Callable[[], Any]) -> Run:
    """Return the run that calls ``epoch``, which returns a loss, as often as it is asked for."""

    def run(epochs: int) -> list[Any]:
        return [epoch() for _ in range(epochs)]

    return run


def flattened(nested: Any) -> list[float]:
    """Return the numbers of nested lists in order.

    >>> flattened([[1.0, 2.0], [[3.0]]])
    [1.0, 2.0, 3.0]
    """
    if isinstance(nested, float):
        return [nested]
    return [number for part in nested for number in flattened(part)]


def loop(
    loss_of: Callable[[], Any], zero_grad: Callable[[], None], step: Callable[[], None]
) -> Run:
    """Return the loop of ``autodiff`` and micrograd: forward, zero_grad, backward, step."""

    def epoch() -> float:
        loss = loss_of()
        zero_grad()
        loss.backward()
        step()
        return float(loss.data)

    return each(epoch)


def pytorch(model: Any, loss_of: Callable[[], Any], learning_rate: float) -> Run:
    """Return PyTorch's loop."""
    import torch

    torch.set_num_threads(1)
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)

    def epoch() -> float:
        loss = loss_of()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return each(epoch)


def torch_tensor(numbers: Any) -> Any:
    """Return PyTorch's tensor of doubles."""
    import torch

    return torch.tensor(numbers, dtype=torch.float64)


def jax_numpy() -> Any:
    """Return JAX's NumPy, with doubles switched on, on one thread of the CPU."""
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ.setdefault("XLA_FLAGS", flags)  # read when JAX is first used
    import jax

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)
    return jax.numpy


def jax_jit(loss_of: Callable[[State], Any], start: Sequence[Any], learning_rate: float) -> Run:
    """Return JAX's loop with a compiled step."""
    import jax

    step = jax.jit(_jax_step(loss_of, learning_rate))
    state = tuple(start)

    def run(epochs: int) -> list[Any]:
        nonlocal state
        losses = []
        for _ in range(epochs):
            state, loss = step(state, None)
            losses.append(loss)
        jax.block_until_ready(losses[-1])
        return losses

    return run


def jax_scan(
    loss_of: Callable[[State], Any], start: Sequence[Any], learning_rate: float, unroll: int
) -> Run:
    """Return JAX's loop, compiled as a whole."""
    import jax

    step = _jax_step(loss_of, learning_rate)

    def epochs_from(state: State, epochs: int) -> Any:
        return jax.lax.scan(step, state, None, length=epochs, unroll=unroll)

    compiled = jax.jit(epochs_from, static_argnums=1)
    state = tuple(start)

    def run(epochs: int) -> Any:
        nonlocal state
        state, losses = jax.block_until_ready(compiled(state, epochs))
        return losses

    return run


def _jax_step(loss_of: Callable[[State], Any], learning_rate: float) -> Callable[..., Any]:
    import jax

    def step(state: State, _: None) -> tuple[State, Any]:
        loss, gradients = jax.value_and_grad(loss_of)(state)
        moved = [
            weight - learning_rate * gradient
            for weight, gradient in zip(state, gradients, strict=True)
        ]
        return tuple(moved), loss

    return step
