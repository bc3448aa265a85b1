"""What the statements of a program do to Values, read from its text.

Where a number is taken out of the graph, or a weight gets another, no Value remembers: the text
of the program is all that tells.  It is read as Python reads it, and nothing of it is run.
"""

from __future__ import annotations

import ast
import linecache
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from autodiff.support.frames import shown_place

__all__ = [
    "FUNCTIONS",
    "NUMBERS",
    "Flow",
    "Statement",
    "decisions_of",
    "gradients_in",
    "is_clearing",
    "is_rebinding",
    "is_update",
    "names_in",
    "numbers_in",
    "parsed",
    "reach",
    "read",
    "shown_statements",
    "target_name",
    "unpacked",
]

# What makes a number of a Value: an attribute, and methods.
NUMBERS = ("data", "item", "detach")
# Names that say nothing about what a statement is about.
COMMON = {"self", "grad", *NUMBERS}
SHOWN_STATEMENTS = 3
SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Expr)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A statement of a program; its text is shown on one line.

    ``owners`` are the names of the functions and classes that it stands in, ``loops`` the loops,
    ``names`` those in it; of a block, in what it begins with.
    """

    file: str
    tree: ast.stmt
    code: str
    owners: tuple[str, ...]
    loops: tuple[ast.stmt, ...]
    names: set[str]

    @property
    def function(self) -> tuple[str, str]:
        """The file, and what Python calls the code that the statement is of."""
        return self.file, self.owners[-1] if self.owners else "<module>"

    @property
    def place(self) -> tuple[int, int]:
        """Where it begins: its line and column."""
        return self.tree.lineno, self.tree.col_offset

    @property
    def short_place(self) -> str:
        """Its file, without the folder, and its line."""
        return f"{os.path.basename(self.file)}:{self.tree.lineno}"

    @property
    def made_anew(self) -> set[str]:
        """The names to which it gives something that has nothing to do with what they were."""
        if not isinstance(self.tree, ast.Assign):
            return set()
        parts = [part for target in self.tree.targets for part in unpacked(target)]
        names = {part.id for part in parts if isinstance(part, ast.Name)}
        return names - names_in(self.tree.value)

    def __str__(self) -> str:
        return f"{shown_place(self.file, self.tree.lineno)}: {self.code}"


@dataclass(frozen=True, slots=True)
class Flow:
    """What some names stand for goes into what others stand for, by a statement.

    ``taken_out`` are the names of which it is a number that does, by ``.data`` and the like.
    """

    sources: set[str]
    targets: set[str]
    statement: Statement
    taken_out: set[str]


def shown_statements(statements: Sequence[Statement]) -> str:
    """Return a reference to statements, in brackets and after a space.

    It is '' if there are none, or so many that most are not the one that is meant.
    """
    found = dict.fromkeys(map(str, statements))
    return f" (see {'; '.join(found)})" if 0 < len(found) <= SHOWN_STATEMENTS else ""


def parsed(source: str) -> ast.Module:
    """Return a source's tree, an empty one if it cannot be parsed."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def read(file: str) -> tuple[list[Statement], list[Flow]]:
    """Return the statements of a file, and what flows where; nothing if it cannot be read."""
    return _read(file, "".join(linecache.getlines(file)))


@lru_cache(maxsize=16)
def _read(file: str, source: str) -> tuple[list[Statement], list[Flow]]:
    tree = parsed(source)
    lines = [line.encode() for line in source.split("\n")]
    parameters = {
        name: [each.arg for each in arguments.args if each.arg != "self"]
        for name, arguments in functions_in(tree)
    }
    statements, flows = [], []
    for each, owners, loops in statements_in(tree, (), ()):
        names = names_in(*own_parts(each))
        statement = Statement(file, each, code_of(each, lines), owners, loops, names)
        statements.append(statement)
        for expression, targets in flows_in(each, owners, parameters):
            numbers = taken_out(each, expression)
            flows.append(Flow(names_in(expression), targets - COMMON, statement, numbers))
    return statements, flows


def code_of(statement: ast.stmt, lines: Sequence[bytes]) -> str:
    """Return the text of a statement, as it was written but on one line; of a block its first.

    ``lines`` are those of the file in UTF-8, in which columns are counted.
    """
    part = [*lines[statement.lineno - 1 : statement.lineno]]
    if isinstance(statement, SIMPLE):
        part = [*lines[statement.lineno - 1 : statement.end_lineno]]
        part[-1] = part[-1][: statement.end_col_offset]
        part[0] = part[0][statement.col_offset :]
    return " ".join(b" ".join(part).decode().split())


