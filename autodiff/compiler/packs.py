"""Operations that are alike, found again in straight-line code.

A *node* is what a loop computes for one lane: an expression tree, whose inner operations nothing
else uses, or a *sum*: a chain of additions, its terms in their order, with those products inside
that nothing else uses.  A node's *level* is the longest path to it from what is given.  A *pack* is
all nodes of one level and one shape: none depends on another, so they can be the lanes of a vector,
in any order.

The packs of a network are its layers, and those of its gradient are the matrix products of
backpropagation, whatever code built the graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from heapq import heappop, heappush
from itertools import groupby

from autodiff import ops
from autodiff.compiler.by_place import is_by_place, picks, values_of
from autodiff.compiler.linear import Linear
from autodiff.ops import Operation, Role
from autodiff.ops.symbols import Expression

__all__ = [
    "OPERAND",
    "PRODUCT",
    "Pack",
    "Part",
    "Runs",
    "Shape",
    "Tree",
    "of_operands",
    "operands_in",
    "packs_of",
]

# Fewer additions are an expression like any other.
FEWEST_TERMS = 4

# Operations in one tree.
MOST_TOGETHER = 24

# A shape that fewer nodes have is taken apart into single operations, of which there are not many
# kinds: each shape is code to compile.
FEWEST_ALIKE = 6

# Runs of terms of one kind in one sum; of those with more, the products are computed before.
MOST_RUNS = 3

# A tree's shape: an operation and its parts, which are None where they are read, and texts where
# they are one of these numbers.
OPERAND = None
Tree = tuple[Operation, tuple["Part", ...]]
Part = Tree | str | None
NUMBERS = frozenset(["0.0", "-0.0", "1.0", "-1.0", "2.0", "0.5"])

# A sum's shape: how many terms of which shape, in order.
Runs = tuple[tuple[Part, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What a pack's nodes have in common; there is one object for each shape of a section.

    ``tree`` is an expression whose operands are the node's, by ``places`` (one may be read twice);
    it is None for a sum, whose terms are ``runs``, and for an operation ``by_place``: of a pick the
    runs are the index and the values, of additions the pairs of an index and what is added there,
    and the numbers before.
    """

    tree: Tree | None
    places: tuple[int, ...]
    runs: Runs = ()
    by_place: Operation | None = None

    def __str__(self) -> str:
        count = operands_in(self.tree) + sum([operands_in(part) for part, _ in self.runs])
        return self.written(["·"] * count)

    def written(self, names: Sequence[str]) -> str:
        """Return it as a person writes it, given what its operands are called.

        Of a sum these are the operands of one term of each run.
        """
        if self.tree is not None:
            return _written(self.tree, iter([names[place] for place in self.places]))
        if self.by_place is not None:
            (_, first), (_, count) = self.runs
            if picks(self.by_place):
                return self.by_place.formula(names[0], f"{count} × {names[1]}")
            return f"{count} × sum of {first} × {names[1]} at {names[0]}"
        operands = iter(names)
        terms = [
            (f"{count} × " if count > 1 else "") + _written(part, operands)
            for part, count in self.runs
        ]
        return f"sum of {' and '.join(terms)}"


def _written(part: Part, operands: Iterator[str]) -> str:
    """Return a tree as a person writes it; it takes its operands' names in order."""
    if not isinstance(part, tuple):
        return part or next(operands)
    op, parts = part
    texts = [
        f"({_written(part, operands)})" if isinstance(part, tuple) else _written(part, operands)
        for part in parts
    ]
    return op.formula(*texts)


def operands_in(part: Part) -> int:
    """Return how many operands a tree reads."""
    if isinstance(part, tuple):
        return sum([operands_in(inner) for inner in part[1]])
    return int(part is OPERAND)


@dataclass(slots=True)
class Pack:
    """Nodes of one level and one shape: each node's result, and the registers that it reads.

    Where each node has several numbers, ``parts`` are their registers by number.  Nodes of an
    operation by place have the indexes in common.
    """

    shape: Shape
    level: int
    results: list[int] = field(default_factory=list)
    operands: list[Sequence[int]] = field(default_factory=list)
    parts: list[Mapping[int, int]] = field(default_factory=list)

    @property
    def numbers_each(self) -> int:
        """How many numbers a node has, with one for what has no place."""
        return self.shape.runs[1][1] + 1 if self.parts else 1

    @property
    def numbers(self) -> list[int]:
        """The registers of all numbers that it computes."""
        return [part for parts in self.parts for part in parts.values()] or self.results


@dataclass(slots=True)
class _Node:
    """A tree (with its operands in the order in which it is written) or a sum's terms."""

    tree: Tree | None
    operands: list[int]
    runs: Runs = ()
    by_place: Operation | None = None

    @property
    def indexes(self) -> tuple[int, ...]:
        """The registers of the places of an operation by place."""
        if self.by_place is None:
            return ()
        return tuple(self.operands[: 1 if picks(self.by_place) else 2 * self.runs[0][1] : 2])


