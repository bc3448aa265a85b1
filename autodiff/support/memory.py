"""Large graphs, and Python's cyclic garbage collector.

A graph has no reference cycles, so plain reference counting frees it.  But the collector looks
through what is new whenever 700 more objects have come than gone, and through everything now and
then, in vain: while a graph of 40,000 nodes is built again and again, that takes longer than the
arithmetic.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["CollectorPace", "collector_paused"]

# A node is two objects, itself and the tuple of its parents, so the collector looks again once
# there are about three times as many nodes.
OBJECTS_A_VALUE = 4
MOST_OBJECTS = 300_000

# No count of references to a class, but what newer Pythons have for one that lives for ever.
UNCOUNTED = 1 << 30


class CollectorPace:
    """Lets the collector come more rarely the more instances of a class there are.

    After each collection the next one is put off until as many new objects have come as there are
    four times instances, at most 300,000; never less than the interpreter's own number.  So each
    object of a growing graph is looked at about once.  Garbage in cycles that other code makes
    waits for no more than that many objects; with few instances nothing changes.

    While the thresholds are neither the interpreter's own nor what was set here, they are somebody
    else's and stay.
    """

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.usual = self.current = gc.get_threshold()
        gc.callbacks.append(self)

    def __call__(self, phase: str, _: dict[str, int]) -> None:
        """Set when the collector comes next; it calls this before and after each collection."""
        try:
            if phase == "stop":
                self.set_threshold()
        except RecursionError:  # it may come in the last frame that a deep recursion has
            pass

    def set_threshold(self) -> None:
        """Set how many objects have to come before the next collection."""
        now = gc.get_threshold()
        if now not in (self.usual, self.current):
            return
        instances = sys.getrefcount(self.kind)  # each has a reference to its class
        usual, *others = self.usual
        if usual > 0 and instances < UNCOUNTED:
            wanted = max(usual, min(OBJECTS_A_VALUE * instances, MOST_OBJECTS))
            if not now[0] // 2 <= wanted <= now[0]:
                gc.set_threshold(wanted, *others)
                self.current = gc.get_threshold()


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause Python's cyclic garbage collector for a ``with`` block.

    It comes rarely while large graphs are built, and so costs little; here it does not come at
    all.  Cyclic garbage that other code makes meanwhile is collected after the block.  Blocks may
    be nested: the outermost ends the pause.

    >>> with collector_paused():
    ...     with collector_paused():
    ...         pass
    ...     gc.isenabled()
    False
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
