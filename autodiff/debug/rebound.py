"""Updates that change no weight: those of a name alone, or of a list's places.

``p -= lr * p.grad`` gives the name p to a new Value, or a new number.  Where p is a loop's name, or
a function's own, nothing else sees it; where it is a list's place or an attribute, the next loss is
computed from the new Value, and the weight is left behind.  The text of the program tells which.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType

from autodiff.debug.program import Program
from autodiff.debug.statements import (
    FUNCTIONS,
    NUMBERS,
    Statement,
    is_update,
    names_in,
    reach,
)
from autodiff.value import Value

__all__ = ["LostUpdate", "lost_updates", "replacement_by", "replacement_of"]

# How far a weight is looked for within objects: of so many.
MOST_HELD = 100_000
SIGNS = {ast.Add: "+", ast.Sub: "-"}


@dataclass(frozen=True, slots=True)
class LostUpdate:
    """A statement that computes an update, and what would have made it one.

    ``owner`` is the expression whose number should have been changed, ``target`` what gets the
    result instead; None if nothing does.  ``loops`` are those of a comprehension that it is in.
    """

    statement: Statement
    owner: ast.expr
    formula: ast.BinOp
    target: ast.expr | None
    loops: tuple[ast.comprehension, ...]

    @property
    def makes(self) -> str:
        """What the statement makes."""
        is_number = any(is_number_of(term, self.owner) for term, _ in terms_of(self.formula))
        makes_value = any(
            isinstance(each, ast.Call) and names_in(each.func) == {"Value"}
            for each in ast.walk(self.statement.tree)
        )
        return "a number" if is_number and not makes_value else "a new Value"

    @property
    def cure(self) -> str:
        """The statement as an update in place."""
        if len(self.loops) != 1:
            return self.update
        target, through = ast.unparse(self.loops[0].target), ast.unparse(self.loops[0].iter)
        if isinstance(self.loops[0].target, ast.Tuple):
            target = target[1:-1]
        return f"for {target} in {through}: {self.update}"

    @property
    def update(self) -> str:
        """The update of the owner's number."""
        number = f"{ast.unparse(self.owner)}.data"
        match self.formula:
            case ast.BinOp(left=left, op=op, right=right) if is_it(left, self.owner):
                return f"{number} {SIGNS[type(op)]}= {in_numbers(right, self.owner)}"
            case ast.BinOp(left=left, op=ast.Add(), right=right) if is_it(right, self.owner):
                return f"{number} += {in_numbers(left, self.owner)}"
        return f"{number} = {in_numbers(self.formula, self.owner)}"


# ---- Which statements are such --------------------------------------------------------------


def lost_updates(program: Program, value: Value, graph: Sequence[Value]) -> list[LostUpdate]:
    """Return the statements that should have changed a Value's number, and give a name away.

    The one that has run last comes last.  None where others may change it.
    """
    others = program.updates([value], graph)
    if others and value not in program.not_updated(graph):
        return []
    found = [
        each
        for each in updates_in(program)
        if goes_nowhere(each, program) and may_be(each.owner, value, each, program)
    ]
    return sorted(found, key=lambda each: program.has_been_at(each.statement))


def replacements(program: Program) -> list[LostUpdate]:
    """Return the statements that put a new Value in another's place, in a list or an object."""
    return [
        each
        for each in updates_in(program)
        if each.loops
        or isinstance(each.target, (ast.Attribute, ast.Subscript))
        or isinstance(each.statement.tree, ast.Expr)  # as in new.append(...)
        if not goes_nowhere(each, program)
    ]


def replacement_by(value: Value, program: Program) -> LostUpdate | None:
    """Return the statement that may have put a Value in another's place, by its line if known."""
    for each in replacements(program):
        if not value.origin.line or is_on_line(each.statement, value):
            return each
    return None


def replacement_of(value: Value, program: Program) -> LostUpdate | None:
    """Return the statement that may have put another Value in a Value's place.

    Where it has, what it goes through may not have it any more; but it has been trained.
    """
    for each in replacements(program):
        if value.has_grad or may_be(each.owner, value, each, program):
            return each
    return None


def is_on_line(statement: Statement, value: Value) -> bool:
    """Return whether a Value was made on a line of a statement."""
    tree, origin = statement.tree, value.origin
    is_between = tree.lineno <= origin.line <= (tree.end_lineno or 0)
    return is_between and statement.file == origin.file


