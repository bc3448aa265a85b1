"""Stepping in debugpy, VS Code's debugger: through its protocol, with the library installed."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dap import Adapter, Breakpoint, Debugger, Kernel
from tests.documents import ROOT
from tests.editor import PICTURE, drawn, moment_in
from tests.wheel import install_into

pytest.importorskip("debugpy", reason="the debugger itself")

# Its processes are watched by the debugger, which two cannot do at once.
pytestmark = pytest.mark.unmeasured

LESSON = """\
from autodiff import Value

w, x, b = Value(0.5, "w"), Value(3.0, "x"), Value(-1.25, "b")
y = (w * x + b).tanh()
y.backward()
print(w.grad)
"""
BACKWARD, AFTER = 5, 6
SLOPE = 1.0 - math.tanh(0.25) ** 2

OWN_OPERATION = """\
from autodiff import Value
from autodiff.ops import Operation


def cube(x):
    return x * x * x


def cube_partials(out, x):
    return (3.0 * x * x,)


x = Value(2.0, "x")
y = Value.make_node(Operation("cube", "cube", 1, cube, cube_partials), x)
y.backward()
"""


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of installed packages that the library is in."""
    return install_into(tmp_path_factory.mktemp("installed"))


@pytest.fixture
def debugger() -> Iterator[Debugger]:
    with Debugger(Adapter()) as found:
        yield found


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    """A program of a student's."""
    path = tmp_path / "lesson.py"
    path.write_text(LESSON, encoding="utf-8")
    return path


