"""What a demo does when it is told to stop: by Ctrl-C, or by a signal from another program.

Ctrl-C is Python's KeyboardInterrupt.  A signal that asks a program to end would end Python at
once, with temporary files left behind: here it is a KeyboardInterrupt too, so that whatever cleans
up after one cleans up after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from types import FrameType, TracebackType

__all__ = [
    "Terminated",
    "end_loop_when_terminated",
    "one_line",
    "raise_when_terminated",
    "tell_in_a_line",
]

# "end", "your terminal is gone", and Windows's Ctrl-Break; not every system has all.
SIGNALS = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
]


class Terminated(KeyboardInterrupt):
    """A signal has asked this process to end. ``exit_code`` is what a shell gives such an end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


def raise_when_terminated() -> None:
    """Let the signals that ask this process to end raise Terminated, the first time they come.

    What is ignored already, as SIGHUP is under ``nohup``, stays so.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _terminate)


def _terminate(number: int, _frame: FrameType | None) -> None:
    for each in SIGNALS:  # a second one must not disturb the cleaning up
        if signal.getsignal(each) is _terminate:
            signal.signal(each, signal.SIG_IGN)
    raise Terminated(number)


def end_loop_when_terminated(end: Callable[[int], object]) -> None:
    """Let these signals call ``end`` with their number, between two turns of the running loop.

    An exception in the middle of a turn would leave tasks behind, which complain of it at the end.
    """
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        if signal.getsignal(number) is _terminate:
            with contextlib.suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(number, end, number)


def one_line(interrupt: KeyboardInterrupt) -> str:
    """Return what to tell a person: that it was stopped, and the notes of the exception."""
    what = "Terminated." if isinstance(interrupt, Terminated) else "Interrupted."
    return " ".join([what, *getattr(interrupt, "__notes__", ())])


def tell_in_a_line(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Show an exception as Python does, but Ctrl-C without a traceback: a ``sys.excepthook``.

    Python then ends by the signal of Ctrl-C, so that a shell that repeats the command stops too.
    """
    if isinstance(error, KeyboardInterrupt):
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(f"\n{one_line(error)}", file=sys.stderr, flush=True)
    else:
        sys.__excepthook__(kind, error, traceback)
