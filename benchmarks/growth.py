"""Memory and time a node, from 1,000 to 1,000,000 nodes: ``python -m benchmarks.growth``.

Two shapes: a chain, each node made from the one before, and a wide graph, a balanced tree of
sums.  Bytes are what Python allocates for the graph (tracemalloc), leaves included.  Times are
with Python's cyclic garbage collector paused, and the forward pass's with it running, too.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Callable

from autodiff import Value, collector_paused
from benchmarks.interleave import machine, table

SIZES = (1_000, 10_000, 100_000, 1_000_000)


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


def bytes_a_node(make: Callable[[int], Value], nodes: int) -> tuple[float, float]:
    """Return the bytes a node of a graph before and after backward."""
    tracemalloc.start()
    root = make(nodes)
    forward = tracemalloc.get_traced_memory()[0]
    root.backward()
    both = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return forward / nodes, both / nodes


def seconds_a_node(make: Callable[[int], Value], nodes: int) -> tuple[float, float]:
    """Return the median time a node of the forward and of the backward pass."""
    forward, backward = [], []
    for _ in range(max(3, min(31, 300_000 // nodes))):
        started = time.perf_counter()
        root = make(nodes)
        made = time.perf_counter()
        root.backward()
        ended = time.perf_counter()
        forward.append((made - started) / nodes)
        backward.append((ended - made) / nodes)
        del root
    return statistics.median(forward), statistics.median(backward)


def main() -> None:
    """Print the table."""
    rows = [["graph", "nodes", "bytes a node", "with gradients"]]
    rows[0] += ["forward ns", "backward ns", "forward ns, collector on"]
    for make in (chain, wide):
        for nodes in SIZES:
            forward_bytes, both_bytes = bytes_a_node(make, nodes)
            collected, _ = seconds_a_node(make, nodes)
            with collector_paused():
                forward, backward = seconds_a_node(make, nodes)
            rows.append(
                [make.__name__, f"{nodes:,}", f"{forward_bytes:.0f}", f"{both_bytes:.0f}"]
                + [f"{1e9 * seconds:.0f}" for seconds in (forward, backward, collected)]
            )
    print(f"{machine()}\n\n{table(rows)}")


if __name__ == "__main__":
    main()
