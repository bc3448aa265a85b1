"""What a line of code does with the result of one of its expressions: which name it gives it."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from types import CodeType

from autodiff.debug.statements import parsed

__all__ = ["Use", "is_in_comprehension", "use_of_result"]

# Line and column of an expression's first character, and of the one behind its last.
Span = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Use:
    """An expression whose result is assigned to a plain name, or returned (``name`` is '')."""

    name: str
    is_call: bool


@dataclass(frozen=True, slots=True)
class Assignments:
    """The uses in one file: by the expression's span, and calls by their end as well.

    Python gives the call at the end of a chain over several lines a span of its own, but the
    same end.  ``comprehensions`` are the spans of those.
    """

    by_span: dict[Span, Use]
    by_end: dict[tuple[int, int], Use]
    comprehensions: list[Span]


_files: dict[str, Assignments] = {}
_uses: dict[tuple[int, int], tuple[CodeType, Use | None]] = {}


def use_of_result(code: CodeType, offset: int) -> Use | None:
    """Return what is done with the result of the instruction at that offset of the code.

    None if it is used in another way, or if the source is not to be had.
    """
    key = id(code), offset
    if key not in _uses:
        # With the code itself, so that no other gets its id.
        _uses[key] = code, _found_use(code, offset)
    return _uses[key][1]


def is_in_comprehension(code: CodeType, offset: int) -> bool:
    """Return whether the instruction at that offset of the code belongs to a comprehension.

    It does from Python 3.12 on; before, a comprehension is code of its own, which is called.
    """
    span = _span(code, offset)
    return sys.version_info >= (3, 12) and span is not None and is_within(span, _in_file(code))


def is_within(span: Span, assignments: Assignments) -> bool:
    """Return whether a span is within a comprehension's.

    >>> is_within((1, 5, 1, 10), assignments_in("a = [w * x for x in xs]"))
    True
    """
    return any(
        found[:2] <= span[:2] and span[2:] <= found[2:] for found in assignments.comprehensions
    )


def _span(code: CodeType, offset: int) -> Span | None:
    line, end_line, column, end_column = next(islice(code.co_positions(), offset // 2, None))
    if line is None or end_line is None or column is None or end_column is None:
        return None
    return line, column, end_line, end_column


def _in_file(code: CodeType) -> Assignments:
    if code.co_filename not in _files:
        _files[code.co_filename] = assignments_in("".join(linecache.getlines(code.co_filename)))
    return _files[code.co_filename]


def _found_use(code: CodeType, offset: int) -> Use | None:
    span = _span(code, offset)
    if span is None:
        return None
    assignments = _in_file(code)
    return assignments.by_span.get(span) or assignments.by_end.get(span[2:])


def assignments_in(source: str) -> Assignments:
    """Return the uses in a Python source; none if it cannot be parsed.

    >>> uses = assignments_in("a, b = f(2), -c").by_span
    >>> [(use.name, use.is_call) for use in uses.values()]
    [('a', True), ('b', False)]
    """
    found = Assignments({}, {}, [])
    for statement in ast.walk(parsed(source)):
        if isinstance(statement, (ast.ListComp, ast.SetComp, ast.DictComp)):
            end = statement.end_lineno or 0, statement.end_col_offset or 0
            found.comprehensions.append((statement.lineno, statement.col_offset, *end))
        for expression, name in _assigned(statement):
            use = Use(name, isinstance(expression, ast.Call))
            end = expression.end_lineno or 0, expression.end_col_offset or 0
            found.by_span[(expression.lineno, expression.col_offset, *end)] = use
            if use.is_call:
                found.by_end[end] = use
    return found


def _assigned(statement: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Yield the expressions that a statement assigns to plain names, and the one it returns."""
    match statement:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _pairs(target, value)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield value, name
        case ast.NamedExpr(target=ast.Name(id=name), value=value):
            yield value, name
        case ast.AugAssign(target=ast.Name(id=name)):
            # The operation has the span of the whole statement.
            yield _as_expression(statement), name
        case ast.Return(value=ast.expr() as value):
            yield value, ""


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, str]]:
    match target, value:
        case ast.Name(id=name), _:
            yield value, name
        case ast.Tuple(elts=targets) | ast.List(elts=targets), ast.Tuple(elts=values):
            if len(targets) == len(values):
                for each_target, each_value in zip(targets, values, strict=True):
                    yield from _pairs(each_target, each_value)


def _as_expression(statement: ast.AugAssign) -> ast.expr:
    return ast.copy_location(ast.BinOp(statement.target, statement.op, statement.value), statement)
