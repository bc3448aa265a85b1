"""The notebooks: they run from top to bottom, and their exercises can be solved."""

from __future__ import annotations

import ast
import math
import os
import re
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from autodiff import Value, draw
from demos.exercises import EXERCISES, verdict
from tests.notebook_cells import (
    FOLDER,
    NOTEBOOKS,
    ROOT,
    SOLUTIONS,
    code_cells,
    is_exercise,
    name_of,
    read,
    said_when_solved,
)


def test_there_are_six_and_each_has_solutions() -> None:
    assert list(map(name_of, NOTEBOOKS)) == list(SOLUTIONS)
    assert len(NOTEBOOKS) == 6


# ---- how they are stored -----------------------------------------------------------------------


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_notebook_is_valid_and_stored_without_outputs(path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat knows what a notebook must be")
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    for cell in code_cells(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    # Nothing of the machine that it was written on.
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert notebook["metadata"]["language_info"] == {"name": "python"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_cells_have_ids_that_say_what_they_are(path: Path) -> None:
    ids = [cell["id"] for cell in read(path)["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"(text|code|exercise)-\d+", id) for id in ids)
    assert [cell["id"] for cell in code_cells(path) if is_exercise(cell)] == list(
        SOLUTIONS[path.stem]
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_notebook_imports_only_what_the_demos_extra_brings(path: Path) -> None:
    imported = set()
    for cell in code_cells(path):
        for statement in ast.walk(ast.parse("".join(cell["source"]))):
            if isinstance(statement, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in statement.names}
            elif isinstance(statement, ast.ImportFrom):
                imported.add(str(statement.module).partition(".")[0])
    assert imported <= {"autodiff", "nn", "demos", "matplotlib"} | sys.stdlib_module_names


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_links_to_other_notebooks_lead_somewhere(path: Path) -> None:
    texts = ["".join(c["source"]) for c in read(path)["cells"] if c["cell_type"] == "markdown"]
    for target in re.findall(r"\]\(([^)]*)\)", "\n".join(texts)):
        assert (FOLDER / target).is_file(), target


# ---- as a student meets them -------------------------------------------------------------------


@pytest.mark.unmeasured
@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_notebook_runs_as_it_is_and_each_exercise_says_not_yet(path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="running notebooks needs nbclient")
    nbclient = pytest.importorskip("nbclient", reason="running notebooks needs nbclient")
    pytest.importorskip("ipykernel", reason="running notebooks needs ipykernel")
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", coalesce_streams=True
    )
    client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)})

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert "image/svg+xml" in kinds  # drawings show themselves
    if path.stem != "2_the_chain_rule":
        assert "image/png" in kinds  # and so do plots
    for cell in notebook.cells:
        if is_exercise(cell):
            (output,) = cell.outputs
            assert output.text.startswith("Not yet: "), cell.id


def test_the_picture_after_going_backward_has_every_gradient() -> None:
    scope: dict[str, Any] = {}
    cells = {cell["id"]: "".join(cell["source"]) for cell in code_cells(FOLDER / "4_xor.ipynb")}
    for id in ("code-1", "code-2"):
        exec(compile(cells[id], id, "exec"), scope)
    text = draw(scope["loss"]).source
    assert text.count("grad ") >= len(scope["model"].parameters())
    assert "grad –" not in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_notebook_with_its_exercises_solved_says_that_they_are_right(path: Path) -> None:
    with mpl.rc_context({"backend": "agg"}):
        said = said_when_solved(path)
        mpl.pyplot.close("all")
    for id, text in said.items():
        assert text.startswith("Right! "), (id, text)


def test_every_check_belongs_to_one_exercise() -> None:
    sources = [
        "".join(cell["source"])
        for path in NOTEBOOKS
        for cell in code_cells(path)
        if is_exercise(cell)
    ]
    asked = [name for source in sources for name in re.findall(r'check\("([^"]*)"', source)]
    assert sorted(asked) == sorted(EXERCISES)


# ---- checks that are hard to fool --------------------------------------------------------------


GARBAGE = [
    None,
    ...,
    "",
    "six",
    [],
    (1, 2, 3, 4),
    {},
    object(),
    float("nan"),
    float("inf"),
    -1e9,
    Value(0.0),
    [Value(1.0)],
    lambda: None,
    lambda *_: None,
    lambda *_: ...,
    lambda *_: 1 / 0,
    lambda *_: "text",
]


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("attempt", GARBAGE, ids=lambda attempt: type(attempt).__name__)
def test_whatever_an_attempt_is_a_check_answers_not_yet(name: str, attempt: Any) -> None:
    right, said = verdict(name, attempt)
    assert not right, said
    assert said.startswith("Not yet: ")


def forward_difference(function: Any, x: float, h: float = 1e-4) -> float:
    return float((function(x + h) - function(x)) / h)


def graph_backward_twice() -> Value:
    a, b, c = Value(2.0, "a"), Value(-1.0, "b"), Value(4.0, "c")
    root = (a * b + c) ** 2
    root.backward()
    root.backward()
    return root


def step_uphill(parameters: list[Value], rate: float) -> None:
    for parameter in parameters:
        parameter.data += rate * parameter.grad


def step_rebinding(parameters: list[Value], rate: float) -> None:
    for parameter in parameters:
        parameter = parameter - rate * parameter.grad  # noqa: PLW2901


def softmax_of_numbers(scores: list[Any]) -> list[float]:
    powers = [math.exp(getattr(score, "data", score)) for score in scores]
    return [power / sum(powers) for power in powers]


def softmax_cut_off(scores: list[Any]) -> list[Value]:
    return [Value(number) for number in softmax_of_numbers(scores)]


def attention_unscaled(query: list[Any], keys: list[Any], values: list[Any]) -> list[Any]:
    scores = [sum(q * k for q, k in zip(query, key, strict=True)) for key in keys]
    shares = softmax_of_numbers(scores)
    return [
        sum(s * v for s, v in zip(shares, column, strict=True))
        for column in zip(*values, strict=True)
    ]


@pytest.mark.parametrize(
    ("name", "attempt", "hint"),
    [
        ("slope by hand", 12, "The slope of x² is 2x"),
        ("central difference", forward_difference, "Divide by 2h"),
        ("first graph", Value(4.0, "a"), "use all three"),
        ("first graph", graph_backward_twice(), "Did backward\\(\\) run twice"),
        ("local derivatives", (2, -3), "the other way round"),
        ("used twice", 3, "add both"),
        ("right order", ["c", "a", "b", "x"], "a comes before b, which uses it"),
        ("right order", ["x", "a", "b", "c"], "x comes before a"),
        ("neuron by hand", -0.5, "relu"),
        ("weights for OR", (1, 1, 0.5), "for \\(0, 0\\) z is 0.5"),
        ("gradient step", step_uphill, "move against it"),
        ("gradient step", step_rebinding, "assign to parameter.data"),
        ("parameter count", 12, "a bias too"),
        ("XOR by two neurons", lambda a, b: a + b, "for \\(1, 1\\) it is 2, not 0"),
        ("largest learning rate", 0.5, "Larger ones still get closer"),
        ("living neuron", 0.0, "still no gradient"),
        ("loss of guessing", -math.log(27), "the loss is −log"),
        ("loss of guessing", math.log2(27), "the natural one"),
        ("loss of guessing", 0.5, "probability 1/27"),
        ("softmax", lambda scores: scores, "exp of each score by the sum"),
        ("softmax", softmax_of_numbers, "are no Values any more"),
        ("softmax", softmax_cut_off, "no gradient comes back"),
        ("softmax", lambda _: 0.5, "should be a list"),
        ("softmax", lambda _: [1.0], "should have 2 numbers, but it has 1"),
        ("attention by hand", 15, "the second score is larger"),
        ("attention", attention_unscaled, "the root of the width"),
        ("attention", lambda *given: given[-1][0], "should have 19 there"),
        ("causal attention", lambda _: [[1 / 3] * 3] * 3, "row 0 looks ahead"),
        ("causal attention", lambda _: [[1.0], [0.5, 0.5], [1 / 3] * 3], "row 1 should have"),
        ("causal attention", lambda _: [[1.0]], "a row for each position"),
    ],
)
def test_a_usual_mistake_gets_its_own_hint(name: str, attempt: Any, hint: str) -> None:
    right, said = verdict(name, attempt)
    assert not right
    assert re.search(hint, said), said


def test_shares_of_later_positions_that_are_0_may_stand_there() -> None:
    def causal_shares(scores: list[list[float]]) -> list[list[float]]:
        return [
            softmax_of_numbers(row[: place + 1]) + [0.0] * (len(row) - place - 1)
            for place, row in enumerate(scores)
        ]

    assert verdict("causal attention", causal_shares)[0]


def test_both_orders_of_a_diamond_that_are_right_are_accepted() -> None:
    assert verdict("right order", "cbax")[0]
    assert verdict("right order", ("c", "b", "a", "x"))[0]
