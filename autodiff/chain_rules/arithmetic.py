"""The chain rules of ``ops/arithmetic.py``: what ``backward()`` does at a node.

Each parent's gradient is a sum over the parent's uses.  This use adds the local derivative,
d node / d parent, times the upstream gradient, d root / d node, which is complete by now.

Written by ``python -m autodiff.ops.writer``.
"""

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
