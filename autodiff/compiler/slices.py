"""Long runs in slices, so that Ctrl-C is heard and progress can be shown."""

from __future__ import annotations

import time
from collections.abc import Iterator

__all__ = ["slices"]

SECONDS_A_SLICE = 0.1


def slices(n: int) -> Iterator[int]:
    """Yield counts that add up to n, each for about a tenth of a second of the caller's work.

    The first is 1; each next is scaled by how long the last one took.

    >>> sum(slices(1000))
    1000
    """
    count = 1
    while n > 0:
        count = min(count, n)
        began = time.perf_counter()
        yield count
        n -= count
        seconds = max(time.perf_counter() - began, 1e-9)
        count = max(1, min(64 * count, round(count * SECONDS_A_SLICE / seconds)))
