"""A program's loops in C or JavaScript.

The loops are those of machine code, for one number at a time: over blocks, over the lanes of a
block, and over the terms of a sum.  Here a column may have any even step from lane to lane.
What loops compute is in one array, ``memory``, whose parts have names: those of the program's
Values.  What is computed alone, and read by its name alone, is a constant of that name.

In JavaScript a long section is several functions that share the memory: engines compile a function
to machine code only if it is not too long.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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
from autodiff.compiler.layout import COPY, Call, Formula, Layout, Spacing, terms_of
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

# A shorter loop is written out; fewer numbers side by side are copied from a table of places.
SHORTEST_LOOP = 3

# Numbers in more pieces are found by a table.
MOST_PIECES = 8

# Where a section of JavaScript would have more lines, about, it calls functions.  V8's optimizing
# compiler takes no function of more than 60 kB of its bytecode, some 20 to 30 bytes a line.
LONGEST_FUNCTION = 200
LINES_OF_A_LOOP = 5

# Where a function has more results, loops copy them, and no comment says what each is.
MOST_DESCRIBED = 1000


@dataclass(frozen=True, slots=True)
class Body:
    """The lines of a function, and those of the functions that it calls."""

    lines: list[str]
    called: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Section:
    """Packs that are computed in turn; if there are several lists, each in a function of its own.

    ``kept`` are the registers that others read.
    """

    pieces: list[list[Pack]]
    kept: Collection[int]


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
        self.names = dict.fromkeys(OUR_WORDS, 1)  # and how many there are of each
        self.naming = ""

    def reserve(self, doubles: int) -> int:
        """Return the start of a new part of the memory, which has the name of the moment."""
        start = self.size
        self.size += doubles
        self.starts.append(start)
        name = fresh = identifier(self.naming)
        while fresh in self.names:
            self.names[name] += 1
            fresh = f"{name}_{self.names[name]}"
        self.names[fresh] = 1
        self.parts.append(fresh)
        return start

    def padded(self, lanes: int) -> int:
        """Return how many places so many lanes take: none more."""
        return lanes


class _Writer:
    """Writes the body of one function: first all its sections are planned, then written in turn."""

    def __init__(
        self, language: Language, parts: Parts, names: Mapping[int, str], function: str
    ) -> None:
        self.language = language
        self.function = function
        self.parts = parts
        self.linear = parts.linear
        self.names = names
        self.arrays = array_names(self.linear, names)
        self.layout = _Memory()
        # How numbers are written that have a name, or are known, by where they are in memory; and
        # the registers that are read there.
        self.constants: dict[int, str] = {}
        self.indexed: set[int] = set()
        self.called: list[str] = []
        self.functions = 0
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
        self.numbers = self.part("numbers", len(self.linear.known))
        for address, (place, number) in enumerate(self.linear.known.items(), self.numbers):
            self.layout.addresses[place] = address
            self.constants[address] = language.number(number)
        self.literals = dict(self.constants)

    # ---- memory ----------------------------------------------------------------------------

    def part(self, name: str, size: int) -> int:
        """Return the start of a new part of the memory, of that name."""
        self.layout.naming = name
        return self.layout.reserve(size)

    def part_of(self, address: int) -> int:
        """Return the place of the part of the memory that an address is in."""
        return bisect_right(self.layout.starts, address) - 1

    def cell(self, address: int, *indexes: str) -> str:
        """Return the expression of a number in memory, at an address and some indexes on."""
        more = [index for index in indexes if index]
        if not more and address in self.constants:
            return self.constants[address]
        return self.in_memory(address, more)

    def in_memory(self, address: int, indexes: Sequence[str]) -> str:
        """Return the expression of a number that is in memory, whatever else is known of it."""
        more = [*indexes]
        part = self.part_of(address)
        name, offset = self.layout.parts[part], address - self.layout.starts[part]
        if offset or not more:
            more.append(str(offset))
        if self.language is C:
            return f"{name}[{' + '.join(more)}]"
        return f"memory[{name} + {' + '.join(more)}]"

    def address_of(self, place: int) -> int:
        """Return where a register's number is."""
        return self.layout.addresses[place]

    def text_of(self, place: int) -> str:
        """Return the expression of a register's number."""
        return self.cell(self.address_of(place))

    def finished(self, lines: Sequence[str]) -> Body:
        """Return the lines behind what they need declared, and the functions that they call."""
        language, size = self.language, self.layout.size
        known: list[str] = []
        if not self.indexed.isdisjoint(self.linear.known):
            numbers = [language.number(number) for number in self.linear.known.values()]
            known = self.declared("double known[]", "known", numbers)
            filled = f"{self.cell(self.numbers, 'k')} = known[k];"
            lines = [*self.counted("k", len(numbers), [filled]), *lines]
        lines = self.with_declarations(lines)
        if any("memory" in line for line in lines):
            keyword = "static double" if size > 16_384 else "double"
            memory = f"const memory = new Float64Array({size});"
            memory = f"{keyword} memory[{size}] = {{0}};" if language is C else memory
            is_read = any("memory" in line.partition(" = ")[2] for line in lines)
            # A warning of compilers otherwise, where the output is a number known beforehand.
            on_purpose = [] if language is not C or is_read else ["(void)memory;"]
            lines = [memory, *on_purpose, *lines]
        return Body([*known, *lines], self.called)

    def with_declarations(self, lines: Sequence[str]) -> list[str]:
        """Return lines behind the tables, and the parts of the memory, that they name."""
        named = {
            word
            for line in lines
            for word in re.findall(r"\w+", line.partition(self.language.comment)[0])
        }
        declared: list[str] = []
        for places, name in self.table_names.items():
            if name in named:
                declared += self.declared(f"int {name}[]", name, map(str, places))
        for start, name in zip(self.layout.starts, self.layout.parts, strict=True):
            if name in named:
                found = f"double *const {name} = memory +" if self.language is C else ""
                declared.append(f"{found or f'const {name} ='} {start};")
        return [*declared, *lines]

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

    def plan(self, places: Sequence[int], kept: Collection[int]) -> _Section:
        """Return the section that computes registers; those in ``kept`` are read by others."""
        operations = [place for place in places if self.linear.registers[place].op is not None]
        section = _Section([[]], kept)
        lines = 0
        for pack in packs_of(self.linear, operations, kept):
            if lines > LONGEST_FUNCTION and self.language is not C:
                section.pieces.append([])
                lines = 0
            section.pieces[-1].append(pack)
            lines += LINES_OF_A_LOOP if len(pack.results) > 1 else 1
        apart = len(section.pieces) > 1
        self.indexed.update(kept if apart or len(kept) > MOST_DESCRIBED else ())
        for piece in section.pieces:
            here = {result for pack in piece for result in pack.results}
            here.update(self.linear.known)
            for pack in piece:
                by_node = [terms_of(pack.shape, operands) for operands in pack.operands]
                for column in zip(*by_node, strict=True):
                    read = {register for terms in column for register in terms}
                    by_index = len(read) > 1 or pack.shape.by_place is not None
                    self.indexed.update(read if by_index else read - here if apart else ())
        return section

    def section(self, section: _Section, updates: bool = False) -> list[str]:
        """Return the statements of a section, whose results may be new numbers of variables."""
        if updates:
            groups = [[pack] for piece in section.pieces for pack in piece]
            self.layout.overwrite(groups, new_numbers(self.parts))
        if len(section.pieces) == 1:
            return [line for pack in section.pieces[0] for line in self.pack(pack)]
        constants, calls = self.constants, []
        for piece in section.pieces:
            self.constants = dict(self.literals)  # other constants are not known there
            calls.append(self.function_of([line for pack in piece for line in self.pack(pack)]))
        self.constants = constants
        return calls

    def function_of(self, lines: list[str]) -> str:
        """Make lines a function of their own, and return the call."""
        self.functions += 1
        name, indent = f"{self.function}__part_{self.functions}", self.language.indent
        self.called += [f"function {name}(memory) {{"]
        self.called += [indent + line for line in self.with_declarations(lines)]
        self.called += ["}", ""]
        return f"{name}(memory);"

    def pack(self, pack: Pack) -> list[str]:
        """Return the statements of a pack: loops behind a comment, or those of a pack of one."""
        layout, first = self.layout, pack.results[0]
        layout.naming = pack_name(pack, self.names)
        layout.last = None
        # A variable's new number may take the place of the old one, which it reads.
        if len(pack.results) == 1 and first not in layout.in_place and not pack.parts:
            lines = self.alone(pack)
        else:
            calls = layout.place(pack)
            layout.naming = layout.parts[self.part_of(layout.addresses[first])]
            comment = one_line(f"{layout.naming}: {described(pack, self.arrays)}")
            lines = [f"{self.language.comment} {comment}"]
            lines += [line for call in calls for line in self.call(call)]
        self.arrays.update(dict.fromkeys(pack.numbers, layout.naming))
        return lines

    def alone(self, pack: Pack) -> list[str]:
        """Return the statements of a pack of one: a constant, in memory too if read there."""
        layout, result, tree = self.layout, pack.results[0], pack.shape.tree
        layout.naming = self.names.get(result, layout.naming)
        calls: list[Call] = []
        if tree is None:
            calls = layout.place(pack)
        else:
            layout.addresses[result] = layout.reserve(1)
        address = layout.addresses[result]
        part = self.part_of(address)
        name = self.constants[address] = layout.parts[part]
        layout.parts[part] = f"from__{name}"
        lines = [line for call in calls for line in self.call(call)]
        if tree is not None:
            operands = [self.text_of(operand) for operand in pack.operands[0]]
            text = self.tree(tree, iter([operands[place] for place in pack.shape.places]))
            lines = [self.language.statement(name, text)]
        return [*lines, f"memory[{address}] = {name};"] if result in self.indexed else lines

    def moved(self, moves: Sequence[tuple[int, int]]) -> list[str]:
        """Return the statements that copy numbers, all of which are read before."""
        self.layout.naming, self.layout.last = "aside", None
        last = [move for move in moves if move[1] in self.constants]
        calls = self.layout.moved([move for move in moves if move[1] not in self.constants])
        lines = [line for call in calls for line in self.call(call)]
        return lines + [f"{self.cell(to)} = {self.cell(source)};" for to, source in last]

    # ---- calls -----------------------------------------------------------------------------

    def call(self, call: Call) -> list[str]:
        """Return the loops of a call."""
        kernel, count, size = call.kernel, len(call), call.kernel.addresses
        if kernel.what == COPY:
            return self.copying(call)
        if kernel.even:
            steps = [times("block", step) for step in call.steps()]
            body = self.block(call, call.numbers[:size], steps)
            return self.counted("block", count, body) if count > 1 else body
        if count > SHORTEST_LOOP:
            name = self.table(call.numbers)
            found = [f"{name}[{times('block', size)} + {k}]" for k in range(size)]
            return self.counted("block", count, self.block(call, [-1] * size, found))
        nothing = [""] * size
        return [line for block in call.blocks() for line in self.block(call, block, nothing)]

    def block(self, call: Call, bases: Sequence[int], indexes: Sequence[str]) -> list[str]:
        """Return the loops over a block's lanes, given its addresses: a base (or -1) and an index.

        Those over few lanes are written out.
        """
        kernel = call.kernel
        strides = (1,) * kernel.results + kernel.strides
        strides = strides if kernel.width > 1 else (0,) * len(bases)
        (formula,) = kernel.formulas
        if kernel.width > SHORTEST_LOOP or bases[0] < 0:
            lanes = [times("lane", stride) for stride in strides]
            cells = _Cells(self, bases, indexes, lanes)
            return self.formula(call, formula, cells, kernel.width)
        body: list[str] = []
        for lane in range(kernel.width):
            here = [base + lane * stride for base, stride in zip(bases, strides, strict=True)]
            cells = _Cells(self, here, indexes, [""] * len(here))
            body += self.formula(call, formula, cells, 1)
        return body

    def formula(self, call: Call, formula: Formula, cells: _Cells, lanes: int) -> list[str]:
        """Return the statements that compute a formula for so many lanes."""
        if formula.by_place is not None:
            return self.by_place(call, formula, cells, lanes)
        if formula.terms:
            return self.sum(call, formula, cells, lanes)
        operands = iter([cells.cell(1 + place) for place in formula.places])
        statement = f"{cells.cell(0)} = {self.tree(formula.tree, operands)};"
        return self.counted("lane", lanes, [statement]) if lanes > 1 else [statement]

    def by_place(self, call: Call, formula: Formula, cells: _Cells, lanes: int) -> list[str]:
        """Return the statements of a pick, or of additions at places."""
        spacings, first = call.spacings, call.kernel.results
        found = [self.term(spacing) for spacing in spacings]
        if first:
            index, values = formula.places
            there = self.among(cells.place(1 + values), spacings[values])
            result, picked = cells.cell(0), f"picked__at({there}, {cells.cell(1 + index)})"
            is_constant = self.constants.get(cells.bases[0]) == result
            statement = f"{result} = {picked};"
            if is_constant:
                statement = self.language.statement(result, picked)
            return self.counted("lane", lanes, [statement]) if lanes > 1 else [statement]
        index, added, before, to = formula.places
        begun = f"{cells.cell(to, found[to])} = {cells.cell(before, found[before])};"
        lines = self.counted("term", len(spacings[before].offsets), [begun])
        terms = len(spacings[index].offsets)
        numbers = [cells.cell(k, found[k] if terms > 1 else "") for k in (index, added)]
        there = self.among(cells.place(to), self.layout.spacing(spacings[to].offsets[:-1]))
        lines += self.counted("term", terms, [f"add__at({there}, {', '.join(numbers)});"])
        return self.counted("lane", lanes, lines) if lanes > 1 else lines

    def term(self, spacing: Spacing) -> str:
        """Return where a term of a column is, relative to the first."""
        if spacing.step is not None:
            return times("term", spacing.step)
        return f"{self.table(spacing.offsets)}[term]"

    def among(self, place: str, spacing: Spacing) -> str:
        """Return what says among which numbers a place is, the first of which is there."""
        table = self.table(spacing.offsets)
        if self.language is C:
            return f"&{place}, {table}, {len(spacing.offsets)}"
        return f"memory, {place.removeprefix('memory[').removesuffix(']')}, {table}"

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

    def sum(self, call: Call, formula: Formula, cells: _Cells, lanes: int) -> list[str]:
        """Return the statements that add up the terms of a block's lanes, one after the other.

        All lanes get a term before the next: their sums do not wait for each other.  Where the
        sum takes the place of a number that is one of its terms, each lane has a total of its own.
        """
        result = cells.cell(0)
        is_constant = self.constants.get(cells.bases[0]) == result
        in_place = 0 <= cells.bases[0] < len(self.variables)
        total = "total" if in_place else result
        declared = ("double " if self.language is C else "let ") if in_place or is_constant else ""
        within = in_place or lanes == 1
        lines: list[str] = []
        for part, _, columns in formula.runs():
            spacings = [call.spacings[column] for column in columns]
            count = len(spacings[0].offsets)
            terms = [self.term(spacing) for spacing in spacings]
            operands = [
                cells.cell(1 + column, term if count > 1 else "")
                for column, term in zip(columns, terms, strict=True)
            ]
            term = self.tree(part, iter(operands))
            if not lines:
                # -0.0 + x is x for every x.
                begun = f"{declared}{total} = {term if count == 1 else '(-0.0)'};"
                lines += [begun] if within else self.counted("lane", lanes, [begun])
                if count == 1:
                    continue
            added = [f"{total} += {term};"]
            added = added if within else self.counted("lane", lanes, added)
            lines += self.counted("term", count, added) if count > 1 else added
        if not in_place:
            return lines
        lines.append(f"{result} = total;")
        if lanes > 1:
            return self.counted("lane", lanes, lines)
        return ["{", *[self.language.indent + line for line in lines], "}"]

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
        if self.bases[number] >= 0:
            where = self.blocks[number], self.lanes[number], term
            return self.writer.cell(self.bases[number], *where)
        return self.place(number, term)

    def place(self, number: int, term: str = "") -> str:
        """Return the expression of a column's number in memory."""
        where = [index for index in (self.blocks[number], self.lanes[number], term) if index]
        if self.bases[number] >= 0:
            return self.writer.in_memory(self.bases[number], where)
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
    section = writer.plan(parts.linear.live(results), set(results))
    lines = writer.leaves() + writer.section(section)
    lines += copied_out("gradients", list(parts.gradients.values()), writer, "=")
    lines.append(language.statement("output", writer.text_of(parts.output)))
    return writer.finished([*lines, "return output;"])


