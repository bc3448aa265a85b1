"""What is infinite or nan, told by its cause: a table of what each operation cannot do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from autodiff.debug.situation import Situation, equation, made_in
from autodiff.debug.statements import shown_statements
from autodiff.debug.steps import Step
from autodiff.support.naming import Names, number_text, short_formula
from autodiff.value import Value

__all__ = ["TOO_LARGE", "cause_of", "why_not_finite"]

SHOWN_LEAVES = 3


class Cause(NamedTuple):
    """What an operation cannot do, given its result and its operands, and what to do about it.

    In the sentence ``{x}`` is the operand that it is about, as code that a number is added to.
    """

    op: str
    applies: Callable[..., bool]
    sentence: str


def at_zero(_: float, x: float, *__: float) -> bool:
    return x == 0.0


def of_a_negative(result: float, x: float, *_: float) -> bool:
    return x < 0.0 and math.isnan(result)


def both_zero(_: float, a: float, b: float) -> bool:
    return a == b == 0.0


def by_zero(_: float, __: float, b: float) -> bool:
    return b == 0.0


def overflows(result: float, *_: float) -> bool:
    return result == math.inf


POSITIVE = "take it of what is above 0, such as sigmoid({x}) or abs({x}) + 1e-9"
ABOVE_ZERO = "keep its operand above 0, as in ({x} + 1e-9).log()"
NOT_ZERO = "keep the divisor away from 0, as in … / ({x} + 1e-9)"

# The first that applies is told.
CAUSES = (
    Cause("log", at_zero, f"log(0) is -inf, and its slope 1 / 0: {ABOVE_ZERO}"),
    Cause("log", of_a_negative, f"a negative number has no logarithm: {POSITIVE}"),
    Cause("sqrt", at_zero, "the slope of sqrt at 0 is infinite: write ({x} + 1e-12).sqrt()"),
    Cause("sqrt", of_a_negative, "a negative number has no square root: keep it at 0 or above"),
    Cause("div", both_zero, f"0 / 0 is no number: {NOT_ZERO}"),
    Cause("div", by_zero, f"it divides by 0: {NOT_ZERO}"),
    Cause("pow", at_zero, "0 to a power below 1 divides by 0: write ({x} + 1e-12) ** …"),
    Cause("pow", of_a_negative, "a negative number has no such power: keep it at 0 or above"),
    Cause("exp", overflows, "exp of more than 709 is too large for a float: keep it below"),
)

TOO_LARGE = (
    "that is too large for a float: take smaller inputs and weights, or a smaller learning rate"
)

BY_AN_UPDATE = (
    "An update{see} does that where the learning rate is too large: begin anew with a smaller one; "
    "`with detect_anomaly():` stops a program where it goes wrong"
)


def cause_of(node: Value, called: Mapping[Value, str]) -> str:
    """Return why an operation on finite operands, or its slope there, is not finite.

    ``called`` has what the program calls Values.
    """
    operands = [parent.data for parent in node.parents]
    for cause in CAUSES:
        if node.op is not None and node.op.name == cause.op and cause.applies(node.data, *operands):
            operand = node.parents[-1 if cause.op == "div" else 0]
            return cause.sentence.format(x=as_code(operand, called))
    return "the operation has no result there" if math.isnan(node.data) else TOO_LARGE


def as_code(operand: Value, called: Mapping[Value, str]) -> str:
    """Return an operand as the user may have written it: its name, or a formula of names."""
    if operand.op is None or operand.name or operand in called:
        return name_in_code(operand, called)
    formula = operand.op.formula(*[name_in_code(each, called) for each in operand.parents])
    return short_formula(formula)


def name_in_code(value: Value, called: Mapping[Value, str]) -> str:
    """Return a Value's name, or the number of a constant; what has none is left out."""
    number = number_text(value.data) if value.is_constant else "…"
    return value.name or called.get(value, number)


def is_finite(node: Value) -> bool:
    return math.isfinite(node.data)


def is_bad_result(node: Value) -> bool:
    """Return whether a result is not finite although all its operands are."""
    return not is_finite(node) and bool(node.parents) and all(map(is_finite, node.parents))


def told(node: Value, names: Names) -> str:
    """Return a Value with its number; a mere number by itself."""
    is_number = node.is_constant and not node.name
    return names[node] if is_number else f"{names[node]} = {number_text(node.data)}"


def at_operands(node: Value, names: Names) -> str:
    """Return the operands that are no mere numbers, with what they are."""
    operands = dict.fromkeys(each for each in node.parents if each.name or not each.is_constant)
    return f" at {', '.join(told(each, names) for each in operands)}" if operands else ""


def why_not_finite(case: Situation) -> Iterator[str]:
    """Yield where the infinities and nans begin, in the forward pass or in the backward pass."""
    names = case.names
    if math.isfinite(case.of.data) and math.isfinite(case.gradient):
        return  # what is not finite lies on a side that was not taken
    reached = {step.node for steps in case.uses.every_step.values() for step in steps}
    used = {parent for node in reached for parent in node.parents}
    given = [node for node in case.order if node in used and node.is_leaf and not is_finite(node)]
    if given:
        who = ", ".join(told(leaf, names) + made_in(leaf) for leaf in given[:SHOWN_LEAVES])
        more = f" and {len(given) - SHOWN_LEAVES} more" if len(given) > SHOWN_LEAVES else ""
        by = "It stands in the formula" if given[0].is_constant else BY_AN_UPDATE
        yield (
            f"the forward pass begins with what is not finite: {who}{more}. "
            f"{by.format(see=shown_statements(case.program.updates(given, case.order)))}"
        )
    begun = [node for node in case.order if node in reached and is_bad_result(node)]
    for node in begun:
        yield (
            f"{equation(node, names)} is {number_text(node.data)}{at_operands(node, names)}"
            f"{made_in(node)}: {cause_of(node, names.called)}"
        )
    if not (given or begun) and not math.isfinite(case.gradient):
        yield from why_gradient_not_finite(case)


def why_gradient_not_finite(case: Situation) -> Iterator[str]:
    """Yield where the infinities and nans of a gradient begin; all results are finite."""
    names, steps_to = case.names, case.uses.steps
    met, followed = {case.value}, [case.value]
    for node in followed:  # which grows meanwhile
        all_steps = steps_to.get(node, ())
        steps = [step for step in all_steps if not math.isfinite(step.contribution)]
        if all_steps and not steps:
            terms = [step.contribution for step in all_steps if step.taken]
            yield f"the sum of the contributions to {names[node]} overflows: {terms[:4]}"
        if {math.inf, -math.inf} <= {step.contribution for step in steps}:
            yield f"the contributions to {names[node]} are inf and -inf, whose sum is nan"
        for step in steps:
            if math.isfinite(step.upstream):
                yield infinity(step, names)
            elif step.node not in met:
                met.add(step.node)
                followed.append(step.node)


def infinity(step: Step, names: Names) -> str:
    """Return how one step with a finite upstream gradient gave what is not finite."""
    node, parent = names[step.node], names[step.parent]
    product = (
        f"{number_text(step.upstream)} × {number_text(step.local)} = "
        f"{number_text(step.contribution)}"
    )
    if math.isfinite(step.local):
        return f"d {node}/d {parent} makes it overflow: {product}{made_in(step.node)}"
    return (
        f"{equation(step.node, names)}: d {node}/d {parent}{at_operands(step.node, names)} gives "
        f"{product}{made_in(step.node)}: {cause_of(step.node, names.called)}"
    )