def updates_in(program: Program) -> Iterator[LostUpdate]:
    """Yield the statements of a program that compute an update, and do not assign to a number."""
    for statement in program.statements:
        if not is_update(statement.tree) and not is_update(statement.tree, "grad"):
            found = update_in(statement, program)
            if found is not None:
                yield found


def update_in(statement: Statement, program: Program) -> LostUpdate | None:
    """Return the update that a statement computes, if it does."""
    match statement.tree:
        case ast.AugAssign(target=target, op=ast.Add() | ast.Sub() as op, value=value):
            return augmented(statement, target, ast.BinOp(target, op, value), program)
        case (
            ast.Assign(targets=[target], value=value)
            | ast.AnnAssign(target=target, value=ast.expr() as value)
        ):
            return computed(statement, target, value, program)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=target, attr="append"), args=[one])):
            return computed(statement, target, one, program)
        case ast.Expr(value=ast.Compare(ops=[ast.Eq()], comparators=[value])):  # == for =
            return computed(statement, None, value, program)
        case ast.Expr(value=value):
            return computed(statement, None, value, program)
    return None


def augmented(
    statement: Statement, target: ast.expr, formula: ast.BinOp, program: Program
) -> LostUpdate | None:
    """Return the update that an assignment with ``-=`` or ``+=`` computes, if it does."""
    if not has_gradient(formula.right, statement, program):
        return None
    owner = target
    if isinstance(target, ast.Name):
        match alias_of(target.id, statement, program):
            case ast.Attribute(value=base, attr="data"):  # as in number = p.data; number -= ...
                owner = base
                formula = ast.BinOp(ast.Attribute(base, "data"), formula.op, formula.right)
    elif not any(is_it(each, target) for each in gradients_of(formula.right)):
        return None  # as in sums[i] += p.grad
    return LostUpdate(statement, owner, formula, target, ())


def computed(
    statement: Statement, target: ast.expr | None, value: ast.expr, program: Program
) -> LostUpdate | None:
    """Return the update that an expression computes, if it does."""
    loops: tuple[ast.comprehension, ...] = ()
    match value:
        case ast.Call(func=ast.Name(id="list" | "tuple"), args=[ast.GeneratorExp() as made_of]):
            value = made_of
    if isinstance(value, (ast.ListComp, ast.GeneratorExp)):
        loops, value = tuple(value.generators), value.elt
    elif isinstance(value, ast.DictComp):
        loops, value = tuple(value.generators), value.value
    match value:
        case ast.Call(func=ast.Name(id="Value"), args=[inner, *_]):
            value = inner
    is_given = any(gradients_of(loop.iter) for loop in loops)  # as by zip(params, [p.grad ...])
    match value:
        case ast.BinOp(op=ast.Add() | ast.Sub()) if is_given or has_gradient(
            value, statement, program
        ):
            terms = [term for term, is_added in terms_of(value) if is_added]
            owners = gradients_of(value) or [bare(term) for term in terms]
            for owner in owners:
                is_place = isinstance(owner, (ast.Name, ast.Attribute, ast.Subscript))
                if is_place and any(is_it(term, owner) for term in terms):
                    return LostUpdate(statement, owner, value, target, loops)
    return None


def goes_nowhere(update: LostUpdate, program: Program) -> bool:
    """Return whether nothing that comes after it sees what an update has computed."""
    target, statement = update.target, update.statement
    if target is None:
        return True
    if not isinstance(target, ast.Name):
        return False
    name, own = target.id, of_function(statement, program)
    if binder := loop_that_binds(name, statement):
        inside = [each for each in own if binder in each.loops]
        later = [each for each in inside if each.tree.lineno > statement.tree.lineno]
        return not is_used(name, later)
    if is_parameter(name, statement, program) or alias_of(name, statement, program):
        later = [
            each
            for each in own
            if each.tree.lineno > statement.tree.lineno
            or not set(each.loops).isdisjoint(statement.loops)
        ]
        return not is_used(name, [each for each in later if each is not statement])
    if is_it(target, update.owner):
        return False
    everywhere = own if statement.owners else program.statements
    return not any(
        isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Load)
        for other in everywhere
        for each in parts_of(other)
    )


