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
from typing import NamedTuple

from autodiff.compiler.by_place import adding_at, no_rule, picks
from autodiff.compiler.linear import Kind, Linear, Register
from autodiff.gradient import (
    NEUTRAL,
    NEVER,
    Sums,
    condition_of,
    depending_on,
    grad,
    is_of_the_library,
    local_derivatives_as_values,
    taken_side,
)
from autodiff.ops import ADD, MUL, WHERE, Operation
from autodiff.ops.picking import place_of
from autodiff.support.gradients import NOT_COMPUTED
from autodiff.support.naming import Names
from autodiff.support.node import restore
from autodiff.support.passes import do_all, gradient_of
from autodiff.value import Value, constant

__all__ = ["InRegisters", "ReversePass", "reverse_pass"]


@dataclass(frozen=True, slots=True)
class Local:
    """A local derivative in registers, the first of which are the node's and its operands'.

    ``steps`` are the others.  ``taken`` is above 0 where the operand is taken; None if it always
    is.  ``result`` is None for the number 1.
    """

    steps: tuple[Register, ...]
    taken: int | None
    result: int | None

    def lowered(
        self, linear: Linear, given: Sequence[int], comment: str
    ) -> tuple[int | None, int | None]:
        """Return the registers of whether the operand is taken, and of the local derivative."""
        places = [*given] if self.steps else given
        for step in self.steps:
            if step.kind is Kind.NUMBER:
                place = linear.number(step.number)
            elif step.op is None:  # a variable that the rule knows from elsewhere
                place = linear.of_value[step.value]  # type: ignore[index]
            else:
                operands = tuple([places[operand] for operand in step.operands])
                place = linear.operation(step.op, operands, comment)
            places.append(place)  # type: ignore[attr-defined]
        taken, result = self.taken, self.result
        return None if taken is None else places[taken], None if result is None else places[result]


# For each operand; None where it receives nothing.
Locals = Sequence[Local | None]


@dataclass(slots=True)
class ReversePass:
    """The nodes that pass something on, users before their operands, and each leaf's gradient.

    A gradient of ``totals`` is a Value for updates to calculate with.  One that is not
    ``is_complete`` may be of nothing, where no contribution arrives.
    """

    is_complete: bool
    steps: list[tuple[Value, Locals]] = field(default_factory=list)
    totals: dict[Value, Value] = field(default_factory=dict)

    def has_guards(self) -> bool:
        """Return whether a node passes something on that no contribution may have reached."""
        certain = {node for node, _ in self.steps[:1]}
        for node, locals_ in self.steps:
            if node not in certain:
                return True
            operands = zip(node.parents, locals_, strict=True)
            certain.update([parent for parent, local in operands if local and local.taken is None])
        return False


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
    receiving, reached = depending_on(leaves, interior), {root}
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
# Local derivatives
# --------------------------------------------------------------------------------------------


def locals_of(node: Value) -> Locals:
    """Return a node's local derivatives.  Raises ValueError or TypeError if its rule is wrong."""
    op = node.origin.op
    if is_of_the_library(op.partials):
        return locals_of_operation(op, len(node.parents))
    return in_registers(node)


@cache
def locals_of_operation(op: Operation, count: int) -> Locals:
    """Return the local derivatives of all nodes of an operation of so many operands."""
    operands = tuple([Value(0.5) for _ in range(count)])
    return in_registers(restore(Value, 0.5, None, operands, op.origin))


def in_registers(node: Value) -> Locals:
    """Return the local derivatives of one node."""
    linear = Linear()
    for value in (node, *node.parents):
        linear.leaf(Kind.VARIABLE, value, "")
    count = len(linear.registers)
    return [local_of(linear, count, graph) for graph in local_derivatives_as_values(node)]


def local_of(linear: Linear, count: int, graph: Value) -> Local | None:
    """Return a local derivative; the first ``count`` registers are the node's and its operands'."""
    condition = condition_of(graph)
    if condition is NEVER:
        return None
    needed = [lowered(linear, taken_side(graph))]
    needed += [] if condition is None else [lowered(linear, condition)]
    result, taken = needed[0], needed[-1]
    for place in needed:  # which grows meanwhile
        needed += linear.registers[place].operands
    own = sorted({place for place in needed if place >= count})
    moved = {place: place for place in needed} | {p: count + k for k, p in enumerate(own)}
    steps = []
    for place in own:
        register = linear.registers[place]
        steps.append(replace(register, operands=tuple([moved[o] for o in register.operands])))
    is_one = linear.is_number(result, 1.0)
    return Local(
        () if is_one and condition is None else tuple(steps),
        None if condition is None else moved[taken],
        None if is_one else moved[result],
    )


