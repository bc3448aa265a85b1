"""Losses: one number that says how wrong the predictions are, averaged over all of them.

Each returns one Value, what PyTorch's function of the same name returns (PyTorch has no
``hinge_loss``).  Cross-entropies are in nats: their logarithms are natural.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from functools import reduce
from numbers import Integral
from typing import Any

from autodiff import Value, maximum, minimum, where
from autodiff.support.convert import describe
from autodiff.support.nested import listed, pairs_of
from autodiff.value import constant
from nn.softmax import log_softmax, total_of

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "hinge_loss",
    "mse_loss",
]

LOWEST = -sys.float_info.max

# PyTorch's binary_cross_entropy takes log(p) as -100 at least; this is the p of that logarithm.
SMALLEST_PROBABILITY = math.exp(-100.0)


def mse_loss(predictions: Any, targets: Any) -> Value:
    """Return the mean squared error: the mean of ``(prediction - target)**2``.

    ``predictions`` (Values) and ``targets`` (numbers or Values) have the same shape: a list, a list
    of lists, or a single prediction and its target.

    Raises ValueError if there are none or the shapes differ, TypeError if they are anything else.

    >>> mse_loss([Value(1.0), Value(3.0)], [0.0, 1.0]).data
    2.5
    """
    pairs = pairs_of(predictions, targets, "mse_loss")
    return _mean([(prediction - target) ** 2 for prediction, target in pairs])


def binary_cross_entropy(probabilities: Any, targets: Any) -> Value:
    """Return the mean of ``-(t log p + (1 - t) log(1 - p))`` for targets from 0 to 1.

    That is the negative log-likelihood of targets 0 and 1 (C. M. Bishop, *Pattern Recognition and
    Machine Learning*, 2006, equation 4.90).  Logarithms stop at -100, as PyTorch's do, so the
    loss is finite at p = 0 and p = 1.  1 - p is rounded, so log(1 - p) is off by 2**-53 where p is
    small: of logits, ``binary_cross_entropy_with_logits`` loses nothing.  It is in nats.

    Shapes and errors are those of :func:`mse_loss`; ValueError also if a probability or target is
    outside [0, 1].

    >>> round(binary_cross_entropy([Value(0.25)], [1.0]).data, 6)
    1.386294
    """
    pairs = pairs_of(probabilities, targets, "binary_cross_entropy")
    for probability, target in pairs:
        _check_probability(probability, "a probability")
        _check_probability(target, "a target")
    return _mean([_negative_log_likelihood(_log(p), _log(1.0 - p), target) for p, target in pairs])


def _log(probability: Value) -> Value:
    return probability.maximum(SMALLEST_PROBABILITY).log()


def _negative_log_likelihood(log_yes: Value, log_no: Value, target: Value | float) -> Value:
    return -(target * log_yes + (1.0 - target) * log_no)


def binary_cross_entropy_with_logits(logits: Any, targets: Any) -> Value:
    """Return ``binary_cross_entropy`` of ``sigmoid(logit)``, right for logits of any size.

    It is the mean of ``-(t log sigmoid(z) + (1 - t) log sigmoid(-z))``, since 1 - sigmoid(z) is
    sigmoid(-z).  No term cancels another, so loss and gradient keep all their digits where a
    prediction is confident and right: for targets of 0 and 1 both are within 2 units in the last
    place at any logit.  It is in nats.

    Shapes and errors are those of :func:`mse_loss`; ValueError also if a target is outside [0, 1].

    >>> binary_cross_entropy_with_logits([Value(1000.0)], [0.0]).data
    1000.0
    """
    pairs = pairs_of(logits, targets, "binary_cross_entropy_with_logits")
    for _, target in pairs:
        _check_probability(target, "a target")
    return _mean(
        [
            _negative_log_likelihood(logit.log_sigmoid(), (-logit).log_sigmoid(), target)
            for logit, target in pairs
        ]
    )


def cross_entropy(logits: Sequence[Any], targets: Any) -> Value:
    """Return the mean of ``-log softmax(row)[target]``, where each target is a class number.

    A class number may be a float, or a Value that holds one: what ``fit`` hands to a loss of one's
    own.  A target may also be a list with the probability of each class (1 for one of them, say):
    the surprises at the classes, each times its probability, are added.

    ``logits`` is a list of rows, one logit a class (or one row, with one target).  The formula is
    the negative log-likelihood of the classes (Bishop, 2006, equation 4.108).  It is in nats.

    Of a class number it is ``softplus(log(sum(exp(others))) - logits[target])``: no 1 is added that
    a small sum would vanish in, so loss and gradient keep their digits where a prediction is
    confident and right, as PyTorch's do not.  The largest logit is taken out of a sum, so no
    exponential overflows (P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the
    log-sum-exp and softmax functions", 2021).

    For n classes the loss is within (2.1 n + 2.1 d + 5) 2**-53 of itself, where d is how far the
    target's logit is from the largest of the others: that much comes of rounding their differences.
    For two classes whose difference is exact it is within 2 units in the last place, whatever the
    difference.  Of a list of probabilities, a loss L is off by at most (2.1 n + 3.1 L) 2**-53.

    Raises ValueError if there are no rows, if they differ in length or in number from the targets,
    or if a target is not a class; TypeError if a row is no list, or a logit no Value.

    >>> round(cross_entropy([[Value(0.0), Value(0.0)]], [1]).data, 6)
    0.693147
    """
    if not isinstance(logits, Sequence) or not logits:
        raise ValueError(f"cross_entropy needs a list of logits, but got {describe(logits)}")
    rows = [list(logits)]
    if isinstance(logits[0], Sequence):
        rows = [listed(row, "cross_entropy needs a list of logits in every row") for row in logits]
    if not rows[0]:
        raise ValueError("cross_entropy needs a logit for each class, but got a row without any")
    for row in rows:
        if len(row) != len(rows[0]):
            raise ValueError(
                "cross_entropy needs a logit for each class in every row, "
                f"but got rows of {len(rows[0])} and {len(row)}"
            )
        for logit in row:
            if not isinstance(logit, Value):
                raise TypeError(f"cross_entropy needs Values as logits, but got {describe(logit)}")
    classes = list(targets) if isinstance(targets, Iterable) else [targets]
    if len(rows) != len(classes):
        raise ValueError(
            f"cross_entropy needs one target a row, but got {len(rows)} rows "
            f"and {len(classes)} targets"
        )
    return _mean([_surprise(row, target) for row, target in zip(rows, classes, strict=True)])


def _surprise(row: list[Value], target: Any) -> Value:
    """Return -log softmax(row)[target]."""
    if isinstance(target, (list, tuple)):
        return _expected_surprise(row, target)
    if isinstance(target, Value):  # a number of the row that a program runs on
        class_of(target.data, len(row), "cross_entropy: a target")
        # Above 0 is that of the class that the number is.
        indicators = [minimum(target - (k - 0.5), (k + 0.5) - target) for k in range(len(row))]
        return _indicated_surprise(row, indicators)
    place = class_of(target, len(row), "cross_entropy: a target")
    return _surprise_against(row[place], row[:place] + row[place + 1 :])


def class_of(target: Any, classes: int, what: str) -> int:
    """Return a class number as an int; raise ValueError, saying what was to be one, if it is none.

    >>> class_of(3, 3, "a target")
    Traceback (most recent call last):
    ...
    ValueError: a target must be a class from 0 to 2, but got the int 3
    """
    is_whole = isinstance(target, Integral) or (isinstance(target, float) and target.is_integer())
    if isinstance(target, bool) or not is_whole or not 0 <= int(target) < classes:
        raise ValueError(
            f"{what} must be a class from 0 to {classes - 1}, but got {describe(target)}"
        )
    return int(target)


def indicated_cross_entropy(logits: Sequence[Any], indicators: Sequence[Any]) -> Value:
    """Return ``cross_entropy`` of class numbers, to the bit, as a graph that leaves the class open.

    A row's indicator is 1 at its class and 0 elsewhere, as a program takes it from a data set.

    >>> row = [Value(0.5), Value(2.0), Value(-1.0)]
    >>> indicated_cross_entropy([row], [[0.0, 1.0, 0.0]]).data == cross_entropy([row], [1]).data
    True
    """
    return _mean(list(map(_indicated_surprise, logits, indicators)))


def _indicated_surprise(row: list[Value], indicator: Sequence[Value | float]) -> Value:
    chosen = row[-1]
    for logit, is_class in zip(row[-2::-1], indicator[-2::-1], strict=True):
        chosen = where(is_class, logit, chosen)
    out = constant(-math.inf, "ruled out")
    others = [where(is_class, out, z) for z, is_class in zip(row, indicator, strict=True)]
    return _surprise_against(chosen, others)


def _surprise_against(chosen: Value, others: list[Value]) -> Value:
    """Return log(1 + sum(exp(other - chosen))) as softplus(log(sum(exp(others))) - chosen)."""
    if len(others) < 2:
        other = others[0] if others else -math.inf
        return (other - chosen).softplus()
    # Two floors, which do nothing unless all others are -inf, ruled out: then neither their
    # differences nor the logarithm of their sum, 0, may make a nan.  Otherwise that is 1 at least.
    lowest, half = constant(LOWEST, "lowest float"), constant(0.5, "floor")
    largest: Value = reduce(maximum, others).maximum(lowest)
    total: Value = total_of([(other - largest).exp() for other in others]).maximum(half)
    return (largest - chosen + total.log()).softplus()


def _expected_surprise(row: list[Value], shares: Sequence[Value | float]) -> Value:
    """Return the sum of -share[k] log softmax(row)[k]."""
    if len(shares) != len(row):
        raise ValueError(
            f"cross_entropy needs {len(row)} probabilities as target, but got {len(shares)}"
        )
    terms = [-z * share for z, share in zip(log_softmax(row), shares, strict=True)]
    total: Value = total_of(terms)
    return total


def hinge_loss(scores: Any, targets: Any) -> Value:
    """Return the mean of ``relu(1 - target * score)`` for targets of -1 and 1.

    It is that of support-vector machines (C. Cortes and V. Vapnik, 1995).

    Shapes and errors are those of :func:`mse_loss`; ValueError also for another target.

    >>> hinge_loss([Value(0.25), Value(2.0)], [1, 1]).data
    0.375
    """
    pairs = pairs_of(scores, targets, "hinge_loss")
    for _, target in pairs:
        if number_of(target) not in (-1.0, 1.0):
            raise ValueError(f"hinge_loss needs targets of -1 and 1, but got {target!r}")
    return _mean([(1.0 - target * score).relu() for score, target in pairs])


def _check_probability(number: Value | float, what: str) -> None:
    if not 0.0 <= number_of(number) <= 1.0:
        raise ValueError(f"{what} must be from 0 to 1, but got {number!r}")


def _mean(terms: Sequence[Value]) -> Value:
    # x / 1 is x: one row's graph is drawn without it.
    total: Value = total_of(terms)
    return total if len(terms) == 1 else total / float(len(terms))


def number_of(number: Value | float) -> float:
    return number.data if isinstance(number, Value) else float(number)
