"""How often Python's cyclic collector comes: after 50,000 new objects, unless somebody said so.

Each program is a process of its own, as the collector is one for a process.
"""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

SAY = "print(*gc.get_threshold()); "


def thresholds(*statements: str) -> list[tuple[int, ...]]:
    """Return what a program in a process of its own prints, such as the collector's thresholds."""
    program = "import gc; " + "".join(statements)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return [tuple(map(int, line.split())) for line in done.stdout.splitlines()]


def test_it_comes_after_50_000_new_objects_and_looks_at_old_ones_as_before() -> None:
    before, after = thresholds(SAY, "import autodiff; ", SAY)
    assert after == (50_000, *before[1:])


@pytest.mark.parametrize("setting", [(500, 5, 5), (0, 10, 10), (100_000, 50, 50)])
def test_what_somebody_has_set_stays(setting: tuple[int, int, int]) -> None:
    said = thresholds(f"gc.set_threshold(*{setting}); import autodiff; ", SAY)
    assert said == [setting]


@pytest.mark.thorough
def test_garbage_in_cycles_is_found_all_the_same() -> None:
    """Of 150,000 objects in cycles, few are alive at once, with many Values beside them."""
    program = (
        "import autodiff, weakref\nclass Cycle: pass\n"
        "values = [autodiff.Value(0.0) for _ in range(10_000)]\n"
        "alive = weakref.WeakSet()\nmost = 0\n"
        "for _ in range(150_000):\n"
        "    one = Cycle(); one.self = one; alive.add(one); most = max(most, len(alive.data))\n"
        "print(most)\n"
    )
    [(most,)] = thresholds(program)
    assert most < 100_000


@pytest.mark.thorough
@pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="it interrupts by a timer of the system"
)
def test_no_interrupt_is_lost_while_the_collector_is_at_work() -> None:
    """An interrupt that comes during a collection is raised after it: nothing of ours is called."""
    program = (
        "import autodiff, gc, signal\n"
        "class Late(Exception): pass\n"
        "def ring(*_): raise Late\n"
        "signal.signal(signal.SIGALRM, ring)\n"
        "graph = [autodiff.Value(0.0) for _ in range(100_000)]\n"
        "caught = 0\n"
        "for _ in range(20):\n"
        "    signal.setitimer(signal.ITIMER_REAL, 0.001)\n"
        "    try:\n"
        "        while True: gc.collect()\n"
        "    except Late: caught += 1\n"
        "print(caught)\n"
    )
    assert thresholds(program) == [(20,)]
