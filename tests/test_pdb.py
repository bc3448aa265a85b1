"""Stepping in Python's debugger, on every version of it: a backward pass, and a compiled program.

That the docs show a compiled program's session word for word, ``tests/test_documents.py`` checks.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from autodiff import Value, chain_rules
from autodiff.ops.operation import chain_rule_by_partials
from tests.documents import PROMPT, ROOT, parse, run_python, session

DOCUMENT = parse(ROOT / "docs" / "compile.md")

# d y/d z = 1 - tanh(0.25)**2, which w gets 3 times.
LESSON = """\
import autodiff
from autodiff import Value

w, x, b = Value(0.5, "w"), Value(3.0, "x"), Value(-1.25, "b")
y = (w * x + b).tanh()
y.backward()
print(w.grad)
"""

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


# ``> train.py(6)<module>()`` and the line below it.
PLACE = re.compile(
    r"^> (?P<file>.+)\(\d+\)(?P<function>[\w<>]+)\(\)(->.*)?\n-> (?P<code>.*)$", re.M
)


def in_short(answer: str) -> str:
    """Return what pdb says, a place as its file, function and line of code.

    >>> in_short("--Call--\\n> /lab/train.py(6)step()\\n-> y.backward()\\n")
    'Call train.py step: y.backward()'
    """
    place = PLACE.search(answer)
    if place is None:
        return re.sub(r"^(Breakpoint \d+) at .*$", r"\1", answer.strip())
    event = re.match("--(Call|Return)--\n", answer)
    file, function, code = Path(place["file"]).name, place["function"], place["code"]
    return f"{event[1] + ' ' if event else ''}{file} {function}: {code}"


def check_session(program: str, folder: Path, *exchange: tuple[str, str]) -> None:
    """Assert that pdb answers each command in that way, from a program's first line on."""
    typed = "".join(f"{PROMPT}{command}\n" for command, _ in exchange)
    shown = session(program, f"$ python -m pdb train.py\n{typed}{PROMPT}q\n", folder)
    _, *answers = shown.split(PROMPT)
    told = [(answer.partition("\n")[0], in_short(answer.partition("\n")[2])) for answer in answers]
    assert told[:-1] == list(exchange)


def line_of(function: Callable[..., Any], text: str) -> tuple[int, str]:
    """Return the number of the one line of a function that has a text in it, and the line."""
    lines, first = inspect.getsourcelines(function)
    (found,) = [(place, line.strip()) for place, line in enumerate(lines, first) if text in line]
    return found


LOOP, LOOP_LINE = line_of(Value.backward, "for node in")
NODE, NODE_LINE = line_of(Value.backward, ".chain_rule(node)")
AT_LOOP, AT_NODE = f"value.py backward: {LOOP_LINE}", f"value.py backward: {NODE_LINE}"
SLOPE = 1.0 - math.tanh(0.25) ** 2


def test_one_steps_from_backward_to_the_loop_and_from_there_into_each_chain_rule(
    tmp_path: Path,
) -> None:
    tanh = "activations.py backward_tanh:"
    added = f"{tanh} x.grad += (1.0 - node.data * node.data) * upstream"
    check_session(
        LESSON,
        tmp_path,
        ("b 6", "Breakpoint 1"),
        ("c", "train.py <module>: y.backward()"),
        ("s", "Call value.py backward: def backward(self, gradient: float = 1.0) -> None:"),
        (f"tbreak {LOOP}", "Breakpoint 2"),
        ("c", AT_LOOP),
        # From node to node, in each of them a step in is the chain rule, ...
        ("n", AT_NODE),
        ("p node.op", "tanh"),
        ("s", f"Call {tanh} def backward_tanh(node: Any) -> None:"),
        ("n", f"{tanh} upstream, (x,) = node.grad, node.parents"),
        ("n", added),
        ("p node, upstream, x", "(Value(0.244919, op=tanh, grad=1), 1.0, Value(0.25, op=add))"),
        # ... which shows a gradient that is not there yet as what it is.
        ("p x.grad", "not computed"),
        ("n", f"Return {added}"),
        ("p x.grad", f"{SLOPE}"),
        ("n", AT_LOOP),
        ("n", AT_NODE),
        ("p node.op", "add"),
        ("n", AT_LOOP),
        ("n", AT_NODE),
        ("p node.op", "mul"),
        ("p [parent.grad for parent in node.parents]", "[not computed, not computed]"),
        ("n", AT_LOOP),
        ("p [parent.grad for parent in node.parents]", f"[{SLOPE * 3.0}, {SLOPE * 0.5}]"),
        ("n", "value.py backward: passes.finish_pass(set_aside)"),
        ("n", "Return value.py backward: passes.finish_pass(set_aside)"),
        ("n", "train.py <module>: print(w.grad)"),
    )


