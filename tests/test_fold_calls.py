"""Folding by call: which function's call each node belongs to, and what the picture says of it."""

from __future__ import annotations

import importlib.util
import linecache
import math
import os
import random
import re
import sys
import threading
import types
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

import nn
from autodiff import Value, draw, record_source, topological_order
from autodiff.debug import call_tree, places
from autodiff.debug.call_tree import CallTree, without_inner_calls
from autodiff.drawing.folds import fold_calls
from autodiff.drawing.folds.fold import folded
from autodiff.drawing.lines import in_lines
from autodiff.drawing.picture import Arrow, Box, Frame, Picture
from autodiff.value import constant
from benchmarks.gpt_eager import FULL, GPT
from benchmarks.scalars import scalars_of
from tests.call_program import recorded_loss
from tests.conftest import Golden
from tests.programs.runner import path_of
from tests.test_draw import BOXES, ROOM, needs_webassembly
from tests.test_fold import check_partition, table

pytest.importorskip("graphviz", reason="drawing needs the package graphviz")

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return what writes a program into a file of its own and runs it there, recorded."""
    return partial(run_in, tmp_path)


def run_in(folder: Path, text: str, file: str = "program.py", **names: Any) -> dict[str, Any]:
    path = folder / file
    path.write_text(text, encoding="utf-8")
    scope = {"Value": Value, "constant": constant, "__name__": "program", **names}
    with record_source():
        exec(compile(text, str(path), "exec"), scope)
    return scope


def fold(root: Value, *expand: str | Value, **options: Any) -> Picture:
    """Return the picture of a graph folded by call, each node of which is in exactly one part."""
    order = topological_order(root)
    check_partition(order, folded(order, "call", expand).parts)
    return draw(root, fold="call", expand=expand, fit=ROOM, **options).picture


def names(picture: Picture, kind: str = "call") -> list[str]:
    return [box.name for box in picture.boxes if box.kind == kind]


def box(picture: Picture, name: str) -> Box:
    (found,) = [box for box in picture.boxes if box.name == name and box.kind != "reference"]
    return found


def ends(picture: Picture) -> set[tuple[str, str]]:
    """Return what each arrow joins, by the names of the boxes."""
    called = {box.id: box.name for box in picture.boxes}
    return {(called[arrow.tail], called[arrow.head]) for arrow in picture.arrows}


SOFTMAX = """
def exponentials(scores):
    return [score.exp() for score in scores]

def softmax(scores):
    powers = exponentials(scores)
    total = sum(powers)
    return [power / total for power in powers]

def loss_of(scores, target):
    probabilities = softmax(scores)
    return -probabilities[target].log()

w = [Value(0.0), Value(0.0)]
loss = loss_of(w, 0) + loss_of([w[1], w[0]], 1)
loss.backward()
"""


# ---- what is folded ------------------------------------------------------------------------------


def test_a_call_is_one_box_with_all_that_it_called(run: Run) -> None:
    picture = fold(run(SOFTMAX)["loss"])
    assert names(picture) == ["loss_of 1", "loss_of 2"]
    first = box(picture, "loss_of 1")
    assert first.title == ("loss_of(w, 0)",)
    # Of each: two exponentials, two additions (to the 0 of sum), a quotient, log, minus.  The
    # other quotient is not used.
    assert first.numbers == ("call 1 of 2", "program.py:15", "7 operations")
    # -log(1 / 2); its derivative by the loss is 1.
    assert table(first) == {"": ["value", "grad"], "output": ["0.6931", "+1"]}
    assert ends(picture) == {
        *(("w[0]", "loss_of 1"), ("w[1]", "loss_of 1"), ("w[0]", "loss_of 2")),
        *(("w[1]", "loss_of 2"), ("loss_of 1", "loss"), ("loss_of 2", "loss")),
    }


def test_the_call_that_everything_is_in_is_open(run: Run) -> None:
    scope = run(SOFTMAX)
    with record_source():
        loss = scope["loss_of"](scope["w"], 0)
    picture = fold(loss)
    assert names(picture) == ["softmax"]
    # What the function calls softmax's results.
    assert [" ".join(each.title) for each in picture.boxes[1:]] == [
        *("v9 = log(probab…es[0])", "loss = -v9")
    ]


def test_a_call_is_opened_by_its_name_and_what_is_in_it_stays_folded(run: Run) -> None:
    picture = fold(run(SOFTMAX)["loss"], "softmax")
    assert names(picture) == ["exponentials 1", "exponentials 2"]
    assert [(frame.title, frame.outer) for frame in picture.frames] == [
        *(("loss_of 1", ""), ("softmax 1", "c1"), ("loss_of 2", ""), ("softmax 2", "c4")),
    ]
    framed = {each.id: each.title for each in picture.frames}
    assert Counter(framed.get(each.frame, "") for each in picture.boxes) == {
        **{"": 3, "loss_of 1": 2, "softmax 1": 3, "loss_of 2": 2, "softmax 2": 3},
    }
    assert "powers[0] / total" in " ".join(box(picture, "probabilities[0]").title)


@pytest.mark.parametrize(
    "asked", ["softmax 2", "loss_of 2 > softmax", "loss_of > softmax 2", "a Value in it"]
)
def test_one_call_is_opened_by_its_number_a_path_or_a_value(run: Run, asked: str) -> None:
    scope = run(SOFTMAX)
    second = scope["loss"].parents[1].parents[0].parents[0]  # -log of this
    picture = fold(scope["loss"], second if asked == "a Value in it" else asked)
    assert names(picture) == ["loss_of 1", "exponentials 2"]
    assert [frame.title for frame in picture.frames] == ["loss_of 2", "softmax 2"]


def test_a_path_and_a_method_are_named_as_python_names_them(run: Run) -> None:
    text = """
