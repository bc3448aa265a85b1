"""Numbers changed since a graph was computed: who notices, who is to blame, and what is shown.

What is shown has to be what a graph made anew with the same numbers has, bit for bit.
"""

from __future__ import annotations

import contextlib
import math
import random
import re
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autodiff import (
    AnomalyError,
    Names,
    Trace,
    Value,
    animate,
    backward_steps,
    compile,
    detect_anomaly,
    draw,
    explain,
    topological_order,
    weighted_sum,
)
from autodiff.drawing.moment import all_moments
from autodiff.ops import MAXIMUM, OPERATIONS, Operation
from autodiff.support.changed import CURE, Changes, recomputed
from autodiff.value import constant
from demos.step import plain_text
from tests.bits import all_bits, bits, same_bits
from tests.random_graphs import Recipe, built, wild_recipes

nan = math.nan


def changes_of(root: Value) -> Changes:
    return Changes(topological_order(root))


def state(root: Value) -> list[tuple[bytes, bytes, bool]]:
    """Return each node's number and gradient as bits, and whether it has one."""
    return [(bits(node.data), bits(node.grad), node.has_grad) for node in topological_order(root)]


def example() -> tuple[Value, Value, Value, Value]:
    """Return w, x, h = w * x and loss = tanh(h), after a backward pass; w is then changed."""
    w, x = Value(3.0, "w"), Value(2.0, "x")
    h = w * x
    h.label = "h"
    loss = h.tanh()
    loss.label = "loss"
    loss.backward()
    w.data = 0.25
    return w, x, h, loss


# ---- What is out of date --------------------------------------------------------------------


@given(recipe=wild_recipes(), data=st.data())
def test_the_numbers_of_now_are_those_of_a_graph_made_anew(
    recipe: Recipe, data: st.DataObject
) -> None:
    nodes = built(recipe)
    changed = list(recipe)
    for place, (kind, _) in enumerate(recipe):
        if kind in ("variable", "constant") and data.draw(st.booleans()):
            number = data.draw(st.floats())
            nodes[place].data, changed[place] = number, (kind, number)
    anew = dict(zip(nodes, built(changed), strict=True))
    changes = changes_of(nodes[-1])
    for node in topological_order(nodes[-1]):
        assert same_bits(changes.number(node), anew[node].data)
        assert (node in changes.now) == (not same_bits(node.data, anew[node].data))
    assert bool(changes) == bool(changes.now)


@given(recipe=wild_recipes())
def test_a_graph_that_nobody_has_changed_is_up_to_date(recipe: Recipe) -> None:
    root = built(recipe)[-1]
    assert not changes_of(root)
    root.backward()
    assert not changes_of(root)


def test_a_zero_of_the_other_sign_is_another_number_and_a_nan_is_not() -> None:
    for zero in (0.0, -0.0):
        x = Value(zero)
        negative = -x
        x.data = -zero
        assert [bits(number) for number in changes_of(negative).now.values()] == [bits(zero)]
    x.data = nan
    assert math.isnan(changes_of(negative).now[negative])
    not_a_number = Value(-1.0).log()
    not_a_number.parents[0].data = nan
    assert not changes_of(not_a_number)


def test_a_change_without_effect_is_none() -> None:
    x = Value(-1.0, "x")
    loss = x.relu() * 3.0
    x.data = -2.0
    assert not changes_of(loss)
    assert str(next(backward_steps(loss))).endswith("v4 = v3 * 3)")


def test_numbers_are_lent_for_a_block_and_given_back_even_after_an_error() -> None:
    _, _, h, loss = example()
    before = state(loss)
    with recomputed(topological_order(loss)) as changes:
        assert (h.data, loss.data) == (0.5, math.tanh(0.5))
    assert state(loss) == before
    assert changes.now == {h: 0.5, loss: math.tanh(0.5)}
    with contextlib.suppress(KeyError), recomputed(topological_order(loss)):
        raise KeyError
    assert state(loss) == before


# ---- Who is to blame ------------------------------------------------------------------------


@given(recipe=wild_recipes(), data=st.data())
def test_one_of_those_that_are_named_has_changed(recipe: Recipe, data: st.DataObject) -> None:
    nodes = [node for node in built(recipe) if not node.is_constant]
    given_another = data.draw(st.sets(st.sampled_from(nodes), min_size=1, max_size=3))
    for place, node in enumerate(sorted(given_another, key=nodes.index), 1):
        node.data = data.draw(st.floats(-1e3, 1e3)) * math.pi + 0.123 * place  # by no coincidence
    changes = changes_of(nodes[-1])
    if changes:
        assert given_another & set(changes.causes)


