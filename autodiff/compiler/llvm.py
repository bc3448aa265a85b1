"""A program as LLVM assembly: the same registers, for one row or for several rows in lanes.

Straight-line code becomes functions of a few hundred operations each, because a compiler's work
on one function grows faster than the function.  What one of them computes and another needs goes
through memory, the *tape*.

A program over rows runs on vectors: lane k of every vector belongs to row ``row + k``.  The rows'
gradients are then added one row after the other: a square of vectors is transposed, so that
each holds one row's gradients, and those are added in row order.  The sums have the bits that
adding row by row gives.  Lanes beyond the last row are replaced by -0.0, which adds nothing.
"""

from __future__ import annotations

import ast
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from autodiff import ops
from autodiff.compiler.build import Parts, update_results
from autodiff.compiler.kernels import kernel_of
from autodiff.compiler.linear import Kind
from autodiff.ops import Operation
from autodiff.value import Value

__all__ = ["Assembly", "assembly_of"]

# Operations a function; longer ones cost more than linear time to compile.
FUNCTION_LENGTH = 500

# Every function of straight-line code takes these.
SIGNATURE = (
    "ptr noalias %parameters, ptr noalias %tape, ptr noalias %columns, i64 %row, i64 %stop, "
    "i64 %stride, ptr noalias %output, double %count"
)
ARGUMENTS = (
    "ptr %parameters, ptr %tape, ptr %columns, i64 {row}, i64 {stop}, i64 %stride, "
    "ptr {output}, double {count}"
)


@dataclass(frozen=True, slots=True)
class Store:
    """A number to be written: to a place of the tape, or (None) to where the output goes."""

    register: int
    slot: int | None


@dataclass(frozen=True, slots=True)
class Output:
    """The mean output of a batch, to be written to where outputs go."""

    sum_slot: int
    penalty: int | None


@dataclass(frozen=True, slots=True)
class Accumulate:
    """As many vectors as a vector has lanes, each to be added to its sum, row after row."""

    registers: tuple[int, ...]
    slot: int


Item = int | Store | Output | Accumulate


@dataclass(slots=True)
class Assembly:
    """The text, and what its caller must know.

    ``order`` is the order of the variables in memory; ``tape`` the doubles it needs; ``lanes``
    the rows that run at once; ``operations`` how many there are.
    """

    text: str
    order: list[Value]
    tape: int
    lanes: int
    operations: int
    library: list[str] = field(default_factory=list)


def literal(number: float) -> str:
    """Return a number as LLVM writes a double exactly: its bits.

    >>> literal(1.0)
    '0x3FF0000000000000'
    """
    return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"


def assembly_of(parts: Parts, lanes: int) -> Assembly:
    """Return the assembly of a program's ``run``; ``lanes`` counts rows that run at once."""
    order = [*parts.updates, *[v for v in parts.variables if v not in parts.updates]]
    writer = _Module(parts, order, lanes if parts.inputs else 1)
    body = writer.rows_program() if parts.inputs else writer.plain_program()
    declarations = [
        f"declare double @autodiff_{name}({', '.join(['double'] * count)}) #1"
        for name, count in sorted(writer.library.items())
    ]
    declarations += sorted(writer.intrinsics)
    attributes = [
        'attributes #0 = { nounwind "prefer-vector-width"="512" }',
        "attributes #1 = { nounwind willreturn memory(none) }",
    ]
    text = "\n".join([*declarations, "", *writer.functions, *body, "", *attributes]) + "\n"
    return Assembly(
        text, order, writer.tape, writer.lanes, writer.operations, sorted(writer.library)
    )


