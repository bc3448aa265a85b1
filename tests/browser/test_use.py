"""What a class does with the page: keys, edits, addresses, exports."""

from __future__ import annotations

import json
import math
import re
import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import nn
from demos.lab import LAB
from demos.page import page
from tests.browser.conftest import Open
from tests.browser.opened import Opened
from tests.browser.pages import HOSTILE, Moons, lab_model, penalty, small_model
from tests.browser.python_side import assert_close

AXE = (Path(__file__).with_name("vendor") / "axe.min.js").read_text(encoding="utf-8")
SIZES = [(1920, 1080), (1280, 720), (390, 844)]


# ---- keys ----------------------------------------------------------------------------------


def test_keys_train_pause_and_rewind(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.press("e", "e", "t")
    opened.settle()
    assert opened.live("epoch") == 1002
    opened.press("Space")
    opened.wait_until("live.epoch > 1100")
    opened.press("Space")
    opened.settle()
    epoch = opened.live("epoch")
    opened.page.wait_for_timeout(150)
    assert opened.live("epoch") == epoch
    opened.press("j", "Home")
    opened.settle()
    assert opened.live("epoch") == 0
    opened.press("ArrowRight")
    opened.settle()
    assert opened.live("epoch") == 1


TRAINED_AT_ONCE = """async () => {
  const field = document.getElementById("epoch-field");
  const late = [];
  let clock = 0;
  performance.now = () => (clock += 20);  // so few epochs take some frames
  for (let epoch = 204; epoch <= 2040; epoch += 204) {
    field.value = epoch;
    field.dispatchEvent(new Event("change"));
    while (live.epoch < epoch) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    const box = document.querySelector("#drawing .box:has(.value)");
    const shown = box.querySelector(".value").textContent;
    const value = Number(shown.replace("value ", "").replace("−", "-"));
    const place = live.values[box.dataset.box - 1];
    const label = box.getAttribute("aria-label");
    if (Math.abs(value - place) > 1e-3 * Math.abs(place) || !label.includes(shown)) {
      late.push([epoch, shown, place, label]);
    }
  }
  return late;
}"""


def test_the_last_frame_of_training_shows_every_number(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    assert opened.evaluate(TRAINED_AT_ONCE) == []  # however soon after the frame before


def test_keys_choose_and_flip_a_row(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    chosen = "#row-buttons [aria-checked=true]"
    opened.press("3")
    opened.settle()
    assert opened.text(chosen) == "1, 0 → 1"
    opened.press("f")
    opened.settle()
    assert opened.text(chosen) == "1, 0 → 0"


def test_keys_set_the_seed_the_learning_rate_and_a_weight(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.press("l", "Control+a")
    opened.page.keyboard.type("0.25")
    opened.press("Enter", "s")
    opened.page.keyboard.type("5")
    opened.press("Enter")
    opened.settle()
    wanted = {path: p.data for path, p in nn.MLP(2, [4, 1], rng=5).named_parameters()}
    assert opened.live("weights") == wanted
    assert opened.page.locator("#rate").input_value() == "0.25"
    opened.press("w", "Tab")  # from the table to its first field
    opened.page.keyboard.type("0.75")
    opened.press("Enter")
    opened.settle()
    assert opened.live("weights") == {**wanted, "hidden.weight[0][0]": 0.75}


def test_keys_choose_a_point_of_the_plane_and_a_box_of_the_graph(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    opened.press("p", *["ArrowUp"] * 6, *["ArrowRight"] * 4, "Enter")
    opened.settle()
    assert opened.text("#row-name") == "a point of your own"
    opened.press("g", "ArrowLeft", "Enter")
    opened.settle()
    assert opened.text("#lesson-title").startswith("The gradient of")
    assert opened.text("#spoken").startswith("The gradient of")


def test_keys_step_and_leave_the_steps(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.press("b", "ArrowRight", "ArrowRight", "ArrowLeft")
    opened.settle()
    assert opened.text("#step-count").startswith("2 /")
    opened.press("Escape")
    opened.settle()
    assert opened.page.locator("#step-count").is_hidden()


def test_keys_open_and_close_the_dialogs_and_change_the_theme(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    for key, dialog in (("?", "#help"), ("x", "#export")):
        opened.press(key)
        assert opened.page.locator(dialog).is_visible()
        opened.press("Escape")
        assert opened.page.locator(dialog).is_hidden()
    opened.press("m")
    assert opened.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_help_lists_every_key_that_a_control_names(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    listed = set(opened.page.locator("#keys kbd").all_text_contents())
    named = opened.evaluate(
        "[...document.querySelectorAll('[data-key]')].map((e) => e.dataset.key)"
    )
    assert set(named) <= listed


def test_single_keys_can_be_turned_off(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.press("?")
    opened.page.locator("#single-keys").uncheck()
    opened.press("Escape", "e", "t")
    opened.settle()
    assert opened.live("epoch") == 0


def test_the_tab_key_reaches_every_control_and_each_shows_its_focus(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    unreached = set(
        opened.evaluate(
            "[...document.querySelectorAll('button, input, select, canvas[tabindex]')]"
            ".filter((each) => each.offsetParent && !each.disabled && each.tabIndex >= 0)"
            ".map((each, index) => { each.dataset.test = index; return String(index); })"
        )
    )
    assert len(unreached) > 40
    for _ in range(len(unreached) + 20):
        opened.press("Tab")
        at, outline, box = opened.evaluate(
            "() => { const at = document.activeElement, style = getComputedStyle(at);"
            " return [at.dataset.test, style.outlineStyle, at.matches('.box')]; }"
        )
        unreached.discard(at)
        assert outline != "none" or box or at is None
    assert not unreached


def test_a_live_region_speaks_each_step(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, "#row=2")
    assert opened.page.locator("#spoken").get_attribute("aria-live") == "polite"
    opened.press("b", "ArrowRight")
    opened.settle()
    first = 1.0 / (1.0 + math.exp(0.586 + 0.434))  # the lab's first hidden neuron for (0, 1)
    assert opened.text("#spoken") == f"Forward 2 of 12: h[0] = sigmoid(z[0]) = {first:.6g}"


# ---- edits ---------------------------------------------------------------------------------


def edited(opened: Opened) -> None:
    """Do one of everything that changes the run, at different epochs."""
    opened.fill("Learning rate", "0.4")
    opened.go_to(120)
    opened.fill("weight hidden.weight[1][0]", "-1.25")
    opened.go_to(300)
    opened.press("d")
    opened.settle()
    opened.fill("x[0] of row 2", "0.125")
    opened.page.get_by_label("flip the target of row 4", exact=True).click()
    opened.go_to(450)
    opened.fill("Learning rate", "0.05")
    opened.go_to(700)


def test_the_code_that_the_page_exports_trains_to_the_same_weights_in_python(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    edited(opened)
    opened.press("x")
    code = opened.page.locator("#code").input_value()
    variables: dict[str, Any] = {}
    exec(code, variables)
    wanted = {path: p.data for path, p in variables["model"].named_parameters()}
    opened.press("Escape")
    assert_close(opened.live("weights"), wanted, "weights")
    assert variables["x"][1] == [0.125, 1]
    assert variables["y"] == [0, 1, 1, 1]
    assert wanted != {path: p.data for path, p in lab_model().named_parameters()}


def test_the_code_of_a_seed_and_of_other_optimizers_runs(
    small: Path, moons: Path, open_page: Open
) -> None:
    for path, extra in ((small, {}), (moons, {"penalty": penalty})):
        opened = open_page(path, "#seed=9&epoch=25")
        opened.wait_until("live.epoch === 25")
        opened.press("x")
        code = opened.page.locator("#code").input_value()
        assert "rng=9" in code
        variables: dict[str, Any] = dict(extra)
        exec(code, variables)
        wanted = {path: p.data for path, p in variables["model"].named_parameters()}
        assert_close(opened.live("weights"), wanted, "weights")


def test_an_edit_forgets_what_was_trained_beyond_it_and_can_be_rewound_over(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    opened.go_to(600)
    opened.go_to(200)
    before = opened.live("weights")
    opened.fill("weight output.bias[0]", "2")
    assert opened.page.locator("#timeline").get_attribute("max") == "200"
    opened.go_to(500)
    after = opened.numbers()
    opened.go_to(199)
    opened.go_to(200)
    assert opened.live("weights") == {**before, "output.bias[0]": 2.0}
    opened.go_to(500)
    assert opened.numbers() == after


def test_rewinding_keeps_the_data_as_they_were_changed_long_before(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    opened.go_to(100)
    opened.press("4", "f")
    opened.settle()
    opened.go_to(600)
    once = opened.numbers()
    opened.go_to(900)
    opened.go_to(600)
    assert opened.numbers() == once
    opened.go_to(900)
    assert opened.text("#row-buttons [aria-checked=true]") == "1, 1 → 1"
    opened.go_to(99)
    assert opened.text("#row-buttons [aria-checked=true]") == "1, 1 → 0"


def plot(opened: Opened) -> tuple[float, float, float]:
    """Return left, top and side of the square on the screen that shows [-0.5, 1.5] squared."""
    box = opened.page.locator("#plane").bounding_box()
    side = min(box["width"] - 44, box["height"] - 38)
    return box["x"] + 34 + (box["width"] - 44 - side) / 2, box["y"] + 8, side


def test_a_data_point_can_be_dragged_and_flipped(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    left, top, side = plot(opened)
    x, y = left + side * 0.25, top + side * 0.75  # the point (0, 0) of [-0.5, 1.5] squared
    mouse = opened.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + side * 0.1, y - side * 0.05, steps=4)
    mouse.up()
    opened.settle()
    opened.press("d")
    opened.settle()
    moved = [
        float(opened.page.get_by_label(f"x[{place}] of row 1", exact=True).input_value())
        for place in (0, 1)
    ]
    assert moved == pytest.approx([0.2, 0.1], abs=0.01)
    mouse.dblclick(x + side * 0.1, y - side * 0.05)
    opened.settle()
    assert opened.page.get_by_label("target of row 1", exact=True).input_value() == "1"
    opened.page.locator("#restore-data").click()
    opened.settle()
    assert opened.live("predictions") == open_page(lab).live("predictions")


def test_a_click_on_the_boundary_sends_that_point_through_the_graph(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab, "#epoch=9000&row=2")
    left, top, side = plot(opened)
    opened.page.mouse.click(left + side / 2, top + side / 2)
    opened.settle()
    names, values = opened.live("names"), opened.live("values")
    x = [values[names.index(name)] for name in ("x[0]", "x[1]")]
    assert x == pytest.approx([0.5, 0.5], abs=0.01)
    model = lab_model()
    model.load_state_dict(loaded_weights(opened))
    wanted = model(x).data
    assert values[names.index("prediction")] == pytest.approx(wanted, abs=1e-9)


def loaded_weights(opened: Opened) -> Any:
    """Return the page's weights as a state dict, by way of the file that it saves."""
    opened.press("x")
    with opened.page.expect_download() as download:
        opened.page.locator("#export-weights").click()
    opened.press("Escape")
    return json.loads(Path(download.value.path()).read_text(encoding="utf-8"))["weights"]


def test_a_weight_that_is_no_number_is_refused_and_nothing_changes(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    before = opened.numbers()
    for text in ("", "abc", "1e400", "nan", "--3", "2e6", "1,000"):
        opened.fill("weight hidden.bias[0]", text)
        assert f"“{text}” is no number" in opened.text("#message")
        assert opened.numbers() == before


def test_a_setting_that_makes_no_sense_is_refused_and_nothing_changes(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    before = opened.numbers()
    for field, text, message in (
        ("Learning rate", "-1", "learning rate is a number above 0"),
        ("Seed", "-4", "A seed is a whole number"),
        ("Epoch", "1000001", "whole number from 0 to 1,000,000"),
        ("Learning rate", "zero", "learning rate is a number above 0"),
        ("Seed", "1.5", "A seed is a whole number"),
    ):
        opened.fill(field, text)
        assert message in opened.text("#message")
        assert opened.numbers() == before


def test_what_was_said_of_a_bad_setting_goes_with_the_next_good_one(
    lab: Path, moons: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    message = opened.page.locator("#message")
    for field, bad, goods in (
        ("Epoch", "abc", ["500", "200", "200"]),
        ("Seed", "-4", ["", "7"]),
        ("Learning rate", "zero", ["0.1", "0.2"]),
        ("weight hidden.bias[0]", "abc", ["0.5", "0.5"]),
    ):
        for good in goods:
            opened.fill(field, bad)
            assert message.is_visible()
            opened.fill(field, good)
            assert not re.search("whole number|above 0|no number", opened.text("#message"))
    opened = open_page(moons)
    opened.fill("Row", "0")
    assert opened.page.locator("#message").is_visible()
    opened.fill("Row", "2")
    assert opened.page.locator("#message").is_hidden()


def test_enter_in_a_field_that_nobody_changed_changes_nothing(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, "#seed=3&epoch=50")
    opened.wait_until("live.epoch === 50")
    before = opened.numbers()
    for field in ("Epoch", "Seed", "Learning rate", "weight hidden.bias[0]"):
        opened.page.get_by_label(field, exact=True).press("Enter")
        opened.settle()
        assert opened.numbers() == before


def test_a_message_leaves_the_row_for_rewinding_its_place(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    room = (
        "document.getElementById('curve-card').getBoundingClientRect().bottom"
        " - document.querySelector('.rewind').getBoundingClientRect().bottom"
    )
    before = opened.evaluate(room)
    opened.fill("Epoch", "abc")
    assert opened.page.locator("#message").is_visible()
    assert opened.evaluate(room) == pytest.approx(before, abs=1)


def test_a_loss_that_is_no_longer_finite_stops_the_training_and_says_so(
    pages: Path, open_page: Open
) -> None:
    model = nn.MLP(1, [1], rng=0)
    optimizer = nn.SGD(model.parameters(), lr=3.0)
    x, y = [[1.0], [2.0], [3.0]], [2.0, 4.0, 6.0]
    path = page(model, x, y, nn.mse_loss, optimizer, pages / "line.html")
    with pytest.raises(nn.NonFiniteLossError) as stopped:
        nn.fit(model, x, y, optimizer=optimizer, epochs=2000, engine="python")

    opened = open_page(path)
    opened.press("t", "t")
    opened.page.wait_for_selector("#message:not([hidden])")
    assert f"The loss of epoch {stopped.value.epoch} is not finite" in opened.text("#message")
    assert opened.live("epoch") == stopped.value.epoch - 1
    assert_close(opened.live("losses"), stopped.value.losses[:-1], "losses")
    assert_close(
        opened.live("weights"), {path: p.data for path, p in model.named_parameters()}, "weights"
    )
    opened.press("Home")
    opened.fill("Learning rate", "0.05")
    opened.go_to(200)
    assert opened.live("loss") < 1e-3


# ---- addresses -----------------------------------------------------------------------------


def test_the_address_brings_back_the_same_moment(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.fill("Seed", "3")
    edited(opened)
    opened.press("2", "b", "ArrowRight")
    opened.wait_until("location.hash.includes('step=2')")
    address = opened.evaluate("location.hash")
    again = open_page(lab, address)
    again.wait_until("live.epoch === 700")
    again.settle()
    assert again.numbers() == opened.numbers()
    assert again.text("#step-count") == opened.text("#step-count")
    assert again.evaluate("location.hash") == address


HOSTILE_ADDRESSES = [
    "#seed=<script>window.hacked=1</script>",
    "#epoch=99999999999999999999&seed=-1&row=0&step=1e9",
    "#epoch=NaN&lr=-1&lr=Infinity&row=5",
    "#edits=0:w:99:1,0:w:0:1e999,0:__proto__:0:1,x:y,0:x:12:1,9999999:w:0:1",
    "#edits=" + "0:w:0:1," * 5000,
    "#__proto__=1&constructor=2&toString=3",
    "#%00%ff%&&&===&seed",
    "#javascript:window.hacked=1",
    "#step=57&epoch=3",
]


def test_a_hostile_address_does_no_harm(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, HOSTILE_ADDRESSES[0])
    start = {path: parameter.data for path, parameter in lab_model().named_parameters()}
    for address in HOSTILE_ADDRESSES:
        opened.evaluate("(address) => { location.hash = address; }", address)
        opened.settle()
        opened.settle()
        assert opened.evaluate("window.hacked") is None
        assert opened.live("epoch") in (0, 3)
        if opened.live("epoch") == 0:
            assert opened.live("weights") == start
        opened.press("Escape", "e")
        opened.settle()
        assert opened.live("epoch") in (1, 4)


def test_a_link_to_a_part_of_the_page_changes_no_number(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, "#epoch=5")
    before = opened.numbers()
    opened.press("Tab", "Enter")  # the link that skips to the lesson
    opened.settle()
    assert opened.evaluate("document.activeElement.id") == "lesson-card"
    assert opened.numbers() == before


# ---- exports -------------------------------------------------------------------------------


def test_the_exported_weights_load_into_python_to_the_last_bit(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, "#seed=4&epoch=777")
    opened.wait_until("live.epoch === 777")
    weights = opened.live("weights")
    opened.press("x")
    with opened.page.expect_download() as download:
        opened.page.locator("#export-weights").click()
    model = nn.MLP(2, [4, 1], rng=0)
    nn.load(model, download.value.path())
    assert download.value.suggested_filename == "weights.json"
    assert {path: p.data for path, p in model.named_parameters()} == weights


TITLES = [
    *("Whole graph", "Decision boundary", "Loss", "Network, with row 2", "What is going on here"),
    *("Weights", "Data", "History"),
]
SVG = "{http://www.w3.org/2000/svg}"


def pictures(opened: Opened, title: str) -> tuple[ElementTree.Element, tuple[int, int]]:
    """Return a panel as SVG, and the size of its PNG."""
    files = {}
    for kind in ("SVG", "PNG"):
        with opened.page.expect_download() as download:
            opened.page.get_by_label(f"{title} as {kind}", exact=True).click()
        files[kind] = Path(download.value.path()).read_bytes()
    assert files["PNG"].startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", files["PNG"][16:24])
    return ElementTree.fromstring(files["SVG"]), (width, height)


def texts_of(svg: ElementTree.Element) -> list[str]:
    return ["".join(text.itertext()) for text in svg.iter(f"{SVG}text")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_panel_can_be_taken_along_as_a_picture(
    lab: Path, open_page: Open, scheme: str
) -> None:
    opened = open_page(lab, "#epoch=50", color_scheme=scheme)
    opened.settle()
    opened.press("x")
    assert opened.page.locator("#panel-pictures span").all_text_contents() == TITLES
    found = {}
    for title in TITLES:
        svg, size = pictures(opened, title)
        found[title] = svg
        across, down = float(svg.get("width", 0)), float(svg.get("height", 0))
        assert size == pytest.approx((2 * across, 2 * down), abs=1), title
    graph = found["Whole graph"]
    assert sum(text.startswith("value ") for text in texts_of(graph)) == len(opened.live("names"))
    assert all(shape.get("fill") for shape in graph.iter(f"{SVG}rect"))
    weights = texts_of(found["Weights"])  # all of them, also those that only scrolling shows
    assert sum(text.startswith(("weight[", "bias[")) for text in weights) == 17
    predictions = texts_of(found["Data"])
    for (prediction,) in opened.live("predictions"):
        assert any(text.startswith(f"{prediction:.4f}") for text in predictions)
    for title in ("Decision boundary", "Loss"):  # lines, not only pixels
        assert len(list(found[title].iter(f"{SVG}path"))) >= 3
    assert {"x[0]", "x[1]"} <= set(texts_of(found["Decision boundary"]))
    runs = " ".join(texts_of(found["History"]))
    assert "1. Start: the weights that the page came with" in runs
    lesson = " ".join(texts_of(found["What is going on here"])).split()
    wanted = opened.page.locator("#lesson").inner_text().split()
    assert lesson[-len(wanted) :] == wanted


# ---- what must not happen ------------------------------------------------------------------


def test_hostile_names_are_shown_as_text_and_do_not_run(hostile: Path, open_page: Open) -> None:
    opened = open_page(hostile)
    opened.press("e", "b", "ArrowRight", "ArrowRight", "Escape", "w", "d", "x", "Escape")
    opened.press("g", "ArrowLeft", "Enter")
    opened.settle()
    assert opened.evaluate("window.hacked") is None
    assert opened.page.locator("img").count() == 0
    assert opened.page.locator("script").count() == 3
    assert HOSTILE in opened.text("h1")
    assert any(HOSTILE in name for name in opened.live("names"))
    assert opened.live("epoch") == 1


def test_the_page_forbids_itself_every_connection_and_every_other_script(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    policy = opened.evaluate("document.querySelector('meta[http-equiv]').content")
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    opened.evaluate(
        "() => { const script = document.createElement('script');"
        " script.textContent = 'window.hacked = 1'; document.body.append(script); }"
    )
    refused = opened.evaluate(
        "fetch('https://example.org/').then(() => 'reached', () => 'refused')"
    )
    assert opened.evaluate("window.hacked") is None
    assert refused == "refused"
    assert len(opened.errors) >= 2  # the browser reports the script and the connection
    assert any("inline script" in error for error in opened.errors)
    assert any("example.org" in error for error in opened.errors)
    opened.errors.clear()
    opened.requests.clear()


def test_nothing_moves_by_itself_where_less_motion_is_wanted(lab: Path, open_page: Open) -> None:
    count = "document.getAnimations().length"
    moving = open_page(lab, reduced_motion="no-preference")
    moving.press("b")
    moving.settle()
    assert moving.evaluate(count) > 0
    view = "document.getElementById('drawing').getAttribute('viewBox')"
    still = open_page(lab)
    still.press("b")
    assert still.evaluate(count) == 0
    at_once = still.evaluate(view)
    still.page.wait_for_timeout(500)
    assert still.evaluate(view) == at_once


# ---- a lesson ------------------------------------------------------------------------------


def test_the_first_lesson_is_a_row_in_which_weights_count(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.press("b")
    opened.settle()
    assert opened.text("#row-name") == "row 2"  # 0 1
    names, gradients = opened.live("names"), opened.live("gradients")
    assert gradients[names.index("hidden.weight[0][1]")] != 0.0


def test_a_lesson_goes_on_by_the_keys_that_a_hand_lies_on(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    step = "document.getElementById('step-count').textContent.split('/')[0].trim()"
    opened.page.locator("#step-mode").focus()
    opened.press("Space")
    opened.settle()
    assert opened.evaluate(step) == "1"  # Space has not closed it again
    for key, wanted in (
        *(("Enter", "2"), ("Space", "3"), ("PageDown", "4"), ("PageUp", "3"), ("ArrowRight", "4")),
    ):
        opened.press(key)
        opened.settle()
        assert opened.evaluate(step) == wanted, key
    opened.page.locator("#plane").focus()
    opened.press("ArrowLeft", "ArrowRight")
    opened.settle()
    assert opened.evaluate(step) == "4"
    opened.page.locator("#lesson-card").focus()
    opened.press("Space")
    opened.settle()
    assert opened.evaluate(step) == "5"
    assert opened.live("epoch") == 0


@pytest.mark.parametrize(("speed", "most"), [("1", 4), ("10", 35)])
def test_slow_speeds_train_at_that_speed(lab: Path, open_page: Open, speed: str, most: int) -> None:
    opened = open_page(lab)
    opened.page.locator("#speed").select_option(speed)
    opened.press("Space")
    started = opened.evaluate("performance.now()")
    opened.wait_until(f"live.epoch >= {int(speed) * 2}")
    opened.press("Space")
    seconds = (opened.evaluate("performance.now()") - started) / 1000
    # At most as many as are due; a busy machine gives fewer.
    assert opened.live("epoch") <= seconds * int(speed) + 1
    assert opened.live("epoch") <= most


ASIDE = (
    "(id) => { const at = document.getElementById(id); return at.scrollWidth - at.clientWidth; }"
)
# What any number takes at most, in each cell.
WIDEST = """() => [...document.querySelectorAll("#weights .amount")]
  .forEach((each) => { each.textContent = "−8.8e−88"; })"""
CUT = """[...document.querySelectorAll("td input, .amount, td")]
  .filter((each) => each.offsetParent && each.scrollWidth > each.clientWidth + 1)
  .map((each) => each.value || each.textContent)"""


def test_no_number_of_a_table_is_cut(lab: Path, moons: Path, open_page: Open) -> None:
    for path in (lab, moons):
        opened = open_page(path)
        field = opened.page.locator("#weights input").first
        field.fill("-0.00005319876")
        field.press("Enter")
        opened.settle()
        assert field.input_value() == "−5.32e−05"
        for width, height in (*SIZES, (1920, 950), (1366, 625), (1100, 800), (320, 640)):
            opened.resize((width, height))
            for tab in ("weights", "data"):
                opened.page.locator(f"#{tab}-tab").click()
                opened.settle()
                opened.evaluate(WIDEST)
                assert opened.evaluate(CUT) == [], (path.name, width, tab)
                assert opened.evaluate(ASIDE, f"{tab}-panel") <= 0, (path.name, width, tab)


def test_a_box_that_is_clicked_lets_the_lesson_wait(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.press("b", *["PageDown"] * 18)
    assert opened.text("#step-count") == "19 / 67"
    opened.page.locator("#drawing .box.lit").first.click()
    assert opened.text("#lesson-title").startswith("The gradient of")
    assert opened.page.locator("#drawing").is_visible()
    opened.press("Space")  # the box again, which has the focus: back to the step
    assert opened.text("#step-count") == "19 / 67"
    opened.settle()
    opened.page.locator("#drawing .box.lit").first.click()
    assert opened.text("#lesson-title").startswith("The gradient of")
    opened.press("PageDown")
    assert opened.text("#step-count") == "20 / 67"
    assert opened.live("epoch") == 0


def test_keys_work_while_the_rewind_slider_has_the_focus(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.press("t", "j", "ArrowLeft")
    opened.settle()
    assert opened.live("epoch") < 1000
    opened.press("b")
    assert opened.text("#step-count") == "1 / 67"


FIELDS = """["rate", "seed", "epoch-field"].map((id) => document.getElementById(id))
  .filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.value)"""
TICKS = """() => {
  const cut = [], right = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, x, y, most = Infinity) {
    const wide = Math.min(most, this.measureText(text).width), canvas = this.canvas;
    const left = x - { right: wide, center: wide / 2 }[this.textAlign];
    if (left < 0 || left + wide > canvas.clientWidth) cut.push([canvas.id, text, left]);
    return right.call(this, text, x, y, Math.min(most, 1e4));
  };
  window.dispatchEvent(new Event("resize"));
  return new Promise((done) => setTimeout(() => {
    CanvasRenderingContext2D.prototype.fillText = right;
    done(cut);
  }, 100));
}"""


def test_no_number_beside_the_tables_is_cut(small: Path, open_page: Open) -> None:
    opened = open_page(small)
    opened.fill("Learning rate", "0.30000000000000004")
    opened.fill("Seed", "123456789012345")
    for _ in range(12):
        opened.press("t")
    opened.wait_until("live.epoch === 12000")
    opened.settle()
    amounts = opened.page.locator("#weights .amount").all_inner_texts()
    assert amounts
    assert max(map(len, amounts)) <= len("−8.8e−88")
    assert opened.live("loss") < 5e-5
    assert re.fullmatch(r"\d\.?\d*e−\d\d", opened.text("#loss"))  # not 0.0000
    for width, _ in opened.at_each((*SIZES, (320, 640))):
        assert opened.evaluate(FIELDS) == [], width
        assert opened.evaluate(TICKS) == [], width


def test_a_small_prediction_is_not_shown_as_nothing(small: Path, open_page: Open) -> None:
    opened = open_page(small, "#epoch=3000")
    opened.wait_until("live.epoch === 3000")
    opened.press("d")
    opened.settle()
    shown = opened.page.locator("#data-rows td:nth-child(5)").all_text_contents()
    for (number,), text in zip(opened.live("predictions"), shown, strict=True):
        assert number != 0.0
        told = float(text.split()[0].replace("−", "-"))
        assert told == pytest.approx(number, abs=5e-5, rel=0.05)
        assert told != 0.0


def test_a_decimal_comma_is_understood(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.fill("Learning rate", "0,25")
    assert opened.page.locator("#rate").input_value() == "0.25"
    opened.fill("weight hidden.bias[0]", "−1,5")
    assert opened.live("weights")["hidden.bias[0]"] == -1.5


def test_in_an_update_a_box_shows_what_the_update_uses(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, "#epoch=100")
    opened.wait_until("live.epoch === 100")
    opened.press("b")
    opened.page.locator("#phase-update").click()
    opened.press("ArrowRight", "ArrowRight")
    opened.settle()
    names, weights = opened.live("names"), list(opened.live("weights").items())
    means = opened.live("meanGradients")
    for index, (name, weight) in enumerate(weights):
        box = f'#drawing [data-box="{names.index(name) + 1}"]:not(.reference)'
        updated = weight - LAB.learning_rate * means[name]
        value = f"new {updated:.4g}" if index < 3 else f"value {weight:.4g}"
        assert opened.text(f"{box} .value") == value.replace("-", "−"), name
        mean = f"mean {means[name]:+.4g}".replace("-", "−")
        assert opened.text(f"{box} .grad") == mean, name
    opened.press("Escape")
    opened.settle()
    assert opened.text('#drawing [data-box="1"] .grad').startswith("grad ")


def test_what_is_said_of_training_is_true(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    assert "are those that it came with" in opened.text("#lesson")
    opened.press("n")
    opened.settle()
    assert "are random, from seed" in opened.text("#lesson")
    opened.fill("Seed", "3")
    opened.press("t")
    opened.settle()
    assert "each time a little against its gradient" in opened.text("#lesson")


def test_too_large_steps_and_a_network_that_stands_still_are_told(
    lab: Path, open_page: Open
) -> None:
    """With a learning rate of 500 each start gets worse, and of some no weight moves any more."""
    opened = open_page(lab)
    told = set()
    for rate, seed in [("0.5", 0), *(("500", seed) for seed in range(12))]:
        opened.fill("Learning rate", rate)
        opened.fill("Seed", str(seed))
        opened.press("e", "e", "e")
        opened.settle()
        text = opened.text("#lesson")
        still = not any(opened.live("meanGradients").values())
        worse = not opened.live("loss") <= opened.live("losses")[0]
        told.add((worse, still))
        assert ("the steps are too large" in text, "every gradient is 0" in text) == (worse, still)
    assert {(False, False), (True, False), (True, True)} <= told


LESSONS = """async () => {
  const found = [], lesson = document.getElementById("lesson");
  const [now, last] = document.getElementById("step-count").textContent.split(" / ").map(Number);
  for (let step = now; step <= last; step += 1) {
    await new Promise(requestAnimationFrame);
    found.push(lesson.textContent);
    if (step < last) document.getElementById("next").click();
  }
  return found;
}"""


def test_a_number_alone_in_parentheses_has_no_second_pair(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, "#row=1&step=1")  # (0, 0): h[0] = sigmoid(-0.586)
    opened.settle()
    lessons = opened.evaluate(LESSONS)
    assert any("sigmoid(−0.586)" in lesson for lesson in lessons)
    assert not any("((−" in lesson for lesson in lessons)


# ---- for everyone --------------------------------------------------------------------------


def serious(opened: Opened) -> list[str]:
    """Return what axe-core finds that is serious or critical."""
    if not opened.evaluate("'axe' in window"):
        opened.evaluate(AXE)
    found = opened.evaluate(
        "axe.run(document, { resultTypes: ['violations'] }).then((result) => result.violations)"
    )
    return [
        f"{violation['id']}: {node['html'][:120]} {node['failureSummary'][:300]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_accessibility_check_finds_nothing_serious(
    lab: Path, moons: Path, open_page: Open, scheme: str
) -> None:
    opened = open_page(lab, "#epoch=5000", color_scheme=scheme)
    # The boxes come with the widest number there is, until their own are there.
    opened.wait_until(
        '![...document.querySelectorAll("[aria-label]")]'
        '.some((each) => each.getAttribute("aria-label").includes("1.234e"))'
    )
    opened.settle()
    assert serious(opened) == []
    opened.press("d", "b", "ArrowRight")
    opened.settle()
    assert serious(opened) == []
    opened.press("Escape", "n", "h")
    opened.settle()
    assert serious(opened) == []
    opened.press("?")
    assert serious(opened) == []
    opened.press("Escape", "x")
    assert serious(opened) == []
    narrow = open_page(moons, color_scheme=scheme, size=(390, 844))
    assert serious(narrow) == []


BESIDE = """(width) => [...document.querySelectorAll("button, input, select, canvas, h2, .line")]
  .filter((each) => each.offsetParent && !each.closest(".visually-hidden"))
  .filter((each) => {
    const box = each.getBoundingClientRect();
    return box.width && (box.left < -1 || box.right > width + 1);
  })
  .map((each) => each.outerHTML.slice(0, 100))"""


@pytest.mark.parametrize("name", ["lab", "moons"])
def test_nothing_lies_beside_the_screen(
    request: pytest.FixtureRequest, open_page: Open, name: str
) -> None:
    path = request.getfixturevalue(name)
    for address in ("", "#epoch=500&step=30"):
        opened = open_page(path, address)
        for width, _ in opened.at_each(SIZES):
            assert opened.evaluate("document.documentElement.scrollWidth") <= width
            assert opened.evaluate(BESIDE, width) == []


def test_each_step_fits_its_place_on_a_projector(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, "#epoch=5000&row=2&step=1")
    opened.settle()
    last = int(opened.text("#step-count").split("/")[1])
    for _ in range(last - 1):
        hidden = opened.evaluate(
            "() => { const card = document.getElementById('lesson-card');"
            " return card.scrollHeight - card.clientHeight; }"
        )
        assert hidden <= 1, opened.text("#lesson-title")
        opened.press("ArrowRight")
        opened.settle()


def test_moons_are_learned_as_a_class_would_see_it(moons: Path, open_page: Open) -> None:
    opened = open_page(moons)
    opened.press("t")
    opened.wait_until("live.epoch === 1000")
    opened.settle()
    assert opened.text("#right") == "40 of 40"
    python = Moons()
    nn.fit(
        *(python.model, python.x, python.y),
        optimizer=python.optimizer,
        epochs=1000,
        **python.settings,
    )
    right = [
        python.model(row).data * target > 0.0
        for row, target in zip(python.x, python.y, strict=True)
    ]
    assert all(right)


def test_the_small_network_starts_from_the_weights_it_was_given(
    small: Path, open_page: Open
) -> None:
    wanted = {path: parameter.data for path, parameter in small_model().named_parameters()}
    assert open_page(small).live("weights") == wanted
