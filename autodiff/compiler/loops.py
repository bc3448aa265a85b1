"""A program's loops in C or JavaScript.

The loops are those of machine code, for one number at a time: over blocks, over the lanes of a
block, and over the terms of a sum.  Here a column may have any even step from lane to lane.
What loops compute is in one array, ``memory``, whose parts have names: those of the program's
Values.  What is computed alone is a constant of that name.

In JavaScript a long body is several functions that share the memory: engines compile a function to
machine code only if it is not too long.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from autodiff.compiler.build import (
    Parts,
    in_memory,
    listing,
    new_numbers,
    plan_rows,
    update_results,
)
from autodiff.compiler.idle_rows import condition_of_rows
from autodiff.compiler.languages import C, Language, identifier
from autodiff.compiler.layout import COPY, Call, Kernel, Layout, Spacing, terms_of
from autodiff.compiler.linear import numbered
from autodiff.compiler.pack_names import (
    array_names,
    base_name,
    described,
    pack_name,
    runs_of_names,
)
from autodiff.compiler.packs import Pack, Part, packs_of
from autodiff.compiler.text import one_line, wrapped

__all__ = ["Body", "evaluation_loops", "run_loops", "step_loops"]

# What the loops call things; those with two underscores no label is turned into.
OUR_WORDS = ("memory", "known", "total", "block", "lane", "term", "k")

# A shorter loop is written out; numbers that few side by side are copied from a table of places.
SHORTEST_LOOP = 3

# Around the number of a part of the memory, whose name is known at the end.
MARK = "\ue000"

# Numbers in more pieces are found by a table.
MOST_PIECES = 8

# Where a function of JavaScript would have more lines, it calls others.  V8's optimizing compiler
# takes no function of more than 60 kB of its bytecode, some 20 to 30 bytes a line.
LONGEST_FUNCTION = 200


# Where a function has more results, loops copy them, and no comment says what each is.
MOST_DESCRIBED = 1000


@dataclass(frozen=True, slots=True)
class Body:
    """The lines of a function, and those of the functions that it calls."""

    lines: list[str]
    called: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A function that does a part of a section: its name and its lines."""

    name: str
    lines: list[str]


class _Memory(Layout):
    """The memory of a function, in named parts, for loops that work on one number at a time."""

    has_vectors = False
    steps = range(-(1 << 62), 1 << 62)  # any
    shortest_run = 0
    most_written_out = sums_together = 1

    def __init__(self) -> None:
        super().__init__(lanes=1 << 30)
        self.shortest = SHORTEST_LOOP
        self.starts: list[int] = []
        self.parts: list[str] = []
        self.naming = ""

    def reserve(self, doubles: int) -> int:
        """Return the start of a new part of the memory, which has the name of the moment."""
        start = self.size
        self.size += doubles
        self.starts.append(start)
        self.parts.append(self.naming)
        return start

    def padded(self, lanes: int) -> int:
        """Return how many places so many lanes take: none more."""
        return lanes


