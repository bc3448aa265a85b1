"""How fast and how large the page is: ``python -m tests.browser.measure``."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.browser.opened import Opened, launch
from tests.browser.pages import lab_page, moons_page

TRAIN = """async (epochs) => {
  const started = performance.now();
  const field = document.getElementById("epoch-field");
  field.value = live.epoch + epochs;
  const goal = live.epoch + epochs;
  field.dispatchEvent(new Event("change"));
  while (live.epoch < goal) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - started;
}"""
FRAMES = """async (milliseconds) => {
  const started = performance.now(), times = [];
  while (performance.now() - started < milliseconds) {
    times.push(await new Promise(requestAnimationFrame));
  }
  const seconds = (performance.now() - started) / 1000;
  const gaps = times.slice(1).map((time, index) => time - times[index]).sort((a, b) => a - b);
  return [times.length / seconds, gaps[Math.floor(gaps.length * 0.99)]];
}"""


def main() -> None:
    """Print the measurements."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = launch(playwright)
        for name, write in (("XOR lab", lab_page), ("moons 2-8-1", moons_page)):
            path = write(Path(folder) / "page.html")
            print(f"{name}: {path.stat().st_size / 1000:.0f} kB")
            for width, height in ((1280, 720), (1920, 1080), (390, 844)):
                opened = Opened(browser, path, viewport={"width": width, "height": height})
                seconds = opened.evaluate(TRAIN, 20_000) / 1000
                opened.press("r", "Space")
                opened.page.wait_for_timeout(300)
                frames, slow = opened.evaluate(FRAMES, 3000)
                print(
                    f"  {width}x{height}: 20,000 epochs shown after {seconds:.2f} s; "
                    f"{frames:.0f} frames a second while playing, 99 % of them within {slow:.0f} ms"
                )
                opened.close()
        browser.close()


if __name__ == "__main__":
    main()
