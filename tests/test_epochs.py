"""record_epochs: time travel through the epochs that a loop ran, exact in both directions."""

from __future__ import annotations

import linecache
import math
import random
import runpy
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

import nn
from autodiff import (
    AnomalyError,
    Step,
    Trace,
    Value,
    backward_steps,
    detect_anomaly,
    explain,
    record_epochs,
    topological_order,
)
from autodiff.debug.phases import ForwardStep, UpdateStep
from autodiff.ops import Operation
from autodiff.support import watch
from demos.lab import LAB
from demos.one_row import lab_model
from tests.bits import bits
from tests.random_graphs import Recipe, built, wild_recipes

State = list[tuple[bytes, bytes | None]]


def state_of(root: Value) -> State:
    """Return each node's number and gradient, as bits."""
    return [
        (bits(node.data), bits(node.grad) if node.has_grad else None)
        for node in topological_order(root)
    ]


def state_in(trace: Trace, epoch: int) -> State:
    """Return what a trace has at the end of an epoch's backward pass."""
    trace.goto(0, "update", epoch=epoch)
    with trace.shown():
        return state_of(trace.root)


def lab_loss(model: nn.MLP) -> Value:
    return nn.mse_loss([model(row) for row in LAB.x], LAB.y)


def training(model: nn.MLP, epochs: int) -> Iterator[Value]:
    """Train as the lab does; yield each loss between the backward pass and the update."""
    optimizer = nn.SGD(model.parameters(), lr=LAB.learning_rate)
    for _ in range(epochs):
        loss = lab_loss(model)
        optimizer.zero_grad()
        loss.backward()
        yield loss
        optimizer.step()


# ---- Exact ----------------------------------------------------------------------------------


def test_every_epoch_of_the_lab_has_the_bits_that_the_program_had() -> None:
    with record_epochs() as trace:
        states = [state_of(loss) for loss in training(lab_model(), 50)]
    assert trace.epochs == 50
    order = list(range(50))
    random.Random(1).shuffle(order)
    for epoch in order:
        assert state_in(trace, epoch) == states[epoch]


def test_what_is_recorded_trains_as_what_is_not() -> None:
    expected = [state_of(loss) for loss in training(lab_model(), 20)]
    with record_epochs():
        assert [state_of(loss) for loss in training(lab_model(), 20)] == expected


@given(recipe=wild_recipes())
def test_any_graph_is_the_pass_that_backward_made(recipe: Recipe) -> None:
    root = built(recipe)[-1]
    with record_epochs() as trace:
        root.backward()
    assert state_in(trace, 0) == state_of(root)
    # Each step is that of backward_steps.
    trace.goto(0, "backward")
    assert [str(step) for step in trace] == [
        str(step) for step in backward_steps(root, hooks=False)
    ]


# ---- Epochs, passes, phases -----------------------------------------------------------------


def descent(epochs: int) -> tuple[Trace, Value]:
    """Return the trace of w**2 minimized from w = 4 by halves, and w."""
    w = Value(4.0, "w")
    with record_epochs() as trace:
        for _ in range(epochs):
            loss = w * w
            loss.label = "loss"
            loss.backward()
            w.data -= 0.25 * w.grad
            w.zero_grad()
    return trace, w


def test_a_trace_walks_through_all_epochs_and_all_the_way_back() -> None:
    trace, _ = descent(3)
    assert (trace.epochs, trace.epoch, trace.position) == (3, 0, 0)
    steps = list(trace)
    assert [str(step) for step in steps[:4]] == [
        "loss = w * w = 4 * 4 = 16",
        "d loss/d w += d loss/d loss × d loss/d w = 1 × 4 = 4  (sum 4; loss = w * w)",
        "d loss/d w += d loss/d loss × d loss/d w = 1 × 4 = 4  (sum 8; loss = w * w)",
        "w: 4 → 2, changed by -2 (= -0.25 × 8, w.grad)",
    ]
    assert [step.number for step in steps if isinstance(step, ForwardStep)] == [16.0, 4.0, 1.0]
    assert [step.after for step in steps if isinstance(step, UpdateStep)] == [2.0, 1.0, 0.5]
    assert (trace.epoch, trace.phase, trace.progress) == (2, "update", (1, 1))
    back = [trace.step]
    while trace.epoch or trace.position > 1:
        back.append(trace.back())
    assert [str(step) for step in reversed(back)] == [str(step) for step in steps]
    assert trace.back() is None
    with pytest.raises(IndexError, match="and -1 is none of them"):
        trace.back()


