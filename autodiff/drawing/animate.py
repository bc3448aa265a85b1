"""A forward and a backward pass as an animated picture."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape, unescape
from pathlib import Path

from autodiff.drawing.boxes import picture_of
from autodiff.drawing.dot import MARKED, NO_TEXT, NOW, dot_text
from autodiff.drawing.draw import check_arguments, check_fold, check_size
from autodiff.drawing.fold import Fold, parts_of
from autodiff.drawing.moment import Moment, all_moments
from autodiff.drawing.picture import Box, Picture
from autodiff.drawing.render import check_pixels, converter, on_canvas, pixels_of, svg_of
from autodiff.files import write_atomically
from autodiff.graph import topological_order
from autodiff.ops import describe
from autodiff.value import Value

__all__ = ["animate"]

COLOURS = 128  # of a GIF's frame; the picture has few
LAST_FRAMES = 3  # the end stays for as long as so many frames
CAPTION_LINES = 4
FORMATS = (".gif", ".mp4")

NODE = re.compile(r'<g id="([^"]*)" class="node[^"]*">.*?</g>', re.DOTALL)
EDGE = re.compile(r'<g id="([^"]*)" class="edge[^"]*">.*?</g>', re.DOTALL)
TEXT = re.compile(r"(<text[^>]*>)[^<]*(?=</text>)")
STROKE = re.compile(r'stroke="[^"]*"( stroke-width="[^"]*")?')
FILL = re.compile(r'fill="#[^"]*"')


def animate(
    root: Value,
    path: str | os.PathLike[str],
    rankdir: str = "LR",
    precision: int = 4,
    *,
    fold: Fold | None = None,
    expand: Sequence[str] = (),
    seconds: float = 1.2,
    size: tuple[int, int] = (1920, 1080),
    max_nodes: int = 100,
    max_frames: int = 300,
) -> Path:
    """Write the forward pass to root and its backward pass as a film, and return its path.

    Each node is computed in a frame of its own, then each contribution of ``root.backward()`` is
    added in one, with the chain rule and its numbers below the picture.  The node whose rule is
    applied has a blue border, the one that receives has an orange border.  No Value is changed.

    A ``.gif`` plays everywhere and needs the package Pillow; an ``.mp4`` needs the program
    ffmpeg.  ``seconds`` is the time of a frame, ``size`` the width and height in pixels.  The
    other arguments are those of :func:`autodiff.draw`.

    Raises TypeError or ValueError for a wrong argument, for more than ``max_nodes`` boxes or
    ``max_frames`` frames; ImportError or RuntimeError, naming what to install, if something that
    is needed is missing; OSError if the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"cannot write a film as {str(path)!r}: end the name in .gif or .mp4")
    if not isinstance(root, Value):
        raise TypeError(f"animate needs a Value, such as the loss, but got {describe(root)}")
    check_arguments(rankdir, precision, max_nodes)
    check_fold(fold, expand)
    check_pixels(size)
    if not 0.02 <= seconds <= 60.0:
        raise ValueError(f"seconds must be from 0.02 to 60, but is {seconds!r}")
    order = topological_order(root)
    parts = parts_of(order, fold, expand)
    hint = 'Take the loss of one row, or fold="neuron"'
    check_size(len(parts), max_nodes, "the graph", hint)
    moments = all_moments(root)
    if len(moments) > max_frames:
        raise ValueError(
            f"the passes have {len(moments):,} moments, more than max_frames={max_frames:,}. "
            f"Take the loss of one row, or pass max_frames={len(moments)}"
        )
    pictures = [picture_of(order, parts, precision, False, moment) for moment in moments]
    frames = frames_of(pictures, moments, rankdir, size)
    content = gif_of(frames, seconds) if path.suffix.lower() == ".gif" else mp4_of(frames, seconds)
    return write_atomically(path, content)


# --------------------------------------------------------------------------------------------
# Frames
# --------------------------------------------------------------------------------------------


def frames_of(
    pictures: list[Picture], moments: list[Moment], rankdir: str, size: tuple[int, int]
) -> Iterator[bytes]:
    """Yield each picture as a PNG of that size, with its moment's caption.

    There is one layout for all, made for the longest text of each line, so that nothing moves.
    """
    svg_to_bytes = converter()
    layout = svg_of(dot_text(with_longest_lines(pictures), rankdir))
    for picture, moment in zip(pictures, moments, strict=True):
        caption = [*moment.caption, *[""] * CAPTION_LINES][:CAPTION_LINES]
        yield pixels_of(on_canvas(in_layout(picture, layout), size, caption), svg_to_bytes)


