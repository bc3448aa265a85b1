"""Sums over rows: which are made together, as many at once as a vector has lanes.

A dense layer's gradients are products of one row's numbers: gradient ij is x[j] times d[i].  So
instead of adding up vectors that hold one gradient of several rows, a program lays several
numbers d[0], d[1], ... of one row side by side and adds x[j] times that vector, row after row:
the same products and the same sums in the same order, with a fraction of the work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from autodiff import ops
from autodiff.compiler.layout import (
    LOOP,
    ROWS,
    TRANSPOSE,
    Addresses,
    Call,
    Formula,
    Kernel,
    Layout,
)
from autodiff.compiler.linear import Linear
from autodiff.compiler.packs import OPERAND, PRODUCT, Part, of_operands
from autodiff.ops import Role

__all__ = ["NetworkSums", "RowSums", "SumGroup", "SumPlan", "plan_sums"]


class Sums:
    """Sums in memory of registers of the rows, and then their means.

    ``addresses`` has that of each register's sum, ``places`` are those of all sums; ``needed`` are
    the registers to be computed for each row.
    """

    addresses: dict[int, int]
    needed: list[int]

    def __init__(self, layout: Layout, vectors: int) -> None:
        self.layout, self.lanes = layout, layout.lanes
        start = layout.reserve(vectors * layout.lanes)
        self.places = range(start, start + vectors * layout.lanes)
        self.starts = self.places[:: layout.lanes]

    def cleared(self, zero: int) -> list[Call]:
        """Return the calls that make all sums 0; at ``zero`` there is one."""
        every = Kernel(LOOP, self.lanes, "B")
        return self.layout.progress(every, [(to, zero) for to in self.starts])

    def divided(self, count: int) -> list[Call]:
        """Return the calls that make means of the sums; at ``count`` is the number of rows."""
        formula = Formula(of_operands(ops.DIV), (0, 1))
        mean = Kernel(LOOP, self.lanes, "CB", (formula,))
        return self.layout.progress(mean, [(to, to, count) for to in self.starts])


class RowSums(Sums):
    """Sums of registers that have, in one vector, a number for each of several rows."""

    def __init__(self, linear: Linear, layout: Layout, summed: Sequence[int]) -> None:
        self.plan = plan_sums(linear, summed, layout.lanes)
        super().__init__(layout, len(self.plan.groups))
        self.needed = self.plan.needed()
        self.addresses = {
            register: start + lane
            for start, group in zip(self.starts, self.plan.groups, strict=True)
            for lane, register in enumerate(group.sums)
        }

    def calls(self) -> list[Call]:
        """Return the calls that add the rows of a vector, one after the other.

        Squares of vectors are transposed: each then has several numbers of one row.
        """
        layout, lanes = self.layout, self.lanes
        vectors: list[int] = []
        squares: list[Addresses] = []
        for members in self.plan.vectors:
            vectors.append(layout.reserve(lanes * lanes))
            sources = [layout.row_address(member) for member in members]
            squares.append((vectors[-1], *sources, *sources[-1:] * (lanes - len(sources))))
        calls = layout.table_call(Kernel(TRANSPOSE, lanes, even=False), squares)
        products: list[Addresses] = []
        others: list[Addresses] = []
        for to, group in zip(self.starts, self.plan.groups, strict=True):
            vector = vectors[group.vector]
            if group.factor is None:
                others.append((to, to, vector))
            else:
                products.append((to, to, layout.row_address(group.factor), vector))
        calls += self.added(PRODUCT, "CBC", [1, lanes], products)
        return calls + self.added(OPERAND, "CC", [lanes], others)

    def added(
        self, part: Part, columns: str, steps: list[int], blocks: list[Addresses]
    ) -> list[Call]:
        """Return the calls that add a term for each row to sums."""
        if not blocks:
            return []
        lanes, places = self.lanes, tuple(range(len(columns)))
        spacings = [tuple(range(0, lanes * step, step)) for step in steps]
        spaced = tuple(map(self.layout.spacing, [(0,), *spacings]))
        formula = Formula(None, places, ((OPERAND, 1), (part, ROWS)))
        kernel = Kernel(LOOP, lanes, columns, (formula,), (True,) * len(columns))
        return self.layout.progress(kernel, blocks, spaced)


class NetworkSums(Sums):
    """Sums of registers that have, in one vector, a number for each of many networks."""

    def __init__(self, linear: Linear, layout: Layout, summed: Sequence[int]) -> None:
        del linear
        super().__init__(layout, len(summed))
        self.needed = list(summed)
        self.addresses = dict(zip(summed, self.starts, strict=True))

    def calls(self) -> list[Call]:
        """Return the calls that add one row."""
        layout = self.layout
        formula = Formula(of_operands(ops.ADD), (0, 1))
        addition = Kernel(LOOP, layout.lanes, "CC", (formula,))
        blocks: list[Addresses] = [
            (to, to, layout.row_address(register)) for register, to in self.addresses.items()
        ]
        return layout.progress(addition, blocks)


@dataclass(frozen=True, slots=True)
class SumGroup:
    """Sums that are made together: lane k is the sum of ``sums[k]`` over the rows.

    That register is lane k of the plan's vector number ``vector``, times ``factor`` if there is
    one.
    """

    sums: tuple[int, ...]
    vector: int
    factor: int | None


@dataclass(slots=True)
class SumPlan:
    """Numbered vectors of registers of one row, and the groups of sums that are made of them."""

    vectors: dict[tuple[int, ...], int] = field(default_factory=dict)
    groups: list[SumGroup] = field(default_factory=list)

    def needed(self) -> list[int]:
        """Return the registers that have to be computed for each row, once each."""
        factors = [group.factor for group in self.groups if group.factor is not None]
        members = [place for vector in self.vectors for place in vector]
        return list(dict.fromkeys([*factors, *members]))

    def vector_of(self, members: tuple[int, ...]) -> int:
        """Return the number of the vector of these registers, a new one if there is none."""
        return self.vectors.setdefault(members, len(self.vectors))


def plan_sums(linear: Linear, summed: Sequence[int], lanes: int) -> SumPlan:
    """Return how to add up each of the registers ``summed`` over the rows."""
    plan = SumPlan()
    by_factor, plain = _products(linear, summed, lanes)
    for factor, products in by_factor.items():
        ordered = sorted(products.items())
        for start in range(0, len(ordered), lanes):
            chunk = ordered[start : start + lanes]
            vector = plan.vector_of(tuple([other for other, _ in chunk]))
            plan.groups.append(SumGroup(tuple([place for _, place in chunk]), vector, factor))
    rest = set(plain)
    for members, number in plan.vectors.items():
        if rest.issuperset(members):  # the gradients of biases, which are d[i] themselves
            plan.groups.append(SumGroup(members, number, None))
            rest.difference_update(members)
    ordered_rest = sorted(rest)
    for start in range(0, len(ordered_rest), lanes):
        members = tuple(ordered_rest[start : start + lanes])
        plan.groups.append(SumGroup(members, plan.vector_of(members), None))
    plan.groups.sort(key=attrgetter("vector"))
    return plan


def _products(
    linear: Linear, summed: Sequence[int], lanes: int
) -> tuple[dict[int, dict[int, int]], list[int]]:
    """Return the products as ``{factor: {other factor: product}}``, and the other registers.

    The factor is the one with more products; with too few to fill half a vector, a product is
    better computed like any other register.
    """
    operands = {
        place: linear.registers[place].operands
        for place in summed
        if (op := linear.registers[place].op) and op.roles == (Role.FACTOR, Role.FACTOR)
    }
    uses = Counter([operand for pair in operands.values() for operand in pair])
    by_factor: dict[int, dict[int, int]] = {}
    for place, (left, right) in operands.items():
        factor, other = (left, right) if uses[left] >= uses[right] else (right, left)
        by_factor.setdefault(factor, {})[other] = place
    worthwhile = {
        factor: products
        for factor, products in by_factor.items()
        if len(products) >= max(2, lanes // 2)
    }
    inside = {place for products in worthwhile.values() for place in products.values()}
    return worthwhile, [place for place in summed if place not in inside]