# The graph, what is then given another number, and who is named.
CAUSES: list[tuple[Callable[[Any], Value], Callable[[Any], Value], str]] = [
    (lambda v: v.w * v.w, lambda v: v.w, "w (or root itself)"),
    (lambda v: (v.w * v.w).exp(), lambda v: v.w, "w"),
    (lambda v: (v.w * v.x).exp(), lambda v: v.w, "w or x"),
    (lambda v: (v.w * v.x).exp() + v.w, lambda v: v.w, "w (or root itself)"),
    # exp(x) is still right, so it was not x.
    (lambda v: (v.w * v.x).exp() + v.x.exp(), lambda v: v.w, "w"),
    # x.relu() is right, but would be for any other x below 0.
    (lambda v: (v.w * v.x).exp() + v.x.relu(), lambda v: v.w, "w or x"),
    # So is the larger of x and b, which x has nothing to do with.
    (lambda v: (v.w * v.x).exp() + v.x.maximum(v.b), lambda v: v.w, "w or x"),
    (
        lambda v: weighted_sum(v.b, [v.w, v.w], [v.x, Value(1.0, "y")]).exp(),
        lambda v: v.w,
        "b, w, x or y",
    ),
    # A named constant is data, a bare number is not changed.
    (lambda v: (v.w * 3.0).exp(), lambda v: v.w, "w"),
    (
        lambda v: (constant(2.0, "row") * v.w.exp()).exp(),
        lambda v: v.root.parents[0].parents[0],
        "row",
    ),
    (lambda v: (constant(2.0, "row") * v.w).exp(), lambda v: v.w, "row or w"),
    # Results that were given another number.
    (lambda v: (v.w * v.x).exp(), lambda v: v.root.parents[0], "w or x (or v3 itself)"),
    (lambda v: v.w.exp().tanh(), lambda v: v.root, "root itself"),
    # Nobody knows what a node that was made by hand would be.
    (lambda v: Value(2.0, (v.w,), (1.0,)).exp(), lambda v: v.root.parents[0], "v2 or root itself"),
]


@pytest.mark.parametrize(("make", "changed", "who"), CAUSES)
def test_what_has_changed_is_named(
    make: Callable[[Any], Value], changed: Callable[[Any], Value], who: str
) -> None:
    v = SimpleNamespace(w=Value(0.7, "w"), x=Value(-0.4, "x"), b=Value(0.2, "b"))
    v.root = make(v)
    v.root.label = "root"
    changed(v).data *= 1.37
    assert changes_of(v.root).cause(Names(v.root)) == f"{who} has changed since"


def test_where_two_layers_have_changed_both_are_named() -> None:
    w, x, b = Value(0.7, "w"), Value(-0.4, "x"), Value(0.2, "b")
    root = w * x * b
    w.data, b.data = 3.0, 5.0
    who = "b, w or x (or a result itself) has changed since"
    assert changes_of(root).cause(Names(root)) == who
    before, after = 0.7 * -0.4 * 0.2, 3.0 * -0.4 * 5.0
    sentence = f"v5 = v4 * b is {before:.6g}, but {after:.6g} with the numbers of now: {who}"
    assert changes_of(root).sentence(Names(root)) == sentence
    w.data, x.data, b.data = 100.0, 100.0, 100.0  # "-0.056" sorts before "1e+06", the former not
    assert "is -0.056, but 1e+06 with" in changes_of(root).sentence(Names(root))


def test_of_many_suspects_a_few_are_named() -> None:
    weights = [Value(number / 10.0, f"w{number}") for number in range(9)]
    total = weighted_sum(0.0, weights, [1.0] * 9).tanh()
    for weight in weights:
        weight.data += 1.0
    assert (
        changes_of(total).cause(Names(total)) == "w0, w1, w2 or another variable has changed since"
    )


def test_numbers_that_six_digits_do_not_tell_apart_are_shown_with_all() -> None:
    w = Value(0.1, "w")
    loss = w * 3.0
    loss.label = "loss"
    w.data = 0.1 + 1e-12
    expected = f"loss = w * 3 is {0.1 * 3.0!r}, but {w.data * 3.0!r} with the numbers of now"
    assert changes_of(loss).sentence(Names(loss)).startswith(expected)
    assert f"value {0.1 * 3.0!r}, now {w.data * 3.0:.17g}" in draw(loss).source


