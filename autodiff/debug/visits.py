"""Which run of which line of the user's code made a Value, and by which calls it came there."""

from __future__ import annotations

import linecache
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import CO_GENERATOR
from itertools import count
from types import CodeType, FrameType

from autodiff.debug.assignments import names_of_comprehension
from autodiff.debug.bindings import LineNames, are_bound_as_before, bindings, bound_names
from autodiff.debug.globals import Kept, ModuleData
from autodiff.debug.instructions import (
    can_follow,
    can_repeat,
    is_call,
    is_straight,
    start_of,
    stored_between,
)
from autodiff.debug.places import called_by_program
from autodiff.operators import Operators
from autodiff.support.frames import COMPREHENSIONS, calling_function, frames_of_now
from autodiff.value import Value

__all__ = ["Call", "Recording", "Visit", "VisitRecorder", "time_of"]

NAME = re.compile(r"(?<![\w.])[^\W\d]\w*")  # of no attribute

OPERATORS = {
    function.__code__
    for name, function in vars(Operators).items()
    if name.startswith("__") and hasattr(function, "__code__")
}

_numbers = count()


class Recording:
    """What the calls of one recording have in common; it is there as long as its Values are."""

    __slots__ = ("__weakref__",)


class Call:
    """One call of a function of the user's, or one run of a module or a notebook's cell.

    ``caller`` is the visit of the line that called it, None where the user's code begins, and
    ``site`` the code there and the instruction that did.  ``time`` is when the file was changed
    last before its lines ran, None for what is no file.  ``is_around`` says that it had begun
    before the recording did.
    """

    __slots__ = ("caller", "code", "is_around", "module", "recording", "site", "time")

    def __init__(
        self,
        frame: FrameType,
        caller: Visit | None,
        site: tuple[CodeType, int] | None,
        time: int | None,
        recording: Recording,
        is_around: bool,
    ) -> None:
        self.code: CodeType = frame.f_code
        self.module: str = frame.f_globals.get("__name__", "")
        self.caller = caller
        self.site = site
        self.time = time
        self.recording = recording
        self.is_around = is_around


class Visit:
    """One run of one line within a call.

    ``number`` grows from visit to visit.  ``names`` are those that are known to the line, and
    ``bindings`` what they stood for then, as it is kept: no Value, as that may be one of a graph of
    before, whose line named one of a graph before that.  ``module`` is the same of all data of the
    module, which any function may change.
    ``returns`` is whether it returned what it made.
    """

    __slots__ = ("bindings", "call", "line", "module", "names", "number", "returns")

    def __init__(
        self,
        call: Call,
        line: int,
        names: LineNames,
        bindings: tuple[object, ...],
        module: Kept,
    ) -> None:
        self.call = call
        self.line = line
        self.number = next(_numbers)
        self.names = names
        self.bindings = bindings
        self.module = module
        self.returns = False

    def names_of(self, order: Sequence[Value]) -> dict[Value, str]:
        """Return what the program calls the nodes of a graph that it is of."""
        return called_by_program(order)


@dataclass(slots=True)
class Running:
    """A call that has not returned, as far as is known, and where it was last."""

    frame: FrameType
    call: Call
    visit: Visit
    start: int  # the instruction that made the visit's first Value
    offset: int
    called: FrameType | None

    @property
    def site(self) -> tuple[CodeType, int]:
        """The instruction that it is at, that of a comprehension where this has a frame."""
        inner = self.called
        if inner is None or inner.f_code.co_name not in COMPREHENSIONS:
            return self.call.code, self.offset
        return inner.f_code, start_of(inner.f_code, inner.f_lasti)


