"""Programs written for other scalar engines run on autodiff, unchanged but for the import.

``tests/programs`` has five, each for one of two engines of forty lines.  What a program prints on
autodiff is compared with what it prints on its own engine, which shares nothing with autodiff, and
is itself compared with central differences here.

The last bits differ for three reasons and no other.  autodiff divides where the two engines
multiply by a power of -1; it multiplies where they take a power of 2; and it adds up what one
backward pass brings before it adds what was there.  With these three done autodiff's way, on
engines otherwise untouched, all numbers are the same bits.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import cache, partialmethod
from typing import Any

import pytest

import autodiff
from benchmarks import programs
from tests.programs.forty_lines import Closures, StoredDerivatives
from tests.programs.runner import WRITTEN_FOR, Run, path_of, run

every_program = pytest.mark.parametrize("program", WRITTEN_FOR)
each_engine = pytest.mark.parametrize("engine", [StoredDerivatives, Closures])

# Each of the three roundings is half a unit in the last place; up to a hundred steps of training
# pass them on.  The worst program is 1.5e-13 away.
RELATIVE = 1e-12


# ---- the programs --------------------------------------------------------------------------


@cache
def ran(program: str, value: type) -> Run:
    """Return a program's run on an engine; it is run once."""
    return run(program, value)


def trained(of: Run) -> list[float]:
    """Return every loss of a run, and the parameters after it."""
    return [*of.variables["losses"], *[p.data for p in of.variables["parameters"]]]


@every_program
def test_a_program_prints_the_same_on_autodiff_as_on_its_own_engine(program: str) -> None:
    assert ran(program, autodiff.Value).text == ran(program, WRITTEN_FOR[program]).text


@every_program
def test_a_program_really_ran_on_the_engine_that_it_was_given(program: str) -> None:
    for value in (WRITTEN_FOR[program], autodiff.Value):
        variables = ran(program, value).variables
        assert variables["Value"] is value
        assert all(isinstance(p, value) for p in variables["parameters"])


@every_program
def test_a_program_s_numbers_differ_by_roundings_alone(program: str) -> None:
    on_autodiff, on_its_own = (
        trained(ran(program, value)) for value in (autodiff.Value, WRITTEN_FOR[program])
    )
    largest = max(map(abs, on_its_own))
    assert on_autodiff == pytest.approx(on_its_own, rel=RELATIVE, abs=RELATIVE * largest)


