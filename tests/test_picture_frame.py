"""Nothing of a picture is cut off, nothing lies on another thing: measured where it is drawn."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

import nn
from autodiff import Drawing, Value, compile, draw
from autodiff.drawing.layouts.labels import collisions, drawn_line
from autodiff.drawing.layouts.layout import Layout, laid_out
from tests.test_draw import needs_webassembly


def newton(steps: int = 5) -> Value:
    x, a = Value(3.0, "x0"), Value(2.0, "a")
    for _ in range(steps):
        x = x - (x * x - a) / (2 * x)
    x.label = "root"
    x.backward()
    return x


def softmax() -> Value:
    scores = [Value(number, f"z{place}") for place, number in enumerate((-1.0, 0.5, 2.0, -0.1))]
    powers = [(score - 2.0).exp() for score in scores]
    loss = -(powers[1] / sum(powers)).log()
    loss.backward()
    return loss


def likelihood() -> Value:
    mean, scale, total = Value(0.3, "mean"), Value(1.2, "scale"), Value(0.0, "start")
    for point in (0.2, -0.4, 1.1, 0.7, -0.9):
        total = total + -0.5 * ((point - mean) / scale) ** 2 - scale.log() - 0.9189
    total.label = "log_likelihood"
    total.backward()
    return total


def chain() -> Value:
    x = Value(2.0, "x")
    for _ in range(300):
        x = x * 1.001 + 0.001
    x.backward()
    return x


def recurrent() -> Value:
    numbers = random.Random(3)
    w = [[Value(numbers.uniform(-1, 1), f"w{row}{column}") for column in (0, 1)] for row in (0, 1)]
    h, loss = [Value(0.0, "h0"), Value(0.0, "h1")], Value(0.0, "start")
    for step in range(6):
        h = [(w[row][0] * h[0] + w[row][1] * h[1] + 0.3 * step).tanh() for row in (0, 1)]
        loss = loss + (h[0] - math.sin(0.3 * step)) ** 2
    loss.backward()
    return loss


def network(rows: int = 1) -> Value:
    model = nn.MLP(3, [4, 4, 1], activation="tanh", rng=5)
    outputs = [model([0.1 * row, -0.2, 0.3]) for row in range(rows)]
    loss = nn.mse_loss(outputs, [1.0] * rows)
    loss.backward()
    return loss


def trained() -> Any:
    w, x = Value(2.0, "w"), Value(3.0, "x")
    return compile((w * x - 1) ** 2, [x], updates=lambda gradients: {w: w - 0.1 * gradients[w]})


PICTURES: dict[str, Callable[[], Drawing]] = {
    "newton": lambda: draw(newton()),
    "newton, blackboard": lambda: draw(newton(), style="blackboard"),
    "newton, derivatives": lambda: draw(newton(), style="blackboard", edges=True),
    "newton, down": lambda: draw(newton(), "TB"),
    "newton, up": lambda: draw(newton(), "BT"),
    "newton, leftwards": lambda: draw(newton(), "RL"),
    "newton, fitted": lambda: draw(newton(), fit=(1280, 720)),
    "softmax": lambda: draw(softmax(), edges=True, legend=True),
    "softmax, blackboard": lambda: draw(softmax(), edges=True, style="blackboard"),
    "likelihood": lambda: draw(likelihood(), fit=(1280, 720)),
    "chain": lambda: draw(chain(), fit=(1280, 720)),
    "network by neuron": lambda: draw(network(), fold="neuron", edges=True, legend=True),
    "batch by layer": lambda: draw(network(4), fold="layer", edges=True, legend=True),
    "program": lambda: draw(trained()),
}


@needs_webassembly
@pytest.mark.parametrize("name", PICTURES)
def test_nothing_is_cut_off_and_no_arrow_crosses_text(name: str) -> None:
    drawing = PICTURES[name]()
    layout = laid_out(drawing.picture, drawing.rankdir)
    for each in (*drawing.picture.boxes, *drawing.picture.frames):
        place = layout.places[each.id]
        assert place.x >= 0.0 <= place.y, each
        assert place.x + place.width <= layout.width, each
        assert place.y + place.height <= layout.height, each
    for arrow in drawing.picture.arrows:
        for x, y in drawn_line(layout.places[arrow.id]):
            assert 0.0 <= x <= layout.width, arrow
            assert 0.0 <= y <= layout.height, arrow
    found = collisions(drawing.picture, layout.places)
    # Two lines on each arrow of a blackboard have little room: not all are clear of others.
    most = {"newton, derivatives": 1}.get(name, 0)
    assert max(len(found.texts), len(found.strays)) <= most


@needs_webassembly
@pytest.mark.parametrize("style", ["boxes", "blackboard"])
def test_inputs_stand_in_their_order(style: Any) -> None:
    drawing = draw(softmax(), "LR", style=style)
    tops = [place.y for place in places_of(drawing, "z0", "z1", "z2", "z3")]
    assert tops == sorted(tops)


def places_of(drawing: Drawing, *names: str) -> list[Any]:
    layout: Layout = laid_out(drawing.picture, drawing.rankdir)
    ids = {box.name: box.id for box in drawing.picture.boxes if box.kind != "reference"}
    return [layout.places[ids[name]] for name in names]


def test_a_number_stands_in_the_line_where_it_is_used() -> None:
    picture = draw(newton()).picture
    lines = {box.id: box.line for box in picture.boxes}
    assert max(lines.values()) > 0
    assert all(lines[arrow.tail] == lines[arrow.head] for arrow in picture.arrows)
    numbers = {box.id for box in picture.boxes if box.kind == "constant"}
    assert numbers <= {arrow.tail for arrow in picture.arrows}
    assert not [box for box in picture.boxes if box.kind == "reference" and box.name == "2"]


@pytest.mark.parametrize(
    ("graph", "opened"), [(likelihood, "step × 5"), (chain, "step × 300"), (newton, "step × 5")]
)
def test_one_copy_is_shown_before_it_is_hidden(graph: Callable[[], Value], opened: str) -> None:
    root = graph()
    drawn = draw(root, style="boxes", fit=(1280, 720)).picture
    assert len(drawn.boxes) > 3
    assert {frame.title for frame in drawn.frames} == {opened}
    named = draw(root, fold="repeat", expand=[opened]).picture  # as the box is called
    assert {box.name for box in named.boxes} >= {
        box.name for box in drawn.boxes if box.kind == "operation"
    }


def test_what_an_update_does_comes_after_the_gradient_that_it_needs() -> None:
    picture = draw(trained()).picture
    boxes = {box.name: box for box in picture.boxes if box.kind != "reference"}
    links = {(arrow.tail, arrow.head) for arrow in picture.arrows}
    again = {box.name: box.id for box in picture.boxes if box.kind == "reference"}
    gradient = {boxes["d_w"].id, again.get("d_w")}
    assert any((id, boxes["mean_w"].id) in links for id in gradient)
    lines = [boxes[name].line for name in ("v4", "d_w", "mean_w", "new_w")]
    assert lines == sorted(lines)


@needs_webassembly
def test_the_legend_is_outside_of_the_picture() -> None:
    drawing = draw(softmax(), edges=True, legend=True)
    layout = laid_out(drawing.picture, drawing.rankdir)
    legend = layout.places["legend"]
    for box in drawing.picture.boxes:
        if box.frame != "legend":
            place = layout.places[box.id]
            is_beside = place.x + place.width <= legend.x
            assert is_beside or place.y + place.height <= legend.y, box.name


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_box_that_is_nan_or_infinite_stands_out(number: float) -> None:
    x = Value(number, "x")
    y = Value(2.0, "y")
    broken, sound = [box.is_broken for box in draw(x * 1.0 + y * 0.5).picture.boxes[:2]], draw(y)
    assert any(broken)
    assert not sound.picture.boxes[0].is_broken
