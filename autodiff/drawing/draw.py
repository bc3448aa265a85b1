"""Pictures of a graph."""

from __future__ import annotations

import math
import os
import textwrap
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from autodiff.compiler.program import Program
from autodiff.drawing.boxes import STYLES, Painter, Style, joined
from autodiff.drawing.dot import dot_text
from autodiff.drawing.fit import FRAME, Arrangement, Size, arrangement_of
from autodiff.drawing.fold import FOLDS, Fold, fold_that_fits, folded
from autodiff.drawing.layout import laid_out
from autodiff.drawing.legend import with_legend
from autodiff.drawing.look import PRECISION, Chooser, Look, note_on
from autodiff.drawing.mermaid import mermaid_text
from autodiff.drawing.moment import NOW, Moment, backward_moments, contributions_in, moment_after
from autodiff.drawing.picture import Picture
from autodiff.drawing.program_picture import picture_of_loops, picture_of_program
from autodiff.drawing.render import check_pixels, has_dot, pdf_of, png_of, run_dot
from autodiff.drawing.svg import svg_text
from autodiff.graph import topological_order
from autodiff.support.changed import Changes, recomputed
from autodiff.support.convert import describe
from autodiff.support.files import shown_in_browser, write_atomically
from autodiff.support.memory import collector_paused
from autodiff.value import Value

__all__ = ["Drawing", "draw"]

DIRECTIONS = ("LR", "TB", "RL", "BT")
MOST_DIGITS = 17  # that many tell any two floats apart

# In points: 960 pixels.  Some notebooks show an SVG as an image of its own size, however wide.
NOTEBOOK_WIDTH = 720.0

NOTE_WIDTH = 76  # of a line, in characters

# Of a backward pass whose steps are all drawn with one layout.
MOST_STEPS = 2000


class Drawing:
    """A picture of a graph, as it was when it was drawn. It shows itself in a notebook.

    ``source`` is the picture in the DOT language of Graphviz: the same text for the same graph,
    in every process.  ``picture`` has what it shows, box by box.  ``room``, if there is one, is
    the same picture with longer text, by which it is laid out.  ``note`` says what would help
    where text is too small to be read on a slide.
    """

    __slots__ = ("note", "picture", "rankdir", "room", "source")

    def __init__(self, picture: Picture, rankdir: str = "LR", room: Picture | None = None) -> None:
        self.picture = picture
        self.rankdir = rankdir
        self.room = room
        self.note = ""
        self.source = dot_text(picture, rankdir)

    def svg(self) -> str:
        """Return the picture as an SVG document.

        Every box is an element with the box's id (``v12``), a title and a description; arrows
        have ids too (``v9-v12-1`` for operand 1 of v12).  It is as wide as its container at
        most, and has colours for dark and for light backgrounds.

        Raises ImportError, naming what to install, if nothing that can lay it out is installed;
        RuntimeError if the layout fails.
        """
        return self._svg(math.inf)

    def _svg(self, widest: float) -> str:
        return svg_text(self.picture, laid_out(self.room or self.picture, self.rankdir), widest)

    def mermaid(self) -> str:
        """Return the picture as a Mermaid flowchart, for a Markdown file; it needs no package."""
        return mermaid_text(self.picture, self.rankdir)

    def save(self, path: str | os.PathLike[str], size: Size | None = None) -> Path:
        """Write the picture to a file and return its path; the suffix says the format.

        ``.svg``, ``.png``, ``.pdf``, ``.dot`` (``.gv``) or ``.mmd`` for the text.  The file is
        written whole or not at all.  ``size`` is the width and height of a PNG in pixels; the
        picture is fitted into it: ``size=(1920, 1080)`` fills a projector's screen.

        Raises ValueError for another suffix or a wrong size, OSError if the file cannot be
        written, ImportError, naming what to install, if a format needs what is missing.
        """
        path = Path(path)
        content = self._in_format(path.suffix.lower(), path, size)
        try:
            return write_atomically(path, content)
        except OSError as error:
            reason = (
                f"cannot save the drawing ({error.strerror}); "
                "choose a folder that exists and can be written"
            )
            raise OSError(error.errno, reason, str(path)) from error

    def show(self) -> Path:
        """Open the picture in the system's browser, from a file among the temporary ones.

        Returns the file's path.  Raises ImportError, naming what to install, if it cannot be drawn.
        """
        return shown_in_browser("graph.svg", self.svg())

    def _in_format(self, suffix: str, path: Path, size: Size | None) -> str | bytes:
        if size is not None and suffix != ".png":
            raise ValueError(f"size is that of a .png, but the file is {str(path)!r}")
        if suffix in (".dot", ".gv"):
            return self.source
        if suffix == ".mmd":
            return self.mermaid()
        if suffix == ".svg":
            return self.svg()
        if suffix == ".png":
            return self._converted("png", size)
        if suffix == ".pdf":
            return self._converted("pdf")
        raise ValueError(
            f"cannot save a drawing as {str(path)!r}: "
            "end the name in .svg, .png, .pdf, .dot, .gv or .mmd"
        )

    def _converted(self, format: str, size: Size | None = None) -> bytes:
        if size is not None:
            check_pixels(size)
        try:
            return pdf_of(self.svg) if format == "pdf" else png_of(self.svg, size)
        except ImportError:
            if size is None and has_dot():
                return run_dot(self.source, format)
            raise

    def __repr__(self) -> str:
        note = f" {self.note}." if self.note else ""
        return f"<Drawing of {len(self.picture.boxes)} boxes: .svg(), .save(path), .source>{note}"

    def _repr_svg_(self) -> str:
        return self._svg(NOTEBOOK_WIDTH)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"image/svg+xml": self._repr_svg_(), "text/plain": repr(self)}


