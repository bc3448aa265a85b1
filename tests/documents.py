"""The project's documents: their blocks of code, and how each kind of block is run.

A document is read from top to bottom.  What follows a program is what the program prints:

==================  ==================================================================
``python``          runs in the document's namespace, in a fresh folder, and prints what
                    stands beside its ``print`` lines or in the block that follows;
                    with ``>>>``, as in a docstring
``pdb``             a session with the program before it: ``$ command``, then what is
                    typed and shown; that program is saved and runs as a process
``sh``              each command works from a fresh clone
``text``            what the program or the first command before it prints; a line
                    ``...`` is any lines
``mermaid``         the same, as a picture
``text files``      a list of files that are there
``json``            is JSON
==================  ==================================================================

A block of another kind is an error, so nothing stands in a document that no test has run.
"""

from __future__ import annotations

import configparser
import contextlib
import doctest
import importlib.util
import io
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
PATHS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
PROMPT = "(Pdb) "

# In these documents every program is complete: it is saved as a file and runs as a process.
COMPLETE_PROGRAMS = ("debugging.md",)

# These sections say how to change the project: their blocks are carried out on a copy of it.
RECIPES = ("Adding an operation", "Adding a demo")

PRINTED_BESIDE = re.compile(r"^ *print\(.*\) +# (.*)$", re.MULTILINE)

# Two plots are compared by squares of so many pixels; of a channel's 255 levels.
PIXELS, MOST_DIFFERENCE = 16, 64
LOOKS = ("id", "class", "fill", "stroke", "stroke-width", "stroke-dasharray")  # of a drawing
FENCE = re.compile(r"^( *)```(.*)$")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code: the document, its line, the heading above it, its kind and its text."""

    path: Path
    line: int
    section: str
    kind: str
    text: str
    indent: str

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"

    def fenced(self, text: str) -> str:
        """Return the block as it stands in the document, with another text."""
        return textwrap.indent(f"```{self.kind}\n{text}```\n", self.indent)


@dataclass(frozen=True, slots=True)
class Document:
    """A document's blocks of code, and the rest of it."""

    path: Path
    blocks: tuple[Block, ...]
    prose: str

    def section(self, title: str) -> tuple[Block, ...]:
        """Return the blocks below a heading; raise LookupError if there are none."""
        found = tuple(block for block in self.blocks if block.section == title)
        if not found:
            raise LookupError(f"{self.path.name} has no code below the heading {title!r}")
        return found


def parse(path: Path, text: str | None = None) -> Document:
    """Return a document; raise ValueError if a block does not end."""
    lines = (path.read_text(encoding="utf-8") if text is None else text).splitlines(keepends=True)
    blocks, prose, section = [], [], ""
    numbered = iter(enumerate(lines, 1))
    for number, line in numbered:
        if fence := FENCE.match(line):
            indent, kind = fence.groups()
            code = []
            for _, inner in numbered:
                if inner.strip() == "```":
                    break
                code.append(inner.removeprefix(indent))
            else:
                raise ValueError(f"{path.name}:{number}: the block does not end")
            blocks.append(Block(path, number, section, kind.strip(), "".join(code), indent))
        else:
            if line.startswith("#"):
                section = line.lstrip("#").strip()
            prose.append(line)
    return Document(path, tuple(blocks), "".join(prose))


# ---- Running a document ---------------------------------------------------------------------


