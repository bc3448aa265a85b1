"""Who looks on while graphs are built and differentiated: normally nobody.

Then ``on_new_value`` and ``on_backward`` are None, and the birth of a Value and ``backward()``
cost one look at them.  A :class:`Watcher` sees all that its own thread does; hooks see what
happens to one Value.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

from autodiff.support.breakpoints import Breakpoint, Event, breakpoint_at
from autodiff.support.convert import describe
from autodiff.support.frames import debugger_looks_on
from autodiff.support.hooks import GradientHook, Hooks
from autodiff.support.origin import Origin

__all__ = [
    "Handle",
    "Watcher",
    "break_on",
    "goes_by_steps",
    "hooks_of",
    "register_hook",
    "watchers",
    "watching",
]

# Called with each new Value, and in the place of backward(), while somebody looks on.
on_new_value: Callable[[Any], None] | None = None
on_backward: Callable[[Any, float], bool] | None = None

# The origins of new nodes by operation: of the module whose call is running (autodiff.support.
# made_by).  They are one for all threads, as a look at each thread's own would cost as much as the
# node.  Where two threads call modules at the same time, a node may get the other's; pictures
# alone show it.
_running: Mapping[Any, Origin] | None = None

# Does a backward pass step by step; autodiff.debug.steps, which is above Value, puts it here.
step_through: Callable[[Any, float], None] | None = None

# Does it through the lines that made the graph; autodiff.debug.source puts it here.
walk_through: Callable[[Any, float], None] | None = None


# ---- Watchers: one thread, every Value ------------------------------------------------------


class Watcher:
    """Looks on in one thread. An exception that it raises stops what it looks at."""

    sees_values = True
    sees_backward = False
    sees_passes = False

    def made(self, node: Any) -> None:
        """Called with each new Value, if ``sees_values``."""

    def begins(self, root: Any, changes: Any) -> None:
        """Called before a pass, if ``sees_backward``, with what is out of date in its graph."""

    def contributes(self, contribution: Any) -> None:
        """Called with each contribution once it is added, if ``sees_backward``."""

    def starts(self, root: Any, gradient: float) -> None:
        """Called before a pass changes any gradient, if ``sees_passes``."""

    def ends(self, order: Any) -> None:
        """Called where a pass of steps has the sums of this pass alone, if ``sees_passes``."""

    def abandons(self) -> None:
        """Called where a pass of steps has been undone, if ``sees_passes``."""


class _Thread(threading.local):
    watchers: tuple[Watcher, ...] = ()


_thread = _Thread()
_watching: list[Watcher] = []  # in all threads
_alive: weakref.WeakSet[Hooks] = weakref.WeakSet()  # those with something in them
_has_hooks = False  # whether there were any at the last switch, which is faster to ask
_recordings: weakref.WeakSet[Any] = weakref.WeakSet()  # those of which there are Values
_lock = threading.RLock()


def watchers() -> tuple[Watcher, ...]:
    """Return those that look on in this thread, the outermost ``with`` first."""
    return _thread.watchers


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Let a watcher look on at what this thread does in a ``with`` block."""
    _thread.watchers += (watcher,)
    with _lock:
        _watching.append(watcher)
        _switch()
    try:
        yield
    finally:
        _thread.watchers = tuple([other for other in _thread.watchers if other is not watcher])
        with _lock:
            _watching.remove(watcher)
            _switch()


def note_recording(recording: Any) -> None:
    """Look at whether a graph has recorded lines as long as there is that recording."""
    with _lock:
        _recordings.add(recording)
        _switch()


# ---- Hooks: one Value, every thread ---------------------------------------------------------

_serial = count()


class Handle:
    """What registering a hook returns: ``handle.remove()`` ends it, as leaving ``with`` does."""

    __slots__ = ("_hooks", "_key")

    def __init__(self, hooks: Hooks, key: int) -> None:
        self._hooks = weakref.ref(hooks)
        self._key = key

    def remove(self) -> None:
        """Remove the hook; a second time, or after the Value is gone, this does nothing."""
        hooks = self._hooks()
        if hooks is not None:
            with _lock:
                hooks.functions.pop(self._key, None)
                hooks.breakpoints.pop(self._key, None)
                if not hooks:
                    _alive.discard(hooks)
                _switch()

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def hooks_of(node: Any) -> Hooks | None:
    """Return a Value's hooks, or None if it has none."""
    origin: Origin = node.origin
    return origin.hooks or None


