"""Why a gradient is missing, or another number than expected: what is said about it, in order."""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType, GeneratorType

from autodiff.debug.directions import inside_the_graph
from autodiff.debug.earlier import OF_GRADIENTS, agree, gradients_of_the_pass, is_more
from autodiff.debug.not_finite import why_not_finite
from autodiff.debug.program import Program
from autodiff.debug.situation import Situation, made_in
from autodiff.debug.statements import shown_statements
from autodiff.debug.steps import backward_steps
from autodiff.debug.updates import (
    definition,
    in_place,
    old_parameter,
    why_overwritten,
    why_rebound,
    why_stays_the_same,
    why_worse,
)
from autodiff.debug.zeros import why_zero
from autodiff.graph import topological_order
from autodiff.support.changed import CURE as CHANGED_CURE
from autodiff.support.changed import is_same
from autodiff.support.naming import name_of, number_text
from autodiff.support.watch import hooks_of
from autodiff.value import Value

__all__ = ["REASONS", "why_missing"]

SHOWN_VARIABLES = 4

# --------------------------------------------------------------------------------------------
# Missing: no path
# --------------------------------------------------------------------------------------------


def why_missing(value: Value, of: Value, order: Sequence[Value], program: Program) -> Iterator[str]:
    """Yield why there is no path from value to ``of``, whose graph is ``order``."""
    name, root = program.name(value), program.name(of)
    old = old_parameter(value)
    while old is not None and old not in order:
        old = old_parameter(old)
    yield f"{root} is not computed from {name}: no path leads from one to the other"
    twins = [node for node in order if value.name and node.name == value.name and node.is_leaf]
    rebound = made_in(value) or shown_statements(program.rebindings(value))
    if of in topological_order(value):
        yield (
            f"it is the other way round: {name} is computed from {root}, so ask for "
            f"explain({root}, of={name})"
        )
    elif of.is_leaf:
        yield (
            f"{root} = {number_text(of.data)}{made_in(of)} is a variable itself, which is computed "
            f"from nothing: the forward pass, {root} = ..., has to come first, without .data or "
            "Value(...) round it"
        )
        yield from cut_off(value, of, program)
    elif old is not None:
        yield (
            f"{name} is a new Value, {definition(value)}{rebound}, and {root} uses the old one, "
            f"{old!r}: assigning to a name does not change the Value that a model holds. Change "
            f"its number in place: {in_place(value, program)}"
        )
    elif twins:
        yield (
            f"{root} uses another Value of that name, {twins[0]!r}{made_in(twins[0])}, not this one"
            f"{rebound}: was the name given to a new Value, where the old one's number should have "
            f"been changed in place ({program.number(value)} -= ...)?"
        )
    else:
        cuts = list(cut_off(value, of, program))
        yield from cuts or [not_used(value, order, name, root)]
    if not value.name:
        yield how_to_name(value, name, program)


def cut_off(value: Value, of: Value, program: Program) -> Iterator[str]:
    """Yield the lines where a number is taken out of the graph between value and the root."""
    for cut in program.cuts(value, of)[:SHOWN_VARIABLES]:
        yield (
            f"{cut} makes a plain number, through which no gradient flows back to "
            f"{program.name(value)}: {inside_the_graph(cut.tree)}"
        )


def not_used(value: Value, order: Sequence[Value], name: str, root: str) -> str:
    """Return what a root is computed from in value's place."""
    variables = [node for node in order if node.is_leaf and not node.is_constant]
    told = ", ".join(name_of(node) + made_in(node) for node in variables[:SHOWN_VARIABLES])
    more = " …" if len(variables) > SHOWN_VARIABLES else ""
    recorded = "" if value.origin.line else ". In `with record_source():` lines are told"
    return (
        f"{root} is computed from {told}{more}. Use {name}{made_in(value)} in its formula; if it "
        "is used there, .data, .item() or detach() takes a number out of the graph on the way: use "
        f"the Value itself{recorded}"
    )


# --------------------------------------------------------------------------------------------
# Another number than value.grad
# --------------------------------------------------------------------------------------------


def why_other_than_grad(case: Situation) -> Iterator[str]:
    """Yield why ``value.grad`` is not the gradient that the chain rule gives, if it is not."""
    value, of, gradient, names = case.value, case.of, case.gradient, case.names
    name, root = names[value], names[of]
    if value.has_grad and (value.grad == gradient or is_same(value.grad, gradient)):
        return
    if of.has_grad and is_running(of):
        yield from what_is_there_so_far(case)
        return
    if not value.has_grad:
        if not of.has_grad:
            yield f"{name}.grad is not computed: {root}.backward() has not run, so call it first"
        elif not case.changes and any(step.taken for step in case.uses.steps[value]):
            yield (
                f"{name}.grad has been cleared since {root}.backward() ran: "
                "call zero_grad() before backward()"
            )
        return
    grad = number_text(value.grad)
    hooked = [names[node] for node in (*case.uses.users, of) if hooks_of(node) is not None]
    passes = value.grad / gradient if gradient else 0.0
    if hooked:
        yield f"{name}.grad is {grad}: a hook on {hooked[0]} may have replaced it"
    elif not of.has_grad:
        yield (
            f"{name}.grad is {grad}, of another pass: {root}.backward() has not run. Call "
            f"zero_grad(), and then {root}.backward()"
        )
    elif case.changes:
        yield from why_other_than_it_was(case)
    elif math.isclose(value.grad, of.grad * gradient, rel_tol=1e-12):
        yield (
            f"{name}.grad is {grad}, that times {number_text(of.grad)}: "
            f"the pass began with {root}.grad = {number_text(of.grad)}"
        )
    elif value.grad == 0.0:
        yield f"{name}.grad is 0: it has been set to 0 since {root}.backward() ran"
    elif 1.5 < passes < 1e6 and math.isclose(passes, round(passes), rel_tol=1e-9):
        yield (
            f"{name}.grad is {grad}, {round(passes)} times that: backward() has run "
            f"{round(passes)} times, and {ADD_UP}"
        )
    else:
        yield f"{name}.grad is {grad}: other passes have added to it, as {ADD_UP}"


