"""How the demos' commands end: an exit code, and one line without a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import nn
from demos.command import run
from demos.interrupts import SIGNALS
from demos.progress import ShowProgress, progress_bar

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def answers_of_the_tests_own() -> Iterator[None]:
    """What a demo's process does when it is told to stop is not what the tests' shall do."""
    hook, handlers = sys.excepthook, {number: signal.getsignal(number) for number in SIGNALS}
    yield
    sys.excepthook = hook
    for number, handler in handlers.items():
        signal.signal(number, handler)


def runs_away() -> None:
    raise nn.NonFiniteLossError(3, float("inf"), [])


def file_is_locked() -> None:
    raise PermissionError(13, "Permission denied", "out/moons.gif")


def package_is_missing() -> None:
    raise ImportError("machine code needs llvmlite")


@pytest.mark.parametrize(
    ("main", "said"),
    [
        (runs_away, "error: the loss of epoch 3 is inf"),
        (file_is_locked, "error: [Errno 13] Permission denied: 'out/moons.gif'"),
        (package_is_missing, "error: machine code needs llvmlite"),
    ],
)
def test_what_is_no_mistake_of_the_program_is_told_in_a_line(
    main: Callable[[], None], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(main)
    assert str(ended.value.code).startswith(said)


def a_mistake() -> None:
    raise ValueError("of the program")


def test_a_mistake_of_the_program_keeps_its_traceback() -> None:
    with pytest.raises(ValueError, match="of the program"):
        run(a_mistake)


def nothing_to_say() -> None:
    return None


def two() -> int:
    return 2


@pytest.mark.parametrize(("main", "code"), [(nothing_to_say, None), (two, 2)])
def test_the_exit_code_is_what_main_returns(main: Callable[[], int | None], code: int) -> None:
    with pytest.raises(SystemExit) as ended:
        run(main)
    assert ended.value.code == code


@pytest.mark.skipif(os.name != "posix", reason="a pipe that is closed is told in POSIX's way")
def test_a_reader_that_has_seen_enough_gets_no_complaint() -> None:
    script = "from demos.command import run\nrun(lambda: print('line\\n' * 100_000))"
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == b"line\n"
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) == 1
    assert errors == b""


class Bar:
    """Counts as tqdm's bar does, in a terminal or not."""

    def __init__(self) -> None:
        self.n = 0

    def update(self, more: int) -> None:
        self.n += more


def test_the_bar_follows_the_epochs_of_fit() -> None:
    bar = Bar()
    show = ShowProgress(bar)  # type: ignore[arg-type]
    for done in (1, 3, 10):
        show(done, 0.5)
        assert bar.n == done


def test_a_bar_shows_nothing_where_the_output_is_no_terminal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with progress_bar(10, "epoch", done=2) as bar:
        bar.update(8)
    assert capfd.readouterr() == ("", "")
