"""A program as LLVM assembly.

A program over rows has three sections: what is computed before the rows of a batch, for each of
them, and after them; any other has one.  A section is a list of calls of loops, one for each pack
of operations that are alike: see :mod:`autodiff.compiler.packs` and
:mod:`autodiff.compiler.layout`.  Those of a short function are written out.

A program over rows runs on vectors: lane k of every vector belongs to row ``row + k``.  The rows'
gradients are then added one row after the other: squares of vectors are transposed, so that each
vector holds several numbers of one row, and sums are made whose terms are the rows (see
:mod:`autodiff.compiler.row_sums`).  They have the bits that adding row by row gives.  Lanes beyond
the last row compute something, too, which is not added.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from string import Template
from types import MappingProxyType

from autodiff import ops
from autodiff.compiler.build import (
    Parts,
    in_memory,
    listing,
    new_numbers,
    plan_rows,
    update_results,
)
from autodiff.compiler.fusion import in_groups
from autodiff.compiler.idle_rows import condition_of_rows
from autodiff.compiler.layout import Call, Layout
from autodiff.compiler.linear import Kind, Register
from autodiff.compiler.llvm_functions import Functions
from autodiff.compiler.llvm_operations import Externals, vector_type
from autodiff.compiler.packs import packs_of
from autodiff.compiler.row_sums import NetworkSums, RowSums
from autodiff.value import Value

__all__ = ["Assembly", "assembly_of"]

# Iterations of forward, backward and update.
RUN = Template("""
define void @run(i64 %n, ptr noalias %memory, ptr noalias %table, ptr noalias %outputs) #0 {
entry:
$once
  %any = icmp sgt i64 %n, 0
  br i1 %any, label %loop, label %end
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %output_place = mul i64 %i, $networks
  %output = getelementptr double, ptr %outputs, i64 %output_place
$all
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %end
end:
  ret void
}
""")

# Passes over the rows, in batches, with an update after each.  A pass in another order than the
# last puts the rows into their columns first.  $inside computes the next rows of a vector.
ROWS_RUN = Template("""
define void @run(i64 %n, i64 %row_count, i64 %batch_size, i64 %stride, ptr noalias %rows,
                 ptr noalias %order, ptr noalias %columns, ptr noalias %memory, ptr noalias %table,
                 ptr noalias %outputs) #0 {
entry:
  %any = icmp sgt i64 %n, 0
  %shuffled = icmp ne ptr %order, null
  %inputs = getelementptr double, ptr %memory, i64 $inputs
  %count_place = getelementptr double, ptr %memory, i64 $count
  br i1 %any, label %epoch, label %end
epoch:
  %i = phi i64 [ 0, %entry ], [ %next_i, %epoch_end ]
  %done = phi i64 [ 0, %entry ], [ %next_b, %epoch_end ]
  %order_start = mul i64 %i, %row_count
  br i1 %shuffled, label %gather, label %batch
gather:
  %g = phi i64 [ 0, %epoch ], [ %next_g, %gathered ]
  %order_index = add i64 %order_start, %g
  %order_place = getelementptr i64, ptr %order, i64 %order_index
  %source = load i64, ptr %order_place
  %source_start = mul i64 %source, $width
  %row_from = getelementptr double, ptr %rows, i64 %source_start
  %row_to = getelementptr double, ptr %columns, i64 %g
  br label %cell
cell:
  %c = phi i64 [ 0, %gather ], [ %next_c, %cell ]
  %cell_from = getelementptr double, ptr %row_from, i64 %c
  %cell_number = load double, ptr %cell_from
  %column = mul i64 %stride, %c
  %cell_to = getelementptr double, ptr %row_to, i64 %column
  store double %cell_number, ptr %cell_to
  %next_c = add i64 %c, 1
  %more_c = icmp slt i64 %next_c, $width
  br i1 %more_c, label %cell, label %gathered
gathered:
  %next_g = add i64 %g, 1
  %more_g = icmp slt i64 %next_g, %row_count
  br i1 %more_g, label %gather, label %batch
