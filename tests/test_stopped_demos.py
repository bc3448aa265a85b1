"""Demos that are told to stop: whole files, nothing left over, one line and no traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.stop_demo import SIGNALS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and forks are POSIX")

ROOT = Path(__file__).resolve().parent.parent

ENDS = {  # exit code (a signal's number below 0), and what is said
    "SIGINT": (-signal.SIGINT, "\nInterrupted.\n"),
    "SIGTERM": (128 + signal.SIGTERM, "\nTerminated.\n"),
    "SIGKILL": (-signal.SIGKILL, ""),
}

# ---- while files are written ---------------------------------------------------------------

SWEEP = [
    *("--seeds", "3", "--epochs", "20", "--activations", "tanh", "--losses", "mse"),
    *("--initialisations", "he", "--learning-rates", "1", "--workers", "1", "--engine", "python"),
]
WORKSHEET = ("demos.worksheet.__main__", ["--out", "{out}/sheet.html"])
PAGE = ("demos.page", ["--out", "{out}"])
XOR = ("demos.xor", ["--epochs", "3", "--out", "{out}"])
MOONS = ("demos.moons", ["--epochs", "2", "--animate", "--out", "{out}"])
REPORT = ("demos.sweep.command", [*SWEEP, "--out", "{out}"])


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("module", "arguments", "selection", "least"),
    [
        (*WORKSHEET, "2", 3),
        (*PAGE, "1", 1),
        (*XOR, "4", 5),
        pytest.param(*WORKSHEET, "all", 60, marks=pytest.mark.slow),
        pytest.param(*PAGE, "all", 20, marks=pytest.mark.slow),
        pytest.param(*XOR, "all", 120, marks=pytest.mark.slow),
        pytest.param(*MOONS, "3", 4, marks=pytest.mark.slow),
        pytest.param(*REPORT, "1", 9, marks=pytest.mark.slow),
    ],
)
def test_a_demo_that_is_stopped_while_it_writes_leaves_every_file_whole(
    tmp_path: Path, module: str, arguments: list[str], selection: str, least: int
) -> None:
    before = tmp_path / "before"
    before.mkdir()
    if module == REPORT[0]:  # a finished sweep, of which the report is written once more
        command = [sys.executable, "-m", "demos.sweep", *SWEEP, "--out", str(before)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        for path in before.iterdir():
            if path.suffix != ".sqlite":
                path.unlink()
    stopped = subprocess.run(
        [sys.executable, "-m", "tests.stop_demo", module, str(tmp_path), selection, *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    ends = [json.loads(line) for line in stopped.stdout.splitlines()]
    assert len(ends) >= least
    assert {end["signal"] for end in ends} >= set(SIGNALS[: len(ends)])
    names = {path.name for path in (tmp_path / "whole").iterdir()}
    seen: set[str] = set()
    for end in ends:
        check_end(end, names)
        seen.update(end["files"].values())
    assert seen >= {"old", "new"}


def check_end(end: dict[str, Any], names: set[str]) -> None:
    """Assert that a stopped run ended as it should, and left what it should."""
    code, said = ENDS[end["signal"]]
    kept = r"( All finished runs are in \S+; the same command goes on from there\.)?"  # a sweep's
    assert end["code"] == code, end
    assert re.sub(kept, "", end["said"]) == said, end
    kinds = end["files"]
    assert {kinds[name] for name in names} <= {"old", "new"}, end
    if end["signal"] == "SIGKILL":  # nobody can clean up; the name says that it is no result
        assert all(name.startswith(".") for name in kinds.keys() - names), end
    else:
        assert kinds.keys() == names, end


# ---- before they begin, and while they train -----------------------------------------------

# Python runs a file of this name before all else.
SEND_AT_IMPORT = """
import os, sys

def hook(event, arguments, sent=[]):
    if event == "import" and arguments[0] == os.environ["STOP_AT"] and not sent:
        sent.append(True)
        os.kill(os.getpid(), int(os.environ["STOP_BY"]))

sys.addaudithook(hook)
"""


@pytest.mark.parametrize(
    ("demo", "module", "name"),
    [
        ("xor", "matplotlib", "SIGINT"),
        ("moons", "matplotlib", "SIGINT"),
        ("page", "demos.live.content", "SIGINT"),
        ("worksheet", "demos.worksheet.sheet", "SIGINT"),
        ("sweep", "matplotlib", "SIGINT"),
        ("step", "textual", "SIGINT"),
        ("xor", "nn", "SIGTERM"),
    ],
)
def test_a_demo_that_is_stopped_while_it_starts_shows_no_traceback(
    tmp_path: Path, demo: str, module: str, name: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SEND_AT_IMPORT, encoding="utf-8")
    number = getattr(signal, name)
    ended = subprocess.run(
        [sys.executable, "-m", f"demos.{demo}"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            **{"PYTHONPATH": str(tmp_path), "STOP_AT": module, "STOP_BY": str(int(number))},
        },
    )
    said = "\nInterrupted.\n" if name == "SIGINT" else ""
    assert (ended.returncode, ended.stderr) == (-number, said)
    assert ended.stdout == ""


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_a_demo_that_is_stopped_while_it_trains_says_so_and_writes_nothing(
    tmp_path: Path, name: str
) -> None:
    number = getattr(signal, name)
    training = ["-m", "demos.xor", "--epochs", "10000000", "--out", str(tmp_path)]
    # Who runs the tests may ignore the signal, as nohup does, and a child would inherit that.
    answer = signal.signal(number, signal.SIG_DFL)
    try:
        process = subprocess.Popen(
            [sys.executable, "-u", *training],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(number, answer)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "Epoch 0, Loss: 0.2595\n"
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    code, line = ENDS.get(name, (128 + signal.SIGHUP, "\nTerminated.\n"))
    assert (process.returncode, said) == (code, line)
    assert os.listdir(tmp_path) == []


def test_a_hangup_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    script = "trap '' HUP; exec \"$@\""  # as nohup does
    demo = "import os, signal\nfrom demos.command import run\n"
    demo += "def main():\n    os.kill(os.getpid(), signal.SIGHUP)\n    print('goes on')\nrun(main)"
    command = ["sh", "-c", script, "sh", sys.executable, "-c", demo]
    ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert ended.stdout == "goes on\n"


def test_a_second_signal_does_not_disturb_the_cleaning_up(tmp_path: Path) -> None:
    demo = (
        "import os, signal\nfrom demos.command import run\n"
        "def main():\n"
        "    try:\n        os.kill(os.getpid(), signal.SIGTERM)\n"
        "    finally:\n        os.kill(os.getpid(), signal.SIGHUP)\n        print('cleaned up')\n"
        "run(main)"
    )
    command = [sys.executable, "-c", demo]
    ended = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("cleaned up\n", "\nTerminated.\n")
    assert ended.returncode == 128 + signal.SIGTERM
