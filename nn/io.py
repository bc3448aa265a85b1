"""Weights in a file: readable JSON, exact to the last bit."""

from __future__ import annotations

import json
import os
from pathlib import Path

from autodiff.support.convert import describe, short_repr
from autodiff.support.files import write_atomically
from autodiff.support.strict_json import json_of, json_of_numbers, numbers_of_json
from nn.module import Module

__all__ = ["load", "save"]

FORMAT = "autodiff weights"
VERSION = 1


def save(model: Module, path: str | os.PathLike[str]) -> Path:
    """Write the model's weights to a JSON file and return its path.

    The file holds ``state_dict()`` and is replaced as a whole or not at all.  JSON has no
    infinity or nan, so these are written as strings.

    Raises OSError if it cannot be written, TypeError if the model is no Module.
    """
    _check_module(model, "save")
    lines = [
        f"  {json.dumps(name)}: {json_of_numbers(entry)}"
        for name, entry in model.state_dict().items()
    ]
    text = (
        f'{{\n "format": {json.dumps(FORMAT)},\n "version": {VERSION},\n "weights": {{\n'
        + ",\n".join(lines)
        + "\n }\n}\n"
    )
    return write_atomically(path, text)


def load(model: Module, path: str | os.PathLike[str]) -> None:
    """Set the model's weights from a file that ``save`` wrote.

    Raises OSError if the file cannot be read and ValueError, naming the file and the fault, if
    it is truncated, is something else, or does not fit the model, which is then left as it was;
    TypeError if the model is no Module.
    """
    _check_module(model, "load")
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
    if not isinstance(content.get("weights"), dict):
        raise ValueError(f'{path} is not a weights file: "weights" is missing')
    try:
        model.load_state_dict({k: numbers_of_json(v) for k, v in content["weights"].items()})
    except RecursionError:
        raise ValueError(f"{path} is not a weights file: its lists are too deep") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _check_module(model: Module, user: str) -> None:
    if not isinstance(model, Module):
        raise TypeError(f"{user} needs a Module as its model, but got {describe(model)}")
