"""The picture of a compiled program, by its registers or its loops: forward, backward, update."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from autodiff.compiler.build import Parts
from autodiff.compiler.linear import Kind as RegisterKind
from autodiff.compiler.linear import Register
from autodiff.compiler.pack_names import array_names, named_loops, names_of
from autodiff.compiler.program import Program
from autodiff.compiler.text import register_names
from autodiff.drawing.lines import in_lines
from autodiff.drawing.picture import Arrow, Box, Frame, Kind, Picture
from autodiff.drawing.shown import lines_of, name_shown, number_shown, range_shown, shortened

__all__ = ["picture_of_loops", "picture_of_program"]

UPDATE = "update"
SECTIONS = ("forward", "backward", UPDATE)
OPERAND_LENGTH = 20


def picture_of_program(program: Program, precision: int) -> Picture:
    """Return a picture with a box for each line of ``program.source``, by the same name.

    A box's id is ``r`` and its register's place in the program.  Values are what the program
    computes from the leaves' present numbers; a mean over rows has none before it runs.  A
    variable that several sections use is shown in the later ones as a small dashed box.
    """
    return _Registers(program, program.parts, precision).picture()


def picture_of_loops(program: Program, precision: int) -> Picture:
    """Return a picture with a box for each line of ``program.loops``, and for each array they read.

    An arrow's label counts the numbers that go from one to the other.  Numbers that are known when
    a program is compiled stand in the texts.  Values are what the program computes from the leaves'
    present numbers.
    """
    return in_lines(_Loops(program, program.expanded, precision).picture())


class _Painter:
    """What the pictures of a program's registers have in common."""

    def __init__(self, program: Program, parts: Parts, precision: int) -> None:
        self.program, self.parts, self.precision = program, parts, precision
        self.registers = parts.linear.registers
        self.numbers = numbers_of(self.registers)

    def framed(self, boxes: Sequence[Box], arrows: Sequence[Arrow], text: str) -> Picture:
        """Return the picture of these boxes, in the frames of their sections."""
        shown = {box.frame for box in boxes}
        frames = [Frame(section, section) for section in SECTIONS if section in shown]
        return Picture([*boxes], [*arrows], frames, name_shown(self.program.title), text)

    def is_number(self, place: int) -> bool:
        """Return whether a register is a number known at compile time."""
        return self.registers[place].kind is RegisterKind.NUMBER

    def section_of(self, place: int) -> str:
        """Return which section of a program an operation is in; '' for a leaf."""
        if not self.registers[place].operands:
            return ""
        ends = (self.parts.forward_end, self.parts.backward_end, len(self.registers))
        return next(name for name, end in zip(SECTIONS, ends, strict=True) if place < end)

    def kind_of(self, *places: int) -> Kind:
        """Return the kind of the box of registers that are alike."""
        kind = self.registers[places[0]].kind
        if self.parts.output in places:
            return "result"
        if kind is RegisterKind.VARIABLE:
            return "variable"
        return "input" if kind in (RegisterKind.INPUT, RegisterKind.MEAN) else "operation"


class _Registers(_Painter):
    """Makes the picture of one program's registers."""

    def picture(self) -> Picture:
        parts = self.parts
        self.names = register_names(parts.linear)
        self.references: dict[str, Box] = {}
        results = [parts.output, *parts.gradients.values(), *parts.updates.values()]
        if parts.penalty is not None:
            results.append(parts.penalty)
        # Numbers stand in the formulas.
        live = [place for place in parts.linear.live(results) if not self.is_number(place)]
        # What gives a row's gradients is read by their means over the rows, so these come later.
        given = {mean: parts.gradients[variable] for variable, mean in parts.means.items()}
        given = {mean: place for mean, place in given.items() if {mean, place} <= set(live)}
        means = [place for place in live if place in given]
        updates = [place for place in live if self.section_of(place) == UPDATE]
        later = {*means, *updates}
        live = [*[place for place in live if place not in later], *means, *updates]
        boxes = [self.box(place) for place in live]
        sections: dict[int, str] = {}
        arrows = [arrow for place in live for arrow in self.arrows(place, sections)]
        arrows += [
            Arrow(f"r{place}-r{mean}", f"r{place}", f"r{mean}") for mean, place in given.items()
        ]
        text = f"{len(boxes):,} lines of the program"
        return self.framed([*boxes, *self.references.values()], arrows, text)

    def box(self, place: int) -> Box:
        register = self.registers[place]
        kind = self.kind_of(place)
        name = name_shown(self.names[place])
        number = number_shown(self.numbers[place], self.precision)
        title, lines = name, (f"value {number}",)
        if register.operands:
            operands = [self.operand(used) for used in register.operands]
            formula = operands[0] if register.op is None else register.op.formula(*operands)
            title = f"{name} = {formula}"
        elif kind == "input":
            return Box(f"r{place}", kind, name, tuple(lines_of(f"{name} = {number}")))
        frame = self.section_of(place)
        return Box(f"r{place}", kind, name, tuple(lines_of(title)), lines, frame=frame)

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
            section, tail = self.section_of(place), f"r{used}"
            if not self.registers[used].operands and section != sections.setdefault(used, section):
                tail, name = f"r{used}_in_{section}", name_shown(self.names[used])
                self.references[tail] = Box(tail, "reference", name, (name,), frame=section)
            found.append(Arrow(f"r{used}-r{place}-{position}", tail, f"r{place}"))
        return found


