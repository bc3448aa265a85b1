"""The page's arithmetic: JavaScript that the compiler writes from the graph of one row."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import nn
from autodiff import Program, Value, compile
from autodiff.stepper.arithmetic import Arithmetic, both, operations_of
from autodiff.stepper.expression import Expression, expression_of
from demos.live.record import Record

__all__ = ["Compiled", "compile_record"]


@dataclass
class Compiled:
    """One program, and where in its state everything is.

    The state is the array that the functions call ``parameters``: weights, learning rate, what
    the optimizer remembers, and the weights' mean gradients, which every epoch leaves there.
    ``operations`` are those of the graph one by one.
    """

    program: Program
    weights: list[Value]
    names: list[str]
    means: list[Value]
    learning_rate: Value
    operations: Arithmetic
    updates: list[Expression | None]
    javascript: str

    def place(self, variable: Value) -> int:
        """Return a variable's place in the state."""
        return self.program.variables.index(variable)

    @property
    def state(self) -> list[float]:
        """The numbers that the page begins with."""
        return [variable.data for variable in self.program.variables]


def compile_record(
    found: Record,
    optimizer: nn.Optimizer,
    penalty: Callable[[list[Value]], Value] | None,
    names: Mapping[Value, str],
) -> Compiled:
    """Compile the record with the optimizer's updates.

    The learning rate is a variable of them, so that the page can change it.
    """
    weights = list(optimizer.parameters)
    called = [names.get(w) or w.label or f"weight {place}" for place, w in enumerate(weights, 1)]
    means = [Value(0.0, f"mean gradient of {name}") for name in called]
    learning_rate = optimizer.lr_variable
    program = compile(
        found.loss,
        inputs=[*found.inputs, *found.targets],
        updates=functools.partial(updates_and_means, optimizer, means),
        penalty=None if penalty is None else penalty(weights),
    )
    operations = operations_of(found.nodes)
    whole = program.to_javascript({"forward": forward_results(found, names)})
    javascript = both(whole, operations.javascript)
    formulas = update_formulas(optimizer, weights, learning_rate)
    return Compiled(
        *(program, weights, called, means, learning_rate, operations, formulas, javascript),
    )


def updates_and_means(
    optimizer: nn.Optimizer, means: list[Value], gradients: Mapping[Value, Value]
) -> dict[Value, Any]:
    """Return the optimizer's updates, and each weight's gradient as the new number of its mean."""
    kept = {
        mean: gradients.get(weight, 0.0)
        for weight, mean in zip(optimizer.parameters, means, strict=True)
    }
    return {**optimizer.updates(gradients), **kept}


def forward_results(found: Record, names: Mapping[Value, str]) -> dict[str, Value]:
    """Return what the boundary shows: the outputs, then the hidden neurons."""
    shown = [*found.outputs, *found.neurons]
    return {f"{names[node]} ({place})": node for place, node in enumerate(shown, 1)}


def update_formulas(
    optimizer: nn.Optimizer, weights: list[Value], learning_rate: Value
) -> list[Expression | None]:
    """Return each weight's new number as an expression; None where that is too long to read."""
    gradients = {weight: Value(0.0) for weight in weights}
    references = {learning_rate: "lr"}
    for place, weight in enumerate(weights):
        references[weight] = f"w{place}"
        references[gradients[weight]] = f"g{place}"
    news = optimizer.updates(gradients)
    return [
        None if optimizer.state else expression_of(news[weight], references) for weight in weights
    ]