def at(path: Path, text: str) -> int:
    """Return the number of the one line of a file that has a text in it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    (found,) = [number for number, line in enumerate(lines, 1) if text in line]
    return found


@pytest.mark.parametrize(
    "options",
    [
        {"justMyCode": False},
        {"justMyCode": True, "rules": [{"module": "autodiff", "include": True}]},
    ],
    ids=["all code", "my code and autodiff"],
)
def test_breakpoints_by_line_and_by_name_stop_in_a_chain_rule(
    debugger: Debugger, library: Path, lesson: Path, options: dict[str, object]
) -> None:
    chain_rules = library / "autodiff" / "chain_rules" / "arithmetic.py"
    debugger.launch(lesson, env={"PYTHONPATH": str(library)}, **options)
    assert debugger.break_at(chain_rules, [at(chain_rules, "def backward_mul") + 2]) == [""]
    assert debugger.break_in("backward_tanh") == [""]

    # By its name: at the first line of the function, before its names are there.
    stop = debugger.go()
    assert stop.place == ("backward_tanh", "def backward_tanh(node: Any) -> None:")
    activations = chain_rules.with_name("activations.py")
    assert (stop.reason, stop.top.path) == ("function breakpoint", activations)
    assert debugger.local_variables() == {"node": "Value(0.244919, op=tanh, grad=1)"}
    debugger.step_over()
    debugger.step_over()
    assert debugger.local_variables() == {
        "node": "Value(0.244919, op=tanh, grad=1)",
        "upstream": "1.0",
        "x": "Value(0.25, op=add)",
    }
    assert debugger.fields("x")["grad"] == "not computed"
    assert debugger.evaluate("x.grad", context="hover") == "not computed"

    # By its line: the operands are called as in the rule.
    stop = debugger.go()
    assert stop.place == ("backward_mul", "a.grad += b.data * upstream")
    assert (stop.reason, stop.top.path) == ("breakpoint", chain_rules)
    assert debugger.local_variables() == {
        "node": f"Value(1.5, op=mul, grad={SLOPE:.6g})",
        "upstream": str(SLOPE),
        "a": "Value(0.5, 'w')",
        "b": "Value(3, 'x')",
    }
    assert debugger.step_over().place == ("backward_mul", "b.grad += a.data * upstream")
    assert debugger.fields("a")["grad"] == str(3.0 * SLOPE)

    debugger.finish()
    assert debugger.exit_code == 0
    assert debugger.output == f"{3.0 * SLOPE}\n"


def test_one_steps_from_a_programs_line_to_each_chain_rule(
    debugger: Debugger, library: Path, lesson: Path
) -> None:
    loop = at(library / "autodiff" / "value.py", ".chain_rule(node)")
    debugger.launch(lesson, justMyCode=False, env={"PYTHONPATH": str(library)})
    debugger.break_at(lesson, [BACKWARD])
    assert debugger.go().place == ("<module>", "y.backward()")
    assert debugger.step_in().place[0] == "backward"
    visited = []
    debugger.break_at(library / "autodiff" / "value.py", [loop])
    for _ in range(3):
        assert debugger.go().place[0] == "backward"
        stop = debugger.step_in()
        visited.append(stop.place[0])
        assert all(frame.path and frame.path.is_file() for frame in stop.frames)
        # After these come the frames of runpy, which runs the program.
        assert [frame.name for frame in stop.frames[1:3]] == ["backward", "<module>"]
        debugger.step_out()
    assert visited == ["backward_tanh", "backward_add", "backward_mul"]
    debugger.finish()


def test_with_just_my_code_the_installed_library_is_passed_over_and_said_to_be(
    debugger: Debugger, library: Path, lesson: Path
) -> None:
    chain_rules = library / "autodiff" / "chain_rules" / "arithmetic.py"
    debugger.launch(lesson, justMyCode=True, env={"PYTHONPATH": str(library)})
    (objection,) = debugger.break_at(chain_rules, [at(chain_rules, "def backward_mul") + 2])
    assert "justMyCode" in objection
    debugger.break_in("backward_mul")
    debugger.break_at(lesson, [BACKWARD])
    assert debugger.go().place == ("<module>", "y.backward()")
    assert debugger.fields("w")["grad"] == "not computed"
    assert debugger.step_in().place == ("<module>", "print(w.grad)")
    assert debugger.fields("w")["grad"] == str(3.0 * SLOPE)
    debugger.finish()


@pytest.mark.parametrize("just_my_code", [False, True])
def test_a_rule_of_ones_own_is_ones_own_code(
    debugger: Debugger, library: Path, tmp_path: Path, just_my_code: bool
) -> None:
    program = tmp_path / "own.py"
    program.write_text(OWN_OPERATION, encoding="utf-8")
    debugger.launch(program, justMyCode=just_my_code, env={"PYTHONPATH": str(library)})
    debugger.break_at(program, [at(program, "y.backward()")])
    debugger.go()
    if just_my_code:
        # One step in: the library between is passed over.
        stop = debugger.step_in()
    else:
        debugger.break_in("cube_partials")
        stop = debugger.go()
    assert stop.place[0] == "cube_partials"
    assert stop.top.path == program
    assert debugger.local_variables() == {"out": "8.0", "x": "2.0"}


STEPS = """\
from autodiff import Value, backward_steps

w, x = Value(0.5, "w"), Value(3.0, "x")
y = w * x
y.label = "y"
for step in backward_steps(y):
    print(step.total)
"""


def test_values_and_steps_read_well_in_variables_and_hovers(
    debugger: Debugger, library: Path, tmp_path: Path
) -> None:
    program = tmp_path / "steps.py"
    program.write_text(STEPS, encoding="utf-8")
    debugger.launch(program, justMyCode=True, env={"PYTHONPATH": str(library)})
    debugger.break_at(program, [at(program, "print(step.total)")])
    debugger.go()
    chain_rule = "d y/d w += d y/d y × d y/d w = 1 × 3 = 3  (sum 3; y = w * x)"
    shown = debugger.local_variables()
    assert shown["step"] == chain_rule
    assert debugger.evaluate("step", context="hover") == chain_rule
    assert debugger.evaluate("step") == chain_rule
    assert (shown["w"], shown["x"]) == ("Value(0.5, 'w', grad=3)", "Value(3, 'x')")
    assert shown["y"] == "Value(1.5, 'y', op=mul, grad=1)"
    # Opened: what it is, and nothing of how it is kept. What is behind the groups is closed.
    groups = {"special variables", "function variables"}
    opened = {name: each for name, each in debugger.fields("y").items() if name not in groups}
    assert opened == {
        "data": "1.5",
        "grad": "1.0",
        "has_grad": "True",
        "is_constant": "False",
        "is_leaf": "False",
        "label": "'y'",
        "name": "'y'",
        "op": "mul",
        "parents": "(Value(0.5, 'w', grad=3), Value(3, 'x'))",
    }


ANOMALY = """\
from autodiff import Value, detect_anomaly


