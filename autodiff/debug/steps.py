"""The reverse pass as steps: one use of one Value at a time.

``backward_steps`` does the pass of ``Value.backward()``, bit for bit, one contribution to one
gradient at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, repeat

from autodiff.gradient import Contribution, contributions
from autodiff.graph import topological_order
from autodiff.ops import NOTHING, divide, local_derivatives
from autodiff.support import watch
from autodiff.support.changed import Changes
from autodiff.support.convert import describe
from autodiff.support.gradients import NotComputed
from autodiff.support.naming import Names, number_text
from autodiff.support.passes import (
    SetAside,
    begin_pass,
    do_all,
    finish_pass,
    gradient_of,
    set_aside_gradients,
    starting_gradient,
)
from autodiff.value import Value

__all__ = ["Step", "backward_steps"]


class ReversePass:
    """One pass over one graph: what its steps have in common.

    ``names`` is made when first asked for, so that a pass nobody prints costs nothing extra, and
    ``changes`` recomputes nothing before.  ``set_aside`` are the gradients that leaves had before,
    which are added at the end.
    """

    def __init__(
        self,
        root: Value,
        interior: list[Value],
        changes: Changes,
        set_aside: SetAside | None = None,
    ) -> None:
        self.root = root
        self.set_aside = set_aside or {}
        self.interior = interior
        self.changes = changes

    @cached_property
    def names(self) -> Names:
        """A name for every node of the graph."""
        return Names(self.root)

    def step(self, each: Contribution) -> Step:
        """Return a contribution to one gradient as a step of this pass."""
        total = 0.0 if each.total is None else each.total  # not taken, and nothing has reached it
        return Step(
            *(each.node, each.parent, each.position, each.local, each.upstream),
            *(each.contribution, each.before, total, self),
        )

    def receive(self, each: Contribution) -> None:
        """Open the debugger if it is wanted where something flows into that Value."""
        hooks = watch.hooks_of(each.parent)
        if hooks is not None and each.local is not NOTHING:
            hooks.gets_contribution(self.step(each))


@dataclass(frozen=True, slots=True, repr=False)
class Step(Contribution):
    """One contribution to one gradient.

    ================  ======================================================================
    ``node``          the interior node whose rule is applied
    ``parent``        the operand that receives the contribution
    ``position``      which operand of ``node`` it is, from 0 (``x * x`` has two)
    ``local``         local derivative: d node / d operand
    ``upstream``      upstream gradient: d root / d node, complete by now
    ``contribution``  ``local * upstream``
    ``before``        the parent's sum in this pass before it; None if this is the first
    ``total``         the parent's sum in this pass, with this contribution
    ================  ======================================================================

    It reads as the chain rule with names and numbers, where it is printed and in a debugger, and
    says so where the node's number, or an operand's, is no longer what the numbers of the leaves
    give.  ``taken`` is False where the operation chose another operand: nothing is added then, and
    ``local`` and ``contribution`` are 0.  ``total`` is 0 as long as nothing has been added.

    A node made by hand with a ``_backward`` function has no rule to show.  The function is run, and
    ``contribution`` is what the operand's gradient has gained by it; a repeated operand has gained
    all of it at the first place.
    """

    local: float
    upstream: float
    contribution: float
    before: float | None
    total: float
    reverse_pass: ReversePass = field(compare=False)

    @property
    def taken(self) -> bool:
        """Whether the operation took this operand, so that something was added."""
        return self.local is not NOTHING

    def __str__(self) -> str:
        names = self.reverse_pass.names
        root, node, parent = names[self.reverse_pass.root], names[self.node], names[self.parent]
        formula = names.formula(self.node)
        remark = self.reverse_pass.changes.remark(self.node, names)
        upstream, local, contribution, total = map(
            number_text, (self.upstream, self.local, self.contribution, self.total)
        )
        if not self.taken:
            return (
                f"d {root}/d {parent} += nothing: {node} = {formula} "
                f"did not take {parent}  (sum {total}){remark}"
            )
        return (
            f"d {root}/d {parent} += d {root}/d {node} × d {node}/d {parent}"
            f" = {upstream} × {local} = {contribution}"
            f"  (sum {total}; {node} = {formula}{remark})"
        )

    __repr__ = __str__


class InNumbers:
    """The arithmetic of a pass whose gradients are where Values have them: in ``grad``.

    ``given`` are the operands' gradients after a ``_backward`` function has run, those that it has
    changed: each is what the gradient becomes with the operand's step.
    """

    def __init__(self) -> None:
        self.given: dict[Value, float] = {}

    def gradient(self, node: Value) -> float | None:
        return None if type(node.grad) is NotComputed else node.grad

    def local_derivatives(self, node: Value) -> tuple[float, ...]:
        if not has_function(node):
            return local_derivatives(node)
        before = {parent: parent.grad for parent in node.parents}
        node._backward()
        after = {parent: parent.grad for parent in before}
        self.given = {each: grad for each, grad in after.items() if grad is not before[each]}
        for parent, grad in before.items():
            parent.grad = grad
        found = dict.fromkeys(before, NOTHING)
        for each, grad in self.given.items():
            found[each] = divide(grad - before[each], node.grad)
        # 0 for a place of an operand that has gained all that it gains before.
        places = {each: node.parents.index(each) for each in self.given}
        return tuple(
            0.0 if places.get(each, place) < place else found[each]
            for place, each in enumerate(node.parents)
        )

    def receives(self, parent: Value) -> bool:
        return not parent.is_constant

    def contribute(self, node: Value, parent: Value, local: float, upstream: float) -> float:
        if local is NOTHING:
            return 0.0
        contribution = local * upstream
        if has_function(node):
            contribution = self.given[parent] - parent.grad
            parent.grad = self.given[parent]
        else:
            parent.grad += contribution
        return contribution


def has_function(node: Value) -> bool:
    """Return whether a function made by hand does a node's share of the pass."""
    given = node.origin.given
    return given is not None and given.function is not None


