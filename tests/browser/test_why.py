"""What the page of a graph says of a gradient that is 0, missing or not finite."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from autodiff import Value, log, maximum, relu, sigmoid, where
from tests.browser.opened import Opened
from tests.browser.test_show import choose, neuron, nudge_to, row, shown

__all__ = ["shown"]


def said(opened: Opened, name: str) -> str:
    """Choose a box, and return what is said of its gradient."""
    choose(opened, name)
    return opened.text("#lesson")


def test_a_weight_whose_input_is_0_is_told_so(shown: Callable[..., Opened]) -> None:
    x, w, b = Value(0.0, "x"), Value(2.0, "w"), Value(1.0, "b")
    opened = shown((w * x + b).tanh())
    assert "w is multiplied by x = 0 in v" in said(opened, "w")
    assert "multiplied" not in said(opened, "b")
    lab = shown(row())  # 0, 1: the first input
    assert "hidden.weight[0][0] is multiplied by x[0] = 0" in said(lab, "hidden.weight[0][0]")


def test_zeros_are_followed_to_where_they_begin(shown: Callable[..., Opened]) -> None:
    x, w = Value(-1.0, "x"), Value(2.0, "w")
    z = w * x
    z.label = "z"
    y = relu(z)
    y.label = "y"
    opened = shown((y * 3.0 + 1.0).tanh())
    assert "y = relu(z) is 0 at z = −2, which is not above 0" in said(opened, "w")
    far = Value(40.0, "far")
    opened = shown(sigmoid(far * 1.0) ** 2)
    assert "is flat at v3 = 40, so d v4/d v3 = 0: it is saturated" in said(opened, "far")


def test_what_chooses_and_what_is_not_chosen_have_their_reasons(
    shown: Callable[..., Opened],
) -> None:
    c, x, y = Value(1.0, "c"), Value(2.0, "x"), Value(3.0, "y")
    opened = shown(where(c, x, y) + maximum(x, y))
    assert "took another: y has no say in it" in said(shown(where(c, x, y)), "y")
    assert "maximum(x, y) took another: x has no say" not in said(opened, "x")  # it is not 0
    assert opened.live("gradients")[opened.live("names").index("x")] == 1.0


def test_contributions_that_cancel_are_told(shown: Callable[..., Opened]) -> None:
    x = Value(2.0, "x")
    text = said(shown(x * 3.0 - x * 3.0), "x")
    assert "What comes to x cancels: 3 + (−3) = 0" in text or "cancels: −3 + 3 = 0" in text


def test_a_number_that_underflows_is_told(shown: Callable[..., Opened]) -> None:
    w, x = Value(1e-200, "w"), Value(1.0, "x")
    loss = (x * w) * 1e-200
    assert "too small for a number of the computer" in said(shown(loss), "x")


def test_infinities_and_nans_are_told_by_where_they_begin(shown: Callable[..., Opened]) -> None:
    x, w, b = Value(-1.0, "x"), Value(2.0, "w"), Value(math.nan, "b")
    opened = shown(log(x) * w)
    assert "It begins at v3 = log(x) = nan, where x = −1." in said(opened, "w")
    assert "Nothing can be promised: v4 began at nan." in opened.text("#promise")
    assert "It begins with b = nan." in said(shown(w * b), "w")
    # All numbers of the forward pass are finite: the slope of the root at 0 is not.
    zero = Value(0.0, "zero")
    text = said(shown(zero.sqrt() * 2.0), "zero")
    assert "It begins on the way back through v3 = sqrt(zero) at zero = 0: 2 × inf = inf" in text


def test_a_gradient_that_is_none_of_these_has_no_reason(shown: Callable[..., Opened]) -> None:
    opened = shown(neuron())
    for name in ("w", "x", "b"):
        text = said(opened, name)
        assert text.endswith("It is used once, so its gradient has one term.")


def test_a_value_alone_goes_back_to_nothing(shown: Callable[..., Opened]) -> None:
    opened = shown(Value(3.0, "leaf"))
    opened.press("Home")
    opened.settle()
    assert "there is nothing to go back to" in opened.text("#lesson")


def test_a_variable_is_set_as_answers_are_told(shown: Callable[..., Opened]) -> None:
    opened = shown(neuron())
    choose(opened, "w")
    for typed, number in (("0,5", 0.5), ("1/4", 0.25), ("-3/2", -1.5)):
        nudge_to(opened, typed)
        assert opened.live("values")[opened.live("names").index("w")] == number, typed


# Of each part of the curve, where it begins and where it ends.
PARTS = """() => document.querySelector("#plot .plot-curve").getAttribute("d").split("M").slice(1)
  .map((part) => part.split("L").length)"""


def curve_parts(opened: Opened, name: str) -> list[int]:
    choose(opened, name)
    found: list[int] = opened.evaluate(PARTS)
    return found


def test_the_curve_is_broken_where_the_function_jumps(shown: Callable[..., Opened]) -> None:
    x: Any = Value(0.3, "x")
    assert len(curve_parts(shown(where(x, 1.0, -1.0) * 1.0 + x), "x")) == 2
    assert len(curve_parts(shown(1.0 / x), "x")) == 2
    assert len(curve_parts(shown((1e6 * x).tanh()), "x")) == 1  # steep, but it does not jump
    assert len(curve_parts(shown(x * x), "x")) == 1
