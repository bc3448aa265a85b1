"""The network as a person draws it: circles with their activation inside, weights as lines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import nn
from autodiff import Value
from autodiff.drawing.palette import LIGHT
from demos.page import page
from tests.browser.conftest import Open
from tests.browser.opened import Opened
from tests.browser.pages import Moons, lab_model
from tests.browser.test_frame import SIZES
from tests.browser.test_use import serious

CELLS = 56  # of a heat map, from one edge of the plane to the other
SVG = "{http://www.w3.org/2000/svg}"
LEFT, RIGHT = -0.5, 1.5  # of the lab's plane, and its bottom and top


def hidden_and_output(x: tuple[float, float]) -> list[float]:
    """Return what the lab's five neurons give at a point."""
    model = lab_model()
    hidden = model.layers[0](list(map(Value, x)))
    (output,) = model.layers[1](hidden)
    return [neuron.data for neuron in (*hidden, output)]


def test_at_rest_the_network_is_drawn_with_every_neuron_and_weight(
    lab: Path, moons: Path, open_page: Open
) -> None:
    for path, neurons, weights in ((lab, 2 + 4 + 1, 2 * 4 + 4), (moons, 2 + 8 + 1, 2 * 8 + 8)):
        opened = open_page(path)
        opened.settle()
        assert opened.page.locator(".neuron").count() == neurons
        assert opened.page.locator(".weight").count() == weights
        assert opened.page.locator("#network-area").is_visible()
        assert not opened.page.locator("#drawing").is_visible()