def test_numbers_and_gradients_are_those_of_the_moment() -> None:
    trace, w = descent(3)
    loss = trace.root
    trace.goto(0, epoch=1)
    assert (trace.numbers, trace.gradients, trace.phase) == ({w: 2.0}, {}, "forward")
    assert trace.gradient(w) is trace.gradient("loss") is None
    trace.next()
    assert (trace.numbers, trace.gradients) == ({w: 2.0, loss: 4.0}, {loss: 1.0})
    trace.to("w")
    assert (trace.gradient("w"), trace.is_complete("w")) == (4.0, True)
    trace.next()
    assert trace.numbers == {w: 1.0, loss: 4.0}
    assert w.data == 0.5
    with trace.shown():
        assert (w.data, w.grad, loss.data) == (1.0, 4.0, 4.0)
    assert (w.data, w.has_grad) == (0.5, False)


def test_its_repr_says_which_epoch_it_is_in() -> None:
    trace, _ = descent(12)
    assert repr(trace) == "<Trace of loss: epoch 0 of 0 to 11, forward, step 0 of 1>"
    trace.goto(1, "backward", epoch=7)
    assert repr(trace) == "<Trace of loss: epoch 7 of 0 to 11, backward, step 1 of 2>"


def test_an_epoch_of_several_passes_has_them_in_order() -> None:
    w, rows = Value(1.0, "w"), [2.0, 3.0, 5.0]
    with record_epochs() as trace:
        for _ in range(2):
            w.zero_grad()
            for row in rows:
                (loss := w * row).label = "loss"
                loss.backward()
            w.data -= 0.5 * w.grad
    assert trace.epochs == 2
    trace.goto(0, epoch=1, nth=2)
    assert (
        repr(trace) == "<Trace of loss: epoch 1 of 0 to 1, pass 2 of 0 to 2, forward, step 0 of 1>"
    )
    trace.goto(0, nth=0)
    found = [trace.goto(1, "backward", nth=nth).local for nth in range(3)]  # type: ignore[union-attr]
    assert found == rows
    # The gradient that the update used is the sum over the rows.
    step = trace.goto(1, "update", epoch=0, nth=2)
    assert isinstance(step, UpdateStep)
    assert (step.before, step.after, step.gradient, step.rate) == (1.0, -4.0, 10.0, -0.5)
    for nth in (-1, 3):
        with pytest.raises(IndexError, match=f"passes from 0 to 2, and {nth} is none of them"):
            trace.goto(0, nth=nth)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"epoch": 3}, IndexError, "epochs from 0 to 2, and 3 is none of them"),
        ({"epoch": -1}, IndexError, "epochs from 0 to 2, and -1 is none of them"),
        ({"epoch": 1.0}, TypeError, "number of the epoch, but got the float 1.0"),
        ({"nth": "1"}, TypeError, "number of the pass, but got"),
        ({"phase": "sideways"}, ValueError, "one of forward, backward, update, but got"),
        ({"phase": "update", "position": 2}, IndexError, "from 0 to 1, and 2 is none"),
    ],
)
def test_a_moment_that_is_not_there_is_an_error_and_moves_nothing(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    trace, _ = descent(3)
    trace.goto(2, epoch=1)
    with pytest.raises(error, match=message):
        trace.goto(**{"position": 0, **arguments})
    assert (trace.epoch, trace.position) == (1, 2)


def test_a_name_that_no_node_has_is_an_error() -> None:
    trace, _ = descent(1)
    with pytest.raises(ValueError, match="the graph of loss has no node that is called 'v'"):
        trace.gradient("v")


def test_an_update_without_a_gradient_says_so() -> None:
    w = Value(2.0, "w")
    with record_epochs() as trace:
        (w * 0.0).backward()
        w.data = 5.0
        (w * math.inf).backward()
        w.data = 6.0
    steps = [str(step) for step in trace if isinstance(step, UpdateStep)]
    assert steps == [
        "w: 2 → 5, changed by 3 (w.grad is 0)",
        "w: 5 → 6, changed by 1 (w.grad is inf)",
    ]


UPDATES = """
from autodiff import Value, record_epochs

w, b, lr = Value(2.0, "w"), Value(1.0, "b"), 0.02
velocity, squares = {w: 0.0, b: 0.0}, {w: 0.0, b: 0.0}
with record_epochs() as trace:
    for epoch in range(3):
        loss = (w * 3.0 + b - 1.0) ** 2 + (w * b - 0.5) ** 2
        w.zero_grad(), b.zero_grad()
        loss.backward()
"""
IN_A_LOOP = "        for p in (w, b):\n"


def rates(update: str, tmp_path: Path) -> list[float | None]:
    """Return the factors that the update steps of the last epoch show, of w and of b."""
    path = tmp_path / "train.py"
    path.write_text(UPDATES + update, encoding="utf-8")
    trace = runpy.run_path(str(path))["trace"]
    trace.goto(0, "update", epoch=2)
    steps = [step for step in trace if isinstance(step, UpdateStep)]
    texts = [str(step) for step in steps]
    assert [" × " in text for text in texts] == [step.rate is not None for step in steps]
    assert all("changed by" in text for text in texts)
    return [step.rate for step in sorted(steps, key=lambda step: step.node.label, reverse=True)]


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        # The same for both, whatever the line is.
        ("p.data -= lr * p.grad", [-0.02, -0.02]),
        ("p.data = p.data - 2 * lr / 4 * p.grad", [-0.01, -0.01]),
        ("setattr(p, 'data', p.data - p.grad / 60.0)", [-1 / 60, -1 / 60]),
        ("p.data += lr * p.grad", [0.02, 0.02]),
        ("slope = p.grad; p.data -= lr * slope", [-0.02, -0.02]),
        # Another for each, as it is no factor of the gradient.
        ("velocity[p] = 0.9 * velocity[p] + p.grad; p.data -= lr * velocity[p]", [None, None]),
        ("p.data -= lr * (p.grad + 0.1 * p.data)", [None, None]),
        ("p.data -= lr * p.grad + 0.1 * p.data", [None, None]),
        ("p.data -= lr * p.grad; p.data *= 0.99", [None, None]),
        ("p.data -= lr * (1.0 if p.grad > 0.0 else -1.0)", [None, None]),
        ("p.grad = max(-1.0, min(1.0, p.grad)); p.data -= lr * p.grad", [None, None]),
        (
            "squares[p] += p.grad ** 2; p.data -= lr * p.grad / (squares[p] ** 0.5 + 1e-8)",
            [None, None],
        ),
        # Another for each, and the program says so.
        ("p.data -= (0.03 if p is w else 0.01) * p.grad", [-0.03, -0.01]),
    ],
)
def test_a_factor_is_shown_where_it_is_the_same_for_all_or_the_program_says_so(
    update: str, expected: list[float | None], tmp_path: Path
) -> None:
    found = rates(IN_A_LOOP + f"            {update}\n", tmp_path)
    assert found == [each if each is None else pytest.approx(each, rel=1e-9) for each in expected]


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        ("w.data -= lr * w.grad", [-0.02]),
        ("w.data -= 0.01 * w.grad", [-0.01]),
        ("w.data -= [0.01, 0.02, 0.03][epoch] * w.grad", [-0.03]),
        ("w.data -= lr * w.grad; b.data -= 2 * lr * b.grad", [-0.02, -0.04]),
        ("w.data -= lr * w.grad; b.data = 0.25 * epoch", [-0.02, None]),
        ("w.data -= lr * w.grad; b.data = 1.0 if epoch < 2 else 1e999", [-0.02, None]),
        ("scale = 0; scale = 4; w.data -= lr / scale * w.grad", [-0.005]),
        ("w.data = -0.25 * epoch", [None]),
        ("w.grad = max(-1.0, min(1.0, w.grad)); w.data -= lr * w.grad", [None]),
        ("w.data -= [0.01, 0.02, 0.03][epoch] * w.grad; w.data = max(-9.0, w.data)", [None]),
    ],
)
def test_of_one_variable_a_factor_is_shown_if_a_line_has_it(
    update: str, expected: list[float | None], tmp_path: Path
) -> None:
    assert rates(f"        {update}\n", tmp_path) == [
        each if each is None else pytest.approx(each, rel=1e-9) for each in expected
    ]


