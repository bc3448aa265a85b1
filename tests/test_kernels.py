"""What an operation's function is to other languages: the same numbers, or refused by name.

Machine code that is refused is Python under ``engine="auto"``, with the bits of an eager pass.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from math import inf, log1p, nan
from typing import Any

import pytest

from autodiff import Value, compile, ops
from autodiff.compiler.kernels import NotTranslatableError, kernel_of
from autodiff.compiler.native import is_installed
from autodiff.ops import OPERATIONS, Operation, softplus
from tests.bits import all_bits
from tests.engines import CC, NODE, InC, InJavaScript

NUMBERS = (-2.5, -0.0, 0.3, 2.0)

Forward = Callable[..., Any]


def local_derivatives(out: Any, *operands: Any) -> tuple[Any, ...]:
    return tuple([2.0 for _ in operands])


def operation_of(forward: Forward, arity: int = 1) -> Operation:
    return Operation("own", "own", arity, forward, local_derivatives)


def graph_of(op: Operation, number: float) -> tuple[Value, list[Value]]:
    """Return the operation of as many Values as it takes, the first with that number."""
    leaves = [Value(number, "x"), *[Value(1.5) for _ in range(1, op.arity or 1)]]
    return Value.make_node(op, *leaves), leaves


def eager_numbers(op: Operation, number: float) -> list[float]:
    output, leaves = graph_of(op, number)
    output.backward()
    return [output.data, *[leaf.grad for leaf in leaves]]


def assert_refused(op: Operation, reason: str) -> None:
    """Check that all other languages refuse it by name, and that Python has the eager bits."""
    for number in NUMBERS:
        wanted = eager_numbers(op, number)
        output, leaves = graph_of(op, number)
        program = compile(output, engine="auto")
        assert program.engine == "python"
        assert all_bits(program.run(2)) == all_bits([wanted[0]] * 2)
        assert all_bits([program(), *[leaf.grad for leaf in leaves]]) == all_bits(wanted)
    writers = [program.to_c, program.to_javascript]
    if is_installed():
        writers.append(functools.partial(getattr, compile(output, engine="native"), "runner"))
    for write in writers:
        with pytest.raises(NotTranslatableError, match=f"^own: .*{reason}.*let Python run"):
            write()


def assert_translated(op: Operation) -> None:
    """Check that every engine that is here has the eager bits."""
    for number in NUMBERS:
        wanted = eager_numbers(op, number)
        output, leaves = graph_of(op, number)
        for engine in ["python", *["native"] * is_installed()]:
            assert all_bits(compile(output, engine=engine).run(1)) == all_bits(wanted[:1])
        program, start = compile(output), [leaf.data for leaf in leaves]
        found = []
        if CC:
            found.append(InC(program).step(start))
        if NODE:
            found += InJavaScript(program).steps([(start, [])])
        for result, gradients in found:
            assert all_bits([result, *gradients]) == all_bits(wanted)


# ---- the first line, and other conditions ------------------------------------------------------


def hands_on_negative_floats_too(x: Any) -> Any:
    if type(x) is float and x < 0.0:
        return 0.0
    if type(x) is not float:
        return OWN.apply(x)
    return x


def asks_for_the_type_in_the_last_line(x: Any) -> Any:
    return x if type(x) is float else 0.0


def asks_for_more_than_types(x: Any) -> Any:
    if type(x) is not float or x < 0.0:
        return OWN.apply(x)
    return x + 1.0


def asks_for_another_type(x: Any) -> Any:
    if type(x) is not int:
        return x + 1.0
    return x


def has_an_else(x: Any) -> Any:
    if type(x) is not float:
        return OWN.apply(x)
    elif x < 0.0:  # noqa: RET505
        x = x + 1.0
    return x


def asks_the_type_of_what_was_computed(x: Any) -> Any:
    y = 0 if x < 0.0 else x
    if type(y) is not float:
        return float(y) + 1.0
    return y


def asks_after_an_assignment(x: Any) -> Any:
    x = 1 if x < 0.0 else x
    if type(x) is not float:
        return TAKES_ANY.apply(x)
    return x


def hands_on_something_else(x: Any) -> Any:
    if type(x) is not float:
        return OWN.apply(x + 1.0)
    return x


def hands_on_in_another_order(a: Any, b: Any) -> Any:
    if type(a) is not float:
        return OWN.apply(b, a)
    return a - b


def has_another_type(x: Any) -> Any:
    if type(x) is not float:
        return OWN.apply(x)
    return x


def hands_on_both(a: Any, b: Any) -> Any:
    """Has a docstring, and the first line of the table's functions."""
    if type(a) is not float or type(b) is not float:
        return OWN.apply(a, b)
    return a - b


