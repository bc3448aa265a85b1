"""The few statistics that a sweep's report needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

__all__ = ["quantile", "wilson_interval"]


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the limits of a share's confidence interval (E. B. Wilson, 1927).

    Unlike share ± 2 standard errors it stays within 0 and 1, and is right to have a width where
    all trials, or none, are successes.  Without trials nothing is known: (0.0, 1.0).

    >>> low, high = wilson_interval(81, 263)
    >>> round(low, 4), round(high, 4)
    (0.2553, 0.3662)
    """
    if not trials:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1.0 - share) / trials + z * z / (4 * trials * trials))
    scale = 1.0 + z * z / trials
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == trials else (centre + spread) / scale
    return low, high


def quantile(ascending: Sequence[float], share: float) -> float:
    """Return the smallest number that at least that share of the numbers does not exceed.

    It is one of the numbers, never a mean of two, so infinity may be among them.

    >>> quantile([1.0, 2.0, 4.0, math.inf], 0.5), quantile([1.0, 2.0, 4.0, math.inf], 1.0)
    (2.0, inf)
    """
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]
