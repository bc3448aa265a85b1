"""The backward pass through the user's own lines: where it stops, what it shows, and its bits.

Debuggers of all kinds do it in ``test_pdb.py``, ``test_ipdb.py`` and ``test_debugpy.py``; here a
trace function stands for one.
"""

from __future__ import annotations

import bdb
import dis
import gc
import linecache
import os
import random
import sys
import textwrap
import trace
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any, NamedTuple

import pytest
from hypothesis import given

import nn
from autodiff import AnomalyError, Value, detect_anomaly, record_source, topological_order
from autodiff.debug import assignments
from autodiff.debug.assignments import names_of_comprehension
from autodiff.debug.bindings import is_alike
from autodiff.debug.steps import ReversePass, step_through
from autodiff.debug.walk import Pass, Rounds, Walk, last_first, walk_through
from autodiff.ops import Operation
from autodiff.support import frames, hooks, lines, watch
from autodiff.support.changed import Changes
from autodiff.support.frames import calling_function, is_debugger, module_of, place_of_now
from autodiff.support.lines import PassingOver, Quiet, pass_over_library
from autodiff.value import constant
from tests.bits import bits
from tests.random_graphs import Recipe, built, wild_recipes


class Stop(NamedTuple):
    """Where a debugger would stop in a pass: the functions from without, and what is shown."""

    functions: tuple[str, ...]
    line: int
    names: dict[str, Any]
    module: dict[str, Any]

    @property
    def gradients(self) -> dict[str, float]:
        return {name[2:]: it for name, it in self.names.items() if name.startswith("d_")}


class Tracer(bdb.Bdb):
    """A debugger that notes each stop in the frames of a pass, and may raise at one."""

    def __init__(self, raise_at: int = -1, error: type[BaseException] = bdb.BdbQuit) -> None:
        super().__init__()
        self.stops: list[Stop] = []
        self.raise_at = raise_at
        self.error = error

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        if not is_of_a_pass(frame):
            return None
        if event == "line":
            if len(self.stops) == self.raise_at:
                raise self.error
            names = {name: it for name, it in frame.f_locals.items() if name[:2] != "__"}
            self.stops.append(
                Stop(functions_to(frame), frame.f_lineno, names, without_rounds(frame.f_globals))
            )
        return self


def without_rounds(names: dict[str, Any]) -> dict[str, Any]:
    """Return names without those that do the work of a stop, which refer to the whole pass."""
    return {name: it for name, it in names.items() if name not in ("__round__", "__between__")}


def is_of_a_pass(frame: FrameType) -> bool:
    """Return whether a frame is one of a pass's, at lines of a program, not at those of a test."""
    return "__round__" in frame.f_globals and frame.f_code.co_filename != __file__


def functions_to(frame: FrameType | None) -> tuple[str, ...]:
    functions = []
    while frame is not None:
        if is_of_a_pass(frame):
            functions.append(frame.f_code.co_name)
        frame = frame.f_back
    return tuple(reversed(functions))


@contextmanager
def debugger(tracer: Tracer) -> Iterator[None]:
    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        yield
    finally:
        sys.settrace(before)


def stops_of(root: Value) -> list[Stop]:
    tracer = Tracer()
    with debugger(tracer):
        root.backward()
    return tracer.stops


def run(code: str, path: Path, library: bool = False, **names: Any) -> dict[str, Any]:
    """Run a program that is saved there with its lines recorded, and return its names.

    Its first line is number 1.  ``library`` says whether those of ``nn`` are recorded, too.
    """
    text = textwrap.dedent(code).lstrip("\n")
    if not path.exists():
        path.write_text(text, encoding="utf-8")
    namespace = {"Value": Value, "__name__": "lesson", **names}
    with record_source(library=library):
        exec(compile(text, str(path), "exec"), namespace)
    return namespace


def check(code: str, path: Path, **names: Any) -> list[Stop]:
    """Return the stops of a program's loss, after a check that the pass has the same bits.

    One pass is traced, and one is not, for what measures which lines of the library are reached.
    """
    graphs = [topological_order(run(code, path, **names)["loss"]) for _ in range(3)]
    graphs[0][-1].backward()
    stops = stops_of(graphs[1][-1])
    walk_through(graphs[2][-1], 1.0)
    for graph in graphs[1:]:
        assert [gradient(node) for node in graph] == [gradient(node) for node in graphs[0]]
    return stops


def gradient(node: Value) -> tuple[bytes, bool]:
    return bits(node.grad), node.has_grad


@pytest.fixture(autouse=True, scope="module")
def none_left() -> Iterator[None]:
    """Free what the modules and errors of these tests refer to, as others look for recordings."""
    yield
    gc.collect()
    Value(1.0).backward()  # which notices that there are none
    assert watch.on_backward is None


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    return tmp_path / "lesson.py"


# ---- Where it stops -------------------------------------------------------------------------


def test_from_the_loss_back_to_the_first_line(lesson: Path) -> None:
    stops = check(
        """
        w, x, b = Value(0.5), Value(3.0), Value(-1.0)
        z = w * x + b
        y = z * z
        loss = y * 2.0
        """,
        lesson,
    )
    assert [(stop.functions, stop.line) for stop in stops] == [
        (("<module>",), line) for line in (4, 3, 2, 1)
    ]
    # The gradients so far by the user's names: loss = 2 z², z = 0.5.
    assert [stop.gradients for stop in stops] == [
        {"loss": 1.0},
        {"loss": 1.0, "y": 2.0},
        {"loss": 1.0, "y": 2.0, "z": 2.0},
        {"loss": 1.0, "y": 2.0, "z": 2.0, "w": 6.0, "x": 1.0, "b": 2.0},
    ]
    # And the line's Values.
    at_z = stops[2].names
    assert [at_z[name].data for name in "zwxb"] == [0.5, 0.5, 3.0, -1.0]
    assert "visit" not in at_z


def test_a_line_that_ran_many_times_is_visited_as_often_the_last_first(lesson: Path) -> None:
    stops = check(
        """
        w = Value(2.0)
        losses = []
        for x in (1.0, 2.0, 3.0):
            error = w * x - 1.0
            losses.append(error * error)
        loss = sum(losses)
        """,
        lesson,
    )
    assert [stop.line for stop in stops] == [6, 5, 4, 5, 4, 5, 4, 1]
    visits = [(stop.names["visit"], stop.names["error"].data) for stop in stops[1:-1]]
    assert visits == [
        *[("3 of 3", 5.0)] * 2,
        *[("2 of 3", 3.0)] * 2,
        *[("1 of 3", 1.0)] * 2,
    ]
    # The loop's variable as it was then, at lines without it too; before the loop there is none.
    assert [stop.names.get("x") for stop in stops] == [3.0, 3.0, 3.0, 2.0, 2.0, 1.0, 1.0, None]
    # 2 Σ (w x - 1) x, from the last row on.
    assert [stop.gradients.get("w") for stop in stops] == [None] * 3 + [
        30.0,
        30.0,
        42.0,
        42.0,
        44.0,
    ]


