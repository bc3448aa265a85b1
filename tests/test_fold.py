"""Folding: which nodes share a box, that none is lost, and what a folded box says."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given

import nn
from autodiff import Value, draw, record_source, topological_order
from autodiff.drawing.boxes import Painter
from autodiff.drawing.folds.fold import folded, paths_of
from autodiff.drawing.folds.parts import Folding, Part
from autodiff.drawing.folds.repeats import find_repeats
from autodiff.drawing.moment import NOW
from autodiff.drawing.picture import Box, Picture
from autodiff.support.changed import Changes
from autodiff.value import constant
from tests.random_graphs import Recipe, built, wild_recipes
from tests.test_draw import BOXES, ROOM, lab_batch, lab_loss, lab_model
from tests.test_repeats import operations

pytest.importorskip("graphviz", reason="drawing needs the package graphviz")


class Line(nn.Module):
    """slope * x + offset, twice: a module that a student writes."""

    def __init__(self) -> None:
        self.slope, self.offset = Value(2.0), Value(1.0)

    def __call__(self, x: Any) -> Any:
        return (self.slope * x + self.offset) * 2


class Net(nn.Module):
    """Layers, a neuron and a module of a student's own, with something done between them."""

    def __init__(self) -> None:
        self.encoder = nn.MLP(2, [3, 2], activation="tanh", rng=1)
        self.gate = nn.Neuron(2, rng=2)
        self.line = Line()

    def __call__(self, x: Any) -> Any:
        return self.line(self.gate(self.encoder(x)).exp())


def modules_of(root: Value) -> Counter[str]:
    """Return how many nodes each module made."""
    order = topological_order(root)
    return Counter(paths_of(order)[node] for node in order)


def boxes(picture: Picture) -> dict[str, Box]:
    return {box.name: box for box in picture.boxes}


def table(box: Box) -> dict[str, tuple[str, ...]]:
    """Return the rows of a box's table by their first cell."""
    return {name: cells for name, *cells in box.table}  # type: ignore[misc]


# ---- which module made a node ------------------------------------------------------------------


def test_the_nodes_of_a_neuron_know_its_path_and_inputs_belong_to_nobody() -> None:
    # A weighted sum, its activation, the weights and the bias.
    assert modules_of(lab_model()([0.0, 1.0])) == {
        **{f"hidden[{place}]": 5 for place in range(4)},
        "output[0]": 7,
        "": 2,
    }


def test_a_module_of_ones_own_names_the_nodes_it_makes_itself() -> None:
    net = Net()
    found = modules_of(net([constant(1.0, "x1"), constant(2.0, "x2")]))
    assert found == {
        **{f"encoder.hidden[{place}]": 5 for place in range(3)},
        **{f"encoder.output[{place}]": 5 for place in range(2)},
        "gate": 5,
        "Net": 1,  # exp
        "line": 6,  # slope, offset, 2, and three operations
        "": 2,
    } | {f"encoder.output[{place}]": 5 for place in range(2)}


def test_a_module_that_raises_leaves_no_trace() -> None:
    class Fails(nn.Module):
        def __call__(self, x: Any) -> Any:
            raise ArithmeticError(x)

    with pytest.raises(ArithmeticError):
        Fails()(1.0)
    assert (Value(1.0) + 1.0).origin.module == ""