# ---- Operations of one's own ----------------------------------------------------------------


def of_ones_own(function: Callable[[float], Any]) -> Operation:
    return Operation("own", "own", 1, function, lambda *_: (1.0,))


def test_an_operation_of_ones_own_is_recomputed() -> None:
    w = Value(0.5, "w")
    node = Value.make_node(of_ones_own(math.sinh), w)
    assert not changes_of(node)
    w.data = 1.5
    assert changes_of(node).now == {node: math.sinh(1.5)}


def test_where_it_finds_no_result_now_that_is_nan() -> None:
    w = Value(0.5, "w")
    node = Value.make_node(of_ones_own(math.log), w) * 2.0
    for number in (-1.0, 0.0):
        w.data = number
        assert all(math.isnan(now) for now in changes_of(node).now.values())
    node = Value.make_node(of_ones_own(math.exp), w)
    w.data = 1e9
    assert math.isnan(changes_of(node).now[node])


def test_one_that_draws_at_random_raises_no_alarm_and_its_draws_are_given_back() -> None:
    def noisy(x: float) -> float:
        return x + random.random()

    def seldom(x: float) -> float:
        return 2.0 * x if random.random() < 0.5 else 0.0

    for function in (noisy, seldom):
        for _ in range(20):
            w = Value(0.5, "w")
            node = Value.make_node(of_ones_own(function), w).tanh()
            before = random.getstate()
            assert not changes_of(node)
            assert random.getstate() == before
            w.data = 0.75  # what follows cannot be told
            assert not changes_of(node)


def test_one_that_is_another_at_each_call_or_fails_later_raises_no_alarm() -> None:
    private = random.Random(1)
    numbers = iter([1.0, 2.0])
    calls: list[float] = []

    def counting(x: float) -> float:
        calls.append(x)
        return float(len(calls))

    def closed(x: float) -> float:
        return next(numbers)

    for function in (counting, closed, lambda x: private.gauss(x, 1.0)):
        node = Value.make_node(of_ones_own(function), Value(0.5))
        for _ in range(3):
            assert not changes_of(node)
    # And once a result is as it was, it is not asked again.
    calls.clear()
    node = Value.make_node(of_ones_own(lambda x: calls.append(x) or 7.0), Value(0.5))
    assert not changes_of(node)
    assert len(calls) == 2


def test_an_operation_added_to_the_table_is_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own = of_ones_own(math.log)
    monkeypatch.setitem(OPERATIONS, "own", own)
    w = Value(0.5, "w")
    node = Value.make_node(own, w)
    w.data = -1.0
    assert math.isnan(changes_of(node).now[node])


# ---- backward() and its steps ---------------------------------------------------------------


def test_no_pass_recomputes_anything_before_a_step_is_shown() -> None:
    calls: list[float] = []
    own = of_ones_own(lambda x: calls.append(x) or x)
    w = Value(0.5, "w")
    loss = Value.make_node(own, w) * 2.0
    loss.backward()
    with w.register_hook(lambda _: None):
        loss.backward()
    steps = list(backward_steps(loss))
    assert calls == [0.5]
    str(steps[0])
    assert calls == [0.5, 0.5]


def test_the_steps_of_a_pass_are_still_those_of_backward() -> None:
    for run in (Value.backward, lambda loss: list(backward_steps(loss))):
        w, _, _, loss = example()
        w.zero_grad()
        run(loss)
        slope = 1.0 - math.tanh(6.0) * math.tanh(6.0)  # of the number that loss has
        assert w.grad == 2.0 * slope
        assert loss.data == math.tanh(6.0)


def test_a_step_says_what_has_changed_and_the_cure() -> None:
    _, _, _, loss = example()
    for step in backward_steps(loss):
        name, old, new = (
            ("loss = tanh(h)", "0.999988", "0.462117")
            if step.node is loss
            else ("h = w * x", "6", "0.5")
        )
        expected = (
            f"; {name}, whose number {old} would be {new} now: w or x has changed since; {CURE})"
        )
        assert str(step).endswith(expected)


def test_a_step_goes_by_the_numbers_that_it_was_made_with() -> None:
    w, x = Value(3.0, "w"), Value(2.0, "x")
    loss = w * x
    steps = list(backward_steps(loss))
    w.data = 0.0
    assert str(steps[0]).endswith("v3 = w * x)")


