"""Small GPTs for the tests of the live page, and what Python has for the page's numbers."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autodiff import backward_steps
from demos.gpt.documents import Documents
from demos.gpt.model import GPT, Past, Shape, next_token_logits, next_token_loss
from demos.gpt.page import gpt_page

# What docs/gpt.md shows of the page.
PICTURE = Path(__file__).resolve().parent.parent / "docs" / "images" / "gpt_page.png"

WORDS = ["ada", "bea", "cab", "d", "abba", "decade"]
STEPS = 40
SHAPE = {"context": 6, "width": 4, "heads": 2, "layers": 2}


@dataclass
class Small:
    """A small GPT and its words."""

    words: list[str]
    seed: int = 1

    def __post_init__(self) -> None:
        self.documents = Documents(self.words, SHAPE["context"])
        tokens = len(self.documents.alphabet.letters) + 1
        self.model = GPT(Shape(tokens, **SHAPE), random.Random(self.seed))

    def page(self, path: Path, **settings: Any) -> Path:
        """Write its page."""
        given = {
            "word": self.words[0], "temperature": 0.7, "seed": 3, "samples": 5, "smoothed": 10,
        } | settings  # fmt: skip
        return gpt_page(self.model, self.documents, STEPS, path, **given)


def numbers_of(small: Small, word: str) -> dict[str, float]:
    """Return the numbers of a word's heads by name, from eager Values and their backward pass."""
    model, shape = small.model, small.model.shape
    one = Documents([word], shape.context, small.documents.alphabet)
    (tokens,), (following,) = one.rows(1)
    past = [Past() for _ in range(shape.layers)]
    weights = model.parameter_trees()
    logits = [next_token_logits(weights, shape, t, p, past) for p, t in enumerate(tokens)]
    loss = next_token_loss(logits, following)
    model.zero_grad()
    uses = {(step.node, step.position): step for step in backward_steps(loss)}
    found: dict[str, float] = {"loss": loss.data}
    size = shape.width // shape.heads

    def number(name: str, node: Any) -> None:
        found[name], found[f"{name} gradient"] = node.data, node.grad

    def share(name: str, node: Any, position: int) -> None:
        step = uses[node, position]
        found[f"{name} local"] = step.local
        found[f"{name} upstream"] = step.upstream
        found[f"{name} contribution"] = step.contribution

    for layer, known in enumerate(past):
        for head in range(shape.heads):
            part = slice(head * size, (head + 1) * size)
            for asks, of_heads in enumerate(known.attention):
                at = f"{layer} {head} {asks}"
                for answers, weight in enumerate(of_heads[head]):
                    pair = f"{at} {answers}"
                    power, total = weight.parents
                    score = power.parents[0]
                    dot = score.parents[0]
                    for name, node in zip(
                        ("dot", "score", "exp", "weight"), (dot, score, power, weight), strict=True
                    ):
                        number(f"{pair} {name}", node)
                    share(f"{pair} score to dot", score, 0)
                    share(f"{pair} exp to score", power, 0)
                    share(f"{pair} weight to exp", weight, 0)
                    share(f"{pair} weight to sum", weight, 1)
                    for place, value in enumerate(known.values[answers][part]):
                        product = next(n for n, _ in uses if n.parents == (weight, value))
                        share(f"{pair} said {place} to weight", product, 0)
                        share(f"{pair} said {place} to value {place}", product, 1)
                number(f"{at} sum", total)
                for place in range(size):
                    number(f"{at} key {place}", known.keys[asks][part][place])
                    number(f"{at} value {place}", known.values[asks][part][place])
    return found


def by_name(content: dict[str, Any], numbers: list[float], length: int) -> dict[str, float]:
    """Return the page's numbers of the first positions by the names that ``numbers_of`` gives."""
    found, left = {}, iter(numbers)
    for layer in range(content["layers"]):
        for head in range(content["heads"]):
            for asks in range(content["context"]):
                for answers in range(asks + 1):
                    for name in content["pair"]:
                        found[f"{layer} {head} {asks} {answers} {name}"] = next(left), asks
    for layer in range(content["layers"]):
        for head in range(content["heads"]):
            for position in range(content["context"]):
                for name in content["row"]:
                    found[f"{layer} {head} {position} {name}"] = next(left), position
    found["loss"] = next(left), 0
    assert list(left) == []
    return {name: number for name, (number, position) in found.items() if position < length}
