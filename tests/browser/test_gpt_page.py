"""The GPT's live page in a real browser: its numbers beside Python's, and how it is used."""

from __future__ import annotations

import random
import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from demos.gpt import command
from demos.gpt.sampling import new_words
from demos.gpt.training import train
from tests.browser.conftest import Open
from tests.browser.opened import Opened
from tests.browser.python_side import assert_close
from tests.browser.test_use import BESIDE, SIZES, serious
from tests.conftest import Golden
from tests.gpt_pages import PICTURE, SHAPE, STEPS, WORDS, Small, by_name, numbers_of


def nothing(step: int, loss: float) -> None:
    """Be called after each step."""


def trained() -> tuple[Small, list[float]]:
    """Return the small GPT after all steps of the eager loop, and their losses."""
    small = Small(WORDS)
    return small, train(small.model, small.documents, STEPS, nothing)


def train_all(opened: Opened) -> None:
    """Train to the end."""
    opened.press("t")
    opened.wait_until("!live.isRunning")
    opened.settle()


def look(opened: Opened, length: int) -> dict[str, float]:
    """Return the numbers of the heads for the word that is shown, by name."""
    content = opened.evaluate("JSON.parse(document.getElementById('data').textContent)")
    return by_name(content, opened.live("numbers"), length)


# ---- the numbers ---------------------------------------------------------------------------


def test_losses_and_weights_are_those_of_the_eager_loop(gpt: Path, open_page: Open) -> None:
    opened = open_page(gpt)
    small, losses = trained()
    opened.press("e")
    opened.wait_until("live.step === 1")
    train_all(opened)
    assert opened.live("step") == STEPS
    assert_close(opened.live("losses"), losses, "loss")
    weights = sorted(weight.data for weight in small.model.parameters())
    assert_close(sorted(opened.live("weights")), weights, "weight")


def test_the_words_that_it_makes_are_python_s(gpt: Path, open_page: Open) -> None:
    opened = open_page(gpt)
    train_all(opened)
    small, _ = trained()
    weights, shape = small.model.state_dict(), small.model.shape
    for seed, temperature in ((3, 0.7), (4, 0.7), (5, 3.0)):
        made = new_words(weights, shape, small.documents.alphabet, temperature, random.Random(seed))
        found = opened.evaluate(f"live.newWords(30, {temperature}, '{seed}')")
        assert found == list(islice(made, 30))
    shown = opened.evaluate("[...document.querySelector('.batch').querySelectorAll('li')]"
                            ".map((each) => each.textContent)")  # fmt: skip
    made = new_words(weights, shape, small.documents.alphabet, 0.7, random.Random(3))
    assert shown == [
        (word if word in WORDS else f"{word}*") if word else "(empty)" for word in islice(made, 5)
    ]


@pytest.mark.parametrize("word", ["ada", "abcde"])
def test_the_numbers_of_the_heads_are_those_of_backward(
    gpt: Path, open_page: Open, word: str
) -> None:
    opened = open_page(gpt)
    train_all(opened)
    opened.fill("Word", word)
    small, _ = trained()
    found, wanted = look(opened, min(len(word) + 1, SHAPE["context"])), numbers_of(small, word)
    assert_close({name: found[name] for name in wanted}, wanted, word)


def test_a_word_without_letters_is_no_new_word(gpt: Path, open_page: Open) -> None:
    opened = open_page(gpt)
    opened.fill("Temperature", "50")  # any token, as likely as the boundary
    for _ in range(12):
        opened.press("n")
    batches = opened.evaluate(
        "[...document.querySelectorAll('.batch')].map((batch) =>"
        " [...batch.querySelectorAll('h3, li')].map((each) => each.textContent))"
    )
    assert any("(empty)" in words for _, *words in batches)
    for title, *words in batches:
        new = sum(word not in ["(empty)", *WORDS] for word in words)
        assert title.endswith(f": {new} of 5 new")
        assert sum(word.endswith("*") for word in words) == new


def chain_shown(opened: Opened) -> list[list[str]]:
    """Return the numbers of the chain rule that is shown, use by use."""
    return [
        [cell.replace("−", "-") for cell in row]
        for row in opened.evaluate(
            "[...document.querySelectorAll('#uses tbody tr')].map((row) =>"
            " [...row.querySelectorAll('.amount')].map((each) => each.textContent))"
        )
    ]


