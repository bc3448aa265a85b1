"""From the parts of a graph to the boxes, arrows and frames of its picture."""

from __future__ import annotations

import math
import re
import textwrap
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import zip_longest
from typing import Literal, TypeAlias, get_args

from autodiff.drawing.folds.parts import (
    BLOCK,
    PLACES,
    Folding,
    Part,
    ancestors,
    module_of,
    path_shown,
    several,
)
from autodiff.drawing.folds.repeats import is_sum
from autodiff.drawing.moment import NOW, Moment
from autodiff.drawing.picture import (
    NOT_TAKEN,
    NOTE,
    Arrow,
    Box,
    Kind,
    Mark,
    Picture,
    greatest_of,
    relative_size,
    sign_of,
)
from autodiff.drawing.shown import (
    gradient_shown,
    last_part,
    lines_of,
    name_shown,
    number_shown,
    operand_shown,
    range_shown,
)
from autodiff.ops import NOTHING, Role, local_derivatives
from autodiff.support.changed import CURE, Changes, is_same
from autodiff.support.naming import Names
from autodiff.value import Value

__all__ = ["STYLES", "Painter", "Style", "joined"]

# A folded box lists its parameters one by one up to this many, then by name with their ranges.
MOST_PARAMETERS = 8
PARAMETER_LENGTH = 20  # of its name, in characters
CORNER_LENGTH = 18  # of what a module does, in the corner of its table
CALL_LENGTH = 100  # of a call as it is written
BOX_LENGTH = 24  # of its name in a caption

# In the title of a picture.
MOST_ROOTS = 5

NOTE_WIDTH = 40  # of a line, in characters
ALL_DIGITS = 17  # they tell any two floats apart

Style: TypeAlias = Literal["boxes", "blackboard"]
STYLES: tuple[Style, ...] = get_args(Style)

# A node, and the position of the operand that it uses.
Use: TypeAlias = tuple[Value, int]
# An arrow: the places of its two parts, and the operand's position.
ArrowKey: TypeAlias = tuple[int, int, int]
MERGED = -1  # the position of several uses together

# What stands for an operation on a blackboard, where that is not how Python writes it.
SYMBOLS = {"*": "×", "-": "−", "maximum": "max", "minimum": "min"}
WIRED_LENGTH = 16  # of a name or symbol, in characters

# Parts whose boxes do not say what their nodes are called by their places.
HIDING = ("call", "line", "leaves")

MOST_IN_TURN = 3  # numbers, one after the other

# How strongly signs bind their operands, by how many these are.
POWER = 4
STRENGTHS = {
    **dict.fromkeys([("+", 2), ("-", 2), ("Σ", 2)], 1),
    **dict.fromkeys([("*", 2), ("/", 2)], 2),
    **{("-", 1): 3, ("**", 2): POWER, ("**2", 1): POWER},
}

# The formula of copies has at most so many operations, and characters.
MOST_IN_FORMULA, FORMULA_LENGTH = 12, 80

INDICES = re.compile(r"\[(\d+)\]")


