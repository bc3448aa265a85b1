"""Fair timing: contenders take turns in one process, and the median of many turns counts."""

from __future__ import annotations

import gc
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["Run", "calls_in_turns", "machine", "median_seconds", "table", "version_of"]

ENOUGH_SECONDS = 3.0

# Trains a number of further epochs and returns the loss of each.
Run = Callable[[int], Sequence[Any]]


def median_seconds(
    runs: Mapping[str, Run],
    epochs_at_once: Mapping[str, int],
    turns: int = 61,
    seconds_a_turn: float = 0.01,
) -> dict[str, float]:
    """Return the median time of one epoch of each run, in seconds.

    The runs take turns, so that a machine that slows down slows all of them; each turn calls
    its run, with its number of epochs at once, often enough to last about ``seconds_a_turn``.
    Many short turns: what else the machine does then disturbs some of them, not the median.
    """
    jobs = {name: _call(run, epochs_at_once[name]) for name, run in runs.items()}
    samples = calls_in_turns(jobs, turns, seconds_a_turn)
    return {name: statistics.median(samples[name]) / epochs_at_once[name] for name in runs}


def _call(run: Run, epochs: int) -> Callable[[], object]:
    def call() -> object:
        return run(epochs)

    return call


def calls_in_turns(
    jobs: Mapping[str, Callable[[], object]], turns: int, seconds_a_turn: float
) -> dict[str, list[float]]:
    """Return the mean time of a call of each job in each turn, in seconds.

    A job that has had ``ENOUGH_SECONDS`` and three turns sits out the others.  The thresholds of
    Python's cyclic collector are those that this process had; what a job sets is its own.
    """
    thresholds = dict.fromkeys(jobs, gc.get_threshold())
    calls = {}
    for name, job in jobs.items():
        with _own_thresholds(thresholds, name):
            calls[name] = _calls_in(job, seconds_a_turn)
    samples: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(turns):
        for name, job in jobs.items():
            found = samples[name]
            if len(found) < 3 or sum(found) * calls[name] < ENOUGH_SECONDS:
                with _own_thresholds(thresholds, name):
                    found.append(_time(job, calls[name]))
    return samples


@contextmanager
def _own_thresholds(thresholds: dict[str, tuple[int, int, int]], name: str) -> Iterator[None]:
    """Give a job the collector's thresholds that its last turn ended with; keep the new ones."""
    before = gc.get_threshold()
    gc.set_threshold(*thresholds[name])
    try:
        yield
        thresholds[name] = gc.get_threshold()
    finally:
        gc.set_threshold(*before)


def _calls_in(job: Callable[[], object], seconds: float) -> int:
    job()  # the first call may compile
    calls, took = 1, _time(job, 1)
    while took * calls < seconds / 4 and calls < 1_000_000:
        calls *= 4
        took = _time(job, calls)
    return max(1, round(seconds / took))


def _time(job: Callable[[], object], calls: int) -> float:
    """Return the mean time of one call, over that many."""
    started = time.perf_counter()
    for _ in range(calls):
        job()
    return (time.perf_counter() - started) / calls


def version_of(package: str) -> str | None:
    """Return the installed version of a package, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def machine() -> str:
    """Return the processor and the Python that the figures are of."""
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0].partition(":")[2].strip() if names else model
    return f"{model}, {platform.system()}, Python {sys.version.split()[0]}"


def table(rows: list[list[str]]) -> str:
    """Return rows (the first is the heading) as a Markdown table with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
