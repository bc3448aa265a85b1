"""Machine code kept on disk, so that the same program need not be compiled again.

Off unless the environment variable ``AUTODIFF_CACHE`` names a folder.  A file there is machine code
that will run, so it is only read from a folder, and a file, that belong to the user and that
nobody else may write; it carries a checksum, and a damaged one is ignored and replaced.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path

from autodiff.support.files import write_atomically

__all__ = ["CACHE_SETTING", "load_object", "store_object"]

CACHE_SETTING = "AUTODIFF_CACHE"

MAGIC = b"autodiff machine code 1\n"


def load_object(key: str) -> bytes | None:
    """Return the stored machine code of a program, or None.

    ``key`` is everything that the code depends on: the program, the compiler, the processor.
    """
    path = _path(key)
    if path is None:
        return None
    try:
        if not _is_private(path.parent) or not _is_private(path):
            return None
        content = path.read_bytes()
    except OSError:
        return None
    head, code = content[: len(MAGIC) + 32], content[len(MAGIC) + 32 :]
    return code if head == MAGIC + hashlib.sha256(code).digest() else None


def store_object(key: str, code: bytes) -> None:
    """Keep the machine code of a program, if there is a folder for it that is the user's own.

    A folder that cannot be written is no error: the code is compiled again next time.
    """
    path = _path(key)
    if path is None:
        return
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_private(path.parent):
            write_atomically(path, MAGIC + hashlib.sha256(code).digest() + code)
            path.chmod(0o600)


def _path(key: str) -> Path | None:
    folder = os.environ.get(CACHE_SETTING)
    if not folder:
        return None
    try:
        expanded = Path(folder).expanduser()
    except RuntimeError:  # ~ stands for no folder: the user has no home
        return None
    return expanded / f"{hashlib.sha256(key.encode()).hexdigest()}.o"


def _is_private(path: Path) -> bool:
    """Return whether the user owns it and nobody else may write it (where there are owners)."""
    status = path.stat()
    if not hasattr(os, "getuid"):
        return True
    writable = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return status.st_uid == os.getuid() and not writable
