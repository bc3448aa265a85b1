"""Chains and trees on scalar engines, forward and backward: ``python -m benchmarks.engines``.

A job builds a graph of one kind of operation on a few variables and differentiates it, with
Python's cyclic collector on, as users run it; the graph is dropped before the next is built.  Every
contender has a process of its own and they take turns (``benchmarks.turns``).

Small graphs have 600 nodes, the others 60,000, as a step of a small GPT has.  A chain is 600 deep
at most, as micrograd and microgpt walk a graph by recursion: the large one is a hundred of them,
summed.  PyTorch's scalars, tensors of one number, are measured on the small graphs alone.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.compare import figures_table, installed, significant, versions
from benchmarks.interleave import table
from benchmarks.scalars import CONTENDERS, Scalars, scalars_of
from benchmarks.turns import Numbers, seconds_in_turns

__all__ = ["OPERATIONS", "SHAPES", "SIZES", "make"]

# The nodes of a graph, and how many graphs are a turn.
SMALL = 600
SIZES = {SMALL: 50, 60_000: 2}
DEEPEST = 600  # nodes

# In pairs of a number and its reciprocal, so that long products stay near 1.
NUMBERS = (1.25, 0.8, 1.0625, 1 / 1.0625, 1.5, 1 / 1.5, 1.125, 1 / 1.125)

Combine = Callable[[Any, Any], Any]


def add(left: Any, right: Any) -> Any:
    """Return a node that adds."""
    return left + right


def subtract(left: Any, right: Any) -> Any:
    """Return a node that subtracts."""
    return left - right


def multiply(left: Any, right: Any) -> Any:
    """Return a node that multiplies."""
    return left * right


def divide(left: Any, right: Any) -> Any:
    """Return a node that divides."""
    return left / right


class TanhOfSum:
    """Two nodes: the hyperbolic tangent of a sum."""

    def __init__(self, scalars: Scalars) -> None:
        self.tanh = scalars.tanh

    def __call__(self, left: Any, right: Any) -> Any:
        """Return the second."""
        return self.tanh(left + right)


class AllFive:
    """Five nodes, one of each operation."""

    def __init__(self, scalars: Scalars, variables: Sequence[Any]) -> None:
        self.tanh = scalars.tanh
        self.factor, self.shift, self.divisor = variables[:3]

    def __call__(self, left: Any, right: Any) -> Any:
        """Return the last."""
        return self.tanh(((left + right) * self.factor - self.shift) / self.divisor)


PLAIN: dict[str, Combine] = {"+": add, "-": subtract, "*": multiply, "/": divide}
NODES = {"+": 1, "-": 1, "*": 1, "/": 1, "tanh": 2, "all five": 5}
OPERATIONS = tuple(NODES)


def combining(operation: str, scalars: Scalars, variables: Sequence[Any]) -> Combine:
    """Return what makes the nodes of an operation, ``NODES[operation]`` of them, from two."""
    if operation == "tanh":
        return TanhOfSum(scalars)
    if operation == "all five":
        return AllFive(scalars, variables)
    return PLAIN[operation]


def chain(combine: Combine, variables: Sequence[Any], links: int) -> Any:
    """Return the last of a chain: each link is made from the one before and a variable."""
    node = variables[0]
    for _ in range(links // len(variables)):
        for variable in variables:
            node = combine(node, variable)
    return node


def chains(combine: Combine, variables: Sequence[Any], links: int, nodes_a_link: int) -> Any:
    """Return the sum of chains of so many links together, each at most ``DEEPEST`` nodes deep."""
    count = -(-links * nodes_a_link // DEEPEST)
    total = chain(combine, variables, links // count)
    for _ in range(count - 1):
        total = total + chain(combine, variables, links // count)
    return total


def tree(combine: Combine, variables: Sequence[Any], links: int, nodes_a_link: int) -> Any:
    """Return the root of a balanced tree of so many links over the variables, used in turn."""
    leaves = list(variables) * (links // len(variables) + 1)
    level = leaves[: links + 1]
    while len(level) > 1:
        alone = [level.pop()] if len(level) % 2 else []
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [combine(left, right) for left, right in pairs] + alone
    return level[0]


SHAPES: dict[str, Callable[[Combine, Sequence[Any], int, int], Any]] = {
    "chain": chains,
    "tree": tree,
}


def make(contender: str, shape: str, operation: str, nodes: str) -> Numbers:
    """Return a contender's job: build, differentiate, and return loss and gradients."""
    scalars = scalars_of(contender)
    variables = [scalars.variable(number) for number in NUMBERS]
    combine = combining(operation, scalars, variables)
    build, nodes_a_link = SHAPES[shape], NODES[operation]
    links = int(nodes) // nodes_a_link

    def job() -> list[float]:
        scalars.clear_gradients(variables)
        loss = build(combine, variables, links, nodes_a_link)
        loss.backward()
        return [float(loss.data), *[float(variable.grad or 0.0) for variable in variables]]

    return job


def microseconds(contenders: Sequence[str], nodes: int) -> dict[str, list[float]]:
    """Return the median microseconds of each contender, for each shape and operation."""
    found = {}
    for shape in SHAPES:
        for operation in OPERATIONS:
            arguments = (shape, operation, str(nodes))
            seconds = seconds_in_turns("benchmarks.engines", contenders, arguments, SIZES[nodes])
            medians = [1e6 * statistics.median(seconds[name]) for name in contenders]
            found[f"{shape} of {operation}"] = medians
    return found


def size_tables(contenders: Sequence[str], nodes: int) -> str:
    """Return the tables of graphs of one size: the jobs, and what is to be reached in all."""
    found = microseconds(contenders, nodes)
    total = [sum(column) for column in zip(*found.values(), strict=True)]
    ratios = {job: [other / taken[0] for other in taken[1:]] for job, taken in found.items()}
    ratios["all"] = [other / total[0] for other in total[1:]]
    least = [min(column) for column in zip(*ratios.values(), strict=True)]

    name = f"{nodes:,} nodes"
    rows = [[name, *[f"{contender} µs" for contender in contenders]]]
    rows[0] += [f"times {contender}" for contender in contenders[1:]]
    for job, taken in [*found.items(), ("all", total)]:
        rows.append([job, *map(significant, [*taken, *ratios[job]])])
    rows.append(["least", *[""] * len(contenders), *map(significant, least)])
    return f"{table(rows)}\n\n{figures_table(name, dict(zip(contenders, total, strict=True)))}"


def main() -> None:
    """Print the tables, each as soon as it was measured."""
    contenders = installed(CONTENDERS)
    print(f"{versions(contenders)}\nfloat64, one thread, collector on, medians of turns")
    for nodes in SIZES:
        names = [c.name for c in contenders if nodes == SMALL or c.needs != "torch"]
        print(f"\n{size_tables(names, nodes)}", flush=True)


if __name__ == "__main__":
    main()
