"""Whose code a frame runs: this library's, Python's own, or the user's."""

from __future__ import annotations

import linecache
import os
import sys
import warnings
from bdb import Bdb
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

__all__ = [
    "COMPREHENSIONS",
    "ENGINE",
    "LIBRARY",
    "PYTHON",
    "calling_function",
    "code_at",
    "debugger_looks_on",
    "frames_of_now",
    "is_debugger",
    "is_users",
    "is_users_or_networks",
    "module_of",
    "names_used",
    "place_of_now",
    "shown_place",
    "users_frame",
    "users_frames",
    "warn_user",
]

# The library's own folders, autodiff and nn.
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENGINE, NETWORKS = PACKAGE + os.sep, os.path.join(os.path.dirname(PACKAGE), "nn") + os.sep
LIBRARY = (ENGINE, NETWORKS)

# And those of Python and of what is installed.
PYTHON = os.path.dirname(os.__file__) + os.sep
INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")

# The modules of debuggers' trace functions that are not of Python's kind: debugpy's, which VS Code
# and notebooks have, and PyCharm's are pydevd.
DEBUGGERS = ("pydevd", "_pydevd", "debugpy", "thonny.")

# These run within a line of the function that they stand in; from Python 3.12 on, most have no
# frame of their own.
COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


def users_frame(frame: FrameType | None, library: tuple[str, ...] = LIBRARY) -> FrameType | None:
    """Return the innermost frame, from this one on, that is not this library's; None without."""
    while frame is not None and frame.f_code.co_filename.startswith(library):
        frame = frame.f_back
    return frame


@lru_cache(maxsize=1024)
def is_users(file: str) -> bool:
    """Return whether code of that file is the user's: not this library's, Python's or installed.

    >>> is_users("/home/me/lab/train.py"), is_users(os.__file__), is_users("<frozen runpy>")
    (True, False, False)
    """
    if file.startswith((*LIBRARY, PYTHON, "<frozen ")):
        return False
    return not any(folder in file for folder in INSTALLED)


def is_users_or_networks(file: str) -> bool:
    """Return whether code of that file is the user's or that of ``nn``."""
    return file.startswith(NETWORKS) or is_users(file)


def frames_of_now() -> Iterator[FrameType]:
    """Yield the frames that run now, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def users_frames() -> Iterator[FrameType]:
    """Yield the frames of the user's code that run now, the innermost first."""
    for frame in frames_of_now():
        if is_users(frame.f_code.co_filename):
            yield frame


def place_of_now() -> tuple[str, int]:
    """Return file and line of the user's code that runs now; '' and 0 if there is none."""
    for frame in users_frames():
        return frame.f_code.co_filename, frame.f_lineno
    return "", 0


def warn_user(message: str) -> None:
    """Warn at the user's line that runs now, once for each line."""
    for frame in users_frames():
        known = frame.f_globals.setdefault("__warningregistry__", {})
        place = frame.f_code.co_filename, frame.f_lineno
        warnings.warn_explicit(message, UserWarning, *place, registry=known)
        break


def module_of(file: str, name: str = "") -> dict[str, Any]:
    """Return the global names of a file's code, of what runs now or of the module of that name."""
    for frame in users_frames():
        if frame.f_code.co_filename == file:
            return frame.f_globals
    return vars(sys.modules[name]) if name in sys.modules else {}


def calling_function(
    frame: FrameType | None,
    called: FrameType | None,
    is_shown: Callable[[str], bool] = is_users,
) -> tuple[FrameType | None, FrameType | None, int]:
    """Return the innermost frame of a function of the user's, what it has called, and its line.

    ``called`` is what the given frame has called; ``is_shown`` says which files are the user's.
    """
    while frame is not None and not is_shown(frame.f_code.co_filename):
        called, frame = frame, frame.f_back
    if frame is None:
        return None, called, 0
    line = frame.f_lineno
    if frame.f_code.co_name in COMPREHENSIONS:
        around, within, _ = calling_function(frame.f_back, frame, is_shown)
        # Unless another function was given a generator, and asks it for the next.
        if around is not None and stands_in(frame.f_code, around.f_code):
            return around, within, line
    return frame, called, line


@lru_cache(maxsize=1024)
def stands_in(inner: CodeType, outer: CodeType) -> bool:
    """Return whether a comprehension stands in other code, perhaps in a comprehension of it."""
    codes = [each for each in outer.co_consts if isinstance(each, CodeType)]
    return any(
        each is inner or (each.co_name in COMPREHENSIONS and stands_in(inner, each))
        for each in codes
    )


def names_used(code: CodeType) -> Iterator[str]:
    """Yield the names that code uses, also in functions and generators within it.

    >>> list(names_used(compile("any(map(lambda each: each > limit, rates))", "", "eval")))
    ['any', 'map', 'rates', 'limit']
    """
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_used(constant)


def debugger_looks_on() -> bool:
    """Return whether a debugger looks on in this thread."""
    if is_debugger(sys.gettrace()):
        return True
    monitoring = getattr(sys, "monitoring", None)  # from Python 3.12 on
    return monitoring is not None and monitoring.get_tool(monitoring.DEBUGGER_ID) is not None


def is_debugger(tracer: Any) -> bool:
    """Return whether a trace function is that of a debugger.

    Other tools trace lines too, such as ``python -m trace`` and what measures coverage.
    """
    owner = getattr(tracer, "__self__", tracer)
    if isinstance(owner, Bdb):  # as are pdb and its like
        return True
    modules = getattr(owner, "__module__", None), type(owner).__module__
    return any((module or "").startswith(DEBUGGERS) for module in modules)


def shown_place(file: str, line: int) -> str:
    """Return file and line for a message, the file as seen from the current folder.

    >>> shown_place("train.py", 12)
    'train.py:12'
    """
    return f"{file.removeprefix(os.getcwd() + os.sep)}:{line}"


def code_at(file: str, line: int) -> str:
    """Return the text of a line; '' if it cannot be read."""
    return linecache.getline(file, line).strip()
