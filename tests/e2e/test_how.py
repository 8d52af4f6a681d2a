"""The training lab in a real browser: rewound, fed by hand, and saved as a file that trains without a network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import SLOW_MS, Harness, real
from tests.support.waiting import wait_for

PATIENCE = SLOW_MS / 1000


def state(page: Any) -> dict[str, str]:
    """What the lab says of itself: step, fingerprint of the weights, divergence, ceiling, modes."""
    return dict(page.locator(".lab").evaluate("lab => ({ ...lab.dataset })"))


def step(page: Any) -> int:
    return int(state(page).get("step") or -1)


def play_to(page: Any, least: int) -> dict[str, str]:
    """Plays to at least that step; what the lab says once it rests."""
    page.locator(".lab").focus()
    page.keyboard.press("Space")
    wait_for(lambda: step(page) >= least, PATIENCE)
    page.keyboard.press("Space")
    wait_for(lambda: state(page)["fingerprint"] != "", PATIENCE)
    return state(page)


@pytest.mark.slow
@pytest.mark.browser
def test_training_is_rewound_by_its_seed_shared_by_its_address_and_saved_as_a_file(
    harness: Harness, page: Any, tmp_path: Path, chromium: Any
) -> None:
    page.goto(harness.page("lab", family="gan"))
    wait_for(lambda: step(page) == 0, PATIENCE)
    untrained = state(page)["fingerprint"]
    there = play_to(page, 30)
    page.keyboard.press("Home")
    wait_for(lambda: state(page)["fingerprint"] == untrained and step(page) == 0, PATIENCE)
    page.get_by_label("Training step").fill(there["step"])
    wait_for(lambda: state(page)["step"] == there["step"] and state(page)["fingerprint"] != "", PATIENCE)
    assert state(page)["fingerprint"] == there["fingerprint"] != untrained
    page.get_by_text(f"ring~1~{there['step']}~~0~gan").wait_for()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save as one file").click()
    file = tmp_path / "lab.html"
    saving.value.save_as(file)
    assert real(page.problems) == []
    _trains_alone(file, chromium, there)


def _trains_alone(file: Path, chromium: Any, there: dict[str, str]) -> None:
    """The file opens from the disk, offline, at the same weights, and goes on."""
    context = chromium.new_context(offline=True, viewport={"width": 390, "height": 800}, reduced_motion="reduce")
    alone, problems = context.new_page(), []
    alone.on("pageerror", lambda error: problems.append(str(error)))
    alone.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    alone.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else problems.append(r.url))
    alone.goto(file.as_uri())
    alone.locator(".lab").wait_for()
    wait_for(lambda: state(alone).get("fingerprint") == there["fingerprint"], PATIENCE)
    assert int(play_to(alone, int(there["step"]) + 10)["step"]) > int(there["step"])
    assert alone.evaluate("document.documentElement.scrollWidth") <= 390
    assert problems == []
    context.close()


@pytest.mark.slow
@pytest.mark.browser
def test_what_is_drawn_by_hand_is_learned(harness: Harness, page: Any) -> None:
    page.goto(harness.page("lab", family="diffusion"))
    wait_for(lambda: step(page) == 0, PATIENCE)
    page.get_by_role("button", name="Draw or paste").click()
    canvas = page.get_by_label("Draw your points here")
    box = canvas.bounding_box()
    for x, y in ((0.2, 0.2), (0.75, 0.7)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + (x + 0.1) * box["width"], box["y"] + y * box["height"], steps=12)
        page.mouse.up()
    page.get_by_role("button", name="Learn this", exact=True).click()
    page.get_by_text("Drawn by you:").wait_for()
    wait_for(lambda: state(page).get("divergence", "") != "", PATIENCE)
    before = float(state(page)["divergence"])
    after = play_to(page, 150)
    assert float(after["divergence"]) < 0.8 * min(before, float(after["ceiling"]))
    assert real(page.problems) == []


@pytest.mark.slow
@pytest.mark.browser
def test_the_code_of_the_vae_is_moved_by_keys_and_each_step_of_the_story_is_read_aloud(
    harness: Harness, page: Any
) -> None:
    page.goto(harness.page("lab", family="vae", lab="ring~1~150~~0~vae"))
    wait_for(lambda: step(page) == 150 and state(page)["fingerprint"] != "", PATIENCE)
    spoken = page.locator(".lab .spoken")
    plane = page.get_by_label("The plane of codes")
    said = set()
    for key, place in (("ArrowRight", "0.9, 0.5"), *[("ArrowUp", f"0.9, {k / 10}") for k in (6, 7, 8, 9)]):
        plane.press(key)
        wait_for(lambda place=place: f"Code {place} becomes the point" in spoken.inner_text(), PATIENCE)
        said.add(spoken.inner_text().partition("becomes")[2])
    assert len(said) >= 2, "another code, another point"
    titles = []
    for _ in range(3):
        page.locator(".lab").press("PageDown")
        titles.append(page.locator(".lab .story h3").inner_text())
        wait_for(lambda: spoken.inner_text().startswith(titles[-1]), PATIENCE)
    assert titles == ["Drag the code", "A code has its price", "New points"]
    assert real(page.problems) == []


@pytest.mark.slow
@pytest.mark.browser
def test_three_families_get_the_same_seconds_and_are_measured_between_floor_and_ceiling(
    harness: Harness, page: Any
) -> None:
    page.goto(harness.page("lab", family="side"))
    page.get_by_label("Seconds of computing").select_option("5")
    page.get_by_role("button", name="Play", exact=True).click()
    page.locator(".table table").wait_for(timeout=2 * SLOW_MS)
    heads = page.locator(".three figcaption small").all_inner_texts()
    told = [re.fullmatch(r"([\d,]+) steps in ([\d.]+) s", head) for head in heads]
    trained, seconds = zip(*((int(words[1].replace(",", "")), float(words[2])) for words in told if words), strict=True)
    assert len(trained) == 3 and min(trained) > 20
    assert min(seconds) >= 5 and max(seconds) < 2 * min(seconds), "a step that has begun is ended"
    rows = [row.locator("th, td").all_inner_texts() for row in page.locator(".table tbody tr").all()]
    table = {title: [cell.split()[0] for cell in cells] for title, *cells in rows}
    *families, floor, ceiling = (float(value) for value in table["Divergence"])
    assert floor < min(families) < ceiling
    assert page.locator(".table tbody tr").first.locator(".best").count() == 1
    *_, real_points, bell = table["Reached"]
    assert (real_points, bell) == ("8", "0")
    assert table["Bound on the likelihood"][0] == "has" and table["Bound on the likelihood"][1] == "≥"
    assert "of computing each: the mean of three draws" in page.locator(".table p").inner_text()
    assert real(page.problems) == []
