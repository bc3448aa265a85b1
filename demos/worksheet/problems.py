"""Random graphs to differentiate by hand: small, with numbers that a person can compute.

Candidates are drawn from the seed until one meets all conditions, so the same seed gives the same
problems on every machine.
"""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autodiff import Value, topological_order, weighted_sum
from autodiff.ops import Operation, Role
from autodiff.value import constant

__all__ = ["LEVELS", "Level", "Problem", "is_tie", "make_problems"]

# Every number is a multiple of this, and at most so large.
GRAIN = 0.25
LARGEST_VALUE = 30.0
LARGEST_GRADIENT = 50.0

CANDIDATES = 100_000
FIRST_LETTER = ord("a")


class Problem:
    """A graph, with a name for every node, after ``backward()``."""

    def __init__(self, root: Value) -> None:
        self.root = root
        self.variables = sorted(variables_of(root), key=label_of)
        self.interior = interior_of(root)
        names = map(chr, itertools.count(FIRST_LETTER + len(self.variables)))
        for node in self.interior:
            node.label = node.label or next(names)
        root.label = "L"
        root.backward()

    @property
    def operations(self) -> Counter[str]:
        """How often each operation occurs, by its name in the table."""
        return Counter(node.op.name for node in self.interior if node.op is not None)

    @property
    def used_twice(self) -> int:
        """How many nodes are operands more than once, apart from constants."""
        uses = Counter(parent for node in self.interior for parent in node.parents)
        return sum(count > 1 for node, count in uses.items() if not node.is_constant)

    @property
    def moving(self) -> int:
        """How many variables have a gradient that is not 0."""
        return sum(node.grad != 0.0 for node in self.variables)

    @property
    def gradients(self) -> list[Value]:
        """The nodes whose gradients are asked for, in the order in which they can be found."""
        return [*reversed(self.interior), *self.variables]


def variables_of(root: Value) -> list[Value]:
    """Return the leaves that are no constants."""
    order = topological_order(root)
    return [node for node in order if node.is_leaf and not node.is_constant]


def interior_of(root: Value) -> list[Value]:
    """Return the results of operations, operands first."""
    return [node for node in topological_order(root) if not node.is_leaf]


def label_of(node: Value) -> str:
    return node.label


@dataclass(frozen=True, slots=True)
class Level:
    """A level of difficulty.

    ``rules`` are the operations of ``demos.worksheet.sheet.RULES`` that it needs.  ``sizes`` are
    numbers of variables and of steps, which are operations: those of the first problem, the second
    and so on, then again from the first.  ``build(rng, variables, steps)`` returns a candidate's
    root; ``suits(problem)`` says whether it asks what the level is for.
    """

    title: str
    rules: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]
    build: Callable[[random.Random, int, int], Value]
    suits: Callable[[Problem], bool]


# ---- building ----------------------------------------------------------------------------------

NUMBERS = (-4.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0)


def random_graph(rng: random.Random, variables: int, operations: Sequence[str]) -> Value:
    """Return the root of these operations on some variables, and on each other's results."""
    names = [chr(FIRST_LETTER + place) for place in range(variables)]
    nodes = [Value(rng.choice(NUMBERS), name) for name in names]
    for operation in operations:
        nodes.append(operation_on(operation, *rng.sample(nodes, 2)))
    return nodes[-1]


def operation_on(operation: str, left: Value, right: Value) -> Value:
    """Return an operation of the table on one or both operands."""
    if operation == "add":
        return left + right
    if operation == "sub":
        return left - right
    if operation == "mul":
        return left * right
    if operation == "square":
        return left**2
    if operation == "half":
        return left / 2
    if operation == "relu":
        return left.relu()
    return left.maximum(right)


def tree(rng: random.Random, variables: int, steps: int) -> Value:
    """Return a candidate of level 1: sums, differences and products, each result used once."""
    return random_graph(rng, variables, rng.choices(("add", "sub", "mul"), k=steps))


def is_tree(problem: Problem) -> bool:
    """Return whether a problem has several operations, a product, and no number twice."""
    operations = problem.operations
    return problem.used_twice == 0 and len(operations) >= 2 and operations["mul"] > 0


def reuse(rng: random.Random, variables: int, steps: int) -> Value:
    """Return a candidate of level 2: something is used twice."""
    return random_graph(rng, variables, rng.choices(("add", "sub", "mul", "square"), k=steps))


def adds_up_gradients(problem: Problem) -> bool:
    """Return whether a problem uses something twice, and every variable counts."""
    return problem.used_twice > 0 and len(problem.operations) >= 3 and all_move(problem)


def choices(rng: random.Random, variables: int, steps: int) -> Value:
    """Return a candidate of level 3: relu and maximum, which stop gradients; fractions."""
    operations = [
        "half",
        *rng.choices(("relu", "maximum"), k=2),
        *rng.choices(("add", "sub", "mul"), k=steps - 3),
    ]
    rng.shuffle(operations)
    return random_graph(rng, variables, operations)


