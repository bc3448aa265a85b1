"""Why a gradient is zero, missing, not finite, or another number than expected."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from autodiff.debug.steps import Step
from autodiff.debug.uses import Uses
from autodiff.graph import topological_order
from autodiff.ops import Role
from autodiff.support.naming import Names, name_of, number_text, short_formula
from autodiff.support.watch import hooks_of
from autodiff.value import Value

__all__ = ["why_missing", "why_nonfinite", "why_other_than_grad", "why_rebound", "why_zero"]

# The roles of the operands of an update.
UPDATES = ((Role.TERM, Role.TERM), (Role.TERM, Role.NEGATED))
# The local derivative below which a sigmoid or tanh is called saturated; it is at most 1.
SATURATED = 1e-4
# Contributions cancel where their sum is this much smaller than they are.
CANCELLED = 1e-9


def made_in(value: Value) -> str:
    """Return where a Value was made, in brackets, or nothing."""
    place = value.origin.place
    return f" (made in {place})" if place else ""


# --------------------------------------------------------------------------------------------
# Missing: no path
# --------------------------------------------------------------------------------------------


def why_missing(value: Value, of: Value, order: Sequence[Value]) -> Iterator[str]:
    """Yield why there is no path from value to ``of``, whose graph is ``order``."""
    name, root = name_of(value), name_of(of)
    graph = set(order)
    yield f"{root} is not computed from {name}: no path leads from one to the other"
    below = topological_order(value)
    if of in below:
        yield f"it is the other way round: {name} is computed from {root}"
        return
    old = old_parameter(value)
    if old is not None and old in graph:
        yield (
            f"{name} is a new Value, {definition(value)}{made_in(value)}, and {root} uses the old "
            f"one, {old!r}: assigning to a name does not change the Value that a model holds. "
            f"Change its number in place: {name_of(old)}.data -= ..."
        )
        return
    twins = [node for node in order if value.name and node.name == value.name and node.is_leaf]
    for twin in twins[:1]:
        yield (
            f"{root} uses another Value of that name, {twin!r}{made_in(twin)}, not this one"
            f"{made_in(value)}: was the name given to a new Value, where the old one's number "
            f"should have been changed in place ({value.name}.data = ...)?"
        )


def why_rebound(value: Value) -> Iterator[str]:
    """Yield a warning if value looks like an updated parameter that is a new Value."""
    old = old_parameter(value)
    if old is not None and old.has_grad:
        yield (
            f"{name_of(value)} is no variable but the result of an update, {definition(value)}"
            f"{made_in(value)}: each such step makes the graph longer, and {name_of(old)} itself "
            f"is not updated. Change its number in place: {name_of(old)}.data -= ..."
        )


def old_parameter(value: Value) -> Value | None:
    """Return w if value is ``w - a number`` or ``w + a number`` for a variable w."""
    if value.op is None or value.op.roles not in UPDATES or not value.parents[0].is_leaf:
        return None
    old, update = value.parents
    is_number = all(node.is_constant for node in topological_order(update) if node.is_leaf)
    return old if is_number and not old.is_constant else None


def definition(value: Value) -> str:
    """Return the formula that made a Value from its operands.

    >>> definition(Value(2.0, "w") * 3)
    'w * 3'
    """
    assert value.op is not None, "a leaf has no definition"
    return value.op.formula(*map(name_of, value.parents))


# --------------------------------------------------------------------------------------------
# Another number than value.grad
# --------------------------------------------------------------------------------------------


def why_other_than_grad(
    value: Value, of: Value, gradient: float, uses: Uses, names: Names, changed: bool
) -> Iterator[str]:
    """Yield why ``value.grad`` is not the gradient that the chain rule gives, if it is not.

    ``changed`` says whether numbers have changed since the graph was computed.
    """
    name, root, grad = names[value], names[of], value.grad
    if not value.has_grad:
        if of.has_grad and not is_reached(value, of, uses):
            return
        if of.has_grad:
            yield f"{name}.grad has been cleared since {root}.backward() ran: zero_grad() does that"
        else:
            yield f"{name}.grad is not computed: {root}.backward() has not run"
        return
    if grad == gradient or (math.isnan(grad) and math.isnan(gradient)):
        return
    hooked = [names[node] for node in (*uses.users, of) if hooks_of(node) is not None]
    passes = grad / gradient if gradient else 0.0
    if hooked:
        yield f"{name}.grad is {number_text(grad)}: a hook on {hooked[0]} may have replaced it"
    elif not of.has_grad:
        yield f"{name}.grad, {number_text(grad)}, is of another pass: {root}.backward() has not run"
    elif changed:
        yield f"{name}.grad is {number_text(grad)}, of a pass over numbers that are out of date"
    elif math.isclose(grad, of.grad * gradient, rel_tol=1e-12):
        yield (
            f"{name}.grad is {number_text(grad)}, that times {number_text(of.grad)}: "
            f"the pass began with {root}.grad = {number_text(of.grad)}"
        )
    elif grad == 0.0:
        yield f"{name}.grad is 0: it has been set to 0 since {root}.backward() ran"
    elif 1.5 < passes < 1e6 and math.isclose(passes, round(passes), rel_tol=1e-9):
        yield (
            f"{name}.grad is {number_text(grad)}, {round(passes)} times that: backward() has run "
            f"{round(passes)} times, and gradients add up until zero_grad() clears them"
        )
    else:
        yield (
            f"{name}.grad is {number_text(grad)}: either other passes have added to it, as "
            "gradients add up until zero_grad() clears them, or numbers (.data) have changed "
            f"since {root}.backward() ran"
        )


# --------------------------------------------------------------------------------------------
# Zero
# --------------------------------------------------------------------------------------------


def why_zero(value: Value, uses: Uses, names: Names) -> Iterator[str]:
    """Yield what cuts value off, or nearly so, from the root; nothing if nothing does.

    Follows the zeros from value towards the root, to where they begin.
    """
    met = {value}
    followed = [value]
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


def is_reached(value: Value, of: Value, uses: Uses) -> bool:
    """Return whether any contribution reaches value, so that a pass gives it a gradient."""
    return value is of or any(step.taken for step in uses.steps[value])


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
        f"so d {node}/d {parent} = {number_text(step.local)}"
    )


def cut(step: Step, names: Names) -> str:
    """Return why a local derivative is zero."""
    node, parent = names[step.node], names[step.parent]
    role = role_in(step)
    if role is Role.SATURATING:
        return saturation(step, names)
    if role is Role.RECTIFIED:
        return (
            f"{step.node.op} is dead: {equation(step.node, names)} = 0 at {parent} = "
            f"{number_text(step.parent.data)}, which is not above 0, so d {node}/d {parent} = 0"
        )
    factor = other_factor(step)
    if factor is not None:
        is_number = factor.is_constant and not factor.name
        zero = "0" if is_number else f"{names[factor]} = 0"
        return f"{equation(step.node, names)}: {parent} is multiplied by {zero}"
    if role in (Role.CONDITION, Role.CHOICE):
        reason = "only chooses" if role is Role.CONDITION else "is not the one chosen"
        return f"{equation(step.node, names)}: {parent} {reason}, so d {node}/d {parent} = 0"
    numbers = ", ".join(
        f"{names[operand]} = {number_text(operand.data)}"
        for operand in dict.fromkeys(step.node.parents)
        if operand.name or not operand.is_constant
    )
    if not step.taken:
        return f"{equation(step.node, names)}: {parent} is not taken at {numbers}"
    return f"{equation(step.node, names)}: d {node}/d {parent} = 0 at {numbers}"


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


def equation(node: Value, names: Names) -> str:
    """Return a node's name and its formula, shortened if it is long."""
    return f"{names[node]} = {short_formula(names.formula(node))}"


