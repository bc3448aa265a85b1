"""Pictures of a trained GPT: the loss of each step, and who attends to whom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from demos.plots import LINE, STYLE, save_figure

__all__ = ["SMOOTHED", "plot_attention", "plot_losses"]

SMOOTHED = 50  # steps whose mean is drawn: one word is much harder than another


def plot_losses(losses: Sequence[float], chance: float, path: Path) -> Path:
    """Draw the loss of every step, and the mean of the last of them, into a PNG file.

    ``chance`` is the loss of who guesses.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(12, 7.5), dpi=120, layout="constrained")
        axes = figure.add_subplot()
        axes.plot(
            range(1, len(losses) + 1), losses, ".", color="0.65", markersize=5, label="a word"
        )
        means = running_means(losses, SMOOTHED)
        axes.plot(range(1, len(means) + 1), means, color=LINE, label=f"mean of {SMOOTHED}")
        axes.axhline(chance, color="0.4", linestyle="--", linewidth=2.0)
        axes.text(len(losses), chance, "guessing ", ha="right", va="bottom", color="0.3")
        axes.set(title="Loss of the next letter", xlabel="Steps", ylabel="-log(probability)")
        axes.set_xlim(0, max(len(losses), 1))
        axes.set_ylim(bottom=0.0)
        axes.grid(alpha=0.3)
        axes.legend(loc="lower left")
    return save_figure(figure, path)


def running_means(losses: Sequence[float], count: int) -> list[float]:
    """Return for each loss the mean of it and those before it, so many at most.

    >>> running_means([1.0, 3.0, 5.0], 2)
    [1.0, 2.0, 4.0]
    """
    means = []
    for end in range(1, len(losses) + 1):
        part = losses[max(end - count, 0) : end]
        means.append(sum(part) / len(part))
    return means


def plot_attention(attention: Sequence[Sequence[Sequence[float]]], word: str, path: Path) -> Path:
    """Draw, for each head of a layer, how much each position attends to those before it.

    ``attention`` is ``[head][position][position attended to]``.
    """
    letters = ["start", *word][: len(attention[0])]
    with rc_context({**STYLE, "axes.spines.top": True, "axes.spines.right": True}):
        columns = min(len(attention), 4)
        rows = -(-len(attention) // columns)
        size = (max(4.6 * columns, 7.0), 4.9 * rows + 0.9)
        figure = Figure(figsize=size, dpi=120, layout="constrained")
        figure.suptitle(f"{word}: each row is a letter, and what it looks at to say the next")
        for number, head in enumerate(attention, 1):
            axes = figure.add_subplot(rows, columns, number)
            count = len(head)
            table = [[*row, *[0.0] * (count - len(row))] for row in head]
            axes.imshow(table, cmap="Blues", vmin=0.0, vmax=1.0)
            for place, row in enumerate(head):
                for other, share in enumerate(row):
                    color = "white" if share > 0.55 else "#15202B"
                    text = f"{100.0 * share:.0f}"
                    axes.text(other, place, text, ha="center", va="center", color=color, size=13)
            axes.set_title(f"head {number}")
            axes.set_xticks(range(count), letters)
            axes.set_yticks(range(count), letters)
    return save_figure(figure, path)
