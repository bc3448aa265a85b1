"""Hooks and breakpoints: called when a gradient is complete, removable, and free when not used."""

from __future__ import annotations

import copy
import gc
import math
import os
import pdb
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from math import inf
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autodiff import Value, backward_steps, leaky_relu, record_source, topological_order, where
from autodiff.debug.steps import steps_of
from autodiff.debug.walk import walk_through
from autodiff.support import watch
from autodiff.support.frames import shown_place
from autodiff.value import constant
from tests.bits import bits
from tests.random_graphs import Recipe, built, wild_recipes
from tests.test_backward import Pass, every_pass

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True, scope="module")
def _what_is_there_already() -> Iterator[None]:
    """Let the collector look only at what the tests of this file make, as it is asked each time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
    gc.collect()


def let_go() -> None:
    """Free the hooks of the test before, which cycles of references may keep alive."""
    gc.collect()
    Value(1.0).backward()
    assert watch.on_backward is None


@pytest.fixture(autouse=True)
def _nobody_looks_on(_what_is_there_already: None) -> None:
    let_go()


def gradients(nodes: list[Value]) -> list[tuple[bytes, bool]]:
    return [(bits(node.grad), node.has_grad) for node in nodes]


def example() -> tuple[Value, Value, Value, Value]:
    """Return x, y, inner = x * y and the loss inner**2 + x."""
    x, y = Value(3.0, "x"), Value(2.0, "y")
    inner = x * y
    inner.label = "inner"
    loss = inner**2 + x
    loss.label = "loss"
    return x, y, inner, loss


# ---- Functions ------------------------------------------------------------------------------


@every_pass
def test_a_hook_gets_the_complete_gradient_once(run: Pass) -> None:
    x, y, inner, loss = example()
    seen: dict[str, list[float]] = {}
    for node in (x, y, inner, loss):
        node.register_hook(seen.setdefault(node.label, []).append)
    run(loss)
    assert seen == {"x": [25.0], "y": [36.0], "inner": [12.0], "loss": [1.0]}
    assert (x.grad, y.grad) == (25.0, 36.0)


@given(recipe=wild_recipes(), data=st.data())
def test_hooks_see_the_gradients_of_the_pass_and_change_none(
    recipe: Recipe, data: st.DataObject
) -> None:
    plain, hooked = built(recipe), built(recipe)
    plain[-1].backward()
    seen: dict[Value, float] = {}
    nodes = [node for node in topological_order(hooked[-1]) if not node.is_constant]
    # Places, because Hypothesis would keep the Values themselves.
    for place in data.draw(st.sets(st.integers(0, len(nodes) - 1))):

        def look(gradient: float, node: Value = nodes[place]) -> None:
            assert node not in seen
            seen[node] = gradient

        nodes[place].register_hook(look)
    hooked[-1].backward()
    assert gradients(hooked) == gradients(plain)
    assert all(bits(gradient) == bits(node.grad) for node, gradient in seen.items())
    # Where every use took another operand there is no gradient, and no hook is called.
    assert set(seen) == {node for node in nodes if watch.hooks_of(node) and node.has_grad}


@every_pass
def test_a_hook_is_called_after_the_last_use_that_is_taken(run: Pass) -> None:
    x = Value(2.0, "x")
    y = x * 3
    # The pass comes to log(y) last, if at all, and nothing reaches it.
    loss = Value(-1.0).relu() * 0 + where(-1.0, y.log(), y * 5)
    seen: list[float] = []
    y.register_hook(seen.append)
    y.register_hook(lambda gradient: gradient * 10)
    run(loss)
    assert seen == [5.0]
    assert x.grad == 150.0


@every_pass
def test_no_hook_is_called_where_nothing_reaches_the_value(run: Pass) -> None:
    x = Value(-2.0, "x")
    seen: list[float] = []
    (doubled := x * 2).register_hook(seen.append)
    x.register_hook(seen.append)
    run(doubled.relu())
    assert seen == []
    assert not x.has_grad


@every_pass
def test_a_returned_number_replaces_the_gradient_and_flows_on(
    run: Pass,
) -> None:
    x, y, inner, loss = example()
    inner.register_hook(lambda gradient: gradient * 10)
    run(loss)
    assert (inner.grad, x.grad, y.grad) == (120.0, 2.0 * 120.0 + 1.0, 3.0 * 120.0)


@every_pass
def test_a_variable_s_replaced_gradient_is_added_to_what_it_had(
    run: Pass,
) -> None:
    x, _, _, loss = example()
    x.grad = 1000.0
    x.register_hook(lambda gradient: -gradient)
    run(loss)
    assert x.grad == 1000.0 - 25.0
    run(loss)
    assert x.grad == 1000.0 - 50.0


@every_pass
def test_the_root_s_hook_replaces_where_the_pass_starts(run: Pass) -> None:
    x, _, _, loss = example()
    loss.register_hook(lambda _: 2)
    run(loss)
    assert (loss.grad, x.grad) == (2.0, 50.0)
    assert type(loss.grad) is float


def test_a_leaf_as_root_calls_its_hook() -> None:
    x = Value(3.0)
    x.register_hook(lambda gradient: gradient + 4.0)
    x.backward()
    assert x.grad == 5.0


def test_several_hooks_are_called_in_the_order_of_their_registration() -> None:
    x, _, _, loss = example()
    calls = []
    for number in range(3):

        def add(gradient: float, number: int = number) -> float:
            calls.append((number, gradient))
            return gradient + 1.0

        x.register_hook(add)
    loss.backward()
    assert calls == [(0, 25.0), (1, 26.0), (2, 27.0)]
    assert x.grad == 28.0


def test_none_and_no_return_leave_the_gradient() -> None:
    x, _, _, loss = example()
    x.register_hook(lambda _: None)
    loss.backward()
    assert x.grad == 25.0


def test_a_hook_is_called_before_the_gradient_flows_on_and_after_it_is_complete() -> None:
    _, y, inner, loss = example()
    seen = []
    inner.register_hook(lambda _: seen.append((inner.has_grad, y.has_grad)))
    y.register_hook(lambda _: seen.append((inner.has_grad, y.has_grad)))
    loss.backward()
    assert seen == [(True, False), (True, True)]


# ---- Removing -------------------------------------------------------------------------------


def test_a_removed_hook_is_not_called_and_removing_it_twice_does_nothing() -> None:
    x, _, _, loss = example()
    calls: list[float] = []
    other: list[float] = []
    handle = x.register_hook(calls.append)
    x.register_hook(other.append)
    loss.backward()
    handle.remove()
    handle.remove()
    loss.backward()
    assert (calls, other) == ([25.0], [25.0, 25.0])


def test_leaving_a_with_block_removes_the_hook() -> None:
    x, _, _, loss = example()
    calls: list[float] = []
    with x.register_hook(calls.append):
        loss.backward()
    loss.backward()
    assert calls == [25.0]


def test_a_hook_may_remove_itself_while_it_is_called() -> None:
    x, _, _, loss = example()
    calls: list[float] = []

    def once(gradient: float) -> None:
        calls.append(gradient)
        handle.remove()

    handle = x.register_hook(once)
    x.register_hook(calls.append)
    loss.backward()
    loss.backward()
    assert calls == [25.0, 25.0, 25.0]


def test_a_handle_that_is_dropped_does_not_end_its_hook() -> None:
    x, _, _, loss = example()
    calls: list[float] = []
    x.register_hook(calls.append)
    gc.collect()
    loss.backward()
    assert calls == [25.0]


class Watched:
    """A hook that is an object, to see when it is freed."""

    def __call__(self, gradient: float) -> None:
        """Leave the gradient as it is."""


def test_a_hook_is_freed_with_its_value_and_then_costs_nothing() -> None:
    hook = Watched()
    freed = weakref.ref(hook)
    x, _, inner, loss = example()
    handle = inner.register_hook(hook)
    del hook, inner, loss
    assert freed() is None
    handle.remove()
    (x * 2.0).backward()
    assert watch.on_backward is None


def test_a_copy_has_no_hooks_and_the_original_keeps_them() -> None:
    x, _, _, loss = example()
    calls: list[float] = []
    x.register_hook(calls.append)
    for twin in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss)), copy.copy(x) * 1.0):
        twin.backward()
    assert not calls
    loss.backward()
    assert len(calls) == 1


# ---- Errors ---------------------------------------------------------------------------------


class HookError(Exception):
    """What a hook of these tests raises."""


def refuse(gradient: float) -> None:
    raise HookError(f"not {gradient}")


@every_pass
@pytest.mark.parametrize("place", range(4))
def test_a_hook_that_raises_stops_the_pass_with_its_own_error_and_changes_no_gradient(
    run: Pass, place: int
) -> None:
    nodes = list(example())
    _, y, inner, loss = nodes
    run(loss)
    inner.grad, y.grad = 77.0, 88.0
    order = topological_order(loss)
    before = gradients(order)
    nodes[place].register_hook(refuse)
    with pytest.raises(HookError, match="not "):
        run(loss)
    assert gradients(order) == before


@given(recipe=wild_recipes(), data=st.data())
def test_whichever_hook_raises_every_gradient_is_as_it_was(
    recipe: Recipe, data: st.DataObject
) -> None:
    root = built(recipe)[-1]
    order = topological_order(root)
    if data.draw(st.booleans()):
        root.backward()
    before = gradients(order)
    # Where nothing reaches a Value, its hook is not called, so it cannot raise.
    nodes = [root, *{step.parent: None for step in steps_of(root) if step.taken}]
    nodes[data.draw(st.integers(0, len(nodes) - 1))].register_hook(refuse)
    with pytest.raises(HookError):
        root.backward()
    assert gradients(order) == before


@pytest.mark.parametrize("replacement", ["1", [1.0], Value(1.0), 1j], ids=repr)
def test_a_replacement_that_is_no_number_is_a_type_error_and_changes_no_gradient(
    replacement: Any,
) -> None:
    x, _, _, loss = example()
    order = topological_order(loss)
    x.register_hook(lambda _: replacement)
    with pytest.raises(TypeError, match="a hook that replaces a gradient needs a real number"):
        loss.backward()
    assert not any(node.has_grad for node in order)


def test_a_hook_may_do_another_pass() -> None:
    x, _, _, loss = example()
    a = Value(5.0)
    other = a * a
    x.register_hook(lambda _: other.backward())
    loss.backward()
    assert (x.grad, a.grad) == (25.0, 10.0)


# ---- Free when not used ---------------------------------------------------------------------


def test_without_hooks_nothing_looks_on() -> None:
    x, _, _, _ = example()
    assert (watch.on_new_value, watch.on_backward) == (None, None)
    handle = x.register_hook(print)
    assert watch.on_new_value is None
    assert watch.on_backward is not None
    handle.remove()
    assert (watch.on_new_value, watch.on_backward) == (None, None)


def test_a_graph_without_hooks_takes_the_fast_way_while_another_has_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, _, _, loss = example()
    other, *_ = example()
    other.register_hook(refuse)

    def slow(root: Value, gradient: float) -> None:
        raise AssertionError("this graph has no hooks")

    monkeypatch.setattr(watch, "step_through", slow)
    loss.backward()
    assert x.grad == 25.0


def test_a_hook_is_called_from_whichever_thread_does_the_pass() -> None:
    x, _, _, loss = example()
    threads: list[int] = []
    x.register_hook(lambda _: threads.append(threading.get_ident()))
    thread = threading.Thread(target=loss.backward)
    thread.start()
    thread.join()
    assert threads == [thread.ident]


def test_training_with_hooks_gives_the_same_bits() -> None:
    results = []
    for hooked in (False, True):
        model = nn.MLP(2, [4, 1], activation="tanh", rng=1)
        seen: list[float] = []
        if hooked:
            for parameter in model.parameters():
                parameter.register_hook(seen.append)
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            loss = nn.mse_loss([model([0.0, 1.0]), model([1.0, 0.5])], [1.0, 0.0])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert len(seen) == (3 * 17 if hooked else 0)
        results.append([bits(parameter.data) for parameter in model.parameters()])
    assert results[0] == results[1]


# ---- Breakpoints ----------------------------------------------------------------------------


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Let breakpoint() note the function in which it opens and the names there."""
    seen: list[tuple[str, dict[str, Any]]] = []

    def note() -> None:
        frame: FrameType | None = sys._getframe(1)
        assert frame is not None
        assert frame.f_code.co_filename == __file__
        names = {name: it for name, it in frame.f_locals.items() if not name.startswith("__")}
        seen.append((frame.f_code.co_name, names))

    monkeypatch.setattr(sys, "breakpointhook", note)
    return seen


