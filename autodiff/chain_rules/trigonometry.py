"""The chain rules of ``ops/trigonometry.py``: what ``backward()`` does at a node.

Each parent's gradient is a sum over the parent's uses.  This use adds the local derivative,
d node / d parent, times the upstream gradient, d root / d node, which is complete by now.

Written by ``python -m autodiff.ops.writer``.
"""

from __future__ import annotations

from typing import Any

from autodiff.ops import *


def backward_sin(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += cos(x.data) * upstream


def backward_cos(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += (-sin(x.data)) * upstream


def backward_tan(node: Any) -> None:
    upstream, (x,) = node.grad, node.parents
    x.grad += (1.0 + node.data * node.data) * upstream