def backward_steps(
    root: Value, gradient: float = 1.0, *, hooks: bool = True, recorded: bool = True
) -> Iterator[Step]:
    """Do ``root.backward(gradient)`` one contribution at a time, as the iterator is consumed.

    Yields a :class:`Step` after each contribution has been added, and one that says so where an
    operand was not taken.  Constants get none, and a node that nothing has reached passes none on,
    so it has no steps: how many there are depends on the numbers where a graph has choices.  While
    the pass runs, a ``grad`` is this pass's sum alone, not computed before the first
    contribution; what a variable had before is added at the end.  A pass that is not consumed to
    its end is abandoned: once the iterator is closed, every gradient is as it was before.

    ``hooks=False`` leaves out the hooks and ``detect_anomaly``: only to look.  With
    ``recorded=False`` it is no pass that ``record_epochs`` is to have.

    Raises TypeError if root is no Value, ValueError if it is a constant or an operation's rule is
    malformed, and what a hook raises; every gradient is then as it was before.

    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> for step in backward_steps(a * b + a):
    ...     print(step)
    d v4/d v3 += d v4/d v4 × d v4/d v3 = 1 × 1 = 1  (sum 1; v4 = v3 + a)
    d v4/d a += d v4/d v4 × d v4/d a = 1 × 1 = 1  (sum 1; v4 = v3 + a)
    d v4/d a += d v4/d v3 × d v3/d a = 1 × 3 = 3  (sum 4; v3 = a * b)
    d v4/d b += d v4/d v3 × d v3/d b = 1 × 2 = 2  (sum 2; v3 = a * b)
    >>> a.grad
    4.0
    """
    if not isinstance(root, Value):
        raise TypeError(f"backward_steps needs a Value, but got {describe(root)}")
    watchers = watch.watchers() if hooks else ()
    with LookedOn(root, starting_gradient(root, gradient), watchers, recorded) as reverse_pass:
        interior = reverse_pass.interior
        completing = last_uses(interior, hooked_operands(interior)) if hooks else {}
        if hooks:
            call_hooks(root)
        for each in contributions(interior, InNumbers()):
            for watcher in watchers:
                watcher.contributes(each)
            if hooks:
                reverse_pass.receive(each)
            use = each.node, each.position
            if each.total is not None and completing.get(each.parent) == use:
                call_hooks(each.parent)
            yield reverse_pass.step(each)


