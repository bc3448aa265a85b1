"""What a newcomer meets first: lists, help, one line for what is missing, names that are there."""

from __future__ import annotations

import copy
import importlib
import pickle
import pydoc
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

import autodiff
import nn
from autodiff.support import extras
from demos.__main__ import DEMOS, listed
from nn.layers import ACTIVATIONS, ActivationName
from tests.demo_commands import called

ROOT = Path(__file__).parents[1]


def python(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Return what this Python did in a folder, with the project on its path."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


# ---- lists -----------------------------------------------------------------------------------


def test_the_demos_are_listed_with_a_line_for_each() -> None:
    done = python("-m", "demos")
    assert done.returncode == 0
    assert done.stdout == listed() + "\n"
    lines = done.stdout.splitlines()[: len(DEMOS)]
    for name, line in zip(DEMOS, lines, strict=True):
        assert line.startswith(f"python -m demos.{name} ")
        assert line.endswith(".")
    asked = python("-m", "demos", "xor")
    assert asked.returncode == 1
    assert asked.stderr == "\nxor starts nothing here: type one of the commands above.\n"


def test_every_demo_that_can_be_started_is_in_the_list() -> None:
    files = [*(ROOT / "demos").glob("*.py"), *(ROOT / "demos").glob("*/__main__.py")]
    started = [file for file in files if "run(main)" in file.read_text(encoding="utf-8")]
    names = {file.parent.name if file.stem == "__main__" else file.stem for file in started}
    assert names == set(DEMOS)


@pytest.mark.parametrize("package", [autodiff, nn])
def test_dir_shows_the_public_names(package: ModuleType) -> None:
    public = [name for name in dir(package) if not name.startswith("_")]
    assert sorted(public) == sorted(package.__all__)


def test_the_types_of_activations_are_those_that_there_are() -> None:
    assert get_args(ActivationName) == tuple(ACTIVATIONS)


def test_help_begins_with_value() -> None:
    text = pydoc.plain(pydoc.render_doc(autodiff))
    description = text.partition("DESCRIPTION")[2].strip()
    assert description.startswith("It begins with :class:`Value`")
    assert autodiff.__all__[0] == "Value"


# ---- one line --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nn", "autodiff"])
@pytest.mark.parametrize("kind", ["a file", "a package"])
def test_what_of_the_users_hides_a_package_is_told_in_a_line(
    tmp_path: Path, name: str, kind: str
) -> None:
    file = tmp_path / (f"{name}.py" if kind == "a file" else f"{name}/__init__.py")
    file.parent.mkdir(exist_ok=True)
    file.write_text("", encoding="utf-8")
    done = python("-m", "demos.worksheet", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        f"{file} hides the library's {name}: rename it, or go to another folder\n"
    )


def test_what_to_install_is_one_line_in_a_clone_outside_of_it_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert extras.install("draw") == 'pip install ".[draw]"'
    monkeypatch.chdir(tmp_path)
    assert extras.install("draw") == f'pip install "{ROOT}[draw]"'
    (tmp_path / "setup.cfg").touch()  # of another project
    assert extras.install("draw") == f'pip install "{ROOT}[draw]"'
    monkeypatch.setattr(extras, "FOLDER", tmp_path / "site-packages")
    assert extras.install("draw") == 'pip install "autodiff-lab[draw]"'


def test_every_extra_that_a_message_names_is_there() -> None:
    named = set()
    for folder in ("autodiff", "demos"):
        for file in (ROOT / folder).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            named |= {part.partition("')")[0] for part in text.split("install('")[1:]}
    written = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    assert named == {"draw", "pdf", "native", "notebooks", "sweep"}
    for extra in named:
        assert f"\n{extra} =\n" in written


# ---- fit's history in a REPL -----------------------------------------------------------------


def test_a_history_is_one_line_and_says_why_another_engine_trained() -> None:
    model = nn.MLP(1, [1], rng=7)

    def looks(predictions: list[autodiff.Value], targets: list[float]) -> autodiff.Value:
        error = predictions[0] - targets[0]
        return error**2 if error > 0 else -error * -error

    history = nn.fit(
        *(model, [[1.0]] * 3, [0.5] * 3),
        loss=looks,
        optimizer=nn.SGD(model.parameters(), lr=0.1),
        epochs=2000,
        validation=([[1.0]], [0.5]),
    )
    shown = repr(history)
    assert "\n" not in shown
    assert len(shown) < 200
    assert shown.startswith("History(2000 epochs, loss ")
    assert ", validation loss " in shown
    assert "engine 'eager', as " in shown
    assert history.reason in shown
    assert repr(nn.History([], "eager")) == "History(0 epochs, engine 'eager')"


# ---- names -----------------------------------------------------------------------------------


def test_layers_have_the_names_that_the_state_dict_gives_them() -> None:
    model = nn.MLP(2, [4, 1])
    assert model.hidden is model.layers[0]
    assert model.output is model.layers[1]
    deep = nn.MLP(2, [4, 3, 1])
    assert [deep.hidden1, deep.hidden2, deep.output] == deep.layers
    deep.layers[1] = other = nn.Layer(4, 3)
    assert deep.hidden2 is other


def test_other_names_are_missing_as_ever_in_copies_too() -> None:
    model = nn.MLP(2, [4, 1])
    for each in (model, copy.deepcopy(model), copy.copy(model), pickle.loads(pickle.dumps(model))):
        assert each.hidden is each.layers[0]
        with pytest.raises(
            AttributeError, match="'MLP' object has no attribute 'hiden'"
        ) as missing:
            _ = each.hiden
        assert (missing.value.name, missing.value.obj) == ("hiden", each)
    with pytest.raises(AttributeError, match="has no attribute 'layers'"):
        _ = nn.MLP.__new__(nn.MLP).layers


# ---- the seed of the main demo ---------------------------------------------------------------


@pytest.mark.thorough
def test_a_seed_alone_starts_from_other_weights(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the demo draws with matplotlib")
    pytest.importorskip("tqdm", reason="the demo shows its progress with tqdm")
    xor = importlib.import_module("demos.xor").main
    for name, arguments in (("seeded", []), ("named", ["--init", "uniform"])):
        out = str(tmp_path / name)
        done = called(xor, "--epochs", "3", "--out", out, "--seed", "3", *arguments)
        assert done.returncode == 0, done.stderr
        assert "Epoch 0, Loss: 0.2595" not in done.stdout  # the lab's
    weights = [(tmp_path / name / "weights.json").read_bytes() for name in ("seeded", "named")]
    assert weights[0] == weights[1]
    refused = called(xor, "--init", "lab", "--seed", "3", "--out", str(tmp_path))
    assert refused.returncode == 2
    assert "--seed has no effect on the lab's weights" in refused.stderr
