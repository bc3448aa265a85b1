"""Stepping a program in Python's debugger, and the session of it that the docs show."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "compile.md"
PROMPT = "(Pdb) "

SESSION = (
    *("tbreak 9", "c", "break program.step", "c", "l", "n", "n", "n", "n", "p z, y"),
    *("n", "n", "n", "n", "n", "p d_z, x", "n", "p d_w", "q"),
)


def debugged(script: str, commands: Sequence[str], folder: Path) -> str:
    """Return what a terminal shows of a pdb session with the script."""
    (folder / "neuron.py").write_text(script, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pdb", "neuron.py"],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "utf-8",
            "HOME": str(folder),
        },
        input="".join(f"{command}\n" for command in commands),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert run.stderr == ""
    beginning, *answers = run.stdout.split(PROMPT)
    shown = "$ python -m pdb neuron.py\n" + beginning
    for command, answer in zip(commands, answers, strict=True):
        shown += f"{PROMPT}{command}\n{answer}"
    here = re.escape(f"{folder.resolve()}{os.sep}")
    lines = re.sub(here, "", shown).splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def blocks(text: str, language: str) -> list[str]:
    """Return the document's code blocks in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def script_of(document: str) -> str:
    (script,) = [block for block in blocks(document, "python") if ">>>" not in block]
    return script


def test_a_debugger_shows_lines_names_and_numbers_of_forward_and_backward(tmp_path: Path) -> None:
    shown = debugged(script_of(DOCUMENT.read_text(encoding="utf-8")), SESSION, tmp_path)
    # In this order, whatever the Python's pdb puts between.
    for part in (
        "-> program()",
        "<program for y 1>",
        "step()\n-> (w, x, b) = parameters\n",
        "# ---- forward",
        "-> v4 = w * x  # v4 = w * x\n",
        "-> z = v4 + b  # z = v4 + b\n",
        "-> y = tanh(z)  # y = tanh(z)\n",
        "(Pdb) p z, y\n(1.0, 0.7615941559557649)\n",
        "-> d_z = t8  # d y/d z = d y/d y × d y/d z\n",
        "-> d_w = x * d_v4  # d y/d w = d y/d v4 × d v4/d w\n",
        "(Pdb) p d_w\n0.8399486832280523\n",
    ):
        assert part in shown
        shown = shown.partition(part)[2]


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="each Python's pdb says some things in other words"
)
def test_the_session_in_the_docs_is_what_a_debugger_shows(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    (session,) = blocks(document, "text")
    shown = debugged(script_of(document), SESSION, tmp_path)
    if request.config.getoption("--rewrite-golden"):
        renewed = document.replace(f"```text\n{session}```", f"```text\n{shown}```")
        DOCUMENT.write_text(renewed, encoding="utf-8", newline="\n")
        session = shown
    assert session == shown, "not what pdb shows; if that is meant, --rewrite-golden"


def test_the_examples_in_the_docs_are_right() -> None:
    found = doctest.testfile(str(DOCUMENT), module_relative=False)
    assert found.attempted > 20
    assert found.failed == 0
