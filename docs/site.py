"""The documentation as one static site: a landing page, the guides, the reference.

``make docs``, or ``python -m docs.site FOLDER``, writes pages that open offline, by double-click.
``make site``, or ``--live``, adds what runs in a browser: the live pages, and the notebooks on
JupyterLite, which need a web server: ``python -m http.server --directory build/site``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template

from autodiff.support.extras import install
from autodiff.support.files import write_atomically

try:
    from docs.guides import GUIDES, content_of, copy_images
    from docs.reference import write_reference
except ModuleNotFoundError as missing:
    sys.exit(f"docs.site needs {missing.name}: {install('docs')}")
from docs.lab import build_lab, missing_for_lab
from docs.lesson import TITLE, save_lesson

__all__ = ["main", "write_docs", "write_live"]

TEMPLATES = Path(__file__).with_name("templates")
NAME = "autodiff"

# A live page's file, and the command that writes it; the first is written here.
LIVE = (
    ("lesson.html", (), TITLE, "step, nudge, predict: any graph has such a page"),
    ("xor.html", ("demos.page",), "XOR", "train, rewind, step through backprop"),
    ("moons.html", ("demos.page", "--data", "moons"), "Two moons", "drag a point, and train"),
    ("gpt.html", ("demos.gpt", "--page"), "A GPT on names", "train it, and look at its attention"),
)


def write_docs(folder: Path, live: Sequence[str] = ()) -> None:
    """Write the landing page, the guides and the reference; ``live`` is what else is there.

    Raises OSError if a file cannot be written.
    """
    guides = folder / "guides"
    copy_images(guides / "images")
    write_atomically(folder / "site.css", (TEMPLATES / "site.css").read_bytes())
    for guide in GUIDES:
        page = page_of(f"{guide.title} – {NAME}", content_of(guide), "../", guide.title)
        write_atomically(guides / f"{guide.name}.html", page)
    write_reference(folder / "reference")
    landing = template("landing.html").substitute(
        live="\n".join(live_section(live)),
        guides="\n".join(
            card(f"guides/{guide.name}.html", guide.title, guide.about) for guide in GUIDES
        ),
    )
    write_atomically(folder / "index.html", page_of(f"{NAME}: look inside", landing, "", ""))


def write_live(folder: Path, without_gpt: bool = False) -> list[str]:
    """Write the live pages and the notebooks; return which there are.

    Raises OSError if a file cannot be written, CalledProcessError if a part cannot be made.
    """
    pages = folder / "live"
    pages.mkdir(parents=True, exist_ok=True)
    written = []
    for file, command, *_ in LIVE:
        if file == "gpt.html" and without_gpt:
            continue
        if command:
            options = ("--out", str(pages))
            subprocess.run([sys.executable, "-m", *command, *options], check=True)
        else:
            save_lesson(pages / file)
        written.append(file)
    build_lab(folder / "lab", folder.with_name(f"{folder.name}-work"))
    return [*written, "lab"]


# ---- pages -------------------------------------------------------------------------------------


def template(name: str) -> Template:
    return Template((TEMPLATES / name).read_text(encoding="utf-8"))


def page_of(title: str, content: str, root: str, current: str) -> str:
    """Return a whole page; ``root`` leads from it to the landing page."""
    links = [
        link(f"{root}guides/{guide.name}.html", guide.title, guide.title == current)
        for guide in GUIDES[:4]
    ]
    links.append(link(f"{root}index.html#guides", "All guides"))
    links.append(link(f"{root}reference/index.html", "Reference"))
    return template("page.html").substitute(
        title=escape(title), root=root, navigation=" · ".join(links), content=content
    )


def link(target: str, text: str, current: bool = False) -> str:
    here = ' aria-current="page"' if current else ""
    return f'<a href="{target}"{here}>{escape(text)}</a>'


def card(target: str, title: str, about: str) -> str:
    return f'<li><a href="{target}"><b>{escape(title)}</b> {escape(about)}</a></li>'


def live_section(there: Sequence[str]) -> Iterable[str]:
    """Yield the part of the landing page about what runs in the browser."""
    if not there:
        return
    yield '<h2 id="live">In this browser, without installing</h2>\n<ul class="cards">'
    if "lab" in there:
        first = "lab/notebooks/index.html?path=1_your_own_value.ipynb"
        about = "six notebooks: write your own Value; end with the attention of a GPT"
        yield card(first, "The course", about)
        yield card("lab/lab/index.html", "The lab", "JupyterLab with all notebooks, to try things")
    for file, _, title, about in LIVE:
        if file in there:
            yield card(f"live/{file}", title, about)
    yield "</ul>"
    if "lab" in there:
        yield (
            '<p class="quiet">The notebooks run in this very browser; Python takes some seconds to '
            "start, and what you write is kept in it.</p>"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the site, and print where to begin."""
    parser = argparse.ArgumentParser(prog="python -m docs.site", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--live", action="store_true", help="add what runs in a browser")
    parser.add_argument("--without-gpt", action="store_true", help="leave out its page: a minute")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    live: list[str] = []
    if options.live:
        if missing_for_lab():
            sys.exit(f"docs.site: {missing_for_lab()}")
        try:
            live = write_live(options.folder, options.without_gpt)
        except subprocess.CalledProcessError as error:  # it has said why
            sys.exit(f"docs.site: {' '.join(map(str, error.cmd))} failed")
    write_docs(options.folder, live)
    print(f"Wrote {options.folder / 'index.html'}")
    if live:
        print(f"Look at it: python -m http.server --bind 127.0.0.1 --directory {options.folder}")


if __name__ == "__main__":
    main()
