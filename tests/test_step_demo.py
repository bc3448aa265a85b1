"""``python -m demos.step``: in a pseudo-terminal, line by line, and with a user's own file."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from autodiff import Trace, Value, record_epochs, record_source
from demos.lab import LAB
from demos.one_row import lab_model, one_row_loss
from demos.step import main, plain_text, trace_of_file, write_page
from tests.demo_commands import called
from tests.told_graph import data_of

ROOT = Path(__file__).resolve().parent.parent

MINE = """
from autodiff import Value

w, x, b = Value(0.5), Value(-2.0), Value(1.0)
h = (w * x + b).tanh()
loss = (h + w) ** 2 + (w - b).relu()
"""


def run_plain(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the demo where the output is no terminal."""
    return called(main, *arguments)


def run_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "demos.step", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A file of the user's own that defines `loss`."""
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


# ---- Line by line ---------------------------------------------------------------------------


def test_where_the_output_is_no_terminal_it_prints_the_steps_line_by_line() -> None:
    run = run_process()
    assert (run.returncode, run.stderr) == (0, "")
    assert "\x1b" not in run.stdout
    lines = run.stdout.splitlines()
    assert lines[0] == "loss.backward(): 28 steps, from d loss/d loss = 1"
    assert lines[2] == "loss = error**2 = 0.346821"
    numbered = [line for line in lines if re.match(r" *\d+  d ", line)]
    assert [int(line.split()[0]) for line in numbered] == list(range(1, 29))
    assert "h[0] = sigmoid(z[0]) = 0.265027" in lines


def test_the_gradients_it_prints_are_those_of_the_lab_s_network() -> None:
    model = lab_model()
    one_row_loss(model, LAB.x[2], LAB.y[2]).backward()
    printed = dict(
        line.split() for line in run_plain("--row", "3").stdout.split("variables:")[1].splitlines()
        if line.strip()
    )  # fmt: skip
    assert printed == {
        path: f"{parameter.grad + 0.0:.6g}" for path, parameter in model.named_parameters()
    }


def test_the_sum_so_far_is_told_from_the_second_use_on() -> None:
    x = Value(3.0, "x")
    lines = plain_text(Trace(x * x + x)).splitlines()
    assert [line for line in lines if "d x += " in line or "d x = " in line] == [
        "2  d v3/d x += d v3/d v3 × d v3/d x = 1 × 1 = 1",
        "3  d v3/d x += d v3/d v2 × d v2/d x = 1 × 3 = 3    (sum so far 4)",
        "4  d v3/d x += d v3/d v2 × d v2/d x = 1 × 3 = 3    (sum so far 7)",
    ]
    assert lines[-1] == "    x  7"


@pytest.mark.parametrize("row", ["5", "0", "x"])
def test_a_row_that_is_not_there_is_refused(row: str) -> None:
    run = run_plain("--row", row)
    assert run.returncode == 2
    assert "--row" in run.stderr


# ---- A file of the user's own ---------------------------------------------------------------


def test_a_file_that_defines_loss_is_shown_with_the_names_of_its_variables(mine: Path) -> None:
    run = run_plain(str(mine))
    assert run.returncode == 0
    assert "h = tanh(v5) = 0\n" in run.stdout
    # relu did not take w - b, so that passes nothing on: w has two uses left, and b one.
    assert "d loss/d v9 += nothing: v10 did not take v9\n" in run.stdout
    assert "10  d loss/d w += d loss/d v4 × d v4/d w = 1 × -2 = -2    (sum so far -1)" in run.stdout
    assert run.stdout.endswith("    w  -1\n    x  0.5\n    b  1\n")


def test_a_program_that_ends_with_sys_exit_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(
        "import sys\n"
        "from autodiff import Value\n"
        "def main():\n"
        "    w = Value(1.0, 'w')\n"
        "    (w * 2.0).backward()\n"
        "    return 0\n"
        "if __name__ == '__main__':\n"
        "    sys.exit(main())\n",
        encoding="utf-8",
    )
    # d(2w)/dw = 2
    assert plain_text(trace_of_file(path).trace).endswith("gradients of the variables:\n    w  2")


@pytest.mark.thorough
def test_a_loss_that_is_there_when_sys_exit_ends_the_program_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(
        "import sys\nfrom autodiff import Value\nw = Value(3.0)\nloss = w * w\nsys.exit(3)\n"
    )
    run = run_plain(str(path))
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.endswith("gradients of the variables:\n    w  6\n")  # d(w*w)/dw = 2w


