"""Native compile time an operation, to 300,000 nodes: ``python -m benchmarks.native_growth``.

The graphs are those of ``benchmarks.compile_growth``.  The stages are ``compile`` (registers), the
registers that machines run, and machine code; a run is one iteration.
"""

from __future__ import annotations

import statistics
import time

from autodiff import collector_paused, topological_order
from benchmarks.compile_growth import JOBS, SIZES, Job
from benchmarks.interleave import machine, table, version_of


def stages(job: Job) -> list[float]:
    """Return the seconds of each stage, and the program's operations."""
    began = time.perf_counter()
    program = job.compiled("native")
    compiled = time.perf_counter()
    expanded = program.expanded
    flat = time.perf_counter()
    _ = program.runner
    ready = time.perf_counter()
    job.run_once(program)
    ran = time.perf_counter()
    operations = sum(register.op is not None for register in expanded.linear.registers)
    return [compiled - began, flat - compiled, ready - flat, ran - ready, operations]


def row(name: str, job: Job, repeats: int) -> list[str]:
    """Return the table's row of a job: medians of several compilations."""
    found = [stages(job) for _ in range(repeats)]
    *seconds, operations = (statistics.median(column) for column in zip(*found, strict=True))
    each = [f"{1e6 * figure / operations:.2f}" for figure in (sum(seconds[:3]), *seconds)]
    nodes = len(topological_order(job.output))
    return [name, f"{nodes:,}", f"{operations:,.0f}", *each, f"{sum(seconds[:3]):.2f}"]


def main() -> None:
    """Print a table for each graph, as soon as it was measured."""
    if version_of("llvmlite") is None:
        print("native is left out: llvmlite is not installed (pip install llvmlite)")
        return
    heading = ["graph", "nodes", "operations", "ready µs", "compile", "registers", "machine code"]
    print(f"{machine()}; llvmlite {version_of('llvmlite')}; µs an operation")
    for name, make in JOBS.items():
        rows = [[*heading, "run", "ready s"]]
        for size in SIZES:
            with collector_paused():
                rows.append(row(name, make(size), max(1, min(5, 30_000 // size))))
        print(f"\n{table(rows)}", flush=True)


if __name__ == "__main__":
    main()
