"""Every operation of the table: its value, its local derivatives, and what it does with bad input.

The operands and the allowed errors are in ``op_cases.py``; the truth is in
``golden/ops_reference.json``.
"""

from __future__ import annotations

import importlib
import math
import pickle
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import autodiff
from autodiff import Value, ops
from autodiff.ops import NOTHING, OPERATIONS, Operation, Role, picked
from autodiff.support.gradients import NOT_COMPUTED
from tests.bits import all_bits, bits, same_bits
from tests.engines import PROGRAMS
from tests.op_cases import (
    HUGE,
    OP_CASES,
    SUBNORMAL,
    UNARY_GRID,
    Difference,
    Operands,
    many_operands,
)
from tests.op_reference import KNOWN_DIFFERENCES, is_known, reference_rows

inf, nan = math.inf, math.nan

FUNCTIONS = {
    **{"abs": ops.absolute, "div": ops.divide, "pow": ops.power, "exp": autodiff.exp},
    **{"log": autodiff.log, "sqrt": autodiff.sqrt, "sin": autodiff.sin, "cos": autodiff.cos},
    **{"tan": autodiff.tan, "tanh": autodiff.tanh, "sigmoid": autodiff.sigmoid},
    **{"softplus": autodiff.softplus, "log_sigmoid": autodiff.log_sigmoid},
    **{"relu": autodiff.relu, "leaky_relu": autodiff.leaky_relu, "erf": autodiff.erf},
    **{"gelu": autodiff.gelu, "clip": autodiff.clip},
    **{"maximum": autodiff.maximum, "minimum": autodiff.minimum, "where": autodiff.where},
}


# ---- The table itself -----------------------------------------------------------------------


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_of_the_table_has_cases(name: str) -> None:
    assert name in OP_CASES, f"operation {name} has no entry in tests/op_cases.py"
    case, arity = OP_CASES[name], OPERATIONS[name].arity
    assert arity in (None, case.arity)
    assert len(case.partials) == (1 if arity is None else arity)


@pytest.mark.thorough
def test_an_operation_that_is_added_without_cases_fails_the_suite() -> None:
    arguments = "-m pytest -q -p no:cacheprovider -p tests.added_operation -k has_cases".split()
    done = subprocess.run(
        [sys.executable, *arguments, __file__],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "operation added has no entry in tests/op_cases.py" in done.stdout
    assert f"1 failed, {len(OPERATIONS)} passed" in done.stdout


@pytest.mark.parametrize("name", OP_CASES)
def test_the_grids_of_every_operation_hold_the_edges_of_floats(name: str) -> None:
    tried = {bits(operand) for operands in OP_CASES[name].operands() for operand in operands}
    for edge in (-0.0, inf, nan, SUBNORMAL):
        assert bits(edge) in tried, f"{name} is not tried at {edge}"
    assert any(1e200 <= abs(operand) < inf for row in OP_CASES[name].operands() for operand in row)


@pytest.mark.parametrize("name", OP_CASES)
def test_the_reference_was_made_from_the_cases_of_today(name: str) -> None:
    in_file = [all_bits(operands) for operands, _, _ in reference_rows(name)]
    in_table = [all_bits(operands) for operands in OP_CASES[name].operands()]
    assert in_file == in_table, "run: python -m tests.golden.make_ops_reference"


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_entry_is_stored_under_its_name_and_the_same_object_after_pickling(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation.name == name == repr(operation)
    assert pickle.loads(pickle.dumps(operation)) is operation


@pytest.mark.parametrize("name", OPERATIONS)
def test_forward_and_rule_are_named_functions_that_a_debugger_can_show(name: str) -> None:
    operation = OPERATIONS[name]
    for function in (operation.forward, operation.partials):
        assert function.__name__.isidentifier()
        module = importlib.import_module(function.__module__)
        assert getattr(module, function.__name__) is function


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        *(("add", "a + b"), ("sub", "a - b"), ("mul", "a * b"), ("div", "a / b")),
        *(("pow", "a**b"), ("neg", "-a"), ("square", "a**2"), ("abs", "abs(a)")),
        *(("tanh", "tanh(a)"), ("maximum", "maximum(a, b)"), ("where", "where(a, b, c)")),
        *(("weighted_sum", "a + b * c"), ("pick", "pick(a, [b, c])")),
    ],
)
def test_a_formula_reads_as_a_person_writes_it(name: str, formula: str) -> None:
    operation = OPERATIONS[name]
    assert operation.formula(*"abc"[: operation.arity]) == formula


