"""The parts of a folded graph, each of which is drawn as one box, and the frames around them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, TypeAlias, get_args

from autodiff.drawing.picture import Frame
from autodiff.drawing.shown import name_shown
from autodiff.value import Value

__all__ = [
    "BLOCK",
    "PLACE",
    "PLACES",
    "Called",
    "Folding",
    "Part",
    "What",
    "ancestors",
    "frames_of_modules",
    "frames_with_titles",
    "layer_of",
    "module_of",
    "path_shown",
    "several",
]

PLACE: Final = re.compile(r"(\[|#)\d+\]?$")
BLOCK: Final = re.compile(r"#\d+")  # of a group
# In a name: ``w[2][1]``, ``w21``.
PLACES: Final = re.compile(r"[\[\]\d]+")


# What copies are called that are alike: those of a batch, of a sum, one after the other, or beside.
What: TypeAlias = Literal["row", "term", "step", "copy"]


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
    ``"rows"``            ``copies`` alike copies of what is repeated
    ``"sum"``             the additions of a sum of ``copies`` alike terms
    ``"inputs"``          the inputs of a module that has many
    ``"call"``            what a call computed, or all calls of one place, and its parameters
    ``"line"``            what one operation on one line computed each time
    ``"leaves"``          leaves that the same boxes use
    ====================  =====================================================================

    ``path`` is that of the innermost module around it, '' for none; of calls, places in the tree of
    what is open.  ``what`` says what the copies are; ``called`` is what a call's box
    says, and ``alike`` are the nodes of each copy, in the same order.
    """

    kind: Literal["node", "module", "rows", "sum", "inputs", "call", "line", "leaves"]
    path: str
    nodes: list[Value]
    copies: int = 1
    what: What = "row"
    called: Called | None = None
    alike: Sequence[Sequence[Value]] = ()


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


def several(what: str) -> str:
    """Return the plural of what copies are; a name as it is.

    >>> several("row"), several("copy"), several("h")
    ('rows', 'copies', 'h')
    """
    return {"copy": "copies"}.get(what, f"{what}s" if what in get_args(What) else what)


def module_of(node: Value) -> str:
    """Return the path of the module that made a node, '' for none."""
    return node.origin.module


def layer_of(path: str) -> str:
    """Return the path of a neuron's layer, or of all blocks of a group; another's own path.

    >>> layer_of("hidden[2]"), layer_of("cell#2"), layer_of("hidden")
    ('hidden', 'cell', 'hidden')
    """
    return PLACE.sub("", path)


def path_shown(path: str) -> str:
    """Return a path for people: ``cell 2`` is a group's second block."""
    return path.replace("#", " ")


def ancestors(path: str) -> list[str]:
    """Return the paths of all modules around a module, and its own, the outermost first.

    >>> ancestors("encoder.hidden[2]")
    ['encoder', 'encoder.hidden', 'encoder.hidden[2]']
    >>> ancestors("cell#1.gate")
    ['cell', 'cell#1', 'cell#1.gate']
    """
    found: list[str] = []
    inside = ""
    for name in path.split(".") if path else ():
        inside += f".{name}" if inside else name
        found += dict.fromkeys((layer_of(inside), inside))
    return found


def frames_of_modules(
    parts: Sequence[Part], of_nodes: Mapping[Value, str]
) -> tuple[list[Frame], dict[str, str]]:
    """Return the frames to draw, the outer first, and the id of every module by its path.

    ``of_nodes`` has the path of each node.  There is a frame for each module with nodes on view,
    and around several modules.
    """
    paths = dict.fromkeys(part.path for part in parts)
    paths.update(dict.fromkeys(of_nodes[node] for part in parts for node in part.nodes))
    names = list(dict.fromkeys(name for path in paths if path for name in ancestors(path)))
    ids = {name: f"m{place}" for place, name in enumerate(names, 1)}
    members: dict[str, set[str]] = {}
    for part in parts:
        for outer, inner in pairwise(ancestors(part.path)):
            members.setdefault(outer, set()).add(inner)
    on_view = {part.path for part in parts if part.kind != "module"}
    drawn = [name for name in names if name in on_view or len(members.get(name, ())) > 1]
    return frames(drawn, ids, {name: path_shown(name) for name in drawn}), ids


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
