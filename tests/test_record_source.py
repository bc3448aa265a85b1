"""record_source(): the user's file and line, and the name that the code gives a Value."""

from __future__ import annotations

import copy
import gc
import inspect
import linecache
import pickle
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nn
from autodiff import (
    Names,
    Trace,
    Value,
    check_gradients,
    draw,
    exp,
    explain,
    grad,
    record_source,
)
from autodiff.ops import RELU
from autodiff.support import watch
from autodiff.support.origin import Origin
from autodiff.value import constant
from tests.documents import run_python


def line() -> int:
    """Return the number of the line that calls this."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def where_made(value: Value) -> tuple[str, int, str]:
    """Return file, line and name that were recorded."""
    return value.origin.file, value.origin.line, value.origin.name


def name(value: Value) -> str:
    return where_made(value)[2]


# ---- File and line --------------------------------------------------------------------------


def test_a_leaf_an_operation_and_a_constant_know_their_line() -> None:
    with record_source():
        x, first = Value(3.0), line()
        y, second = x * 2.0, line()
    assert where_made(x)[:2] == (__file__, first)
    assert where_made(y)[:2] == (__file__, second)
    number = y.parents[1]
    assert where_made(number) == (__file__, second, "")
    assert number.is_constant


def test_the_line_is_the_innermost_of_the_user() -> None:
    def helper(x: Value) -> Value:
        return exp(x) + 1.0

    with record_source():
        y = helper(Value(1.0))
    expected = helper.__code__.co_firstlineno + 1
    assert where_made(y)[1] == where_made(y.parents[0])[1] == expected


def test_what_the_library_makes_has_the_line_that_called_it() -> None:
    model = nn.MLP(2, [4, 1], rng=1)
    with record_source():
        loss, expected = nn.mse_loss([model([0.0, 1.0])], [1.0]), line()
    hidden = loss.parents[0]
    while hidden.parents:
        assert where_made(hidden)[:2] == (__file__, expected)
        hidden = hidden.parents[-1]


def test_a_module_s_path_and_the_line_are_both_kept() -> None:
    model = nn.MLP(2, [4, 1], rng=1)
    with record_source():
        output, expected = model([0.0, 1.0]), line()
    hidden = output.parents[5]
    assert hidden.op is not None
    assert hidden.origin == Origin(RELU, module="hidden[0]", file=__file__, line=expected)


def test_the_graph_of_a_gradient_has_the_line_of_grad() -> None:
    x = Value(3.0)
    y = x**3.0
    with record_source():
        slope, expected = grad(y, x), line()
    assert where_made(slope)[:2] == (__file__, expected)


def test_nothing_is_recorded_outside_of_the_block() -> None:
    x = Value(1.0)
    with record_source():
        pass
    y = x * 2.0
    assert x.origin.line == y.origin.line == 0
    assert watch.on_new_value is None


# ---- Names ----------------------------------------------------------------------------------


def test_a_plain_name_is_recorded_however_the_assignment_is_written() -> None:
    x = Value(2.0)
    with record_source():
        plain = x * x
        bracketed = (x + x)  # fmt: skip
        annotated: Value = -x
        first = second = x * 3.0
        one, (two, three) = x * 4.0, (x * 5.0, -x)
        total = x + 1.0
        total += x
        if (walrus := x * 6.0).data > 0.0:
            pass
        chained = (
            x
            .relu()
            .exp()
        )  # fmt: skip
    assert name(plain) == "plain"
    assert name(bracketed) == "bracketed"
    assert name(annotated) == "annotated"
    assert name(first) in ("first", "second")
    assert second is first
    assert [name(one), name(two), name(three)] == ["one", "two", "three"]
    assert [name(total), name(total.parents[0])] == ["total", "total"]
    assert name(walrus) == "walrus"
    assert [name(chained), name(chained.parents[0])] == ["chained", ""]


def test_only_the_result_of_an_expression_gets_the_name() -> None:
    x = Value(2.0)
    with record_source():
        y = (x * 2.0 + 1.0).tanh()
    assert name(y) == "y"
    assert name(y.parents[0]) == name(y.parents[0].parents[0]) == ""


def test_leaves_get_their_names() -> None:
    with record_source():
        w = Value(1.0)
        a, b = Value(2.0), Value(3.0)
    assert [name(w), name(a), name(b)] == ["w", "a", "b"]


def test_only_the_result_of_a_call_that_makes_many_values_gets_the_name() -> None:
    model = nn.MLP(2, [4, 1], rng=1, activation="tanh")
    x = [Value(0.5), Value(0.25)]
    with record_source():
        output = model(x)
        loss = nn.mse_loss([output], [1.0])
    named = [node for node in Names(loss)._names if node.origin and node.origin.name]
    assert [name(node) for node in named] == ["output", "loss"]
    assert named == [output, loss]


def test_the_result_of_sum_gets_the_name_and_the_partial_sums_do_not() -> None:
    values = [Value(1.0), Value(2.0), Value(3.0)]
    with record_source():
        total = sum(values)
    assert isinstance(total, Value)
    assert name(total) == "total"
    assert name(total.parents[0]) == ""


def test_a_result_that_the_function_did_not_make_where_it_returns_it_has_no_name() -> None:
    def first_of_two(x: Value) -> Value:
        pair = [x * 2.0, x * 3.0]
        return pair[0]

    x = Value(1.0)
    with record_source():
        kept = first_of_two(x)
    assert name(kept) == ""


def test_what_a_function_returns_gets_the_name_in_its_caller() -> None:
    def double(x: Value) -> Value:
        return x * 2.0

    def quadruple(x: Value) -> Value:
        return double(double(x))

    x = Value(1.0)
    with record_source():
        y = quadruple(x)
        z = double(y) + 1.0
    assert (name(y), name(z)) == ("y", "z")
    assert name(y.parents[0]) == name(z.parents[0]) == ""


def test_what_a_module_of_ones_own_returns_gets_the_name_in_its_caller() -> None:
    class Line(nn.Module):
        def __init__(self) -> None:
            self.slope, self.offset = Value(2.0), Value(1.0)

        def __call__(self, x: Value) -> Value:
            return self.slope * x + self.offset

    line, x = Line(), Value(3.0)
    with record_source():
        y = line(x)
    assert (name(y), name(y.parents[0])) == ("y", "")


class Keeps(watch.Watcher):
    """Keeps what is made."""

    def __init__(self) -> None:
        self.nodes: list[Value] = []

    def made(self, node: Value) -> None:
        self.nodes.append(node)


def test_what_a_function_returns_to_the_library_gets_no_name_of_the_library_s() -> None:
    def square(x: Any) -> Any:
        return x * x

    keeps = Keeps()
    with record_source(), watch.watching(keeps):
        check_gradients(square, [3.0])
    squares = [node for node in keeps.nodes if str(node.op) == "mul" and node.data == 9.0]
    assert squares
    assert {name(node) for node in squares} == {""}


def test_what_a_function_returns_into_something_else_gets_no_name() -> None:
    def double(x: Value) -> Value:
        return x * 2.0

    x = Value(1.0)
    with record_source():
        values = list(map(double, [x, x]))
        total = values[0] + values[1]
    assert [name(value) for value in values] == ["", ""]
    assert name(total) == "total"


def test_names_in_a_loop_go_to_the_value_of_each_turn() -> None:
    neuron = nn.Neuron(1, activation="tanh", rng=1)
    outputs = []
    with record_source():
        for number in (0.1, 0.2, 0.3):
            h = neuron([number])
            outputs.append(h)
    assert [name(output) for output in outputs] == ["h", "h", "h"]
    assert [name(output.parents[0]) for output in outputs] == ["", "", ""]


@pytest.mark.parametrize("statement", ["x.label = 'a'; v[0] = x * 2", "v += [x * 2]", "f(x * 2)"])
def test_what_is_assigned_to_no_plain_name_has_none(statement: str) -> None:
    values: list[Any] = [None]
    scope = {"x": Value(1.0), "v": values, "f": values.append}
    source = f"with record_source(): {statement}\n"
    file = f"<statement {statement}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), {"record_source": record_source, **scope})
    made = next(value for value in reversed(values) if value is not None)
    assert where_made(made) == (file, 1, "")


def test_code_whose_source_is_not_to_be_had_gives_the_line_and_no_name() -> None:
    scope: dict[str, Any] = {"x": Value(1.0), "record_source": record_source}
    exec(compile("\nwith record_source(): y = x * 2", "<no such file>", "exec"), scope)
    assert where_made(scope["y"]) == ("<no such file>", 2, "")


def test_names_that_stand_for_another_number_of_values_are_not_recorded() -> None:
    with record_source():
        first, *rest = Value(1.0), Value(2.0), Value(3.0)
    assert [name(value) for value in (first, *rest)] == ["", "", ""]


def test_a_python_that_knows_no_columns_gives_the_line_and_no_name(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from autodiff import Value, record_source\n"
        "with record_source():\n"
        "    y = Value(1.0) * 2.0\n"
        "print(y)\n"
    )
    shown = run_python(["-X", "no_debug_ranges", str(script)], tmp_path)
    assert shown == "Value(2, op=mul, script.py:3)\n"


# What a function registered with atexit is called by is no line of Python.
AT_THE_END = """
import atexit
from autodiff import Value, record_source
from autodiff.support import watch

