"""What a Value is called in formulas, steps and pictures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given

from autodiff import Names, Value, name_of, topological_order
from autodiff.support.naming import number_text
from autodiff.value import constant
from tests.random_graphs import Recipe, built, wild_recipes


def test_a_label_is_the_name() -> None:
    y = Value(1.0, "x") * 2
    y.label = "y"
    assert name_of(y) == "y"


def test_a_leaf_without_a_label_is_called_by_its_number() -> None:
    assert name_of(Value(0.5)) == "0.5"
    assert name_of(constant(-3)) == "-3"


def test_a_node_without_a_label_is_called_by_its_formula() -> None:
    w, x = Value(1.0, "w"), Value(2.0, "x")
    assert name_of(w * x) == "w * x"
    assert name_of(w**2) == "w**2"
    assert name_of(-w) == "-w"
    assert name_of((w + 1).relu()) == "relu(…)"
    assert name_of((w + 1) * (x + 1)) == "… * …"


def test_a_labelled_operand_is_named_inside_a_formula() -> None:
    z = Value(1.0, "w") * 2
    z.label = "z"
    assert name_of(z.tanh()) == "tanh(z)"


def test_a_name_stays_short_however_deep_the_graph() -> None:
    node = Value(1.0, "x")
    for _ in range(5000):
        node = node + 1.0
    assert name_of(node) == "… + 1"


def test_nodes_without_a_label_are_numbered_by_their_place_in_the_order() -> None:
    x = Value(3.0, "x")
    root = (x * x + 2).tanh()
    names = Names(root)
    order = topological_order(root)
    assert [names[node] for node in order] == ["x", "2", "v3", "v4", "v5"]
    assert [names.formula(node) for node in order] == ["", "", "x * x", "v3 + 2", "tanh(v4)"]


def test_a_label_used_twice_gets_a_number_at_its_second_use() -> None:
    one, other, third = Value(1.0, "x"), Value(2.0, "x"), Value(3.0, "x")
    names = Names(one + other + third)
    assert [names[node] for node in (one, other, third)] == ["x", "x (2)", "x (3)"]


def test_a_label_that_looks_like_a_number_does_not_hide_another_node() -> None:
    # the node without a label is the third in the order, so its name would be v3 too
    impostor = Value(1.0, "v3")
    root = impostor * Value(2.0, "x")
    names = Names(root)
    assert names[root] == "v3"
    assert names[impostor] != "v3"


@pytest.mark.parametrize("labels", [("x", "x (2)", "x"), ("x", "x", "x (2)"), ("x (2)", "x", "x")])
def test_a_label_that_looks_like_a_second_use_does_not_hide_another_node(
    labels: tuple[str, str, str],
) -> None:
    a, b, c = (Value(1.0, label) for label in labels)
    names = Names(a + b + c)
    assert len({names[node] for node in (a, b, c)}) == 3


def test_equal_constants_share_their_number_as_name() -> None:
    x = Value(1.0, "x")
    root = x * 2 + 2
    names = Names(root)
    assert [names[node] for node in topological_order(root) if node.is_constant] == ["2", "2"]


def test_a_node_outside_the_graph_has_no_name() -> None:
    x = Value(1.0)
    names = Names(x)
    assert x in names
    assert Value(1.0) not in names
    with pytest.raises(KeyError):
        names[Value(1.0)]


@given(recipe=wild_recipes())
def test_every_node_but_a_constant_has_a_name_of_its_own(recipe: Recipe) -> None:
    root = built(recipe)[-1]
    names = Names(root)
    order = topological_order(root)
    variables = [names[node] for node in order if not node.is_constant]
    assert len(set(variables)) == len(variables)
    assert all(node in names for node in order)


@given(recipe=wild_recipes())
def test_the_same_graph_has_the_same_names(recipe: Recipe) -> None:
    one, other = built(recipe)[-1], built(recipe)[-1]
    assert [Names(one)[node] for node in topological_order(one)] == [
        Names(other)[node] for node in topological_order(other)
    ]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *(
            (1.0, "1"),
            (-0.5, "-0.5"),
            (1 / 3, "0.333333"),
            (1e-12, "1e-12"),
            (2.0**40, "1.09951e+12"),
        ),
        *((math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan"), (-0.0, "-0")),
    ],
)
def test_a_number_is_written_with_six_significant_digits(number: float, text: str) -> None:
    assert number_text(number) == text
