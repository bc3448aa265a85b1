"""Trace: time travel through a backward pass, exact in both directions."""

from __future__ import annotations

import random
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff import (
    Step,
    Trace,
    Value,
    backward_steps,
    draw,
    record_epochs,
    topological_order,
)
from autodiff.value import constant
from tests.bits import bits, same_bits
from tests.random_graphs import Recipe, built, wild_recipes


def recorded_steps(root: Value) -> list[Step]:
    """Return the steps of a whole pass, which is then undone."""
    before = [(node, node.grad) for node in topological_order(root)]
    steps = list(backward_steps(root))
    for node, gradient in before:
        node.grad = gradient
    return steps


def sums_after(root: Value, steps: list[Step]) -> dict[Value, bytes]:
    """Return each gradient after these steps, added up from nothing, as bits.

    A step that was not taken adds nothing: without another one there is no gradient.
    """
    sums = {root: 1.0}
    for step in steps:
        if not step.taken:
            continue
        earlier = sums.get(step.parent)
        sums[step.parent] = step.contribution if earlier is None else earlier + step.contribution
    return {node: bits(number) for node, number in sums.items()}


def state(trace: Trace) -> dict[Value, bytes]:
    return {node: bits(number) for node, number in trace.gradients.items()}


def example() -> tuple[Value, Value, Value]:
    """Return a, b and the loss (a * b + a)**2."""
    a, b = Value(2.0, "a"), Value(3.0, "b")
    loss = (a * b + a) ** 2
    loss.label = "loss"
    return a, b, loss


# ---- The state at every step ----------------------------------------------------------------


@given(recipe=wild_recipes(), data=st.data())
def test_the_state_at_any_step_is_the_sum_of_the_steps_before_it(
    recipe: Recipe, data: st.DataObject
) -> None:
    root = built(recipe)[-1]
    steps = recorded_steps(root)
    trace = Trace(root)
    assert trace.progress == (0, len(steps))
    for position in data.draw(st.lists(st.integers(0, len(steps)), min_size=1, max_size=8)):
        trace.goto(position, "backward")
        assert trace.progress == (position, len(steps))
        assert state(trace) == sums_after(root, steps[:position])


@given(recipe=wild_recipes())
def test_every_step_forward_is_undone_exactly_by_a_step_back(recipe: Recipe) -> None:
    trace = Trace(built(recipe)[-1])
    trace.goto(0)
    states = [state(trace)]
    for _ in trace:
        states.append(state(trace))
    for expected, after in zip(reversed(states), reversed(range(len(states))), strict=True):
        assert state(trace) == expected
        if after:
            trace.back()
    assert trace.position == 0


@given(recipe=wild_recipes())
def test_the_steps_are_those_of_backward_steps_with_the_same_bits(recipe: Recipe) -> None:
    root = built(recipe)[-1]
    trace = Trace(root)
    for ours, theirs in zip(list(trace), recorded_steps(root), strict=True):
        assert (ours.node, ours.parent, ours.position) == (
            theirs.node,
            theirs.parent,
            theirs.position,
        )
        for number in ("local", "upstream", "contribution", "total"):
            assert same_bits(getattr(ours, number), getattr(theirs, number))
        assert str(ours) == str(theirs)


@given(recipe=wild_recipes())
def test_at_the_end_the_state_is_that_after_backward(recipe: Recipe) -> None:
    nodes = built(recipe)
    root = nodes[-1]
    trace = Trace(root)
    trace.goto(len(trace))
    root.backward()
    expected = {node: bits(node.grad) for node in topological_order(root) if node.has_grad}
    assert state(trace) == expected


@pytest.mark.parametrize("gradient", [0.5, -3, 0.0])
def test_the_pass_may_start_from_another_gradient(gradient: float) -> None:
    a, b, loss = example()
    trace = Trace(loss, gradient)
    assert trace.gradient(loss) == gradient
    trace.goto(len(trace))
    loss.backward(gradient)
    assert (trace.gradient(a), trace.gradient(b)) == (a.grad, b.grad)


def test_a_gradient_that_no_step_has_reached_is_none_and_not_zero() -> None:
    a, b, loss = example()
    trace = Trace(loss)
    assert trace.gradients == {loss: 1.0}
    assert trace.gradient(a) is None
    trace.next()
    assert list(trace.gradients) == [loss.parents[0], loss]
    assert trace.gradient(b) is None


