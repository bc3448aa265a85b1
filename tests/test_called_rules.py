"""Rules that look at numbers: right where they can be called again, refused by name elsewhere."""

from __future__ import annotations

import gc
import inspect
import math
import random
import weakref
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

import nn
from autodiff import Value, check_gradients, compile, cos, grad, hessian, sin, where
from autodiff.compiler.kernels import NotTranslatableError
from autodiff.ops import NOTHING, Operation
from tests.bits import all_bits, same_bits

HERE = __file__.rpartition("/")[2]

# ---- Operations of one's own. Each rule is right for numbers; none is a graph. --------------


def sinh(x: Any) -> Any:
    return math.sinh(x)


def by_a_function_of_math(out: Any, x: Any) -> tuple[Any]:
    return (math.cosh(x),)


def by_the_number(out: Any, x: Any) -> tuple[Any]:
    return (math.cosh(x.data if isinstance(x, Value) else x),)


def by_float(out: Any, x: Any) -> tuple[Any]:
    return ((float(x * 1.0) * 0.0 + 1.0) * math.cosh(float(x)),)


def by_a_method_of_floats(out: Any, x: Any) -> tuple[Any]:
    return (math.cosh(x) if x.is_integer() else math.cosh(x * 1.0),)


def in_spite_of_an_error(out: Any, x: Any) -> tuple[Any]:
    try:
        return (math.cosh(x),)
    except TypeError:
        return (1.0,)


def softsign(x: Any) -> Any:
    return x / (1.0 + math.fabs(x))


def by_an_if(out: Any, x: Any) -> tuple[Any]:
    if x < 0.0:
        return (1.0 / ((1.0 - x) * (1.0 - x)),)
    return (1.0 / ((1.0 + x) * (1.0 + x)),)


def by_max(out: Any, x: Any) -> tuple[Any]:
    size = max(x, -x)
    return (1.0 / ((1.0 + size) * (1.0 + size)),)


def sinc(x: Any) -> Any:
    return 1.0 if x == 0.0 else math.sin(x) / x


def by_an_equality(out: Any, x: Any) -> tuple[Any]:
    if x == 0.0:
        return (0.0,)
    return ((cos(x) - out) / x,)


def slope_of_sinc(x: float) -> float:
    return math.cos(x) / x - math.sin(x) / x**2 if x else 0.0


def slope_of_softsign(x: float) -> float:
    return 1.0 / (1.0 + abs(x)) ** 2


# ---- rules that nothing is noticed of: they look at no Value's number ----


left: dict[str, float] = {}


def sinh_that_leaves_its_slope(x: Any) -> Any:
    left["slope"] = math.cosh(x)
    return math.sinh(x)


def by_what_is_left(out: Any, x: Any) -> tuple[Any]:
    return (left["slope"],)


def by_what_is_left_and_a_graph(out: Any, x: Any) -> tuple[Any]:
    return (left["slope"] + 0.0 * x,)


def by_the_type(out: Any, x: Any) -> tuple[Any]:
    return (math.cosh(x) if isinstance(x, float) else 1.0,)


def by_the_text(out: Any, x: Any) -> tuple[Any]:
    return (math.cosh(float(f"{x:.17g}")),)


known_slopes = {number: math.cosh(number) for number in (0.7, -0.7, 2.0, 0.0, -3.0)}


def by_a_table(out: Any, x: Any) -> tuple[Any]:
    return (known_slopes.get(x, 1.4),)


def by_the_repr(out: Any, x: Any) -> tuple[Any]:
    return (math.cosh(float(repr(x))) if "(" not in repr(x) else 1.0,)


RULES: list[tuple[Callable[..., Any], Callable[..., tuple[Any]], Callable[[float], float]]] = [
    (sinh, by_a_function_of_math, math.cosh),
    (sinh, by_the_number, math.cosh),
    (sinh, by_float, math.cosh),
    (sinh, by_a_method_of_floats, math.cosh),
    (sinh, in_spite_of_an_error, math.cosh),
    (softsign, by_an_if, slope_of_softsign),
    (softsign, by_max, slope_of_softsign),
    (sinc, by_an_equality, slope_of_sinc),
    (sinh_that_leaves_its_slope, by_what_is_left, math.cosh),
    (sinh_that_leaves_its_slope, by_what_is_left_and_a_graph, math.cosh),
    (sinh, by_the_type, math.cosh),
    (sinh, by_the_text, math.cosh),
    (sinh, by_a_table, math.cosh),
    (sinh, by_the_repr, math.cosh),
]
EACH_RULE = pytest.mark.parametrize(
    ("function", "rule", "slope"), RULES, ids=[rule.__name__ for _, rule, _ in RULES]
)


