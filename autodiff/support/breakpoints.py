"""Breakpoints of one Value: they open the debugger that is there, at a line of the user's.

The frame in which it opens is code compiled for that line (``autodiff/support/lines.py``), so that
a debugger which passes over libraries stops there too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import call
from types import CodeType
from typing import Any, Literal, TypeAlias, get_args

from autodiff.support.convert import describe
from autodiff.support.frames import (
    module_of,
    names_used,
    place_of_now,
    shown_place,
    users_frames,
    warn_user,
)
from autodiff.support.lines import (
    LocalNames,
    QuietAfterwards,
    code_at_lines,
    pass_over_library,
    run_at_lines,
)

__all__ = ["EVENTS", "Breakpoint", "Event", "breakpoint_at"]

CANNOT = "break_on cannot stop here: "

Event: TypeAlias = Literal["backward", "backward-nan", "contribution", "forward", "forward-nan"]
EVENTS: tuple[Event, ...] = get_args(Event)


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """One breakpoint: what has to happen, under which condition, and whether it only writes that.

    ``file`` and ``line`` are where it was set: there it stops where no other line is known.
    """

    event: Event
    when: str
    condition: CodeType | None
    log: bool
    file: str
    line: int

    def is_met(self, event: str, names: LocalNames, file: str, line: int) -> None:
        """Stop at a line, with these names, or write what happens, if the condition is true.

        The names that the condition uses are there at the stop, too.
        """
        if self.condition is not None:
            known = names_in_reach()
            if not self.holds({**known, **names}):
                return
            used = [name for name in names_used(self.condition) if name in known]
            names = {**{name: known[name] for name in used}, **names}
        if self.log:
            print(f"{self.event}: {what_happens(names)}")
            return
        debugger = debugger_that_is_there()
        if debugger is not None:
            if not line:
                file, line = self.file, self.line
            # Twice: most debuggers stop not where they are opened, but at the next line.
            code = code_at_lines(file, event, line, [line, line])
            rounds: Iterator[object] = map(call, (debugger, int))  # type: ignore[arg-type]
            quiet = QuietAfterwards()
            module = dict(module_of(file))
            tracer = run_at_lines(code, module, names, rounds.__next__, quiet, users=False)
            pass_over_library(tracer, was_opened=True)

    def holds(self, names: LocalNames) -> bool:
        """Return whether the condition is true; raise ValueError if that cannot be told."""
        assert self.condition is not None
        try:
            return bool(eval(self.condition, names))  # the user's own, as in a debugger
        except Exception as error:
            raise ValueError(
                f"the condition of break_on({self.event!r}, when={self.when!r}), set at "
                f"{shown_place(self.file, self.line)}, fails with {type(error).__name__}: {error}"
            ) from error


def names_in_reach() -> LocalNames:
    """Return the names of the user's functions that run, those of the innermost first."""
    known: LocalNames = {}
    for frame in reversed(list(users_frames())):
        known.update({**frame.f_globals, **frame.f_locals})
    return known


def breakpoint_at(event: Event, when: str | None, log: bool) -> Breakpoint:
    """Return a breakpoint that the user's line of now sets; raise if an argument is malformed."""
    if event not in EVENTS:
        raise ValueError(f"break_on needs one of {', '.join(EVENTS)}, but got {describe(event)}")
    if when is not None and not isinstance(when, str):
        raise TypeError(
            "break_on needs its condition as a text, such as when='abs(contribution) > 1', but got "
            f"{describe(when)}"
        )
    text = "" if when is None else when.strip()
    condition = None if when is None else compile(text, "<condition of break_on>", "eval")
    return Breakpoint(event, text, condition, log, *place_of_now())


def what_happens(names: LocalNames) -> str:
    """Return a line for a log: the step of the pass, or else the node, and what it is made of."""
    if "step" in names:
        return str(names["step"])
    made_of = f" of {', '.join(map(repr, names['parents']))}" if "op" in names else ""
    return f"{names['node']!r}{made_of}"


def debugger_that_is_there() -> Callable[[], Any] | None:
    """Return what opens a debugger in the frame that calls it; None, with a warning, if none is."""
    if os.environ.get("PYTHONBREAKPOINT") == "0":
        warn_user(f"{CANNOT}PYTHONBREAKPOINT=0 is set, which switches it off: unset it")
        return None
    debugpy: Any = sys.modules.get("debugpy")
    of_debugpy = getattr(sys.breakpointhook, "__module__", "").startswith("debugpy")
    if not of_debugpy or debugpy.is_client_connected():
        return breakpoint
    # As in a notebook's kernel, whose breakpoint() does nothing unless a front end debugs it.
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if not getattr(getattr(shell, "kernel", None), "_allow_stdin", True):
        warn_user(
            f"{CANNOT}what runs this notebook can ask for no input. Run the cell in Jupyter or in "
            "VS Code, or set log=True, which writes a line in place of a stop"
        )
        return None
    return sys.__breakpointhook__  # Python's own, which is pdb unless PYTHONBREAKPOINT says another
