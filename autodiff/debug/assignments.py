"""What a line of code does with the result of one of its expressions: which name it gives it."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from types import CodeType

from autodiff.debug.statements import parsed

__all__ = ["Use", "names_of_comprehension", "use_of_result"]

# Whether the instructions of a comprehension are among those of the function that it stands in.
INLINED = sys.version_info >= (3, 12)

# Line and column of an expression's first character, and of the one behind its last.
Span = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Use:
    """An expression whose result is assigned to a plain name, or returned (``name`` is '').

    ``is_certain`` is False where it depends on the result.
    """

    name: str
    is_call: bool
    is_certain: bool


@dataclass(frozen=True, slots=True)
class Assignments:
    """The uses in one file: by the expression's span, and calls by their end as well.

    Python gives the call at the end of a chain over several lines a span of its own, but the
    same end.  ``comprehensions`` are the spans of those, with the names that each binds.
    """

    by_span: dict[Span, Use]
    by_end: dict[tuple[int, int], Use]
    comprehensions: dict[Span, frozenset[str]]


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


@lru_cache(maxsize=4096)
def names_of_comprehension(code: CodeType, offsets: tuple[int, int]) -> frozenset[str] | None:
    """Return the names that a comprehension binds in which both instructions are; None if in none.

    From Python 3.12 on they may be; before, a comprehension is code of its own, which is called.
    """
    found = _in_file(code).comprehensions if INLINED else {}
    spans = [_span(code, offset) for offset in offsets]
    for comprehension, names in found.items():
        if all(span is not None and is_within(span, comprehension) for span in spans):
            return names
    return None


def is_within(span: Span, around: Span) -> bool:
    """Return whether a span is within another.

    >>> is_within((1, 5, 1, 10), (1, 4, 1, 23))
    True
    """
    return around[:2] <= span[:2] and span[2:] <= around[2:]


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
    found = Assignments({}, {}, {})
    for statement in ast.walk(parsed(source)):
        if isinstance(statement, (ast.ListComp, ast.SetComp, ast.DictComp)):
            end = statement.end_lineno or 0, statement.end_col_offset or 0
            span = statement.lineno, statement.col_offset, *end
            found.comprehensions[span] = frozenset(_bound_in(statement))
        for expression, name, is_certain in _results(statement):
            use = Use(name, isinstance(expression, ast.Call), is_certain)
            end = expression.end_lineno or 0, expression.end_col_offset or 0
            found.by_span[(expression.lineno, expression.col_offset, *end)] = use
            if use.is_call:
                found.by_end[end] = use
    return found


def _bound_in(tree: ast.AST) -> Iterator[str]:
    for each in ast.walk(tree):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            yield each.id


def _results(statement: ast.AST) -> Iterator[tuple[ast.expr, str, bool]]:
    """Yield what ``_assigned`` does, and all of what such an expression may be the result of.

    The first of ``a and b`` need not be the result where it has run.
    """
    found = [(expression, name, True) for expression, name in _assigned(statement)]
    for expression, name, is_certain in found:  # which grows meanwhile
        yield expression, name, is_certain
        match expression:
            case ast.IfExp(body=body, orelse=orelse):
                found += [(body, name, is_certain), (orelse, name, is_certain)]
            case ast.BoolOp(values=[*others, last]):
                found += [(each, name, False) for each in others]
                found.append((last, name, is_certain))


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
            value = ast.BinOp(statement.target, statement.op, statement.value)
            yield ast.copy_location(value, statement), name
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
