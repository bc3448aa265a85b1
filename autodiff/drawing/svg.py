"""Graphviz's SVG made accessible: names, descriptions, dark backgrounds, no fixed size.

The text of the picture stays text.  There is no script, and nothing is fetched.
"""

from __future__ import annotations

import math
import re
from html import escape, unescape

from autodiff.drawing.palette import DARK, LIT, ON_LIT
from autodiff.drawing.picture import Picture

__all__ = ["accessible_svg"]

POSITIVE, NEGATIVE = DARK.positive.strong, DARK.negative.strong

# For a dark background.  Rules in a style sheet win over the colours in the elements.
RULES = {
    ".graph > polygon": "fill: #15181C",
    "text": "fill: #F2F2F2",
    ".node polygon, .node path, .node polyline, .node ellipse": "stroke: #D0D0D0",
    ".variable polygon": f"fill: {DARK.boxes['variable']}",
    ".operation path": f"fill: {DARK.boxes['operation']}",
    ".result path": f"fill: {DARK.boxes['result']}",
    ".input ellipse": f"fill: {DARK.boxes['input']}",
    ".constant ellipse": f"fill: {DARK.boxes['constant']}; stroke: #909090",
    ".constant text": "fill: #C8C8C8",
    ".module polygon": f"fill: {DARK.boxes['module']}",
    ".call polygon": f"fill: {DARK.boxes['call']}",
    ".rows polygon, .rows path": f"fill: {DARK.boxes['rows']}",
    ".reference polygon": f"fill: {DARK.boxes['reference']}; stroke: #A8A8A8",
    ".frame path, .frame polygon": "fill: #1C2126; stroke: #707070",
    ".frame.inner path, .frame.inner polygon": "fill: #15181C",
    ".edge path": "stroke: #A8A8A8",
    ".edge polygon": "stroke: #A8A8A8; fill: #A8A8A8",
    ".positive path": f"stroke: {POSITIVE}",
    ".positive polygon": f"stroke: {POSITIVE}; fill: {POSITIVE}",
    ".positive text": f"fill: {POSITIVE}",
    ".negative path": f"stroke: {NEGATIVE}",
    ".negative polygon": f"stroke: {NEGATIVE}; fill: {NEGATIVE}",
    ".negative text": f"fill: {NEGATIVE}",
    ".now path": "stroke: #F2F2F2",
    ".now polygon": "stroke: #F2F2F2; fill: #F2F2F2",
    ".changed polygon, .changed path, .changed ellipse": f"fill: {LIT}",
    ".changed polyline": f"stroke: {ON_LIT}",
    ".changed text": f"fill: {ON_LIT}",
}
CLASS = "autodiff-graph"

PROLOGUE = re.compile(r"\A.*?(?=<svg)", re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
ROOT = re.compile(r'<svg width="([\d.]+)pt" height="([\d.]+)pt"\s+viewBox="([^"]*)"[^>]*>')
GROUP = re.compile(r'<g id="([^"]*)" class="(node|edge|cluster)([^"]*)">\n<title>[^<]*</title>')
GRAPH_TITLE = re.compile(r'(<g id="[^"]*" class="graph"[^>]*>)\n<title>[^<]*</title>')


def style_sheet() -> str:
    """Return the style sheet, its rules confined to drawings of this kind."""
    rules = []
    for selectors, declarations in RULES.items():
        confined = ",".join(f".{CLASS} {selector.strip()}" for selector in selectors.split(","))
        rules.append(f"{confined}{{{declarations}}}")
    return "@media (prefers-color-scheme: dark){\n" + "\n".join(rules) + "\n}"


def accessible_svg(svg: str, picture: Picture, widest: float = math.inf) -> str:
    """Return the SVG that Graphviz made of a picture with a name for each of its parts.

    Each box gets its name as title and all that it says as description, for screen readers and
    as a tooltip; each arrow says where it leads.  The picture is no wider than its container, nor
    than ``widest`` in points.
    """
    svg = COMMENT.sub("", PROLOGUE.sub("", svg))
    svg = GRAPH_TITLE.sub(r"\1", GROUP.sub(Descriptions(picture), svg))
    return ROOT.sub(Opening(picture, widest), svg, count=1)


class Descriptions:
    """Replaces the start of an element by one with the title and description of what it shows."""

    def __init__(self, picture: Picture) -> None:
        names = {box.id: box.name for box in picture.boxes}
        self.of_node = {box.id: (box.name, box.description) for box in picture.boxes}
        self.of_cluster = {frame.id: (frame.title, "") for frame in picture.frames}
        self.of_edge = {
            arrow.id: (f"{names[arrow.tail]} → {names[arrow.head]}", ", ".join(arrow.label))
            for arrow in picture.arrows
        }

    def __call__(self, group: re.Match[str]) -> str:
        key, kind, classes = unescape(group[1]), group[2], group[3]
        found = {"node": self.of_node, "edge": self.of_edge, "cluster": self.of_cluster}[kind]
        title, description = found.get(key, ("", ""))
        role = ' role="img"' if kind == "node" else ""
        start = f'<g id="{key}" class="{kind}{classes}"{role}>'
        if title:
            start += f"\n<title>{escape(title)}</title>"
        return f"{start}\n<desc>{escape(description)}</desc>" if description else start


class Opening:
    """Replaces the document's start: its size, its name and its style sheet."""

    def __init__(self, picture: Picture, widest: float) -> None:
        self.picture = picture
        self.widest = widest

    def __call__(self, root: re.Match[str]) -> str:
        width, height, view_box = root.groups()
        if float(width) > self.widest:
            height = f"{float(height) * self.widest / float(width):.2f}"
            width = f"{self.widest:g}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{CLASS}" role="graphics-document"'
            f' width="{width}pt" height="{height}pt" viewBox="{view_box}"'
            ' style="max-width:100%;height:auto">\n'
            f"<title>{escape(self.picture.title)}</title>\n"
            f"<desc>{escape(self.picture.description)}</desc>\n"
            f"<style>\n{style_sheet()}\n</style>"
        )
