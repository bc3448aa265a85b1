"""Updates that go wrong: to a new Value, up the slope, too far, or of what is computed anew."""

from __future__ import annotations

import math
from collections.abc import Iterator

from autodiff.debug.lines import REBINDING, UPDATE, is_rebound, see, spoken_name
from autodiff.debug.situation import Situation, made_in
from autodiff.graph import topological_order
from autodiff.ops import Role
from autodiff.support.naming import name_of, number_text
from autodiff.value import Value

__all__ = [
    "definition",
    "in_place",
    "old_parameter",
    "why_overwritten",
    "why_rebound",
    "why_stays_the_same",
    "why_worse",
]

# The roles of the operands of an update.
UPDATES = ((Role.TERM, Role.TERM), (Role.TERM, Role.NEGATED))
SHOWN_VARIABLES = 3


def definition(value: Value) -> str:
    """Return the formula that made a Value from its operands.

    >>> definition(Value(2.0, "w") * 3)
    'w * 3'
    """
    assert value.op is not None, "a leaf has no definition"
    return value.op.formula(*map(name_of, value.parents))


def old_parameter(value: Value) -> Value | None:
    """Return w if value is ``w - a number`` or ``w + a number`` for a w that is no constant."""
    if value.op is None or value.op.roles not in UPDATES:
        return None
    old, update = value.parents
    is_number = all(node.is_constant for node in topological_order(update) if node.is_leaf)
    return old if is_number and not old.is_constant else None


def in_place(value: Value) -> str:
    """Return how to update the variable that a chain of updates began with.

    >>> in_place(Value(2.0, "w") - 0.5 - 0.25)
    'w.data -= ...'
    """
    while (old := old_parameter(value)) is not None:
        value = old
    return f"{value.name or 'w'}.data -= ..."


def why_rebound(case: Situation) -> Iterator[str]:
    """Yield a warning if value is an updated parameter that is a new Value.

    That ``w - 0.3`` is an update and no ordinary difference, only the line that made it can tell.
    """
    value, old = case.value, old_parameter(case.value)
    if old is not None and old.has_grad and is_rebound(value, case.called, case.file):
        yield (
            f"{spoken_name(value)} is no variable but the result of an update, {definition(value)}"
            f"{made_in(value) or see(REBINDING, case.file)}: each such step makes the graph longer,"
            " and the variable that it began with is not updated. Change that one's number in "
            f"place: {in_place(old)}"
        )


def why_worse(case: Situation) -> Iterator[str]:
    """Yield that the numbers of now make the loss larger, or no number at all."""
    before, after = case.changes.numbers[case.of], case.changes.number(case.of)
    if case.of.has_grad and math.isfinite(before) and not after <= before:
        name, root = case.names[case.value], case.names[case.of]
        yield (
            f"{root} is larger now, {number_text(after)} where it was {number_text(before)}: if an "
            f"update has done that{see(UPDATE, case.file)}, it went up the slope, or too far. Down "
            f"is {name}.data -= lr * {name}.grad; a smaller lr goes less far"
        )


def why_overwritten(case: Situation) -> Iterator[str]:
    """Yield that a result was given another number, which the next forward pass overwrites.

    It was itself, and no operand of it, where neither its operands nor a user fit its number.
    """
    changes = case.changes
    overwritten = [
        parent
        for user in case.order
        if changes and user not in changes.now and not changes.agrees(user)
        for parent in user.parents
        if parent in changes.now and not changes.agrees(parent)
    ]
    for node in overwritten[:1]:
        below = [each for each in topological_order(node) if each.is_leaf and not each.is_constant]
        variables = " or ".join(f"{case.names[each]}.data" for each in below[:SHOWN_VARIABLES])
        yield (
            f"{case.names[node]}.data was assigned to{see(UPDATE, case.file)}, but "
            f"{case.names[node]} is a result{made_in(node)}, which the next forward pass computes "
            f"anew: change a variable, such as {variables}"
        )


def why_stays_the_same(case: Situation) -> Iterator[str]:
    """Yield which variables have the number and the gradient of value, and so will for ever."""
    value, uses = case.value, case.uses
    if not value.is_leaf or not case.gradient:
        return
    likeness = uses.likeness(value)
    twins = [
        case.names[node]
        for node in case.order
        if node.is_leaf and node is not value and not node.is_constant
        if node.data == value.data and uses.likeness(node) == likeness
    ]
    if twins:
        who = ", ".join(twins[:SHOWN_VARIABLES]) + (" …" if len(twins) > SHOWN_VARIABLES else "")
        yield (
            f"{case.names[value]}{made_in(value)} has the same number and the same gradient as "
            f"{who}: each update leaves them the same, and they do the work of one. Begin with "
            "different numbers, such as random.uniform(-1, 1)"
        )