def operation(function: Callable[..., Any], rule: Callable[..., Any]) -> Operation:
    return Operation(function.__name__, function.__name__, 1, function, rule)


SINH = operation(sinh, by_a_function_of_math)


def line_of(rule: Callable[..., Any], code: str) -> str:
    """Return the place of a line of a rule, as messages have it."""
    lines, first = inspect.getsourcelines(rule)
    (place,) = [first + k for k, line in enumerate(lines) if code in line]
    return f"{HERE}:{place}"


# ---- What can call the rule again is right --------------------------------------------------


@EACH_RULE
def test_grad_is_the_slope_at_its_number(
    function: Callable[..., Any], rule: Callable[..., tuple[Any]], slope: Callable[[float], float]
) -> None:
    for number in (0.7, -0.7, 2.0, 0.0):
        x = Value(number, "x")
        node = Value.make_node(operation(function, rule), x)
        found = grad(node * 3.0, x)
        node.backward(3.0)
        assert found.data == pytest.approx(3.0 * slope(number), rel=1e-14)
        assert same_bits(found.data, x.grad)


@EACH_RULE
def test_programs_have_the_slope_of_every_number_that_they_get(
    function: Callable[..., Any], rule: Callable[..., tuple[Any]], slope: Callable[[float], float]
) -> None:
    op = operation(function, rule)
    x, moved = Value(0.7, "x"), Value(0.0)
    node = Value.make_node(op, x)
    program = compile(node, updates=lambda gradients: {moved: gradients[x], x: x - 1.5})
    over_rows = compile(
        node * moved, inputs=[x], updates=lambda gradients: {moved: gradients[moved]}
    )
    first = grad(node, x)
    of_a_graph = compile(x * 1.0, updates=lambda _: {moved: first})
    for number in (0.7, -0.7, 2.0, 0.0, -3.0):
        # Readable, dense, over rows, and a graph that is a slope itself: all call the rule.
        x.data = number
        x.zero_grad()
        program()
        assert x.grad == pytest.approx(slope(number), rel=1e-14)
        program.run(1)
        assert same_bits(moved.data, x.grad)
        moved.data, x.data = 0.0, number
        of_a_graph.run(1)
        assert same_bits(moved.data, x.grad)
        moved.data = 1.0
        x.zero_grad()
        over_rows(number)
        assert x.grad == pytest.approx(slope(number), rel=1e-14)


def test_two_steps_of_a_dense_run_have_two_slopes() -> None:
    x = Value(2.0, "x")
    program = compile(Value.make_node(SINH, x), updates=lambda gradients: {x: gradients[x]})
    first = math.cosh(2.0)
    assert program.run(3) == [math.sinh(2.0), math.sinh(first), math.sinh(math.cosh(first))]


def test_the_readable_program_calls_the_rule_by_its_name() -> None:
    x = Value(2.0, "x")
    node = Value.make_node(SINH, x)
    node.label = "s"
    source = compile(node).source
    assert "sinh_partials(s, x)[0]  # for d s/d x, by by_a_function_of_math" in source


def test_a_variable_of_the_rules_name_gives_way_to_it() -> None:
    x = Value(2.0, "sinh_partials")
    program = compile(Value.make_node(SINH, x), updates=lambda gradients: {x: gradients[x]})
    assert "(sinh_partials_2,) = parameters" in program.source
    program()
    assert x.grad == math.cosh(2.0)
    program.run(1)
    assert x.data == math.cosh(2.0)


def norm(*numbers: Any) -> Any:
    return math.hypot(*numbers)


def norm_partials(out: Any, *numbers: Any) -> tuple[Any, ...]:
    return tuple(float(number) / float(out) for number in numbers)


