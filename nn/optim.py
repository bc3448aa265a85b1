"""Optimizers: how parameters move along their gradients.

Each rule is written once, in arithmetic that takes floats or Values alike: ``step()`` runs it on
numbers, and ``updates()`` on Values, for a program that trains by itself.  The formulas are
PyTorch's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from autodiff import Value, sqrt
from autodiff.ops import divide, power
from autodiff.support.arguments import number_within, variables_of
from autodiff.support.convert import describe, short_repr, to_float
from autodiff.support.gradients import NOT_COMPUTED
from autodiff.support.noticing import unnoticed, watch_too
from autodiff.value import lift
from nn.schedules import LinearDecay

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop"]

Numbers = Sequence[Any]
Moved = tuple[list[Any], list[Any]]  # weights and state
Schedule = Callable[[Any], Any]

data_of = attrgetter("data")


class Optimizer(ABC):
    """Base class: ``zero_grad()`` before ``backward()``, ``step()`` after it.

    ``lr`` is the learning rate, the size of a step; it may be set at any time.  ``state`` holds
    what the optimizer remembers (momentum, say) as Values.  With a ``schedule``, a step's rate is
    ``lr * schedule(steps made before)``: see :mod:`nn.schedules`.

    Raises ValueError if there are no parameters, or one of them twice, or if a setting is not
    finite, negative or otherwise out of its range; TypeError if a parameter is not a variable or a
    setting is not a number.
    """

    def __init__(
        self, parameters: Iterable[Value], lr: float, schedule: Schedule | None = None
    ) -> None:
        self.parameters = variables_of(parameters, type(self).__name__, "parameter")
        self.lr_variable = Value(number_within(lr, "the learning rate"), "lr")
        if schedule is not None and not callable(schedule):
            raise TypeError(f"a schedule must be a function, but got {describe(schedule)}")
        self.schedule = schedule
        self.steps = Value(0.0, "steps")
        self.state: list[Value] = []
        self._rate: Any = None

    @property
    def lr(self) -> float:
        """The learning rate; in a rule, as the schedule has it, and in expressions a Value.

        Raises what the optimizer itself raises if what is assigned is no learning rate.
        """
        return self.lr_variable.data if self._rate is None else self._rate

    @lr.setter
    def lr(self, lr: float) -> None:
        self.lr_variable.data = number_within(lr, "the learning rate")

    @abstractmethod
    def rule(self, weights: Numbers, gradients: Numbers, state: Numbers) -> Moved:
        """Return the new weights and the new state, all as numbers or all as Values.

        If they are Values, so is ``self.lr``.
        """

    @property
    def variables(self) -> list[Value]:
        """The parameters, the state, and the number of steps if only the schedule counts them."""
        return [*self.parameters, *self.state, *([self.steps] if self._counts else [])]

    @property
    def _counts(self) -> bool:
        return self.schedule is not None and not any(each is self.steps for each in self.state)

    @property
    def is_of_the_library(self) -> bool:
        """Whether rule and schedule are the library's own, of which it is known what they do."""
        is_known = self.schedule is None or type(self.schedule).__module__ == LinearDecay.__module__
        return is_known and type(self).__module__ == __name__

    def step(self) -> None:
        """Move every parameter once along its gradient."""
        gradients = [
            0.0 if parameter.grad is NOT_COMPUTED or parameter.grad is None else parameter.grad
            for parameter in self.parameters
        ]
        numbers = self._moved(data_of, gradients)
        for variable, number in zip(self.variables, numbers, strict=True):
            variable.data = number

    def updates(self, gradients: Mapping[Value, Value]) -> dict[Value, Any]:
        """Return ``step()`` as expressions: the new value of each parameter and state variable.

        This is what ``autodiff.compile`` takes as ``updates``.  The learning rate is a variable of
        the expressions: a program takes it as it is whenever it runs.  The other settings are
        constants, as they decide which expressions there are.
        """
        arrived = [gradients.get(parameter, 0.0) for parameter in self.parameters]
        if self.is_of_the_library:
            with unnoticed():
                expressions = self._moved(itself, arrived)
        else:
            # What a user's rule or schedule looks at is noted.
            watch_too([self.lr_variable, self.steps, *self.state])
            expressions = self._moved(itself, arrived)
        return dict(zip(self.variables, expressions, strict=True))

    def _moved(self, form: Callable[[Value], Any], gradients: Numbers) -> list[Any]:
        """Return all variables after a step, from what ``form`` makes of those of now."""
        self._rate, steps = form(self.lr_variable), form(self.steps)
        if self.schedule is not None:
            checked = lift if form is itself else to_float
            self._rate = self._rate * checked(self.schedule(steps), "a schedule's factor")
        try:
            weights, state = self.rule(
                list(map(form, self.parameters)), gradients, list(map(form, self.state))
            )
        finally:
            self._rate = None
        return [*weights, *state, *([steps + 1.0] if self._counts else [])]

    def state_dict(self) -> dict[str, Any]:
        """Return what a training needs to go on: the optimizer's name, its rate and its memory.

        It is plain and exact in JSON, as long as it is finite.  Settings such as the momentum
        are those of the code that makes the optimizer.

        >>> SGD([Value(1.0)], lr=0.1, momentum=0.9).state_dict()
        {'optimizer': 'SGD', 'lr': 0.1, 'state': [0.0]}
        """
        memory = [variable.data for variable in self.variables[len(self.parameters) :]]
        return {"optimizer": type(self).__name__, "lr": self.lr, "state": memory}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set rate and memory to those that ``state_dict`` returned.

        Raises ValueError or TypeError, naming what does not fit; the optimizer is then as it was.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"load_state_dict needs a dict, but got {describe(state)}")
        own, memory = self.state_dict(), state.get("state")
        if state.keys() != own.keys() or state["optimizer"] != own["optimizer"]:
            raise ValueError(f"this is no state of {own['optimizer']}: {short_repr(dict(state))}")
        if not isinstance(memory, list) or len(memory) != len(own["state"]):
            raise ValueError(
                f"the state of this {own['optimizer']} is a list of {len(own['state'])} numbers, "
                f"but got {describe(memory)}"
            )
        numbers = [to_float(number, f"the state of {own['optimizer']}") for number in memory]
        self.lr = state["lr"]
        for variable, number in zip(self.variables[len(self.parameters) :], numbers, strict=True):
            variable.data = number

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
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(parameters, lr, schedule)
        self.momentum = number_within(momentum, "momentum")
        self.weight_decay = number_within(weight_decay, "weight decay")
        self.nesterov = nesterov
        if nesterov and not momentum:
            raise ValueError("Nesterov's form needs a momentum above 0")
        if momentum:
            self.state = _zeros("velocity", self.parameters)

    def rule(self, weights: Numbers, gradients: Numbers, state: Numbers) -> Moved:
        """Return the new weights and velocities.

        Raises ValueError if the momentum was set after SGD was made: there is no velocity then.
        """
        lr, momentum, decay = self.lr, self.momentum, self.weight_decay
        _check_velocities(self, momentum, len(state) - len(weights))
        gradients = _decayed(weights, gradients, decay)
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
    ``w <- w - lr / (1 - beta1**t) * m / (sqrt(v) / sqrt(1 - beta2**t) + eps)`` at step t, where the
    root of v is multiplied by the inverse: for each weight that takes less time than to divide.
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
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(parameters, lr, schedule)
        if not isinstance(betas, Sequence) or len(betas) != 2:
            raise ValueError(f"betas must be two numbers, but got {describe(betas)}")
        self.betas = (
            number_within(betas[0], "beta1", limit=1.0),
            number_within(betas[1], "beta2", limit=1.0),
        )
        self.eps = number_within(eps, "eps")
        self.weight_decay = number_within(weight_decay, "weight decay")
        self.state = [
            self.steps,
            *_zeros("mean", self.parameters),
            *_zeros("mean square", self.parameters),
        ]

    def decayed(self, weights: Numbers, gradients: Numbers) -> tuple[Numbers, Numbers]:
        """Return the weights and gradients that the step starts from."""
        return weights, _decayed(weights, gradients, self.weight_decay)

    def rule(self, weights: Numbers, gradients: Numbers, state: Numbers) -> Moved:
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
        scale = divide(1.0, sqrt(1.0 - power(beta2, steps)))
        moved = [
            w - size * divide(m, sqrt(v) * scale + self.eps)
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
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay, schedule)

    def decayed(self, weights: Numbers, gradients: Numbers) -> tuple[Numbers, Numbers]:
        keep = 1.0 - self.lr * self.weight_decay
        return [w * keep for w in weights], gradients


