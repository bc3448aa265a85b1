"""Command-line arguments that several demos share, checked before any work is done."""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from autodiff.support.extras import install

__all__ = [
    "add_engine",
    "add_out",
    "command_line",
    "count",
    "learning_rate",
    "missing_package",
    "output_file",
    "output_folder",
    "positive",
]

ENGINES = {
    "auto": "the fastest that is installed",
    "eager": "the loop to read",
    "python": "a compiled program",
    "native": "machine code, which needs llvmlite",
}


def command_line(demo: str, description: str | None) -> argparse.ArgumentParser:
    """Return the parser of a demo's command line, without arguments yet."""
    return argparse.ArgumentParser(
        prog=f"python -m {demo}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_engine(parser: argparse._ActionsContainer, choices: Sequence[str], default: str) -> None:
    """Add ``--engine``: what trains."""
    parser.add_argument(
        "--engine",
        choices=choices,
        default=default,
        help=f"{'; '.join(f'{name}: {ENGINES[name]}' for name in choices)}; default: %(default)s. "
        "The results are the same, bit for bit",
    )


def add_out(parser: argparse._ActionsContainer, what: str) -> None:
    """Add ``--out``, the folder where something goes; it is made, and tried, at once."""
    parser.add_argument(
        "--out",
        type=output_folder,
        default="out",
        metavar="FOLDER",
        help=f"where to put {what}; default: %(default)s",
    )


# Of a file, in bytes: a file system takes 255, and names are lengthened for files beside it.
LONGEST_NAME = 200


def missing_package(demo: str, extra: str, missing: ModuleNotFoundError) -> str:
    """Return what to tell a person whose Python lacks a package that a demo needs."""
    return f"{demo} needs {missing.name}: {install(extra)}"


def count(text: str) -> int:
    """Return a whole number, 0 or more."""
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is below 0")
    return number


def positive(text: str) -> int:
    """Return a whole number, 1 or more."""
    number = count(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is below 1")
    return number


def learning_rate(text: str) -> float:
    """Return a positive, finite number."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0.0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a finite number above 0")
    return number


def output_folder(text: str) -> Path:
    """Return a folder that files can be written into, made if it is missing."""
    folder = Path(text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass  # it never has a name, where the system can do that
    except OSError as error:
        raise argparse.ArgumentTypeError(
            f"cannot write into the folder {text!r}: {error.strerror or error}"
        ) from None
    return folder


def output_file(text: str) -> Path:
    """Return a file's path in a folder that can be written into, made if it is missing."""
    path = Path(text)
    if os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"{text!r} is a folder; give the name of a file")
    if len(os.fsencode(path.name)) > LONGEST_NAME:
        raise argparse.ArgumentTypeError(
            f"the file's name has more than {LONGEST_NAME} bytes: {path.name!r}; shorten it"
        )
    output_folder(str(path.parent))
    return path