def test_of_a_program_that_fails_what_it_did_before_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(
        "from autodiff import Value\n"
        "w = Value(2.0)\n"
        "for epoch in range(5):\n"
        "    loss = w * w\n"
        "    w.zero_grad()\n"
        "    loss.backward()\n"
        "    if epoch == 3: w.nothing_of_that_name\n"
        "    w.data -= 0.25 * w.grad\n"
    )
    run = run_plain(str(path), "--epoch", "3")
    assert run.returncode == 1
    # w is halved in each epoch: 2, 1, 0.5, 0.25; and d(w*w)/dw = 2w.
    assert run.stdout.startswith("epoch 3 of 0 to 3 ")
    assert run.stdout.endswith("gradients of the variables:\n    w  0.5\n")
    told = run.stderr.splitlines()
    assert told[0] == "Traceback (most recent call last):"
    assert "in <module>" in run.stderr
    assert "ended with AttributeError" in told[-1]
    assert "shown is what it did before" in told[-1]


@pytest.mark.thorough
def test_of_a_program_that_fails_its_loss_is_shown_if_there_is_no_more(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text("from autodiff import Value\nw = Value(3.0)\nloss = w * w\nloss / None\n")
    run = run_plain(str(path))
    assert run.returncode == 1
    assert run.stdout.endswith("    w  6\n")
    assert "ended with TypeError" in run.stderr.splitlines()[-1]


def test_a_file_runs_as_a_program_with_its_own_folder_and_arguments(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("NUMBER = 3.0\n")
    path = tmp_path / "program.py"
    path.write_text(
        "import sys\nfrom helper import NUMBER\nfrom autodiff import Value\n"
        "if __name__ == '__main__':\n"
        "    x = Value(NUMBER, str(len(sys.argv)))\n    loss = x * x\n"
    )
    before = list(sys.path), list(sys.argv)
    loss = trace_of_file(path).trace.root
    assert (loss.data, loss.parents[0].label) == (9.0, "1")
    assert (sys.path, sys.argv) == before


def test_a_loss_after_its_own_backward_is_shown_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "done.py"
    path.write_text(MINE + "loss.backward()\n")
    assert plain_text(trace_of_file(path).trace).endswith("    w  -1\n    x  0.5\n    b  1")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no file"),
        ("x = 1\n", "calls no backward() and defines no `loss`"),
        ("loss = 3.0\n", "is the float 3.0, but must be a Value"),
        ("from autodiff.value import constant\nloss = constant(3)\n", "is a constant"),
        ("import nothing_of_that_name\n", "No module named 'nothing_of_that_name'"),
        ("loss = (\n", "SyntaxError"),
    ],
)
def test_a_file_without_a_loss_is_an_error_that_says_what_is_wrong(
    tmp_path: Path, content: str | None, message: str
) -> None:
    path = tmp_path / "mine.py"
    if content is not None:
        path.write_text(content)
    run = run_plain(str(path))
    assert run.returncode == 1
    assert run.stdout == ""
    assert message in run.stderr
    assert "mine.py" in run.stderr


# ---- In a terminal --------------------------------------------------------------------------

ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|[P\]_].*?(\x1b\\|\x07)|[=>()][0-9A-B]?)")


