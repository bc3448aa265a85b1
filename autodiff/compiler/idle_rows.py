"""Rows that change no gradient: those of which the loss is a choice that was not taken.

A hinge loss is ``relu`` of something.  Where that is not above 0, all gradients of the row are
zeros, and sums over rows that start from 0.0 are the same with and without them.  So code that goes
row by row can leave out the backward pass of such a row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from autodiff.compiler.linear import Linear, Register
from autodiff.ops import Role

__all__ = ["condition_of_rows"]

# Numbers that are not above 0: a choice by the sign makes of all of them the same.
NOT_ABOVE_0 = (-math.inf, -1.0, -0.0, 0.0, math.nan)


def condition_of_rows(linear: Linear, rows: Sequence[int], summed: Sequence[int]) -> int | None:
    """Return a register: where it is not above 0, all registers ``summed`` are zeros.

    ``rows`` are the registers of a row, in order; None is returned if there is none like that.
    """
    registers = linear.registers
    first = registers[min(summed, default=0)]
    if not is_choice(first) or first.operands[0] not in rows:
        return None
    condition = first.operands[0]
    numbers: dict[int, tuple[float, ...]] = {
        place: (registers[place].number,) for place in linear.known
    }
    numbers[condition] = NOT_ABOVE_0
    same: dict[int, int] = {}
    for place in rows:
        register = registers[place]
        if register.op is None or place == condition:
            continue
        operands = [same.get(operand, operand) for operand in register.operands]
        if is_choice(register):
            places = [float(number) for number in range(1, len(operands))]
            found = {register.op.forward(n, *places) for n in numbers.get(operands[0], ())}
            if len(found) == 1 and found.issubset(places):
                same[place] = operands[int(found.pop())]
        elif condition not in operands and all(operand in numbers for operand in operands):
            known = [numbers[operand][0] for operand in operands]
            numbers[place] = (register.op.forward(*known),)
    ends = [numbers.get(same.get(place, place)) for place in summed]
    return condition if all(found == (0.0,) for found in ends) else None


def is_choice(register: Register) -> bool:
    """Return whether a register is one of two others, by a condition."""
    return register.op is not None and register.op.roles[:1] == (Role.CONDITION,)
