"""What a heat map shows: numbers in rows and columns, from a graph, a module, states or a trace.

Parameters are found by their paths, ``hidden.weight[2][1]``, whoever gave them: a module, its
``state_dict()``, or labels in the user's own code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from autodiff.debug.trace import Trace
from autodiff.drawing.folds.parts import layer_of
from autodiff.drawing.networks.neurons import Neuron, calls_of_neurons
from autodiff.drawing.shown import number_shown
from autodiff.support.convert import describe, to_float
from autodiff.value import Value

__all__ = [
    "Matrix",
    "Panel",
    "matrices_of_calls",
    "matrices_of_variables",
    "panels_of_states",
    "panels_of_trace",
    "variables_in",
]

Number: TypeAlias = float | None
Of: TypeAlias = Callable[[Value], Number]

# A place in an array, and the numbers of each array by its path.
Place: TypeAlias = tuple[int, ...]
Arrays: TypeAlias = dict[str, dict[Place, Number]]

BIAS: Final = "b"
INDEXED: Final = re.compile(r"^(.*?)((?:\[\d+\])+)$", re.DOTALL)
MOST_EPOCHS: Final = 6  # of a trace, evenly spread
MOST_DEPTH: Final = 8  # of lists in lists


@dataclass(frozen=True, slots=True)
class Matrix:
    """Numbers, each row and each column with its name; None is one that is not known."""

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    numbers: Sequence[Sequence[Number]]


@dataclass(frozen=True, slots=True)
class Panel:
    """The matrices of one moment of a training."""

    title: str
    matrices: Sequence[Matrix]


# ---- parameters --------------------------------------------------------------------------------


def variables_in(order: Sequence[Value]) -> list[Value]:
    """Return the variables of a graph in topological order, by their first use."""
    used = [parent for node in order for parent in node.parents]
    return [node for node in dict.fromkeys([*used, order[-1]]) if node.op is None]


def matrices_of_variables(nodes: Iterable[Value], number_of: Of) -> list[Matrix]:
    """Return matrices with the numbers of variables, by their names.

    >>> from autodiff.drawing.moment import NOW
    >>> names = "layer.weight[0][0]", "layer.weight[0][1]", "layer.bias[0]"
    >>> variables = [Value(float(place), name) for place, name in enumerate(names)]
    >>> for matrix in matrices_of_variables(variables, NOW.value_of):
    ...     print(matrix.title, matrix.columns, matrix.numbers)
    layer ['0', '1', 'b'] [[0.0, 1.0, 2.0]]
    """
    arrays: Arrays = {}
    for node in nodes:
        if node.op is None and not node.is_constant and node.name:
            indexed = INDEXED.match(node.name)
            stem, indices = indexed.groups() if indexed else (node.name, "")
            place = tuple(map(int, re.findall(r"\d+", indices)))
            arrays.setdefault(stem, {})[place] = number_of(node)
    return matrices_of(arrays)


def matrices_of(arrays: Arrays) -> list[Matrix]:
    """Return arrays as matrices, a bias as the last column of its weights."""
    matrices: list[Matrix] = []
    for path, array in arrays.items():
        owner, _, name = path.rpartition(".")
        start = f"{owner}." if owner else ""
        if name == "bias" and has_bias(arrays.get(f"{start}weight", {}), array):
            continue  # it is beside its weights
        bias = arrays.get(f"{start}bias", {}) if name == "weight" else {}
        if not has_bias(array, bias):
            owner, bias = "", {}
        for outer in dict.fromkeys(place[:-2] for place in array):
            at = "".join(f"[{place}]" for place in outer)
            inside = [inner_places(each, outer) for each in (array, bias)]
            matrices.append(matrix_of(f"{owner or path}{at}", *inside))
    return matrices


def has_bias(weights: Mapping[Place, Number], bias: Mapping[Place, Number]) -> bool:
    """Return whether there is one bias for each row of the weights."""
    return bool(weights) and {place[:-1] for place in weights} == set(bias)


def inner_places(array: Mapping[Place, Number], outer: Place) -> dict[Place, Number]:
    """Return what an array has at a place, by the rest of its places."""
    count = len(outer)
    return {place[count:]: number for place, number in array.items() if place[:count] == outer}


def matrix_of(title: str, array: Mapping[Place, Number], bias: Mapping[Place, Number]) -> Matrix:
    """Return an array of at most two dimensions as a matrix; one dimension is a row."""
    cells = {(0, 0, *place)[-2:]: number for place, number in array.items()}
    biases = {(0, *place)[-1]: number for place, number in bias.items()}
    rows, columns = (sorted({place[axis] for place in cells}) for axis in (0, 1))
    numbers = [[cells.get((row, column)) for column in columns] for row in rows]
    names = [str(column) for column in columns]
    if biases:
        numbers = [[*line, biases.get(row)] for line, row in zip(numbers, rows, strict=True)]
        names.append(BIAS)
    is_row = all(len(place) < 2 for place in array)
    return Matrix(title, [""] if is_row else [str(row) for row in rows], names, numbers)


# ---- activations -------------------------------------------------------------------------------


def matrices_of_calls(order: Sequence[Value], passes: Sequence[Of]) -> list[Matrix]:
    """Return a matrix for each layer, with a row for each call, and one of the first's inputs.

    ``passes`` give the numbers of one pass each: the calls of the first come first.
    """
    calls = list(calls_of_neurons(order).values())
    layers: dict[str, list[list[Neuron]]] = {}
    for neuron in calls:
        layers.setdefault(layer_of(neuron[0].path), []).append(neuron)
    matrices: list[Matrix] = []
    for title, neurons in layers.items():
        if not matrices:
            inputs = [[tail for tail, _, _ in call.lines] for call in neurons[0]]
            names = [node.name or str(place) for place, node in enumerate(inputs[0])]
            matrices.append(rows_of("inputs", names, inputs, passes))
        lines = zip(*neurons, strict=False)  # the neurons of each call
        outputs = [[neuron.output for neuron in line] for line in lines]
        matrices.append(rows_of(title, list(map(str, range(len(neurons)))), outputs, passes))
    return matrices


def rows_of(
    title: str, columns: Sequence[str], lines: Sequence[Sequence[Value]], passes: Sequence[Of]
) -> Matrix:
    """Return a matrix with the numbers of some Values in each row, in each pass."""
    numbers = [[number_of(node) for node in line] for number_of in passes for line in lines]
    return Matrix(title, [f"row {row}" for row in range(1, len(numbers) + 1)], columns, numbers)


# ---- over epochs -------------------------------------------------------------------------------


def panels_of_states(states: Mapping[Any, Any] | Sequence[Any]) -> list[Panel]:
    """Return a panel for each state that ``state_dict()`` returned, by epoch or in a list.

    Raises TypeError or ValueError, naming the entry, for what is no state.
    """
    if not isinstance(states, Mapping):
        named = {f"state {place}": state for place, state in enumerate(states)}
    elif all(isinstance(state, Mapping) for state in states.values()):
        named = {
            f"epoch {name:,}" if isinstance(name, int) else str(name): state
            for name, state in states.items()
        }
    else:
        named = {"": states}
    panels = []
    for title, state in named.items():
        if not isinstance(state, Mapping):
            raise TypeError(f"{title} must be a state_dict(), but is {describe(state)}")
        arrays = {str(path): dict(flattened(tree, str(path))) for path, tree in state.items()}
        panels.append(Panel(title, matrices_of(arrays)))
    return panels


def flattened(tree: Any, path: str, place: Place = ()) -> Iterator[tuple[Place, Number]]:
    """Yield the numbers of lists in lists by their places."""
    tree = tree.tolist() if hasattr(tree, "tolist") else tree
    if isinstance(tree, (list, tuple)):
        if len(place) == MOST_DEPTH:
            raise ValueError(f"{path} has lists that are more than {MOST_DEPTH} deep")
        for row, branch in enumerate(tree):
            yield from flattened(branch, path, (*place, row))
    else:
        yield place, to_float(tree, path)


def panels_of_trace(trace: Trace, of: str) -> list[Panel]:
    """Return a panel for each of a few epochs of a trace, which stays where it is."""
    before = trace.position, trace.epoch, trace.nth
    count = min(trace.epochs, MOST_EPOCHS)
    epochs = [place * (trace.epochs - 1) // max(count - 1, 1) for place in range(count)]
    try:
        panels = [panel_of_epoch(trace, of, epoch) for epoch in epochs]
    finally:
        position, epoch, nth = before
        trace.goto(position, epoch=epoch, nth=nth)
    return panels


def panel_of_epoch(trace: Trace, of: str, epoch: int) -> Panel:
    """Return the panel of an epoch; gradients are those at its end."""
    passes: list[Of] = []
    trace.goto(0, epoch=epoch)
    for nth in range(trace.passes):
        trace.goto(0, epoch=epoch, nth=nth)
        passes.append(trace.pass_numbers.get)
    title, root = f"epoch {epoch:,}", trace.root
    if root.name:
        title += f": {root.name} {number_shown(trace.pass_numbers[root], 3)}"
    if of == "activations":
        return Panel(title, matrices_of_calls(trace.order, passes))
    number_of = passes[0]
    if of == "gradients":
        trace.goto(0, "update")
        number_of = trace.gradients.get
    return Panel(title, matrices_of_variables(variables_in(trace.order), number_of))
