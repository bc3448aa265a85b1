"""What the reasons of an explanation look at, and how they name what they find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autodiff.debug.program import Program
from autodiff.debug.uses import Uses
from autodiff.support.changed import Changes
from autodiff.support.naming import Names, short_formula
from autodiff.value import Value

__all__ = ["Situation", "equation", "made_in"]


@dataclass(frozen=True, slots=True)
class Situation:
    """A gradient, d ``of`` / d ``value``, and all that is known about it.

    ============  =========================================================================
    ``order``     the graph of ``of``, in topological order
    ``names``     what its Values are called
    ``changes``   what has changed since the graph was computed
    ``uses``      the uses of value, and of all between it and ``of``
    ``gradient``  what the chain rule gives
    ``program``   the program that made the graph
    ============  =========================================================================
    """

    value: Value
    of: Value
    order: Sequence[Value]
    names: Names
    changes: Changes
    uses: Uses
    gradient: float
    program: Program


def made_in(value: Value) -> str:
    """Return where a Value was made, in brackets, or nothing."""
    place = value.origin.place
    return f" (made in {place})" if place else ""


def equation(node: Value, names: Names) -> str:
    """Return a node's name and its formula, shortened if it is long."""
    return f"{names[node]} = {short_formula(names.formula(node))}"
