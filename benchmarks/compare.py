"""Contenders for one job: that they do the same, how fast each is, and whether that is enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.c import compiler_version
from benchmarks.interleave import Run, machine, median_seconds, table, version_of

__all__ = [
    "FIGURES",
    "Contender",
    "Figure",
    "check_same_job",
    "compare",
    "figures_table",
    "installed",
    "make_installed",
    "significant",
    "versions",
]

REFERENCE = "eager Value"


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do a job.

    ``make`` returns a fresh run, or what a benchmark makes its job of; ``needs`` is the package
    (or "gcc") that it cannot do without; ``epochs`` is how many it is asked for at once: many where
    they run inside one call.
    """

    name: str
    make: Callable[[], Any]
    needs: str = ""
    epochs: int = 1


@dataclass(frozen=True, slots=True)
class Figure:
    """What is to be reached: ``ours`` at least ``factor`` times as fast as ``against``."""

    job: str
    ours: str
    against: str
    factor: float


FIGURES = (
    Figure("XOR epoch", "eager Value", "micrograd", 5.0),
    Figure("XOR epoch", "eager Value", "PyTorch eager", 2.5),
    Figure("XOR epoch", "compiled Python", "PyTorch eager", 25.0),
    Figure("XOR epoch", "native", "PyTorch eager", 800.0),
    Figure("XOR epoch", "native", "JAX jit + scan", 7.0),
    Figure("XOR epoch", "native", "ddx-ad LLVM", 9.0),
    Figure("XOR epoch", "native", "C by hand, gcc -O3", 1.3),
    Figure("moons step", "eager Value", "micrograd", 7.0),
    Figure("moons step", "native", "PyTorch eager", 60.0),
    Figure("moons step", "native", "ddx-ad LLVM", 7.0),
    Figure("moons step", "native", "JAX jit + scan", 3.0),
    Figure("step of 64 neurons", "native", "C by hand, gcc -O3", 1.0),
    Figure("step of 64 neurons", "native", "C by hand, gcc -O3 -march=native", 1.0),
    Figure("epoch of 256 networks", "native", "JAX vmap + scan", 2.0),
    Figure("600 nodes", "eager Value", "stored derivatives", 1.4),
    Figure("600 nodes", "eager Value", "micrograd", 1.6),
    Figure("60,000 nodes", "eager Value", "stored derivatives", 1.4),
    Figure("60,000 nodes", "eager Value", "micrograd", 1.6),
    Figure("GPT step", "eager Value", "stored derivatives", 1.4),
    Figure("GPT document", "native", "PyTorch eager", 60.0),
    Figure("GPT document", "native", "JAX jit + scan", 3.0),
    Figure("GPT document", "native", "C by hand, float32, -ffast-math", 1.5),
)


def version_needed(needs: str) -> str | None:
    """Return the version of what a contender needs, or None where it is missing."""
    if not needs:
        return ""
    return compiler_version() if needs == "gcc" else version_of(needs)


def installed(contenders: Sequence[Contender]) -> list[Contender]:
    """Return the contenders that can run here, and name the others."""
    found = []
    for contender in contenders:
        if version_needed(contender.needs) is None:
            how = "" if contender.needs == "gcc" else f" (pip install {contender.needs})"
            print(f"{contender.name} is left out: {contender.needs} is not installed{how}")
        else:
            found.append(contender)
    return found


def make_installed(contenders: Sequence[Contender]) -> dict[str, Run]:
    """Return a fresh run of each contender that can run here, and name the others."""
    return {contender.name: contender.make() for contender in installed(contenders)}


def versions(contenders: Sequence[Contender]) -> str:
    """Return the machine, and the versions of the packages that contenders need, if here."""
    needed = sorted({contender.needs for contender in contenders if contender.needs})
    found = [f"{needs} {version}" for needs in needed if (version := version_needed(needs))]
    return "; ".join([machine(), *([", ".join(found)] if found else [])])


def check_same_job(runs: Mapping[str, Run], epochs: int, tolerance: float) -> None:
    """Raise AssertionError unless all runs get the same losses in their first epochs.

    They are compared with those of eager Values, or of the first run where these are too slow.
    """
    losses = {name: [float(loss) for loss in run(epochs)] for name, run in runs.items()}
    reference = losses.get(REFERENCE) or next(iter(losses.values()), [])
    for name, numbers in losses.items():
        worst = max(abs(a - b) for a, b in zip(numbers, reference, strict=True))
        assert worst < tolerance, f"{name} does another job: its losses differ by {worst}"


def compare(job: str, contenders: Sequence[Contender], check_epochs: int, tolerance: float) -> None:
    """Check that all contenders do the job, time them, and print both tables."""
    runs = make_installed(contenders)
    check_same_job(runs, check_epochs, tolerance)
    epochs = {contender.name: contender.epochs for contender in contenders}
    seconds = median_seconds(runs, epochs)
    fastest = "native" if "native" in seconds else next(iter(seconds))
    rows = [[job, "µs", f"times {fastest}"]]
    rows += [
        [name, significant(1e6 * taken), significant(taken / seconds[fastest])]
        for name, taken in seconds.items()
    ]
    print(versions(contenders))
    print(f"float64, one thread, medians of interleaved turns\n\n{table(rows)}\n")
    print(figures_table(job, seconds))


def figures_table(job: str, seconds: Mapping[str, float]) -> str:
    """Return what is to be reached beside what was seen, as a Markdown table."""
    rows = [[job, "against", "at least", "seen", ""]]
    for figure in FIGURES:
        if figure.job != job:
            continue
        seen, verdict = "", "not measured"
        if figure.ours in seconds and figure.against in seconds:
            ratio = seconds[figure.against] / seconds[figure.ours]
            seen, verdict = f"{significant(ratio)}x", "ok" if ratio >= figure.factor else "short"
        rows.append([figure.ours, figure.against, f"{figure.factor:g}x", seen, verdict])
    return table(rows)


def significant(number: float) -> str:
    """Return a number with three significant digits, or all before the decimal point."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
