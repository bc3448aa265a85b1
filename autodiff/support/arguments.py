"""Checks of arguments: counts, numbers within bounds, generators, and variables."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from numbers import Integral
from typing import Any

from autodiff.support.convert import describe, to_float
from autodiff.value import Value

__all__ = ["count_of", "number_within", "random_generator", "variables_of"]


def count_of(count: Any, what: str, least: int = 1) -> int:
    """Return a count as an int; raise ValueError, saying of what, if it is none or too small.

    >>> count_of(0, "neurons")
    Traceback (most recent call last):
    ...
    ValueError: the number of neurons must be an int, 1 or more, but got the int 0
    """
    if not isinstance(count, Integral) or isinstance(count, bool) or int(count) < least:
        raise ValueError(
            f"the number of {what} must be an int, {least} or more, but got {describe(count)}"
        )
    return int(count)


def number_within(number: Any, what: str, least: float = 0.0, limit: float = math.inf) -> float:
    """Return a number as a float; raise ValueError unless ``least <= number < limit``.

    Raises what ``to_float`` raises if it is no real number.

    >>> number_within(1, "beta1", limit=1.0)
    Traceback (most recent call last):
    ...
    ValueError: beta1 must be a finite number, from 0 to below 1, but got 1
    """
    checked = to_float(number, what)
    if not least <= checked < limit:
        bounds = f"{least:g} or more" if limit == math.inf else f"from {least:g} to below {limit:g}"
        raise ValueError(f"{what} must be a finite number, {bounds}, but got {number!r}")
    return checked


def random_generator(given: Any, argument: str) -> random.Random | None:
    """Return a ``random.Random`` as it is, one that an int seeds, and None for None.

    Raises TypeError, naming the argument, for anything else: True and False, above all; and for a
    ``SystemRandom``, which cannot draw the same again.

    >>> random_generator(7, "rng").random() == random.Random(7).random()
    True
    """
    if isinstance(given, random.SystemRandom):
        raise TypeError(
            f"{argument} must be able to draw the same again, which a SystemRandom is not: "
            "pass an int as seed, or a random.Random"
        )
    if given is None or isinstance(given, random.Random):
        return given
    if isinstance(given, bool) or not isinstance(given, Integral):
        raise TypeError(
            f"{argument} must be an int as seed, a random.Random, or None, "
            f"but got {describe(given)}"
        )
    return random.Random(int(given))


def variables_of(given: Any, user: str, what: str) -> list[Value]:
    """Return variables as a list; raise an error that names the user and what they are for it.

    That is ValueError if there are none, or one of them twice; TypeError for what is no list of
    variables.

    >>> variables_of([], "SGD", "parameter")
    Traceback (most recent call last):
    ...
    ValueError: SGD needs at least one parameter, but the list is empty
    """
    if not isinstance(given, Iterable):
        raise TypeError(f"{user} needs a list of {what}s, but got {describe(given)}")
    variables = list(given)
    if not variables:
        raise ValueError(f"{user} needs at least one {what}, but the list is empty")
    for variable in variables:
        if not isinstance(variable, Value) or not variable.is_leaf or variable.is_constant:
            raise TypeError(f"{user} needs variables as {what}s, but got {describe(variable)}")
    if len(set(variables)) != len(variables):
        raise ValueError(f"{user} got the same {what} twice")
    return variables
