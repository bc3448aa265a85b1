"""Updates that go wrong: to a new Value, up the slope, too far, or of what is computed anew."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

from autodiff.debug.directions import direction, turned_round
from autodiff.debug.earlier import added_up
from autodiff.debug.order import why_out_of_order
from autodiff.debug.program import Program
from autodiff.debug.rebound import lost_updates, replacement_by
from autodiff.debug.situation import Situation, made_in
from autodiff.debug.statements import shown_statements
from autodiff.graph import topological_order
from autodiff.ops import Role
from autodiff.support.changed import told_apart
from autodiff.support.naming import name_of
from autodiff.value import Value

__all__ = [
    "definition",
    "in_place",
    "old_parameter",
    "passed_through",
    "why_lost",
    "why_overwritten",
    "why_rebound",
    "why_stays_the_same",
    "why_worse",
]

# The roles of the operands of an update.
UPDATES = ((Role.TERM, Role.TERM), (Role.TERM, Role.NEGATED))
SHOWN_VARIABLES = 3

UNIT_ROUNDOFF = 2.0**-53


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


def in_place(value: Value, program: Program) -> str:
    """Return how to update the variable that a chain of updates began with.

    As the line that puts a Value in its place would do it; else under the first name that it had:
    what it is called now may be the result of an update.
    """
    replacement = replacement_by(value, program)
    if replacement is not None and not program.rebindings(value):
        return replacement.cure
    chain = [value]
    while (old := old_parameter(chain[0])) is not None:
        chain.insert(0, old)
    names = [program.name(each) for each in chain]
    return f"{next(filter(str.isidentifier, names), 'p')}.data -= ..."


def why_rebound(case: Situation) -> Iterator[str]:
    """Yield a warning if value is an updated parameter that is a new Value.

    That ``w - 0.3`` is an update and no ordinary difference, only the line that made it can tell.
    """
    value, program, old = case.value, case.program, old_parameter(case.value)
    is_rebound = program.is_rebound(value) or replacement_by(value, program) is not None
    if old is not None and old.has_grad and is_rebound:
        yield (
            f"{program.name(value)} is no variable but the result of an update, {definition(value)}"
            f"{made_in(value) or shown_statements(program.rebindings(value))}: each such step "
            "makes the graph longer, and the variable that it began with is not updated. Change "
            f"that one's number in place: {in_place(value, program)}"
        )


def why_lost(case: Situation) -> Iterator[str]:
    """Yield the line that should have changed value, and has given a new Value to a name alone."""
    value, program, name = case.value, case.program, case.names[case.value]
    if not value.is_leaf or value in case.changes.causes:
        return
    for node in passed_through(case):
        replacement = replacement_by(node, program)
        line = f" ({replacement.statement})" if replacement else ""
        yield (
            f"{case.names[case.of]} is computed from {definition(node)}, the result of an update"
            f"{line}, which is a new Value in the place of {name}: {name} itself is not changed, "
            "and each such step makes the graph longer. Change its number in place: "
            f"{in_place(node, program)}"
        )
        return
    for lost in lost_updates(program, value, case.order)[-1:]:
        target = "" if lost.target is None else ast.unparse(lost.target)
        gives = f"computes {lost.makes}, which goes nowhere"
        if target == ast.unparse(lost.owner):
            gives = f"only rebinds the name {target}, to {lost.makes}"
        elif target:
            gives = f"only gives {lost.makes} the name {target}"
        yield (
            f"{lost.statement} {gives}: {name} itself is never changed, and learns nothing. "
            f"Change its number in place: {lost.cure}"
        )


def passed_through(case: Situation) -> list[Value]:
    """Return the results of updates of value through which it goes into the root."""
    program = case.program
    return [
        user
        for user in dict.fromkeys(case.uses.users[case.value])
        if old_parameter(user) is case.value or is_sum_on_a_line(case.value, user)
        if replacement_by(user, program) or (user.origin.line and program.is_rebound(user))
    ]


def is_sum_on_a_line(value: Value, node: Value) -> bool:
    """Return whether a node is a sum or a difference on a known line that begins with a Value."""
    is_sum = node.op is not None and node.op.roles in UPDATES
    return bool(node.origin.line) and is_sum and node.parents[0] is value


def why_worse(case: Situation) -> Iterator[str]:
    """Yield that the numbers of now make the loss larger, or that the updates will.

    Which way they go, the lines tell that do them.  Where they begin with a gradient that earlier
    passes have added to, or run in the wrong order, it is that which has to be mended.
    """
    program, root = case.program, case.names[case.of]
    movers = case.changes.causes if case.changes else [case.value]
    updates = program.updates(movers, case.order)
    uphill = program.uphill(updates)
    before, after = case.changes.numbers[case.of], case.changes.number(case.of)
    is_worse = case.of.has_grad and math.isfinite(before) and not after - before <= rounding(case)
    if uphill and case.value.is_leaf and (is_worse or not case.changes):
        fact = f"{root} is larger now, {in_words(before, after)}" if is_worse else ""
        yield (
            f"{fact or f'{root} becomes larger with each update'}: {uphill[0]} adds the gradient, "
            f"which goes up the slope. To make {root} smaller, write "
            f"{turned_round(uphill[0].tree)}"
        )
    elif is_worse and not added_up(case) and not any(why_out_of_order(case)):
        is_down = all(direction(each.tree, program.scope) < 0 for each in updates)
        number = program.number(case.value)
        why = (
            "it went too far: take a smaller learning rate"
            if is_down and program.statements
            else f"it went up the slope, or too far. Down is {number} -= lr * "
            f"{number.removesuffix('.data')}.grad; a smaller lr goes less far"
        )
        yield (
            f"{root} is larger now, {in_words(before, after)}: if an update has done that"
            f"{shown_statements(updates)}, {why}"
        )


def in_words(before: float, after: float) -> str:
    """Return what a number is and was."""
    was, number = told_apart(before, after)
    return f"{number} where it was {was}"


def rounding(case: Situation) -> float:
    """Return by how much the root may differ without meaning anything.

    Each number of the graph is rounded to half a unit in its last place, which moves the root by
    that times its gradient: the first-order bound of the error analysis of floating point
    (N. Higham, Accuracy and Stability of Numerical Algorithms, chapter 3).  Twice that, as the root
    was rounded before the update and is after it.
    """
    gradients = {case.of: 1.0}
    for node, steps in case.uses.every_step.items():
        gradients[node] = steps[-1].total
    moved = [abs(gradient * node.data) for node, gradient in gradients.items()]
    return 2.0 * UNIT_ROUNDOFF * sum(filter(math.isfinite, moved))


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
        variables = " or ".join(map(case.program.number, below[:SHOWN_VARIABLES]))
        lines = case.program.updates([node], case.order)
        yield (
            f"{case.names[node]}.data was assigned to{shown_statements(lines)}, but "
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