def test_modules_in_several_threads_leave_no_trace() -> None:
    line, ready = Line(), threading.Barrier(2)

    class Waits(nn.Module):
        def __call__(self, x: Any) -> Any:
            ready.wait(timeout=60)
            return line(x)

    threads = [threading.Thread(target=Waits(), args=(1.0,), daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert (Value(1.0) + 1.0).origin.module == ""


def test_a_recorded_source_and_a_module_s_path_go_together() -> None:
    with record_source():
        output = lab_model()([0.0, 1.0])
    assert (output.origin.module, output.origin.file) == ("output[0]", __file__)


def test_a_weight_that_a_penalty_uses_too_still_belongs_to_its_neuron() -> None:
    neuron = nn.Neuron(2, rng=1)
    loss = neuron([1.0, 2.0]) + sum((w * w for w in neuron.w), start=Value(0.0))
    paths = paths_of(topological_order(loss))
    assert [paths[parameter] for parameter in neuron.parameters()] == ["Neuron"] * 3


def test_an_input_without_a_label_belongs_to_nobody() -> None:
    x = Value(3.0)
    assert paths_of(topological_order(Line()(x)))[x] == ""


def test_a_weight_that_two_neurons_share_belongs_to_neither() -> None:
    layer = nn.Layer(1, 2, rng=1)
    first, second = layer.neurons
    second.w = first.w
    paths = paths_of(topological_order(sum(layer([1.0]), start=Value(0.0))))
    belong_to = [paths[value] for value in (first.w[0], first.b, second.b)]
    assert belong_to == ["", "Layer[0]", "Layer[1]"]


# ---- rows --------------------------------------------------------------------------------------


def test_the_rows_of_a_batch_are_found_and_own_all_but_the_parameters_and_the_mean() -> None:
    loss = lab_batch()
    order = topological_order(loss)
    (rows,) = find_repeats(order, in_sums=True)
    # Of each row: two inputs, the target, ten nodes of five neurons, difference and square.
    assert [len(row) for row in rows.copies] == [15] * 4
    assert len(rows.sums) == 3
    rest = set(order) - {node for row in rows.copies for node in row} - set(rows.sums)
    assert Counter(node.op.name if node.op else node.is_constant for node in rest) == {
        False: 17,  # the parameters
        "div": 1,
        True: 1,  # 4
    }


def four_terms() -> list[Value]:
    w = Value(2.0, "w")
    return [(w * Value(float(place))).tanh() for place in range(4)]


def in_pairs(terms: list[Value]) -> Value:
    return terms[0] + (terms[1] + (terms[2] + terms[3]))


def unlike_terms() -> Value:
    x = Value(1.0, "x")
    return x.exp() + x.sin() + x.cos().log()


def sums_in_rows() -> Value:
    w = Value(2.0, "w")
    first, second = [(w * Value(1.0) + w * Value(2.0)).tanh() for _ in range(2)]
    root = first + second
    for _ in range(20):  # so that the rows are less than half of the graph
        root = root.tanh()
    return root


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: sum(four_terms()).sqrt(), [(4, ["mul", "tanh"])]),  # type: ignore[union-attr]
        (lambda: in_pairs(four_terms()).sqrt(), [(4, ["mul", "tanh"])]),
        (unlike_terms, []),
        (lambda: Value(1.0) + Value(2.0), []),
        (sums_in_rows, [(2, ["mul", "mul", "add", "tanh"])]),
    ],
    ids=["a sum", "a sum in pairs", "terms unlike", "terms not computed", "sums in rows"],
)
def test_rows_are_alike_terms_of_the_outermost_sum(
    make: Callable[[], Value], expected: list[tuple[int, list[str]]]
) -> None:
    assert operations(make(), in_sums=True) == expected


def test_several_outputs_of_a_row_are_one_row() -> None:
    net = nn.MLP(2, [4, 3], rng=1)
    loss = nn.mse_loss([net(row) for row in ([0.0, 1.0], [1.0, 0.0])], [[1.0, 0.0, 2.0]] * 2)
    (rows,) = find_repeats(topological_order(loss), in_sums=True)
    # Two inputs; four hidden and three output neurons; three targets, differences and squares.
    assert [len(row) for row in rows.copies] == [2 + 4 * 2 + 3 + 3 * 3] * 2
    assert rows.apart


def test_terms_that_share_an_interior_node_are_one_row_with_all_that_they_use() -> None:
    w = Value(2.0, "w")
    terms = []
    for _ in range(2):
        x, target = Value(3.0), Value(0.5)
        hidden = (w * x).tanh()
        terms += [hidden * target, hidden.exp() * target]
    (rows,) = find_repeats(topological_order(sum(terms, start=Value(0.0))), in_sums=True)
    # x, the target, w * x, tanh, exp and two products.
    assert [len(row) for row in rows.copies] == [7] * 2
    assert rows.apart


def test_rows_that_use_a_common_interior_node_are_still_found() -> None:
    scale = Value(0.5, "log scale").exp()
    root = sum([(scale * float(place + 1)).tanh() for place in range(5)], start=Value(0.0))
    (rows,) = find_repeats(topological_order(root), in_sums=True)
    assert len(rows) == 5
    assert all(scale not in row for row in rows.copies)


def test_a_partial_sum_that_is_used_elsewhere_too_is_no_part_of_the_greater_sum() -> None:
    w = Value(2.0, "w")
    a, b, c = [(w * Value(float(place))).tanh() for place in range(3)]
    partial = a + b
    root = (partial + c) * partial
    (rows,) = find_repeats(topological_order(root), in_sums=True)
    assert (len(rows), rows.sums) == (2, [partial])


