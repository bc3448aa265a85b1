"""Formulas that can be shown with names and with numbers alike.

An expression is a list in which text and references alternate: ``["", "out", " * (1 - ", "out",
")"]``.  The page puts a name, or the number that the node has now, in the place of each reference.
"""

from __future__ import annotations

from collections.abc import Mapping

from autodiff.ops import Operation
from autodiff.support.naming import number_text
from autodiff.value import Value

__all__ = ["Expression", "expression_of", "formula_of"]

Expression = list[str]

# Encloses a reference in the text that Operation.formula puts together; in no name or symbol.
MARK = "\0"

# An update rule with more operations than this says less than the optimizer's name does.
MOST_REFERENCES = 12


def formula_of(op: Operation, count: int) -> Expression:
    """Return an operation of the operands ``0``, ``1``, ..., so many.

    >>> from autodiff.ops import OPERATIONS
    >>> formula_of(OPERATIONS["mul"], 2)
    ['', '0', ' * ', '1', '']
    """
    return _split(op.formula(*[f"{MARK}{position}{MARK}" for position in range(count)]))


def expression_of(value: Value, references: Mapping[Value, str]) -> Expression | None:
    """Return a Value as an expression of the nodes that have references.

    None if it is too long to read.

    >>> out, x = Value(0.5), Value(0.0)
    >>> expression_of(out * (1.0 - out), {out: "v2"})
    ['', 'v2', ' * (1 - ', 'v2', ')']
    """
    text = _text(value, references, outermost=True)
    return None if text.count(MARK) > 2 * MOST_REFERENCES else _split(text)


def _split(text: str) -> Expression:
    return text.split(MARK)


def _text(value: Value, references: Mapping[Value, str], outermost: bool = False) -> str:
    if value in references:
        return f"{MARK}{references[value]}{MARK}"
    if value.op is None:
        return number_text(value.data)
    operands = [_text(parent, references) for parent in value.parents]
    text = value.op.formula(*operands)
    return text if outermost or value.op.symbol.isidentifier() else f"({text})"
