"""The committed reference data is what its script makes, not something edited since."""

from __future__ import annotations

import pytest

pytest.importorskip("mpmath", reason="makes the reference anew with mpmath, which is not installed")

from tests.golden.make_ops_reference import REFERENCE_FILE, reference_text


def test_the_reference_of_the_operations_is_what_mpmath_gives_today() -> None:
    assert REFERENCE_FILE.read_text(encoding="utf-8") == reference_text()
