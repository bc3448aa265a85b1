"""Heat maps: numbers of layers, rows and epochs as cells, and what is said if there are none."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

import nn
from autodiff import Trace, Value, draw, record_epochs
from autodiff.drawing.draw import Drawing
from autodiff.drawing.fit import READABLE
from autodiff.drawing.palette import DARK, LIGHT
from autodiff.drawing.picture import Box
from autodiff.drawing.shown import name_shown, short_number
from autodiff.value import constant
from tests.conftest import Golden
from tests.test_draw import HOSTILE, SVG, groups, state, tags, texts
from tests.test_network import are_apart, body_of
from tests.test_palette import contrast

FRAME = 1280, 720
X, Y = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0]


def model_of(*sizes: int) -> nn.MLP:
    return nn.MLP(sizes[0], list(sizes[1:]), activation="tanh", rng=1)


def batch_of(model: nn.Module) -> Value:
    """Return the loss of the four rows of XOR, after a backward pass."""
    loss = nn.mse_loss([model(row) for row in X], Y)
    loss.label = "loss"
    loss.backward()
    return loss


def trained(epochs: int) -> tuple[Trace, list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the trace of a training, and the weights and gradients of each epoch."""
    model = model_of(2, 2, 1)
    optimizer = nn.SGD(model.parameters(), lr=0.5)
    weights, gradients = [], []
    with record_epochs() as trace:
        for _ in range(epochs):
            weights.append(model.state_dict())
            optimizer.zero_grad()
            batch_of(model)
            numbers = [(parameter, parameter.data) for parameter in model.parameters()]
            for parameter, _ in numbers:
                parameter.data = parameter.grad
            gradients.append(model.state_dict())
            for parameter, number in numbers:
                parameter.data = number
            optimizer.step()
    return trace, weights, gradients


def matrices(drawing: Drawing) -> dict[str, Box]:
    """Return the boxes of the matrices by their ids, without the legend."""
    boxes = drawing.picture.boxes
    return {box.id: box for box in boxes if box.kind == "matrix" and box.id != "legend"}


def numbers_in(box: Box) -> list[list[float]]:
    return [[float(text.replace("−", "-")) for text in line[1:]] for line in box.table[1:]]


# ---- what is in it ---------------------------------------------------------------------------


def test_a_layer_has_a_row_for_each_neuron_and_its_bias_at_the_end() -> None:
    model = model_of(2, 3, 1)
    drawing = draw(model, style="heatmap", precision=12)
    hidden, output = matrices(drawing).values()
    assert (hidden.title, output.title) == (("hidden",), ("output",))
    assert hidden.table[0] == ("", "0", "1", "b")
    assert [line[0] for line in hidden.table[1:]] == ["0", "1", "2"]
    for box, layer in ((hidden, model.layers[0]), (output, model.layers[1])):
        expected = [[w.data for w in (*neuron.w, neuron.b)] for neuron in layer.neurons]
        for found, row in zip(numbers_in(box), expected, strict=True):
            assert found == pytest.approx(row, rel=1e-9)


def test_a_graph_its_model_and_its_state_show_the_same() -> None:
    model = model_of(2, 3, 1)
    loss = batch_of(model)
    by_model = draw(model, style="heatmap").svg()
    assert draw(loss, style="heatmap").svg() == by_model
    assert draw(model.state_dict()).svg() == by_model
    assert draw([loss], style="heatmap").svg() == by_model


def test_gradients_are_those_of_the_backward_pass() -> None:
    model = model_of(2, 2, 1)
    loss = batch_of(model)
    hidden, _ = matrices(draw(loss, style="heatmap", of="gradients", precision=12)).values()
    expected = [[w.grad for w in (*neuron.w, neuron.b)] for neuron in model.layers[0].neurons]
    for found, row in zip(numbers_in(hidden), expected, strict=True):
        assert found == pytest.approx(row, rel=1e-9)
    assert matrices(draw(model, style="heatmap", of="gradients"))


def test_activations_have_a_row_for_each_row_of_the_data() -> None:
    model = model_of(2, 3, 1)
    drawing = draw(batch_of(model), style="heatmap", of="activations", precision=12)
    inputs, hidden, output = matrices(drawing).values()
    assert [line[0] for line in hidden.table[1:]] == ["row 1", "row 2", "row 3", "row 4"]
    assert numbers_in(inputs) == [list(map(float, row)) for row in X]
    for place, row in enumerate(X):
        outputs = [
            math.tanh(n.b.data + sum(w.data * x for w, x in zip(n.w, row, strict=True)))
            for n in model.layers[0].neurons
        ]
        assert numbers_in(hidden)[place] == pytest.approx(outputs, rel=1e-9)
    assert [line[0] for line in numbers_in(output)] == pytest.approx([model(x).data for x in X])


