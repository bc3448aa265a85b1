"""Packs that share their lanes as one loop: what one computes, the next has in a register.

An optimizer's packs read each other lane by lane: the gradient, its mean, the mean of its squares,
the new weight.  Such packs are a *group*: one kernel, at the place of the last.  Numbers that
nothing else reads never are in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from autodiff.compiler.packs import Pack

__all__ = ["in_groups"]

# Packs in one group, at most: a processor has so many registers.
MOST_PACKS = 10

# Packs of fewer lanes are not worth a kernel of their own.
FEWEST_LANES = 64


def in_groups(packs: Sequence[Pack]) -> list[list[Pack]]:
    """Return the packs in groups, in an order in which none is read before it is computed.

    A pack and all packs that read it are one group if they do that lane by lane.  Lane k of all
    packs of a group belong together.
    """
    readers = readers_of(packs)
    groups: dict[int, list[Pack]] = {}
    group_of: dict[int, int] = {}
    for number in range(len(packs) - 1, -1, -1):
        last = {group_of[reader] for reader in readers.get(number, ())}
        group = groups[min(last)] if len(last) == 1 else []
        aligned = aligned_with(packs[number], group) if len(group) < MOST_PACKS else None
        if aligned is None:
            group_of[number], groups[number] = number, [packs[number]]
        else:
            group_of[number] = min(last)
            group.insert(0, aligned)
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


def aligned_with(pack: Pack, group: Sequence[Pack]) -> Pack | None:
    """Return the pack with its lanes in the order in which a group reads them.

    None is returned if one lane of the group reads another's, or a sum reads any.
    """
    lanes = {place: lane for lane, place in enumerate(pack.results)}
    order: list[int] | None = None
    for reader in group:
        for column in zip(*reader.operands, strict=True):
            if lanes.keys().isdisjoint(column):
                continue
            found = [lanes.get(place, -1) for place in column]
            if reader.shape.tree is None or sorted(found) != list(range(len(lanes))):
                return None
            if order not in (None, found):
                return None
            order = found
    if order is None:
        return None
    results, operands = pack.results, pack.operands
    return Pack(pack.shape, pack.level, [results[k] for k in order], [operands[k] for k in order])
