"""An HTML document that is whole in itself: it loads nothing, and only its own scripts can run."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autodiff.drawing.palette import DARK, LIGHT, LIT, ON_LIT, Palette

__all__ = ["document", "text_of"]


def text_of(file: Path) -> str:
    """Return the text of one of a page's parts."""
    return file.read_text(encoding="utf-8")


def document(
    frame: Path,
    title: str,
    graph: str,
    program: str,
    data: Mapping[str, Any],
    styles: Sequence[Path],
    scripts: Sequence[Path],
) -> str:
    """Return the document: a frame whose ``{{places}}`` are filled.

    ``graph`` is SVG, ``program`` JavaScript of the compiler, ``data`` what the scripts read as
    JSON; the scripts are one function, in their order.
    """
    executed = [within_script(program_script(program)), within_script(one_function(scripts))]
    parts = {
        "title": html.escape(title),
        "policy": content_policy(executed),
        "style": palette_rules() + "\n".join(map(text_of, styles)),
        "graph": graph,
        "data": within_script(json.dumps(data, allow_nan=False, separators=(",", ":"))),
        "program": executed[0],
        "script": executed[1],
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], text_of(frame))


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


def one_function(scripts: Sequence[Path]) -> str:
    """Return the scripts of a page in one function, so that no name is global."""
    parts = "\n".join(map(text_of, scripts))
    return f'(function () {{\n"use strict";\n{parts}\n}})();\n'


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
