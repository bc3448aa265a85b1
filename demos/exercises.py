"""The exercises of the notebooks: ``check(name, attempt)`` says whether an attempt is right.

A check never raises, whatever it is given: a student's code may be unfinished or wrong, and the
answer is then *not yet*, with a hint.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from autodiff import Value, topological_order
from demos.lab import LAB

__all__ = ["EXERCISES", "Exercise", "NotYetError", "check", "verdict"]


class NotYetError(Exception):
    """An attempt that is not right yet; the message is a hint."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """``test(attempt)`` raises unless the attempt is right; ``praise`` says why it is."""

    test: Callable[[Any], None]
    praise: str


def verdict(name: str, attempt: Any) -> tuple[bool, str]:
    """Return whether the attempt is right, and what to tell the student."""
    exercise = EXERCISES[name]
    if attempt is None or attempt is ...:
        return False, "Not yet: replace the ... above by your answer, and run the cell again."
    try:
        exercise.test(attempt)
    except NotYetError as hint:
        return False, f"Not yet: {hint}"
    except Exception as error:
        return False, f"Not yet: your answer raised {type(error).__name__}: {error}"
    return True, f"Right! {exercise.praise}"


def check(name: str, attempt: Any) -> None:
    """Print whether the attempt is right.

    >>> check("slope by hand", ...)
    Not yet: replace the ... above by your answer, and run the cell again.
    >>> check("slope by hand", 11)
    Right! The slope of 3x² − x is 6x − 1, and 6 · 2 − 1 = 11.
    """
    print(verdict(name, attempt)[1])


# ---- what the tests are made of ----------------------------------------------------------------


def number_of(attempt: Any) -> float:
    """Return a Value's number, or anything else as a float."""
    return attempt.data if isinstance(attempt, Value) else float(attempt)


def expect_number(attempt: Any, right: float, hint: str, tolerance: float = 1e-6) -> None:
    """Raise NotYetError with the hint unless the attempt is that number."""
    try:
        number = number_of(attempt)
    except (TypeError, ValueError):
        raise NotYetError(f"this needs a number, but it is {type(attempt).__name__}.") from None
    if not math.isclose(number, right, rel_tol=tolerance, abs_tol=tolerance):
        raise NotYetError(f"{number:g} is not it. {hint}")


def expect_function(attempt: Any) -> None:
    """Raise NotYetError unless the attempt can be called."""
    if not callable(attempt):
        raise NotYetError(f"this needs a function, but it is {type(attempt).__name__}.")


# ---- notebook 1: a derivative ------------------------------------------------------------------


def slope_by_hand(attempt: Any) -> None:
    expect_number(attempt, 11.0, "The slope of x² is 2x, and that of x is 1.")


def cube(x: float) -> float:
    return x * x * x


def central_difference(attempt: Any) -> None:
    expect_function(attempt)
    for x, right in ((2.0, 12.0), (-1.0, 3.0)):
        found = attempt(cube, x)
        if found is ... or found is None:
            raise NotYetError("your function returns nothing yet.")
        expect_number(found, right, f"The slope of x³ at {x:g} is {right:g}.", 1e-3)
    # Going right only errs by 3xh here; going both ways by h² alone.
    expect_number(attempt(cube, 1e3), 3e6, "Divide by 2h: it is the way from x − h to x + h.", 1e-9)


def first_graph(attempt: Any) -> None:
    if not isinstance(attempt, Value):
        raise NotYetError("this needs a Value: an expression of a, b and c.")
    variables = {node.label: node for node in topological_order(attempt) if node.is_leaf}
    if not {"a", "b", "c"} <= set(variables):
        raise NotYetError("use all three of a, b and c.")
    expect_number(attempt.data, 4.0, "With a = 2, b = −1, c = 4 it is (2 · (−1) + 4)² = 4.")
    if not variables["a"].has_grad:
        raise NotYetError("the value is right; now call backward() on it.")
    grads = [variables[name].grad for name in "abc"]
    if grads != [-4.0, 8.0, 4.0]:
        raise NotYetError(
            f"the gradients of a, b, c are {grads}. Did backward() run twice? "
            "Make a, b and c anew, and call it once."
        )


# ---- notebook 2: the chain rule ----------------------------------------------------------------


def local_derivatives(attempt: Any) -> None:
    if not isinstance(attempt, (tuple, list)) or len(attempt) != 2:
        raise NotYetError("this needs two numbers: (dd/da, dd/db).")
    if tuple(map(float, attempt)) == (2.0, -3.0):
        raise NotYetError("the other way round: the derivative of a · b by a is b.")
    for number, right in zip(attempt, (-3.0, 2.0), strict=True):
        expect_number(number, right, "The derivative of a · b by a is b, and by b it is a.")


