"""Updates that run and have no effect: too small a rate, or a variable that is made anew."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autodiff.debug.rates import UNIT_ROUNDOFF, factor_in, numbers_of
from autodiff.debug.rebound import holds, loop_that_binds, may_hold
from autodiff.debug.situation import Situation
from autodiff.debug.statements import Statement, names_in, target_name
from autodiff.support.naming import shown

__all__ = ["why_forgotten", "why_too_small"]


def why_too_small(case: Situation) -> Iterator[str]:
    """Yield that the learning rate is so small that value keeps its number.

    Where the rate is not, but the gradient, the loss is at a minimum, and nothing is wrong.
    """
    value, lines = case.value, updates_of(case)
    if not (value.has_grad and value.grad) or case.changes:
        return
    factors = [factor_in(each.tree, case.program.statements) for each in lines]
    rates = [rate for each in factors if each for rate in numbers_of(each, case.program.statements)]
    steps = [rate * value.grad for rate in rates if abs(rate) < UNIT_ROUNDOFF]
    is_certain = bool(steps) and len(steps) == len(rates) and None not in factors
    if is_certain and all(value.data + step == value.data for step in steps):
        name = case.names[value]
        yield (
            f"{lines[0]} adds {shown(steps[0])} to {name} = {shown(value.data)}, too little for a "
            f"float to change: {name} stays as it is. Take a larger learning rate"
        )


def why_forgotten(case: Situation) -> Iterator[str]:
    """Yield the line that makes value anew in each round of the loop that updates it."""
    program = case.program
    last = program.passes(case.of)[-1:]
    if not last or not last[0].loops or not case.value.is_leaf:
        return
    loops = last[0].loops
    updates = [
        each
        for each in [*updates_of(case), *program.steps([case.value])]
        if each.loops[: len(loops)] == loops
    ]
    made = [
        each
        for each in program.statements
        if each.loops == loops and each.place < last[0].place and makes(each, case)
    ]
    if updates and made:
        yield (
            f"{made[-1]} makes {case.names[case.value]} anew in each round of the loop, so what "
            f"{updates[0].code} has changed is lost. Move that line to before the loop"
        )


def updates_of(case: Situation) -> list[Statement]:
    """Return the lines that may change value's number: by its name, or by that of a loop."""
    value, program = case.value, case.program
    found = []
    for each in program.updates([value], case.order):
        name = target_name(each.tree)
        loop = loop_that_binds(name, each)
        if may_hold(loop.iter, value, program) if loop else name in program.names([value]):
            found.append(each)
    return found


def makes(statement: Statement, case: Situation) -> bool:
    """Return whether a statement makes value, or an object that has it, by a call of its class."""
    match statement.tree:
        case ast.Assign(value=ast.Call(func=called)):
            things = [case.program.scope.get(name) for name in statement.made_anew]
            return any(
                type(each).__name__ in names_in(called) and holds(each, case.value)
                for each in things
                if not hasattr(type(each), "step")  # an optimizer has them from elsewhere
            )
    return False
