"""The data set that fit() trains on: rows of floats, and targets as the loss takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any

from autodiff import Value
from autodiff.support.convert import describe, floats_of, to_float
from autodiff.support.nested import detached_tree
from autodiff.support.snapshots import draws_of
from nn.losses import class_of, cross_entropy, indicated_cross_entropy
from nn.module import Module

__all__ = ["Loss", "Penalty", "Rows", "value_of"]

Loss = Callable[[Any, Any], Value]
Penalty = Callable[[list[Value]], Value]


class Rows:
    """The data set, checked: rows of floats, and targets as the loss takes them.

    Rows whose inputs, or whose targets, are lists of other lengths are of another shape: ``shapes``
    has the number of each row's, and ``firsts`` the first row of each.
    """

    def __init__(self, model: Module, x: Sequence[Any], y: Sequence[Any], loss: Loss) -> None:
        for given, what in ((x, "rows as x"), (y, "targets as y")):
            if not isinstance(given, Iterable):
                raise TypeError(f"fit needs a list of {what}, but got {describe(given)}")
        self.x = [floats_of(row, f"x[{place}]") for place, row in enumerate(x)]
        self.y: list[Any] = list(y)
        self.loss = loss
        if len(self.x) != len(self.y):
            raise ValueError(
                f"fit needs a target a row, but got {len(self.x)} rows of x and {len(self.y)} of y"
            )
        if not self.x:
            raise ValueError("fit needs at least one row")
        lengths, before = dict.fromkeys(map(len, self.x)), draws_of(model)
        predictions = {length: self.prediction(model, length) for length in lengths}
        before.restore()  # as if nothing had been drawn: an epoch's first row is the first
        if loss is cross_entropy:
            if any(isinstance(prediction, Value) for prediction in predictions.values()):
                raise ValueError(
                    "fit: cross_entropy needs an output for each class, but the model has one; "
                    "binary_cross_entropy_with_logits tells two classes by one output"
                )
            if not any(isinstance(target, Iterable) for target in self.y):
                self.loss = indicated_cross_entropy
            self.y = [
                one_hot(target, len(predictions[len(row)]), f"y[{place}]")
                for place, (row, target) in enumerate(zip(self.x, self.y, strict=True))
            ]
        # The losses check their targets: each kind is shown to them once, before any training.
        detached = {length: detached_tree(prediction) for length, prediction in predictions.items()}
        shown: set[str] = set()
        numbers: dict[tuple[int, ...], int] = {}
        self.shapes: list[int] = []
        for place, (row, target) in enumerate(zip(self.x, self.y, strict=True)):
            self.y[place] = wanted = _floats(target, f"y[{place}]")
            shape = (len(row), len(wanted)) if isinstance(wanted, list) else (len(row),)
            self.shapes.append(numbers.setdefault(shape, len(numbers)))
            if f"{len(row)} {wanted!r}" not in shown:
                shown.add(f"{len(row)} {wanted!r}")
                value_of(self.loss([detached[len(row)]], [wanted]), "loss")
        self.firsts = [self.shapes.index(shape) for shape in range(len(numbers))]

    def prediction(self, model: Module, length: int) -> Any:
        """Return what the model makes of the first row of that length.

        An error says which row it was, if another row has another length.
        """
        place = next(place for place, row in enumerate(self.x) if len(row) == length)
        try:
            found = model(self.x[place])
        except Exception as error:
            if length != len(self.x[0]):
                error.add_note(
                    f"fit: that was x[{place}], which has {length} inputs, where x[0] has "
                    f"{len(self.x[0])}: is the model for rows of different lengths?"
                )
            raise
        check_is_no_number(found, place)
        return found

    def loss_of(self, model: Module, place: int) -> Value:
        """Return the loss of one row: what ``loss_with`` returns and raises."""
        return self.loss_with(model, self.x[place], self.y[place], place)

    def loss_with(self, model: Module, x: Any, target: Any, place: int = 0) -> Value:
        """Return the loss of inputs and a target; raise TypeError if it or the output is no Value.

        ``place`` is the row's that they stand for.
        """
        prediction = model(x)
        check_is_no_number(prediction, place)
        return value_of(self.loss([prediction], [target]), "loss")

    def as_numbers(self) -> list[tuple[float, ...]]:
        """Return all numbers of each row: its inputs, then its target's."""
        return [
            (*x, *(y if isinstance(y, list) else [y])) for x, y in zip(self.x, self.y, strict=True)
        ]

    def variables(self, row: int = 0) -> tuple[list[Value], list[Value], Any]:
        """Return variables for the inputs and for the target, and the target made of these."""
        x = [Value(number, f"x[{place}]") for place, number in enumerate(self.x[row])]
        if not isinstance(self.y[row], list):
            target = Value(self.y[row], "target")
            return x, [target], target
        y = [Value(number, f"target[{place}]") for place, number in enumerate(self.y[row])]
        return x, y, y

    def unlike(self, first: int) -> list[int]:
        """Return a row of that one's shape with other inputs, and one with another target.

        It is that row itself if there is none.  Where a row's number has got into the code's
        constants, it shows there.
        """
        alike = [place for place, shape in enumerate(self.shapes) if shape == self.shapes[first]]
        found = [
            next((place for place in alike if part[place] != part[first]), first)
            for part in (self.x, self.y)
        ]
        return [*dict.fromkeys(place for place in found if place != first)] or [first]


def check_is_no_number(prediction: Any, place: int = 0) -> None:
    """Raise TypeError if a model returned a plain number where a Value is needed."""
    if isinstance(prediction, (Real, type(None))):
        raise TypeError(
            f"fit: the model returned {describe(prediction)} for x[{place}], but needs to "
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


def _floats(target: Any, what: str) -> Any:
    """Return a number as a float, and a list of numbers as a list of floats."""
    return floats_of(target, what) if isinstance(target, Iterable) else to_float(target, what)


def one_hot(target: Any, classes: int, what: str) -> list[float]:
    """Return a class number as a list with a 1 at its place, and a list as floats.

    >>> one_hot(1, 3, "a target")
    [0.0, 1.0, 0.0]
    """
    if isinstance(target, Iterable):
        return floats_of(target, what)
    chosen = class_of(target, classes, what)
    return [float(place == chosen) for place in range(classes)]