class Layer:
    def __init__(self, w):
        self.w = w
    def __call__(self, x):
        return self.scaled(x).tanh()
    def scaled(self, x):
        return self.w * x
first, second = Layer(Value(2.0, "a")), Layer(Value(3.0, "b"))
y = second(first(Value(0.5, "x"))) * 2
"""
    y = run(text)["y"]
    picture = fold(y)
    assert names(picture) == ["Layer.__call__ 1", "Layer.__call__ 2"]
    # Where the call does not have the function's name, both are told.
    assert box(picture, "Layer.__call__ 2").title == ("Layer.__call__", "second(first(…))")
    for name in ("scaled", "Layer.scaled", "Layer.__call__ > scaled", "__call__ > Layer.scaled"):
        opened = fold(y, name)
        assert [frame.title for frame in opened.frames] == [
            *("Layer.__call__ 1", "Layer.scaled 1", "Layer.__call__ 2", "Layer.scaled 2")
        ]
    with pytest.raises(ValueError, match=r"no call is named 'scaled > Layer'; there are "):
        fold(y, "scaled > Layer")


def test_a_recursion_is_opened_one_call_deep(run: Run) -> None:
    text = """
def power(x, n):
    return x * power(x, n - 1) if n else x
x = Value(2.0, "x")
y = power(x, 4).exp()
"""
    y = run(text)["y"]
    assert names(fold(y)) == ["power 1"]
    assert names(fold(y, "power")) == ["power 2"]
    assert names(fold(y, "power > power")) == ["power 3"]
    assert names(fold(y, "power 3")) == ["power 4"]
    # The innermost call computes nothing, so there are four.
    assert names(fold(y, "power 4")) == []


@pytest.mark.thorough
def test_a_recursion_of_any_depth_is_folded(run: Run) -> None:
    text = """
def chain(x, n):
    return chain(x, n - 1) * 2 if n else x
y = chain(Value(1.0, "x"), 400) + 1
"""
    y = run(text)["y"]
    assert box(fold(y), "chain 1").numbers[-1] == "400 operations"
    deepest = fold(y, "chain 400")
    assert len({frame.title for frame in deepest.frames}) == 400


def test_calls_in_comprehensions_lambdas_and_on_one_line(run: Run) -> None:
    text = """
half = lambda x: x * 0.5
def square(x):
    return x * x
xs = [Value(1.0, "a"), Value(2.0, "b")]
total = sum([square(x) for x in xs]) + sum(half(x) for x in xs)
total = total + square(xs[0]) * square(half(xs[1]))
"""
    total = run(text)["total"]
    total.backward()
    picture = fold(total)
    assert Counter(name.split()[0] for name in names(picture)) == {"square": 4, "<lambda>": 3}
    assert Counter(each.title for each in picture.boxes if each.kind == "call") == {
        ("square(x)",): 2,
        ("<lambda>", "half(x)"): 2,
        ("square(xs[0])",): 1,
        ("<lambda>", "half(xs[1])"): 1,
        ("square(half(…))",): 1,
    }
    # d(x²)/dx + 1/2 + d(x² · 1)/dx at 1, where (b/2)² is 1: 2 + 1/2 + 2.
    assert box(picture, "a").numbers[:2] == ("value 1", "grad +4.5")
    assert [frame.title for frame in fold(total, "<lambda> 2").frames] == ["<lambda> 2"]


def test_a_nested_comprehension_and_one_given_to_a_function_belong_to_those_who_wrote_them(
    run: Run,
) -> None:
    text = """
