"""The sample song is what its score says, and its stems are the truth to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from evaluation.synthetic import score
from evaluation.synthetic.song import STEMS, SampleSong, make_song, write_sample

SECONDS = 14.0


def f0_track(wave: np.ndarray, samplerate: int, low: float, high: float, hop: int = 256) -> np.ndarray:
    """Pitch in Hz of each 2048-sample frame of `wave` (T,), from the first high peak of its autocorrelation."""
    size = 2048
    frames = np.lib.stride_tricks.sliding_window_view(wave, size)[::hop] * np.hanning(size)
    power = np.abs(np.fft.rfft(frames, 2 * size)) ** 2
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(size), 2 * size)) ** 2)
    lags = np.arange(int(samplerate / high), int(samplerate / low) + 1)
    match = np.fft.irfft(power)[:, : lags[-1] + 2] / window[: lags[-1] + 2]
    good = match[:, lags] > 0.9 * match[:, lags].max(axis=1, keepdims=True)  # two periods match as well as one:
    peak = (match[:, lags] >= match[:, lags - 1]) & (match[:, lags] >= match[:, lags + 1])
    best = (good & peak).argmax(axis=1) + lags[0]  # the shortest lag wins
    before, here, after = (match[np.arange(len(best)), best + step] for step in (-1, 0, 1))
    return samplerate / (best + 0.5 * (before - after) / np.minimum(before - 2 * here + after, -1e-9))


def attacks(wave: np.ndarray, hop: int = 256) -> np.ndarray:
    """How much louder each frame of `wave` (T,) is than the one before, over all frequencies, in dB, never below 0."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(wave, 512), 1024)[::hop] * np.hanning(1024)
    level = 20 * np.log10(np.abs(np.fft.rfft(frames)) + 1e-2)
    return np.maximum(np.diff(level, axis=0, prepend=level[:1]), 0).mean(axis=1)


@pytest.fixture(scope="module")
def song() -> SampleSong:
    return make_song(SECONDS)


def test_stems_sum_to_the_mix_exactly_and_never_clip(song: SampleSong) -> None:
    assert tuple(song.stems) == STEMS
    total = np.zeros((2, round(SECONDS * 44100)))
    for wave in song.stems.values():
        assert wave.dtype == np.float32
        total += wave
    assert np.array_equal(song.mix, total)  # no tolerance: every sample lies on the 24-bit grid
    assert 20 * np.log10(np.abs(song.mix).max()) == pytest.approx(-1.5, abs=0.01)


@pytest.mark.slow
def test_same_seed_same_samples_other_seed_other_samples() -> None:
    first, again, other = make_song(3.0), make_song(3.0), make_song(3.0, seed=1)
    for name in STEMS:
        assert np.array_equal(first.stems[name], again.stems[name])
    assert not np.array_equal(first.stems["vocals"], other.stems["vocals"])
    assert not np.array_equal(first.stems["drums"], other.stems["drums"])


def test_every_stem_is_heard_in_balance(song: SampleSong) -> None:
    level = {name: 10 * np.log10(np.mean(wave.astype(np.float64) ** 2)) for name, wave in song.stems.items()}
    assert min(level.values()) > -32
    assert max(level.values()) - min(level.values()) < 10


def test_the_voice_sings_the_notes_of_the_score(song: SampleSong) -> None:
    voice = song.stems["vocals"].mean(axis=0)
    f0 = f0_track(voice, song.samplerate, 160, 800)
    times = (np.arange(f0.size) * 256 + 1024) / song.samplerate
    errors = []
    for note in song.notes:
        held = (times > note.start + 0.12) & (times < note.start + note.seconds - 0.06)
        if held.sum() >= 5:
            errors.append(12 * np.log2(np.median(f0[held]) / note.hertz))
    assert len(errors) > 15
    assert np.mean(np.abs(errors) < 0.5) > 0.95  # within a quarter tone
    assert abs(np.median(errors)) < 0.15


