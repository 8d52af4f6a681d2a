"""Evidence in a real browser: a dot leads to its unit and on to the workbench; the report opens from the disk."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from evaluation.studies.store import StudyFolder
from tests.support.browser import ROOT, SLOW_MS, Studio, choose_point

REPORT = ROOT / "docs" / "report"


@pytest.mark.browser
def test_a_dot_leads_to_the_song_at_its_worst_second(studio: Studio, page: Any) -> None:
    shutil.copytree(REPORT / "studies" / "songs-samples", studio.log.parent / "studies" / "songs", dirs_exist_ok=True)
    page.goto(f"{studio.address}/evidence?study=songs")
    page.get_by_text("Unit by unit", exact=True).click()
    button = page.get_by_role("button", name=re.compile(r"^Open at second|Open at second \d")).first
    choose_point(page, 0, button.is_visible)
    button.click()
    page.wait_for_url(re.compile(r"/songs\?.*run=.*at=\d"), timeout=SLOW_MS)
    page.get_by_role("heading", name=re.compile("mix")).wait_for(timeout=SLOW_MS)


def open_first_dot(studio: Studio, page: Any, study: str, button: str, leads_to: str) -> int:
    """Choose a dot of a study of the report, and open the unit with the model whose button says `button`; its place on
    the page that it leads to."""
    shutil.copytree(REPORT / "studies" / study, studio.log.parent / "studies" / study, dirs_exist_ok=True)
    page.goto(f"{studio.address}/evidence?study={study}")
    page.get_by_text("Unit by unit", exact=True).click()
    opens = page.get_by_role("button", name=re.compile(button)).last
    choose_point(page, 0, opens.is_visible)
    opens.click()
    page.wait_for_url(re.compile(rf"/{leads_to}\?.*run=.*at=\d"), timeout=SLOW_MS)
    return int(re.search(r"at=(\d+)", page.url).group(1))


def until(page: Any, expression: str) -> None:
    """Wait until an expression of the workbench `el` holds, whatever the page around it draws anew."""
    bench, end = page.locator(".bench").first, time.monotonic() + SLOW_MS / 1000
    bench.wait_for(timeout=SLOW_MS)
    while not bench.evaluate(f"(el) => {{ try {{ return {expression}; }} catch {{ return false; }} }}"):
        assert time.monotonic() < end, f"never: {expression}"
        page.wait_for_timeout(100)


@pytest.mark.browser
def test_a_dot_leads_to_the_clip_at_its_worst_frame(studio: Studio, page: Any) -> None:
    place = open_first_dot(studio, page, "videos-samples", r"Open at frame \d", "videos")
    until(page, f"el.matteWorkbench.frame === {place}")


@pytest.mark.browser
def test_a_dot_leads_to_the_fold_at_its_worst_residue(studio: Studio, page: Any) -> None:
    place = open_first_dot(studio, page, "proteins-samples", r"Open at residue \d", "proteins")
    until(page, f"el.workbench.selection.sorted().join() === '{place}'")


@pytest.mark.browser
def test_a_running_study_narrows_while_it_is_watched(studio: Studio, page: Any) -> None:
    """Another process writes rows: the page, never reloaded, gets an interval as soon as there are units enough."""
    folder = studio.log.parent / "studies" / "narrowing"
    whole = StudyFolder(REPORT / "studies" / "songs-samples")
    store, units = StudyFolder(folder), [unit for unit, _ in (whole.about() or {})["units"]]
    table = whole.table().to_pylist()

    def measure(count: int) -> None:
        with store.writing():
            for row in {(row["part_key"]): row for row in table if row["unit"] in units[:count]}.values():
                store.add(row["part_key"], [each for each in table if each["part_key"] == row["part_key"]])
        done = len(store.keys())
        store.note_progress(
            {"state": "running", "done": done, "total": 32, "rate": 1.0, "left": 32.0 - done, "updated": time.time()}
        )

    folder.mkdir(parents=True)
    shutil.copyfile(whole.path / "study.json", folder / "study.json")
    measure(3)
    page.goto(f"{studio.address}/evidence?study=narrowing")
    headline = page.get_by_text(re.compile("^By SI-SDR · vocals the best of"))
    headline.wait_for(timeout=SLOW_MS)
    assert re.search(r" dB\. |No test", headline.inner_text()) and " to " not in headline.inner_text()
    measure(len(units))
    page.get_by_text(re.compile(r"^By SI-SDR · vocals .* dB \(.* to .*\)")).wait_for(timeout=SLOW_MS)
    page.get_by_text("the intervals narrow").wait_for(timeout=SLOW_MS)
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.browser
def test_the_report_opens_from_the_disk_without_a_network(chromium: Any, tmp_path: Path) -> None:
    shutil.copyfile(REPORT / "report.html", tmp_path / "report.html")
    context = chromium.new_context(offline=True)
    page, faults = context.new_page(), []
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto((tmp_path / "report.html").as_uri())
    assert page.get_by_role("heading", level=1).inner_text() == "What the models at hand can do, and how sure that is"
    assert page.locator("figure svg").count() > 10
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert faults == []
    context.close()
