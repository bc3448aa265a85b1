"""A picture as a diagram of draw.io, to be edited: boxes to move, and arrows that follow them.

The file is plain XML of mxGraph, the format's library.  Boxes lie where the layout has them, each
in the frame around it, and arrows are tied to their boxes at the points where they lay.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from html import escape
from itertools import pairwise

from autodiff.drawing.layouts.labels import is_cut
from autodiff.drawing.layouts.layout import Layout
from autodiff.drawing.layouts.places import HIDDEN, Place, Point, Spot
from autodiff.drawing.picture import Arrow, Box, Frame, Picture
from autodiff.drawing.style import (
    CAPTION_SIZE,
    CELL,
    FONT,
    Style,
    arrow_style,
    box_style,
    cell_fill,
    frame_style,
)

__all__ = ["drawio_text"]

BEFORE = 6.0  # points that an arrow ends before its box
SHAPES = {"square": "", "rounded": "rounded=1;absoluteArcSize=1;arcSize=24;", "oval": "ellipse;"}
ROUND = "rounded=1;arcSize=50;"  # on a wire
DASHES = {"": "", "dashed": "dashed=1;dashPattern=5 2;", "dotted": "dashed=1;dashPattern=1 5;"}
TEXT = "text;strokeColor=none;fillColor=none;"
WIRE = "line;strokeColor=#555555;strokeWidth=2;"
FILLING = "align=left;verticalAlign=top;overflow=fill;"
MIDDLE = "align=center;verticalAlign=middle;"
RULE = '<hr style="border:0;border-top:{:g}px solid {};margin:3px 0">'
PARAGRAPH = '<p style="margin:{} 7px;text-align:{};white-space:nowrap">{}</p>'
TABLE_CELL = '<td style="padding:0 7px;white-space:nowrap">{}</td>'
LINE = 1.2  # the height of a line of text, in sizes
TEXT_WIDTH = 200.0  # of a text that stands by itself; it is not cut off


def drawio_text(picture: Picture, layout: Layout) -> str:
    """Return a picture as a file for draw.io, in a layout of the same boxes and arrows."""
    places = layout.places
    lines = [
        '<mxfile host="autodiff" compressed="false">',
        f'<diagram id="graph" name="{escape(picture.title)}">',
        '<mxGraphModel grid="0" page="0" math="0"><root>',
        '<mxCell id="0"/><mxCell id="1" parent="0"/>',
    ]
    frames = {frame.id: places[frame.id] for frame in picture.frames} | {"": Place()}
    for frame in picture.frames:
        if places[frame.id].width:
            lines += frame_cells(frame, places[frame.id], frames[frame.outer])
        else:  # its title is all that is seen of it
            spots, size = places[frame.id].spots, frame_style(frame).size
            lines.append(text(frame.id, (frame.title,), spots, size, "", Place()))
    for box in picture.boxes:
        parent = box.frame if frames[box.frame].width else ""
        lines += box_cells(replace(box, frame=parent), places[box.id], frames[parent])
    for arrow in picture.arrows:
        ends = places[arrow.tail], places[arrow.head]
        others = [places[box.id] for box in picture.boxes if box.id not in (arrow.tail, arrow.head)]
        label = () if picture.is_dense else arrow.label
        lines += arrow_cells(arrow, places[arrow.id], *ends, others, label)
    if picture.caption:
        lines.append(text("caption", picture.caption, layout.caption, CAPTION_SIZE, "", Place()))
    return "\n".join([*lines, "</root></mxGraphModel>", "</diagram>", "</mxfile>\n"])


def vertex(id: str, label: str, look: str, place: Place, parent: str, around: Place) -> str:
    """Return a cell that lies at a place, inside of another's."""
    sides = f'width="{place.width:.2f}" height="{place.height:.2f}"'
    corner = f'x="{place.x - around.x:.2f}" y="{place.y - around.y:.2f}"'
    return (
        f'<mxCell id="{escape(id)}" value="{escape(label)}" style="{look}html=1;" vertex="1"'
        f' parent="{escape(parent) or 1}"><mxGeometry {corner} {sides} as="geometry"/></mxCell>'
    )


