"""The reverse pass of a program: its contributions, and gradients that updates calculate with.

A rule of the library is the same arithmetic for all numbers.  So it is run once, on Values, for
each kind of node; every node of a program repeats that in registers.  A rule of a user's own is run
for each node.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import compress, repeat
from typing import NamedTuple, Protocol

from autodiff.compiler.linear import Kind, Linear, Register
from autodiff.gradient import (
    NEUTRAL,
    NEVER,
    condition_of,
    grad,
    is_of_the_library,
    local_derivatives_as_values,
    taken_side,
)
from autodiff.ops import ADD, MUL, WHERE, Operation
from autodiff.support.gradients import NOT_COMPUTED
from autodiff.support.passes import do_all, gradient_of
from autodiff.value import Value, constant

__all__ = ["NO_WORDS", "InRegisters", "ReversePass", "Words", "reverse_pass"]


@dataclass(frozen=True, slots=True)
class Local:
    """A local derivative in registers, the first of which are the node's and its operands'.

    ``steps`` are the others.  ``taken`` is above 0 where the operand is taken; None if it always
    is.
    """

    steps: tuple[Register, ...]
    taken: int | None
    result: int
    is_one: bool

    def lowered(self, linear: Linear, given: Sequence[int], comment: str) -> tuple[int | None, int]:
        """Return the registers of whether the operand is taken, and of the local derivative."""
        if not self.steps and self.taken is None:
            return None, given[self.result]
        places = [*given]
        for step in self.steps:
            if step.op is None:
                places.append(linear.number(step.number))
            else:
                operands = tuple([places[operand] for operand in step.operands])
                places.append(linear.operation(step.op, operands, comment))
        return None if self.taken is None else places[self.taken], places[self.result]


@dataclass(frozen=True, slots=True)
class LocalGraph:
    """The same as a graph of the node's own."""

    taken: Value | None
    result: Value
    is_one = False

    def lowered(self, linear: Linear, given: Sequence[int], comment: str) -> tuple[int | None, int]:
        """Return the registers of whether the operand is taken, and of the local derivative."""
        del given
        taken = None if self.taken is None else linear.lower(self.taken, comment)
        return taken, linear.lower(self.result, comment)


# For each operand; None where it receives nothing.
Locals = Sequence[Local | LocalGraph | None]


@dataclass(slots=True)
class ReversePass:
    """The nodes that pass something on, users before their operands, and each leaf's gradient.

    A gradient of ``totals`` is a Value for updates to calculate with.  One that is not
    ``is_complete`` may be of nothing, where no contribution arrives.
    """

    is_complete: bool
    steps: list[tuple[Value, Locals]] = field(default_factory=list)
    totals: dict[Value, Value] = field(default_factory=dict)


class Gradient(Value):
    """A gradient of which the program has a register.

    Who asks for its parents, as ``grad`` does, gets a graph.
    """

    __slots__ = ("make_graph",)

    @property
    def parents(self) -> tuple[Value, ...]:
        """Its operands."""
        if self.make_graph is not None:
            self.make_graph()
        return super().parents

    @parents.setter
    def parents(self, parents: tuple[Value, ...]) -> None:
        self.make_graph: Callable[[], None] | None = None
        Value.parents.__set__(self, parents)  # type: ignore[attr-defined, misc]


def reverse_pass(
    root: Value, interior: Sequence[Value], leaves: Sequence[Value], is_complete: bool
) -> ReversePass:
    """Return the reverse pass from root, which has that interior, to leaves."""
    found = ReversePass(is_complete)
    receiving, reached = set(leaves), {root}
    for node in interior:
        if not receiving.isdisjoint(node.parents):
            receiving.add(node)
    for node in reversed(interior):
        if node in reached and node in receiving:
            locals_ = locals_of(node)
            if None in locals_ or not receiving.issuperset(node.parents):
                operands = list(zip(node.parents, locals_, strict=True))
                locals_ = [local if parent in receiving else None for parent, local in operands]
            reached.update(compress(node.parents, locals_))
            found.steps.append((node, locals_))
    if root in receiving and root.is_leaf:
        found.totals[root] = constant(1.0)
        return found
    arrived = [leaf for leaf in leaves if leaf in reached]
    if not is_complete:
        found.totals = {leaf: Value(0.0) for leaf in arrived}
        return found
    make_graph = partial(make_graphs, root, found.totals)
    for leaf, number in zip(arrived, gradients_now(root, interior, arrived), strict=True):
        found.totals[leaf] = gradient = Gradient(number)
        gradient.make_graph = make_graph
    return found


