"""Stopping at the first number that is not finite, or out of date.

A post-mortem (``pdb.post_mortem``, ``%debug``, an editor's stop at an exception) opens the
innermost frame of the error's traceback.  So the library's own frames are taken out of it; and
where a backward pass fails, its innermost frame is the line of the *forward* pass that is to be
mended, with all that failed there as local variables.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from autodiff.debug.not_finite import TOO_LARGE, cause_of
from autodiff.debug.source import record_source
from autodiff.gradient import Contribution
from autodiff.ops import NOTHING, Role, local_derivatives
from autodiff.support import watch
from autodiff.support.changed import CURE, Changes
from autodiff.support.frames import LIBRARY
from autodiff.support.naming import Names, is_call, name_of, number_text, short_formula
from autodiff.value import Value

__all__ = ["AnomalyError", "detect_anomaly"]

SHOWN_OPERANDS = 6


class AnomalyError(ArithmeticError):
    """The first operation whose result is not finite, though all that it was made from is.

    ``node`` is the Value that the operation made (in a backward pass: the one whose gradient was
    being passed on), and ``during`` is ``"forward"`` or ``"backward"``.  Or else a backward pass of
    a graph whose numbers have changed: ``node`` is then a result that is out of date.
    """

    def __init__(self, message: str, node: Value, during: Literal["forward", "backward"]) -> None:
        super().__init__(message, node, during)  # all of them, for pickle
        self.message = message
        self.node = node
        self.during = during

    def __str__(self) -> str:
        return self.message

    @property
    def place(self) -> str:
        """File and line of the forward operation; '' if they were not recorded."""
        return self.node.origin.place


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raise AnomalyError at the first number that is not finite, in a ``with`` block.

    That is the first operation, or the first contribution to a gradient, that is infinite or nan
    although all that it was made from is finite.  The error names the operation, its operands
    with their numbers, and the user's line of the *forward* operation.  It is raised where another
    operation takes such a result, and at the end of the block if none has it as an operand: as the
    side of a choice that is not taken, in ``where(x, log(x), 0.0)``, it is none.  A backward pass
    that is stopped leaves every gradient as it was before.  The block records the source as
    ``record_source`` does; make the graph inside it, or the error cannot name the line.  A debugger
    opens the error at that line: the library's own frames are not in its traceback.

    ``backward()`` also raises AnomalyError, before it has changed any gradient, if numbers have
    changed since the graph was computed: ``w.data -= ...`` without a new forward pass would mix
    old results with new operands.  It recomputes the graph for that.

    It sees what its own thread computes with Values; a compiled program runs on plain floats.

    >>> with detect_anomaly():
    ...     x = Value(0.0)
    ...     y = x.log()
    Traceback (most recent call last):
    ...
    autodiff.debug.anomaly.AnomalyError: log(x) = -inf is not finite, though its operands are: x = 0
      log(0) is -inf, and its slope 1 / 0: keep its operand above 0, as in (x + 1e-9).log()
      made in <doctest autodiff.debug.anomaly.detect_anomaly[0]>:3
        y = x.log()
    """
    watcher = AnomalyWatcher()
    with record_source(), watch.watching(watcher):
        try:
            yield
            watcher.check_the_rest()
        except AnomalyError as error:
            keep_users_frames(error)
            raise


