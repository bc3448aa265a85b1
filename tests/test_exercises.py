"""What the checks of the notebooks say: every hint, on answers that meet it.

Which lines of ``demos/exercises`` said something is noted while the answers are checked; in the end
no line that has a hint may be left over.
"""

from __future__ import annotations

import ast
import math
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autodiff import Value
from demos import exercises
from demos.exercises import EXERCISES, NotYetError, as_engine, is_right, verdict
from demos.exercises.wrong_passes import MISTAKES
from tests.own_values import RIGHT, STORED_BACKWARD, WRONG, WrongClass, own_scope

FOLDER = Path(exercises.__file__).parent

# ---- answers that are nearly right -------------------------------------------------------------


def forward_difference(function: Any, x: float, h: float = 1e-4) -> float:
    return float((function(x + h) - function(x)) / h)


def backward_difference(function: Any, x: float, h: float = 1e-4) -> float:
    return float((function(x) - function(x - h)) / h)


def divided_by_h(function: Any, x: float, h: float = 1e-4) -> float:
    return float((function(x + h) - function(x - h)) / h)


def without_brackets(function: Any, x: float, h: float = 1e-4) -> float:
    return float((function(x + h) - function(x - h)) / 2 * h)


def other_way_round(function: Any, x: float, h: float = 1e-4) -> float:
    return float((function(x - h) - function(x + h)) / (2 * h))


def difference_with_a_fixed_step(function: Any, x: float, h: float = 1e-4) -> float:
    return float((function(x + 0.5) - function(x - 0.5)) / 1.0)


def graph(times: int, a: float = 2.0) -> Value:
    """Return the first graph, gone backward that many times."""
    x, b, c = Value(a, "a"), Value(-1.0, "b"), Value(4.0, "c")
    root = (x * b + c) ** 2
    for _ in range(times):
        root.backward()
    return root


def step_uphill(parameters: list[Value], rate: float) -> None:
    for parameter in parameters:
        parameter.data += rate * parameter.grad


def step_of_gradient_alone(parameters: list[Value], rate: float) -> None:
    for parameter in parameters:
        parameter.data -= parameter.grad


def step_rebinding(parameters: list[Value], rate: float) -> None:
    for parameter in parameters:
        parameter = parameter - rate * parameter.grad  # noqa: PLW2901


def training_that_clears_too_early(w: Value, learning_rate: float) -> float:
    loss = w * w
    loss.backward()
    w.zero_grad()
    w.data -= learning_rate * w.grad
    return loss.data


def training_of_another_value(w: Value, learning_rate: float) -> float:
    w.zero_grad()
    loss = w * w
    loss.backward()
    w = w - learning_rate * w.grad
    return loss.data


def training_that_adds_up(w: Value, rate: float) -> float:
    loss = w * w
    loss.backward()
    w.data -= rate * w.grad
    return loss.data


def softmax_of_numbers(scores: list[Any]) -> list[float]:
    powers = [math.exp(getattr(score, "data", score)) for score in scores]
    return [power / sum(powers) for power in powers]


def softmax_cut_off(scores: list[Any]) -> list[Value]:
    return [Value(number) for number in softmax_of_numbers(scores)]


def attention_unscaled(query: list[Any], keys: list[Any], values: list[Any]) -> list[Any]:
    scores = [sum(q * k for q, k in zip(query, key, strict=True)) for key in keys]
    shares = softmax_of_numbers(scores)
    return [
        sum(s * v for s, v in zip(shares, column, strict=True))
        for column in zip(*values, strict=True)
    ]


def attention_of_two(query: list[Any], keys: list[Any], values: list[Any]) -> list[Any]:
    return [19.0, 1.0]


def endless_order(root: Any) -> Any:
    return endless_order(root)


