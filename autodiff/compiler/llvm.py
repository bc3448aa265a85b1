"""A program as LLVM assembly: the same registers, for one row or for several rows in lanes.

Straight-line code becomes functions of a few hundred operations each, because a compiler's work
on one function grows faster than the function.  What one of them computes and another needs goes
through memory, the *tape*.

A program over rows runs on vectors: lane k of every vector belongs to row ``row + k``.  The rows'
gradients are then added one row after the other: squares of vectors are transposed, so that each
vector holds several numbers of one row, and ``add_rows`` adds those in row order (see
:mod:`autodiff.compiler.row_sums`).  The sums have the bits that adding row by row gives.  Lanes
beyond the last row compute something, too, which is not added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autodiff import ops
from autodiff.compiler.build import Parts, needed_means, update_results
from autodiff.compiler.kernels import C_LIBRARY
from autodiff.compiler.linear import Kind
from autodiff.compiler.llvm_function import (
    Assign,
    Function,
    Item,
    Layout,
    Output,
    Store,
    Together,
    literal,
    uses_exp,
)
from autodiff.compiler.row_sums import SumPlan, plan_sums
from autodiff.ops import Operation
from autodiff.value import Value

__all__ = ["Assembly", "assembly_of"]

# Operations a function; longer ones cost more than linear time to compile.
FUNCTION_LENGTH = 500

# Fewer exponentials than these are faster one by one.
FEWEST_TOGETHER = 3

# Up to so many new numbers of variables are written straight over the old ones.
FEW_UPDATES = 64

ARGUMENTS = (
    "ptr %parameters, ptr %tape, ptr %columns, i64 {row}, i64 {stop}, i64 %stride, "
    "ptr {output}, double {count}"
)


@dataclass(slots=True)
class Assembly:
    """The text, and what its caller must know.

    ``order`` is the order of the variables in memory; ``tape`` the doubles it needs; ``lanes``
    the rows that run at once.
    """

    text: str
    order: list[Value]
    tape: int
    lanes: int


def assembly_of(parts: Parts, lanes: int, exp_width: int = 0) -> Assembly:
    """Return the assembly of a program's ``run``; ``lanes`` counts rows that run at once.

    Where ``exp_width`` is not 0, there is an ``autodiff_exp_W`` of a vector of that many numbers.
    """
    order = [*parts.updates, *[v for v in parts.variables if v not in parts.updates]]
    writer = _Module(parts, order, lanes if parts.inputs else 1, exp_width)
    body = writer.rows_program() if parts.inputs else writer.plain_program()
    declarations = [
        f"declare double @autodiff_{name}({', '.join(['double'] * C_LIBRARY[name])}) #1"
        for name in sorted(writer.library)
    ]
    declarations += sorted(writer.intrinsics)
    attributes = [
        'attributes #0 = { nounwind "prefer-vector-width"="512" }',
        "attributes #1 = { nounwind willreturn memory(none) }",
    ]
    text = "\n".join([*declarations, "", *writer.functions, *body, "", *attributes]) + "\n"
    return Assembly(text, order, writer.tape, writer.lanes)


class _Module(Layout):
    """Writes the functions of one program."""

    def __init__(self, parts: Parts, order: Sequence[Value], lanes: int, exp_width: int) -> None:
        super().__init__(parts.linear, exp_width)
        self.parts = parts
        self.lanes = lanes
        self.parameter_index = {self.linear.of_value[v]: index for index, v in enumerate(order)}
        self.input_index = {self.linear.of_value[v]: k for k, v in enumerate(parts.inputs)}
        self.functions: list[str] = []
        self.new_slot = self.reserve(len(parts.updates))

    # ---- whole programs --------------------------------------------------------------------

    def plain_program(self) -> list[str]:
        """Return ``run``: n iterations of forward, backward and update."""
        parts = self.parts
        total = parts.output
        if parts.penalty is not None:
            total = self.linear.operation(ops.ADD, (parts.output, parts.penalty), None, "")
        results = [total, *update_results(parts)]
        live = self.linear.live(results)
        # A long program keeps its own order, in which numbers are used soon after they were made.
        items = self.by_depth(live) if len(live) <= FUNCTION_LENGTH else list[Item](live)
        items += [Store(total, None), *self.new_values()]
        names = self.section("all", items, 1)
        call = ARGUMENTS.format(row="0", stop="0", output="%output", count="0.0")
        return [
            "define void @run(i64 %n, ptr noalias %parameters, ptr noalias %outputs, "
            "ptr noalias %tape) #0 {",
            "entry:",
            "  %stride = add i64 0, 0",
            "  %columns = getelementptr double, ptr %tape, i64 0",
            "  %any = icmp sgt i64 %n, 0",
            "  br i1 %any, label %loop, label %end",
            "loop:",
            "  %i = phi i64 [ 0, %entry ], [ %next, %loop ]",
            "  %output = getelementptr double, ptr %outputs, i64 %i",
            *[f"  call void @{name}({call})" for name in names],
            *self.assign_new_values(),
            "  %next = add i64 %i, 1",
            "  %more = icmp slt i64 %next, %n",
            "  br i1 %more, label %loop, label %end",
            "end:",
            "  ret void",
            "}",
            *_MEMCPY,
        ]

    def rows_program(self) -> list[str]:
        """Return ``run``: n passes over the rows, in batches, with an update after each."""
        parts, linear = self.parts, self.linear
        means = needed_means(parts)
        gradients = [parts.gradients[leaf] for leaf in means]
        plan = plan_sums(linear, list(dict.fromkeys([parts.output, *gradients])), self.lanes)
        live = linear.live(plan.needed())
        of_the_row = linear.depending_on(linear.of_value[value] for value in parts.inputs)

        sums = len(plan.groups) * self.lanes
        first_sum = self.reserve(sums)
        slot_of_sum = {
            place: first_sum + index * self.lanes + lane
            for index, group in enumerate(plan.groups)
            for lane, place in enumerate(group.sums)
        }
        for leaf, place in means.items():
            self.sum_slots[place] = slot_of_sum[parts.gradients[leaf]]

        once = [place for place in live if place not in of_the_row]
        before = self.section("once", once, 1, keep=once)
        rows: list[Item] = [place for place in live if place in of_the_row]
        rows += self.arranged(plan, of_the_row)
        inside = self.section("rows", rows, self.lanes)
        self.functions += Function(self, self.lanes).add_rows(plan, first_sum)
        after = self.update_items(update_results(parts), set(live))
        after += [Output(slot_of_sum[parts.output], parts.penalty), *self.new_values()]
        return self.rows_run(before, inside, self.section("update", after, 1), first_sum, sums)

    def rows_run(
        self,
        before: Sequence[str],
        inside: Sequence[str],
        after: Sequence[str],
        first_sum: int,
        sums: int,
    ) -> list[str]:
        """Return the text of ``run`` over rows, given the names of the functions that it calls.

        They are called before the rows of a batch, for each ``lanes`` rows, and after them; so
        many ``sums`` stand from place ``first_sum`` of the tape on.
        """
        outside = ARGUMENTS.format(row="0", stop="0", output="%output", count="%count")
        in_rows = ARGUMENTS.format(row="%row", stop="%stop", output="%output", count="%count")
        width = len(self.parts.inputs)
        return [
            "define void @run(i64 %n, i64 %row_count, i64 %batch_size, i64 %stride, "
            "ptr noalias %rows, ptr noalias %order, ptr noalias %columns, ptr noalias %parameters, "
            "ptr noalias %outputs, ptr noalias %tape) #0 {",
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
            "  %output = getelementptr double, ptr %outputs, i64 %b",
            "  %full = add i64 %start, %batch_size",
            "  %short = icmp slt i64 %full, %row_count",
            "  %stop = select i1 %short, i64 %full, i64 %row_count",
            "  %size = sub i64 %stop, %start",
            "  %count = sitofp i64 %size to double",
            f"  %sums = getelementptr double, ptr %tape, i64 {first_sum}",
            "  br label %clear",
            "clear:",
            "  %c = phi i64 [ 0, %batch ], [ %next_c, %clear ]",
            "  %clear_place = getelementptr double, ptr %sums, i64 %c",
            f"  store double {literal(0.0)}, ptr %clear_place",
            "  %next_c = add i64 %c, 1",
            f"  %more_c = icmp slt i64 %next_c, {sums}",
            "  br i1 %more_c, label %clear, label %before",
            "before:",
            *[f"  call void @{name}({outside})" for name in before],
            "  br label %rows_loop",
            "rows_loop:",
            "  %row = phi i64 [ %start, %before ], [ %next_row, %rows_loop ]",
            *[f"  call void @{name}({in_rows})" for name in inside],
            "  %left = sub i64 %stop, %row",
            f"  %partly = icmp slt i64 %left, {self.lanes}",
            f"  %filled = select i1 %partly, i64 %left, i64 {self.lanes}",
            "  call void @add_rows(ptr %tape, i64 %filled)",
            f"  %next_row = add i64 %row, {self.lanes}",
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
            f"  %more_d = icmp slt i64 %next_d, {sums}",
            "  br i1 %more_d, label %divide_loop, label %update",
            "update:",
            *[f"  call void @{name}({outside})" for name in after],
            *self.assign_new_values(),
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
            *_MEMCPY,
        ]

    def update_items(self, results: Sequence[int], done: set[int]) -> list[Item]:
        """Return what the results need, each right before its first use, and their stores.

        One variable's update then stands in one place, not all first halves before all second.
        """
        items: list[Item] = []
        seen = set(done)
        for result in results:
            stack = [result]
            while stack:
                place = stack[-1]
                missing = [p for p in self.linear.registers[place].operands if p not in seen]
                if place in seen or not missing:
                    stack.pop()
                    if place not in seen:
                        seen.add(place)
                        items.append(place)
                else:
                    stack += reversed(missing)
        return items

    def by_depth(self, places: Sequence[int]) -> list[Item]:
        """Return registers with those first that wait for the fewest others.

        Equal operations of different rows then stand side by side, and those with an ``exp`` can
        be done in lanes.
        """
        depth: dict[int, int] = {}
        levels: dict[int, list[int]] = {}
        for place in places:
            operands = self.linear.registers[place].operands
            depth[place] = 1 + max((depth.get(operand, 0) for operand in operands), default=0)
            levels.setdefault(depth[place], []).append(place)
        return [item for level in sorted(levels) for item in self.in_lanes(levels[level])]

    def in_lanes(self, places: Sequence[int]) -> list[Item]:
        """Return registers of one depth, with equal operations that use ``exp`` put together."""
        items: list[Item] = []
        alike: dict[Operation, list[int]] = {}
        for place in places:
            op = self.linear.registers[place].op
            if op is not None and self.exp_width and uses_exp(op):
                alike.setdefault(op, []).append(place)
            else:
                items.append(place)
        for group in alike.values():
            for start in range(0, len(group), self.exp_width):
                chunk = tuple(group[start : start + self.exp_width])
                items += chunk if len(chunk) < FEWEST_TOGETHER else [Together(chunk)]
        return items

    def new_values(self) -> list[Item]:
        """Return the items that keep the variables' new numbers: the last of all.

        Few are written over the old numbers at once; many wait side by side in the tape.
        """
        places = tuple(self.parts.updates.values())
        if len(places) <= FEW_UPDATES:
            return [Assign(places)]
        return [Store(place, self.new_slot + index) for index, place in enumerate(places)]

    def assign_new_values(self) -> list[str]:
        """Return the lines that give the variables the new numbers that wait in the tape."""
        if len(self.parts.updates) <= FEW_UPDATES:
            return []
        return [
            f"  %new = getelementptr double, ptr %tape, i64 {self.new_slot}",
            "  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %parameters, ptr align 8 %new, "
            f"i64 {8 * len(self.parts.updates)}, i1 false)",
        ]

    def arranged(self, plan: SumPlan, of_the_row: set[int]) -> list[Store]:
        """Give what is to be added up over the rows its places in the tape.

        Returns the stores that are left to do: a register's first place is written where it is
        computed.
        """
        stores: list[Store] = []
        for members, number in plan.vectors.items():
            start = self.reserve(self.lanes * self.lanes)
            self.vector_slots[number] = start
            for index, place in enumerate(members):
                slot = start + index * self.lanes
                if not self.place_at(place, slot, of_the_row):
                    stores.append(Store(place, slot))
        for group in plan.groups:
            factor = group.factor
            if factor is None or factor in self.factor_slots:
                continue
            if factor not in self.slots or self.widths[factor] == 1:
                slot = self.reserve(self.lanes)
                if not self.place_at(factor, slot, of_the_row):
                    stores.append(Store(factor, slot))
                self.factor_slots[factor] = slot
            else:
                self.factor_slots[factor] = self.slots[factor]
        return stores

    def place_at(self, place: int, slot: int, of_the_row: set[int]) -> bool:
        """Return whether a register's own place in the tape is this one."""
        computed = self.linear.registers[place].kind is Kind.OPERATION and place in of_the_row
        if not computed or place in self.slots:
            return False
        self.slots[place], self.widths[place] = slot, self.lanes
        return True

    # ---- straight-line code ----------------------------------------------------------------

    def section(
        self, name: str, items: Sequence[Item], width: int, keep: Iterable[int] = ()
    ) -> list[str]:
        """Write items as functions and return their names, to be called in that order.

        Registers in ``keep`` are left in the tape for other sections.
        """
        chunks = [
            items[start : start + FUNCTION_LENGTH]
            for start in range(0, len(items), FUNCTION_LENGTH)
        ]
        where = {
            place: index
            for index, chunk in enumerate(chunks)
            for item in chunk
            for place in self.defines(item)
        }
        for index, chunk in enumerate(chunks):
            for item in chunk:
                for operand in self.needs(item):
                    if where.get(operand, index) != index and operand not in self.slots:
                        self.keep(operand, width)
        for place in keep:
            if self.linear.registers[place].kind is Kind.OPERATION and place not in self.slots:
                self.keep(place, width)
        names = []
        for index, chunk in enumerate(chunks):
            names.append(f"{name}_{index}")
            self.functions += Function(self, width).lines(names[-1], chunk)
        return names

    def needs(self, item: Item) -> Sequence[int]:
        """Return the registers that an item reads."""
        match item:
            case Store(register, _):
                return (register,)
            case Output(_, penalty):
                return () if penalty is None else (penalty,)
            case Assign(registers):
                return registers
            case Together(registers):
                return [p for place in registers for p in self.linear.registers[place].operands]
            case _:
                return self.linear.registers[item].operands

    @staticmethod
    def defines(item: Item) -> Sequence[int]:
        """Return the registers that an item computes."""
        match item:
            case Together(registers):
                return registers
            case int():
                return (item,)
        return ()


_MEMCPY = [
    "",
    "declare void @llvm.memcpy.p0.p0.i64(ptr noalias, ptr noalias, i64, i1)",
]


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