def test_explain_at_a_breakpoint_of_the_pass_knows_that_it_is_running(tmp_path: Path) -> None:
    asked = "__import__('autodiff').explain(node.parents[0], of=self).notes"
    check_session(
        LESSON,
        tmp_path,
        ("import autodiff", ""),
        ("b autodiff.chain_rules.backward_mul", "Breakpoint 1"),
        ("c", "arithmetic.py backward_mul: upstream, (a, b) = node.grad, node.parents"),
        ("u", AT_NODE),
        (
            f"p {asked}",
            "('y.backward() is running: w.grad is not there, and will be "
            f"{3.0 * SLOPE:.6g} once it has its contribution. Go on to the end of the pass',)",
        ),
        ("u", "train.py <module>: y.backward()"),
        ("tbreak 7", "Breakpoint 2"),
        ("c", "train.py <module>: print(w.grad)"),
        ("p w.grad", f"{3.0 * SLOPE}"),
        ("p autodiff.explain(w, of=y).notes", "()"),
    )


def test_explain_at_a_stop_of_break_on_has_the_names_of_the_program_alone(tmp_path: Path) -> None:
    code = (
        "from autodiff import *\n"
        "w = Value(2.0)\n"
        "w.break_on('contribution', when='upstream < limit')\n"
        "limit, square = 10.0, w * w\n"
        "loss = square * w\n"
        "loss.backward()\n"
    )
    exchange = (
        ("p node is loss, limit", "(True, 10.0)"),
        (
            "p explain(w, of=loss).rows[0][:2]",
            "('loss = square * w', 'd loss/d loss × d loss/d w')",
        ),
        ("p explain(w, of=loss).rows[1][0]", "'square = w * w'"),
        # ... and what is called by the debugger's names has its own.
        ("p explain(w, of=node).title", "'d loss/d w = 12'"),
    )
    typed = "".join(f"{PROMPT}{command}\n" for command, _ in exchange)
    shown = session(code, f"$ python train.py\n{typed}{PROMPT}c\n{PROMPT}c\n{PROMPT}c\n", tmp_path)
    _, *answers = shown.split(PROMPT)
    told = [answer.partition("\n")[2].strip() for answer in answers]
    assert told[: len(exchange)] == [answer for _, answer in exchange]


def test_a_breakpoint_by_file_and_line_stops_in_a_chain_rule(tmp_path: Path) -> None:
    line, _ = line_of(chain_rules.backward_mul, "a.grad +=")
    check_session(
        LESSON,
        tmp_path,
        (f"b autodiff/chain_rules/arithmetic.py:{line}", "Breakpoint 1"),
        ("c", "arithmetic.py backward_mul: a.grad += b.data * upstream"),
        ("p a, a.grad", "(Value(0.5, 'w'), not computed)"),
        ("n", "arithmetic.py backward_mul: b.grad += a.data * upstream"),
        ("p a.grad", f"{SLOPE * 3.0}"),
    )


def test_a_breakpoint_by_the_functions_name_stops_in_a_chain_rule(tmp_path: Path) -> None:
    check_session(
        LESSON,
        tmp_path,
        ("import autodiff", ""),
        ("b autodiff.chain_rules.backward_mul", "Breakpoint 1"),
        ("c", "arithmetic.py backward_mul: upstream, (a, b) = node.grad, node.parents"),
        ("p node.grad", f"{SLOPE}"),
    )


