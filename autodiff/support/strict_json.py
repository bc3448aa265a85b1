"""JSON that a person may have edited: read strictly, and numbers written exactly."""

from __future__ import annotations

import json
import math
from typing import Any

__all__ = ["json_of", "json_of_numbers", "numbers_of_json", "short_json"]

NON_FINITE = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}


def json_of(content: bytes) -> Any:
    """Return what a file of JSON holds, in UTF-8, UTF-16 or UTF-32.

    It is strict where Python's reader is not: a name that an object has twice, NaN, Infinity
    and a number beyond the range of floats are errors, and ``-0`` keeps its sign.  Raises
    ValueError, saying what is wrong.

    >>> json_of(b'{"bias": [-0, 1.5]}')
    {'bias': [-0.0, 1.5]}
    >>> json_of(b'{"bias": 1, "bias": 2}')
    Traceback (most recent call last):
    ...
    ValueError: "bias" is there twice
    """
    try:
        return json.loads(
            content,
            object_pairs_hook=_without_repeats,
            parse_int=_whole,
            parse_float=_finite,
            parse_constant=_no_constant,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def json_of_numbers(entry: Any) -> str:
    """Return nested lists of floats as JSON, exact, each list of numbers on a line of its own.

    JSON has no infinity or nan, so these are strings.

    >>> json_of_numbers([0.1, float("inf")])
    '[0.1, "Infinity"]'
    """
    if isinstance(entry, list):
        lists = any(isinstance(item, list) for item in entry)
        separator = ",\n    " if lists else ", "
        return f"[{separator.join(json_of_numbers(item) for item in entry)}]"
    if math.isfinite(entry):
        return json.dumps(entry)
    return json.dumps("NaN" if entry != entry else "Infinity" if entry > 0 else "-Infinity")


def numbers_of_json(entry: Any) -> Any:
    """Return an entry with the strings that stand for infinities and nan as numbers.

    Raises ValueError for true and false.

    >>> numbers_of_json([0.1, "Infinity"])
    [0.1, inf]
    """
    if isinstance(entry, list):
        return [numbers_of_json(item) for item in entry]
    if isinstance(entry, bool):
        raise ValueError("true and false are no weights")
    return NON_FINITE.get(entry, entry) if isinstance(entry, str) else entry


def short_json(thing: Any) -> str:
    """Return a thing as JSON, its end left out if it is long."""
    try:
        text = json.dumps(thing, ensure_ascii=True)
    except (RecursionError, ValueError):
        text = f"a {type(thing).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, entry in pairs:
        if name in found:
            raise ValueError(f"{short_json(name)} is there twice")
        found[name] = entry
    return found


def _whole(text: str) -> int | float:
    return int(text) or (-0.0 if text.startswith("-") else 0)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text if len(text) <= 60 else text[:57] + '...'} is too large")
    return number


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
