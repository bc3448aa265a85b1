"""Films of a forward and a backward pass: their frames, and that nothing moves or is changed."""

from __future__ import annotations

import html
import io
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

import nn
from autodiff import Value, animate
from autodiff.drawing.animate import CAPTION_LINES, Film, frames_of
from autodiff.drawing.draw import painter_of
from autodiff.drawing.fit import arrangement_of
from autodiff.drawing.formats.svg import svg_text
from autodiff.drawing.layouts.layout import laid_out
from autodiff.drawing.layouts.render import Canvas, converter, pixels_of
from autodiff.drawing.moment import all_moments
from autodiff.drawing.style import HEAVIEST
from autodiff.graph import topological_order
from tests.random_graphs import Recipe, built, wild_recipes
from tests.test_draw import (
    after_backward,
    lab_loss,
    lab_model,
    needs_resvg,
    needs_webassembly,
    state,
    tiny,
)

pytest.importorskip("graphviz", reason="drawing needs the package graphviz")

SIZE = (320, 180)


def frames(root: Value, fold: Any = None) -> list[str]:
    """Return the frames of a film as SVG."""
    painter = painter_of([root], 4, fold, (), False, 500)
    layout = laid_out(painter.roomy_picture(all_moments(root)), "LR")
    pictures = map(painter.picture_at, all_moments(root))
    return [svg_text(picture, layout) for picture in pictures]


def numbers(svg: str) -> list[str]:
    """Return the values and gradients that a frame shows."""
    return re.findall(r"(?:value|grad) [^<]*(?=</text>)", svg)


# ---- what happens when ---------------------------------------------------------------------------


def test_the_moments_are_the_forward_pass_then_every_contribution() -> None:
    x = Value(3.0, "x")
    captions = [moment.caption for moment in all_moments(x * x + 2)]
    assert captions == [
        ("before the forward pass",),
        ("forward, 1 of 2", "v3 = x * x", "= 9"),
        ("forward, 2 of 2", "v4 = v3 + 2", "= 11"),
        ("backward, 0 of 3", "d v4/d v4 = 1"),
        ("backward, 1 of 3", "d v4/d v3 += d v4/d v4 × d v4/d v3", "= 1 × 1 = 1   (sum so far 1)"),
        ("backward, 2 of 3", "d v4/d x += d v4/d v3 × d v3/d x", "= 1 × 3 = 3   (sum so far 3)"),
        ("backward, 3 of 3", "d v4/d x += d v4/d v3 × d v3/d x", "= 1 × 3 = 3   (sum so far 6)"),
    ]


@needs_webassembly
def test_numbers_appear_when_they_are_computed() -> None:
    svgs = frames(tiny())
    shown = [numbers(svg) for svg in svgs]
    assert shown[0] == ["value 3", "grad –", "value –", "grad –", "value –", "grad –"]
    assert shown[1] == ["value 3", "grad –", "value 9", "grad –", "value –", "grad –"]
    assert shown[3] == ["value 3", "grad –", "value 9", "grad –", "value 11", "grad +1"]
    assert shown[5] == ["value 3", "grad +3", "value 9", "grad +1", "value 11", "grad +1"]
    assert shown[6] == ["value 3", "grad +6", "value 9", "grad +1", "value 11", "grad +1"]


@needs_webassembly
@pytest.mark.parametrize("fold", [None, "neuron", "layer"])
def test_nothing_moves_from_frame_to_frame(fold: Any) -> None:
    # But for the row that lights up.
    svgs = [re.sub(r'<rect class="row".*', "", svg) for svg in frames(lab_loss(), fold)]
    places = re.findall(r'(?:points|d|x|y|cx|cy)="[^"]*"', svgs[0])
    for svg in svgs:
        assert re.findall(r'(?:points|d|x|y|cx|cy)="[^"]*"', svg) == places


def test_boxes_have_room_for_numbers_that_are_longest_in_between() -> None:
    x = Value(1.0, "x")
    root = x * (1 / 3) + x * (2 / 3)
    painter = painter_of([root], 4, None, (), False, 500)
    pictures = map(painter.picture_at, all_moments(root))
    shown = [{box.name: box.numbers for box in picture.boxes}["x"][1] for picture in pictures]
    assert shown[-3:] == ["grad –", "grad +0.6667", "grad +1"]
    roomy = painter.roomy_picture(all_moments(root))
    (box,) = [box for box in roomy.boxes if box.name == "x"]
    assert box.numbers == ("value 1", "grad +0.6667")