def frame_cells(frame: Frame, place: Place, around: Place) -> Iterator[str]:
    """Yield a frame; what lies in it moves with it."""
    style = frame_style(frame)
    (spot,) = place.spots
    across = "right" if spot.x > place.x + place.width / 2 else "left"
    down = "bottom" if spot.y > place.y + place.height / 2 else "top"
    where = f"align={across};verticalAlign={down};spacing=6;spacingTop=-4;"
    look = f"{SHAPES['rounded']}{where}container=1;collapsible=0;{filled(style)}"
    yield vertex(frame.id, escape(frame.title), look, place, frame.outer, around)


def box_cells(box: Box, place: Place, around: Place) -> Iterator[str]:
    """Yield a box; if it is on a wire, that too, and the numbers beside it, which move with it."""
    style = box_style(box)
    if box.kind == "text":
        yield text(box.id, box.title, place.spots, style.size, box.frame, around, place.width)
        return
    if box.kind in ("neuron", "matrix"):
        yield from placed_cells(box, place, style, around)
        return
    if not box.wired:
        look = f"{SHAPES[style.shape]}{FILLING if box.numbers or box.table else MIDDLE}"
        yield vertex(box.id, label_of(box), look + filled(style), place, box.frame, around)
        return
    shape = ROUND if style.shape == "rounded" else SHAPES[style.shape]
    title = escape(box.title[0])
    yield vertex(box.id, title, f"{shape}{MIDDLE}{filled(style)}", place, box.frame, around)
    (wire,) = place.lines
    (left, right), (top, bottom) = map(sorted, zip(wire[0], wire[-1], strict=True))
    turned = "direction=south;" if right - left < bottom - top else ""
    across, down = max(right - left, 10.0), max(bottom - top, 10.0)
    middle = Place((), (left + right - across) / 2, (top + bottom - down) / 2, across, down)
    yield vertex(f"{box.id}-wire", "", WIRE + turned, middle, box.id, place)
    for name, number, spot in zip(("value", "gradient"), box.numbers, place.spots[1:], strict=True):
        yield text(f"{box.id}-{name}", (number,), (spot,), style.size, box.id, place)


def placed_cells(box: Box, place: Place, style: Style, around: Place) -> Iterator[str]:
    """Yield a neuron or a matrix, and its cells and texts where they lie; they move with it."""
    look = f"{ROUND}{filled(style)}" if style.width else TEXT
    yield vertex(box.id, "", look, place, box.frame, around)
    for number, (shade, cell) in enumerate(zip(box.shades, place.cells, strict=False)):
        inside = f"fillColor={cell_fill(shade)};{stroke(CELL)}"
        yield vertex(f"{box.id}-cell{number}", "", inside, Place((), *cell), box.id, place)
    for number, (line, spot) in enumerate(zip(box.lines, place.spots, strict=False)):
        if line and spot is not HIDDEN:
            yield text(f"{box.id}-text{number}", (line,), (spot,), style.size, box.id, place)


def label_of(box: Box) -> str:
    """Return the text of a box, with lines between title, numbers and table.

    >>> label_of(Box("v1", "constant", "2 < 3", ("2 < 3",)))
    '2 &lt; 3'
    """
    title = "<br>".join(map(escape, box.title))
    if not box.numbers and not box.table:
        return title
    side = "left" if len(box.title) > 1 else "center"
    style = box_style(box)
    rule = RULE.format(style.width, hexadecimal(style.line))
    parts = [PARAGRAPH.format("4px", side, title), rule]
    if box.numbers:
        parts.append(PARAGRAPH.format("0", "left", "<br>".join(map(escape, box.numbers))))
    if box.table:
        rows = ["".join(TABLE_CELL.format(escape(cell)) for cell in row) for row in box.table]
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        parts.append(f'<table cellspacing="0" style="font-size:inherit">{body}</table>')
    return "".join(parts)


