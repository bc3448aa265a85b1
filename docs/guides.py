"""The guides as pages: Markdown as it is written for a repository, to HTML.

Headings get the addresses that a repository's pages give them, so that links into a document lead
there.  A link to another guide leads to its page; one to a file of the source, which the site does
not have, becomes plain text.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

__all__ = ["GUIDES", "Guide", "content_of", "copy_images", "slug"]

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Guide:
    """A document of the project: its path there, its page's name, and what it is about."""

    path: str
    name: str
    title: str
    about: str


GUIDES = (
    Guide("README.md", "start", "First steps", "a Value, a picture, a step, a network, a program"),
    Guide("docs/classroom.md", "classroom", "In a classroom", "labs, notebooks, worksheets"),
    Guide("docs/debugging.md", "debugging", "Looking inside", "steps, breakpoints, explanations"),
    Guide("docs/pictures.md", "pictures", "Pictures", "graphs to read, on a slide or in a file"),
    Guide("docs/nn.md", "nn", "Networks", "layers, losses and training, in PyTorch's terms"),
    Guide("docs/gpt.md", "gpt", "A GPT", "4,192 scalars that learn names"),
    Guide("docs/compile.md", "compile", "Programs", "Python, C, JavaScript and machine code"),
    Guide("docs/speed.md", "speed", "Speed", "what was measured, beside which peers"),
    Guide("CONTRIBUTING.md", "contributing", "Contributing", "how it is built, tested, extended"),
    Guide("docs/mutation.md", "mutation", "Mutants", "what no test notices, and why"),
    Guide("CHANGELOG.md", "changelog", "Changes", "version by version"),
)
PAGES = {guide.path: f"{guide.name}.html" for guide in GUIDES}
IMAGE = re.compile(r"\.(svg|png|gif)$")


def slug(heading: str) -> str:
    """Return a heading's address within its page, as a repository's pages have it.

    >>> slug("Backward, through `your` own lines: show")
    'backward-through-your-own-lines-show'
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def content_of(guide: Guide) -> str:
    """Return a guide as the HTML of a page's main part."""
    parser = MarkdownIt("commonmark", {"highlight": highlighted}).enable("table")
    tokens = parser.parse((ROOT / guide.path).read_text(encoding="utf-8"))
    folder = posixpath.dirname(guide.path)
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", slug(plain(tokens[place + 1])))
        redirect(token.children or [], folder)
    return reachable(str(parser.renderer.render(tokens, parser.options, {})))


def reachable(html: str) -> str:
    """Return HTML in which a keyboard reaches, and scrolls, what may be wider than the screen."""
    return (
        html.replace("<pre>", '<pre tabindex="0">')
        .replace("<table>", '<div class="wide" tabindex="0"><table>')
        .replace("</table>", "</table></div>")
    )


def plain(token: Token) -> str:
    """Return a heading's text."""
    return "".join(child.content for child in token.children or [])


def redirect(tokens: Sequence[Token], folder: str) -> None:
    """Let links and images lead to where they are on the site; take away those that it lacks."""
    lost = 0
    for token in tokens:
        if token.type == "link_open":
            target = redirected(str(token.attrGet("href")), folder)
            token.attrSet("href", target)
            if not target:
                token.type, token.tag, lost = "text", "", lost + 1
        elif token.type == "link_close" and lost:
            token.type, token.tag, lost = "text", "", lost - 1
        elif token.type == "image":
            token.attrSet("src", redirected(str(token.attrGet("src")), folder))


def redirected(target: str, folder: str) -> str:
    """Return where a link leads on the site; '' where it has no such page."""
    path, mark, place = target.partition("#")
    if not path or "://" in target:
        return target
    there = posixpath.normpath(posixpath.join(folder, path))
    if there in PAGES:
        return PAGES[there] + mark + place
    return f"images/{posixpath.basename(there)}" if IMAGE.search(there) else ""


def highlighted(code: str, language: str, _: str) -> str:
    """Return a block of code in colours, or '' to show it as it is."""
    try:
        lexer = get_lexer_by_name(language or "text")
    except ClassNotFound:
        return ""
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True)))


def copy_images(folder: Path) -> None:
    """Copy the guides' images into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for image in (ROOT / "docs" / "images").iterdir():
        shutil.copyfile(image, folder / image.name)