class _Loops(_Painter):
    """Makes the picture of one program's loops."""

    def picture(self) -> Picture:
        """Return the picture; an update comes after the means over rows."""
        self.loops = named_loops(self.program.recording, self.parts)
        self.ids = {
            place: f"p{number}"
            for number, loop in enumerate(self.loops, 1)
            for place in loop.pack.numbers
        }
        arrays: dict[str, list[int]] = {}  # the registers of each leaf's array, by its name
        names = array_names(self.parts.linear, names_of(self.program.recording, self.parts))
        used = {place for loop in self.loops for node in loop.pack.operands for place in node}
        for place in sorted(used - self.ids.keys()):
            if not self.is_number(place):
                arrays.setdefault(names[place], []).append(place)
        for number, places in enumerate(arrays.values(), 1):
            self.ids.update(dict.fromkeys(places, f"a{number}"))
        loops = [self.loop_box(number) for number in range(len(self.loops))]
        leaves = [self.array_box(name, places) for name, places in arrays.items()]
        means = {self.ids[place] for place in self.parts.means.values() if place in self.ids}
        boxes = [
            *[box for box in leaves if box.id not in means],
            *[box for box in loops if box.frame != UPDATE],
            *[box for box in leaves if box.id in means],
            *[box for box in loops if box.frame == UPDATE],
        ]
        return self.framed(boxes, self.arrows(), f"{len(loops):,} loops of the program")

    def array_box(self, name: str, places: list[int]) -> Box:
        """Return the box of the variables, inputs or means that are one array."""
        kind, count = self.kind_of(*places), len(places)
        what = "mean" if self.registers[places[0]].kind is RegisterKind.MEAN else kind
        title = name_shown(name)
        lines = (title, f"{count:,} {what}{'s' * (count > 1)}")
        return Box(self.ids[places[0]], kind, title, lines, (f"value {self.values(places)}",))

    def loop_box(self, number: int) -> Box:
        loop = self.loops[number]
        places = loop.pack.numbers
        kind = self.kind_of(*places)
        name, numbers = name_shown(loop.name), (f"value {self.values(places)}",)
        title = (name, *lines_of(loop.text))
        return Box(f"p{number + 1}", kind, name, title, numbers, frame=self.section_of(max(places)))

    def values(self, places: Iterable[int]) -> str:
        """Return the numbers of registers, as a range if they differ."""
        numbers = [self.numbers[place] for place in places]
        return range_shown(numbers, self.precision, number_shown)

    def arrows(self) -> list[Arrow]:
        """Return an arrow for each two boxes of which one reads the other.

        What gives a row's gradients is read by their means over the rows.
        """
        ids = self.ids
        read: dict[tuple[str, str], set[int]] = {}
        for variable, place in self.parts.means.items():
            gradient = self.parts.gradients[variable]
            if place in ids and gradient in ids:
                read.setdefault((ids[gradient], ids[place]), set()).add(place)
        for number, loop in enumerate(self.loops, 1):
            for node in loop.pack.operands:
                for place in node:
                    if place in ids:
                        read.setdefault((ids[place], f"p{number}"), set()).add(place)
        return [
            Arrow(f"{tail}-{head}", tail, head, (f"×{len(places):,}",) if len(places) > 1 else ())
            for (tail, head), places in read.items()
        ]


def numbers_of(registers: list[Register]) -> list[float | None]:
    """Return every register's number, None where it depends on a mean over rows.

    A register of several numbers has the list of them.
    """
    numbers: list[Any] = []
    for register in registers:
        operands = [numbers[place] for place in register.operands]
        known = [number for number in operands if number is not None]
        if len(known) < len(operands) or register.kind is RegisterKind.MEAN:
            numbers.append(None)
        elif register.op is not None:
            numbers.append(register.op.forward(*known))
        elif operands:
            is_part = register.kind is RegisterKind.PART
            numbers.append(operands[0][int(register.number)] if is_part else operands[0])
        else:
            numbers.append(register.number if register.value is None else register.value.data)
    return numbers