def test_one_steps_into_a_rule_of_ones_own_in_ones_own_file(tmp_path: Path) -> None:
    added, _ = line_of(chain_rule_by_partials, "parent.grad +=")
    rule = "operation.py chain_rule_by_partials:"
    check_session(
        OWN_OPERATION,
        tmp_path,
        ("b 15", "Breakpoint 1"),
        ("c", "train.py <module>: y.backward()"),
        ("s", "Call value.py backward: def backward(self, gradient: float = 1.0) -> None:"),
        (f"tbreak {NODE}", "Breakpoint 2"),
        ("c", AT_NODE),
        ("s", f"Call {rule} def chain_rule_by_partials(node: Any) -> None:"),
        ("s", f"{rule} upstream, op = node.grad, node.origin.op"),
        ("s", f"{rule} partials = op.partials(node.data, *map(number_of, node.parents))"),
        ("s", "Call train.py cube_partials: def cube_partials(out, x):"),
        ("s", "train.py cube_partials: return (3.0 * x * x,)"),
        ("p out, x", "(8.0, 2.0)"),
        ("r", "Return train.py cube_partials: return (3.0 * x * x,)"),
        (f"tbreak autodiff/ops/operation.py:{added}", "Breakpoint 3"),
        ("c", f"{rule} parent.grad += local * upstream"),
        ("p parent.grad, local, upstream", "(not computed, 12.0, 1.0)"),
    )


STEPS = """\
from autodiff import Value, backward_steps

w, x = Value(0.5, "w"), Value(3.0, "x")
for step in backward_steps(w * x):
    pass
"""


def test_p_step_is_the_chain_rule(tmp_path: Path) -> None:
    chain_rule = "d v3/d w += d v3/d v3 × d v3/d w = 1 × 3 = 3  (sum 3; v3 = w * x)"
    check_session(
        STEPS,
        tmp_path,
        ("b 5", "Breakpoint 1"),
        ("c", "train.py <module>: pass"),
        ("p step", chain_rule),
        ("p step.upstream, step.local", "(1.0, 3.0)"),
        ("p w", "Value(0.5, 'w', grad=3)"),
    )


# A program; the line at which a post-mortem opens it; what is to be seen there, and how.
ANOMALIES = [
    (
        "x = Value(1.0)\n    y = x - 1.0\n    z = y.log() * 2.0",
        *("z = y.log() * 2.0", "y", "Value(0, 'y', op=sub, train.py:4)"),
    ),
    (
        "x = Value(0.0)\n    distance = x.sqrt()\n    (distance * 3.0).backward()",
        *("distance = x.sqrt()", "x, upstream, local", "(Value(0, 'x', train.py:3), 3.0, inf)"),
    ),
    (
        "x = Value(3.0)\n    loss = x * x\n    x.data = 2.0\n    loss.backward()",
        *("loss = x * x", "node", "Value(9, 'loss', op=mul, train.py:4)"),
    ),
]


@pytest.mark.parametrize(("program", "code", "asked", "answer"), ANOMALIES)
def test_a_post_mortem_of_an_anomaly_opens_at_the_line_that_made_the_node(
    program: str, code: str, asked: str, answer: str, tmp_path: Path
) -> None:
    program = f"from autodiff import Value, detect_anomaly\nwith detect_anomaly():\n    {program}\n"
    # What post_mortem() opens, without the session around it that each Python words differently.
    opened = """\
import pdb, runpy, sys
try:
    runpy.run_path("train.py")
except ArithmeticError as error:
    pdb.post_mortem(error.__traceback__)
"""
    (tmp_path / "opened.py").write_text(opened, encoding="utf-8")
    (tmp_path / "train.py").write_text(program, encoding="utf-8")
    output = run_python(["opened.py"], tmp_path, f"p {asked}\nq\n", HOME=str(tmp_path))
    place, said, _ = output.split(PROMPT)
    assert in_short(place).partition(": ")[2] == code
    assert "train.py(" in place
    assert said.strip() == answer


