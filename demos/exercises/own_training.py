"""Notebook 1: the checks of a neuron and of a training loop on a student's own Value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autodiff import Value
from demos.exercises.answers import (
    NotYetError,
    expect_function,
    expect_number,
    expect_something,
)
from demos.exercises.asking import expect_class, expect_data, expect_own, returned, tried
from demos.exercises.own_gradients import (
    SUMS_AND_PRODUCTS,
    WITH_TANH,
    Expression,
    check_gradients_of,
    close,
)

__all__ = ["own_neuron", "own_training"]


def expect_finished(own: type, expressions: Sequence[Expression], exercises: str) -> None:
    """Raise NotYetError unless the class has done the exercises that this one builds on."""
    try:
        check_gradients_of(own, expressions)
    except NotYetError:
        raise NotYetError(
            f"your class is not finished: exercises {exercises} come first."
        ) from None


def own_neuron(attempt: Any, own: Any) -> None:
    expect_function(attempt)
    own = expect_class(own)
    expect_finished(own, (*SUMS_AND_PRODUCTS, *WITH_TANH), "3 to 8")
    numbers = (0.7, -0.4, 0.3), (1.0, 2.0, -1.0)
    weights, inputs = [[own(number) for number in each] for each in numbers]
    bias = own(0.1)
    result = tried("neuron(weights, inputs, bias)", attempt, weights, inputs, bias)
    expect_own(result, own, "the neuron's output")
    twins = [[Value(number) for number in each] for each in numbers]
    z = sum((w * x for w, x in zip(*twins, strict=True)), 0.1)
    if close(result.data, z.data):
        raise NotYetError("that is the sum; the neuron's output is tanh of it.")
    if close(result.data, math.tanh(z.data - 0.1)):
        raise NotYetError("the bias is missing from the sum.")
    output = z.tanh()
    expect_data(
        result, output.data, "The output for weights (0.7, −0.4, 0.3), inputs (1, 2, −1), bias 0.1"
    )
    output.backward()
    tried("backward() of the neuron", returned, result.backward)
    for number, twin, weight in zip(numbers[0], twins[0], weights, strict=True):
        if not close(weight.grad, twin.grad):
            raise NotYetError(
                f"the output is right, but the gradient of the weight {number:g} is "
                f"{weight.grad:g}, not {twin.grad:g}: compute with the Values, without .data."
            )


# ---- training ----------------------------------------------------------------------------------

START, TARGET, RATE, STEPS = (0.5, -0.2), 1.5, 0.05, 4


@dataclass(slots=True)
class Training:
    """A line w * 2 + b that is to be 1.5, as a training of any kind leaves it."""

    w: float = START[0]
    b: float = START[1]

    def step(self, sign: float, kept: tuple[float, float]) -> tuple[float, float]:
        """Move both along sign times their gradient, to which what was kept is added."""
        error = self.w * 2.0 + self.b - TARGET
        gradients = kept[0] + 2.0 * error * 2.0, kept[1] + 2.0 * error
        self.w += sign * RATE * gradients[0]
        self.b += sign * RATE * gradients[1]
        return gradients


def trained(sign: float, keep: bool) -> tuple[float, float]:
    """Return w and b after the steps; ``keep`` forgets to clear the gradients."""
    training, kept = Training(), (0.0, 0.0)
    for _ in range(STEPS):
        gradients = training.step(sign, kept)
        kept = gradients if keep else kept
    return training.w, training.b


def own_training(attempt: Any, own: Any) -> None:
    expect_function(attempt)
    own = expect_class(own)
    expect_finished(own, SUMS_AND_PRODUCTS, "3 to 7")
    w, b = own(START[0]), own(START[1])
    asked = []

    def loss_of() -> Any:
        asked.append(w.data)
        error = w * 2.0 + b + -TARGET
        return error * error

    losses = attempt([w, b], loss_of, STEPS, RATE)
    moved = (w.data, b.data)
    told_of_training(moved, (w, b), len(asked))
    expect_something(losses)
    if not isinstance(losses, (list, tuple)) or len(losses) != STEPS:
        raise NotYetError(f"return a list with the loss of each of the {STEPS} steps.")
    if any(isinstance(loss, own) for loss in losses):
        raise NotYetError(
            "the list has Values, each with the whole graph behind it: append loss.data."
        )
    first = (START[0] * 2.0 + START[1] - TARGET) ** 2
    expect_number(losses[0], first, f"The first loss is that before any step, {first:g}.")


def told_of_training(moved: tuple[float, float], values: Sequence[Any], asked: int) -> None:
    """Raise NotYetError unless the training has moved the parameters where it should."""
    if any(isinstance(number, type(values[0])) for number in moved):
        raise NotYetError(
            "parameter.data is a Value now: compute the step with numbers, .data and .grad."
        )
    right = trained(-1.0, keep=False)
    if all(map(close, moved, right)):
        return
    if asked == 0:
        raise NotYetError("your function does not compute the loss yet: loss = loss_of().")
    if moved == START:
        if all(value.grad == 0.0 for value in values):
            raise NotYetError(
                "nothing has moved, and every gradient is 0: go backward, and clear the gradients "
                "before that, not between backward and the step."
            )
        raise NotYetError(
            "nothing has moved: parameter = ... gives the name to a new Value; change "
            "parameter.data."
        )
    if asked < STEPS:
        times = "once" if asked == 1 else f"{asked} times"
        raise NotYetError(
            f"the loss was computed {times} in {STEPS} steps: compute it anew in each, with the "
            "numbers of now."
        )
    if all(map(close, moved, trained(-1.0, keep=True))):
        raise NotYetError(
            "the gradients of all steps have added up: set each grad to 0 before backward."
        )
    if all(map(close, moved, trained(1.0, keep=False))):
        raise NotYetError("that is uphill: move against the gradient, with a minus.")
    raise NotYetError(
        f"after {STEPS} steps w should be {right[0]:.4g}, and yours is {moved[0]:.4g}. A step is "
        "parameter.data -= learning_rate * parameter.grad."
    )
