"""What a picture of a graph shows: boxes with their text, and arrows between them.

This is the whole content of a drawing, before any file format; :mod:`autodiff.drawing.style` says
how each part looks, and :mod:`autodiff.drawing.layouts.layout` where it lies.
The text is a snapshot: later changes of the Values do not reach it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "LEGEND",
    "NOTE",
    "NOT_TAKEN",
    "Arrow",
    "Box",
    "Change",
    "Frame",
    "Kind",
    "Mark",
    "Picture",
    "Sign",
    "arrow_width",
    "greatest_of",
    "relative_size",
    "sign_of",
    "text_box",
]

Kind: TypeAlias = Literal[
    "variable",
    "operation",
    "result",
    "input",
    "constant",
    "module",
    "call",
    "rows",
    "reference",
    "neuron",
    "matrix",
    "text",
]
Mark: TypeAlias = Literal["", "giver", "changed"]
Change: TypeAlias = Literal["", "equal", "more", "less", "other"]
Sign: TypeAlias = Literal["", "positive", "negative", "zero", "broken"]

# The id of a box that is no part of the graph, but says something about it.
NOTE = "note"

LEGEND = "legend"  # the id of its frame

# What an arrow says whose user took another operand.
NOT_TAKEN = "not taken"

WORDS = ("value", "grad")
BROKEN = re.compile(r"(^|[ +−-])(nan|inf)($|[ ,])")

# A folded picture with more arrows than this has straight ones, with room between the ranks and no
# text on them: what an arrow would say is in its description.
DENSE_FROM = 60
# Or with so many arrows that tell both numbers.
DENSE_TOLD = 20

OUTLYING = 1e6  # times as large as the median: no measure for the others

# The widths of arrows in points, by the sizes of their contributions.
THINNEST, THICKEST = 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Box:
    """A node, or several folded into one, as it is shown.

    ``title`` has the lines at the top, ``numbers`` those below it, ``table`` the rows of cells of
    a folded box.  ``frame`` is the id of the frame that it lies in.  In a picture of a moment of a
    pass, ``mark`` tells the node whose number or gradient is new from the one that gave it.
    ``lit`` is the row of its table that is new then, 0 if there is none.
    ``line`` is the line of the picture that it is in, from 0.  A *wired* box is small, with its
    value above the wire that leaves it and its gradient below, and ``named`` is its name, if it
    has one.  ``change`` is how its numbers differ from those of another pass, if it is compared.
    ``shades`` are the numbers of a matrix beside the greatest, -1 to 1, row by row.
    """

    id: str
    kind: Kind
    name: str
    title: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
    frame: str = ""
    mark: Mark = ""
    lit: int = 0
    line: int = 0
    wired: bool = False
    named: str = ""
    change: Change = ""
    shades: tuple[float | None, ...] = ()

    @property
    def is_aside(self) -> bool:
        """Whether it is no part of the graph: it belongs to a legend, or is a note."""
        return self.frame == LEGEND or self.id == NOTE

    @property
    def is_broken(self) -> bool:
        """Whether its value or its gradient is nan or infinity."""
        return any(BROKEN.search(number) for number in self.numbers)

    @property
    def lines(self) -> list[str]:
        """Every line of text, in the order in which they are drawn: a table by its columns."""
        columns = zip(*self.table, strict=True)
        return [*self.title, *self.numbers, *[cell for column in columns for cell in column]]

    @property
    def description(self) -> str:
        """All that the box says, as one sentence for somebody who cannot see it."""
        rows = [" ".join(filter(None, row)) for row in self.table]
        numbers = self.numbers
        if self.wired:
            numbers = tuple(map(" ".join, zip(WORDS, numbers, strict=True)))
        return "; ".join([f"{self.kind}: {' '.join(self.title)}", *numbers, *rows])


@dataclass(frozen=True, slots=True)
class Arrow:
    """One use of a Value, or several merged, from its box (``tail``) to the user's (``head``).

    ``size`` is that of its contribution beside the greatest, 0 to 1; None where it is not known.
    A *headless* one is a line between neurons, with its label on it; its size is that of a weight.
    """

    id: str
    tail: str
    head: str
    label: tuple[str, ...] = ()
    sign: Sign = ""
    size: float | None = None
    marked: bool = False
    headless: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """A line around boxes that belong together; ``outer`` is the id of the one around it."""

    id: str
    title: str
    outer: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes, parents before their users; arrows in the same order; frames, the outer first.

    ``title`` and ``description`` are for somebody who cannot see it, ``caption`` is shown below.
    """

    boxes: Sequence[Box]
    arrows: Sequence[Arrow]
    frames: Sequence[Frame] = ()
    title: str = "computation graph"
    description: str = ""
    caption: tuple[str, ...] = ()

    @property
    def is_dense(self) -> bool:
        """Whether neurons have so many arrows between them that curves would be a knot."""
        folded = any(box.kind == "module" for box in self.boxes)
        told = sum(len(arrow.label) > 1 for arrow in self.arrows)
        return folded and (
            told >= DENSE_TOLD or len(self.arrows) > max(DENSE_FROM, 2 * len(self.boxes))
        )


def text_box(id: str, text: str, frame: str = "") -> Box:
    """Return a text without a border."""
    return Box(id, "text", text, (text,), frame=frame)


def arrow_width(size: float) -> float:
    """Return the width in points of an arrow whose contribution has a size, 0 to 1.

    The eye compares areas, so it grows with the square root.

    >>> arrow_width(0.0), arrow_width(0.25), arrow_width(1.0)
    (1.0, 3.0, 5.0)
    """
    return THINNEST + (THICKEST - THINNEST) * math.sqrt(size)


def sign_of(number: float) -> Sign:
    """Return a contribution's sign; "broken" of nan and infinity."""
    if not math.isfinite(number):
        return "broken"
    return "positive" if number > 0.0 else "negative" if number < 0.0 else "zero"


def greatest_of(sizes: Sequence[float]) -> float:
    """Return the greatest finite size that is not very much more than most are.

    >>> greatest_of([1.0, 2.0, 4.0, math.inf]), greatest_of([1.0, 2.0, 4.0, 1e200])
    (4.0, 4.0)
    """
    finite = sorted(size for size in sizes if 0.0 < size < math.inf)
    usual = finite[(len(finite) - 1) // 2] if finite else 0.0
    return max((size for size in finite if size <= OUTLYING * usual), default=0.0)


def relative_size(number: float | None, greatest: float) -> float | None:
    """Return a contribution's size beside the greatest, from 0 to 1; 1 for nan and infinity."""
    if number is None:
        return None
    if not math.isfinite(number):
        return 1.0
    return min(abs(number) / greatest, 1.0) if greatest else 0.0
