"""One pass as a trace has it: forward, backward, update, in a few numbers a step and a node."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence

from autodiff.debug.changed import Changes
from autodiff.debug.phases import PHASES, AnyStep, ForwardStep, Phase, UpdateStep
from autodiff.debug.steps import ReversePass, Step, backward_steps, last_uses
from autodiff.ops import NOTHING
from autodiff.support.naming import Names
from autodiff.value import Value

__all__ = ["TracedPass"]


class TracedPass:
    """The steps of a pass over a graph, given in topological order, with the numbers that it has.

    ``gradient`` is where it starts.  It is a new pass, at which hooks are called, or else one that
    has been: ``left`` has then the gradients that its hooks left, {} without hooks.  Every ``grad``
    stays as it was.

    ``updated`` has, for each variable that got another number after it, that number; ``earlier``
    has the gradients that variables had before it.
    """

    epoch = 0

    def __init__(
        self,
        order: Sequence[Value],
        changes: Changes,
        gradient: float,
        left: Mapping[Value, float] | None = None,
        updated: Mapping[Value, float] | None = None,
        earlier: Mapping[Value, float] | None = None,
    ) -> None:
        self.order = order
        self.root = order[-1]
        self.interior = [node for node in order if node.parents]
        self.changes = changes
        self.is_new = left is None
        self.numbers = {node: node.data for node in order}
        self.updated = updated or {}
        self.earlier = earlier or {}
        # Of backward step k: the user, interior[users[k]], and which of its operands it is about;
        # then the numbers that the step used, and the sum that it changed.
        self.users, self.operands = array("L"), array("L")
        self.locals, self.upstreams = array("d"), array("d")
        self.before, self.after = array("d"), array("d")
        self.is_first, self.is_taken = bytearray(), bytearray()
        # After how many of them a gradient is complete.
        self.completed_after = {self.root: 0}
        self.reverse_pass = ReversePass(self.root, self.interior, changes)
        before = [(node, node.grad) for node in order]
        self.root.zero_grad()  # where root is a variable, the pass would add to what it had
        try:
            self._record(gradient, left)
            self.gradient = self.root.grad  # which a hook may have replaced
        finally:
            for node, gradient_before in before:
                node.grad = gradient_before

    def _record(self, gradient: float, left: Mapping[Value, float] | None) -> None:
        """Do the backward pass and keep its numbers."""
        places = {node: place for place, node in enumerate(self.interior)}
        completing = last_uses(self.interior, set(left or ()))
        for step in backward_steps(self.root, gradient, hooks=left is None, recorded=False):
            if left and completing.get(step.parent) == (step.node, step.position):
                step.parent.grad = left[step.parent]
            self.users.append(places[step.node])
            self.operands.append(step.position)
            self.locals.append(step.local)
            self.upstreams.append(step.upstream)
            self.is_taken.append(step.taken)
            self.is_first.append(step.before is None)
            self.before.append(0.0 if step.before is None else step.before)
            self.after.append(step.parent.grad)  # not always the total: a hook's
            self.completed_after[step.parent] = len(self.users)

    def traced(self) -> TracedPass:
        """Return itself: as one pass it is a whole recording."""
        return self

    def __len__(self) -> int:
        """Return the number of its steps."""
        return len(self.interior) + len(self.users) + len(self.updated)

    @property
    def names(self) -> Names:
        """A name for every node of the graph."""
        return self.reverse_pass.names

    def span_of(self, phase: Phase) -> tuple[int, int]:
        """Return the positions at which a phase begins and ends."""
        begin = 0
        for name, count in zip(
            PHASES, (len(self.interior), len(self.users), len(self.updated)), strict=True
        ):
            if name == phase:
                break
            begin += count
        return begin, begin + count

    def begin_of(self, phase: Phase) -> int:
        """Return the position at which a phase begins."""
        return self.span_of(phase)[0]

    def step(self, place: int) -> AnyStep:
        """Return a step of the pass, from 0."""
        numbers, k = self.numbers, place - len(self.interior)
        if k < 0:
            node = self.interior[place]
            operands = tuple([numbers[parent] for parent in node.parents])
            return ForwardStep(node, numbers[node], operands, self.names)
        if k < len(self.users):
            return self._backward_step(k)
        variable, after = list(self.updated.items())[k - len(self.users)]
        gradient = self.gradient_after(variable)
        return UpdateStep(variable, numbers[variable], after, gradient, self.names)

    def gradient_after(self, variable: Value) -> float:
        """Return what a variable's ``grad`` is after the pass: its own, added to the earlier."""
        # That of no gradient is -0.0, which a sum can start from without changing its first term.
        uses = self.completed_after.get(variable, 0)
        own = self.after[uses - 1] if uses else self.gradient if variable is self.root else -0.0
        return self.earlier.get(variable, -0.0) + own

    def receiver(self, k: int) -> Value:
        """Return the Value that backward step k contributes to."""
        return self.interior[self.users[k]].parents[self.operands[k]]

    def _backward_step(self, k: int) -> Step:
        contribution = self.locals[k] * self.upstreams[k] if self.is_taken[k] else 0.0
        before = None if self.is_first[k] else self.before[k]
        total = contribution if before is None else before + contribution
        return Step(
            node=self.interior[self.users[k]],
            parent=self.receiver(k),
            position=self.operands[k],
            local=self.locals[k] if self.is_taken[k] else NOTHING,
            upstream=self.upstreams[k],
            contribution=contribution,
            before=before,
            total=total if self.is_taken[k] else self.before[k],
            reverse_pass=self.reverse_pass,
        )
