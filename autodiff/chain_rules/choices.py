"""The chain rules of ``ops/choices.py``: what ``backward()`` does at a node.

Each parent's gradient is a sum over the parent's uses.  This use adds the local derivative,
d node / d parent, times the upstream gradient, d root / d node, which is complete by now.

Written by ``python -m autodiff.ops.writer``.
"""

from __future__ import annotations

from typing import Any

from autodiff.ops import *


def backward_abs(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += where(x.data, 1.0, where(-x.data, -1.0, 0.0)) * upstream


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


def backward_clip(node: Any) -> None:
    upstream, (x, low, high) = node.grad, node.parents
    if not low.data - x.data > 0.0:
        if not x.data - high.data > 0.0:
            if maximum(node.data, 0.0) + 1.0 > 0.0:
                x.grad += upstream
    if minimum(low.data - x.data, high.data - low.data) > 0.0:
        low.grad += upstream
    if x.data - high.data > 0.0:
        high.grad += upstream
    elif low.data - high.data > 0.0:
        high.grad += upstream


def backward_where(node: Any) -> None:
    upstream, (condition, a, b) = node.grad, node.parents
    if condition.data > 0.0:
        a.grad += upstream
    if not condition.data > 0.0:
        b.grad += upstream
