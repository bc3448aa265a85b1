"""Running one program on every engine: eager, both forms of Python, C built by cc, JavaScript."""

from __future__ import annotations

import atexit
import ctypes
import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from autodiff import Program, ops
from autodiff.compiler.kernels import kernel_of
from autodiff.compiler.languages import JAVASCRIPT, LIBRARY_LINES
from autodiff.compiler.linear import Kind, Linear, Register
from autodiff.compiler.native import is_installed
from tests.bits import bits

CC, NODE = shutil.which("cc"), shutil.which("node")
FLAGS = "-std=c11 -Wall -Wextra -Werror -ffp-contract=off -O2 -shared -fPIC".split()

needs_cc = pytest.mark.skipif(CC is None, reason="needs a C compiler: no cc on the path")
needs_node = pytest.mark.skipif(NODE is None, reason="needs JavaScript: no node on the path")

PROGRAMS = ["python", "native"] if is_installed() else ["python"]
ENGINES = ["eager", *PROGRAMS]
each_program = pytest.mark.parametrize("engine", PROGRAMS)
each_engine = pytest.mark.parametrize("engine", ENGINES)
needs_llvmlite = pytest.mark.skipif(not is_installed(), reason="native code needs llvmlite")

Numbers = Sequence[float]

# A JavaScript function's name, its first arguments, and the arrays that it reads and fills.
Call = tuple[str, list[int], list[Numbers]]


def checked(program: Program) -> Program:
    """Return the program, its invariants checked in both of its forms."""
    check_linear(program.parts.linear)
    check_linear(program.expanded.linear)
    return program


def check_registers(linear: Linear) -> None:
    """Raise ValueError, naming the register, if an invariant does not hold.

    Operands come before their users, and each operation has as many as it takes.
    """
    for place, register in enumerate(linear.registers):
        if any(not 0 <= operand < place for operand in register.operands):
            raise ValueError(f"register {place} ({register.name}) is used before it is assigned")
        wanted = _operand_count(register)
        if wanted is not None and len(register.operands) != wanted:
            raise ValueError(
                f"register {place} ({register.name}) has {len(register.operands)} operands, "
                f"but {register.op or register.kind.name.lower()} takes {wanted}"
            )
        if (register.op is None) is (register.kind is Kind.OPERATION):
            raise ValueError(f"register {place} ({register.name}) has kind {register.kind}")


def _operand_count(register: Register) -> int | None:
    if register.op is not None:
        return register.op.arity
    return 1 if register.kind in (Kind.COPY, Kind.PART) else 0


def check_linear(linear: Linear) -> None:
    """Check registers, and that nothing known or equal is left."""
    check_registers(linear)
    done = set()
    for register in linear.registers:
        actual = tuple([linear.resolve(place) for place in register.operands])
        if register.op is not None:
            kinds = {linear.registers[place].kind for place in actual}
            assert kinds != {Kind.NUMBER}, f"{register} could have been computed"
            assert (register.op, actual) not in done, f"{register} is computed twice"
            done.add((register.op, actual))
    numbers = [bits(r.number) for r in linear.registers if r.kind is Kind.NUMBER]
    assert len(set(numbers)) == len(numbers)


def doubles(numbers: Numbers) -> Any:
    """Return a C array of the numbers."""
    return (ctypes.c_double * max(1, len(numbers)))(*numbers)


def build_c(source: str) -> ctypes.CDLL:
    """Return a C source as a loaded library; a warning of the compiler is an error."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "program.c")
        path.write_text(source, encoding="utf-8")
        assert CC is not None
        built = subprocess.run(
            [CC, *FLAGS, str(path), "-o", str(path.with_suffix(".so")), "-lm"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert built.returncode == 0, f"{built.stderr}\n{source}"
        return ctypes.CDLL(str(path.with_suffix(".so")))


@dataclass
class Result:
    """What a run leaves: every iteration's (or batch's) output, and the parameters."""

    outputs: list[float]
    parameters: list[float]


def c_file_of(sources: Sequence[str]) -> str:
    """Return several programs' C sources as one, their functions numbered: ``autodiff_step_0``."""
    renamed = []
    for place, text in enumerate(sources):
        names = re.findall(
            r"^(?:static )?(?:double|void) \(?\*?(?:const volatile )?(\w+)", text, re.M
        )
        words = "|".join(names)
        renamed.append(re.sub(rf"\b({words})(?=\(|\)\()", rf"\1_{place}", text))
    return "\n".join(renamed)


