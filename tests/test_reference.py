"""The docstrings of all that is public, and the site: the reference of them, and the guides."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import posixpath
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.documents import PATHS, ROOT, run_python

MODULES = ("autodiff", "autodiff.ops", "autodiff.operators", "autodiff.support.node", "nn")
Function = Callable[..., Any]


@dataclass(frozen=True)
class Public:
    """A public function, or a public method or property that a public class defines itself."""

    module: str
    name: str
    function: Function
    class_: type | None = None
    is_property: bool = False

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def docstring(self) -> str:
        """Its docstring, or that of the method that it overrides."""
        overridden = getattr(self.class_, self.name.rpartition(".")[2], None)
        return inspect.cleandoc(self.function.__doc__ or inspect.getdoc(overridden) or "")


def public_things(module_name: str) -> Iterator[Public]:
    """Yield all of them that a module has in its ``__all__``."""
    module = importlib.import_module(module_name)
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isfunction(thing):
            yield Public(module_name, name, thing)
        elif inspect.isclass(thing):
            for member, attribute in vars(thing).items():
                function = function_of(attribute)
                if inspect.isfunction(function) and not member.startswith("_"):
                    is_property = isinstance(attribute, (property, cached_property))
                    yield Public(module_name, f"{name}.{member}", function, thing, is_property)


def function_of(attribute: Any) -> Any:
    """Return the function in a class's attribute, whatever wraps it."""
    if isinstance(attribute, property):
        return attribute.fget
    if isinstance(attribute, cached_property):
        return attribute.func
    return attribute.__func__ if isinstance(attribute, (staticmethod, classmethod)) else attribute


PUBLIC = [thing for module in MODULES for thing in public_things(module)]


def test_the_list_of_public_things_is_whole() -> None:
    found = {str(public) for public in PUBLIC}
    assert {
        "autodiff.Value.backward",
        "autodiff.support.node.Node.is_leaf",
        "autodiff.operators.Operators.tanh",
        "nn.fit",
        "nn.MLP.children",
    } <= found
    assert {"autodiff.Program.source", "autodiff.ops.relu", "autodiff.Value.make_node"} <= found


def test_all_say_what_they_return_or_show_it() -> None:
    assert not [str(public) for public in PUBLIC if not public.docstring]
    returning = [
        public
        for public in PUBLIC
        if not public.is_property
        and public.function.__annotations__.get("return") not in ("None", None)
    ]
    said = re.compile(r"\b(returns?|yields?)\b|>>>", re.IGNORECASE)
    assert not [str(public) for public in returning if not said.search(public.docstring)]


def raised_in(function: Function) -> set[str]:
    """Return the names of the errors that a function's own lines raise."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return {
        node.exc.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
        and node.exc.func.id[0].isupper()
    }


def test_all_name_the_errors_that_they_raise() -> None:
    raised = [(public, error) for public in PUBLIC for error in raised_in(public.function)]
    assert not [(str(public), error) for public, error in raised if error not in public.docstring]


def test_the_errors_that_a_function_raises_are_found() -> None:
    assert raised_in(importlib.import_module("autodiff").weighted_sum) == {"ValueError"}


# ---- the pages -------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a page says, without its style, scripts and source code, and what it would fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.fetched: set[str] = set()
        self.links: set[str] = set()
        self.text = ""
        self.shown = ""  # what stands for a picture
        self.unread = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids.add(found.get("id", ""))
        self.shown += found.get("alt", "")
        if tag == "a":
            self.links.add(found.get("href", ""))
        else:
            self.fetched |= {found[name] for name in ("src", "href") if name in found}
        if tag in ("style", "script") or "pdoc-code" in found.get("class", ""):
            self.unread += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "script") or (tag == "div" and self.unread):
            self.unread -= 1

    def handle_data(self, data: str) -> None:
        if not self.unread:
            self.text += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as ``make docs`` leaves it."""
    pytest.importorskip("pdoc", reason="the reference is made with pdoc")
    pytest.importorskip("markdown_it", reason="the guides are made with markdown-it-py")
    folder = tmp_path_factory.mktemp("site")
    run_python(["-m", "docs.site", str(folder)], folder)
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> dict[str, Page]:
    """All its pages, by path."""
    return {
        path.relative_to(folder).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in folder.rglob("*.html")
    }


@pytest.fixture(scope="module")
def pages(site: dict[str, Page]) -> dict[str, Page]:
    """The reference's pages, by path."""
    return {path: page for path, page in site.items() if path.startswith("reference/")}


@pytest.mark.thorough
def test_the_reference_has_every_public_name(pages: dict[str, Page]) -> None:
    assert pages.keys() == {"reference/index.html", *map(page_of, MODULES)}
    for module_name in MODULES:
        module, page = importlib.import_module(module_name), pages[page_of(module_name)]
        assert {name for name in module.__all__ if callable(getattr(module, name))} <= page.ids
    for public in PUBLIC:
        assert public.name in pages[page_of(public.module)].ids, public
    assert {"Value.__init__", "Step.__init__"} <= pages["reference/autodiff.html"].ids
    assert "MLP.__init__" in pages["reference/nn.html"].ids


