"""The drawing of the graph as SVG whose numbers, colours and arrows a page can change.

Where everything lies is what ``autodiff.draw`` found; here each box and arrow gets a class and an
id, and colours are left to the page's style sheet.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from xml.etree import ElementTree

from autodiff.drawing.draw import Drawing, painter_of
from autodiff.drawing.moment import Moment
from autodiff.graph import topological_order
from autodiff.value import Value

__all__ = ["EMPTY", "live_svg"]

# The widest text that a number has in a drawing: no box is laid out too narrow for what comes.
WIDEST = -1.234e-05
PRECISION = 4

BOX = re.compile(r"(v\d+)(_at_v\d+)?")
ARROW = re.compile(r"(v\d+)(?:_at_v\d+)?-(v\d+)-(\d+)")  # from, to, as which operand


def live_svg(root: Value, kinds: dict[str, str], max_nodes: int) -> str:
    """Return the drawing of root's graph; ``kinds`` are the boxes' classes by id.

    Raises like :func:`autodiff.draw`.
    """
    painter = painter_of([plain_copy(root)], PRECISION, None, (), False, max_nodes)
    svg = ElementTree.fromstring(Drawing(painter.picture_at(WidestNumbers())).svg())
    width, height = (float(number) for number in svg.attrib["viewBox"].split()[2:])
    groups = [element for element in svg.iter() if tag(element) == "g"]
    arrows = [arrow for group in groups for arrow in arrow_lines(group)]
    boxes = [line for group in groups for line in box_lines(group, kinds)]
    return drawing_of(
        *(width, height),
        *['<g class="arrows" aria-hidden="true">', *arrows, "</g>"],
        *['<g class="boxes">', *boxes, "</g>"],
    )


def drawing_of(width: float, height: float, *lines: str) -> str:
    """Return the element that a page's script knows as the drawing."""
    start = (
        f'<svg id="drawing" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'data-width="{width:g}" data-height="{height:g}" role="group" '
        'aria-labelledby="graph-title">'
    )
    return "\n".join([start, *lines, "</svg>"])


# What a page draws itself, fold by fold.
EMPTY = drawing_of(1, 1)


@dataclass(frozen=True, slots=True)
class WidestNumbers(Moment):
    """The moment that needs the most room: every number but those of constants is a wide one."""

    def value_of(self, node: Value) -> float | None:
        """Return what is shown as a node's number."""
        return node.data if node.is_constant else WIDEST

    def gradient_of(self, node: Value) -> float | None:
        """Return what is shown as a node's gradient."""
        return None if node.is_constant else WIDEST


def plain_copy(root: Value) -> Value:
    """Return a copy of the graph that has forgotten which module and which line made what.

    Frames around modules would take half of the screen; a line of code stands beside the drawing.
    """
    copied = copy.deepcopy(root)
    for node in topological_order(copied):
        if not node.is_constant:
            node.origin = node.origin.changed(module="", file="", line=0)
    return copied


def tag(element: ElementTree.Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def shapes(group: ElementTree.Element, *tags: str) -> list[ElementTree.Element]:
    """Return the elements with these names inside a group, links in between or not."""
    return [element for element in group.iter() if tag(element) in tags]


def arrow_lines(group: ElementTree.Element) -> Iterator[str]:
    """Yield an arrow's line and head, if the group is one."""
    arrow = ARROW.fullmatch(group.attrib.get("id", ""))
    if arrow is None:
        return
    yield f'<g class="arrow" data-use="{arrow[2][1:]}.{arrow[3]}">'
    for shape in shapes(group, "path"):
        yield f'<path class="line" d="{shape.attrib["d"]}"/>'
    for shape in shapes(group, "polygon"):
        yield f'<polygon class="head" points="{shape.attrib["points"]}"/>'
    yield "</g>"


def box_lines(group: ElementTree.Element, kinds: dict[str, str]) -> Iterator[str]:
    box = BOX.fullmatch(group.attrib.get("id", ""))
    if box is None:
        return
    kind = "reference" if box[2] else kinds[box[1]]
    yield f'<g class="box {kind}" data-box="{box[1][1:]}" id="{box[0]}">'
    left, top, width, height = box_bounds(group)
    size = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"'
    radius = height / 2 if kind == "constant" else 5 if kind in ("parameter", "reference") else 16
    yield f'<rect class="shape" {size} rx="{radius:.1f}"/>'
    for divider in shapes(group, "polyline"):
        yield f'<polyline class="divider" points="{divider.attrib["points"]}"/>'
    texts = shapes(group, "text")
    roles = ["title"] * len(texts)
    if shapes(group, "polyline"):
        roles[-2:] = ["value", "grad"]
    for text, role in zip(texts, roles, strict=True):
        content = "".join(text.itertext())
        middle = ' text-anchor="middle"' if text.attrib.get("text-anchor") == "middle" else ""
        place = f'x="{text.attrib["x"]}" y="{text.attrib["y"]}"'
        yield f'<text class="{role}" {place}{middle}>{escape(content)}</text>'
    yield "</g>"


def box_bounds(group: ElementTree.Element) -> tuple[float, float, float, float]:
    """Return left, top, width and height of a box."""
    (outline,) = shapes(group, "rect", "ellipse")
    if tag(outline) == "ellipse":
        x, y, rx, ry = (float(outline.attrib[name]) for name in ("cx", "cy", "rx", "ry"))
        return x - rx, y - ry, 2 * rx, 2 * ry
    x, y, width, height = (float(outline.attrib[name]) for name in ("x", "y", "width", "height"))
    return x, y, width, height
