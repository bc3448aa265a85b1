"""The results of a sweep in an SQLite file, where every run is there once or not at all.

A run's key is its configuration, its number of epochs and its seed.  Runs are added in
transactions: after a crash, a power cut or an interrupt at any moment, the file holds whole
batches, and the sweep goes on with the runs that are missing.  A run that is added twice is the
same run, and is kept once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from autodiff.support.convert import short_repr
from demos.sweep.settings import Configuration, checkpoints
from demos.sweep.training import Batch, Run

__all__ = ["Store", "StoreError"]

# Marks the file as ours ("XORS"), and says which version of the tables it has.
APPLICATION = 0x584F5253
VERSION = 1

# What sqlite3 raises; the second where its own message quotes damaged text.
DAMAGED = (sqlite3.Error, UnicodeDecodeError)

PRIMARY_KEY = "activation, loss, initialisation, learning_rate, epochs, seed"

# For another sweep that writes into the same file; SQLite takes some damage for one, too.
SECONDS_TO_WAIT = 60.0

SCHEMA = f"""
CREATE TABLE runs (
    activation TEXT NOT NULL,
    loss TEXT NOT NULL,
    initialisation TEXT NOT NULL,
    learning_rate REAL NOT NULL,
    epochs INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    solved_epoch INTEGER,           -- NULL: not solved
    correct INTEGER NOT NULL,       -- of the four rows, after training
    losses TEXT NOT NULL,           -- a JSON list, one number for each checkpoint
    PRIMARY KEY ({PRIMARY_KEY})
) WITHOUT ROWID
"""

OF_CONFIGURATION = (
    "activation = ? AND loss = ? AND initialisation = ? AND learning_rate = ? AND epochs = ?"
)


class StoreError(Exception):
    """A file that cannot hold results; the message says which and why."""


class Store:
    """Opens the file, or makes it; use it in a ``with``.

    Raises StoreError if the file is something else, is damaged, or cannot be written; also on
    leaving the ``with``, in the place of SQLite's own error.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.connection = sqlite3.connect(path, timeout=SECONDS_TO_WAIT)
            try:
                self._prepare()
            except BaseException:
                self.connection.close()
                raise
        except DAMAGED as error:
            raise StoreError(f"cannot use {path} for the results: {error}") from None

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Raise StoreError, in a ``with``, if what is read there is damaged."""
        try:
            yield
        except (*DAMAGED, TypeError, ValueError) as error:
            raise StoreError(
                f"{self.path} is damaged: {error}; move it away, or choose another --out"
            ) from None

    def _prepare(self) -> None:
        with self.connection:
            # Two sweeps that start together must not both make the table.
            self.connection.execute("BEGIN IMMEDIATE")
            (application,) = self.connection.execute("PRAGMA application_id").fetchone()
            (version,) = self.connection.execute("PRAGMA user_version").fetchone()
            (tables,) = self.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if not tables and not application and not version:
                self.connection.execute(SCHEMA)
                self.connection.execute(f"PRAGMA application_id = {APPLICATION}")
                self.connection.execute(f"PRAGMA user_version = {VERSION}")
            elif application != APPLICATION:
                raise StoreError(f"{self.path} is another program's database; choose another --out")
            elif version != VERSION:
                raise StoreError(
                    f"{self.path} has version {version} of the results, but this program reads "
                    f"version {VERSION}; choose another --out"
                )
            else:  # a commit would mend a damaged header, but what may be refused is left as it is
                self.connection.rollback()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.connection.close()
        if isinstance(error, sqlite3.Error):  # read from a file that is damaged further in, say
            raise StoreError(f"cannot use {self.path} for the results: {error}") from error

    def add(self, batch: Batch, epochs: int) -> None:
        """Add the runs of a batch, all of them or none. A run that is there already stays.

        Raises StoreError if the file cannot be written.
        """
        key = _key(batch.configuration, epochs)
        rows = [
            (*key, run.seed, run.solved_epoch, run.correct, json.dumps(run.losses))
            for run in batch.runs
        ]
        try:
            with self.connection:
                self.connection.executemany(
                    "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
                    f"ON CONFLICT ({PRIMARY_KEY}) DO NOTHING",
                    rows,
                )
        except sqlite3.IntegrityError:  # no run of a batch: the program's own fault
            raise
        except DAMAGED as error:  # the disk is full, or the file is damaged
            raise StoreError(f"cannot write into {self.path}: {error}") from None

    def seeds(self, configuration: Configuration, epochs: int) -> set[int]:
        """Return the seeds that are done.

        Raises StoreError if the file is damaged.
        """
        query = f"SELECT seed FROM runs WHERE {OF_CONFIGURATION}"
        with self._reading():
            return {seed for (seed,) in self.connection.execute(query, _key(configuration, epochs))}

    def count(self, configuration: Configuration, epochs: int, seeds: int) -> int:
        """Return how many runs of a configuration are there, of those from the first seeds."""
        row = self.connection.execute(
            f"SELECT count(*) FROM runs WHERE {OF_CONFIGURATION} AND seed < ?",
            (*_key(configuration, epochs), seeds),
        ).fetchone()
        return int(row[0])

    def runs(self, configuration: Configuration, epochs: int, seeds: int) -> Iterator[Run]:
        """Yield the runs of a configuration from the first seeds, in their order.

        Raises StoreError if the file is damaged.
        """
        query = (
            "SELECT seed, solved_epoch, correct, losses FROM runs "
            f"WHERE {OF_CONFIGURATION} AND seed < ? ORDER BY seed"
        )
        count = len(checkpoints(epochs))
        with self._reading():
            rows = self.connection.execute(query, (*_key(configuration, epochs), seeds))
            runs = [_run_of(row, epochs, count) for row in rows]
        yield from runs


def _run_of(row: tuple[Any, ...], epochs: int, count: int) -> Run:
    """Return the run of a row with ``count`` losses; raise ValueError if it cannot be one."""
    seed, solved_epoch, correct, losses = row
    numbers = json.loads(losses)
    if (
        type(seed) is not int
        or type(correct) is not int
        or correct not in range(5)
        or (solved_epoch is not None and type(solved_epoch) is not int)
        or not isinstance(numbers, list)
        or len(numbers) != count
        or not all(number is None or type(number) is float for number in numbers)
    ):
        raise ValueError(f"the row of seed {short_repr(seed)} is no run of {epochs} epochs")
    return Run(seed, solved_epoch, correct, numbers)


def _key(configuration: Configuration, epochs: int) -> tuple[str, str, str, float, int]:
    return (
        configuration.activation,
        configuration.loss,
        configuration.initialisation,
        configuration.learning_rate,
        epochs,
    )