def test_a_line_that_is_no_factor_of_the_gradient_is_none_where_all_gradients_keep_their_ratio(
    tmp_path: Path,
) -> None:
    path = tmp_path / "train.py"
    velocity = "velocity[p] = 0.9 * velocity[p] + p.grad; p.data -= lr * velocity[p]"
    text = UPDATES.replace(" + (w * b - 0.5) ** 2", "") + IN_A_LOOP + "            "
    for update, rates in ((velocity, {None}), ("p.data -= lr * p.grad", {-0.02})):
        path.write_text(f"{text}{update}\n", encoding="utf-8")
        linecache.checkcache(str(path))
        trace = runpy.run_path(str(path))["trace"]
        trace.goto(0, "update", epoch=1)
        assert {step.rate for step in trace if isinstance(step, UpdateStep)} == rates


def test_an_optimizer_s_factor_is_shown_if_it_is_one() -> None:
    def shown_rates(optimizer: Any, model: Any) -> set[float | None]:
        with record_epochs() as trace:
            for _ in range(2):
                model.zero_grad()
                nn.mse_loss([model(row) for row in LAB.x], LAB.y).backward()
                optimizer.step()
        trace.goto(0, "update", epoch=1)
        return {step.rate for step in trace if isinstance(step, UpdateStep)}

    model = lab_model()
    assert shown_rates(nn.SGD(model.parameters(), lr=0.5), model) == {-0.5}
    model = lab_model()
    assert shown_rates(nn.SGD(model.parameters(), lr=0.5, momentum=0.9), model) == {None}
    model = lab_model()
    assert shown_rates(nn.Adam(model.parameters(), lr=0.5), model) == {None}


