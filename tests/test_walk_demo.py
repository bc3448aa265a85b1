"""A debugger's session in a notebook's cell: what is typed, what is shown, what is left."""

from __future__ import annotations

import sys
from bdb import Breakpoint
from pathlib import Path

import pytest

from demos.walk import walk

PROGRAM = """\
from autodiff import Value, record_source

with record_source():
    w = Value(3.0, "w")
    y = w * w
    loss = y + 1.0

loss.backward()
"""


def test_a_session_reads_as_a_terminal_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "steps.py"
    file.write_text(PROGRAM, encoding="utf-8")
    before = sys.gettrace()
    other = Breakpoint(str(tmp_path / "other.py"), 3)
    number = Breakpoint.next
    walk(file, ["break 6", "continue", "continue", "next", "p d_y"])
    assert sys.gettrace() is before
    # Another debugger has its breakpoints as before.
    assert (Breakpoint.bpbynumber[other.number], Breakpoint.next) == (other, number)
    other.deleteMe()
    # Forward it stops at line 6; backward again, and goes up from there.
    assert (
        capsys.readouterr().out
        == """\
> steps.py(1)<module>()
-> from autodiff import Value, record_source
(Pdb) break 6
Breakpoint 1 at steps.py:6
(Pdb) continue
> steps.py(6)<module>()
-> loss = y + 1.0
(Pdb) continue
> steps.py(6)<module>()
-> loss = y + 1.0
(Pdb) next
> steps.py(5)<module>()
-> y = w * w
(Pdb) p d_y
1.0
"""
    )


def test_a_file_that_is_missing_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"no_such\.py"):
        walk(tmp_path / "no_such.py", [])