# ---- Moving ---------------------------------------------------------------------------------


def test_next_and_back_return_the_step_that_is_now_the_last() -> None:
    _, _, loss = example()
    trace = Trace(loss)
    assert str(trace.step) == "loss = v4**2 = 8**2 = 64"
    first, second = trace.next(), trace.next()
    assert (trace.step, trace.position) == (second, 5)
    assert trace.back() == first
    trace.goto(1)
    assert trace.back() is trace.step is None
    assert trace.position == 0


def test_to_goes_to_the_step_that_completes_a_gradient_in_both_directions() -> None:
    a, b, loss = example()
    total, product = loss.parents[0], loss.parents[0].parents[0]
    trace = Trace(loss)
    # Three steps forward; loss to total, total to product, total to a, product to a, product to b.
    for node, position in ((a, 7), (total, 4), (b, 8), (product, 5), (loss, 3)):
        step = trace.to(node)
        assert trace.position == trace.completed_at(node) == position
        assert (step.node if position == 3 else step.parent) is node
        assert trace.is_complete(node)
        trace.back()
        assert not trace.is_complete(node)
        trace.goto(len(trace))
        assert trace.is_complete(node)


def test_iterating_takes_the_steps_from_here_to_the_end() -> None:
    _, _, loss = example()
    trace = Trace(loss)
    trace.goto(3, "backward")
    assert [step.parent.label for step in trace] == ["a", "b"]
    assert trace.position == len(trace) == 8
    assert list(trace) == []


@pytest.mark.parametrize("position", [-1, 9, 10**9])
def test_a_step_out_of_range_is_an_index_error_and_moves_nothing(position: int) -> None:
    _, _, loss = example()
    trace = Trace(loss)
    trace.goto(2)
    with pytest.raises(IndexError, match=f"positions from 0 to 8, and {position} is none of them"):
        trace.goto(position)
    assert trace.position == 2


def test_next_at_the_end_and_back_at_the_start_are_index_errors() -> None:
    _, _, loss = example()
    trace = Trace(loss)
    trace.goto(0)
    with pytest.raises(IndexError, match="trace of loss"):
        trace.back()
    trace.goto(8)
    with pytest.raises(IndexError, match="trace of loss"):
        trace.next()
    assert trace.position == 8


def test_a_value_of_another_graph_is_an_error_that_names_it() -> None:
    _, _, loss = example()
    trace = Trace(loss)
    trace.goto(2)
    for move in (trace.to, trace.completed_at, trace.is_complete):
        with pytest.raises(ValueError, match=r"never reaches Value\(7, 'other'\): loss does not"):
            move(Value(7.0, "other"))
    assert trace.position == 2


def behind_a_choice() -> tuple[Value, Value, Value]:
    """Return x, v = 2 * x, which is not taken, and the loss maximum(v, x) + x * 3 for x = -1."""
    x = Value(-1.0, "x")
    (v := 2 * x).label = "v"
    (loss := v.maximum(x) + x * 3).label = "loss"
    return x, v, loss


def test_a_step_that_was_not_taken_is_a_step_that_changes_nothing() -> None:
    x, v, loss = behind_a_choice()
    trace = Trace(loss)
    step = trace.to(v)
    assert step is not None
    assert (step.parent, step.taken, step.contribution, step.before, step.total) == (
        *(v, False, 0.0, None, 0.0),
    )
    assert str(step) == "d loss/d v += nothing: v5 = maximum(v, x) did not take v  (sum 0)"
    assert trace.gradient(v) is None
    assert trace.is_complete(v)
    with trace.shown():
        assert not v.has_grad
    before = state(trace)
    trace.back()
    assert state(trace) == before
    assert not trace.is_complete(v)
    trace.goto(len(trace))
    # maximum(v, x) gives 1, and x * 3 gives 3; 2 * x is reached by nothing, so it has no step.
    assert trace.gradient(x) == 4.0
    assert [each.node for each in recorded_steps(loss) if each.parent is x] == [
        node for node in reversed(topological_order(loss)) if x in node.parents and node is not v
    ]


def test_a_value_that_nothing_reaches_is_an_error_that_says_so() -> None:
    x = Value(-1.0, "x")
    loss = (x * 2).relu() + 1.0
    trace = Trace(loss)
    trace.goto(len(trace))
    assert trace.gradient(x) is None
    for move in (trace.to, trace.completed_at, trace.is_complete):
        with pytest.raises(ValueError, match=r"reaches Value\(-1, 'x'\): all that uses it was not"):
            move(x)