def test_a_debugger_shows_lines_names_and_numbers_of_a_programs_forward_and_backward(
    tmp_path: Path,
) -> None:
    (shown,) = [block for block in DOCUMENT.blocks if block.kind == "pdb"]
    (script,) = [
        block.text
        for block, following in pairwise(DOCUMENT.blocks)
        if block.kind == "python" and following is shown
    ]
    seen = session(script, shown.text, tmp_path)
    # In this order, whatever the Python's pdb puts between.
    for part in (
        "-> program()",
        "<program for y 1>",
        "step()\n-> (w, x, b) = parameters\n",
        "# ---- forward",
        "-> v4 = w * x  # v4 = w * x\n",
        "-> z = v4 + b  # z = v4 + b\n",
        "-> y = tanh(z)  # y = tanh(z)\n",
        "(Pdb) p z, y\n(1.0, 0.7615941559557649)\n",
        "-> d_z = t8  # d y/d z = d y/d y × d y/d z\n",
        "-> d_w = x * d_v4  # d y/d w = d y/d v4 × d v4/d w\n",
        "(Pdb) p d_w\n0.8399486832280523\n",
    ):
        assert part in seen
        seen = seen.partition(part)[2]


# ---- Backward through one's own lines -------------------------------------------------------

RECORDED = """\
from autodiff import Value, record_source

def neuron(w, x, b):
    z = w * x + b
    return z.tanh()

with record_source():
    w, x, b = Value(0.5), Value(3.0), Value(-1.25)
    y = neuron(w, x, b)
    loss = y * 2.0
loss.backward()
print(w.grad)
"""


def test_a_breakpoint_stops_in_both_passes_and_next_goes_back_through_the_program(
    tmp_path: Path,
) -> None:
    check_session(
        RECORDED,
        tmp_path,
        ("b 10", "Breakpoint 1"),
        ("c", "train.py <module>: loss = y * 2.0"),
        ("p w.grad", "not computed"),
        ("c", "train.py <module>: loss = y * 2.0"),
        ("p d_loss, y", "(1.0, Value(0.244919, 'y', op=tanh, train.py:5))"),
        ("n", "train.py <module>: y = neuron(w, x, b)"),
        ("p d_y", "2.0"),
        ("n", "train.py <module>: w, x, b = Value(0.5), Value(3.0), Value(-1.25)"),
        ("p d_w == w.grad == 6.0 * (1.0 - y.data * y.data)", "True"),
        ("n", "Return train.py <module>: w, x, b = Value(0.5), Value(3.0), Value(-1.25)"),
        # From there on no line of the library's.
        ("n", "train.py <module>: print(w.grad)"),
    )


def test_a_breakpoint_in_a_function_stops_in_its_frame_of_the_backward_pass(
    tmp_path: Path,
) -> None:
    check_session(
        RECORDED,
        tmp_path,
        ("b 5", "Breakpoint 1"),
        ("c", "train.py neuron: return z.tanh()"),
        ("c", "train.py neuron: return z.tanh()"),
        ("p d_y, z", "(2.0, Value(0.25, 'z', op=add, train.py:4))"),
        ("n", "train.py neuron: z = w * x + b"),
        ("p d_z", f"{2.0 * SLOPE}"),
        (
            "p [name for name in dir() if name[0] != '_']",
            "['b', 'd_loss', 'd_y', 'd_z', 'loss', 'w', 'x', 'y', 'z']",
        ),
        ("r", "Return train.py neuron: z = w * x + b"),
        ("p d_w", f"{6.0 * SLOPE}"),
    )


def test_step_enters_a_function_of_the_programs_and_never_one_of_the_librarys(
    tmp_path: Path,
) -> None:
    check_session(
        RECORDED,
        tmp_path,
        ("b 9", "Breakpoint 1"),
        ("c", "train.py <module>: y = neuron(w, x, b)"),
        ("c", "train.py <module>: y = neuron(w, x, b)"),
        ("s", "Call train.py neuron: def neuron(w, x, b):"),
        ("s", "train.py neuron: return z.tanh()"),
        ("s", "train.py neuron: z = w * x + b"),
        ("s", "Return train.py neuron: z = w * x + b"),
        ("s", "train.py <module>: w, x, b = Value(0.5), Value(3.0), Value(-1.25)"),
        ("s", "Return train.py <module>: w, x, b = Value(0.5), Value(3.0), Value(-1.25)"),
        ("s", "train.py <module>: print(w.grad)"),
    )


