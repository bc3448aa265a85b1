"""Compile time and memory, to 300,000 nodes: ``python -m benchmarks.compile_growth``.

Four graphs: a chain, a balanced tree of sums, a network's loss over more and more rows with the
updates of Adam, and a wider and wider network, compiled for one row and run over rows.  The stages
are ``compile`` (registers), the dense source, and what Python makes of that source; a run is one
iteration.  Memory is the most that Python has allocated while compiling (tracemalloc), beside the
graph.  Figures are for one of the program's operations.
"""

from __future__ import annotations

import math
import random
import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import nn
from autodiff import Program, Value, collector_paused, compile, topological_order
from autodiff.compiler.build import Updates
from benchmarks.growth import chain
from benchmarks.interleave import machine, table

SIZES = (1_000, 10_000, 100_000, 300_000)


@dataclass(frozen=True, slots=True)
class Job:
    """A graph and its updates; with ``inputs``, to be run over rows."""

    output: Value
    updates: Updates
    inputs: tuple[Value, ...] = ()

    def compiled(self, engine: str = "python") -> Program:
        """Return the program."""
        return compile(self.output, self.inputs, self.updates, engine=engine)

    def run_once(self, program: Program) -> None:
        """Do one iteration."""
        program.run(1, [[0.5] * len(self.inputs)] * 8 if self.inputs else None)


def descent(gradients: Mapping[Value, Value]) -> dict[Value, Value]:
    """Return the updates of gradient descent, without which no gradient would be computed."""
    return {variable: variable - 0.01 * gradient for variable, gradient in gradients.items()}


def long_chain(nodes: int) -> Job:
    """Return a chain of products and sums with two variables."""
    return Job(chain(nodes), descent)


def tree(nodes: int) -> Job:
    """Return a balanced tree of sums over different multiples of a variable."""
    weight = Value(0.5)
    level = [weight * float(place) for place in range(nodes // 3)]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [left + right for left, right in pairs] + level[len(level) // 2 * 2 :]
    return Job(level[0], descent)


def network(nodes: int) -> Job:
    """Return the loss of a network of 465 parameters, with the updates of Adam."""
    model = nn.MLP(8, [16, 16, 1], activation="tanh", rng=1)
    rng = random.Random(1)
    # A neuron's sum is one node, but takes two operations a weight, and four to go back.
    rows = [[rng.random() for _ in range(8)] for _ in range(1 + nodes // 2_500)]
    loss = nn.mse_loss([model(row) for row in rows], [rng.random() for _ in rows])
    return Job(loss, nn.Adam(model.parameters()).updates)


def wide_network(nodes: int) -> Job:
    """Return the loss of one row of a network with two layers as wide as it takes."""
    width = math.isqrt(nodes // 7)  # a weight takes seven operations
    model = nn.MLP(2, [width, width, 1], rng=1)
    x, y = [Value(0.0, "x[0]"), Value(0.0, "x[1]")], Value(1.0, "y")
    loss = nn.hinge_loss([model(x)], [y])
    return Job(loss, nn.SGD(model.parameters(), lr=0.1).updates, (*x, y))


JOBS: dict[str, Callable[[int], Job]] = {
    "chain": long_chain,
    "tree": tree,
    "network": network,
    "wide network over rows": wide_network,
}


def stages(job: Job) -> list[float]:
    """Return the seconds of each stage, and the program's operations."""
    marks = [time.process_time()]
    program = job.compiled()
    marks.append(time.process_time())
    _ = program.expanded
    marks.append(time.process_time())
    _ = program.run_source
    marks.append(time.process_time())
    _ = program.runner  # writes the source once more
    marks.append(time.process_time())
    job.run_once(program)
    marks.append(time.process_time())
    registers, expand, write, write_and_read, run = (b - a for a, b in pairwise(marks))
    operations = sum(register.op is not None for register in program.expanded.linear.registers)
    return [registers, expand + write, write_and_read - write, run, operations]


def most_bytes(job: Job) -> int:
    """Return the most bytes that compiling has in use."""
    tracemalloc.start()
    _ = job.compiled().runner
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def row(name: str, job: Job, repeats: int) -> list[str]:
    """Return the table's row of a job: the fastest of several compilations."""
    found = [stages(job) for _ in range(repeats)]
    *seconds, operations = (min(column) for column in zip(*found, strict=True))
    figures = [sum(seconds[:3]), *seconds]
    each = [f"{1e6 * figure / operations:.2f}" for figure in figures]
    nodes = len(topological_order(job.output))
    memory = f"{most_bytes(job) / operations:,.0f}"
    return [name, f"{nodes:,}", f"{operations:,.0f}", *each, memory]


def main() -> None:
    """Print a table for each graph, as soon as it was measured."""
    heading = ["graph", "nodes", "operations", "ready µs", "compile", "source", "Python", "run"]
    print(f"{machine()}; µs and bytes an operation")
    for name, make in JOBS.items():
        rows = [[*heading, "bytes"]]
        for size in SIZES:
            with collector_paused():
                rows.append(row(name, make(size), max(1, min(3, 30_000 // size))))
        print(f"\n{table(rows)}", flush=True)


if __name__ == "__main__":
    main()
