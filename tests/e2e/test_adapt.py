"""Pictures chosen in a real browser are learned from in a process of their own; what came of it is installed or not."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock
from playwright.sync_api import expect

from backends.core.adapting import LOCK, STOP, Standing, folder_of_training, write_standing
from studio.adapt.trainings import ABOUT, MATERIAL
from tests.support.browser import SLOW_MS, Studio, real
from tests.support.fewshot_networks import clip_folder
from tests.support.pictures import colour_pictures
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BASE = "tiny-clip"
COLOURS = {"cat": (200, 30, 30), "car": (30, 30, 200), "cathedral": (30, 190, 40)}
EACH, SIDE = 12, 32
APART = len(COLOURS) * EACH // 3


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio of this module's own, since what is installed is on the lists of every page; it has a tiny CLIP."""
    home = tmp_path_factory.mktemp("adapting")
    clip_folder(home / "weights" / "yours" / "fewshot" / BASE)
    running = Studio(home)
    yield running
    running.stop()


@pytest.fixture
def weights(own: Studio) -> Iterator[Path]:
    """The folder of that studio's weights. No training, and nothing that came of one, is left to the next test."""
    folder = own.log.parent / "weights"
    yield folder
    left = [process for process in own.children() if "adapt" in process.cmdline()]
    for process in left:
        process.kill()
    psutil.wait_procs(left)
    shutil.rmtree(folder / "adapting", ignore_errors=True)
    for model in (folder / "yours" / "fewshot").iterdir():
        if model.name != BASE:
            shutil.rmtree(model)


def open_page(page: Any, own: Studio) -> None:
    page.goto(f"{own.address}/adapt?task=fewshot")
    expect(page.get_by_role("heading", name="Adapt a model", exact=True)).to_be_visible(timeout=SLOW_MS)


def button(page: Any, what: str, name: str) -> Any:
    """Of one training: `what` is "stop", "go-on" or "forget". Streamlit draws one with a help twice and hides one."""
    return page.locator(f".st-key-{what}-fewshot-{name}").get_by_role("button")


def test_a_training_is_watched_stopped_taken_up_refused_and_forgotten(own: Studio, weights: Path, page: Any) -> None:
    """The first half of it is one from a terminal: this test notes what its process would."""
    folder = folder_of_training(weights, "fewshot", "chance")
    colour_pictures(folder / MATERIAL, COLOURS, EACH, mixed=True, side=SIDE)
    (folder / ABOUT).write_text(f"yours/{BASE} 1")

    def note(**what: Any) -> None:
        write_standing(folder, Standing(task="fewshot", name="chance", stage="Learning", total=10, **what))

    with FileLock(folder / LOCK):
        note(done=3, left=90.0)
        open_page(page, own)
        expect(page.get_by_text("Learning: 3 of 10, about 1 min 30 s left")).to_be_visible(timeout=SLOW_MS)
        note(done=4)
        expect(page.get_by_text("Learning: 4 of 10")).to_be_visible(timeout=SLOW_MS)
        button(page, "stop", "chance").click()
        wait_for((folder / STOP).exists, SLOW_MS / 1000)
        expect(button(page, "stop", "chance")).to_be_disabled(timeout=SLOW_MS)
        expect(button(page, "stop", "chance")).to_contain_text("Stopping…", timeout=SLOW_MS)
        note(done=5, state="stopped", sentence="Stopped after 5.")
    expect(page.get_by_text("Stopped after 5.")).to_be_visible(timeout=SLOW_MS)

    button(page, "go-on", "chance").click()
    expect(page.get_by_text("It is not installed, because")).to_contain_text(
        re.compile(rf"On {APART} pictures kept apart: right by words alone .*95 % interval"), timeout=SLOW_MS
    )
    expect(page.get_by_text("chance · Teach with a few pictures · did not become better")).to_be_visible()
    assert [path.name for path in (weights / "yours" / "fewshot").iterdir()] == [BASE]

    button(page, "forget", "chance").click()
    wait_for(lambda: not folder.exists(), SLOW_MS / 1000)
    expect(button(page, "forget", "chance")).to_have_count(0, timeout=SLOW_MS)
    assert real(page.problems) == []


def test_what_became_better_is_a_model_to_begin_from(own: Studio, weights: Path, page: Any, tmp_path: Path) -> None:
    open_page(page, own)
    base = page.get_by_role("combobox", name=re.compile("Begin from"))
    base.click(timeout=SLOW_MS)  # when the model server has told what there is
    page.get_by_role("option", name=BASE, exact=True).click()
    expect(base).to_have_value(BASE, timeout=SLOW_MS)
    page.get_by_role("slider", name="How long it learns").press("Home")  # the fewest steps, which are enough
    page.locator('input[type="file"]').first.set_input_files(
        colour_pictures(tmp_path / "things", COLOURS, EACH, side=SIDE)
    )
    expect(page.get_by_role("button", name="Teach it")).to_be_enabled(timeout=SLOW_MS)
    page.get_by_label("Call it").fill("colours")
    page.get_by_role("button", name="Teach it").click()  # which leaves the field, as people do

    told = page.get_by_text(re.compile(rf"On {APART} pictures kept apart: right by words alone .*% after, better by"))
    expect(told).to_contain_text(re.compile(r"95 % interval \d.* to \d.*It is on the list of models"), timeout=SLOW_MS)
    expect(page.get_by_text("colours · Teach with a few pictures · became better")).to_be_visible()
    expect(page.get_by_role("cell", name="right by words alone")).to_be_visible()
    assert (folder_of_training(weights, "fewshot", "colours") / ABOUT).read_text() == f"yours/{BASE} 10"
    files = {path.name for path in (weights / "yours" / "fewshot" / "colours").iterdir()}
    assert {"open_clip_config.json", "open_clip_model.safetensors"} <= files

    base.click()  # of the same page, which was not opened anew
    expect(page.get_by_role("option", name="colours", exact=True)).to_be_visible(timeout=SLOW_MS)
    assert real(page.problems) == []