# ---- every node is somewhere ---------------------------------------------------------------------


def check_partition(order: list[Value], parts: Sequence[Part]) -> None:
    assert Counter(node for part in parts for node in part.nodes) == Counter(order)
    assert all(part.nodes for part in parts)


@pytest.mark.parametrize("fold", [None, "neuron", "layer", "row"])
@pytest.mark.parametrize("make", [lab_batch, lambda: Net()([1.0, 2.0]) + Net()([3.0, 4.0])])
def test_every_node_of_a_network_is_in_exactly_one_part(fold: Any, make: Any) -> None:
    order = topological_order(make())
    for expand in ([], ["hidden"], ["hidden[2]", "output"]):
        if expand and (fold in (None, "row") or make is not lab_batch):
            continue
        check_partition(order, folded(order, fold, expand).parts)


@given(wild_recipes())
def test_every_node_of_any_graph_with_rows_is_in_exactly_one_part(recipe: Recipe) -> None:
    terms = [built(recipe)[-1].exp() for _ in range(3)]
    order = topological_order(terms[0] + terms[1] + terms[2])
    assert len(find_repeats(order, in_sums=True)[0]) == 3
    check_partition(order, folded(order, "row", ()).parts)


# ---- what a folded picture says ------------------------------------------------------------------


def test_a_folded_neuron_shows_its_output_and_its_parameters_with_their_gradients() -> None:
    w, b = 0.5, -1.0
    neuron = nn.Neuron(1, activation="tanh")
    neuron.w[0].data, neuron.b.data = w, b
    output = neuron([constant(2.0, "x")])
    output.backward()
    box = boxes(draw(output, fold="neuron").picture)["Neuron"]
    assert box.title == ("Neuron",)
    # tanh(0.5 * 2 - 1) = 0, where its derivative is 1.
    assert table(box) == {
        "Σ, tanh": ["value", "grad"],
        "output": ["0", "+1"],
        "bias": ["−1", "+1"],
        "weight[0]": ["0.5", "+2"],
    }


def test_a_folded_layer_shows_shapes_and_the_least_and_the_greatest_number() -> None:
    model = lab_model()
    box = boxes(draw(model([0.0, 1.0]), fold="layer").picture)["hidden"]
    weights = sorted(weight.data for neuron in model.layers[0].neurons for weight in neuron.w)
    assert box.title == ("hidden",)
    shown = table(box)
    assert list(shown) == ["4 × (Σ, sigmoid)", "4 outputs", "bias: 4", "weight: 4 × 2"]
    assert shown["weight: 4 × 2"] == [
        f"{weights[0]:.4g} … {weights[-1]:.4g}".replace("-", "−"),
        "–",
    ]


def test_arrows_between_folded_boxes_are_one_with_their_number() -> None:
    picture = draw(lab_loss(), fold="layer").picture
    names = {box.id: box.name for box in picture.boxes}
    assert [(names[a.tail], names[a.head], a.label) for a in picture.arrows] == [
        ("x1", "hidden", ("×4",)),
        ("x2", "hidden", ("×4",)),
        ("hidden", "output", ("×4",)),
        ("output", "v31", ()),
        ("target", "v31", ()),
        ("v31", "loss", ()),
    ]


def test_a_module_whose_parameters_alone_are_used_has_no_output() -> None:
    line = Line()
    box = boxes(draw(line.slope**2 + line.offset**2, fold="layer").picture)["Line"]
    assert box.title == ("Line",)
    assert table(box) == {"": ["value", "grad"], "slope": ["2", "–"], "offset": ["1", "–"]}


def test_an_arrow_that_is_no_part_of_the_rows_has_the_number_of_its_uses() -> None:
    class Squares(nn.Module):
        def __call__(self, x: Any) -> Any:
            return sum((weight**2 for weight in x), start=Value(0.0))

    model = nn.MLP(1, [2, 1], rng=1)
    loss = nn.mse_loss([model([x]) for x in (1.0, 2.0, 3.0)], [0.0, 0.0, 0.0])
    weights = [weight for neuron in model.layers[0].neurons for weight in neuron.w]
    penalty = Squares()
    penalty.set_path("penalty")
    picture = draw(loss + penalty(weights), fold="layer").picture
    names = {box.id: box.name for box in picture.boxes}
    labels = {(names[a.tail], names[a.head]): a.label for a in picture.arrows}
    assert labels["hidden", "output"] == ("×2",)  # in each of three rows
    assert labels["hidden", "penalty"] == ("×2",)