@pytest.mark.parametrize("operands", [(1.0, 2.0), (1.0, 2.0, 3.0, 4.0)])
def test_a_weighted_sum_refuses_a_weight_without_its_input(operands: Operands) -> None:
    operation = OPERATIONS["weighted_sum"]
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        operation.forward(*operands)
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        operation.formula(*map(str, operands))


@pytest.mark.parametrize(
    ("symbol", "arity", "formula"),
    [("/2", 1, "a/2"), ("!", 1, "a!"), ("<+>", 2, "a <+> b"), ("<|>", 3, "<|>(a, b, c)")],
)
def test_the_formula_of_an_operation_of_ones_own_has_all_its_operands(
    symbol: str, arity: int, formula: str
) -> None:
    own = Operation("own", symbol, arity, ops.ADD.forward, ops.ADD.partials)
    assert own.formula(*"abc"[:arity]) == formula


def test_an_entry_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="cannot assign to field 'arity'"):
        OPERATIONS["add"].arity = 3  # type: ignore[misc]


# ---- What an entry says besides -------------------------------------------------------------


def with_roles(*roles: Role) -> list[str]:
    """Return the names of the operations that have an operand of such a role."""
    return [name for name, op in OPERATIONS.items() if not set(roles).isdisjoint(op.roles)]


