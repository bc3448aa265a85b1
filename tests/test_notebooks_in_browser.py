"""The notebooks as a browser's Python runs them, pictures and steppers included."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from autodiff import Value, draw, show
from demos.exercises import EXERCISES
from tests.notebook_cells import NOTEBOOKS, code_cells, name_of, said_when_solved


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_solved_each_exercise_is_praised_with_pure_python_packages_alone(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for id, text in said_when_solved(path).items():
        praise = EXERCISES[checked_in(path, id)].praise
        assert text == f"Right! {praise}\n", (id, text)


def checked_in(path: Path, id: str) -> str:
    """Return the name of the exercise that a cell checks."""
    (source,) = ["".join(cell["source"]) for cell in code_cells(path) if cell["id"] == id]
    (name,) = re.findall(r'check\("([^"]*)"', source)
    return name


def test_a_graph_is_drawn_and_shown() -> None:
    x = Value(3.0, "x")
    y = x * x + 1.0
    assert "<svg" in draw(y).svg()
    bundle = show(y)._repr_mimebundle_()
    assert bundle["text/html"].startswith("<iframe srcdoc=")
    assert "<svg" in bundle["image/svg+xml"]