def hands_on_by_the_first(a: Any, b: Any) -> Any:
    if type(a) is not float:
        return OWN.apply(a, b)
    return a - b


OWN = operation_of(hands_on_negative_floats_too)
TAKES_ANY = operation_of(softplus)


@pytest.mark.parametrize("name", ["type", "float"])
def test_a_first_line_whose_names_mean_something_else_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), name, str)
    with pytest.raises(NotTranslatableError, match="own: cannot translate"):
        kernel_of(operation_of(has_another_type))


@pytest.mark.parametrize("forward", [hands_on_both, hands_on_by_the_first])
def test_the_first_line_of_the_tables_functions_is_left_out(forward: Forward) -> None:
    assert_translated(operation_of(forward, 2))


def ends_in_nothing(x: Any) -> Any:
    return


def does_nothing(x: Any) -> Any:
    """Has no line of its own."""


def assigns_two_names_at_once(x: Any, y: Any) -> Any:
    z = y = x + 1.0
    return z * y


def takes_a_remainder(x: Any) -> Any:
    return x % 2.0


def compares_identities(x: Any) -> Any:
    return x if x is not None else 0.0


# ---- comparisons as numbers, and whole numbers -------------------------------------------------


def chooses_by_a_product(x: Any) -> Any:
    return x * (x > 0)


def has_a_comparison_on_the_left(x: Any) -> Any:
    return (x > 1) * x


def is_a_sign(x: Any) -> Any:
    return (x > 0) - (x < 0)


def adds_a_comparison(x: Any) -> Any:
    return (x > 1) + x


def is_another_where_it_is_zero(x: Any) -> Any:
    return x or 3.0


def is_the_last_of_three(x: Any) -> Any:
    return (x > 1 and x) * 1.0 + (x and x + 1.0 and x * 2.0)


def is_a_comparison(x: Any) -> Any:
    return x > 1


def is_between(x: Any) -> Any:
    return 0 < x < 1


def asks_a_number(x: Any) -> Any:
    return 2.0 * x if x else 5.0


def asks_nan(x: Any) -> Any:
    return 1.0 if (x + inf) - inf else 2.0  # nan is true in Python, false in JavaScript


def asks_a_choice(x: Any) -> Any:
    positive = x > 0
    return -x if (positive if x > -1 else x < -2) and not_zero(x) else 7.0 * positive


def asks_by_name(x: Any) -> Any:
    small = (x < 1 and (x > -1 or x)) or x == 2.0
    return x * 3.0 if small else x


def compares_a_comparison(x: Any) -> Any:
    return (x > 0) == (x < 1)


def negates_a_comparison(x: Any) -> Any:
    return -(x > 1)  # a whole number, which has no -0


def negates_a_whole_number(x: Any) -> Any:
    return -(1 if x > 1 else 0) * -1


def multiplies_whole_numbers(x: Any) -> Any:
    return -2 * (x > 1) + -0 * x


def rounds_up(x: Any) -> Any:
    return math.ceil(x) + x * -math.trunc(x)


def assigns_its_operand(x: Any) -> Any:
    x = x * 2.0
    x_2 = x + 1.0
    x = x_2 * x
    return x + x_2


not_zero = math.fabs