def draw(
    root: Value | Sequence[Value] | Program,
    rankdir: str | None = None,
    precision: int | None = None,
    *,
    fit: Size | None = None,
    style: Style | None = None,
    fold: Fold | None = None,
    expand: Sequence[str | Value] = (),
    edges: bool = False,
    step: int | None = None,
    legend: bool = False,
    max_nodes: int = 500,
) -> Drawing:
    """Return a picture of root, or of several Values, and everything that they depend on.

    Each node is a box with its name, the formula that made it, its value and its gradient
    (``–`` before ``backward()`` has computed it), and each use of a value is an arrow, so
    ``x * x`` has two.  Variables are green and square, operations white and rounded, root pale
    yellow with a heavy border, constants grey and oval.  Names are those of
    :class:`autodiff.Names`.  What a module of ``nn`` computes is framed.  In a long graph, a value
    used far away is shown there again in a small dashed box.  Drawing changes nothing.

    ``rankdir`` is where root lies: ``"LR"`` right, ``"TB"`` below, ``"RL"`` left, ``"BT"`` above.
    ``precision`` counts significant digits, 1 to 17; 4 without it.

    ``style="blackboard"`` is what a lecturer draws: an operation in a circle, its value above the
    wire that leaves it and its gradient below, and no names but those that were given.

    A long picture is in several lines, and ``rankdir`` is chosen if it is not given, so that text
    is as large as can be on a slide of 1280 by 720 pixels.  ``fit=(1920, 1080)`` is for a frame of
    that size, and chooses style, fold and digits as well, as far as they are not given.  Where text
    is smaller than 16 pixels all the same, the picture says so, and what would help.

    ``fold="neuron"`` and ``fold="layer"`` draw each neuron or layer as one box with its
    parameters, and what else differs between the rows of a batch as one box for all of them;
    arrows that come to lie on each other are one, with their number.  ``expand=["hidden[2]"]``
    opens that part.  ``fold="row"`` draws all rows of a batch but the first as one box.

    ``fold="call"`` draws what a call of a function computed as one box, with all that it called,
    for code that has no modules: the forward pass has to run in :func:`autodiff.record_source`.
    Where the picture would be too large, the calls of one place are one box (``7 calls``), and so
    is what one operation on one line did.  ``expand`` opens calls, and those around them:
    ``"softmax"`` all of that function, ``"softmax 3"`` the third, ``"attention > softmax"`` those
    that attention made, and a Value the one that computed it.

    Where numbers have changed since the graph was computed (``w.data -= ...``), a note says so, and
    each result shows its number and the one that its operation gives now; ``step`` draws the pass
    of now.

    ``edges=True`` writes on each arrow its local derivative and what it adds to the gradient,
    and draws it the thicker the more that is.  ``step=k`` draws ``root.backward()`` after its
    first k contributions; boxes lie in the same places for every k, in a pass of up to 2,000
    contributions.  ``legend=True`` adds what the shapes mean.  A picture of more than
    ``max_nodes`` boxes is refused, because nobody could read it.

    A compiled program is drawn as its instructions: forward, backward and update.  With
    ``fold="pack"``, operations that are alike are one box, as ``program.loops`` lists them.

    Raises TypeError or ValueError for a wrong argument; ImportError if the package graphviz is
    not installed.

    >>> x = Value(3.0, "x")
    >>> drawing = draw(x * x + 2)
    >>> drawing.source.count("v1 -> v3")
    2
    >>> from autodiff import record_source
    >>> def square(x):
    ...     return x * x
    >>> def cube(x):
    ...     return square(x) * x
    >>> with record_source():
    ...     y = cube(x) + square(x)
    >>> [box.name for box in draw(y, fold="call").picture.boxes]
    ['x', 'cube', 'square 2', 'y']
    >>> [box.name for box in draw(y, fold="call", expand=["cube"]).picture.boxes]
    ['x', 'square 1', 'v3', 'square 2', 'y']
    """
    check_arguments(rankdir, precision, max_nodes)
    if style is not None and style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, but is {style!r}")
    if fit is not None:
        check_pixels(fit)
    frame = fit or FRAME
    if isinstance(root, Program):
        if fold not in (None, "pack") or expand or edges or step is not None or style is not None:
            raise ValueError(
                'a program is drawn as it is or with fold="pack", without style, expand, edges and '
                "step"
            )
        if fold is None:
            picture = picture_of_program(root, precision or PRECISION)
            hint = 'Fold it: fold="pack" draws its loops'
        else:
            picture = picture_of_loops(root, precision or PRECISION)
            hint = "Draw the output instead"
        check_size(len(picture.boxes), max_nodes, "the program", hint)
        if legend:
            picture = with_legend(picture, edges, step is not None)
        arrangement, height = arrangement_of(picture, rankdir, frame)
        return arranged(picture, arrangement, note_on(height, frame))
    roots = roots_of(root)
    check_fold(fold, expand)
    if step is not None and len(roots) > 1:
        raise ValueError(f"step needs one Value to go back from, but got {len(roots)}")
    lent = nullcontext() if step is None else recomputed(topological_order(roots[0]))
    with collector_paused(), lent as changes:
        moment = NOW if step is None else moment_after(roots[0], step)
        return drawing_of(
            *(roots, moment, Look(style, fold, precision), rankdir, frame, fit is not None),
            *(expand, edges, legend, max_nodes, changes),
        )


