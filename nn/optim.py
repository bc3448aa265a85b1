"""Optimizers: how parameters move along their gradients.

Each rule is written once, in arithmetic that takes floats or Values alike: ``step()`` runs it on
numbers, and ``updates()`` on Values, for a program that trains by itself.  The formulas are
PyTorch's.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autodiff import Value, sqrt
from autodiff.ops import divide, power
from autodiff.support.convert import describe, to_float
from autodiff.support.gradients import NOT_COMPUTED
from autodiff.support.noticing import unnoticed, watch_too

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]

Numbers = Sequence[Any]


class Optimizer(ABC):
    """Base class: ``zero_grad()`` before ``backward()``, ``step()`` after it.

    ``lr`` is the learning rate, the size of a step; it may be set at any time.  ``state`` holds
    what the optimizer remembers (momentum, say) as Values.

    Raises ValueError if there are no parameters, or one of them twice, or if a setting is not
    finite, negative or otherwise out of its range; TypeError if a parameter is not a variable or a
    setting is not a number.
    """

    def __init__(self, parameters: Iterable[Value], lr: float) -> None:
        self.parameters = _check_parameters(parameters, type(self).__name__)
        self.lr_variable = Value(_check_learning_rate(lr), "lr")
        self.state: list[Value] = []
        self._makes_expressions = False

    @property
    def lr(self) -> float:
        """The learning rate; in a rule that makes expressions, the Value that holds it.

        Raises what the optimizer itself raises if what is assigned is no learning rate.
        """
        rate: Any = self.lr_variable
        return rate if self._makes_expressions else rate.data  # type: ignore[no-any-return]

    @lr.setter
    def lr(self, lr: float) -> None:
        self.lr_variable.data = _check_learning_rate(lr)

    @abstractmethod
    def rule(
        self, weights: Numbers, gradients: Numbers, state: Numbers
    ) -> tuple[list[Any], list[Any]]:
        """Return the new weights and the new state, all as numbers or all as Values.

        If they are Values, so is ``self.lr``.
        """

    def step(self) -> None:
        """Move every parameter once along its gradient."""
        weights, state = self.rule(
            [parameter.data for parameter in self.parameters],
            [
                0.0 if parameter.grad is NOT_COMPUTED or parameter.grad is None else parameter.grad
                for parameter in self.parameters
            ],
            [variable.data for variable in self.state],
        )
        for parameter, weight in zip(self.parameters, weights, strict=True):
            parameter.data = weight
        for variable, number in zip(self.state, state, strict=True):
            variable.data = number

    def updates(self, gradients: Mapping[Value, Value]) -> dict[Value, Any]:
        """Return ``step()`` as expressions: the new value of each parameter and state variable.

        This is what ``autodiff.compile`` takes as ``updates``.  The learning rate is a variable of
        the expressions: a program takes it as it is whenever it runs.  The other settings are
        constants, as they decide which expressions there are.
        """
        self._makes_expressions = True
        try:
            weights, state = self._expressions(gradients)
        finally:
            self._makes_expressions = False
        variables = [*self.parameters, *self.state]
        return dict(zip(variables, [*weights, *state], strict=True))

    def _expressions(self, gradients: Mapping[Value, Value]) -> tuple[list[Any], list[Any]]:
        """Return the rule's results for Values; what a user's rule looks at is noted."""
        arrived = [gradients.get(parameter, 0.0) for parameter in self.parameters]
        if type(self).__module__ == __name__:
            with unnoticed():
                return self.rule(self.parameters, arrived, self.state)
        watch_too([self.lr_variable, *self.state])
        return self.rule(self.parameters, arrived, self.state)

    def zero_grad(self) -> None:
        """Clear the gradient of every parameter."""
        for parameter in self.parameters:
            parameter.grad = NOT_COMPUTED


class SGD(Optimizer):
    """Gradient descent: ``w <- w - lr * g``, with optional momentum and weight decay.

    With weight decay, ``g <- g + weight_decay * w`` first.  With momentum, a velocity
    ``v <- momentum * v + g`` takes the place of g (Polyak, 1964); Nesterov's form uses
    ``g + momentum * v`` (Sutskever and others, 2013).  As in PyTorch, the learning rate multiplies
    v where it is used; in those papers, where it is made.

    >>> w = Value(1.0)
    >>> (w * w).backward()
    >>> SGD([w], lr=0.1).step()
    >>> w.data
    0.8
    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr)
        self.momentum = _check_number(momentum, "momentum", 0.0, math.inf)
        self.weight_decay = _check_number(weight_decay, "weight decay", 0.0, math.inf)
        self.nesterov = nesterov
        if nesterov and not momentum:
            raise ValueError("Nesterov's form needs a momentum above 0")
        if momentum:
            self.state = _zeros("velocity", self.parameters)

    def rule(
        self, weights: Numbers, gradients: Numbers, state: Numbers
    ) -> tuple[list[Any], list[Any]]:
        """Return the new weights and velocities.

        Raises ValueError if the momentum was set after SGD was made: there is no velocity then.
        """
        lr, momentum, decay = self.lr, self.momentum, self.weight_decay
        if momentum and len(state) != len(weights):
            raise ValueError(
                "SGD got its momentum after it was made, and remembers no velocity: "
                "make it with the momentum"
            )
        if decay:
            gradients = [g + decay * w for w, g in zip(weights, gradients, strict=True)]
        velocities = list(state)
        if momentum:
            velocities = [momentum * v + g for v, g in zip(state, gradients, strict=True)]
            if self.nesterov:
                gradients = [g + momentum * v for g, v in zip(gradients, velocities, strict=True)]
            else:
                gradients = velocities
        return [w - lr * g for w, g in zip(weights, gradients, strict=True)], velocities


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015): steps scaled by running means of g and g**2, m and v.

    ``m <- m + (1 - beta1) (g - m)`` and ``v <- beta2 v + (1 - beta2) g g``; then
    ``w <- w - lr / (1 - beta1**t) * m / (sqrt(v) / sqrt(1 - beta2**t) + eps)`` at step t.
    With weight decay, ``g <- g + weight_decay * w`` first.  ``betas`` are beta1 and beta2, each
    from 0 to below 1.

    >>> w = Value(1.0)
    >>> (w * w).backward()
    >>> Adam([w], lr=0.1).step()
    >>> round(w.data, 6)
    0.9
    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr)
        if not isinstance(betas, Sequence) or len(betas) != 2:
            raise ValueError(f"betas must be two numbers, but got {describe(betas)}")
        self.betas = (
            _check_number(betas[0], "beta1", 0.0, 1.0),
            _check_number(betas[1], "beta2", 0.0, 1.0),
        )
        self.eps = _check_number(eps, "eps", 0.0, math.inf)
        self.weight_decay = _check_number(weight_decay, "weight decay", 0.0, math.inf)
        self.state = [
            Value(0.0, "steps"),
            *_zeros("mean", self.parameters),
            *_zeros("mean square", self.parameters),
        ]

    def decayed(self, weights: Numbers, gradients: Numbers) -> tuple[Numbers, Numbers]:
        """Return the weights and gradients that the step starts from."""
        decay = self.weight_decay
        if decay:
            gradients = [g + decay * w for w, g in zip(weights, gradients, strict=True)]
        return weights, gradients

    def rule(
        self, weights: Numbers, gradients: Numbers, state: Numbers
    ) -> tuple[list[Any], list[Any]]:
        (beta1, beta2), count = self.betas, len(weights)
        steps = state[0] + 1.0
        weights, gradients = self.decayed(weights, gradients)
        means = [
            m + (1.0 - beta1) * (g - m)
            for m, g in zip(state[1 : count + 1], gradients, strict=True)
        ]
        squares = [
            beta2 * v + (1.0 - beta2) * g * g
            for v, g in zip(state[count + 1 :], gradients, strict=True)
        ]
        size = self.lr / (1.0 - power(beta1, steps))
        scale = sqrt(1.0 - power(beta2, steps))
        moved = [
            w - size * divide(m, sqrt(v) / scale + self.eps)
            for w, m, v in zip(weights, means, squares, strict=True)
        ]
        return moved, [steps, *means, *squares]


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019).

    Instead of adding to the gradient, it shrinks the weight: ``w <- w - lr * weight_decay * w``,
    and then makes Adam's step.

    >>> w = Value(1.0)
    >>> (w * w).backward()
    >>> AdamW([w], lr=0.1, weight_decay=0.5).step()
    >>> round(w.data, 6)
    0.85
    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay)

    def decayed(self, weights: Numbers, gradients: Numbers) -> tuple[Numbers, Numbers]:
        keep = 1.0 - self.lr * self.weight_decay
        return [w * keep for w in weights], gradients


