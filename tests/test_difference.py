"""What differs between two passes: changes as mathematics has them, and what cannot be compared."""

from __future__ import annotations

import math
from typing import Any

import pytest

import nn
from autodiff import Value, compile, draw, record_epochs
from autodiff.drawing.difference import KEY
from autodiff.drawing.draw import Drawing
from autodiff.drawing.picture import Box
from autodiff.value import constant
from tests.test_draw import needs_webassembly, texts

pytest.importorskip("graphviz", reason="drawing needs the package graphviz")


def boxes(drawing: Drawing) -> dict[str, Box]:
    """Return the boxes of a drawing by their names."""
    return {box.name: box for box in drawing.picture.boxes if box.kind != "reference"}


def squared(w: Value, x: float) -> Value:
    """Return (w * x) ** 2 after backward(), whose gradient by w is 2 w x²."""
    loss = (w * constant(x, "x")) ** 2
    loss.label = "loss"
    w.zero_grad()
    loss.backward()
    return loss


def after_an_update(**options: Any) -> dict[str, Box]:
    """Return what has changed by w: 3 → 1.5, where the loss is w², with 2 w as its gradient."""
    w = Value(3.0, "w")
    before = draw(squared(w, 1.0))
    w.data -= 0.25 * w.grad
    return boxes(draw(squared(w, 1.0), since=before, **options))


def test_each_number_is_shown_with_its_change_and_what_is_equal_is_grey() -> None:
    found = after_an_update()
    assert found["w"].numbers == ("value 1.5 Δ −1.5", "grad +3 Δ −3")
    assert found["w"].change == "less"
    assert found["loss"].numbers == ("value 2.25 Δ −6.8", "grad +1")  # 9 less 2.25 is 6.75
    assert found["loss"].change == "less"
    assert found["x"].title == ("x = 1",)
    assert found["x"].change == "equal"


def test_a_change_has_two_digits_less_than_its_number_and_two_at_least() -> None:
    found = after_an_update(precision=6)
    assert found["loss"].numbers[0] == "value 2.25 Δ −6.75"
    assert after_an_update(precision=1)["loss"].numbers[0] == "value 2 Δ −6.8"


def test_the_sign_of_a_change_is_told_by_text_colour_and_line() -> None:
    w = Value(3.0, "w")
    before = draw(squared(w, 1.0))
    w.data = 4.0
    drawing = draw(squared(w, 1.0), since=before)
    assert boxes(drawing)["w"].change == "more"
    assert "value 4 Δ +1" in drawing.source
    assert 'class="variable more"' in drawing.source
    less = draw(squared(Value(1.0, "w"), 1.0), since=before).source
    assert 'style="dashed,filled"' in less
    assert 'style="dashed,filled"' not in drawing.source
    assert drawing.picture.caption[0] == KEY


def test_other_data_with_the_same_weights_changes_what_depends_on_it() -> None:
    w = Value(3.0, "w")
    before = draw(squared(w, 1.0))
    found = boxes(draw(squared(w, 2.0), since=before))
    assert found["x"].title == ("x = 2 Δ +1",)
    assert found["x"].change == "more"
    # The weight is the same; its gradient 2 w x² was 6 and is 24.
    assert found["w"].numbers == ("value 3", "grad +24 Δ +18")
    assert found["w"].change == "other"


def test_the_same_pass_again_is_equal_everywhere() -> None:
    w = Value(math.nan, "w")
    drawing = draw(squared(w, 1.0), since=draw(squared(w, 1.0)))
    assert {box.change for box in drawing.picture.boxes} == {"equal"}
    assert not any("Δ" in line for box in drawing.picture.boxes for line in box.lines)


def test_copies_in_one_box_of_which_some_are_more_and_some_less_are_neither() -> None:
    w = Value(3.0, "w")

    def loss(inputs: list[float]) -> Value:
        return sum(((w * constant(x)) ** 2 for x in inputs), Value(0.0, "start"))

    before = draw(loss([1.0, 2.0, 1.0]), fold="repeat")
    changes = {
        inputs: boxes(draw(loss([*inputs]), fold="repeat", since=before))["term × 3"].change
        for inputs in [(2.0, 1.0, 1.0), (2.0, 3.0, 2.0), (0.0, 1.0, 0.0), (1.0, 2.0, 1.0)]
    }
    assert list(changes.values()) == ["other", "more", "less", "equal"]


def test_a_gradient_that_was_not_there_is_told() -> None:
    w = Value(3.0, "w")
    loss = w * w
    before = draw(loss)
    loss.backward()
    found = boxes(draw(loss, since=before))
    assert found["w"].numbers == ("value 3", "grad +6, was –")
    assert found["w"].change == "other"
    after = draw(loss)
    w.zero_grad()
    assert boxes(draw(loss, since=after))["w"].numbers == ("value 3", "grad –, was +6")


def test_the_number_in_a_formula_has_no_change_beside_it() -> None:
    w = Value(3.0, "w")
    before = draw(w * 2.0)
    found = boxes(draw(w * 5.0, since=before, style="blackboard"))
    assert found["v3"].title == ("× 5",)
    assert found["v3"].numbers[0] == "15 Δ +9"
    assert boxes(draw(w * 5.0, since=before))["v3"].title == ("v3 = w * 5",)


