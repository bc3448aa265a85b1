"""The XOR sweep on a real Dask cluster: a scheduler and two workers on the loopback address."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from demos.sweep.dispatch import run_sweep
from demos.sweep.executors import WorkersError, dask_workers, local_workers
from demos.sweep.settings import Sweep
from demos.sweep.store import Store
from tests.test_sweep import COMMAND, end, rows_of, start, wait_for_runs

distributed = pytest.importorskip("distributed", reason="a Dask cluster needs the extra 'sweep'")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="workers are killed by POSIX signals")

SECONDS_TO_START = 60

# What COMMAND sweeps with these options.
SLOW = Sweep(("sigmoid", "tanh", "relu"), ("mse", "cross_entropy"), ("he",), (0.5,), 1500, 15)
OPTIONS = ["--epochs", "1500", "--seeds", "15", "--learning-rates", "0.5"]


@dataclass
class Cluster:
    """A scheduler's address, and the processes of its workers by their names."""

    folder: Path
    address: str = ""
    scheduler: subprocess.Popen[str] | None = None
    workers: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def add_worker(self, name: str) -> None:
        """Start a worker, and wait until the scheduler knows it."""
        self.workers[name] = start(
            [
                *(sys.executable, "-m", "distributed.cli.dask_worker", self.address),
                *("--name", name, "--host", "127.0.0.1", "--nthreads", "1", "--nworkers", "1"),
                *("--no-nanny", "--no-dashboard", "--local-directory", str(self.folder)),
            ]
        )
        with distributed.Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(len(self.workers), timeout=SECONDS_TO_START)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster without workers; what was started is ended by its process id."""
    file = tmp_path / "scheduler.json"
    cluster = Cluster(tmp_path)
    scheduler = cluster.scheduler = start(
        [
            *(sys.executable, "-m", "distributed.cli.dask_scheduler"),
            *("--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
            *("--scheduler-file", str(file)),
        ]
    )
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not cluster.address:
            assert scheduler.poll() is None, scheduler.communicate()
            assert time.monotonic() < deadline, "no scheduler within a minute"
            time.sleep(0.05)
            with suppress(OSError, ValueError, KeyError):
                cluster.address = json.loads(file.read_text())["address"]
        yield cluster
    finally:
        for process in (*cluster.workers.values(), scheduler):
            end(process)


def tasks_of(client: Any, name: str) -> int:
    """Return how many tasks the scheduler has given to the worker of that name."""
    workers = client.scheduler_info()["workers"]
    (of_name,) = (worker for worker, info in workers.items() if info["name"] == name)
    return len(client.processing()[of_name])


@pytest.fixture(scope="module")
def slow_expected(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """The runs of SLOW, trained on one local core."""
    return local_rows(SLOW, tmp_path_factory.mktemp("local"))


def local_rows(sweep: Sweep, folder: Path) -> list[tuple[Any, ...]]:
    """Return what a sweep on one local core stores."""
    path = folder / "local.sqlite"
    with Store(path) as store, local_workers(1) as workers:
        run_sweep(sweep, store, workers, "python")
    return rows_of(path)


@pytest.mark.unmeasured
def test_with_one_of_two_workers_killed_midway_every_run_is_there_once_and_has_its_bits(
    cluster: Cluster, tmp_path: Path, slow_expected: list[tuple[Any, ...]]
) -> None:
    cluster.add_worker("one")
    cluster.add_worker("two")
    path = tmp_path / "sweep.sqlite"
    with distributed.Client(cluster.address, set_as_default=False) as client:
        process = start(
            [*COMMAND, *OPTIONS, "--scheduler", cluster.address, "--out", str(tmp_path)]
        )
        try:
            wait_for_runs(path, 20, process)
            assert tasks_of(client, "two") > 0
            os.kill(cluster.workers["two"].pid, signal.SIGKILL)
            assert len(rows_of(path)) < len(SLOW)
            output, errors = process.communicate(timeout=90)
        finally:
            end(process)
    assert process.returncode == 0, errors
    assert f"Trained {len(SLOW)} networks" in output
    assert rows_of(path) == slow_expected


@pytest.mark.thorough
def test_a_cluster_without_workers_is_told_and_a_sweep_begun_on_one_ends_on_local_cores(
    cluster: Cluster, tmp_path: Path
) -> None:
    sweep = Sweep(("tanh", "relu"), ("mse",), ("uniform",), (0.5,), epochs=50, seeds=6)
    with pytest.raises(WorkersError, match="has no workers; start some with: dask worker"):
        dask_workers(cluster.address).__enter__()
    cluster.add_worker("only")
    path = tmp_path / "sweep.sqlite"
    half = Sweep(sweep.activations, sweep.losses, sweep.initialisations, (0.5,), 50, seeds=3)
    with Store(path) as store:
        with dask_workers(cluster.address) as workers:
            assert workers.count() == 1
            run_sweep(half, store, workers, "python")
        with local_workers(1) as workers:
            assert run_sweep(sweep, store, workers, "python") == 6
    assert rows_of(path) == local_rows(sweep, tmp_path)


@pytest.mark.unmeasured
def test_the_end_of_the_scheduler_is_told_and_the_sweep_goes_on_elsewhere(
    cluster: Cluster, tmp_path: Path, slow_expected: list[tuple[Any, ...]]
) -> None:
    cluster.add_worker("only")
    path = tmp_path / "sweep.sqlite"
    process = start([*COMMAND, *OPTIONS, "--scheduler", cluster.address, "--out", str(tmp_path)])
    try:
        wait_for_runs(path, 10, process)
        assert cluster.scheduler is not None
        os.kill(cluster.scheduler.pid, signal.SIGKILL)
        _, errors = process.communicate(timeout=90)
    finally:
        end(process)
    assert process.returncode == 1
    assert errors == (
        f"error: the connection to the scheduler {cluster.address} is lost.\n"
        f"All finished runs are in {path}; the same command goes on from there.\n"
    )
    stored = rows_of(path)
    assert 10 <= len(stored) < len(SLOW)
    assert set(stored) < set(slow_expected)


def test_an_address_without_a_scheduler_is_an_error_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("demos.sweep.executors.SECONDS_TO_CONNECT", 1)
    with (
        pytest.raises(WorkersError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9:"),
        dask_workers("tcp://127.0.0.1:9"),
    ):
        pass
