"""How an operation computes, read from its own Python function, for other languages to repeat.

A table entry's ``forward`` is short: assignments, conditions, arithmetic and calls of ``math``.
``kernel_of`` reads its source into a :class:`Kernel`, and the writers of C, JavaScript and
machine code translate that, so an operation is defined once.  The functions of C's library, which
``math`` wraps, are called by name.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass
from functools import cache

from autodiff import ops
from autodiff.ops import OPERATIONS, Operation

__all__ = ["C_LIBRARY", "OPERATION_OF_FUNCTION", "Kernel", "NotTranslatableError", "kernel_of"]


class NotTranslatableError(ValueError):
    """An operation's forward function does more than other languages can be told."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A function's parameters, its assignments in order, and the expression it returns.

    Expressions are Python syntax trees of names, numbers, + - * /, unary -, comparisons, ``or``,
    ``and``, conditional expressions, and calls by plain name: of a function of C's library, or of
    an operation's.
    """

    parameters: tuple[str, ...]
    assignments: tuple[tuple[str, ast.expr], ...]
    result: ast.expr


# The functions of C's library that Python's math has by the same name, and their operands' number.
C_LIBRARY = dict.fromkeys(
    "acos acosh asin asinh atan atanh cbrt ceil cos cosh erf erfc exp exp2 expm1 fabs floor log "
    "log10 log1p log2 sin sinh sqrt tan tanh trunc".split(),
    1,
) | dict.fromkeys("atan2 copysign fmod hypot pow".split(), 2)

# The operations whose function a kernel may call by its name.
OPERATION_OF_FUNCTION = {
    op.forward.__name__: op
    for op in OPERATIONS.values()
    if vars(ops).get(op.forward.__name__) is op.forward
}

# These wrap a function of C's library only to keep Python's exceptions out, which C has not.
LIBRARY = {
    "exp": "exp(x)",
    "log": "log(x)",
    "sqrt": "sqrt(x)",
    "sin": "sin(x)",
    "cos": "cos(x)",
    "tan": "tan(x)",
    "divide": "a / b",
    "power": "a * a if b == 2.0 else pow(a, b)",
}


@cache
def kernel_of(op: Operation) -> Kernel:
    """Return the kernel of an operation with a fixed number of operands.

    Raises NotTranslatableError, naming the operation and what stands in the way.
    """
    function = op.forward
    if op.arity is None:
        raise NotTranslatableError(f"{op.name}: it takes any number of operands")
    try:
        parameters = tuple(inspect.signature(function).parameters)
    except ValueError:
        raise NotTranslatableError(f"{op.name}: its forward is not a Python function") from None
    if function.__name__ in LIBRARY and function.__module__ == Operation.__module__:
        expression = ast.parse(LIBRARY[function.__name__], mode="eval").body
        return Kernel(parameters, (), expression)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError) as error:
        raise NotTranslatableError(
            f"{op.name}: the source of its forward is missing: {error}"
        ) from None
    (definition,) = tree.body
    if not isinstance(definition, ast.FunctionDef):
        raise NotTranslatableError(f"{op.name}: its forward is not a plain function")
    statements = [s for s in definition.body if not _is_docstring(s) and not _is_dispatch(s)]
    assignments: list[tuple[str, ast.expr]] = []
    for statement in statements[:-1]:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            raise NotTranslatableError(f"{op.name}: cannot translate {ast.unparse(statement)!r}")
        assignments.append((statement.targets[0].id, _checked(op, statement.value)))
    last = statements[-1]
    if not isinstance(last, ast.Return) or last.value is None:
        raise NotTranslatableError(f"{op.name}: its forward must end in a return")
    return Kernel(parameters, tuple(assignments), _checked(op, last.value))


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_dispatch(statement: ast.stmt) -> bool:
    """Return whether it is the line that hands operands other than floats to ``apply``."""
    return isinstance(statement, ast.If) and "type(" in ast.unparse(statement.test)


ALLOWED = (
    *(ast.Name, ast.Load, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp),
    *(ast.IfExp, ast.Call, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.USub, ast.Or, ast.And),
    *(ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq),
)


class _PlainCalls(ast.NodeTransformer):
    """Turns ``math.exp`` into ``exp`` and ``math.inf`` into ``inf``."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "math":
            return ast.Name(node.attr, ast.Load())
        return node


def _checked(op: Operation, expression: ast.expr) -> ast.expr:
    """Return the expression with plain calls; raise if it has anything a kernel may not."""
    plain: ast.expr = _PlainCalls().visit(expression)
    for part in ast.walk(plain):
        if not isinstance(part, ALLOWED) or (isinstance(part, ast.Call) and not _is_known(part)):
            raise NotTranslatableError(f"{op.name}: cannot translate {ast.unparse(expression)!r}")
    return plain


def _is_known(call: ast.Call) -> bool:
    """Return whether every language can make a call: it has the function, of so many operands.

    Machine code that calls what is not there ends the process.
    """
    if not isinstance(call.func, ast.Name):
        return False
    name, count = call.func.id, len(call.args)
    if name in C_LIBRARY:
        return C_LIBRARY[name] == count
    return name in OPERATION_OF_FUNCTION and OPERATION_OF_FUNCTION[name].arity == count
