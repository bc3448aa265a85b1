"""The files that a page with a stepper is made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from autodiff.stepper.document import Page

__all__ = ["SHOW", "SHOW_FOLDS", "STEPPING", "shared"]

FOLDER = Path(__file__).parent


def shared(*names: str) -> list[Path]:
    """Return files that several pages are made of, by name.

    ``base.css``, ``parts.js``, ``numbers.js`` and ``keys.js`` are any page's.  A graph that is
    stepped through has ``stepper.css``, ``view.js``, ``variables.js`` and those of STEPPING; before
    these come the page's own numbers, as its ``app``, and its further steps, as ``further``.

    >>> [file.name for file in shared("base.css")]
    ['base.css']
    """
    return [FOLDER / name for name in names]


# What steps through a graph; lesson.html has the controls.
STEPPING = (
    "scene.js",
    "graph.js",
    "why.js",
    "lesson.js",
    "walk.js",
    "predict.js",
    "curve_plot.js",
    "nudge.js",
)

# The page of any graph.
SHOW = Page(
    FOLDER / "show.html",
    shared("base.css", "stepper.css", "show.css"),
    shared(
        *("parts.js", "numbers.js", "view.js", "variables.js", "state.js"),
        *STEPPING,
        *("class_seed.js", "keys.js", "show.js"),
    ),
)
# The same of a large graph, whose folds are laid out when they are opened.
OF_FOLDS = shared("boxes.js", "layout.js", "folds.js")
SHOW_FOLDS = replace(SHOW, scripts=[*SHOW.scripts[:-1], *OF_FOLDS, SHOW.scripts[-1]])