def used_twice(attempt: Any) -> None:
    if attempt in (4, 3):
        raise NotYetError("that is the contribution of one use. x is used twice: add both.")
    expect_number(attempt, 7.0, "One use is in x · y, the other in + 4x. Add what each brings.")


class Diamond:
    """The graph of the exercise: x is used by a, and a by b (twice) and by c."""

    def __init__(self) -> None:
        self.x = Value(1.0, "x")
        self.a = 2 * self.x
        self.b = self.a * self.a
        self.c = self.a + self.b
        for node, label in ((self.a, "a"), (self.b, "b"), (self.c, "c")):
            node.label = label


def right_order(attempt: Any) -> None:
    if not isinstance(attempt, (list, tuple, str)):
        raise NotYetError('this needs a list of names, such as ["x", "a", "b", "c"].')
    if sorted(attempt) != ["a", "b", "c", "x"]:
        raise NotYetError("name each of a, b, c and x once.")
    graph = Diamond()
    given = [getattr(graph, name) for name in attempt]
    for node in given:
        for parent in node.parents:
            if not parent.is_constant and given.index(parent) < given.index(node):
                raise NotYetError(
                    f"{parent.label} comes before {node.label}, which uses it: the gradient of "
                    f"{parent.label} is not complete then."
                )


# ---- notebook 3: a neuron ----------------------------------------------------------------------


def neuron_by_hand(attempt: Any) -> None:
    expect_number(attempt, 0.5, "First z = 0.5 · 1 + (−1) · 2 + 2, then relu(z) = max(z, 0).")


def weights_for_or(attempt: Any) -> None:
    if not isinstance(attempt, (tuple, list)) or len(attempt) != 3:
        raise NotYetError("this needs three numbers: (w1, w2, b).")
    w1, w2, b = map(float, attempt)
    for x1, x2 in LAB.x:
        z = w1 * x1 + w2 * x2 + b
        wanted = x1 == 1.0 or x2 == 1.0
        if (z > 0.0) != wanted:
            raise NotYetError(
                f"for ({x1:.0f}, {x2:.0f}) z is {z:g}, and it should be "
                f"{'above 0' if wanted else '0 or below'}."
            )


def gradient_step(attempt: Any) -> None:
    expect_function(attempt)
    w = Value(3.0, "w")
    (w * w).backward()
    result = attempt([w], 0.1)
    if isinstance(result, Value) or w.data == 3.0:
        raise NotYetError("w.data is as it was: assign to parameter.data, not to parameter.")
    if math.isclose(w.data, 3.6):
        raise NotYetError("w moved along its gradient; to make the loss smaller, move against it.")
    expect_number(w.data, 2.4, "From 3, with gradient 6 and learning rate 0.1, w should be 2.4.")


# ---- notebook 4: XOR ---------------------------------------------------------------------------


def parameter_count(attempt: Any) -> None:
    if attempt == 12:
        raise NotYetError("these are the weights alone; each of the 5 neurons has a bias too.")
    expect_number(attempt, 17, "A neuron has a weight for each of its inputs, and one bias.")


def xor_by_two_neurons(attempt: Any) -> None:
    expect_function(attempt)
    for (x1, x2), target in zip(LAB.x, LAB.y, strict=True):
        output = attempt(x1, x2)
        if output is None or output is ...:
            raise NotYetError("your function returns nothing yet.")
        number = number_of(output)
        if (number > 0.5) != (target == 1.0):
            raise NotYetError(f"for ({x1:.0f}, {x2:.0f}) it is {number:g}, not {target:g}.")


def loss_by_hand(attempt: Any) -> None:
    expect_number(attempt, 0.25, "Each error is ±0.5, its square 0.25; the loss is their mean.")


# ---- notebook 5: what can go wrong -------------------------------------------------------------


def largest_learning_rate(attempt: Any) -> None:
    if attempt == 0.5:
        raise NotYetError("0.5 reaches the minimum in one step. Larger ones still get closer.")
    expect_number(
        attempt, 1.0, "A step makes w into (1 − 2 · lr) · w. It shrinks while |1 − 2 · lr| < 1."
    )


def repaired_training(attempt: Any) -> None:
    expect_function(attempt)
    w = Value(1.0, "w")
    losses = [attempt(w, 0.1) for _ in range(3)]
    if any(loss is None or loss is ... for loss in losses):
        raise NotYetError("your function should return the loss's number.")
    # w becomes 0.8 w at each step.
    for step, right in enumerate((1.0, 0.64, 0.4096)):
        expect_number(
            number_of(losses[step]),
            right,
            f"That is the loss of step {step}, which should be {right:g}: "
            "is the gradient cleared before each backward()?",
        )


def living_neuron(attempt: Any) -> None:
    bias = number_of(attempt)
    if math.isfinite(bias) and any(-x1 - x2 + bias > 0.0 for x1, x2 in LAB.x):
        return
    raise NotYetError("z = −x1 − x2 + b is 0 or below for all four rows: still no gradient.")


