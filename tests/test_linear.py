"""Registers: what is computed when compiling, what is shared, what is kept, and the checker."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from autodiff import Program, Value, compile, where
from autodiff.compiler.linear import Kind, Linear, Register, numbered
from autodiff.ops import ADD, MUL, OPERATIONS, SQUARE, TANH
from autodiff.value import constant
from tests.bits import same_bits
from tests.engines import check_registers, checked

inf, nan = math.inf, math.nan

EDGES = (0.0, -0.0, 1.0, -1.5, inf, -inf, nan, 5e-324, 1.7e308)


def operations(program: Program) -> list[str]:
    """Return the operations of the forward pass, in the form that machines run."""
    parts = checked(program).expanded
    live = parts.linear.live([parts.output])
    return [op.name for place in live if (op := parts.linear.registers[place].op) is not None]


def forward(make: Callable[[Value], Value]) -> list[str]:
    return operations(compile(make(Value(0.7, "x"))))


# --------------------------------------------------------------------------------------------
# What is dropped, and what may not be
# --------------------------------------------------------------------------------------------

UNCHANGED: dict[str, Callable[[Value], Value]] = {
    "x * 1": lambda x: x * 1,
    "1 * x": lambda x: 1 * x,
    "x / 1": lambda x: x / 1,
    "x ** 1": lambda x: x**1.0,
    "x - 0": lambda x: x - 0.0,
    "-(-x)": lambda x: -(-x),  # noqa: B002
    "where(1, x, 2)": lambda x: where(constant(1.0), x, 2.0),
    "where(0, 2, x)": lambda x: where(constant(0.0), 2.0, x),
    "where(nan, 2, x)": lambda x: where(constant(nan), 2.0, x),
}

KEPT: dict[str, Callable[[Value], Value]] = {
    "x * 0": lambda x: x * 0,
    "0 * x": lambda x: 0 * x,
    "0 / x": lambda x: 0 / x,
    "x / 0": lambda x: x / 0,
    "x + 0": lambda x: x + 0,
    "0 + x": lambda x: 0 + x,
    "x - -0.0": lambda x: x - -0.0,
    "0 - x": lambda x: 0 - x,
    "x * -1": lambda x: x * -1,
    "x - x": lambda x: x - x,
    "x / x": lambda x: x / x,
    "x ** 0": lambda x: x**0.0,
    "1 ** x": lambda x: 1.0**x,
    "maximum(x, x)": lambda x: x.maximum(x),
    "maximum(x, -inf)": lambda x: x.maximum(-inf),
    "x * x": lambda x: x * x,
    "log(exp(x))": lambda x: x.exp().log(),
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_operations_that_change_nothing_are_dropped(name: str) -> None:
    assert forward(UNCHANGED[name]) == []


@pytest.mark.parametrize("name", KEPT)
def test_operations_that_change_a_zero_or_an_infinity_are_kept(name: str) -> None:
    assert forward(KEPT[name]) != []


@pytest.mark.parametrize("name", [*UNCHANGED, *KEPT])
def test_simplified_or_not_the_bits_are_those_of_the_eager_pass(name: str) -> None:
    make = (UNCHANGED | KEPT)[name]
    leaf = Value(0.7)
    program = checked(compile(make(leaf)))
    for number in EDGES:
        eager = Value(number)
        output = make(eager)
        output.backward()
        leaf.zero_grad()
        leaf.data = number
        assert same_bits(program(), output.data), number
        assert same_bits(leaf.grad, eager.grad), number
        assert same_bits(program.run(1)[0], output.data), number


def test_zero_times_an_infinity_is_nan_also_where_the_zero_is_a_constant() -> None:
    x = Value(1.0)
    program = compile(x * 0)
    x.data = inf
    assert math.isnan(program())


def test_zero_and_minus_zero_are_different_numbers() -> None:
    linear = Linear()
    assert linear.number(0.0) != linear.number(-0.0)
    assert linear.number(0.0) == linear.number(0.0)


def test_every_nan_is_the_same_number() -> None:
    linear = Linear()
    assert linear.number(nan) == linear.number(-nan) == linear.number(inf - inf)


# --------------------------------------------------------------------------------------------
# What is computed when compiling, and what is computed once
# --------------------------------------------------------------------------------------------


def test_what_depends_on_numbers_alone_is_computed_when_compiling() -> None:
    x = Value(2.0, "x")
    program = checked(compile(x * (constant(3.0) * 4 + 1).exp()))
    assert operations(program) == ["mul"]
    assert repr(math.exp(13.0)) in program.run_source


def test_a_graph_of_constants_becomes_its_number() -> None:
    program = checked(compile(constant(3.0) * 4))
    assert operations(program) == []
    assert program() == 12.0
    assert program.variables == []


def test_an_overflow_when_compiling_is_an_infinity() -> None:
    assert compile(constant(1e300) * 1e300).run(1) == [inf]
    assert math.isnan(compile(constant(0.0) / 0.0).run(1)[0])


def test_equal_expressions_are_computed_once() -> None:
    x, y = Value(2.0), Value(3.0)
    assert operations(compile((x * y).exp() + (x * y).exp())) == ["mul", "exp", "add"]


def test_operands_are_not_exchanged_to_make_expressions_equal() -> None:
    # a * b and b * a are the same number, but not the same nan on every processor.
    x, y = Value(2.0), Value(3.0)
    assert operations(compile(x * y + y * x)) == ["mul", "mul", "add"]


def test_equal_expressions_are_found_behind_what_was_dropped() -> None:
    x, y = Value(2.0), Value(3.0)
    assert operations(compile((x * 1 * y).exp() + (x * y / 1).exp())) == ["mul", "exp", "add"]


def test_rows_share_the_products_of_neurons() -> None:
    from autodiff import weighted_sum

    b, w = Value(1.0), [Value(2.0), Value(3.0)]
    first = weighted_sum(b, w, [constant(5.0), constant(6.0)])
    second = weighted_sum(b, w, [constant(5.0), constant(7.0)])
    names = operations(compile(first + second))
    assert names.count("mul") == 3  # w0 * 5 is common


def test_a_power_of_two_is_a_square() -> None:
    x = Value(3.0)
    assert operations(compile(Value.make_node(OPERATIONS["pow"], x, 2.0))) == [SQUARE.name]


def test_powers_of_two_are_shared_if_they_have_the_same_base_and_not_otherwise() -> None:
    x, y = Value(3.0), Value(5.0)
    first, second = (Value.make_node(OPERATIONS["pow"], base, 2.0) for base in (x, y))
    assert operations(compile(first + x**2)) == ["square", "add"]
    program = checked(compile(first + second))
    assert operations(program) == ["square", "square", "add"]
    assert program() == 9.0 + 25.0


def test_the_gradient_shares_what_the_forward_pass_has_computed() -> None:
    x = Value(0.3)
    parts = checked(compile(x.exp())).expanded
    assert sum(register.op is not None for register in parts.linear.registers) == 1


def test_a_deep_graph_needs_no_recursion() -> None:
    node = x = Value(1.0)
    for _ in range(3_000):
        node = node * 1 + x
    program = checked(compile(node))
    assert program.run(1) == [3_001.0]
    assert program() == 3_001.0
    assert x.grad == 3_001.0


# --------------------------------------------------------------------------------------------
# The checker and its parts
# --------------------------------------------------------------------------------------------


def small() -> tuple[Linear, int, int]:
    """Return registers of x and tanh(x)."""
    linear = Linear()
    x = linear.leaf(Kind.VARIABLE, Value(1.0), "x")
    return linear, x, linear.operation(TANH, (x,))


def test_the_checker_accepts_what_is_in_order() -> None:
    linear, x, y = small()
    linear.copy(y, "z", "")
    linear.number(3.0)
    linear.operation(ADD, (x, y))
    check_registers(linear)


@pytest.mark.parametrize(
    ("register", "message"),
    [
        (Register(Kind.OPERATION, ADD, (0, 2), name="bad"), r"2 \(bad\) is used before"),
        (Register(Kind.OPERATION, ADD, (0, 7), name="bad"), r"2 \(bad\) is used before"),
        (Register(Kind.OPERATION, ADD, (0, -1), name="bad"), r"2 \(bad\) is used before"),
        (Register(Kind.OPERATION, ADD, (0,), name="bad"), r"2 \(bad\) has 1 operands.*add takes 2"),
        (Register(Kind.OPERATION, TANH, (0, 1), name="bad"), r"has 2 operands.*tanh takes 1"),
        (Register(Kind.COPY, operands=(), name="bad"), r"has 0 operands.*copy takes 1"),
        (Register(Kind.NUMBER, operands=(0,), name="bad"), r"has 1 operands.*number takes 0"),
        (Register(Kind.OPERATION, name="bad"), r"2 \(bad\) has kind"),
        (Register(Kind.VARIABLE, MUL, (0, 1), name="bad"), r"2 \(bad\) has kind"),
    ],
)
def test_the_checker_names_a_register_out_of_order(register: Register, message: str) -> None:
    linear, _, _ = small()
    linear.add(register)
    with pytest.raises(ValueError, match=message):
        check_registers(linear)


def test_a_copy_of_a_copy_stands_for_the_original() -> None:
    linear, _, y = small()
    again = linear.copy(linear.copy(y, "a", ""), "b", "")
    assert linear.resolve(again) == y
    assert linear.resolve(y) == y


def test_live_registers_are_those_that_the_results_need_and_no_others() -> None:
    linear, x, y = small()
    unused = linear.operation(MUL, (x, x))
    z = linear.operation(ADD, (x, y))
    assert linear.live([x]) == [x]
    assert linear.live([y]) == [x, y]
    assert linear.live([z]) == [x, y, z]
    assert unused not in linear.live([z])
    assert linear.live([]) == []


def test_what_depends_on_a_register_is_found_through_any_number_of_others() -> None:
    linear, x, y = small()
    other = linear.leaf(Kind.VARIABLE, Value(1.0), "other")
    z = linear.copy(linear.operation(ADD, (other, y)), "z", "")
    assert linear.depending_on([x]) == {x, y, z - 1, z}
    assert linear.depending_on([other]) == {other, z - 1, z}


def test_an_unknown_variable_is_no_register() -> None:
    stranger = Value(1.0, "stranger")
    with pytest.raises(KeyError) as caught:
        Linear().lower(stranger * 2)
    assert caught.value.args[0] is stranger


def test_equal_names_get_numbers_that_no_other_name_has() -> None:
    names = ["w", "w", "w_2", "w", "w_2"]
    fresh = numbered(names)
    assert len(set(fresh)) == len(names)
    assert fresh[:2] == ["w", "w_2"]


def test_a_choice_inside_another_by_the_same_condition_is_made_once() -> None:
    c, a, b, d = [Value(number) for number in (1.0, 2.0, 3.0, 4.0)]
    for nested in (where(c, where(c, a, b), d), where(c, a, where(c, b, d))):
        linear = compile(nested, updates=lambda _: {}).expanded.linear
        registers = linear.registers
        outer = registers[linear.of_value[nested]]
        taken = [registers[place].value for place in outer.operands]
        assert taken == [c, a, d]
    other = where(c, where(b, a, d), d)
    assert len(compile(other)) > len(compile(where(c, a, d)))