def make_graphs(root: Value, totals: dict[Value, Value]) -> None:
    """Let the gradients of root be what ``grad`` makes."""
    for gradient, graph in zip(totals.values(), grad(root, [*totals]), strict=True):
        gradient.origin, gradient.parents = MUL.origin, (graph, constant(1.0))


def gradients_now(root: Value, interior: Sequence[Value], leaves: Sequence[Value]) -> list[float]:
    """Return the gradients of leaves as numbers; those that the Values have stay as they are.

    All are nan if a rule fails for these numbers.
    """
    nodes = {*interior, *[parent for node in interior for parent in node.parents]}
    before = list(map(gradient_of, nodes))
    try:
        do_all(map(setattr, nodes, repeat("grad"), repeat(NOT_COMPUTED)))
        root.grad = 1.0
        for node in reversed(interior):
            if node.grad is not NOT_COMPUTED:
                node.origin.op.chain_rule(node)
        return [0.0 if leaf.grad is NOT_COMPUTED else leaf.grad for leaf in leaves]
    except Exception:  # whatever a rule of one's own does: the program does not need these
        return [math.nan] * len(leaves)
    finally:
        do_all(map(setattr, nodes, repeat("grad"), before))


# --------------------------------------------------------------------------------------------
# In registers
# --------------------------------------------------------------------------------------------


class Words(NamedTuple):
    """What a person reads of a contribution: comments, and what it and the sum are called."""

    local: str = ""
    added: str = ""
    name: str = ""
    total: str = ""
    name_of_total: str = ""


NO_WORDS = Words()


class Writer(Protocol):
    """Who makes a program's registers."""

    def words(self, root: Value, node: Value, parent: Value) -> Words:
        """Return what to write at the next contribution from a node to a parent."""

    def words_of_none(self, root: Value, leaf: Value) -> Words:
        """Return what to write at a gradient that is 0 where no contribution arrives."""

    def named(self, place: int, count: int, comment: str, name: str) -> int:
        """Return a register under that name: itself, or a copy of one of the first ``count``."""


