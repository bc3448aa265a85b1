"""Operations as LLVM assembly, on a number or on a vector of numbers."""

from __future__ import annotations

import ast
import struct
from collections.abc import Sequence
from functools import cache

from autodiff.compiler.kernels import C_LIBRARY, OPERATION_OF_FUNCTION, kernel_of
from autodiff.ops import Operation

__all__ = ["Externals", "Operations", "literal", "vector_type"]

# Functions that every processor computes, with the one result that IEEE 754 has for them.
EXACT = ("fabs", "sqrt")

# Fewer exponentials than these are faster one by one.
FEWEST_TOGETHER = 3


def literal(number: float) -> str:
    """Return a number as LLVM writes a double exactly: its bits.

    >>> literal(1.0)
    '0x3FF0000000000000'
    """
    return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"


def vector_type(width: int) -> str:
    """Return LLVM's name of a vector of doubles, or of a double."""
    return "double" if width == 1 else f"<{width} x double>"


class Externals:
    """The functions that an assembly calls and does not define.

    ``exp_width`` is the width of vectors that have an ``exp`` of their own, or 0.
    """

    def __init__(self, exp_width: int) -> None:
        self.exp_width = exp_width
        self.declared: set[str] = set()

    def lines(self) -> list[str]:
        """Return their declarations."""
        return sorted(self.declared)


class Operations:
    """Writes instructions that work on vectors of ``width`` numbers, or on numbers if it is 1."""

    def __init__(self, externals: Externals, width: int) -> None:
        self.externals = externals
        self.body: list[str] = []
        self.fresh = 0
        self.set_width(width)

    def set_width(self, width: int) -> None:
        """Go on with vectors of that width."""
        self.width = width
        self.type = vector_type(width)

    def emit(self, expression: str) -> str:
        """Append an instruction and return the name of its result."""
        self.fresh += 1
        name = f"%t{self.fresh}"
        self.body.append(f"  {name} = {expression}")
        return name

    def everywhere(self, scalar: str) -> str:
        """Return a number in all lanes."""
        if self.width == 1:
            return scalar
        one = self.emit(f"insertelement {self.type} poison, double {scalar}, i32 0")
        zeros = f"<{self.width} x i32> zeroinitializer"
        return self.emit(f"shufflevector {self.type} {one}, {self.type} poison, {zeros}")

    def constant(self, number: float) -> str:
        """Return a constant in all lanes."""
        text = literal(number)
        return text if self.width == 1 else f"splat (double {text})"

    def packed(self, scalars: Sequence[str]) -> str:
        """Return numbers in the lanes of a vector; the first is in the lanes that are left."""
        vector = self.everywhere(scalars[0])
        for lane, scalar in enumerate(scalars[1:], 1):
            vector = self.emit(f"insertelement {self.type} {vector}, double {scalar}, i32 {lane}")
        return vector

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
                return self.constant(float(value))
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
        if function in EXACT:
            suffix = "f64" if self.width == 1 else f"v{self.width}f64"
            name = f"@llvm.{function}.{suffix}"
            self.externals.declared.add(f"declare {self.type} {name}({self.type})")
            return self.emit(f"call {self.type} {name}({self.type} {operands[0]})")
        if function not in C_LIBRARY:
            return self.operation(OPERATION_OF_FUNCTION[function], operands)
        if function == "exp" and FEWEST_TOGETHER <= self.width <= self.externals.exp_width:
            return self.vector_exp(operands[0])
        kinds = ", ".join(["double"] * C_LIBRARY[function])
        self.externals.declared.add(f"declare double @autodiff_{function}({kinds}) #1")
        lanes = [self.lanes(operand) for operand in operands]
        results = []
        for scalars in zip(*lanes, strict=True):
            arguments = ", ".join(f"double {scalar}" for scalar in scalars)
            results.append(self.emit(f"call double @autodiff_{function}({arguments})"))
        return self.packed(results)

    def lanes(self, vector: str) -> list[str]:
        """Return the numbers of a vector."""
        if self.width == 1:
            return [vector]
        return [
            self.emit(f"extractelement {self.type} {vector}, i32 {lane}")
            for lane in range(self.width)
        ]

    def vector_exp(self, operand: str) -> str:
        """Return ``exp`` of all lanes, by the function for the widest vectors."""
        wide = self.externals.exp_width
        kind = vector_type(wide)
        self.externals.declared.add(f"declare {kind} @autodiff_exp_{wide}({kind}) #1")
        if self.width < wide:
            operand = self.resized(operand, self.width, wide)
        result = self.emit(f"call {kind} @autodiff_exp_{wide}({kind} {operand})")
        return result if self.width == wide else self.resized(result, wide, self.width)

    def resized(self, vector: str, width: int, to: int) -> str:
        """Return a vector with its lanes repeated, or its first lanes alone."""
        lanes = ", ".join(f"i32 {lane % width}" for lane in range(to))
        kind = vector_type(width)
        return self.emit(f"shufflevector {kind} {vector}, {kind} poison, <{to} x i32> <{lanes}>")

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


@cache
def exchange_masks(width: int, distance: int) -> tuple[str, str]:
    """Return the two lane choices that exchange lanes of two vectors a distance apart."""
    lanes = range(width)
    low = [j if not j & distance else width + (j ^ distance) for j in lanes]
    high = [j ^ distance if not j & distance else width + j for j in lanes]
    chosen = [", ".join(f"i32 {lane}" for lane in choice) for choice in (low, high)]
    return f"<{width} x i32> <{chosen[0]}>", f"<{width} x i32> <{chosen[1]}>"


_ARITHMETIC = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
_COMPARISONS = {
    ast.Lt: "olt",
    ast.LtE: "ole",
    ast.Gt: "ogt",
    ast.GtE: "oge",
    ast.Eq: "oeq",
    ast.NotEq: "une",
}
