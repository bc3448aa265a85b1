"""A rule that is no graph: its local derivatives are operations that call it.

A rule that looks at a number (``math.cosh(x)``, ``if x > 0``) gives Values whose graph would say
that the slope is always the one of now.  So the slope becomes a node that calls the rule with
numbers whenever it is computed.  What has to know more of the rule than that refuses it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from autodiff.ops.operation import NOTHING, Operation, checked

__all__ = ["CalledRule", "call_of_rule", "may_give_nothing"]

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