def test_a_variable_by_itself_has_an_update_too() -> None:
    w = Value(2.0, "w")
    with record_epochs() as trace:
        w.backward()
        w.data -= 0.5 * w.grad
        w.backward()
    assert [str(step) for step in trace] == ["w: 2 → 1.5, changed by -0.5 (= -0.5 × 1, w.grad)"]
    # The second pass has no steps.
    assert (trace.epoch, len(trace), trace.position) == (1, 0, 0)
    assert str(trace.goto(1, epoch=0)).startswith("w: 2")
    with pytest.raises(IndexError):
        trace.next()
    assert trace.epoch == 1


# ---- What is recorded -----------------------------------------------------------------------


def test_a_block_without_a_pass_is_an_error_that_says_what_may_be_the_matter() -> None:
    with record_epochs() as trace:
        Value(1.0) * 2.0
    assert (repr(trace), trace.epochs, trace.epoch) == ("<Trace of nothing so far>", 0, 0)
    for look in (lambda: len(trace), trace.next, lambda: trace.goto(0)):
        with pytest.raises(ValueError, match="has recorded nothing: no backward"):
            look()


def test_nothing_is_recorded_outside_of_the_block_and_nothing_slower() -> None:
    before = watch.on_backward, watch.on_new_value  # somebody else may look on
    trace, w = descent(2)
    (w * w).backward()
    assert trace.epochs == 2
    assert (watch.on_backward, watch.on_new_value) in (before, (None, None))


