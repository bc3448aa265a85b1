"""The notebooks without matplotlib, as tests.pyodide runs them in a browser's Python.

There the engine, the network, the exercises and their checks are what a class would have; the
plots are left out, because matplotlib for Pyodide comes from a server on the network alone.
"""

from __future__ import annotations

import contextlib
import io
import sys
from typing import Any
from unittest.mock import MagicMock

import pytest

from tests.notebook_cells import NOTEBOOKS, SOLUTIONS, code_cells, is_exercise, name_of


class NoPlots(MagicMock):
    """Stands for matplotlib: takes every call, draws nothing."""

    def subplots(self, *_: Any, **__: Any) -> tuple[NoPlots, NoPlots]:
        return NoPlots(), NoPlots()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_all_but_the_plots_runs_without_matplotlib(
    path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plots = NoPlots()
    monkeypatch.setitem(sys.modules, "matplotlib", plots)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", plots.pyplot)
    plots.pyplot = NoPlots()
    scope: dict[str, Any] = {}
    for cell in code_cells(path):
        source = SOLUTIONS[path.stem].get(cell["id"], "".join(cell["source"]))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(source, f"{path.name}: {cell['id']}", "exec"), scope)
        if is_exercise(cell):
            assert printed.getvalue().startswith("Right! "), cell["id"]
