"""What is undone on the live page, and what its address keeps."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import nn
from demos.lab import LAB
from tests.browser.conftest import Open
from tests.browser.opened import Opened
from tests.browser.pages import lab_model
from tests.browser.python_side import assert_close
from tests.browser.test_use import edited, plot

MANY = """(count) => {
  const field = document.getElementById("rate");
  for (let change = 0; change < count; change += 1) {
    field.value = 0.2 + change / 1000;
    field.dispatchEvent(new Event("change"));
    document.getElementById("one").click();
  }
}"""

LAST = "document.getElementById('timeline').max"


def trained(model: nn.MLP, epochs: int, lr: float = LAB.learning_rate) -> dict[str, float]:
    """Return the weights after so many epochs on the lab's data, by Python."""
    optimizer = nn.SGD(model.parameters(), lr=lr)
    nn.fit(model, LAB.x, LAB.y, loss=nn.mse_loss, optimizer=optimizer, epochs=epochs)
    return {path: parameter.data for path, parameter in model.named_parameters()}


def undo(opened: Opened) -> None:
    opened.press("Control+z")
    opened.settle()


# ---- undo ----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["r", "n", "f"])
def test_one_key_throws_nothing_away(lab: Path, open_page: Open, key: str) -> None:
    opened = open_page(lab)
    opened.go_to(900)
    opened.go_to(400)
    before, losses = opened.numbers(), opened.live("losses")
    opened.press(key)
    opened.settle()
    assert opened.numbers() != before
    number = "500 epochs trained beyond this epoch" if key == "f" else "900 epochs trained before"
    assert opened.text("#message") == (
        f"The {number} belong to the run before this change. Undo (Ctrl+Z) brings them back."
    )
    undo(opened)
    assert opened.numbers() == before
    assert opened.evaluate(LAST) == "900"
    opened.go_to(900)
    assert opened.live("losses") == losses
    assert_close(opened.live("weights"), trained(lab_model(), 900), "weights")


