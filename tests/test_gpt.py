"""The GPT of plain scalars: beside PyTorch, between engines, and its command."""

from __future__ import annotations

import inspect
import math
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nn
from autodiff.compiler.object_cache import CACHE_SETTING
from demos.gpt.command import main, sample_lines
from demos.gpt.documents import NAMES, Alphabet, Documents, DocumentsError, read_documents
from demos.gpt.model import GPT, Past, Shape, head, next_token_logits, next_token_loss
from demos.gpt.sampling import attention_of, new_words
from demos.gpt.training import optimizer_of, train, train_compiled
from tests.bits import all_bits
from tests.demo_commands import called
from tests.test_pdb import check_session, line_of

ROOT = Path(__file__).resolve().parent.parent
WORDS = ["ada", "bea", "cab", "abba", "d", "decade"]
TINY = {"width": 4, "heads": 2, "context": 6}


def names(seed: int = 0) -> list[str]:
    words = read_documents(NAMES)
    random.Random(seed).shuffle(words)
    return words


def tiny(words: list[str], seed: int = 0, **changes: int) -> tuple[GPT, Documents]:
    settings = {**TINY, **changes}
    documents = Documents(words, settings["context"])
    tokens = len(documents.alphabet.letters) + 1
    return GPT(Shape(tokens, **settings), random.Random(seed)), documents


# ---- beside PyTorch ----------------------------------------------------------------------------