def test_looking_at_a_graph_in_the_block_is_no_pass() -> None:
    w = Value(2.0, "w")
    with record_epochs() as trace:
        (loss := w * w).label = "loss"
        explain(w, of=loss)
        list(Trace(loss))
        loss.backward()
    assert (trace.epochs, len(trace)) == (1, 3)


def test_a_pass_by_steps_is_recorded_and_one_that_is_abandoned_is_not() -> None:
    w = Value(2.0, "w")
    with record_epochs() as trace:
        for _ in backward_steps(w * w):
            pass
        steps = backward_steps(w * w * w)
        next(steps)
        steps.close()
        with pytest.raises(AnomalyError), detect_anomaly():
            (w * 0.0).log().backward()
    assert (trace.epochs, len(trace._passes), trace.root.data) == (1, 1, 4.0)


def test_hooks_are_not_called_again_and_what_they_left_is_exact() -> None:
    w, calls = Value(2.0, "w"), []

    def halve(gradient: float) -> float:
        calls.append(gradient)
        return gradient / 2.0

    with record_epochs() as trace:
        for _ in range(2):
            inner = w * w
            inner.register_hook(halve)
            loss = inner * 3.0 + w
            loss.register_hook(lambda gradient: gradient * 10.0)
            loss.backward()
            left = state_of(loss)
            w.data += 1.0
            w.zero_grad()
    assert calls == [30.0, 30.0]
    assert state_in(trace, 1) == left
    trace.goto(0)
    steps = [step for step in trace if isinstance(step, Step)]
    # d loss/d w is 10 for the sum, and 15 for each of two uses in the square.
    assert [step.contribution for step in steps] == [10.0, 10.0, 30.0, 45.0, 45.0]
    assert calls == [30.0, 30.0]


def test_a_pass_over_numbers_of_different_times_is_shown_as_it_was_and_told() -> None:
    w = Value(3.0, "w")
    with record_epochs() as trace:
        loss = (w * 2.0).tanh()
        loss.label = "loss"
        w.data = 0.5
        loss.backward()
        left = state_of(loss)
    assert state_in(trace, 0) == left
    assert trace.note.startswith(
        "loss = tanh(v3) is 0.999988, but 0.761594 with the numbers of now"
    )
    assert "backward() then mixed numbers of different times" in trace.note


def test_a_forward_step_of_numbers_that_have_changed_since_says_so() -> None:
    w = Value(3.0, "w")
    with record_epochs() as trace:
        w.data = 4.0
        square = w * w
        w.data = 2.0
        square.backward()
    assert str(trace.goto(1, "forward")) == (
        "v2 = w * w = 2 * 2 = 16, whose number 16 would be 4 now: w (or v2 itself) has changed "
        "since; run the forward pass again, which makes the graph anew"
    )


def test_what_draws_at_random_has_the_numbers_that_it_drew() -> None:
    generator = random.Random(7)
    noise = Operation(
        "noise", "noise", 1, lambda x: x * generator.random(), lambda out, x: (out / x,)
    )
    w = Value(2.0, "w")
    with record_epochs() as trace:
        losses = []
        for _ in range(5):
            loss = Value.make_node(noise, w) * w
            loss.backward()
            losses.append(state_of(loss))
            w.data -= 0.01 * w.grad
            w.zero_grad()
    assert [state_in(trace, epoch) for epoch in range(5)] == losses