def test_a_weight_changed_after_rewinding_can_be_undone_and_done_again(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    opened.go_to(600)
    opened.go_to(200)
    before = opened.numbers()
    opened.fill("weight output.bias[0]", "2")
    opened.go_to(500)
    changed = opened.numbers()
    undo(opened)
    assert opened.numbers() == before
    assert opened.evaluate(LAST) == "600"
    assert opened.text("#message").startswith("Undone: output.bias[0] = 2.")
    opened.press("Control+y")
    opened.settle()
    assert opened.numbers() == changed
    undo(opened)
    opened.press("Control+Shift+z")
    opened.settle()
    assert opened.numbers() == changed


def test_every_change_is_undone_one_by_one(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    names = ("epoch", "weights", "loss", "meanGradients", "predictions")
    start = {name: opened.live(name) for name in names}
    edited(opened)  # five changes, of all kinds
    opened.fill("Seed", "3")
    for _ in range(6):
        assert opened.page.locator("#undo").is_enabled()
        undo(opened)
    assert {name: opened.live(name) for name in names} == start
    assert opened.page.locator("#undo").is_disabled()
    undo(opened)
    assert opened.text("#message").startswith("There is no change to undo.")
    assert {name: opened.live(name) for name in names} == start


def test_another_change_after_undoing_keeps_what_was_undone(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.fill("Learning rate", "0.5")
    opened.go_to(300)
    half = opened.numbers()
    undo(opened)
    opened.fill("Learning rate", "2")
    opened.go_to(100)
    opened.press("h")
    opened.settle()
    listed = opened.page.locator("#runs button").all_text_contents()
    assert [re.split(r"at the start|the first", text)[0] for text in listed] == [
        "1. Start: the weights that the page came with",
        "2. learning rate 0.5",
        "3. learning rate 2",
    ]
    assert "of run 1; trained to 100" in listed[2]
    opened.page.locator("#runs button").nth(1).click()
    opened.settle()
    assert opened.numbers() == half
    assert opened.page.locator("#runs [aria-current]").all_text_contents() == [listed[1]]


def test_so_many_runs_that_the_oldest_go_are_told(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.press("h")
    assert opened.page.locator("#runs-forgotten").is_hidden()
    opened.evaluate(MANY, 230)
    opened.settle()
    assert opened.page.locator("#runs li").count() == 200
    assert opened.page.locator("#runs-forgotten").is_visible()
    for _ in range(199):
        opened.page.locator("#undo").dispatch_event("click")
    opened.settle()
    assert opened.page.locator("#undo").is_disabled()
    assert float(opened.page.locator("#rate").input_value()) == pytest.approx(0.2 + 30 / 1000)
    undo(opened)
    assert opened.text("#message").startswith("There is no change to undo that is still kept.")


def test_a_field_undoes_its_own_text(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.fill("Learning rate", "0.5")
    rate = opened.page.locator("#rate")
    rate.focus()
    opened.press("End")
    opened.page.keyboard.type("7")
    opened.press("Control+z")
    assert rate.input_value() == "0.5"
    opened.press("Escape")
    opened.settle()
    assert opened.page.locator("#undo").is_enabled()  # the change itself has not been undone


# ---- one drag is one edit --------------------------------------------------------------------


def drag(opened: Opened, x: float, y: float, moves: int) -> tuple[float, float]:
    """Drag the point (0, 0), and return where it is then."""
    left, top, side = plot(opened)
    mouse = opened.page.mouse
    mouse.move(left + side * 0.25, top + side * 0.75)
    mouse.down()
    mouse.move(left + side * (x + 0.5) / 2, top + side * (1.5 - y) / 2, steps=moves)
    mouse.up()
    opened.settle()
    values = dict(zip(opened.live("names"), opened.live("values"), strict=True))
    return values["x[0]"], values["x[1]"]


def test_a_drag_while_training_is_one_change_and_training_waits_for_it(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    opened.press("Space")
    opened.wait_until("live.epoch > 300")
    x, y = drag(opened, 0.25, 0.5, moves=300)
    moved_at = opened.evaluate("live.epoch")
    assert (x, y) == pytest.approx((0.25, 0.5), abs=0.02)
    opened.wait_until(f"live.epoch > {moved_at} + 300")  # it goes on
    opened.press("Space")
    opened.settle()
    opened.wait_until("location.hash.includes(`epoch=${live.epoch}&`)")
    edits = opened.evaluate("location.hash").split("edits=")[1].split("&")[0].split(",")
    assert [edit.split(":")[1:3] for edit in edits] == [["x", "0"], ["x", "1"]]
    assert len({edit.split(":")[0] for edit in edits}) == 1
    again = open_page(lab, opened.evaluate("location.hash"))
    again.wait_until(f"live.epoch === {opened.live('epoch')}")
    again.settle()
    assert again.live("weights") == opened.live("weights")
    undo(opened)
    values = dict(zip(opened.live("names"), opened.live("values"), strict=True))
    assert (values["x[0]"], values["x[1]"]) == (0.0, 0.0)


def test_two_drags_are_two_changes(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    drag(opened, 0.1, 0.05, moves=20)
    first = opened.numbers()
    drag(opened, 0.2, 0.1, moves=20)
    assert opened.numbers() != first
    undo(opened)
    assert opened.numbers() == first


# ---- the address of a moment -------------------------------------------------------------------


def copied(opened: Opened) -> str:
    """Copy the address, and return what the page says of that."""
    opened.press("x")
    opened.page.locator("#copy-address").click()
    opened.page.wait_for_function(
        "() => /address|Here it is/.test(document.getElementById('message').textContent)"
    )
    opened.press("Escape")
    return opened.text("#message")


def test_the_view_belongs_to_the_moment(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, "#epoch=300")
    left, top, side = plot(opened)
    opened.page.mouse.click(left + side * 0.4, top + side * 0.6)
    opened.page.locator("#log-scale").check()
    opened.page.locator(".neuron:not(.input)").nth(1).click()
    opened.press("g", "ArrowLeft", "Enter")
    opened.settle()
    address = "location.hash"
    opened.wait_until("/point=.*box=.*shows=3&scale=log/.test(location.hash)")
    again = open_page(lab, opened.evaluate(address))
    again.wait_until("live.epoch === 300")
    again.settle()
    for name in ("#row-name", "#lesson-title", "#plane-title"):
        assert again.text(name) == opened.text(name)
    assert again.text("#row-name") == "a point of your own"
    assert again.text("#plane-title") == "What h[1] sees"
    assert again.page.locator("#log-scale").is_checked()
    assert again.numbers() == opened.numbers()
    again.wait_until(f"location.hash === '{opened.evaluate(address)}'")


@pytest.mark.parametrize("name", ["lab", "moons"])  # SGD, and Adam with its memory
def test_more_changes_than_an_address_holds_keep_the_moment_and_say_what_is_lost(
    request: pytest.FixtureRequest, open_page: Open, name: str
) -> None:
    path = request.getfixturevalue(name)
    opened = open_page(path)
    opened.press("4", "f")
    opened.evaluate(MANY, 210)
    opened.settle()
    told = copied(opened)
    assert "211 changes are more than an address holds" in told
    assert "weights, the data and the learning rate of this moment" in told
    opened.wait_until("/state=/.test(location.hash)")
    again = open_page(path, opened.evaluate("location.hash"))
    again.settle()
    for what in ("weights", "loss", "meanGradients", "predictions"):
        assert again.live(what) == opened.live(what), what
    assert "are those of an address" in again.text("#lesson")
    for each in (opened, again):
        each.go_to(each.live("epoch") + 50)
    assert again.live("weights") == opened.live("weights")
    again.press("e", "r")
    again.settle()
    assert again.live("epoch") == 0
    assert again.live("weights") != opened.live("weights")


def test_a_few_changes_are_kept_without_a_word(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    edited(opened)
    told = copied(opened)
    assert "changes" not in told
    assert "state=" not in opened.evaluate("location.hash")


@pytest.mark.parametrize(
    "address",
    [
        *("#state=AAAA", "#state=" + "A" * 272, "#state=%00", "#point=1", "#point=1,nan"),
        *("#box=0", "#box=99999", "#shows=9", "#scale=x"),
    ],
)
def test_what_makes_no_sense_is_named(lab: Path, open_page: Open, address: str) -> None:
    opened = open_page(lab)
    start: dict[str, Any] = opened.numbers()
    opened.evaluate("(address) => { location.hash = address; }", address)
    opened.settle()
    opened.settle()
    assert opened.text("#message").startswith("Not understood in the address")
    assert opened.numbers() == start
