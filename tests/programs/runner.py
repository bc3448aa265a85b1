"""Run a program's text on an engine: its own of forty lines, or another."""

from __future__ import annotations

import contextlib
import io
import random
import runpy
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.programs.forty_lines import Closures, StoredDerivatives

__all__ = ["WRITTEN_FOR", "Run", "path_of", "run"]

# Each program, and the engine that it was written for.
WRITTEN_FOR: dict[str, type] = {
    "gpt": StoredDerivatives,
    "lstm": StoredDerivatives,
    "convolution": Closures,
    "autoencoder": StoredDerivatives,
    "policy_gradient": Closures,
}


@dataclass(frozen=True, slots=True)
class Run:
    """What a program printed, and its variables in the end."""

    text: str
    variables: dict[str, Any]


def path_of(program: str) -> Path:
    """Return where a program's text is."""
    return Path(__file__).with_name(f"{program}.py")


def run(program: str, value: type) -> Run:
    """Run a program as a script, with ``value`` as what its ``from engine import Value`` imports.

    The program seeds Python's global generator; afterwards that is as it was.
    """
    engine = types.ModuleType("engine")
    engine.Value = value  # type: ignore[attr-defined]
    printed, dice = io.StringIO(), random.getstate()
    try:
        with patch.dict(sys.modules, engine=engine), contextlib.redirect_stdout(printed):
            variables = runpy.run_path(str(path_of(program)), run_name="__main__")
    finally:
        random.setstate(dice)
    return Run(printed.getvalue(), variables)
