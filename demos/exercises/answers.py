"""What the checks are made of: an exercise, a hint, and what an answer may be expected to be."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from autodiff import Value

__all__ = [
    "Exercise",
    "NotYetError",
    "expect_function",
    "expect_number",
    "expect_numbers",
    "expect_something",
    "number_of",
]


class NotYetError(Exception):
    """An attempt that is not right yet; the message is a hint."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """``test(*attempt)`` raises unless the attempt is right; ``praise`` says why it is."""

    test: Callable[..., None]
    praise: str


def number_of(attempt: Any) -> float:
    """Return a Value's number, or anything else as a float."""
    return attempt.data if isinstance(attempt, Value) else float(attempt)


def expect_number(attempt: Any, right: float, hint: str, tolerance: float = 1e-6) -> None:
    """Raise NotYetError with the hint unless the attempt is that number."""
    try:
        number = number_of(attempt)
    except (TypeError, ValueError):
        raise NotYetError(f"this needs a number, but it is {type(attempt).__name__}.") from None
    if not math.isclose(number, right, rel_tol=tolerance, abs_tol=tolerance):
        raise NotYetError(f"{number:g} is not it. {hint}")


def expect_numbers(attempt: Any, right: Sequence[float], what: str, hint: str = "") -> None:
    """Raise NotYetError unless the attempt is a list of these numbers."""
    expect_something(attempt)
    if not isinstance(attempt, (list, tuple)):
        raise NotYetError(f"{what} should be a list, but it is {type(attempt).__name__}.")
    if len(attempt) != len(right):
        raise NotYetError(f"{what} should have {len(right)} numbers, but it has {len(attempt)}.")
    for number, wanted in zip(attempt, right, strict=True):
        expect_number(number, wanted, f"{what} should have {wanted:.4g} there. {hint}", 1e-6)


def expect_something(result: Any) -> None:
    """Raise NotYetError if a function returned nothing."""
    if result is None or result is ...:
        raise NotYetError("your function returns nothing yet.")


def expect_function(attempt: Any) -> None:
    """Raise NotYetError unless the attempt can be called."""
    if not callable(attempt):
        raise NotYetError(f"this needs a function, but it is {type(attempt).__name__}.")
