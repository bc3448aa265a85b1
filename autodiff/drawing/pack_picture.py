"""The picture of a compiled program by its loops: the layers of a network, and their gradients."""

from __future__ import annotations

from collections.abc import Iterable

from autodiff.compiler.linear import Kind as RegisterKind
from autodiff.compiler.pack_names import array_names, named_loops, names_of
from autodiff.compiler.program import Program
from autodiff.drawing.lines import in_lines
from autodiff.drawing.picture import Arrow, Box, Frame, Kind, Picture
from autodiff.drawing.program_picture import SECTIONS, UPDATE, kind_of, numbers_of, section_of
from autodiff.drawing.shown import lines_of, name_shown, number_shown, range_shown

__all__ = ["picture_of_loops"]


def picture_of_loops(program: Program, precision: int) -> Picture:
    """Return a picture with a box for each line of ``program.loops``, and for each array they read.

    An arrow's label counts the numbers that go from one to the other.  Numbers that are known when
    a program is compiled stand in the texts.  Values are what the program computes from the leaves'
    present numbers.
    """
    return LoopPainter(program, precision).picture()


class LoopPainter:
    """Makes the picture of one program's loops."""

    def __init__(self, program: Program, precision: int) -> None:
        self.program, self.precision = program, precision
        self.parts = program.expanded
        self.registers = self.parts.linear.registers
        self.numbers = numbers_of(self.registers)
        self.loops = named_loops(program.recording, self.parts)
        self.ids = {
            place: f"p{number}"
            for number, loop in enumerate(self.loops, 1)
            for place in loop.pack.results
        }
        self.arrays: dict[str, list[int]] = {}  # the registers of each leaf's array, by its name
        names = array_names(self.parts.linear, names_of(program.recording, self.parts))
        used = {place for loop in self.loops for node in loop.pack.operands for place in node}
        for place in sorted(used - self.ids.keys()):
            if self.registers[place].kind is not RegisterKind.NUMBER:
                self.arrays.setdefault(names[place], []).append(place)
        for number, places in enumerate(self.arrays.values(), 1):
            self.ids.update(dict.fromkeys(places, f"a{number}"))

    def picture(self) -> Picture:
        """Return the picture, in lines if it is long; an update comes after the means over rows."""
        loops = [self.loop_box(number) for number in range(len(self.loops))]
        arrays = [self.array_box(name, places) for name, places in self.arrays.items()]
        means = {self.ids[place] for place in self.parts.means.values() if place in self.ids}
        boxes = [
            *[box for box in arrays if box.id not in means],
            *[box for box in loops if box.frame != UPDATE],
            *[box for box in arrays if box.id in means],
            *[box for box in loops if box.frame == UPDATE],
        ]
        shown = {box.frame for box in boxes}
        picture = Picture(
            boxes,
            self.arrows(),
            [Frame(section, section) for section in SECTIONS if section in shown],
            name_shown(self.program.title),
            f"{len(self.loops):,} loops of the program",
        )
        return in_lines(picture)

    def array_box(self, name: str, places: list[int]) -> Box:
        """Return the box of the variables, inputs or means that are one array."""
        register, count = self.registers[places[0]], len(places)
        kind: Kind = kind_of(register)
        what = "mean" if register.kind is RegisterKind.MEAN else kind
        title = name_shown(name)
        lines = (title, f"{count:,} {what}{'s' * (count > 1)}")
        return Box(self.ids[places[0]], kind, title, lines, (f"value {self.values(places)}",))

    def loop_box(self, number: int) -> Box:
        """Return the box of a loop."""
        loop = self.loops[number]
        places = loop.pack.results
        kind: Kind = "result" if self.parts.output in places else "operation"
        name, numbers = name_shown(loop.name), (f"value {self.values(places)}",)
        title = (name, *lines_of(loop.text))
        return Box(
            f"p{number + 1}", kind, name, title, numbers, frame=section_of(self.parts, max(places))
        )

    def values(self, places: Iterable[int]) -> str:
        """Return the numbers of registers, as a range if they differ."""
        numbers = [self.numbers[place] for place in places]
        return range_shown(numbers, self.precision, number_shown)

    def arrows(self) -> list[Arrow]:
        """Return an arrow for each two boxes of which one reads the other."""
        found = self.arrows_to_means()
        for number, loop in enumerate(self.loops, 1):
            read: dict[str, set[int]] = {}
            for node in loop.pack.operands:
                for place in node:
                    if place in self.ids:
                        read.setdefault(self.ids[place], set()).add(place)
            for tail, places in read.items():
                label = (f"×{len(places):,}",) if len(places) > 1 else ()
                found.append(Arrow(f"{tail}-p{number}", tail, f"p{number}", label))
        return found

    def arrows_to_means(self) -> list[Arrow]:
        """Return the arrows from what gives a row's gradients to their means over the rows."""
        read: dict[tuple[str, str], int] = {}
        for variable, place in self.parts.means.items():
            gradient = self.parts.gradients[variable]
            if place in self.ids and gradient in self.ids:
                ends = self.ids[gradient], self.ids[place]
                read[ends] = read.get(ends, 0) + 1
        return [
            Arrow(f"{tail}-{head}", tail, head, (f"×{count:,}",) if count > 1 else ())
            for (tail, head), count in read.items()
        ]
