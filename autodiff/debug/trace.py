"""Time travel through a forward pass, a backward pass and an update, and through epochs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from operator import attrgetter
from typing import Protocol, Self

from autodiff.debug.phases import PHASES, AnyStep, Phase
from autodiff.debug.traced import TracedPass
from autodiff.graph import topological_order
from autodiff.support.changed import CURE, recomputed
from autodiff.support.convert import describe, to_float
from autodiff.support.gradients import NOT_COMPUTED
from autodiff.support.naming import Names, number_text
from autodiff.value import Value

__all__ = ["Trace"]

epoch_of = attrgetter("epoch")


class Recorded(Protocol):
    """A pass of a recording; ``epoch`` says how many updates there were before it."""

    @property
    def epoch(self) -> int: ...

    def traced(self) -> TracedPass: ...


class Trace:
    """A record of the pass over ``root``, with a position that moves forward and back.

    A pass has three phases: "forward", with a step for each operation; "backward", with one for
    each contribution; "update", with one for each variable that then got another number.  At
    position k the first k steps have been taken.  A new trace stands where the program does: the
    forward pass is done, and only root has a gradient.

    ``Trace(root)`` is one pass, without an update.  :func:`autodiff.record_epochs` gives the trace
    of all epochs that a loop runs: it steps on into the next epoch, and back into the one before.

    The backward pass is made when the trace is (hooks are called then), and it leaves every
    ``grad`` as it was; later changes of the Values do not reach the trace.  It keeps a few numbers
    a step and a node, never a copy of the graph.  Where numbers have changed since the graph was
    computed (``w.data -= ...``), the pass is that over the results that they give now, and
    ``trace.note`` says so.

    A node is given as the Value, or by its name in the graph.

    Raises TypeError if root is no Value, ValueError if it is a constant, and what a hook raises.

    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> trace = Trace(a * b + a)
    >>> print(trace.next())
    d v4/d v3 += d v4/d v4 × d v4/d v3 = 1 × 1 = 1  (sum 1; v4 = v3 + a)
    >>> print(trace.to(b))
    d v4/d b += d v4/d v3 × d v3/d b = 1 × 2 = 2  (sum 2; v3 = a * b)
    >>> print(trace.back())
    d v4/d a += d v4/d v3 × d v3/d a = 1 × 3 = 3  (sum 4; v3 = a * b)
    >>> trace, trace.gradient(a), trace.gradient("b")
    (<Trace of v4: backward, step 3 of 4>, 4.0, None)
    >>> print(trace.goto(1, "forward"))
    v3 = a * b = 2 * 3 = 6
    """

    def __init__(self, root: Value, gradient: float = 1.0) -> None:
        if not isinstance(root, Value):
            raise TypeError(f"Trace needs a Value, such as the loss, but got {describe(root)}")
        if root.is_constant:
            raise ValueError(f"a trace of {root!r}: a constant depends on no variable")
        order = topological_order(root)
        with recomputed(order) as changes:
            only = TracedPass(order, changes, to_float(gradient, "Trace"))
        self._begin([only])
        self.goto(0, "backward")

    @classmethod
    def of_passes(cls, passes: Sequence[Recorded]) -> Self:
        """Return a trace of recorded passes, at the start of the first; more may follow later."""
        trace = cls.__new__(cls)
        trace._begin(passes)
        return trace

    def _begin(self, passes: Sequence[Recorded]) -> None:
        self._passes = passes
        self._place = 0
        self._position = 0
        self._loaded: TracedPass | None = None
        self._gradients: dict[Value, float] = {}
        # Of each backward step taken, the gradient that it changed, as it was; None for none.
        self._before: list[float | None] = []

    # ---- where it is -----------------------------------------------------------------------

    @property
    def _pass(self) -> TracedPass:
        """The pass that this is in."""
        if not self._passes:
            raise ValueError(
                "the trace has recorded nothing: no backward() has run in the block of "
                "record_epochs(), or a compiled program did the passes, which is not seen"
            )
        if self._loaded is None:
            self._enter(0, self._passes[0].traced())
        assert self._loaded is not None
        return self._loaded

    def _enter(self, place: int, traced: TracedPass) -> None:
        """Go to the start of a pass."""
        self._place, self._loaded, self._position = place, traced, 0
        self._gradients = {traced.root: traced.left[traced.root]}
        self._before = []

    def __len__(self) -> int:
        """Return the number of steps of this pass: forward, backward and update."""
        return len(self._pass)

    def __bool__(self) -> bool:
        return True  # even without steps

    @property
    def root(self) -> Value:
        """The Value that this pass differentiates."""
        return self._pass.root

    @property
    def order(self) -> Sequence[Value]:
        """The nodes of this pass's graph, in topological order."""
        return self._pass.order

    @property
    def edges(self) -> list[tuple[Value, Value]]:
        """The node and the operand that each backward step is about, in their order."""
        return self._pass.edges

    @property
    def epoch(self) -> int:
        """The epoch that this is in, from 0; one ends where variables are updated."""
        return self._passes[self._place].epoch if self._passes else 0

    @property
    def epochs(self) -> int:
        """How many epochs there are."""
        return self._passes[-1].epoch + 1 if self._passes else 0

    @property
    def nth(self) -> int:
        """The pass of its epoch that this is in, from 0."""
        return self._place - self._places_of(self.epoch).start

    @property
    def passes(self) -> int:
        """How many passes this epoch has."""
        return len(self._places_of(self.epoch))

    @property
    def position(self) -> int:
        """How many steps of this pass have been taken, from 0 to ``len(trace)``."""
        return self._position

    @property
    def phase(self) -> Phase:
        """The phase of the step last taken; "backward" as soon as the forward pass is done."""
        if self._position < self._pass.begin_of("backward"):
            return "forward"
        return "backward" if self._position <= self._pass.begin_of("update") else "update"

    @property
    def progress(self) -> tuple[int, int]:
        """How many steps of the phase have been taken, and how many it has."""
        begin, end = self._pass.span_of(self.phase)
        return self._position - begin, end - begin

    @property
    def step(self) -> AnyStep | None:
        """The step last taken; None at position 0."""
        if not self._position:
            return None
        if self.phase == "update":
            return self._pass.update_step(self.progress[0] - 1)
        if self._before:
            return self._pass.backward_step(len(self._before) - 1, self._before[-1])
        return self._pass.forward_step(self._position - 1)

    @property
    def numbers(self) -> dict[Value, float]:
        """Each Value's number so far, in topological order, without those still to be computed."""
        traced = self._pass
        leaves = len(traced.order) - len(traced.interior)
        known = {node: traced.numbers[node] for node in traced.order[: leaves + self._position]}
        updates = max(0, self._position - traced.begin_of("update"))
        return known | dict(islice(traced.updated.items(), updates))

    def number(self, node: Value | str) -> float | None:
        """Return a Value's number so far; None if it is still to be computed.

        Raises ValueError for a name that no node has, or a Value that is not in the graph.
        """
        traced, node = self._pass, self._node(node)
        if node not in traced.places:
            raise ValueError(f"the graph of {self._root_name} does not have {node!r}")
        updates = self._position - traced.begin_of("update")
        if traced.place_of_update.get(node, updates) < updates:
            return traced.updated[node]
        leaves = len(traced.order) - len(traced.interior)
        is_known = traced.places[node] < leaves + self._position
        return traced.numbers[node] if is_known else None

    @property
    def pass_numbers(self) -> dict[Value, float]:
        """Each Value's number in this pass, in topological order, wherever the trace is in it."""
        return dict(self._pass.numbers)

    @property
    def gradients(self) -> dict[Value, float]:
        """Every gradient so far, in topological order; Values not reached yet are left out."""
        if self.phase == "forward":
            return {}
        so_far = self._gradients
        return {node: so_far[node] for node in self._pass.order if node in so_far}

    def gradient(self, node: Value | str) -> float | None:
        """Return a Value's gradient so far; None if no contribution has reached it yet.

        Raises ValueError for a name that no node has.
        """
        node = self._node(node)
        return None if self.phase == "forward" else self._gradients.get(node)

    @property
    def note(self) -> str:
        """What had changed since the graph was computed, or was not cleared; '' if all is well."""
        changes = self._pass.changes
        if not changes:
            return self._note_of_earlier_epochs()
        sentence = changes.sentence(self.names)
        if self._pass.is_new:
            return f"{sentence}. These are the steps of now; {CURE}"
        return f"{sentence}. backward() then mixed numbers of different times; {CURE}"

    def _note_of_earlier_epochs(self) -> str:
        """Return which gradients an epoch's first pass adds to; '' if all had been cleared."""
        earlier = {node: number for node, number in self._pass.earlier.items() if number}
        if not earlier or self.nth:
            return ""
        node, number = next(iter(earlier.items()))
        more = f", and so with {len(earlier) - 1} more" if len(earlier) > 1 else ""
        return (
            f"{self.names[node]}.grad was {number_text(number)} before this pass, which adds to it"
            f"{more}: call zero_grad() before each backward()"
        )

    def completed_at(self, node: Value | str) -> int:
        """Return the position from which on a Value's gradient is complete.

        Where no use took it, that is after the last step that says so, and it stays None.

        Raises ValueError if this pass has no step for it: a constant, not in the graph, or behind
        an operand that was not taken.
        """
        node = self._node(node)
        if node not in self._pass.completed_after:
            raise ValueError(
                f"the trace of {self._root_name} never reaches {node!r}: {self._why_not(node)}"
            )
        return self._pass.begin_of("backward") + self._pass.completed_after[node]

    def _why_not(self, node: Value) -> str:
        """Return why no step is about a Value."""
        if isinstance(node, Value) and node.is_constant:
            return "it is a constant"
        if node not in self.names:
            return f"{self._root_name} does not depend on it"
        return "all that uses it was not taken; explain() says where that begins"

    def is_complete(self, node: Value | str) -> bool:
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

    def _node(self, node: Value | str) -> Value:
        """Return the node that a name means."""
        if not isinstance(node, str):
            return node
        for each in self._pass.order:
            if self.names[each] == node:
                return each
        raise ValueError(f"the graph of {self._root_name} has no node that is called {node!r}")

    def __repr__(self) -> str:
        if not self._passes:
            return "<Trace of nothing so far>"
        where = ""
        if len(self._passes) > 1:
            where = f"epoch {self.epoch} of 0 to {self.epochs - 1}, "
            if self.passes > 1:
                where += f"pass {self.nth} of 0 to {self.passes - 1}, "
        done, count = self.progress
        return f"<Trace of {self._root_name}: {where}{self.phase}, step {done} of {count}>"

    # ---- moving ----------------------------------------------------------------------------

    def next(self) -> AnyStep:
        """Take the next step and return it; after an epoch's last, that is the next epoch's first.

        Raises IndexError at the end of all.
        """
        self._leave_end()
        step = self.goto(self._position + 1)
        assert step is not None, "a step has been taken"
        return step

    def back(self) -> AnyStep | None:
        """Undo the last step; return the one before it, None if there is none.

        The step before an epoch's first is the last of the epoch before.  Raises IndexError at the
        start of all.
        """
        self._leave_start()
        self.goto(self._position - 1)
        self._leave_start()
        return self.step

    def _leave_end(self) -> None:
        """At the end of a pass, go to the start of the one after: it is the same moment."""
        while self._position == len(self) and self._place + 1 < len(self._passes):
            self._enter(self._place + 1, self._passes[self._place + 1].traced())

    def _leave_start(self) -> None:
        """At the start of a pass, go to the end of the one before: it is the same moment."""
        while self._position == 0 and self._place > 0:
            self._enter(self._place - 1, self._passes[self._place - 1].traced())
            self.goto(len(self))

    def goto(
        self,
        position: int,
        phase: Phase | None = None,
        *,
        epoch: int | None = None,
        nth: int | None = None,
    ) -> AnyStep | None:
        """Move to a position in this pass, or in a phase of it; return the step last taken there.

        ``epoch`` is another epoch to go to, and ``nth`` a pass of an epoch, from 0, where
        ``backward()`` ran several times in it.

        Raises IndexError if there is no such position, epoch or pass, TypeError if it is no int,
        ValueError for an unknown phase; it has not moved then.
        """
        if phase not in (None, *PHASES):
            raise ValueError(f"goto needs one of {', '.join(PHASES)}, but got {describe(phase)}")
        place, traced = self._place, self._pass
        if epoch is not None or nth is not None:
            epoch = self.epoch if epoch is None else epoch
            check_is_there(epoch, self.epochs - 1, "epoch", self._root_name)
            places = self._places_of(epoch)
            check_is_there(nth or 0, len(places) - 1, "pass", self._root_name)
            place = places[nth or 0]
            traced = self._passes[place].traced()
        begin, end = (0, len(traced)) if phase is None else traced.span_of(phase)
        check_is_there(position, end - begin, "position", self._root_name)
        if traced is not self._pass:
            self._enter(place, traced)
        self._move(begin + position)
        return self.step

    def _places_of(self, epoch: int) -> range:
        """Return where the passes of an epoch are."""
        begin = bisect_left(self._passes, epoch, key=epoch_of)
        return range(begin, bisect_right(self._passes, epoch, lo=begin, key=epoch_of))

    def _move(self, position: int) -> None:
        """Move within the pass: of the backward steps on the way, do or undo what they add."""
        traced = self._pass
        begin, end = traced.span_of("backward")
        done, wanted = [min(max(each, begin), end) - begin for each in (self._position, position)]
        for k in range(done, wanted):
            node = traced.receiver(k)
            before = self._gradients.get(node)
            self._before.append(before)
            after = traced.gradient_with(k, before)
            if after is not None:
                self._gradients[node] = after
        for k in range(done - 1, wanted - 1, -1):
            node, before = traced.receiver(k), self._before.pop()
            if before is not None:
                self._gradients[node] = before
            else:
                self._gradients.pop(node, None)
        self._position = position

    def to(self, node: Value | str) -> AnyStep | None:
        """Move, forward or back, to where a Value's gradient has just become complete in this pass.

        Returns the step that completed it; root has its own once the forward pass is done.
        Raises what ``completed_at`` raises.
        """
        return self.goto(self.completed_at(node))

    def __iter__(self) -> Iterator[AnyStep]:
        """Take the steps from here to the end, one by one: of a recording, through all epochs."""
        self._leave_end()
        while self._position < len(self):
            yield self.next()
            self._leave_end()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Let the Values have the gradients of now in a ``with`` block, for a picture of them.

        Values that are not reached yet have none there, and each has the number that it has in
        this pass, also where it is still to be computed.  After it they have again what they had.

        >>> x = Value(3.0, "x")
        >>> trace = Trace(x * x)
        >>> _ = trace.next()
        >>> with trace.shown():
        ...     print(x.grad)
        3.0
        >>> x.has_grad
        False
        """
        before = [(node, node.data, node.grad) for node in self._pass.order]
        numbers, gradients = self._pass.numbers | self.numbers, self.gradients
        try:
            for node, number in numbers.items():
                node.data, node.grad = number, gradients.get(node, NOT_COMPUTED)
            yield
        finally:
            for node, number, gradient in before:
                node.data, node.grad = number, gradient


def check_is_there(number: int, last: int, what: str, root: str) -> None:
    """Raise TypeError if a number is no int, IndexError if it is not from 0 to the last."""
    if type(number) is not int:
        needed = "number of a step" if what == "position" else f"number of the {what}"
        raise TypeError(f"goto needs the {needed}, but got {describe(number)}")
    if not 0 <= number <= last:
        plural = "passes" if what == "pass" else f"{what}s"
        raise IndexError(
            f"the trace of {root} has {plural} from 0 to {last}, and {number} is none of them"
        )
