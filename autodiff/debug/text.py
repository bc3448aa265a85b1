"""Numbers and formulas as messages show them."""

from __future__ import annotations

from autodiff.ops import Operation
from autodiff.support.naming import number_text

__all__ = ["is_call", "shown"]


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
