"""What a sweep varies: configurations of a 2-4-1 network, each trained from many seeds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["FACTORS", "Configuration", "Sweep", "checkpoints"]

PLURALS = {
    "activation": "activations",
    "loss": "losses",
    "initialisation": "initialisations",
    "learning_rate": "learning_rates",
}
FACTORS = tuple(PLURALS)


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that decides a run, but for its seed and the number of epochs.

    The names of activations are those of ``nn``; the names of losses and initialisations are in
    :mod:`demos.sweep.training`.
    """

    activation: str
    loss: str
    initialisation: str
    learning_rate: float

    def __str__(self) -> str:
        return f"{self.activation}, {self.loss}, {self.initialisation}, lr {self.learning_rate:g}"


@dataclass(frozen=True, slots=True)
class Sweep:
    """A grid: each configuration is trained for ``epochs`` from each of the first seeds.

    >>> sweep = Sweep(("tanh", "relu"), ("mse",), ("uniform",), (0.1, 1.0), epochs=10, seeds=5)
    >>> len(sweep), [str(configuration) for configuration in sweep.configurations()][:2]
    (20, ['tanh, mse, uniform, lr 0.1', 'tanh, mse, uniform, lr 1'])
    """

    activations: tuple[str, ...]
    losses: tuple[str, ...]
    initialisations: tuple[str, ...]
    learning_rates: tuple[float, ...]
    epochs: int
    seeds: int

    def values(self, factor: str) -> tuple[Any, ...]:
        """Return what a factor is varied over."""
        values: tuple[Any, ...] = getattr(self, PLURALS[factor])
        return values

    def configurations(self) -> Iterator[Configuration]:
        for combination in itertools.product(*map(self.values, FACTORS)):
            yield Configuration(*combination)

    def __len__(self) -> int:
        """Return the number of runs."""
        return self.seeds * sum(1 for _ in self.configurations())


def checkpoints(epochs: int) -> list[int]:
    """Return the epochs whose loss is kept: the first and the last, eight a factor of ten.

    >>> checkpoints(100)
    [0, 1, 2, 3, 4, 6, 7, 10, 13, 18, 24, 32, 42, 56, 75, 99]
    """
    kept = {0, epochs - 1}
    power = 0
    while (epoch := round(10 ** (power / 8))) < epochs:
        kept.add(epoch)
        power += 1
    return sorted(kept)
