"""Random graphs for Hypothesis, written down as recipes so that the same one can be built twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from autodiff import Value
from autodiff.ops import OPERATIONS
from autodiff.value import constant
from tests.op_cases import OP_CASES

# One node: ("variable" or "constant", its number), or (an operation, the places of its operands).
Ingredient = tuple[str, Any]
Recipe = list[Ingredient]

LARGEST, SMALLEST_SLOPE, LARGEST_SLOPE = 1e3, 1e-20, 1e20


def add_ingredient(nodes: list[Value], ingredient: Ingredient) -> None:
    """Build one more node, from those before it."""
    kind, detail = ingredient
    if kind == "variable":
        nodes.append(Value(detail, f"x{len(nodes)}"))
    elif kind == "constant":
        nodes.append(constant(detail))
    else:
        operands = [nodes[place] for place in detail]
        nodes.append(Value.make_node(OPERATIONS[kind], *operands))


def built(recipe: Recipe) -> list[Value]:
    """Return the nodes of a recipe; the last one is the root."""
    nodes: list[Value] = []
    for ingredient in recipe:
        add_ingredient(nodes, ingredient)
    return nodes


@st.composite
def recipes(
    draw: st.DrawFn,
    numbers: st.SearchStrategy[float],
    operations: Sequence[str] = tuple(OPERATIONS),
    accepts: Callable[[Value], bool] | None = None,
    max_nodes: int = 12,
) -> Recipe:
    """Return a random graph over the given operations, with shared and repeated operands.

    A node that ``accepts`` refuses is replaced by the negation of its first operand.
    """
    recipe: Recipe = [("variable", draw(numbers)) for _ in range(draw(st.integers(1, 3)))]
    recipe += [("constant", draw(numbers)) for _ in range(draw(st.integers(0, 2)))]
    nodes = built(recipe)
    for _ in range(draw(st.integers(1, max_nodes))):
        name = draw(st.sampled_from(operations))
        recent = st.integers(max(0, len(recipe) - 6), len(recipe) - 1)
        places = tuple([draw(recent) for _ in range(OP_CASES[name].arity)])
        ingredient = (name, places)
        add_ingredient(nodes, ingredient)
        if accepts is not None and not accepts(nodes[-1]):
            nodes.pop()
            ingredient = ("neg", places[:1])
            add_ingredient(nodes, ingredient)
        recipe.append(ingredient)
    return recipe


def is_tame(node: Value) -> bool:
    """Return whether the node, and products of a dozen such slopes, stay in the range of floats."""
    assert node.op is not None
    slopes = node.op.partials(node.data, *[parent.data for parent in node.parents])
    return abs(node.data) <= LARGEST and all(
        slope == 0.0 or SMALLEST_SLOPE <= abs(slope) <= LARGEST_SLOPE for slope in slopes
    )


tame_numbers = st.floats(min_value=-4.0, max_value=4.0).filter(
    lambda number: number == 0.0 or abs(number) > 1e-6
)


def tame_recipes() -> st.SearchStrategy[Recipe]:
    """Return random graphs over every operation, in which nothing overflows or underflows."""
    return recipes(tame_numbers, accepts=is_tame)


def wild_recipes() -> st.SearchStrategy[Recipe]:
    """Return random graphs over every operation and every float."""
    return recipes(st.floats())


def is_small(node: Value) -> bool:
    return abs(node.data) <= 8.0


def small_integer_recipes(operations: Sequence[str]) -> st.SearchStrategy[Recipe]:
    """Return random graphs of small integers, in which floats make no rounding error.

    A node is at most 8, so a slope is at most 16, and one node has at most 5 operands: with 7
    interior nodes a gradient is below (5 * 16)**7, less than 2**45, in steps of a half to the
    power of 7 where ties are shared.
    """
    integers = st.integers(-4, 4).map(float)
    return recipes(integers, operations, accepts=is_small, max_nodes=7)
