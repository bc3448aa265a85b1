"""Early stopping and best weights: by hand, on every engine, and what does not fit."""

from __future__ import annotations

import random
from typing import Any

import pytest

import nn
from autodiff import Value
from autodiff.compiler.native import is_installed
from tests.bits import all_bits

ENGINES = ["eager", "python", *(["native"] if is_installed() else [])]


class Slope(nn.Module):
    """w * x."""

    def __init__(self, w: float = 0.0) -> None:
        self.w = Value(w)

    def __call__(self, x: Any) -> Value:
        product: Value = self.w * x[0]
        return product


def gone_by(rate: float, epochs: int, w: float = 0.0) -> list[float]:
    """Return w after each epoch of the mean of (w - 1)**2, and w at the start before them."""
    found = [w]
    for _ in range(epochs):
        w -= rate * (2.0 * (w - 1.0))
        found.append(w)
    return found


@pytest.mark.parametrize("engine", ENGINES)
def test_training_stops_when_the_loss_has_not_become_lower(engine: str) -> None:
    # With the rate 1, w goes from 0 to 2 and back: the loss is 1 for ever.
    model = Slope()
    optimizer = nn.SGD(model.parameters(), lr=1.0)
    history = nn.fit(
        model, [[1.0]], [1.0], optimizer=optimizer, epochs=50, engine=engine, patience=3
    )
    assert history.losses == [1.0] * 4
    assert history.validation_losses == []
    assert model.w.data == 0.0


@pytest.mark.parametrize("engine", ENGINES)
def test_the_best_weights_are_those_of_the_lowest_validation_loss(engine: str) -> None:
    # w goes from 0 to 1, and is nearest to 0.6 on its way.
    path = gone_by(0.125, 40)
    wanted = [(w - 0.6) ** 2 for w in path[1:]]
    best = min(range(40), key=wanted.__getitem__)
    model = Slope()
    optimizer = nn.SGD(model.parameters(), lr=0.125)
    history = nn.fit(
        *(model, [[1.0]], [1.0]),
        **{"optimizer": optimizer, "epochs": 40, "engine": engine, "restore_best": True},
        **{"validation": ([[1.0]], [0.6]), "patience": 5},
    )
    assert len(history.losses) == len(history.validation_losses) == best + 1 + 5
    assert history.validation_losses == pytest.approx(wanted[: best + 6], rel=1e-12)
    assert model.w.data == path[best + 1]
    assert model.training


@pytest.mark.parametrize("engine", ENGINES)
def test_the_best_weights_by_the_epochs_own_loss_are_those_before_its_update(engine: str) -> None:
    model = Slope(0.75)
    optimizer = nn.SGD(model.parameters(), lr=1.25)  # every step goes farther away
    history = nn.fit(
        *(model, [[1.0]], [1.0]),
        **{"optimizer": optimizer, "epochs": 6, "engine": engine, "restore_best": True},
    )
    assert len(history.losses) == 6
    assert model.w.data == 0.75


def test_all_engines_have_the_same_bits_with_batches_and_a_shuffle() -> None:
    found = []
    for engine in ENGINES:
        model = nn.MLP(2, [3, 1], "tanh", rng=3)
        optimizer = nn.Adam(model.parameters(), lr=0.05)
        x = [[random.Random(k).random(), 0.1 * k] for k in range(9)]
        y = [float(k % 2) for k in range(9)]
        history = nn.fit(
            *(model, x[:6], y[:6]),
            **{"optimizer": optimizer, "epochs": 30, "batch_size": 4, "shuffle": 1},
            **{"validation": (x[6:], y[6:]), "restore_best": True, "engine": engine},
        )
        numbers = [p.data for p in model.parameters()]
        found.append(all_bits([*history.losses, *history.validation_losses, *numbers]))
    assert all(each == found[0] for each in found)


def test_a_loss_that_is_not_finite_ends_it_as_ever() -> None:
    model = Slope()
    optimizer = nn.SGD(model.parameters(), lr=1e200)
    with pytest.raises(nn.NonFiniteLossError) as caught:
        nn.fit(model, [[1.0]], [1.0], optimizer=optimizer, epochs=9, restore_best=True)
    assert caught.value.epoch == 1
    assert model.w.data == 0.0


def test_progress_is_told_and_nobody_is_asked_after_the_end() -> None:
    model, told = Slope(), []
    optimizer = nn.SGD(model.parameters(), lr=1.0)

    def progress(epochs: int, loss: float) -> None:
        told.append(epochs)

    nn.fit(
        *(model, [[1.0]], [1.0]),
        **{"optimizer": optimizer, "epochs": 50, "patience": 2, "progress": progress},
    )
    assert told[-1] == 3


def test_validation_is_measured_without_dropout_and_training_goes_on_with_it() -> None:
    class Noisy(Slope):
        """w * x, or 0."""

        def __init__(self) -> None:
            super().__init__(1.0)
            self.dropout = nn.Dropout(0.5, rng=1)

        def __call__(self, x: Any) -> Value:
            (kept,) = self.dropout([self.w * x[0]])
            return kept  # type: ignore[no-any-return]

    model = Noisy()
    history = nn.fit(
        *(model, [[1.0]] * 8, [1.0] * 8),
        **{"optimizer": nn.SGD(model.parameters(), lr=0.0), "epochs": 3},
        **{"validation": ([[1.0]], [1.0])},
    )
    assert history.validation_losses == [0.0, 0.0, 0.0]
    # A row's loss is 1, of a 0, or (2 - 1)**2.
    assert history.losses == [1.0, 1.0, 1.0]
    assert model.training
    assert model.dropout.training
    assert history.engine == "eager"
    assert "draws a random number" in history.reason


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"patience": 0}, ValueError, "the number of epochs of patience must be an int, 1 or more"),
        ({"validation": 3}, TypeError, "validation must be a pair of rows and targets"),
        ({"validation": ([[1.0]],)}, TypeError, "validation must be a pair of rows and targets"),
        ({"validation": ([[1.0, 2.0]], [1.0])}, ValueError, "the rows of validation have 2 inputs"),
        ({"validation": ([[1.0]], [1.0, 2.0])}, ValueError, "fit needs a target a row"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_training(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    model = Slope()
    optimizer = nn.SGD(model.parameters(), lr=1.0)
    with pytest.raises(error, match=f"^{message}"):
        nn.fit(model, [[1.0]], [1.0], optimizer=optimizer, epochs=9, **arguments)
    assert model.w.data == 0.0
