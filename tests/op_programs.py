"""One operation as a program: its value, its local derivatives and its second derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from autodiff import Program, Value, compile, grad
from autodiff.ops import OPERATIONS
from tests.bits import all_bits
from tests.engines import InC, InJavaScript, checked, together_in_c
from tests.op_cases import OP_CASES, Operands

# A value, n local derivatives, and n * n second derivatives: d² / d first d second, row by row.
Numbers = list[float]


def eager_derivatives(name: str, operands: Operands) -> Numbers:
    """Return an operation's value, local derivatives and second derivatives, by ``grad``.

    ``backward()``, ``grad`` and the rule on floats have to agree on the local derivatives.
    """
    operation = OPERATIONS[name]
    leaves = [Value(number) for number in operands]
    node = Value.make_node(operation, *leaves)
    node.backward()
    firsts = grad(node, leaves)
    first = [derivative.data for derivative in firsts]
    by_backward, by_rule = [leaf.grad for leaf in leaves], operation.partials(node.data, *operands)
    assert all_bits(first) == all_bits(by_backward) == all_bits(map(float, by_rule)), operands
    second = [entry.data for row in firsts for entry in grad(row, leaves)]
    return [node.data, *first, *second]


class OpProgram:
    """An operation of some number of operands as a program, on every engine.

    Each derivative is the update of a variable of its own, so that a run of one iteration leaves
    all of them.
    """

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.leaves = [Value(0.5, f"x{place}") for place in range(count)]
        self.results = [Value(0.0, f"derivative{place}") for place in range(count + count * count)]
        self.output = Value.make_node(OPERATIONS[name], *self.leaves)
        self.program = checked(compile(self.output, updates=self.derivatives))

    def derivatives(self, gradients: Mapping[Value, Value]) -> dict[Value, Value]:
        """Return the updates: the program's own gradients, and those of ``grad`` twice."""
        firsts = [gradients[leaf] for leaf in self.leaves]
        rows = [grad(first, self.leaves) for first in grad(self.output, self.leaves)]
        seconds = [entry for row in rows for entry in row]
        return dict(zip(self.results, [*firsts, *seconds], strict=True))

    def start(self, operands: Operands) -> Numbers:
        """Return the numbers that the program's variables start from, in its order."""
        given = dict(zip(self.leaves, operands, strict=True))
        return [given.get(variable, 0.0) for variable in self.program.variables]

    def found(self, output: float, ended: Mapping[Value, float]) -> Numbers:
        return [output, *[ended[result] for result in self.results]]

    def after(self, output: float, numbers: Numbers) -> Numbers:
        """Return the results, given what the program's variables are after an iteration."""
        return self.found(output, dict(zip(self.program.variables, numbers, strict=True)))

    # ---- the engines -----------------------------------------------------------------------

    def readable(self, operands: Operands) -> Numbers:
        """Return the results of the Python to read."""
        output, _, updated = self.program.step(self.start(operands))
        return self.found(output, dict(zip(self.program.parts.updates, updated, strict=True)))

    def dense(self, operands: Operands) -> Numbers:
        """Return the results of the Python to run."""
        return self.run(self.program, operands)

    def native(self, operands: Operands) -> Numbers:
        """Return the results of machine code."""
        return self.run(native_program(self), operands)

    def run(self, program: Program, operands: Operands) -> Numbers:
        for leaf, number in zip(self.leaves, operands, strict=True):
            leaf.data = number
        (output,) = program.run(1)
        return [output, *[result.data for result in self.results]]

    def in_c(self, operands: Operands) -> Numbers:
        """Return the results of the C file."""
        found = c_programs()[self].run(1, self.start(operands))
        return self.after(found.outputs[0], found.parameters)

    def in_javascript(self, cases: list[Operands]) -> list[Numbers]:
        """Return the results of the JavaScript file for each of many operands."""
        return javascript_results(InJavaScript(self.program), self, cases)


def javascript_results(
    engine: InJavaScript, op_program: OpProgram, cases: list[Operands]
) -> list[Numbers]:
    calls = [("run", [1], [op_program.start(operands), [0.0]]) for operands in cases]
    return [op_program.after(outputs[0], numbers) for _, (numbers, outputs) in engine.call(calls)]


@cache
def op_program(name: str, count: int) -> OpProgram:
    """Return the program of an operation of that many operands."""
    return OpProgram(name, count)


@cache
def native_program(of: OpProgram) -> Program:
    return compile(of.output, updates=of.derivatives, engine="native")


@cache
def c_programs() -> dict[OpProgram, InC]:
    """Return the programs of all operations in C, built by one call of the compiler."""
    counts = {(name, len(row)) for name, case in OP_CASES.items() for row in case.operands()}
    programs = [op_program(name, count) for name, count in sorted(counts)]
    engines = together_in_c([each.program for each in programs])
    return dict(zip(programs, engines, strict=True))
