"""What the names in a frame stood for when one of its lines ran, for a debugger to show later.

By then the frame may be gone, and the module's names may stand for something else.  Numbers, texts
and small lists are kept; a Value by its ``id`` alone, as it would keep its graph alive; other
objects weakly.  What cannot be kept is known to be unknown.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dis import get_instructions
from functools import lru_cache
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType
from typing import Any, Final
from weakref import ref

from autodiff.debug.instructions import stored_within
from autodiff.value import Value

__all__ = [
    "UNBOUND",
    "Copy",
    "LineNames",
    "Unknown",
    "are_bound_as_before",
    "bindings",
    "bound_names",
    "definitions",
    "is_data",
    "is_function",
    "is_kept_alike",
    "kept",
    "recalled",
    "variables_of",
]

# Of these, what a name stood for is what it stands for.
SCALARS: Final = (float, int, str, bytes, complex, range, type(None))
DEFINITIONS: Final = (FunctionType, BuiltinFunctionType, type, ModuleType)
BINDING: Final = ("STORE_NAME", "STORE_GLOBAL")
MOST_KEPT, DEEPEST = 32, 3  # entries of a list, and lists within lists

UNBOUND: Final = object()


class Unknown:
    """What a debugger shows for a name where it is not known what it stood for."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"unknown now: {self.reason}"


class Identity(int):
    """The ``id`` of a Value."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What a list, a tuple or a dict had in it, and its ``id``; of a Value that is all."""

    identity: int
    parts: Any


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
        of_function = variables_of(code)
    stored = [each.argval for each in get_instructions(code) if each.opname in BINDING]
    return tuple(dict.fromkeys((*of_function, *stored)))


def variables_of(code: CodeType) -> tuple[str, ...]:
    """Return the names of a function's own variables, and those of the functions around it."""
    return code.co_varnames + code.co_cellvars + code.co_freevars


@lru_cache(maxsize=1024)
def own_variables(code: CodeType) -> frozenset[str]:
    """Return the variables of a function; nothing of a module, whose names are all global."""
    return frozenset(variables_of(code)) if is_function(code) else frozenset()


def is_function(code: CodeType) -> bool:
    """Return whether code is that of a function, which has names of its own."""
    return bool(code.co_flags & inspect.CO_OPTIMIZED)


