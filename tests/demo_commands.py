"""A demo's command in this process, which has imported already what its own would import anew."""

from __future__ import annotations

import contextlib
import functools
import io
import subprocess
import sys
from collections.abc import Callable, Sequence

import pytest

from demos import command

__all__ = ["called"]


def called(
    main: Callable[[Sequence[str]], None], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Return what a demo's command prints and how it ends; no output of it is a terminal."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "excepthook", sys.excepthook)
        patch.setattr(command, "raise_when_terminated", int)
        with pytest.raises(SystemExit) as end:
            command.run(functools.partial(main, arguments))
    code = end.value.code
    if isinstance(code, str):
        err.write(f"{code}\n")
        code = 1
    return subprocess.CompletedProcess(arguments, code or 0, out.getvalue(), err.getvalue())
