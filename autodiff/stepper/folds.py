"""A large graph as boxes that open: by the calls, rows and modules that its results belong to.

Every fold is a run of operations that can be computed one behind the other, so that a step over a
closed one needs nothing that comes later.  What is still too long to be read is cut into parts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Any

from autodiff.debug.call_tree import CallNode, CallTree
from autodiff.debug.places import nameless
from autodiff.drawing.folds.fold import name_of_copies, worth_merging
from autodiff.drawing.folds.fold_calls import times_of, title_of
from autodiff.drawing.folds.parts import ancestors, module_of
from autodiff.drawing.folds.repeats import find_repeats
from autodiff.stepper.local_names import local_names, packed_names
from autodiff.stepper.packing import packed_counts, packed_differences
from autodiff.value import Value

__all__ = ["Fold", "fold_data", "folds_of"]

# A picture has at most so many operations and folds, and a fold at least so many operations.
MOST_ITEMS = 64
MOST_FOLDS = 32
LEAST_RESULTS = 2
# Of a function that calls itself, calls further inside are in the last that is a fold.
MOST_DEPTH = 32

BETWEEN = " > "
TO = " … "


@dataclass(slots=True, eq=False)
class Group:
    """What belongs together: what a call computed, or a row, or a module; ``outer`` is around it.

    ``ready`` are the results in it that can be computed next, the first of them first, some of
    which may be done already.  ``runs`` counts how often it was begun.
    """

    title: str
    outer: Group | None
    call: CallNode | None = None
    ready: list[tuple[tuple[int, int], Value]] = field(default_factory=list)
    runs: int = 0
    depth: int = field(init=False)

    def __post_init__(self) -> None:
        self.depth = 0 if self.outer is None else self.outer.depth + 1

    def chain(self) -> Iterator[Group]:
        """Yield the group and those around it, the innermost first."""
        group: Group | None = self
        while group is not None:
            yield group
            group = group.outer


@dataclass(slots=True, eq=False)
class Fold:
    """A box that opens: ``items`` are the results and folds in it, in an order to compute them."""

    title: str
    call: CallNode | None = None
    items: list[Value | Fold] = field(default_factory=list)

    @property
    def line(self) -> tuple[str, int]:
        """The file and the line that called it; no line if it is no call of recorded code."""
        if self.call is None or self.call.code is None or self.call.call.caller is None:
            return "", 0
        caller = self.call.call.caller
        return caller.call.code.co_filename, caller.line

    def numbered(self) -> list[Fold]:
        """Return it and all folds in it, each behind the one around it."""
        inner = [item for item in self.items if isinstance(item, Fold)]
        return [self, *(fold for item in inner for fold in item.numbered())]

    def results(self) -> Iterator[Value]:
        for item in self.items:
            if isinstance(item, Fold):
                yield from item.results()
            else:
                yield item


# ---- which results belong together -------------------------------------------------------------


class Groups:
    """The innermost group of each result of a graph, given in topological order."""

    def __init__(self, order: Sequence[Value]) -> None:
        self.top = Group("", None)
        self.known: dict[object, Group] = {}
        self.of: dict[Value, Group] = {}
        tree = CallTree(order)
        if tree.known:
            self.by_call(tree)
        else:
            self.by_repeat(order)
        results = [node for node in order if node.op is not None]
        within = self.modules_around(results)
        for node in results:
            group = self.of.get(node, self.top)
            self.of[node] = self.of_module(group, module_of(node), within.get(group, []))

    def by_call(self, tree: CallTree) -> None:
        """Group what was recorded by the calls that computed it."""
        outermost = tree.outermost
        self.known[outermost] = self.top
        self.top.call = outermost
        for call in [tree.top, *tree.calls]:
            self.of.update(dict.fromkeys(call.own, self.of_call(call)))

    def of_call(self, call: CallNode) -> Group:
        """Return the group of a call, inside of that of its caller."""
        if call not in self.known:
            if call.caller is None:  # the top of the tree, around the outermost call
                return self.top
            outer = self.of_call(call.caller)
            is_deep = outer.depth >= MOST_DEPTH
            self.known[call] = outer if is_deep else Group(title_of([call]), outer, call)
        return self.known[call]

    def by_repeat(self, order: Sequence[Value]) -> None:
        """Group what is computed alike: rows of a batch, and steps of loops without modules."""
        has_modules = any(map(module_of, order))
        for repeat in filter(worth_merging, find_repeats(order, in_sums=has_modules)):
            for place, copy in enumerate(repeat.copies, 1):
                results = [node for node in copy if node.op is not None]
                if len(results) > 1:
                    group = Group(f"{name_of_copies(repeat)} {place}", self.top)
                    self.of.update(dict.fromkeys(results, group))

    def modules_around(self, results: Sequence[Value]) -> dict[Group, list[str]]:
        """Return the modules around each call or row: those that all of its results have."""
        found: dict[Group, list[str]] = {}
        for node in results:
            own = self.of.get(node)
            modules = ancestors(module_of(node))
            for group in own.chain() if own is not None else ():
                if group is not self.top:
                    known = found.setdefault(group, modules)
                    found[group] = [name for name in known if name in modules]
        return found

    def of_module(self, outer: Group, path: str, around: Sequence[str]) -> Group:
        """Return the group of what a module computes inside of a group, which others are around."""
        for name in ancestors(path):
            if name in around:
                continue
            key = outer, name
            if key not in self.known:
                self.known[key] = Group(name, outer)
            outer = self.known[key]
        return outer


# ---- in an order in which they can be computed -------------------------------------------------


def computed_in_groups(order: Sequence[Value], groups: Groups) -> list[Value]:
    """Return the results in an order to compute them that leaves each group as late as it can.

    What can be computed next is taken from the innermost group that has anything, and there it is
    what the program made first.
    """
    times = times_of(order)
    users: dict[Value, list[Value]] = {node: [] for node in groups.of}
    waiting = {}
    for node in groups.of:
        operands = {parent for parent in node.parents if parent in users}
        waiting[node] = len(operands)
        for operand in operands:
            users[operand].append(node)
    for node, count in waiting.items():
        if not count:
            for group in groups.of[node].chain():
                group.ready.append((times[node], node))
    for group in {each for node in groups.of for each in groups.of[node].chain()}:
        heapify(group.ready)
    found: dict[Value, None] = {}
    here = groups.top
    while len(found) < len(users):
        node = next(node for group in here.chain() for node in ready_in(group) if node not in found)
        found[node] = None
        here = groups.of[node]
        for user in users[node]:
            waiting[user] -= 1
            if not waiting[user]:
                for group in groups.of[user].chain():
                    heappush(group.ready, (times[user], user))
    return list(found)


def ready_in(group: Group) -> Iterator[Value]:
    """Take out of a group, and yield, what can be computed next, if it was not meanwhile."""
    while group.ready:
        yield heappop(group.ready)[1]


# ---- folds -------------------------------------------------------------------------------------


def folds_of(order: Sequence[Value], names: Mapping[Value, str]) -> Fold:
    """Return the folds of a graph, given in topological order, inside of one that is all.

    >>> x = chain = Value(0.5, "x")
    >>> for _ in range(1000):
    ...     chain = chain.tanh()
    >>> from autodiff import Names, topological_order
    >>> whole = folds_of(topological_order(chain), Names(chain))
    >>> len(whole.items), whole.items[0].title, len(whole.items[0].items)
    (32, 'v2 … v32', 31)
    """
    groups = Groups(order)
    whole = Fold("", groups.top.call)
    open_now: list[tuple[Group, Fold]] = [(groups.top, whole)]
    for node in computed_in_groups(order, groups):
        around = list(groups.of[node].chain())[::-1]
        same = 0
        while same < min(len(around), len(open_now)) and around[same] is open_now[same][0]:
            same += 1
        del open_now[same:]
        for group in around[same:]:
            group.runs += 1
            title = group.title if group.runs == 1 else f"{group.title} ({group.runs})"
            fold = Fold(title, group.call)
            open_now[-1][1].items.append(fold)
            open_now.append((group, fold))
        open_now[-1][1].items.append(node)
    simplify(whole)
    cut(whole, names)
    return whole


def simplify(fold: Fold) -> None:
    """Let folds that hold next to nothing, or nothing but another, be none."""
    items: list[Value | Fold] = []
    for item in fold.items:
        if isinstance(item, Fold):
            simplify(item)
            is_small = len(item.items) < LEAST_RESULTS
            items += item.items if is_small else [item]
        else:
            items.append(item)
    fold.items = items
    inner = items[0]
    if len(items) == 1 and isinstance(inner, Fold):
        same = inner.title.startswith(fold.title)
        fold.title = inner.title if same else f"{fold.title}{BETWEEN}{inner.title}"
        fold.items = inner.items


def cut(fold: Fold, names: Mapping[Value, str]) -> None:
    """Cut a fold of too many items into parts, and those in it."""
    for item in fold.items:
        if isinstance(item, Fold):
            cut(item, names)
    while is_long(fold):
        size = len(fold.items)
        count = -(-size // min(math.isqrt(size - 1) + 1, MOST_FOLDS))
        ends = [size * nth // count for nth in range(count + 1)]
        pieces = [fold.items[start:end] for start, end in pairwise(ends)]
        fold.items = [Fold(range_title(piece, names), items=piece) for piece in pieces]


def is_long(fold: Fold) -> bool:
    """Return whether a fold holds too much for one picture."""
    folds = sum(isinstance(item, Fold) for item in fold.items)
    return len(fold.items) > MOST_ITEMS or folds > MOST_FOLDS


def range_title(items: Sequence[Value | Fold], names: Mapping[Value, str]) -> str:
    """Return the names of the first and the last of some items, of folds if there are any."""
    folds = [item for item in items if isinstance(item, Fold)]
    if folds:
        first = folds[0].title.partition(TO)[0]
        last = folds[-1].title.rpartition(TO)[2]
    else:
        first, last = [names[item] for item in items[:: len(items) - 1] if isinstance(item, Value)]
    return first if first == last else f"{first}{TO}{last}"


# ---- for the page's script ---------------------------------------------------------------------


def fold_data(whole: Fold, order: Sequence[Value]) -> dict[str, Any]:
    """Return the folds by number, each behind the one around it; 0 is all.

    ============  ===========================================================================
    ``titles``    of each
    ``facts``     what a call was given
    ``names``     what a call names the results in it, and those that it is given
    ``outer``     the fold that each is in
    ``of``        the innermost fold of each node; 0 for leaves
    ``computed``  the places of the results, in an order to compute them
    ============  ===========================================================================
    """
    places = {node: place for place, node in enumerate(order, 1)}
    unnamed = nameless(order)
    folds = whole.numbered()
    numbers = {fold: number for number, fold in enumerate(folds)}
    outer = {whole: 0}
    of: dict[Value, int] = {}
    for fold, number in numbers.items():
        for item in fold.items:
            if isinstance(item, Fold):
                outer[item] = number
            else:
                of[item] = number
    names = {
        number: packed_names(local_names(fold.call, unnamed), places)
        for fold, number in numbers.items()
        if fold.call is not None
    }
    return {
        "names": names,
        "titles": [fold.title for fold in folds],
        "facts": {
            number: fold.call.arguments
            for fold, number in numbers.items()
            if fold.call is not None and fold.call.arguments
        },
        "outer": packed_counts(outer[fold] for fold in folds),
        "of": packed_differences(of.get(node, 0) for node in order),
        "computed": packed_differences(places[node] for node in whole.results()),
    }
