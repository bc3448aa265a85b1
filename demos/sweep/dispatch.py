"""Handing out the runs of a sweep, and storing what comes back."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass

from demos.sweep.executors import Workers
from demos.sweep.settings import Configuration, Sweep
from demos.sweep.store import Store
from demos.sweep.training import Batch, train_batch

__all__ = ["BatchSize", "run_sweep", "runs_done"]

# A batch takes about this long: much longer than handing it out, short enough to lose.
SECONDS_A_BATCH = 0.5
MOST_RUNS_A_BATCH = 1000

# Each worker has one batch to work on and one to go on with.
BATCHES_A_WORKER = 2


@dataclass
class BatchSize:
    """How many runs to hand out at once, learned from how long they take.

    >>> size = BatchSize()
    >>> size.learn(runs=4, seconds=0.01)
    >>> size.runs
    16
    """

    runs: int = 4

    def learn(self, runs: int, seconds: float) -> None:
        """Take note of a batch. The size grows by a factor of 4 at most: the first are slow."""
        wanted = round(runs * SECONDS_A_BATCH / max(seconds, 1e-6))
        self.runs = max(1, min(wanted, 4 * self.runs, MOST_RUNS_A_BATCH))


def runs_done(sweep: Sweep, store: Store) -> int:
    """Return how many of the sweep's runs are stored."""
    return sum(store.count(c, sweep.epochs, sweep.seeds) for c in sweep.configurations())


def missing_batches(
    sweep: Sweep, store: Store, size: BatchSize
) -> Iterator[tuple[Configuration, list[int]]]:
    """Yield configurations with some seeds, until all that is not stored has been handed out."""
    for configuration in sweep.configurations():
        done = store.seeds(configuration, sweep.epochs)
        missing = (seed for seed in range(sweep.seeds) if seed not in done)
        while seeds := list(itertools.islice(missing, size.runs)):
            yield configuration, seeds


def run_sweep(
    sweep: Sweep,
    store: Store,
    workers: Workers,
    engine: str = "auto",
    progress: Callable[[int], object] | None = None,
) -> int:
    """Train all runs of the sweep that are not stored, store them, and return their number.

    ``progress(runs)`` is called whenever runs were stored.  If a worker raises, or this is
    interrupted, what is stored stays, and what is not begun is cancelled.
    """
    size = BatchSize()
    batches = missing_batches(sweep, store, size)
    running: set[Future[Batch]] = set()
    trained = 0
    exhausted = False
    try:
        while True:
            while not exhausted and len(running) < BATCHES_A_WORKER * workers.count():
                batch = next(batches, None)
                if batch is None:
                    exhausted = True
                else:
                    configuration, seeds = batch
                    running.add(
                        workers.executor.submit(
                            train_batch, configuration, sweep.epochs, seeds, engine
                        )
                    )
            if not running:
                return trained
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in sorted(finished, key=has_failed):
                result = future.result()
                store.add(result, sweep.epochs)
                size.learn(len(result.runs), result.seconds)
                trained += len(result.runs)
                if progress is not None:
                    progress(len(result.runs))
    finally:
        for future in running:
            future.cancel()


def has_failed(future: Future[Batch]) -> bool:
    """Return whether a finished task has no result, so that those that have one come first."""
    return future.cancelled() or future.exception() is not None
