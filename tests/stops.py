"""Every place at which a debugger can stop in a backward pass: ``python -m tests.stops GRAPH``.

A debugger stops where Python calls, begins a line, or returns.  This process does one pass, its
first, and tells as lines of JSON what each stop is and which gradients it shows.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from autodiff import Value
from demos.lab import LAB
from demos.one_row import lab_model, one_row_loss

__all__ = ["GRAPHS", "Stop", "nodes_of"]


class Stop(NamedTuple):
    """A stop: "call", "line" or "return", where, and the repr of each node's gradient."""

    event: str
    function: str
    file: str
    line: int
    gradients: list[str]


def neuron() -> Value:
    w, x, b = Value(0.5), Value(3.0), Value(-1.25)
    return (w * x + b).tanh()


def row_of_xor() -> Value:
    return one_row_loss(lab_model(), LAB.x[1], LAB.y[1])


def neuron_after_a_pass_of_another() -> Value:
    """Return a neuron whose variables, and all but its root, have a gradient already."""
    w, x, b = Value(0.5), Value(3.0), Value(-1.25)
    z = w * x + b
    (z * 2.0).backward()
    return z.tanh()


GRAPHS: dict[str, Callable[[], Value]] = {
    "neuron": neuron,
    "row_of_xor": row_of_xor,
    "neuron_after_a_pass_of_another": neuron_after_a_pass_of_another,
}


def nodes_of(root: Value) -> list[Value]:
    """Return the nodes of a graph, each once, by a walk of this file's own."""
    nodes = [root]
    for node in nodes:  # which grows meanwhile
        nodes += [parent for parent in dict.fromkeys(node.parents) if parent not in nodes]
    return nodes


def stops_of(root: Value) -> list[Stop]:
    """Do a backward pass, and return its stops."""
    nodes, stops = nodes_of(root), []

    def stop(frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        gradients = [repr(node.grad) for node in nodes]
        file = Path(code.co_filename).name
        stops.append(Stop(event, code.co_qualname, file, frame.f_lineno, gradients))
        return stop

    before = sys.gettrace()
    sys.settrace(stop)
    root.backward()
    sys.settrace(before)
    return stops


if __name__ == "__main__":
    for each in stops_of(GRAPHS[sys.argv[1]]()):
        print(json.dumps(each))
