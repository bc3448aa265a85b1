"""Causal attention in plain functions on lists of Values, as people write it for themselves."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from autodiff import Value, record_source

WIDTH, HEADS, TOKENS = 4, 2, 5

__all__ = ["recorded_loss"]


def matrix(rows: int, columns: int) -> list[list[Value]]:
    return [
        [Value(((3 * row + 5 * column) % 7 - 3) / 8) for column in range(columns)]
        for row in range(rows)
    ]


def linear(w: list[list[Value]], x: list[Any]) -> list[Any]:
    return [sum(a * b for a, b in zip(row, x, strict=True)) for row in w]


def softmax(scores: list[Any]) -> list[Any]:
    powers = [score.exp() for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def attention(query: list[Any], keys: list[list[Any]], values: list[list[Any]]) -> list[Any]:
    attended = []
    for head in range(0, WIDTH, WIDTH // HEADS):
        own = range(head, head + WIDTH // HEADS)
        scores = [sum(query[i] * key[i] for i in own) for key in keys]
        weights = softmax(scores)
        attended += [sum(w * v[i] for w, v in zip(weights, values, strict=True)) for i in own]
    return attended


def next_token(
    state: dict[str, Any], token: int, keys: list[list[Any]], values: list[list[Any]]
) -> list[Any]:
    x = state["embedding"][token]
    keys.append(linear(state["key"], x))
    values.append(linear(state["value"], x))
    attended = attention(linear(state["query"], x), keys, values)
    x = [a + b for a, b in zip(x, attended, strict=True)]
    logits = linear(state["output"], x)
    return softmax(logits)


def loss_of(state: dict[str, Any], tokens: list[int]) -> Any:
    keys: list[list[Any]] = []
    values: list[list[Any]] = []
    losses = []
    for token, target in pairwise(tokens):
        probabilities = next_token(state, token, keys, values)
        losses.append(-probabilities[target].log())
    return sum(losses) / len(losses)


def recorded_loss(*tokens: int) -> Any:
    """Return the recorded loss of some tokens, after backward()."""
    state: dict[str, Any] = {"embedding": matrix(TOKENS, WIDTH), "output": matrix(TOKENS, WIDTH)}
    for name in ("query", "key", "value"):
        state[name] = matrix(WIDTH, WIDTH)
    with record_source():
        loss = loss_of(state, list(tokens))
    loss.backward()
    return loss
