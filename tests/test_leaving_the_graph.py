"""A Value does not become a number behind one's back, and NumPy's object arrays hold Values."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any

import pytest

from autodiff import Value, exp, grad, sin

LEAVES: dict[str, Callable[[Value], Any]] = {
    "float": float,
    "int": int,
    "round": round,
    "round to 2": lambda v: round(v, 2),
    "complex": complex,
    "math.exp": math.exp,
    "math.pow": lambda v: math.pow(v, 2.0),
    "math.hypot": lambda v: math.hypot(v, 1.0),
    "math.floor": math.floor,
    "math.fsum": lambda v: math.fsum([v, v]),
    "statistics.fmean": lambda v: statistics.fmean([v, v]),
    "range": range,
    "list index": lambda v: [1, 2, 3][v],
}


@pytest.mark.parametrize("leave", LEAVES.values(), ids=LEAVES)
def test_what_would_lose_the_gradient_without_a_word_is_refused(
    leave: Callable[[Value], Any],
) -> None:
    with pytest.raises(TypeError):
        leave(Value(2.0, "v"))


@pytest.mark.parametrize("leave", [float, int, round, math.exp, statistics.fmean])
def test_the_error_says_both_cures_with_the_value_s_name(leave: Callable[[Any], Any]) -> None:
    v = Value(2.0, "rate")
    with pytest.raises(TypeError, match=r"rate\.data") as refused:
        leave([v, v] if leave is statistics.fmean else v)
    cure = "autodiff.pick(rate, values)" if leave is int else "autodiff.exp"
    assert cure in str(refused.value)
    assert "gradient would be lost" in str(refused.value)


def test_what_shows_orders_and_adds_values_stays() -> None:
    a, b = Value(3.0, "a"), Value(1.0, "b")
    assert f"{a:.4f}" == "3.0000"
    assert sorted([a, b]) == [b, a]
    assert max(a, b) is a
    assert min(a, 2.0) == 2.0
    assert a > b >= 1.0
    total = sum([a, b])
    total.backward()
    assert (a.grad, b.grad) == (1.0, 1.0)


def test_item_is_the_number_and_detach_a_constant_with_it() -> None:
    x = Value(3.0, "x")
    assert (x.item(), type(x.item())) == (3.0, float)
    frozen = x.detach()
    assert frozen.is_constant
    product = x * frozen  # d/dx of x times a constant 3
    product.backward()
    assert (product.data, x.grad) == (9.0, 3.0)
    assert grad(product, x).data == 3.0


def test_the_truth_of_a_value_is_that_of_its_number() -> None:
    assert [bool(Value(number)) for number in (0.0, -0.0, 1.0, math.nan)] == [
        bool(number) for number in (0.0, -0.0, 1.0, math.nan)
    ]


def test_a_float_array_takes_no_value() -> None:
    numpy = pytest.importorskip("numpy", reason="arrays are NumPy's")
    v = Value(2.0, "v")
    cells = numpy.zeros(2)
    with pytest.raises((TypeError, ValueError)) as refused:
        cells[0] = v
    assert "v.data" in f"{refused.value} {refused.value.__cause__}"
    with pytest.raises((TypeError, ValueError)):
        numpy.array([v, v], dtype=float)
    assert cells.tolist() == [0.0, 0.0]


def test_numpy_s_object_arrays_work_elementwise() -> None:
    numpy = pytest.importorskip("numpy", reason="arrays are NumPy's")
    v, w = Value(2.0, "v"), Value(0.5, "w")
    for scaled in (numpy.array([1.0, 3.0]) * v, v * numpy.array([1.0, 3.0])):
        assert [type(each) for each in scaled] == [Value, Value]
        assert [each.data for each in scaled] == [2.0, 6.0]
    assert (numpy.float64(3.0) * v).data == 6.0

    values = numpy.array([v, w], dtype=object)
    assert [each.data for each in numpy.exp(values)] == [exp(2.0), exp(0.5)]
    dot = numpy.dot(values, numpy.array([w, v], dtype=object)) + numpy.sin(values).sum()
    dot.backward()  # 2vw + sin v + sin w
    assert dot.data == 2.0 * 2.0 * 0.5 + (sin(2.0) + sin(0.5))
    assert v.grad == 0.5 + 0.5 + math.cos(2.0)
    assert w.grad == 2.0 + 2.0 + math.cos(0.5)


def test_equality_is_that_of_the_object_and_the_documentation_says_so() -> None:
    v = Value(2.5)
    assert (v == 2.5, 2.5 in [v], v != 2.5, v == Value(2.5)) == (False, False, True, False)
    assert v == v
    assert v in {v}
    assert (v < 3.0, v > 2.5, v.data == 2.5) == (True, False, True)
    assert "``x == 3.0`` objects: write ``x.data == 3.0``" in (Value.__doc__ or "")
