"""What is said about a student's mistakes, and that it is enough to mend them.

Each program of the table is run.  What is said names the thing, the line and the cure; once the
cure is carried out in the program, that is not said any more.
"""

from __future__ import annotations

import contextlib
import io
import runpy
from pathlib import Path

import pytest

from tests.mistakes import MARK, MISTAKES, Mistake

IDS = [mistake.name for mistake in MISTAKES]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def said_by(program: str) -> str:
    """Run a program, and return the notes that it prints, or its error."""
    path = Path.cwd() / "train.py"
    path.write_text(program, encoding="utf-8")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            runpy.run_path(str(path))
        except TypeError as error:
            return str(error)
    return "\n".join(line for line in printed.getvalue().splitlines() if line.startswith("! "))


def test_there_are_twenty_and_more() -> None:
    assert len(set(IDS)) == len(IDS) >= 20


@pytest.mark.parametrize("mistake", MISTAKES, ids=IDS)
def test_a_mistake_is_told_with_the_thing_the_line_and_the_cure(mistake: Mistake) -> None:
    said = said_by(mistake.program)
    lines = mistake.marked.splitlines()
    (line,) = [number for number, text in enumerate(lines, 1) if MARK in text]
    cure = lines[line - 1].partition(MARK)[2]
    for part in mistake.says:
        assert part.replace("{line}", str(line)).replace("{cure}", cure) in said


@pytest.mark.parametrize("mistake", MISTAKES, ids=IDS)
def test_once_it_is_mended_as_told_nothing_of_it_is_said(mistake: Mistake) -> None:
    said = said_by(mistake.mended)
    assert mistake.says[0] not in said


RIGHT = """from autodiff import *

class Net:
    def __init__(self):
        self.w, self.b = Value(1.0, "w"), Value(0.5, "b")
    def parameters(self):
        return [self.w, self.b]

net, x, lr, velocity, total = Net(), Value(3.0, "x"), 0.01, [0.0, 0.0], 0.0
rows = [1.0, 2.0]
for epoch in range(3):
    loss = (net.w * x + net.b - 1.0) ** 2
    loss.label = "loss"
    for p in (net.w, net.b, x):
        p.zero_grad()
    loss.backward()
{update}
print(explain({asked}, of=loss))
"""


@pytest.mark.parametrize("asked", ["net.w", "x"])
@pytest.mark.parametrize(
    "update",
    [
        # The number in place, in other words.
        "    for p in net.parameters():\n        number = p.data - lr * p.grad\n"
        "        p.data = number",
        "    for p in net.parameters():\n        step = -lr * p.grad\n        p.data += step",
        "    for p in net.parameters():\n        d = p.data\n        d -= lr * p.grad\n"
        "        p.data = d",
        # Momentum, a norm of the gradients, and sums of them, are no updates.
        "    for i, p in enumerate(net.parameters()):\n"
        "        velocity[i] = 0.9 * velocity[i] + p.grad\n"
        "        p.data -= lr * velocity[i]",
        "    for i, p in enumerate(net.parameters()):\n        v = velocity[i]\n"
        "        v = 0.9 * v + p.grad\n        velocity[i] = v\n        p.data -= lr * v",
        "    for i, p in enumerate(net.parameters()):\n        velocity[i] += p.grad\n"
        "        p.data -= lr * velocity[i]",
        "    for p in net.parameters():\n        total += p.grad ** 2\n"
        "        p.data -= lr * p.grad",
        # Neither is what a loop does with numbers of its own.
        "    for row in rows:\n        row -= 1.5\n    net.w.data -= lr * net.w.grad",
    ],
)
def test_nothing_of_a_lost_update_is_said_where_there_is_none(update: str, asked: str) -> None:
    said = said_by(RIGHT.format(update=update, asked=asked))
    assert "never changed" not in said
    assert "not changed" not in said


def test_nothing_of_a_lost_update_is_said_of_what_is_not_in_that_loop() -> None:
    update = "    for p in net.parameters():\n        p -= lr * p.grad"
    assert "never changed" in said_by(RIGHT.format(update=update, asked="net.w"))
    assert "never changed" not in said_by(RIGHT.format(update=update, asked="x"))


@pytest.mark.parametrize("used", ["x", "x.detach()"])
@pytest.mark.parametrize(
    "update",
    [
        "w = w - 0.1 * w.grad",
        "ws = [p - 0.1 * p.grad for p in ws]",
        "for p in ws:\n        p = p - 0.1 * p.grad\n        ws = [p]",
    ],
)
def test_what_another_variable_s_update_does_is_not_said_of_one_that_has_none(
    update: str, used: str
) -> None:
    program = (
        "from autodiff import *\nw, x = Value(1.0, 'w'), Value(2.0, 'x')\nws = [w]\n"
        f"for epoch in range(2):\n    loss = (w + ws[0]) * {used}\n    loss.backward()\n"
        f"    {update}\nprint(explain(x, of=loss))\n"
    )
    assert "0.1 *" not in said_by(program)


