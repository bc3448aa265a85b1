"""Time travel through a backward pass."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import contextmanager

from autodiff.debug.steps import ReversePass, Step, backward_steps
from autodiff.graph import leaves_and_interior
from autodiff.ops import NOTHING
from autodiff.support.changed import CURE, recomputed
from autodiff.support.convert import describe, to_float
from autodiff.support.gradients import NOT_COMPUTED
from autodiff.support.naming import Names
from autodiff.value import Value

__all__ = ["Trace"]


class Trace:
    """A record of the backward pass from ``root``, with a position that moves forward and back.

    At position k the first k contributions have been added: at 0 only root has a gradient, at
    ``len(trace)`` every Value has its own that anything reaches.  The pass is made when the trace
    is (hooks are called then), and it leaves every ``grad`` as it was; later changes of the Values
    do not reach the trace.  It keeps a few numbers a step and a node, never a copy of the graph.

    Where numbers have changed since the graph was computed (``w.data -= ...``), the pass is that
    over the results that they give now, and ``trace.note`` says so.

    Raises TypeError if root is no Value, ValueError if it is a constant, and what a hook raises.

    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> trace = Trace(a * b + a)
    >>> print(trace.next())
    d v4/d v3 += d v4/d v4 × d v4/d v3 = 1 × 1 = 1  (sum 1; v4 = v3 + a)
    >>> print(trace.to(b))
    d v4/d b += d v4/d v3 × d v3/d b = 1 × 2 = 2  (sum 2; v3 = a * b)
    >>> print(trace.back())
    d v4/d a += d v4/d v3 × d v3/d a = 1 × 3 = 3  (sum 4; v3 = a * b)
    >>> trace, trace.gradient(a), trace.gradient(b)
    (<Trace of v4: step 3 of 4>, 4.0, None)
    """

    def __init__(self, root: Value, gradient: float = 1.0) -> None:
        if not isinstance(root, Value):
            raise TypeError(f"Trace needs a Value, such as the loss, but got {describe(root)}")
        if root.is_constant:
            raise ValueError(f"a trace of {root!r}: a constant depends on no variable")
        self.root = root
        leaves, interior = leaves_and_interior(root)
        self._order = [*leaves, *interior]
        # Of step k: the user, interior[_users[k]], and which of its operands it is about; then
        # the numbers that the step used, and the sum that it changed.
        self._users, self._operands = array("L"), array("L")
        self._locals, self._upstreams = array("d"), array("d")
        self._before, self._after = array("d"), array("d")
        self._is_first, self._is_taken = bytearray(), bytearray()
        self._completed_at = {root: 0}
        self._position = 0
        self._gradients = {root: to_float(gradient, "Trace")}
        with recomputed(self._order) as changes:
            self._pass = ReversePass(root, interior, changes)
            self._record()

    def _record(self) -> None:
        """Do the pass, and give every gradient back as it was."""
        places = {node: place for place, node in enumerate(self._pass.interior)}
        earlier = [(node, node.grad) for node in self._order]
        try:
            for step in backward_steps(self.root, self._gradients[self.root]):
                self._users.append(places[step.node])
                self._operands.append(step.position)
                self._locals.append(step.local)
                self._upstreams.append(step.upstream)
                self._is_taken.append(step.taken)
                self._is_first.append(step.before is None)
                self._before.append(0.0 if step.before is None else step.before)
                # Not always the total: a hook's.
                self._after.append(step.parent.grad)
                self._completed_at[step.parent] = len(self)
        finally:
            for node, gradient in earlier:
                node.grad = gradient
        self._gradients[self.root] = self._upstreams[0] if len(self) else self._without_steps()

    def _without_steps(self) -> float:
        """Return the gradient that root has after a pass that has no steps: hooks may change it."""
        before = self.root.grad
        self.root.zero_grad()
        try:
            self.root.backward(self._gradients[self.root])
            return self.root.grad
        finally:
            self.root.grad = before

    # ---- where it is -----------------------------------------------------------------------

    def __len__(self) -> int:
        """Return the number of steps of the whole pass."""
        return len(self._users)

    def __bool__(self) -> bool:
        return True  # even without steps

    @property
    def position(self) -> int:
        """How many steps have been taken, from 0 to ``len(trace)``."""
        return self._position

    @property
    def step(self) -> Step | None:
        """The step last taken; None at position 0."""
        return self._step(self._position - 1) if self._position else None

    @property
    def gradients(self) -> dict[Value, float]:
        """Every gradient so far, in topological order; Values not reached yet are left out."""
        so_far = self._gradients
        return {node: so_far[node] for node in self._order if node in so_far}

    def gradient(self, node: Value) -> float | None:
        """Return a Value's gradient so far; None if no contribution has reached it yet."""
        return self._gradients.get(node)

    @property
    def numbers(self) -> dict[Value, float]:
        """The number that each Value has in this pass, in topological order."""
        return {node: self._pass.changes.number(node) for node in self._order}

    @property
    def note(self) -> str:
        """What has changed since the graph was computed; '' if nothing has."""
        changes = self._pass.changes
        if not changes:
            return ""
        return f"{changes.sentence(self.names)}. These are the steps of now; {CURE}"

    def completed_at(self, node: Value) -> int:
        """Return the position from which on a Value's gradient is complete.

        Where no use took it, that is after the last step that says so, and it stays None.

        Raises ValueError if this pass has no step for it: a constant, not in the graph, or behind
        an operand that was not taken.
        """
        if node not in self._completed_at:
            raise ValueError(
                f"the trace of {self._root_name} never reaches {node!r}: {self._why_not(node)}"
            )
        return self._completed_at[node]

    def _why_not(self, node: Value) -> str:
        """Return why no step is about a Value."""
        if isinstance(node, Value) and node.is_constant:
            return "it is a constant"
        if node not in self.names:
            return f"{self._root_name} does not depend on it"
        return "all that uses it was not taken; explain() says where that begins"

    def is_complete(self, node: Value) -> bool:
        """Return whether nothing more will be added to a Value's gradient.

        Raises what ``completed_at`` raises.
        """
        return self._position >= self.completed_at(node)

    @property
    def names(self) -> Names:
        """A name for every node of the graph."""
        return self._pass.names

    @property
    def _root_name(self) -> str:
        return self.names[self.root]

    def __repr__(self) -> str:
        return f"<Trace of {self._root_name}: step {self._position} of {len(self)}>"

    # ---- moving ----------------------------------------------------------------------------

    def next(self) -> Step:
        """Take the next step and return it; IndexError at the end."""
        self.goto(self._position + 1)
        return self._step(self._position - 1)

    def back(self) -> Step | None:
        """Undo the last step; return the one before it, None if there is none.

        Raises IndexError at the start.
        """
        return self.goto(self._position - 1)

    def goto(self, position: int) -> Step | None:
        """Move to a position; return the step last taken there, None at the start.

        Raises IndexError if it is not from 0 to ``len(trace)``, TypeError if it is no int.
        """
        if type(position) is not int:
            raise TypeError(f"goto needs the number of a step, but got {describe(position)}")
        if not 0 <= position <= len(self):
            raise IndexError(
                f"the trace of {self._root_name} has positions from 0 to {len(self)}, "
                f"and {position} is none of them"
            )
        for k in range(self._position, position):
            if self._is_taken[k]:
                self._gradients[self._receiver(k)] = self._after[k]
        for k in range(self._position - 1, position - 1, -1):
            if not self._is_taken[k]:
                continue
            if self._is_first[k]:
                del self._gradients[self._receiver(k)]
            else:
                self._gradients[self._receiver(k)] = self._before[k]
        self._position = position
        return self.step

    def to(self, node: Value) -> Step | None:
        """Move, forward or back, to where a Value's gradient has just become complete.

        Returns the step that completed it; None for root, which has its own from the start.
        Raises what ``completed_at`` raises.
        """
        return self.goto(self.completed_at(node))

    def __iter__(self) -> Iterator[Step]:
        """Take the steps from here to the end, one by one."""
        while self._position < len(self):
            yield self.next()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Let the Values have the gradients of now in a ``with`` block, for a picture of them.

        Values that are not reached yet have none there, and each has the number that it has in
        this pass.  After it they have again what they had.

        >>> x = Value(3.0, "x")
        >>> trace = Trace(x * x)
        >>> _ = trace.goto(1)
        >>> with trace.shown():
        ...     print(x.grad)
        3.0
        >>> x.has_grad
        False
        """
        before = [(node, node.data, node.grad) for node in self._order]
        try:
            for node, number in self.numbers.items():
                node.data, node.grad = number, self._gradients.get(node, NOT_COMPUTED)
            yield
        finally:
            for node, number, gradient in before:
                node.data, node.grad = number, gradient

    # ---- single steps ----------------------------------------------------------------------

    def _receiver(self, k: int) -> Value:
        """Return the Value that step k contributes to."""
        return self._pass.interior[self._users[k]].parents[self._operands[k]]

    def _step(self, k: int) -> Step:
        contribution = self._locals[k] * self._upstreams[k] if self._is_taken[k] else 0.0
        before = None if self._is_first[k] else self._before[k]
        total = contribution if before is None else before + contribution
        return Step(
            node=self._pass.interior[self._users[k]],
            parent=self._receiver(k),
            position=self._operands[k],
            local=self._locals[k] if self._is_taken[k] else NOTHING,
            upstream=self._upstreams[k],
            contribution=contribution,
            before=before,
            total=total if self._is_taken[k] else self._before[k],
            reverse_pass=self._pass,
        )