Stops = list[tuple[str, dict[str, Any]]]


@every_pass
def test_the_debugger_opens_when_the_gradient_is_complete_with_named_variables(
    run: Pass, stops: Stops
) -> None:
    x, y, inner, loss = example()
    inner.break_on("backward")
    run(loss)
    assert stops == [
        ("backward", {"node": inner, "parents": (x, y), "upstream": 12.0, "local": (2.0, 3.0)})
    ]


def test_at_a_variable_there_are_no_parents(stops: Stops) -> None:
    x, _, _, loss = example()
    x.break_on()
    loss.backward()
    assert stops == [("backward", {"node": x, "parents": (), "upstream": 25.0, "local": ()})]


def test_the_debugger_opens_after_the_hooks(stops: Stops) -> None:
    x, _, _, loss = example()
    x.break_on("backward")
    x.register_hook(lambda _: 7.0)
    loss.backward()
    assert [names["upstream"] for _, names in stops] == [7.0]


def test_backward_nan_opens_only_at_a_gradient_that_is_not_finite(stops: Stops) -> None:
    x = Value(0.0, "x")
    root = x.sqrt()
    x.break_on("backward-nan")
    root.break_on("backward-nan")
    (x * 2.0).backward()
    assert not stops
    (root * 0.0).backward()
    ((_, names),) = stops
    assert names["node"] is x
    assert math.isnan(names["upstream"])