def has_hooks(root: Any) -> bool:
    """Return whether any node of a graph has hooks."""
    met = {root}
    nodes = [root]
    for node in nodes:  # which grows meanwhile
        if hooks_of(node):
            return True
        for parent in node.parents:
            if parent not in met:
                met.add(parent)
                nodes.append(parent)
    return False


def register_hook(node: Any, function: GradientHook) -> Handle:
    """Call a function with the Value's gradient whenever a backward pass completes it."""
    if not callable(function):
        raise TypeError(f"register_hook needs a function, but got {describe(function)}")
    _check_gets_gradient(node)
    return _register(node, function, None)


def break_on(node: Any, event: Event, when: str | None, log: bool) -> Handle:
    """Open the debugger whenever that happens to the Value, or write a line."""
    found = breakpoint_at(event, when, log)
    if not event.startswith("forward"):
        _check_gets_gradient(node)
    return _register(node, None, found)


def _check_gets_gradient(node: Any) -> None:
    if node.is_constant:
        raise ValueError(f"{node!r} is a constant: it gets no gradient, so no hook would be called")


def _register(node: Any, function: GradientHook | None, stop: Breakpoint | None) -> Handle:
    key = next(_serial)
    with _lock:
        hooks = node.origin.hooks or Hooks()
        if function is not None:
            hooks.functions[key] = function
        if stop is not None:
            hooks.breakpoints[key] = stop
        node.origin = node.origin.changed(hooks=hooks)
        _alive.add(hooks)
        _switch()
    return Handle(hooks, key)


# ---- Looking on -----------------------------------------------------------------------------


def _switch() -> None:
    """Look on if there is anybody to look on, and only then."""
    global on_new_value, on_backward, _has_hooks  # noqa: PLW0603 (for the whole process)
    _has_hooks = bool(_alive)
    breakpoints = any(hooks.breakpoints for hooks in _alive)
    if breakpoints or any(watcher.sees_values for watcher in _watching):
        on_new_value = _new_value
    else:
        on_new_value = None if _running is None else _name_node
    sees_backward = any(watcher.sees_backward or watcher.sees_passes for watcher in _watching)
    on_backward = _backward if sees_backward or _alive or _recordings else None


def name_nodes(origins: Mapping[Any, Origin] | None) -> None:
    """Give the nodes made from now on these origins, by operation; None ends that."""
    global _running, on_new_value  # noqa: PLW0603 (two switches for the whole process)
    _running = origins
    if on_new_value is not _new_value:
        on_new_value = None if origins is None else _name_node


def _name_node(node: Any) -> None:
    if node.parents and _running is not None:
        given = node.origin.given
        node.origin = _running[node.origin.op]
        if given is not None:
            node.origin = node.origin.changed(given=given)


def _switch_off_if_alone() -> None:
    """Stop looking on once the last hook, or recorded line, has gone with its Value."""
    if not (_alive or _recordings):
        with _lock:
            _switch()


def _new_value(node: Any) -> None:
    if _running is not None:
        _name_node(node)
    for watcher in _thread.watchers:
        watcher.made(node)
    if _has_hooks and node.parents:
        for parent in dict.fromkeys(node.parents):
            hooks = hooks_of(parent)
            if hooks is not None:
                hooks.is_used(node)
    if not _watching:
        _switch_off_if_alone()


def goes_by_steps(root: Any) -> bool:
    """Return whether a pass has to be done step by step: for who looks on, or for hooks."""
    if any(watcher.sees_backward for watcher in _thread.watchers):
        return True
    _switch_off_if_alone()
    return bool(_alive) and has_hooks(root)


def _backward(root: Any, gradient: float) -> bool:
    """Do the pass step by step if somebody looks on; return whether that was so."""
    if root.origin.visit is not None and debugger_looks_on():
        assert walk_through is not None, "autodiff.debug.source is imported with autodiff"
        walk_through(root, gradient)
        return True
    if not goes_by_steps(root):
        for watcher in _thread.watchers:
            watcher.starts(root, gradient)
        return False
    assert step_through is not None, "autodiff.debug.steps is imported with autodiff"
    step_through(root, gradient)
    return True
