"""How an operation computes, read from its own Python function, for other languages to repeat.

A table entry's ``forward`` is short: assignments, conditions, arithmetic and calls of ``math``.
``kernel_of`` reads its source into a :class:`Kernel`, and the writers of C, JavaScript and
machine code translate that, so an operation is defined once.  The functions of C's library, which
``math`` wraps, are called by name.

A name means what it means to the function itself: a helper of one's own that is called ``exp`` is
not ``math``'s.  A function is refused if its source is not all that it does.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import FunctionType
from typing import Any

from autodiff import ops
from autodiff.compiler.by_place import is_by_place
from autodiff.compiler.linear import numbered
from autodiff.ops import OPERATIONS, Operation
from autodiff.ops.called_rule import CalledRule

__all__ = [
    "C_LIBRARY",
    "OPERATION_OF_FUNCTION",
    "Kernel",
    "NotTranslatableError",
    "kernel_of",
    "uses_exp",
]


class NotTranslatableError(ValueError):
    """An operation's forward function does more than other languages can be told."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A function's parameters, its assignments in order, and the expression it returns.

    Expressions are Python syntax trees of numbers, the names of parameters and of what was assigned
    before, + - * /, unary -, conditional expressions, and calls by plain name: of a function of C's
    library, or of an operation's.  Comparisons of two numbers, ``or`` and ``and`` are conditions of
    those, and nothing else; no name is assigned twice.
    """

    parameters: tuple[str, ...]
    assignments: tuple[tuple[str, ast.expr], ...]
    result: ast.expr

    @property
    def is_operator(self) -> bool:
        """Whether it is one operator alone, with each operand once."""
        match self.result:
            case ast.UnaryOp(_, ast.Name()):
                return not self.assignments
            case ast.BinOp(ast.Name(left), _, ast.Name(right)):
                return not self.assignments and left != right
        return False


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
    if ops.FUNCTIONS.get(op.forward.__name__) is op.forward
}

WHAT_TO_DO = (
    "keep to arithmetic, `a if c else b`, and calls of functions of autodiff.ops, or of those of "
    "math that C has too; or let Python run the program, which takes any function"
)


def _refusal(op: Operation, fault: str) -> NotTranslatableError:
    """Return the error that names an operation, what stands in the way, and what to do."""
    return NotTranslatableError(f"{op.name}: {fault}: {WHAT_TO_DO}")


@cache
def kernel_of(op: Operation) -> Kernel:
    """Return the kernel of an operation with a fixed number of operands.

    Raises NotTranslatableError, naming the operation and what stands in the way.
    """
    if isinstance(op.forward, CalledRule):
        what = "machine code, C and JavaScript cannot compute its slope"
        raise NotTranslatableError(op.forward.refusal(what))
    function = _plain_function(op)
    code = function.__code__
    parameters = code.co_varnames[: code.co_argcount]
    entry = OPERATION_OF_FUNCTION.get(function.__name__)
    if entry is not None and entry.forward is function and entry.c_form:
        return Kernel(parameters, (), ast.parse(entry.c_form, mode="eval").body)
    outside = _meanings(op, function)
    statements = [s for s in _definition(op, function).body if not _is_docstring(s)]
    if statements and _is_dispatch(statements[0], parameters, outside):
        del statements[0]
    if not statements or not isinstance(statements[-1], ast.Return):
        raise _refusal(op, "its forward must end in a return")
    reader = _Reader(op, parameters, outside)
    for statement in statements[:-1]:
        match statement:
            case ast.Assign([ast.Name(target)], value):
                reader.assign(target, value)
            case _:
                raise _refusal(op, f"cannot translate {ast.unparse(statement)!r}{_hint(statement)}")
    last = statements[-1].value
    if last is None:
        raise _refusal(op, "its forward must return a number")
    result, _ = reader.read(last)
    return Kernel(parameters, tuple(reader.assignments), result)


@cache
def uses_exp(op: Operation) -> bool:
    """Return whether an operation calls ``exp``, or another that does."""
    if is_by_place(op):
        return False
    kernel = kernel_of(op)
    expressions = [kernel.result, *[expression for _, expression in kernel.assignments]]
    called = {
        node.func.id
        for expression in expressions
        for node in ast.walk(expression)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    others = called & OPERATION_OF_FUNCTION.keys() - C_LIBRARY.keys()
    return "exp" in called or any(uses_exp(OPERATION_OF_FUNCTION[name]) for name in others)


def _plain_function(op: Operation) -> FunctionType:
    """Return an operation's forward, if it is a function whose source is all that it does.

    Raises NotTranslatableError for a function of any number of operands, an object that can be
    called, a function around another, and one that takes more or less than the operands.
    """
    function = op.forward
    if op.arity is None:
        raise _refusal(op, "it takes any number of operands")
    if not isinstance(function, FunctionType):
        raise _refusal(op, "its forward is not a Python function")
    # inspect would show the source of the function inside.
    if hasattr(function, "__wrapped__"):
        raise _refusal(op, "its forward is a function around another, as a decorator makes it")
    code = function.__code__
    starred = code.co_kwonlyargcount or code.co_flags & (
        inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
    )
    if starred or code.co_argcount != op.arity:
        raise _refusal(
            op,
            f"its forward must have one plain parameter for each of its operands ({op.arity}), and "
            f"no other, not {inspect.signature(function)}",
        )
    return function


def _definition(op: Operation, function: FunctionType) -> ast.FunctionDef:
    """Return the syntax tree of a function's definition.

    Raises NotTranslatableError if there is none, or decorators: these may compute anything.
    """
    code = function.__code__
    try:
        # What inspect.getsource does, which looks through all modules first.
        lines = linecache.getlines(code.co_filename, function.__globals__)
        if not lines:
            raise OSError("could not get source code")
        block = inspect.getblock(lines[code.co_firstlineno - 1 :])
        tree = ast.parse(textwrap.dedent("".join(block)))
    except (OSError, TypeError, SyntaxError) as error:
        raise _refusal(op, f"the source of its forward is missing ({error})") from None
    match tree.body:
        case [ast.FunctionDef(name=function.__code__.co_name) as definition]:
            if definition.decorator_list:
                raise _refusal(op, "its forward has a decorator")
            return definition
    raise _refusal(op, "its forward is not a plain function")


def _meanings(op: Operation, function: FunctionType) -> dict[str, Any]:
    """Return what the names in a function that are not its own mean to it.

    Raises NotTranslatableError if a variable of the function around it has no value.
    """
    try:
        found = inspect.getclosurevars(function)
    except ValueError as error:
        raise _refusal(op, f"a variable around its forward has no value ({error})") from None
    return {**found.builtins, **found.globals, **found.nonlocals}


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_dispatch(
    statement: ast.stmt, parameters: Sequence[str], outside: Mapping[str, Any]
) -> bool:
    """Return whether it is the line that hands operands other than floats to ``apply``.

    That is ``if type(a) is not float or type(b) is not float: return NAME.apply(a, b)``.  A
    program has floats alone, so there it does nothing; any other question about types might.
    """
    questions = {f"type({parameter}) is not float" for parameter in parameters}
    match statement:
        case ast.If(
            test,
            [ast.Return(ast.Call(ast.Attribute(ast.Name(), "apply"), operands, []))],
            [],
        ):
            return (
                set(ast.unparse(test).split(" or ")) <= questions
                and [ast.unparse(operand) for operand in operands] == list(parameters)
                and outside.get("type") is type
                and outside.get("float") is float
            )
    return False


def _hint(statement: ast.stmt) -> str:
    """Return what else there is to say of a statement that is no assignment."""
    if not isinstance(statement, ast.If):
        return ""
    return (
        " (the one `if` that may stand there is the first line, `if type(x) is not float: return "
        "NAME.apply(x)`, which asks operands alone and hands on all of them)"
    )


COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)

# What a number may be where only Python knows: its whole numbers, as comparisons give them, have no
# zero below 0, which floats have.
Kinds = frozenset[type]
WHOLE: Kinds = frozenset([int])
FLOAT: Kinds = frozenset([float])

EXACT_UP_TO = 2**53  # above it, a float is not every whole number

# These functions of math return whole numbers.
ROUNDING = ("ceil", "floor", "trunc")


class _Reader:
    """Reads a function's statements into those of a :class:`Kernel`.

    ``math.exp`` becomes ``exp``, ``math.inf`` a number, and a comparison used as a number a choice
    of 1.0 and 0.0.  ``names`` are the function's own as far as they are assigned, with what the
    kernel calls them: a name that is assigned again has another one.  ``outside`` is what its other
    names mean.
    """

    def __init__(
        self, op: Operation, parameters: Sequence[str], outside: Mapping[str, Any]
    ) -> None:
        self.op = op
        self.names = {parameter: parameter for parameter in parameters}
        self.kinds: dict[str, Kinds] = dict.fromkeys(parameters, FLOAT)
        self.outside = outside
        self.assignments: list[tuple[str, ast.expr]] = []
        self.expression: ast.expr | None = None

    def assign(self, target: str, value: ast.expr) -> None:
        """Read an assignment."""
        expression, kinds = self.read(value)
        (name,) = numbered([target], self.kinds)
        self.assignments.append((name, expression))
        self.names[target], self.kinds[name] = name, kinds

    def read(self, expression: ast.expr) -> tuple[ast.expr, Kinds]:
        """Return the expression, and what it may be; raise NotTranslatableError by name."""
        self.expression = expression
        return self.number(expression)

    def refused(self, why: str = "") -> NotTranslatableError:
        """Return the error for the expression that is being read."""
        assert self.expression is not None
        return _refusal(self.op, f"cannot translate {ast.unparse(self.expression)!r}{why}")

    def number(self, node: ast.expr) -> tuple[ast.expr, Kinds]:
        """Return an expression whose number is used."""
        match node:
            case ast.Constant(int() as value) | ast.UnaryOp(
                ast.USub(), ast.Constant(int() as value)
            ):
                if value > EXACT_UP_TO:
                    raise self.refused(" (an int of so many digits: write it as a float)")
                return ast.Constant(value if isinstance(node, ast.Constant) else -value), WHOLE
            case ast.Constant(float()):
                return node, FLOAT
            case ast.Name(name) if name in self.names:
                name = self.names[name]
                return ast.Name(name, ast.Load()), self.kinds[name]
            case ast.Name(name):
                return self.number_outside(name), FLOAT
            case ast.Attribute(attr=name) if self.name_in_math(node) in ("inf", "nan"):
                return ast.Constant(float(name)), FLOAT
            case ast.Call():
                return self.call(node)
        return self.result(node)

    def result(self, node: ast.expr) -> tuple[ast.expr, Kinds]:
        """Return an expression that has others in it."""
        match node:
            case ast.UnaryOp(ast.USub(), operand):
                inner, kinds = self.number(operand)
                return self.with_its_zero(ast.UnaryOp(ast.USub(), inner), kinds)
            case ast.BinOp(left, ast.Add() | ast.Sub() | ast.Mult() | ast.Div() as sign, right):
                (a, of_a), (b, of_b) = self.number(left), self.number(right)
                both = ast.BinOp(a, sign, b)
                if isinstance(sign, ast.Div) or FLOAT in (of_a, of_b):
                    return both, FLOAT
                kinds = of_a | of_b
                return (
                    self.with_its_zero(both, kinds) if isinstance(sign, ast.Mult) else (both, kinds)
                )
            case ast.IfExp(test, chosen, other):
                (a, of_a), (b, of_b) = self.number(chosen), self.number(other)
                return ast.IfExp(self.condition(test), a, b), of_a | of_b
            case ast.Compare():
                return ast.IfExp(self.condition(node), ast.Constant(1.0), ast.Constant(0.0)), WHOLE
            case ast.BoolOp(word, [*before, last]):
                found, kinds = self.number(last)
                for term in reversed(before):
                    first, of_first = self.number(term)
                    sides = (found, first) if isinstance(word, ast.And) else (first, found)
                    found, kinds = ast.IfExp(self.condition(term), *sides), kinds | of_first
                return found, kinds
        raise self.refused()

    def condition(self, node: ast.expr) -> ast.expr:
        """Return an expression that is asked for its truth: of a number, that it is not 0."""
        match node:
            case ast.Compare(left, operators, others):
                if not all(isinstance(operator, COMPARISONS) for operator in operators):
                    raise self.refused()
                terms = [self.number(term)[0] for term in (left, *others)]
                parts: list[ast.expr] = [
                    ast.Compare(a, [operator], [b])
                    for a, operator, b in zip(terms, operators, terms[1:], strict=False)
                ]
                return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)
            case ast.BoolOp(word, values):
                return ast.BoolOp(word, [self.condition(value) for value in values])
        return ast.Compare(self.number(node)[0], [ast.NotEq()], [ast.Constant(0.0)])

    def with_its_zero(self, expression: ast.expr, kinds: Kinds) -> tuple[ast.expr, Kinds]:
        """Return a result that may be -0.0 as a float, but 0 as a whole number."""
        if kinds == FLOAT:
            return expression, kinds
        if kinds == WHOLE:
            return ast.BinOp(expression, ast.Add(), ast.Constant(0.0)), kinds
        raise self.refused(
            " (what is now a float and now an int or a comparison has two kinds of zero: write "
            "1.0 for 1, and `1.0 if a > b else 0.0` for a > b)"
        )

    def number_outside(self, name: str) -> ast.expr:
        """Return the number that ``inf`` or ``nan`` is."""
        meaning = self.outside.get(name)
        if name in ("inf", "nan") and type(meaning) is float and repr(meaning) == name:
            return ast.Constant(meaning)
        raise self.refused(f" ({name} is neither an operand nor assigned before)")

    def call(self, node: ast.Call) -> tuple[ast.expr, Kinds]:
        """Return a call by plain name that every language can make.

        It has the function, of so many operands: machine code that calls what is not there ends
        the process.
        """
        name = self.function_called(node.func)
        known = C_LIBRARY.get(name)
        if known is None and name in OPERATION_OF_FUNCTION:
            known = OPERATION_OF_FUNCTION[name].arity
        if node.keywords or known != len(node.args):
            raise self.refused(
                f" ({ast.unparse(node)} calls no function of the table of operations or of C's "
                "library, or with other operands)"
            )
        operands = [self.number(operand)[0] for operand in node.args]
        call = ast.Call(ast.Name(name, ast.Load()), operands, [])
        return self.with_its_zero(call, WHOLE if name in ROUNDING else FLOAT)

    def function_called(self, function: ast.expr) -> str:
        """Return the function's name in C's library or in the table; "" if neither has it."""
        if not isinstance(function, ast.Name):
            name = self.name_in_math(function)
            return name if name in C_LIBRARY else ""
        name = function.id
        if name in self.names or name not in self.outside:
            return ""
        meaning = self.outside[name]
        if name in C_LIBRARY and meaning is vars(math)[name]:
            return name
        op = OPERATION_OF_FUNCTION.get(name)
        return name if op is not None and meaning is op.forward else ""

    def name_in_math(self, node: ast.expr) -> str:
        """Return what follows the dot of ``math.exp``; if it is anything else, "" is returned."""
        match node:
            case ast.Attribute(ast.Name("math"), name):
                if "math" not in self.names and self.outside.get("math") is math:
                    return name
        return ""
