"""Which way an update goes, by its text, and how a line is mended."""

from __future__ import annotations

import ast
import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

from autodiff.debug.statements import NUMBERS, gradients_in
from autodiff.value import Value

__all__ = ["direction", "inside_the_graph", "turned_round"]

# What rounds a number, or makes one of a few of it: the slope is 0 wherever there is one.
ROUNDING = {"bool", "ceil", "fix", "floor", "int", "rint", "round", "trunc"}
NO_INDEX = "compute with the Value itself what is to be learned: an index or a count has no slope"
OPPOSITE = {ast.Add: ast.Sub, ast.Sub: ast.Add}


def direction(update: ast.stmt, scope: Mapping[str, object]) -> int:
    """Return 1 if an update adds a gradient, -1 if it subtracts it, 0 if that cannot be told.

    A factor that is not known is taken to be positive, as a learning rate is.

    >>> lines = ast.parse("w.data += lr * w.grad; w.data = w.data - w.grad / 2; w.data += g(w)")
    >>> [direction(each, {}) for each in lines.body]
    [1, -1, 0]
    >>> direction(lines.body[0], {"lr": -0.1})
    -1
    """
    match update:
        case ast.AugAssign(op=ast.Add(), value=value):
            return sign(value, scope)
        case ast.AugAssign(op=ast.Sub(), value=value):
            return -sign(value, scope)
        case ast.Assign(value=ast.BinOp(op=ast.Add()) | ast.BinOp(op=ast.Sub()) as value):
            return sign(value, scope)
    return 0


def sign(tree: ast.expr, scope: Mapping[str, object]) -> int:
    """Return the sign of a gradient's factor in an expression; 0 if that cannot be told."""
    match tree:
        case ast.Attribute(attr="grad"):
            return 1
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -sign(operand, scope)
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div(), right=right):
            if gradients_in(left):
                return sign(left, scope) * factor(right, scope)
            return factor(left, scope) * sign(right, scope)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as operator, right=right):
            if gradients_in(left):
                return sign(left, scope)
            return sign(right, scope) * (-1 if isinstance(operator, ast.Sub) else 1)
    return 0


def factor(tree: ast.expr, scope: Mapping[str, object]) -> int:
    """Return the sign of what a gradient is multiplied by."""
    match tree:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -factor(operand, scope)
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div(), right=right):
            return factor(left, scope) * factor(right, scope)
        case ast.Name(id=name) if isinstance(number := scope.get(name), (int, float)):
            return int(math.copysign(1.0, number))
    return 1


def turned_round(update: ast.stmt) -> str:
    """Return an update that goes the other way.

    >>> lines = ast.parse("w.data += w.grad; w.data = w.data - w.grad; w.data = w.grad + w.data")
    >>> [turned_round(each) for each in lines.body]
    ['w.data -= w.grad', 'w.data = w.data + w.grad', 'w.data = w.data - w.grad']
    """
    turned: Any = copy.deepcopy(update)
    part = turned if isinstance(turned, ast.AugAssign) else turned.value
    if isinstance(part, ast.BinOp) and gradients_in(part.left):
        part.left, part.right = part.right, part.left
    part.op = OPPOSITE[type(part.op)]()
    return ast.unparse(turned)


def inside_the_graph(statement: ast.stmt) -> str:
    """Return what to do about a statement that takes a number out of the graph.

    >>> lines = ast.parse("h = Value((w * x).data); h = h.item(); h = round(w.data * 2)").body
    >>> for each in lines:
    ...     print(inside_the_graph(each))
    use the Value itself: h = w * x
    leave that line out
    leave round out while training, as its slope is 0: h = w * 2; round only what is shown
    """
    values = _Values()
    mended = values.visit(copy.deepcopy(statement))
    if values.advice:
        return values.advice
    match mended:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id=same)) if name == same:
            return "leave that line out"
    if values.rounding:
        return (
            f"leave {values.rounding} out while training, as its slope is 0: "
            f"{ast.unparse(mended)}; round only what is shown"
        )
    return f"use the Value itself: {ast.unparse(mended)}"


