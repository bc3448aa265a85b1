"""Which sums over the rows are made together, as many at once as a vector has lanes.

A dense layer's gradients are products of one row's numbers: gradient ij is x[j] times d[i].  So
instead of adding up vectors that hold one gradient of several rows, a program lays several
numbers d[0], d[1], ... of one row side by side and adds x[j] times that vector, row after row:
the same products and the same sums in the same order, with a fraction of the work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from autodiff.compiler.linear import Linear
from autodiff.ops import Role

__all__ = ["SumGroup", "SumPlan", "plan_sums"]


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
    plan.groups.sort(key=_vector_number)
    return plan


def _vector_number(group: SumGroup) -> int:
    return group.vector


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
