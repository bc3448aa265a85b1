"""A node's operands as programs for micrograd know them: a set."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

__all__ = ["Operands"]


class Operands(tuple[Any, ...]):
    """What ``node._prev`` is: the operands in their order, which do what a set does, too.

    micrograd has a plain set there, in which ``x * x`` has one operand, in no order.  Here it has
    two, and iteration is the same in every run.  The operators of sets give plain sets.

    >>> operands = Operands("aab")
    >>> len(operands), operands[1], operands == ("a", "a", "b")
    (3, 'a', True)
    >>> sorted(operands | {"c"}), operands - {"a"}, operands == {"a", "b"}
    (['a', 'b', 'c'], {'b'}, True)
    """

    __slots__ = ()

    def __or__(self, other: AbstractSet[Any]) -> Any:
        return set(self) | set(other) if is_set(other) else NotImplemented

    __ror__ = __or__

    def __and__(self, other: AbstractSet[Any]) -> Any:
        return set(self) & set(other) if is_set(other) else NotImplemented

    __rand__ = __and__

    def __xor__(self, other: AbstractSet[Any]) -> Any:
        return set(self) ^ set(other) if is_set(other) else NotImplemented

    __rxor__ = __xor__

    def __sub__(self, other: AbstractSet[Any]) -> Any:
        return set(self) - set(other) if is_set(other) else NotImplemented

    def __rsub__(self, other: AbstractSet[Any]) -> Any:
        return set(other) - set(self) if is_set(other) else NotImplemented

    def __eq__(self, other: object) -> bool:
        if isinstance(other, AbstractSet):
            return set(self) == other
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__

    def union(self, *others: Any) -> set[Any]:
        """Return the operands, and what is in the others."""
        return set(self).union(*others)


def is_set(other: Any) -> bool:
    return isinstance(other, (AbstractSet, Operands))
