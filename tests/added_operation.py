"""A pytest plugin that adds an operation to the table, and no cases: the suite has to notice.

``pytest -p tests.added_operation``.
"""

from __future__ import annotations

from typing import Any

from autodiff.ops import OPERATIONS, Operation


def added(x: Any) -> Any:
    return x * x * x


def added_partials(out: Any, x: Any) -> tuple[Any]:
    return (3.0 * x * x,)


def pytest_configure() -> None:
    """Add it when it is asked for as a plugin, not whenever this file is imported."""
    OPERATIONS["added"] = Operation("added", "added", 1, added, added_partials)
