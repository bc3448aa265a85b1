"""A pass layer by layer, all rows and their mean, and the line of Python for each step."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import nn
from autodiff import Value
from demos.lab import LAB
from demos.one_row import one_row_loss
from demos.page import page
from tests.browser.conftest import Open
from tests.browser.opened import Opened
from tests.browser.pages import lab_model
from tests.browser.python_side import assert_close
from tests.browser.test_use import serious

LAYER_STEPS = [
    "Forward: hidden layer",
    "Forward: output",
    "Forward: the loss",
    "Backward: from the loss",
    "Backward: output",
    "Backward: hidden layer",
    "All rows, and their mean",
    "Update",
]


def gradients_by_row(model: nn.Module) -> list[dict[str, float]]:
    """Return every weight's gradient for each of the rows of XOR."""
    found = []
    for x, y in zip(LAB.x, LAB.y, strict=True):
        model.zero_grad()
        one_row_loss(model, x, y).backward()
        found.append({path: weight.grad for path, weight in model.named_parameters()})
    return found


def number(text: str) -> float:
    """Return a number as the page writes it."""
    return float(text.replace("−", "-").strip("()"))


# ---- layer by layer ------------------------------------------------------------------------


def test_a_pass_is_eight_clicks_and_the_last_one_trains(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.page.locator("#layer-mode").click()
    opened.settle()
    titles = []
    for _ in LAYER_STEPS:
        titles.append(opened.text("#lesson-title"))
        assert opened.page.locator("#network-area").is_visible()
        opened.page.locator("#next").click()
        opened.settle()
    assert titles == LAYER_STEPS
    assert opened.live("epoch") == 1
    assert opened.text("#step-count") == "1 / 8"


def test_each_layer_shows_what_the_pass_has_by_then_and_no_more(lab: Path, open_page: Open) -> None:
    model = lab_model()
    hidden = model.layers[0]([Value(0.0), Value(1.0)])
    opened = open_page(lab, "#layer=1")
    opened.settle()
    captions = opened.page.locator(".caption b").all_text_contents()
    shown = [number(text.split()[1]) for text in captions[2:6]]
    assert shown == pytest.approx([neuron.data for neuron in hidden], rel=5e-3)
    assert captions[6].split() == ["prediction", "·"]
    opened = open_page(lab, "#layer=5")  # backward as far as the output's weights
    opened.settle()
    texts = opened.page.locator(".weight-number").all_text_contents()
    grads = gradients_by_row(lab_model())[1]
    wanted = [grads[f"output.weight[0][{place}]"] for place in range(4)]
    found = [number(text.removeprefix("grad ")) for text in texts[8:]]
    assert found == pytest.approx(wanted, rel=0.05)
    assert not any("grad" in text for text in texts[:8])  # which are still to come


def test_it_plays_by_itself_layer_by_layer(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, "#layer=7")
    opened.page.locator("#walk").click()
    opened.settle()
    assert opened.text("#lesson-title") == "Update"
    opened.wait_until("document.getElementById('walk').textContent.trim() === 'Play'")
    assert opened.live("epoch") == 0


def test_the_address_brings_back_the_layer(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, "#epoch=300")
    opened.press("i", "PageDown", "PageDown")
    opened.wait_until("location.hash.includes('layer=3')")
    again = open_page(lab, opened.evaluate("location.hash"))
    again.settle()
    assert again.text("#lesson-title") == LAYER_STEPS[2]
    again.press("b")  # leaves
    again.settle()
    assert again.page.locator("#step-count").is_hidden()


def test_two_hidden_layers_are_ten_clicks(pages: Path, open_page: Open) -> None:
    model = nn.MLP(2, [3, 2, 1], activation="tanh", output_activation="sigmoid", rng=3)
    path = page(
        *(model, LAB.x, LAB.y, nn.mse_loss, nn.SGD(model.parameters(), lr=0.5)),
        pages / "deep.html",
    )
    opened = open_page(path)
    opened.press("i")
    titles = []
    for _ in range(10):
        opened.settle()
        titles.append(opened.text("#lesson-title"))
        opened.press("PageDown")
    assert titles[:3] == ["Forward: hidden layer 1", "Forward: hidden layer 2", "Forward: output"]
    assert titles[4:8] == [
        "Backward: from the loss",
        "Backward: output",
        "Backward: hidden layer 2",
        "Backward: hidden layer 1",
    ]
    assert opened.live("epoch") == 1


# ---- all rows ------------------------------------------------------------------------------


def test_the_rows_gradients_stand_side_by_side_and_are_averaged(lab: Path, open_page: Open) -> None:
    rows = gradients_by_row(lab_model())
    opened = open_page(lab, "#layer=7")
    opened.settle()
    for table_row in opened.page.locator(".all-rows tbody tr").all():
        name = table_row.locator("th").inner_text()
        own = [row[name] for row in rows]
        *cells, mean = (number(text) for text in table_row.locator("td").all_inner_texts())
        assert cells == pytest.approx(own, rel=0.05)
        assert mean == pytest.approx(sum(own) / 4, rel=5e-3)


def update_step(opened: Opened, weight: int) -> None:
    """Go to a weight's step of the update."""
    opened.press("b")
    opened.page.locator("#phase-update").click()
    opened.press(*["PageDown"] * weight)
    opened.settle()


def test_a_weights_update_shows_the_rows_the_mean_and_the_arrow_on_the_losss_slice(
    lab: Path, open_page: Open
) -> None:
    model, place = lab_model(), 4
    name = "hidden.weight[1][1]"
    parameter = dict(model.named_parameters())[name]
    rows = [row[name] for row in gradients_by_row(model)]
    mean, old = sum(rows) / 4, parameter.data
    opened = open_page(lab)
    update_step(opened, place)
    chips = opened.page.locator(".row-chip .number").all_text_contents()
    assert list(map(number, chips)) == pytest.approx(rows, rel=5e-3)
    text = opened.text("#lesson").replace("−", "-")
    assert f"{name} = {old - LAB.learning_rate * mean:.6g}" in text

    def loss_at(weight: float) -> float:
        parameter.data = weight
        losses = [one_row_loss(model, x, y).data for x, y in zip(LAB.x, LAB.y, strict=True)]
        return sum(losses) / 4

    label = str(opened.page.locator(".slice").get_attribute("aria-label")).replace("−", "-")
    found = [float(each) for each in re.findall(r"(?<=[ ,])-?\d[\d.e-]*\d", label)]
    start, start_loss, end, end_loss = found[-4:]
    new = old - LAB.learning_rate * mean
    assert (start, end) == pytest.approx((old, new), rel=1e-5)
    assert (start_loss, end_loss) == pytest.approx((loss_at(old), loss_at(new)), rel=1e-5)
    # The curve is the loss itself: at both ends it is as high as there.
    opened.page.locator(".slice-zoom").click()
    opened.settle()
    wide = opened.page.locator(".slice").get_attribute("aria-label")
    ends = re.findall(r"from (\S+) to (\S+),", str(wide).replace("−", "-"))[0]
    low, high = map(float, ends)
    points = opened.evaluate(
        "document.querySelector('.slice .plot-curve').getAttribute('d')"
        ".split(/[ML]/).filter(Boolean).map((each) => each.split(' ').map(Number))"
    )
    heights = [y for _, y in points]
    losses = [loss_at(low + (high - low) * at / 80) for at in (0, 20, 40, 60, 80)]
    scale = (heights[80] - heights[0]) / (losses[4] - losses[0])
    for at, loss in zip((20, 40, 60), losses[1:4], strict=True):
        assert heights[at] == pytest.approx(heights[0] + scale * (loss - losses[0]), abs=0.6)


def test_many_rows_and_a_penalty_are_told_too(moons: Path, open_page: Open) -> None:
    opened = open_page(moons)
    update_step(opened, 0)
    assert opened.page.locator(".row-marks path").count() == 40 + 2  # the axis and the mean
    assert "of the penalty" in opened.text("#lesson")


# ---- code in step --------------------------------------------------------------------------


def lines_of(opened: Opened) -> list[str]:
    """Return the lines of Python that are shown."""
    return [line.strip() for line in opened.page.locator("#lines .code-line").all_text_contents()]


def test_the_line_of_python_goes_with_the_step(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.press("b")
    opened.settle()
    first = "z[0] = hidden.bias[0] + hidden.weight[0][0] * x[0] + hidden.weight[0][1] * x[1]"
    assert lines_of(opened) == [first]
    opened.press("PageDown")
    opened.settle()
    assert lines_of(opened) == ["h[0] = sigmoid(z[0])"]
    opened.page.locator("#phase-backward").click()
    opened.settle()
    assert lines_of(opened) == ["loss.grad = 1.0"]
    opened.press("PageUp", "PageDown", "PageDown", "PageDown")
    opened.settle()
    assert lines_of(opened)[0].startswith("prediction.grad += ")
    opened.page.locator("#phase-update").click()
    opened.settle()
    weight = "hidden.weight[0][0]"
    assert lines_of(opened) == [f"{weight}.data = {weight}.data - (lr * {weight}.grad)"]
    opened.press("Escape", "i")
    opened.settle()
    assert lines_of(opened)[:2] == [first, "h[0] = sigmoid(z[0])"]
    assert len(lines_of(opened)) == 8


MODELS: dict[str, Any] = {
    "lab": lambda: (lab_model(), nn.mse_loss, LAB.y, {"lr": 0.1}),
    "relu": lambda: (
        *(nn.MLP(2, [5, 1], rng=1), nn.binary_cross_entropy_with_logits, LAB.y),
        {"lr": 0.3},
    ),
    "classes": lambda: (
        *(nn.MLP(2, [3, 2], activation="tanh", rng=1), nn.cross_entropy, [0, 1, 1, 0]),
        {"lr": 0.5},
    ),
    "momentum": lambda: (
        nn.MLP(2, [3, 1], activation="gelu", output_activation="sigmoid", rng=1),
        *(nn.mse_loss, LAB.y, {"lr": 0.2, "momentum": 0.5}),
    ),
}


@pytest.mark.parametrize("kind", MODELS)
def test_the_whole_program_runs_and_trains_to_the_same_weights(
    pages: Path, open_page: Open, kind: str
) -> None:
    model, loss, y, settings = MODELS[kind]()
    optimizer = nn.SGD(model.parameters(), **settings)
    opened = open_page(page(model, LAB.x, y, loss, optimizer, pages / f"whole_{kind}.html"))
    opened.press("b")
    opened.page.locator("#whole-program").click()
    program = opened.page.locator("#program-text").input_value()
    opened.press("Escape", "Escape")
    variables: dict[str, Any] = {}
    exec(program, variables)  # 1,000 epochs, each operation written out
    opened.press("t")
    opened.wait_until("live.epoch === 1000")
    opened.settle()
    weights = [weight.data for weight in variables["parameters"]]
    nn.fit(model, LAB.x, y, loss=loss, optimizer=optimizer, epochs=1000)
    assert_close([weight.data for weight in model.parameters()], weights, "weights of nn.fit")
    assert_close(list(opened.live("weights").values()), weights, "weights")


def test_a_penalty_that_only_the_user_has_is_no_program(moons: Path, open_page: Open) -> None:
    opened = open_page(moons)
    opened.press("b")
    opened.settle()
    assert opened.page.locator("#whole-program").is_hidden()
    assert lines_of(opened)[0].startswith("z[0] = ")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_steps_shut_nobody_out(lab: Path, open_page: Open, scheme: str) -> None:
    opened = open_page(lab, "#epoch=2000&layer=1", color_scheme=scheme)
    for _ in LAYER_STEPS:
        opened.settle()
        assert serious(opened) == [], opened.text("#lesson-title")
        opened.press("PageDown")
