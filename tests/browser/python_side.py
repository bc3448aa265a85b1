"""What Python has for the numbers of a page: the eager engine, on the same graph."""

from __future__ import annotations

import math
from typing import Any

import nn
from autodiff import Names, Value, topological_order
from demos.live.record import record
from nn.rows import Rows

CLOSE = 1e-9


def row_loss(model: nn.Module, x: Any, y: Any, loss: Any, row: int) -> Value:
    """Return the graph of one row's loss, with the page's names."""
    return record(model, Rows(model, x[row:], y[row:], loss)).loss


def numbers_of(
    model: nn.Module, x: Any, y: Any, loss: Any, row: int, penalty: Any = None
) -> dict[str, Any]:
    """Return what the page should have for the model's weights, with that row in the graph."""
    paths = model.named_parameters()
    sums = dict.fromkeys([path for path, _ in paths], 0.0)
    total = 0.0
    for place in range(len(x)):
        model.zero_grad()
        graph = row_loss(model, x, y, loss, place)
        graph.backward()
        total += graph.data
        sums = {path: sums[path] + parameter.grad for path, parameter in paths}
    means = {path: gradient / len(x) for path, gradient in sums.items()}
    total /= len(x)
    if penalty is not None:
        model.zero_grad()
        term = penalty(model.parameters())
        term.backward()
        total += term.data
        means = {path: means[path] + parameter.grad for path, parameter in paths}
    model.zero_grad()
    graph = row_loss(model, x, y, loss, row)
    graph.backward()
    names, nodes = Names(graph), topological_order(graph)
    return {
        "loss": total,
        "weights": {path: parameter.data for path, parameter in paths},
        "meanGradients": means,
        "names": [names[node] for node in nodes],
        "values": [node.data for node in nodes],
        "gradients": [node.grad if node.has_grad else None for node in nodes],
        "predictions": [[model(each).data] for each in x],
    }


def assert_close(found: Any, wanted: Any, what: str) -> None:
    """Check nested numbers to 1e-9, and to nine digits where they are large."""
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys(), what
        for key in wanted:
            assert_close(found[key], wanted[key], f"{what} {key}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), what
        for place, (each, other) in enumerate(zip(found, wanted, strict=True)):
            assert_close(each, other, f"{what}[{place}]")
    elif isinstance(wanted, float):
        assert math.isclose(found, wanted, rel_tol=CLOSE, abs_tol=CLOSE), (what, found, wanted)
    else:
        assert found == wanted, what
