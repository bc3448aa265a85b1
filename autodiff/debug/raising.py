"""Errors that a debugger opens, and a traceback ends, at the user's line.

A post-mortem (``pdb.post_mortem``, ``%debug``, an editor's stop at an exception) opens the
innermost frame of the error's traceback.  So the library's own frames are taken out of it; and
where a backward pass fails, its innermost frame is the line of the *forward* pass that is to be
mended, with all that failed there as local variables.
"""

from __future__ import annotations

import ast
from typing import Any

from autodiff.support.frames import LIBRARY
from autodiff.value import Value

__all__ = ["keep_users_frames", "raise_where_made"]


def raise_where_made(error: Exception, node: Value, **shown: Any) -> None:
    """Raise an error in a frame that stands at the line that made a Value, if that is known.

    The frame has the Value as ``node``, its operands by their names, and what else is ``shown``.
    """
    if not node.origin.line:
        raise error
    operands = {each.name: each for each in node.parents if each.name.isidentifier()}
    tree = ast.parse("raise error")
    for part in ast.walk(tree):
        if isinstance(part, (ast.stmt, ast.expr)):
            part.lineno = part.end_lineno = node.origin.line
            part.col_offset = part.end_col_offset = -1  # so that no part of the line is marked
    code = compile(tree, node.origin.file, "exec")
    code = code.replace(co_name="forward_pass", co_qualname="forward_pass")
    exec(code, {}, {**operands, "node": node, **shown, "error": error})


def keep_users_frames(error: BaseException) -> None:
    """Take the library's frames out of an error's traceback, all but an outermost one."""
    entry = error.__traceback__
    while entry is not None:
        following = entry.tb_next
        while following is not None and following.tb_frame.f_code.co_filename.startswith(LIBRARY):
            following = following.tb_next
        entry.tb_next = following
        entry = following
