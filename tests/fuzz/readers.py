"""Coverage-guided fuzzing of the readers of files, by hand and for as long as one likes.

Needs ``pip install atheris`` (Linux; a compiler's runtime comes with it), which no test does::

    python -m tests.fuzz.readers weights -max_total_time=300
    python -m tests.fuzz.readers answers -max_total_time=300

A file that a reader takes has to be one that it can go on with; a file that it refuses has to be
refused with the documented error, and to have changed nothing.  What is found becomes an example
of ``tests/test_readers.py``.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports():
    import json.decoder
    import json.scanner

    # The scanner in Python, whose branches can be seen; the one in C is as strict.
    json.scanner.make_scanner = json.scanner.py_make_scanner  # type: ignore[attr-defined]
    json.decoder.scanner.make_scanner = json.scanner.py_make_scanner  # type: ignore[attr-defined]

    import nn
    from demos.worksheet.answers import AnswersError, answers_text, parsed_answers
    from demos.worksheet.grading import report
    from demos.worksheet.problems import make_problems

MODEL = nn.MLP(1, [1, 1], activation="tanh", rng=1)
START = MODEL.state_dict()
FOLDER = Path(tempfile.mkdtemp(prefix="autodiff-fuzz-"))
PATH = FOLDER / "weights.json"
WORDS = [
    *("format", "version", "weights", "autodiff weights", "worksheet answers", "seed", "level"),
    *("problems", "answers", "values", "gradients", "null", "Infinity", "-Infinity", "NaN", "true"),
    *("hidden.weight", "hidden.bias", "output.weight", "output.bias", "1e999", "-0", "\\ud800"),
]
PARTS: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 7, 10**30, 10**400, 1e308, float("nan"), float("-inf")),
    *("", "3/4", "\u22121.5", "1/0", "\ud800", "\u0663", "x" * 99, [], {}, [[]], *WORDS),
]


def read_weights(content: bytes) -> None:
    """Load a file of weights, which works or is a ValueError that names it and changes nothing."""
    PATH.write_bytes(content)
    MODEL.load_state_dict(START)
    try:
        nn.load(MODEL, PATH)
    except ValueError as error:
        assert str(PATH) in str(error)  # noqa: PT017 (no test of pytest's)
        assert MODEL.state_dict() == START


def read_answers(content: bytes) -> None:
    """Grade a file of answers, which works or is an AnswersError."""
    try:
        answers = parsed_answers(content)
    except AnswersError as error:
        assert str(error).isprintable()  # noqa: PT017
    else:
        assert report(answers)


def mutated(content: bytes, most: int, seed: int) -> bytes:
    """Return the content with some bytes changed, or as JSON with one part of its tree changed."""
    rng = random.Random(seed)
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        tree = None
    if tree is None or rng.random() < 0.4:
        return bytes(atheris.Mutate(content, most))
    return json.dumps(changed(tree, rng), ensure_ascii=rng.random() < 0.9).encode(
        errors="surrogatepass"
    )[:most]


def changed(tree: Any, rng: random.Random) -> Any:
    """Return a JSON tree in which one part is another, is gone or is there twice."""
    if isinstance(tree, (dict, list)) and tree and rng.random() < 0.85:
        keys: list[Any] = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        key = rng.choice(keys)
        action = rng.random()
        if action < 0.1:
            del tree[key]
        elif action < 0.2 and isinstance(tree, list):
            tree.append(tree[key])
        elif action < 0.2 and isinstance(tree, dict):
            tree[rng.choice(WORDS)] = tree[key]
        else:
            tree[key] = changed(tree[key], rng)
        return tree
    return rng.choice([*PARTS, tree, [tree], {rng.choice(WORDS): tree}])


TARGETS = {"weights": read_weights, "answers": read_answers}


def main() -> None:
    """Fuzz the reader that the command line names; what follows it is libFuzzer's."""
    name, options = sys.argv[1], sys.argv[2:]
    seeds = FOLDER / "seeds"
    seeds.mkdir()
    nn.save(MODEL, seeds / "weights.json")
    for filled in (True, False):
        text = answers_text(7, 2, make_problems(7, 2, 1), filled)
        (seeds / f"answers-{filled}.json").write_text(text, encoding="utf-8")
    words = FOLDER / "words"
    words.write_text("".join(f"{json.dumps(word)}\n" for word in WORDS), encoding="utf-8")
    arguments = [sys.argv[0], f"-dict={words}", "-len_control=0", *options, str(seeds)]
    atheris.Setup(arguments, TARGETS[name], custom_mutator=mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
