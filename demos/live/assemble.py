"""The files that the lab's page is made of: the stepper's, and its own."""

from __future__ import annotations

from pathlib import Path

from autodiff.stepper.document import Page
from autodiff.stepper.parts import shared

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
    [*shared("base.css", "stepper.css"), *of_lab("page.css")],
    [
        *shared("parts.js", "numbers.js", "view.js"),
        *of_lab("training_steps.js", "random.js", "timeline.js", "address.js"),
        *shared("scene.js", "graph.js", "why.js", "lesson.js"),
        *of_lab("boundary.js", "scales.js", "curve.js", "tables.js", "exports.js"),
        *shared("keys.js"),
        *of_lab("app.js"),
    ],
    kind=" · backprop, live",
)
