"""Plots for a projector: large text, thick lines, meaning by shape as well as by colour."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from autodiff.drawing.palette import LIGHT
from autodiff.support.files import write_atomically

__all__ = [
    "FIELD",
    "STYLE",
    "plot_boundary",
    "plot_loss",
    "plot_scores",
    "save_animation",
    "save_figure",
    "scores_frame",
]

STYLE = {
    "font.size": 18,
    "axes.titlesize": 22,
    "axes.labelsize": 20,
    "lines.linewidth": 3.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
Score = Callable[[float, float], float]

# From the least to the greatest output; the markers of the two classes are of the same hues.
FIELD = LinearSegmentedColormap.from_list(
    "field", [LIGHT.negative.field, LIGHT.middle, LIGHT.positive.field]
)
LOW, HIGH = LIGHT.negative.strong, LIGHT.positive.strong
LINE = "#15202B"  # of a curve that has no sign


def plot_loss(losses: Sequence[float], path: Path, marked_epoch: int | None = None) -> Path:
    """Draw the loss of every epoch into a PNG file and return its path.

    ``marked_epoch`` is where a vertical line says that the lab's own training ended.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(12, 7.5), dpi=120, layout="constrained")
        axes: Axes = figure.add_subplot()
        axes.plot(range(len(losses)), losses, color=LINE)
        axes.set(title="Training Loss Curve", xlabel="Epochs", ylabel="Loss")
        axes.set_xlim(0, max(len(losses) - 1, 1))
        axes.set_ylim(bottom=0.0)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))
        axes.grid(alpha=0.3)
        if losses:
            axes.annotate(
                f"{losses[-1]:.4f}",
                (len(losses) - 1, losses[-1]),
                xytext=(-8, 14),
                textcoords="offset points",
                ha="right",
                color=LINE,
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
        return save_figure(figure, path)


def plot_boundary(
    predict: Callable[[float, float], float],
    x: Sequence[Sequence[float]],
    y: Sequence[float],
    path: Path,
    steps: int = 121,
) -> Path:
    """Draw a network's output over [-0.5, 1.5]² and the data into a PNG file; return its path.

    ``predict(x1, x2)`` is asked on a grid of ``steps`` by ``steps`` points.  Blue is 0, red
    1; rows with target 0 are circles, rows with target 1 are squares; a line marks output 0.5.
    """
    ticks = [-0.5 + 2.0 * step / (steps - 1) for step in range(steps)]
    outputs = [[predict(x1, x2) for x1 in ticks] for x2 in ticks]
    with rc_context(STYLE):
        figure = Figure(figsize=(10.5, 9), dpi=120, layout="constrained")
        axes: Axes = figure.add_subplot()
        levels = [level / 20 for level in range(21)]
        filled = axes.contourf(ticks, ticks, outputs, levels=levels, cmap=FIELD)
        if min(map(min, outputs)) < 0.5 < max(map(max, outputs)):
            axes.contour(ticks, ticks, outputs, levels=[0.5], colors="black", linewidths=2.5)
        bar = figure.colorbar(filled, ax=axes, ticks=[0.0, 0.25, 0.5, 0.75, 1.0])
        bar.set_label("network's output")
        for target, marker, colour in ((0.0, "o", LOW), (1.0, "s", HIGH)):
            rows = [row for row, wanted in zip(x, y, strict=True) if wanted == target]
            _scatter(axes, rows, 420, marker, colour, f"XOR = {target:.0f}")
        axes.set(
            title="Decision Boundary of Neural Network",
            xlabel="x[0]",
            ylabel="x[1]",
            xlim=(-0.5, 1.5),
            ylim=(-0.5, 1.5),
            aspect="equal",
        )
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, frameon=False)
        return save_figure(figure, path)


