"""What to type where a package is missing that the library can use and does not need."""

from __future__ import annotations

from pathlib import Path

__all__ = ["install"]

NAME = "autodiff-lab"
FOLDER = Path(__file__).parents[2]  # of the packages: a clone, or where pip puts what it installs


def install(extra: str) -> str:
    """Return the command that installs all packages of an extra.

    >>> install("draw").endswith('[draw]"')
    True
    """
    if not (FOLDER / "setup.cfg").is_file():
        return f'pip install "{NAME}[{extra}]"'
    is_here = Path("setup.cfg").is_file() and FOLDER.samefile(".")
    return f'pip install "{"." if is_here else FOLDER}[{extra}]"'