class LookedOn:
    """A pass that others look on at, from its first gradient to the last, as a ``with`` block.

    If the block fails, every gradient is as it was before.
    """

    def __init__(
        self,
        root: Value,
        gradient: float,
        watchers: Sequence[watch.Watcher],
        recorded: bool = True,
    ) -> None:
        self.root = root
        self.gradient = gradient
        self.watchers = watchers
        self.recorders = watchers if recorded else ()
        self.order = topological_order(root)
        self.before: list[float] = []
        self.set_aside: SetAside = {}

    def __enter__(self) -> ReversePass:
        root, changes = self.root, Changes(self.order)
        for watcher in self.watchers:
            watcher.begins(root, changes)
        for recorder in self.recorders:
            recorder.starts(root, self.gradient)
        self.before = list(map(gradient_of, self.order))
        interior, self.set_aside = begin_pass(root) if root.parents else ([], {root: root.grad})
        set_aside_gradients(self.set_aside)
        root.grad = self.gradient
        return ReversePass(root, interior, changes, self.set_aside)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            for recorder in self.recorders:
                recorder.ends(self.order)
            finish_pass(self.set_aside)
            return
        # On one line, where a debugger stops once.
        do_all(map(setattr, self.order, repeat("grad"), self.before))
        for recorder in self.recorders:
            recorder.abandons()


def hooked_operands(interior: list[Value]) -> set[Value]:
    """Return the operands that have hooks."""
    return {
        parent for node in interior for parent in node.parents if watch.hooks_of(parent) is not None
    }


def last_uses(interior: list[Value], wanted: set[Value]) -> dict[Value, tuple[Value, int]]:
    """Return, for each Value that is wanted, the use after which its gradient is complete.

    A use is a node and the operand's position there; one that is not taken is a step, too.  A Value
    that nothing reaches has no gradient, so its hooks are not called.
    """
    if not wanted:
        return {}
    last: dict[Value, tuple[Value, int]] = {}
    reached = {interior[-1]}
    for node in reversed(interior):
        if node in reached:
            locals_ = (0.0,) * len(node.parents) if has_function(node) else local_derivatives(node)
            for position, (parent, local) in enumerate(zip(node.parents, locals_, strict=True)):
                last[parent] = node, position
                if local is not NOTHING:
                    reached.add(parent)
    return {node: last[node] for node in wanted & reached if node in last}


def call_hooks(node: Value) -> None:
    """Call the hooks of a Value whose gradient is complete, if it has any."""
    hooks = watch.hooks_of(node)
    if hooks is not None:
        has_rule = not (node.is_leaf or has_function(node))
        hooks.gradient_is_complete(node, local_derivatives(node) if has_rule else ())


def steps_of(root: Value, count: int | None = None) -> list[Step]:
    """Return the steps of ``root.backward()``, or the first of them, to look at.

    Every gradient is left as it was, and no hooks are called.
    """
    before = [(node, node.grad) for node in topological_order(root)]
    try:
        return list(islice(backward_steps(root, hooks=False), count))
    finally:
        for node, gradient in before:
            node.grad = gradient


def step_through(root: Value, gradient: float) -> None:
    """Do a whole backward pass with all that looks on: what ``backward()`` then calls."""
    for _ in backward_steps(root, gradient):
        pass


watch.step_through = step_through