OWN_RULE = (
    OWN_OPERATION.replace("import Value", "import Value, record_source")
    .replace("x = Value", "with record_source():\n    x = Value")
    .replace("y = Value", "    y = Value")
)


def test_a_breakpoint_in_a_rule_of_ones_own_stops_in_it_meanwhile(tmp_path: Path) -> None:
    check_session(
        OWN_RULE,
        tmp_path,
        ("b 10", "Breakpoint 1"),
        ("c", "train.py cube_partials: return (3.0 * x * x,)"),
        ("p out, x", "(8.0, 2.0)"),
    )


def test_quitting_in_the_backward_pass_leaves_every_gradient_as_it_was(tmp_path: Path) -> None:
    backward = "loss.backward()"
    caught = (
        f"import bdb\ntry:\n    {backward}\nexcept bdb.BdbQuit:\n    print('left:', w.has_grad)"
    )
    typed = "".join(f"{PROMPT}{command}\n" for command in ("b 9", "c", "c", "q"))
    program = RECORDED.replace(backward, caught)
    shown = session(program, f"$ python -m pdb train.py\n{typed}", tmp_path)
    assert "left: False\n" in shown


LOOP_OF_ROWS = """\
from autodiff import Value, record_source

def error_of(w, row):
    for k in range(2):
        y = w * row[k]
        z = y.tanh()
    return z

with record_source():
    w = Value(0.5)
    loss = w * 0.0
    for i, row in enumerate([(1.0, 2.0), (3.0, 4.0)]):
        rate = i / 10.0
        loss = loss + error_of(w, row)
i, row, rate = 9, "of the end", None
loss.backward()
print(w.grad)
"""


def test_names_and_conditions_are_those_of_the_visit(tmp_path: Path) -> None:
    added, squashed = "loss = loss + error_of(w, row)", "train.py error_of: z = y.tanh()"
    check_session(
        LOOP_OF_ROWS,
        tmp_path,
        ("b 16", "Breakpoint 1"),
        ("c", "train.py <module>: loss.backward()"),
        # Of two visits each, the one at which the condition is true.
        ("b 14, i == 0", "Breakpoint 2"),
        ("b 6, k == 1 and row == (1.0, 2.0)", "Breakpoint 3"),
        ("c", f"train.py <module>: {added}"),
        ("p i, row, rate, visit", "(0, (1.0, 2.0), 0.0, '1 of 2')"),
        ("c", squashed),
        ("p k, row, i, rate", "(1, (1.0, 2.0), 0, 0.0)"),
        ("p dir()", "['d_w', 'd_z', 'k', 'row', 'visit', 'w', 'y', 'z']"),
    )


JUMPED = """\
from autodiff import Value, record_source

with record_source():
    w = Value(2.0)
    y = w * 3.0
    z = y * w
    loss = z * z
w.grad = 7.0
try:
    loss.backward()
except RuntimeError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("commands", "told"),
    [
        (("j 5", "c"), "has jumped to line 5,"),
        (("n", "n", "j 7", "c"), "has jumped to line 7,"),
        (("n", "n", "n", "j 5", "c"), "has jumped to line 5,"),
    ],
)
def test_a_jump_in_the_backward_pass_is_told_and_leaves_every_gradient_as_it_was(
    tmp_path: Path, commands: tuple[str, ...], told: str
) -> None:
    typed = "".join(f"{PROMPT}{command}\n" for command in ("b 7", "b 12", "c", "c", *commands))
    asked = f"{typed}{PROMPT}p str(error)\n{PROMPT}p w.grad, z.has_grad\n{PROMPT}q\n"
    shown = session(JUMPED, f"$ python -m pdb train.py\n{asked}", tmp_path)
    assert told in shown
    assert "The pass was undone, and every gradient is as it was" in shown
    assert "(7.0, False)" in shown


HOOK = """\
from autodiff import Value{imported}