@pytest.mark.unmeasured
@pytest.mark.thorough
@every_program
def test_with_quotients_squares_and_sums_done_alike_the_numbers_are_the_same_bits(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_autodiff = ran(program, autodiff.Value)
    round_as_autodiff(WRITTEN_FOR[program], monkeypatch)
    assert trained(on_autodiff) == trained(run(program, WRITTEN_FOR[program]))


@every_program
def test_a_program_learns(program: str) -> None:
    losses = ran(program, WRITTEN_FOR[program]).variables["losses"]
    third = len(losses) // 3
    assert sum(losses[-third:]) < sum(losses[:third])


@every_program
def test_a_program_names_no_engine_but_in_its_import(program: str) -> None:
    text = path_of(program).read_text(encoding="utf-8")
    assert text.count("from engine import Value\n") == 1
    for other in ("autodiff", "forty_lines", "StoredDerivatives", "Closures"):
        assert other not in text


# ---- the engines of forty lines ------------------------------------------------------------


def round_as_autodiff(engine: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an engine divide, square and add passes up as autodiff does; all else stays as it was."""
    raised: Callable[[Any, float], Any] = engine.__pow__
    passed_back: Callable[[Any], None] = engine.backward

    def node(data: float, operands: tuple[Any, ...], locals_: tuple[float, ...]) -> Any:
        if engine is StoredDerivatives:
            return engine(data, operands, locals_)
        out = engine(data, operands, "by hand")

        def pass_on() -> None:
            for operand, local in zip(operands, locals_, strict=True):
                operand.grad += local * out.grad

        out._backward = pass_on
        return out

    def divided(a: Any, b: Any) -> Any:
        a, b = (x if isinstance(x, engine) else engine(x) for x in (a, b))
        quotient = a.data / b.data
        return node(quotient, (a, b), (1.0 / b.data, -quotient / b.data))

    def divided_by(b: Any, a: Any) -> Any:
        return divided(a, b)

    def power(x: Any, exponent: float) -> Any:
        if exponent == 2:
            return node(x.data * x.data, (x,), (2.0 * x.data,))
        return raised(x, exponent)

    def backward(root: Any) -> None:
        before = [(leaf, leaf.grad) for leaf in leaves(root)]
        for leaf, _ in before:
            leaf.grad = 0
        passed_back(root)
        for leaf, gradient in before:
            leaf.grad = gradient + leaf.grad

    monkeypatch.setattr(engine, "__truediv__", divided)
    monkeypatch.setattr(engine, "__rtruediv__", divided_by)
    monkeypatch.setattr(engine, "__pow__", power)
    monkeypatch.setattr(engine, "backward", backward)


def operands(node: Any) -> tuple[Any, ...]:
    """Return a node's operands, by the name that its engine has for them."""
    return node._children if isinstance(node, StoredDerivatives) else node._prev


def leaves(root: Any) -> list[Any]:
    """Return the nodes below a root that have no operands."""
    seen, stack = {root}, [root]
    while stack:
        for child in operands(stack.pop()):
            if child not in seen:
                seen.add(child)
                stack.append(child)
    return [node for node in seen if not operands(node)]


def everything(a: Any, b: Any) -> Any:
    """An expression of every operator that both engines have."""
    difference = (a - b * 3) * -a + 2 / (b + 1) - (5 - a) / b
    return difference**2 + b**-0.5 + 1.5 * a**3 - difference / 7 + (a * b).relu()


@each_engine
def test_the_engines_of_forty_lines_have_the_slopes_of_central_differences(engine: type) -> None:
    def plain(a: float, b: float) -> float:
        return float(everything(Plain(a), Plain(b)))

    a, b, step = engine(1.3), engine(0.7), 1e-5
    out = everything(a, b)
    out.backward()
    assert out.data == pytest.approx(plain(1.3, 0.7), rel=1e-14)
    by_a = (plain(1.3 + step, 0.7) - plain(1.3 - step, 0.7)) / (2 * step)
    by_b = (plain(1.3, 0.7 + step) - plain(1.3, 0.7 - step)) / (2 * step)
    assert (a.grad, b.grad) == (pytest.approx(by_a, rel=1e-8), pytest.approx(by_b, rel=1e-8))


class Plain(float):
    """A float with ``relu``; its arithmetic is Python's."""

    def __mul__(self, other: float) -> Plain:
        return Plain(float(self) * other)

    def relu(self) -> float:
        return max(0.0, float(self))


def test_the_stored_derivatives_of_exp_and_log_are_their_slopes() -> None:
    x = StoredDerivatives(0.8)
    (x.exp() + x.log()).backward()
    assert x.grad == math.exp(0.8) + 1 / 0.8


# ---- what such programs do beside it -------------------------------------------------------


def cube(Value: type, x: Any) -> Any:  # noqa: N803 (what every program calls it)
    """A node by hand, in the way of either engine."""
    slope = 3 * x.data * x.data
    if hasattr(Value(0), "_local_grads"):
        return Value(x.data**3, (x,), (slope,))
    return by_closure(Value, x, slope)


def cubed(x: Any, Value: type) -> Any:  # noqa: N803
    return cube(Value, x)


def by_closure(Value: type, x: Any, slope: float) -> Any:  # noqa: N803
    out = Value(x.data**3, (x,), "cube")

    def pass_on() -> None:
        x.grad += slope * out.grad

    out._backward = pass_on
    return out


def test_a_node_has_the_local_derivatives_that_it_was_given() -> None:
    for Value in (StoredDerivatives, autodiff.Value):  # noqa: N806
        x, y = Value(2), Value(3.0)
        out = Value(7, [x, y, x], [True, -0.5, 4])  # a list, an int, a bool, an operand twice
        (out * y).backward()
        assert (x.grad, y.grad, out.grad) == (3.0 * 1 + 3.0 * 4, -0.5 * 3.0 + 7.0, 3.0)
        assert list(out._children) == [x, y, x]
        assert list(out._local_grads) == [1.0, -0.5, 4.0]


def test_a_node_passes_its_gradient_on_by_the_function_that_it_was_given() -> None:
    for Value in (Closures, autodiff.Value):  # noqa: N806
        x = Value(2.0)
        out = by_closure(Value, x, 12.0) * x + x
        out.backward()
        assert x.grad == 12.0 * 2.0 + 8.0 + 1.0
        node = next(v for v in out._prev if v._op == "*")
        assert [v._op for v in node._prev] == ["cube", ""]


def test_what_a_node_by_hand_was_given_can_be_read() -> None:
    x = autodiff.Value(2.0)
    out = by_closure(autodiff.Value, x, 12.0)
    assert callable(out._backward)
    x._backward()  # a leaf has nobody to pass anything on to
    assert not x.has_grad
    with pytest.raises(AttributeError, match="takes no _backward: only a node made by hand"):
        x._backward = out._backward


@pytest.mark.parametrize("function", [None, print])
def test_a_node_by_hand_without_local_derivatives_has_none_to_show(function: Any) -> None:
    x = autodiff.Value(2.0)
    out = autodiff.Value(8.0, (x,), "cube")
    if function:
        out._backward = function
    has = "a _backward function" if function else "neither these nor a _backward"
    with pytest.raises(ValueError, match=f"no local derivatives to show.*with {has}"):
        assert out._local_grads
    if not function:
        with pytest.raises(ValueError, match="no local derivatives"):
            out.backward()


def test_a_node_by_hand_has_no_function_and_no_rule() -> None:
    operation = autodiff.Value(8.0, (autodiff.Value(2.0),), (12.0,)).op
    assert operation is not None
    with pytest.raises(ValueError, match="made by hand cannot be computed anew: write it with"):
        operation.forward(2.0)
    with pytest.raises(ValueError, match="made by hand has no rule: write it with"):
        operation.partials(8.0, 2.0)


def test_both_kinds_of_nodes_by_hand_work_in_one_graph() -> None:
    x = autodiff.Value(0.5)
    (cube(autodiff.Value, x) * by_closure(autodiff.Value, x, 0.75)).backward()
    assert x.grad == 2 * 0.75 * 0.125


def test_the_constructor_s_arguments_have_both_engines_names() -> None:
    x = autodiff.Value(2.0, label="x")
    given = autodiff.Value(data=8.0, children=(x,), local_grads=(12.0,))
    given.backward()
    assert (x.grad, x.label) == (12.0, "x")
    named = autodiff.Value(8.0, _children=(x,), _op="cube", label="y")
    assert (named._op, named.label, tuple(named._prev)) == ("cube", "y", (x,))
    assert autodiff.Value(8.0, (x,), "cube", "y").label == "y"


def test_a_leaf_may_have_a_name_in_the_place_of_an_operation() -> None:
    for Value in (Closures, autodiff.Value):  # noqa: N806
        x = Value(2.0, (), "input")
        (x * x).backward()
        assert (x._op, tuple(x._prev), x.grad) == ("input", (), 4.0)


def test_an_operation_s_local_derivatives_can_be_read() -> None:
    for Value in (StoredDerivatives, autodiff.Value):  # noqa: N806
        x, y = Value(2.0), Value(3.0)
        assert list((x * y)._local_grads) == [3.0, 2.0]
        assert (list(x._children), list(x._local_grads)) == ([], [])


def test_a_method_that_is_put_into_the_class_works_on_every_node(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for Value in (StoredDerivatives, Closures, autodiff.Value):  # noqa: N806
        monkeypatch.setattr(Value, "cubed", partialmethod(cubed, Value), raising=False)
        x = Value(2.0)
        (x * x).cubed().backward()
        assert x.grad == 6 * 2.0**5


def test_an_attribute_of_a_subclass_s_own_stays_with_its_value() -> None:
    for Value in (StoredDerivatives, Closures, autodiff.Value):  # noqa: N806
        x = type("Parameter", (Value,), {"__module__": __name__})(2.0)
        assert not hasattr(x, "velocity")
        x.velocity = 0.5
        (x * x).backward()
        assert x.velocity == 0.5
        assert copy.deepcopy(x).velocity == 0.5


class Doubled(autodiff.Value):
    """Has a sum and a product of its own, as subclasses in such programs do."""

    def __add__(self, other: Any) -> Any:
        return 2.0 * super().__add__(other).detach()

    def __mul__(self, other: Any) -> Any:
        return super().__mul__(2.0 * other)


def test_a_subclass_s_own_sum_and_product_serve_with_a_number_on_the_left_too() -> None:
    x = Doubled(3.0)
    assert ((x + 1.0).data, (1.0 + x).data) == (8.0, 8.0)
    assert ((x * 5.0).data, (5.0 * x).data) == (30.0, 30.0)


def test_a_label_taken_off_again_leaves_a_plain_variable() -> None:
    x = autodiff.Value(3.0)
    x.label = ""
    assert x.origin is autodiff.Value(3.0).origin


class Parameter:
    """Methods that a subclass of each engine's Value gets."""

    def __init__(self, data: float, *graph: Any, trained: bool = True) -> None:
        super().__init__(data, *graph)  # type: ignore[call-arg]
        self.trained = trained


def test_a_result_is_a_value_whatever_the_operands_subclass() -> None:
    for Value in (StoredDerivatives, Closures, autodiff.Value):  # noqa: N806
        subclass: Any = type("Parameter", (Parameter, Value), {})
        w, x = subclass(2.0, trained=False), Value(3.0)
        results = [w + x, x + w, w * w, -w, 1 - w, w / 2, w**2, w.relu(), sum([w, w])]
        assert {type(result) for result in results} == {Value}
        sum(results).backward()
        assert w.grad == pytest.approx(1 + 1 + 4 - 1 - 1 + 0.5 + 4 + 1 + 2)
        for copied in (copy.copy(w), copy.deepcopy(w)):
            assert (type(copied), copied.data, copied.trained) == (subclass, 2.0, False)


def test_a_gradient_may_be_set_and_scaled_as_any_number() -> None:
    for Value in (StoredDerivatives, Closures, autodiff.Value):  # noqa: N806
        x = Value(3)
        for start, expected in ((0, 6.0), (1, 7.0), (0.5, 6.5)):
            x.grad = start
            (x * x).backward()
            assert x.grad == expected
        x.grad *= 0.5
        assert x.grad == 3.25


def test_values_are_told_apart_by_what_they_are_and_ordered_by_their_numbers() -> None:
    for Value in (Closures, autodiff.Value):  # noqa: N806
        a, b, c = Value(1.0), Value(3.0), Value(1.0)
        assert max(a, b) is b
        assert min(2.0, b) == 2.0
        assert max(2.0, b) is b
        assert sorted([b, a, c]) == [a, c, b]
        assert [a, b, c].index(c) == 2
        assert len({a, b, c}) == 3
        assert c in {c: "found"}


# ---- the table of times --------------------------------------------------------------------


def test_the_table_has_a_row_for_every_program_with_its_ratio() -> None:
    seconds = dict.fromkeys(WRITTEN_FOR, (0.5, 0.25))
    heading, _, *rows = programs.times_table(seconds).splitlines()
    assert [row.split("|")[1].strip() for row in rows] == list(WRITTEN_FOR)
    assert {row.split("|")[-2].strip() for row in rows} == {"2.00"}
    assert "autodiff" in heading
