"""The project as ``pip install`` puts it into a folder of installed packages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

__all__ = ["install_into"]

ROOT = Path(__file__).resolve().parent.parent
# What a wheel is built from; the build writes beside it, so it is done in a copy.
PARTS = (
    "autodiff",
    "nn",
    "demos",
    "setup.py",
    "setup.cfg",
    "pyproject.toml",
    "README.md",
    "LICENSE",
)
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def install_into(folder: Path) -> Path:
    """Build the project's wheel and install it; return the ``site-packages`` that it is in.

    On the path, a folder of that name is taken for installed packages, by debuggers too.
    Skips the test where no setuptools is installed that builds one by itself: none is downloaded.
    """
    pytest.importorskip("setuptools", minversion="70.1")
    source, installed = folder / "source", folder / "site-packages"
    source.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, source / part, ignore=ignored)
        else:
            shutil.copyfile(ROOT / part, source / part)
    offline = ("--no-index", "--no-deps", "--no-build-isolation")
    subprocess.run(
        [sys.executable, *PIP, *offline, "--target", str(installed), str(source)],
        check=True,
        timeout=300,
    )
    return installed