def statements_in(
    tree: ast.Module | ast.stmt, owners: tuple[str, ...], loops: tuple[ast.stmt, ...]
) -> Iterator[tuple[ast.stmt, tuple[str, ...], tuple[ast.stmt, ...]]]:
    """Yield all statements in a tree, each with its functions and classes, and its loops."""
    for each in ast.iter_child_nodes(tree):
        if isinstance(each, ast.stmt):
            yield each, owners, loops
            if isinstance(each, (*FUNCTIONS, ast.ClassDef)):
                yield from statements_in(each, (*owners, each.name), ())
            elif isinstance(each, (ast.For, ast.While)):
                yield from statements_in(each, owners, (*loops, each))
            else:
                yield from statements_in(each, owners, loops)


def functions_in(tree: ast.Module) -> Iterator[tuple[str, ast.arguments]]:
    """Yield the functions by the names that they are called by: a class for its constructor."""
    for each in ast.walk(tree):
        match each:
            case ast.FunctionDef(name=name, args=arguments):
                yield name, arguments
            case ast.ClassDef(name=name, body=body):
                for method in body:
                    if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                        yield name, method.args
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda(args=arguments)):
                yield name, arguments


# ---- Names ----------------------------------------------------------------------------------


def names_in(*trees: ast.AST) -> set[str]:
    """Return the names in trees, of variables and of attributes.

    >>> sorted(names_in(ast.parse("self.w * x.data")))
    ['w', 'x']
    """
    nodes = [each for tree in trees for each in ast.walk(tree)]
    names = {each.id for each in nodes if isinstance(each, ast.Name)}
    return (names | {each.attr for each in nodes if isinstance(each, ast.Attribute)}) - COMMON


def unpacked(target: ast.expr) -> list[ast.expr]:
    """Return what a target assigns to: itself, or its parts if it takes apart what it is given."""
    if isinstance(target, (ast.Tuple, ast.List)):
        return [part for each in target.elts for part in unpacked(each)]
    return [target]


def target_name(statement: ast.stmt) -> str:
    """Return the name of what a statement assigns to, or to whose attribute; '' if it has none.

    >>> [target_name(each) for each in ast.parse("w = 1; w.data -= 1; self.b.data = 0").body]
    ['w', 'w', 'b']
    """
    match statement:
        case ast.Assign(targets=[target]) | ast.AugAssign(target=target):
            match target:
                case ast.Name(id=name):
                    return name
                case ast.Attribute(value=ast.Name(id=name) | ast.Attribute(attr=name)):
                    return name
    return ""


# ---- What a statement does ------------------------------------------------------------------


def gradients_in(tree: ast.AST) -> bool:
    """Return whether a gradient is read in a tree."""
    return any(isinstance(each, ast.Attribute) and each.attr == "grad" for each in ast.walk(tree))


def is_update(statement: ast.stmt, attribute: str = "data") -> bool:
    """Return whether a statement assigns to the number of a Value, or to its gradient.

    >>> [is_update(each) for each in ast.parse("w.data -= 1; w.data = 1; w = w.data").body]
    [True, True, False]
    """
    match statement:
        case ast.Assign(targets=[ast.Attribute(attr=name)]):
            return name == attribute
        case ast.AugAssign(target=ast.Attribute(attr=name)):
            return name == attribute
    return False


def is_clearing(statement: ast.stmt) -> bool:
    """Return whether a statement assigns 0 or None."""
    match statement:
        case ast.Assign(value=ast.Constant(value=None | 0)):
            return True
    return False


def is_rebinding(statement: ast.stmt) -> bool:
    """Return whether a statement gives a name what is computed by a gradient and a + or -.

    >>> [is_rebinding(each) for each in ast.parse("w = w - w.grad; w -= w.grad; g = w.grad").body]
    [True, True, False]
    """
    match statement:
        case ast.Assign(targets=[ast.Name()], value=value):
            signs = [each for each in ast.walk(value) if isinstance(each, (ast.Add, ast.Sub))]
            return bool(signs) and gradients_in(value)
        case ast.AugAssign(target=ast.Name(), op=ast.Add() | ast.Sub(), value=value):
            return gradients_in(value)
    return False


