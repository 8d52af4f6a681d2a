"""Inside the models in a real browser: what is drawn on a figure, and what a click on a figure opens."""

from __future__ import annotations

import re
from typing import Any

import pytest

from studio.library.library import Library
from tests.support.browser import SLOW_MS, Studio, choose_point, real
from tests.support.inside import made_song

HERTZ = re.compile(r"Inside the rectangle the vocals changed by ([+-]\d+) dB, everywhere else by ([+-]\d+) dB")


def drag(page: Any, chart: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw a rectangle between two places of a chart, in shares of its size."""
    box = chart.bounding_box()
    ends = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*ends[0])
    page.mouse.down()
    page.mouse.move(*ends[1], steps=6)
    page.mouse.up()


@pytest.mark.browser
@pytest.mark.timeout(2 * SLOW_MS / 1000)
def test_a_rectangle_wiped_out_of_the_spectrogram_is_heard(
    studio: Studio, page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOURFOLD_HOME", str(studio.log.parent))
    run = made_song(Library())
    page.goto(f"{studio.address}/inside?run={run.id}&ask=wipe")
    page.get_by_role("button", name="Wipe it and listen").wait_for(timeout=SLOW_MS)
    chart = page.locator(".js-plotly-plot .nsewdrag").first
    chart.wait_for()
    drag(page, chart, (0.3, 0.3), (0.6, 0.7))
    page.wait_for_url(re.compile("box="))
    page.get_by_role("button", name="Wipe it and listen").click()
    said = page.get_by_text(HERTZ)
    said.wait_for(timeout=SLOW_MS)
    inside, outside = (int(number) for number in HERTZ.search(said.inner_text()).groups())
    assert inside > outside, "what was wiped changes more than the rest"
    page.locator("audio").nth(1).wait_for(state="attached")
    assert page.locator("audio").count() == 2
    assert real(page.problems) == []


@pytest.mark.browser
def test_a_dot_of_the_atlas_opens_its_layer(studio: Studio, page: Any) -> None:
    page.goto(f"{studio.address}/inside?view=atlas&row=3")
    page.get_by_text("How widely a layer looks").wait_for()
    choose_point(page, 5, lambda: re.search(r"row=(?!3\b)\d+", page.url) is not None)
    assert real(page.problems) == []
