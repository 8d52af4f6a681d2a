"""A constant level is in one stem alone, the rest can go into “other”, and “everything but” is what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from backends.core.events import Metric
from backends.separation.demucs.checkpoints import Bag
from backends.separation.demucs.overlap import OverlapParameters, separate
from backends.separation.io.mix import Mix
from tests.support.separation import Halves, card, network, tone

RATE = 8000


class Leaky(Halves):
    """Sources that hold nine tenths of the song between them."""

    sources = ("drums", "bass", "other", "vocals")
    gains = (0.1, 0.2, 0.3, 0.3)

    def chunks(self, mix: Mix) -> Iterator[np.ndarray]:
        for block in mix.blocks(30_000):
            yield np.array(self.gains, np.float32)[:, None, None] * block


def stems(tmp_path: Path, options: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], np.ndarray, float]:
    """The stems and the song, (T, 2), and the residual in dB."""
    song = tmp_path / "song.wav"
    soundfile.write(song, tone(1.0), 44100, subtype="FLOAT")
    engine = Leaky(card())
    engine.load("cpu")
    events = list(engine.run({"song": song}, options, tmp_path / "out"))
    residual = next(event.value for event in events if isinstance(event, Metric) and event.name == "residual")
    files = sorted((tmp_path / "out" / "stems").glob("*.wav"))
    return {file.stem: soundfile.read(file)[0] for file in files}, soundfile.read(song)[0], residual


def test_the_rest_goes_into_other_where_that_is_asked_for(tmp_path: Path) -> None:
    plain, song, residual = stems(tmp_path, {})
    np.testing.assert_allclose(plain["other"], 0.3 * song, atol=1e-6)
    assert residual == pytest.approx(-20, abs=0.1)
    full, song, residual = stems(tmp_path, {"adds_up": "on"})
    np.testing.assert_allclose(full["other"], 0.4 * song, atol=1e-6)
    np.testing.assert_allclose(full["vocals"], plain["vocals"], atol=1e-7)
    assert residual < -100


def test_everything_but_the_voice_is_the_song_less_the_voice(tmp_path: Path) -> None:
    parts, song, residual = stems(tmp_path, {"stems": "vocals"})
    np.testing.assert_allclose(parts["everything but vocals"], 0.7 * song, atol=1e-6)
    assert residual < -100


@pytest.mark.parametrize("offset", [(0.1, 0.1), (0.1, 0.0)])
def test_a_constant_level_is_in_other_alone(tmp_path: Path, offset: tuple[float, float]) -> None:
    model = network("HTDemucs")
    samples = tone(1.0, RATE).T.astype(np.float32)
    options, found = OverlapParameters(), []
    for level in ((0.0, 0.0), offset):
        mix = Mix.from_samples(samples + np.array(level, np.float32)[:, None], RATE, tmp_path / "mix.wav")
        bag = Bag((model,), ((1.0,) * 4,))
        forward = lambda network, segment: network(segment).detach()  # noqa: E731
        pieces = [piece.numpy() for piece in separate(bag, mix, options, forward) if piece is not None]
        found.append(np.concatenate(pieces, axis=-1))
    plain, shifted = found
    expected = np.zeros((4, 2, 1), np.float32)
    expected[list(model.sources).index("other"), :, 0] = offset
    np.testing.assert_allclose(shifted - plain, np.broadcast_to(expected, plain.shape), atol=2e-3)
