"""Packs that share their lanes as one loop: what one computes, the next has in a register.

An optimizer's packs read each other lane by lane: the gradient, its mean, the mean of its squares,
the new weight.  Such packs are a *group*.  They follow each other, at the place of the last, and
their calls become calls of one kernel, block by block: the first reads what it needs, the last
writes the weight, and numbers that nothing else reads never are in memory.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import chain

from autodiff.compiler.layout import FUSED, SUM, TREE, Call, Kernel, Layout, even_runs
from autodiff.compiler.packs import Pack

__all__ = ["in_groups", "placed_together"]

# Packs in one group: a column that is another's result has that one's digit for a letter.
MOST_PACKS = 10

# Packs of fewer lanes are not worth a kernel of their own.
FEWEST_LANES = 64


def in_groups(packs: Sequence[Pack]) -> list[list[Pack]]:
    """Return the packs in groups, in an order in which none is read before it is computed.

    A pack and all packs that read it are one group if they do that lane by lane.
    """
    readers = readers_of(packs)
    groups: dict[int, list[Pack]] = {}
    group_of: dict[int, int] = {}
    for number in range(len(packs) - 1, -1, -1):
        pack = packs[number]
        mine = readers.get(number, ())
        last = {group_of.get(reader, reader) for reader in mine}
        if len(last) == 1:
            group = groups[min(last)]
            by_lane = all(read_by_lane(pack, packs[reader]) for reader in mine)
            if by_lane and len(group) < MOST_PACKS:
                group_of[number] = min(last)
                group.insert(0, pack)
                continue
        groups[number] = [pack]
    return [groups[number] for number in sorted(groups)]


def readers_of(packs: Sequence[Pack]) -> dict[int, set[int]]:
    """Return the numbers of the packs that read each pack of many lanes."""
    maker = {
        place: number
        for number, pack in enumerate(packs)
        if len(pack.results) >= FEWEST_LANES
        for place in pack.results
    }
    readers: dict[int, set[int]] = {}
    for number, pack in enumerate(packs) if maker else ():
        for operand in chain.from_iterable(pack.operands):
            if operand in maker:
                readers.setdefault(maker[operand], set()).add(number)
    return readers


def read_by_lane(pack: Pack, reader: Pack) -> bool:
    """Return whether each lane of another pack reads one of this one's, and none twice."""
    if reader.shape.tree is None or len(reader.results) != len(pack.results):
        return False
    results = set(pack.results)
    found = [len(results.intersection(column)) for column in zip(*reader.operands, strict=True)]
    return {0, len(results)}.issuperset(found)


@dataclass(slots=True)
class _Part:
    """Blocks of one pack, from one of its calls; ``results`` are its columns that others write.

    Each of these has the place, in the unit, of the part whose result it is.
    """

    pack: int
    call: Call
    blocks: list[array[int]]
    results: dict[int, int] = field(default_factory=dict)

    def read(self, column: int) -> Iterator[tuple[int, int]]:
        """Yield each block's number with the addresses that it reads in a column."""
        kernel, spacings = self.call.kernel, self.call.spacings
        offsets = spacings[column].offsets if spacings else (0,)
        width = kernel.width if kernel.columns[column] in "Cc" else 1
        for number, block in enumerate(self.blocks):
            for offset in offsets:
                start = block[1 + column] + offset
                for address in range(start, start + width):
                    yield number, address

    def bounds(self, column: int) -> tuple[int, int]:
        """Return between which addresses it reads."""
        kernel, spacings = self.call.kernel, self.call.spacings
        starts = [block[1 + column] for block in self.blocks]
        offsets = spacings[column].offsets if spacings else (0,)
        return min(starts) + min(offsets), max(starts) + max(offsets) + kernel.width


@dataclass(slots=True)
class _Place:
    """Where a block of a group is: the number of its unit, its own there, and its part's."""

    unit: int
    block: int
    part: int
    pack: int


