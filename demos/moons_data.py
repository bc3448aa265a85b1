"""Two moons: the data set that a straight line cannot separate, made from a seed."""

from __future__ import annotations

import math
import random

__all__ = ["make_moons"]


def make_moons(
    rows: int, noise: float, rng: random.Random
) -> tuple[list[list[float]], list[float]]:
    """Return rows of two inputs, and a target for each: -1.0 upper moon, 1.0 lower moon.

    Each moon is half of a circle of radius 1; the upper one is centred on (0, 0), the lower one
    on (1, 0.5).  The points are evenly spaced along it, then moved by Gaussian noise with standard
    deviation ``noise``.  Rows of the two moons alternate.  The same generator state gives the same
    rows.

    >>> x, y = make_moons(4, 0.0, random.Random(0))
    >>> [[round(number, 3) + 0.0 for number in row] for row in x], y
    ([[1.0, 0.0], [0.0, 0.5], [-1.0, 0.0], [2.0, 0.5]], [-1.0, 1.0, -1.0, 1.0])
    """
    x, y = [], []
    for row in range(rows):
        upper = row % 2 == 0
        of_this_moon = (rows + 1) // 2 if upper else rows // 2
        angle = math.pi * (row // 2) / max(of_this_moon - 1, 1)
        x1, x2 = math.cos(angle), math.sin(angle)
        if not upper:
            x1, x2 = 1.0 - x1, 0.5 - x2
        x.append([x1 + rng.gauss(0.0, noise), x2 + rng.gauss(0.0, noise)])
        y.append(-1.0 if upper else 1.0)
    return x, y