def total(terms):
    result = 0.0
    for term in terms:
        result = result + term
    return result
def square(x):
    return x * x
rows = [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]]
matrix = [[square(x) for x in row] for row in rows]
y = total(x for row in matrix for x in row) + total(square(x) for x in matrix[0])
"""
    picture = fold(run(text)["y"])
    # The last two calls of square ran when total asked for them.
    assert names(picture) == [f"square {n}" for n in (1, 2, 3, 4)] + ["total 1", "total 2"]
    assert box(picture, "total 2").numbers[-1] == "4 operations"
    assert names(fold(run(text)["y"], "total 2"))[-2:] == ["square 5", "square 6"]


def test_what_a_generator_computes_for_one_loop_is_one_call(run: Run) -> None:
    text = """
def squares(xs):
    for x in xs:
        yield x * x
def total(xs):
    result = 0.0
    for square in squares(xs):
        result = result + square.sqrt()
    return result
xs = [Value(float(n), f"x{n}") for n in range(1, 4)]
y = total(xs) + total(xs)
"""
    picture = fold(run(text)["y"], "total")
    assert names(picture) == ["squares 1", "squares 2"]
    assert box(picture, "squares 1").numbers == (*("call 1 of 2", "program.py:7", "3 operations"),)
    assert [frame.title for frame in fold(run(text)["y"], "squares 2").frames] == [
        "total 2",
        "squares 2",
    ]


def test_functions_of_several_files_and_modules_that_are_run_within_a_function(run: Run) -> None:
    library = run(
        "def double(x):\n    return x + x\nscale = Value(2.0, 'scale').exp()\n", "library.py"
    )
    text = """
def double(x):
    return theirs(x) * scale
y = double(Value(1.0, "x")) + theirs(Value(2.0, "z"))
"""
    y = run(text, theirs=library["double"], scale=library["scale"])["y"]
    picture = fold(y)
    assert {each.name: each.title for each in picture.boxes if each.kind == "call"} == {
        "double 1": ("double(Value(…))",),
        "double 3": ("double", "theirs(Value(…))"),
    }
    # What a module computes by itself is in no call.
    assert box(picture, "scale (2)").kind == "operation"
    inner = compile("z = x.exp() + 1", "inner.py", "exec")
    text = """
def within(x):
    scope = {"x": x}
    exec(inner, scope)
    return scope["z"]
y = within(Value(1.0)) * 2
"""
    assert box(fold(run(text, inner=inner)["y"]), "within").numbers[-1] == "2 operations"


# ---- leaves, and what was not recorded -----------------------------------------------------------


def test_a_variable_that_one_call_uses_is_in_its_box_and_a_named_number_is_not(run: Run) -> None:
    text = """
w, b, shared = Value(2.0), Value(1.0), Value(3.0)
x = constant(0.5, "x")
def line(x):
    return w * x * shared + b
y = line(x) * shared
y.backward()
"""
    picture = fold(run(text)["y"])
    assert names(picture, "input") == ["x"]
    assert names(picture, "variable") == ["shared"]
    # y = (w x s + b) s: dy/dw = x s², dy/db = s, d/ds = 2 w x s + b.
    assert table(box(picture, "line")) == {
        "": ["value", "grad"],
        **{"output": ["4", "+3"], "w": ["2", "+4.5"], "b": ["1", "+3"]},
    }
    assert box(picture, "shared").numbers == ("value 3", "grad +7", "program.py:2")


def test_numbers_are_inside_the_box_that_uses_them(run: Run) -> None:
    text = """
def f(x):
    return 3 * x + 1
y = f(Value(2.0, "x")) / 7
"""
    picture = fold(run(text)["y"])
    assert names(picture, "constant") == []
    assert box(picture, "y").title == ("y = … / 7",)


def test_what_was_made_outside_of_the_recording_is_one_box(run: Run) -> None:
    before = Value(1.0, "before").exp() * 2
    text = """
def f(x):
    return x + 1
