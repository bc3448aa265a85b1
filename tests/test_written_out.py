"""Written-out machine code: what it hands on in registers, and what it has to write before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from autodiff.compiler.layout import Layout
from autodiff.compiler.llvm_operations import Externals
from autodiff.compiler.llvm_written_out import WrittenOut

# A layout in which no number is known.
UNKNOWN = cast(Layout, SimpleNamespace(numbers={}))


def written_by(*steps: tuple[str, Any]) -> list[str]:
    """Return the loads and stores that steps make: writes of vectors, and reads, of two numbers."""
    writer = WrittenOut(Externals(0), UNKNOWN)
    writer.width = 2
    for kind, place in steps:
        if kind == "write":
            writer.write(f"%vector{place}", str(place))
        else:
            writer.read(str(place), "0", 2)
    writer.write_back(None)
    found = [line.strip() for line in writer.body]
    return [line.rpartition(",")[0] for line in found if "store" in line or "load" in line]


def test_what_is_read_as_it_was_written_is_handed_on() -> None:
    made = written_by(("write", 4), ("read", 4))
    assert len(made) == 1
    assert made[0].startswith("store <2 x double> %vector4")


def test_what_is_known_in_part_is_written_before_it_is_read() -> None:
    made = written_by(("write", 4), ("read", 5))
    assert [line.partition(" ")[0] for line in made] == ["store", made[1].partition(" ")[0]]
    assert "load <2 x double>" in made[1]


def test_what_is_overwritten_in_part_is_written_before_as_a_whole() -> None:
    made = written_by(("write", 4), ("write", 5))
    assert [line.split()[4].rstrip(",") for line in made] == ["%vector4", "%vector5"]