def train(x):
    distance = (x * x).sqrt()
    loss = distance * 3.0
    loss.backward()


with detect_anomaly():
    train(Value(0.0))
"""


@pytest.mark.parametrize("just_my_code", [True, False])
@pytest.mark.parametrize("exceptions", ["uncaught", "userUnhandled"])
def test_an_anomaly_of_the_backward_pass_stops_at_the_line_of_the_forward_pass(
    debugger: Debugger, library: Path, tmp_path: Path, just_my_code: bool, exceptions: str
) -> None:
    program = tmp_path / "anomaly.py"
    program.write_text(ANOMALY, encoding="utf-8")
    debugger.launch(program, justMyCode=just_my_code, env={"PYTHONPATH": str(library)})
    debugger.break_at_exceptions(exceptions)
    stop = debugger.go()
    assert (stop.reason, stop.top.path) == ("exception", program)
    assert stop.top.code == "distance = (x * x).sqrt()"
    shown = debugger.local_variables()
    # Where the debugger stops before the error leaves the pass, the gradients so far are there.
    gradient = ", grad=3" if exceptions == "userUnhandled" else ""
    assert shown["node"] == f"Value(0, 'distance', op=sqrt{gradient}, anomaly.py:5)"
    assert (shown["upstream"], shown["local"], shown["contribution"]) == ("3.0", "inf", "inf")
    users = [frame.code for frame in stop.frames[1:] if frame.path == program]
    walked = ["distance = (x * x).sqrt()", "loss.backward()", "train(Value(0.0))"]
    assert users == walked[: len(users)]
    assert users


def test_in_a_notebook_too(library: Path, tmp_path: Path) -> None:
    chain_rules = library / "autodiff" / "chain_rules" / "arithmetic.py"
    kernel = Kernel(tmp_path, PYTHONPATH=str(library))
    with Debugger(kernel) as debugger:
        debugger.start("attach", justMyCode=False)
        cell = Path(debugger.request("dumpCell", code=LESSON)["sourcePath"])
        assert debugger.break_at(cell, [BACKWARD]) == [""]
        assert debugger.break_at(chain_rules, [at(chain_rules, "def backward_mul") + 2]) == [""]
        kernel.execute(LESSON)
        assert debugger.go().place == ("<module>", "y.backward()")
        assert debugger.go().place == ("backward_mul", "a.grad += b.data * upstream")
        assert debugger.local_variables()["a"] == "Value(0.5, 'w')"
        debugger.finish()
        assert debugger.output == f"{3.0 * SLOPE}\n"


# ---- Backward through the user's own lines, as VS Code starts a program: justMyCode, and no more

RECORDED = """\
from autodiff import Value, record_source
from model import neuron

with record_source():
    w, b = Value(0.5), Value(-1.25)
    total = w * 0.0
    for x in (3.0, 1.0):
        total = total + neuron(w, x, b)
    loss = total * total
loss.backward()
print(w.grad)
"""
MODEL = """\
def neuron(w, x, b):
    z = w * x + b
    return z.tanh()
"""


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A program of two files that records its lines."""
    (tmp_path / "model.py").write_text(MODEL, encoding="utf-8")
    path = tmp_path / "train.py"
    path.write_text(RECORDED, encoding="utf-8")
    return path


