"""A bar that shows how far a demo is, where the output is a terminal."""

from __future__ import annotations

import sys

from tqdm import tqdm

__all__ = ["ShowProgress", "progress_bar"]


def progress_bar(total: int, unit: str, done: int = 0) -> tqdm[None]:
    """Return a progress bar; it shows nothing where the output is no terminal."""
    return tqdm(total=total, initial=done, unit=unit, leave=False, disable=not sys.stdout.isatty())


class ShowProgress:
    """Moves a progress bar to the number of epochs done: what ``nn.fit`` calls."""

    def __init__(self, bar: tqdm[None]) -> None:
        self.bar = bar

    def __call__(self, epochs_done: int, _loss: float) -> None:
        self.bar.update(epochs_done - self.bar.n)
