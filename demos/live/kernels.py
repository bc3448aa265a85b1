"""Each operation's function and rule as JavaScript that does many rows at once.

A page trains any network with these, laid out from its graph: ``training.js`` calls one after the
other.  The text is the compiler's; nothing of an operation is written here.

``forwardK(count, operands, out)``
    operation K of the table for so many rows: an array for each operand, and one for the results.
``slopeK_P(count, operands, out, upstream, gradient, reached, marks)``
    adds what operand P gets: local derivative times upstream gradient.  A row in which the operand
    is not taken, or whose ``reached`` is 0, gets nothing; ``marks`` tell which rows got something.
    ``reached`` is null where all were reached, and ``marks`` where nobody asks.
``chooses[K][P]``
    whether operand P may be left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from autodiff import Value, topological_order
from autodiff.compiler.languages import JAVASCRIPT, helper_functions
from autodiff.ops import Operation
from autodiff.stepper.arithmetic import Arithmetic, described

__all__ = ["kernels_of"]


def kernels_of(operations: Arithmetic) -> str:
    """Return the functions of every operation in a table as one JavaScript file.

    Raises ValueError if an operation cannot be written in JavaScript.
    """
    used: dict[int, tuple[Operation, int]] = {}
    for node, place in operations.made.items():
        assert node.op is not None, "an operation made it"
        used.setdefault(place, (node.op, len(node.parents)))
    lines: list[str] = []
    called: list[Operation | None] = []
    chooses: list[list[int]] = []
    names = ["chooses"]
    for place, (op, count) in sorted(used.items()):
        operands = [Value(0.5) for _ in range(count)]
        texts = {operand: f"x{position}[row]" for position, operand in enumerate(operands)}
        _, result, rule = described(op, operands)
        out = result["result"]
        lines += function(f"forward{place}", "out", loop([f"out[row] = {written(out, texts)};"]))
        names.append(f"forward{place}")
        called.append(op)
        texts[out] = "out[row]"
        chooses.append([])
        for position in range(count):
            local, taken = rule[f"local derivative {position + 1}"], rule[f"taken {position + 1}"]
            called += [node.op for node in [*interior(local, texts), *interior(taken, texts)]]
            chooses[-1].append(int(may_be_left_out(taken, texts)))
            name = f"slope{place}_{position}"
            names.append(name)
            lines += function(
                *(name, "out, upstream, gradient, reached, marks"),
                loop(list(slope_lines(local, taken, texts))),
            )
    helpers = helper_functions(JAVASCRIPT, [op for op in called if op is not None])
    exported = f"module.exports = {{ {', '.join(names)} }};"
    choices = [f"const chooses = {json.dumps(chooses)};", ""]
    return "\n".join(['"use strict";', "", *helpers, *lines, *choices, exported]) + "\n"


def function(name: str, arguments: str, body: Sequence[str]) -> Iterator[str]:
    """Yield a function's lines; ``x0``, ``x1``, ... are the operands that its body has."""
    text = "\n".join(body)
    yield f"function {name}(count, operands, {arguments}) {{"
    used = sorted({int(position) for position in re.findall(r"\bx(\d+)\[", text)})
    yield from (f"  const x{position} = operands[{position}];" for position in used)
    yield from body
    yield "}"
    yield ""


def loop(statements: Sequence[str]) -> list[str]:
    """Return the lines that do something for every row."""
    return [
        "  for (let row = 0; row < count; row += 1) {",
        *[f"    {statement}" for statement in statements],
        "  }",
    ]


def slope_lines(local: Value, taken: Value, texts: Mapping[Value, str]) -> Iterator[str]:
    """Yield what one operand gets in a row."""
    yield "if (reached !== null && reached[row] === 0) continue;"
    if may_be_left_out(taken, texts):
        yield f"if (!({written(taken, texts)} > 0.0)) continue;"
    yield f"gradient[row] += {written(local, texts)} * upstream[row];"
    yield "if (marks !== null) marks[row] = 1;"


def may_be_left_out(taken: Value, texts: Mapping[Value, str]) -> bool:
    """Return whether an operand is not taken in every row."""
    return taken in texts or taken.op is not None or not taken.data > 0.0


def interior(value: Value, texts: Mapping[Value, str]) -> list[Value]:
    """Return the nodes of an expression that are neither a number nor known by a text."""
    return [node for node in topological_order(value) if node.op is not None and node not in texts]


def written(value: Value, texts: Mapping[Value, str]) -> str:
    """Return an expression as text, of the nodes that have one."""
    if value in texts:
        return texts[value]
    if value.op is None:
        return JAVASCRIPT.number(value.data)
    operands = [written(parent, texts) for parent in value.parents]
    divisor = value.parents[-1]
    known = divisor.data if divisor.op is None and divisor not in texts and divisor.data else None
    text = JAVASCRIPT.operation(value.op, operands, known)
    return text if text.endswith(")") and value.op.symbol.isidentifier() else f"({text})"
