"""One pass as a trace has it: forward, backward, update, in a few numbers a step and a node."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from functools import cached_property

from autodiff.debug.phases import PHASES, ForwardStep, Phase, UpdateStep
from autodiff.debug.rates import Change, line_of, rates_of
from autodiff.debug.steps import ReversePass, Step, backward_steps, hooked_operands, last_uses
from autodiff.ops import NOTHING, local_derivatives
from autodiff.ops.operation import checked
from autodiff.support import watch
from autodiff.support.changed import OURS, Changes
from autodiff.support.gradients import NOT_COMPUTED, OF_A_CONSTANT
from autodiff.support.naming import Names
from autodiff.support.passes import begin_pass
from autodiff.value import Value

__all__ = ["TracedPass"]


class TracedPass:
    """The steps of a pass over a graph, given in topological order, with the numbers that it has.

    ``gradient`` is where it starts.  It is a new pass, at which hooks are called, or else one that
    has been: ``left`` has then the gradients that its hooks left, {} without hooks.  Every ``grad``
    stays as it was.

    ``updated`` has, for each variable that got another number after it, that number; ``earlier``
    has the gradients that variables had before it, and ``files`` are those of the program, of which
    the text may tell how variables are updated.

    Which steps there are, and the gradients at the end, are known from the start; what a step
    contributes is computed when it is asked for, from the numbers that are kept.
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
        files: Sequence[str] = (),
    ) -> None:
        self.order = order
        self.root = order[-1]
        self.interior = [node for node in order if node.parents]
        self.changes = changes
        self.is_new = left is None
        self.numbers = {node: node.data for node in order}
        self.updated = updated or {}
        self.earlier = earlier or {}
        self.files = files
        self.reverse_pass = ReversePass(self.root, self.interior, changes)
        by_steps = self.is_new and watch.goes_by_steps(self.root)
        self.left = self._run(gradient, left, by_steps)
        # An operation of one's own may give other derivatives later.
        self._derivatives = {
            node: local_derivatives(node) for node in self.interior if node.origin.op not in OURS
        }
        # Of backward step k: the user, interior[users[k]], and which of its operands it is about.
        self.users, self.operands = array("L"), array("L")
        # After how many of them a gradient is complete.
        self.completed_after = {self.root: 0}
        self._find_steps()
        hooked = set(left or ())
        if by_steps:
            hooked = hooked_operands(self.interior)
        # Where hooks have had their say: after the last use that is taken.
        self._hooked = {use: node for node, use in last_uses(self.interior, hooked).items()}

    def _run(
        self, gradient: float, left: Mapping[Value, float] | None, by_steps: bool
    ) -> dict[Value, float]:
        """Return the gradients of a whole pass, of the nodes that it reaches."""
        before = [(node, node.grad) for node in self.order]
        try:
            for node in self.order:
                if not node.parents and node.grad is not OF_A_CONSTANT:
                    node.grad = NOT_COMPUTED  # the pass would add to what it had
            if by_steps:
                for _ in backward_steps(self.root, gradient, recorded=False):
                    pass
            else:
                begin_pass(self.root)
                self.root.grad = gradient
                for node in reversed(self.interior):
                    if node.grad is not NOT_COMPUTED:
                        node.origin.op.chain_rule(node)
            reached = {node: node.grad for node in self.order if node.grad is not NOT_COMPUTED}
        finally:
            for node, gradient_before in before:
                node.grad = gradient_before
        return {node: left[node] for node in reached} if left else reached

    def _find_steps(self) -> None:
        """Find which steps there are: one for each operand of a node that is reached."""
        for place in reversed(range(len(self.interior))):
            node = self.interior[place]
            if node in self.left:
                for position, parent in enumerate(node.parents):
                    if not parent.origin.constant:
                        self.users.append(place)
                        self.operands.append(position)
                        self.completed_after[parent] = len(self.users)

    def traced(self) -> TracedPass:
        """Return itself: as one pass it is a whole recording."""
        return self

    # ---- its steps -------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return the number of its steps."""
        return len(self.interior) + len(self.users) + len(self.updated)

    @cached_property
    def places(self) -> dict[Value, int]:
        """Where each node is in the order."""
        return {node: place for place, node in enumerate(self.order)}

    @cached_property
    def place_of_update(self) -> dict[Value, int]:
        """Where each variable's update is among the updates."""
        return {variable: place for place, variable in enumerate(self.updated)}

    @property
    def names(self) -> Names:
        """A name for every node of the graph."""
        return self.reverse_pass.names

    @property
    def edges(self) -> list[tuple[Value, Value]]:
        """The node and the operand that each backward step is about."""
        users = [self.interior[place] for place in self.users]
        return [
            (node, node.parents[position])
            for node, position in zip(users, self.operands, strict=True)
        ]

    def span_of(self, phase: Phase) -> tuple[int, int]:
        """Return the positions at which a phase begins and ends."""
        forward = len(self.interior)
        backward = forward + len(self.users)
        spans = (0, forward), (forward, backward), (backward, len(self))
        return spans[PHASES.index(phase)]

    def begin_of(self, phase: Phase) -> int:
        """Return the position at which a phase begins."""
        return self.span_of(phase)[0]

    def forward_step(self, place: int) -> ForwardStep:
        node = self.interior[place]
        operands = tuple([self.numbers[parent] for parent in node.parents])
        return ForwardStep(node, self.numbers[node], operands, self.names, self.changes)

    def update_step(self, place: int) -> UpdateStep:
        change, rate = self._changes_of_variables[place]
        return UpdateStep(
            *(change.variable, change.before, change.after, change.gradient),
            *(self.earlier.get(change.variable, 0.0), rate, self.names),
            line_of(change.variable, self._made_in or self.files),
        )

    @cached_property
    def _changes_of_variables(self) -> list[tuple[Change, float | None]]:
        """Each variable's update, and the factor of the gradient that it is."""
        changes = [
            # -0.0 is the gradient that is none: a sum with it has the bits of the other.
            Change(
                *(variable, self.numbers[variable], after),
                self.earlier.get(variable, -0.0) + self.left.get(variable, -0.0),
            )
            for variable, after in self.updated.items()
        ]
        return list(zip(changes, rates_of(changes, [*self.files, *self._made_in]), strict=True))

    @cached_property
    def _made_in(self) -> list[str]:
        """The files that made the graph, as far as that is recorded."""
        return list(dict.fromkeys(node.origin.file for node in self.order if node.origin.file))

    def backward_step(self, k: int, before: float | None) -> Step:
        """Return a step of the backward pass, given the sum before it; None if it is the first."""
        node, position = self.interior[self.users[k]], self.operands[k]
        local, upstream = self._locals(node)[position], self.left[node]
        taken = local is not NOTHING
        total = added(before, local, upstream)
        return Step(
            node=node,
            parent=node.parents[position],
            position=position,
            local=local,
            upstream=upstream,
            contribution=local * upstream if taken else 0.0,
            before=before,
            total=0.0 if total is None else total,
            reverse_pass=self.reverse_pass,
        )

    def gradient_with(self, k: int, before: float | None) -> float | None:
        """Return what a backward step makes of its operand's gradient, None if it has none."""
        node, position = self.interior[self.users[k]], self.operands[k]
        if (node, position) in self._hooked:
            return self.left[node.parents[position]]
        return added(before, self._locals(node)[position], self.left[node])

    def receiver(self, k: int) -> Value:
        """Return the Value that backward step k contributes to."""
        return self.interior[self.users[k]].parents[self.operands[k]]

    def _locals(self, node: Value) -> tuple[float, ...]:
        """Return a node's local derivatives; they are kept, as its steps follow one another."""
        if node not in self._derivatives:
            numbers = [self.numbers[each] for each in (node, *node.parents)]
            assert node.op is not None, "an interior node has an operation"
            partials = node.op.partials(*numbers)
            self._derivatives[node] = checked(node.op, partials, len(node.parents))
        return self._derivatives[node]


def added(before: float | None, local: float, upstream: float) -> float | None:
    """Return a gradient with a contribution; None where there is none of either."""
    if local is NOTHING:
        return before
    return local * upstream if before is None else before + local * upstream