class InRegisters:
    """A pass in registers: what ``autodiff.gradient.InValues`` does in Values.

    A node that may not be reached has a number above 0 where it is.  What it contributes is chosen
    by that, if it is to be ``guarded``; ``has_guards`` says whether there is any such.  ``sums``
    says whose gradient a register is, or becomes.
    """

    def __init__(
        self, recorded: ReversePass, linear: Linear, guarded: bool, writer: Writer
    ) -> None:
        self.recorded = recorded
        self.linear = linear
        self.guarded = guarded
        self.writer = writer
        self.gradients: dict[Value, int] = {}
        self.reached: dict[Value, int] = {}
        self.sums: dict[int, Value] = {}
        self.has_guards = False

    def add(self, root: Value) -> None:
        """Add the registers of all contributions, and of the leaves' gradients."""
        of_value, gradients, writer = self.linear.of_value, self.gradients, self.writer
        gradients[root] = self.linear.number(1.0)
        for node, locals_ in self.recorded.steps:
            upstream, is_reached = gradients[node], self.reached.get(node)
            places = [of_value[node], *[of_value[parent] for parent in node.parents]]
            for parent, local in zip(node.parents, locals_, strict=True):
                if local is not None:
                    words = writer.words(root, node, parent)
                    taken, factor = local.lowered(self.linear, places, words.local)
                    product = is_reached, taken, None if local.is_one else factor, upstream
                    self.contribute(parent, product, words)
        for leaf, value in self.recorded.totals.items():
            total = gradients[leaf]
            if self.recorded.is_complete and leaf in self.reached:
                words, count = writer.words_of_none(root, leaf), len(self.linear.registers)
                total = self.chosen(self.reached[leaf], total, 0.0, words.total)
                total = writer.named(total, count, words.total, words.name_of_total)
            of_value[value] = total

    def contribute(
        self, parent: Value, product: tuple[int | None, int | None, int | None, int], words: Words
    ) -> None:
        """Add a product to a parent's gradient.

        It is whether the node is reached and whether it takes the operand, None if always; the
        local derivative, None if it is 1; and the upstream gradient.
        """
        linear, named = self.linear, self.writer.named
        is_reached, taken, factor, added = product
        count = len(linear.registers)
        if factor is not None:
            added = linear.operation(MUL, (factor, added), words.added)
        if taken is not None:
            added = self.chosen(taken, added, NEUTRAL, words.added)
        # Nobody asks whether a leaf is reached whose gradient may be of nothing.
        is_asked = self.guarded and (self.recorded.is_complete or not parent.is_leaf)
        if is_reached is not None:
            self.has_guards = True
            if taken is None or not is_asked:
                taken = is_reached
            else:
                taken = self.chosen(is_reached, taken, 0.0)
            if self.guarded:
                added = self.chosen(is_reached, added, NEUTRAL, words.added)
        total = added = named(added, count, words.added, words.name)
        before = self.gradients.get(parent)
        if before is not None:
            count = len(linear.registers)
            total = linear.operation(ADD, (before, added), words.total)
            total = named(total, count, words.total, words.name_of_total)
        self.gradients[parent] = total
        self.sums[total] = parent
        if taken is None:
            self.reached.pop(parent, None)
        elif before is None:
            self.reached[parent] = taken
        elif parent in self.reached and is_asked:
            either = self.reached[parent], linear.number(1.0), taken
            self.reached[parent] = linear.operation(WHERE, either)

    def chosen(self, condition: int, first: int, other: float, comment: str = "") -> int:
        """Return the register of the first where the condition is above 0, else of a number."""
        return self.linear.operation(WHERE, (condition, first, self.linear.number(other)), comment)


# --------------------------------------------------------------------------------------------
# Local derivatives
# --------------------------------------------------------------------------------------------


def locals_of(node: Value) -> Locals:
    """Return a node's local derivatives.  Raises ValueError or TypeError if its rule is wrong."""
    op = node.origin.op
    if is_of_the_library(op.partials):
        return locals_of_operation(op, len(node.parents))
    return local_graphs(node)


def local_graphs(node: Value) -> list[LocalGraph | None]:
    """Return the local derivatives of one node as graphs."""
    taken = [(condition_of(graph), graph) for graph in local_derivatives_as_values(node)]
    return [
        None if condition is NEVER else LocalGraph(condition, taken_side(graph))
        for condition, graph in taken
    ]


@cache
def locals_of_operation(op: Operation, count: int) -> Locals:
    """Return the local derivatives of all nodes of an operation of so many operands."""
    node = Value.make_node(op, *[Value(0.5) for _ in range(count)])
    linear = Linear()
    for value in (node, *node.parents):
        linear.leaf(Kind.VARIABLE, value, "")
    return tuple([graph and local_of(graph, linear, count + 1) for graph in local_graphs(node)])


def local_of(graph: LocalGraph, linear: Linear, given: int) -> Local:
    """Return a local derivative in registers that come after the ``given`` ones."""
    taken, result = graph.lowered(linear, (), "")
    needed = [result] if taken is None else [result, taken]
    for place in needed:  # which grows meanwhile
        needed += linear.registers[place].operands
    own = sorted({place for place in needed if place >= given})
    moved = {place: place for place in needed} | {p: given + k for k, p in enumerate(own)}
    steps = []
    for place in own:
        register = linear.registers[place]
        steps.append(replace(register, operands=tuple([moved[o] for o in register.operands])))
    is_one = linear.is_number(result, 1.0)
    return Local(tuple(steps), None if taken is None else moved[taken], moved[result], is_one)
