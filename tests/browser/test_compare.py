"""Runs beside each other, and many at once: their numbers are those of Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import nn
from demos.lab import LAB
from demos.live.pieces import OPTIMIZERS
from tests.browser.conftest import Open
from tests.browser.opened import Opened
from tests.browser.pages import lab_model
from tests.browser.python_side import assert_close
from tests.browser.test_choice import built
from tests.browser.test_use import BESIDE, SIZES, serious

EPOCHS = 60
SAME = {"hidden": [4], "activation": "sigmoid", "optimizer": "sgd", "lr": 0.25, "seed": 3}


def compare(opened: Opened, what: str, value: Any) -> None:
    """Compare with a run that differs in one thing."""
    opened.press("c")
    opened.page.select_option("#compare-what", what)
    if what in ("seed", "rate"):
        opened.page.fill("#compare-number", str(value))
    else:
        opened.page.select_option("#compare-choice", str(value))
    opened.page.click("#compare button.primary")
    opened.settle()


def in_python(changed: dict[str, Any]) -> tuple[list[float], dict[str, float]]:
    """Return losses and weights of the same training in Python."""
    made = {**SAME, **changed}
    model = nn.MLP(2, [*made["hidden"], 1], made["activation"], "sigmoid", rng=made["seed"])
    optimizer = OPTIMIZERS[made["optimizer"]][1](model.parameters())
    optimizer.lr = made["lr"]
    history = nn.fit(
        *(model, LAB.x, LAB.y),
        loss=nn.mse_loss,
        optimizer=optimizer,
        epochs=EPOCHS,
        engine="python",
    )
    return history.losses, {name: weight.data for name, weight in model.named_parameters()}


@pytest.mark.parametrize(
    ("what", "value", "changed"),
    [
        ("seed", 8, {"seed": 8}),
        ("rate", 0.75, {"lr": 0.75}),
        ("activation", "tanh", {"activation": "tanh"}),
        ("first", 2, {"hidden": [2]}),
        ("second", 3, {"hidden": [4, 3]}),
        ("optimizer", "adam", {"optimizer": "adam", "lr": 0.05}),
    ],
)
def test_a_run_that_differs_in_one_thing_is_pythons(
    lab: Path, open_page: Open, what: str, value: Any, changed: dict[str, Any]
) -> None:
    opened = open_page(lab, "#seed=3&lr=0.25")
    compare(opened, what, value)
    opened.go_to(EPOCHS)
    opened.wait_until(f"live.compared.epoch === {EPOCHS}")
    found, (losses, weights) = opened.live("compared"), in_python(changed)
    assert_close(found["losses"], losses, "losses")
    assert_close(found["weights"], weights, "weights")
    own_losses, own_weights = in_python({})
    assert_close(opened.live("losses"), own_losses, "own losses")
    assert_close(opened.live("weights"), own_weights, "own weights")
    opened.go_to(10)  # both go back
    opened.wait_until("live.compared.epoch === 10")
    assert f"loss {losses[10]:.4f}" in opened.text("#compared-text")
    # The page changes to it.
    opened.page.click("#compared-take")
    widths = [2, *changed.get("hidden", [4]), 1]
    built(opened, "-".join(map(str, widths)))
    opened.go_to(EPOCHS)
    assert_close(opened.live("losses"), losses, "losses of the run that was changed to")
    assert opened.live("compared") is None


def test_the_pages_own_weights_and_changed_data_go_along_to_the_run_that_was_compared(
    lab: Path, open_page: Open
) -> None:
    opened = open_page(lab)
    opened.press("4", "f")  # XOR becomes OR
    compare(opened, "activation", "tanh")
    opened.go_to(EPOCHS)
    opened.wait_until(f"live.compared.epoch === {EPOCHS}")
    losses = opened.live("compared")["losses"]
    model = lab_model()
    for neuron in model.hidden.neurons:
        neuron.activation = "tanh"
    optimizer = nn.SGD(model.parameters(), lr=LAB.learning_rate)
    y = [0.0, 1.0, 1.0, 1.0]
    history = nn.fit(model, LAB.x, y, optimizer=optimizer, epochs=EPOCHS, engine="python")
    assert_close(losses, history.losses, "losses")
    opened.page.click("#compared-take")
    built(opened, "2-4-1, tanh")
    opened.go_to(EPOCHS)
    assert opened.live("losses") == losses


def test_what_cannot_be_compared_is_said(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    opened.press("c")
    opened.page.select_option("#compare-what", "rate")
    opened.page.fill("#compare-number", "-1")
    opened.press("Enter")
    assert "A learning rate is a number above 0" in opened.text("#compare-text")
    opened.press("Escape")
    opened.wait_until("!document.querySelector('dialog[open]')")
    compare(opened, "rate", 1e6)
    opened.go_to(200)
    compare_text = opened.text("#compared-text")
    assert "learning rate 1e+06" in compare_text


def test_a_page_of_another_model_compares_seeds_or_rates_alone(
    moons: Path, hostile: Path, open_page: Open
) -> None:
    for path, wanted in ((moons, ["seed", "rate"]), (hostile, ["rate"])):
        opened = open_page(path)
        opened.press("c")
        options = opened.page.locator("#compare-what option")
        assert [each.get_attribute("value") for each in options.all()] == wanted


def test_how_often_a_network_learns_is_what_python_counts(lab: Path, open_page: Open) -> None:
    opened = open_page(lab, "#network=2,tanh,squared,sgd,xor&lr=0.5")
    opened.press("o")
    opened.page.select_option("#often-starts", "20")
    opened.page.click("#often-go")
    opened.wait_until("document.getElementById('often-text').textContent.includes('have learned')")
    failed = []
    for seed in range(20):
        model = nn.MLP(2, [2, 1], "tanh", "sigmoid", rng=seed)
        optimizer = nn.SGD(model.parameters(), lr=0.5)
        nn.fit(model, LAB.x, LAB.y, optimizer=optimizer, epochs=2000, engine="python")
        found = [model(x).data > 0.5 for x in LAB.x]
        if found != [target > 0.5 for target in LAB.y]:
            failed.append(str(seed))
    assert 0 < len(failed) < 20  # or this test would prove little
    assert opened.text("#often-text").startswith(f"{20 - len(failed)} of 20 have learned")
    assert opened.page.locator("#often-seeds button").all_inner_texts() == failed
    opened.page.locator("#often-seeds button").first.click()
    opened.settle()
    assert opened.page.locator("#seed").input_value() == failed[0]


def test_many_starts_can_be_stopped_and_are_told_as_far_as_they_are_done(
    moons: Path, open_page: Open
) -> None:
    opened = open_page(moons)
    opened.press("o")
    opened.page.select_option("#often-starts", "500")
    opened.page.select_option("#often-epochs", "20000")
    opened.page.click("#often-go")
    opened.wait_until("document.getElementById('often-progress').value > 0")
    assert opened.text("#often-go") == "Stop"
    opened.page.click("#often-go")
    assert opened.text("#often-go") == "Train them all"
    assert opened.text("#often-text") == "Stopped before the first were done."


def test_comparing_is_accessible_and_lies_on_every_screen(lab: Path, open_page: Open) -> None:
    opened = open_page(lab)
    for key in ("c", "o"):
        opened.press(key)
        assert serious(opened) == []
        for width, _ in opened.at_each(SIZES):
            assert opened.evaluate(BESIDE, width) == []
        opened.press("Escape")
        opened.wait_until("!document.querySelector('dialog[open]')")
    compare(opened, "activation", "tanh")
    for width, _ in opened.at_each(SIZES):
        assert opened.evaluate(BESIDE, width) == []
    assert serious(opened) == []
