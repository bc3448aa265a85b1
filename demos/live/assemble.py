"""The files that the lab's page is made of: the stepper's, and its own."""

from __future__ import annotations

from pathlib import Path

from autodiff.stepper.document import Page
from autodiff.stepper.parts import STEPPING, shared

__all__ = ["LAB", "of_lab"]

FOLDER = Path(__file__).parent


def of_lab(*names: str) -> list[Path]:
    """Return the page's own files, by name.

    >>> [file.name for file in of_lab("random.js")]
    ['random.js']
    """
    return [FOLDER / name for name in names]


LAB = Page(
    FOLDER / "page.html",
    [
        *shared("base.css", "stepper.css"),
        *of_lab("page.css", "choice.css", "network.css", "lesson.css"),
    ],
    [
        *shared("parts.js", "numbers.js"),
        *of_lab("random.js", "builder.js", "asked.js"),
        *shared("view.js", "variables.js"),
        *of_lab("training.js", "training_steps.js", "timeline.js", "runs.js"),
        *of_lab("earlier_runs.js", "address.js"),
        *shared(*STEPPING, "boxes.js", "layout.js"),
        *of_lab("redrawn.js", "boundary.js", "network.js", "rows.js", "layers.js"),
        *of_lab("code_lines.js", "scenes.js", "scales.js", "curve.js", "tables.js", "exports.js"),
        *of_lab("choice.js", "points.js", "compare.js", "often.js", "pictures.js"),
        *of_lab("presentation.js"),
        *shared("keys.js"),
        *of_lab("app.js"),
    ],
    kind=" · backprop, live",
)
