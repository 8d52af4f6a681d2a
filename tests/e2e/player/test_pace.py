"""The stem player in a real browser at another speed and in another key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.browser import Harness
from tests.support.stem_player import HERTZ, RATE, SHORT, Player

pytestmark = pytest.mark.browser


def level(heard: np.ndarray, hertz: float) -> float:
    """The amplitude of one frequency in (T,), and nothing beside it."""
    window = np.hanning(len(heard)) / np.hanning(len(heard)).mean()
    return float(2 * abs(np.mean(window * heard * np.exp(-2j * np.pi * hertz * np.arange(len(heard)) / RATE))))


@pytest.mark.slow
@pytest.mark.parametrize(("speed", "semitones"), [(0.5, 0), (1.5, 0), (1.0, 12), (0.75, -7)])
def test_a_tone_keeps_its_pitch_at_another_speed_and_has_another_one_in_another_key(
    opened: Callable[..., Player], speed: float, semitones: int
) -> None:
    player = opened("tone")
    player.get(f"p.setPace({speed}, {semitones})")
    heard = player.render(0, 2 * RATE)[0]
    hertz = HERTZ * 2 ** (semitones / 12)
    inner = heard[RATE // 2 :]  # over a border between segments
    assert level(inner, hertz) == pytest.approx(0.4, rel=0.02)
    rest = np.sqrt(max(0.0, np.mean(inner**2) - level(inner, hertz) ** 2 / 2))
    assert rest < 0.02
    if semitones or speed != 1.0:
        assert level(inner, HERTZ * speed) < 0.01 or semitones
    assert (
        player.page.get_by_label("Speed", exact=True).get_attribute("aria-valuetext") == f"{round(100 * speed)} percent"
    )


@pytest.mark.slow
def test_half_speed_is_heard_at_half_speed_and_back_again_without_a_jump(opened: Callable[..., Player]) -> None:
    player = opened("tone")
    player.load_all()
    player.get(f"p.setLoop({{ start: 0, end: {4 * SHORT} }}, true)")  # a busy machine is not to reach the end
    player.press("Space")
    player.until("e.pieces.length > 0")
    player.press(*["["] * 10)
    player.until("e.speed === 0.5 && e.pieces.length > 1 && e.pieces.at(-1).speed === 0.5")
    assert player.get("Math.abs(e.ratio() - 2) < 1e-9 && e.graph.ratio === 2")
    # Each piece goes on in the song where the one before it ended, but for where the loop begins anew.
    ends = "e.pieces.slice(1).map((one, i) => one.from - (e.pieces[i].from + e.pieces[i].length * e.pieces[i].speed))"
    assert all(abs(gap) < 2 or abs(gap + 4 * SHORT) < 2 for gap in player.get(ends))
    at, frame = player.get("[e.pieces.at(-1).at, e.pieces.at(-1).from]")
    assert player.get(f"e.songFrame({at} + 1000)") == pytest.approx(frame + 500, abs=1)
    player.page.get_by_role("button", name="As the song").click()
    player.until("e.graph.ratio === 1 && e.pieces.at(-1).speed === 1")
    assert all(abs(gap) < 2 or abs(gap + 4 * SHORT) < 2 for gap in player.get(ends))
    assert player.get("e.state") == "playing"


@pytest.mark.slow
def test_without_an_audio_worklet_the_song_plays_as_it_is_and_the_page_says_so(
    page: Any, harness: Harness, runs: Path
) -> None:
    """A plain http address of a local network has none. The page is this test's own: what lacks once lacks for good."""
    page.add_init_script("Object.defineProperty(BaseAudioContext.prototype, 'audioWorklet', { value: undefined })")
    page.goto(harness.page("player", run="tone"))
    player = Player(page, page.problems)
    player.root.wait_for(timeout=90_000)
    player.load_all()
    player.get("p.setPace(0.5, 0)")
    player.press("Space")
    player.until("e.state === 'playing' && e.position() > 1000")
    assert player.get("e.speed === 1 && e.ratio() === 1")
    player.page.get_by_text("cannot change the speed or the key here").first.wait_for()


@pytest.mark.slow
def test_pace_and_rate_travel_in_the_download_and_in_the_state(song: Player) -> None:
    player = song
    assert player.get("p.exports.url()").endswith(
        "format=wav24&gains=vocals:0.0,drums:0.0,everything%20but%20vocals:0.0"
    )
    player.press("{", "{", "[")
    url = player.get("p.exports.url()")
    assert "speed=0.95" in url and "semitones=-2" in url
    assert player.get("[p.snapshot().speed, p.snapshot().semitones]") == [0.95, -2]
    panel = player.page.get_by_role("region", name="Speed and key")
    assert "2 semitones lower" in panel.inner_text() and "95 %" in panel.inner_text()
    player.page.get_by_role("button", name="A semitone higher").click()
    assert "1 semitone lower" in panel.inner_text()
