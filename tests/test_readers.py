"""Every reader of what people bring: it takes it, or says what is wrong and changes nothing.

The input is good input with something changed (``tests/hostile.py``), so that it gets past the
first check.  ``tests/fuzz/readers.py`` looks for more, guided by coverage.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import pickle
import re
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import nn
from autodiff import Value, compile, draw, explain
from autodiff.ops import OPERATIONS, Operation
from autodiff.stepper.parts import shared
from autodiff.support.strict_json import json_of
from autodiff.value import constant
from demos import lab, moons, page, step, xor
from demos.live.assemble import FOLDER
from demos.sweep import command as sweep
from demos.sweep import store as store_file
from demos.sweep.report import markdown_report, runs_csv
from demos.sweep.settings import Configuration, Sweep
from demos.sweep.store import Store, StoreError
from demos.sweep.training import Batch, Run
from demos.worksheet import __main__ as worksheet
from demos.worksheet.answers import AnswersError, answers_text, parsed_answers
from demos.worksheet.grading import grade, report
from demos.worksheet.problems import make_problems
from tests.bits import all_bits
from tests.conftest import examples
from tests.engines import NODE, needs_node
from tests.hostile import TEXTS, changed, damaged, damaged_json, texts

# ---- JSON ----------------------------------------------------------------------------------


def test_a_minus_zero_keeps_its_sign_and_other_whole_numbers_their_digits() -> None:
    found = json_of(b"[-0, 0, -0.0, 123456789012345678901, -7]")
    assert all_bits(map(float, found)) == all_bits([-0.0, 0.0, -0.0, 123456789012345678901.0, -7.0])
    assert [type(number) for number in found] == [float, int, float, int, int]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": {"b": 1, "b": 1}}', '"b" is there twice'),
        (b'{"\\ud800": 1, "\\ud800": 2}', r'"\\ud800" is there twice'),
        (b"[NaN]", "NaN is not JSON"),
        (b"[1e400]", "1e400 is too large"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[1" + b"0" * 400 + b".5]", r"10{56}\.\.\. is too large"),
    ],
)
def test_json_that_others_read_in_their_own_way_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        json_of(content)


# ---- weights -------------------------------------------------------------------------------


def network(seed: int) -> nn.MLP:
    return nn.MLP(2, [2, 1], rng=seed)


GOOD_STATE = network(1).state_dict()
GOOD_WEIGHTS = json.dumps(
    {"format": "autodiff weights", "version": 1, "weights": GOOD_STATE}
).encode()


def taken_or_refused(model: nn.Module, read: Callable[[], object]) -> str:
    """Return the message of a refusal that changed nothing; '' if the model has new numbers."""
    before = [(p, p.data, p.grad, p.label, p.origin) for p in model.parameters()]
    try:
        read()
    except ValueError as error:
        after = [(p, p.data, p.grad, p.label, p.origin) for p in model.parameters()]
        assert [tuple(map(id, one)) for one in after] == [tuple(map(id, one)) for one in before]
        return str(error)
    return ""


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One path for all the examples of a property."""
    return tmp_path_factory.mktemp("readers") / "file"


@examples(200)
@given(damaged_json(GOOD_WEIGHTS))
@example(GOOD_WEIGHTS.replace(b'"version": 1', b'"version": ' + b"[" * 900 + b"]" * 900))
@example(GOOD_WEIGHTS.replace(b'"version": 1', b'"version": "' + b"x" * 9999 + b'"'))
@example(GOOD_WEIGHTS.replace(b'"version": 1', b'"version": true'))
@example(GOOD_WEIGHTS.replace(b'"weights": {', b'"weights": {"\\ud800\\n\\u001b[31m": 1, '))
@example(GOOD_WEIGHTS.replace(b'"weights": {', b'"weights": {"' + b"x" * 9999 + b'": 1, '))
def test_a_damaged_file_of_weights_is_named_and_changes_nothing(
    scratch: Path, content: bytes
) -> None:
    scratch.write_bytes(content)
    model = network(2)
    message = taken_or_refused(model, lambda: nn.load(model, scratch))
    if message:
        assert str(scratch) in message
        assert message.isprintable()
        assert len(message) < 1500 + len(str(scratch))
    else:
        # What another reader of JSON finds there; it may be in another shape of the same file.
        told = json.loads(content, parse_int=float)["weights"]
        assert all_bits(numbers_in(model.state_dict())) == all_bits(
            numbers_in({name: told[name] for name in GOOD_STATE})
        )


