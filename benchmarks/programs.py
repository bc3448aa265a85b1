"""Whole programs on their own engines and on autodiff's Value: ``python -m benchmarks.programs``.

Each of ``tests/programs`` runs as its users run it, from the first import to the last line that
it prints, with Python's garbage collector on.  The two take turns; the medians count.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from functools import partial

from autodiff import Value
from benchmarks.interleave import calls_in_turns, machine, table
from tests.programs.runner import WRITTEN_FOR, run

__all__ = ["median_times", "times_table"]

TURNS = 15


def median_times(program: str, turns: int = TURNS) -> tuple[float, float]:
    """Return the median times of a program on its own engine and on autodiff, in seconds.

    Raises AssertionError if it does not print the same on both.
    """
    own = WRITTEN_FOR[program]
    assert run(program, Value).text == run(program, own).text, f"{program} prints something else"
    jobs = {"own": partial(run, program, own), "autodiff": partial(run, program, Value)}
    samples = calls_in_turns(jobs, turns, seconds_a_turn=0.0)
    return statistics.median(samples["own"]), statistics.median(samples["autodiff"])


def times_table(seconds: Mapping[str, tuple[float, float]]) -> str:
    """Return the times of each program, and how many times as fast it is on autodiff."""
    rows = [["program", "written for", "its own engine, ms", "autodiff, ms", "times as fast"]]
    for program, (own, ours) in seconds.items():
        kind = WRITTEN_FOR[program].__name__
        rows.append([program, kind, f"{1000 * own:.0f}", f"{1000 * ours:.0f}", f"{own / ours:.2f}"])
    return table(rows)


def main() -> None:
    """Print the table."""
    print(machine())
    print(f"\n{times_table({program: median_times(program) for program in WRITTEN_FOR})}")


if __name__ == "__main__":
    main()
