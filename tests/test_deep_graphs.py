"""A chain of a million nodes: nothing recurses, neither down the graph nor through C's stack."""

from __future__ import annotations

import copy
import pickle
import weakref
from collections.abc import Iterator

import pytest

from autodiff import Names, Value, backward_steps, collector_paused, topological_order
from tests.bits import same_bits

DEPTH = 1_000_000


class Chain:
    """A leaf and the end of ``DEPTH`` negations of it."""

    def __init__(self) -> None:
        self.leaf = Value(2.5, "x")
        self.end = self.leaf
        for _ in range(DEPTH):
            self.end = -self.end


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    """A million live objects make the garbage collector slow; nothing here depends on it."""
    with collector_paused():
        yield


@pytest.fixture(scope="module")
def chain() -> Chain:
    with collector_paused():
        return Chain()


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


def test_steps_go_a_million_deep(chain: Chain) -> None:
    chain.leaf.grad = 0.0
    count = 0
    for _ in backward_steps(chain.end, 3.0):
        count += 1
    assert count == DEPTH
    assert same_bits(chain.leaf.grad, 3.0)


def test_a_pickle_goes_a_million_deep(chain: Chain) -> None:
    twin = pickle.loads(pickle.dumps(chain.end))
    order = topological_order(twin)
    assert len(order) == DEPTH + 1
    assert (order[0].label, order[-1].data) == ("x", 2.5)


def test_a_deep_copy_goes_a_million_deep(chain: Chain) -> None:
    twin = copy.deepcopy(chain.end)
    order = topological_order(twin)
    assert len(order) == DEPTH + 1
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
