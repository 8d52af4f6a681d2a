"""The quality card on the sample song, whose truth is known, and on sounds made to fail."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile

import evaluation.metrics.separation.quality
from backends.core.errors import BadInput
from evaluation.metrics.separation.bleed import BleedMeter
from evaluation.metrics.separation.loudness_meters import ClippingMeter, LoudnessMeter, TruePeakMeter, read_aligned
from evaluation.metrics.separation.quality import QualityCard, assess
from evaluation.metrics.separation.quality_rows import QualityRow, key_row, tempo_row
from evaluation.metrics.separation.tempo_key import SAMPLERATE, Key, Tempo, detect_key, detect_tempo
from evaluation.synthetic.song import STEMS, SampleSong, make_song, write_sample
from tests.support.memory import assert_flat_memory, lengths


@pytest.fixture(scope="module")
def song() -> SampleSong:
    return make_song(24.0)


@pytest.fixture(scope="module")
def paths(song: SampleSong, tmp_path_factory) -> dict[str, Path]:
    return write_sample(tmp_path_factory.mktemp("sample"), song, ".wav")


@pytest.fixture(scope="module")
def card(paths: dict[str, Path]) -> QualityCard:
    return assess(paths["mix"], {name: paths[name] for name in STEMS})


def written(folder: Path, samplerate: int = 16000, **waves: np.ndarray) -> dict[str, Path]:
    for name, wave in waves.items():
        soundfile.write(folder / f"{name}.wav", np.atleast_2d(wave).T, samplerate, subtype="FLOAT")
    return {name: folder / f"{name}.wav" for name in waves}


def noise(seconds: float, seed: int = 0, samplerate: int = 16000) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * samplerate))


# --- the sample song -------------------------------------------------------------------------------------------------


def test_true_stems_get_a_good_card(card: QualityCard) -> None:
    assert card.row("residual").value == -120.0
    for name in STEMS:
        bleed = card.row(f"bleed_{name}")
        assert bleed.verdict == "info"  # an estimate that is blind to some leaks praises no stem
        assert 0.0 <= bleed.value < 0.005
    assert card.row("clipping").value == 0.0
    assert card.row("true_peak").value == pytest.approx(-1.5, abs=0.3)
    assert card.seconds == pytest.approx(24.0)
    assert card.notes == ()


def test_tempo_and_key_of_the_sample_song_are_found(card: QualityCard, song: SampleSong) -> None:
    found = card.row("tempo")
    assert found.value == pytest.approx(song.tempo, rel=0.01)
    assert found.confidence > 0.8
    found = card.row("key")
    assert found.value == song.key
    assert found.confidence > 0.5


def test_levels_are_those_of_the_stems(card: QualityCard, song: SampleSong) -> None:
    for name, wave in song.stems.items():
        level = 10 * np.log10(np.mean(wave.astype(np.float64) ** 2))
        assert card.row(f"level_{name}").value == pytest.approx(level, abs=0.01)
    assert card.row("silence_other").value < 0.02
    assert 0.02 < card.row("silence_vocals").value < 0.5


def test_loudness_is_pyloudnorms(card: QualityCard, song: SampleSong) -> None:
    expected = pyloudnorm.Meter(44100).integrated_loudness(song.mix.T.astype(np.float64))
    assert card.row("loudness").value == pytest.approx(expected, abs=0.05)


def test_every_row_speaks_plainly_and_travels_as_json(card: QualityCard) -> None:
    assert len({row.id for row in card.rows}) == len(card.rows)
    for row in card.rows:
        assert row.sentence.endswith(".")
        assert row.label
        assert ":" in row.definition
        assert row.text
    again = json.loads(json.dumps(card.as_dict()))
    assert again["rows"][0]["text"] == "−120.0 dB"
    assert {row.stem for row in card.rows} == {"", *STEMS}
    more = card.plus(QualityRow("si_sdr_vocals", "SI-SDR", 7.1, "dB", "info", "Good.", "SI-SDR: …", "vocals"))
    assert more.of_stem("vocals")[-1].id == "si_sdr_vocals"
    with pytest.raises(KeyError):
        card.row("si_sdr_vocals")


# --- bleed -----------------------------------------------------------------------------------------------------------


def bleed(stems: dict[str, np.ndarray], samplerate: int = 44100) -> dict[str, float] | None:
    meter = BleedMeter(samplerate, list(stems))
    length = next(iter(stems.values())).shape[-1]
    for start in range(0, length, samplerate):
        meter.add({name: np.atleast_2d(wave)[:, start : start + samplerate] for name, wave in stems.items()})
    return meter.fractions


@pytest.mark.slow
def test_bleed_follows_what_was_really_mixed_in(song: SampleSong) -> None:
    mix = song.mix.astype(np.float64)
    before = bleed(dict(song.stems))
    for gain in (0.05, 0.1, 0.2, 0.4):
        dirty = {name: wave + gain * (mix - wave) for name, wave in song.stems.items()}
        after = bleed(dirty)
        for name, wave in dirty.items():
            truth = np.sum((gain * (mix - song.stems[name])) ** 2) / np.sum(wave**2)
            assert after[name] > before[name]
            assert after[name] == pytest.approx(truth, rel=0.35, abs=0.003)
        before = after


def test_instruments_that_only_play_together_do_not_bleed() -> None:
    """Noise with one and the same rhythm: loud together, in step never."""
    rhythm = np.repeat(np.random.default_rng(9).uniform(0, 1, 160), 2000)
    shares = bleed({"one": noise(20, 1) * rhythm, "two": noise(20, 2) * rhythm}, 16000)
    assert max(shares.values()) < 0.01


def test_the_quiet_copy_carries_the_blame() -> None:
    loud = noise(20, 1)
    shares = bleed({"loud": loud, "copy": 0.05 * loud}, 16000)
    assert shares["copy"] > 0.8
    assert shares["loud"] < 0.01


def test_bleed_is_not_guessed_from_little() -> None:
    assert bleed({"one": noise(5, 1), "two": noise(5, 2)}, 16000) is None
    assert bleed({"one": noise(20, 1)}, 16000) is None


def test_dirty_stems_are_told_on_the_card(tmp_path: Path) -> None:
    voice, band = noise(12, 1), noise(12, 2)
    vocals = 0.7 * voice + 0.3 * band  # a mask that gives 30 % of each to the other
    paths = written(tmp_path, mix=voice + band, vocals=vocals, band=voice + band - vocals)
    card = assess(paths["mix"], {"vocals": paths["vocals"], "band": paths["band"]})
    assert card.row("residual").value < -100
    assert card.row("bleed_vocals").value == pytest.approx(0.09 / 0.58, abs=0.02)
    assert card.row("bleed_vocals").verdict == "poor"
    assert "other stems" in card.row("bleed_vocals").sentence


# --- residual, clipping, peaks, loudness -----------------------------------------------------------------------------


@pytest.mark.parametrize(("missing", "verdict"), [(0.001, "good"), (0.03, "fair"), (0.3, "poor")])
def test_residual_is_what_the_stems_lack(tmp_path: Path, missing: float, verdict: str) -> None:
    one, two = noise(3, 1), noise(3, 2)
    paths = written(tmp_path, mix=one + two, one=one * (1 - missing), two=two * (1 - missing))
    row = assess(paths["mix"], {"one": paths["one"], "two": paths["two"]}).row("residual")
    assert row.value == pytest.approx(20 * np.log10(missing), abs=0.05)
    assert row.verdict == verdict


def clipped_share(wave: np.ndarray) -> float:
    meter = ClippingMeter()
    for start in range(0, wave.size, 4000):
        meter.add(wave[None, start : start + 4000])
    return meter.fraction


def test_clipping_is_found_at_and_below_full_scale() -> None:
    time = np.arange(5 * 16000) / 16000
    wave = 1.5 * np.sin(2 * np.pi * 110 * time) * np.sin(2 * np.pi * 0.5 * time)
    cut = np.clip(wave, -1, 1)
    truth = np.mean(np.abs(wave) > 1)
    assert clipped_share(cut) == pytest.approx(truth, rel=0.1)
    assert clipped_share(0.6 * cut) == pytest.approx(truth, rel=0.1)  # clipped, then turned down
    assert clipped_share(wave / 1.6) < 1e-4
    for hz in (50, 440):
        rounded = np.round(0.9 * np.sin(2 * np.pi * hz * np.arange(5 * 44100) / 44100) * 32768) / 32768
        assert clipped_share(rounded) < 1e-5
    assert clipped_share(np.zeros(16000)) == 0.0


def test_clipping_forgets_what_lay_below_the_real_top() -> None:
    plateau = np.full(4000, 0.5)
    loud = 0.99 * np.sin(2 * np.pi * 441 * np.arange(44100) / 44100)
    assert clipped_share(np.concatenate([plateau, loud])) < 1e-3


def test_true_peak_sees_between_the_samples() -> None:
    """A sine at a quarter of the rate, sampled 45 degrees off its tops, is 3 dB higher than any sample."""
    wave = 0.9 * np.sin(np.pi / 2 * np.arange(16000) + np.pi / 4)
    meter = TruePeakMeter()
    for start in range(0, 16000, 4000):
        meter.add(wave[None, start : start + 4000])
    assert np.abs(wave).max() < 0.64
    assert meter.db == pytest.approx(20 * np.log10(0.9), abs=0.2)


@pytest.mark.parametrize("samplerate", [16000, 44100, 48000])
def test_a_minus_23_lufs_sine_reads_minus_23(samplerate: int) -> None:
    """BS.1770: a full-scale 997 Hz sine on one of two channels is -3.01 LUFS, so on both -0.0."""
    wave = np.sin(2 * np.pi * 997 * np.arange(20 * samplerate) / samplerate) * 10 ** (-23 / 20)
    stereo = np.stack([wave, wave])
    meter = LoudnessMeter(samplerate, 2)
    for start in range(0, wave.size, samplerate):
        meter.add(stereo[:, start : start + samplerate])
    assert meter.lufs == pytest.approx(-23.0, abs=0.3)
    assert meter.lufs == pytest.approx(pyloudnorm.Meter(samplerate).integrated_loudness(stereo.T), abs=0.05)


def test_loudness_gates_out_silence() -> None:
    wave = np.concatenate([noise(10, 1), np.zeros(10 * 16000)])[None]
    gated, plain = LoudnessMeter(16000, 1), LoudnessMeter(16000, 1)
    gated.add(wave)
    plain.add(wave[:, : 10 * 16000])
    assert gated.lufs == pytest.approx(plain.lufs, abs=0.2)


def test_overs_are_counted_for_stems(tmp_path: Path) -> None:
    loud = np.sin(2 * np.pi * 100 * np.arange(32000) / 16000) * 1.25
    paths = written(tmp_path, mix=np.zeros(32000), one=loud, two=-loud)
    card = assess(paths["mix"], {"one": paths["one"], "two": paths["two"]})
    assert card.row("over_one").value == pytest.approx(np.mean(np.abs(loud) > 1))
    assert card.row("over_one").verdict == "fair"


# --- tempo and key ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bpm", [72.0, 98.0, 133.0, 160.0])
def test_clicks_have_the_tempo_they_were_made_with(bpm: float) -> None:
    wave = 1e-3 * np.random.default_rng(0).standard_normal(20 * SAMPLERATE)
    burst = np.exp(-np.arange(2000) / 300) * np.random.default_rng(1).standard_normal(2000)
    for beat in np.arange(0.1, 19.5, 60 / bpm):
        first = round(beat * SAMPLERATE)
        wave[first : first + 2000] += 0.5 * burst
    found = detect_tempo(wave)
    octave = found.bpm / bpm
    assert min(abs(octave - ratio) for ratio in (0.5, 1.0, 2.0)) < 0.01
    assert found.confidence > 0.9


MAJOR_CADENCE = (0, 4, 7, 5, 9, 12, 7, 11, 14, 0, 4, 7)  # I, IV, V, I in semitones above the tonic
MINOR_CADENCE = (0, 3, 7, 5, 8, 12, 7, 11, 14, 0, 3, 7)


@pytest.mark.parametrize(
    ("tonic", "steps", "name"),
    [(60, MAJOR_CADENCE, "C major"), (57, MINOR_CADENCE, "A minor"), (63, MAJOR_CADENCE, "E♭ major")],
)
def test_cadences_have_the_key_they_were_written_in(tonic: int, steps: tuple[int, ...], name: str) -> None:
    time = np.arange(3 * SAMPLERATE) / SAMPLERATE
    wave = []
    for first in range(0, len(steps), 3):
        pitches = [tonic + step for step in steps[first : first + 3]]
        tones = [np.sin(2 * np.pi * h * 440 * 2 ** ((p - 68.8) / 12) * time) / h for p in pitches for h in (1, 2, 3)]
        wave.append(np.sum(tones, axis=0))  # a fifth of a semitone flat, as an old record may be
    assert detect_key(0.1 * np.concatenate(wave)).name == name


def test_a_deep_bass_note_counts() -> None:
    """A1, 55 Hz, under a chord of C major that alone would be heard as C: together they are A minor."""
    time = np.arange(12 * SAMPLERATE) / SAMPLERATE
    chord = sum(0.1 * np.sin(2 * np.pi * hz * time) for hz in (261.63, 329.63, 392.0))
    assert detect_key(chord).name == "C major"
    assert detect_key(chord + 0.3 * np.sin(2 * np.pi * 55 * time)).name == "A minor"


def test_noise_has_neither_tempo_nor_key() -> None:
    wave = noise(20, samplerate=SAMPLERATE)
    assert tempo_row(detect_tempo(wave)).value is None
    assert key_row(detect_key(wave)).value is None


def test_doubt_is_put_into_words() -> None:
    assert "guess" in key_row(Key("D major", 0.8, "B minor", 0.02)).sentence
    assert "B minor" in key_row(Key("D major", 0.8, "B minor", 0.02)).sentence
    assert "clearly" in key_row(Key("D major", 0.8, "B minor", 0.12)).sentence
    assert "half or double" in tempo_row(Tempo(90.0, 0.4)).sentence
    assert tempo_row(Tempo(90.0, 0.0)).value is None


# --- what cannot be told, and what cannot be read --------------------------------------------------------------------


def test_silence_and_shortness_are_no_verdict(tmp_path: Path) -> None:
    paths = written(tmp_path, mix=np.zeros(32000), one=np.zeros(32000), two=np.zeros(32000))
    card = assess(paths["mix"], {"one": paths["one"], "two": paths["two"]})
    for item in ("residual", "bleed_one", "clipping", "loudness", "true_peak", "tempo", "key"):
        row = card.row(item)
        assert row.value is None
        assert row.verdict == "info"
        assert row.sentence == "There is not enough sound to tell."
    assert "silent" in card.row("level_one").sentence
    short = written(tmp_path, mix=noise(0.1), one=noise(0.1))
    card = assess(short["mix"], {"one": short["one"]})
    assert card.row("loudness").value is None
    assert card.row("tempo").value is None
    assert card.row("residual").value == -120.0


def test_a_silent_stem_among_others_is_no_fault(tmp_path: Path) -> None:
    paths = written(tmp_path, mix=noise(12), one=noise(12), two=np.zeros(12 * 16000))
    card = assess(paths["mix"], {"one": paths["one"], "two": paths["two"]})
    assert card.row("bleed_two").value is None
    assert card.row("bleed_one").value == 0.0
    assert "nothing of it was found" in card.row("silence_two").sentence


def test_mono_stems_of_a_stereo_song_and_short_stems_fit(tmp_path: Path) -> None:
    mono = noise(4)
    paths = written(tmp_path, mix=np.stack([mono, mono]), one=mono, cut=mono[: 2 * 16000])
    card = assess(paths["mix"], {"one": paths["one"]})
    assert card.row("residual").value == -120.0
    card = assess(paths["mix"], {"cut": paths["cut"]})
    assert card.row("residual").value == pytest.approx(-3.0, abs=0.2)  # half of the song is missing


def test_files_that_do_not_fit_are_refused_in_plain_words(tmp_path: Path) -> None:
    mix = written(tmp_path, mix=noise(2))["mix"]
    other_rate = written(tmp_path, samplerate=8000, slow=noise(1))["slow"]
    wide = written(tmp_path, wide=np.zeros((3, 32000)))["wide"]
    broken = written(tmp_path, broken=np.full(32000, np.nan))["broken"]
    empty = written(tmp_path, empty=np.zeros((1, 0)))["empty"]
    (tmp_path / "picture.wav").write_bytes(b"\x89PNG not a sound")
    unfit = {
        other_rate: "samples a second",
        wide: "channels",
        broken: "not numbers",
        tmp_path / "picture.wav": "cannot be read",
        tmp_path / "gone.wav": "cannot be read",
    }
    for path, words in unfit.items():
        with pytest.raises(BadInput, match=words):
            assess(mix, {"stem": path})
    with pytest.raises(BadInput, match="no sound"):
        assess(empty, {"stem": mix})


def test_blocks_keep_files_in_step(tmp_path: Path) -> None:
    one, two = noise(2.3, 1), noise(2.3, 2)
    paths = written(tmp_path, one=one, two=two)
    blocks = [block for _, block in read_aligned(paths, seconds=0.5)]
    assert np.allclose(np.concatenate([block["one"][0] for block in blocks]), one, atol=1e-7)
    assert np.allclose(np.concatenate([block["two"][0] for block in blocks]), two, atol=1e-7)


# --- limits ----------------------------------------------------------------------------------------------------------


def assess_with_short_limits(folder: Path, minutes: int) -> tuple[str, ...]:
    """The notes on a sound compared with itself, of which 2 minutes are heard for its music and 3 for bleed."""
    seen: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation.metrics.separation.quality, "MUSIC_SECONDS", 120.0)
        patch.setattr(evaluation.metrics.separation.quality, "BLEED_SECONDS", 180.0)
        card = assess(folder / f"{minutes}.wav", {"one": folder / f"{minutes}.wav"}, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(seen) > 10
    return card.notes


@pytest.mark.slow
@lengths((3, 6), nightly=(3, 15))
def test_memory_does_not_grow_with_the_length_and_cuts_are_admitted(tmp_path: Path, small: int, large: int) -> None:
    samplerate = 4000
    wave = noise(60.0, samplerate=samplerate)
    for minutes in (small, large):
        with soundfile.SoundFile(tmp_path / f"{minutes}.wav", "w", samplerate, 1, subtype="PCM_16") as file:
            for _ in range(minutes):
                file.write(wave)
    work = partial(assess_with_short_limits, tmp_path)
    assert_flat_memory(work, small, large, growth=1_500_000)  # 3 minutes more would be 6 MB
    assert work(small) == ("Tempo and key were measured on the first 2 minutes.",)
    assert work(large)[0] == "Bleed was measured on the first 3 minutes."


def test_the_page_can_import_the_card_cheaply() -> None:
    root = Path(evaluation.__file__).parents[1]
    code = (
        "import sys, evaluation.metrics.separation.quality, viz.separation.spectrogram; "
        "print([name for name in ('torch', 'librosa', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"