y = f(before) * before
"""
    picture = fold(run(text, before=before)["y"])
    (unrecorded,) = [each for each in picture.boxes if each.title == ("not recorded",)]
    assert (unrecorded.kind, unrecorded.numbers) == ("call", ("2 operations",))
    assert ends(picture) == {("not recorded", "f"), ("not recorded", "y"), ("f", "y")}


def test_a_graph_that_was_not_recorded_is_refused_with_the_cure() -> None:
    for root in (Value(1.0).exp(), Value(1.0)):
        with pytest.raises(
            ValueError, match=r"Run the forward pass in a block .* record_source\(\)"
        ):
            draw(root, fold="call")


def test_hooks_and_nodes_with_a_module_s_path_do_not_matter(run: Run) -> None:
    calls: list[float] = []
    text = """
def f(x):
    y = x * x
    y.register_hook(seen)
    return y + neuron([x])
z = f(Value(2.0, "x")) * 1.0
z.backward()
"""
    z = run(text, seen=calls.append, neuron=nn.Neuron(1, rng=1))["z"]
    assert len(calls) == 1
    assert names(fold(z)) == ["f"]
    assert names(fold(z, "f")) == []


def test_the_lines_of_nn_are_calls_if_they_are_recorded(run: Run) -> None:
    model = nn.MLP(2, [3, 1], rng=1)
    with record_source(library=True):
        loss = model([1.0, 2.0]) ** 2
    assert "MLP" in names(fold(loss))[0]
    assert any("Layer" in frame.title for frame in fold(loss, "Layer.__call__").frames)


def test_several_roots_of_several_recordings_and_threads_are_one_picture(run: Run) -> None:
    scope = run("def f(x):\n    return x * x\ny = f(Value(2.0))\n")
    with record_source():
        z = scope["f"](scope["y"])
    other: list[Value] = []

    def work() -> None:
        with record_source():
            other.append(scope["f"](z))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(timeout=60)
    alone = Value(1.0, "alone")
    picture = draw([z, other[0], alone], fold="call").picture
    assert names(picture) == ["f 1", "f 2", "f 3"]
    assert box(picture, "alone").id not in str(picture.arrows)


# ---- what is merged ------------------------------------------------------------------------------

MANY = """
def unit(x, w):
    return (w * x).tanh()
def layer(x, ws):
    return [unit(x, w) for w in ws]
ws = [Value(n / 10) for n in range(40)]
x = Value(0.5, "x")
hidden = layer(x, ws)
outputs = [number * 2.0 for number in hidden]
loss = sum(outputs) / len(outputs)
loss.backward()
"""


def test_alike_calls_and_operations_are_one_box_where_each_by_itself_would_be_too_many(
    run: Run,
) -> None:
    picture = fold(run(MANY)["loss"])
    assert [(each.name.replace("number", "…"), each.numbers[2:]) for each in picture.boxes] == [
        ("layer", ()),
        ("… * 2", ("40 times", "program.py:9")),
        ("… + …", ("40 times", "program.py:10")),
        ("loss", ("program.py:10",)),
    ]
    # d loss / d hidden is 2 / 40, and the slope of tanh is 1 at 0.
    slopes = [1.0 - math.tanh(0.5 * n / 10) ** 2 for n in range(40)]
    of_x = sum(0.05 * slope * n / 10 for n, slope in enumerate(slopes))
    assert box(picture, "layer").table[1:] == (
        ("40 outputs", f"0 … {math.tanh(1.95):.4g}", "+0.05"),
        ("40 variables", "0 … 3.9", f"+{0.025 * slopes[-1]:.4g} … +0.025"),
        ("x", "0.5", f"+{of_x:.4g}"),
    )
    opened = fold(run(MANY)["loss"], "unit")
    assert [frame.title for frame in opened.frames] == ["layer", "unit × 40"]
    assert box(opened, "w * x").numbers == (
        *("value 0 … 1.95", f"grad +{0.05 * slopes[-1]:.4g} … +0.05"),
        *("40 times", "program.py:3"),
    )
    # The function's argument names them.
    assert (box(opened, "w").kind, box(opened, "w").title) == ("variable", ("w", "40 variables"))
    one = fold(run(MANY)["loss"], "unit 3")
    assert [frame.title for frame in one.frames] == ["layer", "unit 3"]
    assert box(one, "unit × 39").numbers == ("39 of 40 calls", "program.py:5", "78 operations")


def test_the_limits_of_what_is_drawn_one_by_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    loss = run(SOFTMAX)["loss"]
    each = len(fold(loss).boxes)
    monkeypatch.setattr(fold_calls, "MOST_EACH", each)
    assert names(fold(loss)) == ["loss_of 1", "loss_of 2"]
    monkeypatch.setattr(fold_calls, "MOST_EACH", each - 1)
    merged = fold(loss)
    # They are called at two places of the line.
    assert names(merged) == ["loss_of 1", "loss_of 2"]
    assert names(merged, "variable") == ["w"]
    asked = fold(loss, "softmax 2")
    assert "total" in [each.name.split()[0] for each in asked.boxes]
    monkeypatch.setattr(fold_calls, "MOST_ASKED", len(asked.boxes) - 1)
    assert names(fold(loss, "softmax 2"), "operation").count("… / total") <= 1


def test_data_that_several_boxes_use_is_one_box_and_a_line_of_sums_of_many_lengths(
    run: Run,
) -> None:
    text = """
