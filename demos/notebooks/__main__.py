"""The command ``python -m demos.notebooks``."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from autodiff.support.extras import install
from autodiff.support.files import write_atomically
from demos import notebooks
from demos.arguments import command_line, output_folder
from demos.command import run

__all__ = ["copy_notebooks", "jupyter_command", "main"]

COURSE = Path(__file__).parent


def copy_notebooks(folder: Path, fresh: bool = False) -> Iterator[str]:
    """Copy the notebooks into a folder; yield what was done with each that is no plain copy.

    One that has been changed there is left as it is; with ``fresh`` it gets another name, and the
    course's own is written.  Raises OSError if a file cannot be written.
    """
    for notebook in sorted(COURSE.glob("*.ipynb")):
        copy, own = folder / notebook.name, notebook.read_bytes()
        if copy.exists() and copy.read_bytes() != own:
            if not fresh:
                yield f"{copy} has been worked on: left as it is (--fresh begins again)"
                continue
            kept = next(path for path in kept_names(copy) if not path.exists())
            write_atomically(kept, copy.read_bytes())
            yield f"{copy} is as at the beginning; your work is kept in {kept}"
        write_atomically(copy, own)


def kept_names(notebook: Path) -> Iterator[Path]:
    """Yield names for what a student has done with a notebook."""
    for number in count(1):
        yield notebook.with_name(f"{notebook.stem}-work-{number}{notebook.suffix}")


def jupyter_command(folder: Path) -> list[str]:
    """Return the command that opens a folder in Jupyter; nothing if Jupyter is missing."""
    for module in ("jupyterlab", "notebook"):
        if importlib.util.find_spec(module) is not None:
            return [sys.executable, "-m", module, str(folder)]
    return []


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return Jupyter's exit code, or 0."""
    parser = command_line("demos.notebooks", notebooks.__doc__)
    parser.add_argument(
        "--out",
        type=output_folder,
        default="notebooks",
        metavar="FOLDER",
        help="where to put the notebooks; default: %(default)s",
    )
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="write the course's own again; what was changed is kept under another name",
    )
    parser.add_argument("--no-open", action="store_true", help="do not open them in Jupyter")
    options = parser.parse_args(arguments)

    for line in copy_notebooks(options.out, options.fresh):
        print(line)
    print(f"The notebooks are in {options.out}; begin with 1_your_own_value.ipynb.")
    if options.no_open:
        return 0
    command = jupyter_command(options.out)
    if not command:
        print(f"Open them in VS Code, or, for Jupyter: {install('notebooks')}, and run this again.")
        return 0
    print("Opening them in Jupyter; Ctrl-C, twice, ends it.", flush=True)
    # So that the notebooks find the project, installed or not, wherever they are.
    paths = [str(COURSE.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    run(main)
