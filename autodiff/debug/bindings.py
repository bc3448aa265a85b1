"""What the names in a frame stood for when one of its lines ran, for a debugger to show later.

By then the frame may be gone, and the module's names may stand for something else.  Numbers, texts
and small lists of these are kept; a Value by its ``id`` alone, as it would keep its graph alive;
other objects weakly.  What cannot be kept is known to be unknown.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from dis import get_instructions
from functools import lru_cache
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType
from typing import Any, Final
from weakref import ref

from autodiff.value import Value

__all__ = [
    "LineNames",
    "Unknown",
    "bindings",
    "bound_names",
    "is_definition",
    "is_function",
    "recalled",
]

# Of these, what a name stood for is what it stands for.
SCALARS: Final = (float, int, str, bytes, complex, range, type(None))
DEFINITIONS: Final = (FunctionType, BuiltinFunctionType, type, ModuleType)
BINDING: Final = ("STORE_NAME", "STORE_GLOBAL")
MOST_KEPT, DEEPEST = 16, 3  # entries of a list, and lists within lists

UNBOUND: Final = object()


class Unknown:
    """What a debugger shows for a name whose object could not be kept."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"unknown now: it was of type {self.kind}, of which no copy was kept"


class Identity(int):
    """The ``id`` of a Value."""


@dataclass(frozen=True, slots=True)
class LineNames:
    """The names to be kept when a line runs: all that its code binds, then others on the line."""

    names: tuple[str, ...]
    on_line: frozenset[str]


@lru_cache(maxsize=1024)
def bound_names(code: CodeType) -> tuple[str, ...]:
    """Return the names that a function, a module or a notebook's cell binds itself.

    >>> bound_names(compile("import os\\nfor i in range(3): print(i)", "cell", "exec"))
    ('os', 'i')
    """
    of_function: tuple[str, ...] = ()
    if is_function(code):
        of_function = code.co_varnames + code.co_cellvars + code.co_freevars
    stored = [each.argval for each in get_instructions(code) if each.opname in BINDING]
    return tuple(dict.fromkeys((*of_function, *stored)))


def is_function(code: CodeType) -> bool:
    """Return whether code is that of a function, which has names of its own."""
    return bool(code.co_flags & inspect.CO_OPTIMIZED)


def is_definition(thing: object) -> bool:
    """Return whether a thing is a function, a class or a module."""
    return isinstance(thing, DEFINITIONS)


def bindings(
    names: tuple[str, ...], frame: FrameType, before: tuple[Any, ...] = ()
) -> tuple[Any, ...]:
    """Return what names in a frame stand for, as it is kept.

    ``before`` is what those of another line of the frame stood for: what is equal is shared.
    """
    there, beyond = frame.f_locals, frame.f_globals
    earlier = (*before[: len(names)], *(UNBOUND,) * (len(names) - len(before)))
    return tuple(
        [
            kept(there[name] if name in there else beyond.get(name, UNBOUND), was)
            for name, was in zip(names, earlier, strict=True)
        ]
    )


def kept(thing: Any, earlier: Any) -> Any:
    """Return what is kept of an object, which may be what was kept of it before."""
    if thing is earlier or thing is UNBOUND:
        return thing
    if isinstance(thing, Value):
        is_same = type(earlier) is Identity and earlier == id(thing)
        return earlier if is_same else Identity(id(thing))
    found = copied(thing, DEEPEST)
    if found is not UNBOUND:
        return found
    try:
        return ref(thing)
    except TypeError:
        return unknown(type(thing).__name__)


def copied(thing: Any, depth: int) -> Any:
    """Return what is a number, a text or a small list of these, or a copy; UNBOUND for others."""
    if isinstance(thing, SCALARS):
        return thing
    kind = type(thing)
    if kind not in (tuple, list, dict) or len(thing) > MOST_KEPT or not depth:
        return UNBOUND
    parts = [copied(each, depth - 1) for each in (thing.items() if kind is dict else thing)]
    return UNBOUND if any(part is UNBOUND for part in parts) else kind(parts)


@lru_cache(maxsize=1024)
def unknown(kind: str) -> Unknown:
    """Return what says that an object of that type was not kept."""
    return Unknown(kind)


def recalled(
    names: tuple[str, ...],
    bindings: tuple[Any, ...],
    number: int,
    nodes: Mapping[int, Value],
    module: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what names stood for at the visit of that number, those that stood for anything.

    Values are looked for among ``nodes``, by their ``id``, and under their names in a module.
    """
    found: dict[str, Any] = {}
    for name, binding in zip(names, bindings, strict=True):
        if binding is UNBOUND:
            continue
        found[name] = binding
        if type(binding) is Identity:
            now = module.get(name)
            node = nodes.get(binding, now if id(now) == binding else None)
            found[name] = node if was_there(node, number) else unknown("Value")
        elif type(binding) is ref:
            thing = binding()
            found[name] = unknown("object") if thing is None else thing
    return found


def was_there(node: Any, number: int) -> bool:
    """Return whether it is a Value that was made before that visit.

    What was made later may have the memory, and so the ``id``, of another.
    """
    if not isinstance(node, Value):
        return False
    return node.origin.visit is None or node.origin.visit.number < number
