"""One page that is open in the browser, and what the tests ask of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

BROWSER = "chromium"
SECONDS = 15

# Without these, Chromium asks its maker's servers for updates when it starts.
QUIET = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-sandbox"),
)

# How a page is shown unless a test chooses: without animations tests wait less.
USUAL = {
    **{"media": "null", "color_scheme": "light", "forced_colors": "none"},
    **{"reduced_motion": "reduce"},
}


def launch(playwright: Any) -> Any:
    """Start the Chromium that is on the path (Debian's package chromium), without a window."""
    return playwright.chromium.launch(executable_path=shutil.which(BROWSER), args=list(QUIET))


class Tabs:
    """The browser's tabs, each in a profile of its own: one that was left is taken again.

    A page in a new tab takes a process and a second of the processor; in one that has shown such a
    page, half as much.
    """

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.free: dict[bool, list[Any]] = {False: [], True: []}

    def take(self, is_phone: bool) -> Any:
        """Return an empty tab of a desk or of a telephone."""
        if self.free[is_phone]:
            return self.free[is_phone].pop()
        context = self.browser.new_context(
            offline=True, accept_downloads=True, has_touch=is_phone, is_mobile=is_phone
        )
        tab = context.new_page()
        tab.set_default_timeout(15_000)
        return tab

    def leave(self, tab: Any, is_phone: bool) -> None:
        """Empty a tab: nothing that the next page could find is left in it."""
        tab.evaluate("addEventListener('pagehide', () => sessionStorage.clear())")
        tab.mouse.move(0, 0)
        tab.goto("about:blank")
        self.free[is_phone].append(tab)


class Opened:
    """A page that is open. ``errors`` and ``requests`` are what it should not have."""

    def __init__(
        self,
        tabs: Tabs,
        path: Path,
        address: str = "",
        *,
        size: tuple[int, int] = (1280, 720),
        is_phone: bool = False,
        **media: str,
    ) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.path = path
        self.tabs = tabs
        self.is_phone = is_phone
        self.page = tabs.take(is_phone)
        self.watched = {
            "console": self._console,
            "pageerror": self._page_error,
            "request": self._request,
        }
        for event, watcher in self.watched.items():
            self.page.on(event, watcher)
        self.resize(size)
        self.page.emulate_media(**{**USUAL, **media})
        self.page.goto(path.as_uri() + address)
        self.wait_until("window.live !== undefined")

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def _page_error(self, error: Any) -> None:
        self.errors.append(str(error))

    def _request(self, request: Any) -> None:
        # What a page makes itself (blob:, data:) never leaves the machine.
        if not request.url.startswith((self.path.as_uri(), "blob:", "data:")):
            self.requests.append(request.url)

    def close(self) -> None:
        """Leave it, and say so if it reported an error or asked the network for something."""
        self.tabs.leave(self.page, self.is_phone)
        for event, watcher in self.watched.items():
            self.page.remove_listener(event, watcher)
        assert self.errors == []
        assert self.requests == []

    # ---- what a person does

    def press(self, *keys: str) -> None:
        """Press keys, one after another."""
        for key in keys:
            self.page.keyboard.press(key)

    def go_to(self, epoch: int) -> None:
        """Rewind to an epoch, or train up to it."""
        field = self.page.locator("#epoch-field")
        field.fill(str(epoch))
        field.press("Enter")
        self.wait_until(f"live.epoch === {epoch}")
        self.settle()

    def fill(self, label: str, text: str) -> None:
        """Type into the field with that label."""
        field = self.page.get_by_label(label, exact=True)
        field.fill(text)
        field.press("Enter")
        self.settle()

    def settle(self) -> None:
        """Wait until everything that is due has been drawn."""
        self.page.evaluate(
            "() => new Promise((done) => "
            "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))))"
        )

    def wait_until(self, condition: str) -> None:
        """Wait until a script's expression is true; the page itself forbids to wait by eval."""
        end = time.monotonic() + SECONDS
        while not self.is_true(condition):
            assert time.monotonic() < end, f"not true within {SECONDS} s: {condition}"
            time.sleep(0.02)

    def is_true(self, condition: str) -> bool:
        """Return whether a script's expression is true; not on a page that is just being left."""
        from playwright.sync_api import Error

        try:
            return bool(self.page.evaluate(condition))
        except Error as problem:
            if "context was destroyed" not in str(problem):
                raise
            return False

    def resize(self, size: tuple[int, int]) -> None:
        """Give the screen another size."""
        self.page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))

    def at_each(self, sizes: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Yield some sizes of the screen, the page having settled at each."""
        for size in sizes:
            self.resize(size)
            self.settle()
            yield size

    # ---- what a person sees

    def live(self, name: str) -> Any:
        """Return what the page publishes for the browser's console."""
        return self.page.evaluate(f"live.{name}")

    def text(self, selector: str) -> str:
        """Return the text of one element."""
        return str(self.page.locator(selector).text_content()).strip()

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """Return what a script in the page gives."""
        return self.page.evaluate(script, argument)

    def numbers(self) -> dict[str, Any]:
        """Return every number that the page has."""
        names = ("epoch", "loss", "weights", "meanGradients", "values", "gradients", "predictions")
        return {name: self.live(name) for name in names}