# --------------------------------------------------------------------------------------------
# Not finite
# --------------------------------------------------------------------------------------------


def why_nonfinite(value: Value, uses: Uses, names: Names) -> Iterator[str]:
    """Yield where the infinities and nans of value's gradient begin."""
    met = {value}
    followed = [value]
    for node in followed:  # which grows meanwhile
        all_steps = uses.steps.get(node, ())
        steps = [step for step in all_steps if not math.isfinite(step.contribution)]
        if all_steps and not steps:
            terms = [step.contribution for step in all_steps if step.taken]
            yield f"the sum of the contributions to {names[node]} overflows: {terms[:4]}"
        if {math.inf, -math.inf} <= {step.contribution for step in steps}:
            yield f"the contributions to {names[node]} are inf and -inf, whose sum is nan"
        for step in steps:
            if not math.isfinite(step.upstream):
                follow([step.node], met, followed)
            else:
                yield infinity(step, names)


def infinity(step: Step, names: Names) -> str:
    """Return how one step with a finite upstream gradient gave what is not finite."""
    node, parent = names[step.node], names[step.parent]
    product = (
        f"{number_text(step.upstream)} × {number_text(step.local)} = "
        f"{number_text(step.contribution)}"
    )
    if math.isfinite(step.local):
        return f"d {node}/d {parent} makes it overflow: {product}"
    operands = dict.fromkeys(step.node.parents)
    numbers = ", ".join(f"{names[each]} = {number_text(each.data)}" for each in operands)
    forward = [each for each in (*operands, step.node) if not math.isfinite(each.data)]
    begun = ", a number of the forward pass that is not finite itself" if forward else ""
    return f"{equation(step.node, names)}: d {node}/d {parent} at {numbers}{begun} gives {product}"