def test_forward_opens_at_each_operation_that_uses_the_value(stops: Stops) -> None:
    x, y = Value(3.0), Value(2.0)
    handle = x.break_on("forward")
    product = x * y
    square = x * x
    y + 1.0
    handle.remove()
    x + 1.0
    assert stops == [
        ("forward", {"node": product, "op": product.op, "parents": (x, y)}),
        ("forward", {"node": square, "op": square.op, "parents": (x, x)}),
    ]
    assert watch.on_new_value is None


def test_forward_nan_opens_only_at_a_result_that_is_not_finite(stops: Stops) -> None:
    x = Value(0.0)
    x.break_on("forward-nan")
    x * 2.0
    logarithm = x.log()
    assert [names["node"] for _, names in stops] == [logarithm]


def test_a_constant_may_be_watched_in_the_forward_pass(stops: Stops) -> None:
    number = constant(3.0)
    number.break_on("forward")
    product = Value(2.0) * number
    assert [names["node"] for _, names in stops] == [product]


def test_a_breakpoint_is_removed_like_a_hook(stops: Stops) -> None:
    x, _, _, loss = example()
    with x.break_on("backward"):
        pass
    loss.backward()
    assert not stops
    assert watch.on_backward is None


def test_when_the_value_with_the_breakpoint_is_gone_nothing_looks_on(stops: Stops) -> None:
    x = Value(1.0)
    x.break_on("forward")
    del x
    Value(2.0) * 3.0
    assert watch.on_new_value is None
    assert not stops