def test_no_equation_is_false() -> None:
    w = Value(3.0, "w")
    loss = w * w
    loss.label = "loss"
    w.data = 0.0
    shown = [*map(str, backward_steps(loss)), str(explain(w, of=loss)), plain_text(Trace(loss))]
    for text in shown:
        assert "w has changed since" in text.replace(" (or loss itself)", "")
        assert CURE in text
        assert "9 = 0" not in text
        assert "w * w = 9" not in text


def test_detect_anomaly_stops_a_pass_over_numbers_of_different_times() -> None:
    w, x, _, loss = example()
    before = state(loss)
    with detect_anomaly(), pytest.raises(AnomalyError) as caught:
        loss.backward()
    error = caught.value
    assert state(loss) == before
    assert (error.node, error.during) == (loss, "backward")
    assert str(error).startswith(
        "backward through numbers of different times: loss = tanh(h) is 0.999988, but 0.462117 "
        f"with the numbers of now: w or x has changed since. {CURE.capitalize()}"
    )
    with detect_anomaly():
        Trace(loss)
        explain(w, of=loss)
        loss = (w * x).tanh()
        loss.backward()


def test_detect_anomaly_names_the_line_of_what_is_out_of_date() -> None:
    with detect_anomaly():
        w = Value(3.0)
        product = w * 2.0
        w.data = 1.0
        with pytest.raises(
            AnomalyError, match=r"^backward.*: product = w.*\n  made in .*\n    product"
        ):
            product.backward()


def test_a_training_loop_under_detect_anomaly_goes_on() -> None:
    model = nn.MLP(2, [3, 1], rng=random.Random(1))
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    with detect_anomaly():
        for _ in range(3):
            optimizer.zero_grad()
            loss = nn.mse_loss([model([0.5, -0.5])], [1.0])
            loss.backward()
            optimizer.step()


# ---- Trace and explain ----------------------------------------------------------------------


@pytest.mark.thorough
@given(recipe=wild_recipes(), data=st.data())
def test_a_trace_and_an_explanation_are_those_of_a_graph_made_anew(
    recipe: Recipe, data: st.DataObject
) -> None:
    nodes = built(recipe)
    nodes[-1].backward()
    changed = list(recipe)
    for place, (kind, _) in enumerate(recipe):
        if kind == "variable":
            number = data.draw(st.floats())
            nodes[place].data, changed[place] = number, (kind, number)
    before = state(nodes[-1])
    anew = built(changed)
    trace, expected = Trace(nodes[-1]), Trace(anew[-1])
    assert all_bits(trace.numbers.values()) == all_bits(expected.numbers.values())
    for step, other in zip(trace, expected, strict=True):
        assert all_bits([step.local, step.upstream, step.contribution, step.total]) == all_bits(
            [other.local, other.upstream, other.contribution, other.total]
        )
        assert str(step).startswith(str(other)[:-1])
    explained, other = explain(nodes[0], of=nodes[-1]), explain(anew[0], of=anew[-1])
    assert (explained.gradient is None) == (other.gradient is None)
    if explained.gradient is not None:
        assert same_bits(explained.gradient, other.gradient)
        assert explained.rows == other.rows
        assert explained.subtitle == other.subtitle
    assert state(nodes[-1]) == before


def test_a_trace_says_what_has_changed() -> None:
    w, x, _, loss = example()
    assert Trace(loss).note == (
        "loss = tanh(h) is 0.999988, but 0.462117 with the numbers of now: w or x has changed "
        f"since. These are the steps of now; {CURE}"
    )
    assert Trace((w * x).tanh()).note == ""


def test_what_changes_later_does_not_reach_a_trace_nor_the_picture_that_it_lends_numbers_to() -> (
    None
):
    w, x = Value(3.0, "w"), Value(2.0, "x")
    loss = (w * x).tanh()
    trace = Trace(loss)
    trace.goto(len(trace))
    numbers, steps = trace.numbers, str(trace.step)
    with trace.shown():
        source = draw(loss, edges=True).source
    w.data = 0.25
    assert trace.numbers == numbers
    assert str(trace.step) == steps
    assert trace.note == ""
    with trace.shown():
        assert draw(loss, edges=True).source == source
    assert w.data == 0.25
    assert draw(loss, edges=True).source != source


