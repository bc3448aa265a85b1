"""Train a GPT on first names, letter by letter, and let it make up new ones: ``demos.gpt``.

Every number in it is a Value.  All engines give the same numbers, bit for bit.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import sys
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import nn
from autodiff import draw, record_source
from autodiff.compiler.object_cache import CACHE_SETTING
from autodiff.drawing import Drawing
from demos.arguments import (
    add_engine,
    add_out,
    command_line,
    count,
    learning_rate,
    missing_package,
    positive,
)
from demos.gpt.documents import NAMES, Documents, DocumentsError, read_documents
from demos.gpt.model import GPT, Shape, next_token_loss
from demos.gpt.sampling import attention_of, new_words
from demos.gpt.training import train, train_compiled
from nn.fit import ENGINES

try:
    from tqdm import tqdm

    from demos.gpt.page import gpt_page
    from demos.gpt.pictures import SMOOTHED, plot_attention, plot_losses
    from demos.progress import progress_bar
except ModuleNotFoundError as missing:
    sys.exit(missing_package("demos.gpt", "demos", missing))

__all__ = ["main"]

LOG_EVERY = 100
SAMPLES = 20
WORD = "maria"


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the checked command line; exit with a message where it makes no sense."""
    parser = command_line("demos.gpt", __doc__)
    parser.add_argument("--steps", type=count, default=1000, help="default: %(default)s")
    add_engine(parser, ENGINES, "auto")
    shape = parser.add_argument_group("its size")
    shape.add_argument("--width", type=positive, default=16, help="default: %(default)s")
    shape.add_argument("--heads", type=positive, default=4, help="default: %(default)s")
    shape.add_argument("--layers", type=positive, default=1, help="default: %(default)s")
    shape.add_argument(
        "--context", type=positive, default=16, help="positions that it sees; default: %(default)s"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of weights, order and samples; default: %(default)s"
    )
    parser.add_argument(
        "--text",
        type=Path,
        default=NAMES,
        metavar="FILE",
        help="words to learn, one a line; default: 5,163 first names",
    )
    parser.add_argument(
        "--temperature",
        type=learning_rate,
        default=0.5,
        help="low: likely letters, high: all kinds; default: %(default)s",
    )
    parser.add_argument(
        "--word", default=None, help=f"whose attention is drawn; default: {WORD}, or the first word"
    )
    parser.add_argument(
        "--page",
        action="store_true",
        help="write a page, gpt.html, that trains it in the browser, and do nothing else",
    )
    add_out(parser, "the pictures and weights, or the page")
    options = parser.parse_args(arguments)
    if options.width % options.heads:
        parser.error(
            f"{options.heads} heads cannot share a width of {options.width}: it must be a multiple "
            "of their number"
        )
    try:
        words = read_documents(options.text)
        random.Random(options.seed).shuffle(words)
        options.documents = Documents(words, options.context)
        if options.word is None:
            knows = set(WORD) <= set(options.documents.alphabet.letters)
            options.word = WORD if knows else words[0]
        options.documents.alphabet.tokens(options.word)
    except DocumentsError as error:
        parser.error(str(error))
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the demo."""
    options = parse_arguments(arguments)
    documents: Documents = options.documents
    tokens = len(documents.alphabet.letters) + 1
    shape = Shape(tokens, options.context, options.width, options.heads, options.layers)
    model = GPT(shape, random.Random(options.seed))
    if options.page:
        write_page(model, options)
        return
    print(
        f"{len(documents.words):,} words of {tokens - 1} letters; "
        f"{len(model.parameters()):,} weights"
    )
    started = time.perf_counter()
    losses, engine = trained(model, options)
    seconds = time.perf_counter() - started
    print_samples(model, options)
    print(f"\nTrained {len(losses):,} steps in {seconds:.1f} s (engine: {engine}).")
    write_results(model, losses, options)


def write_page(model: GPT, options: argparse.Namespace) -> None:
    """Write the live page, and print where it is."""
    weights = len(model.parameters())
    print(f"Compiling a GPT of {weights:,} weights to JavaScript ...", flush=True)
    title = "A GPT on first names" if options.text == NAMES else f"A GPT on {options.text.name}"
    try:
        path = gpt_page(
            *(model, options.documents, options.steps, options.out / "gpt.html"),
            word=options.word,
            temperature=options.temperature,
            seed=options.seed,
            samples=SAMPLES,
            smoothed=SMOOTHED,
            title=title,
        )
    except ValueError as error:
        sys.exit(f"demos.gpt: {error}")
    print(f"Wrote {path}: open it in a browser.")


def trained(model: GPT, options: argparse.Namespace) -> tuple[list[float], str]:
    """Train with the engine that the command line names; return the losses and the engine."""
    steps: int = options.steps
    if options.engine != "eager":
        # The next run finds the machine code there; who has set a folder keeps that.
        os.environ.setdefault(CACHE_SETTING, str(options.out / "gpt_cache"))
        print("Compiling a step of training ...", flush=True)
    with progress_bar(steps, "step") as bar:
        show = ShowSteps(bar)
        if options.engine == "eager":
            return train(model, options.documents, steps, show), "eager"
        return train_compiled(model, options.documents, steps, options.engine, show)


def graph_of(model: GPT, options: argparse.Namespace) -> Drawing:
    """Return a picture of the whole graph of a word's loss, by the functions that made it."""
    documents = Documents([options.word], options.context, options.documents.alphabet)
    (tokens,), (following,) = documents.rows(1)
    model.zero_grad()
    with record_source():
        loss = next_token_loss(model(tokens), following)
    loss.backward()
    return draw(loss, fold="call", expand=["next_token_logits"])