@every_pass
def test_contribution_opens_each_time_something_flows_into_the_value(
    run: Pass, stops: Stops
) -> None:
    x, _, inner, loss = example()
    x.break_on("contribution")
    run(loss)
    names = ("node", "parent", "upstream", "local", "contribution", "sum")
    assert [(function, *(seen[name] for name in names)) for function, seen in stops] == [
        ("contribution", loss, x, 1.0, 1.0, 1.0, 1.0),
        ("contribution", inner, x, 12.0, 2.0, 24.0, 25.0),
    ]
    assert str(stops[1][1]["step"]).startswith(
        "d loss/d x += d loss/d inner × d inner/d x = 12 × 2"
    )


@every_pass
def test_what_was_not_taken_is_no_contribution(run: Pass, stops: Stops) -> None:
    x = Value(-1.0)
    x.break_on("contribution")
    run(x.relu() + x)
    assert len(stops) == 1


def test_a_condition_sees_the_names_of_the_event_and_those_of_the_functions_that_run(
    stops: Stops,
) -> None:
    x, _, inner, _ = example()
    x.break_on("contribution", when="epoch == 2 and any(local > each for each in limits)")
    limits = [1.0, 5.0]

    def train() -> None:
        for epoch in range(4):
            (inner * 1.0 + x).backward()
            assert len(stops) == (epoch >= 2)

    train()
    ((_, names),) = stops
    assert names["local"] == 2.0 > min(limits)
    # What the condition uses is there at the stop, also what a generator in it does.
    assert (names["epoch"], names["limits"]) == (2, limits)