batch:
  %start = phi i64 [ 0, %epoch ], [ 0, %gathered ], [ %stop, %update ]
  %b = phi i64 [ %done, %epoch ], [ %done, %gathered ], [ %next_b, %update ]
  %output_place = mul i64 %b, $networks
  %output = getelementptr double, ptr %outputs, i64 %output_place
  %full = add i64 %start, %batch_size
  %short = icmp slt i64 %full, %row_count
  %stop = select i1 %short, i64 %full, i64 %row_count
  %size = sub i64 %stop, %start
  %size_as_double = sitofp i64 %size to double
  store double %size_as_double, ptr %count_place, align 8
$before
  br label %rows_loop
rows_loop:
  %row = phi i64 [ %start, %batch ], [ %next_row, %row_end ]
  %row_place = getelementptr double, ptr %columns, i64 %row
  br label %input
input:
  %k = phi i64 [ 0, %rows_loop ], [ %next_k, %input ]
  %from = phi ptr [ %row_place, %rows_loop ], [ %next_from, %input ]
  %to = phi ptr [ %inputs, %rows_loop ], [ %next_to, %input ]
$read
  store $vector %number, ptr %to, align 8
  %next_from = getelementptr double, ptr %from, i64 %stride
  %next_to = getelementptr double, ptr %to, i64 $lanes
  %next_k = add i64 %k, 1
  %more_k = icmp slt i64 %next_k, $width
  br i1 %more_k, label %input, label %compute
compute:
  %left = sub i64 %stop, %row
  %partly = icmp slt i64 %left, $lanes
  %filled = select i1 %partly, i64 %left, i64 $lanes
$inside
  br label %row_end
row_end:
  %next_row = add i64 %row, $rows_a_vector
  %more_rows = icmp slt i64 %next_row, %stop
  br i1 %more_rows, label %rows_loop, label %update
update:
$after
  %next_b = add i64 %b, 1
  %more_batches = icmp slt i64 %stop, %row_count
  br i1 %more_batches, label %batch, label %epoch_end
epoch_end:
  %next_i = add i64 %i, 1
  %more_epochs = icmp slt i64 %next_i, %n
  br i1 %more_epochs, label %epoch, label %end
end:
  ret void
}
""")

ATTRIBUTES = """\
attributes #0 = { nounwind "prefer-vector-width"="512" }
attributes #1 = { nounwind willreturn memory(none) }
"""

# The numbers of the next rows for one input; of many networks, all get that of the one row.
ROWS_READ = "  %number = load $vector, ptr %from, align 8"
NETWORKS_READ = """\
  %cell_of_all = load double, ptr %from, align 8
  %first_of_all = insertelement $vector poison, double %cell_of_all, i32 0
  %number = shufflevector $vector %first_of_all, $vector poison, <$lanes x i32> zeroinitializer"""

# The gradients of rows, where the condition is above 0 for any of them.
IF_ANY = Template("""\
  %choice_place = getelementptr double, ptr %memory, i64 $condition
  %choice = load $vector, ptr %choice_place, align 8
  %taken = fcmp ogt $vector %choice, zeroinitializer
  %taken_bits = bitcast <$lanes x i1> %taken to i$lanes
  %is_taken = icmp ne i$lanes %taken_bits, 0
  br i1 %is_taken, label %gradients, label %row_end
