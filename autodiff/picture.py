"""What a picture of a graph shows: boxes with their text, and arrows between them.

This is the whole content of a drawing, before any file format: :mod:`autodiff.dot` writes it as
DOT.  The text is a snapshot: later changes of the Values do not reach it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from autodiff.naming import Names
from autodiff.value import Value

__all__ = ["Arrow", "Box", "Kind", "Picture", "picture_of"]

Kind: TypeAlias = Literal["variable", "operation", "result", "input", "constant", "reference"]

# In characters; see name_shown, operand_shown and lines_of.
NAME_LENGTH = 40
OPERAND_LENGTH = 12
LINE_LENGTH = 20
MOST_LINES = 7

# A layout program breaks an arrow into one piece for each rank of boxes that it crosses.  With
# many more pieces than this it needs minutes, or runs out of stack.
MOST_ARROW_PIECES = 2000

# Characters that have no shape, end a line, reorder their neighbours, or are forbidden in XML.
INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff]"
)

BREAK = re.compile(r"(?<==) |(?<=,) | (?=\+ )")


@dataclass(frozen=True, slots=True)
class Box:
    """A node as it is shown: its name, the formula that made it, and its numbers."""

    id: str
    kind: Kind
    name: str
    formula: str = ""
    numbers: tuple[str, ...] = ()

    @property
    def title(self) -> list[str]:
        """The name with its formula, as lines."""
        return lines_of(f"{self.name} = {self.formula}") if self.formula else [self.name]


@dataclass(frozen=True, slots=True)
class Arrow:
    """One use of a Value, from its box (``tail``) to the box of the user (``head``)."""

    tail: str
    head: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes, parents before their users, and arrows, operand by operand in the same order."""

    boxes: list[Box]
    arrows: list[Arrow]


def picture_of(order: list[Value], precision: int) -> Picture:
    """Return the picture of the graph with this topological order; the root is its last node.

    A box's id is ``v`` and its node's place in that order, as in :class:`autodiff.Names`.

    >>> x = Value(3.0, "x")
    >>> y = x * x
    >>> for box in picture_of([x, y], precision=4).boxes:
    ...     print(box.id, box.kind, box.title, box.numbers)
    v1 variable ['x'] ('value 3', 'grad –')
    v2 result ['v2 = x * x'] ('value 9', 'grad –')
    """
    root = order[-1]
    names = Names(root)
    ids = {node: f"v{place}" for place, node in enumerate(order, 1)}
    boxes = [box_of(node, ids[node], node is root, names, precision) for node in order]
    arrows = [Arrow(ids[parent], ids[node]) for node in order for parent in node.parents]
    return with_references(Picture(boxes, arrows))


def box_of(node: Value, id: str, is_root: bool, names: Names, precision: int) -> Box:
    """Return the box of one node."""
    name = name_shown(names[node], NAME_LENGTH)
    if node.is_constant:
        number = number_shown(node.data, precision)
        # A constant with a name is data, such as a network's input; a bare number is not.
        return Box(id, "input", name, number) if node.label else Box(id, "constant", number)
    # A gradient that is not computed must not look like one that is 0.
    gradient = gradient_shown(node.grad, precision) if node.has_grad else "–"
    numbers = (f"value {number_shown(node.data, precision)}", f"grad {gradient}")
    formula = ""
    if node.op is not None:
        formula = node.op.formula(*[operand_shown(p, names, precision) for p in node.parents])
    kind: Kind = "result" if is_root else "operation" if formula else "variable"
    return Box(id, kind, name, formula, numbers)


# --------------------------------------------------------------------------------------------
# Text
# --------------------------------------------------------------------------------------------


def operand_shown(node: Value, names: Names, precision: int) -> str:
    """Return what a formula calls an operand: a long path by its last part."""
    if node.is_constant and not node.label:
        return number_shown(node.data, precision)
    name = names[node]
    if len(name) > OPERAND_LENGTH:
        name = name.rpartition(".")[2] or name
    return name_shown(name, OPERAND_LENGTH)


def number_shown(number: float, precision: int) -> str:
    """Return a number with that many significant digits, and a minus sign as wide as a plus.

    >>> number_shown(-2 / 3, 4), number_shown(1e-12, 4)
    ('−0.6667', '1e−12')
    """
    return f"{number:.{precision}g}".replace("-", "−")


def gradient_shown(gradient: float, precision: int) -> str:
    """Return a gradient with its sign written out; a zero has none.

    >>> gradient_shown(6.0, 4), gradient_shown(-6.0, 4), gradient_shown(-0.0, 4)
    ('+6', '−6', '0')
    """
    if gradient == 0.0:
        return "0"
    text = number_shown(gradient, precision)
    return f"+{text}" if gradient > 0.0 else text


def name_shown(name: str, length: int) -> str:
    r"""Return a name that fits: invisible characters as escapes, a long middle left out.

    The end stays, because indices stand there.

    >>> name_shown("hidden.weight[2][1]", 14), name_shown("a\nb", 14) == r"a\nb"
    ('hidden.…[2][1]', True)
    """
    # Shortened before escaping as well, so that the cost does not grow with the name.
    return shortened(INVISIBLE.sub(escape_of, shortened(name, length)), length)


def shortened(text: str, length: int) -> str:
    """Return text, its middle left out if it has more characters than length."""
    if len(text) <= length:
        return text
    end = (length - 1) // 2
    return f"{text[: length - 1 - end]}…{text[-end:]}"


def lines_of(title: str) -> list[str]:
    """Return a title as lines, broken after ``=`` and commas and before ``+`` where it is long.

    >>> lines_of("v6 = bias[0] + weight[0][0] * x0 + weight[0][1] * x1")
    ['v6 = bias[0]', '+ weight[0][0] * x0', '+ weight[0][1] * x1']
    """
    lines: list[str] = []
    for piece in BREAK.split(title):
        if lines and len(lines[-1]) + 1 + len(piece) <= LINE_LENGTH:
            lines[-1] += " " + piece
        else:
            lines.append(piece)
    if len(lines) > MOST_LINES:
        lines[MOST_LINES - 2 : -1] = [f"… {len(lines) - MOST_LINES + 1} more lines"]
    return lines


def escape_of(character: re.Match[str]) -> str:
    """Return how Python writes a character that cannot be shown: \\n, \\x00, \\u2028."""
    return character[0].encode("unicode_escape").decode("ascii")


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
    names = {box.id: box.name for box in picture.boxes}
    references: dict[str, Box] = {}
    arrows: list[Arrow] = []
    for arrow in picture.arrows:
        if ranks[arrow.head] - ranks[arrow.tail] <= limit:
            arrows.append(arrow)
        else:
            id = f"{arrow.tail}_at_{arrow.head}"
            references[id] = Box(id, "reference", names[arrow.tail])
            arrows.append(Arrow(id, arrow.head))
    return Picture([*picture.boxes, *references.values()], arrows)


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
