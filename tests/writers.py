"""Everything of the library that writes a file, called for a folder: see tests.fault_demo."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import nn
from autodiff import Value, animate, draw
from autodiff.support.files import write_atomically
from demos.page import xor_page

__all__ = ["WRITERS", "main"]


def product() -> Value:
    """Return a small graph with its gradients."""
    root = Value(2.0, "x") * Value(3.0, "y")
    root.backward()
    return root


def save_drawing(path: Path) -> Path:
    """Save a drawing."""
    return draw(product()).save(path)


WRITERS: dict[str, Callable[[Path], object]] = {
    "text.txt": partial(write_atomically, content="some text\n" * 1000),
    "weights.json": partial(nn.save, nn.MLP(2, [2, 1], rng=1)),
    **dict.fromkeys(("graph.dot", "graph.svg", "graph.png", "graph.mmd"), save_drawing),
    "film.gif": partial(animate, product(), size=(160, 90)),
    "xor.html": partial(xor_page, 2, 1, 0.1),
}


def main(arguments: Sequence[str]) -> int:
    """Write all files into a folder; return how many could not be, each told in a line."""
    failed = 0
    for name, write in WRITERS.items():
        path = Path(*arguments, name)
        try:
            write(path)
        except OSError as error:
            failed += 1
            print(f"{error.filename == str(path)} {name} {error.errno}", file=sys.stderr)
    return failed
