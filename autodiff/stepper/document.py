"""An HTML document that is whole in itself: it loads nothing, and only its own scripts can run."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autodiff.drawing.palette import DARK, LIGHT, LIT, ON_LIT, Palette

__all__ = ["Page", "document", "joined"]

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Page:
    """The files that a page is made of; the scripts are one, in this order.

    ``html`` is what stands between head and scripts, which all pages have alike; so have they the
    keys of ``{{help}}``, and ``{{lesson}}`` where a graph is stepped through.  ``kind`` is what a
    browser's tab says behind the title.
    """

    html: Path
    sheets: Sequence[Path]
    scripts: Sequence[Path]
    kind: str = ""


def document(page: Page, title: str, program: str, data: Mapping[str, Any], **more: str) -> str:
    """Return the whole document, which loads nothing and in which no other script can run.

    ``program`` is JavaScript of the compiler, ``data`` what the page's script reads as JSON, and
    ``more`` has markup by the names that the page's file puts in braces.
    """
    scripts = [within_script(program_script(program)), within_script(page_script(page.scripts))]
    parts = {
        **more,
        "title": html.escape(title),
        "kind": html.escape(page.kind),
        "help": joined([FOLDER / "help.html"]),
        "lesson": joined([FOLDER / "lesson.html"]),
        "policy": content_policy(scripts),
        "style": palette_rules() + joined(page.sheets),
        "data": within_script(json.dumps(data, allow_nan=False, separators=(",", ":"))),
        "program": scripts[0],
        "script": scripts[1],
    }
    frame = "".join(map(joined, ([FOLDER / "head.html"], [page.html], [FOLDER / "foot.html"])))
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], frame)


def joined(files: Sequence[Path]) -> str:
    """Return the text of files, one behind the other."""
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def palette_rules() -> str:
    """Return the rules that give the style sheet the palette: light, or dark on request."""
    light, dark = declarations(LIGHT), declarations(DARK)
    return (
        f":root {{ {light} }}\n"
        "@media (prefers-color-scheme: dark) {\n"
        f'  :root:not([data-theme="light"]) {{ {dark} }}\n}}\n'
        f':root[data-theme="dark"] {{ {dark} }}\n'
    )


def declarations(palette: Palette) -> str:
    """Return the variables of a style sheet that hold a palette."""
    colours = {"lit": LIT, "on-lit": ON_LIT, "middle": palette.middle}
    colours.update({str(kind): colour for kind, colour in palette.boxes.items()})
    for sign, tones in (("plus", palette.positive), ("minus", palette.negative)):
        colours |= {sign: tones.strong, f"{sign}-tint": tones.tint, f"{sign}-field": tones.field}
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


def program_script(program: str) -> str:
    """Return the compiled program as one object, so that none of its functions is global."""
    return (
        "const program = (function () {\nconst module = { exports: {} };\n"
        f"{program}\nreturn module.exports;\n}})();\n"
    )


def page_script(files: Sequence[Path]) -> str:
    """Return the page's own script: its parts in one function, so that no name is global."""
    return f'(function () {{\n"use strict";\n{joined(files)}\n}})();\n'


def within_script(text: str) -> str:
    r"""Return text that ends no script element and begins no comment: a name may hold anything.

    >>> print(within_script("// </script> <!--"))
    // \u003c/script> \u003c!--
    """
    return re.sub(r"<(?=[/!]|script)", r"\\u003c", text, flags=re.IGNORECASE)


def content_policy(scripts: Sequence[str]) -> str:
    """Return the policy by which the browser runs these scripts alone and loads nothing."""
    allowed = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
