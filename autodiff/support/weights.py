"""Named nested lists of numbers in a file: readable JSON, exact to the last bit."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autodiff.support.convert import short_repr
from autodiff.support.files import write_atomically
from autodiff.support.strict_json import json_of, json_of_numbers, numbers_of_json

__all__ = ["read_weights", "write_weights"]

FORMAT = "autodiff weights"
VERSION = 1


def write_weights(path: str | os.PathLike[str], weights: Mapping[str, Any]) -> Path:
    """Write a file, which is replaced as a whole or not at all, and return its path.

    Raises OSError if it cannot be written.
    """
    lines = [f"  {json.dumps(name)}: {json_of_numbers(entry)}" for name, entry in weights.items()]
    text = (
        f'{{\n "format": {json.dumps(FORMAT)},\n "version": {VERSION},\n "weights": {{\n'
        + ",\n".join(lines)
        + "\n }\n}\n"
    )
    return write_atomically(path, text)


def read_weights(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what is in a file that ``write_weights`` wrote.

    Raises OSError if the file cannot be read and ValueError, naming the file and the fault, if
    it is truncated or something else.
    """
    try:
        content = json_of(Path(path).read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not a weights file: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f'{path} is not a weights file: it does not say "format": "{FORMAT}"')
    version = content.get("version")
    if isinstance(version, bool) or version != VERSION:
        raise ValueError(
            f"{path} has version {short_repr(version)} of the format; "
            f"this program reads version {VERSION}"
        )
    weights = content.get("weights")
    if not isinstance(weights, dict):
        raise ValueError(f'{path} is not a weights file: "weights" is missing')
    try:
        return {name: numbers_of_json(entry) for name, entry in weights.items()}
    except RecursionError:
        raise ValueError(f"{path} is not a weights file: its lists are too deep") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
