"""A pytest plugin for the run in which every optional part is installed: a skip is a failure.

But for what no package brings: a system that lets its user mount a file system.

``pytest -p tests.no_skip``, or ``make parity``.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

import pytest

# What the parity extra does not bring: see CONTRIBUTING.md.
NOT_INSTALLED = ("tests/parity/test_ops_jax.py",)
# Most containers do not let anybody: see tests/test_failing_disks.py.
NOT_ALLOWED = "no file system can be mounted here"

__all__ = ["NOT_ALLOWED", "pytest_make_collect_report", "pytest_runtest_makereport"]

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Return the report of one phase of a test, a skip made a failure."""
    return failed_if_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Return the report of collecting a file, a skip (``importorskip``) made a failure."""
    return failed_if_skipped((yield))


def failed_if_skipped(report: Report) -> Report:
    """Return the report, as a failure with the skip's reason if it was skipped.

    A test that is expected to fail (``xfail``) is no skip, though pytest reports it as one.  Files
    that need more than the parity extra may be skipped whole.
    """
    if report.nodeid in NOT_INSTALLED:
        return report
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        if NOT_ALLOWED in str(reason):
            return report
        report.outcome = "failed"
        report.longrepr = f"skipped in a run that may not skip. {reason}"
    return report
