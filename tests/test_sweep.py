"""The XOR sweep: exact results, each run once whatever happens, and an honest report."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import autodiff
import nn
from demos.lab import LAB
from demos.sweep.command import main
from demos.sweep.dispatch import BatchSize, missing_batches, run_sweep, runs_done
from demos.sweep.executors import (
    MOST_WORKERS,
    Workers,
    WorkersError,
    check_workers,
    dask_workers,
    interrupts_held,
    local_cores,
    local_workers,
)
from demos.sweep.picture import curves_of, spread
from demos.sweep.report import factor_tables, grouped, markdown_report, name_of
from demos.sweep.settings import FACTORS, Configuration, Sweep, checkpoints
from demos.sweep.statistics import quantile, wilson_interval
from demos.sweep.store import Store, StoreError
from demos.sweep.training import (
    INITIALISATIONS,
    LOSSES,
    TRAINERS,
    Batch,
    Run,
    initialise,
    train_batch,
)
from tests.bits import all_bits

ROOT = Path(__file__).resolve().parent.parent

SMALL = Sweep(("tanh", "relu"), ("mse", "cross_entropy"), ("uniform", "he"), (0.5,), 60, seeds=5)
KEY = "activation, loss, initialisation, learning_rate, epochs, seed"


def rows_of(path: Path) -> list[tuple[Any, ...]]:
    """Return all that an SQLite file knows about runs, in the order of their keys."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute(f"SELECT * FROM runs ORDER BY {KEY}").fetchall()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """The runs of SMALL, trained here one by one, each in a batch of its own."""
    path = tmp_path_factory.mktemp("expected") / "sweep.sqlite"
    with Store(path) as store:
        for configuration in SMALL.configurations():
            for seed in range(SMALL.seeds):
                store.add(train_batch(configuration, SMALL.epochs, [seed], "python"), SMALL.epochs)
    return rows_of(path)


# ---- statistics --------------------------------------------------------------------------------


# R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_are_those_of_the_literature(
    successes: int, trials: int, low: float, high: float
) -> None:
    found = wilson_interval(successes, trials)
    assert [round(limit, 4) for limit in found] == [low, high]


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_limit_of_wilsons_interval_is_just_rejected_by_the_score_test(
    counts: tuple[int, int],
) -> None:
    successes, trials = counts
    share = successes / trials
    low, high = wilson_interval(successes, trials)
    assert 0.0 <= low <= share <= high <= 1.0
    for limit in (low, high):
        if 0.0 < limit < 1.0:
            score = abs(share - limit) / math.sqrt(limit * (1.0 - limit) / trials)
            assert score == pytest.approx(1.959964, abs=1e-5)


def test_without_trials_the_share_may_be_anything() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


@given(st.lists(st.integers(0, 9), min_size=1), st.floats(0.01, 1.0))
def test_a_quantile_is_the_least_number_that_enough_others_do_not_exceed(
    numbers: list[int], share: float
) -> None:
    ascending = sorted(map(float, numbers))
    enough = [x for x in ascending if sum(y <= x for y in ascending) >= share * len(ascending)]
    assert quantile(ascending, share) == min(enough)


@given(st.integers(1, 10**7))
def test_checkpoints_begin_with_the_first_epoch_and_end_with_the_last(epochs: int) -> None:
    kept = checkpoints(epochs)
    assert kept[0] == 0
    assert kept[-1] == epochs - 1
    assert kept == sorted(set(kept))


# ---- training ----------------------------------------------------------------------------------


@pytest.mark.unmeasured
@pytest.mark.parametrize("initialisation", INITIALISATIONS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_a_run_has_the_bits_of_nn_fit_with_the_readable_engine(
    activation: str, loss: str, initialisation: str
) -> None:
    epochs, seed = 400, 11
    lr = 1.0 / (1 + list(INITIALISATIONS).index(initialisation))  # all are one program
    settings = LOSSES[loss]
    model = nn.MLP(
        2, [4, 1], activation=activation, output_activation=settings.output_activation, rng=0
    )
    initialise(model, initialisation, seed)
    losses = nn.fit(
        model,
        LAB.x,
        LAB.y,
        loss=settings.function,
        optimizer=nn.SGD(model.parameters(), lr=lr),
        epochs=epochs,
        engine="eager",
    ).losses
    right = [
        (model(x).data > settings.middle) == (y == 1) for x, y in zip(LAB.x, LAB.y, strict=True)
    ]
    solved = [epoch for epoch, number in enumerate(losses) if number < settings.solved_below]

    configuration = Configuration(activation, loss, initialisation, lr)
    (_, run) = train_batch(configuration, epochs, [3, seed], "python").runs
    assert run.seed == seed
    assert all_bits(map(float, run.losses)) == all_bits(losses[k] for k in checkpoints(epochs))
    assert run.solved_epoch == (solved[0] if solved else None)
    assert run.correct == sum(right)


def test_networks_that_differ_in_start_and_rate_alone_are_one_program() -> None:
    TRAINERS.get.cache_clear()
    both = [Configuration("tanh", "mse", "he", 1.0), Configuration("tanh", "mse", "normal", 0.1)]
    runs = [train_batch(configuration, 50, [3], "python").runs for configuration in both]
    assert TRAINERS.get.cache_info().misses == 1
    assert [train_batch(each, 50, [3], "python").runs for each in both[::-1]] == runs[::-1]


def test_both_engines_give_the_same_bits() -> None:
    pytest.importorskip("llvmlite", reason="the native engine needs llvmlite")
    for configuration in SMALL.configurations():
        python = train_batch(configuration, 300, [0, 7], "python").runs
        assert train_batch(configuration, 300, [0, 7], "native").runs == python


def test_some_runs_learn_and_some_do_not() -> None:
    # Otherwise the tests above could not tell a wrong "solved" from a right one.
    runs = train_batch(Configuration("relu", "mse", "uniform", 1.0), 2000, range(30), "python").runs
    assert 0 < sum(run.solved_epoch is not None for run in runs) < 30
    assert {run.correct for run in runs} >= {2, 4}


@pytest.mark.parametrize("loss", LOSSES)
@given(places=st.lists(st.floats(0.001, 0.999), min_size=4, max_size=4))
def test_a_loss_that_counts_as_solved_has_all_four_rows_right(
    loss: str, places: list[float]
) -> None:
    settings = LOSSES[loss]
    outputs = places
    if settings.output_activation is None:
        outputs = [math.log(place / (1.0 - place)) for place in places]
    value = settings.function([nn.layers.Value(output) for output in outputs], LAB.y).data
    if value < settings.solved_below:
        assert [place > 0.5 for place in places] == [target == 1.0 for target in LAB.y]


@pytest.mark.parametrize(("loss", "perfect"), [("mse", 1.0), ("cross_entropy", 40.0)])
def test_one_undecided_row_among_perfect_ones_costs_just_what_counts_as_solved(
    loss: str, perfect: float
) -> None:
    settings = LOSSES[loss]
    no = 0.0 if loss == "mse" else -perfect
    outputs = [nn.layers.Value(x) for x in (no, perfect, perfect, settings.middle)]
    assert settings.function(outputs, LAB.y).data == pytest.approx(settings.solved_below, rel=1e-12)


def test_uniform_starts_are_those_of_a_network_made_from_the_seed() -> None:
    model = nn.MLP(2, [4, 1], rng=0)
    for seed in range(20):
        initialise(model, "uniform", seed)
        made = nn.MLP(2, [4, 1], rng=seed)
        assert model.state_dict() == made.state_dict()


@pytest.mark.parametrize(
    ("initialisation", "deviations"),
    # Of weights of the hidden layer (2 in, 4 out) and of the output layer (4 in, 1 out): a
    # uniform distribution in ±a has the standard deviation a/sqrt(3).
    [
        ("uniform", (math.sqrt(1 / 2 / 3), math.sqrt(1 / 4 / 3))),
        ("glorot", (math.sqrt(2 / 6), math.sqrt(2 / 5))),
        ("he", (1.0, math.sqrt(1 / 2))),
        ("normal", (1.0, 1.0)),
    ],
)
def test_initial_weights_have_the_spread_that_their_papers_ask_for(
    initialisation: str, deviations: tuple[float, float]
) -> None:
    model = nn.MLP(2, [4, 1], rng=0)
    weights: tuple[list[float], list[float]] = [], []
    biases = []
    for seed in range(1000):
        initialise(model, initialisation, seed)
        for layer, kept in zip(model.layers, weights, strict=True):
            kept += [weight.data for neuron in layer.neurons for weight in neuron.w]
            biases += [neuron.b.data for neuron in layer.neurons]
    for kept, deviation in zip(weights, deviations, strict=True):
        assert statistics.pstdev(kept) == pytest.approx(deviation, rel=0.05)
        assert abs(statistics.mean(kept)) < 0.06 * deviation  # 4 standard errors
    assert (set(biases) == {0.0}) == (initialisation in ("glorot", "he"))


def test_a_loss_that_is_no_number_is_stored_as_null(tmp_path: Path) -> None:
    configuration = Configuration("relu", "mse", "normal", 1e308)
    batch = train_batch(configuration, 30, range(8), "python")
    assert any(None in run.losses for run in batch.runs)
    with Store(tmp_path / "sweep.sqlite") as store:
        store.add(batch, 30)
        assert list(store.runs(configuration, 30, 8)) == batch.runs


# ---- the file ----------------------------------------------------------------------------------

ONE = Configuration("tanh", "mse", "uniform", 0.1)
BATCH = Batch(ONE, [Run(0, 3, 4, [0.1, 1 / 3, 5e-324]), Run(1, None, 2, [0.25, 0.25, None])], 0.1)


def test_runs_come_back_as_they_were_added(tmp_path: Path) -> None:
    with Store(tmp_path / "sweep.sqlite") as store:
        store.add(BATCH, 3)
    with Store(tmp_path / "sweep.sqlite") as store:
        assert list(store.runs(ONE, 3, 2)) == BATCH.runs
        assert store.seeds(ONE, 3) == {0, 1}
        assert store.seeds(ONE, 4) == set()
        assert list(store.runs(ONE, 3, 1)) == BATCH.runs[:1]


def test_a_run_that_is_added_again_is_kept_once_and_as_it_was(tmp_path: Path) -> None:
    with Store(tmp_path / "sweep.sqlite") as store, Store(tmp_path / "sweep.sqlite") as other:
        store.add(BATCH, 3)
        other.add(Batch(ONE, [Run(1, 7, 4, [9.0] * 3), Run(2, None, 0, [0.5] * 3)], 0.1), 3)
        runs = list(store.runs(ONE, 3, 9))
    assert runs == [*BATCH.runs, Run(2, None, 0, [0.5] * 3)]


def test_a_batch_is_added_whole_or_not_at_all(tmp_path: Path) -> None:
    broken = Batch(ONE, [Run(0, None, 2, [0.5]), Run(None, None, 2, [0.5])], 0.1)  # type: ignore[arg-type]
    with Store(tmp_path / "sweep.sqlite") as store:
        with pytest.raises(sqlite3.IntegrityError):
            store.add(broken, 3)
        assert store.seeds(ONE, 3) == set()


def test_a_full_disk_is_an_error_that_names_the_file_and_keeps_what_is_there(
    tmp_path: Path,
) -> None:
    path = tmp_path / "sweep.sqlite"
    large = Batch(ONE, [Run(seed, None, 2, [1 / 3] * 100) for seed in range(2, 99)], 0.1)
    with Store(path) as store:
        store.add(BATCH, 3)
        store.connection.execute("PRAGMA max_page_count = 3")
        with pytest.raises(StoreError, match="disk is full") as caught:
            store.add(large, 3)
        assert str(path) in str(caught.value)
    with Store(path) as store:
        assert list(store.runs(ONE, 3, 99)) == BATCH.runs


def make_text_file(path: Path) -> None:
    path.write_text("These are not the results of a sweep. " * 50)


def make_other_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE runs (note TEXT)")
    connection.close()


def make_newer_version(path: Path) -> None:
    with Store(path) as store, store.connection:
        store.connection.execute("PRAGMA user_version = 2")


def make_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_text_file, "file is not a database"),
        (make_other_database, "another program's database"),
        (make_newer_version, "has version 2 of the results"),
        (make_folder, "unable to open database file"),
    ],
)
def test_a_file_that_is_something_else_is_named_and_left_as_it_was(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    path = tmp_path / "sweep.sqlite"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreError, match=reason) as caught:
        Store(path)
    assert str(path) in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_file_that_is_damaged_further_in_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sweep.sqlite"
    with Store(path) as store:
        store.add(Batch(ONE, [Run(seed, None, 2, [1 / 3] * 100) for seed in range(99)], 0.1), 3)
    content = path.read_bytes()
    path.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))
    with pytest.raises(StoreError, match="malformed") as caught, Store(path) as store:
        list(store.runs(ONE, 3, 99))
    assert str(path) in str(caught.value)


# ---- handing out -------------------------------------------------------------------------------


class HereAndNow(Executor):
    """Runs each task at once, in this thread, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[Configuration, int]] = []

    def submit(self, function: Any, /, *arguments: Any, **_: Any) -> Future[Any]:
        configuration, _, seeds, _ = arguments
        self.asked += [(configuration, seed) for seed in seeds]
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except ValueError as error:
            future.set_exception(error)
        return future


