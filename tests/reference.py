"""What a program must compute, done with eager graphs: one built anew for every evaluation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from hypothesis import strategies as st

import nn
from autodiff import DecisionWarning, Program, Value, compile
from demos.lab import LAB
from tests.engines import checked
from tests.random_graphs import Recipe, built, recipes

RATE = 0.1


@dataclass
class Trial:
    """A random graph, how many of its variables are inputs, the rows they run over, and how."""

    recipe: Recipe
    width: int
    rows: list[list[float]]
    batch_size: int
    iterations: int
    program: Program = field(init=False)
    leaves: list[Value] = field(init=False)

    def __post_init__(self) -> None:
        nodes = built(self.recipe)
        self.leaves = variables(nodes)
        inputs = self.leaves[: self.width]
        with warnings.catch_warnings():
            # Inputs that are not used may have a constant's number.
            warnings.simplefilter("ignore", DecisionWarning)
            self.program = compile(nodes[-1], inputs=inputs, updates=descent)

    @property
    def start(self) -> list[float]:
        """The numbers that the program's variables start from, in its order."""
        return [variable.data for variable in self.program.variables]

    def in_program_order(self, numbers: Sequence[float]) -> list[float]:
        """Return the numbers of the leaves as the program orders them."""
        by_leaf = dict(zip(self.leaves, numbers, strict=True))
        return [by_leaf[variable] for variable in self.program.variables]


def variables(nodes: Sequence[Value]) -> list[Value]:
    """Return the variables among the nodes, in order."""
    return [node for node in nodes if node.is_leaf and not node.is_constant]


def descent(gradients: dict[Value, Value]) -> dict[Value, Value]:
    """Return gradient descent, as expressions."""
    return {variable: variable - RATE * gradient for variable, gradient in gradients.items()}


def trials(numbers: st.SearchStrategy[float], with_rows: bool) -> st.SearchStrategy[Trial]:
    """Return random graphs of these numbers, over rows of them or without inputs."""

    @st.composite
    def trial(draw: st.DrawFn) -> Trial:
        recipe = draw(recipes(numbers))
        count = sum(kind == "variable" for kind, _ in recipe)
        width = draw(st.integers(1, count)) if with_rows else 0
        row = st.lists(numbers, min_size=width, max_size=width)
        rows = draw(st.lists(row, min_size=1, max_size=5)) if with_rows else []
        size = draw(st.integers(1, 6))
        return Trial(recipe, width, rows, min(size, max(1, len(rows))), draw(st.integers(0, 3)))

    return trial()


def evaluated(recipe: Recipe, numbers: Sequence[float]) -> tuple[float, list[float | None]]:
    """Return the graph's output for these numbers of its variables, and their gradients."""
    rest = [ingredient for ingredient in recipe if ingredient[0] != "variable"]
    nodes = built([("variable", number) for number in numbers] + rest)
    nodes[-1].backward()
    gradients = [leaf.grad if leaf.has_grad else None for leaf in variables(nodes)]
    return nodes[-1].data, gradients


def trained(trial: Trial) -> tuple[list[float], list[float]]:
    """Return the output of each batch (of each iteration, without rows) and the last numbers."""
    numbers = [leaf.data for leaf in trial.leaves]
    width, rows = trial.width, trial.rows or [[]]
    outputs = []
    for _ in range(trial.iterations):
        for start in range(0, len(rows), trial.batch_size):
            batch = rows[start : start + trial.batch_size]
            # Sums over rows start from 0.0.
            total: float | None = 0.0 if trial.rows else None
            sums: list[float | None] = [total] * len(numbers)
            for row in batch:
                output, gradients = evaluated(trial.recipe, [*row, *numbers[width:]])
                total = output if total is None else total + output
                sums = [
                    before if now is None else now if before is None else before + now
                    for before, now in zip(sums, gradients, strict=True)
                ]
            assert total is not None
            outputs.append(total / len(batch))
            for k in range(width, len(numbers)):
                sum_ = sums[k]
                numbers[k] -= RATE * (0.0 if sum_ is None else sum_ / len(batch))
    return outputs, numbers


def means(trial: Trial, outputs: Sequence[float]) -> list[float]:
    """Return the mean output of each iteration, weighing each batch by its rows."""
    starts = range(0, len(trial.rows), trial.batch_size)
    counts = [len(trial.rows[start : start + trial.batch_size]) for start in starts]
    if len(counts) <= 1:
        return list(outputs)
    found = []
    for start in range(0, len(outputs), len(counts)):
        total, *others = (
            count * output
            for count, output in zip(counts, outputs[start : start + len(counts)], strict=True)
        )
        for other in (0.0, *others):
            total += other
        found.append(total / len(trial.rows))
    return found


# ---- The lab --------------------------------------------------------------------------------

OPTIMIZERS: dict[str, Callable[[list[Value]], nn.Optimizer]] = {
    "SGD": lambda p: nn.SGD(p, lr=0.1),
    "SGD, momentum": lambda p: nn.SGD(p, lr=0.1, momentum=0.9),
    "SGD, Nesterov": lambda p: nn.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "SGD, decay": lambda p: nn.SGD(p, lr=0.1, weight_decay=0.01),
    "SGD, all": lambda p: nn.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: nn.Adam(p, lr=0.01),
    "Adam, decay": lambda p: nn.Adam(p, lr=0.01, betas=(0.8, 0.99), weight_decay=0.1),
    "AdamW": lambda p: nn.AdamW(p, lr=0.01),
}


def lab_model() -> nn.MLP:
    model = nn.MLP(2, [4, 1], activation="sigmoid", output_activation="sigmoid")
    model.load_state_dict(LAB.initial_weights)
    return model


def lab_loss(model: nn.MLP) -> Value:
    loss = nn.mse_loss([model(row) for row in LAB.x], LAB.y)
    loss.label = "loss"
    return loss


def eager_lab(
    optimizer_of: Callable[[list[Value]], nn.Optimizer], epochs: int
) -> list[list[float]]:
    """Return the losses, and then the parameters and the optimizer's state."""
    model = lab_model()
    optimizer = optimizer_of(model.parameters())
    losses = []
    for _ in range(epochs):
        loss = lab_loss(model)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.data)
    return [losses, [variable.data for variable in [*model.parameters(), *optimizer.state]]]


def lab_program(
    optimizer_of: Callable[[list[Value]], nn.Optimizer],
) -> tuple[Program, list[Value]]:
    """Return the lab's epoch as a program, and its parameters and the optimizer's state."""
    model = lab_model()
    optimizer = optimizer_of(model.parameters())
    program = checked(compile(lab_loss(model), updates=optimizer.updates))
    return program, [*model.parameters(), *optimizer.state]


@cache
def lab_epochs() -> list[list[float]]:
    """Return the losses and the weights of the lab's 20,000 epochs, trained eagerly."""
    return eager_lab(lambda p: nn.SGD(p, lr=LAB.learning_rate), LAB.epochs)
