"""Rows whose loss is a choice that was not taken have no backward pass in C and JavaScript."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

import nn
from autodiff import Program, Value, compile, where
from autodiff.compiler.build import plan_rows
from autodiff.compiler.idle_rows import condition_of_rows
from tests.bits import all_bits
from tests.engines import InC, InJavaScript, javascripts_math, needs_cc, needs_node

ROWS = [[0.5, -1.0, 1.0], [2.0, 0.25, -1.0], [30.0, 1.0, 1.0], [-40.0, 2.0, 1.0], [0.0, 0.0, -1.0]]

Loss = Callable[[Value, Value], Value]


def hinge(score: Value, target: Value) -> Value:
    return (1.0 - target * score).relu()


def shifted_hinge(score: Value, target: Value) -> Value:
    """Return a loss that is a choice by a number that is not above 0 on some rows."""
    return where(1.0 - target * score, score * score, 2.0) * 3.0


def squared(score: Value, target: Value) -> Value:
    return (score - target) ** 2


def leaky(score: Value, target: Value) -> Value:
    return (1.0 - target * score).leaky_relu()


def chosen(score: Value, target: Value) -> Value:
    """Return one of two losses, both of which have gradients."""
    return where(target, score * score, score * 2.0)


def program_of(loss: Loss, activation: str = "relu", hidden: int = 6) -> Program:
    model = nn.MLP(2, [hidden, 1], activation=activation, rng=random.Random(3))
    inputs = [Value(0.0, "x1"), Value(0.0, "x2"), Value(1.0, "y")]
    updates = nn.SGD(model.parameters(), lr=0.05).updates
    return compile(loss(model(inputs[:2]), inputs[2]), inputs=inputs, updates=updates)


def condition_of(program: Program) -> int | None:
    parts = program.expanded
    plan = plan_rows(parts)
    summed = [parts.gradients[leaf] for leaf in plan.means]
    return condition_of_rows(parts.linear, plan.rows, summed)


@pytest.mark.parametrize("loss", [hinge, shifted_hinge])
def test_the_condition_is_what_the_loss_chooses_by(loss: Loss) -> None:
    program = program_of(loss)
    place = condition_of(program)
    assert place is not None
    assert program.to_c().count("> 0.0) {") == 1


@pytest.mark.parametrize("loss", [squared, leaky])
def test_a_loss_that_always_has_a_gradient_has_no_condition(loss: Loss) -> None:
    program = program_of(loss, "tanh")
    assert condition_of(program) is None
    assert "> 0.0) {" not in program.to_c()


def test_a_program_without_gradients_has_no_condition() -> None:
    x = Value(1.0, "x")
    program = compile(x.relu(), inputs=[x])
    assert condition_of(program) is None


@needs_cc
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("loss", [hinge, shifted_hinge, squared, leaky, chosen])
def test_c_has_pythons_bits_on_rows_of_either_kind(loss: Loss, activation: str) -> None:
    program = program_of(loss, activation)
    numbers = [variable.data for variable in program.variables]
    for size in (1, 2, 5):
        for rows in (ROWS, [*ROWS, [math.nan, 0.0, 1.0], [math.inf, 1.0, 1.0]]):
            found = InC(program).run_rows(3, numbers, rows, size)
            ((_, last),) = program.run_many(3, [numbers], rows, size)
            assert all_bits(found.parameters) == all_bits(last)


@needs_node
@javascripts_math()
def test_javascript_has_pythons_bits_on_rows_of_either_kind() -> None:
    program = program_of(hinge)
    numbers = [variable.data for variable in program.variables]
    found = InJavaScript(program).run_rows(3, numbers, ROWS, 2)
    assert all_bits(found.parameters) == all_bits(program.run_many(3, [numbers], ROWS, 2)[0][1])
