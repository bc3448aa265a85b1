"""The notebooks without matplotlib, as tests.pyodide runs them in a browser's Python.

There the engine, the network, the exercises and their checks are what a class would have; the
plots are left out, because matplotlib for Pyodide comes from a server on the network alone.
"""

from __future__ import annotations

import sys
from typing import Any
from unittest.mock import MagicMock

import pytest

from tests.notebook_cells import NOTEBOOKS, name_of, said_when_solved


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
    for module in ("pyplot", "colors"):
        setattr(plots, module, NoPlots())
        monkeypatch.setitem(sys.modules, f"matplotlib.{module}", getattr(plots, module))
    for id, text in said_when_solved(path).items():
        assert text.startswith("Right! "), (id, text)