def local_derivatives_by_role(name: str) -> Iterator[tuple[Operands, int, Role | None, float]]:
    """Yield the operands of each case of an operation, a position, its role and its derivative."""
    operation = OPERATIONS[name]
    for operands in OP_CASES[name].operands():
        partials = operation.partials(operation.forward(*operands), *operands)
        for position, partial in enumerate(partials):
            yield operands, position, operation.role(position, len(operands)), partial


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_entry_has_a_role_for_each_operand_or_none_and_so_a_neutral_number(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation.arity is None or len(operation.roles) in (0, operation.arity)
    assert len(operation.neutral) == 0 or len(operation.neutral) == operation.arity == 2


@pytest.mark.parametrize("name", with_roles(Role.TERM, Role.NEGATED))
def test_a_term_s_local_derivative_is_1_and_of_what_is_subtracted_it_is_minus_1(name: str) -> None:
    for _, _, role, partial in local_derivatives_by_role(name):
        if role in (Role.TERM, Role.NEGATED):
            assert partial == (1.0 if role is Role.TERM else -1.0)


@pytest.mark.parametrize("name", with_roles(Role.FACTOR, Role.WEIGHT))
def test_a_factor_s_local_derivative_is_the_other_factor(name: str) -> None:
    for operands, position, role, partial in local_derivatives_by_role(name):
        pairs = len(operands) // 2  # of a weight, and an input as many places on
        other = {Role.FACTOR: 1 - position, Role.WEIGHT: position + pairs}
        other[Role.INPUT] = position - pairs
        if role in other:
            assert same_bits(partial, operands[other[role]])


@pytest.mark.parametrize(
    "name", with_roles(Role.CONDITION, Role.INDEX, Role.CHOICE, Role.RECTIFIED)
)
def test_what_is_chosen_is_the_result_and_what_is_not_has_no_influence(name: str) -> None:
    operation = OPERATIONS[name]
    for operands, position, role, partial in local_derivatives_by_role(name):
        out = operation.forward(*operands)
        if role is Role.CONDITION:
            assert partial == 0.0
            assert any(same_bits(out, operand) for operand in operands[1:])
        elif role is Role.INDEX:
            assert partial == 0.0
            assert same_bits(out, dict(enumerate(operands[1:])).get(operands[0], nan))
        elif partial == 1.0:
            # PyTorch's clip lets a nan through even where the bounds are the wrong way round.
            assert same_bits(out, operands[position]) or (name == "clip" and math.isnan(out))
        elif not any(map(math.isnan, operands)):
            assert partial == 0.0 or operands[0] == operands[1]
            changed = [*operands]
            changed[position] = math.nextafter(operands[position], -inf)
            # At a bound itself, x is taken: there the function has its kink.
            at_the_bound = name == "clip" and operands[position] == out
            found = operation.forward(*changed)
            assert partial != 0.0 or at_the_bound or found == out or same_bits(found, out)


@pytest.mark.parametrize("name", with_roles(Role.SATURATING))
@pytest.mark.parametrize("x", [-40.0, -20.0, 20.0, 40.0])
def test_a_saturated_unit_has_hardly_any_slope_and_others_have_one(name: str, x: float) -> None:
    operation = OPERATIONS[name]
    assert abs(operation.partials(operation.forward(x), x)[0]) < 1e-8
    assert operation.partials(operation.forward(0.0), 0.0)[0] >= 0.25


@pytest.mark.parametrize("name", [name for name, op in OPERATIONS.items() if op.neutral])
def test_a_neutral_number_leaves_the_other_operand_as_it_is(name: str) -> None:
    for place, neutral in enumerate(OPERATIONS[name].neutral):
        for x in UNARY_GRID if neutral is not None else ():
            operands = (neutral, x) if place == 0 else (x, neutral)
            assert same_bits(OPERATIONS[name].forward(*operands), x), x


@pytest.mark.parametrize("name", [name for name, op in OPERATIONS.items() if op.arithmetic])
def test_arithmetic_can_be_run_on_any_numbers(name: str) -> None:
    # Of small numbers, the products and sums of floats are exact as well.
    numbers = (3, 5, 7, 11, 13)[: OP_CASES[name].arity]
    exact = OPERATIONS[name].forward(*map(Fraction, numbers))
    assert isinstance(exact, Fraction)
    assert exact == OPERATIONS[name].forward(*map(float, numbers))


@pytest.mark.parametrize("name", [name for name, op in OPERATIONS.items() if op.cases])
def test_a_case_is_the_operation_that_it_really_is(name: str) -> None:
    for number, case in OPERATIONS[name].cases.items():
        for x in UNARY_GRID:
            assert same_bits(case.forward(x), OPERATIONS[name].forward(x, number))


# ---- Values and local derivatives beside the truth ------------------------------------------


def assert_value_is(name: str, operands: Operands, truth: float) -> None:
    if is_known(name, "value", operands):
        return
    ours = OPERATIONS[name].forward(*operands)
    near = OP_CASES[name].value.holds(ours, truth, operands)
    assert near, f"{name}{operands} is {truth}, ours {ours}"
    if truth == 0.0 and ours == 0.0:
        assert same_bits(ours, truth), f"{name}{operands} is {truth}, ours {ours}"


def assert_local_derivatives_are(
    name: str, operands: Operands, truths: tuple[float | None, ...]
) -> None:
    operation, case = OPERATIONS[name], OP_CASES[name]
    partials = operation.partials(operation.forward(*operands), *operands)
    assert len(partials) == len(operands)
    for position, (ours, truth) in enumerate(zip(partials, truths, strict=True)):
        if truth is None or is_known(name, position, operands):
            continue
        assert case.partial(position).holds(ours, truth, operands), (
            f"d {name}{operands} / d operand {position} is {truth}, ours {ours}"
        )


@pytest.mark.parametrize("name", OP_CASES)
def test_value_is_the_true_one(name: str) -> None:
    for operands, truth, _ in reference_rows(name):
        assert_value_is(name, operands, truth)


@pytest.mark.parametrize("name", OP_CASES)
def test_local_derivatives_are_the_true_ones(name: str) -> None:
    for operands, _, truths in reference_rows(name):
        assert_local_derivatives_are(name, operands, truths)


@pytest.mark.parametrize("name", OP_CASES)
@settings(max_examples=20)
@given(data=st.data())
def test_value_and_local_derivatives_are_the_true_ones_for_any_floats(
    name: str, data: st.DataObject
) -> None:
    make_reference = pytest.importorskip(
        "tests.golden.make_ops_reference", reason="needs mpmath", exc_type=ImportError
    )
    for operands in data.draw(many_operands(name)):
        value, partials = make_reference.TRUTH[name](*operands)
        assert_value_is(name, operands, value)
        assert_local_derivatives_are(name, operands, partials)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
@pytest.mark.parametrize(("first", "second"), [(0.0, -0.0), (-0.0, 0.0)])
def test_of_two_zeros_the_first_is_taken(name: str, first: float, second: float) -> None:
    assert same_bits(OPERATIONS[name].forward(first, second), first)


@pytest.mark.parametrize("known", KNOWN_DIFFERENCES, ids=lambda known: known.why)
def test_a_known_difference_from_the_truth_is_still_one(known: Difference) -> None:
    operation, case = OPERATIONS[known.name], OP_CASES[known.name]
    differing = 0
    for operands, value, truths in reference_rows(known.name):
        if not known.covers(*operands):
            continue
        out = operation.forward(*operands)
        if known.quantity == "value":
            differing += not same_bits(out, value)
        else:
            truth = truths[int(known.quantity)]
            ours = operation.partials(out, *operands)[int(known.quantity)]
            bound = case.partial(int(known.quantity))
            differing += truth is not None and not bound.holds(ours, truth, operands)
    assert differing > 0, "it agrees now: remove the entry"


def one_step_too_large(a: float, b: float) -> float:
    return math.nextafter(a**b, inf)


def test_a_power_of_two_does_not_depend_on_the_c_library_s_pow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(math, "pow", one_step_too_large)
    assert ops.power(0.1, 3.0) == math.nextafter(0.1**3.0, inf)
    assert same_bits(ops.power(0.1, 2.0), 0.1 * 0.1)


@pytest.mark.parametrize("name", OP_CASES)
def test_a_bound_notices_a_value_ten_steps_and_twice_the_slack_away(name: str) -> None:
    case = OP_CASES[name]
    for operands, truth, _ in reference_rows(name):
        if math.isfinite(truth) and truth != 0.0:
            moved, onward = truth, -inf if truth > 1.0 else inf
            for _ in range(10):
                moved = math.nextafter(moved, onward)
            moved += math.copysign(2.0 * case.value.slack(operands), onward)
            assert not case.value.holds(moved, truth, operands)


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "log_sigmoid", "tanh"])
@given(x=st.floats(min_value=-1e308, max_value=1e308))
def test_bounded_activations_never_overflow(name: str, x: float) -> None:
    out = OPERATIONS[name].forward(x)
    assert math.isfinite(out)
    assert all(math.isfinite(partial) for partial in OPERATIONS[name].partials(out, x))