def evaluation_loops(
    language: Language,
    parts: Parts,
    names: Mapping[int, str],
    function: str,
    results: Mapping[str, int],
) -> Body:
    """Return the body of a function that fills outputs, given what each result is."""
    writer = _Writer(language, parts, names, function)
    section = writer.plan(parts.linear.live(results.values()), set(results.values()))
    lines = writer.leaves() + writer.section(section)
    if len(results) > MOST_DESCRIBED:
        return writer.finished([*lines, *copied_out("outputs", [*results.values()], writer, "=")])
    for index, (description, place) in enumerate(results.items()):
        text = writer.text_of(place)
        lines.append(f"outputs[{index}] = {text};  {language.comment} {one_line(description)}")
    return writer.finished(lines)


def copied_out(array: str | int, places: Sequence[int], writer: _Writer, sign: str) -> list[str]:
    """Return the statements that write registers, or add them, to an array or to memory."""

    def target(number: int, index: str) -> str:
        if isinstance(array, int):
            return writer.cell(array + number, index)
        found = [part for part in (index, str(number or "")) if part]
        return f"{array}[{' + '.join(found) or '0'}]"

    addresses = [writer.address_of(place) for place in places]
    alone = [number for number, at in enumerate(addresses) if at in writer.constants]
    lines = [f"{target(number, '')} {sign} {writer.text_of(places[number])};" for number in alone]
    runs = runs_of_places(addresses, writer.constants)
    if len(runs) > MOST_PIECES:
        copied = [number for number, at in enumerate(addresses) if at not in writer.constants]
        to = f"{writer.table(copied)}[k]" if alone else "k"
        there = writer.table([addresses[number] for number in copied])
        body = [f"{target(0, to)} {sign} memory[{there}[k]];"]
        return lines + writer.counted("k", len(copied), body)
    for first, *others in runs:
        index = times("k", others[0] - first) if others else ""
        from_here = writer.cell(addresses[first], "k" if others else "")
        body = [f"{target(first, index)} {sign} {from_here};"]
        lines += writer.counted("k", 1 + len(others), body)
    return lines