def test_every_run_is_handed_out_once_while_batches_change_their_size(tmp_path: Path) -> None:
    executor = HereAndNow()
    sweep = Sweep(("tanh",), ("mse",), ("uniform", "he", "normal"), (0.1,), epochs=1, seeds=400)
    with Store(tmp_path / "sweep.sqlite") as store:
        assert run_sweep(sweep, store, Workers(executor, lambda: 3), "python") == 1200
        assert runs_done(sweep, store) == 1200
    assert set(Counter(executor.asked).values()) == {1}
    assert len(executor.asked) == 1200


def test_a_larger_sweep_into_the_same_file_trains_only_what_is_new(tmp_path: Path) -> None:
    small = Sweep(("tanh",), ("mse",), ("uniform",), (0.1, 0.5), epochs=5, seeds=4)
    large = Sweep(("tanh", "relu"), ("mse",), ("uniform",), (0.1, 0.5), epochs=5, seeds=6)
    executor = HereAndNow()
    with Store(tmp_path / "sweep.sqlite") as store:
        run_sweep(small, store, Workers(executor, lambda: 1), "python")
        executor.asked.clear()
        assert runs_done(large, store) == 8
        assert run_sweep(large, store, Workers(executor, lambda: 1), "python") == 24 - 8
        assert runs_done(large, store) == 24
    assert {
        seed for configuration, seed in executor.asked if configuration.activation == "tanh"
    } == {4, 5}


