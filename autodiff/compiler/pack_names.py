"""What packs are called, and what they compute, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from autodiff.compiler.build import Parts, Recording, update_results
from autodiff.compiler.layout import terms_of
from autodiff.compiler.linear import Kind, Linear, numbered
from autodiff.compiler.packs import Pack, packs_of
from autodiff.support.naming import Names

__all__ = [
    "Loops",
    "NamedLoop",
    "array_names",
    "base_name",
    "described",
    "named_loops",
    "names_of",
    "pack_name",
    "runs_of_names",
]


class Loops(list[str]):
    """What each loop computes; printed, a line for each."""

    def __str__(self) -> str:
        return "\n".join(self)


def pack_name(pack: Pack, names: Mapping[int, str]) -> str:
    """Return what the results of a pack are called."""
    op = pack.shape.by_place or (pack.shape.tree and pack.shape.tree[0])
    other = "added" if pack.parts else f"{op.name}_of" if op else "sums"
    return base_name([names.get(place, "") for place in pack.numbers], other)


def array_names(linear: Linear, names: Mapping[int, str]) -> dict[int, str]:
    """Return what the array of a leaf's number is called, or the number that is known."""
    found = {}
    for place, register in enumerate(linear.registers):
        if register.kind is Kind.NUMBER:
            found[place] = repr(register.number)
        elif register.kind is not Kind.OPERATION:
            found[place] = names.get(place, register.name).partition("[")[0] or "…"
    return found


def described(pack: Pack, arrays: Mapping[int, str]) -> str:
    """Return how many lanes a pack has and what each computes from which arrays."""
    by_node = [terms_of(pack.shape, operands) for operands in pack.operands]
    called = []
    for column in zip(*by_node, strict=True):
        found = {arrays.get(place, "…") for terms in column for place in terms}
        called.append(found.pop() if len(found) == 1 else "…")
    written, count = pack.shape.written(called), len(pack.results)
    return f"{count:,} × {written}" if count > 1 else written


def base_name(names: Sequence[str], other: str) -> str:
    """Return what names have in common, or another name.

    >>> base_name(["h.w[0][0]", "h.w[0][1]"], "sums"), base_name(["v1", "v22"], "sums")
    ('h.w', 'sums')
    >>> base_name(["h2[0]", "h2[1]"], "sums")
    'h2'
    """
    least, most = (min(names), max(names)) if all(names) else ("", "")
    # What the first and the last by the alphabet share, all share.
    alike = [a == b for a, b in zip(least, most, strict=False)]
    common = least[: [*alike, False].index(False)]
    of_list, bracket, _ = common.partition("[")
    if of_list and bracket:
        return of_list
    common = common.rstrip("0123456789 _.(")
    return common if len(common) > 1 or (common and len(names) == 1) else other


def runs_of_names(names: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the first place and the number of names that belong together."""
    first = 0
    for place in range(1, len(names) + 1):
        if place == len(names) or names[place].partition("[")[0] != names[first].partition("[")[0]:
            yield first, place - first
            first = place


def names_of(recording: Recording, parts: Parts) -> dict[int, str]:
    """Return the names of the registers that are a Value's, or its gradient's."""
    names = Names(recording.output)
    of_value = parts.linear.of_value
    found = {place: f"d_{names[value]}" for place, value in parts.sums.items()}
    for variable, place in parts.means.items():
        found[place] = f"mean_{names[variable]}"
    for value, place in of_value.items():
        if value in names:
            found[place] = names[value]
        elif value.is_leaf and not value.is_constant:
            found.setdefault(place, value.label or "state")
    return found


@dataclass(frozen=True, slots=True)
class NamedLoop:
    """A loop of a program: what its results are called, what each computes, and its pack."""

    name: str
    text: str
    pack: Pack

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


def named_loops(recording: Recording, parts: Parts) -> list[NamedLoop]:
    """Return the loops of a program, a row's in an order to run, then the update's.

    They are called what they are in C: several results by an array's name, one by its own.
    """
    linear = parts.linear
    results = [parts.output, *parts.gradients.values()]
    kept = [*results, *update_results(parts)]
    of_a_row = linear.live(results if parts.inputs else kept)
    after = sorted(set(linear.live(kept)).difference(of_a_row))
    names = names_of(recording, parts)
    packs = packs_of(linear, of_a_row, set(kept)) + packs_of(linear, after, set(kept))
    arrays = array_names(linear, names)
    found = []
    called = numbered([_loop_name(pack, names) for pack in packs])
    for name, pack in zip(called, packs, strict=True):
        found.append(NamedLoop(name, described(pack, arrays), pack))
        arrays.update(dict.fromkeys(pack.numbers, name))
    return found


def _loop_name(pack: Pack, names: Mapping[int, str]) -> str:
    own = names.get(pack.numbers[0]) if len(pack.numbers) == 1 else None
    return own or pack_name(pack, names)
