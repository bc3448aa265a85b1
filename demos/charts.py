"""Charts of the notebooks as SVG, without other packages: in a browser's Python, too.

``curves`` draws lines over a number; ``field`` a function of two numbers as colours, with level
lines, points and a path on it; ``table`` a matrix.  Lines differ in their dashes as well as in
colour, and text is 18 pixels high in a notebook.

>>> curves({"loss": [1.0, 0.5, 0.25]}, x="epoch").svg.startswith("<svg")
True
"""

from __future__ import annotations

import base64
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

from autodiff.drawing.layouts.render import FONTS
from autodiff.drawing.palette import LIGHT
from autodiff.support.files import write_atomically

__all__ = ["Chart", "curves", "field", "table"]

Point = tuple[float, float]
Range = tuple[float, float]

LINE = "#15202B"
GRID = "#D5D9DE"
COLOURS = (LINE, LIGHT.positive.strong, LIGHT.negative.strong, "#6A4FA3")
DASHES = ("", "12 6", "3 5", "16 5 3 5")
TEXT = 18  # pixels
WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 84, 24, 24, 62  # margins
SAMPLES = 60  # along each side of a field


@dataclass(frozen=True, slots=True, repr=False)
class Chart:
    """A picture that a notebook shows."""

    svg: str

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self.svg):,} characters of SVG>"

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it as an SVG file, and return its path."""
        return write_atomically(path, self.svg)


@dataclass(frozen=True, slots=True)
class Plane:
    """Where numbers are on the picture."""

    x: Range
    y: Range
    width: float = WIDTH
    height: float = HEIGHT
    right: float = RIGHT

    def at(self, point: Point) -> Point:
        across = (point[0] - self.x[0]) / (self.x[1] - self.x[0])
        up = (point[1] - self.y[0]) / (self.y[1] - self.y[0])
        return (
            LEFT + across * (self.width - LEFT - self.right),
            self.height - BOTTOM - up * (self.height - TOP - BOTTOM),
        )

    def axes(self, x: str, y: str) -> Iterator[str]:
        """Yield the grid with its numbers, and the names of both axes."""
        left, bottom = self.at((self.x[0], self.y[0]))
        right, top = self.at((self.x[1], self.y[1]))
        for number in ticks(self.x):
            across, _ = self.at((number, self.y[0]))
            yield segment((across, bottom), (across, top), GRID, 1)
            yield text(across, bottom + 24, number_text(number), "middle")
        for number in ticks(self.y):
            _, up = self.at((self.x[0], number))
            yield segment((left, up), (right, up), GRID, 1)
            yield text(left - 8, up + 6, number_text(number), "end")
        yield text((left + right) / 2, self.height - 10, x, "middle")
        middle = (top + bottom) / 2
        yield text(20, middle, y, "middle", f' transform="rotate(-90 20 {middle:g})"')


def curves(
    series: Mapping[str, Sequence[float] | Sequence[Point]],
    x: str = "",
    y: str = "",
    points: Mapping[str, Point] | None = None,
    lowest: float | None = None,
) -> Chart:
    """Return a chart of lines by name: numbers one after the other, or points (x, y).

    ``points`` are marked with their names; ``lowest`` is where the vertical axis begins.  A number
    that is not finite leaves a gap.

    Raises ValueError if no number is finite.
    """
    lines = {name: points_of(numbers) for name, numbers in series.items()}
    marked = dict(points or {})
    finite = [each for line in lines.values() for each in line if all(map(math.isfinite, each))]
    finite += marked.values()
    if not finite:
        raise ValueError("curves needs a finite number to draw")
    across, up = ([each[place] for each in finite] for place in (0, 1))
    bottom = min(up) if lowest is None else lowest
    plane = Plane(widened(min(across), max(across)), widened(bottom, max(up), 0.05))
    parts = [*plane.axes(x, y)]
    for place, line in enumerate(lines.values()):
        colour, dash = COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)]
        for piece in pieces_of(line):
            parts.append(polyline([plane.at(each) for each in piece], colour, dash))
    for name, point in marked.items():
        parts += mark(plane.at(point), name)
    if len(lines) > 1:
        parts += legend(list(lines))
    return chart(parts, WIDTH, HEIGHT)


def field(
    function: Callable[[float, float], float],
    x: Range,
    y: Range,
    names: tuple[str, str] = ("x[0]", "x[1]"),
    levels: Sequence[float] = (),
    points: Mapping[Point, str] | None = None,
    path: Sequence[Point] = (),
    borders: Sequence[Callable[[float, float], float]] = (),
) -> Chart:
    """Return a chart of a function of two numbers: blue where it is low, red where it is high.

    ``levels`` are drawn as lines; ``points`` are marked with a text; ``path`` is a line through the
    plane, from its circle to its square; a dashed line is where one of ``borders`` is 0.
    """
    plane = Plane(x, y, 560, 500, 24)
    width, height = (x[1] - x[0]) / SAMPLES, (y[1] - y[0]) / SAMPLES
    across = [x[0] + (place + 0.5) * width for place in range(SAMPLES)]
    up = [y[0] + (place + 0.5) * height for place in range(SAMPLES)]
    numbers = over(function, across, up)
    finite = [number for row in numbers for number in row if math.isfinite(number)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    (left, bottom), (right, top) = plane.at((x[0], y[0])), plane.at((x[1], y[1]))
    pixels = [[shade(number, low, high) for number in row] for row in reversed(numbers)]
    picture = base64.b64encode(png(pixels)).decode()
    parts = [
        *plane.axes(*names),
        f'<image x="{left:g}" y="{top:g}" width="{right - left:g}" height="{bottom - top:g}" '
        f'preserveAspectRatio="none" href="data:image/png;base64,{picture}"/>',
    ]
    for level in levels:
        for start, end in level_line(across, up, numbers, level):
            parts.append(segment(plane.at(start), plane.at(end), LINE, 2))
    for border in borders:
        pieces = level_line(across, up, over(border, across, up), 0.0)
        for start, end in [piece for place, piece in enumerate(pieces) if place % 2 == 0]:
            parts.append(segment(plane.at(start), plane.at(end), LINE, 3))
    if path:
        inside = [plane.at((clamped(first, x), clamped(second, y))) for first, second in path]
        parts += [polyline(inside, LINE, ""), dot(inside[0], "circle"), dot(inside[-1], "square")]
    for point, name in (points or {}).items():
        parts += mark(plane.at(point), name)
    note = f"from {low:.3g} (blue) to {high:.3g} (red)"
    parts.append(text(right, TOP - 7, note, "end"))
    return chart(parts, plane.width, plane.height)


def table(rows: Sequence[Sequence[float]], names: str, x: str = "", y: str = "") -> Chart:
    """Return a chart of a square matrix of numbers from 0: the greater, the darker.

    ``names`` has a letter for each row and column.
    """
    cell, edge = 20, 56
    size = edge + cell * len(rows) + 8
    most = max(max(row) for row in rows) or 1
    parts = [
        text(edge + cell * len(rows) / 2, 18, x, "middle"),
        text(18, size / 2, y, "middle", f' transform="rotate(-90 18 {size / 2:g})"'),
    ]
    for place, name in enumerate(names):
        middle = edge + cell * (place + 0.5)
        parts.append(text(middle, edge - 6, name, "middle"))
        parts.append(text(edge - 8, middle + 6, name, "end"))
    for line, row in enumerate(rows):
        for column, number in enumerate(row):
            if number:
                parts.append(
                    f'<rect x="{edge + cell * column}" y="{edge + cell * line}" width="{cell}" '
                    f'height="{cell}" fill="{LIGHT.negative.strong}" '
                    f'fill-opacity="{number / most:.3f}">'
                    f"<title>{escape(names[line] + names[column])}: {number:g}</title></rect>"
                )
    outline = f'<rect x="{edge}" y="{edge}" width="{cell * len(rows)}" height="{cell * len(rows)}"'
    return chart([*parts, f'{outline} fill="none" stroke="{LINE}"/>'], size, size)


# ---- numbers -----------------------------------------------------------------------------------


def points_of(numbers: Sequence[float] | Sequence[Point]) -> list[Point]:
    """Return numbers as points, one after the other; points as they are."""
    return [
        (each[0], each[1]) if isinstance(each, tuple) else (float(place), each)
        for place, each in enumerate(numbers)
    ]


def pieces_of(line: Sequence[Point]) -> Iterator[list[Point]]:
    """Yield the pieces of a line between what is not finite."""
    piece: list[Point] = []
    for point in line:
        if all(map(math.isfinite, point)):
            piece.append(point)
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def widened(low: float, high: float, share: float = 0.0) -> Range:
    """Return a range with some room above; around a single number there is some, too."""
    if high <= low:
        return low - 0.5, low + 0.5
    return low, high + (high - low) * share


def ticks(range_: Range) -> list[float]:
    """Return round numbers of a range, 3 to 8 of them.

    >>> ticks((0.0, 1.0))
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    low, high = range_
    power = 10.0 ** math.floor(math.log10((high - low) / 3))
    step = max(step for step in (power, 2 * power, 5 * power) if (high - low) / step >= 3)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(place * step, 12) + 0.0 for place in range(first, last + 1)]