def test_each_run_of_a_loops_only_line_is_a_stop(lesson: Path) -> None:
    stops = check(
        """
        w = Value(2.0)
        loss = w * 1.0
        for x in range(4): loss = loss + w * x
        """,
        lesson,
    )
    assert [stop.line for stop in stops] == [3, 3, 3, 3, 2, 1]
    assert [stop.names.get("visit") for stop in stops[:5]] == [
        *("4 of 4", "3 of 4", "2 of 4", "1 of 4"),
        None,
    ]
    assert [stop.names["loss"].data for stop in stops] == [14.0, 8.0, 4.0, 2.0, 2.0, 2.0]


def test_in_each_epoch_the_gradients_so_far_have_the_names_of_that_epoch(lesson: Path) -> None:
    stops = check(
        """
        w = Value(0.5, "w")
        for epoch in range(3):
            z = w * 3.0
            y = z * 2.0
            loss = y * 7.0
            w.data -= 0.25
        """,
        lesson,
    )
    assert [(stop.line, stop.gradients) for stop in stops] == [
        (5, {"loss": 1.0}),
        (4, {"loss": 1.0, "y": 7.0}),
        (3, {"loss": 1.0, "y": 7.0, "z": 14.0}),
        (1, {"loss": 1.0, "y": 7.0, "z": 14.0, "w": 42.0}),
    ]


# Programs, and the lines at which their passes stop.
LINES = {
    "five operations on one": (
        "w, x = Value(0.5), Value(3.0)\nloss = ((w * x + 1.0).tanh() - 0.5) ** 2\n",
        [2, 1],
    ),
    "two statements on one": ("w = Value(2.0); y = w * 3.0; loss = y * y\n", [1]),
    "a call of the library": (
        "import nn\n"
        "model = nn.MLP(2, [3, 1], activation='tanh', rng=1)\n"
        "rows = [[0.0, 1.0], [1.0, 1.0]]\n"
        "predicted = [model(row) for row in rows]\n"
        "loss = nn.mse_loss(predicted, [0.0, 1.0])\n",
        [5, 4, 2],
    ),
}


@pytest.mark.parametrize(("code", "numbers"), LINES.values(), ids=LINES.keys())
def test_each_line_is_a_stop(lesson: Path, code: str, numbers: list[int]) -> None:
    assert [stop.line for stop in check(code, lesson)] == numbers


def test_calls_deeper_than_a_stack_takes_are_done_at_the_last_line_before(lesson: Path) -> None:
    stops = check(
        """
        def power(v, n):
            return v * 1.0 if n == 1 else v * power(v, n - 1)
        w = Value(1.0)
        loss = power(w, 600)
        """,
        lesson,
    )
    assert 90 < max(len(stop.functions) for stop in stops) <= 100
    assert len(stops) < 102


def test_an_expression_over_several_lines_stops_at_each(lesson: Path) -> None:
    stops = check(
        """
        w = Value(2.0)
        loss = (
            w * 3.0
            + w * w
        )
        """,
        lesson,
    )
    assert sorted({stop.line for stop in stops}) == [1, 3, 4]


def test_a_function_is_a_frame_of_its_own_that_the_line_of_the_call_enters(lesson: Path) -> None:
    stops = check(
        """
        def neuron(v, inputs):
            total = v * inputs
            return total.tanh()
        def twice(v):
            return neuron(v, 2.0) + neuron(v, 3.0)
        w = Value(0.1)
        y = twice(w)
        loss = y * y
        """,
        lesson,
    )
    module, twice, neuron = ("<module>",), ("<module>", "twice"), ("<module>", "twice", "neuron")
    assert [(stop.functions, stop.line) for stop in stops] == [
        *((module, 8), (module, 7), (twice, 5)),
        *((neuron, 3), (neuron, 2)) * 2,
        (module, 6),
    ]
    # The second call is the first that it comes to; the parameter's name is that of the function.
    assert [stop.names.get("inputs") for stop in stops] == [
        *(None, None, None, 3.0, 3.0, 2.0, 2.0, None)
    ]
    assert stops[4].names["v"] is stops[-1].names["w"]
    assert "w" not in stops[3].names or stops[3].names["w"] is stops[-1].names["w"]


def test_what_is_differentiated_is_there_in_each_function_too(lesson: Path) -> None:
    code = """
        def neuron(v):
            y = v * v
            return y + 1.0
        def layer(v, loss):
            return neuron(v) * loss
        w = Value(3.0)
        loss = layer(w, 2.0)
        """
    stops = check(code, lesson)
    root = stops[0].names["loss"]
    shown = {stop.functions[1:]: stop.names["loss"] for stop in stops[:-1] if "loss" in stop.names}
    # Unless the function has such a name of its own.
    assert shown == {(): root, ("layer",): 2.0, ("layer", "neuron"): root}
    in_neuron = [stop for stop in stops if stop.functions[-1] == "neuron"]
    assert [stop.gradients["loss"] for stop in in_neuron] == [1.0, 1.0]


def test_what_a_function_returns_takes_no_name_of_the_function_s_own(lesson: Path) -> None:
    code = """
        def squared(y):
            y = y * 2.0
            return y * y
        def outer(x):
            y = x + 1.0
            return squared(y)
        w = Value(3.0)
        y = outer(w)
        loss = y + 1.0
        """
    stops = check(code, lesson)
    shown = [(stop.functions[-1], stop.line, stop.names["y"].data) for stop in stops[:-1]]
    assert shown == [
        ("<module>", 9, 64.0),
        ("<module>", 8, 64.0),
        # Not 64, which is the y of the line that called it: in each function y is its own.
        ("outer", 6, 4.0),
        ("squared", 3, 8.0),
        ("squared", 2, 8.0),
        ("outer", 5, 4.0),
    ]
    # d y*y/d y is 16, of what was doubled 32; in the module, y is what outer() returned.
    assert [stop.gradients.get("y") for stop in stops] == [None, 1.0, None, None, 16.0, 32.0, 1.0]


def test_the_lines_of_networks_are_walked_where_that_is_asked_for(lesson: Path) -> None:
    code = """
        model = nn.MLP(2, [2, 1], rng=random.Random(0))
        loss = nn.mse_loss([model([0.5, -1.0]), model([1.0, 2.0])], [1.0, 0.0])
        """
    namespace = run(code, lesson, library=True, nn=nn, random=random)
    loss, model = namespace["loss"], namespace["model"]
    stops = stops_of(loss)
    walked = [each.grad for each in model.parameters()]
    # From the loss to the layers: each line of a function is one of its file in nn.
    functions = list(dict.fromkeys(name for stop in stops for name in stop.functions))
    assert functions[0] == "<module>"
    assert functions[1:3] == ["mse_loss", "_mean"]
    assert {stop.functions[-1] for stop in stops} >= {"_respond", "total_of", "mse_loss"}
    respond = [stop for stop in stops if stop.functions[-1] == "_respond"]
    assert all("d_total" in stop.names for stop in respond if "total" in stop.gradients)
    assert {type(stop.names["self"]) for stop in respond} == {nn.Neuron}
    # The call of a network is a line of the user's own, unless it is asked for.
    plain = run(code, lesson.with_name("plain.py"), nn=nn, random=random)
    assert {stop.functions for stop in stops_of(plain["loss"])} == {("<module>",)}
    assert [each.grad for each in plain["model"].parameters()] == walked


