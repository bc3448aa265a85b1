"""How a demo's command ends: with its exit code, or with one line that says what went wrong."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import NoReturn

import nn
from demos.interrupts import Terminated, raise_when_terminated, tell_in_a_line

__all__ = ["run"]


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a demo's main function and exit with the code that it returns (None is 0).

    What does not come from a mistake in the program ends without a traceback: a training that
    runs away, a file that cannot be written, a package that is missing; and what tells it to
    stop, Ctrl-C and the signals that ask a process to end.
    """
    tolerate_any_encoding()
    sys.excepthook = tell_in_a_line
    raise_when_terminated()
    try:
        code = main()
        sys.stdout.flush()
    except Terminated as terminated:
        tell_in_a_line(Terminated, terminated, None)
        give_up_output()
        sys.exit(terminated.exit_code)
    except BrokenPipeError:
        # The reader, `head` perhaps, has seen enough.
        give_up_output()
        sys.exit(1)
    except (nn.NonFiniteLossError, ImportError, OSError) as error:
        give_up_output()
        sys.exit(f"error: {error}")
    sys.exit(code)


def give_up_output() -> None:
    """Write what was printed; where that fails, drop it: Python would try again, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tolerate_any_encoding() -> None:
    """Let the standard output show ? for a character that it cannot encode, such as µ in ASCII.

    Without this, such a character is a UnicodeEncodeError, at the end of a long run perhaps.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