def clamped(number: float, range_: Range) -> float:
    """Return the number of a range that is nearest to a number."""
    return min(max(number, range_[0]), range_[1])


def over(
    function: Callable[[float, float], float], across: Sequence[float], up: Sequence[float]
) -> list[list[float]]:
    """Return a function's numbers on a grid, row by row from below."""
    return [[function(first, second) for first in across] for second in up]


def level_line(
    across: Sequence[float], up: Sequence[float], numbers: Sequence[Sequence[float]], level: float
) -> Iterator[tuple[Point, Point]]:
    """Yield pieces of the line where the numbers of a grid are at a level (marching squares)."""
    for row in range(len(up) - 1):
        for column in range(len(across) - 1):
            corners = [
                (across[column + right], up[row + above], numbers[row + above][column + right])
                for right, above in ((0, 0), (1, 0), (1, 1), (0, 1))
            ]
            crossed = [
                between(one, other, level)
                for one, other in pairwise([*corners, corners[0]])
                if (one[2] < level) != (other[2] < level)
            ]
            yield from zip(crossed[::2], crossed[1::2], strict=True)


def between(
    one: tuple[float, float, float], other: tuple[float, float, float], level: float
) -> Point:
    """Return where a number goes through a level on the way from one corner to another."""
    share = (level - one[2]) / (other[2] - one[2])
    return one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])