def packs_of(linear: Linear, places: Sequence[int], results: Collection[int]) -> list[Pack]:
    """Return the packs that compute the registers ``places``, level by level.

    ``results`` are those that something else needs, too.  What is not in ``places`` is given.
    """
    nodes = _Finder(linear, places, results).nodes()
    _take_rare_apart(linear, nodes)
    return _by_level(nodes, linear.wholes)


class _Finder:
    """Finds the nodes, from the last register to the first."""

    def __init__(self, linear: Linear, places: Sequence[int], results: Collection[int]) -> None:
        self.places = places
        registers = linear.registers
        found = [registers[place] for place in places]
        self.ops: dict[int, Operation] = {
            place: register.op
            for place, register in zip(places, found, strict=True)
            if register.op is not None
        }
        self.operands = {place: registers[place].operands for place in self.ops}
        uses = [0] * len(registers)
        for place in results:
            uses[place] = 1
        for place, op in self.ops.items():
            for operand in self.operands[place]:
                uses[operand] += 1 if op.arity != 1 else times_written(op)
        self.inside = {place for place in self.ops if uses[place] == 1}.difference(results)
        self.numbers = {
            place: text
            for place, number in linear.known.items()
            if (text := repr(number)) in NUMBERS
        }
        self.wholes = linear.wholes
        self.needed = set(results)
        self.needed.update(self._wholes_in(results))
        self.lengths = self._chain_lengths()

    def _chain_lengths(self) -> dict[int, int]:
        """Return, for each addition, the number of terms of the chain that ends there."""
        lengths: dict[int, int] = {}
        inside = self.inside
        for place, op in self.ops.items():
            if is_addition(op):
                left, right = self.operands[place]
                before = lengths.get(left, 1) if left in inside else 1
                if before == 1 and right in inside:
                    before = lengths.get(right, 1)
                lengths[place] = before + 1
        return lengths

    def nodes(self) -> dict[int, _Node]:
        """Return the nodes by their registers, in order."""
        found: dict[int, _Node] = {}
        needed = self.needed
        for place in reversed(self.places):
            if place in needed and place in self.ops:
                if is_by_place(self.ops[place]):
                    node = self._by_place(place)
                else:
                    node = self._sum(place) if self._is_sum(place) else self._tree(place)
                found[place] = node
                needed.update(node.operands)
                needed.update(self._wholes_in(node.operands))
        return dict(reversed(found.items()))

    def _wholes_in(self, places: Iterable[int]) -> list[int]:
        """Return the registers that parts among these are of."""
        wholes = self.wholes
        return [wholes[place][0] for place in places if place in wholes] if wholes else []

    def _by_place(self, place: int) -> _Node:
        op, operands = self.ops[place], [*self.operands[place]]
        count = values_of(op, len(operands))
        before = len(operands) - count
        run = (OPERAND, 1) if picks(op) else (PAIR, before // 2)
        return _Node(None, operands, (run, (OPERAND, count)), op)

    def _is_sum(self, place: int) -> bool:
        return self.lengths.get(place, 0) >= FEWEST_TERMS

    def _sum(self, place: int) -> _Node:
        lengths, inside = self.lengths, self.inside
        terms: list[int] = []
        while True:
            left, right = self.operands[place]
            if left in inside and left in lengths:
                terms.append(right)
                place = left
            elif right in inside and right in lengths:
                terms.append(left)
                place = right
            else:
                terms += right, left
                break
        terms.reverse()
        operands: list[int] = []
        runs = _runs([self._term(term, operands) for term in terms])
        if len(runs) > MOST_RUNS:
            return _Node(None, terms, ((OPERAND, len(terms)),))
        return _Node(None, operands, runs)

    def _term(self, term: int, operands: list[int]) -> Part:
        """Return the shape of a product, or of a chosen one, that nothing else uses.

        Any other term is an operand.
        """
        if term in self.inside:
            op, parts = self.ops[term], self.operands[term]
            if is_product(op):
                operands += parts
                return PRODUCT
            if chooses(op) and self.numbers.get(parts[2]) == "-0.0":
                operands.append(parts[0])
                chosen = parts[1]
                if chosen in self.inside and is_product(self.ops[chosen]):
                    operands += self.operands[chosen]
                    return op, (OPERAND, PRODUCT, "-0.0")
                operands.append(chosen)
                return op, (OPERAND, OPERAND, "-0.0")
        operands.append(term)
        return OPERAND

    def _is_apart(self, place: int) -> bool:
        return self._is_sum(place) or is_by_place(self.ops[place])

    def _tree(self, place: int) -> _Node:
        operands: list[int] = []
        left = MOST_TOGETHER

        def grown(place: int) -> Tree:
            nonlocal left
            left -= 1
            parts: list[Part] = []
            for operand in self.operands[place]:
                if operand in self.inside and left > 0 and not self._is_apart(operand):
                    parts.append(grown(operand))
                elif operand in self.numbers:
                    parts.append(self.numbers[operand])
                else:
                    operands.append(operand)
                    parts.append(OPERAND)
            return self.ops[place], tuple(parts)

        return _Node(grown(place), operands)


def of_operands(op: Operation) -> Tree:
    """Return the tree of one operation of two operands."""
    return op, (OPERAND, OPERAND)


PRODUCT = of_operands(ops.MUL)

# An index and what is added there.
PAIR = of_operands(ops.PICK)


@cache
def is_addition(op: Operation) -> bool:
    """Return whether an operation adds two numbers."""
    return op.arithmetic and op.roles == (Role.TERM, Role.TERM)


@cache
def is_product(op: Operation) -> bool:
    """Return whether an operation multiplies two numbers."""
    return op.arithmetic and op.roles == (Role.FACTOR, Role.FACTOR)


@cache
def chooses(op: Operation) -> bool:
    """Return whether an operation chooses between two numbers by a third."""
    return Role.CONDITION in op.roles


@cache
def times_written(op: Operation) -> int:
    """Return how often code writes an operand of an operation; that of a square, twice."""
    if not op.arithmetic or op.arity != 1:
        return 1
    return op.forward(Expression("·")).text.count("·")  # type: ignore[no-any-return]


def _runs(terms: Sequence[Part]) -> Runs:
    """Return how many terms of the same shape follow each other."""
    return tuple([(part, len(list(alike))) for part, alike in groupby(terms)])


def _take_rare_apart(linear: Linear, nodes: dict[int, _Node]) -> None:
    """Make a node of each operation of the trees that few nodes have."""
    alike = Counter([node.tree for node in nodes.values() if node.tree is not None])
    rare = [
        place
        for place, node in nodes.items()
        if node.tree is not None and alike[node.tree] < FEWEST_ALIKE
    ]
    for root in rare:
        pending: list[tuple[int, Part]] = [(root, nodes[root].tree)]
        while pending:
            place, tree = pending.pop()
            if not isinstance(tree, tuple):
                continue
            op, parts = tree
            with_parts = list(zip(linear.registers[place].operands, parts, strict=True))
            shallow = tuple([part if isinstance(part, str) else OPERAND for part in parts])
            operands = [operand for operand, part in with_parts if not isinstance(part, str)]
            nodes[place] = _Node((op, shallow), operands)
            pending += with_parts


def _by_level(nodes: dict[int, _Node], wholes: Mapping[int, tuple[int, int]]) -> list[Pack]:
    parts: dict[int, dict[int, int]] = {}
    for part, (whole, number) in wholes.items():
        parts.setdefault(whole, {})[number] = part
    levels: dict[int, int] = {}
    shapes: dict[tuple[object, ...], Shape] = {}
    packs: dict[tuple[object, ...], Pack] = {}
    for place in sorted(nodes):
        node = nodes[place]
        operands: Sequence[int] = node.operands
        level = 1 + max([levels.get(operand, 0) for operand in operands], default=0)
        levels[place] = level
        if place in parts:
            levels.update(dict.fromkeys(parts[place].values(), level))
        order: tuple[int, ...] = ()
        if node.tree is not None:
            numbers: dict[int, int] = {}
            order = tuple([numbers.setdefault(o, len(numbers)) for o in operands])
            operands = tuple(numbers)
        key = node.tree, order, node.runs, node.by_place
        shape = shapes.get(key)
        if shape is None:
            shape = shapes[key] = Shape(*key)
        alike = level, shape, node.indexes
        pack = packs.get(alike)
        if pack is None:
            pack = packs[alike] = Pack(shape, level)
        pack.results.append(place)
        pack.operands.append(operands)
        if place in parts:
            pack.parts.append(parts[place])
    return _in_turn(list(packs.values()), wholes)


def _in_turn(packs: list[Pack], wholes: Mapping[int, tuple[int, int]]) -> list[Pack]:
    """Return packs after those that they read, and one like the last where there is a choice.

    The same loop can then go on from pack to pack, through a chain of any length.
    """
    made_by = {place: number for number, pack in enumerate(packs) for place in pack.results}
    made_by |= {part: made_by[whole] for part, (whole, _) in wholes.items() if whole in made_by}
    readers: list[list[int]] = [[] for _ in packs]
    missing = []
    for number, pack in enumerate(packs):
        read = {made_by.get(operand, -1) for operands in pack.operands for operand in operands}
        read.discard(-1)
        missing.append(len(read))
        for other in read:
            readers[other].append(number)
    ready: dict[Shape, list[int]] = {}
    first: list[tuple[int, int]] = []
    ordered: list[Pack] = []

    def is_ready(number: int) -> None:
        heappush(ready.setdefault(packs[number].shape, []), number)
        heappush(first, (packs[number].level, number))

    for number, count in enumerate(missing):
        if not count:
            is_ready(number)
    done = [False] * len(packs)
    while first:
        _, number = heappop(first)
        while not done[number]:
            done[number] = True
            pack = packs[number]
            ordered.append(pack)
            for reader in readers[number]:
                missing[reader] -= 1
                if not missing[reader]:
                    is_ready(reader)
            alike = ready[pack.shape]
            while alike and done[alike[0]]:
                heappop(alike)
            number = alike[0] if alike else number
    return ordered
