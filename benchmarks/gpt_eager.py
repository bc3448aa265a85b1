"""A training step of a small GPT in plain scalars: ``python -m benchmarks.gpt_eager``.

The program is one for any scalar class, as such programs are written (microgpt's, say): names are
learnt letter by letter by a transformer of one layer, with nothing but numbers and lists.  A step
is a name's graph of 60,000 to 76,000 nodes, its backward pass, and Adam on lists of numbers, with
Python's cyclic collector on.  Every contender has a process of its own and they take turns
(``benchmarks.turns``).  PyTorch is none of them: it would use tensors.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from benchmarks.compare import figures_table, installed, significant, versions
from benchmarks.interleave import table
from benchmarks.scalars import CONTENDERS, Scalars, scalars_of
from benchmarks.turns import Numbers, seconds_in_turns

__all__ = ["FULL", "GPT", "NAMES", "SIZES", "TINY", "Adam", "Size", "make"]

LETTERS = "abcdefghijklmnopqrstuvwxyz"
BOUNDARY = len(LETTERS)  # the token before a name and after it
NAMES = ("amelia", "oliver", "charlie", "isabella")

# A list of Values, or of rows of them.
Vector = list[Any]
Matrix = list[Vector]


@dataclass(frozen=True, slots=True)
class Size:
    """How large a GPT is: numbers in a vector, heads of attention, positions of its context."""

    width: int
    heads: int
    context: int
    tokens: int = len(LETTERS) + 1


FULL = Size(width=16, heads=4, context=16)
TINY = Size(width=4, heads=2, context=4)
SIZES = {"full": FULL, "tiny": TINY}


class GPT:
    """A transformer of one layer without biases, with RMS norms and a ReLU.

    Weights are drawn from a normal distribution (mean 0, standard deviation 0.08), always the same.
    """

    def __init__(self, scalars: Scalars, size: Size) -> None:
        self.scalars = scalars
        self.size = size
        generator = random.Random(1)

        def matrix(rows: int, columns: int) -> Matrix:
            return [
                [scalars.variable(generator.gauss(0.0, 0.08)) for _ in range(columns)]
                for _ in range(rows)
            ]

        width = size.width
        self.token_embedding = matrix(size.tokens, width)
        self.position_embedding = matrix(size.context, width)
        self.query, self.key, self.value = (matrix(width, width) for _ in range(3))
        self.attention_output = matrix(width, width)
        self.expand, self.contract = matrix(4 * width, width), matrix(width, 4 * width)
        self.vocabulary = matrix(size.tokens, width)

    def parameters(self) -> Vector:
        """Return all weights."""
        matrices = [self.token_embedding, self.position_embedding, self.query, self.key, self.value]
        matrices += [self.attention_output, self.expand, self.contract, self.vocabulary]
        return [weight for matrix in matrices for row in matrix for weight in row]

    def loss(self, name: str) -> Any:
        """Return the mean cross-entropy of each letter given those before, and of the end."""
        tokens = [BOUNDARY, *[LETTERS.index(letter) for letter in name], BOUNDARY]
        keys: Matrix = []
        values: Matrix = []
        losses = []
        for position, (token, following) in enumerate(pairwise(tokens[: self.size.context + 1])):
            logits = self.logits(token, position, keys, values)
            losses.append(-self.scalars.log(softmax(self.scalars, logits)[following]))
        return sum(losses) / len(losses)

    def logits(self, token: int, position: int, keys: Matrix, values: Matrix) -> Vector:
        """Return the scores of the next token; keys and values get this position's, too."""
        x = rms_norm(plus(self.token_embedding[token], self.position_embedding[position]))
        normed = rms_norm(x)
        keys.append(linear(self.key, normed))
        values.append(linear(self.value, normed))
        attended = self.attention(linear(self.query, normed), keys, values)
        x = plus(x, linear(self.attention_output, attended))
        hidden = [self.scalars.relu(number) for number in linear(self.expand, rms_norm(x))]
        x = plus(x, linear(self.contract, hidden))
        return linear(self.vocabulary, x)

    def attention(self, query: Vector, keys: Matrix, values: Matrix) -> Vector:
        """Return, head by head, the values' mean weighted by how well their keys fit the query."""
        width = self.size.width // self.size.heads
        attended = []
        for start in range(0, self.size.width, width):
            head = slice(start, start + width)
            scores = [dot(query[head], key[head]) / width**0.5 for key in keys]
            weights = softmax(self.scalars, scores)
            columns = zip(*[value[head] for value in values], strict=True)
            attended += [dot(weights, column) for column in columns]
        return attended


