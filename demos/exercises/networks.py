"""Notebooks 3, 4 and 5: a neuron, XOR, and what can go wrong."""

from __future__ import annotations

import math
from typing import Any

from autodiff import Value
from demos.exercises.answers import (
    Exercise,
    NotYetError,
    expect_function,
    expect_number,
    expect_something,
    number_of,
)
from demos.lab import LAB

__all__ = ["NETWORKS"]


# ---- notebook 3: a neuron ----------------------------------------------------------------------


def neuron_by_hand(attempt: Any) -> None:
    expect_number(attempt, 0.5, "First z = 0.5 · 1 + (−1) · 2 + 2, then relu(z) = max(z, 0).")


def weights_for_or(attempt: Any) -> None:
    if not isinstance(attempt, (tuple, list)) or len(attempt) != 3:
        raise NotYetError("this needs three numbers: (w1, w2, b).")
    w1, w2, b = map(float, attempt)
    for x1, x2 in LAB.x:
        z = w1 * x1 + w2 * x2 + b
        wanted = x1 == 1.0 or x2 == 1.0
        if (z > 0.0) != wanted:
            raise NotYetError(
                f"for ({x1:.0f}, {x2:.0f}) z is {z:g}, and it should be "
                f"{'above 0' if wanted else '0 or below'}."
            )


def gradient_step(attempt: Any) -> None:
    expect_function(attempt)
    w = Value(3.0, "w")
    (w * w).backward()
    attempt([w], 0.1)
    if w.data == 3.0:
        raise NotYetError(
            "w.data is as it was. parameter.data has to get another number; parameter = ... would "
            "give the name to a new Value, and leave w."
        )
    if math.isclose(w.data, 3.6):
        raise NotYetError("w moved along its gradient; to make the loss smaller, move against it.")
    expect_number(w.data, 2.4, "From 3, with gradient 6 and learning rate 0.1, w should be 2.4.")


# ---- notebook 4: XOR ---------------------------------------------------------------------------


def parameter_count(attempt: Any) -> None:
    if attempt == 12:
        raise NotYetError("these are the weights alone; each of the 5 neurons has a bias too.")
    expect_number(attempt, 17, "A neuron has a weight for each of its inputs, and one bias.")


def xor_by_two_neurons(attempt: Any) -> None:
    expect_function(attempt)
    for (x1, x2), target in zip(LAB.x, LAB.y, strict=True):
        output = attempt(x1, x2)
        expect_something(output)
        if isinstance(output, bool):
            raise NotYetError("that compares the inputs; two neurons, max(0, ...), are to find it.")
        number = number_of(output)
        if (number > 0.5) != (target == 1.0):
            raise NotYetError(f"for ({x1:.0f}, {x2:.0f}) it is {number:g}, not {target:g}.")
    # Along a line, two bends lie between at most four points of three.
    heights = [number_of(attempt(0.5 + 0.37 * k, 0.2 + 0.59 * k)) for k in range(12)]
    bends = [a - 2 * b + c for a, b, c in zip(heights, heights[1:], heights[2:], strict=False)]
    if sum(abs(bend) > 1e-9 for bend in bends) > 4:
        raise NotYetError(
            "that gives no straight pieces between the rows, as two neurons do: they multiply the "
            "inputs by numbers of their own, add, and bend once each, by max(0, ...)."
        )


def loss_by_hand(attempt: Any) -> None:
    expect_number(attempt, 0.25, "Each error is ±0.5, its square 0.25; the loss is their mean.")


# ---- notebook 5: what can go wrong -------------------------------------------------------------


def largest_learning_rate(attempt: Any) -> None:
    if attempt == 0.5:
        raise NotYetError("0.5 reaches the minimum in one step. Larger ones still get closer.")
    expect_number(
        attempt, 1.0, "A step makes w into (1 − 2 · lr) · w. It shrinks while |1 − 2 · lr| < 1."
    )


def repaired_training(attempt: Any) -> None:
    expect_function(attempt)
    w = Value(1.0, "w")
    losses = [attempt(w, 0.1) for _ in range(3)]
    for loss in losses:
        expect_something(loss)
    if w.data == 1.0:
        if w.grad == 0.0:
            raise NotYetError("w.data is as it was: the gradient was cleared before it was used.")
        raise NotYetError(
            "w.data is as it was. It has to get another number; w = ... would give the name to a "
            "new Value."
        )
    # w becomes 0.8 w at each step.
    for step, right in enumerate((1.0, 0.64, 0.4096)):
        expect_number(
            number_of(losses[step]),
            right,
            f"That is the loss of step {step}, which should be {right:g}: "
            "is the gradient cleared before each backward()?",
        )


def living_neuron(attempt: Any) -> None:
    bias = number_of(attempt)
    if not math.isfinite(bias):
        raise NotYetError("a bias is a finite number.")
    if any(-x1 - x2 + bias > 0.0 for x1, x2 in LAB.x):
        return
    raise NotYetError("z = −x1 − x2 + b is 0 or below for all four rows: still no gradient.")


NETWORKS = {
    "neuron by hand": Exercise(neuron_by_hand, "z = 0.5 is above 0, so relu passes it on."),
    "weights for OR": Exercise(
        weights_for_or, "One neuron is one straight line; OR needs no more."
    ),
    "gradient step": Exercise(gradient_step, "That is all that gradient descent does."),
    "parameter count": Exercise(parameter_count, "4 · (2 + 1) + 1 · (4 + 1) = 17."),
    "loss by hand": Exercise(
        loss_by_hand, "That is the plateau where many runs linger: always saying 0.5."
    ),
    "XOR by two neurons": Exercise(
        xor_by_two_neurons, "Two lines are enough, once something tells how to place them."
    ),
    "largest learning rate": Exercise(
        largest_learning_rate, "At 1 it jumps from w to −w for ever; above, it runs away."
    ),
    "repaired training": Exercise(repaired_training, "Gradients add up until they are cleared."),
    "living neuron": Exercise(
        living_neuron, "For one row at least z is above 0, so a gradient flows again."
    ),
}