def test_a_click_leads_from_a_head_to_its_softmax_to_the_chain_rule(
    gpt: Path, open_page: Open
) -> None:
    opened = open_page(gpt)
    train_all(opened)
    opened.fill("Word", "ada")
    small, _ = trained()
    wanted = numbers_of(small, "ada")
    head = opened.page.locator(".head").nth(1)
    head.locator("tbody tr").nth(3).locator("td").nth(1).click()
    opened.settle()
    assert opened.text("#lesson-title") == "Head 2: what a₃ looks at, a softmax"
    rows = opened.evaluate(
        "[...document.querySelectorAll('#softmax tr')].map((row) =>"
        " [...row.querySelectorAll('button')].map((each) => each.textContent))"
    )
    for answers, row in enumerate(rows):
        for name, text in zip(("dot", "score", "exp", "weight"), row, strict=True):
            number = wanted[f"0 1 3 {answers} {name}"]
            assert float(text.replace("−", "-")) == float(f"{number:.3g}")

    gradient = wanted["0 1 3 1 weight gradient"]
    title = opened.text("#chain-title").replace("−", "-")
    assert title == f"d loss / d weight(a₃→a₁) = {gradient:+.3g}"
    pair = "0 1 3 1"
    assert chain_shown(opened) == [
        [f"{wanted[f'{pair} said {place} to weight {what}']:+.3g}"
         for what in ("upstream", "local", "contribution")]
        for place in range(2)
    ]  # fmt: skip

    opened.page.locator("#softmax tr").nth(1).locator("button").nth(2).click()  # its exp
    opened.settle()
    assert opened.text("#chain-title").startswith("d loss / d exp(a₃→a₁) = ")
    assert chain_shown(opened) == [
        [f"{wanted[f'{pair} weight to exp {what}']:+.3g}"
         for what in ("upstream", "local", "contribution")],
        [f"{found:+.3g}" for found in sum_to_exp(look(opened, 4), pair)],
    ]  # fmt: skip
    # On to where the sum is used, and down to a query, which asks every position.
    opened.page.get_by_label("Go on to sum(a₃)").click()
    opened.settle()
    assert opened.text("#chain-title").startswith("d loss / d sum(a₃) = ")
    assert [row[1] for row in chain_shown(opened)] == [
        f"{wanted[f'0 1 3 {answers} weight to sum local']:+.3g}" for answers in range(4)
    ]
    opened.page.locator("#softmax tr").nth(2).locator("button").first.click()
    opened.settle()
    opened.page.locator("#made button").first.click()
    opened.settle()
    assert opened.text("#chain-title").startswith("d loss / d query[0](a₃) = ")
    assert len(chain_shown(opened)) == 4
    opened.page.locator("#uses .user").nth(1).click()
    opened.settle()
    assert opened.text("#chain-title").startswith("d loss / d q·k(a₃→a₁) = ")
    for place, name in ((1, "key[0](a₁)"), (0, "query[0](a₃)")):
        opened.page.locator("#made button").nth(place).click()
        opened.settle()
        assert f"d {name} = " in opened.text("#chain-title")
        opened.page.locator("#uses .user").last.click()
        opened.settle()


def sum_to_exp(found: dict[str, float], pair: str) -> list[float]:
    return [found[f"{pair} sum to exp {what}"] for what in ("upstream", "local", "contribution")]


def test_a_value_says_to_every_position_that_looks_at_it(gpt: Path, open_page: Open) -> None:
    opened = open_page(gpt)
    found = look(opened, 4)
    uses = [found[f"0 0 {asks} 1 said 1 to value 1 contribution"] for asks in (1, 2, 3)]
    assert_close(sum(uses), found["0 0 1 value 1 gradient"], "value")


# ---- how it is used ------------------------------------------------------------------------


def test_before_the_first_step_there_is_no_loss(gpt: Path, open_page: Open) -> None:
    opened = open_page(gpt)
    assert opened.text("#loss") == "–"
    assert opened.text("#curve-text").startswith("Mean loss of the last 10 words – at step 0 of 40")
    opened.press("Space", "r")  # started and stopped, perhaps before a step
    opened.settle()
    assert opened.text("#loss") == "–"
    assert "nan" not in opened.page.locator("body").inner_text().lower()


NOTE_LABELS = """() => {
  window.labels = [];
  const button = document.getElementById("play");
  const note = () => window.labels.push(button.querySelector(".label").textContent);
  const all = { subtree: true, childList: true, characterData: true };
  new MutationObserver(note).observe(button, all);
}"""


def test_keys_train_pause_and_start_again(gpt: Path, open_page: Open) -> None:
    opened = open_page(gpt)
    assert opened.text("#step") == "0"
    opened.evaluate(NOTE_LABELS)  # a fast machine is at the end before one can look
    opened.press("Space")
    opened.wait_until("live.step > 2")
    assert opened.evaluate("labels[0]") == "Pause"
    if opened.live("isRunning"):
        opened.press("Space")
    opened.settle()
    assert opened.text("#play .label") == "Play"
    stopped = opened.live("step")
    opened.settle()
    assert opened.live("step") == stopped
    train_all(opened)
    assert opened.text("#message") == f"All {STEPS} steps are done: the learning rate is 0 now."
    for key in ("Space", "t", "e"):
        opened.press(key)
        opened.settle()
        assert opened.live("step") == STEPS
    losses = opened.live("losses")
    opened.press("r")
    opened.settle()
    assert (opened.text("#step"), opened.text("#loss"), opened.live("losses")) == ("0", "–", [])
    train_all(opened)
    assert opened.live("losses") == losses


