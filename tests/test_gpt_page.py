"""The GPT's live page: what it is made of, and its program's numbers under node, to the bit."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from demos.gpt.command import main
from demos.gpt.live.programs import Compiled, compile_gpt
from demos.gpt.training import optimizer_of, train
from tests.bits import all_bits
from tests.engines import javascripts_math, needs_node, node
from tests.gpt_pages import SHAPE, STEPS, WORDS, Small, by_name, numbers_of


@pytest.fixture(scope="module")
def small() -> Small:
    return Small(WORDS)


@pytest.fixture(scope="module")
def compiled(small: Small) -> Compiled:
    return compile_gpt(small.model, optimizer_of(small.model, STEPS))


def rows_of(small: Small, words: list[str]) -> list[float]:
    """Return the rows of words as the page makes them: as long as the context."""
    context = SHAPE["context"]
    rows: list[float] = []
    for word in words:
        boundary = small.documents.alphabet.boundary
        tokens = small.documents.alphabet.tokens(word)
        framed = [boundary, *tokens, boundary]
        seen, following = framed[:-1][:context], framed[1:][:context]
        missing = context - len(seen)
        rows += [*seen, *[boundary] * missing, *following, *[-1] * missing]
    return [float(number) for number in rows]


def content_of(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found
    content: dict[str, Any] = json.loads(found[1])
    return content


def nothing(step: int, loss: float) -> None:
    """Be called after each step."""


@needs_node
def test_it_trains_to_the_bits_of_the_eager_loop() -> None:
    """One padded program for all lengths, under node's own Math."""
    ours, eager, words = Small(WORDS), Small(WORDS), WORDS * 2
    compiled = compile_gpt(ours.model, optimizer_of(ours.model, len(words)))
    arrays = [rows_of(ours, words), compiled.state, [math.nan] * len(words)]
    _, (_, state, losses) = node().call(compiled.javascript, [("run", [1, len(words), 1], arrays)])[
        0
    ]
    with javascripts_math():
        wanted = train(eager.model, eager.documents, len(words), nothing)
    assert all_bits(losses) == all_bits(wanted)
    place = {variable: place for place, variable in enumerate(compiled.program.variables)}
    found = [state[place[weight]] for weight in ours.model.parameters()]
    assert all_bits(found) == all_bits([weight.data for weight in eager.model.parameters()])


@needs_node
@pytest.mark.parametrize("word", ["ada", "decade", "d"])
def test_the_numbers_of_the_heads_are_those_of_backward(
    small: Small, compiled: Compiled, word: str
) -> None:
    """Values, gradients, and every local derivative, upstream gradient and contribution."""
    row = rows_of(small, [word])
    pairs = SHAPE["context"] * (SHAPE["context"] + 1) // 2
    heads = SHAPE["heads"] * SHAPE["layers"]
    count = heads * (pairs * len(compiled.pair) + SHAPE["context"] * len(compiled.row)) + 1
    calls = [("look", [], [compiled.state, row, [math.nan] * count])]
    _, (_, _, numbers) = node().call(compiled.javascript, calls)[0]
    content = {**SHAPE, "pair": compiled.pair, "row": compiled.row}
    length = min(len(word) + 1, SHAPE["context"])
    found = by_name(content, numbers, length)
    with javascripts_math():
        wanted = numbers_of(Small(WORDS), word)
    assert set(wanted) <= set(found)
    names = sorted(wanted)
    assert all_bits([found[name] + 0.0 for name in names]) == all_bits(
        [wanted[name] + 0.0 for name in names]
    )


@needs_node
def test_each_gradient_is_the_sum_of_its_uses(small: Small, compiled: Compiled) -> None:
    row = rows_of(small, ["bea"])
    pairs = SHAPE["context"] * (SHAPE["context"] + 1) // 2
    heads = SHAPE["heads"] * SHAPE["layers"]
    count = heads * (pairs * len(compiled.pair) + SHAPE["context"] * len(compiled.row)) + 1
    calls = [("look", [], [compiled.state, row, [math.nan] * count])]
    _, (_, _, numbers) = node().call(compiled.javascript, calls)[0]
    found = by_name({**SHAPE, "pair": compiled.pair, "row": compiled.row}, numbers, 4)
    at = "1 0 3"
    for answers in range(4):
        pair = f"{at} {answers}"
        said = [found[f"{pair} said {place} to weight contribution"] for place in range(2)]
        assert math.fsum(said) == pytest.approx(found[f"{pair} weight gradient"], rel=1e-12)
        two = [found[f"{pair} {name} contribution"] for name in ("weight to exp", "sum to exp")]
        assert math.fsum(two) == pytest.approx(found[f"{pair} exp gradient"], rel=1e-9, abs=1e-15)
    asked = [found[f"{at} {answers} product 1 to query 1 contribution"] for answers in range(4)]
    assert math.fsum(asked) == pytest.approx(found[f"{at} query 1 gradient"], rel=1e-9)
    answered = [found[f"1 0 {asks} 1 product 0 to key 0 contribution"] for asks in (1, 2, 3)]
    assert math.fsum(answered) == pytest.approx(found["1 0 1 key 0 gradient"], rel=1e-9)


def test_the_page_is_one_file_that_loads_nothing(small: Small, tmp_path: Path) -> None:
    path = small.page(tmp_path / "gpt.html", title="<b>Names</b>")
    text = path.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r'\b(?:src|href)="(?!data:|#)', text)
    assert "<title>&lt;b&gt;Names&lt;/b&gt;" in text
    content = content_of(path)
    assert content["letters"] == ["a", "b", "c", "d", "e"]
    assert content["words"] == WORDS
    assert content["network"] == "2 layers, width 4, 2 heads, context 6: 456 weights"
    assert (content["steps"], content["seed"]) == (STEPS, "3")


def test_the_command_writes_the_page_and_trains_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = tmp_path / "words.txt"
    words.write_text("\n".join(WORDS), encoding="utf-8")
    size = ["--width", "4", "--heads", "2", "--context", "6"]
    main(["--page", "--text", str(words), "--out", str(tmp_path), *size])
    assert capsys.readouterr().out == (
        "Compiling a GPT of 264 weights to JavaScript ...\n"
        f"Wrote {tmp_path / 'gpt.html'}: open it in a browser.\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gpt.html", "words.txt"]
    content = content_of(tmp_path / "gpt.html")
    assert content["title"] == "A GPT on words.txt"
    assert sorted(content["words"]) == sorted(WORDS)


def test_a_gpt_that_is_too_large_for_a_page_is_refused_at_once(tmp_path: Path) -> None:
    limit = "at most 200,000 weights times positions, but this GPT has 858,112"
    with pytest.raises(SystemExit, match=limit):
        main(["--page", "--width", "64", "--out", str(tmp_path)])
    assert list(tmp_path.iterdir()) == []
