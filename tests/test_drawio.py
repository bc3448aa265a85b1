"""Pictures for draw.io: boxes in their frames, and arrows that are tied to their boxes."""

from __future__ import annotations

import html
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from autodiff import Value, draw, weighted_sum
from autodiff.drawing.draw import Drawing
from tests.test_draw import (
    HOSTILE,
    SVG,
    after_backward,
    drawn,
    every_drawing,
    groups,
    lab_loss,
    needs_webassembly,
    tiny,
)

pytest.importorskip("graphviz", reason="drawing needs the package graphviz")
pytestmark = needs_webassembly

TAGS = re.compile(r"<[^>]*>")
PLACES = ("x", "y", "width", "height")


def cells(drawing: Drawing, folder: Path) -> dict[str, ElementTree.Element]:
    """Return the cells of a drawing as it is saved, by their ids; each is there once."""
    root = ElementTree.parse(drawing.save(folder / "graph.drawio")).getroot()
    assert root.tag == "mxfile"
    (model,) = root.iter("mxGraphModel")
    found = list(model.iter("mxCell"))
    by_id = {cell.get("id", ""): cell for cell in found}
    assert len(by_id) == len(found)
    return by_id


def shown(cell: ElementTree.Element) -> str:
    """Return the text of a cell's label, which is HTML."""
    return html.unescape(TAGS.sub(" ", cell.get("value", "")))


def corner(id: str, by_id: dict[str, ElementTree.Element]) -> tuple[float, float]:
    """Return where a cell lies: in the one around it, which lies somewhere itself."""
    x = y = 0.0
    while id not in ("0", "1"):
        geometry = by_id[id].find("mxGeometry")
        assert geometry is not None
        x, y = x + float(geometry.get("x", "0")), y + float(geometry.get("y", "0"))
        id = by_id[id].get("parent", "")
    return x, y


@every_drawing
def test_every_box_is_a_cell_and_every_arrow_is_tied_to_its_boxes(
    name: str, tmp_path: Path
) -> None:
    drawing = drawn(name)
    by_id, picture = cells(drawing, tmp_path), drawing.picture
    for frame in picture.frames:
        assert by_id[frame.id].get("parent") == (frame.outer or "1")
        assert "container=1" in by_id[frame.id].get("style", "")
    for box in picture.boxes:
        assert by_id[box.id].get("vertex") == "1"
        assert by_id[box.id].get("parent") == (box.frame or "1")
        text = " ".join(shown(by_id[box.id]).split())
        for line in box.lines:
            assert " ".join(line.split()) in text
    edges = {id: cell for id, cell in by_id.items() if cell.get("edge") == "1"}
    assert {id: (cell.get("source"), cell.get("target")) for id, cell in edges.items()} == {
        arrow.id: (arrow.tail, arrow.head) for arrow in picture.arrows
    }


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["xor", "recurrence"])
def test_boxes_lie_where_the_svg_has_them(name: str, tmp_path: Path) -> None:
    drawing = drawn(name)
    by_id, found = cells(drawing, tmp_path), groups(drawing.svg())
    for box in drawing.picture.boxes:
        rect = found[box.id].find(f"{SVG}rect")
        if rect is not None:
            place = float(rect.get("x", "")), float(rect.get("y", ""))
            assert corner(box.id, by_id) == pytest.approx(place, abs=0.05)


def test_an_arrow_begins_and_ends_at_the_sides_of_its_boxes(tmp_path: Path) -> None:
    by_id = cells(draw(after_backward(tiny()), "LR"), tmp_path)
    for position in (0, 1):  # of x * x
        style = by_id[f"v1-v3-{position}"].get("style", "")
        places = dict(re.findall(r"((?:exit|entry)[XY])=([-\d.]+)", style))
        assert float(places["exitX"]) == pytest.approx(1.0, abs=0.02)
        assert float(places["entryX"]) == pytest.approx(0.0, abs=0.02)
        assert 0.0 < float(places["entryY"]) < 1.0
    entries = [by_id[f"v1-v3-{k}"].get("style", "") for k in (0, 1)]
    heights = [float(re.findall(r"entryY=([-\d.]+)", style)[0]) for style in entries]
    assert heights[0] < heights[1]  # in the order of the formula


def bends(drawing: Drawing, folder: Path) -> dict[str, int]:
    """Return how many bends each arrow has."""
    return {
        id: len(cell.findall("mxGeometry/Array/mxPoint"))
        for id, cell in cells(drawing, folder).items()
        if cell.get("edge")
    }


def test_an_arrow_is_straight_but_for_a_box_in_its_way_and_a_label(tmp_path: Path) -> None:
    x = Value(0.5, "x")
    row = x.exp().exp()
    assert set(bends(draw(row, "LR"), tmp_path).values()) == {0}
    after_backward(row)
    assert min(bends(draw(row * x, "LR", edges=True), tmp_path).values()) > 0
    # From a to c, past b, in one line from left to right.
    found = bends(draw(weighted_sum(x, [row], [x.exp()]), "LR"), tmp_path)
    assert len(found) == 6
    assert any(found.values())


def test_what_is_on_a_wire_moves_with_its_box(tmp_path: Path) -> None:
    by_id = cells(draw(after_backward(tiny()), style="blackboard"), tmp_path)
    assert shown(by_id["v1"]) == "x"
    assert shown(by_id["v1-value"]) == "3"
    assert shown(by_id["v1-gradient"]) == "+6"
    for part in ("wire", "value", "gradient"):
        assert by_id[f"v1-{part}"].get("parent") == "v1"


def test_a_network_is_circles_and_lines_that_follow_them(tmp_path: Path) -> None:
    drawing = draw(lab_loss(), style="network")
    by_id = cells(drawing, tmp_path)
    for arrow in drawing.picture.arrows:
        edge = by_id[arrow.id]
        assert (edge.get("source"), edge.get("target")) == (arrow.tail, arrow.head)
        assert "endArrow=none" in edge.get("style", "")
    (neuron,) = [box for box in drawing.picture.boxes if box.numbers == ("b −0.586",)]
    inside = [cell for cell in by_id.values() if cell.get("parent") == neuron.id]
    assert [shown(cell) for cell in inside] == [neuron.title[0], "b −0.586"]


def test_a_heat_map_is_cells_in_their_colours(tmp_path: Path) -> None:
    drawing = draw(lab_loss(), style="heatmap")
    by_id = cells(drawing, tmp_path)
    for box in drawing.picture.boxes:
        parts = [cell for id, cell in by_id.items() if id.startswith(f"{box.id}-cell")]
        assert len(parts) == len(box.shades)
        fills = [re.findall("fillColor=(#[0-9A-F]{6})", cell.get("style", ""))[0] for cell in parts]
        for shade, fill in zip(box.shades, fills, strict=True):
            red, blue = int(fill[1:3], 16), int(fill[5:], 16)
            assert shade is not None
            assert (red > blue) == (shade > 0.0)
            assert (red < blue) == (shade < 0.0)


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_label_is_text(label: str, tmp_path: Path) -> None:
    drawing = draw(Value(1.0, label).exp())
    (box, _) = drawing.picture.boxes
    cell = cells(drawing, tmp_path)[box.id]
    assert box.title[0].strip() in shown(cell)
    tags = set(re.findall(r"</?([a-z]+)", cell.get("value", "")))
    assert tags <= {"p", "hr", "br", "table", "tr", "td"}
