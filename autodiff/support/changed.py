"""Numbers that have changed since a graph was computed.

An operation computes its result once, when its node is made.  After ``w.data -= ...`` all that was
computed from w still has the numbers of before, and a local derivative would be taken at new
operands and an old result.  Whatever shows a graph therefore recomputes it first, with what is
here: results that are out of date are told as such, and no false equation is shown.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property

from autodiff.ops import OPERATIONS
from autodiff.support.naming import Names, number_text, short_formula
from autodiff.support.node import number_of
from autodiff.value import Value

__all__ = ["CURE", "OURS", "Changes", "are_up_to_date", "recomputed"]

CURE = "run the forward pass again, which makes the graph anew"

SHOWN_CAUSES = 4

# The operations that compute and do nothing else; one of a user's own may be of any kind.
OURS = frozenset(OPERATIONS.values())
# Another is called as often before its result is believed to be another now.
CALLS = 8

# By what an operand is multiplied to see whether a result depends on it.
MOVES = (1.0 + 2.0**-30, 1.0 - 2.0**-30, -1.0)


class Changes:
    """What is out of date in a graph, given in topological order, as it is now.

    ==============  ======================================================================
    ``numbers``     each node's number, as it was when this was made
    ``now``         for each result that is out of date, what the leaves' numbers give
    ``causes``      leaves, or results, of which some must have been given other numbers
    ==============  ======================================================================

    Nothing is recomputed before it is asked for.  It is true if anything is out of date.

    An operation of one's own that gives another result at each call, or draws at random, keeps its
    number, and so does a node that was made by hand.

    Raises TypeError, naming the Value, if a number is none.

    >>> w = Value(3.0, "w")
    >>> loss = w * w
    >>> loss.label = "loss"
    >>> w.data = 0.0
    >>> changes = Changes([w, loss])
    >>> bool(changes), changes.now
    (True, {Value(9, 'loss', op=mul): 0.0})
    >>> changes.sentence(Names(loss))
    'loss = w * w is 9, but 0 with the numbers of now: w (or loss itself) has changed since'
    """

    def __init__(self, order: Sequence[Value]) -> None:
        self.numbers = {node: number_of(node) for node in order}

    def __bool__(self) -> bool:
        return bool(self.now)

    # ---- what is out of date ---------------------------------------------------------------

    @cached_property
    def now(self) -> dict[Value, float]:
        """For each result that is out of date, the number that its operation gives now."""
        now: dict[Value, float] = {}
        numbers = self.numbers
        for node, number in numbers.items():
            if not node.parents:
                continue
            operands = [numbers[parent] for parent in node.parents]
            if now:
                operands = [now.get(parent, numbers[parent]) for parent in node.parents]
            result = result_of(node, operands, number)
            if not (result == number != 0.0 or is_same(result, number)):
                now[node] = result
        return now

    def number(self, node: Value) -> float:
        """Return what a node's number is with the numbers of now."""
        return self.now.get(node, self.numbers[node])

    # ---- why ---------------------------------------------------------------------------------

    @cached_property
    def causes(self) -> list[Value]:
        """What may have been given another number.

        A result that is not what its operation gives for the numbers that its operands have was
        changed itself, or an operand was.  Those are cleared on which a result depends that still
        agrees with them.
        """
        wrong = [node for node in self.now if not self.agrees(node)]
        suspects = dict.fromkeys(each for node in wrong for each in (*node.parents, node))
        cleared: set[Value] = set()
        for node in self.numbers:
            touched = not suspects.keys().isdisjoint((node, *node.parents))
            if touched and node.op in OURS and self.agrees(node):
                cleared.add(node)
                cleared.update(each for each in node.parents if self.depends(node, each))
        choices = []
        for node in wrong:
            leaves = [each for each in node.parents if each.is_leaf and each not in cleared]
            # A number in an expression is nobody's to change, but one with a name is data.
            likely = [each for each in leaves if each.name or not each.is_constant]
            choices.append(dict.fromkeys(likely or leaves))
        found: dict[Value, None] = {}
        for choice in sorted(choices, key=len):  # who is the only one explains the others, too
            if found.keys().isdisjoint(choice):
                found |= choice
        found |= dict.fromkeys(
            each for each in suspects if not each.is_leaf and each not in cleared
        )
        # All are cleared by operations that cannot tell what has changed.
        return list(found or suspects)

    def agrees(self, node: Value) -> bool:
        """Return whether a node's number is what its operation gives for its operands' numbers."""
        number = self.numbers[node]
        operands = [self.numbers[parent] for parent in node.parents]
        return is_same(result_of(node, operands, number), number)

    def depends(self, node: Value, operand: Value) -> bool:
        """Return whether a result would be another if an operand's number were another.

        It is tried with a billionth more, with as much less, and with the other sign.
        """
        number = self.numbers[node]
        for factor in MOVES:
            operands = [
                self.numbers[each] * (factor if each is operand else 1.0) for each in node.parents
            ]
            if is_same(result_of(node, operands, number), number):
                return False
        return True

    # ---- in words ----------------------------------------------------------------------------

    def cause(self, names: Names) -> str:
        """Return who has changed, as a sentence without an end."""
        leaves = [names[each] for each in self.causes if each.is_leaf]
        results = [names[each] for each in self.causes if not each.is_leaf]
        if not leaves:
            return f"{' or '.join(results[:SHOWN_CAUSES])} itself has changed since"
        if len(leaves) > SHOWN_CAUSES:
            leaves[SHOWN_CAUSES - 1 :] = ["another variable"]
        who = " or ".join(filter(None, [", ".join(leaves[:-1]), leaves[-1]]))
        if results:
            who += f" (or {results[0] if len(results) == 1 else 'a result'} itself)"
        return f"{who} has changed since"

    def sentence(self, names: Names, shown: Collection[Value] = ()) -> str:
        """Return what is out of date, with its numbers and the cause.

        That is the root, or else one of those that are shown, if they are out of date.
        """
        node = next(each for each in (names.root, *shown, *self.now) if each in self.now)
        formula = short_formula(names.formula(node))
        before, after = told_apart(self.numbers[node], self.now[node])
        return (
            f"{names[node]} = {formula} is {before}, but {after} with the numbers of now: "
            f"{self.cause(names)}"
        )

    def remark(self, node: Value, names: Names) -> str:
        """Return what is to be said behind a node's formula; '' if it is up to date."""
        old = next((each for each in (node, *node.parents) if each in self.now), None)
        if old is None:
            return ""
        whose = "whose" if old is node else f"where {names[old]}'s"
        before, after = told_apart(self.numbers[old], self.now[old])
        return f", {whose} number {before} would be {after} now: {self.cause(names)}; {CURE}"


