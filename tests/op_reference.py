"""The true value and local derivatives of every operation's cases, and where ours differ knowingly.

They are read from ``golden/ops_reference.json``; ``golden/make_ops_reference.py`` makes it.
"""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path
from typing import Any

from tests.op_cases import SMALLEST_NORMAL, Difference, Operands, is_listed

inf = math.inf

REFERENCE: dict[str, list[Any]] = json.loads(
    (Path(__file__).parent / "golden" / "ops_reference.json").read_text(encoding="utf-8")
)


def both_zero(a: float, b: float) -> bool:
    return a == b == 0.0


def nan_to_the_zero(a: float, b: float) -> bool:
    return math.isnan(a) and b == 0.0


def exponent_less_one_is_another_kind(a: float, b: float) -> bool:
    """The float b - 1 is an integer though b is not, or is even though b is even."""
    lost = abs(b) < 2.0**-53 or 2.0**53 <= abs(b) < inf
    return lost and math.copysign(1.0, a) == -1.0


def power_less_one_overflows(a: float, b: float) -> bool:
    return 0.0 < a < SMALLEST_NORMAL and 0.0 < abs(b) < 1.0


def at_infinity(x: float) -> bool:
    return x == inf


KNOWN_DIFFERENCES = (
    Difference("maximum", "value", both_zero, "of 0.0 and -0.0 the first is taken, as PyTorch"),
    Difference("minimum", "value", both_zero, "of 0.0 and -0.0 the first is taken, as PyTorch"),
    Difference("log_sigmoid", "value", at_infinity, "log(1) is 0.0, -softplus(-inf) is -0.0"),
    Difference("pow", 1, nan_to_the_zero, "nan**0 is 1 for any nan, so the rule takes ln as 0"),
    Difference("pow", 0, exponent_less_one_is_another_kind, "b - 1 is rounded, as in PyTorch"),
    Difference("pow", 0, power_less_one_overflows, "b * inf where b is tiny, as in PyTorch"),
)


is_known = partial(is_listed, KNOWN_DIFFERENCES)


def reference_rows(name: str) -> list[tuple[Operands, float, tuple[float | None, ...]]]:
    """Return the reference of an operation: operands, true value, true local derivatives."""
    return [
        (
            tuple(float(operand) for operand in operands),
            float(value),
            tuple(None if partial is None else float(partial) for partial in partials),
        )
        for operands, value, partials in REFERENCE[name]
    ]
