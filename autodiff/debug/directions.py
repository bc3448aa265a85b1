"""Which way an update goes, by its text, and how a line is mended."""

from __future__ import annotations

import ast
import copy
import math
from collections.abc import Mapping
from typing import Any

from autodiff.debug.statements import NUMBERS, gradients_in

__all__ = ["direction", "inside_the_graph", "turned_round"]

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

    >>> lines = ast.parse("h = Value((w * x).data); h = h.item()").body
    >>> [inside_the_graph(each) for each in lines]
    ['use the Value itself: h = w * x', 'leave that line out']
    """
    mended = _Values().visit(copy.deepcopy(statement))
    match mended:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id=same)) if name == same:
            return "leave that line out"
    return f"use the Value itself: {ast.unparse(mended)}"


class _Values(ast.NodeTransformer):
    """Writes the Value itself in the place of its number."""

    def visit_Attribute(self, tree: ast.Attribute) -> ast.AST:
        """Leave ``.data`` out."""
        self.generic_visit(tree)
        return tree.value if tree.attr == "data" else tree

    def visit_Call(self, tree: ast.Call) -> ast.AST:
        """Leave out ``.item()``, ``.detach()``, and what wraps a number."""
        was_number = any(
            isinstance(each, ast.Attribute) and each.attr in NUMBERS for each in ast.walk(tree)
        )
        self.generic_visit(tree)
        match tree:
            case ast.Call(func=ast.Attribute(value=value, attr="item" | "detach")):
                return value
            case ast.Call(func=ast.Name(id="Value" | "float"), args=[value, *_]) if was_number:
                return value
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="math" | "np" | "numpy"), attr=name),
                args=[value],
            ) if was_number:
                return ast.Call(ast.Attribute(value, name, ast.Load()), [], [])
        return tree
