"""Which nodes of a graph share a box if it is folded by the functions that made them.

What one call of a function computed is one box.  So is, if the picture would be too large, what all
calls from one place of the program did, and what one operation on one line did each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from autodiff.debug.call_tree import CallNode, CallTree, Requests
from autodiff.debug.places import called_on_view
from autodiff.drawing.folds.parts import PLACES, Called, Folding, Part, frames_with_titles
from autodiff.value import Value

__all__ = ["folded_by_call"]

# A picture of at most so many boxes shows each call and each operation by itself, and of at most
# so many variables and inputs each of these.
MOST_EACH: Final = 24
MOST_LEAVES: Final = 8
# And of at most so many, those in the calls that were asked for one by one.
MOST_ASKED: Final = 60

PLACE: Final = re.compile(r"\[\d+\]")  # in a name: ``w[2][1]``

# What the nodes of one box have in common.
Key: TypeAlias = object


@dataclass(slots=True, eq=False)
class Scope:
    """Calls that are drawn open, as one frame; ``path`` is '' for what is around everything.

    ``each`` says that what is in it is not merged, as it is the only call.
    """

    calls: list[CallNode]
    path: str = ""
    each: bool = False


@dataclass(slots=True, eq=False)
class Group:
    """The calls of one box, or of one frame."""

    path: str
    calls: list[CallNode] = field(default_factory=list)


def folded_by_call(order: Sequence[Value], expand: Sequence[str | Value]) -> Folding:
    """Return the parts of a graph by the functions that made them, those of ``expand`` open.

    Raises ValueError if nothing of it was recorded, or there is no call that ``expand`` names.
    """
    tree = CallTree(order)
    if not tree.known:
        raise ValueError(
            'fold="call" finds no calls: no result of the graph was made in a recording. Run the '
            "forward pass in a block that begins with record_source():"
        )
    requests = Requests(tree, expand)
    grouping = Grouping(order, tree, requests, everything=True)
    if len(grouping.keys_in_order) > MOST_EACH:
        grouping = Grouping(order, tree, requests, asked=True)
        if len(grouping.keys_in_order) > MOST_ASKED:
            grouping = Grouping(order, tree, requests)
    return grouping.folding()


class Grouping:
    """The groups of a graph's nodes.

    ``everything``: each call and each operation in an open call by itself.  ``asked``: so it is in
    the calls that were asked for one by one.  Else what is alike is merged.
    """

    def __init__(
        self,
        order: Sequence[Value],
        tree: CallTree,
        requests: Requests,
        everything: bool = False,
        asked: bool = False,
    ) -> None:
        self.order, self.tree, self.requests = order, tree, requests
        self.everything, self.asked = everything, asked
        self.groups: list[Group] = []
        self.scopes = [Scope([tree.outermost], each=everything)]
        self.keys: dict[Value, Key] = {}
        self.group_of_results()
        self.names = self.found_names()
        self.group_of_leaves()
        self.keys_in_order = list(dict.fromkeys([self.keys[node] for node in order]))

    # ---- results ---------------------------------------------------------------------------

    def group_of_results(self) -> None:
        """Give each result its key."""
        self.keys.update(dict.fromkeys(self.tree.unrecorded, UNRECORDED))
        for scope in self.scopes:  # which grows meanwhile
            for call in scope.calls:
                for node in call.own:
                    self.keys[node] = node if scope.each else Line(scope.path, *line_of(node))
            for group in self.groups_in(scope):
                if group.calls[0] in self.requests.opened:
                    asked = self.asked and group.calls[0] in self.requests.asked
                    self.scopes.append(Scope(group.calls, group.path, self.everything or asked))
                    continue
                for call in group.calls:
                    for inside in call.all_inside():
                        self.keys.update(dict.fromkeys(inside.own, group))

    def groups_in(self, scope: Scope) -> list[Group]:
        """Return the calls that those of a scope made, grouped."""
        found: dict[object, Group] = {}
        for call in scope.calls:
            for inner in call.inner:
                is_open = inner in self.requests.opened
                is_single = scope.each or inner in self.requests.single
                key = inner if is_single else (inner.site, is_open)
                if key not in found:
                    self.groups.append(Group(f"{scope.path}.{len(self.groups)}".lstrip(".")))
                    found[key] = self.groups[-1]
                found[key].calls.append(inner)
        return list(found.values())

    # ---- leaves ----------------------------------------------------------------------------

    def group_of_leaves(self) -> None:
        """Give each leaf its key.

        A call's own parameters are in its box, and numbers where they are used.  Of the others,
        those of one list of the program's are one, such as a matrix, and so are those that the same
        boxes use; unless all is shown by itself and they are few.
        """
        loose: dict[Value, Leaves] = {}
        for leaf, users in self.tree.users.items():
            found = frozenset([self.keys[user] for user in users])
            user = self.keys[users[0]] if users else None
            is_number = leaf.is_constant and not leaf.name
            is_folded = isinstance(user, (Group, Unrecorded))
            inside = is_number or (is_folded and not leaf.is_constant)
            if len(found) == 1 and inside:
                self.keys[leaf] = user
            elif not found:
                self.keys[leaf] = leaf
            else:
                name = leaf.name or self.names.get(leaf, "")
                loose[leaf] = Leaves(found, leaf.is_constant, PLACES.sub("", name))
        loose.update(self.by_matrix(loose))
        if self.everything and len(loose) <= MOST_LEAVES:
            self.keys.update(zip(loose, loose, strict=True))
        else:
            self.keys.update(loose)

    def by_matrix(self, leaves: Iterable[Value]) -> dict[Value, Leaves]:
        """Return the keys of those leaves that are in a list of the program's, such as a matrix.

        Several lists may have one name, as arguments of several calls: their places are not theirs
        alone.
        """
        found: dict[tuple[bool, str], dict[Value, str]] = {}
        for leaf in leaves:
            name = leaf.name or self.names.get(leaf, "")
            matrix = PLACE.sub("", name)
            if matrix != name:
                found.setdefault((leaf.is_constant, matrix), {})[leaf] = name
        return {
            leaf: Leaves(frozenset(), constant, matrix)
            for (constant, matrix), places in found.items()
            if len(set(places.values())) == len(places)
            for leaf in places
        }

    # ---- parts -----------------------------------------------------------------------------

    def folding(self) -> Folding:
        """Return the parts, the frames around what is open, and names for the nodes in it."""
        nodes: dict[Key, list[Value]] = {key: [] for key in self.keys_in_order}
        for node in self.order:
            nodes[self.keys[node]].append(node)
        scope_of = {call: scope.path for scope in self.scopes for call in scope.calls}
        parts = []
        for key, members in nodes.items():
            results = [node for node in members if node.op is not None]
            match key:
                case Group(path=path):
                    parts.append(Part("call", path, members, called=called(key)))
                case Line(path=path) if len(results) > 1:
                    parts.append(Part("line", path, with_leaves_last(members)))
                case Leaves() if len(members) > 1:
                    parts.append(Part("leaves", "", members))
                case Unrecorded():
                    parts.append(Part("call", "", members, called=NOT_RECORDED))
                case _:
                    path = ""
                    if results:
                        path = scope_of[self.tree.known[results[0].origin.visit.call]]
                    parts.append(Part("node", path, with_leaves_last(members)))
        times = times_of(self.order)
        ended = {end_of(part, times): part for part in parts}
        parts = [ended[time] for time in sorted(ended)]
        titles = {scope.path: title_of(scope.calls) for scope in self.scopes[1:]}
        return Folding(parts, *frames_with_titles(parts, titles), self.names)

    def found_names(self) -> dict[Value, str]:
        """Return what the functions that are open call their results, also in a list: ``x[3]``.

        What has no name there has that of the argument as which it is given to a function that is
        folded: ``softmax.scores[3]``.
        """
        folded = [
            inner.visit
            for scope in self.scopes
            for call in scope.calls
            for inner in call.inner
            if inner not in self.requests.opened and inner.visit is not None
        ]
        return called_on_view(self.order, self.visits(), folded)

    def visits(self) -> list[Any]:
        """Return the runs of lines in the functions that are open, in their order."""
        found = {}
        for scope in self.scopes:
            for call in scope.calls:
                made = [node.origin.visit for node in call.own]
                made += [inner.call.caller for inner in call.inner if inner.call.caller]
                found.update({visit.number: visit for visit in made})
        return [found[number] for number in sorted(found)]


@dataclass(frozen=True, slots=True)
class Line:
    """The key of the results of one operation on one line of the calls of a scope."""

    path: str
    file: str
    line: int
    op: str


@dataclass(frozen=True, slots=True)
class Leaves:
    """The key of the leaves of a list, or of those that the same boxes use.

    Their names differ in their numbers.
    """

    users: frozenset[Key]
    constant: bool
    stem: str


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """The key of all results that were made outside of a recording."""


UNRECORDED: Final = Unrecorded()
NOT_RECORDED: Final = Called("not recorded", ("not recorded",), ())


def line_of(node: Value) -> tuple[str, int, str]:
    """Return the file and the line that made a result, and by which operation."""
    return node.origin.file, node.origin.line, node.op.name if node.op else ""


def times_of(order: Sequence[Value]) -> dict[Value, tuple[int, int]]:
    """Return when each node was made, to sort by: leaves first, and no result before its operands.

    A line that calls a function runs before that, but computes with what it gives afterwards.
    """
    times: dict[Value, tuple[int, int]] = {}
    for place, node in enumerate(order):
        visit = node.origin.visit if node.parents else None
        of_operands = [times[parent][0] for parent in node.parents]
        times[node] = max([-1 if visit is None else visit.number, *of_operands]), place
    return times


def end_of(part: Part, times: Mapping[Value, tuple[int, int]]) -> tuple[int, int]:
    """Return when the last result of a part was made; of leaves, the last of these."""
    results = [node for node in part.nodes if node.op is not None]
    return max([times[node] for node in results or part.nodes])


def with_leaves_last(nodes: Sequence[Value]) -> list[Value]:
    """Return the results before the numbers that they use."""
    return sorted(nodes, key=lambda node: node.op is None)


def called(group: Group) -> Called:
    """Return what the box of calls says of them."""
    first, count = group.calls[0], len(group.calls)
    text = first.expression
    function = text.partition("(")[0]
    last_name = first.name.rpartition(".")[2]
    written = function.rpartition(".")[2] == last_name
    title = (text,) if written else tuple(filter(None, (first.name, text)))
    facts = [first.place] if first.place else []
    if first.of > 1:
        if count == 1:
            facts.insert(0, f"call {first.number:,} of {first.of:,}")
        else:
            of = f" of {first.of:,}" if first.of > count else ""
            facts.insert(0, f"{count:,}{of} calls")
    return Called(title_of(group.calls), title, tuple(facts))


def title_of(calls: Sequence[CallNode]) -> str:
    """Return the name of alike calls with how many they are; of one, which of how many it is."""
    first = calls[0]
    if len(calls) > 1:
        return f"{first.name} × {len(calls):,}"
    return f"{first.name} {first.number}" if first.of > 1 else first.name