@needs_webassembly
def test_the_arrow_that_contributes_stands_out_in_its_frame_alone() -> None:
    svgs = frames(tiny())
    edge = re.compile(r'id="([^"]*)" class="edge[^"]*">.*?stroke="([#\w]+)"', re.DOTALL)
    strokes = [{html.unescape(id): stroke for id, stroke in edge.findall(svg)} for svg in svgs]
    assert all(len(found) == 4 for found in strokes)
    assert [
        [id for id, stroke in found.items() if stroke == HEAVIEST["line"]] for found in strokes
    ] == [*([], [], [], [], ["v3-v4-0"], ["v1-v3-0"], ["v1-v3-1"])]


@pytest.mark.parametrize("fold", ["none", "neuron", "layer"])
def test_a_caption_of_a_folded_film_names_the_boxes_that_are_marked(fold: Any) -> None:
    root = lab_loss()
    painter = painter_of([root], 4, fold, (), False, 500)
    said = set()
    for moment in all_moments(root):
        picture = painter.picture_at(moment)
        first, *others = picture.caption
        assert others == list(moment.caption[1:])
        marked = {box.mark: box for box in picture.boxes if box.mark}
        where = first.removeprefix(moment.caption[0])
        if not any(box.kind == "module" for box in marked.values()):
            assert where == ""
        elif len(marked) == 1:
            assert where == f", in {marked['changed'].name}"
        else:
            assert where == f", from {marked['giver'].name} to {marked['changed'].name}"
        said.add(where)
    if fold == "none":
        assert said == {""}
        return
    inner, outer = {"neuron": ("hidden[2]", "output[0]"), "layer": ("hidden", "output")}[fold]
    assert {"", f", in {inner}", f", from {outer} to {inner}"} <= said


@given(wild_recipes())
def test_looking_at_all_moments_changes_nothing(recipe: Recipe) -> None:
    root = built(recipe)[-1]
    if root.is_constant:
        return
    before = state(root)
    *_, last = all_moments(root)
    assert state(root) == before
    # At the end every node has the gradient that backward() gives it.
    root.backward()
    for node in topological_order(root):
        if node.op is not None:
            assert str(last.gradient_of(node)) == str(node.grad) or not node.has_grad


# ---- films ---------------------------------------------------------------------------------------


@needs_resvg
def test_a_gif_has_a_frame_for_each_moment_and_plays_for_ever(tmp_path: Path) -> None:
    image_module = pytest.importorskip("PIL.Image")
    root = after_backward(tiny())
    before = state(root)
    path = animate(root, tmp_path / "backprop.gif", size=SIZE, seconds=0.5)
    assert path == tmp_path / "backprop.gif"
    assert state(root) == before
    with image_module.open(path) as film:
        assert (film.size, film.n_frames, film.info["loop"]) == (SIZE, 7, 0)
        durations = []
        for place in range(film.n_frames):
            film.seek(place)
            durations.append(film.info["duration"])
    assert durations == [500] * 6 + [1500]
    assert animate(root, tmp_path / "again.gif", size=SIZE, seconds=0.5).read_bytes() == (
        path.read_bytes()
    )