def near(xs):
    return [x * 2.0 for x in xs]
def far(xs):
    return [x * 3.0 for x in xs]
xs = [constant(float(n), f"x[{n}]") for n in range(30)]
totals = [weighted_sum(Value(0.0), near(xs)[:n], far(xs)[:n]) for n in range(1, 17)]
loss = sum(totals)
"""
    from autodiff import weighted_sum

    picture = fold(run(text, weighted_sum=weighted_sum)["loss"])
    data = box(picture, "x")
    assert (data.kind, data.title) == ("input", ("x", "16 numbers", "0 … 15"))
    assert box(picture, "totals").numbers[2] == "16 times"
    assert names(picture) == ["near × 16", "far × 16"]


def test_a_recurrence_is_drawn_as_a_circle(run: Run) -> None:
    text = """
def cell(state, x):
    return (state + x).tanh()
def readout(state):
    return state * 0.5
state = Value(0.0, "state")
for step in range(30):
    state = readout(cell(state, Value(1.0)))
"""
    picture = fold(run(text)["state"])
    assert ends(picture) >= {("cell × 30", "readout × 30"), ("readout × 30", "cell × 30")}


def test_names_are_not_looked_for_in_too_many_lines(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = run(SOFTMAX)["loss"]
    order = topological_order(loss)
    every = places.called_by_program(order)
    assert "w[0]" in names(fold(loss), "variable")
    monkeypatch.setattr(places, "MOST_VISITS", 0)
    assert "w[0]" not in names(fold(loss), "variable")
    assert places.called_by_program(order).items() < every.items()


def test_names_are_not_looked_for_in_too_many_things(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two lists, as many things are looked at as are up to the end of the first."""
    values = [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]]
    nodes = {id(value): value for pair in values for value in pair}
    scope = dict(zip(("first", "second"), values, strict=True))
    every = ["first[0]", "first[1]", "second[0]", "second[1]"]
    assert list(places.named_in_scope([scope], nodes).values()) == every
    monkeypatch.setattr(places, "MOST_LOOKED_AT", 3)
    assert list(places.named_in_scope([scope], nodes).values()) == every[:2]


def test_values_in_dictionaries_are_named_by_their_keys(run: Run) -> None:
    text = """
def f(x):
    return x * x
w = {"key": [Value(1.0), Value(2.0)]}
y = f(w["key"][1]) + w["key"][1] + w["key"][0]
"""
    picture = fold(run(text)["y"])
    assert names(picture, "variable") == ["w['key'][1]", "w['key'][0]"]


# ---- text ----------------------------------------------------------------------------------------


