"""What a picture of a graph shows: boxes with their text, and arrows between them.

This is the whole content of a drawing, before any file format: :mod:`autodiff.drawing.dot` writes
it as DOT, :mod:`autodiff.drawing.mermaid` as Mermaid, and :mod:`autodiff.drawing.svg` reads the
descriptions from it.
The text is a snapshot: later changes of the Values do not reach it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

__all__ = ["Arrow", "Box", "Frame", "Kind", "Mark", "Picture", "Sign", "with_references"]

Kind: TypeAlias = Literal[
    "variable", "operation", "result", "input", "constant", "module", "rows", "reference"
]
Mark: TypeAlias = Literal["", "giver", "receiver"]
Sign: TypeAlias = Literal["", "positive", "negative", "zero"]

# A layout program breaks an arrow into one piece for each rank of boxes that it crosses.  With
# many more pieces than this it needs minutes, or runs out of stack.
MOST_ARROW_PIECES = 2000


@dataclass(frozen=True, slots=True)
class Box:
    """A node, or several folded into one, as it is shown.

    ``title`` has the lines at the top, ``numbers`` those below it, ``table`` the rows of cells of
    a folded box.  ``frame`` is the id of the frame that it lies in.  In a picture of a moment of
    the backward pass, ``mark`` tells the node that gives a contribution from the one that
    receives it.
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