class Reading:
    """One reading of a document from top to bottom, in a folder of its own.

    With ``rewrite``, ``rewritten`` is the document with what was printed, and nothing is compared.
    """

    def __init__(self, document: Document, folder: Path, rewrite: bool = False) -> None:
        self.document = document
        self.folder = folder
        self.rewrite = rewrite
        self.rewritten = document.path.read_text(encoding="utf-8")
        self.namespace: dict[str, object] = {"__name__": "document"}
        self.printed: str | None = None

    def run(self) -> None:
        """Run or check every block that is no recipe's; raise AssertionError at the first fault."""
        blocks = [block for block in self.document.blocks if block.section not in RECIPES]
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            assert block.kind in KINDS, (
                f"{block}: no test runs a block of the kind {block.kind!r}; "
                f"there are {', '.join(KINDS)}"
            )
            before, self.printed = self.printed, None
            if block.kind == "python":
                self.run_program(block, following)
            elif block.kind == "sh":
                self.run_commands(block, following)
            elif block.kind in OUTPUTS:
                assert before is not None, f"{block}: no program and no command stands before it"
                self.compare(block, before)
            else:
                CHECKS[block.kind](block)

    def run_program(self, block: Block, following: Block | None) -> None:
        """Run a program; what it prints has to stand beside it or in the following block."""
        kind = following.kind if following else ""
        if following and kind == "pdb":
            self.printed = session(block.text, following.text, self.folder)
            return
        if block.text.startswith(">>>"):
            run_examples(block, self.namespace)
            return
        if block.path.name in COMPLETE_PROGRAMS:
            (self.folder / "train.py").write_text(block.text, encoding="utf-8")
            output = run_python(["train.py"], self.folder)
        else:
            output = run_in(self.namespace, block)
        if kind in OUTPUTS:
            self.printed = output
        else:
            beside = PRINTED_BESIDE.findall(block.text)
            assert output.splitlines() == beside, f"{block}: it prints what is not shown:\n{output}"

    def run_commands(self, block: Block, following: Block | None) -> None:
        """Check every command; run the first one if the following block shows its output."""
        found = commands(block.text)
        assert found, f"{block}: no command"
        for command in found:
            check_command(command)
        if following and following.kind == "text":
            self.printed = run_command(found[0], self.folder)

    def compare(self, block: Block, printed: str) -> None:
        """Compare what was printed with what the document shows, or note it."""
        printed = "".join(f"{line.rstrip()}\n" for line in printed.rstrip().splitlines())
        if "..." in block.text:
            matches = doctest.OutputChecker().check_output
            assert matches(block.text, printed, doctest.ELLIPSIS), f"{block}: it prints\n{printed}"
            return
        wanted, found = block.text.splitlines(), printed.splitlines()
        if block.kind == "pdb":
            if "-m pdb" in block.text and sys.version_info[:2] != (3, 11):
                return  # each Python's pdb says some things in other words
            wanted, found = comparable(wanted), comparable(found)
        if self.rewrite and wanted != found:
            self.rewritten = self.rewritten.replace(block.fenced(block.text), block.fenced(printed))
        else:
            assert wanted == found, f"{block}: it prints\n{printed}"


def run_in(namespace: dict[str, object], block: Block) -> str:
    """Run a block in a namespace and return what it prints; tracebacks show its own lines."""
    code = compile("\n" * block.line + block.text, str(block.path), "exec")
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(code, namespace)
    return output.getvalue()


def run_examples(block: Block, namespace: dict[str, object]) -> None:
    """Run a block that is written like a docstring's examples."""
    name, path = str(block), str(block.path)
    examples = doctest.DocTestParser().get_doctest(block.text, namespace, name, path, block.line)
    report = io.StringIO()
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(examples, out=report.write, clear_globs=False)
    assert not runner.failures, report.getvalue()
    namespace.update(examples.globs)


def run_python(
    arguments: list[str],
    folder: Path,
    typed: str = "",
    project: Path = ROOT,
    timeout: float = 120.0,
    **environment: str,
) -> str:
    """Run Python on a project in a folder, and return what it prints; it must not complain."""
    python_path = {"PYTHONPATH": str(project), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **python_path, **environment},
        input=typed,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
    assert not done.stderr, done.stderr
    assert done.returncode == 0, done.stdout
    return done.stdout


# ---- Sessions of the debugger ---------------------------------------------------------------


