"""Learning-rate schedules: by what the rate is multiplied, as a function of the steps made so far.

An optimizer takes any function as ``schedule``, written in arithmetic that takes floats or Values
alike: ``step()`` asks it for a number, a program for an expression.  Choose with ``where``,
``minimum`` or ``clip`` rather than ``if``.  These are the closed forms of PyTorch's schedulers;
they raise ValueError if the number of steps is not a positive int, or gamma not 0 or more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from autodiff import clip, cos
from autodiff.ops import power
from autodiff.support.arguments import count_of, number_within

__all__ = ["CosineDecay", "ExponentialDecay", "LinearDecay"]


@dataclass(frozen=True, slots=True)
class _Decay:
    steps: int

    def __post_init__(self) -> None:
        count_of(self.steps, "steps")


@dataclass(frozen=True, slots=True)
class LinearDecay(_Decay):
    """From 1 to 0 in so many steps: ``LinearLR`` from 1.0 to 0.0.

    >>> [LinearDecay(4)(float(step)) for step in (0, 1, 4, 5)]
    [1.0, 0.75, 0.0, 0.0]
    """

    def __call__(self, step: Any) -> Any:
        """Return the factor of a step; the first is step 0."""
        return clip(1.0 - step / float(self.steps), 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class CosineDecay(_Decay):
    """From 1 to 0 in so many steps, as half a wave of the cosine: ``CosineAnnealingLR``.

    I. Loshchilov, F. Hutter (2017), without restarts.  Then it stays at 0; PyTorch's rises again.

    >>> [round(CosineDecay(4)(float(step)), 2) for step in (0, 1, 2, 4, 5)]
    [1.0, 0.85, 0.5, 0.0, 0.0]
    """

    def __call__(self, step: Any) -> Any:
        """Return the factor of a step; the first is step 0."""
        return 0.5 + 0.5 * cos(math.pi * clip(step / float(self.steps), 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class ExponentialDecay:
    """``gamma`` to the power of the step: ``ExponentialLR``.

    >>> [ExponentialDecay(0.5)(float(step)) for step in (0, 1, 2)]
    [1.0, 0.5, 0.25]
    """

    gamma: float

    def __post_init__(self) -> None:
        number_within(self.gamma, "gamma")

    def __call__(self, step: Any) -> Any:
        """Return the factor of a step; the first is step 0."""
        return power(self.gamma, step)
