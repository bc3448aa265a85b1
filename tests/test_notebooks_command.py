"""``python -m demos.notebooks``: no copy costs a student's work, and Jupyter if it is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from demos.notebooks import __main__ as command
from demos.notebooks.__main__ import copy_notebooks, jupyter_command, main
from tests.notebook_cells import FOLDER, NOTEBOOKS

FIRST = NOTEBOOKS[0].name
PROJECT = FOLDER.parents[1]  # where the packages are


def test_every_notebook_is_copied_byte_for_byte_and_a_second_time_nothing_is_said(
    tmp_path: Path,
) -> None:
    assert list(copy_notebooks(tmp_path)) == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in FOLDER.glob("*.ipynb")
    }
    assert list(copy_notebooks(tmp_path)) == []


def test_work_is_left_as_it_is_and_named(tmp_path: Path) -> None:
    list(copy_notebooks(tmp_path))
    (tmp_path / FIRST).write_text("my work", encoding="utf-8")
    (tmp_path / NOTEBOOKS[1].name).unlink()
    (said,) = copy_notebooks(tmp_path)
    assert said == f"{tmp_path / FIRST} has been worked on: left as it is (--fresh begins again)"
    assert (tmp_path / FIRST).read_text(encoding="utf-8") == "my work"
    assert (tmp_path / NOTEBOOKS[1].name).exists()


def test_fresh_begins_again_and_keeps_each_work_under_a_name_of_its_own(tmp_path: Path) -> None:
    list(copy_notebooks(tmp_path))
    for number in (1, 2):
        (tmp_path / FIRST).write_text(f"work {number}", encoding="utf-8")
        (said,) = copy_notebooks(tmp_path, fresh=True)
        kept = tmp_path / f"1_your_own_value-work-{number}.ipynb"
        assert said.endswith(f"your work is kept in {kept}")
        assert kept.read_text(encoding="utf-8") == f"work {number}"
        assert (tmp_path / FIRST).read_bytes() == NOTEBOOKS[0].read_bytes()
    assert list(copy_notebooks(tmp_path, fresh=True)) == []


def test_without_jupyter_it_says_what_to_install_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "jupyter_command", lambda _: [])
    assert main(["--out", str(tmp_path)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"The notebooks are in {tmp_path}; begin with {FIRST}."
    assert 'pip install "' in second
    assert '[notebooks]"' in second


def test_jupyter_is_opened_where_the_project_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # What stands for Jupyter is a Python that says where it finds the project.
    program = "import os, sys; print(os.environ['PYTHONPATH']); sys.exit(3)"
    monkeypatch.setattr(command, "jupyter_command", lambda _: [sys.executable, "-c", program])
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    assert main(["--out", str(tmp_path)]) == 3
    assert f"{PROJECT}{os.pathsep}elsewhere" in capfd.readouterr().out
    assert main(["--out", str(tmp_path), "--no-open"]) == 0
    assert "elsewhere" not in capfd.readouterr().out


def test_lab_is_preferred_and_either_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: set[str] = set()
    monkeypatch.setattr(
        command.importlib.util, "find_spec", lambda name: name if name in there else None
    )
    assert jupyter_command(tmp_path) == []
    there.add("notebook")
    assert jupyter_command(tmp_path) == [sys.executable, "-m", "notebook", str(tmp_path)]
    there.add("jupyterlab")
    assert jupyter_command(tmp_path) == [sys.executable, "-m", "jupyterlab", str(tmp_path)]


def test_the_command_itself_leaves_the_notebooks_in_a_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demos.notebooks", "--no-open"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"The notebooks are in notebooks; begin with {FIRST}.\n"
    assert len(list((tmp_path / "notebooks").glob("*.ipynb"))) == len(NOTEBOOKS)