def lowered(linear: Linear, graph: Value) -> int:
    """Return the register of a graph, which may have variables that are not known yet."""
    while True:
        try:
            return linear.lower(graph)
        except KeyError as error:
            linear.leaf(Kind.VARIABLE, error.args[0], "")


# --------------------------------------------------------------------------------------------
# In registers
# --------------------------------------------------------------------------------------------


def if_reached(condition: float, gradient: float) -> float:
    """Return a gradient if the condition is above 0, else what eager code has in its place."""
    return gradient if condition > 0.0 else NOT_COMPUTED


IF_REACHED = Operation("if_reached", "if_reached", 2, if_reached, no_rule)


class Words(NamedTuple):
    """What a person reads of a contribution: comments, and what it and the sum are called."""

    local: str = ""
    added: str = ""
    name: str = ""
    total: str = ""
    name_of_total: str = ""


NO_WORDS = Words()


@dataclass(slots=True)
class Picked:
    """Contributions to values that several picks choose from, which are not added yet.

    ``added`` has the register of each pick's index and that of what it adds, ``reaching`` likewise
    what is above 0 where that reaches anything; ``receiving`` are the values that get gradients.
    """

    key: tuple[int, ...]
    values: Sequence[Value]
    receiving: Sequence[int]
    added: list[int] = field(default_factory=list)
    reaching: list[int] = field(default_factory=list)


