"""A step of 64 neurons a layer on 1,000 rows, beside C by hand: ``python -m benchmarks.wide``.

The job of ``benchmarks.moons`` for a 2-64-64-1 network: 4,417 parameters.  Eager Values are left
out, as one step would take them half a minute.
"""

from __future__ import annotations

from functools import partial

from benchmarks.c import FLAGS
from benchmarks.compare import Contender, compare
from benchmarks.moons import Job, c_by_hand, c_of_program, compiled

__all__ = ["CONTENDERS", "WIDE"]

WIDE = Job(64, 1_000)
STEPS = 20

CONTENDERS = (
    Contender("native", partial(compiled, "native", WIDE), "llvmlite", STEPS),
    *[
        Contender(f"{kind}, {how}", partial(make, flags, WIDE), "gcc", STEPS)
        for kind, make in (("C by hand", c_by_hand), ("C of to_c()", c_of_program))
        for how, flags in FLAGS.items()
    ],
)


def main() -> None:
    """Print the tables."""
    compare("step of 64 neurons", CONTENDERS, check_epochs=3, tolerance=1e-9)


if __name__ == "__main__":
    main()
