"""show(): an interactive picture of any graph of Values, as a notebook's cell and as a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any, Final, TypeAlias

from autodiff.debug.phases import AnyStep, ForwardStep, UpdateStep
from autodiff.debug.steps import Step
from autodiff.debug.trace import Trace
from autodiff.drawing import Drawing, draw
from autodiff.graph import topological_order
from autodiff.stepper.arithmetic import arithmetic_of, fixed_arithmetic
from autodiff.stepper.content import graph_data, source_data
from autodiff.stepper.document import document
from autodiff.stepper.folds import fold_data, folds_of
from autodiff.stepper.live_svg import EMPTY, live_svg
from autodiff.stepper.notes import notes_of
from autodiff.stepper.parts import SHOW, SHOW_FOLDS
from autodiff.support.by_hand import CURE
from autodiff.support.changed import Changes, numbers_lent, recomputed
from autodiff.support.convert import describe
from autodiff.support.files import shown_in_browser, write_atomically
from autodiff.support.memory import collector_paused
from autodiff.support.naming import Names
from autodiff.value import Value

__all__ = ["Stepper", "show"]

# The step that a page begins at, by its phase and the places of nodes.
Begin: TypeAlias = dict[str, Any]

MOST_NODES = 500  # that are shown one by one
MOST_FOLDED = 250_000
WAYS: Final = ("call", "layer", "row")  # to draw such a graph where no script can open folds
MOST_PICTURED = 60

# What a page is not, and a program may ask for.
OTHER_KINDS: Final = frozenset((".pdf", ".png", ".svg", ".gif", ".mp4", ".dot", ".ipynb"))

# Of the frame in a notebook: as high as a slide's picture is at the width of a notebook's cell.
NOTEBOOK_HEIGHT = 620  # pixels


class Stepper:
    """An interactive picture of a graph, as it was when it was made. A notebook shows it.

    ``html`` is a document that is whole in itself: it asks for nothing, and works offline.
    """

    __slots__ = ("drawing", "html", "title")

    def __init__(self, html: str, drawing: Drawing | None, title: str) -> None:
        self.html = html
        self.title = title
        self.drawing = drawing

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the document as a file to open in a browser, and return its path.

        Raises ValueError if the name ends like that of another kind of file.
        """
        suffix = Path(path).suffix.lower()
        if suffix in OTHER_KINDS:
            raise ValueError(
                f"this is a page, and {os.fspath(path)!r} ends like another kind of file: end it "
                "in .html; draw(...).save writes pictures"
            )
        return write_atomically(path, self.html)

    def open(self) -> Path:
        """Show the document in the system's browser; return the path of the temporary file."""
        return shown_in_browser("stepper.html", self.html)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        # A document of its own in a frame works in all notebooks; the picture is for viewers that
        # run no scripts.
        frame = (
            f'<iframe srcdoc="{escape(self.html)}" title="{escape(self.title)}" '
            f'sandbox="allow-scripts" style="width: 100%; height: {NOTEBOOK_HEIGHT}px; border: 0">'
            "</iframe>"
        )
        bundle = {"text/html": frame, "text/plain": repr(self)}
        return bundle if self.drawing is None else self.drawing._repr_mimebundle_() | bundle

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self.html):,} characters of HTML>"


def show(root: Value | Trace, *, title: str = "", fold: bool | None = None) -> Stepper:
    """Return an interactive picture of root's graph: of the loss, for example.

    In a notebook it is what the cell shows; elsewhere ``show(loss).save("lesson.html")`` writes a
    file for any browser, and ``show(loss).open()`` opens one.  A person steps forward and backward
    through the pass, one operation or one contribution at a time; chooses a box, and sees its
    gradient as a sum over its uses; drags a variable's number, and sees the loss move beside what
    its gradient promised; predicts each next number, and has it marked.  Lines of code that
    :func:`~autodiff.record_source` recorded are beside the steps.

    A graph of more than MOST_NODES nodes is folded: by the calls that computed it, where they were
    recorded, by rows and modules, and what is then still too long into parts.  A click on a fold
    opens it, and a step over a closed one does all that is in it.  ``fold`` says whether to fold,
    whatever the size.

    The numbers are those of an eager pass without hooks, bit for bit; after a change they are
    computed by the JavaScript that the compiler writes, whose ``exp`` and its kin may differ in the
    last places.  Where an operation was made by hand they are fixed.  Notes say where the code
    decided by a number or took one out of the graph, and which hooks there are.

    No Value is changed, nor is any ``grad``.  Of a :class:`~autodiff.Trace` it is the pass that the
    trace is in, with its numbers, and begins at its step.

    Raises TypeError if root is neither, ValueError if it is a constant or has more than MOST_FOLDED
    nodes, ImportError, naming what to install, if a graph that is not folded cannot be drawn.

    >>> w = Value(3.0, "w")
    >>> show(w * w + 1.0).html.startswith("<!DOCTYPE html>")
    True
    """
    if isinstance(root, Trace):
        return stepper_of_trace(root, title, fold)
    if not isinstance(root, Value):
        raise TypeError(f"show needs a Value, such as the loss, but got {describe(root)}")
    if root.is_constant:
        raise ValueError(f"show: {root!r} is a constant: nothing flows back to anything")
    with collector_paused():
        nodes = topological_order(root)
        check_size(nodes)
        with recomputed(nodes) as changes:
            changed = "Numbers have changed since the graph was computed; these are those of now."
            return stepper_of(root, nodes, title, changed if changes else "", fold)


