"""Passes over rows: their order is drawn here for every engine, so that all draw the same."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["Passes", "batches_of", "row_order"]

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Passes:
    """``n`` passes over rows, in batches, each in an order that ``shuffle`` draws."""

    n: int
    rows: Sequence[Any]
    batch_size: int
    shuffle: random.Random | None

    @property
    def batches(self) -> int:
        """How many batches these are, in all passes."""
        return self.n * -(-len(self.rows) // self.batch_size)


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
