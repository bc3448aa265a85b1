"""The programs of rows of different shapes as machine code, on one memory.

Every variable has one place, which all programs know; behind the places that there are, each new
program gets its own.  A loop, machine code too, goes from row to row: it puts a row's numbers where
its shape's program reads them, and calls that.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from autodiff.compiler.batches import Passes
from autodiff.compiler.build import Parts
from autodiff.compiler.llvm import assembly_of
from autodiff.compiler.native import (
    engine_of,
    exp_width_for,
    floats,
    lanes,
    memory_of,
    orders,
    table_of,
)
from autodiff.support.node import number_of
from autodiff.value import Value

__all__ = ["NativeShapes"]

Places = ctypes.Array[ctypes.c_int64]

# A program's function takes a number of iterations, the memory, its table, and its outputs.
ROWS_LOOP = """
define void @run(i64 %passes, i64 %row_count, i64 %batch_size, ptr %order, ptr %shapes, ptr %starts,
                 ptr %data, ptr %functions, ptr %tables, ptr %inputs, ptr %memory, i64 %count_place,
                 ptr %loss, ptr %outputs) {
entry:
  %any = icmp sgt i64 %passes, 0
  %update_place = load ptr, ptr %functions
  %update_table = load ptr, ptr %tables
  %count = getelementptr double, ptr %memory, i64 %count_place
  %is_shuffled = icmp ne ptr %order, null
  br i1 %any, label %pass, label %end
pass:
  %p = phi i64 [ 0, %entry ], [ %next_p, %pass_end ]
  %output_of_pass = phi ptr [ %outputs, %entry ], [ %next_output, %pass_end ]
  %pass_start = mul i64 %p, %row_count
  br label %batch
batch:
  %start = phi i64 [ 0, %pass ], [ %stop, %batch_end ]
  %output = phi ptr [ %output_of_pass, %pass ], [ %next_output, %batch_end ]
  %full = add i64 %start, %batch_size
  %is_short = icmp slt i64 %row_count, %full
  %stop = select i1 %is_short, i64 %row_count, i64 %full
  %size = sub i64 %stop, %start
  %size_as_double = sitofp i64 %size to double
  store double %size_as_double, ptr %count
  br label %row
row:
  %at = phi i64 [ %start, %batch ], [ %next_at, %row_end ]
  br i1 %is_shuffled, label %ordered, label %found
ordered:
  %order_index = add i64 %pass_start, %at
  %order_place = getelementptr i64, ptr %order, i64 %order_index
  %drawn = load i64, ptr %order_place
  br label %found
found:
  %r = phi i64 [ %at, %row ], [ %drawn, %ordered ]
  %shape_place = getelementptr i64, ptr %shapes, i64 %r
  %shape = load i64, ptr %shape_place
  %from_place = getelementptr i64, ptr %starts, i64 %r
  %from = load i64, ptr %from_place
  %to_place = getelementptr i64, ptr %from_place, i64 1
  %to = load i64, ptr %to_place
  %length = sub i64 %to, %from
  %row_data = getelementptr double, ptr %data, i64 %from
  %inputs_place = getelementptr ptr, ptr %inputs, i64 %shape
  %places = load ptr, ptr %inputs_place
  %has_numbers = icmp sgt i64 %length, 0
  br i1 %has_numbers, label %input, label %ready
input:
  %k = phi i64 [ 0, %found ], [ %next_k, %input ]
  %source = getelementptr double, ptr %row_data, i64 %k
  %number = load double, ptr %source
  %target_place = getelementptr i64, ptr %places, i64 %k
  %target_index = load i64, ptr %target_place
  %target = getelementptr double, ptr %memory, i64 %target_index
  store double %number, ptr %target
  %next_k = add i64 %k, 1
  %more_k = icmp slt i64 %next_k, %length
  br i1 %more_k, label %input, label %ready
ready:
  %function_place = getelementptr ptr, ptr %functions, i64 %shape
  %function = load ptr, ptr %function_place
  %table_place = getelementptr ptr, ptr %tables, i64 %shape
  %table = load ptr, ptr %table_place
  call void %function(i64 1, ptr %memory, ptr %table, ptr %loss)
  br label %row_end
row_end:
  %next_at = add i64 %at, 1
  %more_rows = icmp slt i64 %next_at, %stop
  br i1 %more_rows, label %row, label %batch_end
batch_end:
  call void %update_place(i64 1, ptr %memory, ptr %update_table, ptr %output)
  %next_output = getelementptr double, ptr %output, i64 1
  %more_batches = icmp slt i64 %stop, %row_count
  br i1 %more_batches, label %batch, label %pass_end
pass_end:
  %next_p = add i64 %p, 1
  %more_passes = icmp slt i64 %next_p, %passes
  br i1 %more_passes, label %pass, label %end
end:
  ret void
}
"""


@cache
def rows_loop() -> tuple[Any, Any]:
    """Return the loop's function, and the object that keeps its code in memory."""
    engine = engine_of(ROWS_LOOP)
    whole, pointer = ctypes.c_int64, ctypes.c_void_p
    kinds = [whole] * 3 + [pointer] * 8 + [whole] + [pointer] * 2
    return ctypes.CFUNCTYPE(None, *kinds)(engine.get_function_address("run")), engine