def test_keys_lead_through_the_attention(gpt: Path, open_page: Open) -> None:
    opened = open_page(gpt)
    opened.press("2")
    opened.settle()
    assert opened.text("#lesson-title") == "Head 2: what a₃ looks at, a softmax"
    opened.press("a", "ArrowUp", "ArrowLeft", "ArrowRight", "ArrowDown", "ArrowLeft")
    assert opened.text("#told").startswith("Head 2: a₃ looks at a₁, ")
    opened.press("Enter")
    opened.settle()
    assert opened.text("#chain-title").startswith("d loss / d weight(a₃→a₁)")
    assert opened.text("#spoken").startswith("d loss / d weight(a₃→a₁) = ")
    opened.press("s", "Tab", "Enter")
    opened.settle()
    assert opened.text("#chain-title").startswith("d loss / d q·k(a₃→start)")
    opened.press("c", "Tab", "Enter")
    opened.settle()
    assert opened.text("#chain-title").startswith("d loss / d query[0](a₃)")
    opened.press("w")
    opened.page.keyboard.type("bee")
    opened.press("Enter")
    opened.settle()
    assert opened.text("#lesson-title") == "Head 2: what e₃ looks at, a softmax"
    opened.press("l")
    opened.page.keyboard.type("2")
    opened.press("Enter")
    opened.settle()
    opened.press("n", "m", "?")
    assert opened.evaluate("document.getElementById('help').open")
    opened.press("Escape")
    assert opened.evaluate("document.documentElement.dataset.theme") == "dark"
    opened.page.get_by_label("Layer").select_option("1")
    opened.settle()
    assert opened.evaluate("document.querySelectorAll('.batch').length") == 3


