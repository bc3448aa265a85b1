"""What the page builds other networks of: graphs of single parts, which it puts together.

A part is recorded once from ``nn``: a neuron's sum, an activation, a loss, an optimizer's rule for
one weight.  ``builder.js`` joins them as ``nn.MLP`` does, so that a network which is made in the
page has the graph, the names and the numbers that Python's has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import nn
from autodiff import Value, weighted_sum
from autodiff.stepper.arithmetic import Arithmetic
from autodiff.stepper.content import json_number
from autodiff.stepper.expression import expression_of
from autodiff.value import lift
from demos.live.circuits import circuit, nodes_of, rules
from demos.live.content import RANGES
from demos.live.data_sets import DATA_SETS
from demos.live.python_code import optimizer_code
from demos.one_row import name_loss
from nn.layers import ACTIVATIONS
from nn.rows import Loss

__all__ = ["LOSSES", "OPTIMIZERS", "WIDEST", "LossChoice", "Pieces"]

# Of a layer in the page; the graph of two such layers is as large as can be stepped through.
WIDEST = 8


@dataclass(frozen=True)
class LossChoice:
    """A loss with the output that it is for, and the targets of two classes.

    ``scale`` says how the boundary shows the output: low, high and threshold.  ``limits`` are those
    of targets that are not the two classes': None if there may be no others.
    """

    title: str
    loss: Loss
    output: str | None
    targets: tuple[float, float]
    scale: tuple[float, float, float]
    limits: tuple[float, float] | None


LOSSES = {
    "squared": LossChoice(
        *("squared error of a sigmoid", nn.mse_loss, "sigmoid", (0.0, 1.0)),
        *((0.0, 1.0, 0.5), (0.0, 1.0)),
    ),
    "entropy": LossChoice(
        *("cross-entropy of a sigmoid", nn.binary_cross_entropy, "sigmoid", (0.0, 1.0)),
        *((0.0, 1.0, 0.5), (0.0, 1.0)),
    ),
    "logits": LossChoice(
        *("cross-entropy of a logit", nn.binary_cross_entropy_with_logits, None, (0.0, 1.0)),
        *((-4.0, 4.0, 0.0), (0.0, 1.0)),
    ),
    "hinge": LossChoice(
        *("hinge loss, targets ±1", nn.hinge_loss, None, (-1.0, 1.0)),
        *((-1.0, 1.0, 0.0), None),
    ),
    "linear": LossChoice(
        *("squared error of any number", nn.mse_loss, None, (0.0, 1.0)),
        *((0.0, 1.0, 0.5), (-1e6, 1e6)),
    ),
}

# Each with the learning rate that a network has at first.
OPTIMIZERS: dict[str, tuple[str, Callable[[list[Value]], nn.Optimizer]]] = {
    "sgd": ("gradient descent", partial(nn.SGD, lr=0.5)),
    "momentum": ("with momentum 0.9", partial(nn.SGD, lr=0.1, momentum=0.9)),
    "adam": ("Adam", partial(nn.Adam, lr=0.05)),
    "rmsprop": ("RMSprop", partial(nn.RMSprop, lr=0.02)),
}

TITLES = {"leaky_relu": "leaky ReLU", "relu": "ReLU", "gelu": "GELU"}


@dataclass
class Part:
    """The graph of one part: its result, and what its leaves stand for."""

    root: Value
    leaves: Mapping[Value, str]

    def told(self, operations: Arithmetic) -> dict[str, Any]:
        """Return the part as a circuit, its constants and its own names by their places."""
        nodes = nodes_of([self.root])
        return {
            **circuit([self.root], self.leaves, operations),
            "constants": [place for place, node in enumerate(nodes, 1) if node.is_constant],
            "names": {
                place: node.name
                for place, node in enumerate(nodes, 1)
                if node.name and node not in self.leaves
            },
        }


def sum_part(inputs: int) -> Part:
    """Return a neuron's sum of so many inputs."""
    leaves = {Value(0.5): f"w{place}" for place in range(inputs)}
    signals = {Value(0.5): f"x{place}" for place in range(inputs)}
    bias = Value(0.5)
    return Part(weighted_sum(bias, list(leaves), list(signals)), {bias: "b", **leaves, **signals})


def activation_part(name: str) -> Part:
    z = Value(0.5)
    return Part(ACTIVATIONS[name](z), {z: "z"})


def loss_part(choice: LossChoice) -> Part:
    prediction, target = Value(0.5), Value(1.0)
    loss = choice.loss([prediction], [target])
    name_loss(loss, [prediction], [target])
    return Part(loss, {prediction: "prediction", target: "target"})


class Rule:
    """What an optimizer does with one weight, and what it remembers."""

    def __init__(self, title: str, make: Callable[[list[Value]], nn.Optimizer]) -> None:
        self.title = title
        weight = Value(0.5, "w")
        self.optimizer = optimizer = make([weight])
        self.gradient = Value(0.25)
        self.memory = optimizer.variables[1:]
        self.names = {weight: "w", optimizer.lr_variable: "lr", self.gradient: "g"}
        self.names |= {variable: f"m{place}" for place, variable in enumerate(self.memory)}
        updates = optimizer.updates({weight: self.gradient})
        self.news = {variable: lift(new, "update") for variable, new in updates.items()}

    @property
    def nodes(self) -> list[Value]:
        return nodes_of(list(self.news.values()))

    def told(self, operations: Arithmetic) -> dict[str, Any]:
        """Return the rule, with ``each`` for what is remembered of every weight by itself."""
        optimizer, (weight, *_) = self.optimizer, self.news
        formula = None if optimizer.state else expression_of(self.news[weight], self.names)
        return {
            "title": self.title,
            "rules": rules(self.news, {self.gradient}, self.names, operations),
            "memory": [
                {"each": variable is not optimizer.steps, "start": json_number(variable.data)}
                for variable in self.memory
            ],
            "lr": optimizer.lr,
            "formula": formula,
            "code": optimizer_code(optimizer),
        }


class Pieces:
    """All parts, and what a person can choose among."""

    def __init__(self) -> None:
        self.sums = [sum_part(count) for count in range(1, WIDEST + 1)]
        self.activations = {name: activation_part(name) for name in ACTIVATIONS}
        self.losses = {name: loss_part(choice) for name, choice in LOSSES.items()}
        self.optimizers = {name: Rule(*chosen) for name, chosen in OPTIMIZERS.items()}

    @property
    def nodes(self) -> list[Value]:
        parts = [*self.sums, *self.activations.values(), *self.losses.values()]
        found = [node for part in parts for node in nodes_of([part.root])]
        return [*found, *[node for rule in self.optimizers.values() for node in rule.nodes]]

    def told(self, operations: Arithmetic) -> dict[str, Any]:
        """Return what the page is told of them."""
        return {
            "sums": [part.told(operations) for part in self.sums],
            "activations": {
                name: {
                    **part.told(operations),
                    "title": TITLES.get(name, name),
                    "range": RANGES.get(name),
                }
                for name, part in self.activations.items()
            },
            "losses": {
                name: {
                    **part.told(operations),
                    "title": (choice := LOSSES[name]).title,
                    "output": choice.output,
                    "targets": choice.targets,
                    "limits": choice.limits,
                    "scale": dict(zip(("low", "high", "threshold"), choice.scale, strict=True)),
                    "code": f"nn.{choice.loss.__name__}",
                }
                for name, part in self.losses.items()
            },
            "optimizers": {name: rule.told(operations) for name, rule in self.optimizers.items()},
            "data": {name: asdict(each) for name, each in DATA_SETS.items()},
        }
