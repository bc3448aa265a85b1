"""The engine in a browser's Python: its own tests, run by Pyodide."""

from __future__ import annotations

import re

import pytest

from tests.pyodide.run import LEFT_OUT, missing, run

# Those that reach every operation, both passes, compiled programs and training, a few cases of each
# test; the whole list of tests.pyodide.run, with all cases, takes some minutes.
FILES = ["value", "ops", "backward", "linear", "layers", "optim", "fit", "notebooks_in_browser"]


def test_the_engine_and_nn_pass_their_tests_in_webassembly() -> None:
    if missing():
        pytest.skip(missing())
    files = [f"tests/test_{name}.py" for name in FILES]
    done = run(["-q", "--few", *files, *(f"--deselect={test}" for test in LEFT_OUT)])
    last = done.stdout.strip().splitlines()[-1]
    assert done.returncode == 0, done.stdout[-5000:]
    passed = re.search(r"(\d+) passed", last)
    assert passed, last
    assert int(passed[1]) > 250
    assert "failed" not in last
