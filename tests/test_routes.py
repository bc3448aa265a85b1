"""Through which calls of the user's functions a gradient comes, as explain() tells it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from autodiff import Value, explain, record_source, topological_order
from autodiff.debug.routes import Choice, Route
from demos.gpt import model as gpt
from demos.gpt.documents import Documents
from tests.call_program import recorded_loss

Run = Callable[[str], dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return what writes a program into a file of its own and runs it there, recorded."""

    def run_recorded(text: str) -> dict[str, Any]:
        path = tmp_path / "program.py"
        path.write_text(text, encoding="utf-8")
        scope: dict[str, Any] = {"Value": Value}
        with record_source():
            exec(compile(text, str(path), "exec"), scope)
        return scope

    return run_recorded


def told(value: Value, of: Value) -> list[str]:
    """Return the lines about the user's functions."""
    return [line for route in explain(value, of=of).routes for line in route.lines()]


def choices_in(routes: tuple[Route, ...]) -> Iterator[tuple[Route, Choice]]:
    """Yield every list with the part that it shares out."""
    for route in routes:
        for choice in route.choices:
            yield route, choice
            yield from choices_in(choice.routes)


# Two positions, each with a residual and two heads: d position/d x = 1 + 2 + 3.
HEADS = """
def head(x, scale):
    return x * scale

def attended(x):
    found = 0.0
    for scale in (2.0, 3.0):
        found = found + head(x, scale)
    return found

def position(x, place):
    return x + attended(x)

w = Value(0.5, "w")
loss = position(w, 0) + position(w, 1) * -10.0
"""


def test_positions_heads_and_the_way_around_them_the_largest_first(run: Run) -> None:
    scope = run(HEADS)
    assert told(scope["w"], scope["loss"]) == [
        *("in position(place=1): -60", "  by attended"),
        *("    through it: -50", "      by head"),
        *("        through head(scale=3): -30", "        through head(scale=2): -20"),
        *("    around it: -10",),
        *("in position(place=0): 6", "  by attended", "    through it: 5", "      by head"),
        *("        through head(scale=3): 3", "        through head(scale=2): 2"),
        "    around it: 1",
    ]


def test_it_is_part_of_the_text_and_of_the_table(run: Run) -> None:
    scope = run(HEADS)
    explanation = explain(scope["w"], of=scope["loss"])
    heading = "through your functions; each list adds up to the number above it"
    lines = str(explanation).splitlines()
    assert lines[lines.index(heading) + 1] == "  in position(place=1): -60"
    html = explanation._repr_html_()
    assert f"<p>{heading}</p><ul><li>in position(place=1): -60by attended<ul><li>through it" in html
    assert html.count("<ul>") == html.count("</ul>")
    assert html.count("<li>") == html.count("</li>")


# ---- Beside other ways to the same numbers --------------------------------------------------


@pytest.mark.thorough
def test_every_list_of_a_program_adds_up_to_the_number_above_it() -> None:
    loss = recorded_loss(0, 1, 2, 3)
    seen = 0
    for node in topological_order(loss)[::13]:  # a few: each is a walk of its own
        if node.is_constant or node is loss:
            continue
        routes = explain(node, of=loss).routes
        if routes:
            assert sum(route.number for route in routes) == pytest.approx(node.grad, rel=1e-12)
        for route, choice in choices_in(routes):
            numbers = [part.number for part in choice.routes]
            scale = max(map(abs, numbers))
            assert sum(numbers) == pytest.approx(route.number, rel=1e-12, abs=1e-14 * scale)
            assert [abs(number) for number in numbers if number != numbers[-1]]
            seen += 1
    assert seen > 20


def paths(node: Value, value: Value) -> Iterator[tuple[list[Value], float]]:
    """Yield every path from value to node, with its product."""
    if node is value:
        yield [node], 1.0
    if node.op is None:
        return
    partials = node.op.partials(node.data, *[parent.data for parent in node.parents])
    for parent, local in zip(node.parents, partials, strict=True):
        for path, product in paths(parent, value):
            yield [*path, node], product * local