def drawing_of(
    roots: Sequence[Value],
    moment: Moment,
    given: Look,
    rankdir: str | None = None,
    frame: Size = FRAME,
    choose: bool = False,
    expand: Sequence[str | Value] = (),
    edges: bool = False,
    legend: bool = False,
    max_nodes: int = 500,
    changes: Changes | None = None,
) -> Drawing:
    """Return the drawing of a graph at a moment; ``choose`` its look, as far as it is not given."""
    make = partial(painted, roots, moment, expand, edges, legend, max_nodes, changes)
    chooser = Chooser(make, rankdir, frame)
    drawn = chooser.best(given) if choose else chooser.drawn(given)
    if moment.given is None or contributions_in(roots[0]) > MOST_STEPS:
        return arranged(drawn.picture, drawn.arrangement, chooser.note(drawn, given))
    room = drawn.painter.roomy_picture(backward_moments(roots[0]))
    if legend:
        room = with_legend(room, edges, True)
    arrangement, height = arrangement_of(room, rankdir, frame)  # the same at each step
    return arranged(drawn.picture, arrangement, note_on(height, frame), room)


def painted(
    roots: Sequence[Value],
    moment: Moment,
    expand: Sequence[str | Value],
    edges: bool,
    legend: bool,
    max_nodes: int,
    changes: Changes | None,
    look: Look,
) -> tuple[Painter, Picture]:
    """Return the picture of a graph at a moment in a look, and what made it."""
    digits = look.precision or PRECISION
    style = look.style or STYLES[0]
    painter = painter_of(roots, digits, look.fold, expand, edges, max_nodes, changes, style)
    picture = painter.picture_at(moment)
    if legend:
        picture = with_legend(picture, edges, moment is not NOW)
    return painter, picture