def test_a_constant_is_an_error_that_says_so() -> None:
    number = constant(2.0)
    trace = Trace(Value(1.0, "x") * number)
    with pytest.raises(ValueError, match=r"never reaches Constant\(2\): it is a constant"):
        trace.to(number)


def test_a_trace_of_a_leaf_has_no_steps() -> None:
    x = Value(3.0, "x")
    trace = Trace(x)
    assert trace
    assert len(trace) == 0
    assert trace.to(x) is None
    assert trace.gradients == {x: 1.0}
    assert not x.has_grad


# ---- What it leaves alone -------------------------------------------------------------------


def test_a_trace_changes_no_gradient() -> None:
    a, _, loss = example()
    loss.backward(7.0)
    order = topological_order(loss)
    a.grad = 100.0
    before = [(node.grad, node.has_grad) for node in order]
    trace = Trace(loss)
    trace.goto(4)
    trace.goto(1)
    assert [(node.grad, node.has_grad) for node in order] == before


def test_later_changes_do_not_reach_a_trace() -> None:
    a, b, loss = example()
    expected = [str(step) for step in recorded_steps(loss)]
    trace = Trace(loss)
    trace.goto(3, "backward")
    a.data, b.data = 50.0, 60.0
    loss.backward()
    a.zero_grad()
    assert [str(step) for step in trace] == expected[3:]
    trace.goto(0, "backward")
    assert [(step.local, step.upstream) for step in trace] == [
        (16.0, 1.0),
        (1.0, 16.0),
        (1.0, 16.0),
        (3.0, 16.0),
        (2.0, 16.0),
    ]


def test_two_traces_of_one_graph_move_independently() -> None:
    _, _, loss = example()
    one, other = Trace(loss), Trace(loss)
    one.goto(4)
    other.goto(2)
    assert (one.position, other.position) == (4, 2)
    assert len(one.gradients) > len(other.gradients)


# ---- Looking at it --------------------------------------------------------------------------


def test_shown_lets_pictures_and_reprs_show_the_state_of_now() -> None:
    a, b, loss = example()
    a.grad = 100.0
    trace = Trace(loss)
    trace.to(a)
    with trace.shown():
        assert repr(a) == "Value(2, 'a', grad=64)"
        assert not b.has_grad
    assert (a.grad, b.has_grad, loss.has_grad) == (100.0, False, False)


def test_an_error_while_shown_gives_the_gradients_back() -> None:
    a, _, loss = example()
    a.grad = 100.0
    trace = Trace(loss)
    trace.goto(5, "backward")
    with pytest.raises(KeyboardInterrupt), trace.shown():
        raise KeyboardInterrupt
    assert (a.grad, loss.has_grad) == (100.0, False)


def test_a_picture_of_a_step_says_which_gradients_are_not_computed() -> None:
    pytest.importorskip("graphviz", reason="draws a graph")
    _, _, loss = example()
    trace = Trace(loss)
    sources = []
    for position in range(6):
        trace.goto(position, "backward")
        with trace.shown():
            sources.append(draw(loss).source)
    unknown = [source.count("grad –") for source in sources]
    assert unknown == [4, 3, 2, 1, 1, 0]


def test_its_repr_says_where_it_is() -> None:
    _, _, loss = example()
    trace = Trace(loss)
    assert repr(trace) == "<Trace of loss: backward, step 0 of 5>"
    trace.goto(7)
    assert repr(trace) == "<Trace of loss: backward, step 4 of 5>"
    trace.goto(2)
    assert repr(trace) == "<Trace of loss: forward, step 2 of 3>"


def test_its_names_are_those_of_the_graph() -> None:
    a, _, loss = example()
    names = Trace(loss).names
    assert [names[node] for node in (a, loss.parents[0], loss)] == ["a", "v4", "loss"]


# ---- Hooks ----------------------------------------------------------------------------------