def test_variables_of_ones_own_are_arrays_by_their_names() -> None:
    w = [
        [Value(row + column / 10, f"w[{row}][{column}]") for column in range(3)] for row in range(2)
    ]
    scale, cube = Value(7.0, "scale"), Value(5.0, "cube[1][0][2]")
    total = sum((each for row in w for each in row), scale * cube)
    found = {
        box.title[0]: numbers_in(box) for box in matrices(draw(total, style="heatmap")).values()
    }
    assert found == {
        "scale": [[7.0]],
        "cube[1]": [[5.0]],
        "w": [[0.0, 0.1, 0.2], [1.0, 1.1, 1.2]],
    }


def test_a_bias_of_another_shape_has_a_matrix_of_its_own() -> None:
    found = {
        box.title[0]: box.table for box in matrices(draw(nn.LayerNorm(2), style="heatmap")).values()
    }
    assert found == {
        "weight": (("", "0", "1"), ("", "1", "1")),
        "bias": (("", "0", "1"), ("", "0", "0")),
    }
    (neuron,) = matrices(draw(nn.Neuron(2, rng=1), style="heatmap")).values()
    assert neuron.table[0] == ("", "0", "1", "b")


# ---- colours ---------------------------------------------------------------------------------


def cells_of(drawing: Drawing, id: str) -> list[dict[str, str]]:
    """Return the attributes of a matrix's cells in its SVG."""
    (group,) = re.findall(rf'<g id="{id}".*?</g>', drawing.svg(), re.DOTALL)
    return [
        dict(re.findall(r'([\w-]+)="([^"]*)"', cell))
        for cell in re.findall("<rect class=.cell.*?/>", group)
    ]


def test_a_cell_s_colour_is_that_of_its_sign_the_stronger_the_larger_the_number() -> None:
    drawing = draw({"weight": [[4.0, -1.0, 0.0, math.nan, -4.0]]})
    first, second, zero, broken, last = cells_of(drawing, "p1-1")
    assert (first["class"], first["fill"]) == ("cell positive", LIGHT.positive.field)
    assert (second["class"], second["fill"]) == ("cell negative", LIGHT.negative.field)
    assert (last["fill-opacity"], second["fill-opacity"], zero["fill"]) == (
        "1.000",
        "0.500",
        "white",
    )
    assert (zero["class"], broken["class"], broken["fill"]) == ("cell zero", "cell broken", "white")
    assert DARK.positive.field in drawing.svg()


def test_text_is_readable_on_the_strongest_colours() -> None:
    for colours, ink in ((LIGHT, "#000000"), (DARK, "#F2F2F2")):
        for tones in (colours.positive, colours.negative):
            assert contrast(ink, tones.field) > 3.9  # large text needs 3


def test_where_numbers_have_no_room_a_sign_is_a_line_across_the_cell() -> None:
    few, many = {"weight": [[1.0, -1.0]]}, {"weight": [[1.0, -1.0, math.nan] * 20] * 20}
    assert "−1" in texts(draw(few).svg())
    assert "<polyline" not in draw(few).svg()
    drawing = draw(many)
    assert "−1" not in texts(drawing.svg())
    (group,) = re.findall(r'<g id="p1-1".*?</g>', drawing.svg(), re.DOTALL)
    signs = [
        (cell, lines.count("polyline"))
        for cell, lines in re.findall(r'class="cell (\w+)"[^/]*/>((?:\s*<polyline[^/]*/>)*)', group)
    ]
    assert signs == [("positive", 0), ("negative", 1), ("broken", 2)] * 400
    assert "−1" in matrices(drawing)["p1-1"].description


def test_the_legend_has_the_colours_from_the_least_to_the_greatest() -> None:
    drawing = draw({"weight": [[2.0, -8.0]]})
    shades = [cell.get("fill-opacity") for cell in cells_of(drawing, "legend")]
    assert shades[:5] == ["1.000", "0.866", "0.707", "0.500", None]
    assert {"weights: −8", "+8"} <= set(texts(drawing.svg()))


# ---- epochs ----------------------------------------------------------------------------------


