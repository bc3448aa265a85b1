"""The chain rule of each operation: what ``backward()`` does at a node that it made.

Each parent's gradient is a sum over the parent's uses.  This use adds the local derivative,
d node / d parent, times the upstream gradient, d root / d node, which is complete by now.

Written by ``python -m autodiff.ops.writer`` from ``autodiff/ops``; ``ops/sums.py`` has a sum's own.
"""

# ruff: noqa: F403, F405 (so that the writer can import this file where it is older than the table)
from __future__ import annotations

from typing import Any

from autodiff.ops import *


def backward_add(node: Any) -> None:
    upstream, (a, b) = node.grad, node.parents
    a.grad += upstream
    b.grad += upstream


def backward_sub(node: Any) -> None:
    upstream, (a, b) = node.grad, node.parents
    a.grad += upstream
    b.grad += -upstream


def backward_mul(node: Any) -> None:
    upstream, (a, b) = node.grad, node.parents
    a.grad += b.data * upstream
    b.grad += a.data * upstream


def backward_div(node: Any) -> None:
    upstream, (a, b) = node.grad, node.parents
    a.grad += divide(1.0, b.data) * upstream
    b.grad += divide(-node.data, b.data) * upstream


def backward_neg(node: Any) -> None:
    upstream, (a,) = node.grad, node.parents
    a.grad += -upstream


def backward_abs(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += where(x.data, 1.0, where(-x.data, -1.0, 0.0)) * upstream


def backward_square(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += (2.0 * x.data) * upstream


def backward_pow(node: Any) -> None:
    upstream, (a, b) = node.grad, node.parents
    if where(absolute(b.data), 0.0, 1.0 + b.data) > 0.0:
        a.grad += where(a.data, divide(b.data, a.data), 0.0 * b.data) * upstream
    else:
        a.grad += (b.data * power(a.data, b.data - 1.0)) * upstream
    local = node.data * log(where(absolute(a.data), a.data, where(-b.data, a.data, 1.0)))
    b.grad += local * upstream


def backward_exp(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += node.data * upstream


def backward_log(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += divide(1.0, x.data) * upstream


def backward_sqrt(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += divide(0.5, node.data) * upstream


def backward_sin(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += cos(x.data) * upstream


def backward_cos(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += (-sin(x.data)) * upstream


def backward_tan(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += (1.0 + node.data * node.data) * upstream


def backward_tanh(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += (1.0 - node.data * node.data) * upstream


def backward_sigmoid(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += (node.data * (1.0 - node.data)) * upstream


def backward_softplus(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += sigmoid(x.data) * upstream


def backward_log_sigmoid(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += sigmoid(-x.data) * upstream


def backward_relu(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    if x.data > 0.0:
        x.grad += upstream


def backward_leaky_relu(node: Any) -> None:
    upstream, (x, negative_slope) = node.grad, node.parents
    x.grad += where(x.data, 1.0, negative_slope.data) * upstream
    if not x.data > 0.0:
        negative_slope.grad += x.data * upstream


def backward_maximum(node: Any) -> None:
    upstream, (a, b) = node.grad, node.parents
    if a.data - b.data > 0.0:
        a.grad += upstream
    elif not b.data - a.data > 0.0:
        a.grad += 0.5 * upstream
    if b.data - a.data > 0.0:
        b.grad += upstream
    elif not a.data - b.data > 0.0:
        b.grad += 0.5 * upstream


def backward_minimum(node: Any) -> None:
    upstream, (a, b) = node.grad, node.parents
    if b.data - a.data > 0.0:
        a.grad += upstream
    elif not a.data - b.data > 0.0:
        a.grad += 0.5 * upstream
    if a.data - b.data > 0.0:
        b.grad += upstream
    elif not b.data - a.data > 0.0:
        b.grad += 0.5 * upstream


def backward_where(node: Any) -> None:
    upstream, (condition, a, b) = node.grad, node.parents
    if condition.data > 0.0:
        a.grad += upstream
    if not condition.data > 0.0:
        b.grad += upstream


for _op in OPERATIONS.values():
    _op.apply_chain_rule_by(globals().get(f"backward_{_op.name}", _op.chain_rule))
