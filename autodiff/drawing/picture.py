"""What a picture of a graph shows: boxes with their text, and arrows between them.

This is the whole content of a drawing, before any file format: :mod:`autodiff.drawing.dot` writes
it as DOT, :mod:`autodiff.drawing.mermaid` as Mermaid, and :mod:`autodiff.drawing.svg` reads the
descriptions from it.
The text is a snapshot: later changes of the Values do not reach it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

__all__ = [
    "NOTE",
    "NOT_TAKEN",
    "Arrow",
    "Box",
    "Frame",
    "Kind",
    "Mark",
    "Picture",
    "Sign",
    "arrow_width",
    "with_references",
]

Kind: TypeAlias = Literal[
    "variable", "operation", "result", "input", "constant", "module", "rows", "reference"
]
Mark: TypeAlias = Literal["", "giver", "changed"]
Sign: TypeAlias = Literal["", "positive", "negative", "zero"]

# The id of a box that is no part of the graph, but says something about it.
NOTE = "note"

# What an arrow says whose user took another operand.
NOT_TAKEN = "not taken"

# The widths of arrows in points, by the sizes of their contributions.
THINNEST, THICKEST = 1.0, 5.0

# A layout program breaks an arrow into one piece for each rank of boxes that it crosses.  With
# many more pieces than this it needs minutes, or runs out of stack.
MOST_ARROW_PIECES = 2000


@dataclass(frozen=True, slots=True)
class Box:
    """A node, or several folded into one, as it is shown.

    ``title`` has the lines at the top, ``numbers`` those below it, ``table`` the rows of cells of
    a folded box.  ``frame`` is the id of the frame that it lies in.  In a picture of a moment of a
    pass, ``mark`` tells the node whose number or gradient is new from the one that gave it.
    """

    id: str
    kind: Kind
    name: str
    title: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
    frame: str = ""
    mark: Mark = ""

    @property
    def lines(self) -> list[str]:
        """Every line of text, in the order in which they are drawn: a table by its columns."""
        columns = zip(*self.table, strict=True)
        return [*self.title, *self.numbers, *[cell for column in columns for cell in column]]

    @property
    def description(self) -> str:
        """All that the box says, as one sentence for somebody who cannot see it."""
        rows = [" ".join(filter(None, row)) for row in self.table]
        return "; ".join([f"{self.kind}: {' '.join(self.title)}", *self.numbers, *rows])


@dataclass(frozen=True, slots=True)
class Arrow:
    """One use of a Value, or several merged, from its box (``tail``) to the user's (``head``).

    ``size`` is that of its contribution beside the greatest, 0 to 1; None where it is not known.
    """

    id: str
    tail: str
    head: str
    label: tuple[str, ...] = ()
    sign: Sign = ""
    size: float | None = None
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """A line around boxes that belong together; ``outer`` is the id of the one around it."""

    id: str
    title: str
    outer: str = ""


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


def arrow_width(size: float) -> float:
    """Return the width in points of an arrow whose contribution has a size, 0 to 1.

    The eye compares areas, so it grows with the square root.

    >>> arrow_width(0.0), arrow_width(0.25), arrow_width(1.0)
    (1.0, 3.0, 5.0)
    """
    return THINNEST + (THICKEST - THINNEST) * math.sqrt(size)


# --------------------------------------------------------------------------------------------
# Arrows too long to draw
# --------------------------------------------------------------------------------------------


def with_references(picture: Picture) -> Picture:
    """Return the picture, its longest arrows replaced if there are too many to lay out.

    A value used far from where it is made (one weight in every step of a long chain) then
    appears beside that use again, as a small *reference* box with its name: what wires do in a
    circuit diagram.
    """
    ranks = ranks_of(picture)
    limit = longest_within_budget(ranks[a.head] - ranks[a.tail] for a in picture.arrows)
    boxes = {box.id: box for box in picture.boxes}
    references: dict[str, Box] = {}
    arrows: list[Arrow] = []
    for arrow in picture.arrows:
        if ranks[arrow.head] - ranks[arrow.tail] <= limit:
            arrows.append(arrow)
        else:
            id, name = f"{arrow.tail}_at_{arrow.head}", boxes[arrow.tail].name
            references[id] = Box(id, "reference", name, (name,), frame=boxes[arrow.head].frame)
            arrows.append(replace(arrow, tail=id))
    return replace(picture, boxes=[*picture.boxes, *references.values()], arrows=arrows)


def ranks_of(picture: Picture) -> dict[str, int]:
    """Return each box's place along the picture: after its operands; a leaf at its first use."""
    ranks = {box.id: 0 for box in picture.boxes}
    for arrow in picture.arrows:
        ranks[arrow.head] = max(ranks[arrow.head], ranks[arrow.tail] + 1)
    first_use: dict[str, int] = {}
    for arrow in picture.arrows:
        use = ranks[arrow.head]
        first_use[arrow.tail] = min(first_use.get(arrow.tail, use), use)
    for id, rank in ranks.items():
        if rank == 0 and id in first_use:
            ranks[id] = first_use[id] - 1
    return ranks


def longest_within_budget(lengths: Iterable[int]) -> int:
    """Return the greatest length such that the arrows up to it fit the budget together."""
    limit = pieces = 0
    for length, count in sorted(Counter(lengths).items()):
        pieces += length * count
        # An arrow to the next rank costs nothing extra.
        if length > 1 and pieces > MOST_ARROW_PIECES:
            break
        limit = length
    return limit
