"""The gradient that the last pass has given, where numbers have been changed since."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence

from autodiff.debug.situation import Situation
from autodiff.support.changed import OURS, is_same, result_of
from autodiff.value import Value

__all__ = ["added_up", "agree", "gradients_of_the_pass", "is_more"]

# Newton's method doubles the digits in each step, once it is near.
MOST_STEPS = 50
# Two ways to compute a number agree to within this, times its size; so does a gradient that was
# taken at a number found in this way, which may be less exact.
AGREEMENT = 1e-12
OF_GRADIENTS = 1e-6
# By what operands are multiplied to see whether a local derivative depends on them.
MOVES = (1.5, -1.5)
# Operations whose result tells what the operand was, but for its sign.
INVERTIBLE = {"exp", "log", "mul", "pow", "sigmoid", "sqrt", "square", "tanh"}


def added_up(case: Situation) -> bool:
    """Return whether ``value.grad`` has certainly more in it than the last pass has given.

    That is not certain where a line of the program assigns to it.
    """
    if not case.value.has_grad or case.program.assigned_gradients(case.value):
        return False
    return is_more(case.value.grad, gradients_of_the_pass(case))


def is_more(gradient: float, given: Sequence[tuple[float, bool]]) -> bool:
    """Return whether a gradient is certainly none of those that a pass may have given."""
    return bool(given) and all(
        certain and not agree(gradient, each, OF_GRADIENTS) for each, certain in given
    )


def agree(number: float, other: float, tolerance: float) -> bool:
    """Return whether two numbers are the same but for rounding."""
    return is_same(number, other) or math.isclose(number, other, rel_tol=tolerance)


def gradients_of_the_pass(case: Situation) -> list[tuple[float, bool]]:
    """Return what the last pass may have given value, and whether that is certain; none if lost.

    Results keep the gradients of the last pass alone, and their numbers until they are recomputed.
    The numbers that variables had are gone.  What value had is what its users' results were made
    of, above 0 or below; other variables are taken to be as they were, which is not certain if
    they matter.
    """
    if case.value is case.of:
        return [(case.of.grad, True)]
    unmoved = case.program.not_updated(case.order)
    found = [gradient_if(sign, case, unmoved) for sign in (1.0, -1.0)]
    return [each for each in found if each is not None]


def gradient_if(
    sign: float, case: Situation, unmoved: Container[Value]
) -> tuple[float, bool] | None:
    """Return what the last pass has given value if that had such a sign; None if it had not."""
    total, certain = 0.0, True
    for user in dict.fromkeys(case.uses.users[case.value]):
        if not user.has_grad:
            continue  # nothing reached it
        operands = operands_then(user, sign, case)
        if operands is None:
            return None
        locals_then = local_derivatives_at(user, case.changes.numbers[user], operands)
        for position, parent in enumerate(user.parents):
            if parent is case.value:
                total += user.grad * locals_then[position]
                sure = is_certain(user, position, operands, locals_then, case, unmoved)
                certain = certain and sure
    return total, certain


def local_derivatives_at(user: Value, result: float, operands: Sequence[float]) -> Sequence[float]:
    """Return the local derivatives of a node with another result, and other operands."""
    assert user.op is not None
    if user.origin.given is not None:
        return user.origin.given.derivatives_of(user)  # type: ignore[no-any-return]
    return [float(each) for each in user.op.partials(result, *operands)]


def operands_then(user: Value, sign: float, case: Situation) -> list[float] | None:
    """Return the operands that gave a node its result if no variable but value has changed.

    None if Newton's method finds none of that sign.
    """
    numbers, value = case.changes.numbers, case.value
    if user.op not in OURS:  # which may do anything where it has not been tried
        return [numbers[each] for each in user.parents] if case.changes.agrees(user) else None
    guess, wanted = sign * (abs(numbers[value]) or 1.0), numbers[user]
    if value.parents:
        guess = numbers[value]  # a result keeps its number
    for _ in range(MOST_STEPS):
        operands = [guess if each is value else numbers[each] for each in user.parents]
        result = result_of(user, operands, wanted)
        if agree(result, wanted, AGREEMENT):
            return operands if guess * sign >= 0.0 or value.parents else None
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
    unmoved: Container[Value],
) -> bool:
    """Return whether a local derivative is the one of then, whatever has been changed.

    It is if another is not found where value was as large as the result, nor where all variables
    are moved, but for those that no line updates, and for value where a result tells what it was.
    """
    assert user.op is not None
    numbers = case.changes.numbers
    if case.value not in unmoved and not case.value.parents:
        # A choice may have been between equal numbers: value's then was the result.
        tied = [numbers[user] if each is case.value else numbers[each] for each in user.parents]
        if agree(result_of(user, tied, numbers[user]), numbers[user], AGREEMENT):
            of_tied = local_derivatives_at(user, numbers[user], tied)
            if not is_same(of_tied[position], locals_then[position]):
                return False
    if case.changes.agrees(user):  # by chance, perhaps: a choice may be another one now
        kept = [numbers[each] for each in user.parents]
        of_kept = local_derivatives_at(user, numbers[user], kept)
        return is_same(of_kept[position], locals_then[position])
    fixed = {case.value} if user.op.name in INVERTIBLE else set()
    for move in MOVES:
        moved = [
            number * move
            if each.is_leaf and not each.is_constant and each not in fixed and each not in unmoved
            else number
            for number, each in zip(operands, user.parents, strict=True)
        ]
        result = result_of(user, moved, numbers[user])
        if not is_same(local_derivatives_at(user, result, moved)[position], locals_then[position]):
            return False
    return True
