"""Numbers as colours: orange above 0, blue below, the stronger the further away.

Numbers stand in their cells where they can be read; where they cannot, a cell below 0 is crossed
by a line, as a sign is never shown by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from autodiff.drawing.fit import CAPTION, CHARACTER, LINE, READABLE, TEXT, Size
from autodiff.drawing.layout import HIDDEN, Layout, Place, Spot
from autodiff.drawing.matrices import BIAS, Matrix, Panel
from autodiff.drawing.picture import Box, Picture, greatest_of, relative_size
from autodiff.drawing.shown import gradient_shown, name_shown, short_number

__all__ = ["Grid", "heat_map"]

NAME_LENGTH: Final = 16
TEXT_LENGTH: Final = 80

# The legend has colours from the least number to the greatest, by shares of it.
LEGEND: Final = "legend"
SHARES: Final = [place / 4 for place in range(-4, 5)]

# In points.
MARGIN: Final = 10.0
APART: Final = 18.0  # of matrices, and twice of panels
BESIDE: Final = 6.0  # of a name and its row, and around a number
BASELINE: Final = 7.0  # below the middle of a line of text
DIGITS: Final = 3, 2  # to try
SIDES: Final = 24.0, 18.0, 12.0, 8.0, 5.0  # of cells without numbers, to try


def heat_map(
    panels: Sequence[Panel], what: str, precision: int | None, frame: Size, caption: Sequence[str]
) -> Grid:
    """Return the heat map of some panels, arranged so that its text is large in a frame.

    It has numbers, if they can be read then, with as many digits as there is room for.
    """
    for digits in DIGITS if precision is None else (precision,):
        picture = picture_of_panels(panels, what, digits, caption)
        cell = max(map(longest_number, picture.boxes)) + 2 * BESIDE, LINE + BESIDE
        grid = largest_grid(picture, panels, cell, True, frame)
        if grid.text >= READABLE:
            return grid
    for side in SIDES:
        grid = largest_grid(picture, panels, (side, side), False, frame)
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
            boxes.append(text_box(f"p{place}", panel.title))
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


def text_box(id: str, text: str) -> Box:
    """Return a text without a border."""
    title = name_shown(text, TEXT_LENGTH)
    return Box(id, "text", title, (title,))


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


def largest_grid(
    picture: Picture,
    panels: Sequence[Panel],
    cell: tuple[float, float],
    has_numbers: bool,
    frame: Size,
) -> Grid:
    """Return the arrangement of panels, and of the matrices in each, with the largest text."""
    grids = [
        Grid(picture, panels, cell, has_numbers, is_across, columns, frame)
        for columns in range(1, len(panels) + 1)
        for is_across in (True, False)
    ]
    return max(grids, key=text_of)


def text_of(grid: Grid) -> float:
    """Return how high text is."""
    return grid.text


class Grid:
    """Where everything in a heat map lies: panels in so many columns, matrices in each panel.

    ``text`` is how high text is in the frame, in pixels.
    """

    def __init__(
        self,
        picture: Picture,
        panels: Sequence[Panel],
        cell: tuple[float, float],
        has_numbers: bool,
        is_across: bool,
        columns: int,
        frame: Size,
    ) -> None:
        self.picture, self.cell = picture, cell
        self.has_numbers, self.is_across = has_numbers, is_across
        self.boxes = {box.id: box for box in picture.boxes}
        self.places: dict[str, Place] = {}
        sizes = [self.panel(place, panel, 0.0, 0.0) for place, panel in enumerate(panels, 1)]
        widths = [max(width for width, _ in sizes[column::columns]) for column in range(columns)]
        heights = [
            max(height for _, height in sizes[start : start + columns])
            for start in range(0, len(panels), columns)
        ]
        lefts = list(accumulate([width + 2 * APART for width in widths], initial=MARGIN))
        tops = list(accumulate([height + APART for height in heights], initial=MARGIN))
        for place, panel in enumerate(panels):
            row, column = divmod(place, columns)
            self.panel(place + 1, panel, lefts[column], tops[row])
        legend_width = self.legend(tops[-1])
        bottom = tops[-1] + LINE + MARGIN
        self.width = max(lefts[-1] - 2 * APART, MARGIN + legend_width) + MARGIN
        self.height = bottom + CAPTION * len(picture.caption)
        self.caption = tuple(
            Spot(MARGIN, bottom + CAPTION * (place + 0.8), "l")
            for place in range(len(picture.caption))
        )
        self.text = TEXT * min(frame[0] / self.width, frame[1] / self.height)

    def layout(self) -> Layout:
        """Return where everything lies."""
        return Layout(self.width, self.height, self.places, self.caption)

    def panel(self, place: int, panel: Panel, left: float, top: float) -> tuple[float, float]:
        """Set where a panel lies, and return its size."""
        right, bottom, x, y = left, top, left, top
        if panel.title:
            right += self.text_at(f"p{place}", x, y)
            y += LINE
        for order in range(1, len(panel.matrices) + 1):
            id = f"p{place}-{order}"
            self.places[id] = found = self.matrix(self.boxes[id], x, y)
            right, bottom = max(right, x + found.width), max(bottom, y + found.height)
            if self.is_across:
                x += found.width + APART
            else:
                y += found.height + APART / 2
        return right - left, bottom - top

    def text_at(self, id: str, x: float, y: float) -> float:
        """Set where a text lies, and return its width."""
        width = width_of(self.boxes[id].title[0])
        spot = Spot(x, y + LINE / 2 + BASELINE, "l")
        self.places[id] = Place((spot,), x, y, width, LINE)
        return width

    def legend(self, y: float) -> float:
        """Set where the legend lies, in one line, and return its width."""
        x = MARGIN + self.text_at(f"{LEGEND}-least", MARGIN, y) + BESIDE
        cells = tuple((x + LINE * place, y, LINE, LINE) for place in range(len(SHARES)))
        width = LINE * len(cells)
        self.places[LEGEND] = Place(
            (), x, y, width, LINE, cells=cells, hatched=not self.has_numbers
        )
        end = x + width + BESIDE
        return end + self.text_at(f"{LEGEND}-greatest", end, y) - MARGIN

    def matrix(self, box: Box, x: float, y: float) -> Place:
        """Return where a matrix lies: its title, the names of rows and columns, its cells."""
        across, down = self.cell
        head, *lines = box.table
        rows, columns = range(len(lines)), range(len(head) - 1)
        names = [width_of(line[0]) for line in lines]
        has_rows = any(names) and down >= LINE
        has_columns = any(head) and max(map(width_of, head)) <= across
        left = x + (max(names) + BESIDE) * has_rows
        top = y + LINE * (1 + has_columns)
        middles = [left + across * (column + 0.5) for column in columns]
        lows = [top + down * (row + 0.5) + BASELINE for row in rows]
        spots: list[Spot] = [Spot(x, y + LINE / 2 + BASELINE, "l"), HIDDEN]
        spots += [Spot(left - BESIDE, low, "r") if has_rows else HIDDEN for low in lows]
        for middle in middles:
            spots.append(Spot(middle, top - LINE / 2 + BASELINE, "c") if has_columns else HIDDEN)
            spots += [Spot(middle, low, "c") if self.has_numbers else HIDDEN for low in lows]
        cells = [
            (left + across * column, top + down * row, across, down)
            for row in rows
            for column in columns
        ]
        width = max(left - x + across * len(columns), width_of(box.title[0]))
        height = top - y + down * len(rows)
        return Place(
            *(tuple(spots), x, y, width, height),
            cells=tuple(cells),
            hatched=not self.has_numbers,
        )


def width_of(text: str) -> float:
    """Return about how wide a text is."""
    return CHARACTER * len(text)


def longest_number(box: Box) -> float:
    """Return the width of the longest number in a matrix."""
    return max([width_of(text) for line in box.table[1:] for text in line[1:]], default=0.0)
