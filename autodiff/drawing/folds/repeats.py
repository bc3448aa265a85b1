"""What a graph repeats: parts that are computed alike, whoever wrote the loop.

The rows of a batch, the cells of a recurrent network, the steps of an iteration: each *copy* ends
in a node of the same kind, its *mark*, and has what this needs beyond what the marks before it
need.  Copies are alike if they have the same operations in the same order, wired in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from autodiff.ops import Role
from autodiff.value import Value

__all__ = ["Repeat", "find_repeats", "is_sum", "kind_of"]

# Sums are examined from the root downwards, and not more than this many of them.
MOST_SUMS = 8
SUM = (Role.TERM, Role.TERM)

# So many kinds of marks are tried, those nearest the root, in a graph of at most so many nodes.
MOST_KINDS = 24
MOST_NODES = 20_000
# What is left then is looked at again, so many times in all.
MOST_ROUNDS = 3
# A repetition leaves out so many operations at least.
LEAST_SAVED = 4
# A row may have several terms of a sum, and a step of a loop several marks: so many at most.
MOST_PERIOD, MOST_PERIOD_OF_LOOPS = 32, 4

# What several copies use belongs to none.
SHARED = -1

# Of each operation, its name, and for each operand which of the copy's operations it is, or none.
Signature: TypeAlias = tuple[tuple[str, tuple[int | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """Copies that are computed alike.

    ``copies`` has each copy's own nodes, in the same order in all copies, the mark last; what
    several copies use, the parameters above all, is in none.  ``sums`` are the additions of the sum
    in which they meet, the last of which is the total; none if they meet in no sum.  ``apart`` says
    that no two terms of a sum share what they compute.
    """

    copies: list[list[Value]]
    sums: list[Value]
    apart: bool = True

    def __len__(self) -> int:
        return len(self.copies)

    @property
    def nodes(self) -> list[Value]:
        """All nodes of the copies and of the sum."""
        return [*self.sums, *[node for copy in self.copies for node in copy]]


def find_repeats(order: Sequence[Value], in_sums: bool = False) -> list[Repeat]:
    """Return the repetitions in a graph, given in topological order; the largest first.

    ``in_sums`` asks for those alone whose copies are terms of a sum.

    >>> x = [Value(float(place)) for place in range(3)]
    >>> w = Value(2.0, "w")
    >>> a, b, c = [(w * number).tanh() for number in x]
    >>> from autodiff import topological_order
    >>> (found,) = find_repeats(topological_order(a + b + c))
    >>> len(found), [node.op for node in found.copies[0]]
    (3, [None, mul, tanh])
    >>> y = w
    >>> for _ in range(6):
    ...     y = (y * 0.5).sin()
    >>> (found,) = find_repeats(topological_order(y))
    >>> len(found), [node.op for node in found.copies[0]]
    (6, [None, mul, sin])
    """
    finder = Finder(order)
    if in_sums:
        finder.take(finder.in_sums())
        return finder.found
    candidates = [*finder.in_sums()]
    for _ in range(MOST_ROUNDS * (len(order) <= MOST_NODES)):
        candidates += finder.in_loops()
        if not finder.take(repeat for repeat in candidates if saved(repeat) >= LEAST_SAVED):
            break
        candidates = []
    return sorted(finder.found, key=size_of, reverse=True)


def size_of(repeat: Repeat) -> tuple[int, int]:
    """Return how many operations a repetition has, and how many copies: the greatest counts."""
    operations = sum(node.op is not None for node in repeat.copies[0])
    return len(repeat) * operations + len(repeat.sums), len(repeat)


def saved(repeat: Repeat) -> int:
    """Return how many operations are told by others."""
    operations, copies = size_of(repeat)
    return operations - (operations - len(repeat.sums)) // copies


class Finder:
    """Finds what one graph repeats."""

    def __init__(self, order: Sequence[Value]) -> None:
        self.order = order
        self.found: list[Repeat] = []
        self.taken: set[Value] = set()
        self.places = {node: place for place, node in enumerate(order)}
        self.users: dict[Value, list[Value]] = {node: [] for node in order}
        for node in order:
            for parent in node.parents:
                self.users[parent].append(node)

    def take(self, candidates: Iterable[Repeat]) -> bool:
        """Take the largest repetitions that have no node in common; return whether any was."""
        before = len(self.found)
        for repeat in sorted(candidates, key=size_of, reverse=True):
            if self.taken.isdisjoint(repeat.nodes):
                self.taken.update(repeat.nodes)
                self.found.append(repeat)
        return len(self.found) > before

    # ---- marks -----------------------------------------------------------------------------

    def in_sums(self) -> Iterator[Repeat]:
        """Yield the repetitions whose copies are terms of a sum, from the root downwards."""
        for total in self.totals():
            sums, terms = self.terms_of(total)
            computed = [term for term in terms if term.op is not None]
            kinds = Counter((kind_of(term), len(term.parents)) for term in computed)
            if max(kinds.values(), default=0) < 2:
                continue
            repeat = self.repeat_of(computed, sums)
            if repeat is not None:
                yield repeat
                if len(repeat) * len(repeat.copies[0]) > len(self.order) / 2:
                    return

    def in_loops(self) -> Iterator[Repeat]:
        """Yield those whose copies end in the same operation, on the results of the same ones."""
        kinds: dict[object, list[Value]] = {}
        for node in self.order:
            if node.op is not None and node not in self.taken:
                key = kind_of(node), *map(kind_of, node.parents)
                kinds.setdefault(key[0], []).append(node)
                kinds.setdefault(key, []).append(node)
        several = {tuple(nodes): nodes for nodes in kinds.values() if len(nodes) > 1}
        nearest = sorted(several.values(), key=lambda nodes: self.places[nodes[-1]], reverse=True)
        for marks in nearest[:MOST_KINDS]:
            repeat = self.repeat_of(marks, [])
            if repeat is not None and self.is_whole(repeat):
                yield repeat

    def totals(self) -> list[Value]:
        """Return the additions that are no term of a greater sum, from the root downwards."""
        inner: set[Value] = set()
        totals: list[Value] = []
        for node in reversed(self.order):
            if is_sum(node):
                inner.update(parent for parent in node.parents if self.is_inner(parent))
                if node not in inner:
                    totals.append(node)
                    if len(totals) == MOST_SUMS:
                        break
        return totals

    def is_inner(self, node: Value) -> bool:
        """Return whether the one user of an addition adds further terms to it."""
        return is_sum(node) and len(self.users[node]) == 1 and not node.label

    def terms_of(self, total: Value) -> tuple[list[Value], list[Value]]:
        """Return the additions of a sum, and its terms, both in topological order."""
        sums, terms = {total}, set()
        pending = [total]
        while pending:
            for parent in pending.pop().parents:
                if self.is_inner(parent):
                    sums.add(parent)
                    pending.append(parent)
                else:
                    terms.add(parent)
        place = self.places.__getitem__
        return sorted(sums, key=place), sorted(terms, key=place)

    # ---- copies ----------------------------------------------------------------------------

    def repeat_of(self, marks: Sequence[Value], sums: list[Value]) -> Repeat | None:
        """Return the copies that end in some marks; None if no two of them are alike.

        What several copies use is the first one's, as a state that is handed on and what two terms
        of one row share; or nobody's, as a weight's exponential, if more is alike then.
        """
        found = []
        for apart in (True, False):
            increments = self.increments(marks, set(sums), apart)
            copies = self.most_alike(increments, MOST_PERIOD if sums else MOST_PERIOD_OF_LOOPS)
            if len(copies) > 1:
                place = marks.index(copies[0][-1])
                if place > 0:  # the one before also has what all is computed from
                    copies[:0] = matched(copies[0], marks[place - 1])
                found.append(Repeat(self.with_leaves(copies), sums, apart))
                if len(copies) * len(copies[0]) == sum(map(len, increments)):
                    break
        return max(found, key=size_of, default=None)

    def increments(
        self, marks: Sequence[Value], sums: Collection[Value], apart: bool
    ) -> list[list[Value]]:
        """Return the operations that each mark needs beyond what the marks before it need."""
        owners = {mark: number for number, mark in enumerate(marks)}
        found: list[list[Value]] = [[] for _ in marks]
        for node in reversed(self.order):
            if node in sums or node in self.taken:
                continue
            owner = owners.setdefault(node, SHARED)
            if owner != SHARED and node.op is not None:
                found[owner].append(node)
            for parent in node.parents:
                other = owners.setdefault(parent, owner)
                if other != owner and parent is not marks[other]:
                    several = SHARED in (owner, other) or not apart
                    owners[parent] = SHARED if several else min(owner, other)
        return [nodes[::-1] for nodes in found]

    def most_alike(self, increments: Sequence[list[Value]], most_period: int) -> list[list[Value]]:
        """Return the copies, each of so many increments, of which most is alike."""
        best: list[list[Value]] = []
        operations = sum(map(len, increments))
        covered = 0
        for period in range(1, min(most_period, len(increments) // 2) + 1):
            alike: dict[Signature, list[list[Value]]] = {}
            for start in range(0, len(increments) - period + 1, period):
                copy = [node for nodes in increments[start : start + period] for node in nodes]
                if period > 1:
                    copy.sort(key=self.places.__getitem__)
                alike.setdefault(signature(copy), []).append(copy)
            found = max(alike.values(), key=len, default=[])
            if len(found) > 1 and len(found) * len(found[0]) > covered:
                best, covered = found, len(found) * len(found[0])
            if covered == operations:
                break
        return best

    def with_leaves(self, copies: list[list[Value]]) -> list[list[Value]]:
        """Return copies with the leaves that each has for itself at the same place."""
        members = [set(copy) for copy in copies]
        leaves: list[tuple[Value, ...]] = []
        known: set[Value] = set()
        for nodes in zip(*copies, strict=True):
            for equals in zip(*[node.parents for node in nodes], strict=True):
                if equals[0].op is not None:
                    continue
                own = all(
                    leaf.op is None and inside.issuperset(self.users[leaf])
                    for leaf, inside in zip(equals, members, strict=True)
                )
                same = len({leaf.is_constant for leaf in equals}) == 1
                if own and same and known.isdisjoint(equals):
                    known.update(equals)
                    leaves.append(equals)
        rows = [*leaves, *zip(*copies, strict=True)]
        rows.sort(key=lambda nodes: self.places[nodes[0]])
        return list(map(list, zip(*rows, strict=True)))

    def is_whole(self, repeat: Repeat) -> bool:
        """Return whether nothing between its copies is outside of them."""
        inside = set(repeat.nodes)
        after: set[Value] = set()
        for node in self.order:
            if node in inside:
                if not after.isdisjoint(node.parents):
                    return False
            elif any(parent in inside or parent in after for parent in node.parents):
                after.add(node)
        return True


def is_sum(node: Value) -> bool:
    """Return whether a node is the sum of two others."""
    return node.op is not None and node.op.roles == SUM


def matched(copy: Sequence[Value], mark: Value) -> list[list[Value]]:
    """Return the nodes that are to a mark what those of a copy are to the copy's, in a list.

    There are none if they are not alike.
    """
    pairs, inside = {copy[-1]: mark}, set(copy)
    for node in reversed(copy):
        equal = pairs.get(node)
        if equal is None or (kind_of(equal), len(equal.parents)) != (
            *(kind_of(node), len(node.parents)),
        ):
            return []
        for parent, other in zip(node.parents, equal.parents, strict=True):
            if parent in inside and pairs.setdefault(parent, other) is not other:
                return []
    equals = [pairs[node] for node in copy]
    return [equals] if signature(equals) == signature(copy) else []


def signature(copy: Sequence[Value]) -> Signature:
    """Return what is alike in copies that are computed alike."""
    places = {node: place for place, node in enumerate(copy)}
    return tuple([(kind_of(node), tuple(map(places.get, node.parents))) for node in copy])


def kind_of(node: Value) -> str:
    """Return the name of a node's operation; for a leaf, whether it is a constant."""
    if node.op is None:
        return "constant" if node.is_constant else "variable"
    return node.op.name