def runs_of_places(addresses: Sequence[int], apart: Collection[int]) -> list[list[int]]:
    """Return places in runs, evenly spaced, whose addresses are side by side.

    Those whose addresses are ``apart`` are left out.
    """
    runs: list[list[int]] = []
    last = -2
    for place in sorted(range(len(addresses)), key=addresses.__getitem__):
        address = addresses[place]
        if address in apart:
            continue
        run = runs[-1] if runs else []
        goes_on = address == last + 1 and place > run[-1]
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
    section = writer.plan(parts.linear.live(results), set(results))
    body = writer.section(section, updates=True)
    body.append(f"outputs[iteration] = {output_of(writer, writer.text_of(parts.output))};")
    return writer.counted("iteration", "n", [*body, *assigned(writer)])


def output_of(writer: _Writer, output: str) -> str:
    """Return the output, with the penalty if there is one."""
    penalty = writer.parts.penalty
    return output if penalty is None else f"{output} + {writer.text_of(penalty)}"


def assigned(writer: _Writer) -> list[str]:
    """Return the statements that give the variables their new numbers."""
    parts, of_value = writer.parts, writer.linear.of_value
    moves = [
        (writer.address_of(of_value[variable]), writer.address_of(place))
        for variable, place in parts.updates.items()
    ]
    return writer.moved([move for move in moves if move[0] != move[1]])