def plot_scores(
    score: Score, x: Sequence[Sequence[float]], y: Sequence[float], title: str, path: Path
) -> Path:
    """Draw a classifier's score over the plane and the data into a PNG file; return its path.

    ``score(x1, x2)`` is above 0 for class 1.  Rows with target -1 are blue circles, rows with
    target 1 red squares; a line marks score 0, dashed lines the margins, scores -1 and 1.
    """
    return save_figure(_scores_figure(score, x, y, title, dpi=120, steps=101), path)


def scores_frame(
    score: Score, x: Sequence[Sequence[float]], y: Sequence[float], title: str
) -> Image.Image:
    """Return what ``plot_scores`` draws, smaller, as one picture of an animation."""
    buffer = io.BytesIO()
    _scores_figure(score, x, y, title, dpi=72, steps=41).savefig(buffer, format="png")
    return Image.open(buffer).convert("RGB")


def _scores_figure(
    score: Score, x: Sequence[Sequence[float]], y: Sequence[float], title: str, dpi: int, steps: int
) -> Figure:
    first, second = [_ticks([row[place] for row in x], 0.5, steps) for place in (0, 1)]
    scores = [[score(x1, x2) for x1 in first] for x2 in second]
    with rc_context(STYLE):
        figure = Figure(figsize=(12, 7.6), dpi=dpi, layout="constrained")
        axes: Axes = figure.add_subplot()
        levels = [level / 4 for level in range(-8, 9)]
        clipped = [[min(max(number, -1.99), 1.99) for number in row] for row in scores]
        filled = axes.contourf(first, second, clipped, levels=levels, cmap=FIELD)
        lowest, highest = min(map(min, scores)), max(map(max, scores))
        for level, style in ((-1.0, "dashed"), (0.0, "solid"), (1.0, "dashed")):
            if lowest < level < highest:
                axes.contour(
                    first,
                    second,
                    scores,
                    levels=[level],
                    colors="black",
                    linewidths=3.5 if level == 0.0 else 1.5,
                    linestyles=style,
                )
        bar = figure.colorbar(filled, ax=axes, ticks=[-2, -1, 0, 1, 2])
        bar.ax.set_yticklabels(["≤ −2", "−1", "0", "1", "≥ 2"])
        bar.set_label("network's score")
        for target, marker, colour in ((-1.0, "o", LOW), (1.0, "s", HIGH)):
            rows = [row for row, wanted in zip(x, y, strict=True) if wanted == target]
            _scatter(axes, rows, 130, marker, colour, f"target {target:+.0f}".replace("-", "−"))
        axes.set(title=title, xlabel="x[0]", ylabel="x[1]", aspect="equal")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, frameon=False)
    return figure


def _ticks(numbers: Sequence[float], beyond: float, count: int) -> list[float]:
    """Return evenly spaced numbers from below the least to beyond the greatest."""
    start, end = min(numbers) - beyond, max(numbers) + beyond
    return [start + (end - start) * place / (count - 1) for place in range(count)]


def save_animation(frames: Sequence[Image.Image], path: Path) -> Path:
    """Write frames into a GIF file that repeats, and return its path. The last one stays longest.

    All frames share the colours of the last, so that nothing flickers.
    """
    palette = frames[-1].quantize(colors=256)
    reduced = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    milliseconds = [150] * (len(frames) - 1) + [2500]
    buffer = io.BytesIO()
    reduced[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=reduced[1:],
        duration=milliseconds,
        loop=0,
        optimize=False,
    )
    return write_atomically(path, buffer.getvalue())


def _scatter(
    axes: Axes, rows: Sequence[Sequence[float]], size: int, marker: str, colour: str, label: str
) -> None:
    axes.scatter(
        [row[0] for row in rows],
        [row[1] for row in rows],
        s=size,
        marker=marker,
        color=colour,
        edgecolors="white",
        linewidths=3 if size > 300 else 1.5,
        zorder=3,
        label=label,
        clip_on=False,
    )


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure into a file, whole or not at all, and return its path."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix[1:])
    return write_atomically(path, buffer.getvalue())
