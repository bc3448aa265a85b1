"""The fast form of a rule: for each operation, a function that does its part of backward.

``mul_partials(out, a, b)`` returns ``(b, a)``.  From that this module writes and compiles

    def pull_back_mul(node):
        upstream = node.grad
        a, b = node.parents
        a.grad += b.data * upstream
        b.grad += a.data * upstream

by running the rule once on names instead of numbers.  A debugger shows and steps these lines as
it does any others.  A rule that cannot run on names (one with an ``if``, or a call of ``math``)
is applied as it stands; the results are the same, bit for bit.
"""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable
from typing import Any

from autodiff import ops
from autodiff.ops import Operation

__all__ = ["PULLBACKS", "pull_back_by_rule", "pullback_source"]

Pullback = Callable[[Any], None]


class Name:
    """Stands for a number while a rule is written out; arithmetic on it is text."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    @staticmethod
    def make_node(op: Operation, *operands: Any) -> Name:
        if vars(ops).get(op.forward.__name__) is not op.forward:
            raise TypeError(f"{op.name} is not of the table, so it cannot be written out")
        texts = [repr(float(x)) if isinstance(x, (int, float)) else x.text for x in operands]
        if op.symbol in ("+", "-", "*"):
            return Name(f"({op.formula(*texts)})")
        return Name(f"{op.forward.__name__}({', '.join(texts)})")

    def __add__(self, other: Any) -> Name:
        return self.make_node(ops.ADD, self, other)

    def __radd__(self, other: Any) -> Name:
        return self.make_node(ops.ADD, other, self)

    def __sub__(self, other: Any) -> Name:
        return self.make_node(ops.SUB, self, other)

    def __rsub__(self, other: Any) -> Name:
        return self.make_node(ops.SUB, other, self)

    def __mul__(self, other: Any) -> Name:
        return self.make_node(ops.MUL, self, other)

    def __rmul__(self, other: Any) -> Name:
        return self.make_node(ops.MUL, other, self)

    def __neg__(self) -> Name:
        return self.make_node(ops.NEG, self)

    def __bool__(self) -> bool:
        raise TypeError("a rule that asks whether a number is 0 cannot be written out")

    def __eq__(self, other: object) -> bool:
        raise TypeError("a rule that compares numbers cannot be written out")

    __hash__ = None  # type: ignore[assignment]


def pull_back_by_rule(node: Any) -> None:
    """Add to each parent's gradient: the node's local derivative times its upstream gradient."""
    upstream = node.grad
    numbers = [parent.data for parent in node.parents]
    for parent, local in zip(node.parents, node.op.partials(node.data, *numbers), strict=True):
        parent.grad += local * upstream


def pullback_source(op: Operation, operands: int) -> str:
    """Return the Python source of an operation's pullback for that number of operands.

    Raises TypeError or AttributeError if the rule cannot run on names, and ValueError if it
    returns another number of local derivatives or the operation's name is not an identifier.

    >>> print(pullback_source(ops.TANH, 1))
    def pull_back_tanh(node):
        upstream = node.grad
        (x,) = node.parents
        x.grad += (1.0 - (node.data * node.data)) * upstream
    """
    if not op.name.isidentifier():
        raise ValueError(f"a function cannot be called pull_back_{op.name}")
    parents = parameter_names(op, operands)
    targets = ", ".join(parents) if operands > 1 else f"({parents[0]},)"
    locals_ = op.partials(Name("node.data"), *[Name(f"{parent}.data") for parent in parents])
    lines = [
        f"def pull_back_{op.name}(node):",
        "    upstream = node.grad",
        f"    {targets} = node.parents",
    ]
    for parent, local in zip(parents, locals_, strict=True):
        factor = local.text if isinstance(local, Name) else repr(float(local))
        term = "upstream" if factor == "1.0" else f"{factor} * upstream"
        lines.append(f"    {parent}.grad += {term}")
    return "\n".join(lines)


def parameter_names(op: Operation, operands: int) -> list[str]:
    """Return what the rule itself calls its operands.

    Numbered names if it takes any number, or if one of its own means something else here.
    """
    _, *names = inspect.signature(op.partials).parameters
    taken = {"node", "upstream", *vars(ops)}
    if len(names) == operands and op.arity is not None and taken.isdisjoint(names):
        return names
    return [f"operand{place}" for place in range(operands)]


def compile_pullback(op: Operation, operands: int) -> Pullback:
    """Return an operation's pullback, compiled where its rule can be written out."""
    try:
        source = pullback_source(op, operands)
    except (TypeError, AttributeError, ValueError):
        return pull_back_by_rule
    filename = f"<pullback of {op.name}, {operands} operands>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace = dict(vars(ops))
    exec(compile(source, filename, "exec"), namespace)
    pullback: Pullback = namespace[f"pull_back_{op.name}"]
    return pullback


class _Pullbacks(dict[tuple[Operation | None, int], Pullback]):
    """The pullback of each operation and number of operands, written when first needed."""

    def __missing__(self, key: tuple[Operation | None, int]) -> Pullback:
        op, operands = key
        assert op is not None, "a leaf has no rule"
        pullback = self[key] = compile_pullback(op, operands)
        return pullback


PULLBACKS = _Pullbacks()
