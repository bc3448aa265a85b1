"""The data set that fit() trains on: rows of floats, and targets as the loss takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from numbers import Integral, Real
from typing import Any

from autodiff import Value
from autodiff.support.convert import describe, to_float
from nn.losses import cross_entropy, indicated_cross_entropy
from nn.module import Module

__all__ = ["Loss", "Penalty", "Rows", "value_of"]

Loss = Callable[[Any, Any], Value]
Penalty = Callable[[list[Value]], Value]


class Rows:
    """The data set, checked: rows of floats, and targets as the loss takes them."""

    def __init__(self, model: Module, x: Sequence[Any], y: Sequence[Any], loss: Loss) -> None:
        for given, what in ((x, "rows as x"), (y, "targets as y")):
            if not isinstance(given, Iterable):
                raise TypeError(f"fit needs a list of {what}, but got {describe(given)}")
        self.x = [_row(row, f"row {place} of x") for place, row in enumerate(x)]
        self.y: list[Any] = list(y)
        self.loss = loss
        if len(self.x) != len(self.y):
            raise ValueError(
                f"fit needs a target a row, but got {len(self.x)} rows of x and {len(self.y)} of y"
            )
        if not self.x:
            raise ValueError("fit needs at least one row")
        for place, row in enumerate(self.x):
            if len(row) != len(self.x[0]):
                raise ValueError(
                    f"row {place} of x has {len(row)} inputs, but row 0 has {len(self.x[0])}"
                )
        prediction = model(self.x[0])
        check_is_no_number(prediction)
        if loss is cross_entropy:
            if isinstance(prediction, Value):
                raise ValueError(
                    "fit: cross_entropy needs an output for each class, but the model has one; "
                    "binary_cross_entropy_with_logits tells two classes by one output"
                )
            if not any(isinstance(target, Iterable) for target in self.y):
                self.loss = indicated_cross_entropy
            self.y = [one_hot(target, len(prediction)) for target in self.y]
        # The losses check their targets: each kind is shown to them once, before any training.
        detached = _detached(prediction)
        shown: set[str] = set()
        for place, target in enumerate(self.y):
            self.y[place] = wanted = _floats(target, f"target {place} of y")
            if repr(wanted) not in shown:
                shown.add(repr(wanted))
                value_of(self.loss([detached], [wanted]), "loss")

    def loss_of(self, model: Module, place: int) -> Value:
        """Return the loss of one row; raise TypeError if the model's output is a plain number."""
        prediction = model(self.x[place])
        check_is_no_number(prediction, place)
        return self.loss([prediction], [self.y[place]])

    def as_numbers(self) -> list[tuple[float, ...]]:
        """Return all numbers of each row: its inputs, then its target's."""
        return [(*x, *_numbers_of(y)) for x, y in zip(self.x, self.y, strict=True)]

    def variables(self, row: int = 0) -> tuple[list[Value], list[Value], Any]:
        """Return variables for the inputs and for the target, and the target made of these."""
        x = [Value(number, f"x{place}") for place, number in enumerate(self.x[row], 1)]
        if not isinstance(self.y[row], list):
            target = Value(self.y[row], "y")
            return x, [target], target
        y = [Value(number, f"y{place}") for place, number in enumerate(self.y[row], 1)]
        return x, y, y

    def unlike_the_first(self) -> list[int]:
        """Return a row with other inputs than the first, and one with another target; or the first.

        Where a row's number has got into the code's constants, it shows there.
        """
        found = [
            next((place for place, each in enumerate(part) if each != part[0]), 0)
            for part in (self.x, self.y)
        ]
        return [*dict.fromkeys(place for place in found if place)] or [0]


def _numbers_of(target: Any) -> list[float]:
    """Return a checked target's numbers: itself, or the one that it is."""
    return target if isinstance(target, list) else [target]


def _detached(prediction: Any) -> Any:
    """Return a prediction, or a list of them, of lists even, as variables with the same numbers."""
    if isinstance(prediction, (list, tuple)):
        return [_detached(each) for each in prediction]
    return Value(prediction.data if isinstance(prediction, Value) else prediction)


def check_is_no_number(prediction: Any, place: int = 0) -> None:
    """Raise TypeError if a model returned a plain number where a Value is needed."""
    if isinstance(prediction, (Real, type(None))):
        raise TypeError(
            f"fit: the model returned {describe(prediction)} for row {place} of x, but needs to "
            "return a Value, or a list of them: a number has no gradient. Where max() or NumPy's "
            "maximum() chose a number, write autodiff.maximum(), z.relu() or where()"
        )


def value_of(result: Any, function: str) -> Value:
    """Return what the loss or the penalty returned; raise TypeError if that is no Value."""
    if not isinstance(result, Value):
        raise TypeError(
            f"fit: the {function} must return a Value, but returned {describe(result)}; "
            "a number that has left the graph has no gradient"
        )
    return result


def _row(row: Any, what: str) -> list[float]:
    """Return a list (or tuple, array, ...) of numbers as a list of floats."""
    if isinstance(row, str) or not isinstance(row, Iterable):
        raise TypeError(f"{what} must be a list of numbers, but is {describe(row)}")
    return [to_float(number, what) for number in row]


def _floats(target: Any, what: str) -> Any:
    """Return a number as a float, and a list of numbers as a list of floats."""
    return _row(target, what) if isinstance(target, Iterable) else to_float(target, what)


def one_hot(target: Any, classes: int) -> list[float]:
    """Return a class number as a list with a 1 at its place.

    >>> one_hot(1, 3)
    [0.0, 1.0, 0.0]
    """
    if isinstance(target, Iterable):
        return _row(target, "a target")
    if (
        isinstance(target, bool)
        or not isinstance(target, Integral)
        or not 0 <= int(target) < classes
    ):
        raise ValueError(
            f"a target must be a class from 0 to {classes - 1}, but got {describe(target)}"
        )
    return [float(place == target) for place in range(classes)]
