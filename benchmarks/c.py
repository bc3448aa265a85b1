"""C built here, as one more contender: ``gcc`` makes a library, ctypes calls it."""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["FLAGS", "build", "compiler_version", "doubles"]

# With contraction of multiply-adds, which only -march=native would allow, the bits would differ.
FLAGS = {
    "gcc -O3": ("-O3",),
    "gcc -O3 -march=native": ("-O3", "-march=native", "-ffp-contract=off"),
}


@functools.cache
def compiler_version() -> str | None:
    """Return the version of gcc, or None where there is none."""
    gcc = shutil.which("gcc")
    if gcc is None:
        return None
    found = subprocess.run([gcc, "-dumpfullversion"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def build(source: str, flags: Sequence[str]) -> ctypes.CDLL:
    """Return C source as a loaded library; raises CalledProcessError if gcc refuses it.

    It is compiled and linked apart: where gcc links with ``-ffast-math``, loading the library would
    make the processor take denormal numbers for 0 from then on, in all of this process.
    """
    with tempfile.TemporaryDirectory() as folder:
        program, compiled, library = (Path(folder, f"program.{end}") for end in ("c", "o", "so"))
        program.write_text(source, encoding="utf-8")
        subprocess.run(
            ["gcc", "-std=c11", *flags, "-fPIC", "-c", program, "-o", compiled], check=True
        )
        subprocess.run(["gcc", "-shared", compiled, "-o", library, "-lm"], check=True)
        return ctypes.CDLL(str(library))


def doubles(numbers: Sequence[float]) -> Any:
    """Return a C array of the numbers."""
    return (ctypes.c_double * len(numbers))(*numbers)
