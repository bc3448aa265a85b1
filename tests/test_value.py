"""Value: what it holds, how arithmetic makes nodes, how it compares, shows itself and is copied."""

from __future__ import annotations

import copy
import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff import Value, weighted_sum
from autodiff.ops import OPERATIONS
from autodiff.support.node import NOT_LISTED
from autodiff.value import constant
from tests.bits import all_bits, same_bits

inf, nan = math.inf, math.nan

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": operator.pow,
}


# ---- What it holds --------------------------------------------------------------------------


def test_a_new_value_is_a_leaf_with_its_number_and_a_zero_gradient() -> None:
    x = Value(2.5)
    assert (x.data, x.grad, x.op, x.parents, x.label) == (2.5, 0.0, None, (), "")
    assert x.is_leaf
    assert not x.is_constant
    assert not x.has_grad


def test_a_label_is_given_by_position_or_by_name_and_can_be_changed() -> None:
    x = Value(1.0, "x")
    assert x.label == Value(1.0, label="x").label == "x"
    x.label = "other"
    assert x.label == "other"


@pytest.mark.parametrize("number", [3, True, Fraction(1, 2), 0.1, -0.0, inf, nan, 10**300])
def test_every_real_number_is_stored_as_a_float(number: Any) -> None:
    for leaf in (Value(number), constant(number)):
        assert type(leaf.data) is float
        assert same_bits(leaf.data, float(number))


def test_numpy_scalars_are_stored_as_floats() -> None:
    numpy = pytest.importorskip("numpy", reason="tests what NumPy's numbers become")
    for scalar in (numpy.float64(0.1), numpy.float32(0.1), numpy.int64(3), numpy.uint8(3)):
        assert type(Value(scalar).data) is float
        assert Value(scalar).data == float(scalar)


def test_a_numpy_array_is_a_type_error_that_names_what_came() -> None:
    numpy = pytest.importorskip("numpy", reason="tests that NumPy's arrays are refused")
    for array in (numpy.ones(3), numpy.ones(1), numpy.array(1.0)):
        with pytest.raises(TypeError, match="Value needs a real number, but got the ndarray"):
            Value(array)


# ---- Arithmetic makes nodes -----------------------------------------------------------------


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("number", [7, 7.0, True, Fraction(7, 2)])
def test_a_number_on_either_side_becomes_a_constant_in_its_place(name: str, number: Any) -> None:
    x = Value(3.0)
    for node, place in ((OPERATORS[name](x, number), 1), (OPERATORS[name](number, x), 0)):
        operand = node.parents[place]
        assert operand.is_constant
        assert type(operand.data) is float
        assert operand.data == float(number)
        assert node.parents[1 - place] is x
        assert node.data == OPERATIONS[name].forward(*[parent.data for parent in node.parents])


@pytest.mark.parametrize("name", OPERATORS)
def test_numpy_scalars_on_either_side_become_constants(name: str) -> None:
    numpy = pytest.importorskip("numpy", reason="tests what NumPy's numbers become")
    x = Value(3.0)
    for scalar in (numpy.float64(0.5), numpy.float32(0.5), numpy.int64(5)):
        for node in (OPERATORS[name](x, scalar), OPERATORS[name](scalar, x)):
            assert type(node) is Value
            assert type(node.data) is float
            assert {parent is x or parent.is_constant for parent in node.parents} == {True}


@pytest.mark.parametrize("name", OPERATORS)
def test_numpy_arrays_on_either_side_give_an_array_of_values(name: str) -> None:
    numpy = pytest.importorskip("numpy", reason="tests what NumPy's arrays become")
    array, x = numpy.array([0.5, 3.0]), Value(2.0)
    for operands in ((x, array), (array, x)):
        found = OPERATORS[name](*operands)
        numbers = [
            OPERATORS[name](*(each.data if each is x else n for each in operands)) for n in array
        ]
        assert [type(each) for each in found] == [Value, Value]
        assert [each.data for each in found] == numbers


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("thing", ["1", 1j, None, [1.0], {}], ids=repr)
def test_an_operand_that_is_no_number_is_a_type_error_naming_both(name: str, thing: Any) -> None:
    # for a str or list beside + or *, Python says "sequence", or names it first
    kind = type(thing).__name__
    for operands in ((Value(1.0), thing), (thing, Value(1.0))):
        with pytest.raises(TypeError) as raised:
            OPERATORS[name](*operands)
        message = str(raised.value)
        assert "Value" in message
        assert kind in message or "sequence" in message