class _Values(ast.NodeTransformer):
    """Writes the Value itself in the place of its number.

    ``rounding`` is what it has left out that rounds it; ``advice`` is what to do where the Value
    cannot stand in the number's place.
    """

    def __init__(self) -> None:
        self.rounding = self.advice = ""

    def visit_Attribute(self, tree: ast.Attribute) -> ast.AST:
        """Leave ``.data`` out."""
        self.generic_visit(tree)
        return tree.value if tree.attr == "data" else tree

    def visit_Call(self, tree: ast.Call) -> ast.AST:
        """Leave out ``.item()``, ``.detach()``, and what wraps a number or rounds it."""
        was_number = has_number(tree)
        self.generic_visit(tree)
        match tree:
            case ast.Call(func=ast.Attribute(value=value, attr="item" | "detach")):
                return value
            case _ if not was_number:
                return tree
            case ast.Call(func=ast.Name(id="Value" | "float"), args=[value, *_]):
                return value
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[value, *_]) if (
                name in ROUNDING
            ):
                self.rounding = name
                return value
            case ast.Call(func=ast.Name(id="str" | "repr" | "format"), args=[value, *_]):
                self.advice = instead_of_text([value])
            case ast.Call(func=ast.Attribute(attr="format"), args=values):
                self.advice = instead_of_text(values)
            case ast.Call(func=ast.Name(id="range")):
                self.advice = NO_INDEX
            case ast.Call(func=ast.Name(id="divmod")):
                self.advice = no_values("divmod")
            case ast.Call(func=ast.Attribute(value=ast.Name(id="math"), attr="pow"), args=[a, b]):
                return ast.BinOp(a, ast.Pow(), b)
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="math" | "np" | "numpy"), attr=name),
                args=[value],
            ) if hasattr(Value, name):
                return ast.Call(ast.Attribute(value, name, ast.Load()), [], [])
            case ast.Call(func=ast.Attribute(value=ast.Name(id="math" | "statistics"))):
                self.advice = no_values(ast.unparse(tree.func))
        return tree

    def visit_BinOp(self, tree: ast.BinOp) -> ast.AST:
        """Divide without rounding."""
        was_number = has_number(tree)
        self.generic_visit(tree)
        match tree:
            case _ if not was_number:
                pass
            case ast.BinOp(op=ast.FloorDiv()):
                self.rounding = "the rounding of //"
                tree.op = ast.Div()
            case ast.BinOp(left=ast.Constant(value=str()), op=ast.Mod(), right=value):
                self.advice = instead_of_text([value])
            case ast.BinOp(op=ast.Mod()):
                self.advice = no_values("%")
        return tree

    def visit_JoinedStr(self, tree: ast.JoinedStr) -> ast.AST:
        """Say that a text has no gradient."""
        was_number = has_number(tree)
        self.generic_visit(tree)
        if was_number:
            parts = [each.value for each in tree.values if isinstance(each, ast.FormattedValue)]
            self.advice = instead_of_text(parts)
        return tree

    def visit_Subscript(self, tree: ast.Subscript) -> ast.AST:
        """Say that an index has no gradient."""
        was_number = has_number(tree.slice)
        self.generic_visit(tree)
        if was_number:
            self.advice = NO_INDEX
        return tree


def has_number(tree: ast.AST) -> bool:
    """Return whether a Value's number is taken in a tree."""
    return any(isinstance(each, ast.Attribute) and each.attr in NUMBERS for each in ast.walk(tree))


def instead_of_text(made_of: Sequence[ast.expr]) -> str:
    """Return what to do where numbers are made a text."""
    single = f"{ast.unparse(made_of[0])} itself" if len(made_of) == 1 else "the Values themselves"
    return f"compute with {single}: a text, which has no gradient, is for what is shown"


def no_values(function: str) -> str:
    """Return what to do where a function takes no Values."""
    return f"write it with the operations of Values, as {function} takes none"
