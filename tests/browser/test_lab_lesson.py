"""What the lab's page has of the stepper: nudge a number, predict the next one."""

from __future__ import annotations

from pathlib import Path

import pytest

import nn
from autodiff import show
from demos.lab import LAB
from demos.one_row import one_row_loss
from tests.browser.conftest import Open
from tests.browser.pages import lab_model
from tests.browser.python_side import assert_close, numbers_of

ROW = 1  # (0, 1), which the page shows first


def row_loss_at(number: float) -> tuple[float, float]:
    """Return the row's loss with hidden.weight[1][1] at a number, and its gradient for that."""
    model = lab_model()
    weight = dict(model.named_parameters())["hidden.weight[1][1]"]
    weight.data = number
    loss = one_row_loss(model, LAB.x[ROW], LAB.y[ROW])
    loss.backward()
    return loss.data, weight.grad


def test_a_weights_line_is_dragged_and_the_promise_stands_beside_what_happened(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    opened.page.locator(".weight").nth(3).dispatch_event("click")
    opened.settle()
    before = opened.live("weights")["hidden.weight[1][1]"]
    opened.page.locator("#number").fill("0.75")
    opened.page.locator("#number").press("Enter")
    opened.settle()
    (loss, slope), (after, _) = row_loss_at(before), row_loss_at(0.75)
    texts = opened.page.locator("#promise .number").all_text_contents()
    found = [float(text.strip("()").replace("−", "-")) for text in texts]
    change = 0.75 - before
    promised = [slope, slope, change, slope * change]
    assert found == pytest.approx([*promised, after - loss, (after - loss) / change], rel=1e-3)
    # All the page follows: a weight that is nudged is a weight that was edited.
    model = lab_model()
    dict(model.named_parameters())["hidden.weight[1][1]"].data = 0.75
    wanted = numbers_of(model, LAB.x, LAB.y, nn.mse_loss, ROW)
    assert opened.live("loss") == pytest.approx(wanted["loss"], rel=1e-9)
    assert_close(opened.live("predictions"), wanted["predictions"], "predictions")
    assert float(opened.page.locator(".weight-number").nth(3).text_content()) == 0.75


def test_the_slider_is_one_edit_and_begins_anew_elsewhere(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.page.locator(".weight").nth(0).dispatch_event("click")
    opened.settle()
    for number in ("0.5", "0.6", "0.7"):
        opened.page.locator("#slider").fill(number)
        opened.settle()
    opened.wait_until("location.hash.includes('edits')")
    assert opened.evaluate("location.hash").count(":w:") == 1
    opened.page.locator(".weight").nth(1).dispatch_event("click")
    opened.settle()
    assert "Drag hidden.weight[0][1]" in opened.text("#promise")


def test_each_next_number_can_be_predicted_and_is_marked(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.press("y")
    opened.settle()
    wanted = numbers_of(lab_model(), LAB.x, LAB.y, nn.mse_loss, ROW)
    values = dict(zip(wanted["names"], wanted["values"], strict=True))
    for name, offset, sign, score in (
        ("z[0]", 0.0, "✓", "1 of 1"),
        ("h[0]", 0.0, "✓", "2 of 2"),
        ("z[1]", 0.5, "✗", "2 of 3"),
    ):
        assert opened.text("#lesson .formula").startswith(f"{name} = ")
        opened.press("PageDown")  # not before the number is told
        opened.page.locator("#answer").fill(f"{values[name] + offset:.5g}")
        opened.page.locator("#answer").press("Enter")
        opened.settle()
        assert opened.text("#lesson .verdict").startswith(sign)
        assert opened.text("#score") == score
        opened.press("PageDown")
        opened.settle()


def test_a_mistake_before_is_no_second_one(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.press("y")
    for answer, mark in (("1.0", "wrong"), ("0.73106", "follows")):  # sigmoid(1) = 0.7310586
        opened.page.locator("#answer").fill(answer)
        opened.page.locator("#answer").press("Enter")
        opened.settle()
        assert mark in str(opened.page.locator(".verdict").get_attribute("class"))
        opened.press("PageDown")
        opened.settle()


def test_training_asks_for_new_numbers(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.press("y")
    opened.page.locator("#answer").fill("5")
    opened.page.locator("#answer").press("Enter")
    opened.settle()
    assert opened.text("#score") == "0 of 1"
    opened.press("Escape", "e", "b")
    opened.settle()
    assert opened.text("#score") == ""
    assert opened.page.locator("#answer").is_visible()


def lesson_of(html: str) -> str:
    """Return the lesson of a page."""
    return html[html.index('id="lesson-card"') :].partition("</section>")[0]


def test_the_lesson_is_that_of_any_graph(lab: Path) -> None:
    loss = one_row_loss(lab_model(), LAB.x[ROW], LAB.y[ROW])
    assert lesson_of(lab.read_text("utf-8")) == lesson_of(show(loss).html)


def test_the_lesson_walks_by_itself(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.page.locator("#walk").click()
    opened.settle()
    assert opened.text("#walk") == "Pause"
    opened.wait_until("document.getElementById('step-count').textContent.startsWith('2 /')")
    opened.page.locator("#walk").click()
    assert opened.text("#walk") == "Play"