def decisions_of(statement: ast.stmt) -> Iterator[tuple[list[ast.expr], list[ast.AST]]]:
    """Yield what a statement decides by, if it does, and the statements that it decides on.

    A ``while`` is none: it mostly says how long to train.

    >>> tree = ast.parse("y = 2 * x if x.data > 1 else x").body[0]
    >>> [([ast.unparse(each) for each in tests], len(on)) for tests, on in decisions_of(tree)]
    [(['x.data > 1'], 1)]
    """
    if isinstance(statement, ast.If):
        yield [statement.test], [*ast.walk(statement)]
    elif isinstance(statement, SIMPLE):
        tests = [each.test for each in ast.walk(statement) if isinstance(each, ast.IfExp)]
        if tests:
            yield tests, [statement]


def numbers_in(expressions: Iterable[ast.AST]) -> set[str]:
    """Return the names in expressions of which it is the number, by ``.data`` and the like.

    >>> sorted(numbers_in([ast.parse("x.data > y", mode="eval")]))
    ['x']
    """
    parts = [part for each in expressions for part in ast.walk(each)]
    return names_in(
        *(each.value for each in parts if isinstance(each, ast.Attribute) and each.attr in NUMBERS)
    )


def taken_out(statement: ast.stmt, expression: ast.AST) -> set[str]:
    """Return of what a statement makes numbers in an expression, by its names.

    It is none in an update, which is to change a number, nor what a decision is made by.
    """
    if not isinstance(statement, SIMPLE) or is_update(statement) or gradients_in(statement):
        return set()
    nodes, numbers = [expression], []
    for each in nodes:  # which grows meanwhile
        if isinstance(each, ast.Attribute) and each.attr in NUMBERS:
            numbers.append(each.value)
        elif isinstance(each, ast.IfExp):
            nodes += [each.body, each.orelse]
        elif not isinstance(each, ast.Compare):
            nodes += ast.iter_child_nodes(each)
    return names_in(*numbers)


def flows_in(
    statement: ast.stmt, owners: tuple[str, ...], parameters: dict[str, list[str]]
) -> Iterator[tuple[ast.AST, set[str]]]:
    """Yield the expressions in a statement, and the names of what each goes into.

    What a function returns goes into the function, and into the class that it is a method of.
    """
    match statement:
        case ast.Assign(targets=targets, value=value):
            yield value, names_in(*targets)
        case ast.AugAssign(target=target, value=value):
            yield value, names_in(target)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield value, names_in(target)
        case ast.For(target=target, iter=value):
            yield value, names_in(target)
        case ast.Return(value=ast.expr() as value):
            yield value, set(owners)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=changed)) as value):
            for argument in value.args:  # as in losses.append(...)
                yield argument, names_in(changed)
    yield from flows_within(own_parts(statement), parameters)


def own_parts(statement: ast.stmt) -> list[ast.AST]:
    """Return the parts of a statement that are no statements themselves."""
    return [each for each in ast.iter_child_nodes(statement) if not isinstance(each, ast.stmt)]


def flows_within(
    trees: Iterable[ast.AST], parameters: dict[str, list[str]]
) -> Iterator[tuple[ast.AST, set[str]]]:
    """Yield the expressions within others, and the names of what each goes into.

    What a function is called with goes into its parameters.
    """
    for each in [inner for tree in trees for inner in ast.walk(tree)]:
        match each:
            case ast.comprehension(target=target, iter=value):
                yield value, names_in(target)
            case ast.NamedExpr(target=target, value=value):
                yield value, names_in(target)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments):
                known = parameters.get(name, [])
                for argument, parameter in zip(arguments, known, strict=False):
                    yield argument, {parameter}
                for keyword in each.keywords:
                    yield keyword.value, {keyword.arg or ""}.intersection(known)


def reach(flows: Sequence[Flow], names: set[str], *, forward: bool) -> set[str]:
    """Return some names, and those that they flow into, or those that flow into them."""
    reached = set(names)
    grows = True
    while grows:
        before = len(reached)
        for flow in flows:
            origin, end = (flow.sources, flow.targets) if forward else (flow.targets, flow.sources)
            if not reached.isdisjoint(origin):
                reached |= end
        grows = len(reached) > before
    return reached
