"""What comes in from outside: numbers as floats, and names for what is none.

Every check of an argument, here and in ``nn``, says with these what it got.
"""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any

__all__ = ["describe", "floats_of", "short_repr", "to_float"]

# NumPy's own bool, which is no Real as its other scalars are; its name before and since NumPy 2.
NUMPY_BOOLS = ("numpy.bool_", "numpy.bool")


def to_float(number: Any, user: str) -> float:
    """Return a real number (int, float, bool, NumPy scalar) as a float.

    Raises TypeError for anything else, naming what came and its ``user``; OverflowError for an
    int beyond the range of a float.

    >>> to_float(3, "Value")
    3.0
    >>> to_float("3", "Value")
    Traceback (most recent call last):
    ...
    TypeError: Value needs a real number, but got the str '3'
    """
    if type(number) is float:
        return number
    if not isinstance(number, Real) and type_name(number) not in NUMPY_BOOLS:
        raise TypeError(f"{user} needs a real number, but got {describe(number)}")
    try:
        return float(number)
    except OverflowError:
        raise OverflowError(f"{user} got an int that is too large for a float") from None


def floats_of(row: Any, what: str) -> list[float]:
    """Return a list (or tuple, array, ...) of real numbers as a list of floats.

    Raises TypeError, naming what came and ``what`` it was to be, for anything else.

    >>> floats_of((1, 2.5), "x[0]")
    [1.0, 2.5]
    >>> floats_of("12", "x[0]")
    Traceback (most recent call last):
    ...
    TypeError: x[0] must be a list of numbers, but is the str '12'
    """
    if isinstance(row, str) or not isinstance(row, Iterable):
        raise TypeError(f"{what} must be a list of numbers, but is {describe(row)}")
    return [to_float(number, what) for number in row]


def type_name(thing: Any) -> str:
    """Return the full name of a thing's type.

    >>> type_name(3)
    'builtins.int'
    """
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def describe(thing: Any) -> str:
    """Return the type and a short repr, for a message about something unexpected.

    >>> describe([1, 2]), describe(None)
    ('the list [1, 2]', 'None')
    """
    return "None" if thing is None else f"the {type(thing).__name__} {short_repr(thing)}"


def short_repr(thing: Any) -> str:
    """Return a thing's repr, its end left out if it is long; it never fails.

    >>> short_repr("a"), short_repr(10**5000)
    ("'a'", '(too large to show)')
    """
    try:
        shown = repr(thing)
    except Exception:  # too many digits, lists too deep, or a fault in the thing's own class
        return "(too large to show)"
    return shown if len(shown) <= 60 else shown[:57] + "..."
