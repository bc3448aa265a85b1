"""The stepper's scripts and style sheet: files beside this one, which a page puts together."""

from __future__ import annotations

from pathlib import Path

__all__ = ["NUMBERS", "SCRIPTS_BEFORE", "SHOW", "STEPPER_SCRIPTS", "STYLE"]

FOLDER = Path(__file__).parent

NUMBERS = FOLDER / "numbers.js"
STYLE = FOLDER / "stepper.css"

# Between these come a page's own numbers, as its `app`, and its own steps, as `further`.
SCRIPTS_BEFORE = (NUMBERS, FOLDER / "view.js")
STEPPER_SCRIPTS = (FOLDER / "graph.js", FOLDER / "lesson.js")

# The page of any graph: its frame, its style, and its scripts.
SHOW = (
    FOLDER / "show.html",
    (STYLE, FOLDER / "show.css"),
    (
        *(*SCRIPTS_BEFORE, FOLDER / "state.js", *STEPPER_SCRIPTS),
        *(FOLDER / name for name in ("predict.js", "nudge.js", "show.js")),
    ),
)
