"""The paths by which a gradient flows from a Value to the root, the largest product first.

By the chain rule a gradient is a sum over all paths, of the product of the local derivatives
along each.  Their number can grow exponentially with the depth, so they are not all listed.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from autodiff.debug.steps import Step
from autodiff.support.naming import Names, number_text
from autodiff.value import Value

__all__ = ["Path", "Steps", "largest_paths", "number_of_paths"]

SHOWN_NODES = 8
OUTWEIGHING = 1e6  # the logarithm of the largest float is 710

# Each node between the value and the root: with the steps of its uses, and with the users.
Steps = Mapping[Value, Sequence[Step]]
Users = Mapping[Value, Sequence[Value]]


@dataclass(frozen=True, slots=True)
class Path:
    """One path from a Value to the root.

    ``nodes`` begins with the Value and ends with the root, ``locals`` has the local derivative of
    each node by the one before it, and ``product`` is their product.
    """

    nodes: tuple[Value, ...]
    locals: tuple[float, ...]
    product: float
    names: Names = field(repr=False, compare=False)

    def __str__(self) -> str:
        names = shortened([self.names[node] for node in self.nodes])
        factors = shortened([number_text(local) for local in self.locals])
        return f"{' → '.join(names)}:  {' × '.join(factors)} = {number_text(self.product)}"


def shortened(items: list[str]) -> list[str]:
    """Return a list, its middle replaced by how many items are left out if there are too many."""
    if len(items) <= SHOWN_NODES:
        return items
    half = SHOWN_NODES // 2
    return [*items[:half], f"… {len(items) - 2 * half} more …", *items[-half:]]


def number_of_paths(value: Value, root: Value, order: Sequence[Value], users: Users) -> int:
    """Return how many paths lead from value to root. ``order`` has the root's graph, root last.

    A path counts whether or not anything flows along it.

    Numbers of thousands of digits are met in deep graphs: each is dropped after its last use.
    """
    paths = {root: 1}
    waiting = Counter(user for each in users.values() for user in each)
    for node in reversed(order):
        if node is not root and node in users:
            paths[node] = sum(paths[user] for user in users[node])
            for user in users[node]:
                waiting[user] -= 1
                if not waiting[user]:
                    del paths[user]
    return paths[value]


def largest_paths(
    value: Value, root: Value, order: Sequence[Value], steps: Steps, names: Names, most: int
) -> list[Path]:
    """Return the paths from value to root with the largest products, the largest first.

    At most ``most``, and none with a factor of 0.  A best-first search with an exact bound: of
    a path begun at value it is known how much smaller than the largest product its own can be
    at best, because the largest that remains is computed for every node first.  The best way on
    loses nothing, and of equals the longest is followed first, so no path is begun in vain: a
    graph with 2**1000 paths takes no longer than its size says.
    """
    remaining = largest_remaining(root, order, steps)
    newest_first = count(0, -1)
    # (what is lost against the largest, in logarithms; tie-break; where it is; how it came there)
    begun: list[tuple[float, int, Value, _Chain | None]] = []
    if value in remaining:
        begun.append((0.0, next(newest_first), value, None))
    paths: list[Path] = []
    while begun and len(paths) < most:
        lost, _, node, chain = heapq.heappop(begun)
        if node is root:
            paths.append(_path(value, chain, names))
            continue
        for step in steps[node]:
            if step.local != 0.0 and step.node in remaining:
                loss = remaining[node] - (log_magnitude(step.local) + remaining[step.node])
                entry = (lost + loss, next(newest_first), step.node, _Chain(step, chain))
                heapq.heappush(begun, entry)
    # Sums of logarithms are rounded: products that are nearly equal may have changed places.
    return sorted(paths, key=size_of, reverse=True)


def largest_remaining(root: Value, order: Sequence[Value], steps: Steps) -> dict[Value, float]:
    """Return, for each node, the logarithm of the largest product of any path from it to root.

    Nodes from which every path has the product 0 are left out.
    """
    largest = {root: 0.0}
    for node in reversed(order):
        if node is root or node not in steps:
            continue
        sums = [
            log_magnitude(step.local) + largest[step.node]
            for step in steps[node]
            if step.local != 0.0 and step.node in largest
        ]
        if sums:
            largest[node] = max(sums)
    return largest


def log_magnitude(number: float) -> float:
    """Return log |number|; an infinity or nan counts as a number that outweighs all floats."""
    return math.log(abs(number)) if math.isfinite(number) else OUTWEIGHING


@dataclass(frozen=True, slots=True)
class _Chain:
    """The last step of a path so far, and those before it: paths share their beginnings."""

    step: Step
    before: _Chain | None


def _path(value: Value, chain: _Chain | None, names: Names) -> Path:
    steps: list[Step] = []
    while chain is not None:
        steps.append(chain.step)
        chain = chain.before
    product = 1.0
    for step in steps:  # from the root, as backward() multiplies
        product = step.local * product
    steps.reverse()
    nodes = (value, *[step.node for step in steps])
    return Path(nodes, tuple([step.local for step in steps]), product, names)


def size_of(path: Path) -> float:
    return math.inf if math.isnan(path.product) else abs(path.product)
