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

import math
import struct
from array import array
from collections.abc import Callable, Sequence
from decimal import Context, Decimal, localcontext
from string import Template
from typing import Any

from autodiff.compiler.llvm_operations import literal
from autodiff.ops import exp

__all__ = ["agrees", "exp_assembly", "exp_of"]

# Takes the addresses of a vector of numbers and of its results.
StoreExp = Callable[[int, int], Any]

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


# The function of a vector, and one that calls it for numbers in memory.
ASSEMBLY = Template("""\
@tails = internal constant [$entries x i64] [$tails]
@heads = internal constant [$entries x i64] [$heads]
declare double @autodiff_exp(double)
declare $doubles @llvm.fma.v${width}f64($doubles, $doubles, $doubles)
declare $doubles @llvm.fabs.v${width}f64($doubles)
declare $integers @llvm.masked.gather.v${width}i64.v${width}p0($pointers, i32, $bits, $integers)

define $doubles @autodiff_exp_$width($doubles %x) {
  %size = call $doubles @llvm.fabs.v${width}f64($doubles %x)
  %small = fcmp olt $doubles %size, $limit
  %which = bitcast $bits %small to i$width
  %all = icmp eq i$width %which, -1
  br i1 %all, label %together, label %apart
together:
  %shifted = $fma($doubles %x, $doubles $steps, $doubles $shift)
  %k = bitcast $doubles %shifted to $integers
  %whole = fsub $doubles %shifted, $shift
  %nearly = $fma($doubles %whole, $doubles $ln2_high, $doubles %x)
  %r = $fma($doubles %whole, $doubles $ln2_low, $doubles %nearly)
  %entry = and $integers %k, splat (i64 $last)
  %tail_place = getelementptr i64, ptr @tails, $integers %entry
  %tail_bits = $gather($pointers %tail_place, i32 8, $bits splat (i1 true), $integers poison)
  %head_place = getelementptr i64, ptr @heads, $integers %entry
  %head_bits = $gather($pointers %head_place, i32 8, $bits splat (i1 true), $integers poison)
  %tail = bitcast $integers %tail_bits to $doubles
  %exponent = shl $integers %k, splat (i64 $exponent_place)
  %power_bits = add $integers %head_bits, %exponent
  %power = bitcast $integers %power_bits to $doubles
  %square = fmul $doubles %r, %r
  %low = $fma($doubles %r, $doubles $third, $doubles $second)
  %high = $fma($doubles %r, $doubles $fifth, $doubles $fourth)
  %first = fadd $doubles %tail, %r
  %more = $fma($doubles %square, $doubles %low, $doubles %first)
  %fourth_power = fmul $doubles %square, %square
  %rest = $fma($doubles %fourth_power, $doubles %high, $doubles %more)
  %result = $fma($doubles %power, $doubles %rest, $doubles %power)
  ret $doubles %result
apart:
  %memory = alloca $doubles
  store $doubles %x, ptr %memory
  br label %lane
lane:
  %i = phi i32 [ 0, %apart ], [ %next, %lane ]
  %place = getelementptr double, ptr %memory, i32 %i
  %one = load double, ptr %place
  %exp_of_one = call double @autodiff_exp(double %one)
  store double %exp_of_one, ptr %place
  %next = add i32 %i, 1
  %is_more = icmp slt i32 %next, $width
  br i1 %is_more, label %lane, label %done
done:
  %results = load $doubles, ptr %memory
  ret $doubles %results
}

define void @store_exp(ptr %numbers, ptr %results) {
  %x = load $doubles, ptr %numbers, align 8
  %y = call $doubles @autodiff_exp_$width($doubles %x)
  store $doubles %y, ptr %results, align 8
  ret void
}
""")


def exp_assembly(width: int) -> str:
    """Return LLVM assembly of ``autodiff_exp_W``, the function of a vector of width W.

    ``store_exp(numbers, results)`` calls it for W numbers in memory.
    """
    tails, heads = [", ".join(f"i64 {entry}" for entry in entries) for entries in table()]
    doubles, integers = f"<{width} x double>", f"<{width} x i64>"
    constants = {
        "limit": LIMIT,
        "steps": ENTRIES / math.log(2.0),
        "shift": SHIFT,
        "ln2_high": -LN2_HIGH,
        "ln2_low": -LN2_LOW,
        **dict(zip(("second", "third", "fourth", "fifth"), POLYNOMIAL, strict=True)),
    }
    return ASSEMBLY.substitute(
        {name: f"splat (double {literal(number)})" for name, number in constants.items()},
        width=width,
        entries=ENTRIES,
        last=ENTRIES - 1,
        exponent_place=52 - (ENTRIES.bit_length() - 1),
        tails=tails,
        heads=heads,
        doubles=doubles,
        integers=integers,
        pointers=f"<{width} x ptr>",
        bits=f"<{width} x i1>",
        # Rounded once.
        fma=f"call {doubles} @llvm.fma.v{width}f64",
        gather=f"call {integers} @llvm.masked.gather.v{width}i64.v{width}p0",
    )


def agrees(store_exp: StoreExp, width: int) -> bool:
    """Return whether a ``store_exp`` gives the bits of C's library, for numbers of many sizes."""
    special = [0.0, -0.0, 5e-324, -1e-300, 1e-17, 511.9, 512.0, 709.9, -745.2, math.inf, -math.inf]
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    spread = [2.0 * (golden * k % 1.0) - 1.0 for k in range(1024 - len(special))]
    for largest in (0.01, 1.0, 20.0, 511.0):
        numbers = [*special, *[largest * number for number in spread]]
        if exp_of(numbers, store_exp, width) != [exp(number) for number in numbers]:
            return False
    return True


def exp_of(numbers: Sequence[float], store_exp: StoreExp, width: int) -> list[float]:
    """Return what a ``store_exp`` gives for numbers, which fill whole vectors."""
    given, found = array("d", numbers), array("d", numbers)
    for first in range(0, 8 * len(numbers), 8 * width):  # in bytes
        store_exp(given.buffer_info()[0] + first, found.buffer_info()[0] + first)
    return list(found)
