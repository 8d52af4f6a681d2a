"""How quick the training lab is in headless Chromium: `python -m benchmarks.how_live [--seconds 20]`.

Step: a training step of batch 150 of each family, as the worker makes it. Slider: from the input event of a slider (the
moment of noise; the ring in the plane of codes; the steps of the film) to the next painted frame. Medians, with the
quartiles. Side by side: what the three families reach in the same seconds, as the page's table says.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

STEP_GOAL_MS, SLIDER_GOAL_MS = 15.0, 50.0
FAMILIES = ("gan", "vae", "diffusion")
STEPS = 200
REPEATS = 25

TIME_STEPS = """async ({ source, family, steps }) => {
  const code = `const engine = (() => { ${source} })();
  const session = new engine.Session("${family}", engine.prepareShape("ring", 1), 1), took = [];
  for (let k = -40; k < ${steps}; k += 1) {
    const start = performance.now();
    session.advance();
    if (k >= 0) took.push(performance.now() - start);
  }
  postMessage(took);`;
  const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  return new Promise((done) => { worker.onmessage = ({ data }) => done(data); });
}"""

# What the event asked for is drawn in the callbacks of the next frame; a task after them begins once it was painted.
TIME_EVENTS = """(target, repeats) => new Promise((done) => {
  const took = [];
  const once = (k) => {
    if (k === repeats) { done(took); return; }
    const start = performance.now();
    ACT
    requestAnimationFrame(() => setTimeout(() => {
      took.push(performance.now() - start);
      setTimeout(() => once(k + 1), 30);
    }, 0));
  };
  once(0);
})"""
TIME_SLIDER = TIME_EVENTS.replace(
    "ACT",
    """const low = Number(target.min), high = Number(target.max);
    target.value = low + ((k * 7) % (high - low));
    target.dispatchEvent(new Event("input", { bubbles: true }));""",
)
TIME_DRAG = TIME_EVENTS.replace(
    "ACT",
    """const key = ["ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown"][k % 4];
    target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));""",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=15, choices=(5, 15, 30, 60), help="of the side by side")
    asked = parser.parse_args()
    from playwright.sync_api import sync_playwright

    from benchmarks.studio_speed import chromium
    from viz.how.engine import engine_script

    with sync_playwright() as playwright, harness() as address:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(600_000)
        open_lab(page, address, "gan")
        for family in FAMILIES:
            took = page.evaluate(TIME_STEPS, {"source": engine_script(), "family": family, "steps": STEPS})
            report(f"training step, {family}", took, STEP_GOAL_MS)
        sliders(page, address)
        side_by_side(page, address, asked.seconds)
        browser.close()


@contextmanager
def harness() -> Iterator[str]:
    """The address of the page that shows the lab by itself."""
    from tests.support.browser import Harness

    with tempfile.TemporaryDirectory() as folder:
        running = Harness(Path(folder))
        try:
            yield running.address
        finally:
            running.stop()


def open_lab(page: Any, address: str, family: str) -> None:
    page.goto(f"{address}/?component=lab&family={family}")
    page.locator(".lab").wait_for()
    while page.locator(".lab .sides, .lab[data-step]").count() == 0:
        time.sleep(0.2)


def sliders(page: Any, address: str) -> None:
    open_lab(page, address, "diffusion")
    page.get_by_role("button", name="Next step of the story").click()
    report("slider of noise, with arrows", page.locator("input.film").evaluate(TIME_SLIDER, REPEATS), SLIDER_GOAL_MS)
    page.get_by_role("button", name="Next step of the story").click()
    report("slider through the film", page.locator("input.film").evaluate(TIME_SLIDER, REPEATS), SLIDER_GOAL_MS)
    open_lab(page, address, "vae")
    report("moving the code", page.locator(".pair canvas.plane").evaluate(TIME_DRAG, REPEATS), SLIDER_GOAL_MS)


def side_by_side(page: Any, address: str, seconds: int) -> None:
    open_lab(page, address, "side")
    page.get_by_label("Seconds of computing").select_option(str(seconds))
    page.get_by_role("button", name="Play", exact=True).click()
    page.locator("table").wait_for()
    for row in page.locator("table tr").all():
        print(" | ".join(cell.strip() for cell in row.locator("th, td").all_inner_texts()))  # noqa: T201
    print(page.locator(".table p").inner_text())  # noqa: T201


def report(what: str, took: list[float], goal: float) -> None:
    low, middle, high = statistics.quantiles(took, n=4)
    word = "met" if middle <= goal else "MISSED"
    print(f"{what}: median {middle:.1f} ms ({low:.1f} to {high:.1f}), goal {goal:.0f} ms {word}")  # noqa: T201


if __name__ == "__main__":
    main()