# ---- colours and pixels ------------------------------------------------------------------------


def shade(number: float, low: float, high: float) -> bytes:
    """Return the colour of a number, as red, green and blue; grey where it is not finite."""
    if not math.isfinite(number):
        return bytes((128, 128, 128))
    share = (number - low) / (high - low) if high > low else 0.5
    below, above = (
        (LIGHT.negative.field, LIGHT.middle)
        if share < 0.5
        else (LIGHT.middle, LIGHT.positive.field)
    )
    within = 2.0 * share - (share >= 0.5)
    return bytes(
        round(first + within * (second - first))
        for first, second in zip(bytes.fromhex(below[1:]), bytes.fromhex(above[1:]), strict=True)
    )


def png(pixels: Sequence[Sequence[bytes]]) -> bytes:
    """Return rows of colours as a PNG picture (ISO/IEC 15948), without a filter."""
    header = struct.pack(">IIBBBBB", len(pixels[0]), len(pixels), 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + b"".join(row) for row in pixels)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


# ---- elements of SVG ---------------------------------------------------------------------------


def chart(parts: Sequence[str], width: float, height: float) -> Chart:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="{escape(FONTS)}" font-size="{TEXT}">'
    )
    background = f'<rect width="{width:g}" height="{height:g}" fill="#FFFFFF"/>'
    return Chart("\n".join([head, background, *parts, "</svg>"]))


def text(across: float, up: float, content: str, anchor: str, more: str = "") -> str:
    return (
        f'<text x="{across:.1f}" y="{up:.1f}" text-anchor="{anchor}" fill="{LINE}"{more}>'
        f"{escape(content)}</text>"
    )


def number_text(number: float) -> str:
    """Return a number of an axis, with a minus sign as long as a plus.

    >>> number_text(-20000.0)
    '−20,000'
    """
    whole = f"{number:,.0f}" if number == round(number) and abs(number) < 1e12 else f"{number:g}"
    return whole.replace("-", "−")


def segment(start: Point, end: Point, colour: str, width: float) -> str:
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
        f'stroke="{colour}" stroke-width="{width:g}"/>'
    )


def polyline(pixels: Sequence[Point], colour: str, dash: str) -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    places = " ".join(f"{across:.1f},{up:.1f}" for across, up in pixels)
    return (
        f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="3" '
        f'stroke-linejoin="round" stroke-linecap="round"{dashes}/>'
    )


def dot(pixel: Point, shape: str) -> str:
    """Return a mark: a circle, or a square."""
    across, up = pixel
    if shape == "circle":
        return f'<circle cx="{across:.1f}" cy="{up:.1f}" r="7" fill="{LINE}" stroke="#FFFFFF"/>'
    return (
        f'<rect x="{across - 7:.1f}" y="{up - 7:.1f}" width="14" height="14" fill="{LINE}" '
        f'stroke="#FFFFFF"/>'
    )


def mark(pixel: Point, name: str) -> list[str]:
    """Return a circle with its name beside it, on the side where there is room."""
    on_left = pixel[0] > WIDTH / 2  # there is more room
    beside = text(
        *(pixel[0] + (-12 if on_left else 12), pixel[1] - 8, name),
        "end" if on_left else "start",
        ' font-weight="bold" stroke="#FFFFFF" stroke-width="4" paint-order="stroke"',
    )
    return [dot(pixel, "circle"), beside]


def legend(names: Sequence[str]) -> Iterator[str]:
    """Yield the lines' names, each beside a piece of its line."""
    width = 66 + 0.62 * TEXT * max(map(len, names))
    left, top = WIDTH - RIGHT - width - 6, TOP + 6
    yield (
        f'<rect x="{left:g}" y="{top}" width="{width:g}" height="{len(names) * 26 + 8}" '
        f'fill="#FFFFFF" fill-opacity="0.85" stroke="{GRID}"/>'
    )
    for place, name in enumerate(names):
        up = top + 18 + place * 26
        yield polyline(
            [(left + 8, up), (left + 50, up)],
            COLOURS[place % len(COLOURS)],
            DASHES[place % len(DASHES)],
        )
        yield text(left + 58, up + 6, name, "start")
