"""Writes ``chain_rules.py`` and ``operators.py`` from the table: ``python -m autodiff.ops.writer``.

A rule, ``mul_partials(out, a, b)``, returns ``(b, a)``.  Run once on names in the place of numbers,
it says how its operation's share of the backward pass is written as plain assignments: lines that
a person can read, step through and set breakpoints on, and that run several times as fast.  The
functions are the same as the rule and the table's function, bit for bit; the tests compare them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autodiff import ops
from autodiff.ops import OPERATIONS, Operation
from autodiff.ops.operation import checked
from autodiff.ops.symbols import Expression, uses_operands_in_arithmetic

__all__ = ["chain_rules_source", "main", "operators_source"]

PACKAGE = Path(__file__).resolve().parent.parent

# What Python calls the operators that people write with these symbols.
BINARY_OPERATORS = {"+": "add", "-": "sub", "*": "mul", "/": "truediv", "**": "pow"}
UNARY_OPERATORS = {"-": "__neg__", "abs": "__abs__"}

# What the functions of both files call something else.
TAKEN = frozenset({"node", "upstream", "local", "self", *ops.__all__})

LINE = 100


# --------------------------------------------------------------------------------------------
# Backward
# --------------------------------------------------------------------------------------------


def chain_rule_source(op: Operation) -> str:
    """Return an operation's share of the backward pass as a function.

    >>> print(chain_rule_source(OPERATIONS["tanh"]))
    def backward_tanh(node: Any) -> None:
        upstream, (x,) = node.grad, node.parents
        x.grad += (1.0 - node.data * node.data) * upstream
    """
    parents = operand_names(op)
    targets = f"({parents[0]},)" if len(parents) == 1 else f"({', '.join(parents)})"
    lines = [
        f"def backward_{op.name}(node: Any) -> None:",
        f"    upstream, {targets} = node.grad, node.parents",
    ]
    for parent, local in zip(parents, local_derivatives(op, parents), strict=True):
        lines += contribution_lines(parent, local, "    ")
    return "\n".join(lines)


def contribution_lines(parent: str, local: Expression, indent: str) -> list[str]:
    """Return the lines that add a contribution.

    Where one side of a choice gets nothing, or a line would be too long, it is an ``if``.
    """
    if local.is_nothing:
        return []
    ones = {"1.0": "upstream", "-1.0": "-upstream"}
    line = f"{indent}{parent}.grad += {ones.get(local.text, f'{local.within(2)} * upstream')}"
    if local.choice is not None and (local.gives_nothing or len(line) > LINE):
        condition, taken, otherwise = local.choice
        inner = f"{indent}    "
        if taken.is_nothing:
            lines = contribution_lines(parent, otherwise, inner)
            return [f"{indent}if not {condition.text} > 0.0:", *lines]
        lines = [f"{indent}if {condition.text} > 0.0:", *contribution_lines(parent, taken, inner)]
        others = contribution_lines(parent, otherwise, indent)
        if others and others[0].startswith(f"{indent}if "):
            return [*lines, f"{indent}el{others[0].removeprefix(indent)}", *others[1:]]
        if others:
            lines += [f"{indent}else:", *contribution_lines(parent, otherwise, inner)]
        return lines
    if len(line) <= LINE:
        return [line]
    return [f"{indent}local = {local.text}", f"{indent}{parent}.grad += local * upstream"]


def local_derivatives(op: Operation, parents: list[str]) -> list[Expression]:
    """Return the local derivatives as expressions.

    Raises TypeError or ValueError, naming the operation, if its rule is not written in the table's
    functions and arithmetic, or returns no tuple of a local derivative for each operand.
    """
    operands = [Expression(f"{name}.data") for name in parents]
    partials = written_by(op, op.partials, Expression("node.data"), *operands)
    found = checked(op, partials, len(parents))
    try:
        return [Expression.of(local) for local in found]
    except (TypeError, ValueError) as error:
        raise TypeError(f"{op.name}: a local derivative is no number: {error}") from error


def written_by(op: Operation, function: Callable[..., Any], *operands: Expression) -> Any:
    """Return what a function of an operation makes of expressions.

    Raises TypeError, naming the operation, for what the table has no operation for.
    """
    try:
        return function(*operands)
    except (TypeError, AttributeError) as error:
        raise TypeError(f"{op.name}: {error}") from error


def operand_names(op: Operation) -> list[str]:
    """Return what the rule itself calls its operands.

    Raises ValueError, naming the operation, if the written code needs one of these names itself.
    """
    _, *names = inspect.signature(op.partials).parameters
    names = names[: op.arity]  # what follows is a setting of the rule's own
    for name in names:
        if name in TAKEN:
            raise ValueError(
                f"{op.name}: its rule calls an operand {name!r}, which means something else in the "
                "function that is written from it: give the operand another name"
            )
    return names


def chain_rules_source() -> str:
    """Return the text of ``autodiff/chain_rules.py``."""
    functions = [chain_rule_source(op) for op in OPERATIONS.values() if op.arity is not None]
    head = '''"""The chain rule of each operation: what ``backward()`` does at a node that it made.

