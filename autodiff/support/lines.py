"""Code that does something at lines of a user's file, where every debugger looks for it.

A debugger knows a place by file and line alone.  Code that is compiled under the name of the user's
file, with the user's line numbers, is for it the user's own: it shows these lines, stops at
breakpoints on them, and does not pass them over as a library's.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from types import CodeType
from typing import Any, TypeVar

__all__ = ["LocalNames", "Quiet", "code_at_lines", "run_at_lines"]

LocalNames = dict[str, Any]
Result = TypeVar("Result")

# Debuggers show names like these apart from the user's.
ROUNDS, ROUND = "__rounds__", "__round__"


def code_at_lines(file: str, function: str, first: int, lines: Sequence[int]) -> CodeType:
    """Return the code of a function that has a round of work to do at each line, in this order.

    ``first`` is the line at which the function begins, none of the others is before it.

    A line that comes several times in a row has one statement, a loop: a debugger stops at each
    round of it, but not at a second statement on the line where it is.
    """
    loops: list[ast.stmt] = [loop_at(line - first) for line, _ in groupby(lines)]
    code = compile(ast.Module(loops, []), file, "exec")
    # Compiled code has its lines from the first on, and what is compiled so is called at line 0.
    first += code.co_firstlineno
    return code.replace(co_name=function, co_qualname=function, co_firstlineno=first)


def loop_at(line: int) -> ast.For:
    """Return ``for __round__ in __rounds__(): __round__()`` as if it stood on that line."""
    # Without columns, by which a traceback would mark a part of the user's line.
    at: dict[str, Any] = {
        "lineno": line,
        "end_lineno": line,
        "col_offset": -1,
        "end_col_offset": -1,
    }
    rounds = ast.Call(ast.Name(ROUNDS, ast.Load(), **at), [], [], **at)
    call = ast.Call(ast.Name(ROUND, ast.Load(), **at), [], [], **at)
    return ast.For(ast.Name(ROUND, ast.Store(), **at), rounds, [ast.Expr(call, **at)], [], **at)


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
    next_round: Callable[[], Callable[[], Any] | None],
    quiet: Quiet = NEVER_QUIET,
) -> None:
    """Run such code with ``names`` as its local variables, in the user's module.

    ``next_round`` is called at each stop.  What it returns is called in the code's own frame; a
    line's rounds end with None.
    """
    names[ROUNDS] = partial(iter, next_round, None)
    quiet.end()
    # On one line, where a debugger does not stop in between.
    _ = exec(code, module, names), quiet.begin()  # type: ignore[func-returns-value]
    names.clear()  # which refer to what refers to them