class _Writer:
    """Writes the body of one function: what it has in memory, and its sections."""

    def __init__(
        self, language: Language, parts: Parts, names: Mapping[int, str], function: str
    ) -> None:
        self.language = language
        self.function = function
        self.pieces: list[_Piece] = []
        self.parts = parts
        self.linear = parts.linear
        self.names = names
        self.arrays = array_names(self.linear, names)
        self.layout = _Memory()
        self.numbers: dict[int, float] = {}
        # Constants by where they would be in memory, and those that loops read there.
        # Those of a function that is finished are read there, too.
        self.constants: dict[int, str] = {}
        self.alone_at: set[int] = set()
        self.read_there: set[int] = set()
        self.table_names: dict[tuple[int, ...], str] = {}
        self.variables = in_memory(parts)
        labels = [names[self.linear.of_value[variable]] for variable in self.variables]
        for first, count in runs_of_names(labels):
            start = self.part(base_name(labels[first : first + count], "variables"), count)
            for offset, variable in enumerate(self.variables[first : first + count]):
                self.layout.addresses[self.linear.of_value[variable]] = start + offset
        self.layout.listing = listing(parts, self.variables)
        self.inputs = self.part("row_of_inputs", len(parts.inputs))
        for offset, value in enumerate(parts.inputs):
            self.layout.addresses[self.linear.of_value[value]] = self.inputs + offset
        start = self.part("numbers", len(self.linear.known))
        for address, (place, number) in enumerate(self.linear.known.items(), start):
            self.layout.addresses[place] = address
            self.numbers[address] = number

    # ---- memory ----------------------------------------------------------------------------

    def part(self, name: str, size: int) -> int:
        """Return the start of a new part of the memory, of that name."""
        self.layout.naming = name
        return self.layout.reserve(size)

    def cell(self, address: int, *indexes: str) -> str:
        """Return the expression of a number in memory, at an address and some indexes on."""
        more = [index for index in indexes if index]
        if not more and address in self.numbers:
            return self.language.number(self.numbers[address])
        if not more and address in self.constants:
            return self.constants[address]
        if address in self.alone_at:
            self.read_there.add(address)
        part = bisect_right(self.layout.starts, address) - 1
        offset = address - self.layout.starts[part]
        if offset or not more:
            more.append(str(offset))
        if self.language is C:
            return f"{MARK}{part}{MARK}[{' + '.join(more)}]"
        return f"memory[{MARK}{part}{MARK} + {' + '.join(more)}]"

    def finished(self, lines: Sequence[str]) -> Body:
        """Return the lines behind what they need declared, and the functions that they call."""
        language, layout = self.language, self.layout
        size = max(layout.size, 1)
        names = numbered([identifier(name) for name in layout.parts], OUR_WORDS)
        c = language is C
        keyword = "static double" if c and size > 16_384 else "double"
        memory = (
            f"{keyword} memory[{size}] = {{0}};"
            if c
            else f"const memory = new Float64Array({size});"
        )
        known: list[str] = []
        filled: list[str] = []
        if not self.read_there.isdisjoint(self.numbers):
            known = self.declared(
                "double known[]", "known", map(language.number, self.numbers.values())
            )
            each = [f"memory[{min(self.numbers)} + k] = known[k];"]
            filled = self.counted("k", len(self.numbers), each)
        if c:
            filled.append("(void)memory;")
        tables, declared, lines = self.named(lines, names)
        called: list[str] = []
        for piece in self.pieces:
            inside = chain.from_iterable(self.named(piece.lines, names))
            called += [f"function {piece.name}(memory) {{"]
            called += [*[language.indent + line for line in inside], "}", ""]
        return Body([*tables, *known, memory, *declared, *filled, *lines], called)

    def named(
        self, lines: Sequence[str], names: Sequence[str]
    ) -> tuple[list[str], list[str], list[str]]:
        """Return the tables and the parts of the memory that lines name, declared, and the lines.

        ``names`` are those of the parts.
        """
        lines = [kept for line in lines if (kept := self.kept(line))]
        read = {name for line in lines for name in re.findall(r"\bplaces__\d+\b", line)}
        tables: list[str] = []
        for places, name in self.table_names.items():
            if name in read:
                tables += self.declared(f"int {name}[]", name, map(str, places))
        starts = self.layout.starts
        found = {int(part) for line in lines for part in re.findall(rf"{MARK}(\d+){MARK}", line)}
        declared = []
        for part in sorted(found):
            start = starts[part]
            name = f"from__{names[part]}" if start in self.alone_at else names[part]
            declared.append(
                f"double *const {name} = memory + {start};"
                if self.language is C
                else f"const {name} = {start};"
            )

        def name_of(found: re.Match[str]) -> str:
            part, is_constant = int(found[1]), found[2]
            beside = not is_constant and starts[part] in self.alone_at
            return f"from__{names[part]}" if beside else names[part]

        lines = [re.sub(rf"{MARK}(\d+)(!?){MARK}", name_of, line) for line in lines]
        return tables, declared, lines

    def kept(self, line: str) -> str:
        """Return a line, but not one that writes to memory what no loop reads there."""
        indent, found, rest = line.partition(f"{MARK}?")
        if not found:
            return line
        address, _, rest = rest.partition(f"?{MARK}")
        return indent + rest if int(address) in self.read_there else ""

    def will_read(self, pack: Pack) -> None:
        """Take down what the loops of a pack read at an index."""
        by_node = [terms_of(pack.shape, operands) for operands in pack.operands]
        for column in zip(*by_node, strict=True):
            registers = {register for terms in column for register in terms}
            if len(registers) > 1:
                self.read_there.update([self.layout.addresses[place] for place in registers])

    def counted(self, name: str, count: int | str, body: Sequence[str]) -> list[str]:
        """Return a loop of so many turns."""
        if count == 0 or not body:
            return []
        if count == 1:
            return [re.sub(rf"\b{name}\b", "0", line) for line in body]
        kind = "long" if self.language is C else "let"
        return [
            f"for ({kind} {name} = 0; {name} < {count}; {name} += 1) {{",
            *[f"{self.language.indent}{line}" for line in body],
            "}",
        ]

    def table(self, numbers: Iterable[int]) -> str:
        """Return the name of a table of places."""
        places = tuple(numbers)
        return self.table_names.setdefault(places, f"places__{len(self.table_names) + 1}")

    def declared(self, in_c: str, in_javascript: str, numbers: Iterable[str]) -> list[str]:
        """Return the declaration of an array of constants."""
        if self.language is C:
            opening, closing = f"static const {in_c} = {{", "};"
        else:
            opening, closing = f"const {in_javascript} = [", "];"
        return wrapped(opening, list(numbers), closing, "")

    def parameters(self, assign: str) -> list[str]:
        """Return the loop that assigns the variables' numbers from one array to the other."""
        place_of = {variable: place for place, variable in enumerate(self.parts.variables)}
        places = [place_of[variable] for variable in self.variables]
        index = "k" if places == list(range(len(places))) else f"{self.table(places)}[k]"
        return self.counted("k", len(places), [assign.format(index)])

    def leaves(self) -> list[str]:
        """Return the loops that read the variables' numbers and the inputs."""
        to, count = self.cell(self.inputs, "k"), len(self.parts.inputs)
        lines = self.parameters("memory[k] = parameters[{}];")
        return lines + self.counted("k", count, [f"{to} = inputs[k];"]) if count else lines

    # ---- sections --------------------------------------------------------------------------

    def section(
        self, places: Sequence[int], kept: Collection[int], updates: bool = False
    ) -> list[str]:
        """Return the statements that compute registers; those in ``kept`` are left in memory."""
        operations = [place for place in places if self.linear.registers[place].op is not None]
        calls: list[str] = []
        lines: list[str] = []
        packs = packs_of(self.linear, operations, kept)
        if updates:
            self.layout.overwrite([[pack] for pack in packs], new_numbers(self.parts))
        for pack in packs:
            self.layout.naming = self.name_of(pack)
            self.layout.last = None
            self.will_read(pack)
            # A variable's new number may take the place of the old one, which it reads.
            is_alone = len(pack.results) == 1 and pack.results[0] not in self.layout.in_place
            lines += self.alone(pack) if is_alone else self.many(pack)
            self.arrays.update(dict.fromkeys(pack.results, self.layout.naming))
            if len(lines) > LONGEST_FUNCTION and self.language is not C:
                calls.append(self.piece(lines))
                lines = []
        return calls + lines

    def piece(self, lines: list[str]) -> str:
        """Make lines a function of their own, and return the call.

        Its constants are not known elsewhere, nor those of earlier lines in it; they are in memory.
        """
        name = f"{self.function}__part_{len(self.pieces) + 1}"
        own = {line.partition(f"{MARK}?")[2].partition("?")[0] for line in lines}
        earlier = {text: at for at, text in self.constants.items() if str(at) not in own}
        self.constants.clear()
        read = {text: self.cell(address) for text, address in earlier.items()}

        def name_there(found: re.Match[str]) -> str:
            return read.get(found[0], found[0])

        lines = [re.sub(rf"{MARK}\d+!{MARK}", name_there, line) for line in lines]
        self.pieces.append(_Piece(name, lines))
        return f"{name}(memory);"

    def many(self, pack: Pack) -> list[str]:
        """Return the loops of a pack behind a comment."""
        loops = [line for call in self.layout.place(pack) for line in self.call(call)]
        comment = one_line(f"{identifier(self.layout.naming)}: {described(pack, self.arrays)}")
        return [f"{self.language.comment} {comment}", *loops]

    def alone(self, pack: Pack) -> list[str]:
        """Return the statements of a pack of one, which make a constant."""
        layout, result, tree = self.layout, pack.results[0], pack.shape.tree
        layout.naming = self.names.get(result, layout.naming)
        if tree is None:
            calls = layout.place(pack)
        else:
            layout.addresses[result] = layout.reserve(1)
        address = layout.addresses[result]
        part = bisect_right(layout.starts, address) - 1
        constant = self.constants[address] = f"{MARK}{part}!{MARK}"
        self.alone_at.add(address)
        if tree is None:
            lines = [line for call in calls for line in self.call(call)]
        else:
            operands = [self.cell(layout.addresses[operand]) for operand in pack.operands[0]]
            places = pack.shape.places
            text = self.tree(tree, iter([operands[place] for place in places]))
            lines = [self.language.statement(constant, text)]
        return [*lines, f"{MARK}?{address}?{MARK}memory[{address}] = {constant};"]

    def name_of(self, pack: Pack) -> str:
        """Return what the numbers of a pack are called."""
        return pack_name(pack, self.names)

    def moved(self, moves: Sequence[tuple[int, int]]) -> list[str]:
        """Return the statements that copy numbers, all of which are read before."""
        self.layout.naming, self.layout.last = "aside", None
        return [line for call in self.layout.moved(moves) for line in self.call(call)]

    # ---- calls -----------------------------------------------------------------------------

    def call(self, call: Call) -> list[str]:
        """Return the loops of a call."""
        kernel, count = call.kernel, len(call)
        if kernel.what == COPY:
            return self.copying(call)
        terms = [
            (
                len(call.spacings[columns[0]].offsets),
                [self.term_index(call.spacings[c]) for c in columns],
            )
            for _, _, columns in kernel.formulas[0].runs()
        ]
        if not kernel.even and count <= SHORTEST_LOOP:
            nothing = [""] * kernel.addresses
            blocks = [self.loops(kernel, 1, block, nothing, terms) for block in call.blocks()]
            return [line for lines in blocks for line in lines]
        if kernel.even:
            bases = call.numbers[: kernel.addresses]
            return self.loops(
                kernel, count, bases, [times("block", s) for s in call.steps()], terms
            )
        self.read_there.update(call.numbers)
        name, size = self.table(call.numbers), kernel.addresses
        found = [f"{name}[{times('block', size)} + {k}]" for k in range(size)]
        return self.loops(kernel, count, [-1] * size, found, terms)

    def term_index(self, spacing: Spacing) -> str:
        """Return the index of a term, relative to the first."""
        if spacing.step is not None:
            return times("term", spacing.step)
        return f"{self.table(spacing.offsets)}[term]"

    def loops(
        self,
        kernel: Kernel,
        count: int,
        bases: Sequence[int],
        blocks: Sequence[str],
        terms: Sequence[tuple[int, list[str]]],
    ) -> list[str]:
        """Return the loops over blocks and lanes."""
        strides = (1, *kernel.strides) if kernel.width > 1 else (0,) * len(bases)
        lone = kernel.width <= SHORTEST_LOOP and bases[0] >= 0
        body: list[str] = []
        for lane in range(kernel.width if lone else 1):
            bases_here = [base + lane * stride for base, stride in zip(bases, strides, strict=True)]
            lanes = ["" if lone else times("lane", stride) for stride in strides]
            cells = _Cells(self, bases_here, blocks, lanes)
            (formula,) = kernel.formulas
            if formula.terms:
                body += self.sum(kernel, cells, terms, 1 if lone else kernel.width)
            else:
                operands = iter([cells.cell(1 + place) for place in formula.places])
                statement = f"{cells.cell(0)} = {self.tree(formula.tree, operands)};"
                body += [statement] if lone else self.counted("lane", kernel.width, [statement])
        return self.counted("block", count, body) if count > 1 else body

    def copying(self, call: Call) -> list[str]:
        """Return the loops that copy numbers from anywhere, side by side."""
        rows, width = call.blocks(), call.kernel.width
        name = self.table([source for row in rows for source in row[1:]])
        lines: list[str] = []
        number = 0
        while number < len(rows):
            length = 1
            to = rows[number][0]
            while number + length < len(rows) and rows[number + length][0] == to + length * width:
                length += 1
            index = f"k + {number * width}" if number else "k"
            copied = f"{self.cell(to, 'k')} = memory[{name}[{index}]];"
            lines += self.counted("k", length * width, [copied])
            number += length
        return lines

    def sum(
        self, kernel: Kernel, cells: _Cells, terms: Sequence[tuple[int, list[str]]], lanes: int
    ) -> list[str]:
        """Return the statements that add up the terms of a block's lanes, one after the other.

        All lanes get a term before the next: their sums do not wait for each other.  Where the
        sum takes the place of a number that is one of its terms, each lane has a total of its own.
        """
        result = cells.cell(0)
        in_place = 0 <= cells.bases[0] < len(self.variables)
        total = "total" if in_place else result
        lines: list[str] = []
        column, begun = 1, False
        for (part, _), (number, steps) in zip(kernel.formulas[0].terms, terms, strict=True):
            operands = [
                cells.cell(column + k, step if number > 1 else "") for k, step in enumerate(steps)
            ]
            column += len(steps)
            added = [f"{total} += {self.tree(part, iter(operands))};"]
            if not begun:
                # -0.0 + x is x for every x.
                first = added[0].partition("+= ")[2] if number == 1 else "(-0.0);"
                lines += self.on_lanes([self.begun(total, first)], lanes, in_place)
                begun = True
                if number == 1:
                    continue
            added = self.on_lanes(added, lanes, in_place)
            lines += self.counted("term", number, added) if number > 1 else added
        if not in_place:
            return lines
        lines.append(f"{result} = total;")
        lines = (
            ["{", *[self.language.indent + line for line in lines], "}"] if lanes == 1 else lines
        )
        return self.on_lanes(lines, lanes, False)

    def begun(self, total: str, first: str) -> str:
        """Return the statement that begins a sum."""
        declared = total == "total" or total in self.constants.values()
        word = ("double " if self.language is C else "let ") if declared else ""
        return f"{word}{total} = {first}"

    def on_lanes(self, lines: list[str], lanes: int, within: bool) -> list[str]:
        """Return statements for each lane, or as they are, ``within`` a loop over lanes."""
        return lines if within or lanes == 1 else self.counted("lane", lanes, lines)

    def tree(self, part: Part, operands: Iterator[str]) -> str:
        """Return an expression tree as text; it takes its operands in order."""
        if part is None:
            return next(operands)
        if isinstance(part, str):
            return self.language.number(float(part))
        op, parts = part
        texts = [self.tree(inner, operands) for inner in parts]
        for place, inner in enumerate(parts):
            if isinstance(inner, tuple):
                texts[place] = f"({texts[place]})"
        return self.language.operation(op, texts, None)


