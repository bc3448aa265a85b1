"""What a graph repeats is one box, whoever wrote the loop; and groups that the user names."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example as for_example
from hypothesis import given

import nn
from autodiff import Value, draw, group, topological_order
from autodiff.drawing.draw import painter_of
from autodiff.drawing.folds.fold import folded
from autodiff.drawing.folds.repeats import find_repeats
from autodiff.drawing.moment import all_moments
from autodiff.value import constant
from tests.random_graphs import Recipe, built, wild_recipes
from tests.test_draw import after_backward

pytest.importorskip("graphviz", reason="drawing needs the package graphviz")


def recurrent(steps: int) -> Value:
    """Return the loss of h = tanh(w * h + u * x + b) after so many steps."""
    w, u, b = Value(0.5, "w"), Value(1.0, "u"), Value(0.1, "b")
    h: Value = Value(0.0, "h0")
    for step in range(1, steps + 1):
        h = (w * h + u * constant(0.1 * step, f"x{step}") + b).tanh()
        h.label = f"h{step}"
    return after_backward((h - 1.0) ** 2)


def newton(steps: int) -> Value:
    a, x = Value(2.0, "a"), Value(1.0, "x0")
    for step in range(1, steps + 1):
        x = (x + a / x) / 2.0
        x.label = f"x{step}"
    return after_backward(x)


def operations(root: Value, **how: Any) -> list[tuple[int, list[str]]]:
    """Return of each repetition how many copies it has, and the operations of one."""
    found = find_repeats(topological_order(root), **how)
    return [
        (len(repeat), [node.op.name for node in repeat.copies[0] if node.op is not None])
        for repeat in found
    ]


# ---- what is found -------------------------------------------------------------------------------


def test_the_cells_of_a_recurrence_are_alike_though_each_needs_the_one_before() -> None:
    assert operations(recurrent(6)) == [(6, ["mul", "mul", "add", "add", "tanh"])]
    (cells,) = find_repeats(topological_order(recurrent(6)))
    own = [[node.name for node in copy if node.op is None] for copy in cells.copies]
    assert own == [[f"x{step}"] for step in range(1, 7)]  # and no weight, nor the first state


@pytest.mark.parametrize("input_first", [False, True])
def test_the_order_of_the_operands_makes_no_difference(input_first: bool) -> None:
    w, h = Value(0.5), Value(0.0)
    for step in range(5):
        x = w * Value(float(step))
        h = (x + w * h if input_first else w * h + x).tanh()
    assert operations(h) == [(5, ["mul", "mul", "add", "tanh"])]


def test_the_first_step_is_alike_though_all_is_computed_from_something_before_it() -> None:
    w, h = Value(0.5), Value(3.0).exp().log()
    for _ in range(4):
        h = (w * h).tanh()
    assert operations(h) == [(4, ["mul", "tanh"])]


def test_a_state_beside_the_result_is_handed_on_too() -> None:
    c, h, w = Value(0.0), Value(0.0), Value(0.5)
    for _ in range(4):
        gate = (w * h).sigmoid()
        c = gate * c + (w * h).tanh()
        h = gate * c.tanh()
    ((count, names),) = operations(h)
    assert (count, Counter(names)["tanh"], len(names)) == (4, 2, 8)


def test_terms_that_are_added_one_by_one_are_alike() -> None:
    mean, total = Value(0.5), Value(0.0)
    for point in (0.2, 1.1, -0.3, 0.8):
        total = total + ((point - mean) ** 2).exp()
    assert operations(total) == [(4, ["sub", "square", "exp"])]


def test_neurons_of_two_layers_are_two_repetitions() -> None:
    model = nn.MLP(3, [5, 4, 1], activation="tanh", rng=1)
    found = operations(model([1.0, 2.0, 3.0]))
    assert found == [(5, ["weighted_sum", "tanh"]), (4, ["weighted_sum", "tanh"])]


def test_copies_with_something_else_between_them_are_none() -> None:
    x = Value(0.5)
    for function in (Value.sin, Value.exp, Value.cos, Value.sigmoid, Value.softplus):
        x = function(x.tanh() * x)
    assert operations(x) == []


def test_what_a_rule_of_few_operations_repeats_is_left_as_it_is() -> None:
    x, y = Value(1.0), Value(2.0)
    assert operations(x.exp() + y.exp()) == []


# The step before the first that is alike has what is computed from the graph's beginning, too.
BEFORE_STEPS = [("variable", 0.0), ("sin", (0,)), ("exp", (1,)), ("neg", (2,))]


@given(wild_recipes())
@for_example(BEFORE_STEPS)
def test_every_node_is_in_one_part_and_copies_have_the_same_operations(recipe: Recipe) -> None:
    x = built(recipe)[-1]
    for _ in range(3):
        x = (x * 0.5).sin().exp()
    order = topological_order(x)
    repeats = find_repeats(order)
    nodes = [node for repeat in repeats for node in repeat.nodes]
    assert len(nodes) == len(set(nodes)) > 0
    for repeat in repeats:
        for equals in zip(*repeat.copies, strict=True):
            assert len({node.op for node in equals}) == 1
    for expand in ((), [x]):
        parts = folded(order, "repeat", expand if repeats[0].copies[-1][-1] is x else ()).parts
        assert Counter(node for part in parts for node in part.nodes) == Counter(order)


# ---- what the box says ---------------------------------------------------------------------------


def test_the_box_of_a_recurrence_says_its_formula_and_its_weights() -> None:
    root = recurrent(6)
    (box,) = [box for box in draw(root, fold="repeat").picture.boxes if box.kind == "rows"]
    assert " ".join(box.title) == "h × 6 h = tanh(w * h + u * x + b)"
    states = [node for node in topological_order(root) if node.name.startswith("h") and node.op]
    assert box.numbers[0] == f"value {states[0].data:.4g}, …, {states[-1].data:.4g}"
    assert [row[0] for row in box.table] == ["", "w", "h0", "u", "b", "x"]
    assert box.table[-1] == ("x", "0.1 … 0.6", "")


def test_steps_that_are_few_have_all_their_numbers() -> None:
    (box,) = draw(newton(3), fold="repeat").picture.boxes
    # Newton's iteration for the root of 2, from 1: 3/2, 17/12, 577/408.
    shown = ", ".join(f"{number:.4g}" for number in (3 / 2, 17 / 12, 577 / 408))
    assert box.title == ("x × 3", "x = (x + a / x) / 2")
    assert box.numbers[0] == f"value {shown}"


@pytest.mark.parametrize(
    ("step", "formula"),
    [
        (lambda x, a: (x - (a - x)) * a, "(… - (a - …)) * a"),
        (lambda x, a: x / (a * x) / 2.0, "… / (a * …) / 2"),
        (lambda x, a: (-(x + a)) ** 2 + 1.0, "(-(… + a))**2 + 1"),
        (lambda x, a: (x.exp() ** 3.0) ** a, "(exp(…)**3)**a"),
        (lambda x, a: (a * x).exp() - x * a, "exp(a * …) - … * a"),
    ],
)
def test_the_formula_of_a_step_has_the_parentheses_that_it_needs(
    step: Callable[[Any, Any], Value], formula: str
) -> None:
    x, a = Value(0.5), Value(0.25, "a")
    for _ in range(5):
        x = step(x, a)
    (box,) = [box for box in draw(x, fold="repeat").picture.boxes if box.kind == "rows"]
    assert " ".join(box.title[1:]) == formula


def test_the_rows_of_a_batch_are_one_box_with_the_weights() -> None:
    model = nn.MLP(2, [4, 1], activation="tanh", rng=1)
    loss = nn.mse_loss([model(row) for row in ([0, 0], [0, 1], [1, 0], [1, 1])], [0, 1, 1, 0])
    (box,) = [box for box in draw(loss, fold="repeat").picture.boxes if box.kind == "rows"]
    assert box.title == ("row × 4", "Σ, tanh, -, **2")
    assert [row[0] for row in box.table] == [
        *("", "output.bias[0]", "output.weight: 4", "hidden.bias: 4", "hidden.weight: 4 × 2"),
    ]


# ---- opening -------------------------------------------------------------------------------------


def test_a_repetition_opens_as_one_copy_that_stands_for_all() -> None:
    picture = draw(recurrent(6), fold="repeat", expand=["h"], fit=(4000, 4000)).picture
    assert [frame.title for frame in picture.frames] == ["h × 6"]
    (state,) = [box for box in picture.boxes if box.title[0].startswith("h = tanh(")]
    assert "in 6 steps" in state.numbers
    (back,) = [arrow for arrow in picture.arrows if arrow.tail == state.id and arrow.label]
    assert back.label == ("×5",)  # from each state but the last to the next step


def test_one_copy_opens_by_its_number_or_by_a_value_in_it() -> None:
    root = recurrent(6)
    third = next(node for node in topological_order(root) if node.name == "h3")
    for expand in (["h 3"], [third]):
        picture = draw(root, fold="repeat", expand=expand, fit=(4000, 4000)).picture
        assert [frame.title for frame in picture.frames] == ["h 3"]
        assert [box.name for box in picture.boxes if box.kind == "rows"] == ["h 1 to 2", "h 4 to 6"]


def test_a_value_opens_the_repetition_that_it_is_in() -> None:
    """Of two repetitions, one behind the other, the Value is in the second that is found."""
    w, rows = Value(0.5, "w"), [Value(float(place), f"x[{place}]") for place in range(3)]
    terms = [(w * x).tanh() for x in rows]
    root = sum(terms, Value(0.0, "start")) * newton(3)
    first, second = [repeat.copies[1][-1] for repeat in find_repeats(topological_order(root))]
    for opened, other in ((first, second), (second, first)):
        titles = [
            box.name
            for box in draw(root, fold="repeat", expand=[opened]).picture.boxes
            if box.kind == "rows"
        ]
        assert sum("× 3" in title for title in titles) == 1, (opened, other, titles)


def test_terms_that_a_second_sum_adds_again_are_copies_once() -> None:
    w, rows = Value(0.5, "w"), [Value(float(place)) for place in range(3)]
    a, b, c = [(w * x).tanh() for x in rows]
    assert operations((a + b + c) * (a + b + c)) == [(3, ["mul", "tanh"])]


def test_what_is_before_a_loop_is_no_copy_if_it_uses_two_values_for_one() -> None:
    p, q = Value(0.3, "p"), Value(0.7, "q")
    twice = p.tanh()
    for first, count in ((twice * twice, 6), (p.tanh() * q.tanh(), 5)):
        state = first
        for _ in range(5):
            inner = state.tanh()
            state = inner * inner
        assert operations(state) == [(count, ["tanh", "mul"])]


def test_the_leaf_whose_gradient_is_new_lights_up_in_the_box_of_its_copies() -> None:
    weights = [Value(float(place), f"w{place}") for place in range(1, 4)]
    loss = sum(((w * constant(2.0)) ** 2 for w in weights), Value(0.0))
    painter = painter_of([loss], 4, "repeat", (), False, 100)
    for moment in all_moments(loss):
        (box,) = [box for box in painter.picture_at(moment).boxes if box.kind == "rows"]
        assert box.lit == (moment.changed in weights)


def test_what_is_not_repeated_cannot_be_opened() -> None:
    with pytest.raises(ValueError, match=r"nothing that is repeated has Value\(7, .spare.\) in it"):
        draw(recurrent(6) * (spare := Value(7.0, "spare")), fold="repeat", expand=[spare])
    with pytest.raises(ValueError, match="nothing that is repeated is called 'k'; there are h"):
        draw(recurrent(6), fold="repeat", expand=["k"])
    with pytest.raises(ValueError, match="there are only 6 copies of h"):
        draw(recurrent(6), fold="repeat", expand=["h 7"])
    with pytest.raises(ValueError, match="finds nothing that the graph computes again"):
        draw(Value(1.0).exp(), fold="repeat")


def test_a_long_recurrence_is_fitted_by_its_repetition() -> None:
    picture = draw(recurrent(6), fit=(1280, 720)).picture
    assert {frame.title for frame in picture.frames} == {"h × 6"}  # one cell that stands for all


# ---- groups --------------------------------------------------------------------------------------


def cells(count: int) -> Value:
    w, h = Value(0.5, "w"), Value(1.0, "h0")
    for _ in range(count):
        with group("cell"):
            z = w * h
            with group("squash"):
                h = z.tanh()
    return after_backward(h * 2.0)


def test_the_blocks_of_a_group_are_framed_and_numbered_from_1_in_every_graph() -> None:
    for _ in range(2):
        frames = draw(cells(2), fit=(4000, 4000)).picture.frames
        assert [frame.title for frame in frames] == [
            *("cell", "cell 1", "cell 1.squash", "cell 2", "cell 2.squash")
        ]


def test_the_blocks_of_a_group_fold_into_one_box_or_one_each() -> None:
    boxes = draw(cells(3), fold="layer").picture.boxes
    assert [box.name for box in boxes if box.kind == "module"] == ["cell × 3", "cell.squash × 3"]
    boxes = draw(cells(3), fold="neuron").picture.boxes
    names = [box.name for box in boxes if box.kind == "module"]
    assert names == [f"cell {place}{inner}" for place in (1, 2, 3) for inner in ("", ".squash")]


def test_a_block_opens_by_its_number() -> None:
    boxes = draw(cells(3), fold="layer", expand=["cell 2"]).picture.boxes
    names = {box.name for box in boxes if box.kind == "module"}
    assert names == {"cell 1", "cell.squash × 3", "cell 3"}
    with pytest.raises(ValueError, match="there are cell, cell 1, cell 1"):
        draw(cells(3), fold="layer", expand=["cell 4"])


def test_two_networks_in_groups_have_paths_that_tell_them_apart() -> None:
    one, other = nn.MLP(1, [2, 1], rng=1), nn.MLP(1, [2, 1], rng=2)
    with group("generator"):
        made = one([1.0])
    with group("critic"):
        score = other([made])
    boxes = draw(score, fold="layer").picture.boxes
    assert [box.name for box in boxes if box.kind == "module"] == [
        *("generator.hidden", "generator.output", "critic.hidden", "critic.output")
    ]


def test_a_group_ends_with_its_block_also_where_it_raises() -> None:
    with pytest.raises(ZeroDivisionError), group("cell"):
        raise ZeroDivisionError
    assert (Value(1.0) * 2.0).origin.module == ""
    with group("outer"):
        with group("inner"):
            inner = Value(1.0).exp()
        outer = inner.exp()
    assert inner.origin.module.startswith(f"{outer.origin.module}.inner#")


def test_numbers_and_gradients_are_the_same_in_a_group() -> None:
    root = cells(3)
    w = next(node for node in topological_order(root) if node.name == "w")
    h = 1.0
    slope = 0.0
    for _ in range(3):
        slope = (h + 0.5 * slope) * (1.0 - math.tanh(0.5 * h) ** 2)
        h = math.tanh(0.5 * h)
    assert root.data == 2.0 * h
    assert w.grad == pytest.approx(2.0 * slope, rel=1e-15)


@pytest.mark.parametrize("name", ["", "a.b", "a#1", "a[0]"])
def test_a_name_that_would_not_be_told_from_a_path_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"without any of \. # \[ \]"), group(name):
        pass


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="must be a str, but got the int 3"), group(3):  # type: ignore[arg-type]
        pass