def check_size(nodes: Sequence[Value]) -> None:
    """Raise ValueError if a graph is too large for a page."""
    if len(nodes) > MOST_FOLDED:
        raise ValueError(
            f"show: the graph has {len(nodes):,} nodes, and a page has at most {MOST_FOLDED:,}: "
            "show a part of it, such as the loss of one row; draw(..., fold=...) shows the whole"
        )


def stepper_of_trace(trace: Trace, title: str, fold: bool | None) -> Stepper:
    """Return the page of the pass that a trace is in."""
    root = trace.root
    nodes = topological_order(root)
    check_size(nodes)
    if not title and trace.epochs > 1:
        title = f"Step through {trace.names[root]}, epoch {trace.epoch}"
    step = trace.step
    if trace.phase == "backward" and not isinstance(step, Step):
        begin: Begin = {"phase": "start"}
    else:
        begin = place_of(step, nodes)
    with collector_paused(), numbers_lent(trace.pass_numbers):
        return stepper_of(root, nodes, title, trace.note, fold, begin)


def place_of(step: AnyStep | None, nodes: Sequence[Value]) -> Begin:
    """Return a step as a page knows it: by the places of nodes; the first one for None."""
    if isinstance(step, UpdateStep):
        return {"phase": "end"}
    if step is None:
        return {"phase": "first"}
    begin: Begin = {"phase": "forward", "node": nodes.index(step.node) + 1}
    if isinstance(step, Step):
        begin |= {"phase": "backward", "position": step.position}
    return begin


def stepper_of(
    root: Value,
    nodes: list[Value],
    title: str,
    note: str,
    fold: bool | None = None,
    begin: Begin | None = None,
) -> Stepper:
    """Return the page of a graph with the numbers that it has; it begins at a step, if given."""
    names = Names(root)
    called = {node: names[node] for node in nodes}
    kinds = {f"v{place}": kind_of(node, root) for place, node in enumerate(nodes, 1)}
    variables = list(filter(is_variable, nodes))
    by_hand = next((node for node in nodes if node.origin.given is not None), None)
    if by_hand is None:
        arithmetic = arithmetic_of(root, nodes, variables)
    else:
        why = f"{called[by_hand]} was made by hand. To change them, {CURE}"
        arithmetic = fixed_arithmetic(root, nodes, why)
    is_folded = len(nodes) > MOST_NODES if fold is None else fold
    folds = folds_of(nodes, called) if is_folded else None
    calls = [] if folds is None else [fold.line for fold in folds.numbered()]
    data = {
        "graph": graph_data(nodes, called, kinds, arithmetic),
        "folds": None if folds is None else fold_data(folds, nodes),
        "source": source_data(nodes, calls),
        "notes": [each for each in (note, arithmetic.note, *notes_of(nodes, names)) if each],
        "begin": begin,
    }
    title = title or f"Step through {called[root]}"
    svg = EMPTY if is_folded else live_svg(root, kinds, MOST_NODES)
    page = SHOW_FOLDS if is_folded else SHOW
    html = document(page, title, arithmetic.javascript, data, graph=svg)
    drawing = draw_folded(root) if is_folded else draw(root, max_nodes=MOST_NODES)
    return Stepper(html, drawing, title)


def draw_folded(root: Value) -> Drawing | None:
    """Return the picture of a large graph for viewers that run no scripts; None if there is none.

    It is that of the first fold that makes it small enough.
    """
    for way in WAYS:
        with suppress(ImportError, ValueError):
            return draw(root, fold=way, max_nodes=MOST_PICTURED)
    return None


def is_variable(node: Value) -> bool:
    """Return whether a node's number can be changed."""
    return node.is_leaf and not node.is_constant


def kind_of(node: Value, root: Value) -> str:
    """Return what a node is: the class of its box."""
    if node is root:
        return "result"
    if node.is_constant:
        return "data" if node.label else "constant"
    return "parameter" if node.is_leaf else "operation"


def bundle_of_trace(trace: Trace, **_: Any) -> dict[str, str]:
    """Return what a notebook shows of a trace, by MIME type; its text where it has no page."""
    # A package may be missing, or nothing recorded; a display never fails, and takes no long time.
    with suppress(ImportError, RuntimeError, ValueError):
        if len(trace.order) <= MOST_NODES:
            return show(trace)._repr_mimebundle_() | {"text/plain": repr(trace)}
    return {"text/plain": repr(trace)}


def bundle_of_step(step: Step | ForwardStep, **_: Any) -> dict[str, str]:
    """Return what a notebook shows of a step: the page at it, if its numbers are those of now."""
    names = step.names if isinstance(step, ForwardStep) else step.reverse_pass.names
    with suppress(ImportError, RuntimeError, ValueError):
        nodes = topological_order(names.root)
        if len(nodes) <= MOST_NODES and not Changes(nodes):
            page = stepper_of(names.root, nodes, "", "", None, place_of(step, nodes))
            return page._repr_mimebundle_() | {"text/plain": repr(step)}
    return {"text/plain": repr(step)}


# Neither knows of pages itself.
Trace._repr_mimebundle_ = bundle_of_trace  # type: ignore[attr-defined]
Step._repr_mimebundle_ = bundle_of_step  # type: ignore[attr-defined]
ForwardStep._repr_mimebundle_ = bundle_of_step  # type: ignore[attr-defined]
