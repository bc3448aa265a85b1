"""Through which calls of the user's functions a gradient comes, the largest part first.

A gradient is a sum over paths from the Value to the root.  The calls of one place of the program
share these out: each path counts for the first of them that it passes, or as going around them all.
So the parts of a list add up to the number above it, but for rounding.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Final, TypeAlias

from autodiff.debug.call_tree import CallNode, CallTree
from autodiff.debug.paths import Steps
from autodiff.debug.steps import Step
from autodiff.support.naming import shown
from autodiff.value import Value

__all__ = ["Route", "routes_of"]

MOST_USES: Final = 8  # calls that use the Value
MOST_OPENED: Final = 4  # of these, those of which it is told where it goes on
MOST_CHOICES: Final = 4  # places of each, the outermost first
MOST_PARTS: Final = 4  # in a list
PROGRAM: Final = "the program, outside of its functions"
ALIKE: Final = 1e-9  # of the whole: what differs by less is told once

# Where something comes in: the place of the node, its derivative by the Value, as far as it comes
# this way, and what that contributes to the gradient.
Entry: TypeAlias = tuple[int, float, float]


@dataclass(frozen=True, slots=True)
class Route:
    """A part of a gradient: what it comes through, and how much it is.

    Each of ``choices`` shares it out.
    """

    through: str
    number: float
    choices: tuple[Choice, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield it as text, each choice below it."""
        yield f"{self.through}: {shown(self.number)}"
        for choice in self.choices:
            yield from (f"  {line}" for line in choice.lines())

    def html(self) -> str:
        """Return it as an item of a list."""
        choices = "".join(choice.html() for choice in self.choices)
        return f"<li>{escape(self.through)}: {shown(self.number)}{choices}</li>"


@dataclass(frozen=True, slots=True)
class Choice:
    """How the calls of one place, which ``by`` tells, share out a part: their sum is the part."""

    by: str
    routes: tuple[Route, ...]

    def lines(self) -> Iterator[str]:
        """Yield it as text."""
        yield f"by {self.by}"
        for route in self.routes:
            yield from (f"  {line}" for line in route.lines())

    def html(self) -> str:
        """Return it as a list."""
        return f"by {escape(self.by)}<ul>{''.join(route.html() for route in self.routes)}</ul>"


def routes_of(value: Value, order: Sequence[Value], steps: Steps) -> tuple[Route, ...]:
    """Return the parts of the gradient of value by the calls that it comes through.

    ``order`` has the graph in topological order, ``steps`` those of value and of all
    between it and the root.  There are none if nothing was recorded, if all of it takes one way, or
    if its numbers are not finite.
    """
    taken = [step for step in steps[value] if step.taken and step.contribution != 0.0]
    tree = CallTree(order)
    if not taken or not tree.calls:
        return ()
    routes = Routes(value, order, steps, tree).by_use(taken)
    is_finite = all(math.isfinite(route.number) for route in every(routes))
    return routes if is_finite and (len(routes) > 1 or routes[0].choices) else ()


def every(routes: Iterable[Route]) -> Iterator[Route]:
    """Yield routes and all their parts."""
    for route in routes:
        yield route
        for choice in route.choices:
            yield from every(choice.routes)


@dataclass(slots=True)
class Shares:
    """How the calls of one place share out a number, and what goes around them all."""

    site: Sequence[CallNode]
    parts: dict[CallNode, float] = field(default_factory=dict)
    around: float = 0.0
    entries: dict[CallNode, list[Entry]] = field(default_factory=dict)

    def add(self, call: CallNode, entry: Entry) -> None:
        """Add what comes through a call, unless it is nothing."""
        if entry[2] == 0.0:
            return
        self.parts[call] = self.parts.get(call, 0.0) + entry[2]
        self.entries.setdefault(call, []).append(entry)

    @property
    def numbers(self) -> list[float]:
        """The numbers in order, but for those that are nothing."""
        return sorted(filter(None, [*self.parts.values(), self.around]))

    @property
    def size(self) -> int:
        """How many results the calls have computed."""
        return sum(len(inner.own) for call in self.site for inner in call.all_inside())

    def is_like(self, other: Shares, whole: float) -> bool:
        """Return whether the parts of another place are the same."""
        ours, theirs = self.numbers, other.numbers
        return len(ours) == len(theirs) and all(
            abs(one - another) <= ALIKE * abs(whole)
            for one, another in zip(ours, theirs, strict=True)
        )