@pytest.mark.parametrize(
    ("label", "text", "told"),
    [
        ("Word", "xa", "No word of the list has “x”: its letters are abcde."),
        ("Word", "", "A word has 1 to 5 letters here."),
        ("Word", "abcdea", "A word has 1 to 5 letters here."),
        ("Temperature", "0", "A temperature is a number above 0, at most 100"),
        ("Temperature", "cold", "A temperature is a number above 0, at most 100"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_changes(
    gpt: Path, open_page: Open, label: str, text: str, told: str
) -> None:
    opened = open_page(gpt)
    before = opened.page.get_by_label(label, exact=True).input_value()
    opened.fill(label, text)
    assert opened.text("#message").startswith(told)
    assert opened.page.get_by_label(label, exact=True).input_value() == before


def test_a_loss_that_is_not_finite_stops_the_training(pages: Path, open_page: Open) -> None:
    small = Small(WORDS)
    for weight in small.model.logits[0]:
        weight.data = 1e200
    opened = open_page(small.page(pages / "broken.html"))
    opened.press("t")
    opened.wait_until("!live.isRunning")
    opened.settle()
    assert opened.live("step") == 0
    assert opened.text("#message").startswith("The loss of step 1 is not finite")
    found = opened.live("weights")
    assert sorted(found) == sorted(weight.data for weight in small.model.parameters())


def test_letters_are_shown_as_text_whatever_they_are(pages: Path, open_page: Open) -> None:
    small = Small(["</b>", "<!--", "&lt;", "{{a}}"])
    opened = open_page(small.page(pages / "letters.html", title="</title><script>alert(1)"))
    assert opened.text("h1") == "</title><script>alert(1)"
    opened.fill("Word", "<!--")
    opened.settle()
    assert opened.text("#lesson-title") == "Head 1: what -₄ looks at, a softmax"


# ---- for everyone --------------------------------------------------------------------------

SMALL_TEXT = """() => {
  const found = new Set(), walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const at = text.parentElement;
    if (!text.data.trim() || !at.getClientRects().length || at.closest("script, .visually-hidden")) continue;
    if (parseFloat(getComputedStyle(at).fontSize) < 16) found.add(at.outerHTML.slice(0, 90));
  }
  return [...found];
}"""  # noqa: E501


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_accessibility_check_finds_nothing_serious(
    gpt: Path, open_page: Open, scheme: str
) -> None:
    opened = open_page(gpt, color_scheme=scheme)
    assert serious(opened) == []
    train_all(opened)
    assert serious(opened) == []
    opened.press("?")
    assert serious(opened) == []
    narrow = open_page(gpt, color_scheme=scheme, size=(390, 844))
    assert serious(narrow) == []


def test_all_is_within_the_screen_and_large_enough_to_read(gpt: Path, open_page: Open) -> None:
    opened = open_page(gpt)
    train_all(opened)
    for width, _ in opened.at_each(SIZES):
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        assert opened.evaluate(BESIDE, width) == []
        assert opened.evaluate(SMALL_TEXT) == []


def test_the_tab_key_reaches_every_control_and_each_shows_its_focus(
    gpt: Path, open_page: Open
) -> None:
    opened = open_page(gpt)
    reached: list[str] = []
    for _ in range(120):
        opened.press("Tab")
        found = opened.evaluate(
            "() => { const at = document.activeElement, style = getComputedStyle(at);"
            " return [at.id || at.className || at.tagName, style.outlineStyle,"
            " parseFloat(style.outlineWidth)]; }"
        )
        if found[0] == "BODY":
            break
        assert found[1] == "solid", found
        assert found[2] >= 3, found
        reached.append(found[0])
    ids = opened.evaluate(
        "[...document.querySelectorAll('button, input, select')]"
        ".filter((each) => each.id && each.offsetParent).map((each) => each.id)"
    )
    assert set(ids) <= set(reached)
    assert {"attention", "softmax-panel", "chain", "names"} <= {*reached, "attention"}


def test_the_help_lists_every_key_that_a_control_names(gpt: Path, open_page: Open) -> None:
    opened = open_page(gpt)
    listed = opened.evaluate(
        "[...document.querySelectorAll('#keys kbd')].map((e) => e.textContent)"
    )
    named = opened.evaluate(
        "[...document.querySelectorAll('[data-key]')].map((each) => each.dataset.key)"
    )
    assert set(named) <= set(listed)


# ---- the command's own page ----------------------------------------------------------------


@pytest.fixture(scope="module")
def names_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page that the command writes: a GPT of four heads, on the first names."""
    folder = tmp_path_factory.mktemp("names")
    command.main(["--page", "--out", str(folder)])
    return folder / "gpt.html"


# What lies, with a part of it, beside the screen or behind the edge of what scrolls around it.
CUT = """(mayScrollDown) => [...document.querySelectorAll(".head th, .head td, .lesson th, .lesson td, .lesson button, .lesson small, .lesson .number")]
  .filter((each) => {
    const box = each.getBoundingClientRect();
    if (each.closest(".visually-hidden") || !box.width) return false;
    if (box.left < 0 || box.right > innerWidth || (!mayScrollDown && box.bottom > innerHeight)) return true;
    for (let around = each.parentElement; around; around = around.parentElement) {
      const edge = around.getBoundingClientRect();
      if (getComputedStyle(around).overflow === "visible" || around === document.body) continue;
      if (box.left < edge.left - 1 || box.right > edge.right + 1 || box.top < edge.top - 1 || box.bottom > edge.bottom + 1) return true;
    }
    return false;
  })
  .map((each) => each.outerHTML.slice(0, 100))"""  # noqa: E501


def test_of_a_word_of_seven_letters_all_heads_and_tables_are_wholly_visible(
    names_page: Path, open_page: Open
) -> None:
    opened = open_page(names_page)
    opened.fill("Word", "matilda")
    for trained in (False, True):
        if trained:
            opened.press("t")
            opened.wait_until("!live.isRunning")
        for width, _ in opened.at_each(SIZES):
            opened.settle()
            assert opened.evaluate(CUT, width < 1100) == []
            # Two by two where there is room, one below the other on a telephone.
            columns = opened.evaluate(
                "new Set([...document.querySelectorAll('.head')]"
                ".map((each) => each.getBoundingClientRect().left)).size"
            )
            assert columns == (2 if width >= 1100 else 1)


def test_the_page_of_the_command_is_small_and_trains_a_thousand_steps(
    tmp_path: Path, names_page: Path, open_page: Open, golden: Golden
) -> None:
    assert names_page.stat().st_size < 3_000_000
    opened = open_page(names_page)
    opened.press("t")
    opened.wait_until("!live.isRunning")
    losses: list[Any] = opened.live("losses")
    assert len(losses) == 1000
    assert sum(losses[-50:]) / 50 < 2.4 < sum(losses[:50]) / 50
    opened.settle()
    picture = tmp_path / "page.png"
    opened.page.screenshot(path=str(picture))
    if golden.rewrite:
        shutil.copyfile(picture, PICTURE)
    assert difference(picture, PICTURE) < 6.0


def difference(one: Path, other: Path) -> float:
    """Return how far two pictures are apart in the mean, of 255: other fonts are some apart."""
    image = pytest.importorskip("PIL.Image", reason="it reads the pictures")
    pictures = [image.open(path).convert("L") for path in (one, other)]
    assert pictures[0].size == pictures[1].size
    pairs = zip(*[picture.tobytes() for picture in pictures], strict=True)
    apart = [abs(a - b) for a, b in pairs]
    return sum(apart) / len(apart)
