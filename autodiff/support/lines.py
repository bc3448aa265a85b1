"""Code that does something at lines of a user's file, where every debugger looks for it.

A debugger knows a place by file and line alone.  Code that is compiled under the name of the user's
file, with the user's line numbers, is for it the user's own: it shows these lines, stops at
breakpoints on them, and does not pass them over as a library's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import CodeType
from typing import Any, TypeVar

__all__ = ["LocalNames", "Quiet", "code_at_lines", "run_at_lines"]

LocalNames = dict[str, Any]
Result = TypeVar("Result")

# A debugger shows a name like this apart from the user's.
ROUND = "__round__"

# The kinds of entries in a table of line numbers: a line without columns, none at all; and how many
# units of code one is for at most.  CPython, InternalDocs/code_objects.md.
NO_COLUMNS, NO_LINE, MOST_UNITS = 13, 15, 8


def code_at_lines(file: str, function: str, first: int, lines: Sequence[int]) -> CodeType:
    """Return the code of a function that does a round of work at each line, in this order.

    ``first`` is the line at which the function begins.  Each line is a stop for a debugger, also
    where the same comes again: in between is something that is on no line.
    """
    between = f"\n{ROUND}\n"
    code = compile(between.join([f"{ROUND}()"] * len(lines)), file, "exec")
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
        base = getattr(sys.modules.get("bdb"), "Bdb", ())
        is_pdb = isinstance(getattr(tracer, "__self__", None), base)
        # No functions of Python's, which would be seen themselves.
        self.begin: Callable[[], Any] = partial(sys.settrace, None) if is_pdb else int
        self.end: Callable[[], Any] = partial(sys.settrace, tracer) if is_pdb else int

    def rounds(self, next_round: Callable[[Any], Result]) -> Callable[[], Result]:
        """Return what is quiet and calls a function, which ends that."""
        return map(next_round, iter(self.begin, True)).__next__


NEVER_QUIET = Quiet(None)


def run_at_lines(
    code: CodeType,
    module: dict[str, Any],
    names: LocalNames,
    next_round: Callable[[], object],
    quiet: Quiet = NEVER_QUIET,
) -> None:
    """Run such code with ``names`` as its local variables, in the user's module.

    ``next_round`` is called at each stop.
    """
    names[ROUND] = next_round
    quiet.end()
    # On one line, where a debugger does not stop in between.
    _ = exec(code, module, names), quiet.begin()  # type: ignore[func-returns-value]
    names.clear()  # which refer to what refers to them
