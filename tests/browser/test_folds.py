"""The page of a large graph, opened fold by fold in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import nn
from autodiff import Trace, Value, backward_steps, record_source, show, topological_order
from tests.bits import all_bits
from tests.browser.conftest import Open
from tests.browser.opened import Opened
from tests.browser.test_use import serious
from tests.test_stepper_folds import block


@pytest.fixture
def folded(tmp_path: Any, open_page: Open) -> Callable[..., Opened]:
    """Open the page of a graph, folded whatever its size."""

    def open_graph(root: Any, **options: Any) -> Opened:
        return open_page(show(root, fold=True).save(tmp_path / "graph.html"), **options)

    return open_graph


def two_blocks() -> Value:
    """Return a loss of two blocks of two calls each; a factor is used by both."""
    with record_source():
        numbers = [Value(0.25 * place, f"x{place}") for place in range(3)]
        factor = Value(2.0, "factor")
        for _ in range(2):
            numbers = block(numbers, factor)
        loss = numbers[0] * numbers[1] + numbers[2] * factor
    loss.label = "loss"
    return loss


def fold_boxes(opened: Opened) -> dict[str, int]:
    """Return the closed folds that are on view, and their ids."""
    script = """[...document.querySelectorAll("#drawing .box.fold")].map((box) =>
      [box.querySelector(".title").textContent, Number(box.dataset.box)])"""
    return dict(opened.evaluate(script))


def open_fold(opened: Opened, title: str) -> None:
    """Click the box of that fold."""
    box = fold_boxes(opened)[title]
    opened.page.locator(f'#drawing [data-box="{box}"]').dispatch_event("click")
    opened.settle()
    assert opened.live("scene.title") == title


def crumbs(opened: Opened) -> list[str]:
    found: list[str] = opened.page.locator("#crumbs li").all_text_contents()
    return found


def gone_through(opened: Opened) -> list[str]:
    """Walk through what is open, and return each step's text."""
    texts = []
    opened.press("Home")
    for _ in range(opened.live("count")):
        opened.settle()
        texts.append(opened.page.locator("#lesson").get_attribute("data-text") or "")
        if opened.live("step") < opened.live("count") - 1:
            opened.press("ArrowRight")
    return texts


def test_a_click_opens_a_fold_and_the_trail_leads_back(folded: Callable[..., Opened]) -> None:
    opened = folded(two_blocks())
    assert list(fold_boxes(opened)) == ["block 1", "block 2"]
    assert crumbs(opened) == ["loss"]
    open_fold(opened, "block 2")
    assert list(fold_boxes(opened)) == ["scaled 2", "normalized 2"]
    open_fold(opened, "normalized 2")
    assert fold_boxes(opened) == {}
    assert crumbs(opened) == ["loss", "block 2", "normalized 2"]
    opened.press("u")
    opened.settle()
    assert crumbs(opened) == ["loss", "block 2"]
    assert opened.evaluate("document.activeElement.dataset.box") == str(
        fold_boxes(opened)["normalized 2"]
    )
    opened.press("Enter")
    opened.settle()
    opened.page.locator("#crumbs button").first.click()
    opened.settle()
    assert list(fold_boxes(opened)) == ["block 1", "block 2"]


def test_a_step_over_a_closed_fold_says_what_came_in_and_what_went_out(
    folded: Callable[..., Opened],
) -> None:
    loss = two_blocks()
    opened = folded(loss)
    texts = gone_through(opened)
    assert texts[:2] == [
        "block 1: 11 operations, 1 value in, 3 out",
        "block 2: 11 operations, 4 values in, 3 out",
    ]
    assert texts[-2:] == [
        "block 2: 11 operations, 3 gradients in, 4 out",
        "block 1: 11 operations, 3 gradients in, 1 out",
    ]
    opened.press("End")
    opened.settle()
    to_factor = [step for step in backward_steps(loss) if step.parent.label == "factor"]
    added = sum(step.contribution for step in to_factor if step.node.parents[0].label)  # x0, x1, x2
    assert f"+= {added:.4g}".replace("-", "−") in opened.text("#lesson")


