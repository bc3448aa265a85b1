r"""A picture in TikZ, for papers and slides in LaTeX: a document that compiles as it is.

Boxes lie where the layout has them.  Formulas are set as mathematics, and gradients as fractions,
which need more room than a line of text: the layout is that of a picture with longer text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from autodiff.drawing.formats.typeset import as_text, fraction, typeset, typeset_lines, with_codes
from autodiff.drawing.layouts.layout import Layout, lines_across
from autodiff.drawing.layouts.places import HIDDEN, Place, Point, Spot
from autodiff.drawing.picture import LEGEND, Arrow, Box, Frame, Picture
from autodiff.drawing.style import (
    ARROW,
    CAPTION_SIZE,
    CELL,
    ROUNDING,
    Style,
    arrow_style,
    box_style,
    cell_fill,
    frame_style,
)

__all__ = ["name_of_root", "room_for_tikz", "tikz_text"]

# How to compile it; another document takes it by \includestandalone.
HEAD = r"""% pdflatex, lualatex or tectonic makes a page of this.
\documentclass[tikz,border=4bp]{standalone}
\usepackage[T1]{fontenc}
\usepackage{lmodern}
\usetikzlibrary{shapes.geometric}
"""
BEGIN = r"""\begin{document}
\begin{tikzpicture}[x=1bp, y=-1bp, every node/.style={inner sep=0pt, outer sep=0pt}]
"""
COLOUR = re.compile(r"=colour([0-9A-F]{6})")
FOOT = "\\end{tikzpicture}\n\\end{document}\n"
SHAPES = {"square": "", "rounded": ", rounded corners={:g}bp", "oval": ", ellipse"}
DASHES = {
    "": "",
    "dashed": ", dash pattern=on 5bp off 2bp",
    "dotted": ", dash pattern=on 1bp off 5bp",
}
LONG_DASH = ", dash pattern=on 12bp off 6bp"  # of a line that may be thick
ANCHORS = {"l": "base west", "c": "base", "r": "base east"}
GRADIENT = "grad "
LARGER = 1.15  # text of the same height has larger letters in the layout's font
NARROWER = 0.9  # a character of a formula beside one in the layout's font
LOWER = 5.0  # what is a fraction below a wire
HIGHER = 2.0  # what is one in a formula


def room_for_tikz(picture: Picture, root: str) -> Picture:
    """Return a picture with room for the gradients of a root as fractions: two lines, and wide."""
    boxes = []
    for box in picture.boxes:
        title = tuple(map(with_codes, box.title))
        numbers = with_room(box, root) if root and box.numbers else box.numbers
        boxes.append(replace(box, title=title, numbers=numbers))
    return replace(picture, boxes=boxes)


def name_of_root(picture: Picture) -> str:
    """Return what the gradients are of; '' if there are several results."""
    roots = [box.name for box in picture.boxes if box.kind == "result" and box.frame != LEGEND]
    return roots[0] if len(roots) == 1 else ""


def with_room(box: Box, root: str) -> tuple[str, ...]:
    """Return the lines of numbers in a box, those of a fraction with room for it."""
    lines: list[str] = []
    for place, line in enumerate(box.numbers):
        if not is_gradient(box, place):
            lines.append(line)
            continue
        number = line.removeprefix(GRADIENT)
        wide = NARROWER * (max(map(len, map(with_codes, (root, box.name)))) + len(number) + 4)
        lines += ["0" * math.ceil(wide)] if box.wired else ["0" * math.ceil(wide), ""]
    return tuple(lines)


def is_gradient(box: Box, place: int) -> bool:
    """Return whether a line of numbers is a gradient to be shown as a fraction."""
    if box.wired:  # there are no names but those that were given
        return place == 1 and bool(box.named or box.kind == "variable") and bool(box.numbers[1])
    return box.numbers[place].startswith(GRADIENT) and box.frame != LEGEND


def tikz_text(picture: Picture, layout: Layout, root: str = "") -> str:
    """Return a picture as a LaTeX document, in a layout of the same boxes and arrows.

    Gradients are fractions if they are those of a root, and the layout that of
    :func:`room_for_tikz`.
    """
    places = layout.places
    lines = list(text_lines(layout.caption, picture.caption, Style(size=CAPTION_SIZE)))
    for frame in picture.frames:
        lines += frame_lines(frame, places[frame.id])
    for arrow in picture.arrows:
        lines += arrow_lines(arrow, places[arrow.id], () if picture.is_dense else arrow.label)
    for box in picture.boxes:
        lines += box_lines(box, places[box.id], root)
    body = "".join(f"  {line}\n" for line in lines)
    colours = dict.fromkeys(COLOUR.findall(body))
    named = [f"\\definecolor{{colour{each}}}{{HTML}}{{{each}}}\n" for each in colours]
    return f"{HEAD}{''.join(named)}{BEGIN}{body}{FOOT}"


def frame_lines(frame: Frame, place: Place) -> Iterator[str]:
    style = frame_style(frame)
    if place.width:
        yield outline(frame.id, place, style, ROUNDING)
    yield from text_lines(place.spots, (frame.title,), style, frame.id == LEGEND)


def box_lines(box: Box, place: Place, root: str) -> Iterator[str]:
    """Yield a box with its text and its dividing lines, or its wire."""
    style = box_style(box)
    look = stroke(ARROW if box.wired else replace(style, dash=""))
    drawn = [f"\\draw[{look}] {' -- '.join(map(point, line))};" for line in place.lines]
    is_round = box.wired or box.kind == "neuron"
    rounding = min(place.width, place.height) / 2 if is_round else ROUNDING
    shape = [outline(box.id, place, style, rounding)] * bool(style.width)
    yield from [*drawn, *shape] if box.wired else [*shape, *drawn]
    yield from cell_lines(box, place)
    spots, count = list(place.spots), len(box.title)
    yield from text_lines(spots[:count], box.title, style, box.frame == LEGEND)
    del spots[:count]
    for number, line in enumerate(box.numbers):
        spot = spots.pop(0)
        if not root or not is_gradient(box, number):
            yield text(spot, typeset(line) if box.wired else with_word(line), style)
            continue
        on_wire = LOWER * (spot.y > place.spots[1].y)  # if it is not beside it
        below = on_wire if box.wired else (spots.pop(0).y - spot.y) / 2
        size = "" if box.wired else "\\displaystyle"
        formula = f"${size}{fraction(root, box.named or box.name)} = {{}}$"
        shown = formula + typeset(line.removeprefix(GRADIENT))
        yield text(replace(spot, y=spot.y + below), shown, replace(style, size=style.size / LARGER))
    for column in zip(*box.table, strict=True) if spots else ():
        yield from text_lines(spots[1 : len(column)], column[1:], style)
        if column[0] and spots[0] is not HIDDEN:  # heads are words
            yield text(spots[0], as_text(column[0]), style)
        del spots[: len(column)]


def arrow_lines(arrow: Arrow, place: Place, label: Sequence[str]) -> Iterator[str]:
    style = arrow_style(arrow)
    start, *others = place.lines[0]
    curves = [
        f" .. controls {point(first)} and {point(second)} .. {point(end)}"
        for first, second, end in zip(*[iter(others)] * 3, strict=True)
    ]
    look = stroke(style).replace(
        DASHES["dashed"], LONG_DASH if arrow.headless else DASHES["dashed"]
    )
    yield f"\\draw[{look}] {point(start)}{''.join(curves)};"
    if place.head:
        look = f"{stroke(replace(style, dash=''))}, fill={colour(style.line)}"
        yield f"\\filldraw[{look}] {' -- '.join(map(point, place.head))} -- cycle;"
    for spot, line in zip(place.spots, label, strict=False):
        yield text(spot, with_word(line), style, ", fill=white" * arrow.headless)


def cell_lines(box: Box, place: Place) -> Iterator[str]:
    for shade, (x, y, width, height) in zip(box.shades, place.cells, strict=False):
        corners = f"{point((x, y))} rectangle {point((x + width, y + height))}"
        yield f"\\filldraw[{stroke(CELL)}, fill={colour(cell_fill(shade))}] {corners};"
        for line in lines_across((x, y, width, height), shade) if place.hatched else ():
            yield f"\\draw[{stroke(CELL)}] {' -- '.join(map(point, line))};"


# ---- parts -------------------------------------------------------------------------------------


def outline(id: str, place: Place, style: Style, rounding: float) -> str:
    """Return a node without text, by whose name it can be pointed at."""
    middle = point((place.x + place.width / 2, place.y + place.height / 2))
    look = f"fill={colour(style.fill)}{SHAPES[style.shape].format(rounding)}"
    sides = f"minimum width={place.width:.2f}bp, minimum height={place.height:.2f}bp"
    return f"\\node[{stroke(style)}, {look}, {sides}] ({id}) at {middle} {{}};"


def stroke(style: Style) -> str:
    """Return the look of a line."""
    dashes = DASHES[style.dash]
    if style.opacity < 1.0:
        dashes += f", draw opacity={style.opacity:g}"
    return f"draw={colour(style.line)}, line width={style.width:g}bp{dashes}"


def with_word(line: str) -> str:
    """Return a word and a number after it, as boxes and arrows have them, for TeX.

    >>> with_word("adds −1e−12"), with_word("+0.5"), with_word("in 4 rows")
    ('adds $-10^{-12}$', '$+0.5$', 'in 4 rows')
    """
    word, space, rest = line.partition(" ")
    if not space or not word.isalpha():
        return typeset(line)
    return f"{as_text(word)} {typeset(rest)}"


def colour(name: str) -> str:
    """Return what a colour is called in TikZ.

    >>> colour("#FF8000"), colour("black")
    ('colourFF8000', 'black')
    """
    return name.replace("#", "colour")


def point(place: Point) -> str:
    return f"({place[0]:.2f},{place[1]:.2f})"


def text(spot: Spot, content: str, style: Style, more: str = "") -> str:
    """Return a line of text, with more to say of its look."""
    size = f"\\fontsize{{{LARGER * style.size:g}bp}}{{{1.2 * style.size:g}bp}}\\selectfont"
    look = f"anchor={ANCHORS[spot.align]}, text={colour(style.text)}, font={size}{more}"
    return f"\\node[{look}] at {point((spot.x, spot.y))} {{{content}}};"


def text_lines(
    spots: Sequence[Spot], lines: Sequence[str], style: Style, is_legend: bool = False
) -> Iterator[str]:
    """Yield lines of text at their spots, those that have any; those of a legend are words."""
    shown = map(as_text, lines) if is_legend else typeset_lines(lines)
    for spot, line in zip(spots, shown, strict=False):
        if r"\frac" in line:
            above = replace(spot, y=spot.y - HIGHER)
            yield text(above, line, replace(style, size=style.size / LARGER))
        elif line and spot is not HIDDEN:
            yield text(spot, line, style)
