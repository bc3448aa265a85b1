"""Notebook 6: from a table of letter pairs to attention."""

from __future__ import annotations

import math
from typing import Any

from autodiff import Value
from demos.exercises.answers import (
    Exercise,
    NotYetError,
    expect_function,
    expect_number,
    expect_numbers,
    expect_something,
    number_of,
)

__all__ = ["LANGUAGE"]


def loss_of_guessing(attempt: Any) -> None:
    hint = "Each of the 27 tokens has the probability 1/27, and the loss is −log of that."
    if isinstance(attempt, (int, float)) and math.isclose(attempt, -math.log(27)):
        raise NotYetError("the logarithm of 1/27 is negative; the loss is −log.")
    if isinstance(attempt, (int, float)) and math.isclose(attempt, math.log2(27), rel_tol=1e-3):
        raise NotYetError("that is the logarithm to the base 2; math.log is the natural one.")
    expect_number(attempt, math.log(27), hint, 1e-3)


def softmax_by_hand(attempt: Any) -> None:
    expect_function(attempt)
    hint = "Divide the exp of each score by the sum of all of them."
    expect_numbers(attempt([0.0, 0.0]), [0.5, 0.5], "softmax([0, 0])", hint)
    scores = [Value(math.log(number)) for number in (1.0, 2.0, 5.0)]
    found = attempt(scores)
    expect_numbers(found, [0.125, 0.25, 0.625], "softmax([log 1, log 2, log 5])", hint)
    if not all(isinstance(number, Value) for number in found):
        raise NotYetError("the numbers are right, but are no Values any more: use autodiff's exp.")
    found[2].backward()
    # d p2/d s0 = -p0 p2
    if not scores[0].has_grad or not math.isclose(scores[0].grad, -0.125 * 0.625, rel_tol=1e-9):
        raise NotYetError("the numbers are right, but no gradient comes back: leave out .data.")


def weighed(power: float) -> float:
    """Return the mean of 10 and 20, of which the second has that many times the first's share."""
    return (10.0 + 20.0 * power) / (1.0 + power)


def attention_by_hand(attempt: Any) -> None:
    hint = "The scores are 0 and log 9, so exp makes them 1 and 9, and the shares 1/10 and 9/10."
    if attempt == 15:
        raise NotYetError("that is the mean by equal shares; the second score is larger.")
    power = 9.0 ** math.sqrt(2.0)  # without the root of the width
    if isinstance(attempt, (int, float)) and math.isclose(attempt, weighed(power), rel_tol=1e-3):
        raise NotYetError("divide each score by the root of the width, here √2.")
    expect_number(attempt, 19.0, hint, 1e-3)


def attention(attempt: Any) -> None:
    expect_function(attempt)
    query, keys = [1.0, 0.0], [[0.0, 0.0], [math.log(9.0) * math.sqrt(2.0), 5.0]]
    found = attempt(query, keys, [[10.0, 1.0], [20.0, 1.0]])
    if isinstance(found, (list, tuple)) and found and isinstance(found[0], (int, float, Value)):
        power = 9.0 ** math.sqrt(2.0)  # without the root of the width
        if math.isclose(number_of(found[0]), weighed(power)):
            raise NotYetError("divide each score by the root of the width, len(query) ** 0.5.")
    hint = "Its scores are 0 and log 9, its shares 0.1 and 0.9."
    expect_numbers(found, [19.0, 1.0], "the answer to the query of exercise 3", hint)
    one = attempt([3.0], [[7.0]], [[4.0, 5.0, 6.0]])
    expect_numbers(one, [4.0, 5.0, 6.0], "with one position alone, the answer")


def causal_attention(attempt: Any) -> None:
    expect_function(attempt)
    scores = [[0.5, 2.0, 1.0], [0.0, math.log(3.0), 9.0], [0.0, 0.0, math.log(2.0)]]
    found = attempt(scores)
    expect_something(found)
    if not isinstance(found, (list, tuple)) or len(found) != 3:
        raise NotYetError("this needs a list with a row for each position.")
    for place, (row, right) in enumerate(
        zip(found, ([1.0], [0.25, 0.75], [0.25, 0.25, 0.5]), strict=True)
    ):
        given = row
        if isinstance(row, (list, tuple)) and len(row) == 3:
            after = [number_of(number) for number in row[place + 1 :]]
            if any(number != 0.0 for number in after):
                raise NotYetError(f"row {place} looks ahead: it may see positions 0 to {place}.")
            given = row[: place + 1]
        expect_numbers(given, right, f"row {place}", "Take the softmax of scores[k][: k + 1].")


LANGUAGE = {
    "loss of guessing": Exercise(
        loss_of_guessing, "log 27 = 3.296: what knows more than nothing is below that."
    ),
    "softmax": Exercise(softmax_by_hand, "Positive, the sum 1, and a gradient comes back."),
    "attention by hand": Exercise(attention_by_hand, "0.1 · 10 + 0.9 · 20 = 19."),
    "attention": Exercise(attention, "A mean of values, by how well each key fits the query."),
    "causal attention": Exercise(
        causal_attention, "The first position has only itself to look at."
    ),
}
