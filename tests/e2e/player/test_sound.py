"""The stem player in a real browser: what is heard is sample-exact."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support.stem_player import HERTZ, RATE, SHORT, Player

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_opposite_lanes_cancel_to_silence_over_borders_seeks_and_toggles(opened: Callable[..., Player]) -> None:
    player = opened("opposite")
    player.load_all()
    player.record()
    player.get(f"p.setLoop({{ start: 0, end: {4 * SHORT} }}, true)")
    player.press("Space")
    player.until(f"e.position() > {int(2.2 * SHORT)}")  # two borders
    player.press("ArrowLeft", "ArrowRight", "Home")
    # Both at once: muted and back, soloed and back, and both faders in the middle of all that.
    both = "p.data.lanes.slice(0, 2).forEach((lane) => p.mixer.toggle(p.mixer.{}, lane))"
    for step in (both.format("muted"), both.format("muted"), both.format("solo"), both.format("solo")):
        player.get(f"({step}, p.mixed())")
        player.heard_more(0.06)
    player.get("(p.mixer.gains.one = p.mixer.gains.other = -6, p.mixed())")
    player.until(f"e.position() > {int(1.2 * SHORT)}")
    silence = player.played()
    assert silence.shape[1] > 4 * RATE
    assert np.abs(silence).max() <= 1e-4  # -80 dBFS
    player.press("1")
    player.until("e.levels[0].gain === 0")
    player.heard_more(0.6)
    assert np.abs(player.played()[:, -4000:]).max() > 0.05  # a lane alone is heard
    player.press("1")
    player.heard_more(0.6)
    assert player.get("e.state") == "playing"
    assert np.abs(player.played()[:, -4000:]).max() <= 1e-4  # and silence again


def test_the_sum_is_exact(song: Player, runs: Path) -> None:
    """The mix that is played is the sum of the stored stems: no limiter, no gap, no shift."""
    import soundfile

    player = song
    start, frames = SHORT - 3000, 2 * SHORT + 6000  # three segments, two borders
    heard = player.render(start, frames)
    stems = player.get("p.mixer.stems().map((lane) => lane.name)")
    assert stems == ["vocals", "drums", "everything but vocals"]
    stored = sum(
        np.concatenate([soundfile.read(runs / "song" / name / f"{i}.flac")[0] for i in range(6)]).T for name in stems
    )
    expected = 2 * stored[:, start : start + frames]  # segments are stored at half scale
    # Chromium reads positive 16-bit samples as n / 32767 and negative ones as n / 32768: 3e-5 of each stem.
    assert np.abs(heard - expected).max() < 3e-5 * 3 * 0.2 + 1e-6


@pytest.mark.slow
def test_a_sine_has_no_seam_at_borders_loop_toggles_or_pause(opened: Callable[..., Player]) -> None:
    player = opened("tone")
    player.load_all()
    player.record()
    player.press("Space")
    player.until(f"e.position() > {int(1.3 * SHORT)}")
    player.get(f"p.setLoop({{ start: 10000, end: {4 * SHORT} }}, true)")  # replans what was scheduled, inaudibly
    player.heard_more(0.3)
    player.press("l")
    player.until(f"e.position() > {int(3.2 * SHORT)}")
    heard = player.played()[0]
    begin = int(np.argmax(np.abs(heard) > 1e-3)) + 400  # past the fade-in
    assert len(heard) - begin > 2.5 * SHORT
    assert_one_sine(heard[begin:])


def assert_one_sine(heard: np.ndarray) -> None:
    """A sine obeys x[n + 1] = 2 cos(w) x[n] - x[n - 1]; a skipped, doubled or silent sample breaks that."""
    w = 2 * np.pi * HERTZ / RATE
    residue = heard[2:] - 2 * np.cos(w) * heard[1:-1] + heard[:-2]
    seams = np.flatnonzero(np.abs(residue) > 8 / 32768)
    assert not len(seams), [(int(at), heard[max(0, at - 3) : at + 6].tolist()) for at in seams[:5]]
    assert np.abs(residue).max() < 8 / 32768  # rounding of 16-bit samples stored at half scale
    assert np.abs(heard).max() == pytest.approx(0.4, abs=1e-3)


def test_rendering_is_seamless_and_starts_on_the_frame(opened: Callable[..., Player]) -> None:
    player = opened("tone")
    start = SHORT - 777
    heard = player.render(start, 2 * SHORT)
    expected = 0.4 * np.sin(2 * np.pi * HERTZ * (start + np.arange(2 * SHORT)) / RATE)
    assert np.abs(heard[0] - expected).max() < 1e-4
    assert np.array_equal(heard[0], heard[1])
