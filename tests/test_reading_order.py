"""What lies where: in the order in which it is read, and nothing on text."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

import nn
from autodiff import Value, draw, weighted_sum
from autodiff.drawing.draw import Drawing
from autodiff.drawing.layouts.labels import collisions
from autodiff.drawing.layouts.layout import Layout, laid_out
from autodiff.drawing.layouts.places import Place, Spot
from autodiff.drawing.picture import Arrow, Box, Frame, Picture
from autodiff.value import constant
from tests.test_draw import after_backward, lab_batch, lab_loss, needs_webassembly
from tests.test_network import are_apart

pytest.importorskip("graphviz", reason="drawing needs the package graphviz")
pytestmark = needs_webassembly

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "legend": {"legend": True},
    "edges": {"edges": True},
    "expand": {"expand": ["hidden[2]"]},
}


def laid(drawing: Drawing) -> Layout:
    return laid_out(drawing.picture, drawing.rankdir)


def down_the_picture(drawing: Drawing, names: list[str]) -> list[str]:
    """Return boxes' names from the top to the bottom, or from left to right."""
    places = laid(drawing).places
    ids = {box.name: box.id for box in drawing.picture.boxes if box.kind != "reference"}
    axis = "y" if drawing.rankdir in ("LR", "RL") else "x"
    return sorted(names, key=lambda name: getattr(places[ids[name]], axis))


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("make", [lab_loss, lab_batch])
def test_the_neurons_of_a_layer_keep_their_order_with_every_option(
    make: Callable[[], Value], option: str
) -> None:
    drawing = draw(make(), "LR", fold="neuron", **OPTIONS[option])
    neurons = [f"hidden[{place}]" for place in range(4) if option != "expand" or place != 2]
    assert down_the_picture(drawing, neurons) == neurons


@pytest.mark.parametrize("rankdir", ["LR", "TB", "RL", "BT"])
def test_inputs_and_parameters_keep_theirs(rankdir: str) -> None:
    x = [constant(float(place), f"x{place}") for place in range(4)]
    output = after_backward(nn.Neuron(4, activation="tanh", rng=1)(x))
    by_neuron = draw(output, rankdir, fold="neuron")
    assert down_the_picture(by_neuron, ["x0", "x1", "x2", "x3"]) == ["x0", "x1", "x2", "x3"]
    weights = ["bias", *[f"weight[{place}]" for place in range(4)]]
    assert down_the_picture(draw(output, rankdir), weights) == weights


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_boxes_that_change_places_do_not_come_to_lie_on_each_other(rankdir: str) -> None:
    x = [Value(10.0**place, "x" * 3 ** (3 - place)) for place in range(4)]
    root = weighted_sum(0.0, x[:2], x[2:])
    drawing = draw(after_backward(root), rankdir, style="boxes")
    layout = laid(drawing)
    found = [layout.places[box.id] for box in drawing.picture.boxes]
    assert all(are_apart(one, other) for one, other in itertools.combinations(found, 2))


def test_the_two_arrows_of_a_square_do_not_cross() -> None:
    x = Value(3.0, "x")
    for rankdir, axis in (("LR", 1), ("TB", 0)):
        drawing = draw(x * x + 2, rankdir)
        first, second = (laid(drawing).places[f"v1-v3-{place}"].lines[0] for place in (0, 1))
        middles = zip(first, second, strict=True)
        assert all(one[axis] <= other[axis] for one, other in middles)


def test_a_picture_that_stood_upside_down_is_turned() -> None:
    scores = [Value(float(place), f"s{place}") for place in range(3)]
    powers = [score.exp() for score in scores]
    drawing = draw((powers[0] + powers[1] + powers[2]).log(), "LR")
    assert down_the_picture(drawing, ["s0", "s1", "s2"]) == ["s0", "s1", "s2"]


# ---- what lies on what ---------------------------------------------------------------------------


def test_collisions_are_told_by_where_things_are_drawn() -> None:
    boxes = [Box(id, "operation", id, (id,)) for id in ("a", "b", "c")]
    arrows = [Arrow("a-c", "a", "c", ("one",)), Arrow("a-b", "a", "b", ("two",))]
    frame = Frame("f", "title")
    straight = ((0.0, 50.0), (100.0, 50.0), (200.0, 50.0), (300.0, 50.0))
    above = ((0.0, 40.0), (30.0, 40.0), (60.0, 40.0), (90.0, 40.0))
    places = {
        "a": Place(x=-50.0, y=30.0, width=50.0, height=40.0),
        "b": Place(x=100.0, y=30.0, width=50.0, height=40.0),  # on the way from a to c
        "c": Place(x=300.0, y=30.0, width=50.0, height=40.0),
        "f": Place((Spot(160.0, 52.0, "l"),), 90.0, 0.0, 300.0, 100.0),
        "a-c": Place((Spot(250.0, 30.0, "l"),), lines=(straight,)),
        "a-b": Place((Spot(220.0, 70.0, "l"),), lines=(above,)),
    }
    found = collisions(Picture(boxes, arrows, [frame]), places)
    assert found.boxes == (("a-c", "b"),)
    assert found.texts == (("a-c", "f"),)
    assert found.strays == (("a-b", "a-c"),)  # its label is beside the other arrow


@pytest.mark.parametrize("edges", [False, True])
def test_no_arrow_crosses_the_title_of_a_frame(edges: bool) -> None:
    drawing = draw(lab_loss(), edges=edges)
    titles = {frame.id for frame in drawing.picture.frames}
    texts = collisions(drawing.picture, laid(drawing).places).texts
    assert titles.isdisjoint(id for _, id in texts)


def test_each_number_stands_by_its_own_arrow() -> None:
    w, x, b = Value(0.5, "w"), Value(-3.0, "x"), Value(1.0, "b")
    drawing = draw(after_backward(((w * x + b).tanh() - 1.0) ** 2), edges=True)
    found = collisions(drawing.picture, laid(drawing).places)
    assert (found.boxes, found.texts, found.strays) == ((), (), ())


def test_of_the_row_of_a_step_that_is_new_alone_is_lit() -> None:
    root = lab_loss()
    drawing = draw(root, fold="neuron", step=6)
    (box,) = [box for box in drawing.picture.boxes if box.mark == "changed"]
    svg = drawing.svg()
    assert svg.count('class="row"') == (1 if box.table else 0)
    lit = [line for line in svg.splitlines() if '<text class="new"' in line]
    assert [line.partition(">")[2].partition("<")[0] for line in lit] == list(box.table[box.lit])