def test_each_of_two_or_of_any_number_of_operands_has_its_own_slope() -> None:
    op = Operation("norm", "norm", None, norm, norm_partials)
    a, b, c = Value(2.0, "a"), Value(3.0, "b"), Value(6.0, "c")
    distance = Operation("distance", "distance", 2, norm, norm_partials)
    program = compile(Value.make_node(op, a, b, c) * Value.make_node(distance, a, b))
    a.data, b.data, c.data = 3.0, 4.0, 12.0
    assert program() == 13.0 * 5.0
    assert a.grad == pytest.approx(3.0 / 13.0 * 5.0 + 13.0 * 3.0 / 5.0, rel=1e-15)
    assert c.grad == pytest.approx(12.0 / 13.0 * 5.0, rel=1e-15)


def root(x: Any) -> Any:
    return math.sqrt(x)


def root_partials(out: Any, x: Any) -> tuple[Any]:
    return (0.5 / math.sqrt(x),)


def test_the_slope_at_a_constant_is_known_at_once() -> None:
    x, moved = Value(2.0, "x"), Value(0.0)
    node = Value.make_node(SINH, x)
    call = grad(node, x).op
    assert call is not None
    known = Value.make_node(call, math.sinh(0.5), 0.5)
    program = compile(x * known, updates=lambda _: {moved: known})
    program()
    assert x.grad == math.cosh(0.5)
    assert "sinh_partials" not in program.run_source


def test_a_placeholder_without_a_slope_is_no_hindrance() -> None:
    op = Operation("root", "root", 1, root, root_partials)
    x, w = Value(0.0, "x"), Value(1.0, "w")
    program = compile(Value.make_node(op, x * w), inputs=[x])  # math has no 0.5 / sqrt(0)
    assert (program(4.0), w.grad) == (2.0, 1.0)
    with pytest.raises(ZeroDivisionError):
        program(0.0)


def ramp(x: Any) -> Any:
    return max(x, 0.0)


def by_an_if_that_gives_nothing(out: Any, x: Any) -> tuple[Any]:
    return (1.0,) if x > 0.0 else (NOTHING,)


def by_an_if_that_gives_zero(out: Any, x: Any) -> tuple[Any]:
    return (1.0,) if x > 0.0 else (0.0,)


@pytest.mark.parametrize(
    ("rule", "where_not_taken"),
    [(by_an_if_that_gives_nothing, 0.0), (by_an_if_that_gives_zero, math.nan)],
)
def test_a_side_that_such_a_rule_does_not_take_gets_nothing(
    rule: Callable[..., tuple[Any]], where_not_taken: float
) -> None:
    # d sqrt(ramp(x))/dx is 0 below 0; 0 times the infinite slope of sqrt at 0 would be nan.
    x, w = Value(4.0, "x"), Value(1.0, "w")
    output = Value.make_node(Operation("ramp", "ramp", 1, ramp, rule), x).sqrt() * w
    program = compile(output)
    over_rows = compile(output, inputs=[x], updates=lambda gradients: {w: gradients[w]})
    steps = compile(output, updates=lambda gradients: {w: gradients[x]})
    for number, slope in ((4.0, 0.25), (-1.0, where_not_taken)):
        x.data, w.data = number, 1.0
        found = []
        for run in (program, lambda: over_rows(x.data), output_of_now(rule, x, w).backward):
            x.zero_grad()
            run()
            found.append(x.grad)
        w.data = 1.0
        steps.run(1)
        found.append(w.data)
        w.data = 1.0
        found.append(grad(output_of_now(rule, x, w), x).data)
        assert found == pytest.approx([slope] * 5, nan_ok=True)


def output_of_now(rule: Callable[..., tuple[Any]], x: Value, w: Value) -> Value:
    return Value.make_node(Operation("ramp", "ramp", 1, ramp, rule), x).sqrt() * w


# ---- What cannot is refused by name ---------------------------------------------------------

CURE = r"Write the rule in arithmetic and functions of autodiff .*autodiff\.where$"


@EACH_RULE
def test_second_derivatives_are_refused(
    function: Callable[..., Any], rule: Callable[..., tuple[Any]], slope: Callable[[float], float]
) -> None:
    x = Value(0.7, "x")
    node = Value.make_node(operation(function, rule), x)
    first = grad(node, x)
    message = f"^{function.__name__}: its slope cannot be differentiated again, .*{HERE}:.*{CURE}"
    for derive in (
        lambda: grad(first, x),
        lambda: hessian(node, [x]),
        first.backward,
        lambda: compile(first),
        lambda: compile(node, updates=lambda gradients: {x: grad(gradients[x], x)}),
        lambda: check_gradients(lambda v: Value.make_node(node.op, v), [0.7], order=2),
    ):
        with pytest.raises(ValueError, match=message):
            derive()
    assert not x.has_grad


