"""Whose code a frame runs: this library's, Python's own, or the user's."""

from __future__ import annotations

import linecache
import os
from types import FrameType

__all__ = ["LIBRARY", "code_at", "shown_place", "users_frame"]

# The library's own folders, autodiff and nn.
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIBRARY = (PACKAGE + os.sep, os.path.join(os.path.dirname(PACKAGE), "nn") + os.sep)


def users_frame(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame, from this one on, that runs the user's code; None without."""
    while frame is not None and frame.f_code.co_filename.startswith(LIBRARY):
        frame = frame.f_back
    return frame


def shown_place(file: str, line: int) -> str:
    """Return file and line for a message, the file as seen from the current folder.

    >>> shown_place("train.py", 12)
    'train.py:12'
    """
    return f"{file.removeprefix(os.getcwd() + os.sep)}:{line}"


def code_at(file: str, line: int) -> str:
    """Return the text of a line; '' if it cannot be read."""
    return linecache.getline(file, line).strip()
