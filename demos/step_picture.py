"""What ``demos.step`` draws with characters: fractions, and the neighbourhood of a node."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence

from rich.text import Text

from autodiff import Step
from autodiff.drawing.shown import name_shown
from autodiff.support.naming import shown

__all__ = ["Column", "cut", "neighbourhood", "number", "rule_line", "short", "stacked"]

LONGEST_NAME = 22
SHORTEST_NAME = 3

# Of the chain rule: a fraction over a number, or an operator over one, and the number's style.
Column = tuple[tuple[str, str], str, str]

PARENTS = re.compile(r"\((\w+(?:, \w+)*),?\) = node\.grad, node\.parents")


def number(value: float) -> str:
    """Return a number as text, with a minus sign as wide as a plus."""
    return shown(value).replace("-", "−")


def short(name: str, length: int = LONGEST_NAME) -> str:
    """Return a name as pictures have it where it is long, shorter."""
    return name_shown(name, length)


def cut(text: Text, width: int) -> Text:
    """Return a text whose lines are no longer than the width, so that none is broken."""
    lines = text.split("\n", allow_blank=True)
    for line in lines:
        line.truncate(max(width, 1), overflow="ellipsis")
    return Text("\n").join(lines)


def stacked(columns_for: Callable[[int], list[Column]], width: int) -> Text:
    """Return fractions beside each other with a number under each, as four lines of text.

    ``columns_for(length)`` gives the columns with names of at most that length: they are as long
    as the width allows, and where it allows none, the numbers stand alone.  A column is a pair
    (over and under the line; under '' it is an operator), a number, its style.
    """
    for length in range(LONGEST_NAME, SHORTEST_NAME - 1, -1):
        columns = columns_for(length)
        widths = [max(map(len, (over, under, below))) for (over, under), below, _ in columns]
        if sum(widths) + 2 * (len(widths) - 1) <= width:
            break
    else:
        return cut(Text(" ").join([Text(below, style) for _, below, style in columns]), width)
    lines = [Text() for _ in range(4)]
    for ((over, under), below, style), wide in zip(columns, widths, strict=True):
        rows = (over, "─" * wide, under, below) if under else ("", over, "", below)
        for line, row, look in zip(lines, rows, ("bold", "", "bold", style), strict=True):
            line.append("  " if line else "").append(row.center(wide), look)
    return Text("\n").join(lines)


def neighbourhood(
    operands: Sequence[str], node: str, users: str, lit: int | None, most: int, style: str
) -> Text:
    """Return a node with what it is computed from at its left and what uses it at its right.

    ``lit`` is the operand that a gradient flows to: arrows then lead back, to it alone, and it has
    the style.  It has no more than ``most`` lines; a leaf, which has no operands, has one.

    >>> print(neighbourhood(["w 0.5", "x −2"], "z = −1", "h", None, 3, ""))
      w 0.5 ──┐
      x −2  ──┴─▶ z = −1 ──▶ h
    >>> print(neighbourhood(["a 1", "b 2", "c 3", "d 4"], "s = 10", "", 1, 3, ""))
      a 1      ──┐
    ▶ b 2      ◀─┼── s = 10
      … 2 more ──┘
    >>> print(neighbourhood([], "w = 0.5", "z", None, 3, ""))
      w = 0.5 ──▶ z
    """
    end = Text(node, "bold")
    if users:
        end.append(" ──▶ " if lit is None else " ◀── ", "not bold").append(users, "not bold")
    if not operands:
        return Text("  ").append_text(end)
    drawn, lit_row = list(operands), lit
    if len(operands) > most:
        first = max(0, min((lit or 0) - 1, len(operands) - most + 1))
        drawn = [*operands[first : first + most - 1], f"… {len(operands) - most + 1} more"]
        lit_row = None if lit is None else lit - first
    width, middle = max(map(len, drawn)), len(drawn) // 2
    lines = []
    for row, operand in enumerate(drawn):
        is_lit = row == lit_row
        line = Text(f"{'▶' if is_lit else ' '} {operand:<{width}} ", style if is_lit else "")
        line.append("◀─" if is_lit else "──", style if is_lit else "not bold")
        line.append(corner(row, len(drawn)))
        if row == middle:
            line.append("─▶ " if lit is None else "── ").append_text(end)
        lines.append(line)
    return Text("\n").join(lines)


def corner(row: int, rows: int) -> str:
    """Return where an operand's line meets the one to the node, which leaves the middle row.

    >>> [corner(row, 3) for row in range(3)], [corner(row, 2) for row in range(2)], corner(0, 1)
    (['┐', '┼', '┘'], ['┐', '┴'], '─')
    """
    if rows == 1:
        return "─"
    if row == 0:
        return "┐"
    if row == rows // 2:
        return "┴" if row == rows - 1 else "┼"
    return "┘" if row == rows - 1 else "┤"


def rule_line(step: Step) -> str:
    """Return the line of the operation's chain rule that does a step; '' if it has none of its own.

    >>> from autodiff import Trace, Value
    >>> x, y = Value(2.0), Value(3.0)
    >>> rule_line(Trace(x * y).next())
    'backward_mul:  a.grad += b.data * upstream'
    """
    assert step.node.op is not None, "a step's node has an operation"
    rule = step.node.op.chain_rule
    try:
        source = inspect.getsource(rule)
    except (OSError, TypeError):
        return ""
    found = PARENTS.search(source)
    if found is None:
        return ""
    name = found[1].split(", ")[step.position]
    lines = [line.strip() for line in source.splitlines() if f"{name}.grad +=" in line]
    return f"{rule.__name__}:  {lines[0]}" if len(lines) == 1 else ""
