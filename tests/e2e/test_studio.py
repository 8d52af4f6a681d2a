"""The whole studio as a newcomer meets it: `python -m studio`, a real browser, the real backend, one sample song."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.browser import ROOT, SLOW_MS, Studio, real
from tests.support.waiting import PATIENCE, wait_for


@pytest.mark.browser
def test_from_the_first_page_to_the_stems_of_the_sample_song(studio: Studio, page: Any) -> None:
    page.goto(studio.address)
    page.get_by_role("button", name="Try the sample song").click()
    page.get_by_role("button", name="Cancel").wait_for()
    address = page.url
    assert "run=" in address
    page.reload()  # The job goes on without its page, and the address finds it again.
    page.get_by_role("heading", name="Sample song").wait_for()
    page.get_by_text("The whole song", exact=True).wait_for(timeout=SLOW_MS)
    lanes = page.get_by_role("group", name=re.compile("vocals", re.I))
    assert lanes.count() >= 1
    page.get_by_text("Compare with true stems").click()
    page.get_by_text("SI-SDR vocals").wait_for(timeout=SLOW_MS)
    page.get_by_text("See the sound").click()
    page.locator(".js-plotly-plot").first.wait_for(timeout=SLOW_MS)
    assert not page.get_by_text("Traceback").count() and not page.get_by_text("fault of ours").count()
    assert real(page.problems) == []


@pytest.mark.browser
def test_a_page_opened_first_by_its_own_address_has_its_frame(studio: Studio, page: Any) -> None:
    page.goto(f"{studio.address}/songs")
    page.get_by_role("heading", name="Split a song into stems").wait_for()
    page.get_by_role("link", name="Home", exact=True).wait_for()
    assert page.get_by_role("link", name="app", exact=True).count() == 0


@pytest.mark.browser
def test_bad_input_is_a_sentence_on_the_page(studio: Studio, page: Any) -> None:
    page.goto(f"{studio.address}/songs")
    chooser = page.locator("input[type=file]").first
    chooser.wait_for(state="attached")
    chooser.set_input_files({"name": "tune.mp3", "mimeType": "audio/mpeg", "buffer": b"this is only text" * 50})
    page.get_by_text(re.compile("choose a", re.I)).first.wait_for()
    assert page.get_by_role("button", name="Split the song").is_disabled()
    assert not page.get_by_text("Traceback").count()


@pytest.mark.browser
def test_a_file_that_is_too_large_is_not_sent_and_refused_in_our_words(
    studio: Studio, page: Any, tmp_path: Path
) -> None:
    with (tmp_path / "concert.wav").open("wb") as file:
        file.truncate(600_000_000)  # which takes no room on the disk
    sent: list[Any] = []
    page.on("request", lambda request: request.method == "PUT" and sent.append(request))
    page.goto(f"{studio.address}/songs")
    chooser = page.locator("input[type=file]").first
    chooser.wait_for(state="attached")
    assert not page.get_by_text("per file").filter(visible=True).count()
    chooser.set_input_files(tmp_path / "concert.wav")
    page.get_by_text("“concert.wav” is 600 MB; files of up to 500 MB can be used here.").wait_for()
    assert [int(request.all_headers()["content-length"]) < 2000 for request in sent] == [True]


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out_sideways(studio: Studio, chromium: Any, width: int) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 850})
    for place in ("", "songs", "videos", "pictures"):
        page.goto(f"{studio.address}/{place}")
        page.get_by_role("heading").first.wait_for()
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.mark.slow
def test_ctrl_c_stops_everything_it_started_and_nothing_else(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    studio = Studio(tmp_path)
    children = wait_for(studio.children)
    os.killpg(studio.process.pid, signal.SIGINT)  # as a terminal does: to everything that was started
    assert studio.process.wait(PATIENCE) in (0, -signal.SIGINT, 130)
    wait_for(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children))
    assert bystander.poll() is None
    bystander.kill()
    assert "Traceback" not in studio.log.read_text()


@pytest.mark.slow
def test_a_studio_that_is_killed_leaves_no_backend_behind(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    children = wait_for(studio.children)
    studio.process.kill()
    studio.process.wait(PATIENCE)
    wait_for(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children))


def test_a_taken_port_is_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        environment = {**os.environ, "PORT": port, "HOST": "", "FOURFOLD_HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-m", "studio"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
    assert done.returncode == 2 and f"Port {port} on 127.0.0.1 is taken" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_studio_process_never_imports_torch() -> None:
    code = (
        "import sys, studio.songs.page, studio.songs.view, studio.songs.results, studio.ui.model_picker, "
        "studio.web.routes, studio.services, studio.videos.view, studio.videos.form, studio.videos.matte_reader, "
        "viz.components.matte_workbench, viz.matting.figures, viz.components.stem_player, "
        "evaluation.metrics.separation.quality, evaluation.metrics.separation.scores, viz.separation.spectrogram, "
        "studio.pictures.view, studio.pictures.batch, studio.pictures.start, evaluation.metrics.fewshot.embedding, "
        "evaluation.metrics.fewshot.classifiers, sklearn.manifold; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.browser
def test_a_backend_that_dies_is_told_and_the_song_can_be_run_again(studio: Studio, page: Any) -> None:
    page.goto(studio.address)
    page.get_by_role("button", name="Try the sample song").click()
    page.get_by_text("Separating: ").wait_for(timeout=SLOW_MS)
    next(child for child in studio.children() if "backends" in child.cmdline()).kill()
    page.get_by_text("The model server stopped while it was working").wait_for(timeout=SLOW_MS)
    page.get_by_text(re.compile("has been started again|is being started again")).wait_for()
    page.get_by_role("button", name="Run it again").click()
    page.get_by_role("button", name="Cancel").click(timeout=SLOW_MS)
    page.get_by_text("Cancelled. The parts that were finished").wait_for(timeout=SLOW_MS)
    assert not page.get_by_text("Traceback").count()