@pytest.mark.parametrize(
    "forward",
    [
        *(chooses_by_a_product, has_a_comparison_on_the_left, is_a_sign, adds_a_comparison),
        *(is_another_where_it_is_zero, is_the_last_of_three, is_a_comparison, is_between),
        *(asks_a_number, asks_by_name, compares_a_comparison, negates_a_comparison),
        *(negates_a_whole_number, multiplies_whole_numbers, rounds_up, assigns_its_operand),
    ],
)
def test_comparisons_and_whole_numbers_are_numbers_on_every_engine(forward: Forward) -> None:
    # The eager engine calls the function itself: what it returns is right by definition.
    assert_translated(operation_of(forward))


def test_nan_is_true_on_every_engine() -> None:
    op = operation_of(asks_nan)
    x = Value(-inf, "x")
    program = compile(Value.make_node(op, x))
    assert program() == 1.0
    if CC:
        assert InC(program).step([-inf])[0] == 1.0
    if NODE:
        assert InJavaScript(program).steps([([-inf], [])])[0][0] == 1.0
    if is_installed():
        assert compile(Value.make_node(op, x), engine="native").run(1) == [1.0]


def is_whole_or_not(x: Any) -> Any:
    return -(1 if x > 1 else x)


def has_too_many_digits(x: Any) -> Any:
    return x + 9007199254740993


def has_a_text(x: Any) -> Any:
    return x if x != "" else 1.0


def compares_by_membership(x: Any) -> Any:
    return 1.0 if x in (1.0, 2.0) else x


# ---- what a name means -------------------------------------------------------------------------


def sigmoid(x: Any) -> Any:
    return x + 10.0


def log(x: Any) -> Any:
    return x + 20.0


def power(a: Any, b: Any) -> Any:
    return a + b


def calls_a_sigmoid_of_its_own(x: Any) -> Any:
    return sigmoid(x)


def calls_a_log_of_its_own(x: Any) -> Any:
    return log(x) * 2.0


def calls_a_power_of_its_own(x: Any) -> Any:
    return power(x, 2.0)


def calls_pythons_own_pow(x: Any) -> Any:
    return pow(x, 2.0)


def calls_by_keyword(x: Any) -> Any:
    return softplus(x=x)


def calls_a_method(x: Any) -> Any:
    return x.conjugate()


def calls_a_name_in_a_module(x: Any) -> Any:
    return ops.softplus(x)


def around_a_function(exp: Forward) -> Forward:
    def calls_what_is_around_it(x: Any) -> Any:
        return exp(x)

    return calls_what_is_around_it


def around_a_module(math: Any) -> Forward:
    def calls_a_function_of_another_math(x: Any) -> Any:
        return math.exp(x)

    return calls_a_function_of_another_math


class OtherMath:
    """A module's stand-in, whose names mean something else."""

    inf = 5.0

    @staticmethod
    def exp(x: float) -> float:
        return x + 30.0


def calls_its_operand(x: Any, exp: Any) -> Any:
    return exp(x)


def around_an_infinity(inf: float) -> Forward:
    def up_to_infinity(x: Any) -> Any:
        return x if x < inf else 1.0

    return up_to_infinity


def around_the_infinity_of(math: Any) -> Forward:
    def up_to_an_infinity(x: Any) -> Any:
        return x if x < math.inf else 1.0

    return up_to_an_infinity


def uses_pi(x: Any) -> Any:
    return x * math.pi


def around_what_is_never_there() -> Forward:
    def uses_what_is_not_there_yet(x: Any) -> Any:
        return x if x > 0.0 else later

    if uses_what_is_not_there_yet(1.0) != 1.0:
        later = 2.0
    return uses_what_is_not_there_yet


def test_a_variable_around_a_function_that_has_no_value_is_refused() -> None:
    op = operation_of(around_what_is_never_there())
    with pytest.raises(NotTranslatableError, match="own: "):
        kernel_of(op)
    output, _ = graph_of(op, 2.0)
    assert compile(output, engine="auto").run(1) == [2.0]


def calls_what_is_the_tables(x: Any) -> Any:
    return softplus(x)


def calls_what_is_maths(x: Any) -> Any:
    return log1p(math.fabs(x))