class NativeShapes:
    """Runs the programs: the same interface as the Python engine's."""

    engine = "native"
    networks = 1

    def __init__(self, update: Parts, count: Value) -> None:
        self.places: dict[Value, int] = {}
        self.numbers: dict[int, float] = {}
        self.size = 0
        self.functions: list[int] = []
        self.tables: list[ctypes.Array[ctypes.c_int32]] = []
        self.inputs: list[Places] = []
        self.engines: list[Any] = []  # which keep the code in memory
        self.memory: ctypes.Array[ctypes.c_double] | None = None
        self.add(update, ())
        self.count = self.places[count]

    def add(self, parts: Parts, inputs: Sequence[Value]) -> None:
        """Add a shape: the program of a row, and the variables that are the row's numbers."""
        width = exp_width_for(parts)
        assembly = assembly_of(parts, lanes(), width, known=self.places, start=self.size)
        for place, variable in enumerate(assembly.order, self.size):
            self.places[variable] = place
        self.size = assembly.size
        self.numbers.update(assembly.numbers)
        engine = engine_of(assembly.text)
        self.engines.append(engine)
        self.functions.append(engine.get_function_address("run"))
        self.tables.append(table_of(bytes(assembly.table)))
        self.memory = None  # there is more of it now
        places = [self.places[value] for value in inputs]
        self.inputs.append((ctypes.c_int64 * max(len(places), 1))(*places))

    def run_rows(
        self, passes: Passes, numbers: Mapping[Value, float]
    ) -> tuple[list[float], dict[Value, float]]:
        """Return the batches' outputs and the variables' last numbers."""
        if self.memory is None:
            self.memory = memory_of(self.size, self.numbers)
            for variable, place in self.places.items():
                self.memory[place] = number_of(variable)
        memory, rows, count = self.memory, passes.rows, len(passes.rows)
        known = [variable for variable in numbers if variable in self.places]
        for variable in known:
            memory[self.places[variable]] = numbers[variable]
        shapes = (ctypes.c_int64 * count)(*[1 + shape for shape, _ in rows])
        lengths = [len(row) for _, row in rows]
        starts = (ctypes.c_int64 * (count + 1))(*itertools.accumulate(lengths, initial=0))
        data = (ctypes.c_double * max(sum(lengths), 1))()
        data[: sum(lengths)] = [*itertools.chain.from_iterable(row for _, row in rows)]
        outputs = (ctypes.c_double * passes.batches)()
        pointers = ctypes.c_void_p * len(self.functions)
        function, _ = rows_loop()
        function(
            *(passes.n, count, passes.batch_size, orders(passes), shapes, starts, data),
            pointers(*self.functions),
            pointers(*map(ctypes.addressof, self.tables)),
            pointers(*map(ctypes.addressof, self.inputs)),
            *(memory, self.count, (ctypes.c_double * 1)(), outputs),
        )
        return floats(outputs), {variable: memory[self.places[variable]] for variable in known}