def session(code: str, shown: str, folder: Path) -> str:
    """Return what a terminal shows of the session that a ``pdb`` block shows, done with a program.

    The block's first line is the command, ``$ python train.py`` or ``$ python -m pdb train.py``.
    """
    first, *lines = shown.splitlines()
    prompt, python, *options, name = first.split()
    assert (prompt, python) == ("$", "python"), first
    typed = [line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT)]
    (folder / name).write_text(code, encoding="utf-8")
    # The debugger would read a file of the user's, .pdbrc, at home.
    output = run_python([*options, name], folder, "\n".join([*typed, ""]), HOME=str(folder))
    beginning, *answers = output.split(PROMPT)
    # What is typed is not in the output: only a terminal shows it.
    result = f"{first}\n{beginning}"
    for command, answer in zip(typed, answers, strict=True):
        result += f"{PROMPT}{command}\n{answer}"
    return result.replace(f"{folder.resolve()}{os.sep}", "")


def comparable(lines: list[str]) -> list[str]:
    """Return a session's lines without what changes from place to place and version to version."""
    lines = [line.replace(f"{ROOT}{os.sep}", "").replace(os.sep, "/") for line in lines]
    if "-m pdb" in lines[0]:
        return lines
    if sys.version_info >= (3, 13):
        # From there on breakpoint() stops at its own line, and not at the next.
        lines = [line for line in lines if not line.startswith(("> ", "-> "))]
    # The project's own lines move.
    return [re.sub(r"^(> autodiff/.*\.py)\(\d+\)", r"\1", line) for line in lines]


# ---- Commands of the shell ------------------------------------------------------------------


def commands(text: str) -> list[list[str]]:
    """Return the words of each command of a shell block, without comments.

    >>> commands('make xor  # the lab\\npip install ".[draw]"\\n')
    [['make', 'xor'], ['pip', 'install', '.[draw]']]
    """
    lines = text.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def check_command(words: list[str]) -> None:
    """Raise AssertionError unless a command works from a fresh clone, as far as a look can tell."""
    program, *arguments = words
    if program == "make":
        check_make(arguments)
    elif words[:2] == ["pip", "install"]:
        check_install(arguments[1:])
    elif words[:2] == ["python", "-m"]:
        check_module(*arguments[1:])
    elif program in ("pytest", "ruff", "mypy"):
        check_paths(arguments)
    else:
        raise AssertionError(f"no test knows the command {shlex.join(words)!r}")


def check_make(arguments: list[str]) -> None:
    """Check that the Makefile has the targets, and that a given ARGS is used and understood."""
    targets = [word for word in arguments if "=" not in word]
    variables = dict(word.split("=", 1) for word in arguments if "=" in word)
    assert variables.keys() <= {"ARGS", "PYTHON"}, arguments
    for target in targets:
        assert target in recipes(), f"the Makefile has no target {target!r}"
        if "ARGS" in variables:
            assert "$(ARGS)" in recipes()[target], f"make {target} takes no ARGS"
            check_command([*command_of(target), *shlex.split(variables["ARGS"])])


@cache
def recipes() -> dict[str, str]:
    """Return the recipe of each target of the Makefile that a person may ask for."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    found = dict(re.findall(r"^(\w+):.*\n((?:\t.*\n)*)", text, re.MULTILINE))
    assert found.keys() == set(phony.split()), ".PHONY does not list the Makefile's targets"
    return found


def command_of(target: str) -> list[str]:
    """Return the command that a target runs after installing, without make's variables."""
    (line,) = re.findall(r"^\t@\$\(BIN\) (-m .*?) ?\$\(ARGS\)$", recipes()[target], re.MULTILINE)
    return ["python", *line.split()]


