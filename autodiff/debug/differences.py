"""Why ``value.grad`` is not there, or another number than the chain rule gives."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator, Sequence
from types import FrameType, GeneratorType

from autodiff.debug.earlier import OF_GRADIENTS, agree, gradients_of_the_pass, is_more
from autodiff.debug.order import early_updates, is_mixed
from autodiff.debug.situation import Situation
from autodiff.debug.statements import Statement, shown_statements
from autodiff.debug.steps import ReversePass, backward_steps
from autodiff.debug.updates import passed_through
from autodiff.support.changed import is_same
from autodiff.support.frames import frames_of_now
from autodiff.support.naming import number_text
from autodiff.support.passes import SetAside
from autodiff.value import Value

__all__ = ["why_other_than_grad"]


def why_other_than_grad(case: Situation) -> Iterator[str]:
    """Yield why ``value.grad`` is not the gradient that the chain rule gives, if it is not."""
    value, of, gradient, names = case.value, case.of, case.gradient, case.names
    name, root = names[value], names[of]
    running = earlier_gradients(of) if of.has_grad else None
    if running is not None:
        yield from what_is_there_so_far(case, running.get(value))
        return
    if value.has_grad and (value.grad == gradient or is_same(value.grad, gradient)):
        return
    users = [step.node for step in case.uses.steps[value] if step.taken]
    waiting = [user for user in users if not user.has_grad]
    if not value.has_grad:
        yield from why_not_there(case, users, waiting)
        return
    grad = number_text(value.grad)
    if hooked := [names[node] for node in (*case.uses.users, of) if is_hooked(node)]:
        yield f"{name}.grad is {grad}: a hook on {hooked[0]} has replaced the gradient there"
    elif not of.has_grad:
        yield (
            f"{name}.grad is {grad}, of another pass: {root}.backward() has not run. Call "
            f"zero_grad(), and then {root}.backward()"
        )
    elif case.changes:
        yield from why_other_than_it_was(case)
    elif math.isclose(value.grad, of.grad * gradient, rel_tol=1e-12):
        yield (
            f"{name}.grad is {grad}, that times {number_text(of.grad)}: it is of another pass, in "
            f"which {root}.grad is {number_text(of.grad)}, as from another root. Of {root} alone "
            f"it is after zero_grad() and {root}.backward()"
        )
    elif waiting:
        yield passed_on_in_part(case, waiting)
    elif value.grad == 0.0:
        see = shown_statements(case.program.clearings(value, of))
        yield (
            f"{name}.grad is 0: it has been set to 0 since {root}.backward() ran{see}, and an "
            "update by it changes nothing: do that before backward()"
        )
    elif lines := case.program.assigned_gradients(value):
        yield assigned(case, [gradient * of.grad], lines)
    elif not passed_through(case):  # zero_grad() is called for what has taken its place
        yield f"{name}.grad is {grad}{passes_in(value.grad, gradient)} {add_up(case)}"


def is_hooked(node: Value) -> bool:
    """Return whether a hook has replaced a node's gradient in the last pass."""
    hooks = node.origin.hooks
    if hooks is None or hooks.replacement is None:
        return False
    return bool(hooks.functions) or node.grad == hooks.replacement  # removed since that pass


def passes_in(grad: float, gradient: float) -> str:
    """Return what is said of the passes that have added up to another number."""
    passes = grad / gradient if gradient else 0.0
    if 1.5 < passes < 1e6 and math.isclose(passes, round(passes), rel_tol=1e-9):
        times = f"{round(passes)} times"
        return f", {times} that: backward() has run {times}, and"
    return ": other passes have added to it, as"


def why_not_there(
    case: Situation, users: Sequence[Value], waiting: Sequence[Value]
) -> Iterator[str]:
    """Yield why value has no gradient, though these are its users, of which some wait for one."""
    name, root, program = case.names[case.value], case.names[case.of], case.program
    if not case.of.has_grad:
        yield f"{name}.grad is not computed: {root}.backward() has not run, so call it first"
    elif case.changes:
        return
    elif waiting or (users and program.has_one_rule_applied):
        yield passed_on_in_part(case, waiting or users)
    elif users:
        unless_seen = f", or only {root}._backward() has run"
        lines = shown_statements(program.clearings(case.value, case.of))
        yield (
            f"{name}.grad has been cleared since {root}.backward() ran{lines}"
            f"{'' if program.places_of('backward') else unless_seen}: "
            "call zero_grad() before backward()"
        )