NEARLY = [
    ("slope by hand", 12, "The slope of x² is 2x"),
    ("slope by hand", "11 or so", "your answer raised|needs a number, but it is str"),
    ("central difference", 12.0, "this needs a function, but it is float"),
    ("central difference", lambda *_: None, "returns nothing yet"),
    ("central difference", forward_difference, "is the forward difference, from x to x \\+ h"),
    ("central difference", backward_difference, "is the backward difference, from x − h to x"),
    ("central difference", divided_by_h, "divide by 2h: it is the way from"),
    ("central difference", without_brackets, r"write / \(2 \* h\), with brackets"),
    ("central difference", other_way_round, r"the sign: it is f\(x \+ h\) − f\(x − h\)"),
    ("central difference", lambda *_: 12.0, r"12 is not it. .* comes out as 12.25"),
    ("central difference", difference_with_a_fixed_step, "The slope of x³ at 2 is 12"),
    ("first graph", 4.0, "this needs a Value"),
    ("first graph", Value(4.0, "a"), "use all three"),
    ("first graph", graph(0, a=3.0), r"it is \(2 · \(−1\) \+ 4\)² = 4"),
    ("first graph", graph(0), "now call backward"),
    ("first graph", graph(2), r"Did backward\(\) run twice"),
    ("local derivatives", 6, "two numbers"),
    ("local derivatives", (2, -3), "the other way round"),
    ("local derivatives", (1, 1), "by a is b, and by b it is a"),
    ("used twice", 3, "add both"),
    ("used twice", 4, "add both"),
    ("used twice", 9, "x · w by x is w, not x"),
    ("used twice", 12, "One use is in x · w, the other in"),
    ("right order", 3, "a list of names"),
    ("right order", ["a", "b"], "each of a, b, c and x once"),
    ("right order", ["c", "a", "b", "x"], "a comes before b, which uses it"),
    ("right order", ["x", "a", "b", "c"], "x comes before a"),
    ("neuron by hand", -0.5, "relu"),
    ("weights for OR", 3, "three numbers"),
    ("weights for OR", (1, 1, 0.5), "for \\(0, 0\\) z is 0.5, and it should be 0 or below"),
    ("weights for OR", (1, -1, 0), "for \\(0, 1\\) z is -1, and it should be above 0"),
    ("gradient step", 3.0, "this needs a function"),
    ("gradient step", step_uphill, "move against it"),
    ("gradient step", step_rebinding, "w.data is as it was. .* a new Value, and leave w"),
    ("gradient step", lambda *_: None, "w.data is as it was. parameter.data has to get another"),
    ("gradient step", step_of_gradient_alone, "-3 is not it. From 3, with gradient 6"),
    ("parameter count", 12, "a bias too"),
    ("parameter count", 13, "a weight for each of its inputs, and one bias"),
    ("loss by hand", 1.0, "Each error is ±0.5"),
    ("XOR by two neurons", 1, "this needs a function"),
    ("XOR by two neurons", lambda a, b: a + b, "for \\(1, 1\\) it is 2, not 0"),
    ("XOR by two neurons", lambda a, b: a != b, "that compares the inputs"),
    ("XOR by two neurons", lambda *_: None, "returns nothing yet"),
    ("XOR by two neurons", lambda a, b: a + b - 2 * a * b, "no straight pieces"),
    ("XOR by two neurons", lambda a, b: (a - b) ** 2, "no straight pieces"),
    ("XOR by two neurons", lambda a, b: int(a) ^ int(b), "no straight pieces"),
    ("largest learning rate", 0.5, "Larger ones still get closer"),
    ("largest learning rate", 2.0, "A step makes w into"),
    ("repaired training", 1.0, "this needs a function"),
    ("repaired training", lambda *_: None, "returns nothing yet"),
    ("repaired training", training_that_clears_too_early, "cleared before it was used"),
    ("repaired training", training_of_another_value, "give the name to a new Value"),
    ("repaired training", training_that_adds_up, "the loss of step 2, which should be 0.4096"),
    ("living neuron", 0.0, "still no gradient"),
    ("living neuron", math.inf, "a finite number"),
    ("loss of guessing", -math.log(27), "the loss is −log"),
    ("loss of guessing", math.log2(27), "the natural one"),
    ("loss of guessing", 0.5, "probability 1/27"),
    ("softmax", 0.5, "this needs a function"),
    ("softmax", lambda _: None, "returns nothing yet"),
    ("softmax", lambda scores: scores, "exp of each score by the sum"),
    ("softmax", lambda _: [0.5, 0.5], r"softmax\(\[log 1, log 2, log 5\]\) should have 3 numbers"),
    ("softmax", softmax_of_numbers, "are no Values any more"),
    ("softmax", softmax_cut_off, "no gradient comes back"),
    ("softmax", lambda _: 0.5, "should be a list"),
    ("softmax", lambda _: [1.0], "should have 2 numbers, but it has 1"),
    ("attention by hand", 15, "the second score is larger"),
    ("attention by hand", 19.572, "divide each score by the root of the width, here √2"),
    ("attention by hand", 10, "shares 1/10 and 9/10"),
    ("attention", 19, "this needs a function"),
    ("attention", attention_unscaled, r"the root of the width, len\(query\)"),
    ("attention", lambda *given: given[-1][0], "should have 19 there"),
    ("attention", attention_of_two, "with one position alone, the answer should have 3 numbers"),
    ("causal attention", 1, "this needs a function"),
    ("causal attention", lambda _: None, "returns nothing yet"),
    ("causal attention", lambda _: [[1 / 3] * 3] * 3, "row 0 looks ahead"),
    ("causal attention", lambda _: [[1.0], [0.5, 0.5], [1 / 3] * 3], "row 1 should have"),
    ("causal attention", lambda _: [[1.0]], "a row for each position"),
    ("own sum", 3, "your class itself, Value, but it is int"),
    ("own order", 3, "this needs a function"),
    ("own order", lambda _: [1], "the nodes themselves"),
    ("own order", endless_order, "calls itself without end: a recursion must"),
]


