"""How fast and how large the pages are: ``python -m tests.browser.measure``."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from typing import Any

from autodiff import Value, record_source, show
from demos.gpt import command as gpt
from demos.gpt.model import GPT, Shape, next_token_loss
from demos.lab import LAB
from demos.one_row import lab_model, one_row_loss
from tests.browser.opened import Opened, Tabs, launch
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
        opened = Opened(Tabs(browser), path, size=(width, height))
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


STEPS = """async (count) => {
  const gaps = [];
  let last = await new Promise(requestAnimationFrame);
  for (let step = 0; step < count; step += 1) {
    document.getElementById("next").click();
    for (const end = performance.now() + 600; performance.now() < end;) {
      const now = await new Promise(requestAnimationFrame);
      gaps.push(now - last);
      last = now;
    }
  }
  gaps.sort((a, b) => a - b);
  return [gaps[gaps.length >> 1], gaps[Math.floor(gaps.length * 0.99)]];
}"""
OPEN_FOLD = """() => {
  const folds = document.querySelectorAll("#drawing .box.fold"), started = performance.now();
  if (!folds.length) return null;
  folds[folds.length - 1].dispatchEvent(new Event("click"));
  return performance.now() - started;
}"""


def measure_show(browser: Any, folder: Path) -> None:
    """Print the measurements of pages of graphs: a row of XOR, 500 boxes, and a step of a GPT."""
    x = [Value(0.01 * place, f"x{place}") for place in range(125)]
    total = x[0] * x[0]
    for each in x[1:]:
        total = total + each * 0.5
    graphs = {
        "a row of XOR": one_row_loss(lab_model(), LAB.x[1], LAB.y[1]),
        "500 boxes": total,
        "a step of a GPT": gpt_step(),
    }
    for name, root in graphs.items():
        started = time.process_time()
        path = show(root).save(folder / "show.html")
        seconds = time.process_time() - started
        size = path.stat().st_size / 1000
        print(f"show, {name}: {size:,.0f} kB in {seconds:.2f} s of the processor")
        opened = Opened(Tabs(browser), path, reduced_motion="no-preference")
        opened.settle()
        middle, slow = opened.evaluate(STEPS, 5)
        print(
            f"  painted after {opened.evaluate(PAINT):.0f} ms; frames of a walk: {middle:.0f} ms, "
            f"99 % of them within {slow:.0f} ms"
        )
        opened.press("Escape")
        while (took := opened.evaluate(OPEN_FOLD)) is not None:
            opened.settle()
            boxes = len(opened.live("scene.boxes"))
            print(f"  opened {opened.live('scene.title')} in {took:.0f} ms: {boxes} boxes")
        opened.close()


def gpt_step() -> Value:
    """Return the loss of a word of seven letters of the GPT of 4,192 weights: 59,694 nodes."""
    tokens = [0, 5, 18, 13, 1, 14, 19, 20]
    model = GPT(Shape(tokens=27), random.Random(1))
    with record_source():
        loss: Value = next_token_loss(model(tokens[:-1]), tokens[1:])
    return loss


def main() -> None:
    """Print the measurements."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = launch(playwright)
        for name, write in (("XOR lab", lab_page), ("moons 2-8-1", moons_page)):
            path = write(Path(folder) / "page.html")
            print(f"{name}: {path.stat().st_size / 1000:.0f} kB")
            for width, height in ((1280, 720), (1920, 1080), (390, 844)):
                opened = Opened(Tabs(browser), path, size=(width, height))
                seconds = opened.evaluate(TRAIN, 20_000) / 1000
                opened.press("r", "Space")
                opened.page.wait_for_timeout(300)
                frames, slow = opened.evaluate(FRAMES, 3000)
                print(
                    f"  {width}x{height}: 20,000 epochs shown after {seconds:.2f} s; "
                    f"{frames:.0f} frames a second while playing, 99 % of them within {slow:.0f} ms"
                )
                opened.close()
        measure_show(browser, Path(folder))
        measure_gpt(browser, Path(folder))
        browser.close()


if __name__ == "__main__":
    main()