def by_a_remainder(out: Any, x: Any) -> tuple[Any]:
    return (x % 1.0 + 1.0,)


FLOATS, READS, COMPARES = (
    *("turns a Value into a float", "reads a Value's number", "compares a Value's number"),
)


@pytest.mark.parametrize(
    ("function", "rule", "code", "does"),
    [
        (sinh, by_a_function_of_math, "math.cosh", FLOATS),
        (sinh, by_the_number, "x.data", READS),
        (sinh, by_an_if, "if x < 0.0", COMPARES),
        (sinh, by_max, "max(x", COMPARES),
        (sinh, by_an_equality, "if x == 0.0", COMPARES),
        (sinh, root_partials, "math.sqrt", FLOATS),
        (sinh, by_the_text, "return", "makes a text of a Val"),
        (sinh, by_a_remainder, "x % 1.0 + 1.0,", r"fails on Values \(TypeError: unsupported oper"),
        (sinh, by_the_type, "def ", "gives 1.25517 at 0.7, where what it gives for Values is 1"),
        (sinh_that_leaves_its_slope, by_what_is_left, "def ", "gives 2.10396 at 1.375, where"),
    ],
)
def test_the_refusal_says_the_line_and_what_it_does(
    function: Callable[..., Any], rule: Callable[..., tuple[Any]], code: str, does: str
) -> None:
    x = Value(0.7, "x")
    first = grad(Value.make_node(Operation("own", "own", 1, function, rule), x), x)
    with pytest.raises(ValueError, match=f"{line_of(rule, code)} {does}"):
        grad(first, x)


def narrow(x: Any) -> Any:
    if not 0.69 < x < 0.71:
        raise ValueError("not here")
    return 2.0 * x


def narrow_partials(out: Any, x: Any) -> tuple[Any]:
    return (2.0,)


def picky(x: Any) -> Any:
    return math.sqrt(x - 0.7)


def picky_partials(out: Any, x: Any) -> tuple[Any]:
    return (0.5 / out,)


def test_a_rule_that_can_be_tried_only_near_by_is_a_graph() -> None:
    x = Value(0.7, "x")
    op = operation(narrow, narrow_partials)
    assert grad(Value.make_node(op, x), x).is_constant
    assert not op.rule_calls


def test_a_rule_that_can_be_tried_nowhere_else_is_called() -> None:
    def at_one_number(x: Any) -> Any:
        if x != 0.7:
            raise ValueError("not here")
        return 1.4

    x = Value(0.7, "x")
    first = grad(Value.make_node(operation(at_one_number, narrow_partials), x), x)
    assert first.data == 2.0
    with pytest.raises(ValueError, match="it could not be tried with other numbers"):
        grad(first, x)


def test_a_rule_without_a_slope_at_the_numbers_of_now_is_a_graph_all_the_same() -> None:
    # d sqrt(x - 0.7)/dx is infinite at 0.7, where Python's 0.5 / 0.0 raises.
    x = Value(0.7, "x")
    op = operation(picky, picky_partials)
    assert grad(Value.make_node(op, x), x).data == math.inf
    assert not op.rule_calls


def of_values_alone(out: Any, x: Any) -> tuple[Any]:
    return (2.0 * x.relu(),)


def test_a_rule_that_numbers_do_not_have_is_a_graph_as_it_cannot_be_called() -> None:
    x = Value(0.7, "x")
    op = operation(hard, of_values_alone)
    assert grad(Value.make_node(op, x), x).data == 1.4
    assert not op.rule_calls


class RuleOfAType:
    def __call__(self, _: Any, x: Any) -> tuple[Any]:
        return (math.cosh(x) if isinstance(x, float) else 1.0,)


def test_a_rule_without_a_line_is_refused_too() -> None:
    x = Value(0.7, "x")
    first = grad(Value.make_node(operation(sinh, RuleOfAType()), x), x)
    assert first.data == math.cosh(0.7)
    with pytest.raises(ValueError, match=r"numbers: it gives 1\.25517 at 0\.7"):
        grad(first, x)


