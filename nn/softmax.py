"""Softmax and its logarithm: scores as probabilities, of classes or of where attention looks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import reduce
from numbers import Real
from typing import Any

from autodiff import Value, clip, exp, log, maximum
from autodiff.support.convert import describe

__all__ = ["log_softmax", "log_sum_exp", "softmax"]

HUGE = sys.float_info.max


def softmax(scores: Sequence[Any]) -> list[Any]:
    """Return ``exp(score) / sum(exp(scores))`` for each of a list of scores.

    The scores are Values or numbers, and so are the results: positive, with the sum 1.  The largest
    score is taken out first, so no exponential overflows (P. Blanchard, D. J. Higham and
    N. J. Higham, 2021); a score of -inf, ruled out, gets 0.

    Raises ValueError if there are no scores, TypeError if they are no list of Values or numbers.

    >>> softmax([0.0, 0.0]), softmax([1000.0, 0.0])
    ([0.5, 0.5], [1.0, 0.0])
    """
    exponentials = [exp(score) for score in _shifted(scores, "softmax")]
    total = total_of(exponentials)
    return [each / total for each in exponentials]


def log_softmax(scores: Sequence[Any]) -> list[Any]:
    """Return the logarithm of each number of ``softmax(scores)``, right where that has become 0.

    Arguments and errors are those of :func:`softmax`.

    >>> log_softmax([1000.0, 0.0])
    [0.0, -1000.0]
    """
    shifted = _shifted(scores, "log_softmax")
    log_of_sum = log(total_of([exp(score) for score in shifted]))
    return [score - log_of_sum for score in shifted]


def log_sum_exp(scores: Sequence[Any]) -> Any:
    """Return ``log(sum(exp(scores)))``, a smooth maximum that never overflows.

    Arguments and errors are those of :func:`softmax`.  As PyTorch's ``logsumexp``, it is -inf of
    nothing but -inf, and inf where a score is.

    >>> log_sum_exp([1000.0, 0.0]), log_sum_exp([0.0, 0.0])
    (1000.0, 0.6931471805599453)
    """
    largest = clip(_largest_of(scores, "log_sum_exp"), -HUGE, HUGE)
    return largest + log(total_of([exp(score - largest) for score in scores]))


def _shifted(scores: Sequence[Any], user: str) -> list[Any]:
    largest = _largest_of(scores, user)
    return [score - largest for score in scores]


def _largest_of(scores: Sequence[Any], user: str) -> Any:
    if not isinstance(scores, Sequence) or isinstance(scores, str):
        raise TypeError(f"{user} needs a list of scores, but got {describe(scores)}")
    if not scores:
        raise ValueError(f"{user} needs at least one score, but the list is empty")
    for score in scores:
        if not isinstance(score, (Value, float, Real)):
            raise TypeError(f"{user} needs Values or numbers as scores, but got {describe(score)}")
    return reduce(maximum, scores)


def total_of(terms: Sequence[Any]) -> Any:
    """Return the sum of Values or numbers, from the first on: a line to step through."""
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
