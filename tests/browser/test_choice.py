"""Another network, other data: made in the page, and trained to Python's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import nn
from demos.live.data_sets import DATA_SETS
from demos.live.pieces import LOSSES, OPTIMIZERS
from tests.browser.conftest import Open
from tests.browser.opened import Opened
from tests.browser.python_side import assert_close, numbers_of
from tests.browser.test_use import BESIDE, SIZES, serious

ROWS = [[0.5, -0.25, 1.0, 0.0], [-1.0, 0.75, 0.5, 1.0], [0.25, 0.5, -0.5, 1.0]]


def built(opened: Opened, network: str) -> None:
    """Wait until the page has been loaded again, with that network."""
    opened.wait_until(
        "window.live !== undefined && "
        f"document.getElementById('network').textContent.startsWith('{network}')"
    )
    opened.settle()


def choose(opened: Opened, **chosen: Any) -> None:
    opened.press("k")
    for name, value in chosen.items():
        opened.page.select_option(f"#choice-{name}", str(value))


@pytest.mark.parametrize(
    ("hidden", "activation", "loss", "optimizer", "data", "seed"),
    [
        ([3, 2], "tanh", "logits", "adam", "moons", None),
        ([8], "relu", "hinge", "momentum", "rings", 5),
        ([], "tanh", "squared", "sgd", "and", None),
        ([4], "sigmoid", "entropy", "rmsprop", "xor", 7),
    ],
)
def test_a_network_that_was_chosen_trains_as_in_python(
    lab: Path,
    open_page: Open,
    hidden: list[int],
    activation: str,
    loss: str,
    optimizer: str,
    data: str,
    seed: int | None,
) -> None:
    choice = LOSSES[loss]
    x = [[a, b] for a, b, _ in DATA_SETS[data].rows]
    y = [choice.targets[int(target)] for *_, target in DATA_SETS[data].rows]
    model = nn.MLP(2, [*hidden, 1], activation, choice.output, rng=seed or 0)
    history = nn.fit(
        *(model, x, y),
        loss=choice.loss,
        optimizer=OPTIMIZERS[optimizer][1](model.parameters()),
        epochs=30,
        engine="python",
    )
    opened = open_page(lab)
    first, second = [*hidden, 0, 0][:2]
    choose(opened, data=data, first=first, second=second, loss=loss, optimizer=optimizer)
    if hidden:
        opened.page.select_option("#choice-activation", activation)
    opened.page.click("#choice-build")
    built(opened, "-".join(map(str, [2, *hidden, 1])))
    if seed is not None:
        opened.fill("Seed", str(seed))
    opened.go_to(30)
    row = 1 if data in ("xor", "and") else 0  # the first row that is not 0, 0
    wanted = numbers_of(model, x, y, choice.loss, row)
    for name, numbers in wanted.items():
        assert_close(opened.live(name), numbers, name)
    assert_close(opened.live("losses"), history.losses, "losses")
    boxes = opened.page.locator("#drawing .box").count()
    assert boxes == len(wanted["names"])


def test_the_chosen_network_is_a_link_and_the_way_back_leads_to_the_one_before(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab, "#epoch=20")
    choose(opened, data="or", first=2, second=0)
    opened.page.click("#choice-build")
    built(opened, "2-2-1, sigmoid")
    opened.go_to(40)
    opened.wait_until("location.hash.includes('epoch=40')")
    weights, address = opened.live("weights"), opened.evaluate("location.hash")
    again = open_page(lab, address)
    again.wait_until("live.epoch === 40")
    assert again.live("weights") == weights
    opened.page.go_back()
    built(opened, "2-4-1")
    opened.wait_until("live.epoch === 20")
    opened.page.go_forward()
    built(opened, "2-2-1")
    # To undo the building is the way back, too, and no run of the other network is lost.
    opened.wait_until("live.epoch === 40")
    assert "kept in History; Undo (Ctrl+Z) leads back" in opened.text("#message")
    opened.press("Control+z")
    built(opened, "2-4-1")
    opened.wait_until("live.epoch === 20")
    opened.page.click("#runs-tab")
    earlier = opened.page.locator("#earlier-runs button")
    texts = earlier.all_inner_texts()
    assert len(set(texts)) == len(texts)  # also of a network that was gone back to
    earlier.filter(has_text="OR, 2-2-1").filter(has_text="trained to 40").last.click()
    built(opened, "2-2-1")
    opened.wait_until("live.epoch === 40")
    assert opened.live("weights") == weights
    opened.press("k")
    opened.page.click("#choice-back")
    built(opened, "2-4-1, sigmoid")
    assert opened.text("#title") == "XOR"


def test_points_of_ones_own_are_set_by_click_and_by_keys(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    choose(opened, data="points", loss="squared")
    assert opened.page.locator("#choice-build").is_disabled()
    canvas = opened.page.locator("#points")
    box = canvas.bounding_box()
    assert box is not None
    for across, down in ((0.25, 0.25), (0.75, 0.5), (0.5, 0.9)):
        canvas.click(position={"x": across * box["width"], "y": down * box["height"]})
    canvas.click(position={"x": 0.5 * box["width"], "y": 0.9 * box["height"]})  # taken away again
    opened.page.get_by_label("■ target 1").check()
    canvas.focus()
    opened.press("ArrowUp", "ArrowUp", "ArrowLeft", "Enter")
    assert opened.text("#points-count") == "3 points: 2 of target 0, 1 of target 1"
    opened.page.click("#choice-build")
    built(opened, "2-4-1")
    opened.press("d")
    rows = opened.page.locator("#data-rows tr")
    assert rows.count() == 3
    fields = [field.input_value() for field in rows.nth(2).locator("input").all()]
    assert fields == ["−0.1", "0.2", "1"]
    opened.press("k")
    assert opened.page.locator("#choice-data").input_value() == "points"
    assert opened.text("#points-count").startswith("3 points")


def test_a_table_of_any_numbers_is_pasted(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    choose(opened, data="table", first=2, second=0, loss="linear", optimizer="sgd")
    lines = ["a\tb\tc\ty", *["\t".join(map(str, row)) for row in ROWS]]
    opened.page.fill("#choice-rows", "\r\n".join(lines))
    assert opened.text("#choice-text").startswith("3-2-1: 11 weights, 3 rows")
    opened.page.click("#choice-build")
    built(opened, "3-2-1")
    opened.go_to(25)
    x, y = [row[:-1] for row in ROWS], [row[-1] for row in ROWS]
    model = nn.MLP(3, [2, 1], "sigmoid", None, rng=0)
    optimizer = nn.SGD(model.parameters(), lr=0.5)
    nn.fit(model, x, y, loss=nn.mse_loss, optimizer=optimizer, epochs=25, engine="python")
    for name, numbers in numbers_of(model, x, y, nn.mse_loss, 0).items():
        assert_close(opened.live(name), numbers, name)


# A comma is a decimal comma where something else parts the cells.
TABLES = {
    "x1;x2;y\n0,5;0,25;1\n1,5;-0,75;0": "0.5,0.25,1;1.5,-0.75,0",
    "0,5\t0,25\t1\n1\t2\t0": "0.5,0.25,1;1,2,0",
    "0,5 0,25 1\n1,5 2 0": "0.5,0.25,1;1.5,2,0",
    '"a","b"\n"1","0"\n"2.5","1"': "1,0;2.5,1",
    "a | b\n1|0\n2|1": "1,0;2,1",
    "1, 2, 0\n3,4,1": "1,2,0;3,4,1",
}


def test_a_table_is_read_as_it_was_written(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    for text, rows in TABLES.items():
        choose(opened, data="table", loss="squared")
        opened.page.fill("#choice-rows", text)
        opened.page.click("#choice-build")
        built(opened, f"{rows.split(';')[0].count(',')}-4-1")
        assert f"rows={rows}" in opened.evaluate("location.hash").split("&"), text


REFUSED = {
    "": "The table is empty",
    "1,,0\n2,,1": "Row 1: “” is no number",
    "1:2:0\n1:3:1": "Row 1: “1:2:0” is no number",
    "1 2 3\n4 5": "Row 2 has 2 numbers, but row 1 has 3",
    "1 2 3\n4 five 6": "Row 2: “five” is no number",
    "1\n2": "1 to 8 inputs and a target",
    "1 2 3e9": "is no number from −1,000,000 to 1,000,000",
    "0 0 0.5\n0 1 3": "needs targets from 0 to 1, but these have 3",
    "\n".join(["0 0 1"] * 201): "room for 200 rows",
}


def test_a_table_that_cannot_be_is_refused_in_words(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    choose(opened, data="table", loss="squared")
    for text, said in REFUSED.items():
        opened.page.fill("#choice-rows", "0 0 1\n0 1 0")
        assert opened.page.locator("#choice-build").is_enabled(), text
        opened.page.fill("#choice-rows", text)
        assert said in opened.text("#choice-text"), text
        assert opened.page.locator("#choice-build").is_disabled(), text


@pytest.mark.parametrize(
    "address",
    [
        "#network=9,tanh,squared,sgd,xor",
        "#network=4-4-4,tanh,squared,sgd,xor",
        "#network=4,constructor,squared,sgd,xor",
        "#network=4,tanh,squared,sgd,__proto__",
        "#network=4,tanh,hinge,sgd,rows&rows=0,0,3",
        "#network=4,tanh,squared,sgd,rows&rows=<img>",
        "#network=",
    ],
)
def test_an_address_that_asks_for_what_cannot_be_leaves_the_pages_own(
    lab: Path, open_page: Open, address: str
) -> None:
    opened = open_page(lab, address)
    assert opened.text("#network") == "2-4-1, sigmoid"
    assert "Not understood in the address" in opened.text("#message")


def test_the_choice_is_accessible_and_lies_on_every_screen(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    for data in ("points", "table"):
        choose(opened, data=data)
        assert serious(opened) == []
        for width, _ in opened.at_each(SIZES):
            assert opened.evaluate(BESIDE, width) == []
        opened.press("Escape")
        opened.wait_until("!document.querySelector('dialog[open]')")
