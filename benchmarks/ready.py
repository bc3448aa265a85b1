"""Time from a model to its first trained epoch, native: ``python -m benchmarks.ready``.

Each repetition is a process of its own, so that nothing is warm, with llvmlite imported before the
clock starts; the two jobs take turns, and the median of each stage counts.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from autodiff import Program
from benchmarks import moons, xor
from benchmarks.interleave import machine, table, version_of

REPETITIONS = 11
STAGES = ("registers", "machine code", "first epoch", "all")
# Milliseconds, at most.
FIGURES = {"XOR": 60.0, "moons": 250.0}


def make_xor() -> tuple[Program, dict[str, Any]]:
    """Return the program of the whole data set."""
    return xor.program("native"), {}


def make_moons() -> tuple[Program, dict[str, Any]]:
    """Return the program of one row, and the rows it runs over."""
    return moons.program("native"), {"rows": moons.MOONS.rows}


JOBS: dict[str, Callable[[], tuple[Program, dict[str, Any]]]] = {
    "XOR": make_xor,
    "moons": make_moons,
}


def milliseconds(job: str) -> list[float]:
    """Return the time of each stage: graph and registers, machine code, first epoch, all."""
    importlib.import_module("llvmlite.binding")
    began = time.perf_counter()
    program, options = JOBS[job]()
    built = time.perf_counter()
    _ = program.runner
    compiled = time.perf_counter()
    program.run(1, **options)
    ended = time.perf_counter()
    stages = (built - began, compiled - built, ended - compiled, ended - began)
    return [1e3 * seconds for seconds in stages]


def in_a_fresh_process(job: str) -> list[float]:
    """Return ``milliseconds`` as another process measures it."""
    command = [sys.executable, "-m", "benchmarks.ready", "--once", job]
    return list(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def main() -> None:
    """Print the table, or one repetition's numbers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ready", description=__doc__)
    parser.add_argument("--once", choices=JOBS, help="measure here, once, and print JSON")
    once = parser.parse_args().once
    if once:
        print(json.dumps(milliseconds(once)))
        return
    if version_of("llvmlite") is None:
        print("native is left out: llvmlite is not installed (pip install llvmlite)")
        return
    samples: dict[str, list[list[float]]] = {job: [] for job in JOBS}
    for _ in range(REPETITIONS):
        for job, found in samples.items():
            found.append(in_a_fresh_process(job))
    rows = [["ready to run, ms", *STAGES, "at most", ""]]
    for job, found in samples.items():
        medians = [statistics.median(column) for column in zip(*found, strict=True)]
        verdict = "ok" if medians[-1] <= FIGURES[job] else "short"
        rows.append([job, *[f"{ms:.1f}" for ms in medians], f"{FIGURES[job]:g}", verdict])
    print(f"{machine()}; llvmlite {version_of('llvmlite')}")
    print(f"medians of {REPETITIONS} fresh processes, llvmlite imported\n\n{table(rows)}")


if __name__ == "__main__":
    main()
