"""A picture as SVG: names and descriptions, dark backgrounds, no fixed size.

The text of the picture stays text.  There is no script, and nothing is fetched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from html import escape
from itertools import zip_longest

from autodiff.drawing.layouts.dot import NO_TEXT
from autodiff.drawing.layouts.layout import Layout, lines_across
from autodiff.drawing.layouts.places import HIDDEN, Place, Point, Spot
from autodiff.drawing.layouts.render import FONTS
from autodiff.drawing.palette import DARK, LIGHT, LIT, ON_LIT
from autodiff.drawing.picture import Arrow, Box, Frame, Picture, sign_of
from autodiff.drawing.style import (
    ARROW,
    CAPTION_SIZE,
    CELL,
    ROUNDING,
    Style,
    arrow_class,
    arrow_style,
    box_class,
    box_style,
    frame_class,
    frame_style,
)

__all__ = ["parts_of", "svg_text"]

POSITIVE, NEGATIVE = DARK.positive.strong, DARK.negative.strong

# For a dark background.  Rules in a style sheet win over the colours in the elements.
RULES = {
    ".paper": "fill: #15181C",
    "text": "fill: #F2F2F2",
    ".node .shape, .node polyline": "stroke: #D0D0D0",
    **{f".{kind} .shape": f"fill: {fill}" for kind, fill in DARK.boxes.items()},
    ".constant .shape": f"fill: {DARK.boxes['constant']}; stroke: #909090",
    ".constant text": "fill: #C8C8C8",
    ".reference .shape": f"fill: {DARK.boxes['reference']}; stroke: #A8A8A8",
    ".equal .shape": f"fill: {DARK.boxes['input']}; stroke: #A8A8A8",
    ".more .shape": f"fill: {DARK.positive.tint}; stroke: {POSITIVE}",
    ".less .shape": f"fill: {DARK.negative.tint}; stroke: {NEGATIVE}",
    ".other .shape": f"fill: {DARK.boxes['operation']}",
    ".frame .shape": "fill: #1C2126; stroke: #707070",
    ".frame.inner .shape": "fill: #15181C",
    ".edge path": "stroke: #A8A8A8",
    ".edge polygon": "stroke: #A8A8A8; fill: #A8A8A8",
    ".positive path": f"stroke: {POSITIVE}",
    ".positive polygon": f"stroke: {POSITIVE}; fill: {POSITIVE}",
    ".positive text": f"fill: {POSITIVE}",
    ".negative path": f"stroke: {NEGATIVE}",
    ".negative polygon": f"stroke: {NEGATIVE}; fill: {NEGATIVE}",
    ".negative text": f"fill: {NEGATIVE}",
    ".broken path": "stroke: #F2F2F2",
    ".broken polygon": "stroke: #F2F2F2; fill: #F2F2F2",
    ".now path": "stroke: #F2F2F2",
    ".now polygon": "stroke: #F2F2F2; fill: #F2F2F2",
    ".cell": f"fill: {DARK.boxes['matrix']}; stroke: #909090",
    ".cell.positive": f"fill: {DARK.positive.field}",
    ".cell.negative": f"fill: {DARK.negative.field}",
    ".changed .shape, .lit .row": f"fill: {LIT}",
    ".changed polyline": f"stroke: {ON_LIT}",
    ".changed text, .lit .new": f"fill: {ON_LIT}",
}
CLASS = "autodiff-graph"
# Programs that know no media queries, such as office suites, take what is in one for rules that
# always hold; they know no :not either.
CONFINED = f".{CLASS}:not(.light)"

IMAGE = ' role="img"'
ROW_ABOVE, ROW_HEIGHT = 0.9, 1.2  # of a row of a table, beside the size of its text
DASHES = {"dashed": "5,2", "dotted": "1,5"}
LONG_DASHES = DASHES | {"dashed": "12,6"}  # of a line that may be thick
# What hides a line behind its label.
PAPER = (
    '<rect class="paper" x="{place.x:.2f}" y="{place.y:.2f}" width="{place.width:.2f}"'
    ' height="{place.height:.2f}" fill="white"/>'
)
BLACK = Style().text
FIELDS = {"positive": LIGHT.positive.field, "negative": LIGHT.negative.field}
ANCHORS = {"l": "start", "c": "middle", "r": "end"}


def style_sheet() -> str:
    """Return the style sheet, its rules confined to drawings of this kind."""
    rules = []
    for selectors, declarations in RULES.items():
        confined = ",".join(f"{CONFINED} {selector.strip()}" for selector in selectors.split(","))
        rules.append(f"{confined}{{{declarations}}}")
    return "@media (prefers-color-scheme: dark){\n" + "\n".join(rules) + "\n}"


def svg_text(picture: Picture, layout: Layout, widest: float = math.inf) -> str:
    """Return a picture as SVG, in a layout of the same boxes and arrows.

    Each box gets its name as title and all that it says as description, for screen readers and
    as a tooltip; each arrow says where it leads.  The picture is no wider than its container, nor
    than ``widest`` in points.
    """
    scale = min(1.0, widest / layout.width)
    size = f'width="{layout.width * scale:g}pt" height="{layout.height * scale:.2f}pt"'
    sides = f'width="{layout.width:.2f}" height="{layout.height:.2f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{CLASS}" role="graphics-document" {size}'
        f' viewBox="0.00 0.00 {layout.width:.2f} {layout.height:.2f}"'
        ' style="max-width:100%;height:auto">',
        f"<title>{escape(picture.title)}</title>",
        f"<desc>{escape(picture.description)}</desc>",
        f"<style>\n{style_sheet()}\n</style>",
        f'<g font-family="{FONTS}">',
        f'<rect class="paper" {sides} fill="white"/>',
        *texts(layout.caption, picture.caption, Style(size=CAPTION_SIZE)),
        *parts_of(picture, layout).values(),
    ]
    return "\n".join([*lines, "</g>", "</svg>\n"])


def parts_of(picture: Picture, layout: Layout) -> dict[str, str]:
    """Return each frame, arrow and box of a picture as SVG, by its id, in drawing order."""
    names = {box.id: box.name for box in picture.boxes}
    found = {frame.id: frame_lines(frame, layout) for frame in picture.frames}
    for arrow in picture.arrows:
        title = f"{names[arrow.tail]} → {names[arrow.head]}"
        label = () if picture.is_dense else arrow.label
        found[arrow.id] = arrow_lines(arrow, title, layout.places[arrow.id], label)
    for box in picture.boxes:
        found[box.id] = box_lines(box, layout.places[box.id])
    return {id: "\n".join(lines) for id, lines in found.items()}


def group(
    kind: str, id: str, title: str, description: str, inside: Iterable[str], role: str = ""
) -> Iterator[str]:
    yield f'<g id="{escape(id)}" class="{kind}"{role}>'
    yield f"<title>{escape(title)}</title>"
    if description:
        yield f"<desc>{escape(description)}</desc>"
    yield from inside
    yield "</g>"


def frame_lines(frame: Frame, layout: Layout) -> Iterator[str]:
    style, place = frame_style(frame), layout.places[frame.id]
    shape = [outline(place, style)] * bool(place.width)
    inside = (*shape, *texts(place.spots, (frame.title,), style))
    yield from group(f"cluster {frame_class(frame)}", frame.id, frame.title, "", inside)


def box_lines(box: Box, place: Place) -> Iterator[str]:
    """Yield a box with its text and its dividing lines, or its wire."""
    style = box_style(box)
    kind, line = (' class="wire"', ARROW) if box.wired else ("", replace(style, dash=""))
    lines = [
        f'<polyline{kind} fill="none" {stroke(line)} points="{pairs(points)}"/>'
        for points in place.lines
    ]
    lines += cell_lines(box, place)
    text = texts(place.spots, box.lines, style)
    if box.lit:  # one row of its table is new, not all of it
        first, rows = len(box.title) + len(box.numbers) + box.lit, len(box.table)
        lines = [lit_row(place, place.spots[first].y, style.size), *lines]
        for cell in range(first, len(text), rows):
            text[cell] = text[cell].replace("<text ", '<text class="new" ')
    shape = outline(place, style, box.wired or box.kind == "neuron")
    inside = (*lines, shape, *text) if box.wired else (shape, *lines, *text)
    yield from group(f"node {box_class(box)}", box.id, box.name, box.description, inside, IMAGE)


def lit_row(place: Place, baseline: float, size: float) -> str:
    """Return what lies behind a row of a table that has a new number."""
    sides = f'x="{place.x:.2f}" y="{baseline - ROW_ABOVE * size:.2f}" width="{place.width:.2f}"'
    return f'<rect class="row" {sides} height="{ROW_HEIGHT * size:.2f}" fill="{LIT}"/>'


def arrow_lines(arrow: Arrow, title: str, place: Place, label: Sequence[str]) -> Iterator[str]:
    style = arrow_style(arrow)
    (line,) = place.lines
    start, curve = pairs(line[:1]), pairs(line[1:])
    path = f'<path fill="none" {stroke(style, LONG_DASHES if arrow.headless else DASHES)}'
    if arrow.headless:
        head = PAPER.format(place=place) if place.width else ""
    else:
        look = f'fill="{style.line}" {stroke(replace(style, dash=""))}'
        head = f'<polygon {look} points="{pairs(place.head)}"/>'
    inside = (
        f'{path} d="M{start}C{curve}"/>',
        *filter(None, [head]),
        *texts(place.spots, label, style),
    )
    classes = f"edge {arrow_class(arrow)}".rstrip()
    yield from group(classes, arrow.id, title, ", ".join(arrow.label), inside)


def cell_lines(box: Box, place: Place) -> Iterator[str]:
    """Yield the cells of a matrix: the colour says the sign and the size, and a line the sign."""
    for shade, (x, y, width, height) in zip(box.shades, place.cells, strict=False):
        sides = f'x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"'
        sign = "" if shade is None else sign_of(shade)
        fill = FIELDS.get(sign, "white")
        faint = f' fill-opacity="{abs(shade):.3f}"' if shade is not None and sign in FIELDS else ""
        yield f'<rect class="cell {sign}" {sides} fill="{fill}"{faint} {stroke(CELL)}/>'
        for line in lines_across((x, y, width, height), shade) if place.hatched else ():
            yield f'<polyline fill="none" {stroke(CELL)} points="{pairs(line)}"/>'


# ---- shapes and text ---------------------------------------------------------------------------


def outline(place: Place, style: Style, is_round: bool = False) -> str:
    """Return the outline of a box or frame; a rounded one may be as round as it can be."""
    look = f'class="shape" {{}} fill="{style.fill}" {stroke(style)}/>'
    across, down = place.width / 2, place.height / 2
    if style.shape == "oval":
        middle = f'cx="{place.x + across:.2f}" cy="{place.y + down:.2f}"'
        return "<ellipse " + look.format(f'{middle} rx="{across:.2f}" ry="{down:.2f}"')
    corner = f'x="{place.x:.2f}" y="{place.y:.2f}"'
    sides = f'width="{place.width:.2f}" height="{place.height:.2f}"'
    rounding = min(across, down) if is_round else ROUNDING
    round_corners = f' rx="{rounding:g}"' if style.shape == "rounded" else ""
    return "<rect " + look.format(f"{corner} {sides}{round_corners}")


def stroke(style: Style, dashes: Mapping[str, str] = DASHES) -> str:
    """Return the attributes of a line."""
    dashed = f' stroke-dasharray="{dashes[style.dash]}"' if style.dash else ""
    faint = f' stroke-opacity="{style.opacity:g}"' if style.opacity < 1.0 else ""
    return f'stroke="{style.line}" stroke-width="{style.width:g}"{dashed}{faint}'


def pairs(points: Iterable[Point]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)


def texts(spots: Sequence[Spot], lines: Sequence[str], style: Style) -> list[str]:
    """Return lines of text at their spots; where there are fewer lines than spots, with nothing."""
    fill = f' fill="{style.text}"' if style.text != BLACK else ""
    return [
        f'<text text-anchor="{ANCHORS[spot.align]}" x="{spot.x:.2f}" y="{spot.y:.2f}"'
        f' font-size="{style.size:.2f}"{fill}>{escape(line or NO_TEXT)}</text>'
        for spot, line in zip_longest(spots, lines[: len(spots)], fillvalue="")
        if isinstance(spot, Spot) and spot is not HIDDEN
    ]