@contextmanager
def recomputed(order: Sequence[Value]) -> Iterator[Changes]:
    """Let the nodes of a graph, in topological order, have their numbers of now in a block.

    >>> w = Value(3.0, "w")
    >>> loss = w * w
    >>> w.data = 0.5
    >>> with recomputed([w, loss]) as changes:
    ...     loss.data
    0.25
    >>> loss.data, bool(changes)
    (9.0, True)
    """
    changes = Changes(order)
    with numbers_lent(changes.now):
        yield changes


@contextmanager
def numbers_lent(numbers: Mapping[Value, float]) -> Iterator[None]:
    """Let Values have other numbers in a block."""
    own = [(node, node.data) for node in numbers]
    for node, number in numbers.items():
        node.data = number
    try:
        yield
    finally:
        for node, number in own:
            node.data = number


# ---- One operation --------------------------------------------------------------------------


def result_of(node: Value, operands: Sequence[float], known: float) -> float:
    """Return what a node's operation gives; the number that is known if that cannot be told.

    Where an operation of one's own finds no result, it is nan, as for those of the table.
    """
    op = node.op
    if op is None or node.origin.given is not None:
        return known
    if op in OURS:
        return float(op.forward(*operands))
    random_state = random.getstate()
    try:
        results = [float(op.forward(*operands))]
        while not is_same(results[0], known) and len(results) < CALLS:
            results.append(float(op.forward(*operands)))
        is_random = random.getstate() != random_state
    except (ArithmeticError, ValueError):
        return math.nan
    except Exception:  # whatever it does when it is called out of its time
        return known
    finally:
        random.setstate(random_state)
    is_repeatable = all(is_same(result, results[0]) for result in results)
    return results[0] if is_repeatable and not is_random else known


def are_up_to_date(interior: Iterable[Value]) -> bool:
    """Return whether each result is what its operation gives for its operands' numbers."""
    for node in interior:
        op, number = node.origin.op, node.data
        operands = [parent.data for parent in node.parents]
        result = op.forward(*operands) if op in OURS else result_of(node, operands, number)
        if (result != number or result == 0.0) and not is_same(result, number):
            return False
    return True


def is_same(number: float, other: float) -> bool:
    """Return whether two numbers have the same bits; every nan is the same.

    >>> is_same(0.0, -0.0), is_same(math.nan, -math.nan)
    (False, True)
    """
    if number != other:
        return number != number and other != other
    return math.copysign(1.0, number) == math.copysign(1.0, other)


def told_apart(number: float, other: float) -> tuple[str, str]:
    """Return two numbers as text, with all digits where six do not tell them apart."""
    texts = number_text(number), number_text(other)
    return texts if texts[0] != texts[1] else (repr(number), repr(other))
