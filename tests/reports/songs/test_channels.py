"""Speakers without names or above the head, and mono songs on one side or with one side turned."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from backends.separation.dsp.engine import DspEngine
from backends.separation.dsp.stereo import StereoMeter
from backends.separation.io.mix import Mix
from tests.support.separation import card, encode, level, read_song

RATE = 44100


def speakers(count: int) -> np.ndarray:
    """(T, count): a tone of 300 Hz on the first channel, 500 Hz on the second, 40 Hz on the fourth."""
    time = np.arange(RATE // 4) / RATE
    samples = np.zeros((len(time), count))
    for channel, frequency in ((0, 300), (1, 500), (3, 40)):
        samples[:, channel] = 0.3 * np.sin(2 * np.pi * frequency * time)
    return samples


def plain_wav(path: Path, samples: np.ndarray) -> Path:
    """A WAV file of 16-bit PCM whose header does not say where the channels belong."""
    count, data = samples.shape[1], (samples * 32767).astype("<i2").tobytes()
    head = struct.pack("<HHIIHH", 1, count, RATE, RATE * count * 2, count * 2, 16)
    sizes = struct.pack("<I", 36 + len(data)), struct.pack("<I", 16), struct.pack("<I", len(data))
    path.write_bytes(b"RIFF" + sizes[0] + b"WAVEfmt " + sizes[1] + head + b"data" + sizes[2] + data)
    return path


@pytest.mark.parametrize("count", [6, 8, 10, 12, 16, 24])
def test_unnamed_speakers_keep_their_sides_and_leave_out_the_effects_channel(tmp_path: Path, count: int) -> None:
    mix, heard = read_song(plain_wav(tmp_path / "song.wav", speakers(count)), tmp_path)
    left, right = ([level(side, frequency) for frequency in (300, 500, 40)] for side in heard)
    assert left[0] > 0.03 and left[1] < 0.002 and left[2] < 0.002
    assert right[1] > 0.03 and right[0] < 0.002 and right[2] < 0.002
    assert len(mix.notices) == 1 and "does not say where" in mix.notices[0] and "usual order" in mix.notices[0]


@pytest.mark.parametrize(("layout", "count"), [("7.1.4", 12), ("5.1.2", 8), ("5.1.4", 10)])
def test_speakers_above_the_head_belong_to_their_side(tmp_path: Path, layout: str, count: int) -> None:
    samples = speakers(count)
    samples[:, -2] = samples[:, 0]  # a left one above: top front or top back
    samples[:, 0] = 0
    path = encode(tmp_path / "song.wav", samples, "pcm_s16le", container="wav", layout=layout)
    mix, heard = read_song(path, tmp_path)
    assert level(heard[0], 300) > 0.03 and level(heard[1], 300) < 0.002 and level(heard[0], 40) < 0.002
    assert mix.notices == (f"The {count} channels of the file were mixed down to stereo.",)


def test_channels_without_any_usual_order_are_said_to_be_summed(tmp_path: Path) -> None:
    mix, heard = read_song(plain_wav(tmp_path / "song.wav", speakers(9)), tmp_path)
    np.testing.assert_array_equal(heard[0], heard[1])
    assert "both sides got the sum of all" in mix.notices[0]


SIDES = {"both": (1.0, 1.0), "left only": (1.0, 0.0), "right turned": (1.0, -1.0), "right softer": (1.0, 0.03)}


@pytest.mark.parametrize("sides", SIDES)
def test_a_mono_song_keeps_its_voice_however_it_lies_on_the_sides(tmp_path: Path, sides: str) -> None:
    rng = np.random.default_rng(1)
    time = np.arange(3 * RATE) / RATE
    pitch = 440 * (1 + 0.02 * np.sin(2 * np.pi * 5.5 * time)) * (1 + 0.25 * ((time // 0.7) % 3))
    voice = sum(np.sin(k * 2 * np.pi * np.cumsum(pitch) / RATE) / k for k in range(1, 6)) * 0.15
    chord = sum(np.sin(2 * np.pi * note * time) for note in (220, 277.2, 329.6)) * 0.05
    mono = voice + chord + rng.normal(0, 1e-3, len(time))
    samples = np.array(SIDES[sides])[:, None] * mono
    mix = Mix.from_samples(samples.astype(np.float32), RATE, tmp_path / "mix.wav")
    engine = DspEngine(card())
    engine.load("cpu")
    stems = np.concatenate(list(engine.chunks(mix)), axis=-1)  # (S, 2, T)
    vocals = stems[engine.sources.index("vocals")]
    loud = np.sqrt((vocals**2).sum() / (samples**2).sum())
    assert loud > 0.2
    np.testing.assert_allclose(stems.sum(axis=0), samples, atol=1e-5)


def test_a_stereo_song_is_no_mono_one_and_a_turned_side_is_seen() -> None:
    rng = np.random.default_rng(2)
    voice, left, right = rng.normal(size=(3, 10_000))
    for turn in (1, -1):
        meter = StereoMeter()
        meter.add(np.stack([voice + 0.4 * left, turn * (voice + 0.4 * right)]))
        image = meter.image()
        assert not image.single and image.weights == (1.0, turn)
