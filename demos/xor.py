"""Train a 2-4-1 network on XOR and draw what it learned: ``python -m demos.xor``.

By default it starts from the lab's weights and prints the lab's log, digit for digit.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import nn
from autodiff import draw
from demos.arguments import (
    add_engine,
    add_out,
    command_line,
    count,
    learning_rate,
    missing_package,
)
from demos.command import run
from demos.lab import LAB
from demos.one_row import one_row_loss
from demos.page import xor_page
from nn.fit import ENGINES

try:
    from demos.plots import plot_boundary, plot_loss
    from demos.progress import ShowProgress, progress_bar
except ModuleNotFoundError as missing:
    sys.exit(missing_package("demos.xor", "demos", missing))

__all__ = ["main", "train"]

PROJECTOR = (1920, 1080)  # pixels


def train(
    model: nn.MLP,
    x: Sequence[Sequence[float]],
    y: Sequence[float],
    epochs: int,
    lr: float,
    log_every: int | None = LAB.log_every,
) -> list[float]:
    """Train with full-batch gradient descent and return the loss of every epoch.

    Prints the loss every ``log_every`` epochs, and shows a progress bar in a terminal.  This is
    the loop to read and to step through; ``train_compiled`` does the same by a compiled program.
    """
    optimizer = nn.SGD(model.parameters(), lr=lr)
    losses: list[float] = []
    with progress_bar(epochs, "epoch") as bar:
        for epoch in range(epochs):
            # Forward: the network's prediction for each row, and how wrong they are.
            predictions = [model(row) for row in x]
            loss = nn.mse_loss(predictions, y)
            if not math.isfinite(loss.data):
                raise nn.NonFiniteLossError(epoch, loss.data, losses)

            # Backward: the gradient of the loss by every weight.
            optimizer.zero_grad()
            loss.backward()

            # Update: each weight moves a little against its gradient.
            optimizer.step()

            losses.append(loss.data)
            bar.update()
            if log_every is not None and epoch % log_every == 0:
                bar.write(log_line(epoch, loss.data))
    return losses


def train_compiled(
    model: nn.MLP, epochs: int, lr: float, engine: str, log_every: int | None = LAB.log_every
) -> list[float]:
    """Train on the lab's data by a compiled program and return the loss of every epoch."""
    with progress_bar(epochs, "epoch") as bar:
        history = nn.fit(
            model,
            LAB.x,
            LAB.y,
            optimizer=nn.SGD(model.parameters(), lr=lr),
            epochs=epochs,
            engine=engine,
            progress=ShowProgress(bar),
        )
        for epoch in range(0, epochs, log_every or epochs + 1):
            if log_every is not None:
                bar.write(log_line(epoch, history.losses[epoch]))
    return history.losses


def log_line(epoch: int, loss: float) -> str:
    """Return a line of the lab's log."""
    return f"Epoch {epoch}, Loss: {loss:.4f}"


def print_predictions(model: nn.MLP) -> bool:
    """Print the prediction for each row; return whether all are on their target's side of 0.5."""
    print("\nPredictions after training:")
    learned = True
    for row, target in zip(LAB.x, LAB.y, strict=True):
        prediction = model(row).data
        learned = learned and abs(prediction - target) < 0.5
        inputs = ", ".join(f"{number:.0f}" for number in row)
        print(f"  ({inputs}) -> {prediction:.4f}   (XOR is {target:.0f})")
    return learned


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the checked command line; exit with a message where it makes no sense."""
    parser = command_line("demos.xor", __doc__)
    parser.add_argument("--epochs", type=count, default=LAB.epochs, help="default: %(default)s")
    parser.add_argument(
        "--lr", type=learning_rate, default=LAB.learning_rate, help="default: %(default)s"
    )
    parser.add_argument(
        "--init",
        choices=["lab", "uniform"],
        help="initial weights: the lab's (default), or uniform in ±1/sqrt(fan-in) from --seed",
    )
    parser.add_argument(
        "--seed", type=int, help="start from other weights, uniform ones; without: 0"
    )
    add_engine(parser, ENGINES, "eager")
    parser.add_argument(
        "--curve-epochs",
        type=count,
        default=0,
        metavar="N",
        help="train N further epochs for the loss curve (the lab: 20000)",
    )
    add_out(parser, "the pictures and weights")
    options = parser.parse_args(arguments)
    if options.init == "lab" and options.seed is not None:
        parser.error("--seed has no effect on the lab's weights: leave out --init lab")
    if options.init is None:
        options.init = "lab" if options.seed is None else "uniform"
    options.seed = options.seed or 0
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the demo."""
    options = parse_arguments(arguments)
    model = nn.MLP(2, [4, 1], activation="sigmoid", output_activation="sigmoid", rng=options.seed)
    if options.init == "lab":
        model.load_state_dict(LAB.initial_weights)

    started = time.perf_counter()
    losses = train_with(model, options, options.epochs)
    seconds = time.perf_counter() - started

    learned = print_predictions(model)
    if not learned:
        print(
            f"\nThis run has NOT learned XOR: after {options.epochs} epochs a prediction is on the "
            "wrong side of 0.5.\nThat happens from some initial weights: try more --epochs, "
            "another --lr, or other weights: --init uniform --seed N."
        )
    if options.epochs:
        each = 1e6 * seconds / options.epochs
        print(f"\nTrained {options.epochs:,} epochs in {seconds:.2f} s ({each:.0f} µs an epoch).")
    write_results(model, losses, options)


def train_with(
    model: nn.MLP,
    options: argparse.Namespace,
    epochs: int,
    log_every: int | None = LAB.log_every,
) -> list[float]:
    """Train with the engine that the command line names; return the loss of every epoch."""
    if options.engine == "eager":
        return train(model, LAB.x, LAB.y, epochs, options.lr, log_every)
    return train_compiled(model, epochs, options.lr, options.engine, log_every)


def write_results(model: nn.MLP, losses: list[float], options: argparse.Namespace) -> None:
    """Write the weights and the pictures, and print what was written."""
    folder: Path = options.out
    loss = one_row_loss(model, LAB.x[1], LAB.y[1])
    model.zero_grad()
    loss.backward()
    written = [
        nn.save(model, folder / "weights.json"),
        plot_boundary(lambda x1, x2: model([x1, x2]).data, LAB.x, LAB.y, folder / "boundary.png"),
        draw(loss, fold="none").save(folder / "graph.svg"),
    ]
    try:
        written.append(draw(loss, fold="neuron").save(folder / "graph.png", size=PROJECTOR))
    except RuntimeError as no_fonts:
        print(f"graph.png is left out: {no_fonts}")
    further = options.curve_epochs
    if further:
        losses = losses + train_with(model, options, further, log_every=None)
        print(f"After {further:,} further epochs for the curve the loss is {losses[-1]:.5f}.")
    written.append(plot_loss(losses, folder / "loss.png", options.epochs if further else None))
    seed = None if options.init == "lab" else options.seed
    written.append(xor_page(4, seed, options.lr, folder / "xor.html"))
    print("Wrote " + ", ".join(str(path) for path in written))


if __name__ == "__main__":
    run(main)