def test_a_folded_batch_is_one_picture_for_all_rows_with_ranges() -> None:
    picture = draw(lab_batch(), fold="layer", **BOXES).picture
    by_title = {box.title: box for box in picture.boxes}
    inputs = by_title["0 … 1", "in 4 rows"]
    assert inputs.kind == "input"
    squares = next(box for box in picture.boxes if box.title[0].endswith("**2"))
    model = lab_model()
    losses = [
        (model(row).data - y) ** 2
        for row, y in zip([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], strict=True)
    ]
    assert squares.numbers == (
        f"value {min(losses):.4g} … {max(losses):.4g}",
        "grad +0.25",
        "in 4 rows",
    )
    (total,) = [box for box in picture.boxes if "sum of 4 rows" in box.title]
    assert total.numbers[0] == f"value {sum(losses):.4g}"


def test_contributions_along_a_merged_arrow_to_several_values_are_a_range() -> None:
    loss = lab_batch()
    picture = draw(loss, fold="layer", edges=True, precision=4).picture
    names = {box.id: box.name for box in picture.boxes}
    (arrow,) = [a for a in picture.arrows if (names[a.tail], names[a.head]) == ("hidden", "output")]
    # What comes back from the output to the hidden activations of all rows.
    hidden = [node for node in topological_order(loss) if "sigmoid" in str(node.op)]
    found = [node.grad for node in hidden if node.origin.module.startswith("hidden")]
    assert min(found) < 0.0 < max(found)
    shown = f"adds {min(found):+.4g} … {max(found):+.4g}"
    assert arrow.label == ("×4", shown.replace("-", "−"))


def test_the_other_rows_of_a_batch_are_one_box() -> None:
    picture = draw(lab_batch(), fold="row", style="boxes").picture
    (rows,) = [box for box in picture.boxes if box.kind == "rows"]
    assert rows.name == "rows 2 to 4"
    assert rows.numbers[2:] == ("45 nodes", "the same 17 variables")
    # The first row is there as in a picture of that row alone: 17 parameters and its own nodes.
    single = [box for box in picture.boxes if box.kind in ("variable", "operation", "constant")]
    assert Counter(box.kind for box in single) == {"variable": 17, "operation": 13, "constant": 4}


def test_a_penalty_of_many_terms_is_folded_as_terms() -> None:
    model = lab_model()
    loss = nn.mse_loss([model([0.0, 1.0])], [1.0])
    loss = loss + 0.01 * sum((w * w for w in model.parameters()), start=Value(0.0))
    picture = draw(loss, fold="layer").picture
    (squares,) = [box for box in picture.boxes if "in 17 terms" in box.numbers]
    assert squares.title[0].endswith("= … * …")
    assert any("sum of 17 terms" in box.title for box in picture.boxes)


def test_the_inputs_of_a_wide_layer_are_one_box() -> None:
    output = nn.Neuron(30, rng=1)([float(place) for place in range(30)])
    inputs = [box for box in draw(output, fold="neuron").picture.boxes if box.kind == "input"]
    assert [box.title for box in inputs] == [("30 inputs", "0 … 29")]


@pytest.mark.parametrize("inputs", [8, 9])
def test_as_many_inputs_as_can_be_read_are_shown_one_by_one(inputs: int) -> None:
    output = nn.Neuron(inputs, rng=1)([float(place) for place in range(inputs)])
    kinds = Counter(box.kind for box in draw(output, fold="neuron").picture.boxes)
    assert (kinds["constant"], kinds["input"]) == ((8, 0) if inputs == 8 else (0, 1))


def test_the_inputs_of_two_networks_are_a_box_each() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            self.one, self.other = nn.Neuron(10, rng=1), nn.Neuron(20, rng=2)

        def __call__(self) -> Value:
            return self.one([1.0] * 10) + self.other([2.0] * 20)

    inputs = [box for box in draw(Pair()(), fold="neuron").picture.boxes if box.kind == "input"]
    assert sorted(box.title for box in inputs) == [("10 inputs", "1"), ("20 inputs", "2")]