class Prints(watch.Watcher):
    def made(self, node):
        print(node.data, node.origin)

def two():
    return Value(2.0)

recording, printing = record_source(), watch.watching(Prints())
recording.__enter__()
printing.__enter__()
atexit.register(Value, 1.0)
atexit.register(two)
"""


def test_what_no_line_of_python_asked_for_has_no_name_and_maybe_no_line(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(AT_THE_END)
    where = Origin(file=str(script), line=11)
    assert run_python([str(script)], tmp_path) == f"2.0 {where}\n1.0 {Origin()}\n"


def test_a_label_comes_before_a_name() -> None:
    with record_source():
        x = Value(1.0, "label")
        y = x * 2.0
    assert (x.name, y.name) == ("label", "y")
    y.label = "other"
    assert y.name == "other"


def test_constants_have_no_name() -> None:
    with record_source():
        number = constant(2.0)
        lifted = (Value(1.0) * 3.0).parents[1]
    assert (number.is_constant, name(number), number.name) == (True, "", "")
    assert repr(lifted) == f"Constant(3, test_record_source.py:{where_made(lifted)[1]})"


# ---- Where it is shown ----------------------------------------------------------------------


def test_repr_explain_traces_and_names_show_it() -> None:
    with record_source():
        w, x = Value(3.0), Value(2.0)
        product = w * x
        loss = product**2
    assert repr(product) == f"Value(6, 'product', op=mul, test_record_source.py:{line() - 2})"
    assert explain(w, of=loss).title == "d loss/d w = 24"
    assert f"w = 3 (made in tests/test_record_source.py:{where_made(w)[1]})" in str(
        explain(w, of=loss)
    )
    assert str(Trace(loss).next()).startswith("d loss/d product += d loss/d loss × ")
    names = Names(loss)
    assert [names[node] for node in (w, x, product, loss)] == ["w", "x", "product", "loss"]
    assert names.formula(loss) == "product**2"


def test_equal_names_are_told_apart_and_do_not_hide_a_label() -> None:
    with record_source():
        h = Value(1.0)
        first = h
        h = h * 2.0
        h = h * 3.0
    names = Names(h)
    assert [names[first], names[h.parents[0]], names[h]] == ["h", "h (2)", "h (3)"]


def test_the_line_itself_can_be_read() -> None:
    with record_source():
        y = Value(2.0) ** 2  # this very line
    assert y.origin.code == "y = Value(2.0) ** 2  # this very line"
    assert y.origin.short_place == f"test_record_source.py:{line() - 2}"


# ---- Copies ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copy_keeps_where_it_came_from(copied: Callable[[Value], Value]) -> None:
    with record_source():
        x = Value(3.0)
        y = x * 2.0
    for twin in (copied(y), recorded(copied, y)):
        assert where_made(twin) == where_made(y)
        assert twin.parents[1].is_constant
        assert where_made(twin.parents[0]) == where_made(x)
    assert where_made(y)[2] == "y"


def recorded(copied: Callable[[Value], Value], value: Value) -> Value:
    """Return a copy that is made while the source is recorded."""
    with record_source():
        return copied(value)


# ---- Blocks: nested, left by an error, in threads -------------------------------------------


def test_blocks_may_be_nested() -> None:
    with record_source():
        with record_source():
            inner = Value(1.0)
        outer = Value(2.0)
    after = Value(3.0)
    assert (name(inner), name(outer), after.origin.line) == ("inner", "outer", 0)


def test_an_error_ends_the_recording() -> None:
    made = []
    with pytest.raises(TypeError), record_source():
        made.append(Value(1.0) * None)  # type: ignore[operator]
    assert not made
    assert watch.on_new_value is None
    assert Value(1.0).origin.line == 0


def test_another_thread_s_values_are_not_recorded() -> None:
    made: list[Value] = []
    begun, done = threading.Event(), threading.Event()

    def work() -> None:
        begun.wait(10)
        made.append(Value(1.0) * 2.0)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    with record_source():
        mine = Value(5.0)
        begun.set()
        assert done.wait(10)
        also_mine = mine * 2.0
    thread.join()
    assert made[0].origin.line == 0
    assert (name(mine), name(also_mine)) == ("mine", "also_mine")


def test_two_threads_record_at_the_same_time() -> None:
    barrier = threading.Barrier(2)
    found: dict[int, list[str]] = {}

    def work(number: int) -> None:
        barrier.wait(10)
        with record_source():
            for _ in range(200):
                x = Value(float(number))
                y = x * x
        found[number] = [name(x), name(y)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: ["x", "y"], 1: ["x", "y"]}
    assert watch.on_new_value is None


class Marker:
    """Held by a local variable of a frame that makes Values."""


def predict_with_a_marker(markers: list[weakref.ref[Marker]]) -> Value:
    """Return a network's output, so that its name is settled later; the frame has a marker."""
    marker = Marker()
    markers.append(weakref.ref(marker))
    output = nn.MLP(1, [2, 1], rng=1)([1.0])
    assert isinstance(output, Value)
    return output


def test_no_frame_is_kept_after_the_block() -> None:
    markers: list[weakref.ref[Marker]] = []
    with record_source():
        output = predict_with_a_marker(markers)  # noqa: F841 (kept alive)
    gc.collect()
    assert [marker() for marker in markers] == [None]


def test_a_drawing_shows_the_line_that_made_a_node() -> None:
    pytest.importorskip("graphviz", reason="drawings are built with the package graphviz")
    with record_source():
        x = Value(2.0)
        y = x * x
    line = y.origin.line
    assert f"{Path(__file__).name}:{line}" in draw(y).source
    assert f"{Path(__file__).name}:{line}" not in draw(Value(2.0) * 3.0).source


def test_without_visits_names_and_lines_are_the_same_and_no_run_of_a_line_is_known() -> None:
    def made(visits: bool) -> Value:
        with record_source(visits=visits):
            w = Value(0.5)
            for _ in range(2):
                product = w * 3.0
            return product.tanh()

    whole, short = made(True), made(False)
    for with_visits, without in ((whole, short), (whole.parents[0], short.parents[0])):
        assert without.origin == with_visits.origin  # of which the visit is no part
        assert with_visits.origin.visit is not None
        assert without.origin.visit is None
    assert short.parents[0].name == "product"