def arranged(
    picture: Picture, arrangement: Arrangement, note: str = "", room: Picture | None = None
) -> Drawing:
    """Return the drawing of a picture so arranged, with a note below it."""
    lines = tuple(textwrap.wrap(note, NOTE_WIDTH))
    picture = arrangement.of(replace(picture, caption=(*picture.caption, *lines)))
    if room is not None:
        room = arrangement.of(replace(room, caption=(*room.caption, *lines)))
    drawing = Drawing(picture, arrangement.rankdir, room)
    drawing.note = note
    return drawing


def painter_of(
    roots: Sequence[Value],
    precision: int,
    fold: Fold | None,
    expand: Sequence[str | Value],
    edges: bool,
    max_nodes: int,
    changes: Changes | None = None,
    style: Style = "boxes",
) -> Painter:
    """Return what makes a graph's pictures; for the arguments see :func:`draw`.

    ``changes`` is what is out of date, if that is known already.

    Raises ValueError if its boxes are too many to read.
    """
    order = topological_order(joined(roots))
    if len(roots) > 1:
        order.pop()
    if fold is None and len(order) > max_nodes:  # without making a million parts first
        check_size(len(order), max_nodes, "the graph", fold_that_fits(order, max_nodes))
    folding = folded(order, fold, expand)
    if len(folding.parts) > max_nodes:
        check_size(len(folding.parts), max_nodes, "the graph", fold_that_fits(order, max_nodes))
    if changes is None:
        changes = Changes(order)
    return Painter(order, folding, precision, edges, roots, changes, style)


def roots_of(root: Value | Sequence[Value]) -> list[Value]:
    """Return the Values to draw as a list; raise TypeError if there is none."""
    roots = [root] if isinstance(root, Value) else root
    if (
        isinstance(roots, str)
        or not isinstance(roots, Sequence)
        or not roots
        or not all(isinstance(value, Value) for value in roots)
    ):
        raise TypeError(
            "draw needs a Value, such as the loss, a list of Values, or a Program, "
            f"but got {describe(root)}"
        )
    return list(roots)


def check_size(count: int, max_nodes: int, what: str, hint: str) -> None:
    """Raise ValueError if a picture would have too many boxes to read."""
    if count > max_nodes:
        raise ValueError(
            f"{what} has {count:,} nodes, more than max_nodes={max_nodes:,}: too many to read. "
            f"{hint}, or pass max_nodes={count}"
        )


def check_fold(fold: Fold | None, expand: Sequence[str | Value]) -> None:
    """Raise TypeError or ValueError if fold or expand is wrong."""
    if fold == "pack":
        raise ValueError('fold="pack" is for compiled programs: draw(compile(loss), ...)')
    if fold is not None and fold not in FOLDS:
        raise ValueError(f"fold must be None or one of {', '.join(FOLDS)}, but is {fold!r}")
    if (
        isinstance(expand, str)
        or not isinstance(expand, Sequence)
        or not all(isinstance(each, (str, Value)) for each in expand)
    ):
        raise TypeError(
            "expand must be a list of modules' paths, of functions' names or of Values, "
            f"but got {describe(expand)}"
        )
    if expand and fold not in ("neuron", "layer", "call"):
        raise ValueError('expand opens a part of a picture with fold="neuron", "layer" or "call"')


def check_arguments(rankdir: str | None, precision: int | None, max_nodes: int) -> None:
    """Raise TypeError or ValueError, naming the argument, if one is wrong."""
    if rankdir is not None and rankdir not in DIRECTIONS:
        raise ValueError(f"rankdir must be one of {', '.join(DIRECTIONS)}, but is {rankdir!r}")
    for name, number, most in (
        ("precision", 4 if precision is None else precision, MOST_DIGITS),
        ("max_nodes", max_nodes, None),
    ):
        if type(number) is not int:
            raise TypeError(f"{name} must be an int, but got {describe(number)}")
        if number < 1 or (most is not None and number > most):
            limits = "at least 1" if most is None else f"from 1 to {most}"
            raise ValueError(f"{name} must be {limits}, but is {number}")
