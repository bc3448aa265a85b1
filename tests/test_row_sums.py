"""Which sums over rows are made together: every sum once, and of the numbers asked for."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from autodiff import Value, ops
from autodiff.compiler.linear import Kind, Linear
from autodiff.compiler.row_sums import SumPlan, plan_sums


def inputs(linear: Linear, count: int) -> list[int]:
    return [linear.leaf(Kind.INPUT, Value(0.0), f"x{place}") for place in range(count)]


def product(linear: Linear, left: int, right: int) -> int:
    return linear.operation(ops.MUL, (left, right))


def check(plan: SumPlan, linear: Linear, summed: list[int], lanes: int) -> None:
    """Check that lane k of each group is ``sums[k]``, and that each sum is made once."""
    vectors = {number: members for members, number in plan.vectors.items()}
    assert sorted(vectors) == list(range(len(vectors)))
    for group in plan.groups:
        assert 0 < len(group.sums) <= lanes
        for total, member in zip(group.sums, vectors[group.vector], strict=True):
            if group.factor is None:
                assert total == member
            else:
                operands = linear.registers[total].operands
                assert linear.registers[total].op is ops.MUL
                assert sorted(operands) == sorted((group.factor, member))
    made = [total for group in plan.groups for total in group.sums]
    assert sorted(made) == sorted(summed)
    given_by_rows = set(plan.needed())
    for members, _ in plan.vectors.items():
        assert given_by_rows.issuperset(members)


@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 2, 4, 8]), st.booleans())
def test_a_dense_layers_gradients_are_each_summed_once(
    width: int, fan_in: int, lanes: int, swapped: bool
) -> None:
    linear = Linear()
    x, slopes = inputs(linear, fan_in), inputs(linear, width)
    pairs = [(b, a) if swapped else (a, b) for a, b in itertools.product(x, slopes)]
    summed = [*(product(linear, *pair) for pair in pairs), *slopes]
    check(plan_sums(linear, summed, lanes), linear, summed, lanes)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=40),
    st.sets(st.integers(0, 5)),
    st.sampled_from([1, 2, 4, 8]),
)
def test_any_products_and_squares_are_each_summed_once(
    pairs: list[tuple[int, int]], plain: set[int], lanes: int
) -> None:
    linear = Linear()
    x = inputs(linear, 6)
    products = [product(linear, x[a], x[b]) for a, b in pairs]
    summed = list(dict.fromkeys([*products, *(x[place] for place in sorted(plain))]))
    check(plan_sums(linear, summed, lanes), linear, summed, lanes)


def test_a_dense_layer_lays_only_its_slopes_side_by_side() -> None:
    linear = Linear()
    x, slopes = inputs(linear, 16), inputs(linear, 16)
    summed = [*(product(linear, a, b) for a in x for b in slopes), *slopes]
    plan = plan_sums(linear, summed, 8)
    assert list(plan.vectors) == [tuple(slopes[:8]), tuple(slopes[8:])]
    assert len(plan.groups) == (16 * 16 + 16) // 8


def test_products_too_few_to_fill_half_a_vector_are_added_as_they_are() -> None:
    linear = Linear()
    a, b, c, d = inputs(linear, 4)
    summed = [product(linear, a, b), product(linear, c, d)]
    (group,) = plan_sums(linear, summed, 8).groups
    assert (group.sums, group.factor) == (tuple(summed), None)
