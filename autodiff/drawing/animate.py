"""A forward and a backward pass as an animated picture."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from autodiff.drawing.boxes import Painter
from autodiff.drawing.draw import check_arguments, check_fold, painter_of
from autodiff.drawing.fit import arrangement_of
from autodiff.drawing.folds.fold import Fold
from autodiff.drawing.formats.svg import parts_of
from autodiff.drawing.layouts.layout import laid_out, rooms_of
from autodiff.drawing.layouts.render import Canvas, check_pixels, converter, pixels_of
from autodiff.drawing.look import PRECISION
from autodiff.drawing.moment import all_moments, contributions_in
from autodiff.graph import leaves_and_interior, topological_order
from autodiff.support.changed import recomputed
from autodiff.support.convert import describe
from autodiff.support.extras import install
from autodiff.support.files import write_atomically
from autodiff.support.memory import collector_paused
from autodiff.value import Value

__all__ = ["animate"]

MIME = {".gif": "image/gif", ".mp4": "video/mp4"}
COLOURS = 128  # of a GIF's frame; the picture has few
NEAR = 12  # of 255: by how much a colour may be another than in the picture
LAST_FRAMES = 3  # the end stays for as long as so many frames
CAPTION_LINES = 4
FRAME_SECONDS, FILM_SECONDS = 1.2, 60.0


class Film(type(Path())):  # type: ignore[misc]  # a path of this system's kind
    """The path of a film. A notebook shows the film."""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        text = {"text/plain": repr(self)}
        try:
            content = b64encode(self.read_bytes()).decode()
        except OSError:  # it was moved since
            return text
        kind = MIME[self.suffix.lower()]
        source = f'src="data:{kind};base64,{content}" style="max-width: 100%"'
        if kind.startswith("video"):
            return {"text/html": f"<video controls {source}></video>", **text}
        return {"text/html": f'<img alt="a forward and a backward pass" {source}>', **text}


def animate(
    root: Value,
    path: str | os.PathLike[str],
    rankdir: str | None = None,
    precision: int = PRECISION,
    *,
    fold: Fold | None = None,
    expand: Sequence[str | Value] = (),
    seconds: float | None = None,
    size: tuple[int, int] = (1280, 720),
    max_nodes: int = 100,
    max_frames: int = 300,
) -> Film:
    """Write the forward pass to root and its backward pass as a film, and return its path.

    Each node is computed in a frame of its own, then each contribution of ``root.backward()`` is
    added in one, with the chain rule and its numbers below the picture.  What has a new number or
    gradient is bright yellow, and a heavy border has the node whose rule gave it.  No Value is
    changed.  Where numbers have changed since the graph was computed, the passes are those of now,
    and a note in the picture says so.

    It needs the package Pillow.  A ``.gif`` plays everywhere; an ``.mp4`` needs the program ffmpeg
    as well.  Where the call is the last in a notebook's cell, the film is shown.  ``seconds`` is
    the time of a frame; without it, 1.2, or less if the film would then take more than a minute.
    ``size`` is the width and height in pixels.  The other arguments are those of
    :func:`autodiff.draw`.

    Raises TypeError or ValueError for a wrong argument, for more than ``max_nodes`` boxes or
    ``max_frames`` frames; ImportError or RuntimeError, naming what to install, if something that
    is needed is missing; OSError if the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in MIME:
        raise ValueError(f"cannot write a film as {str(path)!r}: end the name in .gif or .mp4")
    if not isinstance(root, Value):
        raise TypeError(f"animate needs a Value, such as the loss, but got {describe(root)}")
    check_arguments(rankdir, precision, max_nodes)
    check_fold(fold, expand)
    check_pixels(size)
    if seconds is not None and not 0.02 <= seconds <= 60.0:
        raise ValueError(f"seconds must be from 0.02 to 60, but is {seconds!r}")
    with recomputed(topological_order(root)) as changes:
        with collector_paused():
            painter = painter_of([root], precision, fold, expand, False, max_nodes, changes)
        count = check_length(root, max_frames)
        if seconds is None:
            seconds = min(FRAME_SECONDS, FILM_SECONDS / count)
        frames = frames_of(root, painter, rankdir, size)
        film = gif_of if path.suffix.lower() == ".gif" else mp4_of
        content = film(frames, seconds)
    return Film(write_atomically(path, content))


