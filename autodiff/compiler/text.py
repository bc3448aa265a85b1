"""The writer of statements, one for each register."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress

from autodiff.compiler.kernels import Kernel, NotTranslatableError, kernel_of
from autodiff.compiler.languages import Language, function_name, identifier
from autodiff.compiler.linear import Kind, Linear, Register, numbered
from autodiff.ops import OPERATIONS, Operation
from autodiff.ops.called_rule import CalledRule

__all__ = ["Writer", "one_line", "register_names", "wrapped"]

LEAVES = (Kind.VARIABLE, Kind.INPUT, Kind.MEAN)
ASSIGNED = (Kind.OPERATION, Kind.COPY, Kind.PART)

# Deeper nesting reads no faster, and Python's parser has a limit.
MAX_DEPTH = 20


def register_names(linear: Linear) -> list[str]:
    """Return a legal name for every register, different for each."""
    wanted = [
        identifier(register.name) if register.name else f"t{place}"
        for place, register in enumerate(linear.registers)
    ]
    # A rule that is called by its name keeps it.
    called = [r.op for r in linear.registers if r.op and isinstance(r.op.forward, CalledRule)]
    taken = set(map(function_name, called))
    # Leaves first: a temporary gives way to them, not they to it.
    order = sorted(range(len(wanted)), key=lambda place: linear.registers[place].kind not in LEAVES)
    names = [""] * len(wanted)
    for place, name in zip(order, numbered([wanted[place] for place in order], taken), strict=True):
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
    that uses it, and the kernels of operations (``sigmoid``, ``where``, ...) in place of calls.
    It is for Python, where it is faster and means the same, and for registers without copies:
    ``expanded``.
    """

    def __init__(self, language: Language, linear: Linear, dense: bool = False) -> None:
        self.language = language
        self.linear = linear
        self.dense = dense
        self.names = register_names(linear)
        self.texts: dict[int, str] = {}
        self.depths: dict[int, int] = {}
        self.kernels: dict[Operation, Kernel | None] = {}

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
        """Return the registers with a single use, by an operation that computes it once."""
        uses: Counter[int] = Counter(results)
        weights: dict[Operation | None, int] = {None: 1}
        for place in assigned:
            register = self.linear.registers[place]
            if register.op not in weights:
                kernel = self._kernel_in_place(register.op)  # type: ignore[arg-type]
                weights[register.op] = 1 if kernel is None or self._computes_once(kernel) else 2
            for operand in register.operands:
                uses[operand] += weights[register.op]
        here = set(assigned)
        return {place for place, count in uses.items() if count == 1 and place in here}

    def _expression(self, place: int, register: Register, lines: list[str]) -> str:
        operands = [self.text(operand) for operand in register.operands]
        op = register.op
        if op is None:
            is_part = register.kind is Kind.PART
            return f"{operands[0]}[{int(register.number)}]" if is_part else operands[0]
        kernel = self._kernel_in_place(op) if self.dense else None
        if kernel is not None and not op.arithmetic:
            return self._inline(place, kernel, operands, lines)
        divisor = self.linear.registers[register.operands[-1]]
        known = divisor.number if divisor.kind is Kind.NUMBER and divisor.number else None
        return self.language.operation(op, operands, known)

    def _kernel_in_place(self, op: Operation) -> Kernel | None:
        """Return what dense Python writes in place of a call; None where it is no kernel.

        A function of a user's own is called, and one that keeps exceptions out.
        """
        if op not in self.kernels:
            self.kernels[op] = None
            if OPERATIONS.get(op.name) is op and not op.c_form:
                with suppress(NotTranslatableError):
                    kernel = kernel_of(op)
                    self.kernels[op] = None if kernel.is_operator else kernel
        return self.kernels[op]

    def _computes_once(self, kernel: Kernel) -> bool:
        """Return whether a kernel has each operand once, and in no choice that may leave it out."""
        if kernel.assignments:
            return False
        text = self.language.translate(kernel.result, dict.fromkeys(kernel.parameters, "@"))
        return text.count("@") == len(kernel.parameters) and " if " not in text

    def _inline(self, place: int, kernel: Kernel, operands: list[str], lines: list[str]) -> str:
        """Return an operation's kernel in place, its assignments appended to the lines."""
        names = dict(zip(kernel.parameters, operands, strict=True))
        for target, expression in kernel.assignments:
            temporary = f"{self.names[place]}__{target}"
            text = self.language.translate(expression, names)
            lines.append(self.language.statement(temporary, text))
            names[target] = temporary
        return self.language.translate(kernel.result, names)


def one_line(comment: str) -> str:
    """Return a comment without anything that could end its line, or the script of a web page.

    ``??/`` is another way to write a backslash in C.
    """
    text = "".join(c if c.isprintable() else " " for c in comment[:160])
    return text.replace("\\", " ").replace("??/", "?? /").replace("</", "< /").replace("<!", "< !")
