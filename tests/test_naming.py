"""What a Value is called in formulas, steps and pictures."""

from __future__ import annotations

import math
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from autodiff import (
    Names,
    Trace,
    Value,
    backward_steps,
    draw,
    explain,
    name_of,
    record_source,
    topological_order,
)
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


# ---- what the program calls them, where it was recorded ----------------------------------------


PROGRAM = """
class Model:
    def __init__(self):
        self.rows = [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]]
def linear(x, w):
    return [sum(a * b for a, b in zip(row, x)) for row in w]
def softmax(scores):
    powers = [score.exp() for score in scores]
    total = sum(powers)
    return [power / total for power in powers]
def attended(x):
    scores = linear(x, weights["layer0.query"])
    return softmax(scores)
weights = {"layer0.query": [[Value(0.5), Value(0.25)] for _ in range(20)], "bias": Value(1.0)}
model = Model()
p = model.rows[1][1]
with record_source():
    hidden = linear([p * 1.0, weights["bias"] * 1.0], model.rows)
    loss = sum(softmax(attended(hidden)))
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the program as a module of its own, and return its names."""
    file, module = tmp_path / "program.py", types.ModuleType("program")
    file.write_text(PROGRAM, encoding="utf-8")
    monkeypatch.setitem(sys.modules, "program", module)
    vars(module).update(Value=Value, record_source=record_source)
    exec(compile(PROGRAM, str(file), "exec"), vars(module))
    return vars(module)


def test_variables_have_their_places_in_what_the_program_s_names_stand_for(
    program: dict[str, Any],
) -> None:
    names = Names(program["loss"])
    assert names[program["weights"]["layer0.query"][19][1]] == "weights['layer0.query'][19][1]"
    assert names[program["weights"]["bias"]] == "weights['bias']"
    assert names[program["model"].rows[0][1]] == "model.rows[0][1]"


def test_results_are_called_as_the_functions_call_them_that_made_them_or_asked_for_them(
    program: dict[str, Any],
) -> None:
    names = Names(program["loss"])
    assert [names[each] for each in program["hidden"]] == ["hidden[0]", "hidden[1]"]
    found = {names[node] for node in topological_order(program["loss"])}
    # softmax is called twice: in attended, and with what that returns, which has no name there.
    assert found >= {"scores[0]", "scores[19]", "powers[0]", "powers[0] (2)", "total", "total (2)"}
    assert found >= {"softmax.scores[0]", "softmax.scores[19]"}
    assert "linear.x[0]" in found


def test_explanations_steps_and_pictures_say_the_same_names(program: dict[str, Any]) -> None:
    loss = program["loss"]
    loss.backward()
    weight = program["weights"]["layer0.query"][2][0]
    assert explain(weight, of=loss).title.startswith("d loss/d weights['layer0.query'][2][0] = ")
    (step,) = [each for each in backward_steps(loss) if each.parent is weight]
    assert str(step).startswith("d loss/d weights['layer0.query'][2][0] += d loss/d v")
    assert Trace(loss).names[weight] == Names(loss)[weight]
    picture = draw(loss.parents[0], fold="none", max_nodes=1000).picture
    titles = [" ".join(each.title) for each in picture.boxes]
    assert "powers[1] (2) = exp(scores[1])" in titles  # long operands by their last part


def test_without_a_recording_and_behind_it_nothing_is_looked_for(program: dict[str, Any]) -> None:
    """What was recorded may be in memory for long; what its names stand for now may be others."""
    weights = program["weights"]["layer0.query"]
    plain = weights[0][0] * weights[0][1]
    assert [Names(plain)[each] for each in topological_order(plain)] == ["v1", "v2", "v3"]
    del program["weights"], program["model"]
    names = Names(program["loss"])
    assert names[weights[1][0]].startswith("linear.w[1][0]")  # the argument's name at that time
