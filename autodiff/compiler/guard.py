"""Programs over rows without their guards, for as long as these change nothing.

A contribution of a node that nothing has reached is guarded: chosen away, since a local derivative
may be infinite.  In a network of ReLUs that is a choice for every weight, and costs more than the
rest of the row.  Left out, such a contribution is the product of a zero and a local derivative: a
zero, or nan if that is not finite.  Zeros change no sum over rows, which starts from 0.0; and a nan
ends in the gradient of a variable.  So as long as every mean is finite, a program without guards
has the same numbers, bit for bit; the first time that one is not, the iterations are done again
by the program that has them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from autodiff.compiler.native import NativeRunner
from autodiff.compiler.python import PythonRunner

__all__ = ["GuardedRunner", "Runner"]

Runner = NativeRunner | PythonRunner


class GuardedRunner:
    """Runs a program over rows without guards, and with them once that makes a difference.

    ``unguarded`` has one variable more, the doubt; ``guarded`` makes the other runner when asked.
    """

    def __init__(self, unguarded: Runner, guarded: Callable[[], Runner]) -> None:
        self.runner = unguarded
        self.engine = unguarded.engine
        self.guarded: Callable[[], Runner] | None = guarded

    def run_rows(
        self,
        n: int,
        rows: Sequence[Sequence[float]],
        batch_size: int,
        numbers: Sequence[float],
        shuffle: random.Random | None,
    ) -> tuple[list[float], Sequence[float]]:
        """Return the outputs of n passes' batches and the variables' last numbers."""
        if self.guarded is not None and isinstance(shuffle, random.SystemRandom):
            self.runner, self.guarded = self.guarded(), None  # it cannot draw the same again
        if self.guarded is not None:
            before = None if shuffle is None else shuffle.getstate()
            outputs, (*found, doubt) = self.runner.run_rows(
                n, rows, batch_size, (*numbers, 0.0), shuffle
            )
            if doubt == 0.0:  # not nan
                return outputs, found
            if shuffle is not None and before is not None:
                shuffle.setstate(before)
            self.runner, self.guarded = self.guarded(), None
        return self.runner.run_rows(n, rows, batch_size, numbers, shuffle)