def numbers_in(tree: Any) -> list[float]:
    """Return the numbers of nested lists and dictionaries, in order."""
    if isinstance(tree, (dict, list)):
        return [
            n
            for part in (tree.values() if isinstance(tree, dict) else tree)
            for n in numbers_in(part)
        ]
    return [float(tree)]


BIAS = b'"output.bias": ['


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (b'"output.bias": [true], "ignored": [', r"weights\.json: true and false are no weights"),
        (b'"output.bias": [false], "ignored": [', r"weights\.json: true and false are no weights"),
        (b'"output.bias": [9.0], "output.bias": [', r'"output\.bias" is there twice'),
    ],
)
def test_an_entry_that_is_no_number_or_there_twice_is_refused(
    tmp_path: Path, change: bytes, message: str
) -> None:
    path = tmp_path / "weights.json"
    assert BIAS in GOOD_WEIGHTS
    path.write_bytes(GOOD_WEIGHTS.replace(BIAS, change))
    with pytest.raises(ValueError, match=message):
        nn.load(network(2), path)


def deep_list(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


@examples(150)
@given(changed(GOOD_STATE))
def test_a_damaged_state_dict_changes_nothing(state: Any) -> None:
    model = network(2)
    if not isinstance(state, dict):
        with pytest.raises(TypeError, match="needs a dict"):
            model.load_state_dict(state)
        return
    message = taken_or_refused(model, lambda: model.load_state_dict(state))
    assert not message or message.startswith("state dict does not fit the MLP: ")
    if not message:
        assert all_bits(numbers_in(model.state_dict())) == all_bits(
            numbers_in({name: state[name] for name in GOOD_STATE})
        )


@pytest.mark.parametrize(
    ("bias", "message"),
    [
        (
            [deep_list(100_000)],
            r"output\.bias\[0\] needs a real number, but got the list \(too large",
        ),
        (deep_list(3000)[0] * 2, r"output\.bias needs a list of 1, but got one of 2"),
        (10**5000, r"output\.bias needs a list of 1, but got the int \(too large to show\)"),
        ([10**5000], r"output\.bias\[0\] got an int that is too large for a float"),
    ],
    ids=["a deep list for a number", "deep lists", "a long int", "a long int for a number"],
)
def test_a_number_that_cannot_be_shown_is_refused_by_its_place(bias: Any, message: str) -> None:
    model = network(2)
    state = {**GOOD_STATE, "output.bias": bias, 7: [1.0], ("a",): None}
    told = taken_or_refused(model, lambda: model.load_state_dict(state))
    assert re.search(message, told)
    assert "7 is unknown; ('a',) is unknown" in told


# ---- the lab -------------------------------------------------------------------------------

LAB_FILE = Path(lab.__file__).with_name("lab.json")


@examples(100)
@given(damaged_json(LAB_FILE.read_bytes()))
def test_a_damaged_lab_is_named(scratch: Path, content: bytes) -> None:
    scratch.write_bytes(content)
    try:
        found = lab.read_lab(scratch)
    except ValueError as error:
        assert f"{scratch} does not describe the lab: " in str(error)  # noqa: PT017
    else:
        assert numbers_in([found.x, found.y, found.losses, found.learning_rate])


# ---- worksheets ----------------------------------------------------------------------------


@cache
def answers(level: int, filled: bool) -> bytes:
    """Return a file of answers of a sheet of one problem."""
    return answers_text(7, level, make_problems(7, level, 1), filled).encode()


damaged_answers = st.builds(answers, st.sampled_from((1, 2, 3)), st.booleans()).flatmap(
    damaged_json
)


@examples(150)
@given(damaged_answers)
def test_damaged_answers_are_graded_or_refused_with_a_short_message(content: bytes) -> None:
    try:
        answers = parsed_answers(content)
    except AnswersError as error:
        assert str(error).isprintable()  # noqa: PT017
        assert len(str(error)) < 400  # noqa: PT017
    else:
        text = report(answers)
        assert f"{sum(one.mark == 'right' for one in grade(answers))} of " in text


@examples(40)
@given(damaged_answers)
def test_the_command_grades_damaged_answers_or_says_what_is_wrong(
    scratch: Path, content: bytes
) -> None:
    scratch.write_bytes(content)
    code, output, errors = called(worksheet.main, ["--check", str(scratch)])
    assert scratch.read_bytes() == content
    if code == 2:
        assert output == ""
        assert errors.startswith(f"error: {scratch}: ")
    else:
        assert code in (0, 1)
        assert errors == ""


# ---- command lines -------------------------------------------------------------------------


def called(
    main: Callable[[Sequence[str]], object], arguments: Sequence[str]
) -> tuple[Any, str, str]:
    """Return a command's exit code, or what it returned, and what it wrote."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            code = main(arguments)
        except SystemExit as exit:
            code = exit.code
    return code, output.getvalue(), errors.getvalue()


PARSERS: dict[str, Callable[[Sequence[str]], object]] = {
    "xor": xor.parse_arguments,
    "moons": moons.parse_arguments,
    "sweep": sweep.parse_arguments,
    "worksheet": worksheet.parse_arguments,
    "step": step.parse_arguments,
}
# A real command line has no null character.
WORDS = [
    *("--epochs", "--lr", "--init", "--seed", "--engine", "--curve-epochs", "--animate", "--seeds"),
    *("--activations", "--losses", "--learning-rates", "--workers", "--scheduler", "--by", "--out"),
    *("--level", "--problems", "--names", "--table", "--check", "--row", "--plain"),
    *("--", "-", "--x"),
    *("0", "1", "7", "-1", "1e3", "nan", "inf", "1_0", "٣", "9" * 30, "9" * 5000, "0x10"),
    *("lab", "uniform", "eager", "python", "native", "auto", "tanh", "mse", "activation", "loss"),
    *("tcp://host:8786", "tcp://\u2028:1", "@file", "=", "%s", "%(prog)s", "{x}", "a b"),
]
words = st.sampled_from(WORDS) | texts.filter(lambda text: "\0" not in text and "/" not in text)


@pytest.mark.parametrize("name", PARSERS)
@examples(40)
@given(arguments=st.lists(words, max_size=6))
@example(arguments=["--out", "x" * 300])
@example(arguments=["--out", "x" * 250])
@example(arguments=["--epochs", "9" * 30])
@example(arguments=["--seeds", "9" * 30])
def test_a_command_line_is_parsed_or_refused_with_the_usage(
    tmp_path_factory: pytest.TempPathFactory, name: str, arguments: list[str]
) -> None:
    with contextlib.chdir(tmp_path_factory.getbasetemp()):
        code, output, errors = called(PARSERS[name], arguments)
    if code == 2:
        assert output == ""
        assert errors.startswith(f"usage: python -m demos.{name}")
        assert f"demos.{name}: error: " in errors
    else:
        assert errors == ""
        assert type(code).__name__ == "Namespace"


LONG_NAME = "the file's name has more than 200 bytes"


@pytest.mark.parametrize(
    ("main", "arguments", "message"),
    [
        (sweep.main, ["--out", ".", "--seeds", "9" * 30], "argument --seeds: 999,"),
        (sweep.main, ["--out", ".", "--epochs", "9" * 30], "argument --epochs: 999,"),
        (
            page.main,
            ["--out", ".", "--hidden", "9" * 30],
            "is too many: a page shows at most 200 nodes",
        ),
        (worksheet.main, ["--out", "x" * 201 + ".html"], LONG_NAME),
        (worksheet.main, ["--out", "x" * 300 + ".html"], LONG_NAME),
    ],
)
def test_a_command_that_asks_for_too_much_is_refused_and_makes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    main: Callable[[Sequence[str]], object],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, errors = called(main, arguments)
    assert code == 2
    assert message in errors
    assert list(tmp_path.iterdir()) == []


def test_a_step_files_name_that_is_too_long_is_no_file() -> None:
    code, _, _ = called(step.main, ["x" * 5000])
    assert str(code).startswith("demos.step: there is no file ")


# ---- the sweep's results -------------------------------------------------------------------

ONE = Configuration("tanh", "mse", "uniform", 0.1)
SWEEP = Sweep(("tanh",), ("mse",), ("uniform",), (0.1,), epochs=3, seeds=20)
BATCH = Batch(ONE, [Run(seed, seed % 3 or None, 4, [0.5, None, 0.1]) for seed in range(20)], 0.1)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file with the results of a sweep."""
    path = tmp_path_factory.mktemp("sweep") / "sweep.sqlite"
    with Store(path) as store:
        store.add(BATCH, 3)
    return path.read_bytes()


def test_a_damaged_file_is_not_mended_on_the_way_to_its_refusal(
    scratch: Path, results: bytes
) -> None:
    content = bytearray(results)
    content[content.index(b"null")] = 0xEE
    content[28:32] = bytes(4)  # the number of pages, which SQLite counts anew and writes
    scratch.write_bytes(content)
    with Store(scratch) as store, pytest.raises(StoreError, match="is damaged"):
        list(store.runs(ONE, 3, 20))
    assert scratch.read_bytes() == bytes(content)


@examples(150)
@given(data=st.data())
def test_a_damaged_file_of_results_is_named(
    scratch: Path, results: bytes, data: st.DataObject
) -> None:
    content = data.draw(damaged(results))
    scratch.write_bytes(content)
    try:
        with patch.object(store_file, "SECONDS_TO_WAIT", 0.05), Store(scratch) as store:
            seeds = store.seeds(ONE, 3)
            runs = list(store.runs(ONE, 3, 20))
            assert markdown_report(SWEEP, store)
            assert runs_csv(SWEEP, store)
    except StoreError as error:
        assert str(scratch) in str(error)  # noqa: PT017
        if content:  # what is refused is left as it is
            assert scratch.read_bytes() == content
    else:
        assert {run.seed for run in runs} <= seeds


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE runs SET losses = '[0.5, 0.5]' WHERE seed = 7", "seed 7 is no run of 3 epochs"),
        ("UPDATE runs SET losses = '[1, 2, \"3\"]'", "seed 0 is no run of 3 epochs"),
        ("UPDATE runs SET losses = x'ff'", "is damaged: 'utf-8' codec"),
        ("UPDATE runs SET losses = 'no list'", "is damaged: Expecting value"),
        ("UPDATE runs SET losses = 0", "seed 0 is no run"),
        ("UPDATE runs SET correct = 5", "seed 0 is no run"),
        ("UPDATE runs SET solved_epoch = 'one'", "seed 0 is no run"),
        ("DROP TABLE runs", "is damaged: no such table: runs"),
        ("ALTER TABLE runs DROP COLUMN losses", "is damaged: no such column: losses"),
    ],
)
def test_results_that_another_program_changed_are_refused(
    tmp_path: Path, results: bytes, change: str, reason: str
) -> None:
    path = tmp_path / "sweep.sqlite"
    path.write_bytes(results)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(change)
    connection.close()
    with Store(path) as store, pytest.raises(StoreError, match=reason) as caught:
        list(store.runs(ONE, 3, 20))
    assert f"{path} is damaged: " in str(caught.value)


