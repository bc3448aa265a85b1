"""A picture as SVG: names and descriptions, dark backgrounds, no fixed size.

The text of the picture stays text.  There is no script, and nothing is fetched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import zip_longest

from autodiff.drawing.dot import (
    CAPTION_SIZE,
    EDGE,
    NO_TEXT,
    arrow_attributes,
    arrow_class,
    box_class,
    box_style,
    frame_attributes,
    is_dense,
)
from autodiff.drawing.layout import Layout, Place, Point, Spot
from autodiff.drawing.palette import DARK, LIGHT, LIT, ON_LIT
from autodiff.drawing.picture import Arrow, Box, Frame, Picture
from autodiff.drawing.render import FONTS

__all__ = ["svg_text"]

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
    ".changed .shape, .lit .row": f"fill: {LIT}",
    ".changed polyline": f"stroke: {ON_LIT}",
    ".changed text, .lit .new": f"fill: {ON_LIT}",
}
CLASS = "autodiff-graph"

IMAGE = ' role="img"'
WIRED_HEIGHT = 36.0  # of a small box on a wire that runs across, in points
WIRED_CHARACTER = 12.0
ROW_ABOVE, ROW_HEIGHT = 0.9, 1.2  # of a row of a table, beside the size of its text
ROUNDING = 12.0  # of a rounded box's corners, in points
DASHES = {"dashed": "5,2", "dotted": "1,5"}
ANCHORS = {"l": "start", "c": "middle", "r": "end"}


def style_sheet() -> str:
    """Return the style sheet, its rules confined to drawings of this kind."""
    rules = []
    for selectors, declarations in RULES.items():
        confined = ",".join(f".{CLASS} {selector.strip()}" for selector in selectors.split(","))
        rules.append(f"{confined}{{{declarations}}}")
    return "@media (prefers-color-scheme: dark){\n" + "\n".join(rules) + "\n}"


def svg_text(picture: Picture, layout: Layout, widest: float = math.inf) -> str:
    """Return a picture as SVG, in a layout of the same boxes and arrows.

    Each box gets its name as title and all that it says as description, for screen readers and
    as a tooltip; each arrow says where it leads.  The picture is no wider than its container, nor
    than ``widest`` in points.
    """
    names = {box.id: box.name for box in picture.boxes}
    scale = min(1.0, widest / layout.width)
    size = f'width="{layout.width * scale:g}pt" height="{layout.height * scale:.2f}pt"'
    sides = f'width="{layout.width:.2f}" height="{layout.height:.2f}"'
    dense = is_dense(picture)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{CLASS}" role="graphics-document" {size}'
        f' viewBox="0.00 0.00 {layout.width:.2f} {layout.height:.2f}"'
        ' style="max-width:100%;height:auto">',
        f"<title>{escape(picture.title)}</title>",
        f"<desc>{escape(picture.description)}</desc>",
        f"<style>\n{style_sheet()}\n</style>",
        f'<g font-family="{FONTS}">',
        f'<rect class="paper" {sides} fill="white"/>',
        *texts(layout.caption, picture.caption, CAPTION_SIZE),
        *[line for frame in picture.frames for line in frame_lines(frame, layout)],
    ]
    for arrow in picture.arrows:
        title = f"{names[arrow.tail]} → {names[arrow.head]}"
        lines += arrow_lines(arrow, title, layout.places[arrow.id], () if dense else arrow.label)
    for box in picture.boxes:
        lines += box_lines(box, layout.places[box.id])
    return "\n".join([*lines, "</g>", "</svg>\n"])


def group(
    kind: str, id: str, title: str, description: str, inside: Iterable[str], role: str = ""
) -> Iterator[str]:
    """Yield an element with its title and description."""
    yield f'<g id="{escape(id)}" class="{kind}"{role}>'
    yield f"<title>{escape(title)}</title>"
    if description:
        yield f"<desc>{escape(description)}</desc>"
    yield from inside
    yield "</g>"


def frame_lines(frame: Frame, layout: Layout) -> Iterator[str]:
    """Yield a frame with its title."""
    style, place = frame_attributes(frame), layout.places[frame.id]
    inside = (
        rectangle(place, style, ROUNDING),
        *texts(place.spots, (frame.title,), style["fontsize"], style["fontcolor"]),
    )
    yield from group(f"cluster {style['class']}", frame.id, frame.title, "", inside)


def box_lines(box: Box, place: Place) -> Iterator[str]:
    """Yield a box with its text and its dividing lines."""
    style = box_style(box)
    if box.wired:
        wired = wired_lines(box, place, style)
        yield from group(f"node {box_class(box)}", box.id, box.name, box.description, wired, IMAGE)
        return
    rounding = ROUNDING if style["shape"] == "Mrecord" else 0.0
    shape = ellipse if style["shape"] == "ellipse" else rectangle
    classes = f"node {box_class(box)}"
    row: tuple[str, ...] = ()
    text = texts(place.spots, box.lines, style["fontsize"], style.get("fontcolor", ""))
    if box.lit:  # one row of its table is new, not all of it
        classes = f"node {box.kind} lit"
        style = style | {"fillcolor": LIGHT.boxes[box.kind]}
        first, rows = len(box.title) + len(box.numbers) + box.lit, len(box.table)
        cells = range(first, len(text), rows)
        row = (lit_row(place, place.spots[first].y, float(style["fontsize"])),)
        for cell in cells:
            text[cell] = text[cell].replace("<text ", '<text class="new" ')
    inside = (
        shape(place, style, rounding),
        *row,
        *[
            f'<polyline fill="none" {stroke(style)} points="{pairs(line)}"/>'
            for line in place.lines
        ],
        *text,
    )
    yield from group(classes, box.id, box.name, box.description, inside, IMAGE)


def lit_row(place: Place, baseline: float, size: float) -> str:
    """Return what lies behind a row of a table that has a new number."""
    sides = f'x="{place.x:.2f}" y="{baseline - ROW_ABOVE * size:.2f}" width="{place.width:.2f}"'
    return f'<rect class="row" {sides} height="{ROW_HEIGHT * size:.2f}" fill="{LIT}"/>'


def wired_lines(box: Box, place: Place, style: dict[str, str]) -> Iterator[str]:
    """Yield a small box and the wire that leaves it, between value and gradient.

    Graphviz laid out a box with a divided half: the line between the halves is left out.
    """
    (border, other), wire = place.lines[0], place.lines[1]
    x, y, width, height = place.x, place.y, place.width, place.height
    spots = place.spots
    if border[0] == other[0]:  # the wire runs across
        y, height = y + height / 2 - WIRED_HEIGHT / 2, WIRED_HEIGHT
        at_left = spots[0].x < border[0]
        x, width = (x, border[0] - x) if at_left else (border[0], x + width - border[0])
    else:
        on_top = spots[0].y < border[1]
        y, height = (y, border[1] - y) if on_top else (border[1], y + height - border[1])
        middle, width = x + width / 2, max(height, WIRED_CHARACTER * (len(box.title[0]) + 2))
        x = middle - width / 2
        wire = tuple((middle, down) for _, down in wire)
        beside = [Spot(middle + away, spots[1].y, side) for away, side in ((-6.0, "r"), (6.0, "l"))]
        spots = (spots[0], *beside)
    cell = Place((), x, y, width, height)
    yield f'<polyline class="wire" fill="none" {stroke(EDGE)} points="{pairs(wire)}"/>'
    yield rectangle(cell, style, 0.0 if style["shape"] == "record" else min(width, height) / 2)
    yield from texts(spots, box.lines, style["fontsize"], style.get("fontcolor", ""))


def arrow_lines(arrow: Arrow, title: str, place: Place, label: Sequence[str]) -> Iterator[str]:
    """Yield an arrow with its label."""
    style = EDGE | arrow_attributes(arrow)
    (line,) = place.lines
    start, curve = pairs(line[:1]), pairs(line[1:])
    colour = style["color"]
    plain = {"color": colour, "penwidth": style["penwidth"]}
    inside = (
        f'<path fill="none" {stroke(style)} d="M{start}C{curve}"/>',
        f'<polygon fill="{colour}" {stroke(plain)} points="{pairs(place.head)}"/>',
        *texts(place.spots, label, style["fontsize"], style.get("fontcolor", "")),
    )
    classes = f"edge {arrow_class(arrow)}".rstrip()
    yield from group(classes, arrow.id, title, ", ".join(arrow.label), inside)


# ---- shapes and text ---------------------------------------------------------------------------


def rectangle(place: Place, style: dict[str, str], rounding: float) -> str:
    """Return the outline of a box or frame."""
    corner = f'x="{place.x:.2f}" y="{place.y:.2f}"'
    sides = f'width="{place.width:.2f}" height="{place.height:.2f}"'
    round_corners = f' rx="{rounding:g}"' if rounding else ""
    return f'<rect class="shape" {corner} {sides}{round_corners} {filled(style)}/>'


def ellipse(place: Place, style: dict[str, str], _: float) -> str:
    """Return the outline of an oval box."""
    across, down = place.width / 2, place.height / 2
    middle = f'cx="{place.x + across:.2f}" cy="{place.y + down:.2f}"'
    return f'<ellipse class="shape" {middle} rx="{across:.2f}" ry="{down:.2f}" {filled(style)}/>'


def filled(style: dict[str, str]) -> str:
    """Return the attributes of an outline."""
    return f'fill="{style["fillcolor"]}" {stroke(style)}'


def stroke(style: dict[str, str]) -> str:
    """Return the attributes of a line."""
    dashes = DASHES.get(style.get("style", "").partition(",")[0], "")
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'stroke="{style["color"]}" stroke-width="{float(style["penwidth"]):g}"{dashed}'


def pairs(points: Iterable[Point]) -> str:
    """Return points as an SVG has them."""
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)


def texts(spots: Sequence[Spot], lines: Sequence[str], size: str, colour: str = "") -> list[str]:
    """Return lines of text at their spots; where there are fewer lines than spots, with nothing."""
    fill = f' fill="{colour}"' if colour else ""
    return [
        f'<text text-anchor="{ANCHORS[spot.align]}" x="{spot.x:.2f}" y="{spot.y:.2f}"'
        f' font-size="{float(size):.2f}"{fill}>{escape(line or NO_TEXT)}</text>'
        for spot, line in zip_longest(spots, lines[: len(spots)], fillvalue="")
        if isinstance(spot, Spot)
    ]
