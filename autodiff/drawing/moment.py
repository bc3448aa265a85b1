"""The moments of a forward and a backward pass, to be drawn one by one.

Nothing is changed by looking: every Value has its gradient back before a function returns.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from autodiff.debug.steps import Step, steps_of
from autodiff.drawing.shown import number_shown
from autodiff.graph import leaves_and_interior
from autodiff.support.convert import describe
from autodiff.support.naming import Names
from autodiff.value import Value

__all__ = [
    "NOW",
    "Moment",
    "all_moments",
    "backward_moments",
    "contributions_in",
    "forward_moments",
    "moment_after",
]

# Of a line, in characters; longer ones are broken.
CAPTION_WIDTH = 76
CAPTION_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known at a moment of a pass.

    ``known`` are the nodes whose number is computed already (None: all of them), ``gradients``
    the sums so far (None: those that the nodes have).  ``step`` is the contribution that a
    backward pass is at, ``changed`` the node whose number or gradient is new (unless the
    step is not taken); ``given`` are the uses (a node, and the operand's position) that have
    contributed so far (None: all).
    """

    known: Collection[Value] | None = None
    gradients: Mapping[Value, float] | None = None
    step: Step | None = None
    changed: Value | None = None
    given: Collection[tuple[Value, int]] | None = None
    caption: tuple[str, ...] = ()

    @property
    def use(self) -> tuple[Value, int] | None:
        """The use that a backward pass is at."""
        return None if self.step is None else (self.step.node, self.step.position)

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
    *_, moment = backward_moments(root, count)
    return moment


def all_moments(root: Value) -> Iterator[Moment]:
    """Yield every moment of a forward pass and of the backward pass after it.

    They share what they know, so each has to be looked at before the next is asked for.
    """
    yield from forward_moments(root)
    yield from backward_moments(root)


def forward_moments(root: Value) -> Iterator[Moment]:
    """Yield the moments of a forward pass: at first the leaves alone have their numbers."""
    leaves, interior = leaves_and_interior(root)
    names, known = Names(root), set(leaves)
    yield Moment(known, {}, caption=("before the forward pass",))
    for place, node in enumerate(interior, 1):
        known.add(node)
        caption = (
            f"forward, {place} of {len(interior)}",
            *wrapped(f"{names[node]} = {names.formula(node)}"),
            f"= {number_shown(node.data, CAPTION_DIGITS)}",
        )
        yield Moment(known, {}, changed=node, caption=caption)


def backward_moments(root: Value, count: int | None = None) -> Iterator[Moment]:
    """Yield the moments of a backward pass: before its first steps, and after each of them.

    ``count`` is the number of steps, None for all.
    """
    names, steps = Names(root), steps_of(root)
    total = len(steps)
    of = f"d {names[root]}"
    gradients: dict[Value, float] = {root: 1.0}
    given: set[tuple[Value, int]] = set()
    caption: tuple[str, ...] = (f"backward, 0 of {total}", f"{of}/{of} = 1")
    yield Moment(None, gradients, changed=root, given=given, caption=caption)
    for place, step in enumerate(steps[:count], 1):
        if step.taken:
            gradients[step.parent] = step.total
        given.add((step.node, step.position))
        caption = (f"backward, {place} of {total}", *step_caption(step, names, of))
        yield Moment(None, gradients, step=step, changed=step.parent, given=given, caption=caption)


def step_caption(step: Step, names: Names, of: str) -> list[str]:
    """Return what a step does: the chain rule with names and with numbers."""
    parent, node = names[step.parent], names[step.node]
    if not step.taken:
        took = wrapped(f"{of}/d {parent} += nothing: {node} did not take {parent}")
        return [*took, *wrapped(f"{node} = {names.formula(step.node)}")]
    upstream, local, contribution, sum_so_far = [
        number_shown(number, CAPTION_DIGITS)
        for number in (step.upstream, step.local, step.contribution, step.total)
    ]
    return [
        *wrapped(f"{of}/d {parent} += {of}/d {node} × d {node}/d {parent}"),
        f"= {upstream} × {local} = {contribution}   (sum so far {sum_so_far})",
    ]


def contributions_in(root: Value) -> int:
    """Return how many steps a backward pass has: one a use, but none for constants."""
    return len(steps_of(root))


def wrapped(text: str) -> list[str]:
    """Return a line as two at most, the rest left out."""
    return textwrap.wrap(text, CAPTION_WIDTH, max_lines=2, placeholder=" …")
