"""The moments of a forward and a backward pass, to be drawn one by one.

Nothing is changed by looking: every Value has its gradient back before a function returns.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice

from autodiff.backward import Step, backward_steps
from autodiff.drawing.shown import number_shown
from autodiff.graph import leaves_and_interior
from autodiff.naming import Names
from autodiff.ops import describe
from autodiff.value import Value

__all__ = ["NOW", "Moment", "all_moments", "moment_after"]

# Of a line, in characters; longer ones are broken.
CAPTION_WIDTH = 76
CAPTION_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known at a moment of a pass.

    ``known`` are the nodes whose number is computed already (None: all of them), ``gradients``
    the sums so far (None: those that the nodes have).  ``computing`` is the node that a forward
    pass is at, ``step`` the contribution that a backward pass is at; ``given`` are the uses (a
    node, and the operand's position) that have contributed so far (None: all).
    """

    known: Collection[Value] | None = None
    gradients: Mapping[Value, float] | None = None
    computing: Value | None = None
    step: Step | None = None
    given: Collection[tuple[Value, int]] | None = None
    caption: tuple[str, ...] = ()

    def value_of(self, node: Value) -> float | None:
        """Return a node's number, None if it is not computed yet."""
        return node.data if self.known is None or node in self.known else None

    def gradient_of(self, node: Value) -> float | None:
        """Return a node's gradient so far, None if nothing has contributed to it yet."""
        if self.gradients is not None:
            return self.gradients.get(node)
        return node.grad if node.has_grad else None


NOW = Moment()


def moment_after(root: Value, count: int) -> Moment:
    """Return the moment of ``root.backward()`` after that many contributions, from 0.

    Raises TypeError if count is no int, ValueError if there are not so many.
    """
    if type(count) is not int:
        raise TypeError(f"step must be an int, but got {describe(count)}")
    total = contributions_in(root)
    if not 0 <= count <= total:
        raise ValueError(f"step must be from 0 to {total}, the steps of this graph, but is {count}")
    return backward_moments(root, count, total)[-1]


def all_moments(root: Value) -> list[Moment]:
    """Return every moment of a forward pass and of the backward pass after it."""
    total = contributions_in(root)
    return [*forward_moments(root), *backward_moments(root, total, total)]


def forward_moments(root: Value) -> list[Moment]:
    """Return the moments of a forward pass: at first the leaves alone have their numbers."""
    leaves, interior = leaves_and_interior(root)
    names, known = Names(root), set(leaves)
    moments = [Moment(set(known), {}, caption=("before the forward pass",))]
    for place, node in enumerate(interior, 1):
        known.add(node)
        caption = (
            f"forward, {place} of {len(interior)}",
            *wrapped(f"{names[node]} = {names.formula(node)}"),
            f"= {number_shown(node.data, CAPTION_DIGITS)}",
        )
        moments.append(Moment(set(known), {}, computing=node, caption=caption))
    return moments


def backward_moments(root: Value, count: int, total: int) -> list[Moment]:
    """Return the moments of a backward pass: before its first steps, and after each of them."""
    names = Names(root)
    of = f"d {names[root]}"
    gradients, given = {root: 1.0}, set()
    caption: tuple[str, ...] = (f"backward, 0 of {total}", f"{of}/{of} = 1")
    moments = [Moment(None, dict(gradients), given=set(), caption=caption)]
    for place, step in enumerate(steps_of(root, count), 1):
        gradients[step.parent] = step.total
        given.add((step.node, step.position))
        parent, node = names[step.parent], names[step.node]
        upstream, local, contribution, sum_so_far = [
            number_shown(number, CAPTION_DIGITS)
            for number in (step.upstream, step.local, step.contribution, step.total)
        ]
        caption = (
            f"backward, {place} of {total}",
            *wrapped(f"{of}/d {parent} += {of}/d {node} × d {node}/d {parent}"),
            f"= {upstream} × {local} = {contribution}   (sum so far {sum_so_far})",
        )
        moments.append(Moment(None, dict(gradients), step=step, given=set(given), caption=caption))
    return moments


def contributions_in(root: Value) -> int:
    """Return how many contributions a backward pass adds: one a use, but none to constants."""
    _, interior = leaves_and_interior(root)
    return sum(not parent.is_constant for node in interior for parent in node.parents)


def steps_of(root: Value, count: int) -> list[Step]:
    """Return the first steps of ``root.backward()``, every gradient left as it was."""
    steps = backward_steps(root, hooks=False)
    try:
        return list(islice(steps, count))
    finally:
        steps.close()  # type: ignore[attr-defined]  # restores the gradients


def wrapped(text: str) -> list[str]:
    """Return a line as two at most, the rest left out."""
    return textwrap.wrap(text, CAPTION_WIDTH, max_lines=2, placeholder=" …")
