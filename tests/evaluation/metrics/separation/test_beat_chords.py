"""Beats, bars and chords of a made song at a tempo and in a key of its own, against what was played."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from benchmarks import music_map
from evaluation.metrics.separation.beat_chords import BEAT_SECONDS, NO_CHORD, MusicMap, find_bars, map_music
from evaluation.metrics.separation.tempo_key import PITCH_CLASSES, SAMPLERATE
from evaluation.synthetic import score
from evaluation.synthetic.song import make_song
from studio.songs.stretch import Pace, at_pace

pytestmark = pytest.mark.slow

SECONDS = 28.0
PACE = Pace(1.25, -4)
RATE = 22050


@pytest.fixture(scope="module")
def heard() -> MusicMap:
    """The sample song a quarter faster and four semitones lower."""
    song = make_song(SECONDS, RATE)

    def mono(*names: str) -> np.ndarray:
        wave = sum(song.stems[name] for name in names).mean(axis=0).astype(float)
        moved = np.concatenate(list(at_pace([wave[:, None]], len(wave), RATE, PACE)))[:, 0]
        return soxr.resample(moved, RATE, SAMPLERATE) if RATE != SAMPLERATE else moved

    return map_music(mono(*song.stems), mono("other", "bass"), mono("bass"))


def test_beats_are_where_they_were_played(heard: MusicMap) -> None:
    assert heard.tempo is not None and heard.tempo.bpm == pytest.approx(1.25 * score.TEMPO, rel=0.01)
    true = np.arange(0, SECONDS / 1.25 - 1, 60 / (1.25 * score.TEMPO))
    beats = np.array(heard.beats)
    found = np.mean([np.abs(beats - one).min() < BEAT_SECONDS for one in true])
    right = np.mean([np.abs(true - one).min() < BEAT_SECONDS for one in beats if one < true[-1]])
    assert found > 0.95 and right > 0.95 and heard.beats_sure > 0.9


def test_bars_begin_where_they_do(heard: MusicMap) -> None:
    assert heard.beats_a_bar == 4 and heard.bars_sure > 0.5
    bars = np.array(heard.beats)[heard.first_bar :: 4]
    true = np.arange(0, SECONDS / 1.25, 4 * 60 / (1.25 * score.TEMPO))
    assert np.mean([np.abs(true - one).min() < BEAT_SECONDS for one in bars]) > 0.9


def test_chords_and_key_are_those_that_were_played_in_the_other_key(heard: MusicMap) -> None:
    assert heard.key is not None and heard.key.name == "B♭ major"
    starts = [(score.seconds_at(beat) / 1.25, chord.name) for beat, _, chord in score.bars(SECONDS)]

    def true(at: float) -> str:
        name = [name for start, name in starts if start <= at][-1]
        root = PITCH_CLASSES[(PITCH_CLASSES.index(name.removesuffix("m")) - 4) % 12]
        return root + ("m" if name.endswith("m") else "")

    times = np.arange(1.0, SECONDS / 1.25 - 1, 0.1)
    told = [next((one.name for one in heard.chords if one.start <= at < one.end), NO_CHORD) for at in times]
    assert np.mean([true(at) == name for at, name in zip(times, told, strict=True)]) > 0.9
    assert {name for _, name in starts} == {"D", "Bm", "G", "A"}


def test_mir_eval_judges_them_well_too_and_what_is_wrong_badly(heard: MusicMap) -> None:
    assert music_map.beats_f(heard, PACE, SECONDS) > 0.95 and music_map.bars(heard, PACE, SECONDS) > 0.9
    assert music_map.chords(heard, PACE, SECONDS) > 0.9 and music_map.key_score(heard, PACE) == 1.0
    other = Pace(PACE.speed, PACE.semitones + 5)  # a fifth off, as mir_eval counts it half
    assert music_map.key_score(heard, other) in (0.5, 0.0) and music_map.chords(heard, other, SECONDS) < 0.7
    assert music_map.beats_f(heard, Pace(1.0, 0), SECONDS) < 0.5


def test_noise_has_no_beats_and_silence_no_map() -> None:
    assert map_music(np.zeros(20 * SAMPLERATE)) == MusicMap(None, None)
    noise = np.random.default_rng(0).normal(0, 0.1, 20 * SAMPLERATE)
    assert map_music(noise).beats == ()


def test_three_beats_a_bar_are_told_from_four() -> None:
    beats = np.arange(48) * 0.5
    low = np.zeros(25 * SAMPLERATE)
    for at in beats[1::3]:
        place = round(at * SAMPLERATE)
        low[place : place + 4000] += np.sin(2 * np.pi * 60 * np.arange(4000) / SAMPLERATE) * np.hanning(4000)
    chroma = np.zeros((47, 12))
    chroma[np.arange(47), ((np.arange(47) - 1) // 3 % 2) * 5] = 1.0
    length, first, sure = find_bars(low, beats, chroma)
    assert (length, first) == (3, 1) and sure > 0.5
