"""How a demo's command ends: with its exit code, or with one line that says what went wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NoReturn

import nn

__all__ = ["run"]


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a demo's main function and exit with the code that it returns (None is 0).

    What does not come from a mistake in the program ends without a traceback: Ctrl-C, a training
    that runs away, a file that cannot be written, a package that is missing.
    """
    try:
        code = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit("\nInterrupted.")
    except BrokenPipeError:
        # The reader, `head` perhaps, has seen enough; Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (nn.NonFiniteLossError, ImportError, OSError) as error:
        sys.exit(f"error: {error}")
    sys.exit(code)
