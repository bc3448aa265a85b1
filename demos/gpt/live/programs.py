"""The page's arithmetic: JavaScript that the compiler writes from the graph of one word.

One program is for words of all lengths, as in :mod:`demos.gpt.training`: a word is padded to as
many positions as the GPT sees, and what is beyond its end counts nothing.  So weights, gradients
and what the optimizer remembers are in one array, whichever word it learns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import nn
from autodiff import Program, Value, compile
from autodiff.gradient import Contribution, GradientSteps
from demos.gpt.model import GPT, Past, Shape, next_token_logits, next_token_loss

__all__ = ["Compiled", "compile_gpt"]

# What a pair of positions has: a position that asks, and one before it, or itself, that answers.
PAIR = ("dot", "score", "exp", "weight")
VECTORS = ("query", "key", "value")
# What an operation hands back to an operand.
SHARE = ("local", "upstream", "contribution")


@dataclass
class Compiled:
    """One program, and the order in which its function ``look`` gives its numbers.

    ``pair`` names the numbers of two positions of a head, ``row`` those of one position.
    """

    program: Program
    pair: list[str]
    row: list[str]
    javascript: str

    @property
    def state(self) -> list[float]:
        """The numbers that the page begins with."""
        return [variable.data for variable in self.program.variables]

    def places(self, weights: Sequence[Value]) -> list[int]:
        """Return where weights are in the state."""
        places = {variable: place for place, variable in enumerate(self.program.variables)}
        return [places[weight] for weight in weights]


def compile_gpt(model: GPT, optimizer: nn.Optimizer) -> Compiled:
    """Compile the step of training, the logits of a word, and all that its heads compute."""
    shape = model.shape
    tokens = [Value(0.0, f"token[{place}]") for place in range(shape.context)]
    following = [Value(0.0, f"following[{place}]") for place in range(shape.context)]
    past = [Past() for _ in range(shape.layers)]
    weights = model.parameter_trees()
    logits = [
        next_token_logits(weights, shape, token, position, past)
        for position, token in enumerate(tokens)
    ]
    loss = next_token_loss(logits, following)
    loss.label = "loss"
    program = compile(loss, inputs=[*tokens, *following], updates=optimizer.updates)
    look = Look(shape, past, list(GradientSteps(loss, model.parameters())))
    scores = {
        f"logit {token} at position {position}": score
        for position, row in enumerate(logits)
        for token, score in enumerate(row)
    }
    functions = {"forward": scores, "look": {**look.results(), "loss": loss}}
    javascript = program.to_javascript(functions, own=["run"])
    return Compiled(program, look.pair, look.row, javascript)


class Look:
    """What the heads compute, with the contributions to each gradient."""

    def __init__(self, shape: Shape, past: Sequence[Past], steps: Sequence[Contribution]) -> None:
        self.shape, self.past, self.size = shape, past, shape.width // shape.heads
        self.uses = {(step.node, step.position): step for step in steps}
        self.gradients = {step.parent: step.total for step in steps}  # the last is complete
        self.user_of = {step.node.parents: step.node for step in steps}

    @property
    def pair(self) -> list[str]:
        """The names of the numbers of two positions of a head, in order."""
        return [name for name, _ in self.of_pair(0, 0, 0, 0)]

    @property
    def row(self) -> list[str]:
        """The names of the numbers of one position of a head, in order."""
        return [name for name, _ in self.of_row(0, 0, 0)]

    def results(self) -> dict[str, Value]:
        """Return all numbers: those of every pair, then those of every row."""
        shape = self.shape
        found: dict[str, Value] = {}
        for layer in range(shape.layers):
            for head in range(shape.heads):
                for asks in range(shape.context):
                    for answers in range(asks + 1):
                        where = f"layer {layer}, head {head}, {asks} to {answers}"
                        numbers = self.of_pair(layer, head, asks, answers)
                        found.update((f"{name}: {where}", number) for name, number in numbers)
        for layer in range(shape.layers):
            for head in range(shape.heads):
                for position in range(shape.context):
                    where = f"layer {layer}, head {head}, position {position}"
                    numbers = self.of_row(layer, head, position)
                    found.update((f"{name}: {where}", number) for name, number in numbers)
        return found

    def of_pair(
        self, layer: int, head: int, asks: int, answers: int
    ) -> Iterator[tuple[str, Value]]:
        """Yield the numbers of two positions, and what hands gradients back to them."""
        weight = self.past[layer].attention[asks][head][answers]
        power, total = weight.parents
        (score,) = power.parents
        dot = score.parents[0]
        for name, node in zip(PAIR, (dot, score, power, weight), strict=True):
            yield from self.number(name, node)
        yield from self.share("score to dot", score, 0)
        yield from self.share("exp to score", power, 0)
        yield from self.share("weight to exp", weight, 0)
        yield from self.share("sum to exp", sum_with(total, power), 1)
        yield from self.share("weight to sum", weight, 1)
        for place, product in enumerate(terms_of(dot)):
            yield from self.share(f"product {place} to query {place}", product, 0)
            yield from self.share(f"product {place} to key {place}", product, 1)
        values = self.past[layer].values[answers][self.part(head)]
        for place, value in enumerate(values):
            product = self.user_of[weight, value]  # summed, it is what the head says
            yield from self.share(f"said {place} to weight", product, 0)
            yield from self.share(f"said {place} to value {place}", product, 1)

    def of_row(self, layer: int, head: int, position: int) -> Iterator[tuple[str, Value]]:
        """Yield the numbers of one position: the sum of exponentials, query, key and value."""
        past, part = self.past[layer], self.part(head)
        weight = past.attention[position][head][0]
        power, total = weight.parents
        dot = power.parents[0].parents[0]
        query = [product.parents[0] for product in terms_of(dot)]
        yield from self.number("sum", total)
        vectors = (query, past.keys[position][part], past.values[position][part])
        for name, vector in zip(VECTORS, vectors, strict=True):
            for place, node in enumerate(vector):
                yield from self.number(f"{name} {place}", node)

    def part(self, head: int) -> slice:
        """Return which numbers of a vector are a head's."""
        return slice(head * self.size, (head + 1) * self.size)

    def number(self, name: str, node: Value) -> Iterator[tuple[str, Value]]:
        yield name, node
        yield f"{name} gradient", self.gradients[node]

    def share(self, name: str, node: Value, position: int) -> Iterator[tuple[str, Any]]:
        """Yield what a node hands back to an operand."""
        step = self.uses[node, position]
        numbers = (step.local, step.upstream, step.contribution)
        yield from ((f"{name} {what}", each) for what, each in zip(SHARE, numbers, strict=True))


def terms_of(total: Value) -> list[Value]:
    """Return the terms of a sum that began with 0, in order.

    >>> a, b = Value(1.0), Value(2.0)
    >>> [term.data for term in terms_of(sum([a, b]))]
    [1.0, 2.0]
    """
    terms: list[Value] = []
    while not total.is_leaf:
        total, term = total.parents
        terms.append(term)
    return terms[::-1]


def sum_with(total: Value, term: Value) -> Value:
    """Return the addition that adds a term to a sum.

    >>> a, b = Value(1.0), Value(2.0)
    >>> sum_with(sum([a, b]), a).parents[1] is a
    True
    """
    while total.parents[1] is not term:
        total = total.parents[0]
    return total