@pytest.mark.parametrize("two", [2, 2.0])
def test_the_square_is_an_operation_of_its_own_with_one_operand(two: float) -> None:
    x = Value(-3.0)
    squared = x**two
    assert (squared.op, squared.data, squared.parents) == (OPERATIONS["square"], 9.0, (x,))


def test_a_value_as_exponent_stays_an_operand_even_where_it_is_two() -> None:
    x, two = Value(-3.0), Value(2.0)
    assert (x**two).op is OPERATIONS["pow"]
    assert (x**two).parents == (x, two)


@given(a=st.floats())
def test_the_square_has_the_same_bits_whichever_way_it_is_written(a: float) -> None:
    x = Value(a)
    assert same_bits((x**2).data, (x * x).data)
    assert same_bits((x**2).data, (x ** Value(2.0)).data)


def test_sums_of_values_start_from_the_builtin_zero() -> None:
    values = [Value(1.0), Value(2.0), Value(3.5)]
    total = sum(values)
    assert isinstance(total, Value)
    assert total.data == 6.5


def test_weighted_sum_is_one_node_with_bias_weights_and_inputs_as_parents() -> None:
    bias, weights, inputs = Value(0.1), [Value(0.2), Value(0.3)], [Value(0.7), Value(-1.1)]
    node = weighted_sum(bias, weights, inputs)
    assert node.op is OPERATIONS["weighted_sum"]
    assert node.parents == (bias, *weights, *inputs)
    assert same_bits(node.data, 0.1 + 0.2 * 0.7 + 0.3 * -1.1)


@pytest.mark.parametrize("three", [3, 3.0, Fraction(3)], ids=repr)
def test_a_number_in_a_weighted_sum_is_a_constant(three: Any) -> None:
    x = Value(2.0)
    sums = [
        weighted_sum(three, [x], [x]),
        weighted_sum(x, [three], [x]),
        weighted_sum(x, [x], [three]),
    ]
    assert [node.data for node in sums] == [7.0, 8.0, 8.0]
    for place, node in enumerate(sums):
        assert [parent.is_constant for parent in node.parents] == [place == k for k in range(3)]
        node.backward()
    assert x.grad == (2.0 + 2.0) + (1.0 + 3.0) + (1.0 + 3.0)


# ---- Comparison, identity, conversion -------------------------------------------------------

COMPARISONS = (operator.lt, operator.le, operator.gt, operator.ge)


@pytest.mark.parametrize("comparison", COMPARISONS)
@given(a=st.floats() | st.sampled_from([0.0, 1.0]), b=st.floats() | st.sampled_from([-0.0, 1.0]))
def test_values_and_numbers_compare_as_their_numbers_do(
    comparison: Callable[[Any, Any], Any], a: float, b: float
) -> None:
    expected = comparison(a, b)
    assert comparison(Value(a), Value(b)) is expected
    assert comparison(Value(a), b) is expected
    assert comparison(a, Value(b)) is expected


@pytest.mark.parametrize("comparison", COMPARISONS)
@pytest.mark.parametrize("thing", ["1", None, 1j, [1.0]], ids=repr)
def test_comparing_with_no_number_is_a_type_error_naming_both(
    comparison: Callable[[Any, Any], Any], thing: Any
) -> None:
    with pytest.raises(TypeError, match=f"'Value' and '{type(thing).__name__}'"):
        comparison(Value(1.0), thing)


def test_builtin_max_min_and_sorted_go_by_the_numbers() -> None:
    small, middle, large = Value(-1.0), Value(0.0), Value(2.0)
    assert max(middle, large, small) is large
    assert min(middle, large, small) is small
    assert sorted([large, small, middle]) == [small, middle, large]


def test_equality_and_hash_are_those_of_the_object() -> None:
    one, other = Value(1.0), Value(1.0)
    assert one == one
    assert one != other
    assert one != 1.0
    assert len({one, other, one}) == 2
    before = hash(one)
    one.data, one.grad, one.label = 5.0, 6.0, "changed"
    assert hash(one) == before


@given(number=st.floats())
def test_item_gives_the_number_back(number: float) -> None:
    assert same_bits(Value(number).item(), number)
    assert type(Value(number).item()) is float


# ---- How it shows itself --------------------------------------------------------------------


def test_a_value_is_formatted_as_its_number() -> None:
    loss = Value(0.03125, "loss")
    assert f"{loss:.4f} {loss:9.2e}" == "0.0312  3.12e-02"  # a tie: the even digit
    assert f"{loss}" == repr(loss)
    with pytest.raises(ValueError, match="format code"):
        format(loss, "d")


