"""The live page of the GPT: one HTML file in which a class trains it and looks inside.

The file needs no server and no network.  Its arithmetic is the JavaScript that the compiler writes
from the graph of one word.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from autodiff.stepper.document import Page, document
from autodiff.stepper.parts import shared
from autodiff.support.files import write_atomically
from demos.gpt.documents import Documents
from demos.gpt.live.programs import compile_gpt
from demos.gpt.model import GPT
from demos.gpt.training import optimizer_of
from demos.live.assemble import of_lab

__all__ = ["gpt_page"]

# A page of more would take minutes to write, and a browser long to begin.
MOST_PRODUCTS = 200_000

FOLDER = Path(__file__).with_name("live")
SCRIPTS = ("training.js", "sampling.js", "look.js", "attention.js", "lesson.js", "losses.js")

FILES = Page(
    FOLDER / "page.html",
    [*shared("base.css"), FOLDER / "gpt.css"],
    [
        *shared("parts.js", "numbers.js"),
        *of_lab("random.js", "scales.js"),
        *[FOLDER / name for name in SCRIPTS],
        *shared("keys.js"),
        FOLDER / "app.js",
    ],
    kind=" · a GPT, live",
)


def gpt_page(
    model: GPT,
    documents: Documents,
    steps: int,
    path: str | os.PathLike[str],
    *,
    word: str,
    temperature: float,
    seed: int,
    samples: int,
    smoothed: int,
    title: str = "A GPT on first names",
) -> Path:
    """Write the live page of a GPT and return its path.  The model stays as it is.

    The page trains from the model's present weights for so many steps, as ``train`` does.
    ``samples`` new words are made every hundred steps, at ``temperature``, from ``seed``;
    ``smoothed`` losses are in the mean that it draws; ``word`` is looked at first.

    Raises ValueError, naming the limit, for a GPT that is too large for a page; OSError if the file
    cannot be written.
    """
    shape = model.shape
    products = len(model.parameters()) * shape.context
    if products > MOST_PRODUCTS:
        raise ValueError(
            f"a page has at most {MOST_PRODUCTS:,} weights times positions, but this GPT has "
            f"{products:,}: use a smaller width or context, or fewer layers"
        )
    compiled = compile_gpt(model, optimizer_of(model, steps))
    content = {
        "title": title,
        "network": described(model),
        "letters": list(documents.alphabet.letters),
        "words": list(documents.words),
        "context": shape.context,
        "layers": shape.layers,
        "heads": shape.heads,
        "width": shape.width,
        "size": shape.width // shape.heads,
        "steps": steps,
        "chance": math.log(shape.tokens),
        "state": compiled.state,
        "weights": compiled.places(model.parameters()),
        "pair": compiled.pair,
        "row": compiled.row,
        "word": word,
        "temperature": temperature,
        "seed": str(abs(seed)),  # random.Random takes no notice of its sign
        "samples": samples,
        "smoothed": smoothed,
    }
    return write_atomically(path, document(FILES, title, compiled.javascript, content))


def described(model: GPT) -> str:
    """Return the size of a GPT in words."""
    shape = model.shape
    return ", ".join(
        [
            counted(shape.layers, "layer"),
            f"width {shape.width}",
            counted(shape.heads, "head"),
            f"context {shape.context}: {len(model.parameters()):,} weights",
        ]
    )


def counted(number: int, noun: str) -> str:
    """Return so many things in words.

    >>> counted(1, "layer"), counted(4, "head")
    ('1 layer', '4 heads')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"