def test_a_condition_may_fail_and_leaves_every_gradient_as_it_was(stops: Stops) -> None:
    x, y, inner, loss = example()
    inner.break_on(when="nowhere > 1")
    with pytest.raises(ValueError, match="nowhere") as caught:
        loss.backward()
    line = test_a_condition_may_fail_and_leaves_every_gradient_as_it_was.__code__.co_firstlineno + 2
    assert str(caught.value) == (
        "the condition of break_on('backward', when='nowhere > 1'), set at "
        f"{shown_place(__file__, line)}, fails with NameError: name 'nowhere' is not defined"
    )
    assert isinstance(caught.value.__cause__, NameError)
    assert not any(node.has_grad for node in (x, y, inner, loss))
    assert not stops


def test_a_log_writes_a_line_in_place_of_a_stop(
    stops: Stops, capsys: pytest.CaptureFixture[str]
) -> None:
    _, _, inner, loss = example()
    for event in ("backward", "contribution", "forward", "forward-nan"):
        inner.break_on(event, log=True)
    inner.register_hook(lambda _: 7.0)
    loss.backward()
    (inner * inf).log()
    assert capsys.readouterr().out.splitlines() == [
        "contribution: d loss/d inner += d loss/d v4 × d v4/d inner = 1 × 12 = 12"
        "  (sum 12; v4 = inner**2)",
        "backward: Value(6, 'inner', op=mul, grad=7)",
        *(
            f"{event}: Value(inf, op=mul) of Value(6, 'inner', op=mul, grad=7), Constant(inf)"
            for event in ("forward", "forward-nan")
        ),
    ]
    assert not stops


def test_a_log_of_numbers_that_are_not_finite(capsys: pytest.CaptureFixture[str]) -> None:
    x = Value(0.0, "x")
    for event in ("backward-nan", "forward-nan", "backward"):
        x.break_on(event, log=True)
    root = x.sqrt()
    (root * 0.0).backward()
    x.log()
    # d sqrt(x) is 0, its slope at 0 infinite, and 0 * inf is nan.
    assert capsys.readouterr().out.splitlines() == [
        "backward-nan: Value(0, 'x', grad=nan)",
        "backward: Value(0, 'x', grad=nan)",
        "forward-nan: Value(-inf, op=log) of Value(0, 'x', grad=nan)",
    ]


def test_breakpoints_stop_in_a_walk_through_the_lines_too(stops: Stops) -> None:
    with record_source():
        x, y, inner, loss = example()
    inner.break_on("contribution")
    inner.break_on("backward")
    walk_through(loss, 1.0)
    assert [(function, names["node"]) for function, names in stops] == [
        ("contribution", loss.parents[0]),
        ("backward", inner),
    ]
    assert (x.grad, y.grad) == (25.0, 36.0)


def test_where_breakpoints_are_switched_off_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    x, _, _, loss = example()
    x.break_on()
    monkeypatch.setenv("PYTHONBREAKPOINT", "0")
    with pytest.warns(UserWarning, match="cannot stop here: PYTHONBREAKPOINT=0 is set") as told:
        loss.backward()
    assert [warning.filename for warning in told] == [__file__]
    assert x.grad == 25.0


class Kernel:
    """A notebook's kernel that may, or may not, ask for input."""

    def __init__(self, allow_stdin: bool) -> None:
        self._allow_stdin = allow_stdin


class Shell:
    """IPython, or debugpy without a front end that is attached."""

    kernel: Kernel | None = None

    def get_ipython(self) -> Shell:
        return self

    def is_client_connected(self) -> bool:
        return False


def ignored() -> None:
    raise AssertionError("debugpy's own breakpoint() does nothing here")


