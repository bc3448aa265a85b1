"""What the user's program calls the Values of a graph: by variables, and places: ``logits[3]``.

It is asked for when something shows a graph that was recorded, and costs nothing before.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from autodiff.debug.bindings import recalled
from autodiff.debug.instructions import parameters_of
from autodiff.debug.program import frames_of
from autodiff.support.frames import module_of
from autodiff.support.lines import names_of_user
from autodiff.value import Value

__all__ = ["called_by_program", "called_on_view", "named_at", "nameless"]

# Of a graph of more runs of lines than this, results are not looked for in them.
MOST_VISITS: Final = 20_000
# Of what a program's names stand for, so many things are looked at.
MOST_LOOKED_AT: Final = 200_000


def called_by_program(order: Sequence[Value]) -> dict[Value, str]:
    """Return names for those nodes of a recorded graph that have none of their own.

    A variable of the program's, or an entry of a list or a dict in one, has its place:
    ``weights['key'][2][0]``.  A result is called what the function that made it calls it, or the
    one that called that, the first that gives it a name; or else as the argument that a function is
    given: ``softmax.scores[3]``.

    >>> from autodiff import record_source, topological_order
    >>> def halves(xs):
    ...     return [x / 2.0 for x in xs]
    >>> def total(terms):
    ...     return sum(terms[1:], terms[0])
    >>> with record_source():
    ...     w = [Value(1.0), Value(3.0)]
    ...     loss = total(halves(w))
    >>> found = called_by_program(topological_order(loss))
    >>> [found[node] for node in topological_order(loss) if node in found]
    ['w[0]', 'w[1]', 'total.terms[0]', 'total.terms[1]']
    """
    nodes, visits = nameless(order), visits_of(order)
    if not (nodes and visits):
        return {}
    scopes = scopes_of(order, visits)
    found = named_in_scope(scopes, leaves_of(nodes))
    if len(visits) <= MOST_VISITS:
        around = Around()
        for value, place, visit in named_at(visits, nodes):
            own = value.origin.visit
            is_outermost = visit.call.caller is None or visit.call.is_around
            if is_outermost or (own is not None and visit.call in around[own.call]):
                found.setdefault(value, place)
        for value, place in named_by_arguments(visits, nodes):
            found.setdefault(value, place)
    return named_in_scope(scopes, nodes) | found


def called_on_view(
    order: Sequence[Value], visits: Sequence[Any], calls: Sequence[Any]
) -> dict[Value, str]:
    """Return names for the same where some functions alone are on view.

    A result has the name that these give it, at the runs of their lines ``visits``; or else that of
    the argument as which a function that they call is given it: ``calls`` has a run of each.
    """
    nodes = nameless(order)
    found = named_in_scope(scopes_of(order, visits), leaves_of(nodes))
    if len(visits) + len(calls) <= MOST_VISITS:
        for value, place, _ in named_at(visits, nodes):
            found.setdefault(value, place)
        for value, place in named_by_arguments(calls, nodes):
            found.setdefault(value, place)
    return found


def nameless(order: Iterable[Value]) -> dict[int, Value]:
    """Return the nodes without a name of their own, by their ids."""
    return {id(node): node for node in order if not node.name}


def leaves_of(nodes: Mapping[int, Value]) -> dict[int, Value]:
    """Return those of them that are leaves."""
    return {key: node for key, node in nodes.items() if node.op is None}


class Around(dict[Any, frozenset[Any]]):
    """The calls around each call, and the call itself."""

    def __missing__(self, call: Any) -> frozenset[Any]:
        found, each = [call], call
        while each.caller is not None:
            each = each.caller.call
            found.append(each)
        self[call] = frozenset(found)
        return self[call]


def visits_of(order: Iterable[Value]) -> list[Any]:
    """Return the runs of lines that made a graph, and those that called them, in their order."""
    pending = [node.origin.visit for node in order]
    found: dict[int, Any] = {}
    for visit in pending:  # which grows meanwhile
        if visit is not None and visit.number not in found:
            found[visit.number] = visit
            pending.append(visit.call.caller)
    return [found[number] for number in sorted(found)]


# ---- Names then: those of the lines that made the graph -------------------------------------


def named_at(visits: Iterable[Any], nodes: Mapping[int, Value]) -> Iterator[tuple[Value, str, Any]]:
    """Yield the nodes, given by their ids, that names stood for at runs of lines.

    With each comes its place and the run.
    """
    for visit in visits:
        for name, thing in bound_at(visit, nodes).items():
            for value, place in values_in(thing, name):
                yield value, place, visit


def named_by_arguments(
    visits: Iterable[Any], nodes: Mapping[int, Value]
) -> Iterator[tuple[Value, str]]:
    """Yield the nodes that the calls of these runs were given, with the names of the arguments.

    Such a name has that of the function before it.
    """
    seen: set[Any] = set()
    for visit in visits:
        if visit.call not in seen:
            seen.add(visit.call)
            bound = bound_at(visit, nodes)
            for name in parameters_of(visit.call.code):
                yield from values_in(bound.get(name), f"{visit.call.code.co_name}.{name}")


def bound_at(visit: Any, nodes: Mapping[int, Value]) -> dict[str, Any]:
    """Return what names stood for at the run of a line."""
    return recalled(visit.names.names, visit.bindings, visit.number, nodes, {})


def values_in(thing: object, name: str) -> Iterator[tuple[Value, str]]:
    """Yield the Values in what a name stood for, with their places: ``x``, ``x[3]``, ``x['a']``."""
    if isinstance(thing, Value):
        yield thing, name
    elif isinstance(thing, dict):
        for key, each in thing.items():
            yield from values_in(each, f"{name}[{key!r}]")
    elif isinstance(thing, (list, tuple)):
        for place, each in enumerate(thing):
            yield from values_in(each, f"{name}[{place}]")


# ---- Names now: those of the modules whose functions made it, and of the code that asks -----


def scopes_of(order: Iterable[Value], visits: Iterable[Any]) -> list[dict[str, Any]]:
    """Return the names of the modules that lines are of, and of the program's functions that run.

    ``visits`` are the runs of lines that made a graph, given in topological order.
    """
    modules = {visit.call.code.co_filename: visit.call.module for visit in visits}
    frames = frames_of(dict.fromkeys(node.origin.file for node in order if node.origin.file))
    return [
        *[module_of(file, module) for file, module in modules.items()],
        *[names_of_user(frame) for frame in frames],
    ]


def named_in_scope(
    scopes: Iterable[Mapping[str, Any]], nodes: Mapping[int, Value]
) -> dict[Value, str]:
    """Return the nodes that names stand for, or that are in lists, dicts and objects of theirs."""
    pending = [
        (thing, name)
        for scope in scopes
        for name, thing in scope.items()
        if name.isidentifier() and not name.startswith("_")
    ]
    pending.reverse()
    found: dict[Value, str] = {}
    seen: set[int] = set()
    own = {scope.get("__name__") for scope in scopes}
    for _ in range(MOST_LOOKED_AT):
        if not pending or len(found) == len(nodes):
            break
        thing, name = pending.pop()
        if isinstance(thing, Value):
            if id(thing) in nodes:
                found.setdefault(thing, name)
        elif id(thing) not in seen:
            entries = entries_of(thing, name, own)
            pending += reversed(entries)
            if entries:
                seen.add(id(thing))
    return found


def entries_of(thing: Any, name: str, own: Container[Any]) -> list[tuple[Any, str]]:
    """Return what is in a list, a tuple, a dict or an object of some modules, by its place."""
    if isinstance(thing, (list, tuple)):
        return [(each, f"{name}[{place}]") for place, each in enumerate(thing)]
    if isinstance(thing, dict):
        keys = [key for key in thing if isinstance(key, (str, int))]
        return [(thing[key], f"{name}[{key!r}]") for key in keys]
    if type(thing).__module__ not in own or not hasattr(thing, "__dict__"):
        return []
    return [(each, f"{name}.{key}") for key, each in vars(thing).items()]
