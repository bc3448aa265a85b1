"""Pictures of a graph."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from autodiff.dot import dot_text
from autodiff.files import write_atomically
from autodiff.graph import topological_order
from autodiff.ops import describe
from autodiff.picture import picture_of
from autodiff.render import pdf_of, png_of, svg_of
from autodiff.value import Value

__all__ = ["Drawing", "draw"]

DIRECTIONS = ("LR", "TB", "RL", "BT")
MOST_DIGITS = 17  # that many tell any two floats apart


class Drawing:
    """A picture of a graph, as it was when it was drawn. It shows itself in a notebook.

    ``source`` is the picture in the DOT language of Graphviz: the same text for the same graph,
    in every process.
    """

    __slots__ = ("source",)

    def __init__(self, source: str) -> None:
        self.source = source

    def svg(self) -> str:
        """Return the picture as an SVG document.

        Raises ImportError, naming what to install, if nothing that can lay it out is installed;
        RuntimeError if the layout fails.
        """
        return svg_of(self.source)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file and return its path; the suffix says the format.

        ``.svg``, ``.png``, ``.pdf``, or ``.dot`` (``.gv``) for the text.  The file is written
        whole or not at all.

        Raises ValueError for another suffix, OSError if the file cannot be written, ImportError,
        naming what to install, if a format needs what is missing.
        """
        path = Path(path)
        content = self._in_format(path.suffix.lower(), path)
        try:
            return write_atomically(path, content)
        except OSError as error:
            reason = (
                f"cannot save the drawing ({error.strerror}); "
                "choose a folder that exists and can be written"
            )
            raise OSError(error.errno, reason, str(path)) from error

    def _in_format(self, suffix: str, path: Path) -> str | bytes:
        if suffix in (".dot", ".gv"):
            return self.source
        if suffix == ".svg":
            return self.svg()
        if suffix == ".png":
            return png_of(self.source)
        if suffix == ".pdf":
            return pdf_of(self.source)
        raise ValueError(
            f"cannot save a drawing as {str(path)!r}: end the name in .svg, .png, .pdf, .dot or .gv"
        )

    def __repr__(self) -> str:
        return f"<Drawing, {len(self.source)} characters of DOT: .svg(), .save(path), .source>"

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"image/svg+xml": self.svg(), "text/plain": repr(self)}


def draw(root: Value, rankdir: str = "LR", precision: int = 4, *, max_nodes: int = 500) -> Drawing:
    """Return a picture of root and everything that it depends on.

    Each node is a box with its name, the formula that made it, its value and its gradient
    (``–`` before ``backward()`` has computed it), and each use of a value is an arrow, so
    ``x * x`` has two.  Variables are blue and square, operations white and rounded, root orange
    with a heavy border, constants grey and oval.  Names are those of :class:`autodiff.Names`.
    In a long graph, a value used far away is shown there again in a small dashed box.  Drawing
    changes nothing.

    ``rankdir`` is where root lies: ``"LR"`` right, ``"TB"`` below, ``"RL"`` left, ``"BT"`` above.
    ``precision`` counts significant digits, 1 to 17.  A graph of more than ``max_nodes`` nodes
    is refused, because nobody could read it.

    Raises TypeError or ValueError for a wrong argument; ImportError if the package graphviz is
    not installed.

    >>> x = Value(3.0, "x")
    >>> drawing = draw(x * x + 2)
    >>> drawing.source.count("v1 -> v3")
    2
    """
    check_arguments(root, rankdir, precision, max_nodes)
    order = topological_order(root)
    if len(order) > max_nodes:
        raise ValueError(
            f"the graph has {len(order):,} nodes, more than max_nodes={max_nodes:,}: too many to "
            f"read. Draw a node inside it instead, or pass max_nodes={len(order)}"
        )
    return Drawing(dot_text(picture_of(order, precision), rankdir))


def check_arguments(root: Value, rankdir: str, precision: int, max_nodes: int) -> None:
    """Raise TypeError or ValueError, naming the argument, if one is wrong."""
    if not isinstance(root, Value):
        raise TypeError(f"draw needs a Value, such as the loss, but got {describe(root)}")
    if rankdir not in DIRECTIONS:
        raise ValueError(f"rankdir must be one of {', '.join(DIRECTIONS)}, but is {rankdir!r}")
    for name, number, most in (
        ("precision", precision, MOST_DIGITS),
        ("max_nodes", max_nodes, None),
    ):
        if type(number) is not int:
            raise TypeError(f"{name} must be an int, but got {describe(number)}")
        if number < 1 or (most is not None and number > most):
            limits = "at least 1" if most is None else f"from 1 to {most}"
            raise ValueError(f"{name} must be {limits}, but is {number}")