# ---- Choices that mathematics leaves open ---------------------------------------------------


@pytest.mark.parametrize(
    ("name", "operands", "partials"),
    [
        ("relu", (0.0,), (0.0,)),
        ("relu", (-0.0,), (0.0,)),
        ("abs", (0.0,), (0.0,)),
        ("abs", (-0.0,), (0.0,)),
        ("leaky_relu", (0.0, 0.25), (0.25, 0.0)),
        ("maximum", (2.0, 2.0), (0.5, 0.5)),
        ("minimum", (2.0, 2.0), (0.5, 0.5)),
        ("maximum", (inf, inf), (0.5, 0.5)),
        ("minimum", (-inf, -inf), (0.5, 0.5)),
        ("pow", (0.0, 0.0), (0.0, 0.0)),
        ("where", (0.0, 1.0, 2.0), (0.0, 0.0, 1.0)),
        ("pick", (0.5, 1.0, 2.0), (0.0, 0.0, 0.0)),
        # by a nan, the side of where that is not above 0
        ("relu", (nan,), (0.0,)),
        ("abs", (nan,), (0.0,)),
        ("leaky_relu", (nan, 0.25), (0.25, nan)),
        ("leaky_relu", (1.0, nan), (1.0, 0.0)),
        ("maximum", (nan, 1.0), (0.5, 0.5)),
        ("minimum", (1.0, nan), (0.5, 0.5)),
        ("where", (nan, 1.0, 2.0), (0.0, 0.0, 1.0)),
        ("pick", (nan, 1.0, 2.0), (0.0, 0.0, 0.0)),
        ("pow", (nan, 0.0), (0.0, 0.0)),
    ],
)
def test_at_a_kink_or_a_nan_the_derivative_is_the_documented_choice(
    name: str, operands: Operands, partials: Operands
) -> None:
    operation = OPERATIONS[name]
    found = operation.partials(operation.forward(*operands), *operands)
    assert all_bits(0.0 + each for each in found) == all_bits(partials)


