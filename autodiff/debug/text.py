"""Numbers and formulas as messages show them."""

from __future__ import annotations

from autodiff.ops import Operation
from autodiff.support.naming import number_text

__all__ = ["is_call", "short_formula", "shown"]

LONGEST_FORMULA = 48  # characters


def shown(number: float) -> str:
    """Return a number as text; a minus sign on a zero would only puzzle.

    >>> shown(-0.0), shown(-1.5)
    ('0', '-1.5')
    """
    return number_text(number + 0.0)


def is_call(op: Operation) -> bool:
    """Return whether an operation is written as a call, and not with signs between operands.

    >>> from autodiff.ops import OPERATIONS
    >>> is_call(OPERATIONS["exp"]), is_call(OPERATIONS["mul"]), is_call(OPERATIONS["weighted_sum"])
    (True, False, False)
    """
    return op.arity is not None and op.symbol.isidentifier()


def short_formula(formula: str) -> str:
    """Return a formula, its last terms left out if it is long.

    >>> short_formula("bias + weight[0] * x1 + weight[1] * x2 + weight[2] * x3")
    'bias + weight[0] * x1 + weight[1] * x2 + …'
    """
    if len(formula) <= LONGEST_FORMULA:
        return formula
    start = formula[:LONGEST_FORMULA]
    end = max(start.rfind(" + ") + 3, start.rfind(", ") + 2)
    return f"{start[:end].rstrip() if end > 2 else start} …"