def page_of(module_name: str) -> str:
    return f"reference/{module_name.replace('.', '/')}.html"


def test_the_site_needs_no_network(folder: Path, site: dict[str, Page]) -> None:
    for path, page in site.items():
        for target in page.fetched:
            assert target.startswith("data:") or (folder / path).parent.joinpath(target).is_file()


def test_the_links_between_the_pages_lead_somewhere(site: dict[str, Page]) -> None:
    pages = site
    for path, page in pages.items():
        for link in page.links:
            target, _, place = link.partition("#")
            if target.startswith("https:"):
                assert target == "https://pdoc.dev" or path.startswith("guides/")
                continue
            if path.startswith("guides/") and target.startswith("images/"):
                continue
            folder = posixpath.dirname(path)
            there = posixpath.normpath(posixpath.join(folder, target)) if target else path
            assert there in pages, f"{path} links to {link}"
            # An inherited name is linked to its class's, which pdoc lists without a place.
            places = pages[there].ids
            assert {place, place.partition(".")[0]} & places, f"{path} links to {link}"


def test_tables_and_roles_are_shown_and_not_typed(pages: dict[str, Page]) -> None:
    text = pages["reference/autodiff.html"].text
    assert "local derivative: d node / d operand" in text
    for path, page in pages.items():
        assert "====" not in page.text, path
        assert not re.search(r":(class|func|meth|mod):|``|`~", page.text), path


@pytest.mark.parametrize(("name", "examples"), [("docs.reference", 2), ("docs.guides", 1)])
def test_the_examples_of_the_site_s_own_modules_are_right(name: str, examples: int) -> None:
    pytest.importorskip("pdoc", reason="the reference is made with pdoc")
    pytest.importorskip("markdown_it", reason="the guides are made with markdown-it-py")
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted == examples
    assert found.failed == 0


# ---- the guides, and the landing page --------------------------------------------------------


def test_every_document_is_a_guide_that_the_landing_page_leads_to(site: dict[str, Page]) -> None:
    guides = importlib.import_module("docs.guides").GUIDES
    documents = {path.relative_to(ROOT).as_posix() for path in PATHS} | {"CHANGELOG.md"}
    assert {guide.path for guide in guides} == documents
    assert {f"guides/{guide.name}.html" for guide in guides} <= site["index.html"].links
    assert "reference/index.html" in site["index.html"].links


def test_a_guide_has_all_that_its_document_has(site: dict[str, Page]) -> None:
    for guide in importlib.import_module("docs.guides").GUIDES:
        page = site[f"guides/{guide.name}.html"]
        text = (ROOT / guide.path).read_text(encoding="utf-8")
        words = re.findall(r"[A-Za-z]{4,}", re.sub(r"\]\([^)]*\)|!?\[|```\w*.*", " ", text))
        missing = {word for word in words if word not in page.text and word not in page.shown}
        assert not missing, guide.path
        assert not re.search(r"^```", page.text, re.MULTILINE), guide.path
        assert "| ---" not in page.text, guide.path


def test_without_jupyterlite_the_site_says_what_to_install_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pdoc", reason="the reference is made with pdoc")
    pytest.importorskip("markdown_it", reason="the guides are made with markdown-it-py")
    lab, builder = (importlib.import_module(name) for name in ("docs.lab", "docs.site"))
    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SystemExit) as ended:
        builder.main([str(tmp_path), "--live"])
    assert re.fullmatch(
        r'docs.site: JupyterLite is missing: pip install ".*\[site\]"', str(ended.value)
    )
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda _: "there")
    monkeypatch.setattr(lab.shutil, "which", lambda _: None)
    with pytest.raises(SystemExit, match="npm, which brings Pyodide, is not on the path"):
        builder.main([str(tmp_path), "--live"])


def test_pyodide_is_told_of_each_wheel_with_its_hash(tmp_path: Path) -> None:
    lab = importlib.import_module("docs.lab")
    wheel = tmp_path / "Some_Name-1.2-py3-none-any.whl"
    wheel.write_bytes(b"abc")
    (entry,) = lab.locked(wheel).items()
    assert entry[0] == entry[1]["name"] == "some-name"
    assert (entry[1]["version"], entry[1]["file_name"]) == ("1.2", wheel.name)
    # SHA-256 of "abc", as FIPS 180-4 has it.
    assert entry[1]["sha256"] == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    kernel = lab.settings(["some-name"])["jupyter-config-data"]["litePluginSettings"]
    (options,) = kernel.values()
    assert options["loadPyodideOptions"] == {"packages": ["some-name"]}
    assert options["disablePyPIFallback"]