def check_length(root: Value, max_frames: int) -> int:
    """Return how many moments the passes have; raise ValueError if they are too many to watch."""
    count = len(leaves_and_interior(root)[1]) + contributions_in(root) + 2
    if count > max_frames:
        raise ValueError(
            f"the passes have {count:,} moments, more than max_frames={max_frames:,}. "
            f"Take the loss of one row, or pass max_frames={count}"
        )
    return count


# ---- frames ------------------------------------------------------------------------------------


def frames_of(
    root: Value, painter: Painter, rankdir: str | None, size: tuple[int, int]
) -> Iterator[Any]:
    """Yield each moment of the passes as Pillow's image of that size, with the moment's caption.

    There is one layout for all, so that nothing moves, and each part of the picture is drawn once
    for each of its looks: few are new in a frame.
    """
    image, _ = pillow()
    svg_to_bytes = converter()
    room = replace(painter.roomy_picture(all_moments(root)), caption=())
    arrangement, _ = arrangement_of(room, rankdir, size)
    room = arrangement.of(room)
    layout = laid_out(room, arrangement.rankdir)
    canvas = Canvas(size, (layout.width, layout.height), CAPTION_LINES)
    places = {id: canvas.pixels(each) for id, each in rooms_of(room, layout.places).items()}
    drawn: dict[str, Any] = {}
    for moment in all_moments(root):
        picture = arrangement.of(painter.picture_at(moment))
        parts = [(places[id], part, ()) for id, part in parts_of(picture, layout).items()]
        frame = image.new("RGB", size, "white")
        for place, part, caption in (*parts, (canvas.below, "", picture.caption[:CAPTION_LINES])):
            svg = canvas.svg(part, caption, place)
            if svg not in drawn:
                drawn[svg] = image.open(io.BytesIO(pixels_of(svg, svg_to_bytes)))
            frame.paste(drawn[svg], place[:2], drawn[svg])
        yield frame


def pillow() -> tuple[Any, Any]:
    """Return Pillow's Image and ImageChops. Raises ImportError, saying what to install."""
    try:
        from PIL import Image, ImageChops
    except ImportError as error:
        raise ImportError(f"a film needs pillow: {install('draw')}") from error
    return Image, ImageChops


# ---- films -------------------------------------------------------------------------------------


def gif_of(frames: Iterator[Any], seconds: float) -> bytes:
    """Return pictures as an animated GIF."""
    first, *others = with_palettes(frames)
    durations = [round(1000 * seconds)] * (1 + len(others))
    durations[-1] *= LAST_FRAMES
    content = io.BytesIO()
    first.save(content, "GIF", save_all=True, append_images=others, duration=durations, loop=0)
    return content.getvalue()


def with_palettes(pictures: Iterator[Any]) -> Iterator[Any]:
    """Yield each picture with few colours: the last one's, unless those are not near enough.

    To choose colours takes ten times as long as to use them.
    """
    image, chops = pillow()
    palette = None
    for picture in pictures:
        if palette is not None:
            few = picture.quantize(palette=palette, dither=image.Dither.NONE)
            difference = chops.difference(picture, few.convert("RGB"))
            if max(most for _, most in difference.getextrema()) <= NEAR:
                yield few
                continue
        palette = picture.quantize(COLOURS, image.Quantize.MAXCOVERAGE, dither=image.Dither.NONE)
        yield palette


def mp4_of(frames: Iterator[Any], seconds: float) -> bytes:
    """Return pictures as an MP4 film. Raises RuntimeError if ffmpeg is missing or fails."""
    if shutil.which("ffmpeg") is None:
        raise RuntimeError("a film as .mp4 needs the program ffmpeg; save as .gif instead")
    pictures = [encoded(frame) for frame in frames]
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


def encoded(picture: Any) -> bytes:
    """Return a picture as a PNG, made soon rather than small."""
    content = io.BytesIO()
    picture.save(content, "PNG", compress_level=1)
    return content.getvalue()
