"""Runs a demo into a folder that cannot take its files, and reports what it leaves.

``python -m tests.fault_demo MODULE FOLDER FAULT NUMBER ARGUMENT...`` runs the demo undisturbed,
into FOLDER/whole.  Then a fork of this process runs it again for each fault, and a line of JSON
says how that ended.  FOLDER/before has what was there at first; each run also finds an old file of
each name.

``full``
    a file system of its own, with less and less room: NUMBER pages less each time.
``read-only``
    a file system of its own that cannot be written.
``protected``
    the folder is write-protected at one of the moments at which a file is about to be touched: at
    every NUMBER-th of them.

"{out}" in an argument is the run's own folder.  ``python -m tests.fault_demo mount`` fails, saying
why, if no file system can be mounted here.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import io
import json
import mmap
import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from demos.command import run
from tests.stop_demo import OLD, Moments, kind_of, prepared, redirect

__all__ = ["FAULTS"]

NOBODY = 65534

# Of Linux's <sched.h> and <sys/mount.h>.
CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_RDONLY, MS_REMOUNT, MS_REC, MS_PRIVATE = 1, 32, 16384, 1 << 18


def call(name: str, *arguments: bytes | int | None) -> None:
    """Call a function of C's library; raise OSError if it fails."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments):
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


def leave_the_mounts() -> None:
    """Give this process mounts of its own, which end with it."""
    user, group = os.getuid(), os.getgid()
    call("unshare", CLONE_NEWNS if user == 0 else CLONE_NEWNS | CLONE_NEWUSER)
    if user != 0:  # in a namespace of its own, anybody may mount
        for name, text in (
            *(("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")),
        ):
            Path("/proc/self", name).write_text(text, encoding="ascii")
    call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)


def mount(folder: Path, pages: int) -> None:
    """Mount a file system in memory, with room for so many pages of content."""
    options = f"size={pages * mmap.PAGESIZE}".encode()
    call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", 0, options)


def make_read_only(folder: Path) -> None:
    """Let a file system that was mounted at this folder not be written any more."""
    call("mount", None, os.fsencode(folder), None, MS_REMOUNT | MS_RDONLY, None)


def fill(out: Path, base: Path) -> None:
    """Put into a folder what was there at first, and an old file for each other new one."""
    shutil.copytree(base / "before", out, dirs_exist_ok=True)
    for path in (base / "whole").iterdir():
        if not (out / path.name).exists():
            (out / path.name).write_bytes(OLD)


def pages_of(folder: Path) -> int:
    """Return the pages that a folder's files take in memory."""
    sizes = [path.stat().st_size for path in folder.iterdir()]
    return sum(-(-size // mmap.PAGESIZE) for size in sizes)


def report(fault: str, out: Path, base: Path, status: int) -> None:
    """Print how a run ended, as a line of JSON."""
    files = {path.name: kind_of(path, base / "whole") for path in out.iterdir()}
    said = (base / "errors").read_text(encoding="utf-8")
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps({"fault": fault, "files": files, "said": said, "code": code}), flush=True)


def in_a_fork(act: Callable[[], object]) -> int:
    """Call a function in a fork of this process, and return how that ended."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        act()
        os._exit(0)
    return os.waitpid(child, 0)[1]


def start(demo: Any, out: Path, base: Path, arguments: list[str]) -> None:
    """Run a demo into a folder, its output into files. Does not return."""
    redirect(base)
    run(prepared(demo, out, arguments))


def run_mounted(
    demo: Any, base: Path, arguments: list[str], pages: int, read_only: bool = False
) -> None:
    """Run a demo into a file system of its own, and report. Ends this process's view of mounts."""
    out = base / "out"
    leave_the_mounts()
    mount(out, pages)
    fill(out, base)
    if read_only:
        make_read_only(out)
    status = in_a_fork(partial(start, demo, out, base, arguments))
    report("read-only" if read_only else f"{pages} pages", out, base, status)


def start_protected(demo: Any, out: Path, base: Path, arguments: list[str], place: int) -> None:
    """Run a demo as somebody who loses the right to write at one of its moments."""
    redirect(base)
    if os.geteuid() == 0:  # whom no permission stops
        os.chown(out, NOBODY, NOBODY)
        for path in out.iterdir():
            os.chown(path, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    Moments(out, place, partial(out.chmod, 0o555))
    run(prepared(demo, out, arguments))


def full(demo: Any, base: Path, arguments: list[str], step: int, _moments: int) -> None:
    """Run a demo with less and less room."""
    (base / "out").mkdir()
    # While a file is written, the old one is still there.
    enough = pages_of(base / "whole") + len(list((base / "whole").iterdir())) + 8
    least = max(1, pages_of(base / "before")) + len(list((base / "whole").iterdir()))
    for pages in range(enough, least, -step):
        fail_if(in_a_fork(partial(run_mounted, demo, base, arguments, pages)))


def read_only(demo: Any, base: Path, arguments: list[str], _number: int, _moments: int) -> None:
    """Run a demo into a file system that cannot be written."""
    (base / "out").mkdir()
    enough = 2 * pages_of(base / "whole") + 8
    fail_if(in_a_fork(partial(run_mounted, demo, base, arguments, enough, True)))


def protected(demo: Any, base: Path, arguments: list[str], step: int, moments: int) -> None:
    """Run a demo into a folder that is write-protected meanwhile, at one moment after the other."""
    out = base / "out"
    for place in range(0, moments, step):
        out.mkdir()
        fill(out, base)
        status = in_a_fork(partial(start_protected, demo, out, base, arguments, place))
        report(f"moment {place}", out, base, status)
        out.chmod(0o700)
        shutil.rmtree(out)


FAULTS = {"full": full, "read-only": read_only, "protected": protected}


def fail_if(status: int) -> None:
    """Exit with a message if a fork did not do its work."""
    if status:
        sys.exit(f"a fork ended with status {status}")


def main(module: str, base: Path, fault: str, number: int, arguments: list[str]) -> None:
    """Run the demo whole, and then with each fault."""
    demo = importlib.import_module(module)
    shutil.copytree(base / "before", base / "whole")
    with contextlib.redirect_stdout(io.StringIO()):
        prepared(demo, base / "whole", arguments)()
        learned = Moments(base / "whole")
        prepared(demo, base / "whole", arguments)()
    learned.watching = False
    FAULTS[fault](demo, base, arguments, number, len(learned.names))


if __name__ == "__main__":
    if sys.argv[1:] == ["mount"]:
        leave_the_mounts()
        mount(Path("/tmp"), 1)
    else:
        main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5:])