@dataclass(frozen=True, slots=True)
class _Cells:
    """What a block reads and writes: addresses (-1 where a table has them) and their indexes."""

    writer: _Writer
    bases: Sequence[int]
    blocks: Sequence[str]
    lanes: Sequence[str]

    def cell(self, number: int, term: str = "") -> str:
        """Return the expression of a column's number; column 0 is the result."""
        where = [index for index in (self.blocks[number], self.lanes[number], term) if index]
        if self.bases[number] >= 0:
            return self.writer.cell(self.bases[number], *where)
        return f"memory[{' + '.join(where)}]"


def times(index: str, step: int) -> str:
    """Return an index times a step."""
    if step == 0:
        return ""
    return index if step == 1 else f"{step} * {index}"


def step_loops(language: Language, parts: Parts, names: Mapping[int, str]) -> Body:
    """Return the body of the function that computes the output and the gradients."""
    writer = _Writer(language, parts, names, "step")
    results = [parts.output, *parts.gradients.values()]
    lines = writer.leaves()
    lines += writer.section(parts.linear.live(results), set(results))
    addresses = writer.layout.addresses
    lines += copied_out("gradients", [addresses[p] for p in parts.gradients.values()], writer, "=")
    lines.append(language.statement("output", writer.cell(addresses[parts.output])))
    return writer.finished(lines)


