"""What the user's functions call the results that they compute and are given, call by call.

In the graph most of them are elements of lists, ``v31`` and ``v32``; in a call of ``softmax`` they
are ``scores[0]`` and ``powers[0]``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from autodiff.debug.call_tree import CallNode
from autodiff.debug.places import named_at
from autodiff.value import Value

__all__ = ["local_names", "packed_names"]

ELEMENT = re.compile(r"(.+)\[(\d+)\]")


def local_names(call: CallNode, unnamed: Mapping[int, Value]) -> dict[Value, str]:
    """Return what a call of a function, which was recorded, calls Values that have no name.

    ``unnamed`` are these Values by their ``id``.  What a name stood for later has the name with a
    number: ``x[0] (2)``.
    """
    visits = {node.origin.visit.number: node.origin.visit for node in call.own if node.origin.visit}
    callers = [inner.call.caller for inner in call.inner if inner.call.caller]
    visits |= {visit.number: visit for visit in callers}
    found: dict[Value, str] = {}
    uses: dict[str, int] = {}
    for value, text, _ in named_at([visits[number] for number in sorted(visits)], unnamed):
        if value not in found and not value.name and value.op is not None:
            uses[text] = uses.get(text, 0) + 1
            found[value] = text if uses[text] == 1 else f"{text} ({uses[text]})"
    return found


def packed_names(names: Mapping[Value, str], places: Mapping[Value, int]) -> list[Sequence[Any]]:
    """Return names with the places of the nodes; those of a list's first elements as one.

    >>> a, b, c = Value(1.0), Value(2.0), Value(3.0)
    >>> packed_names({a: "x[0]", b: "x[1]", c: "y"}, {a: 7, b: 9, c: 8})
    [('x', [7, 9]), ('y', 8)]
    """
    found: list[Sequence[Any]] = []
    lists: dict[str, list[int]] = {}
    for value, name in names.items():
        element = ELEMENT.fullmatch(name)
        stem, index = (element[1], int(element[2])) if element else ("", 0)
        if element and index == 0:
            lists[stem] = [places[value]]
            found.append((stem, lists[stem]))
        elif element and index == len(lists.get(stem, ())):
            lists[stem].append(places[value])
        else:
            found.append((name, places[value]))
    return found
