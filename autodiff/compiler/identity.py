"""What a recorded program is, as a short text: two that have the same have the same machine code.

It is made from the graphs alone.  Where the code of a program is kept, neither registers nor packs
are needed then.
"""

from __future__ import annotations

import hashlib
from array import array
from functools import cache
from itertools import chain
from pathlib import Path

from autodiff.compiler.build import Recording
from autodiff.gradient import is_of_the_library
from autodiff.ops import OPERATIONS, Operation
from autodiff.value import Value

__all__ = ["identity_of"]

# Where an operand is a constant that was not met before.
CONSTANT = -1


class _Numbering:
    """Gives every Value a number, in the order in which they are met."""

    def __init__(self) -> None:
        self.places: dict[Value, int] = {}
        self.constants = array("d")
        self.stream = array("q")

    def meet(self, value: Value) -> None:
        """Add the number of a Value to the stream."""
        place = self.places.get(value)
        if place is None:
            place = self.places[value] = len(self.places)
            if value.origin.constant:
                self.constants.append(value.data)
                place = CONSTANT
        self.stream.append(place)


def identity_of(recording: Recording) -> str:
    """Return the text; "" if an operation, whose code may be anything, is not the library's."""
    numbering, ops = _Numbering(), dict[Operation, int]()
    meet, stream = numbering.meet, numbering.stream
    passes = recording.passes
    totals = [total for each in passes.values() for pair in each.totals.items() for total in pair]
    for value in (*recording.inputs, *recording.variables, *recording.means.values(), *totals):
        meet(value)
    for node in chain(*[interior for _, interior in recording.graphs.values()], recording.others):
        stream.append(-2 - ops.setdefault(node.origin.op, len(ops)))
        meet(node)
        for parent in node.parents:
            meet(parent)
    if not (_sources() and all(map(_is_in_the_table, ops))):
        return ""
    for value in chain(*recording.assignments.items(), passes, recording.leaves):
        meet(value)
    groups = dict[str, int]()
    for variable in recording.variables:
        stream.append(groups.setdefault(variable.label.partition("[")[0], len(groups)))
    lists = recording.inputs, recording.variables, recording.assignments, recording.means, totals
    counts = [*map(len, lists), recording.penalty is not None]
    digest = hashlib.sha256(f"{_sources()} {[*map(str, ops)]} {counts}".encode())
    digest.update(numbering.constants)
    digest.update(stream)
    return digest.hexdigest()


def _is_in_the_table(op: Operation) -> bool:
    is_ours = is_of_the_library(op.forward) and is_of_the_library(op.partials)
    return is_ours and OPERATIONS.get(op.name) is op


@cache
def _sources() -> str:
    """Return a digest of what makes machine code of graphs; "" if there are no files of it."""
    files = sorted(Path(__file__).parent.parent.glob("**/*.py"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest() if files else ""