def rows_loop(writer: _Writer) -> list[str]:
    """Return the loops over passes, batches and rows."""
    parts, plan, language = writer.parts, plan_rows(writer.parts), writer.language
    linear, output = parts.linear, parts.output
    means = writer.part("mean", len(plan.means))
    in_order = [variable for variable in writer.variables if variable in plan.means]
    for offset, variable in enumerate(in_order):
        writer.layout.addresses[plan.means[variable]] = means + offset
    writer.indexed.update(plan.means.values())
    summed = [parts.gradients[variable] for variable in in_order]
    results = set(update_results(parts))
    read = [p for place in (*plan.rows, *plan.after) for p in linear.registers[place].operands]
    before = writer.plan(plan.before, {*read, *summed, output, *results}.intersection(plan.before))
    condition = condition_of_rows(linear, plan.rows, output, summed)
    needed = plan.rows if condition is None else linear.live([output, condition])
    loss = set(needed).intersection(plan.rows)
    later = [place for place in plan.rows if place not in loss]
    read = [operand for place in later for operand in linear.registers[place].operands]
    forward = writer.plan(
        [place for place in plan.rows if place in loss], loss.intersection([output, *summed, *read])
    )
    backward = writer.plan(later, set(later).intersection(summed))
    update = writer.plan(plan.after, results.intersection(plan.after))

    made_before = writer.section(before)
    inside = writer.counted(
        "k",
        len(parts.inputs),
        [f"{writer.cell(writer.inputs, 'k')} = rows[{len(parts.inputs)} * row + k];"],
    )
    inside += writer.section(forward)
    inside.append(f"sum__output += {writer.text_of(output)};")
    gradients = writer.section(backward) + copied_out(means, summed, writer, "+=")
    if condition is not None:
        writer.layout.copies.clear()  # what is copied there may not be
        gradients = [
            "// Elsewhere all gradients are zeros.",
            f"if ({writer.text_of(condition)} > 0.0) {{",
            *[language.indent + line for line in gradients],
            "}",
        ]
    inside += gradients
    mean = writer.cell(means, "k")
    after = writer.counted("k", len(summed), [f"{mean} /= count__rows;"])
    after += writer.section(update, updates=True)
    after += [f"outputs[batch] = {output_of(writer, 'sum__output / count__rows')};", "batch += 1;"]
    after += assigned(writer)
    c = language is C
    whole, number = ("long", "double") if c else ("let", "let")
    row_count, size = ("row_count", "batch_size") if c else ("rowCount", "batchSize")
    stop = f"start + {size} < {row_count} ? start + {size} : {row_count}"
    batch = [
        *made_before,
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
