"""The functions of a program as LLVM assembly: lists of calls of loops, and these loops.

A loop of few blocks in all is written out where it is called, and so are all loops of a function
that is short.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from autodiff.compiler.layout import Call, Kernel, Layout
from autodiff.compiler.llvm_loops import KERNEL_ARGUMENTS, Table, loop_function
from autodiff.compiler.llvm_operations import Externals
from autodiff.compiler.llvm_written_out import WrittenOut, instructions

__all__ = ["Functions"]

# Instructions, at most, of a function whose loops are all written out: of an iteration, and of a
# part of one over rows, which works on vectors.  A chain of single operations runs up to five times
# faster so; but a compiler's work on one function grows faster than the function.
WRITTEN_OUT = 10_000
WRITTEN_OUT_OF_ROWS = 1_000

# A loop whose blocks take no more instructions than that, all together, is written out anywhere:
# LLVM takes longer for a loop.
WRITTEN_OUT_LOOP = 50

# Lines, about, of one function that has calls of loops.
LINES_TOGETHER = 500

ARGUMENTS = "ptr %memory, ptr %table, i64 %rows"


@dataclass(slots=True)
class _Function:
    """Its calls, and the addresses of what it writes for others (None: they may read anything)."""

    name: str
    calls: Sequence[Call]
    written: Collection[int] | None


class Functions:
    """Collects the functions of one program, and writes them once all are known.

    ``table`` has the numbers that their loops read.
    """

    def __init__(self, externals: Externals, layout: Layout) -> None:
        self.externals = externals
        self.layout = layout
        self.table = Table()
        self.functions: list[_Function] = []
        self.loops: dict[Kernel, str] = {}

    def call(
        self,
        name: str,
        calls: Sequence[Call],
        written: Collection[int] | None = None,
        rows: str = "0",
    ) -> str:
        """Add a function of that name, and return the line that calls it; "" if it is empty.

        ``written`` are the addresses that others read (None: they may read anything), ``rows`` says
        how many rows of a vector count.
        """
        if not calls:
            return ""
        self.functions.append(_Function(name, calls, written))
        return f"  call void @{name}({ARGUMENTS})".replace("%rows", rows)

    def text(self, over_rows: bool) -> list[str]:
        """Return the lines of all functions, and of the loops that they call."""
        most = WRITTEN_OUT_OF_ROWS if over_rows else WRITTEN_OUT
        sizes: Counter[Kernel] = Counter()
        for function in self.functions:
            for call in function.calls:
                sizes[call.kernel] += instructions(call)
        few = {kernel for kernel, size in sizes.items() if size <= WRITTEN_OUT_LOOP}
        lines: list[str] = []
        for function in self.functions:
            if sum(map(instructions, function.calls)) <= most:
                every = {call.kernel for call in function.calls}
                (body,) = self.bodies(function.calls, every, function.written, math.inf)
                lines += _function(function.name, body)
            else:
                bodies = self.bodies(function.calls, few, None, LINES_TOGETHER)
                names = [f"{function.name}_{number}" for number in range(len(bodies))]
                for name, body in zip(names, bodies, strict=True):
                    lines += _function(name, body)
                called = [f"  call void @{name}({ARGUMENTS})" for name in names]
                lines += _function(function.name, called)
        for kernel, name in self.loops.items():
            lines += loop_function(kernel, name, self.externals)
        return lines

    def bodies(
        self,
        calls: Sequence[Call],
        written_out: set[Kernel],
        written: Collection[int] | None,
        most_lines: float,
    ) -> list[list[str]]:
        """Return the lines of a function, in pieces; some kernels are written out there.

        Those by place are loops in any case: where their numbers are is not known.
        """
        writer = WrittenOut(self.externals, self.layout)
        bodies = [writer.body]
        for call in calls:
            if len(writer.body) > most_lines:
                writer.write_back(None)
                writer = WrittenOut(self.externals, self.layout)
                bodies.append(writer.body)
            if call.kernel in written_out and not call.kernel.is_by_place:
                writer.blocks_of(call)
                continue
            name = self.loops.setdefault(call.kernel, f"kernel_{len(self.loops)}")
            start = self.table.put(call)
            numbers = writer.emit(f"getelementptr i32, ptr %table, i64 {start}")
            arguments = KERNEL_ARGUMENTS.replace("%numbers", numbers)
            writer.call_loop(f"  call void @{name}({arguments})")
        writer.write_back(written)
        return bodies


def _function(name: str, body: Sequence[str]) -> list[str]:
    """Return a function of that body."""
    arguments = "ptr noalias %memory, ptr noalias %table, i64 %rows"
    heading = f"define internal void @{name}({arguments}) #0 {{"
    return [heading, "entry:", *body, "  ret void", "}", ""]
