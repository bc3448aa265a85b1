"""Asking a student's code: what it raises becomes a hint, and so does what it should not return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from demos.exercises.answers import NotYetError, expect_number

__all__ = [
    "DONE",
    "STOP",
    "expect_class",
    "expect_data",
    "expect_own",
    "parents_of",
    "returned",
    "tried",
]

# What to do about a function that calls itself without end.
STOP = "a recursion must stop at a Value without parents."
COMPUTE = "an operation on Values calls the method of that operation: compute with .data."


def tried(what: str, function: Callable[..., Any], *arguments: Any, endless: str = COMPUTE) -> Any:
    """Return what a student's function returns; what it raises becomes a hint."""
    try:
        result = function(*arguments)
    except RecursionError:
        raise NotYetError(f"{what} calls itself without end: {endless}") from None
    except Exception as error:
        raise NotYetError(
            f"{what} raised {type(error).__name__}: {error}.{cure_of(error)}"
        ) from None
    if result is None or result is ... or result is NotImplemented:
        raise NotYetError(f"{what} gives nothing yet: it needs a return.")
    return result


def cure_of(error: Exception) -> str:
    """Return what may help where a student's code raised this."""
    said = str(error)
    if isinstance(error, AttributeError) and said.startswith(("'int'", "'float'")):
        return " A plain number has no such thing: make it a Value first, Value(other)."
    if isinstance(error, TypeError) and "must be real number" in said:
        return " math.tanh takes a number: self.data."
    if isinstance(error, TypeError) and said.startswith("unsupported operand"):
        if "'int' and" in said or "'float' and" in said:
            return (
                " The number on the left knows no Values, so Python asks the Value on the right: "
                "give your class __radd__ and __rmul__."
            )
        return " Is the operator there, and is it data that you compute with?"
    return ""


def expect_class(attempt: Any) -> type:
    """Return the attempt if it is a class whose object has a number."""
    if not isinstance(attempt, type):
        raise NotYetError(
            f"this needs your class itself, Value, but it is {type(attempt).__name__}."
        )
    made = tried("Value(2.0)", attempt, 2.0)
    if getattr(made, "data", None) != 2.0:
        raise NotYetError("Value(2.0).data should be 2.0.")
    if getattr(made, "grad", None) != 0.0:
        raise NotYetError("Value(2.0).grad should be 0.0: nothing has gone backward yet.")
    return attempt


def expect_own(result: Any, own: type, what: str) -> None:
    """Raise NotYetError unless a result is a Value of the student's."""
    if not isinstance(result, own):
        raise NotYetError(
            f"{what} is of type {type(result).__name__}: return a Value, which remembers "
            "its parents, not the number alone."
        )


def expect_data(result: Any, right: float, what: str) -> None:
    """Raise NotYetError unless a Value of the student's has that number."""
    if isinstance(result.data, type(result)):
        raise NotYetError(
            f"the data of {what} is a Value itself: compute it with self.data and other.data."
        )
    expect_number(result.data, right, f"{what} should be {right:g}.")


def parents_of(result: Any, what: str) -> Sequence[Any]:
    """Return the parents that a Value of the student's remembers, in their order."""
    parents = getattr(result, "parents", ())
    if isinstance(parents, (set, frozenset)):
        raise NotYetError(
            f"the parents of {what} are a set: it has no order, and for a + a it keeps one of two. "
            "Keep a tuple."
        )
    return tuple(parents)


DONE = object()


def returned(backward: Callable[[], Any]) -> Any:
    """Call it, and return whether it returned nothing, as it should."""
    result = backward()
    return DONE if result is None else result
