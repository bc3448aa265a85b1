"""Building very large graphs without Python's cyclic garbage collector in the way."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collector_paused"]


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause Python's cyclic garbage collector for a ``with`` block.

    A graph has no reference cycles, so plain reference counting frees it; but the collector
    looks through every live object again and again, and from about 100,000 nodes on that takes
    longer than the arithmetic.  In this block the cost of a node stays the same however many
    there are.  Cyclic garbage that other code makes meanwhile is collected after it.  Blocks may
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