def test_trying_a_rule_draws_nothing_and_leaves_what_the_function_leaves() -> None:
    def draws(x: Any) -> Any:
        left["slope"] = x
        return x + 0.0 * random.random()

    x = Value(0.7, "x")
    node = Value.make_node(operation(draws, some_slope), x)
    state = random.getstate()
    assert grad(node, x).data == 1.0
    assert random.getstate() == state
    assert left["slope"] == 0.7


def some_slope(out: Any, x: Any) -> tuple[Any]:
    return (1.0,)


def test_nothing_is_another_slope_than_zero() -> None:
    def by_the_type_of_nothing(out: Any, x: Any) -> tuple[Any]:
        return (NOTHING if isinstance(x, float) else 0.0 * x,)

    x = Value(0.0, "x")
    op = operation(ramp, by_the_type_of_nothing)
    first = grad(Value.make_node(op, x).sqrt(), x)  # 0 times the infinite slope of sqrt is nan
    assert first.data == 0.0


def test_other_languages_and_machine_code_are_refused() -> None:
    x = Value(0.7, "x")
    node = Value.make_node(SINH, x)
    message = (
        rf"^sinh: machine code, C and JavaScript cannot compute its slope, .*"
        rf"{line_of(by_a_function_of_math, 'math.cosh')} turns a Value into a float.*{CURE}"
    )
    program = compile(node, updates=lambda gradients: {x: gradients[x]})
    for write in (program.to_c, program.to_javascript):
        with pytest.raises(NotTranslatableError, match=message):
            write()


def test_machine_code_is_refused_and_auto_takes_python_and_says_why() -> None:
    pytest.importorskip("llvmlite", reason="machine code is what refuses")
    x = Value(0.7, "x")

    def updates(gradients: Any) -> Any:
        return {x: gradients[x]}

    message = r"^sinh: machine code, C and JavaScript cannot compute its slope"
    with pytest.raises(NotTranslatableError, match=message):
        compile(Value.make_node(SINH, x), updates=updates, engine="native").run(1)
    program = compile(Value.make_node(SINH, x), updates=updates, engine="auto")
    assert program.run(1) == [math.sinh(0.7)]
    assert (x.data, program.engine) == (math.cosh(0.7), "python")
    assert program.reason.startswith("sinh: machine code")
    native = compile(x * 2.0, updates=updates, engine="auto")
    assert (native.engine, native.reason) == ("native", "")


def test_a_path_beside_such_a_slope_is_differentiated_again() -> None:
    x, y = Value(0.7, "x"), Value(3.0, "y")
    output = Value.make_node(SINH, x) * y**3
    first = grad(output, y)
    assert grad(first, y).data == pytest.approx(math.sinh(0.7) * 6.0 * 3.0, rel=1e-15)
    assert grad(first, x).data == pytest.approx(math.cosh(0.7) * 3.0 * 9.0, rel=1e-15)


# ---- Rules that are graphs stay graphs ------------------------------------------------------


def swish(x: Any) -> Any:
    return x / (1.0 + math.exp(-x))


def swish_partials(out: Any, x: Any) -> tuple[Any]:
    share = 1.0 / (1.0 + (-x).exp()) if isinstance(x, Value) else 1.0 / (1.0 + math.exp(-x))
    return (share + out * (1.0 - share),)


def hard(x: Any) -> Any:
    return x * x if x > 0.0 else 0.0


def hard_partials(out: Any, x: Any) -> tuple[Any]:
    return (where(x, 2.0 * x, 0.0),)


def wave(x: Any) -> Any:
    return math.sin(x)


def wave_partials(out: Any, x: Any) -> tuple[Any]:
    return (sin(x + math.pi / 2.0),)


@pytest.mark.parametrize(
    ("function", "rule", "second"),
    [
        (wave, wave_partials, -math.sin(0.7)),
        (hard, hard_partials, 2.0),
        # d²(x s)/dx² = s' (2 + x (1 - 2 s)), where s = sigmoid(x) and s' = s (1 - s)
        (
            swish,
            swish_partials,
            0.22171287329310904 * (2.0 + 0.7 * (1.0 - 2.0 * 0.668187772168166)),
        ),
    ],
)
def test_a_rule_that_looks_at_no_number_is_differentiated_again(
    function: Callable[..., Any], rule: Callable[..., tuple[Any]], second: float
) -> None:
    op = operation(function, rule)
    x = Value(0.7, "x")
    assert hessian(Value.make_node(op, x), [x])[0][0].data == pytest.approx(second, rel=1e-12)
    assert not op.rule_calls


