"""Rows that change no gradient: those of which the loss is a choice that was not taken.

A hinge loss is ``relu`` of something.  Where that is not above 0, all gradients of the row are
zeros, and sums over rows that start from 0.0 are the same with and without them.  So code can leave
out the backward pass of such rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

from autodiff.compiler.by_place import adds
from autodiff.compiler.linear import Linear, Register
from autodiff.ops import Role

__all__ = ["condition_of_rows"]

Numbers = tuple[float, ...]

# Numbers that are not above 0: a choice by the sign makes of all of them the same.
NOT_ABOVE_0: Numbers = (-math.inf, -1.0, -0.0, 0.0, math.nan)

ZEROS: Numbers = (0.0, -0.0)


def condition_of_rows(
    linear: Linear, rows: Sequence[int], output: int, summed: Sequence[int], guarded: bool = True
) -> int | None:
    """Return a register: where it is not above 0, all registers ``summed`` are zeros.

    ``rows`` are the registers of a row, in order; None is returned if there is none like that.
    Where contributions of what nothing has reached are not ``guarded``, a product of such a zero
    counts as one, too, whatever the other factor is: see :mod:`autodiff.compiler.guard`.
    """
    registers = linear.registers
    forward = set(linear.live([output]))
    backward = [place for place in rows if place not in forward]
    conditions = [registers[p].operands[0] for p in backward if is_choice(registers[p])]
    if not conditions or conditions[0] not in rows or not summed:
        return None
    numbers: dict[int, Numbers] = {place: (registers[place].number,) for place in linear.known}
    numbers[conditions[0]] = NOT_ABOVE_0
    loose = set() if guarded else set(backward)
    for place in rows:
        if place not in numbers and not numbers.keys().isdisjoint(registers[place].operands):
            found = numbers_of(registers[place], numbers, place in loose)
            if found:
                numbers[place] = found
    zeros = [set(numbers.get(place, (1.0,))) == {0.0} for place in summed]
    return conditions[0] if all(zeros) else None


def numbers_of(register: Register, numbers: dict[int, Numbers], loose: bool) -> Numbers:
    """Return the numbers that a register may have; none if these are not known.

    A ``loose`` product of a zero is a zero.
    """
    op = register.op
    assert op is not None, "it is an operation's result"
    if adds(op):
        return ()
    known = [numbers.get(operand, ()) for operand in register.operands]
    if is_choice(register):
        places = [float(number) for number in range(1, len(known))]
        chosen = {op.forward(number, *places) for number in known[0]}
        if len(chosen) == 1 and chosen.issubset(places):
            return known[int(chosen.pop())]
        return ZEROS if all(set(n) == {0.0} for n in known[1:]) else ()
    if loose and op.roles == (Role.FACTOR, Role.FACTOR) and any(set(n) == {0.0} for n in known):
        return ZEROS
    results = [op.forward(*each) for each in product(*known)]
    return tuple(results[:1] if len(results) == 1 else ZEROS if set(results) == {0.0} else ())


def is_choice(register: Register) -> bool:
    """Return whether a register is one of two others, by a condition."""
    return register.op is not None and register.op.roles[:1] == (Role.CONDITION,)