def why_other_than_it_was(case: Situation) -> Iterator[str]:
    """Yield what ``value.grad`` has in it after numbers have been changed."""
    name, grad = case.names[case.value], case.value.grad
    told, given = number_text(grad), gradients_of_the_pass(case)
    if any(agree(grad, each, OF_GRADIENTS) for each, _ in given):
        yield f"{name}.grad is {told}: it was computed before that"
    elif grad != 0.0 and is_more(grad, given):
        yield (
            f"{name}.grad is {told}, of which {case.names[case.of]}.backward() has given "
            f"{' or '.join(number_text(each) for each, _ in given)}: earlier passes gave the rest, "
            f"as {ADD_UP}"
        )
    elif grad != 0.0:
        yield (
            f"{name}.grad is {told}: it was computed before that. Where zero_grad() has not run "
            "before backward(), earlier passes have added to it"
        )


ADD_UP = "gradients add up: call zero_grad() before each backward()"


def is_running(root: Value) -> bool:
    """Return whether a backward pass from root has begun and not ended yet.

    Then a frame of ``backward()`` is among those that called this, or ``backward_steps`` waits.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code is Value.backward.__code__ and frame.f_locals.get("self") is root:
            return True
        frame = frame.f_back
    return any(
        isinstance(each, GeneratorType) and each.gi_code is backward_steps.__code__
        for each in gc.get_referrers(root)
    )


def what_is_there_so_far(case: Situation) -> Iterator[str]:
    """Yield which contributions a pass that is running has added already."""
    name, root = case.names[case.value], case.names[case.of]
    steps = [step for step in case.uses.steps[case.value] if step.taken]
    if not steps:
        return
    so_far = f"is {number_text(case.value.grad)} so far" if case.value.has_grad else "is not there"
    every = "its contribution" if len(steps) == 1 else f"all of its {len(steps)} contributions"
    yield (
        f"{root}.backward() is running: {name}.grad {so_far}, and will be "
        f"{number_text(case.gradient)} once it has {every}. Go on to the end of the pass"
    )


# --------------------------------------------------------------------------------------------
# And the rest of what is said
# --------------------------------------------------------------------------------------------


def what_changed(case: Situation) -> Iterator[str]:
    """Yield which results are out of date."""
    if case.changes:
        sentence = case.changes.sentence(case.names)
        lines = shown_statements(case.program.updates(case.changes.causes, case.order))
        yield f"{sentence}{lines}. This is the gradient of now; {CHANGED_CURE}"


def why_in_part(case: Situation) -> Iterator[str]:
    """Yield the lines where a part of what value does to the root leaves the graph."""
    gradient = f"d {case.names[case.of]}/d {case.names[case.value]}"
    for cut in case.program.cuts(case.value, case.of):
        yield (
            f"{cut} makes a plain number, and {gradient} is without what goes through it. If that "
            f"is to count, {inside_the_graph(cut.tree)}"
        )


def is_the_root(case: Situation) -> Iterator[str]:
    """Yield that the chain rule starts there."""
    if case.value is case.of:
        yield f"the chain rule starts at {case.names[case.of]}: its gradient by itself is 1"


def has_no_name(case: Situation) -> Iterator[str]:
    """Yield how to get names."""
    if not case.value.name:
        yield how_to_name(case.value, case.names[case.value], case.program)


def how_to_name(value: Value, called: str, program: Program) -> str:
    """Return what to do about a Value that has no name."""
    name = called if called.isidentifier() and called in program.called.values() else ""
    if value.is_leaf:
        in_code = f'Value(0.5, "{name or "w"}")'
    else:
        formula = "" if name else f"y = {definition(value)}; "
        in_code = f'{formula}{name or "y"}.label = "{name or "y"}"'
    recording = (
        ", or make the graph in `with record_source():`, which takes the names and lines from the "
        "program"
    )
    return (
        f"{called}{made_in(value)} has no name of its own, for pictures and traces: give it one, "
        f"as in {in_code}{'' if value.origin.line else recording}"
    )


# What there may be to say about a gradient, in this order.
REASONS: tuple[Callable[[Situation], Iterator[str]], ...] = (
    what_changed,
    why_overwritten,
    why_worse,
    is_the_root,
    why_not_finite,
    why_in_part,
    why_zero,
    why_stays_the_same,
    why_other_than_grad,
    why_rebound,
    has_no_name,
)
