"""The lines of the user's file that look like the one that is meant.

What is assigned to ``.data``, and where a name gets a new Value, no Value remembers.  So a message
shows the lines of the file that do such a thing.
"""

from __future__ import annotations

import linecache
import re
import sys
from typing import Final

from autodiff.support.frames import shown_place, users_frame
from autodiff.value import Value

__all__ = ["CUT", "REBINDING", "TAKEN_OUT", "UPDATE", "file_of", "lines_like", "see"]

SHOWN_LINES = 2

# ``w.data -= 0.1 * w.grad``
UPDATE: Final = re.compile(r"\.data\s*[-+*/]?=(?!=)")
# ``w = w - 0.1 * w.grad``, ``w -= 0.1 * w.grad`` and ``w = Value(w.data - 0.1 * w.grad)``
REBINDING: Final = re.compile(r"^\s*\w+\s*([-+]=|=(?!=).*[-+]).*\.grad\b")
# What makes a number of a Value.
TAKEN_OUT: Final = re.compile(r"\.(data|item\(\)|detach\(\))")
# ``h = Value((w * x).data)``
CUT: Final = re.compile(rf"^\s*(\w+\s*=(?!=)|return\b).*{TAKEN_OUT.pattern}")


def file_of(*values: Value) -> str:
    """Return the file that made the first Value whose file is known, else the caller's; or ''."""
    for value in values:
        if value.origin.file:
            return value.origin.file
    frame = users_frame(sys._getframe(1))
    return frame.f_code.co_filename if frame is not None else ""


def lines_like(pattern: re.Pattern[str], file: str) -> list[str]:
    """Return the lines of a file that a pattern is found in, each with its place."""
    return [
        f"{shown_place(file, number)}: {line.strip()}"
        for number, line in enumerate(linecache.getlines(file), 1)
        if pattern.search(line.partition("#")[0])
    ]


def see(pattern: re.Pattern[str], file: str) -> str:
    """Return a reference to such lines, in brackets and after a space; '' if there are none."""
    found = lines_like(pattern, file)
    more = ["…"] if len(found) > SHOWN_LINES else []
    return f" (see {'; '.join(found[:SHOWN_LINES] + more)})" if found else ""