def test_long_notes_have_vibrato_at_a_singers_rate(song: SampleSong) -> None:
    voice = song.stems["vocals"].mean(axis=0)
    note = max(song.notes, key=lambda each: each.seconds)
    held = voice[round((note.start + 0.3) * 44100) : round((note.start + note.seconds - 0.05) * 44100)]
    f0 = f0_track(held, 44100, 0.8 * note.hertz, 1.25 * note.hertz, hop=128)
    cents = 1200 * np.log2(f0[8:-8] / note.hertz)
    spectrum = np.abs(np.fft.rfft((cents - cents.mean()) * np.hanning(cents.size), 8192))
    rate = np.argmax(spectrum[20:]) + 20
    assert 4.5 < rate * (44100 / 128) / 8192 < 7.0
    assert 8 < cents.std() < 60


@pytest.mark.slow
def test_vowels_differ_in_their_formants() -> None:
    """Between 2 and 3 kHz "i" is bright and "u" is dark, measured on the song's own notes."""
    song = make_song(30.0)
    voice = song.stems["vocals"].mean(axis=0)
    balance: dict[str, list[float]] = {"i": [], "u": []}
    for note in song.notes:
        if note.syllable[1] in balance:
            part = voice[round((note.start + 0.08) * 44100) : round((note.start + note.seconds - 0.05) * 44100)]
            power = np.abs(np.fft.rfft(part * np.hanning(part.size))) ** 2
            hz = np.fft.rfftfreq(part.size, 1 / 44100)
            low, high = power[(hz > 600) & (hz < 1300)].sum(), power[(hz > 2100) & (hz < 3300)].sum()
            balance[note.syllable[1]].append(10 * np.log10(high / low))
    assert min(balance["i"]) > max(balance["u"]) + 6


def test_the_voice_rests_between_phrases_and_stays_in_the_middle(song: SampleSong) -> None:
    voice = song.stems["vocals"].astype(np.float64)
    middle, side = voice.mean(axis=0), (voice[0] - voice[1]) / 2
    assert 10 * np.log10((side**2).sum() / (middle**2).sum()) < -15
    blocks = (middle[: middle.size // 4410 * 4410].reshape(-1, 4410) ** 2).mean(axis=1)
    assert 0.05 < np.mean(blocks < 1e-3 * blocks.max()) < 0.6


def test_drum_onsets_lie_on_the_swung_grid(song: SampleSong) -> None:
    drums = song.stems["drums"].mean(axis=0)
    strength = attacks(drums)
    times = np.arange(strength.size) * 256 / 44100
    grid = np.array([score.seconds_at(step / 4) for step in range(200)])
    strong = times[strength > 5 * np.median(strength)]
    assert np.abs(strong[:, None] - grid).min(axis=1).max() < 0.03
    beaten = [hit for hit in song.hits if hit.drum in ("kick", "snare") and hit.velocity > 0.5]
    loud = [hit.start for hit in beaten if 0.1 < hit.start < SECONDS - 0.1]
    heard = [strength[np.abs(times - start) < 0.03].max() for start in loud]
    assert len(loud) > 25
    assert min(heard) > 2.5 * np.median(strength)


@pytest.mark.parametrize("suffix", [".flac", ".wav"])
def test_written_files_hold_every_bit(tmp_path, song: SampleSong, suffix: str) -> None:
    paths = write_sample(tmp_path / "sample", song, suffix)
    assert set(paths) == {"mix", *STEMS}
    read = {name: soundfile.read(path, dtype="float32")[0].T for name, path in paths.items()}
    assert np.array_equal(read["mix"], song.mix)
    assert np.array_equal(sum(read[name] for name in STEMS), read["mix"])


@pytest.mark.parametrize("samplerate", [8000, 16000, 48000])
def test_other_sample_rates_hold_the_same_song(samplerate: int) -> None:
    song = make_song(4.0, samplerate)
    assert song.mix.shape == (2, 4 * samplerate)
    assert np.isfinite(song.mix).all()
    assert 0.8 < np.abs(song.mix).max() < 0.9


def test_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="one second"):
        make_song(0.5)
