"""Memory and time a node, from 1,000 to 1,000,000 nodes: ``python -m benchmarks.growth``.

Two shapes: a chain, each node made from the one before, and a wide graph, a balanced tree of
sums.  Bytes are what Python allocates for the graph (tracemalloc), leaves included; what the
interpreter keeps in its free lists is not in them.

Times are of the forward and of the backward pass, with Python's cyclic collector on, as users run
it, and paused.  Each size has fresh processes, as the collector's work depends on what was built
before: the first graph is the first of a process that has built nothing but a graph of ten nodes.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from autodiff import Value, collector_paused
from benchmarks.interleave import machine, table

SIZES = (1_000, 10_000, 100_000, 1_000_000)
PROCESSES = 5
# At most so many bytes a node, and so many times the cost of a node of the smallest graph.
BYTES = 160
GROWTH = 1.5


def chain(nodes: int) -> Value:
    """Return the last of a chain of products and sums with two variables."""
    weight, shift = Value(0.999), Value(0.001)
    node = Value(1.0)
    for _ in range(nodes // 2):
        node = node * weight + shift
    return node


def wide(nodes: int) -> Value:
    """Return the root of a balanced tree of sums over products of two variables."""
    left, right = Value(0.5), Value(0.25)
    level = [left * right for _ in range(nodes // 2)]
    while len(level) > 1:
        level = [
            level[place] + level[place + 1] if place + 1 < len(level) else level[place]
            for place in range(0, len(level), 2)
        ]
    return level[0]


SHAPES: dict[str, Callable[[int], Value]] = {"chain": chain, "wide": wide}
COLLECTOR: dict[str, Callable[[], AbstractContextManager[None]]] = {
    "on": nullcontext,
    "paused": collector_paused,
}
WAYS = ("forward", "backward")
# Of which costs the growth is told: collector, name, and the place of the first of the two times.
GROWTHS = (("on", "first graph", 0), ("on", "later graphs", 2), ("paused", "collector paused", 2))

# A shape, a number of nodes, and the collector "on" or "paused"; for shape and nodes, bytes a node.
Job = tuple[str, int, str]
Memory = Mapping[tuple[str, int], tuple[float, float]]


def bytes_a_node(make: Callable[[int], Value], nodes: int) -> tuple[float, float]:
    """Return the bytes a node of a graph before and after backward."""
    make(10).backward()  # what is made once is made now
    tracemalloc.start()
    try:
        nothing = allocated()
        root = make(nodes)
        forward = allocated() - nothing
        root.backward()
        both = allocated() - nothing
    finally:
        tracemalloc.stop()
    return forward / nodes, both / nodes


def allocated() -> int:
    """Return the bytes that Python has allocated, with its free lists empty."""
    gc.collect()  # a full collection empties them
    return tracemalloc.get_traced_memory()[0]


def passes(make: Callable[[int], Value], nodes: int) -> tuple[float, float]:
    """Return the nanoseconds a node of a forward pass and of its backward pass."""
    started = time.process_time_ns()
    root = make(nodes)
    made = time.process_time_ns()
    root.backward()
    ended = time.process_time_ns()
    return (made - started) / nodes, (ended - made) / nodes


def repetitions(nodes: int) -> int:
    """Return how many graphs of a size are enough for a median."""
    return max(3, min(31, 300_000 // nodes))


def nanoseconds(make: Callable[[int], Value], nodes: int, collector: str) -> list[float]:
    """Return the nanoseconds a node: first forward and backward pass, medians of later ones."""
    make(10).backward()
    with COLLECTOR[collector]():
        first = passes(make, nodes)
        later = [passes(make, nodes) for _ in range(repetitions(nodes))]
    return [*first, *[statistics.median(column) for column in zip(*later, strict=True)]]


def in_a_fresh_process(job: Job) -> list[float]:
    """Return ``nanoseconds`` as another process measures it."""
    command = [sys.executable, "-m", "benchmarks.growth", "--once", *map(str, job)]
    return list(json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))


def times_of(sizes: Sequence[int], processes: int) -> dict[Job, list[float]]:
    """Return the median ``nanoseconds`` of several processes for each job.

    The jobs take turns, so that a machine that slows down slows all sizes.
    """
    samples: dict[Job, list[list[float]]] = {
        (shape, nodes, collector): []
        for shape in SHAPES
        for nodes in sizes
        for collector in COLLECTOR
    }
    for _ in range(processes):
        for job, found in samples.items():
            found.append(in_a_fresh_process(job))
    return {
        job: [statistics.median(column) for column in zip(*found, strict=True)]
        for job, found in samples.items()
    }


def nodes_table(memory: Memory, times: Mapping[Job, Sequence[float]]) -> str:
    """Return the table of bytes and times."""
    rows = [["graph", "nodes", "bytes a node", "with gradients"]]
    rows[0] += [f"{which} {way} ns" for which in ("first", "later", "paused") for way in WAYS]
    for (shape, nodes), found in memory.items():
        figures = [*found, *times[shape, nodes, "on"], *times[shape, nodes, "paused"][2:]]
        rows.append([shape, f"{nodes:,}", *[f"{figure:.0f}" for figure in figures]])
    return table(rows)


def growth_table(memory: Memory, times: Mapping[Job, Sequence[float]]) -> str:
    """Return what is to be reached beside what was seen.

    Growth is how many times the cost of a node of the smallest graph, forward and backward
    together, the cost of one is where it is dearest.
    """
    rows = [["graph", "", "at most", "seen", ""]]
    for shape in SHAPES:
        most = max(found[1] for (kind, _), found in memory.items() if kind == shape)
        rows.append(_row(shape, "bytes a node, with gradients", BYTES, f"{most:.0f}", most))
        for collector, which, first in GROWTHS:
            costs = [
                sum(found[first : first + 2])
                for (kind, _, how), found in times.items()
                if (kind, how) == (shape, collector)
            ]
            grown = max(costs) / costs[0]
            rows.append(_row(shape, f"growth, {which}", GROWTH, f"{grown:.2f}", grown))
    return table(rows)


def _row(shape: str, what: str, most: float, shown: str, seen: float) -> list[str]:
    return [shape, what, f"{most:g}", shown, "ok" if seen <= most else "over"]


def main() -> None:
    """Print the tables, or one process's numbers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--once", nargs=3, metavar=("SHAPE", "NODES", "COLLECTOR"))
    once = parser.parse_args().once
    if once:
        shape, nodes, collector = once
        print(json.dumps(nanoseconds(SHAPES[shape], int(nodes), collector)))
        return
    memory = {
        (shape, nodes): bytes_a_node(make, nodes)
        for shape, make in SHAPES.items()
        for nodes in SIZES
    }
    times = times_of(SIZES, PROCESSES)
    print(f"{machine()}\nmedians of {PROCESSES} processes; collector on, and paused\n")
    print(f"{nodes_table(memory, times)}\n\n{growth_table(memory, times)}")


if __name__ == "__main__":
    main()