Each parent's gradient is a sum over the parent's uses.  This use adds the local derivative,
d node / d parent, times the upstream gradient, d root / d node, which is complete by now.

Written by ``python -m autodiff.ops.writer`` from ``autodiff/ops``; ``ops/sums.py`` has a sum's own.
"""

# ruff: noqa: F403, F405 (so that the writer can import this file where it is older than the table)
from __future__ import annotations

from typing import Any

from autodiff.ops import *
'''
    # Python imports the file before it can write it anew for an operation just added.
    tail = """for _op in OPERATIONS.values():
    _op.apply_chain_rule_by(globals().get(f"backward_{_op.name}", _op.chain_rule))
"""
    return "\n\n".join([head, *[f"{function}\n" for function in functions], tail])


# --------------------------------------------------------------------------------------------
# Forward
# --------------------------------------------------------------------------------------------


def operator_source(op: Operation) -> str:
    """Return the methods with which people write an operation; '' if there are none."""
    if op.arity == 2 and op.symbol in BINARY_OPERATORS:
        name = BINARY_OPERATORS[op.symbol]
        return binary_source(op, f"__{name}__") + reflected_source(op, f"__r{name}__")
    if op.arity == 1 and op.symbol in UNARY_OPERATORS:
        return unary_source(op, UNARY_OPERATORS[op.symbol])
    if op.arity == 1:
        return unary_source(op, op.name)
    return method_source(op) if op.arity == 2 else ""


def constant_name(op: Operation) -> str:
    """Return what the entry is called in ``autodiff.ops``."""
    return next(name for name, entry in vars(ops).items() if entry is op and name.isupper())


def text_of_result(op: Operation, operands: list[str]) -> str:
    """Return an operation on numbers as Python has it: arithmetic, or the function's call."""
    if op.arithmetic:
        written: Expression = written_by(op, op.forward, *map(Expression, operands))
        return written.text
    return f"{op.forward.__name__}({', '.join(operands)})"


def making(op: Operation, *operands: str) -> str:
    """Return the lines that make and return the node.

    What was assigned to ``data`` and is no float goes the slow way, which makes it one or says
    whose it is.  What arithmetic and functions make of it shows that, unless the functions make a
    float of what the rule will do arithmetic with.
    """
    result = text_of_result(op, [f"{operand}.data" for operand in operands])
    comma = "," if len(operands) == 1 else ""
    slow_way = f"return self.make_node({constant_name(op)}, {', '.join(operands)})"
    by_operands = not op.arithmetic and uses_operands_in_arithmetic(op)
    checked = operands if by_operands else ["node"]
    condition = " or ".join(f"type({each}.data) is not float" for each in checked)
    return f"""\
        node = new(Value)
        try:
            node.data = {result}
        except (TypeError, OverflowError):
            {slow_way}
        if {condition}:
            {slow_way}
        node.grad = NOT_COMPUTED
        node.parents = ({", ".join(operands)}{comma})
        node.origin = {constant_name(op)}.origin
        if watch.on_new_value is not None:
            watch.on_new_value(node)
        return node
"""