def test_of_several_lost_updates_the_one_that_ran_last_is_told() -> None:
    loop = "loss = w * 3.0\nloss.backward()\nfor p in [w]:\n    p -= {rate} * p.grad\n"
    ask = "print(explain(w, of=loss))\n"
    steps = [loop.format(rate=0.1), ask, loop.format(rate=0.2), ask, loop.format(rate=0.3)]
    program = "".join(["from autodiff import *\nw = Value(1.0, 'w')\n", *steps])
    told = [line for line in said_by(program).splitlines() if "never changed" in line]
    assert [line.partition(" -= ")[2][:3] for line in told] == ["0.1", "0.2"]


def test_of_lines_that_have_not_run_yet_nothing_is_said() -> None:
    lesson = (
        "from autodiff import *\n{w} = Value(-1.0, 'w')\nloss = ({w} * 2.0).relu()\n"
        "loss.backward()\nprint(explain({w}, of=loss))\n{w}.data = 0.7\n"
    )
    later = (
        "ws = [Value(1.0), Value(2.0)]\nfor epoch in range(3):\n"
        "    loss = (ws[0] + ws[1] - 1.0) ** 2\n    loss.backward()\n"
        "    {update}\n"
    )
    for update in ("for p in ws: p -= 0.1 * p.grad", "ws = [p - 0.1 * p.grad for p in ws]"):
        for w in ("w", "p"):  # which is also what that line calls another
            said = said_by(lesson.format(w=w) + later.format(update=update))
            assert "relu is dead" in said
            assert "0.1 *" not in said


RIGHT_PROGRAMS = {
    "an input made anew": """
w = Value(1.0, "w")
for epoch in range(3):
    x = Value(2.0, "x")
    loss = (w * x - 1.0) ** 2
    w.zero_grad()
    loss.backward()
    w.data -= 0.05 * w.grad
print(explain(w, of=loss), explain(x, of=loss), sep="\\n")
""",
    "several rates": """
for lr in (0.01, 0.02):
    w = Value(1.0, "w")
    for epoch in range(3):
        loss = (w * 2.0 - 1.0) ** 2
        w.zero_grad()
        loss.backward()
        w.data -= lr * w.grad
print(explain(w, of=loss))
""",
    "an optimizer": """
import nn
model = nn.MLP(2, [2, 1], rng=1, activation="tanh")
before = model((0.5, 1.0))
optimizer = nn.SGD(model.parameters(), lr=0.01)
for epoch in range(3):
    loss = nn.mse_loss([model((0.5, 1.0))], [1.0])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(explain(model.parameters()[0], of=loss))
""",
    "two optimizers": """
import nn
one, other = (nn.MLP(1, [1], rng=seed) for seed in (1, 2))
first, second = nn.SGD(one.parameters(), lr=0.01), nn.SGD(other.parameters(), lr=0.01)
for epoch in range(3):
    loss = nn.mse_loss([other([one([0.5])])], [1.0])
    for optimizer in (first, second):
        optimizer.zero_grad()
    loss.backward()
    first.step()
    second.step()
print(explain(one.parameters()[0], of=loss), explain(other.parameters()[0], of=loss), sep="\\n")
""",
    "a minimum": """
w = Value(1.0, "w")
for epoch in range(200):
    loss = (w - 1e-3) ** 2
    w.zero_grad()
    loss.backward()
    w.data -= 0.25 * w.grad
print(explain(w, of=loss))
""",
    "a loss to compare with": """
w = Value(1.0, "w")
first = (w * 2.0 - 1.0) ** 2
first.backward()
for epoch in range(3):
    loss = (w * 2.0 - 1.0) ** 2
    w.zero_grad()
    loss.backward()
    w.data -= 0.05 * w.grad
print(explain(w, of=first), explain(w, of=loss), sep="\\n")
""",
    "the update at the begin of the next round": """
w = Value(1.0, "w")
loss = (w * 2.0 - 1.0) ** 2
loss.backward()
for epoch in range(3):
    w.data -= 0.05 * w.grad
    w.zero_grad()
    loss = (w * 2.0 - 1.0) ** 2
    loss.backward()
    print(explain(w, of=loss))
w.data -= 0.05 * w.grad
print(explain(w, of=loss))
""",
    "functions": """
def step(parameters, lr):
    for p in parameters:
        p.data -= lr * p.grad
        p.zero_grad()
def loss_of(w):
    return (w * 2.0 - 1.0) ** 2
w = Value(1.0, "w")
for epoch in range(3):
    loss = loss_of(w)
    loss.backward()
    print(explain(w, of=loss))
    step([w], 0.05)
""",
}


@pytest.mark.parametrize("recorder", ["if True", "with record_source()"])
@pytest.mark.parametrize("name", RIGHT_PROGRAMS)
def test_of_a_right_program_only_that_numbers_have_changed_is_said(
    name: str, recorder: str
) -> None:
    body = "".join(f"    {line}\n" for line in RIGHT_PROGRAMS[name].strip().splitlines())
    said = said_by(f"from autodiff import *\n{recorder}:\n{body}").splitlines()
    true = ("run the forward pass again", "computed before that", "no name of its", "= 0 at")
    of_another_loss = "another pass has run since"
    assert [
        note for note in said if not any(each in note for each in (*true, of_another_loss))
    ] == []
