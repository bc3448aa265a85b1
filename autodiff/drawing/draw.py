"""Pictures of a graph."""

from __future__ import annotations

import math
import os
import textwrap
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from autodiff.compiler.program import Program
from autodiff.debug.trace import Trace
from autodiff.drawing.boxes import STYLES, Painter, Style, joined
from autodiff.drawing.difference import DifferencePainter, Record
from autodiff.drawing.fit import FRAME, READABLE, Arrangement, Size, arrangement_of, note_on
from autodiff.drawing.folds.fold import FOLDS, Fold, fold_that_fits, folded, names_of_repeats
from autodiff.drawing.formats.drawio import drawio_text
from autodiff.drawing.formats.mermaid import mermaid_text
from autodiff.drawing.formats.svg import svg_text
from autodiff.drawing.formats.tikz import name_of_root, room_for_tikz, tikz_text
from autodiff.drawing.layouts.dot import dot_text
from autodiff.drawing.layouts.layout import Layout, laid_out
from autodiff.drawing.layouts.render import check_pixels, has_dot, pdf_of, png_of, run_dot
from autodiff.drawing.legend import with_legend
from autodiff.drawing.look import MOST_COMPARED, PRECISION, Chooser, Look
from autodiff.drawing.moment import NOW, Moment, backward_moments, contributions_in, moment_after
from autodiff.drawing.networks.modules import Module, outputs_of
from autodiff.drawing.networks.network import OFS, Of
from autodiff.drawing.networks.plans import (
    PLANS,
    Plan,
    Planned,
    planned_heat_map,
    planned_network,
)
from autodiff.drawing.picture import Picture
from autodiff.drawing.program_picture import picture_of_loops, picture_of_program
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
    the same picture with longer text, by which it is laid out.  ``layout`` is that of a network or
    a heat map, which needs no layout program.  ``note`` says what would help where text is too
    small to be read on a slide.  ``record`` are the numbers of a graph, with which a later pass can
    be compared.
    """

    __slots__ = ("_laid_out", "_source", "layout", "note", "picture", "rankdir", "record", "room")

    def __init__(
        self,
        picture: Picture,
        rankdir: str = "LR",
        room: Picture | None = None,
        layout: Layout | None = None,
    ) -> None:
        self.picture = picture
        self.rankdir = rankdir
        self.room = room
        self.layout = layout
        self.note = ""
        self.record: Record | None = None
        self._laid_out: Layout | None = None
        self._source = dot_text(picture, rankdir) if layout is None else ""

    @property
    def source(self) -> str:
        """The picture as DOT text. Raises ImportError if the package graphviz is not installed."""
        return self._source or dot_text(self.picture, self.rankdir)

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
        return svg_text(self.picture, self._layout(), widest)

    def _layout(self) -> Layout:
        if self._laid_out is None:
            self._laid_out = self.layout or laid_out(self.room or self.picture, self.rankdir)
        return self._laid_out

    def mermaid(self) -> str:
        """Return the picture as a Mermaid flowchart, for a Markdown file; it needs no package."""
        return mermaid_text(self.picture, self.rankdir)

    def save(self, path: str | os.PathLike[str], size: Size | None = None) -> Path:
        """Write the picture to a file and return its path; the suffix says the format.

        ``.svg``, ``.png``, ``.pdf``; ``.tex``, for LaTeX; ``.drawio``, to be edited; ``.dot``
        (``.gv``) or ``.mmd`` for the text.  The file is written whole or not at all.  ``size`` is
        the width and height of a PNG in pixels; the picture is fitted into it:
        ``size=(1920, 1080)`` fills a projector's screen.

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
        writers: dict[str, Callable[[], str | bytes]] = {
            ".svg": self.svg,
            ".png": partial(self._converted, "png", size),
            ".pdf": partial(self._converted, "pdf"),
            ".tex": self._tikz,
            ".drawio": self._drawio,
            ".dot": self._dot,
            ".gv": self._dot,
            ".mmd": self.mermaid,
        }
        if suffix in writers:
            return writers[suffix]()
        *others, last = writers
        raise ValueError(
            f"cannot save a drawing as {str(path)!r}: end the name in {', '.join(others)} or {last}"
        )

    def _dot(self) -> str:
        return self.source

    def _tikz(self) -> str:
        if self.layout is not None:
            return tikz_text(self.picture, self.layout)
        root = name_of_root(self.picture)
        room = room_for_tikz(self.room or self.picture, root)
        return tikz_text(self.picture, laid_out(room, self.rankdir), root)

    def _drawio(self) -> str:
        return drawio_text(self.picture, self._layout())

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
        svg = self._repr_svg_()
        bundle = {"image/svg+xml": svg, "text/plain": repr(self)}
        # For what shows no SVG: papers made of notebooks, messages, some sites.
        with suppress(ImportError, RuntimeError):  # a package is missing, or all fonts are
            bundle["image/png"] = b64encode(png_of(partial(str, svg))).decode()
        return bundle