def test_of_a_vast_sweep_only_the_next_batch_is_in_memory(tmp_path: Path) -> None:
    vast = Sweep(("tanh",), ("mse",), ("uniform",), (0.1,), epochs=3, seeds=10**12)
    with Store(tmp_path / "sweep.sqlite") as store:
        store.add(BATCH, 3)  # seeds 0 and 1
        assert runs_done(vast, store) == 2
        batches = missing_batches(vast, store, BatchSize(runs=3))
        assert [next(batches), next(batches)] == [(ONE, [2, 3, 4]), (ONE, [5, 6, 7])]


class FakeClient:
    """Answers as a Dask client does."""

    def __init__(self, answer: dict[str, str] | Exception) -> None:
        self.answer = answer

    def run(self, _function: Any) -> dict[str, str]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({}, "has no workers; start some with: dask worker"),
        ({"tcp://a": "0.0.1"}, "the worker tcp://a has version 0.0.1 of the engine, but version"),
        (Exception("No module named 'demos'"), "install it on them: No module named 'demos'"),
    ],
)
def test_workers_that_cannot_do_the_work_are_told_before_any(
    answer: dict[str, str] | Exception, message: str
) -> None:
    with pytest.raises(WorkersError, match=message):
        check_workers(FakeClient(answer), "tcp://s:1")
    check_workers(FakeClient({"tcp://a": autodiff.__version__}), "tcp://s:1")