class VisitRecorder:
    """Knows the visit that each new Value belongs to.

    Within one visit of a line, its instructions run forward.  So where the same or an earlier one
    makes a Value, and not by the same call as before, the line runs again; and so it does where no
    way leads forward, as from one side of ``a if b else c`` to the other.  ``sum(terms)`` and the
    like add many times in one call, a comprehension's instructions run many times, and what follows
    ``and`` may be the next run's: there the line runs again if a name is bound anew that is not
    bound in between.

    ``is_shown`` says which files' lines are told apart; the lines of others count as those that
    called them.
    """

    def __init__(self, is_shown: Callable[[str], bool]) -> None:
        self.recording = Recording()
        self._is_shown = is_shown
        self._around = set(frames_of_now())
        self._running: list[Running] = []  # the outermost first
        self._names: dict[tuple[CodeType, int], LineNames] = {}
        self._modules: dict[str, ModuleData] = {}  # by file
        self._times: dict[str, int | None] = {}

    def visit(self, frame: FrameType, called: FrameType | None) -> Visit | None:
        """Return the visit of the innermost line of the user's own; None if there is none."""
        if self._running and self._running[-1].frame is frame:
            return self._go_on(self._running[-1], called, frame.f_lineno)
        new: list[tuple[FrameType, FrameType | None, int]] = []
        found, called, line = calling_function(frame, called, self._is_shown)
        while found is not None:
            depth = self._depth(found)
            if depth:
                del self._running[depth:]
                self._go_on(self._running[-1], called, line)
                break
            new.append((found, called, line))
            found, called, line = calling_function(found.f_back, found, self._is_shown)
        else:
            self._running.clear()
        for each in reversed(new):
            self._begin(*each)
        return self._running[-1].visit if self._running else None

    def note_return(self, frames: Sequence[FrameType]) -> None:
        """Note that the last Value is what the lines return at which these calls are."""
        for running in self._running:
            running.visit.returns = running.frame in frames

    def _depth(self, frame: FrameType) -> int:
        """Return how many calls run down to that frame's; 0 if it is none of those known."""
        for depth in range(len(self._running), 0, -1):
            if self._running[depth - 1].frame is frame:
                return depth
        return 0

    def _begin(self, frame: FrameType, called: FrameType | None, line: int) -> None:
        file = frame.f_code.co_filename
        if file not in self._times:
            self._times[file] = time_of(file)
        caller, site = None, None
        if self._running:
            caller, site = self._running[-1].visit, self._running[-1].site
        is_around = frame in self._around
        call = Call(frame, caller, site, self._times[file], self.recording, is_around)
        visit = self._new_visit(call, frame, line)
        offset = start_of(frame.f_code, frame.f_lasti)
        self._running.append(Running(frame, call, visit, offset, offset, called))

    def _go_on(self, running: Running, called: FrameType | None, line: int) -> Visit:
        offset = start_of(running.call.code, running.frame.f_lasti)
        if line != running.visit.line or not self._is_same_run(running, called, offset):
            before = running.visit.bindings
            running.visit = self._new_visit(running.call, running.frame, line, before)
            running.start = offset
        elif offset == running.offset:
            return running.visit  # by the same call, whatever that has called
        running.offset, running.called = offset, called
        return running.visit

    def _is_same_run(self, running: Running, called: FrameType | None, offset: int) -> bool:
        """Return whether an instruction of the line belongs to the run that is going on."""
        code, before = running.call.code, running.offset
        if offset == before and called is running.called and not is_generator(called):
            return True
        stored = names_of_comprehension(code, (before, offset))
        if stored is None:
            if offset == before:
                if called is not running.called and not (
                    is_operator(called) and is_call(code, offset)
                ):
                    return False
                if not can_repeat(code, offset):
                    return True
            elif not can_follow(code, before, offset):
                return False
            elif is_straight(code, before, offset):
                return True
            stored = stored_between(code, running.start, offset)
        return are_bound_as_before(code, running.visit.bindings, running.frame, stored)

    def _new_visit(
        self, call: Call, frame: FrameType, line: int, before: tuple[object, ...] = ()
    ) -> Visit:
        place = call.code, line
        if place not in self._names:
            bound = bound_names(call.code)
            found = NAME.findall(linecache.getline(call.code.co_filename, line))
            on_line = [name for name in found if not name.startswith("__")]
            names = tuple(dict.fromkeys((*bound, *on_line)))
            self._names[place] = LineNames(names, frozenset(on_line))
        known, file = self._names[place], call.code.co_filename
        data = self._modules.setdefault(file, ModuleData())
        module = data.now(frame.f_globals)
        bound = bindings(known.names, frame, data.by_name, before)
        return Visit(call, line, known, bound, module)


def is_generator(called: FrameType | None) -> bool:
    """Return whether a frame is that of a generator, which goes on when it is asked for more."""
    return called is not None and bool(called.f_code.co_flags & CO_GENERATOR)


def is_operator(called: FrameType | None) -> bool:
    """Return whether a frame is that of an operator of Values, ``__add__`` or the like."""
    return called is not None and called.f_code in OPERATORS


def time_of(file: str) -> int | None:
    """Return when a file was last changed; None if it is not there."""
    try:
        return os.stat(file).st_mtime_ns
    except (OSError, ValueError):
        return None