def draw(
    root: Any,
    rankdir: str | None = None,
    precision: int | None = None,
    *,
    fit: Size | None = None,
    style: Style | Plan | None = None,
    of: Of = "weights",
    fold: Fold | None = None,
    expand: Sequence[str | Value] = (),
    edges: bool = False,
    step: int | None = None,
    since: Drawing | None = None,
    legend: bool = False,
    max_nodes: int = 500,
) -> Drawing:
    """Return a picture of root, or of several Values, and everything that they depend on.

    Root may also be a module of ``nn``, a compiled program, or numbers over epochs.

    Each node is a box with its name, the formula that made it, its value and its gradient
    (``–`` before ``backward()`` has computed it), and each use of a value is an arrow, so
    ``x * x`` has two.  Variables are green and square, operations white and rounded, root pale
    yellow with a heavy border, constants grey and oval.  Names are those of
    :class:`autodiff.Names`.  What a module of ``nn`` computes is framed.  In a long graph, a value
    used far away is shown there again in a small dashed box.  Drawing changes nothing.

    ``rankdir`` is where root lies: ``"LR"`` right, ``"TB"`` below, ``"RL"`` left, ``"BT"`` above.
    ``precision`` counts significant digits, 1 to 17; 4 without it, or fewer where room is scarce.

    ``style="blackboard"`` is what a lecturer draws: an operation in a circle, its value above the
    wire that leaves it and its gradient below, and no names but those that were given.

    ``style="network"`` is how people draw a network of ``nn``: neurons as circles in columns of
    layers, each with its output and its bias, and weights as lines, red above 0, blue and
    dashed below, the wider the larger.  It shows what the first output depends on: one row of a
    batch.  A module is drawn so even without a forward pass: ``draw(model)``.

    ``style="heatmap"`` shows parameters as cells, a layer's weights and its biases together, with
    their numbers where these can be read.  It takes a graph, a module, what ``state_dict()``
    returned, several such states in a list or by epoch, or the trace of
    :func:`autodiff.record_epochs`, of which it shows six epochs.  In both styles ``of="gradients"``
    shows the gradients, and a heat map ``of="activations"`` the outputs of each layer, row by row.

    What is not given of ``rankdir``, style, fold and precision is chosen so that text is as large
    as can be on a slide of 1280 by 720 pixels, or in a frame of another size, ``fit=(1920, 1080)``:
    as few as can be are folded, and a long picture is in several lines.  Where text is smaller than
    16 pixels all the same, the picture says so, and what would help.  A graph of more than 5,000
    nodes is looked at so only with ``fit``.

    ``fold="none"`` draws each node.  ``fold="neuron"`` and ``fold="layer"`` draw each neuron or
    layer as one box with its parameters, and what else differs between the rows of a batch as one
    box for all of them; arrows that come to lie on each other are one, with their number; neurons
    are a network if boxes could not be read.  ``expand=["hidden[2]"]``
    opens that part.  The blocks of an :func:`autodiff.group` fold as neurons do.
    ``fold="row"`` draws all rows of a batch but the first as one box.

    ``fold="repeat"`` draws what is computed alike again and again as one box (``h × 6``): the cells
    of a recurrent network, the steps of an iteration, the rows of a batch.  It is found in the
    graph itself.  ``expand=["h"]`` opens it as one copy that stands for all, ``"h 2"`` or a Value
    the second alone.

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

    ``since=draw(loss)``, drawn before an update, shows what has changed: each number with its
    change, in red boxes what is more, in blue and dashed ones what is less, in grey what is
    equal.  The two graphs must have the same form.

    A compiled program is drawn as its instructions: forward, backward and update.  With
    ``fold="pack"``, operations that are alike are one box, as ``program.loops`` lists them.

    Raises TypeError or ValueError for a wrong argument; ImportError if the package graphviz is
    not installed, which networks and heat maps do not need.

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
    >>> opened = draw(y, fold="call", expand=["cube"]).picture.boxes
    >>> [box.name for box in opened if box.kind != "reference"]
    ['x', 'square 1', 'v3', 'square 2', 'y']
    """
    check_arguments(rankdir, precision, max_nodes)
    plan = plan_of(root, style, fold, of)
    if fit is not None:
        check_pixels(fit)
    frame = fit or FRAME
    if plan is not None:
        if any((rankdir, fold, expand, edges, step is not None, since)):
            raise ValueError(
                f'style="{plan}" has a layout of its own, without rankdir, fold, expand, edges, '
                "step and since"
            )
        return planned(root, plan, of, precision, frame)
    if isinstance(root, Program):
        others = (expand, edges, step is not None, style, since)
        if fold not in (None, "pack") or any(others):
            raise ValueError(
                'a program is drawn as it is or with fold="pack", without style, expand, edges, '
                "step and since"
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
        cure = 'fold="pack" draws its loops' if fold is None else "draw its output"
        return arranged(picture, arrangement, note_on(height, frame, cure))
    roots, moment = roots_of(root)
    check_fold(fold, expand)
    before = record_of(since)
    if step is not None and len(roots) > 1:
        raise ValueError(f"step needs one Value to go back from, but got {len(roots)}")
    lent = nullcontext() if step is None else recomputed(topological_order(roots[0]))
    with collector_paused(), lent as changes:
        if step is not None:
            moment = moment_after(roots[0], step)
        look = Look(cast(Style | None, style), fold, precision)
        return drawing_of(
            *(roots, moment, look, rankdir, fit, expand, edges, legend, max_nodes, changes, before)
        )


def drawing_of(
    roots: Sequence[Value],
    moment: Moment,
    given: Look,
    rankdir: str | None = None,
    fit: Size | None = None,
    expand: Sequence[str | Value] = (),
    edges: bool = False,
    legend: bool = False,
    max_nodes: int = 500,
    changes: Changes | None = None,
    before: Record | None = None,
) -> Drawing:
    """Return the drawing of a graph at a moment, in the look that is largest in its frame.

    That of a very large graph is chosen only if there is a frame to fit.
    """
    frame = fit or FRAME
    is_pass = moment.given is not None
    # Of a pass, all moments are drawn in the look of the last, which has the longest text.
    last = moment_after(roots[0], contributions_in(roots[0])) if is_pass else moment
    make = partial(painted, roots, last, expand, edges, legend, max_nodes, changes, before)
    order = topological_order(joined(roots))
    chooser = Chooser(make, rankdir, frame, partial(names_of_repeats, order))
    is_small = len(order) <= MOST_COMPARED
    drawn = chooser.best(given) if fit or is_small else chooser.drawn(given)
    record = Record.of(drawn.painter, moment)
    network = None
    if drawn.height < READABLE and is_small:
        network = network_instead(roots, moment, given.precision, frame)
    is_asked = any((given.style, rankdir, expand, edges, legend, is_pass, before))
    if network is not None and given.fold in (None, "neuron") and not is_asked:
        return drawing_of_plan(network, record)
    painter, arrangement, room = drawn.painter, drawn.arrangement, None
    picture = explained(painter.picture_at(moment), legend, edges, is_pass)
    if is_pass and contributions_in(roots[0]) <= MOST_STEPS:
        room = explained(painter.roomy_picture(backward_moments(roots[0])), legend, edges, is_pass)
        arrangement, height = arrangement_of(room, rankdir, frame)
        drawn = replace(drawn, height=height)
    note = chooser.note(drawn, given)
    if note and network is not None:
        note += f', style="network" {network.text:.0f}'
    drawing = arranged(picture, arrangement, note, room)
    drawing.record = record
    return drawing


def network_instead(
    roots: Sequence[Value], moment: Moment, precision: int | None, frame: Size
) -> Planned | None:
    """Return the network in a graph, if it shows all of its neurons and can be read."""
    try:
        found = planned_network(roots, moment, OFS[0], precision, frame)
    except ValueError:
        return None
    return found if found.is_whole and found.text >= READABLE else None


def painted(
    roots: Sequence[Value],
    moment: Moment,
    expand: Sequence[str | Value],
    edges: bool,
    legend: bool,
    max_nodes: int,
    changes: Changes | None,
    before: Record | None,
    look: Look,
) -> tuple[Painter, Picture]:
    """Return the picture of a graph at a moment in a look, and what made it."""
    digits, style, opened = look.precision or PRECISION, look.style or STYLES[0], look.expand
    painter = painter_of(
        *(roots, digits, look.fold, (*expand, *opened), edges, max_nodes, changes, style, before)
    )
    return painter, explained(painter.picture_at(moment), legend, edges, moment is not NOW)


def explained(picture: Picture, legend: bool, edges: bool, is_pass: bool) -> Picture:
    """Return a picture with its legend, if it is to have one."""
    return with_legend(picture, edges, is_pass) if legend else picture


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
    before: Record | None = None,
) -> Painter:
    """Return what makes a graph's pictures; for the arguments see :func:`draw`.

    ``changes`` is what is out of date, if that is known already; ``before``, what to compare with.

    Raises ValueError if its boxes are too many to read, or there is no comparing.
    """
    order = topological_order(joined(roots))
    if len(roots) > 1:
        order.pop()
    fold = fold or "none"
    if fold == "none" and len(order) > max_nodes:  # without making a million parts first
        check_size(len(order), max_nodes, "the graph", fold_that_fits(order, max_nodes))
    folding = folded(order, fold, expand)
    if len(folding.parts) > max_nodes:
        check_size(len(folding.parts), max_nodes, "the graph", fold_that_fits(order, max_nodes))
    if changes is None:
        changes = Changes(order)
    what = order, folding, precision, edges, roots, changes, style
    return Painter(*what) if before is None else DifferencePainter(before, *what)


