"""Runs of pytest for tests.mutation: each starts at once, and begins with what fails soonest.

A run is a fork of a process that has loaded all but the project.  One that looks on measures how
long each test takes and which lines of a file it comes through; later runs begin with the tests
of the changed line, the shortest first, and end a test that takes far longer than it did.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["Suite", "measured"]

# What the tests, and pytest for them, would load in each run.
PRELOADED = ("doctest", "hypothesis.strategies", "llvmlite.binding", "mpmath", "numpy")

OPTIONS = ["-x", "-q", "-p", "no:cacheprovider"]
ENVIRONMENT = {"HYPOTHESIS_PROFILE": "mutation", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

# In seconds: what loading the project, and a test, may take more than ever before.
PATIENCE = 10.0


@dataclass(frozen=True)
class Suite:
    """Some tests, as arguments of pytest; how long each takes, and which come through a line."""

    arguments: list[str]
    seconds: dict[str, float]
    of_line: dict[int, list[str]]

    def failure(self, line: int) -> str:
        """Run the tests, those first that come through a line, and return "" if all pass.

        Returns what pytest says of the first that fails otherwise.
        """
        # Of a statement of several lines, the first may be all that was seen.
        seen = max((other for other in self.of_line if other <= line), default=None)
        first = set(self.of_line[seen]) if seen is not None else set()
        return run(self.arguments, SoonestFirst(self.seconds, first))


def measured(arguments: list[str], target: Path) -> Suite:
    """Run tests, all of which have to pass, and return them with what was measured.

    Raises SystemExit, with pytest's output, if one fails.
    """
    for module in PRELOADED:
        importlib.import_module(module)
    with tempfile.NamedTemporaryFile() as file:
        # The byte code that this leaves saves half of each later run.
        failures = run(arguments, Measurement(target, Path(file.name)), leave_byte_code=True)
        if failures:
            sys.exit("the tests fail without any change\n" + failures)
        found = json.loads(Path(file.name).read_text(encoding="utf-8"))
    of_line = {int(line): names for line, names in found["of_line"].items()}
    return Suite(arguments, found["seconds"], of_line)


def run(arguments: list[str], plugin: object, leave_byte_code: bool = False) -> str:
    """Run pytest with a plugin in a fork of this process, and return "" if all tests pass.

    Returns pytest's output otherwise.
    """
    gc.freeze()  # in the fork, a collection does not go through all that is loaded
    with tempfile.TemporaryFile() as output:
        process = os.fork()
        if process == 0:
            os.setsid()
            os.environ.update(ENVIRONMENT, PYTHONDONTWRITEBYTECODE="" if leave_byte_code else "1")
            sys.dont_write_bytecode = not leave_byte_code
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            os._exit(pytest.main([*OPTIONS, *arguments], [plugin]))
        try:
            _, status = os.waitpid(process, 0)
        finally:
            # What a test left behind, or all of it if this process was interrupted.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)
        if status == 0:
            return ""
        output.seek(0)
        return output.read().decode(errors="replace") or f"status {status}"


class Measurement:
    """A plugin of pytest that writes into a file what it sees of the tests."""

    def __init__(self, target: Path, file: Path) -> None:
        from coverage import Coverage

        self.coverage = Coverage(data_file=None, config_file=False, include=[str(target)])
        self.target = target
        self.file = file
        self.seconds: dict[str, float] = {}

    def pytest_sessionstart(self) -> None:
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.coverage.switch_context(item.nodeid)
        began = time.monotonic()
        result = yield
        self.seconds[item.nodeid] = time.monotonic() - began
        self.coverage.switch_context("")
        return result

    def pytest_sessionfinish(self) -> None:
        self.coverage.stop()
        lines = self.coverage.get_data().contexts_by_lineno(str(self.target.resolve()))
        of_line = {line: [name for name in names if name] for line, names in lines.items()}
        found = {"seconds": self.seconds, "of_line": of_line}
        self.file.write_text(json.dumps(found), encoding="utf-8")


class SoonestFirst:
    """A plugin of pytest that puts the tests in order, and ends one that does not end."""

    def __init__(self, seconds: dict[str, float], first: set[str]) -> None:
        self.seconds = seconds
        self.first = first

    def pytest_sessionstart(self) -> None:
        signal.alarm(int(PATIENCE))

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=self.place)

    def place(self, item: pytest.Item) -> tuple[bool, float]:
        return item.nodeid not in self.first, self.seconds.get(item.nodeid, 0.0)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        # The alarm ends the process, whatever it does.
        signal.alarm(int(PATIENCE + 10 * self.seconds.get(item.nodeid, 0.0)))
        return (yield)
