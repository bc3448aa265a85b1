"""Weights in a file: readable JSON, exact to the last bit."""

from __future__ import annotations

import os
from pathlib import Path

from autodiff.support.weights import read_weights, write_weights
from nn.module import Module, check_is_module

__all__ = ["load", "save"]


def save(model: Module, path: str | os.PathLike[str]) -> Path:
    """Write the model's weights to a JSON file and return its path.

    The file holds ``state_dict()`` and is replaced as a whole or not at all.  JSON has no
    infinity or nan, so these are written as strings.

    Raises OSError if it cannot be written, TypeError if the model is no Module.
    """
    check_is_module(model, "save")
    return write_weights(path, model.state_dict())


def load(model: Module, path: str | os.PathLike[str]) -> None:
    """Set the model's weights from a file that ``save`` wrote.

    Raises OSError if the file cannot be read and ValueError, naming the file and the fault, if
    it is truncated, is something else, or does not fit the model, which is then left as it was;
    TypeError if the model is no Module.
    """
    check_is_module(model, "load")
    weights = read_weights(path)
    try:
        model.load_state_dict(weights)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