def plan_of(root: Any, style: str | None, fold: Fold | None, of: Of) -> Plan | None:
    """Return the style of a picture that has a layout of its own; None for that of a graph.

    Raises ValueError if style or of is wrong.
    """
    if style is not None and style not in (*STYLES, *PLANS):
        raise ValueError(f"style must be one of {', '.join((*STYLES, *PLANS))}, but is {style!r}")
    if of not in OFS:
        raise ValueError(f"of must be one of {', '.join(OFS)}, but is {of!r}")
    if style is None and fold is None:
        style = "network" if isinstance(root, Module) else "heatmap" if is_history(root) else None
    if of != OFS[0] and style not in PLANS:
        raise ValueError(f'of="{of}" is for style="network" and style="heatmap"')
    return style if style in PLANS else None


def is_history(root: Any) -> bool:
    """Return whether that is a state of a module, several of them, or a trace."""
    first = root[0] if isinstance(root, (list, tuple)) and root else root
    return isinstance(first, (Mapping, Trace))


def planned(root: Any, style: Plan, of: Of, precision: int | None, frame: Size) -> Drawing:
    """Return the drawing of a network or a heat map."""
    if style == "network":
        roots, moment = roots_of(root)
        found = planned_network(roots, moment, of, precision, frame)
    elif isinstance(root, Module) or is_history(root):
        found = planned_heat_map(root, of, precision, frame)
    else:
        found = planned_heat_map(joined(roots_of(root)[0]), of, precision, frame)
    return drawing_of_plan(found)


