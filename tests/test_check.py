"""The checker is itself checked: it finds planted errors, and only those."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autodiff import GradientError, Value, check_gradients, cos, sin, where
from autodiff.debug.check import difference, has_kink, rounding_error
from autodiff.ops import OPERATIONS, Operation, Role
from tests.op_cases import OP_CASES


def cube(x: Any) -> Any:
    return x * x * x


def right(out: Any, x: Any) -> tuple[Any]:
    return (3.0 * x * x,)


def wrong_by_a_twentieth_of_a_percent(out: Any, x: Any) -> tuple[Any]:
    return (3.0015 * x * x,)


def wrong_in_sign(out: Any, x: Any) -> tuple[Any]:
    return (-3.0 * x * x,)


def right_but_off_the_graph(out: Any, x: Any) -> tuple[Any]:
    return (3.0 * float(x) * float(x),)


def cubed(partials: Callable[..., tuple[Any]], name: str = "cube") -> Callable[[Value], Value]:
    """Return a function of Values that applies an operation with that rule."""
    op = Operation(name, name, 1, cube, partials)

    def apply(x: Value) -> Value:
        return Value.make_node(op, x)

    return apply


# ---- Planted errors are found, and named ----------------------------------------------------


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("rule", [wrong_by_a_twentieth_of_a_percent, wrong_in_sign])
def test_a_wrong_rule_is_found_and_named(rule: Callable[..., tuple[Any]], order: int) -> None:
    planted = cubed(rule)

    def f(x: Value, y: Value) -> Value:
        return (x.exp() * y).tanh() + planted(x * y).sigmoid()

    with pytest.raises(GradientError) as caught:
        check_gradients(f, [Value(0.5, "weight"), 0.8], order)
    error = caught.value
    assert error.operation is not None
    assert error.operation.name == "cube"
    assert error.input == "weight"
    assert error.tolerance == 1e-6
    # What mathematics says, and what the wrong rule makes of it.
    a, b = 0.5, 0.8
    first = (1 - math.tanh(math.exp(a) * b) ** 2) * math.exp(a) * b
    s = 1 / (1 + math.exp(-((a * b) ** 3)))
    slope = {wrong_in_sign: -3.0}.get(rule, 3.0015)
    assert error.difference == pytest.approx(first + s * (1 - s) * 3.0 * (a * b) ** 2 * b, rel=1e-9)
    assert error.gradient == pytest.approx(
        first + s * (1 - s) * slope * (a * b) ** 2 * b, rel=1e-12
    )
    message = str(error)
    for part in (
        "d f/d weight is ",
        f"{error.gradient:.10g} by the rules",
        f"{error.difference:.10g} by differences",
        "tolerance 1e-06",
        "rule disagrees is cube",
    ):
        assert part in message
    assert f"{0.16 * slope:.10g} by the rules, but 0.48 by differences" in message


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_wrong_rule_is_found_at_any_scale(scale: float) -> None:
    planted = cubed(wrong_by_a_twentieth_of_a_percent)
    with pytest.raises(GradientError, match="rule disagrees is cube"):
        check_gradients(lambda x: planted(x) * scale, [0.7])
    check_gradients(lambda x: cubed(right)(x) * scale, [0.7], order=2)


@pytest.mark.parametrize("position", range(20))
def test_a_wrong_rule_is_found_wherever_it_stands_in_a_network(position: int) -> None:
    bad, good = cubed(wrong_by_a_twentieth_of_a_percent, "wrong"), cubed(right, "right")

    def f(*x: Value) -> Value:
        total = x[0]
        for place in range(20):
            total = (bad if place == position else good)(total * 0.3 + x[place % 3]).sin() + total
        return total

    with pytest.raises(GradientError) as caught:
        check_gradients(f, [0.4, 0.9, -0.6])
    assert caught.value.operation is not None
    assert caught.value.operation.name == "wrong"


WRONG = cubed(wrong_in_sign)
FIRST = cubed(wrong_by_a_twentieth_of_a_percent, "first")


@pytest.mark.parametrize(
    ("f", "at", "named"),
    [
        (lambda x: cubed(wrong_in_sign, "second")(FIRST(x)), 0.7, "first"),
        (lambda x: x.relu().leaky_relu(), 0.0, "relu"),
        # of waves that floats do not resolve, another operation may still be to blame
        (lambda x: (1e15 * x).sin() * WRONG(x + 0.5), 0.3, "cube"),
        # and so beside a kink, and behind an overflow
        (lambda x: WRONG(x + 0.5) + (x * x * x).relu(), 0.0, "cube"),
        (lambda x: 1.0 / (x + 1000.0).exp() + x.relu(), 0.0, "relu"),
    ],
    ids=["of two wrong ones", "of two kinks", "waves", "a kink", "an overflow"],
)
def test_the_first_operation_that_is_wrong_is_named(
    f: Callable[[Value], Value], at: float, named: str
) -> None:
    with pytest.raises(GradientError, match=f"rule disagrees is {named}"):
        check_gradients(f, [at])


def forgets_its_second_operand(out: Any, a: Any, b: Any) -> tuple[Any, Any]:
    return b, 0.0


def test_the_input_whose_gradient_is_wrong_is_named() -> None:
    product = Operation("product", "product", 2, lambda a, b: a * b, forgets_its_second_operand)
    with pytest.raises(GradientError) as caught:
        check_gradients(lambda a, b: Value.make_node(product, a, b), [2.0, Value(3.0, "second")])
    assert caught.value.input == "second"
    assert (caught.value.gradient, caught.value.difference) == (0.0, pytest.approx(2.0))


def test_an_input_without_a_label_is_named_by_its_place() -> None:
    with pytest.raises(GradientError, match=r"d f/d x\[1\] "):
        check_gradients(lambda a, b: a + cubed(wrong_in_sign)(b), [2.0, 3.0])


def test_a_rule_that_is_right_once_but_leaves_the_graph_has_no_second_order() -> None:
    f = cubed(right_but_off_the_graph)
    check_gradients(f, [Value(0.4, "x")])
    with pytest.raises(ValueError, match=r"^cube: its slope cannot be differentiated again"):
        check_gradients(f, [Value(0.4, "x")], order=2)


def test_a_number_that_left_the_graph_blames_no_operation() -> None:
    with pytest.raises(GradientError, match=r"Has a number left the graph") as caught:
        check_gradients(lambda x: x.data * x, [3.0])
    assert caught.value.operation is None
    assert (caught.value.gradient, caught.value.difference) == (3.0, pytest.approx(6.0))


# ---- What is right passes -------------------------------------------------------------------

ORDINARY = {"sqrt": [0.7], "log": [0.7], "pow": [0.7, 1.3], "weighted_sum": [0.7, -1.3, 0.4]}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_passes_to_second_order_beside_its_kinks(name: str) -> None:
    operands = ORDINARY.get(name, [0.7, -1.3, 0.4][: OP_CASES[name].arity])
    operation = OPERATIONS[name]
    index = [1.0] if Role.INDEX in operation.roles else []  # there is nothing beside a place

    def f(*values: Value) -> Value:
        return Value.make_node(operation, *index, *values)

    check_gradients(f, operands, order=2)


NARROW: list[tuple[Callable[[Value], Value], float]] = [
    (lambda x: 1.0 / x**2, 1e-5),
    (lambda x: 1.0 / x, 1e-8),
    (lambda x: -1.0 / x, -1e-100),
    (Value.log, 1e-12),
    (Value.sqrt, 1e-12),
    (lambda x: (1000.0 * x).tanh(), 0.001),
    (lambda x: (1000.0 * x).tanh(), -0.002),
    (Value.relu, 1e-9),
    (abs, -1e-9),
]


@pytest.mark.parametrize(
    ("f", "at"),
    [
        (lambda x: (x - 0.3) ** 2, 0.3),
        (lambda x: (1000 * x - 300) ** 2, 0.3),
        (lambda x: x.cos(), 0.0),
        (lambda x: x**10, 0.01),
        (lambda x: x.exp(), 700.0),
        (lambda x: x.exp(), -700.0),
        (lambda x: (50 * x).sin(), 0.3),
        (lambda x: 1e-9 * x + 1, 0.7),
        (lambda x: x / x, 3.0),
        (lambda x: x * 0, 3.0),
        (lambda x: x.tan(), 1.5),
        (lambda x: x.tanh(), 20.0),
        (lambda x: x.log(), 1e-3),
        (lambda x: abs(x) + x.relu(), 1e-4),
        (lambda x: where(x - 0.5, x * x, x), 0.51),
        (lambda x: x + 1e6, 0.7),
        *NARROW,
    ],
)
def test_right_gradients_pass_where_differences_are_hard(
    f: Callable[[Value], Value], at: float
) -> None:
    check_gradients(f, [at], order=2)


def test_a_whole_network_passes() -> None:
    model = nn.MLP(2, [3, 1], activation="tanh", rng=3)

    def loss(*weights: Value) -> Value:
        for parameter, weight in zip(model.parameters(), weights, strict=True):
            parameter.data = weight.data
        replaced = dict(zip(model.parameters(), weights, strict=True))
        total = Value(0.0)
        for x, y in (((0.0, 1.0), 1.0), ((1.0, 1.0), 0.0)):
            hidden = [
                (replaced[n.b] + replaced[n.w[0]] * x[0] + replaced[n.w[1]] * x[1]).tanh()
                for n in model.layers[0].neurons
            ]
            (last,) = model.layers[1].neurons
            out = replaced[last.b]
            for w, h in zip(last.w, hidden, strict=True):
                out = out + replaced[w] * h
            total = total + (out - y) ** 2
        return total

    check_gradients(loss, [parameter.data for parameter in model.parameters()])


def test_the_values_that_are_given_stay_as_they_are() -> None:
    x = Value(0.5, "x")
    check_gradients(sin, [x], order=2)
    assert (x.data, x.has_grad, x.label) == (0.5, False, "x")


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.relu() ** 2,
        lambda x: 1e9 * x.relu() ** 2,
        lambda x: where(x, x * x, -x * x * x),
        lambda x: x.relu() ** 3 - (-x).relu() ** 2,
    ],
)
@pytest.mark.parametrize("at", [0.0, 0.3, 1e6])
def test_a_slope_of_zero_that_has_a_kink_itself_passes(
    f: Callable[[Value], Value], at: float
) -> None:
    check_gradients(lambda x: f(x - at), [at])


def slope_above_zero(out: Any, x: Any) -> tuple[Any]:
    return (2.0 * x.relu() + 1e-9,)


def test_a_wrong_slope_where_the_right_one_is_zero_with_a_kink_is_found() -> None:
    op = Operation("ramp", "ramp", 1, lambda x: max(x, 0.0) ** 2, slope_above_zero)
    with pytest.raises(GradientError, match="rule disagrees is ramp") as caught:
        check_gradients(lambda x: Value.make_node(op, x), [0.0])
    assert "kink" not in str(caught.value)
    assert caught.value.difference == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("f", "at"), NARROW)
def test_differences_beside_what_is_narrow_confirm_no_other_slope(
    f: Callable[[Value], Value], at: float
) -> None:
    x = Value(at)
    f(x).backward()
    found = difference(lambda number: f(Value(number)).data, at, 1e-6)
    assert found.confirms(x.grad, 1e-6)
    for wrong in (0.0, -x.grad, x.grad / 2.0, x.grad * (1.0 + 1e-5)):
        assert not found.confirms(wrong, 1e-6)


@pytest.mark.parametrize("at", [1e-3, -1e-8, 1e-9, -1e-12, 1e-15, 1e-20, 1e-200, 5e-324])
@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda x: (1.0 + x).log(), 1.0),
        (lambda x: x.exp() - 1.0, 1.0),
        (lambda x: (1000.0 + x) - 1000.0, 1.0),
        (lambda x: 1.0 / (1.0 + (-x).exp()), 0.25),
        (lambda x: x + x * x, 1.0),
    ],
)
def test_short_steps_are_not_believed_where_they_see_rounding_alone(
    f: Callable[[Value], Value], slope: float, at: float
) -> None:
    check_gradients(f, [at])
    found = difference(lambda number: f(Value(number)).data, at, 1e-6)
    assert not found.confirms(0.0, 1e-6)
    assert found.number == pytest.approx(slope, rel=3.0 * abs(at) + 1e-9)


@pytest.mark.parametrize("at", [1e150, -1e150, 1e153])
def test_large_numbers_pass_whose_cube_overflows(at: float) -> None:
    check_gradients(lambda x: x * x, [at], order=2)
    found = difference(lambda x: x * x, at, 1e-6)
    assert found.number == pytest.approx(2.0 * at, rel=1e-12)
    assert not found.confirms(2.001 * at, 1e-6)


# ---- Fast oscillations ----------------------------------------------------------------------

WAVES = [
    *[(10.0**power, at) for power in range(2, 10) for at in (0.3, 0.7, 1.0, -2.5, 1e-3, 1e-7, 0.0)],
    *[(1e5, 123.0), (1e7, 123.0), (1e9, 123.0), (1e11, 0.3), (1e12, -1e-3), (1e15, 1e-7)],
    *[(64184.1, 0.4761967839617752), (6227.228, 0.12912548296869897), (1e16, 0.0)],
]


@pytest.mark.parametrize(("frequency", "at"), WAVES)
def test_a_fast_sine_passes_in_a_bounded_number_of_calls(frequency: float, at: float) -> None:
    calls = 0

    def f(x: Value) -> Value:
        nonlocal calls
        calls += 1
        return (x * frequency).sin() + 0.25 * x

    check_gradients(f, [at])
    assert calls < 400


def test_fast_waves_on_something_else_pass_too() -> None:
    check_gradients(lambda x: x + 1e-9 * (1e9 * x).sin(), [0.3])
    check_gradients(lambda x: (1e6 * x).sin() * x.exp(), [0.3], order=2)
    check_gradients(lambda x, y: (1e8 * x * y).cos(), [0.3, 1.7])
    check_gradients(lambda x: (1e6 * x * x).sin(), [3.0])


def test_a_wrong_slope_behind_a_fast_sine_is_found() -> None:
    planted = cubed(wrong_in_sign)
    with pytest.raises(GradientError, match="rule disagrees is cube") as caught:
        check_gradients(lambda x, y: (1e9 * x).sin() + planted(y), [0.3, 0.5])
    assert caught.value.input == "x[1]"


def slightly_wrong(out: Any, x: Any) -> tuple[Any]:
    return (1.01 * cos(x),)


@pytest.mark.parametrize(("frequency", "at"), WAVES)
def test_a_wrong_slope_of_a_fast_sine_is_named_and_not_a_kink(frequency: float, at: float) -> None:
    planted = Operation("wave", "wave", 1, sin, slightly_wrong)
    with pytest.raises(GradientError, match="rule disagrees is wave") as caught:
        check_gradients(lambda x: Value.make_node(planted, x * frequency), [at])
    assert "kink" not in str(caught.value)
    assert caught.value.difference == pytest.approx(frequency * math.cos(at * frequency), rel=2e-3)


@pytest.mark.parametrize("at", [0.3, 123.0])
def test_of_waves_that_floats_do_not_resolve_nothing_is_said(at: float) -> None:
    with pytest.raises(GradientError, match="It oscillates so fast there that no") as caught:
        check_gradients(lambda x: (1e15 * x).sin(), [at])
    assert "kink" not in str(caught.value)
    assert "rule" not in str(caught.value).partition("by the rules")[2]
    assert caught.value.operation is None
    assert math.isnan(caught.value.difference)


def wave(frequency: float, x: float) -> float:
    return math.sin(frequency * x)


def test_a_kink_among_slow_waves_is_one() -> None:
    assert has_kink(lambda x: abs(x) + 0.01 * math.sin(1000.0 * x), 0.0)
    with pytest.raises(GradientError, match="a kink or an end of f"):
        check_gradients(lambda x: x.relu() + 0.01 * (1000.0 * x).sin(), [0.0])


def test_rounding_that_goes_up_and_down_is_no_oscillation() -> None:
    planted = cubed(wrong_in_sign)
    with pytest.raises(GradientError, match="rule disagrees is cube") as caught:
        check_gradients(lambda x: (planted(x) + 1e7) - 1e7, [0.5])
    assert caught.value.difference == pytest.approx(0.75, rel=1e-6)


# ---- Kinks and ends -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        Value.relu,
        lambda x: where(x, 2.0 * x, 0.5 * x),
        lambda x: where(x, 1.0, 0.0),
        Value.sqrt,
    ],
    ids=["relu", "where with another slope", "a jump", "the end of sqrt"],
)
def test_at_a_kink_the_check_fails_and_says_that_it_is_one(f: Callable[[Value], Value]) -> None:
    with pytest.raises(GradientError, match="a kink or an end of f"):
        check_gradients(f, [0.0])


def test_at_a_kink_whose_choice_is_the_mean_of_both_slopes_the_check_passes() -> None:
    check_gradients(abs, [0.0])
    check_gradients(lambda x: x.maximum(0.0), [0.0])


@pytest.mark.parametrize(
    ("f", "at"),
    [
        (abs, 0.0),
        (lambda x: 1e-6 * abs(x) + x, 0.0),
        (lambda x: abs(x - 1e6), 1e6),
        (lambda x: math.sqrt(abs(x)), 0.0),
        (lambda x: 1.0 if x > 0.0 else 0.0, 0.0),
        (lambda x: math.sqrt(x) if x >= 0.0 else math.nan, 0.0),
        (lambda x: math.sqrt(-x) if x <= 0.0 else math.nan, 0.0),
        (lambda x: 1.0 / x if x else math.inf, 0.0),
    ],
    ids=[
        *("abs", "a small one", "far from 0", "an upright cusp", "a jump"),
        *("the end below", "the end above", "a pole"),
    ],
)
def test_a_kink_is_seen(f: Callable[[float], float], at: float) -> None:
    assert has_kink(f, at)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: math.copysign(1.0, x) if x else 0.0,
        lambda x: 1e-6 * math.copysign(1.0, x) + x if x else 0.0,
        lambda x: 1.0 / x if x else 0.0,
        lambda x: math.copysign(abs(x) ** (1.0 / 3.0), x),
    ],
    ids=["sign", "a small jump", "a pole with a number", "a cube root"],
)
@pytest.mark.parametrize("at", [0.0, 0.3, -2.0])
def test_a_jump_is_seen_whose_middle_is_the_number_there(
    f: Callable[[float], float], at: float
) -> None:
    assert has_kink(lambda x: f(x - at), at)


@pytest.mark.parametrize(
    ("f", "at"),
    [
        (lambda x: x * x, 0.0),
        (lambda x: (x - 0.3) ** 2 + 1.0, 0.3),
        (lambda x: x * abs(x), 0.0),
        (lambda x: 0.0 * x + 5.0, 0.0),
        (lambda x: 3.0 * x + 0.1, 0.7),
        (lambda x: 3.0 * x - 3e8, 1e8),
        (lambda x: 1e-9 * x + 1.0, 0.7),
        (math.exp, -700.0),
        (math.exp, 20.0),
        (math.sin, 1e6),
        (math.sin, math.pi / 2.0),
        # a kink or a pole beside is none
        (lambda x: abs(x - 1e-3), 0.0),
        (lambda x: 1.0 / x, 1e-8),
        (lambda x: 1.0 / x**2, -1e-12),
        (lambda x: math.log(x) if x > 0.0 else math.nan, 1e-12),
        (abs, 1e-8),
        (lambda x: x * x * x, 0.0),
        (lambda x: math.copysign(abs(x) ** (5.0 / 3.0), x), 0.0),
        (lambda x: math.log(1.0 + x), 1e-12),
        (lambda x: math.cos(x) - 1.0, 1e-9),
        *((partial(wave, frequency), at) for frequency, at in WAVES),
    ],
)
def test_where_a_function_is_smooth_no_kink_is_seen(f: Callable[[float], float], at: float) -> None:
    assert not has_kink(f, at)


def test_a_kink_so_near_that_rounding_might_hide_it_is_one() -> None:
    assert has_kink(abs, 1e-12)
    with pytest.raises(GradientError, match="a kink or an end of f"):
        check_gradients(Value.relu, [1e-12])


def test_the_second_derivative_at_a_kink_fails_and_says_that_it_is_one() -> None:
    with pytest.raises(GradientError, match="a kink or an end of f"):
        check_gradients(abs, [0.0], order=2)


def test_an_operation_at_a_kink_that_f_does_not_have_is_named_as_such() -> None:
    # The slope of relu at 0 is chosen as 0; f is x, whose slope is 1.
    with pytest.raises(GradientError, match="There relu is at a kink or an end of its") as caught:
        check_gradients(lambda x: x.relu() - (-x).relu(), [0.0])
    assert "of f" not in str(caught.value)
    assert (caught.value.gradient, caught.value.difference) == (0.0, pytest.approx(1.0))


def test_a_kink_that_f_does_not_have_is_no_excuse_for_a_number_that_left_the_graph() -> None:
    with pytest.raises(GradientError, match="There relu is at a kink") as caught:
        check_gradients(lambda x: x.relu() ** 2 + x.data, [0.0])
    assert "Has a number left the graph" in str(caught.value)
    with pytest.raises(GradientError, match="There relu is at a kink") as caught:
        check_gradients(Value.relu, [0.0])
    assert "Has a number left the graph" not in str(caught.value)


def one_too_many(out: Any, x: Any) -> tuple[Any]:
    return (2.0 * x + 1.0,)


SQUARED = Operation("squared", "squared", 1, lambda x: x * x, one_too_many)


@pytest.mark.parametrize(
    ("f", "named"),
    [
        (lambda x: x.relu() ** 2 + WRONG(x + 0.5), "cube"),
        (lambda x: Value.make_node(SQUARED, x), "squared"),
    ],
    ids=["beside a smoothed kink", "at a minimum"],
)
def test_a_wrong_rule_is_not_excused_as_a_kink(f: Callable[[Value], Value], named: str) -> None:
    with pytest.raises(GradientError, match=f"rule disagrees is {named}") as caught:
        check_gradients(f, [0.0])
    assert "kink" not in str(caught.value)


# ---- The message ----------------------------------------------------------------------------


def test_the_message_writes_the_operation_with_the_inputs_names() -> None:
    with pytest.raises(
        GradientError, match=r"rule disagrees is cube, in v\d = cube\(speed\): d v\d"
    ):
        check_gradients(cubed(wrong_in_sign), [Value(0.5, "speed")])


def test_the_differences_own_error_is_told_where_it_matters_alone() -> None:
    with pytest.raises(GradientError) as caught:
        check_gradients(cubed(wrong_in_sign), [0.5])
    assert "own error" not in str(caught.value)
    # Rounding of 1e8 to 1.5e-8 is a relative error of more than 1e-6 in a slope of 1e-3.
    with pytest.raises(GradientError, match=r"own error is about \d"):
        check_gradients(lambda x: 1e-3 * cubed(wrong_in_sign)(x) + 1e8, [1.0])


# ---- The differences themselves -------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.floats(-5.0, 5.0), st.sampled_from(["exp", "sin", "square", "sigmoid", "tanh"]))
def test_the_estimated_error_of_a_difference_covers_its_true_one(x: float, name: str) -> None:
    op = OPERATIONS[name]
    found = difference(op.forward, x, 1e-6)
    (truth,) = op.partials(op.forward(x), x)
    assert abs(found.number - truth) <= found.error
    assert found.error <= 1e-8 * abs(truth) or found.error < 1e-12


@pytest.mark.parametrize(
    ("f", "calls"),
    [
        # Each step calls f on both sides.  A square's difference is exact from the first step on:
        # the second confirms it.  A cube's lacks h²: the first extrapolation, of the second step,
        # is exact, and the third step's confirms it.  So for x**5, two steps later.
        (lambda x: x * x, 1 + 2 * 2),
        (lambda x: x**3, 1 + 2 * 3),
        (lambda x: x**5, 1 + 2 * 4),
        # A slope of 0 has no relative error: it ends when the next step's rounding is larger.
        (lambda x: 0.0 * x + 5.0, 1 + 2 * 3),
    ],
    ids=["square", "cube", "fifth power", "constant"],
)
def test_differences_end_as_soon_as_they_are_sure(f: Callable[[float], float], calls: int) -> None:
    seen = []

    def counted(x: float) -> float:
        seen.append(x)
        return f(x)

    difference(counted, 1.0, 1e-6)
    assert len(seen) == calls


@pytest.mark.parametrize(
    ("slope", "x"), [(3.0, math.pi * 1e8), (1000.0, math.e), (1e-3, math.e * 1e4), (0.7, 0.1)]
)
def test_the_estimated_rounding_covers_the_true_one_and_is_not_far_above(
    slope: float, x: float
) -> None:
    # slope * x is rounded, to as much as its size demands; what is left of it is small.
    offset = slope * x
    largest = 0.0
    for k in range(400):
        at, step = x * (1.0 + k / 1024.0), x / 1000.0
        above, here, below = ((slope * z) - offset for z in (at + step, at, at - step))
        found = (above - below) / ((at + step) - (at - step))
        share = abs(found - slope) / rounding_error(here, above, below, at, step)
        largest = max(largest, share)
    assert 0.05 < largest < 1.0


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_differences_that_do_not_settle_confirm_nothing(scale: float) -> None:
    found = difference(lambda x: scale if x > 0.0 else 0.0, 0.0, 1e-6)
    assert not found.confirms(found.number, 1e-6)
