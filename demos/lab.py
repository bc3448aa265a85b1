"""The lab that the main demo reproduces: its data, its network's start, and its printed log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autodiff.support.strict_json import json_of

__all__ = ["LAB", "Lab"]


@dataclass(frozen=True, slots=True)
class Lab:
    """The lab's data set, settings and results.

    ``losses[k]`` is what the lab printed at epoch ``k * log_every``; ``initial_weights`` is a
    state dict of the 2-4-1 network.
    """

    x: list[list[float]]
    y: list[float]
    learning_rate: float
    epochs: int
    log_every: int
    losses: list[float]
    final_predictions: list[float]
    initial_weights: dict[str, Any]


def read_lab(path: Path) -> Lab:
    """Return the lab that the JSON file describes; raise ValueError, naming it, if it does not."""
    try:
        return lab_of(json_of(path.read_bytes()))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        fault = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"{path} does not describe the lab: {fault}") from error


def lab_of(content: Any) -> Lab:
    """Return the lab that JSON describes."""
    return Lab(
        x=[[float(number) for number in row] for row in content["dataset"]["x"]],
        y=[float(number) for number in content["dataset"]["y"]],
        learning_rate=float(content["optimizer"]["learning_rate"]),
        epochs=int(content["optimizer"]["epochs"]),
        log_every=int(content["log"]["every"]),
        losses=[float(number) for number in content["log"]["losses"]],
        final_predictions=[float(number) for number in content["final_predictions"]],
        initial_weights=content["initial_weights"],
    )


LAB = read_lab(Path(__file__).with_name("lab.json"))