def evaluation_loops(
    language: Language,
    parts: Parts,
    names: Mapping[int, str],
    function: str,
    results: Mapping[str, int],
) -> Body:
    """Return the body of a function that fills outputs, given what each result is."""
    writer = _Writer(language, parts, names, function)
    lines = writer.leaves()
    lines += writer.section(parts.linear.live(results.values()), set(results.values()))
    addresses = [writer.layout.addresses[place] for place in results.values()]
    if len(results) > MOST_DESCRIBED:
        return writer.finished([*lines, *copied_out("outputs", addresses, writer, "=")])
    for index, (description, address) in enumerate(zip(results, addresses, strict=True)):
        text = writer.cell(address)
        lines.append(f"outputs[{index}] = {text};  {language.comment} {one_line(description)}")
    return writer.finished(lines)


def copied_out(array: str | int, addresses: Sequence[int], writer: _Writer, sign: str) -> list[str]:
    """Return the statements that write numbers, or add them, to an array or to memory."""

    def target(place: int, index: str) -> str:
        if isinstance(array, int):
            return writer.cell(array + place, index)
        return f"{array}[{' + '.join([part for part in (index, str(place or '')) if part]) or '0'}]"

    runs = runs_of_places(addresses, writer.numbers)
    if len(runs) > MOST_PIECES:
        writer.read_there.update(addresses)
        table = writer.table(addresses)
        body = [f"{target(0, 'k')} {sign} memory[{table}[k]];"]
        return writer.counted("k", len(addresses), body)
    lines: list[str] = []
    for places in runs:
        first, count = places[0], len(places)
        start = addresses[first]
        if count == 1:
            lines.append(f"{target(first, '')} {sign} {writer.cell(start)};")
        else:
            writer.read_there.update(range(start, start + count))
            index = times("k", places[1] - first)
            body = [f"{target(first, index)} {sign} {writer.cell(start, 'k')};"]
            lines += writer.counted("k", count, body)
    return lines