class Unfinished:
    """A class at the beginning of notebook 1."""

    def __init__(self, data: float) -> None:
        self.data = data
        self.grad = 0.0


OWN_SCOPE = own_scope()
NEARLY_OWN = [
    ("own graph", (3,), "your class itself, Value, but it is int"),
    ("own tanh", (3,), "your class itself, Value, but it is int"),
    ("own neuron", (3, OWN_SCOPE["Value"]), "this needs a function"),
    ("own neuron", (OWN_SCOPE["neuron"], 3), "your class itself, Value, but it is int"),
    ("own training", (3, OWN_SCOPE["Value"]), "this needs a function"),
    ("own training", (OWN_SCOPE["train"], 3), "your class itself, Value, but it is int"),
    ("own neuron", (OWN_SCOPE["neuron"], Unfinished), "exercises 3 to 8 come first"),
    ("own training", (OWN_SCOPE["train"], Unfinished), "exercises 3 to 7 come first"),
]


@pytest.mark.parametrize(("name", "attempt", "hint"), NEARLY_OWN)
def test_what_is_handed_over_has_to_be_a_function_and_a_class(
    name: str, attempt: tuple[Any, ...], hint: str
) -> None:
    right, said = verdict(name, *attempt)
    assert not right
    assert hint in said


@pytest.mark.parametrize(("name", "attempt", "hint"), NEARLY)
def test_a_usual_mistake_gets_its_own_hint(name: str, attempt: Any, hint: str) -> None:
    right, said = verdict(name, attempt)
    assert not right
    assert re.search(hint, said), said


# ---- a student's own class ---------------------------------------------------------------------


def attempt_of(scope: dict[str, Any], check: str) -> tuple[Any, ...]:
    """Return what the notebook hands to a check."""
    own = scope.get("Value")
    by_function = {"own neuron": "neuron", "own training": "train"}
    if check == "own order":
        return (scope["topological_order"],)
    return (scope[by_function[check]], own) if check in by_function else (own,)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name)
def test_a_mistake_in_an_own_class_is_named_in_words(wrong: WrongClass) -> None:
    right, said = verdict(wrong.check, *attempt_of(own_scope(wrong.program), wrong.check))
    assert not right
    assert re.search(wrong.says, said), said


OWN = [name for name in EXERCISES if name.startswith("own ")]


@pytest.mark.parametrize("name", OWN)
def test_a_right_class_passes_every_check(name: str) -> None:
    assert verdict(name, *attempt_of(own_scope(), name)) == (
        True,
        f"Right! {EXERCISES[name].praise}",
    )


def test_the_right_class_has_at_most_40_lines() -> None:
    lines = [line for line in RIGHT.splitlines() if line.strip()]
    assert len(lines) <= 40


@pytest.mark.parametrize("name", ["own graph", "own backward", "own tanh", "own class"])
def test_a_class_in_another_style_is_right_too(name: str) -> None:
    # micrograd's: a set of operands, and a function for each result.
    scope: dict[str, Any] = {}
    exec(compile(STORED_BACKWARD, "student.py", "exec"), scope)
    assert is_right(name, scope["Value"])


