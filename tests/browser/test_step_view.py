"""What a class sees of the graph while it steps through backprop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Open
from tests.browser.opened import Opened, Tabs
from tests.browser.test_use import SIZES

AFAR, WIDE = 16.0, 1000  # pixels: titles of boxes, on screens that may be a projector's
LEGEND = 12.0  # pixels
READABLE = 11.0  # pixels: on others, wherever a step fits with them so high
SMALLEST = 8.0  # where a step fits only with smaller ones
EDGE = 11.0  # units of the drawing that may be seen beyond its outermost boxes, rounded up
PIXEL = 1.0

# Walk through the steps from the present one on, and measure each in pixels of the screen.
WALK = """async () => {
  const rect = (element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return { left, top, right, bottom };
  };
  const union = (all) => ({
    left: Math.min(...all.map((each) => each.left)), top: Math.min(...all.map((each) => each.top)),
    right: Math.max(...all.map((each) => each.right)),
    bottom: Math.max(...all.map((each) => each.bottom)),
  });
  const rects = (selector) => [...drawing.querySelectorAll(selector)].map(rect);
  const drawing = document.getElementById("drawing"), area = document.getElementById("graph-area");
  const frame = () => new Promise(requestAnimationFrame);
  const [now, last] = document.getElementById("step-count").textContent.split(" / ").map(Number);
  const found = [];
  for (let step = now; step <= last; step += 1) {
    await frame();
    const scale = drawing.getScreenCTM().a, title = drawing.querySelector(".active .title");
    found.push({
      title: document.getElementById("lesson-title").textContent, scale,
      area: rect(area), width: innerWidth,
      text: parseFloat(getComputedStyle(title).fontSize) * scale,
      graph: union(rects(".box .shape")), active: union(rects(".active .shape")),
      step: union(rects(".lit .shape, .arrow.lit .line")),
      covers: [...area.querySelectorAll(".zoom, .graph-key")].filter((each) => each.offsetHeight)
        .map(rect),
      key: Math.min(...[...document.querySelectorAll(".graph-key span")]
        .filter((each) => each.checkVisibility())
        .map((each) => parseFloat(getComputedStyle(each).fontSize)), 99),
      half: [...drawing.querySelectorAll(".box")].filter((box) => {
        const text = [...box.querySelectorAll("text")].map(rect);
        return getComputedStyle(box.querySelector("text")).visibility !== "hidden"
          && text.some(({ left, right }) => left < rect(area).left && right > rect(area).left
            || left < rect(area).right && right > rect(area).right);
      }).map((box) => box.textContent),
    });
    if (step < last) document.getElementById("next").click();
  }
  return found;
}"""


@pytest.fixture(
    scope="module",
    params=[*((name, size) for name in ("lab", "moons") for size in SIZES), ("lab", (1366, 625))],
    ids=lambda param: f"{param[0]}-{param[1][0]}",
)
def steps(request: pytest.FixtureRequest, tabs: Tabs) -> list[dict[str, Any]]:
    """What each step shows, on a screen that gets its size while the page steps."""
    name, (width, height) = request.param
    opened = Opened(tabs, request.getfixturevalue(name))
    opened.press("b")
    opened.resize((width, height))
    opened.settle()
    found = list(opened.evaluate(WALK))
    opened.close()
    return found


def clear(shown: dict[str, Any]) -> dict[str, float]:
    """Return the part of the graph's area above the zoom buttons and the colour key."""
    bottom = min([cover["top"] for cover in shown["covers"]], default=shown["area"]["bottom"])
    return {**shown["area"], "bottom": bottom}


def whole_in(inner: dict[str, float], outer: dict[str, float]) -> bool:
    return (
        inner["left"] >= outer["left"] - PIXEL
        and inner["top"] >= outer["top"] - PIXEL
        and inner["right"] <= outer["right"] + PIXEL
        and inner["bottom"] <= outer["bottom"] + PIXEL
    )


def text_of_the_whole_step(shown: dict[str, Any]) -> float:
    """Return how high titles are where the step just fills the clear part, with a narrow edge."""
    step, free = shown["step"], clear(shown)
    edges = 2 * EDGE * shown["scale"]
    across = (free["right"] - free["left"]) / (step["right"] - step["left"] + edges)
    down = (free["bottom"] - free["top"]) / (step["bottom"] - step["top"] + edges)
    return float(shown["text"] * min(across, down))


def test_a_step_wastes_no_room_beyond_the_graph_while_boxes_are_cut_off(
    steps: list[dict[str, Any]],
) -> None:
    for shown in steps:
        graph, free = shown["graph"], clear(shown)
        for low, high in (("left", "right"), ("top", "bottom")):
            before, behind = graph[low] - free[low], free[high] - graph[high]
            narrow = EDGE * shown["scale"] + 5 * shown["scale"] + PIXEL  # 5: Graphviz's own edge
            assert before <= narrow or behind >= -PIXEL, (shown["title"], low)
            assert behind <= narrow or before >= -PIXEL, (shown["title"], high)


def test_a_step_is_shown_whole_and_readable_wherever_it_fits(
    steps: list[dict[str, Any]],
) -> None:
    for shown in steps:
        assert whole_in(shown["active"], clear(shown)), shown["title"]
        readable, smallest = (AFAR, AFAR) if shown["width"] >= WIDE else (READABLE, SMALLEST)
        fitting = text_of_the_whole_step(shown)
        if fitting >= smallest:
            assert whole_in(shown["step"], clear(shown)), shown["title"]
        assert shown["text"] >= min(readable, max(fitting, smallest - 0.5)), shown["title"]
        assert shown["key"] >= LEGEND
        assert shown["half"] == [], shown["title"]  # the rest of a number reads as another
    readable_steps = [shown for shown in steps if shown["text"] >= READABLE]
    assert len(readable_steps) > 0.8 * len(steps)


def test_a_view_that_a_person_chose_stays_when_the_window_changes(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    view = "document.getElementById('drawing').getAttribute('viewBox')"
    opened.press("b")
    opened.settle()
    followed = opened.evaluate(view)
    opened.press("+")
    chosen = opened.evaluate(view)
    assert chosen != followed
    opened.resize((1400, 800))
    opened.settle()
    assert opened.evaluate(view) == chosen
