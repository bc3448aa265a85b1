"""The lesson that the site shows as a live page: one neuron and its loss, lines recorded."""

from __future__ import annotations

from pathlib import Path

from autodiff import Value, record_source, show

__all__ = ["save_lesson"]

TITLE = "One neuron, forward and back"


def neuron_loss() -> Value:
    """Return the squared error of tanh(w * x + b)."""
    with record_source():
        x, w, b = Value(0.5, "x"), Value(-3.0, "w"), Value(1.0, "b")
        z = w * x + b
        y = z.tanh()
        loss = (y - 0.5) ** 2
    return loss  # noqa: RET504 (its name is recorded, too)


def save_lesson(path: Path) -> Path:
    """Write the page, and return its path."""
    return show(neuron_loss(), title=TITLE).save(path)