class Terminal:
    """The demo in a pseudo-terminal; what it draws is read without colours and positions."""

    def __init__(self, arguments: tuple[str, ...], columns: int = 80, rows: int = 24) -> None:
        pexpect = pytest.importorskip("pexpect", reason="opens a pseudo-terminal")
        pytest.importorskip("textual", reason="draws the screen")
        if not hasattr(pexpect, "spawn"):
            pytest.skip("this system has no pseudo-terminals")
        # Whoever runs the tests may have said how large its own terminal is.
        inherited = {name: os.environ[name] for name in os.environ.keys() - {"COLUMNS", "LINES"}}
        self.process: Any = pexpect.spawn(
            sys.executable,
            ["-m", "demos.step", *arguments],
            cwd=str(ROOT),
            env={**inherited, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"},
            dimensions=(rows, columns),
            encoding="utf-8",
            timeout=60,
        )
        self.timed_out = pexpect.TIMEOUT
        self.ended = pexpect.EOF

    def shows(self, *texts: str) -> str:
        """Read on until everything of this has been drawn; return all that was read."""
        read = ""
        end = time.monotonic() + 20.0
        while not all(text in ESCAPES.sub("", read) for text in texts):
            assert time.monotonic() < end, f"not drawn: {texts}\n{ESCAPES.sub('', read)}"
            try:
                read += self.process.read_nonblocking(4096, timeout=1)
            except self.timed_out:
                continue
            except self.ended:
                pytest.fail(f"ended without drawing {texts}:\n{ESCAPES.sub('', read)}")
        return ESCAPES.sub("", read)

    def press(self, keys: str) -> None:
        self.process.send(keys)

    def jump(self, target: str) -> None:
        """Press the key of the jump, and once it asks for a target, type one."""
        self.press("/")
        self.shows("then Enter")
        self.press(f"{target}\r")

    def leave(self, key: str = "q") -> int:
        """Leave the demo and return its exit status."""
        self.press(key)
        self.process.expect(self.ended)
        self.process.close()
        status: int = self.process.exitstatus
        return status


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Return what opens the demo in a terminal; it is ended with the test."""
    opened: list[Terminal] = []

    def open_terminal(*arguments: str, columns: int = 80, rows: int = 24) -> Terminal:
        opened.append(Terminal(arguments, columns, rows))
        return opened[-1]

    yield open_terminal
    for each in opened:
        if each.process.isalive():
            each.process.kill(signal.SIGKILL)
            each.process.wait()
        each.process.close()


RIGHT, LEFT, DOWN, UP = "\x1b[C", "\x1b[D", "\x1b[B", "\x1b[A"
HOME, END = "\x1b[H", "\x1b[F"


def test_keys_step_forward_and_back_and_quit(terminal: Callable[..., Terminal]) -> None:
    screen = terminal()
    screen.shows("step 0 of 28", "The chain rule starts here", "q quit")
    screen.press("n")
    screen.shows("step 1 of 28", "d loss/d error = 2 × error = −1.17783")
    screen.press(RIGHT)
    screen.shows("step 2 of 28", "error = prediction - target")
    screen.press("b")
    screen.shows("step 1 of 28", "loss = error**2")
    screen.press(LEFT)
    screen.shows("step 0 of 28", "The chain rule starts here")
    assert screen.leave() == 0


def test_the_screen_has_the_rule_of_the_node_and_the_gradients_so_far(
    terminal: Callable[..., Terminal],
) -> None:
    screen = terminal()
    screen.shows("step 0 of 28")
    screen.press("nnn")
    screen.shows("step 3 of 28", "prediction = sigmoid(z_out)", "−0.285146", "0.242094")
    screen.press("bn")
    screen.shows(
        "step 3 of 28",
        "d prediction/d z_out = prediction × (1 − prediction)",
        "▶● z_out",
        "○ output.bias[0]",
    )


def test_arrows_up_and_down_go_from_node_to_node_and_home_and_end_to_the_ends(
    terminal: Callable[..., Terminal],
) -> None:
    screen = terminal()
    screen.shows("step 0 of 28")
    screen.press(DOWN * 4)
    screen.shows("step 4 of 28", "the node: z_out")
    screen.press(DOWN)
    screen.shows("step 13 of 28", "the node: h[3]")
    screen.press(UP)
    screen.shows("step 4 of 28")
    screen.press(END)
    screen.shows("step 28 of 28")
    screen.press("n")  # there is no step beyond the last
    screen.press(HOME)
    screen.shows("step 0 of 28")


def test_a_jump_goes_to_a_node_a_part_of_its_name_or_a_step(
    terminal: Callable[..., Terminal],
) -> None:
    screen = terminal()
    screen.shows("step 0 of 28")
    screen.jump("hidden.weight[0][1]")
    screen.shows("step 28 of 28", "d z[0]/d hidden.weight[0][1] = x[1] = 1")
    screen.jump("predic")
    screen.shows("step 2 of 28")
    screen.jump("17")
    screen.shows("step 17 of 28")


def test_a_jump_to_what_is_not_there_says_so_and_stays(terminal: Callable[..., Terminal]) -> None:
    screen = terminal()
    screen.shows("step 0 of 28")
    screen.press("n")
    screen.shows("step 1 of 28")
    screen.jump("nobody")
    screen.shows("no node is called 'nobody'", "some nodes: loss,")
    screen.press("n")
    screen.shows("step 2 of 28")


def test_escape_leaves_the_jump_and_the_keys_work_again(terminal: Callable[..., Terminal]) -> None:
    screen = terminal()
    screen.shows("step 0 of 28")
    screen.press("/")
    screen.shows("then Enter")
    screen.press("n\x1b")
    time.sleep(0.5)  # a lone escape is told from a longer sequence by the pause
    screen.press("n")
    screen.shows("step 1 of 28")


def test_a_wide_terminal_shows_all_gradients_beside_the_chain_rule(
    terminal: Callable[..., Terminal],
) -> None:
    screen = terminal(columns=120, rows=40)
    drawn = screen.shows("step 0 of 28", "hidden.weight[0][1]", "gradients so far")
    top = next(line for line in drawn.splitlines() if "the node" in line)
    assert "gradients so far" in top


def test_a_file_of_the_user_s_own_in_a_terminal(
    terminal: Callable[..., Terminal], mine: Path
) -> None:
    screen = terminal(str(mine))
    screen.shows("step 0 of 11", "loss = v8 + v10")
    screen.jump("w")
    screen.shows("step 10 of 11", "sum complete: −1   (use 2 of 2 of w)", "mine.py:5")
    screen.jump("v9")
    screen.shows("+= nothing", "v10 did not take v9", "sum complete: nothing   (use 1 of 1 of v9)")


# ---- A file that trains ---------------------------------------------------------------------

TRAINS = """
from autodiff import Value

w, b = Value(2.0), Value(0.5)
for epoch in range(12):
    loss = (w * 3.0 + b - 1.0) ** 2
    w.zero_grad()
    loss.backward()
    w.data -= 0.01 * w.grad
"""


@pytest.fixture
def trains(tmp_path: Path) -> Path:
    """A file of the user's own that trains."""
    path = tmp_path / "trains.py"
    path.write_text(TRAINS)
    return path


def test_a_file_that_trains_is_shown_epoch_by_epoch(trains: Path) -> None:
    first = run_plain(str(trains)).stdout
    assert first.startswith(
        "epoch 0 of 0 to 11 (--epoch shows another): loss.backward(): 5 steps, "
    )
    # d loss/d w is 2 * (2 * 3 + 0.5 - 1) * 3.
    assert "\n    w  33\n" in first
    assert first.endswith("update:\n    w: 2 → 1.67, changed by -0.33 (= -0.01 × 33, w.grad)\n")
    second = run_plain(str(trains), "--epoch", "1").stdout
    assert "\n    w  27.06\n" in second
    refused = run_plain(str(trains), "--epoch", "12")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "there are epochs from 0 to 11, not 12" in refused.stderr


def test_a_weight_that_was_updated_since_is_shown_as_it_was_and_as_it_became(
    tmp_path: Path,
) -> None:
    path = tmp_path / "once.py"
    path.write_text(
        "from autodiff import Value\n"
        "w = Value(3.0)\nloss = w * w\nloss.backward()\nw.data -= 0.5 * w.grad\n"
    )
    lines = run_plain(str(path)).stdout.splitlines()
    assert lines[2] == "loss = w * w = 9"
    assert lines[-1] == "    w: 3 → 0, changed by -3 (= -0.5 × 6, w.grad)"


def test_a_loss_of_no_pass_is_shown_rather_than_the_passes(tmp_path: Path) -> None:
    path = tmp_path / "other.py"
    path.write_text(
        "from autodiff import Value\nw = Value(3.0)\n(w * w).backward()\nloss = w * 4.0\n"
    )
    assert "loss = w * 4 = 12\n" in run_plain(str(path)).stdout


@pytest.mark.thorough
@pytest.mark.parametrize("trains", ["fit", "loop"])
def test_a_loss_that_is_evaluated_after_training_is_a_last_epoch(
    tmp_path: Path, trains: str
) -> None:
    path = tmp_path / "train.py"
    loop = (
        "for epoch in range(3):\n"
        "    (model(1.0) - 1.0).backward()\n"
        "    w.data -= 0.25 * w.grad\n"
        "    w.zero_grad()\n"
    )
    fit = (
        "nn.fit(model, [[1.0]], [1.0], loss=lambda found, wanted: found[0] - wanted[0],\n"
        "       optimizer=nn.SGD([w], lr=0.25), epochs=3)\n"
    )
    path.write_text(
        "import nn\nfrom autodiff import Value\n"
        "class Line(nn.Module):\n"
        "    def __init__(self):\n"
        "        self.w = Value(1.0, 'w')\n"
        "    def __call__(self, x):\n"
        f"        return {'self.w * x[0]' if trains == 'fit' else 'self.w * x'}\n"
        "model = Line()\nw = model.w\n"
        f"{fit if trains == 'fit' else loop}"
        "loss = w * w\n"
    )
    run = run_plain(str(path), "--epoch", "0")
    assert (run.returncode, run.stdout.partition(" (")[0]) == (0, "epoch 0 of 0 to 3")
    # The slope of w - 1 is 1, so w is 0.75, 0.5, 0.25 after the epochs.
    assert "    w: 1 → 0.75, changed by -0.25" in run.stdout
    assert "epoch 3, the last, is `loss`" in run.stderr
    last = run_plain(str(path), "--epoch", "3").stdout
    assert "loss = w * w = 0.0625\n" in last
    assert "    w  0.5" in last


def test_gradients_that_are_not_cleared_are_told(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(
        "from autodiff import Value\nw = Value(1.0)\nfor epoch in range(3):\n"
        "    loss = w * 3.0\n    loss.backward()\n    w.data -= 0.5 * w.grad\n"
    )
    first = run_plain(str(path)).stdout
    assert "zero_grad()" not in first
    assert first.endswith("    w: 1 → -0.5, changed by -1.5 (= -0.5 × 3, w.grad)\n")
    last = run_plain(str(path), "--epoch", "2").stdout
    # The slope is 3 in each epoch, and they add up.
    assert (
        "! w.grad was 6 before this pass, which adds to it: call zero_grad() before each backward()"
    ) in last
    assert last.endswith("(= -0.5 × 9, w.grad, of which earlier passes gave 6)\n")
    shown = Screen(trace_of_file(path).trace).after("u")
    assert "w.grad was 6 before this pass" in shown["note"]
    assert "earlier passes gave 6 of its gradient" in shown["rule"]


def test_gradients_that_several_passes_of_an_epoch_add_up_are_right() -> None:
    w = Value(1.0, "w")
    with record_epochs() as trace:
        for _ in range(2):
            w.zero_grad()
            for row in (2.0, 3.0):
                (w * row).backward()
            w.data -= 0.5 * w.grad
    for epoch in range(2):
        for nth in range(2):
            trace.goto(0, epoch=epoch, nth=nth)
            assert not trace.note
            assert (trace.nth, trace.passes) == (nth, 2)
    trace.goto(0, "backward", epoch=1)
    assert plain_text(trace).startswith("epoch 1 of 0 to 1 (--epoch shows another), pass 0 of 0 to")
    assert "epoch 1 of 0–1   pass 0 of 0–1   backward" in Screen(trace).after()["title"]
    # The update comes after the last pass: w is 1, then 1 - (2 + 3) / 2.
    shown = Screen(trace).after("u")
    assert "pass 1 of 0–1   update   step 1 of 1" in shown["title"]
    assert "earlier passes gave 2 of its gradient" in shown["rule"]


def test_a_file_needs_no_loss_if_it_calls_backward(tmp_path: Path) -> None:
    path = tmp_path / "unnamed.py"
    path.write_text("from autodiff import Value\nw = Value(3.0)\n(w * w).backward()\n")
    assert run_plain(str(path)).stdout.endswith("    w  6\n")


# ---- The screen -----------------------------------------------------------------------------


class Screen:
    """The screen without a terminal: what its parts say after some keys."""

    def __init__(self, trace: Trace, width: int = 100, height: int = 30) -> None:
        pytest.importorskip("textual", reason="draws the screen")
        self.trace = trace
        self.size = width, height

    def after(self, *keys: str) -> dict[str, str]:
        """Return the text of each part, and of the titles of panels."""
        # In a thread of its own: the browser's tests leave a loop running in this one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, self._after(keys)).result()

    async def _after(self, keys: tuple[str, ...]) -> dict[str, str]:
        from textual.widgets import Static

        from demos.step_screen import StepScreen

        screen = StepScreen(self.trace)
        parts = "title", "note", "node", "rule", "gradients", "message"
        async with screen.run_test(size=self.size) as pilot:
            await pilot.pause()
            for key in keys:
                await pilot.press(key)
            await pilot.pause()
            return {
                part: "\n".join(
                    "".join(segment.text for segment in strip)
                    for strip in screen.query_one(f"#{part}", Static).render_lines(
                        screen.query_one(f"#{part}", Static).size.region
                    )
                )
                for part in parts
            } | {"titles": str(screen.query_one("#rule", Static).border_title)}


def trained_trace() -> Trace:
    """Return a trace of three epochs in which w is trained."""
    w, x = Value(2.0, "w"), Value(-1.5, "x")
    with record_epochs() as trace:
        for _ in range(3):
            (loss := (w * x).tanh()).label = "loss"
            loss.backward()
            w.data -= 0.25 * w.grad
            w.zero_grad()
            x.zero_grad()
    return trace


def rows_of_rule(trace: Trace, width: int, height: int, *keys: str) -> tuple[int, int]:
    """Return how many rows the chain rule has on the screen after some keys, and would have."""
    pytest.importorskip("textual", reason="draws the screen")

    async def rows() -> tuple[int, int]:
        from demos.step_screen import StepScreen

        app = StepScreen(trace)
        async with app.run_test(size=(width, height)) as pilot:
            await pilot.pause()
            for key in keys:
                await pilot.press(key)
            await pilot.pause()
            rule = app.query_one("#rule")
            placed = app.screen.find_widget(rule)
            return placed.visible_region.height, placed.region.height

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, rows()).result()


@pytest.mark.unmeasured
@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 16), (110, 24), (200, 24), (44, 20)])
@pytest.mark.parametrize("keys", [("e",), (), ("e", "e"), ("slash", *"nobody", "enter")])
def test_the_chain_rule_stays_on_the_screen_whatever_is_said(
    width: int, height: int, keys: tuple[str, ...]
) -> None:
    with record_source():
        w, b = Value(2.0, "w"), Value(0.0, "b")
        y = (w * 2.0 + b).log() / (b * 1.0)
        z = y + (w - 2.0).relu() * 0.0 + (b * 0.0).log()
    shown, whole = rows_of_rule(Trace(z), width, height, "end", *keys)
    assert (
        shown == whole >= 8
    )  # three rows of fractions, one of numbers, two of words, two of frame