class InRegisters(Sums[int]):
    """The arithmetic of a pass in registers.

    Unless it is ``guarded``, contributions of nodes that nothing has reached count like others.
    ``sums`` says whose gradient a register is, or becomes.  With ``names``, it is for a person.
    """

    def __init__(
        self,
        root: Value,
        recorded: ReversePass,
        linear: Linear,
        names: Names | None,
        guarded: bool = True,
    ) -> None:
        self.root = root
        self.recorded = recorded
        self.linear = linear
        self.names = names
        self.guarded = guarded
        self.uses: dict[Value, int] = {}
        self.sums: dict[int, Value] = {}
        self.words, self.count = NO_WORDS, 0
        self.picked: dict[Value, Picked] = {}
        super().__init__(root)

    def add_all(self) -> None:
        """Add the registers of all contributions, and of the leaves' gradients."""
        gradients, of_value, picked = self.gradients, self.linear.of_value, self.picked
        for node, locals_ in self.recorded.steps:
            self.add_picked(node)
            upstream = gradients.get(node)
            if upstream is None:
                continue
            if self.names is None and picks(node.origin.op):
                self.pick(node, locals_, upstream)
            else:
                self.contribute(node, locals_, upstream)
        while picked:
            self.add_picked(next(iter(picked)))
        for leaf, value in self.recorded.totals.items():
            total = None if self.recorded.is_complete else gradients.get(leaf)
            of_value[value] = self.or_zero(leaf) if total is None else total

    def contribute(self, node: Value, locals_: Locals, upstream: int) -> None:
        """Add a node's contributions."""
        linear = self.linear
        of_value, known = linear.of_value, linear.known
        places = [of_value[node], *[of_value[parent] for parent in node.parents]]
        for parent, local in zip(node.parents, locals_, strict=True):
            if local is None:
                continue
            self.add_picked(parent)
            if self.names is not None:
                self.words = self.words_of(node, parent, self.names)
            taken, factor = local.lowered(linear, places, self.words.local)
            if taken is not None and (decided := linear.resolve(taken)) in known:
                if not known[decided] > 0.0:
                    continue
                taken = None
            added, self.count = upstream, len(linear.registers)
            if factor is not None:
                added = linear.operation(MUL, (factor, upstream), self.words.added)
            self.add(node, parent, taken, added)

    def pick(self, node: Value, locals_: Locals, upstream: int) -> None:
        """Note a pick's contribution; those of picks from the same values are added together."""
        linear, (index, *values) = self.linear, node.parents
        at, condition = linear.resolve(linear.of_value[index]), self.reached.get(node)
        if at in linear.known:
            place = place_of(linear.known[at], len(values))
            if place is not None and locals_[1 + place] is not None:
                self.add_picked(values[place])
                self.add(node, values[place], None, upstream)
            return
        key = tuple(map(id, values))
        pick = self.picked.get(values[0])
        if pick is None or pick.key != key:
            for value in values:
                self.add_picked(value)
            receiving = [place for place in range(len(values)) if locals_[1 + place] is not None]
            pick = Picked(key, values, receiving)
            self.picked |= dict.fromkeys(values, pick)
        reaches = self.number(1.0)
        if condition is not None:
            upstream = self.chosen(condition, upstream, self.number(NEUTRAL))
            reaches = self.chosen(condition, reaches, self.number(0.0))
        pick.added += at, upstream
        pick.reaching += at, reaches
        if len(set(key)) != len(key):
            self.add_picked(values[0])  # the sum of two places has the order of one addition alone

    def add_picked(self, one: Value) -> None:
        """Add what was picked from a Value and others to their gradients, if there is anything."""
        picked = self.picked.get(one)
        if picked is None:
            return
        linear, gradients, values = self.linear, self.gradients, picked.values
        for value in values:
            self.picked.pop(value, None)
        op, nothing, zero = adding_at(len(values)), self.number(NEUTRAL), self.number(0.0)
        first = {value: place for place, value in reversed([*enumerate(values)])}
        starts = [
            gradients.get(value, nothing) if first[value] == place else nothing
            for place, value in enumerate(values)
        ]
        whole = linear.operation(op, (*picked.added, *starts))
        reached = [
            place
            for place in picked.receiving
            if self.is_asked(values[place])
            and (values[place] not in gradients or values[place] in self.reached)
        ]
        for place in picked.receiving:
            total, value = linear.part(whole, place), values[place]
            if first[value] < place:
                total = linear.operation(ADD, (gradients[value], total))
            gradients[value] = total
            self.sums[total] = value
        if reached:
            counts = linear.operation(op, (*picked.reaching, *[zero] * len(values)))
            for place in reached:
                self.reach(values[place], linear.part(counts, place))

    def number(self, number: float) -> int:
        return self.linear.number(number)

    def chosen(self, condition: int, first: int, second: int) -> int:
        return self.linear.operation(WHERE, (condition, first, second))

    def total(self, parent: Value, before: int | None, added: int) -> int:
        linear, words = self.linear, self.words
        total = self.named(added, words.added, words.name)
        if before is not None:
            self.count = len(linear.registers)
            total = linear.operation(ADD, (before, total), words.total)
            total = self.named(total, words.total, words.name_of_total)
        self.sums[total] = parent
        return total

    def reach(self, parent: Value, condition: int) -> None:
        if self.is_asked(parent):
            super().reach(parent, condition)

    def is_asked(self, parent: Value) -> bool:
        """Return whether anybody asks what reaches a Value.

        Of a leaf, whose gradient may be of nothing, only a person does.
        """
        by_all = self.recorded.is_complete or self.names is not None
        return by_all or (self.guarded and not parent.is_leaf)

    def or_zero(self, leaf: Value) -> int:
        """Return the register of a leaf's gradient: 0 where no contribution has reached it."""
        if self.names is None or leaf not in self.reached:
            return self.complete(leaf)
        of, to = f"d {self.names[self.root]}", self.names[leaf]
        comment = f"{of}/d {to}: 0 where no contribution has reached it"
        self.count = len(self.linear.registers)
        return self.named(self.complete(leaf), comment, f"d_{to}_or_0")

    def if_reached(self, leaf: Value, gradient: int) -> int:
        """Return the register of a leaf's gradient; for a person there is none of nothing."""
        if self.names is None or leaf not in self.reached:
            return gradient
        of, to = f"d {self.names[self.root]}", self.names[leaf]
        comment = f"{of}/d {to}, if a contribution has reached it"
        self.count = len(self.linear.registers)
        place = self.linear.operation(IF_REACHED, (self.reached[leaf], gradient), comment)
        return self.named(place, comment, f"d_{to}_if_any")

    def words_of(self, node: Value, parent: Value, names: Names) -> Words:
        """Return what to write at the next contribution from a node to a parent."""
        of, by, to = f"d {names[self.root]}", names[node], names[parent]
        self.uses[parent] = use = self.uses.get(parent, 0) + 1
        chain = f"{of}/d {by} × d {by}/d {to}"
        rule = getattr(node.origin.op.partials, "__name__", f"the rule of {node.origin.op.name}")
        return Words(
            local=f"for d {by}/d {to}, by {rule}",
            added=f"{of}/d {to} = {chain}" if use == 1 else chain,
            name=f"d_{to}" if use == 1 else f"d_{to}_from_{by}",
            total=f"{of}/d {to} += the line above",
            name_of_total=f"d_{to}_{use}",
        )

    def named(self, place: int, comment: str, name: str) -> int:
        """Return a register under that name, a copy if it is older than the contribution."""
        return place if self.names is None else self.linear.named(place, self.count, comment, name)
