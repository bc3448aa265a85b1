"""The charts of the notebooks: numbers where they belong, and pictures that any viewer reads."""

from __future__ import annotations

import base64
import math
import re
import struct
import zlib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from demos.charts import Chart, Plane, curves, field, level_line, png, shade, table, ticks

SVG = "{http://www.w3.org/2000/svg}"


def elements(chart: Chart, name: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(chart.svg).findall(f"{SVG}{name}")


def texts(chart: Chart) -> list[str]:
    return [element.text or "" for element in elements(chart, "text")]


def points_of(line: ElementTree.Element) -> list[tuple[float, float]]:
    return [
        (float(across), float(up))
        for across, up in (pair.split(",") for pair in line.attrib["points"].split())
    ]


def test_a_line_goes_through_its_numbers_from_left_to_right_and_upward() -> None:
    chart = curves({"loss": [3.0, 1.0, 2.0]}, x="epoch", y="loss")
    (line,) = elements(chart, "polyline")
    first, second, third = points_of(line)
    assert first[0] < second[0] < third[0]
    assert second[0] - first[0] == pytest.approx(third[0] - second[0], abs=0.11)
    # Down is larger: 3 is highest, 1 lowest, 2 in the middle.
    assert first[1] < third[1] < second[1]
    assert third[1] - first[1] == pytest.approx(second[1] - third[1], abs=0.11)
    assert {"epoch", "loss"} <= set(texts(chart))


def test_what_is_not_finite_is_a_gap() -> None:
    chart = curves({"loss": [1.0, 2.0, math.nan, 3.0, math.inf, 4.0, 5.0]})
    assert [len(points_of(line)) for line in elements(chart, "polyline")] == [2, 1, 2]
    assert "nan" not in chart.svg
    assert "inf" not in chart.svg
    with pytest.raises(ValueError, match="curves needs a finite number"):
        curves({"loss": [math.nan]})


def test_lines_are_told_apart_without_colours_and_named() -> None:
    chart = curves({"a<b": [1.0, 2.0], "b": [2.0, 1.0], "c": [0.0, 0.0]})
    lines = elements(chart, "polyline")[:3]
    assert len({line.attrib.get("stroke-dasharray", "") for line in lines}) == 3
    assert {"a<b", "b", "c"} <= set(texts(chart))


def test_points_are_marked_with_their_names() -> None:
    chart = curves({"f": [(0.0, 0.0), (2.0, 4.0)]}, points={"here": (1.0, 2.0)}, lowest=-4.0)
    (mark,) = elements(chart, "circle")
    plane = Plane((0.0, 2.0), (-4.0, 4.4))
    assert (float(mark.attrib["cx"]), float(mark.attrib["cy"])) == pytest.approx(
        plane.at((1.0, 2.0)), abs=0.1
    )
    assert "here" in texts(chart)


@pytest.mark.parametrize(
    ("range_", "expected"),
    [
        ((0.0, 1.0), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ((-0.5, 1.5), [-0.5, 0.0, 0.5, 1.0, 1.5]),
        ((0.0, 20000.0), [0.0, 5000.0, 10000.0, 15000.0, 20000.0]),
        ((0.0003, 0.0011), [0.0004, 0.0006, 0.0008, 0.001]),
    ],
)
def test_an_axis_has_round_numbers(range_: tuple[float, float], expected: list[float]) -> None:
    assert ticks(range_) == expected


def test_an_axis_has_from_3_to_8_numbers_whatever_its_range() -> None:
    for exponent in range(-6, 7):
        for first in (1.0, 1.7, 2.3, 4.9, 9.9):
            assert 3 <= len(ticks((0.0, first * 10.0**exponent))) <= 8


def test_an_axis_of_one_number_has_room_around_it() -> None:
    assert "NaN" not in curves({"flat": [2.0, 2.0]}).svg
    assert elements(curves({"one": [2.0]}), "polyline")


# ---- a field -----------------------------------------------------------------------------------


def pixels_of(chart: Chart) -> list[bytes]:
    """Return the rows of a field's picture, read as the PNG format says."""
    (image,) = elements(chart, "image")
    data = base64.b64decode(image.attrib["href"].partition("base64,")[2])
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    start = data.index(b"IDAT")
    (length,) = struct.unpack(">I", data[start - 4 : start])
    chunk = data[start : start + 4 + length]
    assert struct.unpack(">I", data[start + 4 + length : start + 8 + length]) == (
        zlib.crc32(chunk),
    )
    rows = zlib.decompress(chunk[4:])
    assert len(rows) == height * (1 + 3 * width)
    return [rows[place * (1 + 3 * width) + 1 :][: 3 * width] for place in range(height)]


def test_a_field_is_blue_where_it_is_low_and_red_where_it_is_high() -> None:
    chart = field(lambda _, x2: x2, (0.0, 1.0), (0.0, 1.0))
    rows = pixels_of(chart)
    top, bottom = rows[0][:3], rows[-1][:3]
    assert top[0] > top[2]  # red above blue
    assert bottom[2] > bottom[0]
    assert all(row == row[:3] * (len(row) // 3) for row in rows)  # the same from left to right
    assert "from 0.00833 (blue) to 0.992 (red)" in texts(chart)


def test_a_number_that_is_not_finite_is_grey() -> None:
    assert shade(math.nan, 0.0, 1.0) == bytes((128, 128, 128))
    assert shade(1.0, 1.0, 1.0) == shade(0.5, 0.0, 1.0)
    chart = field(lambda *_: math.inf, (0.0, 1.0), (0.0, 1.0))
    assert set(b"".join(pixels_of(chart))) == {128}


def test_a_level_is_where_the_function_has_it() -> None:
    grid = [place / 10 for place in range(-20, 21)]
    numbers = [[x * x + y * y for x in grid] for y in grid]
    pieces = list(level_line(grid, grid, numbers, 1.0))
    assert pieces
    for point in (point for piece in pieces for point in piece):
        # Straight between two points of the grid, a tenth apart.
        assert math.hypot(*point) == pytest.approx(1.0, abs=0.01)
    length = sum(math.dist(*piece) for piece in pieces)
    assert length == pytest.approx(2.0 * math.pi, rel=0.01)


def test_a_field_has_its_level_its_borders_its_path_and_its_points() -> None:
    plain = field(lambda x1, _: x1, (0.0, 2.0), (0.0, 2.0))
    marked = field(
        lambda x1, _: x1,
        *((0.0, 2.0), (0.0, 2.0)),
        levels=[1.0],
        borders=[lambda _, x2: x2 - 1.0],
        points={(0.5, 0.5): "0", (1.5, 0.5): "1"},
        path=[(0.2, 0.2), (0.5, 9.0), (1.0, 1.0)],
    )
    lines = [element.attrib for element in elements(marked, "line")]
    added = lines[len(elements(plain, "line")) :]
    # The level is upright, in the middle; the border lies, in the middle.
    upright = [line for line in added if line["x1"] == line["x2"]]
    lying = [line for line in added if line["y1"] == line["y2"]]
    assert upright
    assert lying
    assert len(upright) + len(lying) == len(added)
    assert len({line["x1"] for line in upright}) == len({line["y1"] for line in lying}) == 1
    (path,) = elements(marked, "polyline")
    assert len(points_of(path)) == 3
    assert points_of(path)[1][1] == 24.0  # what leaves the plane stops at its edge
    assert {"0", "1"} <= set(texts(marked))


def test_a_table_is_darker_where_its_number_is_greater() -> None:
    chart = table([[0, 1], [2, 4]], "a&", "next", "letter")
    cells = [cell for cell in elements(chart, "rect") if "fill-opacity" in cell.attrib]
    assert [float(cell.attrib["fill-opacity"]) for cell in cells] == [0.25, 0.5, 1.0]
    titles = [cell.findtext(f"{SVG}title") for cell in cells]
    assert titles == ["a&: 1", "&a: 2", "&&: 4"]
    assert not [
        cell for cell in elements(table([[0]], "a"), "rect") if "fill-opacity" in cell.attrib
    ]


def test_a_chart_shows_itself_and_is_saved(tmp_path: Path) -> None:
    chart = curves({"loss": [1.0, 2.0]})
    assert chart._repr_svg_() == chart.svg
    assert re.fullmatch(r"<Chart: [\d,]+ characters of SVG>", repr(chart))
    assert chart.save(tmp_path / "chart.svg").read_text(encoding="utf-8") == chart.svg
    (background, *_) = elements(chart, "rect")
    assert background.attrib["fill"] == "#FFFFFF"  # also where the notebook is dark
    assert png([[b"\0\0\0"]]).endswith(b"IEND" + struct.pack(">I", zlib.crc32(b"IEND")))
