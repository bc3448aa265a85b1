"""Noticing code that looks at numbers, or draws them, while it builds a graph.

A graph has the operations that code did, not the code.  Whoever runs the operations again, with
other numbers, does what the code would do only if the code never looked at a Value's number: no
``if x > 0``, no ``math.exp(x)``, no ``x.data``; and if it drew no random number.  ``noticing``
watches some code for that.  It does not matter who calls it: a model, a loss, an optimizer's
rule, the rule of an operation.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from numbers import Real
from types import FrameType
from typing import Any

from autodiff.support import watch
from autodiff.support.frames import ENGINE, LIBRARY, PYTHON, code_at, shown_place

__all__ = ["COMPARES", "Look", "Notes", "is_compared", "noticing", "unnoticed", "watch_too"]

INSTALLED = ("site-packages", "dist-packages")

COMPARES = "compares a Value's number"
READS = "reads a Value's number"
COPIES = "copies a Value, and so its number"
DRAWS_NUMBERS = "draws a random number"
STARTS_A_THREAD = "starts a thread, in which nothing is noticed"

# The files that read most numbers, which is not noted: asked first, as it takes least.
READERS = (ENGINE + "operators.py", ENGINE + "value.py")

# So many nodes are marked for a comparison: an expression that is only compared is short, and a
# whole graph would take as long as computing it.
NEAREST = 12

# The functions of random.Random in C that all others draw with; and those in Python that draw
# nothing, where all others may, if only what the last call has left over.
DRAWS = ("random", "getrandbits", "urandom")
DRAW_NOTHING = ("__init__", "__reduce__", "getstate", "seed", "setstate")

# The functions of Python's that let another thread, or process, do something.
THREADS = {
    ("start", "threading.py"),
    ("submit", os.path.join("concurrent", "futures", "thread.py")),
    ("submit", os.path.join("concurrent", "futures", "process.py")),
}


# Names of all these: what has another one need not be looked at, which would take longer.
NAMES = {"start", "submit", *vars(random.Random), *vars(random.SystemRandom)}


@dataclass(frozen=True, slots=True)
class Look:
    """What some code did with a number, and where.

    >>> print(Look("compares a Value's number", "net.py", 12))
    net.py:12 compares a Value's number
    """

    what: str
    file: str
    line: int

    def __str__(self) -> str:
        code = code_at(self.file, self.line)
        return f"{shown_place(self.file, self.line)} {self.what}" + (f" (`{code}`)" if code else "")


@dataclass(slots=True)
class Notes:
    """The looks at numbers, in their order, and the generators that were drawn from.

    ``states`` has what each generator was before, so that ``rewind`` can undo the draws.  With
    ``counts_texts``, a Value as a text, in a set, or as a dict's key is a look.
    """

    counts_texts: bool = False

    looks: list[Look] = field(default_factory=list)
    states: dict[random.Random, Any] = field(default_factory=dict)

    def failed(self, error: Exception) -> None:
        """Note that the code stopped with an error, at the user's innermost line."""
        place, traceback = ("", 0), error.__traceback__
        while traceback is not None:
            file = traceback.tb_frame.f_code.co_filename
            if is_users(file) or not place[0]:
                place = file, traceback.tb_lineno
            traceback = traceback.tb_next
        self.looks.append(Look(f"fails on Values ({type(error).__name__}: {error})", *place))

    def rewind(self) -> None:
        """Let the generators be as if nothing had been drawn."""
        for generator, state in self.states.items():
            generator.setstate(state)


class _Thread(threading.local):
    notes: Notes | None = None
    watcher: _Watching | None = None


# How many ``with`` blocks notice, in all threads: a comparison looks here before anything else.
blocks = 0

_thread = _Thread()
_lock = threading.RLock()  # a Value can be watched for one only


@contextmanager
def noticing(values: Iterable[Any], counts_texts: bool = False) -> Iterator[Notes]:
    """Note who looks at numbers in a ``with`` block: at these Values', or those of new ones.

    Constants do not count, and neither does the library's own code.  Only what the block's own
    thread does is noted.  ``counts_texts`` is for code that may get numbers in the place of the
    Values, or make keys of them: then ``repr``, a format and ``hash`` count too.

    >>> from autodiff import Value
    >>> x = Value(3.0)
    >>> with noticing([x]) as notes:
    ...     y = 2 * x if x > 0 else x
    >>> [look.what for look in notes.looks]
    ["compares a Value's number"]
    """
    global blocks  # noqa: PLW0603 (one switch for the whole process)
    notes = Notes(counts_texts)
    with _lock:
        blocks += 1
        outer = _thread.notes, _thread.watcher
        watcher = _Watching(is_inner=outer[0] is not None)
        _thread.notes, _thread.watcher = notes, watcher
        try:
            for value in values:
                watcher.made(value)
            with watch.watching(watcher), _draws_noted(notes):
                yield notes
        finally:
            try:
                watcher.end()
            finally:
                watcher.end()
                blocks -= 1
                _thread.notes, _thread.watcher = outer


