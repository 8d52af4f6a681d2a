"""What of "How they work" is measured in headless Chromium, for `python -m benchmarks.generative`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import viz.how.shipped as page
from evaluation.generative import number
from evaluation.report.pdf import browser
from evaluation.statistics.intervals import wilson
from viz.how.engine import engine_script

_TIMED = """(count) => {
  const w = readWeights(SHIPPED["pictures-diffusion"]), all = [];
  const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
  for (let n = 0; n < count; n += 1) {
    let x = normals(768, randomOf(n)); const began = performance.now();
    for (let k = 0; k < 20; k += 1)
      x = denoiseStep(w, x, {time: 1 - k / 20, later: 1 - (k + 1) / 20, labels: [2, 3], guidance: 2}).x;
    all.push(performance.now() - began);
  }
  return median(all) / 1000;
}"""


def in_browser(count: int) -> dict[str, float]:
    """Medians of the shipped script in headless Chromium; nothing where there is none."""
    with _tab(page.definitions("diffusion")) as tab:
        return {} if tab is None else {"browser": round(tab.evaluate(_TIMED, count), 4)}


@contextmanager
def _tab(script: str) -> Iterator[Any]:
    """A page of headless Chromium that has run a script; None where there is no Chromium."""
    path = browser()
    if not path:
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        shown = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        tab = shown.new_page()
        tab.set_default_timeout(1_200_000)
        tab.add_script_tag(content=script)
        yield tab
        shown.close()


COLLAPSE_STEPS, HEALING_STEPS, HALF = 400, 800, 4
_COLLAPSED_AND_HEALED = """({ seeds, collapse, healing }) => Array.from({ length: seeds }, (_, k) => {
  const ring = engine.prepareShape("ring", k + 1), yard = engine.yardstick(ring, k + 1);
  const fast = { generator_rate: 0.01, judge_rate: 0.001, blur: 0 };
  const slow = { generator_rate: 0.001, judge_rate: 0.002, blur: 0.2 };
  const knobs = Object.entries(fast).map(([name, value]) => [0, name, value]);
  const session = new engine.Session("gan", ring, k + 1, knobs);
  const points = () => session.model.sample(800, new engine.Stream(k + 1, "measure", 1));
  const found = () => engine.measure(points(), ring, yard).modes.found;
  session.seek(collapse);
  const before = found();
  session.seek(collapse + healing);
  const left = found(); // as it was: what time alone does
  session.seek(collapse);
  for (const [name, value] of Object.entries(slow)) session.change(name, value);
  session.seek(collapse + healing);
  return [before, found(), left];
})"""


def healing(few: bool) -> dict[str, Any]:
    """How often the GAN of eight blobs that was made to collapse in the page comes back once it is slowed and blurred.

    Collapsed is at most half of the blobs, as on the page; the settings are those of its story.
    """
    asked = {"seeds": 2 if few else 12, "collapse": COLLAPSE_STEPS, "healing": HEALING_STEPS}
    with _tab(f"const engine = (() => {{ {engine_script()} }})();") as tab:
        if tab is None:
            return {}
        found = tab.evaluate(_COLLAPSED_AND_HEALED, asked)
    collapsed = [(after, left) for before, after, left in found if before <= HALF]
    healed, came_back = (np.array([modes > HALF for modes in ends]) for ends in zip(*collapsed, strict=True))
    return {
        **asked,
        "collapsed": len(collapsed),
        "healed": number(wilson(int(healed.sum()), len(healed))),
        "left alone": number(wilson(int(came_back.sum()), len(came_back))),
        "modes": found,
    }
