"""The gradient that is not there."""

from __future__ import annotations

from typing import Final

__all__ = ["NOT_COMPUTED", "OF_A_CONSTANT", "NotComputed"]


class NotComputed(float):
    """The gradient that no contribution has reached: 0.0 to everybody who calculates with it.

    It is known by its identity, and a debugger shows what it is.  Inside it is -0.0, the one
    number that a sum can start from without changing its first term: 0.0 + -0.0 would be 0.0.
    """

    __slots__ = ("name",)

    __mul__ = __rmul__ = (0.0).__mul__
    __truediv__ = (0.0).__truediv__
    __sub__, __rsub__ = (0.0).__sub__, (0.0).__rsub__
    __neg__, __float__, __round__ = (0.0).__neg__, (0.0).__float__, (0.0).__round__

    name: str

    def __new__(cls, name: str) -> NotComputed:
        gradient = super().__new__(cls, -0.0)
        gradient.name = name
        return gradient

    def __repr__(self) -> str:
        return "not computed"

    def __str__(self) -> str:
        return "0.0"

    def __format__(self, specification: str) -> str:
        return format(0.0, specification)

    def __reduce__(self) -> str:
        return self.name  # so that a copy is the same object


NOT_COMPUTED: Final = NotComputed("NOT_COMPUTED")

# A constant's, which stays so.
OF_A_CONSTANT: Final = NotComputed("OF_A_CONSTANT")
