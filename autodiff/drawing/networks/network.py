"""A network as people draw it: neurons in columns of layers, weights as lines, inputs left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count as count_from
from itertools import pairwise
from typing import Final, Literal, TypeAlias, get_args

from autodiff.drawing.moment import Moment
from autodiff.drawing.networks.neurons import Line, Network
from autodiff.drawing.picture import (
    LEGEND,
    Arrow,
    Box,
    Frame,
    Picture,
    greatest_of,
    relative_size,
    sign_of,
    text_box,
)
from autodiff.drawing.shown import gradient_shown, name_shown, number_shown, short_number
from autodiff.support.naming import Names
from autodiff.value import Value

__all__ = ["OFS", "NetworkPainter", "Of"]

Of: TypeAlias = Literal["weights", "gradients", "activations"]
OFS: tuple[Of, ...] = get_args(Of)

# A column of more shows the first and the last.
MOST_IN_COLUMN: Final = 24
NAME_LENGTH: Final = 14


class NetworkPainter:
    """Makes the picture of a network at a moment: of its weights, or of their gradients.

    A circle has a neuron's output, or that output's gradient; beside it is the bias, or its own.
    A box's id is that of its Value in other pictures.
    """

    def __init__(self, order: Sequence[Value], moment: Moment, of: Of, names: Names) -> None:
        self.network = Network(order)
        self.moment, self.of, self.names = moment, of, names
        self.ids = {node: f"v{place}" for place, node in enumerate(order, 1)}
        columns = [list(column.nodes) for column in self.network.columns]
        self.hidden = {node for column in columns for node in left_out(column)}
        self.lines = [line for line in self.network.lines if self.hidden.isdisjoint(line[:2])]

    def number_of(self, node: Value) -> float | None:
        """Return the number that is shown of a Value."""
        if self.of == "gradients":
            return None if node.is_constant else self.moment.gradient_of(node)
        return self.moment.value_of(node)

    def picture(self, digits: int, caption: Sequence[str] = ()) -> tuple[Picture, list[list[str]]]:
        """Return the picture with so many digits, and the ids of the boxes in each column.

        What passes through a column is there again.
        """
        boxes: dict[str, Box] = {}
        frames: list[Frame] = []
        columns: list[list[str]] = []
        for place, column in enumerate(self.network.columns, 1):
            frame = Frame(f"m{place}", name_shown(", ".join(column.made_by), NAME_LENGTH))
            frames.append(frame)
            if column.symbols:
                done = name_shown("; ".join(column.symbols), NAME_LENGTH)
                boxes[f"m{place}-does"] = text_box(f"m{place}-does", done, frame.id)
            ids = []
            for node in column.nodes:
                if node not in self.hidden:
                    ids.append(self.ids[node])
                    boxes.setdefault(ids[-1], self.box(node, frame.id, digits))
                elif f"m{place}-more" not in boxes:
                    ids.append(f"m{place}-more")
                    count = len(self.hidden & column.nodes.keys())
                    boxes[ids[-1]] = text_box(ids[-1], f"⋮ {count:,}", frame.id)
            columns.append(ids)
        samples, scale = self.legend(digits)
        return Picture(
            [*boxes.values(), *samples],
            [*self.arrows(digits), *scale],
            frames,
            f"network of {self.of}",
            " → ".join(f"{len(column.nodes):,}" for column in self.network.columns),
            tuple(caption),
        ), columns

    def box(self, node: Value, frame: str, digits: int) -> Box:
        """Return the circle of a Value."""
        number, neuron = self.number_of(node), self.network.neurons.get(node)
        inside = "" if number is None else short_number(number, digits, self.show)
        if neuron is not None:
            bias = self.number_of(neuron.bias)
            name = name_shown(neuron.path)
            beside = "" if bias is None else f"b {short_number(bias, digits, self.show)}"
        else:
            name, beside = name_shown(self.names[node]), name_shown(node.name, NAME_LENGTH)
        return Box(self.ids[node], "neuron", name, (inside,), (beside,), frame=frame)

    @property
    def show(self) -> Callable[[float | None, int], str]:
        """How a number is written."""
        return gradient_shown if self.of == "gradients" else number_shown

    # ---- lines ---------------------------------------------------------------------------------

    def arrows(self, digits: int) -> list[Arrow]:
        """Return the lines, those of the greatest numbers last, on top of the others."""
        numbers = [self.number_on(line) for line in self.lines]
        greatest = self.greatest
        places = count_from()
        arrows = []
        for line, number in zip(self.lines, numbers, strict=True):
            tail, head = (self.ids[node] for node in line[:2])
            sign = "" if number is None else sign_of(number)
            label = () if number is None else (short_number(number, digits, gradient_shown),)
            size = squared(relative_size(number, greatest))
            arrows.append(
                Arrow(f"{tail}-{head}-{next(places)}", tail, head, label, sign, size, headless=True)
            )
        return sorted(arrows, key=lambda arrow: arrow.size or 0.0)

    def number_on(self, line: Line) -> float | None:
        """Return the number of a line's weight; None if it has none."""
        return None if line[2] is None else self.number_of(line[2])

    @property
    def greatest(self) -> float:
        """The size of the line that is the widest."""
        numbers = [self.number_on(line) for line in self.lines]
        return greatest_of([abs(number) for number in numbers if number is not None])

    def legend(self, digits: int) -> tuple[list[Box], list[Arrow]]:
        """Return the scale below the picture, from the least number to the greatest."""
        greatest = self.greatest
        known = [number for line in self.lines if (number := self.number_on(line)) is not None]
        finite = [number for number in known if abs(number) <= greatest]
        ends = [min(0.0, *finite), 0.0, max(0.0, *finite)] if finite else [0.0] * 3
        what = "weight" if self.of == "weights" else "gradient"
        places = [place for place in range(3) if place == 1 or ends[place]]
        texts = [short_number(ends[place], digits, gradient_shown) for place in places]
        texts[0] = f"{what}: {texts[0]}"
        boxes = [
            text_box(f"{LEGEND}-{place}", text) for place, text in zip(places, texts, strict=True)
        ]
        arrows = []
        for tail, head in pairwise(boxes):
            end = ends[0] if head.id == f"{LEGEND}-1" else ends[2]
            size = squared(relative_size(end, greatest))
            id = f"{tail.id}-{head.id}"
            arrows.append(Arrow(id, tail.id, head.id, (), sign_of(end), size, headless=True))
        boxes.append(text_box(f"{LEGEND}-circle", self.meaning))
        return boxes, arrows

    @property
    def meaning(self) -> str:
        """What the numbers in the circles are."""
        if self.of == "gradients":
            return "circle: of its output, b: of its bias"
        if all(self.number_of(node) is None for node in self.network.neurons):
            return "b: bias"
        calls = self.network.calls
        which = f" (1st of {calls:,} calls)" if calls > 1 else ""
        return f"circle: its output{which}, b: its bias"


def squared(size: float | None) -> float | None:
    """Return the size of a line that is as wide as its weight is large, not as its root."""
    return None if size is None else size * size


def left_out(column: Sequence[Value]) -> Sequence[Value]:
    """Return what is not shown of a column: its middle, if it is long."""
    half = MOST_IN_COLUMN // 2
    return column[half : 1 - half] if len(column) > MOST_IN_COLUMN else ()
