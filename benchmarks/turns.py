"""Fair timing with Python's cyclic collector on: contenders in processes of their own take turns.

The collector is one for a process.  In a process with others, a contender would pay for looking
through their objects and for the garbage that they leave, and would run with collector thresholds
that one of them set.  By itself it meets the collector as in a program of its user's, and what
such a program builds up, be it a threshold or an old generation, stays from turn to turn.

A turn is several calls in a row and counts by its mean, as not every call meets a collection.
The time is the process's own (``time.process_time``), so that other programs disturb it less.
"""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any

__all__ = ["Numbers", "Worker", "check_same_numbers", "seconds_in_turns"]

ROUNDS = 3
TURNS = 5
ENOUGH_SECONDS = 2.0

# Does a job once and returns what it found: the loss first, then gradients.
Numbers = Callable[[], Sequence[float]]


class Worker:
    """A process that does one contender's job whenever it is asked to.

    It calls ``make(contender, *arguments)`` of a module, which returns the job.  ``numbers`` are
    those of its first call, which is not timed.
    """

    def __init__(self, module: str, contender: str, arguments: Sequence[str]) -> None:
        command = [sys.executable, "-m", "benchmarks.turns", module, contender, *arguments]
        self.contender = contender
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.numbers: list[float] = self._answer()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """Let the process end, as there will be no more turns."""
        self.process.communicate()

    def turn(self, calls: int) -> float:
        """Let it do its job so many times, and return the mean seconds of a call."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{calls}\n")
        self.process.stdin.flush()
        return float(self._answer())

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.end()
            raise RuntimeError(f"the process of {self.contender} ended: its error is above")
        return json.loads(line)


def check_same_numbers(found: Mapping[str, Sequence[float]], reference: str) -> None:
    """Raise AssertionError unless all contenders found the numbers of the reference.

    They may differ by rounding: 1e-10 of a number, or 1e-10 where it is small.
    """
    for name, numbers in found.items():
        for one, other in zip(numbers, found[reference], strict=True):
            alike = math.isclose(one, other, rel_tol=1e-10, abs_tol=1e-10)
            assert alike, f"{name} does another job: it found {one}, not {other}"


def seconds_in_turns(
    module: str,
    contenders: Sequence[str],
    arguments: Sequence[str],
    calls: int,
    rounds: int = ROUNDS,
    turns: int = TURNS,
) -> dict[str, list[float]]:
    """Return each contender's mean seconds of a call in each of its turns of so many calls.

    A round has fresh processes, as how one lies in memory counts, too; a contender that has had
    ``ENOUGH_SECONDS`` sits out the rest of it.  The numbers that the first contender finds are
    those that the others have to find.
    """
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        with ExitStack() as stack:
            workers = [stack.enter_context(Worker(module, name, arguments)) for name in contenders]
            found = {worker.contender: worker.numbers for worker in workers}
            check_same_numbers(found, reference=contenders[0])
            for worker, seconds in _round(workers, calls, turns):
                samples[worker.contender].append(seconds)
    return samples


def _round(workers: Sequence[Worker], calls: int, turns: int) -> Iterator[tuple[Worker, float]]:
    """Yield each worker, whose turn it was, and its mean seconds of a call."""
    had = dict.fromkeys(workers, 0.0)
    for _ in range(turns):
        for worker in workers:
            if had[worker] < ENOUGH_SECONDS:
                seconds = worker.turn(calls)
                had[worker] += seconds * calls
                yield worker, seconds


def serve(job: Numbers) -> None:
    """Do the job, print its numbers; then read how often to do it, and print the mean seconds."""
    print(json.dumps(list(job())), flush=True)
    for line in sys.stdin:
        calls = int(line)
        started = time.process_time()
        for _ in range(calls):
            job()
        print(json.dumps((time.process_time() - started) / calls), flush=True)


def main() -> None:
    """Be a worker: do the job that its arguments name, as ``Worker`` gives them."""
    module, contender, *arguments = sys.argv[1:]
    sys.setrecursionlimit(100_000)  # some peers walk a graph by recursion
    make: Callable[..., Numbers] = importlib.import_module(module).make
    serve(make(contender, *arguments))


if __name__ == "__main__":
    main()