def test_repr_shows_a_label_an_operation_and_a_gradient_where_there_is_one() -> None:
    x = Value(0.5, "x")
    y = x * x
    assert repr(x) == "Value(0.5, 'x')"
    assert repr(y) == "Value(0.25, op=mul)"
    y.label = "y"
    y.backward()
    assert repr(x) == "Value(0.5, 'x', grad=1)"
    assert repr(y) == "Value(0.25, 'y', op=mul, grad=1)"


def test_repr_tells_a_gradient_that_is_zero_from_one_not_computed() -> None:
    x, condition = Value(2.0), Value(3.0)
    (condition * 0 + x).backward()
    assert repr(condition) == "Value(3, grad=0)"
    x.grad = 0
    assert repr(x) == "Value(2, grad=0)"
    assert repr(Value(3.0)) == "Value(3)"


def test_repr_of_a_constant_says_that_it_is_one() -> None:
    assert repr((Value(1.0) * 3).parents[1]) == "Constant(3)"
    assert repr(constant(2)) == "Constant(2)"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        *((2.0, "2"), (1 / 3, "0.333333"), (1e-9, "1e-09"), (123456789.0, "1.23457e+08")),
        *((-0.0, "-0"), (inf, "inf"), (-inf, "-inf"), (nan, "nan")),
    ],
)
def test_repr_has_six_significant_digits(number: float, shown: str) -> None:
    assert repr(Value(number)) == f"Value({shown})"


def test_repr_stays_one_short_line_however_large_the_graph_behind_it() -> None:
    v = Value(1.0)
    for _ in range(5000):
        v = v + 1.0
    assert repr(v) == "Value(5001, op=add)"


# ---- Copies of one Value (of whole graphs: test_pickling.py) --------------------------------


def test_a_shallow_copy_is_another_node_with_the_same_parents() -> None:
    x = Value(0.5, "x")
    y = x * 3
    y.label = "y"
    y.backward()
    twin = copy.copy(y)
    assert twin is not y
    assert twin != y
    assert (twin.data, twin.grad, twin.op, twin.label) == (y.data, y.grad, y.op, y.label)
    assert all(one is other for one, other in zip(twin.parents, y.parents, strict=True))
    twin.data = 100.0
    assert y.data == 1.5


def test_a_shallow_copy_is_a_constant_or_has_no_gradient_as_the_value_is() -> None:
    assert not copy.copy(Value(1.0)).has_grad
    assert copy.copy(constant(2.0)).is_constant


def test_arithmetic_changes_none_of_its_operands() -> None:
    numbers = [0.1, -2.0, 3.5]
    values = [Value(number, f"x{place}") for place, number in enumerate(numbers)]
    a, b, c = values
    (a * b + c / a - b**2 + abs(c).tanh()).backward()
    assert all_bits(value.data for value in values) == all_bits(numbers)
    assert [value.label for value in values] == ["x0", "x1", "x2"]
    assert all(value.is_leaf for value in values)


# ---- Names that programs written for micrograd read -----------------------------------------


def test_prev_is_the_parents_and_keeps_both_edges_of_x_plus_x() -> None:
    x = Value(1.0)
    assert (x + x)._prev == (x, x)
    assert x._prev == ()


def test_op_is_empty_for_a_leaf_and_the_symbol_for_a_node() -> None:
    x = Value(2.0)
    assert x._op == ""
    nodes = (x + 1, x - 1, x * 3, x / 3, -x, x**2, x**3, x.relu(), x.tanh(), x.exp())
    symbols = ["+", "-", "*", "/", "-", "**2", "**", "relu", "tanh", "exp"]
    assert [node._op for node in nodes] == symbols


def test_dir_lists_what_a_person_wants_and_nothing_by_another_engines_name() -> None:
    class Own(Value):
        def own_method(self) -> None:
            """Do nothing."""

    listed = set(dir(Own(1.0)))
    assert {"data", "grad", "op", "parents", "name", "label", "backward", "own_method"} <= listed
    assert not listed & NOT_LISTED
    for name in NOT_LISTED:  # they are all there nevertheless
        assert hasattr(Value(1.0), name)


def test_a_value_is_asked_whether_it_is_true_as_often_as_one_likes() -> None:
    x = Value(2.0)
    assert [bool(x * 0.5), bool(x), bool(x), bool(Value(0.0))] == [True, True, True, False]
