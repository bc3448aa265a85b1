"""explain(): where a gradient comes from, and every reason why it is zero, missing or nan."""

from __future__ import annotations

import html.parser
import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example as for_example
from hypothesis import given
from hypothesis import strategies as st

import nn
from autodiff import (
    Value,
    backward_steps,
    explain,
    record_source,
    topological_order,
    weighted_sum,
    where,
)
from autodiff.debug.paths import Path
from autodiff.ops import Operation
from autodiff.value import constant
from tests.bits import bits, same_bits
from tests.conftest import examples
from tests.random_graphs import Recipe, built, small_integer_recipes, tame_recipes, wild_recipes

NO_RESULT = Operation(
    *("no_result", "no_result", 1, lambda _: math.nan),
    lambda out, _: (out,),
)
DOUBLED = Operation("doubled", "doubled", 1, lambda x: 2.0 * x, lambda *_: (2.0,))
SLOPE_OF_SQRT = "the slope of sqrt at 0 is infinite: write (x + 1e-12).sqrt()"
SMALL_INTEGER_OPERATIONS = ("add", "sub", "mul", "neg", "square", "relu")


def notes(value: Value, of: Value) -> str:
    """Return all that is said about a gradient, as one text."""
    return "\n".join(explain(value, of=of).notes)


def one_note(value: Value, of: Value) -> str:
    """Return the only note about a gradient after backward()."""
    of.backward()
    (note,) = explain(value, of=of).notes
    return note


def example() -> tuple[Value, Value, Value]:
    """Return w, x and the loss (w * x + w)**2."""
    w, x = Value(0.5, "w"), Value(-2.0, "x")
    loss = (w * x + w) ** 2
    loss.label = "loss"
    return w, x, loss


# ---- The sum over the uses ------------------------------------------------------------------


@pytest.mark.unmeasured
@given(recipe=wild_recipes())
def test_the_uses_are_all_steps_that_reach_the_value_and_their_sum_is_its_gradient(
    recipe: Recipe,
) -> None:
    root = built(recipe)[-1]
    for node in topological_order(root):
        if node.is_constant:
            continue
        explanation = explain(node, of=root)
        steps = [step for step in backward_steps(root) if step.parent is node]
        assert [str(step) for step in explanation.steps] == [str(step) for step in steps]
        assert explanation.gradient is not None
        # Without a step it is the root, or nothing reaches it.
        expected = steps[-1].total if steps else float(node is root)
        assert same_bits(explanation.gradient, expected)
        for other in topological_order(root):
            other.zero_grad()


