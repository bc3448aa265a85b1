"""What native programs are made of, and how long until they run: ``python -m benchmarks.ready``.

The lab's epoch, a row of moons and of a 2-64-64-1 network, and the step of a small GPT, with Adam,
on documents of 5, 8 and 16 tokens.  Each measurement is a process of its own, so that nothing is
warm, with llvmlite imported before the clock starts; the clock is the processor's, so that others'
work does not count.  Medians count.

A *pack* is operations that are alike; a *stretch* is a loop over lanes of one pack, or of several
together, whose numbers lie alike.  Stretches that differ in addresses alone share their code.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import nn
from autodiff import Value, collector_paused, compile
from autodiff.compiler import llvm
from autodiff.compiler.build import Parts, build, record_program
from autodiff.compiler.llvm_functions import Functions
from autodiff.compiler.native import compiled, exp_width_for, lanes, loaded
from autodiff.compiler.object_cache import CACHE_SETTING
from benchmarks import gpt, moons
from benchmarks.interleave import machine, table, version_of
from benchmarks.wide import WIDE
from demos.lab import LAB
from demos.one_row import lab_model

SIZES = ("operations", "packs", "stretches", "bytes of code")
STAGES = ("graph", "registers", "exp", "loops", "LLVM")
REPETITIONS = {"the lab": 11, "moons": 11}  # of others, 3

# Milliseconds, at most, until the first step is done.
FIGURES = {"the lab": 40.0, "moons": 80.0, "GPT, 8 tokens": 3_000.0}


ROWS = [[0.5, -0.5, 1.0]]


def lab_job() -> dict[str, Any]:
    """Return what ``compile`` gets for an epoch of the lab."""
    model = lab_model()
    optimizer = nn.SGD(model.parameters(), lr=LAB.learning_rate)
    loss = nn.mse_loss([model(row) for row in LAB.x], LAB.y)
    return {"output": loss, "updates": optimizer.updates}


def rows_job(job: moons.Job) -> dict[str, Any]:
    """Return what ``compile`` gets for a row of moons."""
    model = job.model()
    x, y = [Value(0.0, "x[0]"), Value(0.0, "x[1]")], Value(1.0, "y")
    return {
        "output": nn.hinge_loss([model(x)], [y]),
        "inputs": [*x, y],
        "updates": nn.SGD(model.parameters(), lr=moons.LEARNING_RATE).updates,
        "penalty": moons.penalty_of(model.parameters()),
    }


def moons_job() -> dict[str, Any]:
    """Return what ``compile`` gets for a row of moons."""
    return rows_job(moons.MOONS)


def wide_job() -> dict[str, Any]:
    """Return what ``compile`` gets for a row of a network of 64 neurons a layer."""
    return rows_job(WIDE)


def gpt_job(length: int) -> dict[str, Any]:
    """Return what ``compile`` gets for a document of so many tokens."""
    rng, matrices = random.Random(length), gpt.weights()
    tokens = [gpt.ALPHABET - 1, *[rng.randrange(gpt.ALPHABET - 1) for _ in range(length)]]
    optimizer = nn.Adam(gpt.parameters_of(matrices))
    return {"output": gpt.document_loss(matrices, tokens), "updates": optimizer.updates}


def gpt_5() -> dict[str, Any]:
    """Return what ``compile`` gets for a document of 5 tokens."""
    return gpt_job(5)


def gpt_8() -> dict[str, Any]:
    """Return what ``compile`` gets for a document of 8 tokens."""
    return gpt_job(8)


def gpt_16() -> dict[str, Any]:
    """Return what ``compile`` gets for a document of 16 tokens."""
    return gpt_job(16)


JOBS: dict[str, Callable[[], dict[str, Any]]] = {
    "the lab": lab_job,
    "moons": moons_job,
    "2-64-64-1": wide_job,
    "GPT, 5 tokens": gpt_5,
    "GPT, 8 tokens": gpt_8,
    "GPT, 16 tokens": gpt_16,
}


def until_trained(name: str) -> float:
    """Return the milliseconds until a job's first step is done, as users have it."""
    importlib.import_module("llvmlite.binding")
    with collector_paused():
        began = time.process_time()
        program = compile(**JOBS[name](), engine="native")
        program.run(1, ROWS if program.inputs else None)
        return 1e3 * (time.process_time() - began)