@pytest.mark.parametrize("name", ["relu", "abs", "maximum", "minimum", "leaky_relu"])
def test_a_choice_by_a_nan_keeps_the_nan_in_the_value(name: str) -> None:
    operation = OPERATIONS[name]
    operands = (nan, 1.0)[: operation.arity]
    assert math.isnan(operation.forward(*operands))
    if operation.arity == 2 and name != "leaky_relu":
        assert math.isnan(operation.forward(1.0, nan))


def test_pick_is_the_value_at_the_place_and_its_gradient_goes_there_alone() -> None:
    table = [Value(0.5, "a"), Value(-2.0, "b"), Value(7.0, "c")]
    for index in (1, 1.0, Value(1.0), Fraction(1), True):
        y = autodiff.pick(index, table)
        assert y.data == -2.0
        assert y.parents[1:] == tuple(table)
        y.backward(3.0)
        assert [value.has_grad for value in table] == [False, True, False]
        assert table[1].grad == 3.0
        table[1].zero_grad()
    assert autodiff.pick(2, [0.5, 1, 7]) == 7.0
    assert autodiff.pick(0, (1.5, table[0])).data == 1.5


def test_a_place_that_is_picked_twice_gets_both_gradients_and_its_second_derivatives() -> None:
    """Of (t[i] t[j])**2 with i = j = 1: t**4, whose derivatives are 4 t**3 and 12 t**2."""
    table, i, j = [Value(0.5), Value(2.0)], Value(1.0), Value(1.0)
    y = (autodiff.pick(i, table) * autodiff.pick(j, table)) ** 2
    assert [first.data for first in autodiff.grad(y, [*table, i])] == [0.0, 32.0, 0.0]
    rows = autodiff.hessian(y, table)
    assert [[entry.data for entry in row] for row in rows] == [[0.0, 0.0], [0.0, 48.0]]


def test_outside_its_domain_log_is_nan_and_its_derivative_still_the_formula() -> None:
    assert math.isnan(ops.log(-4.0))
    assert OPERATIONS["log"].partials(nan, -4.0) == (-0.25,)


# ---- Numbers and Values alike ---------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_floats_is_the_entry_s_forward(name: str) -> None:
    for operands in OP_CASES[name].operands():
        result = FUNCTIONS[name](*operands)
        assert type(result) is float
        assert same_bits(result, OPERATIONS[name].forward(*operands))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_values_makes_a_node_with_the_same_number(name: str) -> None:
    for operands in OP_CASES[name].operands():
        values = [Value(operand) for operand in operands]
        node = FUNCTIONS[name](*values)
        assert node.op is OPERATIONS[name]
        assert node.parents == tuple(values)
        assert same_bits(node.data, FUNCTIONS[name](*operands))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("make", [int, bool, Fraction], ids=["int", "bool", "Fraction"])
