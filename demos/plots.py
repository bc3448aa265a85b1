"""Plots for a projector: large text, thick lines, meaning by shape as well as by colour."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from autodiff.files import write_atomically

__all__ = ["plot_boundary", "plot_loss"]

STYLE = {
    "font.size": 18,
    "axes.titlesize": 22,
    "axes.labelsize": 20,
    "lines.linewidth": 3.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
BLUE, RED = "#2166ac", "#b2182b"


def plot_loss(losses: Sequence[float], path: Path, marked_epoch: int | None = None) -> Path:
    """Draw the loss of every epoch into a PNG file and return its path.

    ``marked_epoch`` is where a vertical line says that the lab's own training ended.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(12, 7.5), dpi=120, layout="constrained")
        axes: Axes = figure.add_subplot()
        axes.plot(range(len(losses)), losses, color=BLUE)
        axes.set(title="Training Loss Curve", xlabel="Epochs", ylabel="Loss")
        axes.set_xlim(0, max(len(losses) - 1, 1))
        axes.set_ylim(bottom=0.0)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.grid(alpha=0.3)
        if losses:
            axes.annotate(
                f"{losses[-1]:.4f}",
                (len(losses) - 1, losses[-1]),
                xytext=(-8, 14),
                textcoords="offset points",
                ha="right",
                color=BLUE,
            )
        if marked_epoch is not None:
            axes.axvline(marked_epoch, color="0.4", linestyle="--", linewidth=2.0)
            axes.text(
                marked_epoch,
                axes.get_ylim()[1] * 0.97,
                "  end of the lab's training",
                va="top",
                color="0.3",
            )
        return _save(figure, path)


def plot_boundary(
    predict: Callable[[float, float], float],
    x: Sequence[Sequence[float]],
    y: Sequence[float],
    path: Path,
    steps: int = 121,
) -> Path:
    """Draw a network's output over [-0.5, 1.5]² and the data into a PNG file; return its path.

    ``predict(x1, x2)`` is asked on a grid of ``steps`` by ``steps`` points.  Blue is 0, red 1;
    rows with target 0 are circles, rows with target 1 are squares; a line marks output 0.5.
    """
    ticks = [-0.5 + 2.0 * step / (steps - 1) for step in range(steps)]
    outputs = [[predict(x1, x2) for x1 in ticks] for x2 in ticks]
    with rc_context(STYLE):
        figure = Figure(figsize=(10.5, 9), dpi=120, layout="constrained")
        axes: Axes = figure.add_subplot()
        levels = [level / 20 for level in range(21)]
        filled = axes.contourf(ticks, ticks, outputs, levels=levels, cmap="RdBu_r")
        if min(map(min, outputs)) < 0.5 < max(map(max, outputs)):
            axes.contour(ticks, ticks, outputs, levels=[0.5], colors="black", linewidths=2.5)
        bar = figure.colorbar(filled, ax=axes, ticks=[0.0, 0.25, 0.5, 0.75, 1.0])
        bar.set_label("network's output")
        for target, marker, colour in ((0.0, "o", BLUE), (1.0, "s", RED)):
            rows = [row for row, wanted in zip(x, y, strict=True) if wanted == target]
            axes.scatter(
                [row[0] for row in rows],
                [row[1] for row in rows],
                s=420,
                marker=marker,
                color=colour,
                edgecolors="white",
                linewidths=3,
                zorder=3,
                label=f"XOR = {target:.0f}",
                clip_on=False,
            )
        axes.set(
            title="Decision Boundary of Neural Network",
            xlabel="$x_1$",
            ylabel="$x_2$",
            xlim=(-0.5, 1.5),
            ylim=(-0.5, 1.5),
            aspect="equal",
        )
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, frameon=False)
        return _save(figure, path)


def _save(figure: Figure, path: Path) -> Path:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix[1:])
    return write_atomically(path, buffer.getvalue())
