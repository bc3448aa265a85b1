"""The steps before and after a backward pass: an operation's result, and a weight's update."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from autodiff.debug.statements import Statement
from autodiff.debug.steps import Step
from autodiff.support.changed import Changes
from autodiff.support.naming import Names, is_call, shown
from autodiff.value import Value

__all__ = ["PHASES", "AnyStep", "ForwardStep", "Phase", "UpdateStep", "in_numbers"]

Phase: TypeAlias = Literal["forward", "backward", "update"]
PHASES: tuple[Phase, ...] = get_args(Phase)


@dataclass(frozen=True, slots=True, repr=False)
class ForwardStep:
    """An operation computes its result: ``node`` gets ``number`` from those of its operands.

    Where numbers have changed between the forward pass and the backward pass of which it is, it
    says so.
    """

    node: Value
    number: float
    operands: tuple[float, ...]
    names: Names = field(compare=False)
    changes: Changes = field(compare=False)

    @property
    def in_numbers(self) -> str:
        """The formula with the operands' numbers."""
        return in_numbers(self.node, self.operands)

    def __str__(self) -> str:
        name, formula = self.names[self.node], self.names.formula(self.node)
        remark = self.changes.remark(self.node, self.names)
        return f"{name} = {formula} = {self.in_numbers} = {shown(self.number)}{remark}"

    __repr__ = __str__


@dataclass(frozen=True, slots=True, repr=False)
class UpdateStep:
    """A variable, ``node``, gets another number between this backward pass and the next.

    ``before`` and ``after`` are its numbers, ``gradient`` is what ``node.grad`` was when the pass
    had ended: the pass's own, added to what it had before, ``earlier``.  ``rate`` is the factor of
    the gradient that the change is, -lr for plain gradient descent.  It is None where that is not
    known: where not all variables have the same, and no line of the program says so.  ``line`` is
    the one that does it, if it is known.
    """

    node: Value
    before: float
    after: float
    gradient: float
    earlier: float
    rate: float | None
    names: Names = field(compare=False)
    line: Statement | None = field(default=None, compare=False)

    @property
    def change(self) -> float:
        """By how much the number has changed."""
        return self.after - self.before

    def __str__(self) -> str:
        name, gradient = self.names[self.node], shown(self.gradient)
        source = f"{name}.grad is {gradient}"
        if self.rate is not None:
            source = f"= {shown(self.rate)} × {gradient}, {name}.grad"
        if self.earlier:
            source += f", of which earlier passes gave {shown(self.earlier)}"
        numbers = f"{shown(self.before)} → {shown(self.after)}"
        return f"{name}: {numbers}, changed by {shown(self.change)} ({source})"

    __repr__ = __str__


AnyStep: TypeAlias = ForwardStep | Step | UpdateStep


def in_numbers(node: Value, operands: tuple[float, ...]) -> str:
    """Return a node's formula with its operands' numbers; negative ones in brackets.

    >>> two, three = Value(2.0), Value(-3.0)
    >>> in_numbers(two * three, (2.0, -3.0)), in_numbers(three.tanh(), (-3.0,))
    ('2 * (-3)', 'tanh(-3)')
    """
    assert node.op is not None, "a leaf has no formula"
    texts = [shown(number) for number in operands]
    if not is_call(node.op):
        texts = [f"({text})" if text.startswith("-") else text for text in texts]
    return node.op.formula(*texts)