def test_a_breakpoint_on_a_users_line_stops_in_both_passes_and_step_over_goes_back(
    debugger: Debugger, library: Path, recorded: Path
) -> None:
    loss_line = "loss = total * total"
    debugger.launch(recorded, justMyCode=True, env={"PYTHONPATH": str(library)})
    debugger.break_at(recorded, [at(recorded, loss_line)])
    assert debugger.go().place == ("<module>", loss_line)
    assert "d_loss" not in debugger.local_variables()
    stop = debugger.go()
    assert (stop.place, stop.reason) == (("<module>", loss_line), "breakpoint")
    # Below it stands the line that called backward(); the library's frames are not shown.
    assert stop.frames[1].code == "loss.backward()"
    total = math.tanh(0.25) + math.tanh(-0.75)
    assert debugger.local_variables()["d_loss"] == "1.0"
    assert debugger.fields("total")["data"] == str(total)

    visited = []
    for _ in range(4):
        stop = debugger.step_over()
        visited.append((stop.place[1], debugger.local_variables().get("visit")))
    line = "total = total + neuron(w, x, b)"
    assert visited == [
        (line, "'2 of 2'"),
        (line, "'1 of 2'"),
        ("total = w * 0.0", None),
        ("w, b = Value(0.5), Value(-1.25)", None),
    ]
    # Complete, and to hover over.
    assert debugger.local_variables()["d_w"] == debugger.evaluate("w.grad", context="hover")
    assert debugger.step_over().place == ("<module>", "loss.backward()")
    assert debugger.step_over().place == ("<module>", "print(w.grad)")
    debugger.finish()
    assert debugger.exit_code == 0


def test_step_in_enters_a_function_of_the_users_and_step_out_leaves_it(
    debugger: Debugger, library: Path, recorded: Path
) -> None:
    model = recorded.parent / "model.py"
    line = "total = total + neuron(w, x, b)"
    debugger.launch(recorded, justMyCode=True, env={"PYTHONPATH": str(library)})
    debugger.break_at(recorded, [at(recorded, "loss = total")])
    debugger.go()
    debugger.go()
    assert debugger.step_over().place == ("<module>", line)
    stop = debugger.step_in()
    assert (stop.place, stop.top.path) == (("neuron", "return z.tanh()"), model)
    assert [frame.name for frame in stop.frames[:3]] == ["neuron", "<module>", "<module>"]
    assert debugger.step_over().place == ("neuron", "z = w * x + b")
    shown = debugger.local_variables()
    y = math.tanh(-0.75)  # of the last row
    assert float(shown["d_z"]) == pytest.approx(2 * (math.tanh(0.25) + y) * (1 - y * y))
    assert shown["x"] == "1.0"
    assert debugger.step_out().place == ("<module>", line)
    # The line of the call as it was entered, with the gradients after it; then the visit before.
    left = debugger.local_variables()
    assert left["visit"] == "'2 of 2'"
    assert (left["x"], left["d_w"]) == ("1.0", shown["d_z"])
    assert debugger.step_over().place == ("<module>", line)
    entered = debugger.local_variables()
    assert (entered["visit"], entered["x"]) == ("'1 of 2'", "3.0")
    assert debugger.step_in().place == ("neuron", "return z.tanh()")
    debugger.step_over()
    # Over the last line of the function.
    assert debugger.step_over().place == ("<module>", line)
    assert debugger.local_variables()["visit"] == "'1 of 2'"


def test_a_condition_and_a_log_message_are_honoured_in_the_backward_pass(
    debugger: Debugger, library: Path, recorded: Path
) -> None:
    model = recorded.parent / "model.py"
    here = at(model, "z = w * x + b")
    debugger.launch(recorded, justMyCode=True, env={"PYTHONPATH": str(library)})
    debugger.break_at(model, [Breakpoint(here, condition="'d_z' in dir() and x == 3.0")])
    stop = debugger.go()
    assert stop.place == ("neuron", "z = w * x + b")
    assert debugger.local_variables()["x"] == "3.0"
    debugger.break_at(model, [])
    debugger.finish()