def test_what_is_open_is_stepped_contribution_by_contribution(
    folded: Callable[..., Opened],
) -> None:
    loss = two_blocks()
    opened = folded(loss)
    loss.backward()
    nodes = topological_order(loss)
    assert all_bits(opened.live("values")) == all_bits(node.data for node in nodes)
    gradients = opened.live("gradients")
    for node, gradient in zip(nodes, gradients, strict=True):
        assert node.is_constant or all_bits([gradient]) == all_bits([node.grad])
    found = [text for text in gone_through(opened) if " += " in text]
    for path in (("block 1",), ("block 2",)):
        open_fold(opened, path[0])
        for inner in fold_boxes(opened):
            open_fold(opened, inner)
            found += [text for text in gone_through(opened) if " += " in text]
            opened.press("u")
            opened.settle()
        opened.press("u")
        opened.settle()
    # Each once, with its numbers.
    assert sorted(map(numbers_in, found)) == sorted(
        numbers_in(str(step)) for step in backward_steps(loss)
    )


def numbers_in(text: str) -> str:
    """Return a step's numbers, without names and without the sum, which is of what is done."""
    return text.partition(" = ")[2].partition("  (sum")[0]


def test_what_is_open_has_the_names_of_its_function(folded: Callable[..., Opened]) -> None:
    opened = folded(two_blocks())
    open_fold(opened, "block 2")
    open_fold(opened, "normalized 2")
    texts = gone_through(opened)
    assert texts[0].startswith("powers[0] = exp(scores[0]) = ")
    assert texts[4].startswith("total (2) = ")
    assert texts[-1].startswith(
        "d loss/d scores[0] += d loss/d powers[0] × d powers[0]/d scores[0]"
    )
    opened.press("Escape", "u", "u")
    opened.settle()
    assert gone_through(opened)[2].startswith("v26 = numbers[0] (2) * numbers[1] (2) = ")


def test_a_walk_goes_into_a_fold_and_out_of_it(folded: Callable[..., Opened]) -> None:
    opened = folded(two_blocks())
    opened.press("Home", "ArrowRight", "o")  # over block 1, then into block 2
    opened.settle()
    assert (opened.live("scene.title"), opened.live("step")) == ("block 2", 0)
    opened.press("End")
    opened.settle()
    assert opened.text("#next") == "Out ↑"
    opened.press("PageDown")
    opened.settle()
    assert opened.live("scene.title") == "loss"
    lesson = opened.page.locator("#lesson")
    assert lesson.get_attribute("data-text") == "block 2: 11 operations, 3 gradients in, 4 out"
    opened.press("o")
    opened.settle()
    assert lesson.get_attribute("data-text") == "The gradients of what block 2 gives come in"
    opened.press("PageUp", "Home", "PageUp")
    opened.settle()
    assert opened.live("scene.title") == "loss"


def test_a_trace_opens_at_the_fold_that_its_step_is_in(tmp_path: Any, open_page: Open) -> None:
    trace = Trace(two_blocks())
    trace.goto(5)  # the fifth operation is in the first block
    opened = open_page(show(trace, fold=True).save(tmp_path / "trace.html"))
    opened.settle()
    lesson = opened.page.locator("#lesson")
    assert lesson.get_attribute("data-text") == "block 1: 11 operations, 1 value in, 3 out"
    trace.goto(len(trace))
    opened = open_page(show(trace, fold=True).save(tmp_path / "trace.html"))
    opened.settle()
    lesson = opened.page.locator("#lesson")
    assert lesson.get_attribute("data-text") == "block 1: 11 operations, 3 gradients in, 1 out"


def test_the_line_that_called_a_fold_is_lit(folded: Callable[..., Opened]) -> None:
    opened = folded(two_blocks())
    lit = '(document.querySelector(".code-line.lit code") || {}).textContent'
    opened.press("Home")
    opened.settle()
    assert opened.evaluate(lit).strip() == "numbers = block(numbers, factor)"
    opened.press("o")
    opened.settle()
    assert opened.evaluate(lit).strip() == "return normalized(scaled(numbers, factor))"


def test_a_variable_inside_is_nudged_and_a_number_inside_is_predicted(
    folded: Callable[..., Opened],
) -> None:
    loss = two_blocks()
    opened = folded(loss)
    before = opened.live("values")[-1]
    open_fold(opened, "block 1")
    open_fold(opened, "scaled 1")
    place = opened.live("names").index("x1") + 1
    opened.page.locator(f'#drawing [data-box="{place}"]').dispatch_event("click")
    opened.settle()
    opened.page.locator("#number").fill("0.5")
    opened.page.locator("#number").press("Enter")
    opened.settle()
    assert opened.live("values")[-1] != before
    opened.page.locator("#undo").click()
    opened.page.locator("#predict").check()
    opened.settle()
    opened.page.locator("#answer").fill("0")  # x0 * factor
    opened.page.locator("#answer").press("Enter")
    opened.settle()
    assert opened.text(".verdict").startswith("✓ right")


