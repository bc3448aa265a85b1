"""What a program repeats as it was done once: decisions by numbers, and numbers taken out."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from autodiff.support.naming import Names, name_of, number_text
from autodiff.support.noticing import COMPARES, Look
from autodiff.value import Value

__all__ = ["DecisionWarning", "decisions_in", "warn_of_decisions"]

Graphs = Mapping[Value, tuple[list[Value], list[Value]]]


class DecisionWarning(UserWarning):
    """A program has in it what Python code decided by the number that a Value had then.

    ``autodiff.compile`` warns so, with the line of that code where it is known; and of hooks, which
    are code that no program calls.
    """


HOOK = (
    "compile: {} has a hook, which a program does not call: its gradients are those without. "
    "Remove the hook (handle.remove()), or call backward()"
)
WHAT_TO_DO = (
    "A program has only what was done then, for these numbers. Choose with where(), maximum() or "
    "minimum(), or compile() anew for other numbers"
)


@dataclass(slots=True)
class Found:
    """What a program has of the numbers of now: decisions, and numbers taken out, as sentences.

    ``compared`` are the leaves whose numbers were compared, ``hooked`` the nodes with hooks.
    """

    decisions: list[str] = field(default_factory=list)
    compared: list[Value] = field(default_factory=list)
    hooked: list[Value] = field(default_factory=list)


def warn_of_decisions(
    graphs: Graphs, inputs: Sequence[Value], looks: Sequence[Look], stacklevel: int
) -> None:
    """Warn of all that is known, and of hooks; see :func:`decisions_in`."""
    found = decisions_in(graphs, inputs, looks)
    for leaf in found.compared:  # it may come to be in another graph, of which this is not true
        leaf.origin = leaf.origin.changed(compared=None)
    messages = [HOOK.format(name_of(node)) for node in found.hooked]
    messages += [f"compile: {each}. {WHAT_TO_DO}" for each in found.decisions]
    for message in messages:
        warnings.warn(message, DecisionWarning, stacklevel=stacklevel + 1)


def decisions_in(graphs: Graphs, inputs: Sequence[Value], looks: Sequence[Look]) -> Found:
    """Return all that is known: looks at numbers, hooks, and what graphs tell.

    ``graphs`` has the leaves and the interior nodes of each root.
    """
    found = Found(list(map(str, looks)))
    known = {leaf for leaves, _ in graphs.values() for leaf in leaves}
    apart = [x for x in inputs if x not in known]
    for root, (leaves, interior) in graphs.items():
        for node in (*leaves, *apart, *interior):  # the side not taken may be the one with an input
            if node.origin.hooks:
                found.hooked.append(node)
            if node.origin.compared is not None:
                found.decisions.append(str(Look(COMPARES, *node.origin.compared)))
                if node.is_leaf:
                    found.compared.append(node)
        found.decisions += _numbers_taken(root, leaves, interior, apart)
    found.decisions = list(dict.fromkeys(found.decisions))
    return found


def _numbers_taken(
    root: Value, leaves: Sequence[Value], interior: Sequence[Value], apart: Sequence[Value]
) -> Iterator[str]:
    """Yield the constants that are some Value's number, taken by ``.data``.

    It is the very same float object, which no arithmetic gives back.  A variable's number may be a
    literal of the same code: of variables only inputs count that are in no graph, those ``apart``.
    """
    made: dict[int, Value] = {id(x.data): x for x in apart}
    for node in interior:
        made.setdefault(id(node.data), node)
    for leaf in leaves:
        value = made.get(id(leaf.data)) if leaf.is_constant else None
        if value is None or not _is_a_result(leaf.data):
            continue
        # A choice gives back the number of an operand, which may be the constant itself.
        if all(parent.data is not value.data for parent in value.parents):
            names = Names(root)
            name = f"{names[value]} = {names.formula(value)}" if value in names else name_of(value)
            yield f"the constant {number_text(leaf.data)} is the number (.data) of {name}"


def _is_a_result(number: float) -> bool:
    """Return whether a float is none of the literals that functions return."""
    return math.isfinite(number) and number not in (-1.0, 0.0, 0.5, 1.0)
