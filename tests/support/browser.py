"""Chromium's flags, the processes that browser tests talk to, and runs as the stem player finds them."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import urlencode

import numpy as np
import psutil
import soundfile

from evaluation.synthetic.clip import make_clip, write_clip
from evaluation.synthetic.song import make_song, write_sample
from studio.samples import VERSION
from studio.songs.sample import FOLDER as SONG
from studio.videos.sample import FOLDER as CLIP
from tests.support.waiting import PATIENCE, answers, wait_for
from viz.separation.tiles import encode_tile

ROOT = Path(__file__).resolve().parents[2]


FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
]
SOFTWARE_WEBGL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
WEBGL_FLAGS = [*(flag for flag in FLAGS if flag != "--disable-gpu"), *SOFTWARE_WEBGL]


GAIN = 0.5


RATE = 44100


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Harness:
    """The app of `tests/e2e/harness`: its folder, its home with a library, its address and its process."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.log = folder, folder / "home", folder / "server.log"
        self.player_runs = folder / "player"
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        command = [sys.executable, str(ROOT / "tests" / "e2e" / "harness" / "serve.py"), str(folder), str(port)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, "FOURFOLD_HOME": str(self.home)}, stdout=log, stderr=log
            )
        wait_for(self.up, 2 * PATIENCE)

    def up(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return answers(f"{self.address}/_stcore/health")

    def page(self, component: str, **query: str) -> str:
        """The address at which a component is shown."""
        return f"{self.address}/?{urlencode({'component': component, **query})}"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)


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


SLOW_MS = 240_000
"""How long to wait for what a model server works on."""

TEST_SECONDS = 600
"""The time limit of a browser test: longer than its waits, so that one that waits in vain ends with what its page
showed."""

SONG_SECONDS = 12.0


@cache
def _short_song() -> Path:
    """The sample song, cut short: long enough to see it being worked on. It is made once a process."""
    folder = Path(mkdtemp(prefix="fourfold-test-song-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_sample(folder, make_song(SONG_SECONDS))
    return folder


def _write_small_samples(home: Path) -> None:
    """A short song and four small frames in place of the samples that the studio would draw for a minute."""
    song, clip = (home / "samples" / f"{sample.name}-{VERSION}" for sample in (SONG, CLIP))
    shutil.copytree(_short_song(), song)
    clip.mkdir(parents=True)
    write_clip(make_clip(1.0, 160, 120, 4), clip / "clip.mp4", clip / "alpha.mkv")


class Studio:
    """A running studio: its address, its process, and what it has printed."""

    def __init__(self, home: Path, port: int = 0) -> None:
        port = port or free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.log = home / "studio.log"
        _write_small_samples(home)
        environment = {**os.environ, "FOURFOLD_HOME": str(home), "FOURFOLD_WEIGHTS": str(home / "weights")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "studio"],
                cwd=ROOT,
                env={**environment, "PORT": str(port), "HOST": "", "FOURFOLD_DEVICE": "cpu"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_for(self.up, 2 * PATIENCE)

    def up(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return answers(f"{self.address}/healthz")

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(PATIENCE)


def choose_point(page: Any, number: int, seen: Callable[[], bool]) -> None:
    """Click on a point of the first plot until its choice is seen.

    A plot is drawn before the page hears its clicks, and drawn anew when the page around it goes on.
    """
    point = page.locator(".js-plotly-plot").first.locator(".scatterlayer .point").nth(number)
    point.wait_for(state="attached", timeout=SLOW_MS)
    end = time.monotonic() + SLOW_MS / 1000
    while not seen():
        assert time.monotonic() < end, "the point was clicked and nothing followed"
        point.click(force=True)
        page.wait_for_timeout(3_000)


def outside(url: str) -> bool:
    return not re.match(r"(http|ws)://127\.0\.0\.1[:/]|data:|blob:", url)


def real(problems: list[str]) -> list[str]:
    """Streamlit looks for its own base path by asking addresses that do not exist; those 404s are no problem."""
    return [problem for problem in problems if "404 (Not Found)" not in problem]
