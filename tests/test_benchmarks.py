"""The benchmarks' contenders do the same job, and what is missing is named. No durations here."""

from __future__ import annotations

from functools import partial

import pytest

from benchmarks import compare, moons, ready, xor
from benchmarks.compare import FIGURES, Contender, check_same_job, figures_table, make_installed
from benchmarks.interleave import Run, calls_in_turns, median_seconds, table
from demos.lab import LAB

# micrograd needs seconds for one step on the moons, and gcc for the program's long function.
QUICK_MOONS = [
    contender
    for contender in moons.CONTENDERS
    if contender.name != "micrograd" and "to_c()" not in contender.name
]


@pytest.fixture(scope="module")
def xor_runs() -> dict[str, Run]:
    return make_installed(xor.CONTENDERS)


@pytest.fixture(scope="module")
def moons_runs() -> dict[str, Run]:
    return make_installed(QUICK_MOONS)


@pytest.fixture
def nothing_but_gcc_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "version_of", nothing)


def nothing(package: str) -> None:
    return None


def test_every_installed_contender_has_the_same_losses_on_the_lab(
    xor_runs: dict[str, Run],
) -> None:
    check_same_job(xor_runs, epochs=20, tolerance=1e-12)


def test_every_installed_contender_has_the_same_losses_on_the_moons(
    moons_runs: dict[str, Run],
) -> None:
    check_same_job(moons_runs, epochs=3, tolerance=1e-12)


def test_the_job_is_the_labs() -> None:
    losses = xor.compiled_python()(LAB.log_every + 1)
    assert [f"{losses[0]:.4f}", f"{losses[-1]:.4f}"] == [f"{loss:.4f}" for loss in LAB.losses[:2]]


def test_a_run_goes_on_where_its_last_call_stopped(
    xor_runs: dict[str, Run], moons_runs: dict[str, Run]
) -> None:
    for runs in (xor_runs, moons_runs):
        for name, run in runs.items():
            first, second = float(run(1)[0]), float(run(1)[0])
            assert second < first, name


def test_a_contender_with_another_job_is_named() -> None:
    runs: dict[str, Run] = {"eager Value": constant_loss(0.5), "slip": constant_loss(0.5 + 1e-9)}
    with pytest.raises(AssertionError, match="slip does another job"):
        check_same_job(runs, epochs=2, tolerance=1e-12)


def constant_loss(loss: float) -> Run:
    def run(epochs: int) -> list[float]:
        return [loss] * epochs

    return run


@pytest.mark.usefixtures("nothing_but_gcc_is_installed")
def test_peers_that_are_not_installed_are_named_with_how_to_get_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs = make_installed([c for c in xor.CONTENDERS if c.needs != "gcc"])
    assert list(runs) == ["eager Value", "compiled Python"]
    said = capsys.readouterr().out
    for package in ("llvmlite", "micrograd", "torch", "jax", "ddx-ad"):
        assert f"(pip install {package})" in said


def test_c_without_gcc_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "compiler_version", partial(nothing, "gcc"))
    assert make_installed([Contender("C", xor.eager, "gcc")]) == {}
    assert capsys.readouterr().out == "C is left out: gcc is not installed\n"


def test_a_figure_is_ok_from_its_factor_on_short_below_and_unmeasured_without_the_peer() -> None:
    seconds = {"eager Value": 1.0, "micrograd": 4.5, "PyTorch eager": 1.1}
    lines = figures_table("XOR epoch", seconds).split("\n")
    verdicts = [line.split("|")[-2].strip() for line in lines]
    assert verdicts[2:4] == ["ok", "short"]
    assert set(verdicts[4:]) == {"not measured"}


def test_every_figure_names_contenders_that_exist() -> None:
    names = {
        "XOR epoch": {contender.name for contender in xor.CONTENDERS},
        "moons step": {contender.name for contender in moons.CONTENDERS},
    }
    for figure in FIGURES:
        assert {figure.ours, figure.against} <= names[figure.job]


def test_the_runs_take_turns() -> None:
    calls: list[str] = []
    jobs = {name: partial(calls.append, name) for name in "ab"}
    calls_in_turns(jobs, turns=3, seconds_a_turn=0.0)
    assert calls[-6:] == ["a", "b", "a", "b", "a", "b"]


def test_the_time_of_an_epoch_is_the_median_calls_by_its_epochs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.interleave.calls_in_turns", seconds_of_three_turns)
    assert median_seconds({"a": constant_loss(0.0)}, {"a": 4}) == {"a": 0.5}


def seconds_of_three_turns(jobs: dict[str, object], *_: object) -> dict[str, list[float]]:
    return {name: [50.0, 1.0, 2.0] for name in jobs}


def test_a_table_is_aligned_markdown() -> None:
    assert table([["a", "bc"], ["def", "g"]]) == "| a   | bc |\n|-----|----|\n| def | g  |"


def test_the_ready_stages_add_up_and_train() -> None:
    pytest.importorskip("llvmlite", reason="the native engine needs llvmlite")
    for job in ready.JOBS:
        *stages, total = ready.milliseconds(job)
        assert total == pytest.approx(sum(stages), rel=1e-9)
