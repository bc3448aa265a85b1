"""Graphs of a million nodes: nothing recurses, and nothing grows faster than the graph.

The chain is the deepest there is: nothing may go down it by recursion, neither in Python nor
through C's stack.  The others, and what takes longest, are run with ``--slow``.
"""

from __future__ import annotations

import copy
import os
import pickle
import weakref
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from autodiff import (
    Names,
    Trace,
    Value,
    animate,
    backward_steps,
    collector_paused,
    compile,
    draw,
    explain,
    topological_order,
)
from benchmarks.growth import chain as long_chain
from benchmarks.growth import wide
from tests.bits import same_bits

pytestmark = pytest.mark.unmeasured

DEPTH = 1_000_000
DEEP = 100_000  # for what takes seconds at that; --slow goes all the way
SHARED = 100_000  # terms; ten nodes of a program come of each


class Chain:
    """A leaf and the end of so many negations of it."""

    def __init__(self, depth: int) -> None:
        self.leaf = Value(2.5, "x")
        self.end = self.leaf
        for _ in range(depth):
            self.end = -self.end


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    """A million live objects make the garbage collector slow; nothing here depends on it."""
    with collector_paused():
        yield


@pytest.fixture(scope="module")
def chain() -> Chain:
    with collector_paused():
        return Chain(DEPTH)


def test_forward_goes_a_million_deep(chain: Chain) -> None:
    assert chain.end.data == 2.5


def test_the_order_of_a_million_nodes_is_from_leaf_to_root(chain: Chain) -> None:
    order = topological_order(chain.end)
    assert len(order) == DEPTH + 1
    assert order[0] is chain.leaf
    assert order[-1] is chain.end


def test_backward_goes_a_million_deep(chain: Chain) -> None:
    chain.leaf.grad = 0.0
    chain.end.backward(3.0)
    assert same_bits(chain.leaf.grad, 3.0)


def test_steps_a_pickle_and_a_deep_copy_go_a_hundred_thousand_deep() -> None:
    chain = Chain(DEEP)
    assert sum(1 for _ in backward_steps(chain.end, 3.0)) == DEEP
    assert same_bits(chain.leaf.grad, 3.0)
    for twin in (pickle.loads(pickle.dumps(chain.end)), copy.deepcopy(chain.end)):
        order = topological_order(twin)
        assert len(order) == DEEP + 1
        assert order[0] is not chain.leaf
        assert (order[0].label, order[-1].data) == ("x", 2.5)


def test_names_and_repr_of_a_million_deep_graph(chain: Chain) -> None:
    assert Names(chain.end)[chain.end] == f"v{DEPTH + 1}"
    assert repr(chain.end).startswith("Value(2.5, op=neg")


def test_deleting_a_million_deep_chain_frees_it() -> None:
    class Watched(Value):
        """A Value that can be watched: Value itself has no room for a weak reference."""

        __slots__ = ("__weakref__",)

    leaf = Watched(1.0)
    gone = weakref.ref(leaf)
    end: Value = leaf
    for _ in range(DEPTH):
        end = -end
    del leaf, end
    assert gone() is None


def shared(terms: int) -> Value:
    """Return a sum of products of neighbours: each term shares a node with the next."""
    weight = Value(0.5, "w")
    units = [(weight * (place / terms)).tanh() for place in range(terms + 1)]
    total = units[0] * units[1]
    for place in range(1, terms):
        total = total + units[place] * units[place + 1]
    return total


def test_a_drawing_and_a_film_of_a_million_deep_graph_are_refused(
    chain: Chain, tmp_path: Path
) -> None:
    for make in (draw, partial(animate, path=tmp_path / "film.gif")):
        with pytest.raises(ValueError, match=r"has 1,000,001 nodes, .* Draw a node inside it"):
            make(chain.end)
    assert os.listdir(tmp_path) == []


def test_rows_that_share_with_their_neighbours_are_one_box() -> None:
    # A walk from each row to the first that it is joined to would take 3 * 10^8 steps here.
    assert len(draw(shared(25_000), fold="row").picture.boxes) < 20


# ---- slow: every shape, and what takes longest ----------------------------------------------

SHAPES = {"chain": (long_chain, DEPTH), "wide": (wide, DEPTH), "shared": (shared, SHARED)}


@pytest.fixture(scope="module", params=SHAPES)
def large(request: pytest.FixtureRequest) -> Value:
    make, size = SHAPES[request.param]
    with collector_paused():
        return make(size)


def leaf_gradients(root: Value) -> list[float]:
    """Return the gradients of a fresh backward pass, and clear them."""
    leaves = [node for node in topological_order(root) if node.is_leaf]
    for leaf in leaves:
        leaf.zero_grad()
    root.backward()
    found = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.zero_grad()
    return found


@pytest.mark.slow
def test_copies_of_a_large_graph_have_its_gradients_to_the_bit(large: Value) -> None:
    expected = leaf_gradients(large)
    for twin in (copy.deepcopy(large), pickle.loads(pickle.dumps(large))):
        assert all(map(same_bits, leaf_gradients(twin), expected))


@pytest.mark.slow
def test_steps_trace_and_explanation_of_a_large_graph_agree_with_backward(large: Value) -> None:
    leaf = topological_order(large)[0]
    expected = leaf_gradients(large)[0]
    for _ in backward_steps(large):
        pass
    assert same_bits(leaf.grad, expected)
    leaf.zero_grad()
    trace = Trace(large)
    trace.goto(len(trace))
    assert same_bits(trace.gradients[leaf], expected)
    trace.goto(trace.progress[1] // 2, "backward")
    del trace
    assert same_bits(explain(leaf, of=large, paths=True).gradient or 0.0, expected)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["python", "native"])
def test_programs_of_large_graphs_have_their_bits(large: Value, engine: str) -> None:
    if engine == "native":
        pytest.importorskip("llvmlite", reason="the native engine needs llvmlite")
    variables = [node for node in topological_order(large) if node.is_leaf and not node.is_constant]
    leaf_gradients(large)
    large.backward()
    expected = large.data, [variable.grad for variable in variables]
    program = compile(large, updates=gradient_descent, engine=engine)
    before = [variable.data for variable in variables]
    try:
        (output,) = program.run(1)
        updated = [variable.data for variable in variables]
    finally:
        for variable, number in zip(variables, before, strict=True):
            variable.data = number
    assert same_bits(output, expected[0])
    steps = [number - 0.01 * grad for number, grad in zip(before, expected[1], strict=True)]
    assert all(map(same_bits, updated, steps))


def gradient_descent(gradients: Mapping[Value, Value]) -> dict[Value, Value]:
    return {variable: variable - 0.01 * gradient for variable, gradient in gradients.items()}