# ---- Training: GELU with the error function, by hand and by fit -----------------------------


def gelu(x: Any) -> Any:
    if type(x) is not float:
        return GELU.apply(x)
    return x * 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))


def gelu_partials(out: Any, x: Any) -> tuple[Any]:
    share = 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))
    return (share + x * math.exp(-0.5 * float(x) * float(x)) / math.sqrt(2.0 * math.pi),)


GELU = Operation("gelu", "gelu", 1, gelu, gelu_partials)


class Bent(nn.Module):
    """gelu(w x + b)."""

    def __init__(self) -> None:
        self.w, self.b = Value(-0.5), Value(0.3)

    def __call__(self, x: Any) -> Value:
        bent: Value = gelu(self.w * x[0] + self.b)
        return bent


X = [[-2.0], [-0.5], [0.4], [1.5], [3.0]]
Y = [0.1, -0.1, 0.5, 1.9, 3.2]


def by_hand(epochs: int, lr: float) -> tuple[list[float], float, float]:
    """Train in plain arithmetic: the derivative of x Phi(x) is Phi(x) + x phi(x)."""
    w, b, losses = -0.5, 0.3, []
    for _ in range(epochs):
        total = d_w = d_b = 0.0
        for (x,), y in zip(X, Y, strict=True):
            z = w * x + b
            share = math.erfc(-z / math.sqrt(2.0)) / 2.0
            error = z * share - y
            slope = share + z * math.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi)
            total += error * error
            d_w += 2.0 * error * slope * x
            d_b += 2.0 * error * slope
        losses.append(total / len(X))
        w, b = w - lr * d_w / len(X), b - lr * d_b / len(X)
    return losses, w, b


@cache
def eagerly_trained() -> list[float]:
    model = Bent()
    optimizer = nn.SGD(model.parameters(), lr=0.05)
    return nn.fit(model, X, Y, optimizer=optimizer, epochs=300, engine="eager").losses


@pytest.mark.parametrize("engine", ["eager", "python", "auto"])
def test_fit_trains_with_the_slope_of_now(engine: str) -> None:
    model = Bent()
    optimizer = nn.SGD(model.parameters(), lr=0.05)
    history = nn.fit(model, X, Y, optimizer=optimizer, epochs=300, engine=engine)
    losses, w, b = by_hand(300, 0.05)
    assert history.losses == pytest.approx(losses, rel=1e-9)
    assert [model.w.data, model.b.data] == pytest.approx([w, b], rel=1e-9)
    assert all_bits(eagerly_trained()) == all_bits(history.losses)
    assert history.engine == ("eager" if engine == "eager" else "python")


def test_fit_refuses_machine_code_and_says_why_auto_took_python() -> None:
    pytest.importorskip("llvmlite", reason="machine code is what refuses")
    model = Bent()
    arguments = {"optimizer": nn.SGD(model.parameters(), lr=0.05), "epochs": 1}
    with pytest.raises(NotTranslatableError, match=r"^gelu: machine code, C and JavaScript cannot"):
        nn.fit(model, X, Y, engine="native", **arguments)  # type: ignore[arg-type]
    history = nn.fit(model, X, Y, engine="auto", **arguments)  # type: ignore[arg-type]
    assert history.engine == "python"
    assert history.reason.startswith(
        "gelu: machine code, C and JavaScript cannot compute its slope"
    )


# ---- Nothing stays behind -------------------------------------------------------------------


def test_an_operation_and_the_calls_of_its_rule_go_when_nobody_has_them() -> None:
    class Rule:
        def __call__(self, _: Any, x: Any) -> tuple[Any]:
            return (math.cosh(x),)

    rule = Rule()
    alive = weakref.ref(rule)
    x = Value(2.0, "x")
    program = compile(Value.make_node(Operation("own", "own", 1, sinh, rule), x))
    program()
    assert x.grad == math.cosh(2.0)
    del rule, program
    gc.collect()
    assert alive() is None


def test_values_are_of_their_own_class_again_behind_a_rule() -> None:
    class Named(Value):
        __slots__ = ()

    x = Named(2.0, "x")
    node = Value.make_node(SINH, x)
    first = grad(node, x)
    assert (type(x), type(node), type(first)) == (Named, Value, Value)