SERIAL = """
def mixed(x, scale):
    return x * scale

def block(x):
    a, b = mixed(x, 2.0), mixed(x, 3.0)
    return x + a * b

def net(x):
    x = x * 1.5
    for _ in range(2):
        x = x + block(x)
    return x

w = Value(0.5, "w")
loss = net(w) ** 2
"""
CROSSING = """
def linear(x, scale):
    return x * scale

def attended(x, keys):
    keys.append(linear(x, 3.0))
    return sum(key * linear(x, 2.0) for key in keys)

def position(x, keys):
    x = x * 0.75
    return x + attended(x, keys)

def gpt(xs):
    keys = []
    return [position(x, keys) for x in xs]

w = Value(0.5, "w")
loss = sum(gpt([w, Value(2.0), Value(-1.0)]))
"""


@pytest.mark.parametrize("text", [SERIAL, CROSSING])
def test_a_path_counts_for_the_first_call_of_a_place_that_it_passes(run: Run, text: str) -> None:
    scope = run(text)
    value, loss = scope["w"], scope["loss"]
    (route,) = explain(value, of=loss).routes
    assert route.choices
    for choice in route.choices:
        expected: dict[int, float] = {}
        for path, product in paths(loss, value):
            key = first_call(path, choice.by.partition("(")[0])
            expected[key] = expected.get(key, 0.0) + product
        found = [part.number for part in choice.routes]
        assert sorted(found) == pytest.approx(sorted(expected.values()), rel=1e-12)
        around = [part.number for part in choice.routes if part.through == "around it"]
        assert around == ([pytest.approx(expected[0], rel=1e-12)] if 0 in expected else [])


def first_call(path: Sequence[Value], function: str) -> int:
    """Return the id of the first call of a function that a path passes; 0 for none."""
    for node in path[1:]:
        call = node.origin.visit.call
        while call is not None:
            if call.code.co_name == function:
                return id(call)
            call = call.caller.call if call.caller else None
    return 0


def test_around_attention_is_the_gradient_with_its_results_as_mere_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = Documents(["abca"], context=5)
    model = gpt.GPT(gpt.Shape(tokens=4, context=5, width=4, heads=2), random.Random(1))
    for parameter in model.parameters():
        parameter.data *= 5.0
    ((tokens,), (following,)) = words.rows(1)
    with record_source():
        loss = gpt.next_token_loss(model(tokens), following)
    loss.backward()
    value = model.token[1][2]  # read at one position
    (route,) = explain(value, of=loss).routes
    assert route.through == "in next_token_logits(token=1, position=2)"
    (attended,) = [choice for choice in route.choices if choice.by == "attended"]
    around = next(part for part in attended.routes if part.through == "around it")
    through = next(part for part in attended.routes if part.through == "through it")
    assert around.number + through.number == pytest.approx(value.grad, rel=1e-12)
    assert sum(part.number for part in through.choices[0].routes) == pytest.approx(through.number)
    heads = {part.through for part in through.choices[0].routes}
    assert heads & {"through head 1 of 2", "through head 2 of 2"}
    assert any("in next_token_logits(token=2, position=3)" in each for each in heads)

    computed = gpt.attended

    def as_numbers(*arguments: Any) -> list[float]:
        return [number.data for number in computed(*arguments)]

    monkeypatch.setattr(gpt, "attended", as_numbers)
    model.zero_grad()
    gpt.next_token_loss(model(tokens), following).backward()
    assert around.number == pytest.approx(value.grad, rel=1e-12)


# ---- Where the uses are ---------------------------------------------------------------------


def test_uses_in_a_function_itself_and_in_its_calls_are_told_apart(run: Run) -> None:
    text = """
def doubled(x):
    return x * 2.0

def f(x, y):
    return doubled(x) + x * y + x * x

w, y = Value(0.5, "w"), Value(3.0, "y")
loss = f(w, y)
"""
    scope = run(text)
    assert told(scope["w"], scope["loss"]) == ["in f itself: 4", "in doubled: 2"]
    # Of y there is one use, and one way.
    assert told(scope["y"], scope["loss"]) == []


