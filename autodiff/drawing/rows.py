"""The rows of a batch in a graph: parts that are alike and meet in a sum.

A loss over a batch is a sum of terms, one for each row, and the terms are computed in the same
way: the same operations in the same order, on other numbers.  That is all that is looked for
here, so it is found in any program, whoever wrote it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from autodiff.ops import Role
from autodiff.value import Value

__all__ = ["Rows", "find_rows"]

# Sums are examined from the root downwards, and not more than this many of them.
MOST_SUMS = 8
SUM = (Role.TERM, Role.TERM)

Signature: TypeAlias = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that are computed alike.

    ``rows`` has each row's own nodes, in the same order in all rows; what several rows use, the
    parameters above all, is in none.  ``sums`` are the additions of the sum in which they meet;
    the last is the total.  ``apart`` says that no two terms share what they compute.
    """

    rows: list[list[Value]]
    sums: list[Value]
    apart: bool = True

    def __len__(self) -> int:
        return len(self.rows)


def find_rows(order: Sequence[Value]) -> list[Rows]:
    """Return the rows found in a graph, given in topological order; those of most nodes first.

    There may be several sums of alike terms: the loss of a batch, and a penalty on the weights.

    >>> x = [Value(float(place)) for place in range(3)]
    >>> w = Value(2.0, "w")
    >>> a, b, c = [(w * number).tanh() for number in x]
    >>> from autodiff import topological_order
    >>> (found,) = find_rows(topological_order(a + b + c))
    >>> len(found), [node.op for node in found.rows[0]]
    (3, [None, mul, tanh])
    """
    use_counts = Counter(parent for node in order for parent in node.parents)
    found: list[Rows] = []
    for total in sums_in(order, use_counts):
        rows = rows_of(total, order, use_counts)
        if rows is not None:
            found.append(rows)
            if len(rows) * len(rows.rows[0]) > len(order) / 2:
                break
    found.sort(key=own_nodes, reverse=True)
    taken: set[Value] = set()
    disjoint = []
    for rows in found:
        nodes = [*rows.sums, *[node for row in rows.rows for node in row]]
        if taken.isdisjoint(nodes):
            taken.update(nodes)
            disjoint.append(rows)
    return disjoint


def own_nodes(rows: Rows) -> int:
    """Return how many nodes the rows have together."""
    return len(rows) * len(rows.rows[0])


def sums_in(order: Sequence[Value], use_counts: Counter[Value]) -> list[Value]:
    """Return the additions that are no term of a greater sum, from the root downwards."""
    inner: set[Value] = set()
    totals: list[Value] = []
    for node in reversed(order):
        if is_sum(node):
            inner.update(parent for parent in node.parents if is_inner(parent, use_counts))
            if node not in inner:
                totals.append(node)
                if len(totals) == MOST_SUMS:
                    break
    return totals


def is_inner(node: Value, use_counts: Counter[Value]) -> bool:
    """Return whether the user of an addition adds further terms to it, and nobody else uses it."""
    return is_sum(node) and use_counts[node] == 1 and not node.label


def is_sum(node: Value) -> bool:
    """Return whether a node is the sum of two others."""
    return node.op is not None and node.op.roles == SUM


def rows_of(total: Value, order: Sequence[Value], use_counts: Counter[Value]) -> Rows | None:
    """Return the rows that meet in a sum; None if fewer than two of its terms are alike."""
    sums: set[Value] = {total}
    terms: dict[Value, int] = {}
    pending = [total]
    while pending:
        for parent in pending.pop().parents:
            if is_inner(parent, use_counts):
                sums.add(parent)
                pending.append(parent)
            else:
                terms[parent] = 0
    kinds = Counter((kind_of(term), len(term.parents)) for term in terms)
    if max(kinds.values(), default=0) < 2:
        return None
    places = {term: place for place, term in enumerate(node for node in order if node in terms)}
    # Terms of one row share what the row computed.  If that makes all terms one row, then what
    # they share is shared by rows, such as a weight's exponential.
    for apart in (True, False):
        rows = most_alike(group(owners(order, sums, places, joining=apart), order))
        if len(rows) > 1 and any(node.op is not None for node in rows[0]):
            return Rows(rows, [node for node in order if node in sums], apart)
    return None


def most_alike(rows: list[list[Value]]) -> list[list[Value]]:
    """Return the rows of the signature that most rows have."""
    alike: dict[Signature, list[list[Value]]] = {}
    for row in rows:
        alike.setdefault(signature(row), []).append(row)
    return max(alike.values(), key=len, default=[])


NO_ROW = -1


def owners(
    order: Sequence[Value], sums: set[Value], terms: dict[Value, int], joining: bool
) -> dict[Value, int]:
    """Return which row each node belongs to, if it is used in that row alone.

    ``joining``: terms that share an interior node are in one row.
    """
    rows = list(range(len(terms)))  # of each row, one that it was joined to
    used_in = dict(terms)  # the row of all users so far, NO_ROW if there are several
    for node in reversed(order):
        if node in sums:
            continue
        row = representative(rows, used_in.setdefault(node, NO_ROW))
        for parent in node.parents:
            other = used_in.setdefault(parent, row)
            if other != row:
                other = representative(rows, other)
                if joining and NO_ROW not in (row, other) and parent.op is not None:
                    row, joined = sorted((row, other))
                    rows[joined] = row
                elif other != row:
                    used_in[parent] = NO_ROW
    found = {node: representative(rows, row) for node, row in used_in.items()}
    return {node: row for node, row in found.items() if row != NO_ROW and node not in sums}


def representative(rows: list[int], row: int) -> int:
    """Return the row that a row was joined to in the end; the next question has half the way."""
    while row != NO_ROW and rows[row] != row:
        rows[row] = row = rows[rows[row]]
    return row


def group(owner: dict[Value, int], order: Sequence[Value]) -> list[list[Value]]:
    """Return the nodes of each row in topological order."""
    rows: dict[int, list[Value]] = {}
    for node in order:
        if node in owner:
            rows.setdefault(owner[node], []).append(node)
    return list(rows.values())


def signature(row: list[Value]) -> Signature:
    """Return what is alike in rows that are computed alike: their operations, in order."""
    return tuple([(kind_of(node), len(node.parents)) for node in row])


def kind_of(node: Value) -> str:
    """Return the name of a node's operation; for a leaf, whether it is a constant."""
    if node.op is None:
        return "constant" if node.is_constant else "variable"
    return node.op.name
