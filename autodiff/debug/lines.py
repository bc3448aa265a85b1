"""The lines of the user's file that look like the one that is meant.

What is assigned to ``.data``, and where a name gets a new Value, no Value remembers.  So a message
shows the lines of the file that do such a thing.
"""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Container
from typing import Final

from autodiff.support.frames import shown_place, users_frame
from autodiff.support.naming import name_of
from autodiff.value import Value

__all__ = [
    "CUT",
    "REBINDING",
    "TAKEN_OUT",
    "UPDATE",
    "file_of",
    "is_rebound",
    "names_of_the_caller",
    "see",
    "spoken_name",
]

SHOWN_LINES = 3

# ``w.data -= 0.1 * w.grad``
UPDATE: Final = re.compile(r"\.data\s*[-+*/]?=(?!=)")
# ``w = w - 0.1 * w.grad``, ``w -= 0.1 * w.grad`` and ``w = Value(w.data - 0.1 * w.grad)``
REBINDING: Final = re.compile(r"^\s*(?P<name>\w+)\s*([-+]=|=(?!=).*[-+]).*\.grad\b")
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


def names_of_the_caller(value: Value) -> tuple[str, ...]:
    """Return the names by which the user's code that called this has a Value."""
    frame = users_frame(sys._getframe(1))
    known = {**frame.f_globals, **frame.f_locals} if frame is not None else {}
    return tuple(name for name, each in known.items() if each is value)


def spoken_name(value: Value) -> str:
    """Return a Value's name, or what the user's code calls it, or else its formula."""
    return value.name or "".join(names_of_the_caller(value)[:1]) or name_of(value)


def is_rebound(value: Value, names: Container[str], file: str) -> bool:
    """Return whether the line that made a Value updates a name by a gradient.

    If that line is not known, a line of the file is taken that gives such a name.
    """
    if value.origin.code:
        return REBINDING.search(value.origin.code) is not None
    found = map(REBINDING.search, linecache.getlines(file))
    return any(line is not None and line["name"] in names for line in found)


def lines_like(pattern: re.Pattern[str], file: str) -> list[str]:
    """Return the lines of a file that a pattern is found in, each with its place."""
    return [
        f"{shown_place(file, number)}: {line.strip()}"
        for number, line in enumerate(linecache.getlines(file), 1)
        if pattern.search(line.partition("#")[0])
    ]


def see(pattern: re.Pattern[str], file: str) -> str:
    """Return a reference to such lines, in brackets and after a space.

    It is '' if there are none, or so many that most are not the one that is meant.
    """
    found = lines_like(pattern, file)
    return f" (see {'; '.join(found)})" if 0 < len(found) <= SHOWN_LINES else ""