def test_the_parts_find_their_place_again_when_the_terminal_is_resized() -> None:
    pytest.importorskip("textual", reason="draws the screen")

    async def parts() -> None:
        from textual.widgets import Static

        from demos.step_screen import StepScreen

        app = StepScreen(Trace(recorded_loss()))
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("n")
            for width, height in ((160, 40), (80, 24), (50, 40), (24, 24), (110, 30), (80, 24)):
                await pilot.resize_terminal(width, height)
                await pilot.pause()
                await pilot.pause()
                rule, gradients = app.query_one("#rule", Static), app.query_one("#gradients")
                beside = width >= 110
                assert (rule.region.right <= gradients.region.x) is beside
                assert app.screen.find_widget(rule).visible_region.height == rule.region.height
                assert rule.region.right <= width
                lines = [
                    "".join(segment.text for segment in strip).rstrip()
                    for strip in rule.render_lines(rule.size.region)
                ]
                assert all(len(line) <= rule.size.width for line in lines)
                # The fractions are whole, or the numbers stand alone.
                bars = [line for line in lines if "───" in line and line[0] not in "╭╰"]
                assert len(bars) == (1 if width >= 44 else 0)
                assert "step 1 of" in str(app.query_one("#title", Static).render())

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, parts()).result()


@pytest.mark.thorough
def test_keys_go_to_the_phases_and_from_epoch_to_epoch() -> None:
    screen = Screen(trained_trace())
    shown = screen.after("f", "n")
    assert "epoch 0 of 0–2   forward   step 1 of 2" in shown["title"]
    assert "2 × (−1.5)" in shown["rule"]
    assert "w 2" in shown["node"]
    shown = screen.after("u")
    assert "update   step 1 of 1" in shown["title"]
    assert "against its gradient: so the loss falls" in shown["rule"]
    assert "epoch 1 of 0–2   update" in screen.after("right_square_bracket")["title"]
    assert "epoch 2 of 0–2" in screen.after("right_square_bracket", "right_square_bracket")["title"]
    assert "epoch 1 of 0–2" in screen.after("left_square_bracket", "c")["title"]
    assert (
        "epoch 2 of 0–2   backward   step 0"
        in screen.after("slash", *"epoch", "space", "2", "enter")["title"]
    )
    assert (
        "there are epochs from 0 to 2"
        in screen.after("slash", *"epoch", "space", "7", "enter")["message"]
    )


