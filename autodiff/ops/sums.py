"""A neuron's sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autodiff.ops.operation import Operation, Role


def weighted_sum(*operands: Any) -> Any:
    """bias + weight[0] * input[0] + weight[1] * input[1] + ..., added in that order.

    The operands are the bias, then all weights, then all inputs.  It is one operation, not a
    chain of ``*`` and ``+``, because that is how a neuron is drawn and differentiated by hand:
    d sum/d weight is the input.

    >>> weighted_sum(1.0, 2.0, 3.0, 10.0, 20.0)
    81.0
    """
    total, weights, inputs = bias_weights_inputs(operands)
    for weight, x in zip(weights, inputs, strict=True):
        total = total + weight * x
    return total


def weighted_sum_partials(out: Any, *operands: Any) -> tuple[Any, ...]:
    _, weights, inputs = bias_weights_inputs(operands)
    return (1.0, *inputs, *weights)


def bias_weights_inputs(operands: Sequence[Any]) -> tuple[Any, Sequence[Any], Sequence[Any]]:
    """Return the three parts of a weighted sum's operands.

    >>> bias_weights_inputs(("b", "w0", "w1", "x0", "x1"))
    ('b', ('w0', 'w1'), ('x0', 'x1'))
    """
    half = len(operands) // 2 + 1
    return operands[0], operands[1:half], operands[half:]


def weighted_sum_formula(*operands: str) -> str:
    bias, weights, inputs = bias_weights_inputs(operands)
    return " + ".join([bias, *map(" * ".join, zip(weights, inputs, strict=True))])


def backward_weighted_sum(node: Any) -> None:
    upstream, operands, inputs = node.grad, node.parents, len(node.parents) // 2
    operands[0].grad += upstream
    for k in range(1, inputs + 1):  # a weight's local derivative is its input
        operands[k].grad += operands[inputs + k].data * upstream
    for k in range(1, inputs + 1):  # and an input's is its weight
        operands[inputs + k].grad += operands[k].data * upstream


WEIGHTED_SUM = Operation(
    *("weighted_sum", "Σ", None, weighted_sum, weighted_sum_partials),
    written=weighted_sum_formula,
    chain_rule=backward_weighted_sum,
    roles=(Role.TERM, Role.WEIGHT, Role.INPUT),
    arithmetic=True,
)