def why_other_than_it_was(case: Situation) -> Iterator[str]:
    """Yield what ``value.grad`` has in it after numbers have been changed."""
    if early_updates(case):
        return  # which is told already
    name, grad = case.names[case.value], case.value.grad
    told, given = number_text(grad), gradients_of_the_pass(case)
    if any(agree(grad, each, OF_GRADIENTS) for each, _ in given):
        yield f"{name}.grad is {told}: it was computed before that"
    elif is_mixed(case):
        return  # so is that
    elif lines := case.program.assigned_gradients(case.value):
        yield assigned(case, [each for each, _ in given], lines)
    elif grad != 0.0 and is_more(grad, given) and case.program.has_several_passes:
        why = "earlier passes gave the rest"
        if case.program.has_other_passes(case.of):
            why = "another pass has run since, or one before that gave the rest"
        yield (
            f"{name}.grad is {told}, of which {case.names[case.of]}.backward() has given "
            f"{' or '.join(number_text(each) for each, _ in given)}: {why}, as {add_up(case)}"
        )
    elif grad != 0.0:
        yield (
            f"{name}.grad is {told}: it was computed before that. Where zero_grad() has not run "
            "before backward(), earlier passes have added to it"
        )


def add_up(case: Situation) -> str:
    """Return that gradients add up, and who has to clear this one."""
    name, root, program = case.names[case.value], case.names[case.of], case.program
    others = program.optimizers_without([case.value])
    if others and not (program.steps([case.value]) or program.updates([case.value], case.order)):
        who = " or ".join(others)
        return (
            f"gradients add up: {who} does not hold {name}, so its zero_grad() does not clear it, "
            f"and its step() does not change {name}. If {name} is to learn, make {who} with the "
            f"parameters of what computes {root}"
        )
    return (
        "gradients add up: call zero_grad() before each backward(), unless something else "
        "assigned it"
    )


def assigned(case: Situation, given: Sequence[float], lines: Sequence[Statement]) -> str:
    """Return that lines assign to ``value.grad``, where a pass has given another number."""
    name, root = case.names[case.value], case.names[case.of]
    numbers = " or ".join(map(number_text, given))
    earlier = (
        ". Where zero_grad() has not run before backward(), earlier passes are in it, too"
        if case.program.has_several_passes
        else ""
    )
    return (
        f"{name}.grad is {number_text(case.value.grad)}, another number than {root}.backward() has "
        f"given{f', {numbers}' if numbers else ''}: "
        f"it is assigned to{shown_statements(lines)}{earlier}"
    )


def passed_on_in_part(case: Situation, users: Sequence[Value]) -> str:
    """Return that these uses of value have passed nothing on to it."""
    name, root, user = (case.names[each] for each in (case.value, case.of, users[0]))
    return (
        f"{name}.grad is without what {user} passes on to it: {root}._backward() applies the chain "
        f"rule of {root} alone, and {root}.backward() that of all operations"
    )


def earlier_gradients(root: Value) -> SetAside | None:
    """Return the gradients that a pass from root is to add to; None if none is running.

    If one is, a frame of ``backward()`` is among those that called this, or ``backward_steps``
    waits.  Within it is the frame that has them.
    """
    found: SetAside = {}
    for frame in frames_of_now():
        found = set_aside_in(frame, root) or found
        if frame.f_code is Value.backward.__code__ and frame.f_locals.get("self") is root:
            return found
    for each in gc.get_referrers(root):
        if isinstance(each, GeneratorType) and each.gi_code is backward_steps.__code__:
            return set_aside_in(each.gi_frame, root)
    return None


def set_aside_in(frame: FrameType | None, root: Value) -> SetAside:
    """Return the gradients that a frame of a pass from root has set aside; {} if it has none."""
    names = {} if frame is None else frame.f_locals
    match names.get("reverse_pass"):
        case ReversePass(root=its, set_aside=found) if its is root:
            return found
    plain: SetAside = names.get("set_aside", {}) if names.get("self") is root else {}
    return plain


def what_is_there_so_far(case: Situation, had: object) -> Iterator[str]:
    """Yield which contributions a pass that is running has added already, and what it adds to.

    That is what value had before.
    """
    value, name, root = case.value, case.names[case.value], case.names[case.of]
    steps = [step for step in case.uses.steps[value] if step.taken]
    earlier = had if isinstance(had, float) and value.is_leaf else 0.0
    is_complete = value.has_grad and agree(value.grad, case.gradient, 0.0)
    if not steps or (is_complete and not earlier):
        return
    so_far = f"is {number_text(value.grad)} so far" if value.has_grad else "is not there"
    every = "its contribution" if len(steps) == 1 else f"all of its {len(steps)} contributions"
    end = f"{number_text(earlier + case.gradient)} once it has {every}"
    if earlier:
        end += (
            f": {number_text(case.gradient)} of this pass, added to {number_text(earlier)} of "
            "earlier ones, which waits for the end, as zero_grad() has not run before backward()"
        )
    yield f"{root}.backward() is running: {name}.grad {so_far}, and will be {end}. {GO_ON}"


GO_ON = "Go on to the end of the pass"
