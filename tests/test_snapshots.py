"""What code may change is as it was: numbers, attributes, and what generators draw."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

from autodiff import Value
from autodiff.support.snapshots import Attributes, Generators, Numbers


def test_values_get_the_numbers_that_they_had() -> None:
    values = [Value(1.0), Value(2.0)]
    before = Numbers(values)
    for value in values:
        value.data = 5.0
    before.restore()
    assert [value.data for value in values] == before.numbers == [1.0, 2.0]


def test_an_object_gets_its_attributes_and_no_others() -> None:
    thing = SimpleNamespace(rate=0.1, steps=[1, 2], gone="here")
    before = Attributes(thing)
    thing.rate, thing.new = 0.2, True
    thing.steps.append(3)
    del thing.gone
    before.restore()
    assert vars(thing) == {"rate": 0.1, "steps": [1, 2], "gone": "here"}


class Incomparable:
    """Raises where it is compared, as arrays of two shapes do."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("cannot compare")

    __hash__ = None  # type: ignore[assignment]


def test_attributes_are_the_same_as_far_as_they_can_be_compared() -> None:
    kept, other = Incomparable(), Incomparable()

    def found(**attributes: Any) -> Attributes:
        return Attributes(SimpleNamespace(**attributes))

    assert found(a=[1], b=kept).is_same(found(a=[1], b=kept))
    assert not found(a=[1]).is_same(found(a=[2]))
    assert not found(a=1).is_same(found(a=1, b=2))
    assert not found(b=kept).is_same(found(b=other))


def test_generators_draw_the_same_again_and_the_systems_are_passed_over() -> None:
    generator, system = random.Random(3), random.SystemRandom()
    before = Generators([generator, system])
    drawn = [generator.random(), generator.gauss(0.0, 1.0)]
    before.restore()
    assert [generator.random(), generator.gauss(0.0, 1.0)] == drawn
    assert list(before.states) == [generator]
