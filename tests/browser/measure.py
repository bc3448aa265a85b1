"""How fast and how large the pages are: ``python -m tests.browser.measure``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from demos.gpt import command as gpt
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


TRAIN_GPT = """async () => {
  const started = performance.now();
  document.getElementById("thousand").click();
  while (live.isRunning) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - started;
}"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
READY = "performance.getEntriesByName('ready')[0].startTime"


def measure_gpt(browser: Any, folder: Path) -> None:
    """Print the measurements of the GPT's page: 1,000 steps with all that it shows meanwhile."""
    gpt.main(["--page", "--out", str(folder)])
    path = folder / "gpt.html"
    print(f"GPT: {path.stat().st_size / 1e6:.2f} MB")
    for width, height in ((1280, 720), (1920, 1080), (390, 844)):
        opened = Opened(browser, path, viewport={"width": width, "height": height})
        opened.wait_until("live.step === 0")
        paint, ready = opened.evaluate(PAINT), opened.evaluate(READY)
        seconds = opened.evaluate(TRAIN_GPT) / 1000
        opened.press("r")
        again = opened.evaluate(TRAIN_GPT) / 1000
        print(
            f"  {width}x{height}: painted after {paint:.0f} ms, ready after {ready:.0f} ms; "
            f"1,000 steps in {seconds:.2f} s, once more in {again:.2f} s"
        )
        opened.close()


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
        measure_gpt(browser, Path(folder))
        browser.close()


if __name__ == "__main__":
    main()
