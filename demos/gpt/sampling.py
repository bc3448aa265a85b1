"""New words, letter by letter: each letter is drawn with the probability that the GPT gives it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from demos.gpt.documents import Alphabet
from demos.gpt.model import Past, Shape, next_token_logits, softmax

__all__ = ["attention_of", "new_words"]


def new_words(
    weights: Mapping[str, Any],
    shape: Shape,
    alphabet: Alphabet,
    temperature: float,
    rng: random.Random,
) -> Iterator[str]:
    """Yield words without end.

    ``weights`` are floats, as ``state_dict()`` has them.  Below a temperature of 1 likely letters
    become likelier still, above it all become alike.
    """
    while True:
        past = [Past() for _ in range(shape.layers)]
        token, found = alphabet.boundary, list[int]()
        for position in range(shape.context):
            scores = next_token_logits(weights, shape, token, position, past)
            highest = max(
                scores
            )  # which no exponential then overflows, however low the temperature
            probabilities = softmax([(score - highest) / temperature for score in scores])
            (token,) = rng.choices(range(shape.tokens), probabilities)
            if token == alphabet.boundary:
                break
            found.append(token)
        yield alphabet.text(found)


def attention_of(
    weights: Mapping[str, Any], shape: Shape, alphabet: Alphabet, word: str
) -> list[list[list[list[float]]]]:
    """Return how each layer's heads attend to the positions of a word.

    It is ``[layer][head][position][position attended to]``: each row has the sum 1.
    """
    past = [Past() for _ in range(shape.layers)]
    tokens = [alphabet.boundary, *alphabet.tokens(word)][: shape.context]
    for position, token in enumerate(tokens):
        next_token_logits(weights, shape, token, position, past)
    return [
        [[list(of_heads[head]) for of_heads in layer.attention] for head in range(shape.heads)]
        for layer in past
    ]
