"""Why a gradient is missing, or another number than expected: what is said about it, in order."""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType, GeneratorType

from autodiff.debug.lines import CUT, REBINDING, TAKEN_OUT, UPDATE, see, spoken_name
from autodiff.debug.not_finite import why_not_finite
from autodiff.debug.situation import Situation, made_in
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
from autodiff.support.naming import name_of, number_text
from autodiff.support.watch import hooks_of
from autodiff.value import Value

__all__ = ["REASONS", "why_missing"]

SHOWN_VARIABLES = 4

# --------------------------------------------------------------------------------------------
# Missing: no path
# --------------------------------------------------------------------------------------------


def why_missing(value: Value, of: Value, order: Sequence[Value], file: str) -> Iterator[str]:
    """Yield why there is no path from value to ``of``, whose graph is ``order``."""
    name, root = spoken_name(value), spoken_name(of)
    old = old_parameter(value)
    while old is not None and old not in order:
        old = old_parameter(old)
    yield f"{root} is not computed from {name}: no path leads from one to the other"
    twins = [node for node in order if value.name and node.name == value.name and node.is_leaf]
    if of in topological_order(value):
        yield (
            f"it is the other way round: {name} is computed from {root}, so ask for "
            f"explain({root}, of={name})"
        )
    elif of.is_leaf:
        yield (
            f"{root} = {number_text(of.data)}{made_in(of)} is a variable itself, which is computed "
            f"from nothing: the forward pass, {root} = ..., has to come first, without .data or "
            f"Value(...) round it{see(CUT, file)}"
        )
    elif old is not None:
        yield (
            f"{name} is a new Value, {definition(value)}{made_in(value) or see(REBINDING, file)}, "
            f"and {root} uses the old one, {old!r}: assigning to a name does not change the Value "
            f"that a model holds. Change its number in place: {in_place(old)}"
        )
    elif twins:
        yield (
            f"{root} uses another Value of that name, {twins[0]!r}{made_in(twins[0])}, not this one"
            f"{made_in(value) or see(REBINDING, file)}: was the name given to a new Value, where "
            f"the old one's number should have been changed in place ({value.name}.data -= ...)?"
        )
    else:
        yield from why_cut_off(value, order, name, root, file)
    if not value.name:
        yield how_to_name(name)


def why_cut_off(
    value: Value, order: Sequence[Value], name: str, root: str, file: str
) -> Iterator[str]:
    """Yield where a number was taken out of the graph, or else what ``order`` is computed from."""
    cuts = [node for node in order if node.is_leaf and TAKEN_OUT.search(node.origin.code)]
    for node in cuts[:SHOWN_VARIABLES]:
        yield (
            f"{name_of(node)} is a number{made_in(node)} that is not computed from anything: "
            f"{node.origin.code}. There .data, .item() or detach() takes it out of the graph, and "
            "no gradient flows back: use the Value itself"
        )
    if not cuts:
        variables = [node for node in order if node.is_leaf and not node.is_constant]
        told = ", ".join(name_of(node) + made_in(node) for node in variables[:SHOWN_VARIABLES])
        more = " …" if len(variables) > SHOWN_VARIABLES else ""
        recorded = "" if value.origin.line else ". In `with record_source():` lines are told"
        yield (
            f"{root} is computed from {told}{more}. Use {name}{made_in(value)} in its formula; if "
            f"it is used there, .data, .item() or detach() takes a number out of the graph on the "
            f"way{see(CUT, file)}: use the Value itself{recorded}"
        )


# --------------------------------------------------------------------------------------------
# Another number than value.grad
# --------------------------------------------------------------------------------------------


def why_other_than_grad(case: Situation) -> Iterator[str]:
    """Yield why ``value.grad`` is not the gradient that the chain rule gives, if it is not."""
    value, of, gradient, names = case.value, case.of, case.gradient, case.names
    name, root = names[value], names[of]
    if value.has_grad and (
        value.grad == gradient or (math.isnan(value.grad) and math.isnan(gradient))
    ):
        return
    if of.has_grad and is_running(of):
        yield from what_is_there_so_far(case)
        return
    if not value.has_grad:
        if not of.has_grad:
            yield f"{name}.grad is not computed: {root}.backward() has not run, so call it first"
        elif value is of or any(step.taken for step in case.uses.steps[value]):
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
        yield f"{name}.grad, {grad}, is of another pass: {root}.backward() has not run"
    elif case.changes:
        yield f"{name}.grad is {grad}, of a pass over numbers that are out of date"
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
        yield f"{sentence}{see(UPDATE, case.file)}. This is the gradient of now; {CHANGED_CURE}"


def is_the_root(case: Situation) -> Iterator[str]:
    """Yield that the chain rule starts there."""
    if case.value is case.of:
        yield f"the chain rule starts at {case.names[case.of]}: its gradient by itself is 1"


def has_no_name(case: Situation) -> Iterator[str]:
    """Yield how to get names."""
    if not case.value.name:
        called = f" ({case.called[0]})" if case.called else ""
        yield how_to_name(f"{case.names[case.value]}{called}")


def how_to_name(called: str) -> str:
    """Return what to do about a Value that has no name."""
    return (
        f'{called} has no name of its own: give it one, as in Value(0.5, "w") and y.label = "y", '
        "or make the graph in `with record_source():`, which takes the names and lines from the "
        "program"
    )


# What there may be to say about a gradient, in this order.
REASONS: tuple[Callable[[Situation], Iterator[str]], ...] = (
    what_changed,
    why_overwritten,
    why_worse,
    is_the_root,
    why_not_finite,
    why_zero,
    why_stays_the_same,
    why_other_than_grad,
    why_rebound,
    has_no_name,
)
