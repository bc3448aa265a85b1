"""The notebooks as a browser's Python runs them, pictures and steppers included."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autodiff import Value, draw, show
from tests.notebook_cells import NOTEBOOKS, name_of, said_when_solved


@pytest.mark.thorough
@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_all_of_it_runs_with_pure_python_packages_alone(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for id, text in said_when_solved(path).items():
        assert text.startswith("Right! "), (id, text)


def test_a_graph_is_drawn_and_shown() -> None:
    x = Value(3.0, "x")
    y = x * x + 1.0
    assert "<svg" in draw(y).svg()
    bundle = show(y)._repr_mimebundle_()
    assert bundle["text/html"].startswith("<iframe srcdoc=")
    assert "<svg" in bundle["image/svg+xml"]
