"""The parts of a folded graph, each of which is drawn as one box, and the frames around them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from autodiff.drawing.picture import Frame
from autodiff.drawing.shown import name_shown
from autodiff.value import Value

__all__ = [
    "Called",
    "Folding",
    "Part",
    "ancestors",
    "frames_of_modules",
    "frames_with_titles",
    "layer_of",
    "module_of",
]

PLACE = re.compile(r"\[\d+\]$")


@dataclass(frozen=True, slots=True)
class Called:
    """What the box of a call, or of alike calls, says of them.

    ``name`` is the function's, with the number of the calls or of the call; ``title`` says how they
    are written, ``facts`` how many they are, and where.
    """

    name: str
    title: tuple[str, ...]
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """The nodes that one box stands for, in topological order.

    ====================  =====================================================================
    ``"node"``            one node; or its equals in each row of a batch, the first row's first
    ``"module"``          what the module at ``path`` computes, and its parameters
    ``"rows"``            all rows of a batch but the first; ``copies`` says how many
    ``"sum"``             the additions of a sum of ``copies`` alike terms
    ``"inputs"``          the inputs of a module that has many
    ``"call"``            what a call computed, or all calls of one place, and its parameters
    ``"line"``            what one operation on one line computed each time
    ``"leaves"``          leaves that the same boxes use
    ====================  =====================================================================

    ``path`` is that of the innermost module around it, '' for none; of calls, places in the tree of
    what is open.  ``what`` calls the copies rows or terms; ``called`` is what a call's box says.
    """

    kind: Literal["node", "module", "rows", "sum", "inputs", "call", "line", "leaves"]
    path: str
    nodes: list[Value]
    copies: int = 1
    what: Literal["row", "term"] = "row"
    called: Called | None = None


@dataclass(frozen=True, slots=True)
class Folding:
    """The parts of a graph by their first nodes, and the frames to draw, the outer first.

    Calls are in the order in which they ended, so that what a loop makes comes after what it uses.

    ``ids`` has the id of each module's or call's box or frame by its path.  ``names`` are for nodes
    that have none of their own, where functions are on view; None stands for those of sentences.
    """

    parts: Sequence[Part]
    frames: Sequence[Frame]
    ids: Mapping[str, str]
    names: Mapping[Value, str] | None = None


def module_of(node: Value) -> str:
    """Return the path of the module that made a node, '' for none."""
    return node.origin.module


def layer_of(path: str) -> str:
    """Return the path of a neuron's layer; another module's own path.

    >>> layer_of("hidden[2]"), layer_of("hidden")
    ('hidden', 'hidden')
    """
    return PLACE.sub("", path)


def ancestors(path: str) -> list[str]:
    """Return the paths of all modules around a module, and its own, the outermost first.

    >>> ancestors("encoder.hidden[2]")
    ['encoder', 'encoder.hidden', 'encoder.hidden[2]']
    """
    if not path:
        return []
    names = layer_of(path).split(".")
    found = [".".join(names[:count]) for count in range(1, len(names) + 1)]
    return found if path == found[-1] else [*found, path]


def frames_of_modules(parts: Sequence[Part]) -> tuple[list[Frame], dict[str, str]]:
    """Return the frames to draw, the outer first, and the id of every module by its path.

    There is a frame for each module with nodes on view, and around several modules.
    """
    paths = dict.fromkeys(part.path for part in parts)
    paths.update(dict.fromkeys(module_of(node) for part in parts for node in part.nodes))
    names = list(dict.fromkeys(name for path in paths if path for name in ancestors(path)))
    ids = {name: f"m{place}" for place, name in enumerate(names, 1)}
    members: dict[str, set[str]] = {}
    for part in parts:
        for outer, inner in pairwise(ancestors(part.path)):
            members.setdefault(outer, set()).add(inner)
    on_view = {part.path for part in parts if part.kind != "module"}
    drawn = [name for name in names if name in on_view or len(members.get(name, ())) > 1]
    return frames(drawn, ids, {name: name for name in drawn}), ids


def frames_with_titles(
    parts: Sequence[Part], titles: Mapping[str, str]
) -> tuple[list[Frame], dict[str, str]]:
    """Return a frame for each call that is open, and the id of every call by its path."""
    paths = dict.fromkeys(part.path for part in parts if part.path)
    names = list(dict.fromkeys(name for path in paths for name in ancestors(path)))
    ids = {name: f"c{place}" for place, name in enumerate(names, 1)}
    return frames([name for name in names if name in titles], ids, titles), ids


def frames(drawn: Iterable[str], ids: Mapping[str, str], titles: Mapping[str, str]) -> list[Frame]:
    """Return the frames at some paths, the outer first."""
    found: dict[str, Frame] = {}
    for path in drawn:
        around = [found[name].id for name in ancestors(path)[:-1] if name in found]
        found[path] = Frame(ids[path], name_shown(titles[path]), around[-1] if around else "")
    return list(found.values())
