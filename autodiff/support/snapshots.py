"""What some code may change, as it is now, and what brings it back."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable, Sequence
from typing import Any

from autodiff.support.node import number_of

__all__ = ["PYTHONS", "Attributes", "Generators", "Numbers", "Settings", "Snapshot", "draws_of"]

# The generator that the functions of ``random`` draw from.
PYTHONS: random.Random = random.random.__self__  # type: ignore[attr-defined]


class Numbers:
    """The numbers of Values.

    >>> from autodiff import Value
    >>> x = Value(1.0)
    >>> before = Numbers([x])
    >>> x.data = 2.0
    >>> before.restore()
    >>> x.data
    1.0
    """

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = values
        self.numbers = [number_of(value) for value in values]

    def restore(self) -> None:
        """Give the Values these numbers again."""
        for value, number in zip(self.values, self.numbers, strict=True):
            value.data = number


class Attributes:
    """An object's attributes; of a list, dict or set in one also what is in it."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing
        self.found = {
            name: copy.copy(value) if isinstance(value, (list, dict, set)) else value
            for name, value in vars(thing).items()
        }

    def is_same(self, other: Attributes) -> bool:
        """Return whether they are those of the other, or equal as far as they can be compared."""
        return self.found.keys() == other.found.keys() and all(
            _is_equal(value, other.found[name]) for name, value in self.found.items()
        )

    def restore(self) -> None:
        """Give the object these attributes again, and no others."""
        for name in vars(self.thing).keys() - self.found.keys():
            delattr(self.thing, name)
        vars(self.thing).update(self.found)


class Settings:
    """An object's attributes, and the numbers of some Values that are settings, too.

    A program has the attributes of an optimizer as constants, and its learning rate as a variable.
    """

    def __init__(self, thing: Any, values: Sequence[Any]) -> None:
        self.constants = Attributes(thing)
        self.variables = Numbers(values)

    def is_same(self, other: Settings) -> bool:
        """Return whether all are the same."""
        are_same = self.variables.numbers == other.variables.numbers
        return are_same and self.constants.is_same(other.constants)

    def restore(self) -> None:
        """Give the object these attributes, and the Values these numbers, again."""
        self.constants.restore()
        self.variables.restore()


def _is_equal(value: Any, other: Any) -> bool:
    try:
        return value is other or bool(value == other)
    except Exception:  # some array's
        return False


class Snapshot:
    """Several of these, which are brought back together."""

    def __init__(self, *parts: Numbers | Settings | Generators) -> None:
        self.parts = parts

    def restore(self) -> None:
        """Bring all of it back."""
        for part in self.parts:
            part.restore()


class Generators:
    """The states of generators of ``random``; what the system draws has none.

    >>> generator = random.Random(7)
    >>> before, drawn = Generators([generator]), generator.random()
    >>> before.restore()
    >>> generator.random() == drawn
    True
    """

    def __init__(self, generators: Iterable[random.Random]) -> None:
        self.states = {
            generator: generator.getstate()
            for generator in generators
            if not isinstance(generator, random.SystemRandom)
        }

    def restore(self) -> None:
        """Let the generators draw the same again."""
        for generator, state in self.states.items():
            generator.setstate(state)


def draws_of(model: Any) -> Generators:
    """Return the states of Python's own generator, and of those that a model's modules have."""
    attributes = [each for module in model.modules() for each in vars(module).values()]
    own = [each for each in attributes if isinstance(each, random.Random)]
    return Generators([PYTHONS, *own])