def runs_of_places(addresses: Sequence[int], apart: Collection[int]) -> list[list[int]]:
    """Return places in runs, evenly spaced, whose addresses are side by side.

    Addresses ``apart`` are in no run with others.
    """
    runs: list[list[int]] = []
    last = -2
    for place in sorted(range(len(addresses)), key=addresses.__getitem__):
        address = addresses[place]
        run = runs[-1] if runs else []
        goes_on = address == last + 1 and not {address, last} & set(apart) and place > run[-1]
        if goes_on and (len(run) == 1 or place - run[-1] == run[1] - run[0]):
            run.append(place)
        else:
            runs.append([place])
        last = address
    return runs


def run_loops(
    language: Language, parts: Parts, names: Mapping[int, str], function: str = "run"
) -> Body:
    """Return the body of the function of that name that does iterations with updates."""
    writer = _Writer(language, parts, names, function)
    lines = writer.parameters("memory[k] = parameters[{}];")
    lines += (rows_loop if parts.inputs else plain_loop)(writer)
    lines += writer.parameters("parameters[{}] = memory[k];")
    return writer.finished(lines)


def plain_loop(writer: _Writer) -> list[str]:
    """Return the loop over iterations of a program without inputs."""
    parts = writer.parts
    results = [parts.output, *update_results(parts)]
    body = writer.section(parts.linear.live(results), set(results), updates=True)
    body += [
        f"outputs[iteration] = {output_of(writer, writer.cell(address_of(writer, parts.output)))};"
    ]
    return writer.counted("iteration", "n", [*body, *assigned(writer)])


