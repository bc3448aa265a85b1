"""The moons demo: its data, its training, and what it says when it has not learned."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

import nn
from autodiff import Value
from demos.moons import L2, Moons, l2_penalty, main, stops
from demos.moons_data import make_moons
from tests.bits import all_bits

ROOT = Path(__file__).resolve().parent.parent


def distance_to_its_moon(row: list[float], target: float) -> float:
    """Return how far a point is from the half circle that it was drawn from."""
    upper = target < 0.0
    x, y = (row[0], row[1]) if upper else (1.0 - row[0], 0.5 - row[1])
    if y >= 0.0:
        return abs(math.hypot(x, y) - 1.0)
    return min(math.hypot(x - 1.0, y), math.hypot(x + 1.0, y))


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 99, 100])
def test_without_noise_every_point_lies_on_its_moon(rows: int) -> None:
    x, y = make_moons(rows, 0.0, random.Random(0))
    assert len(x) == len(y) == rows
    assert abs(y.count(-1.0) - y.count(1.0)) <= 1
    for row, target in zip(x, y, strict=True):
        assert distance_to_its_moon(row, target) < 1e-12


def test_the_moons_are_whole_half_circles() -> None:
    x, y = make_moons(100, 0.0, random.Random(0))
    for target, ends in ((-1.0, [(1.0, 0.0), (-1.0, 0.0)]), (1.0, [(0.0, 0.5), (2.0, 0.5)])):
        moon = [row for row, wanted in zip(x, y, strict=True) if wanted == target]
        for row, end in zip((moon[0], moon[-1]), ends, strict=True):
            assert math.dist(row, end) < 1e-12
        gaps = [math.dist(one, other) for one, other in pairwise(moon)]
        assert max(gaps) - min(gaps) < 1e-12


def test_noise_has_the_deviation_that_is_asked_for() -> None:
    still, _ = make_moons(2000, 0.0, random.Random(0))
    moved, _ = make_moons(2000, 0.1, random.Random(0))
    shifts = [
        b - a for one, two in zip(still, moved, strict=True) for a, b in zip(one, two, strict=True)
    ]
    deviation = math.sqrt(sum(shift**2 for shift in shifts) / len(shifts))
    assert deviation == pytest.approx(0.1, rel=0.05)  # 3 standard errors


def test_the_same_seed_gives_the_same_run_and_another_does_not() -> None:
    one, two, other = Moons(5), Moons(5), Moons(6)
    assert one.x == two.x != other.x
    assert one.model.state_dict() == two.model.state_dict() != other.model.state_dict()


def test_the_penalty_is_the_sum_of_squares() -> None:
    parameters = [Value(0.5), Value(-2.0), Value(3.0)]
    assert l2_penalty(parameters).data == pytest.approx(L2 * (0.25 + 4.0 + 9.0), rel=1e-15)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_default_run_classifies_every_point(seed: int) -> None:
    moons = Moons(seed)
    assert moons.correct() < 100
    moons.train(200, "auto")
    assert moons.correct() == 100


@pytest.mark.unmeasured
@pytest.mark.parametrize("engine", ["eager", "python", "native"])
def test_training_in_parts_and_by_any_engine_gives_the_same_bits(engine: str) -> None:
    if engine == "native":
        pytest.importorskip("llvmlite", reason="the native engine needs llvmlite")
    whole, parts = Moons(0), Moons(0)
    whole.train(6, "eager")
    parts.train(2, engine)
    parts.train(4, engine)
    assert all_bits(parts.losses) == all_bits(whole.losses)
    weights = [[p.data for p in moons.model.parameters()] for moons in (whole, parts)]
    assert all_bits(weights[0]) == all_bits(weights[1])


def test_the_loss_shown_is_the_one_the_next_epoch_begins_with() -> None:
    moons = Moons(0)
    moons.train(3, "eager")
    shown = moons.loss()
    moons.train(1, "eager")
    assert shown == pytest.approx(moons.losses[-1], rel=1e-12)


def test_stops_begin_at_0_and_end_with_the_last_epoch() -> None:
    for epochs in range(50):
        found = stops(epochs, 10)
        assert found[0] == 0
        assert found[-1] == epochs
        assert found == sorted(set(found))
        assert len(found) <= 11


@pytest.mark.thorough
def test_the_command_prints_loss_and_accuracy_and_writes_the_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--out", str(tmp_path / "new"), "--engine", "python"])
    output = capsys.readouterr().out
    assert "Accuracy: 50 % before training, 100 % after it (100 of 100 points)." in output
    assert output.count("Loss: ") == 11
    assert "NOT" not in output
    assert "engine: python" in output
    for name in ("moons_boundary.png", "moons_loss.png"):
        with Image.open(tmp_path / "new" / name) as picture:
            picture.load()
            assert picture.width >= 1200
    model = nn.MLP(2, [16, 16, 1])
    nn.load(model, tmp_path / "new" / "moons_weights.json")
    moons = Moons(0)
    assert all(
        (model(row).data > 0.0) == (target > 0.0)
        for row, target in zip(moons.x, moons.y, strict=True)
    )


@pytest.mark.unmeasured
def test_the_animation_has_a_frame_for_each_stop_and_ends_with_a_pause(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--epochs", "3", "--animate", "--out", str(tmp_path)])
    capsys.readouterr()
    with Image.open(tmp_path / "moons.gif") as animation:
        assert animation.n_frames == 4
        assert animation.info["loop"] == 0
        pictures, milliseconds = [], []
        for frame in range(4):
            animation.seek(frame)
            milliseconds.append(animation.info["duration"])
            pictures.append(animation.convert("RGB").tobytes())
    assert len(set(pictures)) == 4
    assert milliseconds[-1] > 10 * milliseconds[0]


def test_a_run_that_has_not_learned_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--epochs", "0", "--out", str(tmp_path)])
    output = capsys.readouterr().out
    assert "This run has NOT learned the moons: 50 of 100 points are on the wrong side" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "-1"], "-1 is below 0"),
        (["--engine", "quick"], "invalid choice: 'quick'"),
        (["--seed", "x"], "invalid int value: 'x'"),
        (["--out", __file__], "cannot write into the folder"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_before_training(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert exit.value.code == 2
    output = capsys.readouterr()
    assert message in output.err
    assert output.out == ""


@pytest.mark.parametrize("package", ["matplotlib", "PIL", "tqdm"])
def test_a_missing_package_is_named_with_what_to_install(package: str) -> None:
    script = f"import sys; sys.modules[{package!r}] = None; import demos.moons"
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert run.stderr == f'demos.moons needs {package}: pip install ".[demos]"\n'