@pytest.mark.parametrize("kernel", [None, Kernel(True), Kernel(False)])
@pytest.mark.parametrize("in_ipython", [True, False])
def test_where_debugpy_has_no_front_end_pdb_opens_if_there_is_input(
    monkeypatch: pytest.MonkeyPatch, kernel: Kernel | None, in_ipython: bool
) -> None:
    shell = Shell()
    shell.kernel = kernel
    monkeypatch.setitem(sys.modules, "debugpy", shell)  # type: ignore[arg-type]
    monkeypatch.setattr(ignored, "__module__", "debugpy._vendored.force_pydevd")
    monkeypatch.setattr(sys, "breakpointhook", ignored)
    if in_ipython:
        monkeypatch.setitem(sys.modules, "IPython", shell)  # type: ignore[arg-type]
    else:
        monkeypatch.delitem(sys.modules, "IPython", raising=False)
    opened: list[str] = []
    monkeypatch.setattr(pdb, "set_trace", lambda: opened.append("pdb"))
    x, _, _, loss = example()
    x.break_on()
    if in_ipython and kernel is not None and not kernel._allow_stdin:
        with pytest.warns(UserWarning, match="can ask for no input. Run the cell in Jupyter or"):
            loss.backward()
        assert not opened
    else:
        loss.backward()
        assert opened == ["pdb"]


def test_the_error_that_ends_a_debugger_leaves_the_gradients_as_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, y, inner, loss = example()
    loss.backward()
    before = gradients([x, y, inner, loss])
    inner.break_on("backward")

    def leave() -> None:
        raise SystemExit

    monkeypatch.setattr(sys, "breakpointhook", leave)
    with pytest.raises(SystemExit):
        loss.backward()
    assert gradients([x, y, inner, loss]) == before


# ---- In a real debugger ---------------------------------------------------------------------

PROGRAM = """
from autodiff import Value

w, x = Value(0.5, "w"), Value(-2.0, "x")
error = w * x - 1.0
error.label = "error"
loss = error**2
error.break_on("backward")
loss.backward()
print("gradients:", w.grad, x.grad)
"""


def debugged(tmp_path: Path, program: str, commands: list[str]) -> str:
    """Return what a program prints whose pdb gets these commands."""
    script = tmp_path / "program.py"
    script.write_text(program)
    run = subprocess.run(
        [sys.executable, str(script)],
        input="".join(f"{command}\n" for command in commands),
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not run.stderr, run.stderr
    return run.stdout.replace(f"{tmp_path}{os.sep}", "")


def test_pdb_opens_in_the_backward_pass_and_shows_its_names(tmp_path: Path) -> None:
    shown = debugged(
        tmp_path, PROGRAM, ["p node", "p upstream", "p local", "p parents[0].label", "where", "c"]
    )
    before, *answers = shown.split("(Pdb) ")
    # As no lines are recorded, at the one that set the breakpoint.
    assert before == '> program.py(8)backward()\n-> error.break_on("backward")\n'
    assert answers[0] == "Value(-2, 'error', op=sub, grad=-4)\n"
    assert answers[1] == "-4.0\n"
    assert answers[2] == "(1.0, -1.0)\n"
    assert answers[3] == "''\n"
    for frame in ("program.py(9)<module>()", "backward_steps()", "program.py(8)backward()"):
        assert frame in answers[4]
    assert answers[5] == "gradients: 8.0 -2.0\n"


def test_a_use_that_is_not_taken_is_a_step_before_the_hook_too() -> None:
    """Of leaky_relu(y, y) at 1 the slope gets nothing, behind the 1 that y gets as the operand."""
    y = Value(1.0, "y")
    with y.register_hook(lambda gradient: gradient / 2):
        totals = [step.total for step in backward_steps(leaky_relu(y, y))]
    assert (totals, y.grad) == ([1.0, 1.0], 0.5)


def test_a_hook_that_leaves_a_gradient_that_is_nan_has_replaced_none() -> None:
    x = Value(2.0, "x")
    x.register_hook(lambda _: None)
    (x * float("nan")).backward()
    assert x.grad != x.grad
    hooks = watch.hooks_of(x)
    assert hooks is not None
    assert hooks.replacement is None
