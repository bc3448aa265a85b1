"""Where the work is done: processes of this machine, or a Dask cluster.

Both are a ``concurrent.futures.Executor``, the standard library's interface for work that is done
elsewhere, so nothing else needs to know which it is.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

from autodiff.support.extras import install
from demos.sweep.training import version

__all__ = [
    "MOST_WORKERS",
    "Workers",
    "WorkersError",
    "dask_workers",
    "local_cores",
    "local_workers",
]

SECONDS_TO_CONNECT = 10

# Windows cannot wait for more processes at once; elsewhere, more than this is a slip of the hand.
MOST_WORKERS = 61 if sys.platform == "win32" else 1000


class WorkersError(Exception):
    """Workers that cannot do the work, or no longer; the message says why."""


@dataclass(frozen=True, slots=True)
class Workers:
    """An executor, and ``count()``, which returns how many tasks it does at once by now."""

    executor: Executor
    count: Callable[[], int]


def local_cores() -> int:
    """Return how many cores this process may use, MOST_WORKERS at the most."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return min(cores, MOST_WORKERS)


@contextlib.contextmanager
def local_workers(count: int) -> Iterator[Workers]:
    """Start processes on this machine, and end them on leaving, when their batches are done.

    Raises WorkersError if one of them ends before.
    """
    executor = ProcessPoolExecutor(
        count,
        # The same on every system, and safe beside the threads of a progress bar.
        mp_context=multiprocessing.get_context("spawn"),
        initializer=begin_worker,
    )
    try:
        with interrupts_held():
            for _ in range(count):
                executor.submit(version)  # starts a process, which is never told then
        yield Workers(executor, lambda: count)
    except BrokenProcessPool:
        raise WorkersError("a worker process ended by itself (out of memory?)") from None
    finally:
        executor.shutdown(cancel_futures=True)


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold interrupts (Ctrl-C) back, here and in processes that start meanwhile, if possible."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)


def begin_worker() -> None:
    """Prepare a local worker: the sweep's process alone answers Ctrl-C, and its end ends all."""
    # Windows tells all processes of a terminal, and cannot hold it back at their start.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """Wait for the sweep's process to end, then end this one, which nobody else would."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextlib.contextmanager
def dask_workers(address: str) -> Iterator[Workers]:
    """Connect to a Dask scheduler; disconnect on leaving.

    A batch whose worker is lost goes to another.  Raises WorkersError if there is no scheduler,
    its workers cannot do the work, or the connection is lost.
    """
    try:
        from distributed import Client, KilledWorker
    except ModuleNotFoundError as error:
        raise WorkersError(f"--scheduler needs {error.name}: {install('sweep')}") from None
    for logger in ("distributed", "distributed.client", "distributed.core", "distributed.utils"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)  # what it would log is raised too
    try:
        client = Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise WorkersError(f"no Dask scheduler answers at {address}: {error}") from None
    with client:
        check_workers(client, address)
        # Without the results of earlier tasks kept under the name of what they computed.
        executor = client.get_executor(pure=False)
        try:
            yield Workers(executor, lambda: max(1, sum(client.nthreads().values())))
        except (CancelledError, OSError):
            raise WorkersError(f"the connection to the scheduler {address} is lost") from None
        except KilledWorker as error:
            raise WorkersError(f"several workers ended in the same batch: {error}") from None
        finally:
            executor.shutdown(wait=False)


def check_workers(client: Any, address: str) -> None:
    """Raise WorkersError unless there are workers, and all have this version of the project."""
    try:
        versions: dict[str, str] = client.run(version)
    except Exception as error:  # Dask raises what a worker could not load as a plain Exception
        raise WorkersError(
            f"the workers of {address} cannot load this project, install it on them: {error}"
        ) from None
    if not versions:
        raise WorkersError(f"the scheduler {address} has no workers; start some with: dask worker")
    for worker, found in versions.items():
        if found != version():
            raise WorkersError(
                f"the worker {worker} has version {found} of the engine, "
                f"but version {version()} asks: install the same on both"
            )
