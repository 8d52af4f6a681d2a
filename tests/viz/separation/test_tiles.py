"""Tiles and the palette: what is drawn is what was in the sound."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from backends.core.errors import BadInput
from viz.separation.mel import band_edges, hz_to_mel, mel_filters
from viz.separation.palette import DECIBEL_CEILING, DECIBEL_FLOOR, SPECTROGRAM_COLOURS, stem_colour
from viz.separation.spectrogram import log_mel
from viz.separation.tiles import (
    MEL_BANDS,
    PEAK_COLUMNS,
    SPECTROGRAM_COLUMNS,
    decode_tile,
    encode_tile,
    tile_of_file,
)

ROOT = Path(__file__).parents[3]
RATE = 44100
SEGMENT = 1 << 18


def sine(hertz: float, amplitude: float = 1.0, frames: int = SEGMENT) -> np.ndarray:
    wave = amplitude * np.sin(2 * np.pi * hertz * np.arange(frames) / RATE)
    return np.stack([wave, wave]).astype(np.float32)


def centres() -> np.ndarray:
    return librosa.mel_frequencies(MEL_BANDS + 2, fmin=30, fmax=16000)[1:-1]


def test_peaks_are_where_and_as_high_as_in_the_sound() -> None:
    samples = np.zeros((2, SEGMENT), np.float32)
    samples[0, 512 * 100 + 7] = 0.75
    samples[1, 512 * 200] = -1.25  # louder than full scale is kept
    tile = decode_tile(encode_tile(samples, RATE, SEGMENT))
    assert tile.peaks.shape == (PEAK_COLUMNS, 2)
    assert tile.peaks[100].tolist() == [0.0, 0.75]
    assert tile.peaks[200].tolist() == [-1.25, 0.0]
    assert np.count_nonzero(tile.peaks) == 2


def test_peaks_never_understate() -> None:
    samples = np.random.default_rng(0).uniform(-0.9, 0.9, (2, SEGMENT)).astype(np.float32)
    peaks = decode_tile(encode_tile(samples, RATE, SEGMENT)).peaks
    columns = samples.reshape(2, PEAK_COLUMNS, -1)
    assert (peaks[:, 1] >= columns.max(axis=(0, 2))).all()
    assert (peaks[:, 0] <= columns.min(axis=(0, 2))).all()
    assert np.abs(peaks[:, 1] - columns.max(axis=(0, 2))).max() <= 1 / 16384


@pytest.mark.parametrize("band", [4, 20, 45, 60])
def test_a_sine_lights_its_own_mel_band_at_its_own_level(band: int) -> None:
    spectrogram = decode_tile(encode_tile(sine(centres()[band], 0.1), RATE, SEGMENT)).spectrogram
    middle = spectrogram[64]
    assert int(middle.argmax()) == band
    assert middle[band] == pytest.approx(-20, abs=2.0)
    far = np.abs(np.arange(MEL_BANDS) - band) > 4
    assert middle[far].max() < -60


def test_levels_are_absolute_and_limited_to_the_shared_scale() -> None:
    loud = decode_tile(encode_tile(sine(1000), RATE, SEGMENT)).spectrogram
    quiet = decode_tile(encode_tile(sine(1000, 0.01), RATE, SEGMENT)).spectrogram
    band = int(loud[64].argmax())
    assert loud[64, band] - quiet[64, band] == pytest.approx(40, abs=0.5)
    silent = decode_tile(encode_tile(np.zeros((2, SEGMENT), np.float32), RATE, SEGMENT)).spectrogram
    assert (silent == DECIBEL_FLOOR).all()
    assert loud.max() <= DECIBEL_CEILING


def test_a_short_last_tile_marks_only_the_columns_that_hold_sound() -> None:
    tile = decode_tile(encode_tile(sine(440, 0.5, 5000), RATE, SEGMENT))
    assert tile.frames == 5000
    assert tile.peaks.shape == (10, 2)  # ceil(5000 / 512)
    assert tile.spectrogram.shape == (3, MEL_BANDS)  # ceil(5000 / 2048)
    assert tile.peaks[:, 1].min() > 0.45
    one = decode_tile(encode_tile(np.full((1, 1), 0.5, np.float32), RATE, SEGMENT))
    assert one.peaks.tolist() == [[0.5, 0.5]]


def test_broken_samples_do_not_break_the_picture() -> None:
    samples = sine(440, 0.5)
    samples[0, 100] = np.nan
    samples[1, 200] = np.inf
    tile = decode_tile(encode_tile(samples, RATE, SEGMENT))
    assert np.isfinite(tile.peaks).all() and tile.peaks[0, 1] == pytest.approx(0.5, abs=0.01)


def test_other_sample_rates_end_at_their_own_nyquist() -> None:
    tile = decode_tile(encode_tile(sine(440)[:, :SEGMENT], 8000, SEGMENT))
    assert tile.highest_hz == 4000


@pytest.mark.parametrize("shape", [(2, 0), (2, SEGMENT + 1), (SEGMENT,)])
def test_what_is_not_a_segment_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a tile takes"):
        encode_tile(np.zeros(shape, np.float32), RATE, SEGMENT)


@pytest.mark.parametrize("spoil", [lambda b: b[:20], lambda b: b[:-1], lambda b: b"XXXX" + b[4:], lambda b: b""])
def test_a_damaged_tile_is_told(spoil) -> None:
    with pytest.raises(BadInput):
        decode_tile(spoil(encode_tile(sine(440), RATE, SEGMENT)))


def test_a_stored_segment_is_drawn_at_its_true_level(tmp_path) -> None:
    path = tmp_path / "0.flac"
    soundfile.write(path, sine(1000, 0.8).T * 0.5, RATE, subtype="PCM_16")
    tile = decode_tile(tile_of_file(path, gain=0.5))
    assert tile.peaks[:, 1].max() == pytest.approx(0.8, abs=2e-4)
    assert tile.spectrogram.shape == (SPECTROGRAM_COLUMNS, MEL_BANDS)
    assert tile.spectrogram[64].max() == pytest.approx(-2, abs=2.5)
    (tmp_path / "bad.flac").write_bytes(b"not sound")
    for name in ("bad.flac", "absent.flac"):
        with pytest.raises(BadInput, match="could not be read back"):
            tile_of_file(tmp_path / name, gain=0.5)


@pytest.mark.slow
@pytest.mark.parametrize(("samplerate", "size", "highest"), [(RATE, 2048, 16000), (8000, 1024, 4000)])
def test_the_mel_filters_are_those_of_librosa(samplerate: int, size: int, highest: float) -> None:
    theirs = librosa.filters.mel(sr=samplerate, n_fft=size, n_mels=MEL_BANDS, fmin=30, fmax=highest, norm=None)
    assert np.abs(mel_filters(samplerate, size, MEL_BANDS) - theirs).max() < 1e-5


@pytest.mark.parametrize("bands", [MEL_BANDS, 96])
def test_player_and_page_have_one_scale_which_is_librosas(bands: int) -> None:
    theirs = librosa.mel_frequencies(bands + 2, fmin=30, fmax=16000)
    np.testing.assert_allclose(band_edges(RATE, bands), theirs, rtol=1e-6)
    np.testing.assert_allclose(hz_to_mel(theirs), librosa.hz_to_mel(theirs), rtol=1e-9)
    np.testing.assert_allclose(log_mel(sine(440, frames=RATE), RATE).freqs, band_edges(RATE, 96)[1:-1], rtol=1e-6)


@pytest.mark.slow
def test_the_first_tile_compiles_nothing() -> None:
    """The first sound of a song waits for its tile, in a process that draws pages meanwhile."""
    code = (
        "import sys, numpy as np; from viz.separation.tiles import encode_tile; "
        "encode_tile(np.zeros((2, 44100), np.float32), 44100, 1 << 18); "
        "sys.exit(bool({'librosa', 'numba', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_tile_is_small() -> None:
    assert len(encode_tile(sine(440), RATE, SEGMENT)) < 12_000


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.1."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


NAMES = ["vocals", "drums", "bass", "other", "guitar", "piano", "everything but vocals", "mix", "theremin", "choir"]


@pytest.mark.parametrize("name", NAMES)
def test_every_stem_colour_can_be_seen_on_light_and_dark(name: str) -> None:
    assert contrast(stem_colour(name), "#ffffff") >= 3
    assert contrast(stem_colour(name), "#0e1117") >= 3


def test_stem_colours_are_stable_and_the_known_ones_differ() -> None:
    assert stem_colour("Vocals ") == stem_colour("vocals")
    assert stem_colour("theremin") == stem_colour("theremin")
    assert len({stem_colour(name) for name in NAMES[:8]}) == 8


def test_the_spectrogram_scale_only_gets_lighter() -> None:
    assert np.all(np.diff([luminance(colour) for colour in SPECTROGRAM_COLOURS]) > 0)
