"""The notebooks: how they are stored, and that they run from top to bottom.

That their exercises can be solved is in ``test_notebooks_in_browser.py``, what their checks say in
``test_exercises.py``.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from demos.exercises import EXERCISES
from tests.notebook_cells import (
    FOLDER,
    NOTEBOOKS,
    ROOT,
    SOLUTIONS,
    code_cells,
    is_exercise,
    name_of,
    read,
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
def test_a_notebook_imports_only_the_project_and_the_standard_library(path: Path) -> None:
    imported = set()
    for cell in code_cells(path):
        for statement in ast.walk(ast.parse("".join(cell["source"]))):
            if isinstance(statement, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in statement.names}
            elif isinstance(statement, ast.ImportFrom):
                imported.add(str(statement.module).partition(".")[0])
    assert imported <= {"autodiff", "nn", "demos"} | sys.stdlib_module_names


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_links_to_other_notebooks_lead_somewhere(path: Path) -> None:
    texts = ["".join(c["source"]) for c in read(path)["cells"] if c["cell_type"] == "markdown"]
    for target in re.findall(r"\]\(([^)]*)\)", "\n".join(texts)):
        assert (FOLDER / target).is_file(), target


# ---- as a student meets them -------------------------------------------------------------------


@pytest.fixture(scope="module")
def as_met(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Every notebook's cells with their outputs, run as it is stored, in one kernel for all."""
    nbformat = pytest.importorskip("nbformat", reason="running notebooks needs nbclient")
    nbclient = pytest.importorskip("nbclient", reason="running notebooks needs nbclient")
    pytest.importorskip("ipykernel", reason="running notebooks needs ipykernel")
    cells, names = [], []
    for path in NOTEBOOKS:
        found = nbformat.read(path, as_version=4).cells
        # Names of the notebook before are gone, as in a kernel of its own.
        cells += [nbformat.v4.new_code_cell("%reset -f"), *found]
        names += [path.stem] * (len(found) + 1)
    for place, cell in enumerate(cells):
        cell["metadata"]["is"] = cell["id"]
        cell["id"] = f"cell-{place}"
    whole = nbformat.v4.new_notebook(cells=cells)
    folder = tmp_path_factory.mktemp("student")
    nbclient.NotebookClient(
        *(whole,),
        timeout=120,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    ).execute(env={**os.environ, "PYTHONPATH": str(ROOT)})
    by_name: dict[str, list[Any]] = {}
    for name, cell in zip(names, whole.cells, strict=True):
        by_name.setdefault(name, []).append(cell)
    return by_name


def outputs_of(cells: list[Any]) -> list[Any]:
    return [output for cell in cells for output in cell.get("outputs", [])]


@pytest.mark.unmeasured
@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_as_it_is_a_notebook_runs_and_each_exercise_says_not_yet(
    path: Path, as_met: dict[str, list[Any]]
) -> None:
    for cell in as_met[path.stem]:
        if is_exercise(cell):
            (output,) = cell.outputs
            assert output.text.startswith("Not yet: "), cell["metadata"]["is"]
    # None of them says that something went wrong, and each has the stepper.
    outputs = outputs_of(as_met[path.stem])
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    frames = [output.data.get("text/html", "") for output in outputs if "data" in output]
    assert any("<iframe srcdoc=" in frame for frame in frames)


# What a student is asked for must not stand above the question.
ANSWERS = {
    ("1_your_own_value", "exercise-1"): r"\b11\b",
    ("2_the_chain_rule", "exercise-3"): r"\b7\b(?!/)",
    ("3_a_neuron", "exercise-1"): r"= 0\.5\b",
    ("4_xor", "exercise-1"): r"\b17\b",
    ("4_xor", "exercise-2"): r"\b0?\.25",
    ("5_what_can_go_wrong", "exercise-1"): r"\blimit is\b|\bbelow 1\b",
    ("6_from_bigram_to_attention", "exercise-1"): r"\b3\.(29|3)",
    ("6_from_bigram_to_attention", "exercise-3"): r"\b19\b|\b0\.9\b",
}


@pytest.mark.unmeasured
@pytest.mark.parametrize(("asked", "answer"), ANSWERS.items(), ids=lambda each: str(each[0]))
def test_no_answer_is_printed_above_its_question(
    asked: tuple[str, str], answer: str, as_met: dict[str, list[Any]]
) -> None:
    name, exercise = asked
    read_before = ""
    for cell in as_met[name]:
        if cell["metadata"]["is"] == exercise:
            break
        if cell.cell_type == "markdown":
            read_before += cell.source + "\n"
        read_before += "\n".join(
            output.get("text", "") or output.get("data", {}).get("text/plain", "")
            for output in cell.get("outputs", [])
        )
    else:
        raise AssertionError(f"{name} has no {exercise}")
    assert not re.search(answer, read_before), re.search(answer, read_before)


@pytest.mark.unmeasured
def test_the_debugger_walks_back_through_the_file_that_the_notebook_wrote(
    as_met: dict[str, list[Any]],
) -> None:
    (session,) = [
        output.text
        for output in outputs_of(as_met["5_what_can_go_wrong"])
        if "(Pdb)" in output.get("text", "")
    ]
    stops = re.findall(r"^> walk_me.py\((\d+)\)", session, re.MULTILINE)
    # Forward to line 12; then back: 12, 11, and through neuron from its call up.
    assert stops == ["1", "12", "12", "11", "4", "6", "5"]


def test_every_check_belongs_to_one_exercise() -> None:
    sources = [
        "".join(cell["source"])
        for path in NOTEBOOKS
        for cell in code_cells(path)
        if is_exercise(cell)
    ]
    asked = [name for source in sources for name in re.findall(r'check\("([^"]*)"', source)]
    assert sorted(asked) == sorted(EXERCISES)
