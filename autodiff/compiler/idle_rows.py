"""Rows that change no gradient: those of which the loss is a choice that was not taken.

A hinge loss is ``relu`` of something.  Where that is not above 0, all gradients of the row are
zeros, and sums over rows that start from 0.0 are the same with and without them.  So code that goes
row by row can leave out the backward pass of such a row.
"""

from __future__ import annotations

from collections.abc import Sequence

from autodiff import ops
from autodiff.compiler.linear import Linear

__all__ = ["condition_of_rows"]


def condition_of_rows(linear: Linear, rows: Sequence[int], summed: Sequence[int]) -> int | None:
    """Return a register: where it is not above 0, all registers ``summed`` are zeros.

    ``rows`` are the registers of a row, in order; None is returned if there is none like that.
    """
    registers = linear.registers
    first = registers[min(summed, default=0)]
    if first.op is not ops.WHERE or first.operands[0] not in rows:
        return None
    condition = first.operands[0]
    numbers = {place: registers[place].number for place in linear.known}
    same: dict[int, int] = {}
    for place in rows:
        register = registers[place]
        if register.op is None:
            continue
        operands = [same.get(operand, operand) for operand in register.operands]
        if register.op is ops.WHERE:
            chooser, chosen, other = operands
            if chooser in numbers:
                other = chosen if numbers[chooser] > 0.0 else other
            elif chooser != condition:
                continue
            same[place] = other
        elif all(operand in numbers for operand in operands):
            numbers[place] = register.op.forward(*[numbers[operand] for operand in operands])
    found = [numbers.get(same.get(place, place)) for place in summed]
    return condition if all(number == 0.0 for number in found) else None
