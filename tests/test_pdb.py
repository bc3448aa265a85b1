"""Stepping a compiled program in Python's debugger, on every version of it.

That the docs show the session word for word, ``tests/test_documents.py`` checks.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from tests.documents import ROOT, parse, session

DOCUMENT = parse(ROOT / "docs" / "compile.md")


def test_a_debugger_shows_lines_names_and_numbers_of_forward_and_backward(tmp_path: Path) -> None:
    (shown,) = [block for block in DOCUMENT.blocks if block.kind == "pdb"]
    (script,) = [
        block.text
        for block, following in pairwise(DOCUMENT.blocks)
        if block.kind == "python" and following is shown
    ]
    seen = session(script, shown.text, tmp_path)
    # In this order, whatever the Python's pdb puts between.
    for part in (
        "-> program()",
        "<program for y 1>",
        "step()\n-> (w, x, b) = parameters\n",
        "# ---- forward",
        "-> v4 = w * x  # v4 = w * x\n",
        "-> z = v4 + b  # z = v4 + b\n",
        "-> y = tanh(z)  # y = tanh(z)\n",
        "(Pdb) p z, y\n(1.0, 0.7615941559557649)\n",
        "-> d_z = t8  # d y/d z = d y/d y × d y/d z\n",
        "-> d_w = x * d_v4  # d y/d w = d y/d v4 × d v4/d w\n",
        "(Pdb) p d_w\n0.8399486832280523\n",
    ):
        assert part in seen
        seen = seen.partition(part)[2]
