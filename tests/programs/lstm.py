"""A recurrent network that tells a word's first letter after it has read the whole word."""

import math
import random

from engine import Value

random.seed(7)

LETTERS = "abc"
HIDDEN = 4
LENGTH = 3


# ---- what the engine lacks: nodes from a number, the operands and the local derivatives ----


def sigmoid(x):
    s = 1 / (1 + math.exp(-x.data))
    return Value(s, (x,), (s * (1 - s),))


def tanh(x):
    t = math.tanh(x.data)
    return Value(t, (x,), (1 - t * t,))


def dot(a, b):
    """The sum of the products, as one node rather than two for each product."""
    total = 0.0
    for x, y in zip(a, b, strict=True):
        total += x.data * y.data
    return Value(total, (*a, *b), (*[y.data for y in b], *[x.data for x in a]))


def safe_log(x):
    clamped = max(x.data, 1e-10)
    return Value(math.log(clamped), (x,), (1 / clamped,))


# ---- the network ----


class Weight(Value):
    """A parameter, which keeps its two moments for Adam as attributes."""


def vector(size, start=None):
    return [Weight(random.uniform(-0.5, 0.5) if start is None else start) for _ in range(size)]


def gate(bias):
    return {"weights": [vector(2 * HIDDEN) for _ in range(HIDDEN)], "bias": vector(HIDDEN, bias)}


network = {
    "embedding": [vector(HIDDEN) for _ in LETTERS],
    "input": gate(0.0),
    "forget": gate(1.0),
    "output": gate(0.0),
    "candidate": gate(0.0),
    "answer": [vector(HIDDEN) for _ in LETTERS],
    "temperature": Weight(1.0),
}


def collected(thing):
    if isinstance(thing, Value):
        return [thing]
    parts = thing.values() if isinstance(thing, dict) else thing
    return [parameter for part in parts for parameter in collected(part)]


def apply(name, x, activation):
    parts = zip(network[name]["weights"], network[name]["bias"], strict=True)
    return [activation(dot(row, x) + bias) for row, bias in parts]


def read(word):
    """Return the scores of the first letter, and the hidden state after each letter."""
    hidden = [Value(0.0) for _ in range(HIDDEN)]
    cell = [Value(0.0) for _ in range(HIDDEN)]
    states = []
    for letter in word:
        x = network["embedding"][LETTERS.index(letter)] + hidden
        let_in, keep = apply("input", x, sigmoid), apply("forget", x, sigmoid)
        show, new = apply("output", x, sigmoid), apply("candidate", x, tanh)
        cell = [k * old + i * n for k, old, i, n in zip(keep, cell, let_in, new, strict=True)]
        hidden = [o * tanh(c) for o, c in zip(show, cell, strict=True)]
        states.append(hidden)
    scores = [dot(row, hidden) / network["temperature"] for row in network["answer"]]
    return scores, states


def softmax(scores):
    highest = max(score.data for score in scores)
    exponentials = [(score - highest).exp() for score in scores]
    total = sum(exponentials)
    return [e / total for e in exponentials]


# ---- training, by Adam; its two moments are kept on the parameters themselves ----

parameters = collected(network)
for p in parameters:
    p.m, p.v = 0.0, 0.0
print(f"{len(parameters)} parameters")

losses = []
learning_rate, steps = 0.05, 80
for step in range(steps):
    words = ["".join(random.choice(LETTERS) for _ in range(LENGTH)) for _ in range(6)]
    total = Value(0.0)
    for word in words:
        scores, states = read(word)
        chance = softmax(scores)[LETTERS.index(word[0])]
        total = total + -safe_log(chance)
    loss = total / len(words)
    loss.backward()

    norm = sum(p.grad**2 for p in parameters) ** 0.5
    if norm > 1.0:
        for p in parameters:
            p.grad *= 1.0 / norm
    for p in parameters:
        p.m = 0.9 * p.m + 0.1 * p.grad
        p.v = 0.99 * p.v + 0.01 * p.grad**2
        m_hat, v_hat = p.m / (1 - 0.9 ** (step + 1)), p.v / (1 - 0.99 ** (step + 1))
        p.data -= learning_rate * (1 - step / steps) * m_hat / (v_hat**0.5 + 1e-8)
        p.grad = 0
    losses.append(loss.data)
    if step % 10 == 9:
        print(f"step {step + 1:2d} | loss {loss.data:.4f} | gradient {norm:.4f}")

# ---- how much of the gradient is left at each letter of the last word that was read ----

for place, state in enumerate(states):
    sizes = [abs(h.grad) for h in state]
    print(f"{word[: place + 1]:3s} {sum(sizes):.6f} {'#' * round(50 * sum(sizes))}")
by_hand = dot(network["answer"][0], states[-1])
pulls = zip(by_hand._children, by_hand._local_grads, strict=True)
print("local derivatives", " ".join(f"{child.data:+.4f}:{local:+.4f}" for child, local in pulls))

right = 0
for first in LETTERS:
    scores, _ = read(first + "ab")
    guess = max(range(len(LETTERS)), key=lambda k: scores[k].data)
    right += LETTERS[guess] == first
    print(first, "->", " ".join(f"{p.data:.4f}" for p in softmax(scores)))
print(f"{right} of {len(LETTERS)} right")
