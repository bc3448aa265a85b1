"""The main demo prints the lab's log, digit for digit, and leaves its pictures."""

from __future__ import annotations

import functools
import importlib
import re
import subprocess
from pathlib import Path

import pytest

import nn
from demos.lab import LAB
from tests.demo_commands import called

pytest.importorskip("matplotlib", reason="the demo draws with matplotlib")
pytest.importorskip("tqdm", reason="the demo shows its progress with tqdm")

WRITTEN = {"boundary.png", "graph.png", "graph.svg", "loss.png", "weights.json", "xor.html"}


def run_demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Return what ``python -m demos.xor`` does."""
    return called(importlib.import_module("demos.xor").main, *arguments)


@pytest.mark.unmeasured
@pytest.mark.parametrize("engine", ["eager", "python", "native", "auto"])
def test_every_engine_prints_the_labs_log_and_predictions(engine: str, tmp_path: Path) -> None:
    if engine == "native":
        pytest.importorskip("llvmlite", reason="the native engine needs llvmlite")
    done = run_demo("--engine", engine, "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    wanted = [
        f"Epoch {epoch}, Loss: {loss:.4f}"
        for epoch, loss in zip(range(0, 20_000, 1_000), LAB.losses, strict=True)
    ]
    assert lines[:20] == wanted
    predictions = re.findall(r"-> (\d\.\d{4}) ", done.stdout)
    assert predictions == [f"{number:.4f}" for number in LAB.final_predictions]
    assert "NOT learned" not in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == WRITTEN


@pytest.mark.thorough
def test_the_files_are_what_their_names_say_and_the_weights_load(tmp_path: Path) -> None:
    assert run_demo("--epochs", "20", "--out", str(tmp_path)).returncode == 0
    for name in ("boundary.png", "graph.png", "loss.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert "<svg" in (tmp_path / "graph.svg").read_text(encoding="utf-8")
    model = nn.MLP(2, [4, 1], activation="sigmoid", output_activation="sigmoid")
    nn.load(model, tmp_path / "weights.json")
    assert model.state_dict() != LAB.initial_weights


@pytest.mark.unmeasured
def test_the_labs_further_epochs_end_at_its_loss(tmp_path: Path) -> None:
    done = run_demo("--engine", "python", "--curve-epochs", "20000", "--out", str(tmp_path))
    assert "the loss is 0.00074." in done.stdout


@pytest.mark.thorough
def test_a_run_that_has_not_learned_says_so_plainly(tmp_path: Path) -> None:
    done = run_demo("--init", "uniform", "--seed", "3", "--epochs", "100", "--out", str(tmp_path))
    assert done.returncode == 0
    assert "This run has NOT learned XOR" in done.stdout


@pytest.mark.unmeasured
def test_the_same_seed_gives_the_same_run(tmp_path: Path) -> None:
    arguments = ("--init", "uniform", "--seed", "5", "--epochs", "50", "--out", str(tmp_path))
    assert run_demo(*arguments).returncode == 0
    first = (tmp_path / "weights.json").read_bytes()
    assert run_demo(*arguments).returncode == 0
    assert (tmp_path / "weights.json").read_bytes() == first


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--lr", "-0.1"), "--lr: -0.1 is not a finite number above 0"),
        (("--lr", "nan"), "--lr: nan is not a finite number above 0"),
        (("--lr", "fast"), "--lr: 'fast' is not a number"),
        (("--epochs", "-1"), "--epochs: -1 is below 0"),
        (("--epochs", "2.5"), "--epochs: '2.5' is not a whole number"),
        (("--init", "zero"), "--init: invalid choice: 'zero'"),
        (("--engine", "gpu"), "--engine: invalid choice: 'gpu'"),
        (("--colour", "red"), "unrecognized arguments: --colour red"),
    ],
)
def test_nonsense_on_the_command_line_is_named(arguments: tuple[str, ...], named: str) -> None:
    done = run_demo(*arguments)
    assert done.returncode == 2
    assert named in done.stderr
    assert done.stdout == ""


def test_a_folder_that_cannot_be_written_is_named_before_any_training(tmp_path: Path) -> None:
    occupied = tmp_path / "a file"
    occupied.write_text("not a folder")
    done = run_demo("--out", str(occupied / "out"))
    assert done.returncode == 2
    assert "cannot write into the folder" in done.stderr
    assert "Epoch" not in done.stdout
    assert occupied.read_text() == "not a folder"


def test_a_machine_without_fonts_gets_all_but_the_slide_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    resvg_py = pytest.importorskip("resvg_py", reason="the slide is a PNG of a drawing")
    convert = resvg_py.svg_to_bytes
    monkeypatch.setattr(
        resvg_py, "svg_to_bytes", functools.partial(convert, skip_system_fonts=True)
    )
    importlib.import_module("demos.xor").main(["--epochs", "1", "--out", str(tmp_path)])
    assert {path.name for path in tmp_path.iterdir()} == WRITTEN - {"graph.png"}
    assert "graph.png is left out: cannot draw a PNG: this machine has no fonts" in (
        capsys.readouterr().out
    )