class Painter:
    """Makes pictures of one graph, at one moment or at many. Parts are known by their places.

    ``order`` is the graph in topological order, ``edges`` says whether arrows carry numbers, and
    ``changes`` what of it is out of date.  Of a result that still has a number from before, the
    number of now is shown beside it, and arrows to it have none: what it contributed is not known.

    A box's id is ``v`` and its first node's place in that order, as in
    :class:`autodiff.Names`; a module's is ``m`` and its place among the modules, a call's ``c``.

    >>> from autodiff.drawing.folds.fold import folded
    >>> x = Value(3.0, "x")
    >>> order = [x, x * x]
    >>> folding, changes = folded(order, "none", ()), Changes(order)
    >>> painter = Painter(order, folding, 4, False, order[-1:], changes)
    >>> for box in painter.picture_at(NOW).boxes:
    ...     print(box.id, box.kind, box.title, box.numbers)
    v1 variable ('x',) ('value 3', 'grad –')
    v2 result ('v2 = x * x',) ('value 9', 'grad –')
    """

    def __init__(
        self,
        order: Sequence[Value],
        folding: Folding,
        precision: int,
        edges: bool,
        roots: Sequence[Value],
        changes: Changes,
        style: Style = "boxes",
    ) -> None:
        self.order, self.parts, self.style = order, folding.parts, style
        if style == "blackboard":
            written = written_in_symbols(folding.parts)
            self.parts = [part for part in self.parts if written.isdisjoint(part.nodes)]
        # What is not drawn, and in whose box it is.
        self.inside = starts_of_sums(self.parts, [*roots, *(folding.names or ())])
        self.parts = [part for part in self.parts if part.nodes[0] not in self.inside]
        self.changes = changes
        # Those that do not have the number of now, as they do while it is lent to them.
        self.old = {node: now for node, now in changes.now.items() if not is_same(node.data, now)}
        self.precision, self.edges = precision, edges
        self.moment = NOW
        self.roots = dict.fromkeys(roots)
        self.names = Names(joined(roots), self.called_alone(folding.names))
        self.called = self.names.called if folding.names is None else folding.names
        self.part_with = {
            node: place for place, part in enumerate(self.parts) for node in part.nodes
        }
        self.part_with |= {node: self.part_with[user] for node, user in self.inside.items()}
        self.frames, self.ids_of_paths = folding.frames, folding.ids
        self.drawn = {frame.id for frame in self.frames}
        self.ids = self.ids_of_parts()
        self.rows = max([part.copies for part in self.parts if part.what == "row"], default=1)
        self.merged = self.merged_uses()
        self.used_outside = {operand_of(use) for uses in self.merged.values() for use in uses}
        self.locals: dict[Value, tuple[float, ...]] = {}
        self.lit: tuple[str, ...] | None = None  # the row of a table with the node that is new

    def called_alone(self, called: Mapping[Value, str] | None) -> dict[Value, str] | None:
        """Return what the nodes are called that have boxes of their own, and their operands.

        In a graph of many nodes of one name, these are then numbered from 1.
        """
        if called is None:
            return None
        alone = [node for part in self.parts if part.kind == "node" for node in part.nodes]
        shown = {each for node in alone for each in (node, *node.parents)}
        return {node: name for node, name in called.items() if node in shown}

    def picture_at(self, moment: Moment) -> Picture:
        self.moment = moment
        boxes = [self.box_of(place) for place in range(len(self.parts))]
        folded = f", drawn as {len(boxes):,} boxes" if len(boxes) < len(self.order) else ""
        return Picture(
            [*boxes, *self.notes()],
            self.arrows(),
            self.frames,
            f"computation graph of {', '.join(self.names_of_roots())}",
            f"{len(self.order):,} nodes{folded}",
            self.caption(boxes),
        )

    def roomy_picture(self, moments: Iterator[Moment]) -> Picture:
        """Return the first moment's picture, each line as long as it gets at any moment.

        A moment changes one node and one use, so this costs little more than one picture.
        """
        picture = self.picture_at(next(moments))
        boxes, caption = list(picture.boxes), picture.caption
        arrows = {arrow.id: arrow for arrow in picture.arrows}
        for moment in moments:
            self.moment = moment
            assert moment.changed is not None, "each moment after the first changes a node"
            place = self.part_with[moment.changed]
            boxes[place] = with_longest_lines(boxes[place], self.box_of(place))
            caption = longest(caption, self.caption(boxes))
            key = self.arrow_with.get(moment.use) if self.edges else None
            if key is not None:
                arrow = arrows[self.id_of_arrow(key)]
                label = self.label_of(key, *self.numbers_of(self.merged[key]))
                arrows[arrow.id] = replace(arrow, label=longest(arrow.label, label))
        return replace(picture, boxes=boxes, arrows=list(arrows.values()), caption=caption)

    def notes(self) -> list[Box]:
        """Return the box that says what has changed since the graph was computed, if it has."""
        if not self.changes:
            return []
        shown = "" if self.old else " The numbers here are those of now."
        alone = [node for part in self.parts if part.kind == "node" for node in part.nodes]
        text = f"{self.changes.sentence(self.names, alone)}.{shown} {CURE.capitalize()}."
        lines = map(name_shown, textwrap.wrap(text, NOTE_WIDTH))
        return [Box(NOTE, "reference", "out of date", tuple(lines))]

    @cached_property
    def arrow_with(self) -> dict[Use | None, ArrowKey]:
        """The arrow that stands for each use; a use inside a folded part has none."""
        return {use: key for key, uses in self.merged.items() for use in uses}

    def caption(self, boxes: Sequence[Box]) -> tuple[str, ...]:
        """Return the moment's caption, with the boxes of the nodes that it names.

        Nobody finds a node inside a folded box without being told which box it is in.
        """
        step, changed = self.moment.step, self.moment.changed
        if changed is None:
            return self.moment.caption
        nodes = (changed if step is None else step.node, changed)
        names = [boxes[self.part_with[node]].name for node in nodes]
        if names == [name_shown(self.names[node]) for node in nodes]:
            return self.moment.caption
        giver, receiver = [name_shown(name, BOX_LENGTH) for name in names]
        where = f"in {giver}" if giver == receiver else f"from {giver} to {receiver}"
        first, *others = self.moment.caption
        return (f"{first}, {where}", *others)

    def names_of_roots(self) -> list[str]:
        """Return what the roots are called, the first ones if there are many."""
        names = [name_shown(self.names[root]) for root in self.roots]
        return [*names[:MOST_ROOTS], "…"] if len(names) > MOST_ROOTS else names

    # ---- boxes -----------------------------------------------------------------------------

    def ids_of_parts(self) -> list[str]:
        """Return the id of each part's box."""
        places = {node: place for place, node in enumerate(self.order, 1)}
        ids = []
        for part in self.parts:
            id = self.ids_of_paths.get(part.path, "") if part.kind in ("module", "call") else ""
            # Around a module with others inside there is a frame, which has its id.
            ids.append(f"{id}{'_own' * (id in self.drawn)}" if id else f"v{places[part.nodes[0]]}")
        return ids

    def box_of(self, place: int) -> Box:
        """Return a part's box."""
        part = self.parts[place]
        make = {
            "node": self.node_box,
            "module": self.module_box,
            "rows": self.rows_box,
            "sum": self.sum_box,
            "inputs": self.inputs_box,
            "call": self.call_box,
            "line": self.line_box,
            "leaves": self.leaves_box,
        }
        around = [self.ids_of_paths[path] for path in ancestors(part.path)]
        frame = next((id for id in reversed(around) if id in self.drawn), "")
        self.lit = None
        box = make[part.kind](self.ids[place], part)
        mark = self.mark(place)
        lit = [row is self.lit for row in box.table].index(True) if self.lit and box.table else 0
        return replace(box, frame=frame, mark=mark, lit=lit * (mark == "changed"))

    def mark(self, place: int) -> Mark:
        """Return what a part does at this moment."""
        changed, step = self.moment.changed, self.moment.step
        is_new = step is None or step.taken
        if changed is not None and is_new and self.part_with[changed] == place:
            return "changed"
        if step is not None and self.part_with[step.node] == place:
            return "giver"
        return ""

    def node_box(self, id: str, part: Part) -> Box:
        """Return the box of a node, or of its equals in several rows."""
        node = part.nodes[0]
        if node.is_constant:
            return self.constant_box(id, part)
        nodes = results_of(part) or part.nodes
        own = stem_of(nodes) if part.copies > 1 else ""
        title = name = name_shown(own or self.names[node])
        kind: Kind = "variable" if node.op is None else "operation"
        if any(equal in self.roots for equal in nodes):
            kind = "result"
        if self.style == "blackboard" and part.copies == 1:
            return self.wired_box(id, kind, node)
        if node.op is not None:
            operands = zip(*[equal.parents for equal in nodes], strict=True)
            formula = node.op.formula(*map(self.operand, operands))
            # Who labels x1 * w1 so has said it.
            repeats = name.replace(" ", "") == formula.replace(" ", "")
            title = formula if repeats else f"{name} = {formula}"
        place = node.origin.short_place
        numbers = (*self.numbers(nodes), *in_rows(part.copies, part.what))
        return Box(id, kind, name, tuple(lines_of(title)), (*numbers, *filter(None, [place])))

    def wired_box(self, id: str, kind: Kind, node: Value) -> Box:
        """Return the small box of a node: its operation, or its name, on the wire that leaves it.

        A result has its name, if it has one, before its value.
        """
        name = operand_shown(self.names[node])
        named = self.is_named(node)
        value = self.values([node])
        title = name if named else ""
        if node.op is not None:
            title = name_shown(self.symbol(node), WIRED_LENGTH)
            value = f"{name} = {value}" if named else value
        numbers = (value, self.gradients([node]))
        return Box(
            *(id, kind, name_shown(self.names[node]), (title,), numbers),
            wired=True,
            named=name * named,
        )

    def symbol(self, node: Value) -> str:
        """Return what stands in the circle of an operation, with a number that it has beside it."""
        op = node.op
        assert op is not None, "a leaf has no operation"
        symbol = SYMBOLS.get(op.symbol, op.symbol)
        numbers = [
            self.written([parent]) if parent not in self.part_with else ""
            for parent in node.parents
        ]
        return symbol if not any(numbers) else f"{numbers[0]} {symbol} {numbers[-1]}".strip()

    def constant_box(self, id: str, part: Part) -> Box:
        """Return the box of a number, or of what stands in its place in several rows."""
        node = part.nodes[0]
        number = self.values(part.nodes)
        if part.copies > 1 and not (same_number(part.nodes) and not node.name):
            title = (*filter(None, [name_shown(node.name)]), number)
            return Box(id, "input", title[0], (*title, *in_rows(part.copies, part.what)))
        if node.name and self.style == "blackboard":
            name = operand_shown(self.names[node])
            return Box(id, "input", name, (name,), (number, ""), wired=True, named=name)
        # A constant with a name is data, such as a network's input; a bare number is not.
        if not node.name:
            return Box(id, "constant", number, (number,))
        name = name_shown(self.names[node])
        known = self.moment.value_of(node) is not None
        title = tuple(lines_of(f"{name} = {number}")) if known else (name,)
        return Box(id, "input", name, title)

    def module_box(self, id: str, part: Part) -> Box:
        """Return the box of a module: what it does, its outputs and its parameters."""
        name = name_shown(path_shown(part.path))
        outputs = self.outputs(part)
        neurons = len({module_of(node) for node in outputs})
        blocks = len(blocks_of(part.nodes))
        done = self.done_by(part.nodes)
        if blocks > 1:
            name = f"{name} × {blocks:,}"
        elif neurons > 1:
            done = f"{neurons} × ({done})" if "," in done else f"{neurons} × {done}"
        # What it does stands in the empty corner of the table, where there is room.
        title, corner = ((name,), done) if len(done) <= CORNER_LENGTH else ((name, done), "")
        return Box(
            *(id, "module", name, title),
            table=self.table(part, neurons, ", ".join(self.stems(outputs)), corner),
        )

    def call_box(self, id: str, part: Part) -> Box:
        """Return the box of calls: how they are written, how many, their results, parameters."""
        called, count = part.called, len(results_of(part))
        assert called is not None, "a part of this kind has it"
        title = [line for each in called.title for line in lines_of(name_shown(each, CALL_LENGTH))]
        facts = (*called.facts, f"{count:,} operation{'s' * (count > 1)}")
        outputs = self.outputs(part)
        table = self.table(part, len(outputs), ", ".join(self.stems(outputs)))
        return Box(id, "call", name_shown(called.name), tuple(map(name_shown, title)), facts, table)

    def stems(self, nodes: Sequence[Value]) -> list[str]:
        """Return the names that nodes have, but for indices; none if one of them has none."""
        names = [INDICES.sub("", node.name or self.called.get(node, "")) for node in nodes]
        return list(dict.fromkeys(names)) if all(names) else []

    def outputs(self, part: Part) -> list[Value]:
        """Return the results of a part that are used outside of it, or are roots."""
        return [
            node for node in results_of(part) if node in self.used_outside or node in self.roots
        ]

    def table(
        self, part: Part, count: int, called: str = "", corner: str = ""
    ) -> tuple[tuple[str, ...], ...]:
        """Return the table of a folded box: ``count`` outputs, so called, and parameters.

        ``corner`` is its first cell.
        """
        table: list[tuple[str, ...]] = [(corner, "value", "grad")]
        outputs = self.outputs(part)
        if outputs:
            number = "output" if count < 2 else f"{count:,} outputs"
            name = f"{name_shown(called)}: {number}" if called else number
            if len(outputs) == 1 and outputs[0].name:  # the name by which others speak of it
                name = name_shown(self.names[outputs[0]])
            table.append(self.row(name, outputs))
        parameters = [node for node in part.nodes if node.op is None and not node.is_constant]
        return (*table, *self.parameter_rows(parameters))

    def line_box(self, id: str, part: Part) -> Box:
        """Return the box of what one operation on one line computed each time."""
        nodes = results_of(part)
        node, outputs = nodes[0], self.outputs(part)
        kind: Kind = "operation" if self.roots.keys().isdisjoint(part.nodes) else "result"
        stem = self.common_name(outputs)
        operands = [
            self.common_operand(alike)
            for alike in zip(*[each.parents for each in nodes], strict=False)
        ]
        assert node.op is not None, "a line has results alone"
        if node.op.role(0, len(operands)) is Role.INDEX:  # what is called alike is told once
            operands = [operands[0], *dict.fromkeys(operands[1:])]
        formula = node.op.formula(*operands)
        title = tuple(lines_of(f"{name_shown(stem)} = {formula}" if stem else formula))
        place = node.origin.short_place
        facts = (*self.numbers(outputs), f"{len(nodes):,} times", *filter(None, [place]))
        return Box(id, kind, stem or formula, title, facts)

    def leaves_box(self, id: str, part: Part) -> Box:
        """Return the box of leaves that the same boxes use."""
        count = f"{len(part.nodes):,} {'numbers' if part.nodes[0].is_constant else 'variables'}"
        stem = name_shown(self.common_name(part.nodes))
        title = (*filter(None, [stem]), count)
        if part.nodes[0].is_constant:
            return Box(id, "input", title[0], (*title, self.values(part.nodes)))
        return Box(id, "variable", title[0], title, self.numbers(part.nodes))

    def common_name(self, nodes: Sequence[Value]) -> str:
        """Return the name that nodes have, but for indices; '' if they have several."""
        stems = self.stems(nodes)
        return stems[0] if len(stems) == 1 else ""

    def common_operand(self, nodes: Sequence[Value]) -> str:
        """Return what a formula of several results calls an operand of theirs."""
        if all(node.is_constant and not node.name for node in nodes):
            return self.written(nodes) if same_number(nodes) else "…"
        return operand_shown(self.common_name(nodes)) or "…"

    def parameter_rows(self, parameters: list[Value]) -> list[tuple[str, ...]]:
        """Return a row for each parameter, or for each name of several with its shape."""
        named: dict[str, list[Value]] = {}
        for node in parameters:
            named.setdefault(INDICES.sub("", self.place(node)), []).append(node)
        ends = Counter(map(last_part, named))  # of several modules, weights need the module's name
        few = len(parameters) <= MOST_PARAMETERS
        rows = []
        for name, nodes in named.items():
            shorten = last_part if ends[last_part(name)] == 1 else str
            if few or len(nodes) == 1:
                for node in nodes:
                    own = shorten(self.place(node) or self.names[node])
                    rows.append(self.row(name_shown(own, PARAMETER_LENGTH), [node]))
            elif not name:
                rows.append(self.row(f"{len(nodes):,} variables", nodes))
            else:
                shape = shape_of([self.place(node) for node in nodes])
                shown = name_shown(shorten(name), PARAMETER_LENGTH)
                rows.append(self.row(f"{shown}: {shape}", nodes))
        return rows

    def place(self, node: Value) -> str:
        """Return a node's name, or what the program calls it; '' for neither."""
        return self.names[node] if node.name else self.called.get(node, "")

    def is_named(self, node: Value) -> bool:
        """Return whether a node has a name but for its place."""
        return bool(node.name) or node in self.called

    def row(self, name: str, nodes: Sequence[Value]) -> tuple[str, ...]:
        """Return a row of a folded box's table."""
        row = name, self.values(nodes), self.gradients(nodes)
        if self.moment.changed in nodes:
            self.lit = row
        return row

    def rows_box(self, id: str, part: Part) -> Box:
        """Return the box of copies: how they are computed, their results, what they alone use."""
        members = set(part.nodes)
        inside = {parent for node in part.nodes for parent in node.parents}
        terms = [node for node in results_of(part) if node not in inside]
        assert part.called is not None, "a part of this kind has it"
        name = name_shown(part.called.name)
        formula = self.formula_of_copies(part)
        if formula:
            marks = [copy[-1] for copy in part.alike]
            stem = stem_of(marks)
            title = (name, *lines_of(f"{stem} = {formula}" if stem else formula))
            numbers = self.numbers(marks) if part.what != "step" else self.numbers_in_turn(marks)
            return Box(id, "rows", name, title, numbers, self.leaf_table(part))
        outside = {parent for node in part.nodes for parent in node.parents} - members
        shared = sum(node.op is None and not node.is_constant for node in outside)
        same = (f"the same {shared:,} variables",) if shared else ()
        numbers = (*self.numbers(terms), f"{len(members):,} nodes", *same)
        done = self.done_by(part.alike[0])
        return Box(id, "rows", name, (name, *lines_of(done)), numbers, self.leaf_table(part))

    def done_by(self, nodes: Sequence[Value]) -> str:
        """Return the signs of some nodes' operations, each once."""
        return name_shown(", ".join(dict.fromkeys(node.op.symbol for node in nodes if node.op)))

    def numbers_in_turn(self, nodes: Sequence[Value]) -> tuple[str, str]:
        """Return the lines with value and gradient of what is computed one from the other."""
        several = nodes if len(nodes) <= MOST_IN_TURN else (nodes[0], nodes[-1])
        between = ", " if several is nodes else ", …, "
        values = between.join(self.values([node]) for node in several)
        gradients = between.join(self.gradients([node]) for node in several)
        return f"value {values}", f"grad {gradients}"

    def leaf_table(self, part: Part) -> tuple[tuple[str, ...], ...]:
        """Return a row for each variable and input that copies alone use, or for alike ones."""
        own = {leaf for copy in part.alike for leaf in copy if leaf.op is None}
        shared = [node for node in part.nodes if node.op is None and node not in own]
        rows = self.parameter_rows([node for node in shared if not node.is_constant])
        inputs = [[node] for node in shared if node.is_constant]
        for leaves in (*inputs, *map(list, zip(*part.alike, strict=True))):
            if leaves[0].op is None and all(map(self.is_named, leaves)):
                name = stem_of(leaves) or self.names[leaves[0]]
                gradients = "" if leaves[0].is_constant else self.gradients(leaves)
                rows.append((operand_shown(name), self.values(leaves), gradients))
                if self.moment.changed in leaves:
                    self.lit = rows[-1]
        return (("", "value", "grad"), *rows) if 0 < len(rows) <= MOST_PARAMETERS else ()

    def formula_of_copies(self, part: Part) -> str:
        """Return the formula of all copies' results; '' if it is too long, or there are several."""
        slots = {copy: place for place, copy in enumerate(part.alike[0])}
        results = [node for node in slots if node.op is not None]
        if len(results) > MOST_IN_FORMULA:
            return ""
        written: dict[Value, str] = {}
        for node, equals in zip(slots, zip(*part.alike, strict=True), strict=True):
            if node.op is not None:
                operands = [
                    in_parentheses(written[parent], parent, node)
                    if parent in written
                    else self.alike_operand([each.parents[position] for each in equals])
                    for position, parent in enumerate(node.parents)
                ]
                written[node] = node.op.formula(*operands)
        inner = {parent for node in results for parent in node.parents}
        (*ends, last) = [node for node in results if node not in inner] or results
        return written[last] if not ends and len(written[last]) <= FORMULA_LENGTH else ""

    def alike_operand(self, nodes: Sequence[Value]) -> str:
        """Return what the formula of copies calls an operand of all of them."""
        if len(set(nodes)) == 1 and self.is_named(nodes[0]):
            return operand_shown(self.names[nodes[0]])
        if all(node.is_constant and not node.name for node in nodes) and same_number(nodes):
            return self.values(nodes[:1])
        return operand_shown(stem_of(nodes)) or "…"

    def sum_box(self, id: str, part: Part) -> Box:
        """Return the box of the sum of the rows."""
        total = part.nodes[-1]
        kind: Kind = "result" if total in self.roots else "operation"
        name = name_shown(self.names[total])
        title = (f"{name} =", f"sum of {part.copies:,} {several(part.what)}")
        return Box(id, kind, name, title, self.numbers([total]))

    def inputs_box(self, id: str, part: Part) -> Box:
        """Return the box of the many inputs of a module."""
        rows = len(part.nodes) // part.copies
        title = (f"{part.copies:,} inputs", self.values(part.nodes), *in_rows(rows, "row"))
        return Box(id, "input", title[0], title)

    # ---- text ------------------------------------------------------------------------------

    def operand(self, nodes: Sequence[Value]) -> str:
        """Return what a formula calls an operand: one node, or its equals in several rows."""
        if nodes[0] in self.inside:
            return self.operand(nodes[0].parents[1:])
        node = nodes[0]
        if len({self.part_with.get(equal) for equal in nodes}) > 1 or (
            node.op is None and any(equal is not node for equal in nodes) and not node.is_constant
        ):
            return operand_shown(stem_of(nodes)) or "…"
        if node.is_constant and not node.name:
            return self.written([node]) if same_number(nodes) else "…"
        part = self.parts[self.part_with[node]]
        if not self.is_named(node) and part.kind in HIDING:
            return "…"
        if not self.is_named(node) and part.kind == "module":  # whose box has another name
            return (
                operand_shown(path_shown(part.path))
                if len(self.outputs(part)) <= self.rows
                else "…"
            )
        return operand_shown(self.names[node])

    def written(self, nodes: Sequence[Value]) -> str:
        """Return the nodes' numbers as a formula has them."""
        return self.values(nodes)

    def numbers(self, nodes: Sequence[Value]) -> tuple[str, str]:
        """Return the lines with value and gradient; a gradient not computed must not look 0."""
        return f"value {self.values(nodes)}", f"grad {self.gradients(nodes)}"

    def values(self, nodes: Sequence[Value]) -> str:
        """Return the nodes' numbers, as a range if they differ; if old, those of now as well."""
        numbers = [self.moment.value_of(node) for node in nodes]
        text = range_shown(numbers, self.precision, number_shown)
        if self.old.keys().isdisjoint(nodes):
            return text
        now = [self.old.get(*pair) for pair in zip(nodes, numbers, strict=True)]
        text_now = range_shown(now, self.precision, number_shown)
        if text_now == text:
            text, text_now = [
                range_shown(each, ALL_DIGITS, number_shown) for each in (numbers, now)
            ]
        return f"{text}, now {text_now}"

    def gradients(self, nodes: Sequence[Value]) -> str:
        """Return the nodes' gradients, as a range if they differ."""
        return range_shown(map(self.moment.gradient_of, nodes), self.precision, gradient_shown)

    # ---- arrows ----------------------------------------------------------------------------

    def arrows(self) -> list[Arrow]:
        """Return the arrows, those between the same two boxes merged if either is folded."""
        numbers = {key: self.numbers_of(uses) for key, uses in self.merged.items() if self.edges}
        greatest = greatest_of([abs(number) for _, added in numbers.values() for number in added])
        arrows = []
        for key, uses in self.merged.items():
            local, added = numbers.get(key, (None, ()))
            most = max(added, key=abs, default=None)
            tail, head, _ = key
            arrows.append(
                Arrow(
                    *(self.id_of_arrow(key), self.ids[tail], self.ids[head]),
                    self.label_of(key, local, added),
                    sign_of(added[0]) if len(added) == 1 else "",
                    relative_size(most, greatest),
                    self.moment.use in uses,
                )
            )
        return arrows

    def id_of_arrow(self, key: ArrowKey) -> str:
        tail, head, position = key
        ends = f"{self.ids[tail]}-{self.ids[head]}"
        return ends if position == MERGED else f"{ends}-{position}"

    def label_of(
        self, key: ArrowKey, local: float | None, added: tuple[float, ...]
    ) -> tuple[str, ...]:
        tail, head, _ = key
        uses = self.merged[key]
        label = self.count_label(uses, self.parts[tail], self.parts[head])
        if self.edges and any(not operand_of(use).is_constant for use in uses):
            if not any(map(self.is_taken, uses)):
                return (*label, NOT_TAKEN)
            if local is not None:
                label.append(f"local {number_shown(local, self.precision)}")
            label.append(f"adds {range_shown(added, self.precision, gradient_shown)}")
        return tuple(label)

    def count_label(self, uses: list[Use], tail: Part, head: Part) -> list[str]:
        """Return the line that says how many uses an arrow stands for, in each row of a batch."""
        count = len(uses)
        if "call" in (tail.kind, head.kind):  # how many Values are handed on
            count = len({operand_of(use) for use in uses})
        elif count in (tail.copies, head.copies):
            return []
        if count % self.rows == 0:
            count //= self.rows
        return [f"×{count:,}"] if count > 1 else []

    def merged_uses(self) -> dict[ArrowKey, list[Use]]:
        """Return the uses that each arrow stands for, by its two parts and its position.

        Uses of one node by one node are arrows of their own; those of a folded part have no
        position.  What all rows use has an arrow to the row that is shown, and no other.
        """
        single = [part.kind == "node" for part in self.parts]
        shown = [part.kind != "rows" for part in self.parts]
        merged: dict[ArrowKey, list[Use]] = {}
        for node in self.order:
            for position, parent in enumerate(node.parents):
                head = self.part_with[node]
                tail = self.part_with.get(parent, head)  # else it is in the symbol
                if tail != head and (shown[head] or parent.op is not None):
                    place = 0 if node in self.inside else position  # it is the first of the sum
                    key = tail, head, place if single[tail] and single[head] else MERGED
                    if key in merged:
                        merged[key].append((node, position))
                    else:
                        merged[key] = [(node, position)]
        return merged

    def numbers_of(self, uses: list[Use]) -> tuple[float | None, tuple[float, ...]]:
        """Return the local derivative along an arrow, and its contribution so far.

        Of several uses, the sum of the contributions, of which those not taken add nothing; if they
        are to several Values and differ in sign, the sum for each.  There is none where there is
        nothing to tell, or a number is out of date.
        """
        contributions: dict[Value, float] = {}
        local = None
        for node, position in uses:
            if node.parents[position].is_constant:
                continue
            if self.is_old(node):
                return None, ()
            local = self.local_derivatives(node)[position]
            upstream = self.moment.gradient_of(node)
            if upstream is not None and self.is_given((node, position)):
                added = 0.0 if local is NOTHING else local * upstream
                operand = node.parents[position]
                contributions[operand] = contributions.get(operand, 0.0) + added
        sums = tuple(contributions.values())
        if len({number > 0.0 for number in sums if number}) < 2:
            sums = (sum(sums),) * bool(sums)
        return (local if len(uses) == 1 else None), sums

    def local_derivatives(self, node: Value) -> tuple[float, ...]:
        """Return the local derivatives of a node, computed once."""
        if node not in self.locals:
            self.locals[node] = local_derivatives(node)
        return self.locals[node]

    def is_taken(self, use: Use) -> bool:
        """Return whether an operation took that operand; a constant makes no difference.

        If numbers have changed since, that is not known, and it may have.
        """
        node, position = use
        if self.is_old(node):
            return True
        is_constant = node.parents[position].is_constant
        return not is_constant and self.local_derivatives(node)[position] is not NOTHING

    def is_old(self, node: Value) -> bool:
        """Return whether a node's number, or that of an operand, is out of date."""
        return not self.old.keys().isdisjoint((node, *node.parents))

    def is_given(self, use: Use) -> bool:
        """Return whether a use has contributed by now."""
        return self.moment.given is None or use in self.moment.given


