"""The stem player in a real browser while a job runs, and with segments that are missing or wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support.browser import RunFolder
from tests.support.stem_player import RATE, SHORT, Player, sine

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_playing_starts_before_the_end_waits_and_goes_on(opened: Callable[..., Player], runs: Path) -> None:
    frames = 3 * SHORT + 2000
    whole = sine(frames)
    live = RunFolder(runs / "live", SHORT, live=True)
    live.tell()
    player = opened("live", wait=False)
    player.page.get_by_text("The first seconds will appear here").wait_for()
    assert player.page.get_by_role("button", name="Play", exact=True).is_disabled()
    live.add("tone", whole[:, :SHORT])
    live.tell()
    player.until("e.segments.ready.size > 0")
    player.record()
    player.root.evaluate("(el) => { window.before = el.stemPlayer; }")
    player.press("Space")
    player.until("e.state === 'buffering' && e.position() > 60000")
    player.page.get_by_text("Buffering…").wait_for()
    live.add("tone", whole[:, SHORT : 2 * SHORT])
    live.tell()
    player.until(f"e.state === 'playing' && e.position() > {SHORT}")
    live.add("tone", whole[:, 2 * SHORT :])
    live.tell(frames=frames, live=False)
    player.until("e.state === 'ended'")
    assert player.get("e.position()") == frames
    assert player.page.evaluate("window.before === document.querySelector('[data-testid=stBidiComponentIsolated]')"
                                ".shadowRoot.querySelector('.player').stemPlayer")  # fmt: skip
    heard = player.played()[0]
    silent = (heard[:-1] == 0) & (heard[1:] == 0)  # a single zero is the sine crossing it
    assert np.count_nonzero(~silent) == pytest.approx(frames, abs=0.01 * RATE)  # nothing lost, nothing played twice


def test_a_missing_segment_is_told_and_can_be_tried_again(opened: Callable[..., Player], runs: Path) -> None:
    broken = RunFolder(runs / "broken", SHORT, frames=2 * SHORT)
    broken.add("vocals", sine(2 * SHORT))
    sound = (runs / "broken" / "vocals" / "0.flac").read_bytes()
    (runs / "broken" / "vocals" / "0.flac").write_bytes(sound[:100])
    broken.tell()
    player = opened("broken", wait=False)
    message = player.page.get_by_role("alert")
    message.get_by_text("“Vocals” could not be decoded at 0:00.").wait_for()
    (runs / "broken" / "vocals" / "0.flac").write_bytes(sound)
    message.get_by_role("button", name="Try again").click()
    player.until("e.segments.ready.has(0)")
    assert not message.is_visible()


def test_a_segment_of_the_wrong_length_is_an_error(opened: Callable[..., Player], runs: Path) -> None:
    odd = RunFolder(runs / "odd", SHORT, frames=2 * SHORT)
    odd.add("vocals", sine(SHORT - 1))
    odd.add("vocals", sine(SHORT))
    odd.tell()
    player = opened("odd", wait=False)
    player.page.get_by_text(f"is {SHORT - 1} samples long instead of {SHORT}").wait_for()
    assert not player.get("e.segments.ready.has(0)"), "it would shift what comes after it"


def test_memory_is_bounded(song: Player) -> None:
    kept = song.get(
        """(() => {
          const segments = new e.segments.constructor(() => {});
          segments.update(p.data);
          const hour = { numberOfChannels: 14, length: p.data.segment_frames };
          for (let i = 0; i < 606; i += 1) segments.keep(i, hour);
          return [segments.ready.size * 14 * 4 * p.data.segment_frames, [...segments.ready.keys()].slice(-1)];
        })()"""
    )
    assert kept[0] <= 96 * 2**20 and kept[1] == [605]
