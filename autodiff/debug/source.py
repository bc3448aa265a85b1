"""Where in the user's code each Value was made: file, line, and the name that it was given."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType

from autodiff import ops
from autodiff.debug.assignments import use_of_result
from autodiff.debug.visits import Visit, VisitRecorder
from autodiff.debug.walk import walk_through
from autodiff.operators import Operators
from autodiff.support import watch
from autodiff.support.frames import (
    ENGINE,
    LIBRARY,
    is_users,
    is_users_or_networks,
    users_frame,
)
from autodiff.support.origin import Origin
from autodiff.value import Value

__all__ = ["SourceRecorder", "record_source"]

NEW_LEAF = Value.__init__.__code__

# What is called in these files makes one Value, its result, besides constants.
SINGLE_RESULT = {
    NEW_LEAF.co_filename,
    Operators.__add__.__code__.co_filename,
    *(op.forward.__code__.co_filename for op in ops.OPERATIONS.values()),
}


@contextmanager
def record_source(*, library: bool = False, visits: bool = True) -> Iterator[None]:
    """Let every Value made in a ``with`` block remember where it was made.

    Its ``origin`` then has the file and line of the code that made it, the innermost outside of
    this library, and, where that code assigns it to a plain name (``h = w * x``), the name.
    ``repr``, ``explain``, pictures, traces and errors show them; a label comes before a name.

    In a debugger, ``backward()`` of what was made so goes back through these lines, the last first:
    see :mod:`autodiff.debug.walk`.  With ``library=True`` the lines of ``nn`` are among them, such
    as those of a layer and of a loss; else they count as the line of yours that called them.  Only
    that needs which run of its line made a Value, and so do names by place (``logits[3]``):
    ``visits=False`` leaves it out, which is twice as fast.

    Only what the block's own thread makes is recorded.  Of nested blocks the outermost counts.
    Inside, a Value takes ten to twenty times as long to make; outside, nothing is slower.

    >>> with record_source():
    ...     w, x = Value(3.0), Value(2.0)
    ...     product = w * x
    >>> product.name, product.origin.line, [parent.name for parent in product.parents]
    ('product', 3, ['w', 'x'])
    """
    if any(isinstance(watcher, SourceRecorder) for watcher in watch.watchers()):
        yield
        return
    recorder = SourceRecorder(library, visits)
    watch.note_recording(recorder.visits.recording)
    with watch.watching(recorder):
        try:
            yield
        finally:
            recorder.settle()


class SourceRecorder(watch.Watcher):
    """Gives each new Value its place in the user's code.

    A call may make many Values, of which the last is usually its result.  So the last one gets
    the name, and keeps it if the name is indeed bound to it once the next Value is made.
    """

    def __init__(self, library: bool = False, with_visits: bool = True) -> None:
        self.hidden = (ENGINE,) if library else LIBRARY
        self.with_visits = with_visits
        self.visits = VisitRecorder(is_users_or_networks if library else is_users)
        self._visit: Visit | None = None
        self._known: dict[tuple[object, ...], Origin] = {}
        self._of_visit: dict[int, Origin] = {}
        self._unsettled: tuple[Value, FrameType, str] | None = None

    def made(self, node: Value) -> None:
        """Record where a new Value comes from."""
        self.settle()
        called: FrameType | None = None
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename.startswith(self.hidden):
            called = frame
            frame = frame.f_back
        if frame is None:
            return
        below = None if called is None else called.f_code
        name, returning = "", list[FrameType]()
        if node.parents or below is NEW_LEAF:
            name = self._name(node, frame, below, returning)
        origin = self._origin(node.origin, frame.f_code.co_filename, frame.f_lineno, name)
        if self.with_visits and not origin.constant:
            origin = self._at_visit(origin, frame, called)
            self.visits.note_return(returning)
        node.origin = origin

    def settle(self) -> None:
        """Take the last name back if it is not bound to its Value."""
        if self._unsettled is None:
            return
        node, frame, name = self._unsettled
        self._unsettled = None
        bound = frame.f_locals.get(name, frame.f_globals.get(name))
        named = node.origin
        if bound is node or named.name != name:
            return
        node.origin = named.changed(name="")

    def _name(
        self, node: Value, frame: FrameType, below: CodeType | None, returning: list[FrameType]
    ) -> str:
        """Return the name that the frame, or one that it returns to, gives the Value.

        The frames that return it are added to ``returning``.
        """
        use = use_of_result(frame.f_code, frame.f_lasti)
        certain = use is not None and use.is_certain and makes_one_value(below, use.is_call)
        while use is not None and not use.name:  # it is returned
            certain = False
            returning.append(frame)
            caller = users_frame(frame.f_back, self.hidden)
            if caller is None:
                return ""
            frame = caller
            use = use_of_result(frame.f_code, frame.f_lasti)
        if use is None:
            return ""
        if not certain:
            self._unsettled = node, frame, use.name
        return use.name

    def _origin(self, base: Origin, file: str, line: int, name: str) -> Origin:
        if base.given is not None:  # each node that was made by hand has its own
            return base.changed(file=file, line=line, name=name)
        key = (file, line, name, base.op, base.constant, base.module, base.label, base.symbol)
        origin = self._known.get(key)
        if origin is None:
            origin = self._known[key] = base.changed(file=file, line=line, name=name)
        return origin

    def _at_visit(self, origin: Origin, frame: FrameType, called: FrameType | None) -> Origin:
        """Return an origin with the run of the line that is going on; its nodes share it."""
        visit = self.visits.visit(frame, called)
        if visit is not self._visit:
            self._visit = visit
            self._of_visit = {}
        shared = self._of_visit.get(id(origin))
        if shared is None:
            shared = origin.changed(visit=visit)
            if origin.given is None:  # those that are have one id for ever, as they are known
                self._of_visit[id(origin)] = shared
        return shared


def makes_one_value(code: CodeType | None, is_call: bool) -> bool:
    """Return whether what the user's expression runs, a call or an operator, makes one Value."""
    if code is None or code.co_filename not in SINGLE_RESULT:
        return False
    is_operator = code.co_name.startswith("__") and code is not NEW_LEAF
    return is_operator is not is_call


watch.walk_through = walk_through