def test_a_graph_that_nothing_was_recorded_of_opens_part_by_part(
    folded: Callable[..., Opened],
) -> None:
    chain = x = Value(0.5, "x")
    for _ in range(1500):
        chain = (chain * x).tanh()
    opened = folded(chain)
    depth = 0
    while fold_boxes(opened):
        open_fold(opened, next(iter(fold_boxes(opened))))
        depth += 1
    assert 1 <= depth <= 3
    texts = gone_through(opened)
    assert texts[0].startswith("v2 = x * x = 0.25")


def test_rows_layers_and_neurons_of_a_network_open(folded: Callable[..., Opened]) -> None:
    model = nn.MLP(2, [3, 1], activation="tanh", output_activation="tanh", rng=1)
    rows = [[0.1 * place, 1.0] for place in range(10)]
    opened = folded(nn.mse_loss([model(row) for row in rows], [0.5] * 10))
    for title in ("row 10", "hidden", "hidden[2]"):
        open_fold(opened, title)
    assert fold_boxes(opened) == {}


def test_inputs_that_the_same_boxes_use_are_one_box(folded: Callable[..., Opened]) -> None:
    opened = folded(two_blocks())
    open_fold(opened, "block 2")
    opened.page.locator('#drawing .box.outside:has-text("3 results")').dispatch_event("click")
    opened.settle()
    assert opened.text("#lesson-title").endswith(": 3 values")
    names, values = opened.live("names"), opened.live("values")
    assert opened.text("#lesson-title").startswith("numbers[0] … numbers[2]")
    first = next(place for place, name in enumerate(names, 1) if name == "numbers[0]")
    assert opened.text("#lesson").startswith(f"numbers[0] = {values[first - 1]:.4g}, d loss")


# No box lies on another, and no two lines of arrows are needed to see it.
OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll("#drawing .box .shape")].map((shape) => {
    const at = (name) => Number(shape.getAttribute(name));
    return [at("x"), at("y"), at("x") + at("width"), at("y") + at("height")];
  });
  let count = 0;
  boxes.forEach(([left, top, right, bottom], index) => boxes.slice(0, index).forEach((other) => {
    if (left < other[2] && other[0] < right && top < other[3] && other[1] < bottom) count += 1;
  }));
  return count;
}"""


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720), (390, 844)])
def test_boxes_lie_apart_and_within_the_picture(
    folded: Callable[..., Opened], size: tuple[int, int]
) -> None:
    opened = folded(two_blocks(), size=size)
    for title in (None, "block 2", "normalized 2"):
        if title is not None:
            open_fold(opened, title)
        assert opened.evaluate(OVERLAPS) == 0
        assert opened.evaluate("document.documentElement.scrollWidth") <= size[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_accessibility_check_finds_nothing_serious(
    folded: Callable[..., Opened], scheme: str
) -> None:
    opened = folded(two_blocks(), color_scheme=scheme)
    assert serious(opened) == []
    open_fold(opened, "block 1")
    assert serious(opened) == []
    opened.press("Home")
    opened.settle()
    assert serious(opened) == []
    label = opened.page.locator("#drawing .box.fold").first.get_attribute("aria-label") or ""
    assert label.endswith("closed: Enter opens it")


def test_a_tap_opens_a_fold_and_one_finger_scrolls_the_page(folded: Callable[..., Opened]) -> None:
    opened = folded(two_blocks(), size=(390, 844), is_phone=True)
    box = fold_boxes(opened)["block 1"]
    opened.page.locator(f'#drawing [data-box="{box}"] .shape').tap()
    opened.settle()
    assert opened.live("scene.title") == "block 1"
    touch = "getComputedStyle(document.getElementById('drawing')).touchAction"
    assert opened.evaluate(touch) == "pan-x pan-y"
    opened.page.locator("#crumbs button").tap()
    opened.settle()
    assert opened.live("scene.title") == "loss"