def dot(left: Sequence[Any], right: Sequence[Any]) -> Any:
    """Return the sum of products."""
    return sum(one * other for one, other in zip(left, right, strict=True))


def linear(matrix: Matrix, vector: Vector) -> Vector:
    """Return the matrix times the vector."""
    return [dot(row, vector) for row in matrix]


def plus(left: Vector, right: Vector) -> Vector:
    """Return the sum of two vectors."""
    return [one + other for one, other in zip(left, right, strict=True)]


def rms_norm(vector: Vector) -> Vector:
    """Return the vector divided by the root of its mean square."""
    scale = (dot(vector, vector) / len(vector) + 1e-5) ** -0.5
    return [number * scale for number in vector]


def softmax(scalars: Scalars, scores: Vector) -> Vector:
    """Return probabilities that are as their scores' exponentials."""
    largest = max(score.data for score in scores)
    powers = [scalars.exp(score - largest) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


class Adam:
    """Adam, with its state in lists of numbers."""

    def __init__(self, parameters: Vector, learning_rate: float = 0.01) -> None:
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.means = [0.0] * len(parameters)
        self.squares = [0.0] * len(parameters)
        self.steps = 0

    def step(self) -> None:
        """Move each parameter against its gradient."""
        self.steps += 1
        means, squares, rate = self.means, self.squares, self.learning_rate
        mean_share, square_share = 1 - 0.9**self.steps, 1 - 0.99**self.steps
        for place, parameter in enumerate(self.parameters):
            gradient = parameter.grad
            means[place] = 0.9 * means[place] + 0.1 * gradient
            squares[place] = 0.99 * squares[place] + 0.01 * gradient * gradient
            root = (squares[place] / square_share) ** 0.5
            parameter.data -= rate * (means[place] / mean_share) / (root + 1e-8)


def trained_over(names: Sequence[str], scalars: Scalars, size: Size) -> Numbers:
    """Return the job that does a step on each name, and returns losses and the last gradients."""
    model = GPT(scalars, size)
    parameters = model.parameters()
    optimizer = Adam(parameters)

    def step(name: str) -> float:
        loss = model.loss(name)
        scalars.clear_gradients(parameters)
        loss.backward()
        optimizer.step()
        return float(loss.data)

    def job() -> list[float]:
        losses = [step(name) for name in names]
        return [*losses, *[float(parameter.grad) for parameter in parameters]]

    return job


def make(contender: str, size: str, steps: str) -> Numbers:
    """Return a contender's job: so many steps, each on the next of ``NAMES``."""
    return trained_over(NAMES[: int(steps)], scalars_of(contender), SIZES[size])


def main() -> None:
    """Print the tables."""
    contenders = installed([c for c in CONTENDERS if c.name != "PyTorch eager"])
    names = [contender.name for contender in contenders]
    samples = seconds_in_turns(
        "benchmarks.gpt_eager", names, ("full", str(len(NAMES))), calls=1, rounds=5, turns=4
    )
    seconds = {name: statistics.median(taken) / len(NAMES) for name, taken in samples.items()}
    rows = [["GPT step", "ms", "times eager Value"]]
    for name, taken in seconds.items():
        rows.append([name, *map(significant, (1e3 * taken, taken / seconds["eager Value"]))])
    print(f"{versions(contenders)}\nfloat64, one thread, collector on, medians of turns\n")
    print(f"{table(rows)}\n\n{figures_table('GPT step', seconds)}")


if __name__ == "__main__":
    main()