def with_longest_lines(pictures: list[Picture]) -> Picture:
    """Return the last picture, each line of its boxes replaced by its longest over time."""
    last = pictures[-1]
    boxes = [
        Box(
            *(box.id, box.kind, box.name),
            longest([same.title for same in over_time]),
            longest([same.numbers for same in over_time]),
            tuple(map(longest, zip(*[same.table for same in over_time], strict=True))),
            box.frame,
        )
        for box, *over_time in zip(
            last.boxes, *[picture.boxes for picture in pictures], strict=True
        )
    ]
    arrows = [replace(arrow, marked=False) for arrow in last.arrows]
    return replace(last, boxes=boxes, arrows=arrows, caption=())


def longest(over_time: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the longest text of each line.

    >>> longest([("value 3", "grad –"), ("value 3", "grad +6")])
    ('value 3', 'grad +6')
    """
    return tuple([max(texts, key=len) for texts in zip(*over_time, strict=True)])


def in_layout(picture: Picture, layout: str) -> str:
    """Return a layout with a picture's text and marks."""
    boxes = {box.id: box for box in picture.boxes}
    marked = {arrow.id for arrow in picture.arrows if arrow.marked}
    svg = NODE.sub(lambda node: node_at(node, boxes), layout)
    return EDGE.sub(lambda edge: edge_at(edge, marked), svg)


def node_at(node: re.Match[str], boxes: dict[str, Box]) -> str:
    """Return a box's element with its text and mark at a moment."""
    box = boxes[unescape(node[1])]
    lines = iter(box.lines)
    element = TEXT.sub(lambda text: text[1] + escape(next(lines) or NO_TEXT), node[0])
    style = MARKED[box.mark]
    if not style:
        return element
    stroke = f'stroke="{style["color"]}" stroke-width="{style["penwidth"]}"'
    return STROKE.sub(stroke, element)


def edge_at(edge: re.Match[str], marked: set[str]) -> str:
    """Return an arrow's element, emphasized if it is what happens at a moment."""
    if unescape(edge[1]) not in marked:
        return edge[0]
    stroke = f'stroke="{NOW["color"]}" stroke-width="{NOW["penwidth"]}"'
    return FILL.sub(f'fill="{NOW["color"]}"', STROKE.sub(stroke, edge[0]))


# --------------------------------------------------------------------------------------------
# Films
# --------------------------------------------------------------------------------------------


def gif_of(frames: Iterator[bytes], seconds: float) -> bytes:
    """Return PNG pictures as an animated GIF. Raises ImportError if Pillow is missing."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("an animated GIF needs: pip install pillow") from error
    first, *others = [
        Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        for png in frames
    ]
    durations = [round(1000 * seconds)] * (1 + len(others))
    durations[-1] *= LAST_FRAMES
    content = io.BytesIO()
    first.save(content, "GIF", save_all=True, append_images=others, duration=durations, loop=0)
    return content.getvalue()


def mp4_of(frames: Iterator[bytes], seconds: float) -> bytes:
    """Return PNG pictures as an MP4 film. Raises RuntimeError if ffmpeg is missing or fails."""
    if shutil.which("ffmpeg") is None:
        raise RuntimeError("a film as .mp4 needs the program ffmpeg; save as .gif instead")
    pictures = list(frames)
    pictures += [pictures[-1]] * (LAST_FRAMES - 1)
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        command = [
            *("ffmpeg", "-y", "-loglevel", "error"),
            *("-f", "image2pipe", "-framerate", f"{1 / seconds:.6f}", "-c:v", "png", "-i", "-"),
            # Even sides and this form of colour are what every player shows.
            *("-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white,format=yuv420p", "-r", "25"),
            *("-bitexact", "-movflags", "+faststart", str(film)),
        ]
        done = subprocess.run(command, input=b"".join(pictures), capture_output=True, check=False)
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip()
            raise RuntimeError(f"ffmpeg could not write the film: {reason}")
        return film.read_bytes()
