"""A lesson in five scenes: each a link to a moment, with its text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nn
from demos.lab import LAB
from demos.page import page
from tests.browser.conftest import Open
from tests.browser.pages import lab_model
from tests.browser.python_side import numbers_of
from tests.browser.test_frame import SIZES
from tests.browser.test_use import serious

KEYS = ["forward", "chain-rule", "update", "saturation", "stuck"]


def test_the_page_offers_five_scenes_and_each_is_a_link(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.settle()
    links = opened.page.locator(".scenes a")
    assert [links.nth(at).get_attribute("href") for at in range(links.count())] == [
        f"#scene={key}" for key in KEYS
    ]
    titles = ("Forward: hidden layer", "Backward", "All rows, and their mean", "Backward")
    for key, title in zip(KEYS, titles, strict=False):
        again = open_page(lab, f"#scene={key}")
        again.settle()
        assert again.text("#scene-title").startswith(f"Scene {KEYS.index(key) + 1} of 5")
        assert again.text("#lesson-title").startswith(title)


def test_one_scene_leads_to_the_next_and_back(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, "#scene=forward")
    opened.page.locator("#scene-links a").last.click()
    opened.wait_until("document.getElementById('scene-title').textContent.includes('2 of 5')")
    opened.page.locator("#scene-links a").first.click()
    opened.wait_until("document.getElementById('scene-title').textContent.includes('1 of 5')")
    opened.page.get_by_label("Leave the scenes").click()
    opened.settle()
    assert opened.page.locator("#scene-bar").is_hidden()


def test_the_address_of_a_moment_in_a_scene_has_the_scene(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, "#scene=forward")
    opened.press("PageDown")
    opened.wait_until("location.hash.includes('layer=2')")
    again = open_page(lab, opened.evaluate("location.hash"))
    again.settle()
    assert again.text("#lesson-title") == "Forward: output"
    assert again.text("#scene-title") == "Scene 1 of 5: Forward"


def test_the_chain_rule_begins_where_a_slope_is_handed_on(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, "#scene=chain-rule")
    opened.settle()
    assert (
        opened.page.locator("#lesson")
        .get_attribute("data-text")
        .startswith("d loss/d z[0] += d loss/d h[0] × d h[0]/d z[0]")
    )


def test_what_is_saturated_lets_nearly_nothing_through(lab: Path, open_page: Open) -> None:
    model = lab_model()
    for place in range(4):
        dict(model.named_parameters())[f"hidden.bias[{place}]"].data = 8.0
    wanted = numbers_of(model, LAB.x, LAB.y, nn.mse_loss, 1)
    opened = open_page(lab, "#scene=saturation")
    opened.settle()
    assert opened.live("values") == pytest.approx(wanted["values"], rel=1e-9)
    largest = max(
        abs(gradient) for name, gradient in wanted["meanGradients"].items() if "hidden" in name
    )
    assert largest < 1e-4
    before = opened.live("weights")
    opened.press("Escape", "t")
    opened.wait_until("live.epoch === 1000")
    after = opened.live("weights")
    hidden = [name for name in before if name.startswith("hidden")]
    still = max(abs(after[name] - before[name]) for name in hidden)
    moved = max(abs(after[name] - before[name]) for name in before if name not in hidden)
    assert 10 * still < 0.01 < moved


def test_the_seed_that_is_found_has_not_learned_in_python_either(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab, "#scene=stuck")
    opened.wait_until("document.getElementById('scene-text').textContent.startsWith('Seed ')")
    opened.wait_until("live.epoch === 20000")
    opened.settle()
    seed = int(re.match(r"Seed (\d+)", opened.text("#scene-text"))[1])  # type: ignore[index]
    for each in range(seed + 1):
        model = nn.MLP(2, [4, 1], activation="sigmoid", output_activation="sigmoid", rng=each)
        optimizer = nn.SGD(model.parameters(), lr=LAB.learning_rate)
        nn.fit(model, LAB.x, LAB.y, loss=nn.mse_loss, optimizer=optimizer, epochs=20_000)
        right = sum((model(x).data > 0.5) == (y > 0.5) for x, y in zip(LAB.x, LAB.y, strict=True))
        assert (right == 4) == (each < seed)
    assert opened.text("#right") == f"{right} of 4"
    opened.wait_until("location.hash.includes('epoch=20000')")
    again = open_page(lab, opened.evaluate("location.hash"))
    again.wait_until("live.epoch === 20000")
    again.settle()
    assert again.text("#scene-text") == opened.text("#scene-text")


def test_what_never_saturates_says_so(pages: Path, open_page: Open) -> None:
    model = nn.MLP(2, [3, 1], "leaky_relu", "sigmoid", rng=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    path = page(model, LAB.x, LAB.y, nn.mse_loss, optimizer, pages / "leaky.html")
    opened = open_page(path, "#scene=saturation")
    opened.settle()
    assert opened.text("#scene-text").startswith("leaky_relu is flat nowhere")


def test_a_model_of_its_own_has_no_scenes(hostile: Path, open_page: Open) -> None:
    opened = open_page(hostile, "#scene=forward")
    opened.settle()
    assert opened.page.locator("#scene-bar").count() == 0
    assert "scene=forward" in opened.text("#message")


# Walk on from the present step to an end, and find where what a step gives is not on the screen.
RESULTS = """async (button) => {
  const found = [], card = document.getElementById("lesson-card");
  const count = document.getElementById("step-count");
  for (;;) {
    await new Promise(requestAnimationFrame);
    const [now, last] = count.textContent.split(" / ").map(Number);
    const seen = card.getBoundingClientRect(), bottom = Math.min(seen.bottom, innerHeight);
    const top = document.querySelector("#lesson-card .card-head").getBoundingClientRect().bottom;
    const all = [...document.querySelectorAll("#lesson .line, #lesson > .row-chips")];
    for (const each of [all[all.length - 1], ...all.filter((one) => one.matches(".row-chips"))]) {
      const box = each.getBoundingClientRect();
      if (box.bottom > bottom || box.top < top) found.push([now, each.textContent]);
    }
    for (const line of document.querySelectorAll("#lines, .all-rows")) {
      if (line.scrollWidth > line.clientWidth + 1) found.push([now, line.textContent]);
    }
    const number = count.getBoundingClientRect();
    if (!number.width || number.right > seen.right) found.push([now, "the count"]);
    if (now === (button === "next" ? last : first)) return found;
    document.getElementById(button).click();
  }
}"""


# The steps of the chain rule are those of saturation.
@pytest.mark.parametrize("key", ["forward", "update", "saturation"])
def test_what_a_step_gives_is_on_every_screen(lab: Path, open_page: Open, key: str) -> None:
    opened = open_page(lab, f"#scene={key}")
    opened.settle()
    first = int(opened.text("#step-count").split(" / ")[0])
    for at, size in enumerate(opened.at_each(SIZES)):
        script = RESULTS.replace("first)", f"{first})")
        assert opened.evaluate(script, "back" if at % 2 else "next") == [], size


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_scenes_shut_nobody_out(lab: Path, open_page: Open, scheme: str) -> None:
    for key in KEYS[:4]:
        size = (1366, 625)  # boxes are cut at the left
        opened = open_page(lab, f"#scene={key}", color_scheme=scheme, size=size)
        opened.settle()
        assert serious(opened) == [], key
