"""Which module's call, or group, is running, so that the nodes it makes know its path."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Final, TypeVar

from autodiff.ops.operation import Operation
from autodiff.support import watch
from autodiff.support.convert import describe
from autodiff.support.origin import Origin

__all__ = ["MadeWithin", "call_within", "group", "naming_nodes"]

# What stands in a path between names and numbers.
UNNAMEABLE: Final = frozenset(".#[]")

Result = TypeVar("Result")


class MadeWithin(dict[Operation | None, Origin]):
    """The origins of the nodes that one module makes: one for each operation, made when needed.

    ``group`` is the path of the group that it runs in, with a dot; '' if there is none.
    """

    def __init__(self, module: str, group: str = "") -> None:
        super().__init__()
        self.module = group + module
        self.group = group

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
    if outer and outer[-1].group:
        origins = MadeWithin(origins.module, outer[-1].group)
    _calls.origins = (*outer, origins)
    watch.name_nodes(origins)
    try:
        return function(*arguments, **named)
    finally:
        _calls.origins = outer
        # Not what it was before: that may have been another thread's.
        watch.name_nodes(outer[-1] if outer else None)


_blocks = count(1)


@contextmanager
def group(name: str) -> Iterator[None]:
    """Let what is computed in a ``with`` block be drawn as one part, of that name.

    It is as if a module of that name had made it, so :func:`autodiff.draw` puts a frame around it;
    ``fold="neuron"`` makes a box of each block, and ``fold="layer"`` one of all blocks of one name.
    Groups may contain others, and calls of modules.  Outside, nothing is slower.

    Raises TypeError if the name is no str, ValueError if it is empty or has one of ``.#[]``.

    >>> from autodiff import Value, draw
    >>> h = Value(1.0, "h0")
    >>> for _ in range(6):
    ...     with group("cell"):
    ...         h = (0.5 * h).tanh()
    >>> [box.title for box in draw(h, fold="layer").picture.boxes]
    [('h0',), ('cell × 6',)]
    """
    if not isinstance(name, str):
        raise TypeError(f"a group's name must be a str, but got {describe(name)}")
    if not name or not UNNAMEABLE.isdisjoint(name):
        raise ValueError(f"a group's name must be a text without any of . # [ ], but is {name!r}")
    outer = _calls.origins
    path = f"{outer[-1].module}." if outer else ""
    inside = MadeWithin("", f"{path}{name}#{next(_blocks)}.")
    inside.module = inside.group[:-1]
    _calls.origins = (*outer, inside)
    watch.name_nodes(inside)
    try:
        yield
    finally:
        _calls.origins = outer
        watch.name_nodes(outer[-1] if outer else None)


def naming_nodes(call: Callable[..., Result]) -> Callable[..., Result]:
    """Return a module's ``__call__`` such that the nodes it makes get the module's origins."""

    @functools.wraps(call)
    def __call__(self: Any, *arguments: Any, **named: Any) -> Result:  # noqa: N807
        return call_within(self._origins, call, self, *arguments, **named)

    return __call__
