"""Runs for the stem player, and the page that shows them one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.songs.music import for_player
from tests.support.browser import Harness, RunFolder
from tests.support.stem_player import SHORT, Player, noise, sine

MUSIC = for_player(
    {
        "tempo": {"bpm": 120.0, "confidence": 0.9},
        "key": {"name": "A minor", "fit": 0.8, "runner_up": "C major", "margin": 0.01},
        "beats": [0.5 * beat for beat in range(14)],
        "beats_sure": 0.95,
        "first_bar": 0,
        "beats_a_bar": 4,
        "bars_sure": 0.1,
        "chords": [
            {"start": 0.0, "end": 3.0, "name": "Am", "sure": 0.9},
            {"start": 3.0, "end": 6.0, "name": "F", "sure": 0.3},
        ],
    }
)


@pytest.fixture(scope="package")
def runs(harness: Harness) -> Path:
    """Two lanes that cancel, a sine, and a plain song, each with several borders and a short last segment."""
    folder = harness.player_runs
    frames = 5 * SHORT + 12345
    opposite = RunFolder(folder / "opposite", SHORT, frames=frames)
    one = noise(frames) + 0.3 * sine(frames)
    opposite.add("one", one)
    opposite.add("other", -one)
    opposite.tell()
    tone = RunFolder(folder / "tone", SHORT, frames=frames)
    tone.add("tone", sine(frames))
    tone.tell()
    song = RunFolder(folder / "song", SHORT, frames=frames, title="Evening train", kinds={"original": "mix"})
    for seed, name in enumerate(("vocals", "drums", "everything but vocals")):
        song.add(name, noise(frames, seed) * 0.5)
    song.add("original", sine(frames))
    song.tell()
    beats = RunFolder(folder / "beats", SHORT, frames=frames)
    beats.add("vocals", sine(frames))
    beats.tell(music=MUSIC)
    return folder


RESET = """async (el) => {
  const p = el.stemPlayer;
  p.setLoop(null);
  p.stop();
  Object.assign(p.mixer, { gains: {}, pans: {}, source: "stems" });
  p.mixer.muted.clear();
  p.mixer.solo.clear();
  p.setPace(1, 0);
  p.setPicture("waveform");
  p.help.hidden = true;
  localStorage.clear();
  p.exports.format.selectedIndex = 0;
  p.timeline.fit();
  p.mixed();
}"""


@pytest.fixture(scope="package")
def shared(chromium: Any, harness: Harness, runs: Path) -> Iterator[Player]:
    """One page for the tests of this folder: it shows one run after the other in one component, as a studio's does.

    It is closed after them, because an open page keeps its server at work.
    """
    page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(harness.page("player", run="song"))
    page.locator(".player").wait_for(timeout=90_000)
    yield Player(page, problems)
    page.context.close()


@pytest.fixture
def opened(shared: Player) -> Iterator[Callable[..., Player]]:
    """Shows a run as it is when it is opened; afterwards there must be nothing wrong on the console."""
    shared.page.set_viewport_size({"width": 1280, "height": 900})

    def open_run(run: str, wait: bool = True) -> Player:
        shared.root.evaluate(RESET)
        field = shared.page.get_by_label("Run")
        if field.input_value() != run:
            field.fill(run)
            field.press("Enter")
            shared.until(f"p.run === '{run}'")
        if wait:
            shared.until("e.segments.ready.size > 0")
        return shared

    yield open_run
    problems = shared.problems.copy()
    shared.problems.clear()
    assert not problems


@pytest.fixture
def song(opened: Callable[..., Player]) -> Player:
    return opened("song")
