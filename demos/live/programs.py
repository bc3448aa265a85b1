"""What trains in the page: the state, the optimizer's rule, and the functions of every operation.

Nothing of a network is laid out here: the page does that from the graph that it shows, with the
functions that the compiler wrote of each operation, so that another network needs no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nn
from autodiff import Value
from autodiff.stepper.arithmetic import Arithmetic, both, operations_of
from autodiff.stepper.expression import Expression, expression_of
from autodiff.value import lift
from demos.live.circuits import circuit, nodes_of, rules
from demos.live.kernels import kernels_of
from demos.live.record import Record
from nn.rows import Penalty

__all__ = ["Trained", "trained"]


@dataclass(frozen=True)
class Trained:
    """What changes in training, and how.

    The state is one array: the weights, the learning rate, what the optimizer remembers, and the
    weights' mean gradients, which every epoch leaves there.  ``update`` has circuits on
    the state, ``penalty`` is one on the weights, by their numbers.  ``operations`` are those of all
    graphs.
    """

    weights: list[Value]
    names: list[str]
    state: list[float]
    operations: Arithmetic
    update: list[dict[str, Any]]
    penalty: dict[str, Any] | None
    formulas: list[Expression | None]
    javascript: str

    @property
    def learning_rate(self) -> int:
        """The learning rate's place in the state."""
        return len(self.weights)

    def mean(self, weight: int) -> int:
        """Return the place in the state of a weight's mean gradient."""
        return len(self.state) - len(self.weights) + weight


def trained(
    found: Record,
    optimizer: nn.Optimizer,
    penalty: Penalty | None,
    names: Mapping[Value, str],
    further: Sequence[Value] = (),
) -> Trained:
    """Return what the page trains with.

    ``further`` are nodes of other graphs, whose operations the page can do, too: they come first
    in the table.
    """
    weights = list(optimizer.parameters)
    called = [names.get(w) or w.label or f"weight {place}" for place, w in enumerate(weights, 1)]
    gradients = {weight: Value(0.0) for weight in weights}
    # The learning rate is a variable, so that the page can change it.
    rate, *memory = optimizer.lr_variable, *optimizer.variables[len(weights) :]
    changing = [*weights, rate, *memory, *gradients.values()]
    places = {variable: place for place, variable in enumerate(changing)}
    news = {variable: lift(new, "update") for variable, new in optimizer.updates(gradients).items()}
    term = None if penalty is None else penalty(weights)
    roots = [*news.values(), *([] if term is None else [term])]
    operations = operations_of([*further, *nodes_of([found.loss, *roots])])
    of_weights = {weight: place for place, weight in enumerate(weights)}
    return Trained(
        weights=weights,
        names=called,
        state=[variable.data for variable in changing],
        operations=operations,
        update=rules(news, set(gradients.values()), places, operations),
        penalty=None if term is None else circuit([term], of_weights, operations),
        formulas=update_formulas(optimizer, weights, gradients, news),
        javascript=both(operations.javascript, kernels_of(operations)),
    )


def update_formulas(
    optimizer: nn.Optimizer,
    weights: Sequence[Value],
    gradients: Mapping[Value, Value],
    news: Mapping[Value, Value],
) -> list[Expression | None]:
    """Return each weight's new number as an expression; None where that is too long to read."""
    references = {optimizer.lr_variable: "lr"}
    for place, weight in enumerate(weights):
        references[weight] = f"w{place}"
        references[gradients[weight]] = f"g{place}"
    return [
        None if optimizer.state else expression_of(news[weight], references) for weight in weights
    ]