def check_install(arguments: list[str]) -> None:
    """Check that pip is asked for the project, and that setup.cfg has the extras."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    (target,) = [word for word in arguments if word != "-e"]
    asked = re.fullmatch(r"\.(?:\[([\w,]+)\])?", target)
    assert asked, f"pip is asked for {target}, which is not this project"
    extras = set(asked[1].split(",")) if asked[1] else set()
    assert extras <= config["options.extras_require"].keys(), f"setup.cfg lacks one of {extras}"


def check_module(module: str, *arguments: str) -> None:
    """Check that ``python -m module`` can be run and knows the options."""
    found = importlib.util.find_spec(module)
    assert found is not None, f"there is no module {module}"
    if module.partition(".")[0] not in ("demos", "benchmarks", "tests"):
        check_paths(arguments)
        return
    if found.submodule_search_locations is not None:
        assert importlib.util.find_spec(f"{module}.__main__"), f"{module} has no __main__"
    else:
        source = Path(str(found.origin)).read_text(encoding="utf-8")
        assert 'if __name__ == "__main__":' in source, f"{module} does nothing when it is run"
    for option in arguments:
        if option.startswith("-"):
            found_in_help = re.search(rf"{re.escape(option)}\b", help_of(module))
            assert found_in_help, f"{module} has no {option}"


@cache
def help_of(module: str) -> str:
    """Return what ``python -m module --help`` prints."""
    return run_python(["-m", module, "--help"], ROOT)


def check_paths(arguments: Sequence[str]) -> None:
    """Check that every argument that looks like a path of the project is one."""
    for word in arguments:
        if "/" in word:
            made = word.startswith("build/")  # by another command
            assert made or (ROOT / word).exists(), f"there is no {word}"


def run_command(words: list[str], folder: Path) -> str:
    """Run a command of the project's in a folder, and return what it prints."""
    if words[0] == "make":
        words = command_of(words[1])
    assert words[:2] == ["python", "-m"], words
    return run_python(words[1:], folder)


def commands_in(prose: str) -> Iterator[list[str]]:
    """Yield the commands that a document names between backquotes in its sentences.

    >>> list(commands_in("Type `make xor` or `python -m demos.step`, not `make` or `x`."))
    [['make', 'xor'], ['python', '-m', 'demos.step']]
    """
    for code in re.findall(r"`([^`\n]+)`", prose):
        if re.match(r"(make|pip install|python -m|pytest|ruff|mypy) ", code):
            yield shlex.split(code)


# ---- Blocks that only say something ---------------------------------------------------------


def check_json(block: Block) -> None:
    """Check that a block is JSON."""
    json.loads(block.text)


def check_files(block: Block) -> None:
    """Check that a list of files is right: ``folder/`` or ``name.py, name.py``, then what it is.

    Indented lines are below the last folder that is not.
    """
    folder = ROOT
    for line in block.text.splitlines():
        if not line.strip():
            continue
        names, *_ = re.split(r"  +", line.strip())
        here = folder if line.startswith(" ") else ROOT
        for name in names.split(", "):
            path = here / name
            assert path.is_dir() if name.endswith("/") else path.is_file(), f"{block}: no {name}"
        if here is ROOT:
            folder = ROOT / names


def is_same_image(one: Path, other: Path) -> bool:
    """Return whether two images show the same, whichever Graphviz or matplotlib made them."""
    if one.suffix == ".svg":
        return content_of(one) == content_of(other)
    from PIL import Image, ImageChops

    pictures = [Image.open(path).convert("RGB") for path in (one, other)]
    if pictures[0].size != pictures[1].size:
        return False
    # What is left of the edges of lines and letters, drawn a little otherwise, is faint.
    small = [picture.reduce(PIXELS) for picture in pictures]
    channels = ImageChops.difference(*small).getextrema()
    return all(greatest <= MOST_DIFFERENCE for _, greatest in channels)


def content_of(svg: Path) -> list[str]:
    """Return all that a drawing says and the colours and lines of all its parts, sorted."""
    tree = ElementTree.parse(svg)
    return sorted(
        f"{element.tag} {[element.get(name) for name in LOOKS]} {(element.text or '').strip()}"
        for element in tree.iter()
    )


CHECKS: dict[str, Callable[[Block], None]] = {"json": check_json, "text files": check_files}
OUTPUTS = ("text", "mermaid", "pdb")
KINDS = ("python", "sh", *OUTPUTS, *CHECKS)