gradients:
$gradients""")


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
    networks: int = 1,
    known: Mapping[Value, int] = MappingProxyType({}),
    start: int = 0,
) -> Assembly:
    """Return the assembly of a program's ``run``; ``lanes`` counts the numbers of a vector.

    Where ``exp_width`` is not 0, there is an ``autodiff_exp_W`` of a vector of that many numbers.
    ``networks`` is 1, or as many as there are lanes: then each network is in a lane of all vectors,
    and has the bits that it has alone.  Of variables, outputs and sums over rows there is then one
    for each network, side by side; the rows come one after the other, the same for all.

    ``known`` has the places of variables that other programs on the same memory have already; this
    one's own begin at ``start``, a multiple of 8.
    """
    writer = _Module(parts, lanes, exp_width, networks, known, start)
    run = writer.rows_program() if parts.inputs else writer.plain_program()
    functions = writer.functions.text(over_rows=bool(parts.inputs))
    text = "\n".join([*writer.externals.lines(), *functions, run, ATTRIBUTES])
    layout, table = writer.layout, writer.functions.table.numbers
    return Assembly(text, writer.order, layout.size, layout.numbers, table, lanes)


class _Module:
    """Writes the functions of one program.

    ``width`` counts the numbers that a variable has: one, or one for each of many networks.
    """

    def __init__(
        self,
        parts: Parts,
        lanes: int,
        exp_width: int,
        width: int,
        known: Mapping[Value, int],
        start: int,
    ) -> None:
        self.parts = parts
        self.linear = parts.linear
        every = in_memory(parts)
        self.order = [variable for variable in every if variable not in known]
        self.lanes = lanes
        self.width = width
        self.sizes = {"lanes": lanes, "vector": vector_type(lanes)}
        self.externals = Externals(exp_width)
        self.layout = Layout(lanes)
        self.layout.size = start
        self.functions = Functions(self.externals, self.layout)
        self.layout.listing = listing(parts, every)
        self.layout.addresses = {
            self.linear.of_value[variable]: known[variable]
            for variable in every
            if variable in known
        }
        self.reserve([self.linear.of_value[variable] for variable in self.order], width)

    def reserve(self, registers: Sequence[int], width: int) -> int:
        """Give registers a place of that width, side by side, and return where they start."""
        layout = self.layout
        start = layout.reserve(len(registers) * width)
        layout.addresses.update(
            {register: start + index * width for index, register in enumerate(registers)}
        )
        if width > 1:
            layout.of_rows.update(registers)
        return start

    # ---- whole programs --------------------------------------------------------------------

    def plain_program(self) -> str:
        """Return ``run``: n iterations of forward, backward and update."""
        parts = self.parts
        total = self.with_penalty(parts.output)
        body = self.last_section("all", self.linear.live([total, *update_results(parts)]), total)
        spread = self.functions.call("spread", self.layout.spread())
        return RUN.substitute(once=spread, all=body, networks=self.width)

    def rows_program(self) -> str:
        """Return ``run``: n passes over the rows, in batches, with an update after each."""
        parts, linear, layout = self.parts, self.linear, self.layout
        plan = plan_rows(parts)
        gradients = [parts.gradients[leaf] for leaf in plan.means]
        condition = condition_of_rows(
            linear, plan.rows, parts.output, gradients, guarded=not parts.has_guards
        )
        make_sums = RowSums if self.width == 1 else NetworkSums
        summed = [[parts.output, *gradients]]
        if condition is not None:
            summed = [[parts.output], gradients]
        sums = [make_sums(linear, layout, list(dict.fromkeys(each))) for each in summed]
        inputs = self.reserve([linear.of_value[value] for value in parts.inputs], self.lanes)
        mean_of_output = linear.add(Register(Kind.MEAN, name="mean_output"))
        addresses = {register: at for each in sums for register, at in each.addresses.items()}
        means = [mean_of_output, *plan.means.values()]
        for register, mean in zip([parts.output, *gradients], means, strict=True):
            layout.addresses[mean] = addresses[register]
            if self.width > 1:
                layout.of_rows.add(mean)

        needed = [place for each in sums for place in each.needed]
        live = linear.live(needed)
        done = set(live)
        once = [place for place in live if place not in plan.of_the_row]
        rows = [place for place in live if place in plan.of_the_row]
        total = self.with_penalty(mean_of_output)
        ends = [total, *update_results(parts)]
        after = [place for place in linear.live(ends) if place not in done]
        read = [p for place in (*rows, *after) for p in linear.registers[place].operands]
        wanted = {*read, *needed, *ends}.intersection(once)

        zero = self.number(0.0)
        calls = [call for each in sums for call in each.cleared(zero)]
        calls += self.section(once, wanted, self.width)
        places = {place for each in sums for place in each.places}
        made_once = self.functions.call("once", calls, {*layout.places_of(wanted), *places})
        if condition is None:
            calls = self.section(rows, set(needed), self.lanes) + sums[0].calls()
            inside = self.functions.call("rows", calls, places, "%filled")
        else:
            inside = self.loss_then_gradients(rows, condition, sums)
        count = layout.reserve(1)
        divided = [call for each in sums for call in each.divided(count)]
        ending = self.last_section("update", after, total, divided)
        # What is known is read where it is spread, by what is made once a batch, too.
        made = {place for place in once if linear.registers[place].operands}
        known = self.functions.call("spread", layout.spread(made))
        layout.last = None
        new = self.functions.call("spread_once", layout.spread(made, after=True))
        return ROWS_RUN.substitute(
            before="\n".join([known, made_once, new]),
            inside=inside,
            after=ending,
            read=Template(ROWS_READ if self.width == 1 else NETWORKS_READ).substitute(self.sizes),
            inputs=inputs,
            count=count,
            width=len(parts.inputs),
            networks=self.width,
            rows_a_vector=self.lanes // self.width,
            **self.sizes,
        )

    def loss_then_gradients(
        self, rows: Sequence[int], condition: int, sums: Sequence[RowSums | NetworkSums]
    ) -> str:
        """Return the lines that add the output of rows, and then their gradients.

        These are left out where the ``condition`` is above 0 for none of them.
        """
        linear, layout = self.linear, self.layout
        loss, gradients = sums
        first = set(linear.live([*loss.needed, condition])).intersection(rows)
        later = [place for place in rows if place not in first]
        read = [operand for place in later for operand in linear.registers[place].operands]
        kept = first.intersection([*loss.needed, condition, *read, *gradients.needed])
        calls = self.section([p for p in rows if p in first], kept, self.lanes) + loss.calls()
        written = {*layout.places_of(kept), *loss.places}
        first_lines = self.functions.call("rows", calls, written, "%filled")
        calls = self.section(later, set(gradients.needed), self.lanes) + gradients.calls()
        lines = self.functions.call("gradients", calls, gradients.places, "%filled")
        place = layout.addresses[condition]
        return f"{first_lines}\n{IF_ANY.substitute(self.sizes, condition=place, gradients=lines)}"

    def number(self, number: float) -> int:
        """Return the address of a number."""
        place = self.linear.number(number)
        self.layout.put_numbers(self.linear.known)
        return self.layout.addresses[place]

    def with_penalty(self, output: int) -> int:
        """Return the register of the output and the penalty, if there is one."""
        penalty = self.parts.penalty
        if penalty is None:
            return output
        return self.linear.operation(ops.ADD, (output, penalty))

    # ---- sections --------------------------------------------------------------------------

    def section(
        self, places: Sequence[int], kept: Collection[int], width: int, updates: bool = False
    ) -> list[Call]:
        """Return the calls that compute registers; those in ``kept`` are read by others, too."""
        registers, layout = self.linear.registers, self.layout
        operations = [place for place in places if registers[place].op is not None]
        layout.put_numbers(self.linear.known)
        layout.begin()
        packs = packs_of(self.linear, operations, kept)
        if width > 1:
            return [call for pack in packs for call in layout.place_rows(pack)]
        groups = in_groups(packs)
        if updates:
            layout.overwrite(groups, new_numbers(self.parts))
        return [call for group in groups for call in layout.place(*group, kept=kept)]

    def last_section(
        self, name: str, places: Sequence[int], total: int, means: Sequence[Call] = ()
    ) -> str:
        """Return the lines that compute the last registers, the output and the variables' numbers.

        The output is the register ``total``; ``means`` are calls that go before.
        """
        layout, updates = self.layout, self.parts.updates
        kept = {total, *updates.values()}
        calls = [*means, *self.section(places, kept, self.width, updates=True)]
        address = layout.row_address if self.width > 1 else layout.addresses.__getitem__
        of_value = self.linear.of_value
        output, kind = address(total), vector_type(self.width)
        if total in [of_value[variable] for variable in updates]:
            # It is the number of before the update.
            kept_at = layout.reserve(self.width)
            calls += layout.moved([(kept_at, output)], self.width)
            output = kept_at
        moves = [(layout.addresses[of_value[v]], address(place)) for v, place in updates.items()]
        calls += layout.moved([(to, at) for to, at in moves if to != at], self.width)
        written = {
            start + k for start in (output, *[to for to, _ in moves]) for k in range(self.width)
        }
        return (
            f"{self.functions.call(name, calls, written)}\n"
            f"  %total_place = getelementptr double, ptr %memory, i64 {output}\n"
            f"  %total = load {kind}, ptr %total_place, align 8\n"
            f"  store {kind} %total, ptr %output, align 8"
        )
