"""A live page: train a network and step through backprop, in one HTML file.

``python -m demos.page`` writes ``out/xor.html``; ``--data moons`` writes ``out/moons.html``.  The
file needs no server and no network.  Its arithmetic is the JavaScript that the compiler writes of
each operation, and its picture of the graph is the one that ``autodiff.draw`` made.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nn
from autodiff import Names
from autodiff.stepper.document import document
from autodiff.stepper.live_svg import live_svg
from autodiff.support.convert import describe
from autodiff.support.files import write_atomically
from demos.arguments import add_out, command_line, learning_rate, positive
from demos.command import run
from demos.lab import LAB
from demos.live.assemble import LAB as LAB_PAGE
from demos.live.content import kinds_of, layers_data, network_data, rows_data, state_data
from demos.live.pieces import Pieces
from demos.live.programs import trained
from demos.live.python_code import code, description
from demos.live.record import record
from demos.moons_data import make_moons
from nn.rows import Loss, Penalty, Rows

__all__ = ["main", "page"]

# A drawing with more boxes than this cannot be read on a projector.
MOST_NODES = 200


def page(
    model: nn.Module,
    x: Sequence[Any],
    y: Sequence[Any],
    loss: Loss,
    optimizer: nn.Optimizer,
    path: str | os.PathLike[str],
    *,
    penalty: Penalty | None = None,
    title: str = "Backprop, live",
) -> Path:
    """Write the live page for a small model and return its path. The model stays as it is.

    ``x``, ``y``, ``loss``, ``optimizer`` and ``penalty`` are those of :func:`nn.fit`, and the page
    trains as it does, on all rows at once.  The page starts from the model's present weights; for
    an ``nn.MLP`` it can also start from any seed, as ``nn.MLP(..., rng=seed)`` would.  With two
    inputs it shows the decision boundary.

    Raises ValueError, naming the limit, if the graph of one row has more than MOST_NODES nodes;
    ValueError or TypeError, as ``nn.fit``, for data that do not fit; ImportError, naming what to
    install, if the graph cannot be drawn; OSError if the file cannot be written.
    """
    if not isinstance(optimizer, nn.Optimizer):
        raise TypeError(f"page needs an optimizer, but got {describe(optimizer)}")
    rows = Rows(model, x, y, loss)
    found = record(model, rows)
    nodes = found.nodes
    if len(nodes) > MOST_NODES:
        raise ValueError(
            f"the graph of one row has {len(nodes):,} nodes, and a page shows at most "
            f"{MOST_NODES}: use fewer or narrower layers"
        )
    names = Names(found.loss)
    called = {node: names[node] for node in nodes}
    pieces = Pieces()
    training = trained(found, optimizer, penalty, called, pieces.nodes)
    content = {
        "title": title,
        "network": description(model, found),
        **network_data(found, training, called),
        "layers": layers_data(model, found),
        **state_data(model, found, training),
        **rows_data(rows, found, loss, called),
        "code": code(model, rows, loss, optimizer, penalty),
        "pieces": pieces.told(training.operations),
    }
    graph = live_svg(found.loss, kinds_of(found), MOST_NODES)
    return write_atomically(
        path, document(LAB_PAGE, title, training.javascript, content, graph=graph)
    )


# ---- the command -------------------------------------------------------------------------------


def xor_page(hidden: int, seed: int | None, lr: float, path: Path) -> Path:
    """Write the page of the XOR lab; from the lab's weights where they fit and no seed is given."""
    model = nn.MLP(2, [hidden, 1], activation="sigmoid", output_activation="sigmoid", rng=seed or 0)
    if hidden == 4 and seed is None:
        model.load_state_dict(LAB.initial_weights)
    optimizer = nn.SGD(model.parameters(), lr=lr)
    return page(model, LAB.x, LAB.y, nn.mse_loss, optimizer, path, title="XOR")


def moons_page(hidden: int, seed: int | None, lr: float, path: Path) -> Path:
    """Write the page of two moons; the network's output is the logit of the lower one."""
    x, y = make_moons(60, 0.1, random.Random(seed or 0))
    targets = [float(target > 0.0) for target in y]
    model = nn.MLP(2, [hidden, 1], activation="tanh", rng=seed or 0)
    optimizer = nn.SGD(model.parameters(), lr=lr)
    loss = nn.binary_cross_entropy_with_logits
    return page(model, x, targets, loss, optimizer, path, title="Two moons")


DATA: dict[str, tuple[Callable[[int, int | None, float, Path], Path], int, float]] = {
    "xor": (xor_page, 4, LAB.learning_rate),
    "moons": (moons_page, 8, 1.0),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a page and print where it is."""
    parser = command_line("demos.page", __doc__)
    parser.add_argument("--data", choices=DATA, default="xor", help="default: %(default)s")
    parser.add_argument("--hidden", type=positive, help="hidden neurons; default: 4, moons 8")
    parser.add_argument(
        "--seed", type=int, help="of the start weights; default: the lab's weights, moons 0"
    )
    parser.add_argument("--lr", type=learning_rate, help="learning rate; default: 0.1, moons 1")
    add_out(parser, "the page")
    options = parser.parse_args(arguments)
    write, hidden, lr = DATA[options.data]
    hidden = options.hidden or hidden
    if hidden > MOST_NODES:  # refused before a network is built that may fill the memory
        parser.error(f"--hidden {hidden} is too many: a page shows at most {MOST_NODES} nodes")
    path = options.out / f"{options.data}.html"
    try:
        write(hidden, options.seed, options.lr or lr, path)
    except (ImportError, ValueError) as error:
        sys.exit(f"demos.page: {error}")
    print(f"Wrote {path}: open it in a browser.")


if __name__ == "__main__":
    run(main)
