"""The camera of the pictures page in a browser whose camera is a file: live answers, holding to record, and drops."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluation.synthetic.pictures import shots
from tests.support.browser import FLAGS, SLOW_MS, Studio, real
from tests.support.camera import leaf, with_camera

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def page(studio: Studio, playwright_driver: Any, chromium_path: str, tmp_path: Path) -> Iterator[Any]:
    """The sample project, taught, in a browser whose camera shows a leaf for ever."""
    browser = with_camera(playwright_driver, chromium_path, FLAGS, tmp_path / "camera.y4m", leaf())
    opened = browser.new_page(viewport={"width": 1280, "height": 1000})
    opened.set_default_timeout(SLOW_MS)
    opened.problems = []
    opened.on("console", lambda line: opened.problems.append(line.text) if line.type == "error" else None)
    opened.on("pageerror", lambda error: opened.problems.append(str(error)))
    opened.goto(f"{studio.address}/pictures")
    opened.get_by_role("button", name="Try the sample pictures").click()
    opened.get_by_text("examples are recognised").first.wait_for()
    yield opened
    assert real(opened.problems) == []
    browser.close()


def test_what_is_held_up_is_named_and_a_held_class_is_recorded(page: Any) -> None:
    from playwright.sync_api import expect

    page.get_by_text("Camera", exact=True).first.click()
    page.get_by_role("button", name="Start the camera").click()
    verdict = page.locator(".camera .verdict")
    expect(verdict).to_have_text(re.compile("leaf|none of these"))
    leaf = page.get_by_role("button", name="Hold to record leaf")
    expect(leaf).to_contain_text("6 examples")
    leaf.scroll_into_view_if_needed()
    leaf.hover()
    page.mouse.down()
    expect(leaf).to_contain_text(re.compile("[1-9] recorded"))
    page.mouse.up()
    expect(page.locator(".camera .note")).to_have_text(re.compile(r"\d+ pictures? recorded\."))
    expect(leaf).to_contain_text(re.compile(r"([7-9]|\d\d) examples"))
    page.get_by_role("button", name="Stop the camera").click()


def test_files_and_a_folder_are_given_to_a_class_and_several_folders_are_refused(page: Any, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    folder = tmp_path / "new leaves"
    folder.mkdir()
    for number, shot in enumerate(shots("leaf", 2, seed=31)):
        (folder / f"leaf {number}.png").write_bytes(shot.png())
    (folder / ".DS_Store").write_bytes(b"mac")
    (folder / "notes.txt").write_text("no picture")
    strip = page.locator(".drop").filter(has=page.get_by_role("group", name="Examples of leaf"))
    strip.locator("input[webkitdirectory]").set_input_files(folder)
    expect(strip.get_by_role("status")).to_contain_text("2 added.")
    expect(strip.get_by_role("status")).to_contain_text("notes.txt")
    expect(page.get_by_role("listbox", name="Examples of leaf").get_by_role("option")).to_have_count(8)

    both = tmp_path / "both"
    for kind in ("ball", "star"):
        (both / kind).mkdir(parents=True)
        (both / kind / "one.png").write_bytes(shots(kind, 1, seed=32)[0].png())
    strip.locator("input[webkitdirectory]").set_input_files(both)
    expect(strip.get_by_role("status")).to_contain_text("this is one class, so nothing was added")
    expect(page.get_by_role("listbox", name="Examples of leaf").get_by_role("option")).to_have_count(8)
