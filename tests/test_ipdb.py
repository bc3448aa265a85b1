"""Backward through a user's own lines, and ``break_on``, in ipdb, IPython's for a terminal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ipdb", reason="the debugger itself")

ROOT = Path(__file__).resolve().parent.parent

LESSON = """\
from autodiff import Value, record_source

with record_source():
    w, x = Value(0.5), Value(3.0)
    y = w * x
    loss = y * y
loss.backward()
print("gradient:", w.grad)
"""

# Where it stops is marked by an arrow, after the number of a breakpoint.
ARROW = re.compile(r"^\d*-+> (\d+ .*)$", re.MULTILINE)


def debugged(folder: Path, program: str, *options: str, commands: list[str]) -> list[str]:
    """Return what ipdb, told these commands, says to each, a stop as the number and its line."""
    (folder / "lesson.py").write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *options, "lesson.py"],
        cwd=folder,
        input="".join(f"{command}\n" for command in commands),
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONBREAKPOINT": "ipdb.set_trace",
            "IPY_TEST_SIMPLE_PROMPT": "1",
            "IPYTHONDIR": str(folder / "settings"),
            "NO_COLOR": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    _, *answers = plain.split("ipdb> ")
    return [
        re.sub(r" +", " ", stop[1]) if (stop := ARROW.search(each)) else each.strip()
        for each in answers
    ]


def test_a_breakpoint_stops_in_both_passes_and_next_goes_back(tmp_path: Path) -> None:
    commands = ["b 6", "c", "c", "p d_loss", "n", "p d_y", "n", "p d_w"]
    said = debugged(tmp_path, LESSON, "-m", "ipdb", commands=commands)
    assert said[1:-1] == [
        "6 loss = y * y",
        "6 loss = y * y",
        "1.0",
        "5 y = w * x",
        "3.0",
        "4 w, x = Value(0.5), Value(3.0)",
        "9.0",
    ]


def test_break_on_stops_at_the_users_line(tmp_path: Path) -> None:
    program = LESSON.replace("loss.backward()", "w.break_on('contribution')\nloss.backward()")
    commands = ["p upstream, local, contribution", "p step", "c"]
    said = debugged(tmp_path, program, commands=commands)
    assert said[0] == "(3.0, 3.0, 9.0)"
    assert "gradient: 9.0" in said[2]