def trained(fold: Any) -> tuple[dict[str, Box], nn.MLP, list[float]]:
    """Return what an update changes in a folded network, and its weights before."""
    model = nn.MLP(2, [3, 1], activation="tanh", rng=7)
    optimizer = nn.SGD(model.parameters(), lr=0.1)

    def loss() -> Value:
        optimizer.zero_grad()
        found = nn.mse_loss([model([0.5, -1.0])], [1.0])
        found.backward()
        return found

    before = draw(loss())
    weights = [weight.data for weight in model.parameters()]
    optimizer.step()
    return boxes(draw(loss(), since=before, fold=fold)), model, weights


def test_a_folded_box_has_the_range_of_its_changes() -> None:
    found, model, before = trained("layer")
    now = [weight.data for weight in model.parameters()]
    names = [weight.name for weight in model.parameters()]
    changes = [
        after - was
        for name, after, was in zip(names, now, before, strict=True)
        if name.startswith("hidden.bias")
    ]
    assert len(changes) == 3
    (row,) = [row for row in found["hidden"].table if row[0].startswith("bias")]
    least, greatest = [
        float(part.replace("−", "-")) for part in row[1].split(" Δ ")[1].split(" … ")
    ]
    assert least == pytest.approx(min(changes), rel=0.05)
    assert greatest == pytest.approx(max(changes), rel=0.05)


def test_the_drawing_before_need_not_be_folded_alike() -> None:
    found, *_ = trained("neuron")
    assert {"hidden[0]", "hidden[1]", "hidden[2]", "output[0]"} <= found.keys()
    assert all("Δ" in found["output[0]"].table[row][1] for row in range(1, 4))


def test_two_epochs_of_a_recording_are_compared() -> None:
    w = Value(3.0, "w")
    with record_epochs() as trace:
        for _ in range(3):
            loss = w * w
            loss.backward()
            w.data -= 0.25 * w.grad
            w.zero_grad()
    drawings: list[Drawing] = []
    for epoch in (0, 1):
        trace.goto(0, "update", epoch=epoch)
        with trace.shown():
            drawings.append(draw(trace.root, since=drawings[-1] if drawings else None))
    # w: 3, 1.5; its square 9, 2.25.
    assert boxes(drawings[1])["w"].numbers == ("value 1.5 Δ −1.5", "grad +3 Δ −3")
    assert boxes(drawings[1])["v2"].numbers[0] == "value 2.25 Δ −6.8"


def test_a_step_is_compared_with_the_one_before() -> None:
    w = Value(3.0, "w")
    loss = w * w
    found = boxes(draw(loss, step=2, since=draw(loss, step=1)))
    assert found["w"].numbers == ("value 3", "grad +6 Δ +3")
    assert found["v2"].change == "equal"


@needs_webassembly
def test_an_svg_shows_it() -> None:
    w = Value(3.0, "w")
    before = draw(squared(w, 1.0))
    w.data = 1.5
    svg = draw(squared(w, 1.0), since=before).svg()
    assert "value 1.5 Δ −1.5" in texts(svg)
    assert 'class="node variable less"' in svg
    assert 'class="node input equal"' in svg


# ---- what cannot be compared ---------------------------------------------------------------------


def test_a_graph_of_another_form_is_refused_and_the_difference_named() -> None:
    x = Value(3.0, "x")
    cases = [
        (x.tanh() + 1, r"v3 = tanh\(x\) here is exp of x in the drawing to compare with"),
        (x.exp() + Value(1.0, "b"), "the variable b here is a constant in the drawing"),
        (x.exp() + x, r"v2 = exp\(x\) here is a constant in the drawing"),
        ((x.exp() + 1).log(), "here are 5 nodes, and in the drawing to compare with 4"),
    ]
    before = draw(x.exp() + 1)
    for root, message in cases:
        with pytest.raises(ValueError, match=message):
            draw(root, since=before)


def test_numbers_that_are_out_of_date_are_not_compared() -> None:
    w = Value(3.0, "w")
    loss = squared(w, 1.0)
    before = draw(loss)
    w.data = 1.0
    message = (
        r"w or x \(or v3 itself\) has changed since; run the forward pass again, and backward\(\)"
    )
    with pytest.raises(ValueError, match=message):
        draw(loss, since=before)
    late = draw(loss)
    with pytest.raises(
        ValueError, match=r"the drawing to compare with was out of date: loss = .*w or x"
    ):
        draw(squared(w, 1.0), since=late)


def test_a_wrong_argument_is_named() -> None:
    w = Value(3.0, "w")
    loss = w * w
    with pytest.raises(TypeError, match=r"since needs a drawing .* before = draw\(loss\), but got"):
        draw(loss, since=loss)  # type: ignore[arg-type]
    program = compile(loss)
    with pytest.raises(ValueError, match="those of programs and networks have no record"):
        draw(loss, since=draw(program))
    with pytest.raises(ValueError, match="without style, expand, edges, step and since"):
        draw(program, since=draw(loss))


def test_a_drawing_keeps_no_value() -> None:
    import gc
    import weakref

    class Watched(Value):
        __slots__ = ("__weakref__",)

    x = Watched(3.0, "x")
    drawing = draw(x * 2.0)
    seen = weakref.ref(x)
    del x
    gc.collect()
    assert seen() is None
    assert drawing.record is not None
    assert drawing.record.numbers == [3.0, 2.0, 6.0]