def test_the_gradients_that_the_checks_expect_are_those_of_mathematics() -> None:
    # (a * b + c) * a: 2ab + c, a², a.  d + dc, d = ab: b(1 + c), a(1 + c), ab.
    from demos.exercises.own_gradients import SUMS_AND_PRODUCTS
    from demos.exercises.wrong_passes import right_pass

    a, b, c = 2.0, -3.0, 10.0
    d = a * b
    by_hand = [
        (b, a, 1.0),
        (2.0, 0.0, 0.0),
        (2 * a, 0.0, 0.0),
        (2 * a * b + c, a * a, a),
        (b * (1 + c), a * (1 + c), a * b),
        # d³c
        (3 * d * d * c * b, 3 * d * d * c * a, d**3),
    ]
    for expression, expected in zip(SUMS_AND_PRODUCTS, by_hand, strict=True):
        inputs = [Value(number) for number in expression.inputs]
        found = right_pass(expression.build(*inputs))
        assert tuple(found.get(value, 0.0) for value in inputs) == expected


def test_every_mistake_that_is_known_is_met_by_a_wrong_class() -> None:
    said = [verdict(w.check, *attempt_of(own_scope(w.program), w.check))[1] for w in WRONG]
    for mistake in MISTAKES:
        assert any(mistake.says in each for each in said), mistake.says


def test_a_graph_of_an_own_class_is_shown_with_its_numbers_and_its_slopes() -> None:
    own = own_scope()["Value"]
    a, b = own(2.0), own(-3.0)
    d = a * b
    root = as_engine(d + a, a=a, b=b, d=d)
    root.backward()
    assert root.data == -4.0
    product, first = root.parents
    assert (first.label, product.label) == ("a", "d")
    assert [parent.label for parent in product.parents] == ["a", "b"]
    assert first is product.parents[0]
    assert (first.grad, product.parents[1].grad) == (-3.0 + 1.0, 2.0)


# ---- whatever a student may write --------------------------------------------------------------


GARBAGE = [
    None,
    ...,
    "",
    "six",
    [],
    (1, 2, 3, 4),
    {},
    object(),
    object,
    float("nan"),
    float("inf"),
    -1e9,
    Value(0.0),
    [Value(1.0)],
    lambda: None,
    lambda *_: None,
    lambda *_: ...,
    lambda *_: 1 / 0,
    lambda *_: "text",
]


@pytest.mark.parametrize("name", EXERCISES)
def test_whatever_an_attempt_is_a_check_answers_not_yet(name: str) -> None:
    for attempt in GARBAGE:
        right, said = verdict(name, attempt)
        assert not right, (attempt, said)
        assert said.startswith("Not yet: "), attempt


def test_shares_of_later_positions_that_are_0_may_stand_there() -> None:
    def causal_shares(scores: list[list[float]]) -> list[list[float]]:
        return [
            softmax_of_numbers(row[: place + 1]) + [0.0] * (len(row) - place - 1)
            for place, row in enumerate(scores)
        ]

    assert is_right("causal attention", causal_shares)


def test_both_orders_of_a_diamond_that_are_right_are_accepted() -> None:
    assert is_right("right order", "cbax")
    assert is_right("right order", ("c", "b", "a", "x"))


# ---- nothing is said that no test has heard ----------------------------------------------------


def lines_that_say_something() -> Iterator[tuple[str, int]]:
    """Yield the file and line of each hint, raised there or handed to an expectation."""
    for path in sorted(FOLDER.glob("*.py")):
        if path.name in ("answers.py", "__init__.py", "mirror.py", "wrong_passes.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            expects = isinstance(node, ast.Call) and ast.unparse(node.func).startswith("expect_")
            if isinstance(node, ast.Raise) or expects:
                yield path.name, node.lineno


def lines_heard(name: str, attempt: tuple[Any, ...]) -> set[tuple[str, int]]:
    """Return the lines of the package through which a hint came."""
    try:
        EXERCISES[name].test(*attempt)
    except NotYetError as hint:
        frames = traceback.extract_tb(hint.__traceback__)
        return {(Path(frame.filename).name, frame.lineno or 0) for frame in frames}
    except Exception:
        return set()
    return set()


def test_every_hint_has_been_given_to_an_answer_that_earns_it() -> None:
    heard: set[tuple[str, int]] = set()
    for name, attempt, _ in NEARLY:
        heard |= lines_heard(name, (attempt,))
    for name, attempts, _ in NEARLY_OWN:
        heard |= lines_heard(name, attempts)
    for wrong in WRONG:
        heard |= lines_heard(wrong.check, attempt_of(own_scope(wrong.program), wrong.check))
    left_over = sorted(set(lines_that_say_something()) - heard)
    assert not left_over
