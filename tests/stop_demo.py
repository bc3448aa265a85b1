"""Stops a demo at each moment at which it is about to touch a file, and reports what it leaves.

``python -m tests.stop_demo MODULE FOLDER SELECTION ARGUMENT...`` runs the demo undisturbed, into
FOLDER/whole, to learn these moments.  Then, for each moment and signal of the selection, a
fork of this process runs it again and sends itself the signal, and a line of JSON says how that
ended.  "{out}" in an argument is the run's own folder, which holds an old file of each name.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from demos.command import run

__all__ = ["OLD", "SIGNALS"]

OLD = b"an old file"
SIGNALS = ("SIGINT", "SIGTERM", "SIGKILL")
TOUCHES = ("open", "os.chmod", "os.mkdir", "os.remove", "os.rename", "sqlite3.connect")


class Moments:
    """Counts the moments at which a file in a folder is touched, and may do something at one."""

    def __init__(
        self, folder: Path, act_at: int | None = None, act: Callable[[], None] | None = None
    ) -> None:
        self.folder = str(folder)
        self.act_at = act_at
        self.act = act
        self.names: list[str] = []
        self.watching = True
        sys.addaudithook(self.is_told)
        os.fsync = partial(self.fsync, os.fsync)

    def is_told(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.watching and event in TOUCHES:
            path = arguments[0]
            if isinstance(path, (str, Path)) and str(path).startswith(self.folder):
                self.pass_by(event)

    def fsync(self, fsync: Callable[[int], None], descriptor: int) -> None:
        self.pass_by("fsync")
        fsync(descriptor)

    def pass_by(self, name: str) -> None:
        if self.watching:
            self.names.append(name)
            if len(self.names) - 1 == self.act_at and self.act is not None:
                self.act()


def selected(moments: list[str], selection: str) -> Iterable[tuple[int, str]]:
    """Return the moments to stop at, by their places, each with a signal.

    "all": every signal at each. A number k: one signal at every k-th of those at which a file is
    about to get its name, or its permissions before, or has just got it; the signals take turns.
    """
    if selection == "all":
        return [(place, name) for place in range(len(moments)) for name in SIGNALS]
    renamed = [place for place, moment in enumerate(moments) if moment == "os.rename"]
    places = [place + offset for place in renamed for offset in (0, 1, -1)][:: int(selection)]
    return [(place, SIGNALS[turn % len(SIGNALS)]) for turn, place in enumerate(places)]


def kind_of(path: Path, whole: Path) -> str:
    """Return whether a file is the old one, a whole new one, or neither."""
    content = path.read_bytes()
    if content == OLD:
        return "old"
    twin = whole / path.name
    return "new" if twin.exists() and content == twin.read_bytes() else "half-written"


def report(place: int, moment: str, name: str, folder: Path, whole: Path, status: int) -> None:
    """Print how a run ended, as a line of JSON."""
    files = {path.name: kind_of(path, whole) for path in (folder / "out").iterdir()}
    said = (folder / "errors").read_text(encoding="utf-8")
    found = {"place": place, "moment": moment, "signal": name, "files": files, "said": said}
    print(json.dumps({**found, "code": os.waitstatus_to_exitcode(status)}), flush=True)


def redirect(folder: Path) -> None:
    """Send what this process prints into files."""
    for stream, name in ((sys.stdout, "printed"), (sys.stderr, "errors")):
        stream.flush()
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, stream.fileno())


def prepared(demo: Any, folder: Path, arguments: list[str]) -> Callable[[], int | None]:
    """Return the demo's main function, to run into a folder."""
    return partial(demo.main, [text.replace("{out}", str(folder)) for text in arguments])


def main(module: str, base: Path, selection: str, arguments: list[str]) -> None:
    """Learn the moments, and stop a fork of this process at each that is selected."""
    demo = importlib.import_module(module)
    whole = base / "whole"
    shutil.copytree(base / "before", whole)
    with contextlib.redirect_stdout(io.StringIO()):
        prepared(demo, whole, arguments)()
        learned = Moments(whole)  # as in the forks, there is an earlier file of each name
        prepared(demo, whole, arguments)()
    learned.watching = False
    for place, name in selected(learned.names, selection):
        folder = base / f"{place}-{name}"
        shutil.copytree(base / "before", folder / "out")
        for path in whole.iterdir():
            if not (folder / "out" / path.name).exists():
                (folder / "out" / path.name).write_bytes(OLD)
        child = os.fork()
        if child == 0:
            redirect(folder)
            Moments(folder / "out", place, partial(os.kill, os.getpid(), getattr(signal, name)))
            run(prepared(demo, folder / "out", arguments))
        _, status = os.waitpid(child, 0)
        report(place, learned.names[place], name, folder, whole, status)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
