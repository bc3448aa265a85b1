"""The chain rules of ``ops/powers.py``: what ``backward()`` does at a node.

Each parent's gradient is a sum over the parent's uses.  This use adds the local derivative,
d node / d parent, times the upstream gradient, d root / d node, which is complete by now.

Written by ``python -m autodiff.ops.writer``.
"""

from __future__ import annotations

from typing import Any

from autodiff.ops import *


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
