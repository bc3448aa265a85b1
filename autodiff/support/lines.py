"""Code that does something at lines of a user's file, where every debugger looks for it.

A debugger knows a place by file and line alone.  Code that is compiled under the name of the user's
file, with the user's line numbers, is for it the user's own: it shows these lines, stops at
breakpoints on them, and does not pass them over as a library's.
"""

from __future__ import annotations

import linecache
import sys
from bdb import Bdb
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import repeat
from operator import call
from types import CodeType, FrameType
from typing import Any, TypeVar

from autodiff.support.frames import is_users

__all__ = [
    "LocalNames",
    "Quiet",
    "QuietAfterwards",
    "code_at_lines",
    "names_of_user",
    "pass_over_library",
    "run_at_lines",
]

LocalNames = dict[str, Any]
Result = TypeVar("Result")

# A debugger shows names like these apart from the user's.
ROUND, BETWEEN = "__round__", "__between__"
# Where the local variables are none of the user's, but say what happens.
NOT_USERS = "__not_users__"

# The kinds of entries in a table of line numbers: a line without columns, none at all; and how many
# units of code one is for at most.  CPython, InternalDocs/code_objects.md.
NO_COLUMNS, NO_LINE, MOST_UNITS = 13, 15, 8


def code_at_lines(file: str, function: str, first: int, lines: Sequence[int]) -> CodeType:
    """Return the code of a function that does a round of work at each line, in this order.

    ``first`` is the line at which the function begins.  Each line is a stop for a debugger, also
    where the same comes again: in between is something that is on no line.  There the names become
    those of the next line, as a debugger shows a line again when a call in it has been left.
    """
    code = compile(f"\n{BETWEEN}()\n".join([f"{ROUND}()"] * len(lines)), file, "exec")
    table, line = bytearray(), first
    for units, place in lines_of(code):
        if place and not place % 2:
            table += entries(units, None)
        else:
            wanted = lines[place // 2] if place else first
            table += entries(units, wanted - line)
            line = wanted
    return code.replace(
        co_name=function, co_qualname=function, co_firstlineno=first, co_linetable=bytes(table)
    )


def lines_of(code: CodeType) -> Iterator[tuple[int, int]]:
    """Yield how many units of code each line has, and its number; 0 is before the first."""
    start, before = 0, 0
    for begin, _, line in code.co_lines():
        if line != before:
            yield (begin - start) // 2, before
            start, before = begin, line or 0
    yield (len(code.co_code) - start) // 2, before


def entries(units: int, step: int | None) -> bytes:
    """Return a table's entries for units of code so many lines further on; None is on no line."""
    table = bytearray()
    while units:
        length = min(units, MOST_UNITS)
        kind = NO_LINE if step is None else NO_COLUMNS
        table.append(0x80 | kind << 3 | length - 1)
        if step is not None:
            table += signed(step)
            step = 0
        units -= length
    return bytes(table)


def signed(number: int) -> bytes:
    """Return a number, and its sign as the lowest bit, in groups of six bits, the lowest first.

    >>> signed(3), signed(-40)
    (b'\\x06', b'Q\\x01')
    """
    rest = abs(number) << 1 | (number < 0)
    found = bytearray()
    while rest > 0x3F:
        found.append(rest & 0x3F | 0x40)
        rest >>= 6
    return bytes([*found, rest])


class Quiet:
    """What keeps pdb out of the library between two lines of the user's.

    Where a function returns, pdb's ``next`` stops at whatever is called then, and ``step`` stops at
    it anyway.  So ``begin`` has it see nothing until ``end``; other debuggers need no such help.
    """

    def __init__(self, tracer: Any) -> None:
        is_pdb = isinstance(getattr(tracer, "__self__", None), Bdb)
        # No functions of Python's, which would be seen themselves.
        self.begin: Callable[[], Any] = partial(sys.settrace, None) if is_pdb else int
        self.end: Callable[[], Any] = partial(sys.settrace, tracer) if is_pdb else int

    def rounds(self, next_round: Callable[[Any], Result]) -> Callable[[], Result]:
        """Return what is quiet and calls a function, which ends that."""
        return map(next_round, iter(self.begin, True)).__next__


class QuietAfterwards(Quiet):
    """The same for a debugger that is opened only now."""

    def __init__(self) -> None:
        super().__init__(None)
        owners = map(getattr, iter(sys.gettrace, self), repeat("__self__"), repeat(None))
        off = {True: partial(sys.settrace, None)}
        are_pdb = map(isinstance, owners, repeat(Bdb))
        self.begin = map(call, map(off.get, are_pdb, repeat(int))).__next__


class PassingOver:
    """A trace function that shows pdb nothing of the library until the user's code goes on.

    It is to trace all that is called from now on, and the frame in which the user's code goes on.
    A file of the library with a breakpoint in it is not passed over.
    """

    def __init__(self, tracer: Any) -> None:
        self.tracer = tracer

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event != "call":  # the user's frame goes on
            sys.settrace(self.tracer)
        elif not (
            has_users_lines(frame.f_code.co_filename) or self.tracer.__self__.break_anywhere(frame)
        ):
            return None
        return self.tracer(frame, event, argument)


def pass_over_library(tracer: Any, was_opened: bool = False) -> None:
    """Have pdb, and its like, whose trace function is given, show no lines of the library.

    That is until the user's code that called it goes on.  ``was_opened`` says that it was opened
    here: then it is about to show the rest of all functions that run.
    """
    if not isinstance(getattr(tracer, "__self__", None), Bdb):
        return
    over, frame = PassingOver(tracer), sys._getframe(1)
    while frame.f_back is not None and not is_users(frame.f_code.co_filename):
        if was_opened:
            frame.f_trace = None
        frame = frame.f_back
    frame.f_trace = over
    sys.settrace(over)


def has_users_lines(file: str) -> bool:
    """Return whether code of that file is the user's, and no text that something has generated."""
    return is_users(file) and bool(linecache.getlines(file))


def run_at_lines(
    code: CodeType,
    module: dict[str, Any],
    names: LocalNames,
    next_round: Callable[[], object],
    quiet: Quiet,
    between: Callable[[], object] = int,
    *,
    users: bool = True,
) -> Any:
    """Run such code with ``names`` as its local variables, and the names of a module.

    ``next_round`` is called at each stop, and ``between`` two: that is no function of Python's, as
    a debugger would stop where it returns.  ``module`` is a copy, which is cleared at the end: its
    names are the user's, and what is called is none of them.  ``users`` says whether ``names`` are
    the user's, too.  Returns the trace function after it.
    """
    module[ROUND], module[BETWEEN] = next_round, between
    if not users:
        module[NOT_USERS] = True
    quiet.end()
    # On one line, where a debugger does not stop in between.
    _, tracer, _ = exec(code, module, names), sys.gettrace(), quiet.begin()  # type: ignore[func-returns-value]
    names.clear()  # which refer to what refers to them
    module.clear()
    return tracer


def names_of_user(frame: FrameType) -> dict[str, Any]:
    """Return the names that a frame knows, without those by which a stop says what happens."""
    own = {} if NOT_USERS in frame.f_globals else frame.f_locals
    return {**frame.f_globals, **own}
