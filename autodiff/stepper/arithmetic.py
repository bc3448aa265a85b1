"""What the page of a graph computes: JavaScript that the compiler writes for its operations.

``result0``, ``result1``, ... compute what an operation gives for its operands, ``rule0``, ... their
local derivatives.  The page applies them node by node, as an eager pass does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from autodiff.compiler.build import record_program
from autodiff.compiler.decisions import decisions_in
from autodiff.compiler.program import compile
from autodiff.debug.steps import steps_of
from autodiff.gradient import GradientSteps, is_taken
from autodiff.graph import topological_order
from autodiff.ops import NOTHING, OPERATIONS, Operation, local_derivatives
from autodiff.stepper.expression import expression_of, formula_of
from autodiff.stepper.packing import packed_floats
from autodiff.value import Value, constant

__all__ = ["Arithmetic", "arithmetic_of", "both", "fixed_arithmetic", "operations_of"]

REPEATED = (
    "This page does again what was done then, so after a change its numbers may be others than "
    "your program's"
)

Entry: TypeAlias = dict[str, Any]
Results: TypeAlias = dict[str, Value]

# These give the same bits in every language.
EXACT = frozenset(
    OPERATIONS[name]
    for name in (
        *("add", "sub", "mul", "div", "neg", "square", "sqrt", "abs", "relu", "where"),
        *("maximum", "minimum"),
    )
)


@dataclass
class Arithmetic:
    """The JavaScript, and what the page has to know beside it.

    ``table`` describes each operation: its ``formula`` of the operands ``0``, ``1``, ...; for each
    operand the ``locals``, written so, ``receives``: whether it may be taken at all, ``exact``:
    whether JavaScript has the local derivative to the last bit, and ``roles``, which say why it may
    be 0.  Where JavaScript has other last bits, the eager pass's own are in ``given``, in the order
    of a pass.  ``made`` is the place of each result's operation in the table.  ``note`` says why
    the numbers can't be changed, or may then be others than the user's code would give.
    """

    javascript: str = ""
    table: list[Entry] = field(default_factory=list)
    made: dict[Value, int] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    def entry(self, node: Value) -> Entry:
        """Return what the table has of the operation that made a node."""
        return self.table[self.made[node]]


def arithmetic_of(root: Value, nodes: Sequence[Value], variables: Sequence[Value]) -> Arithmetic:
    """Return what a page computes from the numbers of the variables; nothing if it cannot."""
    try:
        recording = record_program(root, variables, updates=None, penalty=None)
        found = operations_of(nodes)
    except ValueError as error:
        return fixed_arithmetic(root, nodes, str(error))
    decided = decisions_in(recording.graphs, variables, recording.notes.looks).decisions
    found.note = f"{'; '.join(decided)}. {REPEATED}" if decided else ""
    return found


def operations_of(nodes: Sequence[Value]) -> Arithmetic:
    """Return what a page computes, operation by operation.

    Raises ValueError if an operation cannot be written in JavaScript.
    """
    widest = max([1, *(len(node.parents) for node in nodes)])
    operands = [Value(0.5) for _ in range(widest)]
    places: dict[tuple[Operation, int], int] = {}
    functions: dict[str, dict[str, Value]] = {}
    found = Arithmetic()
    for node in nodes:
        if node.op is None:
            continue
        key = (node.op, len(node.parents))
        if key not in places:
            place = places[key] = len(places)
            entry, result, rule = described(node.op, operands[: len(node.parents)])
            found.table.append(entry)
            functions |= {f"result{place}": result, f"rule{place}": rule}
        found.made[node] = places[key]
    program = compile(operands[0] * 1.0, inputs=operands)
    found.javascript = program.to_javascript(functions, own=())
    found.given = given_numbers(
        [
            local_derivatives(node)[position]
            for node, position in uses_in(nodes, found)
            if not found.entry(node)["exact"][position]
        ]
    )
    return found


def fixed_arithmetic(root: Value, nodes: Sequence[Value], why: str) -> Arithmetic:
    """Return what a page computes whose numbers cannot be changed: nothing but the sums."""
    found = Arithmetic(note=f"Numbers are fixed here: {why}")
    places: dict[tuple[Operation, int], int] = {}
    for node in nodes:
        if node.op is None:
            continue
        key = (node.op, len(node.parents))
        if key not in places:
            places[key] = len(places)
            found.table.append(undescribed(*key))
        found.made[node] = places[key]
    steps = {(step.node, step.position): step for step in steps_of(root)}
    known = [steps.get(use) for use in uses_in(nodes, found)]
    found.given = given_numbers([NOTHING if step is None else step.local for step in known])
    # A function made by hand may add something else than the product.
    added = [0.0 if step is None else step.contribution for step in known]
    found.given["contributions"] = packed_floats(added)
    return found


def uses_in(nodes: Sequence[Value], arithmetic: Arithmetic) -> Iterator[tuple[Value, int]]:
    """Yield each use of a Value that may get a contribution: user and position, as in a pass."""
    for node in reversed(nodes):
        if node.op is not None:
            receives = arithmetic.entry(node)["receives"]
            for position, parent in enumerate(node.parents):
                if receives[position] and not parent.is_constant:
                    yield node, position


def given_numbers(locals_: Sequence[float]) -> dict[str, Any]:
    """Return local derivatives for the page's script, and which operands were not taken."""
    untaken = [place for place, local in enumerate(locals_) if local is NOTHING]
    return {"locals": packed_floats(locals_), "untaken": untaken}


def described(op: Operation, operands: Sequence[Value]) -> tuple[Entry, Results, Results]:
    """Return an operation's entry in the table, its result, and what its rule gives.

    The rule gives two numbers for each operand: the local derivative, and what is above 0 where
    the operand is taken.
    """
    out = Value.make_node(op, *operands)
    references = {operand: str(position) for position, operand in enumerate(operands)}
    references[out] = "out"
    steps = {step.position: step for step in GradientSteps(out, operands)}
    rule: Results = {}
    entry = undescribed(op, len(operands))
    for position in range(len(operands)):
        step = steps.get(position)
        local, taken = constant(0.0), constant(0.0)
        if step is not None:
            local, taken = step.local, is_taken(step.contribution)
            entry["locals"][position] = expression_of(local, references)
            entry["exact"][position] = int(is_exact(local))
        entry["receives"][position] = int(step is not None)
        rule[f"local derivative {position + 1}"] = local
        rule[f"taken {position + 1}"] = taken
    return entry, {"result": out}, rule


def undescribed(op: Operation, count: int) -> Entry:
    """Return the entry of an operation of so many operands whose rule is not known."""
    roles = [op.role(position, count) for position in range(count)]
    return {
        "formula": formula_of(op, count),
        "locals": [None] * count,
        "receives": [1] * count,
        "exact": [0] * count,
        "roles": ["" if role is None else role.name.lower() for role in roles],
    }


def is_exact(local: Value) -> bool:
    """Return whether a local derivative has the same bits in every language."""
    return all(node.op is None or node.op in EXACT for node in topological_order(local))


def both(*programs: str) -> str:
    """Return programs as one, whose functions are those of all."""
    parts = [
        "Object.assign(exports, (function () {\nconst module = { exports: {} };\n"
        f"{program}\nreturn module.exports;\n}})());"
        for program in programs
    ]
    return "const exports = {};\n" + "\n".join(parts) + "\nmodule.exports = exports;\n"
