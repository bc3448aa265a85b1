"""The gradients of many nodes at once, and the one that is not there yet.

A person who steps through ``backward()`` comes to see the chain rule.  What has to be done to
all nodes before and after it is done here by functions written in C, in a few lines to step over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import chain, compress, repeat
from operator import attrgetter, is_not
from typing import Any, Final

__all__ = ["NOT_COMPUTED", "add_to_earlier", "give_back", "set_aside"]

Earlier = list[tuple[Any, Any]]


class NotComputed(float):
    """The gradient that no contribution has reached: 0.0 to everybody who calculates with it.

    It is known by its identity, and a debugger shows what it is.  Inside it is -0.0, the one
    number that a sum can start from without changing its first term: 0.0 + -0.0 would be 0.0.
    """

    __slots__ = ()

    __mul__ = __rmul__ = (0.0).__mul__
    __truediv__ = (0.0).__truediv__
    __sub__, __rsub__ = (0.0).__sub__, (0.0).__rsub__
    __neg__, __float__, __round__ = (0.0).__neg__, (0.0).__float__, (0.0).__round__

    def __repr__(self) -> str:
        return "not computed"

    def __str__(self) -> str:
        return "0.0"

    def __format__(self, specification: str) -> str:
        return format(0.0, specification)

    def __reduce__(self) -> str:
        return "NOT_COMPUTED"  # by its name, so that a copy is the same object


NOT_COMPUTED: Final = NotComputed(-0.0)

gradient_of = attrgetter("grad")
is_constant = attrgetter("origin.constant")
do_all = deque[None](maxlen=0).extend  # runs an iterator to its end, and keeps nothing


def set_aside(leaves: Sequence[Any], interior: Sequence[Any]) -> Earlier:
    """Clear all gradients; return the leaves that had one, each with it."""
    gradients = list(map(gradient_of, leaves))
    do_all(map(setattr, chain(leaves, interior), repeat("grad"), repeat(NOT_COMPUTED)))
    return list(compress(zip(leaves, gradients), map(is_not, gradients, repeat(NOT_COMPUTED))))  # noqa: B905


def add_to_earlier(earlier: Earlier, leaves: Sequence[Any]) -> None:
    """Add what a pass has given to what the variables had before it; constants keep none.

    Added last, as one number: a second pass then doubles a gradient exactly.
    """
    do_all(map(setattr, filter(is_constant, leaves), repeat("grad"), repeat(NOT_COMPUTED)))
    for leaf, gradient in earlier:
        if gradient is not None:  # as PyTorch's users assign it
            leaf.grad = gradient + leaf.grad


def give_back(earlier: Earlier, leaves: Sequence[Any], interior: Sequence[Any]) -> None:
    """Undo a pass that failed: variables have what they had, the others no gradient."""
    for node in chain(leaves, interior):
        node.grad = NOT_COMPUTED
    for leaf, gradient in earlier:
        leaf.grad = gradient
