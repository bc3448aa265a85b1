"""How each number of a problem comes about, in one line with names and one with numbers."""

from __future__ import annotations

from autodiff import Value
from autodiff.ops import local_derivatives
from demos.worksheet.problems import Problem

__all__ = ["as_written", "definition", "gradient_line", "shown", "uses_of", "value_line"]


def shown(number: float) -> str:
    """Return a number as a person writes it.

    >>> shown(-1.5), shown(4.0), shown(-0.0)
    ('−1.5', '4', '0')
    """
    return f"{number + 0.0:.10g}".replace("-", "−")


def in_formula(number: float) -> str:
    """Return a number as an operand: in parentheses if it has a sign."""
    return f"({shown(number)})" if number < 0.0 else shown(number)


def as_written(formula: str) -> str:
    """Return a formula of Python as a person writes it.

    >>> as_written("L = maximum(d, e**2) - 2 * a")
    'L = max(d, e²) − 2 · a'
    """
    written = formula.replace("maximum", "max").replace("**2", "²")
    return written.replace("*", "·").replace("-", "−")


def names_of(node: Value) -> list[str]:
    """Return what the operands of a node are called."""
    return [parent.label or shown(parent.data) for parent in node.parents]


def definition(node: Value) -> str:
    """Return how a node is computed, in names: ``d = a · b``."""
    assert node.op is not None
    return f"{node.label} = {as_written(node.op.formula(*names_of(node)))}"


def value_line(node: Value) -> str:
    """Return how a node's value comes about: ``d = a · b = 2 · (−3) = −6``."""
    assert node.op is not None
    is_call = definition(node).endswith(")")  # whose commas keep the operands apart
    operands = [(shown if is_call else in_formula)(parent.data) for parent in node.parents]
    return f"{definition(node)} = {as_written(node.op.formula(*operands))} = {shown(node.data)}"


def uses_of(problem: Problem, node: Value) -> list[tuple[Value, int]]:
    """Return where a node is used: the nodes it is an operand of, and as which operand."""
    return [
        (user, position)
        for user in problem.interior
        for position, parent in enumerate(user.parents)
        if parent is node
    ]


def gradient_line(problem: Problem, node: Value) -> str:
    """Return how a gradient comes about: the sum over the node's uses of upstream · local."""
    root, name = problem.root.label, node.label
    if node is problem.root:
        return f"d{root}/d{root} = 1, where the chain rule starts"
    uses = uses_of(problem, node)
    chain = " + ".join(f"d{root}/d{user.label} · d{user.label}/d{name}" for user, _ in uses)
    numbers = " + ".join(
        f"{in_formula(user.grad)} · {in_formula(local_derivatives(user)[position])}"
        for user, position in uses
    )
    return f"d{root}/d{name} = {chain} = {numbers} = {shown(node.grad)}"