def together_in_c(programs: Sequence[Program]) -> list[InC]:
    """Return the programs, built as one C file: the compiler is started once."""
    library = build_c(c_file_of([program.to_c() for program in programs]))
    return [InC(program, library, f"_{place}") for place, program in enumerate(programs)]


class InC:
    """A program as its C file computes it."""

    def __init__(
        self, program: Program, library: ctypes.CDLL | None = None, suffix: str = ""
    ) -> None:
        self.program = program
        self.library = build_c(program.to_c()) if library is None else library
        self.c_step = self.library[f"autodiff_step{suffix}"]
        self.c_run = self.library[f"autodiff_run{suffix}"]
        self.c_step.restype = ctypes.c_double

    def step(self, parameters: Numbers, inputs: Numbers = ()) -> tuple[float, list[float]]:
        """Return the output and the gradients."""
        gradients = doubles([math.nan] * len(self.program.parts.gradients))
        output = self.c_step(doubles(parameters), doubles(inputs), gradients)
        return output, list(gradients)[: len(self.program.parts.gradients)]

    def run(self, n: int, parameters: Numbers) -> Result:
        """Return the result of a program without inputs."""
        outputs, memory = doubles([math.nan] * n), doubles(parameters)
        self.c_run(ctypes.c_long(n), memory, outputs)
        return Result(list(outputs)[:n], list(memory)[: len(parameters)])

    def run_rows(
        self, n: int, parameters: Numbers, rows: Sequence[Numbers], batch_size: int
    ) -> Result:
        """Return the result of a program over rows."""
        count = n * -(-len(rows) // batch_size)
        outputs, memory = doubles([math.nan] * count), doubles(parameters)
        flat = doubles([number for row in rows for number in row])
        sizes = map(ctypes.c_long, (n, len(rows), batch_size))
        self.c_run(*sizes, flat, memory, outputs)
        return Result(list(outputs)[:count], list(memory)[: len(parameters)])


# JSON has no nan and no infinities, and JavaScript writes -0 as 0: numbers travel as bits.
_JAVASCRIPT = """
const view = new DataView(new ArrayBuffer(8));
const read = (bits) => (view.setBigUint64(0, BigInt("0x" + bits)), view.getFloat64(0));
const write = (x) => (view.setFloat64(0, x), view.getBigUint64(0).toString(16).padStart(16, "0"));
const answer = ({ source, calls }) => {
  const program = { exports: {} };
  new Function("module", source)(program);
  return calls.map(({ name, head, arrays }) => {
    const memory = arrays.map((array) => Float64Array.from(array.map(read)));
    const output = program.exports[name](...head, ...memory);
    return { output: write(output ?? 0), arrays: memory.map((array) => Array.from(array, write)) };
  });
};
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  let result;
  try {
    result = { found: answer(JSON.parse(line)) };
  } catch (error) {
    result = { error: error.stack };
  }
  process.stdout.write(JSON.stringify(result) + "\\n");
});
"""


class Node:
    """A node process that answers one line with another, until its input is closed."""

    def __init__(self) -> None:
        assert NODE is not None
        self.process = subprocess.Popen(
            [NODE, "-e", _JAVASCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        atexit.register(self.close)

    def close(self) -> None:
        self.process.communicate(timeout=60)

    def call(self, source: str, calls: Sequence[Call]) -> list[tuple[float, list[list[float]]]]:
        """Return the output and the arrays after each call of a function of the source."""
        job = {
            "source": source,
            "calls": [
                {"name": name, "head": head, "arrays": [[*map(to_hex, a)] for a in arrays]}
                for name, head, arrays in calls
            ],
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, f"{answer['error']}\n{source}"
        return [
            (from_hex(one["output"]), [[*map(from_hex, array)] for array in one["arrays"]])
            for one in answer["found"]
        ]


@cache
def node() -> Node:
    """Return the one node process of all tests: starting one takes longer than most jobs."""
    return Node()


def to_hex(number: float) -> str:
    return bytes(ctypes.c_double.__ctype_be__(number)).hex()


def from_hex(text: str) -> float:
    return float(ctypes.c_double.__ctype_be__.from_buffer_copy(bytes.fromhex(text)).value)


class InJavaScript:
    """A program as its JavaScript file computes it, under node; calls are made together."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.source = program.to_javascript()

    def call(self, calls: Sequence[Call]) -> list[tuple[float, list[list[float]]]]:
        """Return the output and the arrays after each call of a function by name."""
        return node().call(self.source, calls)

    def steps(self, rows: Sequence[tuple[Numbers, Numbers]]) -> list[tuple[float, list[float]]]:
        """Return output and gradients for each pair of parameters and inputs."""
        empty = [math.nan] * len(self.program.parts.gradients)
        calls = [("step", [], [parameters, inputs, empty]) for parameters, inputs in rows]
        return [(output, arrays[2]) for output, arrays in self.call(calls)]

    def run(self, n: int, parameters: Numbers) -> Result:
        """Return the result of a program without inputs."""
        _, (memory, outputs) = self.call([("run", [n], [parameters, [math.nan] * n])])[0]
        return Result(outputs, memory)

    def run_rows(
        self, n: int, parameters: Numbers, rows: Sequence[Numbers], batch_size: int
    ) -> Result:
        """Return the result of a program over rows."""
        count = n * -(-len(rows) // batch_size)
        flat = [number for row in rows for number in row]
        arrays = [flat, parameters, [math.nan] * count]
        _, (_, memory, outputs) = self.call([("run", [n, len(rows), batch_size], arrays)])[0]
        return Result(outputs, memory)


# ---- JavaScript's Math in the place of C's library ------------------------------------------


class NodesMath:
    """What ``autodiff.ops`` needs of Python's ``math``, as node's ``Math`` computes it.

    With it, an eager pass has the very bits of a JavaScript program.
    """

    inf, nan, isinf, copysign = math.inf, math.nan, math.isinf, math.copysign

    def __getattr__(self, name: str) -> Any:
        function = self.__dict__[name] = NodesFunction(name)
        return function


class NodesFunction:
    """One function of node's ``Math``, by the name that Python's ``math`` has for it."""

    def __init__(self, name: str) -> None:
        self.source = "\n".join(
            [
                *LIBRARY_LINES[JAVASCRIPT].get(name, ()),
                f"module.exports = {{ f: (x) => {JAVASCRIPT.library(name)}(...x) }};",
            ]
        )
        self.known: dict[tuple[bytes, ...], float] = {}

    def __call__(self, *operands: float) -> float:
        key = tuple(map(bits, operands))
        if key not in self.known:
            ((self.known[key], _),) = node().call(self.source, [("f", [], [operands])])
        return self.known[key]


@contextmanager
def javascripts_math() -> Iterator[None]:
    """Give ``autodiff.ops`` node's ``Math`` in the place of C's library; also a decorator."""
    # A kernel calls what is Python's own math: the table's are read before it is another.
    for op in ops.OPERATIONS.values():
        if op.arity is not None:
            kernel_of(op)
    files = {sys.modules[op.forward.__module__] for op in ops.OPERATIONS.values()}
    theirs = NodesMath()
    with ExitStack() as patches:
        for file in files:
            if vars(file).get("math") is math:
                patches.enter_context(mock.patch.object(file, "math", theirs))
        yield