def test_an_explanation_says_what_has_changed_and_that_the_gradient_is_of_before() -> None:
    w, _, h, loss = example()
    explained = explain(w, of=loss)
    assert explained.gradient == 2.0 * (1.0 - math.tanh(0.5) * math.tanh(0.5))
    assert explained.notes == (
        "loss = tanh(h) is 0.999988, but 0.462117 with the numbers of now: w or x has changed "
        "since (see tests/test_changed.py:66: w.data = 0.25). This is the gradient of now; "
        f"{CURE}",
        f"w.grad is {w.grad:.6g}: it was computed before that",
    )
    assert explain(h, of=loss).subtitle == "h = w * x = 0.5"


def test_an_explanation_of_a_saturated_unit_goes_by_the_numbers_of_now() -> None:
    w, _, _, loss = example()
    assert not any("saturated" in note for note in explain(w, of=loss).notes)
    w.data = 40.0
    (note,) = [note for note in explain(w, of=loss).notes if "saturated" in note]
    assert "loss = tanh(h) = 1 at h = 80" in note


# ---- Pictures -------------------------------------------------------------------------------


def box_of(root: Value, name: str, **arguments: Any) -> Any:
    (box,) = [
        box
        for box in draw(root, **arguments).picture.boxes
        if box.name == name and "_at_" not in box.id
    ]
    return box


def test_a_picture_shows_the_numbers_of_now_beside_the_old_ones_and_says_why() -> None:
    _, _, _, loss = example()
    picture = draw(loss, edges=True).picture
    texts = {box.name: box.numbers for box in picture.boxes}
    assert texts["h"][0] == "value 6, now 0.5"
    assert texts["loss"][0] == "value 1, now 0.4621"
    assert texts["w"][0] == "value 0.25"
    (note,) = [box for box in picture.boxes if box.name == "out of date"]
    text = " ".join(note.title)
    assert "loss = tanh(h) is 0.999988, but 0.462117 with the numbers of now" in text
    assert "w or x has changed since." in text
    assert CURE.capitalize() in text


def test_no_arrow_shows_what_a_result_out_of_date_contributed() -> None:
    w, _, _, loss = example()
    total = loss + w.exp() + Value(1.0, "u").exp()
    total.backward()
    w.data = 0.75
    arrows = draw(total, edges=True).picture.arrows
    told = [arrow for arrow in arrows if arrow.label != ("adds –",)]
    assert [arrow.label for arrow in told] == [("local 2.718", "adds +2.718")]
    assert all(arrow.size is None for arrow in arrows if arrow not in told)


def test_a_picture_of_what_is_up_to_date_says_nothing() -> None:
    w, x = Value(3.0, "w"), Value(2.0, "x")
    picture = draw((w * x).tanh(), edges=True, legend=True).picture
    assert not any(box.name == "out of date" for box in picture.boxes)
    assert not any("now" in line for box in picture.boxes for line in box.lines)


def test_a_mermaid_chart_has_the_note_and_the_legend_no_entry_for_it() -> None:
    _, _, _, loss = example()
    chart = draw(loss, edges=True, legend=True).mermaid()
    assert 'note["loss = tanh(h) is 0.999988, but' in chart
    assert "value 6, now 0.5" in chart
    assert "made elsewhere" not in chart


def test_a_step_of_the_pass_is_drawn_with_the_numbers_of_now() -> None:
    w, x, _, loss = example()
    before = state(loss)
    anew = (w * x).tanh()
    anew.parents[0].label, anew.label = "h", "loss"
    for step in range(3):
        boxes = {box.id: box for box in draw(loss, edges=True, step=step).picture.boxes}
        note = boxes.pop("note")
        drawn = draw(anew, edges=True, step=step)
        assert list(boxes.values()) == list(drawn.picture.boxes)
        assert draw(loss, edges=True, step=step).picture.arrows == drawn.picture.arrows
        assert "The numbers here are those of now." in " ".join(note.title)
    assert state(loss) == before


@pytest.mark.unmeasured
def test_a_film_is_that_of_a_graph_made_anew_with_the_note(tmp_path: Path) -> None:
    pytest.importorskip("PIL", reason="films are written by Pillow")
    pytest.importorskip("resvg_py", reason="films need pixels")
    module = sys.modules[animate.__module__]
    captions: list[tuple[str, ...]] = []
    notes: set[bool] = set()
    original = module.frames_of

    def spied(root: Value, painter: Any, *arguments: Any) -> Any:
        for moment in all_moments(root):
            captions.append(moment.caption)
            notes.add(any(box.id == "note" for box in painter.picture_at(moment).boxes))
        return islice(original(root, painter, *arguments), 2)

    w, x, _, loss = example()
    before = state(loss)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "frames_of", spied)
        animate(loss, tmp_path / "stale.gif", size=(320, 200))
        stale, captions[:] = list(captions), []
        assert notes == {True}
        anew = (w * x).tanh()
        anew.parents[0].label, anew.label = "h", "loss"
        animate(anew, tmp_path / "anew.gif", size=(320, 200))
    assert stale == captions
    assert state(loss) == before


