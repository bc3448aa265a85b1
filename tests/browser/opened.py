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


def launch(playwright: Any) -> Any:
    """Start the Chromium that is on the path (Debian's package chromium), without a window."""
    return playwright.chromium.launch(executable_path=shutil.which(BROWSER), args=list(QUIET))


class Opened:
    """A page in a profile of its own. ``errors`` and ``requests`` are what it should not have."""

    def __init__(self, browser: Any, path: Path, address: str = "", **options: Any) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.path = path
        options.setdefault("viewport", {"width": 1280, "height": 720})
        options.setdefault("reduced_motion", "reduce")  # without animations tests wait less
        self.context = browser.new_context(offline=True, accept_downloads=True, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("console", self._console)
        self.page.on("pageerror", self._page_error)
        self.page.on("request", self._request)
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
        """Close it, and say so if it reported an error or asked the network for something."""
        self.context.close()
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

    def at_each(self, sizes: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Yield some sizes of the screen, the page having settled at each."""
        for width, height in sizes:
            self.page.set_viewport_size({"width": width, "height": height})
            self.settle()
            yield width, height

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