# ---- pickles -------------------------------------------------------------------------------


def test_a_pickle_with_an_operation_of_another_version_says_so() -> None:
    content = pickle.dumps(Value(2.0).tanh(), protocol=0).replace(b"tanh", b"erfc")
    with pytest.raises(pickle.UnpicklingError, match="has an operation 'erfc', which"):
        pickle.loads(content)


def double(x: Any) -> Any:
    return 2.0 * x


def double_partials(out: Any, x: Any) -> tuple[Any]:
    return (2.0,)


@pytest.mark.parametrize("name", ["double", "mul"])
def test_an_operation_of_ones_own_is_copied_but_not_pickled_by_a_name_that_means_another(
    name: str,
) -> None:
    own = Operation(name, name, 1, double, double_partials)
    node = Value.make_node(own, Value(3.0))
    with pytest.raises(pickle.PicklingError, match=f"cannot pickle the operation '{name}'"):
        pickle.dumps(node)
    copied = copy.deepcopy(node)
    assert copied.op is own
    assert copy.copy(own) is own
    copied.backward()
    assert copied.parents[0].grad == 2.0
    assert not node.parents[0].has_grad


def test_an_operation_added_to_the_table_is_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Operation("double", "double", 1, double, double_partials)
    monkeypatch.setitem(OPERATIONS, "double", own)
    assert pickle.loads(pickle.dumps(Value.make_node(own, Value(3.0)))).op is own