class _Group:
    """The calls of a group's packs: *units*, each of parts that are to be one call."""

    def __init__(self) -> None:
        self.units: list[list[_Part]] = []
        self.places: dict[int, _Place] = {}  # of results, by the address of the first lane

    def add(self, pack: int, call: Call) -> None:
        """Add a call: where its blocks read all those of a unit, they are a part of that."""
        alone: list[array[int]] = []
        by_unit: dict[tuple[int, ...], dict[int, array[int]]] = {}
        for block in call.blocks():
            read = self.results(call.kernel, block)
            units = {place.unit for place in read.values()}
            numbers = {place.block for place in read.values()}
            if len(units) == len(numbers) == 1:
                columns = [
                    number for column, place in read.items() for number in (column, place.part)
                ]
                by_unit.setdefault((min(units), *columns), {})[min(numbers)] = block
            else:
                alone.append(block)
        for (unit, *columns), found in by_unit.items():
            blocks = [found[number] for number in sorted(found)]
            first = self.units[unit][0]
            if len(blocks) == len(first.blocks) and call.kernel.width == first.call.kernel.width:
                results = dict(zip(columns[::2], columns[1::2], strict=True))
                self.append(unit, _Part(pack, call, blocks, results))
            else:
                alone += blocks
        if alone:
            for run in [alone] if len(alone) == len(call) else even_runs(alone):
                self.units.append([])
                self.append(len(self.units) - 1, _Part(pack, call, run))

    def results(self, kernel: Kernel, block: array[int]) -> dict[int, _Place]:
        """Return which blocks of units a block of a tree reads, by column."""
        if kernel.what != TREE:
            return {}
        found = enumerate(map(self.places.get, block[1:]))
        kinds = kernel.columns
        return {column: place for column, place in found if place and kinds[column] == "C"}

    def append(self, unit: int, part: _Part) -> None:
        """Append a part to a unit."""
        parts = self.units[unit]
        for number, block in enumerate(part.blocks):
            self.places[block[0]] = _Place(unit, number, len(parts), part.pack)
        parts.append(part)

    def read_in_memory(self, before: Sequence[Call]) -> set[int] | None:
        """Return the packs whose results are read in memory; None if that needs another order.

        Units run one after the other, each block by block, behind the calls ``before``.
        """
        written = {
            address: _Place(unit, number, place, part.pack)
            for unit, parts in enumerate(self.units)
            for place, part in enumerate(parts)
            for number, block in enumerate(part.blocks)
            for address in range(block[0], block[0] + part.call.kernel.width)
        }
        if any(a in written for call in before for block in call.blocks() for a in block[1:]):
            return None
        ordered, found = sorted(written), set()
        for unit, parts in enumerate(self.units):
            for part in parts:
                for column in range(len(part.call.kernel.columns)):
                    first, stop = part.bounds(column)
                    if bisect_left(ordered, first) == bisect_left(ordered, stop):
                        continue
                    for number, address in part.read(column):
                        place = written.get(address)
                        if place is None:
                            continue
                        if (place.unit, place.block) != (unit, number):
                            earlier = place.unit < unit
                            if place.unit == unit or earlier != (place.pack < part.pack):
                                return None
                        if column not in part.results:
                            found.add(place.pack)
        return found


def joined(parts: Sequence[_Part], private: Collection[int]) -> Call:
    """Return a unit as one call; the results of packs that are ``private`` are not written."""
    first = parts[0].call
    blocks = [
        array("i", chain.from_iterable(rows))
        for rows in zip(*[p.blocks for p in parts], strict=True)
    ]
    if len(parts) == 1 and len(blocks) == len(first):
        return first
    even = len(even_runs(blocks)) == 1
    together = first.kernel.together if len(blocks) % first.kernel.together == 0 else 1
    calls, kernels = [], []
    for part in parts:
        kernel = part.call.kernel
        letters = ""
        for column, kind in enumerate(kernel.columns):
            addresses = {block[1 + column] for block in part.blocks}
            if column in part.results:
                letters += str(part.results[column])
            else:
                is_fixed = even and len(addresses) == 1 and (kind in "Bb" or len(blocks) > 1)
                letters += kind.lower() if is_fixed else kind.upper()
        kernels.append(
            replace(
                kernel,
                columns=letters,
                even=even,
                together=together,
                written=part.pack not in private,
            )
        )
        alone = replace(kernel, together=1, even=False, columns=kernel.columns.upper())
        numbers = array("i", chain.from_iterable(part.blocks))
        calls.append(Call(alone, numbers, part.call.counts, part.call.spacings))
    if len(parts) == 1:
        return replace(calls[0], kernel=kernels[0])
    kernel = Kernel(
        FUSED,
        first.kernel.width,
        "".join([kernel.columns for kernel in kernels]),
        terms=tuple(chain.from_iterable([kernel.terms for kernel in kernels])),
        steps=tuple(chain.from_iterable([kernel.steps for kernel in kernels])),
        even=even,
        together=together,
        parts=tuple(kernels),
    )
    return Call(
        kernel,
        array("i", chain.from_iterable(blocks)),
        tuple(chain.from_iterable([call.counts for call in calls])),
        tuple(chain.from_iterable([call.spacings for call in calls])),
        tuple(calls),
    )


def placed_together(layout: Layout, packs: Sequence[Pack], kept: Set[int]) -> list[Call]:
    """Return the calls of a group, with as many as can be fused; others read registers ``kept``."""
    group, before, calls = _Group(), [], []
    for number, pack in enumerate(packs):
        layout.last = None
        for call in layout.place(pack):
            calls.append(call)
            if call.kernel.what in (TREE, SUM):
                group.add(number, call)
            else:
                before.append(call)
    layout.last = None
    visible = group.read_in_memory(before)
    if visible is None:
        return calls
    visible.add(len(packs) - 1)
    visible.update([n for n, pack in enumerate(packs) if not kept.isdisjoint(pack.results)])
    private = set(range(len(packs))) - visible
    return [*before, *[joined(parts, private) for parts in group.units]]