class ShowSteps:
    """Moves a progress bar with each step, and writes the loss of every hundredth above it."""

    def __init__(self, bar: tqdm[None]) -> None:
        self.bar = bar

    def __call__(self, step: int, loss: float) -> None:
        self.bar.update()
        if step % LOG_EVERY == 0:
            self.bar.write(log_line(step, loss))
            sys.stdout.flush()


def log_line(step: int, loss: float) -> str:
    return f"Step {step}, Loss: {loss:.4f}"


def print_samples(model: GPT, options: argparse.Namespace) -> None:
    """Print new words, and how many of them are not among those that were learnt."""
    documents: Documents = options.documents
    rng = random.Random(options.seed)
    words = new_words(model.state_dict(), model.shape, documents.alphabet, options.temperature, rng)
    lines = sample_lines(islice(words, SAMPLES), documents.words)
    print(f"\nNew words (temperature {options.temperature:g}; * is not in the list):")
    for line in lines:
        print(f"  {line}")
    print(f"{sum(line.endswith('*') for line in lines)} of {SAMPLES} are not in the list.")


def sample_lines(samples: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return words as they are printed, marked where they are new; one without letters is none.

    >>> sample_lines(["anna", "anno", ""], ["anna"])
    ['anna', 'anno *', '(empty)']
    """
    old = {*known, ""}
    return [f"{sample or '(empty)'}{'' if sample in old else ' *'}" for sample in samples]


def write_results(model: GPT, losses: list[float], options: argparse.Namespace) -> None:
    """Write the weights and the pictures, and print what was written."""
    folder: Path = options.out
    written = [nn.save(model, folder / "gpt_weights.json")]
    if losses:
        chance = math.log(model.shape.tokens)
        written.append(plot_losses(losses, chance, folder / "gpt_loss.png"))
    attention = attention_of(
        model.state_dict(), model.shape, options.documents.alphabet, options.word
    )
    for layer, heads in enumerate(attention):
        name = "gpt_attention.png" if len(attention) == 1 else f"gpt_attention_{layer}.png"
        written.append(plot_attention(heads, options.word, folder / name))
    written.append(graph_of(model, options).save(folder / "gpt_graph.svg"))
    print("Wrote " + ", ".join(str(path) for path in written))
