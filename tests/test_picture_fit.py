"""Pictures that fit a frame: text as large as can be, the blackboard, and what is said if not."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest

import nn
from autodiff import Value, clip, compile, draw
from autodiff.drawing.draw import Drawing
from autodiff.drawing.fit import starts_of
from autodiff.drawing.layouts.layout import laid_out
from autodiff.drawing.lines import in_lines
from autodiff.drawing.picture import Arrow, Box, Picture
from autodiff.value import constant
from tests.conftest import Golden
from tests.test_draw import ROOM, after_backward, lab_loss, needs_webassembly, recurrence, texts

pytest.importorskip("graphviz", reason="drawing needs the package graphviz")


def chain(length: int) -> Value:
    y: Value = Value(0.5, "x")
    for _ in range(length):
        y = y.sin()
    return after_backward(y)


def neuron() -> Value:
    """Return tanh(w*x + b) with a bias of 1, which is a number."""
    w, x = Value(-3.0, "w"), Value(2.0, "x")
    out = (w * x + 1.0).tanh()
    out.label = "out"
    return after_backward(out)


def text_height(drawing: Drawing, frame: tuple[int, int]) -> float:
    """Return how high text of 20 points is in a frame, as the picture is really laid out."""
    layout = laid_out(drawing.picture, drawing.rankdir)
    return 20.0 * min(frame[0] / layout.width, frame[1] / layout.height)


# ---- arrangements --------------------------------------------------------------------------------


@needs_webassembly
@pytest.mark.parametrize("frame", [(1280, 720), (720, 1280), (400, 400)])
def test_a_long_chain_is_arranged_so_that_its_text_is_several_times_as_large(
    frame: tuple[int, int],
) -> None:
    root = chain(40)
    in_one_line = draw(root, "LR", fit=ROOM, style="boxes")
    fitted = draw(root, fit=frame, style="boxes", precision=4)
    assert text_height(fitted, frame) > 2.5 * text_height(in_one_line, frame)


def test_a_direction_that_is_given_is_kept() -> None:
    for rankdir in ("LR", "TB", "RL", "BT"):
        assert draw(chain(40), rankdir).rankdir == rankdir
        assert draw(chain(40), rankdir, fit=(900, 900)).rankdir == rankdir


def test_many_operands_of_one_operation_are_drawn_below_each_other_in_a_high_frame() -> None:
    # A chain of three is as wide as three boxes, or as high.
    assert draw(chain(3), fit=(400, 1200)).rankdir == "TB"
    assert draw(chain(3), fit=(1200, 400)).rankdir == "LR"


def test_a_picture_that_the_last_row_reads_is_in_one_line() -> None:
    picture = draw(neuron()).picture
    assert {box.line for box in picture.boxes} == {0}
    assert draw(neuron()).note == ""


def test_a_chain_of_601_nodes_is_drawn() -> None:
    (box,) = draw(chain(600), fold="repeat", max_nodes=601).picture.boxes
    assert box.title == ("step × 600", "sin(…)")
    drawing = draw(chain(600), max_nodes=601, fold="none")
    assert max(box.line for box in drawing.picture.boxes) > 8
    assert "1280×720" in drawing.note


# ---- what is chosen, and said --------------------------------------------------------------------


def test_what_cannot_be_read_says_so_and_what_would_help() -> None:
    model = nn.MLP(3, [16, 16, 2], rng=1)
    outputs = model([constant(0.5, "x1"), constant(0.1, "x2"), constant(-0.2, "x3")])
    loss = after_backward(nn.mse_loss(outputs, [1.0, 0.0]))
    drawing = draw(loss, fold="neuron", style="boxes")
    said = r"Text is about \d pixels high at 1280×720: .*fold=\"layer\".* makes it \d\d"
    assert re.fullmatch(rf'{said}, style="network" \d\d', drawing.note)
    assert " ".join(drawing.picture.caption) == drawing.note
    assert drawing.note in repr(drawing)
    assert " → ".join(map(str, (3, 16, 16, 2))) == draw(loss, fold="neuron").picture.description
    fitted = draw(loss, fit=(1280, 720), max_nodes=2000)
    assert (len(fitted.picture.boxes) < 30, fitted.note) == (True, "")


def test_where_nothing_helps_a_part_of_it_is_to_be_drawn() -> None:
    assert draw(neuron(), fit=(60, 60)).note.endswith(": draw a node inside it")
    w, x = Value(2.0, "w"), Value(3.0, "x")
    program = compile(w * x, [x])
    assert draw(program, fit=(60, 60)).note.endswith(': fold="pack" draws its loops')
    assert draw(program, fold="pack", fit=(60, 60)).note.endswith(": draw its output")


def test_what_is_not_given_is_chosen_and_what_is_given_is_kept() -> None:
    root = after_backward(recurrence(12))
    chosen = draw(root).picture
    assert {frame.title for frame in chosen.frames} == {"step × 12"}  # one copy stands for all
    whole = draw(root, fold="none", style="boxes", precision=4).picture
    nodes = [box for box in whole.boxes if box.kind != "reference"]
    assert len(nodes) == 50  # w, the state, and an input and three operations a step
    assert not any(box.wired for box in nodes)


def test_each_step_of_a_pass_is_drawn_in_the_same_look() -> None:
    root = after_backward(recurrence(4))
    first, *others = [draw(root, step=step) for step in (0, 3, 9)]
    for drawing in others:
        assert drawing.rankdir == first.rankdir
        assert [(box.id, box.line, box.wired) for box in drawing.picture.boxes] == [
            (box.id, box.line, box.wired) for box in first.picture.boxes
        ]


def test_lines_are_about_equally_long() -> None:
    assert starts_of([4.0, 1.0, 1.0, 1.0, 1.0], 2) == (1,)
    assert starts_of([1.0] * 9, 3) == (3, 6)
    assert starts_of([1.0, 9.0], 5) == (1,)  # no line is narrower than a box
    assert starts_of([], 2) == ()


def test_a_fold_that_is_not_needed_is_not_chosen() -> None:
    loss = lab_loss()
    assert draw(loss, fit=(1280, 720)).picture.description.endswith("boxes")
    assert draw(loss, fit=(3000, 2000)).picture.description == "32 nodes"


def test_a_fold_that_the_graph_does_not_have_is_refused_with_a_frame_too() -> None:
    with pytest.raises(ValueError, match='fold="layer" finds no modules'):
        draw(neuron(), fold="layer", fit=(1280, 720))


def test_digits_that_are_given_are_kept() -> None:
    x = Value(1 / 3, "x")
    for digits in (4, 9):
        (box, _) = draw(x.exp(), precision=digits, fit=(200, 100), style="boxes").picture.boxes
        assert box.numbers[0] == f"value {1 / 3:.{digits}g}"
    fitted = draw(x.exp().exp().exp(), fit=(120, 20), style="blackboard").picture.boxes
    assert fitted[0].numbers[0] in ("0.333", "0.33")


def test_a_program_has_no_style() -> None:
    x = Value(3.0, "x")
    with pytest.raises(ValueError, match=r"a program is drawn as it is or .* without style"):
        draw(compile(x * x, [x]), style="blackboard")


def test_a_program_has_a_legend_too() -> None:
    x = Value(3.0, "x")
    boxes = draw(compile(x * x, [x]), legend=True).picture.boxes
    explained = {box.id for box in boxes if box.frame == "legend"} - {"legend-notes"}
    assert explained == {f"legend-{box.kind}" for box in boxes if box.frame != "legend"}


# ---- the blackboard ------------------------------------------------------------------------------


def test_on_a_blackboard_an_operation_has_its_symbol_value_and_gradient_and_no_other_name() -> None:
    boxes = draw(neuron(), style="blackboard").picture.boxes
    root, slope = math.tanh(-5.0), 1 - math.tanh(-5.0) ** 2
    shown = [(box.kind, box.title, box.numbers) for box in boxes]
    assert shown == [
        ("variable", ("w",), ("−3", f"+{2 * slope:.4g}".replace("-", "−"))),
        ("variable", ("x",), ("2", f"{-3 * slope:.4g}".replace("-", "−"))),
        ("operation", ("×",), ("−6", f"+{slope:.4g}".replace("-", "−"))),
        ("operation", ("+ 1",), ("−5", f"+{slope:.4g}".replace("-", "−"))),
        ("result", ("tanh",), (f"out = {root:.4g}".replace("-", "−"), "+1")),
    ]
    assert boxes[2].description.startswith("operation: ×; value −6; grad +")


def test_a_number_stands_on_its_side_of_the_operation_that_uses_it() -> None:
    x = Value(4.0, "x")
    for made, symbol in (
        *((x - 1.0, "− 1"), (1.0 - x, "1 −"), (x**3, "** 3"), (10.0 / x, "10 /")),
        *((-x, "−"), (x.maximum(2.0), "max 2")),
    ):
        box = draw(made, style="blackboard").picture.boxes[-1]
        assert box.title == (symbol,)


def test_numbers_that_no_symbol_can_hold_and_inputs_are_boxes() -> None:
    x = Value(4.0, "x")
    boxes = draw(clip(x, 0.0, 1.0) * constant(2.0, "input"), style="blackboard").picture.boxes
    assert [(box.kind, box.title[0]) for box in boxes] == [
        *(("variable", "x"), ("constant", "0"), ("constant", "1"), ("input", "input")),
        *(("operation", "clip"), ("result", "×")),
    ]
    assert (boxes[3].numbers, boxes[3].wired) == (("2", ""), True)
    two = constant(2.0)
    both = draw(two * two, style="blackboard").picture
    assert [(box.kind, box.title[0]) for box in both.boxes] == [("constant", "2"), ("result", "×")]


def test_a_variable_without_a_name_has_none() -> None:
    source = draw(Value(2.0).exp(), style="blackboard").source
    assert draw(Value(2.0).exp(), style="blackboard").picture.boxes[0].title == ("",)
    assert not re.search(r'label="[^"]*v\d', source)


@needs_webassembly
@pytest.mark.parametrize("rankdir", ["LR", "TB", "RL", "BT"])
def test_value_and_gradient_stand_on_both_sides_of_the_wire(rankdir: str) -> None:
    drawing = draw(neuron(), rankdir, style="blackboard")
    svg = drawing.svg()
    for box in drawing.picture.boxes:
        (group,) = re.findall(rf'<g id="{box.id}" class="node.*?</g>', svg, re.DOTALL)
        (wire,) = re.findall(r'<polyline class="wire".*points="([^"]*)"', group)
        ends = [tuple(map(float, pair.split(","))) for pair in wire.split()]
        _, value, gradient = re.findall(r'<text[^>]* x="([\d.]+)" y="([\d.]+)"', group)
        if rankdir in ("LR", "RL"):
            assert float(value[1]) < ends[0][1] == ends[1][1] < float(gradient[1])
        else:
            assert float(value[0]) < ends[0][0] == ends[1][0] < float(gradient[0])


@needs_webassembly
def test_each_text_of_a_blackboard_is_drawn_once() -> None:
    drawing = draw(after_backward(recurrence(3)), style="blackboard", fit=ROOM)
    expected = [" ".join(line.split()) for box in drawing.picture.boxes for line in box.lines]
    assert sorted(texts(drawing.svg())) == sorted(expected)


def test_a_value_that_goes_on_in_another_line_is_called_by_a_number_in_a_circle() -> None:
    picture = in_lines(draw(chain(9), style="blackboard", fit=ROOM).picture, (5,))
    (marked,) = [box for box in picture.boxes if box.named.startswith("①")]
    (again,) = [box for box in picture.boxes if box.kind == "reference"]
    assert marked.numbers[0].startswith("① = 0.")
    assert (again.title, again.line) == (("①",), 1)


def test_after_twenty_the_numbers_have_no_circles() -> None:
    boxes = [
        Box(f"v{place}", "operation", "", ("+",), ("1", "–"), wired=True) for place in range(44)
    ]
    arrows = [Arrow(f"a{place}", f"v{place}", f"v{place + 22}") for place in range(22)]
    picture = in_lines(Picture(boxes, arrows), (1,))
    named = [box.named for box in picture.boxes if box.named]
    assert named == [*map(chr, range(ord("①"), ord("①") + 20)), "(21)", "(22)"]


FORMS: dict[str, Callable[[], Drawing]] = {
    "blackboard": lambda: draw(neuron(), style="blackboard"),
    "blackboard_down": lambda: draw(neuron(), "TB", style="blackboard"),
    "blackboard_edges": lambda: draw(neuron(), style="blackboard", edges=True),
    "blackboard_layer": lambda: draw(lab_loss(), style="blackboard", fold="layer"),
    "blackboard_lines": lambda: draw(chain(40), style="blackboard", precision=4),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_text_of_each_form_is_the_golden_one(name: str, golden: Golden) -> None:
    golden.check(f"draw_{name}.dot", FORMS[name]().source)


# ---- the order of operands -----------------------------------------------------------------------


@needs_webassembly
@pytest.mark.parametrize("style", ["boxes", "blackboard"])
@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_operands_enter_an_operation_in_the_order_of_its_formula(style: Any, rankdir: str) -> None:
    x, y = Value(2.0, "x"), Value(3.0, "y")
    # Both orders of two variables, so that arrows have to cross somewhere.
    roots = [x - y, y - x, x / y, y / x, x * x]
    drawing = draw(roots, rankdir, style=style)
    places = laid_out(drawing.picture, drawing.rankdir).places
    axis = 1 if rankdir == "LR" else 0
    heads: dict[str, list[float]] = {}
    for arrow in drawing.picture.arrows:
        heads.setdefault(arrow.head, []).append(places[arrow.id].lines[0][-1][axis])
    assert len(heads) == 5
    for entries in heads.values():
        assert entries == sorted(entries)
        assert len(set(entries)) == 2