@pytest.mark.thorough
def test_steps_go_on_into_the_next_epoch_and_back_into_the_one_before() -> None:
    trace = trained_trace()
    trace.goto(len(trace))
    assert "epoch 1 of 0–2   forward   step 1 of 2" in Screen(trace).after("n")["title"]
    assert "epoch 0 of 0–2   update   step 1 of 1" in Screen(trace).after("b")["title"]


@pytest.mark.thorough
def test_numbers_that_have_changed_since_are_told_and_those_of_now_shown(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    path = tmp_path / "changed.py"
    path.write_text("from autodiff import Value\nw = Value(3.0)\nloss = w * w\nw.data = 0.0\n")
    run = run_plain(str(path))
    assert "! loss = w * w is 9, but 0 with the numbers of now: w (or loss itself)" in run.stdout
    assert "loss = w * w = 0\n" in run.stdout
    screen = terminal(str(path))
    screen.shows("step 0 of 2", "! loss = w * w is 9, but 0 with the numbers of now", "w 0 ──┐")
    assert screen.leave() == 0


def test_what_nothing_reaches_is_said_where_one_jumps_to_it(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    path = tmp_path / "dead.py"
    path.write_text("from autodiff import Value\nx = Value(-1.0)\nloss = (x * 2).relu()\n")
    screen = terminal(str(path))
    screen.shows("step 0 of 1")
    screen.jump("x")
    screen.shows("nothing reaches x: all that uses it was not taken")


def test_the_variables_that_nothing_reaches_are_listed_as_that() -> None:
    x = Value(-1.0, "x")
    text = plain_text(Trace((x * 2).relu()))
    assert "1  d v4/d v3 += nothing: v4 did not take v3\n" in text
    assert text.endswith("gradients of the variables:\n    x  nothing reaches it")


@pytest.mark.thorough
@pytest.mark.parametrize("key", ["q", "\x03"])
def test_q_and_control_c_leave_the_terminal_as_it_was(
    terminal: Callable[..., Terminal], key: str
) -> None:
    screen = terminal()
    screen.shows("step 0 of 28")
    assert screen.leave(key) == 0
    assert "\x1b[?1049l" in screen.process.before  # the other screen is left


def test_a_signal_to_end_leaves_the_terminal_as_it_was(terminal: Callable[..., Terminal]) -> None:
    screen = terminal()
    screen.shows("step 0 of 28")
    screen.process.kill(signal.SIGTERM)
    screen.process.expect(screen.ended)
    screen.process.close()
    assert screen.process.exitstatus == 128 + signal.SIGTERM
    assert "\x1b[?1049l" in screen.process.before
    assert screen.process.before.endswith("\nTerminated.\r\n")


def test_plain_text_can_be_asked_for_in_a_terminal_too(terminal: Callable[..., Terminal]) -> None:
    screen = terminal("--plain")
    screen.process.expect(screen.ended)
    assert "gradients of the variables:" in screen.process.before
    assert "\x1b" not in screen.process.before


# ---- Code and picture beside the step -------------------------------------------------------


def recorded_loss() -> Value:
    """Return a loss whose lines are recorded; the relu is dead, and its weight has a long name."""
    with record_source():
        the_weight_of_the_first_hidden_neuron = Value(-1.0)
        x = Value(2.0)
        hidden = (the_weight_of_the_first_hidden_neuron * x).relu()
        square = hidden * hidden
        (loss := (square - 1.0) ** 2 + 3.0 * x).label = "loss"
    return loss


@pytest.mark.thorough
def test_a_step_has_its_line_its_chain_rule_s_line_and_its_place_in_the_graph() -> None:
    shown = Screen(Trace(recorded_loss())).after("slash", *"square", "enter", "n")
    assert "square = hidden * hidden" in shown["node"]
    assert "▶ hidden 0 ◀─┐" in shown["node"]
    assert "  hidden 0 ──┴── square = 0 ◀── " in shown["node"]
    assert "backward_mul:  a.grad += b.data * upstream" in shown["rule"]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("before", "update"),
    [
        ("pass", "w.data -= 0.25 * w.grad"),
        ("pass", "for p in [w]: p.data -= 0.25 * p.grad"),
        ("import nn; optimizer = nn.SGD([w], lr=0.25)", "optimizer.step()"),
    ],
)
def test_an_update_has_its_own_line(before: str, update: str, tmp_path: Path) -> None:
    path = tmp_path / "trains.py"
    path.write_text(
        f"from autodiff import Value\nw = Value(2.0)\n{before}\nfor epoch in range(3):\n"
        f"    loss = w * w\n    w.zero_grad()\n    loss.backward()\n    {update}\n"
    )
    shown = Screen(trace_of_file(path).trace).after("u")
    assert update.rpartition(": ")[2] in shown["node"]


@pytest.mark.thorough
def test_of_gradients_that_are_not_finite_the_reason_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "entropy.py"
    path.write_text(
        "from autodiff import Value, log\np, q = Value(0.0), Value(0.5)\n"
        "loss = -(q * log(p)) - (1 - q) * log(1 - p)\nloss.backward()\n"
    )
    text = plain_text(trace_of_file(path).trace)
    gradients, _, reasons = text.partition("gradients of the variables:")[2].partition("!")
    assert gradients.split() == ["q", "inf", "p", "-inf"]
    assert "log(0) is -inf" in reasons
    assert reasons.count("(p + 1e-9).log()") == 1


@pytest.mark.thorough
def test_why_a_gradient_is_0_is_told_beside_it_once_it_is_complete() -> None:
    trace = Trace(recorded_loss())
    shown = Screen(trace).after("slash", *"hidden", "enter")
    assert shown["note"].count("hidden is multiplied by hidden = 0") == 1
    assert not Screen(trace).after("b")["note"].strip()
    assert "d loss/d hidden = 0" in Screen(trace).after("n", "e")["message"]


@pytest.mark.thorough
def test_in_a_large_graph_the_reasons_come_by_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(Trace(recorded_loss()))
    monkeypatch.setattr("demos.step_screen.MOST_EXPLAINED", 3)
    keys = ("slash", *"hidden", "enter")
    assert "press e to see why this gradient is 0" in screen.after(*keys)["note"]
    assert "hidden is multiplied by hidden = 0" in screen.after(*keys, "e")["message"]


@pytest.mark.thorough
def test_a_jump_takes_the_completion_that_is_offered() -> None:
    screen = Screen(Trace(recorded_loss()))
    # Two names have an s in them; loss would be found by the part alone.
    assert "the node: square" not in screen.after("slash", "s", "enter")["rule"]
    assert "d loss/d square = " not in screen.after("slash", "s", "q", "enter")["message"]
    assert screen.trace.step is not None
    assert screen.trace.step.parent.name == "square"
    screen.after("slash", "h", "tab", "enter")
    assert screen.trace.step.parent.name == "hidden"
    assert "nothing reaches the_weight" in screen.after("slash", *"the", "enter")["message"]


@pytest.mark.parametrize("width", [24, 44, 80, 109, 110, 160])
def test_no_fraction_is_broken_at_any_width(width: int) -> None:
    with record_source():
        the_weight_of_the_first_hidden_neuron = Value(-1.23456789e-10)
        the_input_of_the_first_hidden_neuron = Value(-2.3456789e-20)
        loss = the_weight_of_the_first_hidden_neuron * the_input_of_the_first_hidden_neuron
    rows = Screen(Trace(loss), width).after("n")["rule"].splitlines()[1:-1]
    bars = [place for place, row in enumerate(rows) if "───" in row]
    if width < 44:
        assert not bars  # the numbers alone
        assert "= 1 ×" in " ".join(rows[0].split())
    else:
        (place,) = bars
        assert len(re.findall("─+", rows[place])) == 3
        assert [rows[place + side].count(" d ") for side in (-1, 1)] == [3, 3]


def test_fractions_are_as_wide_as_there_is_room() -> None:
    pytest.importorskip("rich", reason="writes the text")
    from demos.step_picture import Column, short, stacked

    def columns(length: int) -> list[Column]:
        names = (f"d {short(name, length)}" for name in ("a_very_long_name", "another_long_name"))
        fraction = tuple(names)
        return [((fraction[0], fraction[1]), "−1.23457e−10", ""), (("=", ""), "=", "")]

    for width in range(1, 60):
        lines = stacked(columns, width).plain.splitlines()
        assert max(map(len, lines)) <= width
        # The number, 12 characters, two spaces and the sign; or names of up to 19.
        assert len(lines) == (4 if width >= 15 else 1)
    assert "d a_very_long_name" in stacked(columns, 22).plain
    assert "d a_very_…ng_name" in stacked(columns, 20).plain


# ---- as a page -------------------------------------------------------------------------------


@pytest.mark.thorough
def test_a_page_has_the_pass_of_an_epoch_of_a_file(trains: Path, tmp_path: Path) -> None:
    pytest.importorskip("graphviz", reason="the page's picture is drawn with graphviz")
    page = tmp_path / "lesson" / "page.html"
    done = run_plain("--page", "--epoch", "1", "--out", str(page), str(trains))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"Wrote {page}: open it in a browser."
    text = page.read_text(encoding="utf-8")
    assert "epoch 1" in text
    assert f'"name":"{trains.name}"' in text  # its lines of code are beside the steps


LARGE = """
from autodiff import Value

def block(x, w):
    for _ in range(150):
        x = (x * w).tanh()
    return x

loss = x = Value(0.5, "x")
for _ in range(3):
    loss = block(loss, x)
"""


def test_the_page_of_a_large_graph_is_folded_by_calls(tmp_path: Path) -> None:
    large, page = tmp_path / "large.py", tmp_path / "page.html"
    large.write_text(LARGE, encoding="utf-8")
    done = run_plain("--page", "--out", str(page), str(large))
    assert (done.returncode, done.stderr) == (0, "")
    titles = data_of(page.read_text(encoding="utf-8"))["folds"]["titles"]
    assert {"block 1", "block 2", "block 3"} <= set(titles)


def test_a_page_that_cannot_be_is_refused_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["autodiff.stepper.show"], "MOST_FOLDED", 5)
    with pytest.raises(SystemExit, match=r"demos\.step: show: the graph has 7 nodes"):
        write_page(Trace(Value(1.0, "a") * Value(2.0, "b") + Value(3.0, "c") * 1.0), tmp_path / "p")
    assert not (tmp_path / "p").exists()
    done = run_plain("--out", str(tmp_path / "page.html"))
    assert done.returncode == 2
    assert "--out is where --page writes: add --page" in done.stderr
