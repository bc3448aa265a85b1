"""Code that does something at lines of a user's file, where every debugger looks for it.

A debugger knows a place by file and line alone.  Code that is compiled under the name of the user's
file, with the user's line numbers, is for it the user's own: it shows these lines, stops at
breakpoints on them, and does not pass them over as a library's.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from types import CodeType
from typing import Any

__all__ = ["LocalNames", "code_at_lines", "run_at_lines"]

LocalNames = dict[str, Any]

# Debuggers show names like these apart from the user's.
ROUNDS, ROUND = "__rounds__", "__round__"


def code_at_lines(file: str, function: str, lines: Sequence[int]) -> CodeType:
    """Return the code of a function that has a round of work to do at each line, in this order.

    A line that comes several times in a row has one statement, a loop: a debugger stops at each
    round of it, but not at a second statement on the line where it is.
    """
    loops: list[ast.stmt] = [loop_at(line) for line, _ in groupby(lines)]
    code = compile(ast.Module(loops, []), file, "exec")
    return code.replace(co_name=function, co_qualname=function)


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


def run_at_lines(
    code: CodeType,
    module: dict[str, Any],
    names: LocalNames,
    next_round: Callable[[], Callable[[], Any] | None],
) -> None:
    """Run such code with ``names`` as its local variables, in the user's module.

    ``next_round`` is called at each stop.  What it returns is called in the code's own frame; a
    line's rounds end with None.
    """
    # Made of what is no Python function, or a debugger would stop in it on the way.
    names[ROUNDS] = partial(iter, next_round, None)
    exec(code, module, names)
    names.clear()  # which refer to what refers to them
