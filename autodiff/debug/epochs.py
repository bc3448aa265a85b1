"""The epochs of a training loop, recorded: numbers for each pass, and one graph for all alike."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from autodiff.debug.trace import Trace
from autodiff.debug.traced import TracedPass
from autodiff.graph import topological_order
from autodiff.support import watch
from autodiff.support.changed import Changes, is_same
from autodiff.support.convert import to_float
from autodiff.support.node import number_of
from autodiff.value import Value

__all__ = ["record_epochs"]

NO_GRADIENTS = array("d")


@contextmanager
def record_epochs() -> Iterator[Trace]:
    """Record every ``backward()`` of a ``with`` block: a Trace over all epochs of a loop.

    The trace moves from epoch to epoch, and within each through the forward pass, the backward
    pass and the update, exact to the last bit.  An epoch ends where variables are given numbers,
    even if these are the same; it has several passes where ``backward()`` runs several times before
    that.

    It keeps a number for each node of a pass, 8 bytes, and the gradients only of a pass with hooks.
    Passes over graphs that are alike share one, which is the last of them: its nodes are those
    that ``trace.to`` takes and steps have, next to the nodes' names.  They are alike if they have
    the same operations, labels and lines on the same variables; of variables that are not trained,
    such as inputs made anew in each epoch, each may be another.

    What a compiled program does is not seen; ``nn.fit`` trains eagerly here, unless it is told
    another engine.  It sees what its own thread does.

    >>> w = Value(3.0, "w")
    >>> with record_epochs() as trace:
    ...     for epoch in range(100):
    ...         loss = w * w
    ...         loss.backward()
    ...         w.data -= 0.25 * w.grad
    ...         w.zero_grad()
    >>> trace.goto(0, epoch=1)
    >>> for step in trace:
    ...     print(step)
    ...     if trace.phase == "update":
    ...         break
    v2 = w * w = 1.5 * 1.5 = 2.25
    d v2/d w += d v2/d v2 × d v2/d w = 1 × 1.5 = 1.5  (sum 1.5; v2 = w * w)
    d v2/d w += d v2/d v2 × d v2/d w = 1 × 1.5 = 1.5  (sum 3; v2 = w * w)
    w: 1.5 → 0.75, changed by -0.75 (= -0.25 × 3, w.grad)
    >>> trace
    <Trace of v2: epoch 1 of 0 to 99, update, step 1 of 1>
    """
    recorder = EpochRecorder()
    with watch.watching(recorder):
        try:
            yield Trace.of_passes(recorder.passes)
        finally:
            recorder.settle()


@dataclass(slots=True)
class Graph:
    """A graph, in topological order, that stands for all that are alike.

    ``variables`` are the places of the variables in it.
    """

    order: list[Value]
    variables: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.variables = [
            place for place, node in enumerate(self.order) if node.is_leaf and not node.is_constant
        ]


@dataclass(slots=True)
class RecordedPass:
    """The numbers of one pass.

    ``numbers`` are those of the nodes of ``graph``, and behind them, if variables were updated
    after the pass, those of all variables then.  ``earlier`` are the gradients that the variables
    had before it, and ``left``, for a pass with hooks, those of all nodes at its end; -0.0 is none.
    """

    graph: Graph
    numbers: array[float]
    gradient: float
    epoch: int
    earlier: array[float]
    left: array[float] | None = None

    def traced(self) -> TracedPass:
        """Return the pass as steps."""
        order = self.graph.order
        variables = [order[place] for place in self.graph.variables]
        updates = zip(variables, self.updated, strict=False)
        before = [(node, node.data) for node in order]
        try:
            for node, number in zip(order, self.numbers, strict=False):
                node.data = number
            traced = TracedPass(
                order,
                Changes(order),
                self.gradient,
                dict(zip(order, self.left or (), strict=False)),
                {node: number for node, number in updates if not is_same(number, node.data)},
                dict(zip(variables, self.earlier, strict=False)),
            )
            traced.names  # noqa: B018 (those of constants are their numbers, so they are made here)
            return traced
        finally:
            for node, number in before:
                node.data = number

    @property
    def updated(self) -> array[float]:
        """The numbers of the variables after the update; none if there was no update."""
        return self.numbers[len(self.graph.order) :]


class EpochRecorder(watch.Watcher):
    """Keeps the numbers of each pass."""

    sees_values = False
    sees_passes = True

    def __init__(self) -> None:
        self.passes: list[RecordedPass] = []
        self._graphs: dict[tuple[object, ...], list[Graph]] = {}
        self._trained: set[Value] = set()
        self._objects: list[float] = []  # the numbers of the last pass's variables, as objects

    def starts(self, root: Value, gradient: float) -> None:
        """Record a pass, and first what has been updated since the one before."""
        self.settle()
        last = self.passes[-1] if self.passes else None
        epoch = 0 if last is None else last.epoch + bool(last.updated)
        graph = self._graph_of(topological_order(root))
        numbers = array("d", map(number_of, graph.order))
        variables = [graph.order[place] for place in graph.variables]
        self._objects = [variable.data for variable in variables]
        earlier = NO_GRADIENTS
        if any(variable.has_grad for variable in variables):
            earlier = array("d", map(gradient_of, variables))
        self.passes.append(RecordedPass(graph, numbers, gradient, epoch, earlier))

    def ends(self, order: Sequence[Value]) -> None:
        """Keep the gradients that a pass with hooks leaves: no replay would have them."""
        if any(watch.hooks_of(node) is not None for node in order):
            self.passes[-1].left = array("d", [node.grad for node in order])

    def abandons(self) -> None:
        """Forget the pass that was undone."""
        self.passes.pop()
        if self.passes:
            graph = self.passes[-1].graph
            self._objects = [graph.order[place].data for place in graph.variables]

    def settle(self) -> None:
        """Record what has been updated since the last pass."""
        if not self.passes:
            return
        graph, numbers = self.passes[-1].graph, self.passes[-1].numbers
        before = array("d", [numbers[place] for place in graph.variables])
        variables = [graph.order[place] for place in graph.variables]
        after = array("d", map(number_of, variables))
        # Also an update that changes nothing, as with a gradient of 0, makes another object.
        pairs = zip(variables, self._objects, strict=True)
        if any(variable.data is not was for variable, was in pairs):
            numbers[len(graph.order) :] = after
            self._trained.update(
                node
                for node, *pair in zip(variables, before, after, strict=True)
                if not is_same(*pair)
            )

    def _graph_of(self, order: list[Value]) -> Graph:
        """Return a graph that is alike, now with these nodes, or else a new one."""
        origins = tuple([node.origin for node in order])
        if any(origin.given is not None for origin in origins):
            return Graph(order)  # whose local derivatives may be numbers in its nodes
        places = {node: place for place, node in enumerate(order)}
        edges = tuple([tuple([places[parent] for parent in node.parents]) for node in order])
        alike = self._graphs.setdefault((origins, edges), [])
        for graph in alike:
            if all(
                graph.order[place] is order[place] or graph.order[place] not in self._trained
                for place in graph.variables
            ):
                graph.order = order
                return graph
        alike.append(Graph(order))
        return alike[-1]


def gradient_of(variable: Value) -> float:
    """Return a variable's gradient, -0.0 if it has none: a sum with that is the same."""
    return to_float(variable.grad, "a gradient") if variable.has_grad else -0.0
