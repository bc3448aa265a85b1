"""What code keeps from one call to the next, so far as it can be seen from outside.

A program repeats what code did.  Code that counts its calls does something else at one of them, and
nothing in the graphs of the first calls tells of it.  But what it counts is somewhere: in an
attribute, a list, a closure, a global variable, a generator of NumPy's.
"""

from __future__ import annotations

import functools
import itertools
import operator
import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from numbers import Number
from types import (
    BuiltinMethodType,
    CellType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

from autodiff.support.frames import is_users, names_used

__all__ = ["Kept"]

PLAIN = (Number, str, bytes, type(None))

# How many things are looked at, the nearest first: code may keep a data set.
MOST_THINGS = 20_000

DRAWS = "draws a random number with NumPy"

Inside = Sequence[tuple[str, Any]]
Undo = Callable[[], None]


class Kept:
    """The plain state that can be reached from functions and objects, as it is now.

    That are the numbers and texts in attributes, lists, dicts, sets and tuples of any depth; in the
    closures, the defaults and those global variables that functions name; in attributes of classes;
    in arrays and generators of NumPy.  What an iterator has left, such as a generator or an
    ``itertools.count``, cannot be seen: ``iterators`` has the paths of those that there are.

    >>> from types import SimpleNamespace
    >>> code = SimpleNamespace(calls=0)
    >>> kept = Kept([code])
    >>> kept.change()
    ''
    >>> code.calls += 1
    >>> kept.change()
    'changes calls'
    >>> kept.restore()
    >>> code.calls
    0
    """

    def __init__(self, roots: Iterable[Any]) -> None:
        numpy_random = sys.modules.get("numpy.random")
        own_generator = getattr(getattr(numpy_random, "normal", None), "__self__", None)
        self.roots = [*roots, own_generator]
        self.undos: list[Undo] = []
        self.found: list[tuple[str, Any]] = []  # the path to each thing, and what stands for it
        self.iterators: list[str] = []
        self._look()

    def change(self) -> str:
        """Return what has changed since, as the end of a sentence; "" if nothing has."""
        now = Kept(self.roots[:-1]).found
        for old, new in itertools.zip_longest(self.found, now):
            if old != new:
                path = (new or old)[0]
                return path if path == DRAWS else f"changes {path}"
        return ""

    def restore(self) -> None:
        """Bring all of it back, but for what iterators have left."""
        for undo in self.undos:
            undo()

    def _look(self) -> None:
        waiting = deque(("", thing) for thing in self.roots)
        met: dict[int, Any] = {}
        while waiting and len(self.found) < MOST_THINGS:
            path, thing = waiting.popleft()
            if isinstance(thing, PLAIN):
                self.found.append((path, (type(thing), repr(thing))))
                continue
            if id(thing) in met or (hasattr(thing, "make_node") and not hasattr(thing, "__dict__")):
                continue
            met[id(thing)] = thing  # which keeps it, and its id
            if isinstance(thing, Iterator) and not hasattr(thing, "__dict__"):
                self.iterators.append(path)
                continue
            if str(type(thing).__module__).startswith("numpy"):
                self._look_at_numpys(thing, path)
                continue
            if isinstance(thing, (dict, list, deque, set, frozenset, tuple)):
                self.found.append((path, len(thing)))  # there may be nothing plain in it
            inside, undo = contents(thing)
            waiting.extend((joined(path, name), each) for name, each in inside)
            if undo is not None:
                self.undos.append(undo)

    def _look_at_numpys(self, thing: Any, path: str) -> None:
        if hasattr(thing, "__setitem__") and thing.size <= MOST_THINGS:  # an array
            numbers = thing.copy()
            self.found.append((path, (repr(thing.shape), thing.tobytes())))
            self.undos.append(functools.partial(thing.__setitem__, ..., numbers))
        elif hasattr(thing, "get_state"):  # a RandomState
            state = thing.get_state(legacy=False)
            self.found.append((DRAWS, pickle.dumps(state)))
            self.undos.append(functools.partial(thing.set_state, state))
        elif hasattr(thing, "bit_generator"):
            bits = thing.bit_generator
            self.found.append((DRAWS, pickle.dumps(bits.state)))
            self.undos.append(functools.partial(setattr, bits, "state", bits.state))


def joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name and name[0] != "[" else path + name


# ---- What is in a thing, by name, and what brings it back -----------------------------------

# What these hold that is in no attribute of their own.
PARTS: dict[type[Any], tuple[str, ...]] = {
    MethodType: ("__self__", "__func__"),
    BuiltinMethodType: ("__self__",),
    functools.partial: ("func", "args", "keywords"),
    property: ("fget",),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    ModuleType: (),
}


def contents(thing: Any) -> tuple[Inside, Undo | None]:
    """Return what is in any thing, and what brings that back; None if nothing is changed there."""
    if isinstance(thing, dict):
        inside = [(key_in(key, place), each) for place, (key, each) in enumerate(thing.items())]
        return inside, functools.partial(put_back_dict, thing, dict(thing))
    if isinstance(thing, (tuple, frozenset)):
        return in_order(thing), None
    if isinstance(thing, (list, deque, set)):
        return in_order(thing), functools.partial(put_back, thing, list(thing))
    if isinstance(thing, CellType):
        return in_a_cell(thing)
    if isinstance(thing, FunctionType):
        return in_a_function(thing)
    if isinstance(thing, type):
        return in_a_class(thing)
    if type(thing) in PARTS:
        return [("", getattr(thing, part)) for part in PARTS[type(thing)]], None
    return in_an_object(thing)


def key_in(key: Any, place: int) -> str:
    return f"[{key!r}]" if isinstance(key, PLAIN) else f"[{place}]"


def in_order(things: Iterable[Any]) -> Inside:
    first = itertools.islice(things, MOST_THINGS)
    return [(f"[{place}]", thing) for place, thing in enumerate(first)]


def in_a_cell(cell: Any) -> tuple[Inside, Undo | None]:
    try:
        held = cell.cell_contents
    except ValueError:  # a variable that has no value yet
        return (), None
    return [("", held)], functools.partial(setattr, cell, "cell_contents", held)


def in_a_function(function: Any) -> tuple[Inside, Undo]:
    """Return a function's closure, defaults, attributes, and the global variables that it names."""
    code, variables = function.__code__, function.__globals__
    inside = [*zip(code.co_freevars, function.__closure__ or (), strict=True)]
    inside += [("", function.__defaults__ or ()), ("", function.__kwdefaults__ or {})]
    inside += vars(function).items()
    named = {}
    if is_users(code.co_filename):
        names = dict.fromkeys(names_used(code))
        named = {name: variables[name] for name in names if name in variables}
        for each in named.values():
            if isinstance(each, ModuleType) and is_users(getattr(each, "__file__", "") or "<"):
                inside += [(name, vars(each)[name]) for name in names if name in vars(each)]
        inside += named.items()
    attributes = functools.partial(put_back_dict, vars(function), dict(vars(function)))
    return inside, functools.partial(do_both, attributes, variables.update, named)


def in_a_class(kind: type[Any]) -> tuple[Inside, Undo | None]:
    """Return the attributes of a class, if it is the user's own."""
    if not is_users_class(kind):
        return (), None
    found = [(name, each) for name, each in vars(kind).items() if not name.startswith("__")]
    methods = [each for each in vars(kind).values() if isinstance(each, FunctionType)]
    inside = [*found, *[("", method) for method in methods], *[("", k) for k in kind.__bases__]]
    return inside, functools.partial(put_back_class, kind, dict(found))


def is_users_class(kind: type[Any]) -> bool:
    """Return whether a class is neither Python's, nor the library's, nor that of a package."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return kind.__module__ not in sys.stdlib_module_names and is_users(file or "__main__")


def in_an_object(thing: Any) -> tuple[Inside, Undo | None]:
    """Return an object's attributes, and its class."""
    slots = in_slots(thing)
    undo: Undo = functools.partial(put_back_slots, thing, slots)
    attributes = getattr(thing, "__dict__", None)
    if not isinstance(attributes, dict):
        return [*slots.items(), ("", type(thing))], undo
    inside = [*slots.items(), *attributes.items(), ("", type(thing))]
    return inside, functools.partial(
        do_both, undo, functools.partial(put_back_dict, attributes), dict(attributes)
    )


def in_slots(thing: Any) -> dict[str, Any]:
    """Return what an object has in ``__slots__``, by name."""
    return {
        name: getattr(thing, name)
        for kind in type(thing).__mro__
        if "__slots__" in vars(kind) and is_users_class(kind)
        for name, each in vars(kind).items()
        if isinstance(each, MemberDescriptorType) and hasattr(thing, name)
    }


def put_back_slots(thing: Any, slots: dict[str, Any]) -> None:
    for name, each in slots.items():
        if getattr(thing, name, None) is not each:
            object.__setattr__(thing, name, each)


def do_both(first: Undo, second: Callable[[Any], None], argument: Any) -> None:
    first()
    second(argument)


def put_back(container: Any, things: list[Any]) -> None:
    """Let a list, deque or set have these things again."""
    if len(container) != len(things) or any(map(operator.is_not, container, things)):
        container.clear()
        (container.update if isinstance(container, set) else container.extend)(things)


def put_back_dict(container: dict[Any, Any], items: dict[Any, Any]) -> None:
    """Let a dict have these items again."""
    ids = [(key, id(thing)) for key, thing in container.items()]
    if ids != [(key, id(thing)) for key, thing in items.items()]:
        container.clear()
        container.update(items)


def put_back_class(kind: type[Any], attributes: dict[str, Any]) -> None:
    for name in [name for name in vars(kind) if not name.startswith("__")]:
        if name not in attributes:
            delattr(kind, name)
    for name, each in attributes.items():
        if vars(kind).get(name, kind) is not each:
            setattr(kind, name, each)