# ---- Names: what binds them, who uses them --------------------------------------------------


def of_function(statement: Statement, program: Program) -> list[Statement]:
    """Return the statements of the function that one is in, with those of functions in it."""
    depth = len(statement.owners)
    return [
        each
        for each in program.statements
        if each.file == statement.file and each.owners[:depth] == statement.owners
    ]


def loop_that_binds(name: str, statement: Statement) -> ast.For | None:
    """Return the innermost loop around a statement that gives a name to one thing after another."""
    for loop in reversed(statement.loops):
        if isinstance(loop, ast.For) and name in names_in(loop.target):
            return loop
    return None


def is_parameter(name: str, statement: Statement, program: Program) -> bool:
    """Return whether a name is a parameter of the function that a statement is in."""
    for each in program.statements:
        is_own = each.file == statement.file and each.owners == statement.owners[:-1]
        if is_own and isinstance(each.tree, FUNCTIONS) and each.tree.name in statement.owners[-1:]:
            return name in [argument.arg for argument in each.tree.args.args]
    return False


def alias_of(name: str, statement: Statement, program: Program) -> ast.expr | None:
    """Return what a name was given to that has another name as well, before a statement."""
    found = None
    for each in of_function(statement, program):
        match each.tree:
            case ast.Assign(
                targets=[ast.Name(id=target)],
                value=ast.Name() | ast.Attribute() | ast.Subscript() as value,
            ) if target == name and each.tree.lineno < statement.tree.lineno:
                found = value
    return found


def is_used(name: str, statements: Iterable[Statement]) -> bool:
    """Return whether statements do more with a name than look at an attribute, or print it."""
    for statement in statements:
        nodes = parts_of(statement)
        bases = {id(each.value) for each in nodes if isinstance(each, ast.Attribute)}
        if any(
            isinstance(each, ast.Name)
            and each.id == name
            and isinstance(each.ctx, ast.Load)
            and id(each) not in bases
            for each in nodes
        ):
            return True
    return False


def parts_of(statement: Statement) -> list[ast.AST]:
    """Return all parts of a statement that are not in other statements, but for what it prints."""
    nodes: list[ast.AST] = [statement.tree]
    for node in nodes:  # which grows meanwhile
        match node:
            case ast.Call(func=ast.Name(id="print" | "explain")):
                continue
        nodes += [each for each in ast.iter_child_nodes(node) if not isinstance(each, ast.stmt)]
    return nodes


# ---- Whose update it is ---------------------------------------------------------------------


def may_be(tree: ast.expr, value: Value, update: LostUpdate, program: Program) -> bool:
    """Return whether an expression may stand for a Value, or for what it is in."""
    statement = update.statement
    if not isinstance(tree, ast.Name):
        found = object_of(tree, program)
        return found is UNKNOWN or holds(found, value)
    for inner in update.loops:
        if tree.id in names_in(inner.target):
            return may_hold(inner.iter, value, program)
    if around := loop_that_binds(tree.id, statement):
        return may_hold(around.iter, value, program)
    if is_parameter(tree.id, statement, program):
        return True
    alias = alias_of(tree.id, statement, program)
    if alias is not None and not (isinstance(alias, ast.Attribute) and alias.attr in NUMBERS):
        found = object_of(alias, program)
        return found is UNKNOWN or holds(found, value)
    found = program.scope.get(tree.id, UNKNOWN)
    return found is UNKNOWN or holds(found, value)


def may_hold(tree: ast.expr, value: Value, program: Program) -> bool:
    """Return whether what a loop goes through may have a Value in it.

    That is what the names in it stand for, but for those of functions that are called.
    """
    called = [each.func for each in ast.walk(tree) if isinstance(each, ast.Call)]
    names = [
        each.id for each in ast.walk(tree) if isinstance(each, ast.Name) and each not in called
    ]
    found = [program.scope.get(name, UNKNOWN) for name in names]
    return not found or any(each is UNKNOWN or holds(each, value) for each in found)


UNKNOWN = object()


def object_of(tree: ast.expr, program: Program) -> object:
    """Return what an expression of names, attributes and indices is in; nothing of it is run."""
    match tree:
        case ast.Name(id=name):
            return program.scope.get(name, UNKNOWN)
        case ast.Subscript(value=base):
            return object_of(base, program)
        case ast.Attribute(value=base, attr=name):
            return getattr(object_of(base, program), "__dict__", {}).get(name, UNKNOWN)
    return UNKNOWN


