"""The reference: a page for each module of the library, made from its docstrings.

It is a part of the site of ``docs.site``.  The pages are pdoc's; they need no network.
pdoc turns the roles of the docstrings (``:func:``) into links.  What it leaves as it is, their
tables, is turned into Markdown's here.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pdoc

import autodiff
from autodiff.support.files import write_atomically

__all__ = ["markdown", "write_reference"]

MODULES = ("autodiff", "autodiff.ops", "autodiff.operators", "autodiff.support.node", "nn")

# A simple table of reStructuredText: two rulers, and between them rows of two columns.
TABLE = re.compile(r"^( *)(=+)  +=+\n(.*?)^\1=+  +=+$", re.MULTILINE | re.DOTALL)
SHORTENED_ROLE = re.compile(r":\w+:`~([\w.]+)`")


def markdown(docstring: str) -> str:
    """Return a docstring with its tables in Markdown, and roles that pdoc can link.

    >>> print(markdown("=====  ====\\n``a``  one\\n       more\\n``b``  two\\n=====  ===="))
    | | |
    |-|-|
    | ``a`` | one more |
    | ``b`` | two |
    >>> markdown("See :class:`~autodiff.Step`.")
    'See `autodiff.Step`.'
    """
    return SHORTENED_ROLE.sub(r"`\1`", TABLE.sub(markdown_table, docstring))


def markdown_table(table: re.Match[str]) -> str:
    """Return a table that was found as Markdown's; a row may have several lines."""
    indent, ruler, text = table.groups()
    width = len(indent) + len(ruler)
    rows: list[tuple[str, str]] = []
    for line in text.splitlines():
        first, second = line[:width].strip(), line[width:].strip()
        if first:
            rows.append((first, second))
        else:
            rows[-1] = (rows[-1][0], f"{rows[-1][1]} {second}")
    lines = ["| | |", "|-|-|", *(f"| {first} | {second} |" for first, second in rows)]
    return "\n".join(indent + line for line in lines)


def prepare(thing: pdoc.doc.Doc[object]) -> None:
    """Make the docstring of a thing, and of all that is in it, one that pdoc shows rightly.

    Constructors are shown.  Other members without a docstring are not: what an attribute is, the
    docstring of its class says.
    """
    thing.docstring = markdown(thing.docstring)
    if isinstance(thing, pdoc.doc.Namespace):
        for member in thing.own_members:
            prepare(member)
    elif not thing.docstring and thing.name != "__init__":
        thing.docstring = "@private"


def write_reference(folder: Path) -> None:
    """Write the pages. Raises OSError if a file cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    pdoc.render.configure(
        docformat="restructuredtext",
        footer_text=f"autodiff {autodiff.__version__}",
        template_directory=Path(__file__).with_name("templates"),
    )
    modules = {name: pdoc.doc.Module(importlib.import_module(name)) for name in MODULES}
    for module in modules.values():
        prepare(module)
    for name, module in modules.items():
        path = folder / f"{name.replace('.', '/')}.html"
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, pdoc.render.html_module(module, modules))
    write_atomically(folder / "index.html", pdoc.render.html_index(modules))
    write_atomically(folder / "search.js", pdoc.render.search_index(modules))
