"""``exp`` of several numbers at once, with the bits of C's library.

Most of the time of a network of sigmoids goes into ``exp``.  The function here works on a vector,
by the method of the library that GNU's C library, musl and others take theirs from (ARM's
optimized routines): with x = k ln 2 / 128 + r, exp(x) = 2**(k/128) exp(r), the first factor from a
table, the second by a polynomial.  As each step rounds in the same way, so does the result.

No standard says how ``exp`` rounds, so it is only used once :func:`agrees` has found the bits of
this machine's own.  Two formulas of this accuracy differ in about one result of a hundred, so
thousands of equal results mean that the formula is the same.
"""

from __future__ import annotations

import ctypes
import math
import struct
from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from typing import Any

from autodiff.ops import exp

__all__ = ["agrees", "exp_assembly"]

ENTRIES = 128
# The steps are exact, and the result normal, for numbers smaller than this.
LIMIT = 512.0
# To the nearest integer, in the last bits of the sum.
SHIFT = 1.5 * 2.0**52
LN2_HIGH, LN2_LOW = float.fromhex("0x1.62e42fefa0000p-8"), float.fromhex("0x1.cf79abc9e3b39p-47")
# exp(r) - 1 - r is near r² times this polynomial: ARM's coefficients.
POLYNOMIAL = tuple(
    float.fromhex(digits)
    for digits in (
        *("0x1.ffffffffffdbdp-2", "0x1.555555555543cp-3"),
        *("0x1.55555cf172b91p-5", "0x1.1111167a4d017p-7"),
    )
)


def bits(number: float) -> int:
    """Return the 64 bits of a double as a signed integer."""
    return int(struct.unpack("<q", struct.pack("<d", number))[0])


