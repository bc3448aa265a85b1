"""The gradients that updates calculate with: their numbers, and their graphs if asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from autodiff import Value, compile, grad, where
from autodiff.ops import MUL, Operation
from tests.bits import all_bits

Gradients = Mapping[Value, Value]


def test_updates_see_the_gradients_numbers_of_now_and_no_gradient_is_changed() -> None:
    w, x, apart = Value(3.0, "w"), Value(0.0, "x"), Value(1.0, "apart")
    loss = where(x, w * x, w * w + x) + 0.0 * apart
    loss.backward()
    w.data, before = 5.0, [node.grad for node in (w, x, apart, loss)]
    seen: list[float] = []

    def updates(gradients: Gradients) -> dict[Value, Value]:
        seen.extend(float(gradients[variable].data) for variable in (w, x, apart))
        return {}

    with pytest.warns(match="reads a Value's number"):
        compile(loss, updates=updates)
    assert seen == [10.0, 1.0, 0.0]
    assert [node.grad for node in (w, x, apart, loss)] == before


def test_a_gradient_that_nothing_reaches_is_zero_to_updates() -> None:
    x, y = Value(-1.0, "x"), Value(2.0, "y")
    seen: list[float] = []

    def updates(gradients: Gradients) -> dict[Value, Value]:
        seen.append(gradients[y].data)
        return {}

    with pytest.warns(match="reads a Value's number"):
        compile(where(x, y, x), updates=updates)
    assert all_bits(seen) == all_bits([0.0])


def test_a_gradient_is_nan_to_updates_where_a_rule_has_none() -> None:
    def rule(_: float, x: float) -> tuple[float]:
        return (1.0 / math.sqrt(x),)

    reciprocal = Operation("reciprocal_root", "reciprocal_root", 1, lambda x: x, rule)
    x = Value(0.0, "x")
    seen: list[float] = []

    def updates(gradients: Gradients) -> dict[Value, Value]:
        seen.append(gradients[x].data)
        return {}

    with pytest.warns(match="reads a Value's number"):
        compile(reciprocal.apply(x), updates=updates)
    assert math.isnan(seen[0])


@pytest.mark.parametrize("name", ["newton", "of a variable", "of a constant"])
def test_a_gradient_can_be_differentiated_in_updates(name: str) -> None:
    """Newton's method finds the minimum of a quadratic in one step, whatever its curvature."""
    w, v = Value(3.0, "w"), Value(2.0, "v")
    loss, step = {
        "newton": ((w - 7.0) ** 2 * 2.5 + v * v, 7.0),
        "of a variable": (w * v, 3.0 - 2.0 / 1.0),
        "of a constant": (2.0 * w + v, 3.0 - 2.0 / 1.0),
    }[name]

    def updates(gradients: Gradients) -> dict[Value, Value]:
        assert gradients[w].parents
        if name == "newton":
            return {w: w - gradients[w] / grad(gradients[w], w)}
        (by_w, by_v) = grad(gradients[w], [w, v])
        curvature = by_w + (by_v if name == "of a variable" else 1.0)
        return {w: w - gradients[w] / curvature}

    program = compile(loss, updates=updates)
    program.run(1)
    assert w.data == step


def test_the_gradients_of_a_penalty_can_be_differentiated_too() -> None:
    w, x = Value(3.0, "w"), Value(0.0, "x")

    def updates(gradients: Gradients) -> dict[Value, Value]:
        return {w: grad(gradients[w], w) + 0.0 * w}

    program = compile(w * x, [x], updates, penalty=w * w * 0.5)
    program.run(1, [[1.0]])
    assert w.data == 1.0


def test_a_rule_that_uses_a_variable_of_the_program_is_a_graph_of_it() -> None:
    slope, x = Value(2.0, "slope"), Value(3.0, "x")

    def rule(*_: object) -> tuple[Value]:
        return (slope * 1.0,)

    own = Operation("sloped", "sloped", 1, lambda x: 2.0 * x, rule)
    program = compile(own.apply(x) + 0.0 * slope, updates=lambda g: {x: x - g[x]})
    program.run(1)
    assert x.data == 1.0


def test_a_rule_of_the_library_serves_a_function_that_takes_few_numbers() -> None:
    def product_of_whole_numbers(a: float, b: float) -> float:
        if not (a.is_integer() and b.is_integer()):
            raise ValueError("not whole")
        return a * b

    own = Operation("whole_product", "whole_product", 2, product_of_whole_numbers, MUL.partials)
    x = Value(3.0, "x")
    program = compile(own.apply(x, x), updates=lambda g: {x: x - g[x]})
    program.run(1)
    assert x.data == -3.0


def test_a_program_of_a_leaf_has_the_gradient_one() -> None:
    x = Value(3.0, "x")
    program = compile(x, updates=lambda gradients: {x: x - 0.5 * gradients[x]})
    assert program.run(2) == [3.0, 2.5]
    assert compile(x, penalty=x, updates=lambda g: {x: x - g[x]}).run(1) == [4.0]


def test_output_and_penalty_may_be_one_graph() -> None:
    w, x = Value(3.0, "w"), Value(0.0, "x")
    cost = w * w
    program = compile(cost, [x], lambda g: {w: w - 0.25 * g[w]}, penalty=cost)
    assert program.run(1, [[1.0], [2.0]]) == [18.0]
    assert w.data == 0.0
    assert "def update" in program.source


def test_data_that_is_no_number_is_refused_with_and_without_updates() -> None:
    x = Value(3.0, "x")
    square = x * x
    x.data = "three"  # type: ignore[assignment]
    for updates in (None, dict):
        with pytest.raises(TypeError, match="three"):
            compile(square, updates=updates)
