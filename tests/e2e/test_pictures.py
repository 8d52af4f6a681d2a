"""Teaching with pictures in the real studio: the sample, an example more, one moved, and all of it taken home."""

from __future__ import annotations

import base64
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from evaluation.synthetic.pictures import shots
from tests.support.browser import SLOW_MS, Studio, real
from tests.support.waiting import wait_for

PASTE = """(place, data) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const clipboard = new DataTransfer();
  clipboard.items.add(new File([bytes], "image.png", { type: "image/png" }));
  place.dispatchEvent(new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true, cancelable: true }));
}"""


def score(page: Any) -> tuple[int, int]:
    """How many examples are recognised, of how many that are there; near copies count once, and are said."""
    text = page.get_by_text("examples are recognised").first.inner_text()
    found, copies = re.search(r"(\d+) of (\d+) examples", text), re.search(r"(\d+) examples? nearly the same", text)
    assert found, text
    return int(found[1]), int(found[2]) + (int(copies[1]) if copies else 0)


COUNT = """(grid) => [...grid.querySelectorAll("[role=option]")]
  .reduce((sum, one) => sum + (Number(/(\\d+) alike/.exec(one.innerText)?.[1]) || 1), 0)"""


def examples(grid: Any) -> int:
    """How many examples a grid holds: a picture that stands for near copies says how many they are."""
    return int(grid.evaluate(COUNT))


def add_two(page: Any, stars: Any) -> None:
    """One more example as a file, and one that is pasted; both are taught at once."""
    card = page.locator("[data-testid=stLayoutWrapper]").filter(has=stars)
    card.last.get_by_role("button", name="Add examples").click()
    file, copied = (picture.png() for picture in shots("star", 10)[-2:])
    page.locator("[data-testid=stFileUploader] input[type=file]").last.set_input_files(
        {"name": "my star.png", "mimeType": "image/png", "buffer": file}
    )
    wait_for(lambda: score(page)[1] == 37, 60)
    if not page.get_by_text("Paste", exact=True).count():
        card.last.get_by_role("button", name="Add examples").click()
    page.get_by_text("Paste", exact=True).click()
    place = page.get_by_role("textbox", name="Paste pictures here")
    place.click()
    place.evaluate(PASTE, base64.b64encode(copied).decode())
    wait_for(lambda: score(page)[1] == 38, 60)
    wait_for(lambda: examples(stars) == 8, 20)
    page.keyboard.press("Escape")


@pytest.mark.browser
def test_the_sample_is_taught_asked_mended_and_taken_home(studio: Studio, page: Any, tmp_path: Path) -> None:
    page.goto(studio.address)
    page.get_by_role("button", name="Try the sample pictures").click()
    page.get_by_text("examples are recognised").first.wait_for(timeout=SLOW_MS)
    assert "project=" in page.url
    page.reload()  # The project is found again by its address.
    page.get_by_text("examples are recognised").first.wait_for(timeout=SLOW_MS)
    right, total = score(page)
    assert total == 36 and right >= 27

    # Thumbnails come from the studio's own address and are really there.
    stars = page.get_by_role("listbox", name="Examples of star")
    wait_for(lambda: stars.locator("img").first.evaluate("(image) => image.naturalWidth"), 30)
    assert examples(stars) == 6

    add_two(page, stars)

    # With the keyboard: the first example is chosen and moved to another class.
    stars.get_by_role("option").first.focus()
    page.keyboard.press("Space")
    page.get_by_role("combobox", name="1 picture chosen").click()
    page.get_by_role("option", name="ball", exact=True).click()
    page.get_by_role("button", name="Move", exact=True).click()
    balls = page.get_by_role("listbox", name="Examples of ball")
    wait_for(lambda: examples(balls) == 7, 30)

    # The mix-up opens its picture, and the map is drawn.
    tabs = page.locator("[data-testid=stButtonGroup]")
    tabs.get_by_text("Mix-ups", exact=True).click()
    page.get_by_text(re.compile(r"example.? of “.*” taken for")).wait_for(timeout=SLOW_MS)
    page.get_by_role("listbox", name="Pictures of this cell").wait_for()
    tabs.get_by_text("Map", exact=True).click()
    page.get_by_text(re.compile("Map of 60 pictures")).wait_for(timeout=SLOW_MS)
    page.locator(".js-plotly-plot").first.wait_for()

    tabs.get_by_text("Take it away", exact=True).click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="The classifier (ZIP)").click()
    waiting.value.save_as(tmp_path / "classifier.zip")
    with zipfile.ZipFile(tmp_path / "classifier.zip") as bundle:
        assert {"head.npz", "classify.py", "README.md"} == set(bundle.namelist())
    with page.expect_download() as waiting:
        page.get_by_role("link", name="The whole project (ZIP)").last.click()
    waiting.value.save_as(tmp_path / "project.zip")

    # Opened again as a project of its own.
    page.goto(f"{studio.address}/pictures")
    page.locator("[data-testid=stFileUploader] input[type=file]").first.set_input_files(tmp_path / "project.zip")
    page.get_by_text("examples are recognised").first.wait_for(timeout=SLOW_MS)
    wait_for(lambda: score(page)[1] == 38, 60)
    assert not page.get_by_text("Traceback").count() and not page.get_by_text("fault of ours").count()
    assert real(page.problems) == []