def test_without_dask_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(WorkersError, match=r"distributed: pip install .*\[sweep\]"),
        dask_workers("tcp://127.0.0.1:9"),
    ):
        pass


def test_by_default_there_is_a_worker_for_each_core_as_far_as_the_system_can_wait_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    for cores, workers in ((8, 8), (None, 1), (10**6, MOST_WORKERS)):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        assert local_cores() == workers


@contextmanager
def two_threads() -> Iterator[Workers]:
    with ThreadPoolExecutor(2) as executor:
        yield Workers(executor, lambda: 2)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "workers",
    [lambda: local_workers(1), lambda: local_workers(2), two_threads],
    ids=["one process", "two processes", "two threads"],
)
def test_every_executor_gives_the_same_bits(
    tmp_path: Path, workers: Any, expected: list[tuple[Any, ...]]
) -> None:
    path = tmp_path / "sweep.sqlite"
    progress: list[int] = []
    with Store(path) as store, workers() as running:
        assert run_sweep(SMALL, store, running, "python", progress.append) == len(SMALL)
    assert rows_of(path) == expected
    assert sum(progress) == len(SMALL)


def test_threads_that_train_the_same_configuration_do_not_disturb_each_other() -> None:
    seeds = [range(first, first + 5) for first in range(0, 40, 5)]
    alone = [train_batch(ONE, 40, part, "python").runs for part in seeds]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as executor:
            futures = [executor.submit(train_batch, ONE, 40, part, "python") for part in seeds]
            together = [future.result().runs for future in futures]
    finally:
        sys.setswitchinterval(interval)
    assert together == alone


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="the system cannot hold it")
def test_a_process_is_not_told_of_ctrl_c_if_it_starts_while_interrupts_are_held() -> None:
    def is_held() -> bool:
        question = "import signal; print(signal.SIGINT in signal.pthread_sigmask(0, []))"
        output = subprocess.run(
            [sys.executable, "-c", question], check=True, stdout=subprocess.PIPE
        )
        return output.stdout.strip() == b"True"

    with interrupts_held():
        assert is_held()
    assert not is_held()


