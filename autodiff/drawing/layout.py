"""Where everything lies, and one layout for all moments of a pass.

A picture of a moment is laid out with room for the longest text that each of its lines has at
any moment, and its own text and marks are put in afterwards: from moment to moment only numbers
and colours change, and nothing moves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape, unescape

from autodiff.drawing.dot import (
    EDGE,
    NO_TEXT,
    arrow_attributes,
    arrow_class,
    box_class,
    box_style,
    dot_text,
)
from autodiff.drawing.picture import Arrow, Box, Picture
from autodiff.drawing.render import svg_of

__all__ = ["in_layout", "laid_out"]

# Graphviz sets the label of a straight arrow so close that its descenders touch the line.
LABEL_GAP = 5.0  # in points
AWAY = {"LR": (0.0, -LABEL_GAP), "RL": (0.0, -LABEL_GAP)}
AWAY |= {"TB": (LABEL_GAP, 0.0), "BT": (LABEL_GAP, 0.0)}

NODE = re.compile(r'<g id="([^"]*)" class="node[^"]*">.*?</g>', re.DOTALL)
EDGE_GROUP = re.compile(r'<g id="([^"]*)" class="edge[^"]*">.*?</g>', re.DOTALL)
CAPTION = re.compile(r"(?<=<title>computation graph</title>\n)<polygon.*?(?=<g )", re.DOTALL)
CLASS = re.compile(r'class="[^"]*"')
TEXT = re.compile(r"(<text[^>]*>)[^<]*(?=</text>)")
TEXT_FILL = re.compile(r'(?<=font-size="18.00")( fill="[^"]*")?(?=>)')
TEXT_PLACE = re.compile(r'x="([-\d.]+)" y="([-\d.]+)"')
STROKE = re.compile(r'stroke="[^"]*"( stroke-width="[^"]*")?( stroke-dasharray="[^"]*")?')
SHAPE_FILL = re.compile(r'(<(?:polygon|path|ellipse) )fill="[^"]*"')
HEAD_FILL = re.compile(r'(?<=<polygon )fill="[^"]*"')
DASHES = {"": "", "dashed": ' stroke-dasharray="5,2"', "dotted": ' stroke-dasharray="1,5"'}
LINE = re.compile(r"<path[^>]*>")


def laid_out(picture: Picture, rankdir: str) -> str:
    """Return a picture as the SVG that Graphviz makes of its DOT text.

    Raises like :func:`autodiff.drawing.render.svg_of`.
    """
    svg = svg_of(dot_text(picture, rankdir))
    if any(arrow.label for arrow in picture.arrows):
        svg = EDGE_GROUP.sub(LabelsMoved(*AWAY[rankdir]), svg)
    return svg


class LabelsMoved:
    """Replaces an arrow's element by one with its label a little away from the line."""

    def __init__(self, right: float, down: float) -> None:
        self.right, self.down = right, down

    def __call__(self, edge: re.Match[str]) -> str:
        return TEXT_PLACE.sub(self.moved, edge[0])

    def moved(self, place: re.Match[str]) -> str:
        """Return the place of a line of text, moved."""
        return f'x="{float(place[1]) + self.right:.2f}" y="{float(place[2]) + self.down:.2f}"'


# --------------------------------------------------------------------------------------------
# A picture in the layout of another
# --------------------------------------------------------------------------------------------


def in_layout(picture: Picture, layout: str) -> str:
    """Return a layout, as an SVG, with a picture's own text, marks and colours.

    The layout is that of the same boxes and arrows with other numbers.
    """
    boxes = {box.id: box for box in picture.boxes}
    arrows = {arrow.id: arrow for arrow in picture.arrows}
    svg = NODE.sub(lambda node: node_at(node, boxes), layout)
    svg = EDGE_GROUP.sub(lambda edge: edge_at(edge, arrows), svg)
    return CAPTION.sub(lambda caption: with_text(caption[0], iter(picture.caption)), svg)


def with_text(element: str, lines: Iterator[str]) -> str:
    """Return an element with other lines of text; where there are too few, with none."""
    return TEXT.sub(lambda text: text[1] + escape(next(lines, "") or NO_TEXT), element)


def node_at(node: re.Match[str], boxes: dict[str, Box]) -> str:
    """Return a box's element with its text and mark at a moment."""
    box = boxes[unescape(node[1])]
    style = box_style(box)
    stroke = stroke_of(style["color"], style["penwidth"])
    element = STROKE.sub(lambda found: stroke + (found[2] or ""), node[0])
    element = SHAPE_FILL.sub(rf'\g<1>fill="{style["fillcolor"].lower()}"', element, count=1)
    element = CLASS.sub(f'class="node {box_class(box)}"', element, count=1)
    return with_text(element, iter(box.lines))


def stroke_of(colour: str, width: str) -> str:
    """Return the attributes of a line, written as Graphviz writes them."""
    wide = f' stroke-width="{float(width):g}"' if float(width) != 1.0 else ""
    return f'stroke="{colour.lower()}"{wide}'


def edge_at(edge: re.Match[str], arrows: dict[str, Arrow]) -> str:
    """Return an arrow's element with its label and its look at a moment."""
    arrow = arrows[unescape(edge[1])]
    style = EDGE | arrow_attributes(arrow)
    colour, stroke = style["color"].lower(), stroke_of(style["color"], style["penwidth"])
    dashes = DASHES[style.get("style", "")]
    text_colour = f' fill="{style["fontcolor"].lower()}"' if "fontcolor" in style else ""
    element = HEAD_FILL.sub(f'fill="{colour}"', STROKE.sub(stroke, edge[0]))
    element = LINE.sub(lambda line: line[0].replace(stroke, stroke + dashes), element)
    element = TEXT_FILL.sub(text_colour, element)
    classes = f"edge {arrow_class(arrow)}".rstrip()
    element = CLASS.sub(f'class="{classes}"', element, count=1)
    return with_text(element, iter(arrow.label))
