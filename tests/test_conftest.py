"""What the tests share: which cases a first look runs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.conftest import few


def test_of_each_test_the_first_and_the_last_case_are_kept_in_order() -> None:
    names = [f"test_a.py::test_one[{case}]" for case in range(10)]
    names += ["test_a.py::test_alone", "test_a.py::test_two[x]", "test_a.py::test_two[y]"]
    items: list[Any] = [SimpleNamespace(nodeid=name) for name in names]
    kept = [item.nodeid.partition("::")[2] for item in few(items)]
    ones = ["test_one[0]", "test_one[9]"]
    assert kept == [*ones, "test_alone", "test_two[x]", "test_two[y]"]
