"""Gradients that are graphs: the bits of backward(), and derivatives of any order."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings

from autodiff import (
    Names,
    Value,
    backward_steps,
    compile,
    detect_anomaly,
    grad,
    hessian,
    maximum,
    relu,
    topological_order,
    where,
)
from autodiff.gradient import GradientSteps
from autodiff.graph import leaves_and_interior
from autodiff.ops import OPERATIONS, POW, Operation
from autodiff.value import constant
from tests.bits import all_bits, same_bits
from tests.random_graphs import Recipe, built, tame_recipes, wild_recipes

inf, nan = math.inf, math.nan


def variables_in(nodes: list[Value]) -> list[Value]:
    return [node for node in nodes if node.is_leaf and not node.is_constant]


def numbers_of(values: list[Value]) -> list[float]:
    return [value.data for value in values]


# ---- First derivatives: the same bits as backward() -----------------------------------------


@settings(max_examples=300, deadline=None)
@given(wild_recipes())
def test_on_every_op_and_every_float_grad_has_the_bits_of_backward(recipe: Recipe) -> None:
    nodes, twins = built(recipe), built(recipe)
    nodes[-1].backward()
    found = grad(twins[-1], variables_in(twins))
    assert all_bits(numbers_of(found)) == all_bits(
        [leaf.grad if leaf.has_grad else 0.0 for leaf in variables_in(nodes)]
    )


@settings(max_examples=100, deadline=None)
@given(wild_recipes())
def test_grad_by_interior_nodes_has_the_bits_of_their_gradients(recipe: Recipe) -> None:
    nodes, twins = built(recipe), built(recipe)
    nodes[-1].backward()
    reached = [k for k, node in enumerate(nodes) if not node.is_constant and node.has_grad]
    found = grad(twins[-1], [twins[k] for k in reached])
    assert all_bits(numbers_of(found)) == all_bits([nodes[k].grad for k in reached])


@settings(max_examples=150, deadline=None)
@given(wild_recipes())
def test_gradient_steps_are_those_of_backward_that_lie_on_a_path_from_an_input(
    recipe: Recipe,
) -> None:
    nodes = built(recipe)
    root = nodes[-1]
    inputs = variables_in(nodes)
    on_path = set(inputs)
    for node in leaves_and_interior(root)[1]:
        if any(parent in on_path for parent in node.parents):
            on_path.add(node)
    numeric = [step for step in backward_steps(root) if step.parent in on_path]
    # Which operands are taken shows only when a graph of gradients is computed: it has a step for
    # each that may be.  Those of the numbers are all among them, and the others add nothing.
    taken = [step for step in numeric if step.taken]
    uses = {(step.node, step.position) for step in taken}
    every = list(GradientSteps(root, inputs))
    graphs = [step for step in every if (step.node, step.position) in uses]
    assert [(step.node, step.parent, step.position) for step in graphs] == [
        (step.node, step.parent, step.position) for step in taken
    ]
    for part in ("local", "upstream", "contribution", "total"):
        theirs = [getattr(step, part) for step in taken]
        assert all_bits([getattr(step, part).data for step in graphs]) == all_bits(theirs)
    others = [step for step in every if (step.node, step.position) not in uses]
    assert all_bits([step.contribution.data for step in others]) == all_bits([-0.0] * len(others))


def test_grad_changes_nothing() -> None:
    x, y = Value(2.0), Value(3.0)
    output = (x * y).exp() + x
    x.grad = 5.0
    before = [(node, node.data, node.grad) for node in topological_order(output)]
    grad(output, [x, y])
    assert [(node, node.data, node.grad) for node in topological_order(output)] == before
    assert not y.has_grad


def test_an_input_that_the_output_does_not_depend_on_has_the_constant_gradient_zero() -> None:
    x, other = Value(2.0), Value(3.0)
    found = grad(x * x, other)
    assert found.is_constant
    assert same_bits(found.data, 0.0)


def test_an_input_may_be_given_twice() -> None:
    x = Value(3.0)
    assert numbers_of(grad(x * x, [x, x])) == [6.0, 6.0]


def test_the_output_by_itself_is_one() -> None:
    x = Value(3.0)
    y = x * x
    assert grad(y, y).data == 1.0
    assert grad(x, x).data == 1.0


def test_one_input_gives_a_value_and_a_list_gives_a_list() -> None:
    x = Value(3.0)
    assert isinstance(grad(x * x, x), Value)
    assert isinstance(grad(x * x, [x]), list)
    assert grad(x * x, []) == []


def test_a_step_cannot_be_changed() -> None:
    x = Value(3.0)
    (step,) = GradientSteps(-x, [x])
    with pytest.raises(AttributeError, match="cannot assign to field 'total'"):
        step.total = x  # type: ignore[misc]


def test_a_factor_of_the_constant_one_is_left_out_of_the_graph() -> None:
    a, b = Value(2.0), Value(3.0)
    assert grad(a * b, a) is b
    by_a = grad((a + b).exp(), a)
    assert by_a.op is OPERATIONS["exp"]


def test_the_power_one_is_left_out_of_the_graph_of_a_square() -> None:
    x = Value(3.0)
    derivative = grad(x ** constant(2.0), x)  # 2 * x**(2 - 1)
    assert derivative.data == 6.0
    assert [node.data for node in topological_order(derivative)] == [2.0, 3.0, 6.0]
    assert derivative.op is OPERATIONS["mul"]


def test_a_deep_graph_needs_no_recursion() -> None:
    x = Value(1.0)
    node = x
    for _ in range(50_000):
        node = node + x
    assert grad(node, x).data == 50_001.0


# ---- Derivatives of derivatives -------------------------------------------------------------


def test_a_polynomial_can_be_differentiated_until_nothing_is_left() -> None:
    x = Value(2.0)
    derivative = x * x * x * x
    found = []
    for _ in range(6):
        found.append(derivative.data)
        derivative = grad(derivative, x)
    assert found == [16.0, 32.0, 48.0, 48.0, 24.0, 0.0]


SMOOTH: list[tuple[str, Callable[[Value], Value], Callable[[object], object], float]] = [
    ("exp", Value.exp, mpmath.exp, 0.7),
    ("log", Value.log, mpmath.log, 0.7),
    ("sqrt", Value.sqrt, mpmath.sqrt, 0.7),
    ("sin", Value.sin, mpmath.sin, 0.7),
    ("cos", Value.cos, mpmath.cos, 0.7),
    ("tan", Value.tan, mpmath.tan, 0.7),
    ("tanh", Value.tanh, mpmath.tanh, 0.7),
    ("sigmoid", Value.sigmoid, lambda x: 1 / (1 + mpmath.exp(-x)), 0.7),
    ("softplus", Value.softplus, lambda x: mpmath.log(1 + mpmath.exp(x)), 0.7),
    ("log_sigmoid", Value.log_sigmoid, lambda x: -mpmath.log(1 + mpmath.exp(-x)), 0.7),
    ("x**2.5", lambda x: x**2.5, lambda x: x ** mpmath.mpf(2.5), 0.7),
    ("x**x", lambda x: x**x, lambda x: x**x, 0.7),
    ("1/x", lambda x: 1 / x, lambda x: 1 / x, 0.7),
    ("x/(1+x*x)", lambda x: x / (1 + x * x), lambda x: x / (1 + x * x), 0.7),
    ("-x*|x|", lambda x: -x * abs(x), lambda x: -x * abs(x), -0.7),
    (
        "leaky_relu(x)**2",
        lambda x: x.leaky_relu() ** 2,
        lambda x: (x * mpmath.mpf(0.01)) ** 2,
        -0.7,
    ),
]


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(("name", "ours", "truth", "at"), SMOOTH, ids=[case[0] for case in SMOOTH])
def test_derivatives_of_order_one_to_three_are_those_of_mathematics(
    name: str,
    ours: Callable[[Value], Value],
    truth: Callable[[object], object],
    at: float,
    order: int,
) -> None:
    x = Value(at)
    derivative = ours(x)
    for _ in range(order):
        derivative = grad(derivative, x)
    with mpmath.workdps(60):
        expected = float(mpmath.diff(truth, mpmath.mpf(at), order))
    # A few dozen roundings, each of half a unit in the last place.
    assert derivative.data == pytest.approx(expected, rel=1e-14)


def test_second_derivatives_at_kinks_are_zero_as_the_choice_of_a_side_is_constant() -> None:
    x = Value(0.0)
    for kinked in (relu(x), abs(x), maximum(x, 0.0)):
        assert grad(grad(kinked, x), x).data == 0.0


def test_the_hessian_of_a_quadratic_form_is_its_matrix() -> None:
    matrix = [[2.0, -1.0, 4.0], [-1.0, 6.0, 0.0], [4.0, 0.0, -8.0]]
    x = [Value(0.3), Value(-1.7), Value(2.9)]
    form = Value(0.0)
    for row, left in zip(matrix, x, strict=True):
        for entry, right in zip(row, x, strict=True):
            form = form + 0.5 * entry * left * right
    assert [numbers_of(row) for row in hessian(form, x)] == matrix


def test_the_hessian_of_rosenbrocks_function() -> None:
    x, y = Value(-1.25), Value(1.5)
    f = (1 - x) ** 2 + 100 * (y - x**2) ** 2
    a, b = x.data, y.data
    expected = [[2 - 400 * (b - a * a) + 800 * a * a, -400 * a], [-400 * a, 200.0]]
    assert [numbers_of(row) for row in hessian(f, [x, y])] == expected


def test_the_hessian_by_an_input_without_influence_is_zero() -> None:
    x, other = Value(2.0), Value(3.0)
    assert [numbers_of(row) for row in hessian(x**3, [x, other])] == [[12.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        # sin'' = -sin, and both mixed derivatives are cos b
        (lambda a, b: a * b.sin(), [[0.0, math.cos(1.0)], [math.cos(1.0), -math.sin(1.0)]]),
        # e**(ab): (b**2, 1 + ab; 1 + ab, a**2) times e**(ab)
        (lambda a, b: (a * b).exp(), [[math.e, 2.0 * math.e], [2.0 * math.e, math.e]]),
    ],
    ids=["a sin b", "e**(ab)"],
)
def test_a_variable_that_happens_to_be_one_stays_in_the_graph(
    make: Callable[[Value, Value], Value], expected: list[list[float]]
) -> None:
    a, b = Value(1.0), Value(1.0)
    rows = [numbers_of(row) for row in hessian(make(a, b), [a, b])]
    assert rows == [pytest.approx(row, rel=1e-15) for row in expected]


@settings(max_examples=30, deadline=None)
@given(tame_recipes())
def test_the_hessian_is_symmetric(recipe: Recipe) -> None:
    nodes = built(recipe)
    inputs = variables_in(nodes)
    rows = [numbers_of(row) for row in hessian(nodes[-1], inputs)]
    if not all(math.isfinite(entry) for row in rows for entry in row):
        return
    largest = max(abs(entry) for row in rows for entry in row)
    for i in range(len(inputs)):
        for j in range(i):
            # The two are sums of the same products in other orders, which may cancel.
            assert rows[i][j] == pytest.approx(rows[j][i], rel=1e-9, abs=1e-9 * largest)


def test_hessians_agree_with_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    numbers = [0.4, -1.3, 0.8, 2.1]

    def formula(a, b, c, d):  # type: ignore[no-untyped-def]
        hidden = (a * c + b).tanh() * (b * d - a).sigmoid()
        return (hidden * hidden + d).exp() / (c + 3.0) + (a * b).sin() * d.log() - c**3

    values = [Value(number) for number in numbers]
    ours = [numbers_of(row) for row in hessian(formula(*values), values)]
    tensors = tuple(torch.tensor(number, dtype=torch.float64) for number in numbers)
    theirs = torch.autograd.functional.hessian(formula, tensors)
    for our_row, their_row in zip(ours, theirs, strict=True):
        expected = [float(entry) for entry in their_row]
        assert our_row == pytest.approx(expected, rel=1e-13, abs=1e-13)


# ---- Errors ---------------------------------------------------------------------------------


def one_partial(out: Any, a: Any, b: Any) -> Any:
    return (1.0,)


def three_partials(out: Any, a: Any, b: Any) -> Any:
    return 1.0, 1.0, 1.0


def bare_partial(out: Any, a: Any, b: Any) -> Any:
    return b


@pytest.mark.parametrize(
    ("rule", "returned"),
    [
        (one_partial, "1 local derivatives for 2 operands"),
        (three_partials, "3 local derivatives for 2 operands"),
        (bare_partial, r"the float 2\.0, not a tuple of 2 local derivatives"),
    ],
)
def test_a_malformed_rule_is_named(rule: Any, returned: str) -> None:
    malformed = Operation("plus", "plus", 2, lambda a, b: a + b, rule)
    x, y = Value(1.0), Value(2.0)
    with pytest.raises(ValueError, match=f"^the rule of plus returned {returned}$"):
        grad(Value.make_node(malformed, x, y), [x, y])


# ---- Numbers that have changed since --------------------------------------------------------


@pytest.mark.parametrize("derive", [grad, lambda y, w: hessian(y, [w])])
def test_numbers_of_different_times_are_refused_by_name(derive: Any) -> None:
    # y is x**2 w**3: its slope by w is 108 at w = 2 and 27 at w = 1, and nowhere 72.
    w, x = Value(2.0, "w"), Value(3.0, "x")
    y = (w * x) ** 2 * w
    y.label = "y"
    first = grad(y, w)
    assert first.data == 108.0
    w.data = 1.0
    message = (
        r"^grad through numbers of different times: y = v\d \* w is 72, but 9 with the numbers "
        r"of now: w \(or a result itself\) has changed since\. Run the forward pass again, "
        "which makes the graph anew$"
    )
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            derive(y, w)
    with detect_anomaly(), pytest.raises(ValueError, match=message):
        derive(y, w)
    with pytest.raises(ValueError, match="w has changed since"):
        grad(first, w)
    assert not w.has_grad
    assert grad((w * x) ** 2 * w, w).data == 27.0
    assert hessian((w * x) ** 2 * w, [w])[0][0].data == 54.0


def test_a_change_that_changes_no_result_is_none() -> None:
    w, x = Value(2.0, "w"), Value(3.0, "x")
    y = where(x, w * x, 0.0)
    w.data = 2
    x.data = x.data
    assert grad(y, w).data == 3.0


def test_a_program_of_such_a_graph_is_one_of_the_numbers_of_now() -> None:
    # Newton's step on x**4 is x - x / 3; its second derivative is asked for while it is compiled.
    x, other = Value(3.0, "x"), Value(5.0)
    y, penalty = x**4, other * 2.0
    x.data, other.data = 6.0, 7.0
    before = y.data
    program = compile(
        y,
        updates=lambda gradients: {x: x - gradients[x] / grad(gradients[x], x)},
        penalty=penalty,
    )
    assert y.data is before
    assert program.run(1) == [6.0**4 + 14.0]
    assert x.data == pytest.approx(4.0, rel=1e-15)


# ---- What is read ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "formulas"),
    [
        (lambda x: x**3, ["x**2", "3 * v3"]),
        (lambda x: x**2.5, ["x**1.5", "2.5 * v4"]),
        (lambda x: x**-1.0, ["x**-2", "-1 * v4"]),
        (lambda x: 3.0**x, ["3**x", "v4 * 1.09861"]),
    ],
)
def test_the_derivative_of_a_power_reads_as_in_a_book(
    function: Callable[[Value], Value], formulas: list[str]
) -> None:
    slope = grad(function(x := Value(3.0, "x")), x)
    names = Names(slope)
    assert [names.formula(node) for node in topological_order(slope) if node.op] == formulas


@pytest.mark.parametrize(
    "exponent", [-2.0, -0.5, -0.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.5, inf, nan]
)
def test_a_constant_exponent_gives_the_bits_that_a_variable_one_gives(exponent: float) -> None:
    for base in (-inf, -2.0, -0.0, 0.0, 1e-310, 0.5, 1.0, 3.0, 1e300, inf, nan):
        fixed, free = Value(base), Value(base)
        power, of_variables = fixed**exponent, Value.make_node(POW, free, Value(exponent))
        first, other = grad(power, fixed), grad(of_variables, free)
        if exponent != 2.0:  # a square has a rule of its own
            assert same_bits(first.data, other.data), base
            assert same_bits(grad(first, fixed).data, grad(other, free).data), base
        power.backward()
        assert same_bits(first.data, fixed.grad), base
