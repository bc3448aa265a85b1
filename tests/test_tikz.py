"""Pictures in TikZ: every box and arrow where the layout has it, and a document that compiles.

Where a LaTeX is installed, each document is compiled; its structure is looked at everywhere.
"""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from autodiff import Value, draw
from autodiff.drawing.draw import Drawing
from autodiff.drawing.formats.tikz import name_of_root, room_for_tikz
from autodiff.drawing.layouts.layout import laid_out
from tests.test_draw import (
    GRAPHS,
    WHOLE,
    after_backward,
    drawn,
    every_drawing,
    lab_loss,
    needs_webassembly,
    tiny,
)

pytest.importorskip("graphviz", reason="drawing needs the package graphviz")
pytestmark = needs_webassembly

ENGINES = [name for name in ("pdflatex", "lualatex", "tectonic") if shutil.which(name)]
NODE = re.compile(r"  \\node\[draw=.*\] \(([\w-]+)\) at \(([-\d.]+),([-\d.]+)\) \{\};")
TEXT = re.compile(
    r"  \\node\[anchor=base(?: west| east)?, .*?\\selectfont\] at \([^)]*\) \{(.*)\};"
)
LINE = re.compile(r"  \\(?:draw|filldraw)\[[^]]*\] \([^;]*;")


def tex(drawing: Drawing, folder: Path) -> str:
    """Return a drawing as it is saved."""
    return drawing.save(folder / "graph.tex").read_text(encoding="utf-8")


def body(text: str) -> list[str]:
    """Return the lines that draw."""
    lines = text.splitlines()
    begin, end = [
        next(place for place, line in enumerate(lines) if line.startswith(start))
        for start in (r"\begin{tikzpicture}", r"\end{tikzpicture}")
    ]
    return lines[begin + 1 : end]


def drawings() -> dict[str, Drawing]:
    """Return a drawing of each kind, with all that has broken a document."""
    boards = {
        f"{name}_board": draw(GRAPHS[name](), style="blackboard", fold="none") for name in GRAPHS
    }
    names = ("every_operation", "special_numbers", "hostile", "legend", "step")
    boxes = {name: drawn(name) for name in (*names, "fold_neuron_edges", "program")}
    return boxes | boards | networks()


def networks() -> dict[str, Drawing]:
    """Return drawings that have a layout of their own."""
    styles = ("network", "heatmap")
    return {style: draw(lab_loss(), style=style) for style in styles}  # type: ignore[arg-type]


@every_drawing
def test_every_line_is_a_node_a_line_or_text_and_none_is_missing(name: str, tmp_path: Path) -> None:
    drawing = drawn(name)
    lines = body(tex(drawing, tmp_path))
    kinds = (NODE, TEXT, LINE)
    assert [line for line in lines if not any(kind.fullmatch(line) for kind in kinds)] == []
    nodes = [found for line in lines if (found := NODE.fullmatch(line))]
    picture = drawing.picture
    assert [found[1] for found in nodes] == [part.id for part in (*picture.frames, *picture.boxes)]
    assert sum(".. controls" in line for line in lines) == len(picture.arrows)
    assert sum("-- cycle" in line for line in lines) == len(picture.arrows)
    layout = laid_out(
        room_for_tikz(drawing.room or picture, name_of_root(picture)), drawing.rankdir
    )
    for found in nodes:
        place = layout.places[found[1]]
        middle = place.x + place.width / 2, place.y + place.height / 2
        assert (float(found[2]), float(found[3])) == pytest.approx(middle, abs=0.01)


def test_gradients_are_fractions_and_names_are_typeset(tmp_path: Path) -> None:
    w, alpha = Value(2.0, "w_1"), Value(0.5, "alpha")
    loss = (w * alpha).exp()
    loss.label = "L"
    texts = [
        found[1]
        for line in body(tex(draw(after_backward(loss)), tmp_path))
        if (found := TEXT.fullmatch(line))
    ]
    assert "$w_{1}$" in texts
    assert r"$\alpha$" in texts
    assert r"$v_{3} = w_{1} \cdot \alpha$" in texts
    # At w = 2 and alpha = 1/2, L is e, and its gradients are e/2 and 2 e.
    for name, gradient in (("w_{1}", "1.359"), (r"\alpha", "5.437"), ("v_{3}", "2.718")):
        fraction = f"\\frac{{\\partial L}}{{\\partial {name}}}"
        assert f"$\\displaystyle{fraction} = {{}}$$+{gradient}$" in texts


def test_gradients_of_several_results_are_not_said_to_be_those_of_one(tmp_path: Path) -> None:
    x = Value(2.0, "x")
    text = tex(draw([x.exp(), x.log()]), tmp_path)
    assert r"\frac{\partial" not in text
    assert "grad" in text


def test_on_a_blackboard_what_has_a_name_has_a_fraction(tmp_path: Path) -> None:
    text = tex(draw(after_backward(tiny()), style="blackboard"), tmp_path)
    assert r"$\frac{\partial v_{4}}{\partial x} = {}$$+6$" in text
    assert text.count(r"\frac{") == 1


def test_a_step_has_its_own_numbers_in_the_places_of_all_steps(tmp_path: Path) -> None:
    loss = lab_loss()
    steps = [tex(draw(loss, step=step, **WHOLE), tmp_path) for step in (0, 9)]
    first, ninth = [re.findall(r"\(m?v?\d+\) at \([^)]*\)", text) for text in steps]
    assert first == ninth
    assert "= {}$--" in steps[0]


def test_a_network_and_its_weights_are_lines_circles_and_cells(tmp_path: Path) -> None:
    found = networks()
    network, heat_map = [body(tex(drawing, tmp_path)) for drawing in found.values()]
    lines = [line for line in network if ".. controls" in line]
    assert len(lines) == len(found["network"].picture.arrows)
    assert not any("-- cycle" in line for line in network)
    assert sum("fill=white" in line for line in network) > 4  # labels on their lines
    cells = [line for line in heat_map if " rectangle " in line]
    assert len(cells) == sum(len(box.shades) for box in found["heatmap"].picture.boxes)
    assert len({re.findall("fill=colour[0-9A-F]{6}", cell)[0] for cell in cells}) > 10
    # The name of a bias is a word, not what its number is taken from.
    assert any("{b $-0.586$}" in line for line in network)


def test_signs_of_numbers_without_room_are_the_lines_across_cells_that_an_svg_has(
    tmp_path: Path,
) -> None:
    drawing = draw({"weight": [[1.0, -1.0, math.nan] * 20] * 20})
    lines = [line for line in body(tex(drawing, tmp_path)) if re.match(r" *\\draw.* -- ", line)]
    assert len(lines) == drawing.svg().count("<polyline") >= 400 * (1 + 2)


if ENGINES:

    @pytest.mark.parametrize("engine", ENGINES[:1])
    @pytest.mark.thorough
    def test_every_document_compiles(engine: str, tmp_path: Path) -> None:
        options = ["-interaction=nonstopmode", "-halt-on-error"] if "latex" in engine else []
        for name, drawing in drawings().items():
            drawing.save(tmp_path / f"{name}.tex")
            done = subprocess.run(
                [engine, *options, f"{name}.tex"], cwd=tmp_path, capture_output=True, check=False
            )
            assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
            assert (tmp_path / f"{name}.pdf").stat().st_size > 1000