def test_a_run_that_fails_ends_the_sweep_and_loses_nothing(tmp_path: Path) -> None:
    bad = Sweep(("tanh", "no such activation"), ("mse",), ("uniform",), (0.1,), epochs=3, seeds=4)
    with Store(tmp_path / "sweep.sqlite") as store:
        with pytest.raises(ValueError, match="no such activation"):
            run_sweep(bad, store, Workers(HereAndNow(), lambda: 1), "python")
        assert len(store.seeds(Configuration("tanh", "mse", "uniform", 0.1), 3)) == 4


def test_the_size_of_a_batch_follows_the_time_it_takes() -> None:
    size = BatchSize()
    for _ in range(10):
        size.learn(size.runs, 0.001 * size.runs)
    assert size.runs == 500
    size.learn(size.runs, 100.0 * size.runs)
    assert size.runs == 1


# ---- the command -------------------------------------------------------------------------------

COMMAND = [sys.executable, "-m", "demos.sweep", "--engine", "python", "--initialisations", "he"]
SLOW = [*COMMAND, "--epochs", "1000", "--seeds", "15", "--learning-rates", "0.5", "--workers", "2"]
SLOW_RUNS = 6 * 15


def start(command: list[str]) -> subprocess.Popen[str]:
    """Start a sweep as the leader of a process group of its own."""
    return subprocess.Popen(
        command,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def wait_for_runs(path: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until the file holds that many runs."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        try:
            if len(rows_of(path)) >= count:
                return
        except sqlite3.OperationalError:  # no file or no table yet
            pass
        time.sleep(0.02)
    pytest.fail(f"no {count} runs within a minute")


def end(process: subprocess.Popen[str]) -> None:
    """End what is left of a process group, by its id."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)


@pytest.fixture(scope="module")
def slow_expected(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """The runs of SLOW, by a sweep that nothing disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    subprocess.run([*SLOW, "--out", str(folder)], cwd=ROOT, check=True, capture_output=True)
    rows = rows_of(folder / "sweep.sqlite")
    assert len(rows) == SLOW_RUNS
    return rows


@pytest.mark.unmeasured
@pytest.mark.skipif(os.name != "posix", reason="signals to process groups are POSIX")
def test_a_sweep_that_was_killed_goes_on_and_has_every_run_once(
    tmp_path: Path, slow_expected: list[tuple[Any, ...]]
) -> None:
    path = tmp_path / "sweep.sqlite"
    command = [*SLOW, "--out", str(tmp_path)]
    process = start(command)
    try:
        wait_for_runs(path, 10, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)  # the workers hold its pipes: they have ended too
        stored = rows_of(path)
        assert 10 <= len(stored) < SLOW_RUNS
    finally:
        end(process)
    resumed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert f"{len(stored)} of {SLOW_RUNS} runs are in {path} already." in resumed.stdout
    assert f"Trained {SLOW_RUNS - len(stored)} networks" in resumed.stdout
    assert rows_of(path) == slow_expected


@pytest.mark.unmeasured
@pytest.mark.skipif(os.name != "posix", reason="signals to process groups are POSIX")
@pytest.mark.parametrize("whom", ["interrupt", "terminate", "worker"])
def test_an_interrupt_or_a_dead_worker_ends_with_a_message_and_the_sweep_can_go_on(
    tmp_path: Path, whom: str, slow_expected: list[tuple[Any, ...]]
) -> None:
    path = tmp_path / "sweep.sqlite"
    command = [*SLOW, "--out", str(tmp_path)]
    process = start(command)
    try:
        wait_for_runs(path, 10, process)
        if whom == "interrupt":
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C in a terminal: to all of them
        elif whom == "terminate":
            os.killpg(process.pid, signal.SIGTERM)  # as a system that shuts down: to all of them
        else:
            kill_a_worker(process.pid)
        _, errors = process.communicate(timeout=60)
    finally:
        end(process)
    # A shell that repeats the command stops only if it ends by the signal.
    codes = {"interrupt": -signal.SIGINT, "terminate": 128 + signal.SIGTERM, "worker": 1}
    assert process.returncode == codes[whom]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sweep.sqlite"]
    assert f"All finished runs are in {path}; the same command goes on from there." in errors
    assert "Traceback" not in errors
    assert 10 <= len(rows_of(path)) < SLOW_RUNS
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert rows_of(path) == slow_expected


def kill_a_worker(parent: int) -> None:
    """Kill one of the processes that train for a sweep."""
    children = Path(f"/proc/{parent}/task/{parent}/children")
    if not children.exists():
        pytest.skip("needs Linux's /proc to find a worker")
    for child in map(int, children.read_text().split()):
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(child, signal.SIGKILL)
            return
    pytest.fail("the sweep has no worker")


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m demos.sweep`` and return what it printed."""
    return subprocess.run(
        [sys.executable, "-m", "demos.sweep", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


TINY = [
    *("--seeds", "8", "--epochs", "150", "--activations", "tanh", "--losses", "mse"),
    *("--initialisations", "he", "normal", "--learning-rates", "1", "--by", "initialisation"),
    *("--workers", "1", "--engine", "python"),
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a finished small sweep, and what it printed."""
    folder = tmp_path_factory.mktemp("tiny")
    run = run_command(*TINY, "--out", str(folder))
    assert run.returncode == 0, run.stderr
    return folder, run.stdout


@pytest.mark.thorough
def test_the_report_counts_what_the_file_holds(tiny: tuple[Path, str]) -> None:
    folder, printed = tiny
    report = (folder / "sweep.md").read_text(encoding="utf-8")
    solved = Counter(row[2] for row in rows_of(folder / "sweep.sqlite") if row[6] is not None)
    assert 0 < sum(solved.values()) < 16
    for text in (printed, report):
        lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
        shares = {cells[0]: cells[1:4] for cells in lines if len(cells) == 7}
        for initialisation in ("he", "normal"):
            count = solved[initialisation]
            assert shares[initialisation] == ["8", f"{count}", f"{100 * count / 8:.1f} %"]
    assert "| tanh, mse, he, lr 1 " in report


def test_the_csv_has_every_run(tiny: tuple[Path, str]) -> None:
    folder, _ = tiny
    with (folder / "sweep.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    stored = {row[:6]: row for row in rows_of(folder / "sweep.sqlite")}
    assert len(lines) == len(stored) == 16
    for line in lines:
        key = (*(line[factor] for factor in FACTORS[:3]), float(line["learning_rate"]))
        row = stored[(*key, int(line["epochs"]), int(line["seed"]))]
        assert line["solved_epoch"] == ("" if row[6] is None else str(row[6]))
        assert float(line["final_loss"]) == json.loads(row[8])[-1]


def test_the_picture_is_a_png_for_a_projector(tiny: tuple[Path, str]) -> None:
    with Image.open(tiny[0] / "sweep.png") as picture:
        picture.load()
        assert picture.format == "PNG"
        assert picture.width >= 1200


@pytest.mark.thorough
def test_a_finished_sweep_reports_again_without_training(tiny: tuple[Path, str]) -> None:
    folder, _ = tiny
    before = (folder / "sweep.sqlite").read_bytes()
    again = run_command(*TINY, "--out", str(folder))
    assert again.returncode == 0
    assert "16 of 16 runs are in" in again.stdout
    assert "Trained" not in again.stdout
    assert (folder / "sweep.sqlite").read_bytes() == before


def test_a_group_names_only_the_factors_it_is_of() -> None:
    configuration = Configuration("tanh", "cross_entropy", "he", 0.5)
    assert name_of(configuration, ["loss", "learning_rate"]) == "cross-entropy, lr 0.5"


def test_an_unsolved_half_has_no_median_epoch(tmp_path: Path) -> None:
    sweep = Sweep(("tanh",), ("mse",), ("uniform",), (0.1,), epochs=3, seeds=3)
    runs = [Run(0, 2, 4, [0.1] * 3), Run(1, None, 2, [0.1] * 3), Run(2, None, 2, [0.1] * 3)]
    with Store(tmp_path / "sweep.sqlite") as store:
        store.add(Batch(ONE, runs[:2], 0.1), 3)
        (half,) = grouped(sweep, store, ["loss"]).values()
        assert half.median_epoch == 2
        store.add(Batch(ONE, runs, 0.1), 3)
        (third,) = grouped(sweep, store, ["loss"]).values()
    assert third.median_epoch == math.inf
    assert third.cells()[:3] == ("3", "1", "33.3 %")
    assert third.cells()[4] == "–"


def test_a_sweep_that_varies_nothing_has_its_one_configuration_in_the_table(
    tmp_path: Path,
) -> None:
    sweep = Sweep(("tanh",), ("mse",), ("uniform",), (0.1,), epochs=3, seeds=2)
    with Store(tmp_path / "sweep.sqlite") as store:
        store.add(BATCH, 3)
        (table,) = factor_tables(sweep, store)
    assert [cell.strip() for cell in table.splitlines()[2].split("|")[1:5]] == [
        *("tanh, mse, uniform, lr 0.1", "2", "1", "50.0 %")
    ]


def test_the_table_of_a_sweep_without_runs_says_so(tmp_path: Path) -> None:
    sweep = Sweep(("tanh",), ("mse", "cross_entropy"), ("uniform",), (0.1,), epochs=3, seeds=2)
    with Store(tmp_path / "sweep.sqlite") as store:
        store.add(BATCH, 3)
        report = markdown_report(sweep, store)
        assert curves_of(sweep, store, ["loss"])[0].runs == len(BATCH.runs)
        assert len(curves_of(sweep, store, ["loss"])) == 1
    assert "2 of 4 runs" in report
    last = report.rstrip().splitlines()[-1]
    assert [cell.strip() for cell in last.split("|")[1:-1]] == [
        *("tanh, cross-entropy, uniform, lr 0.1", "0", "0", "–", "–", "–", "–")
    ]


def test_the_curves_are_of_all_runs_sorted_and_what_is_no_number_is_infinite(
    tmp_path: Path,
) -> None:
    sweep = Sweep(("tanh",), ("mse",), ("uniform",), (0.1,), epochs=3, seeds=2)
    with Store(tmp_path / "sweep.sqlite") as store:
        store.add(BATCH, 3)
        (curves,) = curves_of(sweep, store, ["activation"])
    assert curves.name == "tanh"
    assert curves.solved_epochs == [3]
    assert list(map(list, curves.losses)) == [[0.1, 0.25], [0.25, 1 / 3], [5e-324, math.inf]]


@given(st.lists(st.floats(0.0, 100.0), max_size=8))
def test_labels_are_spread_so_that_they_can_be_read_and_stay_in_their_order(
    heights: list[float],
) -> None:
    placed = spread(heights)
    order = sorted(range(len(heights)), key=heights.__getitem__)
    assert all(0.0 <= height <= 100.0 for height in placed)
    for lower, higher in pairwise(order):
        assert placed[higher] - placed[lower] > 5.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "0"], "0 is below 1"),
        (["--seeds", "many"], "'many' is not a whole number"),
        (["--epochs", "-3"], "-3 is below 0"),
        (["--workers", "0"], "0 is below 1"),
        (["--workers", "100000"], "argument --workers: 100,000 is above "),
        (["--seeds", "9" * 30], "argument --seeds: 999,"),
        (["--epochs", "10000001"], "argument --epochs: 10,000,001 is above 10,000,000"),
        (["--learning-rates", "nan"], "nan is not a finite number above 0"),
        (["--activations", "step"], "invalid choice: 'step'"),
        (["--by", "initialisation", "learning_rate"], "makes 16 curves; 8 can be read"),
        (["--scheduler", "127.0.0.1"], "'127.0.0.1' is not like tcp://host:8786"),
        (["--out", __file__], "cannot write into the folder"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_before_any_work(
    tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["--out", str(tmp_path), *arguments])
    assert exit.value.code == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_results_is_an_error_without_a_traceback(tmp_path: Path) -> None:
    make_text_file(tmp_path / "sweep.sqlite")
    run = run_command(*TINY, "--out", str(tmp_path))
    assert run.returncode == 1
    assert run.stderr.startswith("error: cannot use ")
    assert "Traceback" not in run.stderr
