"""Spectrogram panels show the right row, share one scale, and stay small; masks share out what is there."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from backends.core.errors import BadInput
from tests.support.memory import assert_flat_memory, lengths
from viz.separation import spectrogram

RATE = 16000


def sine(hz: float, seconds: float = 2.0, amplitude: float = 1.0, rate: int = RATE) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize("hz", [60.0, 440.0, 1000.0, 5000.0])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_a_sine_peaks_in_its_own_row_near_zero_db(hz: float, rate: int) -> None:
    spec = spectrogram.log_mel(sine(hz, rate=rate), rate)
    middle = spec.db[:, spec.db.shape[1] // 2]
    row = middle.argmax()
    spacing = np.diff(spec.freqs)[max(0, row - 1)]
    assert abs(spec.freqs[row] - hz) <= spacing
    assert -4.0 < middle[row] <= 0.5
    far = np.abs(spec.freqs - hz) > 6 * spacing
    assert middle[far].max() < -35


def test_a_tenth_of_the_amplitude_is_20_db_less() -> None:
    loud, soft = (spectrogram.log_mel(sine(1000, amplitude=a), RATE).db.max() for a in (1.0, 0.1))
    assert loud - soft == pytest.approx(20.0, abs=0.05)


def test_a_burst_is_drawn_when_it_sounds() -> None:
    wave = np.zeros(10 * RATE)
    wave[6 * RATE : 7 * RATE] = sine(800, 1.0)
    spec = spectrogram.log_mel(wave, RATE, columns=200)
    assert spec.db.shape == (96, 200)
    loud = spec.times[spec.db.max(axis=0) > -20]
    assert loud.min() == pytest.approx(6.0, abs=0.1)
    assert loud.max() == pytest.approx(7.0, abs=0.1)
    assert spec.seconds == 10.0


def test_file_and_samples_give_the_same_picture(tmp_path) -> None:
    rng = np.random.default_rng(0)
    wave = 0.1 * rng.standard_normal((2, 3 * RATE)).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", wave.T, RATE, subtype="FLOAT")
    assert np.array_equal(spectrogram.log_mel(tmp_path / "noise.wav").db, spectrogram.log_mel(wave, RATE).db)


def test_no_band_is_empty_and_white_noise_rises_with_band_width() -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(20 * 44100)
    level = spectrogram.log_mel(noise, 44100).db.mean(axis=1)
    assert level.min() > -60
    assert level[-1] > level[0] + 8  # the highest band is far wider than the lowest


def test_not_a_number_is_drawn_as_silence() -> None:
    wave = sine(1000)
    wave[: RATE // 2] = np.nan
    spec = spectrogram.log_mel(wave, RATE)
    assert np.isfinite(spec.db).all()
    assert spec.db[:, 0].max() < -80 < -10 < spec.db[:, -2].max()


def draw(folder: Path, minutes: int) -> None:
    spec = spectrogram.log_mel(folder / f"{minutes}.wav")
    assert spec.db.shape[1] <= 1000
    assert spec.seconds == 60 * minutes


@pytest.mark.slow
@lengths((2, 6), nightly=(3, 18))
def test_memory_does_not_grow_with_the_length(tmp_path, small: int, large: int) -> None:
    minute = 0.1 * np.random.default_rng(0).standard_normal((60 * 8000, 2))
    for minutes in (small, large):
        with soundfile.SoundFile(tmp_path / f"{minutes}.wav", "w", 8000, 2, subtype="PCM_16") as file:
            for _ in range(minutes):
                file.write(minute)

    assert_flat_memory(partial(draw, tmp_path), small, large, growth=4_000_000)  # 4 minutes are 15 MB as float32


def test_unreadable_and_empty_are_refused_in_plain_words(tmp_path) -> None:
    (tmp_path / "picture.wav").write_bytes(b"\x89PNG not a sound")
    with pytest.raises(BadInput, match="cannot be read"):
        spectrogram.log_mel(tmp_path / "picture.wav")
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 2)), RATE)
    with pytest.raises(BadInput, match="no sound"):
        spectrogram.log_mel(tmp_path / "empty.wav")
    with pytest.raises(ValueError, match="rate"):
        spectrogram.log_mel(np.zeros(100))


@pytest.fixture(scope="module")
def specs() -> dict[str, spectrogram.Spectrogram]:
    low, high = sine(200, 4.0, 0.5), sine(3000, 4.0, 0.05)
    high[: 2 * RATE] = 0
    sounds = {"mix": low + high, "bass": low, "vocals": high}
    return {name: spectrogram.log_mel(wave, RATE) for name, wave in sounds.items()}


def test_panels_share_scale_time_and_pitch(specs) -> None:
    figure = spectrogram.spectrogram_panels(specs)
    assert [trace.name for trace in figure.data] == ["mix", "bass", "vocals"]
    assert {trace.coloraxis for trace in figure.data} == {"coloraxis"}
    assert all(trace.zmin is None and trace.zmax is None for trace in figure.data)
    assert (figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax) == (-80, 0)
    assert figure.layout.xaxis.matches == figure.layout.xaxis2.matches == "x3"
    assert figure.layout.yaxis2.matches == "y"
    assert figure.layout.yaxis.type == "log"
    # 20 dB apart in the sound are 20 apart in the numbers that are drawn
    bass, vocals = figure.data[1].z, figure.data[2].z
    assert int(bass.max()) - int(vocals.max()) == pytest.approx(20, abs=2)


def test_the_figure_says_where_and_how_loud(specs) -> None:
    figure = spectrogram.spectrogram_panels(specs)
    heat = figure.data[2]
    row, column = np.unravel_index(heat.z.argmax(), heat.z.shape)
    assert heat.y[row] == pytest.approx(3000, rel=0.03)
    assert 2000 < heat.x0 + column * heat.dx < 4000  # milliseconds on a date axis
    assert "dB" in heat.hovertemplate
    assert "Hz" in heat.hovertemplate


def test_no_colour_of_paper_or_font_is_forced(specs) -> None:
    for figure in (spectrogram.spectrogram_panels(specs), spectrogram.mask_panels(_masks(specs))):
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
        assert figure.layout.font.color is None
        assert all(note.font.color is None for note in figure.layout.annotations)


@pytest.mark.parametrize("stems", [1, 5, 12])
def test_figures_stay_small(stems: int) -> None:
    noise = np.random.default_rng(0).uniform(-80, 0, (96, 1000)).astype(np.float32)
    times, freqs = np.arange(1000, dtype=np.float32), np.geomspace(40, 16000, 96).astype(np.float32)
    many = {f"stem {number}": spectrogram.Spectrogram(noise, times, freqs, 1000.0) for number in range(stems)}
    figure = spectrogram.spectrogram_panels(many)
    assert len(figure.to_json()) < 1_500_000
    drawn = figure.data[0]
    assert drawn.x0 + drawn.dx * (drawn.z.shape[1] - 1) == pytest.approx(999_000, abs=2000)


def _masks(specs) -> spectrogram.Masks:
    return spectrogram.soft_masks(specs["mix"], {name: spec for name, spec in specs.items() if name != "mix"})


def test_masks_share_out_all_that_is_heard(specs) -> None:
    masks = _masks(specs)
    total = sum(masks.shares.values())
    assert masks.heard.any()
    assert not masks.heard.all()
    assert np.allclose(total[masks.heard], 1.0, atol=1e-5)
    assert (total[~masks.heard] == 0).all()
    low, high = (np.abs(masks.freqs - hz).argmin() for hz in (200, 3000))
    late = masks.times > 2.5
    assert masks.shares["bass"][low].min() > 0.99
    assert masks.shares["vocals"][high, late][:-2].min() > 0.99
    assert masks.shares["vocals"][high, masks.times < 1.5].max() < 0.5


def test_equal_stems_get_half_each() -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(2 * RATE)
    part = spectrogram.log_mel(noise, RATE)
    masks = spectrogram.soft_masks(spectrogram.log_mel(2 * noise, RATE), {"left": part, "right": part})
    assert np.allclose(masks.shares["left"][masks.heard], 0.5)
    assert spectrogram.mask_panels(masks).data[0].z.max() == 50


def test_masks_need_the_same_cells(specs) -> None:
    with pytest.raises(ValueError, match="same cells"):
        spectrogram.soft_masks(specs["mix"], {"short": spectrogram.log_mel(sine(100, 1.0), RATE)})


def test_words_for_screen_readers_tell_what_is_drawn(specs) -> None:
    words = spectrogram.describe({**specs, "drums": spectrogram.log_mel(np.zeros(4 * RATE), RATE)})
    assert "4 s" in words
    assert "bass is strongest around 210 Hz and sounds 100 % of the time" in words
    assert "vocals is strongest around 3.0 kHz and sounds 5" in words
    assert "drums is silent" in words
    assert "bass" in spectrogram.describe_masks(_masks(specs))
