"""Weights in a file: readable JSON, exact to the last bit."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from autodiff.support.convert import describe, short_repr
from autodiff.support.files import write_atomically
from autodiff.support.strict_json import json_of
from nn.module import Module

__all__ = ["load", "save"]

FORMAT = "autodiff weights"
VERSION = 1
NON_FINITE = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}


def save(model: Module, path: str | os.PathLike[str]) -> Path:
    """Write the model's weights to a JSON file and return its path.

    The file holds ``state_dict()`` and is replaced as a whole or not at all.  JSON has no
    infinity or nan, so these are written as strings.

    Raises OSError if it cannot be written, TypeError if the model is no Module.
    """
    _check_module(model, "save")
    lines = [
        f"  {json.dumps(name)}: {_to_json(entry)}" for name, entry in model.state_dict().items()
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
        model.load_state_dict({k: _from_json(v) for k, v in content["weights"].items()})
    except RecursionError:
        raise ValueError(f"{path} is not a weights file: its lists are too deep") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _check_module(model: Module, user: str) -> None:
    if not isinstance(model, Module):
        raise TypeError(f"{user} needs a Module as its model, but got {describe(model)}")


def _to_json(entry: Any) -> str:
    """Return nested lists as JSON, each list of numbers on a line of its own."""
    if isinstance(entry, list):
        lists = any(isinstance(item, list) for item in entry)
        separator = ",\n    " if lists else ", "
        return f"[{separator.join(_to_json(item) for item in entry)}]"
    if math.isfinite(entry):
        return json.dumps(entry)
    return json.dumps("NaN" if entry != entry else "Infinity" if entry > 0 else "-Infinity")


def _from_json(entry: Any) -> Any:
    """Return an entry with the strings that stand for infinities and nan as numbers."""
    if isinstance(entry, list):
        return [_from_json(item) for item in entry]
    if isinstance(entry, bool):
        raise ValueError("true and false are no weights")
    return NON_FINITE.get(entry, entry) if isinstance(entry, str) else entry