def test_a_trace_has_a_panel_for_each_of_six_epochs_and_stays_where_it_is() -> None:
    trace, weights, gradients = trained(26)
    trace.goto(3, "backward", epoch=7)
    before = trace.position, trace.epoch, trace.nth
    for of, states in (("weights", weights), ("gradients", gradients)):
        drawing = draw(trace, of=of, precision=12)  # type: ignore[arg-type]
        assert (trace.position, trace.epoch, trace.nth) == before
        panels = [
            box.title[0]
            for box in drawing.picture.boxes
            if box.id in {f"p{n}" for n in range(1, 7)}
        ]
        epochs = [0, 5, 10, 15, 20, 25]
        assert [title.partition(":")[0] for title in panels] == [f"epoch {n}" for n in epochs]
        assert re.fullmatch(r"epoch 0: loss \d\.\d+", panels[0])
        for panel, epoch in enumerate(epochs, 1):
            hidden = numbers_in(matrices(drawing)[f"p{panel}-1"])
            state = states[epoch]
            expected = [
                [*w, b] for w, b in zip(state["hidden.weight"], state["hidden.bias"], strict=True)
            ]
            for found, row in zip(hidden, expected, strict=True):
                assert found == pytest.approx(row, rel=1e-9)


def test_activations_over_epochs_are_those_of_each_forward_pass() -> None:
    trace, weights, _ = trained(3)
    drawing = draw(trace, of="activations", precision=12)
    model = model_of(2, 2, 1)
    for panel, each in enumerate(weights, 1):
        model.load_state_dict(each)
        inputs, hidden, output = (matrices(drawing)[f"p{panel}-{n}"] for n in (1, 2, 3))
        assert numbers_in(inputs) == [list(map(float, row)) for row in X]
        assert len(numbers_in(hidden)) == 4
        assert [line[0] for line in numbers_in(output)] == pytest.approx([model(x).data for x in X])


def test_an_epoch_of_several_passes_has_a_row_for_each() -> None:
    model = model_of(2, 2, 1)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    with record_epochs() as trace:
        nn.fit(model, X, Y, optimizer=optimizer, epochs=2)
    drawing = draw(trace, of="activations")
    assert len(numbers_in(matrices(drawing)["p1-1"])) == 4


def test_states_are_panels_by_their_places_or_their_epochs() -> None:
    model = model_of(2, 2, 1)
    first = model.state_dict()
    model.hidden.neurons[0].w[0].data = 5.0  # type: ignore[attr-defined]
    second = model.state_dict()
    assert {"state 0", "state 1"} <= set(texts(draw([first, second]).svg()))
    drawing = draw({0: first, 12_000: second, "best": second})
    assert {"epoch 0", "epoch 12,000", "best"} <= set(texts(drawing.svg()))
    assert numbers_in(matrices(drawing)["p2-1"])[0][0] == 5.0


# ---- where it lies ---------------------------------------------------------------------------

DRAWN: dict[str, Callable[[], Drawing]] = {
    "layer": lambda: draw(model_of(2, 4, 1), style="heatmap"),
    "activations": lambda: draw(batch_of(model_of(2, 4, 1)), style="heatmap", of="activations"),
    "large": lambda: draw(model_of(3, 16, 16, 2), style="heatmap"),
    "larger": lambda: draw(model_of(16, 64, 64, 10), style="heatmap"),
    "epochs": lambda: draw(trained(26)[0]),
    "states": lambda: draw([model_of(2, 4, 1).state_dict()] * 5),
}
every_drawing = pytest.mark.parametrize("name", DRAWN)


@cache
def drawn(name: str) -> Drawing:
    return DRAWN[name]()


@every_drawing
def test_nothing_lies_on_anything_else_and_all_of_it_is_in_the_picture(name: str) -> None:
    drawing = drawn(name)
    layout = drawing.layout
    assert layout is not None
    places = [layout.places[box.id] for box in drawing.picture.boxes]
    for one, other in itertools.combinations(places, 2):
        assert are_apart(one, other)
    for place in places:
        assert place.x >= 0.0
        assert place.y >= 0.0
        assert place.x + place.width <= layout.width
        assert place.y + place.height <= layout.height
        for left, top, width, height in place.cells:
            assert place.x <= left
            assert left + width <= place.x + place.width + 0.01
            assert place.y <= top
            assert top + height <= place.y + place.height + 0.01


