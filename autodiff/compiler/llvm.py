"""A program as LLVM assembly.

A program over rows has three sections: what is computed before the rows of a batch, for each of
them, and after them; any other has one.  A small section is straight-line code.  A larger one is a
list of calls of loops, one for each pack of operations that are alike: see
:mod:`autodiff.compiler.packs` and :mod:`autodiff.compiler.layout`.

A program over rows runs on vectors: lane k of every vector belongs to row ``row + k``.  The rows'
gradients are then added one row after the other: squares of vectors are transposed, so that each
vector holds several numbers of one row, and sums are made whose terms are the rows (see
:mod:`autodiff.compiler.row_sums`).  They have the bits that adding row by row gives.  Lanes beyond
the last row compute something, too, which is not added.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from autodiff import ops
from autodiff.compiler.build import (
    Parts,
    in_memory,
    listing,
    needed_means,
    new_numbers,
    update_results,
)
from autodiff.compiler.layout import ROWS, SUM, TRANSPOSE, Call, Kernel, Layout
from autodiff.compiler.linear import Kind
from autodiff.compiler.llvm_loops import KERNEL_ARGUMENTS, WrittenOut, instructions, loop_function
from autodiff.compiler.llvm_operations import Externals, vector_type
from autodiff.compiler.llvm_straight import STRAIGHT_ARGUMENTS, Straight
from autodiff.compiler.packs import OPERAND, PRODUCT, packs_of
from autodiff.compiler.row_sums import SumPlan, plan_sums
from autodiff.value import Value

__all__ = ["Assembly", "Module", "assembly", "assembly_of", "with_rows"]

# Operations, at most, of a section that is straight-line code: a compiler's work on one function
# grows faster than the function.
STRAIGHT_OPERATIONS = 1_000

# A loop whose blocks take no more instructions than that, all together, is written out: LLVM takes
# longer for a loop.
WRITTEN_OUT = 50

# Calls in one function.
CALLS_TOGETHER = 1_000


@dataclass(slots=True)
class Assembly:
    """The text, and what its caller must know.

    ``order`` is the order of the variables in memory, where its own come first; ``size`` where its
    memory ends; ``numbers`` what is at which address from the start; ``table`` the numbers that
    the loops read; ``lanes`` the rows that run at once.
    """

    text: str
    order: list[Value]
    size: int
    numbers: dict[int, float]
    table: array[int]
    lanes: int


def assembly_of(
    parts: Parts,
    lanes: int,
    exp_width: int = 0,
    known: Mapping[Value, int] = MappingProxyType({}),
    start: int = 0,
) -> Assembly:
    """Return the assembly of a program's ``run``; ``lanes`` counts the numbers of a vector.

    Where ``exp_width`` is not 0, there is an ``autodiff_exp_W`` of a vector of that many numbers.
    ``known`` has the places of variables that other programs on the same memory have already; this
    one's own begin at ``start``, a multiple of 8.
    """
    return assembly(Module(parts, lanes, exp_width, known=known, start=start))


def assembly(writer: Module) -> Assembly:
    """Return the assembly of a module's ``run``."""
    body = writer.rows_program() if writer.parts.inputs else writer.plain_program()
    writer.functions += writer.loops()
    attributes = [
        'attributes #0 = { nounwind "prefer-vector-width"="512" }',
        "attributes #1 = { nounwind willreturn memory(none) }",
    ]
    text = [*writer.externals.lines(), _MEMCPY, "", *writer.functions, *body, "", *attributes]
    layout = writer.layout
    return Assembly(
        *("\n".join(text) + "\n", writer.order, layout.size, writer.numbers, layout.table),
        lanes=writer.lanes,
    )


