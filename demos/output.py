"""What the demos print, on any terminal and into any pipe."""

from __future__ import annotations

import io
import sys

__all__ = ["tolerate_any_encoding"]


def tolerate_any_encoding() -> None:
    """Let the standard output show ? for a character that it cannot encode, such as µ in ASCII.

    Without this, such a character is a UnicodeEncodeError, at the end of a long run perhaps.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
