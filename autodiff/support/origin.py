"""Where a Value came from: what made it, and where in the user's program."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, make_dataclass
from typing import Any, Final

from autodiff.support.frames import code_at, shown_place
from autodiff.support.hooks import Hooks

__all__ = ["CONSTANT", "VARIABLE", "Origin", "origin_of_given"]


@dataclass(frozen=True, slots=True)
class Origin:
    """What ``value.origin`` holds.

    ============  =========================================================================
    ``op``        the operation that made it; None for a leaf
    ``constant``  True for a number met in an expression, which gets no gradient
    ``label``     the name that it was given, for pictures and messages
    ``module``    path of the module that made it, such as ``hidden[2]``
    ``file``      the user's file, and ``line`` the line there, 0 if unknown: see
                  :func:`autodiff.record_source`
    ``name``      the plain name that this line assigns it to
    ``compared``  the place of the user's code that compared its number first, or that of what was
                  computed from it nearby: file and line
    ``symbol``    what a program for another engine calls the operation of a leaf
    ``given``     what a node that was made by hand has in the place of a rule
    ``visit``     the run of the line that made it, for a debugger; not part of a copy
    ``hooks``     what is to be called when its gradient is complete; not part of a copy
    ============  =========================================================================

    It cannot be changed, so that many Values share one: all sums made by ``+`` have the same,
    which keeps a Value small.  ``changed`` makes another.
    """

    op: Any = None
    constant: bool = False
    label: str = ""
    module: str = ""
    file: str = ""
    line: int = 0
    name: str = ""
    compared: tuple[str, int] | None = None
    symbol: str = ""
    given: Any = field(default=None, compare=False, repr=False)
    visit: Any = field(default=None, compare=False, repr=False)
    hooks: Hooks | None = field(default=None, compare=False, repr=False)

    @property
    def place(self) -> str:
        """File and line for a message, the file as seen from the current folder; '' if unknown.

        >>> Origin(file="train.py", line=12).place
        'train.py:12'
        """
        return shown_place(self.file, self.line) if self.line else ""

    @property
    def short_place(self) -> str:
        """The same without the file's folder.

        >>> Origin(file="/home/me/lab/train.py", line=12).short_place
        'train.py:12'
        """
        return f"{os.path.basename(self.file)}:{self.line}" if self.line else ""

    @property
    def code(self) -> str:
        """The text of that line; '' if it cannot be read."""
        return code_at(self.file, self.line) if self.line else ""

    def changed(self, **attributes: Any) -> Origin:
        """Return the same but for these; ``dataclasses.replace`` takes three times as long."""
        twin = object.__new__(Origin)
        for slot in SLOTS.values():
            slot.__set__(twin, slot.__get__(self))
        for name, value in attributes.items():
            SLOTS[name].__set__(twin, value)
        return twin

    def of_a_copy(self) -> Origin:
        """Return what a copy of the Value keeps."""
        if self.hooks is self.visit is None:
            return self
        return self.changed(hooks=None, visit=None)


SLOTS: Final[dict[str, Any]] = {each.name: vars(Origin)[each.name] for each in fields(Origin)}

# The same attributes, without what makes a frozen dataclass seven times as slow to make.
Unfrozen: Any = make_dataclass(
    "Unfrozen", [(each.name, each.type, field(default=each.default)) for each in fields(Origin)],
    slots=True,
)  # fmt: skip


def origin_of_given(op: Any, given: Any) -> Origin:
    """Return ``Origin(op, given=given)``, which each node made by hand has for itself."""
    origin: Origin = Unfrozen(op, given=given)
    origin.__class__ = Origin
    return origin


VARIABLE: Final = Origin()
CONSTANT: Final = Origin(constant=True)
