"""The site in a real browser: its pages at two sizes, and the notebooks that run in it.

The notebooks need what ``make site`` has written into ``build/site``; it is handed out on the
loopback address, and nothing else may be asked for.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from demos.exercises import EXERCISES
from tests.browser.test_use import serious
from tests.notebook_cells import NOTEBOOKS, SOLUTIONS, read

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build" / "site"
PAGES = ("index.html", "guides/start.html", "guides/debugging.html", "guides/speed.html")
SIZES = [(1280, 720), (390, 844)]
# In milliseconds: Python has to start in a browser, beside other work.
PATIENCE = 180_000


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as ``make docs`` leaves it, with a landing page that lists what is live."""
    pytest.importorskip("pdoc", reason="the reference is made with pdoc")
    pytest.importorskip("markdown_it", reason="the guides are made with markdown-it-py")
    from docs.site import LIVE, write_docs

    folder = tmp_path_factory.mktemp("site")
    write_docs(folder, [*(file for file, *_ in LIVE), "lab"])
    return folder


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_fits_is_accessible_and_asks_for_nothing(
    browser: Any, docs: Path, path: str, size: tuple[int, int], scheme: str
) -> None:
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.goto((docs / path).as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
    assert faults == []
    assert serious(page) == []
    context.close()


# ---- the notebooks -----------------------------------------------------------------------------


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the site is handed out, on a free port of this machine alone."""
    if not (SITE / "lab" / "jupyter-lite.json").is_file():
        pytest.skip("no notebooks in build/site: make site")
    handler = functools.partial(Quiet, directory=str(SITE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_site_s_notebooks_are_those_of_the_course(address: str) -> None:
    copies = {path.name: path.read_bytes() for path in (SITE / "lab" / "files").glob("*.ipynb")}
    assert copies == {path.name: path.read_bytes() for path in NOTEBOOKS}, "make site, once more"


class Lab:
    """One notebook that is open in JupyterLite."""

    def __init__(self, browser: Any, address: str, notebook: str) -> None:
        self.outside: list[str] = []
        self.missing: list[str] = []
        self.context = browser.new_context(viewport={"width": 1280, "height": 900})
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("request", lambda request: self.note(request.url, address))
        self.page.on("response", self.note_missing)
        self.page.goto(f"{address}/lab/notebooks/index.html?path={notebook}")
        self.page.wait_for_selector(".jp-Notebook")

    def note(self, url: str, address: str) -> None:
        if not url.startswith((address, "blob:", "data:")):
            self.outside.append(url)

    def note_missing(self, response: Any) -> None:
        # It asks whether there are settings of the user's, which there need not be.
        if response.status >= 400 and "/static/" in response.url:
            self.missing.append(response.url)

    def replace(self, cell: int, source: str) -> None:
        """Write something else into a cell."""
        self.page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)

    def run_all(self) -> None:
        """Run all cells, and wait until the last one has."""
        self.page.get_by_text("Run", exact=True).first.click()
        self.page.get_by_text("Run All Cells", exact=True).click()
        # The page's own rules forbid to wait by eval.
        waiting, last = ".jp-InputPrompt:has-text('[*]')", ".jp-InputPrompt:has-text('[')"
        self.page.locator(last).first.wait_for(state="attached")
        self.page.wait_for_selector(waiting, state="attached")
        self.page.wait_for_selector(waiting, state="detached")

    def printed(self) -> str:
        return "\n".join(self.page.locator(".jp-OutputArea-output").all_inner_texts())

    def close(self) -> None:
        self.context.close()
        assert self.outside == []
        assert self.missing == []


def test_a_notebook_runs_in_the_browser_an_exercise_is_solved_and_its_stepper_steps(
    browser: Any, address: str
) -> None:
    (path,) = [path for path in NOTEBOOKS if path.stem == "2_the_chain_rule"]
    cells = [cell["id"] for cell in read(path)["cells"]]
    solutions = SOLUTIONS[path.stem]
    lab = Lab(browser, address, path.name)
    lab.replace(cells.index("exercise-3"), solutions["exercise-3"])
    lab.run_all()

    printed = lab.printed()
    assert "in the right order: 10.0" in printed
    assert f"Right! {EXERCISES['used twice'].praise}" in printed
    assert printed.count("Not yet: ") == len(solutions) - 1
    assert "Error" not in printed

    # c = a + b, with b = a * a and a = 2x at x = 1: three operations, dc/dc, and a contribution.
    frame = lab.page.frame_locator("iframe").last
    for _ in range(5):
        frame.locator("#next").click()
    text = "d c/d a += d c/d c × d c/d a = 1 × 1 = 1  (sum 1; c = a + b)"
    frame.locator(f"#lesson[data-text='{text}']").wait_for(timeout=15_000)
    lab.close()
