"""How often Python's cyclic collector comes while there are many Values.

Each program is a process of its own, as the collector is one for a process.  What is to come
follows from what ``CollectorPace`` promises: four times as many objects as there are Values, at
most 300,000, never less than the interpreter's own number.
"""

from __future__ import annotations

import subprocess
import sys

MAKE = "values = [autodiff.Value(0.0) for _ in range({})]; gc.collect(); "
SAY = "print(*gc.get_threshold()); "


def thresholds(*statements: str) -> list[tuple[int, ...]]:
    """Return the collector's thresholds whenever a program in a process of its own says them."""
    program = "import gc; " + "".join(statements)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return [tuple(map(int, line.split())) for line in done.stdout.splitlines()]


def test_it_comes_more_rarely_the_more_values_there_are_and_then_as_usual_again() -> None:
    usual, none, some, many, again = thresholds(
        *(SAY, "import autodiff; gc.collect(); ", SAY, MAKE.format(50_000), SAY),
        *(MAKE.format(400_000), SAY, "del values; gc.collect(); ", SAY),
    )
    assert none == usual
    assert 200_000 <= some[0] < 201_000
    assert many == (300_000, *usual[1:])
    assert again == usual


def test_a_pace_that_somebody_sets_stays_until_they_take_it_back() -> None:
    usual, *seen = thresholds(
        *(SAY, "import autodiff; ", MAKE.format(50_000), "before = gc.get_threshold(); "),
        "gc.set_threshold(500, 5, 5); gc.collect(); ",
        *(SAY, MAKE.format(100_000), SAY, "del values; gc.collect(); ", SAY),
        *("gc.set_threshold(*before); gc.collect(); ", SAY),
    )
    assert seen == [(500, 5, 5), (500, 5, 5), (500, 5, 5), usual]


def test_a_collector_that_was_switched_off_stays_off() -> None:
    program = "gc.set_threshold(0); import autodiff; ", MAKE.format(50_000), SAY
    assert [first for first, *_ in thresholds(*program)] == [0]


def test_garbage_in_cycles_is_found_all_the_same() -> None:
    """Of 300,000 objects in cycles, few are alive at once, with many Values beside them."""
    program = (
        "import autodiff, weakref\nclass Cycle: pass\n"
        "values = [autodiff.Value(0.0) for _ in range(20_000)]\n"
        "alive = weakref.WeakSet()\nmost = 0\n"
        "for _ in range(300_000):\n"
        "    one = Cycle(); one.self = one; alive.add(one); most = max(most, len(alive.data))\n"
        "print(most)\n"
    )
    [(most,)] = thresholds(program)
    assert most < 100_000


def test_in_the_last_frames_of_a_deep_recursion_the_collector_comes_without_a_word() -> None:
    program = (
        "import autodiff, gc, sys\n"
        "said, most = [], 0\n"
        "def unraisable(_): said.append(1)\n"
        "sys.unraisablehook = unraisable\n"
        "def deep(frames):\n"
        "    if frames: deep(frames - 1)\n"
        "    else:\n"
        "        chain = None; count = 0\n"
        "        while count < 3000: chain = (chain,); count += 1\n"
        "for frames in range(900, 1000):\n"
        "    try: deep(frames); most = frames\n"
        "    except RecursionError: pass\n"
        "print(most, len(said))\n"
    )
    [(most, said)] = thresholds(program)
    assert most > 950
    assert said == 0
