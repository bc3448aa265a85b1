"""Kept: the plain state of code is seen wherever it is, and brought back."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from autodiff import Value
from nn.kept import MOST_THINGS, Kept


def test_a_variable_without_a_value_and_a_value_without_attributes_are_nothing() -> None:
    def function() -> Any:
        return later

    kept = Kept([function, Value(1.0)])
    assert kept.change() == ""
    later = 1.0
    assert kept.change() == "changes later"
    assert function() == later


def test_an_attribute_of_a_value_of_ones_own_class_is_state() -> None:
    class Named(Value):
        """It has a dict."""

    value: Any = Named(1.0)
    value.uses = 0
    kept = Kept([[value]])
    value.data = 2.0
    assert kept.change() == ""
    value.uses += 1
    assert kept.change() == "changes [0].uses"


@pytest.mark.parametrize("container", [[1, 2], deque([1, 2]), {1, 2}, {"a": 1, "b": 2}])
def test_a_container_has_its_things_again(container: Any) -> None:
    before = container.copy()
    kept = Kept([SimpleNamespace(held=container)])
    kept.restore()
    assert container == before
    container.clear()
    assert kept.change() == "changes held"
    kept.restore()
    assert container == before
    assert kept.change() == ""


def test_a_class_loses_what_it_got_and_gets_what_it_lost() -> None:
    class Counting:
        calls = 0

        @staticmethod
        def unused() -> None:
            """Is not called."""

    kept = Kept([Counting()])
    Counting.more = 1  # type: ignore[attr-defined]
    Counting.calls = 1
    assert kept.change() == "changes calls"
    kept.restore()
    del Counting.calls
    kept.restore()
    assert Counting.calls == 0
    assert not hasattr(Counting, "more")
    assert kept.change() == ""


def test_a_key_that_is_an_object_has_its_place_for_a_name() -> None:
    key = object()
    held: dict[object, list[int]] = {key: [0]}
    kept = Kept([SimpleNamespace(held=held)])
    held[key][0] += 1
    assert kept.change() == "changes held[0][0]"


def test_the_nearest_things_are_looked_at_first_and_not_all() -> None:
    far = [[0.0] * MOST_THINGS, [0]]
    code = SimpleNamespace(data=far, calls=0)
    kept = Kept([code])
    far[1][0] = 1
    assert kept.change() == ""
    code.calls = 1
    assert kept.change() == "changes calls"


def test_arrays_are_state_unless_they_are_large() -> None:
    numpy = pytest.importorskip("numpy", reason="it makes arrays")
    small, large = numpy.zeros((2, 2)), numpy.zeros(MOST_THINGS + 1)
    kept = Kept([SimpleNamespace(small=small, large=large)])
    large[0] = 1.0
    assert kept.change() == ""
    small[1, 1] = 1.0
    assert kept.change() == "changes small"
    kept.restore()
    assert small.tolist() == [[0.0, 0.0], [0.0, 0.0]]


@dataclass(slots=True)
class Schedule:
    """Counts in a slot."""

    calls: int = 0
    never_set: int = 0


class FasterSchedule(Schedule):
    """Has slots and a dict."""


@pytest.mark.parametrize("kind", [Schedule, FasterSchedule])
def test_what_is_in_slots_is_state(kind: type[Schedule]) -> None:
    schedule = kind()
    del schedule.never_set
    kept = Kept([SimpleNamespace(schedule=schedule)])
    assert kept.change() == ""
    schedule.calls = 3
    assert kept.change() == "changes schedule.calls"
    for _ in range(2):
        kept.restore()
        assert schedule.calls == 0


class Halving:
    """An iterator that keeps its state in an attribute."""

    def __init__(self) -> None:
        self.rate = 1.0

    def __iter__(self) -> Iterator[float]:
        return self

    def __next__(self) -> float:
        self.rate /= 2
        return self.rate


@pytest.mark.parametrize(
    "iterator",
    [
        iter([1, 2]),
        (rate / 2 for rate in (1.0, 2.0)),
        itertools.count(),
        itertools.cycle([1, 2]),
        zip([1], [2], strict=True),
    ],
)
def test_an_iterator_is_named_as_nobody_sees_what_it_has_left(iterator: Any) -> None:
    assert Kept([SimpleNamespace(plain=1, schedule=[iterator])]).iterators == ["schedule[0]"]


def test_an_iterator_of_ones_own_is_seen_in_its_attributes() -> None:
    halving = Halving()
    kept = Kept([halving])
    assert kept.iterators == []
    next(halving)
    assert kept.change() == "changes rate"
