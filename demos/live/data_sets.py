"""The data sets that a network of the page can be trained on: two inputs, targets 0 and 1."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from demos.moons_data import make_moons

__all__ = ["DATA_SETS", "DataSet"]

CORNERS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
DIGITS = 3  # behind the point


@dataclass(frozen=True)
class DataSet:
    """Rows of two inputs and a target."""

    title: str
    rows: tuple[tuple[float, float, float], ...]


def gate(title: str, *targets: float) -> DataSet:
    """Return the data set of a logical operation.

    >>> gate("AND", 0.0, 0.0, 0.0, 1.0).rows[-1]
    (1.0, 1.0, 1.0)
    """
    rows = tuple((x1, x2, target) for (x1, x2), target in zip(CORNERS, targets, strict=True))
    return DataSet(title, rows)


def rounded(title: str, rows: list[tuple[float, float, float]]) -> DataSet:
    return DataSet(title, tuple((round(a, DIGITS), round(b, DIGITS), y) for a, b, y in rows))


def moons(count: int) -> DataSet:
    """Return two moons; the lower one has target 1."""
    x, y = make_moons(count, 0.1, random.Random(0))
    rows = [(a, b, float(target > 0.0)) for (a, b), target in zip(x, y, strict=True)]
    return rounded("two moons", rows)


def rings(count: int) -> DataSet:
    """Return points about a circle of radius 0.35, with target 1, and about one of radius 1."""
    rng, rows = random.Random(0), []
    for row in range(count):
        inner = row % 2 == 1
        angle = 2.0 * math.pi * (row // 2) / (count // 2)
        radius = (0.35 if inner else 1.0) + rng.gauss(0.0, 0.06)
        rows.append((radius * math.cos(angle), radius * math.sin(angle), float(inner)))
    return rounded("rings", rows)


def spiral(count: int) -> DataSet:
    """Return two arms that wind around each other, one turn each."""
    rng, rows = random.Random(0), []
    for row in range(count):
        second, part = row % 2 == 1, (row // 2 + 1) / (count // 2)
        angle = 2.0 * math.pi * part + (math.pi if second else 0.0)
        x1, x2 = (part * turn(angle) + rng.gauss(0.0, 0.02) for turn in (math.cos, math.sin))
        rows.append((x1, x2, float(second)))
    return rounded("spiral", rows)


DATA_SETS = {
    "xor": gate("XOR", 0.0, 1.0, 1.0, 0.0),
    "and": gate("AND", 0.0, 0.0, 0.0, 1.0),
    "or": gate("OR", 0.0, 1.0, 1.0, 1.0),
    "moons": moons(60),
    "rings": rings(60),
    "spiral": spiral(80),
}