def test_a_gradient_that_a_hook_replaced_is_what_the_trace_has() -> None:
    a, b, loss = example()
    total = loss.parents[0]
    calls = []

    def halve(gradient: float) -> float:
        calls.append(gradient)
        return gradient / 2

    total.register_hook(halve)
    trace = Trace(loss)
    assert calls == [16.0]
    step = trace.next()
    assert (step.total, trace.gradient(total)) == (16.0, 8.0)
    trace.goto(8)
    assert (trace.gradient(a), trace.gradient(b)) == (32.0, 16.0)
    trace.goto(0)
    trace.goto(8)
    assert (trace.gradient(total), trace.gradient(a)) == (8.0, 32.0)
    assert calls == [16.0]


def test_a_hook_of_the_root_replaces_where_the_pass_starts() -> None:
    a, _, loss = example()
    loss.register_hook(lambda gradient: gradient * 10.0)
    trace = Trace(loss)
    assert trace.gradient(loss) == 10.0
    trace.goto(8)
    assert trace.gradient(a) == 640.0


def test_a_hook_that_raises_makes_no_trace_and_changes_nothing() -> None:
    a, _, loss = example()
    a.grad = 5.0

    def refuse(gradient: float) -> None:
        raise LookupError("not this one")

    loss.parents[0].register_hook(refuse)
    with pytest.raises(LookupError, match="not this one"):
        Trace(loss)
    assert (a.grad, loss.has_grad) == (5.0, False)


# ---- Large graphs ---------------------------------------------------------------------------


def large_loss() -> Value:
    """Return a sum over so many rows that its graph has over 66,000 nodes."""
    rng = random.Random(1)
    weight, bias, loss = Value(0.3, "weight"), Value(-0.1, "bias"), Value(0.0)
    for _ in range(13_200):
        loss = loss + (weight * rng.uniform(-1.0, 1.0) + bias).tanh()
    return loss


@pytest.mark.unmeasured
def test_a_graph_of_66_000_nodes_is_travelled_in_both_directions_without_copies_of_it() -> None:
    loss = large_loss()
    nodes = topological_order(loss)
    assert len(nodes) >= 66_000
    tracemalloc.start()
    try:
        trace = Trace(loss)
        trace.goto(len(trace))
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A few numbers a step, and two entries a node: a copy of all gradients is 66,000 numbers.
    assert size < 64 * len(trace) + 400 * len(nodes)
    at_the_end = state(trace)
    for position in (len(trace) // 2, 10, len(trace) - 10, 0, len(trace)):
        trace.goto(position)
    assert state(trace) == at_the_end
    loss.backward()
    assert at_the_end == {node: bits(node.grad) for node in nodes if node.has_grad}


def test_a_chain_of_30_000_nodes_is_travelled_node_by_node() -> None:
    node = x = Value(1.0, "x")
    for _ in range(30_000):
        node = node + 1.0
    trace = Trace(node)
    assert len(trace) == 60_000
    trace.to(x)
    assert trace.position == 60_000
    trace.back()
    assert trace.gradient(x) is None
    positions = [trace.completed_at(each) for each in reversed(topological_order(node)[30_001:])]
    assert all(after - before == 1 for before, after in pairwise(positions))


@pytest.mark.parametrize("earlier", [None, 0.25])
def test_a_trace_without_steps_has_the_gradient_that_the_hooks_leave(earlier: float | None) -> None:
    x = Value(2.0, "x")
    if earlier is not None:
        x.grad = earlier
    before = x.grad
    x.register_hook(lambda gradient: gradient / 2.0)
    assert Trace(x).gradients == {x: 0.5}
    assert x.grad is before


def test_a_number_is_that_of_the_moment() -> None:
    w = Value(3.0, "w")
    with record_epochs() as trace:
        (square := w * w).label = "square"
        (square + w).backward()
        w.data -= 0.5 * w.grad
    trace.goto(0, "forward")
    assert (trace.number(w), trace.number("square"), trace.number(trace.root)) == (3.0, None, None)
    trace.goto(1, "forward")
    assert (trace.number(square), trace.number(trace.root)) == (9.0, None)
    trace.goto(0, "update")
    assert (trace.number(w), trace.number(trace.root)) == (3.0, 12.0)
    trace.next()
    assert trace.number("w") == -0.5  # 3 - 0.5 * (2 * 3 + 1)
    for position in range(len(trace) + 1):
        trace.goto(position)
        assert {node: trace.number(node) for node in trace.numbers} == trace.numbers
    with pytest.raises(ValueError, match="does not have"):
        trace.number(Value(1.0))
    with pytest.raises(ValueError, match="no node that is called 'v'"):
        trace.number("v")