def test_a_line_with_operations_before_and_after_a_call_is_one_stop(lesson: Path) -> None:
    stops = check(
        """
        def square(v):
            return v * v
        w = Value(3.0)
        loss = w * 2.0 + square(w * 4.0) * 5.0
        """,
        lesson,
    )
    assert [(stop.functions, stop.line) for stop in stops] == [
        (("<module>",), 4),
        (("<module>", "square"), 2),
        (("<module>",), 3),
    ]


def test_methods_of_a_class_and_a_lambda_on_the_line_of_its_call(lesson: Path) -> None:
    stops = check(
        """
        class Neuron:
            def __init__(self):
                self.w = Value(0.5, "weight")
            def __call__(self, x):
                return (self.w * x).tanh()
        neuron = Neuron()
        loss = (lambda y: y * y)(neuron(2.0))
        """,
        lesson,
    )
    assert [(stop.functions[-1], stop.line) for stop in stops] == [
        *(("<module>", 7), ("<lambda>", 7), ("__call__", 5), ("<module>", 6), ("__init__", 3))
    ]
    # A Value that the line has no name for is called by its label.
    assert stops[3].gradients["weight"] == stops[2].names["weight"].grad


def test_recursion(lesson: Path) -> None:
    stops = check(
        """
        def power(v, n):
            if n == 1:
                return v * 1.0
            return v * power(v, n - 1)
        w = Value(2.0)
        loss = power(w, 3)
        """,
        lesson,
    )
    power = ("<module>", *["power"] * 3)
    assert [(stop.functions, stop.line) for stop in stops] == [
        *((power[:1], 6), (power[:2], 4), (power[:3], 4), (power[:4], 3), (power[:1], 5))
    ]
    assert [stop.names.get("n") for stop in stops] == [None, 3, 2, 1, None]


def test_what_a_comprehension_makes_belongs_to_its_line(lesson: Path) -> None:
    stops = check(
        """
        w = Value(2.0)
        squares = [w * k for k in range(3)]
        for _ in range(2):
            more = sum(w * k for k in range(3))
        loss = sum(squares) + more + sum(
            w * k
            for k in range(3)
        )
        """,
        lesson,
    )
    lines = [stop.line for stop in stops]
    assert lines[-2:] == [2, 1]
    assert lines.count(4) == 1  # the other run of it is in no graph
    assert set(lines[:-3]) == {5, 6}
    assert {stop.functions for stop in stops} == {("<module>",)}


