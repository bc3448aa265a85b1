"""Which module's call is running, so that the nodes it makes know the module's path."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from autodiff.ops.operation import Operation
from autodiff.support import watch
from autodiff.support.origin import Origin

__all__ = ["MadeWithin", "call_within"]

Result = TypeVar("Result")


class MadeWithin(dict[Operation | None, Origin]):
    """The origins of the nodes that one module makes: one for each operation, made when needed."""

    def __init__(self, module: str) -> None:
        super().__init__()
        self.module = module

    def __missing__(self, op: Operation | None) -> Origin:
        origin = self[op] = Origin(op=op, module=self.module)
        return origin


class _Calls(threading.local):
    """The calls that run in this thread, the outermost first."""

    origins: tuple[MadeWithin, ...] = ()


_calls = _Calls()


def call_within(
    origins: MadeWithin, function: Callable[..., Result], *arguments: Any, **named: Any
) -> Result:
    """Return what the function returns; the nodes that it makes get these origins."""
    outer = _calls.origins
    _calls.origins = (*outer, origins)
    watch.name_nodes(origins)
    try:
        return function(*arguments, **named)
    finally:
        _calls.origins = outer
        # Not what it was before: that may have been another thread's.
        watch.name_nodes(outer[-1] if outer else None)
