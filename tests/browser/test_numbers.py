"""The numbers on the page beside the Python engine's."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest

import nn
from autodiff import Names, backward_steps, topological_order
from autodiff.stepper.parts import shared
from demos.lab import LAB
from tests.browser.conftest import Open
from tests.browser.opened import Opened
from tests.browser.pages import Moons, lab_model, small_model
from tests.browser.python_side import assert_close, numbers_of, row_loss

LIVE = Path(__file__).resolve().parents[2] / "demos" / "live"


def trained_lab(epochs: int) -> tuple[nn.MLP, list[float]]:
    """Return the lab's network after so many epochs, and the loss before each of them."""
    model = lab_model()
    optimizer = nn.SGD(model.parameters(), lr=LAB.learning_rate)
    history = nn.fit(model, LAB.x, LAB.y, optimizer=optimizer, epochs=epochs, engine="python")
    return model, history.losses


def check(opened: Opened, wanted: dict[str, Any]) -> None:
    """Compare everything that the page has with what Python has."""
    for name, numbers in wanted.items():
        assert_close(opened.live(name), numbers, name)


# ---- the lab -------------------------------------------------------------------------------


def test_after_20_000_epochs_the_page_shows_the_labs_loss_and_predictions(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    opened.go_to(LAB.epochs)
    assert opened.text("#epoch") == "20,000"
    assert opened.text("#loss") == "0.0022"
    assert opened.text("#right") == "4 of 4"
    opened.press("d")
    opened.settle()
    rows = opened.page.locator("#data-rows tr").all_inner_texts()
    shown = [re.search(r"\d\.\d{4}", row)[0] for row in rows]  # type: ignore[index]
    assert shown == [f"{prediction:.4f}" for prediction in LAB.final_predictions]


def test_rewinding_shows_each_loss_that_the_lab_printed(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.go_to(LAB.epochs)
    for line in reversed(range(len(LAB.losses))):
        opened.go_to(line * LAB.log_every)
        assert opened.text("#loss") == f"{LAB.losses[line]:.4f}"


@pytest.mark.parametrize(("epochs", "row"), [(0, 2), (1, 1), (137, 3), (9000, 4)])
def test_after_some_epochs_every_number_of_the_lab_is_that_of_the_python_engine(
    lab: Path, open_page: Open, epochs: int, row: int
) -> None:
    model, losses = trained_lab(epochs)
    opened = open_page(lab)
    opened.go_to(epochs)
    opened.press(str(row))
    opened.settle()
    check(opened, numbers_of(model, LAB.x, LAB.y, nn.mse_loss, row - 1))
    assert_close(opened.live("losses"), losses, "losses")


def test_every_box_of_the_graph_shows_the_numbers_that_a_drawing_of_it_would(
    lab: Path, open_page: Open
) -> None:
    model, _ = trained_lab(300)
    graph = row_loss(model, LAB.x, LAB.y, nn.mse_loss, 1)
    model.zero_grad()
    graph.backward()
    opened = open_page(lab, "#epoch=300&row=2")
    opened.settle()
    order = topological_order(graph)
    for place, node in enumerate(order, 1):
        shown = [opened.text(f"#v{place} .value"), opened.text(f"#v{place} .grad")]
        assert shown == [f"value {drawn(node.data)}", f"grad {signed(node.grad)}"]


def drawn(number: float) -> str:
    return "0" if number == 0.0 else f"{number:.4g}".replace("-", "−")


def signed(number: float) -> str:
    return f"+{drawn(number)}" if number > 0.0 else drawn(number)


def test_the_table_shows_each_weight_with_its_mean_gradient(lab: Path, open_page: Open) -> None:
    model, _ = trained_lab(500)
    wanted = numbers_of(model, LAB.x, LAB.y, nn.mse_loss, 0)
    opened = open_page(lab, "#epoch=500")
    opened.settle()
    for path, weight in wanted["weights"].items():
        field = opened.page.get_by_label(f"weight {path}", exact=True)
        assert field.input_value() == drawn(weight)
        cells = field.locator("xpath=ancestor::tr/td[contains(@class, 'amount')]")
        gradient = wanted["meanGradients"][path]
        texts = [f"{gradient:+.{digits}g}".replace("-", "−") for digits in (3, 2, 1)]
        assert cells.first.inner_text() == next(text for text in texts if len(text) <= 8)


# ---- other networks ------------------------------------------------------------------------


def test_a_2_2_1_network_with_momentum_trains_as_in_python(small: Path, open_page: Open) -> None:
    model = small_model()
    optimizer = nn.SGD(model.parameters(), lr=0.2, momentum=0.5)
    history = nn.fit(model, LAB.x, LAB.y, optimizer=optimizer, epochs=400, engine="python")
    opened = open_page(small)
    opened.go_to(400)
    check(opened, numbers_of(model, LAB.x, LAB.y, nn.mse_loss, 1))  # the first row that is not 0 0
    assert_close(opened.live("losses"), history.losses, "losses")


def test_moons_with_adam_and_a_penalty_train_as_in_python(moons: Path, open_page: Open) -> None:
    python = Moons()
    history = nn.fit(
        *(python.model, python.x, python.y),
        optimizer=python.optimizer,
        epochs=60,
        engine="python",
        **python.settings,
    )
    opened = open_page(moons)
    opened.go_to(60)
    wanted = numbers_of(
        python.model, python.x, python.y, nn.hinge_loss, 0, python.settings["penalty"]
    )
    check(opened, wanted)
    assert_close(opened.live("losses"), history.losses, "losses")


# ---- rewind, replay, seeds -----------------------------------------------------------------


def test_rewinding_and_training_again_give_the_same_bits(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.go_to(733)
    early = opened.numbers()
    opened.press("t", "t")
    opened.settle()
    late = opened.numbers()
    assert late["epoch"] == 2733
    opened.go_to(733)
    assert opened.numbers() == early
    opened.press("Home")
    opened.settle()
    assert opened.numbers()["epoch"] == 0
    opened.go_to(2733)
    assert opened.numbers() == late


def test_reset_and_the_same_epochs_give_the_same_bits(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    start = opened.numbers()
    opened.go_to(1234)
    trained = opened.numbers()
    opened.press("r")
    opened.settle()
    assert opened.numbers() == start
    opened.go_to(1234)
    assert opened.numbers() == trained


@pytest.mark.parametrize(("name", "hidden"), [("lab", 4), ("moons", 8)])
def test_a_seed_gives_the_weights_that_it_gives_in_python(
    request: pytest.FixtureRequest, open_page: Open, name: str, hidden: int
) -> None:
    opened = open_page(request.getfixturevalue(name))
    for seed in (0, 1, 42, 2**32 + 7, 999_999_999_999_999):
        opened.fill("Seed", str(seed))
        model = nn.MLP(2, [hidden, 1], rng=seed)
        assert opened.live("weights") == {path: p.data for path, p in model.named_parameters()}


def test_a_new_random_start_shows_the_seed_that_it_came_from(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.press("n")
    opened.settle()
    seed = int(opened.page.locator("#seed").input_value())
    model = nn.MLP(2, [4, 1], rng=seed)
    assert opened.live("weights") == {path: p.data for path, p in model.named_parameters()}


# ---- the steps -----------------------------------------------------------------------------


@pytest.mark.parametrize("epochs", [0, 800])
def test_stepping_shows_the_steps_of_backward_steps_then_the_update(
    lab: Path, open_page: Open, epochs: int
) -> None:
    model, _ = trained_lab(epochs)
    graph = row_loss(model, LAB.x, LAB.y, nn.mse_loss, 1)
    names = Names(graph)
    nodes = [node for node in topological_order(graph) if not node.is_leaf]
    forward = [f"{names[n]} = {names.formula(n)} = {n.data:.6g}" for n in nodes]
    backward = [str(step) for step in backward_steps(graph)]
    after, _ = trained_lab(epochs + 1)
    news = {path: parameter.data for path, parameter in after.named_parameters()}
    update = [
        f"{parameter.label}: {parameter.data:.6g} becomes {news[parameter.label]:.6g}"
        for parameter in model.parameters()
    ]
    wanted = [*forward, "d loss/d loss = 1", *backward, *update]

    opened = open_page(lab, f"#epoch={epochs}&row=2")
    opened.press("b")
    shown = []
    for place in range(len(wanted)):
        opened.settle()
        assert opened.text("#step-count") == f"{place + 1} / {len(wanted)}"
        shown.append(opened.page.locator("#lesson").get_attribute("data-text"))
        opened.press("ArrowRight")
    assert shown == wanted
    opened.settle()
    assert opened.live("epoch") == epochs + 1
    assert opened.text("#step-count") == f"1 / {len(wanted)}"
    opened.press("ArrowLeft")
    opened.settle()
    assert opened.live("epoch") == epochs
    assert opened.page.locator("#lesson").get_attribute("data-text") == wanted[-1]


def test_every_page_has_the_steps_of_backward_steps(
    small: Path, moons: Path, open_page: Open
) -> None:
    python = Moons()
    for path, graph in (
        (small, row_loss(small_model(), LAB.x, LAB.y, nn.mse_loss, 1)),
        (moons, row_loss(python.model, python.x, python.y, nn.hinge_loss, 0)),
    ):
        assert open_page(path).live("steps") == [str(step) for step in backward_steps(graph)]


def test_a_gradient_appears_in_the_graph_when_its_last_use_is_in(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab, "#row=2")
    names = opened.live("names")
    x1 = names.index("x[0]") + 1
    graph = row_loss(lab_model(), LAB.x, LAB.y, nn.mse_loss, 1)
    steps = list(backward_steps(graph))
    uses = [place for place, step in enumerate(steps) if step.parent.label == "x[0]"]
    assert len(uses) == 4
    first_backward = sum(not node.is_leaf for node in topological_order(graph)) + 1
    seen = []
    for place in (uses[0] - 1, *uses):
        step = first_backward + place + 1
        opened.evaluate("(hash) => { location.hash = hash; }", f"row=2&step={step}")
        opened.wait_until(
            f"document.getElementById('step-count').textContent.startsWith('{step} /')"
        )
        opened.settle()
        seen.append(opened.text(f"#v{x1} .grad"))
    totals = [signed(steps[place].total) for place in uses]
    assert seen == ["grad –", *[f"grad {t} …" for t in totals[:-1]], f"grad {totals[-1]}"]


# ---- the page's own number functions -------------------------------------------------------


def in_page(opened: Opened, script: Path, body: str, argument: Any) -> Any:
    """Return what the body makes of the argument, with one of the page's parts around it."""
    source = script.read_text(encoding="utf-8")
    return opened.evaluate(f"(argument) => {{ {source}\n{body} }}", argument)


def test_numbers_are_written_as_python_writes_them(lab: Path, open_page: Open) -> None:
    rng = random.Random(4)
    numbers = [rng.uniform(-1, 1) * 10.0 ** rng.randint(-12, 12) for _ in range(3000)]
    # Ties between two numbers of six digits, which Python rounds to the even one.
    numbers += [2.0**-power * odd for power in range(30) for odd in (1, 3, 5, 7, 1023)]
    numbers += [100000.5, 100001.5, 999999.5, 9999995e-10, 1e22, 1e-5, 0.0001, 123456.0, 0.0]
    opened = open_page(lab)
    for digits in (3, 4, 6):
        body = f"return argument.map((number) => general(number, {digits}));"
        found = in_page(opened, shared("numbers.js")[0], body, numbers)
        assert found == [f"{number:.{digits}g}" for number in numbers]


def test_random_numbers_are_those_of_pythons_random(lab: Path, open_page: Open) -> None:
    seeds = [0, 1, 7, 624, 2**31, 2**32 - 1, 2**32, 2**45 + 3]
    body = """return argument.map((seed) => {
        const random = new PythonRandom(seed);
        return Array.from({ length: 700 }, () => random.random());
    });"""
    found = in_page(open_page(lab), LIVE / "random.js", body, seeds)
    for seed, numbers in zip(seeds, found, strict=True):
        python = random.Random(seed)
        assert numbers == [python.random() for _ in range(700)]