@contextmanager
def unnoticed() -> Iterator[None]:
    """Let nothing be noted in a ``with`` block, whose code is the library's: it is faster so."""
    outer, profiler = _thread.notes, sys.getprofile()
    _thread.notes = None
    if isinstance(profiler, _Draws):
        sys.setprofile(profiler.outer)
    try:
        yield
    finally:
        _thread.notes = outer
        if isinstance(profiler, _Draws):
            sys.setprofile(profiler)


def watch_too(values: Iterable[Any]) -> None:
    """Let looks at these Values be noted too, if anybody in this thread notices looks."""
    for value in values:
        if _thread.watcher is not None:
            _thread.watcher.made(value)


def note(what: str, frame: FrameType, notes: Notes | None = None) -> None:
    """Note what a frame does, if somebody in this thread wants to know and it is the user's."""
    notes = notes or _thread.notes
    if notes is not None and not frame.f_code.co_filename.startswith(LIBRARY):
        file, line = users_place(frame)
        notes.looks.append(Look(what, file, line))


def note_text(what: str, frame: FrameType) -> None:
    """Note what gives a Value's number away, or not, as a text or a key."""
    if _thread.notes is not None and _thread.notes.counts_texts:
        note(what, frame)


def users_place(frame: FrameType) -> tuple[str, int]:
    """Return file and line of the innermost frame that is neither Python's own nor the library's.

    If there is none, it is this frame itself.
    """
    outer: FrameType | None = frame
    while outer is not None:
        if is_users(outer.f_code.co_filename):
            return outer.f_code.co_filename, outer.f_lineno
        outer = outer.f_back
    return frame.f_code.co_filename, frame.f_lineno


def is_users(file: str) -> bool:
    """Return whether a file is neither Python's own nor the library's."""
    is_pythons = file.startswith(PYTHON) and not any(part in file for part in INSTALLED)
    return not is_pythons and not file.startswith((*LIBRARY, "<frozen"))


# ---- Comparisons: noted at the Value itself, as a graph may be compiled later -----------------


def is_compared(nodes: Iterable[Any], frame: FrameType) -> None:
    """Note that a frame compares these Values' numbers: for who notices, else in their origin."""
    counted = [node for node in nodes if not node.origin.constant]
    if _thread.notes is not None:
        if counted:
            note(COMPARES, frame)
        return
    news = [node for node in counted if node.origin.compared is None]
    if news and not frame.f_code.co_filename.startswith(LIBRARY):
        mark(news, users_place(frame))


def mark(nodes: list[Any], place: tuple[str, int]) -> None:
    """Note at nodes, and at those nearest that they were computed from, that a place compares them.

    Of ``abs(e) < 1.0`` no graph has ``abs(e)``, but it has e.
    """
    nearest = list(nodes)
    for node in nearest:
        if not node.origin.constant and node.origin.compared is None:
            node.origin = node.origin.changed(compared=place)
            nearest += node.parents[: max(0, NEAREST - len(nearest))]


# ---- Numbers that leave: while it is noticed, a Value is of a class that tells --------------


