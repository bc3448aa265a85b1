"""The live page's frame: every size of a screen, fingers, paper, no script."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Open
from tests.browser.opened import Opened
from tests.browser.test_show_view import least_text
from tests.browser.test_use import plot, serious

SIZES = [
    *((1920, 1080), (1920, 950), (1366, 625), (1280, 593), (1100, 560), (1500, 600)),
    *((960, 470), (844, 390), (390, 844), (320, 640)),
]
PHONE: dict[str, Any] = {"size": (390, 844), "is_phone": True}


# ---- every size ----------------------------------------------------------------------------

# One of each way to lay out the page, and the narrowest: a pass of 67 steps is drawn at each.
WALKED = [(1920, 1080), (1280, 593), (960, 470), (390, 844), (320, 640)]

# Steps through a pass with Next, which a pointer that stays where it is has to hit each time.
STEP_THROUGH = """async () => {
  const next = document.getElementById("next"), found = [];
  const drawn = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  for (let step = 1; step <= 67; step += 1) {
    const box = next.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const hit = document.elementFromPoint(x, y);
    const card = document.getElementById("graph-area").getBoundingClientRect();
    found.push({
      hit: hit !== null && next.contains(hit), y,
      graph: Math.min(card.bottom, window.innerHeight) - Math.max(card.top, 0),
      count: document.getElementById("step-count").textContent.trim(),
    });
    next.click();
    await drawn();
  }
  return found;
}"""


@pytest.mark.parametrize("size", WALKED, ids=lambda size: f"{size[0]}x{size[1]}")
def test_next_stays_under_the_pointer(lab: Path, open_page: Open, size: tuple[int, int]) -> None:
    opened = open_page(lab, size=size)
    opened.page.locator("#step-mode").click()
    opened.page.locator("#next").click()
    opened.page.locator("#back").click()
    opened.settle()
    shown = opened.evaluate(STEP_THROUGH)
    assert [each["count"] for each in shown] == [f"{step} / 67" for step in range(1, 68)]
    for each in shown:
        assert each["hit"], each
        assert each["graph"] >= 130, each
        assert abs(each["y"] - shown[0]["y"]) <= 1, "Next runs away from the pointer"
    assert opened.live("epoch") == 1
    opened.page.locator("#leave-steps").click()
    opened.settle()
    assert opened.page.locator("#play").is_visible()


# What is wrong at a size, by what it is: a control that something covers, a panel that is squeezed,
# a number at the top that stands on two lines, and how far the page is wider than the screen.
FAULTS = """() => {
  const isCovered = (each) => {
    if (!each.checkVisibility({ visibilityProperty: true }) || each.disabled) return false;
    if (each.closest(".panel, .neurons, .runs")) return false;
    each.scrollIntoView({ block: "center" });
    const box = each.getBoundingClientRect();
    const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return !hit || !(each.contains(hit) || hit.contains(each) && hit.matches("label"));
  };
  const isSqueezed = (each) => {
    const { width, height } = each.getBoundingClientRect();
    return Math.round(Math.min(width, height)) < (each.id === "curve" ? 70 : 110);
  };
  const isWrapped = (each) => each.getClientRects().length
    && each.offsetHeight > 1.6 * parseFloat(getComputedStyle(each).fontSize);
  const all = (selector, isFault) => [...document.querySelectorAll(selector)].filter(isFault)
    .map((each) => each.outerHTML.slice(0, 90));
  const { scrollWidth, clientWidth } = document.documentElement;
  return {
    overflow: Math.max(0, scrollWidth - clientWidth),
    covered: all("button, input, select", isCovered),
    squeezed: all("#plane, #curve, #graph-area", isSqueezed),
    wrapped: all(".readouts dd, .readouts dt", isWrapped),
  };
}"""


@pytest.mark.parametrize(("name", "epoch"), [("moons", 0), ("lab", 12000)])
def test_at_every_size_controls_can_be_clicked_panels_have_room_and_readouts_one_line(
    request: pytest.FixtureRequest, open_page: Open, name: str, epoch: int
) -> None:
    opened = open_page(request.getfixturevalue(name), f"#epoch={epoch}")
    opened.wait_until(f"live.epoch === {epoch}")
    for size in opened.at_each(SIZES):
        found = opened.evaluate(FAULTS)
        assert found == {"overflow": 0, "covered": [], "squeezed": [], "wrapped": []}, size


# ---- fingers -------------------------------------------------------------------------------


def touch(opened: Opened, *points: tuple[float, float], rest: int = 0) -> None:
    """Put a finger down, let it rest, move it from point to point, and lift it."""
    session = opened.page.context.new_cdp_session(opened.page)

    def send(kind: str, *at: tuple[float, float]) -> None:
        points = [{"x": x, "y": y} for x, y in at]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", points[0])
    opened.page.wait_for_timeout(rest)
    for before, after in itertools.pairwise(points):
        for part in range(1, 9):
            x, y = (a + (b - a) * part / 8 for a, b in zip(before, after, strict=True))
            send("touchMove", (x, y))
            opened.page.wait_for_timeout(16)
    send("touchEnd")
    opened.settle()


@pytest.mark.parametrize("part", ["#plane", "#curve", "#drawing", "#weights-panel", "#lesson"])
def test_a_swipe_over_any_panel_scrolls_a_phones_page(
    lab: Path, open_page: Open, part: str
) -> None:
    opened = open_page(lab, "#epoch=400", **PHONE)
    opened.wait_until("live.epoch === 400")
    opened.page.locator(part).scroll_into_view_if_needed()
    opened.settle()
    box = opened.page.locator(part).bounding_box()
    assert box is not None
    before = opened.numbers()
    # Over a data point, where the part has one: (0, 1) in the first lesson.
    x, y = box["x"] + box["width"] / 2, box["y"] + min(box["height"], 700) / 2
    if part == "#plane":
        left, top, side = plot(opened)
        x, y = left + side * 0.25, top + side * 0.75
    at, left_over = opened.evaluate(
        "[scrollY, document.documentElement.scrollHeight - innerHeight - scrollY]"
    )
    up = 1 if left_over > 160 else -1
    y = min(y, 800) if up > 0 else min(y, 600)
    touch(opened, (x, y), (x + 3, y - up * 160))
    opened.page.wait_for_timeout(100)
    assert up * (opened.evaluate("window.scrollY") - at) > 60
    assert opened.numbers() == before


def test_a_finger_that_rests_on_a_point_moves_it(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, **PHONE)
    opened.page.locator("#plane").scroll_into_view_if_needed()
    left, top, side = plot(opened)
    at = opened.evaluate("window.scrollY")
    start = (left + side * 0.25, top + side * 0.75)
    touch(opened, start, (start[0] + side * 0.1, start[1] - side * 0.1), rest=500)
    values = dict(zip(opened.live("names"), opened.live("values"), strict=True))
    assert (values["x[0]"], values["x[1]"]) == pytest.approx((0.2, 0.2), abs=0.02)
    assert opened.evaluate("window.scrollY") == at
    opened.page.locator("#undo").click()
    opened.settle()
    values = dict(zip(opened.live("names"), opened.live("values"), strict=True))
    assert (values["x[0]"], values["x[1]"]) == (0.0, 0.0)


def test_a_tap_chooses_a_point_and_rewinds(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, "#epoch=1000", **PHONE)
    opened.wait_until("live.epoch === 1000")
    left, top, side = plot(opened)
    opened.page.touchscreen.tap(left + side * 0.75, top + side * 0.25)
    opened.settle()
    assert opened.text("#row-name") == "row 4"
    opened.page.locator("#curve").tap()
    opened.settle()
    assert 200 < opened.live("epoch") < 800


def test_nothing_scrolls_within_a_phones_page(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, **PHONE)
    for tab in ("weights", "data", "runs"):
        opened.page.locator(f"#{tab}-tab").click()
        opened.settle()
        inner = opened.evaluate(
            "[...document.querySelectorAll('main *')].filter((each) => each.clientHeight > 0"
            " && each.scrollHeight > each.clientHeight + 1"
            " && /auto|scroll/.test(getComputedStyle(each).overflowY)).map((each) => each.id)"
        )
        assert inner == [], tab


# ---- presentation, paper, no script ----------------------------------------------------------


def test_a_presentation_has_what_a_class_looks_at(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, size=(1920, 1080))
    small = opened.page.locator("#graph-area").bounding_box()
    opened.press("z")
    opened.settle()
    large = opened.page.locator("#graph-area").bounding_box()
    assert small is not None
    assert large is not None
    assert large["width"] * large["height"] > 1.25 * small["width"] * small["height"]
    for hidden in ("#tables-card", "#rate", "#seed", "#lesson-card"):
        assert opened.page.locator(hidden).is_hidden(), hidden
    for seen in ("#plane", "#curve", "#play", "#step-mode", "#epoch", "#graph-area"):
        assert opened.page.locator(seen).is_visible(), seen
    opened.press("b", "PageDown")
    opened.settle()
    assert opened.text("#step-count").startswith("2 /")
    assert opened.page.locator("#lesson").is_visible()
    size = "parseFloat(getComputedStyle(document.getElementById('lesson')).fontSize)"
    assert opened.evaluate(size) >= 24
    assert serious(opened) == []
    for _ in opened.at_each([(1920, 1080), (1366, 625), (1280, 720)]):
        for key in ("b", "PageDown", "End", "Escape"):
            opened.press(key)
            opened.settle()
            least_text(opened)
    opened.press("Escape", "z")
    opened.settle()
    assert opened.page.locator("#tables-card").is_visible()


def test_on_paper_all_panels_are_there_and_nothing_to_click(
    lab: Path, open_page: Open, tmp_path: Path
) -> None:
    opened = open_page(lab, "#epoch=2000", color_scheme="dark")
    opened.wait_until("live.epoch === 2000")
    opened.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    opened.page.emulate_media(media="print")
    opened.settle()
    for shown in ("#plane", "#curve", "#graph-area", "#lesson", "#weights", "#data-rows"):
        assert opened.page.locator(shown).is_visible(), shown
    clicked = opened.evaluate(
        "[...document.querySelectorAll('button, input, select')]"
        ".filter((each) => each.checkVisibility())"
        ".filter((each) => !each.closest('td, th, .neurons, .network, .row-buttons'))"
        ".map((each) => each.outerHTML.slice(0, 80))"
    )
    assert clicked == []
    light = "getComputedStyle(document.body).getPropertyValue('--card').trim()"
    assert opened.evaluate(light) == "#ffffff"
    assert opened.page.locator("#data-rows td").nth(3).text_content() not in (None, "")
    assert opened.evaluate("document.documentElement.scrollHeight > innerHeight")
    opened.page.emulate_media(media="screen")
    opened.evaluate("window.dispatchEvent(new Event('afterprint'))")
    opened.settle()
    assert opened.evaluate(light) != "#ffffff"


def test_without_scripts_there_are_no_numbers_and_no_dead_buttons(lab: Path, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(lab.as_uri())
    text = page.locator("body").inner_text()
    assert "please allow it" in text
    assert not any(character.isdigit() for character in text.replace("2-4-1", ""))
    assert not any(button.is_visible() for button in page.locator("button, input, select").all())
    context.close()
