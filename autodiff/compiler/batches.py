"""The order in which rows are visited: drawn here for every engine, so that all draw the same."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["batches_of", "row_order"]

Row = TypeVar("Row")


def row_order(count: int, shuffle: random.Random | None) -> list[int]:
    """Return the places of the rows in the order of one pass; as they stand if shuffle is None.

    >>> row_order(4, None)
    [0, 1, 2, 3]
    """
    order = list(range(count))
    if shuffle is not None:
        shuffle.shuffle(order)
    return order


def batches_of(rows: Sequence[Row], size: int) -> list[Sequence[Row]]:
    """Return the rows in batches of that size; the last may be smaller.

    >>> batches_of([1, 2, 3, 4, 5], 2)
    [[1, 2], [3, 4], [5]]
    """
    return [rows[start : start + size] for start in range(0, len(rows), size)]
