"""The reverse pass: right gradients, accumulated as documented, whole or step by step."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff
from autodiff import Step, Value, backward_steps, explain, grad, hessian, topological_order
from autodiff.graph import leaves_and_interior
from autodiff.ops import OPERATIONS, Operation
from autodiff.support.gradients import NOT_COMPUTED
from tests.bits import all_bits, bits, same_bits
from tests.random_graphs import (
    Recipe,
    built,
    small_integer_recipes,
    tame_recipes,
    wild_recipes,
)

inf, nan = math.inf, math.nan


def gradients(nodes: list[Value]) -> list[bytes | None]:
    """Return the bits of each gradient, None where it is not computed."""
    return [bits(node.grad) if node.has_grad else None for node in nodes]


def run_whole(root: Value, gradient: float = 1.0) -> None:
    root.backward(gradient)


def run_steps(root: Value, gradient: float = 1.0) -> None:
    for _ in backward_steps(root, gradient):
        pass


Pass = Callable[[Value], None]
every_pass = pytest.mark.parametrize("run", [run_whole, run_steps])


# ---- One Value used more than once ----------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "at_three"),
    [
        (lambda x: x + x, 2.0),
        (lambda x: x - x, 0.0),
        (lambda x: x * x, 6.0),
        (lambda x: x**2, 6.0),
        (lambda x: x / x, 0.0),
        (lambda x: x**x, 27.0 * (1.0 + math.log(3.0))),
        (lambda x: autodiff.maximum(x, x), 1.0),
        (lambda x: autodiff.minimum(x, x), 1.0),
        (lambda x: autodiff.where(x, x, x), 1.0),
        (lambda x: autodiff.weighted_sum(x, [x, x], [x, x]), 13.0),
    ],
    ids=["x+x", "x-x", "x*x", "x**2", "x/x", "x**x", "max", "min", "where", "weighted_sum"],
)
def test_an_operand_used_twice_gets_both_contributions(
    make: Callable[[Value], Value], at_three: float
) -> None:
    x = Value(3.0)
    make(x).backward()
    assert x.grad == pytest.approx(at_three, rel=1e-15, abs=1e-15)


def test_a_node_is_done_only_after_all_its_uses_at_different_depths() -> None:
    # a naive walk back from the root would use s before the long way round has contributed
    x = Value(3.0)
    s = x * 2
    long_way = (s + 1) * (s + 2) * (s + 3)  # at s = 6: 7*8 + 7*9 + 8*9 = 191
    (s * long_way + s).backward()  # 504 + 6*191 + 1
    assert s.grad == 1651.0
    assert x.grad == 3302.0


# ---- Random graphs beside naive oracles -----------------------------------------------------

HALF = Fraction(1, 2)


def step_at_zero(x: Fraction) -> Fraction:
    return Fraction(1) if x > 0 else Fraction(0)


def sign(x: Fraction) -> Fraction:
    return Fraction((x > 0) - (x < 0))


def share_of_first(difference: Fraction) -> Fraction:
    return HALF + HALF * sign(difference)


# Each operation and its derivatives on exact fractions, written anew: not the engine's rules.
EXACT_RULES: dict[str, Callable[..., tuple[Fraction, tuple[Fraction, ...]]]] = {
    "add": lambda a, b: (a + b, (Fraction(1), Fraction(1))),
    "sub": lambda a, b: (a - b, (Fraction(1), Fraction(-1))),
    "mul": lambda a, b: (a * b, (b, a)),
    "neg": lambda a: (-a, (Fraction(-1),)),
    "square": lambda a: (a * a, (2 * a,)),
    "abs": lambda a: (abs(a), (sign(a),)),
    "relu": lambda a: (max(a, Fraction(0)), (step_at_zero(a),)),
    "maximum": lambda a, b: (max(a, b), (share_of_first(a - b), share_of_first(b - a))),
    "minimum": lambda a, b: (min(a, b), (share_of_first(b - a), share_of_first(a - b))),
    "where": lambda c, a, b: (
        a if c > 0 else b,
        (Fraction(0), step_at_zero(c), 1 - step_at_zero(c)),
    ),
    "pick": lambda index, a, b: (
        {0: a, 1: b}[index],
        (Fraction(0), Fraction(index == 0), Fraction(index == 1)),
    ),
    "weighted_sum": lambda bias, w0, w1, x0, x1: (
        bias + w0 * x0 + w1 * x1,
        (Fraction(1), x0, x1, w0, w1),
    ),
}


def exact_derivatives(recipe: Recipe) -> tuple[list[Fraction], list[list[Fraction]]]:
    """Return every node's value and its derivatives by every node, in exact fractions.

    Forward mode: ``derivatives[n][m]`` is d n / d m, summed over n's operands, so nothing is
    shared with the reverse pass, neither the direction nor the order of the sum.
    """
    values: list[Fraction] = []
    derivatives: list[list[Fraction]] = []
    for place, (kind, detail) in enumerate(recipe):
        row = [Fraction(0)] * len(recipe)
        if kind in ("variable", "constant"):
            values.append(Fraction(detail))
        else:
            value, partials = EXACT_RULES[kind](*[values[operand] for operand in detail])
            values.append(value)
            for operand, partial in zip(detail, partials, strict=True):
                for m in range(place):
                    row[m] += partial * derivatives[operand][m]
        row[place] = Fraction(1)
        derivatives.append(row)
    return values, derivatives


@settings(max_examples=300)
@given(recipe=small_integer_recipes(list(EXACT_RULES)))
def test_gradients_of_random_integer_graphs_are_exactly_those_of_forward_mode(
    recipe: Recipe,
) -> None:
    values, derivatives = exact_derivatives(recipe)
    nodes = built(recipe)
    root = nodes[-1]
    root.backward()
    reached = set(topological_order(root))
    for node, value, derivative in zip(nodes, values, derivatives[-1], strict=True):
        assert node.data == value
        if node not in reached or node.is_constant:
            assert not node.has_grad
        else:
            assert Fraction(node.grad) == derivative


def path_sums(nodes: list[Value]) -> tuple[list[Fraction], list[Fraction]]:
    """Return d root / d node for every node as the sum over all paths, and the sum of sizes.

    Exact fractions, from the local derivatives as floats (which test_ops.py compares with the
    truth): what remains between these and the engine's gradients is rounding alone.
    """
    place_of = {node: place for place, node in enumerate(nodes)}
    local: list[list[tuple[int, Fraction]]] = [[] for _ in nodes]  # user, local derivative
    for user, node in enumerate(nodes):
        if node.op is not None:
            slopes = node.op.partials(node.data, *[parent.data for parent in node.parents])
            for parent, slope in zip(node.parents, slopes, strict=True):
                local[place_of[parent]].append((user, Fraction(slope)))

    def sums(size: Callable[[Fraction], Fraction]) -> list[Fraction]:
        known = [Fraction(0)] * (len(nodes) - 1) + [Fraction(1)]
        for place in reversed(range(len(nodes) - 1)):
            known[place] = sum(
                [size(slope) * known[user] for user, slope in local[place]], start=Fraction(0)
            )
        return known

    return sums(Fraction), sums(abs)


@settings(max_examples=300)
@given(recipe=tame_recipes())
def test_gradients_of_random_graphs_over_every_operation_are_the_sums_over_paths(
    recipe: Recipe,
) -> None:
    nodes = built(recipe)
    nodes[-1].backward()
    sums, sizes = path_sums(nodes)
    # A path is rounded once a product and once a sum: at most 12 nodes of 5 operands, 72 times.
    roundings = Fraction(80, 2**53)
    for node, expected, size in zip(nodes, sums, sizes, strict=True):
        if not node.is_constant:
            assert abs(Fraction(node.grad) - expected) <= roundings * size


# ---- Again, and from several roots ----------------------------------------------------------


def test_a_second_backward_doubles_the_leaves_exactly_where_running_sums_would_not() -> None:
    first, second, third = 0.1, 0.6, 3.3
    x = Value(1.0)
    root = x * first + x * second + x * third
    root.backward()
    once = x.grad
    root.backward()
    assert same_bits(x.grad, 2.0 * once)
    # these numbers can tell: added one by one to what was there, in either order, they round
    # to something else
    assert once in (first + second + third, third + second + first)
    assert once + first + second + third != 2.0 * once
    assert once + third + second + first != 2.0 * once


@given(recipe=wild_recipes())
def test_a_second_backward_doubles_the_leaves_and_repeats_the_interior(recipe: Recipe) -> None:
    nodes = built(recipe)
    root = nodes[-1]
    leaves, interior = leaves_and_interior(root)
    root.backward()
    once, interior_once = {leaf: leaf.grad for leaf in leaves}, gradients(interior)
    root.backward()
    assert gradients(interior) == interior_once
    for leaf in leaves:
        if leaf.is_constant:
            assert not leaf.has_grad
        elif once[leaf] is NOT_COMPUTED:  # every use took another operand
            assert leaf.grad is NOT_COMPUTED
        else:
            assert same_bits(leaf.grad, once[leaf] + once[leaf])


def test_gradients_of_two_roots_add_up_and_interior_ones_are_of_the_last() -> None:
    x = Value(3.0)
    shared = x * 2
    first, second = shared * 5, shared * 7
    first.backward()
    second.backward()
    assert x.grad == 10.0 + 14.0
    assert shared.grad == 7.0


def test_zero_grad_clears_a_gradient_as_at_birth() -> None:
    x = Value(3.0)
    (x * x).backward()
    x.zero_grad()
    assert x.grad is Value(3.0).grad
    assert same_bits(float(x.grad), 0.0)
    assert not x.has_grad


def test_a_gradient_assigned_by_hand_is_added_to() -> None:
    x = Value(3.0)
    x.grad = 100
    (x * x).backward()
    assert x.grad == 106.0


def test_backward_uses_the_numbers_of_now_for_its_local_derivatives() -> None:
    x, y = Value(3.0), Value(4.0)
    product = x * y
    y.data = 10.0
    product.backward()
    assert x.grad == 10.0


def test_nodes_that_the_root_does_not_depend_on_keep_their_gradients() -> None:
    x, y = Value(1.0), Value(2.0)
    other = y * 3
    other.backward()
    (x * 2).backward()
    assert (y.grad, other.grad) == (3.0, 1.0)


# ---- Where the chain rule starts ------------------------------------------------------------


def test_a_leaf_is_its_own_root() -> None:
    x = Value(5.0)
    x.backward()
    x.backward(2.0)
    assert x.grad == 3.0


@pytest.mark.parametrize("gradient", [3, 3.0, Fraction(3), True])
def test_the_gradient_at_the_root_may_be_any_real_number(gradient: Any) -> None:
    x = Value(2.0)
    root = x * 5
    root.backward(gradient)
    assert root.grad == float(gradient)
    assert type(root.grad) is float
    assert x.grad == 5.0 * float(gradient)


@given(gradient=st.floats())
def test_every_gradient_is_multiplied_by_the_one_at_the_root(gradient: float) -> None:
    x = Value(2.0)
    (x * 5).backward(gradient=gradient)
    assert same_bits(x.grad, 5.0 * gradient)


def test_a_single_contribution_keeps_the_sign_of_its_zero() -> None:
    x = Value(2.0)
    (x * -0.0).backward()
    assert same_bits(x.grad, -0.0)


@every_pass
@pytest.mark.parametrize("computed", [False, True])
def test_a_gradient_of_zero_is_added_to_and_one_not_computed_is_replaced(
    run: Pass, computed: bool
) -> None:
    x = Value(2.0)
    if computed:
        x.grad = 0.0
    run(x * -0.0)
    # IEEE 754: 0.0 + -0.0 is 0.0.
    assert same_bits(x.grad, 0.0 if computed else -0.0)


@every_pass
def test_two_contributions_of_opposite_zeros_sum_to_zero(run: Pass) -> None:
    x = Value(2.0)
    run(x * -0.0 + x * 0.0)
    assert same_bits(x.grad, 0.0)


# ---- Constants ------------------------------------------------------------------------------


def test_constants_get_no_gradient() -> None:
    x = Value(2.0)
    root = (3 * x + 4) ** 5
    root.backward()
    constants = [node for node in topological_order(root) if node.is_constant]
    assert [node.data for node in constants] == [3.0, 4.0, 5.0]
    assert all(node.grad == 0.0 and not node.has_grad for node in constants)


def test_no_step_goes_to_a_constant() -> None:
    x = Value(2.0)
    steps = list(backward_steps((3 * x + 4) ** 5))
    assert [step.parent.is_constant for step in steps] == [False] * 3


# ---- Rules that are wrong -------------------------------------------------------------------


def first_operand(*operands: float) -> float:
    return operands[0]


def no_partials(out: float, *operands: float) -> tuple[float, ...]:
    return ()


def one_too_few(out: float, *operands: float) -> tuple[float, ...]:
    return (1.0,) * (len(operands) - 1)


def one_too_many(out: float, *operands: float) -> tuple[float, ...]:
    return (1.0,) * (len(operands) + 1)


class RuleFailedError(Exception):
    """What the failing rule raises."""


def failing(out: float, *operands: float) -> tuple[float, ...]:
    raise RuleFailedError


def bare_number(out: float, *operands: float) -> float:
    return 1.0


COUNT = "rule of wrongly_ruled returned {} local derivatives for {} operands"


@every_pass
@pytest.mark.parametrize("arity", [1, 2, 3])
@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        (no_partials, ValueError, lambda arity: COUNT.format(0, arity)),
        (one_too_few, ValueError, lambda arity: COUNT.format(arity - 1, arity)),
        (one_too_many, ValueError, lambda arity: COUNT.format(arity + 1, arity)),
        (bare_number, ValueError, lambda _: r"rule of wrongly_ruled returned the float 1\.0"),
        (failing, RuleFailedError, lambda _: None),
        *(
            (
                lambda _, *operands, local=local: (local,) * len(operands),
                TypeError,
                lambda _: "a local derivative of wrongly_ruled needs a real number",
            )
            for local in (Value(2.0), "2", None, 1j)
        ),
    ],
)
def test_a_rule_that_is_wrong_is_named_and_no_leaf_changed(
    run: Pass, arity: int, rule: Any, error: type[Exception], message: Callable[[int], str | None]
) -> None:
    wrong = Operation("wrongly_ruled", "wrongly_ruled", arity, first_operand, rule)
    leaves = [Value(float(place + 1)) for place in range(arity)]
    inner = leaves[0] * 2
    root = Value.make_node(wrong, inner, *leaves[1:]) * leaves[-1]
    for place, leaf in enumerate(leaves[1:]):
        leaf.grad = 10.0 + place
    before = gradients(leaves)
    with pytest.raises(error, match=message(arity)):
        run(root)
    assert gradients(leaves) == before
    assert not inner.has_grad
    assert not root.has_grad


@every_pass
def test_a_local_derivative_of_single_precision_makes_no_gradient_of_single_precision(
    run: Pass,
) -> None:
    numpy = pytest.importorskip("numpy", reason="tests what becomes of NumPy's numbers in a rule")
    single = numpy.float32(0.1)

    def rule(out: float, x: float) -> tuple[Any]:
        return (single,)

    x = Value(2.0)
    run(Value.make_node(Operation("tenth", "tenth", 1, first_operand, rule), x) * 0.3)
    assert type(x.grad) is float
    assert x.grad == float(single) * 0.3


@every_pass
def test_a_gradient_that_was_assigned_in_single_precision_is_added_to_in_double(
    run: Pass,
) -> None:
    numpy = pytest.importorskip("numpy", reason="tests what becomes of NumPy's numbers in grad")
    x = Value(2.0)
    x.grad = numpy.float32(0.1)
    run(x * 0.3)
    assert type(x.grad) is float
    assert x.grad == float(numpy.float32(0.1)) + 0.3


def test_what_a_function_of_ones_own_gives_is_stored_as_a_float() -> None:
    numpy = pytest.importorskip("numpy", reason="tests what becomes of NumPy's numbers in data")
    for number in (3, True, Fraction(1, 3), numpy.float32(0.1)):

        def function(x: float, number: Any = number) -> Any:
            return number

        node = Value.make_node(Operation("given", "given", 1, function, one_too_few), Value(1.0))
        assert type(node.data) is float
        assert node.data == float(number)


# ---- Rules that a user wrote ----------------------------------------------------------------


def log(x: float) -> float:
    """Not the engine's: a user's module may have a function of the same name."""
    raise AssertionError("this is not the log that the rule calls")


def calls_the_engine_s_log(out: Any, x: Any) -> tuple[Any]:
    return (autodiff.log(x),)


def operand_called_node(out: Any, node: Any) -> tuple[Any]:
    return (node * 3.0,)


def operand_called_upstream(out: Any, upstream: Any) -> tuple[Any]:
    return (upstream * 3.0,)


def operand_called_like_a_function(out: Any, exp: Any) -> tuple[Any]:
    return (autodiff.exp(exp),)


def asks_what_its_operand_is(out: Any, x: Any) -> tuple[Any]:
    return (x * 3.0 if x > 0.0 else x * 5.0,)


def calls_math(out: Any, x: Any) -> tuple[Any]:
    return (math.atan(x),)


def returns_a_list(out: Any, x: Any) -> list[Any]:
    return [x * 2.0]


@pytest.mark.parametrize("name", ["custom", "custom-op", "class", "2x"])
@pytest.mark.parametrize("number", [2.0, -2.0])
@pytest.mark.parametrize(
    "rule",
    [
        *(calls_the_engine_s_log, operand_called_node, operand_called_upstream),
        *(operand_called_like_a_function, asks_what_its_operand_is, calls_math, returns_a_list),
    ],
)
def test_a_rule_of_a_user_is_applied_as_it_was_written(name: str, rule: Any, number: float) -> None:
    custom = Operation(name, name, 1, first_operand, rule)
    for run in (run_whole, run_steps):
        x = Value(number)
        inner = Value.make_node(custom, x)
        run(inner * 7.0)
        (local,) = rule(number, number)
        assert type(x.grad) is float
        assert same_bits(x.grad, local * 7.0)


def takes_its_operands_as_a_tuple(out: Any, *operands: Any) -> tuple[Any, ...]:
    return operands[1], operands[0]


def has_a_setting_of_its_own(out: Any, a: Any, b: Any, slope: float = 0.5) -> tuple[Any, Any]:
    return b * slope, a * slope


@pytest.mark.parametrize(
    ("rule", "factor"), [(takes_its_operands_as_a_tuple, 1.0), (has_a_setting_of_its_own, 0.5)]
)
@every_pass
def test_a_rule_need_not_have_a_name_for_each_operand(run: Pass, rule: Any, factor: float) -> None:
    custom = Operation("custom", "custom", 2, first_operand, rule)
    x, y = Value(3.0), Value(5.0)
    run(Value.make_node(custom, x, y))
    assert (x.grad, y.grad) == (5.0 * factor, 3.0 * factor)


# ---- Step by step ---------------------------------------------------------------------------


@settings(max_examples=200)
@given(recipe=wild_recipes() | tame_recipes(), gradient=st.just(1.0) | st.floats())
def test_steps_and_backward_give_the_same_bits(recipe: Recipe, gradient: float) -> None:
    whole, stepped = built(recipe), built(recipe)
    for _ in range(2):
        run_whole(whole[-1], gradient)
        run_steps(stepped[-1], gradient)
        assert gradients(whole) == gradients(stepped)


@given(recipe=wild_recipes())
def test_each_step_is_local_times_upstream_added_to_the_total(recipe: Recipe) -> None:
    nodes = built(recipe)
    totals: dict[Value, float] = {}
    for step in backward_steps(nodes[-1]):
        assert step.parent is step.node.parents[step.position]
        assert step.node.op is not None
        operands = [parent.data for parent in step.node.parents]
        assert same_bits(
            step.local, step.node.op.partials(step.node.data, *operands)[step.position]
        )
        assert same_bits(step.upstream, step.node.grad)
        if not step.taken:  # adds nothing at all, not 0 times the upstream gradient
            assert (step.local, step.contribution) == (0.0, 0.0)
            before = totals.get(step.parent)
            assert (step.before is None) is (before is None)
            if before is not None and step.before is not None:
                assert same_bits(step.before, before)
            assert same_bits(step.total, totals.get(step.parent, 0.0))
            assert step.parent.has_grad == (step.parent in totals)
            continue
        assert same_bits(step.contribution, step.local * step.upstream)
        earlier = totals.get(step.parent)
        expected = step.contribution if earlier is None else earlier + step.contribution
        assert same_bits(step.total, expected)
        assert same_bits(step.parent.grad, step.total)
        totals[step.parent] = step.total


@given(recipe=wild_recipes())
def test_steps_visit_every_edge_to_a_variable_once_users_before_operands(recipe: Recipe) -> None:
    root = built(recipe)[-1]
    _, interior = leaves_and_interior(root)
    steps = list(backward_steps(root))
    # A node that nothing has reached passes nothing on: it has no steps.
    reached = {root, *[step.parent for step in steps if step.taken]}
    edges = [
        (node, position)
        for node in reversed(interior)
        for position, parent in enumerate(node.parents)
        if node in reached and not parent.is_constant
    ]
    assert [(step.node, step.position) for step in steps] == edges


def test_nothing_happens_before_the_first_step_is_asked_for() -> None:
    x = Value(3.0)
    x.grad = 7.0
    root = x * x
    backward_steps(root)
    assert x.grad == 7.0
    assert not root.has_grad


def test_while_stepping_a_gradient_is_the_sum_of_this_pass_so_far() -> None:
    x = Value(3.0)
    x.grad = 100.0
    seen = [(step.total, x.grad) for step in backward_steps(x * x)]
    assert seen == [(3.0, 3.0), (6.0, 6.0)]
    assert x.grad == 106.0


@pytest.mark.parametrize("consumed", [1, 2, 3])
def test_an_abandoned_pass_gives_the_leaves_their_earlier_gradients_back(consumed: int) -> None:
    x, y = Value(3.0), Value(4.0)
    x.grad = 100.0
    inner = x * y
    root = inner + x
    steps = backward_steps(root)
    for _ in range(consumed):
        next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert gradients([x, y, inner, root]) == [bits(100.0), None, None, None]
    root.backward()
    assert (x.grad, y.grad) == (105.0, 3.0)


def test_a_pass_left_by_break_is_abandoned_once_its_iterator_is_gone() -> None:
    x = Value(3.0)
    root = x * x
    for _ in backward_steps(root):
        break
    assert not x.has_grad
    assert not root.has_grad


def test_an_error_thrown_into_a_pass_abandons_it() -> None:
    x = Value(3.0)
    x.grad = 100.0
    steps = backward_steps(x * x)
    next(steps)
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt())  # type: ignore[attr-defined]
    assert x.grad == 100.0


def test_a_leaf_as_root_has_no_steps_but_its_gradient() -> None:
    x = Value(3.0)
    assert list(backward_steps(x)) == []
    assert x.grad == 1.0


def test_a_step_reads_as_the_chain_rule_with_names_and_numbers() -> None:
    w, x = Value(0.5, "w"), Value(-2.0, "x")
    loss = (w * x) ** 2
    loss.label = "loss"
    assert [str(step) for step in backward_steps(loss)] == [
        "d loss/d v3 += d loss/d loss × d loss/d v3 = 1 × -2 = -2  (sum -2; loss = v3**2)",
        "d loss/d w += d loss/d v3 × d v3/d w = -2 × -2 = 4  (sum 4; v3 = w * x)",
        "d loss/d x += d loss/d v3 × d v3/d x = -2 × 0.5 = -1  (sum -1; v3 = w * x)",
    ]


def test_a_step_cannot_be_changed_and_its_repr_is_the_chain_rule_too() -> None:
    (step,) = backward_steps(-Value(3.0, "x"))
    assert isinstance(step, Step)
    with pytest.raises(AttributeError):
        step.local = 2.0  # type: ignore[misc]
    # Not the dataclass: what a debugger prints, and shows in its variables, is a sentence.
    assert repr(step) == str(step)
    assert repr([step]) == ("[d v2/d x += d v2/d v2 × d v2/d x = 1 × -1 = -1  (sum -1; v2 = -x)]")


def test_the_steps_of_two_passes_over_one_graph_are_equal() -> None:
    x, y = Value(3.0), Value(4.0)
    root = x * y + x
    assert list(backward_steps(root)) == list(backward_steps(root))
    assert list(backward_steps(root)) != list(backward_steps(root, 2.0))


def test_gradient_and_hooks_are_given_by_name() -> None:
    (step,) = backward_steps(-Value(3.0), gradient=2.0, hooks=False)
    assert step.contribution == -2.0


def test_steps_of_two_graphs_can_be_taken_in_turn() -> None:
    x, y = Value(3.0), Value(4.0)
    for _ in zip(backward_steps(x * x), backward_steps(y * y * y), strict=False):
        pass
    assert x.grad == 6.0


# ---- The same every time --------------------------------------------------------------------


@given(recipe=wild_recipes())
def test_a_deep_copy_gives_the_same_bits(recipe: Recipe) -> None:
    root = built(recipe)[-1]
    twin = copy.deepcopy(root)
    root.backward()
    twin.backward()
    assert gradients(topological_order(root)) == gradients(topological_order(twin))


def test_backward_changes_no_number() -> None:
    x, y = Value(0.3), Value(-0.7)
    root = (x * y).tanh() + x / y
    order = topological_order(root)
    before = all_bits(node.data for node in order)
    root.backward()
    assert all_bits(node.data for node in order) == before
    assert topological_order(root) == order
    assert root.op is OPERATIONS["add"]


# ---- what is assigned by mistake -----------------------------------------------------------


@every_pass
def test_a_value_that_was_assigned_as_data_is_named(run: Pass) -> None:
    w, x = Value(3.0, "w"), Value(2.0, "x")
    x.grad = 5.0
    w.data = w - 0.1  # .data was left out
    with pytest.raises(TypeError, match=r"^the data of w is a Value, not a number: was \.data"):
        run((w * x).relu() + 1.0)
    assert x.grad == 5.0
    w.data = w.data.data
    run((w * x).relu() + 1.0)


def test_a_value_that_was_assigned_as_data_is_named_by_grad_and_compile() -> None:
    w = Value(3.0)
    loss = w * 2.0
    w.data = w.data - 0.1 * grad(loss, w)  # a gradient that is a Value
    for use in (lambda: grad(loss, w), lambda: hessian(loss, [w])):
        with pytest.raises(TypeError, match=r"^the data of a variable is a Value"):
            use()


def test_none_is_a_gradient_that_is_not_there() -> None:
    w = Value(3.0, "w")
    (w * w).backward()
    w.grad = None  # type: ignore[assignment]
    assert not w.has_grad
    assert repr(w) == "Value(3, 'w')"
    (w * w).backward()
    assert w.grad == 6.0
    w.grad = None  # type: ignore[assignment]
    loss = w * w
    assert "has been cleared" not in str(explain(w, of=loss))
    assert "w.grad is not computed" in str(explain(w, of=loss))


def interrupted(root: Value, count: int) -> bool:
    """Return whether ``root.backward()`` was interrupted at its stop of that number, if it has one.

    A stop is where a debugger may be quit, and about where Ctrl-C may come.
    """
    left = count

    def stop(*_: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return stop

    outer = sys.gettrace()
    with autodiff.collector_paused():  # what others do at a collection is no stop of the pass
        sys.settrace(stop)
        try:
            root.backward()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(outer)
    return False


def test_a_pass_interrupted_anywhere_has_given_all_or_nothing() -> None:
    count, is_interrupted, seen = 0, True, set()
    while is_interrupted:
        x, y, z = Value(2.0), Value(3.0), Value(5.0)
        (x * y).backward()
        root = x * y * z + 1.0
        is_interrupted = interrupted(root, count)
        seen.add((x.grad, y.grad, z.grad if z.has_grad else None))
        assert not any(node.has_grad for node in topological_order(root) if node.is_constant)
        count += 1
    assert count > 50
    assert seen == {(3.0, 2.0, None), (3.0 + 15.0, 2.0 + 10.0, 6.0)}


def test_a_gradient_that_is_no_number_fails_the_pass_and_no_other_is_changed() -> None:
    a, b, c = Value(1.0), Value(2.0), Value(3.0)
    a.grad = b.grad = c.grad = 1.0
    b.grad = "1"  # type: ignore[assignment]
    with pytest.raises(TypeError):
        (a * b * c).backward()
    assert (a.grad, b.grad, c.grad) == (1.0, "1", 1.0)  # type: ignore[comparison-overlap]


def test_an_interrupt_is_no_complaint_about_data() -> None:
    x = Value(3.0)
    y = x * x
    x.data = "3"  # type: ignore[assignment]
    with pytest.raises(TypeError, match="the data of a variable is the str '3', not a number"):
        y.backward()
    assert interrupted(y, 20)


@every_pass
def test_a_constant_whose_gradient_was_zeroed_has_none_after_the_pass(run: Pass) -> None:
    x = Value(3.0)
    root = x * 2.0 + 1.0
    for node in topological_order(root):
        node.grad = 0.0
    run(root)
    constants = [node for node in topological_order(root) if node.is_constant]
    assert len(constants) == 2
    assert x.grad == 2.0
    assert not any(node.has_grad for node in constants)