def sizes_and_stages(name: str) -> list[float]:
    """Return the sizes of a job's program, and the milliseconds of each stage."""
    importlib.import_module("llvmlite.binding")
    marks = [time.process_time()]

    def mark() -> None:
        marks.append(time.process_time())

    with collector_paused():
        job = JOBS[name]()
        mark()
        recording = record_program(
            job["output"], job.get("inputs", ()), job["updates"], job.get("penalty")
        )
        parts = build(recording, named=False, unguarded=True)
        mark()
        operations = sum(register.op is not None for register in parts.linear.registers)
        width = exp_width_for(parts)
        mark()
        text = llvm.assembly_of(parts, lanes(), width).text
        mark()
        code = compiled(text)
        _ = loaded(code)
        mark()
        packs, stretches = packs_and_stretches(parts, width)
    stages = [1e3 * (b - a) for a, b in itertools.pairwise(marks)]
    return [operations, packs, stretches, len(code), *stages]


def packs_and_stretches(parts: Parts, width: int) -> tuple[int, int]:
    """Return how many packs a program has, and how many loops compute them."""
    packs: list[int] = []
    stretches: list[int] = []
    packs_of, call = llvm.packs_of, Functions.call

    def counted_packs(*arguments: Any) -> Any:
        found = packs_of(*arguments)
        packs.append(len(found))
        return found

    def counted_call(functions: Functions, name: str, calls: Sequence[Any], *rest: Any) -> Any:
        stretches.append(len(calls))
        return call(functions, name, calls, *rest)

    with (
        mock.patch.object(llvm, "packs_of", counted_packs),
        mock.patch.object(Functions, "call", counted_call),
    ):
        llvm.assembly_of(parts, lanes(), width)
    return sum(packs), sum(stretches)


def in_a_fresh_process(name: str, what: str, folder: str = "") -> Any:
    """Return what a function of this module measures in a process, with or without a cache."""
    command = [sys.executable, "-m", "benchmarks.ready", "--measure", what, name]
    environment = {**os.environ, CACHE_SETTING: folder}
    found = subprocess.run(command, capture_output=True, check=True, env=environment)
    return json.loads(found.stdout)


MEASURED: dict[str, Callable[[str], Any]] = {
    "stages": sizes_and_stages,
    "trained": until_trained,
}


def row(name: str) -> list[str]:
    """Return the table's row of a job: medians."""
    repetitions = range(REPETITIONS.get(name, 3))
    found = [in_a_fresh_process(name, "stages") for _ in repetitions]
    whole = [in_a_fresh_process(name, "trained") for _ in repetitions]
    with tempfile.TemporaryDirectory() as folder:
        in_a_fresh_process(name, "trained", folder)
        cached = [in_a_fresh_process(name, "trained", folder) for _ in repetitions]
    figures = [statistics.median(column) for column in zip(*found, strict=True)]
    sizes, stages = figures[: len(SIZES)], figures[len(SIZES) :]
    all_, most = statistics.median(whole), FIGURES.get(name)
    verdict = "" if most is None else f"{most:,.0f}: {'ok' if all_ <= most else 'short'}"
    times = [f"{ms:,.0f}" for ms in (*stages, all_, statistics.median(cached))]
    return [name, *[f"{size:,.0f}" for size in sizes], *times, verdict]


def main() -> None:
    """Print the table, or what one process measures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ready", description=__doc__)
    parser.add_argument("--measure", choices=MEASURED, help="measure here, once, and print JSON")
    parser.add_argument("jobs", nargs="*", default=[*JOBS], help="of which programs")
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(MEASURED[options.measure](options.jobs[0])))
        return
    if version_of("llvmlite") is None:
        print("native is left out: llvmlite is not installed (pip install llvmlite)")
        return
    rows = [row(name) for name in options.jobs]
    print(f"{machine()}; llvmlite {version_of('llvmlite')}; milliseconds of the processor")
    heading = ["program", *SIZES, *STAGES, "first step done", "from the cache", "at most"]
    print(f"\n{table([heading, *rows])}")


if __name__ == "__main__":
    main()