@pytest.mark.unmeasured
@pytest.mark.thorough
@examples(30)
@given(recipe=wild_recipes())
def test_explaining_changes_nothing(recipe: Recipe) -> None:
    nodes = built(recipe)
    root = nodes[-1]
    root.backward()
    before = [(bits(node.data), bits(node.grad), node.has_grad, node.origin) for node in nodes]
    for node in nodes[:: max(len(nodes) // 4, 1)]:
        str(explain(node, of=root, paths=True))
    after = [(bits(node.data), bits(node.grad), node.has_grad, node.origin) for node in nodes]
    assert after == before


def test_it_reads_as_a_sum_over_the_uses_with_formulas_labels_and_numbers() -> None:
    w, _, loss = example()
    loss.backward()
    assert str(explain(w, of=loss)).splitlines() == [
        "d loss/d w = 1",
        "  w = 0.5",
        "  v4 = v3 + w   d loss/d v4 × d v4/d w   -1 × 1    =  -1",
        "  v3 = w * x    d loss/d v3 × d v3/d w   -1 × -2   =  2",
        "  sum of 2 uses: 1",
    ]


def test_its_repr_is_its_text_so_that_a_prompt_shows_it() -> None:
    w, _, loss = example()
    assert repr(explain(w, of=loss)) == str(explain(w, of=loss))


def test_an_interior_node_is_explained_with_its_formula() -> None:
    _, _, loss = example()
    total = loss.parents[0]
    loss.backward()
    lines = str(explain(total, of=loss)).splitlines()
    assert lines[:2] == ["d loss/d total = -1", "  total = v3 + w = -0.5"]


def test_a_value_used_twice_by_one_operation_has_two_uses() -> None:
    x = Value(3.0, "x")
    loss = x * x
    loss.backward()
    explanation = explain(x, of=loss)
    assert [step.position for step in explanation.steps] == [0, 1]
    assert explanation.gradient == 6.0


def test_of_many_uses_the_largest_are_shown_and_all_are_counted() -> None:
    w = Value(1.0, "w")
    loss = Value(0.0)
    for number in range(1, 1001):
        loss = loss + w * float(number)
    loss.label = "loss"
    loss.backward()
    explanation = explain(w, of=loss)
    assert len(explanation.steps) == 1000
    assert "sum of 1,000 uses, of which the largest are shown: 500500" in str(explanation)
    shown = [float(row[3]) for row in explanation.rows]
    assert shown == [float(number) for number in range(1000, 988, -1)]
    assert len(str(explanation).splitlines()) < 20


def test_as_many_uses_as_can_be_read_are_shown_in_the_order_of_the_pass() -> None:
    w = Value(1.0, "w")
    loss = Value(0.0)
    for number in (5, 1, 4, 2, 3, 6, 12, 7, 11, 8, 10, 9):
        loss = loss + w * float(number)
    loss.backward()
    explanation = explain(w, of=loss)
    assert "sum of 12 uses: 78" in str(explanation)
    assert [row[3] for row in explanation.rows] == "9 10 8 11 7 12 6 3 2 4 1 5".split()


def test_one_use_and_one_path_are_told_in_the_singular() -> None:
    w = Value(1.0, "w")
    said = str(explain(w, of=w * 3.0, paths=True)).splitlines()
    assert "  sum of 1 use: 3" in said
    assert "1 path" in said


def test_of_many_uses_a_nan_is_shown_first() -> None:
    w = Value(1.0, "w")
    loss = w * math.nan
    for number in range(1, 20):
        loss = loss + w * float(number)
    assert explain(w, of=loss).rows[0][3] == "nan"


def test_the_numbers_are_those_of_now() -> None:
    w, x, loss = example()
    x.data = 10.0
    assert explain(w, of=loss).gradient == 2 * (0.5 * 10.0 + 0.5) * (10.0 + 1.0)
    loss.parents[0].data = 7.0  # of a result it is what its operation gives
    assert explain(w, of=loss).gradient == 2 * (0.5 * 10.0 + 0.5) * (10.0 + 1.0)


def test_hooks_are_not_called() -> None:
    w, _, loss = example()
    calls: list[float] = []
    w.register_hook(calls.append)
    explain(w, of=loss)
    assert not calls


# ---- Paths ----------------------------------------------------------------------------------


def all_paths(value: Value, root: Value) -> list[tuple[tuple[Value, ...], float]]:
    """Return every path from value to root with its product, by going through them all."""
    found: list[tuple[tuple[Value, ...], float]] = []

    def go_on(node: Value, path: tuple[Value, ...], product: float) -> None:
        if node is value:
            found.append(((node, *path), product))
        for parent, local in zip(node.parents, partials(node), strict=True):
            go_on(parent, (node, *path), product * local)

    go_on(root, (), 1.0)
    return found


def partials(node: Value) -> tuple[float, ...]:
    if node.op is None:
        return ()
    return node.op.partials(node.data, *[parent.data for parent in node.parents])


@given(recipe=small_integer_recipes(SMALL_INTEGER_OPERATIONS))
def test_the_products_of_all_paths_add_up_to_the_gradient(recipe: Recipe) -> None:
    root = built(recipe)[-1]
    value = topological_order(root)[0]
    if value.is_constant or value is root:
        return
    every = all_paths(value, root)
    explanation = explain(value, of=root, paths=True, most_paths=10**6)
    assert explanation.path_count == len(every)
    assert sum(path.product for path in explanation.paths) == explanation.gradient
    nonzero = sorted(product for _, product in every if product != 0.0)
    assert sorted(path.product for path in explanation.paths) == nonzero
    assert {path.nodes for path in explanation.paths} <= {nodes for nodes, _ in every}


@given(recipe=tame_recipes(), most=st.integers(1, 6))
def test_the_paths_listed_are_those_with_the_largest_products(recipe: Recipe, most: int) -> None:
    root = built(recipe)[-1]
    value = topological_order(root)[0]
    if value.is_constant or value is root:
        return
    every = sorted((abs(product) for _, product in all_paths(value, root)), reverse=True)
    expected = [product for product in every if product != 0.0][:most]
    paths = explain(value, of=root, paths=True, most_paths=most).paths
    assert [abs(path.product) for path in paths] == pytest.approx(expected, rel=1e-12)
    for path in paths:
        assert path.nodes[0] is value
        assert path.nodes[-1] is root
        assert math.prod(path.locals) == pytest.approx(path.product, rel=1e-12)


def test_a_path_reads_from_the_value_to_the_root_with_its_factors() -> None:
    w, _, loss = example()
    explanation = explain(w, of=loss, paths=True)
    assert str(explanation).splitlines()[5:8] == [
        "2 paths",
        "  w → v3 → v4 → loss:  -2 × 1 × -1 = 2",
        "  w → v4 → loss:  1 × -1 = -1",
    ]


def test_two_to_the_thousandth_paths_take_no_longer_than_the_graph_is_large() -> None:
    x = node = Value(1.0, "x")
    for number in range(1000):
        node = node * 0.75 + node * (0.25 + number % 2)
    explanation = explain(x, of=node, paths=True, most_paths=3)
    assert explanation.path_count == 2**1000
    assert "about 10^301 paths, the largest products" in str(explanation)
    largest, second, third = [path.product for path in explanation.paths]
    assert largest == pytest.approx(0.75**500 * 1.25**500)
    assert second == third == pytest.approx(largest * 0.75 / 1.25)


@pytest.mark.parametrize(
    ("doublings", "said"),
    [
        (10, "1,024 paths, the largest products"),
        (1000, "about 10^301 paths, the largest products"),
        # More than Python writes digits of: log10(2) = 0.30102999566...
        (20_000, "about 10^6020 paths, the largest products"),
    ],
)
def test_equal_paths_are_counted_and_the_largest_found_without_trying_all(
    doublings: int, said: str
) -> None:
    x = node = Value(1.0, "x")
    for _ in range(doublings):
        node = node + node
    explanation = explain(x, of=node, paths=True)
    assert explanation.path_count == 2**doublings
    assert said in str(explanation)
    assert [path.product for path in explanation.paths] == [1.0] * 5


def test_a_path_that_begins_small_and_ends_large_is_found_first() -> None:
    x = Value(1.0, "x")
    late, early = (x * 0.1) * 1000.0, (x * 5.0) * 1.0
    (path,) = explain(x, of=late + early, paths=True, most_paths=1).paths
    assert path.locals == (0.1, 1000.0, 1.0)
    assert explain(x, of=late + early, paths=True, most_paths=0).paths == ()


def path_of(steps: int) -> Path:
    """Return the one path from x through ``steps`` doublings."""
    node = x = Value(1.0, "x")
    for place in range(steps):
        node = node * 2.0
        node.label = f"n{place}"
    (path,) = explain(x, of=node, paths=True).paths
    return path


def test_a_long_path_is_shortened_where_it_is_shown_and_whole_in_its_fields() -> None:
    path = path_of(30)
    assert len(path.nodes) == 31
    assert str(path) == (
        "x → n0 → n1 → n2 → … 23 more … → n26 → n27 → n28 → n29:  "
        f"2 × 2 × 2 × 2 × … 22 more … × 2 × 2 × 2 × 2 = {2.0**30:.6g}"
    )


def test_a_path_of_eight_nodes_is_shown_whole() -> None:
    assert str(path_of(7)).startswith("x → n0 → n1 → n2 → n3 → n4 → n5 → n6:  ")
    assert str(path_of(8)).startswith("x → n0 → n1 → n2 → … 1 more … → n4 → n5 → n6 → n7:  ")


def test_paths_whose_product_is_zero_are_counted_and_not_listed() -> None:
    x = Value(1.0, "x")
    explanation = explain(x, of=x * 0.0 + x * 0.0, paths=True)
    assert (explanation.path_count, explanation.paths) == (2, ())
    # Not "with the product 0": where an operand was not taken, nothing is multiplied.
    assert "2 paths, along which nothing flows" in str(explanation)


def test_a_path_whose_product_is_nan_or_infinite_comes_before_all_numbers() -> None:
    x = Value(0.0, "x")
    explanation = explain(x, of=x * 2.0 + x * math.nan + x.sqrt() + x * 1e300, paths=True)
    products = [path.product for path in explanation.paths]
    assert sorted(map(repr, products[:2])) == ["inf", "nan"]
    assert products[2:] == [1e300, 2.0]


# ---- Why is it missing? ---------------------------------------------------------------------


def test_a_value_on_no_path_to_the_loss() -> None:
    _, _, loss = example()
    other = Value(7.0, "other")
    explanation = explain(other, of=loss)
    assert explanation.gradient is None
    assert explanation.title == "d loss/d other = none"
    assert explanation.notes == (
        "loss is not computed from other: no path leads from one to the other",
        "loss is computed from w, x. Use other in its formula; if it is used there, .data, .item() "
        "or detach() takes a number out of the graph on the way: use the Value itself. In `with "
        "record_source():` lines are told",
    )


def test_a_loss_and_a_value_that_were_confused() -> None:
    w, _, loss = example()
    assert "it is the other way round: loss is computed from w" in notes(loss, of=w)


def test_backward_not_run() -> None:
    w, _, loss = example()
    assert notes(w, of=loss) == (
        "w.grad is not computed: loss.backward() has not run, so call it first"
    )


def test_a_constant() -> None:
    number = constant(3.0)
    loss = Value(1.0, "x") * number
    explanation = explain(number, of=loss)
    assert explanation.gradient is None
    assert explanation.notes == (
        "3 is a constant, which gets no gradient; Value(...) makes a variable",
    )


def test_cleared_by_zero_grad() -> None:
    w, _, loss = example()
    loss.backward()
    w.zero_grad()
    start, _, end = notes(w, of=loss).partition(" (see tests/test_explain.py:")
    assert start == "w.grad has been cleared since loss.backward() ran"
    assert end.endswith(": w.zero_grad()): call zero_grad() before backward()")


def test_a_gradient_set_to_none_as_in_pytorch_is_cleared_and_nan_is_another_number() -> None:
    w, _, loss = example()
    loss.backward()
    w.grad = None  # type: ignore[assignment]
    assert notes(w, of=loss).startswith("w.grad has been cleared since loss.backward() ran")
    w.grad = math.nan
    assert notes(w, of=loss).startswith("w.grad is nan, another number than")


def test_set_to_zero_by_assignment() -> None:
    w, _, loss = example()
    loss.backward()
    w.grad = 0.0
    start, _, end = notes(w, of=loss).partition(" (see tests/test_explain.py:")
    assert start == "w.grad is 0: it has been set to 0 since loss.backward() ran"
    changes_nothing = "and an update by it changes nothing: do that before backward()"
    assert end.endswith(f": w.grad = 0.0), {changes_nothing}")


def test_a_parameter_rebound_to_a_new_value_that_the_model_does_not_hold() -> None:
    model = nn.MLP(1, [1], rng=1)
    w = model.layers[0].neurons[0].w[0]
    model([2.0]).backward()
    w = w - 0.1 * w.grad
    loss = model([2.0]) ** 2
    said = notes(w, of=loss)
    assert "is a new Value, output.weight[0][0] - " in said
    assert "uses the old one, Value(" in said
    assert "assigning to a name does not change the Value that a model holds" in said
    assert "Change its number in place: w.data -= ..." in said


def test_a_rebound_parameter_is_told_with_its_line_if_the_source_was_recorded() -> None:
    with record_source():
        w = Value(1.0)
        loss = w * w
        loss.backward()
        w = w - 0.1 * w.grad
    assert w.origin is not None
    said = notes(w, of=loss)
    assert f"w is a new Value, w - 0.2 (made in tests/test_explain.py:{w.origin.line})" in said


def test_a_parameter_rebound_to_a_fresh_value_of_the_same_name() -> None:
    with record_source():
        a = Value(5.0)
        w = Value(1.0)
        old, loss = w, a * w * w
        loss.backward()
        w = Value(w.data - 0.1 * w.grad)
    said = notes(w, of=loss)
    assert "loss uses another Value of that name, Value(1, 'w', grad=10, test_explain.py:" in said
    assert "w.data -= ..." in said
    assert old.origin is not None
    assert f"tests/test_explain.py:{old.origin.line}" in said


def test_a_rebound_parameter_that_the_next_loss_does_use() -> None:
    w = Value(1.0, "w")
    (w * 3.0).backward()
    new = w - 0.1 * w.grad
    new.label = "new"
    loss = new * 3.0
    loss.label = "loss"
    loss.backward()
    note = explain(new, of=loss).notes[-1]
    assert "new is no variable but the result of an update, w - 0.3" in note
    assert "w.data -= ..." in note
    rate = constant(0.1, "rate")
    new = w - rate * constant(w.grad)
    note = explain(new, of=new * 3.0).notes[-2]
    assert "is no variable but the result of an update, w - rate * 6 (see tests/test" in note
    # Where nobody who asks calls it so, the line may be about another.
    holder = [new]
    del new
    assert "update" not in notes(holder[0], of=holder[0] * 3.0)


def test_an_ordinary_difference_is_no_rebound_parameter() -> None:
    x = Value(3.0, "x")
    error = x - 1.0
    loss = error * error
    loss.backward()
    w = Value(1.0, "w")
    assert "new Value" not in notes(w - 1.0, of=loss)
    # A difference of two variables, one of which has a gradient, is no update either.
    distance = x - w
    assert "update" not in notes(distance, of=distance * 2.0)
    fresh = Value(3.0, "fresh") - 1.0
    (fresh_loss := fresh * fresh).label = "loss"
    assert "update" not in notes(fresh, of=fresh_loss)
    # Nor once its variable has a gradient: it is the line that says what it is.
    fresh_loss.backward()
    assert "update" not in notes(fresh, of=fresh_loss)
    with record_source():
        w = Value(3.0)
        difference = w - 1.0
        loss = difference * difference
        loss.backward()
    assert explain(difference, of=loss).notes == ()


# ---- Why is it another number? --------------------------------------------------------------


@pytest.mark.parametrize("times", [2, 3, 10])
def test_backward_that_has_run_several_times(times: int) -> None:
    w, _, loss = example()
    for _ in range(times):
        loss.backward()
    assert notes(w, of=loss) == (
        f"w.grad is {times}, {times} times that: backward() has run {times} times, "
        "and gradients add up: call zero_grad() before each backward(), unless something else "
        "assigned it"
    )


def test_passes_are_counted_where_the_gradient_is_not_one() -> None:
    w = Value(1.0, "w")
    loss = w * 7.0
    for _ in range(3):
        loss.backward()
    assert notes(w, of=loss).startswith("w.grad is 21, 3 times that: backward() has run 3 times")


def test_half_the_gradient_is_no_number_of_passes() -> None:
    w, _, loss = example()
    loss.backward()
    for wrong in (0.5, 1.25, -2.0):
        w.grad = wrong
        assert notes(w, of=loss).startswith(
            f"w.grad is {wrong:g}, another number than loss.backward() has given, 1: it is "
            "assigned to (see tests/test_explain.py:"
        )


def test_a_gradient_that_no_line_assigned_to_may_be_of_other_passes_or_assigned_elsewhere() -> None:
    w, _, loss = example()
    loss.backward()
    setattr(w, "grad", -1.0)  # noqa: B010 (where no line shows it)
    assert notes(w, of=loss) == (
        "w.grad is -1: other passes have added to it, as gradients add up: call zero_grad() before "
        "each backward(), unless something else assigned it"
    )


def test_the_line_of_another_variable_s_gradient_is_not_told() -> None:
    w, x, loss = example()
    x.grad = 2.0
    loss.backward()
    loss.backward()
    assert notes(w, of=loss).startswith("w.grad is 2, 2 times that: backward() has run 2 times")


def test_a_rule_applied_alone_leaves_a_gradient_incomplete() -> None:
    w = Value(2.0, "w")
    square = w * w
    loss = square + w
    loss.label = "loss"
    loss.grad = 1.0
    loss.parents[1].grad = 1.0  # as loss._backward() does it where square is no operand of it
    assert notes(w, of=loss) == (
        "w.grad is without what square passes on to it: loss._backward() applies the chain rule of "
        "loss alone, and loss.backward() that of all operations"
    )


def test_where_the_program_cannot_be_read_that_one_rule_was_applied_is_told_as_possible() -> None:
    scope: dict[str, Any] = {"Value": Value, "explain": explain}
    program = "w = Value(1.0, 'w')\nloss = (w - 3.0) ** 2\nloss.grad = 1.0\nloss._backward()"
    exec(compile(f"{program}\ntold = explain(w, of=loss).notes[0]", "/gone/a.py", "exec"), scope)
    assert scope["told"].startswith(
        "w.grad has been cleared since loss.backward() ran, or only loss."
    )


def test_a_breakpoint_replaces_no_gradient(capsys: pytest.CaptureFixture[str]) -> None:
    w, _, loss = example()
    with w.break_on("contribution", log=True):
        loss.backward()
        loss.backward()
        assert notes(w, of=loss).startswith("w.grad is 2, 2 times that: backward() has run 2 times")
    assert capsys.readouterr().out.count("contribution: ") == 4


def test_what_is_recorded_needs_no_other_advice_to_record() -> None:
    unrecorded = Value(0.5)
    with record_source():
        loss = (unrecorded * 3.0) ** 2
    assert "has no name of its own" in notes(unrecorded, of=loss)
    assert "record_source" not in notes(unrecorded, of=loss)
    assert "record_source" not in notes(Value(1.0), of=loss)


def test_a_gradient_of_another_root() -> None:
    w, _, loss = example()
    (w * 5.0).backward()
    assert notes(w, of=loss) == (
        "w.grad is 5, of another pass: loss.backward() has not run. Call zero_grad(), and then "
        "loss.backward()"
    )


def test_while_a_pass_is_running_what_is_there_so_far_is_told() -> None:
    w, x, loss = example()
    total = loss.parents[0]
    said: dict[str, list[tuple[str, ...]]] = {"hook": [], "steps": []}
    with total.register_hook(lambda _: said["hook"].append(explain(w, of=loss).notes)):
        loss.backward()
    assert w.grad == 1.0  # the pass went on as if nothing had been asked
    for value in (w, x):
        value.zero_grad()
    for _ in backward_steps(loss):
        said["steps"].append(explain(w, of=loss).notes)
        assert explain(loss, of=loss).notes == (
            "the chain rule starts at loss: its gradient by itself is 1",
        )
    end = "and will be 1 once it has all of its 2 contributions. Go on to the end of the pass"
    nothing = (f"loss.backward() is running: w.grad is not there, {end}",)
    half = (f"loss.backward() is running: w.grad is -1 so far, {end}",)
    assert said["hook"] == [nothing]
    assert said["steps"] == [nothing, nothing, half, (), ()]
    assert w.grad == 1.0
    assert explain(w, of=loss).notes == ()
    w.zero_grad()
    assert notes(w, of=loss).startswith("w.grad has been cleared")


def test_while_a_pass_is_running_what_waits_for_its_end_is_counted() -> None:
    # d loss/d w = 2 w = 6 of each pass: without zero_grad() the second ends with 12.
    w = Value(3.0, "w")
    loss = w * w + 1.0
    loss.label = "loss"
    loss.backward()
    said: dict[str, list[tuple[str, ...]]] = {"hook": [], "steps": []}
    with loss.parents[0].register_hook(lambda _: said["hook"].append(explain(w, of=loss).notes)):
        loss.backward()
    assert w.grad == 12.0
    for _ in backward_steps(loss):
        said["steps"].append(explain(w, of=loss).notes)
    assert w.grad == 18.0
    end = "of earlier ones, which waits for the end, as zero_grad() has not run before backward(). "
    end += "Go on to the end of the pass"
    once = "once it has all of its 2 contributions: 6 of this pass, added to"
    running = "loss.backward() is running: w.grad"
    nothing, half, whole = "is not there", "is 3 so far", "is 6 so far"
    assert said["hook"] == [(f"{running} {nothing}, and will be 12 {once} 6 {end}",)]
    assert said["steps"] == [
        (f"{running} {so_far}, and will be 18 {once} 12 {end}",)
        for so_far in (nothing, half, whole)
    ]


def test_while_a_pass_is_running_that_a_value_will_not_get_a_gradient_is_no_matter() -> None:
    x, w = Value(-1.0, "x"), Value(2.0, "w")
    loss = x.relu() + w * 1.0
    for _ in backward_steps(loss):
        assert all("is dead" in note for note in explain(x, of=loss).notes)


def test_gradients_of_several_roots_that_added_up() -> None:
    w, _, loss = example()
    loss.backward()
    (w * 5.5).backward()
    assert notes(w, of=loss).startswith("w.grad is 6.5: other passes have added to it")


def test_a_pass_that_began_with_another_gradient() -> None:
    w, _, loss = example()
    (loss * 0.25).backward()
    assert notes(w, of=loss) == (
        "w.grad is 0.25, that times 0.25: it is of another pass, in which loss.grad is 0.25, as "
        "from another root. Of loss alone it is after zero_grad() and loss.backward()"
    )
    x = Value(1.0, "x")
    root = x * 7.0
    root.label = "root"
    (root * 3.0).backward()
    assert notes(x, of=root).startswith("x.grad is 21, that times 3: it is of another pass")


def test_of_a_hook_that_replaces_nothing_nothing_is_said() -> None:
    a = Value(2.0, "a")
    b = a * 3.0
    b.label = "b"
    b.register_hook([].append)
    b.register_hook(lambda gradient: gradient)
    (b * b).backward()  # d b²/d a = 2 b × 3 = 36
    assert notes(a, of=b).startswith("a.grad is 36, that times 12: it is of another pass")


def test_a_gradient_that_a_hook_replaced() -> None:
    w, _, loss = example()
    told = "w.grad is 7: a hook on v4 has replaced the gradient there"
    with loss.parents[0].register_hook(lambda gradient: gradient * 7.0):
        loss.backward()
        assert notes(w, of=loss) == told
    assert notes(w, of=loss) == told
    w.zero_grad()
    loss.backward()
    assert notes(w, of=loss) == ""
    loss.backward()
    assert notes(w, of=loss).startswith("w.grad is 2, 2 times that")


def test_after_one_backward_there_is_nothing_to_remark() -> None:
    w, x, loss = example()
    loss.backward()
    assert explain(w, of=loss).notes == explain(x, of=loss).notes == ()


# ---- After an update ------------------------------------------------------------------------


def after_epochs(count: int, loss_of: Callable[[], Value], *variables: Value) -> Value:
    """Return the last loss of a training that does not clear gradients but before the last pass."""
    for epoch in range(count):
        loss = loss_of()
        loss.label = "loss"
        if epoch == count - 1:
            for variable in variables:
                variable.zero_grad()
        loss.backward()
        for variable in variables:
            variable.data = variable.data - 0.05 * variable.grad
    return loss


BEFORE = "it was computed before that"


TIE = [("variable", 0.5), ("add", (0, 0)), ("maximum", (0, 1))]  # of x and 2 x, where x is 2 x
# x + clip(x, y, y), where x and y are 0: whatever x has become, the clipped number is 0.
TIE_OF_BOUNDS = [
    *[("variable", 0.0), ("variable", 0.0)],
    *[("neg", (0,)), ("clip", (0, 1, 1)), ("add", (0, 0)), ("add", (0, 3))],
]
# Of x and its bounds, all 0: x has the gradient then, and not once it is below.
CLIPPED = [("variable", 0.0), ("variable", 0.0), ("clip", (0, 1, 1)), ("add", (2, 0))]


@pytest.mark.thorough
@given(recipe=tame_recipes(), step=st.sampled_from([0.0, 0.01, 1.0]))
@for_example(recipe=TIE, step=1.0)
@for_example(recipe=TIE_OF_BOUNDS, step=0.01)
@for_example(recipe=CLIPPED, step=0.01)
def test_after_one_pass_and_an_update_nobody_is_said_to_have_added_to_a_gradient(
    recipe: Recipe, step: float
) -> None:
    root = built(recipe)[-1]
    order = topological_order(root)
    root.backward()
    variables = [node for node in order if node.is_leaf and not node.is_constant]
    for variable in variables:
        variable.data -= step * variable.grad
    for variable in variables:
        assert "earlier passes gave the rest" not in notes(variable, of=root)


def test_after_an_update_a_gradient_of_one_pass_is_told_as_that_of_before() -> None:
    w, x = Value(1.0, "w"), Value(2.0, "x")
    losses: list[Callable[[], Value]] = [
        lambda: (w * x - 1.0) ** 2,
        lambda: w * w,
        lambda: (w * x).tanh() + 0.1 * w**2,
        lambda: w.exp() + Value(3.0, (w,), (0.5,)),
        lambda: where(x, w * w, w * 3.0).tanh(),
    ]
    for loss_of in losses:
        w.data = 1.0
        assert notes(w, of=after_epochs(3, loss_of, w)).endswith(
            f"w.grad is {w.grad:.6g}: {BEFORE}"
        )


def test_a_result_keeps_the_gradient_of_the_last_pass_whatever_is_updated() -> None:
    w = Value(1.0, "w")
    for _ in range(2):
        h = w * 3.0
        loss = (h - 1.0) ** 2 + (w + 1.0).relu() * 0.0 - w.maximum(-9.0) * 0.0
        loss.backward()
        w.data -= 0.05 * w.grad
    assert f"h.grad is {h.grad:.6g}: {BEFORE}" in notes(h, of=loss)
    assert "loss.grad" not in notes(loss, of=loss)
    (loss * 2.0).backward()
    w.data = 0.0
    assert f"loss.grad is 2: {BEFORE}" in notes(loss, of=loss)


def test_where_it_cannot_be_known_what_a_pass_gave_it_is_told_under_a_condition() -> None:
    a, b = Value(1.0, "a"), Value(0.5, "b")
    said = notes(a, of=after_epochs(2, lambda: (a * b - 1.0) ** 2, a, b))
    assert f"a.grad is {a.grad:.6g}: {BEFORE}. Where zero_grad() has not run before" in said
    # Results that no number of w gives, and an operation of one's own, which may do anything.
    w = Value(1.0, "w")
    for wrong, loss in ((-1.0, w.exp()), (-1.0, w * w), (9.0, Value.make_node(DOUBLED, w) * w)):
        w.data = 1.0
        w.zero_grad()
        loss.backward()
        loss.data, w.data = wrong, 0.5
        assert "Where zero_grad() has not run before" in notes(w, of=loss)
    w.grad = 0.0
    assert "w.grad is" not in notes(w, of=loss)


def test_after_an_update_it_is_right_to_clear_a_gradient() -> None:
    w = Value(1.0, "w")
    loss = after_epochs(1, lambda: (w * 3.0 - 1.0) ** 2, w)
    w.zero_grad()
    assert "w.grad" not in notes(w, of=loss)


def test_a_loss_that_is_larger_by_rounding_alone_is_not_said_to_be_larger() -> None:
    for number in (0.1, 1.0 / 3.0, 1.0, 123.456):
        w = Value(number, "w")
        loss = (w * 3.0 - 1.0) ** 2 + (w * 0.1 - 7.0).exp() + 1e-9 * w
        loss.backward()
        for factor in (1.0 - 2.0**-53, 1.0 + 2.0**-52):
            w.data = number * factor
            assert "larger" not in notes(w, of=loss)
    w = Value(1.0, "w")
    loss = w * 1.0
    loss.backward()
    w.data = 1.0 + 1e-12
    assert "larger now, 1.000000000001 where it was 1.0" in notes(w, of=loss)


def test_where_no_line_tells_which_way_an_update_went_both_ways_are_told() -> None:
    w = Value(1.0, "w")
    loss = w * w
    loss.label = "loss"
    loss.backward()
    setattr(w, "data", 2.0)  # noqa: B010 (no line that is seen)
    assert "it went too far: take a smaller learning rate" in notes(w, of=loss)
    w.data = math.cosh(2.0)
    said = notes(w, of=loss)
    assert "it went up the slope, or too far. Down is w.data -= lr * w.grad; a smaller lr" in said


def test_a_value_without_a_name_in_the_code_is_told_how_to_be_updated_in_a_loop() -> None:
    weights = [Value(1.0), Value(2.0)]
    loss = weights[0] * weights[1]
    loss.backward()
    weights[0].data = math.cosh(2.0)
    said = "\n".join(explain(weights[0], of=loss).notes)
    assert "Down is p.data -= lr * p.grad" in said


def test_who_explains_the_program_of_another_has_names_of_its_own_for_it() -> None:
    scope: dict[str, Any] = {"Value": Value, "record_source": record_source}
    code = "with record_source():\n    loss = (Value(0.5) * 3.0) ** 2\n"
    exec(compile(code, "/elsewhere/lesson.py", "exec"), scope)
    node = scope["loss"].parents[0]
    assert "v3 (made in /elsewhere/lesson.py:2) has no name of its own" in notes(
        node, of=scope["loss"]
    )
    assert "record_source" not in notes(node, of=scope["loss"])


# ---- Why is it zero? ------------------------------------------------------------------------


def named(name: str, value: Value) -> Value:
    """Return a Value after it was given a name."""
    value.label = name
    return value


OTHERWISE = "it gets a gradient where it is the one that is chosen"
# The number of x, a loss of it, and the one note on the gradient of x; … is anything.
NOTES: list[tuple[float, Callable[[Value], Any], str]] = [
    (
        *(-3.0, lambda x: named("hidden", (x * 2.0).relu()) * 5.0),
        "relu is dead: hidden = relu(v4) = 0 at v4 = -6, which is not above 0, "
        "so d hidden/d v4 = 0: it learns from inputs that are above 0 there, with other first "
        "weights, or with leaky_relu, which is never dead",
    ),
    (
        *(40.0, lambda x: named("unit", x.sigmoid()) * 5.0),
        "sigmoid is saturated: unit = sigmoid(x) = 1 at x = 40, so d unit/d x = 0: "
        "it learns again with smaller inputs and weights",
    ),
    (
        *(-30.0, lambda x: named("unit", x.tanh()) * 5.0),
        "tanh is saturated: unit = tanh(x) = -1 at x = -30, so d unit/d x = 0: "
        "it learns again with smaller inputs and weights",
    ),
    (
        *(20.0, lambda x: (unit := named("unit", x.sigmoid())) * unit),
        # exp(-20), nearly
        "sigmoid is saturated: unit = sigmoid(x) = 1 at x = 20, so d unit/d x = 2.06115e-09: …",
    ),
    (
        *(2.0, lambda x: named("product", x * Value(0.0, "y")) + 1.0),
        "product = x * y: x is multiplied by y = 0: if that is a weight, begin with a small random "
        "number; if it is an input, this row teaches nothing, and others do",
    ),
    (2.0, lambda x: (x * 0.0) ** 2 + 1.0, "…x is multiplied by 0: such an input…"),
    (0.0, lambda x: x**3, "…= 0 at x = 0"),
    (0.0, lambda x: x ** constant(3.0, "n"), "…= 0 at x = 0, n = 3"),
    (
        *(1.0, lambda x: named("loss", named("error", x - 1.0) ** 2)),
        "loss = error**2: d loss/d error = 0 at error = 0",
    ),
    (3.0, lambda x: x * 0.5 - x * 0.5, "the contributions to x cancel: -0.5 + 0.5 = 0"),
    (
        *(3.0, lambda x: (middle := named("middle", x * 7.0)) - middle),
        "the contributions to middle cancel: 1 + -1 = 0",
    ),
    (
        *(1.0, lambda x: sum([x * 3.0, x * -2.0, x * -5.0], start=x * 4.0)),
        "the contributions to x cancel: -5 + -2 + 3 + 4 = 0",
    ),
    (
        *(1.0, lambda x: sum([x * 3.0, x * 2.0, x * -8.0, x * -1.0], start=x * 4.0)),
        "the contributions to x cancel: -1 + -8 + 2 + 3 + … = 0",
    ),
    (
        *(1.0, lambda x: named("largest", x.maximum(Value(2.0, "b"))) * 3.0),
        f"largest = maximum(x, b): x is not the one chosen, so d largest/d x = 0: {OTHERWISE}",
    ),
    (
        *(3.0, lambda x: named("choice", where(Value(1.0, "a"), Value(2.0, "b"), x)) * 3.0),
        f"choice = where(a, b, x): x is not the one chosen, so d choice/d x = 0: {OTHERWISE}",
    ),
    (
        *(1.0, lambda x: named("choice", where(x, b := Value(2.0, "b"), b * 2.0)) * 3.0),
        "choice = where(x, b, v5): x only chooses, so d choice/d x = 0: a choice jumps, so "
        "its condition gets no gradient; sigmoid is smooth",
    ),
    (
        *(0.1, lambda x: Value(2.0, "y").leaky_relu(x) * 1.0),
        "v4 = leaky_relu(y, x): x is not taken at y = 2, x = 0.1",
    ),
    (
        *(0.0, lambda x: named("root", x.sqrt()) * 2.0),
        f"root = sqrt(x): d root/d x at x = 0 gives 2 × inf = inf: {SLOPE_OF_SQRT}",
    ),
    (
        *(0.0, lambda x: named("root", x.sqrt()) * 0.0),
        f"root = sqrt(x): d root/d x at x = 0 gives 0 × inf = nan: {SLOPE_OF_SQRT}",
    ),
    (
        *(0.0, lambda x: named("logarithm", (x * 2.0).log()) * 0.0 + x),
        "logarithm = log(v4) is -inf at v4 = 0: log(0) is -inf, and its slope 1 / 0: keep its "
        "operand above 0, as in (x * 2 + 1e-9).log()",
    ),
    # The gradient is fine, but the loss is not.
    (1.0, lambda x: x * 2.0 + Value(0.0, "zero").log(), "…log(zero) is -inf…"),
    (
        *(1e-300, lambda x: named("inner", x * 1e200) * 1e200),
        "d inner/d x makes it overflow: 1e+200 × 1e+200…",
    ),
    (
        *(0.125, lambda x: sum(x * 0.9e308 for _ in range(6))),
        f"the sum of the contributions to x overflows: {[0.9e308] * 4}",
    ),
]


@pytest.mark.parametrize(("number", "loss", "said"), NOTES)
def test_why_a_gradient_is_zero_or_not_finite_is_told(
    number: float, loss: Callable[[Value], Any], said: str
) -> None:
    x = Value(number, "x")
    assert re.fullmatch(re.escape(said).replace("…", ".*"), one_note(x, loss(x)))


def test_what_cuts_it_off_is_named_however_far_away_it_is() -> None:
    x = node = Value(1.0, "x")
    for _ in range(50):
        node = node * 1.5
    dead = (-node).relu()
    dead.label = "dead"
    assert one_note(x, dead.exp()).startswith("relu is dead: dead = relu(v")


def test_all_units_that_cut_it_off_are_named() -> None:
    x = Value(-1.0, "x")
    one, other = x.relu(), (x * 2.0).relu()
    one.label, other.label = "one", "other"
    loss = one + other
    loss.backward()
    said = explain(x, of=loss).notes
    assert len(said) == 2
    assert {"one" in note for note in said} == {True, False}


def test_of_very_many_units_the_first_few_are_named() -> None:
    x = Value(-1.0, "x")
    loss = sum(x.relu() for _ in range(100))
    assert isinstance(loss, Value)
    loss.backward()
    said = explain(x, of=loss).notes
    assert len(said) == 7
    assert said[-1] == "and so on: there are more of these"


def test_an_input_that_is_zero_in_a_neuron() -> None:
    model = nn.MLP(2, [1], rng=1)
    loss = model([0.0, 1.0])
    loss.label = "loss"
    weight = model.layers[0].neurons[0].w[0]
    loss.backward()
    (note,) = explain(weight, of=loss).notes
    assert "output.weight[0][0] is multiplied by 0: such an input teaches nothing" in note
    other = model.layers[0].neurons[0].w[1]
    assert not explain(other, of=loss).notes


@pytest.mark.parametrize("place", range(6))
def test_each_factor_of_a_neurons_sum_is_known_by_its_partner(place: int) -> None:
    weights = [Value(float(k), f"w{k}") for k in (1, 2, 3)]
    inputs = [Value(float(k), f"x{k}") for k in (4, 5, 6)]
    factors = [*weights, *inputs]
    zero = factors[(place + 3) % 6]
    zero.data = 0.0
    total = weighted_sum(Value(0.5, "bias"), weights, inputs)
    assert f": {factors[place].name} is multiplied by {zero.name} = 0: " in one_note(
        factors[place], total * 1.0
    )


def test_a_variable_or_a_named_constant_that_is_zero_is_told_from_a_number() -> None:
    w, zero = Value(2.0, "w"), Value(0.0)
    assert "w is multiplied by zero = 0: if" in one_note(w, w * zero * 1.0)
    assert "multiplied by off = 0: such" in one_note(w, w * constant(0.0, "off") * 1.0)


@pytest.mark.parametrize(
    ("number", "loss_of"),
    [
        (1.0, lambda x: (x * 1e-6).exp()),
        (20.0, lambda x: x.sigmoid() + x * 0.01),
        (-1.0, lambda x: where(x, x.log() * math.nan, x * 2.0)),
    ],
    ids=["small", "saturated on one way of two", "not finite on a side that is not taken"],
)
def test_of_what_is_no_matter_nothing_is_told(
    number: float, loss_of: Callable[[Value], Value]
) -> None:
    x = Value(number, "x")
    loss = loss_of(x)
    loss.backward()
    assert explain(x, of=loss).notes == ()


def test_all_saturated_units_are_named_that_leave_almost_nothing() -> None:
    w = Value(12.0, "w")
    one, other = w.sigmoid(), w.tanh()
    loss = one + other
    loss.backward()
    said = explain(w, of=loss).notes
    assert sorted(note.split()[0] for note in said) == ["sigmoid", "tanh"]


def test_behind_a_place_where_contributions_cancel_the_other_ways_are_followed() -> None:
    x = Value(-1.0, "x")
    middle, dead = x * 7.0, (x * 2.0).relu()
    middle.label, dead.label = "middle", "dead"
    for loss in (middle - middle + dead, dead + (middle - middle)):
        loss.backward()
        first, second = sorted(explain(x, of=loss).notes)
        assert first.startswith("relu is dead: dead = ")
        assert second.startswith("the contributions to middle cancel")


def test_contributions_that_cancel_but_for_a_rounding_error() -> None:
    x = Value(1.0, "x")
    loss = x * 0.1 + x * 0.2 - x * 0.3
    loss.backward()
    assert 0.0 != abs(x.grad) < 1e-15
    (note,) = explain(x, of=loss).notes
    assert note.startswith("the contributions to x cancel: ")


def test_a_use_that_was_not_taken_is_shown_as_that_and_not_as_a_product() -> None:
    x = Value(-2.0, "x")
    (hidden := x.relu()).label = "hidden"
    (loss := hidden + x * 3).label = "loss"
    loss.backward()
    explanation = explain(x, of=loss, paths=True)
    assert str(explanation).splitlines() == [
        "d loss/d x = 3",
        "  x = -2",
        "  v4 = x * 3         d loss/d v4 × d v4/d x   1 × 3   =  3",
        "  hidden = relu(x)   did not take x                   =  nothing",
        "  sum of 2 uses: 3",
        "2 paths, the largest products",
        "  x → v4 → loss:  3 × 1 = 3",
    ]
    assert "<td>did not take x</td>" in explanation._repr_html_()


def test_several_uses_that_were_not_taken_are_one_row() -> None:
    x = Value(-2.0, "x")
    (loss := x.relu() + x * 3 + x.relu()).label = "loss"
    loss.backward()
    assert str(explain(x, of=loss)).splitlines() == [
        "d loss/d x = 3",
        "  x = -2",
        "  v4 = x * 3   d loss/d v4 × d v4/d x   1 × 3   =  3",
        "  2 uses       did not take x                   =  nothing",
        "  sum of 3 uses: 3",
    ]


def test_a_value_that_nothing_reached_is_followed_to_where_the_flow_stops() -> None:
    x = Value(0.0, "x")
    logarithm = (x * 2).log()
    loss = where(x, logarithm * 3, 0.0) + 1.0
    loss.backward()
    explanation = explain(logarithm, of=loss, paths=True)
    # The derivative of log at 0 is infinite, and yet nothing is nan: nothing was multiplied.
    assert (explanation.gradient, explanation.steps) == (0.0, ())
    assert explanation.paths_line == "1 path, along which nothing flows"
    chosen = (
        "v9 = where(x, v8, 0): v8 is not the one chosen, so d v9/d v8 = 0: it gets a gradient "
        "where it is the one that is chosen"
    )
    assert explanation.notes[0] == chosen
    assert explanation.notes[1].startswith("logarithm has no name of its own")
    assert len(explanation.notes) == 2
    explanation = explain(x, of=loss)
    assert [str(step) for step in explanation.steps] == [
        "d v10/d x += nothing: v9 = where(x, v8, 0) did not take x  (sum 0)"
    ]
    assert explanation.notes == (
        "v9 = where(x, v8, 0): x only chooses, so d v9/d x = 0: a choice jumps, so its condition "
        "gets no gradient; sigmoid is smooth",
        chosen,
    )


def test_what_nothing_reached_is_not_said_to_be_cleared_or_not_run() -> None:
    x = Value(-2.0, "x")
    loss = x.relu()
    assert (
        explain(x, of=loss).notes[-1]
        == "x.grad is not computed: loss.backward() has not run, so call it first"
    )
    loss.backward()
    assert len(explain(x, of=loss).notes) == 1  # the relu is dead


@pytest.mark.parametrize("factor", ["1e-200", "-1e-200"])
def test_a_product_too_small_for_a_float(factor: str) -> None:
    x = Value(1.0, "x")
    loss = x * 1e-200 * float(factor)
    (note,) = (note for note in explain(x, of=loss).notes if "grad" not in note)
    assert f"{factor} × 1e-200 is too small for a float" in note


# ---- Why is it not finite? ------------------------------------------------------------------


def test_a_nan_is_followed_to_where_it_began() -> None:
    x = node = Value(0.0, "x")
    for _ in range(20):
        node = node * 2.0
    root = node.sqrt()
    root.label = "root"
    note = one_note(x, (root * 0.0).exp())
    assert note.startswith("root = sqrt(node)")
    assert "gives 0 × inf = nan" in note


@pytest.mark.parametrize(
    ("loss", "cause"),
    [
        (lambda x: x.log(), "such as sigmoid(x) or abs(x) + 1e-9"),
        (lambda x: x.sqrt(), "a negative number has no square root"),
        (lambda x: x / 0.0, "it divides by 0: keep the divisor away from 0"),
        (
            lambda x: (x + 1.0) / (x + 1.0),
            "0 / 0 is no number: keep the divisor away from 0, as in … / (x + 1 + 1e-9)",
        ),
        (
            lambda x: (x + 1.0) ** -1.5,
            "0 to a power below 1 divides by 0: write (x + 1 + 1e-12) ** …",
        ),
        (lambda x: x**0.5, "a negative number has no such power"),
        (lambda x: (x * 1e300) ** 3.0, "too large for a float: take smaller inputs"),
        (lambda x: (x * -1e3).exp(), "exp of more than 709 is too large for a float"),
        (lambda x: x * 1e308 * 10.0, "too large for a float: take smaller inputs"),
        (lambda x: x - math.inf, "begins with what is not finite: inf. It stands in the formula"),
        (lambda x: Value.make_node(NO_RESULT, x), "the operation has no result there"),
    ],
)
def test_what_is_not_finite_is_told_by_its_cause(
    loss: Callable[[Value], Value], cause: str
) -> None:
    x = Value(-1.0, "x")
    assert cause in notes(x, of=loss(x))


def test_of_many_variables_that_are_nan_the_first_are_told() -> None:
    weights = [Value(math.nan, f"w{place}") for place in range(7)]
    loss = sum(weights)
    assert isinstance(loss, Value)
    assert "w0 = nan, w1 = nan, w2 = nan and 4 more. An update" in notes(weights[0], of=loss)


def test_infinities_that_cancel_to_nan() -> None:
    x = Value(0.0, "x")
    root = x.sqrt()
    loss = root - x.sqrt()
    loss.backward()
    assert math.isnan(x.grad)
    assert "the contributions to x are inf and -inf, whose sum is nan" in notes(x, of=loss)


# ---- The root, and bad input ----------------------------------------------------------------


def test_the_root_itself() -> None:
    _, _, loss = example()
    loss.backward()
    explanation = explain(loss, of=loss)
    assert (explanation.gradient, explanation.steps) == (1.0, ())
    assert explanation.notes == ("the chain rule starts at loss: its gradient by itself is 1",)
    assert explanation.sum_line == explanation.paths_line == ""
    assert "<table>" not in explanation._repr_html_()


def test_without_a_file_that_can_be_read_it_is_told_without_a_line() -> None:
    scope: dict[str, Any] = {"Value": Value, "explain": explain}
    program = "w = Value(1.0, 'w')\nloss = w * w\nloss.backward()\nw.data -= 0.5\n"
    exec(program + "said = explain(w, of=loss).notes", scope)
    assert scope["said"][0].endswith(
        "w (or loss itself) has changed since. This is the gradient of now; run the forward "
        "pass again, which makes the graph anew"
    )


@pytest.mark.parametrize("thing", [1.0, "w", None, [Value(1.0)]], ids=repr)
def test_what_is_no_value_is_a_type_error_that_names_it(thing: Any) -> None:
    w, _, loss = example()
    with pytest.raises(TypeError, match="explain needs Values, but got"):
        explain(thing, of=loss)
    with pytest.raises(TypeError, match="explain needs Values, but got"):
        explain(w, of=thing)


# ---- In a notebook --------------------------------------------------------------------------


class TableReader(html.parser.HTMLParser):
    """Reads the cells of a table, row by row, and checks that every element is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, _attributes: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            return
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def test_a_notebook_shows_a_table_with_a_row_for_each_use() -> None:
    w, _, loss = example()
    table = TableReader(explain(w, of=loss)._repr_html_())
    assert table.rows == [
        ["used in", "chain rule", "upstream × local", "contribution"],
        ["v4 = v3 + w", "d loss/d v4 × d v4/d w", "-1 × 1", "-1"],
        ["v3 = w * x", "d loss/d v3 × d v3/d w", "-1 × -2", "2"],
        ["sum of 2 uses: 1"],
    ]
    assert "w.grad is not computed" in table.text


def test_a_notebook_shows_paths_and_notes_too() -> None:
    w, _, loss = example()
    page = explain(w, of=loss, paths=True)._repr_html_()
    assert TableReader(page).text.count(" → ") == 5
    assert page.count("<li>") == 3


def test_a_label_with_the_characters_of_html_is_shown_as_it_is() -> None:
    w = Value(1.0, "<b>w & v</b>")
    table = TableReader(explain(w, of=w * 2.0)._repr_html_())
    assert table.rows[1][0] == "v3 = <b>w & v</b> * 2"
