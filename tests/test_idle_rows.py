"""Rows whose loss is a choice that was not taken have no backward pass."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

import nn
from autodiff import Program, Value, compile, sqrt, where
from autodiff.compiler import llvm_functions, native
from autodiff.compiler.build import plan_rows
from autodiff.compiler.idle_rows import condition_of_rows
from autodiff.compiler.llvm import assembly_of
from tests.bits import all_bits
from tests.engines import InC, InJavaScript, javascripts_math, needs_cc, needs_llvmlite, needs_node

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


def rooted(score: Value, target: Value) -> Value:
    """Return a loss whose derivative is infinite where it is not taken."""
    return sqrt((1.0 - target * score).relu())


def program_of(loss: Loss, activation: str = "relu", engine: str = "python") -> Program:
    model = nn.MLP(2, [6, 1], activation=activation, rng=random.Random(3))
    inputs = [Value(0.0, "x1"), Value(0.0, "x2"), Value(1.0, "y")]
    updates = nn.SGD(model.parameters(), lr=0.05).updates
    output = loss(model(inputs[:2]), inputs[2])
    return compile(output, inputs=inputs, updates=updates, engine=engine)


def condition_of(program: Program) -> int | None:
    parts = program.expanded
    plan = plan_rows(parts)
    summed = [parts.gradients[leaf] for leaf in plan.means]
    return condition_of_rows(parts.linear, plan.rows, parts.output, summed)


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


@pytest.mark.thorough
@needs_cc
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("loss", [hinge, shifted_hinge, squared, leaky, chosen, rooted])
def test_c_has_pythons_bits_on_rows_of_either_kind(loss: Loss, activation: str) -> None:
    program = program_of(loss, activation)
    in_c = InC(program)
    numbers = [variable.data for variable in program.variables]
    for size in (1, 2, 5):
        for rows in (ROWS, [*ROWS, [math.nan, 0.0, 1.0], [math.inf, 1.0, 1.0]]):
            found = in_c.run_rows(3, numbers, rows, size)
            ((_, last),) = program.run_many(3, [numbers], rows, size)
            assert all_bits(found.parameters) == all_bits(last)


@needs_node
@javascripts_math()
def test_javascript_has_pythons_bits_on_rows_of_either_kind() -> None:
    program = program_of(hinge)
    numbers = [variable.data for variable in program.variables]
    found = InJavaScript(program).run_rows(3, numbers, ROWS, 2)
    assert all_bits(found.parameters) == all_bits(program.run_many(3, [numbers], ROWS, 2)[0][1])


def many_rows(seed: int, count: int = 40) -> list[list[float]]:
    """Return rows of which the first are far from the margin, and some have no finite number."""
    rng = random.Random(seed)
    rows = [
        [rng.gauss(0.0, 2.0), rng.gauss(0.0, 2.0), rng.choice([-1.0, 1.0])] for _ in range(count)
    ]
    far = [[50.0, 50.0, sign] for sign in [1.0, -1.0] for _ in range(9)]
    wild = [[math.inf, 0.0, 1.0], [math.nan, 1.0, 1.0], [1e300, -1e300, -1.0]]
    return [*far, *rows, *(wild if seed % 2 else [])]


@pytest.fixture(params=[(8, 10**9), (8, -1), (4, 10**9), (2, -1)], ids=str)
def one_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make loops of the smallest program, or none of any, for several widths of vectors."""
    width, most = request.param
    for limit in ("WRITTEN_OUT", "WRITTEN_OUT_OF_ROWS"):
        monkeypatch.setattr(llvm_functions, limit, most)
    monkeypatch.setattr(native, "lanes", lambda: width)
    monkeypatch.setattr(native, "exp_width", lambda: 0)


@needs_llvmlite
@pytest.mark.usefixtures("one_way")
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("loss", [hinge, shifted_hinge, squared, leaky, chosen, rooted])
def test_machine_code_has_pythons_bits_on_rows_of_either_kind(loss: Loss, activation: str) -> None:
    by_engine = [program_of(loss, activation, engine=engine) for engine in ("python", "native")]
    rng = random.Random(4)
    starts = [[rng.uniform(-1.0, 1.0) for _ in by_engine[0].variables] for _ in range(3)]
    for seed in range(4):
        for size in (7, 58):
            rows = many_rows(seed)
            wanted, found = [p.run_many(3, starts, rows, size) for p in by_engine]
            assert [all_bits([*a, *b]) for a, b in found] == [all_bits([*a, *b]) for a, b in wanted]
            alone = by_engine[1].run_many(3, starts[:1], rows, size)
            assert all_bits(alone[0][1]) == all_bits(wanted[0][1])


@needs_llvmlite
def test_machine_code_leaves_the_gradients_of_a_hinge_out_where_no_row_has_any() -> None:
    assert "label %gradients" in assembly_of(program_of(hinge).expanded, 8).text
    assert "label %gradients" not in assembly_of(program_of(squared).expanded, 8).text