class Module:
    """Writes the functions of one program.

    ``width`` counts the numbers that a variable has: one, or one for each of many networks.
    """

    def __init__(
        self,
        parts: Parts,
        lanes: int,
        exp_width: int,
        width: int = 1,
        known: Mapping[Value, int] = MappingProxyType({}),
        start: int = 0,
    ) -> None:
        self.parts = parts
        self.linear = parts.linear
        every = in_memory(parts)
        self.order = [variable for variable in every if variable not in known]
        self.lanes = lanes
        self.width = width
        self.externals = Externals(exp_width)
        self.layout = Layout(lanes)
        self.layout.size = start
        self.layout.listing = listing(parts, every)
        self.layout.addresses = {
            self.linear.of_value[variable]: known[variable]
            for variable in every
            if variable in known
        }
        self.functions: list[str] = []
        self.called: dict[str, Sequence[Call]] = {}
        self.numbers: dict[int, float] = {}
        self.reserve([self.linear.of_value[variable] for variable in self.order])

    def reserve(self, registers: Sequence[int]) -> range:
        """Give registers a place, side by side, and return where."""
        layout, width = self.layout, self.width
        start = layout.reserve(len(registers) * width)
        layout.addresses.update(
            {register: start + index * width for index, register in enumerate(registers)}
        )
        if width > 1:
            layout.of_rows.update(registers)
        return range(start, start + len(registers) * width)

    # ---- whole programs --------------------------------------------------------------------

    def plain_program(self) -> list[str]:
        """Return ``run``: n iterations of forward, backward and update."""
        parts = self.parts
        total = parts.output
        if parts.penalty is not None:
            total = self.linear.operation(ops.ADD, (parts.output, parts.penalty), None, "")
        live = self.linear.live([total, *update_results(parts)])
        return [
            "define void @run(i64 %n, ptr noalias %memory, ptr noalias %table, "
            "ptr noalias %outputs) #0 {",
            "entry:",
            "  %any = icmp sgt i64 %n, 0",
            "  br i1 %any, label %loop, label %end",
            "loop:",
            "  %i = phi i64 [ 0, %entry ], [ %next, %loop ]",
            f"  %output_place = mul i64 %i, {self.width}",
            "  %output = getelementptr double, ptr %outputs, i64 %output_place",
            *with_rows("0", self.last_section("all", live, None, total)),
            "  %next = add i64 %i, 1",
            "  %more = icmp slt i64 %next, %n",
            "  br i1 %more, label %loop, label %end",
            "end:",
            "  ret void",
            "}",
        ]

    def rows_program(self) -> list[str]:
        """Return ``run``: n passes over the rows, in batches, with an update after each."""
        parts, linear, layout = self.parts, self.linear, self.layout
        means = needed_means(parts)
        gradients = [parts.gradients[leaf] for leaf in means]
        plan = plan_sums(linear, list(dict.fromkeys([parts.output, *gradients])), self.lanes)
        live = linear.live(plan.needed())
        of_the_row = linear.depending_on(linear.of_value[value] for value in parts.inputs)

        inputs = layout.reserve(len(parts.inputs) * self.lanes)
        for index, value in enumerate(parts.inputs):
            layout.addresses[linear.of_value[value]] = inputs + index * self.lanes
        layout.of_rows.update([linear.of_value[value] for value in parts.inputs])
        sums = len(plan.groups) * self.lanes
        first_sum = layout.reserve(sums)
        address_of_sum = {
            place: first_sum + index * self.lanes + lane
            for index, group in enumerate(plan.groups)
            for lane, place in enumerate(group.sums)
        }
        for leaf, place in means.items():
            layout.addresses[place] = address_of_sum[parts.gradients[leaf]]

        once = [place for place in live if place not in of_the_row]
        rows = [place for place in live if place in of_the_row]
        done = set(live)
        after = [place for place in linear.live(update_results(parts)) if place not in done]
        read = [p for place in (*rows, *after) for p in linear.registers[place].operands]
        wanted = done.intersection([*read, *plan.needed(), *update_results(parts)])
        before = self.section("once", once, wanted.intersection(once), 1)
        inside = self.section("rows", rows, set(plan.needed()), self.lanes)
        inside += self.calls("sums", self.row_sums(plan, first_sum))
        before += self.calls("spread", layout.spread())
        total = address_of_sum[parts.output]
        ending = self.last_section("update", after, total, parts.penalty)
        return self.rows_run(before, inside, ending, inputs, range(first_sum, first_sum + sums))

    def rows_run(
        self,
        before: Sequence[str],
        inside: Sequence[str],
        after: Sequence[str],
        inputs: int,
        sums: range,
    ) -> list[str]:
        """Return the text of ``run`` over rows, given the lines of its three sections.

        They stand before the rows of a batch, for each ``lanes`` rows, and after them; ``inputs``
        and ``sums`` say where in memory these are.
        """
        width = len(self.parts.inputs)
        return [
            "define void @run(i64 %n, i64 %row_count, i64 %batch_size, i64 %stride, "
            "ptr noalias %rows, ptr noalias %order, ptr noalias %columns, ptr noalias %memory, "
            "ptr noalias %table, ptr noalias %outputs) #0 {",
            "entry:",
            "  %any = icmp sgt i64 %n, 0",
            "  %shuffled = icmp ne ptr %order, null",
            "  br i1 %any, label %epoch, label %end",
            "epoch:",
            "  %i = phi i64 [ 0, %entry ], [ %next_i, %epoch_end ]",
            "  %done = phi i64 [ 0, %entry ], [ %done_after, %epoch_end ]",
            "  %order_start = mul i64 %i, %row_count",
            "  br i1 %shuffled, label %gather, label %batch",
            # Put the rows into their columns in this epoch's order.
            "gather:",
            "  %g = phi i64 [ 0, %epoch ], [ %next_g, %gather ]",
            "  %order_index = add i64 %order_start, %g",
            "  %order_place = getelementptr i64, ptr %order, i64 %order_index",
            "  %source = load i64, ptr %order_place",
            f"  %source_start = mul i64 %source, {width}",
            *[line for k in range(width) for line in _gather(k)],
            "  %next_g = add i64 %g, 1",
            "  %more_g = icmp slt i64 %next_g, %row_count",
            "  br i1 %more_g, label %gather, label %batch",
            "batch:",
            "  %start = phi i64 [ 0, %epoch ], [ 0, %gather ], [ %stop, %update ]",
            "  %b = phi i64 [ %done, %epoch ], [ %done, %gather ], [ %next_b, %update ]",
            f"  %output_place = mul i64 %b, {self.width}",
            "  %output = getelementptr double, ptr %outputs, i64 %output_place",
            "  %full = add i64 %start, %batch_size",
            "  %short = icmp slt i64 %full, %row_count",
            "  %stop = select i1 %short, i64 %full, i64 %row_count",
            "  %size = sub i64 %stop, %start",
            "  %count = sitofp i64 %size to double",
            f"  %sums = getelementptr double, ptr %memory, i64 {sums.start}",
            "  br label %clear",
            "clear:",
            "  %c = phi i64 [ 0, %batch ], [ %next_c, %clear ]",
            "  %clear_place = getelementptr double, ptr %sums, i64 %c",
            f"  store <{self.lanes} x double> zeroinitializer, ptr %clear_place, align 8",
            f"  %next_c = add i64 %c, {self.lanes}",
            f"  %more_c = icmp slt i64 %next_c, {len(sums)}",
            "  br i1 %more_c, label %clear, label %before",
            "before:",
            *with_rows("0", before),
            "  br label %rows_loop",
            "rows_loop:",
            "  %row = phi i64 [ %start, %before ], [ %next_row, %rows_loop ]",
            *[line for k in range(width) for line in self.input_lines(k, inputs)],
            "  %left = sub i64 %stop, %row",
            f"  %partly = icmp slt i64 %left, {self.lanes}",
            f"  %filled = select i1 %partly, i64 %left, i64 {self.lanes}",
            *with_rows("%filled", inside),
            f"  %next_row = add i64 %row, {self.lanes // self.width}",
            "  %more_rows = icmp slt i64 %next_row, %stop",
            "  br i1 %more_rows, label %rows_loop, label %divide",
            "divide:",
            f"  %every = insertelement <{self.lanes} x double> poison, double %count, i32 0",
            f"  %counts = shufflevector <{self.lanes} x double> %every, "
            f"<{self.lanes} x double> poison, <{self.lanes} x i32> zeroinitializer",
            "  br label %divide_loop",
            "divide_loop:",
            "  %d = phi i64 [ 0, %divide ], [ %next_d, %divide_loop ]",
            "  %sum_place = getelementptr double, ptr %sums, i64 %d",
            f"  %sum = load <{self.lanes} x double>, ptr %sum_place, align 8",
            f"  %mean = fdiv <{self.lanes} x double> %sum, %counts",
            f"  store <{self.lanes} x double> %mean, ptr %sum_place, align 8",
            f"  %next_d = add i64 %d, {self.lanes}",
            f"  %more_d = icmp slt i64 %next_d, {len(sums)}",
            "  br i1 %more_d, label %divide_loop, label %update",
            "update:",
            *with_rows("0", after),
            "  %next_b = add i64 %b, 1",
            "  %more_batches = icmp slt i64 %stop, %row_count",
            "  br i1 %more_batches, label %batch, label %epoch_end",
            "epoch_end:",
            "  %done_after = add i64 %b, 1",
            "  %next_i = add i64 %i, 1",
            "  %more_epochs = icmp slt i64 %next_i, %n",
            "  br i1 %more_epochs, label %epoch, label %end",
            "end:",
            "  ret void",
            "}",
        ]

    def input_lines(self, k: int, inputs: int) -> list[str]:
        """Return the lines that copy input k of the next rows to its place in memory."""
        kind = vector_type(self.lanes)
        return [
            f"  %input_start_{k} = mul i64 %stride, {k}",
            f"  %input_index_{k} = add i64 %input_start_{k}, %row",
            f"  %input_from_{k} = getelementptr double, ptr %columns, i64 %input_index_{k}",
            f"  %input_{k} = load {kind}, ptr %input_from_{k}, align 8",
            f"  %input_to_{k} = getelementptr double, ptr %memory, i64 {inputs + k * self.lanes}",
            f"  store {kind} %input_{k}, ptr %input_to_{k}, align 8",
        ]

    def row_sums(self, plan: SumPlan, first_sum: int) -> list[Call]:
        """Return the calls that add the rows of a vector to the sums."""
        layout, lanes = self.layout, self.lanes
        vectors: dict[int, int] = {}
        squares = []
        for members, number in plan.vectors.items():
            vectors[number] = layout.reserve(lanes * lanes)
            sources = [self.row_address(member) for member in members]
            squares.append((vectors[number], *sources, *sources[-1:] * (lanes - len(sources))))
        calls = layout.table_call(Kernel(TRANSPOSE, lanes, even=False), [], squares)
        sums: dict[bool, list[tuple[int, ...]]] = {}
        for index, group in enumerate(plan.groups):
            to = first_sum + index * lanes
            vector = vectors[group.vector]
            if group.factor is None:
                sums.setdefault(False, []).append((to, to, vector))
            else:
                factor = self.row_address(group.factor)
                sums.setdefault(True, []).append((to, to, factor, vector))
        for product, addresses in sums.items():
            columns, steps = ("CBC", [1, lanes]) if product else ("CC", [lanes])
            runs = (OPERAND, 1), (PRODUCT if product else OPERAND, ROWS)
            steps_even = (True,) * len(columns)
            kernel = Kernel(SUM, lanes, columns, terms=runs, steps=steps_even)
            calls += layout.progress(kernel, [0, *steps], addresses)
        return calls

    def row_address(self, register: int) -> int:
        """Return where a register has a number for each row, which may be the same one."""
        self.give_number_an_address(register)
        return self.layout.row_address(register)

    # ---- sections --------------------------------------------------------------------------

    def section(
        self,
        name: str,
        places: Sequence[int],
        kept: Collection[int],
        width: int,
        updates: bool = False,
    ) -> list[str]:
        """Return the lines that compute registers; those in ``kept`` are left in memory."""
        operations = [place for place in places if self.linear.registers[place].op is not None]
        if not operations:
            return []
        if len(operations) <= STRAIGHT_OPERATIONS:
            writer = self.straight(operations, kept, width)
            self.functions += writer.function(name)
            return [f"  call void @{name}({STRAIGHT_ARGUMENTS.format('', '')})"]
        for place in self.linear.known:
            self.give_number_an_address(place)
        calls: list[Call] = []
        packs = packs_of(self.linear, operations, kept)
        if updates:
            self.layout.overwrite(packs, new_numbers(self.parts))
        for pack in packs:
            calls += self.layout.place(pack) if width == 1 else self.layout.place_rows(pack)
        return self.calls(name, calls)

    def straight(self, operations: Sequence[int], kept: Collection[int], width: int) -> Straight:
        """Return straight-line code of registers."""
        for place in operations:
            if place in kept:
                self.layout.addresses[place] = self.layout.reserve(width)
                if width > 1:
                    self.layout.of_rows.add(place)
        writer = Straight(self.linear, self.layout, self.externals, width)
        writer.registers(operations, kept)
        return writer

    def last_section(
        self, name: str, places: Sequence[int], total: int | None, register: int | None
    ) -> list[str]:
        """Return the lines that compute the last registers, the output and the variables' numbers.

        The output is the number at an address, or a register's, or the sum of both.
        """
        operations = [place for place in places if self.linear.registers[place].op is not None]
        updates = self.parts.updates
        news = [(self.layout.addresses[self.linear.of_value[v]], updates[v]) for v in updates]
        results = [*updates.values(), *([] if register is None else [register])]
        lines: list[str] = []
        is_small = len(operations) + len(news) <= STRAIGHT_OPERATIONS
        if not is_small:
            for place in results:
                self.give_number_an_address(place)
            lines = self.section(name, operations, set(results), self.width, updates=True)
        ending = self.straight(operations if is_small else [], (), self.width)
        ending.output(total, register)
        if is_small:
            ending.assign(news)
        self.functions += ending.function(f"end_of_{name}")
        lines.append(f"  call void @end_of_{name}({STRAIGHT_ARGUMENTS.format('', '')})")
        if not is_small:
            lines += self.calls("move", self.moves(news))
        return lines

    def moves(self, news: Sequence[tuple[int, int]]) -> list[Call]:
        """Return the calls that move registers, given as (to, register), to their addresses."""
        pairs = [(to, self.layout.addresses[place]) for to, place in news]
        return self.layout.moved([pair for pair in pairs if pair[0] != pair[1]])

    def give_number_an_address(self, place: int) -> None:
        """Put a number that is known into memory, where loops read it."""
        register = self.linear.registers[place]
        if register.kind is Kind.NUMBER and place not in self.layout.addresses:
            address = self.layout.addresses[place] = self.layout.reserve_one()
            self.numbers[address] = register.number

    def calls(self, name: str, calls: Sequence[Call]) -> list[str]:
        """Return the lines that make these calls, in functions of so many."""
        self.layout.last = None
        lines = []
        for start in range(0, len(calls), CALLS_TOGETHER):
            function = f"{name}_loops_{start}"
            self.called[function] = calls[start : start + CALLS_TOGETHER]
            lines.append(f"  call void @{function}(ptr %memory, ptr %table, i64 %rows)")
        return lines

    def loops(self) -> list[str]:
        """Return the functions that make the calls of loops, and these loops.

        A loop of few blocks in all is written out where it is called.
        """
        table = self.layout.table
        sizes: Counter[Kernel] = Counter()
        for calls in self.called.values():
            for call in calls:
                sizes[call.kernel] += table[call.start] * instructions(call.kernel)
        names: dict[Kernel, str] = {}
        lines: list[str] = []
        for function, calls in self.called.items():
            writer = WrittenOut(self.externals, table)
            for call in calls:
                kernel = call.kernel
                if sizes[kernel] <= WRITTEN_OUT and not kernel.has_term_loops:
                    writer.blocks_of(call)
                    continue
                name = names.setdefault(kernel, f"kernel_{len(names)}")
                numbers = writer.emit(f"getelementptr i32, ptr %table, i64 {call.start}")
                arguments = KERNEL_ARGUMENTS.replace("%numbers", numbers)
                writer.body.append(f"  call void @{name}({arguments})")
            lines += [
                f"define internal void @{function}(ptr noalias %memory, ptr noalias %table, "
                "i64 %rows) #0 {",
                *writer.body,
                "  ret void",
                "}",
                "",
            ]
        for kernel, name in names.items():
            lines += loop_function(kernel, name, self.externals)
        return lines


_MEMCPY = "declare void @llvm.memcpy.p0.p0.i64(ptr noalias, ptr noalias, i64, i1)"


def with_rows(rows: str, lines: Sequence[str]) -> list[str]:
    """Return lines that call functions, told how many rows of a vector count."""
    return [line.replace("%rows", rows) for line in lines]


def _gather(k: int) -> list[str]:
    """Return the lines that copy input k of a row into its column."""
    return [
        f"  %source_index_{k} = add i64 %source_start, {k}",
        f"  %source_place_{k} = getelementptr double, ptr %rows, i64 %source_index_{k}",
        f"  %cell_{k} = load double, ptr %source_place_{k}",
        f"  %column_{k} = mul i64 %stride, {k}",
        f"  %target_index_{k} = add i64 %column_{k}, %g",
        f"  %target_place_{k} = getelementptr double, ptr %columns, i64 %target_index_{k}",
        f"  store double %cell_{k}, ptr %target_place_{k}",
    ]
