"""A song shorter than one block of the built-in engine: its progress moves before the end."""

from __future__ import annotations

from pathlib import Path

import soundfile

from backends.core.events import Progress
from backends.separation.dsp.engine import STEPS, DspEngine
from tests.support.separation import card, tone


def test_progress_moves_within_a_block(tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    soundfile.write(song, tone(1.0), 44100)
    engine = DspEngine(card())
    engine.load("cpu")
    events = engine.run({"song": song}, {}, tmp_path / "out")
    done = [event.done for event in events if isinstance(event, Progress) and event.stage == "Separating"]
    assert done == sorted(done) and done[-1] == 1.0
    assert len(set(done)) == STEPS + 2  # 0 while the song is measured, one after each step, and the end
