"""In which order the instructions of a line may run, as far as its bytecode tells."""

from __future__ import annotations

from collections import defaultdict
from dis import Instruction, get_instructions, hasjabs, hasjrel
from functools import lru_cache
from itertools import pairwise
from types import CodeType

__all__ = [
    "can_follow",
    "can_repeat",
    "is_call",
    "is_straight",
    "names_stored",
    "parameters_of",
    "start_of",
    "stored_between",
    "stored_within",
]

JUMPS = frozenset((*hasjrel, *hasjabs))
# After these the next instruction is never the one behind.
ENDS = (
    *("JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"),
    *("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE"),
)
# How many names an instruction binds, the first ones of those that it has.
STORES = dict.fromkeys(("STORE_NAME", "STORE_GLOBAL", "STORE_FAST", "STORE_DEREF"), 1)
STORES |= {"STORE_FAST_LOAD_FAST": 1, "STORE_FAST_STORE_FAST": 2}


@lru_cache(maxsize=256)
def instructions(code: CodeType) -> dict[int, Instruction]:
    return {each.offset: each for each in get_instructions(code)}


def names_stored(instruction: Instruction) -> tuple[str, ...]:
    """Return the names that an instruction binds: from Python 3.13 on, one may bind two.

    >>> code = compile("def f():\\n a, b = 1, 2\\n return a", "cell", "exec").co_consts[0]
    >>> sorted(name for each in instructions(code).values() for name in names_stored(each))
    ['a', 'b']
    """
    named = instruction.argval
    names = named if isinstance(named, tuple) else (named,)
    return names[: STORES.get(instruction.opname, 0)]


def line_of(instruction: Instruction) -> int | None:
    return instruction.positions.lineno if instruction.positions else None


@lru_cache(maxsize=1024)
def start_of(code: CodeType, offset: int) -> int:
    """Return the offset of an instruction, given that of one of the caches behind it, or its own.

    Where a function is called, Python may name the last of these.
    """
    return max(each for each in instructions(code) if each <= offset)


@lru_cache(maxsize=1024)
def is_call(code: CodeType, offset: int) -> bool:
    """Return whether an instruction is a call, and not itself an operator's.

    Python 3.11 has two for each; once a function has run often, the first does it all.
    """
    return instructions(code)[offset].opname.removeprefix("PRE").startswith("CALL")


@lru_cache(maxsize=1024)
def can_follow(code: CodeType, before: int, offset: int) -> bool:
    """Return whether a way leads forward from one instruction to another.

    >>> code = compile("c = a * b if k else a - b", "cell", "exec")
    >>> times, minus = [at for at, it in instructions(code).items() if it.opname == "BINARY_OP"]
    >>> can_follow(code, times, minus), can_follow(code, minus, times)
    (False, False)
    """
    if offset <= before or copies(code)[before] != copies(code)[offset]:
        return False
    reached = {before}
    for each, behind in pairwise(instructions(code).values()):
        if each.offset in reached:
            if each.opcode in JUMPS:
                reached.add(each.argval)
            if each.opname not in ENDS:
                reached.add(behind.offset)
    return offset in reached


@lru_cache(maxsize=1024)
def can_repeat(code: CodeType, offset: int) -> bool:
    """Return whether an instruction may run again before its code has ended: it is in a loop.

    >>> code = compile("total = sum(terms)\\nwhile a: total = sum(more)", "cell", "exec")
    >>> [can_repeat(code, at) for at, it in instructions(code).items() if it.opname == "CALL"]
    [False, True]
    """
    return any(
        each.opcode in JUMPS and each.argval <= offset <= each.offset
        for each in instructions(code).values()
    )


@lru_cache(maxsize=256)
def copies(code: CodeType) -> dict[int, int]:
    """Return for each instruction which copy of the same it is.

    Python writes the condition of ``while`` twice: before the loop and at its end.
    """
    alike: defaultdict[object, list[int]] = defaultdict(list)
    for each in instructions(code).values():
        alike[each.opcode, each.positions].append(each.offset)
    return {offset: number for offsets in alike.values() for number, offset in enumerate(offsets)}


@lru_cache(maxsize=1024)
def is_straight(code: CodeType, before: int, offset: int) -> bool:
    """Return whether a line never gets to an instruction without another, an operator's."""
    line = line_of(instructions(code)[offset])
    return not is_call(code, before) and not any(
        each.opcode in JUMPS
        for each in instructions(code).values()
        if each.offset < offset and line_of(each) == line
    )


@lru_cache(maxsize=1024)
def parameters_of(code: CodeType) -> list[str]:
    """Return the names of what a function is given, but for those that it binds anew."""
    count = code.co_argcount + code.co_kwonlyargcount
    stored = {name for each in instructions(code).values() for name in names_stored(each)}
    return [name for name in code.co_varnames[:count] if name not in stored]


@lru_cache(maxsize=1024)
def stored_between(code: CodeType, first: int, last: int) -> frozenset[str]:
    """Return the names that a line binds from one of its instructions to another."""
    line = line_of(instructions(code)[last])
    return frozenset(
        name
        for each in instructions(code).values()
        if first <= each.offset <= last and line_of(each) == line
        for name in names_stored(each)
    )


@lru_cache(maxsize=1024)
def stored_within(code: CodeType) -> frozenset[str]:
    """Return the names of a function's or a module's that functions in it may bind.

    >>> text = "calls = 0\\ndef count():\\n    global calls\\n    calls += 1"
    >>> stored_within(compile(text, "cell", "exec"))
    frozenset({'calls'})
    """
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    stored = {
        each.argval
        for within in inner
        for each in instructions(within).values()
        if each.opname in ("STORE_GLOBAL", "STORE_DEREF")
    }
    return frozenset(stored.union(*map(stored_within, inner)))
