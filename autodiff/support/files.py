"""Writing files so that a half-written one is never seen under its final name."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
import webbrowser
from functools import partial
from pathlib import Path

__all__ = ["shown_in_browser", "write_atomically"]

PERMISSIONS = 0o777
FOR_A_NEW_FILE = 0o666  # less what the process's umask takes away


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write a whole file or nothing, and return its path. Text is written as UTF-8.

    The content goes to a temporary file beside it, which then takes its name: readers, a crash,
    an interrupt and a full disk see the old file or the new one, and two programs that write the
    same file leave that of one of them.  An exception at any moment, Ctrl-C's too, removes the
    temporary file; only a process that is killed, or a power cut, can leave it, under a name that
    begins with a dot.

    In the rest it is like ``open(path, "wb")``: a symbolic link stays, and the file that it leads
    to is replaced; permissions stay; a file that may not be written is not replaced; what is no
    file, such as a pipe or ``/dev/null``, is written into.  Other hard links keep the old content.

    Raises OSError, naming the path, if it cannot be written.
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    try:
        status = _writable(path)
        if status is None or stat.S_ISREG(status.st_mode):
            _replace(os.path.realpath(path), data, status)
        else:
            path.write_bytes(data)
    except OSError as error:
        # The name that the caller knows: not the temporary file's, nor none at all.
        error.filename = str(path)
        if error.filename2 is not None:
            del error.filename2
        raise
    return path


def shown_in_browser(name: str, content: str) -> Path:
    """Write a file among the temporary ones, open it in the system's browser, return its path."""
    path = write_atomically(Path(tempfile.mkdtemp(prefix="autodiff-")) / name, content)
    webbrowser.open(path.as_uri())
    return path


def _writable(path: Path) -> os.stat_result | None:
    """Return what is at a path, None if nothing is. Raises OSError if it may not be written."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
        os.close(os.open(path, os.O_WRONLY))
    return status


def _replace(target: str, data: bytes, status: os.stat_result | None) -> None:
    """Put a file with that content in the place of the target, with the target's permissions."""
    mode = FOR_A_NEW_FILE if status is None else status.st_mode & PERMISSIONS
    folder, name = os.path.split(target)
    # Named before it is made, so that nothing can come between making and removing it; and short,
    # for the target's own name may be as long as names can be.
    temporary = os.path.join(folder, f".{name[:40]}.{os.urandom(8).hex()}")
    try:
        with open(temporary, "xb", opener=partial(os.open, mode=mode)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if status is not None:
            os.chmod(temporary, mode)
        os.replace(temporary, target)
        _sync_folder(folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _sync_folder(folder: str) -> None:
    """Let the new name outlast a power cut, where the system has that."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):  # a network's disk may not; the file is written all the same
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
