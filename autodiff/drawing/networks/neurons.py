"""The neurons in a graph, in columns: what a picture of a network shows of it.

A neuron is a weighted sum that a module computed, and what that module made of it: its activation.
So neurons are found in the graph itself, whatever code called them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeAlias

from autodiff.drawing.folds.parts import layer_of, module_of
from autodiff.ops import Role, bias_weights_inputs
from autodiff.value import Value

__all__ = ["Column", "Line", "Network", "Neuron", "calls_of_neurons"]

LINEAR = "linear"  # a neuron without an activation

# From one Value to another that uses it, and the weight by which it is multiplied, if it is.
Line: TypeAlias = tuple[Value, Value, Value | None]


@dataclass(slots=True, eq=False)
class Neuron:
    """One call of a neuron: its weighted sum, its output, and the operations between them."""

    path: str
    sum: Value
    output: Value
    symbols: list[str] = field(default_factory=list)

    @property
    def bias(self) -> Value:
        """The bias, to which the weighted inputs are added."""
        bias: Value = self.sum.parents[0]
        return bias

    @property
    def weights(self) -> Sequence[Value]:
        """The weights of the inputs."""
        return bias_weights_inputs(self.sum.parents)[1]

    @property
    def lines(self) -> Iterator[Line]:
        """Each input with its weight."""
        _, weights, inputs = bias_weights_inputs(self.sum.parents)
        for weight, input in zip(weights, inputs, strict=True):
            yield input, self.output, weight


@dataclass(slots=True)
class Column:
    """What stands below each other: Values, what made them, and their activations.

    A Value that a later column uses passes through those between.
    """

    nodes: dict[Value, None] = field(default_factory=dict)
    made_by: dict[str, None] = field(default_factory=dict)
    symbols: dict[str, None] = field(default_factory=dict)


def calls_of_neurons(order: Sequence[Value]) -> dict[str, list[Neuron]]:
    """Return the calls of each neuron of a graph in topological order, by path, layer by layer.

    >>> from autodiff import topological_order, weighted_sum
    >>> from autodiff.support.made_by import MadeWithin, call_within
    >>> x, w, b = Value(3.0, "x"), Value(2.0, "w"), Value(1.0, "b")
    >>> def neuron():
    ...     return weighted_sum(b, [w], [x]).tanh()
    >>> output = call_within(MadeWithin("hidden[0]"), neuron)
    >>> (call,) = calls_of_neurons(topological_order(output.exp()))["hidden[0]"]
    >>> call.output is output, call.symbols
    (True, ['tanh'])
    """
    calls: dict[str, list[Neuron]] = {}
    owners: dict[Value, Neuron] = {}
    for node in order:
        path = module_of(node)
        if node.op is None or not path:
            continue
        if Role.WEIGHT in node.op.roles:
            owners[node] = Neuron(path, node, node)
            calls.setdefault(path, []).append(owners[node])
            continue
        owner = next((owners[parent] for parent in node.parents if parent in owners), None)
        if owner is not None and owner.path == path:
            owners[node] = owner
            owner.output = node
            owner.symbols.append(node.op.symbol)
    layers: dict[str, list[Neuron]] = {}
    for path, (first, *_) in calls.items():
        layers.setdefault(layer_of(path), []).append(first)
    neurons = [each for layer in layers.values() for each in sorted(layer, key=place_of)]
    return {neuron.path: calls[neuron.path] for neuron in neurons}


def place_of(neuron: Neuron) -> tuple[int, str]:
    """Return what sorts the neurons of a layer."""
    return len(neuron.path), neuron.path


class Network:
    """The neurons that the first output depends on, in columns, and the lines between them.

    Of a batch that is the first row; a network that feeds itself has a column for each call.
    ``columns`` begin with the inputs; ``homes`` says in which each Value stands.  What neurons
    take that is computed by something else, a norm say, has lines without weights.  ``calls`` is
    how many outputs there are.

    Raises ValueError if the graph has no neurons.
    """

    def __init__(self, order: Sequence[Value]) -> None:
        calls = calls_of_neurons(order)
        if not calls:
            raise ValueError(
                'style="network" finds no layers: no neuron of nn computed anything in the graph. '
                'Leave style out, or draw a module without neurons with fold="layer"'
            )
        every = [call for found in calls.values() for call in found]
        self.of_output = {call.output: call for call in every}
        self.parameters = {call.bias for call in every}
        self.parameters.update(parameter for call in every for parameter in call.weights)
        feeding = feeding_neurons(order, {call.sum for call in every})
        last = [[call for call in found if call.output not in feeding] for found in calls.values()]
        self.calls = max(map(len, last))
        self.lines: list[Line] = []
        used = self.used_by([found[0].output for found in last if found])
        self.neurons = {call.output: call for call in every if call.output in used}
        self.homes = self.homes_in(order)
        self.columns = self.filled_columns()

    def used_by(self, outputs: Sequence[Value]) -> set[Value]:
        """Return all that some outputs depend on, down to the inputs; add the lines to it."""
        used = set(outputs)
        pending = deque(outputs)
        while pending:
            node = pending.popleft()
            call = self.of_output.get(node)
            lines = list(self.lines_to(node) if call is None else call.lines)
            self.lines += lines
            tails = dict.fromkeys(tail for tail, _, _ in lines if tail not in used)
            used.update(tails)
            pending += [tail for tail in tails if tail.op is not None]
        return used

    def lines_to(self, node: Value) -> Iterator[Line]:
        """Yield a line to a Value from each neuron and each input that it is computed from."""
        seen: set[Value] = set()
        pending = deque(node.parents)
        while pending:
            parent = pending.popleft()
            if parent in seen or parent in self.parameters:
                continue
            seen.add(parent)
            is_input = parent.op is None and not module_of(parent) and bool(parent.name)
            if parent in self.of_output or is_input:
                yield parent, node, None
            else:
                pending += parent.parents

    def homes_in(self, order: Sequence[Value]) -> dict[Value, int]:
        """Return the column of each Value: behind what it takes; an input, before its first use."""
        tails: dict[Value, list[Value]] = {head: [] for _, head, _ in self.lines}
        for tail, head, _ in self.lines:
            tails[head].append(tail)
        homes: dict[Value, int] = {}
        for node in order:
            if node in tails:
                homes[node] = 1 + max(homes.get(tail, 0) for tail in tails[node])
        for tail, head, _ in self.lines:
            if tail not in tails:
                homes[tail] = min(homes[head] - 1, homes.get(tail, homes[head]))
        return homes

    def filled_columns(self) -> list[Column]:
        """Return the columns: inputs in the order in which they are taken, neurons in theirs."""
        columns = [Column() for _ in range(max(self.homes.values()) + 1)]
        for node, neuron in self.neurons.items():
            column = columns[self.homes[node]]
            column.nodes[node] = None
            column.made_by[layer_of(neuron.path)] = None
            column.symbols[", ".join(neuron.symbols) or LINEAR] = None
        weights_first = sorted(self.lines, key=lambda line: line[2] is None)
        for tail, head, _ in weights_first:
            home = self.homes[tail]
            if tail not in self.neurons:
                columns[home].nodes[tail] = None
                columns[home].made_by[layer_of(module_of(tail)) if tail.op else "inputs"] = None
            for column in columns[home + 1 : self.homes[head]]:
                column.nodes[tail] = None
        return columns


def feeding_neurons(order: Sequence[Value], sums: AbstractSet[Value]) -> set[Value]:
    """Return the nodes of a graph that some neuron's sum depends on."""
    feeding: set[Value] = set()
    for node in reversed(order):
        if node in sums or node in feeding:
            feeding.update(node.parents)
    return feeding
