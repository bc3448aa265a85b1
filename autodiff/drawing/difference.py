"""What differs between two passes: each number with its change, and boxes in the colour of theirs.

A pass is compared with a drawing of another one, which keeps its numbers: those of a Value are
overwritten by an update, and a graph that is made anew has other Values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self, TypeAlias

from autodiff.drawing.boxes import Painter
from autodiff.drawing.folds.repeats import kind_of
from autodiff.drawing.moment import Moment
from autodiff.drawing.picture import Box, Change, Picture
from autodiff.drawing.shown import gradient_shown, number_shown, range_shown
from autodiff.value import Value

__all__ = ["DifferencePainter", "Record"]

KEY: Final = "Δ: the change. Red: more; blue, dashed: less; plain: gradients, or both; grey: none"
FEWEST: Final = 2  # significant digits of a change
FEWER: Final = 2  # than its number has
AGAIN: Final = "run the forward pass again, and backward(), before you draw it"

# What a node is, and the places of its operands.
Node: TypeAlias = tuple[str, tuple[int, ...]]
Number: TypeAlias = float | None  # None is one that is not computed


@dataclass(frozen=True, slots=True)
class Record:
    """The form of a graph, and its numbers and gradients at a moment, in topological order.

    It keeps no Value.  ``out_of_date`` says what was then; '' for nothing.
    """

    form: Sequence[Node]
    numbers: Sequence[Number]
    gradients: Sequence[Number]
    out_of_date: str = ""

    @classmethod
    def of(cls, painter: Painter, moment: Moment) -> Self:
        """Return the record of a graph at a moment."""
        order = painter.order
        old = painter.changes.sentence(painter.names) if painter.old else ""
        numbers = [moment.value_of(node) for node in order]
        return cls(form_of(order), numbers, [moment.gradient_of(node) for node in order], old)


def form_of(order: Sequence[Value]) -> list[Node]:
    """Return what each node of a graph is.

    >>> x = Value(3.0)
    >>> form_of([x, x * x])
    [('variable', ()), ('mul', (0, 0))]
    """
    places = {node: place for place, node in enumerate(order)}
    return [(kind_of(node), tuple([places[each] for each in node.parents])) for node in order]


class DifferencePainter(Painter):
    """Makes pictures of one graph with what has changed since the record of another of its form.

    Raises ValueError, naming the difference, if the two have not the same form, or numbers of one
    have changed since it was computed.
    """

    def __init__(self, before: Record, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.check(before)
        then = zip(before.numbers, before.gradients, strict=True)
        self.then = dict(zip(self.order, then, strict=True))

    def check(self, before: Record) -> None:
        """Raise ValueError if the graph cannot be compared with the record."""
        if before.out_of_date:
            raise ValueError(
                f"the drawing to compare with was out of date: {before.out_of_date}; {AGAIN}"
            )
        if self.old:
            raise ValueError(f"{self.changes.sentence(self.names)}; {AGAIN}")
        form = form_of(self.order)
        for node, here, there in zip(self.order, form, before.form, strict=False):
            if here != there:
                raise ValueError(self.difference(node, here, there))
        if len(form) != len(before.form):
            raise ValueError(
                f"the graphs have not the same form: here are {len(form):,} nodes, and in the "
                f"drawing to compare with {len(before.form):,}"
            )

    def difference(self, node: Value, here: Node, there: Node) -> str:
        """Return what differs at the first node that is another."""
        name, formula = self.names[node], self.names.formula(node)
        whole = f"{name} = {formula}" if formula else f"the {here[0]} {name}"
        operands = ", ".join(self.names[self.order[place]] for place in there[1])
        other = f"{there[0]} of {operands}" if there[1] else f"a {there[0]}"
        return (
            f"the graphs have not the same form: {whole} here is {other} in the drawing to "
            "compare with"
        )

    def picture_at(self, moment: Moment) -> Picture:
        """Return the picture at a moment, with a key to its colours."""
        picture = super().picture_at(moment)
        return replace(picture, caption=(*picture.caption, KEY))

    def box_of(self, place: int) -> Box:
        """Return a part's box, in the colour of its change."""
        return replace(super().box_of(place), change=self.change_of(place))

    def change_of(self, place: int) -> Change:
        """Return how the results of a part have changed; "other" if they did not, but the rest."""
        part = self.parts[place]
        shown = self.outputs(part) or part.nodes
        changes = {change for change in self.changes_of(shown, 0) if change != 0.0}
        if changes and all(change is not None for change in changes):
            if all(change is not None and change > 0.0 for change in changes):
                return "more"
            if all(change is not None and change < 0.0 for change in changes):
                return "less"
        rest = [*self.changes_of(part.nodes, 0), *self.changes_of(part.nodes, 1)]
        return "other" if any(change != 0.0 for change in rest) else "equal"

    def written(self, nodes: Sequence[Value]) -> str:
        """Return the nodes' numbers as a formula has them."""
        return super().values(nodes)

    def values(self, nodes: Sequence[Value]) -> str:
        """Return the nodes' numbers with their changes."""
        return super().values(nodes) + self.change_shown(nodes, 0)

    def gradients(self, nodes: Sequence[Value]) -> str:
        return super().gradients(nodes) + self.change_shown(nodes, 1)

    def change_shown(self, nodes: Sequence[Value], which: int) -> str:
        """Return the changes of numbers (0) or gradients (1), as a range if they differ."""
        changes = list(self.changes_of(nodes, which))
        if None in changes:
            show = (number_shown, gradient_shown)[which]
            then = [self.then[node][which] for node in nodes]
            return f", was {range_shown(then, self.precision, show)}"
        if not any(changes):
            return ""
        return f" Δ {range_shown(changes, max(FEWEST, self.precision - FEWER), gradient_shown)}"

    def changes_of(self, nodes: Sequence[Value], which: int) -> Iterator[Number]:
        """Yield the change of each number (0) or gradient (1); None if only one is computed."""
        look_up = (self.moment.value_of, self.moment.gradient_of)[which]
        for node in nodes:
            now, then = look_up(node), self.then[node][which]
            if now is None or then is None:
                yield 0.0 if now is then else None
            else:
                both_nan = now != now and then != then
                yield 0.0 if both_nan or now == then else now - then