# ---- labels --------------------------------------------------------------------------------


class Elements(HTMLParser):
    """The elements of a page, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, _attributes: Any) -> None:
        self.found.append(tag)


class Shown:
    """A graph with these four labels, wherever it is shown."""

    def __init__(self, labels: Sequence[str]) -> None:
        a, b = Value(2.0, labels[0]), Value(3.0, labels[1])
        root = (a * b + constant(1.0, labels[2])).sin()
        root.label = labels[3]
        root.backward()
        boxes = (drawing := draw(root, edges=True, style="boxes", precision=4)).picture.boxes
        # Long names take several lines, which refer to each other.
        self.nodes = [box.id for box in boxes if box.kind != "reference"]
        self.has_references = len(self.nodes) < len(boxes)
        self.mermaid = drawing.mermaid()
        self.elements = Elements(explain(a, root)._repr_html_()).found
        self.program = compile(root)


plainly_shown = cache(Shown)


@pytest.mark.thorough
@examples(60)
@given(labels=st.lists(texts, min_size=4, max_size=4))
@example(labels=TEXTS[:4])
@example(labels=["</script><script>", "*/ x", "\\\n", '"""'])
def test_hostile_labels_are_text_wherever_they_are_shown(labels: list[str]) -> None:
    # Where there is no label, explain says how to give one.
    plain = plainly_shown(tuple(label and "abcd"[k] for k, label in enumerate(labels)))
    hostile = Shown(labels)
    assert hostile.nodes == plain.nodes
    # No line more in a format of lines, but those of references.
    if not (hostile.has_references or plain.has_references):
        assert hostile.mermaid.count("\n") == plain.mermaid.count("\n")
    assert hostile.elements == plain.elements
    program = hostile.program
    assert program() == plain.program()
    for source in (program.source, program.to_c(), program.to_javascript()):
        assert all(line.isprintable() for line in source.splitlines())
        assert source.encode()