def test_a_function_of_other_real_numbers_returns_a_float(name: str, make: type) -> None:
    arity = OPERATIONS[name].arity
    result = FUNCTIONS[name](*[make(1)] * arity)
    assert type(result) is float
    assert same_bits(result, FUNCTIONS[name](*[1.0] * arity))


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if OPERATIONS[name].arity > 1])
@pytest.mark.parametrize("place", [0, 1])
def test_a_function_of_a_value_and_numbers_makes_the_numbers_constants(
    name: str, place: int
) -> None:
    operands: list[Any] = [2, 3.0, 5.0][: OPERATIONS[name].arity]
    numbers = [float(number) for number in operands]
    numbers[place] = 4.0
    value = operands[place] = Value(4.0)
    node = FUNCTIONS[name](*operands)
    assert node.parents[place] is value
    assert all(parent.is_constant for parent in node.parents if parent is not value)
    assert [parent.data for parent in node.parents] == numbers


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_rule_on_values_gives_the_numbers_that_it_gives_on_floats(name: str) -> None:
    operation = OPERATIONS[name]
    for operands in OP_CASES[name].operands():
        out = operation.forward(*operands)
        on_floats = operation.partials(out, *operands)
        on_values = operation.partials(Value(out), *[Value(operand) for operand in operands])
        numbers = [each.data if isinstance(each, Value) else each for each in on_values]
        assert all_bits(numbers) == all_bits(on_floats), f"{name}{operands}"


def test_leaky_relu_has_a_slope_of_one_hundredth_unless_told() -> None:
    assert autodiff.leaky_relu(-2.0) == -2.0 * 0.01
    assert Value(-2.0).leaky_relu().data == -2.0 * 0.01


# ---- No exception escapes arithmetic --------------------------------------------------------

FIVE_FLOATS = st.tuples(*[st.floats()] * 5)


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", OPERATIONS)
@given(operands=FIVE_FLOATS)
@example(operands=(0.0, 0.0, 0.0, 0.0, 0.0))
@example(operands=(HUGE, HUGE, HUGE, HUGE, HUGE))
@example(operands=(-0.0, -1.0, -inf, inf, 0.0))
@example(operands=(-HUGE, 0.5, nan, 0.0, -1.0))
def test_forward_and_rule_give_floats_for_all_floats(name: str, operands: Operands) -> None:
    operation = OPERATIONS[name]
    operands = operands[: OP_CASES[name].arity]
    out = operation.forward(*operands)
    partials = operation.partials(out, *operands)
    assert type(out) is float
    assert isinstance(partials, tuple)
    assert [type(partial) for partial in partials] == [float] * len(operands)


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", OPERATIONS)
@given(operands=FIVE_FLOATS, gradient=st.floats())
@example(operands=(0.0, -1.0, 1.0, 0.0, 1.0), gradient=inf)
@example(operands=(HUGE, HUGE, HUGE, HUGE, HUGE), gradient=HUGE)
def test_backward_gives_floats_for_all_floats(
    name: str, operands: Operands, gradient: float
) -> None:
    operation = OPERATIONS[name]
    values = [Value(operand) for operand in operands[: OP_CASES[name].arity]]
    node = Value.make_node(operation, *values)
    node.backward(gradient)
    partials = operation.partials(node.data, *[value.data for value in values])
    for value, partial in zip(values, partials, strict=True):
        if partial is NOTHING:  # the operand was not taken, so it gets no gradient
            assert value.grad is NOT_COMPUTED
        else:
            assert type(value.grad) is float
            assert same_bits(value.grad, partial * gradient)


# ---- Bad input ------------------------------------------------------------------------------

NO_NUMBERS = [
    ("half", r"the str 'half'"),
    (1j, r"the complex 1j"),
    (None, r"None"),
    ([1.0], r"the list \[1.0\]"),
    (b"1", r"the bytes b'1'"),
    ({"a": 1}, r"the dict"),
]


@pytest.mark.parametrize(("thing", "shown"), NO_NUMBERS, ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_names_itself_and_what_came_in_place_of_a_number(
    name: str, thing: Any, shown: str
) -> None:
    operands: list[Any] = [1.0] * OPERATIONS[name].arity
    for place in range(len(operands)):
        wrong = [*operands[:place], thing, *operands[place + 1 :]]
        with pytest.raises(TypeError, match=rf"^{name} needs a real number, but got {shown}"):
            FUNCTIONS[name](*wrong)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if OPERATIONS[name].arity > 1])
def test_a_function_of_a_value_and_no_number_names_what_came(name: str) -> None:
    operands: list[Any] = [Value(1.0)] * OPERATIONS[name].arity
    operands[-1] = "half"
    with pytest.raises(TypeError, match=rf"^{name} needs a real number, but got the str 'half'"):
        FUNCTIONS[name](*operands)


