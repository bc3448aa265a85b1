"""Where everything lies: one layout for every step of a pass, and labels clear of their arrows."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

import nn
from autodiff import Value, draw
from autodiff.drawing.draw import Drawing
from autodiff.drawing.moment import contributions_in
from tests.test_draw import after_backward, lab_batch, lab_loss, needs_webassembly, texts, tiny

pytest.importorskip("graphviz", reason="drawing needs the package graphviz")
pytestmark = needs_webassembly

PLACES = re.compile(r' (?:points|d|x|y|cx|cy|viewBox)="[^"]*"')


def places(drawing: Drawing) -> list[str]:
    """Return where everything lies in a drawing, but for what lights up."""
    return PLACES.findall(re.sub(r'<rect class="row".*', "", drawing.svg()))


FORMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "edges": {"edges": True},
    "legend": {"edges": True, "legend": True},
    "neuron": {"fold": "neuron", "edges": True},
    "layer": {"fold": "layer"},
    "top to bottom": {"rankdir": "TB", "edges": True},
}


@pytest.mark.thorough
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("make", [lab_loss, pytest.param(lab_batch, marks=pytest.mark.unmeasured)])
def test_boxes_arrows_and_text_lie_in_the_same_places_at_every_step(
    form: str, make: Callable[[], Value]
) -> None:
    root = make()
    total = contributions_in(root)
    first = places(draw(root, step=0, **FORMS[form]))
    for step in (1, total // 2, total):
        assert places(draw(root, step=step, **FORMS[form])) == first


def test_a_step_says_its_own_numbers_in_the_common_layout() -> None:
    root = tiny()
    for step, gradient in enumerate(("–", "–", "+3", "+6")):
        shown = texts(draw(root, step=step).svg())
        assert shown[shown.index("value 3") + 1] == f"grad {gradient}"
        assert f"backward, {step} of 3" in shown


def test_a_long_pass_is_drawn_with_a_layout_of_its_own_for_each_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = tiny()
    assert draw(root, step=3).room is not None
    monkeypatch.setattr(sys.modules["autodiff.drawing.draw"], "MOST_STEPS", 2)
    drawing = draw(root, step=3)
    assert drawing.room is None
    assert "grad +6" in texts(drawing.svg())


@pytest.mark.parametrize("rankdir", ["LR", "RL"])
def test_the_label_of_a_straight_arrow_does_not_touch_it(rankdir: str) -> None:
    x = Value(0.5, "x")
    svg = draw(after_backward(x.tanh()), edges=True, rankdir=rankdir).svg()
    (edge,) = re.findall(r'<g id="[^"]*" class="edge.*?</g>', svg, re.DOTALL)
    line = float(re.findall(r' d="M[-\d.]+,([-\d.]+)', edge)[0])
    width = float(re.findall(r'stroke-width="([\d.]+)"', edge)[0])
    baseline = max(map(float, re.findall(r' y="([-\d.]+)"', edge)))
    descent = 0.236 * 18  # of DejaVu Sans, the widest font that may stand in, at the label's size
    assert baseline + descent < line - width / 2


def test_the_numbers_of_very_many_arrows_are_in_their_descriptions_alone() -> None:
    model = nn.MLP(2, [8, 8, 1], rng=7)
    loss = after_backward(nn.mse_loss([model([0.5, 0.25])], [1.0]))
    drawing = draw(loss, fold="neuron", edges=True)
    assert len([arrow for arrow in drawing.picture.arrows if len(arrow.label) == 2]) > 64
    svg = drawing.svg()
    assert not [text for text in texts(svg) if text.startswith(("local", "adds"))]
    assert len(re.findall(r"<desc>local [^<]*, adds [^<]*</desc>", svg)) > 64
    # In a picture that is not crowded they are on the arrows.
    few = texts(draw(after_backward(lab_loss()), fold="neuron", edges=True).svg())
    assert len([text for text in few if text.startswith("adds")]) == 6