class Watched:
    """What is put before a Value's own class: it does the same, and tells who looks."""

    __slots__ = ()

    @property
    def data(self) -> Any:
        """The number."""
        frame = sys._getframe(1)
        if frame.f_code.co_filename not in READERS:
            note(READS, frame)
        return super().data  # type: ignore[misc]

    @data.setter
    def data(self, number: Any) -> None:
        note("sets a Value's number", sys._getframe(1))
        super(Watched, type(self)).data.__set__(self, number)  # type: ignore[misc]

    @property
    def grad(self) -> Any:
        """The gradient."""
        note("reads a Value's gradient", sys._getframe(1))
        return super().grad  # type: ignore[misc]

    @grad.setter
    def grad(self, gradient: Any) -> None:
        super(Watched, type(self)).grad.__set__(self, gradient)  # type: ignore[misc]

    @property
    def _local_grads(self) -> Any:
        note("reads a Value's local derivatives", sys._getframe(1))
        return super()._local_grads  # type: ignore[misc]

    def __copy__(self) -> Any:
        note(COPIES, sys._getframe(1))
        return super().__copy__()  # type: ignore[misc]

    def __reduce__(self) -> Any:
        note(COPIES, sys._getframe(1))
        return super().__reduce__()

    def __float__(self) -> float:
        note("turns a Value into a float", sys._getframe(1))
        return super().data  # type: ignore[misc, no-any-return]

    def item(self) -> float:
        note(READS, sys._getframe(1))
        return super().item()  # type: ignore[misc, no-any-return]

    def detach(self) -> Any:
        note(READS, sys._getframe(1))
        return super().detach()  # type: ignore[misc]

    def __bool__(self) -> bool:
        note("asks whether a Value is true", sys._getframe(1))
        return bool(super().data)  # type: ignore[misc]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Real):
            note(COMPARES, sys._getframe(1))
        return super().__eq__(other)

    def __hash__(self) -> int:
        if _thread.notes is not None and _thread.notes.counts_texts:
            note("uses a Value as a key, where its number would be another", sys._getframe(1))
        return super().__hash__()

    def __repr__(self) -> str:
        note_text("makes a text of a Value", sys._getframe(1))
        return super().__repr__()

    def __format__(self, specification: str) -> str:
        note_text("makes a text of a Value", sys._getframe(1))
        return super().__format__(specification)


@cache
def watched(kind: type[Any]) -> type[Any]:
    """Return the class of a watched Value of that class."""
    return type(kind.__name__, (Watched, kind), {"__slots__": (), "__module__": kind.__module__})


class _Watching(watch.Watcher):
    """Gives Values a class that tells, and takes it back."""

    def __init__(self, is_inner: bool) -> None:
        self.is_inner = is_inner
        self.kinds: list[tuple[Any, type[Any]]] = []

    def made(self, node: Any) -> None:
        if not (_thread.notes is None or node.origin.constant):
            kind = type(node)
            is_watched = Watched in kind.__mro__  # where it is called, profiling takes longest
            # Operators make what their operand is. Who notices around this one has such Values too.
            own = kind.__mro__[2] if is_watched and not self.is_inner else kind
            self.kinds += ((node, own),)
            if not is_watched:
                node.__class__ = watched(kind)  # type: ignore[arg-type]

    def end(self) -> None:
        """Give all of them their own class again."""
        while self.kinds:  # so that it can be done again if it is interrupted
            node, kind = self.kinds[-1]
            node.__class__ = kind
            self.kinds.pop()


# ---- Random numbers -------------------------------------------------------------------------


@contextmanager
def _draws_noted(notes: Notes) -> Iterator[None]:
    """Note each generator of ``random`` before it is drawn from, and what the system draws.

    What Python offers to profilers tells of every call, also of a generator that is hidden in some
    object.  While a profiler that is no Python function is at work, draws are not noted.
    """
    outer = sys.getprofile()
    if outer is not None and not callable(outer):
        yield
        return
    sys.setprofile(_Draws(notes, outer))
    try:
        yield
    finally:
        sys.setprofile(outer)


class _Draws:
    """Called at each call in a thread, and each return."""

    def __init__(self, notes: Notes, outer: Any) -> None:
        self.notes = notes
        self.outer = outer

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            if frame.f_code.co_name in NAMES:
                file, name = frame.f_code.co_filename, frame.f_code.co_name
                if file == random.__file__ and name not in DRAW_NOTHING:
                    self.drawn_from(frame.f_locals.get("self"), frame)
                elif (name, file.removeprefix(PYTHON)) in THREADS:
                    note(STARTS_A_THREAD, frame, self.notes)
        elif event == "c_call" and getattr(argument, "__name__", "") in DRAWS:
            if argument is os.urandom:
                note(DRAWS_NUMBERS, frame, self.notes)
            else:
                self.drawn_from(getattr(argument, "__self__", None), frame)
        if self.outer is not None:
            self.outer(frame, event, argument)

    def drawn_from(self, generator: Any, frame: FrameType) -> None:
        """Note a draw, if it is one from a generator of Python's, and its state before."""
        if isinstance(generator, random.Random):
            has_state = not isinstance(generator, random.SystemRandom)
            if has_state and generator not in self.notes.states:
                self.notes.states[generator] = generator.getstate()
            # The library's own draws count, too: dropout is the user's, who has put it there.
            self.notes.looks.append(Look(DRAWS_NUMBERS, *users_place(frame)))
