"""The scalar classes that one program can be written for: ours and its peers'.

Nothing is imported before its class is asked for: a process that times one of them has no objects
of another for Python's cyclic collector to look through.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks.compare import Contender

__all__ = ["CONTENDERS", "Scalars", "scalars_of"]


@dataclass(frozen=True, slots=True)
class Scalars:
    """What a program needs of a scalar class beside its operators and ``backward()``.

    ``no_gradient`` is what a user of the class assigns to ``grad`` before a backward pass.
    """

    variable: Callable[[float], Any]
    exp: Callable[[Any], Any]
    log: Callable[[Any], Any]
    tanh: Callable[[Any], Any]
    relu: Callable[[Any], Any]
    no_gradient: float | None = 0.0

    def clear_gradients(self, variables: Iterable[Any]) -> None:
        """Forget the variables' gradients."""
        nothing = self.no_gradient
        for variable in variables:
            variable.grad = nothing


def eager() -> Scalars:
    """Return this project's Value."""
    from autodiff import Value

    return Scalars(Value, Value.exp, Value.log, Value.tanh, Value.relu)


def stored_derivatives() -> Scalars:
    """Return the peer that keeps local derivatives from the forward pass on."""
    from benchmarks.stored_derivatives import Value

    return Scalars(Value, Value.exp, Value.log, Value.tanh, Value.relu)


def micrograd() -> Scalars:
    """Return micrograd's Value, with the functions that it lacks added as its own are written."""
    from micrograd.engine import Value

    def exp(x: Any) -> Any:
        out = Value(math.exp(x.data), (x,), "exp")

        def _backward() -> None:
            x.grad += out.data * out.grad

        out._backward = _backward
        return out

    def log(x: Any) -> Any:
        out = Value(math.log(x.data), (x,), "log")

        def _backward() -> None:
            x.grad += out.grad / x.data

        out._backward = _backward
        return out

    def tanh(x: Any) -> Any:
        out = Value(math.tanh(x.data), (x,), "tanh")

        def _backward() -> None:
            x.grad += (1 - out.data * out.data) * out.grad

        out._backward = _backward
        return out

    return Scalars(Value, exp, log, tanh, Value.relu)


def pytorch() -> Scalars:
    """Return PyTorch's tensors of one double each."""
    import torch

    torch.set_num_threads(1)

    def variable(number: float) -> Any:
        return torch.tensor(number, dtype=torch.float64, requires_grad=True)

    return Scalars(variable, torch.exp, torch.log, torch.tanh, torch.relu, no_gradient=None)


CONTENDERS = (
    Contender("eager Value", eager),
    Contender("stored derivatives", stored_derivatives),
    Contender("micrograd", micrograd, "micrograd"),
    Contender("PyTorch eager", pytorch, "torch"),
)


def scalars_of(name: str) -> Scalars:
    """Return the scalars of a contender by its name."""
    scalars = {contender.name: contender.make for contender in CONTENDERS}[name]()
    assert isinstance(scalars, Scalars)
    return scalars