def test_a_comprehension_is_known_by_the_spans_of_its_instructions_from_python_3_12_on(
    lesson: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson.write_text("a = [w * x for x in xs] + w * y\n", encoding="utf-8")
    monkeypatch.setattr(assignments, "INLINED", True)
    # Code with the same columns, all in one function, as all code is then.
    code = compile("a = (w * x)", str(lesson), "exec")
    times = next(it.offset for it in dis.get_instructions(code) if it.opname == "BINARY_OP")
    assert names_of_comprehension(code, (times, times)) == {"x"}
    outside = compile(f"a = {' ' * 30}w * x", str(lesson), "exec")
    times = next(it.offset for it in dis.get_instructions(outside) if it.opname == "BINARY_OP")
    assert names_of_comprehension(outside, (times, times)) is None


def test_the_runs_of_a_comprehension_in_a_loop_are_told_apart_by_names(
    lesson: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Python 3.11 calls it, with an instruction of the comprehension's own span.
    monkeypatch.setattr(assignments, "INLINED", True)
    stops = check(
        """
        w, out = Value(2.0), []
        for k in range(3):
            out += [w * j for j in range(2)]
        loss = sum(out)
        """,
        lesson,
    )
    assert [stop.names["k"] for stop in stops if stop.line == 3] == [2, 1, 0]


# A loop with w, c, d, out and k, and what k is in those runs of its line that the loss depends on.
LOOPS = {
    "a conditional": ("for k in range(3): c = c + w * k if k % 2 else c - w", [2, 1, 0]),
    "its other side first": (
        "for k in range(4): c = c * w if k % 2 == 0 else c * 3.0",
        [3, 2, 1, 0],
    ),
    "on a line of its own": (
        "for k in range(3):\n    c = c + w * k if k % 2 else c - w",
        [2, 1, 0],
    ),
    "and, or": (
        "for k in range(4): c = (k == 0 and c * 2.0) or (k == 1 and c * w) or c * 3.0",
        [3, 2, 1, 0],
    ),
    "a function on both sides": (
        "f = lambda v: v * w\nfor k in range(4): c = f(c) if k % 2 == 0 else f(c) * 2.0",
        [3, 2, 1, 0],
    ),
    "a sum": ("for k in range(3): c = sum([c, w])", [2, 1, 0]),
    "a sum without a name": ("out = [w]\nfor k in range(3): out.append(sum(out))", [2, 1, 0]),
    "a list that grows": ("for k in range(3): out.append(w * k); out.append(c * w)", [2, 1, 0]),
    "a comprehension": (
        "for k in range(3): out += [c * j if j else c - w for j in range(2)]",
        [2, 1, 0],
    ),
    "nothing in a run": (
        "for k in range(4): c = (c * w if k == 0 else c) if k < 2 else c - w",
        [3, 2, 0],
    ),
    "two statements": (
        "for k in range(4): d = c - w if k == 1 else w; c = c * d if k else c",
        [3, 2, 1],
    ),
    "a walrus": ("for k in range(3): c = (d := c * w) * 2.0 if k else d", [2, 1]),
    "while": ("while k < 3: c = c * w if k == 0 else c - w; k += 1", [2, 1, 0]),
    "while, on a line of its own": (
        "while k < 3:\n    c = c * w if k == 0 else c - w\n    k += 1",
        [2, 1, 0],
    ),
    "the condition of while": (
        "while (c := c * w).data > 0.4 or k < 3:\n    k += 1",
        [3, 2, 1, 0],
    ),
}
# Where names do not tell, as others may bind them meanwhile.
COUNTED = """
calls = 0
def f(v):
    global calls
    calls += 1
    return v * 2.0
def outer(v):
    calls = 0
    def g(v):
        nonlocal calls
        calls += 1
        def h(v):
            nonlocal calls
            calls += 1
            return v * 2.0
        return (h(v) + h(v)) if calls else 0
    return g(v) + g(v)
w = Value(0.5)
loss = (calls < 9 and f(w)) + f(w) + outer(w)
"""


@pytest.mark.parametrize("calls", [0, 1, 30], ids=["module", "function", "often"])
@pytest.mark.parametrize("name", LOOPS)
def test_the_runs_of_a_line_are_told_apart(lesson: Path, name: str, calls: int) -> None:
    """In a function, too, and in one that has run so often that Python specializes its code."""
    loop, runs = LOOPS[name]
    names = "w, c, d, out, k = Value(0.5), Value(3.0), Value(1.0), [], 0"
    program = f"{names}\n{loop}\nloss = sum([c, d, *out])"
    if calls:
        inner = textwrap.indent(program, "    ")
        program = f"def made():\n{inner}\n    return loss\nfor _ in range({calls}): loss = made()"
    stops = check(program, lesson)
    (line,) = [
        number
        for number, text in enumerate(lesson.read_text(encoding="utf-8").splitlines(), 1)
        if " = c " in text or "out." in text or "out +" in text or ":= c" in text or "c = " in text
        if "w, c, d" not in text
    ]
    visited = [stop for stop in stops if stop.line == line and stop.functions[-1] != "<lambda>"]
    assert [stop.names["k"] for stop in visited] == runs
    assert [stop.names["visit"] for stop in visited] == [
        f"{number} of {len(runs)}" for number in range(len(runs), 0, -1)
    ]


def test_a_name_that_another_function_binds_makes_no_run_of_a_line(lesson: Path) -> None:
    stops = check(COUNTED, lesson)
    in_outer = [stop.line for stop in stops if stop.functions[-1] == "outer"]
    in_module = [stop.line for stop in stops if stop.functions == ("<module>",)]
    assert (in_module, in_outer) == ([18, 17], [16])
    assert [stop.line for stop in stops if stop.functions[-1] == "g"] == [15, 15]


def test_the_result_of_a_conditional_has_its_name(lesson: Path) -> None:
    stops = check(
        """
        w, on = Value(2.0), True
        a = w * 3.0 if on else w
        b = a * a if not on else a.tanh() if on else a
        c = on and b * 2.0
        d = (b * 0.0).data or c * c
        def last(v):
            return v.exp() if on else v
        loss = last(d)
        """,
        lesson,
    )
    assert {"a", "b", "c", "d", "loss", "w"} <= stops[-1].gradients.keys()


def test_a_list_of_values_is_shown_with_its_gradients_also_where_it_is_made(lesson: Path) -> None:
    stops = check(
        """
        w, x = Value(2.0), 3.0
        for epoch in range(2):
            preds = [w * x, w * 4.0]
            mixed = (x, preds)
            loss = preds[0] * preds[1]
        """,
        lesson,
    )
    assert [stop.line for stop in stops] == [5, 3, 1]
    # d loss/d preds = preds the other way round
    assert stops[1].names["preds"] == list(stops[0].names["loss"].parents)
    assert stops[1].gradients["preds"] == [8.0, 6.0]


def test_a_gradient_that_waits_to_be_added_is_shown(lesson: Path) -> None:
    names = run("w = Value(2.0)\nloss = w * 3.0\n", lesson)
    names["w"].grad = 5.0
    stops = stops_of(names["loss"])
    assert [stop.gradients.get("w_before") for stop in stops] == [5.0, 5.0]
    assert [stop.gradients.get("w") for stop in stops] == [None, 3.0]
    assert names["w"].grad == 8.0
    walk_through(names["loss"], 1.0)


def test_a_generator_that_another_function_runs_is_a_frame_of_its_own(lesson: Path) -> None:
    stops = check(
        """
        def total(terms):
            found = 0.0
            for term in terms:
                found = found + term
            return found
        w = Value(2.0)
        products = (w * k for k in range(2))
        loss = total(products)
        """,
        lesson,
    )
    assert [(stop.functions[1:], stop.line) for stop in stops] == [
        *(((), 8), (("total",), 4), (("total",), 3), (("total", "<genexpr>"), 7)),
        *((("total",), 4), (("total",), 3), (("total", "<genexpr>"), 7), ((), 6)),
    ]


def test_the_function_that_calls_backward_is_walked_by_itself(lesson: Path) -> None:
    namespace = run(
        """
        def train(w, stops_of):
            y = w * w
            loss = y * 3.0
            return stops_of(loss)
        w = Value(2.0)
        stops = train(w, stops_of)
        """,
        lesson,
        stops_of=stops_of,
    )
    # In train() one stands already; then comes what the module made before it called train().
    assert [(stop.functions, stop.line) for stop in namespace["stops"]] == [
        *((("train",), 3), (("train",), 2), (("<module>",), 5))
    ]


def test_lines_recorded_in_several_blocks_are_of_one_frame(lesson: Path) -> None:
    code = """
        with record_source():
            w = Value(2.0)
        with record_source():
            y = w * w
        with record_source():
            loss = y * 3.0
        """
    lesson.write_text(textwrap.dedent(code).lstrip("\n"), encoding="utf-8")
    namespace = {"record_source": record_source, "Value": Value}
    exec(compile(lesson.read_text(encoding="utf-8"), str(lesson), "exec"), namespace)
    loss: Any = namespace["loss"]
    assert [stop.line for stop in stops_of(loss)] == [6, 4, 2]


def test_a_package_of_two_files(tmp_path: Path) -> None:
    model = tmp_path / "model.py"
    model.write_text("def forward(v):\n    y = v * v\n    return y\n", encoding="utf-8")
    namespace = run("", tmp_path / "empty.py")
    exec(compile(model.read_text(encoding="utf-8"), str(model), "exec"), namespace)
    stops = check(
        """
        w = Value(2.0)
        loss = forward(w) * 3.0
        """,
        tmp_path / "lesson.py",
        forward=namespace["forward"],
    )
    assert [(stop.functions[-1], stop.line) for stop in stops] == [
        *(("<module>", 2), ("forward", 2), ("<module>", 1))
    ]


@pytest.mark.unmeasured
@pytest.mark.thorough
def test_a_thousand_visits_of_five_lines(lesson: Path) -> None:
    stops = check(
        """
        w = Value(0.5)
        loss = Value(0.0)
        for k in range(1000):
            a = w * 0.001
            b = a + 1.0
            c = b.tanh()
            d = c * c
            loss = loss + d
        """,
        lesson,
    )
    assert len(stops) == 5002
    assert stops[0].names["visit"] == "1000 of 1000"


# ---- The same pass --------------------------------------------------------------------------


@given(recipe=wild_recipes())
def test_the_bits_are_those_of_backward(recipe: Recipe) -> None:
    with record_source():
        plain, walked = built(recipe), built(recipe)
    plain[-1].backward()
    walk_through(walked[-1], 1.0)
    assert [gradient(node) for node in walked] == [gradient(node) for node in plain]


def test_a_sum_whose_terms_come_in_another_order_has_the_same_bits(lesson: Path) -> None:
    stops = check(
        """
        w = Value(1.0)
        a = w * 0.1
        b = w * 0.2
        c = w * 0.3
        loss = c + (b + a)
        """,
        lesson,
    )
    assert [stop.line for stop in stops] == [5, 4, 3, 2, 1]
    # By the graph, a comes first, then b, then c: (0.1 + 0.2) + 0.3 and 0.3 + 0.2 + 0.1 differ.
    assert stops[3].gradients["w"] == 0.3 + 0.2
    assert 0.3 + 0.2 + 0.1 != (0.1 + 0.2) + 0.3


def test_gradients_of_several_roots_accumulate(lesson: Path) -> None:
    names = run("w = Value(3.0)\na = w * w\nb = w * 5.0\n", lesson)
    for root in "ab":
        stops_of(names[root])
        walk_through(names[root], 2.0)
    assert names["w"].grad == 6.0 + 12.0 + 5.0 + 10.0


def test_a_leaf_as_root_is_one_stop(lesson: Path) -> None:
    names = run("w = Value(3.0)\n", lesson)
    (stop,) = stops_of(names["w"])
    assert (stop.line, stop.gradients, names["w"].grad) == (1, {"w": 1.0}, 1.0)


def test_a_side_that_was_not_taken_gets_nothing(lesson: Path) -> None:
    stops = check(
        """
        w = Value(-1.0)
        dead = w * 2.0
        other = w * 5.0
        loss = dead.relu() + other
        """,
        lesson,
    )
    assert "dead" not in stops[2].gradients
    assert stops[-1].gradients["w"] == 5.0


def cube(x: float) -> float:
    return x * x * x


def cube_partials(_: float, x: float) -> tuple[float]:
    return (3.0 * x * x,)


CUBE = Operation("cube", "cube", 1, cube, cube_partials)


def test_operations_of_ones_own(lesson: Path) -> None:
    stops = check("w = Value(2.0)\nloss = Value.make_node(CUBE, w) * 0.1\n", lesson, CUBE=CUBE)
    assert stops[-1].gradients["w"] == 12.0 * 0.1


BY_HAND = """
w, v = Value(0.3), Value(0.7)
doubled = w * 0.1
given = Value(w.data * 0.1, (w, v), (0.1, 0.2))
called = Value(w.data, (w, w), "called")
def backward():
    w.grad += 0.3 * called.grad
    w.grad = 0.7 * called.grad + w.grad
called._backward = backward
u = Value(1.0)
assigned = Value(u.data, (u,), "assigned")
def assign():
    u.grad = 5.0
assigned._backward = assign
loss = assigned + doubled + (given + called)
"""


def test_nodes_made_by_hand(lesson: Path) -> None:
    stops = check(BY_HAND, lesson)
    # 0.7 + 0.3 by the function, 0.1 by the numbers, and 0.1 by the product.
    assert stops[-1].gradients["w"] == pytest.approx(1.2)


def test_a_function_made_by_hand_is_not_called_where_nothing_reaches_its_node(lesson: Path) -> None:
    check(
        """
        w = Value(-1.0)
        node = Value(-1.0, (w,), "by hand")
        node._backward = None
        loss = node.relu() + w
        """,
        lesson,
    )


def test_hooks_are_called_when_the_gradient_is_complete_and_may_replace_it(lesson: Path) -> None:
    seen: list[float] = []

    def note(gradient: float) -> float:
        seen.append(gradient)
        return gradient * 10.0

    code = """
        w = Value(3.0)
        y = w * w
        y.register_hook(note)
        loss = y * 2.0 + y
        loss.register_hook(note)
        """
    stops = check(code, lesson, note=note)
    assert seen == [1.0, 30.0] * 3
    assert stops[-1].gradients == {"loss": 10.0, "y": 300.0, "w": 1800.0}


class RefusedError(Exception):
    """What a hook of these tests raises."""


def refuse(_: float) -> None:
    raise RefusedError


def test_an_error_names_the_users_line_and_leaves_every_gradient_as_it_was(lesson: Path) -> None:
    names = run("w = Value(3.0)\ny = w * w\nloss = y * 2.0\n", lesson)
    nodes = [names[name] for name in ("w", "y", "loss")]
    names["loss"].backward()
    before = [gradient(node) for node in nodes]
    names["w"].register_hook(refuse)
    for walk in (stops_of, walked):
        with pytest.raises(RefusedError) as caught:
            walk(names["loss"])
        assert [gradient(node) for node in nodes] == before
        lines = [
            (frame.lineno, frame.line)
            for frame in traceback.extract_tb(caught.tb)
            if frame.filename == str(lesson)
        ]
        assert lines == [(2, "y = w * w")]


def walked(root: Value) -> None:
    walk_through(root, 1.0)


@pytest.mark.parametrize("error", [bdb.BdbQuit, KeyboardInterrupt])
def test_leaving_at_any_stop_leaves_every_gradient_as_it_was(
    lesson: Path, error: type[BaseException]
) -> None:
    names = run("w = Value(3.0)\ny = w * w\nz = y * w\nloss = z * 2.0\n", lesson)
    nodes = [names[name] for name in ("w", "y", "z", "loss")]
    names["loss"].backward()
    before = [gradient(node) for node in nodes]
    for place in range(4):
        with pytest.raises(error), debugger(Tracer(place, error)):
            names["loss"].backward()
        assert [gradient(node) for node in nodes] == before


def test_a_jump_is_an_error_at_once_or_at_the_end(lesson: Path) -> None:
    # That debuggers jump is done in test_pdb.py and test_debugpy.py.
    loss = run("w = Value(2.0)\ny = w * w\nloss = y * y\n", lesson)["loss"]
    this_pass = Pass(topological_order(loss), ReversePass(loss, [], Changes([])))
    walk = Walk(this_pass, Quiet(None))
    for each in last_first(this_pass, loss):
        walk.plan(each)
    rounds = Rounds(walk, walk.outermost[0])
    line, count = rounds.stops[0].visit.line, len(rounds.stops)
    rounds.check_line(line)
    with pytest.raises(RuntimeError, match=f"over {count} of {count} stops"):
        rounds.check_end()
    with pytest.raises(RuntimeError, match=f"to line {line + 1},"):
        rounds.check_line(line + 1)
    rounds.at = count
    rounds.check_end()
    with pytest.raises(RuntimeError, match=f"to line {line},"):
        rounds.check_line(line)


def test_an_anomaly_stops_the_pass_at_the_line(lesson: Path) -> None:
    names = run("x = Value(0.0)\ny = x * x\nz = y.sqrt()\nloss = z * 3.0\n", lesson)
    for walk in (stops_of, walked):
        with (
            pytest.raises(AnomalyError, match=r"upstream 3 × local inf") as caught,
            detect_anomaly(),
        ):
            walk(names["loss"])
        assert caught.value.node is names["z"]
        assert not names["loss"].has_grad
        # The stop, and in it the frame that has what failed as its local variables.
        frames = traceback.extract_tb(caught.tb)
        assert [each.lineno for each in frames if each.filename == str(lesson)] == [3, 3]


def test_an_anomaly_is_told_before_the_pass_if_numbers_have_changed(lesson: Path) -> None:
    names = run("x = Value(2.0)\nloss = x * x\n", lesson)
    names["x"].data = 5.0
    with pytest.raises(AnomalyError, match="numbers of different times"), detect_anomaly():
        walk_through(names["loss"], 1.0)


# ---- Names ----------------------------------------------------------------------------------


def test_a_name_that_is_bound_anew_stands_for_what_it_was_at_that_run(lesson: Path) -> None:
    stops = check(
        """
        h = Value(2.0)
        h = h * 3.0
        h = h * h
        loss = h * 1.0
        """,
        lesson,
    )
    assert [stop.names["h"].data for stop in stops] == [36.0, 36.0, 6.0, 2.0]
    assert [stop.gradients.get("h") for stop in stops] == [None, 1.0, 12.0, 36.0]


def test_a_name_never_stands_for_another_graphs_value(lesson: Path) -> None:
    stops = check(
        """
        other = Value(7.0)
        w = Value(2.0)
        loss = w * other.data
        """,
        lesson,
    )
    # It may be gone, and its memory that of another.
    assert repr(stops[0].names["other"]) == (
        "unknown now: it was of type Value, of which no copy was kept"
    )
    assert "other" not in stops[1].names


class Model:
    """A thing of the user's that is no Value."""


NAMES = """
import math
losses = []
late, d_w, visit = {}, "mine", [0.5]
def scaled(v, by):
    half = by / 2.0
    rate, names = None, [(1, "a"), (2, "b")]
    global late
    late = half
    return v * half * math.e * len(losses)
w = Value(2.0)
loss = w * 0.0
for k, row in enumerate([[1.0, 2.0], [3.0, 4.0]]):
    model, long, lengths = Model(), list(range(100)), {"all": k}
    gone = Model()
    loss = loss + scaled(w, k) + row[0] * len(long)
    losses.append(loss)
k, row, model, long, lengths, gone, late = "after", 0, 0, 0, 0, 0, 0
accuracy = 0.9
loss = loss * 1.0
"""


def test_all_names_are_as_they_were_when_the_line_ran(
    lesson: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"Value": Value, "Model": Model, "__name__": "lesson"}
    monkeypatch.setitem(sys.modules, "lesson", type(sys)("lesson"))
    vars(sys.modules["lesson"]).update(names)
    lesson.write_text(NAMES.lstrip(), encoding="utf-8")
    module = vars(sys.modules["lesson"])
    with record_source():
        exec(compile(lesson.read_text(encoding="utf-8"), str(lesson), "exec"), module)
    stops = stops_of(module["loss"])
    in_loop = [stop for stop in stops if stop.line == 15]
    in_function = [stop for stop in stops if stop.line == 9]
    assert [stop.names["k"] for stop in in_loop] == [1, 0]
    assert [stop.names["row"] for stop in in_loop] == [[3.0, 4.0], [1.0, 2.0]]
    assert [stop.names["lengths"] for stop in in_loop] == [{"all": 1}, {"all": 0}]
    # What is known to be unknown is said where the line names it, and elsewhere it is no name.
    assert "of type list" in repr(in_loop[0].names["long"])
    assert not {"model", "gone", "accuracy"} & in_loop[0].names.keys()
    # In a function, its own names, and the module's as they were.
    assert [stop.names["half"] for stop in in_function] == [0.5, 0.0]
    for stop in in_function:
        assert (stop.names["rate"], stop.names["names"]) == (None, [(1, "a"), (2, "b")])
        assert stop.names["late"] == stop.names["half"]
    assert [stop.module["k"] for stop in in_function] == [1, 0]
    assert "accuracy" not in in_function[0].module
    assert in_function[0].module["scaled"] is module["scaled"]
    walk_through(module["loss"], 1.0)  # for what measures which lines are reached


GLOBALS = """
count, half = 0, 0.5
log, wrapped = [], ([],)
best = None
def forward(x):
    global count, best, half
    count += 1
    half = half / 2.0
    log.append(count)
    wrapped[0].append(x)
    best = x if best is None else max(best, x)
    return w * x
def run():
    total = 0.0
    for x in (1.0, 3.0, 2.0):
        y = forward(x)
        silent()
        total = total + y
    return total
def silent():
    global count
    count += 10
w = Value(0.5)
loss = run()
loss = loss * 1.0
count, log, wrapped, best = "end", [], (), "end"
"""


def test_global_names_are_at_each_stop_what_functions_had_made_of_them(lesson: Path) -> None:
    stops = check(GLOBALS, lesson)
    shown = [
        (stop.functions[-1], stop.line, *known(stop, "count", "log", "wrapped", "best", "half"))
        for stop in stops
    ]
    logs = [1], [1, 12], [1, 12, 23]
    seen = ([1.0],), ([1.0, 3.0],), ([1.0, 3.0, 2.0],)
    assert shown[0] == ("<module>", 24, 33, logs[2], seen[2], 3.0, 0.0625)
    # The line that called run() saw them change: none of the numbers is that of the whole line.
    assert shown[1][:2] == ("<module>", 23)
    assert [repr(it) for it in shown[1][2:]] == ["unknown now: it changed while this line ran"] * 5
    assert shown[2:-1] == [
        ("run", 17, 33, logs[2], seen[2], 3.0, 0.0625),
        ("run", 15, 23, logs[2], seen[2], 3.0, 0.0625),
        ("forward", 11, 23, logs[2], seen[2], 3.0, 0.0625),
        ("run", 17, 22, logs[1], seen[1], 3.0, 0.125),
        ("run", 15, 12, logs[1], seen[1], 3.0, 0.125),
        ("forward", 11, 12, logs[1], seen[1], 3.0, 0.125),
        ("run", 17, 11, logs[0], seen[0], 1.0, 0.25),
        ("run", 15, 1, logs[0], seen[0], 1.0, 0.25),
        ("forward", 11, 1, logs[0], seen[0], 1.0, 0.25),
    ]
    assert shown[-1] == ("<module>", 22, 0, [], ([],), None, 0.5)


def known(stop: Stop, *names: str) -> list[Any]:
    """Return what names stand for at a stop, local or global, None for those that are none."""
    return [{**stop.module, **stop.names}.get(name) for name in names]


def test_variables_shared_with_functions_and_lists_passed_to_them(lesson: Path) -> None:
    stops = check(
        """
        def made():
            calls, seen = 0, []
            def times(x, into):
                nonlocal calls
                calls += 1
                into.append(x)
                return w * x
            one = times(2.0, seen)
            return one + times(3.0, seen) * times(4.0, seen)
        w = Value(0.5)
        loss = made()
        """,
        lesson,
    )
    in_made = {stop.line: stop for stop in stops if stop.functions[-1] == "made"}
    changed = "unknown now: it changed while this line ran"
    assert [repr(in_made[9].names[name]) for name in ("calls", "seen")] == [changed] * 2
    assert (in_made[8].names["calls"], in_made[8].names["seen"]) == (1, [2.0])
    assert [stop.names["calls"] for stop in stops if stop.functions[-1] == "times"] == [3, 2, 1]


def test_a_number_is_told_from_an_equal_one_of_another_type(lesson: Path) -> None:
    stops = check(
        """
        k, pair = 1, [0.0, 1]
        w = Value(2.0)
        def times(v):
            return v * k
        a = times(w)
        k, pair[0] = True, -0.0
        b = times(a)
        k, pair[1] = 1.0, True
        loss = times(b)
        """,
        lesson,
    )
    in_times = [stop for stop in stops if stop.functions[-1] == "times"]
    assert [repr(known(stop, "k", "pair")) for stop in in_times] == [
        "[1.0, [-0.0, True]]",
        "[True, [-0.0, 1]]",
        "[1, [0.0, 1]]",
    ]


def test_a_values_own_name_is_not_shown_where_another_thing_has_it(lesson: Path) -> None:
    stops = check(
        """
        def layer(x):
            h = w * x
            return h
        def score(terms):
            q = terms[0] * 3.0
            return q
        def each(xs):
            for x in xs:
                y = w * x
                yield y
        w = Value(0.5)
        h = 7.0
        first = [layer(1.0)]
        loss = score(first) + h + sum(each([1.0]))
        """,
        lesson,
    )
    shown = {(stop.functions[-1], stop.line): stop for stop in stops}
    # In score() h is the module's number, not the operand that layer() called so; nor where the
    # module calls layer().
    assert known(shown["score", 5], "h", "d_h") == [7.0, None]
    assert known(shown["<module>", 13], "h", "d_h") == [7.0, None]
    assert shown["layer", 2].names["h"].data == 0.5
    assert shown["layer", 2].gradients["h"] == 3.0
    # The module has neither x nor y nor q.
    of_module = [stop for stop in stops if stop.functions[-1] == "<module>"]
    assert not {"x", "y", "q", "d_y", "d_q"} & {name for stop in of_module for name in stop.names}
    assert shown["each", 9].names["y"].data == 0.5


def test_a_value_called_as_another_that_has_its_name_by_now(lesson: Path) -> None:
    stops = check(
        """
        w = Value(2.0)
        h = w * 3.0
        kept = [h]
        h = Value(9.0)
        y = kept[0] * 2.0
        loss = y * 1.0
        """,
        lesson,
    )
    at_y = stops[1]
    assert at_y.line == 5
    assert not {"h", "d_h"} & at_y.names.keys()  # the Value(9.0) was not kept
    assert (stops[2].line, stops[2].names["h"].data, stops[2].gradients["h"]) == (2, 6.0, 2.0)


def test_the_users_own_names_are_not_hidden_by_those_of_the_pass(lesson: Path) -> None:
    stops = check(
        """
        d_w = "mine"
        w = Value(2.0)
        for visit in ("first", "second"):
            loss = w * 3.0
        """,
        lesson,
    )
    assert [(stop.names["d_w"], stop.names.get("visit")) for stop in stops] == [
        *[("mine", "second"), ("mine", None)]
    ]
    assert stops[1].names["w"].grad == 3.0


def test_a_label_that_is_no_name_is_not_shown(lesson: Path) -> None:
    stops = check('loss = Value(2.0, "first weight") * 3.0\n', lesson)
    assert stops[0].gradients == {"loss": 1.0}


def test_the_names_of_a_module_are_those_that_runs_or_that_of_its_name() -> None:
    assert module_of(__file__) is globals()
    assert module_of("elsewhere.py", "tests.test_walk") is sys.modules["tests.test_walk"].__dict__
    assert module_of("elsewhere.py") == {}  # as of code without a file


# ---- What cannot be shown -------------------------------------------------------------------


def told(root: Value) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(2):  # it is told once
            walk_through(root, 1.0)
    assert {warning.filename for warning in caught} == {__file__}
    return [str(warning.message) for warning in caught]


def test_code_without_a_file_is_walked_and_told() -> None:
    names: dict[str, Any] = {"Value": Value}
    with record_source():
        exec("w = Value(2.0)\nloss = w * w", names)
    assert told(names["loss"]) == [
        "backward() through your lines: <string> is no file that could be shown: a debugger stops "
        "at its lines without showing them"
    ]
    assert names["w"].grad == 8.0


def changed(lesson: Path) -> None:
    lesson.write_text("# another\n", encoding="utf-8")
    os.utime(lesson, ns=(1, 1))


@pytest.mark.parametrize(
    ("happens", "end"),
    [
        (changed, "lesson.py has changed since its lines ran: a debugger shows those of now"),
        (os.unlink, "lesson.py is gone: a debugger stops at its lines without showing them"),
    ],
    ids=["changed", "gone"],
)
def test_a_source_that_is_no_longer_there_is_told(
    lesson: Path, happens: Callable[[Path], None], end: str
) -> None:
    names = run("w = Value(2.0)\nloss = w * w\n", lesson)
    happens(lesson)
    (message,) = told(names["loss"])
    assert message.endswith(end)
    assert names["w"].grad == 8.0


def test_operations_made_without_being_recorded_are_done_with_a_line_that_uses_them(
    lesson: Path,
) -> None:
    inner = Value(2.0) * Value(3.0)
    names = run("y = inner * 2.0\nloss = y * 5.0\n", lesson, inner=inner)
    assert told(names["loss"]) == [
        "backward() through your lines: of 3 operations 1 were made outside of record_source(): "
        "their chain rules are applied at lines that use them"
    ]
    assert inner.parents[0].grad == 2.0 * 3.0 * 10.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert [stop.line for stop in stops_of(names["loss"])] == [2, 1]


def test_without_a_debugger_or_without_recorded_lines_nothing_is_walked(
    lesson: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_to_walk(root: Value, gradient: float) -> None:
        raise AssertionError("nobody looks on")

    monkeypatch.setattr(watch, "walk_through", refuse_to_walk)
    names = run("w = Value(2.0)\nloss = w * w\n", lesson)
    before = sys.gettrace()
    sys.settrace(None)
    try:
        names["loss"].backward()
    finally:
        sys.settrace(before)
    assert names["w"].grad == 4.0
    assert stops_of(Value(2.0) * 3.0) == []


def test_debuggers_are_told_from_what_else_traces_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    of_pydevd = type("SafeCallWrapper", (), {"__module__": "_pydevd_bundle.pydevd_cython"})()
    assert is_debugger(Tracer())
    assert is_debugger(Noting().trace_dispatch)
    assert is_debugger(of_pydevd)
    assert not any(map(is_debugger, (None, repr, trace.Trace().globaltrace)))
    monkeypatch.setattr(frames, "is_debugger", lambda _: True)
    assert frames.debugger_looks_on()


def test_a_debugger_that_monitors_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Monitoring:
        DEBUGGER_ID = 0
        tool: str | None = None

        def get_tool(self, number: int) -> str | None:
            return self.tool if number == self.DEBUGGER_ID else None

    from autodiff.support.frames import debugger_looks_on

    monitoring = Monitoring()
    monkeypatch.setattr(sys, "gettrace", lambda: None)
    monkeypatch.setattr(sys, "monitoring", monitoring, raising=False)
    assert not debugger_looks_on()
    monitoring.tool = "debugger"
    assert debugger_looks_on()


def test_without_a_frame_of_the_users_there_is_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    from autodiff.support import frames

    monkeypatch.setattr(frames, "users_frames", lambda: iter(()))
    assert place_of_now() == ("", 0)
    assert calling_function(None, None) == (None, None, 0)
    frames.warn_user("to nobody")


# ---- What is left behind --------------------------------------------------------------------


def test_nothing_is_left_behind(lesson: Path) -> None:
    gc.collect()
    names = run("w = Value(2.0)\nloss = w * w\n", lesson)
    gc.disable()
    try:
        cached = dict(linecache.cache)
        walk_through(names["loss"], 1.0)
        # Freed at once, without the collector.
        assert not [each for each in gc.get_objects() if type(each) is Rounds]
        assert linecache.cache.keys() == cached.keys()
    finally:
        gc.enable()


def test_a_recorded_line_keeps_no_graph_alive_that_it_names(lesson: Path) -> None:
    class Counted(Value):
        """A Value that is counted."""

    names = run(
        """
        w = Counted(2.0)
        loss = w * 1.0
        for _ in range(10):
            loss = w * loss.data
        """,
        lesson,
        Counted=Counted,
    )
    gc.collect()
    alive = [each for each in gc.get_objects() if type(each) is Value and w_is(each, names)]
    assert len(alive) == 1


def w_is(node: Value, names: dict[str, Any]) -> bool:
    return names["w"] in node.parents


def test_a_copy_forgets_the_run_of_its_line(lesson: Path) -> None:
    import copy
    import pickle

    names = run("w = Value(2.0)\nloss = w * w\n", lesson)
    for twin in (copy.deepcopy(names["loss"]), pickle.loads(pickle.dumps(names["loss"]))):
        assert twin.origin.visit is None
        assert twin.origin == names["loss"].origin
    assert constant(2.0).origin.of_a_copy() is constant(3.0).origin


def test_code_of_installed_packages_counts_as_the_users_line_that_called_it(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    installed = run("def double(v):\n    return v * 2.0\n", folder / "installed.py")
    stops = check(
        "w = Value(1.0)\nloss = double(w)\n", tmp_path / "lesson.py", double=installed["double"]
    )
    assert [stop.line for stop in stops] == [2, 1]
    # Without any line of the user's there is none to walk.
    apart = run("w = Value(1.0)\nloss = w * 2.0\n", folder / "apart.py")
    assert apart["loss"].origin.line == 2


# ---- What a debugger does not see -----------------------------------------------------------


class Noting(bdb.Bdb):
    """A debugger that notes what it is told of, and has breakpoints in some files."""

    def __init__(self, files: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.files = files
        self.told: list[tuple[str, str]] = []

    def trace_dispatch(self, frame: FrameType, event: str, _: Any) -> Any:
        self.told.append((frame.f_code.co_name, event))
        return self.trace_dispatch

    def break_anywhere(self, frame: FrameType) -> bool:
        return frame.f_code.co_filename.endswith(self.files)


def frames_of(*files: str) -> list[Any]:
    """Return frames of code of these files, each called by the one after it."""
    found: list[Any] = []
    for file in reversed(files):
        code, caller = compile("1", file, "exec"), found[0] if found else None
        found.insert(0, SimpleNamespace(f_code=code, f_back=caller, f_trace="as before"))
    return found


def tracing_in(monkeypatch: pytest.MonkeyPatch, tracer: Any, frame: Any) -> list[Any]:
    """Let the library see a frame and a trace function, and return the functions that it sets."""
    set_to: list[Any] = []
    stand_in = SimpleNamespace(**vars(sys))
    stand_in.settrace, stand_in.gettrace = set_to.append, lambda: tracer
    stand_in._getframe = lambda _: frame
    for module in (lines, hooks):
        monkeypatch.setattr(module, "sys", stand_in)
    return set_to


def test_a_debugger_that_is_opened_in_the_library_sees_the_users_code_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generated, library, users = frames_of("<string>", watch.__file__, __file__)
    noting = Noting(("never.py",))
    tracer = noting.trace_dispatch
    set_to = tracing_in(monkeypatch, tracer, library)
    pass_over_library(tracer, was_opened=True)
    (over,) = set_to
    assert (library.f_trace, users.f_trace) == (None, over)
    assert [over(each, "call", None) for each in (generated, library)] == [None, None]
    noting.files = ("watch.py",)
    assert over(library, "call", None) == tracer
    assert over(users, "call", None) == tracer  # as of a hook
    assert set_to == [over]
    assert over(users, "line", None) == tracer
    assert set_to == [over, tracer]
    assert [event for _, event in noting.told] == ["call", "call", "line"]


def test_the_trace_function_of_what_is_not_of_pdb_s_kind_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_to = tracing_in(monkeypatch, repr, None)
    pass_over_library(repr)
    pass_over_library(print)  # debugpy puts another one there at a stop, and warns of who does
    assert not set_to


def test_from_a_hook_of_the_users_a_debugger_goes_on_in_the_users_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library, users = frames_of(watch.__file__, __file__)
    set_to = tracing_in(monkeypatch, Noting().trace_dispatch, library)
    w = Value(2.0)
    loss = w * 3.0
    w.register_hook(lambda gradient: 2.0 * gradient)
    step_through(loss, 1.0)
    assert w.grad == 6.0
    assert [type(each) for each in set_to] == [PassingOver]
    # What one steps through in the library is still shown: it was not opened here.
    assert (library.f_trace, users.f_trace) == ("as before", set_to[0])


def test_where_a_debugger_looks_on_backward_is_the_walk(
    lesson: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = run("w = Value(3.0)\nloss = w * w", lesson)["loss"]
    walked = []
    monkeypatch.setattr(watch, "debugger_looks_on", lambda: True)
    monkeypatch.setattr(watch, "walk_through", lambda *given: walked.append(given))
    root.backward()
    assert walked == [(root, 1.0)]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (1, 1, True),
        (1, 1.0, False),
        (True, 1, False),
        (0.0, -0.0, False),
        ([1, (2, "a")], [1, (2, "a")], True),
        ([1, 2], [1], False),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": 1}, {"b": 1}, False),
    ],
)
def test_what_was_kept_of_a_name_is_compared_with_types_and_signs(
    one: Any, other: Any, is_same: bool
) -> None:
    assert is_alike(one, other) is is_same