def table() -> tuple[list[int], list[int]]:
    """Return, for each k, what 2**(k/128) is to be multiplied by, less 1, and its leading bits.

    Both as bits; the exponent that the second will be given, k * 2**52 / 128, is taken off.
    """
    tails, heads = [], []
    with localcontext(Context(prec=50)):
        power, step = Decimal(1), (Decimal(2).ln() / ENTRIES).exp()
        for k in range(ENTRIES):
            head = float(power)
            tails.append(bits(float(power / Decimal(head) - 1)))
            heads.append(bits(head) - (k << 52) // ENTRIES)
            power *= step
    return tails, heads


def exp_assembly(width: int) -> str:
    """Return LLVM assembly of ``autodiff_exp_W``, the function of a vector of width W.

    ``fill(count, numbers, results)`` calls it for many numbers.
    """
    tails, heads = table()
    lines = [
        f"@{name} = internal constant [{ENTRIES} x i64] [{', '.join(f'i64 {b}' for b in numbers)}]"
        for name, numbers in (("tails", tails), ("heads", heads))
    ]
    lines.append("declare double @autodiff_exp(double)")
    return "\n".join([*lines, *_vector_function(width), *_fill_function(width)]) + "\n"


def _vector_function(width: int) -> list[str]:
    doubles, integers = f"<{width} x double>", f"<{width} x i64>"
    pointers, every = f"<{width} x ptr>", f"<{width} x i1> splat (i1 true)"
    fma, gather = f"llvm.fma.v{width}f64", f"llvm.masked.gather.v{width}i64.v{width}p0"
    second, third, fourth, fifth = map(_splat, POLYNOMIAL)
    shift = _splat(SHIFT)
    lines = [
        f"declare {doubles} @{fma}({doubles}, {doubles}, {doubles})",
        f"declare {doubles} @llvm.fabs.v{width}f64({doubles})",
        f"declare {integers} @{gather}({pointers}, i32, <{width} x i1>, {integers})",
        f"define {doubles} @autodiff_exp_{width}({doubles} %x) {{",
        f"  %size = call {doubles} @llvm.fabs.v{width}f64({doubles} %x)",
        f"  %small = fcmp olt {doubles} %size, {_splat(LIMIT)}",
        f"  %which = bitcast <{width} x i1> %small to i{width}",
        f"  %all = icmp eq i{width} %which, -1",
        "  br i1 %all, label %together, label %apart",
        "together:",
        *_fused("shifted", width, "%x", _splat(ENTRIES / math.log(2.0)), shift),
        f"  %k = bitcast {doubles} %shifted to {integers}",
        f"  %whole = fsub {doubles} %shifted, {shift}",
        *_fused("nearly", width, "%whole", _splat(-LN2_HIGH), "%x"),
        *_fused("r", width, "%whole", _splat(-LN2_LOW), "%nearly"),
        f"  %entry = and {integers} %k, splat (i64 {ENTRIES - 1})",
    ]
    for name in ("tail", "head"):
        lines += [
            f"  %{name}_place = getelementptr i64, ptr @{name}s, {integers} %entry",
            f"  %{name}_bits = call {integers} @{gather}({pointers} %{name}_place, i32 8, "
            f"{every}, {integers} poison)",
        ]
    lines += [
        f"  %tail = bitcast {integers} %tail_bits to {doubles}",
        f"  %exponent = shl {integers} %k, splat (i64 {52 - (ENTRIES.bit_length() - 1)})",
        f"  %power_bits = add {integers} %head_bits, %exponent",
        f"  %power = bitcast {integers} %power_bits to {doubles}",
        f"  %square = fmul {doubles} %r, %r",
        *_fused("low", width, "%r", third, second),
        *_fused("high", width, "%r", fifth, fourth),
        f"  %first = fadd {doubles} %tail, %r",
        *_fused("more", width, "%square", "%low", "%first"),
        f"  %fourth_power = fmul {doubles} %square, %square",
        *_fused("rest", width, "%fourth_power", "%high", "%more"),
        *_fused("result", width, "%power", "%rest", "%power"),
        f"  ret {doubles} %result",
        "apart:",
    ]
    result = "poison"
    for lane in range(width):
        lines += [
            f"  %x_{lane} = extractelement {doubles} %x, i32 {lane}",
            f"  %exp_{lane} = call double @autodiff_exp(double %x_{lane})",
            f"  %upto_{lane} = insertelement {doubles} {result}, double %exp_{lane}, i32 {lane}",
        ]
        result = f"%upto_{lane}"
    return [*lines, f"  ret {doubles} {result}", "}"]


def _splat(number: float) -> str:
    return f"splat (double 0x{bits(number) & (2**64 - 1):016X})"


def _fused(name: str, width: int, a: str, b: str, c: str) -> list[str]:
    """Return the line of ``name = a * b + c``, rounded once."""
    doubles = f"<{width} x double>"
    arguments = ", ".join(f"{doubles} {operand}" for operand in (a, b, c))
    return [f"  %{name} = call {doubles} @llvm.fma.v{width}f64({arguments})"]


def _fill_function(width: int) -> list[str]:
    doubles = f"<{width} x double>"
    return [
        "define void @fill(i64 %count, ptr %numbers, ptr %results) {",
        "entry:",
        "  br label %loop",
        "loop:",
        "  %i = phi i64 [ 0, %entry ], [ %next, %loop ]",
        "  %from = getelementptr double, ptr %numbers, i64 %i",
        f"  %x = load {doubles}, ptr %from, align 8",
        f"  %y = call {doubles} @autodiff_exp_{width}({doubles} %x)",
        "  %to = getelementptr double, ptr %results, i64 %i",
        f"  store {doubles} %y, ptr %to, align 8",
        f"  %next = add i64 %i, {width}",
        "  %more = icmp slt i64 %next, %count",
        "  br i1 %more, label %loop, label %end",
        "end:",
        "  ret void",
        "}",
    ]


def agrees(fill: Callable[..., Any]) -> bool:
    """Return whether a ``fill`` gives the bits of C's library, for numbers of many sizes."""
    special = [0.0, -0.0, 5e-324, -1e-300, 1e-17, 511.9, 512.0, 709.9, -745.2, math.inf, -math.inf]
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    spread = [2.0 * (golden * k % 1.0) - 1.0 for k in range(1024 - len(special))]
    for largest in (0.01, 1.0, 20.0, 511.0):
        numbers = [*special, *[largest * number for number in spread]]
        found = (ctypes.c_double * len(numbers))()
        fill(len(numbers), (ctypes.c_double * len(numbers))(*numbers), found)
        if found[:] != [exp(number) for number in numbers]:
            return False
    return True