@pytest.mark.parametrize("fold", ["neuron", "layer"])
def test_a_folded_picture_of_a_loss_made_before_training_says_so(fold: Any) -> None:
    model = nn.MLP(2, [3, 1], activation="tanh", rng=random.Random(1))
    x, y = [[0.0, 1.0], [1.0, 1.0]], [1.0, 0.0]
    loss = nn.mse_loss([model(row) for row in x], y)
    loss.backward()
    assert not any(box.id == "note" for box in draw(loss, fold=fold).picture.boxes)
    nn.fit(model, x, y, epochs=3, loss=nn.mse_loss, optimizer=nn.SGD(model.parameters(), lr=0.5))
    anew = nn.mse_loss([model(row) for row in x], y)
    boxes = draw(loss, fold=fold, edges=True).picture.boxes
    (note,) = [" ".join(box.title) for box in boxes if box.id == "note"]
    assert "has changed since" in note
    assert re.search(r"(weight|bias)\[", note)
    texts = " ".join(line for box in boxes for line in box.lines)
    assert f"value {loss.data:.4g}, now {anew.data:.4g}" in texts
    modules = [box for box in boxes if box.kind == "module"]
    assert all(", now " in " ".join(box.lines) for box in modules)


def test_a_picture_of_several_values_says_what_has_changed_below_any() -> None:
    w = Value(3.0, "w")
    first, second = w.exp(), Value(2.0, "u").exp()
    w.data = 1.0
    boxes = draw([first, second]).picture.boxes
    (note,) = [" ".join(box.title) for box in boxes if box.id == "note"]
    assert "w (or v2 itself) has changed since" in note or "w (or v" in note


def test_a_name_that_cannot_be_shown_is_escaped_in_the_note() -> None:
    w = Value(3.0, "w\x00<b>")
    loss = w * w
    w.data = 1.0
    drawing = draw(loss, edges=True)
    assert "\x00" not in drawing.source
    assert "<b>" not in drawing.mermaid()


# ---- Replays --------------------------------------------------------------------------------


def test_after_a_program_has_run_what_is_shown_is_what_it_has_computed() -> None:
    w, x = Value(3.0, "w"), Value(2.0, "x")
    h = w * x
    h.label = "h"
    loss = h.tanh() * w
    loss.label = "loss"
    program = compile(loss, inputs=[x])
    program(0.125)
    assert (h.data, x.data) == (6.0, 0.125)
    explained = explain(w, of=loss)
    assert explained.gradient is not None
    assert same_bits(explained.gradient, w.grad)
    # x or w, or h: the root has its new number.
    assert "h = w * x is 6, but 0.375 with the numbers of now" in explained.notes[0]
    assert len(explained.notes) == 1
    trace = Trace(loss)
    trace.goto(len(trace))
    assert same_bits(trace.gradients[w], w.grad)
    assert box_of(loss, "loss").numbers[0] == f"value {loss.data:.4g}"
    assert box_of(loss, "h").numbers[0] == "value 6, now 0.375"
    labels = {arrow.label for arrow in draw(loss, edges=True).picture.arrows}
    assert labels == {("adds –",)}
    step = next(backward_steps(loss))
    assert "where v4's number 0.999988 would be 0.358357 now" in str(step)


def test_in_a_terminal_the_pass_of_now_is_shown_with_the_note() -> None:
    _, _, _, loss = example()
    text = plain_text(Trace(loss))
    assert "! loss = tanh(h) is 0.999988, but 0.462117 with the numbers of now" in text
    assert "loss = tanh(h) = 0.462117\n" in text
    assert "h = w * x = 0.5\n" in text


def test_a_tie_that_a_change_has_broken_is_drawn_by_the_numbers_of_now() -> None:
    a, b = Value(2.0, "a"), Value(2.0, "b")
    loss = Value.make_node(MAXIMUM, a, b)
    b.data = 5.0
    assert [step.local for step in Trace(loss)] == [0.0, 1.0]
    assert explain(b, of=loss).gradient == 1.0