class _Module:
    """Writes the functions of one program."""

    def __init__(self, parts: Parts, order: Sequence[Value], lanes: int) -> None:
        self.parts = parts
        self.linear = parts.linear
        self.lanes = lanes
        self.parameter_index = {self.linear.of_value[v]: index for index, v in enumerate(order)}
        self.input_index = {self.linear.of_value[v]: k for k, v in enumerate(parts.inputs)}
        self.functions: list[str] = []
        self.library: dict[str, int] = {}
        self.tape = 0
        self.operations = 0
        self.sum_slots: dict[int, int] = {}
        self.slot_of_sum: dict[int, int] = {}
        self.slots: dict[int, int] = {}
        self.widths: dict[int, int] = {}
        self.intrinsics: set[str] = set()
        self.new_slot = self.reserve(len(parts.updates))

    def reserve(self, doubles: int) -> int:
        """Return the start of a new place in the tape, aligned for any vector."""
        start = self.tape
        self.tape += -(-doubles // 8) * 8
        return start

    # ---- whole programs --------------------------------------------------------------------

    def plain_program(self) -> list[str]:
        """Return ``run``: n iterations of forward, backward and update."""
        parts = self.parts
        live = self.by_depth(self.linear.live([parts.output, *update_results(parts)]))
        items: list[Item] = [*live, *self.new_values()]
        if parts.penalty is None:
            items.append(Store(parts.output, None))
        else:
            total = self.linear.operation(ops.ADD, (parts.output, parts.penalty), None, "")
            items[len(live) : len(live)] = [] if total in live else [total]
            items.append(Store(total, None))
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
        results = update_results(parts)
        after_live = linear.live(results)
        wanted = set(after_live)
        means = {leaf: place for leaf, place in parts.means.items() if place in wanted}
        gradients = [parts.gradients[leaf] for leaf in means]
        live = linear.live([parts.output, *gradients])
        of_the_row = linear.depending_on(linear.of_value[value] for value in parts.inputs)

        summed = list(dict.fromkeys([parts.output, *gradients]))
        sums = -(-len(summed) // self.lanes) * self.lanes
        first_sum = self.reserve(sums)
        groups = self.groups(summed, first_sum)
        for leaf, place in means.items():
            self.sum_slots[place] = self.slot_of_sum[parts.gradients[leaf]]

        once = [place for place in live if place not in of_the_row]
        before = self.section("once", once, 1, keep=once)
        rows = [place for place in live if place in of_the_row]
        inside = self.section("rows", self.placed(rows, groups), self.lanes)
        after = self.update_items(results, set(live))
        after.append(Output(self.slot_of_sum[parts.output], parts.penalty))
        after_names = self.section("update", after, 1)

        outside = ARGUMENTS.format(row="0", stop="0", output="%output", count="%count")
        in_rows = ARGUMENTS.format(row="%row", stop="%stop", output="%output", count="%count")
        width = len(parts.inputs)
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
            f"  store double {literal(-0.0)}, ptr %clear_place",
            "  %next_c = add i64 %c, 1",
            f"  %more_c = icmp slt i64 %next_c, {sums}",
            "  br i1 %more_c, label %clear, label %before",
            "before:",
            *[f"  call void @{name}({outside})" for name in before],
            "  br label %rows_loop",
            "rows_loop:",
            "  %row = phi i64 [ %start, %before ], [ %next_row, %rows_loop ]",
            *[f"  call void @{name}({in_rows})" for name in inside],
            f"  %next_row = add i64 %row, {self.lanes}",
            "  %more_rows = icmp slt i64 %next_row, %stop",
            "  br i1 %more_rows, label %rows_loop, label %update",
            "update:",
            *[f"  call void @{name}({outside})" for name in after_names],
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
        return [*items, *self.new_values()]

    def by_depth(self, places: Sequence[int]) -> list[int]:
        """Return registers with those first that wait for the fewest others.

        Equal operations of different rows then stand side by side, where LLVM can do several at
        once, and calls of ``exp`` follow each other, between which nothing has to be saved.
        """
        depth: dict[int, int] = {}
        for place in places:
            operands = self.linear.registers[place].operands
            depth[place] = 1 + max((depth.get(operand, 0) for operand in operands), default=0)
        return sorted(places, key=depth.__getitem__)

    def new_values(self) -> list[Item]:
        """Return the stores of the variables' new numbers, side by side in the tape."""
        return [
            Store(place, self.new_slot + index)
            for index, place in enumerate(self.parts.updates.values())
        ]

    def assign_new_values(self) -> list[str]:
        """Return the lines that give the variables their new numbers, all at once."""
        if not self.parts.updates:
            return []
        return [
            f"  %new = getelementptr double, ptr %tape, i64 {self.new_slot}",
            "  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %parameters, ptr align 8 %new, "
            f"i64 {8 * len(self.parts.updates)}, i1 false)",
        ]

    def groups(self, summed: Sequence[int], first: int) -> list[Accumulate]:
        """Return the sums in groups of as many as there are lanes, in order of definition."""
        ordered = sorted(summed)
        self.slot_of_sum = {place: first + index for index, place in enumerate(ordered)}
        return [
            Accumulate(tuple(ordered[start : start + self.lanes]), first + start)
            for start in range(0, len(ordered), self.lanes)
        ]

    def placed(self, places: Sequence[int], groups: Sequence[Accumulate]) -> list[Item]:
        """Return the registers with each group right behind the last that it needs."""
        items: list[Item] = []
        waiting = list(groups)
        for place in places:
            while waiting and max(waiting[0].registers) < place:
                items.append(waiting.pop(0))
            items.append(place)
        return items + waiting

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
            item: index
            for index, chunk in enumerate(chunks)
            for item in chunk
            if isinstance(item, int)
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
            self.functions += _Function(self, width).lines(names[-1], chunk)
        return names

    def keep(self, place: int, width: int) -> None:
        """Give a register a place in the tape, where other functions find it."""
        self.slots[place] = self.reserve(width)
        self.widths[place] = width

    def needs(self, item: Item) -> Sequence[int]:
        """Return the registers that an item reads."""
        match item:
            case Store(register, _):
                return (register,)
            case Output(_, penalty):
                return () if penalty is None else (penalty,)
            case Accumulate(registers, _):
                return registers
            case _:
                return self.linear.registers[item].operands

    @staticmethod
    def type_of(width: int) -> str:
        """Return LLVM's name of a vector of doubles, or of a double."""
        return "double" if width == 1 else f"<{width} x double>"

    @staticmethod
    def splat(text: str, width: int) -> str:
        """Return a constant in all lanes."""
        return text if width == 1 else f"splat (double {text})"


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


@cache
def exchange_masks(width: int, distance: int) -> tuple[str, str]:
    """Return the two lane choices that exchange lanes of two vectors a distance apart."""
    lanes = range(width)
    low = [j if not j & distance else width + (j ^ distance) for j in lanes]
    high = [j ^ distance if not j & distance else width + j for j in lanes]
    chosen = [", ".join(f"i32 {lane}" for lane in choice) for choice in (low, high)]
    return f"<{width} x i32> <{chosen[0]}>", f"<{width} x i32> <{chosen[1]}>"


class _Function:
    """Writes one function of straight-line code."""

    def __init__(self, module: _Module, width: int) -> None:
        self.module = module
        self.width = width
        self.type = module.type_of(width)
        self.body: list[str] = []
        self.here: dict[int, str] = {}
        self.fresh = 0
        self.mask = ""

    def lines(self, name: str, items: Sequence[Item]) -> list[str]:
        """Return the function's text."""
        for item in items:
            self.item(item)
        return [
            f"define internal void @{name}({SIGNATURE}) #0 {{",
            *[f"  {line}" for line in self.body],
            "  ret void",
            "}",
            "",
        ]

    def emit(self, expression: str) -> str:
        """Append an instruction and return the name of its result."""
        self.fresh += 1
        name = f"%t{self.fresh}"
        self.body.append(f"{name} = {expression}")
        return name

    # ---- items -----------------------------------------------------------------------------

    def item(self, item: Item) -> None:
        match item:
            case Store(register, slot):
                target = "%output" if slot is None else self.place_in_tape(slot)
                self.body.append(f"store double {self.operand(register)}, ptr {target}, align 8")
            case Output(sum_slot, penalty):
                mean = self.mean(sum_slot)
                if penalty is not None:
                    mean = self.emit(f"fadd double {mean}, {self.operand(penalty)}")
                self.body.append(f"store double {mean}, ptr %output, align 8")
            case Accumulate(registers, slot):
                self.accumulate(registers, slot)
            case _:
                self.register(item)

    def register(self, place: int) -> None:
        """Write the operation of a register, and keep its result in the tape if it has a slot."""
        register = self.module.linear.registers[place]
        if register.kind is not Kind.OPERATION:
            return
        assert register.op is not None
        self.module.operations += 1
        operands = [self.operand(operand) for operand in register.operands]
        result = self.operation(register.op, operands)
        self.here[place] = result
        if place in self.module.slots:
            target = self.place_in_tape(self.module.slots[place])
            self.body.append(f"store {self.type} {result}, ptr {target}, align 8")

    def accumulate(self, registers: Sequence[int], slot: int) -> None:
        """Add each register's lanes to its sum, in order of the rows."""
        none = self.module.splat(literal(-0.0), self.width)
        rows = []
        for place in registers:
            rows.append(
                self.emit(
                    f"select <{self.width} x i1> {self.rows_mask()}, {self.type} "
                    f"{self.operand(place)}, {self.type} {none}"
                )
                if self.width > 1
                else self.operand(place)
            )
        rows += [none] * (self.width - len(rows))
        target = self.place_in_tape(slot)
        total = self.emit(f"load {self.type}, ptr {target}, align 8")
        for row in self.transposed(rows):
            total = self.emit(f"fadd {self.type} {total}, {row}")
        self.body.append(f"store {self.type} {total}, ptr {target}, align 8")

    def transposed(self, vectors: list[str]) -> list[str]:
        """Return a square of vectors with lanes and vectors exchanged, bit by bit of the index."""
        distance = 1
        while distance < self.width:
            low, high = exchange_masks(self.width, distance)
            for index in range(self.width):
                if not index & distance:
                    pair = f"{self.type} {vectors[index]}, {self.type} {vectors[index | distance]}"
                    vectors[index] = self.emit(f"shufflevector {pair}, {low}")
                    vectors[index | distance] = self.emit(f"shufflevector {pair}, {high}")
            distance *= 2
        return vectors

    def rows_mask(self) -> str:
        """Return which lanes hold a row of the batch."""
        if not self.mask:
            left = self.emit("sub i64 %stop, %row")
            vector = f"<{self.width} x i64>"
            one = self.emit(f"insertelement {vector} poison, i64 {left}, i32 0")
            zeros = f"<{self.width} x i32> zeroinitializer"
            every = self.emit(f"shufflevector {vector} {one}, {vector} poison, {zeros}")
            lanes = ", ".join(f"i64 {lane}" for lane in range(self.width))
            self.mask = self.emit(f"icmp slt {vector} <{lanes}>, {every}")
        return self.mask

    # ---- operands --------------------------------------------------------------------------

    def operand(self, place: int) -> str:
        """Return a register as an operand here, loaded if it was computed elsewhere."""
        if place in self.here:
            return self.here[place]
        module = self.module
        register = module.linear.registers[place]
        match register.kind:
            case Kind.NUMBER:
                return module.splat(literal(register.number), self.width)
            case Kind.VARIABLE:
                index = module.parameter_index[place]
                pointer = self.emit(f"getelementptr double, ptr %parameters, i64 {index}")
                text = self.everywhere(self.emit(f"load double, ptr {pointer}, align 8"))
            case Kind.INPUT:
                text = self.input(module.input_index[place])
            case Kind.MEAN:
                text = self.mean(module.sum_slots[place])
            case _:
                width = module.widths[place]
                pointer = self.place_in_tape(module.slots[place])
                text = self.emit(f"load {module.type_of(width)}, ptr {pointer}, align 8")
                text = text if width == self.width else self.everywhere(text)
        self.here[place] = text
        return text

    def everywhere(self, scalar: str) -> str:
        """Return a number in all lanes."""
        if self.width == 1:
            return scalar
        one = self.emit(f"insertelement {self.type} poison, double {scalar}, i32 0")
        zeros = f"<{self.width} x i32> zeroinitializer"
        return self.emit(f"shufflevector {self.type} {one}, {self.type} poison, {zeros}")

    def input(self, k: int) -> str:
        """Return input k of the rows from ``%row`` on."""
        column = self.emit(f"mul i64 %stride, {k}")
        index = self.emit(f"add i64 {column}, %row")
        pointer = self.emit(f"getelementptr double, ptr %columns, i64 {index}")
        return self.emit(f"load {self.type}, ptr {pointer}, align 8")

    def mean(self, slot: int) -> str:
        """Return a sum over the rows, divided by their number."""
        total = self.emit(f"load double, ptr {self.place_in_tape(slot)}, align 8")
        return self.emit(f"fdiv double {total}, %count")

    def place_in_tape(self, slot: int) -> str:
        return self.emit(f"getelementptr double, ptr %tape, i64 {slot}")

    # ---- operations ------------------------------------------------------------------------

    def operation(self, op: Operation, operands: Sequence[str]) -> str:
        """Return the result of an operation."""
        if op in _INFIX:
            return self.emit(f"{_INFIX[op]} {self.type} {', '.join(operands)}")
        kernel = kernel_of(op)
        names = dict(zip(kernel.parameters, operands, strict=True))
        for target, expression in kernel.assignments:
            names[target] = self.number(expression, names)
        return self.number(kernel.result, names)

    def number(self, node: ast.expr, names: dict[str, str]) -> str:
        """Return the result of a kernel's expression."""
        match node:
            case ast.Constant(int() | float() as value):
                return self.module.splat(literal(float(value)), self.width)
            case ast.Name(name) if name in names:
                return names[name]
            case ast.Name("inf" | "nan" as name):
                return self.module.splat(literal(float(name)), self.width)
            case ast.UnaryOp(ast.USub(), operand):
                return self.emit(f"fneg {self.type} {self.number(operand, names)}")
            case ast.BinOp(left, operator, right):
                word = _ARITHMETIC[type(operator)]
                a, b = self.number(left, names), self.number(right, names)
                return self.emit(f"{word} {self.type} {a}, {b}")
            case ast.IfExp(test, chosen, other):
                condition = self.condition(test, names)
                a, b = self.number(chosen, names), self.number(other, names)
                bits = "i1" if self.width == 1 else f"<{self.width} x i1>"
                return self.emit(f"select {bits} {condition}, {self.type} {a}, {self.type} {b}")
            case ast.Call(ast.Name(function), arguments):
                return self.call(function, [self.number(part, names) for part in arguments])
        raise ValueError(f"cannot write {ast.unparse(node)!r} in LLVM")

    def condition(self, node: ast.expr, names: dict[str, str]) -> str:
        """Return a kernel's condition as a bit, or as a bit for each lane."""
        match node:
            case ast.Compare(left, [operator], [right]):
                word = _COMPARISONS[type(operator)]
                a, b = self.number(left, names), self.number(right, names)
                return self.emit(f"fcmp {word} {self.type} {a}, {b}")
            case ast.BoolOp(operator, values):
                word = "or" if isinstance(operator, ast.Or) else "and"
                bits = "i1" if self.width == 1 else f"<{self.width} x i1>"
                first, *others = [self.condition(value, names) for value in values]
                for other in others:
                    first = self.emit(f"{word} {bits} {first}, {other}")
                return first
        raise ValueError(f"cannot write the condition {ast.unparse(node)!r} in LLVM")

    def call(self, function: str, operands: Sequence[str]) -> str:
        """Return a function of C's library, or another operation, of the operands."""
        if function == "fabs":
            return self.absolute(operands[0])
        op = _OPERATION_OF.get(function)
        if op is not None and function not in _LIBRARY_NAMES:
            return self.operation(op, operands)
        self.module.library[function] = len(operands)
        if self.width == 1:
            arguments = ", ".join(f"double {operand}" for operand in operands)
            return self.emit(f"call double @autodiff_{function}({arguments})")
        result = "poison"
        for lane in range(self.width):
            scalars = [
                self.emit(f"extractelement {self.type} {operand}, i32 {lane}")
                for operand in operands
            ]
            arguments = ", ".join(f"double {scalar}" for scalar in scalars)
            one = self.emit(f"call double @autodiff_{function}({arguments})")
            result = self.emit(f"insertelement {self.type} {result}, double {one}, i32 {lane}")
        return result

    def absolute(self, operand: str) -> str:
        """Return the absolute value: LLVM's own, which is exact."""
        suffix = "f64" if self.width == 1 else f"v{self.width}f64"
        self.module.intrinsics.add(f"declare {self.type} @llvm.fabs.{suffix}({self.type})")
        return self.emit(f"call {self.type} @llvm.fabs.{suffix}({self.type} {operand})")


_INFIX = {ops.ADD: "fadd", ops.SUB: "fsub", ops.MUL: "fmul", ops.DIV: "fdiv", ops.NEG: "fneg"}
_ARITHMETIC = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
_COMPARISONS = {
    ast.Lt: "olt",
    ast.LtE: "ole",
    ast.Gt: "ogt",
    ast.GtE: "oge",
    ast.Eq: "oeq",
    ast.NotEq: "une",
}
_OPERATION_OF = {op.forward.__name__: op for op in ops.OPERATIONS.values()}
_LIBRARY_NAMES = frozenset({"exp", "log", "sqrt", "sin", "cos", "tan", "tanh"})