def address_of(writer: _Writer, place: int) -> int:
    """Return where a register's number is."""
    return writer.layout.addresses[place]


def output_of(writer: _Writer, output: str) -> str:
    """Return the output, with the penalty if there is one."""
    penalty = writer.parts.penalty
    return output if penalty is None else f"{output} + {writer.cell(address_of(writer, penalty))}"


def assigned(writer: _Writer) -> list[str]:
    """Return the statements that give the variables their new numbers."""
    parts = writer.parts
    of_value = parts.linear.of_value
    moves = [
        (address_of(writer, of_value[variable]), address_of(writer, place))
        for variable, place in parts.updates.items()
    ]
    return writer.moved([move for move in moves if move[0] != move[1]])


def row_lines(writer: _Writer, rows: Sequence[int], summed: Sequence[int], means: int) -> list[str]:
    """Return the statements of one row: its loss, and its gradients, added to the means."""
    linear, output = writer.linear, writer.parts.output
    condition = condition_of_rows(linear, rows, output, summed)
    loss = set(rows)
    if condition is not None:
        loss.intersection_update(linear.live([output, condition]))
    gradients = [place for place in rows if place not in loss]
    read = [operand for place in gradients for operand in linear.registers[place].operands]
    kept = loss.intersection([output, *summed, *read])
    lines = writer.section([place for place in rows if place in loss], kept)
    lines.append(f"sum__output += {writer.cell(address_of(writer, output))};")
    backward = writer.section(gradients, set(gradients).intersection(summed))
    backward += copied_out(means, [address_of(writer, place) for place in summed], writer, "+=")
    if condition is None:
        return lines + backward
    writer.layout.copies.clear()  # what is copied there may not be
    return [
        *lines,
        "// Elsewhere all gradients are zeros.",
        f"if ({writer.cell(address_of(writer, condition))} > 0.0) {{",
        *[writer.language.indent + line for line in backward],
        "}",
    ]


