"""The chain rules of ``ops/activations.py``: what ``backward()`` does at a node.

Each parent's gradient is a sum over the parent's uses.  This use adds the local derivative,
d node / d parent, times the upstream gradient, d root / d node, which is complete by now.

Written by ``python -m autodiff.ops.writer``.
"""

from __future__ import annotations

from typing import Any

from autodiff.ops import *


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


def backward_erf(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += (1.1283791670955126 * exp(-x.data * x.data)) * upstream


def backward_gelu(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    local = (
        0.5
        + 0.5 * erf(0.7071067811865476 * x.data)
        + 0.3989422804014327 * x.data * exp(-0.5 * x.data * x.data)
    )
    x.grad += local * upstream
