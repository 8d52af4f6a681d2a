"""A video in the real studio: chosen, tried, made another way, taken home and opened with its transparency."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.browser import SLOW_MS, Studio, real
from tests.support.clips import Small
from tests.support.matting import pictures_of


@pytest.mark.browser
def test_a_trial_is_made_and_its_export_has_the_persons_alpha(
    studio: Studio, page: Any, small: Small, tmp_path: Path
) -> None:
    page.goto(f"{studio.address}/videos")
    chooser = page.locator("input[type=file]").first
    chooser.wait_for(state="attached")
    chooser.set_input_files({"name": "waving.mp4", "mimeType": "video/mp4", "buffer": small.video.read_bytes()})
    page.get_by_text("WebM with alpha (VP9)").click()
    page.get_by_text("ProRes 4444 with alpha (MOV)").click()
    page.get_by_text(re.compile("3 s of video · takes .* · about 4.32 kB")).wait_for()  # of the trial, without ProRes
    page.get_by_role("button", name="Try 3 seconds first").click()
    page.get_by_role("heading", name="waving").wait_for()
    assert "run=" in page.url
    page.reload()  # The job goes on without its page, and the address finds it again.
    page.get_by_text("This was a trial of 3 s").wait_for(timeout=SLOW_MS)
    page.get_by_role("button", name="Make the whole video with these settings").wait_for()
    with page.expect_download() as waiting:
        page.get_by_role("link", name=re.compile("WebM with alpha")).click()
    waiting.value.save_as(tmp_path / "made.webm")
    assert waiting.value.suggested_filename == "waving - webm (classical).webm"
    made = pictures_of(tmp_path / "made.webm", "rgba", decoder="libvpx-vp9")  # the usual one knows no alpha in VP9
    alphas = [picture[..., 3] / 255 for picture in made]
    truths = [small.clip[index].alpha for index in range(4, 16)]  # seconds 1 to 4, four frames each
    assert len(alphas) == 12
    errors = [np.abs(alpha - truth).mean() for alpha, truth in zip(alphas, truths, strict=True)]
    shifted = [np.abs(alpha - truth[:, ::-1]).mean() for alpha, truth in zip(alphas, truths, strict=True)]
    assert np.mean(errors) < 0.08 < np.mean(shifted)  # it is this person's matte, not any
    assert not page.get_by_text("Traceback").count() and not page.get_by_text("fault of ours").count()
    assert real(page.problems) == []


MADE = re.compile(r"^− Frame \d+: not this \(click\)")
"""A correction in the list: on the frame that was shown last while the job went on."""


@pytest.mark.browser
def test_a_click_in_the_workbench_corrects_every_frame_of_the_scene(
    studio: Studio, page: Any, small: Small, tmp_path: Path
) -> None:
    """From the finished cut-out to one without the person who was clicked on, by the way a visitor goes."""
    page.set_viewport_size({"width": 1280, "height": 1400})
    page.goto(f"{studio.address}/videos")
    chooser = page.locator("input[type=file]").first
    chooser.wait_for(state="attached")
    chooser.set_input_files({"name": "nobody.mp4", "mimeType": "video/mp4", "buffer": small.video.read_bytes()})
    page.get_by_text("WebM with alpha (VP9)").click()
    page.get_by_text("ProRes 4444 with alpha (MOV)").click()
    page.get_by_role("button", name="Make the whole part").click()
    page.get_by_role("button", name="Correct this frame").click(timeout=SLOW_MS)
    first = page.url
    page.get_by_text("Dimmed is what goes. Point at it.").wait_for()
    page.get_by_role("button", name="Not this").click()
    picture = page.locator("canvas.picture")  # clicked as a locator: the page may still be finding its place
    box = picture.bounding_box()
    picture.click(position={"x": 0.47 * box["width"], "y": 0.85 * box["height"]})
    page.get_by_role("button", name=MADE).wait_for()
    page.get_by_role("button", name="Correct the video").click()
    page.wait_for_url(lambda address: "run=" in address and address != first)
    page.get_by_text("No person was found in this video").wait_for(timeout=SLOW_MS)
    with page.expect_download() as waiting:
        page.get_by_role("link", name=re.compile("WebM with alpha")).click()
    waiting.value.save_as(tmp_path / "made.webm")
    alphas = [picture[..., 3] / 255 for picture in pictures_of(tmp_path / "made.webm", "rgba", decoder="libvpx-vp9")]
    assert len(alphas) == 20 and max(alpha.mean() for alpha in alphas) < 0.01
    page.get_by_role("button", name="Correct this").first.click()
    page.get_by_role("button", name=MADE).wait_for()  # what was pointed out is remembered
    assert not page.get_by_text("Traceback").count() and not page.get_by_text("fault of ours").count()
    assert real(page.problems) == []
