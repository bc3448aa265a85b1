"""A debugger's session in a notebook: pdb walks through a file, and is typed into.

``walk(file, commands)`` runs a program in pdb in this very Python, types the commands, and prints
what a person would see, the commands too.  A browser's Python, which can start no other process,
can do that as well.
"""

from __future__ import annotations

import io
import os
import pdb
import sys
from bdb import Breakpoint
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["walk"]


# A notebook's kernel puts a coloured one in its place.
PlainPdb: Any = next(each for each in pdb.Pdb.__mro__ if each.__module__ == "pdb")


class Typed(io.StringIO):
    """What is typed: each line is shown when it is read, as a terminal shows it."""

    def __init__(self, lines: Sequence[str], shown: io.StringIO) -> None:
        super().__init__("".join(f"{line}\n" for line in lines))
        self.shown = shown

    def readline(self, size: int | None = -1, /) -> str:
        line = super().readline(-1 if size is None else size)
        self.shown.write(line)
        return line


def walk(path: str | os.PathLike[str], commands: Sequence[str]) -> None:
    """Run a Python file in pdb with these commands, and print the session.

    The session is left behind the last command.  Raises OSError if the file cannot be read.
    """
    file = Path(path)
    code = compile(file.read_text(encoding="utf-8"), str(file), "exec")
    shown = io.StringIO()
    debugger = PlainPdb(
        stdin=Typed([*commands, "quit"], shown), stdout=shown, nosigint=True, readrc=False
    )
    debugger.use_rawinput = False
    # All debuggers of a program share their breakpoints: this one begins without any, and the
    # others have theirs afterwards.
    points, before = Breakpoint, sys.gettrace()
    kept = points.next, points.bplist, points.bpbynumber
    points.clearBreakpoints()
    try:
        debugger.run(code, {"__name__": "__main__", "__file__": str(file)})
    finally:
        sys.settrace(before)
        points.next, points.bplist, points.bpbynumber = kept
    session = shown.getvalue().replace(f"{file.parent.resolve()}{os.sep}", "")
    print(session.removesuffix("quit\n").removesuffix("(Pdb) ").rstrip())
