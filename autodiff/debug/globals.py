"""What the data of a module was, looked at from one visit of its lines to the next.

Any function may bind a global name anew, or append to a global list, so all of them are looked at
each time.  Mostly nothing has changed: that is found out without a loop of Python's over the names.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from dataclasses import dataclass
from operator import is_
from typing import Any

from autodiff.debug.bindings import UNBOUND, Copy, is_data, kept

__all__ = ["Kept", "ModuleData"]

# With it, what is written depends on the numbers and texts alone, not on who refers to them.
VERSION = 2


class Contents:
    """What a list, a tuple or a dict had in it, to see whether that has changed."""

    def __init__(self, thing: Any, copy: Copy) -> None:
        self.thing = thing
        self.parts = copy.parts
        self.written = written(thing)

    def is_there(self, thing: Any) -> bool:
        """Return whether it is still that of the thing, with 1, 1.0 and True told apart."""
        if thing is not self.thing:
            return False
        if self.written is not None:
            return written(thing) == self.written
        # With Values in it, of which the ``id`` was kept; other lists of them count as changed.
        return type(thing) is list and [*map(id, thing)] == self.parts


@dataclass(frozen=True, slots=True)
class Kept:
    """What names stood for, as it is kept; the names are shared, as there are many of these."""

    names: tuple[str, ...]
    bindings: tuple[Any, ...]

    def by_name(self) -> dict[str, Any]:
        """Return what each name stood for."""
        return dict(zip(self.names, self.bindings, strict=True))


class ModuleData:
    """What the names of one module's data stand for, as it is kept; no functions, no classes."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._things: list[Any] = []
        self._contents: dict[str, Contents] = {}
        self._last = Kept((), ())
        self.by_name: dict[str, Any] = {}

    def now(self, module: Mapping[str, Any]) -> Kept:
        """Return what is kept of a module's data, the same object if nothing has changed."""
        things, names = [*module.values()], [*module]
        changed = {name for name, it in self._contents.items() if not it.is_there(module.get(name))}
        if changed or names != self._names or not all(map(is_, things, self._things)):
            before = dict(zip(self._names, self._things, strict=True))
            self.by_name = {
                name: self.by_name[name]
                if name not in changed and name in self.by_name and before[name] is thing
                else self._kept_of(name, thing)
                for name, thing in module.items()
                if is_data(name, thing)
            }
            self._names, self._things = names, things
            known = tuple(self.by_name)
            shared = self._last.names if known == self._last.names else known
            self._last = Kept(shared, tuple(self.by_name.values()))
        return self._last

    def _kept_of(self, name: str, thing: Any) -> Any:
        self._contents.pop(name, None)
        found = kept(thing, self.by_name.get(name, UNBOUND))
        if type(found) is Copy:
            self._contents[name] = Contents(thing, found)
        return found


def written(thing: Any) -> bytes | None:
    """Return what is the same only for the same numbers and texts; None if others are in it."""
    try:
        return marshal.dumps(thing, VERSION)
    except ValueError:
        return None