def holds(thing: object, value: Value) -> bool:
    """Return whether a Value is a thing, or is in it: in lists and the like, and in objects.

    >>> w = Value(1.0)
    >>> holds({"layers": [(w,)]}, w), holds([Value(1.0)], w)
    (True, False)
    """
    things, met = [thing], {id(thing)}
    for each in things:  # which grows meanwhile
        if each is value:
            return True
        inside: list[object] = []
        if isinstance(each, dict):
            inside += [*each.keys(), *each.values()]
        elif isinstance(each, (list, tuple, set, frozenset)):
            inside += each
        elif each is thing or not isinstance(each, (type, ModuleType, Value)):
            inside += getattr(each, "__dict__", {}).values()
        for one in inside:
            if id(one) not in met and len(things) < MOST_HELD:
                met.add(id(one))
                things.append(one)
    return False


# ---- Formulas -------------------------------------------------------------------------------


def has_gradient(tree: ast.AST, statement: Statement, program: Program) -> bool:
    """Return whether a gradient is read in an expression, or a name that was given one before."""
    if gradients_of(tree):
        return True
    flows = [
        flow
        for flow in program.flows
        if flow.statement.file == statement.file and flow.statement.owners == statement.owners
        if not is_update(flow.statement.tree)
        if not isinstance(flow.statement.tree, ast.AugAssign) and flow.statement is not statement
    ]
    given = [flow.targets for flow in flows if gradients_of(flow.statement.tree)]
    names = reach(flows, set().union(*given), forward=True) if given else set()
    target = statement.tree.target if isinstance(statement.tree, ast.AugAssign) else None
    own = {target.id} if isinstance(target, ast.Name) else set()
    return not names.isdisjoint(names_in(tree) - own)


def gradients_of(tree: ast.AST) -> list[ast.expr]:
    """Return the expressions of which the gradient is read in a tree."""
    nodes = ast.walk(tree)
    return [each.value for each in nodes if isinstance(each, ast.Attribute) and each.attr == "grad"]


def terms_of(tree: ast.expr, is_added: bool = True) -> Iterator[tuple[ast.expr, bool]]:
    """Yield the terms of a sum or a difference, and whether each is added."""
    match tree:
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            yield from terms_of(left, is_added)
            yield from terms_of(right, is_added == isinstance(op, ast.Add))
        case _:
            yield tree, is_added


def bare(tree: ast.expr) -> ast.expr:
    """Return an expression without the ``.data`` or ``.item()`` that takes its number."""
    match tree:
        case ast.Attribute(value=value, attr="data"):
            return value
        case ast.Call(func=ast.Attribute(value=value, attr="item")):
            return value
    return tree


def is_it(tree: ast.expr, owner: ast.expr) -> bool:
    """Return whether an expression is another, or its number."""
    return ast.unparse(bare(tree)) == ast.unparse(owner)


def is_number_of(tree: ast.expr, owner: ast.expr) -> bool:
    """Return whether an expression is the number of another."""
    return bare(tree) is not tree and is_it(tree, owner)


def in_numbers(tree: ast.expr, owner: ast.expr) -> str:
    """Return an expression in which the number stands where the Value did.

    >>> formula, owner = (ast.parse(code, mode="eval").body for code in ("p.grad + 2 * p", "p"))
    >>> in_numbers(formula, owner)
    'p.grad + 2 * p.data'
    """
    return ast.unparse(_Numbers(ast.unparse(owner)).visit(copy.deepcopy(tree)))


class _Numbers(ast.NodeTransformer):
    """Writes the number in the place of a Value."""

    def __init__(self, owner: str) -> None:
        self.owner = owner

    def visit(self, tree: ast.AST) -> ast.AST:
        """Write it, and look within anything else but the Value's attributes."""
        if isinstance(tree, ast.expr) and ast.unparse(tree) == self.owner:
            return ast.Attribute(tree, "data", ast.Load())
        if isinstance(tree, ast.Attribute) and ast.unparse(tree.value) == self.owner:
            return tree
        return self.generic_visit(tree)
