"""Inside the models in a real browser: a click on a frame, and a mutation that is folded and superposed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from studio.library.library import Library
from tests.support.browser import SLOW_MS, Studio, real
from tests.support.inside import made_cutout, made_fold

AREA = re.compile(r"area=([\d.]+)%2C([\d.]+)%2C([\d.]+)%2C([\d.]+)")


@pytest.mark.browser
def test_a_click_on_a_frame_asks_about_that_place(
    studio: Studio, page: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FOURFOLD_HOME", str(studio.log.parent))
    run = made_cutout(Library(), tmp_path)
    page.goto(f"{studio.address}/inside?run={run.id}&ask=person")
    page.get_by_text("This place belongs to the person by").wait_for(timeout=SLOW_MS)
    chart = page.locator(".js-plotly-plot .nsewdrag").first
    box = chart.bounding_box()
    place = box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"]
    page.mouse.move(box["x"] + 0.3 * box["width"], place[1])
    page.mouse.move(*place, steps=8)
    page.mouse.click(*place)
    page.wait_for_url(AREA)
    left, top, wide, high = (float(number) for number in AREA.search(page.url).groups())
    near = 0.02  # a click counts where the pointer was last seen
    assert left - near <= 0.1 <= left + wide + near and top - near <= 0.1 <= top + high + near
    page.get_by_text("This place belongs to the person by 0 % in the matte.").wait_for()
    page.get_by_role("button", name="Find out").wait_for()
    assert real(page.problems) == []


@pytest.mark.browser
def test_a_mutation_is_folded_and_laid_over_the_first_fold(
    studio: Studio, page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOURFOLD_HOME", str(studio.log.parent))
    run = made_fold(Library())
    sequence = page_sequence(run.id)
    page.goto(f"{studio.address}/inside?run={run.id}&ask=change&sequence=W{sequence[1:]}")
    page.get_by_role("button", name="Fold it").click(timeout=SLOW_MS)
    page.get_by_text("Same fold? (TM-score)").wait_for(timeout=SLOW_MS)
    page.get_by_text("after the change").first.wait_for(timeout=SLOW_MS)
    page.get_by_text(re.compile(r"Confidence along the chain, \d+ before and \d+ after")).wait_for()
    assert real(page.problems) == []


def page_sequence(run_id: str) -> str:
    """The sequence of a made run."""
    text = Library().only(run_id, "input", "input").read_text()
    return "".join(text.splitlines()[1:])
