"""Early stopping and best weights: by hand, on every engine, and what does not fit."""

from __future__ import annotations

import math
import random
import sys
from typing import Any

import pytest

import nn
from autodiff import Value
from autodiff.compiler.native import is_installed
from tests.bits import all_bits

inf, nan = math.inf, math.nan
ENGINES = ["eager", "python", *(["native"] if is_installed() else [])]


class Slope(nn.Module):
    """w * x."""

    def __init__(self, w: float = 0.0) -> None:
        self.w = Value(w)

    def __call__(self, x: Any) -> Value:
        product: Value = self.w * x[0]
        return product


def trained(model: nn.Module, lr: float, epochs: int, **settings: Any) -> nn.History:
    """Return the history of gradient descent on one row."""
    optimizer = nn.SGD(model.parameters(), lr=lr)
    return nn.fit(model, [[1.0]], [1.0], optimizer=optimizer, epochs=epochs, **settings)


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
    history = trained(model, 1.0, 50, engine=engine, patience=3)
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
    history = trained(
        model, 0.125, 40, engine=engine, restore_best=True, validation=([[1.0]], [0.6]), patience=5
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
    with pytest.raises(nn.NonFiniteLossError) as caught:
        trained(model, 1e200, 9, restore_best=True)
    assert caught.value.epoch == 1
    assert model.w.data == 0.0


def test_progress_is_told_and_nobody_is_asked_after_the_end() -> None:
    model, told = Slope(), []

    def progress(epochs: int, loss: float) -> None:
        told.append(epochs)

    trained(model, 1.0, 50, patience=2, progress=progress)
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
        ({"validation": ([[1.0, 2.0]], [1.0])}, ValueError, "validation has rows of 2 inputs, but"),
        ({"validation": ([[1.0], [1.0, 2.0]], [1.0] * 2)}, ValueError, "validation has rows of 2"),
        ({"validation": ([], [])}, ValueError, "fit needs at least one row"),
        ({"restore_best": "no"}, TypeError, "restore_best must be True or False, but got the str"),
        ({"validation": ([[1.0]], [1.0, 2.0])}, ValueError, "fit needs a target a row"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_training(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    model = Slope()
    with pytest.raises(error, match=f"^{message}"):
        trained(model, 1.0, 9, **arguments)
    assert model.w.data == 0.0


def test_an_error_of_the_validation_rows_says_that_it_is_theirs() -> None:
    model = Slope()
    with pytest.raises(TypeError, match=r"^x\[0\] must be a list of numbers") as caught:
        trained(model, 1.0, 1, validation=([1.0], [1.0]))
    assert caught.value.__notes__ == ["This is about the rows and targets of validation."]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_validation_loss_that_is_not_finite_is_never_the_lowest(engine: str) -> None:
    # Half the way to 1 each epoch: 0.5, 0.75, 0.875. Where there is no lowest loss, w stays there.
    for targets, wanted in (([-inf], 0.875), ([nan], 0.875), ([0.0], 0.5)):
        model = Slope()
        history = trained(
            model, 0.25, 3, engine=engine, validation=([[1.0]], targets), restore_best=True
        )
        assert len(history.validation_losses) == 3
        assert model.w.data == wanted


def test_patience_counts_the_epochs_whose_validation_loss_is_not_finite() -> None:
    model = Slope()
    history = trained(model, 0.25, 9, patience=2, validation=([[1.0]], [inf]))
    assert history.validation_losses == [inf, inf]


class Interrupted(Slope):
    """Ctrl-C at the call of that number."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.calls_left = at

    def __call__(self, x: Any) -> Value:
        self.calls_left -= 1
        if not self.calls_left:
            raise KeyboardInterrupt
        return super().__call__(x)


@pytest.mark.parametrize("at", [3, 4, 9, 10, 41, 42])
def test_ctrl_c_leaves_the_weights_after_a_whole_epoch_and_says_which(at: int) -> None:
    # An epoch has a call to train and one to validate; there is one of each before.
    model = Interrupted(at)
    with pytest.raises(KeyboardInterrupt) as caught:
        trained(model, 0.125, 50, engine="eager", restore_best=True, validation=([[1.0]], [0.6]))
    losses = caught.value.losses  # type: ignore[attr-defined]
    assert len(losses) <= (at - 3) // 2
    path = gone_by(0.125, 50)
    assert losses == [(w - 1.0) * (w - 1.0) for w in path[: len(losses)]]
    assert model.w.data == path[len(losses)]


class Noisy(nn.Module):
    """Dropout twice: one that trains, and one that its user has switched off."""

    def __init__(self, rng: Any = 3) -> None:
        self.layer = nn.Layer(1, 6, nonlin=False, rng=1)
        self.on, self.off = nn.Dropout(0.5, rng=rng), nn.Dropout(0.5, rng=4).eval()
        self.out = nn.Neuron(6, nonlin=False, rng=2)

    def __call__(self, x: Any) -> Value:
        return self.out(self.off(self.on(self.layer(x))))


def test_validation_leaves_each_module_in_its_own_mode() -> None:
    model = Noisy()
    trained(model, 0.0, 2, validation=([[1.0]], [1.0]))
    assert (model.training, model.on.training, model.off.training) == (True, True, False)


NOISY_X, NOISY_Y = [[1.0], [0.5], [-1.0]], [1.0, 0.0, 0.5]


def epochs_by_hand(model: Noisy, optimizer: nn.Optimizer, epochs: int) -> list[float]:
    """Return the mean loss of each epoch of the loop that a person writes."""
    found = []
    for _ in range(epochs):
        optimizer.zero_grad()
        total = 0.0
        for x, y in zip(NOISY_X, NOISY_Y, strict=True):
            loss = nn.mse_loss([model(x)], [y])
            loss.backward()
            total += loss.data
        for parameter in optimizer.parameters:
            parameter.grad /= 3.0
        optimizer.step()
        found.append(total / 3.0)
    return found


@pytest.mark.parametrize("rng", [3, None])
@pytest.mark.parametrize("engine", ["auto", "eager"])
@pytest.mark.parametrize("validation", [None, (NOISY_X, NOISY_Y)])
def test_fit_drops_what_a_loop_by_hand_drops(engine: str, validation: Any, rng: Any) -> None:
    found = []
    for by_hand in (True, False):
        model = Noisy(rng)
        optimizer = nn.SGD(model.parameters(), lr=0.05)
        random.seed(8)
        if by_hand:
            losses = epochs_by_hand(model, optimizer, 5)
        else:
            losses = nn.fit(
                *(model, NOISY_X, NOISY_Y),
                **{"optimizer": optimizer, "epochs": 5, "engine": engine},
                **{"validation": validation},
            ).losses
        found.append(all_bits([*losses, *[p.data for p in model.parameters()]]))
    assert found[0] == found[1]


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_a_program_refuses_to_drop(engine: str) -> None:
    model = Noisy()
    before = model.state_dict()
    with pytest.raises(ValueError, match=r"draws a random number.*pass engine=\"eager\""):
        nn.fit(
            *(model, NOISY_X, NOISY_Y),
            **{"optimizer": nn.SGD(model.parameters(), lr=0.1), "epochs": 5, "engine": engine},
        )
    assert model.state_dict() == before
    # What was tried has drawn nothing.
    assert model.on.generator.getstate() == random.Random(3).getstate()  # type: ignore[union-attr]


@pytest.mark.parametrize("best", [False, True])
def test_after_a_loss_that_is_not_finite_the_weights_are_those_of_the_same_draws(
    best: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All epochs in one slice: the weights of the last finite loss are trained for once more.
    monkeypatch.setattr(sys.modules["nn.fit"], "slices", lambda epochs: iter([epochs]))
    model = Noisy()
    with pytest.raises(nn.NonFiniteLossError) as caught:
        nn.fit(
            *(model, NOISY_X, NOISY_Y),
            **{"optimizer": nn.SGD(model.parameters(), lr=1e3), "epochs": 60},
            **{"restore_best": best, "engine": "eager"},
        )
    epochs = caught.value.epoch
    assert epochs > 3
    twin = Noisy()
    losses = epochs_by_hand(twin, nn.SGD(twin.parameters(), lr=1e3), epochs - 1)
    assert all_bits(losses) == all_bits(caught.value.losses[:-1])
    assert twin.state_dict() == model.state_dict()


def test_training_goes_on_after_ctrl_c_as_if_it_had_not_been_interrupted() -> None:
    def interrupt(epochs: int, loss: float) -> None:
        if epochs > 3:
            raise KeyboardInterrupt

    whole, halves = Noisy(), Noisy()
    nn.fit(whole, NOISY_X, NOISY_Y, optimizer=nn.SGD(whole.parameters(), lr=0.1), epochs=40)
    optimizer = nn.SGD(halves.parameters(), lr=0.1)
    with pytest.raises(KeyboardInterrupt) as caught:
        nn.fit(halves, NOISY_X, NOISY_Y, optimizer=optimizer, epochs=40, progress=interrupt)
    done = len(caught.value.losses)  # type: ignore[attr-defined]
    nn.fit(halves, NOISY_X, NOISY_Y, optimizer=optimizer, epochs=40 - done)
    assert halves.state_dict() == whole.state_dict()


class InterruptedNoisy(Noisy):
    """Ctrl-C at the call of that number."""

    calls_left = 100

    def __call__(self, x: Any) -> Value:
        self.calls_left -= 1
        if not self.calls_left:
            raise KeyboardInterrupt
        return super().__call__(x)


def test_ctrl_c_within_an_epoch_gives_back_what_was_drawn_since() -> None:
    whole, halves = Noisy(), InterruptedNoisy()
    nn.fit(whole, NOISY_X, NOISY_Y, optimizer=nn.SGD(whole.parameters(), lr=0.1), epochs=40)
    optimizer = nn.SGD(halves.parameters(), lr=0.1)
    with pytest.raises(KeyboardInterrupt) as caught:
        nn.fit(halves, NOISY_X, NOISY_Y, optimizer=optimizer, epochs=40, engine="eager")
    done = len(caught.value.losses)  # type: ignore[attr-defined]
    assert done < 34
    nn.fit(halves, NOISY_X, NOISY_Y, optimizer=optimizer, epochs=40 - done, engine="eager")
    assert halves.state_dict() == whole.state_dict()


def test_who_looks_at_a_model_draws_nothing() -> None:
    class Shown(Noisy):
        def input_count(self) -> int:
            return 1

    model = Shown()
    model._repr_mimebundle_()
    assert model.on.generator.getstate() == random.Random(3).getstate()  # type: ignore[union-attr]


def test_a_generator_that_cannot_draw_the_same_again_is_refused() -> None:
    model, system = Slope(), random.SystemRandom()
    with pytest.raises(TypeError, match=r"^shuffle must be able to draw the same again"):
        trained(model, 0.1, 1, shuffle=system)
    with pytest.raises(TypeError, match=r"^rng must be able to draw the same again"):
        nn.Dropout(0.5, rng=system)