class Routes:
    """The ways from a Value to the root of a graph.

    The nodes on them are counted in topological order: ``calls`` has the innermost call of each,
    ``users`` its uses, as the place of the user, the local derivative and the upstream gradient.
    """

    def __init__(self, value: Value, order: Sequence[Value], steps: Steps, tree: CallTree) -> None:
        way = [node for node in order if node in steps and node is not value]
        self.tree = tree
        self.places = {node: place for place, node in enumerate(way)}
        self.calls = [self.call_of(node) for node in way]
        self.users = [self.uses(steps[node]) for node in way]
        self.passed = {call for inner in set(self.calls) for call in inner.chain()}
        self.sites_of_code = Counter(code for code, _ in {call.site for call in tree.calls})
        self.titles: dict[CallNode, str] = {}
        self.times = Counter((call.caller, call.site) for call in tree.calls)
        self.of_function: dict[object, list[CallNode]] = {}
        for call in tree.calls:
            self.of_function.setdefault((call.caller, call.code), []).append(call)

    def call_of(self, node: Value) -> CallNode:
        """Return the innermost call that made a result."""
        visit = node.origin.visit
        return self.tree.top if visit is None else self.tree.known[visit.call]

    def uses(self, steps: Iterable[Step]) -> list[tuple[int, float, float]]:
        """Return the uses through which something flows."""
        return [
            (self.places[step.node], step.local, step.upstream)
            for step in steps
            if step.taken and step.local != 0.0
        ]

    # ---- the uses of the Value -------------------------------------------------------------

    def by_use(self, taken: Sequence[Step]) -> tuple[Route, ...]:
        """Return the parts of the gradient by the calls that use the Value."""
        groups = self.groups(taken)
        sums = {call: math.fsum(number for *_, number in uses) for call, uses in groups.items()}
        order = sorted(groups, key=lambda call: (-abs(sums[call]), call.first))
        told, rest = first_of(order, MOST_USES)
        routes = []
        for place, call in enumerate(told):
            is_opened = place < MOST_OPENED
            choices = self.choices(call, groups[call], sums[call]) if is_opened else ()
            is_around = any(call in other.chain() for other in groups if other is not call)
            name = self.title(call) + (" itself" if is_around else "") if call.code else PROGRAM
            routes.append(Route(f"in {name}", sums[call], choices))
        return (*routes, *others("in", [sums[call] for call in rest]))

    def groups(self, taken: Sequence[Step]) -> dict[CallNode, list[Entry]]:
        """Return the uses by the outermost calls that tell them apart.

        If none does, they are in the innermost call around them that is one of several.
        """
        chains = [
            [self.tree.top, *reversed([*self.calls[self.places[step.node]].chain()])]
            for step in taken
        ]
        common = 0
        while all(len(chain) > common and chain[common] is chains[0][common] for chain in chains):
            common += 1
        found: dict[CallNode, list[Entry]] = {}
        for step, chain in zip(taken, chains, strict=True):
            entry = self.places[step.node], step.local, step.contribution
            found.setdefault(chain[: common + 1][-1], []).append(entry)
        if len(found) == 1:
            ((inner, entries),) = found.items()
            several = [call for call in inner.chain() if self.is_one_of_several(call)]
            return {(*several, inner)[0]: entries}
        return found

    # ---- where it goes on ------------------------------------------------------------------

    def choices(self, around: CallNode, uses: Sequence[Entry], number: float) -> tuple[Choice, ...]:
        """Return how the calls of other places share out what some uses in a call contribute.

        Of places that are on the same paths, the one that computes most is told.
        """
        found: list[Shares] = []
        for site in self.sites(around):
            shares = self.shares(site, uses)
            if len(shares.numbers) == 1 and shares.parts:  # all of it, so how does it go on there?
                (call,) = shares.parts
                shares = self.loop_in(shares, call) or shares
            twins = [each for each in found if each.is_like(shares, number)]
            if len(shares.numbers) > 1 and not twins:
                found.append(shares)
            elif twins and shares.size > twins[0].size:
                found[found.index(twins[0])] = shares
        return tuple([self.shown(each, around) for each in found[:MOST_CHOICES]])

    def sites(self, around: CallNode) -> list[list[CallNode]]:
        """Return the calls that are told apart, by the place that makes them, the outermost first.

        They are in the call around the uses, or in one of the same place, or outside of these.
        """
        hidden, found = set(around.chain()), dict[object, list[CallNode]]()
        for call in self.tree.calls:
            if call in hidden or call not in self.passed or call.depth > around.depth + 1:
                continue
            if around is self.tree.top or call.site != around.site:
                found.setdefault((call.depth, *call.site), []).append(call)
        return sorted(found.values(), key=lambda site: site[0].depth)

    def shares(self, site: Sequence[CallNode], uses: Sequence[Entry]) -> Shares:
        """Return how calls share out what some uses contribute."""
        found = Shares(site)
        inside = {inner: call for call in site for inner in call.all_inside()}
        owners = [inside.get(call) for call in self.calls]
        so_far = [0.0] * len(owners)  # the derivative by the Value along the paths around the calls
        for entry in uses:
            place, local, _ = entry
            owner = owners[place]
            if owner is None:
                so_far[place] += local
            else:
                found.add(owner, entry)
        # In topological order, so that each factor is complete when its turn comes.
        for factor, owner, users in zip(so_far, owners, self.users, strict=True):
            if factor == 0.0 or owner is not None:
                continue
            for user, local, upstream in users:
                product = factor * local
                entered = owners[user]
                if entered is None:
                    so_far[user] += product
                else:
                    found.add(entered, (user, product, product * upstream))
        found.around = 0.0 if owners[-1] else so_far[-1]
        return found

    def shown(self, shares: Shares, around: CallNode) -> Choice:
        """Return a list with the largest first; of that, too, how a loop in it shares it out."""
        hidden = {*around.chain(), self.tree.top}
        routes = self.through(shares, hidden)
        largest = max(shares.parts, key=lambda call: abs(shares.parts[call]))
        inner = self.loop_in(shares, largest)
        if inner is not None:
            choice = Choice(self.name(inner.site[0]), tuple(self.through(inner, hidden)))
            routes[0] = replace(routes[0], choices=(choice,))
        if shares.around:
            routes.append(Route("around it", shares.around))
        return Choice(self.name(shares.site[0]), tuple(sorted(routes, key=size)))

    def through(self, shares: Shares, hidden: Container[CallNode]) -> list[Route]:
        """Return what comes through each call of a place, the largest first."""
        numbers = {call: number for call, number in shares.parts.items() if number}
        told, rest = first_of(sorted(numbers, key=lambda call: -abs(numbers[call])), MOST_PARTS)
        routes = [Route(f"through {self.label(call, hidden)}", numbers[call]) for call in told]
        return routes + others("through", [numbers[call] for call in rest])

    def loop_in(self, shares: Shares, call: CallNode) -> Shares | None:
        """Return how a loop in the calls of a place shares out all that comes through one."""
        for site in self.loops_in(shares.site):
            inner = self.shares(site, shares.entries[call])
            if len(inner.parts) > 1 and not inner.around:
                return inner
        return None

    def loops_in(self, site: Iterable[CallNode]) -> list[list[CallNode]]:
        """Return the calls that these make several times from one place, by the place."""
        found: dict[object, list[CallNode]] = {}
        for call in site:
            for inner in call.inner:
                if inner in self.passed and self.is_one_of_several(inner):
                    found.setdefault(inner.site, []).append(inner)
        return list(found.values())

    # ---- names -----------------------------------------------------------------------------

    def name(self, call: CallNode) -> str:
        """Return the function's name, or the call as it is written if other places call it."""
        return call.name if self.sites_of_code[call.code] == 1 else call.expression or call.name

    def label(self, call: CallNode, hidden: Container[CallNode]) -> str:
        """Return what tells a call from the others of its place: its number, or those around it."""
        around = [each for each in call.chain() if each not in hidden and each is not call]
        several = [self.title(each) for each in around if self.is_one_of_several(each)]
        first = self.title(call) if self.is_one_of_several(call) else "it"
        return " in ".join([first, *several])

    def title(self, call: CallNode) -> str:
        """Return what tells a call from the others of that function that the same call made."""
        several = self.of_function[call.caller, call.code]
        if len(several) == 1:
            return call.name
        if call not in self.titles:
            arguments = [each.arguments for each in several]
            written = [each.expression for each in several]
            for number, each in enumerate(several):
                told = f"{each.name} {number + 1} of {len(several)}"
                if len(set(arguments)) == len(several):
                    told = f"{each.name}({arguments[number]})"
                elif len(set(written)) == len(several):
                    told = written[number]
                self.titles[each] = told
        return self.titles[call]

    def is_one_of_several(self, call: CallNode) -> bool:
        """Return whether the same call made others from the same place."""
        return self.times[call.caller, call.site] > 1


def size(route: Route) -> float:
    """Return what to sort parts by, so that the largest comes first."""
    return -abs(route.number)


def first_of(calls: list[CallNode], most: int) -> tuple[list[CallNode], list[CallNode]]:
    """Return the first of a list, and the rest; one alone is no rest."""
    if len(calls) == most + 1:
        most += 1
    return calls[:most], calls[most:]


def others(how: str, numbers: Sequence[float]) -> list[Route]:
    """Return the sum of those parts that are not told one by one, if there are any."""
    return [Route(f"{how} {len(numbers):,} others", math.fsum(numbers))] if numbers else []