def chooses_infinities(x: Any) -> Any:
    return inf if x < -1.0 else nan if x < 0.1 else -math.inf if x < 1.0 else math.nan


def has_operands_called_infinity(inf: Any, math: Any) -> Any:
    exp = inf * math
    return exp - math


def has_an_infinity_of_its_own(inf: Any) -> Any:
    return inf if inf < math.inf else 1.0


@pytest.mark.parametrize("forward", [calls_what_is_the_tables, calls_what_is_maths])
def test_a_call_of_what_is_the_tables_or_maths_is_translated(forward: Forward) -> None:
    op = operation_of(forward)
    for number in NUMBERS:
        (wanted, *_) = eager_numbers(op, number)
        output, leaves = graph_of(op, number)
        if is_installed():
            assert all_bits(compile(output, engine="native").run(1)) == all_bits([wanted])
        if CC:
            found, _ = InC(compile(output)).step([leaves[0].data])
            assert all_bits([found]) == all_bits([wanted])


@pytest.mark.parametrize(
    ("forward", "arity"),
    [(chooses_infinities, 1), (has_operands_called_infinity, 2), (has_an_infinity_of_its_own, 1)],
)
def test_infinities_and_names_like_theirs_are_translated(forward: Forward, arity: int) -> None:
    assert_translated(operation_of(forward, arity))


# ---- functions that are not what their source shows --------------------------------------------


def twice(function: Forward) -> Forward:
    @functools.wraps(function)
    def doubled(*operands: Any) -> Any:
        return 2.0 * function(*operands)

    return doubled


def without_a_trace(function: Forward) -> Forward:
    """Return a function that computes as another does, with no sign of having been decorated."""
    function.__defaults__ = None
    return function


@twice
def a_decorated_square(x: Any) -> Any:
    return x * x


@without_a_trace
def a_square_decorated_without_a_trace(x: Any) -> Any:
    return x * x


def test_a_lambda_beside_another_statement_is_refused() -> None:
    one = lambda x: x * x; other = 3.0  # noqa: E702, E731  # fmt: skip
    assert other == 3.0
    assert_refused(operation_of(one), "not a plain function")


def test_a_function_whose_source_is_nowhere_is_refused() -> None:
    namespace: dict[str, Any] = {}
    exec("def made_of_text(x): return x * x", namespace)
    assert_refused(operation_of(namespace["made_of_text"]), "the source of its forward is missing")


# ---- parameters --------------------------------------------------------------------------------


def with_a_default(x: Any, scale: Any = 3.0) -> Any:
    return x * scale


def with_a_named_default(x: Any, *, scale: Any = 3.0) -> Any:
    return x * scale


def of_any_number(*operands: Any) -> Any:
    return operands[0] * 2.0


def with_any_options(x: Any, **options: Any) -> Any:
    return x * 2.0


def with_more_operands(x: Any, *others: Any) -> Any:
    return x if others == 1.5 else x * 2.0


def test_a_default_that_is_an_operand_counts_for_nothing() -> None:
    assert_translated(operation_of(with_a_default, 2))


# ---- objects that can be called ----------------------------------------------------------------