DOUBLED = """
def doubled(x):
    return x * 2.0

w = Value(0.5, "w")
loss = doubled(w) + w * 7.0
"""
DIFFERENT_ARGUMENTS = """
def position(x, place, name, *, scale, other):
    other = other * x
    return x * scale

def gpt(x):
    return sum([position(x, n, "a name that is too long to be shown", scale=0.5, other=n)
                for n in range(2)])

w = Value(0.5, "w")
loss = gpt(w) * 2
"""
SEVERAL_PLACES = """
def scaled(x, by):
    return x * by[0]

def f(x):
    a, b = [3.0], [4.0]
    return scaled(x, a) + scaled(x, b)

w = Value(0.5, "w")
loss = f(w)
"""
NO_LINE_IS_KNOWN = """
def f(x, place):
    scope = {"x": x}
    exec("y = x * 2.0", scope)
    return scope["y"]

w = Value(0.5, "w")
loss = f(w, 0) + f(w, 1) * 3.0
"""
MANY_CALLS = """
def scaled(x, by):
    return x * by[0]

def f(x):
    return sum([scaled(x, [float(by)]) for by in range(1, 8)])

def whole(x):
    x = x.relu()
    return f(x)

w = Value(0.5, "w")
loss = whole(w)
"""
ONE_WAY = "def f(x):\n    return x * 2.0\nw = Value(1.0, 'w')\nloss = f(w)"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (DOUBLED, ["in the program, outside of its functions: 7", "in doubled: 2"]),
        (
            DIFFERENT_ARGUMENTS,
            ["in position(place=0, scale=0.5): 1", "in position(place=1, scale=0.5): 1"],
        ),
        (SEVERAL_PLACES, ["in scaled(x, b): 4", "in scaled(x, a): 3"]),
        (NO_LINE_IS_KNOWN, ["in f(w, 1): 6", "in f(w, 0): 2"]),
        (
            MANY_CALLS,
            [
                *("in whole: 28", "  by scaled", "    through scaled 7 of 7: 7"),
                *("    through scaled 6 of 7: 6", "    through 3 others: 6"),
                *("    through scaled 5 of 7: 5", "    through scaled 4 of 7: 4"),
            ],
        ),
        (ONE_WAY, []),
        # Of a gradient that is nothing, or not finite.
        (f"{HEADS}\nloss = loss * 0.0", []),
        (f"{HEADS}\nloss = loss * float('nan')", []),
        (f"{HEADS}\nloss = loss * float('inf')", []),
    ],
)
def test_calls_are_told_by_what_tells_them_apart(run: Run, text: str, lines: list[str]) -> None:
    scope = run(text)
    assert told(scope["w"], scope["loss"]) == lines


@pytest.mark.parametrize("count", [9, 11])
def test_calls_that_nothing_else_tells_apart_are_numbered(run: Run, count: int) -> None:
    text = f"""
def scaled(x, by):
    return x * by[0]

w = Value(0.5, "w")
loss = 0.0
for by in range(1, {count + 1}):
    loss = loss + scaled(w, [float(by)])
"""
    scope = run(text)
    lines = told(scope["w"], scope["loss"])
    numbered = [f"in scaled {by} of {count}: {by}" for by in range(count, 0, -1)]
    # One alone is told instead of a sum of one.
    assert lines == (numbered if count == 9 else [*numbered[:8], "in 3 others: 6"])


# ---- Where nothing is told ------------------------------------------------------------------


def test_without_a_recording_it_says_how_to_get_one_if_the_graph_is_large() -> None:
    w = Value(1.0, "w")
    loss = w
    for _ in range(600):
        loss = loss * 1.0
    loss.backward()
    explanation = explain(w, of=loss)
    assert explanation.routes == ()
    assert explanation.notes == (
        "through which of your functions it comes is told if the forward pass runs in a block "
        "that begins with `with record_source():`",
    )
    small = w * 2.0
    small.backward()
    assert not any("functions" in note for note in explain(w, of=small).notes)


def test_a_part_of_the_graph_may_have_been_made_outside_of_the_recording(run: Run) -> None:
    scope = run(HEADS)
    loss = scope["loss"] * 2.0 + scope["w"] * 3.0
    assert told(scope["w"], loss)[:2] == ["in position(place=1): -120", "  by attended"]
    assert told(scope["w"], loss)[-1] == "in the program, outside of its functions: 3"
