"""Beats, bars and chords of a piece of music, each with a measure of how far to trust it.

Beats: dynamic programming over the onset strength at the tempo that `tempo_key` finds (Ellis, "Beat Tracking by Dynamic
Programming", 2007), as librosa has it. Bars: the phase and length at which low notes are struck and chords change.
Chords: the pitch classes between two beats against those of the 24 major and minor triads, the bass counted on its own,
and the likeliest path through them (Viterbi).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from evaluation.metrics.separation.tempo_key import (
    HOP,
    PITCH_CLASSES,
    SAMPLERATE,
    Key,
    Tempo,
    detect_key,
    detect_tempo,
    onset_strength,
)

Wave = NDArray[np.float64]

BEAT_SECONDS = 0.07
"""How near an onset must be to a beat to speak for it: the tolerance that is usual for beats."""

END_BEATS = 16
TIGHTNESS = 400
"""How strictly beats keep to the tempo."""

BAR_LENGTHS = (4, 3)
LOW_HZ = 150.0
CHROMA_HOP = 512
STAY = 0.9
"""The probability that a chord goes on over the next beat."""

NO_CHORD = "–"
CHORD_NAMES = (*PITCH_CLASSES, *(f"{name}m" for name in PITCH_CLASSES))
SHARPNESS = 12.0
BASS_WEIGHT = 0.35


@dataclass(frozen=True)
class ChordSpan:
    """`name` sounds from `start` to `end`, in seconds; `sure` between 0 and 1."""

    start: float
    end: float
    name: str
    sure: float


@dataclass(frozen=True)
class MusicMap:
    """What a player draws above the lanes.

    `beats` are seconds; every `beats_a_bar`-th of them from the one at `first_bar` on begins a bar, 0 where bars could
    not be told. `beats_sure` is the share of beats at which something is struck; `bars_sure` how far the best way to
    count bars lies above the next, between 0 and 1.
    """

    tempo: Tempo | None
    key: Key | None
    beats: tuple[float, ...] = ()
    beats_sure: float = 0.0
    first_bar: int = 0
    beats_a_bar: int = 0
    bars_sure: float = 0.0
    chords: tuple[ChordSpan, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return asdict(self)


def map_music(mix: Wave, harmony: Wave | None = None, bass: Wave | None = None) -> MusicMap:
    """The map of a song.

    Args:
        mix: mono `(T,)` at `SAMPLERATE`.
        harmony: what plays the chords, without voice and drums; None for the mix itself.
        bass: the bass alone, where it is known.
    """
    tempo, key = detect_tempo(mix), detect_key(mix)
    if tempo is None or tempo.confidence == 0.0:
        return MusicMap(tempo, key)
    beats, sure = find_beats(mix, tempo.bpm)
    if len(beats) < 2 * max(BAR_LENGTHS):
        return MusicMap(tempo, key)
    chroma = beat_chroma(mix if harmony is None else harmony, beats)
    low = beat_chroma(bass, beats) if bass is not None else None
    chords = find_chords(chroma, low, beats)
    length, first, bars_sure = find_bars(mix if bass is None else bass, beats, chroma)
    return MusicMap(tempo, key, tuple(np.round(beats, 4).tolist()), sure, first, length, bars_sure, chords)


def find_beats(wave: Wave, bpm: float) -> tuple[Wave, float]:
    """Times of the beats in seconds, and the share of them at which something is struck."""
    import librosa  # here, because its import takes seconds of a processor

    onsets = np.maximum(onset_strength(wave), 0.0)
    # The search begins with a last beat that it only guesses: the song goes on for some beats as it ended.
    repeated = min(len(onsets), round(END_BEATS * 60 / bpm * SAMPLERATE / HOP))
    _, frames = librosa.beat.beat_track(
        onset_envelope=np.concatenate([onsets, onsets[-repeated:]]),
        sr=SAMPLERATE,
        hop_length=HOP,
        bpm=bpm,
        tightness=TIGHTNESS,
        trim=False,
    )
    frames = np.asarray(frames)[np.asarray(frames) < len(onsets)]
    beats = frames * HOP / SAMPLERATE
    if not len(beats):
        return beats, 0.0
    reach = round(BEAT_SECONDS * SAMPLERATE / HOP)
    loud = np.array([onsets[max(0, frame - reach) : frame + reach + 1].max(initial=0.0) for frame in frames])
    return beats, float(np.mean(loud > 0.5 * np.median(onsets[onsets > 0]) + 0.5 * onsets.mean()))


def beat_chroma(wave: Wave, beats: Wave) -> Wave:
    """Strength of the twelve pitch classes between each beat and the next, `(len(beats) - 1, 12)`."""
    import librosa

    chroma = librosa.feature.chroma_cqt(y=wave.astype(np.float32), sr=SAMPLERATE, hop_length=CHROMA_HOP, norm=None)
    edges = np.round(beats * SAMPLERATE / CHROMA_HOP).astype(int)
    spans = [chroma[:, a : max(b, a + 1)] for a, b in pairwise(edges)]
    means = np.array([span.mean(axis=1) if span.size else np.zeros(12) for span in spans])
    return means / np.maximum(means.max(axis=1, keepdims=True), 1e-9)


def _templates() -> Wave:
    """(24, 12): the notes of each triad; the root counts a little more."""
    major, minor = np.zeros(12), np.zeros(12)
    major[[0, 4, 7]], minor[[0, 3, 7]] = (1.1, 1.0, 0.9), (1.1, 1.0, 0.9)
    rows = np.array([np.roll(one, root) for one in (major, minor) for root in range(12)])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def find_chords(chroma: Wave, bass: Wave | None, beats: Wave) -> tuple[ChordSpan, ...]:
    """The chord from beat to beat; where nothing sounds, `NO_CHORD`."""
    import librosa

    centred = chroma - chroma.mean(axis=1, keepdims=True)
    templates = _templates()
    shapes = templates - templates.mean(axis=1, keepdims=True)
    shapes /= np.linalg.norm(shapes, axis=1, keepdims=True)
    fits = centred @ shapes.T / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)  # (B - 1, 24)
    if bass is not None:
        fits = fits + BASS_WEIGHT * np.tile(bass - bass.mean(axis=1, keepdims=True), 2)
    weights = np.exp(SHARPNESS * (fits - fits.max(axis=1, keepdims=True)))
    chances = weights / weights.sum(axis=1, keepdims=True)
    moves = np.full((24, 24), (1 - STAY) / 23)
    np.fill_diagonal(moves, STAY)
    path = librosa.sequence.viterbi_discriminative(chances.T, moves)
    silent = chroma.sum(axis=1) < 1e-6
    names = [NO_CHORD if quiet else CHORD_NAMES[state] for quiet, state in zip(silent, path, strict=True)]
    sure = [float(chances[place, state]) for place, state in enumerate(path)]
    return _joined(names, sure, beats)


def _joined(names: Sequence[str], sure: Sequence[float], beats: Wave) -> tuple[ChordSpan, ...]:
    spans: list[ChordSpan] = []
    begin = 0
    for place in range(1, len(names) + 1):
        if place == len(names) or names[place] != names[begin]:
            mean = float(np.mean(sure[begin:place]))
            start, end = round(float(beats[begin]), 3), round(float(beats[place]), 3)
            spans.append(ChordSpan(start, end, names[begin], round(mean, 3)))
            begin = place
    return tuple(spans)


def find_bars(low: Wave, beats: Wave, chroma: Wave) -> tuple[int, int, float]:
    """Beats in a bar, the beat that begins the first whole bar, and how sure that is.

    Each way to count is scored by how much more is struck in the bass, and how much more the harmony changes, at the
    beats that it calls first than at the others, in standard errors.
    """
    evidence = _standard(_low_strokes(low, beats)) + 2.0 * _standard(_harmonic_change(chroma, len(beats)))
    scores = {}
    for length in BAR_LENGTHS:
        for first in range(length):
            at = np.zeros(len(beats), bool)
            at[first::length] = True
            spread = evidence.std() * np.sqrt(1 / at.sum() + 1 / (~at).sum())
            scores[length, first] = float((evidence[at].mean() - evidence[~at].mean()) / max(spread, 1e-9))
    (best, score), (_, second) = sorted(scores.items(), key=lambda item: -item[1])[:2]
    return best[0], best[1], float(np.clip((score - max(second, 0.0)) / 4.0, 0.0, 1.0))


def _standard(values: Wave) -> Wave:
    return (values - values.mean()) / max(float(values.std()), 1e-9)


def _low_strokes(wave: Wave, beats: Wave) -> Wave:
    """How much the low end rises at each beat, in dB."""
    deep = signal.sosfiltfilt(signal.butter(4, LOW_HZ, fs=SAMPLERATE, output="sos"), wave) ** 2
    total = np.concatenate([[0.0], np.cumsum(deep)])
    reach = round(BEAT_SECONDS * SAMPLERATE)
    at = np.clip(np.round(beats * SAMPLERATE).astype(int), 0, len(wave))
    before, after = np.clip(at - 2 * reach, 0, len(wave)), np.clip(at + reach, 0, len(wave))
    start = np.clip(at - reach // 2, 0, len(wave))
    rise = (total[after] - total[start]) / 1.5 - (total[start] - total[before]) / 1.5
    return np.sqrt(np.maximum(rise, 0.0))


def _harmonic_change(chroma: Wave, count: int) -> Wave:
    """How unlike the harmony after each beat is to that before it, 0 to 1."""
    unit = chroma / np.maximum(np.linalg.norm(chroma, axis=1, keepdims=True), 1e-9)
    change = np.zeros(count)
    change[1 : len(unit)] = 1.0 - (unit[1:] * unit[:-1]).sum(axis=1)
    return change