@pytest.mark.parametrize("just_my_code", [True, False])
def test_a_rule_for_the_library_lets_one_step_in_from_a_clone(
    debugger: Debugger, recorded: Path, just_my_code: bool
) -> None:
    # It is in no folder of installed packages: for the debugger, it is one's own code.
    rules = configurations()["Backward through my own lines"]["rules"]
    debugger.launch(recorded, justMyCode=just_my_code, rules=rules, env={"PYTHONPATH": str(ROOT)})
    debugger.break_at(recorded, [at(recorded, "loss = total")])
    debugger.go()
    debugger.go()
    visited = []
    for _ in range(9):
        visited.append(debugger.step_in().place)
    call = "<module>", "total = total + neuron(w, x, b)"
    round_of_loop = [call, ("neuron", "return z.tanh()"), ("neuron", "z = w * x + b"), call]
    assert visited == [*round_of_loop, *round_of_loop, ("<module>", "total = w * 0.0")]
    debugger.finish()


def configurations() -> dict[str, Any]:
    """Return the configurations that the repository has for VS Code, by their names."""
    text = (ROOT / ".vscode" / "launch.json").read_text(encoding="utf-8")
    return {each["name"]: each for each in json.loads(text)["configurations"]}


def test_in_a_notebook_s_cell_the_pass_goes_back_through_its_lines(
    library: Path, tmp_path: Path
) -> None:
    cell_code = RECORDED.replace("from model import neuron", MODEL)
    kernel = Kernel(tmp_path, PYTHONPATH=str(library))
    with Debugger(kernel) as debugger:
        debugger.start("attach", justMyCode=True)
        cell = Path(debugger.request("dumpCell", code=cell_code)["sourcePath"])
        line = cell_code.splitlines().index("    loss = total * total") + 1
        debugger.break_at(cell, [line])
        kernel.execute(cell_code)
        debugger.go()
        stop = debugger.go()
        assert (stop.top.line, debugger.local_variables()["d_loss"]) == (line, "1.0")
        assert debugger.step_over().top.line == line - 1
        assert debugger.local_variables()["visit"] == "'2 of 2'"
        debugger.finish()


BREAK_ON = """\
from autodiff import Value{imported}

{block}:
    w, x = Value(0.5, "w"), Value(-2.0, "x")
    error = w * x - 1.0
    loss = error * error
error.break_on("backward")
w.break_on("contribution", when="local == -2")
loss.backward()
"""


@pytest.mark.parametrize("is_recorded", [True, False])
def test_break_on_stops_at_the_users_line_in_vs_code_as_it_comes(
    debugger: Debugger, library: Path, tmp_path: Path, is_recorded: bool
) -> None:
    program = tmp_path / "train.py"
    block, imported = (
        ("with record_source()", ", record_source") if is_recorded else ("if True", "")
    )
    program.write_text(BREAK_ON.format(block=block, imported=imported), encoding="utf-8")
    debugger.launch(program, justMyCode=True, env={"PYTHONPATH": str(library)})
    stop = debugger.go()
    made = "error = w * x - 1.0"
    # Without recorded lines, where the breakpoint was set.
    assert stop.place == ("backward", made if is_recorded else 'error.break_on("backward")')
    assert debugger.local_variables()["upstream"] == "-4.0"
    assert debugger.local_variables()["local"] == "(1.0, -1.0)"
    stop = debugger.go()
    assert stop.place == (
        "contribution",
        made if is_recorded else 'w.break_on("contribution", when="local == -2")',
    )
    shown = debugger.local_variables()
    assert [shown[name] for name in ("upstream", "local", "contribution", "sum")] == [
        *("-4.0", "-2.0", "8.0", "8.0")
    ]
    assert shown["parent"].startswith("Value(0.5, 'w', grad=8")
    debugger.finish()
    assert not debugger.output  # as of what changes the trace function of the debugger
    assert debugger.exit_code == 0