def test_a_node_made_by_hand_has_each_epoch_s_own_derivatives() -> None:
    w = Value(2.0, "w")
    with record_epochs() as trace:
        left = []
        for _ in range(3):
            loss = Value(w.data**3, (w,), (3.0 * w.data**2,))
            loss.backward()
            left.append(state_of(loss))
            w.data -= 0.01 * w.grad
            w.zero_grad()
    assert [state_in(trace, epoch) for epoch in range(3)] == left


def test_two_models_of_one_shape_are_told_apart_and_inputs_made_anew_share_a_graph() -> None:
    first, second = Value(1.0, "w"), Value(10.0, "w")
    with record_epochs() as trace:
        for epoch in range(4):
            w = (first, second)[epoch % 2]
            (w * Value(2.0 + epoch, "x")).backward()
            w.data -= 0.5
    graphs = {id(recorded.graph) for recorded in trace._passes}  # type: ignore[attr-defined]
    assert len(graphs) == 2
    trace.goto(len(trace), epoch=2)
    assert (trace.gradient(first), trace.gradient(second)) == (4.0, None)
    trace.goto(2, epoch=1)
    assert (trace.gradient(first), trace.gradient(second)) == (None, 3.0)


def test_fit_trains_eagerly_while_it_is_recorded() -> None:
    model = lab_model()
    optimizer = nn.SGD(model.parameters(), lr=0.5)
    with record_epochs() as trace:
        history = nn.fit(model, LAB.x, LAB.y, optimizer=optimizer, epochs=3)
    assert history.engine == "eager"
    assert "record_epochs()" in history.reason
    assert trace.epochs == 3
    trace.goto(0, epoch=2, nth=3)
    trained = {step.node for step in trace if isinstance(step, UpdateStep)}
    assert trained <= set(model.parameters())
    assert trained


# ---- Memory ---------------------------------------------------------------------------------


@pytest.mark.unmeasured
def test_an_epoch_of_the_lab_takes_its_numbers_and_no_graph() -> None:
    model = lab_model()
    with record_epochs() as trace:
        for _ in training(model, 10):
            pass
        tracemalloc.start()
        try:
            for _ in training(model, 500):
                pass
            size, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    nodes = len(topological_order(lab_loss(model)))
    # 8 bytes for each node and each weight, and what holds them together; a graph takes 100 more.
    assert size / 500 < 8 * (nodes + len(model.parameters())) + 500
    assert trace.epochs == 510


def test_an_update_that_changes_nothing_ends_an_epoch_too() -> None:
    w = Value(-1.0, "w")
    optimizer = nn.SGD([w], lr=0.5)
    with record_epochs() as trace:
        for _ in range(3):
            loss = (w * 2.0).relu()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()  # the gradient is 0: nothing reaches w
        (w * 3.0).backward()
        (w * 4.0).backward()
    assert (trace.epochs, repr(trace)) == (
        4,
        "<Trace of v4: epoch 0 of 0 to 3, forward, step 0 of 2>",
    )
    # There is no step of the update: no number is another.
    trace.goto(0, "update", epoch=2)
    assert trace.position == len(trace)
    trace.goto(0, epoch=3, nth=1)
    assert trace.epoch == 3


def test_an_abandoned_pass_leaves_the_count_of_epochs_as_it_was() -> None:
    w, other = Value(1.0, "w"), Value(0.0, "other")
    with record_epochs() as trace:
        (w * w).backward()
        with pytest.raises(AnomalyError), detect_anomaly():
            (w * other.log()).backward()
        (w * 2.0).backward()
        w.data -= 0.0
        (w * 3.0).backward()
    assert [trace.epochs, len(trace._passes)] == [2, 3]


def test_a_first_pass_that_fails_leaves_nothing_recorded() -> None:
    def failing(gradient: float) -> None:
        raise RuntimeError

    w = Value(2.0, "w")
    with record_epochs() as trace:
        loss = w * w
        with w.register_hook(failing), pytest.raises(RuntimeError):
            loss.backward()
        loss.backward()
    assert trace.epochs == 1
    assert w.grad == 4.0
