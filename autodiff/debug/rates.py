"""The learning rate of an update, where the numbers or the program's text show that it has one.

Any change can be divided by the gradient.  That is a learning rate where the quotient is the same
for all variables, or where a line says that it multiplies the gradient; with momentum, weight decay
or Adam it is a number that means nothing.
"""

from __future__ import annotations

import ast
import math
import operator
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from autodiff.debug.statements import (
    Statement,
    gradients_in,
    is_clearing,
    is_update,
    names_in,
    read,
    target_name,
)
from autodiff.value import Value

__all__ = ["Change", "line_of", "rates_of"]

# How often a change is rounded before it is added: in a factor of it, by which it is multiplied.
ROUNDINGS = 4
MOST_NUMBERS = 1_000  # of a factor whose names are given several
UNIT_ROUNDOFF = 2.0**-53

OPERATORS: Final[dict[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


@dataclass(frozen=True, slots=True)
class Change:
    """A variable's number before an update and after it, and its gradient."""

    variable: Value
    before: float
    after: float
    gradient: float

    @property
    def quotients(self) -> tuple[float, float] | None:
        """The least and the largest factor of the gradient that give this change, if any do.

        The product is rounded, and the sum, and the difference that is seen.
        """
        if self.gradient == 0.0 or not math.isfinite(self.gradient):
            return None
        change = self.after - self.before
        size = max(abs(self.before), abs(self.after))
        if not math.isfinite(size):
            return None
        error = math.ulp(size) + ROUNDINGS * UNIT_ROUNDOFF * abs(change)
        ends = (change - error) / self.gradient, (change + error) / self.gradient
        return (min(ends), max(ends)) if all(map(math.isfinite, ends)) else None

    def fits(self, rate: float) -> bool:
        """Return whether a factor of the gradient gives this change.

        >>> Change(Value(1.0), 1.0, 0.7, 3.0).fits(-0.1)
        True
        >>> Change(Value(1.0), 1.0, 2.0, 1e-320).quotients  # which no float can be
        """
        ends = self.quotients
        return ends is not None and ends[0] <= rate <= ends[1]


def rates_of(changes: Sequence[Change], files: Iterable[str]) -> list[float | None]:
    """Return by what the gradient was multiplied in each change of an update, None if unknown.

    >>> w, b = Value(1.0, "w"), Value(1.0, "b")
    >>> rates_of([Change(w, 1.0, 0.7, 3.0), Change(b, 1.0, 1.05, -0.5)], [])
    [-0.1, -0.1]
    >>> rates_of([Change(w, 1.0, 0.7, 3.0), Change(b, 1.0, 1.5, -0.5)], [])
    [None, None]
    """
    lines = [each for file in dict.fromkeys(files) for each in read(file)[0]]
    assigned = {target_name(each.tree) for each in lines}
    by_name: dict[str, Updates] = {}
    found = []
    for each in changes:
        name = each.variable.name if each.variable.name in assigned else ""
        if name not in by_name:
            by_name[name] = updates_of(name, lines)
        found.append(by_name[name])
    common = common_rate(changes)
    if common is not None and not any(each.has_no_factor for each in by_name.values()):
        return [common] * len(changes)
    return [rate_in_text(each, own) for each, own in zip(changes, found, strict=True)]


def line_of(variable: Value, files: Iterable[str]) -> Statement | None:
    """Return the line that updates a variable, None if there is none, or several may have done it.

    It does it by the variable's name, else by another name, such as a loop's, else by ``step()``.
    """
    lines = [each for file in dict.fromkeys(files) for each in read(file)[0]]
    updates = [each for each in lines if is_update(each.tree)]
    own = [each for each in updates if variable.name and target_name(each.tree) == variable.name]
    steps = [each for each in lines if isinstance(each.tree, ast.Expr) and "step" in each.names]
    found = own or [*updates, *steps]
    return found[0] if len(found) == 1 else None


def common_rate(changes: Sequence[Change]) -> float | None:
    """Return the factor that all changes have in common; None if there is none.

    Changes by the same gradient would have one in any case, so there have to be two.
    """
    if len({abs(each.gradient) for each in changes}) < 2:
        return None
    ends = [each.quotients for each in changes]
    known = [each for each in ends if each is not None]
    if len(known) < len(ends):
        return None
    low, high = max(low for low, _ in known), min(high for _, high in known)
    if not low <= high:
        return None
    return shortest(low, high)


def shortest(low: float, high: float) -> float:
    """Return the number with the fewest digits from a lowest to a highest.

    >>> shortest(-0.10000000000000002, -0.09999999999999998)
    -0.1
    >>> shortest(1.0000000000000002, 1.0000000000000002)
    1.0000000000000002
    """
    middle = low + (high - low) / 2.0
    for digits in range(1, 17):
        rounded = float(f"{middle:.{digits}g}")
        if low <= rounded <= high:
            return rounded
    return middle


# ---- The program's text ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Updates:
    """The lines that may update a variable.

    ``factors`` has what each multiplies the gradient by, None if it does something else;
    ``numbers`` are those that the factors have by the text; ``is_assigned`` says whether a line
    gives the gradient another number.
    """

    factors: Sequence[ast.expr | None]
    numbers: Sequence[float]
    is_assigned: bool

    @property
    def has_no_factor(self) -> bool:
        """Whether there are lines, but none that multiplies the gradient alone."""
        return bool(self.factors) and not any(self.factors)


def rate_in_text(change: Change, updates: Updates) -> float | None:
    """Return the factor of the gradient by which a line changes a variable's number.

    Where the line has a number there, it has to be the one that has given this change; where it has
    not, no other line may change the number, or the gradient.
    """
    ends = change.quotients
    if ends is None:
        return None
    for rate in updates.numbers:
        if change.fits(rate):
            return rate
    is_certain = bool(updates.factors) and None not in updates.factors
    if updates.numbers or updates.is_assigned or not is_certain:
        return None
    return shortest(*ends)


def updates_of(name: str, lines: Sequence[Statement]) -> Updates:
    """Return the lines that may update a variable: by its name, or by that of a loop."""
    loops = {part.id for each in lines for part in names_of_loop(each.tree)}
    own = [each.tree for each in lines if target_name(each.tree) in {name, "", *loops}]
    factors = [factor_in(each, lines) for each in own if is_update(each)]
    numbers = [number for each in factors if each for number in numbers_of(each, lines)]
    is_assigned = any(is_update(each, "grad") and not is_clearing(each) for each in own)
    return Updates(factors, numbers[:MOST_NUMBERS], is_assigned)


def names_of_loop(tree: ast.stmt) -> Iterator[ast.Name]:
    """Yield the names that a statement gives to one thing after another, if it is a loop."""
    if isinstance(tree, ast.For):
        for each in ast.walk(tree.target):
            if isinstance(each, ast.Name):
                yield each


def factor_in(update: ast.stmt, lines: Sequence[Statement]) -> ast.expr | None:
    """Return what an update multiplies the gradient by, if it does nothing else.

    >>> lines = ast.parse("w.data -= lr / 2 * w.grad; w.data = w.data - w.grad; w.data -= v")
    >>> [factor and ast.unparse(factor) for each in lines.body for factor in [factor_in(each, [])]]
    ['-(lr / 2 * 1.0)', '-1.0', None]
    """
    match update:
        case ast.AugAssign(op=ast.Add() | ast.Sub() as sign, value=product):
            pass
        case ast.Assign(
            targets=[target],
            value=ast.BinOp(left=left, op=ast.Add() | ast.Sub() as sign, right=product),
        ) if ast.unparse(left) == ast.unparse(target):
            pass
        case _:
            return None
    factor = of_gradient(product, lines)
    if factor is None or gradients_in(factor) or names_in(factor) & of_gradients(lines):
        return None
    return ast.UnaryOp(ast.USub(), factor) if isinstance(sign, ast.Sub) else factor


def of_gradients(lines: Sequence[Statement]) -> set[str]:
    """Return the names of what lines compute from gradients, such as the squares of Adam."""
    found = set()
    for each in lines:
        match each.tree:
            case (
                ast.Assign(targets=[target], value=value)
                | ast.AugAssign(target=target, value=value)
            ) if gradients_in(value) and not is_update(each.tree):
                found |= names_in(target)
    return found


def of_gradient(product: ast.expr, lines: Sequence[Statement]) -> ast.expr | None:
    """Return a product with 1 in the place of the gradient; None if it is none."""
    match product:
        case ast.Attribute(attr="grad"):
            return ast.Constant(1.0)
        case ast.Name(id=name) if is_gradient(name, lines):
            return ast.Constant(1.0)
        case ast.UnaryOp(op=ast.USub() as sign, operand=operand):
            factor = of_gradient(operand, lines)
            return None if factor is None else ast.UnaryOp(sign, factor)
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as sign, right=right):
            factor = of_gradient(left, lines)
            if factor is not None:
                return ast.BinOp(factor, sign, right)
            factor = of_gradient(right, lines) if isinstance(sign, ast.Mult) else None
            return None if factor is None else ast.BinOp(left, sign, factor)
    return None


def is_gradient(name: str, lines: Sequence[Statement]) -> bool:
    """Return whether lines give a name a gradient, and nothing else."""
    given = list(values_given(name, lines))
    return bool(given) and all(
        isinstance(each, ast.Attribute) and each.attr == "grad" for each in given
    )


def numbers_of(tree: ast.expr, lines: Sequence[Statement]) -> Iterator[float]:
    """Yield the numbers that an expression has by the lines; a name is each that it is given."""
    match tree:
        case ast.Constant(value=int() | float() as number) if abs(number) <= sys.float_info.max:
            yield float(number)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            for number in numbers_of(operand, lines):
                yield -number
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
            for one in numbers_of(left, lines):
                for other in numbers_of(right, lines):
                    try:
                        yield float(OPERATORS[type(sign)](one, other))
                    except (ArithmeticError, TypeError):
                        continue
        case ast.Name(id=name):
            for value in values_given(name, lines):
                yield from numbers_of(value, []) if not isinstance(value, ast.Name) else ()


def values_given(name: str, lines: Iterable[Statement]) -> Iterator[ast.expr]:
    """Yield what lines give a name: alone, or as one of several."""
    for each in lines:
        match each.tree:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                yield value
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                for one, value in zip(targets, values, strict=False):
                    if isinstance(one, ast.Name) and one.id == name:
                        yield value
