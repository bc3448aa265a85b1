"""The results of a sweep as tables: text for a terminal, Markdown and CSV for files."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from demos.sweep.settings import FACTORS, Configuration, Sweep, checkpoints
from demos.sweep.statistics import quantile, wilson_interval
from demos.sweep.store import Store
from demos.sweep.training import Run

__all__ = ["Group", "grouped", "markdown_report", "runs_csv", "table"]

HEADINGS = ("runs", "solved", "share", "95 % interval", "median epoch", "all right at the end")


@dataclass
class Group:
    """The runs that have some factors in common, and what is known of them so far.

    ``solved_epochs`` has one entry for each run that was solved.
    """

    name: str
    runs: int = 0
    correct: int = 0
    solved_epochs: list[int] = field(default_factory=list)

    def add(self, run: Run) -> None:
        """Count a run."""
        self.runs += 1
        self.correct += run.correct == 4
        if run.solved_epoch is not None:
            self.solved_epochs.append(run.solved_epoch)

    @property
    def solved(self) -> int:
        """How many runs were solved."""
        return len(self.solved_epochs)

    @property
    def share(self) -> float:
        """The share of runs that were solved; nan without runs."""
        return self.solved / self.runs if self.runs else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The limits of the share's 95 % confidence interval."""
        return wilson_interval(self.solved, self.runs)

    @property
    def median_epoch(self) -> float:
        """The epoch by which half of all runs were solved; infinity if fewer were."""
        unsolved = [math.inf] * (self.runs - self.solved)
        epochs = [*sorted(map(float, self.solved_epochs)), *unsolved]
        return quantile(epochs, 0.5) if epochs else math.inf

    def cells(self) -> tuple[str, ...]:
        """Return the group's row of a table, without its name."""
        low, high = self.interval
        median = f"{self.median_epoch:,.0f}" if self.median_epoch < math.inf else "–"
        if not self.runs:
            return ("0", "0", "–", "–", "–", "–")
        return (
            f"{self.runs:,}",
            f"{self.solved:,}",
            f"{100 * self.share:.1f} %",
            f"{100 * low:.1f} – {100 * high:.1f} %",
            median,
            f"{100 * self.correct / self.runs:.1f} %",
        )


def name_of(configuration: Configuration, factors: Sequence[str]) -> str:
    """Return what a group is called in which these factors are as in the configuration."""
    values = [getattr(configuration, factor) for factor in factors]
    return ", ".join(
        f"lr {value:g}" if isinstance(value, float) else value.replace("_", "-") for value in values
    )


def grouped(sweep: Sweep, store: Store, factors: Sequence[str]) -> dict[str, Group]:
    """Return a group for each combination of the factors, with the runs that are stored."""
    groups: dict[str, Group] = {}
    for configuration in sweep.configurations():
        name = name_of(configuration, factors)
        group = groups.setdefault(name, Group(name))
        for run in store.runs(configuration, sweep.epochs, sweep.seeds):
            group.add(run)
    return groups


def table(name: str, groups: Iterable[Group]) -> str:
    """Return a Markdown table, aligned so that it reads well as text too."""
    rows = [(name, *HEADINGS), *((group.name, *group.cells()) for group in groups)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for place, row in enumerate(rows):
        cells = [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]
        lines.append(f"| {' | '.join(cells)} |")
        if place == 0:
            rules = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
            lines.append(f"| {' | '.join(rules)} |")
    return "\n".join(lines) + "\n"


def factor_tables(sweep: Sweep, store: Store) -> list[str]:
    """Return a table for each factor that the sweep varies; if it varies none, one of all."""
    everything = grouped(sweep, store, FACTORS)
    tables = []
    for factor in FACTORS:
        merged: dict[str, Group] = {}
        for configuration in sweep.configurations():
            part = everything[name_of(configuration, FACTORS)]
            name = name_of(configuration, [factor])
            whole = merged.setdefault(name, Group(name))
            whole.runs += part.runs
            whole.correct += part.correct
            whole.solved_epochs += part.solved_epochs
        if len(merged) > 1:
            tables.append(table(factor.replace("_", " "), merged.values()))
    return tables or [table(", ".join(FACTORS), everything.values())]


def by_share(group: Group) -> float:
    """Return what sorts groups from the best to the worst."""
    return -group.share if group.runs else math.inf


def markdown_report(sweep: Sweep, store: Store) -> str:
    """Return the whole report as Markdown."""
    everything = grouped(sweep, store, FACTORS)
    runs = sum(group.runs for group in everything.values())
    last = checkpoints(sweep.epochs)[-1]
    parts = [
        "# How often does a 2-4-1 network learn XOR?\n",
        f"{runs:,} of {len(sweep):,} runs: {len(everything)} configurations, "
        f"{sweep.seeds:,} seeds each, full-batch gradient descent for {sweep.epochs:,} epochs "
        f"(0 to {last:,}).\n",
        "A run is *solved* at the first epoch whose loss is below a quarter of what one "
        "prediction halfway between 0 and 1 costs (mean squared error 0.0625, cross-entropy "
        "0.1733): then all four rows are right. The interval is Wilson's. The median epoch is "
        "that by which half of all runs were solved (–: fewer than half were).\n",
        "![Share solved by epoch, and quantiles of the loss](sweep.png)\n",
        "## By each factor, over all others\n",
        *factor_tables(sweep, store),
        "## Every configuration, best first\n",
        table(", ".join(FACTORS), sorted(everything.values(), key=by_share)),
    ]
    return "\n".join(parts)


def runs_csv(sweep: Sweep, store: Store) -> str:
    """Return every run as a line of CSV, with its loss at the last epoch."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FACTORS, "epochs", "seed", "solved_epoch", "correct", "final_loss"])
    for configuration in sweep.configurations():
        factors = [getattr(configuration, factor) for factor in FACTORS]
        for run in store.runs(configuration, sweep.epochs, sweep.seeds):
            numbers = [run.seed, run.solved_epoch, run.correct, run.losses[-1]]
            writer.writerow([*factors, sweep.epochs, *numbers])
    return text.getvalue()
