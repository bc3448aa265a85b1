"""One function of LLVM assembly: straight-line code for numbers, or for vectors of rows.

A function reads parameters, inputs and the tape, and writes to the tape.  :class:`Layout` knows
where in them every register's number is.
"""

from __future__ import annotations

import ast
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from autodiff.compiler.kernels import C_LIBRARY, OPERATION_OF_FUNCTION, kernel_of
from autodiff.compiler.linear import Kind, Linear
from autodiff.compiler.row_sums import SumPlan
from autodiff.ops import Operation

__all__ = [
    "Assign",
    "Function",
    "Item",
    "Layout",
    "Output",
    "Store",
    "Together",
    "literal",
    "uses_exp",
]

# LLVM asks of any two accesses to memory whether they may be exchanged.  A barrier after every so
# many items keeps that from growing with their number squared; it is no instruction.
ITEMS_TOGETHER = 50
BARRIER = 'fence syncscope("singlethread") seq_cst'

# Sums that are kept in the processor's registers while rows are added.
SUMS_AT_ONCE = 16

# Every function of straight-line code takes these.
SIGNATURE = (
    "ptr noalias %parameters, ptr noalias %tape, ptr noalias %columns, i64 %row, i64 %stop, "
    "i64 %stride, ptr noalias %output, double %count"
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
class Together:
    """Registers of one operation, independent of each other, to be computed in lanes."""

    registers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Assign:
    """The variables' new numbers, to be written over the old ones, all at once."""

    registers: tuple[int, ...]


Item = int | Store | Output | Together | Assign


def literal(number: float) -> str:
    """Return a number as LLVM writes a double exactly: its bits.

    >>> literal(1.0)
    '0x3FF0000000000000'
    """
    return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"


@cache
def uses_exp(op: Operation) -> bool:
    """Return whether an operation calls ``exp``, or another that does."""
    kernel = kernel_of(op)
    expressions = [kernel.result, *[expression for _, expression in kernel.assignments]]
    called = {
        node.func.id
        for expression in expressions
        for node in ast.walk(expression)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    others = called & OPERATION_OF_FUNCTION.keys() - C_LIBRARY.keys()
    return "exp" in called or any(uses_exp(OPERATION_OF_FUNCTION[name]) for name in others)


class Layout:
    """Where the numbers of one program are, and what its functions have called so far.

    ``slots`` are the places in the tape of registers, each of as many lanes as ``widths`` says;
    ``sum_slots`` those of the means over rows; ``vector_slots`` and ``factor_slots`` those that
    sums over rows are made of.  ``exp_width`` is the width of vectors that have an ``exp`` of
    their own, or 0.
    """

    def __init__(self, linear: Linear, exp_width: int) -> None:
        self.linear = linear
        self.exp_width = exp_width
        self.parameter_index: dict[int, int] = {}
        self.input_index: dict[int, int] = {}
        self.tape = 0
        self.slots: dict[int, int] = {}
        self.widths: dict[int, int] = {}
        self.sum_slots: dict[int, int] = {}
        self.vector_slots: dict[int, int] = {}
        self.factor_slots: dict[int, int] = {}
        self.library: set[str] = set()
        self.intrinsics: set[str] = set()

    def reserve(self, doubles: int) -> int:
        """Return the start of a new place in the tape, aligned for any vector."""
        start = self.tape
        self.tape += -(-doubles // 8) * 8
        return start

    def keep(self, place: int, width: int) -> None:
        """Give a register a place in the tape, where other functions find it."""
        self.slots[place] = self.reserve(width)
        self.widths[place] = width

    @staticmethod
    def type_of(width: int) -> str:
        """Return LLVM's name of a vector of doubles, or of a double."""
        return "double" if width == 1 else f"<{width} x double>"

    @staticmethod
    def splat(text: str, width: int) -> str:
        """Return a constant in all lanes."""
        return text if width == 1 else f"splat (double {text})"


@cache
def exchange_masks(width: int, distance: int) -> tuple[str, str]:
    """Return the two lane choices that exchange lanes of two vectors a distance apart."""
    lanes = range(width)
    low = [j if not j & distance else width + (j ^ distance) for j in lanes]
    high = [j ^ distance if not j & distance else width + j for j in lanes]
    chosen = [", ".join(f"i32 {lane}" for lane in choice) for choice in (low, high)]
    return f"<{width} x i32> <{chosen[0]}>", f"<{width} x i32> <{chosen[1]}>"


class Function:
    """Writes one function of straight-line code."""

    def __init__(self, layout: Layout, width: int) -> None:
        self.layout = layout
        self.width = width
        self.type = layout.type_of(width)
        self.body: list[str] = []
        self.here: dict[int, str] = {}
        self.fresh = 0

    def lines(self, name: str, items: Sequence[Item]) -> list[str]:
        """Return the function's text."""
        for count, item in enumerate(items, 1):
            self.item(item)
            if count % ITEMS_TOGETHER == 0:
                self.body.append(BARRIER)
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
        """Write one item."""
        match item:
            case Store(register, slot):
                target = "%output" if slot is None else self.place_in_tape(slot)
                stored = self.operand(register)
                self.body.append(f"store {self.type} {stored}, ptr {target}, align 8")
            case Output(sum_slot, penalty):
                mean = self.mean(sum_slot)
                if penalty is not None:
                    mean = self.emit(f"fadd double {mean}, {self.operand(penalty)}")
                self.body.append(f"store double {mean}, ptr %output, align 8")
            case Assign(registers):
                new = [self.operand(place) for place in registers]  # before any is overwritten
                for index, number in enumerate(new):
                    target = self.emit(f"getelementptr double, ptr %parameters, i64 {index}")
                    self.body.append(f"store double {number}, ptr {target}, align 8")
            case Together(registers):
                self.together(registers, self.layout.exp_width)
            case _:
                self.register(item)

    def register(self, place: int) -> None:
        """Write the operation of a register, and keep its result in the tape if it has a slot."""
        register = self.layout.linear.registers[place]
        if register.kind is not Kind.OPERATION:
            return
        assert register.op is not None
        operands = [self.operand(operand) for operand in register.operands]
        self.computed(place, self.operation(register.op, operands))

    def computed(self, place: int, result: str) -> None:
        """Take down the result of a register, and keep it in the tape if it has a slot."""
        self.here[place] = result
        if place in self.layout.slots:
            target = self.place_in_tape(self.layout.slots[place])
            self.body.append(f"store {self.type} {result}, ptr {target}, align 8")

    def together(self, places: Sequence[int], width: int) -> None:
        """Write the operation of several registers in lanes of a vector, in a scalar function."""
        registers = [self.layout.linear.registers[place] for place in places]
        op = registers[0].op
        assert op is not None
        scalars = [[self.operand(place) for place in register.operands] for register in registers]
        self.width, self.type = width, self.layout.type_of(width)
        operands = [self.packed(column) for column in zip(*scalars, strict=True)]
        vector, kind = self.operation(op, operands), self.type
        self.width, self.type = 1, self.layout.type_of(1)
        for lane, place in enumerate(places):
            self.computed(place, self.emit(f"extractelement {kind} {vector}, i32 {lane}"))

    def packed(self, scalars: Sequence[str]) -> str:
        """Return numbers in the lanes of a vector; the first is in the lanes that are left."""
        vector = self.everywhere(scalars[0])
        for lane, scalar in enumerate(scalars[1:], 1):
            vector = self.emit(f"insertelement {self.type} {vector}, double {scalar}, i32 {lane}")
        return vector

    def add_rows(self, plan: SumPlan, first_sum: int) -> list[str]:
        """Return the function that adds the first ``%rows`` lanes to the sums, in order."""
        transposed = {}
        for number, start in self.layout.vector_slots.items():
            transposed[number] = self.layout.reserve(self.width * self.width)
            self.transpose(start, transposed[number])
        block = "entry"
        for start in range(0, len(plan.groups), SUMS_AT_ONCE):
            groups = plan.groups[start : start + SUMS_AT_ONCE]
            places = [
                self.place_in_tape(first_sum + (start + index) * self.width)
                for index in range(len(groups))
            ]
            before = [self.emit(f"load {self.type}, ptr {place}, align 8") for place in places]
            loop, end = f"loop_{start}", f"end_{start}"
            self.body += [f"br label %{loop}", f"{loop}:"]
            self.body.append(f"%row_{start} = phi i64 [ 0, %{block} ], [ %next_{start}, %{loop} ]")
            after = [f"%sum_{start + index}" for index in range(len(groups))]
            sums = [
                self.emit(f"phi {self.type} [ {old}, %{block} ], [ {new}, %{loop} ]")
                for old, new in zip(before, after, strict=True)
            ]
            offset = self.emit(f"mul i64 %row_{start}, {self.width}")
            of_row = self.emit(f"getelementptr double, ptr %tape, i64 {offset}")
            of_lane = self.emit(f"getelementptr double, ptr %tape, i64 %row_{start}")
            vectors: dict[int, str] = {}
            for old, new, group in zip(sums, after, groups, strict=True):
                if group.vector not in vectors:
                    vectors[group.vector] = self.loaded(of_row, transposed[group.vector], self.type)
                term = vectors[group.vector]
                if group.factor is not None:
                    slot = self.layout.factor_slots[group.factor]
                    factor = self.everywhere(self.loaded(of_lane, slot, "double"))
                    term = self.emit(f"fmul {self.type} {factor}, {term}")
                self.body.append(f"{new} = fadd {self.type} {old}, {term}")
            self.body += [
                f"%next_{start} = add i64 %row_{start}, 1",
                f"%more_{start} = icmp slt i64 %next_{start}, %rows",
                f"br i1 %more_{start}, label %{loop}, label %{end}",
                f"{end}:",
                *[
                    f"store {self.type} {total}, ptr {place}, align 8"
                    for total, place in zip(after, places, strict=True)
                ],
            ]
            block = end
        return [
            "define internal void @add_rows(ptr noalias %tape, i64 %rows) #0 {",
            "entry:",
            *[f"  {line}" for line in self.body],
            "  ret void",
            "}",
            "",
        ]

    def loaded(self, base: str, slot: int, kind: str) -> str:
        """Return what is loaded from that many doubles behind the base."""
        place = self.emit(f"getelementptr double, ptr {base}, i64 {slot}")
        return self.emit(f"load {kind}, ptr {place}, align 8")

    def transpose(self, source: int, target: int) -> None:
        """Write the vectors at the source to the target with lanes and vectors exchanged."""
        vectors = [
            self.loaded("%tape", source + index * self.width, self.type)
            for index in range(self.width)
        ]
        for index, vector in enumerate(self.transposed(vectors)):
            place = self.place_in_tape(target + index * self.width)
            self.body.append(f"store {self.type} {vector}, ptr {place}, align 8")

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

    # ---- operands --------------------------------------------------------------------------

    def operand(self, place: int) -> str:
        """Return a register as an operand here, loaded if it was computed elsewhere."""
        if place in self.here:
            return self.here[place]
        layout = self.layout
        register = layout.linear.registers[place]
        match register.kind:
            case Kind.NUMBER:
                return layout.splat(literal(register.number), self.width)
            case Kind.VARIABLE:
                index = layout.parameter_index[place]
                pointer = self.emit(f"getelementptr double, ptr %parameters, i64 {index}")
                text = self.everywhere(self.emit(f"load double, ptr {pointer}, align 8"))
            case Kind.INPUT:
                text = self.input(layout.input_index[place])
            case Kind.MEAN:
                text = self.mean(layout.sum_slots[place])
            case _:
                width = layout.widths[place]
                pointer = self.place_in_tape(layout.slots[place])
                text = self.emit(f"load {layout.type_of(width)}, ptr {pointer}, align 8")
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
        """Return a mean over the rows: the sum was divided by their number."""
        return self.emit(f"load double, ptr {self.place_in_tape(slot)}, align 8")

    def place_in_tape(self, slot: int) -> str:
        """Return a pointer to a place of the tape."""
        return self.emit(f"getelementptr double, ptr %tape, i64 {slot}")

    # ---- operations ------------------------------------------------------------------------

    def operation(self, op: Operation, operands: Sequence[str]) -> str:
        """Return the result of an operation."""
        kernel = kernel_of(op)
        names = dict(zip(kernel.parameters, operands, strict=True))
        for target, expression in kernel.assignments:
            names[target] = self.number(expression, names)
        return self.number(kernel.result, names)

    def number(self, node: ast.expr, names: dict[str, str]) -> str:
        """Return the result of a kernel's expression."""
        match node:
            case ast.Constant(int() | float() as value):
                return self.layout.splat(literal(float(value)), self.width)
            case ast.Name(name):
                return names[name]
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
        assert isinstance(node, ast.Call), "a kernel has no more"
        assert isinstance(node.func, ast.Name), "it calls by plain name"
        return self.call(node.func.id, [self.number(part, names) for part in node.args])

    def condition(self, node: ast.expr, names: dict[str, str]) -> str:
        """Return a kernel's condition as a bit, or as a bit for each lane."""
        if isinstance(node, ast.Compare):
            word = _COMPARISONS[type(node.ops[0])]
            a, b = self.number(node.left, names), self.number(node.comparators[0], names)
            return self.emit(f"fcmp {word} {self.type} {a}, {b}")
        assert isinstance(node, ast.BoolOp), "a kernel has no other conditions"
        word = "or" if isinstance(node.op, ast.Or) else "and"
        bits = "i1" if self.width == 1 else f"<{self.width} x i1>"
        first, *others = [self.condition(value, names) for value in node.values]
        for other in others:
            first = self.emit(f"{word} {bits} {first}, {other}")
        return first

    def call(self, function: str, operands: Sequence[str]) -> str:
        """Return a function of C's library, or another operation, of the operands."""
        if function == "fabs":
            return self.absolute(operands[0])
        if function not in C_LIBRARY:
            return self.operation(OPERATION_OF_FUNCTION[function], operands)
        if function == "exp" and self.width == self.layout.exp_width:
            vector = f"{self.type} @autodiff_exp_{self.width}"
            self.layout.intrinsics.add(f"declare {vector}({self.type}) #1")
            return self.emit(f"call {vector}({self.type} {operands[0]})")
        self.layout.library.add(function)
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
        self.layout.intrinsics.add(f"declare {self.type} @llvm.fabs.{suffix}({self.type})")
        return self.emit(f"call {self.type} @llvm.fabs.{suffix}({self.type} {operand})")


_ARITHMETIC = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
_COMPARISONS = {
    ast.Lt: "olt",
    ast.LtE: "ole",
    ast.Gt: "ogt",
    ast.GtE: "oge",
    ast.Eq: "oeq",
    ast.NotEq: "une",
}