@every_drawing
def test_text_can_be_read_on_a_slide(name: str) -> None:
    layout = drawn(name).layout
    assert layout is not None
    assert 20.0 * min(FRAME[0] / layout.width, FRAME[1] / layout.height) >= READABLE


def test_of_a_map_whose_text_is_too_small_the_picture_says_so() -> None:
    drawing = draw(model_of(40, 200, 3), style="heatmap")
    assert re.match(r"Text is about 1\d pixels high at 1280×720: draw one layer", drawing.note)
    assert " ".join(drawing.picture.caption) == drawing.note


@pytest.mark.parametrize("name", ["layer", "activations"])
def test_the_svg_is_the_golden_one(name: str, golden: Golden) -> None:
    golden.check(f"heatmap_{name}.svg", body_of(drawn(name).svg()))


@every_drawing
def test_an_svg_describes_every_matrix(name: str) -> None:
    drawing = drawn(name)
    found = groups(drawing.svg())
    for id, box in matrices(drawing).items():
        assert found[id].findtext(f"{SVG}desc") == box.description
        for line in box.table[1:]:
            assert " ".join(filter(None, line)) in box.description


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_name_is_shown_as_text(label: str) -> None:
    for drawing, name in (
        (draw({label: [1.0]}), name_shown(label)),
        (draw({label: {"w": 1.0}}), name_shown(label, 80)),
        (draw(Value(1.0, label) * 2.0, style="heatmap"), name_shown(label)),
        (draw(nn.Neuron(1)([constant(1.0, label)]), style="heatmap", of="activations"), ""),
    ):
        svg = drawing.svg()
        assert not name or " ".join(name.split()) in texts(svg)
        assert tags(svg) <= {"svg", "style", "g", "title", "desc", "polyline", "rect", "text"}


def test_drawing_changes_nothing() -> None:
    loss = batch_of(model_of(2, 2, 1))
    before = state(loss)
    for of in ("weights", "gradients", "activations"):
        draw(loss, style="heatmap", of=of).svg()  # type: ignore[arg-type]
    assert state(loss) == before


def test_numbers_that_have_changed_since_are_told_where_they_matter() -> None:
    model = model_of(2, 2, 1)
    loss = batch_of(model)
    model.hidden.neurons[0].w[0].data += 1.0  # type: ignore[attr-defined]
    assert draw(loss, style="heatmap").picture.caption == ()
    caption = draw(loss, style="heatmap", of="activations").picture.caption
    assert "run the forward pass again" in " ".join(caption)


# ---- what cannot be drawn so -----------------------------------------------------------------

x = Value(2.0)
deep: list[Any] = [1.0]
for _ in range(2000):
    deep = [deep]
FAULTS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (
        lambda: draw(x * x, style="heatmap"),
        ValueError,
        "finds no parameters: no variable has a name",
    ),
    (lambda: draw({}), ValueError, "finds no parameters"),
    (lambda: draw(x * x, style="heatmap", of="activations"), ValueError, "finds no neurons of nn"),
    (lambda: draw(nn.Neuron(2), style="heatmap", of="gradients"), ValueError, r"call backward\(\)"),
    (
        lambda: draw(nn.Neuron(2), style="heatmap", of="activations"),
        ValueError,
        "not known of a model",
    ),
    (lambda: draw({"w": [1.0]}, of="gradients"), ValueError, r"not known of a state_dict\(\)"),
    (lambda: draw({"w": "one"}), TypeError, "w needs a real number, but got the str 'one'"),
    (
        lambda: draw([{"w": [1.0]}, 3]),
        TypeError,
        r"state 1 must be a state_dict\(\), but is the int 3",
    ),
    (lambda: draw({"w": deep}), ValueError, "w has lists that are more than 8 deep"),
    (lambda: draw({"w": [[0.0] * 200] * 101}), ValueError, "20,200 numbers, more than 20,000"),
    (lambda: draw({"w": [1.0]}, step=1), ValueError, 'style="heatmap" has a layout of its own'),
]


@pytest.mark.parametrize(("make", "error", "message"), FAULTS)
def test_what_cannot_be_drawn_is_told(
    make: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_short_number_has_as_many_digits_as_have_room() -> None:
    numbers = [0.123456, -0.00123456, 123456.0, -1.23456e-10, math.inf, math.nan, 0.0]
    shown = ["0.123", "−0.001", "1e+05", "−1e−10", "inf", "nan", "0"]
    assert [short_number(number, 3) for number in numbers] == shown
