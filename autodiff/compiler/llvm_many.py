"""A program of many networks at once as LLVM assembly: each is in a lane of all vectors.

Every variable is a vector with the number of each network, and the rows of a data set come one
after the other, the same for all.  So each network has the bits that it has alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autodiff import ops
from autodiff.compiler.build import Parts, plan_rows, update_results
from autodiff.compiler.layout import TREE, Addresses, Call, Kernel
from autodiff.compiler.llvm import STRAIGHT_OPERATIONS, Assembly, Module, assembly, with_rows
from autodiff.compiler.llvm_operations import vector_type
from autodiff.compiler.llvm_straight import STRAIGHT_ARGUMENTS
from autodiff.compiler.packs import OPERAND

__all__ = ["assembly_of_many"]


def assembly_of_many(parts: Parts, lanes: int, exp_width: int = 0) -> Assembly:
    """Return the assembly of ``run`` for as many networks as a vector has lanes.

    Of variables, numbers of rows and outputs there is one for each network, side by side.
    """
    return assembly(_Networks(parts, lanes, exp_width, width=lanes))


class _Networks(Module):
    """Writes the functions of one program for many networks."""

    def rows_program(self) -> list[str]:
        """Return ``run``: n passes over the rows, in batches, with an update after each."""
        parts, linear, layout, lanes = self.parts, self.linear, self.layout, self.lanes
        plan = plan_rows(parts)
        inputs = self.reserve([linear.of_value[value] for value in parts.inputs])
        summed = list(
            dict.fromkeys([parts.output, *[parts.gradients[leaf] for leaf in plan.means]])
        )
        start = layout.reserve(len(summed) * lanes)
        sums = range(start, start + len(summed) * lanes)
        sum_of = dict(zip(summed, sums[::lanes], strict=True))
        for leaf, place in plan.means.items():
            layout.addresses[place] = sum_of[parts.gradients[leaf]]
            layout.of_rows.add(place)
        read = [p for place in (*plan.rows, *plan.after) for p in linear.registers[place].operands]
        wanted = {*read, *summed, *update_results(parts)}
        before = self.section("once", plan.before, wanted.intersection(plan.before), lanes)
        inside = self.added(plan.rows, sum_of)
        after = self.last_section("update", plan.after, sum_of[parts.output], parts.penalty)
        before += self.calls("spread", layout.spread())
        return self.rows_run(before, inside, after, inputs.start, sums)

    def plain_program(self) -> list[str]:
        """Return ``run``: n iterations of forward, backward and update."""
        lines = super().plain_program()
        first = lines.index("entry:") + 1
        lines[first:first] = with_rows("0", self.calls("spread", self.layout.spread()))
        return lines

    def added(self, places: Sequence[int], sum_of: Mapping[int, int]) -> list[str]:
        """Return the lines that compute a row's registers and add some to the sums over rows."""
        operations = [place for place in places if self.linear.registers[place].op is not None]
        if len(operations) + len(sum_of) <= STRAIGHT_OPERATIONS:
            writer = self.straight(operations, (), self.lanes)
            writer.add([(to, place) for place, to in sum_of.items()])
            self.functions += writer.function("rows")
            return [f"  call void @rows({STRAIGHT_ARGUMENTS.format('', '')})"]
        lines = self.section("rows", operations, sum_of.keys() & set(operations), self.lanes)
        addition = Kernel(TREE, self.lanes, "CC", (ops.ADD, (OPERAND, OPERAND)), (0, 1))
        sums: list[Addresses] = [(to, to, self.row_address(place)) for place, to in sum_of.items()]
        return lines + self.calls("add", self.layout.progress(addition, [], sums))

    def moves(self, news: Sequence[tuple[int, int]]) -> list[Call]:
        """Return the calls that move registers of all networks to their addresses."""
        pairs = [(to, self.row_address(place)) for to, place in news]
        return self.layout.moved(
            [(to + lane, at + lane) for to, at in pairs if to != at for lane in range(self.lanes)]
        )

    def input_lines(self, k: int, inputs: int) -> list[str]:
        """Return the lines that copy input k of the next row to the lanes of all networks."""
        kind = vector_type(self.lanes)
        return [
            f"  %input_start_{k} = mul i64 %stride, {k}",
            f"  %input_index_{k} = add i64 %input_start_{k}, %row",
            f"  %input_from_{k} = getelementptr double, ptr %columns, i64 %input_index_{k}",
            f"  %cell_of_{k} = load double, ptr %input_from_{k}, align 8",
            f"  %first_of_{k} = insertelement {kind} poison, double %cell_of_{k}, i32 0",
            f"  %input_{k} = shufflevector {kind} %first_of_{k}, {kind} poison, "
            f"<{self.lanes} x i32> zeroinitializer",
            f"  %input_to_{k} = getelementptr double, ptr %memory, i64 {inputs + k * self.lanes}",
            f"  store {kind} %input_{k}, ptr %input_to_{k}, align 8",
        ]