class RMSprop(Optimizer):
    """RMSprop (Tieleman and Hinton, 2012): steps scaled by a running mean of g**2, v.

    ``v <- alpha v + (1 - alpha) g g``; then ``w <- w - lr * g / (sqrt(v) + eps)``.  With momentum,
    a velocity ``b <- momentum * b + g / (sqrt(v) + eps)`` takes the place of the quotient; with
    weight decay, ``g <- g + weight_decay * w`` first.  ``alpha`` is from 0 to below 1.

    >>> w = Value(1.0)
    >>> (w * w).backward()
    >>> RMSprop([w], lr=0.1, alpha=0.75).step()
    >>> round(w.data, 6)
    0.8
    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(parameters, lr, schedule)
        self.alpha = number_within(alpha, "alpha", limit=1.0)
        self.eps = number_within(eps, "eps")
        self.weight_decay = number_within(weight_decay, "weight decay")
        self.momentum = number_within(momentum, "momentum")
        self.state = _zeros("mean square", self.parameters)
        if momentum:
            self.state += _zeros("velocity", self.parameters)

    def rule(self, weights: Numbers, gradients: Numbers, state: Numbers) -> Moved:
        count, alpha = len(weights), self.alpha
        _check_velocities(self, self.momentum, len(state) - 2 * count)
        gradients = _decayed(weights, gradients, self.weight_decay)
        squares = [
            alpha * v + (1.0 - alpha) * g * g for v, g in zip(state[:count], gradients, strict=True)
        ]
        moves = [divide(g, sqrt(v) + self.eps) for g, v in zip(gradients, squares, strict=True)]
        velocities = list(state[count:])
        if self.momentum:
            moves = velocities = [
                self.momentum * b + move for b, move in zip(velocities, moves, strict=True)
            ]
        moved = [w - self.lr * move for w, move in zip(weights, moves, strict=True)]
        return moved, [*squares, *velocities]


def _decayed(weights: Numbers, gradients: Numbers, decay: float) -> Numbers:
    if not decay:
        return gradients
    return [g + decay * w for w, g in zip(weights, gradients, strict=True)]


def _check_velocities(optimizer: Optimizer, momentum: float, more: int) -> None:
    if momentum and more:
        raise ValueError(
            f"{type(optimizer).__name__} got its momentum after it was made, and remembers no "
            "velocity: make it with the momentum"
        )


def itself(variable: Value) -> Value:
    """Return a Value as it is: the form of variables in expressions."""
    return variable


def _zeros(name: str, parameters: Iterable[Value]) -> list[Value]:
    return [Value(0.0, f"{name} of {parameter.label or 'a parameter'}") for parameter in parameters]
