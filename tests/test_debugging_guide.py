"""docs/debugging.md: its programs run and print what it says, its sessions of pdb are real ones."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from autodiff.hooks import EVENTS

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "debugging.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS: list[tuple[str, str]] = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
PROMPT = "(Pdb) "


def followed_by(language: str) -> list[tuple[str, str]]:
    """Return the guide's programs that a block of this language follows, each with that block."""
    return [
        (code, following)
        for (kind, code), (next_kind, following) in pairwise(BLOCKS)
        if kind == "python" and next_kind == language
    ]


def run(code: str, folder: Path, typed: str = "") -> str:
    """Save a program as train.py, run it, and return what it prints."""
    (folder / "train.py").write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "train.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        input=typed,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.stdout


def title(case: tuple[str, str]) -> str:
    """Return what a test about a program is called: what it imports."""
    return case[0].partition("from autodiff import ")[2].partition("\n")[0].replace(", ", "-")


@pytest.mark.parametrize("case", followed_by("text"), ids=title)
def test_a_program_prints_what_stands_below_it(case: tuple[str, str], tmp_path: Path) -> None:
    code, printed = case
    assert run(code, tmp_path) == printed


@pytest.mark.parametrize("case", followed_by("pdb"), ids=title)
def test_a_session_of_pdb_is_what_pdb_shows(case: tuple[str, str], tmp_path: Path) -> None:
    code, session = case
    first, *lines = session.splitlines(keepends=True)
    assert first == "$ python train.py\n"
    commands = [line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT)]
    answers = run(code, tmp_path, "".join(commands)).split(PROMPT)
    # What is typed is not in the output: only a terminal shows it.
    shown = answers[0]
    for command, answer in zip(commands, answers[1:], strict=True):
        shown += PROMPT + command + answer
    assert comparable(shown) == comparable("".join(lines))


def comparable(session: str) -> list[str]:
    """Return a session's lines without what changes from place to place and version to version."""
    session = session.replace(f"{ROOT}{os.sep}", "").replace(os.sep, "/")
    lines = re.sub(r"\.py\(\d+\)", ".py", session).splitlines()
    if sys.version_info >= (3, 13):
        # From there on breakpoint() stops at its own line, and not at the next.
        lines = [line for line in lines if not line.startswith(("> ", "-> "))]
    return lines


def test_the_guide_has_programs_sessions_and_a_configuration() -> None:
    assert len(followed_by("text")) == 6
    assert len(followed_by("pdb")) == 2
    assert sum(kind == "python" for kind, _ in BLOCKS) == 8
    (configuration,) = [json.loads(text) for kind, text in BLOCKS if kind == "json"]
    assert configuration["configurations"][0]["justMyCode"] is False


def test_the_guide_names_every_event_that_there_is() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert all(f'`"{event}"`' in text or f'("{event}")' in text for event in EVENTS)


def test_the_line_that_the_guide_breaks_on_is_in_the_pass() -> None:
    assert "contribution = local * upstream" in GUIDE.read_text(encoding="utf-8")
    source = (ROOT / "autodiff" / "backward.py").read_text(encoding="utf-8")
    assert source.count("contribution = local * upstream\n") == 1
