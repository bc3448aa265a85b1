"""The gallery: its pictures are drawn, and its table says what is in them."""

from __future__ import annotations

import re

import pytest

from autodiff import Value, draw
from tests.test_draw import needs_resvg

pytest.importorskip("PIL", reason="the gallery needs the package pillow")
pytestmark = needs_resvg


def test_text_is_as_high_as_the_picture_in_its_frame_makes_it() -> None:
    from demos.gallery import measured

    drawing = draw(Value(2.0, "x") * Value(3.0, "y"))
    found = re.search(r'viewBox="0.00 0.00 ([\d.]+) ([\d.]+)"', drawing.svg())
    assert found is not None
    width, height = map(float, found.groups())
    in_frame = measured(drawing, (800, 10_000))
    assert (in_frame.width, in_frame.height, in_frame.boxes) == (width, height, 3)
    assert in_frame.text == in_frame.least == pytest.approx(20 * 800 / width)
    assert 0.9 < in_frame.white < 1.0  # a wide picture leaves most of a high frame white
    assert measured(drawing, (10_000, 800)).text == pytest.approx(20 * 800 / height)


@pytest.mark.thorough
def test_the_table_has_a_line_for_each_picture(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from demos import gallery

    # How much of a frame stays white is looked at above; here it would take most of the time.
    monkeypatch.setattr(gallery, "white_share", one_half)
    gallery.main([])
    head, *lines = capsys.readouterr().out.splitlines()
    columns = ["picture", "boxes", "size", "text", "px", "least", "white", "crossed", "astray"]
    assert head.split() == columns
    assert [line[:24].strip() for line in lines] == list(gallery.GALLERY)
    # No arrow crosses text, and none is nearer to another's.  A network's numbers are on its lines.
    assert {tuple(line.split()[-2:]) for line in lines} == {("0", "0"), ("–", "–")}


def one_half(svg: str, frame: tuple[int, int]) -> float:
    return 0.5