@needs_resvg
@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="needs the program ffmpeg")
def test_an_mp4_has_an_even_size_and_lasts_as_long_as_the_gif(tmp_path: Path) -> None:
    path = animate(tiny(), tmp_path / "backprop.mp4", size=(321, 181), seconds=0.5)
    probe = subprocess.run(
        [
            *("ffprobe", "-v", "error", "-select_streams", "v", "-of", "csv=p=0"),
            *("-show_entries", "stream=width,height,pix_fmt:format=duration", str(path)),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split()
    assert probe[0] == "322,182,yuv420p"
    assert float(probe[1]) == pytest.approx(0.5 * (6 + 3), abs=0.2)


def two_rows() -> Value:
    model = lab_model()
    return nn.mse_loss([model(row) for row in ([0.0, 1.0], [1.0, 1.0])], [1.0, 0.0])


@needs_resvg
@pytest.mark.parametrize(
    ("make", "fold", "style", "rankdir"),
    [
        (lab_loss, None, "boxes", None),
        (lab_loss, None, "blackboard", "TB"),
        (lab_loss, "neuron", "boxes", None),
        (lab_loss, "layer", "boxes", "TB"),
        (two_rows, "row", "boxes", None),
    ],
)
def test_a_frame_put_together_from_its_parts_has_the_pixels_of_the_whole_picture(
    make: Callable[[], Value], fold: Any, style: Any, rankdir: str | None
) -> None:
    image, chops = (pytest.importorskip(f"PIL.{name}") for name in ("Image", "ImageChops"))
    root, size = make(), (640, 360)
    painter = painter_of([root], 4, fold, (), False, 500, style=style)
    room = replace(painter.roomy_picture(all_moments(root)), caption=())
    arrangement, _ = arrangement_of(room, rankdir, size)
    layout = laid_out(arrangement.of(room), arrangement.rankdir)
    canvas = Canvas(size, (layout.width, layout.height), CAPTION_LINES)
    moments = zip(all_moments(root), frames_of(root, painter, rankdir, size), strict=True)
    for moment, frame in islice(moments, 0, None, 9):
        picture = arrangement.of(painter.picture_at(moment))
        drawing = svg_text(picture, layout).partition(">")[2].removesuffix("</svg>\n")
        svg = canvas.svg(drawing, picture.caption)
        whole = image.open(io.BytesIO(pixels_of(svg, converter()))).convert("RGB")
        levels = chops.difference(frame, whole).histogram()  # those of red, then green, then blue
        counts = [sum(levels[size::256]) for size in range(256)]
        # Of the 16 points at which a pixel is tried, a float's last bit decides about one or two.
        assert sum(counts[2 * 16 + 1 :]) == 0
        assert sum(counts[4:]) <= 100


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        (
            "film.gif",
            '<img alt="a forward and a backward pass" src="data:image/gif;base64,RklMTQ=="',
        ),
        ("film.MP4", '<video controls src="data:video/mp4;base64,RklMTQ=="'),
    ],
)
def test_a_notebook_shows_a_film_as_long_as_it_is_there(
    tmp_path: Path, name: str, begin: str
) -> None:
    film = Film(tmp_path / name)
    film.write_bytes(b"FILM")  # RklMTQ== in base64
    shown = film._repr_mimebundle_()
    assert shown["text/html"].startswith(begin)
    film.unlink()
    assert (
        film._repr_mimebundle_()
        == {"text/plain": shown["text/plain"]}
        == {"text/plain": repr(film)}
    )


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"root": 3.0}, TypeError, "animate needs a Value.*the float 3.0"),
        ({"path": "film.avi"}, ValueError, "'film.avi': end the name in .gif or .mp4"),
        ({"seconds": 0.0}, ValueError, "seconds must be from 0.02 to 60, but is 0.0"),
        ({"size": (0, 100)}, ValueError, r"size must be a width and a height.*\(0, 100\)"),
        ({"size": 100}, ValueError, "size must be a width and a height.*100"),
        ({"max_nodes": 3}, ValueError, "has 4 nodes, more than max_nodes=3.*draw a node inside it"),
        ({"max_frames": 6}, ValueError, "have 7 moments, more than max_frames=6"),
        ({"fold": "layer"}, ValueError, "finds no modules"),
        ({"rankdir": "up"}, ValueError, "rankdir must be one of"),
    ],
)
def test_a_wrong_argument_is_named_and_nothing_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        animate(**{"root": tiny(), "path": "film.gif", **arguments})
    assert not list(tmp_path.iterdir())


@needs_resvg
def test_without_what_a_film_needs_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r'pillow: pip install ".*\[draw\]"'):
        animate(tiny(), tmp_path / "film.gif", size=SIZE)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match=r"needs the program ffmpeg; save as \.gif instead"):
        animate(tiny(), tmp_path / "film.mp4", size=SIZE)
    assert not list(tmp_path.iterdir())
