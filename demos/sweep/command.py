"""How often does a 2-4-1 network learn XOR? ``python -m demos.sweep``.

Trains it for every combination of the given activations, losses, initialisations and learning
rates, from many seeds.  Results go into FOLDER/sweep.sqlite as they come: the same command after
an interrupt or a crash goes on with what is missing.  Then it reports what it found.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from autodiff.compiler.program import ENGINES
from autodiff.support.files import write_atomically
from demos.arguments import (
    add_engine,
    add_out,
    command_line,
    learning_rate,
    missing_package,
    positive,
)
from demos.sweep.dispatch import run_sweep, runs_done
from demos.sweep.executors import (
    MOST_WORKERS,
    Workers,
    WorkersError,
    dask_workers,
    local_cores,
    local_workers,
)
from demos.sweep.report import factor_tables, markdown_report, runs_csv
from demos.sweep.settings import FACTORS, Sweep
from demos.sweep.store import Store, StoreError
from demos.sweep.training import INITIALISATIONS, LOSSES
from nn.layers import ACTIVATIONS

try:
    from demos.progress import progress_bar
    from demos.sweep.picture import MOST_GROUPS, plot_sweep
except ModuleNotFoundError as missing:
    sys.exit(missing_package("demos.sweep", "demos", missing))

__all__ = ["main"]

# More seeds would take years, and a run keeps the loss of each of its epochs in memory.
MOST = {"seeds": 10_000_000, "epochs": 10_000_000, "workers": MOST_WORKERS}


def scheduler_address(text: str) -> str:
    """Return the address of a Dask scheduler, if that is what it looks like."""
    if not re.fullmatch(r"(tcp|tls|ws|wss)://\S+:\d+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not like tcp://host:8786")
    return text


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the checked command line; exit with a message where it makes no sense."""
    parser = command_line("demos.sweep", __doc__)
    grid = parser.add_argument_group("what is varied")
    grid.add_argument(
        "--seeds", type=positive, default=50, help="seeds of each combination; default: %(default)s"
    )
    grid.add_argument(
        "--epochs", type=positive, default=5000, help="of each run; default: %(default)s"
    )
    for option, choices, default in (
        ("--activations", ACTIVATIONS, ["sigmoid", "tanh", "relu"]),
        ("--losses", LOSSES, list(LOSSES)),
        ("--initialisations", INITIALISATIONS, list(INITIALISATIONS)),
    ):
        grid.add_argument(
            option,
            nargs="+",
            choices=sorted(choices),
            default=default,
            metavar="NAME",
            help=f"of {', '.join(choices)}; default: {' '.join(default)}",
        )
    grid.add_argument(
        "--learning-rates",
        nargs="+",
        type=learning_rate,
        default=[0.1, 0.3, 1.0, 3.0],
        metavar="NUMBER",
        help="default: 0.1 0.3 1 3",
    )
    work = parser.add_argument_group("who does it")
    work.add_argument(
        "--workers",
        type=positive,
        default=local_cores(),
        help="processes on this machine; default: one for each core (%(default)s)",
    )
    work.add_argument(
        "--scheduler",
        type=scheduler_address,
        metavar="ADDRESS",
        help="use the Dask cluster of this scheduler (tcp://host:8786) instead; needs the extra "
        "'sweep', and this project installed on its workers",
    )
    add_engine(work, ENGINES, "auto")
    report = parser.add_argument_group("what comes out")
    report.add_argument(
        "--by",
        nargs="+",
        choices=FACTORS,
        default=["activation", "loss"],
        metavar="FACTOR",
        help=f"what the picture compares, of {', '.join(FACTORS)}; default: activation loss",
    )
    add_out(report, "the results")
    options = parser.parse_args(arguments)
    for name, most in MOST.items():
        if getattr(options, name) > most:
            parser.error(f"argument --{name}: {getattr(options, name):,} is above {most:,}")
    options.sweep = Sweep(
        activations=tuple(dict.fromkeys(options.activations)),
        losses=tuple(dict.fromkeys(options.losses)),
        initialisations=tuple(dict.fromkeys(options.initialisations)),
        learning_rates=tuple(dict.fromkeys(options.learning_rates)),
        epochs=options.epochs,
        seeds=options.seeds,
    )
    options.by = [factor for factor in FACTORS if factor in options.by]
    curves = math.prod(len(options.sweep.values(factor)) for factor in options.by)
    if curves > MOST_GROUPS:
        parser.error(
            f"--by {' '.join(options.by)} makes {curves} curves; {MOST_GROUPS} can be read"
        )
    return options


def workers_of(options: argparse.Namespace) -> AbstractContextManager[Workers]:
    """Return the workers that the command line asks for."""
    if options.scheduler is not None:
        return dask_workers(options.scheduler)
    return local_workers(options.workers)


def train_missing(options: argparse.Namespace, store: Store) -> None:
    """Train what is not stored yet, with a progress bar in a terminal."""
    sweep: Sweep = options.sweep
    done = runs_done(sweep, store)
    if done:
        print(f"{done:,} of {len(sweep):,} runs are in {store.path} already.")
    if done == len(sweep):
        return
    started = time.perf_counter()
    with (
        workers_of(options) as workers,
        progress_bar(len(sweep), "run", done) as bar,
    ):
        trained = run_sweep(sweep, store, workers, options.engine, bar.update)
        count = workers.count()
    seconds = time.perf_counter() - started
    print(
        f"Trained {trained:,} networks in {seconds:.1f} s "
        f"({trained / seconds:,.0f} a second, {count} at once)."
    )


def write_results(options: argparse.Namespace, store: Store) -> None:
    """Write the report, the picture and the runs, and print what was found and written."""
    folder: Path = options.out
    sweep: Sweep = options.sweep
    print()
    print("\n".join(factor_tables(sweep, store)))
    written = [
        store.path,
        write_atomically(folder / "sweep.md", markdown_report(sweep, store)),
        write_atomically(folder / "sweep.csv", runs_csv(sweep, store)),
        plot_sweep(sweep, store, options.by, folder / "sweep.png"),
    ]
    print("Wrote " + ", ".join(str(path) for path in written))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the sweep and report."""
    options = parse_arguments(arguments)
    path: Path = options.out / "sweep.sqlite"
    kept = f"All finished runs are in {path}; the same command goes on from there."
    try:
        with Store(path) as store:
            train_missing(options, store)
            write_results(options, store)
    except (StoreError, ImportError) as error:
        sys.exit(f"error: {error}")
    except WorkersError as error:
        sys.exit(f"error: {error}.\n{kept}")
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(kept)
        raise