class Multiplier:
    """Multiplies by a number, as a forward; gives the number, as a rule."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def __call__(self, *operands: Any) -> Any:
        return operands[0] * self.factor

    def times(self, x: Any) -> Any:
        """Return x times the number."""
        return x * self.factor


class Slopes:
    """A rule without a name."""

    def __call__(self, out: Any, x: Any) -> tuple[Any]:
        return (out * x,)


def reasoned(reason: str, *forwards: Forward, arity: int = 1) -> list[tuple[Forward, int, str]]:
    """Return that these functions are refused for that reason."""
    return [(forward, arity, reason) for forward in forwards]


NO_TABLE_CALL = "calls no function of the table"
REFUSED = [
    *reasoned("type", hands_on_negative_floats_too, asks_for_the_type_in_the_last_line),
    *reasoned("type", asks_for_another_type, has_an_else, asks_the_type_of_what_was_computed),
    *reasoned("type", asks_after_an_assignment, hands_on_something_else),
    *reasoned("first line", hands_on_in_another_order, arity=2),
    *reasoned("z = y = x", assigns_two_names_at_once, arity=2),
    *reasoned("cannot translate", takes_a_remainder, compares_identities),
    *reasoned("cannot translate", has_a_text, compares_by_membership),
    *reasoned("two kinds of zero: write 1.0 for 1", is_whole_or_not),
    *reasoned("write it as a float", has_too_many_digits),
    *reasoned("not_zero", asks_a_choice),
    *reasoned(NO_TABLE_CALL, calls_a_sigmoid_of_its_own, calls_a_log_of_its_own),
    *reasoned(NO_TABLE_CALL, calls_a_power_of_its_own, calls_pythons_own_pow, calls_by_keyword),
    *reasoned(NO_TABLE_CALL, calls_a_method, calls_a_name_in_a_module),
    *reasoned(NO_TABLE_CALL, around_a_function(sigmoid), around_a_module(OtherMath())),
    *reasoned("inf is neither an operand nor assigned before", around_an_infinity(0.5)),
    *reasoned(r"math\.inf", around_the_infinity_of(OtherMath())),
    *reasoned(r"math\.pi", uses_pi),
    *reasoned("a function around another", a_decorated_square, twice(ops.tanh)),
    *reasoned("has a decorator", a_square_decorated_without_a_trace),
    *reasoned(r"its operands \(1\).*x: 'Any', scale", with_a_default),
    *reasoned(r"its operands \(1\).*scale", with_a_named_default),
    *reasoned(r"its operands \(1\).*operands", of_any_number),
    *reasoned(r"its operands \(1\).*options", with_any_options),
    *reasoned(r"its operands \(2\).*others", with_more_operands, arity=2),
    *reasoned("not a Python function", Multiplier(3.0), Multiplier(3.0).times),
    *reasoned("not a Python function", functools.partial(with_a_default, scale=3.0)),
]


@pytest.mark.parametrize(
    ("forward", "arity", "reason"),
    REFUSED,
    ids=[getattr(forward, "__name__", type(forward).__name__) for forward, _, _ in REFUSED],
)
def test_what_other_languages_cannot_do_is_refused_and_python_has_the_eager_bits(
    forward: Forward, arity: int, reason: str
) -> None:
    assert_refused(operation_of(forward, arity), reason)


@pytest.mark.parametrize(
    ("forward", "arity", "reason"),
    [
        (asks_for_more_than_types, 1, "cannot translate .*first line"),
        (ends_in_nothing, 1, "its forward must "),
        (does_nothing, 1, "its forward must "),
        (calls_its_operand, 2, NO_TABLE_CALL),
    ],
)
def test_what_python_cannot_do_either_has_no_kernel(
    forward: Forward, arity: int, reason: str
) -> None:
    with pytest.raises(NotTranslatableError, match=f"own: .*{reason}"):
        kernel_of(operation_of(forward, arity))


def slopes(factor: float, out: Any, x: Any) -> tuple[Any]:
    return (factor * out * x,)


def triple(x: Any) -> Any:
    return 3.0 * x


@pytest.mark.parametrize("rule", [Slopes(), functools.partial(slopes, 2.0)])
def test_an_object_as_a_rule_is_compiled_everywhere_and_called_by_its_operation(rule: Any) -> None:
    op = Operation("own", "own", 1, triple, rule)
    assert_translated(op)
    output, _ = graph_of(op, 2.0)
    assert "by the rule of own" in compile(output).source


def test_two_nameless_functions_of_one_name_are_refused() -> None:
    first, second = operation_of(Multiplier(2.0)), operation_of(Multiplier(3.0))
    with pytest.raises(ValueError, match="two different operations are called 'own'"):
        compile(Value.make_node(first, Value.make_node(second, Value(1.0))))


# ---- the table ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - {"weighted_sum", "pick"}))
def test_every_operation_of_the_table_has_a_kernel(name: str) -> None:
    assert len(kernel_of(OPERATIONS[name]).parameters) == OPERATIONS[name].arity
