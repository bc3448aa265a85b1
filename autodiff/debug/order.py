"""Training steps in the wrong order: an update before ``backward()``, a graph that is made once.

The text of the program tells it where it has the forward pass, the update and ``backward()`` one
after the other; else the numbers may: a pass takes the results as they were computed, and the
variables as they are when it runs.
"""

from __future__ import annotations

from collections.abc import Iterator

from autodiff.debug.earlier import AGREEMENT, agree, gradients_of_the_pass, local_derivatives_at
from autodiff.debug.situation import Situation
from autodiff.debug.statements import Statement, shown_statements
from autodiff.support.changed import OURS
from autodiff.support.naming import number_text
from autodiff.value import Value

__all__ = ["early_updates", "is_mixed", "why_out_of_order"]

MOVE = 1.5


def why_out_of_order(case: Situation) -> Iterator[str]:
    """Yield that an update ran before the pass, or that it runs again and again and no forward."""
    if not (case.changes and case.of.has_grad):
        return
    name, root = case.names[case.value], case.names[case.of]
    two_times = "results of before the change, and variables of after it"
    if early := early_updates(case):
        yield (
            f"{early[0]} runs before {root}.backward(): the pass mixes numbers of two times, "
            f"{two_times}. Call {root}.backward() first, then {early[0].code}"
        )
    elif is_mixed(case):
        lines = shown_statements(case.program.updates(case.changes.causes, case.order))
        yield (
            f"{root}.backward() ran after that change{lines}: {name}.grad, "
            f"{number_text(case.value.grad)}, is of a pass that mixed numbers of two times, "
            f"{two_times}. Call {root}.backward() before the change, or run the forward pass again "
            "before backward()"
        )
    elif once := forward_once(case):
        yield (
            f"{once[0]} runs once, before the loop: no later epoch computes it with the new "
            f"numbers. Move it into the loop, before {root}.backward()"
        )


# ---- By the text ----------------------------------------------------------------------------


def updates(case: Situation) -> list[Statement]:
    """Return the lines that may have changed numbers of the graph, those of optimizers too."""
    program = case.program
    return [
        *program.updates(case.changes.causes, case.order),
        *program.steps(case.changes.causes),
    ]


def early_updates(case: Situation) -> list[Statement]:
    """Return the lines that may have changed numbers, if all run between forward and backward."""
    forwards = case.program.assignments(case.program.names([case.of]))
    passes = case.program.passes(case.of)
    found = updates(case)
    are_early = all(
        any(is_between(forward, each, one, forwards) for forward in forwards for one in passes)
        for each in found
    )
    return found if are_early else []


def is_between(
    forward: Statement, update: Statement, one_pass: Statement, forwards: list[Statement]
) -> bool:
    """Return whether an update runs after a forward pass and before the next pass over it."""
    if not forward.owners == update.owners == one_pass.owners:
        return False
    loops = one_pass.loops
    if update.loops[: len(loops)] != loops or loops[: len(forward.loops)] != forward.loops:
        return False
    is_new = any(update.place < each.place < one_pass.place for each in forwards)
    return forward.place < update.place < one_pass.place and not is_new


def forward_once(case: Situation) -> list[Statement]:
    """Return the lines before a loop that made results which the loop's updates put out of date."""
    program = case.program
    last = program.passes(case.of)[-1:]
    loops = {loop for each in updates(case) for loop in each.loops}
    loops = {loop for each in last for loop in each.loops if loop in loops}
    found = []
    for name, node in program.bound():
        if node in case.changes.now:
            made = program.assignments({name})
            if made and all(end_of(each) < loop.lineno for each in made for loop in loops):
                found += made[-1:] if loops else []
    return found


def end_of(statement: Statement) -> int:
    return statement.tree.end_lineno or statement.tree.lineno


# ---- By the numbers -------------------------------------------------------------------------


def is_mixed(case: Situation) -> bool:
    """Return whether a gradient can only be of a pass that ran after numbers had been changed."""
    value = case.value
    given = gradients_of_the_pass(case)
    if not value.has_grad or any(agree(value.grad, each, AGREEMENT) for each, _ in given):
        return False
    looked_at = [value]
    causes = [each for each in case.changes.causes if each.is_leaf]
    if len(causes) == 1:  # which has certainly been changed
        looked_at += [each for each in case.uses.users if each.parents and each.has_grad]
    gradients, moved = mixed_gradients(case, 1.0), mixed_gradients(case, MOVE)
    return any(
        agree(each.grad, gradients[each], AGREEMENT)
        and not agree(gradients[each], moved[each], AGREEMENT)
        for each in looked_at
        if each in gradients
    )


def mixed_gradients(case: Situation, move: float) -> dict[Value, float]:
    """Return the gradients of a pass with the results of then, and variables of now.

    The variables that have been changed are multiplied by a number.  It is {} where an operation is
    not one of the table.
    """
    numbers = dict(case.changes.numbers)
    numbers |= {each: numbers[each] * move for each in case.changes.causes if each.is_leaf}
    gradients = {case.of: case.of.grad}
    for node in reversed(case.order):
        if not node.parents or node not in gradients:
            continue
        if node.op not in OURS or node.origin.given is not None:
            return {}
        operands = [numbers[each] for each in node.parents]
        locals_then = local_derivatives_at(node, numbers[node], operands)
        for parent, local in zip(node.parents, locals_then, strict=True):
            gradients[parent] = gradients.get(parent, 0.0) + gradients[node] * local
    return gradients
