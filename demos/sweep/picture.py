"""The results of a sweep as a picture: who learned by when, and how the losses went."""

from __future__ import annotations

import bisect
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from demos.plots import STYLE, save_figure
from demos.sweep.report import name_of
from demos.sweep.settings import Sweep, checkpoints
from demos.sweep.statistics import quantile, wilson_interval
from demos.sweep.store import Store

__all__ = ["MOST_GROUPS", "plot_sweep"]

# Of text on white, and none of them red or blue: these are signs (autodiff.drawing.palette).
# Each group has a dash pattern too, and two of the same pattern differ with any colour vision.
COLOURS = ("#000000", "#00765A", "#9A3D7C", "#7A6A00", "#707070", "#6A4FC0", "#3B7D23", "#C2386A")
DASHES = ("solid", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
MOST_GROUPS = len(COLOURS)
MOST_COLUMNS = 4

BANDS = ((0.05, 0.95, 0.18), (0.25, 0.75, 0.30))  # from, to, how dark


@dataclass
class Curves:
    """The curves of the runs that have some factors in common."""

    name: str
    solved_epochs: list[int] = field(default_factory=list)
    losses: list[array[float]] = field(default_factory=list)  # for each checkpoint, of each run

    @property
    def runs(self) -> int:
        return len(self.losses[0])


def curves_of(sweep: Sweep, store: Store, factors: Sequence[str]) -> list[Curves]:
    """Return the curves of each combination of the factors that has runs."""
    groups: dict[str, Curves] = {}
    for configuration in sweep.configurations():
        name = name_of(configuration, factors)
        if name not in groups:
            groups[name] = Curves(name, losses=[array("d") for _ in checkpoints(sweep.epochs)])
        group = groups[name]
        for run in store.runs(configuration, sweep.epochs, sweep.seeds):
            if run.solved_epoch is not None:
                group.solved_epochs.append(run.solved_epoch)
            for kept, loss in zip(group.losses, run.losses, strict=True):
                kept.append(math.inf if loss is None else loss)
    found = [group for group in groups.values() if group.runs]
    for group in found:
        group.solved_epochs.sort()
        # An array holds the numbers of a million runs in a fifth of a list's memory.
        group.losses = [array("d", sorted(kept)) for kept in group.losses]
    return found


def plot_sweep(sweep: Sweep, store: Store, factors: Sequence[str], path: Path) -> Path:
    """Draw the share solved by epoch and the loss's quantiles into a PNG file; return its path.

    There is one curve for each combination of the factors, over all that the others may be, and
    a band with its 95 % confidence interval.
    """
    groups = curves_of(sweep, store, factors)
    rows = max(1, math.ceil(len(groups) / MOST_COLUMNS))
    columns = max(1, math.ceil(len(groups) / rows))
    with rc_context(STYLE):
        figure = Figure(figsize=(18, 9 + 4.5 * rows), dpi=90, layout="constrained")
        figure.get_layout_engine().set(w_pad=0.15, h_pad=0.15)
        above, below = figure.subfigures(2, 1, height_ratios=[9, 4.5 * rows])
        plot_shares(above.add_subplot(), groups, sweep)
        below.suptitle(
            "Loss by epoch: median, and where the middle 50 % and 90 % of the runs are", fontsize=22
        )
        all_axes = below.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat
        below.supxlabel("epochs of training", fontsize=20)
        below.supylabel("loss", fontsize=20)
        for place, axes in enumerate(all_axes):
            if place < len(groups):
                plot_losses(axes, groups[place], sweep, COLOURS[place % MOST_GROUPS])
            else:
                axes.set_visible(False)
        return save_figure(figure, path)


def plot_shares(axes: Axes, groups: Sequence[Curves], sweep: Sweep) -> None:
    """Draw for each group the share of its runs that were solved by each epoch."""
    epochs = sorted({round(1.03**power) for power in range(1000) if 1.03**power < sweep.epochs})
    epochs.append(sweep.epochs)
    ends = []
    for place, group in enumerate(groups):
        counts = [bisect.bisect_left(group.solved_epochs, epoch) for epoch in epochs]
        shares = [100 * count / group.runs for count in counts]
        intervals = [wilson_interval(count, group.runs) for count in counts]
        colour = COLOURS[place % MOST_GROUPS]
        axes.fill_between(
            epochs,
            [100 * low for low, _ in intervals],
            [100 * high for _, high in intervals],
            color=colour,
            alpha=0.18,
            linewidth=0,
        )
        axes.plot(epochs, shares, color=colour, linestyle=DASHES[place % len(DASHES)])
        ends.append((shares[-1], f"{group.name}: {shares[-1]:.0f} %", colour))
    for height, (share, text, colour) in zip(spread([end[0] for end in ends]), ends, strict=True):
        axes.annotate(
            text,
            (sweep.epochs, share),
            xytext=(1.025, height / 100),
            textcoords="axes fraction",
            color=colour,
            va="center",
            fontweight="bold",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 1.0, "relpos": (0.0, 0.5)},
            annotation_clip=False,
        )
    axes.set(
        xlabel="epochs of training",
        ylabel="solved (%)",
        xscale="log",
        xlim=(1, max(sweep.epochs, 2)),
        ylim=(0, 100),
    )
    axes.set_title(
        "Share of the networks that have learned XOR, with 95 % confidence intervals", pad=18
    )
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.3)


def spread(heights: Sequence[float], apart: float = 6.0) -> list[float]:
    """Return heights near the given ones, from 0 to 100 and so far apart that texts fit.

    >>> spread([50.0, 50.0, 10.0])
    [47.0, 53.0, 10.0]
    """
    order = sorted(range(len(heights)), key=heights.__getitem__)
    placed = [heights[place] for place in order]
    for _ in range(200):
        for lower in range(len(placed) - 1):
            overlap = apart - (placed[lower + 1] - placed[lower])
            if overlap > 0.0:
                placed[lower] -= overlap / 2
                placed[lower + 1] += overlap / 2
        placed = [min(max(height, 0.0), 100.0) for height in placed]
    result = [0.0] * len(heights)
    for place, height in zip(reversed(order), reversed(placed), strict=True):
        result[place] = height
    return result


def plot_losses(axes: Axes, group: Curves, sweep: Sweep, colour: str) -> None:
    """Draw quantiles of one group's losses. A loss that is no number counts as infinite."""
    epochs = [epoch + 1 for epoch in checkpoints(sweep.epochs)]
    for low, high, alpha in BANDS:
        axes.fill_between(
            epochs,
            [shown(quantile(kept, low)) for kept in group.losses],
            [shown(quantile(kept, high)) for kept in group.losses],
            color=colour,
            alpha=alpha,
            linewidth=0,
        )
    axes.plot(epochs, [shown(quantile(kept, 0.5)) for kept in group.losses], color=colour)
    axes.set_title(group.name, color=colour, fontsize=18)
    axes.set(xscale="log", yscale="log", ylim=(1e-4, 3.0), xlim=(1, max(sweep.epochs, 2)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.3)


def shown(loss: float) -> float:
    """Return a loss that a logarithmic axis can place."""
    return min(max(loss, 1e-9), 1e9)