# ---- notebook 6: from bigram to attention ------------------------------------------------------


def loss_of_guessing(attempt: Any) -> None:
    hint = "Each of the 27 tokens has the probability 1/27, and the loss is −log of that."
    if isinstance(attempt, (int, float)) and math.isclose(attempt, -math.log(27)):
        raise NotYetError("the logarithm of 1/27 is negative; the loss is −log.")
    if isinstance(attempt, (int, float)) and math.isclose(attempt, math.log2(27), rel_tol=1e-3):
        raise NotYetError("that is the logarithm to the base 2; math.log is the natural one.")
    expect_number(attempt, math.log(27), hint, 1e-3)


def expect_numbers(attempt: Any, right: Sequence[float], what: str, hint: str = "") -> None:
    """Raise NotYetError unless the attempt is a list of these numbers."""
    if attempt is None or attempt is ...:
        raise NotYetError("your function returns nothing yet.")
    if not isinstance(attempt, (list, tuple)):
        raise NotYetError(f"{what} should be a list, but it is {type(attempt).__name__}.")
    if len(attempt) != len(right):
        raise NotYetError(f"{what} should have {len(right)} numbers, but it has {len(attempt)}.")
    for number, wanted in zip(attempt, right, strict=True):
        expect_number(number, wanted, f"{what} should have {wanted:.4g} there. {hint}", 1e-6)


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


def attention_by_hand(attempt: Any) -> None:
    hint = "The scores are 0 and log 9, so exp makes them 1 and 9, and the shares 1/10 and 9/10."
    if attempt == 15:
        raise NotYetError("that is the mean by equal shares; the second score is larger.")
    expect_number(attempt, 19.0, hint, 1e-3)


def attention(attempt: Any) -> None:
    expect_function(attempt)
    query, keys = [1.0, 0.0], [[0.0, 0.0], [math.log(9.0) * math.sqrt(2.0), 5.0]]
    found = attempt(query, keys, [[10.0, 1.0], [20.0, 1.0]])
    if isinstance(found, (list, tuple)) and found and isinstance(found[0], (int, float, Value)):
        power = 9.0 ** math.sqrt(2.0)  # without the root of the width
        if math.isclose(number_of(found[0]), (10.0 + 20.0 * power) / (1.0 + power)):
            raise NotYetError("divide each score by the root of the width, len(query) ** 0.5.")
    hint = "Its scores are 0 and log 9, its shares 0.1 and 0.9."
    expect_numbers(found, [19.0, 1.0], "the answer to the query of exercise 3", hint)
    one = attempt([3.0], [[7.0]], [[4.0, 5.0, 6.0]])
    expect_numbers(one, [4.0, 5.0, 6.0], "with one position alone, the answer")


def causal_attention(attempt: Any) -> None:
    expect_function(attempt)
    scores = [[0.5, 2.0, 1.0], [0.0, math.log(3.0), 9.0], [0.0, 0.0, math.log(2.0)]]
    found = attempt(scores)
    if found is None or found is ...:
        raise NotYetError("your function returns nothing yet.")
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


EXERCISES = {
    "slope by hand": Exercise(slope_by_hand, "The slope of 3x² − x is 6x − 1, and 6 · 2 − 1 = 11."),
    "central difference": Exercise(
        central_difference, "Going both ways, the error shrinks with h² instead of h."
    ),
    "first graph": Exercise(first_graph, "One backward() found all three slopes at once."),
    "local derivatives": Exercise(
        local_derivatives, "Each factor's derivative is the other factor."
    ),
    "used twice": Exercise(used_twice, "3 from x · y and 4 from 4x: contributions add up."),
    "right order": Exercise(right_order, "Every node comes after all the nodes that use it."),
    "neuron by hand": Exercise(neuron_by_hand, "z = 0.5 is above 0, so relu passes it on."),
    "weights for OR": Exercise(
        weights_for_or, "One neuron is one straight line; OR needs no more."
    ),
    "gradient step": Exercise(gradient_step, "That is all that gradient descent does."),
    "parameter count": Exercise(parameter_count, "4 · (2 + 1) + 1 · (4 + 1) = 17."),
    "loss by hand": Exercise(
        loss_by_hand, "That is the plateau where many runs linger: always saying 0.5."
    ),
    "XOR by two neurons": Exercise(
        xor_by_two_neurons, "Two lines are enough, once something tells how to place them."
    ),
    "largest learning rate": Exercise(
        largest_learning_rate, "At 1 it jumps from w to −w for ever; above, it runs away."
    ),
    "repaired training": Exercise(repaired_training, "Gradients add up until they are cleared."),
    "living neuron": Exercise(
        living_neuron, "For one row at least z is above 0, so a gradient flows again."
    ),
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
