"""The README as a package index shows it; all else of the package is in setup.cfg.

An index has none of the README's neighbours, so a link to one leads nowhere there, and a picture is
a broken one.  Whoever publishes the package knows where its files can be read:
``README_ADDRESS=https://.../ make package`` puts that before each.  Without an address nothing is
promised that is not there: a picture is what it shows, in words, and a link to a file its text.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from setuptools import setup

# A fence and the code in it, which is left alone; an image; a link, to no other site.
CODE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
IMAGE = re.compile(r"!\[([^]]*)\]\((?!https?:)([^)\s]+)\)")
LINK = re.compile(r"(?<!!)\[((?:[^][]|\[[^]]*\])*)\]\((?!https?:)([^)\s]+)\)")


def description(readme: str, address: str = "") -> str:
    """Return the README with its files at an address, or with words in their place.

    >>> description("See [it](a.md), ![a tree](a.svg).")
    'See it, *Picture: a tree*.'
    >>> description("See [it](a.md), ![a tree](a.svg).", "https://host.example/tree")
    'See [it](https://host.example/tree/a.md), ![a tree](https://host.example/tree/a.svg).'
    """
    start = f"{address.rstrip('/')}/"

    def image(found: re.Match[str]) -> str:
        shown, file = found.groups()
        return f"![{shown}]({start}{file})" if address else f"*Picture: {shown}*"

    def link(found: re.Match[str]) -> str:
        text, file = found.groups()
        if file.startswith("#"):  # a heading of the README's own
            return found[0]
        return f"[{text}]({start}{file})" if address else text

    parts = CODE.split(readme)  # text and code by turns
    parts[::2] = [LINK.sub(link, IMAGE.sub(image, text)) for text in parts[::2]]
    return "".join(parts)


if __name__ == "__main__":
    readme = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    setup(
        long_description=description(readme, os.environ.get("README_ADDRESS", "")),
        long_description_content_type="text/markdown",
    )
