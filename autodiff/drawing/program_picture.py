"""The picture of a compiled program: its registers, framed as forward, backward and update."""

from __future__ import annotations

from autodiff.compiler.build import Parts
from autodiff.compiler.linear import Kind as RegisterKind
from autodiff.compiler.linear import Register
from autodiff.compiler.program import Program
from autodiff.compiler.text import register_names
from autodiff.drawing.picture import Arrow, Box, Frame, Kind, Picture
from autodiff.drawing.shown import lines_of, name_shown, number_shown, shortened

__all__ = ["picture_of_program"]

UPDATE = "update"
SECTIONS = ("forward", "backward", UPDATE)
OPERAND_LENGTH = 20


def picture_of_program(program: Program, precision: int) -> Picture:
    """Return a picture with a box for each line of ``program.source``, by the same name.

    A box's id is ``r`` and its register's place in the program.  Values are what the program
    computes from the leaves' present numbers; a mean over rows has none before it runs.  A
    variable that several sections use is shown in the later ones as a small dashed box.
    """
    return ProgramPainter(program, precision).picture()


class ProgramPainter:
    """Makes the picture of one program."""

    def __init__(self, program: Program, precision: int) -> None:
        self.program, self.precision = program, precision
        self.parts = program.parts
        self.registers = self.parts.linear.registers
        self.names = register_names(self.parts.linear)
        self.numbers = numbers_of(self.registers)
        self.references: dict[str, Box] = {}

    def picture(self) -> Picture:
        """Return the picture."""
        parts = self.parts
        results = [parts.output, *parts.gradients.values(), *parts.updates.values()]
        if parts.penalty is not None:
            results.append(parts.penalty)
        # Numbers stand in the formulas.
        live = [p for p in parts.linear.live(results) if not self.is_number(p)]
        boxes = [self.box(place) for place in live]
        sections: dict[int, str] = {}
        arrows = [arrow for place in live for arrow in self.arrows(place, sections)]
        shown = {box.frame for box in boxes}
        return Picture(
            [*boxes, *self.references.values()],
            arrows,
            [Frame(section, section) for section in SECTIONS if section in shown],
            name_shown(self.program.title),
            f"{len(boxes):,} lines of the program",
        )

    def is_number(self, place: int) -> bool:
        """Return whether a register is a number known at compile time."""
        return self.registers[place].kind is RegisterKind.NUMBER

    def box(self, place: int) -> Box:
        """Return the box of a register."""
        register = self.registers[place]
        kind = "result" if place == self.parts.output else kind_of(register)
        name = name_shown(self.names[place])
        number = number_shown(self.numbers[place], self.precision)
        title, lines = name, (f"value {number}",)
        if register.operands:
            operands = [self.operand(used) for used in register.operands]
            formula = operands[0] if register.op is None else register.op.formula(*operands)
            title = f"{name} = {formula}"
        elif kind == "input":
            return Box(f"r{place}", kind, name, tuple(lines_of(f"{name} = {number}")))
        return Box(
            f"r{place}",
            kind,
            name,
            tuple(lines_of(title)),
            lines,
            frame=section_of(self.parts, place),
        )

    def operand(self, place: int) -> str:
        """Return what a formula calls a register."""
        if self.is_number(place):
            return number_shown(self.registers[place].number, self.precision)
        return shortened(self.names[place], OPERAND_LENGTH)

    def arrows(self, place: int, sections: dict[int, str]) -> list[Arrow]:
        """Return the arrows to a register; ``sections`` has where each leaf is used first."""
        found = []
        for position, used in enumerate(self.registers[place].operands):
            if self.is_number(used):
                continue
            section, tail = section_of(self.parts, place), f"r{used}"
            if not self.registers[used].operands and section != sections.setdefault(used, section):
                tail, name = f"r{used}_in_{section}", name_shown(self.names[used])
                self.references[tail] = Box(tail, "reference", name, (name,), frame=section)
            found.append(Arrow(f"r{used}-r{place}-{position}", tail, f"r{place}"))
        return found


def section_of(parts: Parts, place: int) -> str:
    """Return which section of a program an operation is in; '' for a leaf."""
    registers = parts.linear.registers
    if not registers[place].operands:
        return ""
    ends = (parts.forward_end, parts.backward_end, len(registers))
    return next(name for name, end in zip(SECTIONS, ends, strict=True) if place < end)


def kind_of(register: Register) -> Kind:
    """Return the kind of a register's box."""
    if register.kind is RegisterKind.VARIABLE:
        return "variable"
    if register.kind in (RegisterKind.INPUT, RegisterKind.MEAN):
        return "input"
    return "operation"


def numbers_of(registers: list[Register]) -> list[float | None]:
    """Return every register's number, None where it depends on a mean over rows."""
    numbers: list[float | None] = []
    for register in registers:
        operands = [numbers[place] for place in register.operands]
        known = [number for number in operands if number is not None]
        if len(known) < len(operands) or register.kind is RegisterKind.MEAN:
            numbers.append(None)
        elif register.op is not None:
            numbers.append(register.op.forward(*known))
        elif operands:
            numbers.append(operands[0])
        else:
            numbers.append(register.number if register.value is None else register.value.data)
    return numbers
