"""Numbers of a whole graph as text that is short, and quick to read in a browser."""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Iterable, Sequence

__all__ = ["packed_counts", "packed_differences", "packed_floats"]


def packed_floats(numbers: Sequence[float]) -> str:
    """Return numbers to the last bit: eight bytes each, the lowest first, in base 64.

    >>> packed_floats([1.0])
    'AAAAAAAA8D8='
    """
    return b64encode(struct.pack(f"<{len(numbers)}d", *numbers)).decode()


def packed_counts(counts: Iterable[int]) -> str:
    """Return whole numbers, 0 or more, in base 64: seven bits a byte, the lowest first (LEB128).

    >>> packed_counts([1, 300])
    'AawC'
    """
    found = bytearray()
    for count in counts:
        rest = count
        while rest > 127:
            found.append(rest & 127 | 128)
            rest >>= 7
        found.append(rest)
    return b64encode(found).decode()


def packed_differences(counts: Iterable[int]) -> str:
    """Return whole numbers by how much each is above the one before, or below it.

    A difference d is written as 2 d, or as -2 d - 1 where it is negative.

    >>> packed_differences([1, 2, 1]) == packed_counts([2, 2, 1])
    True
    """
    found, before = [], 0
    for count in counts:
        difference = count - before
        found.append(2 * difference if difference >= 0 else -2 * difference - 1)
        before = count
    return packed_counts(found)
