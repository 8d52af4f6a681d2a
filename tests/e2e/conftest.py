"""A real Chromium for the browser tests, and a small Streamlit app that serves runs made by the tests."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from viz.separation.tiles import encode_tile

HERE = Path(__file__).parent
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
GAIN = 0.5
RATE = 44100


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """A browser test that failed says what its page showed and what the studio printed."""
    report = yield
    if report.when == "call" and report.failed:
        used = getattr(item, "funcargs", {})
        if "page" in used:
            report.sections.append(("the page", used["page"].inner_text("body")))
        if "studio" in used:
            report.sections.append(("the studio's log", used["studio"].log.read_text()[-8000:]))
    return report


@pytest.fixture(scope="session")
def playwright_driver() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium_path(playwright_driver: Any) -> str:
    """Where Chromium is: `$CHROMIUM`, the system's, or playwright's own; skips where there is none."""
    named = os.environ.get("CHROMIUM")
    found = [named] if named else [path for path in map(shutil.which, NAMES) if path]
    bundled = playwright_driver.chromium.executable_path
    path = next((one for one in [*found, bundled] if one and Path(one).exists()), None)
    if path is None:
        pytest.skip("no Chromium found: install one or set CHROMIUM to its path")
    return path


@pytest.fixture(scope="session")
def chromium(playwright_driver: Any, chromium_path: str) -> Iterator[Any]:
    """A running Chromium."""
    browser = playwright_driver.chromium.launch(executable_path=chromium_path, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def player_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of the harness app and the folder of the runs that it shows."""
    runs = tmp_path_factory.mktemp("runs")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, str(HERE / "player" / "serve.py"), str(runs), str(port)]
    log = (runs / "server.log").open("wb")
    process = subprocess.Popen(command, cwd=HERE.parent.parent, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        _await(lambda: _healthy(f"{address}/_stcore/health", process, runs / "server.log"), 120)
        yield address, runs
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def _healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _await(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not so after {seconds} s"
        time.sleep(0.1)


class RunFolder:
    """Writes a run as the studio stores it: 16-bit FLAC segments scaled by `GAIN`, tiles, and what is known of it."""

    def __init__(self, folder: Path, segment_frames: int, **facts: Any) -> None:
        self.folder = folder
        self.segment_frames = segment_frames
        self.facts = {"title": "A song", "live": False, "frames": None, "kinds": {}, "pan": False, **facts}
        self.counts: dict[str, int] = {}

    def add(self, lane: str, samples: np.ndarray) -> None:
        """Appends `samples` (2, T), cut into segments; only the last call for a lane may end with a short one."""
        (self.folder / lane).mkdir(parents=True, exist_ok=True)
        for start in range(0, samples.shape[1], self.segment_frames):
            part = samples[:, start : start + self.segment_frames].astype(np.float32)
            path = self.folder / lane / f"{self.counts.get(lane, 0)}.flac"
            soundfile.write(path, part.T * GAIN, RATE, subtype="PCM_16")
            path.with_suffix(".tile").write_bytes(encode_tile(part, RATE, self.segment_frames))
            self.counts[lane] = self.counts.get(lane, 0) + 1

    def tell(self, **facts: Any) -> None:
        """Makes what is there known to the page, at once."""
        self.facts.update(facts)
        told = {**self.facts, "segment_frames": self.segment_frames, "counts": self.counts, "gain": GAIN}
        new = self.folder / "run.new"
        new.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps(told))
        new.replace(self.folder / "run.json")