def arrow_cells(
    arrow: Arrow,
    place: Place,
    tail: Place,
    head: Place,
    others: Iterable[Place],
    lines: Sequence[str],
) -> Iterator[str]:
    """Yield an arrow, tied to its two boxes, with its label where that lies.

    It is straight if there is neither a label beside it nor another box in its way: bends do not
    move along with its boxes.
    """
    style, lines = arrow_style(arrow), lines[: len(place.spots)]
    start, *bends, end = place.lines[0]
    tip = max(place.head, key=lambda point: math.dist(point, end)) if place.head else end
    if arrow.headless or not (lines or any(is_cut(start, tip, box.outline) for box in others)):
        bends = []
    ends = f"{tied('exit', start, tail)}{tied('entry', tip, head)}"
    arrowhead = "none" if arrow.headless else "block"
    look = f"endArrow={arrowhead};endFill=1;curved=1;{ends}{stroke(style)}"
    points = "".join(f'<mxPoint x="{x:.2f}" y="{y:.2f}"/>' for x, y in bends)
    inside = f'<Array as="points">{points}</Array>' if bends else ""
    if lines:
        behind = "align=center;labelBackgroundColor=#FFFFFF;"
        look += behind if arrow.headless else "align=left;labelBackgroundColor=none;"
        x, y = halfway([start, *bends, tip])
        middle = (place.spots[0].y + place.spots[-1].y) / 2 - style.size / 3
        inside += f'<mxPoint x="{place.spots[0].x - x:.2f}" y="{middle - y:.2f}" as="offset"/>'
    yield (
        f'<mxCell id="{escape(arrow.id)}" value="{escape("<br>".join(map(escape, lines)))}"'
        f' style="{look}html=1;" edge="1" parent="1" source="{escape(arrow.tail)}"'
        f' target="{escape(arrow.head)}"><mxGeometry relative="1" as="geometry">{inside}'
        "</mxGeometry></mxCell>"
    )


# ---- parts -------------------------------------------------------------------------------------


def text(
    id: str,
    lines: Sequence[str],
    spots: Sequence[Spot],
    size: float,
    parent: str,
    around: Place,
    width: float = 0.0,
) -> str:
    """Return a cell with lines of text at their spots, of that width if it matters."""
    width = width or TEXT_WIDTH
    x, y = spots[0].x, spots[0].y - size
    left = {"l": x, "c": x - width / 2, "r": x - width}[spots[0].align]
    side = {"l": "left", "c": "center", "r": "right"}[spots[0].align]
    look = f"{TEXT}align={side};verticalAlign=middle;spacing=0;{font(Style(size=size))}"
    place = Place((), left, y, width, LINE * size * len(lines))
    return vertex(id, "<br>".join(map(escape, lines)), look, place, parent, around)


def filled(style: Style) -> str:
    """Return the look of a box or frame."""
    return f"fillColor={style.fill};{stroke(style)}"


def stroke(style: Style) -> str:
    """Return the look of a line and of the text in it or on it."""
    line = f"strokeColor={hexadecimal(style.line)};strokeWidth={style.width:g};"
    faint = f"strokeOpacity={100 * style.opacity:g};" if style.opacity < 1.0 else ""
    return f"{line}{DASHES[style.dash]}{faint}{font(style)}"


def font(style: Style) -> str:
    """Return the look of text."""
    return f"fontFamily={FONT};fontSize={style.size:g};fontColor={hexadecimal(style.text)};"


def hexadecimal(colour: str) -> str:
    """Return a colour as its red, green and blue."""
    return "#000000" if colour == "black" else colour


def tied(end: str, point: Point, box: Place) -> str:
    """Return where an arrow is tied to a box: its place as parts of the box's sides.

    What ends just before its side ends at it; what leaves a wire begins further away.
    """
    places = []
    for at, start, length in ((point[0], box.x, box.width), (point[1], box.y, box.height)):
        nearest = min(max(at, start), start + length)
        places.append(((nearest if abs(at - nearest) < BEFORE else at) - start) / length)
    return f"{end}X={places[0]:.4f};{end}Y={places[1]:.4f};{end}Perimeter=0;"


def halfway(points: Sequence[Point]) -> Point:
    """Return the middle of a line through some points, which is where a label belongs.

    >>> halfway([(0.0, 0.0), (4.0, 0.0), (4.0, 2.0)])
    (3.0, 0.0)
    """
    left = sum(math.dist(*pair) for pair in pairwise(points)) / 2
    pairs = pairwise(points)
    start, end = next(pairs)
    while (length := math.dist(start, end)) < left:
        left -= length
        start, end = next(pairs)
    share = left / (length or 1.0)
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