def asked_in_a_kernel(library: Path, folder: Path, code: str, allow_stdin: bool) -> str:
    """Return what a kernel that no front end debugs says; it is told to go on where it asks."""
    from jupyter_client.manager import start_new_kernel

    said: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        said.append(message["content"].get("text", ""))

    def answer(message: dict[str, Any]) -> None:
        said.append(message["content"]["prompt"])
        client.input("p upstream" if "-4.0" not in "".join(said) else "c")

    manager, client = start_new_kernel(
        cwd=str(folder), env={**os.environ, "PYTHONPATH": str(library)}
    )
    try:
        reply = client.execute_interactive(
            code, allow_stdin=allow_stdin, stdin_hook=answer, output_hook=hear, timeout=60
        )
        assert reply["content"]["status"] == "ok", reply["content"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return "".join(said)


def test_in_a_notebook_without_a_debugger_break_on_opens_pdb_in_the_cell(
    library: Path, tmp_path: Path
) -> None:
    code = BREAK_ON.format(block="with record_source()", imported=", record_source")
    code = code.replace('w.break_on("contribution", when="local == -2")\n', "")
    said = asked_in_a_kernel(library, tmp_path, code, allow_stdin=True)
    assert "backward" in said
    # Prompts and what is printed come over two sockets, in any order.
    assert "ipdb> " in said
    assert "\n-4.0\n" in said.replace("ipdb> ", "\n")


def test_where_a_notebook_can_ask_for_nothing_break_on_says_so(
    library: Path, tmp_path: Path
) -> None:
    code = BREAK_ON.format(block="if True", imported="")
    said = asked_in_a_kernel(library, tmp_path, code, allow_stdin=False)
    assert "break_on cannot stop here: what runs this notebook can ask for no input" in said


def test_the_picture_in_the_docs_shows_what_the_debugger_says(
    library: Path, tmp_path: Path
) -> None:
    assert PICTURE.read_text(encoding="utf-8") == drawn(moment_in(tmp_path, library))


CONDITIONS = """\
from autodiff import Value, record_source

def squared(v, row):
    for k in range(3):
        y = v * row[0]
    return y * y

with record_source():
    w = Value(0.5)
    loss = w * 0.0
    for i, row in enumerate([(1.0, None), (2.0, None), (3.0, None)]):
        loss = loss + squared(w, row)
i, row = 9, "of the end"
loss.backward()
print(w.grad)
"""


def test_a_condition_is_about_the_visit_and_no_name_is_that_of_the_end(
    debugger: Debugger, library: Path, tmp_path: Path
) -> None:
    program = tmp_path / "train.py"
    program.write_text(CONDITIONS, encoding="utf-8")
    added, called = at(program, "loss = loss + squared"), at(program, "y = v * row[0]")
    debugger.launch(program, justMyCode=True, env={"PYTHONPATH": str(library)})
    condition = "'d_loss' in dir() and i == 1"
    inner = "'d_y' in dir() and k == 2 and row == (1.0, None)"
    debugger.break_at(
        program, [Breakpoint(added, condition=condition), Breakpoint(called, condition=inner)]
    )
    stop = debugger.go()
    assert stop.top.line == added
    shown = debugger.local_variables()
    assert (shown["i"], shown["row"], shown["visit"]) == ("1", "(2.0, None)", "'2 of 3'")
    assert not [name for name in shown if name.startswith("__")]
    stop = debugger.go()
    assert stop.top.line == called
    shown = debugger.local_variables()
    assert (shown["k"], shown["row"]) == ("2", "(1.0, None)")
    assert debugger.evaluate("i") == "0"  # of the module, as it was
    debugger.finish()
    # d/dw of (1 + 4 + 9) w²
    assert debugger.output == f"{2.0 * 14.0 * 0.5}\n"


def test_setting_the_next_statement_in_the_backward_pass_is_told(
    debugger: Debugger, library: Path, recorded: Path
) -> None:
    code = recorded.read_text(encoding="utf-8").replace(
        "loss.backward()", "try:\n    loss.backward()\nexcept RuntimeError as e:\n    print(e)"
    )
    recorded.write_text(code, encoding="utf-8")
    debugger.launch(recorded, justMyCode=True, env={"PYTHONPATH": str(library)})
    debugger.break_at(recorded, [at(recorded, "loss = total * total")])
    debugger.go()
    debugger.go()
    line = at(recorded, "total = w * 0.0")
    assert debugger.jump_to(recorded, line).top.line == line
    debugger.break_at(recorded, [])
    debugger.finish()
    assert f"a debugger has jumped to line {line}" in debugger.output
    assert debugger.output.endswith("0.0\n")  # w.grad
