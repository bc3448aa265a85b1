"""A GPT in plain scalars: a vector is a list of numbers, and a number is a Value or a float.

Nothing here knows of arrays.  On Values these functions build the graph that ``backward()``
differentiates; on floats, of a model's ``state_dict()``, they give the same numbers faster, which
is how new words are made.

The structure is that of GPT-2 (Radford and others, 2019) with RMS norms (Zhang and Sennrich, 2019)
in the place of layer norms, ReLU in the place of GELU, and no biases.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import nn
from autodiff import Value, exp, log, maximum, pick, relu, where

__all__ = ["GPT", "Past", "Shape", "next_token_logits", "next_token_loss", "softmax"]

Vector = Sequence[Any]  # of Values, or of floats
Matrix = Sequence[Vector]  # a row for each number of the result


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a GPT is: tokens that it knows, positions that it sees, numbers in a vector."""

    tokens: int
    context: int = 16
    width: int = 16
    heads: int = 4
    layers: int = 1


@dataclass(slots=True)
class Past:
    """What a layer knows of the positions so far, and how its heads attended to them."""

    keys: list[Vector] = field(default_factory=list)
    values: list[Vector] = field(default_factory=list)
    attention: list[list[Vector]] = field(default_factory=list)  # by position and head


class Layer(nn.Module):
    """The weights of one layer."""

    def __init__(self, width: int, rng: random.Random) -> None:
        self.query = matrix(width, width, rng)
        self.key = matrix(width, width, rng)
        self.value = matrix(width, width, rng)
        self.output = matrix(width, width, rng)
        self.expand = matrix(4 * width, width, rng)
        self.contract = matrix(width, 4 * width, rng)


class GPT(nn.Module):
    """The weights of all, and the logits of a document's tokens."""

    def __init__(self, shape: Shape, rng: random.Random) -> None:
        self.shape = shape
        self.token = matrix(shape.tokens, shape.width, rng)
        self.position = matrix(shape.context, shape.width, rng)
        self.layers = [Layer(shape.width, rng) for _ in range(shape.layers)]
        self.logits = matrix(shape.tokens, shape.width, rng)

    def __call__(self, tokens: Vector) -> list[list[Value]]:
        """Return, for each position, a score for each token that may come next."""
        weights = self.parameter_trees()
        past = [Past() for _ in range(self.shape.layers)]
        return [
            next_token_logits(weights, self.shape, token, position, past)
            for position, token in enumerate(tokens)
        ]


def matrix(rows: int, columns: int, rng: random.Random) -> list[list[Value]]:
    """Return weights from a normal distribution with the standard deviation 0.08."""
    return [[Value(rng.gauss(0.0, 0.08)) for _ in range(columns)] for _ in range(rows)]


def next_token_logits(
    weights: Mapping[str, Any], shape: Shape, token: Any, position: int, past: Sequence[Past]
) -> list[Any]:
    """Return a score for each token that may come after this one; ``past`` gets this position.

    ``weights`` is what ``GPT.parameter_trees()`` or ``GPT.state_dict()`` returns.
    """
    x = add(embedding(weights["token"], token), weights["position"][position])
    x = rms_norm(x)
    for layer in range(shape.layers):
        here = {name: weights[f"layers.{layer}.{name}"] for name in LAYER}
        x = add(x, attended(here, rms_norm(x), shape.heads, past[layer]))
        x = add(x, thought(here, rms_norm(x)))
    return linear(weights["logits"], x)


LAYER = ("query", "key", "value", "output", "expand", "contract")


def attended(weights: Mapping[str, Matrix], x: Vector, heads: int, past: Past) -> list[Any]:
    """Return what the positions so far have to say, each head asking for something of its own."""
    query = linear(weights["query"], x)
    past.keys.append(linear(weights["key"], x))
    past.values.append(linear(weights["value"], x))
    past.attention.append([])
    size = len(x) // heads
    found: list[Any] = []
    for place in range(0, len(x), size):
        part = slice(place, place + size)
        keys, values = [key[part] for key in past.keys], [value[part] for value in past.values]
        attention, told = head(query[part], keys, values)
        past.attention[-1].append(attention)
        found += told
    return linear(weights["output"], found)


def head(query: Vector, keys: Matrix, values: Matrix) -> tuple[list[Any], list[Any]]:
    """Return how much one head attends to each position so far, and the mean of what they say."""
    scores = [dot(query, key) / len(query) ** 0.5 for key in keys]
    attention = softmax(scores)
    return attention, [dot(attention, column) for column in zip(*values, strict=True)]


def thought(weights: Mapping[str, Matrix], x: Vector) -> list[Any]:
    """Return what two layers of neurons make of one position alone."""
    hidden = [relu(number) for number in linear(weights["expand"], x)]
    return linear(weights["contract"], hidden)


def embedding(table: Matrix, token: Any) -> list[Any]:
    """Return a token's row of a table; the token may be a Value, as in a compiled program."""
    return [pick(token, column) for column in zip(*table, strict=True)]


def linear(weights: Matrix, x: Vector) -> list[Any]:
    """Return a matrix times a vector."""
    return [dot(row, x) for row in weights]


def dot(left: Vector, right: Vector) -> Any:
    """Return the sum of the products."""
    return sum(one * other for one, other in zip(left, right, strict=True))


def add(left: Vector, right: Vector) -> list[Any]:
    """Return the sums, number by number."""
    return [one + other for one, other in zip(left, right, strict=True)]


def rms_norm(x: Vector) -> list[Any]:
    """Return a vector of that direction whose mean square is 1."""
    mean_square = sum(number * number for number in x) / len(x)
    scale = (mean_square + 1e-5) ** -0.5
    return [number * scale for number in x]


def softmax(scores: Vector) -> list[Any]:
    """Return probabilities: positive, with the sum 1."""
    powers = [exp(score) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def next_token_loss(logits: Sequence[Vector], following: Vector) -> Any:
    """Return the mean of -log(probability) over the tokens that did follow; -1 stands for none."""
    counts = [where(token + 0.5, 1.0, 0.0) for token in following]
    losses = [
        -log(pick(maximum(token, 0.0), softmax(scores))) * count
        for scores, token, count in zip(logits, following, counts, strict=True)
    ]
    return sum(losses) / sum(counts)