def rows_loop(writer: _Writer) -> list[str]:
    """Return the loops over passes, batches and rows."""
    parts, plan, language = writer.parts, plan_rows(writer.parts), writer.language
    linear = parts.linear
    means = writer.part("mean", len(plan.means))
    in_order = [variable for variable in writer.variables if variable in plan.means]
    for offset, variable in enumerate(in_order):
        writer.layout.addresses[plan.means[variable]] = means + offset
    summed = [parts.gradients[variable] for variable in in_order]
    read = [p for place in (*plan.rows, *plan.after) for p in linear.registers[place].operands]
    later = {*read, *summed, parts.output, *update_results(parts)}
    before = writer.section(plan.before, later.intersection(plan.before))
    to = writer.cell(writer.inputs, "k")
    width = len(parts.inputs)
    inside = writer.counted("k", width, [f"{to} = rows[{width} * row + k];"])
    inside += row_lines(writer, plan.rows, summed, means)
    mean = writer.cell(means, "k")
    results = set(update_results(parts))
    after = writer.counted("k", len(summed), [f"{mean} /= count__rows;"])
    after += writer.section(plan.after, results.intersection(plan.after), updates=True)
    after += [f"outputs[batch] = {output_of(writer, 'sum__output / count__rows')};", "batch += 1;"]
    after += assigned(writer)
    c = language is C
    whole, number = ("long", "double") if c else ("let", "let")
    row_count, size = ("row_count", "batch_size") if c else ("rowCount", "batchSize")
    stop = f"start + {size} < {row_count} ? start + {size} : {row_count}"
    batch = [
        *before,
        f"{whole} stop = {stop};",
        language.statement("count__rows", f"{'(double)' if c else ''}(stop - start)"),
        f"{number} sum__output = 0.0;",
        *writer.counted("k", len(summed), [f"{mean} = 0.0;"]),
        f"for ({whole} row = start; row < stop; row += 1) {{",
        *[f"{language.indent}{line}" for line in inside],
        "}",
        *after,
    ]
    epoch = [
        f"for ({whole} start = 0; start < {row_count}; start += {size}) {{",
        *[f"{language.indent}{line}" for line in batch],
        "}",
    ]
    return [f"{whole} batch = 0;", *writer.counted("iteration", "n", epoch)]