@pytest.mark.parametrize(
    ("length", "shown"),
    [(58, "'" + "x" * 58 + "'"), (59, "'" + "x" * 56 + "...")],
    ids=["60 characters", "61 characters"],
)
def test_a_message_shows_60_characters_of_what_came(length: int, shown: str) -> None:
    with pytest.raises(TypeError) as raised:
        autodiff.exp("x" * length)
    assert str(raised.value) == f"exp needs a real number, but got the str {shown}"


def test_numpy_scalars_are_numbers_and_the_result_is_a_float() -> None:
    numpy = pytest.importorskip("numpy", reason="tests what NumPy's numbers become")
    for scalar in (numpy.float64(0.5), numpy.float32(0.5), numpy.int64(1), numpy.uint8(1)):
        result = autodiff.tanh(scalar)
        assert type(result) is float
        assert result == autodiff.tanh(float(scalar))


def test_numpy_arrays_are_refused_by_name() -> None:
    numpy = pytest.importorskip("numpy", reason="tests that NumPy's arrays are refused")
    for array in (numpy.zeros(3), numpy.zeros(1), numpy.array(1.0)):
        with pytest.raises(TypeError, match="tanh needs a real number, but got the ndarray"):
            autodiff.tanh(array)


def test_an_operation_is_not_equal_to_another_with_the_same_parts() -> None:
    add = OPERATIONS["add"]
    twin = Operation(add.name, add.symbol, add.arity, add.forward, add.partials)
    assert twin != add


def test_clip_gives_the_gradient_to_what_is_taken_and_nothing_to_the_others() -> None:
    x, low, high = Value(0.0), Value(0.0), Value(1.0)
    # log(0) has an infinite slope: times a 0 it would be nan
    autodiff.clip(autodiff.log(x), low, high).backward()
    assert (x.grad, low.grad, high.grad) == (0.0, 1.0, 0.0)
    for number, slope in ((-1.0, 0.0), (0.0, 1.0), (0.5, 1.0), (1.0, 1.0), (2.0, 0.0)):
        x.zero_grad()
        x.data = number
        autodiff.clip(x, 0.0, 1.0).backward()
        assert x.grad == slope


# The slopes of torch.clamp(x, low, high) by x, low and high; nan anywhere makes the result nan.
CLIPPED_NAN = {
    (nan, 0.0, 1.0): (0.0, 0.0, 0.0),
    (0.5, nan, 1.0): (0.0, 0.0, 0.0),
    (0.5, 0.0, nan): (0.0, 0.0, 0.0),
    (2.0, nan, 1.0): (0.0, 0.0, 1.0),
    (-1.0, 0.0, nan): (0.0, 0.0, 0.0),
    (nan, 1.0, 0.0): (0.0, 0.0, 1.0),
    (inf, 0.0, inf): (1.0, 0.0, 0.0),
    (-inf, -inf, 1.0): (1.0, 0.0, 0.0),
}


@pytest.mark.parametrize("numbers", CLIPPED_NAN, ids=repr)
def test_clip_to_nan_gives_x_no_gradient_on_any_engine(numbers: tuple[float, ...]) -> None:
    """Of the others, C and JavaScript, the operations' engine tests compare the bits with these."""
    operands = [Value(number) for number in numbers]
    result = autodiff.clip(*operands)
    assert math.isnan(result.data) == any(map(math.isnan, numbers))
    result.backward()
    assert tuple(each.grad for each in operands) == CLIPPED_NAN[numbers]
    for engine in PROGRAMS:
        program = autodiff.compile(result, engine=engine)
        for each in operands:
            each.zero_grad()
        program()
        assert tuple(each.grad for each in operands) == CLIPPED_NAN[numbers]


def test_a_low_bound_above_the_high_one_is_passed_over() -> None:
    for x in (-1.0, 0.5, 3.0):
        assert autodiff.clip(x, 1.0, 0.0) == 0.0  # as PyTorch documents


def test_picking_among_values_is_a_node() -> None:
    node = picked(Value(1.0), Value(2.0), Value(3.0))
    assert (node.op, node.data) == (OPERATIONS["pick"], 3.0)