def binary_source(op: Operation, name: str) -> str:
    """Return the operator of two Values, or of a Value and a number."""
    cases = "".join(
        f"""\
            if isinstance(other, (int, float)) and other == {number}:
                return self.{case.name}()
"""
        for number, case in op.cases.items()
    )
    return f"""
    def {name}(self, other: Operand) -> Value:
        if type(other) is not Value:
{cases}\
            other = self.as_operand(other)
            if other is NotImplemented:
                return NotImplemented
{making(op, "self", "other")}"""


def reflected_source(op: Operation, name: str) -> str:
    """Return the operator of a number and a Value."""
    symbol = "**" if op.symbol == "**" else f" {op.symbol} "  # spaced as ruff formats it
    return f"""
    def {name}(self, other: Operand) -> Value:
        other = self.as_operand(other)
        return NotImplemented if other is NotImplemented else other{symbol}self
"""


def unary_source(op: Operation, name: str) -> str:
    """Return the operator or the method of one Value."""
    return f"""
    def {name}(self) -> Value:
{docstring_of(op, name)}\
{making(op, "self")}"""


def method_source(op: Operation) -> str:
    """Return the method of a Value and another operand."""
    _, second = inspect.signature(op.forward).parameters.values()
    name = "other" if len(second.name) == 1 else second.name
    default = "" if second.default is second.empty else f" = {second.default!r}"
    return f"""
    def {op.name}(self, {name}: Operand{default}) -> Value:
{docstring_of(op, op.name)}\
        return self.make_node({constant_name(op)}, self, {name})
"""


def docstring_of(op: Operation, method: str) -> str:
    """Return the first line of the function's docstring as the method's; operators have none."""
    text = inspect.getdoc(op.forward)
    if text is None or method.startswith("__"):
        return ""
    first = text.splitlines()[0].removeprefix("The ").removeprefix("the ")
    article = "the " if text.startswith("The ") else ""
    return f'        """Return {article}{first}"""\n'


def operators_source() -> str:
    """Return the text of ``autodiff/operators.py``."""
    written = "".join(operator_source(op) for op in OPERATIONS.values())
    return f'''"""The arithmetic of Values: each operator makes a node that remembers its operands.

Written by ``python -m autodiff.ops.writer`` from the table of operations: change that.  Each is
written out, as making nodes is half of the work of every training step.
"""

# mypy: disable-error-code="union-attr, assignment, no-any-return"
# ruff: noqa: F403, F405 (so that the writer can import this file where it is older than the table)

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from autodiff.ops import *
from autodiff.support import watch
from autodiff.support.gradients import NOT_COMPUTED
from autodiff.support.origin import Origin

__all__ = ["Operators"]

Kind = TypeVar("Kind")


class Allocate(Protocol):
    """Returns a new instance of a class, without calling its ``__init__``."""

    def __call__(self, kind: type[Kind], /) -> Kind: ...


new: Allocate = object.__new__

if TYPE_CHECKING:
    from autodiff.value import Value
else:
    Value = None  # autodiff.value, which imports this file, puts its class here


class Operators:
    """What ``Value`` inherits: ``+ - * / **`` with Values and numbers, and functions as methods."""

    __slots__ = ()

    data: float
    grad: float
    parents: tuple[Any, ...]
    origin: Origin

    @staticmethod
    def make_node(op: Operation, *operands: Any) -> Any:
        """Return the node of an operation on Values and numbers."""
        raise NotImplementedError

    def as_operand(self, operand: Any) -> Any:
        """Return a Value as it is and a number as a constant; NotImplemented for anything else."""
        raise NotImplementedError
{written}

Operand: TypeAlias = Operators | float
'''


def main() -> None:
    """Write both files."""
    for name, text in (
        ("chain_rules.py", chain_rules_source()),
        ("operators.py", operators_source()),
    ):
        (PACKAGE / name).write_text(text, encoding="utf-8")
        print(f"Wrote autodiff/{name}: {len(text.splitlines())} lines")


if __name__ == "__main__":
    main()
