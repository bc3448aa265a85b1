"""One step of a small GPT on one document, written with plain Values: ``python -m benchmarks.gpt``.

One layer of width 16 with 4 heads, a context of 16 tokens, an alphabet of 27: 4,192 weights.  RMS
norm, no biases, a ReLU network of 64 neurons, the mean loss of the next token.  Nothing here knows
of vectors: lists, comprehensions and Python's ``sum``.

A token is a number of Python's, so that the program is that of one document, or a Value: then it is
that of all documents of a length, whose tokens ``pick`` finds in the table.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from itertools import pairwise

import nn
from autodiff import Value, collector_paused, compile, pick
from autodiff.compiler import program_of_shapes
from autodiff.compiler.repeats import RowRecording
from benchmarks.interleave import machine, table, version_of

__all__ = ["ALPHABET", "Weights", "document_loss", "parameters_of", "weights"]

WIDTH, HEADS, CONTEXT, ALPHABET = 16, 4, 16, 27
HEAD_WIDTH = WIDTH // HEADS

Vector = list[Value]
Matrix = list[Vector]
Weights = dict[str, Matrix]


def weights(seed: int = 1) -> Weights:
    """Return the matrices of weights, a row an output."""
    rng = random.Random(seed)
    shapes = {
        "token": (ALPHABET, WIDTH),
        "position": (CONTEXT, WIDTH),
        "query": (WIDTH, WIDTH),
        "key": (WIDTH, WIDTH),
        "value": (WIDTH, WIDTH),
        "output": (WIDTH, WIDTH),
        "wide": (4 * WIDTH, WIDTH),
        "narrow": (WIDTH, 4 * WIDTH),
        "logits": (ALPHABET, WIDTH),
    }
    return {
        name: [
            [Value(rng.gauss(0.0, 0.08), f"{name}[{i}][{j}]") for j in range(columns)]
            for i in range(rows)
        ]
        for name, (rows, columns) in shapes.items()
    }


def parameters_of(matrices: Weights) -> Vector:
    """Return all weights in order."""
    return [weight for matrix in matrices.values() for row in matrix for weight in row]


def linear(x: Vector, matrix: Matrix) -> Vector:
    """Return the matrix times x."""
    return [sum(weight * xi for weight, xi in zip(row, x, strict=True)) for row in matrix]  # type: ignore[misc]


def softmax(logits: Vector) -> Vector:
    """Return probabilities."""
    exponentials = [logit.exp() for logit in logits]
    total = sum(exponentials)
    return [exponential / total for exponential in exponentials]


def norm(x: Vector) -> Vector:
    """Return x with a mean square of 1."""
    mean_square = sum(xi * xi for xi in x) / len(x)
    scale = (mean_square + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def at(values: Sequence[Value], index: int | Value) -> Value:
    """Return one of several values."""
    return values[index] if isinstance(index, int) else pick(index, values)


def token_logits(matrices: Weights, token: int | Value, place: int, past: list[Matrix]) -> Vector:
    """Return the logits of the next token; ``past`` has the keys and values so far."""
    row = [at(column, token) for column in zip(*matrices["token"], strict=True)]
    x = [t + p for t, p in zip(row, matrices["position"][place], strict=True)]
    x = norm(x)
    before = x
    x = norm(x)
    query = linear(x, matrices["query"])
    keys, values = past
    keys.append(linear(x, matrices["key"]))
    values.append(linear(x, matrices["value"]))
    attended: Vector = []
    for head in range(HEADS):
        part = slice(head * HEAD_WIDTH, (head + 1) * HEAD_WIDTH)
        scores = [
            sum(q * k for q, k in zip(query[part], key[part], strict=True)) / HEAD_WIDTH**0.5
            for key in keys
        ]
        attention = softmax(scores)
        attended += [
            sum(a * value[j] for a, value in zip(attention, values, strict=True))  # type: ignore[misc]
            for j in range(part.start, part.stop)
        ]
    x = [a + b for a, b in zip(linear(attended, matrices["output"]), before, strict=True)]
    before = x
    x = [xi.relu() for xi in linear(norm(x), matrices["wide"])]
    x = [a + b for a, b in zip(linear(x, matrices["narrow"]), before, strict=True)]
    return linear(x, matrices["logits"])


def document_loss(matrices: Weights, tokens: Sequence[int | Value]) -> Value:
    """Return the mean loss of predicting each token but the first from those before it."""
    past: list[Matrix] = [[], []]
    losses = []
    for place, (token, following) in enumerate(pairwise(tokens)):
        probabilities = softmax(token_logits(matrices, token, place, past))
        losses.append(-at(probabilities, following).log())
    return sum(losses) / len(losses)  # type: ignore[return-value]


LENGTHS = (5, 8, 16)
STEPS, TURNS = 1_000, 10


def row(length: int, adam: bool) -> list[str]:
    """Return the table's row of a document of so many tokens: sizes, seconds, and a step."""
    rng = random.Random(length)
    matrices = weights()
    tokens = [ALPHABET - 1, *[rng.randrange(ALPHABET - 1) for _ in range(length)]]
    parameters = parameters_of(matrices)
    optimizer = nn.Adam(parameters) if adam else nn.SGD(parameters, lr=0.01)
    with collector_paused():
        loss = document_loss(matrices, tokens)
        began = time.perf_counter()
        program = compile(loss, updates=optimizer.updates, engine="native")
        registers = time.perf_counter() - began
        program.run(1)
        ready = time.perf_counter() - began
    seconds = []
    for _ in range(TURNS):
        began = time.perf_counter()
        program.run(STEPS)
        seconds.append((time.perf_counter() - began) / STEPS)
    operations = sum(r.op is not None for r in program.expanded.linear.registers)
    figures = [f"{operations:,}", str(len(program.loops)), f"{registers:.2f}", f"{ready:.2f}"]
    name = f"{length} tokens, {'Adam' if adam else 'gradient descent'}"
    return [name, *figures, f"{1e6 * min(seconds):.1f}"]


def row_of_any_document(length: int) -> list[str]:
    """Return the row of all documents of a length, with Adam after each: what ``fit`` does."""
    rng = random.Random(length)
    matrices = weights()
    numbers = [float(rng.randrange(ALPHABET)) for _ in range(length + 1)]
    parameters = parameters_of(matrices)
    with collector_paused():
        tokens = [Value(number) for number in numbers]
        recording = RowRecording(document_loss(matrices, tokens), tokens, None, parameters)
        began = time.perf_counter()
        updates = nn.Adam(parameters).updates
        program = program_of_shapes(parameters, updates, None, lambda: [recording], "native")
        program.run(1, [(0, numbers)], 1)
        ready = time.perf_counter() - began
    seconds = []
    for _ in range(TURNS):
        began = time.perf_counter()
        program.run(1, [(0, numbers)] * STEPS, 1)
        seconds.append((time.perf_counter() - began) / STEPS)
    name = f"any of {length} tokens, Adam"
    return [name, "", "", "", f"{ready:.2f}", f"{1e6 * min(seconds):.1f}"]


def main() -> None:
    """Print the table."""
    if version_of("llvmlite") is None:
        print("native is left out: llvmlite is not installed (pip install llvmlite)")
        return
    rows = [["document", "operations", "loops", "registers s", "ready s", "µs a step"]]
    rows += [row(length, adam) for length in LENGTHS for adam in (False, True)]
    rows += [row_of_any_document(length) for length in LENGTHS]
    print(f"{machine()}; llvmlite {version_of('llvmlite')}; the fastest of {TURNS} runs")
    print(f"\n{table(rows)}")


if __name__ == "__main__":
    main()