def definitions(module: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is no data of a module's: functions, classes, modules, and names of Python's."""
    return {name: thing for name, thing in module.items() if not is_data(name, thing)}


def is_data(name: str, thing: object) -> bool:
    """Return whether what a module's name stands for is data."""
    return not (isinstance(thing, DEFINITIONS) or name.startswith("__"))


def is_kept_alike(one: Any, other: Any) -> bool:
    """Return whether the same was kept of what a name stood for at two lines."""
    if type(one) is Copy is type(other):
        return one.identity == other.identity and is_alike(one.parts, other.parts)
    return is_alike(one, other)


def is_alike(one: Any, other: Any) -> bool:
    """Return whether what was kept is the same, with 1, 1.0 and True told apart."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(is_alike, one, other))
    if isinstance(one, dict):
        return is_alike([*one.items()], [*other.items()])
    return repr(one) == repr(other) if isinstance(one, float | complex) else bool(one == other)


def bindings(
    names: tuple[str, ...],
    frame: FrameType,
    of_module: Mapping[str, Any],
    before: tuple[Any, ...] = (),
) -> tuple[Any, ...]:
    """Return what names in a frame stand for, as it is kept.

    ``of_module`` is what was kept of the module's data, and ``before`` what the names of another
    line of the frame stood for: what is equal is shared.
    """
    there, beyond = frame.f_locals, frame.f_globals
    own = {} if there is beyond else there
    hidden = own_variables(frame.f_code)
    earlier = (*before[: len(names)], *(UNBOUND,) * (len(names) - len(before)))
    return tuple(
        [
            of_module[name]
            if name in of_module and name not in own and name not in hidden
            else kept(bound_to(name, own, beyond, hidden), was)
            for name, was in zip(names, earlier, strict=True)
        ]
    )


def bound_to(
    name: str, own: Mapping[str, Any], beyond: Mapping[str, Any], hidden: frozenset[str]
) -> Any:
    """Return what a name stands for in a frame; UNBOUND for nothing.

    A function's own variable hides that of the module even before it is bound.
    """
    if name in own:
        return own[name]
    return UNBOUND if name in hidden else beyond.get(name, UNBOUND)


def are_bound_as_before(
    code: CodeType, before: tuple[Any, ...], frame: FrameType, besides: frozenset[str]
) -> bool:
    """Return whether the names that a frame's code binds are bound to what they were before.

    Those are left out that others may bind too, and ``besides``.
    """
    own, beyond, hidden = frame.f_locals, frame.f_globals, own_variables(code)
    not_asked = besides | stored_within(code)
    return all(
        is_kept_as(bound_to(name, own, beyond, hidden), was)
        for name, was in zip(bound_names(code), before, strict=False)
        if name not in not_asked and name not in code.co_freevars
    )


def is_kept_as(thing: Any, was: Any) -> bool:
    """Return whether a thing is the one of which that was kept, as far as this can be told."""
    match was:
        case Identity():
            return bool(was == id(thing))
        case Copy():
            return was.identity == id(thing)
        case ref():
            return was() is thing
        case Unknown():
            return True
    return was is thing


def kept(thing: Any, earlier: Any) -> Any:
    """Return what is kept of an object, which may be what was kept of it before."""
    if thing is earlier or thing is UNBOUND:
        return thing
    if isinstance(thing, Value):
        is_same = type(earlier) is Identity and earlier == id(thing)
        return earlier if is_same else Identity(id(thing))
    found = copied(thing, DEEPEST)
    if found is not UNBOUND:
        return found if isinstance(thing, SCALARS) else Copy(id(thing), found)
    try:
        return ref(thing)
    except TypeError:
        return not_kept(type(thing).__name__)


def copied(thing: Any, depth: int) -> Any:
    """Return what is a number or a text, and of a small list a copy; UNBOUND for others.

    Of a Value in a list it is the ``id``.
    """
    if isinstance(thing, SCALARS):
        return thing
    if isinstance(thing, Value):
        return Identity(id(thing))
    kind = type(thing)
    if kind not in (tuple, list, dict) or len(thing) > MOST_KEPT or not depth:
        return UNBOUND
    parts = []
    for each in thing.items() if kind is dict else thing:
        part = copied(each, depth - 1)
        if part is UNBOUND:  # at once, as the rest may be large
            return UNBOUND
        parts.append(part)
    return kind(parts)


@lru_cache(maxsize=1024)
def not_kept(kind: str) -> Unknown:
    """Return what says that an object of that type was not kept."""
    return Unknown(f"it was of type {kind}, of which no copy was kept")


def recalled(
    names: Iterable[str],
    bindings: Iterable[Any],
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
            found[name] = node if was_there(node, number) else not_kept("Value")
        elif type(binding) is Copy:
            found[name] = with_values(binding.parts, number, nodes)
        elif type(binding) is ref:
            thing = binding()
            found[name] = not_kept("object") if thing is None else thing
    return found


def with_values(part: Any, number: int, nodes: Mapping[int, Value]) -> Any:
    """Return what was kept of a list, or of a part of it, with the Values that are known."""
    kind = type(part)
    if kind is Identity:
        node = nodes.get(part)
        return node if was_there(node, number) else not_kept("Value")
    if kind in (tuple, list):
        return kind([with_values(each, number, nodes) for each in part])
    if kind is dict:
        return {key: with_values(each, number, nodes) for key, each in part.items()}
    return part


def was_there(node: Any, number: int) -> bool:
    """Return whether it is a Value that was made before that visit.

    What was made later may have the memory, and so the ``id``, of another.
    """
    if not isinstance(node, Value):
        return False
    return node.origin.visit is None or node.origin.visit.number < number
