"""What is said about a student's mistakes, and that it is enough to mend them.

Each program of the table is run.  What is said names the thing, the line and the cure; once the
cure is carried out in the program, that is not said any more.
"""

from __future__ import annotations

import contextlib
import io
import runpy
from pathlib import Path

import pytest

from tests.mistakes import MARK, MISTAKES, Mistake

IDS = [mistake.name for mistake in MISTAKES]


def said_by(program: str, folder: Path) -> str:
    """Run a program in a folder, and return the notes that it prints, or its error."""
    path = folder / "train.py"
    path.write_text(program, encoding="utf-8")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            runpy.run_path(str(path))
        except TypeError as error:
            return str(error)
    return "\n".join(line for line in printed.getvalue().splitlines() if line.startswith("! "))


def test_there_are_twenty_and_more() -> None:
    assert len(set(IDS)) == len(IDS) >= 20


@pytest.mark.parametrize("mistake", MISTAKES, ids=IDS)
def test_a_mistake_is_told_with_the_thing_the_line_and_the_cure(
    mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = said_by(mistake.program, tmp_path)
    lines = mistake.marked.splitlines()
    (line,) = [number for number, text in enumerate(lines, 1) if MARK in text]
    cure = lines[line - 1].partition(MARK)[2]
    for part in mistake.says:
        assert part.replace("{line}", str(line)).replace("{cure}", cure) in said


@pytest.mark.parametrize("mistake", MISTAKES, ids=IDS)
def test_once_it_is_mended_as_told_nothing_of_it_is_said(
    mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = said_by(mistake.mended, tmp_path)
    assert mistake.says[0] not in said
