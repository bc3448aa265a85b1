"""What of the graph is on view, and how large, before anyone has moved it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import nn
from autodiff import Value, show
from tests.browser.conftest import Open
from tests.browser.opened import Opened
from tests.browser.test_folds import folded, two_blocks
from tests.browser.test_show import choose, neuron, row, shown
from tests.browser.test_step_view import clear, whole_in

__all__ = ["folded", "shown"]

PROJECTORS = [(1024, 768), (1280, 720), (1920, 1080)]
AFAR = 16.0  # pixels

# The least height of all text that is on the screen, in pixels of the screen, and which text it is.
LEAST_TEXT = """() => {
  let least = [Infinity, ""];
  for (const element of document.querySelectorAll("body *")) {
    const words = [...element.childNodes].filter((node) => node.nodeType === 3)
      .map((node) => node.data.trim()).join("");
    const { width, left, right, top, bottom } = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    if (!words || !width || style.visibility === "hidden" || element.closest(".visually-hidden")) {
      continue;
    }
    if (right < 0 || left > innerWidth || bottom < 0 || top > innerHeight) continue;
    const scale = element.ownerSVGElement ? element.getScreenCTM().a : 1;
    const size = parseFloat(style.fontSize) * scale;
    if (size < least[0]) least = [size, words];
  }
  return least;
}"""


def least_text(opened: Opened) -> float:
    size, words = opened.evaluate(LEAST_TEXT)
    assert size >= AFAR - 0.01, words
    return float(size)


def batch() -> Value:
    """Return the loss of 40 rows of a network, which is folded."""
    model = nn.MLP(3, [4, 4, 1], activation="tanh", rng=1)
    rows = [[0.1 * place, 1.0, -0.2 * place] for place in range(40)]
    return nn.mse_loss([model(each) for each in rows], [0.5] * 40)


GRAPHS: dict[str, Callable[[], Value]] = {
    "neuron": neuron,
    "row": row,
    "blocks": two_blocks,
    "batch": batch,
}


@pytest.mark.parametrize("size", PROJECTORS, ids=str)
@pytest.mark.parametrize("name", GRAPHS)
def test_all_text_is_16_pixels_high_on_a_projector(
    tmp_path: Any, open_page: Open, name: str, size: tuple[int, int]
) -> None:
    path = show(GRAPHS[name]()).save(tmp_path / "graph.html")
    opened = open_page(path, size=size)
    opened.settle()
    least_text(opened)
    for key in ("Home", "ArrowRight", "ArrowRight", "End", "ArrowLeft"):
        opened.press(key)
        opened.settle()
        least_text(opened)
    opened.press("Escape")
    opened.settle()
    least_text(opened)
    if name != "batch":
        opened.page.locator("#drawing .box.parameter").first.dispatch_event("click")
        opened.settle()
        least_text(opened)


RESULT = """() => {
  const rect = (element) => element.getBoundingClientRect().toJSON();
  const area = document.getElementById("graph-area");
  const shapes = [...document.querySelectorAll("#drawing .box .shape")].map(rect);
  return {
    area: rect(area),
    covers: [...area.querySelectorAll(".zoom, .graph-key")].filter((each) => each.offsetHeight)
      .map(rect),
    result: rect(document.querySelector("#drawing .box.result .shape")),
    all: {
      left: Math.min(...shapes.map((each) => each.left)),
      top: Math.min(...shapes.map((each) => each.top)),
      right: Math.max(...shapes.map((each) => each.right)),
      bottom: Math.max(...shapes.map((each) => each.bottom)),
    },
  };
}"""


@pytest.mark.parametrize("size", [*PROJECTORS, (390, 844)], ids=str)
def test_the_result_is_on_view_at_first_and_the_button_shows_the_whole(
    shown: Callable[..., Opened], size: tuple[int, int]
) -> None:
    opened = shown(row(), size=size)
    opened.settle()
    found = opened.evaluate(RESULT)
    assert whole_in(found["result"], clear(found))
    opened.page.locator("#zoom-all").click()
    opened.settle()
    found = opened.evaluate(RESULT)
    assert whole_in(found["all"], clear(found))
    # It stays whole in a window of another size.
    opened.resize((size[0] - 40, size[1] - 60))
    opened.settle()
    found = opened.evaluate(RESULT)
    assert whole_in(found["all"], clear(found))


# Of the boxes that are on view, and of all others, how many show their text, and how many do not.
TEXTS = """() => {
  const area = document.getElementById("graph-area").getBoundingClientRect();
  const found = { on: [0, 0], off: [0, 0] };
  for (const box of document.querySelectorAll("#drawing .box")) {
    const { left, right, top, bottom } = box.querySelector(".shape").getBoundingClientRect();
    const isOn = right > area.left && left < area.right && bottom > area.top && top < area.bottom;
    const isHidden = getComputedStyle(box.querySelector("text")).display === "none";
    found[isOn ? "on" : "off"][isHidden ? 1 : 0] += 1;
  }
  return found;
}"""


def test_of_very_many_boxes_those_on_view_show_their_text(shown: Callable[..., Opened]) -> None:
    total = Value(1.0, "start")
    for place in range(120):
        total = total + Value(0.01 * place, f"x{place}") * 0.5
    opened = shown(total)
    opened.press("Home")
    for _ in range(12):
        opened.press("ArrowRight")
        opened.settle()
        found = opened.evaluate(TEXTS)
        assert found["on"][0] >= 2
        assert found["on"][1] == 0
        assert found["off"][1] > 300
    labels = opened.evaluate(
        "[...document.querySelectorAll('#drawing .box')].every((box) => box.ariaLabel)"
    )
    assert labels
    # Dragged by the mouse, what comes into view has its text.
    area = opened.page.locator("#graph-area").bounding_box()
    assert area is not None
    opened.page.mouse.move(area["x"] + 20, area["y"] + 20)
    opened.page.mouse.down()
    for far in range(60, 400, 60):
        opened.page.mouse.move(area["x"] + 20 + far, area["y"] + 20)
        assert opened.evaluate(TEXTS)["on"][1] == 0
    opened.page.mouse.up()


def test_what_a_finger_presses_is_large(shown: Callable[..., Opened]) -> None:
    opened = shown(neuron(), size=(390, 844), is_phone=True)
    opened.press("Home")
    opened.settle()
    for button in opened.page.locator("button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_lit_line_is_told_apart_where_the_system_chooses_the_colours(
    shown: Callable[..., Opened],
) -> None:
    opened = shown(neuron(), forced_colors="active")
    opened.press("Home")
    opened.settle()
    style = "getComputedStyle(document.querySelector('.code-line{}')).outlineStyle"
    assert opened.evaluate(style.format(".lit")) == "solid"
    assert opened.evaluate(style.format(":not(.lit)")) == "none"


def test_an_arrow_of_a_fold_shows_both_signs_that_flow_along_it(
    folded: Callable[..., Opened],
) -> None:
    opened = folded(two_blocks())
    shown_signs = """() => [...document.querySelectorAll("#drawing .arrow")].map((arrow) =>
      [arrow.dataset.sign, getComputedStyle(arrow.querySelector(".opposite")).display])"""
    opened.settle()
    found = dict(opened.evaluate(shown_signs))
    assert found.pop("both", "inline") == "inline"
    assert set(found.values()) <= {"none"}


def test_what_comes_along_an_arrow_of_a_fold_does_not_hide_its_parts(
    tmp_path: Any, open_page: Open
) -> None:
    # Twenty times 0.5 goes back from the upper half, and 20 times -0.5: together nothing.
    x = Value(1.0, "x")
    chain = x * 1.0
    for place in range(40):
        chain = chain + (x * 0.5 if place % 2 else x * -0.5)
    opened = open_page(show(chain, fold=True).save(tmp_path / "graph.html"))
    opened.settle()
    signs = opened.evaluate(
        "[...document.querySelectorAll('#drawing .arrow')].map((arrow) => arrow.dataset.sign)"
    )
    assert "both" in signs


def test_a_number_in_the_field_is_selected_when_it_is_refused(
    shown: Callable[..., Opened],
) -> None:
    opened = shown(neuron())
    opened.page.locator("#predict").check()
    opened.settle()
    opened.page.keyboard.type("banana")
    opened.press("Enter")
    opened.settle()
    opened.page.keyboard.type("7")  # it takes the place of what was refused
    opened.press("Enter")
    opened.settle()
    assert opened.text(".verdict").endswith("You said 7.")
    opened.press("PageDown")
    opened.settle()
    question = opened.text("#lesson")
    assert "This goes on from your v5 = 7. Who takes the right −1.5 is right, too." in question
    opened.page.keyboard.type("-0.5")
    opened.press("Enter")
    opened.settle()
    assert opened.text(".verdict").startswith("✓ right")
    choose(opened, "w")
