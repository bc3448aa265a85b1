"""Comparing floats by their bits, and counting the floats between two of them."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable

NAN_BITS = b"nan"
APART = 2**64  # more steps than there are floats: a number beside a nan


def bits(number: float) -> bytes:
    """Return a float's bits. Every nan has the same: which one it is, IEEE 754 leaves open.

    A gradient that is not computed counts as the 0.0 that it is to ``float``.
    """
    return NAN_BITS if math.isnan(number) else struct.pack(">d", float(number))


def same_bits(one: float, other: float) -> bool:
    """Return whether two floats are the same number, with 0.0 and -0.0 told apart."""
    return bits(one) == bits(other)


def all_bits(numbers: Iterable[float]) -> list[bytes]:
    """Return the bits of each number, for comparing whole lists in one assert."""
    return [bits(number) for number in numbers]


def steps_between(one: float, other: float) -> int:
    """Return how many floats one must be moved by to reach the other.

    0.0 and -0.0 are no step apart, an infinity is one step past the largest float, and a nan is
    at no distance from a nan and ``APART`` from anything else.
    """
    if math.isnan(one) or math.isnan(other):
        return 0 if math.isnan(one) and math.isnan(other) else APART
    return abs(_place(one) - _place(other))


def _place(number: float) -> int:
    """Return a float's place among all floats, counted from zero."""
    (pattern,) = struct.unpack(">q", struct.pack(">d", math.fabs(number)))
    return int(math.copysign(1.0, number)) * int(pattern)