def torch_logits(torch: Any, weights: dict[str, Any], shape: Shape, tokens: list[int]) -> Any:
    """Return the logits of all positions, by PyTorch's own functions of tensors."""
    functional = torch.nn.functional
    width, count = shape.width, len(tokens)

    def norm(x: Any) -> Any:
        return functional.rms_norm(x, (width,), eps=1e-5)

    def by_head(x: Any) -> Any:
        return x.view(count, shape.heads, width // shape.heads).transpose(0, 1)

    x = norm(weights["token"][tokens] + weights["position"][:count])
    for layer in range(shape.layers):
        of = {name: weights[f"layers.{layer}.{name}"] for name in ("query", "key", "value")}
        q, k, v = (by_head(functional.linear(norm(x), matrix)) for matrix in of.values())
        heads = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        together = heads.transpose(0, 1).reshape(count, width)
        x = x + functional.linear(together, weights[f"layers.{layer}.output"])
        hidden = functional.relu(functional.linear(norm(x), weights[f"layers.{layer}.expand"]))
        x = x + functional.linear(hidden, weights[f"layers.{layer}.contract"])
    return functional.linear(x, weights["logits"])


@pytest.mark.parametrize("layers", [1, 2])
def test_loss_and_gradients_are_pytorch_s_step_by_step(layers: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    documents = Documents(names(), 16)
    shape = Shape(27, layers=layers, width=8)
    model = GPT(shape, random.Random(1))
    tensors = {
        name: torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
        for name, numbers in model.state_dict().items()
    }
    steps = 8
    theirs = torch.optim.Adam(tensors.values(), lr=0.01, betas=(0.85, 0.99), eps=1e-8)
    decay = torch.optim.lr_scheduler.LambdaLR(theirs, lambda step: 1.0 - step / steps)
    ours = optimizer_of(model, steps)
    for tokens, following in zip(*documents.rows(steps), strict=True):
        loss = next_token_loss(model(tokens), following)
        ours.zero_grad()
        loss.backward()
        theirs.zero_grad()
        logits = torch_logits(torch, tensors, shape, tokens)
        of_torch = torch.nn.functional.cross_entropy(logits, torch.tensor(following))
        of_torch.backward()
        assert loss.data == pytest.approx(of_torch.item(), rel=1e-12)
        for name, tree in model.parameter_trees().items():
            gradients = [[getattr(weight, "grad", None) or 0.0 for weight in row] for row in tree]
            reference = tensors[name].grad
            difference = (torch.tensor(gradients, dtype=torch.float64) - reference).abs().max()
            assert difference <= 1e-12 * max(1.0, reference.abs().max())
        ours.step()
        theirs.step()
        decay.step()


# ---- engines -----------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["python", "native", "auto"])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_program_for_words_of_all_lengths_has_the_bits_of_the_loop(
    engine: str, layers: int
) -> None:
    if engine == "native":
        pytest.importorskip("llvmlite", reason="it makes the machine code")
    model, documents = tiny(WORDS, layers=layers)
    losses = train(model, documents, 8, ignored)
    compiled, _ = tiny(WORDS, layers=layers)
    told: list[float] = []
    found, used = train_compiled(compiled, documents, 8, engine, told.insert)
    assert used in (engine, "native", "python")
    assert all_bits(told) == all_bits(losses)
    assert all_bits(found) == all_bits(losses)
    assert all_bits(numbers(compiled)) == all_bits(numbers(model))
    samples = [
        new_words(each.state_dict(), each.shape, documents.alphabet, 0.5, random.Random(3))
        for each in (model, compiled)
    ]
    assert [next(samples[0]) for _ in range(5)] == [next(samples[1]) for _ in range(5)]


@pytest.mark.parametrize("engine", ["python", "native"])
def test_a_program_tells_of_its_steps_while_it_trains(engine: str) -> None:
    """The first is told when it is made: the weights are those after one step of the loop."""
    if engine == "native":
        pytest.importorskip("llvmlite", reason="it makes the machine code")
    after_step: list[list[list[float]]] = [[], []]
    for each, training in zip(after_step, ("loop", "program"), strict=True):
        model, documents = tiny(WORDS)

        def keep(_step: int, _loss: float, model: GPT = model, each: Any = each) -> None:
            each.append(numbers(model))

        if training == "loop":
            train(model, documents, 8, keep)
        else:
            train_compiled(model, documents, 8, engine, keep)
    loop, program = after_step
    assert len(program) == len(loop) == 8
    assert all_bits(program[0]) == all_bits(loop[0]) != all_bits(loop[-1])
    assert all_bits(program[-1]) == all_bits(loop[-1])


def ignored(_step: int, _loss: float) -> None:
    """What is done after a step: nothing."""


def numbers(model: nn.Module) -> list[float]:
    return [weight.data for weight in model.parameters()]


def test_on_floats_the_functions_give_the_numbers_of_the_graph() -> None:
    model, documents = tiny(WORDS)
    tokens = [documents.alphabet.boundary, *documents.alphabet.tokens("abba")]
    past = [Past()]
    floats = [
        next_token_logits(model.state_dict(), model.shape, token, position, past)
        for position, token in enumerate(tokens)
    ]
    values = [[score.data for score in scores] for scores in model(tokens)]
    assert floats == values


# ---- words -------------------------------------------------------------------------------------


def test_the_names_are_all_there_and_of_letters_alone() -> None:
    words = read_documents(NAMES)
    assert len(words) == len(set(words)) == 5163
    assert set("".join(words)) == set("abcdefghijklmnopqrstuvwxyz")


def test_a_word_longer_than_the_context_is_cut() -> None:
    documents = Documents(["abcdef"], context=3)
    assert documents.rows(1) == ([[6, 0, 1]], [[0, 1, 2]])
    assert documents.rows(1, padded=True) == documents.rows(1)


def test_what_no_word_has_is_told() -> None:
    with pytest.raises(DocumentsError, match="'axa' has 'x', which no word of the text has"):
        Alphabet("abc").tokens("axa")


def test_a_word_without_letters_is_printed_as_empty_and_is_no_new_word() -> None:
    assert sample_lines(["ada", "", "adam", "ada"], WORDS) == ["ada", "(empty)", "adam *", "ada"]


def test_attention_is_causal_and_its_shares_sum_to_1() -> None:
    model, documents = tiny(WORDS, layers=2)
    found = attention_of(model.state_dict(), model.shape, documents.alphabet, "decade")
    assert len(found) == 2
    for heads in found:
        assert len(heads) == 2
        for rows in heads:
            # Position k attends to itself and to those before; the word is cut to the context.
            assert [len(row) for row in rows] == [1, 2, 3, 4, 5, 6]
            assert all(sum(row) == pytest.approx(1.0, abs=1e-12) for row in rows)


def test_a_low_temperature_takes_the_likeliest_letter() -> None:
    model, documents = tiny(WORDS, seed=5)
    weights = model.state_dict()
    words = new_words(weights, model.shape, documents.alphabet, 1e-9, random.Random(0))
    past, token, expected = [Past()], documents.alphabet.boundary, ""
    for position in range(model.shape.context):
        scores = next_token_logits(weights, model.shape, token, position, past)
        token = scores.index(max(scores))
        if token == documents.alphabet.boundary:
            break
        expected += documents.alphabet.letters[token]
    assert [next(words) for _ in range(3)] == [expected] * 3


# ---- looked at from inside ---------------------------------------------------------------------

PROGRAM = """\
import random
from autodiff import record_source
from demos.gpt.documents import Documents
from demos.gpt.model import GPT, Shape, next_token_loss

words = Documents(["ab"], context=4)
model = GPT(Shape(tokens=3, context=4, width=4, heads=2), random.Random(1))
tokens, following = words.rows(1)
with record_source():
    loss = next_token_loss(model(tokens[0]), following[0])
loss.backward()
"""


def test_in_pdb_one_walks_back_through_the_model_itself(tmp_path: Path) -> None:
    attention, line = line_of(head, "attention = softmax(scores)")
    _, line_before = line_of(head, "scores = ")
    check_session(
        PROGRAM,
        tmp_path,
        ("b 11", "Breakpoint 1"),
        ("c", "train.py <module>: loss.backward()"),
        (f"b {inspect.getsourcefile(head)}:{attention}", "Breakpoint 2"),
        # Two heads at each of three positions, the last first: the boundary, a and b.
        ("c", f"model.py head: {line}"),
        ("p visit, len(d_attention)", "('6 of 6', 3)"),
        ("n", f"model.py head: {line_before}"),
        ("p len(d_scores), abs(sum(d_scores)) < 1e-15", "(3, True)"),  # a shift changes no softmax
        ("c", f"model.py head: {line}"),
        ("p visit", "'5 of 6'"),
    )


def test_demos_step_goes_through_every_step_of_it(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, "-m", "demos.step", "--plain", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.splitlines()
    count = int(first.split()[1])
    assert any(line.startswith(f"{count}  d loss/d ") for line in lines)
    told = lines[lines.index("gradients of the variables:") + 1 :]
    gradients = {name: number for name, number, *more in map(str.split, told) if not more}
    model, documents = tiny(["ab"], seed=1, width=4, heads=2, context=4)
    (tokens,), (following,) = documents.rows(1)
    next_token_loss(model(tokens), following).backward()
    expected = {
        name: f"{parameter.grad + 0.0:.6g}"
        for name, parameter in model.named_parameters()
        if parameter.has_grad and parameter.grad
    }
    assert len(expected) > 100
    assert expected.items() <= gradients.items()


# ---- the command -------------------------------------------------------------------------------


SMALLER = ["--width", "2", "--heads", "1", "--context", "3", "--word", "d"]


def small(tmp_path: Path, *arguments: str) -> list[str]:
    text = tmp_path / "words.txt"
    text.write_text("\n".join(WORDS), encoding="utf-8")
    size = ["--width", "4", "--heads", "2", "--context", "6", "--text", str(text)]
    return [*size, "--out", str(tmp_path), *arguments]


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no folder be set for machine code, and forget the one that the command sets."""
    monkeypatch.setenv(CACHE_SETTING, "")
    monkeypatch.delenv(CACHE_SETTING)


@pytest.mark.thorough
@pytest.mark.usefixtures("no_cache")
@pytest.mark.parametrize("engine", ["auto", "eager"])
def test_the_command_trains_makes_words_and_writes_what_it_says(
    tmp_path: Path, engine: str
) -> None:
    done = called(main, *small(tmp_path, "--steps", "110", "--engine", engine, "--word", "ab"))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    # Three tables of 6 rows, four matrices of 4 by 4, and two of 4 by 16.
    assert lines[0] == f"6 words of 5 letters; {3 * 6 * 4 + 4 * 4 * 4 + 2 * 4 * 16} weights"
    assert ("Compiling a step of training ..." in lines) is (engine != "eager")
    losses = [float(line.rpartition(" ")[2]) for line in lines if line.startswith("Step ")]
    # A word of 5 letters and the boundary, of which nothing is known yet; and after 100 steps.
    assert losses[0] == pytest.approx(math.log(6), abs=0.1)
    assert losses[1] < losses[0]
    samples = [line.removeprefix("  ") for line in lines if line.startswith("  ")]
    assert len(samples) == 20
    old = [*WORDS, "(empty)"]
    assert all((word.removesuffix(" *") in old) is not word.endswith("*") for word in samples)
    new = sum(word.endswith("*") for word in samples)
    assert f"{new} of 20 are not in the list." in lines
    written = lines[-1].removeprefix("Wrote ").split(", ")
    names = ["gpt_weights.json", "gpt_loss.png", "gpt_attention.png", "gpt_graph.svg"]
    assert [Path(path).name for path in written] == names
    assert all(Path(path).stat().st_size > 1000 for path in written)
    graph = (tmp_path / "gpt_graph.svg").read_text(encoding="utf-8")
    assert all(name in graph for name in ("embedding", "attended", "thought", "linear"))


@pytest.mark.usefixtures("no_cache")
def test_a_second_run_finds_the_machine_code_of_the_first_beside_its_results(
    tmp_path: Path,
) -> None:
    pytest.importorskip("llvmlite", reason="it makes the machine code")
    arguments = small(tmp_path, "--steps", "9", "--engine", "native", *SMALLER)
    outputs, stored = [], []
    for _ in range(2):  # each in a process of its own, which remembers nothing
        command = [sys.executable, "-m", "demos.gpt", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        outputs.append([line for line in lines if not line.startswith("Trained")])
        folder = tmp_path / "gpt_cache"
        stored.append({path: path.stat().st_mtime_ns for path in folder.iterdir()})
    assert outputs[0] == outputs[1]
    assert stored[0] == stored[1] != {}


def test_machine_code_is_kept_in_the_folder_that_the_user_has_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("llvmlite", reason="it makes the machine code")
    monkeypatch.setenv(CACHE_SETTING, str(tmp_path / "named"))
    arguments = small(tmp_path, "--steps", "9", "--engine", "native", *SMALLER)
    assert called(main, *arguments).returncode == 0
    assert list((tmp_path / "named").iterdir())
    assert not (tmp_path / "gpt_cache").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--heads", "3"), "3 heads cannot share a width of 4"),
        (("--word", "zoe"), "'zoe' has 'o', 'z', which no word of the text has"),
        (("--text", "{empty}"), "has no words: write one on each line"),
        (("--text", "{binary}"), "is no text in UTF-8"),
        (("--text", "{missing}"), "there is no file {missing}: name a text file, with a word on"),
        (
            ("--text", "{folder}"),
            "{folder} is a folder: name a text file, with a word on each line",
        ),
        (("--temperature", "0"), "0 is not a finite number above 0"),
        (("--width", "0"), "0 is below 1"),
    ],
)
def test_bad_input_is_told_before_training(
    tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    paths = {name: tmp_path / name for name in ("empty", "binary", "missing", "folder")}
    paths["folder"].mkdir()
    paths["empty"].write_text("\n \n", encoding="utf-8")
    paths["binary"].write_bytes(b"\xff\xfe\x00")
    done = called(main, *small(tmp_path, *[each.format(**paths) for each in arguments]))
    assert done.returncode == 2
    assert told.format(**paths) in " ".join(done.stderr.split())
    assert "Errno" not in done.stderr
    assert "Step" not in done.stdout
