"""The gradient that the last pass has given, where numbers have been changed since."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autodiff.debug.situation import Situation
from autodiff.support.changed import is_same, result_of
from autodiff.value import Value

__all__ = ["added_up", "gradient_of_the_pass"]

# Newton's method doubles the digits in each step, once it is near.
MOST_STEPS = 50
# Two ways to compute a number agree to within this, times its size; so does a gradient that was
# taken at a number found in this way, which may be less exact.
AGREEMENT = 1e-12
OF_GRADIENTS = 1e-6
# By what operands are multiplied to see whether a local derivative depends on them.
MOVE = 1.5


def added_up(case: Situation) -> bool:
    """Return whether ``value.grad`` has certainly more in it than the last pass has given."""
    if not (case.changes and case.value.has_grad and case.of.has_grad):
        return False
    given = gradient_of_the_pass(case)
    return given is not None and given[1] and not agree(case.value.grad, given[0], OF_GRADIENTS)


def agree(number: float, other: float, tolerance: float) -> bool:
    """Return whether two numbers are the same but for rounding."""
    return is_same(number, other) or math.isclose(number, other, rel_tol=tolerance)


def gradient_of_the_pass(case: Situation) -> tuple[float, bool] | None:
    """Return what the last pass has given value, and whether that is certain; None if it is lost.

    Results keep the gradients of the last pass alone, and their numbers until they are recomputed.
    The numbers that variables had are gone.  What value had is what its users' results were made
    of; other variables are taken to be as they were, which is not certain if they matter.
    """
    if case.value is case.of:
        return case.of.grad, True
    total, certain = 0.0, True
    for user in dict.fromkeys(case.uses.users[case.value]):
        if not user.has_grad:
            continue  # nothing reached it
        operands = operands_then(user, case)
        if operands is None:
            return None
        locals_then = local_derivatives_at(user, case.changes.numbers[user], operands)
        for position, parent in enumerate(user.parents):
            if parent is case.value:
                total += user.grad * locals_then[position]
                certain = certain and is_certain(user, position, operands, locals_then, case)
    return total, certain


def local_derivatives_at(user: Value, result: float, operands: Sequence[float]) -> Sequence[float]:
    """Return the local derivatives of a node with another result, and other operands."""
    assert user.op is not None
    if user.origin.given is not None:
        return user.origin.given.derivatives_of(user)  # type: ignore[no-any-return]
    return [float(each) for each in user.op.partials(result, *operands)]


def operands_then(user: Value, case: Situation) -> list[float] | None:
    """Return the operands that gave a node its result if no variable but value has changed.

    None if value cannot be found, by Newton's method.
    """
    numbers, value = case.changes.numbers, case.value
    guess, wanted = numbers[value], numbers[user]
    for _ in range(MOST_STEPS):
        operands = [guess if each is value else numbers[each] for each in user.parents]
        result = result_of(user, operands, wanted)
        if agree(result, wanted, AGREEMENT):
            return operands
        slopes = local_derivatives_at(user, result, operands)
        own = [each for each, parent in zip(slopes, user.parents, strict=True) if parent is value]
        slope = math.fsum(own) if all(map(math.isfinite, own)) else 0.0
        if not (slope and math.isfinite(result)):
            return None
        guess -= (result - wanted) / slope
    return None


def is_certain(
    user: Value,
    position: int,
    operands: Sequence[float],
    locals_then: Sequence[float],
    case: Situation,
) -> bool:
    """Return whether a local derivative is the one of then, whatever has been changed."""
    if case.changes.agrees(user):
        return True
    still = case.program.not_updated(case.order)
    others = [
        each.is_leaf and each is not case.value and not each.is_constant and each not in still
        for each in user.parents
    ]
    moved = [
        number * MOVE if is_other else number
        for number, is_other in zip(operands, others, strict=True)
    ]
    result = result_of(user, moved, case.changes.numbers[user])
    return is_same(local_derivatives_at(user, result, moved)[position], locals_then[position])
