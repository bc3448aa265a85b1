"""A rule that is no graph: its local derivatives are operations that call it.

A rule that looks at a number (``math.cosh(x)``, ``if x > 0``) gives Values whose graph would say
that the slope is always the one of now.  So the slope becomes a node that calls the rule with
numbers whenever it is computed.  What has to know more of the rule than that refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from autodiff.ops.operation import Operation, checked

__all__ = ["CalledRule", "call_of_rule"]

WHAT_TO_DO = (
    "Write the rule in arithmetic and functions of autodiff (autodiff.exp, not math.exp), and a "
    "choice by a number with autodiff.where"
)


@dataclass(frozen=True, slots=True)
class CalledRule:
    """One local derivative of an operation, as a function of the node's number and its operands'.

    ``why`` says what keeps the rule from being a graph.
    """

    op: Operation
    position: int
    why: str

    def __call__(self, out: float, *operands: float) -> float:
        """Return the local derivative by the operand at the position."""
        partials = checked(self.op, self.op.partials(out, *operands), len(operands))
        return float(partials[self.position])

    def written(self, *names: str) -> str:
        """Return the call as Python has it."""
        return f"{self.op.name}_partials({', '.join(names)})[{self.position}]"

    def refusal(self, what: str) -> str:
        """Return the message that says what cannot be done, why, and what to do."""
        return (
            f"{self.op.name}: {what}, because its rule can only be called with numbers: "
            f"{self.why}. {WHAT_TO_DO}"
        )

    def partials(self, out: Any, *operands: Any) -> NoReturn:  # noqa: ARG002 (any rule's arguments)
        """Raise ValueError: the rule's own derivatives are not known."""
        raise ValueError(self.refusal("its slope cannot be differentiated again"))


def call_of_rule(op: Operation, position: int, operands: int, why: str) -> Operation:
    """Return the operation that calls a rule for the local derivative by one of its operands.

    It is the same each time, so that programs can share its results.
    """
    call = op.rule_calls.get((position, operands))
    if call is None:
        rule = CalledRule(op, position, why)
        name = f"{op.name}_partials"
        call = op.rule_calls[position, operands] = Operation(
            f"{name}[{position}]", name, operands + 1, rule, rule.partials, rule.written
        )
    return call
