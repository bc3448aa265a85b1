"""Training the networks of a sweep: what the workers run.

A network with its loss is compiled once, whatever its weights and learning rate begin as, and then
trained from many seeds, as many at once as the processor's vectors have lanes.  A run depends on
its configuration, seed and number of epochs alone, so its numbers are the same bits whichever
worker does it, whichever runs are beside it, and as ``nn.fit`` would give.
"""

from __future__ import annotations

import itertools
import math
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import autodiff
import nn
from autodiff import Value
from demos.lab import LAB
from demos.sweep.settings import Configuration, checkpoints

__all__ = ["INITIALISATIONS", "LOSSES", "Batch", "Run", "train_batch", "version"]

HIDDEN = 4


@dataclass(frozen=True, slots=True)
class SweepLoss:
    """A loss, and when it says that a network has learned XOR.

    ``function`` takes predictions and targets; ``output_activation`` is that of the network it
    belongs to, and ``middle`` the output halfway between 0 and 1.

    A run counts as solved at the first epoch with a loss below ``solved_below``.  That is a
    quarter of what one prediction at the middle costs, so all four rows are then right: a single
    wrong one would cost more by itself.
    """

    function: Callable[..., Value]
    output_activation: str | None
    middle: float
    solved_below: float


LOSSES = {
    "mse": SweepLoss(nn.mse_loss, "sigmoid", 0.5, 0.5**2 / 4),
    "cross_entropy": SweepLoss(nn.binary_cross_entropy_with_logits, None, 0.0, math.log(2.0) / 4),
}


# ---- initial weights ---------------------------------------------------------------------------


def uniform(layer: nn.Layer, rng: random.Random) -> None:
    """Weights and biases uniform in ±1/sqrt(fan-in): PyTorch's default for a linear layer."""
    for neuron in layer.neurons:
        limit = 1.0 / math.sqrt(len(neuron.w))
        for parameter in neuron.parameters():
            parameter.data = rng.uniform(-limit, limit)


def glorot(layer: nn.Layer, rng: random.Random) -> None:
    """Weights uniform in ±sqrt(6/(fan-in + fan-out)) (Glorot and Bengio, 2010), biases 0."""
    for neuron in layer.neurons:
        limit = math.sqrt(6.0 / (len(neuron.w) + len(layer.neurons)))
        for weight in neuron.w:
            weight.data = rng.uniform(-limit, limit)
        neuron.b.data = 0.0


def he(layer: nn.Layer, rng: random.Random) -> None:
    """Weights normal with variance 2/fan-in (He and others, 2015), biases 0."""
    for neuron in layer.neurons:
        deviation = math.sqrt(2.0 / len(neuron.w))
        for weight in neuron.w:
            weight.data = rng.gauss(0.0, deviation)
        neuron.b.data = 0.0


def normal(layer: nn.Layer, rng: random.Random) -> None:
    """Weights and biases standard normal, as many first scripts do."""
    for neuron in layer.neurons:
        for parameter in neuron.parameters():
            parameter.data = rng.gauss(0.0, 1.0)


INITIALISATIONS: dict[str, Callable[[nn.Layer, random.Random], None]] = {
    "uniform": uniform,
    "glorot": glorot,
    "he": he,
    "normal": normal,
}


def initialise(model: nn.MLP, initialisation: str, seed: int) -> None:
    """Give the network the weights that its seed decides."""
    rng = random.Random(seed)
    for layer in model.layers:
        INITIALISATIONS[initialisation](layer, rng)


# ---- training ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """The result of one run. A loss that is infinite or nan is None.

    ``solved_epoch`` is the first epoch with a loss that says so, or None; ``correct`` counts the
    rows that end on their target's side; ``losses`` are those of ``checkpoints(epochs)``.
    """

    seed: int
    solved_epoch: int | None
    correct: int
    losses: list[float | None]


@dataclass(frozen=True, slots=True)
class Batch:
    """The runs of one configuration from several seeds, and how long they took."""

    configuration: Configuration
    runs: list[Run]
    seconds: float


class Trainer:
    """A network with one activation and loss, compiled; trains it from any seed."""

    def __init__(self, activation: str, loss: str, engine: str) -> None:
        self.loss = LOSSES[loss]
        self.model = nn.MLP(
            2,
            [HIDDEN, 1],
            activation=activation,
            output_activation=self.loss.output_activation,
            rng=0,
        )
        self.optimizer = nn.SGD(self.model.parameters(), lr=1.0)
        x, y = [Value(0.0, "x[0]"), Value(0.0, "x[1]")], Value(0.0, "y")
        self.program = autodiff.compile(
            self.loss.function([self.model(x)], [y]),
            inputs=[*x, y],
            updates=self.optimizer.updates,
            engine=engine,
        )
        self.rows = [(*row, target) for row, target in zip(LAB.x, LAB.y, strict=True)]

    def train(self, configuration: Configuration, seeds: Sequence[int], epochs: int) -> list[Run]:
        """Train from each seed's weights and return the results."""
        self.optimizer.lr = configuration.learning_rate
        starts = [self.start(configuration.initialisation, seed) for seed in seeds]
        results = self.program.run_many(epochs, starts, self.rows)
        return [
            self.result(seed, losses, weights, epochs)
            for seed, (losses, weights) in zip(seeds, results, strict=True)
        ]

    def start(self, initialisation: str, seed: int) -> list[float]:
        """Return the numbers of the program's variables that a seed decides, and its rate."""
        initialise(self.model, initialisation, seed)
        return [variable.data for variable in self.program.variables]

    def result(
        self, seed: int, losses: Sequence[float], weights: Sequence[float], epochs: int
    ) -> Run:
        """Return the result of a run, given what the program gave."""
        for variable, number in zip(self.program.variables, weights, strict=True):
            variable.data = number
        is_solved = map(self.loss.solved_below.__gt__, losses)
        return Run(
            seed,
            next(itertools.compress(itertools.count(), is_solved), None),
            self.correct(),
            [losses[k] if math.isfinite(losses[k]) else None for k in checkpoints(epochs)],
        )

    def correct(self) -> int:
        """Return how many rows have an output on their target's side of the middle."""
        middle = self.loss.middle
        return sum(
            (self.model(row).data > middle) == (target > 0.5)
            for row, target in zip(LAB.x, LAB.y, strict=True)
        )


class Trainers(threading.local):
    """The trainers of one thread: training writes into a network, so threads share none."""

    def __init__(self) -> None:
        self.get = lru_cache(maxsize=256)(Trainer)


TRAINERS = Trainers()


def train_batch(
    configuration: Configuration, epochs: int, seeds: Sequence[int], engine: str
) -> Batch:
    """Train one configuration from each of the seeds and return the results.

    ``engine`` is ``autodiff.compile``'s: "auto", "python" or "native".
    """
    started = time.perf_counter()
    trainer = TRAINERS.get(configuration.activation, configuration.loss, engine)
    runs = trainer.train(configuration, seeds, epochs)
    return Batch(configuration, runs, time.perf_counter() - started)


def version() -> str:
    """Return the version of the engine, as a worker has it."""
    return autodiff.__version__
