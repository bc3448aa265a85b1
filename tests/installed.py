"""Prove that the built wheel and sdist are whole: ``python -m tests.installed PYTHON``.

PYTHON is an environment's interpreter, with the wheel of ``dist/`` and what the tests need.  The
demos run there in an empty folder, and the tests run from a copy of their folder, so that what they
import is what was installed.  The tests that read the project's own files run in the unpacked
sdist.  ``--quick`` runs a few of the wheel's tests and none of the sdist's.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

__all__ = ["main"]

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("autodiff", "nn", "demos")
SDIST_ALONE = ("tests", "benchmarks", "docs")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE")
SETTINGS = ("Makefile", "setup.py", "setup.cfg", "pyproject.toml")

# Each reads files that no wheel has: documents, settings, sources of the project beside the tests.
READ_THE_PROJECT = (
    *(
        "benchmarks",
        "debugpy",
        "deep_graphs",
        "documents",
        "notebooks",
        "packaging",
        "pdb",
        "pyodide",
        "recipes",
    ),
    "reference",
)
QUICK = ("value", "ops", "compile", "io", "page", "worksheet")

DEMOS = ("xor --epochs 20", "page", "worksheet", "step --plain")
WRITTEN = {"xor.html", "weights.json", "loss.png", "sheet.html", "sheet.answers.json"}

IDENTITY = """
import autodiff, demos, importlib.metadata, nn
assert importlib.metadata.version("autodiff-lab") == autodiff.__version__
print(autodiff.__version__, *[module.__path__[0] for module in (autodiff, nn, demos)])
"""


def files_below(folders: Iterable[str]) -> set[str]:
    """Return the project's files in some of its folders, without what Python made there."""
    return {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def check_contents(wheel: Path, sdist: Path) -> None:
    """Exit with their names unless every file of the project is where it belongs."""
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = {name for name in archive.namelist() if ".dist-info/" not in name}
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    packages = files_below(PACKAGES)
    wanted = {*packages, *files_below(SDIST_ALONE), *DOCUMENTS, *SETTINGS}
    if in_wheel != packages:
        sys.exit(f"missing in the wheel, or too much: {sorted(in_wheel ^ packages)}")
    if wanted - in_sdist:
        sys.exit(f"missing in the sdist: {sorted(wanted - in_sdist)}")
    print(f"{len(in_wheel)} files in the wheel, {len(in_sdist)} in the sdist: none is missing")


def run(command: list[str], folder: Path, show: bool = True) -> str:
    """Run a command in a folder, where nothing else can be imported; exit if it fails.

    Returns what it prints, or shows it and returns ''.
    """
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    output = None if show else subprocess.PIPE
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment, "PYTHONIOENCODING": "utf-8"},
        stdout=output,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout or ''}\nfailed in {folder}: {' '.join(command)}")
    return done.stdout or ""


def check_demos(python: str, folder: Path) -> None:
    """Run the demos in an empty folder, by what is installed alone; exit if one fails."""
    for demo in DEMOS:
        name, *options = demo.split()
        run([python, "-I", "-m", f"demos.{name}", *options], folder, show=False)
    missing = WRITTEN - {path.name for path in (folder / "out").iterdir()}
    if missing:
        sys.exit(f"the demos did not write {sorted(missing)}")
    print(f"ran in an empty folder: {', '.join(demo.partition(' ')[0] for demo in DEMOS)}")


def check_wheel(python: str, folder: Path, quick: bool, options: list[str]) -> None:
    """Run the tests on the installed packages, from a copy of the tests' folder."""
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "setup.cfg", folder / "setup.cfg")
    if quick:
        chosen = [f"tests/test_{name}.py" for name in QUICK]
    else:
        chosen = ["--pyargs", "tests", "autodiff", "nn"]
        chosen += [f"--ignore=tests/test_{name}.py" for name in READ_THE_PROJECT]
        chosen += ["--ignore=tests/documents.py", "--ignore=tests/parity"]
    run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen, *options], folder)


def check_sdist(python: str, sdist: Path, folder: Path, options: list[str]) -> None:
    """Unpack the sdist and run all of its tests in it."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    found = run([python, "-c", IDENTITY], unpacked, show=False)
    if str(unpacked) not in found:
        sys.exit(f"these are not the sdist's packages: {found}")
    run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options], unpacked)


def main() -> None:
    """Check what ``make package`` built; exit with a message at the first fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.installed", description=__doc__)
    parser.add_argument("python", help="the interpreter of the environment with the wheel")
    parser.add_argument("--quick", action="store_true", help="a few tests of the wheel's alone")
    options, for_pytest = parser.parse_known_args()
    # Not resolved: a link in an environment's folder is what makes it that environment's.
    python = os.path.abspath(options.python)
    (wheel,), (sdist,) = (ROOT / "dist").glob("*.whl"), (ROOT / "dist").glob("*.tar.gz")
    check_contents(wheel, sdist)
    with tempfile.TemporaryDirectory() as name:
        empty, copy, unpacked = (Path(name) / part for part in ("empty", "copy", "unpacked"))
        for folder in (empty, copy, unpacked):
            folder.mkdir()
        version, *places = run([python, "-I", "-c", IDENTITY], empty, show=False).split()
        if any(
            Path(place).is_relative_to(ROOT / package)
            for place, package in zip(places, PACKAGES, strict=True)
        ):
            sys.exit(f"what {python} imports is not installed: {places}")
        print(f"version {version}, the same in the package and its metadata")
        check_demos(python, empty)
        check_wheel(python, copy, options.quick, for_pytest)
        if not options.quick:
            check_sdist(python, sdist, unpacked, for_pytest)


if __name__ == "__main__":
    main()
