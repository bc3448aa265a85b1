"""A browser for the tests, and pages for it to open."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.opened import BROWSER, Opened, Tabs, launch
from tests.browser.pages import hostile_page, lab_page, moons_page, small_page
from tests.gpt_pages import WORDS, Small

Open = Callable[..., Opened]
HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure none of these tests: what they look at runs in the browser.

    The Python that writes the pages is what ``tests/test_page.py``, ``test_show.py`` and
    ``test_gpt_page.py`` reach.
    """
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.unmeasured)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One headless Chromium for all tests, ended behind the last."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="the package playwright drives the browser"
    )
    if shutil.which(BROWSER) is None:
        pytest.skip("there is no browser: the tests drive Debian's package chromium")
    with playwright.sync_playwright() as started:
        browser = launch(started)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def tabs(browser: Any) -> Tabs:
    """The tabs that pages are opened in."""
    return Tabs(browser)


@pytest.fixture
def open_page(tabs: Tabs) -> Iterator[Open]:
    """Open pages, each in a profile of its own; none may load anything or report an error."""
    opened: list[Opened] = []

    def open_one(path: Path, address: str = "", **options: Any) -> Opened:
        opened.append(Opened(tabs, path, address, **options))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pages below."""
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="session")
def lab(pages: Path) -> Path:
    """The page of the XOR lab."""
    return lab_page(pages / "lab.html")


@pytest.fixture(scope="session")
def small(pages: Path) -> Path:
    """The page of a 2-2-1 network on XOR."""
    return small_page(pages / "small.html")


@pytest.fixture(scope="session")
def moons(pages: Path) -> Path:
    """The page of a 2-8-1 network on two moons."""
    return moons_page(pages / "moons.html")


@pytest.fixture(scope="session")
def hostile(pages: Path) -> Path:
    """A page whose every name tries to break out of it."""
    return hostile_page(pages / "hostile.html")


@pytest.fixture(scope="session")
def gpt(pages: Path) -> Path:
    """The page of a small GPT."""
    return Small(WORDS).page(pages / "gpt.html")
