"""Train a 2-16-16-1 network to tell two moons apart: ``python -m demos.moons``.

The network, the hinge loss and the L2 penalty are those of micrograd's demo.  Its schedule, 100
steps of gradient descent with a learning rate that falls from 1.0 to 0.1, classifies every point
from only about half of all seeds; 200 steps of Adam do from 99 in 100.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import nn
from autodiff import Value
from demos.arguments import add_engine, add_out, command_line, count, missing_package
from demos.command import run
from demos.moons_data import make_moons
from nn.fit import ENGINES

try:
    from demos.plots import plot_loss, plot_scores, save_animation, scores_frame
    from demos.progress import ShowProgress, progress_bar
except ModuleNotFoundError as missing:
    sys.exit(missing_package("demos.moons", "demos", missing))

__all__ = ["Moons", "l2_penalty", "main", "stops"]

ROWS, NOISE = 100, 0.1
L2 = 1e-4
LEARNING_RATE = 0.03
LOG_LINES = 10
FRAMES = 40


def l2_penalty(parameters: Sequence[Value]) -> Value:
    """Return ``L2`` times the sum of the squared parameters, which keeps the boundary smooth."""
    total = parameters[0] ** 2
    for parameter in parameters[1:]:
        total = total + parameter**2
    return L2 * total


class Moons:
    """The data, the network and its training so far. The same seed gives the same run."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.x, self.y = make_moons(ROWS, NOISE, rng)
        self.model = nn.MLP(2, [16, 16, 1], rng=rng)
        self.optimizer = nn.Adam(self.model.parameters(), lr=LEARNING_RATE)
        self.losses: list[float] = []
        self.engine = ""

    def train(
        self, epochs: int, engine: str, progress: Callable[[int, float], None] | None = None
    ) -> None:
        """Train for further epochs; ``engine``, ``progress`` and the errors are ``nn.fit``'s."""
        history = nn.fit(
            self.model,
            self.x,
            self.y,
            loss=nn.hinge_loss,
            optimizer=self.optimizer,
            epochs=epochs,
            penalty=l2_penalty,
            engine=engine,
            progress=progress,
        )
        self.losses += history.losses
        self.engine = history.engine

    def score(self, x1: float, x2: float) -> float:
        """Return the network's output for a point: above 0 for the lower moon."""
        number: float = self.model([x1, x2]).data
        return number

    def correct(self) -> int:
        """Return how many rows have a score on their target's side of 0."""
        return sum(
            self.score(*row) * target > 0.0 for row, target in zip(self.x, self.y, strict=True)
        )

    def loss(self) -> float:
        """Return the loss that the next epoch begins with."""
        loss = nn.hinge_loss([self.model(row) for row in self.x], self.y)
        return (loss + l2_penalty(self.model.parameters())).data

    def summary(self) -> str:
        """Return the epoch, the loss and the accuracy in one line."""
        return (
            f"Epoch {len(self.losses)}, Loss: {self.loss():.4f}, "
            f"Accuracy: {100 * self.correct() / len(self.x):.0f} %"
        )

    def frame(self) -> Any:
        """Return a picture of the boundary as it is now."""
        return scores_frame(self.score, self.x, self.y, self.summary())


def stops(epochs: int, parts: int) -> list[int]:
    """Return at most ``parts`` + 1 epochs from 0 to ``epochs``, evenly spaced.

    >>> stops(200, 4), stops(2, 10), stops(0, 10)
    ([0, 50, 100, 150, 200], [0, 1, 2], [0])
    """
    return sorted({epochs * part // parts for part in range(parts + 1)})


def animation_frames(seed: int, epochs: int) -> list[Any]:
    """Return pictures of the boundary at stops of the same training, done once more.

    The readable engine trains here: it stops at any epoch at no cost, and its numbers are the
    same as every engine's.
    """
    moons = Moons(seed)
    drawn = stops(epochs, FRAMES)
    frames = [moons.frame()]
    print("Drawing the animation ...")
    with progress_bar(len(drawn), "frame", done=1) as bar:
        for start, end in pairwise(drawn):
            moons.train(end - start, "eager")
            frames.append(moons.frame())
            bar.update()
    return frames


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the checked command line; exit with a message where it makes no sense."""
    parser = command_line("demos.moons", __doc__)
    parser.add_argument("--epochs", type=count, default=200, help="default: %(default)s")
    add_engine(parser, ENGINES, "auto")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the data and the weights; default: %(default)s"
    )
    parser.add_argument(
        "--animate", action="store_true", help="also draw the boundary forming, as a GIF"
    )
    add_out(parser, "the pictures and weights")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the demo."""
    options = parse_arguments(arguments)
    moons = Moons(options.seed)
    before = moons.correct()
    started = time.perf_counter()
    with progress_bar(options.epochs, "epoch") as bar:
        moons.train(options.epochs, options.engine, ShowProgress(bar))
    seconds = time.perf_counter() - started
    for epoch in stops(options.epochs, LOG_LINES)[:-1]:
        print(f"Epoch {epoch}, Loss: {moons.losses[epoch]:.4f}")
    print(f"After {options.epochs} epochs, Loss: {moons.loss():.4f}")

    rows, correct = len(moons.x), moons.correct()
    print(
        f"\nAccuracy: {100 * before / rows:.0f} % before training, "
        f"{100 * correct / rows:.0f} % after it ({correct} of {rows} points)."
    )
    if correct < rows:
        print(
            f"This run has NOT learned the moons: {rows - correct} of {rows} points are on the "
            "wrong side of the boundary.\nTry more --epochs or another --seed."
        )
    print(f"Trained in {seconds:.2f} s (engine: {moons.engine}).")
    write_results(moons, options)


def write_results(moons: Moons, options: argparse.Namespace) -> None:
    """Write the weights and the pictures, and print what was written."""
    folder: Path = options.out
    written = [
        nn.save(moons.model, folder / "moons_weights.json"),
        plot_scores(moons.score, moons.x, moons.y, moons.summary(), folder / "moons_boundary.png"),
        # With the loss after the last epoch, which is what the other picture names.
        plot_loss([*moons.losses, moons.loss()], folder / "moons_loss.png"),
    ]
    if options.animate:
        frames = animation_frames(options.seed, options.epochs)
        written.append(save_animation(frames, folder / "moons.gif"))
    print("Wrote " + ", ".join(str(path) for path in written))


if __name__ == "__main__":
    run(main)