def written_in_symbols(parts: Sequence[Part]) -> set[Value]:
    """Return the numbers that stand in the circle of each operation that uses them: ``+ 1``."""
    alone = {part.nodes[0] for part in parts if part.kind == "node" and part.copies == 1}
    numbers = {node for node in alone if node.is_constant and not node.name}
    for part in parts:
        for node in part.nodes:
            others = [parent for parent in node.parents if parent not in numbers]
            if node not in alone or len(node.parents) != 2 or len(others) != 1:
                numbers.difference_update(node.parents)
    return numbers


def starts_of_sums(parts: Sequence[Part], others: Collection[Value]) -> dict[Value, Value]:
    """Return ``0 + a``, with which Python's ``sum()`` begins, and the 0, with the next addition.

    It says nothing but a, so it has no box, unless it is one of others.
    """
    alone = {part.nodes[0]: None for part in parts if part.kind == "node" and part.copies == 1}
    users: dict[Value, list[Value]] = {}
    for part in parts:
        for node in part.nodes:
            for parent in node.parents:
                users.setdefault(parent, []).append(node)
    found: dict[Value, Value] = {}
    for node in alone:
        user, *more = users.get(node, [node])
        if more or not (is_sum(node) and is_sum(user)) or node.name or node in others:
            continue
        zero = node.parents[0]
        is_bare = zero.is_constant and not zero.name and zero.data == 0.0
        if is_bare and users[zero] == [node] and user in alone and user.parents[0] is node:
            found |= {zero: user, node: user}
    return found