@pytest.mark.parametrize("terms", [8, 9])
def test_as_many_terms_as_can_be_read_are_shown_one_by_one(terms: int) -> None:
    squares = [Value(float(place)) ** 2 for place in range(terms)]
    total = nn.Neuron(1, rng=1)([1.0]) + sum(squares, start=Value(0.0))
    boxes_of_terms = [
        box for box in draw(total, fold="layer").picture.boxes if f"in {terms} terms" in box.numbers
    ]
    assert bool(boxes_of_terms) == (terms == 9)


def test_of_two_short_sums_one_is_folded_if_rows_are_asked_for() -> None:
    one, other = ([Value(float(place)).exp() for place in range(3)] for _ in range(2))
    total = sum(one, start=Value(0.0)) * sum(other, start=Value(0.0))
    kinds = Counter(box.kind for box in draw(total, fold="row").picture.boxes)
    assert kinds["rows"] == 1


# ---- frames and expanding ------------------------------------------------------------------------


def test_unfolded_neurons_and_layers_are_framed_but_not_twice() -> None:
    frames = {frame.title: frame for frame in draw(lab_loss(), fold="none").picture.frames}
    # A frame around the only neuron of a layer would say the same again.
    assert list(frames) == ["output[0]", "hidden", *[f"hidden[{place}]" for place in range(4)]]
    assert {frames[f"hidden[{place}]"].outer for place in range(4)} == {frames["hidden"].id}


def test_a_frame_is_in_the_smallest_frame_around_it() -> None:
    class Outer(nn.Module):
        def __init__(self) -> None:
            self.middle, self.other = Middle(), Line()

        def __call__(self, x: Any) -> Any:
            return self.middle(x) + self.other(x[0])

    class Middle(nn.Module):
        def __init__(self) -> None:
            self.layer, self.line = nn.Layer(1, 2, rng=1), Line()

        def __call__(self, x: Any) -> Any:
            return self.line(sum(self.layer(x), start=Value(0.0)))

    class Whole(nn.Module):
        def __init__(self) -> None:
            self.outer = Outer()

        def __call__(self, x: Any) -> Any:
            return self.outer(x)

    frames = {frame.title: frame for frame in draw(Whole()([0.5]), fit=ROOM).picture.frames}
    layer = frames["outer.middle.layer"]
    assert layer.outer == frames["outer.middle"].id
    assert frames["outer.middle.layer[1]"].outer == layer.id
    assert frames["outer.middle"].outer == frames["outer"].id


def test_expanding_a_layer_shows_its_neurons_and_expanding_a_neuron_its_nodes() -> None:
    loss = lab_loss()
    opened = boxes(draw(loss, fold="layer", expand=["hidden"]).picture)
    assert [name for name in opened if name.startswith("hidden")] == [
        f"hidden[{place}]" for place in range(4)
    ]
    assert "output" in opened
    opened = boxes(draw(loss, fold="layer", expand=["hidden[2]"]).picture)
    assert sorted(name for name in opened if name.startswith("hidden")) == [
        *("hidden.bias[2]", "hidden.weight[2][0]", "hidden.weight[2][1]"),
        *("hidden[0]", "hidden[1]", "hidden[3]"),
    ]
    all_open = draw(loss, fold="neuron", expand=["hidden", "output"]).picture
    assert len(all_open.boxes) == len(topological_order(loss))


def test_a_student_s_modules_are_folded_with_those_inside_them_beside() -> None:
    picture = draw(Net()([1.0, 2.0]), fold="layer").picture
    names = [box.name for box in picture.boxes if box.kind == "module"]
    assert names == ["encoder.hidden", "encoder.output", "gate", "Net", "line"]
    assert [frame.title for frame in picture.frames] == ["encoder"]


# ---- errors --------------------------------------------------------------------------------------


def test_an_error_about_too_many_nodes_names_the_folds_that_fit() -> None:
    loss = lab_batch()
    with pytest.raises(ValueError, match="has 82 nodes, more than max_nodes=20") as caught:
        draw(loss, max_nodes=20, fold="none")
    message = str(caught.value)
    for fold in ("neuron", "layer"):
        size = len(draw(loss, fold=fold, fit=ROOM).picture.boxes)
        assert f'fold="{fold}" makes it {size}' in message
    assert 'fold="row"' not in message
    with pytest.raises(ValueError, match="Draw a node inside it, as fold="):
        draw(loss, max_nodes=3)
    x = Value(1.0)
    alone = x.tanh().exp().sin() * x
    with pytest.raises(ValueError, match="no modules, repetitions or recorded calls to fold"):
        draw(alone, max_nodes=4)