def stops_gradients(problem: Problem) -> bool:
    """Return whether a problem has two choices and a fraction, and is not stopped altogether."""
    operations = problem.operations
    return (
        problem.used_twice > 0
        and operations["relu"] + operations["maximum"] == 2
        and operations["div"] == 1
        and problem.moving >= 2
    )


def network(rng: random.Random, variables: int, steps: int) -> Value:
    """Return a candidate of level 4: two neurons, one after the other, and a squared error."""
    assert (variables, steps) == (5, 5)  # two weights, a bias; one of each: two neurons
    # Names as a textbook writes them, which counts from 1: a worksheet is for a pencil.
    x = [constant(rng.choice(NUMBERS), f"x{place}") for place in (1, 2)]
    w = [Value(rng.choice(NUMBERS), f"w{place}") for place in (1, 2)]
    z = named("z", weighted_sum(Value(rng.choice(NUMBERS), "b"), w, x))
    h = named("h", z.relu())
    p = named(
        "p", weighted_sum(Value(rng.choice(NUMBERS), "c"), [Value(rng.choice(NUMBERS), "v")], [h])
    )
    e = named("e", p - constant(rng.choice(NUMBERS), "t"))
    return named("L", e**2)


def all_move(problem: Problem) -> bool:
    """Return whether every variable counts: a neuron that is off leaves nothing to compute."""
    return problem.moving == len(problem.variables)


def named(label: str, node: Value) -> Value:
    """Return the node, with that label."""
    node.label = label
    return node


LEVELS = {
    1: Level(
        "sums and products",
        ("add", "sub", "mul"),
        *(((3, 2), (4, 3), (4, 3), (5, 4)), tree, is_tree),
    ),
    2: Level(
        "a value used twice",
        ("add", "sub", "mul", "square"),
        *(((2, 3), (3, 4), (3, 4), (4, 5)), reuse, adds_up_gradients),
    ),
    3: Level(
        "choices and fractions",
        ("add", "sub", "mul", "div", "relu", "maximum"),
        *(((2, 4), (3, 5), (3, 5)), choices, stops_gradients),
    ),
    4: Level(
        "two neurons and a loss",
        ("weighted_sum", "relu", "sub", "square"),
        *(((5, 5),), network, all_move),
    ),
}


# ---- choosing ----------------------------------------------------------------------------------


def make_problems(seed: int, level: int, count: int) -> list[Problem]:
    """Return different problems of a level. The same arguments give the same problems."""
    rng = random.Random(f"worksheet {seed} {level}")
    problems: list[Problem] = []
    shapes = set()
    for _ in range(CANDIDATES):
        if len(problems) == count:
            return problems
        wanted = LEVELS[level]
        variables, steps = wanted.sizes[len(problems) % len(wanted.sizes)]
        root = wanted.build(rng, variables, steps)
        if not is_computable(root, variables, steps):  # most are not: look before more is done
            continue
        problem = Problem(root)
        shape = str(
            [(node.op, [parent.label for parent in node.parents]) for node in problem.interior]
        )
        if is_fit(problem, wanted) and (shape not in shapes or level == 4):
            shapes.add(shape)
            problems.append(problem)
    raise AssertionError(f"no {count} problems of level {level} for seed {seed}")


def is_computable(root: Value, variables: int, steps: int) -> bool:
    """Return whether a candidate has that size, and values that can be computed by hand."""
    if (len(variables_of(root)), len(interior_of(root))) != (variables, steps):
        return False  # something was left unused
    return all(is_easy(node.data, LARGEST_VALUE) for node in topological_order(root))


def is_fit(problem: Problem, level: Level) -> bool:
    """Return whether a computable candidate is a good problem of its level."""
    if not all(is_easy(node.grad, LARGEST_GRADIENT) for node in problem.gradients):
        return False
    return level.suits(problem) and not any(map(is_undecided, problem.interior))


def is_easy(number: float, largest: float) -> bool:
    """Return whether a number can be computed by hand; -0.0 puzzles people."""
    small = abs(number) <= largest and number % GRAIN == 0.0
    return small and not (number == 0.0 and math.copysign(1.0, number) < 0.0)


def is_undecided(node: Value) -> bool:
    """Return whether a choice hangs in the balance: its derivative would be a convention."""
    assert node.op is not None
    numbers = [parent.data for parent in node.parents]
    return is_tie(node.op, numbers) or (node.op.roles == (Role.RECTIFIED,) and numbers[0] == 0.0)


def is_tie(op: Operation, numbers: Sequence[float]) -> bool:
    """Return whether an operation would choose one of two equal numbers."""
    return op.roles == (Role.CHOICE, Role.CHOICE) and numbers[0] == numbers[1]
