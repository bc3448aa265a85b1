"""The list of the demos: ``python -m demos``."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

__all__ = ["listed"]

FOLDER = Path(__file__).parent

# In the order in which a class meets them.
DEMOS = ("xor", "notebooks", "page", "step", "worksheet", "moons", "sweep", "gpt", "gallery")


def listed() -> str:
    """Return a line for each demo: its command, and the first sentence about it."""
    lines = [f"python -m demos.{name:10} {summary(name)}" for name in DEMOS]
    return "\n".join([*lines, "", "Each tells more with --help."])


def summary(name: str) -> str:
    """Return what a demo does, as its module says; read, as its packages may be missing.

    >>> summary("xor")
    'Train a 2-4-1 network on XOR and draw what it learned.'
    """
    file = FOLDER / name / "__init__.py" if (FOLDER / name).is_dir() else FOLDER / f"{name}.py"
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return re.sub(r"\W*``python -m.*", ".", docstring.partition("\n")[0])


if __name__ == "__main__":
    print(listed())
    if asked := [argument for argument in sys.argv[1:] if not argument.startswith("-")]:
        sys.exit(f"\n{asked[0]} starts nothing here: type one of the commands above.")