def _zeros(name: str, parameters: Iterable[Value]) -> list[Value]:
    return [Value(0.0, f"{name} of {parameter.label or 'a parameter'}") for parameter in parameters]


def _check_parameters(parameters: Iterable[Value], user: str) -> list[Value]:
    if not isinstance(parameters, Iterable):
        raise TypeError(f"{user} needs a list of parameters, but got {describe(parameters)}")
    variables = list(parameters)
    if not variables:
        raise ValueError(f"{user} needs at least one parameter, but the list is empty")
    for variable in variables:
        if not isinstance(variable, Value) or not variable.is_leaf or variable.is_constant:
            raise TypeError(f"{user} needs variables as parameters, but got {describe(variable)}")
    if len(set(variables)) != len(variables):
        raise ValueError(f"{user} got the same parameter twice")
    return variables


def _check_learning_rate(lr: float) -> float:
    return _check_number(lr, "the learning rate", 0.0, math.inf)


def _check_number(number: float, what: str, least: float, limit: float) -> float:
    """Return the number as a float; raise ValueError unless ``least <= number < limit``."""
    checked = to_float(number, what)
    if not least <= checked < limit:
        bounds = f"{least:g} or more" if limit == math.inf else f"from {least:g} to below {limit:g}"
        raise ValueError(f"{what} must be a finite number, {bounds}, but got {number!r}")
    return checked
