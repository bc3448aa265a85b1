"""record_epochs: time travel through the epochs that a loop ran, exact in both directions."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given

import nn
from autodiff import (
    AnomalyError,
    Trace,
    Value,
    backward_steps,
    detect_anomaly,
    explain,
    record_epochs,
    topological_order,
)
from autodiff.debug.epochs import EpochRecorder
from autodiff.debug.phases import ForwardStep, UpdateStep
from autodiff.ops import Operation
from autodiff.support import watch
from demos.lab import LAB
from demos.one_row import lab_model
from tests.bits import bits
from tests.random_graphs import Recipe, built, wild_recipes

State = list[tuple[bytes, bytes | None]]


def state_of(root: Value) -> State:
    """Return each node's number and gradient, as bits."""
    return [
        (bits(node.data), bits(node.grad) if node.has_grad else None)
        for node in topological_order(root)
    ]


def state_in(trace: Trace, epoch: int) -> State:
    """Return what a trace has at the end of an epoch's backward pass."""
    trace.goto(0, "update", epoch=epoch)
    with trace.shown():
        return state_of(trace.root)


def lab_loss(model: nn.MLP) -> Value:
    return nn.mse_loss([model(row) for row in LAB.x], LAB.y)


def training(model: nn.MLP, epochs: int) -> Iterator[Value]:
    """Train as the lab does; yield each loss between the backward pass and the update."""
    optimizer = nn.SGD(model.parameters(), lr=LAB.learning_rate)
    for _ in range(epochs):
        loss = lab_loss(model)
        optimizer.zero_grad()
        loss.backward()
        yield loss
        optimizer.step()


# --------------------------------------------------------------------------------------------
# Exact
# --------------------------------------------------------------------------------------------


def test_every_epoch_of_the_lab_has_the_bits_that_the_program_had() -> None:
    with record_epochs() as trace:
        states = [state_of(loss) for loss in training(lab_model(), 50)]
    assert trace.epochs == 50
    order = list(range(50))
    random.Random(1).shuffle(order)
    for epoch in order:
        assert state_in(trace, epoch) == states[epoch]


def test_what_is_recorded_trains_as_what_is_not() -> None:
    expected = [state_of(loss) for loss in training(lab_model(), 20)]
    with record_epochs():
        assert [state_of(loss) for loss in training(lab_model(), 20)] == expected


@given(recipe=wild_recipes())
def test_any_graph_is_the_pass_that_backward_made(recipe: Recipe) -> None:
    root = built(recipe)[-1]
    with record_epochs() as trace:
        root.backward()
    assert state_in(trace, 0) == state_of(root)
    # Each step is that of backward_steps.
    trace.goto(0, "backward")
    assert [str(step) for step in trace] == [
        str(step) for step in backward_steps(root, hooks=False)
    ]
