"""The page's parts put together into one file: the stepper's, and those of this page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autodiff.stepper.document import document
from autodiff.stepper.parts import SCRIPTS_BEFORE, STEPPER_SCRIPTS, STYLE

__all__ = ["assembled"]

FOLDER = Path(__file__).parent

SCRIPTS = (
    *SCRIPTS_BEFORE,
    *(FOLDER / name for name in ("training_steps.js", "random.js", "timeline.js", "address.js")),
    *STEPPER_SCRIPTS,
    *(FOLDER / name for name in ("boundary.js", "curve.js", "tables.js", "exports.js", "app.js")),
)


def assembled(title: str, graph: str, program: str, content: Mapping[str, Any]) -> str:
    """Return the whole page, which loads nothing and in which no other script can run."""
    return document(
        *(FOLDER / "page.html", title, graph, program, content),
        styles=(STYLE, FOLDER / "page.css"),
        scripts=SCRIPTS,
    )