def refuse(gradient):
    raise ValueError("refused")

def train():
    with {block}:
        w = Value(2.0)
        y = w * 3.0
        loss = y * y
    y.register_hook(refuse)
    loss.backward()

train()
"""
RECORDING = {"imported": ", record_source", "block": "record_source()"}
PLAIN = {"imported": "\nfrom contextlib import nullcontext", "block": "nullcontext()"}


@pytest.mark.parametrize("how", [RECORDING, PLAIN], ids=["recorded", "plain"])
def test_after_an_error_of_a_hook_next_leads_to_the_users_line(
    tmp_path: Path, how: dict[str, str]
) -> None:
    code = HOOK.format(**how)
    raised = 'train.py refuse: raise ValueError("refused")'
    line = [each.strip() for each in code.splitlines()].index('raise ValueError("refused")') + 1
    typed = "".join(f"{PROMPT}{command}\n" for command in (f"b {line}", "c", "n", "n", "n", "q"))
    shown = session(code, f"$ python -m pdb train.py\n{typed}", tmp_path)
    _, *answers = shown.split(PROMPT)
    told = [in_short(answer.partition("\n")[2]) for answer in answers]
    assert told[1:5] == [
        *(raised, raised, f"Return {raised}"),
        "train.py train: loss.backward()",
    ]


BREAK_ON = """\
from autodiff import Value{imported}

limits = [1.0, 5.0]
with {block}:
    w = Value(2.0)
    y = w * 3.0
    loss = y * y
y.break_on("backward", when="any(upstream > each for each in limits)")
loss.backward()
print(w.grad)
"""


@pytest.mark.parametrize("how", [RECORDING, PLAIN], ids=["recorded", "plain"])
def test_from_a_stop_of_break_on_next_leads_to_the_users_lines(
    tmp_path: Path, how: dict[str, str]
) -> None:
    code = BREAK_ON.format(**how)
    commands = ("p upstream, limits", "n", "n", "n")
    typed = "".join(f"{PROMPT}{command}\n" for command in commands)
    shown = session(code, f"$ python train.py\n{typed}{PROMPT}c\n", tmp_path)
    first, *answers = shown.split(PROMPT)
    stop = "y = w * 3.0" if how is RECORDING else code.splitlines()[-3]
    assert in_short(first.partition("\n")[2]) == f"train.py backward: {stop}"
    told = [in_short(answer.partition("\n")[2]) for answer in answers]
    assert told.pop(0) == "(12.0, [1.0, 5.0])"
    # From Python 3.13 on it opens at the first of two stops at the line.
    assert told[told[0].startswith("train.py backward") :][:2] == [
        f"Return train.py backward: {stop}",
        "train.py <module>: print(w.grad)",
    ]


def test_a_breakpoint_in_the_library_is_not_passed_over(tmp_path: Path) -> None:
    commands = ("from autodiff.support import passes", "b passes.finish_pass", "c", "c")
    typed = "".join(f"{PROMPT}{command}\n" for command in commands)
    shown = session(BREAK_ON.format(**PLAIN), f"$ python train.py\n{typed}", tmp_path)
    assert "> autodiff/support/passes.py" in shown.replace(f"{ROOT}/", "")
    assert "finish_pass()\n-> if not set_aside:\n" in shown


@pytest.mark.parametrize(
    "tool", [("trace", "--count", "-C", "counts"), ("coverage", "run", "--branch")]
)
def test_what_traces_lines_without_being_a_debugger_gets_the_plain_pass(
    tmp_path: Path, tool: tuple[str, ...]
) -> None:
    pytest.importorskip(tool[0])
    code = RECORDED.replace(
        "loss.backward()",
        "from autodiff.support import watch\nwatch.walk_through = None\nloss.backward()",
    )
    (tmp_path / "train.py").write_text(code, encoding="utf-8")
    output = run_python(["-m", *tool, "train.py"], tmp_path, "", HOME=str(tmp_path))
    assert output.splitlines()[0] == f"{6.0 * SLOPE}"
