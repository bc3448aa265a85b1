"""Why a gradient is missing, or another number than expected: what is said about it, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from autodiff.debug.differences import why_other_than_grad
from autodiff.debug.directions import inside_the_graph
from autodiff.debug.in_vain import why_forgotten, why_too_small
from autodiff.debug.not_finite import why_not_finite
from autodiff.debug.order import why_out_of_order
from autodiff.debug.program import Program
from autodiff.debug.rebound import replacement_by, replacement_of
from autodiff.debug.situation import Situation, made_in
from autodiff.debug.statements import shown_statements
from autodiff.debug.updates import (
    definition,
    in_place,
    old_parameter,
    why_lost,
    why_overwritten,
    why_rebound,
    why_stays_the_same,
    why_worse,
)
from autodiff.debug.zeros import why_zero
from autodiff.graph import topological_order
from autodiff.support.changed import CURE as CHANGED_CURE
from autodiff.support.naming import name_of, number_text
from autodiff.value import Value

__all__ = ["NO_NAME", "REASONS", "why_missing"]

SHOWN_VARIABLES = 4
# A graph of more is not looked at node by node: nor does draw() show it so.
MANY_NODES = 500
# What a note says that is about a name alone.
NO_NAME = "has no name of its own"

# ---- Missing: no path -----------------------------------------------------------------------


def why_missing(value: Value, of: Value, order: Sequence[Value], program: Program) -> Iterator[str]:
    """Yield why there is no path from value to ``of``, whose graph is ``order``."""
    name, root = program.name(value), program.name(of)
    old = old_parameter(value)
    while old is not None and old not in order:
        old = old_parameter(old)
    yield f"{root} is not computed from {name}: no path leads from one to the other"
    twins = [node for node in order if value.name and node.name == value.name and node.is_leaf]
    replacement = replacement_of(value, program)
    if value.origin.line and replacement_by(value, program) is not None:
        replacement = replacement_by(value, program)
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
    elif replacement is not None:
        yield (
            f"{replacement.statement} puts new Values in the place of the old, so {root} is "
            f"computed from others than {name}. Change the number in place: {replacement.cure}"
        )
    elif twins:
        yield (
            f"{root} uses another Value of that name, {twins[0]!r}{made_in(twins[0])}, not this one"
            f"{rebound}: was the name given to a new Value, where the old one's number should have "
            f"been changed in place ({program.number(value)} -= ...)?"
        )
    else:
        cuts = list(cut_off(value, of, program))
        yield from cuts or [not_used(value, order, name, root, program)]
    if not value.name:
        yield how_to_name(value, name, program)


def cut_off(value: Value, of: Value, program: Program) -> Iterator[str]:
    """Yield the lines where a number is taken out of the graph between value and the root."""
    for cut in program.cuts(value, of)[:SHOWN_VARIABLES]:
        yield (
            f"{cut} makes a plain number, through which no gradient flows back to "
            f"{program.name(value)}: {inside_the_graph(cut.tree)}"
        )


def not_used(value: Value, order: Sequence[Value], name: str, root: str, program: Program) -> str:
    """Return what a root is computed from in value's place."""
    variables = [node for node in order if node.is_leaf and not node.is_constant]
    told = ", ".join(name_of(node) + made_in(node) for node in variables[:SHOWN_VARIABLES])
    more = " …" if len(variables) > SHOWN_VARIABLES else ""
    recorded = "" if program.is_recorded else ". In `with record_source():` lines are told"
    return (
        f"{root} is computed from {told}{more}. Use {name}{made_in(value)} in its formula; if it "
        "is used there, .data, .item() or detach() takes a number out of the graph on the way: use "
        f"the Value itself{recorded}"
    )


# ---- And the rest of what is said -----------------------------------------------------------


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
        f"{called}{made_in(value)} {NO_NAME}, for pictures and traces: give it one, "
        f"as in {in_code}{'' if program.is_recorded else recording}"
    )


def has_no_routes(case: Situation) -> Iterator[str]:
    """Yield how to be told through which functions a gradient comes, if the graph is large."""
    if len(case.order) > MANY_NODES and not case.program.is_recorded:
        yield (
            "through which of your functions it comes is told if the forward pass runs in a block "
            "that begins with `with record_source():`"
        )


# What there may be to say about a gradient, in this order.
REASONS: tuple[Callable[[Situation], Iterator[str]], ...] = (
    what_changed,
    why_lost,
    why_overwritten,
    why_out_of_order,
    why_forgotten,
    why_too_small,
    why_worse,
    is_the_root,
    why_not_finite,
    why_in_part,
    why_zero,
    why_stays_the_same,
    why_other_than_grad,
    why_rebound,
    has_no_name,
    has_no_routes,
)