def test_each_caption_and_line_shows_the_networks_own_number(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.settle()
    found = [float(text.split()[1]) for text in opened.page.locator(".caption b").all_inner_texts()]
    assert found == pytest.approx([0.0, 1.0, *hidden_and_output((0.0, 1.0))], rel=5e-3)
    wanted = [w.data for layer in lab_model().layers for neuron in layer.neurons for w in neuron.w]
    texts = opened.page.locator(".weight-number").all_text_contents()
    assert [float(text.replace("−", "-")) for text in texts] == pytest.approx(wanted, rel=0.05)
    signs = opened.evaluate("[...document.querySelectorAll('.weight')].map((e) => e.dataset.sign)")
    assert signs == ["minus" if number < 0.0 else "plus" for number in wanted]
    # Sign is told by dashes too, size by width.
    style = (
        "(e) => [getComputedStyle(e).strokeDasharray, parseFloat(getComputedStyle(e).strokeWidth)]"
    )
    drawn = opened.page.locator(".weight .seen")
    strokes = [drawn.nth(place).evaluate(style) for place in range(len(wanted))]
    assert [dashes == "none" for dashes, _ in strokes] == [number > 0.0 for number in wanted]
    largest = max(map(abs, wanted))
    for (_, width), number in zip(strokes, wanted, strict=True):
        assert width == pytest.approx(1.0 + 8.0 * abs(number) / largest, abs=0.051)


PIXELS = """([x, y]) => [...document.querySelectorAll(".neuron canvas")].map((canvas) => {
  const copy = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, -x, -y);
  return [...copy.getImageData(0, 0, 1, 1).data].slice(0, 3);
})"""


def mixed(share: float) -> list[int]:
    """Return the palette's colour for a number from 0 to 1, as red, green and blue."""
    low, middle, high = (
        [int(tone[place : place + 2], 16) for place in (1, 3, 5)]
        for tone in (LIGHT.negative.field, LIGHT.middle, LIGHT.positive.field)
    )
    start, end, part = (low, middle, 2 * share) if share < 0.5 else (middle, high, 2 * share - 1)
    return [round(a + (b - a) * part) for a, b in zip(start, end, strict=True)]


def test_inside_each_circle_is_what_the_neuron_gives_for_the_whole_plane(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    opened.settle()
    for across, up in ((0, 0), (CELLS, 0), (0, CELLS), (CELLS, CELLS), (20, 37)):
        x = tuple(LEFT + (RIGHT - LEFT) * cell / CELLS for cell in (across, up))
        pixels = opened.evaluate(PIXELS, [across, CELLS - up])
        shares = [*(cell / CELLS for cell in (across, up)), *hidden_and_output((x[0], x[1]))]
        for pixel, share in zip(pixels, shares, strict=True):
            assert pixel == pytest.approx(mixed(share), abs=2)


def test_a_click_opens_a_neuron_into_its_operations_and_escape_closes_it(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    opened.page.get_by_role("button", name=re.compile(r"^h\[1\] .*: open its operations")).click()
    opened.settle()
    assert opened.page.locator("#drawing").is_visible()
    assert not opened.page.locator("#network-area").is_visible()
    assert opened.text("#plane-title") == "What h[1] sees"
    assert opened.text("#lesson-title") == "The gradient of h[1]"
    lit = opened.evaluate(
        "[...document.querySelectorAll('#drawing .lit')].filter((e) => e.dataset.box)"
        ".map((e) => live.names[e.dataset.box - 1])"
    )
    weights = {f"hidden.weight[1][{place}]" for place in (0, 1)}
    assert set(lit) == {"h[1]", "z[1]", "x[0]", "x[1]", "hidden.bias[1]", *weights}
    opened.page.mouse.move(2, 2)
    opened.press("Escape")
    opened.settle()
    assert opened.page.locator("#network-area").is_visible()
    assert opened.text("#plane-title") == "Decision boundary"


def test_a_neuron_that_is_pointed_at_is_shown_large(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.page.locator(".neuron").nth(3).hover()
    assert opened.text("#plane-title") == "What h[1] sees"
    opened.page.mouse.move(2, 2)
    assert opened.text("#plane-title") == "Decision boundary"


def test_a_click_on_a_line_explains_that_weights_gradient(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.page.locator(".weight").nth(3).dispatch_event("click")
    opened.settle()
    assert opened.text("#lesson-title") == "The gradient of hidden.weight[1][1]"
    assert "chosen" in opened.page.locator(".weight").nth(3).get_attribute("class")


def test_the_network_follows_the_training(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.go_to(9000)
    names, values = opened.live("names"), opened.live("values")
    for neuron in ("h[0]", "h[3]", "prediction"):
        text = opened.page.locator(".caption b", has_text=neuron).inner_text()
        assert float(text.split()[1]) == pytest.approx(values[names.index(neuron)], rel=5e-3)


TOO_SMALL = """[...document.querySelectorAll("#network-area *")]
  .filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
  .filter((each) => parseFloat(getComputedStyle(each).fontSize) < 16)
  .map((each) => each.outerHTML)"""
CLASHES = """() => {
  const all = [...document.querySelectorAll(".neuron, .caption, .loss-box, .weight-number")]
    .filter((each) => getComputedStyle(each).display !== "none")
    .map((each) => [each.textContent, each.getBoundingClientRect()]);
  const network = document.getElementById("network-area");
  const area = network.getBoundingClientRect(); // which scrolls where it has to
  area.width = network.scrollWidth;
  area.height = network.scrollHeight;
  const outside = all.filter(([, box]) => box.left < area.left - 1 || box.right > area.right + 1
    || box.top < area.top - 1 || box.bottom > area.bottom + 1).map(([text]) => text);
  const clashes = all.flatMap(([text, one], at) => all.slice(at + 1)
    .filter(([, two]) => one.left < two.right - 2 && two.left < one.right - 2
      && one.top < two.bottom - 2 && two.top < one.bottom - 2)
    .map(([other]) => [text, other]));
  return { outside, clashes };
}"""


PHONE = 700
# Which networks are wider than their area, and scroll there.
SCROLLED = {"lab": [], "moons": [320], "2-8-8-1": [1100, 390, 320], "8-8-8-1": [1100, 390, 320]}


@pytest.fixture(scope="module")
def networks(lab: Path, moons: Path, pages: Path) -> dict[str, Path]:
    """Pages of networks of all sizes that a page offers."""
    rows = [[(3 * place + 5 * at) % 7 / 7 for at in range(8)] for place in range(6)]
    found = {"lab": lab, "moons": moons}
    for inputs in (2, 8):
        name = f"{inputs}-8-8-1"
        model = nn.MLP(inputs, [8, 8, 1], "tanh", "sigmoid", rng=1)
        x, y = [row[:inputs] for row in rows], [0.0, 1.0] * 3
        optimizer = nn.SGD(model.parameters(), lr=0.5)
        found[name] = page(model, x, y, nn.mse_loss, optimizer, pages / f"{name}.html")
    return found


def size_of(number: str) -> float:
    return abs(float(number.replace("≈ ", "").replace("−", "-")))


@pytest.mark.parametrize("name", SCROLLED)
def test_its_text_can_be_read_and_nothing_covers_another(
    networks: dict[str, Path], open_page: Open, name: str
) -> None:
    opened = open_page(networks[name], "#epoch=500")
    numbers = ".weight-number:not(.spare)"
    for width, height in opened.at_each(SIZES):
        assert opened.evaluate(TOO_SMALL) == []
        assert opened.evaluate(CLASHES) == {"outside": [], "clashes": []}, (width, height)
        scrolls = opened.evaluate(
            "[...document.querySelectorAll('#network-area')]"
            ".some((each) => each.scrollWidth > each.clientWidth)"
        )
        assert scrolls == (width in SCROLLED[name]), (width, height)
        # Where not all weights have room for their numbers, the largest come first.
        shown = list(map(size_of, opened.page.locator(numbers).all_text_contents()))
        every = map(size_of, opened.page.locator(".weight-number").all_text_contents())
        assert shown
        assert max(shown) == max(every) or width < PHONE, (width, height)  # there a tap shows it
    # In a pass the gradients stand in the same places.
    opened.press("i", "PageDown", "PageDown", "PageDown", "PageDown", "PageDown")
    for width, height in opened.at_each(SIZES):
        found = opened.evaluate(CLASHES)
        assert found == {"outside": [], "clashes": []}, (width, height)


def test_a_tap_on_a_line_shows_its_number(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, size=(320, 640), is_phone=True)
    opened.settle()
    for place in range(12):
        opened.page.locator(".weight").nth(place).dispatch_event("click")
        opened.settle()
        assert opened.page.locator(".weight-number").nth(place).is_visible(), place


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_of_it_shuts_anyone_out(lab: Path, open_page: Open, scheme: str) -> None:
    opened = open_page(lab, "#epoch=5000", color_scheme=scheme)
    opened.settle()
    assert serious(opened) == []


def test_a_model_of_its_own_has_its_operations_only(hostile: Path, open_page: Open) -> None:
    opened = open_page(hostile)
    assert opened.page.locator("#drawing").is_visible()
    assert opened.page.locator("#views").is_hidden()
    opened.press("v")
    assert opened.page.locator("#drawing").is_visible()


def test_many_neurons_have_their_own_numbers(moons: Path, open_page: Open) -> None:
    opened = open_page(moons)
    opened.settle()
    data = Moons()
    values: list[Any] = data.model.layers[0](list(map(Value, data.x[0])))
    shown: dict[str, float] = dict(text_and_number(opened))
    for place, value in enumerate(values):
        assert shown[f"h[{place}]"] == pytest.approx(value.data, rel=5e-3)


def text_and_number(opened: Opened) -> list[tuple[str, float]]:
    """Return the neurons' names and numbers as their captions have them."""
    texts = opened.page.locator(".caption b").all_text_contents()
    return [(text.split()[0], float(text.split()[1].replace("−", "-"))) for text in texts]


def test_as_a_picture_its_circles_are_round_and_its_numbers_stand_before_the_lines(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab, size=(1920, 1080))
    opened.settle()
    opened.press("x")
    with opened.page.expect_download() as download:
        opened.page.get_by_role("button", name=re.compile(r"^Network, with .* as SVG$")).click()
    svg = ElementTree.fromstring(Path(download.value.path()).read_bytes())
    clipped = [image for image in svg.iter(f"{SVG}image") if image.get("clip-path")]
    assert len(clipped) == 2 + 4 + 1
    radii = [float(str(rect.get("rx"))) for rect in svg.iterfind(f".//{SVG}clipPath/{SVG}rect")]
    sides = [float(str(rect.get("width"))) for rect in svg.iterfind(f".//{SVG}clipPath/{SVG}rect")]
    assert radii[2:] == pytest.approx([side / 2 for side in sides[2:]], abs=0.1)
    numbers = [text for text in svg.iter(f"{SVG}text") if text.get("stroke-width") == "5px"]
    assert len(numbers) == 2 * 4 + 4
    assert all(str(text.get("paint-order")).startswith("stroke") for text in numbers)
