"""The writer of straight-line code that Python, C and JavaScript share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from autodiff import ops
from autodiff.compiler.kernels import kernel_of
from autodiff.compiler.languages import PYTHON, Language, identifier
from autodiff.compiler.linear import Kind, Linear, Register, numbered

__all__ = ["Writer", "one_line", "register_names", "wrapped"]

LEAVES = (Kind.VARIABLE, Kind.INPUT, Kind.MEAN)
ASSIGNED = (Kind.OPERATION, Kind.COPY)

# Operations whose dense Python form is their kernel in place of a call.
INLINED = frozenset(
    {
        *(ops.SIGMOID, ops.RELU, ops.LEAKY_RELU, ops.MAXIMUM, ops.MINIMUM, ops.WHERE),
        *(ops.ABS, ops.SOFTPLUS),
    }
)

# Deeper nesting reads no faster, and Python's parser has a limit.
MAX_DEPTH = 20


def register_names(linear: Linear) -> list[str]:
    """Return a legal name for every register, different for each."""
    wanted = [
        identifier(register.name) if register.name else f"t{place}"
        for place, register in enumerate(linear.registers)
    ]
    # Leaves first: a temporary gives way to them, not they to it.
    order = sorted(range(len(wanted)), key=lambda place: linear.registers[place].kind not in LEAVES)
    names = [""] * len(wanted)
    for place, name in zip(order, numbered([wanted[place] for place in order]), strict=True):
        names[place] = name
    return names


def wrapped(opening: str, items: Sequence[str], closing: str, indent: str) -> list[str]:
    """Return ``opening item, item, ... closing`` as lines of about 100 characters."""
    lines, line = [], indent + opening
    for item in items:
        if len(line) + len(item) > 96 and line.strip() != opening.strip():
            lines.append(line.rstrip())
            line = indent + "    "
        line += f"{item}, "
    tail = line.rstrip()
    tail = tail if len(items) == 1 else tail.removesuffix(",")
    lines.append(tail + closing)
    return lines


class Writer:
    """Writes registers as statements of one language.

    A *dense* writer leaves out comments, writes a register that is used once into the expression
    that uses it, and small operations (``sigmoid``, ``where``, ...) in place of calls.  It is
    faster in Python and means the same.  It is for registers without copies: ``expanded``.
    """

    def __init__(self, language: Language, linear: Linear, dense: bool = False) -> None:
        self.language = language
        self.linear = linear
        self.dense = dense
        self.names = register_names(linear)
        self.texts: dict[int, str] = {}
        self.depths: dict[int, int] = {}

    def text(self, place: int) -> str:
        """Return what to write where a register is used."""
        register = self.linear.registers[place]
        if register.kind is Kind.NUMBER:
            return self.language.number(register.number)
        return self.texts.get(place, self.names[place])

    def block(
        self, places: Iterable[int], results: Collection[int], keep: Collection[int] = ()
    ) -> list[str]:
        """Return the statements that assign these registers.

        ``results`` are used once more behind the block; ``keep`` must have a name of their own.
        """
        assigned = [place for place in places if self.linear.registers[place].kind in ASSIGNED]
        once = self._used_once(assigned, results) - set(keep) if self.dense else set()
        lines: list[str] = []
        for place in assigned:
            register = self.linear.registers[place]
            expression = self._expression(place, register, lines)
            depth = 1 + max((self.depths.get(p, 0) for p in register.operands), default=0)
            if place in once and depth <= MAX_DEPTH:
                self.texts[place] = f"({expression})"
                self.depths[place] = depth
            else:
                statement = self.language.statement(self.names[place], expression)
                comment = register.comment and not self.dense
                note = f"  {self.language.comment} {one_line(register.comment)}" if comment else ""
                lines.append(statement + note)
        return lines

    def _used_once(self, assigned: list[int], results: Collection[int]) -> set[int]:
        """Return the registers with a single use, by an operation that writes it once."""
        uses: Counter[int] = Counter(results)
        for place in assigned:
            register = self.linear.registers[place]
            weight = 2 if register.op in INLINED or register.op is ops.SQUARE else 1
            for operand in register.operands:
                uses[operand] += weight
        here = set(assigned)
        return {place for place, count in uses.items() if count == 1 and place in here}

    def _expression(self, place: int, register: Register, lines: list[str]) -> str:
        operands = [self.text(operand) for operand in register.operands]
        op = register.op
        if op is None:
            return operands[0]
        if op is ops.WEIGHTED_SUM:
            return _weighted_sum(operands, self.language)
        if self.dense and op in INLINED and self.language is PYTHON:
            return self._inline(place, register, operands, lines)
        divisor = self.linear.registers[register.operands[-1]]
        known = divisor.number if divisor.kind is Kind.NUMBER and divisor.number else None
        return self.language.operation(op, operands, known)

    def _inline(self, place: int, register: Register, operands: list[str], lines: list[str]) -> str:
        """Return an operation's kernel in place, its assignments appended to the lines."""
        assert register.op is not None
        kernel = kernel_of(register.op)
        names = dict(zip(kernel.parameters, operands, strict=True))
        for target, expression in kernel.assignments:
            temporary = f"{self.names[place]}__{target}"
            text = self.language.translate(expression, names)
            lines.append(self.language.statement(temporary, text))
            names[target] = temporary
        return self.language.translate(kernel.result, names)


def _weighted_sum(operands: list[str], language: Language) -> str:
    """Return the sum, without the factors that are the number 1."""
    bias, weights, inputs = ops.bias_weights_inputs(operands)
    one = language.number(1.0)
    terms = [bias]
    for weight, x in zip(weights, inputs, strict=True):
        if one in (weight, x):
            terms.append(x if weight == one else weight)
        else:
            terms.append(f"{weight} * {x}")
    return " + ".join(terms)


def one_line(comment: str) -> str:
    """Return a comment without anything that could end its line, or the script of a web page.

    ``??/`` is another way to write a backslash in C.
    """
    text = "".join(c if c.isprintable() else " " for c in comment[:160])
    return text.replace("\\", " ").replace("??/", "?? /").replace("</", "< /").replace("<!", "< !")