def test_a_fold_that_just_fits_is_named() -> None:
    loss = lab_batch()
    size = len(draw(loss, fold="layer", fit=ROOM).picture.boxes)
    with pytest.raises(ValueError, match=f'Fold it: fold="layer" makes it {size}, fold="re'):
        draw(loss, max_nodes=size, fold="none")


def test_of_rows_that_no_module_made_the_fold_by_row_is_named() -> None:
    total = sum((Value(float(place)).exp() for place in range(20)), start=Value(0.0))
    with pytest.raises(ValueError, match=r'Fold it: fold="row" makes it 5, fold="repeat" makes'):
        draw(total, max_nodes=20, fold="none")


@pytest.mark.parametrize("places", [12, 13])
def test_a_module_that_there_is_not_is_told_the_first_twelve(places: int) -> None:
    output = nn.Layer(1, places - 1, rng=1)([1.0])
    names = ["Layer", *[f"Layer[{place}]" for place in range(places - 1)]]
    with pytest.raises(ValueError, match="no module is called 'x'") as caught:
        draw(sum(output, start=Value(0.0)), fold="layer", expand=["x"])
    shown = str(caught.value).partition("there are ")[2]
    assert shown == ", ".join(names[:12]) + (", …" if places > 12 else "")


def test_an_error_about_far_too_many_nodes_is_there_at_once_without_a_try_of_every_fold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loss = lab_batch()
    monkeypatch.setattr("autodiff.drawing.folds.fold.MOST_TO_TRY", 82)
    with pytest.raises(ValueError, match='Fold it: fold="neuron" makes it'):
        draw(loss, max_nodes=20, fold="none")
    monkeypatch.setattr("autodiff.drawing.folds.fold.MOST_TO_TRY", 81)
    with pytest.raises(
        ValueError, match="Draw a node inside it, or fold it \\(by neuron, layer, row, repeat or"
    ):
        draw(loss, max_nodes=20, fold="none")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"fold": "batch"},
            ValueError,
            "fold must be one of none, neuron, layer, row, repeat, call,",
        ),
        ({"fold": "layer", "expand": ["hiden"]}, ValueError, "called 'hiden'; there are hidden,"),
        ({"fold": "layer", "expand": "hidden"}, TypeError, "a list of modules' paths"),
        ({"fold": "layer", "expand": [1]}, TypeError, "a list of modules' paths, of functions'"),
        ({"expand": ["hidden"]}, ValueError, 'fold="neuron", "layer", "repeat" or "call"'),
        ({"fold": "row"}, ValueError, "finds no rows"),
        ({"step": -1}, ValueError, "from 0 to 28, the steps of this graph, but is -1"),
        ({"step": 29}, ValueError, "from 0 to 28, the steps of this graph, but is 29"),
        ({"step": 1.0}, TypeError, "step must be an int"),
    ],
)
def test_a_wrong_fold_is_named(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        draw(lab_loss(), **arguments)


def test_a_graph_without_modules_cannot_be_folded_by_them() -> None:
    with pytest.raises(ValueError, match="no node of the graph was made by a module"):
        draw(Value(1.0).exp(), fold="neuron")


def test_what_goes_to_several_neurons_with_opposite_signs_is_no_sum() -> None:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    for first, second, shown, sign in (
        (a * 2.0, b * 4.0, "adds +6", "positive"),
        (a * 2.0, b * -4.0, "adds −4 … +2", ""),
        (a * 2.0, a * -4.0, "adds −2", "negative"),
    ):
        root = first + second
        root.backward()
        everything = [root, first, second, *first.parents[1:], *second.parents[1:]]
        parts = [Part("node", "", [a]), Part("module", "m", everything)]
        if b in second.parents:
            parts[0] = Part("inputs", "", [a, b])
        painter = painter_for(root, parts)
        (arrow,) = painter.picture_at(NOW).arrows
        assert (arrow.label[-1], arrow.sign) == (shown, sign)


def painter_for(root: Value, parts: list[Part]) -> Painter:
    """Return what draws a graph by these parts, with numbers on its arrows."""
    order = topological_order(root)
    return Painter(order, Folding(parts, (), {"m": "m1"}), 4, True, [root], Changes(order))
