"""What the tests share: golden files, and the switch that rewrites them."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

# No tests: the first need atheris, and of the others each imports an engine, which a test chooses.
collect_ignore = ["fuzz", "programs"]

# A slow machine is no failure.  HYPOTHESIS_PROFILE=thorough tries 50 times as many examples, and
# HYPOTHESIS_PROFILE=quick a quarter, the same each time: does it work here?
TIMES = 50
settings.register_profile("shared", deadline=None)
# For tests.mutation: the same examples each time, and no search for the smallest that fails.
settings.register_profile(
    "mutation",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
)
settings.register_profile("thorough", deadline=None, max_examples=100 * TIMES, print_blob=True)
settings.register_profile("quick", deadline=None, max_examples=25, derandomize=True)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "shared")
settings.load_profile(PROFILE)


def examples(count: int, **others: Any) -> settings:
    """Return settings with that many examples, or as many as the profile makes of them."""
    tried = {"thorough": count * TIMES, "quick": max(count // 4, 1)}.get(PROFILE, count)
    slow = [HealthCheck.too_slow]
    return settings(max_examples=tried, suppress_health_check=slow, **others)


GOLDEN = Path(__file__).with_name("golden")

# Tells the processes that a measured one starts to measure themselves.
MEASURING = "COVERAGE_PROCESS_CONFIG"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-golden",
        action="store_true",
        help="write the golden files anew instead of comparing with them; then look at the diff",
    )
    parser.addoption(
        "--slow",
        action="store_true",
        help="run the tests that are marked slow, too: the same proofs, for more cases",
    )
    parser.addoption(
        "--few",
        action="store_true",
        help="run the first and the last case of each test alone",
    )


def few(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the items with the first and the last case of each test."""
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    kept = {each[place].nodeid for each in cases.values() for place in (0, -1)}
    return [item for item in items if item.nodeid in kept]


# The files that take longest, about the longest first: under coverage, on two cores.
LONGEST = (
    *("test_recipes.py", "test_documents.py", "test_pyodide.py", "test_frame.py", "test_sweep.py"),
    *("test_use.py", "test_gpt_page.py", "test_show.py", "test_site.py", "test_benchmarks.py"),
    *("test_debugpy.py", "test_sweep_dask.py", "test_standalone.py", "test_notebooks.py"),
    *("test_stopped_demos.py", "test_step_demo.py", "test_native.py", "test_packs.py"),
    *("test_runs.py", "test_folds.py", "test_shapes.py", "test_untaken.py", "test_explain.py"),
    *("test_mistakes.py", "test_random_programs.py", "test_fold_calls.py", "test_memory.py"),
    *("test_readers.py", "test_worksheet.py", "test_xor_demo.py", "test_draw.py", "test_moons.py"),
)


def place_of(item: pytest.Item) -> int:
    """Return when a test's file comes: the longest first, then the others as they are."""
    return LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST)


def pytest_configure() -> None:
    """Take Ctrl-C: a shell's background job ignores it, and its children would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow tests out unless they are asked for, but not as skips, which may be errors.

    Of several workers, none is to be left alone with a long file in the end: begin with these.
    """
    if hasattr(config, "workerinput"):
        items.sort(key=place_of)
    if config.getoption("--few"):
        kept = few(items)
        chosen = set(kept)
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = kept
    if not config.getoption("--slow"):
        left_out = [item for item in items if item.get_closest_marker("slow")]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let no coverage be measured of a test that is marked unmeasured, and of what it starts."""
    if item.get_closest_marker("unmeasured") is None or MEASURING not in os.environ:
        return (yield)
    from coverage import Coverage

    # A worker has two: what pytest-cov starts, and what every process of a measured one starts.
    stopped = []
    while (measuring := Coverage.current()) is not None:
        measuring.stop()
        stopped.append(measuring)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv(MEASURING)
            return (yield)
    finally:
        for measuring in reversed(stopped):
            measuring.start()


@dataclass(frozen=True, slots=True)
class Golden:
    """The golden files: text that a person has looked at and found good."""

    rewrite: bool

    def check(self, name: str, text: str) -> None:
        """Assert that text is what the golden file of that name holds, or make it so."""
        path = GOLDEN / name
        if self.rewrite:
            path.write_text(text, encoding="utf-8", newline="\n")
        assert path.is_file(), f"no {path.name}: make it with --rewrite-golden, and look at it"
        assert text == path.read_text(encoding="utf-8"), (
            f"not as in {path.name}; if that is meant, --rewrite-golden, and look at the diff"
        )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(rewrite=request.config.getoption("--rewrite-golden"))