class AnomalyWatcher(watch.Watcher):
    """Raises AnomalyError at the first number that is not finite."""

    sees_backward = True

    def __init__(self) -> None:
        # Results that are not finite, though what they were made from is; and whether an operation
        # has them as an operand that it has not taken.
        self.suspects: dict[Value, bool] = {}

    def made(self, node: Value) -> None:
        """Check which results an operation takes, and its own."""
        for parent in node.parents:
            if parent in self.suspects and node.op is not None:
                if takes(node, parent):
                    del self.suspects[parent]  # it is told once
                    raise_not_finite(parent)
                self.suspects[parent] = True
        if not math.isfinite(node.data) and node.parents and operands_are_finite(node):
            self.suspects[node] = False

    def check_the_rest(self) -> None:
        """Check the results that no operation has as an operand."""
        for node, is_operand in self.suspects.items():
            if not is_operand:
                raise_not_finite(node)

    def begins(self, root: Value, changes: Changes) -> None:
        """Check that every result is what its operation gives for the numbers of now."""
        if self.suspects.get(root) is False:
            del self.suspects[root]
            raise_not_finite(root)
        # What is computed after this pass is another graph; a long training has many.
        self.suspects = {node: False for node, known in self.suspects.items() if not known}
        if changes:
            node = root if root in changes.now else next(iter(changes.now))
            told = changes.sentence(Names(root))
            error = AnomalyError(
                f"backward through numbers of different times: {told}. {CURE.capitalize()}"
                f"{place_of(node)}",
                node,
                "backward",
            )
            raise_where_made(error, node)

    def contributes(self, contribution: Contribution) -> None:
        """Check a contribution to a gradient, and the sum with it."""
        node, upstream = contribution.node, contribution.upstream
        if contribution.total is None or math.isfinite(contribution.total):
            return
        if not math.isfinite(upstream):
            return
        if not math.isfinite(node.data) or not operands_are_finite(node):
            return  # a bad number of the forward pass, not of this one
        added, cause = number_text(contribution.contribution), TOO_LARGE
        if math.isfinite(contribution.contribution):
            before = contribution.before
            if before is None or not math.isfinite(before):
                return
            fault = f"makes its sum {number_text(before)} + {added} = "
            fault += number_text(contribution.total)
        else:
            local = number_text(contribution.local)
            cause = TOO_LARGE if math.isfinite(contribution.local) else cause_of(node, {})
            fault = f"is upstream {number_text(upstream)} × local {local} = {added}"
        error = AnomalyError(
            f"backward through {formula_of(node)}: the contribution to the gradient of "
            f"{name_of(contribution.parent)} {fault}, not finite, though {formula_of(node)} = "
            f"{number_text(node.data)} and its operands are: {operands_of(node)}"
            f"\n  {cause}{place_of(node)}",
            node,
            "backward",
        )
        raise_where_made(
            *(error, node),
            upstream=upstream,
            local=contribution.local,
            contribution=contribution.contribution,
        )


def raise_not_finite(node: Value) -> None:
    """Raise the error of a result, at the line that made it."""
    error = AnomalyError(
        f"{formula_of(node)} = {number_text(node.data)} is not finite, "
        f"though its operands are: {operands_of(node)}\n  {cause_of(node, {})}{place_of(node)}",
        node,
        "forward",
    )
    raise_where_made(error, node)


def takes(node: Value, operand: Value) -> bool:
    """Return whether a result depends on an operand, so that the operand's number is in it."""
    if math.isnan(node.data):
        return True
    try:
        locals_ = local_derivatives(node)
    except Exception:  # a rule of the user's own, where it has no slope
        return True
    count = len(node.parents)
    assert node.op is not None, "an operation has made it"
    return any(
        local is not NOTHING or node.op.role(position, count) in (Role.CONDITION, Role.INDEX)
        for position, (parent, local) in enumerate(zip(node.parents, locals_, strict=True))
        if parent is operand
    )


def operands_are_finite(node: Value) -> bool:
    return all(math.isfinite(parent.data) for parent in node.parents)


def formula_of(node: Value) -> str:
    """Return the operation with its operands' names."""
    assert node.op is not None, "a leaf has no operation"
    names = [name_of(parent) for parent in node.parents]
    if not is_call(node.op):
        names = [
            name if parent.name or parent.is_leaf else f"({name})"
            for name, parent in zip(names, node.parents, strict=True)
        ]
    return short_formula(node.op.formula(*names))


def operands_of(node: Value) -> str:
    """Return each operand with its number, once; of many, those with the largest numbers."""
    operands = dict.fromkeys(each for each in node.parents if each.name or not each.is_leaf)
    largest = sorted(operands, key=lambda operand: abs(operand.data), reverse=True)[:SHOWN_OPERANDS]
    shown = [f"{name_of(each)} = {number_text(each.data)}" for each in operands if each in largest]
    more = f" and {len(operands) - len(shown)} smaller ones" if len(operands) > len(shown) else ""
    return (", ".join(shown) or "numbers") + more


def place_of(node: Value) -> str:
    """Return the lines of the message that say where the operation was made."""
    origin = node.origin
    if not origin.line:
        return "\n  made before detect_anomaly() began: make the graph inside it to see the line"
    code = f"\n    {origin.code}" if origin.code else ""
    return f"\n  made in {origin.place}{code}"


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