def test_a_call_over_several_lines_is_one_line_and_text_that_is_not_there_is_left_out(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
def f(é, key=None):
    return é * 2
y = f(
    Value(1.0),  # a remark
    key=len("ü"),
) + 1
"""
    y = run(text)["y"]
    assert box(fold(y), "f").title == ("f(Value(…),", "key=len(…))")
    monkeypatch.setattr(call_tree, "instructions", WithoutPositions)
    assert box(fold(y), "f").title == ("f",)
    monkeypatch.undo()
    (tmp_path / "program.py").write_text("# another program\n" * 9, encoding="utf-8")
    os.utime(tmp_path / "program.py", ns=(1, 1))
    linecache.checkcache()
    assert box(fold(y), "f").title == ("f",)


class WithoutPositions:
    """What is known of the instructions of a program that runs with -X no_debug_ranges."""

    positions = None

    def __init__(self, code: object) -> None:
        pass

    def __getitem__(self, offset: int) -> WithoutPositions:
        return self


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f(x)", "f(x)"),
        ("f()", "f()"),
        ("f(g(), h(x), *k(y))", "f(g(), h(…), *k(…))"),
        ("f(key=g(h(x)))", "f(key=g(…))"),
        ("a @ b", "a @ b"),
        ("not a call (", ""),
    ],
)
def test_a_call_is_written_without_what_the_calls_in_it_are_given(text: str, expected: str) -> None:
    assert without_inner_calls(text) == expected


def test_a_call_that_no_line_of_the_user_s_made_has_no_place(run: Run) -> None:
    scope = run("def f(x):\n    return x * x\ndef g(x):\n    return f(x) + 1\n")
    # A library's thread that records, and calls the user's function.
    text = """
def work():
    with record_source():
        made.append(g(Value(2.0)) * g(Value(1.0)))
"""
    library: dict[str, Any] = {"record_source": record_source, "Value": Value, "made": [], **scope}
    exec(compile(text, "/somewhere/site-packages/library.py", "exec"), library)
    thread = threading.Thread(target=library["work"])
    thread.start()
    thread.join(timeout=60)
    root = library["made"][0]
    places = [(call.name, call.place) for call in CallTree(topological_order(root)).calls]
    assert places == [("g", ""), ("f", "program.py:4"), ("g", ""), ("f", "program.py:4")]
    assert box(fold(root), "g 1").numbers == ("call 1 of 2", "2 operations")


def test_results_are_called_what_the_caller_or_the_function_that_takes_them_calls_them(
    run: Run,
) -> None:
    text = """
def scaled(x, by):
    return [each * by for each in x]

def total(terms, start=0.0):
    start = start + 1.0
    return sum(terms, start)

def both(x):
    return x[0].exp(), x[1].exp()

def loss_of(w):
    logits = scaled(w, 2.0)
    one, other = both(logits)
    return total(scaled([one, other], 3.0)) + total(scaled(logits, 4.0)) * one

w = [Value(0.0), Value(1.0)]
loss = loss_of(w)
"""
    picture = fold(run(text)["loss"])
    rows = {" ".join(each.title): each.table[1][0] for each in picture.boxes if each.table}
    assert rows == {
        "scaled(w, 2.0)": "logits: 2 outputs",
        "both(logits)": "one, other: 2 outputs",
        # No name of its own, so by the function that takes it, and its argument there.
        "scaled([one, other], 3.0)": "total.terms: 2 outputs",
        "scaled(logits, 4.0)": "total.terms: 2 outputs",
        "total(scaled(…))": "output",
    }


def test_what_is_picked_among_is_told_once(run: Run) -> None:
    text = """
from autodiff import pick
def chosen(places, rows):
    return [pick(place, [each * 2.0 for each in row]) for place, row in zip(places, rows)]
def loss_of(rows):
    return sum(chosen([n % 3 for n in range(30)], rows))
loss = loss_of([[Value(0.5), Value(1.5), Value(2.5)] for _ in range(30)])
"""
    picture = fold(run(text)["loss"], "chosen")
    assert ["pick(…, […])"] in [list(each.title) for each in picture.boxes]


# ---- errors --------------------------------------------------------------------------------------


def test_what_cannot_be_opened_is_named_with_what_can(run: Run) -> None:
    loss = run(SOFTMAX)["loss"]
    assert names(fold(loss, loss)) == names(fold(loss))  # what is open opens nothing more
    there = r"there are loss_of \(2 calls\), softmax \(2 calls\), exponentials \(2 calls\)"
    for asked in ("sofmax", "softmax 3", "exponentials > softmax", ""):
        with pytest.raises(ValueError, match=f"no call is named '{asked}'; {there}"):
            fold(loss, asked)
    for value in (Value(1.0, "w"), Value(2.0, "w").exp(), loss.parents[0].parents[0].exp()):
        with pytest.raises(ValueError, match=f"computed by no call that is recorded .*; {there}"):
            fold(loss, value)
    with pytest.raises(ValueError, match="there are no calls of functions in it"):
        fold(run("y = Value(1.0) * 2")["y"], "f")


def test_of_many_functions_the_first_twelve_are_listed(run: Run) -> None:
    text = "".join(f"def f{n}(x):\n    return x * 2\n" for n in range(13))
    text += "y = Value(1.0)\n" + "".join(f"y = f{n}(y)\n" for n in range(13))
    with pytest.raises(ValueError, match=r"there are f0, f1, .*, f11, …$"):
        fold(run(text)["y"], "g")


def test_the_error_about_too_many_nodes_names_this_fold_where_it_fits(run: Run) -> None:
    with pytest.raises(ValueError, match=r'Fold it: .*fold="call" makes it 4, or pass'):
        draw(run(MANY)["loss"], fold="none", max_nodes=20)


# ---- long pictures -------------------------------------------------------------------------------


def chain_of(count: int, frames: Sequence[Frame] = (), around: str = "") -> Picture:
    ids = [f"v{place}" for place in range(count)]
    made = [Box(id, "call", id, (id,), frame=around) for id in ids]
    between = [Arrow(f"{a}-{b}", a, b) for a, b in pairwise(ids)]
    return Picture(made, between, frames)


def test_a_long_picture_is_in_lines_and_a_short_one_is_not() -> None:
    short = chain_of(8)
    assert in_lines(short) == replace(short, frames=[])
    assert in_lines(Picture([], []), (1, 2)).boxes == []
    frames = [Frame("c1", "f"), Frame("c2", "g", "c1")]
    long = in_lines(chain_of(9, frames, "c2"), (3, 6))
    # Nine boxes are three lines of three; the first box of a line follows what was before.
    assert [(each.id, each.line) for each in long.boxes] == [
        *[(f"v{place}", place // 3) for place in range(9)],
        *(("v2_at_v3", 1), ("v5_at_v6", 2)),
    ]
    assert {each.tail for each in long.arrows if each.head == "v3"} == {"v2_at_v3"}
    assert [(each.id, each.outer, each.line) for each in long.frames] == [
        *(("c1", "", 0), ("c2", "c1", 0), ("c1_2", "", 1)),
        *(("c2_2", "c1_2", 1), ("c1_3", "", 2), ("c2_3", "c1_3", 2)),
    ]


def test_a_leaf_and_a_reference_are_beside_their_first_users_and_circles_do_not_matter() -> None:
    long = chain_of(9)
    made = [Box("w", "variable", "w", ("w",)), *long.boxes, Box("r", "reference", "r", ("r",))]
    more = [
        Arrow("a", "w", "v5"),
        Arrow("b", "r", "v4"),
        Arrow("c", "v8", "v0"),
        Arrow("d", "r", "v0"),
    ]
    lines = {
        each.id: each.line for each in in_lines(Picture(made, [*long.arrows, *more]), (3, 6)).boxes
    }
    assert (lines["w"], lines["r"], lines["v8_at_v0"]) == (1, 0, 0)


# ---- a whole GPT, and golden text ----------------------------------------------------------------


def gpt(name: str) -> Value:
    """Return the loss of a GPT that is written in plain functions, after backward()."""
    model = GPT(scalars_of("eager Value"), FULL)
    with record_source():
        loss: Value = model.loss(name)
    loss.backward()
    return loss


@pytest.mark.thorough
def test_a_step_of_a_gpt_of_60000_nodes_is_one_picture_that_fits_a_slide() -> None:
    loss = gpt("amelia")
    picture = draw(loss, fold="call", fit=ROOM).picture
    assert names(picture) == ["GPT.logits × 7", "softmax × 7"]
    assert len(picture.boxes) == 6
    assert box(picture, "GPT.logits × 7").table[1][0] == "logits: 189 outputs"  # 7 × 27
    opened = draw(loss, fold="call", expand=["logits"]).picture
    calls = [each for each in opened.boxes if each.kind == "call"]
    # One position's functions in their order, with the name of each matrix.
    assert [" ".join(each.title) for each in calls] == [
        "plus(self.token_embedding[token], self.position_embedding[position])",
        *("rms_norm(plus(…))", "rms_norm(x)"),
        *("linear(self.key, normed)", "linear(self.value, normed)", "linear(self.query, normed)"),
        *("self.attention(linear(…), keys, values)", "linear(self.attention_output, attended)"),
        *("plus(x, linear(…))", "rms_norm(x)", "linear(self.expand, rms_norm(…))"),
        *("linear(self.contract, hidden)", "plus(x, linear(…))", "linear(self.vocabulary, x)"),
        "softmax(self.scalars, logits)",
    ]
    assert max(each.line for each in opened.boxes) > 1


@pytest.fixture(scope="module")
def rivers() -> Iterator[Any]:
    """Yield a script for another engine, with matrices in a dict, as a module that was recorded."""
    engine = types.ModuleType("engine")
    engine.Value = Value  # type: ignore[attr-defined]
    spec = importlib.util.spec_from_file_location("river_gpt", path_of("river_gpt"))
    assert spec is not None
    assert spec.loader is not None
    module, dice = importlib.util.module_from_spec(spec), random.getstate()
    with patch.dict(sys.modules, engine=engine, river_gpt=module):
        with record_source():
            spec.loader.exec_module(module)
        random.setstate(dice)
        module.loss.backward()
        yield module


MATRICES = {
    **{"wte": "7 × 16", "wpe": "8 × 16", "lm_head": "23 × 16"},
    **{f"attn_{name}": "16 × 16" for name in ("wq", "wk", "wv", "wo")},
    **{"mlp_fc1": "64 × 16", "mlp_fc2": "16 × 64"},
}


@pytest.mark.thorough
def test_a_step_of_a_script_with_matrices_in_a_dict_is_one_picture_that_fits_a_slide(
    rivers: Any,
) -> None:
    """The last river, zambezi, has eight positions and seven tokens, whose rows are used."""
    picture = draw(rivers.loss, fold="call", fit=ROOM).picture
    assert names(picture) == ["gpt × 8", "softmax × 8"]
    assert len(picture.boxes) <= 8
    rows = dict(row[0].split(": ") for row in box(picture, "gpt × 8").table[1:])
    assert rows == {**MATRICES, "logits": "184 outputs"}


@pytest.mark.unmeasured
def test_a_weight_s_matrix_is_one_box_or_row_whatever_is_open(rivers: Any) -> None:
    for expand in (["gpt", "linear"], ["gpt 3"], ["linear 20"]):
        picture = draw(rivers.loss, fold="call", expand=expand, fit=ROOM).picture
        matrices = [each.title[0] for each in picture.boxes if each.kind == "variable"]
        assert len(matrices) == len(set(matrices))
        rows = [row[0] for each in picture.boxes for row in each.table]
        named = [row.split(":")[0] for row in rows if "outputs" not in row]
        found = {name.split("'")[1].rpartition(".")[2] for name in matrices} | {*named} - {""}
        assert found >= MATRICES.keys()
        assert len(picture.boxes) < 60


FORMS: dict[str, Callable[[], Any]] = {
    "fold_call": lambda: draw(recorded_loss(0, 1, 2), fold="call", **BOXES),
    "fold_call_merged": lambda: draw(recorded_loss(0, 1, 2, 3, 4, 0, 2, 1), fold="call", **BOXES),
    "fold_call_expand": lambda: draw(
        recorded_loss(0, 1, 2, 3, 4, 0), fold="call", expand=["attention"], legend=True, **BOXES
    ),
    "fold_call_one": lambda: draw(
        recorded_loss(0, 1, 2), fold="call", expand=["softmax 5"], **BOXES
    ),
    "fold_call_edges": lambda: draw(recorded_loss(3, 4), fold="call", **BOXES, edges=True),
    "fold_call_step": lambda: draw(recorded_loss(0, 1, 2), fold="call", **BOXES, step=40),
}


@cache
def form(name: str) -> Any:
    return FORMS[name]()


@pytest.mark.parametrize("name", FORMS)
def test_the_text_of_each_form_is_the_golden_one(name: str, golden: Golden) -> None:
    golden.check(f"draw_{name}.dot", form(name).source)


def test_the_mermaid_text_is_the_golden_one(golden: Golden) -> None:
    golden.check("draw_fold_call_expand.mmd", form("fold_call_expand").mermaid())


@needs_webassembly
@pytest.mark.parametrize("name", FORMS)
def test_lines_lie_below_each_other_in_the_svg_or_side_by_side(name: str) -> None:
    drawing = form(name)
    svg = drawing.svg()
    axis = "y" if drawing.rankdir in ("LR", "RL") else "x"
    found: dict[int, list[float]] = {}
    for each in drawing.picture.boxes:
        start = svg.index(f'<g id="{each.id}" class="node')
        places = re.findall(rf' {axis}="(-?[\d.]+)"', svg[start : svg.index("</g>", start)])
        found.setdefault(each.line, []).extend(map(float, places))
    middles = [sum(found[line]) / len(found[line]) for line in sorted(found)]
    assert middles == sorted(middles)


def test_the_steps_of_a_pass_lie_in_the_same_lines() -> None:
    loss = recorded_loss(0, 1, 2)
    first, later = [
        draw(loss, fold="call", expand=["attention"], edges=True, step=step) for step in (3, 60)
    ]
    assert first.room is not None
    assert max(each.line for each in first.picture.boxes) > 0
    for drawing in (first, later):
        places = [(each.id, each.line, each.frame) for each in drawing.picture.boxes]
        assert places == [(each.id, each.line, each.frame) for each in first.room.boxes]
        assert [each.id for each in drawing.picture.arrows] == [
            each.id for each in first.room.arrows
        ]


def test_drawing_changes_nothing() -> None:
    loss = recorded_loss(0, 1, 2)
    before = [(node.data, node.grad, node.origin) for node in topological_order(loss)]
    fold(loss, "attention")
    assert [(node.data, node.grad, node.origin) for node in topological_order(loss)] == before