def drawing_of_plan(found: Planned, record: Record | None = None) -> Drawing:
    """Return the drawing of a picture with its layout."""
    drawing = Drawing(found.picture, layout=found.layout)
    drawing.note, drawing.record = found.note, record
    return drawing


def roots_of(root: Any) -> tuple[list[Value], Moment]:
    """Return the Values to draw as a list, and what is known; raise TypeError if there is none."""
    if isinstance(root, Module):
        return outputs_of(root)
    roots = [root] if isinstance(root, Value) else root
    if (
        isinstance(roots, str)
        or not isinstance(roots, Sequence)
        or not roots
        or not all(isinstance(value, Value) for value in roots)
    ):
        raise TypeError(
            "draw needs a Value, such as the loss, a list of Values, a Program, a module of nn, a "
            f"state_dict() or a Trace, but got {describe(root)}"
        )
    return list(roots), NOW


def record_of(since: Drawing | None) -> Record | None:
    """Return the numbers to compare with; raise TypeError or ValueError if there are none."""
    if since is not None and not isinstance(since, Drawing):
        raise TypeError(
            "since needs a drawing of the graph before, such as before = draw(loss), but got "
            f"{describe(since)}"
        )
    if since is not None and since.record is None:
        raise ValueError(
            "since needs the drawing of a graph: those of programs and networks have no record"
        )
    return None if since is None else since.record


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
        raise ValueError(f"fold must be one of {', '.join(FOLDS)}, but is {fold!r}")
    if (
        isinstance(expand, str)
        or not isinstance(expand, Sequence)
        or not all(isinstance(each, (str, Value)) for each in expand)
    ):
        raise TypeError(
            "expand must be a list of modules' paths, of functions' names or of Values, "
            f"but got {describe(expand)}"
        )
    if expand and fold not in ("neuron", "layer", "repeat", "call"):
        raise ValueError(
            'expand opens a part of a picture with fold="neuron", "layer", "repeat" or "call"'
        )


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
