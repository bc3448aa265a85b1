"""A rule that is no graph: its local derivatives are operations that call it.

A rule that looks at a number (``math.cosh(x)``, ``if x > 0``) gives Values whose graph would say
that the slope is always the one of now.  So the slope becomes a node that calls the rule with
numbers whenever it is computed.  What has to know more of the rule than that refuses it.

Not every such rule can be seen to look: it may ask for types, or return what the function has left
somewhere.  ``why_no_graph`` tries whether its graphs are what it gives for numbers.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from autodiff.ops.operation import NOTHING, Operation, checked
from autodiff.support.frames import shown_place

__all__ = ["CalledRule", "call_of_rule", "may_give_nothing", "why_no_graph"]

WHAT_TO_DO = (
    "Write the rule in arithmetic and functions of autodiff (autodiff.exp, not math.exp), and a "
    "choice by a number with autodiff.where"
)


@dataclass(frozen=True, slots=True)
class CalledRule:
    """One local derivative of an operation, as a function of the node's number and its operands'.

    ``why`` says what keeps the rule from being a graph.  If it ``asks`` whether the operand is
    taken, the result is 1, or 0 where the rule gives ``NOTHING``.
    """

    op: Operation
    position: int
    why: str
    asks: bool = False

    def __call__(self, out: float, *operands: float) -> float:
        """Return the local derivative by the operand at the position."""
        partials = checked(self.op, self.op.partials(out, *operands), len(operands))
        partial = partials[self.position]
        return float(partial is not NOTHING if self.asks else partial)

    def call(self, name: str, operands: Sequence[str]) -> str:
        """Return the call as Python has it, of a rule of that name."""
        call = f"{name}({', '.join(operands)})[{self.position}]"
        return f"float({call} is not NOTHING)" if self.asks else call

    def written(self, *names: str) -> str:
        """Return the formula."""
        return self.call(f"{self.op.name}_partials", names)

    def refusal(self, what: str) -> str:
        """Return the message that says what cannot be done, why, and what to do."""
        return (
            f"{self.op.name}: {what}, because its rule can only be called with numbers: "
            f"{self.why}. {WHAT_TO_DO}"
        )

    def partials(self, out: Any, *operands: Any) -> NoReturn:  # noqa: ARG002 (any rule's arguments)
        """Raise ValueError: the rule's own derivatives are not known."""
        raise ValueError(self.refusal("its slope cannot be differentiated again"))


def call_of_rule(
    op: Operation, position: int, operands: int, why: str, asks: bool = False
) -> Operation:
    """Return the operation that calls a rule for the local derivative by one of its operands.

    It is the same each time, so that programs can share its results.
    """
    key = position, operands, asks
    call = op.rule_calls.get(key)
    if call is None:
        rule = CalledRule(op, position, why, asks)
        name = f"{op.name}_partials"
        call = op.rule_calls[key] = Operation(
            f"{name}[{position}]{' is taken' if asks else ''}",
            *(name, operands + 1, rule, rule.partials, rule.written),
        )
    return call


def may_give_nothing(rule: Callable[..., Any]) -> bool:
    """Return whether a rule has a name for ``NOTHING``, which it then gives for some numbers."""
    code = getattr(rule, "__code__", None)
    if code is None:
        return True
    meanings = getattr(rule, "__globals__", {})
    names = (*code.co_names, *code.co_freevars)
    return any(name == "NOTHING" or meanings.get(name) is NOTHING for name in names)


# Other numbers to try a rule with, as factors and terms: of either sign, then near by, for what is
# defined there alone.
MOVES = ((1.25, 0.5), (-0.75, -0.375), (0.5, 0.0625), (1.0 + 2.0**-10, 0.0), (1.0 - 2.0**-10, 0.0))
TRIES = 3
ENOUGH = 2

# Plain floats may round otherwise than Values: x ** 3 is C's pow for both, x ** 2 for floats alone.
TOLERANCE = 1e-9


def why_no_graph(op: Operation, node: Any, partials: Sequence[Any]) -> str:
    """Return why the graphs that a rule made for a node are not what the rule is; "" if they are.

    It is called with the node's numbers and with others, for which the function is called before,
    and then once more with those of now: what it leaves somewhere is as it was.
    """
    own = {parent: parent.data for parent in node.parents}
    state, tries = random.getstate(), 0
    try:
        try:
            if why := difference(op, node, partials, {node: node.data, **own}):
                return why
        except (ArithmeticError, ValueError):  # it has no slope there
            pass
        except Exception:  # it works on Values alone
            return ""
        for factor, term in MOVES:
            numbers = {
                parent: factor * (number if math.isfinite(number) else 1.0) + term
                for parent, number in own.items()
            }
            with suppress(Exception):
                result = float(op.forward(*[numbers[parent] for parent in node.parents]))
                if why := difference(op, node, partials, {**numbers, node: result}):
                    return why
                tries += 1
            if tries == TRIES:
                break
    finally:
        with suppress(Exception):
            op.forward(*[own[parent] for parent in node.parents])
        random.setstate(state)
    return "" if tries >= ENOUGH else "it could not be tried with other numbers"


def difference(
    op: Operation, node: Any, partials: Sequence[Any], numbers: Mapping[Any, float]
) -> str:
    """Return where a rule's graphs and the rule differ for such numbers; "" if nowhere.

    Raises what the rule raises where it has no slope.
    """
    operands = [numbers[parent] for parent in node.parents]
    called = op.partials(numbers[node], *operands)
    known = dict(numbers)
    for partial, right in zip(partials, checked(op, called, len(operands)), strict=True):
        found = number_at(partial, known)
        both_nan = math.isnan(found) and math.isnan(right)
        is_same = both_nan or math.isclose(found, right, rel_tol=TOLERANCE)
        if not is_same or (found is NOTHING) != (right is NOTHING):
            shown = ", ".join(f"{number:.6g}" for number in operands)
            code = getattr(op.partials, "__code__", None)
            who = shown_place(code.co_filename, code.co_firstlineno) if code else "it"
            return (
                f"{who} gives {right:.6g} at {shown}, where what it gives for Values is {found:.6g}"
            )
    return ""


def number_at(graph: Any, known: dict[Any, float]) -> float:
    """Return the number of a graph, from some that are known; all that it needs is known then."""
    pending = [graph]
    while pending:
        node = pending[-1]
        if node in known:
            pending.pop()
        elif node.op is None or node.origin.given is not None:
            known[node] = node.data
        elif missing := [parent for parent in node.parents if parent not in known]:
            pending += missing
        else:
            known[node] = node.op.forward(*[known[parent] for parent in node.parents])
    return known[graph]
