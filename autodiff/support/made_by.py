"""Which module's call is running, so that the nodes it makes know the module's path."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from autodiff import value
from autodiff.support.origin import Origin

__all__ = ["call_within"]

Result = TypeVar("Result")


class _Calls(threading.local):
    """The calls that run in this thread, the outermost first."""

    origins: tuple[Origin, ...] = ()


_calls = _Calls()


def call_within(
    origin: Origin, function: Callable[..., Result], *arguments: Any, **named: Any
) -> Result:
    """Return what the function returns; the nodes that it makes get this origin."""
    outer = _calls.origins
    _calls.origins = (*outer, origin)
    value.running_origin = origin
    try:
        return function(*arguments, **named)
    finally:
        _calls.origins = outer
        # Not what it was before: that may have been another thread's.
        value.running_origin = outer[-1] if outer else None
