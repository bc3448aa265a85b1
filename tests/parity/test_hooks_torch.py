"""Hooks get and replace the gradients that PyTorch's do: at leaves, inside, and at the root."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from autodiff import Value

torch = pytest.importorskip("torch", reason="compares hooks with PyTorch's")

NAMES = ("a", "b", "inner", "other", "loss")

Nodes = dict[str, Any]


def graph(number: Callable[[float], Any]) -> Nodes:
    """Return the nodes of one graph, built of Values or of tensors."""
    a, b = number(0.7), number(-1.3)
    inner = a * b + a
    other = inner.tanh() * a
    loss = (other - b) ** 2 + inner
    return dict(zip(NAMES, (a, b, inner, other, loss), strict=True))


def tensor(number: float) -> Any:
    return torch.tensor(number, dtype=torch.float64, requires_grad=True)


def passes(make: Callable[[float], Any], changed: tuple[str, ...]) -> dict[str, list[float]]:
    """Return what hooks saw, and what the leaves' gradients are, after two backward passes."""
    nodes = graph(make)
    seen: dict[str, list[float]] = {name: [] for name in NAMES}

    for name, node in nodes.items():

        def look(gradient: Any, name: str = name) -> Any:
            seen[name].append(float(gradient))
            return gradient * -2.0 + 0.125 if name in changed else None

        node.register_hook(look)
    loss = nodes["loss"]
    for _ in range(2):
        loss.backward() if isinstance(loss, Value) else loss.backward(retain_graph=True)
    return seen | {f"{name}.grad": [float(nodes[name].grad)] for name in ("a", "b")}


@pytest.mark.parametrize("changed", [(), *[(name,) for name in NAMES], ("a", "inner", "other")])
def test_hooks_see_and_replace_what_pytorch_s_do(changed: tuple[str, ...]) -> None:
    ours, theirs = passes(Value, changed), passes(tensor, changed)
    assert ours.keys() == theirs.keys()
    for name, numbers in ours.items():
        assert numbers == pytest.approx(theirs[name], rel=1e-12), name
