"""Why a gradient is zero, or nearly so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from autodiff.debug.situation import Situation, equation, made_in
from autodiff.debug.steps import Step
from autodiff.debug.uses import Uses
from autodiff.ops import Role
from autodiff.support.naming import Names, number_text
from autodiff.value import Value

__all__ = ["why_zero"]

# The local derivative below which a sigmoid or tanh is called saturated; it is at most 1.
SATURATED = 1e-4
# Contributions cancel where their sum is this much smaller than they are.
CANCELLED = 1e-9

CURES = {
    Role.SATURATING: "it learns again with smaller inputs and weights",
    Role.RECTIFIED: (
        "it learns from inputs that are above 0 there, with other first weights, or with "
        "leaky_relu, which is never dead"
    ),
    Role.CONDITION: "a choice jumps, so its condition gets no gradient; sigmoid is smooth",
    Role.INDEX: "a choice jumps, so its index gets no gradient",
    Role.CHOICE: "it gets a gradient where it is the one that is chosen",
}
# Of a factor that is 0: a variable, or a constant.
CURES_OF_ZERO = (
    "if that is a weight, begin with a small random number; if it is an input, this row teaches "
    "nothing, and others do",
    "such an input teaches nothing, and others do",
)


def why_zero(case: Situation) -> Iterator[str]:
    """Yield what cuts value off, or nearly so, from the root; nothing if nothing does.

    Follows the zeros from value towards the root, to where they begin.
    """
    value, uses, names = case.value, case.uses, case.names
    if value is case.of or not math.isfinite(case.gradient):
        return
    met, followed = {value}, [value]
    for node in followed:  # which grows meanwhile
        steps = uses.steps[node]
        contributions = [step.contribution for step in steps if step.contribution != 0.0]
        if contributions:
            total = steps[-1].total
            if abs(total) <= CANCELLED * sum(map(abs, contributions)):
                yield cancellation(node, contributions, total, names)
            elif abs(total) < SATURATED:
                yield from why_small(steps, uses, names)
            continue
        for step in steps:
            if step.local == 0.0:
                yield cut(step, names)
            elif step.upstream != 0.0:
                yield (
                    f"{number_text(step.upstream)} × {number_text(step.local)} is too small for a "
                    f"float: d {names[step.node]}/d {names[node]} cuts it off"
                )
            else:
                follow([step.node], met, followed)
        follow(uses.unreached_users(node), met, followed)


def follow(nodes: Iterable[Value], met: set[Value], followed: list[Value]) -> None:
    """Add the nodes that have not been met yet to those that are followed."""
    for node in nodes:
        if node not in met:
            met.add(node)
            followed.append(node)


def why_small(steps: Sequence[Step], uses: Uses, names: Names) -> Iterator[str]:
    """Yield which saturated units leave almost nothing of a gradient that is not zero."""
    met = {step.node for step in steps}
    followed = list(steps)
    for step in followed:  # which grows meanwhile
        if role_in(step) is Role.SATURATING and 0.0 < abs(step.local) < SATURATED:
            yield saturation(step, names)
            continue
        following = uses.steps.get(step.node, ())
        followed += [each for each in following if each.node not in met]
        met.update(each.node for each in following)


def cancellation(node: Value, contributions: list[float], total: float, names: Names) -> str:
    """Return that contributions cancel, with the first few of them."""
    terms = " + ".join(map(number_text, contributions[:4]))
    more = " + …" if len(contributions) > 4 else ""
    return f"the contributions to {names[node]} cancel: {terms}{more} = {number_text(total)}"


def role_in(step: Step) -> Role | None:
    """Return the role of the operand that a step is about."""
    assert step.node.op is not None
    return step.node.op.role(step.position, len(step.node.parents))


def saturation(step: Step, names: Names) -> str:
    """Return that a sigmoid or tanh is saturated, with its numbers."""
    node, parent = names[step.node], names[step.parent]
    return (
        f"{step.node.op} is saturated: {equation(step.node, names)} = "
        f"{number_text(step.node.data)} at {parent} = {number_text(step.parent.data)}, "
        f"so d {node}/d {parent} = {number_text(step.local)}{cured(step)}"
    )


def cut(step: Step, names: Names) -> str:
    """Return why a local derivative is zero, and what helps."""
    node, parent = names[step.node], names[step.parent]
    role, factor = role_in(step), other_factor(step)
    if role is Role.SATURATING:
        return saturation(step, names)
    if role is Role.RECTIFIED:
        return (
            f"{step.node.op} is dead: {equation(step.node, names)} = 0 at {parent} = "
            f"{number_text(step.parent.data)}, which is not above 0, so d {node}/d {parent} = 0"
            f"{cured(step)}"
        )
    if factor is not None:
        is_number = factor.is_constant and not factor.name
        zero = "0" if is_number else f"{names[factor]} = 0"
        place = made_in(step.node)
        cure = f": {CURES_OF_ZERO[factor.is_constant]}" if factor.is_leaf else ""
        return f"{equation(step.node, names)}: {parent} is multiplied by {zero}{place}{cure}"
    if role in (Role.CONDITION, Role.INDEX, Role.CHOICE):
        reason = "is not the one chosen" if role is Role.CHOICE else "only chooses"
        fact = f"{equation(step.node, names)}: {parent} {reason}, so d {node}/d {parent} = 0"
        return f"{fact}{cured(step)}"
    numbers = ", ".join(
        f"{names[operand]} = {number_text(operand.data)}"
        for operand in dict.fromkeys(step.node.parents)
        if operand.name or not operand.is_constant
    )
    place = made_in(step.node)
    if not step.taken:
        return f"{equation(step.node, names)}: {parent} is not taken at {numbers}{place}"
    return f"{equation(step.node, names)}: d {node}/d {parent} = 0 at {numbers}{place}"


def cured(step: Step) -> str:
    """Return where an operation was made, and what helps where it cuts off an operand."""
    role = role_in(step)
    assert role is not None
    return f"{made_in(step.node)}: {CURES[role]}"


def other_factor(step: Step) -> Value | None:
    """Return what an operand is multiplied with, in a product or a weighted sum."""
    parents, position = step.node.parents, step.position
    match role_in(step):
        case Role.FACTOR:
            return parents[1 - position]
        case Role.WEIGHT:
            return parents[position + len(parents) // 2]
        case Role.INPUT:
            return parents[position - len(parents) // 2]
    return None