# ---- the live page's address ---------------------------------------------------------------

HASHES = st.lists(
    st.one_of(
        st.builds(
            "{}={}".format,
            st.sampled_from(
                [
                    *("seed", "epoch", "lr", "row", "step", "edits", "", "x", "__proto__"),
                    *("point", "box", "shows", "scale", "layer", "scene"),
                ]
            ),
            st.one_of(
                st.sampled_from(
                    [
                        *("0", "1", "4", "5", "200", "-1", "1e3", "1.5", "٣", "9" * 15, "9" * 16),
                        *("0.2,0.7", "1e7,0", "1,2,3", "log", "forward", "67", "68"),
                        *("1000000", "1000001", "99999", "100000", "NaN", "Infinity", "−0.5"),
                        *("300:lr:0:0.2", "420:w:3:1.25", "1:x:0:-0", "1:w:17:1", "1:w:0:1e7"),
                        *("0:lr:0:0", "1:lr:0:-1", "1:W:0:1", "1:w:0:1e-999", "1:w:0:", "5=6"),
                        ",".join(f"{place}:w:0:1" for place in range(250)),
                    ]
                ),
                texts,
            ),
        ),
        texts,
    ),
    max_size=6,
).map("&".join)

# What the page defines around address.js: the lab's network and data.
BROWSER = """
const MOST_EPOCHS = 1000000;
const FIRST_ROW = 1, nodeCount = 67, layerSteps = new Array(8);
const data = {
  draws: true, rows: [[0, 0], [0, 1], [1, 0], [1, 1]], weights: new Array(17), state: new Array(18),
  domain: [-0.5, 1.5, -0.5, 1.5], outputs: [1], neurons: [2, 3, 4, 5], asked: null,
};
const addressOfNetwork = () => "", sceneCalled = (key) => (key === "forward" ? { key } : null);
"""

ANSWER = """
const found = JSON.parse(require("fs").readFileSync(0, "utf8")).map((hash) => {
  const { state, ignored } = stateFrom(hash);
  const { hash: address, lost } = addressOf(state);
  return { state, ignored, address, lost, again: stateFrom(address) };
});
console.log(JSON.stringify(found));
"""


@needs_node
@examples(12)
@given(hashes=st.lists(HASHES, min_size=1, max_size=60))
@example(
    hashes=["&".join(["lr=0.5"] * 1000), "#" + "x" * 8001, "#", "", "##seed=1", "seed=1&seed=2"]
)
def test_an_address_gives_a_state_that_the_page_can_show_and_write_again(
    hashes: list[str],
) -> None:
    source = "\n".join(
        [
            BROWSER,
            *[
                file.read_text(encoding="utf-8")
                for file in [*shared("numbers.js"), FOLDER / "address.js"]
            ],
            ANSWER,
        ]
    )
    run = subprocess.run(
        [str(NODE), "-e", source],
        input=json.dumps(hashes),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    for hash, found in zip(hashes, json.loads(run.stdout), strict=True):
        state = found["state"]
        assert state["seed"] is None or 0 <= state["seed"] < 10**15
        assert 0 <= state["epoch"] <= 1_000_000
        assert state["row"] in range(4)
        assert state["step"] is None or state["step"] in range(99_999)
        edits = state["edits"]
        assert len(edits) <= 200, hash[:100]
        assert [edit["epoch"] for edit in edits] == sorted(edit["epoch"] for edit in edits)
        for edit in edits:
            assert edit["kind"] in ("lr", "w", "x")
            assert edit["index"] in range({"lr": 1, "w": 17, "x": 8}[edit["kind"]])
            assert abs(edit["number"]) <= 1e6
            assert edit["kind"] != "lr" or edit["number"] > 0
        assert state["selected"] in range(68)
        assert state["output"] in range(5)
        assert state["point"] is None or all(abs(number) <= 1e6 for number in state["point"])
        assert not found["lost"]
        assert found["again"] == {"state": state, "ignored": []}
        assert set(found["address"]) <= set("#&=:,.+-abcdefghijklmnopqrstuvwxyz0123456789")
