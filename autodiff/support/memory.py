"""Large graphs, and Python's cyclic garbage collector.

A graph has no reference cycles, so plain reference counting frees it.  But the collector looks
through what is new whenever 700 more objects have come than gone, and through everything now and
then, in vain: while a graph of 40,000 nodes is built again and again, that takes longer than the
arithmetic.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collector_paused", "let_the_collector_come_rarely"]

# What the interpreters' own thresholds are, and after how many new objects it comes here.  A graph
# that is built again and again then costs about a seventh more than without any collection; at
# 10,000 it is a half, at 700 as much again.  Garbage in cycles of other code waits for as many.
PYTHONS_OWN = ((700, 10, 10), (2_000, 10, 10), (2_000, 10, 0))
OBJECTS = 50_000


def let_the_collector_come_rarely() -> None:
    """Let it look at new objects after 50,000 of them, unless somebody has set a number already.

    Nothing follows the number of Values: what the collector calls at its turns is where an
    interrupt that came meanwhile would get lost.
    """
    thresholds = gc.get_threshold()
    if thresholds in PYTHONS_OWN:
        gc.set_threshold(OBJECTS, *thresholds[1:])


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
