"""Programs over rows without their guards, for as long as these change nothing.

A contribution of a node that nothing has reached is guarded: chosen away, since a local derivative
may be infinite.  In a network of ReLUs that is a choice for every weight, and costs more than the
rest of the row.  Left out, such a contribution is the product of a zero and a local derivative: a
zero, or nan if that is not finite.  Zeros change no sum over rows, which starts from 0.0; and a nan
ends in the gradient of a variable.  So as long as no mean is nan, a program without guards has the
same numbers, bit for bit.  Optimizers carry a nan on: a weight that has become nan stays so.  If
one is nan after some iterations, these are done again by the program that has the guards.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from autodiff.compiler.batches import Passes
from autodiff.compiler.build import Parts, needed_means
from autodiff.compiler.linear import Kind, Linear

__all__ = ["GuardedRunner", "guards_can_wait", "keeps_nan"]


def guards_can_wait(parts: Parts) -> bool:
    """Return whether a program has guards, and can do without them as long as no mean is nan."""
    return parts.has_guards and keeps_nan(parts, needed_means(parts).values())


def keeps_nan(parts: Parts, means: Iterable[int]) -> bool:
    """Return whether a nan in any of these registers leaves a nan in a variable for good."""
    linear, carried = parts.linear, set[int]()
    for variable, place in parts.updates.items():
        found = carried_to(linear, place)
        if linear.of_value[variable] in found:
            carried |= found
    return carried.issuperset(means)


def carried_to(linear: Linear, result: int) -> set[int]:
    """Return the means and variables whose nan makes a register nan."""
    found, seen, pending = set[int](), {result}, [result]
    while pending:
        place = pending.pop()
        register = linear.registers[place]
        if register.kind in (Kind.MEAN, Kind.VARIABLE):
            found.add(place)
        op = register.op
        if op is None or op.arithmetic or op.carries_nan:
            new = [operand for operand in register.operands if operand not in seen]
            seen.update(new)
            pending += new
    return found


class RunsRows(Protocol):
    """What runs a program over rows."""

    engine: str
    networks: int

    def run_rows(self, passes: Passes, numbers: Any) -> tuple[Sequence[float], Any]:
        """Return the batches' outputs and the variables' last numbers."""


class GuardedRunner:
    """Runs a program over rows without guards, and with them once that makes a difference.

    ``guarded`` makes the runner with them when asked.
    """

    def __init__(self, unguarded: RunsRows, guarded: Callable[[], RunsRows]) -> None:
        self.runner = unguarded
        self.engine = unguarded.engine
        self.networks = unguarded.networks
        self.guarded: Callable[[], RunsRows] | None = guarded

    def run_rows(self, passes: Passes, numbers: Any) -> tuple[Sequence[float], Any]:
        """Return the batches' outputs and the variables' last numbers."""
        if self.guarded is None:
            return self.runner.run_rows(passes, numbers)
        shuffle = passes.shuffle
        if not isinstance(shuffle, random.SystemRandom):  # which cannot draw the same again
            before = None if shuffle is None else shuffle.getstate()
            outputs, found = self.runner.run_rows(passes, numbers)
            last = found.values() if isinstance(found, Mapping) else found
            if not any(map(math.isnan, last)):
                return outputs, found
            if shuffle is not None and before is not None:
                shuffle.setstate(before)
        self.runner, self.guarded = self.guarded(), None
        return self.runner.run_rows(passes, numbers)
