"""Numbers as colours: red above 0, blue below, the stronger the further away.

Numbers stand in their cells where they can be read; where they cannot, a cell below 0 is crossed
by a line, as a sign is never shown by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from autodiff.drawing.fit import CAPTION, LINE, READABLE, TEXT, Size
from autodiff.drawing.layouts.layout import Layout
from autodiff.drawing.layouts.places import HIDDEN, Place, Spot
from autodiff.drawing.networks.columns import BASELINE, DIGITS, caption_spots, width_of
from autodiff.drawing.networks.matrices import BIAS, Matrix, Panel
from autodiff.drawing.picture import LEGEND, Box, Picture, greatest_of, relative_size, text_box
from autodiff.drawing.shown import gradient_shown, name_shown, short_number

__all__ = ["Grid", "heat_map"]

NAME_LENGTH: Final = 16
TITLE_LENGTH: Final = 80

# The legend has colours from the least number to the greatest, by shares of it.
SHARES: Final = [place / 4 for place in range(-4, 5)]

# In points.
MARGIN: Final = 10.0
APART: Final = 18.0  # of matrices, and twice of panels
BESIDE: Final = 6.0  # of a name and its row, and around a number
SIDES: Final = 24.0, 18.0, 12.0, 8.0, 5.0  # of cells without numbers, to try


def heat_map(
    panels: Sequence[Panel], what: str, precision: int | None, frame: Size, caption: Sequence[str]
) -> Grid:
    """Return the heat map of some panels, arranged so that its text is large in a frame.

    It has numbers, if they can be read then, with as many digits as there is room for.
    """
    for digits in DIGITS if precision is None else (precision,):
        picture = picture_of_panels(panels, what, digits, caption)
        numbers = [text for box in picture.boxes for line in box.table[1:] for text in line[1:]]
        cell = Cell(max(map(width_of, numbers)) + 2 * BESIDE, LINE + BESIDE, True)
        grid = Grid(picture, panels, cell, frame)
        if grid.text >= READABLE:
            return grid
    for side in SIDES:
        grid = Grid(picture, panels, Cell(side, side, False), frame)
        if grid.text >= READABLE:
            break
    return grid


def picture_of_panels(
    panels: Sequence[Panel], what: str, digits: int, caption: Sequence[str]
) -> Picture:
    """Return the picture of some matrices: a box for each, and one for what the colours mean."""
    matrices = [matrix for panel in panels for matrix in panel.matrices]
    numbers = [number for each in matrices for line in each.numbers for number in line]
    greatest = greatest_of([abs(number) for number in numbers if number is not None])
    boxes = []
    for place, panel in enumerate(panels, 1):
        if panel.title:
            boxes.append(text_box(f"p{place}", name_shown(panel.title, TITLE_LENGTH)))
        for order, matrix in enumerate(panel.matrices, 1):
            boxes.append(matrix_box(f"p{place}-{order}", matrix, greatest, digits))
    ends = [short_number(end, digits, gradient_shown) for end in (-greatest, greatest)]
    scale = Matrix("colours", [""], [""] * len(SHARES), [[greatest * share for share in SHARES]])
    meaning = f"; a row: the weights of a neuron, {BIAS}: its bias"
    has_bias = any(BIAS in matrix.columns for matrix in matrices)
    boxes += [
        text_box(f"{LEGEND}-least", f"{what}: {ends[0]}"),
        matrix_box(LEGEND, scale, greatest, digits),
        text_box(f"{LEGEND}-greatest", f"{ends[1]}{meaning * has_bias}"),
    ]
    return Picture(
        *(boxes, [], (), f"heat map of {what}", f"{len(numbers):,} numbers", tuple(caption))
    )


def matrix_box(id: str, matrix: Matrix, greatest: float, digits: int) -> Box:
    """Return the box of a matrix: its numbers, and how far each is from 0 beside the greatest."""
    title = name_shown(matrix.title)
    table = [("", *[name_shown(name, NAME_LENGTH) for name in matrix.columns])]
    for name, line in zip(matrix.rows, matrix.numbers, strict=True):
        texts = [short_number(number, digits) for number in line]
        table.append((name_shown(name, NAME_LENGTH), *texts))
    shades = [shade(number, greatest) for line in matrix.numbers for number in line]
    return Box(id, "matrix", title, (title,), table=tuple(table), shades=tuple(shades))


def shade(number: float | None, greatest: float) -> float | None:
    """Return how strong a number's colour is, from -1 to 1; nan for one that is not finite.

    It grows with the root of the number, so that small ones are told apart.

    >>> shade(-0.5, 2.0), shade(math.inf, 2.0), shade(None, 2.0), shade(0.0, 0.0)
    (-0.5, nan, None, 0.0)
    """
    if number is None:
        return None
    size = relative_size(number, greatest)
    return math.copysign(math.sqrt(size or 0.0), number) if math.isfinite(number) else math.nan


# ---- layout ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """How large a cell is, and whether its number stands in it."""

    width: float
    height: float
    has_number: bool

    def room_for_names(self, box: Box) -> tuple[float, float]:
        """Return the room at the left of a matrix and above it, for the names that fit."""
        head, *lines = box.table
        names = [width_of(line[0]) for line in lines]
        has_columns = any(head) and max(map(width_of, head)) <= self.width
        left = max(names) + BESIDE if any(names) and self.height >= LINE else 0.0
        return left, LINE * has_columns

    def size(self, box: Box) -> tuple[float, float]:
        """Return the size of a matrix with its title."""
        left, top = self.room_for_names(box)
        width = left + self.width * (len(box.table[0]) - 1)
        return max(width, width_of(box.title[0])), LINE + top + self.height * (len(box.table) - 1)


class Grid:
    """Where everything in a heat map lies: panels in so many columns, matrices in each panel.

    Of all arrangements it is the one whose ``text`` is highest in the frame, in pixels.
    """

    def __init__(self, picture: Picture, panels: Sequence[Panel], cell: Cell, frame: Size) -> None:
        self.picture, self.panels, self.cell = picture, panels, cell
        self.boxes = {box.id: box for box in picture.boxes}
        legend = [LEGEND, f"{LEGEND}-least", f"{LEGEND}-greatest"]
        self.legend_width = LINE * len(SHARES) + 2 * BESIDE
        self.legend_width += sum(width_of(self.boxes[id].title[0]) for id in legend[1:])
        self.text = 0.0
        for is_across in (True, False):
            sizes = [self.size(place, is_across) for place in range(1, len(panels) + 1)]
            for columns in range(1, len(panels) + 1):
                lefts, tops = self.edges(sizes, columns)
                width = max(lefts[-1] - 2 * APART, MARGIN + self.legend_width) + MARGIN
                height = tops[-1] + LINE + MARGIN + CAPTION * len(picture.caption)
                text = TEXT * min(frame[0] / width, frame[1] / height)
                if text > self.text:
                    self.text, self.width, self.height = text, width, height
                    self.lefts, self.tops, self.is_across = lefts, tops, is_across

    def ids_in(self, place: int) -> list[str]:
        """Return the ids of the matrices in a panel."""
        return [f"p{place}-{order}" for order in range(1, len(self.panels[place - 1].matrices) + 1)]

    def size(self, place: int, is_across: bool) -> tuple[float, float]:
        """Return the size of a panel, its matrices beside each other or one below the other."""
        widths, heights = zip(
            *[self.cell.size(self.boxes[id]) for id in self.ids_in(place)], strict=True
        )
        apart = APART * (len(widths) - 1)
        width = sum(widths) + apart if is_across else max(widths)
        height = max(heights) if is_across else sum(heights) + apart / 2
        if not self.panels[place - 1].title:
            return width, height
        return max(width, width_of(self.boxes[f"p{place}"].title[0])), height + LINE

    def edges(
        self, sizes: Sequence[tuple[float, float]], columns: int
    ) -> tuple[list[float], list[float]]:
        """Return where each column of panels begins, and each row, and where the next would."""
        widths = [max(width for width, _ in sizes[place::columns]) for place in range(columns)]
        rows = [sizes[start : start + columns] for start in range(0, len(sizes), columns)]
        heights = [max(height for _, height in row) for row in rows]
        lefts = accumulate([width + 2 * APART for width in widths], initial=MARGIN)
        return list(lefts), list(accumulate([each + APART for each in heights], initial=MARGIN))

    def layout(self) -> Layout:
        """Return where everything lies."""
        places: dict[str, Place] = {}
        for place, panel in enumerate(self.panels, 1):
            row, column = divmod(place - 1, len(self.lefts) - 1)
            x, y = self.lefts[column], self.tops[row]
            if panel.title:
                places[f"p{place}"] = self.text_at(f"p{place}", x, y)
                y += LINE
            for id in self.ids_in(place):
                places[id] = found = self.matrix(self.boxes[id], x, y)
                if self.is_across:
                    x += found.width + APART
                else:
                    y += found.height + APART / 2
        places.update(self.legend(self.tops[-1]))
        bottom = self.height - CAPTION * len(self.picture.caption)
        caption = caption_spots(self.picture, MARGIN, bottom)
        return Layout(self.width, self.height, places, caption)

    def text_at(self, id: str, x: float, y: float) -> Place:
        spot = Spot(x, y + LINE / 2 + BASELINE, "l")
        return Place((spot,), x, y, width_of(self.boxes[id].title[0]), LINE)

    def legend(self, y: float) -> dict[str, Place]:
        """Return where the legend lies, in one line."""
        least, greatest = f"{LEGEND}-least", f"{LEGEND}-greatest"
        x = MARGIN + width_of(self.boxes[least].title[0]) + BESIDE
        cells = tuple((x + LINE * place, y, LINE, LINE) for place in range(len(SHARES)))
        width = LINE * len(cells)
        colours = Place((), x, y, width, LINE, cells=cells, hatched=not self.cell.has_number)
        end = self.text_at(greatest, x + width + BESIDE, y)
        return {least: self.text_at(least, MARGIN, y), LEGEND: colours, greatest: end}

    def matrix(self, box: Box, x: float, y: float) -> Place:
        """Return where a matrix lies: its title, the names of rows and columns, its cells."""
        across, down, has_number = self.cell.width, self.cell.height, self.cell.has_number
        left, above = self.cell.room_for_names(box)
        start, top = x + left, y + LINE + above
        columns, rows = range(len(box.table[0]) - 1), range(len(box.table) - 1)
        lows = [top + down * (row + 0.5) + BASELINE for row in rows]
        spots = [Spot(x, y + LINE / 2 + BASELINE, "l"), HIDDEN]
        spots += [Spot(start - BESIDE, low, "r") if left else HIDDEN for low in lows]
        for column in columns:
            middle = start + across * (column + 0.5)
            spots.append(Spot(middle, top - LINE / 2 + BASELINE, "c") if above else HIDDEN)
            spots += [Spot(middle, low, "c") if has_number else HIDDEN for low in lows]
        cells = [
            (start + across * column, top + down * row, across, down)
            for row in rows
            for column in columns
        ]
        return Place(
            *(tuple(spots), x, y, *self.cell.size(box)), cells=tuple(cells), hatched=not has_number
        )
