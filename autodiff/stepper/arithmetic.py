"""What the page of a graph computes: JavaScript that the compiler writes.

``trace`` is the whole pass for any numbers of the variables.  ``rule0``, ``rule1``, ... are its
operations one by one, for numbers that a person has predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autodiff.compiler.build import record_program
from autodiff.compiler.decisions import decisions_in
from autodiff.compiler.program import Program, compile
from autodiff.gradient import GradientSteps, is_taken
from autodiff.ops import Operation
from autodiff.value import Value, constant

__all__ = ["Arithmetic", "arithmetic_of", "fixed"]

REPEATED = (
    "This page does again what was done then, so after a change its numbers may be others than "
    "your program's"
)


@dataclass
class Arithmetic:
    """The JavaScript, and what may be wrong with its numbers.

    ``rules`` has the place of each node's operation among those of ``rule0``, ``rule1``, ...; None
    for a leaf.  ``note`` says why the numbers can't be changed, or may then be others than the
    user's code would give.
    """

    javascript: str = ""
    rules: list[int | None] = field(default_factory=list)
    note: str = ""


def arithmetic_of(
    root: Value, nodes: Sequence[Value], variables: Sequence[Value], trace: Mapping[str, Value]
) -> Arithmetic:
    """Return what a page computes: ``trace`` from the numbers of the variables, and the rules."""
    try:
        recording = record_program(root, variables, updates=None, penalty=None)
        rules, places = rules_of(nodes)
        written = [Program(root, recording).to_javascript({"trace": trace}), rules]
    except ValueError as error:
        return fixed(nodes, str(error))
    found = decisions_in(recording.graphs, variables, recording.notes.looks).decisions
    note = f"{'; '.join(found)}. {REPEATED}" if found else ""
    return Arithmetic(both(written), places, note)


def fixed(nodes: Sequence[Value], why: str) -> Arithmetic:
    """Return what a page computes whose numbers cannot be changed: nothing."""
    return Arithmetic(rules=[None] * len(nodes), note=f"Numbers are fixed here: {why}")


def rules_of(nodes: Sequence[Value]) -> tuple[str, list[int | None]]:
    """Return a program with a function for each operation, and which is whose.

    ``rule0(parameters, operands, outputs)`` writes the result, and for each operand the local
    derivative and what is above 0 where that operand is taken.
    """
    operands = [Value(0.5) for _ in range(max([1, *(len(node.parents) for node in nodes)]))]
    found: dict[tuple[Operation, int], int] = {}
    functions: dict[str, dict[str, Value]] = {}
    places: list[int | None] = []
    for node in nodes:
        if node.op is None:
            places.append(None)
            continue
        key = (node.op, len(node.parents))
        if key not in found:
            found[key] = len(found)
            functions[f"rule{found[key]}"] = rule_of(node.op, operands[: len(node.parents)])
        places.append(found[key])
    program = compile(operands[0] * 1.0, inputs=operands)
    return program.to_javascript(functions), places


def rule_of(op: Operation, operands: Sequence[Value]) -> dict[str, Value]:
    """Return the results of one operation's function."""
    out = Value.make_node(op, *operands)
    results = {"result": out}
    steps = {step.position: step for step in GradientSteps(out, operands)}
    for position in range(len(operands)):
        step = steps.get(position)
        results[f"local derivative {position + 1}"] = constant(0.0) if step is None else step.local
        results[f"taken {position + 1}"] = (
            constant(0.0) if step is None else is_taken(step.contribution)
        )
    return results


def both(programs: Sequence[str]) -> str:
    """Return programs as one, whose functions are those of all."""
    parts = [
        "Object.assign(exports, (function () {\nconst module = { exports: {} };\n"
        f"{program}\nreturn module.exports;\n}})());"
        for program in programs
    ]
    return "const exports = {};\n" + "\n".join(parts) + "\nmodule.exports = exports;\n"