def joined(roots: Sequence[Value]) -> Value:
    """Return the only root, or a Value that depends on all of them."""
    if len(roots) == 1:
        return roots[0]
    everything = Value(0.0)
    everything.parents = tuple(roots)
    return everything


def with_longest_lines(box: Box, other: Box) -> Box:
    """Return a box with the longer text of two in each of its lines."""
    table = tuple(map(longest, box.table, other.table))
    return replace(
        box,
        title=longest(box.title, other.title),
        numbers=longest(box.numbers, other.numbers),
        table=table,
    )


def longest(lines: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """Return the longer text of each line.

    >>> longest(("value 3", "grad –"), ("value 3", "grad +6"))
    ('value 3', 'grad +6')
    """
    return tuple([max(pair, key=len) for pair in zip_longest(lines, others, fillvalue="")])


def stem_of(nodes: Sequence[Value]) -> str:
    """Return the name that nodes have in their modules, but for numbers; '' if there are several.

    >>> stem_of([Value(1.0, "hidden.w[0]"), Value(2.0, "hidden.w[1]")]), stem_of([Value(1.0, "h3")])
    ('w', 'h3')
    """
    names = {node.name.rpartition(".")[2] for node in nodes}
    if len(names) > 1:
        names = {PLACES.sub("", name) for name in names}
    return names.pop() if len(names) == 1 else ""


def blocks_of(nodes: Sequence[Value]) -> set[str]:
    """Return the innermost blocks of groups that nodes were made in."""
    found = [[*BLOCK.finditer(module)] for module in set(map(module_of, nodes))]
    return {blocks[-1].string[: blocks[-1].end()] for blocks in found if blocks}


def in_parentheses(text: str, operand: Value, user: Value) -> str:
    """Return an operand's formula as it stands in its user's.

    >>> x = Value(2.0)
    >>> in_parentheses("a + b", x + x, x * x), in_parentheses("a * b", x * x, x + x)
    ('(a + b)', 'a * b')
    """
    first, second = strength_of(operand, 9), strength_of(user, 0)
    is_first = first == second < POWER and user.parents[0] is operand
    return text if first > second or is_first else f"({text})"


def strength_of(node: Value, of_a_name: int) -> int:
    """Return how strongly the sign of an operation binds; that of one whose name is written."""
    assert node.op is not None, "a leaf has no operation"
    return STRENGTHS.get((node.op.symbol, min(len(node.parents), 2)), of_a_name)


def results_of(part: Part) -> list[Value]:
    """Return the nodes of a part that are computed, without the leaves in it."""
    return [node for node in part.nodes if node.op is not None]


def operand_of(use: Use) -> Value:
    """Return the Value that is used."""
    node, position = use
    operand: Value = node.parents[position]
    return operand


def same_number(nodes: Sequence[Value]) -> bool:
    return len({node.data for node in nodes}) == 1


def in_rows(copies: int, what: str) -> tuple[str, ...]:
    """Return the line that says that a box stands for a node in each of several rows."""
    return (f"in {copies:,} {several(what)}",) if copies > 1 else ()


def shape_of(names: Sequence[str]) -> str:
    """Return the shape of the array that parameters form by the indices in their names.

    >>> shape_of([f"hidden.weight[{row}][{column}]" for row in range(4) for column in range(2)])
    '4 × 2'
    >>> shape_of(["hidden.weight[3][0]", "hidden.weight[3][1]"])
    '2'
    """
    found = [INDICES.findall(last_part(name)) for name in names]
    lengths = [len(set(places)) for places in zip(*found, strict=False)]
    if math.prod(lengths) != len(names):
        return str(len(names))
    return " × ".join(str(length) for length in lengths if length > 1)
